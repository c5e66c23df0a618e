/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thresholds panel: the four classes in words, and the scan paths below them. Edited in place, checked before anything is sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "views/views.h"

enum threshold_column { COL_CLASS, COL_RATE, COL_SOURCE, COL_RESETS, COL_WORDS };

struct threshold_state {
	struct observer observer;
	enum ban_class row[CLASS_COUNT]; /* supported classes */
	size_t classes;
};

static const struct thresholds *thresholds_of(const struct view *v)
{
	return app_of(v)->snap.thresholds;
}

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
	view_changed(v);
}

static void open_view(struct view *v)
{
	struct threshold_state *s = v->state;

	app_observe(app_of(v), &s->observer, &v->scope, changed, v);
	changed(v, SNAP(THRESHOLDS));
	app_refresh(app_of(v), SNAP(THRESHOLDS), app_of(v)->profile.refresh_ms);
}

static void refresh(struct view *v)
{
	app_refresh(app_of(v), SNAP(THRESHOLDS), 0);
}

static size_t count(const struct view *v)
{
	const struct thresholds *t = thresholds_of(v);
	const struct threshold_state *s = v->state;

	if (!t)
		return 0;
	return s->classes + (t->of[CLASS_SCAN].supported ? t->path_count : 0);
}

static const char *path_at(const struct view *v, size_t row)
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
	for (const char *p = path_at(v, row); *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ull;
	return h | 1ull << 63;
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
		if (t->enabled && !t->malformed && t->period_ms > 0)
			cell_set(out, ROLE_NORMAL, "in %s", duration_words(rate_window_end(t->period_ms, clock_now()) - clock_now(), text, sizeof(text)));
		else
			cell_set(out, ROLE_DIM, "%s", ui_glyphs(v->ui)->dash);
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
		cell_set(out, ROLE_DIM, "%s", ui_glyphs(v->ui)->dash);
		break;
	case COL_WORDS:
		cell_ref(out, ROLE_VALUE, path_at(v, row));
		break;
	}
}

static void status(const struct view *v, struct view_status *out)
{
	status_of_snap(v, SNAP_BIT_THRESHOLDS, out, count(v), "this server has no thresholds");
	if (thresholds_of(v) && thresholds_of(v)->of[CLASS_SCAN].supported)
		snprintf(out->note, sizeof(out->note), "%zu scan paths, a request for one bans at once", thresholds_of(v)->path_count);
}

/* ---- editing ---- */

struct ask {
	struct console *console;
	enum ban_class class;
};

/* "200/1h", "off", "default"; " for 7d" sets the ban period. */
static bool split(const char *text, char *rate, size_t size, int64_t *ban_ms, struct err *err)
{
	const char *end = strstr(text, " for ");
	struct threshold parsed = { 0 };

	*ban_ms = -1;
	snprintf(rate, size, "%.*s", (int)(end ? (size_t)(end - text) : strlen(text)), text);
	if (end && !strcmp(end + 5, "ever"))
		*ban_ms = 0;
	else if (end && !duration_parse(end + 5, ban_ms))
		return err_set(err, ERR_USAGE, "\"%s\" is no duration: 12h, 7d, ever", end + 5);
	if (!strcmp(rate, "off") || !strcmp(rate, "default"))
		return true;
	return rate_parse(rate, strlen(rate), &parsed, err);
}

static bool check(void *arg, const char *text, struct err *err)
{
	char rate[64];
	int64_t ban_ms;

	(void)arg;
	return split(text, rate, sizeof(rate), &ban_ms, err);
}

static void given(void *arg, const char *text)
{
	struct ask *ask = arg;
	struct err err = ERR_INIT;
	char rate[64];
	int64_t ban_ms;

	if (text && split(text, rate, sizeof(rate), &ban_ms, &err))
		flow_plan(ask->console, plan_threshold(ask->console->app, ask->class, rate, ban_ms, &err), &err);
	free(ask);
}

static void ask_rate(struct view *v, enum ban_class c)
{
	struct ask *ask = xmalloc(sizeof(*ask));
	const struct threshold *t = &thresholds_of(v)->of[c];
	char label[40], now[64];

	*ask = (struct ask){ console_of(v), c };
	snprintf(label, sizeof(label), "%s: ", class_name(c));
	ui_prompt(v->ui,
		&(struct prompt_spec){ .label = label,
			.initial = t->malformed ? "" : t->enabled ? rate_format(t, now, sizeof(now)) : "off",
			.hint = server_has(session_server(app_of(v)->session), CAP(BAN_PERIOD))
				? "N/1h, N/1d, off, default; \"for 7d\" or \"for ever\" sets how long a ban lasts"
				: "N/1h, N/1d, off, default",
			.history = "rate",
			.check = check,
			.done = given,
			.arg = ask });
}

static bool check_glob(void *arg, const char *text, struct err *err)
{
	(void)arg;
	return glob_check(text, err);
}

static void glob_given(void *arg, const char *text)
{
	struct console *c = arg;
	struct err err = ERR_INIT;

	if (text)
		flow_plan(c, plan_path(c->app, true, text, &err), &err);
}

static void direct(struct view *v, enum ban_class c, const char *rate)
{
	struct err err = ERR_INIT;

	flow_plan(console_of(v), plan_threshold(app_of(v), c, rate, -1, &err), &err);
}

static bool act(struct view *v, enum action a, size_t row)
{
	const struct threshold_state *s = v->state;
	const char *path = row == ROW_NONE ? NULL : path_at(v, row);
	struct err err = ERR_INIT;

	if (a == ACTION_ADD) {
		ui_prompt(v->ui,
			&(struct prompt_spec){ .label = "Scan path: ", .hint = "a glob such as */.env; * and ? match anything", .history = "path",
				.check = check_glob, .done = glob_given, .arg = console_of(v) });
		return true;
	}
	if (row == ROW_NONE)
		return flow_common(console_of(v), a);
	if (path && a == ACTION_REMOVE) {
		flow_plan(console_of(v), plan_path(app_of(v), false, path, &err), &err);
		return true;
	}
	if (path)
		return flow_common(console_of(v), a);
	switch (a) {
	case ACTION_EDIT:
	case ACTION_OPEN:
		ask_rate(v, s->row[row]);
		return true;
	case ACTION_OFF:
		direct(v, s->row[row], "off");
		return true;
	case ACTION_DEFAULT:
	case ACTION_REMOVE:
		direct(v, s->row[row], "default");
		return true;
	default:
		return flow_common(console_of(v), a);
	}
}

static const struct column columns[] = {
	{ .name = "class", .title = "CLASS", .min = 6, .max = 8, .unsortable = true },
	{ .name = "rate", .title = "RATE", .min = 8, .max = 12, .unsortable = true },
	{ .name = "source", .title = "SOURCE", .min = 7, .max = 8, .priority = 2, .unsortable = true },
	{ .name = "resets", .title = "WINDOW ENDS", .min = 8, .max = 14, .priority = 3, .unsortable = true },
	{ .name = "words", .title = "MEANING", .min = 20, .max = 0, .priority = 1, .unsortable = true },
	{ .name = NULL },
};

static const struct binding keys[] = {
	{ .keys = "<Enter>", .action = ACTION_OPEN, .label = "edit" },
	{ .keys = "a", .action = ACTION_ADD, .label = "add path" },
	{ .keys = "d", .action = ACTION_REMOVE, .label = "default / remove" },
	{ .keys = "D", .action = ACTION_DEFAULT, .label = "default" },
	{ .keys = "O", .action = ACTION_OFF, .label = "switch off" },
	{ .keys = NULL },
};

const struct view_ops view_thresholds = {
	.name = "thresholds",
	.title = "Thresholds",
	.brief = "Thresh",
	.help = "When an address is banned. Counters run in fixed windows (a day is a UTC day) and outlive an un-block.",
	.flags = VIEW_POLL | VIEW_NO_MARKS,
	.needs = CAP(READ_THRESHOLDS),
	.state_size = sizeof(struct threshold_state),
	.columns = columns,
	.bindings = keys,
	.open = open_view,
	.refresh = refresh,
	.count = count,
	.row_id = row_id,
	.cell = cell,
	.status = status,
	.act = act,
};
