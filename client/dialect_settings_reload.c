/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings API of 0.7 - 0.15: what makes a stored value live, and what a reload's answer means (seen on 0.15.5):
 * the small reload takes blocked addresses, everything else needs the full one, and the full one refuses all for one bad key. */
#include <string.h>

#include "client/dialect_settings.h"
#include "core/mem.h"
#include "core/text.h"

unsigned settings_reloads(const struct server *srv, const struct edit *e)
{
	(void)srv;
	switch (e->kind) {
	case EDIT_BLOCK:
	case EDIT_UNBLOCK:
	case EDIT_EXPIRY: /* lives in the value, which the server ignores; told as in force is that it is blocked until then */
		/* a malformed entry (family 0) is in no live list: the small reload shows whether it is still complained about */
		return e->net.family == 0 || net_is_address(&e->net) ? 1u << RELOAD_BLOCKED : 1u << RELOAD_SETTINGS;
	case EDIT_ALLOW:
	case EDIT_DISALLOW:
	case EDIT_ALLOW_EXPIRY:
		return e->net.family == 0 ? 1u << RELOAD_BLOCKED : 1u << RELOAD_SETTINGS;
	case EDIT_THRESHOLD:
	case EDIT_THRESHOLD_OFF:
	case EDIT_THRESHOLD_DEFAULT:
	case EDIT_PATH_ADD:
	case EDIT_PATH_REMOVE:
	case EDIT_RELOAD:
		return 1u << RELOAD_SETTINGS;
	case EDIT_CERT_RELOAD:
	case EDIT_CERT_UPLOAD:
		return 1u << RELOAD_CERTS;
	case EDIT_CERT_RENEW: /* re-reads the ACME providers and re-schedules (0.15 source) */
		return 1u << RELOAD_SETTINGS;
	case EDIT_RESET_COUNTERS:
	case EDIT_COUNT:
		break;
	}
	return 0;
}

const char *settings_caveat(const struct server *srv, const struct edit *e)
{
	if (e->kind == EDIT_CERT_RENEW)
		return "this generation has no call that forces a renewal: the ACME providers were re-read and re-scheduled";
	if (srv->threshold_family == FAMILY_AUTHENTICATION && e->kind == EDIT_THRESHOLD && e->class != CLASS_AUTH)
		return "this generation has no such threshold";
	if (srv->shape & SHAPE_ALLOW_UNSURE && e->kind == EDIT_ALLOW)
		return "servers before 0.8.1 have no allow list, and this one's log does not tell which version it is";
	return NULL;
}

bool settings_reload_encode(const struct server *srv, enum reload_kind kind, struct cursor *cur, struct request *req, struct err *err)
{
	static const char *const paths[RELOAD_KIND_COUNT] = { [RELOAD_BLOCKED] = "/api/reload/server.blocked-ip",
		[RELOAD_SETTINGS] = "/api/reload",
		[RELOAD_CERTS] = "/api/reload/certificate" };

	(void)srv, (void)cur, (void)err;
	return buf_adds(&req->path, paths[kind]);
}

/* {"key":{"type":"parse","error":"…"}} */
static size_t problems(json_t *map, struct check_problem **out)
{
	size_t n = 0;
	const char *key;
	json_t *value, *text;
	char safe[400];

	*out = xcalloc(json_object_size(map) + 1, sizeof(**out));
	json_object_foreach (map, key, value) {
		struct check_problem *p = &(*out)[n++];

		text = json_object_get(value, "error");
		p->key = xstrdup(text_safe_str(safe, sizeof(safe), key, strlen(key)));
		p->text = xstrdup(text_safe_str(safe, sizeof(safe), json_is_string(text) ? json_string_value(text) : "",
			json_is_string(text) ? json_string_length(text) : 0));
	}
	return n;
}

bool settings_check_decode(const struct response *res, struct config_check *out, struct err *err)
{
	json_t *doc = settings_document(res, err), *data = json_object_get(doc, "data");

	if (!doc)
		return false;
	if (!json_is_object(json_object_get(data, "errors"))) {
		json_decref(doc);
		return err_set(err, ERR_PROTOCOL, "the answer to the reload has no list of errors");
	}
	out->error_count = problems(json_object_get(data, "errors"), &out->errors);
	out->warning_count = problems(json_object_get(data, "warnings"), &out->warnings);
	json_decref(doc);
	return true;
}

enum decode settings_reload_decode(const struct server *srv, enum reload_kind kind, struct cursor *cur, const struct response *res,
	struct reload_result *out, struct err *err)
{
	struct config_check *check = xcalloc(1, sizeof(*check));
	struct err why = ERR_INIT;

	(void)srv, (void)cur, (void)err;
	if (!settings_check_decode(res, check, &why)) {
		out->ok = false;
		out->why = why.code;
		snprintf(out->text, sizeof(out->text), "%.255s", why.msg);
	} else {
		out->good_ones_live = kind == RELOAD_BLOCKED && check->error_count > 0;
		out->ok = check->error_count == 0 || out->good_ones_live;
		out->why = out->ok ? ERR_NONE : ERR_SERVER;
		out->errors = check->errors;
		out->error_count = check->error_count;
		check->errors = NULL;
		check->error_count = 0;
	}
	config_check_free(check);
	return DECODE_DONE;
}

/* Seen on 0.15.5: clears the counters of everybody, not of one address. */
bool settings_reset_encode(const struct server *srv, unsigned classes, struct cursor *cur, struct request *req, struct err *err)
{
	static const char *const stores[CLASS_COUNT] = { [CLASS_AUTH] = "rate-auth",
		[CLASS_ABUSE] = "rate-rcpt",
		[CLASS_LOITER] = "rate-loiter",
		[CLASS_SCAN] = "rate-scan" };

	(void)srv, (void)err;
	while (cur->phase < CLASS_COUNT && !(classes & 1u << cur->phase))
		cur->phase++;
	if (cur->phase >= CLASS_COUNT)
		return err_set(err, ERR_INTERNAL, "no counters to reset");
	return buf_addf(&req->path, "/api/store/purge/in-memory/default/%s", stores[cur->phase]);
}

enum decode settings_reset_decode(const struct server *srv, unsigned classes, struct cursor *cur, const struct response *res, struct err *err)
{
	json_t *doc = settings_document(res, err);

	(void)srv;
	if (!doc)
		return DECODE_FAIL;
	json_decref(doc);
	for (cur->phase++; cur->phase < CLASS_COUNT; cur->phase++)
		if (classes & 1u << cur->phase)
			return DECODE_MORE;
	return DECODE_DONE;
}
