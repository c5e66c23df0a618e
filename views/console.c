/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console as a whole: tabs, the toolkit's hooks, start and end. Panels, changes and alarms have files of their own. */
#include "views/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/gateway_watch.h"
#include "app/places.h"
#include "app/rescue.h"
#include "core/mem.h"
#include "core/text.h"
#include "views/alarm_lines.h"
#include "views/commands.h"
#include "views/flow.h"
#include "views/login.h"
#include "views/views.h"

static const struct view_ops *const tabs[] = {
#define VIEW_ROW(id) &view_##id,
	VIEW_INFO(VIEW_ROW)
#undef VIEW_ROW
		NULL
};

/* ---- hooks ---- */

static unsigned on_caps(void *arg)
{
	const struct app *a = ((struct console *)arg)->app;
	const struct server_info *s = session_server(a->session);
	unsigned caps = (geo_has_country(a->geo) ? VIEW_HAS_COUNTRY : 0) | (geo_has_as(a->geo) ? VIEW_HAS_AS : 0);

	if (session_state(a->session) != SESSION_READY && s->generation == GEN_UNKNOWN)
		return caps | (VIEW_HAS_COUNTRY - 1); /* nothing is known yet: nothing is greyed yet */
	for (int i = 0; i < CAP_BIT_COUNT; i++)
		if (server_has(s, 1u << i))
			caps |= 1u << i;
	return caps;
}

static void on_caps_reason(void *arg, unsigned missing, char *out, size_t size)
{
	const char *why = server_lacks(session_server(((struct console *)arg)->app->session), missing);

	snprintf(out, size, "%s", why ? why : "");
}

static bool on_permits(void *arg, struct view *v, enum action a, char *why, size_t size)
{
	struct console *c = arg;
	const char *text;

	if (!app_is_writable(c->app, &text)) {
		snprintf(why, size, "%s", text);
		return false;
	}
	if (c->run || c->looking) {
		snprintf(why, size, "a change is running: wait for its verdict");
		return false;
	}
	if (session_state(c->app->session) != SESSION_READY) {
		snprintf(why, size, "no connection: what is shown may be old, so nothing is changed");
		return false;
	}
	return server_permits(c, v, a, why, size);
}

static bool on_act(void *arg, struct view *v, enum action a, size_t row)
{
	(void)v, (void)row;
	return flow_common(arg, a);
}

static bool on_idle(void *arg)
{
	struct console *c = arg;
	enum session_state s = session_state(c->app->session);

	return s != SESSION_DETECTING && session_in_flight(c->app->session) == 0 && c->app->snap.in_flight == 0 &&
		!c->run && c->app->jobs == 0 && !c->app->snap.tally_reader;
}

static bool on_interrupt(void *arg)
{
	struct console *c = arg;

	if (flow_stop(c))
		return true;
	if (c->run) {
		app_run_stop(c->run);
		return true;
	}
	if (session_in_flight(c->app->session) == 0)
		return false;
	session_cancel_all(c->app->session);
	return true;
}

static bool on_quit(void *arg, bool forced)
{
	struct console *c = arg;

	if (c->run && !forced && !c->leaving) {
		c->leaving = true;
		ui_message(c->ui, ROLE_WARN,
			"a change is running; quit again to leave it to itself: its journal entry stays unfinished");
		return false;
	}
	return true;
}

/* ---- what comes in ---- */

static void rescued(void *arg, const struct change *ch, int64_t journal_id, const struct err *journal_err)
{
	struct console *c = arg;

	(void)journal_id, (void)journal_err;
	c->run = NULL;
	rescue_done(c->app, ch);
	ui_message(c->ui, ROLE_WARN,
		"an earlier un-block was interrupted: %zu of %zu entries that it took along are put back",
		change_tally(ch, VERDICT_IN_FORCE), ch->count);
}

/* What an interrupted un-block took along is put back as soon as the list is known. */
static void put_back(struct console *c)
{
	struct plan *p;

	if (c->run || !rescue_is_pending(c->app) || !app_is_writable(c->app, NULL))
		return;
	p = plan_rescue(c->app);
	if (p)
		c->run = app_run(c->app, p, NULL, rescued, c);
}

static void resume_said(void *arg, const struct resume_report *r)
{
	struct console *c = arg;

	if (r->open < r->count) /* else the verdict that stands says more */
		ui_verdict(c->ui, flow_resumed_page(r, ui_glyphs(c->ui)), NULL);
}

static void resumed(void *arg)
{
	ui_dirty(((struct console *)arg)->ui);
}

/* Counts on the tabs of panels that were never opened, too. */
static void set_badges(struct console *c)
{
	static const struct view_ops *const tab[LIST_COUNT] = {
		[LIST_BLOCKED] = &view_blocked, [LIST_ALLOWED] = &view_allowed
	};
	char count[32];

	for (int i = 0; i < LIST_COUNT; i++) {
		const struct entrylist *l = c->app->snap.list[i];

		if (l)
			ui_set_badge(c->ui, tab[i], text_grouped(l->count, count, sizeof(count)),
				l->malformed ? ROLE_WARN : ROLE_BADGE);
	}
}

static void on_changed(void *arg, unsigned snaps)
{
	struct console *c = arg;

	if (snaps == 0) {
		ui_caps_changed(c->ui);
		login_watch(c);
		if (session_state(c->app->session) == SESSION_READY)
			app_refresh(c->app, SNAP(BLOCKED) | SNAP(ALLOWED) | SNAP(TRUST), 60000);
		server_watch(c);
	}
	if (snaps & (SNAP(BLOCKED) | SNAP(ALLOWED)))
		set_badges(c);
	if (snaps & SNAP(BLOCKED)) {
		put_back(c);
		resume_begin(c->app, resume_said, resumed, c);
	}
	if (snaps & (SNAP(BLOCKED) | SNAP(ALLOWED)))
		console_sweep(c);
	alarm_lines_update(c);
	ui_dirty(c->ui);
}

/* A log line is an alarm before any list says so. */
static void gateway_seen(void *arg)
{
	struct console *c = arg;

	c->alarm_generation = 0;
	alarm_lines_update(c);
	ui_dirty(c->ui);
}

bool console_switch(struct console *c, const char *profile, struct err *err)
{
	if (c->run)
		return err_set(err, ERR_CONFLICT, "a change is running: wait for its verdict");
	flow_stop(c);
	for (size_t i = 0; i < c->alarm_count; i++)
		ui_clear_alarm(c->ui, c->alarm_keys[i]);
	c->alarm_count = 0;
	c->server_versions[0] = '\0';
	if (!app_switch(c->app, profile, err))
		return false;
	app_observe(c->app, &c->observer, &c->app->scope, on_changed, c);
	gateway_watch_follow(c->app, gateway_seen, c);
	ui_reopen(c->ui);
	login_begin(c);
	return true;
}

/* ---- start and end ---- */

static const char **bindings_of(const struct config *config, char ***owned)
{
	const char **list = xcalloc(config->key_count + 1, sizeof(char *));

	*owned = xcalloc(config->key_count + 1, sizeof(char *));
	for (size_t i = 0; i < config->key_count; i++)
		list[i] = (*owned)[i] =
			xasprintf("%s %s %s", config->keys[i].panel, config->keys[i].keys, config->keys[i].action);
	return list;
}

static bool start_ui(struct console *c, const struct console_options *o, struct err *err)
{
	struct app *a = c->app;
	static char theme_dir[2][4200];
	const char *dirs[3] = { theme_dir[0], theme_dir[1], NULL }, *xdg = getenv("XDG_CONFIG_HOME"),
		   *home = getenv("HOME");
	char **owned;
	const char **bindings = bindings_of(&a->config, &owned);

	snprintf(theme_dir[0], sizeof(theme_dir[0]), "%s%s/stalwarden/themes", xdg ? xdg : home ? home : "", xdg ? "" : "/.config");
	snprintf(theme_dir[1], sizeof(theme_dir[1]), "%s",
		access("themes/default.theme", R_OK) == 0 ? "themes" : "/usr/local/share/stalwarden/themes");
	c->ui = ui_new(a->loop,
		&(struct ui_config){ .app = c,
			.tabs = tabs,
			.commands = console_commands,
			.product = "stalwarden",
			.state_dir = a->state_dir,
			.theme_dirs = dirs,
			.theme = o->theme ? o->theme : a->config.theme,
			.colour = o->colour && !strcmp(o->colour, "never") ? COLOUR_NEVER
				: o->colour && !strcmp(o->colour, "always") ? COLOUR_ALWAYS
									    : COLOUR_AUTO,
			.ascii = o->ascii || a->config.ascii,
			.mouse = a->config.mouse,
			.no_clipboard = !a->config.clipboard,
			.poll_ms = a->profile.refresh_ms,
			.bindings = bindings,
			.title = console_title,
			.caps = on_caps,
			.caps_reason = on_caps_reason,
			.permits = on_permits,
			.act = on_act,
			.idle = on_idle,
			.interrupt = on_interrupt,
			.quit = on_quit },
		err);
	for (size_t i = 0; i < a->config.key_count; i++)
		free(owned[i]);
	free(owned);
	free(bindings);
	return c->ui != NULL;
}

int console_run(struct app *a, const struct console_options *o, struct err *err)
{
	struct console c = { .app = a };
	int status;

	if (!start_ui(&c, o, err))
		return 2;
	if (a->geo_err.code != ERR_NONE)
		ui_message(c.ui, ROLE_WARN, "%s", a->geo_err.msg);
	app_observe(a, &c.observer, &a->scope, on_changed, &c);
	gateway_watch_follow(a, gateway_seen, &c);
	login_begin(&c);
	loop_run(a->loop);
	status = ui_status(c.ui);
	login_end(&c);
	scope_cancel(&a->scope);
	flow_stop(&c);
	ui_free(c.ui);
	free(c.cures);
	return status;
}
