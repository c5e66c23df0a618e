/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON text: strings made safe and quoted, keys, times. Knows no rows. */
#include <stdio.h>
#include <string.h>

#include "cli/out.h"
#include "core/clock.h"
#include "core/text.h"

#define ONES UINT64_C(0x0101010101010101)
#define HIGH (ONES * 0x80)

/* Bit tricks on eight bytes at once; each is exact as a test for "any". */
static uint64_t has_zero(uint64_t w)
{
	return (w - ONES) & ~w & HIGH;
}

static inline uint64_t has_special(uint64_t w)
{
	uint64_t below_blank = (w - ONES * 0x20) & ~w & HIGH, above_ascii = w & HIGH;

	return below_blank | above_ascii | has_zero(w ^ ONES * 0x7f) | has_zero(w ^ ONES * '"') |
		has_zero(w ^ ONES * '\\');
}

static uint64_t load(const char *s)
{
	uint64_t w;

	memcpy(&w, s, sizeof(w));
	return w;
}

/* The bytes of a string shorter than eight, some of them twice, the rest zero bytes turned into blanks. */
static uint64_t load_short(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;
	uint32_t first, last;

	if (len < 4)
		return len ? (ONES * ' ' & ~UINT64_C(0xffffff)) | u[0] | (uint64_t)u[len / 2] << 8 | (uint64_t)u[len - 1] << 16 : ONES * ' ';
	memcpy(&first, s, sizeof(first));
	memcpy(&last, s + len - sizeof(last), sizeof(last));
	return (uint64_t)first << 32 | last;
}

/* Printable ASCII that JSON takes as it is: nearly every string there is. */
static inline bool is_plain(const char *s, size_t len)
{
	if (len < 8)
		return !has_special(load_short(s, len));
	for (size_t i = 0; i + 8 < len; i += 8)
		if (has_special(load(s + i)))
			return false;
	return !has_special(load(s + len - 8));
}

static void json_escape(struct buf *b, const char *s, size_t len)
{
	size_t run = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c != '"' && c != '\\' && c >= 0x20)
			continue;
		buf_add(b, s + run, i - run);
		if (c < 0x20)
			buf_addf(b, "\\u%04x", c);
		else
			buf_addc(b, '\\'), buf_addc(b, (char)c);
		run = i + 1;
	}
	buf_add(b, s + run, len - run);
}

static void put_special(struct buf *b, const char *s, size_t len)
{
	struct buf safe = BUF_INIT;

	buf_addc(b, '"');
	if (text_is_safe(s, len)) {
		json_escape(b, s, len);
	} else {
		text_safe(&safe, s, len, TEXT_LINE);
		json_escape(b, buf_str(&safe), safe.len);
		buf_release(&safe);
	}
	buf_addc(b, '"');
}

void json_quote(struct buf *b, const char *s, size_t len)
{
	char *room;

	if (!is_plain(s, len)) {
		put_special(b, s, len);
		return;
	}
	room = buf_room(b, len + 2);
	if (!room)
		return;
	room[0] = '"';
	memcpy(room + 1, s, len);
	room[len + 1] = '"';
	buf_used(b, len + 2);
}

void json_text(struct buf *b, const char *s)
{
	if (s)
		json_quote(b, s, strlen(s));
	else
		buf_adds(b, "null");
}

void json_time(struct buf *b, int64_t ms)
{
	char t[TIME_BUF];

	json_text(b, ms == TIME_NONE ? NULL : time_format(ms, t, sizeof(t)));
}

void json_key(struct buf *b, const char *key)
{
	char last = b->len ? b->data[b->len - 1] : '{';

	buf_addf(b, "%s\"%s\":", last == '{' || last == '[' ? "" : ",", key);
}

void json_lead_init(struct json_lead *l, const char *key)
{
	int n = snprintf(l->text, sizeof(l->text), ",\"%s\":", key);

	l->key = key;
	l->len = n > 0 && (size_t)n < sizeof(l->text) ? (size_t)n : 0;
}

void json_member_slow(struct buf *b, const char *key, const char *s, size_t len, bool is_text)
{
	json_key(b, key);
	if (is_text)
		json_quote(b, s, len);
	else
		buf_add(b, s, len);
}

/* As memcpy(), which for the few bytes of most values costs more than the copy. */
static char *put_short(char *out, const char *s, size_t len)
{
	if (len > 16) {
		memcpy(out, s, len);
	} else if (len >= 8) {
		memcpy(out, s, 8);
		memcpy(out + len - 8, s + len - 8, 8);
	} else if (len >= 4) {
		memcpy(out, s, 4);
		memcpy(out + len - 4, s + len - 4, 4);
	} else {
		for (size_t i = 0; i < len; i++)
			out[i] = s[i];
	}
	return out + len;
}

void json_member(struct buf *b, const struct json_lead *l, bool is_first, const char *s, size_t len, bool is_text)
{
	size_t skip = is_first; /* the comma */
	char *room, *p;

	if (!l->len || (is_text && !is_plain(s, len)) || !(room = buf_room(b, sizeof(l->text) + len + 2))) {
		json_member_slow(b, l->key, s, len, is_text);
		return;
	}
	memcpy(room, l->text + skip, sizeof(l->text) - 1); /* of a length known here: moves instead of a call */
	p = room + l->len - skip;
	if (is_text)
		*p++ = '"';
	p = put_short(p, s, len);
	if (is_text)
		*p++ = '"';
	buf_used(b, (size_t)(p - room));
}
