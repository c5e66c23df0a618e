/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading: one fetch is a few requests that a dialect encodes and decodes, told once when all of it is there. */
#include <stdlib.h>
#include <string.h>

#include "client/session_private.h"
#include "core/clock.h"
#include "core/mem.h"

#define LOG_LIMIT_MAX 100000 /* more kills a 0.15 server (seen on 0.15.5) */
#define FINISH_ROWS 16384    /* of a list, sorted and indexed at once: a few ms */
#define ROUNDS_MAX 20000     /* requests of one fetch; a dialect or a server that wants more is at fault */

struct fetch_run {
	LIST_ENTRY(fetch_run) link;
	struct scope_item item;
	struct session *session;
	struct fetch fetch;              /* strings owned */
	struct fetch_reply reply;
	struct fetch_job job;
	const struct dialect_ops *dialect; /* that encoded the request under way */
	struct server refined;           /* FETCH_PERMISSIONS */
	unsigned epoch;
	struct exchange *exchange;
	struct bodyhash hash;
	struct timer finishing;          /* a long list is put in order in slices */
	bool detected_again;
	int64_t began;
	fetch_fn fn;
	void *arg;
};

static const struct exchange_ops fetch_exchange;

/* What each kind needs; FETCH_LIST depends on the list. */
static const unsigned fetch_caps[] = {
	[FETCH_LIST] = 0,
	[FETCH_THRESHOLDS] = CAP(READ_THRESHOLDS),
	[FETCH_CERTS] = CAP(READ_CERTS),
	[FETCH_TASK] = CAP(RENEW_CERT),
	[FETCH_LOG] = CAP(READ_LOG),
	[FETCH_TRUST] = CAP(READ_TRUST),
	[FETCH_CHECK] = CAP(CHECK_CONFIG),
	[FETCH_PERMISSIONS] = 0,
};

static unsigned caps_of(const struct fetch *f)
{
	if (f->kind == FETCH_LIST)
		return f->list == LIST_ALLOWED ? CAP(READ_ALLOWED) : CAP(READ_BLOCKED);
	return (size_t)f->kind < ARRAY_LEN(fetch_caps) ? fetch_caps[f->kind] : 0;
}

static void cursor_release(struct fetch_run *run)
{
	struct cursor *cur = &run->job.cur;

	if (cur->memo && run->dialect && run->dialect->memo_free)
		run->dialect->memo_free(cur->memo);
	*cur = (struct cursor){ 0 };
}

static void thresholds_free(struct thresholds *t)
{
	if (t)
		thresholds_release(t);
	free(t);
}

static void reply_release(struct fetch_reply *r)
{
	entrylist_free(r->list);
	thresholds_free(r->thresholds);
	certlist_free(r->certs);
	log_page_free(r->log);
	trust_free(r->trust);
	config_check_free(r->check);
	*r = (struct fetch_reply){ .kind = r->kind };
}

static void run_free(struct fetch_run *run)
{
	if (run->exchange)
		exchange_cancel(run->exchange);
	if (timer_is_armed(&run->finishing))
		run->session->slicing--;
	timer_stop(&run->finishing);
	scope_remove(&run->item);
	LIST_REMOVE(run, link);
	cursor_release(run);
	reply_release(&run->reply);
	free((char *)(uintptr_t)run->fetch.cursor);
	free((char *)(uintptr_t)run->fetch.contains);
	free(run);
}

void fetch_free_all(struct session *s)
{
	while (!LIST_EMPTY(&s->fetches))
		run_free(LIST_FIRST(&s->fetches));
}

/* The callback is the last thing that happens. */
static void finish(struct fetch_run *run, const struct err *err)
{
	struct fetch_reply reply;
	fetch_fn fn = run->fn;
	void *arg = run->arg;

	if (err && err->code) {
		reply_release(&run->reply);
		run->reply.err = *err;
	} else {
		run->reply.fetched = clock_now();
		if (run->reply.list) {
			run->reply.list->body_hash = bodyhash_end(&run->hash);
			run->reply.list->fetched = run->reply.fetched;
		}
		if (run->reply.certs)
			run->reply.certs->fetched = run->reply.fetched;
	}
	run->reply.ms = clock_mono() - run->began;
	run->reply.requests = run->job.cur.round;
	reply = run->reply;
	run->reply = (struct fetch_reply){ .kind = reply.kind };
	run_free(run);
	fn(arg, &reply);
	reply_release(&reply);
}

static void finish_list(struct loop *loop, void *arg)
{
	struct fetch_run *run = arg;

	if (!entrylist_finish_step(run->reply.list, FINISH_ROWS)) {
		timer_start(loop, &run->finishing, 0, NULL, finish_list, run);
		return;
	}
	run->session->slicing--;
	finish(run, NULL);
}

static void succeed(struct fetch_run *run)
{
	if (!run->reply.list) {
		finish(run, NULL);
		return;
	}
	run->session->slicing++;
	timer_start(run->session->loop, &run->finishing, 0, NULL, finish_list, run);
}

/* ---- the slots of the exchange ---- */

static void start_over(struct fetch_run *run)
{
	cursor_release(run);
	reply_release(&run->reply);
	run->hash = (struct bodyhash){ 0 };
	if (run->fetch.kind == FETCH_LIST)
		run->reply.list = entrylist_new();
}

/* A server found anew may be another one: what was read of the former is worth nothing. */
static bool begin(struct fetch_run *run, struct err *err)
{
	struct session *s = run->session;

	if (!session_can(s, caps_of(&run->fetch), err))
		return false;
	start_over(run);
	run->dialect = s->dialect;
	run->epoch = s->epoch;
	run->refined = s->server;
	return true;
}

static bool fetch_encode(void *arg, struct request *req, unsigned *flags, struct err *err)
{
	struct fetch_run *run = arg;
	struct session *s = run->session;

	(void)flags;
	if ((!run->dialect || run->epoch != s->epoch) && !begin(run, err))
		return false;
	if (run->job.cur.round >= ROUNDS_MAX)
		return err_set(err, ERR_PROTOCOL, "the answer has no end");
	if (run->fetch.kind == FETCH_PERMISSIONS)
		return run->dialect->refine_encode &&
			run->dialect->refine_encode(&run->refined, &run->job.cur, true, req);
	if (!run->dialect->fetch_encode)
		return slot_missing(caps_of(&run->fetch), err);
	if (!run->dialect->fetch_encode(&s->server, &run->job, req, err))
		return false;
	run->exchange->hash = run->reply.list ? &run->hash : NULL;
	return true;
}

static void fetch_item(void *arg, const struct json_path *path, const struct json_item *item)
{
	struct fetch_run *run = arg;

	if (run->dialect->fetch_item)
		run->dialect->fetch_item(&run->session->server, &run->job, path, item);
}

static enum decode decode(struct fetch_run *run, const struct response *res, struct err *err)
{
	enum decode got;

	if (run->fetch.kind == FETCH_PERMISSIONS)
		got = run->dialect->refine_decode(&run->refined, &run->job.cur, true, res, err);
	else
		got = run->dialect->fetch_decode(&run->session->server, &run->job, res, err);
	run->job.cur.round++;
	if (got == DECODE_FAIL && !err->code)
		err_set(err, ERR_PROTOCOL, "the answer was not understood");
	return got;
}

static void adopt_permissions(struct fetch_run *run)
{
	struct session *s = run->session;

	if (run->epoch != s->epoch) /* of a server that is no longer there */
		return;
	memset(s->learned, 0, sizeof(s->learned));
	s->server = run->refined;
	session_apply_caps(s);
	session_enter(s, s->state, NULL);
}

static void next(struct fetch_run *run)
{
	exchange_queue(run->session, LANE_FETCH, &fetch_exchange, run, &run->exchange);
}

/* Encoding FETCH_PERMISSIONS says by "no" that nothing is left to ask. */
static bool is_end_of_permissions(const struct fetch_run *run, const struct response *res)
{
	return run->fetch.kind == FETCH_PERMISSIONS && res->status == 0 && res->err.code == ERR_INTERNAL;
}

/* A server only recalled answers otherwise than it would: it may be another one now. Trouble and refusals say nothing about that. */
static bool contradicts(const struct response *res)
{
	if (res->status == 401 || res->status == 403 || res->status == 429 || res->status >= 500)
		return false;
	return res->status < 200 || res->status > 299;
}

static void again(struct fetch_run *run)
{
	run->detected_again = true;
	cursor_release(run);
	run->dialect = NULL;
	next(run);
}

/* A whole document in answer to a list, and none that this dialect knows: another server may stand there. */
static bool is_other_shape(const struct response *res)
{
	return res->status == 200 && res->stream_ok;
}

static void fetch_done(void *arg, const struct response *res, int64_t ms)
{
	struct fetch_run *run = arg;
	struct session *s = run->session;
	struct err err = ERR_INIT;
	enum decode got;

	(void)ms;
	if (is_end_of_permissions(run, res)) {
		adopt_permissions(run);
		finish(run, NULL);
		return;
	}
	if (res->status == 0) {
		finish(run, &res->err);
		return;
	}
	if (!run->detected_again && (detect_again(s, res, run->epoch) || (contradicts(res) && session_prove(s)))) {
		again(run);
		return;
	}
	got = decode(run, res, &err);
	if (got == DECODE_FAIL && err.code == ERR_PROTOCOL && !run->detected_again &&
		(session_prove(s) || (is_other_shape(res) && detect_anew(s, run->epoch)))) {
		again(run);
		return;
	}
	if (res->status == 403)
		session_learn(s, caps_of(&run->fetch) | (run->fetch.kind == FETCH_CHECK ? CAP(RELOAD) | CAP(RELOAD_CERTS) : 0), false); /* a dry run wants the reload's own right */
	if (got == DECODE_MORE) {
		next(run);
		return;
	}
	if (got == DECODE_FAIL) {
		finish(run, &err);
		return;
	}
	if (run->fetch.kind == FETCH_PERMISSIONS)
		adopt_permissions(run);
	else
		session_learn(s, caps_of(&run->fetch), true);
	succeed(run);
}

static const struct exchange_ops fetch_exchange = { fetch_encode, fetch_item, fetch_done };

/* ---- the public face ---- */

static void on_cancel(struct scope_item *item)
{
	run_free(container_of(item, struct fetch_run, item));
}

void session_fetch(struct session *s, const struct fetch *f, struct scope *owner, fetch_fn fn, void *arg)
{
	struct fetch_run *run = xcalloc(1, sizeof(*run));

	run->session = s;
	run->fetch = *f;
	run->fetch.cursor = xstrdup(f->cursor ? f->cursor : "");
	run->fetch.contains = f->contains ? xstrdup(f->contains) : NULL;
	if (run->fetch.limit < 1)
		run->fetch.limit = 1;
	if (run->fetch.limit > LOG_LIMIT_MAX)
		run->fetch.limit = LOG_LIMIT_MAX;
	run->reply.kind = f->kind;
	run->job.fetch = &run->fetch;
	run->job.reply = &run->reply;
	run->began = clock_mono();
	run->fn = fn;
	run->arg = arg;
	LIST_INSERT_HEAD(&s->fetches, run, link);
	scope_add(owner, &run->item, on_cancel);
	if (f->kind != FETCH_LIST)
		session_prove(s);
	next(run);
}
