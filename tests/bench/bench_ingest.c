/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast a log is read, filtered and taken into the store, and how fast a store of a million bans
 * answers. One JSON object per line:
 * {"bench": name, "value": figure, "unit": …, "target": what is promised}.
 *
 *   bench_ingest DIR [LOG_MB [BANS]]      DIR: where the log (removed after) and the stores are
 * made (removed before, kept after). Default 1024 MB, 1,000,000 bans.
 *
 * Built like a unit test of client/ and store/ together: every archive of the program may be linked
 * to it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/logsource.h"
#include "core/mem.h"
#include "model/filter.h"
#include "store/history.h"

#define T0  INT64_C(1760000000000) /* ms: where the made history begins */
#define DAY INT64_C(86400000)

static uint64_t seed = 88172645463325252u;

static unsigned roll(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(const char *bench, double value, const char *unit, const char *target)
{
	printf("{\"bench\": \"%s\", \"value\": %.1f, \"unit\": \"%s\", \"target\": \"%s\"}\n",
		bench, value, unit, target);
	fflush(stdout);
}

/* ---- a log ---- */

/* Address n of 200,000. */
static void put_address(struct buf *b, unsigned n)
{
	buf_addf(b, "%u.%u.%u.%u", 20 + n % 160, n / 160 % 250, n / 40000 % 250, 1 + n % 250);
}

/* One that comes back over months: the lower ones far more often. */
static void add_any_address(struct buf *b)
{
	put_address(b, roll(roll(200000) + 1));
}

/* One of the few thousand that are at it just now; they change slowly, as a botnet's do. */
static void add_address(struct buf *b)
{
	static unsigned drift;

	put_address(b, (drift++ / 40 + roll(3000)) % 200000);
}

/* Mail programs log in all day long, each from its usual place, rarely from elsewhere: every fifth from an office, where others are, too. */
static void add_login(struct buf *b)
{
	static const char *const listeners[] = { "imap", "imaptls", "submission" };
	unsigned user = roll(20000);

	buf_addf(b, "INFO Authentication successful (auth.success) listenerId = \"%s\", localPort = 993, remoteIp = ", listeners[user % 7 % 3]);
	if (user % 5 == 0)
		buf_addf(b, "198.51.%u.%u", user % 3, user / 100 % 250);
	else
		put_address(b, user * 7 + (roll(100) == 0 ? roll(50) : 0));
	buf_addf(b, ", remotePort = %u, accountName = \"user%u@example.org\", accountId = %u\n", roll(60000), user, user);
}

/* One line of the kind an ordinary day has: security lines are one in twenty, as on a server under
 * constant attack, and half of the rest are logins. */
static void add_line(struct buf *b, int64_t t, bool only_security)
{
	static const char *const listeners[] = { "imap", "imaptls", "smtp", "submission", "http" };
	static const char *const bans[] = { "authentication-ban", "abuse-ban", "loiter-ban",
		"scan-ban" };
	char stamp[TIME_BUF];
	unsigned kind = only_security ? roll(5) : roll(100);

	buf_addf(b, "%s ", time_format(t, stamp, sizeof(stamp)));
	if (kind >= 52) {
		add_login(b);
		return;
	}
	if (kind >= 5) {
		buf_addf(b,
			"INFO Queued message submission for delivery "
			"(queue.authenticated-message-queued) listenerId = \"%s\", localPort = "
			"587, remoteIp = ",
			listeners[roll(5)]);
		add_address(b);
		buf_addf(b,
			", remotePort = %u, queueId = %u, from = \"user%u@example.org\", to = "
			"[\"someone%u@example.com\"], size = %u\n",
			roll(60000), roll(1u << 30), roll(500), roll(5000), roll(100000));
		return;
	}
	if (kind == 0)
		buf_addf(b,
			"INFO Banned due to errors (security.%s) listenerId = \"%s\", localPort = "
			"143, remoteIp = ",
			bans[roll(4)], listeners[roll(5)]);
	else if (kind < 3)
		buf_addf(b,
			"INFO Blocked IP address (security.ip-blocked) listenerId = \"%s\", "
			"localPort = 143, remoteIp = ",
			listeners[roll(5)]);
	else
		buf_addf(b,
			"DEBUG Authentication failed (auth.failed) listenerId = \"%s\", localPort "
			"= 143, remoteIp = ",
			listeners[roll(5)]);
	add_address(b);
	if (kind == 1 || kind == 2)
		buf_addf(b, ", remotePort = %u\n", roll(60000));
	else
		buf_addf(b, ", remotePort = %u, accountName = \"user%u@example.org\"\n",
			roll(60000), roll(roll(20000) + 1));
}

static char *make_log(const char *dir, size_t megabytes)
{
	char *path = xasprintf("%s/stalwart.log", dir);
	struct buf b = BUF_INIT;
	size_t written = 0;
	int64_t t = T0;
	FILE *f = fopen(path, "wb");

	if (f == NULL)
		die("can't write %s", path);
	while (written < megabytes << 20) {
		buf_reset(&b);
		while (b.len < 1 << 20) {
			add_line(&b, t, false);
			t += roll(20);
		}
		written += fwrite(b.data, 1, b.len, f);
	}
	fclose(f);
	buf_release(&b);
	return path;
}

/* ---- reading ---- */

static void bench_filter(const char *path)
{
	int fd = open(path, O_RDONLY);
	size_t used = 0, n, bans = 0;
	struct event_facts facts;
	struct event ev;
	struct stat st;
	double t;
	char *p;

	if (fd < 0 || fstat(fd, &st) != 0)
		die("can't read %s", path);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		die("can't map %s", path);
	t = now();
	while ((n = event_record(p + used, (size_t)st.st_size - used, true)) > 0) {
		if (event_matters(p + used, n)) {
			event_parse(p + used, n, &ev);
			event_facts(&ev, &facts);
			bans += facts.kind == EVENT_BAN;
		}
		used += n;
	}
	say("parse-and-filter", (double)st.st_size / (now() - t) / 1e6, "MB/s", ">= 400");
	fprintf(stderr, "%zu bans among %lld bytes\n", bans, (long long)st.st_size);
	munmap(p, (size_t)st.st_size);
	close(fd);
}

/* ---- beside others ---- */

#define WANTED "user4711@example.org"

/* Seconds of a command of the shell; 0 = it isn't there or fails. */
static double time_command(const char *program, const char *rest, const char *path)
{
	char *probe = xasprintf("command -v %s >/dev/null 2>&1", program);
	char *line = xasprintf("%s %s '%s' >/dev/null 2>&1 </dev/null", program, rest, path);
	double t = 0, begin;

	if (system(probe) == 0) {
		begin = now();
		t = system(line) == 0 ? now() - begin : 0;
	}
	free(probe);
	free(line);
	return t;
}

static void say_beside(const char *what, double ours, const char *peer, double theirs)
{
	char *label = xasprintf("%s, beside %s", what, peer);

	if (theirs > 0)
		say(label, ours / theirs, "times its time", "");
	free(label);
}

struct lines {
	struct slice *line;
	size_t count, cap;
};

static double match_all(const struct filter *f, const struct lines *l, size_t *found)
{
	double t = now();
	size_t i;

	for (*found = 0, i = 0; i < l->count; i++)
		*found += filter_match_log(
			f, &(struct filter_log){ .line = l->line[i], .time = TIME_NONE }, 0);
	return now() - t;
}

/* As the log panel does it at each key: over lines it holds, ignoring case, through the filter. */
static void bench_search(const char *path)
{
	struct err err = ERR_INIT;
	struct filter *f = filter_parse(FILTER_LOG, WANTED, 0, &err);
	int fd = open(path, O_RDONLY);
	struct lines l = { 0 };
	size_t used = 0, n, found;
	struct stat st;
	double t;
	char *p;

	if (f == NULL || fd < 0 || fstat(fd, &st) != 0)
		die("can't read %s", path);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		die("can't map %s", path);
	while ((n = event_record(p + used, (size_t)st.st_size - used, true)) > 0) {
		xgrow(&l.line, &l.cap, l.count + 1, sizeof(*l.line));
		l.line[l.count++] = (struct slice){ p + used, n };
		used += n;
	}
	t = match_all(f, &l, &found);
	say("text search over lines held", (double)st.st_size / t / 1e6, "MB/s", "");
	fprintf(stderr, "%zu of %zu lines found\n", found, l.count);
	say_beside("text search", t, "grep -F", time_command("grep", "-c -F " WANTED, path));
	say_beside("text search", t, "grep -F -i", time_command("grep", "-c -i -F " WANTED, path));
	munmap(p, (size_t)st.st_size);
	close(fd);
	free(l.line);
	filter_free(f);
}

/* ---- the source, without and with the store ---- */

struct sink {
	struct store *store;
	struct history_ingested sum;
	bool is_done;
	bool tidies; /* as a verb: nobody waits for a turn */
	size_t lines;
};

static void on_lines(struct logsource *src, const struct logbatch *batch, void *arg)
{
	struct sink *s = arg;
	struct err err = ERR_INIT;

	(void)src;
	s->lines += batch->count;
	if (s->store && history_ingest(s->store, "bench", "file", batch->from, batch->cursor,
				batch->events, batch->count, &s->sum, &err) != INGEST_OK)
		die("ingest: %s", err.msg);
	if (s->tidies)
		store_tidy(s->store);
}

static void on_state(struct logsource *src, enum logsource_state state, const char *text, void *arg)
{
	struct sink *s = arg;

	(void)src;
	if (state == LOGSOURCE_FAILED)
		die("%s", text);
	s->is_done = state == LOGSOURCE_ENDED;
}

static double read_all(const char *path, struct sink *s, int64_t *longest)
{
	struct logsource_want want = { .cursor = "", .budget = 64 };
	struct logsource_events events = { on_lines, on_state, s };
	struct loop *loop = loop_new();
	struct logsource *src = logsource_open(
		&logsource_file, (void *)(uintptr_t)path, loop, NULL, &want, &events, NULL);
	double t = now();

	while (!s->is_done)
		loop_turn(loop, -1);
	t = now() - t;
	*longest = loop_longest_ms(loop);
	logsource_close(src);
	loop_free(loop);
	return t;
}

static struct store *open_store(const char *dir)
{
	struct store_options options = { .dir = dir, .skip_check = true, .query_ms = 60000 };
	struct err err = ERR_INIT;
	struct store *s = store_open(&options, &err);

	if (s == NULL)
		die("%s", err.msg);
	return s;
}

static void bench_source(const char *path, const char *dir, const char *verb_dir)
{
	struct sink bare = { 0 }, full = { 0 }, again = { .tidies = true };
	struct stat st;
	int64_t longest;
	double t;

	if (stat(path, &st) != 0)
		die("can't read %s", path);
	t = read_all(path, &bare, &longest);
	say("file source, every line parsed", (double)st.st_size / t / 1e6, "MB/s", "");
	say_beside("file source, every line parsed", t, "lnav's load",
		time_command("lnav", "-n -c ';SELECT count(*) FROM all_logs'", path));
	full.store = open_store(dir);
	t = read_all(path, &full, &longest);
	say("sync of a log into the store", (double)st.st_size / t / 1e6, "MB/s", "");
	say("sync: security events",
		(double)(full.sum.bans + full.sum.repeats + full.sum.refused + full.sum.attempts) /
			t,
		"events/s", "");
	say("sync in a console: longest turn of the loop", (double)longest, "ms", "<= 10");
	store_close(full.store);
	again.store = open_store(verb_dir);
	t = read_all(path, &again, &longest);
	say("sync by the verb", (double)st.st_size / t / 1e6, "MB/s", "");
	store_close(again.store);
}

/* ---- storing ---- */

#define BATCH 2000

static void bench_events(const char *dir, size_t total)
{
	struct store *s = open_store(dir);
	struct event *events = xcalloc(BATCH, sizeof(*events));
	struct history_ingested sum = { 0 };
	struct buf b = BUF_INIT;
	struct err err = ERR_INIT;
	size_t done, i, used, n;
	int64_t t = T0;
	double spent = 0, begin;

	for (done = 0; done < total; done += BATCH) {
		buf_reset(&b);
		for (i = 0; i < BATCH; i++)
			add_line(&b, t += roll(2000), true);
		for (i = 0, used = 0; i < BATCH; i++, used += n) {
			n = event_record(b.data + used, b.len - used, true);
			event_parse(b.data + used, n, &events[i]);
		}
		begin = now();
		if (history_ingest(s, "events", "x", NULL, NULL, events, BATCH, &sum, &err) !=
			INGEST_OK)
			die("ingest: %s", err.msg);
		spent += now() - begin;
	}
	say("security events into SQLite", (double)total / spent, "events/s", ">= 60000");
	buf_release(&b);
	free(events);
	store_close(s);
}

static void fill_bans(struct store *s, size_t total)
{
	struct event *events = xcalloc(BATCH, sizeof(*events));
	static const char *const bans[] = { "authentication-ban", "abuse-ban", "loiter-ban",
		"scan-ban" };
	struct buf b = BUF_INIT;
	struct err err = ERR_INIT;
	size_t done, i, used, n;
	char stamp[TIME_BUF];
	double begin, spent = 0;

	for (done = 0; done < total; done += BATCH) {
		buf_reset(&b);
		for (i = 0; i < BATCH; i++) {
			buf_addf(&b,
				"%s INFO Banned (security.%s) listenerId = \"imap\", remoteIp = ",
				time_format(
					T0 + (int64_t)((done + i) * 31000), stamp, sizeof(stamp)),
				bans[roll(8) % 4]);
			add_any_address(&b);
			buf_addf(&b, ", accountName = \"user%u@example.org\"\n",
				roll(roll(20000) + 1));
		}
		for (i = 0, used = 0; i < BATCH; i++, used += n) {
			n = event_record(b.data + used, b.len - used, true);
			event_parse(b.data + used, n, &events[i]);
		}
		begin = now();
		if (history_ingest(s, "mail1", "x", NULL, NULL, events, BATCH, NULL, &err) !=
			INGEST_OK)
			die("ingest: %s", err.msg);
		spent += now() - begin;
	}
	say("bans alone into SQLite", (double)total / spent, "bans/s", "");
	buf_release(&b);
	free(events);
}

static void time_group(
	struct store *s, enum history_by by, const struct history_query *q, const char *name)
{
	struct history_row *rows;
	size_t count, total;
	char label[100];
	double t = now();

	if (!history_group(s, by, q, &rows, &count, &total, NULL))
		die("no answer to %s", name);
	t = now() - t;
	snprintf(label, sizeof(label), "history by %s%s, %zu groups", history_by_text(by), name,
		total);
	say(label, t * 1000, "ms", "<= 100");
	history_rows_free(rows, count);
}

static void bench_queries(const char *dir, size_t bans)
{
	struct store *s = open_store(dir);
	struct history_query q;
	struct history_ban *rows;
	struct history_tally *tallies;
	struct history_day days[84];
	uint32_t hours[24];
	int64_t end = T0 + (int64_t)(bans * 31000);
	size_t count;
	double t;
	int by;

	fill_bans(s, bans);
	history_query_init(&q);
	q.server = "mail1";
	q.limit = 200;
	q.sort = HISTORY_MOST;
	for (by = 0; by < HISTORY_BY_COUNT; by++)
		time_group(s, (enum history_by)by, &q, "");
	q.since = T0 + 10 * DAY;
	for (by = 0; by < HISTORY_BY_COUNT; by++)
		time_group(s, (enum history_by)by, &q, " since");
	q.account = "user7@example.org";
	t = now();
	if (!history_bans(s, &q, &rows, &count, NULL))
		die("no bans of an account");
	say("single bans of an account", (now() - t) * 1000, "ms", "<= 100");
	history_bans_free(rows, count);
	history_query_init(&q);
	q.server = "mail1";
	q.limit = 200;
	t = now();
	if (!history_bans(s, &q, &rows, &count, NULL))
		die("no bans");
	say("newest bans", (now() - t) * 1000, "ms", "<= 100");
	q.within = rows[0].address;
	history_bans_free(rows, count);
	t = now();
	if (!history_bans(s, &q, &rows, &count, NULL))
		die("no bans");
	say("bans of one address", (now() - t) * 1000, "ms", "<= 100");
	history_bans_free(rows, count);
	t = now();
	history_hours(s, "mail1", end, hours, 24, NULL);
	say("bans per hour, 24 h", (now() - t) * 1000, "ms", "<= 100");
	t = now();
	history_days(s, "mail1", end, days, 84, NULL);
	say("heat map, 12 weeks", (now() - t) * 1000, "ms", "<= 100");
	t = now();
	history_tallies(s, "mail1", &tallies, &count, NULL);
	say("tallies for the blocked list", (now() - t) * 1000, "ms", "");
	free(tallies);
	say("store on disk", (double)store_size(s) / 1e6, "MB", "");
	store_close(s);
}

int main(int argc, char **argv)
{
	size_t megabytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 1024,
	       bans = argc > 3 ? strtoul(argv[3], NULL, 10) : 1000000;
	char *log_dir, *sync_dir, *verb_dir, *event_dir, *ban_dir, *path;

	clock_fix(T0 + DAY);
	if (argc < 2)
		die("usage: bench_ingest DIR [LOG_MB [BANS]]");
	log_dir = xasprintf("%s/log", argv[1]);
	sync_dir = xasprintf("%s/sync", argv[1]);
	verb_dir = xasprintf("%s/verb", argv[1]);
	event_dir = xasprintf("%s/events", argv[1]);
	ban_dir = xasprintf("%s/bans", argv[1]);
	path = xasprintf("rm -rf '%s/log' '%s/sync' '%s/verb' '%s/events' '%s/bans'; mkdir -p '%s/log'",
		argv[1], argv[1], argv[1], argv[1], argv[1], argv[1]);
	if (system(path) != 0)
		die("can't make %s", log_dir);
	free(path);
	if (megabytes) {
		path = make_log(log_dir, megabytes);
		bench_filter(path);
		bench_search(path);
		bench_source(path, sync_dir, verb_dir);
		unlink(path); /* a gigabyte is not left lying about */
		free(path);
	}
	bench_events(event_dir, 500000);
	bench_queries(ban_dir, bans);
	free(log_dir);
	free(sync_dir);
	free(verb_dir);
	free(event_dir);
	free(ban_dir);
	return 0;
}
