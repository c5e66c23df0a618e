/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Order of list rows: IPv4, IPv6, malformed; then address, then the wider first. Used by entry*.c only. */
#ifndef MODEL_ENTRY_SORT_H
#define MODEL_ENTRY_SORT_H

#include "model/entry.h"

int entry_cmp_net(const struct entry *a, const struct entry *b); /* malformed ones compare equal */
int entry_cmp_stable(const struct entry *a, const struct entry *b); /* equal nets in order of arrival */
void entry_sort_nets(struct entry *rows, size_t n);                  /* by entry_cmp_stable() */
/* The malformed ones at the end of sorted rows, by their text in arena. */
void entry_sort_malformed(struct entry *rows, size_t n, const char *arena);
void entry_finish_free(struct entry_finish *f);

#endif
