/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `blocked` and `allowed`: the two lists, filtered and sorted as in the console. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/place.h"
#include "core/clock.h"
#include "core/mem.h"
#include "model/filter.h"

static const struct out_field fields[] = { { "address", "ADDRESS", 0 }, { "family", "FAMILY", OUT_HIDDEN }, { "kind", "KIND", 0 },
	{ "reason", "REASON", 0 }, { "note", "NOTE", 0 }, { "created_at", "SINCE", 0 }, { "expires_at", "UNTIL", 0 }, { "state", "STATE", 0 },
	{ "covered_by", "COVERED BY", 0 }, { "origin", "ORIGIN", OUT_HIDDEN }, { NULL, NULL, 0 } };

enum sort_column { SORT_ADDRESS, SORT_KIND, SORT_REASON, SORT_NOTE, SORT_CREATED, SORT_EXPIRES, SORT_STATE };
static const char *const sort_names[] = { "address", "kind", "reason", "note", "created_at", "expires_at", "state", "since", "until", NULL };
static const enum sort_column sort_of[] = { SORT_ADDRESS, SORT_KIND, SORT_REASON, SORT_NOTE, SORT_CREATED, SORT_EXPIRES, SORT_STATE, SORT_CREATED,
	SORT_EXPIRES };

struct sorting {
	const struct entrylist *list;
	enum sort_column column;
	bool descending;
	int64_t now;
};

static int compare_values(const struct sorting *s, size_t a, size_t b)
{
	const struct entry *x = &s->list->rows[a], *y = &s->list->rows[b];

	switch (s->column) {
	case SORT_KIND:
		return (x->prefix == (x->family == 4 ? 32 : 128)) - (y->prefix == (y->family == 4 ? 32 : 128));
	case SORT_REASON:
		return strcmp(reason_text(x->reason), reason_text(y->reason));
	case SORT_NOTE:
		return strcmp(entry_note(s->list, a), entry_note(s->list, b));
	case SORT_CREATED:
		return (x->created > y->created) - (x->created < y->created);
	case SORT_EXPIRES: /* never is last */
		return (x->expires - 1 > y->expires - 1) - (x->expires - 1 < y->expires - 1);
	case SORT_STATE:
		return (int)entry_state(s->list, a, s->now) - (int)entry_state(s->list, b, s->now);
	case SORT_ADDRESS:
		break;
	}
	return 0;
}

static int compare(const void *pa, const void *pb, void *arg)
{
	const struct sorting *s = arg;
	size_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	int c = compare_values(s, a, b);

	c = s->descending ? -c : c;
	return c ? c : s->descending && s->column == SORT_ADDRESS ? (a < b) - (a > b) : (a > b) - (a < b);
}

static bool parse_sort(struct cli *c, struct sorting *s)
{
	const char *name = cli_option(c, OPT_SORT);

	if (!name)
		return true;
	s->descending = *name == '-';
	name += *name == '-';
	for (size_t i = 0; sort_names[i]; i++)
		if (!strcmp(sort_names[i], name)) {
			s->column = sort_of[i];
			return true;
		}
	return err_set(&c->err, ERR_USAGE,
		"--sort wants address, kind, reason, note, created_at, expires_at or state, not \"%s\"", name);
}

static void print_row(struct cli *c, struct out *o, const struct entrylist *l, size_t row, int64_t now)
{
	const struct entry *e = &l->rows[row];
	const char *key = entry_key(l, row), *note;
	size_t key_len = strlen(key);
	ptrdiff_t cover = -1;
	struct net n;

	entry_net(e, &n);
	if (e->family)
		cover = entrylist_covering(l, &n, (ptrdiff_t)row, now);
	out_row(o);
	out_text(o, key, key_len);
	note = key + key_len + 1; /* as entry_note() finds it, without measuring the key again: there may be a million */
	if (e->family)
		out_int(o, e->family);
	else
		out_null(o);
	out_str(o, e->family == 0 ? NULL : net_is_address(&n) ? "address" : "network");
	out_str(o, reason_text(e->reason));
	out_str(o, note);
	out_time(o, entry_created(e));
	out_time(o, entry_expires(e));
	out_str(o, entry_state_text(entry_state(l, row, now)));
	out_str(o, cover >= 0 ? entry_key(l, (size_t)cover) : NULL);
	out_str(o, origin_text(e->origin));
	place_values(&c->app, o, &n);
}

static char *joined_words(const struct cli *c)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; cli_word(c, i); i++)
		buf_addf(&b, "%s%s", i ? " " : "", cli_word(c, i));
	return buf_take(&b, NULL);
}

/* Rows of the list that the filter takes, in order. */
static bool choose(struct cli *c, const struct entrylist *l, struct sorting *s, struct filter_hits *hits)
{
	char *text = joined_words(c);
	struct filter *f = filter_parse(FILTER_LIST, text, s->now, &c->err);

	free(text);
	if (!f)
		return false;
	filter_list(f, l, s->now, hits);
	filter_free(f);
	if (s->column != SORT_ADDRESS || s->descending)
		qsort_r(hits->rows, hits->count, sizeof(*hits->rows), compare, s);
	return true;
}

static int print_list(struct cli *c, enum list_kind kind)
{
	struct sorting s = { .now = clock_now() };
	int64_t limit = INT64_MAX;
	const struct entrylist *l;
	struct out_field shown_fields[ARRAY_LEN(fields) + PLACE_FIELDS];
	struct filter_hits hits = { 0 };
	size_t shown = 0;
	struct out o;
	int status;

	if (!parse_sort(c, &s) || !cli_option_int(c, OPT_LIMIT, 1, INT64_MAX, &limit))
		return EXIT_USAGE;
	if (!cli_connect_to_read(c) || !cli_need(c, kind == LIST_BLOCKED ? SNAP(BLOCKED) : SNAP(ALLOWED), 0))
		return cli_exit_of_err(&c->err);
	l = s.list = c->app.snap.list[kind];
	if (!choose(c, l, &s, &hits))
		return cli_exit_of_err(&c->err);
	memcpy(shown_fields, fields, sizeof(fields));
	place_fields(&c->app, shown_fields);
	out_begin(&o, c->format, shown_fields, false, c->ascii);
	for (; shown < hits.count && (int64_t)shown < limit; shown++)
		print_row(c, &o, l, hits.rows[shown], s.now);
	status = out_end(&o);
	if (shown < hits.count)
		cli_say(c, "showing %zu of %zu", shown, hits.count);
	if (hits.count == 0 && c->format == OUT_TABLE)
		cli_say(c, l->count ? "no entry matches" : kind == LIST_BLOCKED ? "nothing is blocked" : "nothing is allowed");
	status = status ? status : hits.count ? EXIT_DONE : EXIT_NOTHING;
	filter_hits_release(&hits);
	return status;
}

static int run_blocked(struct cli *c)
{
	return print_list(c, LIST_BLOCKED);
}

static int run_allowed(struct cli *c)
{
	return print_list(c, LIST_ALLOWED);
}

const struct verb verb_blocked = {
	.name = "blocked",
	.synopsis = "blocked [FILTER] [--sort COLUMN] [--limit N]",
	.summary = "List blocked addresses and networks.",
	.options = "sort limit",
	.words = "reason: age> age< private covered net: note: state: origin: expires< kind: in:",
	.examples = "stalwarden blocked\nstalwarden blocked 'reason:auth age>7d' --sort -created_at -o json\nstalwarden blocked in:203.0.113.7",
	.learns = true,
	.run = run_blocked,
};

const struct verb verb_allowed = {
	.name = "allowed",
	.synopsis = "allowed [FILTER] [--sort COLUMN] [--limit N]",
	.summary = "List allowed addresses and networks.",
	.options = "sort limit",
	.words = "net: note: state: in:",
	.examples = "stalwarden allowed -o csv",
	.run = run_allowed,
};
