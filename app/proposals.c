/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gathers offenders and lets model/ranges.c group them; looks up what each network means for both lists. Nothing is fetched. */
#include "app/proposals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/plan.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/guard.h"
#include "model/ranges.h"
#include "store/history.h"

struct offenders {
	struct range_item *items;      /* value: a row of `rows`, or UINT32_MAX = listed only */
	size_t count, cap;
	struct history_row *rows;
	size_t row_count;
};

void proposals_query_init(struct proposals_query *q)
{
	memset(q, 0, sizeof(*q));
	q->since = q->until = TIME_NONE;
}

static void add(struct offenders *o, const struct net *n, uint64_t bans, uint32_t value)
{
	xgrow(&o->items, &o->cap, o->count + 1, sizeof(*o->items));
	o->items[o->count++] = (struct range_item){ .net = *n, .bans = bans < UINT32_MAX ? (uint32_t)bans : UINT32_MAX, .value = value };
}

static int cmp_row(const void *x, const void *y)
{
	return net_cmp(&((const struct history_row *)x)->net, &((const struct history_row *)y)->net);
}

static bool add_history(struct app *a, const struct proposals_query *q, struct offenders *o, struct err *err)
{
	struct history_query h;

	if (!a->store) {
		if (!a->snap.list[LIST_BLOCKED] && err)
			*err = a->store_err;
		return a->snap.list[LIST_BLOCKED] != NULL;
	}
	history_query_init(&h);
	h.server = a->profile.name;
	h.since = q->since;
	h.until = q->until;
	h.sort = HISTORY_KEY;
	if (!history_group(a->store, HISTORY_BY_ADDRESS, &h, &o->rows, &o->row_count, NULL, err))
		return false;
	if (o->row_count)
		qsort(o->rows, o->row_count, sizeof(*o->rows), cmp_row);
	for (size_t i = 0; i < o->row_count; i++)
		add(o, &o->rows[i].net, o->rows[i].bans, (uint32_t)i);
	return true;
}

/* A block that no line explains was a ban once. */
static void add_listed(struct app *a, struct offenders *o, int64_t now)
{
	const struct entrylist *l = a->snap.list[LIST_BLOCKED];
	struct history_row key;

	for (size_t i = 0; l && i < l->count; i++) {
		if (entry_state(l, i, now) != ENTRY_ACTIVE)
			continue;
		entry_net(&l->rows[i], &key.net);
		if (!o->row_count || !bsearch(&key, o->rows, o->row_count, sizeof(key), cmp_row))
			add(o, &key.net, 1, UINT32_MAX);
	}
}

static int cmp_number(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return (a > b) - (a < b);
}

uint32_t *proposal_entries(const struct entrylist *l, const struct net *n, bool around, int64_t now, size_t *count)
{
	uint32_t wide[64], *rows;
	size_t inside = l && l->index ? netset_inside(l->index, n, NULL, 0) : 0;
	size_t covers = around && l && l->index ? netset_covering(l->index, n, wide, ARRAY_LEN(wide)) : 0, kept = 0;
	struct net own;

	*count = 0;
	covers = covers < ARRAY_LEN(wide) ? covers : ARRAY_LEN(wide);
	if (inside + covers == 0)
		return NULL;
	rows = xmalloc((inside + covers) * sizeof(*rows));
	memcpy(rows, wide, covers * sizeof(*rows));
	netset_inside(l->index, n, rows + covers, inside);
	for (size_t i = 0; i < inside + covers; i++) {
		entry_net(&l->rows[rows[i]], &own);
		/* what is exactly n is in both: of the blocked list it is no replacement, of the allowed one it is a hit, once */
		if (entry_state(l, rows[i], now) != ENTRY_ACTIVE || (net_equal(&own, n) && (!around || i >= covers)))
			continue;
		rows[kept++] = rows[i];
	}
	*count = kept;
	if (kept == 0) {
		free(rows);
		return NULL;
	}
	qsort(rows, kept, sizeof(*rows), cmp_number); /* the list is in the order of its nets */
	return rows;
}

void proposal_names(const struct entrylist *l, const uint32_t *rows, size_t count, size_t max, struct buf *out)
{
	for (size_t i = 0; i < count && i < max; i++) {
		const char *key = entry_key(l, rows[i]);

		if (i)
			buf_adds(out, ", ");
		text_safe(out, key, strlen(key), TEXT_LINE);
	}
	if (count > max)
		buf_addf(out, " and %zu more", count - max);
}

static void fill(struct app *a, const struct offenders *o, const struct ranges *found, const struct range *r, int64_t now, struct proposal *p)
{
	*p = (struct proposal){ .net = r->net, .bans = r->bans, .addresses = r->count, .first = TIME_NONE, .last = TIME_NONE,
		.is_blocked = r->is_blocked };
	for (size_t i = r->first; i < r->first + r->count; i++) {
		const struct history_row *h = found->values[i] == UINT32_MAX ? NULL : &o->rows[found->values[i]];

		if (!h)
			continue;
		p->first = p->first == TIME_NONE || h->first < p->first ? h->first : p->first;
		p->last = p->last == TIME_NONE || h->last > p->last ? h->last : p->last;
	}
	free(proposal_entries(a->snap.list[LIST_BLOCKED], &p->net, false, now, &p->replaces));
	free(proposal_entries(a->snap.list[LIST_ALLOWED], &p->net, true, now, &p->allowed));
}

bool proposals_gather(struct app *a, const struct proposals_query *q, struct proposal **rows, size_t *count, struct err *err)
{
	struct range_options opt = { .prefix4 = q->prefix4, .prefix6 = q->prefix6, .min_bans = q->at_least ? q->at_least : PROPOSALS_AT_LEAST,
		.tight = true };
	struct offenders o = { 0 };
	struct guard_facts facts;
	struct guard_hit hit;
	struct ranges found;
	int64_t now = clock_now();

	*rows = NULL;
	*count = 0;
	if (!add_history(a, q, &o, err))
		return false;
	if (q->since == TIME_NONE && q->until == TIME_NONE)
		add_listed(a, &o, now);
	ranges_find(o.items, o.count, &opt, a->snap.list[LIST_BLOCKED], a->snap.list[LIST_ALLOWED], now, &found);
	*rows = xmalloc((found.count ? found.count : 1) * sizeof(**rows));
	app_guard_facts(a, &facts);
	for (size_t i = 0; i < found.count; i++) {
		if (net_is_address(&found.rows[i].net)) /* one address that came back is no network */
			continue;
		fill(a, &o, &found, &found.rows[i], now, &(*rows)[*count]);
		if (guard_check_net(&found.rows[i].net, &facts, &hit))
			memcpy((*rows)[*count].refusal, hit.reason, sizeof(hit.reason));
		(*count)++;
	}
	guard_facts_release(&facts);
	ranges_release(&found);
	history_rows_free(o.rows, o.row_count);
	free(o.items);
	return true;
}

struct entrylist *proposals_list(const struct proposal *rows, size_t count)
{
	struct entrylist *l = entrylist_new();
	char net[NET_BUF], note[96];

	for (size_t i = 0; i < count; i++) {
		net_format(&rows[i].net, net, sizeof(net));
		snprintf(note, sizeof(note), "%llu bans, %llu addresses", (unsigned long long)rows[i].bans, (unsigned long long)rows[i].addresses);
		entrylist_add(l, net, strlen(net), note, strlen(note), NULL, REASON_MANUAL, ORIGIN_OPERATOR, TIME_NONE, TIME_NONE);
	}
	entrylist_finish(l);
	return l;
}
