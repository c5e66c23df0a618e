/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `journal` and `undo`: own changes, and taking them back. */
#include <stdlib.h>
#include <string.h>

#include "app/resume.h"
#include "cli/cli.h"
#include "core/mem.h"
#include "core/text.h"
#include "store/journal.h"

static const struct out_field fields[] = { { "id", "ID", OUT_RIGHT }, { "time", "TIME", 0 }, { "operator", "OPERATOR", 0 },
	{ "server", "SERVER", OUT_HIDDEN }, { "op", "OP", 0 }, { "target", "TARGET", 0 }, { "verdict", "VERDICT", 0 }, { "before", "BEFORE", OUT_HIDDEN },
	{ "after", "AFTER", OUT_HIDDEN }, { "detail", "DETAIL", 0 }, { "steps", "STEPS", OUT_HIDDEN }, { "reason", "REASON", OUT_HIDDEN },
	{ "forced", "FORCED", OUT_HIDDEN }, { "undoes", "UNDOES", OUT_HIDDEN }, { "undone_by", "UNDONE BY", OUT_HIDDEN }, { NULL, NULL, 0 } };

static void print_row(struct out *o, const struct journal_row *r)
{
	out_row(o);
	out_int(o, r->id);
	out_time(o, r->time);
	out_str(o, r->operator_name);
	out_str(o, r->server);
	out_str(o, edit_name(r->kind));
	out_str(o, r->target);
	out_str(o, verdict_name(r->verdict));
	out_str(o, r->has_before ? r->before : NULL);
	out_str(o, r->has_after ? r->after : NULL);
	out_str(o, r->detail);
	out_raw(o, r->steps && r->steps[0] ? r->steps : "[]", "");
	out_str(o, r->reason);
	out_str(o, r->forced);
	out_int(o, r->undoes);
	out_int(o, r->undone_by);
}

static int run_journal(struct cli *c)
{
	struct journal_query q;
	struct journal_row *rows;
	int64_t limit = 0;
	struct out o;
	size_t n;
	int status;

	journal_query_init(&q);
	if (!cli_max_words(c, 0) || !cli_option_int(c, OPT_LIMIT, 1, INT32_MAX, &limit) || !cli_option_time(c, OPT_SINCE, &q.since))
		return EXIT_USAGE;
	q.limit = (size_t)limit;
	if (!cli_open(c))
		return cli_exit_of_err(&c->err);
	if (cli_has(c, OPT_PROFILE))
		q.server = c->app.profile.name;
	if (!c->app.store)
		c->err = c->app.store_err;
	if (!c->app.store || !journal_list(c->app.store, &q, &rows, &n, &c->err))
		return cli_exit_of_err(&c->err);
	resume_mark_rows(&c->app, rows, n);
	out_begin(&o, c->format, fields, false, c->ascii);
	for (size_t i = 0; i < n; i++)
		print_row(&o, &rows[i]);
	status = out_end(&o);
	journal_rows_free(rows, n);
	if (n == 0)
		cli_say(c, "no change was made from here yet");
	return status ? status : n ? EXIT_DONE : EXIT_NOTHING;
}

/* Newest first, each with its own look at what is stored now; one that fails leaves the older ones alone. */
static int undo_last(struct cli *c, int64_t n)
{
	int status = EXIT_DONE;
	int64_t i = 0;

	if (c->format != OUT_TABLE)
		c->kept = xcalloc((size_t)n, sizeof(*c->kept));
	for (; i < n && status == EXIT_DONE; i++) {
		struct plan *p = cli_need(c, SNAP(BLOCKED), SNAP(ALLOWED) | SNAP(THRESHOLDS) | SNAP(TRUST)) ? plan_undo(&c->app, 0, &c->err) : NULL;

		if (!p && i > 0 && c->err.code == ERR_NOT_FOUND) { /* the journal has fewer */
			err_clear(&c->err);
			break;
		}
		status = cli_change(c, p);
	}
	if (c->kept)
		cli_print_kept(c);
	cli_say(c, "%lld of %lld changes taken back", (long long)(status == EXIT_DONE ? i : i - 1), (long long)n);
	return status != EXIT_DONE && i > 1 ? EXIT_PARTLY : status;
}

static int run_undo(struct cli *c)
{
	int64_t id = 0, last = 1;

	if (!cli_max_words(c, 1))
		return EXIT_USAGE;
	if (cli_word(c, 0) && !text_int(cli_word(c, 0), 1, INT64_MAX, &id)) {
		err_set(&c->err, ERR_USAGE, "undo wants a number from `stalwarden journal`, not \"%s\"", cli_word(c, 0));
		return EXIT_USAGE;
	}
	if (!cli_option_int(c, OPT_LAST, 1, 1000, &last))
		return EXIT_USAGE;
	if (last > 1 && (id || cli_has(c, OPT_DRY_RUN))) {
		err_set(&c->err, ERR_USAGE, id ? "undo takes a number or --last" : "--last with --dry-run: what the second would send depends on the first");
		return EXIT_USAGE;
	}
	if (!cli_connect(c) || !cli_need(c, SNAP(BLOCKED), SNAP(ALLOWED) | SNAP(THRESHOLDS) | SNAP(TRUST)))
		return cli_exit_of_err(&c->err);
	cli_resume(c); /* one that was cut off can be taken back, too */
	if (last > 1)
		return undo_last(c, last);
	return cli_change(c, plan_undo(&c->app, id, &c->err));
}

const struct verb verb_journal = {
	.name = "journal",
	.synopsis = "journal [--since T] [--limit N]",
	.summary = "List the changes made from here: who, when, what, and what became of it.",
	.options = "since limit",
	.words = "",
	.examples = "stalwarden journal --since 7d\\ ago -o json",
	.run = run_journal,
};

const struct verb verb_undo = {
	.name = "undo",
	.synopsis = "undo [ID] [--last N]",
	.summary = "Take back a change, the newest by default, or the newest N; proven like any other.",
	.options = "last",
	.words = "",
	.examples = "stalwarden undo",
	.run = run_undo,
};
