/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the store takes in, and its answers: against a plain model on random histories, and story by
 * story. */
#include "tests/unit/store_world.h"

/* ---- taking in ---- */

static size_t count_bans(struct store *s, const char *server)
{
	struct history_query q = all_of(server);
	struct history_row *rows;
	size_t count, i, bans = 0;

	assert_true(history_group(s, HISTORY_BY_REASON, &q, &rows, &count, NULL, NULL));
	for (i = 0; i < count; i++)
		bans += rows[i].bans;
	history_rows_free(rows, count);
	return bans;
}

/* Several lines of one ban within seconds are one ban; their listeners are kept when only a later
 * one names it. */
static void test_lines_of_one_ban(void **state)
{
	struct world *w = *state;
	struct history_query q = all_of("mail1");
	struct history_ban *bans;
	size_t count;

	world_line(w, T0,
		"Banned (security.abuse-ban) remoteIp = 203.0.113.96, to = "
		"\"nobody3@example.org\"");
	world_ban(w, T0 + 2 * SECOND, CLASS_ABUSE, "203.0.113.96", "nobody4@example.org");
	world_ban(w, T0 + 11 * SECOND, CLASS_ABUSE, "203.0.113.96", "nobody5@example.org");
	world_ban(w, T0 + 12 * SECOND, CLASS_AUTH, "203.0.113.96", "x");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	world_ban(w, T0 + 20 * SECOND, CLASS_ABUSE, "203.0.113.96", "nobody6@example.org");
	world_ban(w, T0 + 40 * SECOND, CLASS_ABUSE, "203.0.113.96", "nobody7@example.org");
	assert_int_equal(world_take(w, "1", "2"), INGEST_OK);
	assert_int_equal(w->sum.bans, 3);
	assert_int_equal(w->sum.repeats, 3);
	assert_true(history_bans(w->store, &q, &bans, &count, NULL));
	assert_int_equal(count, 3);
	assert_true(bans[0].time == T0 + 40 * SECOND);
	assert_int_equal(bans[0].nth, 3);
	assert_int_equal(bans[2].nth, 1);
	assert_int_equal(bans[2].lines, 4);
	assert_string_equal(bans[2].to, "nobody3@example.org");
	assert_string_equal(bans[2].listener, "imap");
	assert_int_equal(bans[1].class, CLASS_AUTH);
	assert_true(bans[1].ended == TIME_NONE);
	history_bans_free(bans, count);
}

static void test_cursor_is_a_gate(void **state)
{
	struct world *w = *state;
	struct buf b = BUF_INIT;
	int64_t when;

	world_refused(w, T0, "203.0.113.7", "imap");
	assert_int_equal(world_take(w, "", "one"), INGEST_OK);
	world_refused(w, T0, "203.0.113.7", "imap");
	assert_int_equal(world_take(w, "", "one"), INGEST_STALE); /* the same batch again */
	world_refused(w, T0, "203.0.113.7", "imap");
	assert_int_equal(world_take(w, "two", "three"), INGEST_STALE);
	world_refused(w, T0 + SECOND, "203.0.113.7", "imap");
	assert_int_equal(world_take(w, "one", "two"), INGEST_OK);
	assert_int_equal(w->sum.refused, 2);
	assert_int_equal(
		world_take(w, "two", "three"), INGEST_OK); /* a batch without lines moves it, too */
	assert_true(history_cursor(w->store, "mail1", "file:/log", &b, &when, NULL));
	assert_string_equal(buf_str(&b), "three");
	assert_true(when == clock_now());
	assert_true(history_cursor(w->store, "mail1", "api", &b, &when, NULL));
	assert_string_equal(buf_str(&b), "");
	assert_true(when == TIME_NONE);
	/* Without a cursor a ban is still one ban. */
	world_ban(w, T0, CLASS_AUTH, "203.0.113.7", "a");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	world_ban(w, T0, CLASS_AUTH, "203.0.113.7", "a");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	assert_int_equal(count_bans(w->store, "mail1"), 1);
	buf_release(&b);
}

static void test_refused_by_listener(void **state)
{
	struct world *w = *state;
	struct history_query q = all_of("mail1");
	struct history_sum *sums;
	size_t count;
	int i;

	for (i = 0; i < 30; i++)
		world_refused(w, T0 + i * 10 * MINUTE, "172.17.0.1", "imap");
	for (i = 0; i < 8; i++)
		world_refused(w, T0 + i * MINUTE, "172.17.0.1", "smtp");
	world_refused(w, T0, "203.0.113.7", "imap");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	q.within = net_of("172.17.0.1");
	assert_true(history_refused(w->store, &q, &sums, &count, NULL));
	assert_int_equal(count, 2);
	assert_string_equal(sums[0].listener, "imap");
	assert_int_equal(sums[0].count, 30);
	assert_true(sums[0].last == T0 + 290 * MINUTE);
	assert_string_equal(sums[1].listener, "smtp");
	assert_int_equal(sums[1].count, 8);
	history_sums_free(sums, count);
	q.within = net_of("0.0.0.0/0");
	q.since = T0 + 4 * HOUR; /* whole hours */
	assert_true(history_refused(w->store, &q, &sums, &count, NULL));
	assert_int_equal(count, 1);
	assert_int_equal(sums[0].count, 6);
	history_sums_free(sums, count);
	q = all_of(NULL);
	assert_true(history_refused(w->store, &q, &sums, &count, NULL));
	assert_int_equal(count, 3);
	history_sums_free(sums, count);
	q = all_of("nobody");
	assert_true(history_refused(w->store, &q, &sums, &count, NULL));
	assert_int_equal(count, 0);
}

static void test_expired_ends_the_ban(void **state)
{
	struct world *w = *state;
	struct history_query q = all_of("mail1");
	struct history_ban *bans;
	size_t count;

	world_ban(w, T0, CLASS_AUTH, "127.0.0.23", "a");
	world_line(w, T0 + HOUR,
		"IP block expired (security.ip-block-expired) details = [127.0.0.23, 10.0.0.0/8]");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	assert_int_equal(w->sum.ended, 2);
	assert_true(history_bans(w->store, &q, &bans, &count, NULL));
	assert_int_equal(bans[0].end, END_EXPIRED);
	assert_true(bans[0].ended == T0 + HOUR);
	history_bans_free(bans, count);
}

static void test_nonsense_is_counted(void **state)
{
	struct world *w = *state;

	world_line(w, T0, "Something else (queue.started)");
	world_line(
		w, -5000 * DAY, "Banned (security.scan-ban) remoteIp = 203.0.113.7, path = \"/\"");
	world_line(w, T0, "Banned (security.scan-ban) path = \"/\"");
	world_line(w, T0,
		"Banned (security.scan-ban) path = \"\", remoteIp = 1.1.1.1, x = \"\", remoteIp = "
		"2.2.2.2");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	assert_int_equal(w->sum.lines, 4);
	assert_int_equal(w->sum.unparsed, 1);
	assert_int_equal(w->sum.ignored, 3);
	assert_int_equal(count_bans(w->store, "mail1"), 0);
}

/* ---- a model ---- */

#define BANS 10000

struct model_ban {
	int64_t time;
	enum ban_class class;
	struct net net;
	unsigned account; /* 0 = none */
};

static uint64_t seed;

static unsigned roll(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

static int cmp_time(const void *a, const void *b)
{
	int64_t x = ((const struct model_ban *)a)->time, y = ((const struct model_ban *)b)->time;

	return x < y ? -1 : x > y;
}

/* Bans over 300 days, each address at most one a minute; two segments full and a tail. */
static struct model_ban *make_model(struct world *w)
{
	struct model_ban *m = xcalloc(BANS, sizeof(*m));
	char address[64], account[32];
	int i;

	seed = 77;
	for (i = 0; i < BANS; i++) {
		m[i].time = T0 - 300 * DAY + (int64_t)roll(300 * 24 * 60) * MINUTE;
		m[i].class = (enum ban_class)roll(CLASS_COUNT);
		m[i].account = roll(50);
		if (roll(5) == 0)
			snprintf(address, sizeof(address), "2001:db8:%x:%x::%x", roll(3), roll(3),
				i);
		else
			snprintf(address, sizeof(address), "10.%u.%u.%u", roll(3), roll(20),
				roll(50));
		m[i].net = net_of(address);
	}
	qsort(m, BANS, sizeof(*m), cmp_time);
	for (i = 0; i < BANS; i++) {
		net_format(&m[i].net, address, sizeof(address));
		snprintf(account, sizeof(account), "user%u", m[i].account);
		world_ban(w, m[i].time, m[i].class, address,
			m[i].account && m[i].class != CLASS_SCAN ? account : NULL);
		if (m[i].class == CLASS_SCAN)
			m[i].account = 0;
		if (w->count == 700 || i == BANS - 1) {
			char from[16], to[16];

			snprintf(from, sizeof(from), "%d", i - (int)w->count);
			if (i < 700)
				from[0] = '\0';
			snprintf(to, sizeof(to), "%d", i);
			assert_int_equal(world_take(w, from, to), INGEST_OK);
		}
	}
	/* Two of one address and class may have fallen into the same seconds: they are one, there
	 * and here. */
	assert_int_equal(w->sum.bans + w->sum.repeats, BANS);
	return m;
}

static void name_account(unsigned n, char *out, size_t size)
{
	snprintf(out, size, "user%u", n);
	if (n == 0)
		out[0] = '\0';
}

static bool model_fits(const struct model_ban *b, const struct history_query *q)
{
	char account[32];

	name_account(b->account, account, sizeof(account));
	return (q->since == TIME_NONE || b->time >= q->since) &&
	       (q->until == TIME_NONE || b->time < q->until) &&
	       (q->class == CLASS_NONE || q->class == b->class) &&
	       (!q->account || strcmp(q->account, account) == 0) &&
	       (!q->within.family || net_contains(&q->within, &b->net));
}

/* Does the row say what the model says of its group? */
static void check_row(const struct model_ban *m, const struct history_query *q, enum history_by by,
	const struct history_row *row)
{
	uint64_t bans = 0, by_class[CLASS_COUNT] = { 0 };
	int64_t first = INT64_MAX, last = 0;
	size_t i, c;

	for (i = 0; i < BANS; i++) {
		char account[32];
		bool is_in = false;

		name_account(m[i].account, account, sizeof(account));
		if (!model_fits(&m[i], q))
			continue;
		switch (by) {
		case HISTORY_BY_DAY:
			is_in = time_day_start(m[i].time) == row->day;
			break;
		case HISTORY_BY_ADDRESS:
		case HISTORY_BY_RANGE:
			is_in = net_contains(&row->net, &m[i].net);
			break;
		case HISTORY_BY_REASON:
			is_in = m[i].class == row->class;
			break;
		case HISTORY_BY_ACCOUNT:
			is_in = strcmp(account, row->account) == 0;
			break;
		case HISTORY_BY_COUNT:
			break;
		}
		if (!is_in)
			continue;
		bans++;
		by_class[m[i].class]++;
		first = m[i].time < first ? m[i].time : first;
		last = m[i].time > last ? m[i].time : last;
	}
	assert_int_equal(row->bans, bans);
	assert_true(row->first == first && row->last == last);
	for (c = 0; c < CLASS_COUNT; c++)
		assert_int_equal(row->by_class[c], by_class[c]);
	assert_true(row->addresses >= 1 && row->addresses <= bans);
}

static void check_group(struct world *w, const struct model_ban *m, const struct history_query *q,
	enum history_by by)
{
	struct history_row *rows;
	size_t count, total, i, bans = 0, want = 0;

	assert_true(history_group(w->store, by, q, &rows, &count, &total, NULL));
	for (i = 0; i < BANS; i++)
		want += model_fits(&m[i], q);
	for (i = 0; i < count; i++) {
		bans += rows[i].bans;
		if (i % 7 == 0)
			check_row(m, q, by, &rows[i]);
		if (i > 0 && q->sort == HISTORY_MOST)
			assert_true(rows[i - 1].bans >= rows[i].bans);
		if (i > 0 && q->sort == HISTORY_NEWEST)
			assert_true(rows[i - 1].last >= rows[i].last);
		if (i > 0 && q->sort == HISTORY_KEY && by == HISTORY_BY_ADDRESS)
			assert_true(net_cmp(&rows[i - 1].net, &rows[i].net) < 0);
		if (i > 0 && q->sort == HISTORY_KEY && by == HISTORY_BY_ACCOUNT)
			assert_true(strcmp(rows[i - 1].account, rows[i].account) < 0);
	}
	if (!q->limit) {
		assert_int_equal(bans, want);
		assert_int_equal(count, total);
	} else {
		assert_true(count <= q->limit && count <= total);
	}
	history_rows_free(rows, count);
}

static uint64_t bans_of(const struct history_row *rows, size_t count)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < count; i++)
		n += rows[i].bans;
	return n;
}

/* A segment at a time the rows are the same, and no step looks at more. What comes meanwhile, and is
 * sealed meanwhile, is counted once or not at all. */
static void test_groups_in_steps(void **state)
{
	struct world *w = *state;
	struct model_ban *m = make_model(w);
	struct history_query q = all_of("mail1");
	struct history_row *rows, *stepped;
	struct history_grouping *job;
	size_t count, total, i, stepped_count, stepped_total, steps, come = 0;
	bool is_done;
	int by;

	for (by = 0; by < HISTORY_BY_COUNT; by++) {
		assert_true(history_group(w->store, (enum history_by)by, &q, &rows, &count, &total, NULL));
		job = history_grouping_begin(w->store, (enum history_by)by, &q, NULL);
		for (steps = 0, is_done = false; !is_done; steps++)
			assert_true(history_grouping_step(job, 1, &is_done, NULL));
		assert_true(steps >= BANS / 4096 + 4);
		history_grouping_take(job, &stepped, &stepped_count, &stepped_total);
		history_grouping_end(job);
		assert_int_equal(stepped_count, count);
		assert_int_equal(stepped_total, total);
		for (i = 0; i < count; i++) {
			assert_int_equal(rows[i].bans, stepped[i].bans);
			assert_int_equal(rows[i].addresses, stepped[i].addresses);
			assert_true(net_equal(&rows[i].net, &stepped[i].net));
			assert_string_equal(rows[i].account, stepped[i].account);
		}
		history_rows_free(rows, count);
		history_rows_free(stepped, stepped_count);
	}
	assert_true(history_group(w->store, HISTORY_BY_REASON, &q, &rows, &count, NULL, NULL));
	total = bans_of(rows, count);
	history_rows_free(rows, count);
	job = history_grouping_begin(w->store, HISTORY_BY_REASON, &q, NULL);
	for (is_done = false; !is_done;) {
		for (i = 0; i < 1000; i++, come++)
			world_ban(w, T0 + (int64_t)come * MINUTE, CLASS_AUTH, "203.0.113.7", "a");
		assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
		assert_true(history_grouping_step(job, 1, &is_done, NULL));
	}
	history_grouping_take(job, &rows, &count, NULL);
	history_grouping_end(job);
	assert_in_range(bans_of(rows, count), total, total + come);
	history_rows_free(rows, count);
	/* One that is given up is no harm. */
	job = history_grouping_begin(w->store, HISTORY_BY_ACCOUNT, &q, NULL);
	for (i = 0; i < 8; i++)
		assert_true(history_grouping_step(job, 1, &is_done, NULL));
	history_grouping_end(job);
	history_grouping_end(NULL);
	free(m);
}

static void test_groups_against_a_model(void **state)
{
	struct world *w = *state;
	struct model_ban *m = make_model(w);
	int by, round;

	/* Make model and store agree on what is one ban. */
	if (w->sum.repeats) {
		free(m);
		fail_msg("the model has %llu double bans: choose another seed",
			(unsigned long long)w->sum.repeats);
	}
	for (by = 0; by < HISTORY_BY_COUNT; by++) {
		for (round = 0; round < 6; round++) {
			struct history_query q = all_of("mail1");

			q.sort = (enum history_sort)roll(3);
			q.limit = round == 5 ? 10 : 0;
			if (round & 1)
				q.since = T0 - (int64_t)roll(300) * DAY;
			if (round & 2)
				q.until = T0 - (int64_t)roll(100) * DAY;
			if (round == 3)
				q.class = CLASS_AUTH;
			if (round == 4)
				q.within = net_of("10.1.0.0/16");
			if (round == 2)
				q.account = "user7";
			check_group(w, m, &q, (enum history_by)by);
		}
	}
	free(m);
}

static void test_bans_in_order(void **state)
{
	struct world *w = *state;
	struct model_ban *m = make_model(w);
	struct history_query queries[5];
	struct history_ban *bans;
	size_t count, i, k, want;

	for (i = 0; i < ARRAY_LEN(queries); i++)
		queries[i] = all_of(i ? "mail1" : NULL);
	queries[1].since = T0 - 100 * DAY;
	queries[1].until = T0 - 50 * DAY;
	queries[2].within = m[5].net;
	queries[3].class = CLASS_ABUSE;
	queries[3].account = "user3";
	queries[4].within = net_of("10.2.3.0/24");
	queries[4].limit = 5;
	for (k = 0; k < ARRAY_LEN(queries); k++) {
		for (want = 0, i = 0; i < BANS; i++)
			want += model_fits(&m[i], &queries[k]);
		if (queries[k].limit && want > queries[k].limit)
			want = queries[k].limit;
		assert_true(history_bans(w->store, &queries[k], &bans, &count, NULL));
		assert_int_equal(count, want);
		assert_true(count > 0);
		for (i = 1; i < count; i++)
			assert_true(bans[i - 1].time >= bans[i].time);
		history_bans_free(bans, count);
	}
	free(m);
}

static void test_hours_and_days(void **state)
{
	struct world *w = *state;
	int64_t now = T0 + 12 * HOUR + 30 * MINUTE;
	struct history_day days[84];
	uint32_t hours[24];
	int i;

	for (i = 0; i < 31; i++)
		world_ban(w, T0 + 9 * HOUR + i * SECOND, CLASS_AUTH,
			i < 20 ? "203.0.113.7" : "203.0.113.8", NULL);
	world_ban(w, T0 - 12 * HOUR + MINUTE, CLASS_SCAN, "203.0.113.9", "/x");
	world_ban(w, T0 - 11 * HOUR + MINUTE, CLASS_SCAN, "203.0.113.10", "/x");
	world_ban(w, now + HOUR, CLASS_SCAN, "203.0.113.11", "/x"); /* a clock ahead of ours */
	world_ban(w, T0 - 83 * DAY, CLASS_LOITER, "203.0.113.12", NULL);
	world_ban(w, T0 - 83 * DAY - MINUTE, CLASS_LOITER, "203.0.113.13", NULL);
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	assert_true(history_hours(w->store, "mail1", now, hours, 24, NULL));
	assert_int_equal(hours[20], 2); /* 09:00: the 31 lines of two addresses are two bans */
	assert_int_equal(hours[0], 1);  /* 13:00 of the day before */
	assert_int_equal(hours[23], 0);
	assert_true(history_days(w->store, "mail1", now, days, 84, NULL));
	assert_true(days[83].day == T0);
	assert_int_equal(days[83].bans, 3);
	assert_int_equal(days[83].addresses, 3);
	assert_int_equal(days[83].by_class[CLASS_AUTH], 2);
	assert_int_equal(days[0].bans, 1);
	assert_int_equal(days[82].bans, 2);
}

/* ---- near the limit, and why ---- */

static void set_rate(struct thresholds *t, enum ban_class c, uint64_t count, int64_t period)
{
	t->of[c].supported = t->of[c].enabled = true;
	t->of[c].count = count;
	t->of[c].period_ms = period;
}

static void test_near_the_limit(void **state)
{
	struct world *w = *state;
	struct history_near *near;
	struct thresholds t;
	static const char *const logins[] = { "a@example.org", "nobody@example.org" };
	struct net near_address;
	char address[32];
	size_t count;
	bool logged;
	int i;

	assert_true(net_parse("198.51.100.20", 13, &near_address, NULL));
	thresholds_init(&t);
	set_rate(&t, CLASS_AUTH, 100, DAY);
	set_rate(&t, CLASS_ABUSE, 35, DAY);
	for (i = 0; i < 83; i++)
		world_attempt(w, T0 + i * MINUTE, "203.0.113.7",
			i % 2 ? "a@example.org" : "b@example.org");
	for (i = 0; i < 60; i++) {
		snprintf(address, sizeof(address), "198.51.100.%d", i);
		world_attempt(w, T0 + i * MINUTE, address, "a@example.org");
	}
	for (i = 0; i < 99; i++) /* yesterday's window is over */
		world_attempt(w, T0 - HOUR + i * SECOND, "203.0.113.99", "z@example.org");
	world_line(w, T0 + HOUR,
		"Too many (auth.too-many-attempts) remoteIp = 203.0.113.7"); /* no failure of its
										own */
	for (i = 0; i < 5; i++)
		world_line(w, T0 + i,
			"Mailbox does not exist (smtp.mailbox-does-not-exist) remoteIp = "
			"203.0.113.50, to = \"n%d@example.org\"",
			i);
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	assert_true(
		history_near(w->store, "mail1", &t, T0 + 12 * HOUR, 80, 0, &near, &count, NULL));
	assert_int_equal(count, 2);
	assert_string_equal(near[0].account, "a@example.org"); /* 41 + 60 */
	assert_int_equal(near[0].failures, 101);
	assert_int_equal(near[0].addresses, 61);
	assert_true(near[0].is_over);
	assert_int_equal(near[0].address.family, 0);
	assert_int_equal(near[1].failures, 83);
	assert_int_equal(near[1].limit, 100);
	assert_int_equal(near[1].accounts, 2);
	assert_false(near[1].is_over);
	assert_true(near[1].window_end == T0 + DAY);
	assert_string_equal(near[1].account, "");
	assert_int_equal(near[1].address.addr[3], 7);
	history_near_free(near, count);
	assert_true(history_near(w->store, "mail1", &t, T0 + 12 * HOUR, 1, 3, &near, &count, NULL));
	assert_int_equal(count, 3);
	history_near_free(near, count);
	/* one address and its logins, however few */
	assert_true(history_near_of(w->store, "mail1", &t, T0 + 12 * HOUR, &near_address, logins, 2, &near, &count, NULL));
	assert_int_equal(count, 2);
	assert_string_equal(near[0].account, "a@example.org");
	assert_int_equal(near[1].failures, 1);
	assert_int_equal(near[1].address.addr[3], 20);
	history_near_free(near, count);
	assert_true(history_has_attempts(w->store, "mail1", CLASS_AUTH, T0, &logged, NULL) && logged);
	assert_true(history_has_attempts(w->store, "mail1", CLASS_LOITER, T0, &logged, NULL) && !logged);
	assert_true(history_has_attempts(w->store, "mail1", CLASS_AUTH, T0 + 2 * DAY, &logged, NULL) && !logged);
	assert_true(history_has_attempts(w->store, "another", CLASS_AUTH, T0, &logged, NULL) && !logged);
	t.of[CLASS_AUTH].enabled = false;
	assert_true(
		history_near(w->store, "mail1", &t, T0 + 12 * HOUR, 80, 0, &near, &count, NULL));
	assert_int_equal(count, 0);
	history_near_free(near, count);
	thresholds_release(&t);
}

/* The owner with one stale password, banned at his first failure because someone else is at his
 * account. */
static void test_banned_because_of_the_login(void **state)
{
	struct world *w = *state;
	struct history_trigger trigger;
	struct thresholds t;
	struct net owner = net_of("203.0.113.77"), attacker = net_of("198.51.100.1");
	int i;

	thresholds_init(&t);
	set_rate(&t, CLASS_AUTH, 100, DAY);
	for (i = 0; i < 100; i++)
		world_attempt(w, T0 + i * MINUTE, i % 2 ? "198.51.100.1" : "198.51.100.2",
			"owner@example.org");
	world_ban(w, T0 + 3 * HOUR, CLASS_AUTH, "203.0.113.77", "owner@example.org");
	for (i = 0; i < 60; i++)
		world_attempt(w, T0 + 4 * HOUR + i * SECOND, "198.51.100.1", "other@example.org");
	world_ban(w, T0 + 5 * HOUR, CLASS_AUTH, "198.51.100.1", "other@example.org");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	assert_true(history_trigger(w->store, "mail1", &owner, &t, &trigger, NULL));
	assert_true(trigger.found && trigger.is_login_keyed && trigger.attempts_logged);
	assert_int_equal(trigger.failures, 1);
	assert_int_equal(trigger.account_failures, 101);
	assert_int_equal(trigger.account_addresses, 3);
	assert_true(trigger.window_start == T0);
	assert_int_equal(trigger.ban.nth, 1);
	history_trigger_release(&trigger);
	assert_true(history_trigger(w->store, "mail1", &attacker, &t, &trigger, NULL));
	assert_true(trigger.found);
	assert_false(trigger.is_login_keyed); /* 50 + 60 + 1 of his own */
	assert_int_equal(trigger.failures, 111);
	assert_int_equal(trigger.attempt_count, 2);
	history_trigger_release(&trigger);
	owner = net_of("203.0.113.1");
	assert_true(history_trigger(w->store, "mail1", &owner, &t, &trigger, NULL));
	assert_false(trigger.found);
	history_trigger_release(&trigger);
	thresholds_release(&t);
}

static void test_attempts_that_were_not_logged(void **state)
{
	struct world *w = *state;
	struct history_trigger trigger;
	struct net n = net_of("203.0.113.77");

	world_ban(w, T0 + 3 * HOUR, CLASS_AUTH, "203.0.113.77", "owner@example.org");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	assert_true(history_trigger(w->store, "mail1", &n, NULL, &trigger, NULL));
	assert_true(trigger.found);
	assert_false(trigger.attempts_logged || trigger.is_login_keyed);
	history_trigger_release(&trigger);
}

/* The recorded log: of an unknown recipient there is a line beside the ban's, so the ban is not
 * counted once more. */
static void test_a_recorded_ban(void **state)
{
	struct world *w = *state;
	struct history_trigger trigger;
	struct net n = net_of("203.0.113.96");
	char line[4096], *rest;
	FILE *f = fopen("tests/data/logs/stalwart-0.15.5.log", "r");
	int64_t t;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		assert_true(time_scan(line, strlen(line), &t) > 0);
		rest = strchr(strchr(line, ' ') + 1, ' ') + 1;
		rest[strcspn(rest, "\n")] = '\0';
		world_line(w, t, "%s", rest);
	}
	fclose(f);
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	assert_int_equal(w->sum.bans, 8);
	assert_int_equal(w->sum.repeats, 5);
	assert_int_equal(w->sum.refused, 20);
	assert_true(history_trigger(w->store, "mail1", &n, NULL, &trigger, NULL));
	assert_true(trigger.found && trigger.attempts_logged);
	assert_int_equal(trigger.failures, 6);
	assert_int_equal(trigger.ban.lines, 3);
	assert_string_equal(trigger.ban.to, "nobody3@example.org");
	history_trigger_release(&trigger);
}

/* ---- the list as it was seen ---- */

static struct entrylist *make_list(const char *const *keys, size_t count)
{
	struct entrylist *l = entrylist_new();
	size_t i;

	for (i = 0; i < count; i++)
		entrylist_add(l, keys[i], strlen(keys[i]), NULL, 0, NULL, REASON_NONE,
			ORIGIN_UNKNOWN, TIME_NONE, TIME_NONE);
	entrylist_finish(l);
	return l;
}

static void see(struct world *w, int64_t now, struct entrylist *l)
{
	struct history_seen *job = history_seen_begin(w->store, "mail1", l, now, NULL);
	bool is_done = false;

	assert_non_null(job);
	while (!is_done)
		assert_true(history_seen_step(job, 0, &is_done, NULL));
	history_seen_end(job);
	entrylist_free(l);
}

static const struct history_tally *tally_of(
	const struct history_tally *rows, size_t count, const char *s)
{
	struct net n = net_of(s);

	return history_tally_find(rows, count, &n);
}

static void test_seen_without_a_line(void **state)
{
	static const char *const first[] = { "203.0.113.7", "203.0.113.0/24", "198.51.100.1",
		"2001:db8::1", "not-an-ip" };
	static const char *const second[] = { "203.0.113.0/24", "198.51.100.1", "198.51.100.9" };
	struct world *w = *state;
	const struct history_tally *t;
	struct history_tally *rows;
	struct history_span *spans;
	struct history_ban *bans;
	struct history_query q = all_of("mail1");
	struct net n = net_of("203.0.113.7");
	uint64_t refused, ban_count;
	size_t count;

	world_ban(w, T0, CLASS_AUTH, "203.0.113.7", "a");
	world_refused(w, T0 + MINUTE, "203.0.113.7", "imap");
	world_refused(w, T0 + MINUTE, "203.0.113.20", "imap");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	see(w, T0 + HOUR, make_list(first, ARRAY_LEN(first)));
	see(w, T0 + 2 * HOUR, make_list(first, ARRAY_LEN(first))); /* nothing new */
	assert_true(history_tallies(w->store, "mail1", &rows, &count, NULL));
	t = tally_of(rows, count, "203.0.113.7");
	assert_non_null(t);
	assert_true(t->seen_first == TIME_NONE); /* a line explains it */
	assert_int_equal(t->bans, 1);
	assert_int_equal(t->refused, 1);
	t = tally_of(rows, count, "198.51.100.1");
	assert_true(t && t->seen_first == T0 + HOUR && t->last_ban == TIME_NONE);
	t = tally_of(rows, count, "203.0.113.0/24");
	assert_true(t && t->seen_first == T0 + HOUR);
	history_tally_inside(rows, count, &t->net, &refused, &ban_count);
	assert_int_equal(refused, 2);
	assert_int_equal(ban_count, 1);
	free(rows);
	/* Gone: an end, of the ban as well. */
	see(w, T0 + 3 * HOUR, make_list(second, ARRAY_LEN(second)));
	assert_true(history_spans(w->store, "mail1", &n, &spans, &count, NULL));
	assert_int_equal(count, 2); /* itself, and the network around it */
	assert_true(spans[0].ended == TIME_NONE && spans[0].net.prefix == 24);
	assert_true(spans[1].ended == T0 + 3 * HOUR && spans[1].end == END_GONE);
	history_spans_free(spans, count);
	q.within = n;
	assert_true(history_bans(w->store, &q, &bans, &count, NULL));
	assert_true(bans[0].ended == T0 + 3 * HOUR && bans[0].end == END_GONE);
	history_bans_free(bans, count);
	assert_true(history_spans(w->store, "mail1", NULL, &spans, &count, NULL));
	assert_int_equal(count, 5);
	history_spans_free(spans, count);
	/* Seen before its line was read: the line explains it afterwards. */
	world_ban(w, T0 + 3 * HOUR + SECOND, CLASS_SCAN, "198.51.100.9", "/x");
	assert_int_equal(world_take(w, "1", "2"), INGEST_OK);
	assert_true(history_tallies(w->store, "mail1", &rows, &count, NULL));
	t = tally_of(rows, count, "198.51.100.9");
	assert_true(t && t->seen_first == TIME_NONE && t->bans == 1 && t->last_class == CLASS_SCAN);
	free(rows);
}

static void test_seen_many(void **state)
{
	struct world *w = *state;
	struct entrylist *l;
	struct history_span *spans;
	char key[32];
	size_t count, i;
	int round;

	for (round = 0; round < 3; round++) {
		l = entrylist_new();
		for (i = 0; i < 3000; i++) {
			/* Every round lacks other ones. */
			if (round && i % (size_t)(round + 2) == 0)
				continue;
			snprintf(key, sizeof(key), "10.0.%zu.%zu", i / 250, i % 250);
			entrylist_add(l, key, strlen(key), NULL, 0, NULL, REASON_NONE,
				ORIGIN_UNKNOWN, TIME_NONE, TIME_NONE);
		}
		entrylist_finish(l);
		see(w, T0 + round * HOUR, l);
	}
	assert_true(history_spans(w->store, "mail1", NULL, &spans, &count, NULL));
	for (i = 0, round = 0; i < count; i++)
		round += spans[i].ended == TIME_NONE;
	assert_int_equal(round, 3000 - 750);
	/* All of round 0; those back in round 2 that lacked in round 1 (i % 3 == 0, not % 4). */
	assert_int_equal(count, 3000 + 1000 - 250);
	history_spans_free(spans, count);
}

static void test_retention(void **state)
{
	struct world *w = *state;
	struct model_ban *m = make_model(w);
	struct history_query q = all_of("mail1");
	struct history_sum *sums;
	struct history_tally *tallies;
	size_t i, want = 0, count;
	bool more = true;
	int rounds = 0;

	world_refused(w, T0 - 200 * DAY, "192.0.2.1", "imap");
	world_refused(w, T0 - DAY, "192.0.2.2", "imap");
	world_attempt(w, T0 - 200 * DAY, "192.0.2.3", "old@example.org");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	for (i = 0; i < BANS; i++)
		want += m[i].time >= T0 - 100 * DAY;
	while (more) {
		assert_true(history_retain(w->store, 100 * DAY, T0, &more, NULL));
		assert_true(++rounds < 1000);
	}
	assert_int_equal(count_bans(w->store, "mail1"), want);
	assert_true(history_refused(w->store, &q, &sums, &count, NULL));
	assert_int_equal(count, 1);
	history_sums_free(sums, count);
	assert_true(history_attempts(w->store, &q, &sums, &count, NULL));
	assert_int_equal(count, 0);
	history_sums_free(sums, count);
	assert_true(history_tallies(w->store, "mail1", &tallies, &count, NULL));
	for (i = 0, want = 0; i < count; i++)
		want += tallies[i].bans;
	free(tallies);
	assert_int_equal(want, count_bans(w->store, "mail1"));
	assert_true(store_check(w->store, NULL));
	/* New ones are found again, also when all were gone. */
	more = true;
	while (more)
		assert_true(history_retain(w->store, 1, T0 + DAY, &more, NULL));
	assert_int_equal(count_bans(w->store, "mail1"), 0);
	world_ban(w, T0 + DAY, CLASS_AUTH, "203.0.113.7", "a");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	assert_int_equal(count_bans(w->store, "mail1"), 1);
	free(m);
}

/* Of all servers: an address banned by two is one address. */
static void test_two_servers(void **state)
{
	struct world *w = *state;
	struct history_query q = all_of(NULL);
	struct history_row *rows;
	size_t count;

	world_ban(w, T0, CLASS_AUTH, "203.0.113.7", "a");
	world_ban(w, T0 + HOUR, CLASS_AUTH, "203.0.113.8", "a");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	world_ban(w, T0 + 2 * HOUR, CLASS_AUTH, "203.0.113.7", "a");
	assert_int_equal(history_ingest(w->store, "mail2", "file:/log", NULL, NULL, w->events,
				 w->count, NULL, NULL),
		INGEST_OK);
	assert_true(history_group(w->store, HISTORY_BY_ADDRESS, &q, &rows, &count, NULL, NULL));
	assert_int_equal(count, 2);
	assert_int_equal(rows[0].bans, 2);
	assert_int_equal(rows[0].addresses, 1);
	history_rows_free(rows, count);
	assert_true(history_group(w->store, HISTORY_BY_RANGE, &q, &rows, &count, NULL, NULL));
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].bans, 3);
	assert_int_equal(rows[0].addresses, 2);
	history_rows_free(rows, count);
	q.server = "mail2";
	assert_true(history_group(w->store, HISTORY_BY_RANGE, &q, &rows, &count, NULL, NULL));
	assert_int_equal(rows[0].bans, 1);
	history_rows_free(rows, count);
}

static void test_names(void **state)
{
	enum history_by by;

	(void)state;
	assert_string_equal(history_by_text(HISTORY_BY_RANGE), "range");
	assert_true(history_by_parse("account", &by));
	assert_int_equal(by, HISTORY_BY_ACCOUNT);
	assert_false(history_by_parse("month", &by));
}

static void add_entry(struct entrylist *l, const char *key, enum reason reason, enum origin origin, int64_t created)
{
	entrylist_add(l, key, strlen(key), "", 0, NULL, reason, origin, created, TIME_NONE);
}

static void check_entry(const struct entrylist *l, const char *key, enum reason reason, enum origin origin, int64_t created)
{
	ptrdiff_t row = entrylist_find_key(l, key);

	assert_true(row >= 0);
	assert_int_equal(l->rows[row].reason, reason);
	assert_int_equal(l->rows[row].origin, origin);
	assert_true(entry_created(&l->rows[row]) == created);
}

/* Read a few rows at a time, with the store written to in between, they are the same. */
static void check_steps(struct world *w, const struct history_tally *all, size_t count)
{
	for (size_t step = 1; step < 5; step++) {
		struct tally_reader *r = history_tallies_begin(w->store, "mail1", NULL);
		struct history_tally *rows;
		size_t n, steps = 0;
		bool done = false;

		assert_non_null(r);
		while (!done) {
			assert_true(history_tallies_step(r, step, &done, NULL));
			assert_true(store_remember(w->store, "mail1", "step", steps++ % 2 ? "a" : "b", NULL));
		}
		assert_true(steps >= count / step);
		history_tallies_end(r, &rows, &n);
		assert_int_equal(n, count);
		for (size_t i = 0; i < n; i++) {
			assert_true(net_equal(&rows[i].net, &all[i].net));
			assert_int_equal(rows[i].bans, all[i].bans);
			assert_true(rows[i].last_ban == all[i].last_ban && rows[i].seen_first == all[i].seen_first);
		}
		free(rows);
	}
	history_tallies_abandon(history_tallies_begin(w->store, "mail1", NULL));
	history_tallies_abandon(history_tallies_begin(w->store, "nobody", NULL));
}

/* Rows learn what they don't know, from the newest ban of exactly their address, and nothing else. */
static void test_a_list_learns(void **state)
{
	struct world *w = *state;
	struct entrylist *l = entrylist_new();
	struct history_tally *tallies;
	size_t count;

	world_ban(w, T0, CLASS_AUTH, "203.0.113.77", "a@example.org");
	world_ban(w, T0 + DAY, CLASS_SCAN, "203.0.113.77", "/.env");
	world_ban(w, T0, CLASS_AUTH, "203.0.113.78", "a@example.org");
	world_ban(w, T0, CLASS_LOITER, "2001:db8::7", "");
	world_refused(w, T0, "203.0.113.79", "imap");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	assert_true(history_tallies(w->store, "mail1", &tallies, &count, NULL));
	check_steps(w, tallies, count);

	add_entry(l, "2001:db8::7", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE);
	add_entry(l, "not-an-ip", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE);
	add_entry(l, "203.0.113.0/24", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE);
	add_entry(l, "203.0.113.77", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE);
	add_entry(l, "203.0.113.78", REASON_MANUAL, ORIGIN_OPERATOR, T0 + 2 * DAY);
	add_entry(l, "203.0.113.79", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE);
	add_entry(l, "198.51.100.1", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE);
	entrylist_finish(l);
	assert_true(history_tallies_teach(tallies, count, l));
	check_entry(l, "203.0.113.77", REASON_SCAN, ORIGIN_SERVER, T0 + DAY);
	check_entry(l, "2001:db8::7", REASON_LOITER, ORIGIN_SERVER, T0);
	check_entry(l, "203.0.113.78", REASON_MANUAL, ORIGIN_OPERATOR, T0 + 2 * DAY);
	check_entry(l, "203.0.113.0/24", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE);
	check_entry(l, "203.0.113.79", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE);
	check_entry(l, "198.51.100.1", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE);
	check_entry(l, "not-an-ip", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE);
	assert_false(history_tallies_teach(tallies, count, l));
	assert_false(history_tallies_teach(NULL, 0, l));
	free(tallies);
	entrylist_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_list_learns, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_lines_of_one_ban, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_cursor_is_a_gate, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_refused_by_listener, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_expired_ends_the_ban, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_nonsense_is_counted, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_groups_in_steps, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_groups_against_a_model, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_bans_in_order, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_hours_and_days, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_near_the_limit, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_banned_because_of_the_login, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_attempts_that_were_not_logged, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_a_recorded_ban, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_seen_without_a_line, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_seen_many, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_retention, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_two_servers, world_setup, world_teardown),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
