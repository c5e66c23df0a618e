/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log panel: the security log of any edition, newest first, followed, filtered locally as one types. Lines are kept in a ring. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/sync.h"
#include "client/logsource.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/filter.h"
#include "views/views.h"

#define RING 100000     /* lines kept */
#define FIRST 500       /* lines asked for at first, and when the cursor comes close to the oldest */
#define MORE 5000       /* when it is sent there */
#define CLOSE 100
#define LINE_MAX_KEPT 4096

enum log_column { COL_TIME, COL_LEVEL, COL_EVENT, COL_ADDRESS, COL_ACCOUNT, COL_DETAILS };

struct log_row {
	char *line;            /* owned, secrets masked */
	struct event event;    /* points into line */
	struct event_facts facts;
	uint64_t id;
};

struct log_state {
	struct observer observer;
	struct logsource *source;
	struct log_row *ring;  /* newest at `head - 1`, going down; oldest at `tail` */
	size_t head, tail;     /* counters, modulo RING */
	uint64_t next_id;
	struct filter *filter;
	bool hides_own;        /* the console's own auth.success lines */
	char state[256];       /* of the source */
	char notice[400];      /* nothing is logged: what to change */
	struct err err;
};

static const struct log_row *row_of(const struct view *v, size_t row)
{
	const struct log_state *s = v->state;

	return &s->ring[(s->head - 1 - row) % RING];
}

static void drop(struct log_row *r)
{
	free(r->line);
	r->line = NULL;
}

/* ---- lines ---- */

static bool is_own(const struct view *v, const struct log_row *r)
{
	return app_is_own_login(app_of(v), &r->facts);
}

static bool keep(const struct view *v, struct log_row *r, const struct event *ev)
{
	struct log_state *s = v->state;
	size_t len = ev->line.len < LINE_MAX_KEPT ? ev->line.len : LINE_MAX_KEPT;

	if (slice_starts(ev->id, "http.") && (slice_is(ev->id, "http.request-body") || slice_is(ev->id, "http.response-body")))
		return false; /* at trace level reading the log would log the log */
	r->line = xmemdup(ev->line.p, len);
	text_mask_secrets(r->line, len);
	event_parse(r->line, len, &r->event);
	event_facts(&r->event, &r->facts);
	if (s->hides_own && is_own(v, r)) {
		drop(r);
		return false;
	}
	r->id = ++s->next_id;
	return true;
}

static void add_newer(const struct view *v, const struct event *ev)
{
	struct log_state *s = v->state;
	struct log_row r;

	if (!keep(v, &r, ev))
		return;
	if (s->head - s->tail == RING)
		drop(&s->ring[s->tail++ % RING]);
	s->ring[s->head++ % RING] = r;
}

static bool add_older(const struct view *v, const struct event *ev)
{
	struct log_state *s = v->state;
	struct log_row r;

	if (s->head - s->tail == RING || !keep(v, &r, ev))
		return false;
	if (s->tail == 0) { /* counters never go below nought */
		s->head += RING;
		s->tail += RING;
	}
	s->ring[--s->tail % RING] = r;
	return true;
}

static void on_lines(struct logsource *src, const struct logbatch *batch, void *arg)
{
	struct view *v = arg;
	struct log_state *s = v->state;
	size_t before = s->head, kept = s->head - s->tail;

	(void)src;
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->is_backlog)
			add_older(v, &batch->events[i]);
		else
			add_newer(v, &batch->events[i]);
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

static void forget(struct log_state *s)
{
	for (; s->tail < s->head; s->tail++)
		drop(&s->ring[s->tail % RING]);
}

static void read_again(struct view *v)
{
	struct log_state *s = v->state;

	logsource_close(s->source);
	s->source = NULL;
	forget(s);
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

	s->ring = xcalloc(RING, sizeof(*s->ring));
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

	forget(s);
	free(s->ring);
	filter_free(s->filter);
}

/* ---- rows ---- */

static size_t count(const struct view *v)
{
	const struct log_state *s = v->state;

	return s->head - s->tail;
}

static uint64_t row_id(const struct view *v, size_t row)
{
	return row_of(v, row)->id;
}

static enum role level_role(enum event_level l)
{
	return l == LEVEL_ERROR ? ROLE_BAD : l == LEVEL_WARN ? ROLE_WARN : l < LEVEL_INFO ? ROLE_DIM : ROLE_NORMAL;
}

static void slice_cell(struct cell *out, enum role role, struct slice s)
{
	out->role = role;
	out->text = out->buf;
	text_safe_str(out->buf, sizeof(out->buf), s.p ? s.p : "", s.len);
}

static void cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct log_row *r = row_of(v, row);
	char words[NET_BUF];

	switch ((enum log_column)col) {
	case COL_TIME:
		cell_set(out, ROLE_NORMAL, "%s", words_time_of_day(r->event.time, clock_now(), words, sizeof(words)));
		break;
	case COL_LEVEL:
		cell_ref(out, level_role(r->event.level), event_level_text(r->event.level));
		break;
	case COL_EVENT:
		slice_cell(out, r->facts.kind == EVENT_BAN ? ROLE_BAD : r->facts.kind == EVENT_REFUSED ? ROLE_WARN : ROLE_NORMAL,
			r->event.id.len ? r->event.id : r->event.description);
		break;
	case COL_ADDRESS:
		cell_set(out, ROLE_VALUE, "%s", r->facts.address.family ? net_format(&r->facts.address, words, sizeof(words)) : "");
		break;
	case COL_ACCOUNT:
		slice_cell(out, ROLE_NORMAL, r->facts.account.len ? r->facts.account : r->facts.to);
		break;
	case COL_DETAILS:
		slice_cell(out, ROLE_DIM, r->event.format == EVENT_TEXT ? r->event.line : r->facts.path.len ? r->facts.path : r->event.details);
		break;
	}
}

/* ---- filter ---- */

static bool filter_compile(struct view *v, const char *text, struct err *err)
{
	struct log_state *s = v->state;
	struct filter *f = NULL;

	if (text[0] && !(f = filter_parse(FILTER_LOG, text, clock_now(), err)))
		return false;
	filter_free(s->filter);
	s->filter = f;
	return true;
}

static bool filter_narrows(const struct view *v, const char *before, const char *now)
{
	struct err ignored = ERR_INIT;
	struct filter *wide = filter_parse(FILTER_LOG, before, 0, &ignored), *narrow = filter_parse(FILTER_LOG, now, 0, &ignored);
	bool narrows = wide && narrow && filter_is_narrower(narrow, wide);

	(void)v;
	filter_free(wide);
	filter_free(narrow);
	return narrows;
}

static bool filter_match_row(const struct view *v, size_t row)
{
	const struct log_state *s = v->state;
	const struct log_row *r = row_of(v, row);

	return !s->filter ||
		filter_match_log(s->filter,
			&(struct filter_log){ .line = r->event.line,
				.event = r->event.id,
				.account = r->facts.account.len ? r->facts.account : r->facts.to,
				.kind = event_kind_text(r->facts.kind),
				.address = r->facts.address,
				.class = r->facts.class,
				.level = r->event.level,
				.time = r->event.time },
			clock_now());
}

/* ---- acting ---- */

static void detail(const struct view *v, size_t row, struct page *p, int width)
{
	const struct log_row *r = row_of(v, row);
	struct slice key, value;
	size_t pos = 0;
	char safe[600], name[80], stamp[TIME_BUF];

	page_pair(p, 12, "Time", ROLE_NORMAL, "%s", time_format(r->event.time, stamp, sizeof(stamp)));
	page_pair(p, 12, "Event", ROLE_VALUE, "%s", text_safe_str(safe, sizeof(safe), r->event.id.p ? r->event.id.p : "", r->event.id.len));
	page_text(p, ROLE_NORMAL, 12, width,
		text_safe_str(safe, sizeof(safe), r->event.description.p ? r->event.description.p : "", r->event.description.len));
	while (event_field_next(&r->event, &pos, &key, &value))
		page_pair(p, 20, text_safe_str(name, sizeof(name), key.p, key.len), ROLE_NORMAL, "%s",
			text_safe_str(safe, sizeof(safe), value.p ? value.p : "", value.len));
	if (r->event.format == EVENT_TEXT)
		page_text(p, ROLE_DIM, 0, width, text_safe_str(safe, sizeof(safe), r->event.line.p, r->event.line.len));
}

static void reach_back(struct log_state *s, size_t row, size_t lines)
{
	if (s->source && s->source->has_more_backlog && (row == ROW_NONE || row + CLOSE >= s->head - s->tail))
		logsource_older(s->source, lines);
}

static bool act(struct view *v, enum action a, size_t row)
{
	struct log_state *s = v->state;
	char address[NET_BUF] = "";

	if (row != ROW_NONE && row_of(v, row)->facts.address.family)
		net_format(&row_of(v, row)->facts.address, address, sizeof(address));
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
	{ .name = "address", .title = "ADDRESS", .min = 13, .max = 39, .priority = 1, .unsortable = true },
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
	.count = count,
	.row_id = row_id,
	.cell = cell,
	.filter_compile = filter_compile,
	.filter_match = filter_match_row,
	.filter_narrows = filter_narrows,
	.status = status,
	.act = act,
	.detail = detail,
};
