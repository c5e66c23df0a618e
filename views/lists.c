/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The blocked and the allowed panel: two lists of the same kind, one file. Fetching is the snapshot's, drawing the table's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/filter.h"
#include "views/export.h"
#include "views/views.h"

enum list_column { COL_SIGN, COL_ADDRESS, COL_REASON, COL_SINCE, COL_REMAINING, COL_REFUSED, COL_TIMES, COL_NOTE };

struct list_state {
	struct observer observer;
	const struct entrylist *seen;  /* rows the table knows; replaced lists are noticed by address and time */
	int64_t seen_fetched;
	struct filter *filter;
	struct filter_hits hits;
	int64_t now;                   /* of the last refresh: what is expired, what remains */
};

extern const struct view_ops view_allowed;

static enum list_kind kind_of(const struct view *v)
{
	return v->ops == &view_allowed ? LIST_ALLOWED : LIST_BLOCKED;
}

static enum snap snap_of(const struct view *v)
{
	return kind_of(v) == LIST_ALLOWED ? SNAP_BIT_ALLOWED : SNAP_BIT_BLOCKED;
}

static const struct entrylist *list_of(const struct view *v)
{
	return app_of(v)->snap.list[kind_of(v)];
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
	struct list_state *s = v->state;
	char badge[32];

	if (!(snaps & 1u << snap_of(v)))
		return;
	s->now = clock_now();
	if (list_of(v) != s->seen) {
		s->seen = list_of(v);
		filter_again(v);
		view_changed(v);
	} else {
		view_redraw(v);
	}
	if (s->seen)
		ui_set_badge(v->ui, v->ops, text_grouped(s->seen->count, badge, sizeof(badge)), s->seen->malformed ? ROLE_WARN : ROLE_BADGE);
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

/* ---- rows ---- */

static size_t list_count(const struct view *v)
{
	return list_of(v) ? list_of(v)->count : 0;
}

static uint64_t list_row_id(const struct view *v, size_t row)
{
	uint64_t h = 1469598103934665603ull;

	for (const char *p = entry_key(list_of(v), row); *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ull;
	return h;
}

static const struct history_tally *tally_of(const struct view *v, size_t row)
{
	struct net n;

	entry_net(&list_of(v)->rows[row], &n);
	return n.family ? console_tally(console_of(v), &n) : NULL;
}

static uint64_t refused_of(const struct view *v, size_t row)
{
	const struct history_tally *t = tally_of(v, row);
	uint64_t refused = t ? t->refused : 0, bans = 0;
	struct net n;

	entry_net(&list_of(v)->rows[row], &n);
	if (n.family && !net_is_address(&n))
		history_tally_inside(console_of(v)->tallies, console_of(v)->tally_count, &n, &refused, &bans);
	return refused;
}

static bool is_covered_by_allow(const struct view *v, size_t row)
{
	const struct entrylist *allowed = app_of(v)->snap.list[LIST_ALLOWED];
	struct net n;

	if (kind_of(v) != LIST_BLOCKED || !allowed || !server_has(session_server(app_of(v)->session), CAP(ALLOW_WINS)))
		return false;
	entry_net(&list_of(v)->rows[row], &n);
	return n.family && entrylist_covering(allowed, &n, -1, ((struct list_state *)v->state)->now) >= 0;
}

static void sign_cell(const struct view *v, size_t row, struct cell *out)
{
	const struct glyphs *g = ui_glyphs(v->ui);
	enum entry_state state = entry_state(list_of(v), row, ((struct list_state *)v->state)->now);

	if (state == ENTRY_MALFORMED)
		cell_set(out, ROLE_WARN, "%s", g->unknown);
	else if (state == ENTRY_EXPIRED || is_covered_by_allow(v, row))
		cell_set(out, ROLE_DIM, "%s", g->expired);
	else
		cell_set(out, kind_of(v) == LIST_BLOCKED ? ROLE_BAD : ROLE_GOOD, "%s", g->active);
}

static void remaining_cell(const struct view *v, size_t row, struct cell *out)
{
	const struct entry *e = &list_of(v)->rows[row];
	int64_t now = ((struct list_state *)v->state)->now;
	char words[64];

	switch (entry_state(list_of(v), row, now)) {
	case ENTRY_EXPIRED:
		cell_set(out, ROLE_DIM, "expired");
		break;
	case ENTRY_MALFORMED:
		cell_set(out, ROLE_DIM, "%s", ui_glyphs(v->ui)->dash);
		break;
	case ENTRY_ACTIVE:
		if (entry_expires(e) == TIME_NONE)
			cell_set(out, ROLE_NORMAL, "for ever");
		else
			cell_set(out, ROLE_NORMAL, "%s", duration_words(entry_expires(e) - now, words, sizeof(words)));
		break;
	}
}

static void note_cell(const struct view *v, size_t row, struct cell *out)
{
	const struct entrylist *l = list_of(v);
	int64_t now = ((struct list_state *)v->state)->now;
	ptrdiff_t cover;
	struct net n;

	entry_net(&l->rows[row], &n);
	if (!n.family)
		cell_set(out, ROLE_WARN, "malformed: blocks nothing, refuses reloads");
	else if (entry_state(l, row, now) == ENTRY_EXPIRED)
		cell_set(out, ROLE_DIM, "listed, not in force  %s", entry_note(l, row));
	else if (is_covered_by_allow(v, row))
		cell_set(out, ROLE_DIM, "allowed: not refused  %s", entry_note(l, row));
	else if (kind_of(v) == LIST_BLOCKED && (cover = entrylist_covering(l, &n, (ptrdiff_t)row, now)) >= 0)
		cell_set(out, ROLE_DIM, "in %s  %s", entry_key(l, (size_t)cover), entry_note(l, row));
	else
		cell_ref(out, ROLE_NORMAL, entry_note(l, row));
}

static void reason_cell(const struct view *v, const struct entry *e, struct cell *out)
{
	enum reason r = console_reason(console_of(v), e);

	cell_ref(out, role_of_reason(r), r == REASON_NONE ? ui_glyphs(v->ui)->dash : reason_text(r));
}

static void list_cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct entrylist *l = list_of(v);
	const struct entry *e = &l->rows[row];
	const struct history_tally *t;
	char words[64];

	switch ((enum list_column)col) {
	case COL_SIGN:
		sign_cell(v, row, out);
		break;
	case COL_ADDRESS:
		cell_ref(out, ROLE_VALUE, entry_key(l, row));
		break;
	case COL_REASON:
		reason_cell(v, e, out);
		break;
	case COL_SINCE: {
		int64_t since = entry_created(e);

		t = since == TIME_NONE ? tally_of(v, row) : NULL;
		if (t)
			since = t->last_ban != TIME_NONE ? t->last_ban : t->seen_first;
		cell_set(out, ROLE_NORMAL, "%s", time_words(since, ((struct list_state *)v->state)->now, words, sizeof(words)));
		break;
	}
	case COL_REMAINING:
		remaining_cell(v, row, out);
		break;
	case COL_REFUSED:
		cell_set(out, ROLE_NORMAL, "%s", text_grouped(refused_of(v, row), words, sizeof(words)));
		break;
	case COL_TIMES:
		t = tally_of(v, row);
		if (t && t->bans)
			cell_set(out, t->bans > 2 ? ROLE_WARN : ROLE_NORMAL, "%u", t->bans);
		else
			cell_set(out, ROLE_DIM, "%s", ui_glyphs(v->ui)->dash);
		break;
	case COL_NOTE:
		note_cell(v, row, out);
		break;
	}
}

static enum role list_row_role(const struct view *v, size_t row)
{
	return entry_state(list_of(v), row, ((struct list_state *)v->state)->now) == ENTRY_EXPIRED ? ROLE_DIM : ROLE_NORMAL;
}

static void list_sort_key(const struct view *v, size_t row, int col, struct sort_key *out)
{
	const struct entrylist *l = list_of(v);
	const struct entry *e = &l->rows[row];
	const struct history_tally *t;

	switch ((enum list_column)col) {
	case COL_SIGN:
		out->num = entry_state(l, row, ((struct list_state *)v->state)->now);
		break;
	case COL_ADDRESS:
		out->num = (int64_t)row; /* the list is in the order of its nets */
		break;
	case COL_REASON:
		out->text = reason_text(console_reason(console_of(v), e));
		break;
	case COL_SINCE:
		out->num = e->created;
		break;
	case COL_REMAINING:
		out->num = e->expires ? e->expires : INT64_MAX;
		break;
	case COL_REFUSED:
		out->num = (int64_t)refused_of(v, row);
		break;
	case COL_TIMES:
		t = tally_of(v, row);
		out->num = t ? t->bans : 0;
		break;
	case COL_NOTE:
		out->text = entry_note(l, row);
		break;
	}
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
	struct filter *wide = filter_parse(FILTER_LIST, before, 0, &ignored), *narrow = filter_parse(FILTER_LIST, now, 0, &ignored);
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

/* ---- acting ---- */

struct expiry_ask {
	struct console *console;
	enum list_kind kind;
	char *key;
};

static bool parse_end(const char *text, int64_t *out, struct err *err)
{
	int64_t span;

	if (!strcmp(text, "never") || !strcmp(text, "for ever") || !strcmp(text, "forever")) {
		*out = TIME_NONE;
		return true;
	}
	if (duration_parse(text, &span)) {
		*out = clock_now() + span;
		return true;
	}
	if (!time_parse(text, clock_now(), out))
		return err_set(err, ERR_USAGE, "\"%s\" is no time: 7d, 2026-12-01, 2026-12-01T12:00:00Z or never", text);
	return *out > clock_now() || err_set(err, ERR_USAGE, "%s is in the past", text);
}

static bool check_end(void *arg, const char *text, struct err *err)
{
	int64_t end;

	(void)arg;
	return parse_end(text, &end, err);
}

static void end_given(void *arg, const char *text)
{
	struct expiry_ask *ask = arg;
	const struct entrylist *l = ask->console->app->snap.list[ask->kind];
	ptrdiff_t row = l ? entrylist_find_key(l, ask->key) : -1;
	struct err err = ERR_INIT;
	int64_t end;

	if (text && parse_end(text, &end, &err)) {
		struct plan *p = row < 0 ? NULL : plan_expiry(ask->console->app, ask->kind, (size_t)row, end, &err);

		if (row < 0)
			err_set(&err, ERR_NOT_FOUND, "%s is not listed any more", ask->key);
		flow_plan(ask->console, p, &err);
	}
	free(ask->key);
	free(ask);
}

static void ask_expiry(struct view *v, size_t row)
{
	struct expiry_ask *ask = xmalloc(sizeof(*ask));

	*ask = (struct expiry_ask){ console_of(v), kind_of(v), xstrdup(entry_key(list_of(v), row)) };
	ui_prompt(v->ui,
		&(struct prompt_spec){ .label = "Ends: ",
			.hint = "7d, 2026-12-01, 2026-12-01T12:00:00Z or never",
			.history = "time",
			.check = check_end,
			.done = end_given,
			.arg = ask });
}

static void remove_rows(struct view *v)
{
	struct plan_options o;
	struct err err = ERR_INIT;
	size_t *rows, n = view_targets(v, &rows);

	plan_options_init(&o);
	o.force = app_of(v)->options.force;
	flow_plan(console_of(v), plan_remove_rows(app_of(v), kind_of(v), rows, n, &o, &err), &err);
	free(rows);
}

static void allow_rows(struct view *v)
{
	struct plan_options o;
	struct err err = ERR_INIT;
	size_t *rows, n = view_targets(v, &rows);
	const char **keys = xcalloc(n + 1, sizeof(char *));

	plan_options_init(&o);
	for (size_t i = 0; i < n; i++)
		keys[i] = entry_key(list_of(v), rows[i]);
	flow_plan(console_of(v), plan_allow(app_of(v), keys, n, &o, &err), &err);
	free(keys);
	free(rows);
}

static bool list_act(struct view *v, enum action a, size_t row)
{
	struct net n = { 0 };

	if (row != ROW_NONE)
		entry_net(&list_of(v)->rows[row], &n);
	switch (a) {
	case ACTION_ADD:
		if (kind_of(v) == LIST_ALLOWED)
			flow_allow(console_of(v), NULL);
		else
			flow_block(console_of(v), NULL);
		return true;
	case ACTION_REMOVE:
		remove_rows(v);
		return true;
	case ACTION_ALLOW:
		allow_rows(v);
		return true;
	case ACTION_EDIT:
		ask_expiry(v, row);
		return true;
	case ACTION_FIX:
		if (n.family)
			flow_gateway(console_of(v), &n);
		return true;
	case ACTION_WHY:
		console_open_why(console_of(v), entry_key(list_of(v), row));
		return true;
	case ACTION_OPEN:
		ui_act(v->ui, ACTION_DETAILS, row);
		return true;
	case ACTION_EXPORT:
		export_list(v, list_of(v), kind_of(v));
		return true;
	default:
		return flow_common(console_of(v), a);
	}
}

static void list_detail(const struct view *v, size_t row, struct page *out, int width)
{
	const struct entrylist *l = list_of(v);
	const struct entry *e = &l->rows[row];
	const struct history_tally *t = tally_of(v, row);
	int64_t now = ((struct list_state *)v->state)->now;
	char words[64], stamp[TIME_BUF];

	(void)width;
	page_pair(out, 12, "Entry", ROLE_VALUE, "%s", entry_key(l, row));
	page_pair(out, 12, "State", ROLE_NORMAL, "%s, added by %s", entry_state_text(entry_state(l, row, now)), origin_text(e->origin));
	if (entry_created(e) != TIME_NONE)
		page_pair(out, 12, "Since", ROLE_NORMAL, "%s (%s)", time_format(entry_created(e), stamp, sizeof(stamp)),
			time_words(entry_created(e), now, words, sizeof(words)));
	if (entry_expires(e) != TIME_NONE)
		page_pair(out, 12, "Until", ROLE_NORMAL, "%s", time_format(entry_expires(e), stamp, sizeof(stamp)));
	if (entry_note(l, row)[0])
		page_pair(out, 12, "Note", ROLE_NORMAL, "%s", entry_note(l, row));
	if (t)
		page_pair(out, 12, "History", ROLE_NORMAL, "banned %u times, %llu connections refused", t->bans,
			(unsigned long long)refused_of(v, row));
}

static void list_status(const struct view *v, struct view_status *out)
{
	const struct entrylist *l = list_of(v);

	status_of_snap(v, snap_of(v), out, list_count(v), kind_of(v) == LIST_BLOCKED ? "nothing is blocked" : "nothing is allowed");
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
	{ .name = "note", .title = "NOTE", .min = 8, .max = 0, .priority = 6 },
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
	{ .keys = "<Enter>", .action = ACTION_OPEN, .label = "details" },
	{ .keys = NULL },
};

#define LIST_OPS                                                                                   \
	.flags = VIEW_POLL, .state_size = sizeof(struct list_state), .columns = columns, .open = list_open, .refresh = list_refresh,              \
	.close = list_close, .count = list_count, .row_id = list_row_id, .cell = list_cell, .row_role = list_row_role,                            \
	.sort_key = list_sort_key, .filter_compile = list_filter_compile, .filter_match = list_filter_match, .filter_narrows = list_filter_narrows,                                      \
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
