/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store's jobs of steps: whatever the size of a step, the answer is that of a model of the lines; one that is
 * given up does no harm; what comes meanwhile may be in it or not, and nothing else is missing. */
#include "tests/unit/store_world.h"

#include "tests/unit/random.h"

#define LINES 6000

struct told {
	bool is_attempt;
	int64_t time;
	struct net net;
	char account[24], listener[12];
};

struct model {
	struct told *rows;
	size_t count;
};

static void tell(struct world *w, struct model *m, int64_t t)
{
	static const char *const listeners[] = { "imap", "smtp", "http" };
	struct told *r = &m->rows[m->count++];
	char address[NET_BUF];

	r->is_attempt = random_below(2);
	r->time = t;
	if (random_below(6) == 0)
		snprintf(address, sizeof(address), "2001:db8::%x", 1 + random_below(40));
	else
		snprintf(address, sizeof(address), "198.51.%u.%u", random_below(3), random_below(60));
	r->net = net_of(address);
	snprintf(r->listener, sizeof(r->listener), "%s", listeners[random_below(3)]);
	r->account[0] = '\0';
	if (r->is_attempt)
		snprintf(r->account, sizeof(r->account), "user%u", random_below(8));
	if (r->is_attempt)
		world_line(w, t,
			"Authentication failed (auth.failed) listenerId = \"%s\", remoteIp = %s, accountName = \"%s\"",
			r->listener, address, r->account);
	else
		world_refused(w, t, address, r->listener);
}

/* Lines of 40 days up to 12:00 of today, the last day busier. */
static struct model *make(struct world *w)
{
	struct model *m = xcalloc(1, sizeof(*m));
	size_t i;

	m->rows = xcalloc(LINES * 2, sizeof(*m->rows));
	for (i = 0; i < LINES; i++)
		tell(w, m,
			i < LINES / 2 ? T0 - 40 * DAY + (int64_t)i * 40 * DAY / (LINES / 2)
				      : T0 + (int64_t)(i - LINES / 2) * 14 * SECOND);
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	return m;
}

static void free_model(struct model *m)
{
	free(m->rows);
	free(m);
}

/* ---- sums ---- */

static bool fits(const struct told *r, const struct history_query *q, bool is_attempt)
{
	return r->is_attempt == is_attempt && (!q->within.family || net_contains(&q->within, &r->net)) &&
	       (!q->account || strcmp(q->account, r->account) == 0);
}

static bool is_of(const struct told *r, const struct history_sum *s)
{
	return net_equal(&r->net, &s->address) && strcmp(r->account, s->account) == 0 &&
	       strcmp(r->listener, s->listener) == 0;
}

/* Each row says what the lines say, no two are the same, and together they are all of them. */
static void check_sums(const struct model *m, const struct history_query *q, bool is_attempt,
	const struct history_sum *rows, size_t count, size_t maybe)
{
	uint64_t want = 0, got = 0;
	size_t i, k;

	for (k = 0; k < m->count; k++)
		want += fits(&m->rows[k], q, is_attempt);
	for (i = 0; i < count; i++) {
		uint64_t n = 0;
		int64_t first = INT64_MAX, last = 0;

		got += rows[i].count;
		for (k = 0; k < m->count; k++) {
			if (!fits(&m->rows[k], q, is_attempt) || !is_of(&m->rows[k], &rows[i]))
				continue;
			n++;
			first = m->rows[k].time < first ? m->rows[k].time : first;
			last = m->rows[k].time > last ? m->rows[k].time : last;
		}
		assert_true(rows[i].count <= n + maybe);
		if (maybe == 0) {
			assert_int_equal(rows[i].count, n);
			assert_true(rows[i].first == first && rows[i].last == last);
		}
		assert_int_equal(rows[i].class, is_attempt ? CLASS_AUTH : CLASS_NONE);
		if (i)
			assert_true(rows[i - 1].count >= rows[i].count);
	}
	if (q->limit)
		assert_true(count <= q->limit);
	else
		assert_in_range(got, want, want + maybe);
}

static struct history_sums_job *begin_sums(struct world *w, const struct history_query *q, bool is_attempt)
{
	return (is_attempt ? history_attempts_begin : history_refused_begin)(w->store, q, NULL);
}

static size_t run_sums(struct world *w, const struct history_query *q, bool is_attempt, size_t step,
	struct history_sum **rows, size_t *count)
{
	struct history_sums_job *job = begin_sums(w, q, is_attempt);
	bool is_done = false;
	size_t steps;

	assert_non_null(job);
	for (steps = 0; !is_done; steps++)
		assert_true(history_sums_step(job, step, &is_done, NULL));
	history_sums_take(job, rows, count);
	history_sums_end(job);
	return steps;
}

static void same_sums(const struct history_sum *a, const struct history_sum *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_true(net_equal(&a[i].address, &b[i].address));
		assert_string_equal(a[i].account, b[i].account);
		assert_string_equal(a[i].listener, b[i].listener);
		assert_int_equal(a[i].count, b[i].count);
	}
}

static void test_sums(void **state)
{
	static const char *const within[] = { "198.51.1.7", "198.51.2.0/24", "2001:db8::/32", "203.0.113.1", NULL };
	static const size_t sizes[] = { 0, 1, 7, 1000 };
	struct world *w = *state;
	struct model *m = make(w);

	for (size_t k = 0; k < ARRAY_LEN(within) * 4; k++) {
		struct history_query q = all_of(k & 1 ? "mail1" : NULL);
		struct history_sum *rows, *all;
		size_t count, all_count, steps;

		if (within[k / 4])
			q.within = net_of(within[k / 4]);
		if (k & 2)
			q.account = "user3";
		q.limit = k % 4 == 3 ? 5 : 0;
		for (int is_attempt = 0; is_attempt < 2; is_attempt++) {
			if (q.account && !is_attempt)
				continue;
			run_sums(w, &q, is_attempt, 0, &all, &all_count);
			check_sums(m, &q, is_attempt, all, all_count, 0);
			for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
				steps = run_sums(w, &q, is_attempt, sizes[i], &rows, &count);
				assert_int_equal(count, all_count);
				same_sums(rows, all, count);
				if (sizes[i] == 1 && all_count)
					assert_true(steps > 20);
				history_sums_free(rows, count);
			}
			history_sums_free(all, all_count);
		}
	}
	free_model(m);
}

/* The address has been seen in so many hours that its rows are found by reading the table through. */
static void test_sums_of_many_hours(void **state)
{
	struct world *w = *state;
	struct history_query q = all_of("mail1");
	struct model *m = make(w);
	struct history_sum *rows;
	size_t count;

	for (int i = 0; i < 3; i++)
		world_refused(w, T0 - (int64_t)i * 1200 * DAY, "198.51.0.9", "imap");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	q.within = net_of("198.51.0.9");
	q.until = T0 - DAY;
	run_sums(w, &q, false, 50, &rows, &count);
	assert_true(count > 0 && rows[0].first == T0 - 2400 * DAY);
	assert_true(rows[0].last < T0 - DAY);
	history_sums_free(rows, count);
	q = all_of("nobody");
	run_sums(w, &q, true, 50, &rows, &count);
	assert_int_equal(count, 0);
	history_sums_free(rows, count);
	free_model(m);
}

static void test_sums_while_lines_come(void **state)
{
	struct world *w = *state;
	struct history_query q = all_of("mail1");
	struct model *m = make(w);
	struct history_sum *rows;
	struct history_sums_job *job;
	size_t count, before = m->count, old;
	bool is_done = false;

	job = begin_sums(w, &q, true);
	while (!is_done) {
		assert_true(history_sums_step(job, 400, &is_done, NULL));
		for (int i = 0; i < 20 && m->count < LINES * 2; i++)
			tell(w, m, T0 - 20 * DAY + (int64_t)random_below(21 * 24 * 60) * MINUTE);
		assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	}
	history_sums_take(job, &rows, &count);
	history_sums_end(job);
	old = m->count;
	m->count = before;
	check_sums(m, &q, true, rows, count, old - before);
	history_sums_free(rows, count);
	m->count = old;
	/* One that is given up is no harm. */
	for (int i = 0; i < 12; i++) {
		job = begin_sums(w, &q, i & 1);
		for (int k = 0; k < i; k++)
			assert_true(history_sums_step(job, 900, &is_done, NULL));
		history_sums_end(job);
	}
	history_sums_end(NULL);
	free_model(m);
}

/* ---- near the limit ---- */

static void limits(struct thresholds *t)
{
	thresholds_init(t);
	for (int c = 0; c < CLASS_COUNT; c++)
		t->of[c].enabled = false;
	t->of[CLASS_AUTH] = (struct threshold){ .supported = true, .enabled = true, .count = 40, .period_ms = DAY };
	t->of[CLASS_SCAN] = (struct threshold){ .supported = true, .enabled = true, .count = 3, .period_ms = 7 * DAY };
}

static void check_near(const struct model *m, const struct history_near *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t n = 0;

		assert_int_equal(rows[i].class, CLASS_AUTH);
		for (size_t k = 0; k < m->count; k++)
			n += m->rows[k].is_attempt && m->rows[k].time >= T0 &&
			     (rows[i].address.family ? net_equal(&m->rows[k].net, &rows[i].address)
						     : !strcmp(m->rows[k].account, rows[i].account));
		assert_int_equal(rows[i].failures, n);
		assert_true(n * 2 >= 40);
		assert_true(rows[i].is_over == (n >= 40));
		if (i)
			assert_true(rows[i - 1].failures >= n);
	}
}

static size_t run_near(
	struct history_near_job *job, size_t step, struct history_near **rows, size_t *count, unsigned *logged)
{
	bool is_done = false;
	size_t steps;

	assert_non_null(job);
	for (steps = 0; !is_done; steps++)
		assert_true(history_near_step(job, step, &is_done, NULL));
	history_near_take(job, rows, count, logged);
	history_near_end(job);
	return steps;
}

static void test_near(void **state)
{
	static const size_t sizes[] = { 0, 1, 13, 500 };
	struct world *w = *state;
	struct model *m = make(w);
	struct history_near *rows, *all;
	struct thresholds t;
	int64_t now = T0 + 12 * HOUR;
	size_t count, all_count;
	unsigned logged;

	limits(&t);
	for (int i = 0; i < 3; i++) /* a scan's own line is a failure, but their attempts are not in the log */
		world_line(w, T0 + i * HOUR, "Banned (security.scan-ban) remoteIp = 203.0.113.9");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	assert_true(history_near(w->store, "mail1", &t, now, 50, 0, &all, &all_count, NULL));
	assert_true(all_count > 8);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		run_near(history_near_begin(w->store, "mail1", &t, now, 50, 0, now - 7 * DAY, NULL), sizes[i], &rows,
			&count, &logged);
		assert_int_equal(count, all_count);
		assert_int_equal(logged, 1u << CLASS_AUTH);
		assert_int_equal(rows[0].class, all[0].class);
		for (size_t k = 0; k < count; k++)
			assert_true(rows[k].id == all[k].id && rows[k].failures == all[k].failures);
		history_near_free(rows, count);
	}
	t.of[CLASS_SCAN].enabled = false;
	run_near(history_near_begin(w->store, "mail1", &t, now, 50, 0, TIME_NONE, NULL), 100, &rows, &count, &logged);
	check_near(m, rows, count);
	assert_int_equal(count, all_count - 1);
	history_near_free(rows, count);
	run_near(history_near_begin(w->store, "mail1", &t, now, 50, 3, TIME_NONE, NULL), 100, &rows, &count, &logged);
	assert_int_equal(count, 3);
	history_near_free(rows, count);
	/* a day on, nothing counts; that failed logins are logged is known from before the window */
	run_near(history_near_begin(w->store, "mail1", &t, now + DAY, 50, 0, now - 6 * DAY, NULL), 100, &rows, &count,
		&logged);
	assert_int_equal(count, 0);
	assert_int_equal(logged, 1u << CLASS_AUTH);
	history_near_free(rows, count);
	run_near(history_near_begin(w->store, "mail1", &t, now + 9 * DAY, 50, 0, now + 2 * DAY, NULL), 100, &rows,
		&count, &logged);
	assert_int_equal(logged, 0);
	history_near_free(rows, count);
	history_near_free(all, all_count);
	history_near_end(history_near_begin(w->store, "mail1", &t, now, 50, 0, now, NULL));
	thresholds_release(&t);
	free_model(m);
}

/* Of one address: by its hours alone, and beside its logins, are the same. */
static void test_near_of_one(void **state)
{
	static const char *const logins[] = { "user1", "user2", "nobody" };
	struct world *w = *state;
	struct model *m = make(w);
	struct history_near *alone, *beside;
	struct thresholds t;
	struct net n = net_of("198.51.1.8");
	size_t count, beside_count, i;

	limits(&t);
	run_near(history_near_of_begin(w->store, "mail1", &t, T0 + 12 * HOUR, &n, NULL, 0, TIME_NONE, NULL), 3, &alone,
		&count, NULL);
	assert_int_equal(count, 1);
	for (i = 0; i < 2; i++) {
		run_near(history_near_of_begin(w->store, "mail1", &t, T0 + 12 * HOUR, &n, logins, 3, TIME_NONE, NULL),
			i * 77, &beside, &beside_count, NULL);
		assert_int_equal(beside_count, 3);
		for (size_t k = 0; k < 3; k++) {
			if (!beside[k].address.family)
				continue;
			assert_int_equal(beside[k].failures, alone[0].failures);
			assert_int_equal(beside[k].accounts, alone[0].accounts);
		}
		history_near_free(beside, beside_count);
	}
	history_near_free(alone, count);
	thresholds_release(&t);
	free_model(m);
}

/* ---- single bans, and what led to one ---- */

#define BANS 9000

static void ban_many(struct world *w)
{
	char address[NET_BUF], account[24];

	for (int i = 0; i < BANS; i++) {
		snprintf(address, sizeof(address), "203.0.%u.%u", i % 3, i / 3 % 250);
		snprintf(account, sizeof(account), "user%u", random_below(8));
		world_ban(w, T0 - 30 * DAY + (int64_t)i * 4 * MINUTE, i & 1 ? CLASS_AUTH : CLASS_LOITER, address,
			account);
	}
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
}

static void test_bans(void **state)
{
	struct world *w = *state;
	struct history_query q[4];
	struct history_ban *rows, *all;
	struct history_bans_job *job;
	size_t count, all_count, steps;
	bool is_done;

	ban_many(w);
	for (size_t k = 0; k < ARRAY_LEN(q); k++)
		q[k] = all_of("mail1");
	q[1].account = "user5";
	q[2].within = net_of("203.0.1.0/24");
	q[2].limit = 700;
	q[3].class = CLASS_AUTH;
	q[3].since = T0 - 10 * DAY;
	for (size_t k = 0; k < ARRAY_LEN(q); k++) {
		assert_true(history_bans(w->store, &q[k], &all, &all_count, NULL));
		assert_true(all_count > 600);
		job = history_bans_begin(w->store, &q[k], NULL);
		for (steps = 0, is_done = false; !is_done; steps++)
			assert_true(history_bans_step(job, 1, &is_done, NULL));
		assert_true(steps > all_count / 300);
		history_bans_take(job, &rows, &count);
		history_bans_end(job);
		assert_int_equal(count, all_count);
		for (size_t i = 0; i < count; i++) {
			assert_true(
				rows[i].id == all[i].id && rows[i].time == all[i].time && rows[i].nth == all[i].nth);
			assert_string_equal(rows[i].account, all[i].account);
		}
		history_bans_free(rows, count);
		history_bans_free(all, all_count);
		for (int i = 0; i < 5; i++) {
			job = history_bans_begin(w->store, &q[k], NULL);
			for (int s = 0; s < i; s++)
				assert_true(history_bans_step(job, 1, &is_done, NULL));
			history_bans_end(job);
		}
	}
	history_bans_end(NULL);
}

static void run_buckets(struct history_buckets_job *job, unsigned segs)
{
	bool is_done = false;

	assert_non_null(job);
	while (!is_done)
		assert_true(history_buckets_step(job, segs, &is_done, NULL));
}

static void test_buckets(void **state)
{
	struct world *w = *state;
	struct history_day want[84], got[84];
	uint32_t want_hours[30], hours[30], sum = 0;
	struct history_buckets_job *job;
	int64_t now = T0 - 6 * DAY;

	ban_many(w);
	assert_true(history_days(w->store, "mail1", now, want, 84, NULL));
	assert_true(history_hours(w->store, "mail1", now, want_hours, 30, NULL));
	run_buckets(job = history_days_begin(w->store, "mail1", now, 84, NULL), 1);
	history_days_take(job, got);
	history_buckets_end(job);
	for (int i = 0; i < 84; i++) {
		assert_true(got[i].day == want[i].day && got[i].bans == want[i].bans &&
			    got[i].addresses == want[i].addresses);
		assert_memory_equal(got[i].by_class, want[i].by_class, sizeof(got[i].by_class));
		sum += got[i].bans;
	}
	assert_int_equal(got[82].bans, 24 * 60 / 4);
	assert_true(sum > 5000);
	run_buckets(job = history_hours_begin(w->store, "mail1", now, 30, NULL), 1);
	history_hours_take(job, hours);
	history_buckets_end(job);
	assert_memory_equal(hours, want_hours, sizeof(hours));
	assert_int_equal(hours[0], 60 / 4);
	/* nobody's are none; one that is given up is no harm */
	run_buckets(job = history_hours_begin(w->store, "nobody", now, 30, NULL), 1);
	history_hours_take(job, hours);
	assert_int_equal(hours[0], 0);
	history_buckets_end(job);
	job = history_days_begin(w->store, "mail1", now, 84, NULL);
	assert_true(history_buckets_step(job, 1, &(bool){ false }, NULL));
	history_buckets_end(job);
	history_buckets_end(NULL);
}

/* Every phase of a grouping given up in its turn. */
static void test_grouping_given_up(void **state)
{
	struct world *w = *state;
	struct history_query q = all_of("mail1");
	struct history_grouping *job;
	struct history_row *rows;
	size_t count;

	ban_many(w);
	q.sort = HISTORY_MOST;
	for (int by = 0; by < HISTORY_BY_COUNT; by++) {
		bool is_done = false;

		for (int steps = 1; !is_done; steps++) {
			job = history_grouping_begin(w->store, (enum history_by)by, &q, NULL);
			for (int i = 0; i < steps && !is_done; i++)
				assert_true(history_grouping_step(job, 1, &is_done, NULL));
			if (is_done) {
				history_grouping_take(job, &rows, &count, NULL);
				assert_true(count > 0 && rows[0].bans > 0);
				history_rows_free(rows, count);
			}
			history_grouping_end(job);
		}
	}
}

/* Bans that come and are sealed between two steps: none of the old ones is missing, none is there twice. */
static void test_bans_while_they_come(void **state)
{
	struct world *w = *state;
	struct history_query q = all_of("mail1");
	struct history_ban *rows;
	struct history_bans_job *job;
	size_t count, old = 0, come = 0;
	bool is_done = false;
	int64_t newest = INT64_MAX;

	ban_many(w);
	q.account = "user5";
	assert_true(history_bans(w->store, &q, &rows, &old, NULL));
	history_bans_free(rows, old);
	job = history_bans_begin(w->store, &q, NULL);
	while (!is_done) {
		assert_true(history_bans_step(job, 1, &is_done, NULL));
		for (int i = 0; i < 900 && come < 9000; i++, come++)
			world_ban(w, T0 + (int64_t)come * MINUTE, CLASS_AUTH, "203.0.113.7", "user5");
		assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	}
	history_bans_take(job, &rows, &count);
	history_bans_end(job);
	assert_in_range(count, old, old + come);
	for (size_t i = 0; i < count; i++) {
		assert_true(rows[i].time < newest);
		newest = rows[i].time;
	}
	history_bans_free(rows, count);
}

static void test_trigger(void **state)
{
	static const size_t sizes[] = { 1, 9, 800 };
	struct world *w = *state;
	struct model *m = make(w);
	struct history_trigger want, got;
	struct history_trigger_job *job;
	struct thresholds t;
	struct net n = net_of("198.51.1.8"), none = net_of("198.51.1.7");
	bool is_done;

	limits(&t);
	world_ban(w, T0 + 11 * HOUR, CLASS_AUTH, "198.51.1.8", "user2");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	assert_true(history_trigger(w->store, "mail1", &n, &t, &want, NULL));
	assert_true(want.found && want.attempts_logged && want.account_failures > 40);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		job = history_trigger_begin(w->store, "mail1", &n, &t, NULL);
		for (is_done = false; !is_done;)
			assert_true(history_trigger_step(job, sizes[i], &is_done, NULL));
		history_trigger_take(job, &got);
		history_trigger_end(job);
		assert_int_equal(got.failures, want.failures);
		assert_int_equal(got.account_failures, want.account_failures);
		assert_int_equal(got.account_addresses, want.account_addresses);
		assert_true(got.is_login_keyed == want.is_login_keyed && got.attempts_logged);
		history_trigger_release(&got);
	}
	job = history_trigger_begin(w->store, "mail1", &n, &t, NULL);
	assert_true(history_trigger_step(job, 5, &is_done, NULL) && !is_done);
	assert_true(history_trigger_step(job, 5, &is_done, NULL) && !is_done);
	history_trigger_end(job);
	history_trigger_release(&want);
	assert_true(history_trigger(w->store, "mail1", &none, &t, &want, NULL));
	assert_false(want.found);
	history_trigger_release(&want);
	thresholds_release(&t);
	free_model(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sums, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_sums_of_many_hours, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_sums_while_lines_come, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_near, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_near_of_one, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_bans, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_buckets, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_grouping_given_up, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_bans_while_they_come, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_trigger, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
