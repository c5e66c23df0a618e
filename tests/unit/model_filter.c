/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters: every key, good and bad words with their messages, the bulk path against the plain one, narrowing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/text.h"
#include "model/filter.h"
#include "tests/unit/random.h"

#define NOW INT64_C(1795168800000) /* 2026-11-20T10:00:00Z */
#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

static void add(struct entrylist *l, const char *key, const char *note, enum reason r, enum origin o, int64_t created,
	int64_t expires)
{
	entrylist_add(l, key, strlen(key), note, note ? strlen(note) : 0, "id-secret", r, o, created, expires);
}

/* Rows by letter, in list order: a..i */
static struct entrylist *sample(void)
{
	struct entrylist *l = entrylist_new();

	add(l, "10.1.2.3", "printer", REASON_MANUAL, ORIGIN_OPERATOR, NOW - 8 * DAY, TIME_NONE);              /* a */
	add(l, "198.51.100.7", "", REASON_AUTH, ORIGIN_SERVER, NOW - HOUR, NOW + 12 * HOUR);                  /* b */
	add(l, "198.51.100.8", "old", REASON_AUTH, ORIGIN_SERVER, NOW - 3 * DAY, NOW - HOUR);                 /* c */
	add(l, "203.0.113.0/24", "Range of Bob", REASON_OTHER, ORIGIN_OPERATOR, NOW - 30 * DAY, NOW + 9 * DAY); /* d */
	add(l, "203.0.113.7", NULL, REASON_SCAN, ORIGIN_SERVER, TIME_NONE, TIME_NONE);                        /* e */
	add(l, "2001:db8::/32", "bad guy", REASON_LOITER, ORIGIN_UNKNOWN, NOW - 2 * HOUR, TIME_NONE);         /* f */
	add(l, "2001:db8::7", "", REASON_ABUSE, ORIGIN_SERVER, NOW - 90 * 1000, TIME_NONE);                   /* g */
	add(l, "junk.", "x", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE, TIME_NONE);                              /* h */
	add(l, "zz 203.0.113.9", "", REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE, TIME_NONE);                      /* i */
	entrylist_finish(l);
	return l;
}

static struct filter *parse(enum filter_kind kind, const char *text)
{
	struct err err = ERR_INIT;
	struct filter *f = filter_parse(kind, text, NOW, &err);

	if (!f)
		fail_msg("\"%s\": %s", text, err.msg);
	return f;
}

static void test_list(void **state)
{
	static const struct {
		const char *filter, *rows;
	} cases[] = {
		{ "", "abcdefghi" },
		{ "   ", "abcdefghi" },
		{ "reason:auth", "bc" },
		{ "reason:auth,scan", "bce" },
		{ "reason:none", "hi" },
		{ "!reason:auth,none", "adefg" },
		{ "age>7d", "ad" },
		{ "age>=8d", "ad" },
		{ "age>8d", "d" },
		{ "age<2h", "bg" },
		{ "age<=2h", "bfg" },
		{ "!age>7d", "bcefghi" },
		{ "since:2026-11-19", "bfg" },
		{ "since:\"2h ago\"", "bfg" },
		{ "until:2026-11-18", "acd"  },
		{ "since:2026-11-11 until:2026-11-18", "ac" },
		{ "expires<1d", "b" },
		{ "expires>1d", "adefghi" },
		{ "expires:never", "aefghi" },
		{ "expires>7d !expires:never", "d" },
		{ "private", "a" },
		{ "!private kind:address", "bceg" },
		{ "kind:network", "df" },
		{ "kind:address,network", "abcdefg" },
		{ "family:6", "fg" },
		{ "net:203.0.113.0/24", "de" },
		{ "net:198.51.100.7", "b" },
		{ "address:2001:db8::/16", "fg" },
		{ "in:203.0.113.7", "de" },
		{ "in 203.0.113.7", "de" },
		{ "!in 203.0.113.7 kind:network", "f" },
		{ "in 2001:db8:1::", "f" },
		{ "note:BAD", "f" },
		{ "note:\"of b\"", "d" },
		{ "!note:o", "abefghi" },
		{ "state:expired", "c" },
		{ "state:malformed", "hi" },
		{ "state:active,expired", "abcdefg" },
		{ "origin:server", "bceg" },
		{ "origin:operator,unknown", "adfhi" },
		{ "covered", "eg" },
		{ "covered reason:scan", "e" },
		{ "203.0.113", "dei" },
		{ "7", "beg" },
		{ "BOB", "d" },
		{ "2001:DB8", "fg" },
		{ "db8::7", "g" },
		{ "fe80::", "" },
		{ "loiter", "f" },
		{ "expired", "c" },
		{ "malformed", "hi" },
		{ "network", "df" },
		{ "active", "" },
		{ "secret", "" }, /* the server's id is not shown */
		{ "!203.0.113", "abcfgh" },
		{ "203 !113.7 range", "d" },
		{ "\"reason:auth\"", "" },
		{ "\"bad guy\"", "f" },
		{ "bad guy", "f" },
		{ "/^203\\.0\\.113\\.\\d+$/", "e" },
		{ "!/[.:]/", "" },
		{ "/RANGE of/", "d" },
		{ "!/RANGE of/ kind:network", "f" },
		{ "/RANGE /of/", "" },
		{ "/\"/", "" },
		{ "re:\"range of\"", "d" },
		{ "/7$/ reason:auth", "b" },
		{ "/", "df" },
		{ "//", "" },
		{ "reason:AUTH", "bc" },
		{ "Reason:auth", "bc" },
		{ "a>b", "" },
	};
	struct entrylist *l = sample();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct filter *f = parse(FILTER_LIST, cases[i].filter);
		struct filter_hits hits = { NULL, 0, 0 };
		char got[16] = "";

		filter_list(f, l, NOW, &hits);
		for (size_t k = 0; k < hits.count; k++)
			got[k] = (char)('a' + hits.rows[k]);
		if (strcmp(got, cases[i].rows) != 0)
			fail_msg("\"%s\" leaves \"%s\", not \"%s\"", cases[i].filter, got, cases[i].rows);
		for (size_t row = 0; row < l->count; row++)
			assert_int_equal(filter_match_entry(f, l, row, NOW), strchr(got, (char)('a' + row)) != NULL);
		filter_hits_release(&hits);
		filter_free(f);
	}
	struct filter *f = parse(FILTER_LIST, "in nowhere");
	assert_false(filter_match_entry(f, l, 0, NOW));
	filter_free(f);
	f = parse(FILTER_LIST, "in");
	assert_true(filter_match_entry(f, l, 0, NOW)); /* prINter */
	filter_free(f);
	assert_true(filter_match_entry(NULL, l, 0, NOW));
	entrylist_free(l);
}

static void test_log(void **state)
{
	static const struct {
		const char *line, *event, *account, *kind, *address;
		enum ban_class class;
		enum event_level level;
		int64_t time;
	} rows[] = {
		{ "2026 INFO Banned (security.scan-ban) path = \"/wp-login.php\"", "security.scan-ban", "", "ban", "203.0.113.7",
			CLASS_SCAN, LEVEL_INFO, NOW - HOUR },
		{ "2026 WARN Banned (security.authentication-ban)", "security.authentication-ban", "bob@example.org", "ban",
			"198.51.100.7", CLASS_AUTH, LEVEL_WARN, NOW - 3 * HOUR },
		{ "2026 ERROR Something (server.startup-error)", "server.startup-error", "", NULL, "", CLASS_NONE, LEVEL_ERROR,
			NOW - 2 * DAY },
		{ "not a line at all", "", "", NULL, "", CLASS_NONE, LEVEL_NONE, TIME_NONE },
	};
	static const struct {
		const char *filter, *rows;
	} cases[] = {
		{ "", "abcd" },
		{ "class:auth", "b" },
		{ "class:auth,scan", "ab" },
		{ "class:none", "cd" },
		{ "level:warn", "bc" },
		{ "level:info", "abc" },
		{ "!level:info", "d" },
		{ "event:ban", "ab" },
		{ "event:security.*-ban", "ab" },
		{ "event:*scan*", "a" },
		{ "event:security.", "ab" },
		{ "address:203.0.113.0/24", "a" },
		{ "address:198.51.100.7", "b" },
		{ "net:198.51.100.0/24", "b" },
		{ "!address:0.0.0.0/0", "cd" },
		{ "account:BOB", "b" },
		{ "kind:ban", "ab" },
		{ "kind:refused", "" },
		{ "since:\"2h ago\"", "a" },
		{ "until:\"2h ago\"", "bc" },
		{ "age<1d", "ab" },
		{ "family:4", "ab" },
		{ "wp-login", "a" },
		{ "/wp-login.php", "a" },
		{ "/wp-(login|admin)/", "a" },
		{ "banned !scan", "b" },
		{ "line", "d" },
		{ "private", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct filter *f = parse(FILTER_LOG, cases[i].filter);
		char got[8] = "";

		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			struct filter_log row = { .line = slice_of(rows[k].line), .event = slice_of(rows[k].event),
				.account = slice_of(rows[k].account), .kind = rows[k].kind, .class = rows[k].class,
				.level = rows[k].level, .time = rows[k].time };

			net_parse(rows[k].address, strlen(rows[k].address), &row.address, NULL);
			if (filter_match_log(f, &row, NOW))
				got[strlen(got)] = (char)('a' + k);
		}
		if (strcmp(got, cases[i].rows) != 0)
			fail_msg("\"%s\" leaves \"%s\", not \"%s\"", cases[i].filter, got, cases[i].rows);
		filter_free(f);
	}
}

static void test_bad(void **state)
{
	static const struct {
		enum filter_kind kind;
		const char *filter, *says;
	} cases[] = {
		{ FILTER_LIST, "reason:foo",
			"reason:foo: no such reason; known are none, auth, abuse, loiter, scan, manual, other" },
		{ FILTER_LIST, "x reason:auth,", "reason:auth,: no such reason; known are none, auth, abuse, loiter, scan, manual, other" },
		{ FILTER_LIST, "reason:authx", "reason:authx: no such reason; known are none, auth, abuse, loiter, scan, manual, other" },
		{ FILTER_LIST, "state:gone", "state:gone: no such state; known are active, expired, malformed" },
		{ FILTER_LIST, "age>7x", "age>7x: write a duration such as 15m, 12h or 7d" },
		{ FILTER_LIST, "age>", "age>: write a duration such as 15m, 12h or 7d" },
		{ FILTER_LIST, "age:7d", "age:7d: write age<… or age>…" },
		{ FILTER_LIST, "reason>auth", "reason>auth: write reason:…" },
		{ FILTER_LIST, "private:yes", "private:yes: private stands alone" },
		{ FILTER_LIST, "expires:soon", "expires:soon: write expires<1d, expires>7d or expires:never" },
		{ FILTER_LIST, "net:203.0.113", "net:203.0.113: write an address or a network after net:, such as 203.0.113.0/24" },
		{ FILTER_LIST, "in:mail", "in:mail: write an address or a network after in:, such as 203.0.113.0/24" },
		{ FILTER_LIST, "since:whenever",
			"since:whenever: write a time such as 2026-11-20, 2026-11-20T09:00:00Z or \"2h ago\"" },
		{ FILTER_LIST, "note:", "note:: the text to look for is missing" },
		{ FILTER_LIST, "re:", "re:: the regular expression is missing" },
		{ FILTER_LIST, "!", "! needs a word after it" },
		{ FILTER_LIST, "\"\"", "\"\" is no word to look for" },
		{ FILTER_LIST, "/(/", "/(/: missing closing parenthesis (after 1 characters)" },
		{ FILTER_LIST, "class:auth", "class:auth: class: works in logs only; to look for it as text, put it in double quotes" },
		{ FILTER_LOG, "state:active", "state:active: state: works in lists only; to look for it as text, put it in double quotes" },
		{ FILTER_LOG, "level:loud", "level:loud: no such level; known are trace, debug, info, warn, error" },
		{ FILTER_LOG, "kind:", "kind:: write a kind of event, such as kind:ban or kind:refused" },
		{ FILTER_LOG, "http://x",
			"http://x: no such filter; known are re: family: private net: age> since: until: class: level: event: address: account: kind:; to look for it as text, put it in double quotes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;

		assert_null(filter_parse(cases[i].kind, cases[i].filter, NOW, &err));
		assert_string_equal(err.msg, cases[i].says);
		assert_int_equal(err.code, ERR_USAGE);
	}
	char *longest = xmalloc(6000);
	struct err err = ERR_INIT;
	memset(longest, 'a', 5999);
	longest[5999] = '\0';
	assert_null(filter_parse(FILTER_LIST, longest, NOW, &err));
	assert_string_equal(err.msg, "the filter has 5999 bytes; the longest is 4096");
	for (int i = 0; i < 2000; i++)
		memcpy(longest + 2 * i, "a ", 2);
	longest[4000] = '\0';
	err_clear(&err);
	assert_null(filter_parse(FILTER_LIST, longest, NOW, &err));
	assert_string_equal(err.msg, "a filter has at most 64 words");
	free(longest);
}

static void test_add(void **state)
{
	struct err err = ERR_INIT;
	struct filter *f = parse(FILTER_LOG, "");
	struct filter_log row = { .line = SLICE("a \"quoted\" word and more"), .time = NOW - HOUR, .class = CLASS_AUTH };

	(void)state;
	assert_true(filter_is_empty(f));
	assert_true(filter_add(f, "class", "auth", NOW, &err));
	assert_true(filter_add(f, "re", "^a \"q.* more$", NOW, &err));
	assert_true(filter_add(f, "since", "2h ago", NOW, &err));
	assert_true(filter_add(f, "", "word and", NOW, &err));
	assert_true(filter_add(f, "age<", "2h", NOW, &err));
	assert_true(filter_match_log(f, &row, NOW));
	assert_false(filter_add(f, "until", "never", NOW, &err));
	assert_string_equal(err.msg, "until:never: write a time such as 2026-11-20, 2026-11-20T09:00:00Z or \"2h ago\"");
	err_clear(&err);
	assert_false(filter_add(f, "state", "active", NOW, &err));
	err_clear(&err);
	assert_false(filter_add(f, "age", "2h", NOW, &err));
	assert_string_equal(err.msg, "age:2h: write age<… or age>…");
	assert_true(filter_match_log(f, &row, NOW));
	assert_true(filter_add(f, "", "absent", NOW, NULL));
	assert_false(filter_match_log(f, &row, NOW));
	filter_free(f);
	filter_free(NULL);
}

static void test_words(void **state)
{
	size_t n = 0;

	(void)state;
	for (; filter_word(FILTER_LIST, n); n++)
		assert_non_null(filter_word_help(FILTER_LIST, n));
	assert_int_equal(n, 16);
	assert_null(filter_word_help(FILTER_LIST, n));
	assert_string_equal(filter_word(FILTER_LIST, 1), "reason:");
	struct filter *f = parse(FILTER_LIST, "covered x");
	assert_true(filter_needs_cover(f));
	filter_free(f);
	f = parse(FILTER_LIST, "\"covered\"");
	assert_false(filter_needs_cover(f));
	filter_free(f);
}

static void test_narrower(void **state)
{
	static const struct {
		const char *narrow, *wide;
		bool is;
	} cases[] = {
		{ "a", "", true },
		{ "", "a", false },
		{ "203.0", "203.", true },
		{ "203.", "203.0", false },
		{ "xBobx", "bob", true },
		{ "a b", "b", true },
		{ "b", "a b", false },
		{ "!a", "!ab", true },
		{ "!ab", "!a", false },
		{ "!ab", "ab", false },
		{ "reason:auth x", "reason:auth", true },
		{ "reason:auth", "reason:auth,scan", false },
		{ "note:bobby", "note:bob", true },
		{ "bob", "note:bob", false },
		{ "/a/", "/a/", true },
		{ "/ab/", "/a/", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct filter *narrow = parse(FILTER_LIST, cases[i].narrow), *wide = parse(FILTER_LIST, cases[i].wide);

		if (filter_is_narrower(narrow, wide) != cases[i].is)
			fail_msg("\"%s\" against \"%s\"", cases[i].narrow, cases[i].wide);
		filter_free(narrow);
		filter_free(wide);
	}
}

/* Pieces of filters over random lists: the bulk path says what asking row by row says, and narrowing changes nothing. */
static void random_list(struct entrylist *l)
{
	static const char *const notes[] = { "", "Bob", "network of BOB", "1.2.3.4", "a longer note, with 203.0.113.7 in it" };
	size_t n = random_below(400);

	for (size_t i = 0; i < n; i++) {
		char key[64];
		struct net a = { { (uint8_t)(1 + random_below(3)), 0, (uint8_t)random_below(3), (uint8_t)random_below(256) }, 4, 32 };

		net_widen(&a, (uint8_t)(random_below(6) ? 32 : 24), &a);
		net_format(&a, key, sizeof(key));
		if (!random_below(20))
			snprintf(key, sizeof(key), "bad%u", random_below(100));
		add(l, key, notes[random_below(ARRAY_LEN(notes))], (enum reason)random_below(REASON_COUNT), (enum origin)random_below(3),
			random_below(2) ? NOW - (int64_t)random_below(100) * HOUR : TIME_NONE, random_below(3) ? TIME_NONE : NOW + ((int64_t)random_below(100) - 50) * HOUR);
	}
	entrylist_finish(l);
}

static void test_bulk(void **state)
{
	static const char *const pieces[] = {
		"1", "2.0", "bob", "!bob", "!1", "network", "o", "reason:auth,scan", "!reason:none", "age<2d", "expires>1h", "covered",
		"net:2.0.1.0/24", "in:1.0.0.5", "/b.b/", "note:1", "state:active", "scan", "expired", "secret", "malformed", "!7",
		"a longer", "zzz",
	};

	(void)state;
	for (int round = 0; round < 400; round++) {
		struct entrylist *l = entrylist_new();
		struct filter_hits hits = { NULL, 0, 0 };
		char text[256] = "";
		struct filter *before = NULL;

		random_list(l);
		for (int words = 0; words < 4; words++) {
			size_t at = strlen(text), n = 0;

			snprintf(text + at, sizeof(text) - at, "%s%s", at ? " " : "", pieces[random_below(ARRAY_LEN(pieces))]);
			struct filter *f = parse(FILTER_LIST, text);
			if (before) {
				assert_true(filter_is_narrower(f, before));
				filter_list_narrow(f, l, NOW, &hits);
			} else {
				filter_list(f, l, NOW, &hits);
			}
			for (size_t row = 0; row < l->count; row++) {
				bool in = n < hits.count && hits.rows[n] == row;

				if (filter_match_entry(f, l, row, NOW) != in)
					fail_msg("\"%s\" on %s %s", text, entry_key(l, row), entry_note(l, row));
				n += in;
			}
			assert_int_equal(n, hits.count);
			filter_free(before);
			before = f;
		}
		filter_free(before);
		filter_hits_release(&hits);
		entrylist_free(l);
	}
}

/* The vectorised search against the simple one, at every offset and length around the block size. */
static void test_needle(void **state)
{
	static const char set[] = "abAB.1@`[{\xc3";
	char hay[200];

	(void)state;
	for (int round = 0; round < 60000; round++) {
		size_t len = random_below(90), from = random_below(8), n = 1 + random_below(random_below(2) ? 3 : 20);
		char text[24];
		struct needle needle;

		for (size_t i = 0; i < len + from; i++)
			hay[i] = set[random_below(random_below(2) ? 3 : sizeof(set) - 1)];
		for (size_t i = 0; i < n; i++)
			text[i] = set[random_below(random_below(2) ? 3 : sizeof(set) - 1)];
		if (len > n && random_below(2))
			memcpy(hay + from + random_below((uint32_t)(len - n + 1)), text, n);
		needle_init(&needle, text, n);
		const char *got = needle_find(&needle, hay + from, len), *want = NULL;
		for (size_t i = 0; i + n <= len && !want; i++)
			if (!strncasecmp(hay + from + i, text, n))
				want = hay + from + i;
		assert_ptr_equal(got, want);
	}
	struct needle empty;
	needle_init(&empty, "", 0);
	assert_ptr_equal(needle_find(&empty, hay, 5), hay);
}

/* A pattern that runs away is stopped. */
static void test_runaway(void **state)
{
	struct filter *f = parse(FILTER_LOG, "/^(a+)+$/");
	char line[4096];
	struct filter_log row = { .line = { line, sizeof(line) } };

	(void)state;
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '!';
	for (int i = 0; i < 20; i++)
		assert_false(filter_match_log(f, &row, NOW));
	memset(line, 0xff, sizeof(line));
	assert_false(filter_match_log(f, &row, NOW));
	filter_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),   cmocka_unit_test(test_log),      cmocka_unit_test(test_bad),
		cmocka_unit_test(test_add),    cmocka_unit_test(test_words),    cmocka_unit_test(test_narrower),
		cmocka_unit_test(test_bulk),   cmocka_unit_test(test_needle),   cmocka_unit_test(test_runaway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
