/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/text: widths as the C library counts them, and cutting to a width. */
#include "core/text.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tests/unit/random.h"
#include "tests/unit/random_text.h"
#include "tests/unit/utf8_encode.h"

/* What passes has the width curses will give it; where the C library does not know a character yet,
 * ours stands. */
static void width_agrees_with_the_c_library(void **state)
{
	size_t compared = 0;
	uint32_t cp;
	char s[8];

	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	for (cp = 0x20; cp < 0x110000; cp++) {
		size_t n = 1 + encode(cp, s + 1);
		int w = wcwidth((wchar_t)cp);

		s[0] = 'a'; /* a base, for marks */
		s[n] = '\0';
		if (w < 0 || !text_is_safe(s, n))
			continue;
		compared++;
		if (text_width(s) != 1 + w)
			fail_msg("U+%04X: %d columns, C library %d", cp, text_width(s) - 1, w);
		if (w == 0 && text_is_safe(s + 1, n - 1))
			fail_msg("U+%04X takes no column and passes without a base", cp);
	}
	assert_true(compared > 100000);
}

/* A hidden character is never worth less than the columns of its escape: nothing can be smuggled
 * into a fixed width. */
static void hidden_characters_take_columns(void **state)
{
	struct buf out = BUF_INIT;
	uint32_t cp;
	char s[16];

	(void)state;
	for (cp = 0; cp < 0x110000; cp++) {
		size_t n = 1 + encode(cp, s + 1);
		int w;

		s[0] = 'a';
		s[n++] = 'b';
		buf_reset(&out);
		text_safe(&out, s, n, TEXT_LINE);
		w = text_width(buf_str(&out));
		if (w == 2 && text_is_safe(s, n)) { /* a mark: visible on the a */
			assert_string_not_equal(buf_str(&out), "ab");
			continue;
		}
		if (w < 3)
			fail_msg("U+%04X: %d columns", cp, w);
	}
	buf_release(&out);
}

static void widths(void **state)
{
	uint32_t cp;
	int w;

	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("日本"), 4);
	assert_int_equal(text_width("e\xcc\x81"), 1);
	assert_int_equal(text_width("😀x"), 3);
	assert_int_equal(text_width("●…–"), 3);
	assert_int_equal(text_width("के"), 1);
	assert_int_equal(text_width("का"), 2);
	assert_int_equal(text_char("日本", 6, &cp, &w), 3);
	assert_int_equal(cp, 0x65e5);
	assert_int_equal(w, 2);
	assert_int_equal(text_char("\xff\xff", 2, &cp, &w), 1);
	assert_int_equal(cp, 0xfffd);
	assert_int_equal(w, 1);
	assert_int_equal(text_char("\xe2\x82\xac", 2, &cp, &w), 1);
	assert_int_equal(text_char("x", 1, NULL, NULL), 1);
}

static void fitting(void **state)
{
	static const struct {
		const char *in;
		int cols;
		unsigned flags;
		const char *out;
		int used;
	} rows[] = {
		{"abc", 3, 0, "abc", 3},
		{"abc", 9, 0, "abc", 3},
		{"abcd", 3, 0, "ab…", 3},
		{"abcd", 3, TEXT_ASCII, "ab~", 3},
		{"abcd", 1, 0, "…", 1},
		{"abcd", 0, 0, "", 0},
		{"abcd", -5, 0, "", 0},
		{"", 3, 0, "", 0},
		{"日本", 4, 0, "日本", 4},
		{"日本", 3, 0, "日…", 3},
		{"日本", 2, 0, "…", 1},
		{"日本", 1, 0, "…", 1},
		{"a日本", 4, 0, "a日…", 4},
		{"e\xcc\x81"
		 "abc",
			2, 0, "e\xcc\x81…", 2},
		{"ae\xcc\x81", 2, 0, "ae\xcc\x81", 2},
	};
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&b);
		assert_int_equal(
			text_fit(&b, rows[i].in, rows[i].cols, rows[i].flags), rows[i].used);
		assert_string_equal(buf_str(&b), rows[i].out);
	}
	buf_release(&b);
}

static void fitting_never_exceeds_the_width(void **state)
{
	struct buf clean = BUF_INIT, cut = BUF_INIT;
	char in[100];
	int i, cols, used;

	(void)state;
	for (i = 0; i < 20000; i++) {
		buf_reset(&clean);
		buf_reset(&cut);
		text_safe(&clean, in, random_bytes(in, sizeof(in)), TEXT_LINE);
		cols = (int)(next_random() % 40);
		used = text_fit(&cut, buf_str(&clean), cols, 0);
		assert_true(used <= cols);
		assert_int_equal(text_width(buf_str(&cut)), used);
		assert_true(text_is_safe(buf_str(&cut), cut.len));
		if (text_width(buf_str(&clean)) <= cols)
			assert_string_equal(buf_str(&cut), buf_str(&clean));
	}
	buf_release(&clean);
	buf_release(&cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(width_agrees_with_the_c_library),
		cmocka_unit_test(hidden_characters_take_columns),
		cmocka_unit_test(widths),
		cmocka_unit_test(fitting),
		cmocka_unit_test(fitting_never_exceeds_the_width),
	};

	return cmocka_run_group_tests_name("core_text_width", tests, NULL, NULL);
}
