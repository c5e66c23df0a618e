/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The monthly review: figures from a month made for it, the simulation of other rates, and how it
 * reads in three forms. */
#include "model/report.h"
#include "tests/unit/store_world.h"

#define MONTH INT64_C(1793491200000) /* 2026-11-01 */
#define NEXT  INT64_C(1796083200000) /* 2026-12-01 */

/* Three offenders of one range, a gateway, a spray that a stricter rate would have caught, a
 * hostile account name. */
static void make_month(struct world *w)
{
	char address[32];
	int i, k;

	world_ban(w, MONTH - 20 * DAY, CLASS_AUTH, "45.9.148.11",
		"x@example.org"); /* the month before */
	for (i = 0; i < 4; i++)
		world_ban(w, MONTH + i * DAY, CLASS_AUTH, "45.9.148.11", "evil\033]52;c;x\a|`*<b>");
	for (i = 0; i < 3; i++)
		world_ban(w, MONTH + i * DAY, CLASS_SCAN, "45.9.148.19", "/wp-login.php");
	world_ban(w, MONTH + 9 * DAY, CLASS_SCAN, "45.9.148.77", "/.env");
	world_ban(w, MONTH + 10 * DAY, CLASS_AUTH, "172.17.0.1", "user@example.org");
	for (i = 0; i < 50; i++)
		world_refused(
			w, MONTH + 10 * DAY + i * MINUTE, "172.17.0.1", i % 2 ? "imap" : "smtp");
	/* Fourteen addresses with 30 failures in one day: under 100, over 20. Two of them are
	 * allowed ones. */
	for (i = 0; i < 14; i++) {
		snprintf(address, sizeof(address), "198.51.100.%d", i);
		for (k = 0; k < 30; k++)
			world_attempt(
				w, MONTH + 12 * DAY + k * MINUTE, address, k % 2 ? "" : "root");
	}
	/* Thirty failures spread over the month: no rate per day catches them. */
	for (k = 0; k < 30; k++)
		world_attempt(w, MONTH + k * DAY, "192.0.2.1", "slow@example.org");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
}

static struct netset *make_allowed(void)
{
	struct netset *s = netset_new();
	struct net a = net_of("198.51.100.0/31"), b = net_of("45.9.148.200");

	netset_add(s, &a, 0);
	netset_add(s, &b, 1);
	netset_finish(s);
	return s;
}

static void test_figures(void **state)
{
	struct world *w = *state;
	struct netset *allowed = make_allowed();
	struct history_report_query q = {
		.server = "mail1", .since = MONTH, .until = NEXT, .allowed = allowed
	};
	struct err err = ERR_INIT;
	struct report r;

	make_month(w);
	assert_true(history_report(w->store, &q, &r, &err));
	assert_int_equal(r.bans, 9);
	assert_int_equal(r.bans_before, 1);
	assert_int_equal(r.by_class[CLASS_AUTH], 5);
	assert_int_equal(r.by_class[CLASS_SCAN], 4);
	assert_int_equal(r.addresses, 4);
	assert_int_equal(r.refused, 50);
	assert_int_equal(r.attempts, 14 * 30 + 30);
	assert_int_equal(r.accounts, 2);
	assert_true(r.busiest_day == MONTH || r.busiest_day == MONTH + DAY ||
		    r.busiest_day == MONTH + 2 * DAY);
	assert_int_equal(r.busiest_bans, 2);
	assert_true(r.covered_since == MONTH && r.covered_until == MONTH + 29 * DAY);
	/* Repeats only, most first, with what was before the month. */
	assert_int_equal(r.offender_count, 2);
	assert_int_equal(r.offenders[0].bans, 4);
	assert_int_equal(r.offenders[0].bans_ever, 5);
	assert_true(r.offenders[0].first == MONTH - 20 * DAY);
	assert_int_equal(r.offenders[1].bans, 3);
	/* One range, which can't be blocked whole. */
	assert_int_equal(r.range_count, 1);
	assert_int_equal(r.ranges[0].bans, 8);
	assert_int_equal(r.ranges[0].addresses, 3);
	assert_int_equal(r.ranges[0].allowed_hit, 1);
	assert_int_equal(r.gateway_count, 1);
	assert_int_equal(r.gateways[0].address.addr[0], 172);
	assert_int_equal(r.gateways[0].refused, 50);
	assert_int_equal(r.gateways[0].listeners, 2);
	assert_int_equal(r.target_count, 4);
	assert_string_equal(r.targets[0].account, "root");
	assert_int_equal(r.targets[0].failures, 14 * 15);
	assert_int_equal(r.targets[0].addresses, 14);
	report_release(&r);
	netset_free(allowed);
}

/* Many accounts on many listeners: an attacker, not somebody to be let in. */
static void test_a_spray_is_no_gateway(void **state)
{
	static const char *const listeners[] = {"imap", "smtp", "http", "pop3"};
	struct world *w = *state;
	struct history_report_query q = { .server = "mail1", .since = MONTH, .until = NEXT };
	struct err err = ERR_INIT;
	struct report r;
	char account[32];
	int i;

	for (i = 0; i < 36; i++) {
		snprintf(account, sizeof(account), "user%d@example.org", i);
		world_attempt(w, MONTH + i * MINUTE, "45.9.148.11", account);
	}
	world_ban(w, MONTH + DAY, CLASS_AUTH, "45.9.148.11", "user1@example.org");
	for (i = 0; i < 40; i++)
		world_refused(w, MONTH + DAY + i * MINUTE, "45.9.148.11", listeners[i % 4]);
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	assert_true(history_report(w->store, &q, &r, &err));
	assert_int_equal(r.bans, 1);
	assert_int_equal(r.gateway_count, 0);
	report_release(&r);
}

static void test_simulation(void **state)
{
	struct world *w = *state;
	struct netset *allowed = make_allowed();
	struct report_simulation s;

	make_month(w);
	/* "At 20/1d 14 more addresses would have been banned, 2 of them allowed." */
	assert_true(history_simulate(
		w->store, "mail1", CLASS_AUTH, 20, DAY, MONTH, NEXT, allowed, &s, NULL));
	assert_int_equal(s.attempts, 14 * 30 + 30);
	assert_int_equal(s.banned, 14);
	assert_int_equal(s.more, 14);
	assert_int_equal(s.allowed, 2);
	assert_int_equal(s.more_allowed, 2);
	assert_int_equal(s.fewer, 2);   /* the two that were banned with no attempt logged */
	assert_true(s.login_keyed > 0); /* `root` alone goes over 20 with the second address */
	assert_true(history_simulate(
		w->store, "mail1", CLASS_AUTH, 1000, DAY, MONTH, NEXT, allowed, &s, NULL));
	assert_int_equal(s.banned, 0);
	assert_true(history_simulate(
		w->store, "mail1", CLASS_AUTH, 20, 30 * DAY, MONTH, NEXT, NULL, &s, NULL));
	assert_true(s.banned >= 15);
	assert_true(history_simulate(
		w->store, "mail1", CLASS_LOITER, 20, DAY, MONTH, NEXT, NULL, &s, NULL));
	assert_int_equal(s.attempts, 0);
	assert_false(history_simulate(
		w->store, "mail1", CLASS_AUTH, 0, DAY, MONTH, NEXT, NULL, &s, NULL));
	netset_free(allowed);
}

static void test_a_suggestion(void **state)
{
	struct world *w = *state;
	struct history_report_query q = { .server = "mail1", .since = MONTH, .until = NEXT };
	struct report r;
	char address[32];
	int i, k;

	for (i = 0; i < 3; i++) {
		snprintf(address, sizeof(address), "198.51.100.%d", i);
		for (k = 0; k < 60; k++) {
			char account[32];

			snprintf(account, sizeof(account), "user%d-%d", i, k);
			world_attempt(w, MONTH + 12 * DAY + k * MINUTE, address, account);
		}
	}
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	assert_true(history_report(w->store, &q, &r, NULL));
	assert_true(r.rates[CLASS_AUTH].suggestion >= 0);
	assert_string_equal(r.rates[CLASS_AUTH].advice,
		"At 20/1d 3 more addresses would have been banned, none of them allowed. At 50/1d 3 more addresses would have been "
		"banned, none of them allowed. 50/1d hurts nobody known: consider it.");
	assert_int_equal(r.rates[CLASS_ABUSE].suggestion, -1);
	assert_non_null(strstr(r.rates[CLASS_ABUSE].advice, "no attempts"));
	report_release(&r);
}

static char *print(const struct report *r, enum report_format format, int columns, bool ascii)
{
	struct buf b = BUF_INIT;

	report_print(r, format, columns, ascii, &b);
	return buf_take(&b, NULL);
}

static void assert_clean(const char *s, bool ascii)
{
	for (; *s; s++)
		assert_true((unsigned char)*s >= 0x20 ? (!ascii || (unsigned char)*s < 0x7f)
						      : *s == '\n');
}

static void test_how_it_reads(void **state)
{
	struct world *w = *state;
	struct netset *allowed = make_allowed();
	struct history_report_query q = {
		.server = "mail1", .since = MONTH, .until = NEXT, .allowed = allowed
	};
	struct report r;
	char *text, *line, *end;

	make_month(w);
	assert_true(history_report(w->store, &q, &r, NULL));
	text = print(&r, REPORT_TEXT, 80, true);
	assert_clean(text, true);
	assert_non_null(strstr(text, "Security review 2026-11, mail1"));
	assert_non_null(strstr(text, "45.9.148.0/24"));
	assert_non_null(strstr(text, "holds 1 allowed"));
	assert_non_null(strstr(text, "\\x1b"));
	assert_non_null(strstr(text, "at 20/1d"));
	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1)
		assert_true(end - line <= 130);
	free(text);
	text = print(&r, REPORT_MARKDOWN, 80, false);
	assert_clean(text, false);
	assert_non_null(strstr(text, "# Security review 2026-11, mail1"));
	assert_non_null(strstr(text, "|---"));
	assert_non_null(strstr(text, "\\|\\`\\*\\<b\\>")); /* nothing of the name is markup */
	free(text);
	text = print(&r, REPORT_JSON, 0, false);
	assert_clean(text, false);
	assert_true(text[0] == '{' && strcmp(text + strlen(text) - 2, "}\n") == 0);
	assert_non_null(strstr(text, "\"month\":\"2026-11\""));
	assert_non_null(strstr(text, "\"allowed_hit\":1"));
	free(text);
	report_release(&r);
	/* A month without a line says so. */
	q.since = NEXT;
	q.until = NEXT + 31 * DAY;
	assert_true(history_report(w->store, &q, &r, NULL));
	text = print(&r, REPORT_TEXT, 0, false);
	assert_non_null(strstr(text, "no log lines of this time"));
	free(text);
	report_release(&r);
	q.server = "nobody";
	assert_true(history_report(w->store, &q, &r, NULL));
	assert_int_equal(r.bans + r.refused + r.attempts, 0);
	report_release(&r);
	netset_free(allowed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_figures, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_a_spray_is_no_gateway, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_simulation, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_a_suggestion, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_how_it_reads, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
