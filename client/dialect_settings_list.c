/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many entries of one list are looked up in the list as a whole, as it comes by: the server reads all of it for one page, so one answer is
 * far cheaper than a hundred of a thousand keys each. Seen on 0.15.5. Pure. */
#include <stdlib.h>

#include "client/dialect_pairs.h"
#include "client/dialect_settings.h"
#include "core/mem.h"

#define LIST_FROM 5000 /* edits of one list from which it is read whole */

struct list_memo {
	struct settings_memo base;
	const struct batch *batch;
	struct targets *targets; /* from the first pair on: many a list is empty before */
	struct pairs pairs;
};

static void list_free(struct settings_memo *memo)
{
	struct list_memo *m = (struct list_memo *)(void *)memo;

	targets_free(m->targets);
	pairs_release(&m->pairs);
	free(m);
}

void settings_memo_free(void *memo)
{
	struct settings_memo *m = memo;

	m->release(m);
}

/* Edits from the batch's first on that are of the same list. */
static size_t of_one_list(const struct batch *b)
{
	const struct edit *e = &b->change->edits[b->first];
	size_t left = b->change->count - b->first, n = 0;

	while (n < left && edit_has_address(e[n].kind) && e[n].target &&
		edit_is_allow(e[n].kind) == edit_is_allow(e[0].kind))
		n++;
	return n;
}

bool settings_list_encode(struct batch *b, struct request *req)
{
	size_t n = of_one_list(b);
	struct list_memo *m = b->cur.memo;

	if (n < LIST_FROM)
		return false;
	b->count = n;
	b->cur.phase = SETTINGS_READS_LIST;
	if (!m) {
		b->cur.memo = m = xcalloc(1, sizeof(*m));
		m->base.release = list_free;
		m->batch = b;
	}
	pairs_begin(&m->pairs);
	if (m->targets)
		targets_forget(m->targets);
	req->stream = true;
	req->max_body = 256u << 20;
	return buf_addf(&req->path, "/api/settings/list?prefix=%s",
		edit_is_allow(b->change->edits[b->first].kind) ? "server.allowed-ip" : "server.blocked-ip");
}

static void take(void *arg, const char *key, size_t len, const struct json_item *value)
{
	struct list_memo *m = arg;
	bool is_text;

	if (!key) {
		if (m->targets)
			targets_forget(m->targets);
		return;
	}
	if (!m->targets)
		m->targets = targets_new(m->batch);
	is_text = value->type == JSON_ITEM_STRING;
	targets_take(m->targets, key, len, is_text ? value->s : "", is_text ? value->len : 0, NULL);
}

void settings_read_item(const struct server *srv, struct batch *b, const struct json_path *path, const struct json_item *item)
{
	struct list_memo *m = b->cur.memo;

	(void)srv;
	if (b->cur.phase == SETTINGS_READS_LIST)
		pairs_item(&m->pairs, path, item, take, m);
}

enum decode settings_list_decode(struct batch *b, const struct response *res, struct err *err)
{
	struct list_memo *m = b->cur.memo;

	if (!m->targets)
		m->targets = targets_new(b);
	return targets_decode(m->targets, &m->pairs, res, err);
}
