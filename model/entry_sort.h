/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Order of list rows: IPv4, IPv6, malformed; then address, then the wider first. Used by entry*.c only. */
#ifndef MODEL_ENTRY_SORT_H
#define MODEL_ENTRY_SORT_H

#include "model/entry.h"

int entry_cmp_net(const struct entry *a, const struct entry *b); /* malformed ones compare equal */
/* Sorts rows in place, equal nets in order of arrival, in steps of about that many rows. A step is at least a move of each of some rows or
 * one whole small bucket. */
struct entry_sorter;
struct entry_sorter *entry_sorter_new(struct entry *rows, size_t n); /* rows are borrowed */
bool entry_sorter_step(struct entry_sorter *s, size_t rows);         /* true when all is sorted */
void entry_sorter_free(struct entry_sorter *s);
/* The malformed ones at the end of sorted rows, by their text in arena. */
void entry_sort_malformed(struct entry *rows, size_t n, const char *arena);
void entry_finish_free(struct entry_finish *f);

#endif
