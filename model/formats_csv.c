/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import of separated values: RFC 4180 quoting, a header mapped by name or none at all, comments,
 * any of , ; and tab. */
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "model/formats_private.h"

#define COLUMNS_MAX 64
#define RECORD_MAX  ((size_t)64 << 10) /* bytes a quoted field may run over lines */

struct columns {
	struct slice of[COLUMNS_MAX];
	size_t n;
	bool is_open;   /* the last quote is not closed */
	bool is_broken; /* text behind a closing quote: it was no closing one */
};

/* A quoted field's text goes to scratch, which must not move while slices point into it: it is
 * reserved whole first. */
static const char *cut_quoted(
	struct buf *scratch, const char *p, const char *end, struct slice *out, bool *is_open)
{
	size_t from = scratch->len;

	*is_open = true;
	for (; p < end; p++) {
		if (*p != '"') {
			buf_addc(scratch, *p);
		} else if (p + 1 < end && p[1] == '"') {
			buf_addc(scratch, *p++);
		} else {
			*is_open = false;
			p++;
			break;
		}
	}
	*out = (struct slice){scratch->data ? scratch->data + from : NULL, scratch->len - from};
	return p;
}

static void split(struct importer *st, const char *s, size_t len, struct columns *c)
{
	const char *p = s, *end = s + len;

	c->n = 0;
	c->is_open = c->is_broken = false;
	buf_reset(&st->scratch);
	if (memchr(s, '"', len)) {
		buf_add(&st->scratch, s, len);
		buf_reset(&st->scratch);
	}
	for (;;) {
		struct slice field = {p, 0};

		while (p < end && *p == ' ')
			p++;
		if (p < end && *p == '"') {
			p = cut_quoted(&st->scratch, p + 1, end, &field, &c->is_open);
			for (; p < end && *p != st->separator; p++)
				c->is_broken |= *p != ' ' && *p != '\t';
		} else {
			const char *sep = memchr(p, st->separator, (size_t)(end - p));

			field = slice_trim((struct slice){p, (size_t)((sep ? sep : end) - p)});
			p = sep ? sep : end;
		}
		if (c->n < COLUMNS_MAX)
			c->of[c->n++] = field;
		if (p >= end)
			return;
		p++;
	}
}

static char guess_separator(const char *s, size_t len)
{
	static const char candidates[] = ",;\t";
	size_t best = 0;
	char sep = ',';

	for (const char *c = candidates; *c; c++) {
		size_t n = 0;

		for (size_t i = 0; i < len; i++)
			n += s[i] == *c;
		if (n > best) {
			best = n;
			sep = *c;
		}
	}
	return sep;
}

/* The first record: a header when one of its words names a column of addresses. */
static bool take_header(struct import *im, const struct columns *c)
{
	struct importer *st = im->state;
	bool has_address = false, has_value = false, has_alert = false, has_end = false;

	st->is_past_header = true;
	for (size_t i = 0; i < c->n; i++) {
		struct net n;

		st->columns[i] = field_of(c->of[i].p, c->of[i].len);
		has_address |= st->columns[i] == FIELD_ADDRESS;
		has_alert |= st->columns[i] == FIELD_ALERT;
		has_end |= st->columns[i] == FIELD_DURATION || st->columns[i] == FIELD_EXPIRES;
		has_value |= net_parse(c->of[i].p, c->of[i].len, &n, NULL);
	}
	st->has_header = has_address && !has_value;
	st->is_refused = st->has_header && has_alert && !has_end;
	if (st->is_refused)
		import_bad_add(im, st->record_line, c->of[0].p, c->of[0].len,
			"these are alerts, which do not say what is banned until when; take `cscli decisions list "
			"-o raw`");
	if (!st->has_header && !has_value && c->n > 1)
		import_bad_add(im, st->record_line, c->of[0].p, c->of[0].len,
			"no column of addresses in this header; call it address, ip, value or "
			"network");
	return st->has_header || (!has_value && c->n > 1);
}

/* Several columns may mean the same: the first that is not empty counts. */
static void map_by_header(const struct importer *st, const struct columns *c, struct fields *f)
{
	for (size_t i = 0; i < c->n; i++) {
		enum field field = st->columns[i];

		if (field < FIELD_COUNT && !f->of[field].len)
			f->of[field] = c->of[i];
	}
}

/* Without a header: the first address, the first text, and a time that is past or to come. */
static void map_by_look(const struct importer *st, const struct columns *c, struct fields *f)
{
	for (size_t i = 0; i < c->n; i++) {
		struct slice s = c->of[i];
		struct net n;
		int64_t time;

		if (!s.len)
			continue;
		if (!f->of[FIELD_ADDRESS].len && net_parse(s.p, s.len, &n, NULL))
			f->of[FIELD_ADDRESS] = s;
		else if (import_time(s, st->now, &time) && time != TIME_NONE)
			f->of[time > st->now ? FIELD_EXPIRES : FIELD_CREATED] = s;
		else if (!f->of[FIELD_REASON].len)
			f->of[FIELD_REASON] = s;
		else if (!f->of[FIELD_NOTE].len)
			f->of[FIELD_NOTE] = s;
	}
	if (!f->of[FIELD_ADDRESS].len && c->n)
		f->of[FIELD_ADDRESS] = c->of[0];
}

bool csv_is_formula(const char *s, size_t len)
{
	while (len && *s == '\'') {
		s++;
		len--;
	}
	return len && strchr("=+-@", *s);
}

/* Our export put it before what is no formula. */
static void cut_apostrophe(struct slice *s)
{
	if (s->len && *s->p == '\'' && csv_is_formula(s->p, s->len))
		*s = (struct slice){s->p + 1, s->len - 1};
}

static void take_record(struct import *im, const struct columns *c)
{
	struct importer *st = im->state;
	struct fields f = {.of = {SLICE_NONE}};

	if (!st->is_past_header && take_header(im, c))
		return;
	if (st->has_header)
		map_by_header(st, c, &f);
	else
		map_by_look(st, c, &f);
	cut_apostrophe(&f.of[FIELD_NOTE]);
	cut_apostrophe(&f.of[FIELD_REASON]);
	import_fields_add(im, st->record_line, &f);
}

/* "; text" is one above the header only: below, it is an empty first column. */
static bool is_blank_or_comment(const struct importer *st, const char *s, size_t len)
{
	if (!st->is_past_header && len > 1 && s[0] == ';' && s[1] == ' ')
		return true;
	while (len && (*s == ' ' || *s == '\t')) {
		s++;
		len--;
	}
	return !len || *s == '#';
}

/* One line that begins a record. With `whole` it must also end there. */
static void begin_record(struct import *im, const char *s, size_t len, uint64_t line, bool whole)
{
	struct importer *st = im->state;
	struct columns c;

	if (is_blank_or_comment(st, s, len))
		return;
	if (!st->separator)
		st->separator = guess_separator(s, len);
	st->record_line = line;
	split(st, s, len, &c);
	if (c.is_broken)
		import_bad_add(im, line, s, len, "there is text behind a closing quote");
	else if (!c.is_open)
		take_record(im, &c);
	else if (whole)
		import_bad_add(im, line, s, len, "a quote is opened and never closed");
	else
		buf_add(&st->record, s, len);
}

/* The quote that opened the record never closed: that line is bad, and those it swallowed are read
 * on their own. */
static void give_up(struct import *im)
{
	struct importer *st = im->state;
	uint64_t line = st->record_line;
	size_t len;
	char *text = buf_take(&st->record, &len);
	const char *s = text, *end = text + len;

	for (bool is_first = true;; is_first = false) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		size_t n = (size_t)((nl ? nl : end) - s);

		if (is_first)
			import_bad_add(im, line, s, n, "a quote is opened and never closed");
		else
			begin_record(im, s, n, line, true);
		if (!nl)
			break;
		s = nl + 1;
		line++;
	}
	free(text);
}

static bool has_odd_quotes(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += s[i] == '"';
	return n % 2;
}

static void csv_line(struct import *im, const char *s, size_t len)
{
	struct importer *st = im->state;
	struct columns c;

	if (st->is_refused)
		return;
	if (!st->record.len) {
		begin_record(im, s, len, st->line, false);
		return;
	}
	buf_addc(&st->record, '\n');
	buf_add(&st->record, s, len);
	if (has_odd_quotes(s, len)) {
		split(st, st->record.data, st->record.len, &c);
		if (!c.is_open && !c.is_broken) {
			take_record(im, &c);
			buf_reset(&st->record);
			return;
		}
		give_up(im);
	} else if (st->record.len > RECORD_MAX) {
		give_up(im);
	}
}

static void csv_finish(struct import *im)
{
	if (im->state->record.len)
		give_up(im);
}

const struct reader reader_csv = {.line = csv_line, .finish = csv_finish};
