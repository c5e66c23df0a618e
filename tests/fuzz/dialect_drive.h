/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the fuzzers of the dialects share: arbitrary bytes as the answer to any slot of a dialect, in any state, and as the target of what is
 * asked. Input: slot, variant, status, piece (a byte each), a line of target, a line of note, then the answer's body. tests/fuzz/seed.py
 * writes the same form from recorded answers. */
#ifndef TESTS_FUZZ_DIALECT_DRIVE_H
#define TESTS_FUZZ_DIALECT_DRIVE_H

#include <jansson.h>

#include "client/dialect.h"
#include "client/http.h"
#include "client/jsonwalk.h"
#include "core/mem.h"
#include "core/text.h"
#include "tests/fuzz/fuzz.h"

#define ROUNDS 12 /* requests of one exchange at the most: the same answer to each */

enum slot { SLOT_PROBE, SLOT_REFINE, SLOT_FETCH, SLOT_READ, SLOT_WRITE, SLOT_RELOAD, SLOT_RESET, SLOT_COUNT };

struct drive {
	const struct dialect_ops *ops;
	struct server srv;
	unsigned slot, variant, piece;
	char *target, *note;
	struct response res;
};

/* ---- the input ---- */

static inline char *drive_line(const char **s, const char *end)
{
	const char *nl = *s < end ? memchr(*s, '\n', (size_t)(end - *s)) : NULL;
	char *line = xstrndup(*s, nl ? (size_t)(nl - *s) : 0);

	*s = nl ? nl + 1 : *s;
	return line;
}

static inline void drive_input(struct drive *d, const uint8_t *data, size_t size)
{
	static const int statuses[] = { 200, 200, 200, 400, 403, 404, 500, 204 };
	static const char *const types[] = { "application/json", "application/problem+json", "text/html", "" };
	const char *s = (const char *)data + 4, *end = (const char *)data + size;
	char *body;

	d->slot = data[0] % SLOT_COUNT;
	d->variant = data[1];
	d->piece = 1 + data[3];
	d->target = drive_line(&s, end);
	d->note = drive_line(&s, end);
	body = xmalloc((size_t)(end - s) + 1);
	memcpy(body, s, (size_t)(end - s));
	body[end - s] = '\0';
	d->res = (struct response){ .status = statuses[data[2] % 8], .body = body, .len = (size_t)(end - s), .retry_after_ms = -1 };
	snprintf(d->res.type, sizeof(d->res.type), "%s", types[data[2] / 8 % 4]);
}

/* ---- what must hold of every request ---- */

static inline void drive_request(const struct request *req)
{
	json_t *doc;

	MUST(req->path.len > 0 && req->path.data[0] == '/');
	for (size_t i = 0; i < req->path.len; i++)
		MUST(req->path.data[i] > ' ' && req->path.data[i] < 127);
	MUST(!req->path.overflow && !req->body.overflow);
	if (!req->body.len)
		return;
	doc = json_loadb(req->body.data, req->body.len, JSON_ALLOW_NUL, NULL);
	MUST(doc);
	json_decref(doc);
}

static inline void drive_err(enum decode got, const struct err *err)
{
	MUST(got != DECODE_FAIL || err->code != ERR_NONE);
	MUST(text_is_safe(err->msg, strlen(err->msg)));
}

/* ---- slots ---- */

struct drive_walk {
	struct drive *d;
	struct fetch_job *job;
	struct batch *batch;
};

static inline void drive_item(void *arg, const struct json_path *path, const struct json_item *item)
{
	struct drive_walk *w = arg;

	if (w->job && w->d->ops->fetch_item)
		w->d->ops->fetch_item(&w->d->srv, w->job, path, item);
	if (w->batch && w->d->ops->read_item)
		w->d->ops->read_item(&w->d->srv, w->batch, path, item);
}

/* As a session gives a streamed answer: only of success. */
static inline void drive_stream(struct drive *d, const struct request *req, struct fetch_job *job, struct batch *batch)
{
	struct drive_walk arg = { d, job, batch };
	struct jsonwalk *w;
	bool ok = true;

	d->res.stream_ok = false;
	if (!req->stream || d->res.status < 200 || d->res.status > 299)
		return;
	w = jsonwalk_new(drive_item, &arg);
	for (size_t i = 0; ok && i < d->res.len; i += d->piece)
		ok = jsonwalk_feed(w, d->res.body + i, d->res.len - i < d->piece ? d->res.len - i : d->piece, NULL);
	d->res.stream_ok = ok && jsonwalk_finish(w, NULL);
	jsonwalk_free(w);
}

static inline void drive_probe(struct drive *d)
{
	struct server srv = { 0 };

	if (d->ops->probe_decode(&d->res, &srv) > 0)
		MUST(srv.info.generation != GEN_UNKNOWN && srv.info.versions[0]);
}

static inline void drive_refine(struct drive *d)
{
	bool permissions = d->variant & 128;
	struct cursor cur = { 0 };
	enum decode got = DECODE_MORE;

	d->srv.read_only = d->variant & 64;
	for (int i = 0; i < ROUNDS && got == DECODE_MORE && d->ops->refine_encode; i++) {
		struct err err = ERR_INIT;
		struct request req;

		request_init(&req);
		if (d->ops->refine_encode(&d->srv, &cur, permissions, &req)) {
			drive_request(&req);
			got = d->ops->refine_decode(&d->srv, &cur, permissions, &d->res, &err);
			drive_err(got, &err);
			cur.round++;
		} else {
			got = DECODE_DONE;
		}
		request_release(&req);
	}
	if (cur.memo)
		d->ops->memo_free(cur.memo);
}

static inline void drive_reply(const struct fetch_reply *r)
{
	for (size_t i = 0; r->log && i < r->log->count; i++)
		MUST(r->log->line[i] < r->log->text.len && strlen(r->log->text.data + r->log->line[i]) < r->log->text.len);
	if (r->list) {
		entrylist_finish(r->list);
		for (size_t i = 0; i < r->list->count; i++)
			MUST(entry_key(r->list, i) && entry_note(r->list, i));
	}
	for (int c = 0; r->thresholds && c < CLASS_COUNT; c++)
		MUST(text_is_safe(r->thresholds->of[c].raw, strlen(r->thresholds->of[c].raw)));
}

static inline void drive_reply_free(struct fetch_reply *r)
{
	entrylist_free(r->list);
	if (r->thresholds)
		thresholds_release(r->thresholds);
	free(r->thresholds);
	certlist_free(r->certs);
	log_page_free(r->log);
	trust_free(r->trust);
	config_check_free(r->check);
}

static inline void drive_fetch(struct drive *d)
{
	struct fetch f = { .kind = (enum fetch_kind)(d->variant % FETCH_PERMISSIONS), .list = (enum list_kind)(d->variant / 8 % LIST_COUNT),
		.limit = d->piece, .cursor = d->target, .contains = d->note };
	struct fetch_reply reply = { .kind = f.kind, .list = f.kind == FETCH_LIST ? entrylist_new() : NULL };
	struct fetch_job job = { .fetch = &f, .reply = &reply };
	enum decode got = DECODE_MORE;

	for (int i = 0; i < ROUNDS && got == DECODE_MORE; i++) {
		struct err err = ERR_INIT;
		struct request req;

		request_init(&req);
		if (d->ops->fetch_encode(&d->srv, &job, &req, &err)) {
			drive_request(&req);
			drive_stream(d, &req, &job, NULL);
			got = d->ops->fetch_decode(&d->srv, &job, &d->res, &err);
			job.cur.round++;
		} else {
			got = DECODE_FAIL;
		}
		drive_err(got, &err);
		request_release(&req);
	}
	if (got == DECODE_DONE)
		drive_reply(&reply);
	if (job.cur.memo)
		d->ops->memo_free(job.cur.memo);
	drive_reply_free(&reply);
}

#define DRIVE_EDITS 3

static inline void drive_edits(const struct drive *d, struct change *c)
{
	for (unsigned i = 0; i < DRIVE_EDITS; i++) {
		struct edit *e = change_add(c, (enum edit_kind)((d->variant + i * (d->variant / 16)) % EDIT_CERT_RENEW), i == 1 ? "203.0.113.42" : d->target);

		e->class = (enum ban_class)(d->variant % CLASS_COUNT);
		if (e->value)
			*e->value = (struct threshold){ .enabled = true, .count = 1 + d->piece, .period_ms = 3600000 };
		e->note = d->note[0] ? xstrdup(d->note) : NULL;
		e->expires = d->piece % 2 ? TIME_NONE : 1800000000000;
	}
	if (d->variant % 16 == 15) { /* of one kind by itself */
		struct edit *e = change_add(c, d->variant & 16 ? EDIT_CERT_UPLOAD : EDIT_CERT_RENEW, d->target);

		e->cert_pem = xstrdup(d->note);
		e->key_pem = xstrdup(d->target);
	}
}

static inline bool drive_save(void *arg, const char *text, struct err *err)
{
	json_t *doc = json_loads(text, JSON_ALLOW_NUL, NULL);

	MUST(json_is_array(doc));
	json_decref(doc);
	return *(bool *)arg || err_set(err, ERR_IO, "nowhere to keep it");
}

static inline void drive_results(struct edit_result *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(r[i].value);
		free(r[i].id);
		free(r[i].text);
	}
}

static inline void drive_change(struct drive *d, bool write)
{
	struct change *c = change_new();
	struct edit_result result[DRIVE_EDITS + 1] = { { 0 } };
	const char *ids[DRIVE_EDITS + 1] = { d->variant & 32 ? d->note : NULL }, *before[DRIVE_EDITS + 1] = { d->variant & 64 ? d->note : NULL };
	bool skip[DRIVE_EDITS + 1] = { false, d->variant & 128 };
	bool keeps = d->piece & 4;
	struct session_hooks hooks = { .arg = &keeps, .rescue_save = drive_save };
	struct batch b = { .change = c, .first = d->variant % 2, .result = result, .ids = ids, .before = before, .skip = skip, .hooks = &hooks };
	enum decode got = DECODE_MORE;

	drive_edits(d, c);
	for (int i = 0; i < ROUNDS && got == DECODE_MORE; i++) {
		struct err err = ERR_INIT;
		struct request req;

		request_init(&req);
		if ((write ? d->ops->write_encode : d->ops->read_encode)(&d->srv, &b, &req, &err)) {
			drive_request(&req);
			MUST(b.count >= 1 && b.first + b.count <= c->count);
			drive_stream(d, &req, NULL, write ? NULL : &b);
			got = (write ? d->ops->write_decode : d->ops->read_decode)(&d->srv, &b, &d->res, &err);
			b.cur.round++;
		} else {
			got = DECODE_FAIL;
		}
		drive_err(got, &err);
		request_release(&req);
	}
	for (size_t i = 0; got == DECODE_DONE && i < b.count; i++)
		MUST(result[i].ok || result[i].why || skip[b.first + i]);
	if (b.cur.memo)
		d->ops->memo_free(b.cur.memo);
	drive_results(result, DRIVE_EDITS + 1);
	change_free(c);
}

static inline void drive_reload(struct drive *d)
{
	enum reload_kind kind = (enum reload_kind)(d->variant % RELOAD_KIND_COUNT);
	struct reload_result out = { 0 };
	struct config_check *gone = xcalloc(1, sizeof(*gone));
	struct cursor cur = { 0 };
	struct err err = ERR_INIT;
	struct request req;

	request_init(&req);
	if (d->ops->reload_encode && d->ops->reload_encode(&d->srv, kind, &cur, &req, &err)) {
		drive_request(&req);
		drive_err(d->ops->reload_decode(&d->srv, kind, &cur, &d->res, &out, &err), &err);
		MUST(out.ok || out.good_ones_live || out.why || err.code);
	}
	gone->errors = out.errors;
	gone->error_count = out.error_count;
	config_check_free(gone);
	request_release(&req);
}

static inline void drive_reset(struct drive *d)
{
	unsigned classes = 1 + d->variant % 15;
	struct cursor cur = { 0 };
	enum decode got = DECODE_MORE;

	for (int i = 0; i < ROUNDS && got == DECODE_MORE && d->ops->reset_encode; i++) {
		struct err err = ERR_INIT;
		struct request req;

		request_init(&req);
		MUST(d->ops->reset_encode(&d->srv, classes, &cur, &req, &err));
		drive_request(&req);
		got = d->ops->reset_decode(&d->srv, classes, &cur, &d->res, &err);
		drive_err(got, &err);
		request_release(&req);
	}
}

/* srv: what detection would have found. */
static inline int drive(const struct dialect_ops *ops, const struct server *srv, const uint8_t *data, size_t size)
{
	struct drive d = { .ops = ops, .srv = *srv };

	if (size < 4)
		return 0;
	drive_input(&d, data, size);
	switch ((enum slot)d.slot) {
	case SLOT_PROBE:
		drive_probe(&d);
		break;
	case SLOT_REFINE:
		drive_refine(&d);
		break;
	case SLOT_FETCH:
		drive_fetch(&d);
		break;
	case SLOT_READ:
	case SLOT_WRITE:
		drive_change(&d, d.slot == SLOT_WRITE);
		break;
	case SLOT_RELOAD:
		drive_reload(&d);
		break;
	case SLOT_RESET:
		drive_reset(&d);
		break;
	case SLOT_COUNT:
		break;
	}
	free((char *)(uintptr_t)d.res.body);
	free(d.target);
	free(d.note);
	return 0;
}

#endif
