/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorts a million rows in place: a radix sort by bytes, most significant first, needs no second
 * array. */
#include "model/entry_sort.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 18 /* rank of the family, 16 of the address, prefix */
#define SMALL     48 /* rows below which insertion is faster */

static unsigned rank_of(const struct entry *e)
{
	return e->family == 4 ? 0 : e->family == 6 ? 1 : 2;
}

int entry_cmp_net(const struct entry *a, const struct entry *b)
{
	uint64_t x, y;

	if (a->family != b->family)
		return (int)rank_of(a) - (int)rank_of(b);
	for (size_t i = 0; i < sizeof(a->addr); i += sizeof(x)) {
		memcpy(&x, a->addr + i, sizeof(x));
		memcpy(&y, b->addr + i, sizeof(y));
		if (x != y)
			return be64toh(x) < be64toh(y) ? -1 : 1;
	}
	return (int)a->prefix - (int)b->prefix;
}

/* Text offsets grow in the order of arrival, so they make the order total and the sort stable. */
static int cmp_full(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int c = entry_cmp_net(a, b);

	return c ? c : a->text < b->text ? -1 : a->text > b->text;
}

int entry_cmp_stable(const struct entry *a, const struct entry *b)
{
	return cmp_full(a, b);
}

static int cmp_text(const void *x, const void *y, void *arg)
{
	const struct entry *a = x, *b = y;
	const char *const *arena = arg;
	int c = strcmp(*arena + a->text, *arena + b->text);

	return c ? c : a->text < b->text ? -1 : a->text > b->text;
}

static unsigned key_byte(const struct entry *e, int depth)
{
	if (depth == 0)
		return rank_of(e);
	return depth <= 16 ? e->addr[depth - 1] : e->prefix;
}

static void sort_small(struct entry *rows, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct entry e = rows[i];
		size_t k = i;

		for (; k && cmp_full(&rows[k - 1], &e) > 0; k--)
			rows[k] = rows[k - 1];
		rows[k] = e;
	}
}

/* Moves each row into its bucket by cycles of swaps. start[] is used up; end[] stays. */
static void permute(struct entry *rows, int depth, size_t start[256], const size_t end[256])
{
	for (unsigned b = 0; b < 256; b++) {
		while (start[b] < end[b]) {
			struct entry *e = &rows[start[b]];
			unsigned k = key_byte(e, depth);

			if (k == b) {
				start[b]++;
				continue;
			}
			struct entry tmp = rows[start[k]];
			rows[start[k]++] = *e;
			*e = tmp;
		}
	}
}

static void sort_bytes(struct entry *rows, size_t n, int depth)
{
	size_t count[256], start[256], end[256];

	while (n > SMALL && depth < KEY_BYTES) {
		size_t sum = 0;

		memset(count, 0, sizeof(count));
		for (size_t i = 0; i < n; i++)
			count[key_byte(&rows[i], depth)]++;
		if (count[key_byte(&rows[0], depth)] == n) {
			depth++;
			continue;
		}
		for (unsigned b = 0; b < 256; b++) {
			start[b] = sum;
			sum += count[b];
			end[b] = sum;
		}
		permute(rows, depth, start, end);
		for (unsigned b = 0; b < 256; b++)
			if (count[b] > 1)
				sort_bytes(rows + end[b] - count[b], count[b], depth + 1);
		return;
	}
	if (n > SMALL)
		qsort(rows, n, sizeof(*rows), cmp_full);
	else
		sort_small(rows, n);
}

void entry_sort_nets(struct entry *rows, size_t n)
{
	bool sorted = true;

	for (size_t i = 1; i < n && sorted; i++)
		sorted = cmp_full(&rows[i - 1], &rows[i]) < 0;
	if (!sorted)
		sort_bytes(rows, n, 0);
}

void entry_sort_malformed(struct entry *rows, size_t n, const char *arena)
{
	size_t good = n;

	while (good && !rows[good - 1].family)
		good--;
	if (n - good > 1)
		qsort_r(rows + good, n - good, sizeof(*rows), cmp_text, &arena);
}
