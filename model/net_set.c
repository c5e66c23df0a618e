/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A set of nets for coverage questions. Single addresses, nearly all of a ban list, take 8 (IPv4)
 * or 20 (IPv6) bytes; networks are kept apart, sorted, each knowing the nearest one around it. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/sort.h"
#include "model/net.h"

#define NO_PARENT UINT32_MAX

struct addr4 {
	uint32_t addr;
	uint32_t value;
};

struct addr6 {
	uint8_t addr[16];
	uint32_t value;
};

struct block {
	struct net net;
	uint32_t value;
	uint32_t parent; /* index of the narrowest block around this one; an equal one counts */
};

struct netset {
	struct addr4 *a4;
	struct addr6 *a6;
	struct block *blocks;
	size_t n4, cap4, n6, cap6, nb, capb;
};

/* Where answers go: counts all, stores the first max. */
struct sink {
	uint32_t *values;
	size_t max, n;
};

struct netset *netset_new(void)
{
	return xcalloc(1, sizeof(struct netset));
}

void netset_free(struct netset *s)
{
	if (!s)
		return;
	free(s->a4);
	free(s->a6);
	free(s->blocks);
	free(s);
}

static uint32_t addr4_of(const struct net *n)
{
	return (uint32_t)n->addr[0] << 24 | (uint32_t)n->addr[1] << 16 | (uint32_t)n->addr[2] << 8 |
	       n->addr[3];
}

void netset_add(struct netset *s, const struct net *n, uint32_t value)
{
	if (!n->family)
		return;
	if (!net_is_address(n)) {
		xgrow(&s->blocks, &s->capb, s->nb + 1, sizeof(*s->blocks));
		s->blocks[s->nb++] = (struct block){*n, value, NO_PARENT};
	} else if (n->family == 4) {
		xgrow(&s->a4, &s->cap4, s->n4 + 1, sizeof(*s->a4));
		s->a4[s->n4++] = (struct addr4){addr4_of(n), value};
	} else {
		xgrow(&s->a6, &s->cap6, s->n6 + 1, sizeof(*s->a6));
		memcpy(s->a6[s->n6].addr, n->addr, 16);
		s->a6[s->n6++].value = value;
	}
}

static int cmp4(const void *a, const void *b)
{
	const struct addr4 *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

static int cmp6(const void *a, const void *b)
{
	const struct addr6 *x = a, *y = b;
	int c = memcmp(x->addr, y->addr, 16);

	return c ? c : x->value < y->value ? -1 : x->value > y->value;
}

static int cmp_block(const void *a, const void *b)
{
	const struct block *x = a, *y = b;
	int c = net_cmp(&x->net, &y->net);

	return c ? c : x->value < y->value ? -1 : x->value > y->value;
}

static void link_parents(struct netset *s)
{
	for (size_t i = 1; i < s->nb; i++) {
		uint32_t p = (uint32_t)(i - 1);

		while (p != NO_PARENT && !net_contains(&s->blocks[p].net, &s->blocks[i].net))
			p = s->blocks[p].parent;
		s->blocks[i].parent = p;
	}
}

/* Gives back what doubling left over. */
static void *shrink(void *items, size_t *cap, size_t n, size_t size)
{
	if (!n || n == *cap)
		return items;
	*cap = n;
	return xreallocarray(items, n, size);
}

void netset_finish(struct netset *s)
{
	s->a4 = shrink(s->a4, &s->cap4, s->n4, sizeof(*s->a4));
	s->a6 = shrink(s->a6, &s->cap6, s->n6, sizeof(*s->a6));
	s->blocks = shrink(s->blocks, &s->capb, s->nb, sizeof(*s->blocks));
	sort_unless_sorted(s->a4, s->n4, sizeof(*s->a4), cmp4);
	sort_unless_sorted(s->a6, s->n6, sizeof(*s->a6), cmp6);
	sort_unless_sorted(s->blocks, s->nb, sizeof(*s->blocks), cmp_block);
	link_parents(s);
}

static void sink_put(struct sink *out, uint32_t value)
{
	if (out->n < out->max)
		out->values[out->n] = value;
	out->n++;
}

/* First index of `items` that is not below key; cmp as for bsearch. */
static size_t lower_bound(const void *items, size_t n, size_t size, const void *key,
	int (*cmp)(const void *, const void *))
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cmp((const char *)items + mid * size, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint64_t half(const uint8_t *addr)
{
	uint64_t w;

	memcpy(&w, addr, sizeof(w));
	return be64toh(w);
}

/* net_cmp(a, b) <= 0, a few instructions each: asked for every row of a list. */
static bool sorts_not_after(const struct net *a, const struct net *b)
{
	uint64_t x, y;

	if (a->family != b->family)
		return a->family < b->family;
	x = half(a->addr), y = half(b->addr);
	if (x == y)
		x = half(a->addr + 8), y = half(b->addr + 8);
	return x != y ? x < y : a->prefix <= b->prefix;
}

/* Blocks that do not sort after n. */
static size_t blocks_up_to(const struct netset *s, const struct net *n)
{
	size_t lo = 0, hi = s->nb;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sorts_not_after(&s->blocks[mid].net, n))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Blocks around n, widest first: the chain of parents of the last block that does not sort after n.
 */
static void put_blocks_around(const struct netset *s, const struct net *n, struct sink *out)
{
	size_t at = blocks_up_to(s, n);
	uint32_t i = at ? (uint32_t)(at - 1) : NO_PARENT;
	size_t depth = 0;

	while (i != NO_PARENT && !net_contains(&s->blocks[i].net, n))
		i = s->blocks[i].parent;
	for (uint32_t k = i; k != NO_PARENT; k = s->blocks[k].parent)
		depth++;
	out->n = depth;
	for (; i != NO_PARENT; i = s->blocks[i].parent)
		if (--depth < out->max)
			out->values[depth] = s->blocks[i].value;
}

static void put_addresses(const struct netset *s, const struct net *n, struct sink *out)
{
	if (n->family == 4) {
		uint32_t first = addr4_of(n);
		uint32_t last = n->prefix ? first | (uint32_t)(0xffffffffu >> (n->prefix - 1) >> 1)
					  : 0xffffffffu;
		struct addr4 key = {first, 0};

		for (size_t i = lower_bound(s->a4, s->n4, sizeof(key), &key, cmp4);
			i < s->n4 && s->a4[i].addr <= last; i++)
			sink_put(out, s->a4[i].value);
		return;
	}
	struct addr6 key = {.value = 0};
	memcpy(key.addr, n->addr, 16);
	for (size_t i = lower_bound(s->a6, s->n6, sizeof(key), &key, cmp6); i < s->n6; i++) {
		struct net a = {.family = 6, .prefix = 128};

		memcpy(a.addr, s->a6[i].addr, 16);
		if (!net_contains(n, &a))
			break;
		sink_put(out, s->a6[i].value);
	}
}

size_t netset_covering(const struct netset *s, const struct net *n, uint32_t *values, size_t max)
{
	struct sink out = {values, max, 0};

	if (!n->family)
		return 0;
	if (s->nb)
		put_blocks_around(s, n, &out);
	if (net_is_address(n))
		put_addresses(s, n, &out);
	return out.n;
}

size_t netset_networks_around(const struct netset *s, const struct net *n, uint32_t *values, size_t max)
{
	struct sink out = {values, max, 0};

	if (n->family && s->nb)
		put_blocks_around(s, n, &out);
	return out.n;
}

size_t netset_inside(const struct netset *s, const struct net *n, uint32_t *values, size_t max)
{
	struct sink out = {values, max, 0};
	struct block key = {*n, 0, 0};

	if (!n->family)
		return 0;
	for (size_t i = lower_bound(s->blocks, s->nb, sizeof(key), &key, cmp_block); i < s->nb;
		i++) {
		if (!net_contains(n, &s->blocks[i].net))
			break;
		sink_put(&out, s->blocks[i].value);
	}
	put_addresses(s, n, &out);
	return out.n;
}
