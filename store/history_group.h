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
	uint32_t *last_group; /* per address + 1: the group it was in before; saves most repeats */
	size_t address_count;
};

void group_add_bans(const struct packed_ban *rows, size_t count, void *arg); /* arg: struct grouping */
void group_count_addresses(struct grouping *g); /* how many different ones each group has */
void group_compact(struct grouping *g);         /* moves the used groups to the front */
/* After group_compact(). */
void group_fold_ranges(struct grouping *g, uint8_t prefix4, uint8_t prefix6);
void group_join_servers(struct grouping *g); /* one address has one id a server */
void group_net(const struct group *r, struct net *out);
/* The first `limit` rows (0 = all) in order, to the front: a heap of the best so far, so that a
 * million groups need no full sort. */
size_t group_sort_first(struct group *rows, size_t count, size_t limit, enum history_by by,
	enum history_sort sort);

#endif
