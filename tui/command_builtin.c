/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The toolkit's own commands. Knows no server. */
#include "tui/command_builtin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"
#include "tui/screen.h"
#include "tui/ui_private.h"

static void join(char **argv, int from, int argc, struct buf *out)
{
	for (int i = from; i < argc; i++)
		buf_addf(out, "%s%s", i > from ? " " : "", argv[i]);
}

static bool cmd_quit(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	(void)v;
	(void)argc;
	(void)argv;
	(void)err;
	ui_act(ui, ACTION_EXIT, ROW_NONE);
	return true;
}

static bool cmd_sort(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	bool down = argc > 2 && strcmp(argv[2], "down") == 0;

	(void)ui;
	if (argc > 2 && !down && strcmp(argv[2], "up") != 0)
		return err_set(err, ERR_USAGE, "sort %s up, or down", argv[1]);
	return view_sort_by(v, argv[1], down, err);
}

static void complete_sort(struct ui *ui, struct view *v, int index, const char *prefix, struct completions *out)
{
	(void)ui;
	(void)prefix;
	if (index == 2) {
		completions_add(out, "up");
		completions_add(out, "down");
	}
	for (const struct column *c = v->ops->columns; index == 1 && c != NULL && c->name != NULL; c++)
		if (!c->unsortable)
			completions_add(out, c->name);
}

static bool cmd_filter(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	struct buf text = BUF_INIT;
	bool ok;

	(void)ui;
	join(argv, 1, argc, &text);
	ok = view_set_filter(v, buf_str(&text), err);
	buf_release(&text);
	return ok;
}

static bool cmd_bind(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	struct buf text = BUF_INIT;
	bool ok;

	(void)v;
	join(argv, 1, argc, &text);
	ok = keymap_bind(ui->keymaps, buf_str(&text), err);
	buf_release(&text);
	return ok;
}

static void complete_bind(struct ui *ui, struct view *v, int index, const char *prefix, struct completions *out)
{
	(void)v;
	(void)prefix;
	if (index == 1) {
		completions_add(out, "generic");
		for (size_t i = 0; i < ui->tab_count; i++)
			completions_add(out, ui->tabs[i].ops->name);
	}
	for (int a = 0; index > 1 && a < ACTION_COUNT; a++)
		completions_add(out, action_info((enum action)a)->name);
}

static bool cmd_theme(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	(void)v;
	(void)argc;
	return ui_load_theme(ui, argv[1], err);
}

static void complete_theme(struct ui *ui, struct view *v, int index, const char *prefix, struct completions *out)
{
	static const char *const names[] = { "default", "dark", "light", "mono", "contrast" };

	(void)ui;
	(void)v;
	(void)index;
	(void)prefix;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		completions_add(out, names[i]);
}

static bool cmd_mouse(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	bool on = strcmp(argv[1], "on") == 0;

	(void)ui;
	(void)v;
	(void)argc;
	if (!on && strcmp(argv[1], "off") != 0)
		return err_set(err, ERR_USAGE, "mouse on, or off");
	screen_mouse(on);
	return true;
}

static bool write_file(const char *path, const struct buf *text, struct err *err)
{
	const char *s = buf_str(text);
	size_t len = text->len;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	while (len > 0) {
		ssize_t n = write(fd, s, len);

		if (n <= 0) {
			err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
			close(fd);
			return false;
		}
		s += n;
		len -= (size_t)n;
	}
	return close(fd) == 0 || err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

static bool cmd_dump(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	struct buf text = BUF_INIT;
	bool roles = argc > 2, ok;

	(void)v;
	if (roles && strcmp(argv[2], "roles") != 0)
		return err_set(err, ERR_USAGE, "dump FILE [roles]");
	ui_dump(ui, &text, roles);
	ok = write_file(argv[1], &text, err);
	buf_release(&text);
	return ok;
}

static bool cmd_resize(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	int cols, rows;
	char rest;

	(void)v;
	(void)argc;
	if (!ui->headless)
		return err_set(err, ERR_USAGE, "the terminal has its own size");
	if (sscanf(argv[1], "%dx%d%c", &cols, &rows, &rest) != 2)
		return err_set(err, ERR_USAGE, "resize COLSxROWS");
	screen_resize(cols, rows);
	ui_dirty(ui);
	return true;
}

static const struct command commands[] = {
	{ "quit", NULL, "quit from anywhere", 0, 0, 0, cmd_quit, NULL },
	{ "q", NULL, "the same", 0, 0, 0, cmd_quit, NULL },
	{ "sort", "COLUMN [up|down]", "sort the list", ACT_LIST, 1, 2, cmd_sort, complete_sort },
	{ "filter", "[TEXT]", "show only rows that match", ACT_LIST, 0, -1, cmd_filter, NULL },
	{ "bind", "[PANEL] KEYS ACTION", "bind keys for this session", 0, 2, 3, cmd_bind, complete_bind },
	{ "theme", "NAME", "change the colours", 0, 1, 1, cmd_theme, complete_theme },
	{ "mouse", "on|off", "clicks and wheel, or the terminal's own selection", 0, 1, 1, cmd_mouse, NULL },
	{ "dump", "FILE [roles]", "write the screen to a file as text", 0, 1, 2, cmd_dump, NULL },
	{ "resize", "COLSxROWS", "headless only: another size", 0, 1, 1, cmd_resize, NULL },
	{ NULL, NULL, NULL, 0, 0, 0, NULL, NULL },
};

const struct command *command_builtin(void)
{
	return commands;
}
