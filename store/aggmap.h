/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A hash table of counters with fixed-size keys, for summing up a batch or a scan before anything
 * is written or sorted. */
#ifndef STORE_AGGMAP_H
#define STORE_AGGMAP_H

#include <stddef.h>
#include <stdint.h>

#include "model/net.h"

struct agg {
	uint64_t key[3];
	int64_t first, last;   /* whatever the user keeps, often times */
	int64_t id;            /* user's */
	uint64_t count, other; /* user's */
	uint32_t by_class[4];
};

/* Tables are kept in this many parts, each growing for itself: a single one of a million keys would
 * take as long to grow as the loop of a console may not wait. */
#define AGG_SHARDS 64

struct aggmap {
	struct agg *rows; /* in the order they came */
	size_t count, cap;
	struct agg_shard {
		uint32_t *slots; /* row + 1; 0 = free */
		size_t slot_count; /* a power of two */
		size_t count;
	} shards[AGG_SHARDS];
};

void aggmap_release(struct aggmap *m);
/* The row of that key, made (zeroed, *is_new) if there is none. Good until the next call. */
struct agg *aggmap_get(struct aggmap *m, uint64_t a, uint64_t b, uint64_t c, bool *is_new);
struct agg *aggmap_find(const struct aggmap *m, uint64_t a, uint64_t b, uint64_t c); /* NULL */

/* Addresses as keys. */
void aggmap_net_key(const struct net *n, uint64_t key[3]);
void aggmap_key_net(const uint64_t key[3], struct net *n);

/* A set of 64-bit fingerprints, for counting what is distinct. */
struct fingerprints {
	struct fingerprint_shard {
		uint64_t *slots; /* 0 = free */
		size_t count, slot_count;
	} shards[AGG_SHARDS];
	size_t count;
};
bool fingerprints_add(struct fingerprints *f, uint64_t print); /* true = was not in it */
void fingerprints_release(struct fingerprints *f);

#endif
