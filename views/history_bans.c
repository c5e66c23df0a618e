/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single bans of a day, an address, a range, a class or an account: where drilling down ends. */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "views/rows.h"

enum ban_column { COL_TIME, COL_CLASS, COL_ADDRESS, COL_NTH, COL_WHAT, COL_LISTENER, COL_ENDED, COL_COUNTRY, COL_AS };

#define SEGS 1 /* of 4096 bans, in one step */

struct bans_state {
	struct store_rows rows;       /* of struct history_ban */
	struct history_bans_job *job; /* being made */
};

/* arg: an address or network, YYYY-MM-DD, a class, or "@account". */
static void query_of(const struct view *v, struct history_query *q)
{
	const char *arg = v->arg;

	history_query_init(q);
	q->server = app_of(v)->profile.name;
	q->limit = 10000;
	if (arg[0] == '@')
		q->account = strcmp(arg, "@(none named)") ? arg + 1 : "";
	else if (class_parse(arg, &q->class))
		return;
	else if (strlen(arg) == 10 && arg[4] == '-' && time_parse(arg, clock_now(), &q->since))
		q->until = q->since + 86400000;
	else
		net_parse(arg, strlen(arg), &q->within, NULL);
}

STORE_ROWS(struct history_ban, history_bans_free)

static const struct net *net_of(const void *rows, size_t row)
{
	return &((const struct history_ban *)rows)[row].address;
}

static bool begin(struct view *v, struct err *err)
{
	struct bans_state *s = v->state;
	struct history_query q;

	query_of(v, &q);
	if (app_of(v)->store)
		s->job = history_bans_begin(app_of(v)->store, &q, err);
	else
		*err = app_of(v)->store_err;
	return s->job;
}

static bool step(struct view *v, bool *is_done, struct err *err)
{
	return history_bans_step(((struct bans_state *)v->state)->job, SEGS, is_done, err);
}

static void take(struct view *v, struct store_rows *r)
{
	struct history_ban *rows;

	history_bans_take(((struct bans_state *)v->state)->job, &rows, &r->count);
	r->rows = rows;
	store_rows_rank(r, net_of);
}

static void end(struct view *v)
{
	struct bans_state *s = v->state;

	history_bans_end(s->job);
	s->job = NULL;
}

static void read_rows(struct view *v)
{
	static const struct rows_source source = { begin, step, take, end, free_rows };

	store_rows_begin(v, &source);
}

static uint64_t row_id(const struct view *v, size_t row)
{
	return (uint64_t)row_of(v, row)->id;
}

static void cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct history_ban *b = row_of(v, row);
	char words[64];

	switch ((enum ban_column)col) {
	case COL_TIME:
		cell_set(out, ROLE_NORMAL, "%s", words_time_of_day(b->time, clock_now(), words, sizeof(words)));
		break;
	case COL_CLASS:
		cell_ref(out, role_of_reason(reason_of_class(b->class)), class_name(b->class));
		break;
	case COL_ADDRESS:
		cell_set(out, ROLE_VALUE, "%s", net_format(&b->address, words, sizeof(words)));
		break;
	case COL_NTH:
		cell_set(out, b->nth > 2 ? ROLE_WARN : ROLE_NORMAL, "%u", b->nth);
		break;
	case COL_WHAT:
		cell_ref(out, ROLE_NORMAL, b->account[0] ? b->account : b->path[0] ? b->path : b->to);
		break;
	case COL_LISTENER:
		cell_ref(out, ROLE_DIM, b->listener);
		break;
	case COL_ENDED:
		cell_set(out, ROLE_DIM, "%s",
			b->ended == TIME_NONE ? "" : time_words(b->ended, clock_now(), words, sizeof(words)));
		break;
	case COL_COUNTRY:
		cell_country(v, &b->address, out);
		break;
	case COL_AS:
		cell_as(v, &b->address, out);
		break;
	}
}

static void sort_key(const struct view *v, size_t row, int col, struct sort_key *out)
{
	const struct history_ban *b = row_of(v, row);

	switch ((enum ban_column)col) {
	case COL_TIME:
		out->num = b->time;
		break;
	case COL_CLASS:
		out->num = b->class;
		break;
	case COL_ADDRESS:
		out->num = store_rows_of(v)->rank[row];
		break;
	case COL_NTH:
		out->num = b->nth;
		break;
	case COL_WHAT:
		out->text = b->account[0] ? b->account : b->path[0] ? b->path : b->to;
		break;
	case COL_LISTENER:
		out->text = b->listener;
		break;
	case COL_ENDED:
		out->num = b->ended;
		break;
	case COL_COUNTRY:
		out->num = sort_country(v, &b->address);
		break;
	case COL_AS:
		out->num = sort_as(v, &b->address);
		break;
	}
}

static bool act(struct view *v, enum action a, size_t row)
{
	char net[NET_BUF];

	if (row != ROW_NONE && (a == ACTION_OPEN || a == ACTION_WHY)) {
		console_open_why(console_of(v), net_format(&row_of(v, row)->address, net, sizeof(net)));
		return true;
	}
	if (row != ROW_NONE && a == ACTION_BLOCK) {
		flow_block(console_of(v), net_format(&row_of(v, row)->address, net, sizeof(net)));
		return true;
	}
	if (a == ACTION_EXPORT) {
		store_rows_export(v, net_of);
		return true;
	}
	return flow_common(console_of(v), a);
}

static void status(const struct view *v, struct view_status *out)
{
	snprintf(out->title, sizeof(out->title), "Bans %.120s", v->arg[0] == '@' ? v->arg + 1 : v->arg);
	store_rows_status(v, out, "none");
}

static const struct column columns[] = {
	{ .name = "time", .title = "TIME", .min = 8, .max = 15, .descending = true },
	{ .name = "class", .title = "CLASS", .min = 6, .max = 7 },
	{ .name = "address", .title = "ADDRESS", .min = 15, .max = 39 },
	{ .name = "nth", .title = "TIMES", .min = 5, .max = 6, .priority = 3, .right = true, .descending = true },
	{ .name = "what", .title = "ACCOUNT OR PATH", .min = 12, .max = 0, .priority = 1 },
	{ .name = "listener", .title = "LISTENER", .min = 6, .max = 12, .priority = 4 },
	{ .name = "ended", .title = "ENDED", .min = 8, .max = 14, .priority = 5 },
	{ .name = "country", .title = "CC", .min = 2, .max = 2, .priority = 6, .needs = VIEW_HAS_COUNTRY },
	{ .name = "as", .title = "OPERATOR", .min = 8, .max = 28, .priority = 7, .needs = VIEW_HAS_AS },
	{ .name = NULL },
};

static const struct binding keys[] = {
	{ .keys = "<Enter>", .action = ACTION_OPEN, .label = "why" },
	{ .keys = NULL },
};

const struct view_ops view_bans = {
	.name = "bans",
	.title = "Bans",
	.help = "Single bans, newest first. Enter tells everything known about the address.",
	.flags = VIEW_NO_MARKS,
	.state_size = sizeof(struct bans_state),
	.columns = columns,
	.bindings = keys,
	.open = read_rows,
	.refresh = read_rows,
	.close = store_rows_close,
	.count = store_rows_count,
	.row_id = row_id,
	.cell = cell,
	.sort_key = sort_key,
	.status = status,
	.act = act,
};
