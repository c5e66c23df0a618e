/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each phase of a change asks and learns. The order of phases is exec.c's, the verdicts are exec_judge.c's. */
#include <stdlib.h>
#include <string.h>

#include "client/exec_private.h"
#include "core/mem.h"
#include "core/text.h"

#define PROBLEMS_SHOWN 5

/* ---- texts ---- */

const char *exec_keep(struct exec *x, const char *text)
{
	struct buf safe = BUF_INIT;
	char *copy;

	if (!text)
		return NULL;
	text_safe(&safe, text, strlen(text), TEXT_LINE);
	copy = buf_take(&safe, NULL);
	/* a refused batch says the same for each of its edits */
	if (x->word_count && !strcmp(x->words[x->word_count - 1], copy)) {
		free(copy);
		return x->words[x->word_count - 1];
	}
	xgrow(&x->words, &x->word_cap, x->word_count + 1, sizeof(*x->words));
	x->words[x->word_count++] = copy;
	return copy;
}

/* Nothing more is sent from here on. */
static void lose(struct exec *x, struct facts_step step)
{
	x->lost = true;
	x->loss = step;
}

/* A request without an answer. Refused credentials are no lost connection. */
static struct facts_step step_unanswered(struct exec *x, const struct response *res)
{
	struct facts_step step = { FATE_UNSENT, res->err.code, exec_keep(x, res->err.msg) };

	if (res->err.code == ERR_AUTH)
		step.fate = FATE_REFUSED;
	else if (res->sent)
		step.fate = FATE_LOST;
	lose(x, step);
	return step;
}

static struct facts_step step_refused(struct exec *x, enum err_code why, const char *text)
{
	return (struct facts_step){ FATE_REFUSED, why ? why : ERR_SERVER, exec_keep(x, text) };
}

void exec_cursor_release(struct exec *x, struct cursor *cur)
{
	if (cur->memo && x->dialect && x->dialect->memo_free)
		x->dialect->memo_free(cur->memo);
	*cur = (struct cursor){ 0 };
}

/* ---- failing ---- */

/* The batch under way and, when nothing more can be sent, all that would have followed. */
static void fail_from(struct exec *x, size_t offset, struct facts_step step, bool and_rest)
{
	size_t end = and_rest ? x->work.count : x->batch.first + x->batch.count;

	for (size_t i = x->batch.first; i < end; i++)
		*(struct facts_step *)(void *)((char *)&x->at[i] + offset) = step;
}

/* ---- reading, before and after ---- */

static size_t read_offset(const struct exec *x)
{
	return x->phase == EXEC_BEFORE ? offsetof(struct exec_edit, before) : offsetof(struct exec_edit, after);
}

bool exec_read_encode(struct exec *x, struct request *req, struct err *err)
{
	bool ok;

	if (!x->batch.change)
		exec_batch_begin(x);
	ok = x->dialect->read_encode(&x->server, &x->batch, req, err);
	exec_batch_bound(x, &x->batch);
	return ok;
}

static void take_value(char **slot, struct edit_result *r)
{
	free(*slot);
	*slot = r->value;
	r->value = NULL;
}

/* Of a path that was stored, or of built-in ones: undoing is to leave neither another order nor a copy of what was built in. */
static void keep_place(const struct edit *e, const char *id, struct outcome *out)
{
	if (!edit_is_path(e->kind) || !id || out->place)
		return;
	if (id[0] == '=' || (id[0] >= '0' && id[0] <= '9'))
		out->place = xstrdup(id[0] == '=' ? PLACE_BUILTIN : id);
}

static void read_harvest(struct exec *x)
{
	for (size_t i = 0; i < x->batch.count; i++) {
		struct exec_edit *at = &x->at[x->batch.first + i];
		struct edit_result *r = &x->result[i];
		struct outcome *out = &x->change->outcomes[at->index];
		struct facts_step step = { FATE_OK, ERR_NONE, NULL };

		if (!r->ok)
			step = step_refused(x, r->why, r->text);
		if (x->phase != EXEC_BEFORE) {
			at->after = step;
			if (x->work.edits[x->batch.first + i].kind != EDIT_CERT_RENEW) /* there it is the task, from the write */
				take_value(&out->after, r);
			continue;
		}
		at->before = step;
		take_value(&out->before, r);
		keep_place(&x->work.edits[x->batch.first + i], r->id, out);
		x->before[x->batch.first + i] = out->before;
		x->ids[x->batch.first + i] = r->id;
		r->id = NULL; /* freed with the change */
	}
}

/* Before the write nothing may be written blindly: one refusal stands for all. */
static void read_refused(struct exec *x, const struct err *err)
{
	struct facts_step step = step_refused(x, err->code, err->msg);

	fail_from(x, read_offset(x), step, x->phase == EXEC_BEFORE);
	if (x->phase == EXEC_BEFORE)
		lose(x, step);
}

bool exec_read_decode(struct exec *x, const struct response *res)
{
	struct err err = ERR_INIT;
	enum decode got;

	if (res->status == 0) {
		fail_from(x, read_offset(x), step_unanswered(x, res), true);
		return true;
	}
	got = x->dialect->read_decode(&x->server, &x->batch, res, &err);
	x->batch.cur.round++;
	if (got == DECODE_MORE)
		return false;
	if (got == DECODE_DONE) {
		read_harvest(x);
		return true;
	}
	read_refused(x, &err);
	return true;
}

/* ---- between ---- */

/* A hundred thousand new entries mostly want the same value: it is asked for once. */
static const struct exec_wanted *wanted(struct exec *x, const struct edit *e, const char *before)
{
	struct exec_wanted *w = &x->wanted;

	if (w->of && !before && edit_asks_the_same(e, w->of))
		return w;
	buf_reset(&w->text);
	w->is_there = x->dialect->wanted(&x->server, e, before, &w->text);
	w->of = before ? NULL : e;
	return w;
}

static bool same_value(const struct exec_wanted *w, const char *value)
{
	return w->is_there ? value && !strcmp(buf_str(&w->text), value) : !value;
}

static bool adds_an_entry(enum edit_kind k)
{
	return k == EDIT_BLOCK || k == EDIT_ALLOW || k == EDIT_PATH_ADD;
}

void exec_plan_one(struct exec *x, size_t i)
{
	const struct edit *e = &x->work.edits[i];
	struct exec_edit *at = &x->at[i];
	const char *before = x->before[i];
	bool adds = adds_an_entry(e->kind), is_so;

	/* what is not there can't be what an addition wants, whatever that is */
	is_so = adds ? before != NULL : same_value(wanted(x, e, before), before);
	at->no_op = at->before.fate == FATE_OK && e->kind != EDIT_CERT_RENEW && is_so;
	at->conflict = at->before.fate == FATE_OK && !at->no_op && !edit_expects(e, before);
	x->skip[i] = at->no_op || at->conflict || at->before.fate != FATE_OK || (edit_is_expiry(e->kind) && !before);
}

/* There before, or stored by somebody else while the write was on its way: that entry stays as it is. */
static bool keeps_what_is_there(const struct exec_edit *at)
{
	return at->no_op || (at->write.fate == FATE_REFUSED && at->write.why == ERR_CONFLICT);
}

void exec_compare_one(struct exec *x, size_t i)
{
	const struct edit *e = &x->work.edits[i];
	struct exec_edit *at = &x->at[i];
	const char *before = x->before[i], *after;
	struct outcome *out = &x->change->outcomes[at->index];
	const struct exec_wanted *w;

	if (at->no_op && at->after.fate == FATE_NONE) { /* nothing at all was written, so nothing was read again */
		at->after.fate = FATE_OK;
		out->after = before ? xstrdup(before) : NULL;
	}
	after = out->after;
	w = wanted(x, e, before);
	at->wants_value = w->is_there;
	at->matches = at->after.fate == FATE_OK &&
		(e->kind == EDIT_CERT_RENEW /* a renewal has no value: its task was taken, or it was not */
				? at->write.fate == FATE_OK
				: same_value(w, after) || (keeps_what_is_there(at) && after && adds_an_entry(e->kind)));
	at->reloads = (uint8_t)exec_reloads(x, e);
	if (at->matches && (at->no_op || at->write.fate == FATE_OK || (at->write.fate == FATE_REFUSED && at->write.why == ERR_CONFLICT)))
		x->reload_bits |= at->reloads;
}

/* ---- writing ---- */

bool exec_write_encode(struct exec *x, struct request *req, struct err *err)
{
	bool ok;

	if (!x->batch.change && exec_ahead_take(x, req))
		return true;
	if (!x->batch.change)
		exec_batch_begin(x);
	ok = x->dialect->write_encode(&x->server, &x->batch, req, err);
	exec_batch_bound(x, &x->batch);
	return ok;
}

static void write_fail(struct exec *x, struct facts_step step, bool and_rest)
{
	struct facts_step unsent = { FATE_UNSENT, step.why, step.text };
	size_t end = x->batch.first + x->batch.count, last = and_rest ? x->work.count : end;

	for (size_t i = x->batch.first; i < last; i++)
		if (!x->skip[i])
			x->at[i].write = i < end ? step : unsent;
}

static void write_harvest(struct exec *x)
{
	for (size_t i = 0; i < x->batch.count; i++) {
		struct exec_edit *at = &x->at[x->batch.first + i];
		struct edit_result *r = &x->result[i];

		if (x->skip[x->batch.first + i])
			continue;
		if (r->value)
			take_value(&x->change->outcomes[at->index].after, r);
		at->write = r->ok ? (struct facts_step){ FATE_OK, ERR_NONE, NULL } : step_refused(x, r->why, r->text);
	}
}

/* Who may not write this batch may not write the next one either. */
static void write_refused(struct exec *x, const struct err *err)
{
	x->write_over = err->code == ERR_PERMISSION || err->code == ERR_AUTH;
	write_fail(x, step_refused(x, err->code, err->msg), x->write_over);
}

bool exec_write_decode(struct exec *x, const struct response *res)
{
	struct err err = ERR_INIT;
	struct facts_step step;
	enum decode got;

	if (res->status == 0) {
		step = step_unanswered(x, res);
		if (step.fate == FATE_REFUSED)
			step.fate = FATE_UNSENT;
		if (x->batch.cur.round > 0) /* an earlier request of this batch may have written */
			step.fate = FATE_LOST;
		write_fail(x, step, true);
		return true;
	}
	got = x->dialect->write_decode(&x->server, &x->batch, res, &err);
	x->batch.cur.round++;
	if (got == DECODE_MORE)
		return false;
	if (got == DECODE_DONE) {
		write_harvest(x);
		return true;
	}
	write_refused(x, &err);
	return true;
}

/* ---- reloading ---- */

bool exec_reload_encode(struct exec *x, struct request *req, struct err *err)
{
	if (!x->dialect->reload_encode)
		return slot_missing(CAP(RELOAD), err);
	return x->dialect->reload_encode(&x->server, (enum reload_kind)x->reload_kind, &x->cur, req, err);
}

/* "key: words; key: words; and 3 more" */
static const char *problems_text(struct exec *x, const struct reload_result *r)
{
	struct buf out = BUF_INIT;
	const char *kept;

	for (size_t i = 0; i < r->error_count && i < PROBLEMS_SHOWN; i++)
		buf_addf(&out, "%s%s: %s", i ? "; " : "", r->errors[i].key ? r->errors[i].key : "?",
			r->errors[i].text ? r->errors[i].text : "");
	if (r->error_count > PROBLEMS_SHOWN)
		buf_addf(&out, "; and %zu more", r->error_count - PROBLEMS_SHOWN);
	kept = exec_keep(x, out.len ? buf_str(&out) : r->text[0] ? r->text : NULL);
	buf_release(&out);
	return kept;
}

bool exec_reload_decode(struct exec *x, const struct response *res)
{
	struct facts_reload *l = &x->reload[x->reload_kind];
	struct reload_result *r = &x->reload_result;
	struct err err = ERR_INIT;
	enum decode got;

	if (res->status == 0) {
		l->step = step_unanswered(x, res);
		return true;
	}
	got = x->dialect->reload_decode(&x->server, (enum reload_kind)x->reload_kind, &x->cur, res, r, &err);
	x->cur.round++;
	if (got == DECODE_MORE)
		return false;
	l->errors = r->errors;
	l->error_count = r->error_count;
	if (got == DECODE_FAIL) {
		l->step = step_refused(x, err.code, err.msg);
		*r = (struct reload_result){ 0 };
		return true;
	}
	l->asynchronous = r->asynchronous;
	l->good_ones_live = r->good_ones_live;
	l->step = r->ok || r->good_ones_live ? (struct facts_step){ FATE_OK, ERR_NONE, problems_text(x, r) }
					     : step_refused(x, r->why, problems_text(x, r));
	*r = (struct reload_result){ 0 };
	return true;
}

/* ---- counters ---- */

bool exec_reset_encode(struct exec *x, struct request *req, struct err *err)
{
	if (!x->dialect->reset_encode)
		return slot_missing(CAP(RESET_COUNTERS), err);
	return x->dialect->reset_encode(&x->server, x->reset_classes, &x->cur, req, err);
}

bool exec_reset_decode(struct exec *x, const struct response *res)
{
	struct err err = ERR_INIT;
	enum decode got;

	if (res->status == 0) {
		x->reset = step_unanswered(x, res);
		return true;
	}
	got = x->dialect->reset_decode(&x->server, x->reset_classes, &x->cur, res, &err);
	x->cur.round++;
	if (got == DECODE_MORE)
		return false;
	x->reset = got == DECODE_DONE ? (struct facts_step){ FATE_OK, ERR_NONE, NULL } : step_refused(x, err.code, err.msg);
	return true;
}

/* ---- a request that could not be made ---- */

void exec_step_refused(struct exec *x, const struct err *err)
{
	struct facts_step step = step_refused(x, err->code, err->msg);

	if (x->phase == EXEC_BEFORE || x->phase == EXEC_READ_BACK)
		read_refused(x, err);
	else if (x->phase == EXEC_WRITE)
		write_refused(x, err);
	else if (x->phase == EXEC_RELOAD)
		x->reload[x->reload_kind].step = step;
	else if (x->phase == EXEC_RESET)
		x->reset = step;
}

/* ---- judging ---- */

/* What was not even tried because nothing could be sent any more. */
static void fill_loss(const struct exec *x, struct facts_step *step)
{
	if (!x->lost || step->fate != FATE_NONE)
		return;
	*step = x->loss;
	step->fate = FATE_UNSENT;
}

static void facts_of_change(struct exec *x, const struct edit *e, struct facts *f)
{
	memcpy(f->reload, x->reload, sizeof(f->reload));
	for (int k = 0; k < RELOAD_KIND_COUNT; k++)
		fill_loss(x, &f->reload[k].step);
	f->reset = x->reset;
	if (x->reset_classes)
		fill_loss(x, &f->reset);
	f->reloads = exec_reloads(x, e);
	if (x->dialect->caveat)
		f->caveat = x->dialect->caveat(&x->server, e);
}

static void facts_of_edit(const struct exec *x, const struct exec_edit *at, struct facts *f)
{
	f->no_op = at->no_op;
	f->conflict = at->conflict;
	f->stopped = at->stopped;
	f->before = at->before;
	f->write = at->write;
	f->after = at->after;
	f->wants_value = at->wants_value;
	f->matches = at->matches;
	if (f->after.fate == FATE_NONE && x->lost) {
		f->after = x->loss;
		f->after.fate = x->loss.fate == FATE_REFUSED ? FATE_REFUSED : FATE_UNSENT;
	}
}

/* Why it can't be done at all. */
static struct facts_step step_impossible(struct exec *x, const struct edit *e)
{
	struct err err = ERR_INIT;

	if (exec_edit_is_possible(x, e, &err))
		err_set(&err, ERR_UNSUPPORTED, "this server can't do that");
	return step_refused(x, err.code, err.msg);
}

void exec_judge_one(struct exec *x, size_t index)
{
	struct outcome *out = &x->change->outcomes[index];
	const struct edit *e = &x->change->edits[index];
	struct facts f = { .edit = e,
		.is_action = x->map[index] < 0,
		.is_recheck = x->is_recheck,
		.recheck_reloads = x->recheck_reloads,
		.expected = e->expected,
		.before_value = out->before,
		.after_value = out->after };

	if (x->map[index] == MAP_IMPOSSIBLE)
		f.can = step_impossible(x, e);
	else
		facts_of_change(x, e, &f);
	if (x->map[index] >= 0)
		facts_of_edit(x, &x->at[x->map[index]], &f);
	exec_judge(&f, out);
}
