/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/text: every class of code point that must not reach a terminal. */
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tests/unit/random.h"
#include "tests/unit/random_text.h"
#include "tests/unit/utf8_encode.h"

/* text_safe() of s; checks that text_is_safe() and text_safe_str() agree with it. Static result. */
static const char *safe_n(const char *s, size_t len, unsigned flags)
{
	static char result[4096];
	char fixed[4096];
	struct buf b = BUF_INIT;

	text_safe(&b, s, len, flags);
	assert_true(b.len < sizeof(result));
	memcpy(result, buf_str(&b), b.len + 1);
	assert_int_equal(strlen(result), b.len); /* never a NUL in the output */
	if (flags == TEXT_LINE) {
		assert_string_equal(text_safe_str(fixed, sizeof(fixed), s, len), result);
		assert_int_equal(text_is_safe(s, len), b.len == len && memcmp(result, s, len) == 0);
	}
	buf_release(&b);
	return result;
}

static const char *safe(const char *s)
{
	return safe_n(s, strlen(s), TEXT_LINE);
}

static void plain_text_passes(void **state)
{
	static const char *const rows[] = {"", "a",
		"plain ASCII, with \\ backslash and \"quotes\" ~", "Grüße", "日本語 全角", "имя",
		"ελληνικά", "שלום", "e\xcc\x81t\xc3\xa9", "ไทย", "नमस्ते", "●✖⏎▍–…", "😀",
		"\xe3\x80\x80"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(safe(rows[i]), rows[i]);
}

/* A character put in the middle of text comes out as `want`. */
static void check_escaped(uint32_t cp, const char *want)
{
	char in[16] = "a", out[64];
	size_t n = 1 + encode(cp, in + 1);

	in[n++] = 'b';
	snprintf(out, sizeof(out), "a%sb", want);
	assert_string_equal(safe_n(in, n, TEXT_LINE), out);
}

static void controls_are_escaped(void **state)
{
	char want[16];
	uint32_t cp;

	(void)state;
	for (cp = 0; cp < 0xa0; cp++) {
		if (cp == 0x20)
			cp = 0x7f;
		snprintf(want, sizeof(want), "\\x%02x", cp);
		check_escaped(cp, cp == '\n'   ? "\\n"
				  : cp == '\r' ? "\\r"
				  : cp == '\t' ? "\\t"
					       : want);
	}
}

static void hidden_characters_are_escaped(void **state)
{
	static const struct {
		uint32_t from, to;
	} rows[] = {
		{0x061c, 0x061c},
		{0x200e, 0x200f},
		{0x202a, 0x202e},
		{0x2066, 0x2069}, /* bidi */
		{0x200b, 0x200d},
		{0x2060, 0x2064},
		{0xfeff, 0xfeff}, /* zero width */
		{0x00ad, 0x00ad}, /* soft hyphen */
		{0xe0001, 0xe0001},
		{0xe0020, 0xe007f}, /* tags */
		{0xfe00, 0xfe0f},
		{0xe0100, 0xe01ef},
		{0x180b, 0x180f},
		{0x034f, 0x034f}, /* selectors, joiner */
		{0x115f, 0x1160},
		{0x3164, 0x3164},
		{0xffa0, 0xffa0},
		{0x2800, 0x2800}, /* fillers */
		{0x00a0, 0x00a0},
		{0x1680, 0x1680},
		{0x2000, 0x200a},
		{0x202f, 0x202f},
		{0x205f, 0x205f},
		{0x2028, 0x2029}, /* separators */
		{0xfff9, 0xfffb},
		{0xe000, 0xe001},
		{0xf8ff, 0xf8ff},
		{0xf0000, 0xf0001}, /* Cf, Co */
		{0x10fffd, 0x10ffff},
		{0xfdd0, 0xfdef},
		{0xfffe, 0xffff},
		{0x0378, 0x0378}, /* Cn */
		{0x1d173, 0x1d17a},
	};
	char want[16];
	uint32_t cp;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		for (cp = rows[i].from; cp <= rows[i].to; cp++) {
			snprintf(want, sizeof(want), "\\u{%x}", cp);
			check_escaped(cp, want);
		}
	}
}

static void invalid_bytes_are_escaped(void **state)
{
	(void)state;
	assert_string_equal(safe("\xff\xfe"), "\\xff\\xfe");
	assert_string_equal(safe("\x80"), "\\x80");
	assert_string_equal(safe("\xc0\xaf"), "\\xc0\\xaf");                   /* overlong */
	assert_string_equal(safe("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");          /* overlong */
	assert_string_equal(safe("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf"); /* overlong */
	assert_string_equal(safe("\xed\xa0\x80"), "\\xed\\xa0\\x80");          /* surrogate */
	assert_string_equal(safe("\xed\xbf\xbf"), "\\xed\\xbf\\xbf");          /* surrogate */
	assert_string_equal(safe("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); /* > 10FFFF */
	assert_string_equal(safe("\xf8\x88\x80\x80\x80"), "\\xf8\\x88\\x80\\x80\\x80");
	assert_string_equal(safe("a\xe2\x82"), "a\\xe2\\x82"); /* truncated */
	assert_string_equal(safe("\xe2\x82z"), "\\xe2\\x82z");
	assert_string_equal(safe("\xf0\x9f\x98"), "\\xf0\\x9f\\x98");
	assert_string_equal(safe("\xe2\x82\xe2\x82\xac"), "\\xe2\\x82€"); /* resynchronises */
	assert_string_equal(
		safe_n("\xe2\x82\xac", 2, TEXT_LINE), "\\xe2\\x82"); /* the length rules */
}

static void nul_bytes_are_text(void **state)
{
	(void)state;
	assert_string_equal(safe_n("a\0b\0", 4, TEXT_LINE), "a\\x00b\\x00");
	assert_false(text_is_safe("a\0b", 3));
	assert_true(text_utf8_valid("a\0b", 3));
}

static void real_escape_sequences_are_defused(void **state)
{
	(void)state;
	assert_string_equal(safe("\x1b]52;c;ZXZpbA==\x07"), "\\x1b]52;c;ZXZpbA==\\x07");
	assert_string_equal(safe("\x1b[2m2026\x1b[0m"), "\\x1b[2m2026\\x1b[0m");
	assert_string_equal(safe("\xc2\x9b"
				 "31m"),
		"\\x9b31m");
	assert_string_equal(safe("user\rroot\b\b"), "user\\rroot\\x08\\x08");
	assert_string_equal(safe("moc.\xe2\x80\xaelive"), "moc.\\u{202e}live");
	/* family emoji: the joiners become visible */
	assert_string_equal(safe("👨\xe2\x80\x8d👩"), "👨\\u{200d}👩");
	assert_string_equal(safe("❤\xef\xb8\x8f"), "❤\\u{fe0f}");
}

static void floods_of_marks_are_cut(void **state)
{
	struct buf in = BUF_INIT;
	int i;

	(void)state;
	assert_string_equal(
		safe("e\xcc\x81\xcc\x82\xcc\x83\xcc\x84"), "e\xcc\x81\xcc\x82\xcc\x83\xcc\x84");
	assert_string_equal(safe("e\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85"
				 "f"),
		"e\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xef\xbf\xbd"
		"f");
	buf_addc(&in, 'Z');
	for (i = 0; i < 1000; i++)
		buf_adds(&in, "\xcc\x81");
	buf_addc(&in, '!');
	assert_string_equal(safe_n(in.data, in.len, TEXT_LINE),
		"Z\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xef\xbf\xbd!");
	buf_reset(&in);
	buf_adds(&in, "\xe1\x84\x80"); /* one Hangul consonant and a hundred vowels */
	for (i = 0; i < 100; i++)
		buf_adds(&in, "\xe1\x85\xa1");
	assert_string_equal(safe_n(in.data, in.len, TEXT_LINE),
		"\xe1\x84\x80\xe1\x85\xa1\xe1\x85\xa1\xe1\x85\xa1\xe1\x85\xa1\xef\xbf\xbd");
	buf_release(&in);
}

static void marks_need_a_base(void **state)
{
	(void)state;
	assert_string_equal(safe("\xcc\x81"
				 "a"),
		"\\u{301}a");
	assert_string_equal(safe("\x1b\xcc\x81"), "\\x1b\\u{301}");
	assert_string_equal(safe_n("a\n\xcc\x81", 4, TEXT_MULTI), "a\n\\u{301}");
}

static void multi_line_text(void **state)
{
	(void)state;
	assert_string_equal(safe_n("a\tb\nc\r\n\x1b", 8, TEXT_MULTI), "a\tb\nc\\r\n\\x1b");
	assert_string_equal(safe_n("a\tb\nc\r\n", 7, TEXT_LINE), "a\\tb\\nc\\r\\n");
}

static void ascii_only(void **state)
{
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	assert_string_equal(safe_n("ü€😀", 9, TEXT_ASCII), "\\u{fc}\\u{20ac}\\u{1f600}");
	assert_string_equal(safe_n("e\xcc\x81", 3, TEXT_ASCII), "e\\u{301}");
	assert_string_equal(safe_n("\xc2\x85\xff\n", 4, TEXT_ASCII | TEXT_MULTI), "\\x85\\xff\n");
	for (i = 0; i < 20000; i++) {
		char in[32];
		size_t n = 0, k;

		while (n < sizeof(in) - 4)
			n += encode((uint32_t)(next_random() % 0x110000), in + n);
		buf_reset(&b);
		text_safe(&b, in, n, TEXT_ASCII);
		for (k = 0; k < b.len; k++)
			assert_in_range(b.data[k], 0x20, 0x7e);
	}
	buf_release(&b);
}

static void safe_is_idempotent_on_random_bytes(void **state)
{
	static const unsigned flag_sets[] = {
		TEXT_LINE, TEXT_MULTI, TEXT_ASCII, TEXT_ASCII | TEXT_MULTI};
	struct buf a = BUF_INIT, b = BUF_INIT;
	char in[200], small[40];
	size_t f, n;
	int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		n = random_bytes(in, sizeof(in));
		for (f = 0; f < ARRAY_LEN(flag_sets); f++) {
			buf_reset(&a);
			buf_reset(&b);
			text_safe(&a, in, n, flag_sets[f]);
			text_safe(&b, buf_str(&a), a.len, flag_sets[f]);
			assert_int_equal(a.len, b.len);
			assert_memory_equal(buf_str(&a), buf_str(&b), a.len);
			assert_true(text_utf8_valid(buf_str(&a), a.len));
			if (!(flag_sets[f] & TEXT_MULTI))
				assert_true(text_is_safe(buf_str(&a), a.len));
		}
		text_safe_str(small, 1 + next_random() % sizeof(small), in, n);
		assert_true(text_is_safe(small, strlen(small)));
	}
	buf_release(&a);
	buf_release(&b);
}

static void fixed_buffer_cuts_whole_tokens(void **state)
{
	char out[16];
	size_t size;

	(void)state;
	for (size = 1; size <= sizeof(out); size++) {
		memset(out, 'X', sizeof(out));
		text_safe_str(out, size, "ab\xe2\x80\xae€c", 9);
		assert_true(strlen(out) < size);
		if (size < 11) /* the escape does not fit */
			assert_string_equal(out, size == 1 ? "" : size == 2 ? "a" : "ab");
	}
	assert_string_equal(out, "ab\\u{202e}€c");
	out[0] = 'Q';
	text_safe_str(out, 0, "abc", 3);
	assert_int_equal(out[0], 'Q');
}

/* Every position of an unsafe byte around the word-at-a-time path, at every alignment. */
static void fast_path_misses_nothing(void **state)
{
	static const unsigned char bad[] = {0x00, 0x1f, 0x7f, 0x80, 0xff, 0x0a};
	char block[160];
	size_t start, at, i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		for (start = 0; start < 8; start++) {
			for (at = start; at < 90; at++) {
				memset(block, '~', sizeof(block));
				block[at] = (char)bad[i];
				assert_false(text_is_safe(block + start, 90 - start));
				block[at] = ' ';
				assert_true(text_is_safe(block + start, 90 - start));
			}
		}
	}
}

static void utf8_validity(void **state)
{
	(void)state;
	assert_true(text_utf8_valid("", 0));
	assert_true(text_utf8_valid("aü€😀\x01", 11));
	assert_false(text_utf8_valid("a\xc3", 2));
	assert_false(text_utf8_valid("\xed\xa0\x80", 3));
	assert_false(text_utf8_valid("\xc0\x80", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_passes),
		cmocka_unit_test(controls_are_escaped),
		cmocka_unit_test(hidden_characters_are_escaped),
		cmocka_unit_test(invalid_bytes_are_escaped),
		cmocka_unit_test(nul_bytes_are_text),
		cmocka_unit_test(real_escape_sequences_are_defused),
		cmocka_unit_test(floods_of_marks_are_cut),
		cmocka_unit_test(marks_need_a_base),
		cmocka_unit_test(multi_line_text),
		cmocka_unit_test(ascii_only),
		cmocka_unit_test(safe_is_idempotent_on_random_bytes),
		cmocka_unit_test(fixed_buffer_cuts_whole_tokens),
		cmocka_unit_test(fast_path_misses_nothing),
		cmocka_unit_test(utf8_validity),
	};

	return cmocka_run_group_tests_name("core_text", tests, NULL, NULL);
}
