/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import of JSON: the entries in one value, whatever program wrote it: our own export, a server's
 * answer, CrowdSec, nftables, any list of addresses. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "model/formats_private.h"

#define WALK_MAX   32 /* levels looked into for entries */
#define MISSES_MAX 100 /* texts looked for in vain */
#define LOAD_FLAGS (JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)

struct walk {
	struct import *im;
	uint64_t line;
	enum list_kind list; /* said by a key or method around */
	bool takes_texts;    /* texts in this array are addresses */
	bool is_set;         /* these are members of an nftables set, */
	bool is_member;      /* this is one */
	bool *is_known; /* set when a value is understood, though there is nothing to take in it */
	struct slice created;  /* said around it: of the alert that a decision was made of */
	struct slice duration; /* of members that name none */
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
	if (!f->of[FIELD_CREATED].len)
		f->of[FIELD_CREATED] = w->created;
	if (w->is_set && !f->of[FIELD_DURATION].len)
		f->of[FIELD_DURATION] = w->duration;
	if (w->is_set && slice_is(f->of[FIELD_DURATION], "0"))
		f->of[FIELD_DURATION] = SLICE_NONE;
	import_fields_add(w->im, w->line, f);
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

/* "elem" of {"set": {"name": …, "type": "ipv4_addr", "timeout": 600, "elem": […]}}. */
static void walk_set(const struct walk *w, json_t *set, json_t *elements, int depth)
{
	struct walk inner = *w;
	json_t *type = json_object_get(set, "type"), *timeout = json_object_get(set, "timeout");
	enum list_kind list = import_list_of_set(text_of(json_object_get(set, "name")));
	char seconds[32];

	/* Of ports, of devices: nothing in it can be an address. */
	if (json_is_string(type) && !strstr(json_string_value(type), "ipv4_addr") &&
		!strstr(json_string_value(type), "ipv6_addr"))
		return;
	if (list != LIST_COUNT)
		inner.list = list;
	inner.is_set = inner.takes_texts = true;
	if (json_is_integer(timeout) && json_integer_value(timeout) > 0) {
		snprintf(seconds, sizeof(seconds), "%" JSON_INTEGER_FORMAT,
			json_integer_value(timeout));
		inner.duration = slice_of(seconds);
	}
	walk_value(&inner, elements, depth + 1);
}

/* An alert of CrowdSec repeats its source beside the decisions made of it, which may be none. */
static bool walk_alert(const struct walk *w, json_t *alert, int depth)
{
	json_t *decisions = json_object_get(alert, "decisions");
	struct walk inner = *w;

	if (!json_is_array(decisions) && !json_object_get(alert, "events_count"))
		return false;
	inner.created = text_of(json_object_get(alert, "created_at"));
	*w->is_known = true;
	walk_value(&inner, decisions, depth + 1);
	return true;
}

/* A member that is more than an address: {"concat": ["203.0.113.7", 25]}, or, of a map,
 * ["203.0.113.7", {"drop": null}]. */
static bool take_member(const struct walk *w, json_t *v)
{
	json_t *first = json_array_get(v, 0), *verdict = json_array_get(v, 1);
	json_t *elem = json_object_get(v, "elem"), *inner = json_object_get(elem, "val");
	struct walk rest = *w;

	if (json_object_get(inner ? inner : v, "concat")) {
		char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

		import_bad_add(
			w->im, w->line, text ? text : "", text ? strlen(text) : 0, IMPORT_PAIR);
		free(text);
		return true;
	}
	if (!w->is_member || !json_is_array(v))
		return false;
	rest.is_member = false;
	if (json_object_get(verdict, "drop") || json_object_get(verdict, "reject"))
		walk_value(&rest, first, 1);
	else
		import_bad_add(w->im, w->line, json_string_value(first), json_string_length(first),
			"this map does something else with the address than drop it");
	return true;
}

static void walk_object(const struct walk *w, json_t *object, int depth)
{
	json_t *elements = json_object_get(object, "elem"), *v;
	const char *key;

	if (walk_alert(w, object, depth) || take_member(w, object))
		return;
	if (json_is_array(elements)) {
		walk_set(w, object, elements, depth);
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

	if (take_member(w, array))
		return;

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
	inner.is_member = w->is_set;
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

/* A value over many lines: each complaint about a text in it is given the line that text is in. They
 * come in the order of the text. One that is spelt otherwise there keeps the value's first line. */
static void place_bad(struct import *im, size_t from, const char *s, size_t len, uint64_t line)
{
	const char *at = s, *end = s + len;
	size_t missed = 0;

	for (size_t i = from; i < im->bad_count && missed < MISSES_MAX; i++) {
		const char *text = import_text(im, im->bad[i].text), *found = at;
		size_t n = strlen(text);

		do
			found = n ? memmem(found + 1, (size_t)(end - found - 1), text, n) : NULL;
		while (found && (found[-1] != '"' || found + n == end || found[n] != '"'));
		if (!found) {
			missed++;
			continue;
		}
		for (; at < found; at++)
			line += *at == '\n';
		im->bad[i].line = line;
	}
}

void import_json_take(struct import *im, const char *s, size_t len, uint64_t line)
{
	bool is_known = false;
	struct walk w = {.im = im, .line = line, .list = LIST_COUNT, .is_known = &is_known};
	json_error_t error;
	size_t bad_before = im->bad_count, before = im->count + im->duplicates + im->bad_total;
	json_t *v = json_loadb(s, len, LOAD_FLAGS, &error);

	if (!v) {
		char why[256];

		snprintf(why, sizeof(why), "no JSON: %s", error.text);
		import_bad_add(
			im, line + (error.line > 0 ? (uint64_t)error.line - 1 : 0), s, len, why);
		return;
	}
	is_known = json_is_null(v); /* cscli prints it for no decisions */
	walk_value(&w, v, 0);
	json_decref(v);
	if (memchr(s, '\n', len))
		place_bad(im, bad_before, s, len, line);
	/* A document that is one object may hold an empty list; an element of a list must be an
	 * entry. */
	if (!is_known && im->count + im->duplicates + im->bad_total == before &&
		(im->state->is_array || im->format == FORMAT_NDJSON))
		import_bad_add(im, line, s, len, "no address in this element");
}
