/* SPDX-License-Identifier: GPL-3.0-or-later */
/* History grouped by address, range, reason or account; a range can be blocked as one network. Enter drills down to the bans. */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "views/grouping.h"

enum group_column { COL_KEY, COL_BANS, COL_ADDRESSES, COL_FIRST, COL_LAST, COL_NOW, COL_COUNTRY, COL_AS };

static const struct history_row *row_of(const struct view *v, size_t row)
{
	return &((const struct history_row *)store_rows_of(v)->rows)[row];
}

static const struct net *net_of(const void *rows, size_t row)
{
	return &((const struct history_row *)rows)[row].net;
}

static void open_view(struct view *v)
{
	struct group_state *s = v->state;
	char by[16];

	snprintf(by, sizeof(by), "%.*s", (int)strcspn(v->arg, " "), v->arg);
	if (!history_by_parse(by, &s->by))
		s->by = HISTORY_BY_ADDRESS;
	words_prefix(v->arg + strcspn(v->arg, "/"), &s->prefix4, &s->prefix6);
	grouping_read(v);
}

static uint64_t row_id(const struct view *v, size_t row)
{
	const struct history_row *r = row_of(v, row);
	uint64_t h = net_hash(&r->net) ^ (uint64_t)r->class;

	for (const char *p = r->account ? r->account : ""; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ull;
	return h;
}

static const char *key_of(const struct view *v, size_t row, char *out, size_t size)
{
	const struct history_row *r = row_of(v, row);

	switch (((const struct group_state *)v->state)->by) {
	case HISTORY_BY_ADDRESS:
	case HISTORY_BY_RANGE:
		return net_format(&r->net, out, size);
	case HISTORY_BY_REASON:
		return class_name(r->class);
	case HISTORY_BY_ACCOUNT:
		return r->account && r->account[0] ? r->account : "(none named)";
	case HISTORY_BY_DAY:
	case HISTORY_BY_COUNT:
		break;
	}
	return "";
}

/* Is it refused right now? */
static void now_cell(const struct view *v, size_t row, struct cell *out)
{
	const struct entrylist *l = app_of(v)->snap.list[LIST_BLOCKED];
	const struct history_row *r = row_of(v, row);
	size_t inside;

	if (!l || !r->net.family) {
		cell_set(out, ROLE_DIM, "%s", ui_glyphs(v->ui)->dash);
		return;
	}
	if (entrylist_covering(l, &r->net, -1, clock_now()) >= 0) {
		cell_set(out, ROLE_BAD, "blocked");
		return;
	}
	inside = net_is_address(&r->net) ? 0 : netset_inside(l->index, &r->net, NULL, 0);
	if (inside)
		cell_set(out, ROLE_WARN, "%zu blocked", inside);
	else
		cell_set(out, ROLE_DIM, "free");
}

static void cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct history_row *r = row_of(v, row);
	char words[80];

	switch ((enum group_column)col) {
	case COL_KEY:
		cell_set(out, ROLE_VALUE, "%s", key_of(v, row, words, sizeof(words)));
		break;
	case COL_BANS:
		cell_set(out, r->bans > 2 ? ROLE_WARN : ROLE_NORMAL, "%s", text_grouped(r->bans, words, sizeof(words)));
		break;
	case COL_ADDRESSES:
		cell_set(out, ROLE_NORMAL, "%s", text_grouped(r->addresses, words, sizeof(words)));
		break;
	case COL_FIRST:
		cell_set(out, ROLE_NORMAL, "%s", time_words(r->first, clock_now(), words, sizeof(words)));
		break;
	case COL_LAST:
		cell_set(out, ROLE_NORMAL, "%s", time_words(r->last, clock_now(), words, sizeof(words)));
		break;
	case COL_NOW:
		now_cell(v, row, out);
		break;
	case COL_COUNTRY:
		cell_country(v, &r->net, out);
		break;
	case COL_AS:
		cell_as(v, &r->net, out);
		break;
	}
}

static void sort_key(const struct view *v, size_t row, int col, struct sort_key *out)
{
	const struct history_row *r = row_of(v, row);

	switch ((enum group_column)col) {
	case COL_KEY:
		if (r->net.family)
			out->num = store_rows_of(v)->rank[row];
		else
			out->text = r->account && r->account[0] ? r->account : class_name(r->class);
		break;
	case COL_BANS:
		out->num = (int64_t)r->bans;
		break;
	case COL_ADDRESSES:
		out->num = (int64_t)r->addresses;
		break;
	case COL_FIRST:
		out->num = r->first;
		break;
	case COL_LAST:
	case COL_NOW:
		out->num = r->last;
		break;
	case COL_COUNTRY:
		out->num = sort_country(v, &r->net);
		break;
	case COL_AS:
		out->num = sort_as(v, &r->net);
		break;
	}
}

static void detail(const struct view *v, size_t row, struct page *p, int width)
{
	const struct history_row *r = row_of(v, row);
	uint64_t most = 1;

	for (int c = 0; c < CLASS_COUNT; c++)
		most = r->by_class[c] > most ? r->by_class[c] : most;
	for (int c = 0; c < CLASS_COUNT; c++)
		page_bar(p, 8, class_name((enum ban_class)c), role_of_reason(reason_of_class((enum ban_class)c)), r->by_class[c], most,
			width > 60 ? 40 : width - 20);
}

static bool regroup(struct view *v, enum history_by by)
{
	((struct group_state *)v->state)->by = by;
	grouping_read(v);
	return true;
}

/* What a range would replace and hit is said by the plan's preview. */
static void block(struct view *v, size_t row)
{
	const struct net *n = &row_of(v, row)->net;
	char net[NET_BUF];

	if (n->family)
		(net_is_address(n) ? flow_block : flow_replace)(console_of(v), net_format(n, net, sizeof(net)));
}

static bool act(struct view *v, enum action a, size_t row)
{
	const struct group_state *s = v->state;
	char key[128], arg[160];
	enum history_by by;

	switch (a) {
	case ACTION_GROUP:
		if (s->by == HISTORY_BY_ACCOUNT) {
			ui_pop(v->ui);
			return true;
		}
		return regroup(v, (enum history_by)(s->by + 1));
	case ACTION_GROUP_DAY:
		ui_pop(v->ui);
		return true;
	case ACTION_OPEN:
		snprintf(arg, sizeof(arg), "%s%s", s->by == HISTORY_BY_ACCOUNT ? "@" : "", key_of(v, row, key, sizeof(key)));
		ui_push(v->ui, &view_bans, arg);
		return true;
	case ACTION_WHY:
		if (row_of(v, row)->net.family)
			console_open_why(console_of(v), key_of(v, row, key, sizeof(key)));
		return true;
	case ACTION_BLOCK:
	case ACTION_ADD:
		if (row != ROW_NONE)
			block(v, row);
		return true;
	case ACTION_RANGES:
		ui_push(v->ui, &view_ranges, NULL);
		return true;
	case ACTION_EXPORT:
		store_rows_export(v, net_of);
		return true;
	default:
		return history_by_parse(history_grouping(a), &by) ? regroup(v, by) : flow_common(console_of(v), a);
	}
}

static void status(const struct view *v, struct view_status *out)
{
	const struct group_state *s = v->state;

	snprintf(out->title, sizeof(out->title), "History");
	snprintf(out->note, sizeof(out->note), "by %s", history_by_text(s->by));
	if (s->by == HISTORY_BY_RANGE && (s->prefix4 || s->prefix6))
		snprintf(out->note, sizeof(out->note), "by range, /%u and /%u", s->prefix4 ? s->prefix4 : 24, s->prefix6 ? s->prefix6 : 48);
	store_rows_status(v, out, "no ban in the history yet");
}

static const struct column columns[] = {
	{ .name = "key", .title = "WHAT", .min = 15, .max = 43 },
	{ .name = "bans", .title = "BANS", .min = 5, .max = 8, .right = true, .descending = true },
	{ .name = "addresses", .title = "ADDRESSES", .min = 9, .max = 9, .priority = 3, .right = true, .descending = true },
	{ .name = "first", .title = "FIRST", .min = 11, .max = 14, .priority = 2, .descending = true },
	{ .name = "last", .title = "LAST", .min = 11, .max = 14, .priority = 1, .descending = true },
	{ .name = "now", .title = "NOW", .min = 7, .max = 12, .priority = 1 },
	{ .name = "country", .title = "CC", .min = 2, .max = 2, .priority = 4, .needs = VIEW_HAS_COUNTRY },
	{ .name = "as", .title = "OPERATOR", .min = 8, .max = 0, .priority = 5, .needs = VIEW_HAS_AS },
	{ .name = NULL },
};

static const struct binding keys[] = {
	{ .keys = "g", .action = ACTION_GROUP, .label = "group", .hint = 8 },
	{ .keys = "<Enter>", .action = ACTION_OPEN, .label = "its bans" },
	{ .keys = "b", .action = ACTION_BLOCK, .label = "block", .hint = 6 },
	{ .keys = "P", .action = ACTION_RANGES, .label = "worth a rule", .hint = 5 },
	{ .keys = NULL },
};

const struct view_ops view_groups = {
	.name = "groups",
	.title = "History",
	.help = "Bans grouped by address, range, reason or account: g goes on to the next, :by range /20 takes other "
		"ranges than /24 and /48. b blocks the address or the range as one network, P proposes networks "
		"worth one rule, x writes addresses or ranges for a firewall.",
	.flags = VIEW_NO_MARKS,
	.state_size = sizeof(struct group_state),
	.columns = columns,
	.bindings = keys,
	.open = open_view,
	.refresh = grouping_read,
	.close = store_rows_close,
	.count = store_rows_count,
	.row_id = row_id,
	.cell = cell,
	.sort_key = sort_key,
	.detail = detail,
	.status = status,
	.act = act,
};
