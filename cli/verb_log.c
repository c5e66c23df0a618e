/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `log`: security events from any source, oldest first as files are read; --follow goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/sync.h"
#include "cli/cli.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/filter.h"

#define NEWEST 100000 /* lines looked at without --follow; more would cost a 0.15 server dearly */

static const struct out_field fields[] = { { "timestamp", "TIME", 0 }, { "level", "LEVEL", 0 }, { "event", "EVENT", 0 }, { "class", "CLASS", 0 },
	{ "address", "ADDRESS", 0 }, { "account", "ACCOUNT", 0 }, { "listener", "LISTENER", 0 }, { "path", "PATH", 0 },
	{ "details", "DETAILS", OUT_HIDDEN }, { NULL, NULL, 0 } };

struct kept {
	char *line;
	size_t len;
};

struct log_run {
	struct cli *cli;
	struct filter *filter;
	struct kept *kept;     /* matching lines, newest first */
	size_t count, cap, limit;
	bool ended, live, failed;
	char text[256];
	struct out out;
	uint64_t unparsed;
};

static void print_line(struct out *o, const char *line, size_t len)
{
	struct event_facts facts;
	struct event ev;
	char net[NET_BUF];

	event_parse(line, len, &ev);
	event_facts(&ev, &facts);
	out_row(o);
	out_time(o, ev.time);
	out_str(o, event_level_text(ev.level));
	ev.id.len ? out_text(o, ev.id.p, ev.id.len) : out_null(o);
	out_str(o, facts.class == CLASS_NONE ? NULL : class_name(facts.class));
	out_str(o, facts.address.family ? net_format(&facts.address, net, sizeof(net)) : NULL);
	facts.account.len ? out_text(o, facts.account.p, facts.account.len) : facts.to.len ? out_text(o, facts.to.p, facts.to.len) : out_null(o);
	facts.listener.len ? out_text(o, facts.listener.p, facts.listener.len) : out_null(o);
	facts.path.len ? out_text(o, facts.path.p, facts.path.len) : out_null(o);
	if (ev.format == EVENT_TEXT)
		out_text(o, ev.line.p ? ev.line.p : "", ev.line.len);
	else if (ev.details.len)
		out_text(o, ev.details.p, ev.details.len);
	else
		out_text(o, ev.description.p ? ev.description.p : "", ev.description.len);
}

static bool matches(const struct log_run *r, const struct event *ev)
{
	struct event_facts facts;

	event_facts(ev, &facts);
	if (slice_is(ev->id, "http.request-body") || slice_is(ev->id, "http.response-body"))
		return false;
	return filter_match_log(r->filter,
		&(struct filter_log){ .line = ev->line,
			.event = ev->id,
			.account = facts.account.len ? facts.account : facts.to,
			.kind = event_kind_text(facts.kind),
			.address = facts.address,
			.class = facts.class,
			.level = ev->level,
			.time = ev->time },
		clock_now());
}

static char *copy_line(const struct event *ev)
{
	char *line = xmemdup(ev->line.p ? ev->line.p : "", ev->line.len);

	text_mask_secrets(line, ev->line.len);
	return line;
}

static void keep(struct log_run *r, const struct event *ev)
{
	if (r->count >= r->limit)
		return;
	xgrow(&r->kept, &r->cap, r->count + 1, sizeof(*r->kept));
	r->kept[r->count++] = (struct kept){ copy_line(ev), ev->line.len };
}

static void on_lines(struct logsource *src, const struct logbatch *batch, void *arg)
{
	struct log_run *r = arg;

	(void)src;
	for (size_t i = 0; i < batch->count; i++) {
		const struct event *ev = &batch->events[i];

		r->unparsed += ev->format == EVENT_TEXT;
		if (!matches(r, ev))
			continue;
		if (batch->is_backlog) {
			keep(r, ev);
		} else if (r->live) {
			char *line = copy_line(ev);

			print_line(&r->out, line, ev->line.len);
			out_flush(&r->out);
			free(line);
		} else {
			keep(r, ev); /* standard input: in the order of the log */
		}
	}
}

static void on_state(struct logsource *src, enum logsource_state state, const char *text, void *arg)
{
	struct log_run *r = arg;

	(void)src;
	snprintf(r->text, sizeof(r->text), "%s", text);
	r->ended = r->ended || state == LOGSOURCE_ENDED || state == LOGSOURCE_FAILED || state == LOGSOURCE_LOST ||
		state == LOGSOURCE_LIVE;
	r->failed = state == LOGSOURCE_FAILED || state == LOGSOURCE_LOST;
}

static bool add_option(struct cli *c, struct filter *f, enum option_id o, const char *key)
{
	return !cli_has(c, o) || filter_add(f, key, cli_option(c, o), clock_now(), &c->err);
}

static struct filter *make_filter(struct cli *c)
{
	struct buf words = BUF_INIT;
	struct filter *f;

	for (size_t i = 0; cli_word(c, i); i++)
		buf_addf(&words, "%s%s", i ? " " : "", cli_word(c, i));
	f = filter_parse(FILTER_LOG, buf_str(&words), clock_now(), &c->err);
	buf_release(&words);
	if (!f)
		return NULL;
	if (add_option(c, f, OPT_CLASS, "class") && add_option(c, f, OPT_EVENT, "event") &&
		add_option(c, f, OPT_ADDRESS, "address") && add_option(c, f, OPT_SINCE, "since") &&
		add_option(c, f, OPT_UNTIL, "until") && add_option(c, f, OPT_GREP, "re"))
		return f;
	filter_free(f);
	return NULL;
}

/* A local source needs no server. */
static bool reach(struct cli *c)
{
	char path[4096];

	if (!cli_open(c))
		return false;
	if (logsource_choose(c->app.profile.log_source, path, sizeof(path)) != LOGSOURCE_KIND_API)
		return true;
	return cli_connect(c);
}

static void print_kept(struct log_run *r, bool reversed)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct kept *k = &r->kept[reversed ? r->count - 1 - i : i];

		print_line(&r->out, k->line, k->len);
	}
}

static int read_source(struct cli *c, struct log_run *r, bool follow)
{
	struct logsource_want want = { .newest = NEWEST, .follow = follow };
	struct logsource_events events = { .on_lines = on_lines, .on_state = on_state, .arg = r };
	const struct logsource_ops *ops;
	struct logsource *src;
	struct buf notice = BUF_INIT;
	char name[256];
	void *param;

	ops = sync_source(&c->app, &param, name, sizeof(name), &c->err);
	if (ops == &logsource_stdin)
		want.cursor = "", want.newest = 0;
	src = ops ? logsource_open(ops, param, c->loop, &c->app.scope, &want, &events, &c->err) : NULL;
	if (!src)
		return cli_exit_of_err(&c->err);
	while (!r->ended && !c->interrupted && loop_turn(c->loop, 200))
		if (r->count >= r->limit && !follow)
			break;
	print_kept(r, ops != &logsource_stdin);
	r->live = true;
	if (follow) {
		out_flush(&r->out);
		while (!c->interrupted && !r->failed && !r->out.failed && loop_turn(c->loop, 500))
			continue;
	}
	logsource_diagnose(&src->stats, session_server(c->app.session)->versions, &notice);
	if (notice.len)
		cli_say(c, "%s", buf_str(&notice));
	buf_release(&notice);
	logsource_close(src);
	if (r->failed && r->count == 0) {
		err_set(&c->err, ERR_IO, "%s: %s", name, r->text);
		return cli_exit_of_err(&c->err);
	}
	return r->count ? EXIT_DONE : EXIT_NOTHING;
}

static int run(struct cli *c)
{
	struct log_run r = { .cli = c };
	int64_t limit = INT32_MAX;
	int status;

	if (!cli_option_int(c, OPT_LIMIT, 1, INT64_MAX, &limit))
		return EXIT_USAGE;
	r.limit = limit > 100000 ? 100000 : (size_t)limit;
	r.filter = make_filter(c);
	if (!r.filter)
		return EXIT_USAGE;
	if (!reach(c)) {
		filter_free(r.filter);
		return cli_exit_of_err(&c->err);
	}
	out_begin(&r.out, c->format == OUT_JSON && cli_has(c, OPT_FOLLOW) ? OUT_NDJSON : c->format, fields, false,
		c->ascii);
	status = read_source(c, &r, cli_has(c, OPT_FOLLOW));
	out_end(&r.out);
	if (r.unparsed)
		cli_say(c, "%llu lines are no event: kept as text", (unsigned long long)r.unparsed);
	for (size_t i = 0; i < r.count; i++)
		free(r.kept[i].line);
	free(r.kept);
	filter_free(r.filter);
	return status;
}

const struct verb verb_log = {
	.name = "log",
	.synopsis = "log [FILTER] [--class C] [--event E] [--address A] [--since T] [--until T] [--grep RE] [--follow] [--limit N]",
	.summary = "Print events of the server's log, from its API, a file, a directory or standard input.",
	.options = "class event address since until grep follow limit",
	.words = "class: level: event: address: account:",
	.examples = "stalwarden log --event security. --limit 20\nstalwarden log --address 203.0.113.0/24 --since '2h ago' -o ndjson",
	.run = run,
};
