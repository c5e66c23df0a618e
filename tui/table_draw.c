/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drawing the rows in view: column layout, header, cells, marks, cursor. O(screen), whatever the list's length. */
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "tui/draw.h"
#include "tui/table_private.h"
#include "tui/ui_private.h"

#define GUTTER 1       /* mark or cursor sign */
#define FLEX_MAX 600   /* widest that a column without maximum gets when scrolled sideways */

static int gap_for(int width)
{
	return width < 60 ? 1 : 2;
}

static struct cell *cell_at(struct table *t, size_t line, int col)
{
	return &t->cells[line * (size_t)t->columns + (size_t)col];
}

static int short_of(int n)
{
	return n > 30000 ? 30000 : n;
}

/* Asks the view for what is in view, once a frame, and learns how wide it is. */
static void read_cells(struct table *t, size_t lines)
{
	const struct view *v = t->view;

	xgrow(&t->cells, &t->cells_cap, lines * (size_t)t->columns + 1, sizeof(*t->cells));
	for (size_t i = 0; i < lines; i++) {
		size_t row = table_row(t, t->top + i);

		for (int c = 0; c < t->columns; c++) {
			struct cell *cell = cell_at(t, i, c);
			int w;

			cell->role = ROLE_NORMAL;
			cell->text = cell->buf;
			cell->buf[0] = '\0';
			if (!table_column_is_there(t, c))
				continue;
			v->ops->cell(v, row, c, cell);
			w = text_width(cell->text);
			if (w > t->seen[c])
				t->seen[c] = (short)short_of(w);
		}
	}
}

/* --- layout --- */

static int title_width(const struct table *t, int c)
{
	return text_width(t->view->ops->columns[c].title) + (c == t->sort_col ? 2 : 0);
}

static int natural_width(const struct table *t, int c, bool scrolled)
{
	const struct column *col = &t->view->ops->columns[c];
	int w = t->seen[c];

	if (w < title_width(t, c))
		w = title_width(t, c);
	if (w < col->min)
		w = col->min;
	if (col->max > 0 && w > col->max)
		w = col->max;
	if (col->max == 0 && w > FLEX_MAX)
		w = FLEX_MAX;
	return col->max == 0 && !scrolled ? col->min : w;
}

static int total_width(const struct table *t, int gap)
{
	int sum = GUTTER, n = 0;

	for (int c = 0; c < t->columns; c++) {
		if (t->width[c] > 0) {
			sum += t->width[c];
			n++;
		}
	}
	return sum + (n > 1 ? (n - 1) * gap : 0);
}

/* Columns are dropped, the highest priority number first, until their minimum fits. */
static void drop_columns(struct table *t, int width, int gap)
{
	const struct column *col = t->view->ops->columns;

	while (total_width(t, gap) > width) {
		int drop = -1;

		for (int c = 0; c < t->columns; c++)
			if (t->width[c] > 0 && col[c].priority > 0 &&
				(drop < 0 || col[c].priority >= col[drop].priority))
				drop = c;
		if (drop < 0)
			return;
		t->width[drop] = 0;
	}
}

/* What is left goes to columns that want more, in the order of their priority, then to one without maximum. */
static void hand_out(struct table *t, int width, int gap)
{
	const struct column *col = t->view->ops->columns;
	int left = width - total_width(t, gap);

	for (int priority = 0; priority <= 9 && left > 0; priority++) {
		for (int c = 0; c < t->columns && left > 0; c++) {
			int more = natural_width(t, c, false) - t->width[c];

			if (t->width[c] == 0 || col[c].priority != priority || more <= 0)
				continue;
			more = more < left ? more : left;
			t->width[c] += more;
			left -= more;
		}
	}
	for (int c = 0; c < t->columns && left > 0; c++) {
		if (t->width[c] > 0 && col[c].max == 0) {
			t->width[c] += left;
			left = 0;
		}
	}
}

static void layout(struct table *t, int width)
{
	int gap = gap_for(width), x = GUTTER;

	for (int c = 0; c < t->columns; c++) {
		t->width[c] = 0;
		if (!table_column_is_there(t, c))
			continue;
		t->width[c] = t->hscroll > 0 ? natural_width(t, c, true) : t->view->ops->columns[c].min;
		if (t->width[c] < 1)
			t->width[c] = 1;
	}
	if (t->hscroll > 0 && total_width(t, gap) <= width)
		t->hscroll = 0; /* all of it is to be seen */
	if (t->hscroll == 0) {
		drop_columns(t, width, gap);
		hand_out(t, width, gap);
	} else if (t->hscroll > total_width(t, gap) - width) {
		t->hscroll = total_width(t, gap) - width;
	}
	for (int c = 0; c < t->columns; c++) {
		t->x[c] = x - t->hscroll;
		if (t->width[c] > 0)
			x += t->width[c] + gap;
	}
}

/* --- drawing --- */

/* A cell's place may begin left of the screen. */
static void draw_at(int y, int x, int width, bool right, enum role role, const char *text)
{
	int skip = x < GUTTER ? GUTTER - x : 0;

	if (skip >= width)
		return;
	if (right && skip == 0)
		draw_text_right(y, x, width, role, text);
	else if (skip > 0)
		draw_skip(y, GUTTER, width - skip, skip, role, text);
	else
		draw_text(y, x, width, role, text);
}

static void draw_header(struct table *t, int y)
{
	const struct glyphs *g = draw_glyphs();

	for (int c = 0; c < t->columns; c++) {
		const struct column *col = &t->view->ops->columns[c];
		char title[64];
		size_t n = strlen(col->title);

		if (t->width[c] == 0 || n >= sizeof(title) - 8)
			continue;
		memcpy(title, col->title, n + 1);
		if (c == t->sort_col && col->title[0] != '\0') {
			const char *arrow = t->sort_down ? g->sort_down : g->sort_up;

			title[n] = ' ';
			memcpy(title + n + 1, arrow, strlen(arrow) + 1);
		}
		draw_at(y, t->x[c], t->width[c], col->right, c == t->sort_col ? ROLE_HEADER_SORTED : ROLE_HEADER,
			title);
	}
}

/* A row's role colours its plain cells; those that say something themselves keep theirs. */
static enum role cell_role(enum role cell, enum role row)
{
	if (row == ROLE_NORMAL)
		return cell;
	if (row == ROLE_STALE || cell == ROLE_NORMAL || cell == ROLE_STRONG || cell == ROLE_VALUE ||
		cell == ROLE_LABEL || cell == ROLE_LINK)
		return row;
	return cell;
}

static void show_matches(struct table *t, int y, int c, const struct cell *cell)
{
	size_t n = strlen(t->search);
	const char *at = cell->text;

	if (n == 0 || t->hscroll > 0 || t->view->ops->columns[c].right || !text_is_safe(cell->text, strlen(cell->text)))
		return;
	while ((at = text_find_fold(at, strlen(at), t->search, n)) != NULL) {
		char before[512];
		int col, room;

		if ((size_t)(at - cell->text) >= sizeof(before))
			return;
		memcpy(before, cell->text, (size_t)(at - cell->text));
		before[at - cell->text] = '\0';
		col = text_width(before);
		room = t->width[c] - col;
		if (room <= 0)
			return;
		draw_restyle(y, t->x[c] + col, (int)n < room ? (int)n : room, ROLE_MATCH);
		at += n;
	}
}

static enum role overlay_of(const struct table *t, size_t index, bool marked)
{
	size_t from = t->range_from, to = t->cursor;

	if (index == t->cursor)
		return ROLE_SELECTED;
	if (marked)
		return ROLE_MARKED;
	if (from == ROW_NONE)
		return ROLE_NORMAL;
	return (index >= from && index <= to) || (index >= to && index <= from) ? ROLE_MARKED : ROLE_NORMAL;
}

static void draw_row(struct table *t, int y, size_t line, int width, bool stale)
{
	const struct view *v = t->view;
	const struct glyphs *g = draw_glyphs();
	size_t index = t->top + line, row = table_row(t, index);
	bool marked = t->marks.len > 0 && idset_has(&t->marks, v->ops->row_id(v, row));
	enum role over = overlay_of(t, index, marked);
	enum role role = stale ? ROLE_STALE : v->ops->row_role != NULL ? v->ops->row_role(v, row) : ROLE_NORMAL;

	draw_over(over);
	if (over != ROLE_NORMAL)
		draw_fill(y, 0, width, ROLE_NORMAL, " ");
	for (int c = 0; c < t->columns; c++) {
		struct cell *cell = cell_at(t, line, c);

		if (t->width[c] > 0)
			draw_at(y, t->x[c], t->width[c], v->ops->columns[c].right, cell_role(cell->role, role),
				cell->text);
	}
	if (marked || (over == ROLE_MARKED))
		draw_text(y, 0, 1, ROLE_MARKED, g->mark);
	else if (over == ROLE_SELECTED)
		draw_text(y, 0, 1, ROLE_NORMAL, g->cursor);
	draw_over(ROLE_NORMAL);
	for (int c = 0; t->search[0] != '\0' && c < t->columns; c++)
		if (t->width[c] > 0)
			show_matches(t, y, c, cell_at(t, line, c));
}

static void scroll_to_cursor(struct table *t, size_t lines)
{
	size_t n = table_count(t);

	if (lines == 0)
		lines = 1;
	if (t->cursor < t->top)
		t->top = t->cursor;
	if (t->cursor >= t->top + lines)
		t->top = t->cursor - lines + 1;
	if (t->top + lines > n)
		t->top = n > lines ? n - lines : 0;
}

static void draw_empty(const struct table *t, int y, int height, int width)
{
	struct view_status status;
	struct page page;
	struct buf line = BUF_INIT;

	view_status_of(t->view, &status);
	if (status.empty[0] == '\0')
		return;
	page_init(&page, draw_glyphs());
	page_text(&page, ROLE_NORMAL, 0, width - 2, status.empty);
	for (int i = 0; i < height && i < (int)page.line_count; i++) {
		buf_reset(&line);
		for (uint32_t k = 0; k < page.lines[i].count; k++)
			buf_adds(&line, page.text.data + page.spans[page.lines[i].first + k].at);
		draw_text(y + i, 1, width - 1, status.role, buf_str(&line));
	}
	buf_release(&line);
	page_release(&page);
}

/* The rows shown are gone and their successors not sorted out yet: the picture of them stays for that moment. */
static bool draw_kept(struct table *t, int y, int height, int width)
{
	if (!t->stale_rows)
		return false;
	if (t->drawn_y == y && t->drawn_height == height && t->drawn_width == width)
		for (int i = 0; i < height; i++)
			draw_keep(y + i);
	draw_cursor(CURSOR_BODY, y + 1, 0);
	return true;
}

void table_draw(struct table *t, int y, int height, int width)
{
	size_t n, lines;
	struct view_status status;

	if (height <= 0 || width <= 0 || draw_kept(t, y, height, width))
		return;
	n = table_count(t);
	lines = height > 1 ? (size_t)height - 1 : 1;
	t->drawn_y = height > 1 ? y : y - 1; /* one line: no header */
	t->drawn_height = height > 1 ? height : 2;
	t->drawn_width = width;
	table_clamp(t);
	scroll_to_cursor(t, lines);
	if (lines > n - t->top)
		lines = n - t->top;
	read_cells(t, lines);
	layout(t, width);
	if (height > 1)
		draw_header(t, y);
	view_status_of(t->view, &status);
	for (size_t i = 0; i < lines; i++)
		draw_row(t, t->drawn_y + 1 + (int)i, i, width, status.stale);
	if (n == 0)
		draw_empty(t, t->drawn_y + 1, height - 1, width);
	draw_cursor(CURSOR_BODY, t->drawn_y + 1 + (int)(t->cursor - t->top), n > 0 ? 0 : 1);
}
