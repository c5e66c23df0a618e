/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history panel by day: a calendar heat map of twelve weeks and bars by class. `g` goes on to the groupings (history_groups.c). */
#include <stdio.h>
#include <time.h>

#include "app/sync.h"
#include "core/clock.h"
#include "core/text.h"
#include "tui/chart.h"
#include "views/history_past.h"

struct history_state {
	struct history_past past;
	struct sync *sync;
	char notice[320];
	bool is_placed;          /* the cursor was put on today once */
};

static void done(struct view *v)
{
	struct history_state *s = v->state;

	view_changed(v);
	if (s->is_placed || !s->past.days)
		return;
	s->is_placed = true;
	view_select_id(v, s->past.days); /* today */
}

static void synced(void *arg, const struct sync_result *r)
{
	struct view *v = arg;
	struct history_state *s = v->state;

	s->sync = NULL;
	app_learn_again(app_of(v));
	snprintf(s->notice, sizeof(s->notice), "%.300s", r->err.code != ERR_NONE ? r->err.msg : r->notice);
	history_past_read(v, &s->past, done);
	view_changed(v);
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

	history_past_read(v, &s->past, done);
	refresh(v);
}

static void close_view(struct view *v)
{
	struct history_state *s = v->state;

	sync_cancel(s->sync);
	history_past_stop(&s->past);
}

/* ---- the page ---- */

/* The next week belongs to another month: its label needs the room. */
static bool month_ends(const struct history_past *s, size_t week)
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

static void months_line(const struct history_past *s, struct page *p)
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

static void heat_map(const struct history_past *s, struct page *p)
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

static void classes(const struct history_past *s, struct page *p, int width)
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
		page_bar(p, 8, class_name((enum ban_class)c), role_of_reason(reason_of_class((enum ban_class)c)), by[c],
			most, width - 18);
}

static void busiest(const struct history_past *s, struct page *p)
{
	const struct history_day *d = &s->day[s->busiest];
	char day[TIME_BUF], net[NET_BUF];

	if (s->total == 0)
		return;
	page_blank(p), page_line(p), page_spot_begin(p);
	time_format(d->day, day, sizeof(day));
	page_add(p, ROLE_NORMAL, "%s most on %.10s: %u ban%s, %u address%s", p->glyphs->arrow, day, d->bans,
		d->bans == 1 ? "" : "s", d->addresses, d->addresses == 1 ? "" : "es");
	if (s->top.family)
		page_add(p, ROLE_NORMAL, ", %s above all", net_format(&s->top, net, sizeof(net)));
	page_spot_end(p, ACTION_OPEN, (uint64_t)s->busiest + 1);
}

static void page(struct view *v, struct page *p, int width)
{
	const struct history_state *state = v->state;
	const struct history_past *s = &state->past;
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
		page_text(p, ROLE_DIM, 0, width, state->notice[0] ? state->notice : "no ban in the history yet; `stalwarden sync` or an open console fills it");
}

static void status(const struct view *v, struct view_status *out)
{
	const struct history_state *s = v->state;

	snprintf(out->note, sizeof(out->note), "by day");
	snprintf(out->right, sizeof(out->right), "store %.1f MB%s", (double)s->past.size / 1e6,
		s->sync ? ", reading the log" : "");
	snprintf(out->empty, sizeof(out->empty), "%.300s",
		s->past.err.code != ERR_NONE ? s->past.err.msg : "reading the history…");
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
		if (row != ROW_NONE && row >= 1 && row <= s->past.days) {
			time_format(s->past.day[row - 1].day, day, sizeof(day));
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
