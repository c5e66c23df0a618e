/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `import` and `export`: lists in the formats people have them in. Import goes the road of every change: guards, batches, one reload, proof. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/clock.h"
#include "core/mem.h"
#include "model/formats.h"

#define NAMED_MAX 20 /* skipped rows told by name */

static bool read_input(struct cli *c, const char *path, struct import *im)
{
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char *chunk;
	ssize_t n;

	if (fd < 0)
		return err_set(&c->err, ERR_USAGE, "%s can't be read: %s", path, strerror(errno));
	chunk = xmalloc(1 << 18);
	while ((n = read(fd, chunk, 1 << 18)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			import_feed(im, chunk, (size_t)n);
	free(chunk);
	if (!is_stdin)
		close(fd);
	import_finish(im);
	return n == 0 || err_set(&c->err, ERR_USAGE, "%s can't be read to its end: %s", path, strerror(errno));
}

static void say_bad(struct cli *c, const struct import *im)
{
	for (size_t i = 0; i < im->bad_count; i++)
		cli_say(c, "line %llu: %s: %s", (unsigned long long)im->bad[i].line, import_text(im, im->bad[i].text), import_text(im, im->bad[i].why));
	if (im->bad_total > im->bad_count)
		cli_say(c, "… and %zu more bad lines", im->bad_total - im->bad_count);
}

static void say_allowed(struct cli *c, const struct import *im)
{
	const struct entrylist *l = c->app.snap.list[LIST_ALLOWED];
	size_t said = 0, all = import_tally(im, IMPORT_ALLOWED);
	char net[NET_BUF];

	for (size_t i = 0; l && i < im->count && said < NAMED_MAX; i++)
		if (im->rows[i].skip == IMPORT_ALLOWED) {
			cli_say(c, "skipped: %s touches the allowed entry %s", net_format(&im->rows[i].net, net, sizeof(net)),
				entry_key(l, im->rows[i].allowed_row));
			said++;
		}
	if (all > said)
		cli_say(c, "… and %zu more that touch allowed entries", all - said);
}

static void say_tally(struct cli *c, const struct import *im, size_t to_add)
{
	cli_say(c,
		"%zu to add; skipped: %zu already there, %zu allowed, %zu refused by a guard, %zu merged into wider ones, %zu doubles, %zu over already, "
		"%zu of the other list; %zu bad lines of %llu",
		to_add, import_tally(im, IMPORT_PRESENT), import_tally(im, IMPORT_ALLOWED), import_tally(im, IMPORT_GUARDED),
		import_tally(im, IMPORT_MERGED), im->duplicates, import_tally(im, IMPORT_EXPIRED), import_tally(im, IMPORT_TAKE) - to_add,
		im->bad_total, (unsigned long long)im->lines);
	if (im->host_bits || im->mapped)
		cli_say(c, "%zu with host bits are taken as their network, %zu IPv4-mapped ones as IPv4", im->host_bits, im->mapped);
}

static bool is_wanted(const struct import_row *r, enum list_kind to)
{
	return r->skip == IMPORT_TAKE && r->list == to;
}

static void add_row(struct change *ch, const struct import *im, const struct import_row *r, enum edit_kind kind, int64_t now)
{
	const char *note = import_note(im, r);
	struct edit *e = change_add_net(ch, kind, &r->net);

	e->reason = r->reason == REASON_NONE ? REASON_MANUAL : (enum reason)r->reason;
	e->created = r->created == TIME_NONE ? now : r->created / 1000 * 1000;
	e->expires = r->expires == TIME_NONE ? TIME_NONE : r->expires / 1000 * 1000;
	e->note = note[0] ? xstrdup(note) : NULL;
}

/* A guarded row is left out and named; the rest is good all the same. */
static void leave_out_guarded(struct cli *c, struct import *im, enum list_kind to)
{
	struct guard_facts facts;
	struct guard_hit hit;
	size_t said = import_tally(im, IMPORT_GUARDED);

	if (cli_has(c, OPT_FORCE))
		return;
	app_guard_facts(&c->app, &facts);
	for (size_t i = 0; i < im->count; i++) {
		struct import_row *r = &im->rows[i];
		struct edit probe = { .kind = to == LIST_BLOCKED ? EDIT_BLOCK : EDIT_ALLOW, .net = r->net };

		if (!is_wanted(r, to) || guard_check(&probe, &facts, &hit, 1) == 0)
			continue;
		r->skip = IMPORT_GUARDED;
		if (said++ < NAMED_MAX)
			cli_say(c, "left out: %s", hit.reason);
	}
	if (said > NAMED_MAX)
		cli_say(c, "… and %zu more that guards refuse", said - NAMED_MAX);
	guard_facts_release(&facts);
}

static struct change *change_of(const struct import *im, enum list_kind to)
{
	struct change *ch = change_new();
	int64_t now = clock_now() / 1000 * 1000;

	for (size_t i = 0; i < im->count; i++)
		if (is_wanted(&im->rows[i], to))
			add_row(ch, im, &im->rows[i], to == LIST_BLOCKED ? EDIT_BLOCK : EDIT_ALLOW, now);
	return ch;
}

static bool read_choices(struct cli *c, enum format *f, enum list_kind *to)
{
	const char *format = cli_option(c, OPT_FORMAT), *list = cli_option(c, OPT_TO);

	*f = FORMAT_AUTO;
	*to = LIST_BLOCKED;
	if (format && (!format_parse(format, f) || !format_can_read(*f)))
		return err_set(&c->err, ERR_USAGE, "--format %s can't be imported", format);
	if (list && !strcmp(list, "allowed"))
		*to = LIST_ALLOWED;
	else if (list && strcmp(list, "blocked") != 0)
		return err_set(&c->err, ERR_USAGE, "--to wants blocked or allowed, not \"%s\"", list);
	return true;
}

static int send(struct cli *c, struct import *im, enum list_kind to)
{
	const struct snapshot *s = &c->app.snap;
	struct plan_options o;
	struct change *ch;
	bool left_out;
	int status;

	say_bad(c, im);
	import_sort_out(im, to, s->list[to], s->list[LIST_ALLOWED], clock_now());
	say_allowed(c, im);
	leave_out_guarded(c, im, to);
	/* What must not be blocked is out before neighbours become one network; what came of them may be there, or be too wide. */
	if (cli_has(c, OPT_MERGE) && import_merge(im)) {
		import_sort_out(im, to, s->list[to], s->list[LIST_ALLOWED], clock_now());
		leave_out_guarded(c, im, to);
	}
	ch = change_of(im, to);
	left_out = import_tally(im, IMPORT_GUARDED) > 0;
	say_tally(c, im, ch->count);
	if (ch->count == 0) {
		change_free(ch);
		return left_out ? EXIT_REFUSED : im->bad_total ? EXIT_PARTLY : EXIT_NOTHING;
	}
	plan_options_init(&o);
	o.note = cli_option(c, OPT_REASON);
	o.force = cli_has(c, OPT_FORCE);
	status = cli_change(c, plan_of_change(&c->app, ch, &o, &c->err));
	return (im->bad_total || left_out) && (status == EXIT_DONE || status == EXIT_NOTHING) ? EXIT_PARTLY : status;
}

static int run_import(struct cli *c)
{
	enum format format;
	enum list_kind to;
	struct import *im;
	int status;

	if (!cli_word(c, 0) || !cli_max_words(c, 1)) {
		err_set(&c->err, ERR_USAGE, "import wants one file, or - for standard input");
		return EXIT_USAGE;
	}
	if (!read_choices(c, &format, &to))
		return EXIT_USAGE;
	im = import_new(format, clock_now());
	if (!read_input(c, cli_word(c, 0), im)) {
		status = EXIT_USAGE;
	} else if (!cli_connect(c) || !cli_need(c, SNAP(BLOCKED), SNAP(ALLOWED) | SNAP(TRUST))) {
		status = cli_exit_of_err(&c->err);
	} else {
		cli_resume(c); /* this import may be one that was interrupted: what it stored is made live */
		status = send(c, im, to);
	}
	import_free(im);
	return status;
}

/* ---- export ---- */

static bool write_out(void *arg, const char *data, size_t len)
{
	(void)arg;
	return fwrite(data, 1, len, stdout) == len;
}

static int run_export(struct cli *c)
{
	const char *what = cli_word(c, 0) ? cli_word(c, 0) : "blocked";
	enum format f = c->format == OUT_JSON ? FORMAT_JSON : c->format == OUT_NDJSON ? FORMAT_NDJSON : FORMAT_CSV;
	bool blocked = !strcmp(what, "blocked") || !strcmp(what, "all"), allowed = !strcmp(what, "allowed") || !strcmp(what, "all");
	struct export_list lists[2];
	struct export_tally tally = { 0 };
	size_t n = 0;
	char told[256];

	if ((!blocked && !allowed) || !cli_max_words(c, 1)) {
		err_set(&c->err, ERR_USAGE, "export wants blocked, allowed or all, not \"%s\"", what);
		return EXIT_USAGE;
	}
	if (cli_has(c, OPT_FORMAT) && (!format_parse(cli_option(c, OPT_FORMAT), &f) || !format_can_write(f))) {
		err_set(&c->err, ERR_USAGE, "--format %s can't be exported", cli_option(c, OPT_FORMAT));
		return EXIT_USAGE;
	}
	if (!cli_connect_to_read(c) || !cli_need(c, (blocked ? SNAP(BLOCKED) : 0) | (allowed ? SNAP(ALLOWED) : 0), 0))
		return cli_exit_of_err(&c->err);
	memset(lists, 0, sizeof(lists));
	if (blocked)
		lists[n++] = (struct export_list){ .list = c->app.snap.list[LIST_BLOCKED], .kind = LIST_BLOCKED };
	if (allowed)
		lists[n++] = (struct export_list){ .list = c->app.snap.list[LIST_ALLOWED], .kind = LIST_ALLOWED };
	if (!export_lists(f, lists, n, clock_now(), write_out, NULL, &tally, &c->err) && !out_lost())
		return cli_exit_of_err(&c->err);
	if (out_lost()) { /* main says why, or that there is nothing to say */
		err_clear(&c->err);
		return EXIT_SERVER;
	}
	if (*export_tally_text(&tally, told, sizeof(told)))
		cli_say(c, "%s: %s", format_name(f), told);
	if (f == FORMAT_VALUES && blocked && allowed)
		cli_say(c, "values say nothing but addresses: an import would take the allowed ones for blocked ones");
	return EXIT_DONE;
}

const struct verb verb_import = {
	.name = "import",
	.synopsis = "import FILE|- [--format F] [--to blocked|allowed] [--merge] [--reason TEXT]",
	.summary = "Add entries from a list: csv, json, ndjson, values, cscli, fail2ban, nft, ipset, iptables; bad lines are named, the good ones taken.",
	.options = "format to merge reason",
	.words = "",
	.examples = "stalwarden import offenders.csv --dry-run\nstalwarden import - --format values --merge",
	.run = run_import,
};

const struct verb verb_export = {
	.name = "export",
	.synopsis = "export [blocked|allowed|all] [--format F]",
	.summary = "Print entries as csv, json, ndjson, values, cscli, nft, ipset or iptables.",
	.options = "format",
	.words = "blocked allowed all",
	.examples = "stalwarden export blocked --format nft",
	.learns = true,
	.run = run_export,
};
