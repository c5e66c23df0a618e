/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "views/history_past.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/mem.h"

#define SEGS 1 /* of 4096 bans, in one step */

struct history_past_job {
	struct app *app;
	struct history_buckets_job *buckets; /* then */
	struct history_grouping *ranges;     /* of the busiest day */
	struct history_day day[HISTORY_DAYS];
	size_t days, busiest;
	struct net top;
	struct err err;
};

void history_past_stop(struct history_past *s)
{
	if (!s->job)
		return;
	timer_stop(&s->turn);
	history_buckets_end(s->job->buckets);
	history_grouping_end(s->job->ranges);
	s->job->app->jobs--;
	free(s->job);
	s->job = NULL;
}

static bool begin_ranges(struct history_past_job *job)
{
	struct history_query q;

	history_days_take(job->buckets, job->day);
	for (size_t i = 0; i < job->days; i++)
		if (job->day[i].bans >= job->day[job->busiest].bans)
			job->busiest = i;
	if (job->day[job->busiest].bans < 3)
		return false;
	history_query_init(&q);
	q.server = job->app->profile.name;
	q.since = job->day[job->busiest].day;
	q.until = q.since + 86400000;
	q.sort = HISTORY_MOST;
	q.limit = 1;
	job->ranges = history_grouping_begin(job->app->store, HISTORY_BY_RANGE, &q, NULL);
	return job->ranges;
}

static void take_top(struct history_past_job *job)
{
	struct history_row *rows;
	size_t n;

	history_grouping_take(job->ranges, &rows, &n, NULL);
	if (n && rows[0].bans * 3 >= job->day[job->busiest].bans)
		job->top = rows[0].net;
	history_rows_free(rows, n);
}

/* True: there is no more to do. */
static bool step(struct history_past_job *job)
{
	bool is_done;

	if (!job->ranges) {
		if (!history_buckets_step(job->buckets, SEGS, &is_done, &job->err))
			return true;
		return is_done && !begin_ranges(job);
	}
	if (!history_grouping_step(job->ranges, SEGS, &is_done, NULL))
		return true;
	if (is_done)
		take_top(job);
	return is_done;
}

static void finish(struct history_past *s)
{
	struct history_past_job *job = s->job;

	memcpy(s->day, job->day, sizeof(s->day));
	s->days = job->err.code == ERR_NONE ? job->days : 0;
	s->busiest = job->busiest;
	s->top = job->top;
	s->err = job->err;
	s->size = store_size(job->app->store);
	s->total = 0;
	for (size_t i = 0; i < s->days; i++)
		s->total += s->day[i].bans;
	history_past_stop(s);
	s->done(s->view);
	if (s->is_old)
		history_past_read(s->view, s, s->done);
}

static void on_turn(struct loop *loop, void *arg)
{
	struct history_past *s = arg;
	int64_t began = clock_mono();
	bool is_done;

	while (!(is_done = step(s->job)) && !app_turn_is_over(began))
		;
	if (is_done)
		finish(s);
	else
		timer_start(loop, &s->turn, 0, &s->view->scope, on_turn, s);
}

/* Whole weeks, Monday first, up to today. */
static size_t days_to_show(int64_t now)
{
	time_t t = (time_t)(now / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	return (size_t)(HISTORY_DAYS - 6 + (tm.tm_wday + 6) % 7);
}

void history_past_read(struct view *v, struct history_past *s, void (*done)(struct view *v))
{
	struct app *a = app_of(v);
	struct history_past_job *job;
	struct err err = ERR_INIT;

	s->is_old = s->job != NULL; /* it is brought to its end, or there might never be one */
	if (s->job)
		return;
	job = xcalloc(1, sizeof(*job));
	job->app = a;
	job->days = days_to_show(clock_now());
	if (a->store)
		job->buckets = history_days_begin(a->store, a->profile.name, clock_now(), job->days, &err);
	if (!job->buckets) {
		free(job);
		s->err = a->store ? err : a->store_err;
		s->days = 0;
		view_changed(v);
		return;
	}
	s->view = v;
	s->done = done;
	s->job = job;
	a->jobs++;
	timer_start(a->loop, &s->turn, 0, &v->scope, on_turn, s);
}
