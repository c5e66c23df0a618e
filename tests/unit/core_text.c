/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/text: every class of code point that must not reach a terminal, widths, cutting, masking, search. */
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

static uint64_t seed = 0x2545f4914f6cdd1du;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static size_t encode(uint32_t cp, char *out)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

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
	static const char *const rows[] = { "", "a", "plain ASCII, with \\ backslash and \"quotes\" ~", "Grüße",
		"日本語 全角", "имя", "ελληνικά", "שלום", "e\xcc\x81t\xc3\xa9", "ไทย", "नमस्ते", "●✖⏎▍–…", "😀", "\xe3\x80\x80" };
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
		check_escaped(cp, cp == '\n' ? "\\n" : cp == '\r' ? "\\r" : cp == '\t' ? "\\t" : want);
	}
}

static void hidden_characters_are_escaped(void **state)
{
	static const struct {
		uint32_t from, to;
	} rows[] = {
		{ 0x061c, 0x061c }, { 0x200e, 0x200f }, { 0x202a, 0x202e }, { 0x2066, 0x2069 }, /* bidi */
		{ 0x200b, 0x200d }, { 0x2060, 0x2064 }, { 0xfeff, 0xfeff },                     /* zero width */
		{ 0x00ad, 0x00ad },                                                             /* soft hyphen */
		{ 0xe0001, 0xe0001 }, { 0xe0020, 0xe007f },                                     /* tags */
		{ 0xfe00, 0xfe0f }, { 0xe0100, 0xe01ef }, { 0x180b, 0x180f }, { 0x034f, 0x034f }, /* selectors, joiner */
		{ 0x115f, 0x1160 }, { 0x3164, 0x3164 }, { 0xffa0, 0xffa0 }, { 0x2800, 0x2800 }, /* fillers */
		{ 0x00a0, 0x00a0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200a }, { 0x202f, 0x202f }, { 0x205f, 0x205f },
		{ 0x2028, 0x2029 },                                                             /* separators */
		{ 0xfff9, 0xfffb }, { 0xe000, 0xe001 }, { 0xf8ff, 0xf8ff }, { 0xf0000, 0xf0001 }, /* Cf, Co */
		{ 0x10fffd, 0x10ffff }, { 0xfdd0, 0xfdef }, { 0xfffe, 0xffff }, { 0x0378, 0x0378 }, /* Cn */
		{ 0x1d173, 0x1d17a },
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
	assert_string_equal(safe("\xc0\xaf"), "\\xc0\\xaf");                     /* overlong */
	assert_string_equal(safe("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");            /* overlong */
	assert_string_equal(safe("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf");   /* overlong */
	assert_string_equal(safe("\xed\xa0\x80"), "\\xed\\xa0\\x80");            /* surrogate */
	assert_string_equal(safe("\xed\xbf\xbf"), "\\xed\\xbf\\xbf");            /* surrogate */
	assert_string_equal(safe("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");   /* > 10FFFF */
	assert_string_equal(safe("\xf8\x88\x80\x80\x80"), "\\xf8\\x88\\x80\\x80\\x80");
	assert_string_equal(safe("a\xe2\x82"), "a\\xe2\\x82");                   /* truncated */
	assert_string_equal(safe("\xe2\x82z"), "\\xe2\\x82z");
	assert_string_equal(safe("\xf0\x9f\x98"), "\\xf0\\x9f\\x98");
	assert_string_equal(safe("\xe2\x82\xe2\x82\xac"), "\\xe2\\x82€");        /* resynchronises */
	assert_string_equal(safe_n("\xe2\x82\xac", 2, TEXT_LINE), "\\xe2\\x82"); /* the length rules */
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
	assert_string_equal(safe("\xc2\x9b" "31m"), "\\x9b31m");
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
	assert_string_equal(safe("e\xcc\x81\xcc\x82\xcc\x83\xcc\x84"), "e\xcc\x81\xcc\x82\xcc\x83\xcc\x84");
	assert_string_equal(safe("e\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85" "f"),
		"e\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xef\xbf\xbd" "f");
	buf_addc(&in, 'Z');
	for (i = 0; i < 1000; i++)
		buf_adds(&in, "\xcc\x81");
	buf_addc(&in, '!');
	assert_string_equal(safe_n(in.data, in.len, TEXT_LINE), "Z\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xef\xbf\xbd!");
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
	assert_string_equal(safe("\xcc\x81" "a"), "\\u{301}a");
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

/* Bytes that look like text more often than chance would have it. */
static size_t random_bytes(char *out, size_t max)
{
	static const uint32_t picks[] = { 0x301, 0x20d0, 0x202e, 0x200d, 0xfe0f, 0x1f468, 0x65e5, 0x1100, 0x1161, 0x11a8,
		0xfffd, 0xad, '\\', 0x1b, '\n', 0x85, 0xe9, 0xa0, 0x3000, 0x0903 };
	size_t n = 0, want = next_random() % (max - 8);

	while (n < want) {
		switch (next_random() % 6) {
		case 0:
			out[n++] = (char)next_random();
			break;
		case 1:
			n += encode((uint32_t)(next_random() % 0x110000), out + n);
			break;
		case 2:
			n += encode((uint32_t)(next_random() % 0x3000), out + n);
			break;
		case 3:
			out[n++] = (char)('a' + next_random() % 26);
			break;
		default:
			n += encode(picks[next_random() % ARRAY_LEN(picks)], out + n);
		}
	}
	return n;
}

static void safe_is_idempotent_on_random_bytes(void **state)
{
	static const unsigned flag_sets[] = { TEXT_LINE, TEXT_MULTI, TEXT_ASCII, TEXT_ASCII | TEXT_MULTI };
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

/* What passes has the width curses will give it; where the C library does not know a character yet, ours stands. */
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

/* A hidden character is never worth less than the columns of its escape: nothing can be smuggled into a fixed width. */
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
		{ "abc", 3, 0, "abc", 3 },
		{ "abc", 9, 0, "abc", 3 },
		{ "abcd", 3, 0, "ab…", 3 },
		{ "abcd", 3, TEXT_ASCII, "ab~", 3 },
		{ "abcd", 1, 0, "…", 1 },
		{ "abcd", 0, 0, "", 0 },
		{ "abcd", -5, 0, "", 0 },
		{ "", 3, 0, "", 0 },
		{ "日本", 4, 0, "日本", 4 },
		{ "日本", 3, 0, "日…", 3 },
		{ "日本", 2, 0, "…", 1 },
		{ "日本", 1, 0, "…", 1 },
		{ "a日本", 4, 0, "a日…", 4 },
		{ "e\xcc\x81" "abc", 2, 0, "e\xcc\x81…", 2 },
		{ "ae\xcc\x81", 2, 0, "ae\xcc\x81", 2 },
	};
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&b);
		assert_int_equal(text_fit(&b, rows[i].in, rows[i].cols, rows[i].flags), rows[i].used);
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

static void check_masked(const char *in, const char *want)
{
	char *s = xstrdup(in);

	text_mask_secrets(s, strlen(s));
	assert_string_equal(s, want);
	free(s);
}

static void secrets_are_masked(void **state)
{
	(void)state;
	check_masked("Authorization: Basic YWRtaW46aHVudGVyMg==, x", "Authorization: Basic ********************, x");
	check_masked("authorization: bearer  abc.def-ghi_j~k+/=;", "authorization: bearer  ******************;");
	check_masked("key = \"api_YWJjOmRlZg==\" end", "key = \"api_************\" end");
	check_masked("Bearer api_YWJj", "Bearer ********");
	check_masked("url = postgresql://mail:s3cret@db:5432/x", "url = postgresql://mail:******@db:5432/x");
	check_masked("https://u:p@ss:w@host/", "https://u:******@host/");
	check_masked("https://host:443/a@b", "https://host:443/a@b");
	check_masked("https://user@host/", "https://user@host/");
	check_masked("AUTH PLAIN AGJvYgBodW50ZXIy", "AUTH PLAIN ****************");
	check_masked("a1 AUTHENTICATE XOAUTH2 dXNlcj1h", "a1 AUTHENTICATE XOAUTH2 ********");
	check_masked("Basic a Basic b", "Basic * Basic *");
	check_masked("from = bob@example.org, remoteIp = 192.0.2.1", "from = bob@example.org, remoteIp = 192.0.2.1");
	check_masked("nonbasic text, bearers x, myapi_x", "nonbasic text, bearers x, myapi_x");
	check_masked("basic", "basic");
	check_masked("Basic ", "Basic ");
	check_masked("api_", "api_");
	check_masked("", "");
	check_masked("//", "//");
	check_masked("//:@", "//:@");
}

static void masking_keeps_length_and_hides_every_canary(void **state)
{
	static const struct {
		const char *before, *after;
	} frames[] = { { "Basic ", "" }, { "Bearer ", "" }, { "api_", "" }, { "http://u:", "@h" }, { "AUTH PLAIN ", "" } };
	static const char canary[] = "c4n4ryT0ken";
	char line[256], noise_a[20], noise_b[20];
	size_t i, k, len;
	int round;

	(void)state;
	for (round = 0; round < 5000; round++) {
		for (k = 0; k < sizeof(noise_a) - 1; k++) {
			noise_a[k] = (char)(' ' + next_random() % 16);
			noise_b[k] = (char)(' ' + next_random() % 16);
		}
		noise_a[sizeof(noise_a) - 1] = noise_b[sizeof(noise_b) - 1] = '\0';
		for (i = 0; i < ARRAY_LEN(frames); i++) {
			len = (size_t)snprintf(line, sizeof(line), "%s%s%s%s%s", noise_a, frames[i].before,
				canary, frames[i].after, noise_b);
			text_mask_secrets(line, len);
			assert_int_equal(strlen(line), len);
			assert_null(strstr(line, canary));
			assert_memory_equal(line, noise_a, sizeof(noise_a) - 1);
		}
	}
}

static const char *naive_find(const char *hay, size_t hay_len, const char *needle, size_t needle_len)
{
	size_t i, j;

	for (i = 0; i + needle_len <= hay_len; i++) {
		for (j = 0; j < needle_len; j++) {
			char a = hay[i + j], b = needle[j];

			if (a >= 'A' && a <= 'Z')
				a = (char)(a + 32);
			if (b >= 'A' && b <= 'Z')
				b = (char)(b + 32);
			if (a != b)
				break;
		}
		if (j == needle_len)
			return hay + i;
	}
	return NULL;
}

static void find_agrees_with_the_naive_search(void **state)
{
	static const char alphabet[] = "aAbB@`[{ \xc4\xe4\0";
	char hay[200], needle[8];
	int round;

	(void)state;
	for (round = 0; round < 100000; round++) {
		size_t h = next_random() % sizeof(hay), n = next_random() % 5, i;
		char *exact = malloc(h + 1);

		for (i = 0; i < h; i++)
			hay[i] = alphabet[next_random() % (sizeof(alphabet) - 1)];
		for (i = 0; i < n; i++)
			needle[i] = alphabet[next_random() % (sizeof(alphabet) - 1)];
		assert_non_null(exact);
		memcpy(exact, hay, h); /* an exact allocation, so that the sanitiser builds see an overrun */
		assert_ptr_equal(text_find_fold(exact, h, needle, n), naive_find(exact, h, needle, n));
		free(exact);
	}
	assert_null(text_find_fold("abc", 3, "abcd", 4));
	assert_non_null(text_find_fold("Fail2Ban", 8, "fAIL2bAN", 8));
}

static void integers_are_checked(void **state)
{
	static const char *const bad[] = { "", "-", "+", " 1", "1 ", "0x1", "1e3", "1.0", "--1", "9223372036854775808",
		"-9223372036854775809", "99999999999999999999999", "18446744073709551616", "١" };
	int64_t v = 42;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		if (text_int(bad[i], INT64_MIN, INT64_MAX, &v))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(v, 42);
	}
	assert_true(text_int("9223372036854775807", INT64_MIN, INT64_MAX, &v));
	assert_true(v == INT64_MAX);
	assert_true(text_int("-9223372036854775808", INT64_MIN, INT64_MAX, &v));
	assert_true(v == INT64_MIN);
	assert_true(text_int("007", 0, 7, &v));
	assert_int_equal(v, 7);
	assert_true(text_int("+5", 0, 7, &v));
	assert_int_equal(v, 5);
	assert_true(text_int("-0", 0, 7, &v));
	assert_int_equal(v, 0);
	assert_false(text_int("8", 0, 7, &v));
	assert_false(text_int("-1", 0, 7, &v));
}

static void numbers_are_grouped(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(text_grouped(0, out, sizeof(out)), "0");
	assert_string_equal(text_grouped(999, out, sizeof(out)), "999");
	assert_string_equal(text_grouped(1204, out, sizeof(out)), "1,204");
	assert_string_equal(text_grouped(1000000, out, sizeof(out)), "1,000,000");
	assert_string_equal(text_grouped(UINT64_MAX, out, sizeof(out)), "18,446,744,073,709,551,615");
	assert_string_equal(text_grouped(1204, out, 4), "1,2");
}

/* Every position of an unsafe byte around the word-at-a-time path, at every alignment. */
static void fast_path_misses_nothing(void **state)
{
	static const unsigned char bad[] = { 0x00, 0x1f, 0x7f, 0x80, 0xff, 0x0a };
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
		cmocka_unit_test(width_agrees_with_the_c_library),
		cmocka_unit_test(hidden_characters_take_columns),
		cmocka_unit_test(widths),
		cmocka_unit_test(fitting),
		cmocka_unit_test(fitting_never_exceeds_the_width),
		cmocka_unit_test(fixed_buffer_cuts_whole_tokens),
		cmocka_unit_test(secrets_are_masked),
		cmocka_unit_test(masking_keeps_length_and_hides_every_canary),
		cmocka_unit_test(find_agrees_with_the_naive_search),
		cmocka_unit_test(integers_are_checked),
		cmocka_unit_test(numbers_are_grouped),
		cmocka_unit_test(fast_path_misses_nothing),
		cmocka_unit_test(utf8_validity),
	};

	return cmocka_run_group_tests_name("core_text", tests, NULL, NULL);
}
