/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings API of 0.7 - 0.15: reading single targets and writing edits. Keys are sent in delete and insert ops as they are:
 * a DELETE path is split at '/' and deletes nothing (seen on 0.15.5). */
#include <string.h>

#include "client/dialect_hold.h"
#include "client/dialect_settings.h"
#include "client/json.h"
#include "core/mem.h"

#define WRITE_EDITS_MAX 8192       /* looked at for one request: more don't fit, but for those that are skipped */
#define WRITE_BODY_MAX (512 * 1024) /* the server cuts a body at 1 MiB (seen on 0.15.5) */
#define READ_KEYS_MAX 1000          /* in one URL, seen to work on 0.15.5 */
#define READ_URL_MAX 49152

static const char *list_prefix(enum edit_kind k)
{
	return edit_is_allow(k) ? SETTINGS_ALLOWED : SETTINGS_BLOCKED;
}

/* Of a hundred thousand entries: asprintf() takes three times as long. */
static char *concat(const char *a, const char *b)
{
	size_t an = strlen(a), bn = strlen(b);
	char *out = xmalloc(an + bn + 1);

	memcpy(out, a, an);
	memcpy(out + an, b, bn + 1);
	return out;
}

/* The keys an edit's value lives under, at most two; n = 0 for scan paths and actions. */
static size_t edit_keys(const struct server *srv, const struct edit *e, char *key[2])
{
	const char *const *rate;
	size_t n = 0;

	switch (e->kind) {
	case EDIT_BLOCK:
	case EDIT_UNBLOCK:
	case EDIT_EXPIRY:
	case EDIT_ALLOW:
	case EDIT_DISALLOW:
	case EDIT_ALLOW_EXPIRY:
		key[n++] = concat(list_prefix(e->kind), e->target);
		break;
	case EDIT_THRESHOLD:
	case EDIT_THRESHOLD_OFF:
	case EDIT_THRESHOLD_DEFAULT:
		for (rate = settings_rate_keys(srv->threshold_family, e->class); *rate; rate++)
			key[n++] = xstrdup(*rate);
		break;
	case EDIT_CERT_UPLOAD:
		key[n++] = xasprintf(SETTINGS_CERTIFICATE "%s.cert", e->target);
		break;
	case EDIT_PATH_ADD:
	case EDIT_PATH_REMOVE:
	case EDIT_RESET_COUNTERS:
	case EDIT_RELOAD:
	case EDIT_CERT_RELOAD:
	case EDIT_CERT_RENEW:
	case EDIT_COUNT:
		break;
	}
	return n;
}

static void keys_free(char *key[2], size_t n)
{
	while (n > 0)
		free(key[--n]);
}

bool settings_wanted(const struct server *srv, const struct edit *e, const char *before, struct buf *out)
{
	char rate[64];

	(void)srv;
	switch (e->kind) {
	case EDIT_BLOCK:
	case EDIT_ALLOW:
	case EDIT_EXPIRY:
	case EDIT_ALLOW_EXPIRY:
		edit_value(e, before, out);
		return true;
	case EDIT_THRESHOLD:
		buf_adds(out, e->raw ? e->raw : rate_format(e->value, rate, sizeof(rate)));
		return true;
	case EDIT_THRESHOLD_OFF:
		buf_adds(out, "false");
		return true;
	case EDIT_PATH_ADD:
		buf_adds(out, e->target);
		return true;
	case EDIT_CERT_UPLOAD:
		buf_adds(out, e->cert_pem ? e->cert_pem : "");
		return true;
	case EDIT_UNBLOCK:
	case EDIT_DISALLOW:
	case EDIT_THRESHOLD_DEFAULT:
	case EDIT_PATH_REMOVE:
	case EDIT_RESET_COUNTERS:
	case EDIT_RELOAD:
	case EDIT_CERT_RELOAD:
	case EDIT_CERT_RENEW:
	case EDIT_COUNT:
		break;
	}
	return false;
}

/* ---- reading ---- */

/* A comma in a malformed key would be split by `keys`: such a key is looked up in the whole list. */
static bool needs_list(const struct edit *e)
{
	return !edit_is_threshold(e->kind) && !edit_is_path(e->kind) && e->target && strchr(e->target, ',');
}

bool settings_read_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	size_t left = b->change->count - b->first, i, keys = 0;
	const struct edit *e = &b->change->edits[b->first];
	bool paths = false;
	const char *sep = "";

	(void)err;
	if (settings_list_encode(b, req))
		return true;
	if (needs_list(e)) {
		b->count = 1;
		b->cur.phase = 1;
		req->max_body = 256u << 20;
		return buf_addf(&req->path, "/api/settings/list?prefix=%s",
			edit_is_allow(e->kind) ? "server.allowed-ip" : "server.blocked-ip");
	}
	buf_adds(&req->path, "/api/settings/keys?keys=");
	for (i = 0; i < left && keys < READ_KEYS_MAX && req->path.len < READ_URL_MAX; i++, e++) {
		char *key[2];
		size_t n = edit_keys(srv, e, key);

		if (needs_list(e)) {
			keys_free(key, n);
			break;
		}
		paths = paths || edit_is_path(e->kind);
		for (size_t k = 0; k < n; k++, keys++, sep = ",") {
			buf_adds(&req->path, sep);
			path_escape(&req->path, key[k], strlen(key[k]));
		}
		keys_free(key, n);
	}
	b->count = i;
	if (paths)
		buf_adds(&req->path, "&prefixes=" SETTINGS_PATHS);
	req->max_body = 64u << 20;
	return true;
}

static const char *string_at(json_t *data, const char *key)
{
	return json_string_value(json_object_get(data, key));
}

char *settings_rate_value(json_t *data, const char *const *key, size_t n)
{
	const char *a = n > 0 ? string_at(data, key[0]) : NULL, *b = n > 1 ? string_at(data, key[1]) : NULL;

	if (n < 2)
		return a ? xstrdup(a) : NULL;
	if (a && b)
		return strcmp(a, b) ? xasprintf("%s / %s", a, b) : xstrdup(a);
	if (a || b)
		return xasprintf("%s (%s only)", a ? a : b, a ? key[0] : key[1]);
	return NULL;
}

enum decode settings_read_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	json_t *doc, *data;

	if (b->cur.phase == SETTINGS_READS_LIST)
		return settings_list_decode(b, res, err);
	doc = settings_document(res, err);
	data = json_object_get(doc, "data");
	if (!doc)
		return DECODE_FAIL;
	for (size_t i = 0; i < b->count; i++) {
		const struct edit *e = &b->change->edits[b->first + i];
		struct edit_result *r = &b->result[i];
		char *key[2] = { NULL, NULL };
		size_t n = edit_keys(srv, e, key);
		const char *s;

		r->ok = true;
		if (edit_is_path(e->kind)) {
			settings_path_result(data, e, r);
		} else if (edit_is_threshold(e->kind)) {
			r->value = settings_rate_value(data, (const char *const *)key, n);
		} else if (n > 0) {
			s = b->cur.phase == 1 ? string_at(json_object_get(data, "items"), e->target) : string_at(data, key[0]);
			r->value = s ? xstrdup(s) : NULL;
		}
		keys_free(key, n);
	}
	json_decref(doc);
	return DECODE_DONE;
}

/* ---- writing ---- */

void settings_add_value(struct settings_write *w, const char *key, const char *value)
{
	if (w->value_count++ == 0)
		w->is_list = !strncmp(key, SETTINGS_BLOCKED, strlen(SETTINGS_BLOCKED)) || !strncmp(key, SETTINGS_ALLOWED, strlen(SETTINGS_ALLOWED));
	buf_adds(&w->values, w->values.len ? ",[" : "[");
	json_put_str(&w->values, key, strlen(key));
	buf_addc(&w->values, ',');
	w->last_at = w->values.len;
	json_put_str(&w->values, value, strlen(value));
	w->last_len = w->values.len - w->last_at;
	w->last = NULL; /* until it is known whose value this is */
	buf_addc(&w->values, ']');
}

/* A hundred thousand new entries mostly get the same value: it is copied from the one before. */
static void add_last_value(struct settings_write *w, const char *key)
{
	char *room;

	w->value_count++;
	buf_adds(&w->values, ",[");
	json_put_str(&w->values, key, strlen(key));
	buf_addc(&w->values, ',');
	room = buf_room(&w->values, w->last_len);
	if (room) {
		memcpy(room, w->values.data + w->last_at, w->last_len);
		buf_used(&w->values, w->last_len);
	}
	buf_addc(&w->values, ']');
}

void settings_add_delete(struct settings_write *w, const char *key)
{
	if (w->deletes.len)
		buf_addc(&w->deletes, ',');
	json_put_str(&w->deletes, key, strlen(key));
}

static void write_edit(const struct server *srv, const struct batch *b, size_t i, struct settings_write *w)
{
	const struct edit *e = &b->change->edits[i];
	char *key[2] = { NULL, NULL };
	struct buf value = BUF_INIT;
	size_t n;

	if (edit_is_path(e->kind)) {
		settings_write_path(b, e, b->ids[i], w);
		w->bytes += 600;
		return;
	}
	n = edit_keys(srv, e, key);
	if (w->last && !b->before[i] && edit_asks_the_same(e, w->last)) {
		add_last_value(w, key[0]);
		w->bytes += w->last_bytes;
		keys_free(key, n);
		return;
	}
	w->replaces = w->replaces || b->before[i];
	if (n > 0 && settings_wanted(srv, e, b->before[i], &value)) {
		for (size_t k = 0; k < n; k++)
			settings_add_value(w, key[k], buf_str(&value));
		if (e->kind == EDIT_CERT_UPLOAD && e->key_pem) {
			char *pk = xasprintf(SETTINGS_CERTIFICATE "%s.private-key", e->target);

			settings_add_value(w, pk, e->key_pem);
			w->bytes += strlen(e->key_pem) * 2;
			free(pk);
		}
	} else {
		for (size_t k = 0; k < n; k++)
			settings_add_delete(w, key[k]);
	}
	w->last_bytes = n * (strlen(e->target ? e->target : "") + 2 * value.len + 80);
	w->bytes += w->last_bytes;
	w->last = !b->before[i] && (e->kind == EDIT_BLOCK || e->kind == EDIT_ALLOW) ? e : NULL;
	buf_release(&value);
	keys_free(key, n);
}

static void write_body(struct request *req, const struct settings_write *w, bool capital)
{
	struct buf *out = &req->body;

	/* additions first: whoever takes the first half only keeps more, not less */
	buf_addc(out, '[');
	if (w->value_count) {
		buf_addf(out, "{\"type\":\"%s\",\"prefix\":null,\"values\":[", capital ? "Insert" : "insert");
		buf_add(out, w->values.data, w->values.len);
		/* assert_empty with a null prefix tests the first key only: right for exactly one new entry, which was read as absent. */
		buf_addf(out, "],\"assert_empty\":%s}", w->is_list && !w->replaces && w->value_count == 1 ? "true" : "false");
	}
	if (w->deletes.len) {
		buf_addf(out, "%s{\"type\":\"%s\",\"keys\":[", w->value_count ? "," : "", capital ? "Delete" : "delete");
		buf_add(out, w->deletes.data, w->deletes.len);
		buf_adds(out, "]}");
	}
	buf_addc(out, ']');
}

bool settings_write_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	struct settings_write w = { .values = BUF_INIT, .deletes = BUF_INIT };
	size_t i, end = b->first + hold_run(b, WRITE_EDITS_MAX);

	(void)err;
	if (hold_is_open(b)) {
		b->count = end - b->first;
		return settings_hold_encode(b, req);
	}
	for (i = b->first; i < end && w.bytes < WRITE_BODY_MAX; i++) {
		const struct edit *e = &b->change->edits[i];

		b->count = i - b->first + 1;
		req->secret = w.values.secret = req->secret || e->kind == EDIT_CERT_UPLOAD;
		if (!b->skip[i])
			write_edit(srv, b, i, &w);
	}
	req->method = HTTP_POST;
	req->body.secret = req->secret;
	req->body.max = 4u << 20;
	buf_adds(&req->path, "/api/settings");
	write_body(req, &w, srv->capital_ops != (b->cur.phase == 1));
	buf_release(&w.values);
	buf_release(&w.deletes);
	return true;
}

static void fail_all(struct batch *b, enum err_code why, const char *text)
{
	for (size_t i = 0; i < b->count; i++) {
		b->result[i].ok = false;
		b->result[i].why = why;
		b->result[i].text = xstrdup(text);
	}
}

enum decode settings_write_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	struct err why = ERR_INIT;
	char name[40];
	json_t *doc;

	(void)srv;
	if (res->status && hold_is_open(b))
		return settings_hold_decode(b, res);
	if (res->status == 400 && b->cur.phase == 0) {
		b->cur.phase = 1; /* the other case of the op names; the wrong one changes nothing (seen on 0.8.1, 0.10.3, 0.15.5) */
		return DECODE_MORE;
	}
	if (res->status == 0)
		return err_set(err, res->err.code, "%s", res->err.msg), DECODE_FAIL;
	if (!strcmp(settings_error_name(res, name, sizeof(name)), "assertFailed")) {
		fail_all(b, ERR_CONFLICT, "somebody else stored this entry meanwhile; nothing was overwritten");
		return DECODE_DONE;
	}
	doc = settings_document(res, &why);
	if (!doc) {
		fail_all(b, why.code, why.msg);
		return DECODE_DONE;
	}
	for (size_t i = 0; i < b->count; i++)
		b->result[i].ok = true;
	json_decref(doc);
	return DECODE_DONE;
}
