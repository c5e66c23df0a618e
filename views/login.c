/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "views/login.h"

#include <stdio.h>
#include <string.h>

#include "core/buf.h"

static void ask_user(struct console *c);

/* ---- what stands between the console and its server: on top of every panel until it is cured, a message goes with the next key ---- */

#define CONNECTION "connection"

static void try_now(void *arg)
{
	app_connect(((struct console *)arg)->app);
}

static void log_in(void *arg)
{
	ask_user(arg);
}

static void look_again(void *arg)
{
	login_begin(arg);
}

static bool has_data(const struct console *c)
{
	for (int i = 0; i < SNAP_COUNT; i++)
		if (c->app->snap.fetched[i] != TIME_NONE)
			return true;
	return false;
}

static void raise_alarm(struct console *c, const char *text, const char *label, void (*cure)(void *arg))
{
	ui_set_alarm(c->ui, CONNECTION, ROLE_BAD, text, label, cure, c);
	ui_raise_alarm(c->ui, CONNECTION);
}

/* Once is a hiccup or a restart, and the title says it: rows do not move for that. */
static void say_lost(struct console *c, const char *why)
{
	if (c->state_was != SESSION_LOST)
		c->lost++;
	if (c->lost < 2 && has_data(c))
		return;
	raise_alarm(c, why, "try now", try_now);
}

static void given_up(struct console *c)
{
	ui_message(c->ui, ROLE_WARN, "no credentials: nothing is sent. :login asks again");
	raise_alarm(c, "not logged in: nothing is asked", "log in", log_in);
}

/* ---- secrets ---- */

static void connect_now(struct console *c)
{
	c->asked_secret = false;
	ui_clear_alarm(c->ui, CONNECTION);
	app_connect(c->app);
}

static void secret_given(void *arg, const char *text)
{
	struct console *c = arg;
	struct err err = ERR_INIT;

	if (!text) {
		given_up(c);
		return;
	}
	if (app_secret_give(c->app, c->user, text, &err))
		connect_now(c);
	else
		ui_message(c->ui, ROLE_ERROR, "%s", err.msg);
}

static void ask_secret(struct console *c)
{
	ui_prompt(c->ui,
		&(struct prompt_spec){ .label = "Password: ",
			.hint = "not shown, not kept",
			.secret = true,
			.done = secret_given,
			.arg = c });
}

static void user_given(void *arg, const char *text)
{
	struct console *c = arg;

	if (!text) {
		given_up(c);
		return;
	}
	snprintf(c->user, sizeof(c->user), "%s", text);
	ask_secret(c);
}

static void ask_user(struct console *c)
{
	struct buf hint = BUF_INIT;

	if (session_state(c->app->session) == SESSION_REFUSED)
		buf_addf(&hint, "%s. Every further try counts towards a ban.\n", session_error(c->app->session)->msg);
	buf_adds(&hint, c->app->profile.url ? c->app->profile.url : "");
	c->asked_secret = true;
	ui_prompt(c->ui,
		&(struct prompt_spec){ .label = "User: ",
			.initial = c->user[0] ? c->user : c->app->profile.user,
			.hint = buf_str(&hint),
			.done = user_given,
			.arg = c });
	buf_release(&hint);
}

static void command_done(void *arg, bool ok, const struct err *err)
{
	struct console *c = arg;

	if (ok)
		connect_now(c);
	else
		ui_message(c->ui, ROLE_ERROR, "%s", err->msg);
}

static void find_secret(struct console *c)
{
	struct err err = ERR_INIT;
	int found = app_secret_find(c->app, &err);

	if (found > 0)
		connect_now(c);
	else if (found < 0)
		ui_message(c->ui, ROLE_ERROR, "%s", err.msg);
	else if (!app_secret_command(c->app, command_done, c))
		ask_user(c);
}

static void discovered(void *arg, bool ok)
{
	struct console *c = arg;
	struct err err = ERR_INIT;

	if (!ok) {
		ui_message(c->ui, ROLE_ERROR,
			"no server listens on this host's loopback (443, 8080): start with --url https://HOST, or write stalwarden.conf");
		raise_alarm(c, "no server at 127.0.0.1:443 or :8080: start with --url https://HOST", "look again", look_again);
		return;
	}
	if (app_remake_session(c->app, &err))
		find_secret(c);
}

void login_begin(struct console *c)
{
	ui_clear_alarm(c->ui, CONNECTION);
	c->state_was = SESSION_IDLE;
	c->lost = 0;
	snprintf(c->user, sizeof(c->user), "%s", c->app->profile.user ? c->app->profile.user : "");
	if (c->app->profile.url)
		find_secret(c);
	else
		app_discover(c->app, discovered, c);
}

void login_watch(struct console *c)
{
	const struct err *err = session_error(c->app->session);
	enum session_state state = session_state(c->app->session);

	switch (state) {
	case SESSION_REFUSED:
		if (!c->asked_secret)
			ask_user(c);
		break;
	case SESSION_FOREIGN:
		if (c->state_was != state)
			ui_message(c->ui, ROLE_ERROR, "%s", err->msg);
		raise_alarm(c, err->msg, "try again", try_now);
		break;
	case SESSION_LOST:
		say_lost(c, err->msg);
		break;
	case SESSION_READY:
		c->lost = 0;
		ui_clear_alarm(c->ui, CONNECTION);
		break;
	case SESSION_IDLE:
	case SESSION_DETECTING:
		break;
	}
	c->state_was = state;
}

void login_ask(struct console *c)
{
	ask_user(c);
}

void login_end(struct console *c)
{
	explicit_bzero(c->user, sizeof(c->user));
}
