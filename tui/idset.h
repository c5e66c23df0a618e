/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A set of 64-bit ids: which rows are marked. Open addressing, never shrinks until cleared. */
#ifndef TUI_IDSET_H
#define TUI_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idset {
	uint64_t *slot;  /* 0 = free, 1 = removed; ids 0 and 1 are kept apart */
	size_t cap, used; /* used counts removed slots too */
	size_t len;
	bool has_low[2];
};

void idset_release(struct idset *s);
void idset_reserve(struct idset *s, size_t n); /* room for n ids without growing */
bool idset_has(const struct idset *s, uint64_t id);
bool idset_add(struct idset *s, uint64_t id);    /* false: was there */
bool idset_remove(struct idset *s, uint64_t id); /* false: was not */

#endif
