/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Un-blocks that wait for what takes their place. Pure; which request reads it is the dialect's. */
#include "client/dialect_hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect_pairs.h"
#include "client/jsonwalk.h"
#include "core/mem.h"

#define LET_GO 1 /* in the cursor's total */

static bool leads(const struct edit *e)
{
	return e->kind == EDIT_BLOCK || e->kind == EDIT_EXPIRY;
}

static bool waits_for(const struct edit *e, const struct edit *block)
{
	if (e->kind != EDIT_UNBLOCK || !e->net.family || !block->net.family || net_equal(&e->net, &block->net))
		return false;
	return net_contains(&block->net, &e->net) || net_contains(&e->net, &block->net);
}

static size_t next_for(const struct batch *b, size_t i, size_t from)
{
	const struct edit *edits = b->change->edits;

	if (edits[i].kind != EDIT_UNBLOCK || !leads(&edits[0]))
		return SIZE_MAX;
	for (size_t k = from; k < i && leads(&edits[k]); k++)
		if (waits_for(&edits[i], &edits[k]))
			return k;
	return SIZE_MAX;
}

size_t hold_next(const struct batch *b, size_t from)
{
	return next_for(b, b->first, from);
}

size_t hold_run(const struct batch *b, size_t max)
{
	size_t left = b->change->count - b->first, n = 1, of;

	of = next_for(b, b->first, 0);
	while (n < left && n < max && next_for(b, b->first + n, 0) == of)
		n++;
	return n;
}

bool hold_is_open(const struct batch *b)
{
	return b->cur.total != LET_GO && hold_next(b, 0) != SIZE_MAX;
}

bool hold_write_next(const struct server *srv, struct batch *b, const struct entrylist *blocked)
{
	(void)srv, (void)blocked;
	return hold_is_open(b) && hold_let_go(b) == DECODE_MORE;
}

enum decode hold_let_go(struct batch *b)
{
	b->cur.total = LET_GO;
	return DECODE_MORE;
}

/* An entry whose time was over refuses nothing until it has its new end. */
bool hold_is_stored(const struct batch *b, size_t k, const char *value)
{
	const struct edit *e = &b->change->edits[k];
	struct entry_value v;

	if (!value || e->kind == EDIT_BLOCK)
		return value != NULL;
	entry_value_parse(value, strlen(value), &v);
	return v.until == e->expires;
}

enum decode hold_refuse_words(struct batch *b, enum err_code why, const char *words)
{
	for (size_t i = 0; i < b->count; i++) {
		b->result[i].ok = false;
		b->result[i].why = why;
		free(b->result[i].text);
		b->result[i].text = xasprintf("left as it is: %s", words);
	}
	return DECODE_DONE;
}

enum decode hold_refuse(struct batch *b, size_t missing)
{
	char words[NET_BUF + 80];

	snprintf(words, sizeof(words), "%.60s is to take its place, and is not stored",
		b->change->edits[missing].target);
	return hold_refuse_words(b, ERR_CANCELLED, words);
}

/* ---- answers with keys and values ---- */

struct look {
	struct pairs pairs;
	struct batch lead;      /* the blocks that the change begins with */
	struct targets *targets;
	const char *prefix;
};

static void take(void *arg, const char *key, size_t len, const struct json_item *value)
{
	struct look *l = arg;
	size_t n = strlen(l->prefix);
	bool is_text = value && value->type == JSON_ITEM_STRING;

	if (!key)
		return;
	if (len > n && !memcmp(key, l->prefix, n)) {
		key += n;
		len -= n;
	}
	if (value->type == JSON_ITEM_NULL || (value->type == JSON_ITEM_BOOL && !value->b))
		return; /* "not so" on the gateway */
	targets_take(l->targets, key, len, is_text ? value->s : "", is_text ? value->len : 0, NULL);
}

static void on_item(void *arg, const struct json_path *path, const struct json_item *item)
{
	struct look *l = arg;

	pairs_item(&l->pairs, path, item, take, l);
}

static bool walk(struct look *l, const struct response *res, struct err *err)
{
	struct jsonwalk *w = jsonwalk_new(on_item, l);
	struct response whole = *res;

	pairs_begin(&l->pairs);
	whole.stream_ok = jsonwalk_feed(w, res->body ? res->body : "", res->len, err) && jsonwalk_finish(w, err);
	jsonwalk_free(w);
	err_clear(err);
	return pairs_check(&l->pairs, &whole, err);
}

enum decode hold_check_pairs(struct batch *b, const struct response *res, const char *prefix)
{
	struct look l = { .prefix = prefix, .lead = { .change = b->change } };
	struct err err = ERR_INIT;
	enum decode got;
	size_t k;

	while (leads(&b->change->edits[l.lead.count]))
		l.lead.count++; /* the one that waits is behind them */
	l.lead.result = xcalloc(l.lead.count, sizeof(*l.lead.result));
	l.targets = targets_new(&l.lead);
	if (!walk(&l, res, &err)) {
		char words[200];

		snprintf(words, sizeof(words), "what is to take its place can't be read (%.120s)", err.msg);
		got = hold_refuse_words(b, err.code, words);
	} else {
		for (k = hold_next(b, 0); k != SIZE_MAX && hold_is_stored(b, k, l.lead.result[k].value);
			k = hold_next(b, k + 1))
			;
		got = k == SIZE_MAX ? hold_let_go(b) : hold_refuse(b, k);
	}
	pairs_release(&l.pairs);
	targets_free(l.targets);
	for (k = 0; k < l.lead.count; k++)
		free(l.lead.result[k].value);
	free(l.lead.result);
	return got;
}
