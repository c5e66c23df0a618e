/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queue of requests: whose turn it is, what every answer tells the session before its asker hears of it. Knows no dialect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/session_private.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

#define GARBAGE_MAX ((size_t)1 << 20) /* read on after the text turned out to be no JSON: the head may explain it */
#define HOLD_MS 1000                  /* after a 429 that names no time */
#define HOLD_MAX_MS 300000
#define SKEW_MIN_MS 2000              /* Date has whole seconds */

/* ---- a hash that does not depend on how the bytes were cut ---- */

static uint64_t mix(uint64_t h, const unsigned char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	h = (h ^ w) * 0x9e3779b97f4a7c15u;
	return h ^ (h >> 29);
}

static void bodyhash_add(struct bodyhash *b, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len > 0 && b->n > 0 && b->n < 8) {
		b->part[b->n++] = *p++;
		len--;
	}
	if (b->n == 8) {
		b->h = mix(b->h, b->part);
		b->n = 0;
	}
	if (b->n)
		return;
	for (; len >= 8; p += 8, len -= 8)
		b->h = mix(b->h, p);
	if (len)
		memcpy(b->part, p, len);
	b->n = len;
}

uint64_t bodyhash_end(const struct bodyhash *b)
{
	unsigned char rest[8] = { 0 };

	memcpy(rest, b->part, b->n);
	rest[7] ^= (unsigned char)(b->n << 4);
	return mix(b->h, rest);
}

/* ---- exchanges ---- */

static void exchange_free(struct exchange *ex)
{
	*ex->slot = NULL;
	jsonwalk_free(ex->walk);
	free(ex->path);
	free(ex);
}

void exchange_cancel(struct exchange *ex)
{
	struct session *s = ex->session;

	switch (ex->state) {
	case EXCHANGE_WAITING:
		TAILQ_REMOVE(&s->waiting, ex, link);
		break;
	case EXCHANGE_FAILING:
		TAILQ_REMOVE(&s->failing, ex, link);
		break;
	case EXCHANGE_RUNNING:
		http_cancel(ex->call);
		s->running[ex->lane] = NULL;
		break;
	}
	exchange_free(ex);
	exchange_pump(s);
}

/* One at a time: the asker may do anything, even free the session. */
static void on_failing(struct loop *loop, void *arg)
{
	struct session *s = arg;
	struct exchange *ex = TAILQ_FIRST(&s->failing);
	const struct exchange_ops *ops;
	struct response res;
	void *ex_arg;

	if (!ex)
		return;
	TAILQ_REMOVE(&s->failing, ex, link);
	if (!TAILQ_EMPTY(&s->failing))
		timer_start(loop, &s->failing_timer, 0, NULL, on_failing, s);
	ops = ex->ops;
	ex_arg = ex->arg;
	res = ex->failure;
	exchange_free(ex);
	ops->done(ex_arg, &res, 0);
}

static void fail_later(struct exchange *ex, const struct err *err)
{
	struct session *s = ex->session;

	ex->state = EXCHANGE_FAILING;
	ex->failure = (struct response){ .err = *err, .body = "", .retry_after_ms = -1 };
	if (!err->code)
		err_set(&ex->failure.err, ERR_NETWORK, "the server can't be asked");
	TAILQ_INSERT_TAIL(&s->failing, ex, link);
	if (!timer_is_armed(&s->failing_timer))
		timer_start(s->loop, &s->failing_timer, 0, NULL, on_failing, s);
}

void exchange_queue(struct session *s, enum lane lane, const struct exchange_ops *ops, void *arg, struct exchange **slot)
{
	struct exchange *ex = xcalloc(1, sizeof(*ex));

	*slot = ex;
	ex->slot = slot;
	ex->session = s;
	ex->lane = lane;
	ex->ops = ops;
	ex->arg = arg;
	TAILQ_INSERT_TAIL(&s->waiting, ex, link);
	if (lane == LANE_CHANGE)
		session_prove(s);
	if (lane != LANE_DETECT && (s->state == SESSION_REFUSED || s->state == SESSION_FOREIGN)) {
		TAILQ_REMOVE(&s->waiting, ex, link);
		fail_later(ex, &s->err);
	}
	exchange_pump(s);
}

void exchange_fail_waiting(struct session *s, const struct err *err)
{
	struct exchange *ex, *next;

	for (ex = TAILQ_FIRST(&s->waiting); ex; ex = next) {
		next = TAILQ_NEXT(ex, link);
		if (ex->lane == LANE_DETECT)
			continue;
		TAILQ_REMOVE(&s->waiting, ex, link);
		fail_later(ex, err);
	}
}

/* Whether the server got the request can't be told any more: as if it had. */
void exchange_fail_running(struct session *s, const struct err *err)
{
	for (int i = 0; i < LANE_COUNT; i++) {
		struct exchange *ex = s->running[i];

		if (!ex || i == LANE_DETECT)
			continue;
		http_cancel(ex->call);
		s->running[i] = NULL;
		fail_later(ex, err);
		ex->failure.sent = true;
	}
}

/* ---- what every answer tells ---- */

#define TRACE_PATH_MAX 512 /* bytes looked at: a thousand keys in one path are shown by the first few */

static void trace(struct session *s, const struct exchange *ex, const struct http_answer *a)
{
	struct buf path = BUF_INIT;

	if (!s->hooks.trace)
		return;
	text_safe(&path, ex->path, strnlen(ex->path, TRACE_PATH_MAX), TEXT_LINE);
	if (path.data)
		text_mask_secrets(path.data, path.len);
	s->hooks.trace(s->hooks.arg, http_method_text(ex->method), buf_str(&path), a->response.status, a->ms, a->bytes,
		a->response.err.msg);
	buf_release(&path);
}

static void note_clock(struct session *s, int64_t date)
{
	int64_t skew;

	if (date == TIME_NONE || clock_is_fixed())
		return;
	skew = date + 500 - clock_now();
	s->skew = skew > -SKEW_MIN_MS && skew < SKEW_MIN_MS ? 0 : skew;
}

/* 0.15 answers the login after too many failures with this title (seen on 0.15.5); other 429 only ask for patience. */
static bool is_login_limit(const struct response *res)
{
	return res->status == 429 && text_find_fold(res->body, res->len, "authentication", strlen("authentication"));
}

static void refuse(struct session *s, const struct response *res)
{
	struct err err = ERR_INIT, words = ERR_INIT;

	response_check(res, &words);
	words.msg[strlen(words.msg) - (words.msg[0] && words.msg[strlen(words.msg) - 1] == '.')] = '\0'; /* 0.15 ends its sentence */
	err_set(&err, ERR_AUTH, "%s. Nothing more is sent until new credentials are given", words.msg);
	detect_stop(s);
	session_enter(s, SESSION_REFUSED, &err);
}

static void on_hold_over(struct loop *loop, void *arg)
{
	(void)loop;
	exchange_pump(arg);
}

static void hold(struct session *s, int64_t ms)
{
	if (ms < 0)
		ms = HOLD_MS;
	timer_start(s->loop, &s->hold, ms > HOLD_MAX_MS ? HOLD_MAX_MS : ms, NULL, on_hold_over, s);
}

static void learn_from(struct session *s, const struct exchange *ex, const struct http_answer *a)
{
	const struct response *res = &a->response;

	trace(s, ex, a);
	note_clock(s, a->date);
	if (a->peer[0])
		snprintf(s->peer, sizeof(s->peer), "%s", a->peer);
	if (res->status == 401 || is_login_limit(res))
		refuse(s, res);
	else if (res->status == 429)
		hold(s, res->retry_after_ms);
	else if (res->status == 0 && (res->err.code == ERR_NETWORK || res->err.code == ERR_TIMEOUT) &&
		s->state != SESSION_REFUSED)
		session_lose(s, &res->err, 0);
	else if (res->status && s->state == SESSION_READY)
		s->failures = 0;
}

/* ---- running ---- */

static void on_item(void *arg, const struct json_path *path, const struct json_item *item)
{
	struct exchange *ex = arg;

	if (ex->ops->item)
		ex->ops->item(ex->arg, path, item);
}

static bool on_data(void *arg, int status, const char *data, size_t len, struct err *err)
{
	struct exchange *ex = arg;

	if (ex->hash)
		bodyhash_add(ex->hash, data, len);
	if (status < 200 || status > 299)
		return true;
	if (!ex->walk_err.code && jsonwalk_feed(ex->walk, data, len, &ex->walk_err))
		return true;
	ex->garbage += len;
	if (ex->garbage <= GARBAGE_MAX)
		return true;
	*err = ex->walk_err;
	return false;
}

static void on_done(void *arg, const struct http_answer *answer)
{
	struct exchange *ex = arg;
	struct session *s = ex->session;
	const struct exchange_ops *ops = ex->ops;
	struct response res = answer->response;
	struct exchange *no_slot;
	void *ex_arg = ex->arg;

	if (ex->walk && res.status >= 200 && res.status < 300)
		res.stream_ok = !ex->walk_err.code && jsonwalk_finish(ex->walk, NULL);
	s->running[ex->lane] = NULL;
	*ex->slot = NULL; /* what is learned may stop the asker, who must not find us */
	ex->slot = &no_slot;
	learn_from(s, ex, answer);
	exchange_free(ex);
	exchange_pump(s);
	ops->done(ex_arg, &res, answer->ms);
}

static void run(struct session *s, struct exchange *ex)
{
	struct http_sink sink = { on_data, on_done, ex };
	struct err err = ERR_INIT;
	struct request req;
	unsigned flags = 0;

	TAILQ_REMOVE(&s->waiting, ex, link);
	request_init(&req);
	if (!ex->ops->encode(ex->arg, &req, &flags, &err)) {
		request_release(&req);
		if (!err.code)
			err_set(&err, ERR_INTERNAL, "nothing to ask");
		fail_later(ex, &err);
		return;
	}
	ex->state = EXCHANGE_RUNNING;
	ex->method = req.method;
	ex->path = xstrdup(buf_str(&req.path));
	if (req.stream)
		ex->walk = jsonwalk_new(on_item, ex);
	s->running[ex->lane] = ex;
	ex->call = http_send(s->http, &req, flags, &sink);
}

static bool may_run(const struct session *s, const struct exchange *ex)
{
	if (s->running[ex->lane] || timer_is_armed(&s->hold) || !s->http)
		return false;
	return s->state == (ex->lane == LANE_DETECT ? SESSION_DETECTING : SESSION_READY);
}

void exchange_pump(struct session *s)
{
	struct exchange *ex, *next;

	for (ex = TAILQ_FIRST(&s->waiting); ex; ex = next) {
		next = TAILQ_NEXT(ex, link);
		if (may_run(s, ex))
			run(s, ex);
	}
}
