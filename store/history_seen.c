/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The blocked list against what was in it last time: both in the order of addresses, walked
 * together a piece at a time, so that a million entries cost the loop no pause and the disk only
 * the differences. */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "store/history_scan.h"
#include "store/journal_records.h"

#define PIECE 500

struct known {
	int64_t id, first;
	struct net net;
};

struct history_seen {
	struct store *s;
	char *server_name;
	int64_t server;
	const struct entrylist *list;
	int64_t now;
	size_t at;               /* next row of the list */
	uint8_t key[DB_KEY_MAX]; /* of the last known entry looked at */
	size_t key_len;
	struct known known[PIECE];
	size_t count;
	bool is_last; /* of the known ones: there are no more */
	bool is_done;
	struct journal_finder *own; /* un-blocks of ours */
};

static bool is_unblock(const struct journal_record *r)
{
	return strcmp(r->kind, edit_name(EDIT_UNBLOCK)) == 0 && journal_took(r);
}

struct history_seen *history_seen_begin(struct store *s, const char *server,
	const struct entrylist *list, int64_t now, struct err *err)
{
	struct history_seen *job;

	if (!db_may_write(s, err))
		return NULL;
	job = xcalloc(1, sizeof(*job));
	job->s = s;
	job->server_name = xstrdup(server);
	job->list = list;
	job->now = now;
	job->own = xcalloc(1, sizeof(*job->own));
	job->own->fits = is_unblock;
	return job;
}

void history_seen_end(struct history_seen *job)
{
	if (job == NULL)
		return;
	free(job->server_name);
	journal_finder_release(job->own);
	free(job->own);
	free(job);
}

static bool read_piece(struct history_seen *job, struct err *err)
{
	sqlite3_stmt *q = db_prepare(job->s,
		"SELECT id, key, first FROM seen WHERE server = ?1 AND gone IS NULL AND key > ?2 "
		"ORDER BY key LIMIT ?3",
		err);
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, job->server);
	sqlite3_bind_blob(q, 2, job->key, (int)job->key_len, SQLITE_STATIC);
	sqlite3_bind_int(q, 3, PIECE);
	job->count = 0;
	while ((r = db_step(job->s, q, err)) > 0) {
		struct known *k = &job->known[job->count];

		k->id = sqlite3_column_int64(q, 0);
		k->first = sqlite3_column_int64(q, 2);
		if (db_net(sqlite3_column_blob(q, 1), sqlite3_column_bytes(q, 1), &k->net))
			job->count++;
	}
	job->is_last = job->count < PIECE;
	return r == 0;
}

/* Is there a ban of that address that has not ended? Then a line tells of this block. */
static bool has_line(struct history_seen *job, const struct net *n)
{
	sqlite3_stmt *q = db_prepare(job->s,
		"SELECT ended IS NULL FROM ban WHERE addr = (SELECT id FROM addr WHERE server = ?1 "
		"AND key = ?2) "
		"ORDER BY time DESC LIMIT 1",
		NULL);
	uint8_t key[DB_KEY_MAX];
	bool has;

	if (q == NULL || !net_is_address(n))
		return false;
	sqlite3_bind_int64(q, 1, job->server);
	sqlite3_bind_blob(q, 2, key, (int)db_key(n, false, key), SQLITE_STATIC);
	has = db_step(job->s, q, NULL) > 0 && sqlite3_column_int(q, 0);
	sqlite3_reset(q);
	return has;
}

static bool appear(
	struct history_seen *job, const struct entry *e, const struct net *n, struct err *err)
{
	int64_t created = entry_created(e),
		first = created != TIME_NONE && created < job->now ? created : job->now;
	int line = has_line(job, n);
	sqlite3_stmt *q = db_prepare(job->s,
		"INSERT OR IGNORE INTO seen (server, key, first, line) VALUES (?1, ?2, ?3, ?4)",
		err);
	uint8_t key[DB_KEY_MAX];

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, job->server);
	sqlite3_bind_blob(q, 2, key, (int)db_key(n, true, key), SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, first);
	sqlite3_bind_int(q, 4, line);
	return db_run(job->s, q, err);
}

/* Did we un-block it ourselves since? */
static enum ban_end end_of(struct history_seen *job, const struct known *k)
{
	sqlite3_stmt *q = db_prepare(job->s,
		"SELECT 1 FROM edit e JOIN change c ON c.id = e.change WHERE e.target = ?1 AND "
		"e.kind = 'unblock' AND "
		"e.verdict IN ('in_force', 'stored', 'mismatch') AND c.server = ?2 AND c.time >= "
		"?3 LIMIT 1",
		NULL);
	char text[NET_BUF];
	bool is_ours;

	if (q == NULL)
		return END_GONE;
	db_bind_text(q, 1, net_format(&k->net, text, sizeof(text)));
	sqlite3_bind_int64(q, 2, job->server);
	sqlite3_bind_int64(q, 3, k->first);
	is_ours = db_step(job->s, q, NULL) > 0;
	sqlite3_reset(q);
	if (!is_ours)
		is_ours = journal_find_packed(
				  job->own, job->s, text, job->server, 0, k->first) > 0;
	return is_ours ? END_OPERATOR : END_GONE;
}

static bool vanish(struct history_seen *job, const struct known *k, struct err *err)
{
	enum ban_end how = end_of(job, k);
	sqlite3_stmt *q =
		db_prepare(job->s, "UPDATE seen SET gone = ?1, how = ?2 WHERE id = ?3", err);
	uint8_t key[DB_KEY_MAX];

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, job->now);
	sqlite3_bind_int(q, 2, (int)how);
	sqlite3_bind_int64(q, 3, k->id);
	if (!db_run(job->s, q, err))
		return false;
	if (!net_is_address(&k->net))
		return true;
	q = db_prepare(job->s,
		"UPDATE ban SET ended = ?1, how = ?2 WHERE ended IS NULL AND id = (SELECT id FROM "
		"ban WHERE addr = "
		"(SELECT id FROM addr WHERE server = ?3 AND key = ?4) AND time <= ?1 ORDER BY time "
		"DESC LIMIT 1)",
		err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, job->now);
	sqlite3_bind_int(q, 2, (int)how);
	sqlite3_bind_int64(q, 3, job->server);
	sqlite3_bind_blob(q, 4, key, (int)db_key(&k->net, false, key), SQLITE_STATIC);
	return db_run(job->s, q, err);
}

static void pass_key(struct history_seen *job, const struct net *n)
{
	job->key_len = db_key(n, true, job->key);
}

/* The next row of the list that is an address or network and not the same once more. NULL at the
 * end. */
static const struct entry *next_entry(struct history_seen *job, struct net *n)
{
	struct net before;

	for (; job->at < job->list->count && job->list->rows[job->at].family; job->at++) {
		entry_net(&job->list->rows[job->at], n);
		if (job->at == 0)
			return &job->list->rows[0];
		entry_net(&job->list->rows[job->at - 1], &before);
		if (!net_equal(&before, n))
			return &job->list->rows[job->at];
	}
	return NULL;
}

/* Walks both as far as the piece goes, with at most PIECE new entries. Inside a transaction. */
static bool walk_piece(struct history_seen *job, struct err *err)
{
	size_t k = 0, added = 0;
	struct net n;

	for (;;) {
		const struct entry *e = next_entry(job, &n);
		const struct known *known = k < job->count ? &job->known[k] : NULL;
		int c;

		if (known == NULL && (!job->is_last || e == NULL)) {
			job->is_done = job->is_last && e == NULL;
			return true;
		}
		c = known == NULL ? -1 : e == NULL ? 1 : net_cmp(&n, &known->net);
		if (c < 0) {
			if (added++ == PIECE)
				return true;
			if (!appear(job, e, &n, err))
				return false;
			pass_key(job, &n);
			job->at++;
			continue;
		}
		if (c > 0 && !vanish(job, known, err))
			return false;
		pass_key(job, &known->net);
		job->at += c == 0;
		k++;
	}
}

static bool step_piece(struct history_seen *job, struct err *err)
{
	struct history_seen before;

	if (!db_begin(job->s, err))
		return false;
	before = *job;
	job->server = db_server(job->s, job->server_name, true, err);
	if (job->server > 0 && read_piece(job, err) && walk_piece(job, err) &&
		db_commit(job->s, err))
		return true;
	db_rollback(job->s);
	*job = before;
	return false;
}

bool history_seen_step(struct history_seen *job, int64_t budget_ms, bool *is_done, struct err *err)
{
	int64_t until = clock_mono() + budget_ms;

	do {
		if (!db_may_write(job->s, err) || (!job->is_done && !step_piece(job, err)))
			return false;
		*is_done = job->is_done;
	} while (!job->is_done && clock_mono() < until);
	return true;
}
