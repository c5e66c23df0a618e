/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 0.16: blocked and allowed, eight query+get pairs of 500 in one request, item by item. `calculateTotal` goes with every page: without it the
 * order of a page depends on its position. A list that changes while it is read is read again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect_jmap.h"
#include "client/dialect_pairs.h"
#include "core/mem.h"
#include "core/text.h"

#define RESTARTS 4

void jmap_memo_free(void *memo)
{
	struct jmap_memo *m = memo;

	if (m)
		targets_free(m->targets);
	free(m);
}

struct jmap_memo *jmap_pages(const struct server *srv, struct cursor *cur, const char *object, struct request *req)
{
	struct jmap_memo *r = cur->memo ? cur->memo : xcalloc(1, sizeof(*r));
	char method[40], arguments[240], id[8];

	cur->memo = r;
	jmap_begin(srv, req);
	for (size_t i = 0; i < JMAP_PAIRS; i++) {
		snprintf(method, sizeof(method), "x:%s/query", object);
		snprintf(arguments, sizeof(arguments), "{\"position\":%zu,\"limit\":%d,\"calculateTotal\":true}",
			cur->pos + i * JMAP_PAGE, JMAP_PAGE);
		snprintf(id, sizeof(id), "q%zu", i);
		jmap_call(req, method, arguments, id);
		snprintf(method, sizeof(method), "x:%s/get", object);
		snprintf(arguments, sizeof(arguments),
			"{\"#ids\":{\"resultOf\":\"q%zu\",\"name\":\"x:%s/query\",\"path\":\"/ids\"},"
			"\"properties\":[\"address\",\"reason\",\"createdAt\",\"expiresAt\"]}",
			i, object);
		snprintf(id, sizeof(id), "g%zu", i);
		jmap_call(req, method, arguments, id);
	}
	jmap_end(req);
	req->stream = true;
	return r;
}

void jmap_list_encode(const struct server *srv, struct fetch_job *job, struct request *req)
{
	jmap_pages(srv, &job->cur, job->fetch->list == LIST_BLOCKED ? "BlockedIp" : "AllowedIp", req);
}

static void copy(char *out, size_t size, const struct json_item *item)
{
	size_t n = item->type == JSON_ITEM_STRING && item->s ? item->len : 0;

	n = n < size - 1 ? n : size - 1;
	if (n)
		memcpy(out, item->s, n);
	out[n] = '\0';
}

int64_t jmap_time_text(const char *s)
{
	int64_t t;

	return s[0] && time_parse(s, 0, &t) ? t : TIME_NONE;
}

static void add_row(void *arg, const struct jmap_memo *r)
{
	struct fetch_job *job = arg;
	bool blocked = job->fetch->list == LIST_BLOCKED;
	enum reason reason = blocked ? jmap_reason(r->reason) : REASON_MANUAL;

	entrylist_add(job->reply->list, r->address, strlen(r->address), blocked ? "" : r->reason,
		blocked ? 0 : strlen(r->reason), r->id, reason,
		reason == REASON_MANUAL ? ORIGIN_OPERATOR : ORIGIN_SERVER, jmap_time_text(r->created),
		jmap_time_text(r->expires));
}

/* methodResponses [i] [1] list [k] address */
void jmap_pages_item(struct jmap_memo *r, const struct json_path *path, const struct json_item *item, jmap_row_fn fn, void *arg)
{
	char number[24];
	int64_t total;

	if (!r || !path_key_is(path, 0, "methodResponses"))
		return;
	if (path->depth == 6 && path_key_is(path, 3, "list")) {
		if (path_key_is(path, 5, "address"))
			copy(r->address, sizeof(r->address), item);
		else if (path_key_is(path, 5, "reason"))
			copy(r->reason, sizeof(r->reason), item);
		else if (path_key_is(path, 5, "createdAt"))
			copy(r->created, sizeof(r->created), item);
		else if (path_key_is(path, 5, "expiresAt"))
			copy(r->expires, sizeof(r->expires), item);
		else if (path_key_is(path, 5, "id"))
			copy(r->id, sizeof(r->id), item);
	} else if (path->depth == 5 && item->type == JSON_ITEM_OBJECT_END && path_key_is(path, 3, "list")) {
		r->count++;
		fn(arg, r);
		r->address[0] = r->reason[0] = r->created[0] = r->expires[0] = r->id[0] = '\0';
	} else if (path->depth == 4 && path_key_is(path, 3, "total") && item->type == JSON_ITEM_NUMBER) {
		snprintf(number, sizeof(number), "%.*s", (int)(item->len < 20 ? item->len : 20), item->s);
		if (text_int(number, 0, 1000000000, &total))
			r->total = (size_t)total;
	} else if (path->depth == 4 && path_key_is(path, 3, "type") && !r->error_type[0]) {
		copy(r->error_type, sizeof(r->error_type), item);
	} else if (path->depth == 4 && path_key_is(path, 3, "description") && !r->error_words[0]) {
		copy(r->error_words, sizeof(r->error_words), item);
	}
}

void jmap_list_item(struct fetch_job *job, const struct json_path *path, const struct json_item *item)
{
	jmap_pages_item(job->cur.memo, path, item, add_row, job);
}

enum jmap_pages jmap_pages_check(struct cursor *cur, const struct response *res, struct err *err)
{
	struct jmap_memo *r = cur->memo;

	if (!response_check(res, err))
		return PAGES_FAIL;
	if (r->error_type[0]) {
		err_set(err, !strcmp(r->error_type, "forbidden") ? ERR_PERMISSION : ERR_SERVER, "%s: %s", r->error_type,
			r->error_words);
		return PAGES_FAIL;
	}
	if (!res->stream_ok) {
		err_set(err, ERR_PROTOCOL, "the list ends in the middle or is no JSON");
		return PAGES_FAIL;
	}
	if (cur->pos == 0)
		r->first_total = r->total;
	cur->pos += JMAP_PAIRS * JMAP_PAGE;
	if (r->total == r->first_total && cur->pos < r->total)
		return PAGES_MORE;
	if (r->total == r->first_total && r->count == r->total)
		return PAGES_DONE;
	if (r->restarts++ == RESTARTS) {
		err_set(err, ERR_CONFLICT, "the list changed %d times while it was read", RESTARTS);
		return PAGES_FAIL;
	}
	r->count = 0;
	cur->pos = 0;
	return PAGES_AGAIN;
}

enum decode jmap_list_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	enum jmap_pages got = jmap_pages_check(&job->cur, res, err);

	if (got == PAGES_AGAIN)
		entrylist_reset(job->reply->list);
	return got == PAGES_DONE ? DECODE_DONE : got == PAGES_FAIL ? DECODE_FAIL : DECODE_MORE;
}
