/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The value stalwarden stores for a block where the server ignores values (doc/stored-values.md): a
 * small JSON object of strings, read here by hand because anything may be stored there and nothing
 * may fail. */
#include <stdio.h>
#include <string.h>

#include "model/entry.h"

#define FIELD_MAX 512

struct cursor {
	const char *p, *end;
};

static void skip_space(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

static bool take(struct cursor *c, char want)
{
	skip_space(c);
	if (c->p == c->end || *c->p != want)
		return false;
	c->p++;
	return true;
}

/* Bytes of a character that would not fit whole are dropped, and so is all after them. */
struct field {
	char text[FIELD_MAX];
	size_t len;
	bool full;
};

static void field_put(struct field *f, const char *s, size_t n)
{
	if (f->full || f->len + n >= sizeof(f->text)) {
		f->full = true;
		return;
	}
	memcpy(f->text + f->len, s, n);
	f->len += n;
	f->text[f->len] = '\0';
}

static void field_put_code(struct field *f, unsigned cp)
{
	char u[4];
	size_t n = 0;

	if (cp == 0 || (cp >= 0xd800 && cp < 0xe000))
		cp = 0xfffd;
	if (cp < 0x80) {
		u[n++] = (char)cp;
	} else if (cp < 0x800) {
		u[n++] = (char)(0xc0 | cp >> 6);
		u[n++] = (char)(0x80 | (cp & 0x3f));
	} else if (cp < 0x10000) {
		u[n++] = (char)(0xe0 | cp >> 12);
		u[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
		u[n++] = (char)(0x80 | (cp & 0x3f));
	} else {
		u[n++] = (char)(0xf0 | cp >> 18);
		u[n++] = (char)(0x80 | (cp >> 12 & 0x3f));
		u[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
		u[n++] = (char)(0x80 | (cp & 0x3f));
	}
	field_put(f, u, n);
}

static bool take_hex4(struct cursor *c, unsigned *out)
{
	unsigned v = 0;

	if (c->end - c->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char ch = *c->p++;
		char low = (char)(ch | 0x20);

		if (ch >= '0' && ch <= '9')
			v = v << 4 | (unsigned)(ch - '0');
		else if (low >= 'a' && low <= 'f')
			v = v << 4 | (unsigned)(low - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return true;
}

static bool take_escape(struct cursor *c, struct field *f)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	unsigned high, low;

	if (c->p == c->end)
		return false;
	char ch = *c->p++;
	const char *at = ch ? strchr(from, ch) : NULL;
	if (at) {
		field_put(f, to + (at - from), 1);
		return true;
	}
	if (ch != 'u' || !take_hex4(c, &high))
		return false;
	if (high >= 0xd800 && high < 0xdc00 && c->end - c->p >= 6 && c->p[0] == '\\' &&
		c->p[1] == 'u') {
		c->p += 2;
		if (!take_hex4(c, &low))
			return false;
		if (low >= 0xdc00 && low < 0xe000) {
			high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
		} else {
			field_put_code(f, high);
			high = low;
		}
	}
	field_put_code(f, high);
	return true;
}

/* Length of the UTF-8 sequence a lead byte announces; 1 for anything else. */
static size_t sequence_len(unsigned char c)
{
	return c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 1;
}

static bool take_string(struct cursor *c, struct field *f)
{
	f->len = 0;
	f->full = false;
	f->text[0] = '\0';
	if (!take(c, '"'))
		return false;
	while (c->p < c->end && *c->p != '"') {
		unsigned char ch = (unsigned char)*c->p;
		size_t n = sequence_len(ch);

		if (ch < 0x20)
			return false;
		if (ch == '\\') {
			c->p++;
			if (!take_escape(c, f))
				return false;
			continue;
		}
		if (n > (size_t)(c->end - c->p))
			n = 1;
		field_put(f, c->p, n);
		c->p += n;
	}
	return c->p < c->end && *c->p++ == '"';
}

/* A number, true, false or null of a later version: stepped over. */
static bool skip_scalar(struct cursor *c)
{
	const char *start;

	skip_space(c);
	start = c->p;
	while (c->p < c->end &&
		(*c->p == '-' || *c->p == '+' || *c->p == '.' || (*c->p >= '0' && *c->p <= '9') ||
			(*c->p >= 'a' && *c->p <= 'z') || *c->p == 'E'))
		c->p++;
	return c->p > start;
}

static int64_t field_time(const struct field *f)
{
	int64_t t;

	return f->len && time_scan(f->text, f->len, &t) == f->len ? t : TIME_NONE;
}

/* As much of the text as fits, never half a character. */
static void copy_cut(char *out, size_t size, const struct field *f)
{
	size_t n = f->len;

	if (n >= size) {
		n = size - 1;
		while (n && (f->text[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(out, f->text, n);
	out[n] = '\0';
}

static void assign(struct entry_value *v, const char *name, const struct field *f)
{
	if (!strcmp(name, "by"))
		copy_cut(v->by, sizeof(v->by), f);
	else if (!strcmp(name, "reason"))
		copy_cut(v->note, sizeof(v->note), f);
	else if (!strcmp(name, "at"))
		v->at = field_time(f);
	else if (!strcmp(name, "until"))
		v->until = field_time(f);
	else if (!strcmp(name, "class"))
		reason_parse(f->text, &v->reason);
}

static bool parse_object(struct cursor *c, struct entry_value *v)
{
	struct field name, value;

	if (!take(c, '{'))
		return false;
	if (!take(c, '}')) {
		do {
			if (!take_string(c, &name) || !take(c, ':'))
				return false;
			skip_space(c);
			if (c->p < c->end && *c->p != '"') {
				if (!skip_scalar(c))
					return false;
				continue;
			}
			if (!take_string(c, &value))
				return false;
			assign(v, name.text, &value);
		} while (take(c, ','));
		if (!take(c, '}'))
			return false;
	}
	skip_space(c);
	return c->p == c->end;
}

static void value_init(struct entry_value *v)
{
	v->by[0] = v->note[0] = '\0'; /* the rest of them is nobody's: a list of a million has no value in most rows */
	v->reason = REASON_NONE;
	v->at = v->until = TIME_NONE;
}

static void take_as_note(const char *s, size_t len, struct entry_value *out)
{
	struct field note = {.len = 0};

	value_init(out);
	while (len) {
		size_t n = sequence_len((unsigned char)*s);

		if (n > len)
			n = 1;
		field_put(&note, *s ? s : "\xef\xbf\xbd", *s ? n : 3);
		s += n;
		len -= n;
	}
	copy_cut(out->note, sizeof(out->note), &note);
}

void entry_value_parse(const char *s, size_t len, struct entry_value *out)
{
	struct cursor c = {s, len ? s + len : s};

	value_init(out);
	if (len && !parse_object(&c, out))
		take_as_note(s, len, out);
}

/* Output that stays whole: each piece goes in or is left out, and `tail` bytes stay free for what
 * must follow. */
struct writer {
	char *out;
	size_t len, size, tail;
};

static bool put(struct writer *w, const char *s, size_t n)
{
	if (w->len + n + w->tail >= w->size)
		return false;
	memcpy(w->out + w->len, s, n);
	w->len += n;
	return true;
}

/* As much of plain text as there is room for; false when that is not all of it. */
static bool put_most(struct writer *w, const char *s, size_t n)
{
	size_t room = w->len + w->tail + 1 < w->size ? w->size - w->len - w->tail - 1 : 0;

	return put(w, s, n <= room ? n : room) && n <= room;
}

/* Decodes one character; an invalid byte is U+FFFD. */
static size_t decode(const char *s, unsigned *cp)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = sequence_len(u[0]);
	static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};

	*cp = u[0];
	if (u[0] < 0x80)
		return 1;
	*cp = n == 2 ? u[0] & 0x1fu : n == 3 ? u[0] & 0x0fu : u[0] & 0x07u;
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80) {
			*cp = 0xfffd;
			return 1;
		}
		*cp = *cp << 6 | (u[i] & 0x3fu);
	}
	if (n == 1 || *cp < least[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000)) {
		*cp = 0xfffd;
		return 1;
	}
	return n;
}

static size_t plain_run(const char *s)
{
	size_t n = 0;

	while (s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

static void put_escaped(struct writer *w, const char *s)
{
	char u[16];

	for (;;) {
		size_t plain = plain_run(s);
		unsigned cp;
		int n;

		if (!put_most(w, s, plain))
			return;
		s += plain;
		if (!*s)
			return;
		s += decode(s, &cp);
		if (cp == '"' || cp == '\\')
			n = snprintf(u, sizeof(u), "\\%c", (char)cp);
		else if (cp < 0x10000)
			n = snprintf(u, sizeof(u), "\\u%04x", cp);
		else
			n = snprintf(u, sizeof(u), "\\u%04x\\u%04x",
				0xd800 + ((cp - 0x10000) >> 10), 0xdc00 + (cp & 0x3ff));
		if (!put(w, u, (size_t)n))
			return;
	}
}

static void put_field(struct writer *w, const char *name, const char *value)
{
	char lead[32], *p = lead;

	if (!*value)
		return;
	if (w->len > 1)
		*p++ = ',';
	*p++ = '"';
	p = stpcpy(p, name);
	p = stpcpy(p, "\":\"");
	w->tail += 1;
	if (put(w, lead, (size_t)(p - lead))) {
		put_escaped(w, value);
		w->tail -= 1;
		put(w, "\"", 1);
	} else {
		w->tail -= 1;
	}
}

char *entry_value_format(const struct entry_value *v, char *out, size_t size)
{
	char t[TIME_BUF];
	/* until and class come after the free text: room for them is kept. */
	struct writer w = {out, 0, size, 64};

	put(&w, "{", 1);
	put_field(&w, "by", v->by);
	put_field(&w, "at", time_format(v->at, t, sizeof(t)));
	put_field(&w, "until", time_format(v->until, t, sizeof(t)));
	put_field(&w, "reason", v->note);
	w.tail = 1;
	put_field(&w, "class", reason_text(v->reason));
	w.tail = 0;
	put(&w, "}", 1);
	out[w.len] = '\0';
	return out;
}
