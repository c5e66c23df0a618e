/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The road of a change in the console: preview and question, progress, verdict with its steps. Every change of every panel goes this way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "views/views.h"

#define PREVIEW_LINES 8
#define VERDICT_LINES 4

struct flow {
	struct console *console;
	struct plan *plan;
	bool offers_reset;
};

static void flow_free(struct flow *f)
{
	plan_free(f->plan);
	free(f);
}

static const char *sign_of(const struct glyphs *g, enum verdict v)
{
	switch (v) {
	case VERDICT_IN_FORCE:
		return g->good;
	case VERDICT_STORED:
		return g->warn;
	case VERDICT_MISMATCH:
	case VERDICT_NOT_STORED:
		return g->bad;
	case VERDICT_UNKNOWN:
	case VERDICT_PENDING:
	case VERDICT_COUNT:
		break;
	}
	return g->unknown;
}

/* ---- the verdict ---- */

static void verdict_line(struct page *p, const struct change *c, size_t i, const struct glyphs *g)
{
	const struct outcome *o = &c->outcomes[i];
	enum role role = role_of_verdict(o->verdict);

	page_line(p);
	page_add(p, role, "%s ", g ? sign_of(g, o->verdict) : "");
	page_adds(p, ROLE_STRONG, c->edits[i].target ? c->edits[i].target : edit_words(c->edits[i].kind));
	page_add(p, role, "   %s", verdict_words(o->verdict));
	if (o->verdict == VERDICT_IN_FORCE) {
		struct buf evidence = BUF_INIT;

		outcome_evidence(c, i, p->glyphs->ascii, &evidence);
		page_add(p, ROLE_DIM, "   ");
		page_adds(p, ROLE_DIM, buf_str(&evidence));
		buf_release(&evidence);
	}
	if (o->detail && o->detail[0])
		page_text(p, o->verdict == VERDICT_IN_FORCE ? ROLE_DIM : ROLE_NORMAL, 4, 76, o->detail);
}

static void steps_of(struct page *p, const struct change *c, size_t edit)
{
	for (size_t i = 0; i < c->step_count; i++) {
		const struct step_report *s = &c->steps[i];

		if (s->count > 0 && (edit < s->first || edit >= s->first + s->count))
			continue;
		page_line(p);
		page_add(p, s->ok ? ROLE_GOOD : ROLE_BAD, "    %-14s ", step_name(s->kind));
		page_add(p, ROLE_DIM, "%6lld ms  ", (long long)s->ms);
		page_adds(p, ROLE_NORMAL, s->detail ? s->detail : s->ok ? "ok" : "failed");
	}
}

/* Every outcome, worst first, with its steps. */
static struct page *details_page(const struct change *c, const struct glyphs *g)
{
	static const enum verdict order[] = { VERDICT_UNKNOWN, VERDICT_MISMATCH, VERDICT_STORED, VERDICT_NOT_STORED, VERDICT_PENDING,
		VERDICT_IN_FORCE };
	struct page *p = xmalloc(sizeof(*p));
	size_t shown = 0;

	page_init(p, g);
	for (size_t k = 0; k < ARRAY_LEN(order); k++)
		for (size_t i = 0; i < c->count && shown < 2000; i++) {
			const struct outcome *o = &c->outcomes[i];

			if (o->verdict != order[k])
				continue;
			verdict_line(p, c, i, g);
			shown++;
			if (shown > 50)
				continue;
			page_line(p);
			page_add(p, ROLE_LABEL, "    %s: ", edit_words(c->edits[i].kind));
			page_adds(p, ROLE_DIM, o->before ? o->before : "absent");
			page_add(p, ROLE_DIM, " %s ", g->arrow);
			page_adds(p, ROLE_NORMAL, o->after ? o->after : "absent");
			steps_of(p, c, i);
		}
	return p;
}

static struct page *verdict_page(const struct change *c, const struct glyphs *g, const struct err *journal_err, int64_t journal_id)
{
	struct page *p = xmalloc(sizeof(*p));
	size_t shown = 0;

	page_init(p, g);
	for (int good = 0; good < 2; good++)
		for (size_t i = 0; i < c->count && shown < VERDICT_LINES; i++)
			if ((c->outcomes[i].verdict == VERDICT_IN_FORCE) == good) {
				verdict_line(p, c, i, g);
				shown++;
			}
	if (c->count > shown) {
		page_line(p);
		page_add(p, ROLE_DIM, "%zu in force, %zu stored, %zu not stored, %zu mismatch, %zu unknown, %zu not begun",
			change_tally(c, VERDICT_IN_FORCE), change_tally(c, VERDICT_STORED), change_tally(c, VERDICT_NOT_STORED),
			change_tally(c, VERDICT_MISMATCH), change_tally(c, VERDICT_UNKNOWN), change_tally(c, VERDICT_PENDING));
	}
	if (journal_id == 0 && journal_err->code != ERR_NONE) {
		page_line(p);
		page_add(p, ROLE_WARN, "not in the journal, so it can't be undone from here: %s", journal_err->msg);
	}
	return p;
}

static void on_done(void *arg, const struct change *c, int64_t journal_id, const struct err *journal_err)
{
	struct console *con = arg;
	const struct glyphs *g = ui_glyphs(con->ui);

	con->run = NULL;
	ui_progress(con->ui, NULL, 0, 0, NULL, NULL);
	ui_verdict(con->ui, verdict_page(c, g, journal_err, journal_id), details_page(c, g));
	con->alarm_generation = 0; /* what was wrong may be cured: look again */
	app_refresh(con->app, SNAP(BLOCKED) | SNAP(CHECK), 0);
}

static void on_cancel(void *arg)
{
	struct console *con = arg;

	if (con->run)
		app_run_stop(con->run);
}

static void on_progress(void *arg, const struct change *c, const struct change_progress *p)
{
	struct console *con = arg;

	(void)c;
	ui_progress(con->ui, con->run_label ? con->run_label : step_name(p->step), p->done, p->total, on_cancel, con);
}

/* ---- the question ---- */

static enum role role_of_level(enum plan_level l)
{
	return l == PLAN_BAD ? ROLE_BAD : l == PLAN_WARN ? ROLE_WARN : ROLE_NORMAL;
}

static void describe_edit(struct page *out, const struct plan *p, size_t i)
{
	const struct edit *e = &p->change->edits[i];
	bool said = false;

	for (size_t k = 0; k < p->line_count; k++) {
		if (p->lines[k].edit != i)
			continue;
		page_line(out);
		page_add(out, ROLE_VALUE, "  %-20s ", said ? "" : "");
		if (!said)
			page_adds(out, ROLE_VALUE, e->target ? e->target : "");
		page_add(out, ROLE_NORMAL, "  ");
		page_adds(out, role_of_level(p->lines[k].level), p->lines[k].text);
		said = true;
	}
	if (said)
		return;
	page_line(out);
	page_add(out, ROLE_NORMAL, "  %s ", edit_words(e->kind));
	page_adds(out, ROLE_VALUE, e->target ? e->target : "");
	if (e->kind == EDIT_THRESHOLD) {
		char rate[64];

		page_add(out, ROLE_NORMAL, ": %s %s %s", e->expected && e->expected[0] ? e->expected : "default", out->glyphs->arrow,
			rate_format(&e->value, rate, sizeof(rate)));
	}
}

static void describe(void *arg, unsigned toggles, struct page *out, int width)
{
	struct flow *f = arg;
	const struct plan *p = f->plan;
	size_t shown = p->change->count < PREVIEW_LINES ? p->change->count : PREVIEW_LINES;

	(void)toggles;
	for (size_t i = 0; i < shown; i++)
		describe_edit(out, p, i);
	if (p->change->count > shown) {
		page_line(out);
		page_add(out, ROLE_DIM, "  … and %zu more", p->change->count - shown);
	}
	for (size_t k = 0; k < p->line_count; k++)
		if (p->lines[k].edit == SIZE_MAX)
			page_text(out, role_of_level(p->lines[k].level), 2, width, p->lines[k].text);
}

static void start(struct flow *f)
{
	struct console *con = f->console;

	con->run_label = "changing";
	con->run = app_run(con->app, f->plan, on_progress, on_done, con);
	f->plan = NULL;
	flow_free(f);
}

static void answered(void *arg, char key, unsigned toggles)
{
	struct flow *f = arg;

	if (key != 'y') {
		ui_message(f->console->ui, ROLE_DIM, "nothing was sent");
		flow_free(f);
		return;
	}
	if (f->offers_reset)
		f->plan->change->reset_classes = toggles ? f->plan->offer_reset : 0;
	start(f);
}

/* A guard says no: the reason is shown, and overriding wants the word typed, not a key. */
static void overridden(void *arg, const char *text)
{
	struct flow *f = arg;

	if (!text || strcmp(text, "override") != 0) {
		ui_message(f->console->ui, ROLE_DIM, "nothing was sent");
		flow_free(f);
		return;
	}
	f->plan->refused = false;
	f->plan->change->forced = true;
	free(f->plan->change->forced_what);
	f->plan->change->forced_what = xstrdup(f->plan->refusal);
	start(f);
}

static bool check_override(void *arg, const char *text, struct err *err)
{
	(void)arg;
	return !text[0] || !strcmp(text, "override") || err_set(err, ERR_USAGE, "type override, or Esc to leave it");
}

static void ask(struct flow *f)
{
	static const struct confirm_option plain[] = { { 'y', "yes", CONFIRM_YES, false }, { 'n', "no", CONFIRM_NO, false }, { 0 } };
	static const struct confirm_option with_reset[] = { { 'y', "yes", CONFIRM_YES, false }, { 'n', "no", CONFIRM_NO, false },
		{ 'c', "also reset the failure counters (for everyone)", CONFIRM_TOGGLE, false }, { 0 } };
	const struct plan *p = f->plan;

	f->offers_reset = p->offer_reset && !p->change->reset_classes;
	if (p->refused) {
		char label[64];

		snprintf(label, sizeof(label), "Refused. Type override: ");
		ui_prompt(f->console->ui,
			&(struct prompt_spec){ .label = label, .hint = p->refusal, .empty_ok = true, .check = check_override, .done = overridden, .arg = f });
		return;
	}
	ui_confirm(f->console->ui,
		&(struct confirm_spec){ .question = p->question,
			.options = f->offers_reset ? with_reset : plain,
			.describe = describe,
			.type_count = p->change->count > CONFIRM_TYPE_ABOVE ? p->change->count : 0,
			.done = answered,
			.arg = f });
}

void flow_plan(struct console *c, struct plan *p, const struct err *err)
{
	struct flow *f;
	const char *why;

	if (!p) {
		ui_message(c->ui, ROLE_ERROR, "%s", err->msg);
		return;
	}
	if (!app_is_writable(c->app, &why) || c->run) {
		ui_message(c->ui, ROLE_ERROR, "%s", c->run ? "a change is running: wait for its verdict" : why);
		plan_free(p);
		return;
	}
	f = xcalloc(1, sizeof(*f));
	f->console = c;
	f->plan = p;
	ask(f);
}
