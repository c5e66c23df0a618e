/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history panel by day: a calendar heat map of twelve weeks and bars by class. `g` goes on to the groupings (history_groups.c). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/sync.h"
#include "core/clock.h"
#include "core/text.h"
#include "tui/chart.h"
#include "views/views.h"

#define WEEKS 12
#define DAYS (WEEKS * 7)

struct history_state {
	struct history_day day[DAYS];
	size_t days;             /* filled: the last is today */
	uint64_t total;
	size_t busiest;          /* row of the day with the most bans */
	struct net top;          /* the range it was; family 0 = none stands out */
	struct sync *sync;
	struct err err;
	char notice[320];
	int64_t size;
};

static void find_busiest(struct app *a, struct history_state *s)
{
	struct history_query q;
	struct history_row *rows;
	size_t n;

	s->busiest = 0;
	s->top.family = 0;
	for (size_t i = 0; i < s->days; i++)
		if (s->day[i].bans >= s->day[s->busiest].bans)
			s->busiest = i;
	history_query_init(&q);
	q.server = a->profile.name;
	q.since = s->day[s->busiest].day;
	q.until = q.since + 86400000;
	q.sort = HISTORY_MOST;
	q.limit = 1;
	if (s->day[s->busiest].bans < 3 || !history_group(a->store, HISTORY_BY_RANGE, &q, &rows, &n, NULL, NULL))
		return;
	if (n && rows[0].bans * 3 >= s->day[s->busiest].bans)
		s->top = rows[0].net;
	history_rows_free(rows, n);
}

static void read_store(struct view *v)
{
	struct history_state *s = v->state;
	struct app *a = app_of(v);
	struct tm tm;
	time_t now = (time_t)(clock_now() / 1000);

	err_clear(&s->err);
	s->total = 0;
	if (!a->store) {
		s->err = a->store_err;
		view_changed(v);
		return;
	}
	gmtime_r(&now, &tm);
	s->days = (size_t)(DAYS - 6 + (tm.tm_wday + 6) % 7); /* whole weeks, Monday first, up to today */
	if (history_days(a->store, a->profile.name, clock_now(), s->day, s->days, &s->err))
		for (size_t i = 0; i < s->days; i++)
			s->total += s->day[i].bans;
	find_busiest(a, s);
	s->size = store_size(a->store);
	view_changed(v);
}

static void synced(void *arg, const struct sync_result *r)
{
	struct view *v = arg;
	struct history_state *s = v->state;

	s->sync = NULL;
	app_learn_again(app_of(v));
	snprintf(s->notice, sizeof(s->notice), "%.300s", r->err.code != ERR_NONE ? r->err.msg : r->notice);
	read_store(v);
}

static void refresh(struct view *v)
{
	struct history_state *s = v->state;

	if (!s->sync)
		s->sync = sync_begin(app_of(v), false, synced, v);
}

static void open_view(struct view *v)
{
	struct history_state *s = v->state;

	read_store(v);
	if (s->days)
		view_select_id(v, s->days); /* today */
	refresh(v);
}

static void close_view(struct view *v)
{
	struct history_state *s = v->state;

	sync_cancel(s->sync);
}

/* ---- the page ---- */

/* The next week belongs to another month: its label needs the room. */
static bool month_ends(const struct history_state *s, size_t week)
{
	time_t a = (time_t)(s->day[week * 7].day / 1000), b;
	struct tm x, y;

	if ((week + 1) * 7 >= s->days)
		return false;
	b = (time_t)(s->day[(week + 1) * 7].day / 1000);
	gmtime_r(&a, &x);
	gmtime_r(&b, &y);
	return x.tm_mon != y.tm_mon;
}

static void months_line(const struct history_state *s, struct page *p)
{
	char name[16];
	int last = -1;

	page_line(p);
	page_add(p, ROLE_LABEL, "    ");
	for (size_t week = 0; week * 7 < s->days; week++) {
		time_t t = (time_t)(s->day[week * 7].day / 1000);
		struct tm tm;

		gmtime_r(&t, &tm);
		page_to(p, 4 + (int)week * 3);
		if (tm.tm_mon != last && page_col(p) == 4 + (int)week * 3 && !month_ends(s, week)) {
			strftime(name, sizeof(name), "%b", &tm);
			page_add(p, ROLE_LABEL, "%s", name);
			last = tm.tm_mon;
		}
	}
}

static void heat_map(const struct history_state *s, struct page *p)
{
	static const char *const weekday[] = { "Mo", "Tu", "We", "Th", "Fr", "Sa", "Su" };
	uint64_t most = 0;

	for (size_t i = 0; i < s->days; i++)
		most = s->day[i].bans > most ? s->day[i].bans : most;
	months_line(s, p);
	for (size_t d = 0; d < 7; d++) {
		page_line(p);
		page_add(p, ROLE_LABEL, "%s  ", weekday[d]);
		for (size_t i = d; i < s->days; i += 7) {
			int level = chart_heat_level(s->day[i].bans, most);

			page_spot_begin(p);
			page_add(p, (enum role)(ROLE_HEAT_0 + level), "%s", p->glyphs->heat[level]);
			page_spot_end(p, ACTION_OPEN, (uint64_t)i + 1);
			page_add(p, ROLE_NORMAL, "  ");
		}
	}
}

static void classes(const struct history_state *s, struct page *p, int width)
{
	uint64_t by[CLASS_COUNT] = { 0 }, most = 0;
	char total[32];

	for (size_t i = 0; i < s->days; i++)
		for (int c = 0; c < CLASS_COUNT; c++)
			by[c] += s->day[i].by_class[c];
	for (int c = 0; c < CLASS_COUNT; c++)
		most = by[c] > most ? by[c] : most;
	page_heading(p, width, "Twelve weeks", text_grouped(s->total, total, sizeof(total)));
	for (int c = 0; c < CLASS_COUNT; c++)
		page_bar(p, 8, class_name((enum ban_class)c), role_of_reason(reason_of_class((enum ban_class)c)), by[c], most, width - 18);
}

static void busiest(const struct history_state *s, struct page *p)
{
	const struct history_day *d = &s->day[s->busiest];
	char day[TIME_BUF], net[NET_BUF];

	if (s->total == 0)
		return;
	page_blank(p), page_line(p), page_spot_begin(p);
	time_format(d->day, day, sizeof(day));
	page_add(p, ROLE_NORMAL, "%s most on %.10s: %u ban%s, %u address%s", p->glyphs->arrow, day, d->bans, d->bans == 1 ? "" : "s", d->addresses,
		d->addresses == 1 ? "" : "es");
	if (s->top.family)
		page_add(p, ROLE_NORMAL, ", %s above all", net_format(&s->top, net, sizeof(net)));
	page_spot_end(p, ACTION_OPEN, (uint64_t)s->busiest + 1);
}

static void page(struct view *v, struct page *p, int width)
{
	const struct history_state *s = v->state;
	struct page left, right;

	if (s->days == 0)
		return;
	page_init(&left, p->glyphs);
	page_init(&right, p->glyphs);
	heat_map(s, &left);
	classes(s, &right, width >= 76 ? width - 46 : width);
	if (width >= 76) {
		page_columns(p, &left, 43, 3, &right);
	} else {
		page_append(p, &left, 0);
		page_blank(p);
		page_append(p, &right, 0);
	}
	page_release(&left);
	page_release(&right);
	busiest(s, p);
	if (s->total == 0)
		page_text(p, ROLE_DIM, 0, width, s->notice[0] ? s->notice : "no ban in the history yet; `stalwarden sync` or an open console fills it");
}

static void status(const struct view *v, struct view_status *out)
{
	const struct history_state *s = v->state;

	snprintf(out->note, sizeof(out->note), "by day");
	snprintf(out->right, sizeof(out->right), "store %.1f MB%s", (double)s->size / 1e6, s->sync ? ", reading the log" : "");
	if (s->err.code != ERR_NONE)
		snprintf(out->empty, sizeof(out->empty), "%.300s", s->err.msg);
}

const char *history_grouping(enum action a)
{
	switch ((int)a) {
	case ACTION_GROUP:
	case ACTION_GROUP_ADDRESS:
		return "address";
	case ACTION_GROUP_RANGE:
		return "range";
	case ACTION_GROUP_REASON:
		return "reason";
	case ACTION_GROUP_ACCOUNT:
		return "account";
	}
	return "";
}

static bool act(struct view *v, enum action a, size_t row)
{
	const struct history_state *s = v->state;
	char day[TIME_BUF];

	switch (a) {
	case ACTION_OPEN:
		if (row != ROW_NONE && row >= 1 && row <= s->days) {
			time_format(s->day[row - 1].day, day, sizeof(day));
			day[10] = '\0';
			ui_push(v->ui, &view_bans, day);
		}
		return true;
	case ACTION_RANGES:
		ui_push(v->ui, &view_ranges, NULL);
		return true;
	default:
		if (!history_grouping(a)[0])
			return flow_common(console_of(v), a);
		ui_push(v->ui, &view_groups, history_grouping(a));
		return true;
	}
}

static const struct binding keys[] = {
	{ .keys = "g", .action = ACTION_GROUP, .label = "by address", .hint = 9 },
	{ .keys = "<Enter>", .action = ACTION_OPEN, .label = "that day" },
	{ .keys = "P", .action = ACTION_RANGES, .label = "worth a rule", .hint = 8 },
	{ .keys = NULL },
};

const struct view_ops view_history = {
	.name = "history",
	.title = "History",
	.brief = "Hist",
	.help = "Bans as the log told them, kept on this host: by day, and with g by address, range, reason and account. P proposes networks worth one rule. Enter "
		"drills down.",
	.state_size = sizeof(struct history_state),
	.bindings = keys,
	.open = open_view,
	.refresh = refresh,
	.close = close_view,
	.page = page,
	.status = status,
	.act = act,
};
