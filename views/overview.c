/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The overview: counts by reason, bans by hour, thresholds in words, offending ranges, the last bans, what is not permitted. Alarms stand above,
 * as on every panel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/sync.h"
#include "core/clock.h"
#include "core/text.h"
#include "views/views.h"

#define HOURS 24
#define SYNC_MS 30000

struct overview_state {
	struct observer observer;
	struct sync *sync;
	struct timer timer;
	uint32_t hours[HOURS];
	struct history_row *ranges;
	size_t range_count;
	struct history_ban *bans;
	size_t ban_count;
	char notice[320];      /* why the history is empty */
};

/* ---- life ---- */

static void read_store(struct view *v)
{
	struct overview_state *s = v->state;
	struct app *a = app_of(v);
	struct history_query q;

	history_rows_free(s->ranges, s->range_count);
	history_bans_free(s->bans, s->ban_count);
	s->ranges = NULL;
	s->bans = NULL;
	s->range_count = s->ban_count = 0;
	if (!a->store)
		return;
	history_hours(a->store, a->profile.name, clock_now(), s->hours, HOURS, NULL);
	history_query_init(&q);
	q.server = a->profile.name;
	q.limit = 8;
	history_bans(a->store, &q, &s->bans, &s->ban_count, NULL);
	q.since = clock_now() - 7 * 86400000LL;
	q.sort = HISTORY_MOST;
	q.at_least = 2;
	q.limit = 4;
	history_group(a->store, HISTORY_BY_RANGE, &q, &s->ranges, &s->range_count, NULL, NULL);
}

static void synced(void *arg, const struct sync_result *r)
{
	struct view *v = arg;
	struct overview_state *s = v->state;

	s->sync = NULL;
	app_learn_again(app_of(v));
	snprintf(s->notice, sizeof(s->notice), "%.300s", r->err.code != ERR_NONE ? r->err.msg : r->notice);
	read_store(v);
	view_changed(v);
}

static void read_log(struct loop *loop, void *arg)
{
	struct view *v = arg;
	struct overview_state *s = v->state;

	if (!s->sync && v->visible && !v->paused && session_state(app_of(v)->session) != SESSION_DETECTING)
		s->sync = sync_begin(app_of(v), false, synced, v);
	timer_start(loop, &s->timer, SYNC_MS, &v->scope, read_log, v);
}

static void changed(void *arg, unsigned snaps)
{
	struct view *v = arg;
	struct overview_state *s = v->state;

	if (snaps == 0 && session_state(app_of(v)->session) == SESSION_READY) {
		app_refresh(app_of(v), SNAP(THRESHOLDS), 60000);
		if (!s->sync)
			timer_start(app_of(v)->loop, &s->timer, 0, &v->scope, read_log, v);
	}
	view_changed(v);
}

static void open_view(struct view *v)
{
	struct overview_state *s = v->state;

	app_observe(app_of(v), &s->observer, &v->scope, changed, v);
	read_store(v);
	view_changed(v);
}

static void refresh(struct view *v)
{
	app_refresh(app_of(v), SNAP(BLOCKED), 0);
	app_refresh(app_of(v), SNAP(ALLOWED) | SNAP(THRESHOLDS) | SNAP(TRUST), 60000);
}

static void close_view(struct view *v)
{
	struct overview_state *s = v->state;

	sync_cancel(s->sync);
	history_rows_free(s->ranges, s->range_count);
	history_bans_free(s->bans, s->ban_count);
}

/* ---- parts of the page ---- */

static void reasons(const struct view *v, struct page *p, int width)
{
	const struct entrylist *l = app_of(v)->snap.list[LIST_BLOCKED];
	size_t by[REASON_COUNT] = { 0 }, most = 0;
	char total[32];

	page_heading(p, width, "Blocked by reason", l ? text_grouped(l->count, total, sizeof(total)) : "–");
	for (size_t i = 0; l && i < l->count; i++)
		by[l->rows[i].reason]++;
	for (int r = 0; r < REASON_COUNT; r++)
		most = by[r] > most ? by[r] : most;
	for (int r = REASON_AUTH; r < REASON_COUNT; r++)
		if (by[r] || r <= REASON_SCAN)
			page_bar(p, 8, reason_text((enum reason)r), role_of_reason((enum reason)r), by[r], most, width - 18);
	if (by[REASON_NONE])
		page_bar(p, 8, "unknown", ROLE_DIM, by[REASON_NONE], most, width - 18);
}

static void hours(const struct view *v, struct page *p, int width)
{
	const struct overview_state *s = v->state;
	uint64_t values[HOURS], sum = 0, most = 0;
	char right[64];
	int at = 0;
	int64_t hour;

	for (int i = 0; i < HOURS; i++) {
		values[i] = s->hours[i];
		sum += values[i];
		if (values[i] > most)
			most = values[i], at = i;
	}
	hour = (clock_now() / 3600000 - (HOURS - 1 - at)) % 24;
	snprintf(right, sizeof(right), most ? "%llu, most %llu at %02lld:00Z" : "%llu", (unsigned long long)sum, (unsigned long long)most, (long long)hour);
	page_heading(p, width, "Bans, last 24 h", right);
	page_line(p);
	page_spark(p, ROLE_BAR, values, HOURS);
	page_line(p);
	page_add(p, ROLE_DIM, "24 h ago%*snow", HOURS - 11, "");
}

static void thresholds(const struct view *v, struct page *p, int width)
{
	const struct thresholds *t = app_of(v)->snap.thresholds;
	char rate[64];

	page_heading(p, width, "Thresholds", NULL);
	for (int c = 0; t && c < CLASS_COUNT; c++) {
		const struct threshold *r = &t->of[c];

		if (!r->supported)
			continue;
		page_line(p);
		page_spot_begin(p);
		page_addw(p, role_of_reason(reason_of_class((enum ban_class)c)), 8, class_name((enum ban_class)c));
		page_addw(p, r->malformed ? ROLE_BAD : r->enabled ? ROLE_VALUE : ROLE_WARN, 12,
			r->malformed ? r->raw : r->enabled ? rate_format(r, rate, sizeof(rate)) : "off");
		page_add(p, ROLE_DIM, "%s", r->stored ? "stored" : "default");
		page_spot_end(p, ACTION_OPEN, 1);
	}
}

static void ranges(const struct view *v, struct page *p, int width)
{
	const struct overview_state *s = v->state;
	char net[NET_BUF];

	if (s->range_count == 0)
		return;
	page_blank(p);
	page_heading(p, width, "Ranges, 7 days", NULL);
	for (size_t i = 0; i < s->range_count; i++) {
		page_line(p);
		page_spot_begin(p);
		page_addw(p, ROLE_VALUE, 22, net_format(&s->ranges[i].net, net, sizeof(net)));
		page_add(p, ROLE_NORMAL, "%6llu bans  %5llu addresses", (unsigned long long)s->ranges[i].bans, (unsigned long long)s->ranges[i].addresses);
		page_spot_end(p, ACTION_OPEN, 100 + i);
	}
}

static void last_bans(const struct view *v, struct page *p, int width)
{
	const struct overview_state *s = v->state;
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
		page_spot_end(p, ACTION_WHY, 200 + i);
	}
}

static void gaps(const struct view *v, struct page *p, int width)
{
	const struct server_info *s = session_server(app_of(v)->session);
	bool headed = false;

	for (int i = 0; i < CAP_BIT_COUNT; i++) {
		if (s->caps[i] != CAP_NO_PERMISSION && s->caps[i] != CAP_NO_READ_ONLY)
			continue;
		if (!headed) {
			page_blank(p);
			page_heading(p, width, "Not permitted", NULL);
			headed = true;
		}
		page_text(p, ROLE_WARN, 2, width, server_lacks(s, 1u << i));
	}
}

static void page(struct view *v, struct page *p, int width)
{
	struct page left, right;
	int half = width >= 76 ? (width - 3) / 2 : width;

	page_init(&left, p->glyphs);
	page_init(&right, p->glyphs);
	reasons(v, &left, half);
	hours(v, &right, width >= 76 ? width - half - 3 : width);
	page_blank(&right);
	thresholds(v, &right, width >= 76 ? width - half - 3 : width);
	if (width >= 76) {
		page_columns(p, &left, half, 3, &right);
	} else {
		page_append(p, &left, 0);
		page_blank(p);
		page_append(p, &right, 0);
	}
	page_release(&left);
	page_release(&right);
	ranges(v, p, width);
	last_bans(v, p, width);
	gaps(v, p, width);
}

static void status(const struct view *v, struct view_status *out)
{
	status_of_snap(v, SNAP_BIT_BLOCKED, out, 1, "");
}

static bool act(struct view *v, enum action a, size_t row)
{
	const struct overview_state *s = v->state;
	char net[NET_BUF];

	if ((a == ACTION_OPEN || a == ACTION_WHY) && row != ROW_NONE) {
		if (row == 1)
			ui_go(v->ui, &view_thresholds);
		else if (row >= 200 && row - 200 < s->ban_count)
			console_open_why(console_of(v), net_format(&s->bans[row - 200].address, net, sizeof(net)));
		else if (row >= 100 && row - 100 < s->range_count)
			console_open_why(console_of(v), net_format(&s->ranges[row - 100].net, net, sizeof(net)));
		return true;
	}
	return flow_common(console_of(v), a);
}

static const struct binding keys[] = {
	{ .keys = "b", .action = ACTION_BLOCK, .label = "block", .hint = 8 },
	{ .keys = "R", .action = ACTION_RELOAD, .label = "reload server", .hint = 5 },
	{ .keys = NULL },
};

const struct view_ops view_overview = {
	.name = "overview",
	.title = "Overview",
	.brief = "Over",
	.help = "What needs you now, and how things stand. Enter on a line goes to it; Enter or ! on an alarm goes to its cure.",
	.flags = VIEW_POLL,
	.state_size = sizeof(struct overview_state),
	.bindings = keys,
	.open = open_view,
	.refresh = refresh,
	.close = close_view,
	.page = page,
	.status = status,
	.act = act,
};
