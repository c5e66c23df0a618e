/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a key does to rows of the blocked or the allowed list; each change takes the road of flow.c. */
#include "views/lists.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "views/export.h"

struct expiry_ask {
	struct console *console;
	enum list_kind kind;
	char *key;
};

static bool parse_end(const char *text, int64_t *out, struct err *err)
{
	int64_t span;

	if (!strcmp(text, "never") || !strcmp(text, "for ever") || !strcmp(text, "forever")) {
		*out = TIME_NONE;
		return true;
	}
	if (duration_parse(text, &span)) {
		*out = clock_now() + span;
		return true;
	}
	if (!time_parse(text, clock_now(), out))
		return err_set(
			err, ERR_USAGE, "\"%s\" is no time: 7d, 2026-12-01, 2026-12-01T12:00:00Z or never", text);
	return *out > clock_now() || err_set(err, ERR_USAGE, "%s is in the past", text);
}

static bool check_end(void *arg, const char *text, struct err *err)
{
	int64_t end;

	(void)arg;
	return parse_end(text, &end, err);
}

static void end_given(void *arg, const char *text)
{
	struct expiry_ask *ask = arg;
	const struct entrylist *l = ask->console->app->snap.list[ask->kind];
	ptrdiff_t row = l ? entrylist_find_key(l, ask->key) : -1;
	struct err err = ERR_INIT;
	int64_t end;

	if (text && parse_end(text, &end, &err)) {
		struct plan *p = row < 0 ? NULL : plan_expiry(ask->console->app, ask->kind, (size_t)row, end, &err);

		if (row < 0)
			err_set(&err, ERR_NOT_FOUND, "%s is not listed any more", ask->key);
		flow_plan(ask->console, p, &err);
	}
	free(ask->key);
	free(ask);
}

static void ask_expiry(struct view *v, size_t row)
{
	struct expiry_ask *ask = xmalloc(sizeof(*ask));

	*ask = (struct expiry_ask){ console_of(v), list_kind_of(v), xstrdup(entry_key(list_of(v), row)) };
	ui_prompt(v->ui,
		&(struct prompt_spec){ .label = "Ends: ",
			.hint = "7d, 2026-12-01, 2026-12-01T12:00:00Z or never",
			.history = "time",
			.check = check_end,
			.done = end_given,
			.arg = ask });
}

static void remove_rows(struct view *v)
{
	struct plan_options o;
	struct err err = ERR_INIT;
	size_t *rows, n = view_targets(v, &rows);

	plan_options_init(&o);
	o.force = app_of(v)->options.force;
	flow_plan(console_of(v), plan_remove_rows(app_of(v), list_kind_of(v), rows, n, &o, &err), &err);
	free(rows);
}

static void allow_rows(struct view *v)
{
	struct plan_options o;
	struct err err = ERR_INIT;
	size_t *rows, n = view_targets(v, &rows);
	const char **keys = xcalloc(n + 1, sizeof(char *));

	plan_options_init(&o);
	for (size_t i = 0; i < n; i++)
		keys[i] = entry_key(list_of(v), rows[i]);
	flow_plan(console_of(v), plan_allow(app_of(v), keys, n, &o, &err), &err);
	free(keys);
	free(rows);
}

bool list_act(struct view *v, enum action a, size_t row)
{
	struct net n = { 0 };

	if (row != ROW_NONE)
		entry_net(&list_of(v)->rows[row], &n);
	switch (a) {
	case ACTION_ADD:
		if (list_kind_of(v) == LIST_ALLOWED)
			flow_allow(console_of(v), NULL);
		else
			flow_block(console_of(v), NULL);
		return true;
	case ACTION_REMOVE:
		remove_rows(v);
		return true;
	case ACTION_ALLOW:
		allow_rows(v);
		return true;
	case ACTION_EDIT:
		ask_expiry(v, row);
		return true;
	case ACTION_FIX:
		if (n.family)
			flow_gateway(console_of(v), &n);
		return true;
	case ACTION_WHY:
		console_open_why(console_of(v), entry_key(list_of(v), row));
		return true;
	case ACTION_OPEN:
		ui_act(v->ui, ACTION_DETAILS, row);
		return true;
	case ACTION_EXPORT:
		export_list(v, list_of(v), list_kind_of(v));
		return true;
	default:
		return flow_common(console_of(v), a);
	}
}
