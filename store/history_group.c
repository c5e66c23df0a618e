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

/* Grows a zeroed array so that [at] is in it. */
static void *grow_to(void *p, size_t *count, size_t at, size_t size)
{
	size_t old = *count;

	if (at < old)
		return p;
	*count = (at + 1) * 2;
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
	g->pairs[g->pair_count++] = (uint64_t)at << 32 | b->addr_id;
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

/* Sorts by the bits that are set in any key, 11 at a time. */
static void radix_sort(uint64_t *keys, size_t count, uint64_t bits)
{
	uint64_t *from = keys, *to = xcalloc(count + 1, sizeof(*to)), *swap;
	uint64_t *spare = to;
	unsigned shift;
	size_t i;

	for (shift = 0; shift < 64; shift += 11) {
		size_t at[2048] = { 0 }, sum = 0, n;

		if ((bits >> shift & 2047) == 0)
			continue;
		for (i = 0; i < count; i++)
			at[from[i] >> shift & 2047]++;
		for (i = 0; i < 2048; i++) {
			n = at[i];
			at[i] = sum;
			sum += n;
		}
		for (i = 0; i < count; i++)
			to[at[from[i] >> shift & 2047]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	if (from != keys)
		memcpy(keys, from, count * sizeof(*keys));
	free(spare);
}

/* How many different addresses each group has. */
void group_count_addresses(struct grouping *g)
{
	uint64_t bits = 0;
	size_t i;

	if (g->pair_count == 0)
		return;
	for (i = 0; i < g->pair_count; i++)
		bits |= g->pairs[i];
	radix_sort(g->pairs, g->pair_count, bits);
	for (i = 0; i < g->pair_count; i++) {
		struct group *r = &g->groups[g->pairs[i] >> 32];

		if (i == 0 || g->pairs[i] >> 32 != g->pairs[i - 1] >> 32)
			r->addresses = 0;
		r->addresses += i == 0 || g->pairs[i] != g->pairs[i - 1];
	}
}

/* Moves the used groups to the front. */
void group_compact(struct grouping *g)
{
	size_t i, kept = 0;

	for (i = 0; i < g->count; i++) {
		if (g->groups[i].bans)
			g->groups[kept++] = g->groups[i];
	}
	g->count = kept;
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

/* Makes ranges of addresses in place, after group_compact(): what is written is never ahead of what is
 * read. */
void group_fold_ranges(struct grouping *g, uint8_t prefix4, uint8_t prefix6)
{
	size_t i, kept = 0, slot_count = 64;
	struct net n, wide;
	uint32_t *slots, *slot;

	while (slot_count < g->count * 2)
		slot_count *= 2;
	slots = xcalloc(slot_count, sizeof(*slots));
	for (i = 0; i < g->count; i++) {
		struct group r = g->groups[i];

		group_net(&r, &n);
		net_widen(&n, r.family == 4 ? prefix4 : prefix6, &wide);
		memcpy(r.addr, wide.addr, sizeof(r.addr));
		r.prefix = wide.prefix;
		slot = range_slot(slots, slot_count, g->groups, &r);
		if (*slot) {
			add_group(&g->groups[*slot - 1], &r);
			continue;
		}
		g->groups[kept++] = r;
		*slot = (uint32_t)kept;
	}
	g->count = kept;
	free(slots);
}

/* One address has one id a server. */
void group_join_servers(struct grouping *g)
{
	size_t i;

	group_fold_ranges(g, 32, 128);
	for (i = 0; i < g->count; i++)
		g->groups[i].addresses = 1;
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

size_t group_sort_first(struct group *rows, size_t count, size_t limit, enum history_by by,
	enum history_sort sort)
{
	group_cmp cmp = sort_cmp(by, sort);
	size_t i, n = limit && limit < count ? limit : count;

	for (i = n / 2; i-- > 0;)
		sift(rows, n, i, cmp);
	for (i = n; i < count; i++) {
		if (cmp(&rows[i], &rows[0]) < 0) {
			swap_rows(&rows[0], &rows[i]);
			sift(rows, n, 0, cmp);
		}
	}
	for (i = n; i-- > 1;) {
		swap_rows(&rows[0], &rows[i]);
		sift(rows, i, 0, cmp);
	}
	return n;
}
