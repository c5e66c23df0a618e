/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A grouping under way: one step of the store in each turn of the loop. */
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

static void stop(struct view *v)
{
	struct group_state *s = v->state;

	if (s->job)
		app_of(v)->jobs--;
	timer_stop(&s->turn);
	history_grouping_end(s->job);
	s->job = NULL;
}

static bool take(struct view *v, struct store_rows *r)
{
	struct group_state *s = v->state;
	struct history_row *rows;

	history_grouping_take(s->job, &rows, &r->count, &r->total);
	r->rows = rows;
	store_rows_rank(r, net_of);
	return true;
}

static bool none(struct view *v, struct store_rows *r)
{
	(void)v, (void)r;
	return false;
}

static void fail(struct view *v, const struct err *err)
{
	stop(v);
	store_rows_read(v, none, free_rows);
	store_rows_of(v)->err = *err;
}

static void on_turn(struct loop *loop, void *arg)
{
	struct view *v = arg;
	struct group_state *s = v->state;
	struct err err = ERR_INIT;
	int64_t began = clock_mono();
	bool is_done = false;

	while (err.code == ERR_NONE && !is_done && !app_turn_is_over(began))
		history_grouping_step(s->job, SEGS, &is_done, &err);
	if (err.code != ERR_NONE) {
		fail(v, &err);
	} else if (!is_done) {
		timer_start(loop, &s->turn, 0, &v->scope, on_turn, v);
	} else {
		store_rows_read(v, take, free_rows);
		stop(v);
	}
}

void grouping_read(struct view *v)
{
	struct group_state *s = v->state;
	struct err err = ERR_INIT;
	struct history_query q;

	stop(v);
	history_query_init(&q);
	q.server = app_of(v)->profile.name;
	q.sort = HISTORY_MOST;
	q.limit = 10000;
	q.prefix4 = s->prefix4;
	q.prefix6 = s->prefix6;
	if (!app_of(v)->store) {
		store_rows_read(v, none, free_rows); /* says why there is none */
		return;
	}
	s->job = history_grouping_begin(app_of(v)->store, s->by, &q, &err);
	if (!s->job) {
		fail(v, &err);
		return;
	}
	app_of(v)->jobs++;
	timer_start(app_of(v)->loop, &s->turn, 0, &v->scope, on_turn, v);
	view_redraw(v);
}

void grouping_close(struct view *v)
{
	stop(v);
	store_rows_close(v);
}
