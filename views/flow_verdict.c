/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What came of a change, as pages: a line an outcome, and the steps behind it. Sends nothing. */
#include "views/flow.h"

#include "core/mem.h"
#include "core/text.h"

#define VERDICT_LINES 4
#define LINE_WIDTH    79 /* fits a terminal of 80 */
#define GAP           3  /* between parts of a line */

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

/* Several kinds of edits: an address may be there twice, un-blocked and allowed. */
static bool is_mixed(const struct change *c)
{
	return c->count > 1 && c->edits[0].kind != c->edits[c->count - 1].kind;
}

static void verdict_line(struct page *p, const struct change *c, size_t i, const struct glyphs *g)
{
	const struct outcome *o = &c->outcomes[i];
	enum role role = role_of_verdict(o->verdict);
	struct buf evidence = BUF_INIT;
	int gap = GAP, over;

	page_line(p);
	page_add(p, role, "%s ", g ? sign_of(g, o->verdict) : "");
	if (is_mixed(c) && c->edits[i].target)
		page_add(p, role, "%s ", edit_words(c->edits[i].kind));
	page_adds(p, ROLE_STRONG, c->edits[i].target ? c->edits[i].target : edit_words(c->edits[i].kind));
	if (o->verdict == VERDICT_IN_FORCE) /* a line an outcome, if that can be */
		outcome_evidence(c, i, p->glyphs->ascii, &evidence);
	over = page_col(p) + text_width(verdict_words(o->verdict)) + text_width(buf_str(&evidence)) + 2 * GAP - LINE_WIDTH;
	if (over == 1 || over == 2)
		gap = GAP - 1;
	page_add(p, role, "%*s%s", gap, "", verdict_words(o->verdict));
	if (flow_is_conflict(&c->edits[i], o)) {
		page_add(p, role, ": changed by somebody else meanwhile");
		flow_describe_conflict(p, &c->edits[i], o, LINE_WIDTH);
		return;
	}
	if (o->verdict == VERDICT_IN_FORCE) {
		if (page_col(p) + gap + text_width(buf_str(&evidence)) > LINE_WIDTH) {
			page_text(p, ROLE_DIM, 4, LINE_WIDTH, buf_str(&evidence));
		} else {
			page_add(p, ROLE_DIM, "%*s", gap, "");
			page_adds(p, ROLE_DIM, buf_str(&evidence));
		}
	}
	buf_release(&evidence);
	if (o->detail && o->detail[0])
		page_text(p, o->verdict == VERDICT_IN_FORCE ? ROLE_DIM : ROLE_NORMAL, 4, LINE_WIDTH, o->detail);
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

/* An entry without a word to it is there all the same. */
static const char *stored_words(const char *value)
{
	return !value ? "absent" : value[0] ? value : "listed";
}

static void tally_line(struct page *p, const struct change *c)
{
	static const struct {
		enum verdict verdict;
		const char *words;
	} parts[] = { { VERDICT_IN_FORCE, "in force" }, { VERDICT_STORED, "stored, not in force" }, { VERDICT_NOT_STORED, "not stored" },
		{ VERDICT_MISMATCH, "read back differently" }, { VERDICT_UNKNOWN, "unknown" }, { VERDICT_PENDING, "not begun" } };
	const char *sep = "";
	char count[32];

	page_line(p);
	if (c->cancelled)
		page_add(p, ROLE_WARN, "stopped: ");
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		size_t n = change_tally(c, parts[i].verdict);

		if (n == 0)
			continue;
		page_adds(p, ROLE_NORMAL, sep);
		page_add(p, role_of_verdict(parts[i].verdict), "%s %s", text_grouped(n, count, sizeof(count)), parts[i].words);
		sep = ", ";
	}
}

/* Every outcome, worst first, with its steps. */
struct page *flow_details_page(const struct change *c, const struct glyphs *g)
{
	static const enum verdict order[] = { VERDICT_UNKNOWN, VERDICT_MISMATCH, VERDICT_STORED, VERDICT_NOT_STORED, VERDICT_PENDING,
		VERDICT_IN_FORCE };
	struct page *p = xmalloc(sizeof(*p));
	size_t shown = 0;
	char more[32];

	page_init(p, g);
	if (c->count > VERDICT_LINES)
		tally_line(p, c);
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
			page_adds(p, ROLE_DIM, stored_words(o->before));
			page_add(p, ROLE_DIM, " %s ", g->arrow);
			page_adds(p, ROLE_NORMAL, stored_words(o->after));
			steps_of(p, c, i);
		}
	if (shown < c->count) {
		page_line(p);
		page_add(p, ROLE_DIM, "and %s more; the verb journal has each", text_grouped(c->count - shown, more, sizeof(more)));
	}
	return p;
}

struct page *flow_verdict_page(const struct change *c, const struct glyphs *g, const struct err *journal_err, int64_t journal_id)
{
	struct page *p = xmalloc(sizeof(*p));
	size_t shown = 0;

	page_init(p, g);
	if (c->count > VERDICT_LINES)
		tally_line(p, c);
	for (int good = 0; good < 2; good++)
		for (size_t i = 0; i < c->count && shown < VERDICT_LINES; i++)
			if ((c->outcomes[i].verdict == VERDICT_IN_FORCE) == good) {
				verdict_line(p, c, i, g);
				shown++;
			}
	if (journal_id == 0 && journal_err->code != ERR_NONE) {
		page_line(p);
		page_add(p, ROLE_WARN, "not in the journal, so it can't be undone from here: %s", journal_err->msg);
	}
	return p;
}

/* A verdict that came late takes the place of "unknown". */
struct page *flow_resumed_page(const struct resume_report *r, const struct glyphs *g)
{
	enum verdict v = r->open ? VERDICT_UNKNOWN : r->stored ? VERDICT_STORED : r->not_stored ? VERDICT_NOT_STORED : VERDICT_IN_FORCE;
	struct page *p = xmalloc(sizeof(*p));
	struct buf words = BUF_INIT;

	buf_addf(&words, "%s ", g ? sign_of(g, v) : "");
	resume_words(r, &words);
	page_init(p, g);
	page_text(p, role_of_verdict(v), 0, LINE_WIDTH, buf_str(&words));
	buf_release(&words);
	return p;
}
