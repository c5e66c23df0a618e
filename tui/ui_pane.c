/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies between the list and the last line: verdict and its details, progress, the question. And the message. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "tui/chart.h"
#include "tui/draw.h"
#include "tui/pager.h"
#include "tui/ui_private.h"

#define VERDICT_LINES 5
#define LIST_LINES 3 /* of the list stay to be seen */
#define PROGRESS_PAINT_MS 100
#define RATE_AFTER_MS 500 /* before that a rate is a guess */

void ui_message(struct ui *ui, enum role role, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	free(ui->message);
	ui->message = buf_take(&text, NULL);
	ui->message_role = role;
	ui_dirty(ui);
}

/* --- verdict --- */

static void take_page(struct page *into, struct page *from)
{
	page_release(into);
	if (from == NULL)
		return;
	*into = *from;
	free(from);
}

/* The page shows all that the pane would. */
static bool is_outcome_shown(struct ui *ui)
{
	return ui_view(ui) != NULL && ui_view(ui)->ops == &outcome_view;
}

static bool has_verdict(struct ui *ui)
{
	return ui->verdict.line_count > 0 && ui->confirm == NULL && !is_outcome_shown(ui);
}

void ui_verdict(struct ui *ui, struct page *lines, struct page *details)
{
	take_page(&ui->verdict, lines);
	take_page(&ui->verdict_details, details);
	ui->verdict_open = false;
	if (is_outcome_shown(ui))
		view_changed(ui_view(ui));
	ui_dirty(ui);
}

void ui_clear_verdict(struct ui *ui)
{
	page_release(&ui->verdict);
	page_release(&ui->verdict_details);
	ui->verdict_open = false;
	ui_dirty(ui);
}

bool ui_outcome_fits(const struct ui *ui)
{
	int needed = (int)(ui->verdict.line_count + ui->verdict_details.line_count);
	int shown = (int)ui->verdict.line_count < VERDICT_LINES ? (int)ui->verdict.line_count : VERDICT_LINES;

	return needed - shown + LIST_LINES <= ui->body_height;
}

static int verdict_height(const struct ui *ui, int max)
{
	int n = (int)ui->verdict.line_count;

	if (n > VERDICT_LINES && !ui->verdict_open)
		n = VERDICT_LINES;
	if (ui->verdict_open)
		n += (int)ui->verdict_details.line_count;
	return n < max ? n : max;
}

/* "o details" at the right end of the first line, where there is room for it. */
static void draw_verdict_key(struct ui *ui, int y, int width)
{
	struct view *v = ui_view(ui);
	struct buf text = BUF_INIT;
	int w;

	if (ui->verdict_details.line_count == 0 || ui->verdict_open || v == NULL)
		return;
	if (keymap_keys_of(v->keymap, ACTION_OUTCOME, ui->glyphs->ascii, &text) > 0) {
		buf_truncate(&text, strcspn(buf_str(&text), " "));
		buf_adds(&text, " details");
		w = text_width(buf_str(&text));
		if (ui->verdict.lines[0].width + w + 4 <= width)
			draw_text(y, width - w - 1, w, ROLE_HINT, buf_str(&text));
	}
	buf_release(&text);
}

/* Lines, not outcomes: their number would be taken for one. */
static void hidden_words(struct ui *ui, int hidden, char *out, size_t size)
{
	struct view *v = ui_view(ui);
	struct buf key = BUF_INIT;

	if (ui->verdict_details.line_count > 0 && v != NULL &&
		keymap_keys_of(v->keymap, ACTION_OUTCOME, ui->glyphs->ascii, &key) > 0)
		snprintf(out, size, "%.*s shows the rest", (int)strcspn(buf_str(&key), " "), buf_str(&key));
	else
		snprintf(out, size, "and %d more lines", hidden);
	buf_release(&key);
}

static void draw_verdict(struct ui *ui, int y, int height, int width)
{
	int lines = (int)ui->verdict.line_count;
	int hidden = 0;
	char more[64];

	if (lines > height) {
		hidden = lines - height + 1;
		lines = height - 1;
	}
	page_draw(&ui->verdict, 0, y, lines, 1, width - 1);
	if (lines > 0)
		draw_verdict_key(ui, y, width);
	if (hidden > 0) {
		hidden_words(ui, hidden, more, sizeof(more));
		draw_text(y + lines, 1, width - 1, ROLE_DIM, more);
	}
	if (ui->verdict_open && hidden == 0)
		page_draw(&ui->verdict_details, 0, y + lines, height - lines, 3, width - 3);
}

/* --- progress --- */

static void paint_progress(struct loop *loop, void *arg)
{
	(void)loop;
	ui_dirty(arg);
}

void ui_progress(struct ui *ui, const char *label, uint64_t done, uint64_t total, void (*cancel)(void *arg), void *arg)
{
	struct ui_progress *p = &ui->progress;
	int64_t now = clock_mono();

	if (label == NULL) {
		timer_stop(&p->timer);
		free(p->label);
		memset(p, 0, sizeof(*p));
		ui_dirty(ui);
		return;
	}
	if (p->label == NULL || strcmp(p->label, label) != 0) {
		free(p->label);
		p->label = xstrdup(label);
		p->since = now;
		p->drawn = 0;
		p->cancelled = false;
	}
	p->done = done;
	p->total = total;
	p->cancel = cancel;
	p->arg = arg;
	if (!timer_is_armed(&p->timer)) {
		int64_t wait = p->drawn + PROGRESS_PAINT_MS - now;

		timer_start(ui->loop, &p->timer, wait > 0 ? wait : 0, NULL, paint_progress, ui);
	}
}

static void progress_words(const struct ui_progress *p, int64_t now, struct buf *out)
{
	int64_t took = now - p->since;
	char a[32], b[32];

	buf_adds(out, text_grouped(p->done, a, sizeof(a)));
	if (p->total > 0)
		buf_addf(out, " of %s", text_grouped(p->total, b, sizeof(b)));
	if (took >= RATE_AFTER_MS && p->done > 0) {
		uint64_t rate = p->done * 1000 / (uint64_t)took;

		buf_addf(out, ", %s a second", text_grouped(rate, a, sizeof(a)));
		if (p->total > p->done && rate > 0)
			buf_addf(out, ", %s left",
				duration_words((int64_t)((p->total - p->done) / rate + 1) * 1000, a, sizeof(a)));
	}
}

static void draw_progress(struct ui *ui, int y, int width)
{
	struct ui_progress *p = &ui->progress;
	struct buf words = BUF_INIT, bar = BUF_INIT;
	int x = 1, bar_width;

	p->drawn = clock_mono();
	x += draw_text(y, x, width / 3, ROLE_PANE, p->label) + 2;
	progress_words(p, p->drawn, &words);
	if (p->cancelled)
		buf_adds(&words, "  stopping");
	else if (p->cancel != NULL)
		buf_adds(&words, "  Esc stops");
	bar_width = width - x - text_width(buf_str(&words)) - 3;
	if (p->total > 0 && bar_width >= 5) {
		chart_bar(&bar, ui->glyphs, p->done, p->total, bar_width);
		draw_fill(y, x, bar_width, ROLE_BAR_REST, ui->glyphs->dot);
		draw_text(y, x, bar_width, ROLE_BAR, buf_str(&bar));
		x += bar_width + 2;
	}
	draw_text(y, x, width - x, ROLE_NORMAL, buf_str(&words));
	buf_release(&words);
	buf_release(&bar);
}

/* --- together --- */

int ui_pane_height(struct ui *ui, int width, int max)
{
	int n = 0;

	if (ui->confirm != NULL)
		n += confirm_height(ui, width, max);
	if (ui->progress.label != NULL && n < max)
		n++;
	if (has_verdict(ui) && n < max)
		n += verdict_height(ui, max - n);
	return n;
}

void ui_draw_pane(struct ui *ui, int y, int height, int width)
{
	int end = y + height;

	if (ui->progress.label != NULL && y < end)
		draw_progress(ui, y++, width);
	if (has_verdict(ui) && y < end)
		draw_verdict(ui, y, end - y, width);
	if (ui->confirm != NULL && y < end)
		confirm_draw(ui, y, end - y, width);
}
