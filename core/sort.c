/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorting, done only where it is needed. */
#include "core/sort.h"

#include <stdlib.h>

void sort_unless_sorted(void *items, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	const char *p = items;

	for (size_t i = 1; i < n; i++) {
		if (cmp(p + (i - 1) * size, p + i * size) > 0) {
			qsort(items, n, size, cmp);
			return;
		}
	}
}
