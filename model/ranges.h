/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranges: offenders grouped by prefix, networks worth one rule, and the exact merging of nets. Pure; a million in well
 * under a second. */
#ifndef MODEL_RANGES_H
#define MODEL_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/entry.h"
#include "model/net.h"

struct range_item {
	struct net net;
	uint32_t bans;           /* times banned; 1 for a row of a list */
	uint32_t value;          /* caller's: a row number */
};

struct range_options {
	uint8_t prefix4, prefix6; /* widest network proposed and the grouping; 0 = 24 and 48 */
	uint64_t min_bans;        /* bans a network must cover; 0 = 2 */
	bool tight; /* narrow each group to the smallest network around its members, but for strays: together fewer bans
		       than would make a network of their own, and a fifth of all at most */
};

struct range {
	struct net net;
	uint64_t bans;
	size_t first, count;     /* members: values[first .. first + count), the entries it would replace */
	size_t allowed_first, allowed_count; /* allowed entries it would hit: rows of `allowed` */
	bool is_blocked;         /* an active blocked entry covers it whole already */
};

struct ranges {
	struct range *rows;      /* most bans first, then by net */
	size_t count, cap;
	uint32_t *values;
	size_t value_count;
	uint32_t *allowed;
	size_t allowed_total, allowed_cap;
};

/* items are sorted in place (net_cmp). allowed and blocked may be NULL; expired entries don't count. Items wider than
 * the prefix are left out. */
void ranges_find(struct range_item *items, size_t n, const struct range_options *opt, const struct entrylist *blocked,
	const struct entrylist *allowed, int64_t now, struct ranges *out);
/* The same piece by piece, for a loop that must not wait: items are sorted (ranges_sort) and stay as they are
 * meanwhile, as do the lists. A step looks at `max` items and what belongs to the last of them (0 = all); true when it
 * is done. */
struct ranges_work {
	const struct range_item *items;
	size_t n, at;
	struct range_options opt;
	const struct entrylist *blocked, *allowed;
	int64_t now;
	struct ranges *out;
	bool is_found;           /* what is left is to sort: a heap of the rows before `sorted` */
	size_t heap, sorted;
};
void ranges_sort(struct range_item *items, size_t n); /* quick when they are */
void ranges_begin(struct ranges_work *w, const struct range_item *items, size_t n, const struct range_options *opt,
	const struct entrylist *blocked, const struct entrylist *allowed, int64_t now, struct ranges *out);
bool ranges_step(struct ranges_work *w, size_t max);
void ranges_release(struct ranges *r);

/* Sorts and merges in place: covered nets go, two halves become one, again and again. The same addresses, fewest nets.
 * Returns how many are left. */
size_t nets_merge(struct net *nets, size_t n);
/* The nets that make up first..last (same family, first <= last), at most 254; returns how many, fills at most max. */
size_t nets_of_range(const struct net *first, const struct net *last, struct net *out, size_t max);

#endif
