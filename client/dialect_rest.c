/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gateway with one REST resource a key: GET /api/settings?prefix=P, PATCH and DELETE /api/settings/KEY. What is written is live at once; an
 * answer may be empty, so reading again decides. Thresholds are bare counts per rolling hour. Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect_hold.h"
#include "client/dialect_pairs.h"
#include "client/json.h"
#include "core/mem.h"
#include "core/text.h"

#define BLOCKED "server.blocked-ip."
#define ALLOWED "server.allowed-ip."
#define DEFAULT_COUNT 100
#define HOUR_MS 3600000

static const char *const threshold_keys[CLASS_COUNT] = { [CLASS_AUTH] = "auth.banned-threshold",
	[CLASS_ABUSE] = "abuse.banned-threshold",
	[CLASS_SCAN] = "scan.banned-threshold" };

/* What a cursor keeps while an answer comes by. */
struct memo {
	struct pairs pairs;
	struct targets *targets;
	char count[24]; /* a threshold's; "" = not stored */
};

static void memo_free(void *memo)
{
	struct memo *m = memo;

	pairs_release(&m->pairs);
	targets_free(m->targets);
	free(m);
}

static struct memo *memo_begin(struct cursor *cur)
{
	struct memo *m = cur->memo ? cur->memo : xcalloc(1, sizeof(*m));

	cur->memo = m;
	pairs_begin(&m->pairs);
	m->count[0] = '\0';
	return m;
}

/* Text of a value: true, numbers and strings. False: there is none, or it says "not so". */
static bool value_text(const struct json_item *v, const char **s, size_t *len)
{
	if (v->type == JSON_ITEM_BOOL) {
		*s = "true";
		*len = 4;
		return v->b;
	}
	*s = v->s;
	*len = v->len;
	return v->type != JSON_ITEM_NULL && !(v->len == 5 && !memcmp(v->s, "false", 5));
}

/* The prefix may be there or stripped. */
static void strip(const char *prefix, const char **key, size_t *len)
{
	size_t n = strlen(prefix);

	if (*len <= n || memcmp(*key, prefix, n) != 0)
		return;
	*key += n;
	*len -= n;
}

static void take_count(struct memo *m, enum ban_class c, const char *key, size_t len, const struct json_item *v)
{
	static const char suffix[] = "banned-threshold";
	const char *full = threshold_keys[c], *s;
	size_t n;

	if (!key)
		m->count[0] = '\0';
	else if ((len == strlen(full) && !memcmp(key, full, len)) ||
		(len == sizeof(suffix) - 1 && !memcmp(key, suffix, len)))
		if (value_text(v, &s, &n))
			text_safe_str(m->count, sizeof(m->count), s, n);
}

/* ---- detection ---- */

static bool probe_encode(struct request *req)
{
	return buf_adds(&req->path, "/api/settings?prefix=auth"); /* few keys, while the lists may be long */
}

static void set_caps(struct server *srv)
{
	static const enum cap_bit yes[] = { CAP_BIT_READ_BLOCKED, CAP_BIT_READ_ALLOWED, CAP_BIT_READ_THRESHOLDS,
		CAP_BIT_LIVE_AT_ONCE };
	static const enum cap_bit untested[] = { CAP_BIT_WRITE_BLOCKED, CAP_BIT_WRITE_ALLOWED,
		CAP_BIT_WRITE_THRESHOLDS };

	for (int i = 0; i < CAP_BIT_COUNT; i++)
		srv->info.caps[i] = CAP_NO_GENERATION;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		srv->info.caps[yes[i]] = CAP_YES;
	for (size_t i = 0; i < ARRAY_LEN(untested); i++)
		srv->info.caps[untested[i]] = CAP_UNTESTED;
	srv->info.generation = GEN_REST;
	snprintf(srv->info.versions, sizeof(srv->info.versions), "REST gateway");
}

static int probe_decode(const struct response *res, struct server *srv)
{
	json_t *doc = res->status == 200 ? json_read(res->body, res->len, NULL) : NULL;
	json_t *data = json_object_get(doc, "data") ? json_object_get(doc, "data") : doc;
	bool fits = doc && !json_object_get(doc, "error") && (json_is_object(data) || json_is_array(data));

	json_decref(doc);
	if (fits)
		set_caps(srv);
	return fits ? 8 : 0;
}

/* ---- fetching ---- */

static const char *prefix_of(bool allowed)
{
	return allowed ? ALLOWED : BLOCKED;
}

/* Without the last dot: P stands for P.… */
static bool ask_list(struct request *req, bool allowed)
{
	const char *prefix = prefix_of(allowed);

	return buf_addf(&req->path, "/api/settings?prefix=%.*s", (int)strlen(prefix) - 1, prefix);
}

static bool fetch_encode(const struct server *srv, struct fetch_job *job, struct request *req, struct err *err)
{
	(void)srv;
	if (job->fetch->kind != FETCH_LIST && job->fetch->kind != FETCH_THRESHOLDS)
		return err_set(err, ERR_UNSUPPORTED, "the REST gateway has no such call");
	memo_begin(&job->cur);
	req->stream = true;
	if (job->fetch->kind == FETCH_LIST)
		return ask_list(req, job->fetch->list == LIST_ALLOWED);
	while (!threshold_keys[job->cur.phase])
		job->cur.phase++;
	/* one class a request: the namespaces have nothing in common */
	return buf_addf(&req->path, "/api/settings?prefix=%s", class_name((enum ban_class)job->cur.phase));
}

static void take_pair(void *arg, const char *key, size_t len, const struct json_item *v)
{
	struct fetch_job *job = arg;
	const char *s;
	size_t n;

	if (job->fetch->kind == FETCH_THRESHOLDS) {
		take_count(job->cur.memo, (enum ban_class)job->cur.phase, key, len, v);
		return;
	}
	if (!key) {
		entrylist_reset(job->reply->list);
		return;
	}
	strip(prefix_of(job->fetch->list == LIST_ALLOWED), &key, &len);
	if (value_text(v, &s, &n))
		entrylist_add(
			job->reply->list, key, len, "", 0, NULL, REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE, TIME_NONE);
}

static void fetch_item(const struct server *srv, struct fetch_job *job, const struct json_path *path, const struct json_item *item)
{
	struct memo *m = job->cur.memo;

	(void)srv;
	pairs_item(&m->pairs, path, item, take_pair, job);
}

static enum decode take_threshold(struct fetch_job *job)
{
	const struct memo *m = job->cur.memo;
	struct threshold *t;
	int64_t count;

	if (!job->reply->thresholds) {
		job->reply->thresholds = xmalloc(sizeof(*job->reply->thresholds));
		thresholds_init(job->reply->thresholds);
	}
	t = &job->reply->thresholds->of[job->cur.phase];
	*t = (struct threshold){ .supported = true, .enabled = true, .count = DEFAULT_COUNT, .period_ms = HOUR_MS, .period_is_fixed = true };
	if (m->count[0]) {
		t->stored = true;
		snprintf(t->raw, sizeof(t->raw), "%s", m->count);
		t->malformed = !text_int(m->count, 1, 1000000000, &count);
		if (!t->malformed)
			t->count = (uint64_t)count;
	}
	for (job->cur.phase++; job->cur.phase < CLASS_COUNT; job->cur.phase++)
		if (threshold_keys[job->cur.phase])
			return DECODE_MORE;
	return DECODE_DONE;
}

static enum decode fetch_decode(const struct server *srv, struct fetch_job *job, const struct response *res, struct err *err)
{
	const struct memo *m = job->cur.memo;

	(void)srv;
	if (!pairs_check(&m->pairs, res, err))
		return DECODE_FAIL;
	return job->fetch->kind == FETCH_LIST ? DECODE_DONE : take_threshold(job);
}

/* ---- changing: one key a request ---- */

static bool is_listing(const struct edit *e)
{
	return edit_has_address(e->kind) && !edit_is_expiry(e->kind);
}

static bool is_known(const struct edit *e)
{
	if (edit_is_threshold(e->kind))
		return e->kind != EDIT_THRESHOLD_OFF && e->class < CLASS_COUNT && threshold_keys[e->class];
	return is_listing(e);
}

static bool wanted(const struct server *srv, const struct edit *e, const char *before, struct buf *out)
{
	(void)srv;
	if (e->kind == EDIT_BLOCK || e->kind == EDIT_ALLOW)
		return buf_adds(out, before ? before : "true");
	if (e->kind == EDIT_THRESHOLD)
		return buf_addf(out, "%llu/1h", (unsigned long long)e->value->count);
	return false;
}

static bool read_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	const struct edit *e = &b->change->edits[b->first];
	bool allowed = edit_is_allow(e->kind);
	struct memo *m;

	(void)srv;
	b->count = 1;
	if (!is_known(e))
		return err_set(err, ERR_UNSUPPORTED, "the REST gateway can't do that");
	m = memo_begin(&b->cur);
	req->stream = true;
	if (edit_is_threshold(e->kind))
		return buf_addf(&req->path, "/api/settings?prefix=%s", class_name(e->class));
	/* the whole list answers for every edit of the same list */
	while (b->first + b->count < b->change->count && is_listing(&e[b->count]) &&
		edit_is_allow(e[b->count].kind) == allowed)
		b->count++;
	if (!m->targets)
		m->targets = targets_new(b);
	return ask_list(req, allowed);
}

static void read_pair(void *arg, const char *key, size_t len, const struct json_item *v)
{
	const struct batch *b = arg;
	const struct edit *e = &b->change->edits[b->first];
	struct memo *m = b->cur.memo;
	const char *s;
	size_t n;

	if (edit_is_threshold(e->kind)) {
		take_count(m, e->class, key, len, v);
	} else if (!key) {
		targets_forget(m->targets);
	} else if (value_text(v, &s, &n)) {
		strip(prefix_of(edit_is_allow(e->kind)), &key, &len);
		targets_take(m->targets, key, len, s, n, NULL);
	}
}

static void read_item(const struct server *srv, struct batch *b, const struct json_path *path, const struct json_item *item)
{
	struct memo *m = b->cur.memo;

	(void)srv;
	pairs_item(&m->pairs, path, item, read_pair, b);
}

static enum decode read_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	const struct memo *m = b->cur.memo;
	enum decode got = targets_decode(m->targets, &m->pairs, res, err);

	(void)srv;
	if (got != DECODE_MORE)
		return got;
	b->result[0].ok = true;
	if (m->count[0])
		b->result[0].value = xasprintf("%s/1h", m->count);
	return DECODE_DONE;
}

/* What its place is taken by: one key, or the list. */
static bool hold_encode(const struct batch *b, struct request *req)
{
	size_t k = hold_next(b, 0);

	req->max_body = 256u << 20;
	if (hold_next(b, k + 1) != SIZE_MAX)
		return ask_list(req, false);
	buf_adds(&req->path, "/api/settings?prefix=" BLOCKED);
	path_escape(&req->path, b->change->edits[k].target, strlen(b->change->edits[k].target));
	return true;
}

static bool write_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	const struct edit *e = &b->change->edits[b->first];
	bool removes = e->kind == EDIT_UNBLOCK || e->kind == EDIT_DISALLOW || e->kind == EDIT_THRESHOLD_DEFAULT;

	(void)srv;
	b->count = 1;
	if (!is_known(e))
		return err_set(err, ERR_UNSUPPORTED, "the REST gateway can't do that");
	if (hold_is_open(b))
		return hold_encode(b, req);
	buf_adds(&req->path, "/api/settings/");
	if (edit_is_threshold(e->kind)) {
		buf_adds(&req->path, threshold_keys[e->class]);
	} else {
		buf_adds(&req->path, edit_is_allow(e->kind) ? ALLOWED : BLOCKED);
		path_escape(&req->path, e->target, strlen(e->target));
	}
	req->method = removes ? HTTP_DELETE : HTTP_PATCH;
	if (e->kind == EDIT_THRESHOLD)
		return buf_addf(&req->body, "{\"value\":%llu}", (unsigned long long)e->value->count);
	return removes || buf_adds(&req->body, "{\"value\":true}");
}

static enum decode write_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	struct err why = ERR_INIT;

	(void)srv;
	if (res->status == 0)
		return err_set(err, res->err.code, "%s", res->err.msg), DECODE_FAIL;
	if (hold_is_open(b))
		return hold_check_pairs(b, res, BLOCKED);
	b->result[0].ok = response_check(res, &why);
	if (!b->result[0].ok) {
		b->result[0].why = why.code;
		b->result[0].text = xstrdup(why.msg);
	}
	return DECODE_DONE;
}

const struct dialect_ops dialect_rest = {
	.name = "rest",
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
	.write_next = hold_write_next,
	.memo_free = memo_free,
};
