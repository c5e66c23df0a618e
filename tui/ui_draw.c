/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One frame: which areas there are at this size, from top to bottom. */
#include <stdio.h>

#include "tui/draw.h"
#include "tui/pager.h"
#include "tui/screen.h"
#include "tui/table.h"
#include "tui/ui_private.h"

#define ALARM_LINES 3
#define MESSAGE_LINES 4
#define MESSAGE_LINES_SMALL 2
#define DETAIL_SHARE 3 /* a third of the body */

struct frame {
	int cols, rows;
	bool compact;
	int top, bottom; /* free lines: top … bottom-1 */
};

static void draw_too_small(const struct frame *f)
{
	char text[64];

	draw_text(0, 0, f->cols, ROLE_WARN, "too small");
	snprintf(text, sizeof(text), "need %dx%d", UI_MIN_COLS, UI_MIN_ROWS);
	draw_text(1, 0, f->cols, ROLE_NORMAL, text);
	snprintf(text, sizeof(text), "this is %dx%d", f->cols, f->rows);
	draw_text(2, 0, f->cols, ROLE_NORMAL, text);
}

static void draw_top(struct ui *ui, struct frame *f)
{
	ui_draw_title(ui, f->top++, f->cols, f->compact);
	ui->tabs_y = -1;
	if (f->compact)
		return;
	ui->tabs_y = f->top;
	ui_draw_tabs(ui, f->top++, f->cols);
	ui_draw_rule(f->top++, f->cols);
}

/* Alarms: on top where there is room, one line above the hints where there is not. */
static void draw_alarms(struct ui *ui, struct frame *f)
{
	int lines = (int)ui->alarm_count < ALARM_LINES ? (int)ui->alarm_count : ALARM_LINES;

	ui->alarms_shown = 0;
	if (lines == 0)
		return;
	if (f->compact) {
		ui->alarms_y = --f->bottom;
		ui->alarms_shown = ui_draw_alarms(ui, f->bottom, 1, f->cols);
		return;
	}
	ui->alarms_y = f->top;
	ui->alarms_shown = ui_draw_alarms(ui, f->top, lines, f->cols);
	f->top += lines;
}

/* What is asked or was answered, between the body and the last line. */
static void draw_bottom(struct ui *ui, struct frame *f)
{
	int notes = ui->prompt != NULL ? prompt_note_lines(ui) : 0;
	int message = ui_message_lines(ui, f->cols, f->compact ? MESSAGE_LINES_SMALL : MESSAGE_LINES);
	int last = --f->bottom, room, pane;

	if (message > 0 && ui->prompt == NULL) { /* in place of the hints */
		f->bottom -= message - 1;
		ui_draw_message(ui, f->bottom, message, f->cols);
	} else if (ui->prompt == NULL) {
		ui_draw_hints(ui, last, f->cols);
	}
	room = f->bottom - f->top - notes - (f->compact ? 2 : 5);
	pane = ui_pane_height(ui, f->cols, room > 1 ? room : 1);
	if (ui->prompt != NULL) {
		f->bottom -= notes;
		prompt_draw(ui, f->bottom, last, f->cols);
	}
	if (pane > 0) {
		f->bottom -= pane;
		ui_draw_pane(ui, f->bottom, pane, f->cols);
	}
	if (!f->compact || pane > 0)
		ui_draw_rule(--f->bottom, f->cols);
}

/* Details of the row under the cursor, at the foot of the body. */
static void draw_details(struct ui *ui, struct view *v, struct frame *f)
{
	struct page page;
	int height, max = (f->bottom - f->top) / DETAIL_SHARE;
	size_t row = view_selected(v);

	if (!ui->details_open || v->ops->detail == NULL || row == ROW_NONE || !v->opened)
		return;
	page_init(&page, ui->glyphs);
	v->ops->detail(v, row, &page, f->cols - 2);
	height = (int)page.line_count < max ? (int)page.line_count : max;
	if (height > 0) {
		f->bottom -= height;
		page_draw(&page, 0, f->bottom, height, 1, f->cols - 1);
		ui_draw_rule(--f->bottom, f->cols);
	}
	page_release(&page);
}

/* In place of a view that this server, or these rights, can't fill. */
static void draw_absent(struct ui *ui, struct view *v, const struct frame *f)
{
	char why[256];
	struct page page;

	ui_reason(ui, ui_missing(ui, v->ops), why, sizeof(why));
	page_init(&page, ui->glyphs);
	page_text(&page, ROLE_WARN, 0, f->cols - 2, why);
	page_draw(&page, 0, f->top, f->bottom - f->top, 1, f->cols - 1);
	page_release(&page);
	draw_cursor(CURSOR_BODY, f->top, 1);
}

static void draw_body(struct ui *ui, struct frame *f)
{
	struct view *v = ui_view(ui);

	if (v == NULL)
		return;
	if (f->rows >= UI_TALL)
		ui_draw_heading(ui, f->top++, f->cols);
	draw_details(ui, v, f);
	ui->body_y = f->top;
	ui->body_height = f->bottom - f->top;
	if (!v->opened)
		draw_absent(ui, v, f);
	else if (v->table != NULL)
		table_draw(v->table, f->top, f->bottom - f->top, f->cols);
	else
		pager_draw(v->pager, f->top, f->bottom - f->top, f->cols);
	v->dirty = false;
	if (ui->alarm_focus >= 0 && ui->alarm_focus < ui->alarms_shown)
		draw_cursor(CURSOR_ALARM, ui->alarms_y + ui->alarm_focus, 1);
}

void ui_draw(struct ui *ui)
{
	struct frame f = { .top = 0 };

	screen_size(&f.cols, &f.rows);
	f.bottom = f.rows;
	f.compact = f.rows < UI_TALL || f.cols < UI_WIDE;
	draw_begin();
	if (f.cols < UI_MIN_COLS || f.rows < UI_MIN_ROWS) {
		draw_too_small(&f);
		draw_end();
		return;
	}
	draw_top(ui, &f);
	draw_bottom(ui, &f);
	draw_alarms(ui, &f);
	draw_body(ui, &f);
	draw_end();
}
