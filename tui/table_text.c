/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list in words: its counts for the title line, a row for the clipboard, all of it as aligned text. */
#include <string.h>

#include "core/text.h"
#include "tui/glyph.h"
#include "tui/table_private.h"
#include "tui/ui_private.h"

static const struct glyphs *signs(const struct table *t)
{
	return t->view->ui != NULL ? ui_glyphs(t->view->ui) : glyphs_get(false);
}

static size_t hidden_marks(const struct table *t)
{
	const struct view *v = t->view;
	size_t seen = 0, n = table_count(t);

	if (t->shown == NULL || t->marks.len == 0)
		return 0;
	if (n > 20000) /* not worth a frame's time: the preview of a change lists them all */
		return 0;
	for (size_t i = 0; i < n; i++)
		seen += idset_has(&t->marks, v->ops->row_id(v, table_row(t, i)));
	return t->marks.len - seen;
}

void table_describe(const struct table *t, bool unread, struct buf *out)
{
	const char *dot = signs(t)->dot;
	char n[32];

	if (t->stale_rows || t->job.phase == JOB_KEYS || t->job.phase == JOB_SORT)
		buf_adds(out, t->sort_col >= 0 ? "sorting" : "filtering");
	else if (unread && t->rows == 0)
		buf_adds(out, signs(t)->dash);
	else
		buf_adds(out, text_grouped(t->rows, n, sizeof(n)));
	if (t->filter[0] != '\0') {
		if (t->job.phase == JOB_MATCH || t->job.phase == JOB_GATHER)
			buf_addf(out, " %s filtering", dot);
		else if (!t->stale_rows)
			buf_addf(out, " %s showing %s", dot, text_grouped(table_count(t), n, sizeof(n)));
		buf_addf(out, " %s filter %s", dot, t->filter);
	}
	if (t->marks.len > 0) {
		size_t hidden = hidden_marks(t);

		buf_addf(out, " %s %s marked", dot, text_grouped(t->marks.len, n, sizeof(n)));
		if (hidden > 0)
			buf_addf(out, " (%s hidden)", text_grouped(hidden, n, sizeof(n)));
	}
	if (t->range_from != ROW_NONE)
		buf_addf(out, " %s range", dot);
	if (t->walk.kind == WALK_FIND)
		buf_addf(out, " %s searching", dot);
}

bool table_describe_sort(const struct table *t, struct buf *out)
{
	const struct glyphs *g = signs(t);

	if (t->sort_col < 0)
		return false;
	buf_addf(out, "sorted by %s %s", t->view->ops->columns[t->sort_col].name,
		t->sort_down ? g->sort_down : g->sort_up);
	return true;
}

static void read_cell(const struct table *t, size_t row, int col, struct cell *cell)
{
	cell->role = ROLE_NORMAL;
	cell->text = cell->buf;
	cell->buf[0] = '\0';
	t->view->ops->cell(t->view, row, col, cell);
}

void table_row_text(const struct table *t, size_t row, struct buf *out)
{
	struct cell cell;
	bool any = false;

	for (int c = 0; c < t->columns; c++) {
		if (t->view->ops->columns[c].title[0] == '\0' || !table_column_is_there(t, c))
			continue;
		read_cell(t, row, c, &cell);
		buf_addf(out, "%s%s", any ? "\t" : "", cell.text);
		any = true;
	}
}

static void safe_cell(const struct table *t, size_t row, int col, unsigned flags, struct buf *out)
{
	struct cell cell;

	read_cell(t, row, col, &cell);
	buf_reset(out);
	text_safe(out, cell.text, strlen(cell.text), flags);
}

static void print_padded(struct buf *out, const char *text, int width, bool right, bool last)
{
	int w = text_width(text);

	for (int i = w; right && i < width; i++)
		buf_addc(out, ' ');
	buf_adds(out, text);
	for (int i = w; !right && !last && i < width; i++)
		buf_addc(out, ' ');
}

static void print_line(const struct table *t, size_t row, const int *width, int screen, unsigned flags, struct buf *out)
{
	struct buf line = BUF_INIT, cell = BUF_INIT;
	bool any = false;

	for (int c = 0; c < t->columns; c++) {
		const struct column *col = &t->view->ops->columns[c];
		bool last = true;

		for (int k = c + 1; k < t->columns; k++)
			last = last && width[k] == 0;
		if (width[c] == 0)
			continue;
		if (any)
			buf_adds(&line, "  ");
		any = true;
		if (row == ROW_NONE) {
			buf_reset(&cell);
			buf_adds(&cell, col->title);
		} else {
			safe_cell(t, row, c, flags, &cell);
		}
		print_padded(&line, buf_str(&cell), width[c], col->right, last);
	}
	while (line.len > 0 && line.data[line.len - 1] == ' ')
		buf_truncate(&line, line.len - 1);
	if (screen > 0)
		text_fit(out, buf_str(&line), screen, flags);
	else
		buf_adds(out, buf_str(&line));
	buf_addc(out, '\n');
	buf_release(&line);
	buf_release(&cell);
}

void table_print(struct table *t, struct buf *out, int width, size_t limit, bool ascii)
{
	unsigned flags = ascii ? TEXT_ASCII : TEXT_LINE;
	int widths[TABLE_COLUMNS_MAX] = { 0 };
	size_t n = table_count(t);
	struct buf cell = BUF_INIT;

	if (limit > 0 && limit < n)
		n = limit;
	for (int c = 0; c < t->columns; c++) {
		if (!table_column_is_there(t, c))
			continue;
		widths[c] = text_width(t->view->ops->columns[c].title);
		for (size_t i = 0; i < n; i++) {
			int w;

			safe_cell(t, table_row(t, i), c, flags, &cell);
			w = text_width(buf_str(&cell));
			widths[c] = w > widths[c] ? w : widths[c];
		}
	}
	print_line(t, ROW_NONE, widths, width, flags, out);
	for (size_t i = 0; i < n; i++)
		print_line(t, table_row(t, i), widths, width, flags, out);
	buf_release(&cell);
}
