/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings API of 0.7 - 0.15 (gateways with /api/settings/list): reading. Its row in the table of dialects stands last.
 * Seen on 0.8.1, 0.10.3 and 0.15.5; pure, knows no connection and no clock. */
#include "client/dialect_settings.h"
#include "client/trust.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

const char *const settings_builtin_paths[] = { "*.php*", "*.cgi*", "*.asp*", "*/wp-*", "*/php*", "*/cgi-bin*", "*xmlrpc*",
	"*../*", "*/..*", "*joomla*", "*wordpress*", "*drupal*", NULL };

const char *const *settings_rate_keys(enum settings_family family, enum ban_class c)
{
	static const char *const keys[FAMILY_COUNT][CLASS_COUNT][3] = {
		[FAMILY_AUTO_BAN] = { [CLASS_AUTH] = { "server.auto-ban.auth.rate" },
			[CLASS_ABUSE] = { "server.auto-ban.abuse.rate" },
			[CLASS_LOITER] = { "server.auto-ban.loiter.rate" },
			[CLASS_SCAN] = { "server.auto-ban.scan.rate" } },
		[FAMILY_FAIL2BAN] = { [CLASS_AUTH] = { "server.fail2ban.authentication" },
			[CLASS_ABUSE] = { "server.fail2ban.invalid-rcpt" },
			[CLASS_LOITER] = { "server.fail2ban.loitering" } },
		[FAMILY_AUTHENTICATION] = { [CLASS_AUTH] = { "authentication.fail2ban" } },
		[FAMILY_EITHER] = {
			[CLASS_AUTH] = { "server.fail2ban.authentication", "server.auto-ban.auth.rate" },
			[CLASS_ABUSE] = { "server.fail2ban.invalid-rcpt", "server.auto-ban.abuse.rate" },
			[CLASS_LOITER] = { "server.fail2ban.loitering", "server.auto-ban.loiter.rate" } },
	};

	return keys[family][c];
}

json_t *settings_document(const struct response *res, struct err *err)
{
	json_t *doc, *e, *details;
	json_error_t je;

	if (!response_check(res, err))
		return NULL;
	doc = json_loadb(res->body, res->len, JSON_ALLOW_NUL, &je);
	if (!doc) {
		err_set(err, ERR_PROTOCOL, "the answer is no JSON (%s)", je.text);
		return NULL;
	}
	e = json_object_get(doc, "error");
	if (e) {
		details = json_object_get(doc, "details");
		if (!json_is_string(details))
			details = json_object_get(doc, "reason");
		err_set(err,
			json_is_string(e) && !strcmp(json_string_value(e), "notFound") ? ERR_NOT_FOUND : ERR_SERVER,
			"the server answers error %.60s%s%.200s",
			json_is_string(e) ? json_string_value(e) : "(unnamed)", json_is_string(details) ? ": " : "",
			json_is_string(details) ? json_string_value(details) : "");
		json_decref(doc);
		return NULL;
	}
	return doc;
}

const char *settings_error_name(const struct response *res, char *out, size_t size)
{
	json_t *doc = res->status == 200 ? json_loadb(res->body, res->len, JSON_ALLOW_NUL, NULL) : NULL;
	json_t *e = json_object_get(doc, "error");

	out[0] = '\0';
	if (json_is_string(e))
		text_safe_str(out, size, json_string_value(e), json_string_length(e));
	json_decref(doc);
	return out;
}

/* ---- the lists, streamed ---- */

static void list_encode(const struct fetch_job *job, struct request *req)
{
	buf_addf(&req->path, "/api/settings/list?prefix=%s",
		job->fetch->list == LIST_BLOCKED ? "server.blocked-ip" : "server.allowed-ip");
	req->stream = true;
}

/* {"data":{"total":n,"items":{suffix:value}}}; {"error":…} may come with HTTP 200. */
static void list_item(struct fetch_job *job, const struct json_path *path, const struct json_item *item)
{
	struct entry_value v;
	int64_t total;

	if (path->depth == 1 && path->level[0].key && path->level[0].key_len == 5 &&
		!memcmp(path->level[0].key, "error", 5)) {
		text_safe_str(job->cur.text, sizeof(job->cur.text), item->s ? item->s : "", item->s ? item->len : 0);
		job->cur.phase = -1;
		return;
	}
	if (path->depth == 2 && item->type == JSON_ITEM_NUMBER && path->level[1].key && path->level[1].key_len == 5 &&
		!memcmp(path->level[1].key, "total", 5)) {
		char number[32];

		snprintf(number, sizeof(number), "%.*s", (int)(item->len < 31 ? item->len : 31), item->s);
		if (text_int(number, 0, INT64_MAX / 2, &total))
			job->cur.total = (size_t)total;
		job->cur.phase = job->cur.phase ? job->cur.phase : 1; /* it is such a list */
		return;
	}
	if (path->depth != 3 || !path->level[2].key || !path->level[1].key || path->level[1].key_len != 5 ||
		memcmp(path->level[1].key, "items", 5) != 0 || item->type > JSON_ITEM_STRING)
		return;
	entry_value_parse(item->s ? item->s : "", item->s ? item->len : 0, &v);
	entrylist_add(job->reply->list, path->level[2].key, path->level[2].key_len, v.note, strlen(v.note), NULL,
		v.reason, v.by[0] ? ORIGIN_OPERATOR : ORIGIN_UNKNOWN, v.at, v.until);
	job->cur.pos++;
}

static enum decode list_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	if (!response_check(res, err))
		return DECODE_FAIL;
	if (job->cur.phase < 0) {
		err_set(err, ERR_SERVER, "the server answers error %s", job->cur.text);
		return DECODE_FAIL;
	}
	if (!res->stream_ok) {
		err_set(err, ERR_PROTOCOL, "the list ends in the middle or is no JSON");
		return DECODE_FAIL;
	}
	if (job->cur.phase == 0) {
		err_set(err, ERR_PROTOCOL, "the answer is no list of settings");
		return DECODE_FAIL;
	}
	if (job->cur.pos < job->cur.total) {
		err_set(err, ERR_PROTOCOL, "the list holds %zu of %zu entries", job->cur.pos, job->cur.total);
		return DECODE_FAIL;
	}
	return DECODE_DONE;
}

/* ---- thresholds ---- */

static void thresholds_encode(const struct server *srv, struct request *req)
{
	const char *sep = "";

	buf_adds(&req->path, "/api/settings/keys?keys=");
	for (int c = 0; c < CLASS_COUNT; c++)
		for (const char *const *k = settings_rate_keys(srv->threshold_family, c); *k; k++, sep = ",")
			buf_addf(&req->path, "%s%s", sep, *k);
	if (srv->threshold_family == FAMILY_AUTO_BAN)
		buf_adds(&req->path, "&prefixes=" SETTINGS_PATHS);
}

static void threshold_from(struct threshold *t, enum ban_class c, const char *text, const char *value)
{
	static const uint64_t defaults[CLASS_COUNT] = {
#define CLASS_DEFAULT(id, name, words, count) [CLASS_##id] = count,
		CLASS_INFO(CLASS_DEFAULT)
#undef CLASS_DEFAULT
	};
	struct err ignored = ERR_INIT;

	t->supported = true;
	t->enabled = true;
	t->count = defaults[c];
	t->period_ms = 86400000;
	if (!text)
		return;
	t->malformed = !rate_parse(text, strlen(text), t, &ignored);
	t->stored = true;
	text_safe_str(t->raw, sizeof(t->raw), value, strlen(value)); /* parsing leaves its own spelling there */
}

static enum decode thresholds_decode(const struct server *srv, struct fetch_job *job, const struct response *res, struct err *err)
{
	json_t *doc = settings_document(res, err);
	json_t *data = json_object_get(doc, "data"), *value;
	struct thresholds *t;
	const char *key;

	if (!doc)
		return DECODE_FAIL;
	t = job->reply->thresholds = xmalloc(sizeof(*t));
	thresholds_init(t);
	for (int c = 0; c < CLASS_COUNT; c++) {
		const char *const *k = settings_rate_keys(srv->threshold_family, c), *text;
		char *both;

		if (!*k)
			continue;
		text = json_string_value(json_object_get(data, k[0]));
		if (!text && k[1])
			text = json_string_value(json_object_get(data, k[1]));
		both = settings_rate_value(data, k, k[1] ? 2 : 1);
		threshold_from(&t->of[c], c, text, both);
		free(both);
	}
	json_object_foreach (data, key, value)
		if (!strncmp(key, SETTINGS_PATHS, strlen(SETTINGS_PATHS)) && json_is_string(value)) {
			thresholds_add_path(t, json_string_value(value), json_string_length(value));
			t->paths_stored = true;
		}
	for (const char *const *p = settings_builtin_paths;
		*p && !t->paths_stored && srv->threshold_family == FAMILY_AUTO_BAN; p++)
		thresholds_add_path(t, *p, strlen(*p));
	json_decref(doc);
	return DECODE_DONE;
}

/* ---- whom the server believes about client addresses ---- */

static enum decode trust_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	json_t *doc = settings_document(res, err), *data = json_object_get(doc, "data"), *value;
	struct trust *t;
	const char *key;

	if (!doc)
		return DECODE_FAIL;
	t = job->reply->trust = trust_new();
	json_object_foreach (data, key, value) {
		if (!json_is_string(value))
			continue;
		if (strstr(key, "use-x-forwarded"))
			t->forwarded = !strcmp(json_string_value(value), "true");
		else
			trust_take(t, key, json_string_value(value));
	}
	json_decref(doc);
	return DECODE_DONE;
}

/* ---- the slots ---- */

static bool fetch_encode(const struct server *srv, struct fetch_job *job, struct request *req, struct err *err)
{
	switch (job->fetch->kind) {
	case FETCH_LIST:
		list_encode(job, req);
		return true;
	case FETCH_THRESHOLDS:
		thresholds_encode(srv, req);
		return true;
	case FETCH_CERTS:
		return settings_certs_encode(job, req);
	case FETCH_LOG:
		return settings_log_encode(job, req);
	case FETCH_TRUST:
		/* a single network is stored under the name itself, which no prefix finds */
		buf_adds(&req->path,
			"/api/settings/keys?keys=http.use-x-forwarded,server.http.use-x-forwarded,server.proxy.trusted-networks"
			"&prefixes=server.proxy.trusted-networks,server.listener");
		return true;
	case FETCH_CHECK:
		buf_adds(&req->path, "/api/reload?dry-run=true");
		return true;
	case FETCH_TASK:
	case FETCH_PERMISSIONS:
		break; /* the session runs refine */
	}
	return err_set(err, ERR_INTERNAL, "the settings API has no such fetch");
}

static enum decode fetch_decode(const struct server *srv, struct fetch_job *job, const struct response *res, struct err *err)
{
	switch (job->fetch->kind) {
	case FETCH_LIST:
		return list_decode(job, res, err);
	case FETCH_THRESHOLDS:
		return thresholds_decode(srv, job, res, err);
	case FETCH_CERTS:
		return settings_certs_decode(job, res, err);
	case FETCH_LOG:
		return settings_log_decode(job, res, err);
	case FETCH_TRUST:
		return trust_decode(job, res, err);
	case FETCH_CHECK:
		job->reply->check = xcalloc(1, sizeof(*job->reply->check));
		return settings_check_decode(res, job->reply->check, err) ? DECODE_DONE : DECODE_FAIL;
	case FETCH_TASK:
	case FETCH_PERMISSIONS:
		break;
	}
	err_set(err, ERR_INTERNAL, "the settings API has no such fetch");
	return DECODE_FAIL;
}

static void fetch_item(const struct server *srv, struct fetch_job *job, const struct json_path *path, const struct json_item *item)
{
	(void)srv;
	if (job->fetch->kind == FETCH_LIST)
		list_item(job, path, item);
	else if (job->fetch->kind == FETCH_LOG)
		settings_log_item(job, path, item);
}

const struct dialect_ops dialect_settings = {
	.name = "settings",
	.probe_encode = settings_probe_encode,
	.probe_decode = settings_probe_decode,
	.refine_encode = settings_refine_encode,
	.refine_decode = settings_refine_decode,
	.fetch_encode = fetch_encode,
	.fetch_item = fetch_item,
	.fetch_decode = fetch_decode,
	.wanted = settings_wanted,
	.read_encode = settings_read_encode,
	.read_item = settings_read_item,
	.read_decode = settings_read_decode,
	.write_encode = settings_write_encode,
	.write_decode = settings_write_decode,
	.write_next = settings_write_next,
	.reloads = settings_reloads,
	.caveat = settings_caveat,
	.reload_encode = settings_reload_encode,
	.reload_decode = settings_reload_decode,
	.reset_encode = settings_reset_encode,
	.reset_decode = settings_reset_decode,
	.memo_free = settings_memo_free,
};
