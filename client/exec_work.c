/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A change taken apart: which of its edits are written and read, which are bare actions, which this server can't do; and the memory all
 * of that takes. Sends nothing. */
#include <stdlib.h>
#include <string.h>

#include "client/exec_private.h"
#include "core/mem.h"

/* ---- which edits can be done, and how ---- */

unsigned exec_edit_caps(enum edit_kind k)
{
	static const unsigned caps[EDIT_COUNT] = {
		[EDIT_BLOCK] = CAP(WRITE_BLOCKED),
		[EDIT_UNBLOCK] = CAP(WRITE_BLOCKED),
		[EDIT_EXPIRY] = CAP(WRITE_BLOCKED),
		[EDIT_ALLOW_EXPIRY] = CAP(WRITE_ALLOWED),
		[EDIT_ALLOW] = CAP(WRITE_ALLOWED),
		[EDIT_DISALLOW] = CAP(WRITE_ALLOWED),
		[EDIT_THRESHOLD] = CAP(WRITE_THRESHOLDS),
		[EDIT_THRESHOLD_OFF] = CAP(WRITE_THRESHOLDS),
		[EDIT_THRESHOLD_DEFAULT] = CAP(WRITE_THRESHOLDS),
		[EDIT_PATH_ADD] = CAP(WRITE_THRESHOLDS) | CAP(SCAN_PATHS),
		[EDIT_PATH_REMOVE] = CAP(WRITE_THRESHOLDS) | CAP(SCAN_PATHS),
		[EDIT_RESET_COUNTERS] = CAP(RESET_COUNTERS),
		[EDIT_RELOAD] = CAP(RELOAD),
		[EDIT_CERT_RELOAD] = CAP(RELOAD_CERTS),
		[EDIT_CERT_RENEW] = CAP(RENEW_CERT),
		[EDIT_CERT_UPLOAD] = CAP(UPLOAD_CERT),
	};

	return caps[k];
}

/* What this edit asks beyond its kind: never learned from a refusal. */
static unsigned asks_for(const struct edit *e)
{
	if (e->kind == EDIT_THRESHOLD_OFF)
		return CAP(THRESHOLD_OFF);
	if (e->kind == EDIT_BLOCK || e->kind == EDIT_ALLOW || edit_is_expiry(e->kind))
		return e->expires != TIME_NONE ? CAP(EXPIRY) : 0;
	return 0;
}

unsigned exec_reloads(const struct exec *x, const struct edit *e)
{
	return x->dialect->reloads ? x->dialect->reloads(&x->server, e) : 0;
}

/* Where no renewal can be asked for, a reload may at least re-schedule it; the dialect's caveat says so. */
static bool renews_by_reload(const struct exec *x, const struct edit *e)
{
	return e->kind == EDIT_CERT_RENEW && !server_has(&x->server.info, CAP(RENEW_CERT)) &&
		x->server.info.caps[CAP_BIT_RENEW_CERT] == CAP_NO_GENERATION && exec_reloads(x, e);
}

static bool is_action(const struct exec *x, const struct edit *e)
{
	return e->kind == EDIT_RESET_COUNTERS || e->kind == EDIT_RELOAD || e->kind == EDIT_CERT_RELOAD || renews_by_reload(x, e);
}

/* What an edit takes of the dialect beside the reload that makes it live. */
static bool has_slots(const struct exec *x, const struct edit *e)
{
	const struct dialect_ops *d = x->dialect;

	if (e->kind == EDIT_RESET_COUNTERS)
		return d->reset_encode != NULL;
	if (is_action(x, e))
		return d->reload_encode != NULL;
	return d->wanted && d->read_encode && d->write_encode;
}

bool exec_edit_is_possible(const struct exec *x, const struct edit *e, struct err *err)
{
	if (!has_slots(x, e))
		return slot_missing(exec_edit_caps(e->kind), err);
	return session_can(x->session, renews_by_reload(x, e) ? CAP(RELOAD) : exec_edit_caps(e->kind) | asks_for(e), err);
}

static unsigned classes_of(enum ban_class c)
{
	return c < CLASS_COUNT ? 1u << c : (1u << CLASS_COUNT) - 1;
}

/* ---- lifetime ---- */

void exec_work_release(struct exec *x)
{
	if (x->result)
		exec_batch_end(x);
	exec_ahead_drop(x);
	buf_release(&x->wanted.text);
	x->wanted.of = NULL;
	exec_cursor_release(x, &x->cur);
	for (size_t i = 0; x->ids && i < x->work.count; i++)
		free((char *)(uintptr_t)x->ids[i]);
	if (x->work_is_copy)
		free(x->work.edits);
	free(x->at);
	free(x->map);
	free(x->skip);
	free(x->ids);
	free(x->before);
	free(x->result);
	x->at = NULL;
	x->map = NULL;
	x->skip = NULL;
	x->ids = x->before = NULL;
	x->result = NULL;
	x->work = (struct change){ 0 };
	x->work_is_copy = false;
	x->reload_bits = x->reset_classes = 0;
}

static void problems_free(const struct check_problem *p, size_t n)
{
	struct config_check *gone = xcalloc(1, sizeof(*gone));

	gone->errors = (struct check_problem *)(uintptr_t)p;
	gone->error_count = n;
	config_check_free(gone);
}

void exec_free(struct exec *x)
{
	if (x->exchange)
		exchange_cancel(x->exchange);
	if (timer_is_armed(&x->slice))
		x->session->slicing--;
	timer_stop(&x->slice);
	scope_remove(&x->item);
	LIST_REMOVE(x, link);
	exec_work_release(x);
	for (size_t i = 0; i < x->word_count; i++)
		free(x->words[i]);
	for (int k = 0; k < RELOAD_KIND_COUNT; k++)
		problems_free(x->reload[k].errors, x->reload[k].error_count);
	free(x->words);
	change_free(x->change);
	free(x);
}

void exec_free_all(struct session *s)
{
	while (!LIST_EMPTY(&s->execs))
		exec_free(LIST_FIRST(&s->execs));
}

/* ---- the start: sorting the edits ---- */

static size_t sort_edits(struct exec *x)
{
	size_t n = 0;

	x->map = xcalloc(x->change->count ? x->change->count : 1, sizeof(*x->map));
	for (size_t i = 0; i < x->change->count; i++) {
		const struct edit *e = &x->change->edits[i];

		if (x->is_recheck && (x->change->outcomes[i].verdict != VERDICT_UNKNOWN || is_action(x, e) || !has_slots(x, e)))
			x->map[i] = MAP_LEAVE;
		else if (!x->is_recheck && !exec_edit_is_possible(x, e, NULL))
			x->map[i] = MAP_IMPOSSIBLE;
		else if (is_action(x, e))
			x->map[i] = MAP_ACTION;
		else
			x->map[i] = (ptrdiff_t)n++;
	}
	return n;
}

static void share_edits(struct exec *x, size_t n)
{
	x->work.count = n;
	x->work.edits = x->change->edits;
	x->work_is_copy = n != x->change->count;
	if (x->work_is_copy)
		x->work.edits = xcalloc(n ? n : 1, sizeof(*x->work.edits));
	for (size_t i = 0; i < x->change->count; i++) {
		if (x->map[i] < 0)
			continue;
		x->at[x->map[i]].index = i;
		if (x->work_is_copy)
			x->work.edits[x->map[i]] = x->change->edits[i];
	}
}

/* Reloads and resets asked for as edits. */
static void add_actions(struct exec *x)
{
	for (size_t i = 0; i < x->change->count; i++) {
		const struct edit *e = &x->change->edits[i];

		if (x->map[i] != MAP_ACTION)
			continue;
		if (e->kind == EDIT_RESET_COUNTERS)
			x->reset_classes |= classes_of(e->class);
		else
			x->reload_bits |= exec_reloads(x, e);
	}
}

void exec_begin(struct exec *x)
{
	size_t n, room;

	x->dialect = x->session->dialect;
	x->server = x->session->server;
	x->epoch = x->session->epoch;
	n = sort_edits(x);
	room = n ? n : 1;
	x->at = xcalloc(room, sizeof(*x->at));
	x->skip = xcalloc(room, sizeof(*x->skip));
	x->ids = xcalloc(room, sizeof(*x->ids));
	x->before = xcalloc(room, sizeof(*x->before));
	x->result = xcalloc(room, sizeof(*x->result));
	share_edits(x, n);
	if (!x->is_recheck) {
		add_actions(x);
		x->phase = n ? EXEC_BEFORE : EXEC_RELOAD;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		x->before[i] = x->change->outcomes[x->at[i].index].before;
		x->at[i].before = x->at[i].write = (struct facts_step){ FATE_OK, ERR_NONE, NULL };
	}
	x->phase = EXEC_READ_BACK;
}

