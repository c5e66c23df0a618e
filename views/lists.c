/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The blocked and the allowed panel: two lists of the same kind, one file. Fetching is the snapshot's, drawing the table's; rows and
 * actions have files of their own. */
#include "views/lists.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/text.h"

static enum snap snap_of(const struct view *v)
{
	return list_kind_of(v) == LIST_ALLOWED ? SNAP_BIT_ALLOWED : SNAP_BIT_BLOCKED;
}

/* ---- life ---- */

static void filter_again(struct view *v)
{
	struct list_state *s = v->state;

	s->hits.count = 0;
	if (s->filter && list_of(v))
		filter_list(s->filter, list_of(v), s->now, &s->hits);
}

static void changed(void *arg, unsigned snaps)
{
	struct view *v = arg;
	const struct snapshot *snap = &app_of(v)->snap;
	struct list_state *s = v->state;
	char badge[32];

	if (!(snaps & 1u << snap_of(v)))
		return;
	s->now = clock_now();
	if (list_of(v) != s->seen || snap->fetched[snap_of(v)] != s->seen_fetched || snap->learned != s->learned) {
		s->seen = list_of(v);
		s->seen_fetched = snap->fetched[snap_of(v)];
		s->learned = snap->learned;
		filter_again(v);
		view_changed(v);
	} else {
		view_redraw(v);
	}
	if (s->seen)
		ui_set_badge(v->ui, v->ops, text_grouped(s->seen->count, badge, sizeof(badge)),
			s->seen->malformed ? ROLE_WARN : ROLE_BADGE);
}

static void list_open(struct view *v)
{
	struct list_state *s = v->state;

	s->now = clock_now();
	app_observe(app_of(v), &s->observer, &v->scope, changed, v);
	changed(v, 1u << snap_of(v));
	app_refresh(app_of(v), 1u << snap_of(v), app_of(v)->profile.refresh_ms);
}

static void list_refresh(struct view *v)
{
	app_refresh(app_of(v), 1u << snap_of(v), 0);
}

static void list_close(struct view *v)
{
	struct list_state *s = v->state;

	filter_free(s->filter);
	filter_hits_release(&s->hits);
}

static size_t list_count(const struct view *v)
{
	return list_of(v) ? list_of(v)->count : 0;
}

/* ---- filter ---- */

static bool list_filter_compile(struct view *v, const char *text, struct err *err)
{
	struct list_state *s = v->state;
	struct filter *f = NULL;

	if (text[0]) {
		f = filter_parse(FILTER_LIST, text, clock_now(), err);
		if (!f)
			return false;
	}
	filter_free(s->filter);
	s->filter = f;
	filter_again(v);
	return true;
}

static bool hit(const struct filter_hits *h, size_t row)
{
	size_t lo = 0, hi = h->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (h->rows[mid] < row)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < h->count && h->rows[lo] == row;
}

/* "covere" is text, "covered" a predicate: only the grammar knows whether typing on narrows. */
static bool list_filter_narrows(const struct view *v, const char *before, const char *now)
{
	struct err ignored = ERR_INIT;
	struct filter *wide = filter_parse(FILTER_LIST, before, 0, &ignored),
		      *narrow = filter_parse(FILTER_LIST, now, 0, &ignored);
	bool narrows = wide && narrow && filter_is_narrower(narrow, wide);

	(void)v;
	filter_free(wide);
	filter_free(narrow);
	return narrows;
}

static bool list_filter_match(const struct view *v, size_t row)
{
	const struct list_state *s = v->state;

	return !s->filter || hit(&s->hits, row);
}

static void list_filter_range(const struct view *v, size_t from, size_t to, uint64_t *bits)
{
	const struct list_state *s = v->state;

	if (!s->filter) {
		for (size_t row = from; row < to; row++)
			bits[(row - from) / 64] |= 1ull << (row - from) % 64;
		return;
	}
	for (size_t i = 0; i < s->hits.count && s->hits.rows[i] < to; i++)
		if (s->hits.rows[i] >= from)
			bits[(s->hits.rows[i] - from) / 64] |= 1ull << (s->hits.rows[i] - from) % 64;
}

static void list_status(const struct view *v, struct view_status *out)
{
	const struct entrylist *l = list_of(v);

	status_of_snap(v, snap_of(v), out, list_count(v),
		list_kind_of(v) == LIST_BLOCKED ? "nothing is blocked" : "nothing is allowed");
	if (l && l->malformed)
		snprintf(out->note, sizeof(out->note), "%zu malformed", l->malformed);
}

/* ---- the two rows of the table ---- */

static const struct column columns[] = {
	{ .name = "state", .title = "", .min = 1, .max = 1 },
	{ .name = "address", .title = "ADDRESS", .min = 15, .max = 43 },
	{ .name = "reason", .title = "REASON", .min = 6, .max = 8, .priority = 1 },
	{ .name = "since", .title = "SINCE", .min = 7, .max = 14, .priority = 2, .descending = true },
	{ .name = "remaining", .title = "REMAINING", .min = 8, .max = 12, .priority = 3 },
	{ .name = "refused", .title = "REFUSED", .min = 7, .max = 10, .priority = 4, .right = true, .descending = true },
	{ .name = "times", .title = "TIMES", .min = 5, .max = 6, .priority = 5, .right = true, .descending = true },
	{ .name = "country", .title = "CC", .min = 2, .max = 2, .priority = 6, .needs = VIEW_HAS_COUNTRY },
	{ .name = "as", .title = "OPERATOR", .min = 8, .max = 28, .priority = 7, .needs = VIEW_HAS_AS },
	{ .name = "note", .title = "NOTE", .min = 8, .max = 0, .priority = 8 },
	{ .name = NULL },
};

static const struct binding blocked_keys[] = {
	{ .keys = "d", .action = ACTION_REMOVE, .label = "un-block" },
	{ .keys = "a", .action = ACTION_ADD, .label = "block" },
	{ .keys = "e", .action = ACTION_EDIT, .label = "expiry", .hint = -1 },
	{ .keys = "<Enter>", .action = ACTION_OPEN, .label = "details" },
	{ .keys = NULL },
};

static const struct binding allowed_keys[] = {
	{ .keys = "d", .action = ACTION_REMOVE, .label = "disallow" },
	{ .keys = "a", .action = ACTION_ADD, .label = "allow" },
	{ .keys = "e", .action = ACTION_EDIT, .label = "expiry", .hint = -1 },
	{ .keys = "<Enter>", .action = ACTION_OPEN, .label = "details" },
	{ .keys = NULL },
};

#define NEWEST_FIRST (-4) /* the fourth column, since */

#define LIST_OPS                                                                                   \
	.flags = VIEW_POLL, .state_size = sizeof(struct list_state), .columns = columns, .sort = NEWEST_FIRST, .open = list_open, .refresh = list_refresh,              \
	.close = list_close, .count = list_count, .row_id = list_row_id, .cell = list_cell, .row_role = list_row_role,                            \
	.sort_key = list_sort_key, .filter_compile = list_filter_compile, .filter_match = list_filter_match, .filter_narrows = list_filter_narrows, \
	.filter_range = list_filter_range, .status = list_status, .act = list_act, .detail = list_detail

const struct view_ops view_blocked = {
	.name = "blocked",
	.title = "Blocked",
	.help = "Addresses and networks the server refuses. Filter with words or predicates: reason:auth age>7d private covered "
		"net:203.0.113.0/24 in:203.0.113.7.",
	.needs = CAP(READ_BLOCKED),
	.bindings = blocked_keys,
	LIST_OPS,
};

const struct view_ops view_allowed = {
	.name = "allowed",
	.title = "Allowed",
	.help = "Addresses and networks that are never banned.",
	.needs = CAP(READ_ALLOWED),
	.bindings = allowed_keys,
	LIST_OPS,
};
