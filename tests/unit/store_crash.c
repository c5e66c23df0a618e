/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A log read into the store by processes that are killed, and by two at once: every line counts
 * exactly once. The log is a row of numbered batches, its cursor the number of the next one. */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/store_world.h"

#define BATCHES     300
#define LINES       100
#define DEADLINE_MS 60000

/* Batch n: refusals of ten addresses, a ban, attempts. */
static void make_batch(struct world *w, int n)
{
	char address[32];
	int i;

	for (i = 0; i < LINES - 2; i++) {
		snprintf(address, sizeof(address), "10.0.%d.%d", n % 10, i % 10);
		world_refused(w, T0 + n * MINUTE, address, i % 2 ? "imap" : "smtp");
	}
	snprintf(address, sizeof(address), "10.1.%d.%d", n / 200, n % 200);
	world_ban(w, T0 + n * MINUTE, CLASS_AUTH, address, "x@example.org");
	world_attempt(w, T0 + n * MINUTE, address, "x@example.org");
}

/* Reads batches from where the store is, until all are in. Exits by itself; the parent may be
 * quicker. */
static void read_log(struct world *w)
{
	struct store_options options = { .dir = w->dir, .skip_check = true, .busy_ms = 2000 };
	struct err err = ERR_INIT;
	struct store *s = store_open(&options, &err);
	struct buf at = BUF_INIT;
	char to[16];
	int n = 0;

	if (s == NULL)
		_exit(10);
	while (n < BATCHES) {
		if (!history_cursor(s, "mail1", "log", &at, NULL, &err))
			_exit(11);
		n = at.len ? (int)strtol(buf_str(&at), NULL, 10) : 0;
		if (n == BATCHES)
			break;
		make_batch(w, n);
		snprintf(to, sizeof(to), "%d", n + 1);
		if (history_ingest(s, "mail1", "log", buf_str(&at), to, w->events, w->count, NULL,
			    &err) == INGEST_ERROR &&
			err.code != ERR_CONFLICT)
			_exit(12);
		err_clear(&err);
		world_forget_lines(w);
	}
	buf_release(&at);
	store_close(s);
	_exit(0);
}

static pid_t start_reader(struct world *w)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		read_log(w);
	return pid;
}

static int reached(struct world *w)
{
	struct buf at = BUF_INIT;
	int n = 0;

	if (history_cursor(w->store, "mail1", "log", &at, NULL, NULL))
		n = (int)strtol(buf_str(&at), NULL, 10);
	buf_release(&at);
	return n;
}

static void check_all_in(struct world *w)
{
	struct history_query q = all_of("mail1");
	struct history_tally *tallies;
	struct history_row *rows;
	struct history_sum *sums;
	uint64_t refused = 0, attempts = 0, bans = 0;
	size_t count, i;

	assert_int_equal(reached(w), BATCHES);
	assert_true(history_refused(w->store, &q, &sums, &count, NULL));
	for (i = 0; i < count; i++)
		refused += sums[i].count;
	history_sums_free(sums, count);
	assert_int_equal(refused, BATCHES * (LINES - 2));
	assert_true(history_attempts(w->store, &q, &sums, &count, NULL));
	for (i = 0; i < count; i++)
		attempts += sums[i].count;
	history_sums_free(sums, count);
	assert_int_equal(attempts, BATCHES);
	assert_true(history_group(w->store, HISTORY_BY_REASON, &q, &rows, &count, NULL, NULL));
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].bans, BATCHES);
	history_rows_free(rows, count);
	/* The counters per address agree with the rows they sum up. */
	assert_true(history_tallies(w->store, "mail1", &tallies, &count, NULL));
	for (i = 0, refused = 0; i < count; i++) {
		refused += tallies[i].refused;
		bans += tallies[i].bans;
	}
	free(tallies);
	assert_int_equal(refused, BATCHES * (LINES - 2));
	assert_int_equal(bans, BATCHES);
	assert_true(store_check(w->store, NULL));
}

static void test_killed_again_and_again(void **state)
{
	struct world *w = *state;
	int64_t deadline = clock_mono() + DEADLINE_MS;
	int status, kills = 0, at = 0;
	unsigned seed = 5;

	while (at < BATCHES) {
		pid_t pid = start_reader(w);
		int goal;

		/* Killed a few batches on, wherever it is then. */
		seed = seed * 1103515245 + 12345;
		goal = at + 1 + (int)(seed >> 16) % 25;
		if (goal > BATCHES)
			goal = BATCHES;
		while ((at = reached(w)) < goal && clock_mono() < deadline &&
			waitpid(pid, &status, WNOHANG) == 0)
			sched_yield();
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		at = reached(w);
		kills++;
		assert_true(clock_mono() < deadline);
	}
	assert_true(kills >= 5);
	check_all_in(w);
}

static void test_two_readers(void **state)
{
	struct world *w = *state;
	pid_t a = start_reader(w), b = start_reader(w);
	int status;

	assert_int_equal(waitpid(a, &status, 0), a);
	assert_int_equal(status, 0);
	assert_int_equal(waitpid(b, &status, 0), b);
	assert_int_equal(status, 0);
	check_all_in(w);
}

/* Two that find no store make one. */
static void test_two_openers(void **state)
{
	struct world *w = *state;
	char path[128];
	int i, round, status;
	pid_t pids[6];

	for (round = 0; round < 5; round++) {
		store_close(w->store);
		snprintf(path, sizeof(path), "rm -f %s/history.db*", w->dir);
		assert_int_equal(system(path), 0);
		for (i = 0; i < 6; i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				struct store_options options = { .dir = w->dir, .busy_ms = 5000 };
				struct err err = ERR_INIT;
				struct store *s = store_open(&options, &err);

				if (s == NULL)
					fprintf(stderr, "%s\n", err.msg);
				_exit(s && store_remember(s, "", "x", "y", &err) ? 0 : 1);
			}
		}
		for (i = 0; i < 6; i++) {
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_int_equal(status, 0);
		}
		world_open(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_killed_again_and_again, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_two_readers, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_two_openers, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
