/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who logs in from where: what is kept of successful logins, what of it counts, and when it is forgotten. */
#include "tests/unit/store_world.h"

static void login(struct world *w, int64_t t, const char *address, const char *account, const char *listener)
{
	world_line(w, t, "Authentication successful (auth.success) listenerId = \"%s\", localPort = 993, remoteIp = %s, remotePort = 9, accountName = \"%s\"",
		listener, address, account);
}

static void login_n(struct world *w, int64_t t, const char *address, int n, const char *listener)
{
	char account[40];

	snprintf(account, sizeof(account), "user%d@example.org", n);
	login(w, t, address, account, listener);
}

static struct history_shared shared_of(struct world *w, const char *address, const char *own)
{
	struct net n = net_of(address);
	struct history_shared out;
	struct err err = ERR_INIT;

	if (!history_shared_of(w->store, "mail1", &n, own, clock_now(), &out, &err))
		fail_msg("%s", err.msg);
	assert_true(net_equal(&out.address, &n));
	return out;
}

static void assert_shared(struct world *w, size_t want, const char *const *nets)
{
	struct err err = ERR_INIT;
	struct net *got;
	size_t count, i;

	assert_true(history_shared(w->store, "mail1", TIME_NONE, &got, &count, &err));
	assert_int_equal(count, want);
	for (i = 0; i < count; i++) {
		struct net n = net_of(nets[i]);

		assert_true(net_equal(&got[i], &n));
	}
	free(got);
}

static void assert_active(struct world *w, int64_t since, size_t want)
{
	struct err err = ERR_INIT;
	struct net *got;
	size_t count;

	assert_true(history_shared(w->store, "mail1", since, &got, &count, &err));
	assert_int_equal(count, want);
	free(got);
}

static const char *const listeners[] = { "imaptls", "submission", "https" };
static const char *const office[] = { "198.51.100.7", NULL };

static void test_an_office(void **state)
{
	struct world *w = *state;
	struct history_shared h;
	int i;

	assert_shared(w, 0, NULL);
	h = shared_of(w, "198.51.100.7", NULL);
	assert_int_equal(h.logins + h.listeners + h.strangers, 0);
	for (i = 0; i < 100; i++) /* again and again, as mail programs do */
		login_n(w, T0 + i * MINUTE, "198.51.100.7", i % 14, listeners[i % 3]);
	for (i = 0; i < 50; i++)
		login(w, T0 + i * MINUTE, "198.51.100.8", "alice@example.org", listeners[i % 3]);
	world_attempt(w, T0 + HOUR, "198.51.100.7", "user3@example.org"); /* one of them has an old password */
	world_attempt(w, T0 + HOUR, "198.51.100.7", "usre3@example.org"); /* and one can't type */
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	assert_int_equal(w->sum.attempts, 2);
	store_close(w->store);
	world_open(w);
	assert_shared(w, 1, office);
	assert_active(w, T0 + HOUR, 1);
	assert_active(w, T0 + 2 * HOUR, 0); /* nobody failed since */
	h = shared_of(w, "198.51.100.7", NULL);
	assert_int_equal(h.logins, 14);
	assert_int_equal(h.listeners, 3);
	assert_int_equal(h.strangers, 1);
	assert_int_equal(h.regulars, 0);
	assert_false(h.is_capped);
	h = shared_of(w, "198.51.100.8", NULL);
	assert_int_equal(h.logins, 1);
	assert_int_equal(h.listeners, 3);
	for (i = 0; i < 4; i++) /* some come back, and an old log tells nothing new */
		login_n(w, T0 + DAY, "198.51.100.7", i, listeners[i % 3]);
	login_n(w, T0 - DAY, "198.51.100.7", 5, listeners[5 % 3]);
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	h = shared_of(w, "198.51.100.7", NULL);
	assert_int_equal(h.logins, 14);
	assert_int_equal(h.regulars, 4);
}

/* 500 tried and one found: that one is no neighbour. */
static void test_a_sprayer(void **state)
{
	struct world *w = *state;
	struct history_shared h;
	char account[40];
	int i;

	for (i = 0; i < 499; i++) {
		snprintf(account, sizeof(account), "name%d@example.org", i);
		world_attempt(w, T0 + i * SECOND, "203.0.113.7", account);
	}
	world_ban(w, T0 + 500 * SECOND, CLASS_AUTH, "203.0.113.7", "last@example.org");
	login(w, T0 + 501 * SECOND, "203.0.113.7", "name17@example.org", "imap");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	assert_shared(w, 0, NULL);
	h = shared_of(w, "203.0.113.7", NULL);
	assert_int_equal(h.logins, 1);
	assert_int_equal(h.strangers, 499); /* not name17, but the one it was banned with */
}

/* Loopback, and our own requests over HTTP, say nothing; our own account by IMAP does. */
static void test_own_logins(void **state)
{
	struct world *w = *state;
	int i;

	for (i = 0; i < 5; i++) {
		login_n(w, T0, "127.0.0.1", i, "imap");
		login_n(w, T0, "127.0.3.1", i, "imap");
	}
	login_n(w, T0, "198.51.100.7", 1, "imap");
	login_n(w, T0, "198.51.100.7", 2, "imap");
	login(w, T0, "198.51.100.7", "admin", "https-admin");
	login(w, T0, "198.51.100.7", "", "imap");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	assert_shared(w, 1, office);
	assert_int_equal(shared_of(w, "127.0.0.1", NULL).logins, 0);
	assert_int_equal(shared_of(w, "127.0.3.1", NULL).logins, 0);
	assert_int_equal(shared_of(w, "198.51.100.7", NULL).logins, 3);
	assert_int_equal(shared_of(w, "198.51.100.7", "nobody").logins, 3);
	assert_int_equal(shared_of(w, "198.51.100.7", "admin").logins, 2);
	login(w, T0, "198.51.100.7", "admin", "imap");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	assert_int_equal(shared_of(w, "198.51.100.7", "admin").logins, 3);
}

/* However many there are, an address has a bounded number of rows; those it has stay current. */
static void test_bounded(void **state)
{
	struct world *w = *state;
	struct history_shared h;
	int day, i;

	for (day = 0; day < 3; day++) {
		for (i = 0; i < 5000; i++)
			login_n(w, T0 + (day - 3) * DAY + i * SECOND, "198.51.100.7", i, "imap");
		assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	}
	h = shared_of(w, "198.51.100.7", NULL);
	assert_in_range(h.logins, 24, 100);
	assert_true(h.is_capped);
	for (i = 0; i < 5000; i++) /* the week after: the same ones, seen again */
		login_n(w, T0 + 5 * DAY, "198.51.100.7", i, "imap");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	h = shared_of(w, "198.51.100.7", NULL);
	assert_in_range(h.logins, 24, 100);
	clock_fix(T0 + 5 * DAY + HISTORY_LOGIN_DAYS * DAY - HOUR);
	assert_int_equal(shared_of(w, "198.51.100.7", NULL).logins, h.logins);
	clock_fix(T0 + 5 * DAY + HISTORY_LOGIN_DAYS * DAY + HOUR);
	assert_int_equal(shared_of(w, "198.51.100.7", NULL).logins, 0);
	clock_fix(T0 + HISTORY_LOGIN_DAYS * DAY);
	/* What is no evidence any more is not taken in either. */
	login_n(w, T0 - DAY, "198.51.100.9", 1, "imap");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	clock_fix(T0);
	assert_int_equal(shared_of(w, "198.51.100.9", NULL).logins, 0);
}

static void retain(struct world *w, int64_t keep, int64_t now)
{
	struct err err = ERR_INIT;
	bool more = true;

	while (more)
		assert_true(history_retain(w->store, keep, now, &more, &err));
}

static void test_forgotten(void **state)
{
	struct world *w = *state;
	int i;

	for (i = 0; i < 1500; i++)
		login_n(w, T0, i < 20 ? "198.51.100.7" : i % 2 ? "2001:db8::7" : "198.51.100.9", i % 40, "imap");
	login_n(w, T0 + 8 * DAY, "198.51.100.9", 0, "imap");
	login_n(w, T0 + 8 * DAY, "198.51.100.9", 2, "imap");
	login_n(w, T0 + 8 * DAY, "198.51.100.9", 4, "imap");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	assert_shared(w, 3, (const char *const[]){ "198.51.100.7", "198.51.100.9", "2001:db8::7" });
	retain(w, 366 * DAY, T0 + 2 * DAY);
	assert_int_equal(shared_of(w, "198.51.100.7", NULL).logins, 20);
	retain(w, 366 * DAY, T0 + 32 * DAY); /* bans are kept for a year: logins aren't */
	assert_int_equal(shared_of(w, "198.51.100.7", NULL).logins, 0);
	assert_int_equal(shared_of(w, "198.51.100.9", NULL).logins, 3);
	assert_shared(w, 1, (const char *const[]){ "198.51.100.9" });
	retain(w, DAY, T0 + 10 * DAY);
	assert_shared(w, 0, NULL);
	/* Remembered as written, and deleted since: the next day's line brings it back. */
	for (i = 0; i < 3; i++)
		login_n(w, T0 + 11 * DAY, "198.51.100.9", i, "imap");
	assert_int_equal(world_take(w, NULL, NULL), INGEST_OK);
	assert_shared(w, 1, (const char *const[]){ "198.51.100.9" });
}

/* A batch that was not taken is not remembered as written. */
static void test_a_stale_batch(void **state)
{
	struct world *w = *state;
	int i;

	for (i = 0; i < 3; i++)
		login_n(w, T0, "198.51.100.7", i, "imap");
	assert_int_equal(world_take(w, "elsewhere", "end"), INGEST_STALE);
	assert_shared(w, 0, NULL);
	for (i = 0; i < 3; i++)
		login_n(w, T0, "198.51.100.7", i, "imap");
	assert_int_equal(world_take(w, "", "end"), INGEST_OK);
	assert_shared(w, 1, office);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_office, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_a_sprayer, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_own_logins, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_bounded, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_forgotten, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_a_stale_batch, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
