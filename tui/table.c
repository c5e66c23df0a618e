/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of a list: which rows are shown in which order, where the cursor is, and how it follows row ids.
 * Drawing is in table_draw.c, the work on all rows in table_job.c and table_walk.c, keys in table_act.c. */
#include "tui/table.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "tui/table_private.h"
#include "tui/ui_private.h"

#define NEAR 4096 /* rows around the old place that are looked at first */

void table_touch(struct table *t)
{
	view_redraw(t->view);
}

static int count_columns(const struct view_ops *ops)
{
	int n = 0;

	while (ops->columns != NULL && ops->columns[n].name != NULL && n < TABLE_COLUMNS_MAX)
		n++;
	return n;
}

struct table *table_new(struct view *v, struct loop *loop)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->view = v;
	t->loop = loop;
	t->columns = count_columns(v->ops);
	t->sort_col = -1;
	if (v->ops->sort != 0) {
		t->sort_col = abs(v->ops->sort) - 1;
		t->sort_down = v->ops->sort < 0;
	}
	t->filter = xstrdup("");
	t->applied = xstrdup("");
	t->search = xstrdup("");
	t->last_search = xstrdup("");
	t->range_from = ROW_NONE;
	return t;
}

void table_free(struct table *t)
{
	if (t == NULL)
		return;
	table_job_stop(t);
	table_walk_stop(t);
	idset_release(&t->marks);
	free(t->order);
	free(t->shown);
	free(t->filter);
	free(t->applied);
	free(t->search);
	free(t->last_search);
	free(t->cells);
	free(t);
}

bool table_is_busy(const struct table *t)
{
	return t->job.phase != JOB_NONE || t->walk.kind != WALK_NONE;
}

bool table_is_ready(const struct table *t)
{
	return !t->stale_rows;
}

size_t table_count(const struct table *t)
{
	return t->shown != NULL ? t->shown_len : t->rows;
}

size_t table_row(const struct table *t, size_t index)
{
	if (index >= table_count(t))
		return ROW_NONE;
	if (t->shown != NULL)
		return t->shown[index];
	return t->order != NULL ? t->order[index] : index;
}

size_t table_cursor_row(const struct table *t)
{
	return t->stale_rows ? ROW_NONE : table_row(t, t->cursor);
}

size_t table_index_of(const struct table *t, size_t row)
{
	const uint32_t *rows = t->shown != NULL ? t->shown : t->order;
	size_t n = table_count(t);

	if (rows == NULL)
		return row < n ? row : ROW_NONE;
	for (size_t i = 0; i < n; i++)
		if (rows[i] == row)
			return i;
	return ROW_NONE;
}

size_t table_find_id(const struct table *t, uint64_t id, size_t hint)
{
	const struct view *v = t->view;
	size_t from = hint > NEAR ? hint - NEAR : 0;
	size_t to = hint + NEAR < t->rows ? hint + NEAR : t->rows;

	for (size_t r = from; r < to; r++)
		if (v->ops->row_id(v, r) == id)
			return r;
	for (size_t r = 0; r < t->rows; r++)
		if (v->ops->row_id(v, r) == id)
			return r;
	return ROW_NONE;
}

void table_clamp(struct table *t)
{
	size_t n = table_count(t);

	if (t->cursor >= n)
		t->cursor = n > 0 ? n - 1 : 0;
	if (t->range_from != ROW_NONE && t->range_from >= n)
		t->range_from = n > 0 ? n - 1 : ROW_NONE;
}

void table_remember(struct table *t)
{
	size_t row = table_cursor_row(t);

	t->want = row != ROW_NONE && t->cursor > 0;
	if (t->want)
		t->want_id = t->view->ops->row_id(t->view, row);
}

void table_select_id(struct table *t, uint64_t id)
{
	size_t row = t->stale_rows ? ROW_NONE : table_find_id(t, id, 0);
	size_t index = row == ROW_NONE ? ROW_NONE : table_index_of(t, row);

	t->want = true;
	t->want_id = id;
	if (index != ROW_NONE)
		t->cursor = index;
	table_touch(t);
}

void table_changed(struct table *t)
{
	table_job_stop(t);
	table_walk_defer(t);
	t->rows = t->view->ops->count(t->view);
	t->range_from = ROW_NONE;
	t->prune = true;
	/* as they come: nothing to work out */
	t->stale_rows = t->order != NULL || t->shown != NULL || t->sort_col >= 0 || t->filter[0] != '\0';
	table_restart(t, true, false);
}

/* The arrays move along: every row has a higher number now, and what fell off the end is gone. */
static size_t shift_rows(uint32_t *rows, size_t len, size_t added, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++)
		if (rows[i] + added < count)
			rows[kept++] = (uint32_t)(rows[i] + added);
	return kept;
}

void table_grew(struct table *t, size_t added)
{
	struct view *v = t->view;
	size_t count = v->ops->count(v), fresh = 0;

	if (t->stale_rows || t->job.phase != JOB_NONE || t->sort_col >= 0 || added > count) {
		table_changed(t);
		return;
	}
	table_walk_stop(t);
	t->rows = count;
	if (t->shown != NULL) {
		uint32_t *old = t->shown;
		size_t kept = shift_rows(old, t->shown_len, added, count);

		t->shown = xreallocarray(NULL, kept + added + 1, sizeof(*t->shown));
		for (size_t r = 0; r < added; r++)
			if (v->ops->filter_match != NULL ? v->ops->filter_match(v, r) : table_match(t, t->applied, r))
				t->shown[fresh++] = (uint32_t)r;
		memcpy(t->shown + fresh, old, kept * sizeof(*old));
		t->shown_len = fresh + kept;
		free(old);
	} else {
		fresh = added;
	}
	if (!v->following) { /* nothing moves while one reads */
		t->cursor += fresh;
		t->top += fresh;
	}
	if (t->range_from != ROW_NONE)
		t->range_from += fresh;
	table_clamp(t);
	table_touch(t);
}

/* --- filter, search, sort as asked for --- */

const char *table_filter(const struct table *t)
{
	return t->filter;
}

const char *table_search(const struct table *t)
{
	return t->search;
}

static char *replace(char **slot, const char *text)
{
	char *copy = xstrdup(text);

	free(*slot);
	*slot = copy;
	return copy;
}

/* Typing on narrows what words find; a predicate or an exclusion may widen. */
static bool narrows(const struct table *t, const char *before, const char *now)
{
	static const char special[] = ":<>!|\"-";

	if (t->view->ops->filter_narrows != NULL)
		return t->view->ops->filter_narrows(t->view, before, now);
	return strncmp(before, now, strlen(before)) == 0 && strpbrk(now, special) == NULL;
}

bool table_set_filter(struct table *t, const char *text, struct err *err)
{
	struct view *v = t->view;
	bool narrow;

	if (strcmp(t->filter, text) == 0)
		return true;
	if (v->ops->filter_compile != NULL && !v->ops->filter_compile(v, text, err))
		return false;
	narrow = t->shown != NULL && !t->stale_rows && narrows(t, t->applied, text);
	replace(&t->filter, text);
	if (text[0] != '\0')
		replace(&t->last_search, text);
	table_walk_stop(t);
	t->range_from = ROW_NONE;
	table_restart(t, false, narrow);
	return true;
}

void table_set_search(struct table *t, const char *text)
{
	replace(&t->search, text);
	if (text[0] == '\0') {
		table_touch(t);
		return;
	}
	replace(&t->last_search, text);
	table_find(t, 1, false);
}

int table_sorted_by(const struct table *t, bool *descending)
{
	*descending = t->sort_down;
	return t->sort_col;
}

bool table_column_is_there(const struct table *t, int col)
{
	unsigned needs = t->view->ops->columns[col].needs;

	return needs == 0 || (view_caps(t->view) & needs) == needs;
}

int table_find_column(const struct table *t, const char *name)
{
	for (int c = 0; c < t->columns; c++)
		if (strcmp(t->view->ops->columns[c].name, name) == 0)
			return c;
	return -1;
}

bool table_sort(struct table *t, int col, bool descending)
{
	if (col >= t->columns ||
		(col >= 0 && (t->view->ops->columns[col].unsortable || !table_column_is_there(t, col))))
		return false;
	t->sort_col = col;
	t->sort_down = descending;
	t->range_from = ROW_NONE;
	table_restart(t, true, false);
	return true;
}

/* All words, each in any cell. */
bool table_match(const struct table *t, const char *words, size_t row)
{
	const struct view *v = t->view;
	struct cell cell;

	while (*words != '\0') {
		char word[128];
		size_t n = strcspn(words, " ");
		bool found = n == 0;

		if (n >= sizeof(word))
			return false;
		memcpy(word, words, n);
		word[n] = '\0';
		for (int c = 0; !found && c < t->columns; c++) {
			cell.role = ROLE_NORMAL;
			cell.text = cell.buf;
			cell.buf[0] = '\0';
			v->ops->cell(v, row, c, &cell);
			found = text_find_fold(cell.text, strlen(cell.text), word, n) != NULL;
		}
		if (!found)
			return false;
		words += n + (words[n] == ' ');
	}
	return true;
}

/* --- marks --- */

size_t table_marked(const struct table *t)
{
	return t->marks.len;
}

void table_unmark(struct table *t)
{
	idset_release(&t->marks);
	t->range_from = ROW_NONE;
	table_touch(t);
}

static void add_target(size_t **rows, size_t *n, size_t *cap, size_t row)
{
	xgrow(rows, cap, *n + 1, sizeof(**rows));
	(*rows)[(*n)++] = row;
}

size_t table_targets(struct table *t, size_t **rows)
{
	const struct view *v = t->view;
	size_t n = 0, cap = 0, shown = table_count(t);
	uint64_t *is_shown;

	*rows = NULL;
	if (t->stale_rows)
		return 0;
	table_walk_hurry(t);
	if (t->marks.len == 0) {
		if (table_cursor_row(t) != ROW_NONE)
			add_target(rows, &n, &cap, table_cursor_row(t));
		return n;
	}
	for (size_t i = 0; i < shown; i++)
		if (idset_has(&t->marks, v->ops->row_id(v, table_row(t, i))))
			add_target(rows, &n, &cap, table_row(t, i));
	if (t->shown == NULL || n == t->marks.len)
		return n;
	is_shown = xcalloc(t->rows / 64 + 1, sizeof(*is_shown));
	for (size_t i = 0; i < shown; i++)
		is_shown[table_row(t, i) / 64] |= 1ull << table_row(t, i) % 64;
	for (size_t r = 0; r < t->rows; r++) /* marked, but hidden by the filter: after those shown */
		if (!(is_shown[r / 64] & 1ull << r % 64) && idset_has(&t->marks, v->ops->row_id(v, r)))
			add_target(rows, &n, &cap, r);
	free(is_shown);
	return n;
}
