/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log panel: the security log of any edition, newest first, followed, filtered locally as one types. What it keeps of them is log_ring.c's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/sync.h"
#include "core/mem.h"
#include "views/log.h"

#define FIRST 500       /* lines asked for at first, and when the cursor comes close to the oldest */
#define MORE 5000       /* when it is sent there */
#define CLOSE 100

/* ---- lines ---- */

static void on_lines(struct logsource *src, const struct logbatch *batch, void *arg)
{
	struct view *v = arg;
	struct log_state *s = v->state;
	size_t before = s->head, kept = s->head - s->tail;

	(void)src;
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->is_backlog)
			log_ring_add_older(v, &batch->events[i]);
		else
			log_ring_add_newer(v, &batch->events[i]);
	}
	if (!batch->is_backlog && s->head - s->tail == kept + (s->head - before) && s->head > before)
		view_grew(v, s->head - before);
	else
		view_changed(v);
}

static void on_state(struct logsource *src, enum logsource_state state, const char *text, void *arg)
{
	struct view *v = arg;
	struct log_state *s = v->state;
	struct buf notice = BUF_INIT;

	if (text[0] && state != LOGSOURCE_LOST && state != LOGSOURCE_FAILED)
		ui_message(v->ui, ROLE_WARN, "%s", text); /* lines are missing: said once, and soon followed by another state */
	snprintf(s->state, sizeof(s->state), "%s", text);
	if (state == LOGSOURCE_LIVE || state == LOGSOURCE_ENDED) /* before that, little means nothing */
		logsource_diagnose(&src->stats, session_server(app_of(v)->session)->versions, &notice);
	if (notice.len && !s->notice[0] && src->stats.lines) /* there are lines to look at, so it isn't said in their place */
		ui_message(v->ui, ROLE_DIM, "%s", buf_str(&notice));
	if (state == LOGSOURCE_LOST || state == LOGSOURCE_FAILED)
		snprintf(s->notice, sizeof(s->notice), "%s", text);
	else if (notice.len || state == LOGSOURCE_LIVE)
		snprintf(s->notice, sizeof(s->notice), "%s", buf_str(&notice));
	buf_release(&notice);
	view_redraw(v);
}

/* ---- life ---- */

static void open_source(struct view *v)
{
	struct log_state *s = v->state;
	struct logsource_want want = { .newest = FIRST, .follow = true };
	struct logsource_events events = { .on_lines = on_lines, .on_state = on_state, .arg = v };
	const struct logsource_ops *ops;
	char name[256];
	void *param;

	if (s->source)
		return;
	err_clear(&s->err);
	ops = sync_source(app_of(v), &param, name, sizeof(name), &s->err);
	if (ops)
		s->source = logsource_open(ops, param, app_of(v)->loop, &v->scope, &want, &events, &s->err);
	view_redraw(v);
}

static void read_again(struct view *v)
{
	struct log_state *s = v->state;

	logsource_close(s->source);
	s->source = NULL;
	log_ring_forget(s);
	view_changed(v);
	open_source(v);
}

static void changed(void *arg, unsigned snaps)
{
	if (snaps == 0)
		open_source(arg);
}

static void open_view(struct view *v)
{
	struct log_state *s = v->state;

	s->ring = xcalloc(LOG_RING, sizeof(*s->ring));
	s->hides_own = true;
	v->following = true;
	app_observe(app_of(v), &s->observer, &v->scope, changed, v);
	open_source(v);
}

static void refresh(struct view *v)
{
	struct log_state *s = v->state;

	if (s->source)
		logsource_poll(s->source);
	else
		open_source(v);
}

static void shown(struct view *v, bool visible)
{
	struct log_state *s = v->state;

	if (s->source)
		logsource_pause(s->source, !visible || v->paused); /* hidden panels don't poll */
}

static void close_view(struct view *v)
{
	struct log_state *s = v->state;

	log_ring_forget(s);
	free(s->ring);
	filter_free(s->filter);
}

/* ---- acting ---- */

static void reach_back(struct log_state *s, size_t row, size_t lines)
{
	if (s->source && s->source->has_more_backlog && (row == ROW_NONE || row + CLOSE >= s->head - s->tail))
		logsource_older(s->source, lines);
}

static bool act(struct view *v, enum action a, size_t row)
{
	struct log_state *s = v->state;
	char address[NET_BUF] = "";

	if (row != ROW_NONE && log_row_of(v, row)->facts.address.family)
		net_format(&log_row_of(v, row)->facts.address, address, sizeof(address));
	switch (a) {
	case ACTION_OPEN:
		ui_act(v->ui, ACTION_DETAILS, row);
		return true;
	case ACTION_WHY:
		console_open_why(console_of(v), address);
		return true;
	case ACTION_BLOCK:
		flow_block(console_of(v), address);
		return true;
	case ACTION_PAUSE:
		if (s->source)
			logsource_pause(s->source, !v->paused);
		return false; /* the toolkit keeps the flag */
	case ACTION_LAST:
		reach_back(s, ROW_NONE, MORE);
		return false;
	case ACTION_DOWN:
	case ACTION_HALF_DOWN:
	case ACTION_PAGE_DOWN:
		reach_back(s, row, FIRST);
		return false;
	case ACTION_GROUP:
		s->hides_own = !s->hides_own;
		ui_message(v->ui, ROLE_DIM, s->hides_own ? "own logins are hidden" : "own logins are shown");
		read_again(v);
		return true;
	default:
		return flow_common(console_of(v), a);
	}
}

static void status(const struct view *v, struct view_status *out)
{
	const struct log_state *s = v->state;

	snprintf(out->note, sizeof(out->note), "%s", s->hides_own ? "own logins hidden" : "");
	if (s->head != s->tail)
		snprintf(out->right, sizeof(out->right), "%.150s", s->state);
	if (s->err.code != ERR_NONE)
		snprintf(out->empty, sizeof(out->empty), "%.300s", s->err.msg);
	else
		snprintf(out->empty, sizeof(out->empty), "%.300s",
			s->head != s->tail ? "no line matches the filter" : s->notice[0] ? s->notice : s->source ? "no line yet" : "loading…");
}

static const struct column columns[] = {
	{ .name = "time", .title = "TIME", .min = 8, .max = 15, .unsortable = true },
	{ .name = "level", .title = "LEVEL", .min = 5, .max = 5, .priority = 4, .unsortable = true },
	{ .name = "event", .title = "EVENT", .min = 14, .max = 30, .unsortable = true },
	{ .name = "address", .title = "ADDRESS", .min = 15, .max = 39, .priority = 1, .unsortable = true },
	{ .name = "account", .title = "ACCOUNT", .min = 8, .max = 28, .priority = 2, .unsortable = true },
	{ .name = "details", .title = "DETAILS", .min = 10, .max = 0, .priority = 3, .unsortable = true },
	{ .name = NULL },
};

static const struct binding keys[] = {
	{ .keys = "<Enter>", .action = ACTION_OPEN, .label = "event" },
	{ .keys = "H", .action = ACTION_GROUP, .label = "own logins", .hint = -1 },
	{ .keys = NULL },
};

const struct view_ops view_log = {
	.name = "log",
	.title = "Log",
	.help = "The server's log, newest first. Filter with words or predicates: class:auth event:security.* address:203.0.113.0/24 account:bob "
		"level:warn since:\"2h ago\" /regex/.",
	.flags = VIEW_POLL | VIEW_TAIL | VIEW_NO_MARKS,
	.state_size = sizeof(struct log_state),
	.columns = columns,
	.bindings = keys,
	.open = open_view,
	.refresh = refresh,
	.shown = shown,
	.close = close_view,
	.count = log_ring_count,
	.row_id = log_row_id,
	.cell = log_cell,
	.filter_compile = log_filter_compile,
	.filter_match = log_filter_match,
	.filter_narrows = log_filter_narrows,
	.status = status,
	.act = act,
	.detail = log_detail,
};
