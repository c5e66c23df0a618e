/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thresholds panel: the four classes in words, and the scan paths below them. Edited in place, checked before anything is sent. */
#include "views/thresholds.h"

#include <stdio.h>
#include <string.h>

#include "app/sync.h"
#include "core/clock.h"
#include "core/text.h"
#include "views/overview_past.h"

enum threshold_column { COL_CLASS, COL_RATE, COL_SOURCE, COL_RESETS, COL_NEAR, COL_WORDS };

#define READ_MS 30000 /* between two looks at the log */

static void changed(void *arg, unsigned snaps)
{
	struct view *v = arg;
	struct threshold_state *s = v->state;
	const struct thresholds *t = thresholds_of(v);

	if (!(snaps & SNAP(THRESHOLDS)))
		return;
	s->classes = 0;
	for (int c = 0; t && c < CLASS_COUNT; c++)
		if (t->of[c].supported)
			s->row[s->classes++] = (enum ban_class)c;
	near_release(&s->near);
	near_gather(app_of(v), NEAR_PERCENT, 0, &s->near);
	view_changed(v);
}

static void synced(void *arg, const struct sync_result *r)
{
	struct view *v = arg;

	(void)r;
	((struct threshold_state *)v->state)->sync = NULL;
	changed(v, SNAP(THRESHOLDS));
}

/* The counts are the log's. */
static void read_log(struct view *v)
{
	struct threshold_state *s = v->state;

	if (s->sync || (s->read && clock_mono() - s->read < READ_MS))
		return;
	s->read = clock_mono();
	s->sync = sync_begin(app_of(v), false, synced, v);
}

static void close_view(struct view *v)
{
	struct threshold_state *s = v->state;

	sync_cancel(s->sync);
	near_release(&s->near);
}

static void open_view(struct view *v)
{
	struct threshold_state *s = v->state;

	app_observe(app_of(v), &s->observer, &v->scope, changed, v);
	changed(v, SNAP(THRESHOLDS));
	app_refresh(app_of(v), SNAP(THRESHOLDS), app_of(v)->profile.refresh_ms);
	read_log(v);
}

static void refresh(struct view *v)
{
	app_refresh(app_of(v), SNAP(THRESHOLDS), 0);
	read_log(v);
}

static size_t count(const struct view *v)
{
	const struct thresholds *t = thresholds_of(v);
	const struct threshold_state *s = v->state;

	if (!t)
		return 0;
	return s->classes + (t->of[CLASS_SCAN].supported ? t->path_count : 0);
}

const char *thresholds_path(const struct view *v, size_t row)
{
	const struct threshold_state *s = v->state;

	return row < s->classes ? NULL : thresholds_of(v)->paths[row - s->classes];
}

static uint64_t row_id(const struct view *v, size_t row)
{
	const struct threshold_state *s = v->state;
	uint64_t h = 1469598103934665603ull;

	if (row < s->classes)
		return (uint64_t)s->row[row] + 1;
	for (const char *p = thresholds_path(v, row); *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ull;
	return h | 1ull << 63;
}

/* The closest of a class: rows are in that order. */
static void near_cell(const struct view *v, enum ban_class c, struct cell *out)
{
	const struct near_limit *near = &((const struct threshold_state *)v->state)->near;
	char net[NET_BUF];

	for (size_t i = 0; i < near->count; i++) {
		const struct history_near *n = &near->rows[i];

		if (n->class != c)
			continue;
		cell_set(out, n->is_over ? ROLE_BAD : ROLE_WARN, "%llu of %llu %s", (unsigned long long)n->failures,
			(unsigned long long)n->limit, near_who(n, net, sizeof(net)));
		return;
	}
	cell_set(out, ROLE_DIM, "%s", c == CLASS_AUTH && !near->is_known ? "not logged" : ui_glyphs(v->ui)->dash);
}

static void detail(const struct view *v, size_t row, struct page *out, int width)
{
	const struct threshold_state *s = v->state;
	struct near_limit mine = { .rows = NULL };
	char words[200];

	if (row >= s->classes)
		return;
	if (s->row[row] == CLASS_AUTH)
		memcpy(mine.notice, s->near.notice, sizeof(mine.notice));
	page_text(out, ROLE_NORMAL, 0, width, /* the column may be too narrow for it */
		rate_words(&thresholds_of(v)->of[s->row[row]], (enum ban_class)s->row[row], words, sizeof(words)));
	near_page(&mine, out, width, 0);
	for (size_t i = 0; i < s->near.count; i++) {
		mine = (struct near_limit){ .rows = &s->near.rows[i], .count = 1 };
		if (s->near.rows[i].class == s->row[row])
			near_page(&mine, out, width, 0);
	}
}

static void class_cell(const struct view *v, enum ban_class c, enum threshold_column col, struct cell *out)
{
	const struct threshold *t = &thresholds_of(v)->of[c];
	char text[200];

	switch (col) {
	case COL_CLASS:
		cell_ref(out, role_of_reason(reason_of_class(c)), class_name(c));
		break;
	case COL_RATE:
		if (t->malformed)
			cell_set(out, ROLE_BAD, "%s", t->raw);
		else if (!t->enabled)
			cell_set(out, ROLE_WARN, "off");
		else
			cell_set(out, ROLE_VALUE, "%s", rate_format(t, text, sizeof(text)));
		break;
	case COL_SOURCE:
		cell_set(out, t->stored ? ROLE_NORMAL : ROLE_DIM, t->stored ? "stored" : "default");
		break;
	case COL_RESETS:
		if (t->enabled && !t->malformed && t->period_is_fixed)
			cell_set(out, ROLE_NORMAL, "rolling"); /* no window: each failure counts for an hour */
		else if (t->enabled && !t->malformed && t->period_ms > 0)
			cell_set(out, ROLE_NORMAL, "in %s",
				duration_words(
					rate_window_end(t->period_ms, clock_now()) - clock_now(), text, sizeof(text)));
		else
			cell_set(out, ROLE_DIM, "%s", ui_glyphs(v->ui)->dash);
		break;
	case COL_NEAR:
		near_cell(v, c, out);
		break;
	case COL_WORDS:
		if (t->malformed)
			cell_set(out, ROLE_BAD, "no rate: the server refuses every full reload because of it");
		else
			cell_set(out, ROLE_NORMAL, "%s", rate_words(t, c, text, sizeof(text)));
		break;
	}
}

static void cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct threshold_state *s = v->state;

	if (row < s->classes) {
		class_cell(v, s->row[row], (enum threshold_column)col, out);
		return;
	}
	switch ((enum threshold_column)col) {
	case COL_CLASS:
		cell_set(out, ROLE_CLASS_SCAN, "path");
		break;
	case COL_RATE:
		cell_set(out, ROLE_DIM, "at once");
		break;
	case COL_SOURCE:
		cell_set(out, ROLE_DIM, thresholds_of(v)->paths_stored ? "stored" : "default");
		break;
	case COL_RESETS:
	case COL_NEAR:
		cell_set(out, ROLE_DIM, "%s", ui_glyphs(v->ui)->dash);
		break;
	case COL_WORDS:
		cell_ref(out, ROLE_VALUE, thresholds_path(v, row));
		break;
	}
}

static void status(const struct view *v, struct view_status *out)
{
	status_of_snap(v, SNAP_BIT_THRESHOLDS, out, count(v), "this server has no thresholds");
	if (thresholds_of(v) && thresholds_of(v)->of[CLASS_SCAN].supported)
		snprintf(out->note, sizeof(out->note), "%zu scan paths, a request for one bans at once",
			thresholds_of(v)->path_count);
}

static const struct column columns[] = {
	{ .name = "class", .title = "CLASS", .min = 6, .max = 8, .unsortable = true },
	{ .name = "rate", .title = "RATE", .min = 8, .max = 12, .unsortable = true },
	{ .name = "source", .title = "SOURCE", .min = 7, .max = 8, .priority = 2, .unsortable = true },
	{ .name = "resets", .title = "WINDOW ENDS", .min = 8, .max = 14, .priority = 3, .unsortable = true },
	{ .name = "near", .title = "CLOSEST", .min = 10, .max = 34, .priority = 4, .unsortable = true },
	{ .name = "words", .title = "MEANING", .min = 32, .max = 0, .priority = 1, .unsortable = true },
	{ .name = NULL },
};

static const struct binding keys[] = {
	{ .keys = "<Enter>", .action = ACTION_OPEN, .label = "edit" },
	{ .keys = "a", .action = ACTION_ADD, .label = "add path" },
	{ .keys = "d", .action = ACTION_REMOVE, .label = "default / remove" },
	{ .keys = "D", .action = ACTION_DEFAULT, .label = "default" },
	{ .keys = "i", .action = ACTION_DETAILS, .label = "who is close" },
	{ .keys = "O", .action = ACTION_OFF, .label = "switch off" },
	{ .keys = NULL },
};

const struct view_ops view_thresholds = {
	.name = "thresholds",
	.title = "Thresholds",
	.brief = "Thresh",
	.help = "When an address is banned. Counters run in fixed windows (a day is a UTC day) and outlive an un-block. CLOSEST: "
		"who has reached half of it or more, as far as the log tells; i lists them.",
	.flags = VIEW_POLL | VIEW_NO_MARKS,
	.needs = CAP(READ_THRESHOLDS),
	.state_size = sizeof(struct threshold_state),
	.columns = columns,
	.bindings = keys,
	.open = open_view,
	.refresh = refresh,
	.close = close_view,
	.count = count,
	.row_id = row_id,
	.cell = cell,
	.status = status,
	.detail = detail,
	.act = thresholds_act,
};
