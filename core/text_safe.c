/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one sanitiser: decides for every code point whether it may reach a terminal as it is. */
#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <utf8proc.h>

#define MAX_MARKS 4 /* combining marks kept on one base */
#define TOKEN_MAX 16

enum cp_class {
	CP_PLAIN,   /* shown as it is */
	CP_MARK,    /* joins the character before it */
	CP_HIDDEN,  /* shows nothing, or changes how others show: escaped */
	CP_CONTROL, /* C0, DEL, C1 */
	CP_INVALID, /* not UTF-8; one byte */
};

/* Between characters: what the next combining mark would land on. */
struct safe_state {
	bool has_base;
	unsigned marks;
};

/* What one character of the input becomes. An empty token drops it. */
struct safe_token {
	char text[TOKEN_MAX];
	size_t len;  /* of text */
	size_t used; /* input bytes */
	bool same;   /* text equals the input */
};

/* Characters whose general category looks harmless but which draw nothing
 * (Default_Ignorable_Code_Point) or look like an empty cell: two strings that differ only there
 * would look alike. */
static const struct {
	uint32_t from, to;
} blank_ranges[] = {
	{0x034f, 0x034f},
	{0x115f, 0x1160},
	{0x17b4, 0x17b5},
	{0x180b, 0x180f},
	{0x2800, 0x2800},
	{0x3164, 0x3164},
	{0xfe00, 0xfe0f},
	{0xffa0, 0xffa0},
	{0x1d159, 0x1d159},
	{0xe0000, 0xe0fff},
};

static bool is_blank(uint32_t cp)
{
	size_t i;

	for (i = 0; i < sizeof(blank_ranges) / sizeof(blank_ranges[0]); i++)
		if (cp >= blank_ranges[i].from && cp <= blank_ranges[i].to)
			return true;
	return false;
}

static enum cp_class cp_classify(uint32_t cp)
{
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
		return CP_CONTROL;
	if (cp < 0x7f)
		return CP_PLAIN;
	if (is_blank(cp))
		return CP_HIDDEN;
	/* Hangul vowels and finals stack without end on one syllable, like marks do */
	if ((cp >= 0x1161 && cp <= 0x11ff) || (cp >= 0xd7b0 && cp <= 0xd7fb))
		return CP_MARK;
	switch (utf8proc_category((utf8proc_int32_t)cp)) {
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_ME:
		return CP_MARK;
	case UTF8PROC_CATEGORY_ZS:
		/* the ideographic space is two columns of nothing and cannot pass for a blank */
		return cp == 0x3000 ? CP_PLAIN : CP_HIDDEN;
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_CO:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return CP_HIDDEN;
	default:
		return CP_PLAIN;
	}
}

/* Not 0 when a byte of w is >= 0x80, < 0x20 or 0x7f. The bit tricks are exact as a test for "any".
 */
static uint64_t has_other_than_printable_ascii(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101u, high = ones * 0x80;
	uint64_t del = w ^ (ones * 0x7f);

	return (w | ((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & high;
}

/* Length of the run of printable ASCII at s. */
static size_t ascii_run(const char *s, size_t len)
{
	size_t i = 0;
	uint64_t w[4];

	for (; len - i >= sizeof(w); i += sizeof(w)) {
		memcpy(w, s + i, sizeof(w));
		if (has_other_than_printable_ascii(w[0]) | has_other_than_printable_ascii(w[1]) |
			has_other_than_printable_ascii(w[2]) | has_other_than_printable_ascii(w[3]))
			break;
	}
	for (; len - i >= sizeof(w[0]); i += sizeof(w[0])) {
		memcpy(w, s + i, sizeof(w[0]));
		if (has_other_than_printable_ascii(w[0]))
			break;
	}
	while (i < len && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x7f)
		i++;
	return i;
}

static void token_escape(
	struct safe_token *t, struct safe_state *st, enum cp_class class, uint32_t cp)
{
	int n;

	if (class == CP_CONTROL && cp < 0x80 && (cp == '\n' || cp == '\r' || cp == '\t'))
		n = snprintf(t->text, TOKEN_MAX, "\\%c", cp == '\n' ? 'n' : cp == '\r' ? 'r' : 't');
	else if (class == CP_CONTROL || class == CP_INVALID)
		n = snprintf(t->text, TOKEN_MAX, "\\x%02x", (unsigned)cp);
	else
		n = snprintf(t->text, TOKEN_MAX, "\\u{%x}", (unsigned)cp);
	t->len = (size_t)n;
	t->same = false;
	st->has_base = false; /* a mark must not dress up our own escape */
	st->marks = 0;
}

static void token_copy(struct safe_token *t, const char *s)
{
	memcpy(t->text, s, t->used);
	t->len = t->used;
	t->same = true;
}

static void token_mark(struct safe_token *t, struct safe_state *st, const char *s, uint32_t cp)
{
	if (!st->has_base) {
		token_escape(t, st, CP_HIDDEN, cp);
		return;
	}
	st->marks++;
	t->same = false;
	t->len = 0;
	if (st->marks <= MAX_MARKS) {
		token_copy(t, s);
	} else if (st->marks == MAX_MARKS + 1) { /* one sign for the whole flood */
		memcpy(t->text, "\xef\xbf\xbd", 3);
		t->len = 3;
	}
}

/* Takes one character (or one invalid byte) off s; len >= 1. */
static void safe_step(
	struct safe_token *t, struct safe_state *st, const char *s, size_t len, unsigned flags)
{
	utf8proc_int32_t cp;
	utf8proc_ssize_t n;
	enum cp_class class;

	n = utf8proc_iterate(
		(const utf8proc_uint8_t *)s, (utf8proc_ssize_t)(len > 4 ? 4 : len), &cp);
	t->used = n > 0 ? (size_t)n : 1;
	if (n <= 0) {
		class = CP_INVALID;
		cp = (unsigned char)s[0];
	} else {
		class = cp_classify((uint32_t)cp);
	}
	if (class == CP_CONTROL && (flags & TEXT_MULTI) && (cp == '\n' || cp == '\t')) {
		token_copy(t, s);
		st->has_base = false;
		st->marks = 0;
		return;
	}
	if (n > 0 && (flags & TEXT_ASCII) && cp >= 0x80 && class != CP_CONTROL)
		class = CP_HIDDEN;
	if (class == CP_MARK) {
		token_mark(t, st, s, (uint32_t)cp);
	} else if (class == CP_PLAIN) {
		token_copy(t, s);
		st->has_base = true;
		st->marks = 0;
	} else {
		token_escape(t, st, class, (uint32_t)cp);
	}
}

void text_safe(struct buf *out, const char *s, size_t len, unsigned flags)
{
	struct safe_state st = {false, 0};
	struct safe_token t;
	size_t i = 0, run;

	while (i < len) {
		run = ascii_run(s + i, len - i);
		if (run) {
			buf_add(out, s + i, run);
			st = (struct safe_state){true, 0};
			i += run;
			continue;
		}
		safe_step(&t, &st, s + i, len - i, flags);
		buf_add(out, t.text, t.len);
		i += t.used;
	}
}

char *text_safe_str(char *out, size_t size, const char *s, size_t len)
{
	struct safe_state st = {false, 0};
	struct safe_token t;
	size_t i = 0, o = 0, run;

	if (!size)
		return out;
	while (i < len) {
		run = ascii_run(s + i, len - i);
		if (run) {
			bool cut = run > size - 1 - o;

			if (cut)
				run = size - 1 - o;
			memcpy(out + o, s + i, run);
			o += run;
			i += run;
			if (cut)
				break;
			st = (struct safe_state){true, 0};
			continue;
		}
		safe_step(&t, &st, s + i, len - i, TEXT_LINE);
		if (t.len > size - 1 - o)
			break;
		memcpy(out + o, t.text, t.len);
		o += t.len;
		i += t.used;
	}
	out[o] = '\0';
	return out;
}

char *text_safe_fmt(char *out, size_t size, const char *fmt, ...)
{
	struct buf raw = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	text_safe_str(out, size, buf_str(&raw), raw.len);
	buf_release(&raw);
	return out;
}

bool text_is_safe(const char *s, size_t len)
{
	struct safe_state st = {false, 0};
	struct safe_token t;
	size_t i = 0, run;

	while (i < len) {
		run = ascii_run(s + i, len - i);
		if (run) {
			st = (struct safe_state){true, 0};
			i += run;
			continue;
		}
		safe_step(&t, &st, s + i, len - i, TEXT_LINE);
		if (!t.same)
			return false;
		i += t.used;
	}
	return true;
}

bool text_utf8_valid(const char *s, size_t len)
{
	utf8proc_int32_t cp;
	utf8proc_ssize_t n;
	size_t i = 0;

	while (i < len) {
		i += ascii_run(s + i, len - i);
		if (i == len)
			break;
		n = utf8proc_iterate((const utf8proc_uint8_t *)s + i,
			(utf8proc_ssize_t)(len - i > 4 ? 4 : len - i), &cp);
		if (n <= 0)
			return false;
		i += (size_t)n;
	}
	return true;
}
