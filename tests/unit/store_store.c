/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store's file: modes, versions, damage, no room, no permission; and the small things
 * remembered. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/store_world.h"

static char *db_path(const struct world *w)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/history.db", w->dir);
	return path;
}

static void reopen(struct world *w)
{
	store_close(w->store);
	world_open(w);
}

static struct store *try_open(const char *dir, bool read_only, struct err *err)
{
	struct store_options options = { .dir = dir, .read_only = read_only };

	*err = (struct err)ERR_INIT;
	return store_open(&options, err);
}

static void test_modes(void **state)
{
	struct world *w = *state;
	char deep[160], path[200];
	struct err err;
	struct store *s;
	struct stat st;

	assert_int_equal(stat(db_path(w), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(deep, sizeof(deep), "%s/a/b/stalwarden", w->dir);
	s = try_open(deep, false, &err);
	assert_non_null(s);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	store_remember(s, "", "x", "y", NULL);
	snprintf(path, sizeof(path), "%s/history.db-wal", deep);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(store_size(s) > 0);
	store_close(s);
	/* One that others may read is closed to them. */
	assert_int_equal(chmod(db_path(w), 0644), 0);
	reopen(w);
	assert_int_equal(stat(db_path(w), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db;
	char *words = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &words) != SQLITE_OK)
		fail_msg("%s", words);
	sqlite3_close(db);
}

/* The first step of schema.sql as a program of that version would have run it. */
static char *first_step(void)
{
	FILE *f = fopen("store/schema.sql", "r");
	char *text = xcalloc(1, 65536), *end;

	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) > 0);
	fclose(f);
	end = strstr(text, "-- version 2");
	assert_non_null(end);
	*end = '\0';
	return text;
}

static void test_migration(void **state)
{
	struct world *w = *state;
	int latest = store_version(w->store);
	struct history_row *rows;
	struct history_query q = all_of("mail1");
	struct err err = ERR_INIT;
	char *step = first_step();
	size_t count;

	assert_true(latest >= 3);
	store_close(w->store);
	unlink(db_path(w));
	/* A file of version 1, with a ban in it. */
	sql(db_path(w), step);
	sql(db_path(w), "INSERT INTO server VALUES (1, 'mail1'); INSERT INTO addr (id, server, "
			"key, bans) VALUES (1, 1, x'04cb007107', 1);"
			"INSERT INTO ban (server, time, last, addr, class) VALUES (1, "
			"1795132800000, 1795132800000, 1, 0); PRAGMA user_version = 1");
	free(step);
	world_open(w);
	assert_int_equal(store_version(w->store), latest);
	assert_true(store_check(w->store, &err));
	assert_true(history_group(w->store, HISTORY_BY_ADDRESS, &q, &rows, &count, NULL, &err));
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].net.addr[0], 203);
	history_rows_free(rows, count);
	assert_true(store_remember(w->store, "", "k", "v", &err));
	/* A newer one is left alone. */
	store_close(w->store);
	sql(db_path(w), "PRAGMA user_version = 999");
	w->store = try_open(w->dir, false, &err);
	assert_null(w->store);
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "newer"));
}

static void overwrite(const char *path, long at, size_t len)
{
	char junk[4096];
	int fd = open(path, O_WRONLY);

	memset(junk, 0xa5, sizeof(junk));
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, len, at), len);
	close(fd);
}

static void test_damage(void **state)
{
	struct world *w = *state;
	struct err err;
	char aside[200];
	int i;

	for (i = 0; i < 3000; i++)
		world_ban(w, T0 + i * HOUR, CLASS_AUTH, "203.0.113.7", "someone@example.org");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	store_close(w->store);
	w->store = NULL;
	/* Pages in the middle. */
	overwrite(db_path(w), 4096 * 20, 4096);
	overwrite(db_path(w), 4096 * 30, 4096);
	clock_fix(T0 + 14 * DAY); /* so that the file is due for a check */
	w->store = try_open(w->dir, false, &err);
	assert_null(w->store);
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.msg, "damaged"));
	assert_non_null(strstr(err.msg, "mv "));
	/* The very beginning. */
	overwrite(db_path(w), 0, 100);
	w->store = try_open(w->dir, false, &err);
	assert_null(w->store);
	assert_non_null(strstr(err.msg, "damaged"));
	/* As the text says. */
	snprintf(aside, sizeof(aside), "%s.damaged", db_path(w));
	assert_non_null(strstr(err.msg, aside));
	assert_int_equal(rename(db_path(w), aside), 0);
	world_open(w);
}

/* Everything must answer with an error, nothing may crash. */
static void use_everything(struct store *s, bool can_read)
{
	struct history_query q = all_of("mail1");
	struct history_row *rows;
	struct history_ban *bans;
	struct history_sum *sums;
	struct history_tally *tallies;
	struct history_near *near;
	struct history_trigger trigger;
	struct history_span *spans;
	struct thresholds t;
	struct buf b = BUF_INIT;
	struct net n = net_of("203.0.113.7");
	uint32_t hours[24];
	struct report report;
	struct history_report_query rq = { .since = T0, .until = T0 + DAY };
	size_t count;
	bool more;

	thresholds_init(&t);
	assert_true(history_group(s, HISTORY_BY_DAY, &q, &rows, &count, NULL, NULL) == can_read);
	history_rows_free(rows, count);
	assert_true(history_bans(s, &q, &bans, &count, NULL) == can_read);
	history_bans_free(bans, count);
	assert_true(history_refused(s, &q, &sums, &count, NULL) == can_read);
	history_sums_free(sums, count);
	assert_true(history_attempts(s, &q, &sums, &count, NULL) == can_read);
	history_sums_free(sums, count);
	assert_true(history_tallies(s, "mail1", &tallies, &count, NULL) == can_read);
	free(tallies);
	assert_true(history_near(s, "mail1", &t, T0, 50, 0, &near, &count, NULL) == can_read);
	history_near_free(near, count);
	assert_true(history_trigger(s, "mail1", &n, &t, &trigger, NULL) == can_read);
	history_trigger_release(&trigger);
	assert_true(history_spans(s, "mail1", NULL, &spans, &count, NULL) == can_read);
	history_spans_free(spans, count);
	assert_true(history_hours(s, "mail1", T0, hours, 24, NULL) == can_read);
	assert_true(history_cursor(s, "mail1", "api", &b, NULL, NULL) == can_read);
	assert_true(history_report(s, &rq, &report, NULL) == can_read);
	report_release(&report);
	assert_false(store_remember(s, "", "k", "v", NULL));
	assert_int_equal(
		history_ingest(s, "mail1", "api", "", "x", NULL, 0, NULL, NULL), INGEST_ERROR);
	assert_false(history_retain(s, 1, T0, &more, NULL));
	assert_null(history_seen_begin(s, "mail1", NULL, T0, NULL));
	buf_release(&b);
	thresholds_release(&t);
}

static void test_no_store(void **state)
{
	(void)state;
	use_everything(NULL, false);
	assert_string_equal(store_path(NULL), "");
	assert_int_equal(store_size(NULL), 0);
	assert_int_equal(store_version(NULL), -1);
	store_close(NULL);
}

static void test_read_only(void **state)
{
	struct world *w = *state;
	struct err err;
	struct store *s;

	world_ban(w, T0, CLASS_AUTH, "203.0.113.7", "a");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	s = try_open(w->dir, true, &err);
	assert_non_null(s);
	assert_true(store_is_readonly(s));
	use_everything(s, true);
	store_close(s);
	/* A directory that can't be written, too. */
	store_close(w->store);
	assert_int_equal(chmod(db_path(w), 0444), 0);
	assert_int_equal(chmod(w->dir, 0555), 0);
	if (getuid() == 0) {
		assert_int_equal(chown(w->dir, 65534, (gid_t)-1), 0);
		assert_int_equal(chown(db_path(w), 65534, (gid_t)-1), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	assert_int_equal(chmod(db_path(w), 0444), 0);
	w->store = NULL;
	s = try_open(w->dir, false, &err);
	if (s && !store_is_readonly(s)) /* the owner may still open his 0600 file for writing */
		assert_false(store_remember(s, "", "k", "v", NULL));
	else if (s)
		use_everything(s, true);
	else
		assert_int_equal(err.code, ERR_IO);
	store_close(s);
	assert_int_equal(seteuid(getuid()), 0);
}

/* No room: the file may not grow. Runs in a child, because the limit stays. */
static void test_full_disk(void **state)
{
	struct world *w = *state;
	int status;
	pid_t pid;

	store_close(w->store);
	w->store = NULL;
	pid = fork();
	if (pid == 0) {
		struct store_options options = { .dir = w->dir, .skip_check = true };
		struct err err = ERR_INIT;
		struct rlimit limit;
		struct history_query q = all_of(NULL);
		struct history_row *rows;
		enum ingest_result r = INGEST_OK;
		size_t n, taken = 0, count;
		char to[32];
		int i;

		signal(SIGXFSZ, SIG_IGN);
		w->store = store_open(&options, &err);
		limit.rlim_cur = limit.rlim_max = 400 * 1024;
		setrlimit(RLIMIT_FSIZE, &limit);
		for (n = 0; r == INGEST_OK && n < 1000; n++) {
			char from[32];

			for (i = 0; i < 500; i++) {
				char address[32];

				snprintf(address, sizeof(address), "10.%zu.%d.%d", n % 256, i / 256,
					i % 256);
				world_ban(w, T0 + (int64_t)n * HOUR, CLASS_AUTH, address, address);
			}
			snprintf(from, sizeof(from), "%zu", n);
			snprintf(to, sizeof(to), "%zu", n + 1);
			r = history_ingest(w->store, "mail1", "s", n ? from : "", to, w->events,
				w->count, NULL, &err);
			world_forget_lines(w);
			taken += r == INGEST_OK ? 500 : 0;
		}
		/* It failed in words, and what was taken before is whole. */
		if (r != INGEST_ERROR || err.code != ERR_IO || !err.msg[0])
			_exit(1);
		if (!history_group(w->store, HISTORY_BY_REASON, &q, &rows, &count, NULL, NULL) ||
			count != 1 || rows[0].bans != taken)
			_exit(2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	world_open(w);
	assert_true(store_check(w->store, NULL));
}

static void test_remember(void **state)
{
	struct world *w = *state;
	struct buf b = BUF_INIT;
	struct err err = ERR_INIT;

	assert_false(store_recall(w->store, "mail1", STORE_KEY_SERVER, &b, &err));
	assert_int_equal(err.code, ERR_NONE);
	assert_true(store_remember(w->store, "mail1", STORE_KEY_SERVER, "jmap", &err));
	assert_true(store_remember(w->store, "mail2", STORE_KEY_SERVER, "settings", &err));
	assert_true(store_remember(w->store, "mail1", STORE_KEY_SERVER, "config", &err));
	reopen(w);
	assert_true(store_recall(w->store, "mail1", STORE_KEY_SERVER, &b, &err));
	assert_string_equal(buf_str(&b), "config");
	assert_true(store_remember(w->store, "mail1", STORE_KEY_SERVER, NULL, &err));
	assert_false(store_recall(w->store, "mail1", STORE_KEY_SERVER, &b, &err));
	buf_release(&b);
}

static void test_rescue(void **state)
{
	struct world *w = *state;
	struct store_rescue *rows;
	struct err err = ERR_INIT;
	int64_t first, second;
	size_t count;

	assert_true(store_rescue_put(w->store, "mail1", "un-block 10.0.0.0/24",
		"10.0.0.1\n10.0.0.2\n", 18, &first, &err));
	assert_true(store_rescue_put(w->store, "mail2", "x", "y", 1, &second, &err));
	reopen(w);
	assert_true(store_rescue_list(w->store, "mail1", &rows, &count, &err));
	assert_int_equal(count, 1);
	assert_true(rows[0].id == first);
	assert_string_equal(rows[0].text, "10.0.0.1\n10.0.0.2\n");
	assert_string_equal(rows[0].what, "un-block 10.0.0.0/24");
	store_rescue_free(rows, count);
	assert_true(store_rescue_clear(w->store, first, &err));
	assert_true(store_rescue_list(w->store, NULL, &rows, &count, &err));
	assert_int_equal(count, 1);
	assert_true(rows[0].id == second);
	store_rescue_free(rows, count);
}

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

/* No write moves the WAL into the file by itself: that waits for the disk, and is done when nobody
 * waits. */
static void test_tidy(void **state)
{
	struct world *w = *state;
	char *text = xcalloc(1, 1 << 20);
	int64_t id, before;
	int i;

	memset(text, 'x', 1 << 20);
	store_tidy(NULL);
	store_tidy(w->store);
	before = size_of(db_path(w));
	for (i = 0; i < 33; i++)
		assert_true(store_rescue_put(
			w->store, "mail1", "entries", text, 1 << 20, &id, NULL));
	assert_int_equal(size_of(db_path(w)), before);
	store_tidy(w->store);
	assert_true(size_of(db_path(w)) > 33 << 20);
	before = size_of(db_path(w));
	assert_true(store_remember(w->store, "", "a", "b", NULL));
	store_tidy(w->store); /* too little to be worth it */
	assert_int_equal(size_of(db_path(w)), before);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_modes, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_migration, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_damage, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_no_store, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_read_only, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_remember, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_rescue, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_tidy, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
