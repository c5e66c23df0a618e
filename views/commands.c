/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "views/commands.h"

#include <stdlib.h>
#include <string.h>

#include "views/login.h"
#include "views/views.h"

static struct console *console(struct ui *ui)
{
	return ui_app(ui);
}

static char *joined(int argc, char **argv)
{
	struct buf b = BUF_INIT;

	for (int i = 1; i < argc; i++)
		buf_addf(&b, "%s%s", i > 1 ? " " : "", argv[i]);
	return buf_take(&b, NULL);
}

typedef struct plan *(*plan_fn)(struct app *, const char *const *, size_t, const struct plan_options *, struct err *);

static bool list_command(struct ui *ui, int argc, char **argv, plan_fn plan, struct err *err)
{
	struct plan_options o;
	char note[512], **targets, *text = joined(argc, argv);
	struct plan *p;
	size_t n;
	bool ok = flow_parse(text, &targets, &n, &o, note, sizeof(note), err);

	free(text);
	if (!ok)
		return false;
	p = plan(console(ui)->app, (const char *const *)targets, n, &o, err);
	for (size_t i = 0; i < n; i++)
		free(targets[i]);
	free(targets);
	if (p)
		flow_plan(console(ui), p, err);
	return p != NULL;
}

#define LIST_COMMAND(name)                                                                         \
	static bool run_##name(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)                                             \
	{                                                                                                                                         \
		(void)v;                                                                                                                          \
		return list_command(ui, argc, argv, plan_##name, err);                                                                            \
	}
LIST_COMMAND(block)
LIST_COMMAND(unblock)
LIST_COMMAND(allow)
LIST_COMMAND(disallow)

static bool run_why(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	(void)v, (void)argc, (void)err;
	console_open_why(console(ui), argv[1]);
	return true;
}

static bool run_ranges(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	char *arg = joined(argc, argv);

	(void)v, (void)err;
	ui_push(ui, &view_ranges, arg);
	free(arg);
	return true;
}

static bool run_by(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	uint8_t prefix4 = 0, prefix6 = 0;
	enum history_by by;
	char *arg;

	(void)v;
	if (!history_by_parse(argv[1], &by))
		return err_set(err, ERR_USAGE, "by day, address, range, reason or account, not %s", argv[1]);
	if (argc > 2 && (by != HISTORY_BY_RANGE || !words_prefix(argv[2], &prefix4, &prefix6)))
		return err_set(err, ERR_USAGE, "a prefix such as /20 goes with range only, not %s", argv[2]);
	if (by == HISTORY_BY_DAY) {
		ui_go(ui, &view_history);
		return true;
	}
	arg = joined(argc, argv);
	ui_push(ui, &view_groups, arg);
	free(arg);
	return true;
}

static bool run_threshold(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	enum ban_class class;
	struct plan *p;

	(void)v, (void)argc;
	if (!class_parse(argv[1], &class))
		return err_set(err, ERR_USAGE, "CLASS is auth, abuse, loiter or scan, not %s", argv[1]);
	p = plan_threshold(console(ui)->app, class, argv[2], -1, err);
	if (p)
		flow_plan(console(ui), p, err);
	return p != NULL;
}

static bool run_server(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	(void)v, (void)argc;
	return console_switch(console(ui), argv[1], err);
}

static bool run_login(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	(void)v, (void)argc, (void)argv, (void)err;
	login_ask(console(ui));
	return true;
}

static bool run_undo(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	(void)v;
	flow_undo(console(ui), argc > 1 ? strtoll(argv[1], NULL, 10) : 0);
	(void)err;
	return true;
}

static bool run_requests(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	(void)v, (void)argc, (void)argv, (void)err;
	ui_push(ui, &view_requests, NULL);
	return true;
}

/* Live values: what is listed right now. */
static void complete_list(struct ui *ui, enum list_kind kind, const char *prefix, struct completions *out)
{
	const struct entrylist *l = console(ui)->app->snap.list[kind];
	size_t n = strlen(prefix), given = 0;

	for (size_t i = 0; l && i < l->count && given < 200; i++)
		if (!strncmp(entry_key(l, i), prefix, n)) {
			completions_add(out, entry_key(l, i));
			given++;
		}
}

static void complete_blocked(struct ui *ui, struct view *v, int index, const char *prefix, struct completions *out)
{
	(void)v, (void)index;
	complete_list(ui, LIST_BLOCKED, prefix, out);
}

static void complete_allowed(struct ui *ui, struct view *v, int index, const char *prefix, struct completions *out)
{
	(void)v, (void)index;
	complete_list(ui, LIST_ALLOWED, prefix, out);
}

static void complete_class(struct ui *ui, struct view *v, int index, const char *prefix, struct completions *out)
{
	(void)ui, (void)v, (void)prefix;
	for (int c = 0; index == 1 && c < CLASS_COUNT; c++)
		completions_add(out, class_name((enum ban_class)c));
}

static void complete_by(struct ui *ui, struct view *v, int index, const char *prefix, struct completions *out)
{
	(void)ui, (void)v, (void)prefix;
	for (int by = 0; index == 1 && by < HISTORY_BY_COUNT; by++)
		completions_add(out, history_by_text((enum history_by)by));
}

static void complete_server(struct ui *ui, struct view *v, int index, const char *prefix, struct completions *out)
{
	const struct config *config = &console(ui)->app->config;

	(void)v, (void)index, (void)prefix;
	for (size_t i = 0; i < config->profile_count; i++)
		completions_add(out, config->profiles[i].name);
}

const struct command console_commands[] = {
	{ "block", "ADDR… [for DUR|until TIME] [reason TEXT]", "block addresses or networks", ACT_WRITE, 1, -1, run_block, NULL },
	{ "unblock", "ADDR…", "lift blocks", ACT_WRITE, 1, -1, run_unblock, complete_blocked },
	{ "allow", "ADDR… [until TIME] [reason TEXT]", "allow, and lift the block", ACT_WRITE, 1, -1, run_allow, complete_blocked },
	{ "disallow", "ADDR…", "take off the allow list", ACT_WRITE, 1, -1, run_disallow, complete_allowed },
	{ "threshold", "CLASS RATE|off|default", "set a threshold", ACT_WRITE, 2, 2, run_threshold, complete_class },
	{ "why", "ADDR", "everything known about an address", 0, 1, 1, run_why, complete_blocked },
	{ "by", "GROUP [/PREFIX]", "history by day, address, range, reason or account", 0, 1, 2, run_by, complete_by },
	{ "ranges", "[BANS] [/PREFIX]", "networks worth one rule instead of many entries", 0, 0, 2, run_ranges, NULL },
	{ "undo", "[ID]", "take back a change", ACT_WRITE, 0, 1, run_undo, NULL },
	{ "server", "PROFILE", "another server of the configuration", 0, 1, 1, run_server, complete_server },
	{ "login", "", "give other credentials", 0, 0, 0, run_login, NULL },
	{ "requests", "", "the last requests sent, with status and time", 0, 0, 0, run_requests, NULL },
	{ .name = NULL },
};
