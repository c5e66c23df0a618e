/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The road of a change in the console: question, progress, verdict with its steps. Every change of every panel goes this way. */
#include "views/flow.h"

#include <stdlib.h>

#include "app/gateway_watch.h"
#include "core/mem.h"

void flow_free(struct flow *f)
{
	plan_free(f->plan);
	free(f->keep);
	free(f->note);
	free(f);
}

static bool touches_allowed(const struct change *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (edit_is_allow(c->edits[i].kind))
			return true;
	return false;
}

static void on_done(void *arg, const struct change *c, int64_t journal_id, const struct err *journal_err)
{
	struct console *con = arg;
	const struct glyphs *g = ui_glyphs(con->ui);
	char net[NET_BUF];

	con->run = NULL;
	ui_progress(con->ui, NULL, 0, 0, NULL, NULL);
	ui_verdict(con->ui, flow_verdict_page(c, g, journal_err, journal_id), flow_details_page(c, g));
	gateway_watch_forget(con->app, c);
	con->alarm_generation = 0; /* what was wrong may be cured: look again */
	app_refresh(con->app, SNAP(BLOCKED) | SNAP(CHECK) | (touches_allowed(c) ? SNAP(ALLOWED) : 0), 0);
	if (con->watches_next && change_tally(c, VERDICT_NOT_STORED) < c->count)
		flow_watch_change(con, c);
	con->watches_next = false;
	if (con->cured.family && change_tally(c, VERDICT_NOT_STORED) < c->count)
		console_open_why(con, net_format(&con->cured, net, sizeof(net)));
}

static void on_cancel(void *arg)
{
	struct console *con = arg;

	if (con->run)
		app_run_stop(con->run);
}

static void on_progress(void *arg, const struct change *c, const struct change_progress *p)
{
	struct console *con = arg;

	(void)c;
	ui_progress(con->ui, con->run_label ? con->run_label : step_name(p->step), run_progress_done(p), p->total, on_cancel, con);
}

void flow_start(struct flow *f)
{
	struct console *con = f->console;

	con->run_label = "changing";
	con->cured = f->plan->cured;
	con->run = app_run(con->app, f->plan, on_progress, on_done, con);
	f->plan = NULL;
	flow_free(f);
}

void flow_plan(struct console *c, struct plan *p, const struct err *err)
{
	struct err lacks = ERR_INIT;
	struct flow *f;
	const char *why;

	if (!p) {
		ui_message(c->ui, ROLE_ERROR, "%s", err->msg);
		return;
	}
	if (!app_is_writable(c->app, &why) || c->run || c->looking) {
		ui_message(c->ui, ROLE_ERROR, "%s", c->run || c->looking ? "a change is running: wait for its verdict" : why);
		plan_free(p);
		return;
	}
	if (!plan_is_permitted(c->app, p, &lacks) || !server_may_try(c, p, &lacks)) {
		ui_message(c->ui, ROLE_ERROR, "%s", lacks.msg);
		plan_free(p);
		return;
	}
	c->watches_next = false;
	f = xcalloc(1, sizeof(*f));
	f->console = c;
	f->plan = p;
	flow_ask(f);
}
