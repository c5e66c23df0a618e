/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last look before a change is sent: a question can stand for an hour, and somebody may have allowed meanwhile what it blocks. */
#include "core/clock.h"
#include "views/flow.h"

static void stop_looking(struct flow *f)
{
	f->console->looking = NULL;
	scope_cancel(&f->scope);
	ui_progress(f->console->ui, NULL, 0, 0, NULL, NULL);
}

static void decide(struct flow *f)
{
	struct console *con = f->console;

	if (con->run) {
		flow_leave(f);
		return;
	}
	if (plan_guard_again(con->app, f->plan, con->app->options.force)) {
		flow_start(f);
		return;
	}
	ui_message(con->ui, ROLE_ERROR, "changed while this was asked: %s", f->plan->refusal);
	flow_ask(f);
}

/* What was asked for before the answer was given is older than it: once more. False: nothing is under way any more. */
static bool asks_on(struct flow *f)
{
	struct app *a = f->console->app;
	unsigned facts = plan_guarded_by(f->plan), old = 0;

	if (a->snap.in_flight & facts)
		return true;
	for (int i = 0; i < SNAP_COUNT; i++)
		if (facts & 1u << i && a->snap.asked[i] < f->answered)
			old |= 1u << i;
	app_refresh(a, old, 0);
	return a->snap.in_flight & old;
}

static void on_news(void *arg, unsigned snaps)
{
	struct flow *f = arg;

	(void)snaps;
	if (asks_on(f))
		return;
	stop_looking(f);
	decide(f);
}

static void on_cancel(void *arg)
{
	struct flow *f = arg;

	stop_looking(f);
	flow_leave(f);
}

bool flow_stop(struct console *c)
{
	if (!c->looking)
		return false;
	on_cancel(c->looking);
	return true;
}

void flow_send(struct flow *f)
{
	f->answered = clock_mono();
	if (!asks_on(f)) {
		decide(f);
		return;
	}
	f->console->looking = f;
	scope_init(&f->scope);
	app_observe(f->console->app, &f->observer, &f->scope, on_news, f);
	ui_progress(f->console->ui, "looking again at what is allowed", 0, 0, on_cancel, f);
}
