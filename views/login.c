/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "views/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static void ask_user(struct console *c);

static void connect_now(struct console *c)
{
	c->asked_secret = false;
	app_connect(c->app);
}

static void secret_given(void *arg, const char *text)
{
	struct console *c = arg;
	struct err err = ERR_INIT;

	if (!text) {
		ui_message(c->ui, ROLE_WARN, "no credentials: nothing is sent. :login asks again");
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
		&(struct prompt_spec){ .label = "Password: ", .hint = "not shown, not kept", .secret = true, .done = secret_given, .arg = c });
}

static void user_given(void *arg, const char *text)
{
	struct console *c = arg;

	if (!text) {
		ui_message(c->ui, ROLE_WARN, "no credentials: nothing is sent. :login asks again");
		return;
	}
	snprintf(c->user, sizeof(c->user), "%s", text);
	ask_secret(c);
}

static void ask_user(struct console *c)
{
	c->asked_secret = true;
	ui_prompt(c->ui,
		&(struct prompt_spec){ .label = "User: ", .initial = c->app->profile.user, .hint = c->app->profile.url, .done = user_given, .arg = c });
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
		ui_message(c->ui, ROLE_ERROR, "no server listens on this host's loopback (443, 8080): say --url, or write stalwarden.conf");
		return;
	}
	if (app_remake_session(c->app, &err))
		find_secret(c);
}

void login_begin(struct console *c)
{
	snprintf(c->user, sizeof(c->user), "%s", c->app->profile.user ? c->app->profile.user : "");
	if (c->app->profile.url)
		find_secret(c);
	else
		app_discover(c->app, discovered, c);
}

void login_watch(struct console *c)
{
	const struct err *err = session_error(c->app->session);

	if (session_state(c->app->session) == SESSION_REFUSED && !c->asked_secret) {
		ui_message(c->ui, ROLE_BAD, "%s. Every further try counts towards a ban, so nothing is sent until you give new credentials", err->msg);
		ask_user(c);
	} else if (session_state(c->app->session) == SESSION_FOREIGN) {
		ui_message(c->ui, ROLE_ERROR, "%s", err->msg);
	}
}

void login_ask(struct console *c)
{
	ask_user(c);
}

void login_end(struct console *c)
{
	explicit_bzero(c->user, sizeof(c->user));
}
