/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stable sort of row numbers by cached keys that works in slices: numbers by radix, texts by merging.
 * Knows no view: keys are put in row order. */
#ifndef TUI_SORTER_H
#define TUI_SORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sort_item {
	uint64_t key; /* the number, or the first bytes of the text */
	uint32_t row;
};

struct sorter {
	struct sort_item *from, *to; /* a pass reads from and writes to */
	const char **text;           /* by row; NULL when numbers are sorted */
	size_t count, put;
	bool descending, counted, sorted_as_put;
	size_t histogram[8][256];
	int pass;                    /* radix: byte 0 … 7 */
	size_t at;                   /* next item of the pass */
	size_t width, lo, i, j, k;   /* merge: runs of `width` from lo; heads and output */
};

void sorter_init(struct sorter *s, size_t count, bool by_text, bool descending);
void sorter_release(struct sorter *s);
void sorter_put_number(struct sorter *s, int64_t key);
void sorter_put_text(struct sorter *s, const char *key); /* borrowed until sorted */
/* Works for about `items` items; true when all is sorted. Every row must have been put. */
bool sorter_step(struct sorter *s, size_t items);
void sorter_rows(const struct sorter *s, uint32_t *out);

/* Order of texts: ASCII case aside, then by bytes. */
int sorter_compare_text(const char *a, const char *b);

#endif
