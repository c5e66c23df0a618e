/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs wait here: opening, credentials, detection, fetching. The loop is turned at top level only, never from a callback. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/rescue.h"
#include "app/resume.h"
#include "cli/cli.h"

#define NAMES_MS 2000 /* a resolver that takes longer is not waited for: the address that was dialled is known */

static void on_interrupt(struct loop *loop, int signo, void *arg)
{
	struct cli *c = arg;

	(void)loop, (void)signo;
	if (c->interrupted)
		_exit(130);
	c->interrupted = true;
}

static void on_trace(void *arg, const char *line)
{
	cli_say(arg, "%s", line);
}

static bool read_options(struct cli *c, struct app_options *o)
{
	int64_t timeout = 0, watch = 0;

	*o = (struct app_options){ .config_file = cli_option(c, OPT_CONFIG),
		.state_dir = cli_option(c, OPT_STATE),
		.profile = cli_option(c, OPT_PROFILE),
		.url = cli_option(c, OPT_URL),
		.user = cli_option(c, OPT_USER),
		.dialect = cli_option(c, OPT_DIALECT),
		.log_source = cli_option(c, OPT_LOG_SOURCE),
		.cacert = cli_option(c, OPT_CACERT),
		.endpoints = c->args.repeated[OPT_ENDPOINT],
		.endpoint_count = c->args.repeats[OPT_ENDPOINT],
		.cert_files = c->args.repeated[OPT_FILE],
		.cert_file_count = c->args.repeats[OPT_FILE],
		.read_only = cli_has(c, OPT_READ_ONLY),
		.insecure = cli_has(c, OPT_INSECURE),
		.force = cli_has(c, OPT_FORCE),
		.yes = cli_has(c, OPT_YES),
		.dry_run = cli_has(c, OPT_DRY_RUN),
		.verbose = cli_has(c, OPT_VERBOSE),
		.learn = !c->verb ? LEARN_BY_TURNS : c->verb->learns ? LEARN_AT_ONCE : LEARN_NOT };
	if (!cli_option_int(c, OPT_TIMEOUT, 1, 3600, &timeout) || !cli_option_int(c, OPT_WATCH, 1, 86400, &watch))
		return false;
	o->timeout_ms = timeout * 1000;
	o->watch_ms = watch * 1000;
	return true;
}

bool cli_open(struct cli *c)
{
	struct app_options o;

	if (c->has_app)
		return true;
	if (!read_options(c, &o))
		return false;
	c->has_app = true;
	if (!app_init(&c->app, c->loop, &o, &c->err))
		return false;
	if (o.verbose) {
		c->app.trace = on_trace;
		c->app.trace_arg = c;
	}
	if (c->app.geo_err.code != ERR_NONE)
		cli_say(c, "%s", c->app.geo_err.msg);
	loop_on_signal(c->loop, SIGINT, on_interrupt, c);
	return true;
}

bool cli_wait(struct cli *c, const bool *flag)
{
	while (!*flag && !c->interrupted)
		if (!loop_turn(c->loop, 200))
			break;
	return *flag;
}

/* ---- credentials ---- */

struct secret_wait {
	bool done, ok;
	struct err err;
};

static void secret_done(void *arg, bool ok, const struct err *err)
{
	struct secret_wait *w = arg;

	w->done = true;
	w->ok = ok;
	w->err = *err;
}

static bool find_secret(struct cli *c)
{
	struct secret_wait w = { 0 };
	int found = app_secret_find(&c->app, &c->err);

	if (found != 0)
		return found > 0;
	if (!app_secret_command(&c->app, secret_done, &w))
		return cli_ask_secret(c);
	if (!cli_wait(c, &w.done))
		return err_set(&c->err, ERR_CANCELLED, "interrupted");
	return w.ok || err_set(&c->err, w.err.code, "%s", w.err.msg);
}

/* Whatever kept it from being had, a file's mode or a command's end, it is the credentials that are missing. */
static bool get_secret(struct cli *c)
{
	if (find_secret(c))
		return true;
	if (c->err.code != ERR_CANCELLED)
		c->err.code = ERR_AUTH;
	return false;
}

/* ---- detection ---- */

static void discovered(void *arg, bool ok)
{
	struct secret_wait *w = arg;

	w->done = true;
	w->ok = ok;
}

static bool find_server(struct cli *c)
{
	struct secret_wait w = { 0 };

	if (c->app.profile.url)
		return true;
	app_discover(&c->app, discovered, &w);
	if (!cli_wait(c, &w.done))
		return err_set(&c->err, ERR_CANCELLED, "interrupted");
	if (!w.ok)
		return err_set(&c->err, ERR_NETWORK,
			"no server listens on this host's loopback (443, 8080); say --url or write stalwarden.conf");
	return app_remake_session(&c->app, &c->err);
}

static bool detected(struct cli *c)
{
	switch (session_state(c->app.session)) {
	case SESSION_READY:
		return true;
	case SESSION_LOST:
	case SESSION_REFUSED:
	case SESSION_FOREIGN:
		c->err = *session_error(c->app.session);
		if (c->err.code == ERR_UNSUPPORTED)
			c->err.code = ERR_PROTOCOL; /* what answers there is no such server: not the caller's grammar */
		if (c->err.code == ERR_NONE)
			err_set(&c->err, ERR_NETWORK, "no connection");
		return true;
	case SESSION_IDLE:
	case SESSION_DETECTING:
		break;
	}
	return false;
}

/* These go on after a Ctrl-C has ended the wait for them: their callbacks must find more than a stack that is gone. */

static void rescued(void *arg, const struct change *ch, int64_t journal_id, const struct err *journal_err)
{
	struct cli *c = arg;

	(void)journal_id, (void)journal_err;
	rescue_done(&c->app, ch);
	cli_say(c, "an earlier un-block was interrupted: %zu of %zu entries that it took along are put back",
		change_tally(ch, VERDICT_IN_FORCE), ch->count);
	c->put_back = true;
}

/* Before anything else is asked of a server that an interrupted un-block left short of entries; not by whoever promises to change nothing. */
static void put_back(struct cli *c)
{
	struct plan *p;

	if (cli_has(c, OPT_DRY_RUN) || (c->verb && c->verb->changes_nothing))
		return;
	if (!rescue_is_pending(&c->app) || !app_is_writable(&c->app, NULL) || !cli_need(c, SNAP(BLOCKED), 0))
		return;
	p = plan_rescue(&c->app);
	if (!p)
		return;
	c->put_back = false;
	app_run(&c->app, p, NULL, rescued, c);
	if (!cli_wait(c, &c->put_back))
		err_set(&c->err, ERR_CANCELLED, "interrupted");
}

static bool connect_now(struct cli *c)
{
	app_connect(&c->app);
	while (!detected(c) && !c->interrupted)
		if (!loop_turn(c->loop, 200))
			break;
	if (c->interrupted)
		return err_set(&c->err, ERR_CANCELLED, "interrupted");
	if (c->err.code == ERR_NONE)
		put_back(c);
	return c->err.code == ERR_NONE;
}

static void say_resumed(void *arg, const struct resume_report *r)
{
	struct buf words = BUF_INIT;

	resume_words(r, &words);
	cli_say(arg, "%s", buf_str(&words));
	buf_release(&words);
}

static void resumed(void *arg)
{
	((struct cli *)arg)->resumed = true;
}

void cli_resume(struct cli *c)
{
	c->resumed = false;
	if (!cli_has(c, OPT_DRY_RUN) && resume_begin(&c->app, say_resumed, resumed, c))
		cli_wait(c, &c->resumed);
}

bool cli_connect(struct cli *c)
{
	return cli_open(c) && find_server(c) && get_secret(c) && connect_now(c);
}

bool cli_connect_to_read(struct cli *c)
{
	if (!cli_open(c) || !find_server(c) || !get_secret(c))
		return false;
	if (rescue_is_pending(&c->app) || !session_connect_recalled(c->app.session))
		return connect_now(c);
	if (c->app.options.verbose)
		cli_say(c, "taken to be what it was: %s %s", session_server(c->app.session)->dialect,
			session_server(c->app.session)->versions);
	return true;
}

bool cli_need(struct cli *c, unsigned snaps, unsigned optional)
{
	struct snapshot *s = &c->app.snap;
	int64_t names_until = clock_mono() + ((snaps | optional) & SNAP(TRUST) ? NAMES_MS : 0);

	app_refresh(&c->app, snaps | optional, 0);
	while ((s->in_flight & (snaps | optional) || (names_are_pending(&c->app) && clock_mono() < names_until)) &&
		!c->interrupted)
		if (!loop_turn(c->loop, 200))
			break;
	if (c->interrupted)
		return err_set(&c->err, ERR_CANCELLED, "interrupted");
	for (int i = 0; i < SNAP_COUNT; i++)
		if (snaps & 1u << i && s->err[i].code != ERR_NONE)
			return err_set(&c->err, s->err[i].code, "%s: %s", snap_words((enum snap)i), s->err[i].msg);
	return true;
}
