/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A set of 64-bit ids. */
#include "tui/idset.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define FREE 0
#define REMOVED 1

static size_t first_slot(const struct idset *s, uint64_t id)
{
	id ^= id >> 33;
	id *= 0xff51afd7ed558ccdULL;
	id ^= id >> 33;
	return (size_t)id & (s->cap - 1);
}

void idset_release(struct idset *s)
{
	free(s->slot);
	memset(s, 0, sizeof(*s));
}

static void rehash(struct idset *s, size_t cap)
{
	struct idset fresh = { .slot = xcalloc(cap, sizeof(uint64_t)), .cap = cap, .len = s->len,
		.has_low = { s->has_low[0], s->has_low[1] } };

	for (size_t i = 0; i < s->cap; i++) {
		size_t at;

		if (s->slot[i] <= REMOVED)
			continue;
		at = first_slot(&fresh, s->slot[i]);
		while (fresh.slot[at] != FREE)
			at = (at + 1) & (cap - 1);
		fresh.slot[at] = s->slot[i];
		fresh.used++;
	}
	free(s->slot);
	*s = fresh;
}

void idset_reserve(struct idset *s, size_t n)
{
	size_t cap = 16;

	while (cap < n + n / 2)
		cap *= 2;
	if (cap > s->cap)
		rehash(s, cap);
}

/* Where id is, or cap. */
static size_t find(const struct idset *s, uint64_t id)
{
	if (s->cap == 0)
		return 0;
	for (size_t at = first_slot(s, id); s->slot[at] != FREE; at = (at + 1) & (s->cap - 1))
		if (s->slot[at] == id)
			return at;
	return s->cap;
}

bool idset_has(const struct idset *s, uint64_t id)
{
	if (id <= REMOVED)
		return s->has_low[id];
	return find(s, id) < s->cap;
}

bool idset_add(struct idset *s, uint64_t id)
{
	size_t at;

	if (idset_has(s, id))
		return false;
	s->len++;
	if (id <= REMOVED) {
		s->has_low[id] = true;
		return true;
	}
	if ((s->used + 1) * 4 > s->cap * 3)
		rehash(s, s->cap == 0 ? 16 : s->len * 2 > s->cap ? s->cap * 2 : s->cap);
	at = first_slot(s, id);
	while (s->slot[at] > REMOVED)
		at = (at + 1) & (s->cap - 1);
	s->used += s->slot[at] == FREE;
	s->slot[at] = id;
	return true;
}

bool idset_remove(struct idset *s, uint64_t id)
{
	if (!idset_has(s, id))
		return false;
	s->len--;
	if (id <= REMOVED)
		s->has_low[id] = false;
	else
		s->slot[find(s, id)] = REMOVED;
	return true;
}
