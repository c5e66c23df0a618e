/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recorded exchanges (tests/data/transcripts) for the tests of the dialects: finds one, gives its answer to a slot as a session would
 * (whole, or streamed in pieces), and holds requests made to the recorded ones. Knows no dialect. */
#ifndef TESTS_UNIT_TRANSCRIPT_H
#define TESTS_UNIT_TRANSCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "client/dialect.h"
#include "client/http.h"
#include "client/jsonwalk.h"
#include "core/mem.h"

/* ---- the recording ---- */

static inline json_t *tape_open(const char *name)
{
	char *path = xasprintf("tests/data/transcripts/%s.json", name);
	json_error_t err;
	json_t *doc = json_load_file(path, JSON_ALLOW_NUL, &err);

	if (!doc)
		fail_msg("%s:%d: %s", path, err.line, err.text);
	free(path);
	return doc;
}

/* The exchange whose "METHOD path" is this (or begins so, where it ends with '*') and whose note and body hold these words; the n-th such, from 0. */
static inline json_t *tape_nth(json_t *tape, const char *call, const char *words, size_t n)
{
	size_t i, len = strlen(call);
	json_t *ex;

	json_array_foreach (json_object_get(tape, "exchanges"), i, ex) {
		json_t *req = json_object_get(ex, "request");
		char *got = xasprintf("%s %s", json_string_value(json_object_get(req, "method")), json_string_value(json_object_get(req, "path")));
		char *body = json_dumps(json_object_get(req, "body"), JSON_COMPACT | JSON_ENCODE_ANY);
		const char *note = json_string_value(json_object_get(ex, "note"));
		bool fits = len && call[len - 1] == '*' ? !strncmp(got, call, len - 1) : !strcmp(got, call);

		fits = fits && (!words || strstr(note ? note : "", words) || strstr(body ? body : "", words));
		free(got);
		free(body);
		if (fits && n-- == 0)
			return ex;
	}
	fail_msg("no recorded %s (%s)", call, words ? words : "");
	return NULL;
}

static inline json_t *tape_find(json_t *tape, const char *call, const char *words)
{
	return tape_nth(tape, call, words, 0);
}

struct played {
	struct response res;
	char *body;
};

static inline struct played played_text(int status, const char *type, const char *body)
{
	struct played p = { .body = xstrdup(body) };

	p.res.status = status;
	p.res.retry_after_ms = -1;
	p.res.body = p.body;
	p.res.len = strlen(p.body);
	snprintf(p.res.type, sizeof(p.res.type), "%s", type);
	return p;
}

static inline struct played played_answer(json_t *ex)
{
	json_t *answer = json_object_get(ex, "response"), *doc = json_object_get(answer, "json");
	const char *type = json_string_value(json_object_get(json_object_get(answer, "headers"), "content-type"));
	char *body = doc ? json_dumps(doc, JSON_COMPACT) : xstrdup(json_string_value(json_object_get(answer, "text")));
	struct played p = played_text((int)json_integer_value(json_object_get(answer, "status")), type ? type : "", body);

	p.res.type[strcspn(p.res.type, ";")] = '\0';
	free(body);
	return p;
}

static inline void played_free(struct played *p)
{
	free(p->body);
}

/* ---- requests ---- */

static inline json_t *request_doc(const struct request *req)
{
	return req->body.len ? json_loadb(req->body.data, req->body.len, JSON_ALLOW_NUL, NULL) : NULL;
}

static inline void assert_json_equal(json_t *got, json_t *want)
{
	char *a, *b;

	if (json_equal(got, want) || (!got && !want))
		return;
	a = got ? json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY) : xstrdup("(none)");
	b = want ? json_dumps(want, JSON_COMPACT | JSON_ENCODE_ANY) : xstrdup("(none)");
	fail_msg("not the same:\n%s\n%s", a, b);
}

/* Method, path and body are those that were recorded. */
static inline void assert_request(const struct request *req, json_t *ex)
{
	json_t *want = json_object_get(ex, "request"), *body = request_doc(req);

	assert_string_equal(http_method_text(req->method), json_string_value(json_object_get(want, "method")));
	assert_string_equal(buf_str(&req->path), json_string_value(json_object_get(want, "path")));
	assert_json_equal(body, json_object_get(want, "body"));
	json_decref(body);
}

/* ---- fetches ---- */

#define PIECE 7 /* bytes of a streamed answer at once: every token is cut somewhere */

struct fetching {
	const struct dialect_ops *ops;
	const struct server *srv;
	struct fetch fetch;
	struct fetch_reply reply;
	struct fetch_job job;
	struct request req;
	struct err err;
};

static inline void fetching_init(struct fetching *f, const struct dialect_ops *ops, const struct server *srv, struct fetch fetch)
{
	*f = (struct fetching){ .ops = ops, .srv = srv, .fetch = fetch };
	f->reply.kind = fetch.kind;
	f->job.fetch = &f->fetch;
	f->job.reply = &f->reply;
	if (!f->fetch.cursor)
		f->fetch.cursor = "";
	if (fetch.kind == FETCH_LIST)
		f->reply.list = entrylist_new();
	request_init(&f->req);
}

static inline bool fetching_encode(struct fetching *f)
{
	request_release(&f->req);
	request_init(&f->req);
	f->err = (struct err)ERR_INIT;
	return f->ops->fetch_encode(f->srv, &f->job, &f->req, &f->err);
}

static inline void fetching_item(void *arg, const struct json_path *path, const struct json_item *item)
{
	struct fetching *f = arg;

	f->ops->fetch_item(f->srv, &f->job, path, item);
}

static inline void stream(jsonwalk_fn fn, void *arg, struct response *res)
{
	struct jsonwalk *w = jsonwalk_new(fn, arg);
	bool ok = true;

	for (size_t i = 0; ok && i < res->len; i += PIECE)
		ok = jsonwalk_feed(w, res->body + i, res->len - i < PIECE ? res->len - i : PIECE, NULL);
	res->stream_ok = ok && jsonwalk_finish(w, NULL);
	jsonwalk_free(w);
}

/* As a session would: streamed when that was asked for and went well. */
static inline enum decode fetching_decode(struct fetching *f, struct played p)
{
	enum decode got;

	if (f->req.stream && p.res.status >= 200 && p.res.status < 300)
		stream(fetching_item, f, &p.res);
	got = f->ops->fetch_decode(f->srv, &f->job, &p.res, &f->err);
	f->job.cur.round++;
	played_free(&p);
	return got;
}

/* One recorded exchange: our request is the recorded one, and its answer is decoded. */
static inline enum decode fetching_play(struct fetching *f, json_t *ex)
{
	assert_true(fetching_encode(f));
	assert_request(&f->req, ex);
	return fetching_decode(f, played_answer(ex));
}

static inline void fetching_release(struct fetching *f)
{
	if (f->job.cur.memo)
		f->ops->memo_free(f->job.cur.memo);
	entrylist_free(f->reply.list);
	if (f->reply.thresholds)
		thresholds_release(f->reply.thresholds);
	free(f->reply.thresholds);
	certlist_free(f->reply.certs);
	log_page_free(f->reply.log);
	trust_free(f->reply.trust);
	config_check_free(f->reply.check);
	request_release(&f->req);
}

/* ---- changes ---- */

#define EDITS_MAX 16

struct editing {
	const struct dialect_ops *ops;
	const struct server *srv;
	struct change *change;
	struct edit_result result[EDITS_MAX];
	const char *ids[EDITS_MAX], *before[EDITS_MAX];
	bool skip[EDITS_MAX];
	struct batch batch;
	struct request req;
	struct err err;
};

static inline void editing_init(struct editing *x, const struct dialect_ops *ops, const struct server *srv)
{
	*x = (struct editing){ .ops = ops, .srv = srv, .change = change_new() };
	request_init(&x->req);
}

/* A block as the server itself writes it: no reason, nobody, for ever. */
static inline struct edit *editing_add(struct editing *x, enum edit_kind kind, const char *target)
{
	assert_true(x->change->count < EDITS_MAX);
	return change_add(x->change, kind, target);
}

static inline void editing_clear(struct editing *x)
{
	for (size_t i = 0; i < EDITS_MAX; i++) {
		free(x->result[i].value);
		free(x->result[i].id);
		free(x->result[i].text);
		x->result[i] = (struct edit_result){ 0 };
	}
	if (x->batch.cur.memo)
		x->ops->memo_free(x->batch.cur.memo);
	x->batch = (struct batch){ .change = x->change, .result = x->result, .ids = x->ids, .before = x->before, .skip = x->skip };
	x->err = (struct err)ERR_INIT;
}

static inline bool editing_again(struct editing *x, bool write)
{
	request_release(&x->req);
	request_init(&x->req);
	return (write ? x->ops->write_encode : x->ops->read_encode)(x->srv, &x->batch, &x->req, &x->err);
}

/* A new batch from edit `first` on. */
static inline bool editing_encode(struct editing *x, bool write, size_t first)
{
	editing_clear(x);
	x->batch.first = first;
	return editing_again(x, write);
}

static inline void editing_item(void *arg, const struct json_path *path, const struct json_item *item)
{
	struct editing *x = arg;

	x->ops->read_item(x->srv, &x->batch, path, item);
}

static inline enum decode editing_decode(struct editing *x, bool write, struct played p)
{
	enum decode got;

	if (x->req.stream && p.res.status >= 200 && p.res.status < 300)
		stream(editing_item, x, &p.res);
	got = (write ? x->ops->write_decode : x->ops->read_decode)(x->srv, &x->batch, &p.res, &x->err);
	x->batch.cur.round++;
	played_free(&p);
	return got;
}

static inline void editing_release(struct editing *x)
{
	editing_clear(x);
	request_release(&x->req);
	change_free(x->change);
}

/* ---- what is asked of the decoded ---- */

static inline void assert_row(const struct entrylist *l, const char *key, const char *note, enum reason reason)
{
	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(entry_key(l, i), key) != 0)
			continue;
		assert_string_equal(entry_note(l, i), note);
		assert_int_equal(l->rows[i].reason, reason);
		return;
	}
	fail_msg("%s is not among the %zu", key, l->count);
}

static inline void assert_rate(const struct threshold *t, const char *text, bool stored)
{
	char got[64];

	assert_true(t->supported);
	assert_string_equal(rate_format(t, got, sizeof(got)), text);
	assert_int_equal(t->stored, stored);
}

#endif
