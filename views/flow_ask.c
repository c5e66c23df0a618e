/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The question before a change: a preview of every edit, answered as a whole or entry by entry, with a reason if one is wanted; or the
 * guards' refusal and its override. */
#include "views/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

#define PREVIEW_LINES 1000 /* the pane scrolls; more than that nobody reads */
#define SEEN_AT_ONCE  10
#define TARGET_WIDTH  22
#define NOTE_MAX      400  /* a block's value up to 0.15 carries it */

static enum role role_of_level(enum plan_level l)
{
	return l == PLAN_BAD ? ROLE_BAD : l == PLAN_WARN ? ROLE_WARN : ROLE_NORMAL;
}

/* What is said about edit i stands beside its target where all of it fits, else below. */
static bool fits_beside(const struct plan *p, size_t i, int width)
{
	const struct edit *e = &p->change->edits[i];
	int col = 4 + (e->target ? text_width(e->target) : 0);

	for (size_t k = 0; k < p->line_count; k++)
		if (p->lines[k].edit == i && (col < TARGET_WIDTH ? TARGET_WIDTH : col) + text_width(p->lines[k].text) > width)
			return false;
	return true;
}

/* What the entry becomes, where its name alone does not say it. */
static void describe_effect(struct page *out, const struct edit *e)
{
	char text[64];

	if (e->kind == EDIT_THRESHOLD)
		page_add(out, ROLE_NORMAL, ": %s %s %s", e->expected && e->expected[0] ? e->expected : "default", out->glyphs->arrow,
			rate_format(e->value, text, sizeof(text)));
	if (edit_is_expiry(e->kind) && e->expected && *e->expected != '{')
		page_add(out, ROLE_NORMAL, ": %s %s %s", e->expected, out->glyphs->arrow,
			e->expires == TIME_NONE ? "never" : time_format(e->expires, text, sizeof(text)));
	else if (edit_is_expiry(e->kind) && e->expires == TIME_NONE)
		page_adds(out, ROLE_NORMAL, ": for ever");
	else if (e->expires != TIME_NONE)
		page_add(out, ROLE_NORMAL, ": until %s", time_format(e->expires, text, sizeof(text)));
}

static bool has_effect(const struct edit *e)
{
	return e->kind == EDIT_THRESHOLD || edit_is_expiry(e->kind) || e->expires != TIME_NONE;
}

static void describe_name(struct page *out, const struct edit *e, bool words)
{
	page_line(out);
	page_add(out, ROLE_NORMAL, "  %s%s", words ? edit_words(e->kind) : "", words ? " " : "");
	page_adds(out, ROLE_VALUE, e->target ? e->target : "");
}

void flow_describe_edit(struct page *out, const struct plan *p, size_t i, int width)
{
	const struct edit *e = &p->change->edits[i];
	bool is_named = has_effect(e), is_beside = !is_named && fits_beside(p, i, width), said = false;

	if (is_named) {
		describe_name(out, e, true);
		describe_effect(out, e);
	}
	for (size_t k = 0; k < p->line_count; k++) {
		const struct plan_line *l = &p->lines[k];

		if (l->edit != i)
			continue;
		if (is_beside && said)
			page_line(out);
		else if (!is_named && !said)
			describe_name(out, e, false);
		if (is_beside) {
			page_to(out, page_col(out) < TARGET_WIDTH - 2 ? TARGET_WIDTH : page_col(out) + 2);
			page_adds(out, role_of_level(l->level), l->text);
		} else {
			page_text(out, role_of_level(l->level), 4, width, l->text);
		}
		said = true;
	}
	if (!said && !is_named)
		describe_name(out, e, true);
}

static void describe_whole(const struct flow *f, struct page *out, int width)
{
	const struct plan *p = f->plan;

	for (size_t k = 0; k < p->line_count; k++)
		if (p->lines[k].edit == SIZE_MAX)
			page_text(out, role_of_level(p->lines[k].level), 2, width, p->lines[k].text);
	if (p->change->reason) {
		page_line(out);
		page_add(out, ROLE_LABEL, "  reason: ");
		page_adds(out, ROLE_NORMAL, p->change->reason);
	}
}

static void describe(void *arg, unsigned toggles, struct page *out, int width)
{
	struct flow *f = arg;
	const struct plan *p = f->plan;
	size_t shown = p->change->count < PREVIEW_LINES ? p->change->count : PREVIEW_LINES;
	bool is_long = p->change->count > SEEN_AT_ONCE;
	char count[32];

	(void)toggles;
	if (is_long) /* what is about all of them is not below a thousand lines */
		describe_whole(f, out, width);
	for (size_t i = 0; i < shown; i++)
		flow_describe_edit(out, p, i, width);
	if (p->change->count > shown) {
		page_line(out);
		page_add(out, ROLE_DIM, "  … and %s more", text_grouped(p->change->count - shown, count, sizeof(count)));
	}
	if (!is_long)
		describe_whole(f, out, width);
}

void flow_leave(struct flow *f)
{
	ui_message(f->console->ui, ROLE_DIM, "nothing was sent");
	flow_free(f);
}

/* ---- the reason: one text for the whole change, asked for on its key only ---- */

/* Entries that can carry the text do, unless they have one of their own or are put back as they were. */
static void put_note(struct flow *f, const char *note)
{
	struct change *c = f->plan->change;

	for (size_t i = 0; i < c->count && !f->plan->undoes; i++) {
		struct edit *e = &c->edits[i];
		bool ours = !e->note || (f->note && !strcmp(e->note, f->note));

		if ((e->kind != EDIT_BLOCK && e->kind != EDIT_ALLOW) || !ours)
			continue;
		free(e->note);
		e->note = note ? xstrdup(note) : NULL;
	}
	free(c->reason);
	c->reason = note ? xstrdup(note) : NULL;
	free(f->note);
	f->note = note ? xstrdup(note) : NULL;
}

static bool check_note(void *arg, const char *text, struct err *err)
{
	(void)arg;
	return strlen(text) <= NOTE_MAX || err_set(err, ERR_USAGE, "a reason is at most %d bytes", NOTE_MAX);
}

static void note_given(void *arg, const char *text)
{
	if (text)
		put_note(arg, text[0] ? text : NULL);
	flow_ask(arg);
}

static void ask_note(struct flow *f)
{
	ui_prompt(f->console->ui,
		&(struct prompt_spec){ .label = "Reason: ",
			.initial = f->note ? f->note : f->plan->change->reason,
			.hint = "kept in the journal, and with the entry where the server has room for it; Esc: none",
			.history = "reason",
			.empty_ok = true,
			.check = check_note,
			.done = note_given,
			.arg = f });
}

/* ---- as a whole ---- */

/* Raised, not switched off: a question of its own. */
static void take_instead(struct flow *f)
{
	struct console *con = f->console;
	struct err err = ERR_INIT;
	struct plan *p = plan_threshold(con->app, f->plan->change->edits[0].class, f->plan->instead, -1, &err);

	flow_free(f);
	flow_plan(con, p, &err);
}

static void answered(void *arg, char key, unsigned toggles)
{
	struct flow *f = arg;
	struct plan *p = f->plan;

	f->resets = toggles != 0;
	switch (key) {
	case 'y':
		if (p->offer_reset && !p->change->reset_classes && f->resets)
			p->change->reset_classes = p->offer_reset;
		flow_send(f);
		return;
	case 'e':
		flow_ask_each(f);
		return;
	case 'r':
		ask_note(f);
		return;
	case 'i':
		take_instead(f);
		return;
	default:
		flow_leave(f);
	}
}

/* A guard says no: the reason is shown, and overriding wants the word typed, not a key. */
static void overridden(void *arg, const char *text)
{
	struct flow *f = arg;
	struct change *c = f->plan->change;

	if (!text || strcmp(text, "override") != 0) {
		flow_leave(f);
		return;
	}
	f->plan->refused = false;
	c->forced = true;
	free(c->forced_what);
	c->forced_what = xstrdup(f->plan->overrides[0] ? f->plan->overrides : f->plan->refusal);
	flow_send(f);
}

static bool check_override(void *arg, const char *text, struct err *err)
{
	(void)arg;
	return !text[0] || !strcmp(text, "override") || err_set(err, ERR_USAGE, "type override, or Esc to leave it");
}

static void ask_override(struct flow *f)
{
	const struct plan *p = f->plan;
	char hint[sizeof(p->overrides) + sizeof(p->refusal) + 4];

	snprintf(hint, sizeof(hint), "%s%s%s", p->overrides, p->overrides[0] ? ": " : "", p->refusal);
	ui_prompt(f->console->ui,
		&(struct prompt_spec){ .label = "Refused. Type override: ",
			.hint = hint,
			.empty_ok = true,
			.check = check_override,
			.done = overridden,
			.arg = f });
}

void flow_ask(struct flow *f)
{
	const struct plan *p = f->plan;
	struct confirm_option options[8];
	char instead[80];
	size_t n = 0;

	if (p->refused) {
		ask_override(f);
		return;
	}
	options[n++] = (struct confirm_option){ 'y', "yes", CONFIRM_YES, false };
	options[n++] = (struct confirm_option){ 'n', "no", CONFIRM_NO, false };
	if (f->of == 0 && flow_units(p) > 1)
		options[n++] = (struct confirm_option){ 'e', "each", CONFIRM_CHOICE, false };
	if (p->instead[0]) {
		snprintf(instead, sizeof(instead), "%s instead", p->instead);
		options[n++] = (struct confirm_option){ 'i', instead, CONFIRM_CHOICE, false };
	}
	options[n++] = (struct confirm_option){ 'r', "reason", CONFIRM_CHOICE, false };
	if (p->offer_reset && !p->change->reset_classes)
		options[n++] = (struct confirm_option){ 'c', "also reset the failure counters (for everyone)", CONFIRM_TOGGLE, f->resets };
	options[n] = (struct confirm_option){ 0 };
	ui_confirm(f->console->ui,
		&(struct confirm_spec){ .question = p->question,
			.options = options,
			.describe = describe,
			.type_count = p->change->count > CONFIRM_TYPE_ABOVE ? p->change->count : 0,
			.done = answered,
			.arg = f });
}
