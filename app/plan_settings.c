/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans for thresholds, scan paths, counters, reloads, expiry, and taking a change back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/plan_private.h"
#include "app/threshold_off.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "store/journal.h"

static struct plan *give_up(struct plan *p)
{
	plan_free(p);
	return NULL;
}

/* ---- thresholds ---- */

static void say_off(struct app *a, struct plan *p, enum ban_class c)
{
	struct off_advice advice;

	p->needs_yes = true;
	snprintf(p->why_yes, sizeof(p->why_yes), "%s protection is given up", class_name(c));
	threshold_off_advice(a, c, &advice);
	threshold_off_say(p, c, &advice);
}

static bool can_switch_off(const struct server_info *s)
{
	return s->generation != GEN_CONFIG_0_5 && s->generation != GEN_REST;
}

/* What an operator saw, in the server's spelling, for conflict detection. */
static char *shown(const struct threshold *t)
{
	char rate[64], span[40];

	if (!t->stored)
		return xstrdup("");
	if (t->raw[0]) /* as it stands there: 100/24h is no 100/1d */
		return t->period_is_fixed ? xasprintf("%s/1h", t->raw) : xstrdup(t->raw);
	rate_format(t, rate, sizeof(rate));
	return t->ban_period_ms > 0 ? xasprintf("%s for %s", rate, duration_format(t->ban_period_ms, span, sizeof(span))) : xstrdup(rate);
}

struct plan *plan_threshold(struct app *a, enum ban_class c, const char *rate, int64_t ban_period_ms, struct err *err)
{
	const struct threshold *now = a->snap.thresholds ? &a->snap.thresholds->of[c] : NULL;
	bool off = !strcmp(rate, "off") || !strcmp(rate, "false"), back = !strcmp(rate, "default");
	enum edit_kind kind = off ? EDIT_THRESHOLD_OFF : back ? EDIT_THRESHOLD_DEFAULT : EDIT_THRESHOLD;
	struct plan_options o;
	struct plan *p = plan_new(a);
	char text[160];
	struct edit *e;

	plan_options_init(&o);
	e = plan_edit(a, p, kind, class_name(c), &o);
	e->class = c;
	if (now)
		*e->value = *now;
	if (now && !now->supported) {
		err_set(err, ERR_UNSUPPORTED, "this server has no %s threshold", class_name(c));
		return give_up(p);
	}
	if (off && !can_switch_off(session_server(a->session))) {
		err_set(err, ERR_UNSUPPORTED, "this server can't switch a threshold off: set a rate that is never reached");
		return give_up(p);
	}
	if (kind == EDIT_THRESHOLD && !rate_parse(rate, strlen(rate), e->value, err))
		return give_up(p);
	if (now && now->period_is_fixed && kind == EDIT_THRESHOLD && e->value->period_ms != now->period_ms) {
		err_set(err, ERR_UNSUPPORTED, "this server counts per hour only: give N/1h");
		return give_up(p);
	}
	if (ban_period_ms >= 0) {
		if (!server_has(session_server(a->session), CAP(BAN_PERIOD))) {
			err_set(err, ERR_UNSUPPORTED, "this server has no ban period: bans last until they are lifted");
			return give_up(p);
		}
		e->value->ban_period_ms = ban_period_ms;
	}
	if (now)
		e->expected = shown(now);
	if (off)
		say_off(a, p, c);
	e->value->supported = true;
	if (kind == EDIT_THRESHOLD)
		plan_add_line(p, PLAN_INFO, 0, "%s", rate_words(e->value, c, text, sizeof(text)));
	snprintf(p->question, sizeof(p->question), off ? "Switch %s off?" : back ? "%s back to the default?" : "Set %s?", class_name(c));
	return p;
}

struct plan *plan_path(struct app *a, bool add, const char *glob, struct err *err)
{
	struct plan_options o;
	struct plan *p;
	bool listed = false;

	if (!app_can(a, CAP(SCAN_PATHS), err) || (add && !glob_check(glob, err)))
		return NULL;
	p = plan_new(a);
	plan_options_init(&o);
	plan_edit(a, p, add ? EDIT_PATH_ADD : EDIT_PATH_REMOVE, glob, &o)->net.family = 0;
	for (size_t i = 0; a->snap.thresholds && i < a->snap.thresholds->path_count; i++)
		listed = listed || !strcmp(a->snap.thresholds->paths[i], glob);
	if (listed == add)
		p->already = 1;
	if (a->snap.thresholds && !a->snap.thresholds->paths_stored && !server_has(session_server(a->session), CAP(NATIVE_EXPIRY)))
		plan_add_line(p, PLAN_INFO, 0, "the built-in paths are in force; they are stored along, so that they stay in force");
	snprintf(p->question, sizeof(p->question), "%s scan path %.100s?", add ? "Add" : "Remove", glob);
	return p;
}

/* ---- actions ---- */

struct plan *plan_reset(struct app *a, unsigned classes, struct err *err)
{
	struct plan_options o;
	struct plan *p;

	if (!app_can(a, CAP(RESET_COUNTERS), err))
		return NULL;
	p = plan_new(a);
	plan_options_init(&o);
	for (int c = 0; c < CLASS_COUNT; c++)
		if (classes == (1u << CLASS_COUNT) - 1 || classes & 1u << c) {
			bool all = classes == (1u << CLASS_COUNT) - 1;
			struct edit *e = plan_edit(a, p, EDIT_RESET_COUNTERS, all ? "all" : class_name(c), &o);

			e->class = all ? CLASS_NONE : (enum ban_class)c;
			if (all)
				break;
		}
	p->change->reset_classes = classes;
	plan_add_line(p, PLAN_WARN, SIZE_MAX, "for every address and every login: attackers start from nought, too");
	snprintf(p->question, sizeof(p->question), "Reset failure counters?");
	return p;
}

struct plan *plan_reload(struct app *a, const char *what, struct err *err)
{
	bool certs = !strcmp(what, "certs");
	struct plan_options o;
	struct plan *p;

	if (!app_can(a, certs ? CAP(RELOAD_CERTS) : CAP(RELOAD), err))
		return NULL;
	p = plan_new(a);
	plan_options_init(&o);
	plan_edit(a, p, certs ? EDIT_CERT_RELOAD : EDIT_RELOAD, what, &o);
	snprintf(p->question, sizeof(p->question), "Reload %.40s on the server?", what);
	return p;
}

struct plan *plan_expiry(struct app *a, enum list_kind list, size_t row, int64_t expires, struct err *err)
{
	const struct entrylist *l = a->snap.list[list];
	struct plan_options o;
	struct plan *p;
	struct edit *e;

	if (!app_can(a, CAP(EXPIRY) | (list == LIST_ALLOWED ? CAP(WRITE_ALLOWED) : CAP(WRITE_BLOCKED)), err))
		return NULL;
	if (!l || row >= l->count || l->rows[row].family == 0) {
		err_set(err, ERR_USAGE, "this entry can't expire: it is no address");
		return NULL;
	}
	p = plan_new(a);
	plan_options_init(&o);
	o.expires = expires;
	e = plan_edit(a, p, list == LIST_ALLOWED ? EDIT_ALLOW_EXPIRY : EDIT_EXPIRY, entry_key(l, row), &o);
	e->expected = plan_end_shown(&l->rows[row]);
	snprintf(p->question, sizeof(p->question), "Change when %.80s ends?", entry_key(l, row));
	plan_guard(a, p, a->options.force);
	return p;
}

/* ---- undo ---- */

/* Every target that another of our changes touched since, or whose value is not what that change left. */
static void say_touched(struct app *a, struct plan *p, int64_t change)
{
	for (size_t i = 0; i < p->change->count && i < 200; i++) {
		const struct edit *e = &p->change->edits[i];
		int64_t later = journal_touched_since(a->store, a->profile.name, change, e->target, NULL);

		if (later > 0)
			plan_add_line(p, PLAN_WARN, i, "%s was changed again since (journal change %lld)", e->target, (long long)later);
	}
}

/* From 0.16 on the server says itself when an entry was made, and keeps no words with a block. */
static void say_made(struct app *a, struct plan *p)
{
	bool is_native = server_has(session_server(a->session), CAP(NATIVE_EXPIRY));

	for (size_t i = 0; is_native && i < p->change->count; i++)
		if (p->change->edits[i].kind == EDIT_BLOCK || p->change->edits[i].kind == EDIT_ALLOW) {
			plan_add_line(p, PLAN_WARN, SIZE_MAX, "can't be restored: when it was made; this server dates every entry itself (createdAt)");
			return;
		}
}

/* The change that took the last one asked about back. */
struct taker {
	int64_t id;
	struct change *change;
	size_t at; /* where in it the last one was: edits stand there in reverse */
};

/* Taken back and proven: one that was not is to be tried again. */
static bool is_taken_back(struct app *a, struct taker *t, const struct journal_row *r)
{
	if (r->undone_by != t->id) {
		change_free(t->change);
		t->change = journal_load(a->store, r->undone_by, 0, NULL, NULL);
		t->id = r->undone_by;
		t->at = 0;
	}
	for (size_t n = 0; t->change && n < t->change->count; n++) {
		size_t i = (t->at + t->change->count - n) % t->change->count;

		if (strcmp(t->change->edits[i].target, r->target) != 0)
			continue;
		t->at = i;
		return t->change->outcomes[i].verdict == VERDICT_IN_FORCE || t->change->outcomes[i].verdict == VERDICT_STORED;
	}
	return false;
}

/* Of a change of many some may have been taken back one by one: what somebody stored there since is not theirs to remove again. Rows and edits
 * both come in the order in which they were asked for. */
static size_t leave_out_undone(struct app *a, struct change *was, int64_t change)
{
	struct taker taker = { 0 };
	struct journal_query q;
	struct journal_row *rows;
	size_t n, left_out = 0;

	journal_query_init(&q);
	q.server = a->profile.name;
	q.change = change;
	if (!journal_list(a->store, &q, &rows, &n, NULL))
		return 0;
	for (size_t i = 0; i < was->count && i < n; i++) {
		if (rows[i].kind != was->edits[i].kind || strcmp(rows[i].target, was->edits[i].target) != 0)
			break;
		if (!rows[i].undone_by || was->outcomes[i].no_op || !is_taken_back(a, &taker, &rows[i]))
			continue;
		was->outcomes[i].no_op = true; /* nothing of it is left to take back */
		left_out++;
	}
	journal_rows_free(rows, n);
	change_free(taker.change);
	return left_out;
}

struct plan *plan_undo(struct app *a, int64_t id, struct err *err)
{
	int64_t change = 0, edit = 0;
	struct change *was, *inverse;
	char lost[200] = "", *server = NULL;
	size_t left_out;
	struct plan *p;

	if (!journal_find(a->store, a->profile.name, id, &change, &edit, err))
		return NULL;
	was = journal_load(a->store, change, edit, &server, err);
	free(server);
	if (!was)
		return NULL;
	left_out = edit ? 0 : leave_out_undone(a, was, change);
	inverse = change_inverse(was, lost, sizeof(lost));
	change_free(was);
	if (!inverse || inverse->count == 0) {
		if (inverse)
			change_free(inverse);
		err_set(err, ERR_NOT_FOUND, "there is nothing to take back");
		return NULL;
	}
	p = plan_new(a);
	change_free(p->change);
	p->change = inverse;
	p->undoes = change;
	for (size_t i = 0; i < inverse->count; i++)
		if (!inverse->edits[i].by && (inverse->edits[i].kind != EDIT_BLOCK || inverse->edits[i].reason != REASON_NONE))
			inverse->edits[i].by = xstrdup(a->login);
	if (left_out)
		plan_add_line(p, PLAN_INFO, SIZE_MAX, "%zu of them %s taken back already", left_out, left_out == 1 ? "was" : "were");
	if (lost[0])
		plan_add_line(p, PLAN_WARN, SIZE_MAX, "can't be restored: %s", lost);
	say_made(a, p);
	say_touched(a, p, change);
	plan_guard(a, p, a->options.force);
	if (inverse->count == 1)
		snprintf(p->question, sizeof(p->question), "Undo: %s %.80s?", edit_words(inverse->edits[0].kind), inverse->edits[0].target);
	else
		snprintf(p->question, sizeof(p->question), "Undo: %zu edits?", inverse->count);
	return p;
}
