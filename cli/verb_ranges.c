/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `ranges`: networks worth one rule, with what each would replace and hit; as rows, or written for a firewall. Changes nothing: `block --replace`
 * does that. */
#include <stdio.h>
#include <stdlib.h>

#include "app/proposals.h"
#include "cli/cli.h"
#include "cli/place.h"
#include "core/clock.h"

#define NAMED 3

/* Keys of some rows of a list, as a list of strings: borrowed. */
static void put_keys(struct out *o, const struct entrylist *l, const struct net *n, bool around)
{
	size_t count;
	uint32_t *rows = proposal_entries(l, n, around, clock_now(), &count);
	const char **keys = malloc((count ? count : 1) * sizeof(*keys));

	for (size_t i = 0; keys && i < count; i++)
		keys[i] = entry_key(l, rows[i]);
	out_list(o, keys, keys ? count : 0);
	free(keys);
	free(rows);
}

static void names(const struct entrylist *l, const struct net *n, bool around, struct buf *out)
{
	size_t count;
	uint32_t *rows = proposal_entries(l, n, around, clock_now(), &count);

	buf_reset(out);
	if (count)
		buf_addf(out, "%zu: ", count);
	proposal_names(l, rows, count, NAMED, out);
	free(rows);
}

static void print_rows(struct cli *c, const struct proposal *rows, size_t n)
{
	struct out_field fields[] = { { "range", "RANGE", 0 }, { "bans", "BANS", OUT_RIGHT }, { "addresses", "ADDRESSES", OUT_RIGHT },
		{ "first", "FIRST", 0 }, { "last", "LAST", 0 }, { "replaces", "", OUT_HIDDEN }, { "allowed", "", OUT_HIDDEN },
		{ "blocked", "BLOCKED", 0 }, { "refusal", "", OUT_HIDDEN }, { "", "REPLACES", OUT_ONLY_TABLE }, { "", "HITS", OUT_ONLY_TABLE },
		[11 + PLACE_FIELDS] = { NULL, NULL, 0 } };
	const struct entrylist *blocked = c->app.snap.list[LIST_BLOCKED], *allowed = c->app.snap.list[LIST_ALLOWED];
	struct buf text = BUF_INIT;
	char net[NET_BUF];
	struct out o;

	place_fields(&c->app, fields);
	out_begin(&o, c->format, fields, false, c->ascii);
	for (size_t i = 0; i < n; i++) {
		const struct proposal *p = &rows[i];

		out_row(&o);
		out_str(&o, net_format(&p->net, net, sizeof(net)));
		out_int(&o, (int64_t)p->bans);
		out_int(&o, (int64_t)p->addresses);
		out_time(&o, p->first);
		out_time(&o, p->last);
		put_keys(&o, blocked, &p->net, false);
		put_keys(&o, allowed, &p->net, true);
		blocked ? out_bool(&o, p->is_blocked) : out_null(&o);
		out_str(&o, p->refusal[0] ? p->refusal : NULL);
		names(blocked, &p->net, false, &text);
		out_str(&o, buf_str(&text));
		names(allowed, &p->net, true, &text);
		out_str(&o, text.len ? buf_str(&text) : p->refusal);
		place_values(&c->app, &o, &p->net);
	}
	out_end(&o);
	buf_release(&text);
}

static bool write_out(void *arg, const char *data, size_t len)
{
	(void)arg;
	return fwrite(data, 1, len, stdout) == len;
}

/* A firewall drops allowed addresses, too: what a guard would not let be blocked is left out and named. */
static size_t leave_out(struct cli *c, struct proposal *rows, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (rows[i].refusal[0])
			cli_say(c, cli_has(c, OPT_FORCE) ? "written all the same: %s" : "left out: %s (--force writes it all the same)", rows[i].refusal);
		if (!rows[i].refusal[0] || cli_has(c, OPT_FORCE))
			rows[kept++] = rows[i];
	}
	return kept;
}

static bool write_format(struct cli *c, enum format f, const struct proposal *rows, size_t n)
{
	struct entrylist *l = proposals_list(rows, n);
	struct export_list list = { .list = l, .kind = LIST_BLOCKED };
	bool ok = export_lists(f, &list, 1, clock_now(), write_out, NULL, NULL, &c->err) && fflush(stdout) == 0;

	entrylist_free(l);
	return ok || err_set(&c->err, ERR_IO, "standard output can't be written");
}

static bool read_query(struct cli *c, struct proposals_query *q, enum format *f, int64_t *limit)
{
	int64_t prefix = 0, at_least = 0;

	proposals_query_init(q);
	if (!cli_max_words(c, 0) || !cli_option_time(c, OPT_SINCE, &q->since) ||
		!cli_option_time(c, OPT_UNTIL, &q->until) || !cli_option_int(c, OPT_PREFIX, 1, 127, &prefix) ||
		!cli_option_int(c, OPT_AT_LEAST, 2, INT32_MAX, &at_least) ||
		!cli_option_int(c, OPT_LIMIT, 1, INT32_MAX, limit))
		return false;
	if (prefix > 32)
		q->prefix6 = (uint8_t)prefix;
	else
		q->prefix4 = (uint8_t)prefix;
	q->at_least = (uint64_t)at_least;
	if (cli_has(c, OPT_FORMAT) && (!format_parse(cli_option(c, OPT_FORMAT), f) || !format_can_write(*f)))
		return err_set(&c->err, ERR_USAGE,
			"ranges --format wants nft, ipset, iptables, values, csv, json, ndjson or cscli, not \"%s\"",
			cli_option(c, OPT_FORMAT));
	return true;
}

static int run(struct cli *c)
{
	enum format format = FORMAT_AUTO;
	struct proposals_query q;
	struct proposal *rows;
	int64_t limit = INT32_MAX;
	size_t n, total;
	int status;

	if (!read_query(c, &q, &format, &limit))
		return EXIT_USAGE;
	if (!cli_open(c))
		return cli_exit_of_err(&c->err);
	cli_freshen(c, SNAP(BLOCKED) | SNAP(ALLOWED) | SNAP(TRUST));
	if (!c->app.snap.list[LIST_ALLOWED])
		cli_say(c, "which allowed entries a range would hit is not known");
	if (!proposals_gather(&c->app, &q, &rows, &total, &c->err))
		return cli_exit_of_err(&c->err);
	n = total < (size_t)limit ? total : (size_t)limit;
	status = n ? EXIT_DONE : EXIT_NOTHING;
	if (format == FORMAT_AUTO) {
		print_rows(c, rows, n);
	} else {
		size_t kept = leave_out(c, rows, n);

		status = !write_format(c, format, rows, kept) ? cli_exit_of_err(&c->err) : n == 0 ? EXIT_NOTHING : kept ? EXIT_DONE : EXIT_REFUSED;
	}
	if (n < total)
		cli_say(c, "showing %zu of %zu", n, total);
	if (total == 0)
		cli_say(c, "no network holds %llu bans of several addresses; --at-least asks for fewer",
			(unsigned long long)(q.at_least ? q.at_least : PROPOSALS_AT_LEAST));
	free(rows);
	return status;
}

const struct verb verb_ranges = {
	.name = "ranges",
	.synopsis = "ranges [--at-least N] [--prefix 24] [--since T] [--until T] [--format nft|ipset|iptables|values] [--limit N]",
	.summary = "Networks worth one rule: the smallest that cover at least N bans, what each would replace, and which allowed entries it would hit.",
	.options = "at-least prefix since until format limit",
	.words = "",
	.examples = "stalwarden ranges --at-least 10\nstalwarden ranges --format nft",
	.run = run,
};
