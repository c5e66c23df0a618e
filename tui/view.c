/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of a view and what panels call. Knows no curses. */
#include "tui/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "tui/pager.h"
#include "tui/table.h"
#include "tui/ui_private.h"

void cell_set(struct cell *c, enum role role, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->buf, sizeof(c->buf), fmt, ap);
	va_end(ap);
	c->role = role;
	c->text = c->buf;
}

void cell_ref(struct cell *c, enum role role, const char *text)
{
	c->role = role;
	c->text = text != NULL ? text : "";
}

struct view *view_new(const struct view_ops *ops, struct ui *ui, void *app, const char *arg)
{
	struct view *v = xcalloc(1, sizeof(*v));
	struct loop *loop = ui != NULL ? ui_loop(ui) : NULL;

	v->ops = ops;
	v->ui = ui;
	v->app = app;
	v->arg = xstrdup(arg != NULL ? arg : "");
	scope_init(&v->scope);
	v->state = xcalloc(1, ops->state_size + 1);
	if (ui != NULL)
		v->keymap = keymaps_add(ui_keymaps(ui), ops->name, ops->bindings);
	if (ops->page != NULL)
		v->pager = pager_new(v);
	else
		v->table = table_new(v, loop);
	v->following = (ops->flags & VIEW_TAIL) != 0;
	v->dirty = true;
	return v;
}

void view_open(struct view *v)
{
	if (v->opened)
		return;
	v->opened = true;
	v->fetched = clock_mono();
	if (v->ops->open != NULL)
		v->ops->open(v);
}

void view_free(struct view *v)
{
	if (v == NULL)
		return;
	scope_cancel(&v->scope);
	if (v->opened && v->ops->close != NULL)
		v->ops->close(v);
	table_free(v->table);
	pager_free(v->pager);
	free(v->state);
	free(v->arg);
	free(v);
}

int64_t ui_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

unsigned view_caps(const struct view *v)
{
	return v->ui != NULL ? ui_caps(v->ui) : ~0u;
}

void view_status_of(const struct view *v, struct view_status *out)
{
	memset(out, 0, sizeof(*out));
	out->role = ROLE_DIM;
	if (v->ops->status != NULL)
		v->ops->status(v, out);
}

void view_redraw(struct view *v)
{
	v->dirty = true;
	if (v->ui != NULL && v->visible)
		ui_dirty(v->ui);
}

void view_changed(struct view *v)
{
	if (v->table != NULL)
		table_changed(v->table);
	if (v->pager != NULL)
		pager_changed(v->pager);
	view_redraw(v);
}

void view_grew(struct view *v, size_t added)
{
	if (v->table != NULL)
		table_grew(v->table, added);
	view_redraw(v);
}

size_t view_selected(const struct view *v)
{
	const struct page_spot *s;

	if (v->table != NULL)
		return table_cursor_row(v->table);
	s = pager_spot(v->pager);
	return s != NULL ? (size_t)s->id : ROW_NONE;
}

void view_select_id(struct view *v, uint64_t id)
{
	if (v->table != NULL)
		table_select_id(v->table, id);
	else
		pager_select_id(v->pager, id);
}

size_t view_targets(const struct view *v, size_t **rows)
{
	size_t one = view_selected(v);

	if (v->table != NULL)
		return table_targets(v->table, rows);
	*rows = NULL;
	if (one == ROW_NONE)
		return 0;
	*rows = xmemdup(&one, sizeof(one));
	return 1;
}

size_t view_marked(const struct view *v)
{
	return v->table != NULL ? table_marked(v->table) : 0;
}

size_t view_shown_count(const struct view *v)
{
	return v->table != NULL ? table_count(v->table) : 0;
}

size_t view_shown_row(const struct view *v, size_t index)
{
	return v->table != NULL && table_is_ready(v->table) ? table_row(v->table, index) : ROW_NONE;
}

const char *view_filter(const struct view *v)
{
	return v->table != NULL ? table_filter(v->table) : "";
}

bool view_set_filter(struct view *v, const char *text, struct err *err)
{
	if (v->table == NULL)
		return err_set(err, ERR_USAGE, "only a list can be filtered");
	return table_set_filter(v->table, text, err);
}

bool view_sort_by(struct view *v, const char *column, bool descending, struct err *err)
{
	int col = v->table != NULL ? table_find_column(v->table, column) : -1;

	if (v->table == NULL)
		return err_set(err, ERR_USAGE, "only a list can be sorted");
	if (col < 0 || !table_sort(v->table, col, descending))
		return err_set(err, ERR_USAGE, "no column \"%s\" to sort by", column);
	return true;
}

void view_print(struct view *v, struct buf *out, int width, size_t limit, bool ascii)
{
	struct page page;

	if (v->table != NULL) {
		table_print(v->table, out, width, limit, ascii);
		return;
	}
	page_init(&page, glyphs_get(ascii));
	v->ops->page(v, &page, width > 0 ? width : 80);
	page_to_text(&page, out);
	page_release(&page);
}
