/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups offenders by prefix and proposes networks; merges nets exactly. Pure. */
#include "model/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/sort.h"

#define PREFIX4  24
#define PREFIX6  48
#define MIN_BANS 2

static int cmp_item(const void *x, const void *y)
{
	const struct range_item *a = x, *b = y;
	int c = net_cmp(&a->net, &b->net);

	return c ? c : a->value < b->value ? -1 : a->value > b->value;
}

static int cmp_net(const void *x, const void *y)
{
	return net_cmp(x, y);
}

void ranges_release(struct ranges *r)
{
	free(r->rows);
	free(r->values);
	free(r->allowed);
	memset(r, 0, sizeof(*r));
}

/* Bits two nets have in common, at most both prefixes. */
static uint8_t common_prefix(const struct net *a, const struct net *b)
{
	uint8_t max = a->prefix < b->prefix ? a->prefix : b->prefix;

	for (uint8_t i = 0; i * 8 < max; i++) {
		uint8_t diff = a->addr[i] ^ b->addr[i];

		if (diff) {
			uint8_t same = (uint8_t)(i * 8 + __builtin_clz((unsigned)diff << 24));
			return same < max ? same : max;
		}
	}
	return max;
}

static void add_allowed(
	struct ranges *out, struct range *r, const struct entrylist *allowed, int64_t now)
{
	uint32_t few[16], *rows = few;

	if (!allowed || !allowed->index)
		return;
	size_t found = netset_inside(allowed->index, &r->net, few, ARRAY_LEN(few));
	if (found > ARRAY_LEN(few)) {
		rows = xmalloc(found * sizeof(*rows));
		netset_inside(allowed->index, &r->net, rows, found);
	}
	r->allowed_first = out->allowed_total;
	xgrow(&out->allowed, &out->allowed_cap, out->allowed_total + found + 1,
		sizeof(*out->allowed));
	for (size_t i = 0; i < found; i++)
		if (entry_state(allowed, rows[i], now) == ENTRY_ACTIVE)
			out->allowed[out->allowed_total++] = rows[i];
	ptrdiff_t around = entrylist_covering(allowed, &r->net, -1, now);
	if (around >= 0 && entrylist_find(allowed, &r->net) < 0)
		out->allowed[out->allowed_total++] = (uint32_t)around;
	r->allowed_count = out->allowed_total - r->allowed_first;
	if (rows != few)
		free(rows);
}

static uint64_t bans_of(const struct range_item *items, size_t n)
{
	uint64_t bans = 0;

	for (size_t i = 0; i < n; i++)
		bans += items[i].bans;
	return bans;
}

/* How many of the sorted items lie in the lower half of net. */
static size_t lower_half(const struct range_item *items, size_t n, const struct net *net)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (items[mid].net.addr[net->prefix / 8] & 0x80 >> net->prefix % 8)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* Narrows *items, *n and *net as long as what stays outside is not worth a network, and no more
 * than a fifth of it all. */
static void leave_strays(const struct range_item **items, size_t *n, struct net *net, uint64_t min_bans)
{
	uint64_t strays = 0, most = bans_of(*items, *n) / 5;

	most = most < min_bans ? most : min_bans - 1;
	for (;;) {
		/* The items are sorted: what the first and the last have in common, all have,
		 * unless a wider one is the first. */
		uint8_t prefix = common_prefix(&(*items)[0].net, &(*items)[*n - 1].net);
		size_t low;
		uint64_t below, above;

		net_widen(&(*items)[0].net, prefix, net);
		if (*n < 2 || (*items)[0].net.prefix == prefix)
			return;
		low = lower_half(*items, *n, net);
		below = bans_of(*items, low);
		above = bans_of(*items + low, *n - low);
		if (below < above && above >= min_bans && strays + below <= most) {
			strays += below;
			*items += low;
			*n -= low;
		} else if (below > above && below >= min_bans && strays + above <= most) {
			strays += above;
			*n = low;
		} else {
			return;
		}
	}
}

/* items[0..n) lie in `group`. */
static void add_group(
	const struct ranges_work *g, const struct range_item *items, size_t n, const struct net *group)
{
	struct ranges *out = g->out;
	uint64_t min_bans = g->opt.min_bans ? g->opt.min_bans : MIN_BANS;
	struct net net = *group;

	if (bans_of(items, n) < min_bans)
		return;
	if (g->opt.tight)
		leave_strays(&items, &n, &net, min_bans);
	xgrow(&out->rows, &out->cap, out->count + 1, sizeof(*out->rows));
	struct range *r = &out->rows[out->count++];
	*r = (struct range){.net = net, .bans = bans_of(items, n), .first = out->value_count, .count = n};
	for (size_t i = 0; i < n; i++)
		out->values[out->value_count++] = items[i].value;
	add_allowed(out, r, g->allowed, g->now);
	r->is_blocked = g->blocked && g->blocked->index &&
			entrylist_covering(g->blocked, &r->net, -1, g->now) >= 0;
}

static int cmp_range(const void *x, const void *y)
{
	const struct range *a = x, *b = y;

	if (a->bans != b->bans)
		return a->bans > b->bans ? -1 : 1;
	return net_cmp(&a->net, &b->net);
}

void ranges_begin(struct ranges_work *w, const struct range_item *items, size_t n,
	const struct range_options *opt, const struct entrylist *blocked,
	const struct entrylist *allowed, int64_t now, struct ranges *out)
{
	*w = (struct ranges_work){
		.items = items, .n = n, .opt = *opt, .blocked = blocked, .allowed = allowed, .now = now, .out = out};
	memset(out, 0, sizeof(*out));
	out->values = xmalloc((n ? n : 1) * sizeof(*out->values));
}

/* rows[at] goes down: the root comes last. */
static void sift(struct range *rows, size_t n, size_t at)
{
	for (;;) {
		size_t big = at;

		for (size_t child = 2 * at + 1; child < n && child <= 2 * at + 2; child++)
			if (cmp_range(&rows[child], &rows[big]) > 0)
				big = child;
		if (big == at)
			return;
		struct range swap = rows[at];
		rows[at] = rows[big];
		rows[big] = swap;
		at = big;
	}
}

static bool sort_some(struct ranges_work *w, size_t max)
{
	struct range *rows = w->out->rows;
	size_t left = max ? max : SIZE_MAX;

	for (; w->heap > 0 && left; left--)
		sift(rows, w->out->count, --w->heap);
	for (; w->sorted > 1 && left; left--) {
		struct range first = rows[0];

		rows[0] = rows[--w->sorted];
		rows[w->sorted] = first;
		sift(rows, w->sorted, 0);
	}
	return w->heap == 0 && w->sorted <= 1;
}

bool ranges_step(struct ranges_work *w, size_t max)
{
	uint8_t prefix4 = w->opt.prefix4 ? w->opt.prefix4 : PREFIX4,
		prefix6 = w->opt.prefix6 ? w->opt.prefix6 : PREFIX6;
	size_t stop = max && w->n - w->at > max ? w->at + max : w->n;

	while (w->at < stop) {
		const struct range_item *first = &w->items[w->at];
		size_t end = w->at + 1;
		struct net group;

		if (!first->net.family || first->net.prefix < (first->net.family == 4 ? prefix4 : prefix6)) {
			w->at++;
			continue;
		}
		net_widen(&first->net, first->net.family == 4 ? prefix4 : prefix6, &group);
		while (end < w->n && net_contains(&group, &w->items[end].net))
			end++;
		add_group(w, first, end - w->at, &group);
		w->at = end;
	}
	if (w->at < w->n)
		return false;
	if (!w->is_found) {
		w->is_found = true;
		w->heap = w->out->count / 2;
		w->sorted = w->out->count;
	}
	return sort_some(w, max);
}

void ranges_sort(struct range_item *items, size_t n)
{
	sort_unless_sorted(items, n, sizeof(*items), cmp_item);
}

void ranges_find(struct range_item *items, size_t n, const struct range_options *opt,
	const struct entrylist *blocked, const struct entrylist *allowed, int64_t now,
	struct ranges *out)
{
	struct ranges_work w;

	ranges_sort(items, n);
	ranges_begin(&w, items, n, opt, blocked, allowed, now, out);
	ranges_step(&w, 0);
}

/* a and b are the two halves of one network. */
static bool are_halves(const struct net *a, const struct net *b)
{
	struct net up_a, up_b;

	if (a->family != b->family || a->prefix != b->prefix || !a->prefix)
		return false;
	net_widen(a, (uint8_t)(a->prefix - 1), &up_a);
	net_widen(b, (uint8_t)(b->prefix - 1), &up_b);
	return net_equal(&up_a, &up_b) && !net_equal(a, b);
}

/* In sorted order what is merged is always at the end of what is kept: a stack. */
size_t nets_merge(struct net *nets, size_t n)
{
	size_t kept = 0;

	sort_unless_sorted(nets, n, sizeof(*nets), cmp_net);
	for (size_t i = 0; i < n; i++) {
		if (kept && net_contains(&nets[kept - 1], &nets[i]))
			continue;
		nets[kept++] = nets[i];
		while (kept > 1 && are_halves(&nets[kept - 2], &nets[kept - 1])) {
			kept--;
			net_widen(&nets[kept - 1], (uint8_t)(nets[kept - 1].prefix - 1),
				&nets[kept - 1]);
		}
	}
	return kept;
}

/* Adds 2^(bits - prefix) to the address; false when it runs over the end. */
static bool step(uint8_t *addr, uint8_t prefix)
{
	int i = (prefix - 1) / 8;
	unsigned carry = prefix ? 1u << (7 - (prefix - 1) % 8) : 0;

	if (!prefix)
		return false;
	for (; i >= 0 && carry; i--) {
		carry += addr[i];
		addr[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return !carry;
}

/* Last address of a net, as a net of one address. */
static void last_of(const struct net *n, struct net *out)
{
	uint8_t bits = n->family == 4 ? 32 : 128;

	*out = *n;
	out->prefix = bits;
	for (uint8_t i = n->prefix; i < bits; i++)
		out->addr[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

size_t nets_of_range(const struct net *first, const struct net *last, struct net *out, size_t max)
{
	struct net at = *first;
	uint8_t bits = first->family == 4 ? 32 : 128;
	size_t n = 0;

	if (!first->family || first->family != last->family ||
		memcmp(first->addr, last->addr, 16) > 0)
		return 0;
	for (;;) {
		struct net wide = at, up, end;

		/* Widen while the network still begins here and ends in time. */
		for (wide.prefix = bits; wide.prefix; wide = up) {
			net_widen(&wide, (uint8_t)(wide.prefix - 1), &up);
			last_of(&up, &end);
			if (memcmp(up.addr, at.addr, 16) != 0 ||
				memcmp(end.addr, last->addr, 16) > 0)
				break;
		}
		if (n < max)
			out[n] = wide;
		n++;
		last_of(&wide, &end);
		if (memcmp(end.addr, last->addr, 16) >= 0)
			return n;
		if (!step(at.addr, wide.prefix))
			return n;
	}
}
