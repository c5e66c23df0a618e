/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gathers offenders and lets model/ranges.c group them; looks up what each network means for both lists. A job of
 * steps; nothing is fetched. */
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

#define SEGS  1    /* of 4096 bans, in one step */
#define ITEMS 5000
#define ROWS  50   /* networks looked up in both lists */

enum proposals_phase { PROPOSALS_HISTORY, PROPOSALS_ITEMS, PROPOSALS_FIND, PROPOSALS_FILL, PROPOSALS_DONE };

struct proposals_job {
	struct app *app;
	struct proposals_query q;
	enum proposals_phase phase;
	struct history_grouping *grouping;
	struct history_row *rows;      /* by address */
	size_t row_count;
	/* of these lists: made anew when they are others, which free those */
	const struct entrylist *lists[LIST_COUNT];
	int64_t fetched[LIST_COUNT], now;
	struct range_item *items;      /* value: a row of `rows`, or UINT32_MAX = listed only */
	size_t count, cap;
	size_t row_at, list_at;        /* what is among the items */
	bool is_sorted;
	struct ranges_work work;
	struct ranges found;
	struct guard_facts facts;
	struct proposal *out;
	size_t out_count, filled;      /* filled: ranges looked at */
};

void proposals_query_init(struct proposals_query *q)
{
	memset(q, 0, sizeof(*q));
	q->since = q->until = TIME_NONE;
}

/* ---- who ---- */

static bool begin_history(struct proposals_job *job, struct err *err)
{
	struct app *a = job->app;
	struct history_query h;

	job->phase = PROPOSALS_ITEMS;
	if (!a->store) {
		if (!a->snap.list[LIST_BLOCKED] && err)
			*err = a->store_err;
		return a->snap.list[LIST_BLOCKED] != NULL;
	}
	history_query_init(&h);
	h.server = a->profile.name;
	h.since = job->q.since;
	h.until = job->q.until;
	h.sort = HISTORY_KEY;
	job->grouping = history_grouping_begin(a->store, HISTORY_BY_ADDRESS, &h, err);
	job->phase = PROPOSALS_HISTORY;
	return job->grouping;
}

static bool read_history(struct proposals_job *job, unsigned segs, struct err *err)
{
	bool is_done;

	if (!history_grouping_step(job->grouping, segs, &is_done, err))
		return false;
	if (is_done) {
		history_grouping_take(job->grouping, &job->rows, &job->row_count, NULL);
		job->phase = PROPOSALS_ITEMS;
	}
	return true;
}

static void forget_lists(struct proposals_job *job)
{
	if (job->phase >= PROPOSALS_FIND)
		ranges_release(&job->found);
	if (job->phase >= PROPOSALS_FILL)
		guard_facts_release(&job->facts);
	free(job->out);
	job->out = NULL;
	job->out_count = job->filled = 0;
	job->count = job->row_at = job->list_at = 0;
	job->is_sorted = true;
}

/* Begins with the lists as they are now. */
static void look_at_lists(struct proposals_job *job)
{
	const struct snapshot *s = &job->app->snap;

	forget_lists(job);
	job->phase = PROPOSALS_ITEMS;
	job->now = clock_now();
	for (int l = 0; l < LIST_COUNT; l++) {
		job->lists[l] = s->list[l];
		job->fetched[l] = s->fetched[l == LIST_BLOCKED ? SNAP_BIT_BLOCKED : SNAP_BIT_ALLOWED];
	}
}

static bool has_other_lists(const struct proposals_job *job)
{
	const struct snapshot *s = &job->app->snap;

	for (int l = 0; l < LIST_COUNT; l++)
		if (job->lists[l] != s->list[l] ||
			job->fetched[l] != s->fetched[l == LIST_BLOCKED ? SNAP_BIT_BLOCKED : SNAP_BIT_ALLOWED])
			return true;
	return false;
}

static void add(struct proposals_job *job, const struct net *n, uint64_t bans, uint32_t value)
{
	xgrow(&job->items, &job->cap, job->count + 1, sizeof(*job->items));
	job->items[job->count] =
		(struct range_item){.net = *n, .bans = bans < UINT32_MAX ? (uint32_t)bans : UINT32_MAX, .value = value};
	if (job->count && net_cmp(&job->items[job->count - 1].net, n) > 0)
		job->is_sorted = false;
	job->count++;
}

/* The next entry that counts: a block that no line explains was a ban once. False: there is none. */
static bool next_listed(struct proposals_job *job, struct net *n)
{
	const struct entrylist *l =
		job->q.since == TIME_NONE && job->q.until == TIME_NONE ? job->lists[LIST_BLOCKED] : NULL;

	for (; l && job->list_at < l->count; job->list_at++) {
		if (entry_state(l, job->list_at, job->now) != ENTRY_ACTIVE)
			continue;
		entry_net(&l->rows[job->list_at], n);
		if (n->family)
			return true;
	}
	return false;
}

/* Both are in the order of their nets. */
static void gather_items(struct proposals_job *job, size_t max)
{
	size_t left = max ? max : SIZE_MAX;
	struct net listed;

	for (; left; left--) {
		const struct history_row *row = job->row_at < job->row_count ? &job->rows[job->row_at] : NULL;
		bool has_listed = next_listed(job, &listed);
		int order = !row ? 1 : !has_listed ? -1 : net_cmp(&row->net, &listed);

		if (!row && !has_listed)
			break;
		if (order == 0) { /* is in the history */
			job->list_at++;
		} else if (order < 0) {
			add(job, &row->net, row->bans, (uint32_t)job->row_at);
			job->row_at++;
		} else {
			add(job, &listed, 1, UINT32_MAX);
			job->list_at++;
		}
	}
	if (!left)
		return;
	if (!job->is_sorted)
		ranges_sort(job->items, job->count);
	ranges_begin(&job->work, job->items, job->count,
		&(struct range_options){ .prefix4 = job->q.prefix4,
			.prefix6 = job->q.prefix6,
			.min_bans = job->q.at_least ? job->q.at_least : PROPOSALS_AT_LEAST,
			.tight = true },
		job->lists[LIST_BLOCKED], job->lists[LIST_ALLOWED], job->now, &job->found);
	job->phase = PROPOSALS_FIND;
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
		/* what is exactly n is in both: of the blocked list it is no replacement, of the allowed one it is a
		 * hit, once */
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

/* ---- what each means ---- */

static void fill(struct proposals_job *job, const struct range *r, struct proposal *p)
{
	*p = (struct proposal){.net = r->net,
		.bans = r->bans,
		.addresses = r->count,
		.first = TIME_NONE,
		.last = TIME_NONE,
		.is_blocked = r->is_blocked};
	for (size_t i = r->first; i < r->first + r->count; i++) {
		const struct history_row *h =
			job->found.values[i] == UINT32_MAX ? NULL : &job->rows[job->found.values[i]];

		if (!h)
			continue;
		p->first = p->first == TIME_NONE || h->first < p->first ? h->first : p->first;
		p->last = p->last == TIME_NONE || h->last > p->last ? h->last : p->last;
	}
	free(proposal_entries(job->lists[LIST_BLOCKED], &p->net, false, job->now, &p->replaces));
	free(proposal_entries(job->lists[LIST_ALLOWED], &p->net, true, job->now, &p->allowed));
}

static void begin_fill(struct proposals_job *job)
{
	job->out = xmalloc((job->found.count ? job->found.count : 1) * sizeof(*job->out));
	app_guard_facts(job->app, &job->facts);
	job->phase = PROPOSALS_FILL;
}

static void fill_some(struct proposals_job *job, size_t max)
{
	size_t end = max && job->found.count - job->filled > max ? job->filled + max : job->found.count;
	struct guard_hit hit;

	for (; job->filled < end; job->filled++) {
		const struct range *r = &job->found.rows[job->filled];

		if (net_is_address(&r->net)) /* one address that came back is no network */
			continue;
		fill(job, r, &job->out[job->out_count]);
		if (guard_check_net(&r->net, &job->facts, &hit))
			memcpy(job->out[job->out_count].refusal, hit.reason, sizeof(hit.reason));
		job->out_count++;
	}
	if (job->filled == job->found.count)
		job->phase = PROPOSALS_DONE;
}

/* ---- steps ---- */

struct proposals_job *proposals_begin(struct app *a, const struct proposals_query *q, struct err *err)
{
	struct proposals_job *job = xcalloc(1, sizeof(*job));

	job->app = a;
	job->q = *q;
	if (!begin_history(job, err)) {
		proposals_end(job);
		return NULL;
	}
	if (job->phase == PROPOSALS_ITEMS)
		look_at_lists(job);
	return job;
}

bool proposals_step(struct proposals_job *job, bool at_once, bool *is_done, struct err *err)
{
	bool ok = true;

	*is_done = false;
	if (job->phase > PROPOSALS_HISTORY && has_other_lists(job))
		look_at_lists(job);
	switch (job->phase) {
	case PROPOSALS_HISTORY:
		ok = read_history(job, at_once ? HISTORY_ALL_SEGS : SEGS, err);
		break;
	case PROPOSALS_ITEMS:
		gather_items(job, at_once ? 0 : ITEMS);
		break;
	case PROPOSALS_FIND:
		if (ranges_step(&job->work, at_once ? 0 : ITEMS))
			begin_fill(job);
		break;
	case PROPOSALS_FILL:
		fill_some(job, at_once ? 0 : ROWS);
		break;
	case PROPOSALS_DONE:
		break;
	}
	*is_done = job->phase == PROPOSALS_DONE;
	return ok;
}

void proposals_take(struct proposals_job *job, struct proposal **rows, size_t *count)
{
	*rows = job->out;
	*count = job->out_count;
	job->out = NULL;
	job->out_count = 0;
}

void proposals_end(struct proposals_job *job)
{
	if (!job)
		return;
	forget_lists(job);
	history_grouping_end(job->grouping);
	history_rows_free(job->rows, job->row_count);
	free(job->items);
	free(job);
}

bool proposals_gather(
	struct app *a, const struct proposals_query *q, struct proposal **rows, size_t *count, struct err *err)
{
	struct proposals_job *job = proposals_begin(a, q, err);
	bool is_done = false;

	*rows = NULL;
	*count = 0;
	while (job && !is_done && proposals_step(job, true, &is_done, err))
		;
	if (is_done)
		proposals_take(job, rows, count);
	proposals_end(job);
	return is_done;
}

struct entrylist *proposals_list(const struct proposal *rows, size_t count)
{
	struct entrylist *l = entrylist_new();
	char net[NET_BUF], note[96];

	for (size_t i = 0; i < count; i++) {
		net_format(&rows[i].net, net, sizeof(net));
		snprintf(note, sizeof(note), "%llu bans, %llu addresses", (unsigned long long)rows[i].bans,
			(unsigned long long)rows[i].addresses);
		entrylist_add(l, net, strlen(net), note, strlen(note), NULL, REASON_MANUAL, ORIGIN_OPERATOR, TIME_NONE,
			TIME_NONE);
	}
	entrylist_finish(l);
	return l;
}
