/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which dialect does the server speak? One read-only request per dialect at the most, the likeliest first, then a few to tell generations
 * apart. Knows dialects only by their slots. */
#include <string.h>

#include "client/session_private.h"
#include "core/clock.h"
#include "core/mem.h"

#define SURE 10            /* a probe's score from which nobody else is asked */
#define AGAIN_AFTER_MS 1000 /* a server is not upgraded twice within that: one that knows its dialect only by halves is not asked over and over */
#define REFINE_MAX 32      /* rounds; a dialect that wants more is at fault */

static const struct exchange_ops probe_ops, refine_ops;

static void cursor_release(const struct dialect_ops *d, struct cursor *cur)
{
	if (cur->memo && d && d->memo_free)
		d->memo_free(cur->memo);
	*cur = (struct cursor){ 0 };
}

void detect_stop(struct session *s)
{
	struct detect *d = &s->detect;

	if (d->exchange)
		exchange_cancel(d->exchange);
	cursor_release(d->best, &d->cur);
	*d = (struct detect){ .retry_after_ms = -1 };
}

static void add_order(struct detect *d, const struct dialect_ops *one)
{
	size_t n = 0;

	for (; d->order[n]; n++)
		if (d->order[n] == one)
			return;
	if (one && n < ARRAY_LEN(d->order) - 1)
		d->order[n] = one;
}

static void ask(struct session *s, const struct exchange_ops *ops)
{
	exchange_queue(s, LANE_DETECT, ops, s, &s->detect.exchange);
}

void detect_start(struct session *s)
{
	struct detect *d = &s->detect;
	const char *wanted = s->profile.dialect;
	struct err err = ERR_INIT;

	detect_stop(s);
	if (wanted && *wanted && strcmp(wanted, "auto") != 0) {
		add_order(d, dialect_by_name(wanted));
		if (!d->order[0]) {
			err_set(&err, ERR_USAGE, "there is no dialect \"%s\"", wanted);
			session_enter(s, SESSION_FOREIGN, &err);
			return;
		}
	} else {
		add_order(d, s->dialect);
		add_order(d, s->hint);
		for (size_t i = 0; dialects[i]; i++)
			add_order(d, dialects[i]);
	}
	session_enter(s, SESSION_DETECTING, NULL);
	ask(s, &probe_ops);
}

bool detect_again(struct session *s, const struct response *res, unsigned epoch)
{
	bool unknown = res->status == 404 || res->status == 405 ||
		(res->status == 400 && (strstr(res->body, "notRequest") || strstr(res->body, "unknownCapability")));

	return unknown && detect_anew(s, epoch);
}

bool detect_anew(struct session *s, unsigned epoch)
{
	int64_t now = clock_mono();

	if (s->state == SESSION_DETECTING || (s->state == SESSION_READY && epoch != s->epoch))
		return true; /* somebody else noticed it first */
	if (s->state != SESSION_READY || (!s->is_unproven && s->again_at && now - s->again_at < AGAIN_AFTER_MS))
		return false;
	s->again_at = now;
	detect_start(s);
	return true;
}

static void foreign(struct session *s)
{
	struct detect *d = &s->detect;
	struct err err = ERR_INIT;

	if (d->saw_trouble) {
		session_lose(s, &d->first, d->retry_after_ms);
		return;
	}
	err_set(&err, ERR_PROTOCOL, "no %s Stalwart API at this address (%s)",
		d->order[1] ? "known" : d->order[0]->name, d->first.msg[0] ? d->first.msg : "the answer fits none");
	detect_stop(s);
	session_enter(s, SESSION_FOREIGN, &err);
}

static void adopt(struct session *s)
{
	struct detect *d = &s->detect;
	bool same = s->dialect == d->best && s->server.info.generation == d->srv.info.generation &&
		s->server.capital_ops == d->srv.capital_ops && s->server.threshold_family == d->srv.threshold_family &&
		s->server.shape == d->srv.shape && !strcmp(s->server.api_path, d->srv.api_path);

	if (!same)
		s->epoch++;
	s->dialect = d->best;
	s->server = d->srv;
	s->is_unproven = false;
	s->server.info.dialect = d->best->name;
	s->detected_at = clock_mono();
	session_apply_caps(s);
	detect_stop(s);
	session_enter(s, SESSION_READY, NULL);
	exchange_pump(s);
}

static bool probe_encode(void *arg, struct request *req, unsigned *flags, struct err *err)
{
	struct session *s = arg;

	(void)flags, (void)err;
	return s->detect.order[s->detect.at]->probe_encode(req);
}

static bool refine_encode(void *arg, struct request *req, unsigned *flags, struct err *err)
{
	struct detect *d = &((struct session *)arg)->detect;

	(void)flags, (void)err;
	return d->best->refine_encode(&d->srv, &d->cur, false, req);
}

static bool refine_wants_more(struct detect *d)
{
	struct request req;
	struct cursor cur = d->cur;
	bool more;

	if (!d->best->refine_encode || cur.round >= REFINE_MAX)
		return false;
	request_init(&req);
	more = d->best->refine_encode(&d->srv, &cur, false, &req);
	request_release(&req);
	return more;
}

static void note_refusal(struct detect *d, const struct response *res)
{
	struct err words = ERR_INIT;

	if (res->status >= 500 || res->status == 429 || res->status == 0)
		d->saw_trouble = true;
	if (res->retry_after_ms > d->retry_after_ms)
		d->retry_after_ms = res->retry_after_ms;
	if (!response_check(res, &words) && (!d->first.msg[0] || res->status >= 500))
		d->first = words;
}

static void begin_refine(struct session *s)
{
	struct detect *d = &s->detect;

	d->refining = true;
	if (refine_wants_more(d))
		ask(s, &refine_ops);
	else
		adopt(s);
}

static void probe_done(void *arg, const struct response *res, int64_t ms)
{
	struct session *s = arg;
	struct detect *d = &s->detect;
	struct server srv = { .read_only = s->profile.read_only };
	int score;

	(void)ms;
	if (s->state != SESSION_DETECTING) /* refused or lost by this very answer */
		return;
	srv.info.dialect = d->order[d->at]->name;
	score = res->status ? d->order[d->at]->probe_decode(res, &srv) : 0;
	if (score <= 0)
		note_refusal(d, res);
	if (score > d->best_score) {
		d->best = d->order[d->at];
		d->best_score = score;
		d->srv = srv;
	}
	if (d->best_score < SURE && d->order[++d->at])
		ask(s, &probe_ops);
	else if (d->best)
		begin_refine(s);
	else
		foreign(s);
}

static void refine_failed(struct session *s, const struct err *err)
{
	struct err why = *err;

	if (why.code == ERR_SERVER || why.code == ERR_LIMIT || why.code == ERR_NETWORK || why.code == ERR_TIMEOUT) {
		session_lose(s, &why, s->detect.retry_after_ms);
		return;
	}
	detect_stop(s);
	session_enter(s, SESSION_FOREIGN, &why);
}

static void refine_done(void *arg, const struct response *res, int64_t ms)
{
	struct session *s = arg;
	struct detect *d = &s->detect;
	struct err err = ERR_INIT;
	enum decode got;

	(void)ms;
	if (s->state != SESSION_DETECTING)
		return;
	if (res->status == 0) {
		refine_failed(s, &res->err);
		return;
	}
	got = d->best->refine_decode(&d->srv, &d->cur, false, res, &err);
	d->cur.round++;
	if (got == DECODE_FAIL)
		refine_failed(s, &err);
	else if (got == DECODE_MORE && refine_wants_more(d))
		ask(s, &refine_ops);
	else
		adopt(s);
}

static const struct exchange_ops probe_ops = { probe_encode, NULL, probe_done }, refine_ops = { refine_encode, NULL, refine_done };
