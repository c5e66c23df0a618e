/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tabs, the stack of views on each, polling of the one shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "tui/table.h"
#include "tui/ui_private.h"

void ui_tabs_init(struct ui *ui)
{
	const struct view_ops *const *ops = ui->config.tabs;

	while (ops != NULL && ops[ui->tab_count] != NULL)
		ui->tab_count++;
	ui->tabs = xcalloc(ui->tab_count + 1, sizeof(*ui->tabs));
	for (size_t i = 0; i < ui->tab_count; i++) {
		ui->tabs[i].ops = ops[i];
		keymaps_add(ui->keymaps, ops[i]->name, ops[i]->bindings);
	}
}

static void close_above(struct ui_tab *tab, size_t keep)
{
	while (tab->len > keep) {
		struct view *v = tab->stack[--tab->len];

		if (v->visible)
			ui_view_shown(v, false);
		view_free(v);
	}
}

void ui_tabs_free(struct ui *ui)
{
	for (size_t i = 0; i < ui->tab_count; i++) {
		close_above(&ui->tabs[i], 0);
		free(ui->tabs[i].stack);
	}
	free(ui->tabs);
	ui->tabs = NULL;
	ui->tab_count = 0;
}

struct view *ui_view(struct ui *ui)
{
	struct ui_tab *tab;

	if (ui->tab_count == 0)
		return NULL;
	tab = &ui->tabs[ui->tab];
	return tab->len > 0 ? tab->stack[tab->len - 1] : NULL;
}

bool view_is_busy(const struct view *v)
{
	return v->table != NULL && table_is_busy(v->table);
}

/* --- capabilities --- */

unsigned ui_missing(struct ui *ui, const struct view_ops *ops)
{
	return ops->needs & ~ui_caps(ui);
}

void ui_reason(struct ui *ui, unsigned missing, char *out, size_t size)
{
	out[0] = '\0';
	if (ui->config.caps_reason != NULL)
		ui->config.caps_reason(ui->config.app, missing, out, size);
	if (out[0] == '\0')
		snprintf(out, size, "this server, or these credentials, can't do that");
}

/* --- polling: only what is shown asks the server --- */

void ui_refresh_view(struct view *v)
{
	v->fetched = clock_mono();
	if (v->ops->refresh != NULL)
		v->ops->refresh(v);
}

static void poll_due(struct loop *loop, void *arg)
{
	struct view *v = arg;

	(void)loop;
	ui_refresh_view(v);
	ui_view_shown(v, true);
}

void ui_view_shown(struct view *v, bool visible)
{
	int64_t every = v->ui->config.poll_ms, age = clock_mono() - v->fetched;
	bool came = visible && !v->visible;

	v->visible = visible;
	timer_stop(&v->poll);
	if (visible && !v->paused && v->opened && (v->ops->flags & VIEW_POLL) && every > 0)
		timer_start(v->ui->loop, &v->poll, age < every ? every - age : 0, &v->scope, poll_due, v);
	if (v->opened && v->ops->shown != NULL && (came || !visible))
		v->ops->shown(v, visible);
	if (visible)
		ui_dirty(v->ui);
}

/* Opens what can be opened now. */
static void bring_up(struct ui *ui, struct view *v)
{
	if (!v->opened && ui_missing(ui, v->ops) == 0)
		view_open(v);
	ui_view_shown(v, true);
}

/* --- the stack --- */

static struct view *push(struct ui *ui, struct ui_tab *tab, const struct view_ops *ops, const char *arg)
{
	struct view *v = view_new(ops, ui, ui->config.app, arg);

	xgrow(&tab->stack, &tab->cap, tab->len + 1, sizeof(struct view *));
	tab->stack[tab->len++] = v;
	bring_up(ui, v);
	return v;
}

static void hide_current(struct ui *ui)
{
	struct view *v = ui_view(ui);

	if (v != NULL && v->visible)
		ui_view_shown(v, false);
}

void ui_show_tab(struct ui *ui, size_t tab)
{
	if (tab >= ui->tab_count)
		return;
	hide_current(ui);
	if (tab != ui->tab)
		ui->last_tab = ui->tab;
	ui->tab = tab;
	ui->alarm_focus = -1;
	if (ui->tabs[tab].len == 0)
		push(ui, &ui->tabs[tab], ui->tabs[tab].ops, NULL);
	else
		bring_up(ui, ui_view(ui));
	ui_dirty(ui);
}

struct view *ui_push(struct ui *ui, const struct view_ops *ops, const char *arg)
{
	struct view *top = ui_view(ui);

	if (top != NULL && top->ops == ops && strcmp(top->arg, arg != NULL ? arg : "") == 0)
		return top;
	hide_current(ui);
	ui->alarm_focus = -1;
	return push(ui, &ui->tabs[ui->tab], ops, arg);
}

void ui_pop(struct ui *ui)
{
	struct ui_tab *tab = &ui->tabs[ui->tab];

	if (tab->len < 2)
		return;
	close_above(tab, tab->len - 1);
	bring_up(ui, ui_view(ui));
	ui_dirty(ui);
}

struct view *ui_go(struct ui *ui, const struct view_ops *ops)
{
	for (size_t i = 0; i < ui->tab_count; i++) {
		if (ui->tabs[i].ops != ops)
			continue;
		if (ui->tabs[i].len > 1)
			close_above(&ui->tabs[i], 1);
		ui_show_tab(ui, i);
		return ui_view(ui);
	}
	return NULL;
}

void ui_reopen(struct ui *ui)
{
	for (size_t i = 0; i < ui->tab_count; i++) {
		struct ui_tab *tab = &ui->tabs[i];

		close_above(tab, tab->len > 0 && (tab->ops->flags & VIEW_KEEP) ? 1 : 0);
		tab->badge[0] = '\0'; /* the other server's figure */
		tab->badge_role = ROLE_NORMAL;
	}
	ui_clear_verdict(ui);
	ui_show_tab(ui, ui->tab);
}

void ui_caps_changed(struct ui *ui)
{
	struct view *v = ui_view(ui);

	if (v != NULL)
		bring_up(ui, v);
	ui_dirty(ui);
}

void ui_set_badge(struct ui *ui, const struct view_ops *ops, const char *text, enum role role)
{
	for (size_t i = 0; i < ui->tab_count; i++) {
		struct ui_tab *tab = &ui->tabs[i];
		char badge[sizeof(tab->badge)];

		if (tab->ops != ops)
			continue;
		snprintf(badge, sizeof(badge), "%s", text != NULL ? text : "");
		if (strcmp(badge, tab->badge) == 0 && role == tab->badge_role)
			return;
		memcpy(tab->badge, badge, sizeof(badge));
		tab->badge_role = role;
		ui_dirty(ui);
	}
}

void ui_help(struct ui *ui)
{
	struct view *v = ui_view(ui);

	if (v != NULL && v->ops != &help_view)
		ui_push(ui, &help_view, v->ops->name);
}
