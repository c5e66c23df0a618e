/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Carrying out an action: preconditions once and in one wording, then the view, then the toolkit, then the app. */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "tui/pager.h"
#include "tui/screen.h"
#include "tui/table.h"
#include "tui/ui_private.h"

#define TWICE_MS 1000 /* Ctrl-C again within this quits */

static bool has_row(const struct view *v, unsigned flags)
{
	return view_selected(v) != ROW_NONE || ((flags & ACT_MARKED) && view_marked(v) > 0);
}

bool ui_may(struct ui *ui, struct view *v, enum action a, unsigned needs, size_t row, char *why, size_t size)
{
	const struct action_info *info = action_info(a);
	unsigned missing = (needs | v->ops->needs) & ~ui_caps(ui);

	why[0] = '\0';
	if (missing != 0 &&
		(needs != 0 || info->group == GROUP_FIND || (info->flags & (ACT_ROW | ACT_WRITE | ACT_LIST)))) {
		ui_reason(ui, missing, why, size);
		return false;
	}
	if ((info->flags & ACT_LIST) && v->table == NULL) {
		snprintf(why, size, "%s: only in a list", info->label);
		return false;
	}
	if (info->group == GROUP_MARK && (v->ops->flags & VIEW_NO_MARKS)) {
		snprintf(why, size, "%s: rows are not marked here", info->label);
		return false;
	}
	if ((info->flags & ACT_ROW) && v->table != NULL && !table_is_ready(v->table)) {
		snprintf(why, size, "one moment: the list is being sorted");
		return false;
	}
	if ((info->flags & ACT_ROW) && row == ROW_NONE && !has_row(v, info->flags)) {
		snprintf(why, size, "%s: there is nothing under the cursor", info->label);
		return false;
	}
	if ((info->flags & ACT_WRITE) && ui->config.permits != NULL &&
		!ui->config.permits(ui->config.app, v, a, why, size)) {
		if (why[0] == '\0')
			snprintf(why, size, "%s: not possible now", info->label);
		return false;
	}
	return true;
}

/* --- what the toolkit does itself --- */

static bool leave(struct ui *ui)
{
	if (ui->config.quit == NULL || ui->config.quit(ui->config.app, false))
		ui_quit(ui, ui->status);
	return true;
}

static bool act_quit(struct ui *ui)
{
	if (ui->tabs[ui->tab].len > 1)
		ui_pop(ui);
	else
		leave(ui);
	return true;
}

/* Esc ends the innermost thing there is, one at a time. */
static bool act_back(struct ui *ui, struct view *v)
{
	if (ui->alarm_focus >= 0)
		ui->alarm_focus = -1;
	else if (ui->verdict_open)
		ui->verdict_open = false;
	else if (ui->verdict.line_count > 0)
		ui_clear_verdict(ui);
	else if (v->table != NULL && table_escape(v->table))
		return true;
	else if (v->pager != NULL && pager_escape(v->pager))
		return true;
	else if (ui->details_open)
		ui->details_open = false;
	else if (ui->tabs[ui->tab].len > 1)
		ui_pop(ui);
	ui_dirty(ui);
	return true;
}

static bool act_tab(struct ui *ui, enum action a)
{
	size_t n = ui->tab_count;

	if (a >= ACTION_TAB_1 && a <= ACTION_TAB_9) {
		size_t tab = (size_t)(a - ACTION_TAB_1);

		if (tab < n && tab == ui->tab)
			ui_go(ui, ui->tabs[tab].ops); /* again: back to the tab itself */
		else
			ui_show_tab(ui, tab);
		return true;
	}
	if (a == ACTION_TAB_NEXT)
		ui_show_tab(ui, (ui->tab + 1) % n);
	else if (a == ACTION_TAB_PREV)
		ui_show_tab(ui, (ui->tab + n - 1) % n);
	else if (a == ACTION_TAB_LAST)
		ui_show_tab(ui, ui->last_tab);
	else
		return false;
	return true;
}

static bool act_alarm(struct ui *ui, int index)
{
	struct ui_alarm *alarm;

	if (index < 0 || (size_t)index >= ui->alarm_count) {
		ui_message(ui, ROLE_DIM, "there is no alarm");
		return true;
	}
	alarm = &ui->alarms[index];
	ui->alarm_focus = -1;
	ui_dirty(ui);
	if (alarm->cure != NULL)
		alarm->cure(alarm->arg);
	return true;
}

/* The cursor goes on from the first row into the alarm lines above, and back. */
static bool act_alarm_lines(struct ui *ui, struct view *v, enum action a)
{
	bool at_top = v->table != NULL ? view_shown_count(v) == 0 || view_selected(v) == view_shown_row(v, 0)
				       : pager_at_top(v->pager);

	if (ui->alarm_focus < 0) {
		if (a != ACTION_UP || !at_top || ui->alarms_shown == 0)
			return false;
		ui->alarm_focus = ui->alarms_shown - 1;
	} else if (a == ACTION_UP) {
		ui->alarm_focus -= ui->alarm_focus > 0;
	} else if (a == ACTION_DOWN) {
		ui->alarm_focus = ui->alarm_focus + 1 < ui->alarms_shown ? ui->alarm_focus + 1 : -1;
	} else if (a == ACTION_OPEN) {
		return act_alarm(ui, ui->alarm_focus);
	} else {
		return false;
	}
	ui_dirty(ui);
	return true;
}

static bool act_copy(struct ui *ui, struct view *v, bool whole)
{
	struct buf text = BUF_INIT;
	size_t row = view_selected(v);

	if (v->table == NULL || row == ROW_NONE)
		return false;
	table_row_text(v->table, row, &text);
	if (!whole)
		buf_truncate(&text, strcspn(buf_str(&text), "\t"));
	if (ui_copy(ui, buf_str(&text), text.len)) {
		for (size_t i = 0; i < text.len; i++) /* between cells; on the screen it would be a sign for a tab */
			if (text.data[i] == '\t')
				text.data[i] = ' ';
		ui_message(ui, ROLE_GOOD, "copied %s", buf_str(&text));
	} else {
		ui_message(ui, ROLE_WARN, "not copied: the clipboard is off, or the text too long");
	}
	buf_release(&text);
	return true;
}

static bool act_interrupt(struct ui *ui)
{
	int64_t now = clock_mono();

	if (ui->config.interrupt != NULL && ui->config.interrupt(ui->config.app)) {
		ui_message(ui, ROLE_WARN, "stopped");
	} else if (now - ui->interrupted < TWICE_MS) {
		return leave(ui);
	} else {
		ui_message(ui, ROLE_DIM, "nothing is running; Ctrl-C again quits");
	}
	ui->interrupted = now;
	return true;
}

static bool act_toggles(struct ui *ui, struct view *v, enum action a)
{
	switch ((int)a) {
	case ACTION_DETAILS:
		if (v->ops->detail == NULL)
			return false;
		ui->details_open = !ui->details_open;
		break;
	case ACTION_OUTCOME:
		if (ui->verdict.line_count == 0)
			return false;
		if (!ui->verdict_open && !ui_outcome_fits(ui))
			ui_push(ui, &outcome_view, "");
		else
			ui->verdict_open = !ui->verdict_open;
		break;
	case ACTION_FOLLOW:
		if (!(v->ops->flags & VIEW_TAIL))
			return false;
		v->following = !v->following;
		if (v->following && v->table != NULL)
			table_act(v->table, ACTION_FIRST);
		break;
	case ACTION_PAUSE:
		v->paused = !v->paused;
		ui_view_shown(v, true); /* its clock stops, or goes on where it was */
		ui_message(ui, ROLE_DIM, v->paused ? "paused: nothing is fetched until you go on" : "going on");
		break;
	default:
		return false;
	}
	view_redraw(v);
	return true;
}

static void command_done(void *arg, const char *text)
{
	struct ui *ui = arg;
	struct err err = ERR_INIT;

	if (text != NULL && !command_run(ui, text, &err))
		ui_message(ui, ROLE_ERROR, "%s", err.msg);
}

static void complete_command(void *arg, const char *line, size_t start, size_t end, struct completions *out)
{
	command_complete(arg, line, start, end, out);
}

static bool act_prompts(struct ui *ui, struct view *v, enum action a)
{
	switch ((int)a) {
	case ACTION_FILTER:
	case ACTION_SEARCH:
		if (!v->opened)
			return false;
		ui_filter_prompt(ui, v, a == ACTION_SEARCH);
		return true;
	case ACTION_SORT:
		ui_sort_menu(ui, v);
		return true;
	case ACTION_COMMAND:
		ui_prompt(ui, &(struct prompt_spec){ .label = ":", .history = "command", .complete = complete_command,
				      .done = command_done, .arg = ui });
		return true;
	default:
		return false;
	}
}

static bool act_program(struct ui *ui, struct view *v, enum action a)
{
	switch ((int)a) {
	case ACTION_QUIT:
		return act_quit(ui);
	case ACTION_EXIT:
		return leave(ui);
	case ACTION_BACK:
		return act_back(ui, v);
	case ACTION_ALARM:
		return act_alarm(ui, 0);
	case ACTION_HELP:
		ui_help(ui);
		return true;
	case ACTION_REDRAW:
		screen_redraw();
		ui_dirty(ui);
		return true;
	case ACTION_REFRESH:
		if (v->ops->refresh == NULL)
			return false;
		ui_refresh_view(v);
		ui_view_shown(v, true);
		return true;
	case ACTION_COPY:
		return act_copy(ui, v, false);
	case ACTION_COPY_ROW:
		return act_copy(ui, v, true);
	case ACTION_INTERRUPT:
		return act_interrupt(ui);
	case ACTION_SUSPEND:
		screen_stop_process(true);
		ui_dirty(ui);
		return true;
	case ACTION_NONE:
		return true;
	default:
		return false;
	}
}

static bool act_moves(struct view *v, enum action a)
{
	return v->table != NULL ? table_act(v->table, a) : pager_act(v->pager, a);
}

static bool is_page_down(const struct view *v, enum action a)
{
	return a == ACTION_MARK && (v->table == NULL || (v->ops->flags & VIEW_NO_MARKS));
}

void ui_run(struct ui *ui, enum action a, unsigned needs, size_t row)
{
	struct view *v = ui_view(ui);
	char why[256];

	if (v == NULL)
		return;
	if (is_page_down(v, a))
		a = ACTION_PAGE_DOWN;
	if (act_alarm_lines(ui, v, a))
		return;
	if (!ui_may(ui, v, a, needs, row, why, sizeof(why))) {
		ui_message(ui, ROLE_WARN, "%s", why);
		return;
	}
	if (row == ROW_NONE)
		row = view_selected(v);
	if (v->opened && v->ops->act != NULL && v->ops->act(v, a, row))
		return;
	if (act_moves(v, a) || act_tab(ui, a) || act_program(ui, v, a) || act_toggles(ui, v, a) ||
		act_prompts(ui, v, a))
		return;
	if (ui->config.act != NULL && ui->config.act(ui->config.app, v, a, row))
		return;
	ui_message(ui, ROLE_DIM, "%s: not here", action_info(a)->label);
}

void ui_act(struct ui *ui, enum action a, size_t row)
{
	ui_run(ui, a, 0, row);
}
