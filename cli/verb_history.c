/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `history` and `report`: what the store remembers, grouped, and the monthly review. No server is needed; with one, the log is read first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/sync.h"
#include "cli/cli.h"
#include "cli/place.h"
#include "core/clock.h"
#include "core/text.h"
#include "model/report.h"
#include "store/history.h"

/* Credentials are looked for where the answer needs the server: for a log that only the API has, and for the lists. */
void cli_freshen(struct cli *c, unsigned snaps)
{
	char path[4096];
	bool api = logsource_choose(c->app.profile.log_source, path, sizeof(path)) == LOGSOURCE_KIND_API;
	bool asks = (api || snaps) && c->app.profile.url;
	bool connected = asks && cli_connect(c), synced = false;

	if (!api || connected) {
		struct err err = c->err;

		err_clear(&c->err);
		synced = cli_sync_quietly(c);
		if (err.code != ERR_NONE)
			c->err = err;
	}
	if (!synced || (asks && !connected))
		cli_say(c, "answering from the local store%s%s", c->err.msg[0] ? ": " : "", c->err.msg);
	err_clear(&c->err);
	if (connected)
		cli_need(c, 0, snaps);
	err_clear(&c->err);
}

/* The field named after the grouping, then the figures. */
static void print_rows(struct cli *c, enum history_by by, const struct history_row *rows, size_t n)
{
	struct out_field fields[] = { { history_by_text(by), "", 0 }, { "bans", "BANS", OUT_RIGHT }, { "addresses", "ADDRESSES", OUT_RIGHT },
		{ "first", "FIRST", 0 }, { "last", "LAST", 0 }, { "auth", "AUTH", OUT_RIGHT }, { "abuse", "ABUSE", OUT_RIGHT },
		{ "loiter", "LOITER", OUT_RIGHT }, { "scan", "SCAN", OUT_RIGHT }, [10 + PLACE_FIELDS] = { NULL, NULL, 0 } };
	static const char *const titles[HISTORY_BY_COUNT] = { "DAY", "ADDRESS", "RANGE", "REASON", "ACCOUNT" };
	bool has_net = by == HISTORY_BY_ADDRESS || by == HISTORY_BY_RANGE;
	char net[NET_BUF], day[TIME_BUF];
	struct out o;

	fields[0].title = titles[by];
	if (has_net)
		place_fields(&c->app, fields);
	out_begin(&o, c->format, fields, false, c->ascii);
	for (size_t i = 0; i < n; i++) {
		const struct history_row *r = &rows[i];

		out_row(&o);
		switch (by) {
		case HISTORY_BY_DAY:
			time_format(r->day, day, sizeof(day));
			day[10] = '\0';
			out_str(&o, day);
			break;
		case HISTORY_BY_ADDRESS:
		case HISTORY_BY_RANGE:
			out_str(&o, net_format(&r->net, net, sizeof(net)));
			break;
		case HISTORY_BY_REASON:
			out_str(&o, class_name(r->class));
			break;
		case HISTORY_BY_ACCOUNT:
			out_str(&o, r->account);
			break;
		case HISTORY_BY_COUNT:
			break;
		}
		out_int(&o, (int64_t)r->bans);
		out_int(&o, (int64_t)r->addresses);
		out_time(&o, r->first);
		out_time(&o, r->last);
		for (int k = 0; k < CLASS_COUNT; k++)
			out_int(&o, (int64_t)r->by_class[k]);
		if (has_net)
			place_values(&c->app, &o, &r->net);
	}
	out_end(&o);
}

static int run_history(struct cli *c)
{
	enum history_by by = HISTORY_BY_DAY;
	struct history_query q;
	struct history_row *rows;
	int64_t prefix = 0, limit = 0;
	size_t n, total = 0;

	history_query_init(&q);
	if (!cli_max_words(c, 0) || !cli_option_time(c, OPT_SINCE, &q.since) ||
		!cli_option_time(c, OPT_UNTIL, &q.until) || !cli_option_int(c, OPT_PREFIX, 1, 128, &prefix) ||
		!cli_option_int(c, OPT_LIMIT, 1, INT32_MAX, &limit))
		return EXIT_USAGE;
	if (cli_has(c, OPT_BY) && !history_by_parse(cli_option(c, OPT_BY), &by)) {
		err_set(&c->err, ERR_USAGE, "--by wants day, address, range, reason or account, not \"%s\"",
			cli_option(c, OPT_BY));
		return EXIT_USAGE;
	}
	if (prefix > 32)
		q.prefix6 = (uint8_t)prefix;
	else
		q.prefix4 = (uint8_t)prefix;
	q.limit = (size_t)limit;
	q.sort = by == HISTORY_BY_DAY ? HISTORY_KEY : HISTORY_MOST;
	if (!cli_open(c))
		return cli_exit_of_err(&c->err);
	cli_freshen(c, 0);
	q.server = c->app.profile.name;
	if (!c->app.store)
		c->err = c->app.store_err;
	if (!c->app.store || !history_group(c->app.store, by, &q, &rows, &n, &total, &c->err))
		return cli_exit_of_err(&c->err);
	print_rows(c, by, rows, n);
	if (n < total)
		cli_say(c, "showing %zu of %zu", n, total);
	if (n == 0)
		cli_say(c, "no ban in the history");
	history_rows_free(rows, n);
	return n ? EXIT_DONE : EXIT_NOTHING;
}

/* ---- report ---- */

static bool month_of(struct cli *c, int64_t *since, int64_t *until)
{
	const char *text = cli_option(c, OPT_MONTH);
	time_t now = (time_t)(clock_now() / 1000);
	int64_t year, month;
	struct tm tm;
	char part[8];

	gmtime_r(&now, &tm);
	year = tm.tm_year + 1900;
	month = tm.tm_mon; /* last month, from 1 */
	if (month == 0)
		year--, month = 12;
	if (text) {
		snprintf(part, sizeof(part), "%.4s", text);
		if (strlen(text) != 7 || text[4] != '-' || !text_int(part, 1970, 9998, &year) ||
			!text_int(text + 5, 1, 12, &month))
			return err_set(&c->err, ERR_USAGE, "--month wants YYYY-MM, not \"%s\"", text);
	}
	tm = (struct tm){ .tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = 1 };
	*since = (int64_t)timegm(&tm) * 1000;
	tm.tm_mon++;
	*until = (int64_t)timegm(&tm) * 1000;
	return true;
}

static bool report_format(struct cli *c, enum report_format *f)
{
	const char *s = cli_option(c, OPT_FORMAT);

	*f = c->format == OUT_JSON || c->format == OUT_NDJSON ? REPORT_JSON : REPORT_TEXT;
	if (!s || !strcmp(s, "text"))
		return true;
	if (!strcmp(s, "markdown") || !strcmp(s, "md"))
		*f = REPORT_MARKDOWN;
	else if (!strcmp(s, "json"))
		*f = REPORT_JSON;
	else
		return err_set(&c->err, ERR_USAGE, "report --format wants text, markdown or json, not \"%s\"", s);
	return true;
}

/* Gateways of this host and proxies the server trusts, for "new gateways". */
static struct netset *known_gateways(struct app *a)
{
	struct netset *s = netset_new();
	struct guard_facts facts;

	app_guard_facts(a, &facts);
	for (size_t i = 0; i < facts.gateways.count; i++)
		netset_add(s, &facts.gateways.items[i], 0);
	for (size_t i = 0; i < facts.proxies.count; i++)
		netset_add(s, &facts.proxies.items[i], 0);
	guard_facts_release(&facts);
	netset_finish(s);
	return s;
}

static int run_report(struct cli *c)
{
	struct netset *gateways;
	struct history_report_query q = { 0 };
	enum report_format format;
	struct buf text = BUF_INIT;
	struct report r;
	int status = EXIT_DONE;

	if (!cli_max_words(c, 0) || !month_of(c, &q.since, &q.until) || !report_format(c, &format))
		return EXIT_USAGE;
	if (!cli_open(c))
		return cli_exit_of_err(&c->err);
	cli_freshen(c, SNAP(THRESHOLDS) | SNAP(ALLOWED) | SNAP(TRUST));
	q.server = c->app.profile.name;
	q.thresholds = c->app.snap.thresholds;
	q.allowed = c->app.snap.list[LIST_ALLOWED] ? c->app.snap.list[LIST_ALLOWED]->index : NULL;
	q.gateways = gateways = known_gateways(&c->app);
	report_init(&r);
	if (!c->app.store)
		c->err = c->app.store_err;
	if (c->app.store && history_report(c->app.store, &q, &r, &c->err)) {
		report_print(&r, format, 0, c->ascii, &text);
		fwrite(buf_str(&text), 1, text.len, stdout);
		status = r.bans || r.refused ? EXIT_DONE : EXIT_NOTHING;
	} else {
		status = cli_exit_of_err(&c->err);
	}
	buf_release(&text);
	report_release(&r);
	netset_free(gateways);
	return status;
}

const struct verb verb_history = {
	.name = "history",
	.synopsis = "history [--by day|address|range|reason|account] [--since T] [--until T] [--prefix 24] [--limit N]",
	.summary = "Ban history from the local store, grouped.",
	.options = "by since until prefix limit",
	.words = "",
	.examples = "stalwarden history --by range --since 2026-11-01",
	.run = run_history,
};

const struct verb verb_report = {
	.name = "report",
	.synopsis = "report [--month YYYY-MM] [--format text|markdown|json]",
	.summary = "The monthly review: totals, repeat offenders, ranges worth a firewall rule, threshold suggestions.",
	.options = "month format",
	.words = "",
	.examples = "stalwarden report --month 2026-10 --format markdown",
	.run = run_report,
};
