/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows to table, JSON, NDJSON, CSV or plain. JSON (out_json.c) is written as it comes, so that a list of a million needs no tree. */
#include "cli/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

#define FLUSH_AT 65536

static const char *const format_names[OUT_FORMAT_COUNT] = {
#define OUT_NAME(id, name) [OUT_##id] = name,
	OUT_FORMAT_INFO(OUT_NAME)
#undef OUT_NAME
};

bool out_format_parse(const char *s, enum out_format *out)
{
	for (int i = 0; i < OUT_FORMAT_COUNT; i++)
		if (!strcmp(s, format_names[i])) {
			*out = (enum out_format)i;
			return true;
		}
	return false;
}

static int lost; /* errno of the first write to standard output that failed */

int out_lost(void)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && !lost)
		lost = errno ? errno : EIO;
	clearerr(stdout);
	return lost;
}

static void flush(struct out *o)
{
	size_t done = 0;

	if (o->fd < 0)
		return;
	while (done < o->buf.len && !o->failed) {
		ssize_t n = write(o->fd, o->buf.data + done, o->buf.len - done);

		if (n < 0 && errno != EINTR) {
			o->failed = true;
			if (o->fd == STDOUT_FILENO && !lost)
				lost = errno;
		}
		else if (n > 0)
			done += (size_t)n;
	}
	buf_reset(&o->buf);
}

/* ---- rows ---- */

void out_begin(struct out *o, enum out_format format, const struct out_field *fields, bool single, bool ascii)
{
	*o = (struct out){ .format = format, .fields = fields, .single = single, .ascii = ascii, .fd = 1 };
	o->buf.max = SIZE_MAX / 2;
	o->cells.max = SIZE_MAX / 2;
	while (fields[o->field_count].key)
		o->field_count++;
	for (size_t i = 0; i < o->field_count && i < ARRAY_LEN(o->lead); i++)
		json_lead_init(&o->lead[i], fields[i].key);
	if (format == OUT_JSON && !single)
		buf_addc(&o->buf, '[');
	if (format == OUT_CSV) {
		const char *sep = "";

		for (size_t i = 0; i < o->field_count; i++)
			if (!(fields[i].flags & OUT_ONLY_TABLE)) {
				buf_addf(&o->buf, "%s%s", sep, fields[i].key);
				sep = ",";
			}
		buf_adds(&o->buf, "\r\n");
	}
	for (size_t i = 0; i < o->field_count && i < ARRAY_LEN(o->width); i++)
		o->width[i] = text_width(fields[i].title);
}

static bool is_json(const struct out *o)
{
	return o->format == OUT_JSON || o->format == OUT_NDJSON;
}

static void end_row(struct out *o)
{
	if (!o->row_open)
		return;
	o->row_open = false;
	while (o->field < o->field_count)
		out_null(o);
	if (is_json(o))
		buf_addc(&o->buf, '}');
	if (o->format == OUT_NDJSON || o->format == OUT_PLAIN)
		buf_addc(&o->buf, '\n');
	if (o->format == OUT_CSV)
		buf_adds(&o->buf, "\r\n");
	if (o->buf.len > FLUSH_AT)
		flush(o);
}

void out_row(struct out *o)
{
	end_row(o);
	if (o->format == OUT_JSON)
		buf_adds(&o->buf, o->rows ? ",\n" : o->single ? "" : "\n");
	if (is_json(o))
		buf_addc(&o->buf, '{');
	o->rows++;
	o->row_open = true;
	o->field = 0;
	o->row_begun = false;
}

/* Key and value of a field of a row that is JSON: one request to the buffer, for all but a strange string. */
static void json_field(struct out *o, const char *s, size_t len, bool is_text)
{
	const struct out_field *f = &o->fields[o->field];

	if (o->field >= o->field_count)
		return;
	if (f->flags & OUT_ONLY_TABLE) {
		o->field++;
		return;
	}
	if (o->field < ARRAY_LEN(o->lead))
		json_member(&o->buf, &o->lead[o->field], !o->row_begun, s, len, is_text);
	else
		json_member_slow(&o->buf, f->key, s, len, is_text);
	o->row_begun = true;
	o->field++;
}

/* False when the field is not for this format: the value is to be dropped. For all but JSON. */
static bool field_begin(struct out *o)
{
	const struct out_field *f;

	if (o->field >= o->field_count)
		return false;
	f = &o->fields[o->field];
	if (f->flags & (o->format == OUT_TABLE ? (unsigned)OUT_HIDDEN : (unsigned)OUT_ONLY_TABLE)) {
		if (o->format == OUT_TABLE)
			buf_addc(&o->cells, '\0');
		o->field++;
		return false;
	}
	if (o->row_begun && o->format == OUT_PLAIN)
		buf_addc(&o->buf, '\t');
	else if (o->row_begun && o->format == OUT_CSV)
		buf_addc(&o->buf, ',');
	o->row_begun = true;
	return true;
}

static void put_cell(struct out *o, const char *s, size_t len)
{
	size_t start = o->cells.len;
	int w;

	text_safe(&o->cells, s, len, o->ascii ? TEXT_ASCII : TEXT_LINE);
	w = text_width(buf_str(&o->cells) + start);
	if (o->field < ARRAY_LEN(o->width) && w > o->width[o->field])
		o->width[o->field] = w;
	buf_addc(&o->cells, '\0');
}

static void put_csv(struct out *o, const char *s, size_t len)
{
	struct buf safe = BUF_INIT;

	text_safe(&safe, s, len, TEXT_LINE);
	if (safe.len == strcspn(buf_str(&safe), ",\"")) {
		buf_add(&o->buf, buf_str(&safe), safe.len);
	} else {
		buf_addc(&o->buf, '"');
		for (size_t i = 0; i < safe.len; i++) {
			if (safe.data[i] == '"')
				buf_addc(&o->buf, '"');
			buf_addc(&o->buf, safe.data[i]);
		}
		buf_addc(&o->buf, '"');
	}
	buf_release(&safe);
}

static void put_plain(struct out *o, const char *s, size_t len)
{
	switch (o->format) {
	case OUT_TABLE:
		put_cell(o, s, len);
		break;
	case OUT_CSV:
		put_csv(o, s, len);
		break;
	case OUT_PLAIN:
		text_safe(&o->buf, s, len, o->ascii ? TEXT_ASCII : TEXT_LINE);
		break;
	case OUT_JSON:
	case OUT_NDJSON:
	case OUT_FORMAT_COUNT:
		break;
	}
	o->field++;
}

void out_text(struct out *o, const char *s, size_t len)
{
	if (is_json(o))
		json_field(o, s, len, true);
	else if (field_begin(o))
		put_plain(o, s, len);
}

void out_str(struct out *o, const char *s)
{
	if (s)
		out_text(o, s, strlen(s));
	else
		out_null(o);
}

void out_strf(struct out *o, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	out_text(o, buf_str(&b), b.len);
	buf_release(&b);
}

void out_raw(struct out *o, const char *json, const char *text)
{
	if (is_json(o))
		json_field(o, json, strlen(json), false);
	else if (field_begin(o))
		put_plain(o, text, strlen(text));
}

/* By hand, not by snprintf(): one for each of a million rows. */
void out_int(struct out *o, int64_t v)
{
	char n[32], *p = n + sizeof(n) - 1;
	uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;

	*p = '\0';
	do
		*--p = (char)('0' + rest % 10);
	while (rest /= 10);
	if (v < 0)
		*--p = '-';
	out_raw(o, p, p);
}

void out_bool(struct out *o, bool v)
{
	out_raw(o, v ? "true" : "false", v ? "yes" : "no");
}

void out_null(struct out *o)
{
	if (is_json(o))
		json_field(o, "null", 4, false);
	else if (field_begin(o))
		put_plain(o, "-", o->format == OUT_TABLE);
}

void out_time(struct out *o, int64_t ms)
{
	char t[TIME_BUF];

	if (ms == TIME_NONE)
		out_null(o);
	else
		out_str(o, time_format(ms, t, sizeof(t)));
}

void out_list(struct out *o, const char *const *items, size_t n)
{
	struct buf json = BUF_INIT, text = BUF_INIT;

	buf_addc(&json, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_addc(&json, ','), buf_addc(&text, ' ');
		json_text(&json, items[i]);
		buf_adds(&text, items[i]);
	}
	buf_addc(&json, ']');
	out_raw(o, buf_str(&json), buf_str(&text));
	buf_release(&json);
	buf_release(&text);
}

/* ---- the table ---- */

static size_t last_column(const struct out *o)
{
	size_t last = 0;

	for (size_t i = 0; i < o->field_count; i++)
		if (!(o->fields[i].flags & OUT_HIDDEN))
			last = i;
	return last;
}

static void pad(struct buf *b, int n)
{
	while (n-- > 0)
		buf_addc(b, ' ');
}

static void table_line(struct out *o, const char *(*cell)(const void *from, size_t i, const char **at), const void *from, const char **at)
{
	size_t last = last_column(o);

	for (size_t i = 0; i < o->field_count; i++) {
		const char *text = cell(from, i, at);
		int gap = (i < ARRAY_LEN(o->width) ? o->width[i] : 0) - text_width(text);

		if (o->fields[i].flags & OUT_HIDDEN)
			continue;
		if (o->fields[i].flags & OUT_RIGHT)
			pad(&o->buf, gap);
		buf_adds(&o->buf, text);
		if (i == last)
			break;
		if (!(o->fields[i].flags & OUT_RIGHT))
			pad(&o->buf, gap);
		buf_adds(&o->buf, "  ");
	}
	buf_addc(&o->buf, '\n');
	if (o->buf.len > FLUSH_AT)
		flush(o);
}

static const char *title_cell(const void *from, size_t i, const char **at)
{
	(void)at;
	return ((const struct out_field *)from)[i].title;
}

static const char *row_cell(const void *from, size_t i, const char **at)
{
	const char *text = *at;

	(void)from, (void)i;
	*at += strlen(text) + 1;
	return text;
}

static bool has_titles(const struct out *o)
{
	for (size_t i = 0; i < o->field_count; i++)
		if (o->fields[i].title[0])
			return true;
	return false;
}

static void write_table(struct out *o, bool with_titles)
{
	const char *at = buf_str(&o->cells), *end = at + o->cells.len;

	if (o->cells.len == 0)
		return;
	if (with_titles && has_titles(o))
		table_line(o, title_cell, o->fields, NULL);
	while (at < end) {
		const char *row = at;

		table_line(o, row_cell, NULL, &at);
		/* table_line stops at the last shown column: skip what it left */
		for (size_t i = 0, at_field = 0; i < o->field_count; i++, at_field++)
			row += strlen(row) + 1;
		at = row;
	}
}

void out_flush(struct out *o)
{
	end_row(o);
	if (o->format == OUT_TABLE) {
		write_table(o, !o->headed);
		o->headed = true;
		buf_reset(&o->cells);
	}
	flush(o);
}

int out_end(struct out *o)
{
	end_row(o);
	if (o->format == OUT_JSON)
		buf_adds(&o->buf, o->single ? "\n" : o->rows ? "\n]\n" : "]\n");
	if (o->format == OUT_TABLE)
		write_table(o, !o->headed);
	flush(o);
	buf_release(&o->cells);
	if (o->fd >= 0)
		buf_release(&o->buf);
	return o->failed ? 5 : 0;
}
