/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `sync`: new log lines into the history store, and the sweep of expired blocks; for a timer. */
#include "app/sweep.h"
#include "app/sync.h"
#include "cli/cli.h"

struct sync_wait {
	bool done;
	struct sync_result result;
};

static void on_done(void *arg, const struct sync_result *r)
{
	struct sync_wait *w = arg;

	w->result = *r;
	w->done = true;
}

static bool sync_wait(struct cli *c, bool sweep, struct sync_result *out)
{
	struct sync_wait w = { 0 };
	struct sync *s = sync_begin(&c->app, sweep, on_done, &w);

	if (!cli_wait(c, &w.done)) {
		sync_cancel(s);
		return err_set(&c->err, ERR_CANCELLED, "interrupted");
	}
	*out = w.result;
	return out->err.code == ERR_NONE || err_set(&c->err, out->err.code, "%s", out->err.msg);
}

bool cli_sync_quietly(struct cli *c)
{
	struct sync_result r;

	return sync_wait(c, false, &r);
}

bool cli_sync_again(struct cli *c)
{
	char path[4096], key[4200];
	enum logsource_kind kind = logsource_choose(c->app.profile.log_source, path, sizeof(path));

	logsource_key(kind, path, key, sizeof(key));
	return (c->app.store && history_is_read_elsewhere(c->app.store, c->app.profile.name, key)) ||
		cli_sync_quietly(c);
}

/* A local log needs no server; without one there is just nothing to sweep. */
static bool reach_server(struct cli *c)
{
	char path[4096];
	bool local =
		cli_open(c) && logsource_choose(c->app.profile.log_source, path, sizeof(path)) != LOGSOURCE_KIND_API;

	if (!c->has_app || c->err.code != ERR_NONE)
		return false;
	if (local && !c->app.profile.url)
		return true;
	if (cli_connect(c) && cli_need(c, SNAP(BLOCKED), SNAP(ALLOWED) | SNAP(THRESHOLDS)))
		return true;
	if (!local)
		return false;
	cli_say(c, "reading the log without the server: %s", c->err.msg);
	err_clear(&c->err);
	return true;
}

static void print(struct cli *c, const struct sync_result *r)
{
	static const struct out_field fields[] = { { "source", "SOURCE", 0 }, { "lines", "LINES", OUT_RIGHT }, { "bans", "BANS", OUT_RIGHT },
		{ "refused", "REFUSED", OUT_RIGHT }, { "attempts", "ATTEMPTS", OUT_RIGHT }, { "unparsed", "UNPARSED", OUT_RIGHT },
		{ "swept", "SWEPT", OUT_RIGHT }, { "store_bytes", "STORE", OUT_RIGHT }, { NULL, NULL, 0 } };
	struct out o;

	out_begin(&o, c->format, fields, true, c->ascii);
	out_row(&o);
	out_str(&o, r->source);
	out_int(&o, (int64_t)r->sum.lines);
	out_int(&o, (int64_t)r->sum.bans);
	out_int(&o, (int64_t)r->sum.refused);
	out_int(&o, (int64_t)r->sum.attempts);
	out_int(&o, (int64_t)r->sum.unparsed);
	out_int(&o, (int64_t)r->swept);
	out_int(&o, store_size(c->app.store));
	out_end(&o);
	if (r->notice[0])
		cli_say(c, "%s", r->notice);
}

/* The history is local and is read all the same; of the server nothing is swept. */
static int show_sweep(struct cli *c)
{
	struct plan *plans[LIST_COUNT];
	size_t n = 0;

	for (int list = 0; list < LIST_COUNT; list++) {
		plans[n] = plan_sweep(&c->app, (enum list_kind)list, NULL, &c->err);
		n += plans[n] != NULL;
	}
	return cli_dry_run(c, plans, n);
}

static int run(struct cli *c)
{
	bool dry = cli_has(c, OPT_DRY_RUN);
	struct sync_result r;

	if (!cli_max_words(c, 0))
		return EXIT_USAGE;
	if (!reach_server(c) || !sync_wait(c, !dry, &r))
		return cli_exit_of_err(&c->err);
	if (dry)
		return show_sweep(c);
	print(c, &r);
	return EXIT_DONE;
}

const struct verb verb_sync = {
	.name = "sync",
	.synopsis = "sync",
	.summary = "Read new log lines into the history store and stop (for a timer); sweep expired blocks where the server has no expiry.",
	.options = "",
	.words = "",
	.examples = "stalwarden sync\nstalwarden sync --log-source /opt/stalwart/logs",
	.run = run,
};
