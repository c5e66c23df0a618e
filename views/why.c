/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The why page: everything known about one address, and the keys that end it. From anywhere, by `w`. */
#include "app/why.h"

#include <stdio.h>
#include <string.h>

#include "app/sync.h"
#include "views/views.h"
#include "views/why_page.h"

struct why_state {
	struct observer observer;
	struct net net;
	struct why why;
	struct why_job *job; /* at work */
	struct timer turn;
	bool is_old;       /* what it brings: something has changed since it began */
	uint64_t changes;  /* of the store, and when the thresholds were read, that it began with; 0 = never */
	int64_t fetched;
	struct sync *sync; /* what is new in the log is read once, when the page opens */
};

static void stop(struct view *v)
{
	struct why_state *s = v->state;

	if (!s->job)
		return;
	timer_stop(&s->turn);
	why_end(s->job);
	s->job = NULL;
	app_of(v)->jobs--;
}

static void gather(struct view *v);

static void on_turn(struct loop *loop, void *arg)
{
	struct view *v = arg;
	struct why_state *s = v->state;
	int64_t began = clock_mono();
	bool is_done;

	while (!(is_done = why_step(s->job, false)) && !app_turn_is_over(began))
		;
	if (!is_done) {
		timer_start(loop, &s->turn, 0, &v->scope, on_turn, v);
		return;
	}
	why_take(s->job, &s->why);
	stop(v);
	view_changed(v);
	if (s->is_old)
		gather(v);
}

/* What has not changed is not asked for again. One under way is brought to its end, or there might never be one. */
static void gather(struct view *v)
{
	struct why_state *s = v->state;
	uint64_t changes = store_changes(app_of(v)->store) + 1;
	int64_t fetched = app_of(v)->snap.fetched[SNAP_BIT_THRESHOLDS];

	view_changed(v); /* what may be done hangs on the session, too */
	if (changes == s->changes && fetched == s->fetched)
		return;
	s->is_old = s->job != NULL;
	if (s->job)
		return;
	s->changes = changes;
	s->fetched = fetched;
	s->job = why_begin(app_of(v), &s->net);
	app_of(v)->jobs++;
	timer_start(app_of(v)->loop, &s->turn, 0, &v->scope, on_turn, v);
}

static void changed(void *arg, unsigned snaps)
{
	struct view *v = arg;
	struct why_state *s = v->state;

	if (snaps & SNAP(THRESHOLDS))
		gather(v);
	if (!(snaps & (SNAP(BLOCKED) | SNAP(ALLOWED) | SNAP(THRESHOLDS))))
		return;
	why_look(app_of(v), &s->why);
	view_changed(v);
}

static void synced(void *arg, const struct sync_result *r)
{
	struct view *v = arg;
	struct why_state *s = v->state;

	s->sync = NULL;
	if (r->sum.lines)
		app_learn_again(app_of(v));
	gather(v);
}

static void open_view(struct view *v)
{
	struct why_state *s = v->state;

	net_parse(v->arg, strlen(v->arg), &s->net, NULL);
	why_init(app_of(v), &s->net, &s->why);
	app_observe(app_of(v), &s->observer, &v->scope, changed, v);
	view_changed(v);
	gather(v);
	s->sync = sync_begin(app_of(v), false, synced, v);
	app_refresh(app_of(v), SNAP(BLOCKED) | SNAP(ALLOWED) | SNAP(THRESHOLDS) | SNAP(TRUST),
		app_of(v)->profile.refresh_ms);
}

static void refresh(struct view *v)
{
	struct why_state *s = v->state;

	app_refresh(app_of(v), SNAP(BLOCKED) | SNAP(ALLOWED), 0);
	if (!s->sync)
		s->sync = sync_begin(app_of(v), false, synced, v);
}

static void close_view(struct view *v)
{
	struct why_state *s = v->state;

	sync_cancel(s->sync);
	stop(v);
	why_release(&s->why);
}

static void page(struct view *v, struct page *p, int width)
{
	why_page(app_of(v), &((const struct why_state *)v->state)->why, p, width);
}

static void status(const struct view *v, struct view_status *out)
{
	const struct why_state *s = v->state;

	snprintf(out->title, sizeof(out->title), "Why %.100s", s->why.address);
	status_of_snap(v, SNAP_BIT_BLOCKED, out, 1, "");
}

static bool act(struct view *v, enum action a, size_t row)
{
	struct why_state *s = v->state;
	const char *target = s->why.address;
	struct plan_options o;
	struct err err = ERR_INIT;

	plan_options_init(&o);
	if (a == ACTION_OPEN && row != ROW_NONE) {
		static const enum action of_spot[] = {
			[1] = ACTION_REMOVE, [2] = ACTION_ALLOW, [3] = ACTION_RESET_COUNTERS, [4] = ACTION_FIX
		};

		a = row >= 1 && row <= 4 ? of_spot[row] : ACTION_NONE;
	}
	switch (a) {
	case ACTION_REMOVE:
	case ACTION_UNDO: /* `u` un-blocks here, as the page says */
		flow_plan(console_of(v), plan_unblock(app_of(v), &target, 1, &o, &err), &err);
		return true;
	case ACTION_ALLOW:
		flow_plan(console_of(v), plan_allow(app_of(v), &target, 1, &o, &err), &err);
		return true;
	case ACTION_BLOCK:
	case ACTION_ADD:
		flow_block(console_of(v), target);
		return true;
	case ACTION_FIX:
		flow_gateway(console_of(v), &s->net);
		return true;
	case ACTION_WHY:
		return true;
	default:
		return flow_common(console_of(v), a);
	}
}

static const struct binding keys[] = {
	{ .keys = "u", .action = ACTION_REMOVE, .label = "un-block", .hint = 9 },
	{ .keys = "A", .action = ACTION_ALLOW, .label = "allow", .hint = 8 },
	{ .keys = "c", .action = ACTION_RESET_COUNTERS, .label = "reset counters", .hint = 7 },
	{ .keys = "F", .action = ACTION_FIX, .label = "all three", .hint = 6 },
	{ .keys = NULL },
};

const struct view_ops view_why = {
	.name = "why",
	.title = "Why",
	.help = "Everything known about one address: is it refused, by what, since when, why, and what ends it.",
	.flags = VIEW_POLL,
	.state_size = sizeof(struct why_state),
	.bindings = keys,
	.open = open_view,
	.refresh = refresh,
	.close = close_view,
	.page = page,
	.status = status,
	.act = act,
};
