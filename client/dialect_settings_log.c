/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings API of 0.7 - 0.15: the log, item by item as it comes by, for a page may hold 100,000. Every item becomes a line of the
 * server's own file format. Seen on 0.8.1, 0.10.3 and 0.15.5. */
#include <stdlib.h>
#include <string.h>

#include "client/dialect_pairs.h"
#include "client/dialect_settings.h"
#include "core/mem.h"
#include "core/text.h"

#define LOG_LIMIT_MAX 100000 /* `limit=1000000000000` aborts a 0.15 server (seen on 0.15.5) */

enum field { FIELD_TIMESTAMP, FIELD_LEVEL, FIELD_MESSAGE, FIELD_EVENT, FIELD_EVENT_ID, FIELD_DETAILS, FIELD_COUNT };

static const char *const field_names[FIELD_COUNT] = { "timestamp", "level", "message", "event", "event_id", "details" };

/* One item as its fields come by. */
struct log_memo {
	struct settings_memo base;
	struct buf text[FIELD_COUNT];
	bool has[FIELD_COUNT];
	bool is_error, is_whole;
	size_t items, line_cap;
};

static void log_free(struct settings_memo *memo)
{
	struct log_memo *m = (struct log_memo *)(void *)memo;

	for (int i = 0; i < FIELD_COUNT; i++)
		buf_release(&m->text[i]);
	free(m);
}

bool settings_log_encode(struct fetch_job *job, struct request *req)
{
	const struct fetch *f = job->fetch;
	size_t limit = f->limit < 1 ? 1 : f->limit > LOG_LIMIT_MAX ? LOG_LIMIT_MAX : f->limit;
	int64_t page = 1;

	if (f->cursor && f->cursor[0] && !text_int(f->cursor, 1, 1000000000, &page))
		page = 1;
	job->cur.pos = (size_t)page;
	job->cur.total = limit;
	if (!job->cur.memo) {
		struct log_memo *m = xcalloc(1, sizeof(*m));

		m->base.release = log_free;
		job->cur.memo = m;
	}
	if (!job->reply->log) {
		job->reply->log = xcalloc(1, sizeof(*job->reply->log));
		buf_init(&job->reply->log->text, 600u << 20);
	}
	req->stream = true;
	req->max_body = 512u << 20;
	buf_addf(&req->path, "/api/logs?page=%zu&limit=%zu", (size_t)page, limit);
	if (!f->contains || !f->contains[0])
		return true;
	buf_adds(&req->path, "&filter=");
	path_escape(&req->path, f->contains, strlen(f->contains));
	return true;
}

/* NUL bytes (an EHLO may hold them) are shown as \x00: a line ends at its first NUL. */
static void add_shown(struct buf *out, const char *a, size_t len)
{
	for (const char *nul; len > 0 && (nul = memchr(a, '\0', len)); len -= (size_t)(nul - a) + 1, a = nul + 1) {
		buf_add(out, a, (size_t)(nul - a));
		buf_adds(out, "\\x00");
	}
	buf_add(out, a, len);
}

static void add_field(struct buf *out, const char *before, const struct buf *field, const char *after)
{
	buf_adds(out, before);
	add_shown(out, buf_str(field), field->len);
	buf_adds(out, after);
}

static bool render(const struct log_memo *m, struct buf *out)
{
	const struct buf *t = m->text;

	if (!m->has[FIELD_TIMESTAMP])
		return false;
	add_field(out, "", &t[FIELD_TIMESTAMP], " ");
	if (m->has[FIELD_MESSAGE]) { /* up to 0.9.3 */
		add_field(out, " ", &t[FIELD_LEVEL], " ");
		add_field(out, "", &t[FIELD_MESSAGE], "");
	} else {
		add_field(out, "", &t[FIELD_LEVEL], " ");
		add_field(out, "", &t[FIELD_EVENT], " (");
		add_field(out, "", &t[FIELD_EVENT_ID], ") ");
		add_field(out, "", &t[FIELD_DETAILS], "");
	}
	return true;
}

static void item_ends(struct log_page *page, struct log_memo *m)
{
	size_t start = page->text.len;

	m->items++;
	if (render(m, &page->text) && buf_addc(&page->text, '\0') && !page->text.overflow) {
		xgrow(&page->line, &m->line_cap, page->count + 1, sizeof(*page->line));
		page->line[page->count++] = start;
	} else {
		buf_truncate(&page->text, start);
		page->skipped++;
	}
	for (int i = 0; i < FIELD_COUNT; i++) {
		buf_reset(&m->text[i]);
		m->has[i] = false;
	}
}

/* {"data":{"items":[{field:text,…},…],"total":n}} */
void settings_log_item(struct fetch_job *job, const struct json_path *path, const struct json_item *item)
{
	struct log_memo *m = job->cur.memo;

	if (path->depth == 1 && path_key_is(path, 0, "error")) {
		m->is_error = true;
	} else if (!path_key_is(path, 0, "data") || !path_key_is(path, 1, "items")) {
		return;
	} else if (path->depth == 2) {
		m->is_whole = item->type == JSON_ITEM_ARRAY_END;
	} else if (path->depth == 3) {
		item_ends(job->reply->log, m);
	} else if (path->depth == 4 && item->type == JSON_ITEM_STRING) {
		for (int i = 0; i < FIELD_COUNT; i++) {
			if (!path_key_is(path, 3, field_names[i]))
				continue;
			buf_reset(&m->text[i]);
			m->has[i] = buf_add(&m->text[i], item->s, item->len);
		}
	}
}

enum decode settings_log_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	const struct log_memo *m = job->cur.memo;
	struct log_page *page = job->reply->log;
	char name[40];

	if (!strcmp(settings_error_name(res, name, sizeof(name)), "unsupported")) {
		snprintf(page->notice, sizeof(page->notice),
			"the server writes no log file: set tracer.log.type = \"log\", tracer.log.enable = true and its path");
		return DECODE_DONE;
	}
	if (!strcmp(name, "other") && memmem(res->body, res->len, "utf-8", strlen("utf-8"))) /* seen on 0.15.5 */
		return err_set(err, ERR_IO, "a line of the server's log is no UTF-8: it shows neither that nor what is older"), DECODE_FAIL;
	if (m->is_error || !response_check(res, err)) {
		json_decref(settings_document(res, err)); /* for its words */
		if (!err->code)
			err_set(err, ERR_SERVER, "the server answers an error");
		return DECODE_FAIL;
	}
	if (!res->stream_ok || !m->is_whole)
		return err_set(err, ERR_PROTOCOL, "the page of the log ends in the middle or is none"), DECODE_FAIL;
	if (m->items >= job->cur.total)
		snprintf(page->next, sizeof(page->next), "%zu", job->cur.pos + 1);
	return DECODE_DONE;
}
