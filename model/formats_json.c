/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import of JSON. A scanner cuts the text into the elements of its outer array (or its values one
 * after another), so that a list of a million is never held as a tree and one broken element costs
 * one line; jansson parses each element. */
#include <jansson.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "model/formats_private.h"

#define ELEMENT_MAX ((size_t)8 << 20)   /* bytes of one element of an array */
#define VALUE_MAX   ((size_t)256 << 20) /* bytes of a value that stands alone */
#define SHOWN       64                  /* bytes of a value that is too large */
#define WALK_MAX    32                  /* levels looked into for entries */
#define LOAD_FLAGS  (JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)

/* ---- what a parsed value holds ---- */

struct walk {
	struct import *im;
	uint64_t line;
	enum list_kind list; /* said by a key or method around */
	bool takes_texts;    /* texts in this array are addresses */
};

static void walk_value(const struct walk *w, json_t *v, int depth);

static struct slice text_of(json_t *v)
{
	return (struct slice){json_string_value(v), json_string_length(v)};
}

/* A text, or nft's {"prefix":{"addr":…,"len":…}} and {"range":[…,…]}, which are written into buf.
 */
static bool address_of(json_t *v, char *buf, size_t size, struct slice *out)
{
	json_t *prefix = json_object_get(v, "prefix"), *range = json_object_get(v, "range");

	if (json_is_string(v)) {
		*out = text_of(v);
		return true;
	}
	if (json_is_object(prefix) && json_is_string(json_object_get(prefix, "addr")) &&
		json_is_integer(json_object_get(prefix, "len")))
		snprintf(buf, size, "%s/%" JSON_INTEGER_FORMAT,
			json_string_value(json_object_get(prefix, "addr")),
			json_integer_value(json_object_get(prefix, "len")));
	else if (json_is_array(range) && json_array_size(range) == 2 &&
		 json_is_string(json_array_get(range, 0)) &&
		 json_is_string(json_array_get(range, 1)))
		snprintf(buf, size, "%s-%s", json_string_value(json_array_get(range, 0)),
			json_string_value(json_array_get(range, 1)));
	else
		return false;
	*out = slice_of(buf);
	return true;
}

/* Numbers as text, kept while the fields are used. */
struct numbers {
	char text[FIELD_COUNT][48];
	char address[128];
};

static bool is_time(enum field field)
{
	return field == FIELD_CREATED || field == FIELD_EXPIRES || field == FIELD_DURATION;
}

static void put_field(struct fields *f, enum field field, json_t *v, struct numbers *n)
{
	if (field == FIELD_IGNORED || json_is_null(v))
		return;
	/* nft counts down: a small number is a duration, no time. */
	if (field == FIELD_EXPIRES && json_is_integer(v) && json_integer_value(v) >= 0 &&
		json_integer_value(v) < 100000000)
		field = FIELD_DURATION;
	else if (f->of[field].len)
		return;
	if (field == FIELD_ADDRESS) {
		address_of(v, n->address, sizeof(n->address), &f->of[field]);
	} else if (json_is_string(v)) {
		f->of[field] = text_of(v);
	} else if (json_is_number(v)) {
		if (json_is_integer(v))
			snprintf(n->text[field], sizeof(n->text[field]), "%" JSON_INTEGER_FORMAT,
				json_integer_value(v));
		else
			snprintf(
				n->text[field], sizeof(n->text[field]), "%.3f", json_real_value(v));
		f->of[field] = slice_of(n->text[field]);
	} else if (is_time(field)) {
		/* A wrong type must not turn a block with an end into one for ever. */
		f->of[field] = SLICE("a value of another type");
	}
}

static void put_fields(struct fields *f, json_t *object, struct numbers *n)
{
	const char *key;
	json_t *v;

	json_object_foreach(object, key, v) put_field(f, field_of(key, strlen(key)), v, n);
}

static void add_fields(const struct walk *w, struct fields *f)
{
	if (!f->of[FIELD_LIST].len && w->list != LIST_COUNT)
		f->of[FIELD_LIST] = w->list == LIST_BLOCKED ? SLICE("blocked") : SLICE("allowed");
	import_range_add(w->im, w->line, f);
}

static bool is_net(const char *s)
{
	struct net n;

	return net_parse(s, strlen(s), &n, NULL);
}

/* An object that is itself an entry. */
static bool take_entry(const struct walk *w, json_t *object)
{
	struct fields f = {.of = {SLICE_NONE}};
	struct numbers n;
	json_t *id = json_object_get(object, "_id"), *key = json_object_get(object, "key");

	if (json_is_string(key)) {
		struct slice name = text_of(key);
		enum list_kind list = settings_key_cut(&name);

		if (list != LIST_COUNT) {
			import_settings_add(w->im, w->line, name,
				text_of(json_object_get(object, "value")), list);
			return true;
		}
	}
	if (json_is_string(id) && is_net(json_string_value(id))) {
		import_settings_add(w->im, w->line, text_of(id),
			text_of(json_object_get(object, "_value")), w->list);
		return true;
	}
	put_fields(&f, object, &n);
	if (!f.of[FIELD_ADDRESS].len &&
		!address_of(object, n.address, sizeof(n.address), &f.of[FIELD_ADDRESS]))
		return false;
	add_fields(w, &f);
	return true;
}

/* {"203.0.113.7": "value", …}: keys of a server's settings, or any map by address. */
static bool take_map(const struct walk *w, json_t *object)
{
	const char *key;
	json_t *v;
	int looked = 0;
	bool is_map = false;

	json_object_foreach(object, key, v)
	{
		struct slice name = slice_of(key);

		is_map |= is_net(key) || settings_key_cut(&name) != LIST_COUNT;
		if (is_map || ++looked == 8)
			break;
	}
	if (!is_map)
		return false;
	json_object_foreach(object, key, v)
	{
		struct slice name = slice_of(key);
		enum list_kind list = settings_key_cut(&name);
		struct fields f = {.of = {[FIELD_ADDRESS] = name}};
		struct numbers n;

		if (list == LIST_COUNT)
			list = w->list;
		if (json_is_object(v)) {
			put_fields(&f, v, &n);
			add_fields(w, &f);
		} else {
			import_settings_add(w->im, w->line, name, text_of(v), list);
		}
	}
	return true;
}

/* Keys under which texts in an array are addresses; elsewhere they are flags and names. */
static bool is_list_key(const char *key)
{
	static const char *const keys[] = {
		"elem",
		"address",
		"addresses",
		"ip",
		"ips",
		"value",
		"values",
		"list",
		"items",
		"data",
		"blocked",
		"allowed",
		"networks",
		"cidrs",
		"prefixes",
		"banned",
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

static void walk_object(const struct walk *w, json_t *object, int depth)
{
	json_t *decisions = json_object_get(object, "decisions"), *v;
	const char *key;

	/* An alert of CrowdSec repeats its source beside the decisions made of it. */
	if (json_is_array(decisions)) {
		walk_value(w, decisions, depth + 1);
		return;
	}
	if (take_entry(w, object) || take_map(w, object))
		return;
	json_object_foreach(object, key, v)
	{
		struct walk inner = *w;
		enum list_kind list = import_list(slice_of(key));

		if (list != LIST_COUNT)
			inner.list = list;
		inner.takes_texts = is_list_key(key);
		if (json_is_object(v) || json_is_array(v))
			walk_value(&inner, v, depth + 1);
	}
}

static void walk_array(const struct walk *w, json_t *array, int depth)
{
	struct walk inner = *w;
	json_t *first = json_array_get(array, 0), *v;
	struct slice name = text_of(first);
	size_t i;

	/* ["server.blocked-ip.1.2.3.4", "value"], as 0.6 lists settings. */
	enum list_kind list = settings_key_cut(&name);
	if (json_array_size(array) == 2 && list != LIST_COUNT &&
		json_is_string(json_array_get(array, 1))) {
		import_settings_add(w->im, w->line, name, text_of(json_array_get(array, 1)), list);
		return;
	}
	/* ["x:AllowedIp/get", {…}, "0"], an answer of 0.16. */
	if (name.len && memmem(name.p, name.len, "AllowedIp/", 10))
		inner.list = LIST_ALLOWED;
	else if (name.len && memmem(name.p, name.len, "BlockedIp/", 10))
		inner.list = LIST_BLOCKED;
	inner.takes_texts = false;
	json_array_foreach(array, i, v) if (w->takes_texts || !json_is_string(v))
		walk_value(&inner, v, depth + 1);
}

static void walk_value(const struct walk *w, json_t *v, int depth)
{
	if (depth > WALK_MAX)
		return;
	if (json_is_object(v)) {
		walk_object(w, v, depth);
	} else if (json_is_array(v)) {
		walk_array(w, v, depth);
	} else if (json_is_string(v)) {
		struct fields f = {.of = {[FIELD_ADDRESS] = text_of(v)}};

		add_fields(w, &f);
	}
}

static void take_value(struct import *im, const char *s, size_t len, uint64_t line)
{
	struct walk w = {im, line, LIST_COUNT, false};
	json_error_t error;
	size_t before = im->count + im->duplicates + im->bad_total;
	json_t *v = json_loadb(s, len, LOAD_FLAGS, &error);

	if (!v) {
		char why[256];

		snprintf(why, sizeof(why), "no JSON: %s", error.text);
		import_bad_add(
			im, line + (error.line > 0 ? (uint64_t)error.line - 1 : 0), s, len, why);
		return;
	}
	walk_value(&w, v, 0);
	json_decref(v);
	/* A document that is one object may hold an empty list; an element of a list must be an
	 * entry. */
	if (im->count + im->duplicates + im->bad_total == before &&
		(im->state->is_array || im->format == FORMAT_NDJSON))
		import_bad_add(im, line, s, len, "no address in this element");
}

/* ---- cutting the text into values ---- */

static void end_value(struct import *im, const char *s, size_t len)
{
	struct importer *st = im->state;

	st->in_value = false;
	if (st->is_oversize) {
		import_bad_add(im, st->value_line, st->pending.data, st->pending.len,
			"this element is larger than a list entry can be");
	} else if (st->pending.len) {
		buf_add(&st->pending, s, len);
		take_value(im, st->pending.data, st->pending.len, st->value_line);
	} else {
		take_value(im, s, len, st->value_line);
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
		take_value(im, line.p, line.len, im->state->line);
}

const struct reader reader_json = {.bytes = json_bytes, .finish = json_finish};
const struct reader reader_ndjson = {.line = ndjson_line};
