/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import of JSON. A scanner cuts the text into the elements of its outer array (or its values one
 * after another), so that a list of a million is never held as a tree and one broken element costs
 * one line. */
#include <string.h>

#include "core/mem.h"
#include "model/formats_private.h"

#define ELEMENT_MAX ((size_t)8 << 20)   /* bytes of one element of an array */
#define VALUE_MAX   ((size_t)256 << 20) /* bytes of a value that stands alone */
#define SHOWN       64                  /* bytes of a value that is too large */

static void end_value(struct import *im, const char *s, size_t len)
{
	struct importer *st = im->state;

	st->in_value = false;
	if (st->is_oversize) {
		import_bad_add(im, st->value_line, st->pending.data, st->pending.len,
			"this element is larger than a list entry can be");
	} else if (st->pending.len) {
		buf_add(&st->pending, s, len);
		import_json_take(im, st->pending.data, st->pending.len, st->value_line);
	} else {
		import_json_take(im, s, len, st->value_line);
	}
	buf_reset(&st->pending);
	st->is_oversize = false;
}

/* The value goes on in the next piece. Of one that is too large only the beginning stays, to be
 * shown. */
static void keep_value(struct importer *st, const char *s, size_t len)
{
	if (st->pending.len + len > (st->is_array ? ELEMENT_MAX : VALUE_MAX)) {
		st->is_oversize = true;
		if (!st->pending.len)
			buf_add(&st->pending, s, SHOWN);
		buf_truncate(&st->pending, st->pending.len < SHOWN ? st->pending.len : SHOWN);
	} else if (!st->is_oversize) {
		buf_add(&st->pending, s, len);
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A byte between values; true when it begins one. */
static bool begins_value(struct import *im, char c)
{
	struct importer *st = im->state;

	if (st->in_comment || (c == '#' && !st->is_array && !st->value_line)) {
		st->in_comment = c != '\n';
		return false;
	}
	if (is_blank(c) || (c == ',' && !st->is_over))
		return false;
	if (st->is_over) {
		if (!st->is_skipping)
			import_bad_add(im, st->line, &c, 1,
				"there is more text after the end of the array");
		st->is_skipping = true;
		return false;
	}
	if (c == '[' && !st->is_array && !st->value_line) {
		st->is_array = true;
		st->depth = st->base = 1;
		return false;
	}
	if (c == ']' && st->is_array) {
		st->is_over = true;
		return false;
	}
	if (c == ']' || c == '}') {
		import_bad_add(im, st->line, &c, 1, "nothing is open here that this could close");
		return false;
	}
	st->in_value = true;
	st->value_line = st->line;
	return true;
}

enum step { GO_ON, ENDS_HERE, ENDED_BEFORE };

/* A byte of a value that is not inside a string. */
static enum step step_plain(struct importer *st, char c)
{
	switch (c) {
	case '"':
		st->in_string = true;
		return GO_ON;
	case '{':
	case '[':
		st->depth++;
		return GO_ON;
	case '}':
	case ']':
		if (st->depth == st->base)
			return ENDED_BEFORE;
		return --st->depth == st->base ? ENDS_HERE : GO_ON;
	default:
		return st->depth == st->base && (c == ',' || is_blank(c)) ? ENDED_BEFORE : GO_ON;
	}
}

static enum step step_string(struct importer *st, char c)
{
	if (st->in_escape) {
		st->in_escape = false;
	} else if (c == '\\') {
		st->in_escape = true;
	} else if (c == '"') {
		st->in_string = false;
		return st->depth == st->base ? ENDS_HERE : GO_ON;
	}
	return GO_ON;
}

static void json_bytes(struct import *im, const char *s, size_t len)
{
	struct importer *st = im->state;
	const char *end = s + len, *from = s;

	for (; s < end; s++) {
		if (!st->in_value) {
			if (begins_value(im, *s))
				from = s;
			else if (*s == '\n')
				st->line++;
			if (!st->in_value)
				continue;
		}
		enum step step = st->in_string ? step_string(st, *s) : step_plain(st, *s);
		if (step == ENDED_BEFORE) {
			end_value(im, from, (size_t)(s - from));
			s--;
			continue;
		}
		if (*s == '\n')
			st->line++;
		if (step == ENDS_HERE)
			end_value(im, from, (size_t)(s - from) + 1);
	}
	if (st->in_value)
		keep_value(st, from, (size_t)(end - from));
}

static void json_finish(struct import *im)
{
	struct importer *st = im->state;

	if (st->in_value && (st->in_string || st->depth != st->base))
		import_bad_add(im, st->value_line, st->pending.data, st->pending.len,
			"the text ends inside this value");
	else if (st->in_value)
		end_value(im, "", 0);
	if (st->is_array && !st->is_over)
		import_bad_add(
			im, st->line, "", 0, "the text ends before its array does: a ] is missing");
	st->line++;
}

static void ndjson_line(struct import *im, const char *s, size_t len)
{
	struct slice line = slice_trim((struct slice){s, len});

	if (line.len && line.p[0] != '#')
		import_json_take(im, line.p, line.len, im->state->line);
}

const struct reader reader_json = {.bytes = json_bytes, .finish = json_finish};
const struct reader reader_ndjson = {.line = ndjson_line};
