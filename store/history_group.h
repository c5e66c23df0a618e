/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups of bans in the making. Private to history_group.c, which does the work, and
 * history_grouping.c, which cuts it into steps. */
#ifndef STORE_HISTORY_GROUP_H
#define STORE_HISTORY_GROUP_H

#include "store/history_scan.h"

/* Ids of addresses and words, days and classes are small and dense: groups are looked up by index,
 * which is what keeps a million rows under a tenth of a second. */
struct group {
	uint8_t addr[16]; /* of an address or a range */
	uint8_t family, prefix;
	uint32_t index; /* day, class or word */
	uint32_t bans, addresses;
	uint32_t first, last; /* s */
	uint32_t by_class[CLASS_COUNT];
};

struct grouping {
	const struct scan_filter *filter;
	enum history_by by;
	struct group *groups;
	size_t count;    /* of slots, used or not */
	uint64_t *pairs; /* group and address, for counting what is distinct; with repeats */
	size_t pair_count, pair_cap;
	uint64_t pair_bits; /* that are set in any */
	struct radix {
		uint64_t *from, *to; /* the pairs, and room for as many */
		unsigned shift;
		bool is_placing; /* after counting */
		size_t done, at[2048];
	} radix;
	uint32_t *last_group; /* per address + 1: the group it was in before; saves most repeats */
	size_t address_count;
	/* where the phase at work is: groups looked at and kept; of sorting, what is a heap by now */
	size_t at, kept, heap;
	bool is_sorting;
	uint32_t *slots; /* of ranges: row + 1 */
	size_t slot_count;
};

/* Room for ids up to those, so that nothing has to grow while bans are added. */
void group_reserve(struct grouping *g, size_t groups, size_t addresses);
void group_add_bans(const struct packed_ban *rows, size_t count, void *arg); /* arg: struct grouping */
void group_release(struct grouping *g);

/* Phase by phase, each looking at `max` groups or pairs at most (0 = all); true when it is done. */
bool group_sort_pairs(struct grouping *g, size_t max);
bool group_count_addresses(
	struct grouping *g, size_t max);            /* how many different ones each group has, by the sorted pairs */
bool group_compact(struct grouping *g, size_t max); /* moves the used groups to the front */
bool group_fold_ranges(struct grouping *g, uint8_t prefix4, uint8_t prefix6, size_t max);
bool group_leave_out(struct grouping *g, uint64_t at_least, size_t max);
/* The first `limit` rows (0 = all) in order, to the front, and count becomes theirs: a heap of the best so far, so that
 * a million groups need no full sort. */
bool group_sort_first(struct grouping *g, size_t limit, enum history_sort sort, size_t max);

void group_join_servers(struct grouping *g); /* one address has one id a server */
void group_net(const struct group *r, struct net *out);

#endif
