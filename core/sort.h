/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qsort(3) for what mostly is in order already. */
#ifndef CORE_SORT_H
#define CORE_SORT_H

#include <stddef.h>

/* Lists arrive sorted most of the time: looking costs a millisecond, sorting a million a hundred. */
void sort_unless_sorted(void *items, size_t n, size_t size, int (*cmp)(const void *, const void *));

#endif
