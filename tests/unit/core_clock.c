/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/clock: parsing and formatting of times and durations, and the fixed clock. */
#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/mem.h"

#define DAY INT64_C(86400000)
#define NOW INT64_C(1795254012000) /* 2026-11-21T09:40:12Z */

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void known_times(void **state)
{
	static const struct {
		const char *text;
		int64_t t;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1969-12-31T23:59:59.999Z", -1},
		{"2026-11-21T09:40:12Z", NOW},
		{"2000-02-29T12:00:00Z", INT64_C(951825600000)},
		{"1950-01-01T00:00:00Z", INT64_C(-631152000000)},
		{"1900-03-01T00:00:00Z", INT64_C(-2203891200000)},
		{"2038-01-19T03:14:08Z", INT64_C(2147483648000)},
		{"2106-02-07T06:28:16Z", INT64_C(4294967296000)},
		{"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
		{"0000-01-01T00:00:00Z", INT64_C(-62167219200000)},
		{"2026-11-21T09:40:12.007Z", NOW + 7},
	};
	char out[TIME_BUF];
	int64_t t;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(time_format(rows[i].t, out, sizeof(out)), rows[i].text);
		t = 42;
		assert_int_equal(
			time_scan(rows[i].text, strlen(rows[i].text), &t), strlen(rows[i].text));
		assert_int_equal(t, rows[i].t);
		t = 42;
		assert_true(time_parse(rows[i].text, 0, &t));
		assert_int_equal(t, rows[i].t);
	}
}

static void none_is_empty(void **state)
{
	char out[TIME_BUF] = "x";

	(void)state;
	assert_string_equal(time_format(TIME_NONE, out, sizeof(out)), "");
}

static void extremes_fit_the_buffer(void **state)
{
	char out[TIME_BUF];

	(void)state;
	assert_true(strlen(time_format(INT64_MAX, out, sizeof(out))) < TIME_BUF - 1);
	assert_true(strlen(time_format(INT64_MIN + 1, out, sizeof(out))) < TIME_BUF - 1);
	assert_true(strlen(duration_format(INT64_MAX, out, sizeof(out))) < TIME_BUF - 1);
	assert_true(strlen(duration_format(INT64_MIN, out, sizeof(out))) < TIME_BUF - 1);
	assert_true(strlen(duration_words(INT64_MIN, out, sizeof(out))) < TIME_BUF - 1);
	assert_true(strlen(time_words(INT64_MAX, 0, out, sizeof(out))) < TIME_BUF - 1);
	assert_true(strlen(time_words(INT64_MIN + 1, 0, out, sizeof(out))) < TIME_BUF - 1);
	time_day_start(INT64_MIN + 1);
}

/* Against the C library's own calendar, every day of 3000 years. */
static void every_day_agrees_with_gmtime(void **state)
{
	char out[TIME_BUF], want[TIME_BUF];
	int64_t day, t;

	(void)state;
	for (day = -400000; day < 700000; day++) {
		time_t s = (time_t)(day * 86400 + 3661);
		struct tm tm;

		assert_non_null(gmtime_r(&s, &tm));
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		if (tm.tm_year < -900)
			continue; /* %Y does not pad */
		if (strcmp(time_format((int64_t)s * 1000, out, sizeof(out)), want) != 0)
			fail_msg("day %lld: %s, not %s", (long long)day, out, want);
		if (!time_scan(out, strlen(out), &t) || t != (int64_t)s * 1000)
			fail_msg("%s does not scan back", out);
	}
}

static void random_times_round_trip(void **state)
{
	char out[TIME_BUF];
	int64_t t, back;
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		t = (int64_t)(next_random() % UINT64_C(315569520000000)) - INT64_C(62167219200000);
		time_format(t, out, sizeof(out));
		if (!time_parse(out, 0, &back) || back != t)
			fail_msg("%lld: %s", (long long)t, out);
	}
}

static void accepted_forms(void **state)
{
	static const struct {
		const char *text;
		int64_t t;
	} rows[] = {
		{"2026-11-21T09:40:12+00:00", NOW},
		{"2026-11-21T10:40:12+01:00", NOW},
		{"2026-11-21T04:10:12-05:30", NOW},
		{"2026-11-20T23:40:12-10:00", NOW},
		{"2026-11-22T09:39:12+23:59", NOW},
		{"2026-11-21T09:40:12.1Z", NOW + 100},
		{"2026-11-21T09:40:12.123456789Z", NOW + 123},
		{"2026-11-21T09:40:12.9999+00:00", NOW + 999},
		{"2026-11-21t09:40:12z", NOW},
		{"2026-11-21 09:40:12Z", NOW},
		{"2026-11-21 10:40:12+01:00", NOW},
		{"2026-11-21 09:40:12", NOW},
		{"2026-11-21 09:40", NOW - 12000},
		{"2026-11-21", NOW / DAY * DAY},
		{"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
		{"now", NOW},
		{"today", NOW / DAY * DAY},
		{"Yesterday", NOW / DAY * DAY - DAY},
		{"2h ago", NOW - 7200000},
		{"1d12h ago", NOW - DAY * 3 / 2},
		{"in 90s", NOW + 90000},
	};
	int64_t t;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		t = 42;
		if (!time_parse(rows[i].text, NOW, &t) || t != rows[i].t)
			fail_msg("%s: %lld, not %lld", rows[i].text, (long long)t,
				(long long)rows[i].t);
	}
}

static void refused_forms(void **state)
{
	static const char *const rows[] = {"", " ", "2026", "2026-1-1", "2026-13-01", "2026-00-01",
		"2026-02-29", "1900-02-29", "2026-04-31", "2026-01-00", "2026-11-21T",
		"2026-11-21T09:40Z", "2026-11-21T24:00:00Z", "2026-11-21T09:60:00Z",
		"2026-11-21T09:40:61Z", "2026-11-21T09:40:12", "2026-11-21T09:40:12.Z",
		"2026-11-21T09:40:12+1:00", "2026-11-21T09:40:12+0100", "2026-11-21T09:40:12+24:00",
		"2026-11-21T09:40:12+01:60", "2026-11-21T09:40:12Zx", "x2026-11-21T09:40:12Z",
		"-026-11-21T09:40:12Z", "2026/11/21", "2026-11-21  09:40", "2026-11-21 9:40",
		"2026-11-21 09:40:1", "ago", " ago", "2h", "in 2h ago", "in", "in ", "2x ago",
		"-2h ago", "200y ago", "tomorrowish", "0s ago",
		"2026-11-21T09:40:12.12345678901234567890123456789012345678901234567890Z",
		"\xff\xff\xff\xff-\xff\xff-\xff\xff"};
	int64_t t = 42;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (time_parse(rows[i], NOW, &t))
			fail_msg("accepted: %s", rows[i]);
		assert_int_equal(t, 42);
	}
	assert_false(time_parse("in 99y", INT64_MAX, &t));
	assert_false(time_parse("in 1s", INT64_MAX, &t));
}

/* Any cut, and no byte read past the length given (checked by the sanitiser builds on an exact
 * allocation). */
static void scan_stays_within_its_length(void **state)
{
	static const char line[] = "2026-11-21T09:40:12.123456+01:00";
	size_t len, full = sizeof(line) - 1;
	int64_t t;

	(void)state;
	for (len = 0; len <= full; len++) {
		char *exact = malloc(len ? len : 1);

		assert_non_null(exact);
		memcpy(exact, line, len);
		assert_int_equal(time_scan(exact, len, &t), len == full ? full : 0);
		free(exact);
	}
	assert_int_equal(time_scan("2026-11-21T09:40:12Z INFO x", 27, &t), 20);
	assert_int_equal(t, NOW);
	assert_int_equal(time_scan("2026-11-21T09:40:12.372739Z  INFO", 33, &t), 27);
	assert_int_equal(t, NOW + 372);
	assert_int_equal(time_scan("2026-11-21 09:40:12Z", 20, &t), 0);
	assert_int_equal(time_scan("2026-11-21t09:40:12z", 20, &t), 0);
}

/* Every byte of a good stamp replaced by every other: either refused or still a stamp of that
 * length. */
static void scan_survives_every_wrong_byte(void **state)
{
	static const char good[] = "2026-11-21T09:40:12Z";
	size_t i, n, accepted = 0;
	int64_t t;
	int c;

	(void)state;
	for (i = 0; i < sizeof(good) - 1; i++) {
		for (c = 0; c < 256; c++) {
			char s[sizeof(good)];

			memcpy(s, good, sizeof(good));
			s[i] = (char)c;
			n = time_scan(s, sizeof(good) - 1, &t);
			assert_true(n == 0 || n == sizeof(good) - 1);
			accepted += n != 0;
		}
	}
	/* per position, digits that still make a valid stamp: year 10 10 10 10, month 2 3, day 3
	 * 10, hour 2 10, minute 6 10, second 6 10, and each of the 6 signs and letters only as
	 * itself */
	assert_int_equal(accepted, 10 * 4 + 2 + 3 + 3 + 10 + 2 + 10 + 6 + 10 + 6 + 10 + 6);
}

static void durations_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{"1s", 1000},
		{"90s", 90000},
		{"15m", 900000},
		{"12h", 43200000},
		{"7d", 7 * DAY},
		{"2w", 14 * DAY},
		{"1d12h", DAY * 3 / 2},
		{"1w2d3h4m5s", 9 * DAY + 11045000},
		{"0d1s", 1000},
		{"36525d", 36525 * DAY},
		{"001m", 60000},
	};
	static const char *const bad[] = {"", "0s", "0", "1", "s", "1x", "-1s", "+1s", "1.5h",
		" 1s", "1s ", "1 s", "1h1h", "1h1d", "1s1m", "36526d", "36525d1s",
		"99999999999999999999s", "9223372036854775807w", "forever", "never", "1H", "1d12",
		"1ms", "\xd9\xa1s"};
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ms = 42;
		if (!duration_parse(rows[i].text, &ms) || ms != rows[i].ms)
			fail_msg("%s: %lld", rows[i].text, (long long)ms);
	}
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		ms = 42;
		if (duration_parse(bad[i], &ms) || ms != 42)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void durations_format(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{0, "0s"},
		{1000, "1s"},
		{60000, "1m"},
		{90000, "90s"},
		{5400000, "90m"},
		{129600000, "36h"},
		{DAY, "1d"},
		{7 * DAY, "7d"},
		{14 * DAY, "2w"},
		{30 * DAY, "30d"},
		{DAY + 1000, "1d1s"},
		{1999, "1s"},
		{-5000, "-5s"},
		{-5, "0s"},
	};
	char out[TIME_BUF];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(duration_format(rows[i].ms, out, sizeof(out)), rows[i].text);
}

static void random_durations_round_trip(void **state)
{
	char out[TIME_BUF];
	int64_t ms, back;
	int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		/* all magnitudes */
		ms = (int64_t)(next_random() % (UINT64_C(36525) * 86400 >> next_random() % 32) +
			       1) *
		     1000;
		duration_format(ms, out, sizeof(out));
		if (!duration_parse(out, &back) || back != ms)
			fail_msg("%lld: %s", (long long)ms, out);
	}
}

static void durations_in_words(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{0, "0 s"},
		{999, "0 s"},
		{41000, "41 s"},
		{60000, "1 min"},
		{61000, "1 min 1 s"},
		{22320000, "6 h 12 min"},
		{3600000 + 59000, "1 h"},
		{6 * DAY + 4 * 3600000 + 59 * 60000, "6 d 4 h"},
		{400 * DAY, "400 d"},
		{-41000, "-41 s"},
		{-41, "0 s"},
	};
	char out[TIME_BUF];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(duration_words(rows[i].ms, out, sizeof(out)), rows[i].text);
}

static void times_in_words_are_local(void **state)
{
	char out[TIME_BUF];

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	assert_string_equal(time_words(NOW, NOW, out, sizeof(out)), "today 09:40");
	assert_string_equal(time_words(NOW - DAY, NOW, out, sizeof(out)), "20 Nov");
	assert_string_equal(time_words(NOW - 383 * DAY, NOW, out, sizeof(out)), "3 Nov 2025");
	assert_string_equal(time_words(TIME_NONE, NOW, out, sizeof(out)), "–");
	assert_string_equal(time_words(NOW + 60 * DAY, NOW, out, sizeof(out)), "20 Jan 2027");
	setenv("TZ", "XXX-15", 1); /* 15 hours ahead: the next day has begun */
	tzset();
	assert_string_equal(time_words(NOW, NOW, out, sizeof(out)), "today 00:40");
	assert_string_equal(time_words(NOW - 3600000, NOW, out, sizeof(out)), "21 Nov");
	setenv("TZ", "UTC", 1);
	tzset();
}

static void day_start(void **state)
{
	(void)state;
	assert_int_equal(time_day_start(NOW), INT64_C(1795219200000));
	assert_int_equal(time_day_start(0), 0);
	assert_int_equal(time_day_start(-1), -DAY);
	assert_int_equal(time_day_start(DAY - 1), 0);
	assert_true(time_day_start(TIME_NONE) == TIME_NONE);
}

static void clock_can_be_fixed(void **state)
{
	int64_t mono = clock_mono();

	(void)state;
	/* main() sets the variable before anything reads the clock */
	assert_int_equal(clock_now(), NOW);
	assert_true(clock_is_fixed());
	clock_fix(5);
	assert_int_equal(clock_now(), 5);
	clock_fix(TIME_NONE);
	assert_false(clock_is_fixed());
	assert_true(clock_now() > INT64_C(1700000000000));
	assert_true(clock_mono() >= mono);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_can_be_fixed),
		cmocka_unit_test(known_times),
		cmocka_unit_test(none_is_empty),
		cmocka_unit_test(extremes_fit_the_buffer),
		cmocka_unit_test(every_day_agrees_with_gmtime),
		cmocka_unit_test(random_times_round_trip),
		cmocka_unit_test(accepted_forms),
		cmocka_unit_test(refused_forms),
		cmocka_unit_test(scan_stays_within_its_length),
		cmocka_unit_test(scan_survives_every_wrong_byte),
		cmocka_unit_test(durations_parse),
		cmocka_unit_test(durations_format),
		cmocka_unit_test(random_durations_round_trip),
		cmocka_unit_test(durations_in_words),
		cmocka_unit_test(times_in_words_are_local),
		cmocka_unit_test(day_start),
	};

	setenv("STALWARDEN_NOW", "2026-11-21T09:40:12Z", 1);
	return cmocka_run_group_tests_name("core_clock", tests, NULL, NULL);
}
