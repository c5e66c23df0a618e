/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Open addressing in parts, with the rows apart, so that growing moves only small numbers and few of them. */
#include "store/aggmap.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "store/history_scan.h"

static void aggmap_init(struct aggmap *m)
{
	memset(m, 0, sizeof(*m));
}

void aggmap_release(struct aggmap *m)
{
	size_t i;

	for (i = 0; i < AGG_SHARDS; i++)
		free(m->shards[i].slots);
	free(m->rows);
	aggmap_init(m);
}

static uint64_t hash_of(uint64_t a, uint64_t b, uint64_t c)
{
	return scan_mix(a ^ scan_mix(b ^ (c * UINT64_C(0x9e3779b97f4a7c15))));
}

/* The upper bits choose the part, the lower ones the slot in it. */
static size_t shard_of(uint64_t hash)
{
	return (size_t)(hash >> 58) & (AGG_SHARDS - 1);
}

static void grow(const struct aggmap *m, struct agg_shard *shard)
{
	size_t old_count = shard->slot_count, i, at;
	uint32_t *old = shard->slots;

	shard->slot_count = old_count ? old_count * 4 : 16;
	shard->slots = xcalloc(shard->slot_count, sizeof(*shard->slots));
	for (i = 0; i < old_count; i++) {
		const struct agg *r = old[i] ? &m->rows[old[i] - 1] : NULL;

		if (r == NULL)
			continue;
		for (at = (size_t)hash_of(r->key[0], r->key[1], r->key[2]) & (shard->slot_count - 1); shard->slots[at];)
			at = (at + 1) & (shard->slot_count - 1);
		shard->slots[at] = old[i];
	}
	free(old);
}

/* The slot of that key, or the free one where it belongs. The part has one. */
static size_t slot_of(const struct aggmap *m, const struct agg_shard *shard, uint64_t hash, uint64_t a, uint64_t b,
	uint64_t c)
{
	size_t at;

	for (at = (size_t)hash & (shard->slot_count - 1); shard->slots[at]; at = (at + 1) & (shard->slot_count - 1)) {
		const struct agg *r = &m->rows[shard->slots[at] - 1];

		if (r->key[0] == a && r->key[1] == b && r->key[2] == c)
			break;
	}
	return at;
}

struct agg *aggmap_find(const struct aggmap *m, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t hash = hash_of(a, b, c);
	const struct agg_shard *shard = &m->shards[shard_of(hash)];
	size_t at;

	if (shard->count == 0)
		return NULL;
	at = slot_of(m, shard, hash, a, b, c);
	return shard->slots[at] ? &m->rows[shard->slots[at] - 1] : NULL;
}

struct agg *aggmap_get(struct aggmap *m, uint64_t a, uint64_t b, uint64_t c, bool *is_new)
{
	uint64_t hash = hash_of(a, b, c);
	struct agg_shard *shard = &m->shards[shard_of(hash)];
	struct agg *r;
	size_t at;

	if ((shard->count + 1) * 2 > shard->slot_count)
		grow(m, shard);
	at = slot_of(m, shard, hash, a, b, c);
	*is_new = shard->slots[at] == 0;
	if (!*is_new)
		return &m->rows[shard->slots[at] - 1];
	xgrow(&m->rows, &m->cap, m->count + 1, sizeof(*m->rows));
	r = &m->rows[m->count++];
	memset(r, 0, sizeof(*r));
	r->key[0] = a;
	r->key[1] = b;
	r->key[2] = c;
	shard->slots[at] = (uint32_t)m->count;
	shard->count++;
	return r;
}

void aggmap_net_key(const struct net *n, uint64_t key[3])
{
	memcpy(key, n->addr, 16);
	key[2] = (uint64_t)n->family | (uint64_t)n->prefix << 8;
}

void aggmap_key_net(const uint64_t key[3], struct net *n)
{
	memset(n, 0, sizeof(*n));
	memcpy(n->addr, key, 16);
	n->family = (uint8_t)key[2];
	n->prefix = (uint8_t)(key[2] >> 8);
}

/* Puts it where it belongs among slots with room; true = was not there. */
static bool put_print(struct fingerprint_shard *shard, uint64_t print)
{
	size_t at;

	for (at = (size_t)print & (shard->slot_count - 1); shard->slots[at]; at = (at + 1) & (shard->slot_count - 1)) {
		if (shard->slots[at] == print)
			return false;
	}
	shard->slots[at] = print;
	return true;
}

bool fingerprints_add(struct fingerprints *f, uint64_t print)
{
	struct fingerprint_shard *shard;
	uint64_t *old;
	size_t i, old_count;
	bool is_new;

	print += print == 0;
	shard = &f->shards[shard_of(print)];
	if ((shard->count + 1) * 2 > shard->slot_count) {
		old = shard->slots;
		old_count = shard->slot_count;
		shard->slot_count = old_count ? old_count * 4 : 16;
		shard->slots = xcalloc(shard->slot_count, sizeof(*shard->slots));
		for (i = 0; i < old_count; i++) {
			if (old[i])
				put_print(shard, old[i]);
		}
		free(old);
	}
	is_new = put_print(shard, print);
	shard->count += is_new;
	f->count += is_new;
	return is_new;
}

void fingerprints_release(struct fingerprints *f)
{
	size_t i;

	for (i = 0; i < AGG_SHARDS; i++)
		free(f->shards[i].slots);
	memset(f, 0, sizeof(*f));
}
