/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 0.16: the log, and whom the server believes about client addresses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect_jmap.h"
#include "client/json.h"
#include "client/trust.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/event.h"

#define LOG_LIMIT 500
#define LOG_OVERLAP 8 /* ids asked for again where two pages meet: an anchor means another line once the log has rotated (seen on 0.16.18) */

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
	jmap_call(
		req, "x:Log/get", "{\"#ids\":{\"resultOf\":\"c0\",\"name\":\"x:Log/query\",\"path\":\"/ids\"}}", "c1");
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

	event_from_item(line, slice_of_json(json_object_get(row, "timestamp")),
		slice_of_json(json_object_get(row, "level")), SLICE_NONE, slice_of_json(json_object_get(row, "event")),
		slice_of_json(json_object_get(row, "details")), &ev);
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

	if (row && json_string_value(json_object_get(row, "id")) &&
		!strcmp(json_string_value(json_object_get(row, "id")), id))
		return row;
	json_array_foreach (list, i, row)
		if (json_string_value(json_object_get(row, "id")) &&
			!strcmp(json_string_value(json_object_get(row, "id")), id))
			return row;
	return NULL;
}

enum decode jmap_log_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	json_t *doc = jmap_document(res, err), *query = doc ? jmap_answer(doc, "c0", err) : NULL,
	       *get = query ? jmap_answer(doc, "c1", err) : NULL;
	json_t *ids = json_object_get(query, "ids"), *list = json_object_get(get, "list"), *id, *row;
	struct log_page *page;
	struct buf line = BUF_INIT;
	const char *last = NULL, *anchor = NULL;
	size_t i, guess = 0, count = json_array_size(ids), again = count > 2 * LOG_OVERLAP ? LOG_OVERLAP : 0, before_overlap = 0;

	if (!get) {
		if (err->code == ERR_SERVER && !strncmp(err->msg, "serverUnavailable", strlen("serverUnavailable"))) {
			err_clear(err); /* its word for a line that is no UTF-8 */
			err_set(err, ERR_IO,
				"the server's log can't be shown so far back: a line there may be no UTF-8");
		}
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
		/* "a" is number 0, which also means "no anchor": paging behind it would start over */
		if (last && strcmp(last, "a") != 0 && i + again < count)
			anchor = last, before_overlap = page->count;
	}
	if (anchor && count >= job->cur.total) {
		snprintf(page->next, sizeof(page->next), "%s", anchor);
		page->overlap = page->count - before_overlap;
	}
	buf_release(&line);
	json_decref(doc);
	return DECODE_DONE;
}

/* ---- trust ---- */

void jmap_trust_encode(const struct server *srv, struct request *req)
{
	jmap_begin(srv, req);
	jmap_call(req, "x:SystemSettings/get", "{\"ids\":[\"singleton\"],\"properties\":[\"proxyTrustedNetworks\"]}",
		"c0");
	jmap_call(req, "x:Http/get", "{\"ids\":[\"singleton\"],\"properties\":[\"useXForwarded\"]}", "c1");
	jmap_call(req, "x:NetworkListener/get",
		"{\"ids\":null,\"properties\":[\"name\",\"overrideProxyTrustedNetworks\"]}", "c2");
	jmap_end(req);
}

/* A set is an object whose keys are its members. */
static void take_set(struct trust *t, json_t *set, const char *where)
{
	const char *net;
	json_t *value;

	json_object_foreach (set, net, value)
		trust_add(t, net, strlen(net), where);
}

/* A listener's own networks stand instead of the system's. Credentials that may not look at listeners miss those only. */
static void take_listeners(struct trust *t, json_t *doc)
{
	struct err optional = ERR_INIT;
	json_t *listener;
	size_t i;

	json_array_foreach (json_object_get(jmap_answer(doc, "c2", &optional), "list"), i, listener) {
		const char *name = json_string_value(json_object_get(listener, "name"));
		char *where = xasprintf("x:NetworkListener.overrideProxyTrustedNetworks of %s", name ? name : "?");

		take_set(t, json_object_get(listener, "overrideProxyTrustedNetworks"), where);
		free(where);
	}
}

enum decode jmap_trust_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	struct err optional = ERR_INIT;
	json_t *doc = jmap_document(res, err), *answer = doc ? jmap_answer(doc, "c0", err) : NULL;
	struct trust *t;

	if (!answer) {
		json_decref(doc);
		return DECODE_FAIL;
	}
	t = job->reply->trust = trust_new();
	take_set(t, json_object_get(json_array_get(json_object_get(answer, "list"), 0), "proxyTrustedNetworks"),
		"x:SystemSettings.proxyTrustedNetworks");
	take_listeners(t, doc);
	json_get_bool(json_array_get(json_object_get(jmap_answer(doc, "c1", &optional), "list"), 0), "useXForwarded",
		&t->forwarded);
	json_decref(doc);
	return DECODE_DONE;
}
