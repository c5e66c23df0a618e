/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console without a terminal for unit tests: three tabs, an app that notes what was called, keys by the queue. */
#ifndef TESTS_TUI_CONSOLE_H
#define TESTS_TUI_CONSOLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "tui/draw.h"
#include "tui/screen.h"
#include "tui/table.h"
#include "tui/ui_private.h"

#define UNUSED __attribute__((unused))

/* What was called, in order. */
static struct buf calls;
static struct fixture {
	struct loop *loop;
	struct ui *ui;
	unsigned caps;
	bool read_only, may_quit;
	size_t rows;
	int opened, closed, refreshed;
	char hostile[40]; /* a text from outside, shown wherever one can be */
} fx;

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
UNUSED static void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&calls, fmt, ap);
	va_end(ap);
	buf_addc(&calls, ';');
}

UNUSED static void expect_calls(const char *want)
{
	assert_string_equal(buf_str(&calls), want);
	buf_reset(&calls);
}

/* --- views --- */

UNUSED static size_t list_count(const struct view *v)
{
	(void)v;
	return fx.rows;
}

UNUSED static uint64_t list_id(const struct view *v, size_t row)
{
	(void)v;
	return row + 10;
}

UNUSED static void list_cell(const struct view *v, size_t row, int col, struct cell *c)
{
	(void)v;
	if (col == 0)
		cell_set(c, ROLE_NORMAL, "row%zu", row);
	else if (fx.hostile[0] != '\0')
		cell_ref(c, ROLE_DIM, fx.hostile);
	else if (row == 3)
		cell_ref(c, ROLE_NORMAL, "\x1b[31mEVIL\xe2\x80\xae");
	else
		cell_set(c, ROLE_DIM, "n%zu", row * 7 % 50);
}

UNUSED static bool list_act(struct view *v, enum action a, size_t row)
{
	(void)v;
	if (a == ACTION_OPEN || a == ACTION_REMOVE || a == ACTION_GROUP_DAY || a == ACTION_GROUP) {
		note("%s %zu", action_info(a)->name, row);
		return true;
	}
	return false;
}

UNUSED static void list_detail(const struct view *v, size_t row, struct page *out, int width)
{
	(void)v;
	(void)width;
	page_pair(out, 6, "row", ROLE_VALUE, "%zu of it", row);
	page_text(out, ROLE_NORMAL, 0, 40, fx.hostile);
}

UNUSED static void list_open(struct view *v)
{
	fx.opened++;
	(void)v;
}

UNUSED static void list_close(struct view *v)
{
	fx.closed++;
	(void)v;
}

UNUSED static void list_refresh(struct view *v)
{
	fx.refreshed++;
	(void)v;
}

static const struct column list_columns[] = {
	{ .name = "name", .title = "NAME", .min = 6, .max = 12 },
	{ .name = "note", .title = "NOTE", .min = 6, .priority = 1 },
	{ .name = NULL },
};
static const struct binding list_keys[] = {
	{ .keys = "<Enter>", .action = ACTION_OPEN },
	{ .keys = "d", .action = ACTION_REMOVE, .label = "un-block" },
	{ .keys = "g", .action = ACTION_GROUP },
	{ .keys = "gd", .action = ACTION_GROUP_DAY, .label = "by day" },
	{ .keys = "X", .action = ACTION_REMOVE, .needs = 2 },
	{ .keys = NULL },
};
static struct view_ops list_ops = { .name = "list", .title = "List", .columns = list_columns, .bindings = list_keys, .flags = VIEW_POLL,
	.count = list_count, .row_id = list_id, .cell = list_cell, .act = list_act, .detail = list_detail, .open = list_open,
	.close = list_close, .refresh = list_refresh };

UNUSED static void page_make(struct view *v, struct page *out, int width)
{
	(void)width;
	page_line(out);
	page_add(out, ROLE_NORMAL, "page of %s", v->arg);
	for (int i = 0; i < 100; i++) {
		page_line(out);
		page_add(out, ROLE_NORMAL, "line %d ", i);
		if (i % 10 == 0) {
			page_spot_begin(out);
			page_add(out, ROLE_LINK, "spot");
			page_spot_end(out, ACTION_OPEN, (uint64_t)i);
		}
	}
}

UNUSED static bool page_act(struct view *v, enum action a, size_t row)
{
	(void)v;
	if (a != ACTION_OPEN)
		return false;
	note("spot %zu", row);
	return true;
}

static const struct view_ops page_ops = { .name = "page", .title = "Page", .page = page_make, .act = page_act };
static const struct view_ops absent_ops = { .name = "absent", .title = "Absent", .needs = 4, .page = page_make, .open = list_open };

/* --- app --- */

UNUSED static unsigned caps(void *app)
{
	(void)app;
	return fx.caps;
}

UNUSED static void caps_reason(void *app, unsigned missing, char *out, size_t size)
{
	(void)app;
	snprintf(out, size, "lacks %u", missing);
}

UNUSED static void title(void *app, struct ui_title *out)
{
	(void)app;
	snprintf(out->name, sizeof(out->name), "%s", fx.hostile);
	snprintf(out->server, sizeof(out->server), "%s", fx.hostile);
	snprintf(out->state, sizeof(out->state), "%s", fx.hostile);
	snprintf(out->badges, sizeof(out->badges), "%s", fx.hostile);
}

UNUSED static bool permits(void *app, struct view *v, enum action a, char *why, size_t size)
{
	(void)app;
	(void)v;
	(void)a;
	snprintf(why, size, "read-only");
	return !fx.read_only;
}

UNUSED static bool app_act(void *app, struct view *v, enum action a, size_t row)
{
	(void)app;
	(void)v;
	if (a != ACTION_WHY)
		return false;
	note("why %zu", row);
	return true;
}

UNUSED static bool app_quit(void *app, bool forced)
{
	(void)app;
	note("quit %d", forced);
	return fx.may_quit;
}

UNUSED static bool cmd_echo(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	(void)ui;
	(void)v;
	if (strcmp(argv[1], "bad") == 0)
		return err_set(err, ERR_USAGE, "bad it is");
	note("echo %d %s", argc, argv[1]);
	return true;
}

static const struct command commands[] = {
	{ "echo", "TEXT…", "say it", 0, 1, 3, cmd_echo, NULL },
	{ "ban", "ADDR", "write", ACT_WRITE, 0, 0, cmd_echo, NULL },
	{ NULL, NULL, NULL, 0, 0, 0, NULL, NULL },
};

static char state_dir[] = "/tmp/tui-ui-XXXXXX";

UNUSED static int setup(void **state)
{
	static const struct view_ops *const tabs[] = { &list_ops, &page_ops, &absent_ops, NULL };
	static const char *const themes[] = { "themes", NULL };
	struct ui_config config = { .tabs = tabs, .commands = commands, .product = "test", .state_dir = state_dir, .theme_dirs = themes,
		.title = title, .caps = caps, .caps_reason = caps_reason, .permits = permits, .act = app_act, .quit = app_quit };
	struct err err = ERR_INIT;

	(void)state;
	fx = (struct fixture){ .caps = ~4u & ~2u, .may_quit = true, .rows = 100 };
	buf_reset(&calls);
	fx.loop = loop_new();
	fx.ui = ui_new(fx.loop, &config, &err);
	if (fx.ui == NULL)
		fail_msg("%s", err.msg);
	view_changed(ui_view(fx.ui));
	loop_turn(fx.loop, 0);
	return 0;
}

UNUSED static int teardown(void **state)
{
	(void)state;
	ui_free(fx.ui);
	loop_free(fx.loop);
	return 0;
}

/* One key a turn, as from a person. */
UNUSED static void type(const char *keys)
{
	uint32_t code;

	while (*keys != '\0') {
		keys += key_parse(keys, &code);
		input_push(fx.ui->input, code);
		loop_turn(fx.loop, 0);
	}
	loop_turn(fx.loop, 0);
}

UNUSED static char *screen(bool roles)
{
	static struct buf text;

	buf_reset(&text);
	ui_dump(fx.ui, &text, roles);
	return text.data;
}

UNUSED static void expect_screen(const char *part)
{
	ui_dirty(fx.ui);
	if (strstr(screen(false), part) == NULL)
		fail_msg("\"%s\" is not on the screen:\n%s", part, screen(false));
}

UNUSED static void expect_no_screen(const char *part)
{
	ui_dirty(fx.ui);
	if (strstr(screen(false), part) != NULL)
		fail_msg("\"%s\" is on the screen:\n%s", part, screen(false));
}

UNUSED static void confirmed(void *arg, char key, unsigned toggles)
{
	(void)arg;
	note("answer %c %u", key != 0 ? key : '-', toggles);
}

UNUSED static void describe(void *arg, unsigned toggles, struct page *out, int width)
{
	(void)arg;
	(void)width;
	for (int i = 0; i < 40; i++) {
		page_line(out);
		page_add(out, ROLE_NORMAL, "effect %d of %u", i, toggles);
	}
}

UNUSED static void confirm(size_t type_count)
{
	static const struct confirm_option options[] = {
		{ 'y', "yes", CONFIRM_YES, false },
		{ 'n', "no", CONFIRM_NO, false },
		{ 'e', "each", CONFIRM_CHOICE, false },
		{ 'c', "also counters", CONFIRM_TOGGLE, false },
		{ 0, NULL, CONFIRM_NO, false },
	};

	ui_confirm(fx.ui, &(struct confirm_spec){ .question = "Un-block it?", .options = options, .describe = describe,
				  .type_count = type_count, .done = confirmed });
}

UNUSED static struct page *one_line(const char *text, int lines)
{
	struct page *p = xmalloc(sizeof(*p));

	page_init(p, NULL);
	for (int i = 0; i < lines; i++) {
		page_line(p);
		page_add(p, ROLE_GOOD, "%s %d", text, i);
	}
	return p;
}

UNUSED static void cure(void *arg)
{
	note("cure %s", (const char *)arg);
}

UNUSED static void stop(void *arg)
{
	(void)arg;
	note("stop");
}

/* Runs the tests with a state directory of their own. */
UNUSED static int run_console_tests(const char *name, const struct CMUnitTest *tests, size_t count)
{
	char sweep[300];
	int failed;

	if (setlocale(LC_ALL, "C.UTF-8") == NULL || mkdtemp(state_dir) == NULL)
		return 1;
	setenv("STALWARDEN_HEADLESS", "1", 1);
	unsetenv("STALWARDEN_SCRIPT");
	unsetenv("NO_COLOR");
	setenv("COLUMNS", "80", 1);
	setenv("LINES", "24", 1);
	setenv("INPUTRC", "/dev/null", 1);
	failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
	snprintf(sweep, sizeof(sweep), "rm -rf %s", state_dir);
	if (system(sweep) != 0)
		failed++;
	buf_release(&calls);
	return failed;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
