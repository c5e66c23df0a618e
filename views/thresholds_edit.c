/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Editing thresholds and scan paths in place: what is typed is checked before anything is sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "views/thresholds.h"

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

bool thresholds_act(struct view *v, enum action a, size_t row)
{
	const struct threshold_state *s = v->state;
	const char *path = row == ROW_NONE ? NULL : thresholds_path(v, row);
	struct err err = ERR_INIT;

	if (a == ACTION_ADD) {
		ui_prompt(v->ui,
			&(struct prompt_spec){ .label = "Scan path: ",
				.hint = "a glob such as */.env; * and ? match anything",
				.history = "path",
				.check = check_glob,
				.done = glob_given,
				.arg = console_of(v) });
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
		ask_rate(v, s->row[row]);
		return true;
	case ACTION_OPEN: /* opening is editing here: refused where that is */
		ui_act(v->ui, ACTION_EDIT, row);
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
