/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 0.16: reading the targets of a change, one by one or the whole list, and what must be read back. The server keeps reason, time and expiry
 * itself, so only what it can hold is compared. Writing is in dialect_jmap_write.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect_hold.h"
#include "client/dialect_jmap.h"
#include "client/dialect_pairs.h"
#include "client/json.h"
#include "core/mem.h"
#include "core/text.h"

#define BULK 64     /* above this many entries the list is read whole instead of one by one */

static const char *object_of(enum edit_kind k)
{
	return edit_is_allow(k) ? "AllowedIp" : "BlockedIp";
}

/* ---- what must be read back ---- */

bool jmap_wanted(const struct server *srv, const struct edit *e, const char *before, struct buf *out)
{
	struct entry_value v;
	enum reason reason = e->reason == REASON_NONE ? REASON_MANUAL : e->reason;

	(void)srv;
	switch (e->kind) {
	case EDIT_BLOCK:
	case EDIT_ALLOW:
		if (before)
			buf_adds(out, before);
		else
			jmap_entry_text(edit_is_allow(e->kind) ? REASON_NONE : reason,
				edit_is_allow(e->kind) ? e->note : NULL, e->expires, out);
		return true;
	case EDIT_EXPIRY:
		if (!before)
			return false;
		/* fallthrough */
	case EDIT_ALLOW_EXPIRY: /* of one that is gone it is a conflict, not "so already" */
		entry_value_parse(before ? before : "", before ? strlen(before) : 0, &v);
		jmap_entry_text(v.reason, v.note, e->expires, out);
		return true;
	case EDIT_THRESHOLD:
		return jmap_rate_text(e->value, e->class, out);
	case EDIT_THRESHOLD_OFF:
		buf_adds(out, "false");
		return true;
	case EDIT_PATH_ADD:
		buf_adds(out, e->target);
		return true;
	case EDIT_CERT_UPLOAD:
		buf_adds(out, "uploaded");
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

static void query_entry(struct request *req, const struct edit *e, size_t i)
{
	char method[40], id[24];
	struct buf arguments = BUF_INIT;

	buf_adds(&arguments, "{\"filter\":{\"address\":");
	json_put_str(&arguments, e->target, strlen(e->target));
	buf_adds(&arguments, "}}");
	snprintf(method, sizeof(method), "x:%s/query", object_of(e->kind));
	snprintf(id, sizeof(id), "q%zu", i);
	jmap_call(req, method, buf_str(&arguments), id);
	buf_reset(&arguments);
	buf_addf(&arguments, "{\"#ids\":{\"resultOf\":\"q%zu\",\"name\":\"%s\",\"path\":\"/ids\"}}", i, method);
	snprintf(method, sizeof(method), "x:%s/get", object_of(e->kind));
	snprintf(id, sizeof(id), "g%zu", i);
	jmap_call(req, method, buf_str(&arguments), id);
	buf_release(&arguments);
}

static size_t same_kind(const struct batch *b, size_t max)
{
	const struct edit *e = &b->change->edits[b->first];
	size_t n = 1;

	while (n < max && b->first + n < b->change->count && edit_has_address(e[n].kind) &&
		edit_is_allow(e[n].kind) == edit_is_allow(e[0].kind))
		n++;
	return n;
}

bool jmap_read_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	const struct edit *e = &b->change->edits[b->first];
	size_t n = edit_has_address(e->kind) ? same_kind(b, SIZE_MAX) : 1;
	struct jmap_memo *memo;

	(void)err;
	if (n > BULK) {
		b->count = n;
		memo = jmap_pages(srv, &b->cur, object_of(e->kind), req);
		if (!memo->targets)
			memo->targets = targets_new(b);
		return true;
	}
	jmap_begin(srv, req);
	req->max_body = 64u << 20;
	if (!edit_has_address(e->kind)) {
		b->count = 1;
		if (e->kind == EDIT_CERT_RENEW)
			jmap_call(req, "x:Domain/get", "{\"ids\":null,\"properties\":[\"name\"]}", "c0");
		else if (e->kind == EDIT_CERT_UPLOAD)
			jmap_call(req, "x:Certificate/get", "{\"ids\":null,\"properties\":[\"certificate\"]}", "c0");
		else
			jmap_call(req, "x:Security/get", "{\"ids\":[\"singleton\"]}", "c0");
	} else {
		b->count = n < JMAP_PAIRS ? n : JMAP_PAIRS;
		for (size_t i = 0; i < b->count; i++)
			query_entry(req, &e[i], i);
	}
	jmap_end(req);
	return true;
}

static char *entry_value_of(const struct edit *e, json_t *row)
{
	struct buf text = BUF_INIT;
	const char *reason = json_string_value(json_object_get(row, "reason"));

	jmap_entry_text(edit_is_allow(e->kind) ? REASON_NONE : jmap_reason(reason),
		edit_is_allow(e->kind) ? reason : NULL, jmap_time(json_object_get(row, "expiresAt")), &text);
	return buf_take(&text, NULL);
}

static void take_row(struct edit_result *r, const struct edit *e, json_t *row)
{
	const char *id = json_string_value(json_object_get(row, "id"));

	r->ok = true;
	if (!row || r->value)
		return;
	r->value = entry_value_of(e, row);
	r->id = id ? xstrdup(id) : NULL;
}

static enum decode read_few(struct batch *b, json_t *doc, struct err *err)
{
	char id[24];

	for (size_t i = 0; i < b->count; i++) {
		json_t *answer;

		snprintf(id, sizeof(id), "g%zu", i);
		answer = jmap_answer(doc, id, err);
		if (!answer)
			return DECODE_FAIL;
		take_row(&b->result[i], &b->change->edits[b->first + i],
			json_array_get(json_object_get(answer, "list"), 0));
	}
	return DECODE_DONE;
}

static void take_listed(void *arg, const struct jmap_memo *row)
{
	const struct batch *b = arg;
	bool allow = edit_is_allow(b->change->edits[b->first].kind);
	struct buf text = BUF_INIT;

	if (!targets_has(row->targets, row->address, strlen(row->address)))
		return;
	jmap_entry_text(allow ? REASON_NONE : jmap_reason(row->reason), allow ? row->reason : NULL,
		jmap_time_text(row->expires), &text);
	targets_take(row->targets, row->address, strlen(row->address), buf_str(&text), text.len, row->id);
	buf_release(&text);
}

void jmap_read_item(const struct server *srv, struct batch *b, const struct json_path *path, const struct json_item *item)
{
	(void)srv;
	jmap_pages_item(b->cur.memo, path, item, take_listed, b);
}

static enum decode read_all(struct batch *b, const struct response *res, struct err *err)
{
	const struct jmap_memo *memo = b->cur.memo;
	enum jmap_pages got = jmap_pages_check(&b->cur, res, err);

	if (got == PAGES_AGAIN)
		targets_forget(memo->targets);
	if (got == PAGES_DONE)
		targets_known(memo->targets);
	return got == PAGES_DONE ? DECODE_DONE : got == PAGES_FAIL ? DECODE_FAIL : DECODE_MORE;
}

static void read_security(struct batch *b, json_t *security)
{
	const struct edit *e = &b->change->edits[b->first];
	struct edit_result *r = &b->result[0];
	struct buf text = BUF_INIT;
	struct thresholds t;

	thresholds_init(&t);
	jmap_thresholds(security, &t);
	r->ok = true;
	if (edit_is_threshold(e->kind)) {
		if (jmap_rate_text(&t.of[e->class], e->class, &text))
			r->value = buf_take(&text, NULL);
	} else {
		for (size_t i = 0; i < t.path_count; i++)
			if (!r->value && !strcmp(t.paths[i], e->target))
				r->value = xstrdup(e->target);
	}
	buf_release(&text);
	thresholds_release(&t);
}

static bool same_pem(const char *a, const char *b)
{
	for (; *a || *b; a++, b++) {
		a += strspn(a, "\r\n ");
		b += strspn(b, "\r\n ");
		if (*a != *b)
			return false;
		if (!*a)
			break;
	}
	return true;
}

static void read_upload(struct batch *b, json_t *list)
{
	const struct edit *e = &b->change->edits[b->first];
	json_t *row;
	size_t i;

	b->result[0].ok = true;
	json_array_foreach (list, i, row) {
		const char *pem = json_string_value(json_object_get(json_object_get(row, "certificate"), "value"));

		if (pem && e->cert_pem && same_pem(pem, e->cert_pem) && !b->result[0].value)
			b->result[0].value = xstrdup("uploaded");
	}
}

/* The longest domain that the name is, or lies under: renewals are a domain's. */
static void read_domain(struct batch *b, json_t *list)
{
	const char *target = b->change->edits[b->first].target;
	size_t best = 0, i;
	json_t *row;

	json_array_foreach (list, i, row) {
		const char *name = json_string_value(json_object_get(row, "name")),
			   *id = json_string_value(json_object_get(row, "id"));
		size_t n = name ? strlen(name) : 0, t = strlen(target);

		if (!id || n <= best || n > t || strcmp(target + t - n, name) != 0 ||
			(n < t && target[t - n - 1] != '.'))
			continue;
		best = n;
		free(b->result[0].id);
		b->result[0].id = xstrdup(id);
	}
	b->result[0].ok = best > 0;
	if (best == 0) {
		b->result[0].why = ERR_NOT_FOUND;
		b->result[0].text = xstrdup("the server has no such domain");
	}
}

/* Eight at a time from cur.pos on. */
void jmap_hold_encode(const struct server *srv, const struct batch *b, struct request *req)
{
	size_t i = 0;

	jmap_begin(srv, req);
	for (size_t k = hold_next(b, b->cur.pos); k != SIZE_MAX && i < JMAP_PAIRS; k = hold_next(b, k + 1))
		query_entry(req, &b->change->edits[k], i++);
	jmap_end(req);
}

bool jmap_write_next(const struct server *srv, struct batch *b, const struct entrylist *blocked)
{
	for (size_t i = 0; i < JMAP_PAIRS && hold_next(b, b->cur.pos) != SIZE_MAX; i++)
		b->cur.pos = hold_next(b, b->cur.pos) + 1;
	if (hold_is_open(b) && hold_next(b, b->cur.pos) != SIZE_MAX)
		return true;
	return hold_write_next(srv, b, blocked);
}

enum decode jmap_hold_decode(struct batch *b, const struct response *res)
{
	struct err err = ERR_INIT;
	json_t *doc = jmap_document(res, &err), *answer = NULL;
	size_t i = 0, missing = SIZE_MAX;
	char id[24], words[200];

	for (; doc && i < JMAP_PAIRS && missing == SIZE_MAX && hold_next(b, b->cur.pos) != SIZE_MAX; i++) {
		struct edit_result r = { 0 };
		size_t k = hold_next(b, b->cur.pos);

		snprintf(id, sizeof(id), "g%zu", i);
		answer = jmap_answer(doc, id, &err);
		if (!answer)
			break;
		take_row(&r, &b->change->edits[k], json_array_get(json_object_get(answer, "list"), 0));
		if (!hold_is_stored(b, k, r.value))
			missing = k;
		free(r.value);
		free(r.id);
		b->cur.pos = k + 1;
	}
	json_decref(doc);
	if (!doc || !answer) {
		snprintf(words, sizeof(words), "what is to take its place can't be read (%.120s)", err.msg);
		return hold_refuse_words(b, err.code, words);
	}
	if (missing != SIZE_MAX)
		return hold_refuse(b, missing);
	return hold_next(b, b->cur.pos) == SIZE_MAX ? hold_let_go(b) : DECODE_MORE;
}

enum decode jmap_read_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	const struct edit *e = &b->change->edits[b->first];
	json_t *doc, *answer;
	enum decode d = DECODE_DONE;

	(void)srv;
	if (b->cur.memo)
		return read_all(b, res, err);
	doc = jmap_document(res, err);
	if (!doc)
		return DECODE_FAIL;
	if (edit_has_address(e->kind)) {
		d = read_few(b, doc, err);
	} else {
		answer = jmap_answer(doc, "c0", err);
		if (!answer)
			d = DECODE_FAIL;
		else if (e->kind == EDIT_CERT_RENEW)
			read_domain(b, json_object_get(answer, "list"));
		else if (e->kind == EDIT_CERT_UPLOAD)
			read_upload(b, json_object_get(answer, "list"));
		else
			read_security(b, json_array_get(json_object_get(answer, "list"), 0));
	}
	json_decref(doc);
	return d;
}
