/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The overview: counts by reason, bans by hour, thresholds in words, offending ranges, the last bans, what is not permitted. Alarms stand above,
 * as on every panel. */
#include <stdio.h>
#include <string.h>

#include "app/sync.h"
#include "core/text.h"
#include "views/overview_past.h"

#define SYNC_MS 30000

struct overview_state {
	struct observer observer;
	struct sync *sync;
	struct timer timer;
	struct past past;
};

/* ---- life ---- */

static void synced(void *arg, const struct sync_result *r)
{
	struct view *v = arg;
	struct overview_state *s = v->state;

	s->sync = NULL;
	app_learn_again(app_of(v));
	snprintf(s->past.notice, sizeof(s->past.notice), "%.300s", r->err.code != ERR_NONE ? r->err.msg : r->notice);
	past_read(v, &s->past);
	view_changed(v);
}

static void read_log(struct loop *loop, void *arg)
{
	struct view *v = arg;
	struct overview_state *s = v->state;

	if (!s->sync && !v->paused && session_state(app_of(v)->session) != SESSION_DETECTING)
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
	if (snaps & SNAP(THRESHOLDS))
		past_near(app_of(v), &s->past);
	view_changed(v);
}

static void open_view(struct view *v)
{
	struct overview_state *s = v->state;

	app_observe(app_of(v), &s->observer, &v->scope, changed, v);
	past_read(v, &s->past);
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
	past_release(&s->past);
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
	for (int r = REASON_AUTH; !l && r <= REASON_SCAN; r++) { /* not read yet is not none */
		page_line(p);
		page_addw(p, ROLE_LABEL, 9, reason_text((enum reason)r));
		page_adds(p, ROLE_DIM, p->glyphs->dash);
	}
	for (int r = REASON_AUTH; l && r < REASON_COUNT; r++)
		if (by[r] || r <= REASON_SCAN)
			page_bar(p, 8, reason_text((enum reason)r), role_of_reason((enum reason)r), by[r], most, width - 18);
	if (by[REASON_NONE])
		page_bar(p, 8, "unknown", ROLE_DIM, by[REASON_NONE], most, width - 18);
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

static void gaps(const struct view *v, struct page *p, int width)
{
	const struct server_info *s = session_server(app_of(v)->session);
	struct buf forbidden = BUF_INIT;
	bool is_read_only = false;

	for (int i = 0; i < CAP_BIT_COUNT; i++) {
		is_read_only = is_read_only || s->caps[i] == CAP_NO_READ_ONLY;
		if (s->caps[i] == CAP_NO_PERMISSION)
			buf_addf(&forbidden, "%s%s", forbidden.len ? ", " : "these credentials may not: ", cap_words((enum cap_bit)i));
	}
	if (forbidden.len || is_read_only) {
		page_blank(p);
		page_heading(p, width, "Not permitted", NULL);
	}
	if (is_read_only)
		page_text(p, ROLE_WARN, 2, width, "read-only mode: nothing is changed from here");
	if (forbidden.len)
		page_text(p, ROLE_WARN, 2, width, buf_str(&forbidden));
	buf_release(&forbidden);
}

static void page(struct view *v, struct page *p, int width)
{
	const struct overview_state *s = v->state;
	struct page left, right;
	int half = width >= 76 ? (width - 3) / 2 : width;

	page_init(&left, p->glyphs);
	page_init(&right, p->glyphs);
	reasons(v, &left, half);
	past_hours(&s->past, &right, width >= 76 ? width - half - 3 : width);
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
	past_page(&s->past, app_of(v)->snap.list[LIST_BLOCKED], p, width);
	gaps(v, p, width);
}

static void status(const struct view *v, struct view_status *out)
{
	status_of_snap(v, SNAP_BIT_BLOCKED, out, 1, "");
}

static bool act(struct view *v, enum action a, size_t row)
{
	const struct overview_state *s = v->state;

	if ((a == ACTION_OPEN || a == ACTION_WHY) && row != ROW_NONE) {
		if (row == 1)
			ui_go(v->ui, &view_thresholds);
		else
			past_open(console_of(v), &s->past, row);
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
