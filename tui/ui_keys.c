/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys to whoever they are for: the input line, the question, or the keymap of the view. */
#include <stdlib.h>
#include <string.h>

#include "tui/pager.h"
#include "tui/table.h"
#include "tui/ui_private.h"

#define SEQUENCE_WAIT_MS 700 /* for the rest, when what is there would do */
#define KEYS_BUDGET_US 5000  /* before the screen is drawn and the network looked at again */
#define WHEEL_LINES 3

static const struct keymap *keymap_of(struct ui *ui)
{
	struct view *v = ui_view(ui);

	return v != NULL && v->keymap != NULL ? v->keymap : keymaps_get(ui->keymaps, "generic");
}

static void drop_message(struct ui *ui)
{
	if (ui->message == NULL)
		return;
	free(ui->message);
	ui->message = NULL;
	ui_dirty(ui);
}

static void forget_pending(struct ui *ui)
{
	ui->pending_len = 0;
	timer_stop(&ui->pending_timer);
	ui_dirty(ui);
}

static void run_sequence(struct ui *ui, const struct keyseq *s)
{
	enum action action = s->action;
	unsigned needs = s->needs;

	forget_pending(ui);
	ui_run(ui, action, needs, ROW_NONE);
}

void ui_flush_pending(struct ui *ui)
{
	const struct keyseq *s;
	enum key_match m;

	if (ui->pending_len == 0)
		return;
	m = keymap_lookup(keymap_of(ui), ui->pending, ui->pending_len, &s);
	if (m == KEYS_EXACT || m == KEYS_EXACT_PREFIX)
		run_sequence(ui, s);
	else
		forget_pending(ui);
}

static void sequence_waited(struct loop *loop, void *arg)
{
	(void)loop;
	ui_flush_pending(arg);
}

static void normal_key(struct ui *ui, uint32_t code)
{
	const struct keyseq *s;
	enum key_match m;

	if (ui->pending_len > 0 && code == TK_ESC) {
		forget_pending(ui);
		return;
	}
	ui->pending[ui->pending_len++] = code;
	m = keymap_lookup(keymap_of(ui), ui->pending, ui->pending_len, &s);
	if (m == KEYS_NONE && ui->pending_len > 1) { /* the rest belongs to something new */
		ui->pending_len--;
		ui_flush_pending(ui);
		if (ui->prompt == NULL && ui->confirm == NULL)
			normal_key(ui, code);
		return;
	}
	if (m == KEYS_EXACT) {
		run_sequence(ui, s);
		return;
	}
	if (m == KEYS_NONE || ui->pending_len == KEYSEQ_MAX)
		ui->pending_len = 0;
	else if (m == KEYS_EXACT_PREFIX)
		timer_start(ui->loop, &ui->pending_timer, SEQUENCE_WAIT_MS, NULL, sequence_waited, ui);
	ui_dirty(ui);
}

/* --- mouse --- */

static bool click_tab(struct ui *ui, const struct key *key)
{
	if (ui->tabs_y < 0 || key->y != ui->tabs_y)
		return false;
	for (size_t i = 0; i < ui->tab_count; i++) {
		const struct ui_tab *tab = &ui->tabs[i];

		if (key->x >= tab->x && key->x < tab->x + tab->width) {
			ui_show_tab(ui, i);
			return true;
		}
	}
	return true;
}

static bool click_alarm(struct ui *ui, const struct key *key)
{
	int line = key->y - ui->alarms_y;

	if (line < 0 || line >= ui->alarms_shown || (size_t)line >= ui->alarm_count)
		return false;
	if (ui->alarm_focus == line)
		ui_run(ui, ACTION_OPEN, 0, ROW_NONE);
	else
		ui->alarm_focus = line;
	ui_dirty(ui);
	return true;
}

static void mouse_key(struct ui *ui, const struct key *key)
{
	struct view *v = ui_view(ui);
	bool open = false;

	if (v == NULL || ui->prompt != NULL || ui->confirm != NULL)
		return;
	if (key->mouse == MOUSE_WHEEL_UP || key->mouse == MOUSE_WHEEL_DOWN) {
		int lines = key->mouse == MOUSE_WHEEL_UP ? -WHEEL_LINES : WHEEL_LINES;

		if (v->table != NULL)
			table_wheel(v->table, lines);
		else
			pager_wheel(v->pager, lines);
		return;
	}
	if (click_tab(ui, key) || click_alarm(ui, key))
		return;
	ui->alarm_focus = -1;
	if (key->y < ui->body_y || key->y >= ui->body_y + ui->body_height)
		return;
	if (v->table != NULL)
		table_click(v->table, key->y, key->x, &open);
	else
		pager_click(v->pager, key->y, key->x, &open);
	if (open)
		ui_run(ui, ACTION_OPEN, 0, ROW_NONE);
}

/* --- the queue --- */

static void progress_key(struct ui *ui, uint32_t code)
{
	struct ui_progress *p = &ui->progress;

	if ((code != TK_ESC && code != (TK_CTRL | 'c')) || p->cancel == NULL || p->cancelled)
		return;
	p->cancelled = true;
	ui_dirty(ui);
	p->cancel(p->arg);
}

static bool is_for_progress(const struct ui *ui, uint32_t code)
{
	return ui->progress.label != NULL && ui->progress.cancel != NULL && !ui->progress.cancelled &&
		(code == TK_ESC || code == (TK_CTRL | 'c'));
}

static void one_key(struct ui *ui, struct key *key)
{
	drop_message(ui);
	if (key->code == TK_MOUSE)
		mouse_key(ui, key);
	else if (ui->prompt != NULL)
		prompt_key(ui, key);
	else if (key->code == TK_PASTE)
		ui_message(ui, ROLE_WARN, "pasted text ignored: nothing is carried out from a paste");
	else if (ui->confirm != NULL)
		confirm_key(ui, key);
	else if (is_for_progress(ui, key->code))
		progress_key(ui, key->code);
	else
		normal_key(ui, key->code);
}

static void look_again(struct loop *loop, void *arg)
{
	(void)loop;
	(void)arg; /* the turn's hook takes them */
}

void ui_take_keys(struct ui *ui)
{
	int64_t until = ui_now_us() + KEYS_BUDGET_US;
	struct key key;

	while (!loop_is_stopped(ui->loop) && input_next(ui->input, &key)) {
		bool asked = ui->confirm != NULL;

		one_key(ui, &key);
		key_release(&key);
		if (!asked && confirm_acts(ui))
			input_flush(ui->input); /* typed before the question was to be seen */
		if (ui_now_us() > until)
			break;
	}
	if (!input_is_empty(ui->input)) /* the rest after a look around */
		timer_start(ui->loop, &ui->more_keys, 0, NULL, look_again, ui);
}
