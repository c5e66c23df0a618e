/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walks over the rows shown, in slices: the next row that holds the search text, and marking all of them. */
#include <string.h>

#include "core/text.h"
#include "tui/table_private.h"
#include "tui/ui_private.h"

#define CHUNK 512

void table_walk_stop(struct table *t)
{
	timer_stop(&t->walk.timer);
	t->walk.kind = WALK_NONE;
	t->walk.is_all = false;
}

static void found(struct table *t, size_t index)
{
	t->cursor = index;
	t->view->following = false;
	table_remember(t);
	table_walk_stop(t);
}

static void not_found(struct table *t)
{
	const char *text = t->last_search;

	table_walk_stop(t);
	if (t->view->ui != NULL)
		ui_message(t->view->ui, ROLE_WARN, "\"%s\" is not in the rows shown", text);
}

/* One chunk; false while there is more. */
static bool find_some(struct table *t)
{
	struct table_walk *w = &t->walk;
	size_t n = table_count(t);

	for (int i = 0; i < CHUNK && w->left > 0; i++, w->left--) {
		if (table_match(t, t->last_search, table_row(t, w->pos))) {
			found(t, w->pos);
			return true;
		}
		w->pos = w->step > 0 ? (w->pos + 1) % n : (w->pos + n - 1) % n;
	}
	if (w->left > 0)
		return false;
	not_found(t);
	return true;
}

static bool mark_some(struct table *t)
{
	struct table_walk *w = &t->walk;
	const struct view *v = t->view;

	for (int i = 0; i < CHUNK && w->left > 0; i++, w->left--, w->pos++) {
		uint64_t id = v->ops->row_id(v, table_row(t, w->pos));

		if (w->on)
			idset_add(&t->marks, id);
		else
			idset_remove(&t->marks, id);
	}
	if (w->left == 0)
		table_walk_stop(t);
	return w->left == 0;
}

static void run(struct loop *loop, void *arg)
{
	struct table *t = arg;
	int64_t until = ui_now_us() + SLICE_US;
	bool done;

	do {
		done = t->walk.kind == WALK_FIND ? find_some(t) : mark_some(t);
	} while (!done && (loop == NULL || ui_now_us() < until));
	table_touch(t);
	if (!done)
		timer_start(loop, &t->walk.timer, 0, &t->view->scope, run, t);
}

void table_find(struct table *t, int step, bool from_next)
{
	struct table_walk *w = &t->walk;
	size_t n = table_count(t);

	table_walk_stop(t);
	if (n == 0 || t->stale_rows || t->last_search[0] == '\0')
		return;
	w->kind = WALK_FIND;
	w->step = step;
	w->left = n;
	w->pos = t->cursor < n ? t->cursor : 0;
	if (from_next)
		w->pos = step > 0 ? (w->pos + 1) % n : (w->pos + n - 1) % n;
	run(t->loop, t);
}

/* Are all the rows shown marked? Then `*` takes the marks away. */
static bool all_marked(const struct table *t)
{
	const struct view *v = t->view;
	size_t n = table_count(t);

	if (t->marks.len < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!idset_has(&t->marks, v->ops->row_id(v, table_row(t, i))))
			return false;
	return true;
}

static void mark_shown(struct table *t, bool on)
{
	size_t n = table_count(t);

	table_walk_stop(t);
	t->walk.on = on;
	t->walk.is_all = true;
	if (t->walk.on)
		idset_reserve(&t->marks, t->marks.len + n);
	t->walk.kind = WALK_MARK;
	t->walk.pos = 0;
	t->walk.left = n;
	run(t->loop, t);
}

void table_mark_all(struct table *t)
{
	table_walk_hurry(t);
	if (t->stale_rows)
		t->walk.due = t->walk.due == DUE_NOTHING ? DUE_TOGGLE : t->walk.due == DUE_MARK ? DUE_UNMARK : DUE_MARK;
	else if (table_count(t) > 0)
		mark_shown(t, !all_marked(t));
}

void table_walk_hurry(struct table *t)
{
	if (t->walk.kind != WALK_MARK)
		return;
	while (!mark_some(t))
		;
	table_touch(t);
}

void table_walk_defer(struct table *t)
{
	if (t->walk.kind == WALK_MARK && t->walk.is_all)
		t->walk.due = t->walk.on ? DUE_MARK : DUE_UNMARK;
	table_walk_stop(t);
}

void table_walk_due(struct table *t)
{
	int due = t->walk.due;

	t->walk.due = DUE_NOTHING;
	if (due != DUE_NOTHING && table_count(t) > 0)
		mark_shown(t, due == DUE_TOGGLE ? !all_marked(t) : due == DUE_MARK);
}

void table_mark_span(struct table *t, size_t from, size_t to)
{
	table_walk_stop(t);
	if (from > to) {
		size_t swap = from;

		from = to;
		to = swap;
	}
	t->walk.kind = WALK_MARK;
	t->walk.on = true;
	t->walk.pos = from;
	t->walk.left = to - from + 1;
	run(t->loop, t);
}
