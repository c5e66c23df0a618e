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

static uint64_t has_special(uint64_t w)
{
	uint64_t below_blank = (w - ONES * 0x20) & ~w & HIGH, above_ascii = w & HIGH;

	return below_blank | above_ascii | has_zero(w ^ ONES * 0x7f) | has_zero(w ^ ONES * '"') | has_zero(w ^ ONES * '\\');
}

static uint64_t load(const char *s)
{
	uint64_t w;

	memcpy(&w, s, sizeof(w));
	return w;
}

/* Printable ASCII that JSON takes as it is: nearly every string there is. */
static bool is_plain(const char *s, size_t len)
{
	size_t i = 0;

	if (len >= 8) {
		for (; i + 8 <= len; i += 8)
			if (has_special(load(s + i)))
				return false;
		return !has_special(load(s + len - 8));
	}
	for (; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] >= 0x7f || s[i] == '"' || s[i] == '\\')
			return false;
	return true;
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

void json_lead(struct json_lead *l, const char *key)
{
	int n = snprintf(l->text, sizeof(l->text), ",\"%s\":", key);

	l->len = n > 0 && (size_t)n < sizeof(l->text) ? (unsigned char)n : 0;
}
