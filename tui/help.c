/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The help page of the panel it was opened from, generated from its live keymap and the command table. */
#include <stdio.h>
#include <string.h>

#include "core/text.h"
#include "tui/ui_private.h"

#define USAGE 34 /* columns */

static const struct view_ops *ops_of(struct ui *ui, const char *name)
{
	for (size_t i = 0; i < ui->tab_count; i++)
		for (size_t k = 0; k < ui->tabs[i].len; k++)
			if (strcmp(ui->tabs[i].stack[k]->ops->name, name) == 0)
				return ui->tabs[i].stack[k]->ops;
	return NULL;
}

struct commands {
	struct page *page;
	int width;
};

static void add_command(void *arg, const struct command *c)
{
	struct commands *to = arg;
	char usage[128];

	snprintf(usage, sizeof(usage), ":%s %s", c->name, c->args != NULL ? c->args : "");
	page_line(to->page);
	page_addw(to->page, ROLE_KEY, USAGE, usage);
	if (USAGE + 1 + text_width(c->help) > to->width) {
		page_text(to->page, ROLE_NORMAL, 4, to->width, c->help);
		return;
	}
	page_adds(to->page, ROLE_NORMAL, " ");
	page_adds(to->page, ROLE_NORMAL, c->help);
}

/* Whoever reads which keys change something is told when none of them does. */
static void say_refused(struct view *v, struct page *out, int width)
{
	char why[160], text[240];

	if (v->ui->config.permits == NULL || v->ui->config.permits(v->ui->config.app, v, ACTION_COMMAND, why, sizeof(why)))
		return;
	snprintf(text, sizeof(text), "Nothing can be changed now: %s.", why);
	page_text(out, ROLE_WARN, 0, width, text);
	page_blank(out);
}

static void page(struct view *v, struct page *out, int width)
{
	struct keymap *map = keymaps_get(ui_keymaps(v->ui), v->arg);
	struct commands commands = { out, width };

	say_refused(v, out, width);

	if (map != NULL)
		keymap_help(map, ops_of(v->ui, v->arg), out, width);
	page_blank(out);
	page_heading(out, width, "Commands", NULL);
	command_each(v->ui, add_command, &commands);
}

static void status(const struct view *v, struct view_status *out)
{
	(void)v;
	snprintf(out->right, sizeof(out->right), "q back");
}

static bool act(struct view *v, enum action a, size_t row)
{
	(void)row;
	if (a != ACTION_HELP)
		return false;
	ui_pop(v->ui); /* the key that opened it closes it */
	return true;
}

const struct view_ops help_view = {
	.name = "help",
	.title = "Help",
	.page = page,
	.status = status,
	.act = act,
};
