/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Order of list rows: IPv4, IPv6, malformed; then address, then the wider first. Used by entry.c only. */
#ifndef MODEL_ENTRY_SORT_H
#define MODEL_ENTRY_SORT_H

#include "model/entry.h"

int entry_cmp_net(const struct entry *a, const struct entry *b); /* malformed ones compare equal */
/* Stable for equal nets; malformed rows by their text in arena. */
void entry_sort(struct entry *rows, size_t n, const char *arena);

#endif
