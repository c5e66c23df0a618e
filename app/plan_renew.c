/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocking or allowing what is listed already: another end for its entry, where one is due or asked for. Sends nothing, asks nobody. */
#include <stdlib.h>
#include <string.h>

#include "app/plan_private.h"
#include "core/clock.h"
#include "core/mem.h"

char *plan_end_shown(const struct entry *e)
{
	int64_t end = entry_expires(e);
	char text[TIME_BUF];

	return xstrdup(end == TIME_NONE ? "never" : time_format(end, text, sizeof(text)));
}

/* Servers hold whole seconds. */
static bool is_same_end(int64_t a, int64_t b)
{
	return a == TIME_NONE || b == TIME_NONE ? a == b : a / 1000 == b / 1000;
}

bool plan_gets_another_end(const struct entry *e, const struct plan_options *o)
{
	return (o->sets_end || o->expires != TIME_NONE) && !is_same_end(entry_expires(e), o->expires);
}

static void say(struct app *a, struct plan *p, size_t edit, const struct entry *e, bool is_over, const struct plan_options *o)
{
	const struct edit *to = &p->change->edits[edit];
	const char *what = edit_is_allow(to->kind) ? "allowed" : "blocked";
	bool native = server_has(session_server(a->session), CAP(NATIVE_EXPIRY));
	char *end = plan_end_shown(e);

	if (is_over)
		plan_add_line(p, PLAN_INFO, edit, "%s is listed, but its time is over: it gets another end", to->target);
	else
		plan_add_line(p, PLAN_INFO, edit, "%s is %s already, %s%s: it gets another end", to->target, what,
			entry_expires(e) == TIME_NONE ? "for good" : "until ", entry_expires(e) == TIME_NONE ? "" : end);
	if (o->note && o->note[0] && server_has(session_server(a->session), CAP(NOTES)))
		plan_add_line(p, PLAN_INFO, edit, "%s keeps the reason that it has; yours is in the journal", to->target);
	if (!native && to->expires != TIME_NONE)
		plan_add_line(p, PLAN_INFO, edit, "this server ends nothing by itself: `sync`, or an open console, lifts it then");
	free(end);
}

/* The edit is of an entry that is there, whoever made it: it is conditional on the end that was seen. */
static void turn(struct edit *e, const struct entrylist *l, size_t row)
{
	e->kind = edit_is_allow(e->kind) ? EDIT_ALLOW_EXPIRY : EDIT_EXPIRY;
	free(e->target);
	e->target = xstrdup(entry_key(l, row));
	free(e->expected);
	e->expected = plan_end_shown(&l->rows[row]);
}

/* The same address under other spellings: its end is that of the last of them. */
static void turn_twins(struct app *a, struct plan *p, size_t edit, const struct entrylist *l, size_t row, const struct plan_options *o)
{
	struct net net = p->change->edits[edit].net, other;

	for (row++; row < l->count; row++) {
		struct edit *e;

		entry_net(&l->rows[row], &other);
		if (!net_equal(&other, &net))
			return;
		if (is_same_end(entry_expires(&l->rows[row]), p->change->edits[edit].expires))
			continue;
		e = plan_edit(a, p, p->change->edits[edit].kind, entry_key(l, row), o);
		e->net = net;
		e->expires = p->change->edits[edit].expires;
		e->expected = plan_end_shown(&l->rows[row]);
	}
}

/* Before the guards: one that ends earlier harms nobody, one that lasts longer is a block like any other. */
void plan_renew(struct app *a, struct plan *p, const struct plan_options *o)
{
	bool can_end = server_has(session_server(a->session), CAP(EXPIRY));
	size_t count = p->change->count;
	int64_t now = clock_now();

	for (size_t i = 0; can_end && i < count; i++) {
		struct edit *e = &p->change->edits[i];
		const struct entrylist *l = a->snap.list[edit_is_allow(e->kind) ? LIST_ALLOWED : LIST_BLOCKED];
		ptrdiff_t row = -1;
		bool is_over;

		if (l && (e->kind == EDIT_BLOCK || e->kind == EDIT_ALLOW) && e->net.family)
			row = entrylist_find(l, &e->net);
		if (row < 0)
			continue;
		is_over = entry_state(l, (size_t)row, now) == ENTRY_EXPIRED;
		if (!is_over && !plan_gets_another_end(&l->rows[row], o))
			continue;
		turn(e, l, (size_t)row);
		say(a, p, i, &l->rows[row], is_over, o);
		turn_twins(a, p, i, l, (size_t)row, o);
	}
}
