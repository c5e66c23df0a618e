/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Open addressing with the rows apart, so that growing moves only small numbers. */
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
	free(m->rows);
	free(m->slots);
	aggmap_init(m);
}

static size_t slot_of(uint64_t a, uint64_t b, uint64_t c, size_t slots)
{
	return (size_t)scan_mix(a ^ scan_mix(b ^ (c * UINT64_C(0x9e3779b97f4a7c15)))) & (slots - 1);
}

static void grow(struct aggmap *m)
{
	size_t i, at;

	m->slot_count = m->slot_count ? m->slot_count * 4 : 256;
	free(m->slots);
	m->slots = xcalloc(m->slot_count, sizeof(*m->slots));
	for (i = 0; i < m->count; i++) {
		const struct agg *r = &m->rows[i];

		for (at = slot_of(r->key[0], r->key[1], r->key[2], m->slot_count); m->slots[at];)
			at = (at + 1) & (m->slot_count - 1);
		m->slots[at] = (uint32_t)i + 1;
	}
}

struct agg *aggmap_find(const struct aggmap *m, uint64_t a, uint64_t b, uint64_t c)
{
	size_t at;

	if (m->count == 0)
		return NULL;
	for (at = slot_of(a, b, c, m->slot_count); m->slots[at];
		at = (at + 1) & (m->slot_count - 1)) {
		struct agg *r = &m->rows[m->slots[at] - 1];

		if (r->key[0] == a && r->key[1] == b && r->key[2] == c)
			return r;
	}
	return NULL;
}

struct agg *aggmap_get(struct aggmap *m, uint64_t a, uint64_t b, uint64_t c, bool *is_new)
{
	struct agg *r;
	size_t at;

	if ((m->count + 1) * 2 > m->slot_count)
		grow(m);
	for (at = slot_of(a, b, c, m->slot_count); m->slots[at];
		at = (at + 1) & (m->slot_count - 1)) {
		r = &m->rows[m->slots[at] - 1];
		if (r->key[0] == a && r->key[1] == b && r->key[2] == c) {
			*is_new = false;
			return r;
		}
	}
	xgrow(&m->rows, &m->cap, m->count + 1, sizeof(*m->rows));
	r = &m->rows[m->count++];
	memset(r, 0, sizeof(*r));
	r->key[0] = a;
	r->key[1] = b;
	r->key[2] = c;
	m->slots[at] = (uint32_t)m->count;
	*is_new = true;
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

bool fingerprints_add(struct fingerprints *f, uint64_t print)
{
	size_t at, i, old_count = f->slot_count;
	uint64_t *old = f->slots;

	print += print == 0;
	if ((f->count + 1) * 2 > f->slot_count) {
		f->slot_count = old_count ? old_count * 4 : 1024;
		f->slots = xcalloc(f->slot_count, sizeof(*f->slots));
		f->count = 0;
		for (i = 0; i < old_count; i++) {
			if (old[i])
				fingerprints_add(f, old[i]);
		}
		free(old);
	}
	for (at = (size_t)print & (f->slot_count - 1); f->slots[at];
		at = (at + 1) & (f->slot_count - 1)) {
		if (f->slots[at] == print)
			return false;
	}
	f->slots[at] = print;
	f->count++;
	return true;
}

void fingerprints_release(struct fingerprints *f)
{
	free(f->slots);
	memset(f, 0, sizeof(*f));
}
