/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files as a log source: every line exactly once through every kind of rotation, by one that
 * follows and by one that starts again and again; the backlog newest first; what is said when there
 * is nothing. STALWARDEN_LOG_LINES scales the matrix (default 1,000,000 lines followed in every cell,
 * an eighth of that where it starts again and again). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "client/logsource.h"
#include "core/mem.h"

#define DEADLINE_MS 60000

/* ---- a place to work in ---- */

struct world {
	struct loop *loop;
	char dir[64];
	char *cursor;  /* of the last batch */
	uint8_t *seen; /* per line number */
	size_t total, count, twice, others;
	size_t batches;
	unsigned long *numbers; /* in the order of delivery, backlog tests */
	size_t number_count, number_cap;
	enum logsource_state state;
	char text[256];
	bool is_done; /* close in the callback when set to stop_after */
	size_t stop_after, budget;
	bool backlog_only, saw_backlog;
};

static void world_init(struct world *w, size_t total)
{
	memset(w, 0, sizeof(*w));
	w->loop = loop_new();
	snprintf(w->dir, sizeof(w->dir), "/tmp/stalwarden-log-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->total = total;
	w->seen = xcalloc(total + 1, 1);
	w->cursor = xstrdup("");
}

static void world_release(struct world *w)
{
	char command[128];

	loop_free(w->loop);
	snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	assert_int_equal(system(command), 0);
	free(w->seen);
	free(w->cursor);
	free(w->numbers);
}

static char *in_dir(const struct world *w, const char *name)
{
	static char path[4][256];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", w->dir, name);
	return path[turn];
}

static void append(const struct world *w, const char *name, const char *text)
{
	int fd = open(in_dir(w, name), O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static size_t format_line(char *out, size_t size, unsigned long n)
{
	return (size_t)snprintf(out, size,
		"2026-11-20T%02lu:%02lu:%02luZ INFO Blocked IP address (security.ip-blocked) "
		"listenerId = \"smtp\", remoteIp = 203.0.113.7, "
		"remotePort = 40000, id = %lu\n",
		n / 3600 % 24, n / 60 % 60, n % 60, n);
}

static void append_lines(
	const struct world *w, const char *name, unsigned long first, unsigned long last)
{
	struct buf b = BUF_INIT;
	char line[256];

	for (; first <= last; first++)
		buf_add(&b, line, format_line(line, sizeof(line), first));
	append(w, name, buf_str(&b));
	buf_release(&b);
}

static void on_lines(struct logsource *src, const struct logbatch *batch, void *arg)
{
	struct world *w = arg;
	struct slice v;
	unsigned long n;
	size_t i;

	if (!batch->is_backlog) {
		/* What the store relies on: a batch begins where the one before ended. */
		if (strcmp(batch->from, "tail") != 0)
			assert_string_equal(batch->from, w->cursor);
		free(w->cursor);
		w->cursor = xstrdup(batch->cursor);
	}
	w->saw_backlog |= batch->is_backlog;
	assert_true(w->budget == 0 || batch->count <= w->budget); /* every line matters */
	w->batches++;
	for (i = 0; i < batch->count; i++) {
		if (!event_field(&batch->events[i], "id", 0, &v)) {
			w->others++;
			continue;
		}
		n = strtoul(v.p, NULL, 10);
		xgrow(&w->numbers, &w->number_cap, w->number_count + 1, sizeof(*w->numbers));
		w->numbers[w->number_count++] = n;
		assert_true(n <= w->total);
		w->twice += w->seen[n];
		w->count += !w->seen[n];
		w->seen[n] = 1;
	}
	if (w->stop_after && w->batches >= w->stop_after) {
		w->is_done = true;
		logsource_close(src);
	}
}

static void on_state(struct logsource *src, enum logsource_state state, const char *text, void *arg)
{
	struct world *w = arg;

	(void)src;
	w->state = state;
	if (*text || state == LOGSOURCE_LIVE || state == LOGSOURCE_ENDED)
		snprintf(w->text, sizeof(w->text), "%s", text);
}

static struct logsource *open_source(
	struct world *w, const char *path, const char *cursor, bool follow, size_t newest)
{
	struct logsource_want want = {
		.cursor = cursor, .follow = follow, .newest = newest, .budget = w->budget
	};
	struct logsource_events events = { on_lines, on_state, w };
	struct err err = ERR_INIT;
	struct logsource *src;

	w->state = LOGSOURCE_OPENING;
	w->batches = 0;
	w->is_done = false;
	src = logsource_open(
		&logsource_file, (void *)(uintptr_t)path, w->loop, NULL, &want, &events, &err);
	if (src == NULL)
		fail_msg("%s", err.msg);
	return src;
}

/* Turns the loop until *flag, or the count is reached, or the state is. */
static void run_until_count(struct world *w, size_t count)
{
	int64_t deadline = clock_mono() + DEADLINE_MS;

	while (w->count + w->others < count && clock_mono() < deadline)
		loop_turn(w->loop, 100);
	assert_true(w->count + w->others >= count);
}

static void run_until_state(struct world *w, enum logsource_state state)
{
	int64_t deadline = clock_mono() + DEADLINE_MS;

	while (w->state != state && !w->is_done && clock_mono() < deadline)
		loop_turn(w->loop, 100);
	assert_true(w->state == state || w->is_done);
}

/* ---- the rotation matrix ---- */

enum rotation { RENAME, COPY_TRUNCATE, GZIP, DAILY, ROTATIONS };

static void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	char buf[65536];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0) {
		if (write(out, buf, (size_t)n) != n)
			_exit(3);
	}
	close(in);
	close(out);
}

static void gzip_file(const char *path)
{
	char to[300], buf[65536];
	int in = open(path, O_RDONLY);
	gzFile out;
	ssize_t n;

	snprintf(to, sizeof(to), "%s.gz", path);
	out = gzopen(to, "wb1");
	while ((n = read(in, buf, sizeof(buf))) > 0)
		gzwrite(out, buf, (unsigned)n);
	gzclose(out);
	close(in);
	unlink(path);
}

/* x.log.N -> x.log.N+1 and so on, x.log.gz likewise. */
static void shift_names(const char *base, int generations)
{
	char from[300], to[300];
	int i;

	for (i = generations; i >= 1; i--) {
		snprintf(from, sizeof(from), "%s.%d", base, i);
		snprintf(to, sizeof(to), "%s.%d", base, i + 1);
		rename(from, to);
		snprintf(from, sizeof(from), "%s.%d.gz", base, i);
		snprintf(to, sizeof(to), "%s.%d.gz", base, i + 1);
		rename(from, to);
	}
}

static int open_log(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (fd < 0)
		_exit(4);
	return fd;
}

/* Runs in a child: writes lines 1..total in pieces that end anywhere, and rotates now and then. */
static void write_log(const char *dir, enum rotation how, unsigned long total, unsigned rotations)
{
	unsigned long n = 1, next = total / rotations;
	char base[200], path[256], piece[64 * 1024], line[256];
	size_t len = 0, line_len, done;
	int fd, generation = 0, day = 1;
	unsigned seed = 7;

	snprintf(base, sizeof(base), "%s/%s", dir, how == DAILY ? "stalwart" : "stalwart.log");
	if (how == DAILY)
		snprintf(path, sizeof(path), "%s.2026-11-%02d", base, day);
	else
		snprintf(path, sizeof(path), "%s", base);
	fd = open_log(path);
	while (n <= total || len > 0) {
		while (n <= total && len + 256 < sizeof(piece) - 4096) {
			line_len = format_line(line, sizeof(line), n);
			memcpy(piece + len, line, line_len);
			len += line_len;
			if (n++ == next)
				break;
		}
		seed = seed * 1103515245 + 12345;
		done = len > 4096 && n != next + 1 && n <= total ? len - seed % 4096 : len;
		if (write(fd, piece, done) != (ssize_t)done)
			_exit(5);
		memmove(piece, piece + done, len - done);
		len -= done;
		if (n != next + 1 || len > 0 || n > total)
			continue;
		next += total / rotations;
		generation++;
		if (how == DAILY) {
			close(fd);
			snprintf(path, sizeof(path), "%s.2026-11-%02d", base, ++day);
			fd = open_log(path);
			continue;
		}
		shift_names(base, generation);
		snprintf(path, sizeof(path), "%s.1", base);
		if (how == COPY_TRUNCATE) {
			copy_file(base, path);
			if (ftruncate(fd, 0) != 0)
				_exit(6);
			continue;
		}
		rename(base, path);
		close(fd);
		fd = open_log(base);
		if (how == GZIP && generation > 1) {
			snprintf(path, sizeof(path), "%s.2", base);
			gzip_file(path);
		}
	}
	close(fd);
}

static pid_t start_writer(const struct world *w, enum rotation how, unsigned rotations)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		write_log(w->dir, how, w->total, rotations);
		_exit(0);
	}
	return pid;
}

static void wait_writer(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Following gets the whole number in every cell. */
static size_t lines_per_cell(bool is_whole)
{
	const char *s = getenv("STALWARDEN_LOG_LINES");
	size_t n = s ? strtoul(s, NULL, 10) : 1000000;

	return is_whole ? n : n / (2 * ROTATIONS);
}

static void follow_rotation(enum rotation how)
{
	struct logsource *src;
	struct world w;
	pid_t pid;

	world_init(&w, lines_per_cell(true));
	/* The newest thing first: an empty log that is then written to, as after an installation.
	 */
	append(&w, how == DAILY ? "stalwart.2026-11-01" : "stalwart.log", "");
	src = open_source(&w, how == DAILY ? w.dir : in_dir(&w, "stalwart.log"), "", true, 0);
	run_until_state(&w, LOGSOURCE_LIVE);
	pid = start_writer(&w, how, 20);
	run_until_count(&w, w.total);
	wait_writer(pid);
	run_until_state(&w, LOGSOURCE_LIVE);
	assert_int_equal(w.count, w.total);
	assert_int_equal(w.twice, 0);
	assert_int_equal(w.others, 0);
	logsource_close(src);
	world_release(&w);
}

/* A sync that is started again and again while the log is written and rotated, stopped in the
 * middle each time. */
static void resume_rotation(enum rotation how)
{
	int64_t deadline = clock_mono() + DEADLINE_MS;
	unsigned seed = 3, runs = 0;
	struct logsource *src;
	struct world w;
	char *cursor, *path;
	pid_t pid;

	world_init(&w, lines_per_cell(false));
	w.budget = 100;
	append(&w, how == DAILY ? "stalwart.2026-11-01" : "stalwart.log", "");
	pid = start_writer(&w, how, 20);
	path = xstrdup(how == DAILY ? w.dir : in_dir(&w, "stalwart.log"));
	while (w.count < w.total && clock_mono() < deadline) {
		seed = seed * 1103515245 + 12345;
		w.stop_after = 1 + (seed >> 16) % 5;
		cursor = xstrdup(w.cursor);
		src = open_source(&w, path, cursor, false, 0);
		run_until_state(&w, LOGSOURCE_ENDED);
		if (!w.is_done)
			logsource_close(src);
		free(cursor);
		runs++;
	}
	wait_writer(pid);
	assert_int_equal(w.count, w.total);
	assert_int_equal(w.twice, 0);
	assert_true(runs > 3);
	free(path);
	world_release(&w);
}

static void test_follow_rename(void **state)
{
	(void)state;
	follow_rotation(RENAME);
}

static void test_follow_copy_truncate(void **state)
{
	(void)state;
	follow_rotation(COPY_TRUNCATE);
}

static void test_follow_gzip(void **state)
{
	(void)state;
	follow_rotation(GZIP);
}

static void test_follow_daily(void **state)
{
	(void)state;
	follow_rotation(DAILY);
}

static void test_resume_rename(void **state)
{
	(void)state;
	resume_rotation(RENAME);
}

static void test_resume_copy_truncate(void **state)
{
	(void)state;
	resume_rotation(COPY_TRUNCATE);
}

static void test_resume_gzip(void **state)
{
	(void)state;
	resume_rotation(GZIP);
}

static void test_resume_daily(void **state)
{
	(void)state;
	resume_rotation(DAILY);
}

/* ---- single stories ---- */

static void assert_numbers(
	const struct world *w, size_t at, unsigned long first, unsigned long last)
{
	unsigned long n = first;

	for (;; at++) {
		assert_true(at < w->number_count);
		assert_int_equal(w->numbers[at], n);
		if (n == last)
			return;
		n += first < last ? 1 : (unsigned long)-1;
	}
}

static void test_tail_is_newest_first(void **state)
{
	struct logsource *src;
	struct world w;

	(void)state;
	world_init(&w, 5000);
	append_lines(&w, "stalwart.2026-11-18", 1, 1000);
	gzip_file(in_dir(&w, "stalwart.2026-11-18"));
	append_lines(&w, "stalwart.2026-11-19", 1001, 3000);
	append_lines(&w, "stalwart.2026-11-20", 3001, 4000);
	src = open_source(&w, w.dir, NULL, true, 100);
	run_until_count(&w, 100);
	assert_int_equal(w.number_count, 100);
	assert_true(w.saw_backlog);
	assert_numbers(&w, 0, 4000, 3901);
	run_until_state(&w, LOGSOURCE_LIVE);
	append_lines(&w, "stalwart.2026-11-20", 4001, 4003);
	run_until_count(&w, 103);
	assert_numbers(&w, 100, 4001, 4003);
	/* Scrolling back goes on through older files, the packed one too. */
	assert_true(src->has_more_backlog);
	logsource_older(src, 1500);
	run_until_count(&w, 1603);
	assert_numbers(&w, 103, 3900, 2401);
	logsource_older(src, 10000);
	run_until_count(&w, 4003);
	assert_numbers(&w, 1603, 2400, 1);
	run_until_state(&w, LOGSOURCE_LIVE);
	assert_false(src->has_more_backlog);
	assert_int_equal(w.twice, 0);
	logsource_close(src);
	world_release(&w);
}

static void test_pause_holds_back(void **state)
{
	struct logsource *src;
	struct world w;
	int i;

	(void)state;
	world_init(&w, 100);
	append_lines(&w, "stalwart.log", 1, 5);
	src = open_source(&w, w.dir, "", true, 0);
	run_until_count(&w, 5);
	run_until_state(&w, LOGSOURCE_LIVE);
	logsource_pause(src, true);
	assert_int_equal(w.state, LOGSOURCE_PAUSED);
	append_lines(&w, "stalwart.log", 6, 9);
	for (i = 0; i < 5; i++)
		loop_turn(w.loop, 30);
	assert_int_equal(w.count, 5);
	logsource_pause(src, false);
	run_until_count(&w, 9);
	logsource_close(src);
	world_release(&w);
}

static void test_unfinished_lines(void **state)
{
	struct logsource *src;
	struct world w;
	int i;

	(void)state;
	world_init(&w, 100);
	append(&w, "stalwart.log",
		"2026-11-20T10:00:00Z INFO A (x.y) id = 1\n2026-11-20T10:00:00Z INFO A (x.y) i");
	src = open_source(&w, w.dir, "", true, 0);
	run_until_count(&w, 1);
	for (i = 0; i < 8; i++)
		loop_turn(w.loop, 100);
	assert_int_equal(w.count, 1); /* half a line is no line, however long it takes */
	append(&w, "stalwart.log", "d = 2\n2026-11-20T10:00:00Z INFO A (x.y)\n\tid = 3\n");
	run_until_count(&w, 3); /* a multi-line record is whole after a while */
	append(&w, "stalwart.log", "not a log line\n");
	run_until_count(&w, 4);
	assert_int_equal(w.others, 1);
	assert_true(src->stats.unparsed == 1);
	logsource_close(src);
	world_release(&w);
}

static void test_cut_without_copy(void **state)
{
	struct logsource *src;
	struct world w;

	(void)state;
	world_init(&w, 100);
	append_lines(&w, "stalwart.log", 1, 10);
	src = open_source(&w, in_dir(&w, "stalwart.log"), "", true, 0);
	run_until_count(&w, 10);
	run_until_state(&w, LOGSOURCE_LIVE);
	assert_int_equal(truncate(in_dir(&w, "stalwart.log"), 0), 0);
	append_lines(&w, "stalwart.log", 11, 30); /* longer than before */
	run_until_count(&w, 30);
	assert_int_equal(w.twice, 0);
	assert_non_null(strstr(w.text, "cut"));
	logsource_close(src);
	world_release(&w);
}

static void test_file_gone_for_good(void **state)
{
	struct logsource *src;
	struct world w;
	char *cursor;

	(void)state;
	world_init(&w, 100000);
	append_lines(&w, "stalwart.log", 1, 10);
	src = open_source(&w, w.dir, "", false, 0);
	run_until_state(&w, LOGSOURCE_ENDED);
	logsource_close(src);
	assert_int_equal(w.count, 10);
	assert_int_equal(unlink(in_dir(&w, "stalwart.log")), 0);
	append_lines(&w, "stalwart.log", 5,
		20); /* a restored copy with another beginning: 5 to 10 are known */
	cursor = xstrdup(w.cursor);
	src = open_source(&w, w.dir, cursor, false, 0);
	run_until_state(&w, LOGSOURCE_ENDED);
	logsource_close(src);
	assert_true(w.count >= 20);
	free(cursor);
	world_release(&w);
}

static void test_nothing_there_yet(void **state)
{
	struct logsource *src;
	struct world w;

	(void)state;
	world_init(&w, 100);
	src = open_source(&w, w.dir, "", true, 0);
	run_until_state(&w, LOGSOURCE_LOST);
	assert_non_null(strstr(w.text, "no log file"));
	append_lines(&w, "stalwart.2026-11-20", 1, 3);
	run_until_count(&w, 3);
	logsource_close(src);
	src = open_source(&w, in_dir(&w, "no/such/place.log"), "", false, 0);
	run_until_state(&w, LOGSOURCE_FAILED);
	logsource_close(src);
	world_release(&w);
}

static void test_permission_is_explained(void **state)
{
	struct logsource *src;
	struct world w;

	(void)state;
	world_init(&w, 100);
	append_lines(&w, "stalwart.log", 1, 3);
	assert_int_equal(chmod(w.dir, 0755), 0);
	assert_int_equal(chmod(in_dir(&w, "stalwart.log"), 0), 0);
	if (getuid() == 0) /* root may read everything */
		assert_int_equal(seteuid(65534), 0);
	src = open_source(&w, in_dir(&w, "stalwart.log"), "", false, 0);
	run_until_state(&w, LOGSOURCE_FAILED);
	assert_non_null(strstr(w.text, "permission denied"));
	logsource_close(src);
	assert_int_equal(seteuid(getuid()), 0);
	world_release(&w);
}

static void test_owner_closes(void **state)
{
	struct logsource_want want = { .cursor = "", .follow = true };
	struct logsource_events events = { on_lines, on_state, NULL };
	struct err err = ERR_INIT;
	struct scope owner;
	struct world w;
	int i;

	(void)state;
	world_init(&w, 100);
	events.arg = &w;
	append_lines(&w, "stalwart.log", 1, 3);
	scope_init(&owner);
	assert_non_null(
		logsource_open(&logsource_file, w.dir, w.loop, &owner, &want, &events, &err));
	scope_cancel(&owner);
	for (i = 0; i < 3; i++)
		loop_turn(w.loop, 10);
	assert_int_equal(w.count, 0);
	world_release(&w);
}

static void test_slices_are_short(void **state)
{
	struct logsource *src;
	struct world w;

	(void)state;
	world_init(&w, 200000);
	append_lines(&w, "stalwart.log", 1, 200000);
	src = open_source(&w, w.dir, "", false, 0);
	run_until_state(&w, LOGSOURCE_ENDED);
	assert_int_equal(w.count, 200000);
	assert_true(w.batches > 20); /* not in one go */
	logsource_close(src);
	world_release(&w);
}

/* ---- stdin ---- */

static void pipe_lines(struct world *w, unsigned long first, unsigned long last)
{
	struct logsource_want want = { .cursor = w->cursor, .follow = true, .budget = w->budget };
	struct logsource_events events = { on_lines, on_state, w };
	char line[256], *cursor = xstrdup(w->cursor);
	struct err err = ERR_INIT;
	struct logsource *src;
	size_t len;
	int fds[2];

	want.cursor = cursor;
	assert_int_equal(pipe(fds), 0);
	src = logsource_open(&logsource_stdin, &fds[0], w->loop, NULL, &want, &events, &err);
	assert_non_null(src);
	for (; first <= last; first++) {
		len = format_line(line, sizeof(line), first);
		assert_int_equal(write(fds[1], line, len), len);
	}
	close(fds[1]);
	w->state = LOGSOURCE_LIVE;
	run_until_state(w, LOGSOURCE_ENDED);
	logsource_close(src);
	close(fds[0]);
	free(cursor);
}

/* `docker logs` gives everything again each time. */
static void test_stdin_again(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 300);
	w.budget = 7;
	pipe_lines(&w, 1, 100);
	assert_int_equal(w.count, 100);
	pipe_lines(&w, 1, 150);
	pipe_lines(&w, 120, 200);
	assert_int_equal(w.count, 200);
	assert_int_equal(w.twice, 0);
	world_release(&w);
}

/* ---- choosing and explaining ---- */

static void test_choose(void **state)
{
	char path[256], key[300];

	(void)state;
	assert_int_equal(logsource_choose("-", path, sizeof(path)), LOGSOURCE_KIND_STDIN);
	assert_int_equal(logsource_choose("api", path, sizeof(path)), LOGSOURCE_KIND_API);
	assert_int_equal(logsource_choose("/some/where", path, sizeof(path)), LOGSOURCE_KIND_FILE);
	assert_string_equal(path, "/some/where");
	logsource_key(LOGSOURCE_KIND_FILE, "/some/../some/where", key, sizeof(key));
	assert_string_equal(key, "file:/some/../some/where");
	logsource_key(LOGSOURCE_KIND_FILE, "/usr/../usr/bin", key, sizeof(key));
	assert_string_equal(key, "file:/usr/bin");
}

static void test_diagnose(void **state)
{
	struct logsource_stats stats = { 0 };
	struct buf b = BUF_INIT;

	(void)state;
	logsource_diagnose(&stats, "0.15.5", &b);
	assert_non_null(strstr(buf_str(&b), "tracer.log.type"));
	buf_reset(&b);
	logsource_diagnose(&stats, "0.16.18", &b);
	assert_non_null(strstr(buf_str(&b), "x:Tracer"));
	stats.lines = stats.by_level[LEVEL_INFO] = 1000;
	buf_reset(&b);
	logsource_diagnose(&stats, "0.15.5", &b);
	assert_non_null(strstr(buf_str(&b), "tracing.level.auth.failed"));
	buf_reset(&b);
	logsource_diagnose(&stats, "0.8.1", &b);
	assert_non_null(strstr(buf_str(&b), "debug"));
	stats.by_level[LEVEL_DEBUG] = 1;
	buf_reset(&b);
	logsource_diagnose(&stats, "0.15.5", &b);
	assert_string_equal(buf_str(&b), "");
	stats = (struct logsource_stats){ .lines = 10, .by_level[LEVEL_ERROR] = 10 };
	logsource_diagnose(&stats, "0.15.5", &b);
	assert_non_null(strstr(buf_str(&b), "Only warnings"));
	/* A sync that finds nothing new is no sign of anything. */
	stats = (struct logsource_stats){ .is_partial = true };
	buf_reset(&b);
	logsource_diagnose(&stats, "0.15.5", &b);
	assert_string_equal(buf_str(&b), "");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follow_rename),
		cmocka_unit_test(test_follow_copy_truncate),
		cmocka_unit_test(test_follow_gzip),
		cmocka_unit_test(test_follow_daily),
		cmocka_unit_test(test_resume_rename),
		cmocka_unit_test(test_resume_copy_truncate),
		cmocka_unit_test(test_resume_gzip),
		cmocka_unit_test(test_resume_daily),
		cmocka_unit_test(test_tail_is_newest_first),
		cmocka_unit_test(test_pause_holds_back),
		cmocka_unit_test(test_unfinished_lines),
		cmocka_unit_test(test_cut_without_copy),
		cmocka_unit_test(test_file_gone_for_good),
		cmocka_unit_test(test_nothing_there_yet),
		cmocka_unit_test(test_permission_is_explained),
		cmocka_unit_test(test_owner_closes),
		cmocka_unit_test(test_slices_are_short),
		cmocka_unit_test(test_stdin_again),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_diagnose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
