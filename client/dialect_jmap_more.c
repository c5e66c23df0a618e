/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 0.16: certificates without their keys and who renews them, the log, and whom the server believes about client addresses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect_jmap.h"
#include "client/json.h"
#include "client/x509.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/event.h"

#define LOG_LIMIT 500

/* ---- certificates: properties are named, so that no key material comes along ---- */

void jmap_certs_encode(const struct server *srv, struct request *req)
{
	jmap_begin(srv, req);
	jmap_call(req, "x:Certificate/get",
		"{\"ids\":null,\"properties\":[\"certificate\",\"subjectAlternativeNames\",\"notValidAfter\",\"notValidBefore\",\"issuer\"]}", "c0");
	jmap_call(req, "x:AcmeProvider/get", "{\"ids\":null}", "c1");
	jmap_call(req, "x:Domain/get", "{\"ids\":null,\"properties\":[\"name\",\"certificateManagement\"]}", "c2");
	jmap_call(req, "x:Task/query", "{\"calculateTotal\":true}", "c3");
	jmap_call(req, "x:Task/get", "{\"#ids\":{\"resultOf\":\"c3\",\"name\":\"x:Task/query\",\"path\":\"/ids\"}}", "c4");
	jmap_end(req);
	req->max_body = 32u << 20;
}

static struct cert *cert_of(json_t *row)
{
	const char *pem = json_string_value(json_object_get(json_object_get(row, "certificate"), "value"));
	const char *id = json_string_value(json_object_get(row, "id")), *name;
	struct cert *c;
	json_t *value;

	if (pem && strstr(pem, "-----BEGIN"))
		return x509_parse(CERT_STORED, id, pem, strlen(pem));
	c = cert_new(CERT_STORED);
	cert_set_text(&c->id, id ? id : "", SIZE_MAX);
	json_object_foreach (json_object_get(row, "subjectAlternativeNames"), name, value) {
		cert_add_san(c, name, strlen(name));
		if (!c->name)
			cert_set_text(&c->name, name, SIZE_MAX);
	}
	c->not_before = jmap_time(json_object_get(row, "notValidBefore"));
	c->not_after = jmap_time(json_object_get(row, "notValidAfter"));
	if (json_is_string(json_object_get(row, "issuer")))
		cert_set_text(&c->issuer, json_string_value(json_object_get(row, "issuer")), SIZE_MAX);
	return c;
}

/* The newest AcmeRenewal task of that domain. */
static void task_of(struct renewal *r, json_t *tasks, const char *domain_id)
{
	json_t *task;
	size_t i;

	json_array_foreach (tasks, i, task) {
		const char *type = json_string_value(json_object_get(task, "@type")), *id = json_string_value(json_object_get(task, "domainId"));
		json_t *status = json_object_get(task, "status");
		const char *state = json_string_value(json_object_get(status, "@type"));
		const char *why = json_string_value(json_object_get(status, "failureReason"));

		if (!type || strcmp(type, "AcmeRenewal") != 0 || !id || !domain_id || strcmp(id, domain_id) != 0)
			continue;
		r->next = jmap_time(json_object_get(task, "due"));
		r->last = jmap_time(json_object_get(status, "createdAt"));
		r->state = !state ? RENEWAL_UNKNOWN
			: why && strstr(why, "not due until") ? RENEWAL_NOT_DUE
			: !strcmp(state, "Retry")             ? RENEWAL_RETRY
			: !strcmp(state, "Failed")            ? RENEWAL_FAILED
								: RENEWAL_PENDING;
		if (why)
			cert_set_text(&r->reason, why, SIZE_MAX);
	}
}

static void take_domains(struct certlist *l, json_t *domains, json_t *providers, json_t *tasks)
{
	json_t *first = json_array_get(providers, 0), *domain;
	size_t i;

	json_array_foreach (domains, i, domain) {
		const char *how = json_string_value(json_object_get(json_object_get(domain, "certificateManagement"), "@type"));
		const char *name = json_string_value(json_object_get(domain, "name")), *text;
		struct renewal *r;
		char wildcard[300];

		if (!name || !how || !strcmp(how, "Manual"))
			continue;
		r = certlist_add_renewal(l, RENEWER_ACME, name);
		renewal_add_name(r, name, strlen(name));
		snprintf(wildcard, sizeof(wildcard), "*.%.290s", name);
		renewal_add_name(r, wildcard, strlen(wildcard));
		if ((text = json_string_value(json_object_get(first, "directory"))))
			cert_set_text(&r->directory, text, SIZE_MAX);
		if ((text = json_string_value(json_object_get(first, "challengeType"))))
			cert_set_text(&r->challenge, text, SIZE_MAX);
		task_of(r, tasks, json_string_value(json_object_get(domain, "id")));
	}
}

enum decode jmap_certs_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	struct err optional = ERR_INIT;
	json_t *doc = jmap_document(res, err), *answer = doc ? jmap_answer(doc, "c0", err) : NULL, *row;
	size_t i;

	if (!answer) {
		json_decref(doc);
		return DECODE_FAIL;
	}
	job->reply->certs = certlist_new();
	json_array_foreach (json_object_get(answer, "list"), i, row)
		certlist_take(job->reply->certs, cert_of(row));
	take_domains(job->reply->certs, json_object_get(jmap_answer(doc, "c2", &optional), "list"),
		json_object_get(jmap_answer(doc, "c1", &optional), "list"), json_object_get(jmap_answer(doc, "c4", &optional), "list"));
	json_decref(doc);
	return DECODE_DONE;
}

/* ---- the log: by anchor, newest first; `position` is ignored and `total` is always 5,000 ---- */

void jmap_log_encode(const struct server *srv, struct fetch_job *job, struct request *req)
{
	size_t limit = job->fetch->limit < 1 ? 1 : job->fetch->limit > LOG_LIMIT ? LOG_LIMIT : job->fetch->limit;
	struct buf arguments = BUF_INIT;

	job->cur.total = limit;
	buf_addc(&arguments, '{');
	if (job->fetch->cursor && job->fetch->cursor[0]) {
		buf_adds(&arguments, "\"anchor\":");
		json_put_str(&arguments, job->fetch->cursor, strlen(job->fetch->cursor));
		buf_addc(&arguments, ',');
	}
	if (job->fetch->contains && job->fetch->contains[0]) {
		buf_adds(&arguments, "\"filter\":{\"text\":");
		json_put_str(&arguments, job->fetch->contains, strlen(job->fetch->contains));
		buf_adds(&arguments, "},");
	}
	buf_addf(&arguments, "\"limit\":%zu}", limit);
	jmap_begin(srv, req);
	jmap_call(req, "x:Log/query", buf_str(&arguments), "c0");
	jmap_call(req, "x:Log/get", "{\"#ids\":{\"resultOf\":\"c0\",\"name\":\"x:Log/query\",\"path\":\"/ids\"}}", "c1");
	jmap_end(req);
	req->max_body = 64u << 20;
	buf_release(&arguments);
}

static struct slice slice_of_json(json_t *v)
{
	return json_is_string(v) ? (struct slice){ json_string_value(v), json_string_length(v) } : SLICE_NONE;
}

/* event_from_item() writes the line as the server's own file has it; a NUL in it is shown as \x00, for a line ends at its first NUL. */
static void add_line(struct log_page *page, json_t *row, struct buf *line)
{
	struct event ev;
	size_t start = page->text.len;

	event_from_item(line, slice_of_json(json_object_get(row, "timestamp")), slice_of_json(json_object_get(row, "level")), SLICE_NONE,
		slice_of_json(json_object_get(row, "event")), slice_of_json(json_object_get(row, "details")), &ev);
	for (size_t i = 0; i < line->len; i++)
		if (line->data[i])
			buf_addc(&page->text, line->data[i]);
		else
			buf_adds(&page->text, "\\x00");
	page->line[page->count++] = start;
	buf_addc(&page->text, '\0');
}

static json_t *row_by_id(json_t *list, const char *id, size_t guess)
{
	json_t *row = json_array_get(list, guess);
	size_t i;

	if (row && json_string_value(json_object_get(row, "id")) && !strcmp(json_string_value(json_object_get(row, "id")), id))
		return row;
	json_array_foreach (list, i, row)
		if (json_string_value(json_object_get(row, "id")) && !strcmp(json_string_value(json_object_get(row, "id")), id))
			return row;
	return NULL;
}

enum decode jmap_log_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	json_t *doc = jmap_document(res, err), *query = doc ? jmap_answer(doc, "c0", err) : NULL, *get = query ? jmap_answer(doc, "c1", err) : NULL;
	json_t *ids = json_object_get(query, "ids"), *list = json_object_get(get, "list"), *id, *row;
	struct log_page *page;
	struct buf line = BUF_INIT;
	const char *last = NULL;
	size_t i, guess = 0;

	if (!get) {
		json_decref(doc);
		return DECODE_FAIL;
	}
	page = job->reply->log = xcalloc(1, sizeof(*page));
	buf_init(&page->text, 200u << 20);
	page->line = xreallocarray(NULL, json_array_size(ids) + 1, sizeof(*page->line));
	json_array_foreach (ids, i, id) { /* /get drops what it can't parse: the query's ids rule */
		last = json_string_value(id);
		row = last ? row_by_id(list, last, guess) : NULL;
		if (row)
			add_line(page, row, &line), guess++;
		else
			page->skipped++;
	}
	/* "a" is number 0, which also means "no anchor": paging behind it would start over */
	if (last && strcmp(last, "a") != 0 && json_array_size(ids) >= job->cur.total)
		snprintf(page->next, sizeof(page->next), "%s", last);
	buf_release(&line);
	json_decref(doc);
	return DECODE_DONE;
}

/* ---- trust ---- */

void jmap_trust_encode(const struct server *srv, struct request *req)
{
	jmap_begin(srv, req);
	jmap_call(req, "x:SystemSettings/get", "{\"ids\":[\"singleton\"],\"properties\":[\"proxyTrustedNetworks\"]}", "c0");
	jmap_call(req, "x:Http/get", "{\"ids\":[\"singleton\"],\"properties\":[\"useXForwarded\"]}", "c1");
	jmap_end(req);
}

enum decode jmap_trust_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	struct err optional = ERR_INIT;
	json_t *doc = jmap_document(res, err), *answer = doc ? jmap_answer(doc, "c0", err) : NULL, *networks, *value;
	struct trust *t;
	const char *net;
	size_t n = 0;

	if (!answer) {
		json_decref(doc);
		return DECODE_FAIL;
	}
	networks = json_object_get(json_array_get(json_object_get(answer, "list"), 0), "proxyTrustedNetworks");
	t = job->reply->trust = xcalloc(1, sizeof(*t));
	t->networks = xcalloc(json_object_size(networks) + 1, sizeof(char *));
	t->where = xcalloc(json_object_size(networks) + 1, sizeof(char *));
	json_object_foreach (networks, net, value) {
		t->networks[n] = xstrdup(net);
		t->where[n++] = xstrdup("x:SystemSettings.proxyTrustedNetworks");
	}
	json_get_bool(json_array_get(json_object_get(jmap_answer(doc, "c1", &optional), "list"), 0), "useXForwarded", &t->forwarded);
	json_decref(doc);
	return DECODE_DONE;
}
