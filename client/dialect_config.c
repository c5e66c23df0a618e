/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `/admin/config` of 0.5.3 - 0.6: key-value pairs, prefixes, a reload that works a moment later. No allow list, no log call; a new rate works only
 * after a restart. A network can't be named in a DELETE (the path is split at '/', nothing is decoded): it goes with a prefix, and what else had
 * that prefix is put back. Seen on 0.6.0; pure but for the rescue hook that its caller gives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect.h"
#include "client/json.h"
#include "core/mem.h"
#include "core/text.h"

#define BASE "/admin/config/"
#define BLOCKED "server.security.blocked-networks."
#define RATE "server.security.fail2ban"

enum { DANCE_READ, DANCE_DELETE, DANCE_PUT_BACK, DANCE_CHECK };

struct dance {
	json_t *others;  /* [[key,value],…] that the prefix takes along */
	char prefix[256];
};

static json_t *pairs_of(const struct response *res, json_t **doc, struct err *err)
{
	json_t *data;

	*doc = NULL;
	if (!response_check(res, err))
		return NULL;
	*doc = json_read(res->body, res->len, err);
	data = json_object_get(*doc, "data");
	if (*doc && !json_is_array(data))
		err_set(err, ERR_PROTOCOL, "the answer has no data");
	return json_is_array(data) ? data : NULL;
}

static const char *pair_value(json_t *pairs, const char *key)
{
	json_t *pair;
	size_t i;

	json_array_foreach (pairs, i, pair) {
		const char *k = json_string_value(json_array_get(pair, 0));

		if (k && !strcmp(k, key))
			return json_string_value(json_array_get(pair, 1)) ? json_string_value(json_array_get(pair, 1)) : "";
	}
	return NULL;
}

/* ---- detection ---- */

static bool probe_encode(struct request *req)
{
	return buf_adds(&req->path, BASE "server.security");
}

static int probe_decode(const struct response *res, struct server *srv)
{
	static const enum cap_bit untested[] = { CAP_BIT_WRITE_BLOCKED, CAP_BIT_WRITE_THRESHOLDS, CAP_BIT_RELOAD };
	struct err ignored = ERR_INIT;
	json_t *doc, *pairs = res->status == 200 ? pairs_of(res, &doc, &ignored) : NULL;

	if (res->status == 200)
		json_decref(doc);
	if (!pairs)
		return 0;
	for (int i = 0; i < CAP_BIT_COUNT; i++)
		srv->info.caps[i] = CAP_NO_GENERATION;
	for (size_t i = 0; i < ARRAY_LEN(untested); i++)
		srv->info.caps[untested[i]] = CAP_UNTESTED;
	srv->info.caps[CAP_BIT_READ_BLOCKED] = srv->info.caps[CAP_BIT_READ_THRESHOLDS] = CAP_YES;
	srv->info.caps[CAP_BIT_EXPIRY] = srv->info.caps[CAP_BIT_NOTES] = CAP_YES;
	srv->info.generation = GEN_CONFIG_0_5;
	snprintf(srv->info.versions, sizeof(srv->info.versions), "0.5 – 0.6");
	return 6;
}

/* ---- fetching ---- */

static bool fetch_encode(const struct server *srv, struct fetch_job *job, struct request *req, struct err *err)
{
	(void)srv;
	req->max_body = 256u << 20;
	if (job->fetch->kind == FETCH_LIST && job->fetch->list == LIST_BLOCKED)
		return buf_adds(&req->path, BASE BLOCKED);
	if (job->fetch->kind == FETCH_THRESHOLDS)
		return buf_adds(&req->path, BASE RATE);
	return err_set(err, ERR_UNSUPPORTED, "0.5 - 0.6 has no such call");
}

static void take_list(struct entrylist *l, json_t *pairs)
{
	struct entry_value v;
	json_t *pair;
	size_t i;

	json_array_foreach (pairs, i, pair) {
		const char *key = json_string_value(json_array_get(pair, 0)), *value = json_string_value(json_array_get(pair, 1));

		if (!key || strncmp(key, BLOCKED, strlen(BLOCKED)) != 0)
			continue;
		entry_value_parse(value ? value : "", value ? strlen(value) : 0, &v);
		entrylist_add(l, key + strlen(BLOCKED), strlen(key) - strlen(BLOCKED), v.note, strlen(v.note), NULL, v.reason,
			v.by[0] ? ORIGIN_OPERATOR : ORIGIN_UNKNOWN, v.at, v.until);
	}
}

static void take_rate(struct thresholds *t, const char *value)
{
	struct threshold *r = &t->of[CLASS_AUTH];
	struct err ignored = ERR_INIT;

	*r = (struct threshold){ .supported = true, .enabled = true, .count = 100, .period_ms = 86400000 };
	if (!value)
		return;
	text_safe_str(r->raw, sizeof(r->raw), value, strlen(value));
	r->malformed = !rate_parse(value, strlen(value), r, &ignored);
	r->stored = r->supported = true;
}

static enum decode fetch_decode(const struct server *srv, struct fetch_job *job, const struct response *res, struct err *err)
{
	json_t *doc, *pairs = pairs_of(res, &doc, err);

	(void)srv;
	if (pairs && job->fetch->kind == FETCH_LIST) {
		take_list(job->reply->list, pairs);
	} else if (pairs) {
		job->reply->thresholds = xmalloc(sizeof(*job->reply->thresholds));
		thresholds_init(job->reply->thresholds);
		take_rate(job->reply->thresholds, pair_value(pairs, RATE));
	}
	json_decref(doc);
	return pairs ? DECODE_DONE : DECODE_FAIL;
}

/* ---- reading for a change ---- */

static bool is_known(const struct edit *e)
{
	if (edit_is_threshold(e->kind))
		return e->kind != EDIT_THRESHOLD_OFF && e->class == CLASS_AUTH;
	return edit_has_address(e->kind) && !edit_is_allow(e->kind);
}

static bool wanted(const struct server *srv, const struct edit *e, const char *before, struct buf *out)
{
	char rate[64];

	(void)srv;
	if (e->kind == EDIT_THRESHOLD)
		return buf_adds(out, rate_format(&e->value, rate, sizeof(rate)));
	if (e->kind != EDIT_BLOCK && e->kind != EDIT_EXPIRY)
		return false;
	edit_value(e, before, out);
	return true;
}

static bool read_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	const struct edit *e = &b->change->edits[b->first];

	(void)srv;
	req->max_body = 256u << 20;
	b->count = 1;
	if (!is_known(e))
		return err_set(err, ERR_UNSUPPORTED, "0.5 - 0.6 can't do that");
	if (edit_is_threshold(e->kind))
		return buf_adds(&req->path, BASE RATE);
	while (b->first + b->count < b->change->count && is_known(&e[b->count]) && !edit_is_threshold(e[b->count].kind))
		b->count++; /* the whole list answers for all */
	return buf_adds(&req->path, BASE BLOCKED);
}

static enum decode read_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	json_t *doc, *pairs = pairs_of(res, &doc, err), *map, *pair;
	size_t k;

	(void)srv;
	if (!pairs) {
		json_decref(doc);
		return DECODE_FAIL;
	}
	map = json_object();
	json_array_foreach (pairs, k, pair)
		if (json_is_string(json_array_get(pair, 0)))
			json_object_set(map, json_string_value(json_array_get(pair, 0)), json_array_get(pair, 1));
	for (size_t i = 0; i < b->count; i++) {
		const struct edit *e = &b->change->edits[b->first + i];
		char *key = edit_is_threshold(e->kind) ? xstrdup(RATE) : xasprintf(BLOCKED "%s", e->target);
		json_t *value = json_object_get(map, key);

		b->result[i].ok = true;
		if (value)
			b->result[i].value = xstrdup(json_string_value(value) ? json_string_value(value) : "");
		free(key);
	}
	json_decref(map);
	json_decref(doc);
	return DECODE_DONE;
}

/* ---- writing ---- */

/* A key that a DELETE can name. */
static bool is_plain(const char *target)
{
	size_t n = strlen(target);

	return n > 0 && target[n - 1] != '.' && strspn(target, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:_-") == n;
}

static void post_pairs(struct request *req, json_t *pairs)
{
	char *text = json_dumps(pairs, JSON_COMPACT);

	req->method = HTTP_POST;
	req->body.max = 64u << 20;
	buf_adds(&req->path, "/admin/config");
	buf_adds(&req->body, text ? text : "[]");
	free(text);
}

/* Consecutive blocks, expiries and rates go in one request. */
static void write_pairs(const struct server *srv, struct batch *b, struct request *req)
{
	json_t *pairs = json_array();
	size_t i = b->first;

	for (; i < b->change->count && i - b->first < 2000; i++) {
		const struct edit *e = &b->change->edits[i];
		struct buf value = BUF_INIT;
		char *key;

		if (e->kind == EDIT_UNBLOCK || e->kind == EDIT_THRESHOLD_DEFAULT)
			break;
		if (!b->skip[i] && wanted(srv, e, b->before[i], &value)) {
			key = edit_is_threshold(e->kind) ? xstrdup(RATE) : xasprintf(BLOCKED "%s", e->target);
			json_array_append_new(pairs, json_pack("[s,s]", key, buf_str(&value)));
			free(key);
		}
		buf_release(&value);
	}
	b->count = i - b->first;
	post_pairs(req, pairs);
	json_decref(pairs);
}

/* The narrowest prefix that ends with a dot. */
static void dance_prefix(const char *target, char *out, size_t size)
{
	size_t slash = strcspn(target, "/"), dot = slash;

	while (dot > 0 && target[dot - 1] != '.')
		dot--;
	snprintf(out, size, BLOCKED "%.*s", (int)(dot < 100 ? dot : 0), target);
	if (strlen(out) > strlen(BLOCKED) && strspn(out + strlen(BLOCKED), "0123456789abcdefABCDEF.:") != strlen(out) - strlen(BLOCKED))
		snprintf(out, size, BLOCKED);
}

static bool dance_encode(struct batch *b, struct request *req)
{
	struct dance *d = b->cur.memo;

	if (!d) {
		d = b->cur.memo = xcalloc(1, sizeof(*d));
		dance_prefix(b->change->edits[b->first].target, d->prefix, sizeof(d->prefix));
	}
	switch (b->cur.phase) {
	case DANCE_DELETE:
		req->method = HTTP_DELETE;
		return buf_addf(&req->path, BASE "%s", d->prefix);
	case DANCE_PUT_BACK:
		post_pairs(req, d->others);
		return true;
	default:
		req->max_body = 256u << 20;
		return buf_addf(&req->path, BASE "%s", d->prefix);
	}
}

static bool write_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	const struct edit *e = &b->change->edits[b->first];

	(void)err;
	if (e->kind != EDIT_UNBLOCK && e->kind != EDIT_THRESHOLD_DEFAULT) {
		write_pairs(srv, b, req);
		return true;
	}
	b->count = 1;
	if (e->kind == EDIT_UNBLOCK && !is_plain(e->target))
		return dance_encode(b, req);
	req->method = HTTP_DELETE;
	return buf_addf(&req->path, BASE "%s%s", e->kind == EDIT_UNBLOCK ? BLOCKED : "", e->kind == EDIT_UNBLOCK ? e->target : RATE);
}

static enum decode refuse(struct batch *b, enum err_code why, const char *text)
{
	for (size_t i = 0; i < b->count; i++) {
		b->result[i].ok = false;
		b->result[i].why = why;
		b->result[i].text = xstrdup(text);
	}
	return DECODE_DONE;
}

/* Everything under the prefix but the target, kept safe before anything is deleted. */
static enum decode dance_read(struct batch *b, struct dance *d, json_t *pairs)
{
	char *key = xasprintf(BLOCKED "%s", b->change->edits[b->first].target), *text;
	struct err why = ERR_INIT;
	bool kept = true;
	json_t *pair;
	size_t i;

	d->others = json_array();
	json_array_foreach (pairs, i, pair)
		if (json_is_string(json_array_get(pair, 0)) && strcmp(json_string_value(json_array_get(pair, 0)), key) != 0)
			json_array_append(d->others, pair);
	free(key);
	if (json_array_size(d->others) > 0) {
		text = json_dumps(d->others, JSON_COMPACT);
		kept = b->hooks && b->hooks->rescue_save && b->hooks->rescue_save(b->hooks->arg, text, &why);
		free(text);
	}
	if (!kept)
		return refuse(b, ERR_IO, why.msg[0] ? why.msg : "other entries would be deleted along, and there is nowhere to keep them");
	b->cur.phase = DANCE_DELETE;
	return DECODE_MORE;
}

static enum decode dance_check(struct batch *b, struct dance *d, json_t *pairs)
{
	size_t missing = 0, i;
	json_t *pair;
	char text[160];

	json_array_foreach (d->others, i, pair)
		missing += pair_value(pairs, json_string_value(json_array_get(pair, 0))) == NULL;
	if (missing) {
		snprintf(text, sizeof(text), "%zu other entries were not put back; they are kept and put back at the next start", missing);
		return refuse(b, ERR_SERVER, text);
	}
	if (json_array_size(d->others) > 0 && b->hooks && b->hooks->rescue_clear)
		b->hooks->rescue_clear(b->hooks->arg);
	b->result[0].ok = true;
	return DECODE_DONE;
}

static enum decode dance_decode(struct batch *b, const struct response *res, struct err *err)
{
	struct dance *d = b->cur.memo;
	json_t *doc, *pairs = pairs_of(res, &doc, err);
	enum decode next = DECODE_FAIL;

	if (pairs && b->cur.phase == DANCE_READ) {
		next = dance_read(b, d, pairs);
	} else if (pairs && b->cur.phase == DANCE_DELETE) {
		b->cur.phase = json_array_size(d->others) ? DANCE_PUT_BACK : DANCE_CHECK;
		next = DECODE_MORE;
	} else if (pairs && b->cur.phase == DANCE_PUT_BACK) {
		b->cur.phase = DANCE_CHECK;
		next = DECODE_MORE;
	} else if (pairs) {
		next = dance_check(b, d, pairs);
	}
	json_decref(doc);
	return next;
}

static enum decode write_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	struct err why = ERR_INIT;

	(void)srv;
	if (res->status == 0)
		return err_set(err, res->err.code, "%s", res->err.msg), DECODE_FAIL;
	if (b->cur.memo)
		return dance_decode(b, res, err);
	if (!response_check(res, &why))
		return refuse(b, why.code, why.msg);
	for (size_t i = 0; i < b->count; i++)
		b->result[i].ok = true;
	return DECODE_DONE;
}

static void memo_free(void *memo)
{
	struct dance *d = memo;

	if (d)
		json_decref(d->others);
	free(d);
}

/* ---- making live ---- */

static unsigned reloads(const struct server *srv, const struct edit *e)
{
	(void)srv;
	return e->kind == EDIT_BLOCK || e->kind == EDIT_UNBLOCK || e->kind == EDIT_RELOAD || edit_is_threshold(e->kind) ? 1u << RELOAD_SETTINGS : 0;
}

static const char *caveat(const struct server *srv, const struct edit *e)
{
	(void)srv;
	return edit_is_threshold(e->kind) ? "a new rate works only after a restart of the server" : NULL;
}

static bool reload_encode(const struct server *srv, enum reload_kind kind, struct cursor *cur, struct request *req, struct err *err)
{
	(void)srv, (void)kind, (void)cur, (void)err;
	return buf_adds(&req->path, "/admin/reload/config");
}

static enum decode reload_decode(const struct server *srv, enum reload_kind kind, struct cursor *cur, const struct response *res,
	struct reload_result *out, struct err *err)
{
	struct err why = ERR_INIT;

	(void)srv, (void)kind, (void)cur, (void)err;
	out->ok = response_check(res, &why);
	out->asynchronous = true;
	out->why = why.code;
	snprintf(out->text, sizeof(out->text), "%.255s", why.msg);
	return DECODE_DONE;
}

const struct dialect_ops dialect_config = {
	.name = "config",
	.probe_encode = probe_encode,
	.probe_decode = probe_decode,
	.fetch_encode = fetch_encode,
	.fetch_decode = fetch_decode,
	.wanted = wanted,
	.read_encode = read_encode,
	.read_decode = read_decode,
	.write_encode = write_encode,
	.write_decode = write_decode,
	.reloads = reloads,
	.caveat = caveat,
	.reload_encode = reload_encode,
	.reload_decode = reload_decode,
	.memo_free = memo_free,
};
