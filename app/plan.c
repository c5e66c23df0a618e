/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans for the two lists: what a person typed becomes edits with the server's own keys, guards are asked, and what to expect is said. */
#include "app/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/plan_private.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

void plan_options_init(struct plan_options *o)
{
	memset(o, 0, sizeof(*o));
	o->expires = o->created = TIME_NONE;
}

struct plan *plan_new(struct app *a)
{
	struct plan *p = xcalloc(1, sizeof(*p));

	p->change = change_new();
	p->change->forced = false;
	(void)a;
	return p;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->line_count; i++)
		free(p->lines[i].text);
	free(p->lines);
	if (p->change)
		change_free(p->change);
	free(p);
}

void plan_add_line(struct plan *p, enum plan_level level, size_t edit, const char *fmt, ...)
{
	struct buf raw = BUF_INIT, safe = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	text_safe(&safe, buf_str(&raw), raw.len, TEXT_LINE);
	xgrow(&p->lines, &p->line_cap, p->line_count + 1, sizeof(*p->lines));
	p->lines[p->line_count++] = (struct plan_line){ .level = level, .edit = edit, .text = buf_take(&safe, NULL) };
	buf_release(&raw);
}

/* ---- edits ---- */

static void fill(struct app *a, struct edit *e, const struct plan_options *o)
{
	e->by = xstrdup(a->login);
	e->note = o->note && o->note[0] ? xstrdup(o->note) : NULL;
	e->reason = o->reason == REASON_NONE ? REASON_MANUAL : o->reason;
	/* whole seconds: what a server can hold, so that it reads back equal */
	e->created = (o->created == TIME_NONE ? clock_now() : o->created) / 1000 * 1000;
	e->expires = o->expires == TIME_NONE ? TIME_NONE : o->expires / 1000 * 1000;
}

struct edit *plan_edit(struct app *a, struct plan *p, enum edit_kind kind, const char *target, const struct plan_options *o)
{
	struct edit *e = change_add(p->change, kind, target);

	fill(a, e, o);
	return e;
}

/* An edit that removes row, by the key the server has it under. */
static void remove_row(struct app *a, struct plan *p, enum list_kind list, size_t row, const struct plan_options *o)
{
	const struct entrylist *l = a->snap.list[list];
	struct edit *e = plan_edit(a, p, list == LIST_BLOCKED ? EDIT_UNBLOCK : EDIT_DISALLOW, entry_key(l, row), o);

	entry_net(&l->rows[row], &e->net);
}

/* Rows that are the same net under whatever spelling; each is removed. */
static size_t remove_net(struct app *a, struct plan *p, enum list_kind list, const struct net *n, const struct plan_options *o)
{
	const struct entrylist *l = a->snap.list[list];
	ptrdiff_t first = l ? entrylist_find(l, n) : -1;
	size_t removed = 0;
	struct net other;

	if (first < 0)
		return 0;
	while (first > 0 && (entry_net(&l->rows[first - 1], &other), net_equal(&other, n)))
		first--;
	for (size_t row = (size_t)first; row < l->count; row++, removed++) {
		entry_net(&l->rows[row], &other);
		if (!net_equal(&other, n))
			break;
		remove_row(a, p, list, row, o);
	}
	return removed;
}

/* ---- what to expect ---- */

static void say_counters(struct app *a, struct plan *p, const struct plan_options *o)
{
	const struct server_info *srv = session_server(a->session);

	p->offer_reset = (1u << CLASS_COUNT) - 1;
	if (o->reset_classes && !server_has(srv, CAP(RESET_COUNTERS)))
		plan_add_line(p, PLAN_WARN, SIZE_MAX, "failure counters can't be reset here (%s): the next failure bans again",
			server_lacks(srv, CAP(RESET_COUNTERS)));
	else if (o->reset_classes)
		plan_add_line(p, PLAN_INFO, SIZE_MAX, "failure counters are reset too: for every address and login, not only these");
	else if (server_has(srv, CAP(RESET_COUNTERS)))
		plan_add_line(p, PLAN_WARN, SIZE_MAX, "failure counters outlive this: the next failure bans again, unless they are reset (for everyone)");
	else
		p->offer_reset = 0;
}

/* A reason that the server has no place for. */
static void say_note(struct app *a, struct plan *p, const struct plan_options *o)
{
	const struct server_info *srv = session_server(a->session);
	enum edit_kind kind = p->change->count ? p->change->edits[0].kind : EDIT_COUNT;

	if (!o->note || !o->note[0] || server_has(srv, CAP(NOTES)))
		return;
	if (kind == EDIT_BLOCK || (kind == EDIT_ALLOW && !server_has(srv, CAP(NATIVE_EXPIRY))))
		plan_add_line(p, PLAN_INFO, SIZE_MAX, "this server keeps no words with an entry: the reason is in the journal");
}

static void finish(struct app *a, struct plan *p, const char *verb, const struct plan_options *o)
{
	char count[32];
	size_t n = 0;

	plan_settle_covers(a, p);
	for (size_t i = 0; i < p->change->count; i++)
		n += p->change->edits[i].kind == p->change->edits[0].kind;
	if (n == 1)
		snprintf(p->question, sizeof(p->question), "%s %.80s?", verb, p->change->edits[0].target);
	else
		snprintf(p->question, sizeof(p->question), "%s %s entries?", verb, text_grouped(n, count, sizeof(count)));
	p->change->reset_classes = server_has(session_server(a->session), CAP(RESET_COUNTERS)) ? o->reset_classes : 0; /* say_counters() told */
	p->change->reason = o->note && o->note[0] ? xstrdup(o->note) : NULL;
	say_note(a, p, o);
	plan_renew(a, p, o);
	plan_guard(a, p, o->force);
	if (n == 1 && edit_is_expiry(p->change->edits[0].kind))
		snprintf(p->question, sizeof(p->question), "Change when %.80s ends?", p->change->edits[0].target);
	if (n > PLAN_MANY) {
		p->needs_yes = true;
		snprintf(p->why_yes, sizeof(p->why_yes), "%s entries at once", text_grouped(n, count, sizeof(count)));
	}
}

/* ---- the four ---- */

struct plan *plan_block(struct app *a, const char *const *targets, size_t n, const struct plan_options *o, struct err *err)
{
	const struct entrylist *blocked = a->snap.list[LIST_BLOCKED], *allowed = a->snap.list[LIST_ALLOWED];
	bool allow_wins = server_has(session_server(a->session), CAP(ALLOW_WINS));
	struct plan *p;
	int64_t now = clock_now();
	char text[NET_BUF];
	size_t replaced;
	struct net net;

	if (o->replace && !app_can(a, CAP(WRITE_BLOCKED) | (o->expires != TIME_NONE ? CAP(EXPIRY) : 0), err))
		return NULL; /* not the half of it */
	p = plan_new(a);
	for (size_t i = 0; i < n; i++) {
		ptrdiff_t row;

		if (!net_parse_input(targets[i], &net, err)) {
			plan_free(p);
			return NULL;
		}
		row = blocked ? entrylist_find(blocked, &net) : -1;
		/* an entry that is there keeps its key and value: it is proven again, not written again */
		plan_edit(a, p, EDIT_BLOCK, row >= 0 ? entry_key(blocked, (size_t)row) : net_format(&net, text, sizeof(text)), o)->net = net;
		if (row >= 0 && entry_state(blocked, (size_t)row, now) != ENTRY_EXPIRED) {
			p->already++;
			if (!plan_gets_another_end(&blocked->rows[row], o))
				plan_add_line(p, PLAN_INFO, p->change->count - 1, "%s is blocked already; its entry is left as it is", targets[i]);
		} else if (row < 0 && blocked && (row = entrylist_covering(blocked, &net, -1, now)) >= 0) {
			plan_add_line(p, PLAN_INFO, p->change->count - 1, "%s is refused already: covered by %s", targets[i],
				entry_key(blocked, (size_t)row));
		}
		if (allow_wins && allowed && (row = entrylist_covering(allowed, &net, -1, now)) >= 0)
			plan_add_line(p, PLAN_WARN, p->change->count - 1, "%s will not be refused: the allowed entry %s wins", targets[i],
				entry_key(allowed, (size_t)row));
	}
	replaced = plan_replace(a, p, o);
	finish(a, p, "Block", o);
	if (replaced) {
		p->question[strlen(p->question) - 1] = '\0';
		snprintf(p->question + strlen(p->question), sizeof(p->question) - strlen(p->question), " in place of %zu %s?", replaced,
			replaced == 1 ? "entry" : "entries");
	}
	return p;
}

/* A typed target of a removal: an address or network, or the raw text of a listed entry. */
static bool remove_target(struct app *a, struct plan *p, enum list_kind list, const char *target, const struct plan_options *o, struct err *err)
{
	const struct entrylist *l = a->snap.list[list];
	ptrdiff_t row = l ? entrylist_find_key(l, target) : -1;
	enum edit_kind kind = list == LIST_BLOCKED ? EDIT_UNBLOCK : EDIT_DISALLOW;
	size_t before = p->change->count;
	char text[NET_BUF];
	struct net net;

	if (row >= 0 && l->rows[row].family == 0) {
		remove_row(a, p, list, (size_t)row, o);
		plan_add_line(p, PLAN_INFO, before, "%s is no address: it blocks nothing%s", target,
			server_has(session_server(a->session), CAP(CHECK_CONFIG)) ? ", and refuses every full reload" : "");
		return true;
	}
	if (!net_parse_input(target, &net, err))
		return false;
	if (remove_net(a, p, list, &net, o) == 0) {
		plan_edit(a, p, kind, net_format(&net, text, sizeof(text)), o)->net = net;
		p->already++;
		plan_add_line(p, PLAN_INFO, before, "%s is not listed%s", text,
			server_has(session_server(a->session), CAP(LIVE_AT_ONCE)) ? "" : "; the reload makes sure that it is not in force either");
	}
	if (list == LIST_BLOCKED)
		plan_say_cover(a, p, before, &net, target);
	return true;
}

static void allow_edit(struct app *a, struct plan *p, const struct net *net, const struct plan_options *o)
{
	const struct entrylist *allowed = a->snap.list[LIST_ALLOWED];
	ptrdiff_t row = allowed ? entrylist_find(allowed, net) : -1;
	char text[NET_BUF];

	plan_edit(a, p, EDIT_ALLOW, row >= 0 ? entry_key(allowed, (size_t)row) : net_format(net, text, sizeof(text)), o)->net = *net;
	if (row >= 0)
		p->already++;
}

struct plan *plan_unblock(struct app *a, const char *const *targets, size_t n, const struct plan_options *o, struct err *err)
{
	struct plan *p;

	if (o->allow && !app_can(a, CAP(WRITE_ALLOWED), err))
		return NULL; /* not the half of it */
	p = plan_new(a);
	for (size_t i = 0; i < n; i++) {
		size_t first = p->change->count;

		if (!remove_target(a, p, LIST_BLOCKED, targets[i], o, err)) {
			plan_free(p);
			return NULL;
		}
		if (o->allow && p->change->edits[first].net.family)
			allow_edit(a, p, &p->change->edits[first].net, o);
	}
	say_counters(a, p, o);
	finish(a, p, o->allow ? "Un-block and allow" : "Un-block", o);
	return p;
}

struct plan *plan_disallow(struct app *a, const char *const *targets, size_t n, const struct plan_options *o, struct err *err)
{
	struct plan *p = plan_new(a);

	for (size_t i = 0; i < n; i++)
		if (!remove_target(a, p, LIST_ALLOWED, targets[i], o, err)) {
			plan_free(p);
			return NULL;
		}
	finish(a, p, "Disallow", o);
	return p;
}

/* Up to 0.15 the block wins over the allow, so allowing lifts the block, and says so in advance. */
static void lift_blocks(struct app *a, struct plan *p, const struct net *net, const struct plan_options *o)
{
	bool allow_wins = server_has(session_server(a->session), CAP(ALLOW_WINS));
	const struct entrylist *blocked = a->snap.list[LIST_BLOCKED];
	size_t first = p->change->count;
	char text[NET_BUF];

	if (!blocked || entrylist_find(blocked, net) < 0) {
		if (!allow_wins)
			plan_say_cover(a, p, first - 1, net, net_format(net, text, sizeof(text)));
		return;
	}
	if (o->keep_blocked) {
		plan_add_line(p, allow_wins ? PLAN_INFO : PLAN_WARN, first - 1,
			allow_wins ? "the block stays listed; the allow wins over it"
				   : "the block stays, and on this server a block wins over an allow");
		return;
	}
	remove_net(a, p, LIST_BLOCKED, net, o);
	plan_add_line(p, PLAN_INFO, first, "%s is blocked: the block is lifted too", net_format(net, text, sizeof(text)));
	if (!allow_wins)
		plan_say_cover(a, p, first, net, text);
}

struct plan *plan_allow(struct app *a, const char *const *targets, size_t n, const struct plan_options *o, struct err *err)
{
	struct plan *p;
	struct net net;

	if (!app_can(a, CAP(WRITE_ALLOWED), err))
		return NULL;
	p = plan_new(a);
	for (size_t i = 0; i < n; i++) {
		if (!net_parse_input(targets[i], &net, err)) {
			plan_free(p);
			return NULL;
		}
		allow_edit(a, p, &net, o);
		lift_blocks(a, p, &net, o);
	}
	for (size_t i = 0; i < o->lift_count; i++)
		remove_net(a, p, LIST_BLOCKED, &o->lift[i], o);
	finish(a, p, "Allow", o);
	return p;
}

struct plan *plan_remove_rows(struct app *a, enum list_kind list, const size_t *rows, size_t n, const struct plan_options *o, struct err *err)
{
	const struct entrylist *l = a->snap.list[list];
	struct plan *p = plan_new(a);
	struct net net;

	if (!l || n == 0) {
		plan_free(p);
		err_set(err, ERR_USAGE, "no entry is chosen");
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		remove_row(a, p, list, rows[i], o);
		entry_net(&l->rows[rows[i]], &net);
		if (list == LIST_BLOCKED && net.family && i < 1000)
			plan_say_cover(a, p, p->change->count - 1, &net, entry_key(l, rows[i]));
		if (o->allow && net.family)
			allow_edit(a, p, &net, o);
	}
	if (list == LIST_BLOCKED)
		say_counters(a, p, o);
	finish(a, p, list == LIST_BLOCKED ? "Un-block" : "Disallow", o);
	return p;
}

static bool brings_more(const struct edit *e, int64_t now)
{
	return e->note || e->created < now - 60000 || (e->reason != REASON_NONE && e->reason != REASON_MANUAL);
}

/* What entries made elsewhere bring along, and this server has no place for. */
static void say_left_behind(struct app *a, struct plan *p)
{
	const struct server_info *srv = session_server(a->session);
	int64_t now = clock_now();
	bool keeps_notes = server_has(srv, CAP(NOTES)), dates = server_has(srv, CAP(NATIVE_EXPIRY));
	size_t notes = 0, dated = 0, bare = 0;
	char count[32];

	for (size_t i = 0; i < p->change->count; i++) {
		const struct edit *e = &p->change->edits[i];

		if (e->kind != EDIT_BLOCK && e->kind != EDIT_ALLOW)
			continue;
		notes += e->kind == EDIT_BLOCK && e->note && !keeps_notes;
		dated += dates && e->created < now - 60000;
		bare += !keeps_notes && !dates && brings_more(e, now);
	}
	if (bare)
		plan_add_line(p, PLAN_INFO, SIZE_MAX,
			"this server keeps addresses and nothing else: why and when %s of them were entered is left behind",
			text_grouped(bare, count, sizeof(count)));
	else if (notes)
		plan_add_line(p, PLAN_INFO, SIZE_MAX, "this server keeps no words with an entry: what was noted for %s of them is left behind",
			text_grouped(notes, count, sizeof(count)));
	if (dated)
		plan_add_line(p, PLAN_INFO, SIZE_MAX, "this server dates every entry itself (createdAt): when %s of them were made is left behind",
			text_grouped(dated, count, sizeof(count)));
}

struct plan *plan_of_change(struct app *a, struct change *c, const struct plan_options *o, struct err *err)
{
	struct plan *p;

	if (c->count == 0) {
		err_set(err, ERR_NOT_FOUND, "nothing to do");
		return NULL;
	}
	p = plan_new(a);
	change_free(p->change);
	p->change = c;
	for (size_t i = 0; i < c->count; i++) {
		if (!c->edits[i].by)
			c->edits[i].by = xstrdup(a->login);
		if (c->edits[i].created == TIME_NONE)
			c->edits[i].created = clock_now() / 1000 * 1000;
	}
	say_left_behind(a, p);
	finish(a, p, edit_words(c->edits[0].kind), o);
	return p;
}
