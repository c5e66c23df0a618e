/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stored, reloaded, and still without effect: what other entries do to an edit. Pure. */
#include <stdlib.h>
#include <string.h>

#include "app/plan.h"
#include "core/mem.h"
#include "core/text.h"

/* A list as it was before the change, and which of its entries the change takes away: worked out when somebody asks, once for all edits. */
struct stood {
	const struct change *change;
	enum edit_kind removal;
	const struct entrylist *list;
	bool *removed; /* per row; NULL = nobody asked yet */
};

static void look_up_removed(struct stood *s)
{
	s->removed = xcalloc(s->list->count + 1, sizeof(*s->removed));
	for (size_t i = 0; i < s->change->count; i++) {
		bool goes = s->change->edits[i].kind == s->removal && s->change->outcomes[i].verdict == VERDICT_IN_FORCE;
		ptrdiff_t row = goes ? entrylist_find_key(s->list, s->change->edits[i].target) : -1;

		if (row >= 0)
			s->removed[row] = true;
	}
}

static bool is_removed(struct stood *s, size_t row)
{
	if (!s->removed)
		look_up_removed(s);
	return s->removed[row];
}

/* An active entry that covers n and stays, other than n's own; -1 if none. */
static ptrdiff_t stands(struct stood *s, const struct net *n, bool own_counts, int64_t now)
{
	const struct entrylist *l = s->list;
	uint32_t rows[32];
	size_t found = l && l->index ? netset_covering(l->index, n, rows, ARRAY_LEN(rows)) : 0;
	struct net other;

	for (size_t i = 0; i < found && i < ARRAY_LEN(rows); i++) {
		entry_net(&l->rows[rows[i]], &other);
		if (entry_state(l, rows[i], now) != ENTRY_ACTIVE || (!own_counts && net_equal(&other, n)))
			continue;
		if (!is_removed(s, rows[i]))
			return (ptrdiff_t)rows[i];
	}
	return -1;
}

/* Un-blocked because this very change wants a network in its place: that it stays refused is what was asked for. */
static bool is_replaced(const struct change *c, const struct net *n)
{
	for (size_t i = 0; i < c->count && (c->edits[i].kind == EDIT_BLOCK || c->edits[i].kind == EDIT_EXPIRY); i++)
		if (c->edits[i].net.family && !net_equal(&c->edits[i].net, n) && net_contains(&c->edits[i].net, n))
			return true;
	return false;
}

static void demote(struct outcome *o, const char *fmt, const char *key)
{
	char safe[160];

	text_safe_str(safe, sizeof(safe), key, strlen(key));
	o->verdict = VERDICT_STORED;
	o->why = ERR_CONFLICT;
	free(o->detail);
	/* fmt is one of the literals below */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	o->detail = xasprintf(fmt, safe);
#pragma GCC diagnostic pop
}

/* Does the change allow something that covers edit at? In a change of many entries an allow stands beside the block that it lifts. */
static bool allows(const struct change *c, size_t at)
{
	size_t i = c->count <= 1000 || at == 0 ? 0 : at - 1, end = c->count <= 1000 ? c->count : at + 2;

	for (; i < end && i < c->count; i++)
		if (c->edits[i].kind == EDIT_ALLOW && c->edits[i].net.family && net_contains(&c->edits[i].net, &c->edits[at].net) &&
			c->outcomes[i].verdict == VERDICT_IN_FORCE)
			return true;
	return false;
}

void change_effect(struct change *c, const struct entrylist *blocked, const struct entrylist *allowed, bool allow_wins, int64_t now)
{
	struct stood blocks_before = { c, EDIT_UNBLOCK, blocked, NULL }, allows_before = { c, EDIT_DISALLOW, allowed, NULL };

	/* Only where an allow wins (0.16) does the server end entries by itself; elsewhere one whose time is over refuses until it is swept. */
	if (!allow_wins)
		now = 0;
	for (size_t i = 0; i < c->count; i++) {
		const struct edit *e = &c->edits[i];
		struct outcome *o = &c->outcomes[i];
		ptrdiff_t row = -1;

		if (o->verdict != VERDICT_IN_FORCE || e->net.family == 0)
			continue;
		if (e->kind == EDIT_UNBLOCK &&
			!(allow_wins &&
				(allows(c, i) || stands(&allows_before, &e->net, true, now) >= 0))) {
			row = is_replaced(c, &e->net) ? -1 : stands(&blocks_before, &e->net, false, now);
			if (row >= 0)
				demote(o, o->no_op ? "not listed itself, but still refused: covered by %s" : "deleted, but still refused: covered by %s",
					entry_key(blocked, (size_t)row));
		} else if (e->kind == EDIT_BLOCK && allow_wins) {
			row = stands(&allows_before, &e->net, true, now);
			if (row >= 0)
				demote(o, "listed, but not refused: the allowed entry %s wins",
					entry_key(allowed, (size_t)row));
		} else if ((e->kind == EDIT_ALLOW || e->kind == EDIT_ALLOW_EXPIRY) && !allow_wins) {
			row = stands(&blocks_before, &e->net, true, now);
			if (row >= 0)
				demote(o, "allowed, but still refused: on this server the block of %s wins",
					entry_key(blocked, (size_t)row));
		}
	}
	free(blocks_before.removed);
	free(allows_before.removed);
}

static int64_t total_ms(const struct change *c, size_t edit)
{
	int64_t ms = 0;

	for (size_t i = 0; i < c->step_count; i++)
		if (c->steps[i].count == 0 ||
			(edit >= c->steps[i].first && edit < c->steps[i].first + c->steps[i].count))
			ms += c->steps[i].ms;
	return ms;
}

/* What was looked at, step by step, for a verdict that needs no other words. */
void outcome_evidence(const struct change *c, size_t edit, bool ascii, struct buf *out)
{
	const struct outcome *o = &c->outcomes[edit];
	const char *dot = ascii ? " - " : " · ", *sep = "", *last = NULL;

	for (size_t i = 0; i < c->step_count; i++) {
		const struct step_report *s = &c->steps[i];
		const char *words = NULL;

		if (!s->ok || (s->count > 0 && (edit < s->first || edit >= s->first + s->count)))
			continue;
		switch (s->kind) {
		case STEP_WRITE:
			words = o->no_op ? NULL : "written";
			break;
		case STEP_READ_BACK:
			words = o->after ? "read back equal" : "read back absent";
			break;
		case STEP_RELOAD:
			words = "reload took it";
			break;
		case STEP_RESET:
			words = "counters reset";
			break;
		case STEP_BEFORE:
			words = o->no_op ? "so already" : NULL;
			break;
		case STEP_FOLLOW:
		case STEP_WATCH:
		case STEP_COUNT:
			break;
		}
		if (!words || words == last)
			continue; /* two kinds of reload read as one */
		buf_addf(out, "%s%s", sep, words);
		last = words;
		sep = dot;
	}
	buf_addf(out, "%4lld ms", (long long)total_ms(c, edit));
}

void outcome_line(const struct change *c, size_t edit, bool ascii, struct buf *out)
{
	static const char *const sign[VERDICT_COUNT] = { [VERDICT_PENDING] = "·",
		[VERDICT_IN_FORCE] = "✔",
		[VERDICT_STORED] = "!",
		[VERDICT_MISMATCH] = "✖",
		[VERDICT_NOT_STORED] = "✖",
		[VERDICT_UNKNOWN] = "?" };
	static const char *const plain[VERDICT_COUNT] = { [VERDICT_PENDING] = ".",
		[VERDICT_IN_FORCE] = "+",
		[VERDICT_STORED] = "!",
		[VERDICT_MISMATCH] = "x",
		[VERDICT_NOT_STORED] = "x",
		[VERDICT_UNKNOWN] = "?" };
	const struct outcome *o = &c->outcomes[edit];
	const struct edit *e = &c->edits[edit];

	buf_addf(out, "%s ", ascii ? plain[o->verdict] : sign[o->verdict]);
	text_safe(out, edit_words(e->kind), strlen(edit_words(e->kind)), TEXT_LINE);
	buf_addc(out, ' ');
	text_safe(out, e->target ? e->target : "", strlen(e->target ? e->target : ""), ascii ? TEXT_ASCII : TEXT_LINE);
	buf_addf(out, "   %s", verdict_words(o->verdict));
	if (o->verdict == VERDICT_MISMATCH) {
		buf_adds(out, ": wanted another value, the server has ");
		text_safe(out, o->after ? o->after : "nothing", strlen(o->after ? o->after : "nothing"), TEXT_LINE);
	}
	if (o->detail && o->detail[0]) {
		buf_adds(out, "   ");
		text_safe(out, o->detail, strlen(o->detail), ascii ? TEXT_ASCII : TEXT_LINE);
	}
	buf_adds(out, "   ");
	if (o->verdict == VERDICT_IN_FORCE)
		outcome_evidence(c, edit, ascii, out);
	else
		buf_addf(out, "%lld ms", (long long)total_ms(c, edit));
}
