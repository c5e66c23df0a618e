/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/logsource_api over log files that rotate while they are written and followed: every line exactly once. The server is the practice
 * one of the other tests of client/, reading real files newest line first as the servers do, by page number up to 0.15 and by an anchor of
 * file number and byte offset in 0.16. What it forgets at a rotation nobody can count: those rotations happen when all was read, the others at
 * any moment of a pass. A million lines in each cell; STALWARDEN_LOG_LINES sets another number. */
#include "client/logsource_api.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "tests/unit/fake_dialect.h"

#define ANCHOR_LIMIT 500 /* lines in one answer of 0.16 */
#define ANCHOR_AGAIN 8   /* lines by which its pages overlap */
#define PER_SECOND 1000  /* lines */
#define FILES_MAX 64
#ifdef __SANITIZE_ADDRESS__
#define LINES 100000 /* checking each access takes its time */
#else
#define LINES 1000000
#endif
#define BUDGET 100

enum rotation { RENAME, COPY_TRUNCATE, GZIP, DAILY, SHIFT };

struct world {
	struct rig rig;
	enum rotation how;
	char dir[64];
	char *file[FILES_MAX]; /* what the server reads, newest first */
	size_t files, rotations;
	int fd;                /* of file[0], written to */
	size_t written, total, next_rotation;
	unsigned seed;
	bool is_quiet;         /* nothing is written or rotated while it is asked */
	bool is_busy;          /* lines come before every answer, whatever else */
	/* what came */
	uint8_t *seen;         /* by number */
	size_t count;
	char *cursor;
	struct logsource *source;
	enum logsource_state state;
	unsigned gaps;
};

static unsigned roll(struct world *w, unsigned n)
{
	w->seed = w->seed * 1103515245 + 12345;
	return (w->seed >> 8) % n;
}

/* Every seventh line is the one before once more, as servers write bans twice. */
static size_t number_of_line(size_t i)
{
	return i % 7 == 6 ? i - 1 : i;
}

/* ---- the files ---- */

static void open_new(struct world *w, const char *name)
{
	memmove(w->file + 1, w->file, w->files * sizeof(w->file[0]));
	w->file[0] = xasprintf("%s/%s", w->dir, name);
	assert_true(w->files++ < FILES_MAX);
	w->fd = open(w->file[0], O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_true(w->fd >= 0);
}

static void write_lines(struct world *w, size_t n)
{
	struct buf b = BUF_INIT;

	buf_init(&b, 16u << 20);
	for (; n > 0 && w->written < w->total; n--) {
		size_t number = number_of_line(w->written++), second = number / PER_SECOND;

		buf_addf(&b, "2026-11-%02zuT%02zu:%02zu:%02zuZ INFO Blocked IP address (security.ip-blocked) listenerId = \"smtp\", "
			"remoteIp = 203.0.113.7, n = %zu\n",
			1 + second / 86400, second / 3600 % 24, second / 60 % 60, second % 60, number);
	}
	assert_int_equal(write(w->fd, buf_str(&b), b.len), b.len);
	buf_release(&b);
}

static void copy_to(const char *from, const char *to, bool packed)
{
	int in = open(from, O_RDONLY);
	gzFile out = gzopen(to, packed ? "wb1" : "wbT");
	char piece[65536];
	ssize_t n;

	while ((n = read(in, piece, sizeof(piece))) > 0)
		assert_int_equal(gzwrite(out, piece, (unsigned)n), n);
	gzclose(out);
	close(in);
}

static void rotate(struct world *w)
{
	char *to = xasprintf("%s/stalwart.log.1%s", w->dir, w->how == GZIP ? ".gz" : ""), name[40];

	w->next_rotation += w->total / 20;
	w->rotations++;
	switch (w->how) {
	case RENAME:
	case GZIP:
		close(w->fd);
		if (w->how == GZIP) { /* still in the directory: the server trips over it */
			copy_to(w->file[0], to, true);
			unlink(w->file[0]);
			while (w->files > 0)
				free(w->file[--w->files]);
			w->file[w->files++] = xstrdup(to);
		} else {
			assert_int_equal(rename(w->file[0], to), 0);
			free(w->file[--w->files]);
		}
		open_new(w, "stalwart.log");
		break;
	case COPY_TRUNCATE:
		copy_to(w->file[0], to, false);
		assert_int_equal(ftruncate(w->fd, 0), 0);
		break;
	case DAILY:
	case SHIFT:
		close(w->fd);
		snprintf(name, sizeof(name), "stalwart.log.day%03zu", w->rotations);
		open_new(w, name);
		break;
	}
	free(to);
}

/* ---- the server ---- */

struct answer {
	struct buf text;
	size_t skip, limit, count; /* lines left out, wanted, given */
	uint64_t id[ANCHOR_AGAIN + 1]; /* of the last lines given */
	bool is_bad;               /* a line was reached that is no UTF-8 */
};

static void add_line(struct answer *a, const char *line, size_t len, uint64_t id)
{
	if (a->skip > 0) {
		a->skip--;
		return;
	}
	buf_adds(&a->text, a->count ? ",\"" : "\"");
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '"')
			buf_addc(&a->text, '\\');
		buf_addc(&a->text, line[i]);
	}
	buf_addc(&a->text, '"');
	a->id[a->count++ % (ANCHOR_AGAIN + 1)] = id;
}

/* Lines of file `number` that begin before `end`, last first. end: -1 = all. False: none begins there. */
static bool add_file(struct world *w, struct answer *a, size_t number, int64_t end)
{
	int fd = open(w->file[number], O_RDONLY);
	struct stat st;
	char *data;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	if (st.st_size == 0 || end > st.st_size) {
		close(fd);
		return end <= 0;
	}
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(data, MAP_FAILED);
	close(fd);
	a->is_bad = (unsigned char)data[0] == 0x1f;
	if (end < 0)
		end = st.st_size;
	else if (end > 0 && data[end - 1] != '\n')
		end = -1;
	for (int64_t at = end; at > 0 && !a->is_bad && a->count < a->limit;) {
		const char *before = memrchr(data, '\n', (size_t)at - 1);
		int64_t start = before ? before + 1 - data : 0;

		add_line(a, data + start, (size_t)(at - 1 - start), (uint64_t)number << 48 | (uint64_t)start);
		at = start;
	}
	munmap(data, (size_t)st.st_size);
	return end >= 0;
}

static void add_lines(struct world *w, struct answer *a, uint64_t anchor)
{
	size_t number = (size_t)(anchor >> 48);

	if (anchor && (number >= w->files || !add_file(w, a, number, (int64_t)(anchor & ((UINT64_C(1) << 48) - 1)))))
		return; /* that line is met no more */
	for (number += anchor != 0; number < w->files && a->count < a->limit && !a->is_bad; number++)
		add_file(w, a, number, -1);
}

static bool forgets(const struct world *w)
{
	return w->how == RENAME || w->how == COPY_TRUNCATE || w->how == GZIP;
}

/* What is forgotten must have been read, and the next line be another one: of two that are alike to the second only one is ever shown. */
static bool may_rotate(const struct world *w)
{
	return w->written >= w->next_rotation && (!forgets(w) || (w->count == w->written && number_of_line(w->written) == w->written));
}

/* Something happens before every answer. With a file that the server can't show, less: the source feels its way to its edge by asking. */
static void live_on(struct world *w)
{
	if (w->is_quiet)
		return;
	if (may_rotate(w))
		rotate(w);
	write_lines(w, w->how == GZIP ? roll(w, 4) == 0 || w->count == w->written : roll(w, 40));
}

static char *on_log(struct fake_server *s, const char *path)
{
	struct world *w = container_of(s, struct world, rig.server);
	struct answer a = { 0 };
	uint64_t anchor = 0;
	char page[40];

	buf_init(&a.text, 64u << 20);
	assert_int_equal(sscanf(path, "/log?page=%39[^&]&limit=%zu", page, &a.limit), 2);
	live_on(w);
	if (w->is_busy)
		write_lines(w, w->rig.server.tiny.requests == 12 ? 600 : roll(w, 4) == 0);
	if (w->how == SHIFT && a.limit > ANCHOR_LIMIT)
		a.limit = ANCHOR_LIMIT;
	if (page[0] == 'a')
		anchor = strtoull(page + 1, NULL, 16);
	else
		a.skip = (strtoull(page, NULL, 10) - 1) * a.limit;
	buf_adds(&a.text, "{\"items\":[");
	add_lines(w, &a, anchor);
	if (a.is_bad) {
		buf_reset(&a.text);
		buf_adds(&a.text, "{\"error\":\"other\",\"details\":\"invalid utf-8 sequence\"}");
		return buf_take(&a.text, NULL);
	}
	buf_addc(&a.text, ']');
	if (w->how == SHIFT && a.count == a.limit && a.count > ANCHOR_AGAIN)
		buf_addf(&a.text, ",\"next\":\"a%" PRIx64 "\",\"overlap\":%d", a.id[a.count % (ANCHOR_AGAIN + 1)], ANCHOR_AGAIN);
	else if (w->how == SHIFT)
		buf_adds(&a.text, ",\"next\":\"\"");
	buf_addc(&a.text, '}');
	return buf_take(&a.text, NULL);
}

/* ---- the follower ---- */

static void on_lines(struct logsource *src, const struct logbatch *batch, void *arg)
{
	struct world *w = arg;

	(void)src;
	assert_false(batch->is_backlog);
	assert_true(batch->count <= BUDGET); /* every line matters to the history */
	if (w->cursor)
		assert_string_equal(batch->from, w->cursor);
	free(w->cursor);
	w->cursor = xstrdup(batch->cursor);
	assert_true(strlen(w->cursor) < LOGSOURCE_CURSOR_MAX);
	for (size_t i = 0; i < batch->count; i++) {
		const struct event *ev = &batch->events[i];
		const char *at = memmem(ev->details.p, ev->details.len, "n = ", 4);
		size_t n;

		assert_non_null(at);
		n = strtoul(at + 4, NULL, 10);
		assert_true(n < w->total);
		w->seen[n]++;
		w->count++;
	}
}

static void on_state(struct logsource *src, enum logsource_state state, const char *text, void *arg)
{
	struct world *w = arg;

	(void)src;
	w->state = state;
	w->gaps += strstr(text, "missing") != NULL;
	if (state == LOGSOURCE_FAILED || state == LOGSOURCE_LOST)
		fail_msg("%s", text);
}

static void follow(struct world *w, bool goes_on)
{
	struct logsource_want want = { .cursor = w->cursor ? w->cursor : "", .follow = goes_on, .budget = BUDGET };
	struct logsource_events events = { on_lines, on_state, w };

	logsource_close(w->source);
	w->state = LOGSOURCE_OPENING;
	w->source = logsource_open(&logsource_api, w->rig.session, w->rig.loop, NULL, &want, &events, NULL);
	assert_non_null(w->source);
}

/* Until so many lines have come and nothing is under way. */
static void catch_up(struct world *w, size_t wanted)
{
	int64_t end = clock_mono() + HANG_MS;

	while ((w->count < wanted || (w->state != LOGSOURCE_LIVE && w->state != LOGSOURCE_ENDED)) && clock_mono() < end)
		loop_turn(w->rig.loop, 50);
	if (w->count < wanted)
		fail_msg("%zu of %zu lines", w->count, wanted);
}

static void poll_now(struct world *w)
{
	unsigned asked = w->rig.server.tiny.requests;
	int64_t end = clock_mono() + HANG_MS;
	size_t wanted = w->written;

	do { /* it asks once the pass before is over */
		logsource_poll(w->source);
		loop_turn(w->rig.loop, 50);
	} while (w->rig.server.tiny.requests == asked && clock_mono() < end);
	catch_up(w, wanted);
}

/* Nothing is written meanwhile: all is read. */
static void drain(struct world *w)
{
	w->is_quiet = true;
	follow(w, true);
	catch_up(w, w->written);
	w->is_quiet = false;
}

static void assert_once(const struct world *w)
{
	for (size_t i = 0; i < w->total; i++) {
		unsigned wanted = i % 7 == 6 ? 0 : i % 7 == 5 && i + 1 < w->total ? 2 : 1;

		if (w->seen[i] != wanted)
			fail_msg("line %zu came %u times, not %u", i, w->seen[i], wanted);
	}
	assert_int_equal(w->count, w->total);
}

static void world_init(struct world *w, enum rotation how, size_t total)
{
	const char *lines = getenv("STALWARDEN_LOG_LINES");

	*w = (struct world){ .how = how, .seed = 5, .total = lines ? strtoul(lines, NULL, 10) : total };
	snprintf(w->dir, sizeof(w->dir), "/tmp/stalwarden-log-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->seen = xcalloc(w->total, 1);
	w->next_rotation = w->total / 20;
	open_new(w, how == DAILY || how == SHIFT ? "stalwart.log.day000" : "stalwart.log");
	rig_init(&w->rig);
	w->rig.profile.refresh_ms = 3600000; /* the test says when to poll */
	session_free(w->rig.session);
	rig_open(&w->rig);
	w->rig.server.on_log = on_log;
	session_connect(w->rig.session);
	assert_true(rig_reach(&w->rig, SESSION_READY));
}

static void world_release(struct world *w)
{
	char *command = xasprintf("rm -rf '%s'", w->dir);

	logsource_close(w->source);
	rig_release(&w->rig);
	close(w->fd);
	assert_int_equal(system(command), 0);
	free(command);
	while (w->files > 0)
		free(w->file[--w->files]);
	free(w->seen);
	free(w->cursor);
}

/* ---- the matrix ---- */

/* In pieces of any size, more than an answer holds among them; now and then the follower starts again from where it was. */
static void follow_rotation(enum rotation how, size_t total)
{
	struct world w;
	unsigned piece = how == SHIFT ? 4000 : 9000;

	world_init(&w, how, total);
	follow(&w, true);
	for (unsigned round = 0; w.written < w.total; round++) {
		size_t wanted = w.written;

		if (forgets(&w) && w.written >= w.next_rotation)
			drain(&w); /* rotated before the next answer */
		else
			write_lines(&w, roll(&w, piece));
		if (round % 8 == 7)
			follow(&w, false);
		else if (w.state == LOGSOURCE_ENDED)
			follow(&w, true);
		else
			poll_now(&w);
		catch_up(&w, wanted);
	}
	drain(&w);
	assert_once(&w);
	assert_true(w.rotations >= 15);
	if (!forgets(&w))
		assert_int_equal(w.gaps, 0);
	world_release(&w);
}

static void test_rename(void **state)
{
	(void)state;
	follow_rotation(RENAME, LINES);
}

static void test_copy_truncate(void **state)
{
	(void)state;
	follow_rotation(COPY_TRUNCATE, LINES);
}

static void test_gzip(void **state)
{
	(void)state;
	follow_rotation(GZIP, LINES);
}

static void test_daily(void **state)
{
	(void)state;
	follow_rotation(DAILY, LINES);
}

static void test_shift(void **state)
{
	(void)state;
	follow_rotation(SHIFT, LINES);
}

/* A line that is no UTF-8 ends what a first sync can have: the newer lines are taken, and the loss is said. */
static void test_unreadable(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, GZIP, 5000);
	w.is_quiet = true;
	write_lines(&w, 2000);
	rotate(&w);
	w.written = 0; /* the numbers of the new file */
	write_lines(&w, 1234);
	follow(&w, false);
	catch_up(&w, 1234);
	assert_int_equal(w.count, 1234);
	assert_int_equal(w.gaps, 1);
	world_release(&w);
}

/* The same while a line is written before every fourth answer, and many at once in the middle. */
static void test_busy_and_unreadable(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, GZIP, 5000);
	w.is_quiet = true;
	write_lines(&w, 2000);
	rotate(&w);
	w.written = 0;
	write_lines(&w, 1234);
	w.is_busy = true;
	follow(&w, true);
	catch_up(&w, 1234);
	w.is_busy = false;
	write_lines(&w, 1000);
	poll_now(&w);
	assert_int_equal(w.count, w.written);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rename),
		cmocka_unit_test(test_copy_truncate),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_daily),
		cmocka_unit_test(test_shift),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_busy_and_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
