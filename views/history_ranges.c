/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks worth one rule: what each covers, replaces and hits. b blocks one in place of its entries, x writes those shown for a firewall. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "views/export.h"
#include "views/proposing.h"

enum range_column { COL_RANGE, COL_BANS, COL_ADDRESSES, COL_REPLACES, COL_HITS, COL_LAST, COL_NOW, COL_COUNTRY, COL_AS };

static const struct proposal *row_of(const struct view *v, size_t row)
{
	return &((const struct proposal *)store_rows_of(v)->rows)[row];
}

/* A refresh that brought nothing new costs nothing. */
static void changed(void *arg, unsigned snaps)
{
	struct view *v = arg;
	struct ranges_state *s = v->state;
	const struct entrylist *blocked = app_of(v)->snap.list[LIST_BLOCKED], *allowed = app_of(v)->snap.list[LIST_ALLOWED];
	uint64_t now = (blocked ? blocked->body_hash * 31 + blocked->count : 0) + (allowed ? allowed->body_hash * 37 + allowed->count : 0) + 1;

	if (!(snaps & (SNAP(BLOCKED) | SNAP(ALLOWED))) || now == s->seen)
		return;
	s->seen = now;
	proposing_read(v);
}

/* arg: "N" bans at least, "/P" widest prefix; both may be absent. */
static void read_query(struct view *v)
{
	struct ranges_state *s = v->state;
	char *copy = xstrdup(v->arg), *save = NULL;
	int64_t number;

	proposals_query_init(&s->query);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (!words_prefix(word, &s->query.prefix4, &s->query.prefix6) && text_int(word, 2, INT32_MAX, &number))
			s->query.at_least = (uint64_t)number;
	}
	free(copy);
}

static void open_view(struct view *v)
{
	struct ranges_state *s = v->state;

	read_query(v);
	app_observe(app_of(v), &s->observer, &v->scope, changed, v);
	proposing_read(v);
	app_refresh(app_of(v), SNAP(BLOCKED) | SNAP(ALLOWED) | SNAP(TRUST), app_of(v)->profile.refresh_ms);
}

static void refresh(struct view *v)
{
	app_refresh(app_of(v), SNAP(BLOCKED) | SNAP(ALLOWED), 0);
	proposing_read(v);
}

static uint64_t row_id(const struct view *v, size_t row)
{
	return net_hash(&row_of(v, row)->net);
}

static void cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct proposal *p = row_of(v, row);
	char words[80];

	switch ((enum range_column)col) {
	case COL_RANGE:
		cell_set(out, ROLE_VALUE, "%s", net_format(&p->net, words, sizeof(words)));
		break;
	case COL_BANS:
		cell_set(out, ROLE_WARN, "%s", text_grouped(p->bans, words, sizeof(words)));
		break;
	case COL_ADDRESSES:
		cell_set(out, ROLE_NORMAL, "%s", text_grouped(p->addresses, words, sizeof(words)));
		break;
	case COL_REPLACES:
		cell_set(out, ROLE_NORMAL, "%s", text_grouped(p->replaces, words, sizeof(words)));
		break;
	case COL_HITS:
		cell_set(out, p->allowed ? ROLE_BAD : ROLE_DIM, "%s", text_grouped(p->allowed, words, sizeof(words)));
		break;
	case COL_LAST:
		cell_set(out, ROLE_NORMAL, "%s", p->last == TIME_NONE ? ui_glyphs(v->ui)->dash : time_words(p->last, clock_now(), words, sizeof(words)));
		break;
	case COL_NOW:
		cell_set(out, p->is_blocked ? ROLE_GOOD : p->refusal[0] ? ROLE_BAD : ROLE_DIM, "%s",
			p->is_blocked ? "blocked" : p->refusal[0] ? "guarded" : "free");
		break;
	case COL_COUNTRY:
		cell_country(v, &p->net, out);
		break;
	case COL_AS:
		cell_as(v, &p->net, out);
		break;
	}
}

static void sort_key(const struct view *v, size_t row, int col, struct sort_key *out)
{
	const struct proposal *p = row_of(v, row);

	switch ((enum range_column)col) {
	case COL_RANGE:
		out->num = store_rows_of(v)->rank[row];
		break;
	case COL_BANS:
		out->num = (int64_t)p->bans;
		break;
	case COL_ADDRESSES:
		out->num = (int64_t)p->addresses;
		break;
	case COL_REPLACES:
		out->num = (int64_t)p->replaces;
		break;
	case COL_HITS:
		out->num = (int64_t)p->allowed;
		break;
	case COL_LAST:
		out->num = p->last;
		break;
	case COL_NOW:
		out->num = p->is_blocked ? 2 : p->refusal[0] != '\0';
		break;
	case COL_COUNTRY:
		out->num = sort_country(v, &p->net);
		break;
	case COL_AS:
		out->num = sort_as(v, &p->net);
		break;
	}
}

static void names(struct page *out, int width, enum role role, const char *label, const struct entrylist *l, const struct net *n, bool around)
{
	struct buf text = BUF_INIT;
	size_t count;
	uint32_t *rows = proposal_entries(l, n, around, clock_now(), &count);

	if (count) {
		buf_addf(&text, "%s %zu: ", label, count);
		proposal_names(l, rows, count, 200, &text);
		page_text(out, role, 0, width, buf_str(&text));
	}
	buf_release(&text);
	free(rows);
}

static void detail(const struct view *v, size_t row, struct page *out, int width)
{
	const struct proposal *p = row_of(v, row);

	if (p->refusal[0])
		page_text(out, ROLE_BAD, 0, width, p->refusal);
	names(out, width, ROLE_WARN, "would hit allowed entries,", app_of(v)->snap.list[LIST_ALLOWED], &p->net, true);
	names(out, width, ROLE_NORMAL, "replaces blocked entries,", app_of(v)->snap.list[LIST_BLOCKED], &p->net, false);
	if (!p->replaces && !p->allowed)
		page_text(out, ROLE_DIM, 0, width, "no entry of either list lies inside");
}

static void export(struct view *v)
{
	size_t n = view_shown_count(v);
	struct proposal *shown = xmalloc((n ? n : 1) * sizeof(*shown));
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!row_of(v, view_shown_row(v, i))->refusal[0])
			shown[kept++] = *row_of(v, view_shown_row(v, i));
	if (kept)
		export_nets(v, proposals_list(shown, kept), n - kept);
	else
		ui_message(v->ui, ROLE_WARN, n ? "every network shown hits what must not be blocked" : "nothing is shown");
	free(shown);
}

static bool act(struct view *v, enum action a, size_t row)
{
	char net[NET_BUF];

	if (a == ACTION_EXPORT) {
		export(v);
		return true;
	}
	if (row == ROW_NONE)
		return flow_common(console_of(v), a);
	net_format(&row_of(v, row)->net, net, sizeof(net));
	switch (a) {
	case ACTION_OPEN:
		ui_push(v->ui, &view_bans, net);
		return true;
	case ACTION_WHY:
		console_open_why(console_of(v), net);
		return true;
	case ACTION_BLOCK:
	case ACTION_ADD:
		flow_replace(console_of(v), net);
		return true;
	default:
		return flow_common(console_of(v), a);
	}
}

static void status(const struct view *v, struct view_status *out)
{
	const struct ranges_state *s = v->state;
	unsigned at_least = (unsigned)(s->query.at_least ? s->query.at_least : PROPOSALS_AT_LEAST);
	char nothing[160];

	snprintf(nothing, sizeof(nothing), "no network holds %u bans of several addresses; :ranges 2 asks for fewer", at_least);
	store_rows_status(v, out, nothing);
	snprintf(out->note, sizeof(out->note), "worth one rule: the smallest that cover %u bans or more", at_least);
}

static const struct column columns[] = {
	{ .name = "range", .title = "RANGE", .min = 15, .max = 43 },
	{ .name = "bans", .title = "BANS", .min = 5, .max = 8, .right = true, .descending = true },
	{ .name = "addresses", .title = "ADDRESSES", .min = 9, .max = 9, .priority = 3, .right = true, .descending = true },
	{ .name = "replaces", .title = "REPLACES", .min = 8, .max = 9, .priority = 1, .right = true, .descending = true },
	{ .name = "hits", .title = "HITS", .min = 4, .max = 6, .priority = 1, .right = true, .descending = true },
	{ .name = "last", .title = "LAST", .min = 11, .max = 14, .priority = 2, .descending = true },
	{ .name = "now", .title = "NOW", .min = 7, .max = 8, .priority = 1 },
	{ .name = "country", .title = "CC", .min = 2, .max = 2, .priority = 4, .needs = VIEW_HAS_COUNTRY },
	{ .name = "as", .title = "OPERATOR", .min = 8, .max = 0, .priority = 5, .needs = VIEW_HAS_AS },
	{ .name = NULL },
};

static const struct binding keys[] = {
	{ .keys = "<Enter>", .action = ACTION_OPEN, .label = "its bans" },
	{ .keys = "b", .action = ACTION_BLOCK, .label = "block as one", .hint = 8 },
	{ .keys = "x", .action = ACTION_EXPORT, .label = "for the firewall", .hint = 7 },
	{ .keys = "i", .action = ACTION_DETAILS, .label = "entries", .hint = 6 },
	{ .keys = NULL },
};

const struct view_ops view_ranges = {
	.name = "ranges",
	.title = "Ranges",
	.help = "The smallest networks that cover so many bans, from the history and the blocked list. REPLACES: blocked entries inside, HITS: allowed "
		"ones; i names them. b blocks the network in their place; x writes those shown as .nft, .ipset, .iptables or plain. "
		":ranges 10 /20 asks for at least 10 bans in networks up to /20.",
	.flags = VIEW_NO_MARKS,
	.state_size = sizeof(struct ranges_state),
	.columns = columns,
	.bindings = keys,
	.open = open_view,
	.refresh = refresh,
	.close = store_rows_close,
	.count = store_rows_count,
	.row_id = row_id,
	.cell = cell,
	.sort_key = sort_key,
	.status = status,
	.act = act,
	.detail = detail,
};
