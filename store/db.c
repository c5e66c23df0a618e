/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of store/ need of SQLite. Knows no table but `server`. */
#include "store/db.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

bool db_may_read(struct store *s, struct err *err)
{
	if (s == NULL)
		return err_set(err, ERR_IO, "there is no history store");
	s->deadline = clock_mono() + s->query_ms;
	return true;
}

bool db_may_write(struct store *s, struct err *err)
{
	if (s == NULL)
		return err_set(err, ERR_IO, "there is no history store");
	if (s->read_only)
		return err_set(err, ERR_IO, "%s can only be read", s->path);
	s->deadline = 0;
	return true;
}

bool db_damaged(struct store *s, const char *words, struct err *err)
{
	return err_set(err, ERR_IO,
		"%s is damaged (%s). Move it aside with `mv %s %s.damaged`, a new one is made; "
		"`sqlite3 %s.damaged .recover` saves what can be read",
		s->path, words, s->path, s->path, s->path);
}

bool db_fail(struct store *s, int code, struct err *err)
{
	const char *words = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(code);

	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(
			err, ERR_CONFLICT, "%s is in use by another process; try again", s->path);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return db_damaged(s, words, err);
	case SQLITE_FULL:
		return err_set(err, ERR_IO, "the disk that holds %s is full", s->path);
	case SQLITE_READONLY:
		return err_set(err, ERR_IO, "%s can only be read", s->path);
	case SQLITE_INTERRUPT:
		return err_set(err, ERR_LIMIT, "the query took longer than %u ms and was given up",
			s->query_ms);
	case SQLITE_NOMEM:
		return err_set(err, ERR_INTERNAL, "out of memory in the history store");
	default:
		return err_set(err, ERR_IO, "%s: %s", s->path, words);
	}
}

sqlite3_stmt *db_prepare(struct store *s, const char *sql, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	size_t i;
	int code;

	for (i = 0; i < s->count; i++) {
		if (s->statements[i].sql == sql) {
			sqlite3_reset(s->statements[i].stmt);
			sqlite3_clear_bindings(s->statements[i].stmt);
			return s->statements[i].stmt;
		}
	}
	code = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
	if (code != SQLITE_OK) {
		db_fail(s, code, err);
		return NULL;
	}
	xgrow(&s->statements, &s->cap, s->count + 1, sizeof(*s->statements));
	s->statements[s->count++] = (struct db_statement){ sql, stmt };
	return stmt;
}

int db_step(struct store *s, sqlite3_stmt *stmt, struct err *err)
{
	int code = sqlite3_step(stmt);

	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		db_fail(s, code, err);
	sqlite3_reset(stmt);
	return code == SQLITE_DONE ? 0 : -1;
}

bool db_run(struct store *s, sqlite3_stmt *stmt, struct err *err)
{
	int r;

	while ((r = db_step(s, stmt, err)) > 0)
		;
	return r == 0;
}

bool db_exec(struct store *s, const char *sql, struct err *err)
{
	int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK || db_fail(s, code, err);
}

bool db_begin(struct store *s, struct err *err)
{
	return db_exec(s, "BEGIN IMMEDIATE", err);
}

bool db_commit(struct store *s, struct err *err)
{
	if (db_exec(s, "COMMIT", err))
		return true;
	db_rollback(s);
	return false;
}

void db_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

void db_bind_slice(sqlite3_stmt *stmt, int at, struct slice s)
{
	sqlite3_bind_blob64(stmt, at, s.len ? s.p : "", s.len, SQLITE_STATIC);
}

void db_bind_time(sqlite3_stmt *stmt, int at, int64_t t)
{
	if (t == TIME_NONE)
		sqlite3_bind_null(stmt, at);
	else
		sqlite3_bind_int64(stmt, at, t);
}

void db_bind_text(sqlite3_stmt *stmt, int at, const char *s)
{
	if (s)
		sqlite3_bind_text(stmt, at, s, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(stmt, at);
}

int64_t db_time(sqlite3_stmt *stmt, int col)
{
	return sqlite3_column_type(stmt, col) == SQLITE_NULL ? TIME_NONE
							     : sqlite3_column_int64(stmt, col);
}

char *db_text(sqlite3_stmt *stmt, int col)
{
	const void *p = sqlite3_column_blob(stmt, col);

	return p ? xstrndup(p, (size_t)sqlite3_column_bytes(stmt, col)) : xstrdup("");
}

int64_t db_number(struct store *s, const char *sql, int64_t none, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s, sql, err);
	int64_t n = none;

	if (q && db_step(s, q, err) > 0 && sqlite3_column_type(q, 0) != SQLITE_NULL)
		n = sqlite3_column_int64(q, 0);
	if (q)
		sqlite3_reset(q);
	return n;
}

uint64_t store_changes(struct store *s)
{
	int64_t others = s ? db_number(s, "PRAGMA data_version", 0, NULL) : 0;

	return s ? (uint64_t)others << 40 ^ (uint64_t)sqlite3_total_changes64(s->db) : 0;
}

static int64_t find_server(struct store *s, const char *name, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s, "SELECT id FROM server WHERE name = ?1", err);
	int64_t id = 0;
	int r;

	if (q == NULL)
		return -1;
	db_bind_text(q, 1, name);
	r = db_step(s, q, err);
	if (r > 0)
		id = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return r < 0 ? -1 : id;
}

int64_t db_server(struct store *s, const char *name, bool is_new, struct err *err)
{
	sqlite3_stmt *q;
	int64_t id;

	if (s->server_name && strcmp(s->server_name, name) == 0)
		return s->server_id;
	id = find_server(s, name, err);
	if (id == 0 && is_new) {
		q = db_prepare(s, "INSERT INTO server (name) VALUES (?1)", err);
		if (q == NULL)
			return -1;
		db_bind_text(q, 1, name);
		/* Not kept: the transaction it belongs to may be taken back. */
		return db_run(s, q, err) ? sqlite3_last_insert_rowid(s->db) : -1;
	}
	if (id > 0 && sqlite3_get_autocommit(s->db)) {
		free(s->server_name);
		s->server_name = xstrdup(name);
		s->server_id = id;
	}
	return id;
}

size_t db_key(const struct net *n, bool with_prefix, uint8_t *out)
{
	size_t len = n->family == 4 ? 4 : 16;

	out[0] = n->family;
	memcpy(out + 1, n->addr, len);
	if (with_prefix)
		out[1 + len] = n->prefix;
	return 1 + len + with_prefix;
}

bool db_net(const void *key, int len, struct net *out)
{
	const uint8_t *p = key;
	int bytes;

	memset(out, 0, sizeof(*out));
	if (len < 5 || (p[0] != 4 && p[0] != 6))
		return false;
	bytes = p[0] == 4 ? 4 : 16;
	if (len != 1 + bytes && len != 2 + bytes)
		return false;
	out->family = p[0];
	memcpy(out->addr, p + 1, (size_t)bytes);
	out->prefix = len == 2 + bytes ? p[1 + bytes] : (uint8_t)(bytes * 8);
	return out->prefix <= bytes * 8;
}

void db_key_range(const struct net *n, uint8_t *low, uint8_t *high, size_t *len)
{
	size_t bytes = n->family == 4 ? 4 : 16, i;

	*len = db_key(n, false, low);
	memcpy(high, low, *len);
	for (i = 0; i < bytes; i++) {
		unsigned from = (unsigned)i * 8;
		unsigned kept = n->prefix <= from ? 0 : n->prefix - from;

		if (kept < 8) {
			low[1 + i] &= (uint8_t) ~(0xffu >> kept);
			high[1 + i] |= (uint8_t)(0xffu >> kept);
		}
	}
}
