/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The question before a change as a modal state of the console. */
#include "tui/confirm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "tui/draw.h"
#include "tui/pager.h"
#include "tui/ui_private.h"

#define OPTIONS_MAX 28
#define TYPED_MAX 20

struct confirm {
	struct scope_item item;
	struct ui *ui;
	struct confirm_spec spec; /* question and labels are owned */
	struct confirm_option option[OPTIONS_MAX];
	size_t options;
	unsigned toggles;
	struct page body;
	int body_width;   /* the body was described for; 0 = not yet */
	int scroll, seen; /* first body line; body lines of the last frame */
	bool drawn;       /* what was typed before that answers nothing */
	bool typing;
	char typed[TYPED_MAX + 1];
};

static void release(struct confirm *c)
{
	scope_remove(&c->item);
	c->ui->confirm = NULL;
	ui_dirty(c->ui);
	for (size_t i = 0; i < c->options; i++)
		free((char *)c->option[i].label);
	free((char *)c->spec.question);
	page_release(&c->body);
	free(c);
}

static void owner_gone(struct scope_item *item)
{
	release(container_of(item, struct confirm, item));
}

static void answer(struct confirm *c, char key)
{
	struct confirm_spec spec = c->spec;
	unsigned toggles = c->toggles;

	release(c);
	if (spec.done != NULL)
		spec.done(spec.arg, key, toggles);
}

void confirm_cancel(struct ui *ui)
{
	answer(ui->confirm, 0);
}

static void copy_options(struct confirm *c, const struct confirm_option *from)
{
	static const struct confirm_option yes_no[] = {
		{ 'y', "yes", CONFIRM_YES, false },
		{ 'n', "no", CONFIRM_NO, false },
		{ 0, NULL, CONFIRM_NO, false },
	};

	if (from == NULL)
		from = yes_no;
	for (; from->key != 0 && c->options < OPTIONS_MAX; from++) {
		c->option[c->options] = *from;
		c->option[c->options].label = xstrdup(from->label);
		if (from->kind == CONFIRM_TOGGLE && from->on)
			c->toggles |= 1u << c->options;
		c->options++;
	}
}

void ui_confirm(struct ui *ui, const struct confirm_spec *spec)
{
	struct confirm *c;

	if (ui->confirm != NULL)
		confirm_cancel(ui);
	c = xcalloc(1, sizeof(*c));
	c->ui = ui;
	c->spec = *spec;
	c->spec.question = xstrdup(spec->question);
	c->spec.options = NULL;
	c->spec.body = NULL;
	page_init(&c->body, ui->glyphs);
	copy_options(c, spec->options);
	if (spec->body != NULL) {
		c->body = *spec->body;
		free(spec->body);
	}
	scope_add(spec->owner, &c->item, owner_gone);
	ui->confirm = c;
	ui_dirty(ui);
}

bool confirm_acts(struct ui *ui)
{
	const struct confirm *c = ui->confirm;

	for (size_t i = 0; c != NULL && i < c->options; i++)
		if (c->option[i].kind == CONFIRM_YES)
			return true;
	return false;
}

const char *confirm_hint(const struct ui *ui)
{
	const struct confirm *c = ui->confirm;
	bool acts = false, has_no = false;

	for (size_t i = 0; c != NULL && i < c->options; i++) {
		acts = acts || c->option[i].kind == CONFIRM_YES;
		has_no = has_no || c->option[i].kind == CONFIRM_NO;
	}
	if (!acts)
		return "Esc: leave as it is";
	return has_no ? "Enter and Esc: no" : "Enter and Esc: leave all as it is";
}

/* --- keys --- */

static void type_count(struct confirm *c, uint32_t code)
{
	size_t n = strlen(c->typed);
	int64_t value;

	if (code == TK_ESC || code == (TK_CTRL | 'c')) {
		answer(c, 0);
	} else if (code == TK_BACKSPACE && n > 0) {
		c->typed[n - 1] = '\0';
	} else if (code >= '0' && code <= '9' && n < TYPED_MAX) {
		c->typed[n] = (char)code;
		c->typed[n + 1] = '\0';
	} else if (code == TK_ENTER) {
		if (text_int(c->typed, 0, INT64_MAX, &value) && (uint64_t)value == c->spec.type_count) {
			for (size_t i = 0; i < c->options; i++) {
				if (c->option[i].kind == CONFIRM_YES) {
					answer(c, c->option[i].key);
					return;
				}
			}
		}
		ui_message(c->ui, ROLE_WARN, "that is not the number; Esc cancels");
		c->typed[0] = '\0';
	}
}

static void choose(struct confirm *c, size_t i)
{
	switch (c->option[i].kind) {
	case CONFIRM_YES:
		if (c->spec.type_count > 0)
			c->typing = true;
		else
			answer(c, c->option[i].key);
		return;
	case CONFIRM_NO:
		answer(c, 0);
		return;
	case CONFIRM_CHOICE:
		answer(c, c->option[i].key);
		return;
	case CONFIRM_TOGGLE:
		c->toggles ^= 1u << i;
		c->body_width = 0;
		return;
	}
}

static void scroll(struct confirm *c, uint32_t code)
{
	int page = c->seen > 1 ? c->seen - 1 : 1;

	if (code == TK_DOWN)
		c->scroll++;
	else if (code == TK_UP)
		c->scroll--;
	else if (code == TK_PGDN || code == ' ')
		c->scroll += page;
	else if (code == TK_PGUP)
		c->scroll -= page;
}

void confirm_key(struct ui *ui, const struct key *key)
{
	struct confirm *c = ui->confirm;

	if (!c->drawn && confirm_acts(ui))
		return;
	ui_dirty(ui);
	if (c->typing) {
		type_count(c, key->code);
		return;
	}
	for (size_t i = 0; i < c->options; i++) {
		if ((uint32_t)(unsigned char)c->option[i].key == key->code) {
			choose(c, i);
			return;
		}
	}
	if (key->code == TK_ESC || key->code == TK_ENTER || key->code == 'q' || key->code == (TK_CTRL | 'c'))
		answer(c, 0);
	else
		scroll(c, key->code);
}

/* --- drawing --- */

static void add_option(const struct confirm_option *o, struct page *out)
{
	page_add(out, ROLE_KEY, "%c", o->key);
	page_add(out, ROLE_HINT, " %s", o->label);
}

static int answers_width(const struct confirm *c)
{
	int sum = 0;

	for (size_t i = 0; i < c->options; i++)
		if (c->option[i].kind != CONFIRM_TOGGLE)
			sum += 2 + text_width(c->option[i].label) + 3;
	return sum > 0 ? sum - 3 : 0;
}

/* The question, and the answers beside it or on lines of their own. */
static void head(const struct confirm *c, int width, struct page *out)
{
	int answers = answers_width(c);
	bool beside, any = false;

	page_line(out);
	page_adds(out, ROLE_PANE, c->spec.question);
	beside = page_col(out) + 3 + answers <= width;
	if (beside)
		page_to(out, width - answers);
	else
		page_line(out);
	for (size_t i = 0; i < c->options; i++) {
		int w = 2 + text_width(c->option[i].label);

		if (c->option[i].kind == CONFIRM_TOGGLE)
			continue;
		if (!beside && page_col(out) > 0 && page_col(out) + 3 + w > width)
			page_line(out);
		else if (any)
			page_adds(out, ROLE_NORMAL, "   ");
		any = true;
		add_option(&c->option[i], out);
	}
}

static void foot(const struct confirm *c, struct page *out)
{
	for (size_t i = 0; i < c->options; i++) {
		if (c->option[i].kind != CONFIRM_TOGGLE)
			continue;
		page_line(out);
		page_adds(out, ROLE_NORMAL, c->toggles >> i & 1 ? "   [x] " : "   [ ] ");
		add_option(&c->option[i], out);
	}
	if (c->typing) {
		page_line(out);
		page_add(out, ROLE_PROMPT, "Type %zu to go on: ", c->spec.type_count);
		page_adds(out, ROLE_INPUT, c->typed);
	}
}

static void describe(struct confirm *c, int width)
{
	if (c->spec.describe == NULL || c->body_width == width)
		return;
	page_reset(&c->body);
	c->spec.describe(c->spec.arg, c->toggles, &c->body, width);
	c->body_width = width;
}

struct parts {
	struct page head, foot;
};

static void make_parts(struct confirm *c, int width, struct parts *p)
{
	page_init(&p->head, c->ui->glyphs);
	page_init(&p->foot, c->ui->glyphs);
	describe(c, width);
	head(c, width, &p->head);
	foot(c, &p->foot);
}

static void release_parts(struct parts *p)
{
	page_release(&p->head);
	page_release(&p->foot);
}

int confirm_height(struct ui *ui, int width, int max)
{
	struct parts p;
	int n;

	make_parts(ui->confirm, width - 2, &p);
	n = (int)(p.head.line_count + ui->confirm->body.line_count + p.foot.line_count);
	release_parts(&p);
	return n < max ? n : max;
}

static void draw_body(struct confirm *c, int y, int room, int width)
{
	int lines = (int)c->body.line_count;
	int max = lines > room ? lines - room + 1 : 0; /* one line goes to the note */
	char more[64];

	c->scroll = c->scroll < 0 ? 0 : c->scroll > max ? max : c->scroll;
	c->seen = max > 0 ? room - 1 : room;
	page_draw(&c->body, c->scroll, y, c->seen, 1, width - 1);
	if (max == 0)
		return;
	snprintf(more, sizeof(more), "lines %d to %d of %d (PageDown)", c->scroll + 1, c->scroll + c->seen, lines);
	draw_text(y + c->seen, 1, width - 1, ROLE_DIM, more);
}

void confirm_draw(struct ui *ui, int y, int height, int width)
{
	struct confirm *c = ui->confirm;
	struct parts p;
	int head_lines, foot_lines, room, last;

	make_parts(c, width - 2, &p);
	head_lines = (int)p.head.line_count < height ? (int)p.head.line_count : height;
	foot_lines = (int)p.foot.line_count < height - head_lines ? (int)p.foot.line_count : height - head_lines;
	room = height - head_lines - foot_lines;
	page_draw(&p.head, 0, y, head_lines, 1, width - 1);
	if (room > 0)
		draw_body(c, y + head_lines, room, width);
	page_draw(&p.foot, (int)p.foot.line_count - foot_lines, y + height - foot_lines, foot_lines, 1, width - 1);
	last = y + height - 1;
	if (c->typing)
		draw_cursor(CURSOR_MODAL, last, 1 + page_col(&p.foot));
	else
		draw_cursor(CURSOR_MODAL, y, 1);
	c->drawn = true;
	release_parts(&p);
}
