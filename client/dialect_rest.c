/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gateway with one REST resource a key: GET /api/settings?prefix=P, PATCH and DELETE /api/settings/KEY. What is written is live at once; an
 * answer may be empty, so reading again decides. Thresholds are bare counts per rolling hour. Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect.h"
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

/* ---- the shapes: {"data":{…}}, {key:value}, [[key,value],…], [{"key":k,"value":v},…] ---- */

static json_t *payload(json_t *doc)
{
	json_t *data = json_object_get(doc, "data");

	return data ? data : doc;
}

/* Text of a value: true, numbers and strings; NULL for null. */
static char *value_text(json_t *v)
{
	if (json_is_string(v))
		return xstrdup(json_string_value(v));
	if (json_is_integer(v))
		return xasprintf("%lld", (long long)json_integer_value(v));
	if (json_is_boolean(v))
		return xstrdup(json_is_true(v) ? "true" : "false");
	return NULL;
}

static bool key_equal(const char *got, const char *key, const char *suffix)
{
	return got && (!strcmp(got, key) || !strcmp(got, suffix));
}

/* The value of key, under its full name or, where the prefix was stripped, under suffix. Borrowed. */
static json_t *lookup(json_t *doc, const char *key, const char *suffix)
{
	json_t *data = payload(doc), *item, *items = json_object_get(data, "items");
	size_t i;

	data = items ? items : data;
	if (json_is_object(data)) {
		item = json_object_get(data, key);
		return item ? item : json_object_get(data, suffix);
	}
	json_array_foreach (data, i, item) {
		if (json_is_array(item) && key_equal(json_string_value(json_array_get(item, 0)), key, suffix))
			return json_array_get(item, 1);
		if (json_is_object(item) && key_equal(json_string_value(json_object_get(item, "key")), key, suffix))
			return json_object_get(item, "value");
	}
	return NULL;
}

/* ---- detection ---- */

static bool probe_encode(struct request *req)
{
	return buf_adds(&req->path, "/api/settings?prefix=server.blocked-ip");
}

static void set_caps(struct server *srv)
{
	static const enum cap_bit yes[] = { CAP_BIT_READ_BLOCKED, CAP_BIT_READ_ALLOWED, CAP_BIT_READ_THRESHOLDS, CAP_BIT_LIVE_AT_ONCE };
	static const enum cap_bit untested[] = { CAP_BIT_WRITE_BLOCKED, CAP_BIT_WRITE_ALLOWED, CAP_BIT_WRITE_THRESHOLDS };

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
	bool fits = doc && !json_object_get(doc, "error") && (json_is_object(payload(doc)) || json_is_array(payload(doc)));

	json_decref(doc);
	if (fits)
		set_caps(srv);
	return fits ? 8 : 0;
}

/* ---- fetching ---- */

static const char *prefix_of(enum list_kind k)
{
	return k == LIST_BLOCKED ? "server.blocked-ip" : "server.allowed-ip";
}

static bool fetch_encode(const struct server *srv, struct fetch_job *job, struct request *req, struct err *err)
{
	(void)srv;
	req->max_body = 256u << 20;
	if (job->fetch->kind == FETCH_LIST)
		return buf_addf(&req->path, "/api/settings?prefix=%s", prefix_of(job->fetch->list));
	if (job->fetch->kind == FETCH_THRESHOLDS) { /* one class a request: the namespaces have nothing in common */
		while (!threshold_keys[job->cur.phase])
			job->cur.phase++;
		return buf_addf(&req->path, "/api/settings?prefix=%s", class_name((enum ban_class)job->cur.phase));
	}
	return err_set(err, ERR_UNSUPPORTED, "the REST gateway has no such call");
}

static void add_entry(struct entrylist *l, const char *prefix, const char *key, json_t *value)
{
	size_t n = strlen(prefix);
	char *text = value_text(value);

	if (!strncmp(key, prefix, n) && key[n] == '.')
		key += n + 1;
	if (text && strcmp(text, "false") != 0)
		entrylist_add(l, key, strlen(key), "", 0, NULL, REASON_NONE, ORIGIN_UNKNOWN, TIME_NONE, TIME_NONE);
	free(text);
}

static void take_list(struct entrylist *l, const char *prefix, json_t *doc)
{
	json_t *data = payload(doc), *item, *items = json_object_get(data, "items");
	const char *key;
	size_t i;

	data = items ? items : data;
	json_object_foreach (data, key, item)
		add_entry(l, prefix, key, item);
	json_array_foreach (data, i, item) {
		key = json_string_value(json_is_array(item) ? json_array_get(item, 0) : json_object_get(item, "key"));
		if (key)
			add_entry(l, prefix, key, json_is_array(item) ? json_array_get(item, 1) : json_object_get(item, "value"));
	}
}

static enum decode take_threshold(struct fetch_job *job, json_t *doc)
{
	const char *key = threshold_keys[job->cur.phase];
	struct threshold *t;
	char *text;
	int64_t count;

	if (!job->reply->thresholds) {
		job->reply->thresholds = xmalloc(sizeof(*job->reply->thresholds));
		thresholds_init(job->reply->thresholds);
	}
	t = &job->reply->thresholds->of[job->cur.phase];
	*t = (struct threshold){ .supported = true, .enabled = true, .count = DEFAULT_COUNT, .period_ms = HOUR_MS, .period_is_fixed = true };
	text = value_text(lookup(doc, key, "banned-threshold"));
	if (text) {
		t->stored = true;
		text_safe_str(t->raw, sizeof(t->raw), text, strlen(text));
		t->malformed = !text_int(text, 1, 1000000000, &count);
		if (!t->malformed)
			t->count = (uint64_t)count;
	}
	free(text);
	for (job->cur.phase++; job->cur.phase < CLASS_COUNT; job->cur.phase++)
		if (threshold_keys[job->cur.phase])
			return DECODE_MORE;
	return DECODE_DONE;
}

static enum decode fetch_decode(const struct server *srv, struct fetch_job *job, const struct response *res, struct err *err)
{
	enum decode d = DECODE_DONE;
	json_t *doc;

	(void)srv;
	if (!response_check(res, err) || !(doc = json_read(res->body, res->len, err)))
		return DECODE_FAIL;
	if (json_object_get(doc, "error")) {
		err_set(err, ERR_SERVER, "the gateway answers an error");
		d = DECODE_FAIL;
	} else if (job->fetch->kind == FETCH_LIST) {
		take_list(job->reply->list, prefix_of(job->fetch->list), doc);
	} else {
		d = take_threshold(job, doc);
	}
	json_decref(doc);
	return d;
}

/* ---- changing: one key a request ---- */

static bool wanted(const struct server *srv, const struct edit *e, const char *before, struct buf *out)
{
	(void)srv;
	if (e->kind == EDIT_BLOCK || e->kind == EDIT_ALLOW)
		return buf_adds(out, before ? before : "true");
	if (e->kind == EDIT_THRESHOLD)
		return buf_addf(out, "%llu/1h", (unsigned long long)e->value.count);
	return false;
}

static bool read_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	const struct edit *e = &b->change->edits[b->first];

	(void)srv;
	req->max_body = 256u << 20;
	if (edit_is_threshold(e->kind)) {
		b->count = 1;
		if (!threshold_keys[e->class] || e->kind == EDIT_THRESHOLD_OFF)
			return err_set(err, ERR_UNSUPPORTED, "the REST gateway can't do that");
		return buf_addf(&req->path, "/api/settings?prefix=%s", class_name(e->class));
	}
	if (e->kind != EDIT_BLOCK && e->kind != EDIT_UNBLOCK && !edit_is_allow(e->kind))
		return err_set(err, ERR_UNSUPPORTED, "the REST gateway can't do that");
	/* the whole list answers for every edit of the same list */
	for (b->count = 1; b->first + b->count < b->change->count && (e[b->count].kind == EDIT_BLOCK || e[b->count].kind == EDIT_UNBLOCK ||
		edit_is_allow(e[b->count].kind)) && edit_is_allow(e[b->count].kind) == edit_is_allow(e->kind);)
		b->count++;
	return buf_addf(&req->path, "/api/settings?prefix=%s", prefix_of(edit_is_allow(e->kind) ? LIST_ALLOWED : LIST_BLOCKED));
}

static enum decode read_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	json_t *doc;

	(void)srv;
	if (!response_check(res, err) || !(doc = json_read(res->body, res->len, err)))
		return DECODE_FAIL;
	for (size_t i = 0; i < b->count; i++) {
		const struct edit *e = &b->change->edits[b->first + i];
		char *key = edit_is_threshold(e->kind) ? xstrdup(threshold_keys[e->class]) : xasprintf("%s%s", edit_is_allow(e->kind) ? ALLOWED : BLOCKED, e->target);
		char *text = value_text(lookup(doc, key, edit_is_threshold(e->kind) ? "banned-threshold" : e->target));

		b->result[i].ok = true;
		if (text && edit_is_threshold(e->kind))
			b->result[i].value = xasprintf("%s/1h", text);
		else if (text && strcmp(text, "false") != 0)
			b->result[i].value = xstrdup(text);
		free(text);
		free(key);
	}
	json_decref(doc);
	return DECODE_DONE;
}

static bool write_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	const struct edit *e = &b->change->edits[b->first];
	bool removes = e->kind == EDIT_UNBLOCK || e->kind == EDIT_DISALLOW || e->kind == EDIT_THRESHOLD_DEFAULT;

	(void)srv, (void)err;
	b->count = 1;
	buf_adds(&req->path, "/api/settings/");
	if (edit_is_threshold(e->kind)) {
		buf_adds(&req->path, threshold_keys[e->class]);
	} else {
		buf_adds(&req->path, edit_is_allow(e->kind) ? ALLOWED : BLOCKED);
		path_escape(&req->path, e->target, strlen(e->target));
	}
	req->method = removes ? HTTP_DELETE : HTTP_PATCH;
	if (e->kind == EDIT_THRESHOLD)
		return buf_addf(&req->body, "{\"value\":%llu}", (unsigned long long)e->value.count);
	return removes || buf_adds(&req->body, "{\"value\":true}");
}

static enum decode write_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	struct err why = ERR_INIT;

	(void)srv;
	if (res->status == 0)
		return err_set(err, res->err.code, "%s", res->err.msg), DECODE_FAIL;
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
	.fetch_decode = fetch_decode,
	.wanted = wanted,
	.read_encode = read_encode,
	.read_decode = read_decode,
	.write_encode = write_encode,
	.write_decode = write_decode,
};
