/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Radix sort for numbers, bottom-up merge sort for texts; both stable and interruptible. */
#include "tui/sorter.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define RUN 16 /* texts are brought into runs of this length by insertion first */

void sorter_init(struct sorter *s, size_t count, bool by_text, bool descending)
{
	memset(s, 0, sizeof(*s));
	s->count = count;
	s->descending = descending;
	s->sorted_as_put = true;
	s->from = xreallocarray(NULL, count + 1, sizeof(*s->from));
	s->to = xreallocarray(NULL, count + 1, sizeof(*s->to));
	if (by_text)
		s->text = xreallocarray(NULL, count + 1, sizeof(*s->text));
}

void sorter_release(struct sorter *s)
{
	free(s->from);
	free(s->to);
	free(s->text);
	memset(s, 0, sizeof(*s));
}

static void put(struct sorter *s, uint64_t key)
{
	s->from[s->put] = (struct sort_item){ key, (uint32_t)s->put };
	if (s->put > 0 && s->from[s->put - 1].key > key)
		s->sorted_as_put = false;
	s->put++;
}

void sorter_put_number(struct sorter *s, int64_t number)
{
	uint64_t key = (uint64_t)number ^ (1ULL << 63);

	if (s->descending)
		key = ~key;
	for (int b = 0; b < 8; b++)
		s->histogram[b][key >> (8 * b) & 255]++;
	put(s, key);
}

static unsigned char fold(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

int sorter_compare_text(const char *a, const char *b)
{
	const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;

	while (*x != '\0' && fold(*x) == fold(*y)) {
		x++;
		y++;
	}
	if (fold(*x) != fold(*y))
		return fold(*x) < fold(*y) ? -1 : 1;
	return strcmp(a, b);
}

void sorter_put_text(struct sorter *s, const char *text)
{
	uint64_t key = 0;
	int n = 0;

	s->text[s->put] = text;
	for (; n < 8 && text[n] != '\0'; n++)
		key = key << 8 | fold((unsigned char)text[n]);
	for (; n < 8; n++)
		key <<= 8;
	put(s, key);
}

/* --- numbers --- */

static void begin_pass(struct sorter *s)
{
	size_t sum = 0;

	for (int d = 0; d < 256; d++) {
		size_t n = s->histogram[s->pass][d];

		s->histogram[s->pass][d] = sum;
		sum += n;
	}
	s->at = 0;
	s->counted = true;
}

/* All items have the same byte here: nothing to do. */
static bool pass_is_idle(const struct sorter *s)
{
	for (int d = 0; d < 256; d++)
		if (s->histogram[s->pass][d] == s->count)
			return true;
	return false;
}

static void swap_arrays(struct sorter *s)
{
	struct sort_item *t = s->from;

	s->from = s->to;
	s->to = t;
}

static bool step_numbers(struct sorter *s, size_t items)
{
	while (s->pass < 8) {
		size_t *offset = s->histogram[s->pass];
		int shift = 8 * s->pass;
		size_t end;

		if (!s->counted) {
			if (pass_is_idle(s)) {
				s->pass++;
				continue;
			}
			begin_pass(s);
		}
		end = s->count - s->at < items ? s->count : s->at + items;
		items -= end - s->at;
		for (; s->at < end; s->at++)
			s->to[offset[s->from[s->at].key >> shift & 255]++] = s->from[s->at];
		if (s->at < s->count)
			return false;
		swap_arrays(s);
		s->counted = false;
		s->pass++;
	}
	return true;
}

/* --- texts --- */

/* Not 0 when b must come before a; equal ones keep their order. */
static bool comes_before(const struct sorter *s, const struct sort_item *b, const struct sort_item *a)
{
	int d;

	if (a->key != b->key)
		d = b->key < a->key ? -1 : 1;
	else
		d = sorter_compare_text(s->text[b->row], s->text[a->row]);
	return s->descending ? d > 0 : d < 0;
}

static void insertion_run(struct sorter *s, size_t lo, size_t hi)
{
	for (size_t i = lo + 1; i < hi; i++) {
		struct sort_item item = s->from[i];
		size_t j = i;

		while (j > lo && comes_before(s, &item, &s->from[j - 1])) {
			s->from[j] = s->from[j - 1];
			j--;
		}
		s->from[j] = item;
	}
}

static bool step_runs(struct sorter *s, size_t *items)
{
	while (s->at < s->count) {
		size_t hi = s->count - s->at < RUN ? s->count : s->at + RUN;

		if (*items == 0)
			return false;
		insertion_run(s, s->at, hi);
		*items -= *items < RUN ? *items : RUN;
		s->at = hi;
	}
	return true;
}

static size_t at_most(size_t n, size_t max)
{
	return n < max ? n : max;
}

static void begin_merge(struct sorter *s)
{
	s->i = s->k = s->lo;
	s->j = at_most(s->lo + s->width, s->count);
}

/* Merges the two runs at lo as far as `items` go. */
static bool merge_some(struct sorter *s, size_t *items)
{
	size_t mid = at_most(s->lo + s->width, s->count), hi = at_most(s->lo + 2 * s->width, s->count);

	while (s->k < hi) {
		if (*items == 0)
			return false;
		--*items;
		if (s->i < mid && (s->j >= hi || !comes_before(s, &s->from[s->j], &s->from[s->i])))
			s->to[s->k++] = s->from[s->i++];
		else
			s->to[s->k++] = s->from[s->j++];
	}
	return true;
}

static bool step_texts(struct sorter *s, size_t items)
{
	if (s->width == 0) {
		if (!step_runs(s, &items))
			return false;
		s->width = RUN;
		s->lo = 0;
		begin_merge(s);
	}
	while (s->width < s->count) {
		while (s->lo < s->count) {
			if (!merge_some(s, &items))
				return false;
			s->lo += 2 * s->width;
			begin_merge(s);
		}
		swap_arrays(s);
		s->width *= 2;
		s->lo = 0;
		begin_merge(s);
	}
	return true;
}

bool sorter_step(struct sorter *s, size_t items)
{
	if (s->count < 2 || (s->text == NULL && s->sorted_as_put))
		return true;
	return s->text != NULL ? step_texts(s, items) : step_numbers(s, items);
}

void sorter_rows(const struct sorter *s, uint32_t *out)
{
	for (size_t i = 0; i < s->count; i++)
		out[i] = s->from[i].row;
}
