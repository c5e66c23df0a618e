/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last line: the keys that matter here, made from the live keymap; or the message there is. */
#include <string.h>

#include "core/text.h"
#include "tui/draw.h"
#include "tui/pager.h"
#include "tui/ui_private.h"

#define HINTS_MAX 64
#define GAP 3

struct hint {
	char key[32];
	const char *label;
	enum action action;
	int rank, order, width;
	bool taken;
};

struct hints {
	struct ui *ui;
	struct view *view;
	struct hint row[HINTS_MAX];
	int len;
};

/* Generic keys matter where the toolkit itself answers them; the rest a view must name in its own keymap. */
static bool generic_matters(const struct view *v, enum action a)
{
	switch ((int)a) {
	case ACTION_FILTER:
	case ACTION_SORT:
		return v->table != NULL;
	case ACTION_REFRESH:
		return v->ops->refresh != NULL;
	case ACTION_FOLLOW:
	case ACTION_PAUSE:
		return (v->ops->flags & VIEW_TAIL) != 0;
	case ACTION_COMMAND:
	case ACTION_HELP:
	case ACTION_QUIT:
		return true;
	default:
		return false;
	}
}

static const char *label_of(const struct hints *h, const struct keyseq *s)
{
	if (s->label != NULL)
		return s->label;
	if (s->action == ACTION_QUIT && h->ui->tabs[h->ui->tab].len > 1)
		return "back";
	return action_info(s->action)->label;
}

static void add(void *arg, const struct keymap *from, const struct keyseq *s)
{
	struct hints *h = arg;
	struct hint *row = &h->row[h->len];
	char why[256];

	if (s->hint <= 0 || h->len == HINTS_MAX || (from->parent == NULL && !generic_matters(h->view, s->action)))
		return;
	for (int i = 0; i < h->len; i++)
		if (h->row[i].action == s->action)
			return;
	if (!ui_may(h->ui, h->view, s->action, s->needs, ROW_NONE, why, sizeof(why)))
		return;
	keyseq_format(s, h->ui->glyphs->ascii, row->key, sizeof(row->key));
	row->label = label_of(h, s);
	row->action = s->action;
	row->rank = s->hint;
	row->order = h->len;
	row->width = text_width(row->key) + 1 + text_width(row->label);
	row->taken = false;
	h->len++;
}

static void take_last(struct hints *h, enum action a, int *room)
{
	for (int i = 0; i < h->len; i++) {
		if (h->row[i].action == a && h->row[i].width + GAP <= *room) {
			h->row[i].taken = true;
			*room -= h->row[i].width + GAP;
		}
	}
}

static void choose(struct hints *h, int room)
{
	take_last(h, ACTION_HELP, &room);
	take_last(h, ACTION_QUIT, &room);
	for (int rank = 9; rank > 0; rank--) {
		for (int i = 0; i < h->len; i++) {
			struct hint *row = &h->row[i];

			if (row->taken || row->rank != rank || row->width + GAP > room)
				continue;
			row->taken = true;
			room -= row->width + GAP;
		}
	}
}

static int draw_hint(const struct hint *row, int y, int x, int width)
{
	int used = draw_text(y, x, width - x, ROLE_KEY, row->key) + 1;

	return used + draw_text(y, x + used, width - x - used, ROLE_HINT, row->label) + GAP;
}

static bool at_the_end(enum action a)
{
	return a == ACTION_HELP || a == ACTION_QUIT;
}

/* The most important first, `? help` and `q quit` flush right. */
static void draw_chosen(const struct hints *h, int y, int width)
{
	int x = 1, right = 0;

	for (int rank = 9; rank > 0; rank--)
		for (int i = 0; i < h->len; i++)
			if (h->row[i].taken && h->row[i].rank == rank && !at_the_end(h->row[i].action))
				x += draw_hint(&h->row[i], y, x, width);
	for (int i = 0; i < h->len; i++)
		if (h->row[i].taken && at_the_end(h->row[i].action))
			right += h->row[i].width + GAP;
	if (width - right + GAP - 1 > x)
		x = width - right + GAP - 1;
	for (int rank = 9; rank > 0; rank--)
		for (int i = 0; i < h->len; i++)
			if (h->row[i].taken && h->row[i].rank == rank && at_the_end(h->row[i].action))
				x += draw_hint(&h->row[i], y, x, width);
}

/* --- the keys a begun sequence can go on with --- */

struct follow_ups {
	struct ui *ui;
	int y, x, width;
};

static void add_follow_up(void *arg, const struct keymap *from, const struct keyseq *s)
{
	struct follow_ups *f = arg;
	struct ui *ui = f->ui;
	struct hint row = { .action = s->action };
	char key[64];

	(void)from;
	if (s->len <= ui->pending_len ||
		memcmp(s->keys, ui->pending, (size_t)ui->pending_len * sizeof(s->keys[0])) != 0)
		return;
	keyseq_format(s, ui->glyphs->ascii, key, sizeof(key));
	memcpy(row.key, key, sizeof(row.key) - 1);
	row.label = s->label != NULL ? s->label : action_info(s->action)->label;
	f->x += draw_hint(&row, f->y, f->x, f->width);
}

static enum role message_role(const struct ui *ui)
{
	return ui->message_role == ROLE_DIM ? ROLE_NORMAL : ui->message_role;
}

/* The end of a message says what to do: where it is longer than the screen is wide, it takes more lines. */
static void message_page(const struct ui *ui, int width, struct page *out)
{
	page_init(out, ui->glyphs);
	page_text(out, message_role(ui), 0, width - 2, ui->message);
}

int ui_message_lines(struct ui *ui, int width, int max)
{
	struct page page;
	int n;

	if (ui->message == NULL)
		return 0;
	message_page(ui, width, &page);
	n = (int)page.line_count;
	page_release(&page);
	return n < 1 ? 1 : n < max ? n : max;
}

void ui_draw_message(struct ui *ui, int y, int height, int width)
{
	struct page page;

	message_page(ui, width, &page);
	page_draw(&page, 0, y, height, 1, width - 1);
	if ((int)page.line_count > height)
		draw_text(y + height - 1, width - 1, 1, message_role(ui), ui->glyphs->ellipsis);
	page_release(&page);
}

void ui_draw_hints(struct ui *ui, int y, int width)
{
	struct view *v = ui_view(ui);
	struct hints h = { .ui = ui, .view = v };

	if (ui->confirm != NULL)
		draw_text(y, 1, width - 1, ROLE_DIM, confirm_hint(ui));
	if (v == NULL || ui->confirm != NULL)
		return;
	if (ui->pending_len > 0) {
		struct follow_ups f = { ui, y, 1, width };

		keymap_each(v->keymap, add_follow_up, &f);
		return;
	}
	if (ui->config.no_hints)
		return;
	keymap_each(v->keymap, add, &h);
	choose(&h, width - 1);
	draw_chosen(&h, y, width);
}
