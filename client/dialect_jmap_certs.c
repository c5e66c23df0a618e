/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 0.16: certificates without their keys, which domain has them renewed by whom, and the tasks that do it. It must not know what is served. */
#include <stdio.h>
#include <string.h>

#include "client/dialect_jmap.h"
#include "client/json.h"
#include "client/x509.h"

/* ---- stored certificates: properties are named, so that no key material comes along ---- */

void jmap_certs_encode(const struct server *srv, struct request *req)
{
	jmap_begin(srv, req);
	jmap_call(req, "x:Certificate/get",
		"{\"ids\":null,\"properties\":[\"certificate\",\"subjectAlternativeNames\",\"notValidAfter\",\"notValidBefore\",\"issuer\"]}", "c0");
	jmap_call(req, "x:AcmeProvider/get",
		"{\"ids\":null,\"properties\":[\"directory\",\"challengeType\",\"contact\",\"renewBefore\"]}", "c1");
	jmap_call(req, "x:Domain/get", "{\"ids\":null,\"properties\":[\"name\",\"certificateManagement\"]}", "c2");
	jmap_call(req, "x:Task/query", "{\"calculateTotal\":true}", "c3");
	jmap_call(req, "x:Task/get", "{\"#ids\":{\"resultOf\":\"c3\",\"name\":\"x:Task/query\",\"path\":\"/ids\"}}",
		"c4");
	jmap_end(req);
	req->max_body = 32u << 20;
}

static const char *text_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static struct cert *cert_of(json_t *row)
{
	const char *pem = text_of(json_object_get(row, "certificate"), "value"), *id = text_of(row, "id"), *name;
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
	if (text_of(row, "issuer"))
		cert_set_text(&c->issuer, text_of(row, "issuer"), SIZE_MAX);
	return c;
}

/* ---- tasks ---- */

static void take_task(struct renewal *r, json_t *task)
{
	json_t *status = json_object_get(task, "status");
	const char *state = text_of(status, "@type"), *why = text_of(status, "failureReason");
	int64_t failed = jmap_time(json_object_get(status, "failedAt"));

	r->next = jmap_time(json_object_get(task, "due"));
	r->last = failed != TIME_NONE ? failed : jmap_time(json_object_get(status, "createdAt"));
	r->state = !state                             ? RENEWAL_UNKNOWN
		: why && strstr(why, "not due until") ? RENEWAL_NOT_DUE
		: !strcmp(state, "Retry")             ? RENEWAL_RETRY
		: !strcmp(state, "Failed")            ? RENEWAL_FAILED
						      : RENEWAL_PENDING;
	cert_set_text(&r->reason, why ? why : "", SIZE_MAX);
}

static bool is_renewal_of(json_t *task, const char *domain_id)
{
	const char *type = text_of(task, "@type"), *id = text_of(task, "domainId");

	return type && !strcmp(type, "AcmeRenewal") && id && domain_id && !strcmp(id, domain_id);
}

/* A failed task stays listed for days, beside the one that waits for its time: what went wrong comes from the newest that failed, unless
 * a certificate came after it; when it is tried again from the one that waits. */
static void take_tasks(struct renewal *r, json_t *tasks, const char *domain_id)
{
	json_t *task, *newest = NULL;
	int64_t next = TIME_NONE, made = TIME_NONE;
	size_t i;

	json_array_foreach (tasks, i, task) {
		json_t *status = json_object_get(task, "status");
		int64_t created = jmap_time(json_object_get(status, "createdAt"));
		const char *state = text_of(status, "@type");
		bool waits = state && strcmp(state, "Failed") != 0;

		if (!is_renewal_of(task, domain_id))
			continue;
		if (waits)
			next = jmap_time(json_object_get(task, "due"));
		if (!newest || created > made || (created == made && !waits)) {
			newest = task;
			made = created;
		}
	}
	if (newest)
		take_task(r, newest);
	if (next != TIME_NONE)
		r->next = next;
}

void jmap_task_encode(const struct server *srv, struct fetch_job *job, struct request *req)
{
	struct buf arguments = BUF_INIT;

	buf_adds(&arguments, "{\"ids\":[");
	json_put_str(&arguments, job->fetch->cursor, strlen(job->fetch->cursor));
	buf_adds(&arguments, "]}");
	jmap_begin(srv, req);
	jmap_call(req, "x:Task/get", buf_str(&arguments), "c0");
	jmap_end(req);
	buf_release(&arguments);
}

/* A task that has done its work is gone. */
enum decode jmap_task_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	json_t *doc = jmap_document(res, err), *answer = doc ? jmap_answer(doc, "c0", err) : NULL;
	json_t *task = json_array_get(json_object_get(answer, "list"), 0);
	struct renewal *r;

	if (!answer) {
		json_decref(doc);
		return DECODE_FAIL;
	}
	job->reply->certs = certlist_new();
	r = certlist_add_renewal(job->reply->certs, RENEWER_ACME, job->fetch->cursor);
	if (task)
		take_task(r, task);
	else
		r->state = RENEWAL_OK;
	json_decref(doc);
	return DECODE_DONE;
}

/* ---- who renews ---- */

static json_t *by_id(json_t *list, const char *id)
{
	json_t *row;
	size_t i;

	json_array_foreach (list, i, row)
		if (id && text_of(row, "id") && !strcmp(text_of(row, "id"), id))
			return row;
	return NULL;
}

/* "R23": when 2/3 of the certificate's time have passed. */
static void take_rule(struct renewal *r, const char *rule)
{
	if (rule && rule[0] == 'R' && strlen(rule) == 3) {
		char words[40];

		snprintf(words, sizeof(words), "after %c/%c of its time", rule[1], rule[2]);
		cert_set_text(&r->rule, words, SIZE_MAX);
	}
}

static void take_provider(struct renewal *r, json_t *provider)
{
	const char *contact;
	struct buf all = BUF_INIT;
	json_t *value;

	if (text_of(provider, "directory"))
		cert_set_text(&r->directory, text_of(provider, "directory"), SIZE_MAX);
	if (text_of(provider, "challengeType"))
		cert_set_text(&r->challenge, text_of(provider, "challengeType"), SIZE_MAX);
	json_object_foreach (json_object_get(provider, "contact"), contact, value)
		buf_addf(&all, "%s%s", all.len ? ", " : "", contact);
	if (all.len)
		cert_set_text(&r->contact, buf_str(&all), all.len);
	buf_release(&all);
	take_rule(r, text_of(provider, "renewBefore"));
}

static void take_domain(struct certlist *l, json_t *domain, json_t *providers, json_t *tasks)
{
	json_t *management = json_object_get(domain, "certificateManagement");
	const char *how = text_of(management, "@type"), *name = text_of(domain, "name");
	struct renewal *r;
	char wildcard[300];

	if (!name || !how || !strcmp(how, "Manual"))
		return;
	r = certlist_add_renewal(l, RENEWER_ACME, name);
	renewal_add_name(r, name, strlen(name));
	snprintf(wildcard, sizeof(wildcard), "*.%.290s", name);
	renewal_add_name(r, wildcard, strlen(wildcard));
	take_provider(r, by_id(providers, text_of(management, "acmeProviderId")));
	take_tasks(r, tasks, text_of(domain, "id"));
}

static json_t *list_of(json_t *doc, const char *call)
{
	struct err optional = ERR_INIT; /* an account may list certificates and not see who renews them */

	return json_object_get(jmap_answer(doc, call, &optional), "list");
}

enum decode jmap_certs_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	json_t *doc = jmap_document(res, err), *answer = doc ? jmap_answer(doc, "c0", err) : NULL, *row;
	size_t i;

	if (!answer) {
		json_decref(doc);
		return DECODE_FAIL;
	}
	job->reply->certs = certlist_new();
	json_array_foreach (json_object_get(answer, "list"), i, row)
		certlist_take(job->reply->certs, cert_of(row));
	json_array_foreach (list_of(doc, "c2"), i, row)
		take_domain(job->reply->certs, row, list_of(doc, "c1"), list_of(doc, "c4"));
	json_decref(doc);
	return DECODE_DONE;
}
