/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bans grouped by day, address, range, reason or account: what is done with the packed rows, phase by
 * phase. history_grouping.c asks for them. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/history_group.h"

#define DAY_S 86400u

static const char *const by_texts[HISTORY_BY_COUNT] = {
#define BY_TEXT(id, text) [HISTORY_BY_##id] = text,
	HISTORY_BY_INFO(BY_TEXT)
#undef BY_TEXT
};

const char *history_by_text(enum history_by by)
{
	return (unsigned)by < HISTORY_BY_COUNT ? by_texts[by] : "";
}

bool history_by_parse(const char *s, enum history_by *out)
{
	int i;

	for (i = 0; i < HISTORY_BY_COUNT; i++) {
		if (strcmp(s, by_texts[i]) == 0) {
			*out = (enum history_by)i;
			return true;
		}
	}
	return false;
}

void history_query_init(struct history_query *q)
{
	memset(q, 0, sizeof(*q));
	q->since = q->until = TIME_NONE;
	q->class = CLASS_NONE;
}

/* ---- collecting ---- */

static size_t group_index(const struct grouping *g, const struct packed_ban *b)
{
	switch (g->by) {
	case HISTORY_BY_DAY:
		return b->time / DAY_S;
	case HISTORY_BY_REASON:
		return b->class;
	case HISTORY_BY_ACCOUNT:
		return b->account;
	case HISTORY_BY_ADDRESS:
	case HISTORY_BY_RANGE:
	case HISTORY_BY_COUNT:
		break;
	}
	return b->addr_id;
}

/* Grows a zeroed array so that [at] is in it; by little, for most often it was made big enough. */
static void *grow_to(void *p, size_t *count, size_t at, size_t size)
{
	size_t old = *count;

	if (at < old)
		return p;
	*count = at + at / 8 + 1024;
	p = xreallocarray(p, *count, size);
	memset((char *)p + old * size, 0, (*count - old) * size);
	return p;
}

static void note_address(struct grouping *g, const struct packed_ban *b, size_t at)
{
	g->last_group =
		grow_to(g->last_group, &g->address_count, b->addr_id, sizeof(*g->last_group));
	if (g->last_group[b->addr_id] == (uint32_t)at + 1)
		return;
	g->last_group[b->addr_id] = (uint32_t)at + 1;
	xgrow(&g->pairs, &g->pair_cap, g->pair_count + 1, sizeof(*g->pairs));
	g->pairs[g->pair_count] = (uint64_t)at << 32 | b->addr_id;
	g->pair_bits |= g->pairs[g->pair_count++];
}

void group_reserve(struct grouping *g, size_t groups, size_t addresses)
{
	g->count = groups;
	g->groups = xcalloc(groups + 1, sizeof(*g->groups));
	if (g->by == HISTORY_BY_ADDRESS || g->by == HISTORY_BY_RANGE)
		return;
	g->address_count = addresses;
	g->last_group = xcalloc(addresses + 1, sizeof(*g->last_group));
}

void group_add_bans(const struct packed_ban *rows, size_t count, void *arg)
{
	struct grouping *g = arg;
	struct group *r;
	size_t i, at;

	for (i = 0; i < count; i++) {
		const struct packed_ban *b = &rows[i];

		if (!scan_fits(g->filter, b))
			continue;
		at = group_index(g, b);
		g->groups = grow_to(g->groups, &g->count, at, sizeof(*g->groups));
		r = &g->groups[at];
		if (r->bans++ == 0) {
			memcpy(r->addr, b->addr, sizeof(r->addr));
			r->family = b->family;
			r->prefix = b->family == 4 ? 32 : 128;
			r->index = (uint32_t)at;
			r->first = b->time;
			r->addresses = 1;
		}
		r->by_class[b->class & 3]++;
		r->first = b->time < r->first ? b->time : r->first;
		r->last = b->time > r->last ? b->time : r->last;
		if (g->by == HISTORY_BY_DAY || g->by == HISTORY_BY_ACCOUNT ||
			g->by == HISTORY_BY_REASON)
			note_address(g, b, at);
	}
}

/* The next 11 bits that are set in any key; false: there are none. */
static bool next_digit(const struct grouping *g, struct radix *r)
{
	for (; r->shift < 64; r->shift += 11)
		if (g->pair_bits >> r->shift & 2047)
			return true;
	return false;
}

static void begin_placing(struct radix *r)
{
	size_t i, n, sum = 0;

	for (i = 0; i < 2048; i++) {
		n = r->at[i];
		r->at[i] = sum;
		sum += n;
	}
	r->is_placing = true;
	r->done = 0;
}

static void next_pass(struct radix *r)
{
	uint64_t *swap = r->from;

	r->from = r->to;
	r->to = swap;
	memset(r->at, 0, sizeof(r->at));
	r->is_placing = false;
	r->done = 0;
	r->shift += 11;
}

/* By 11 bits at a time, from the lowest: each pass counts, then places. */
bool group_sort_pairs(struct grouping *g, size_t max)
{
	struct radix *r = &g->radix;
	size_t end;

	if (g->pair_count == 0)
		return true;
	if (r->to == NULL) {
		r->from = g->pairs;
		r->to = xcalloc(g->pair_count, sizeof(*r->to));
	}
	if (!next_digit(g, r)) {
		g->pairs = r->from;
		free(r->to);
		r->to = NULL;
		return true;
	}
	end = max && g->pair_count - r->done > max ? r->done + max : g->pair_count;
	if (!r->is_placing) {
		for (; r->done < end; r->done++)
			r->at[r->from[r->done] >> r->shift & 2047]++;
		if (r->done == g->pair_count)
			begin_placing(r);
		return false;
	}
	for (; r->done < end; r->done++)
		r->to[r->at[r->from[r->done] >> r->shift & 2047]++] = r->from[r->done];
	if (r->done == g->pair_count)
		next_pass(r);
	g->pairs = r->from;
	return false;
}

bool group_count_addresses(struct grouping *g, size_t max)
{
	size_t end = max && g->pair_count - g->at > max ? g->at + max : g->pair_count;

	for (; g->at < end; g->at++) {
		uint64_t pair = g->pairs[g->at], before = g->at ? g->pairs[g->at - 1] : ~pair;
		struct group *r = &g->groups[pair >> 32];

		if (pair >> 32 != before >> 32)
			r->addresses = 0;
		r->addresses += pair != before;
	}
	if (g->at < g->pair_count)
		return false;
	g->at = 0;
	return true;
}

bool group_compact(struct grouping *g, size_t max)
{
	size_t end = max && g->count - g->at > max ? g->at + max : g->count;

	for (; g->at < end; g->at++) {
		if (g->groups[g->at].bans)
			g->groups[g->kept++] = g->groups[g->at];
	}
	if (g->at < g->count)
		return false;
	g->count = g->kept;
	g->at = g->kept = 0;
	return true;
}

void group_net(const struct group *r, struct net *out)
{
	memcpy(out->addr, r->addr, sizeof(out->addr));
	out->family = r->family;
	out->prefix = r->prefix;
}

/* The slot of a range among those made so far: holds its index + 1, or 0. */
static uint32_t *range_slot(
	uint32_t *slots, size_t slot_count, const struct group *groups, const struct group *r)
{
	uint64_t half[2];
	size_t at;

	memcpy(half, r->addr, sizeof(half));
	at = (size_t)scan_mix(half[0] ^ scan_mix(half[1] + r->family)) & (slot_count - 1);
	while (slots[at]) {
		const struct group *g = &groups[slots[at] - 1];

		if (g->family == r->family && memcmp(g->addr, r->addr, sizeof(g->addr)) == 0)
			break;
		at = (at + 1) & (slot_count - 1);
	}
	return &slots[at];
}

static void add_group(struct group *to, const struct group *r)
{
	int c;

	to->bans += r->bans;
	to->addresses += r->addresses;
	to->first = r->first < to->first ? r->first : to->first;
	to->last = r->last > to->last ? r->last : to->last;
	for (c = 0; c < CLASS_COUNT; c++)
		to->by_class[c] += r->by_class[c];
}

/* In place: what is written is never ahead of what is read. */
bool group_fold_ranges(struct grouping *g, uint8_t prefix4, uint8_t prefix6, size_t max)
{
	size_t end = max && g->count - g->at > max ? g->at + max : g->count;
	struct net n, wide;
	uint32_t *slot;

	if (g->slots == NULL) {
		for (g->slot_count = 64; g->slot_count < g->count * 2;)
			g->slot_count *= 2;
		g->slots = xcalloc(g->slot_count, sizeof(*g->slots));
	}
	for (; g->at < end; g->at++) {
		struct group r = g->groups[g->at];

		group_net(&r, &n);
		net_widen(&n, r.family == 4 ? prefix4 : prefix6, &wide);
		memcpy(r.addr, wide.addr, sizeof(r.addr));
		r.prefix = wide.prefix;
		slot = range_slot(g->slots, g->slot_count, g->groups, &r);
		if (*slot) {
			add_group(&g->groups[*slot - 1], &r);
			continue;
		}
		g->groups[g->kept++] = r;
		*slot = (uint32_t)g->kept;
	}
	if (g->at < g->count)
		return false;
	g->count = g->kept;
	g->at = g->kept = 0;
	free(g->slots);
	g->slots = NULL;
	return true;
}

/* One address has one id a server. */
void group_join_servers(struct grouping *g)
{
	size_t i;

	group_fold_ranges(g, 32, 128, 0);
	for (i = 0; i < g->count; i++)
		g->groups[i].addresses = 1;
}

void group_release(struct grouping *g)
{
	free(g->groups);
	free(g->last_group);
	free(g->slots);
	free(g->pairs);
	free(g->radix.to);
}

/* ---- sorting ---- */

/* Negative: a comes before b. */
typedef int (*group_cmp)(const struct group *a, const struct group *b);

static int cmp_key(const struct group *a, const struct group *b)
{
	struct net na, nb;

	group_net(a, &na);
	group_net(b, &nb);
	return net_cmp(&na, &nb);
}

static int cmp_index(const struct group *a, const struct group *b)
{
	return a->index < b->index ? -1 : a->index > b->index;
}

static int cmp_newest(const struct group *a, const struct group *b)
{
	if (a->last != b->last)
		return a->last > b->last ? -1 : 1;
	if (a->bans != b->bans)
		return a->bans > b->bans ? -1 : 1;
	return cmp_key(a, b);
}

static int cmp_most(const struct group *a, const struct group *b)
{
	if (a->bans != b->bans)
		return a->bans > b->bans ? -1 : 1;
	return cmp_newest(a, b);
}

static group_cmp sort_cmp(enum history_by by, enum history_sort sort)
{
	switch (sort) {
	case HISTORY_MOST:
		return cmp_most;
	case HISTORY_KEY:
		return by == HISTORY_BY_ADDRESS || by == HISTORY_BY_RANGE ? cmp_key : cmp_index;
	case HISTORY_NEWEST:
		break;
	}
	return cmp_newest;
}

static void swap_rows(struct group *a, struct group *b)
{
	struct group swap = *a;

	*a = *b;
	*b = swap;
}

/* Moves heap[at] down: the root is the row that comes last. */
static void sift(struct group *heap, size_t count, size_t at, group_cmp cmp)
{
	for (;;) {
		size_t big = at, child = 2 * at + 1;

		if (child < count && cmp(&heap[child], &heap[big]) > 0)
			big = child;
		if (child + 1 < count && cmp(&heap[child + 1], &heap[big]) > 0)
			big = child + 1;
		if (big == at)
			return;
		swap_rows(&heap[at], &heap[big]);
		at = big;
	}
}

bool group_leave_out(struct grouping *g, uint64_t at_least, size_t max)
{
	size_t end = max && g->count - g->at > max ? g->at + max : g->count;

	for (; g->at < end; g->at++) {
		if (g->groups[g->at].bans >= at_least)
			g->groups[g->kept++] = g->groups[g->at];
	}
	if (g->at < g->count)
		return false;
	g->count = g->kept;
	g->at = g->kept = 0;
	return true;
}

bool group_sort_first(struct grouping *g, size_t limit, enum history_sort sort, size_t max)
{
	group_cmp cmp = sort_cmp(g->by, sort);
	size_t n = limit && limit < g->count ? limit : g->count, left = max ? max : SIZE_MAX;
	struct group *rows = g->groups;

	if (!g->is_sorting) {
		g->is_sorting = true;
		g->at = n;
		g->heap = n / 2;
		g->kept = n;
	}
	for (; g->heap > 0 && left; left--)
		sift(rows, n, --g->heap, cmp);
	for (; g->at < g->count && left; g->at++, left--) {
		if (cmp(&rows[g->at], &rows[0]) < 0) {
			swap_rows(&rows[0], &rows[g->at]);
			sift(rows, n, 0, cmp);
		}
	}
	for (; g->kept > 1 && left; left--) {
		swap_rows(&rows[0], &rows[--g->kept]);
		sift(rows, g->kept, 0, cmp);
	}
	if (g->kept > 1)
		return false;
	g->count = n;
	return true;
}
