/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes: adding, tallies, and what would undo each kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "model/change.h"

#define NOW INT64_C(1795168800000)

static void done(struct change *c, enum verdict v, const char *before, const char *after)
{
	struct outcome *o = &c->outcomes[c->count - 1];

	o->verdict = v;
	o->before = before ? xstrdup(before) : NULL;
	o->after = after ? xstrdup(after) : NULL;
}

static void test_add(void **state)
{
	struct change *c = change_new();
	struct edit *e;

	(void)state;
	e = change_add(c, EDIT_BLOCK, "203.0.113.9/24");
	assert_int_equal(e->net.family, 4);
	assert_int_equal(e->net.prefix, 24);
	assert_int_equal(e->reason, REASON_MANUAL);
	assert_int_equal(e->created, TIME_NONE);
	assert_int_equal(e->expires, TIME_NONE);
	assert_int_equal(e->class, CLASS_NONE);
	e = change_add(c, EDIT_UNBLOCK, "not an address");
	assert_int_equal(e->net.family, 0);
	assert_string_equal(e->target, "not an address");
	e = change_add(c, EDIT_THRESHOLD, "scan");
	assert_int_equal(e->class, CLASS_SCAN);
	e = change_add(c, EDIT_RESET_COUNTERS, "all");
	assert_int_equal(e->class, CLASS_NONE);
	for (int i = 0; i < 1000; i++)
		change_add(c, EDIT_PATH_ADD, "*.php*");
	assert_int_equal(c->count, 1004);
	assert_int_equal(change_tally(c, VERDICT_PENDING), 1004);
	assert_string_equal(c->edits[0].target, "203.0.113.9/24");
	struct step_report *s = change_step(c, STEP_RELOAD, false, 12, 0, 0, "permission missing");
	assert_string_equal(s->detail, "permission missing");
	change_step(c, STEP_WRITE, true, 1, 0, 5, NULL);
	assert_int_equal(c->step_count, 2);
	assert_null(c->steps[1].detail);
	change_free(c);
	change_free(NULL);
}

static void test_tally(void **state)
{
	static const enum verdict order[] = {
		VERDICT_IN_FORCE, VERDICT_PENDING, VERDICT_NOT_STORED, VERDICT_STORED, VERDICT_MISMATCH, VERDICT_UNKNOWN,
	};
	struct change *c = change_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		change_add(c, EDIT_RELOAD, "");
		c->outcomes[c->count - 1].verdict = order[i];
		assert_int_equal(change_tally(c, order[i]), 1);
	}
	change_free(c);
}

static void test_names(void **state)
{
	enum edit_kind k;

	(void)state;
	for (int i = 0; i < EDIT_COUNT; i++) {
		assert_true(edit_parse_name(edit_name((enum edit_kind)i), &k));
		assert_int_equal(k, i);
		assert_true(*edit_words(k));
	}
	assert_false(edit_parse_name("explode", &k));
	assert_string_equal(edit_name(EDIT_COUNT), "");
	assert_string_equal(verdict_name(VERDICT_IN_FORCE), "in_force");
	assert_string_equal(verdict_words(VERDICT_STORED), "stored, NOT in force");
	assert_string_equal(step_name(STEP_READ_BACK), "read_back");
}

/* One edit, done; what undoes it. inverse EDIT_COUNT: nothing. */
static const struct {
	enum edit_kind kind;
	const char *target, *before, *after;
	enum edit_kind inverse;
	const char *lost;
} inverses[] = {
	{ EDIT_BLOCK, "203.0.113.7", NULL, "{\"by\":\"root\"}", EDIT_UNBLOCK, "" },
	{ EDIT_BLOCK, "203.0.113.7", "{\"reason\":\"old\"}", "{\"reason\":\"new\"}", EDIT_BLOCK, "" },
	{ EDIT_UNBLOCK, "203.0.113.7", "", NULL, EDIT_BLOCK, "" },
	{ EDIT_UNBLOCK, "203.0.113.7", "{\"at\":\"2026-11-20T10:00:00Z\",\"class\":\"auth\"}", NULL, EDIT_BLOCK, "" },
	{ EDIT_ALLOW, "10.0.0.1", NULL, "", EDIT_DISALLOW, "" },
	{ EDIT_DISALLOW, "10.0.0.1", "{\"reason\":\"office\"}", NULL, EDIT_ALLOW, "" },
	{ EDIT_EXPIRY, "203.0.113.7", "{\"until\":\"2026-11-20T10:00:00Z\",\"at\":\"2026-11-19T10:00:00Z\"}", "{}", EDIT_EXPIRY, "" },
	{ EDIT_ALLOW_EXPIRY, "10.0.0.1", "{\"reason\":\"office\"}", "{\"until\":\"2026-11-20T10:00:00Z\",\"reason\":\"office\"}", EDIT_ALLOW_EXPIRY, "" },
	{ EDIT_THRESHOLD, "auth", "100/1d", "50/1h", EDIT_THRESHOLD, "" },
	{ EDIT_THRESHOLD, "auth", NULL, "50/1h", EDIT_THRESHOLD_DEFAULT, "" },
	{ EDIT_THRESHOLD, "auth", "false", "50/1h", EDIT_THRESHOLD_OFF, "" },
	{ EDIT_THRESHOLD, "auth", "nonsense", "50/1h", EDIT_COUNT, "a malformed threshold" },
	{ EDIT_THRESHOLD_OFF, "scan", "30/1d for 7d", "false", EDIT_THRESHOLD, "" },
	{ EDIT_THRESHOLD_DEFAULT, "scan", "30/1h", NULL, EDIT_THRESHOLD, "" },
	{ EDIT_PATH_ADD, "*.php*", NULL, "*.php*", EDIT_PATH_REMOVE, "" },
	{ EDIT_PATH_REMOVE, "*.php*", "*.php*", NULL, EDIT_PATH_ADD, "" },
	{ EDIT_RESET_COUNTERS, "auth", NULL, NULL, EDIT_COUNT, "the failure counters" },
	{ EDIT_RELOAD, "", NULL, NULL, EDIT_COUNT, "" },
	{ EDIT_CERT_RELOAD, "", NULL, NULL, EDIT_COUNT, "" },
	{ EDIT_CERT_RENEW, "example.org", NULL, NULL, EDIT_COUNT, "the former certificate" },
	{ EDIT_CERT_UPLOAD, "example.org", NULL, NULL, EDIT_COUNT, "the former certificate" },
};

static void test_inverse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(inverses); i++) {
		struct change *c = change_new(), *inv;
		char lost[64];

		change_add(c, inverses[i].kind, inverses[i].target);
		done(c, VERDICT_IN_FORCE, inverses[i].before, inverses[i].after);
		inv = change_inverse(c, lost, sizeof(lost));
		assert_string_equal(lost, inverses[i].lost);
		if (inverses[i].inverse == EDIT_COUNT) {
			assert_null(inv);
		} else {
			assert_non_null(inv);
			assert_int_equal(inv->count, 1);
			assert_int_equal(inv->edits[0].kind, inverses[i].inverse);
			assert_string_equal(inv->edits[0].target, inverses[i].target);
			assert_string_equal(inv->edits[0].expected, inverses[i].after ? inverses[i].after : "");
		}
		change_free(inv);
		change_free(c);
	}
}

static void test_inverse_values(void **state)
{
	struct change *c = change_new(), *inv;
	char lost[64];

	(void)state;
	change_add(c, EDIT_UNBLOCK, "203.0.113.7");
	done(c, VERDICT_IN_FORCE,
		"{\"by\":\"root\",\"at\":\"2026-11-20T10:00:00Z\",\"until\":\"2026-11-20T11:00:00Z\",\"reason\":\"spam\",\"class\":\"abuse\"}", NULL);
	change_add(c, EDIT_THRESHOLD_OFF, "scan");
	done(c, VERDICT_STORED, "30/1h for 7d", "false");
	change_add(c, EDIT_EXPIRY, "203.0.113.8");
	done(c, VERDICT_MISMATCH, "{}", "{\"until\":\"2026-11-20T11:00:00Z\"}");
	inv = change_inverse(c, lost, sizeof(lost));
	/* newest first */
	assert_int_equal(inv->count, 3);
	assert_int_equal(inv->edits[0].kind, EDIT_EXPIRY);
	assert_int_equal(inv->edits[0].expires, TIME_NONE);
	assert_int_equal(inv->edits[1].kind, EDIT_THRESHOLD);
	assert_int_equal(inv->edits[1].class, CLASS_SCAN);
	assert_int_equal(inv->edits[1].value->count, 30);
	assert_int_equal(inv->edits[1].value->period_ms, 3600000);
	assert_int_equal(inv->edits[1].value->ban_period_ms, 7 * INT64_C(86400000));
	assert_int_equal(inv->edits[2].kind, EDIT_BLOCK);
	assert_string_equal(inv->edits[2].note, "spam");
	assert_string_equal(inv->edits[2].by, "root");
	assert_int_equal(inv->edits[2].reason, REASON_ABUSE);
	assert_int_equal(inv->edits[2].created, NOW);
	assert_int_equal(inv->edits[2].expires, NOW + 3600000);
	assert_int_equal(inv->edits[2].net.family, 4);
	assert_string_equal(lost, "");
	change_free(inv);
	change_free(c);
}

/* What was not done, or was so before, is not undone. */
static void test_inverse_skips(void **state)
{
	static const enum verdict undone[] = { VERDICT_PENDING, VERDICT_NOT_STORED, VERDICT_UNKNOWN };
	struct change *c = change_new();
	char lost[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(undone); i++) {
		change_add(c, EDIT_BLOCK, "203.0.113.7");
		done(c, undone[i], NULL, "");
	}
	change_add(c, EDIT_BLOCK, "203.0.113.7");
	done(c, VERDICT_IN_FORCE, "", "");
	c->outcomes[3].no_op = true;
	assert_null(change_inverse(c, lost, sizeof(lost)));
	change_add(c, EDIT_RESET_COUNTERS, "all");
	done(c, VERDICT_IN_FORCE, NULL, NULL);
	assert_null(change_inverse(c, lost, sizeof(lost)));
	assert_string_equal(lost, "the fai"); /* cut, not overrun */
	assert_null(change_inverse(c, NULL, 0));
	change_free(c);
}

/* A value is compared whole; of an entry's end only the end. */
static void test_expects(void **state)
{
	static const char entry[] = "{\"by\":\"root\",\"until\":\"2026-11-27T08:00:00Z\",\"class\":\"manual\"}";
	static const struct {
		enum edit_kind kind;
		const char *expected, *before;
		bool is_so;
	} cases[] = {
		{EDIT_THRESHOLD, NULL, "5/1h", true},
		{EDIT_THRESHOLD, "5/1h", "5/1h", true},
		{EDIT_THRESHOLD, "5/1h", "6/1h", false},
		{EDIT_THRESHOLD, "", NULL, true},
		{EDIT_THRESHOLD, "5/1h", NULL, false},
		{EDIT_EXPIRY, "2026-11-27T08:00:00Z", entry, true},
		{EDIT_EXPIRY, "2026-11-28T08:00:00Z", entry, false},
		{EDIT_EXPIRY, "never", entry, false},
		{EDIT_EXPIRY, "never", "", true},
		{EDIT_EXPIRY, "never", "somebody's text", true},
		{EDIT_EXPIRY, "never", NULL, false},
		{EDIT_ALLOW_EXPIRY, "never", "", true},
		{EDIT_ALLOW_EXPIRY, "never", NULL, false},
		{EDIT_EXPIRY, entry, entry, true},
		{EDIT_EXPIRY, entry, "{\"until\":\"2026-11-27T08:00:00Z\"}", false},
		{EDIT_UNBLOCK, "never", entry, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct edit e = {.kind = cases[i].kind, .expected = (char *)cases[i].expected};

		assert_int_equal(edit_expects(&e, cases[i].before), cases[i].is_so);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),     cmocka_unit_test(test_tally),          cmocka_unit_test(test_names),
		cmocka_unit_test(test_inverse), cmocka_unit_test(test_inverse_values), cmocka_unit_test(test_inverse_skips),
		cmocka_unit_test(test_expects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
