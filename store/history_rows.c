/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single bans. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/history_scan.h"

#define READ_ROWS 50 /* in one step: each is put together from five tables */

/* ---- which bans ---- */

/* The newest `limit` rows that fit, by id; all of them when limit is 0. */
struct picked {
	const struct scan_filter *filter;
	size_t limit;
	struct packed_ban *rows;
	size_t count, cap;
};

static int cmp_newest(const void *pa, const void *pb)
{
	const struct packed_ban *a = pa, *b = pb;

	if (a->time != b->time)
		return a->time > b->time ? -1 : 1;
	return a->id > b->id ? -1 : a->id < b->id;
}

enum bans_phase { BANS_INDEX, BANS_SCAN, BANS_SETTLE, BANS_READ, BANS_DONE };

struct history_bans_job {
	struct store *s;
	struct history_query q; /* server and account are not used */
	int64_t server;
	enum bans_phase phase;
	struct scan_filter filter;
	struct scan_at at;
	struct picked picked;
	int64_t *ids;
	size_t id_count, read;
	struct history_ban *rows;
	size_t count;
};

/* Keeps at most 2 * limit rows between two sorts. */
static void pick_bans(const struct packed_ban *rows, size_t count, void *arg)
{
	struct picked *p = arg;
	size_t i;

	for (i = 0; i < count; i++) {
		if (!scan_fits(p->filter, &rows[i]))
			continue;
		xgrow(&p->rows, &p->cap, p->count + 1, sizeof(*p->rows));
		p->rows[p->count++] = rows[i];
		if (p->limit && p->count >= p->limit * 2 + 64) {
			qsort(p->rows, p->count, sizeof(*p->rows), cmp_newest);
			p->count = p->limit;
		}
	}
}

/* The newest are on top. */
static void settle(struct history_bans_job *job)
{
	struct picked *p = &job->picked;
	size_t i;

	if (p->count)
		qsort(p->rows, p->count, sizeof(*p->rows), cmp_newest);
	job->id_count = p->limit && p->count > p->limit ? p->limit : p->count;
	job->ids = xcalloc(job->id_count + 1, sizeof(*job->ids));
	for (i = 0; i < job->id_count; i++)
		job->ids[i] = p->rows[i].id;
	free(p->rows);
	p->rows = NULL;
	job->phase = BANS_READ;
}

static bool pick_by_scan(struct history_bans_job *job, unsigned segs, struct err *err)
{
	bool is_last;

	if (!scan_some(job->s, &job->filter, &job->at, segs, &is_last, pick_bans, &job->picked, err))
		return false;
	if (is_last)
		job->phase = BANS_SETTLE;
	return true;
}

static bool read_ids(struct history_bans_job *job, sqlite3_stmt *q, struct err *err)
{
	size_t cap = 0;
	int r;

	while ((r = db_step(job->s, q, err)) > 0) {
		xgrow(&job->ids, &cap, job->id_count + 1, sizeof(*job->ids));
		job->ids[job->id_count++] = sqlite3_column_int64(q, 0);
	}
	return r == 0;
}

/* Without a condition on anything but server, time or one address an index has the answer. */
static bool pick_by_index(struct history_bans_job *job, struct err *err)
{
	const struct history_query *q = &job->q;
	struct store *s = job->s;
	bool by_address = q->within.family != 0;
	uint8_t key[DB_KEY_MAX];
	sqlite3_stmt *st;

	st = by_address ? db_prepare(s,
				  "SELECT id FROM ban WHERE addr IN (SELECT id FROM addr WHERE "
				  "server IN (SELECT id FROM server WHERE ?1 = 0 OR "
				  "id = ?1) AND key = ?5) AND time >= ?2 AND time < ?3 ORDER BY "
				  "time DESC, id DESC LIMIT ?4",
				  err)
			: db_prepare(s,
				  "SELECT id FROM ban WHERE (?1 = 0 OR server = ?1) AND time >= ?2 "
				  "AND time < ?3 ORDER BY time DESC, id DESC LIMIT ?4",
				  err);
	if (st == NULL)
		return false;
	sqlite3_bind_int64(st, 1, job->server);
	sqlite3_bind_int64(st, 2, q->since == TIME_NONE ? 0 : q->since);
	sqlite3_bind_int64(st, 3, q->until == TIME_NONE ? INT64_MAX : q->until);
	sqlite3_bind_int64(st, 4, q->limit ? (int64_t)q->limit : -1);
	if (by_address)
		sqlite3_bind_blob(st, 5, key, (int)db_key(&q->within, false, key), SQLITE_STATIC);
	job->phase = BANS_READ;
	return read_ids(job, st, err);
}

/* ---- one ban ---- */

static uint32_t count_until(struct store *s, int64_t addr, int64_t time, int64_t id)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT count(*) FROM ban WHERE addr = ?1 AND (time < ?2 OR (time = ?2 AND id <= "
		"?3))",
		NULL);
	uint32_t n = 0;

	if (q == NULL)
		return 0;
	sqlite3_bind_int64(q, 1, addr);
	sqlite3_bind_int64(q, 2, time);
	sqlite3_bind_int64(q, 3, id);
	if (db_step(s, q, NULL) > 0)
		n = (uint32_t)sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return n;
}

static bool read_ban(struct store *s, int64_t id, struct history_ban *b, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT b.time, v.name, b.class, a.key, b.account, b.recipient, b.path, "
		"b.listener, b.lines, b.ended, b.how, b.addr "
		"FROM ban b JOIN addr a ON a.id = b.addr JOIN server v ON v.id = b.server WHERE "
		"b.id = ?1",
		err);
	int64_t words[4], addr;
	int i;

	memset(b, 0, sizeof(*b));
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, id);
	if (db_step(s, q, err) <= 0)
		return false;
	b->id = id;
	b->time = sqlite3_column_int64(q, 0);
	b->server = db_text(q, 1);
	b->class = (enum ban_class)sqlite3_column_int(q, 2);
	db_net(sqlite3_column_blob(q, 3), sqlite3_column_bytes(q, 3), &b->address);
	for (i = 0; i < 4; i++)
		words[i] = sqlite3_column_int64(q, 4 + i);
	b->lines = (uint32_t)sqlite3_column_int64(q, 8);
	b->ended = db_time(q, 9);
	b->end = (enum ban_end)sqlite3_column_int(q, 10);
	addr = sqlite3_column_int64(q, 11);
	sqlite3_reset(q);
	b->account = scan_word_text(s, words[0]);
	b->to = scan_word_text(s, words[1]);
	b->path = scan_word_text(s, words[2]);
	b->listener = scan_word_text(s, words[3]);
	b->nth = count_until(s, addr, b->time, id);
	return true;
}

static void release_ban(struct history_ban *b)
{
	free(b->server);
	free(b->account);
	free(b->to);
	free(b->path);
	free(b->listener);
}

void history_bans_free(struct history_ban *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		release_ban(&rows[i]);
	free(rows);
}

/* One that is gone meanwhile is left out. */
static bool read_some(struct history_bans_job *job, size_t max, struct err *err)
{
	size_t end = max && job->id_count - job->read > max ? job->read + max : job->id_count;

	if (job->rows == NULL)
		job->rows = xcalloc(job->id_count + 1, sizeof(*job->rows));
	for (; job->read < end; job->read++) {
		struct err local = ERR_INIT;

		if (read_ban(job->s, job->ids[job->read], &job->rows[job->count], &local))
			job->count++;
		else if (local.code != ERR_NONE)
			return err_set(err, local.code, "%s", local.msg);
	}
	if (job->read == job->id_count)
		job->phase = BANS_DONE;
	return true;
}

/* ---- steps ---- */

struct history_bans_job *history_bans_begin(struct store *s, const struct history_query *q, struct err *err)
{
	bool is_narrow = q->class == CLASS_NONE && q->account == NULL &&
			 (q->within.family == 0 || net_is_address(&q->within));
	struct history_bans_job *job;
	int64_t server = 0;

	if (!db_may_read(s, err) || (q->server && (server = db_server(s, q->server, false, err)) < 0))
		return NULL;
	job = xcalloc(1, sizeof(*job));
	job->s = s;
	job->q = *q;
	job->server = server;
	job->at.after = -1;
	job->picked.filter = &job->filter;
	job->picked.limit = q->limit;
	job->phase = is_narrow ? BANS_INDEX : BANS_SCAN;
	if (q->server && server == 0)
		job->phase = BANS_DONE; /* an unknown server has no bans */
	if (is_narrow || scan_filter_make(s, q, &job->filter, err))
		return job;
	history_bans_end(job);
	return NULL;
}

bool history_bans_step(struct history_bans_job *job, unsigned segs, bool *is_done, struct err *err)
{
	bool ok = db_may_read(job->s, err);

	switch (ok ? job->phase : BANS_DONE) {
	case BANS_INDEX:
		ok = pick_by_index(job, err);
		break;
	case BANS_SCAN:
		ok = pick_by_scan(job, segs, err);
		break;
	case BANS_SETTLE:
		settle(job);
		break;
	case BANS_READ:
		ok = read_some(job, segs ? READ_ROWS : 0, err);
		break;
	case BANS_DONE:
		break;
	}
	*is_done = job->phase == BANS_DONE;
	return ok;
}

void history_bans_take(struct history_bans_job *job, struct history_ban **rows, size_t *count)
{
	*rows = job->rows;
	*count = job->count;
	job->rows = NULL;
	job->count = 0;
}

void history_bans_end(struct history_bans_job *job)
{
	if (job == NULL)
		return;
	history_bans_free(job->rows, job->count);
	free(job->picked.rows);
	free(job->ids);
	free(job);
}

bool history_bans(struct store *s, const struct history_query *q, struct history_ban **rows,
	size_t *count, struct err *err)
{
	struct history_bans_job *job = history_bans_begin(s, q, err);
	bool is_done = false;

	*rows = NULL;
	*count = 0;
	while (job && !is_done && history_bans_step(job, HISTORY_ALL_SEGS, &is_done, err))
		;
	if (is_done)
		history_bans_take(job, rows, count);
	history_bans_end(job);
	return is_done;
}
