/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 0.16: what makes a stored value live (x:Action), and resetting failure counters (x:Task). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect_jmap.h"

unsigned jmap_reloads(const struct server *srv, const struct edit *e)
{
	(void)srv;
	switch (e->kind) {
	case EDIT_BLOCK:
	case EDIT_UNBLOCK:
	case EDIT_EXPIRY:
		return 1u << RELOAD_BLOCKED;
	case EDIT_ALLOW:
	case EDIT_DISALLOW:
	case EDIT_ALLOW_EXPIRY:
	case EDIT_THRESHOLD:
	case EDIT_THRESHOLD_OFF:
	case EDIT_THRESHOLD_DEFAULT:
	case EDIT_PATH_ADD:
	case EDIT_PATH_REMOVE:
		return 1u << RELOAD_SETTINGS;
	case EDIT_RELOAD:
		return e->target && !strcmp(e->target, "blocked") ? 1u << RELOAD_BLOCKED : 1u << RELOAD_SETTINGS;
	case EDIT_CERT_RELOAD:
	case EDIT_CERT_UPLOAD:
		return 1u << RELOAD_CERTS;
	case EDIT_CERT_RENEW:
	case EDIT_RESET_COUNTERS:
	case EDIT_COUNT:
		break;
	}
	return 0;
}

const char *jmap_caveat(const struct server *srv, const struct edit *e)
{
	(void)srv;
	return e->kind == EDIT_CERT_RENEW ? "the renewal task was started; its outcome shows in the certificate list and the log" : NULL;
}

bool jmap_reload_encode(const struct server *srv, enum reload_kind kind, struct cursor *cur, struct request *req, struct err *err)
{
	static const char *const actions[RELOAD_KIND_COUNT] = { [RELOAD_BLOCKED] = "ReloadBlockedIps",
		[RELOAD_SETTINGS] = "ReloadSettings",
		[RELOAD_CERTS] = "ReloadTlsCertificates" };
	char arguments[120];

	(void)cur, (void)err;
	snprintf(arguments, sizeof(arguments), "{\"create\":{\"r\":{\"@type\":\"%s\"}}}", actions[kind]);
	jmap_begin(srv, req);
	jmap_call(req, "x:Action/set", arguments, "c0");
	jmap_end(req);
	return true;
}

enum decode jmap_reload_decode(const struct server *srv, enum reload_kind kind, struct cursor *cur, const struct response *res,
	struct reload_result *out, struct err *err)
{
	struct err why = ERR_INIT;
	json_t *doc = jmap_document(res, &why), *answer = doc ? jmap_answer(doc, "c0", &why) : NULL;
	json_t *refused = json_object_get(json_object_get(answer, "notCreated"), "r");
	char *words;

	(void)srv, (void)kind, (void)cur, (void)err;
	if (!answer) {
		out->ok = false;
		out->why = why.code;
		snprintf(out->text, sizeof(out->text), "%.255s", why.msg);
	} else if (refused) {
		out->ok = false;
		words = jmap_outcome_words(refused, &out->why);
		snprintf(out->text, sizeof(out->text), "%s", words);
		free(words);
	} else {
		out->ok = json_is_object(json_object_get(json_object_get(answer, "created"), "r"));
		out->why = out->ok ? ERR_NONE : ERR_PROTOCOL;
		if (!out->ok)
			snprintf(out->text, sizeof(out->text), "the answer names no action");
	}
	json_decref(doc);
	return DECODE_DONE;
}

/* Always all classes, for everybody. */
bool jmap_reset_encode(const struct server *srv, unsigned classes, struct cursor *cur, struct request *req, struct err *err)
{
	(void)classes, (void)cur, (void)err;
	jmap_begin(srv, req);
	jmap_call(req, "x:Task/set",
		"{\"create\":{\"t\":{\"@type\":\"StoreMaintenance\",\"maintenanceType\":\"resetRateLimiters\"}}}",
		"c0");
	jmap_end(req);
	return true;
}

/* Accepted tasks run within a second or so (seen on 0.16.18). */
enum decode jmap_reset_decode(const struct server *srv, unsigned classes, struct cursor *cur, const struct response *res, struct err *err)
{
	json_t *doc = jmap_document(res, err), *answer = doc ? jmap_answer(doc, "c0", err) : NULL;
	bool started = json_is_object(json_object_get(json_object_get(answer, "created"), "t"));
	enum err_code code;
	char *words;

	(void)srv, (void)classes, (void)cur;
	if (answer && !started) {
		words = jmap_outcome_words(json_object_get(json_object_get(answer, "notCreated"), "t"), &code);
		err_set(err, code, "%s", words);
		free(words);
	}
	json_decref(doc);
	return started ? DECODE_DONE : DECODE_FAIL;
}
