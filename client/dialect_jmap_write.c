/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 0.16: writing edits, as many as go into one request, and their outcomes: object by object inside HTTP 200. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect_hold.h"
#include "client/dialect_jmap.h"
#include "core/mem.h"

#define WRITE_MAX 400

static json_t *json_time_or_null(int64_t t)
{
	char text[TIME_BUF];

	return t == TIME_NONE ? json_null() : json_string(time_format(t, text, sizeof(text)));
}

static json_t *section(json_t *calls, const char *object, const char *what)
{
	json_t *call = json_object_get(calls, object);

	if (!call) {
		call = json_object();
		json_object_set_new(calls, object, call);
	}
	if (!json_object_get(call, what))
		json_object_set_new(call, what, !strcmp(what, "destroy") ? json_array() : json_object());
	return json_object_get(call, what);
}

static void write_entry(json_t *calls, const struct edit *e, const char *id, size_t i)
{
	const char *object = edit_is_allow(e->kind) ? "x:AllowedIp/set" : "x:BlockedIp/set";
	char key[24];
	json_t *o;

	snprintf(key, sizeof(key), "e%zu", i);
	if (e->kind == EDIT_BLOCK || e->kind == EDIT_ALLOW) {
		o = json_pack("{s:s}", "address", e->target);
		if (e->kind == EDIT_BLOCK)
			json_object_set_new(o, "reason",
				json_string(jmap_reason_name(e->reason == REASON_NONE ? REASON_MANUAL : e->reason)));
		else if (e->note && e->note[0])
			json_object_set_new(o, "reason", json_string(e->note));
		if (e->expires != TIME_NONE)
			json_object_set_new(o, "expiresAt", json_time_or_null(e->expires));
		json_object_set_new(section(calls, object, "create"), key, o);
	} else if (edit_is_expiry(e->kind)) {
		char *named = id ? xstrdup(id) : xasprintf("<id of %s>", e->target); /* a dry run has looked nothing up */

		o = json_object();
		json_object_set_new(o, "expiresAt", json_time_or_null(e->expires));
		json_object_set_new(section(calls, object, "update"), named, o);
		free(named);
	} else if (id) {
		json_array_append_new(section(calls, object, "destroy"), json_string(id));
	}
}

/* '~' and '/' inside a pointer (RFC 6901) */
static char *path_pointer(const char *glob)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "scanBanPaths/");
	for (; *glob; glob++)
		if (*glob == '~')
			buf_adds(&b, "~0");
		else if (*glob == '/')
			buf_adds(&b, "~1");
		else
			buf_addc(&b, *glob);
	return buf_take(&b, NULL);
}

static void write_security(json_t *calls, const struct edit *e)
{
	static const int64_t counts[CLASS_COUNT] = {
#define CLASS_DEFAULT(id, name, words, count) [CLASS_##id] = count,
		CLASS_INFO(CLASS_DEFAULT)
#undef CLASS_DEFAULT
	};
	json_t *update = section(calls, "x:Security/set", "update"), *patch = json_object_get(update, "singleton");
	char *pointer;

	if (!patch) {
		patch = json_object();
		json_object_set_new(update, "singleton", patch);
	}
	if (edit_is_path(e->kind)) {
		pointer = path_pointer(e->target);
		json_object_set_new(patch, pointer, e->kind == EDIT_PATH_ADD ? json_true() : json_null());
		free(pointer);
	} else if (e->kind == EDIT_THRESHOLD_OFF) {
		json_object_set_new(patch, jmap_rate_names[e->class], json_null());
	} else {
		bool back = e->kind == EDIT_THRESHOLD_DEFAULT;

		json_object_set_new(patch, jmap_rate_names[e->class],
			json_pack("{s:I,s:I}", "count", (json_int_t)(back ? counts[e->class] : (int64_t)e->value->count),
				"period", (json_int_t)(back ? 86400000 : e->value->period_ms)));
		json_object_set_new(patch, jmap_period_names[e->class],
			!back && e->value->ban_period_ms > 0 ? json_integer(e->value->ban_period_ms) : json_null());
	}
}

static void write_upload(json_t *calls, const struct edit *e, size_t i)
{
	char key[24];

	snprintf(key, sizeof(key), "e%zu", i);
	json_object_set_new(section(calls, "x:Certificate/set", "create"), key,
		json_pack("{s:{s:s,s:s},s:{s:s,s:s}}", "certificate", "@type", "Text", "value", e->cert_pem,
			"privateKey", "@type", "Text", "secret", e->key_pem ? e->key_pem : ""));
}

static void write_renewal(json_t *calls, const char *domain_id, size_t i)
{
	char key[24];

	snprintf(key, sizeof(key), "e%zu", i);
	if (domain_id)
		json_object_set_new(section(calls, "x:Task/set", "create"), key,
			json_pack("{s:s,s:s}", "@type", "AcmeRenewal", "domainId", domain_id));
}

bool jmap_write_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	json_t *calls = json_object(), *arguments;
	const char *method;
	size_t left = b->change->count - b->first, k = 0;
	char id[24];

	(void)err;
	b->count = hold_run(b, left < WRITE_MAX ? left : WRITE_MAX);
	if (hold_is_open(b)) {
		json_decref(calls);
		jmap_hold_encode(srv, b, req);
		return true;
	}
	for (size_t i = b->first; i < b->first + b->count; i++) {
		const struct edit *e = &b->change->edits[i];

		if (b->skip[i])
			continue;
		if (edit_has_address(e->kind))
			write_entry(calls, e, b->ids[i], i);
		else if (e->kind == EDIT_CERT_RENEW)
			write_renewal(calls, b->ids[i], i);
		else if (e->kind == EDIT_CERT_UPLOAD)
			write_upload(calls, e, i), req->secret = req->body.secret = true;
		else if (edit_is_threshold(e->kind) || edit_is_path(e->kind))
			write_security(calls, e);
	}
	jmap_begin(srv, req);
	json_object_foreach (calls, method, arguments) {
		char *text = json_dumps(arguments, JSON_COMPACT);

		snprintf(id, sizeof(id), "s%zu", k++);
		jmap_call(req, method, text, id);
		explicit_bzero(text, strlen(text));
		free(text);
	}
	jmap_end(req);
	json_decref(calls);
	return true;
}

/* ---- outcomes ---- */

/* The answer of one method, found by its name. */
static json_t *answer_of(json_t *doc, const char *method, json_t **failure)
{
	json_t *answer;
	size_t i;

	json_array_foreach (json_object_get(doc, "methodResponses"), i, answer) {
		const char *name = json_string_value(json_array_get(answer, 0));

		if (name && !strcmp(name, method))
			return json_array_get(answer, 1);
		if (name && !strcmp(name, "error"))
			*failure = json_array_get(answer, 1);
	}
	return NULL;
}

static void refuse(struct edit_result *r, json_t *outcome)
{
	r->ok = false;
	r->text = jmap_outcome_words(outcome, &r->why);
}

/* Somebody else was faster: reading back shows that it is gone. */
static bool is_gone(const struct edit *e, json_t *refused)
{
	const char *type = json_string_value(json_object_get(refused, "type"));

	return (e->kind == EDIT_UNBLOCK || e->kind == EDIT_DISALLOW) && type && !strcmp(type, "notFound");
}

static void entry_outcome(struct edit_result *r, const struct edit *e, const char *id, json_t *answer, size_t i)
{
	char key[24];
	json_t *refused;

	snprintf(key, sizeof(key), "e%zu", i);
	if (e->kind == EDIT_BLOCK || e->kind == EDIT_ALLOW || e->kind == EDIT_CERT_UPLOAD || e->kind == EDIT_CERT_RENEW)
		refused = json_object_get(json_object_get(answer, "notCreated"), key);
	else
		refused = id ? json_object_get(json_object_get(answer, edit_is_expiry(e->kind) ? "notUpdated" : "notDestroyed"), id) : NULL;
	if (is_gone(e, refused))
		refused = NULL;
	if (!refused) {
		const char *task = json_string_value(
			json_object_get(json_object_get(json_object_get(answer, "created"), key), "id"));

		r->ok = true;
		if (e->kind == EDIT_CERT_RENEW && task)
			r->value = xstrdup(task); /* what becomes of it is told by the task alone */
		return;
	}
	refuse(r, refused);
	/* somebody else was faster: the server keeps theirs, and reading back shows it */
	if (r->text && !strncmp(r->text, "primaryKeyViolation", 19)) {
		r->why = ERR_CONFLICT;
		free(r->text);
		r->text = xstrdup("somebody else stored this entry meanwhile; nothing was overwritten");
	}
}

enum decode jmap_write_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	struct err why = ERR_INIT;
	json_t *doc;

	(void)srv;
	if (res->status && hold_is_open(b))
		return jmap_hold_decode(b, res);
	doc = res->status ? jmap_document(res, &why) : NULL;
	if (res->status == 0)
		return err_set(err, res->err.code, "%s", res->err.msg), DECODE_FAIL;
	for (size_t i = 0; i < b->count; i++) {
		const struct edit *e = &b->change->edits[b->first + i];
		const char *method = edit_is_allow(e->kind) ? "x:AllowedIp/set"
			: edit_has_address(e->kind)            ? "x:BlockedIp/set"
			: e->kind == EDIT_CERT_UPLOAD  ? "x:Certificate/set"
			: e->kind == EDIT_CERT_RENEW   ? "x:Task/set"
						       : "x:Security/set";
		json_t *failure = NULL, *answer = doc ? answer_of(doc, method, &failure) : NULL, *refused;
		struct edit_result *r = &b->result[i];

		if (b->skip[b->first + i]) {
			r->ok = true;
		} else if (!doc) {
			r->why = why.code;
			r->text = xstrdup(why.msg);
		} else if (!answer) {
			refuse(r, failure);
		} else if (edit_has_address(e->kind) || e->kind == EDIT_CERT_UPLOAD || e->kind == EDIT_CERT_RENEW) {
			entry_outcome(r, e, b->ids[b->first + i], answer, b->first + i);
		} else if ((refused = json_object_get(json_object_get(answer, "notUpdated"), "singleton"))) {
			refuse(r, refused);
		} else {
			r->ok = true;
		}
	}
	json_decref(doc);
	return DECODE_DONE;
}
