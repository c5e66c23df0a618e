/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keys and mouse do to a list: moves, marks, sorting. */
#include <stdlib.h>
#include <string.h>

#include "tui/table_private.h"

#define HSCROLL_STEP 8

static size_t page_rows(const struct table *t)
{
	return t->drawn_height > 2 ? (size_t)t->drawn_height - 1 : 1;
}

static void go_to(struct table *t, size_t index)
{
	size_t n = table_count(t);

	t->cursor = index < n ? index : n > 0 ? n - 1 : 0;
	if (t->cursor > 0)
		t->view->following = false;
	table_remember(t);
	table_touch(t);
}

static void go_by(struct table *t, size_t by, bool down)
{
	size_t n = table_count(t);

	if (down)
		go_to(t, t->cursor + by < n ? t->cursor + by : n > 0 ? n - 1 : 0);
	else
		go_to(t, t->cursor > by ? t->cursor - by : 0);
}

/* A page moves what is seen by a page, and the cursor with it. */
static void page_by(struct table *t, size_t by, bool down)
{
	size_t n = table_count(t), page = page_rows(t);
	size_t last_top = n > page ? n - page : 0;

	if (down)
		t->top = t->top + by < last_top ? t->top + by : last_top;
	else
		t->top = t->top > by ? t->top - by : 0;
	go_by(t, by, down);
}

static void end_range(struct table *t)
{
	size_t from = t->range_from;

	t->range_from = ROW_NONE;
	table_mark_span(t, from, t->cursor);
}

static void mark_one(struct table *t)
{
	size_t row = table_cursor_row(t);
	uint64_t id;

	if (t->range_from != ROW_NONE) {
		end_range(t);
		return;
	}
	if (row == ROW_NONE)
		return;
	id = t->view->ops->row_id(t->view, row);
	if (!idset_remove(&t->marks, id))
		idset_add(&t->marks, id);
	go_by(t, 1, true);
}

static void mark_range(struct table *t)
{
	if (table_cursor_row(t) == ROW_NONE)
		return;
	if (t->range_from != ROW_NONE)
		end_range(t);
	else
		t->range_from = t->cursor;
	table_touch(t);
}

/* Through "as they come" and every sortable column, round and round. */
static void sort_step(struct table *t, int step)
{
	int col = t->sort_col;

	for (int i = 0; i <= t->columns; i++) {
		col += step;
		if (col >= t->columns)
			col = -1;
		else if (col < -1)
			col = t->columns - 1;
		if (table_sort(t, col, col >= 0 && t->view->ops->columns[col].descending))
			return;
	}
}

static bool act_move(struct table *t, enum action a)
{
	switch ((int)a) {
	case ACTION_UP:
		go_by(t, 1, false);
		return true;
	case ACTION_DOWN:
		go_by(t, 1, true);
		return true;
	case ACTION_PAGE_UP:
		page_by(t, page_rows(t), false);
		return true;
	case ACTION_PAGE_DOWN:
		page_by(t, page_rows(t), true);
		return true;
	case ACTION_HALF_UP:
		page_by(t, page_rows(t) / 2 + 1, false);
		return true;
	case ACTION_HALF_DOWN:
		page_by(t, page_rows(t) / 2 + 1, true);
		return true;
	case ACTION_FIRST:
		go_to(t, 0);
		return true;
	case ACTION_LAST:
		go_to(t, SIZE_MAX);
		return true;
	case ACTION_LEFT:
		t->hscroll = t->hscroll > HSCROLL_STEP ? t->hscroll - HSCROLL_STEP : 0;
		table_touch(t);
		return true;
	case ACTION_RIGHT:
		t->hscroll += HSCROLL_STEP;
		table_touch(t);
		return true;
	default:
		return false;
	}
}

bool table_act(struct table *t, enum action a)
{
	if (act_move(t, a))
		return true;
	switch ((int)a) {
	case ACTION_MARK:
		mark_one(t);
		return true;
	case ACTION_MARK_ALL:
		table_mark_all(t);
		return true;
	case ACTION_MARK_RANGE:
		mark_range(t);
		return true;
	case ACTION_UNMARK_ALL:
		table_unmark(t);
		return true;
	case ACTION_SEARCH_NEXT:
		table_find(t, 1, true);
		return true;
	case ACTION_SEARCH_PREV:
		table_find(t, -1, true);
		return true;
	case ACTION_SORT_NEXT:
		sort_step(t, 1);
		return true;
	case ACTION_SORT_PREV:
		sort_step(t, -1);
		return true;
	case ACTION_SORT_INVERT:
		if (t->sort_col >= 0)
			table_sort(t, t->sort_col, !t->sort_down);
		return true;
	default:
		return false;
	}
}

bool table_escape(struct table *t)
{
	struct err err = ERR_INIT;

	if (t->range_from != ROW_NONE) {
		t->range_from = ROW_NONE;
		table_touch(t);
		return true;
	}
	if (t->walk.kind != WALK_NONE) {
		table_walk_stop(t);
		table_touch(t);
		return true;
	}
	if (t->search[0] != '\0') {
		table_set_search(t, "");
		return true;
	}
	if (t->filter[0] != '\0') {
		table_set_filter(t, "", &err);
		return true;
	}
	return false;
}

static void click_header(struct table *t, int x)
{
	for (int c = 0; c < t->columns; c++) {
		int end = t->x[c] + t->width[c];

		if (t->width[c] == 0 || x < t->x[c] || x >= end)
			continue;
		if (c == t->sort_col)
			table_sort(t, c, !t->sort_down);
		else
			table_sort(t, c, t->view->ops->columns[c].descending);
		return;
	}
}

void table_click(struct table *t, int y, int x, bool *open)
{
	int line = y - t->drawn_y;

	*open = false;
	if (t->drawn_height < 1 || line < 0 || line >= t->drawn_height)
		return;
	if (line == 0) {
		click_header(t, x);
		return;
	}
	if (t->top + (size_t)line - 1 >= table_count(t))
		return;
	*open = t->cursor == t->top + (size_t)line - 1;
	go_to(t, t->top + (size_t)line - 1);
}

void table_wheel(struct table *t, int rows)
{
	size_t n = table_count(t), page = page_rows(t);
	size_t last_top = n > page ? n - page : 0;
	size_t by = (size_t)abs(rows);

	if (rows > 0)
		t->top = t->top + by < last_top ? t->top + by : last_top;
	else
		t->top = t->top > by ? t->top - by : 0;
	if (t->cursor < t->top)
		go_to(t, t->top);
	else if (t->cursor >= t->top + page)
		go_to(t, t->top + page - 1);
	table_touch(t);
}
