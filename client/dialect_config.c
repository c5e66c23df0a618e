/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `/admin/config` of 0.5.3 - 0.6: key-value pairs, prefixes, a reload that works a moment later. No allow list, no log call; a new rate works only
 * after a restart. A network can't be named in a DELETE (the path is split at '/', nothing is decoded): dialect_config_dance.c takes it away.
 * Seen on 0.6.0; pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect_config.h"
#include "client/dialect_hold.h"
#include "client/json.h"
#include "client/trust.h"
#include "core/mem.h"
#include "core/text.h"

#define RATE "server.security.fail2ban"
#define FORWARDED "jmap.rate-limit.use-forwarded"

/* Where the trusted networks are; all of `server.` would bring the blocked list along. */
static const char *const trust_prefixes[] = { "server.proxy.", "server.listener.", FORWARDED };

static void memo_free(void *memo)
{
	struct config_memo *m = memo;

	pairs_release(&m->pairs);
	targets_free(m->targets);
	config_dance_free(m->dance);
	free(m);
}

struct config_memo *config_memo(struct cursor *cur)
{
	struct config_memo *m = cur->memo ? cur->memo : xcalloc(1, sizeof(*m));

	cur->memo = m;
	pairs_begin(&m->pairs);
	m->has_rate = false;
	return m;
}

/* Values are strings; anything else counts as an empty one. */
static size_t value_text(const struct json_item *v, const char **s)
{
	bool is_text = v->type == JSON_ITEM_STRING;

	*s = is_text ? v->s : "";
	return is_text ? v->len : 0;
}

/* The address of a blocked entry; false: another key. */
static bool strip(const char **key, size_t *len)
{
	size_t n = strlen(CONFIG_BLOCKED);

	if (*len < n || memcmp(*key, CONFIG_BLOCKED, n) != 0)
		return false;
	*key += n;
	*len -= n;
	return true;
}

static void take_rate(struct config_memo *m, const char *key, size_t len, const struct json_item *v)
{
	const char *s;

	if (!key || len != strlen(RATE) || memcmp(key, RATE, len) != 0)
		return;
	m->has_rate = true;
	len = value_text(v, &s);
	snprintf(m->rate, sizeof(m->rate), "%.*s", (int)(len < sizeof(m->rate) ? len : sizeof(m->rate) - 1), s);
}

/* ---- what the dance uses, too ---- */

json_t *config_pairs(const struct response *res, json_t **doc, struct err *err)
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

void config_post(struct request *req, json_t *pairs)
{
	char *text = json_dumps(pairs, JSON_COMPACT);

	req->method = HTTP_POST;
	req->body.max = 64u << 20;
	buf_adds(&req->path, "/admin/config");
	buf_adds(&req->body, text ? text : "[]");
	free(text);
}

enum decode config_refuse(struct batch *b, enum err_code why, const char *text)
{
	for (size_t i = 0; i < b->count; i++) {
		b->result[i].ok = false;
		b->result[i].why = why;
		b->result[i].text = xstrdup(text);
	}
	return DECODE_DONE;
}

/* ---- detection ---- */

static bool probe_encode(struct request *req)
{
	return buf_adds(&req->path, CONFIG_BASE RATE); /* one key at the most, while the list may be long */
}

static int probe_decode(const struct response *res, struct server *srv)
{
	static const enum cap_bit untested[] = { CAP_BIT_WRITE_BLOCKED, CAP_BIT_WRITE_THRESHOLDS, CAP_BIT_RELOAD };
	struct err ignored = ERR_INIT;
	json_t *doc, *pairs = res->status == 200 ? config_pairs(res, &doc, &ignored) : NULL;

	if (res->status == 200)
		json_decref(doc);
	if (!pairs)
		return 0;
	for (int i = 0; i < CAP_BIT_COUNT; i++)
		srv->info.caps[i] = CAP_NO_GENERATION;
	for (size_t i = 0; i < ARRAY_LEN(untested); i++)
		srv->info.caps[untested[i]] = CAP_UNTESTED;
	srv->info.caps[CAP_BIT_READ_BLOCKED] = srv->info.caps[CAP_BIT_READ_THRESHOLDS] =
		srv->info.caps[CAP_BIT_READ_TRUST] = CAP_YES;
	srv->info.caps[CAP_BIT_EXPIRY] = srv->info.caps[CAP_BIT_NOTES] = CAP_YES;
	srv->info.generation = GEN_CONFIG_0_5;
	snprintf(srv->info.versions, sizeof(srv->info.versions), "0.5 – 0.6");
	return 6;
}

/* ---- fetching ---- */

static bool fetch_encode(const struct server *srv, struct fetch_job *job, struct request *req, struct err *err)
{
	(void)srv;
	req->stream = true;
	config_memo(&job->cur);
	if (job->fetch->kind == FETCH_LIST && job->fetch->list == LIST_BLOCKED)
		return buf_adds(&req->path, CONFIG_BASE CONFIG_BLOCKED);
	if (job->fetch->kind == FETCH_THRESHOLDS)
		return buf_adds(&req->path, CONFIG_BASE RATE);
	if (job->fetch->kind == FETCH_TRUST)
		return buf_addf(&req->path, CONFIG_BASE "%s", trust_prefixes[job->cur.phase]);
	return err_set(err, ERR_UNSUPPORTED, "0.5 - 0.6 has no such call");
}

static void take_trust(struct fetch_job *job, const char *key, size_t len, const struct json_item *value)
{
	char *name, *text;
	const char *s;
	size_t n;

	if (!job->reply->trust)
		job->reply->trust = trust_new();
	if (!key)
		return;
	n = value_text(value, &s);
	name = xasprintf("%.*s", (int)len, key);
	text = xasprintf("%.*s", (int)n, s);
	if (!strcmp(name, FORWARDED))
		job->reply->trust->forwarded = !strcmp(text, "true");
	else
		trust_take(job->reply->trust, name, text);
	free(name);
	free(text);
}

static void take_pair(void *arg, const char *key, size_t len, const struct json_item *value)
{
	struct fetch_job *job = arg;
	struct entry_value v;
	const char *s;
	size_t n;

	if (job->fetch->kind == FETCH_THRESHOLDS) {
		take_rate(job->cur.memo, key, len, value);
	} else if (job->fetch->kind == FETCH_TRUST) {
		take_trust(job, key, len, value);
	} else if (!key) {
		entrylist_reset(job->reply->list);
	} else if (strip(&key, &len)) {
		n = value_text(value, &s);
		entry_value_parse(s, n, &v);
		entrylist_add(job->reply->list, key, len, v.note, strlen(v.note), NULL, v.reason,
			v.by[0] ? ORIGIN_OPERATOR : ORIGIN_UNKNOWN, v.at, v.until);
	}
}

static void fetch_item(const struct server *srv, struct fetch_job *job, const struct json_path *path, const struct json_item *item)
{
	struct config_memo *m = job->cur.memo;

	(void)srv;
	pairs_item(&m->pairs, path, item, take_pair, job);
}

static void set_rate(struct thresholds *t, const struct config_memo *m)
{
	struct threshold *r = &t->of[CLASS_AUTH];
	struct err ignored = ERR_INIT;

	*r = (struct threshold){ .supported = true, .enabled = true, .count = 100, .period_ms = 86400000 };
	if (!m->has_rate)
		return;
	text_safe_str(r->raw, sizeof(r->raw), m->rate, strlen(m->rate));
	r->malformed = !rate_parse(m->rate, strlen(m->rate), r, &ignored);
	r->stored = r->supported = true;
}

static enum decode fetch_decode(const struct server *srv, struct fetch_job *job, const struct response *res, struct err *err)
{
	const struct config_memo *m = job->cur.memo;

	(void)srv;
	if (!pairs_check(&m->pairs, res, err))
		return DECODE_FAIL;
	if (job->fetch->kind == FETCH_THRESHOLDS) {
		job->reply->thresholds = xmalloc(sizeof(*job->reply->thresholds));
		thresholds_init(job->reply->thresholds);
		set_rate(job->reply->thresholds, m);
	}
	if (job->fetch->kind != FETCH_TRUST)
		return DECODE_DONE;
	if (!job->reply->trust)
		job->reply->trust = trust_new();
	return ++job->cur.phase < (int)ARRAY_LEN(trust_prefixes) ? DECODE_MORE : DECODE_DONE;
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
		return buf_adds(out, rate_format(e->value, rate, sizeof(rate)));
	if (e->kind != EDIT_BLOCK && e->kind != EDIT_EXPIRY)
		return false;
	edit_value(e, before, out);
	return true;
}

/* A key that a path can name. */
static bool is_plain(const char *target)
{
	size_t n = strlen(target);

	return n > 0 && target[n - 1] != '.' &&
		strspn(target, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:_-") == n;
}

static bool read_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	const struct edit *e = &b->change->edits[b->first];
	struct config_memo *m;

	(void)srv;
	b->count = 1;
	if (!is_known(e))
		return err_set(err, ERR_UNSUPPORTED, "0.5 - 0.6 can't do that");
	m = config_memo(&b->cur);
	req->stream = true;
	if (edit_is_threshold(e->kind))
		return buf_adds(&req->path, CONFIG_BASE RATE);
	while (b->first + b->count < b->change->count && is_known(&e[b->count]) && !edit_is_threshold(e[b->count].kind))
		b->count++; /* the whole list answers for all */
	if (!m->targets)
		m->targets = targets_new(b);
	return buf_addf(
		&req->path, CONFIG_BASE CONFIG_BLOCKED "%s", b->count == 1 && is_plain(e->target) ? e->target : "");
}

static void read_pair(void *arg, const char *key, size_t len, const struct json_item *value)
{
	const struct batch *b = arg;
	struct config_memo *m = b->cur.memo;
	const char *s;
	size_t n;

	if (!m->targets) {
		take_rate(m, key, len, value);
	} else if (!key) {
		targets_forget(m->targets);
	} else if (strip(&key, &len)) {
		n = value_text(value, &s);
		targets_take(m->targets, key, len, s, n, NULL);
	}
}

static void read_item(const struct server *srv, struct batch *b, const struct json_path *path, const struct json_item *item)
{
	struct config_memo *m = b->cur.memo;

	(void)srv;
	pairs_item(&m->pairs, path, item, read_pair, b);
}

static enum decode read_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	const struct config_memo *m = b->cur.memo;
	enum decode got = targets_decode(m->targets, &m->pairs, res, err);

	(void)srv;
	if (got != DECODE_MORE)
		return got;
	b->result[0].ok = true;
	b->result[0].value = m->has_rate ? xstrdup(m->rate) : NULL;
	return DECODE_DONE;
}

/* ---- writing ---- */

/* Consecutive blocks, expiries and rates go in one request. */
static void write_pairs(const struct server *srv, struct batch *b, struct request *req)
{
	json_t *pairs = json_array();
	size_t i = b->first;

	for (; i < b->change->count && i - b->first < CONFIG_PAIRS_MAX; i++) {
		const struct edit *e = &b->change->edits[i];
		struct buf value = BUF_INIT;
		char *key;

		if (!is_known(e) || e->kind == EDIT_UNBLOCK || e->kind == EDIT_THRESHOLD_DEFAULT)
			break;
		if (!b->skip[i] && wanted(srv, e, b->before[i], &value)) {
			key = edit_is_threshold(e->kind) ? xstrdup(RATE) : xasprintf(CONFIG_BLOCKED "%s", e->target);
			json_array_append_new(pairs, json_pack("[s,s]", key, buf_str(&value)));
			free(key);
		}
		buf_release(&value);
	}
	b->count = i - b->first;
	config_post(req, pairs);
	json_decref(pairs);
}

/* What takes its place may be a network, which no path can name: it is looked for among those that begin like it. */
static bool hold_encode(const struct batch *b, struct request *req)
{
	size_t k = hold_next(b, 0);
	const char *target = b->change->edits[k].target;
	size_t len = hold_next(b, k + 1) == SIZE_MAX ? strcspn(target, "/") : 0;

	while (len > 0 && target[len - 1] != '.')
		len--;
	req->max_body = 256u << 20;
	return buf_addf(&req->path, CONFIG_BASE CONFIG_BLOCKED "%.*s", (int)len, target);
}

static bool write_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	const struct edit *e = &b->change->edits[b->first];

	if (!is_known(e))
		return err_set(err, ERR_UNSUPPORTED, "0.5 - 0.6 can't do that");
	if (e->kind != EDIT_UNBLOCK && e->kind != EDIT_THRESHOLD_DEFAULT) {
		write_pairs(srv, b, req);
		return true;
	}
	b->count = 1;
	if (hold_is_open(b))
		return hold_encode(b, req);
	if (e->kind == EDIT_UNBLOCK && !is_plain(e->target))
		return config_dance_encode(b, req);
	req->method = HTTP_DELETE;
	return buf_addf(&req->path, CONFIG_BASE "%s%s", e->kind == EDIT_UNBLOCK ? CONFIG_BLOCKED : "",
		e->kind == EDIT_UNBLOCK ? e->target : RATE);
}

static enum decode write_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	struct err why = ERR_INIT;

	(void)srv;
	if (res->status == 0)
		return err_set(err, res->err.code, "%s", res->err.msg), DECODE_FAIL;
	if (hold_is_open(b))
		return hold_check_pairs(b, res, CONFIG_BLOCKED);
	if (b->cur.memo)
		return config_dance_decode(b, res, err);
	if (!response_check(res, &why))
		return config_refuse(b, why.code, why.msg);
	for (size_t i = 0; i < b->count; i++)
		b->result[i].ok = true;
	return DECODE_DONE;
}

/* ---- making live ---- */

static unsigned reloads(const struct server *srv, const struct edit *e)
{
	(void)srv;
	return e->kind == EDIT_BLOCK || e->kind == EDIT_UNBLOCK || e->kind == EDIT_EXPIRY || e->kind == EDIT_RELOAD || edit_is_threshold(e->kind) ? 1u << RELOAD_SETTINGS : 0;
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
	.fetch_item = fetch_item,
	.fetch_decode = fetch_decode,
	.wanted = wanted,
	.read_encode = read_encode,
	.read_item = read_item,
	.read_decode = read_decode,
	.write_encode = write_encode,
	.write_decode = write_decode,
	.write_next = config_dance_next,
	.reloads = reloads,
	.caveat = caveat,
	.reload_encode = reload_encode,
	.reload_decode = reload_decode,
	.memo_free = memo_free,
};
