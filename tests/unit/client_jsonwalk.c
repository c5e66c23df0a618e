/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/jsonwalk: the same items however the bytes are cut, the same documents as jansson, bounded whatever comes. */
#include "client/jsonwalk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"

/* Writes every item down as text, so that two walks can be compared. */
static void note(void *arg, const struct json_path *path, const struct json_item *item)
{
	static const char names[] = "nbNsoa";
	struct buf *out = arg;

	buf_addf(out, "%d", path->depth);
	for (int i = 0; i < path->depth && i < 16; i++) {
		if (path->level[i].key) {
			buf_addc(out, '.');
			for (size_t k = 0; k < path->level[i].key_len; k++)
				buf_addf(out, "%02x", (unsigned char)path->level[i].key[k]);
			assert_int_equal(path->level[i].key[path->level[i].key_len], '\0');
		} else {
			buf_addf(out, "[%zu]", path->level[i].index);
		}
	}
	buf_addf(out, "=%c", names[item->type]);
	if (item->type == JSON_ITEM_BOOL)
		buf_addc(out, item->b ? '1' : '0');
	if (item->type == JSON_ITEM_NUMBER || item->type == JSON_ITEM_STRING)
		for (size_t k = 0; k < item->len; k++)
			buf_addf(out, "%02x", (unsigned char)item->s[k]);
	buf_addc(out, '\n');
}

/* Feeds s in two pieces; false when it is not one whole document. */
static bool walk(const char *s, size_t len, size_t cut, struct buf *out)
{
	struct jsonwalk *w = jsonwalk_new(note, out);
	struct err err = ERR_INIT;
	bool ok;

	buf_reset(out);
	ok = jsonwalk_feed(w, s, cut, &err) && jsonwalk_feed(w, s + cut, len - cut, &err) && jsonwalk_finish(w, &err);
	assert_int_equal(ok, err.code == ERR_NONE);
	jsonwalk_free(w);
	return ok;
}

static bool walk_bytes(const char *s, size_t len, struct buf *out)
{
	struct jsonwalk *w = jsonwalk_new(note, out);
	bool ok = true;

	buf_reset(out);
	for (size_t i = 0; i < len && ok; i++) {
		char one = s[i]; /* a buffer of its own: nothing may look past it */

		ok = jsonwalk_feed(w, &one, 1, NULL);
	}
	ok = ok && jsonwalk_finish(w, NULL);
	jsonwalk_free(w);
	return ok;
}

static void paths_and_values(void **state)
{
	static const char text[] = "{\"data\":{\"total\":2,\"items\":{\"a\":\"x\",\"b\":null}},\"l\":[true,[1.5e3],{}]}";
	struct buf out = BUF_INIT, want = BUF_INIT;

	(void)state;
	assert_true(walk(text, strlen(text), 5, &out));
	buf_adds(&want, "2.64617461.746f74616c=N32\n"
			"3.64617461.6974656d73.61=s78\n"
			"3.64617461.6974656d73.62=n\n"
			"2.64617461.6974656d73=o\n"
			"1.64617461=o\n"
			"2.6c[0]=b1\n"
			"3.6c[1][0]=N312e356533\n"
			"2.6c[1]=a\n"
			"2.6c[2]=o\n"
			"1.6c=a\n"
			"0=o\n");
	assert_string_equal(buf_str(&out), buf_str(&want));
	buf_release(&out);
	buf_release(&want);
}

static const struct {
	const char *text;
	size_t len; /* 0 = strlen */
	bool is_json;
	bool differs; /* jansson says the opposite: the reason stands beside it */
} documents[] = {
	{ "{}", 0, true, false },
	{ "[]", 0, true, false },
	{ " \t\r\n{ \"a\" : [ 1 , -2.5E+10, true , false , null ] } \n", 0, true, false },
	{ "[\"\\u0000\\ud83d\\ude00\\n\\\"\\\\\\/\"]", 0, true, false },
	{ "[\"\xf0\x9f\x98\x80\"]", 0, true, false },
	{ "[\"nul \\u0000 inside\"]", 0, true, false },
	{ "{\"a\":1,\"a\":2}", 0, true, false },
	{ "{\"\":{\"\":[]}}", 0, true, false },
	{ "[0, -0, 0.0, 1e5, 1E-5]", 0, true, false },
	{ "[\"\\u12\"]", 0, false, false },
	{ "[\"a\tb\"]", 0, false, false },
	{ "[\"a\nb\"]", 0, false, false },
	{ "[1,]", 0, false, false },
	{ "[,1]", 0, false, false },
	{ "{\"a\":1,}", 0, false, false },
	{ "{\"a\" 1}", 0, false, false },
	{ "{a:1}", 0, false, false },
	{ "{'a':1}", 0, false, false },
	{ "[1 2]", 0, false, false },
	{ "[01]", 0, false, false },
	{ "[1.]", 0, false, false },
	{ "[-]", 0, false, false },
	{ "[+1]", 0, false, false },
	{ "[1e]", 0, false, false },
	{ "[nul]", 0, false, false },
	{ "[NaN]", 0, false, false },
	{ "[\"\\x41\"]", 0, false, false },
	{ "[\"open", 0, false, false },
	{ "[\"open\\", 0, false, false },
	{ "{\"a\":", 0, false, false },
	{ "[[[", 0, false, false },
	{ "]", 0, false, false },
	{ "[}", 0, false, false },
	{ "{]", 0, false, false },
	{ "", 0, false, false },
	{ "   ", 0, false, false },
	{ "[]x", 0, false, false },
	{ "[][]", 0, false, false },
	{ "{}{}", 0, false, false },
	{ "<html>", 0, false, false },
	{ "\xef\xbb\xbf[]", 0, false, false },
	{ "[\"a\0b\"]", 7, false, false },
	{ "[]\0", 3, false, false },
	{ "/* c */ []", 0, false, false },
	{ "[\"\xff\xfe\"]", 0, true, true },          /* attackers write bytes into the log */
	{ "[\"\xed\xa0\x80\"]", 0, true, true },      /* likewise */
	{ "[\"\\ud800\"]", 0, true, true },           /* half a pair becomes '?' */
	{ "[1e400]", 0, true, true },                 /* numbers stay text: the row is judged, not the page */
	{ "[99999999999999999999]", 0, true, true },  /* likewise */
	{ "17", 0, true, true },                      /* a bare value */
	{ "\"x\"", 0, true, true },
};

static size_t length_of(size_t i)
{
	return documents[i].len ? documents[i].len : strlen(documents[i].text);
}

static void the_same_at_every_cut(void **state)
{
	struct buf whole = BUF_INIT, cut = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		const char *s = documents[i].text;
		size_t len = length_of(i);
		bool ok = walk(s, len, len, &whole);

		if (ok != documents[i].is_json)
			fail_msg("document %zu (%s): %d", i, s, ok);
		for (size_t k = 0; k <= len; k++) {
			assert_int_equal(walk(s, len, k, &cut), ok);
			if (ok)
				assert_string_equal(buf_str(&cut), buf_str(&whole));
		}
		assert_int_equal(walk_bytes(s, len, &cut), ok);
		if (ok)
			assert_string_equal(buf_str(&cut), buf_str(&whole));
	}
	buf_release(&whole);
	buf_release(&cut);
}

static void jansson_agrees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		json_t *v = json_loadb(documents[i].text, length_of(i), JSON_ALLOW_NUL, NULL);

		if ((v != NULL) != (documents[i].is_json != documents[i].differs))
			fail_msg("jansson on document %zu (%s)", i, documents[i].text);
		json_decref(v);
	}
}

/* The items of a jansson tree, in the walker's words. */
static void note_tree(json_t *v, struct json_path *path, struct buf *out)
{
	struct json_item item = { .type = JSON_ITEM_NULL };
	char number[32];
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_object(v)) {
		json_object_foreach (v, key, child) {
			path->level[path->depth].key = key;
			path->level[path->depth].key_len = strlen(key);
			path->depth++;
			note_tree(child, path, out);
			path->depth--;
		}
		item.type = JSON_ITEM_OBJECT_END;
	} else if (json_is_array(v)) {
		json_array_foreach (v, i, child) {
			path->level[path->depth].key = NULL;
			path->level[path->depth].index = i;
			path->depth++;
			note_tree(child, path, out);
			path->depth--;
		}
		item.type = JSON_ITEM_ARRAY_END;
	} else if (json_is_string(v)) {
		item = (struct json_item){ JSON_ITEM_STRING, json_string_value(v), json_string_length(v), false };
	} else if (json_is_integer(v)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
		item = (struct json_item){ JSON_ITEM_NUMBER, number, strlen(number), false };
	} else if (json_is_boolean(v)) {
		item = (struct json_item){ JSON_ITEM_BOOL, NULL, 0, json_is_true(v) };
	}
	note(out, path, &item);
}

static unsigned long long seed = 0x5eed;

static unsigned draw(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static json_t *make(unsigned depth)
{
	static const char *const strings[] = { "", "plain", "with \"quotes\" and \\", "line\nend\ttab", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		"203.0.113.9", "\x7f\x01" };
	unsigned kind = draw(depth > 6 ? 5 : 9), n = draw(5);
	json_t *v;
	char key[16];

	switch (kind) {
	case 0:
		return json_null();
	case 1:
		return json_boolean(draw(2));
	case 2:
		return json_integer((json_int_t)draw(100000) - 50000);
	case 3:
	case 4:
		return json_string(strings[draw(sizeof(strings) / sizeof(strings[0]))]);
	case 5:
	case 6:
		v = json_array();
		while (n-- > 0)
			json_array_append_new(v, make(depth + 1));
		return v;
	default:
		v = json_object();
		while (n-- > 0) {
			snprintf(key, sizeof(key), "k%u\xc3\xa4", draw(1000));
			json_object_set_new(v, key, make(depth + 1));
		}
		return v;
	}
}

static void generated_documents_read_as_jansson_does(void **state)
{
	struct buf want = BUF_INIT, got = BUF_INIT;

	(void)state;
	for (int i = 0; i < 400; i++) {
		json_t *v = json_pack("[o]", make(0)), *again;
		struct json_path path = { 0 };
		char *text = json_dumps(v, i % 2 ? JSON_ENSURE_ASCII : JSON_INDENT(2));
		size_t len = strlen(text);

		again = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
		assert_non_null(again);
		buf_reset(&want);
		note_tree(again, &path, &want);
		assert_true(walk(text, len, draw((unsigned)len + 1), &got));
		assert_string_equal(buf_str(&got), buf_str(&want));
		assert_true(walk_bytes(text, len, &got));
		assert_string_equal(buf_str(&got), buf_str(&want));
		free(text);
		json_decref(v);
		json_decref(again);
	}
	buf_release(&want);
	buf_release(&got);
}

/* Objects of mostly plain pairs, with everything in between that is not: the walk past yajl must be left and taken up again without a trace. */
static void plain_pairs_among_others(void **state)
{
	static const char *const odd[] = { "\"k\":1,", "\"k\":\"a\\\"b\",", "\"k\":\"\\u0041\",", "\"k\\n\":\"v\",", "\"k\": \"v\",", "\"k\":\"v\" ,",
		" \"k\":\"v\",", "\"o\":{\"a\":\"b\",\"c\":\"d\",\"e\":\"f\"},", "\"l\":[\"a\",\"b\",{\"x\":\"y\",\"z\":\"\"}],", "\"k\":null,", "\"\":\"\",",
		"\"\xc3\xa4\":\"\xff\x7f\",", "\"k\":\"a\"b\",", "\"k\":\"a\nb\",", "\"k\"\"v\",", "\"k\":\"v\",,", "\"k\",", "}", "]", "{", "\"k\":{\"a\":\"b\",}," };
	/* as stalwarden writes them: few that differ, each a part of another or like it behind an escape */
	static const char *const values[] = { "", "{\\\"by\\\":\\\"root\\\"}", "{\\\"by\\\":\\\"rool\\\"}", "{\\\"by\\\":\\\"root\\\"", "a \\\\",
		"a \\\\\\\"", "\\/\\b\\f\\n\\r\\t", "plain", "plain and longer", "plainx,y", "\\u00e4 \\\"", "\\q", "\\" };
	struct buf text = BUF_INIT, whole = BUF_INIT, bytes = BUF_INIT;
	size_t good = 0;

	(void)state;
	for (int round = 0; round < 6000; round++) {
		unsigned n = draw(12), with_odd = draw(4);

		buf_reset(&text);
		buf_adds(&text, "{\"data\":{\"total\":3,\"items\":{");
		for (unsigned i = 0; i < n; i++)
			if (with_odd && draw(4) == 0)
				buf_adds(&text, odd[draw(sizeof(odd) / sizeof(odd[0]))]);
			else if (round % 2)
				buf_addf(&text, "\"%u.%u.%u.7\":\"%s\",", draw(256), draw(256), draw(256),
					values[draw(with_odd ? sizeof(values) / sizeof(values[0]) : 1 + draw(10))]);
			else
				buf_addf(&text, "\"%u.%u.%u.7\":\"%.*s\",", draw(256), draw(256), draw(256), (int)draw(20), "a reason of some length");
		buf_adds(&text, "\"last\":\"one that is long enough\"}}}");
		bool ok = walk_bytes(buf_str(&text), text.len, &bytes);

		assert_int_equal(walk(buf_str(&text), text.len, draw((unsigned)text.len + 1), &whole), ok);
		if (ok)
			assert_string_equal(buf_str(&whole), buf_str(&bytes));
		good += ok;
	}
	assert_in_range(good, 2000, 5800); /* both kinds were met */
	buf_release(&text);
	buf_release(&whole);
	buf_release(&bytes);
}

static void ignore(void *arg, const struct json_path *path, const struct json_item *item)
{
	(void)path, (void)item;
	++*(size_t *)arg;
}

static bool feed_nested(char open, char close, size_t depth, bool is_closed)
{
	size_t items = 0;
	struct jsonwalk *w = jsonwalk_new(ignore, &items);
	bool ok = true;

	for (size_t i = 0; i < depth && ok; i++)
		ok = open == '{' && i ? jsonwalk_feed(w, "\"k\":{", 5, NULL) : jsonwalk_feed(w, &open, 1, NULL);
	for (size_t i = 0; i < depth && ok && is_closed; i++)
		ok = jsonwalk_feed(w, &close, 1, NULL);
	ok = ok && jsonwalk_finish(w, NULL);
	jsonwalk_free(w);
	return ok;
}

static void depth_is_capped_where_jansson_caps_it(void **state)
{
	static const size_t depths[] = { 10, 2047, 2048, 2049, 100000, 1000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		bool fits = depths[i] <= JSONWALK_DEPTH_MAX;

		assert_int_equal(feed_nested('[', ']', depths[i], true), fits);
		assert_int_equal(feed_nested('{', '}', depths[i], true), fits);
		assert_false(feed_nested('[', ']', depths[i], false));
		assert_false(feed_nested('{', '}', depths[i], false));
	}
}

static void keep_last(void *arg, const struct json_path *path, const struct json_item *item)
{
	struct buf *out = arg;

	(void)path;
	if (item->type != JSON_ITEM_STRING)
		return;
	buf_reset(out);
	buf_add(out, item->s, item->len);
}

/* A log item can hold a whole answer of the server: it costs its own rest, not the page. */
static void long_strings_are_cut_and_cost_no_more_than_their_length(void **state)
{
	static char piece[16384];
	struct buf last = BUF_INIT;
	struct jsonwalk *w = jsonwalk_new(keep_last, &last);
	int64_t began = clock_mono();

	(void)state;
	memset(piece, 'x', sizeof(piece));
	assert_true(jsonwalk_feed(w, "[\"", 2, NULL));
	for (size_t sent = 0; sent < (size_t)64 << 20; sent += sizeof(piece))
		assert_true(jsonwalk_feed(w, piece, sizeof(piece), NULL));
	assert_true(jsonwalk_feed(w, "\\\"", 2, NULL));
	assert_true(jsonwalk_feed(w, "\"", 1, NULL));
	assert_int_equal(last.len, JSONWALK_STRING_MAX);
	assert_true(jsonwalk_feed(w, ",\"after\"]", 9, NULL));
	assert_string_equal(buf_str(&last), "after");
	assert_true(jsonwalk_finish(w, NULL));
	assert_true(clock_mono() - began < 20000); /* seconds, where reading anew would take hours */
	jsonwalk_free(w);
	buf_release(&last);
}

/* Wherever the cut falls among escapes, what is left is a string. */
static void a_cut_never_splits_an_escape(void **state)
{
	static const char *const units[] = { "\\u00e4", "\\\\", "\\\"", "\\n", "ab\\ud83d\\ude00" };
	struct buf text = BUF_INIT, last = BUF_INIT;

	(void)state;
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++)
		for (size_t shift = 0; shift < 12; shift++) {
			struct jsonwalk *w = jsonwalk_new(keep_last, &last);

			buf_reset(&text);
			buf_adds(&text, "[\"");
			for (size_t i = 0; i < shift; i++)
				buf_addc(&text, 'y');
			while (text.len < JSONWALK_STRING_MAX + 40)
				buf_adds(&text, units[u]);
			buf_adds(&text, "\",\"end\"]");
			assert_true(jsonwalk_feed(w, text.data, text.len, NULL));
			assert_true(jsonwalk_finish(w, NULL));
			assert_string_equal(buf_str(&last), "end");
			jsonwalk_free(w);
		}
	buf_release(&text);
	buf_release(&last);
}

static void numbers_without_end_are_refused(void **state)
{
	size_t items = 0;
	struct jsonwalk *w = jsonwalk_new(ignore, &items);
	struct err err = ERR_INIT;
	size_t sent = 0;

	(void)state;
	assert_true(jsonwalk_feed(w, "[1", 2, NULL));
	while (sent < 10000 && jsonwalk_feed(w, "1", 1, &err))
		sent++;
	assert_true(sent < JSONWALK_TOKEN_MAX);
	assert_int_equal(err.code, ERR_PROTOCOL);
	assert_false(jsonwalk_feed(w, "]", 1, NULL));
	assert_false(jsonwalk_finish(w, NULL));
	jsonwalk_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_and_values),
		cmocka_unit_test(the_same_at_every_cut),
		cmocka_unit_test(jansson_agrees),
		cmocka_unit_test(generated_documents_read_as_jansson_does),
		cmocka_unit_test(plain_pairs_among_others),
		cmocka_unit_test(depth_is_capped_where_jansson_caps_it),
		cmocka_unit_test(long_strings_are_cut_and_cost_no_more_than_their_length),
		cmocka_unit_test(a_cut_never_splits_an_escape),
		cmocka_unit_test(numbers_without_end_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
