/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rates, windows, thresholds in words, and scan globs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "model/rate.h"
#include "tests/unit/random.h"

#define DAY INT64_C(86400000)

static void test_good(void **state)
{
	static const struct {
		const char *in, *out;
		uint64_t count;
		int64_t period;
	} rows[] = {
		{ "100/1d", "100/1d", 100, DAY },
		{ "200/1h", "200/1h", 200, 3600000 },
		{ "1/1s", "1/1s", 1, 1000 },
		{ "35/24h", "35/1d", 35, DAY },
		{ "35/90m", "35/90m", 35, 5400000 },
		{ "35/61s", "35/61s", 35, 61000 },
		{ "2147483647/36500d", "2147483647/36500d", 2147483647, 36500 * DAY },
		{ " 100 / 1d ", "100/1d", 100, DAY },
		{ "007/01d", "7/1d", 7, DAY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct threshold t = { .supported = true, .ban_period_ms = 77 };
		struct err err = ERR_INIT;
		char out[64];

		assert_true(rate_parse(rows[i].in, strlen(rows[i].in), &t, &err));
		assert_true(t.enabled && t.supported && !t.malformed);
		assert_int_equal(t.count, rows[i].count);
		assert_int_equal(t.period_ms, rows[i].period);
		assert_int_equal(t.ban_period_ms, 77);
		assert_string_equal(t.raw, rows[i].in);
		assert_string_equal(rate_format(&t, out, sizeof(out)), rows[i].out);
	}
	struct threshold off = { .enabled = true, .count = 5, .period_ms = DAY };
	char out[64];
	assert_true(rate_parse("false", 5, &off, NULL));
	assert_false(off.enabled);
	assert_string_equal(rate_format(&off, out, sizeof(out)), "false");
	assert_true(rate_parse("100/1dXX", 6, &off, NULL)); /* only len bytes count */
}

static void test_bad(void **state)
{
	static const struct {
		const char *in, *says;
	} rows[] = {
		{ "", "no rate given: write a count and a window, such as 100/1d or 20/15m" },
		{ "none", "none makes the server fail at the next count; to switch the class off, use false" },
		{ "Unlimited", "Unlimited makes the server fail at the next count; to switch the class off, use false" },
		{ "100", "100 is no rate: write a count and a window, such as 100/1d or 20/15m" },
		{ "true", "true is no rate: write a count and a window, such as 100/1d or 20/15m" },
		{ "0/1d", "0/1d: a count of 0 is no threshold; to switch the class off, use false" },
		{ "-1/1d", "-1/1d: the count before the slash must be a number from 1 to 2147483647" },
		{ "2147483648/1d", "2147483648/1d: the count before the slash must be a number from 1 to 2147483647" },
		{ "1e3/1d", "1e3/1d: the count before the slash must be a number from 1 to 2147483647" },
		{ "x/1d", "x/1d: the count before the slash must be a number from 1 to 2147483647" },
		{ "/1d", "/1d: the count before the slash must be a number from 1 to 2147483647" },
		{ "100/", "100/: the window after the slash is missing or too long; write a count and a window, such as 100/1d or 20/15m" },
		{ "100/d", "100/d: the window after the slash is missing or too long; write a count and a window, such as 100/1d or 20/15m" },
		{ "100/1", "100/1: the window needs one unit, s m h or d; write a count and a window, such as 100/1d or 20/15m" },
		{ "100/1w", "100/1w: the window needs one unit, s m h or d; write a count and a window, such as 100/1d or 20/15m" },
		{ "100/1d2h", "100/1d2h: the window needs one unit, s m h or d; write a count and a window, such as 100/1d or 20/15m" },
		{ "100/500ms", "100/500ms: the window needs one unit, s m h or d; write a count and a window, such as 100/1d or 20/15m" },
		{ "100/0d", "100/0d: the window must be between 1s and 36500d" },
		{ "100/36501d", "100/36501d: the window must be between 1s and 36500d" },
		{ "100/99999999999999999999d",
			"100/99999999999999999999d: the window after the slash is missing or too long; write a count and a window, such as 100/1d or 20/15m" },
		{ "100/1d/1d", "100/1d/1d: the window needs one unit, s m h or d; write a count and a window, such as 100/1d or 20/15m" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct threshold t = { .enabled = true, .count = 5, .period_ms = DAY };
		struct err err = ERR_INIT;

		assert_false(rate_parse(rows[i].in, strlen(rows[i].in), &t, &err));
		assert_string_equal(err.msg, rows[i].says);
		assert_true(t.malformed && t.enabled && t.count == 5 && t.period_ms == DAY);
		assert_string_equal(t.raw, rows[i].in);
	}
	struct threshold t = { .enabled = false };
	assert_false(rate_parse("1\x1b[2J\0/1d", 9, &t, NULL));
	assert_string_equal(t.raw, "1\\x1b[2J\\x00/1d");
}

static void test_threshold(void **state)
{
	static const struct {
		const char *in, *out; /* out NULL: refused */
	} rows[] = {
		{ "100/1d", "100/1d" }, { "100/1d for 7d", "100/1d for 7d" }, { "100/1d for 90m", "100/1d for 90m" },
		{ "false", "false" },   { "100/1d for", NULL },               { "100/1d for ever", NULL },
		{ "x for 7d", NULL },   { "100/1d for 0s", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct threshold t = { .ban_period_ms = 5 };
		char out[96];

		assert_int_equal(threshold_parse(rows[i].in, &t, NULL), rows[i].out != NULL);
		if (rows[i].out)
			assert_string_equal(threshold_format(&t, out, sizeof(out)), rows[i].out);
	}
}

static void test_parse_print(void **state)
{
	static const int64_t units[] = { 1000, 60000, 3600000, DAY };

	(void)state;
	for (int i = 0; i < 50000; i++) {
		struct threshold t = { .enabled = true }, back = { .enabled = false };
		char out[96];

		t.count = 1 + random_below(2147483647);
		t.period_ms = (int64_t)(1 + random_below(36500)) * units[random_below(4)];
		t.ban_period_ms = random_below(2) ? (int64_t)(1 + random_below(365)) * units[random_below(4)] : 0;
		threshold_format(&t, out, sizeof(out));
		if (!threshold_parse(out, &back, NULL) || !rate_equal(&t, &back))
			fail_msg("%s does not come back", out);
	}
}

static void test_words(void **state)
{
	static const struct {
		struct threshold t;
		enum ban_class class;
		const char *words;
	} rows[] = {
		{ { .supported = true, .enabled = true, .count = 100, .period_ms = DAY }, CLASS_AUTH,
			"ban after 100 failures within one UTC day; lasts for ever" },
		{ { .supported = true, .enabled = true, .count = 1, .period_ms = 3600000, .ban_period_ms = 7 * DAY }, CLASS_AUTH,
			"ban after 1 failure within one clock hour; lasts 7 d" },
		{ { .supported = true, .enabled = true, .count = 35, .period_ms = 60000 }, CLASS_ABUSE,
			"ban after 35 bad recipients or relay attempts within one clock minute; lasts for ever" },
		{ { .supported = true, .enabled = true, .count = 5, .period_ms = 900000 }, CLASS_LOITER,
			"ban after 5 idle connections within a fixed window of 15 min; lasts for ever" },
		{ { .supported = true, .enabled = true, .count = 30, .period_ms = 3600000, .period_is_fixed = true }, CLASS_SCAN,
			"ban after 30 scanning requests within a rolling hour; lasts for ever" },
		{ { .supported = true, .enabled = false }, CLASS_AUTH, "off: failed logins never lead to a ban" },
		{ { .supported = false }, CLASS_SCAN, "not on this server" },
		{ { .supported = true, .malformed = true, .raw = "abc" }, CLASS_AUTH,
			"\"abc\" is no rate: the server refuses to reload because of it" },
		{ { .supported = true }, CLASS_NONE, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[160];

		assert_string_equal(rate_words(&rows[i].t, rows[i].class, out, sizeof(out)), rows[i].words);
	}
}

static void test_windows(void **state)
{
	(void)state;
	/* 2026-11-20T10:00:00Z lies in the UTC day that began at 00:00 */
	assert_int_equal(rate_window_start(DAY, INT64_C(1795168800000)), INT64_C(1795132800000));
	assert_int_equal(rate_window_end(DAY, INT64_C(1795168800000)), INT64_C(1795219200000));
	assert_int_equal(rate_window_start(DAY, INT64_C(1795132800000)), INT64_C(1795132800000));
	assert_int_equal(rate_window_start(DAY, INT64_C(1795132799999)), INT64_C(1795132800000) - DAY);
	assert_int_equal(rate_window_start(DAY, -1), -DAY);
	assert_int_equal(rate_window_start(0, 77), 77);
	assert_int_equal(rate_window_end(0, 77), 77);
	for (int i = 0; i < 50000; i++) {
		int64_t period = 1000 * (int64_t)(1 + random_below(1000000)), now = (int64_t)random_below(4000000000u) * 1000 + random_below(1000);
		int64_t start = rate_window_start(period, now);

		assert_true(start <= now && now < rate_window_end(period, now));
		assert_int_equal(start / period, now / period); /* as the server counts */
		assert_int_equal(start % period, 0);
	}
}

static void test_equal(void **state)
{
	struct threshold a = { .enabled = true, .count = 1, .period_ms = 1000 }, b = a;

	(void)state;
	b.stored = b.supported = true;
	assert_true(rate_equal(&a, &b));
	b.ban_period_ms = 1;
	assert_false(rate_equal(&a, &b));
	a.enabled = b.enabled = false;
	assert_true(rate_equal(&a, &b));
	b.enabled = true;
	assert_false(rate_equal(&a, &b));
}

static void test_classes(void **state)
{
	enum ban_class c;

	(void)state;
	for (int i = 0; i < CLASS_COUNT; i++) {
		assert_true(class_parse(class_name((enum ban_class)i), &c));
		assert_int_equal(c, i);
		assert_true(*class_words(c));
	}
	assert_false(class_parse("all", &c));
	assert_false(class_parse("", &c));
	assert_string_equal(class_name(CLASS_NONE), "");
	assert_string_equal(class_words(CLASS_NONE), "");
}

static void test_paths(void **state)
{
	struct thresholds t;

	(void)state;
	thresholds_init(&t);
	thresholds_add_path(&t, "*.php*XX", 6);
	thresholds_add_path(&t, "/wp-*", 5);
	assert_int_equal(t.path_count, 2);
	assert_string_equal(t.paths[0], "*.php*");
	assert_null(t.paths[2]);
	thresholds_release(&t);
	assert_null(t.paths);
}

static void test_glob_check(void **state)
{
	static const struct {
		const char *glob, *says; /* says NULL: taken */
	} rows[] = {
		{ "*.php*", NULL },
		{ "/wp-login?", NULL },
		{ "*/a b/*", NULL },
		{ "/caf\xc3\xa9", NULL },
		{ "", "no path given: write one such as *.php* or /wp-login*" },
		{ "*", "* would ban every request; name part of a path, such as *.php*" },
		{ "/*", "/* would ban every request; name part of a path, such as *.php*" },
		{ "?*/**", "?*/** would ban every request; name part of a path, such as *.php*" },
		{ " *.php", "\" *.php\" has a blank at its start or end" },
		{ "*.php\t", "\"*.php\\t\" has a blank at its start or end" },
		{ "/a\x1b[2J", "/a\\x1b[2J: control and invisible characters can't be in a path" },
		{ "/a\xe2\x80\xae", "/a\\u{202e}: control and invisible characters can't be in a path" },
		{ "/[ab]", "/[ab]: only * and ? are wildcards here, not sets or braces" },
		{ "/{a,b}", "/{a,b}: only * and ? are wildcards here, not sets or braces" },
	};
	char longest[300];
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err_clear(&err);
		assert_int_equal(glob_check(rows[i].glob, &err), rows[i].says == NULL);
		if (rows[i].says)
			assert_string_equal(err.msg, rows[i].says);
	}
	memset(longest, 'a', sizeof(longest));
	longest[256] = '\0';
	assert_true(glob_check(longest, NULL));
	longest[256] = 'a';
	longest[257] = '\0';
	err_clear(&err);
	assert_false(glob_check(longest, &err));
	assert_string_equal(err.msg, "the path has 257 bytes; the longest is 256");
}

/* The plain recursive meaning. */
static bool slow_match(const char *glob, const char *s, size_t len)
{
	if (!*glob)
		return !len;
	if (*glob == '*')
		return slow_match(glob + 1, s, len) || (len && slow_match(glob, s + 1, len - 1));
	return len && (*glob == '?' || *glob == *s) && slow_match(glob + 1, s + 1, len - 1);
}

static void test_glob_match(void **state)
{
	(void)state;
	assert_true(glob_match("*.php*", "/index.php?x", 12));
	assert_false(glob_match("*.php", "/index.php?x", 12));
	assert_true(glob_match("", "", 0));
	for (int i = 0; i < 100000; i++) {
		char glob[12], s[12];
		size_t g = random_below(8), len = random_below(10);

		for (size_t k = 0; k < g; k++)
			glob[k] = "ab*?*"[random_below(5)];
		glob[g] = '\0';
		for (size_t k = 0; k < len; k++)
			s[k] = "ab"[random_below(2)];
		if (glob_match(glob, s, len) != slow_match(glob, s, len))
			fail_msg("%s on %.*s", glob, (int)len, s);
	}
	/* Many stars against a long path: quadratic at worst, not exponential. */
	static char path[20000];
	memset(path, 'a', sizeof(path));
	assert_false(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", path, sizeof(path)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),    cmocka_unit_test(test_bad),        cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_parse_print), cmocka_unit_test(test_words),  cmocka_unit_test(test_windows),
		cmocka_unit_test(test_equal),   cmocka_unit_test(test_classes),    cmocka_unit_test(test_paths),
		cmocka_unit_test(test_glob_check), cmocka_unit_test(test_glob_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
