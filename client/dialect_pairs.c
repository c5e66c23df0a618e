/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of keys and values, item by item, and the edits that wait for their keys. Knows no server. */
#include "client/dialect_pairs.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

#define TEXT_MAX (1u << 20) /* of one key or value; jsonwalk cuts strings long before */

/* ---- the list ---- */

bool path_key_is(const struct json_path *path, int level, const char *key)
{
	return level < path->depth && level < 16 && path->level[level].key &&
		path->level[level].key_len == strlen(key) &&
		!memcmp(path->level[level].key, key, path->level[level].key_len);
}

void pairs_begin(struct pairs *p)
{
	pairs_release(p);
	*p = (struct pairs){ 0 };
	buf_init(&p->key, TEXT_MAX);
	buf_init(&p->value, TEXT_MAX);
}

void pairs_release(struct pairs *p)
{
	buf_release(&p->key);
	buf_release(&p->value);
}

static bool is_end(const struct json_item *item)
{
	return item->type == JSON_ITEM_OBJECT_END || item->type == JSON_ITEM_ARRAY_END;
}

/* Levels that only stand around the list. */
static int base_of(const struct json_path *path)
{
	int base = path_key_is(path, 0, "data");

	return base + path_key_is(path, base, "items");
}

static void keep(struct pairs *p, bool is_value, const struct json_item *item)
{
	struct buf *b = is_value ? &p->value : &p->key;

	buf_reset(b);
	if (item->type == JSON_ITEM_STRING || item->type == JSON_ITEM_NUMBER)
		buf_add(b, item->s, item->len);
	if (is_value) {
		p->has_value = true;
		p->type = item->type;
		p->truth = item->b;
	} else {
		p->has_key = item->type == JSON_ITEM_STRING;
	}
}

/* [key,value] or {"key":k,"value":v} is complete. */
static void give(struct pairs *p, pair_fn fn, void *arg)
{
	struct json_item value = { .type = p->has_value ? p->type : JSON_ITEM_NULL,
		.s = buf_str(&p->value),
		.len = p->value.len,
		.b = p->truth };

	if (p->has_key)
		fn(arg, buf_str(&p->key), p->key.len, &value);
	else
		p->strange = true;
	p->has_key = p->has_value = false;
}

static void in_array(struct pairs *p, const struct json_path *path, int base, const struct json_item *item, pair_fn fn, void *arg)
{
	int level = base + 1;

	if (path->depth == level) {
		if (is_end(item))
			give(p, fn, arg);
		else
			p->strange = true; /* bare values: of what? */
	} else if (path->depth == level + 1 && !is_end(item)) {
		if (path->level[level].key ? path_key_is(path, level, "key") : path->level[level].index == 0)
			keep(p, false, item);
		else if (path->level[level].key ? path_key_is(path, level, "value") : path->level[level].index == 1)
			keep(p, true, item);
	}
}

void pairs_item(struct pairs *p, const struct json_path *path, const struct json_item *item, pair_fn fn, void *arg)
{
	int base = base_of(path);

	if (path_key_is(path, 0, "error")) {
		if (!p->error[0])
			text_safe_str(p->error, sizeof(p->error), item->s && item->len ? item->s : "(unnamed)",
				item->s && item->len ? item->len : 9);
		return;
	}
	if (path->depth == base) { /* the list as a whole */
		p->strange = p->strange || (!is_end(item) && (item->type != JSON_ITEM_NULL || base == 0));
		if (!is_end(item))
			return;
	}
	if (base > p->base) {
		p->base = base;
		p->has_key = p->has_value = p->strange = false;
		fn(arg, NULL, 0, NULL);
	}
	if (base < p->base || path->depth == base)
		return;
	if (!path->level[base].key)
		in_array(p, path, base, item, fn, arg);
	else if (path->depth == base + 1 && !is_end(item))
		fn(arg, path->level[base].key, path->level[base].key_len, item);
}

bool pairs_check(const struct pairs *p, const struct response *res, struct err *err)
{
	if (!response_check(res, err))
		return false;
	if (p->error[0])
		return err_set(err, ERR_SERVER, "the server answers error %s", p->error);
	if (!res->stream_ok)
		return err_set(err, ERR_PROTOCOL, "the list ends in the middle or is no JSON");
	return !p->strange || err_set(err, ERR_PROTOCOL, "the answer is no list of keys and values");
}

/* ---- the edits that wait ---- */

struct targets {
	const struct batch *b;
	bool has_taken;    /* something, since it was told to forget */
	size_t next;       /* the edit after the one found last: lists and changes mostly have the same order */
	bool has_doubles;  /* there may be another edit of the same target */
	size_t mask;
	struct target_slot {
		uint32_t at;   /* index in the batch + 1; 0 = free. Doubles are further on. */
		uint32_t hash; /* of the target: most others are told apart without looking at them */
	} *slot;
};

static size_t hash_of(const char *s, size_t len)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

static const char *target_at(const struct targets *t, size_t i)
{
	return t->b->change->edits[t->b->first + i].target;
}

static bool same_target(const struct targets *t, size_t a, size_t b)
{
	return !strcmp(target_at(t, a), target_at(t, b));
}

struct targets *targets_new(const struct batch *b)
{
	struct targets *t = xcalloc(1, sizeof(*t));
	size_t room = 16, at;

	while (room < b->count * 2)
		room *= 2;
	t->b = b;
	t->mask = room - 1;
	t->slot = xcalloc(room, sizeof(*t->slot));
	for (size_t i = 0; i < b->count; i++) {
		size_t hash = hash_of(target_at(t, i), strlen(target_at(t, i)));

		for (at = hash & t->mask; t->slot[at].at; at = (at + 1) & t->mask)
			t->has_doubles = t->has_doubles || (t->slot[at].hash == (uint32_t)hash && same_target(t, t->slot[at].at - 1, i));
		t->slot[at] = (struct target_slot){ (uint32_t)i + 1, (uint32_t)hash };
	}
	return t;
}

void targets_free(struct targets *t)
{
	if (t)
		free(t->slot);
	free(t);
}

static bool is_target(const struct targets *t, size_t i, const char *target, size_t len)
{
	const char *s = target_at(t, i);

	return strlen(s) == len && !memcmp(s, target, len);
}

static ptrdiff_t find_from(const struct targets *t, size_t at, size_t hash, const char *target, size_t len)
{
	for (at &= t->mask; t->slot[at].at; at = (at + 1) & t->mask)
		if (t->slot[at].hash == (uint32_t)hash && is_target(t, t->slot[at].at - 1, target, len))
			return (ptrdiff_t)at;
	return -1;
}

bool targets_has(const struct targets *t, const char *target, size_t len)
{
	size_t hash = hash_of(target, len);

	return find_from(t, hash, hash, target, len) >= 0;
}

static void take(struct edit_result *r, const char *value, size_t value_len, const char *id)
{
	if (r->value)
		return;
	r->value = xstrndup(value, value_len);
	r->id = id ? xstrdup(id) : NULL;
}

void targets_take(struct targets *t, const char *target, size_t len, const char *value, size_t value_len, const char *id)
{
	ptrdiff_t at;
	size_t hash;

	t->has_taken = true;
	if (!t->has_doubles && t->next < t->b->count && is_target(t, t->next, target, len)) {
		take(&t->b->result[t->next++], value, value_len, id);
		return;
	}
	hash = hash_of(target, len);
	for (at = find_from(t, hash, hash, target, len); at >= 0; at = find_from(t, (size_t)at + 1, hash, target, len)) {
		t->next = t->slot[at].at;
		take(&t->b->result[t->next - 1], value, value_len, id);
	}
}

void targets_forget(struct targets *t)
{
	if (!t->has_taken)
		return;
	t->has_taken = false;
	t->next = 0;
	for (size_t i = 0; i < t->b->count; i++) {
		free(t->b->result[i].value);
		free(t->b->result[i].id);
		t->b->result[i].value = t->b->result[i].id = NULL;
	}
}

void targets_known(const struct targets *t)
{
	for (size_t i = 0; i < t->b->count; i++)
		t->b->result[i].ok = true;
}

enum decode targets_decode(const struct targets *t, const struct pairs *p, const struct response *res, struct err *err)
{
	if (!pairs_check(p, res, err))
		return DECODE_FAIL;
	if (!t)
		return DECODE_MORE;
	targets_known(t);
	return DECODE_DONE;
}
