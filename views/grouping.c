/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A grouping under way. */
#include "views/grouping.h"

#define SEGS 1 /* of 4096 bans, in one step */

static const struct net *net_of(const void *rows, size_t row)
{
	return &((const struct history_row *)rows)[row].net;
}

static void free_rows(void *rows, size_t count)
{
	history_rows_free(rows, count);
}

static bool begin(struct view *v, struct err *err)
{
	struct group_state *s = v->state;
	struct history_query q;

	history_query_init(&q);
	q.server = app_of(v)->profile.name;
	q.sort = HISTORY_MOST;
	q.limit = 10000;
	q.prefix4 = s->prefix4;
	q.prefix6 = s->prefix6;
	if (app_of(v)->store)
		s->job = history_grouping_begin(app_of(v)->store, s->by, &q, err);
	else
		*err = app_of(v)->store_err;
	return s->job;
}

static bool step(struct view *v, bool *is_done, struct err *err)
{
	return history_grouping_step(((struct group_state *)v->state)->job, SEGS, is_done, err);
}

static void take(struct view *v, struct store_rows *r)
{
	struct history_row *rows;

	history_grouping_take(((struct group_state *)v->state)->job, &rows, &r->count, &r->total);
	r->rows = rows;
	store_rows_rank(r, net_of);
}

static void end(struct view *v)
{
	struct group_state *s = v->state;

	history_grouping_end(s->job);
	s->job = NULL;
}

void grouping_read(struct view *v)
{
	static const struct rows_source source = { begin, step, take, end, free_rows };

	store_rows_begin(v, &source);
}
