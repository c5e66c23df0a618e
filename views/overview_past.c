/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "views/overview_past.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

#define NEAR_ROWS 4

enum { SPOT_RANGES = 100, SPOT_BANS = 200, SPOT_NEAR = 300 };

#define SEGS      1 /* of 4096 bans, in one step */
#define LAST_BANS 8
#define HOUR_MS   3600000

struct past_job {
	struct app *app;
	struct history_buckets_job *hours; /* then */
	struct history_grouping *ranges;   /* then the last bans, which an index has */
	bool has_hours, has_ranges;
};

static void stop(struct past *s)
{
	if (!s->job)
		return;
	timer_stop(&s->turn);
	history_buckets_end(s->job->hours);
	history_grouping_end(s->job->ranges);
	s->job->app->jobs--;
	free(s->job);
	s->job = NULL;
}

static void forget(struct past *s)
{
	history_rows_free(s->ranges, s->range_count);
	history_bans_free(s->bans, s->ban_count);
	s->ranges = NULL;
	s->bans = NULL;
	s->range_count = s->ban_count = 0;
}

void past_release(struct past *s)
{
	stop(s);
	forget(s);
	near_release(&s->near);
}

void past_near(struct app *a, struct past *s)
{
	near_release(&s->near);
	if (a->store && a->snap.thresholds)
		near_gather(a, NEAR_PERCENT, NEAR_ROWS, &s->near);
}

static void query_of(const struct app *a, struct history_query *q)
{
	history_query_init(q);
	q->server = a->profile.name;
}

static struct history_grouping *begin_ranges(struct app *a)
{
	struct history_query q;

	query_of(a, &q);
	q.since = clock_now() - 7 * 86400000LL;
	q.sort = HISTORY_MOST;
	q.at_least = 2;
	q.limit = 4;
	return history_grouping_begin(a->store, HISTORY_BY_RANGE, &q, NULL);
}

/* True: there is no more to do. */
static bool step(struct past_job *job)
{
	bool is_done = false;

	if (!job->ranges) {
		if (job->hours && history_buckets_step(job->hours, SEGS, &is_done, NULL) && !is_done)
			return false;
		job->has_hours = is_done;
		job->ranges = begin_ranges(job->app);
		return !job->ranges;
	}
	if (history_grouping_step(job->ranges, SEGS, &is_done, NULL) && !is_done)
		return false;
	job->has_ranges = is_done;
	return true;
}

static void finish(struct past *s)
{
	struct app *a = s->job->app;
	struct history_query q;

	forget(s);
	query_of(a, &q);
	q.limit = LAST_BANS;
	history_bans(a->store, &q, &s->bans, &s->ban_count, NULL);
	if (s->job->has_hours)
		history_hours_take(s->job->hours, s->hours);
	if (s->job->has_ranges)
		history_grouping_take(s->job->ranges, &s->ranges, &s->range_count, NULL);
	stop(s);
	view_changed(s->view);
	if (s->is_old)
		past_read(s->view, s);
}

static void on_turn(struct loop *loop, void *arg)
{
	struct past *s = arg;
	int64_t began = clock_mono();
	bool is_done;

	while (!(is_done = step(s->job)) && !app_turn_is_over(began))
		;
	if (is_done)
		finish(s);
	else
		timer_start(loop, &s->turn, 0, &s->view->scope, on_turn, s);
}

void past_read(struct view *v, struct past *s)
{
	struct app *a = app_of(v);
	uint64_t changes = store_changes(a->store);
	int64_t hour = clock_now() / HOUR_MS;

	past_near(a, s);
	if (!a->store || (changes == s->changes && hour == s->hour))
		return;
	s->is_old = s->job != NULL; /* it is brought to its end, or there might never be one */
	if (s->job)
		return;
	s->view = v;
	s->changes = changes;
	s->hour = hour;
	s->job = xcalloc(1, sizeof(*s->job));
	s->job->app = a;
	s->job->hours = history_hours_begin(a->store, a->profile.name, clock_now(), PAST_HOURS, NULL);
	a->jobs++;
	timer_start(a->loop, &s->turn, 0, &v->scope, on_turn, s);
}

void past_hours(const struct past *s, struct page *p, int width)
{
	uint64_t values[PAST_HOURS], sum = 0, most = 0;
	char right[96], all[32], top[32], clock[16] = "";
	struct tm tm;
	time_t hour;
	int at = 0;

	for (int i = 0; i < PAST_HOURS; i++) {
		values[i] = s->hours[i];
		sum += values[i];
		if (values[i] > most)
			most = values[i], at = i;
	}
	hour = (time_t)(clock_now() / 3600000 - (PAST_HOURS - 1 - at)) * 3600;
	if (localtime_r(&hour, &tm))
		strftime(clock, sizeof(clock), "%H:%M", &tm);
	text_grouped(sum, all, sizeof(all));
	snprintf(right, sizeof(right), most ? "%s, most %s at %s" : "%s", all, text_grouped(most, top, sizeof(top)),
		clock);
	page_heading(p, width, "Bans, last 24 h", right);
	page_line(p);
	page_spark(p, ROLE_BAR, values, PAST_HOURS);
	page_line(p);
	page_add(p, ROLE_DIM, "24 h ago%*snow", PAST_HOURS - 11, "");
}

void near_page(const struct near_limit *near, struct page *p, int width, size_t spot)
{
	char net[NET_BUF], words[120];

	for (size_t i = 0; i < near->count; i++) {
		const struct history_near *n = &near->rows[i];

		page_line(p);
		page_spot_begin(p);
		page_addw(p, role_of_reason(reason_of_class(n->class)), 8, class_name(n->class));
		page_addw(p, ROLE_VALUE, width >= 76 ? 34 : 18, near_who(n, net, sizeof(net)));
		page_add(p, n->is_over ? ROLE_BAD : ROLE_WARN, " %s", near_words(n, clock_now(), words, sizeof(words)));
		if (spot)
			page_spot_end(p, ACTION_WHY, spot + i);
	}
	if (near->notice[0])
		page_text(p, ROLE_DIM, 0, width, near->notice);
}

static void near(const struct past *s, struct page *p, int width)
{
	page_blank(p);
	page_heading(p, width, "Near a ban", NULL);
	near_page(&s->near, p, width, SPOT_NEAR);
}

static void ranges(const struct past *s, const struct entrylist *blocked, struct page *p, int width)
{
	char net[NET_BUF];

	if (s->range_count == 0)
		return;
	page_blank(p);
	page_heading(p, width, "Ranges, 7 days", NULL);
	for (size_t i = 0; i < s->range_count; i++) {
		page_line(p);
		page_spot_begin(p);
		page_addw(p, ROLE_VALUE, 22, net_format(&s->ranges[i].net, net, sizeof(net)));
		page_add(p, ROLE_NORMAL, "%6llu bans  %5llu addresses", (unsigned long long)s->ranges[i].bans,
			(unsigned long long)s->ranges[i].addresses);
		if (blocked && entrylist_covering(blocked, &s->ranges[i].net, -1, clock_now()) >= 0)
			page_add(p, ROLE_BAD, "  blocked whole");
		else if (blocked && blocked->index)
			page_add(p, ROLE_DIM, "  %zu blocked",
				netset_inside(blocked->index, &s->ranges[i].net, NULL, 0));
		page_spot_end(p, ACTION_OPEN, SPOT_RANGES + i);
	}
}

static void last_bans(const struct past *s, struct page *p, int width)
{
	char when[64], net[NET_BUF];

	page_blank(p);
	page_heading(p, width, "Last bans", NULL);
	if (s->ban_count == 0)
		page_text(p, ROLE_DIM, 0, width, s->notice[0] ? s->notice : "none in the history yet");
	for (size_t i = 0; i < s->ban_count; i++) {
		const struct history_ban *b = &s->bans[i];

		page_line(p);
		page_spot_begin(p);
		page_addw(p, ROLE_NORMAL, 13, time_words(b->time, clock_now(), when, sizeof(when)));
		page_addw(p, role_of_reason(reason_of_class(b->class)), 8, class_name(b->class));
		page_addw(p, ROLE_VALUE, 18, net_format(&b->address, net, sizeof(net)));
		page_adds(p, ROLE_NORMAL, b->account[0] ? b->account : b->path[0] ? b->path : b->to);
		if (b->listener[0])
			page_add(p, ROLE_DIM, "  %s", b->listener);
		if (b->nth > 1)
			page_add(p, ROLE_WARN, "  time %u", b->nth);
		page_spot_end(p, ACTION_WHY, SPOT_BANS + i);
	}
}

void past_page(const struct past *s, const struct entrylist *blocked, struct page *p, int width)
{
	ranges(s, blocked, p, width);
	if (s->near.count)
		near(s, p, width);
	last_bans(s, p, width);
	if (s->near.count == 0 && s->near.notice[0])
		near(s, p, width);
}

bool past_open(struct console *c, const struct past *s, size_t spot)
{
	char net[NET_BUF], arg[300];

	if (spot >= SPOT_NEAR && spot - SPOT_NEAR < s->near.count) {
		const struct history_near *n = &s->near.rows[spot - SPOT_NEAR];

		snprintf(arg, sizeof(arg), "@%s", n->account);
		if (n->address.family)
			console_open_why(c, net_format(&n->address, net, sizeof(net)));
		else
			ui_push(c->ui, &view_bans, arg);
	} else if (spot >= SPOT_BANS && spot - SPOT_BANS < s->ban_count) {
		console_open_why(c, net_format(&s->bans[spot - SPOT_BANS].address, net, sizeof(net)));
	} else if (spot >= SPOT_RANGES && spot - SPOT_RANGES < s->range_count) {
		console_open_why(c, net_format(&s->ranges[spot - SPOT_RANGES].net, net, sizeof(net)));
	} else {
		return false;
	}
	return true;
}
