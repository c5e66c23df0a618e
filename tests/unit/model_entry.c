/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists: order, look-ups, states, covering networks, odd rows; stored values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/text.h"
#include "model/entry.h"
#include "tests/unit/random.h"

#define NOW INT64_C(1795168800000) /* 2026-11-20T10:00:00Z */

static void add(struct entrylist *l, const char *key, const char *note, const char *id, int64_t created, int64_t expires)
{
	entrylist_add(l, key, strlen(key), note, note ? strlen(note) : 0, id, REASON_AUTH, ORIGIN_SERVER, created, expires);
}

static void test_order(void **state)
{
	static const char *const keys[] = { "2001:db8::1", "zebra", "203.0.113.7", "10.0.0.0/8", "::1", "9.9.9.9", "10.0.0.0/16",
		"apple", "10.0.0.0", "2001:db8::/32", "" };
	static const char *const sorted[] = { "9.9.9.9", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.0", "203.0.113.7", "::1",
		"2001:db8::/32", "2001:db8::1", "", "apple", "zebra" };
	struct entrylist *l = entrylist_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		add(l, keys[i], "note", NULL, TIME_NONE, TIME_NONE);
	assert_int_equal(l->fetched, TIME_NONE);
	entrylist_finish(l);
	assert_int_equal(l->count, ARRAY_LEN(sorted));
	assert_int_equal(l->malformed, 3);
	for (size_t i = 0; i < l->count; i++) {
		assert_string_equal(entry_key(l, i), sorted[i]);
		assert_string_equal(entry_note(l, i), "note");
		assert_string_equal(entry_id(l, i), "");
		assert_int_equal(entrylist_find_key(l, sorted[i]), i);
		assert_int_equal(entry_state(l, i, NOW), i < 8 ? ENTRY_ACTIVE : ENTRY_MALFORMED);
	}
	assert_int_equal(entrylist_find_key(l, "banana"), -1);
	assert_int_equal(entrylist_find_key(l, "9.9.9.8"), -1);
	entrylist_free(l);
	entrylist_free(NULL);
}

static void test_empty(void **state)
{
	struct entrylist *l = entrylist_new();
	struct net n = { { 1, 2, 3, 4 }, 4, 32 };

	(void)state;
	entrylist_finish(l);
	assert_int_equal(l->count, 0);
	assert_int_equal(entrylist_find(l, &n), -1);
	assert_int_equal(entrylist_find_key(l, "x"), -1);
	assert_int_equal(entrylist_covering(l, &n, -1, NOW), -1);
	entrylist_free(l);
}

/* The same net under two keys stays two rows, each found by its own key; the same row twice becomes one. */
static void test_doubles(void **state)
{
	struct entrylist *l = entrylist_new();

	(void)state;
	add(l, "10.0.0.1", "a", "i1", TIME_NONE, TIME_NONE);
	add(l, "10.0.0.1/32", "b", "i2", TIME_NONE, TIME_NONE);
	add(l, "10.0.0.1", "a", "i1", TIME_NONE, TIME_NONE);
	add(l, "::ffff:10.0.0.1", "c", "i3", TIME_NONE, TIME_NONE);
	add(l, "junk", "", "i4", TIME_NONE, TIME_NONE);
	add(l, "junk", "", "i4", TIME_NONE, TIME_NONE);
	add(l, "junk", "", "i5", TIME_NONE, TIME_NONE);
	add(l, "10.0.0.9/24", "", "i6", TIME_NONE, TIME_NONE);
	entrylist_finish(l);
	assert_int_equal(l->count, 6);
	assert_int_equal(l->malformed, 2);
	assert_string_equal(entry_id(l, (size_t)entrylist_find_key(l, "10.0.0.1")), "i1");
	assert_string_equal(entry_id(l, (size_t)entrylist_find_key(l, "10.0.0.1/32")), "i2");
	assert_string_equal(entry_id(l, (size_t)entrylist_find_key(l, "::ffff:10.0.0.1")), "i3");
	assert_string_equal(entry_id(l, (size_t)entrylist_find_key(l, "10.0.0.9/24")), "i6");
	assert_int_equal(entrylist_find_key(l, "10.0.0.0/24"), -1); /* no such key, though such a network */
	entrylist_finish(l);
	assert_int_equal(l->count, 6);
	entrylist_free(l);
}

static void test_times(void **state)
{
	static const struct {
		int64_t in, out;
	} rows[] = {
		{ TIME_NONE, TIME_NONE },
		{ NOW, NOW },
		{ NOW + 999, NOW },
		{ 0, 1000 },                   /* long past, not never */
		{ -5000, 1000 },
		{ INT64_C(4294967295000), INT64_C(4294967295000) },
		{ INT64_C(253402300799000), INT64_C(4294967295000) }, /* 9999: as late as can be told */
		{ INT64_MAX, INT64_C(4294967295000) },
	};
	struct entrylist *l = entrylist_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char key[32];

		snprintf(key, sizeof(key), "10.0.0.%zu", i);
		add(l, key, NULL, NULL, rows[i].in, rows[i].in);
	}
	entrylist_finish(l);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(entry_created(&l->rows[i]), rows[i].out);
		assert_int_equal(entry_expires(&l->rows[i]), rows[i].out);
	}
	assert_int_equal(entry_state(l, 0, NOW), ENTRY_ACTIVE);
	assert_int_equal(entry_state(l, 1, NOW - 1), ENTRY_ACTIVE);
	assert_int_equal(entry_state(l, 1, NOW), ENTRY_EXPIRED);
	assert_int_equal(entry_state(l, 3, NOW), ENTRY_EXPIRED);
	entrylist_free(l);
}

/* A NUL must not cut a key down to another entry's. */
static void test_odd_keys(void **state)
{
	struct entrylist *l = entrylist_new();
	char *huge = xmalloc(200000);

	(void)state;
	memset(huge, '7', 200000);
	entrylist_add(l, "10.0.0.1\0junk", 13, "no\0te", 5, NULL, REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE, TIME_NONE);
	entrylist_add(l, huge, 200000, huge, 200000, NULL, REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE, TIME_NONE);
	entrylist_add(l, "\0", 1, "\0\0", 2, "", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE, TIME_NONE);
	entrylist_finish(l);
	assert_int_equal(l->malformed, 3);
	assert_int_equal(entrylist_find_key(l, "10.0.0.1"), -1);
	assert_true(entrylist_find_key(l, "10.0.0.1\xef\xbf\xbdjunk") >= 0);
	assert_string_equal(entry_note(l, (size_t)entrylist_find_key(l, "10.0.0.1\xef\xbf\xbdjunk")), "no\xef\xbf\xbdte");
	assert_true(entrylist_find_key(l, "\xef\xbf\xbd") >= 0);
	entrylist_free(l);
	free(huge);
}

static void test_covering(void **state)
{
	struct entrylist *l = entrylist_new();
	struct net n;

	(void)state;
	add(l, "10.0.0.0/8", NULL, NULL, TIME_NONE, NOW - 1000);
	add(l, "10.1.0.0/16", NULL, NULL, TIME_NONE, TIME_NONE);
	add(l, "10.1.2.0/24", NULL, NULL, TIME_NONE, TIME_NONE);
	add(l, "10.1.2.3", NULL, NULL, TIME_NONE, TIME_NONE);
	add(l, "junk", NULL, NULL, TIME_NONE, TIME_NONE);
	entrylist_finish(l);
	net_parse("10.1.2.3", 8, &n, NULL);
	assert_string_equal(entry_key(l, (size_t)entrylist_covering(l, &n, -1, NOW)), "10.1.0.0/16");
	assert_string_equal(entry_key(l, (size_t)entrylist_covering(l, &n, -1, NOW - 5000)), "10.0.0.0/8");
	ptrdiff_t own = entrylist_find(l, &n), wide = entrylist_find_key(l, "10.1.0.0/16");
	assert_string_equal(entry_key(l, (size_t)entrylist_covering(l, &n, wide, NOW)), "10.1.2.0/24");
	assert_int_equal(entrylist_covering(l, &n, own, NOW), wide);
	net_parse("10.2.0.1", 8, &n, NULL);
	assert_int_equal(entrylist_covering(l, &n, -1, NOW), -1);
	entrylist_free(l);
}

/* Many random rows: sorted, complete, each found, by net and by key. */
static void test_many(void **state)
{
	(void)state;
	for (int round = 0; round < 40; round++) {
		struct entrylist *l = entrylist_new();
		size_t n = random_below(3000);

		for (size_t i = 0; i < n; i++) {
			struct net a = { { (uint8_t)random_below(4), (uint8_t)random_below(4), (uint8_t)random_below(256), (uint8_t)random_below(256) }, 4, 32 };
			char key[NET_BUF], note[NET_BUF + 8], id[32];

			if (random_below(3) == 0) {
				a.family = 6;
				a.prefix = 128;
				a.addr[15] = (uint8_t)random_below(256);
			}
			net_widen(&a, (uint8_t)(a.prefix - (random_below(4) ? 0 : random_below(12))), &a);
			net_format(&a, key, sizeof(key));
			if (random_below(10) == 0)
				snprintf(key, sizeof(key), "bad %u", random_below(1000));
			snprintf(note, sizeof(note), "%s!", key);
			snprintf(id, sizeof(id), "%zu", i);
			add(l, key, note, id, TIME_NONE, TIME_NONE);
		}
		entrylist_finish(l);
		assert_int_equal(l->count, n);
		for (size_t i = 0; i < n; i++) {
			char want[NET_BUF + 8];

			snprintf(want, sizeof(want), "%s!", entry_key(l, i));
			assert_string_equal(entry_note(l, i), want);
			ptrdiff_t found = entrylist_find_key(l, entry_key(l, i));
			assert_true(found >= 0);
			assert_string_equal(entry_key(l, (size_t)found), entry_key(l, i));
			if (!i)
				continue;
			struct net a, b;
			entry_net(&l->rows[i - 1], &a);
			entry_net(&l->rows[i], &b);
			if (a.family && b.family)
				assert_true(net_cmp(&a, &b) <= 0);
			else
				assert_false(b.family);
		}
		entrylist_free(l);
	}
}

static void test_value_parse(void **state)
{
	static const struct {
		const char *in, *by, *note;
		enum reason reason;
		int64_t at, until;
	} rows[] = {
		{ "", "", "", REASON_NONE, TIME_NONE, TIME_NONE },
		{ "{\"by\":\"root\",\"at\":\"2026-11-20T10:00:00Z\",\"until\":\"2026-11-20T11:00:00+01:00\",\"reason\":\"spam\",\"class\":\"manual\"}",
			"root", "spam", REASON_MANUAL, NOW, NOW },
		{ " { \"by\" : \"a\\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00\" , \"v\" : 2 , \"x\":null } ", "a\"\\/\n\xc3\xa9\xf0\x9f\x98\x80", "", REASON_NONE,
			TIME_NONE, TIME_NONE },
		{ "{}", "", "", REASON_NONE, TIME_NONE, TIME_NONE },
		{ "{\"at\":\"yesterday\",\"class\":\"nobody\"}", "", "", REASON_NONE, TIME_NONE, TIME_NONE },
		{ "{\"reason\":\"a\\u0000b\\udc00\"}", "", "a\xef\xbf\xbd" "b\xef\xbf\xbd", REASON_NONE, TIME_NONE, TIME_NONE },
		/* anything else is a note */
		{ "spam from x", "", "spam from x", REASON_NONE, TIME_NONE, TIME_NONE },
		{ "{\"by\":\"root\"", "", "{\"by\":\"root\"", REASON_NONE, TIME_NONE, TIME_NONE },
		{ "{\"by\":\"root\"} tail", "", "{\"by\":\"root\"} tail", REASON_NONE, TIME_NONE, TIME_NONE },
		{ "{\"by\":\"root\",}", "", "{\"by\":\"root\",}", REASON_NONE, TIME_NONE, TIME_NONE },
		{ "{\"by\":{\"a\":1}}", "", "{\"by\":{\"a\":1}}", REASON_NONE, TIME_NONE, TIME_NONE },
		{ "{\"by\":\"\\x\"}", "", "{\"by\":\"\\x\"}", REASON_NONE, TIME_NONE, TIME_NONE },
		{ "[\"by\"]", "", "[\"by\"]", REASON_NONE, TIME_NONE, TIME_NONE },
		{ "true", "", "true", REASON_NONE, TIME_NONE, TIME_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct entry_value v;

		entry_value_parse(rows[i].in, strlen(rows[i].in), &v);
		assert_string_equal(v.by, rows[i].by);
		assert_string_equal(v.note, rows[i].note);
		assert_int_equal(v.reason, rows[i].reason);
		assert_int_equal(v.at, rows[i].at);
		assert_int_equal(v.until, rows[i].until);
	}
	struct entry_value v;
	entry_value_parse("a\0b", 3, &v);
	assert_string_equal(v.note, "a\xef\xbf\xbd" "b");
}

static void test_value_format(void **state)
{
	struct entry_value v = { .by = "root", .note = "caf\xc3\xa9 \"x\"\n\xff\xf0\x9f\x98\x80", .reason = REASON_MANUAL, .at = NOW, .until = NOW + 1000 };
	char out[ENTRY_VALUE_BUF];

	(void)state;
	assert_string_equal(entry_value_format(&v, out, sizeof(out)),
		"{\"by\":\"root\",\"at\":\"2026-11-20T10:00:00Z\",\"until\":\"2026-11-20T10:00:01Z\",\"reason\":\"caf\\u00e9 \\\"x\\\"\\u000a\\ufffd\\ud83d\\ude00\",\"class\":\"manual\"}");
	v = (struct entry_value){ .at = TIME_NONE, .until = TIME_NONE };
	assert_string_equal(entry_value_format(&v, out, sizeof(out)), "{}");
	v.reason = REASON_SCAN;
	assert_string_equal(entry_value_format(&v, out, sizeof(out)), "{\"class\":\"scan\"}");
	/* The free text gives way, the rest stays whole. */
	memset(v.note, '\x01', sizeof(v.note) - 1);
	v.until = NOW;
	entry_value_format(&v, out, 1024);
	assert_true(strlen(out) < 1024);
	struct entry_value back;
	entry_value_parse(out, strlen(out), &back);
	assert_int_equal(back.reason, REASON_SCAN);
	assert_int_equal(back.until, NOW);
	assert_true(strlen(back.note) > 100);
}

static void test_value_round_trip(void **state)
{
	static const char *const pieces[] = { "a", "Z9", "\"", "\\", "/", "\n", "\x1b", "\x7f", "\xc3\xa9", "\xe2\x80\xae", "\xf0\x9f\x98\x80", "{", " " };

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct entry_value v = { .reason = (enum reason)random_below(REASON_COUNT), .at = TIME_NONE, .until = TIME_NONE }, back;
		char out[ENTRY_VALUE_BUF];

		for (uint32_t n = random_below(120); n; n--) {
			const char *piece = pieces[random_below(ARRAY_LEN(pieces))];

			if (strlen(v.note) + strlen(piece) < sizeof(v.note))
				memcpy(v.note + strlen(v.note), piece, strlen(piece) + 1);
			if (strlen(v.by) + strlen(piece) < sizeof(v.by))
				memcpy(v.by + strlen(v.by), piece, strlen(piece) + 1);
		}
		if (random_below(2))
			v.at = NOW - (int64_t)random_below(1000000) * 1000;
		if (random_below(2))
			v.until = NOW + (int64_t)random_below(1000000) * 1000;
		entry_value_format(&v, out, sizeof(out));
		for (const char *p = out; *p; p++)
			assert_in_range((unsigned char)*p, 0x20, 0x7e);
		entry_value_parse(out, strlen(out), &back);
		assert_string_equal(back.note, v.note);
		assert_string_equal(back.by, v.by);
		assert_int_equal(back.reason, v.reason);
		assert_int_equal(back.at, v.at);
		assert_int_equal(back.until, v.until);
	}
}

static void test_names(void **state)
{
	enum reason r;

	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		assert_true(reason_parse(reason_text((enum reason)i), &r));
		assert_int_equal(r, i);
	}
	assert_false(reason_parse("x", &r));
	assert_int_equal(reason_of_class(CLASS_SCAN), REASON_SCAN);
	assert_int_equal(reason_of_class(CLASS_NONE), REASON_NONE);
	assert_string_equal(entry_state_text(ENTRY_EXPIRED), "expired");
	assert_string_equal(origin_text(ORIGIN_OPERATOR), "operator");
}

/* The widest active row other than `own` that covers it, looked for one by one. */
static ptrdiff_t cover_by_hand(const struct entrylist *l, size_t own, int64_t now)
{
	ptrdiff_t best = -1;
	struct net n, other;

	entry_net(&l->rows[own], &n);
	for (size_t i = 0; i < l->count; i++) {
		entry_net(&l->rows[i], &other);
		if (i != own && entry_state(l, i, now) == ENTRY_ACTIVE && net_contains(&other, &n) &&
			(best < 0 || other.prefix < l->rows[best].prefix))
			best = (ptrdiff_t)i;
	}
	return best;
}

/* Networks in networks, the same address in several writings, some of them expired. */
static void test_covering_of_rows(void **state)
{
	static const char *const writings[] = { "10.0.%u.%u", "10.0.%u.%u/32", "::ffff:10.0.%u.%u", "10.0.%u.%u/24", "10.0.%u.%u/12", "fd00::%x:%x",
		"fd00::%x:%x/112" };
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct entrylist *l = entrylist_new();

		for (int i = 0; i < 40; i++) {
			char key[64];

			seed = seed * 1103515245u + 12345u;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(key, sizeof(key), writings[seed >> 16 & 7 ? (seed >> 20) % 7 : 3], seed >> 17 & 1, seed >> 24 & 3);
#pragma GCC diagnostic pop
			add(l, key, NULL, NULL, TIME_NONE, seed >> 27 & 1 ? NOW - 1 : TIME_NONE);
		}
		entrylist_finish(l);
		for (size_t i = 0; i < l->count; i++) {
			ptrdiff_t want = cover_by_hand(l, i, NOW), got;
			struct net n;

			entry_net(&l->rows[i], &n);
			got = entrylist_covering(l, &n, (ptrdiff_t)i, NOW);
			assert_int_equal(got < 0, want < 0);
			if (got >= 0) /* of twins any will do */
				assert_true(got != (ptrdiff_t)i && !memcmp(l->rows[got].addr, l->rows[want].addr, 16) &&
					l->rows[got].prefix == l->rows[want].prefix && entry_state(l, (size_t)got, NOW) == ENTRY_ACTIVE);
		}
		entrylist_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),       cmocka_unit_test(test_empty),        cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_times),       cmocka_unit_test(test_odd_keys),     cmocka_unit_test(test_covering),
		cmocka_unit_test(test_covering_of_rows),
		cmocka_unit_test(test_many),        cmocka_unit_test(test_value_parse),  cmocka_unit_test(test_value_format),
		cmocka_unit_test(test_value_round_trip), cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
