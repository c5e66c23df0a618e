/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Carries a change out: what comes after what, in batches, never longer than a slice at once. What each phase asks is in exec_steps.c,
 * what the answers are worth in exec_judge.c. */
#include <stdlib.h>
#include <string.h>

#include "client/exec_private.h"
#include "core/clock.h"
#include "core/mem.h"

#define SLICE_EDITS 4000  /* edits planned, compared or judged at once */
#define PATIENCE_MAX 5    /* times a 429 is waited out */

static const struct exchange_ops exec_exchange;

/* ---- reports ---- */

/* Batches of one phase that went well are one report: a change of 100,000 edits has a handful of steps. */
static void report(struct exec *x, enum step_kind kind, bool ok, const char *detail, size_t count)
{
	struct change *c = x->change;
	struct step_report *last = c->step_count ? &c->steps[c->step_count - 1] : NULL;
	size_t first = count ? x->at[x->batch.first].index : 0;

	if (last && last->kind == kind && last->ok && ok && last->count && count && !detail && !last->detail) {
		last->count += count;
		last->ms += x->step_ms;
	} else {
		change_step(c, kind, ok, x->step_ms, first, count, detail);
	}
	x->step_ms = 0;
}

static enum step_kind step_of(enum exec_phase p)
{
	static const enum step_kind steps[] = {
		[EXEC_BEFORE] = STEP_BEFORE,
		[EXEC_WRITE] = STEP_WRITE,
		[EXEC_READ_BACK] = STEP_READ_BACK,
		[EXEC_RELOAD] = STEP_RELOAD,
		[EXEC_RESET] = STEP_RESET,
	};

	return steps[p];
}

static const struct facts_step *step_in(const struct exec *x, const struct exec_edit *at)
{
	return x->phase == EXEC_BEFORE ? &at->before : x->phase == EXEC_WRITE ? &at->write : &at->after;
}

static void report_batch(struct exec *x)
{
	const struct facts_step *bad = NULL;

	for (size_t i = x->batch.first; i < x->batch.first + x->batch.count && !bad; i++) {
		const struct facts_step *s = step_in(x, &x->at[i]);

		if (s->fate != FATE_OK && !(x->phase == EXEC_WRITE && x->skip[i]))
			bad = s;
	}
	report(x, step_of(x->phase), !bad, bad ? bad->text : NULL, x->batch.count);
}

static void tell_progress(const struct exec *x)
{
	struct change_progress p = { .done = x->next, .total = x->work.count, .step = step_of(x->phase),
		.elapsed_ms = clock_mono() - x->began };

	if (x->progress)
		x->progress(x->arg, x->change, &p);
}

/* ---- transitions ---- */

static void enter(struct exec *x, enum exec_phase phase)
{
	x->phase = phase;
	x->next = 0;
	x->batch.change = NULL;
	exec_ahead_drop(x);
	x->reload_kind = -1;
	exec_cursor_release(x, &x->cur);
}

/* Past the edits that need no write; false when none is left. */
static bool seek_write(struct exec *x)
{
	while (x->next < x->work.count && x->skip[x->next])
		x->next++;
	return x->next < x->work.count;
}

static bool next_reload(struct exec *x)
{
	while (++x->reload_kind < RELOAD_KIND_COUNT)
		if (x->reload_bits & 1u << x->reload_kind)
			return true;
	return false;
}

/* A global effect: only when something of the change was stored, or when it was asked for by itself. */
static bool wants_reset(struct exec *x)
{
	if (x->is_recheck)
		return false;
	for (size_t i = 0; i < x->work.count && x->change->reset_classes; i++)
		if (x->at[i].matches) {
			x->reset_classes |= x->change->reset_classes;
			break;
		}
	return x->reset_classes != 0;
}

static void stop_writing(struct exec *x)
{
	x->change->cancelled = true;
	for (size_t i = x->phase == EXEC_WRITE ? x->next : 0; i < x->work.count; i++)
		if (x->phase != EXEC_WRITE || !x->skip[i])
			x->at[i].stopped = true;
}

/* True: there is something to ask in this phase. False: on to the next one. */
static bool has_request(struct exec *x)
{
	switch (x->phase) {
	case EXEC_BEFORE:
		if (x->stop && x->next < x->work.count)
			stop_writing(x);
		return !x->lost && !x->stop && x->next < x->work.count;
	case EXEC_WRITE:
		if (x->lost || x->write_over || !seek_write(x))
			return false;
		if (x->stop)
			stop_writing(x);
		return !x->stop;
	case EXEC_READ_BACK:
		return !x->lost && x->next < x->work.count && (x->is_recheck || x->has_written);
	case EXEC_RELOAD:
		return !x->lost && (!x->is_recheck || x->recheck_reloads) && next_reload(x);
	case EXEC_RESET:
		return !x->lost && x->reset.fate == FATE_NONE && wants_reset(x);
	case EXEC_START:
	case EXEC_PLAN:
	case EXEC_COMPARE:
	case EXEC_JUDGE:
	case EXEC_END:
		break;
	}
	return false;
}

static void finish(struct exec *x)
{
	struct change *c = x->change;
	change_fn done = x->done;
	void *arg = x->arg;

	c->ended = clock_now();
	x->change = NULL;
	exec_free(x);
	done(arg, c);
}

static void exec_advance(struct exec *x);

static void on_slice(struct loop *loop, void *arg)
{
	struct exec *x = arg;
	size_t total = x->phase == EXEC_JUDGE ? x->change->count : x->work.count;
	size_t end = x->next + SLICE_EDITS < total ? x->next + SLICE_EDITS : total;

	for (; x->next < end; x->next++) {
		if (x->phase == EXEC_PLAN)
			exec_plan_one(x, x->next);
		else if (x->phase == EXEC_COMPARE)
			exec_compare_one(x, x->next);
		else if (x->map[x->next] != MAP_LEAVE)
			exec_judge_one(x, x->next);
	}
	if (x->next < total) {
		timer_start(loop, &x->slice, 0, NULL, on_slice, x);
		return;
	}
	x->session->slicing--;
	enter(x, (enum exec_phase)(x->phase + 1));
	exec_advance(x);
}

static bool is_sliced(enum exec_phase p)
{
	return p == EXEC_PLAN || p == EXEC_COMPARE || p == EXEC_JUDGE;
}

/* The one place where a change moves on. */
static void exec_advance(struct exec *x)
{
	for (;;) {
		if (x->phase == EXEC_END) {
			finish(x);
			return;
		}
		if (is_sliced(x->phase)) {
			x->session->slicing++;
			timer_start(x->session->loop, &x->slice, 0, NULL, on_slice, x);
			return;
		}
		if (x->phase == EXEC_START || has_request(x)) {
			exchange_queue(x->session, LANE_CHANGE, &exec_exchange, x, &x->exchange);
			if (x->phase == EXEC_WRITE)
				exec_ahead_begin(x);
			return;
		}
		enter(x, (enum exec_phase)(x->phase + 1));
	}
}

/* ---- requests and answers ---- */

static const struct exec_slots {
	bool (*encode)(struct exec *x, struct request *req, struct err *err);
	bool (*decode)(struct exec *x, const struct response *res);
} slots[EXEC_END + 1] = {
	[EXEC_BEFORE] = { exec_read_encode, exec_read_decode },
	[EXEC_WRITE] = { exec_write_encode, exec_write_decode },
	[EXEC_READ_BACK] = { exec_read_encode, exec_read_decode },
	[EXEC_RELOAD] = { exec_reload_encode, exec_reload_decode },
	[EXEC_RESET] = { exec_reset_encode, exec_reset_decode },
};

static bool on_encode(void *arg, struct request *req, unsigned *flags, struct err *err)
{
	struct exec *x = arg;

	if (x->phase == EXEC_START)
		return false; /* the session is ready: that is all that was waited for */
	if (x->phase == EXEC_WRITE || x->phase == EXEC_RESET)
		*flags = HTTP_ONCE;
	x->encode_failed = !slots[x->phase].encode(x, req, err);
	if (x->encode_failed && !err->code)
		err_set(err, ERR_INTERNAL, "the request can't be made");
	return !x->encode_failed;
}

static void on_item(void *arg, const struct json_path *path, const struct json_item *item)
{
	struct exec *x = arg;

	if ((x->phase == EXEC_BEFORE || x->phase == EXEC_READ_BACK) && x->dialect->read_item)
		x->dialect->read_item(&x->server, &x->batch, path, item);
}

/* 403 and success teach what the credentials may do. */
static void learn(struct exec *x)
{
	static const unsigned reload_caps[] = { [RELOAD_BLOCKED] = CAP(RELOAD), [RELOAD_SETTINGS] = CAP(RELOAD), [RELOAD_CERTS] = CAP(RELOAD_CERTS) };
	const struct facts_step *s = NULL;
	unsigned caps = 0;

	if (x->phase == EXEC_WRITE && x->batch.count) {
		s = &x->at[x->batch.first].write;
		caps = exec_edit_caps(x->work.edits[x->batch.first].kind) & ~CAP(SCAN_PATHS);
	} else if (x->phase == EXEC_RELOAD) {
		s = &x->reload[x->reload_kind].step;
		caps = reload_caps[x->reload_kind];
	} else if (x->phase == EXEC_RESET) {
		s = &x->reset;
		caps = CAP(RESET_COUNTERS);
	}
	if (s && s->fate == FATE_OK)
		session_learn(x->session, caps, true);
	else if (s && s->fate == FATE_REFUSED && s->why == ERR_PERMISSION)
		session_learn(x->session, caps, false);
}

/* A batch, a kind of reload or a class of counters is through. */
static void leave_step(struct exec *x)
{
	learn(x);
	switch (x->phase) {
	case EXEC_BEFORE:
	case EXEC_WRITE:
	case EXEC_READ_BACK:
		x->has_written = x->has_written || x->phase == EXEC_WRITE;
		report_batch(x);
		exec_batch_end(x);
		tell_progress(x);
		break;
	case EXEC_RELOAD:
		report(x, STEP_RELOAD, x->reload[x->reload_kind].step.fate == FATE_OK, x->reload[x->reload_kind].step.text, 0);
		exec_cursor_release(x, &x->cur);
		break;
	case EXEC_RESET:
		report(x, STEP_RESET, x->reset.fate == FATE_OK, x->reset.text, 0);
		break;
	case EXEC_START:
	case EXEC_PLAN:
	case EXEC_COMPARE:
	case EXEC_JUDGE:
	case EXEC_END:
		break;
	}
}

/* Before anything is written an upgraded server is found again; afterwards its answers are judged as they are. */
static bool starts_over(struct exec *x, const struct response *res)
{
	if (x->phase != EXEC_BEFORE || x->detected_again || x->next > 0 || !detect_again(x->session, res, x->epoch))
		return false;
	x->detected_again = true;
	exec_work_release(x);
	x->phase = EXEC_START;
	return true;
}

static bool is_waited_out(struct exec *x, const struct response *res)
{
	return res->status == 429 && x->session->state == SESSION_READY && x->patience++ < PATIENCE_MAX;
}

/* The session can't be had: nothing was sent at all. */
static void give_up(struct exec *x, const struct err *err)
{
	x->dialect = x->session->dialect ? x->session->dialect : dialects[0];
	exec_begin(x);
	x->lost = true;
	x->loss = (struct facts_step){ FATE_UNSENT, err->code, exec_keep(x, err->msg) };
	for (size_t i = 0; i < x->work.count; i++)
		x->at[i].before = x->loss;
	enter(x, EXEC_JUDGE);
	exec_advance(x);
}

static void on_done(void *arg, const struct response *res, int64_t ms)
{
	struct exec *x = arg;

	x->step_ms += ms;
	if (x->phase == EXEC_START) {
		if (x->session->state == SESSION_READY && res->err.code == ERR_INTERNAL) {
			exec_begin(x);
			enter(x, x->phase);
			exec_advance(x);
		} else {
			give_up(x, &res->err);
		}
		return;
	}
	if (x->encode_failed) {
		exec_step_refused(x, &res->err);
		x->encode_failed = false;
	} else if (is_waited_out(x, res) || starts_over(x, res) || !slots[x->phase].decode(x, res)) {
		exchange_queue(x->session, LANE_CHANGE, &exec_exchange, x, &x->exchange);
		return;
	}
	leave_step(x);
	exec_advance(x);
}

static const struct exchange_ops exec_exchange = { on_encode, on_item, on_done };

/* ---- the public face ---- */

static void on_cancel(struct scope_item *item)
{
	exec_free(container_of(item, struct exec, item));
}

static struct exec *exec_new(struct session *s, struct change *c, struct scope *owner, change_fn done, void *arg)
{
	struct exec *x = xcalloc(1, sizeof(*x));

	x->session = s;
	x->change = c;
	x->done = done;
	x->arg = arg;
	x->began = clock_mono();
	LIST_INSERT_HEAD(&s->execs, x, link);
	scope_add(owner, &x->item, on_cancel);
	return x;
}

void session_change(struct session *s, struct change *c, struct scope *owner, progress_fn progress, change_fn done, void *arg)
{
	struct exec *x = exec_new(s, c, owner, done, arg);

	x->progress = progress;
	c->started = clock_now();
	for (size_t i = 0; i < c->count; i++)
		if (c->edits[i].created == TIME_NONE && (c->edits[i].kind == EDIT_BLOCK || c->edits[i].kind == EDIT_ALLOW))
			c->edits[i].created = c->started;
	exec_advance(x);
}

void session_change_stop(struct session *s, struct change *c)
{
	struct exec *x;

	LIST_FOREACH (x, &s->execs, link)
		if (x->change == c)
			x->stop = true;
}

void session_recheck(struct session *s, struct change *c, bool reload, struct scope *owner, change_fn done, void *arg)
{
	struct exec *x = exec_new(s, c, owner, done, arg);

	x->is_recheck = true;
	x->recheck_reloads = reload;
	exec_advance(x);
}
