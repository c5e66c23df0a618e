/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings API of 0.7 - 0.15: stored certificates and ACME providers. `list?prefix=certificate` would return private keys;
 * `group … &field=cert` does not (seen on 0.15.5). An ACME-issued certificate is stored with its key in one value: it is parsed for
 * its certificates and wiped. */
#include <string.h>

#include "client/dialect_settings.h"
#include "client/x509.h"
#include "core/mem.h"

enum { ROUND_STORED, ROUND_PROVIDERS, ROUND_DETAILS, ROUND_ISSUED };

static const char *const details[] = { "contact", "challenge", "renew-before", "domains" };

/* Every provider's keys for one suffix list, comma-separated. */
static bool provider_keys(const struct certlist *l, struct buf *path, const char *const *suffix, size_t n)
{
	const char *sep = "";

	buf_adds(path, "/api/settings/keys?keys=");
	for (size_t i = 0; i < l->renewal_count; i++)
		for (size_t k = 0; k < n; k++, sep = ",") {
			buf_addf(path, "%sacme.", sep);
			path_escape(path, l->renewals[i]->id, strlen(l->renewals[i]->id));
			buf_addf(path, ".%s", suffix[k]);
		}
	return true;
}

bool settings_certs_encode(struct fetch_job *job, struct request *req)
{
	static const char *const issued[] = { "cert" };

	req->max_body = 32u << 20;
	switch (job->cur.phase) {
	case ROUND_STORED:
		return buf_adds(&req->path, "/api/settings/group?prefix=certificate&suffix=cert&field=cert");
	case ROUND_PROVIDERS:
		return buf_adds(&req->path, "/api/settings/group?prefix=acme&suffix=directory&field=directory");
	case ROUND_DETAILS: {
		bool ok = provider_keys(job->reply->certs, &req->path, details, ARRAY_LEN(details));

		/* several domains are stored as an array: acme.ID.domains.0000 … */
		buf_adds(&req->path, "&prefixes=");
		for (size_t i = 0; i < job->reply->certs->renewal_count; i++) {
			buf_addf(&req->path, "%sacme.", i ? "," : "");
			path_escape(&req->path, job->reply->certs->renewals[i]->id,
				strlen(job->reply->certs->renewals[i]->id));
			buf_adds(&req->path, ".domains");
		}
		return ok;
	}
	default:
		req->secret = true;
		return provider_keys(job->reply->certs, &req->path, issued, 1);
	}
}

static void take_stored(struct certlist *l, json_t *items)
{
	json_t *item, *pem;
	size_t i;

	json_array_foreach (items, i, item) {
		const char *id = json_string_value(json_object_get(item, "_id"));
		struct cert *c;
		char *path;

		pem = json_object_get(item, "cert");
		if (!json_is_string(pem) || !id)
			continue;
		path = x509_macro_path(json_string_value(pem), json_string_length(pem));
		if (path) {
			c = cert_new(CERT_STORED);
			cert_set_text(&c->id, id, SIZE_MAX);
			cert_set_text(&c->path, path, SIZE_MAX);
		} else {
			c = x509_parse(CERT_STORED, id, json_string_value(pem), json_string_length(pem));
		}
		free(path);
		certlist_take(l, c);
	}
}

static void take_details(struct certlist *l, json_t *data)
{
	const char *key;
	json_t *value;

	json_object_foreach (data, key, value) {
		for (size_t i = 0; i < l->renewal_count; i++) {
			struct renewal *r = l->renewals[i];
			size_t n = strlen(r->id);
			const char *suffix, *s = json_string_value(value);

			if (!s || strncmp(key, "acme.", 5) != 0 || strncmp(key + 5, r->id, n) != 0 || key[5 + n] != '.')
				continue;
			suffix = key + 5 + n + 1;
			if (!strcmp(suffix, "contact"))
				cert_set_text(&r->contact, s, SIZE_MAX);
			else if (!strcmp(suffix, "challenge"))
				cert_set_text(&r->challenge, s, SIZE_MAX);
			else if (!strcmp(suffix, "renew-before"))
				duration_parse(s, &r->renew_before);
			else if (!strncmp(suffix, "domains", 7))
				renewal_add_name(r, s, SIZE_MAX);
		}
	}
}

static void take_issued(struct certlist *l, json_t *data)
{
	const char *key;
	json_t *value;

	json_object_foreach (data, key, value) {
		size_t n = strlen(key);
		char *id;

		if (n < 10 || strncmp(key, "acme.", 5) != 0 || strcmp(key + n - 5, ".cert") != 0 ||
			!json_is_string(value))
			continue;
		id = xstrndup(key, n - 5);
		certlist_take(l, x509_parse(CERT_STORED, id, json_string_value(value), json_string_length(value)));
		free(id);
		/* the decoded value holds the private key: jansson would free it as it is */
		explicit_bzero((char *)(uintptr_t)json_string_value(value), json_string_length(value));
	}
}

enum decode settings_certs_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	json_t *doc = settings_document(res, err), *data = json_object_get(doc, "data"), *item;
	size_t i;

	if (!doc)
		return DECODE_FAIL;
	if (!job->reply->certs)
		job->reply->certs = certlist_new();
	switch (job->cur.phase) {
	case ROUND_STORED:
		take_stored(job->reply->certs, json_object_get(data, "items"));
		break;
	case ROUND_PROVIDERS:
		json_array_foreach (json_object_get(data, "items"), i, item) {
			const char *id = json_string_value(json_object_get(item, "_id"));
			struct renewal *r = id ? certlist_add_renewal(job->reply->certs, RENEWER_ACME, id) : NULL;

			if (!r)
				continue;
			cert_set_text(&r->directory, json_string_value(json_object_get(item, "directory")), SIZE_MAX);
		}
		break;
	case ROUND_DETAILS:
		take_details(job->reply->certs, data);
		break;
	default:
		take_issued(job->reply->certs, data);
		break;
	}
	json_decref(doc);
	if (job->cur.phase == ROUND_ISSUED ||
		(job->cur.phase == ROUND_PROVIDERS && job->reply->certs->renewal_count == 0))
		return DECODE_DONE;
	job->cur.phase++;
	return DECODE_MORE;
}
