/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From rows as they arrived to a list that can be searched: sorted, without doubles, text in row order, indexed. In steps, because a million
 * rows take a quarter of a second and nothing else may wait for that. */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "model/entry.h"
#include "model/entry_sort.h"

#define LOOK_BACK  8 /* rows of the same net a double is looked for in */

enum phase { SORT_NETS, SORT_MALFORMED, DROP_DOUBLES, REPACK, INDEX };

struct entry_finish {
	enum phase phase;
	size_t at;          /* rows of the phase that are done */
	struct entry_sorter *sorter;
	size_t kept;        /* rows without doubles */
	char *arena;        /* new text, in row order */
	size_t arena_len;
};

void entry_finish_free(struct entry_finish *f)
{
	if (!f)
		return;
	entry_sorter_free(f->sorter);
	free(f->arena);
	free(f);
}

/* Rows [f->at, end) are this step's. */
static size_t step_end(const struct entry_finish *f, size_t total, size_t rows)
{
	return total - f->at < rows ? total : f->at + rows;
}

static void sort_some(struct entrylist *l, struct entry_finish *f, size_t rows)
{
	if (!f->sorter)
		f->sorter = entry_sorter_new(l->rows, l->count);
	if (entry_sorter_step(f->sorter, rows))
		f->at = l->count;
}

/* ---- doubles: a page that shifted while it was read brings rows twice; the first stays ---- */

static bool is_double(const struct entrylist *l, const struct entry *a, const struct entry *b)
{
	return !entry_cmp_net(a, b) && !strcmp(l->arena + a->text, l->arena + b->text) &&
		!strcmp(entry_id(l, (size_t)(a - l->rows)), entry_id(l, (size_t)(b - l->rows)));
}

static bool is_kept_already(const struct entrylist *l, size_t kept, size_t row)
{
	for (size_t back = 1; back <= LOOK_BACK && back <= kept; back++) {
		if (entry_cmp_net(&l->rows[kept - back], &l->rows[row]))
			return false;
		if (is_double(l, &l->rows[kept - back], &l->rows[row]))
			return true;
	}
	return false;
}

static void drop_some(struct entrylist *l, struct entry_finish *f, size_t rows)
{
	size_t end = step_end(f, l->count, rows);

	for (; f->at < end; f->at++) {
		if (is_kept_already(l, f->kept, f->at))
			l->malformed -= !l->rows[f->at].family;
		else
			l->rows[f->kept++] = l->rows[f->at];
	}
	if (f->at < l->count)
		return;
	l->count = f->kept;
	if (l->count && l->cap > l->count) {
		l->rows = xreallocarray(l->rows, l->count, sizeof(*l->rows));
		l->cap = l->count;
	}
}

/* ---- text: in row order, without gaps, because bulk search goes through it front to back ---- */

/* Bytes of a row's three strings, NULs included. */
static size_t text_size(const struct entrylist *l, const struct entry *e)
{
	const char *s = l->arena + e->text, *p = s;

	for (int i = 0; i < 3; i++)
		p += strlen(p) + 1;
	return (size_t)(p - s);
}

static void repack_some(struct entrylist *l, struct entry_finish *f, size_t rows)
{
	size_t end = step_end(f, l->count, rows);

	if (!f->arena)
		f->arena = xmalloc(l->arena_len ? l->arena_len : 1);
	for (; f->at < end; f->at++) {
		struct entry *e = &l->rows[f->at];
		size_t n = text_size(l, e);

		memcpy(f->arena + f->arena_len, l->arena + e->text, n);
		e->text = (uint32_t)f->arena_len;
		f->arena_len += n;
	}
	/* While only some rows are moved their offsets belong to two arenas: nobody may look until the last one is. */
	if (f->at < l->count)
		return;
	free(l->arena);
	l->arena_len = f->arena_len;
	l->arena_cap = f->arena_len;
	l->arena = xrealloc(f->arena, f->arena_len ? f->arena_len : 1);
	f->arena = NULL;
}

static void index_some(struct entrylist *l, struct entry_finish *f, size_t rows)
{
	size_t end = step_end(f, l->count, rows);

	if (f->at == 0) {
		netset_free(l->index);
		l->index = netset_new();
	}
	for (; f->at < end; f->at++) {
		struct net n;

		entry_net(&l->rows[f->at], &n);
		netset_add(l->index, &n, (uint32_t)f->at);
	}
	if (f->at == l->count)
		netset_finish(l->index);
}

static void sort_rest(struct entrylist *l, struct entry_finish *f, size_t rows)
{
	(void)rows;
	entry_sort_malformed(l->rows, l->count, l->arena);
	f->at = l->count;
}

static void (*const phases[])(struct entrylist *l, struct entry_finish *f, size_t rows) = {
	[SORT_NETS] = sort_some,
	[SORT_MALFORMED] = sort_rest,
	[DROP_DOUBLES] = drop_some,
	[REPACK] = repack_some,
	[INDEX] = index_some,
};

bool entrylist_finish_step(struct entrylist *l, size_t rows)
{
	struct entry_finish *f = l->finish;

	if (!f)
		f = l->finish = xcalloc(1, sizeof(*f));
	phases[f->phase](l, f, rows ? rows : 1);
	if (f->at < l->count)
		return false;
	f->at = 0;
	if (f->phase != INDEX) {
		f->phase++;
		return false;
	}
	entry_finish_free(f);
	l->finish = NULL;
	return true;
}

void entrylist_finish(struct entrylist *l)
{
	while (!entrylist_finish_step(l, l->count))
		;
}
