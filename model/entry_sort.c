/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorts a million rows in place: a radix sort by bytes, most significant first, needs no second
 * array. What is too large for one step is moved bucket by bucket, and can be left at any row. */
#include "model/entry_sort.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

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

/* ---- in steps ---- */

#define WHOLE_FACTOR 8 /* a bucket of so many times the rows of a step is sorted at once */
#define BYTES        256

/* Rows [at, at + n) agree in the bytes before depth. */
struct job {
	size_t at, n;
	int depth;
};

struct entry_sorter {
	struct entry *rows;
	size_t n;
	size_t checked;           /* rows known to be in order so far */
	bool is_unsorted;
	struct job *jobs;         /* still to be done */
	size_t count, cap;
	struct job big;           /* n 0: none; the one that is taken apart */
	size_t counted;           /* of its rows; all of them: they are being moved */
	unsigned bucket;
	size_t first[BYTES];      /* how many; then: where the next row of this bucket goes */
	size_t end[BYTES];
};

struct entry_sorter *entry_sorter_new(struct entry *rows, size_t n)
{
	struct entry_sorter *s = xcalloc(1, sizeof(*s));

	s->rows = rows;
	s->n = n;
	return s;
}

void entry_sorter_free(struct entry_sorter *s)
{
	if (!s)
		return;
	free(s->jobs);
	free(s);
}

static void push(struct entry_sorter *s, size_t at, size_t n, int depth)
{
	if (n < 2)
		return;
	xgrow(&s->jobs, &s->cap, s->count + 1, sizeof(*s->jobs));
	s->jobs[s->count++] = (struct job){at, n, depth};
}

/* The first row of a pair out of order ends it. Returns the rows looked at. */
static size_t check_some(struct entry_sorter *s, size_t rows)
{
	size_t i = s->checked ? s->checked : 1, begin = i;

	for (; i < s->n && i - begin < rows; i++)
		if (cmp_full(&s->rows[i - 1], &s->rows[i]) > 0) {
			s->is_unsorted = true;
			push(s, 0, s->n, 0);
			break;
		}
	s->checked = i;
	return i - begin + 1;
}

static void take_apart(struct entry_sorter *s, const struct job *j)
{
	s->big = *j;
	s->counted = 0;
	s->bucket = 0;
	memset(s->first, 0, sizeof(s->first));
}

/* From counts to places. */
static void counted_all(struct entry_sorter *s)
{
	struct job j = s->big;
	size_t sum = 0;

	if (s->first[key_byte(&s->rows[j.at], j.depth)] == j.n) { /* all in one bucket: the next byte */
		j.depth++;
		s->big.n = 0;
		push(s, j.at, j.n, j.depth);
		return;
	}
	for (unsigned b = 0; b < BYTES; b++) {
		size_t n = s->first[b];

		push(s, j.at + sum, n, j.depth + 1); /* not looked at before this one is done */
		s->first[b] = sum;
		sum += n;
		s->end[b] = sum;
	}
}

static size_t count_some(struct entry_sorter *s, size_t rows)
{
	const struct job *j = &s->big;
	size_t end = j->n - s->counted < rows ? j->n : s->counted + rows, begin = s->counted;

	for (; s->counted < end; s->counted++)
		s->first[key_byte(&s->rows[j->at + s->counted], j->depth)]++;
	if (end == j->n)
		counted_all(s);
	return end - begin;
}

static size_t move_some(struct entry_sorter *s, size_t rows)
{
	struct entry *base = s->rows + s->big.at;
	size_t moved = 0;

	for (; s->bucket < BYTES; s->bucket++)
		while (s->first[s->bucket] < s->end[s->bucket]) {
			struct entry *e = &base[s->first[s->bucket]];
			unsigned k = key_byte(e, s->big.depth);

			if (moved++ == rows)
				return rows;
			if (k == s->bucket) {
				s->first[s->bucket]++;
				continue;
			}
			struct entry tmp = base[s->first[k]];
			base[s->first[k]++] = *e;
			*e = tmp;
		}
	s->big.n = 0;
	return moved + 1;
}

static size_t next_job(struct entry_sorter *s, size_t rows)
{
	struct job j = s->jobs[--s->count];

	if (j.n > rows * WHOLE_FACTOR && j.depth < KEY_BYTES) {
		take_apart(s, &j);
		return 1;
	}
	sort_bytes(s->rows + j.at, j.n, j.depth);
	return j.n;
}

bool entry_sorter_step(struct entry_sorter *s, size_t rows)
{
	size_t budget = rows * WHOLE_FACTOR / 2, done = 0;

	while (done < budget) {
		if (!s->is_unsorted && s->checked >= s->n)
			return true;
		if (!s->is_unsorted)
			done += check_some(s, budget - done);
		else if (s->big.n && s->counted < s->big.n)
			done += count_some(s, budget - done);
		else if (s->big.n)
			done += move_some(s, budget - done);
		else if (s->count)
			done += next_job(s, rows);
		else
			return true;
	}
	return false;
}

void entry_sort_malformed(struct entry *rows, size_t n, const char *arena)
{
	size_t good = n;

	while (good && !rows[good - 1].family)
		good--;
	if (n - good > 1)
		qsort_r(rows + good, n - good, sizeof(*rows), cmp_text, &arena);
}
