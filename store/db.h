/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SQLite for the files of store/: statements kept prepared, errors in words, deadlines. Private to
 * store/. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <sqlite3.h>

#include "model/net.h"
#include "model/slice.h"
#include "store/aggmap.h"
#include "store/store.h"

struct db_statement {
	const char *sql; /* by pointer: a literal */
	sqlite3_stmt *stmt;
};

struct store {
	sqlite3 *db;
	char *path;
	bool read_only;
	unsigned busy_ms, query_ms;
	int64_t deadline; /* clock_mono() ms, 0 = none */
	struct db_statement *statements;
	size_t count, cap;
	char *server_name; /* the last one looked up */
	int64_t server_id;
	int64_t journal_change; /* the change being carried out, and what of it is on disk
				   (journal.c) */
	uint32_t *journal_prints; /* per pack; NULL = its edits have rows of their own */
	size_t journal_edits, journal_steps;
	struct fingerprints logins_known; /* logins this process has taken in (history_logins.c) */
	struct login_row *logins;         /* of those, the ones that are not written yet */
	size_t login_count, login_cap;
	int wal_pages; /* in the WAL since the last checkpoint began */
};

/* Drops what was remembered of logins, written or not (history_logins.c). */
void logins_forget(struct store *s);

/* Every public function begins with one of these: no store, or a read-only one, is an error. */
bool db_may_read(struct store *s, struct err *err);  /* starts the deadline */
bool db_may_write(struct store *s, struct err *err); /* no deadline: writes are short */

/* Say what SQLite's last failure means, and what to do about a damaged file. Always false. */
bool db_damaged(struct store *s, const char *words, struct err *err);
bool db_fail(struct store *s, int code, struct err *err);
/* A statement ready to be bound; it belongs to the store and must not be used by two callers at
 * once. NULL on failure. */
sqlite3_stmt *db_prepare(struct store *s, const char *sql, struct err *err);
int db_step(struct store *s, sqlite3_stmt *stmt,
	struct err *err); /* 1 row, 0 done, -1 failed; reset after 0 and -1 */
bool db_run(struct store *s, sqlite3_stmt *stmt, struct err *err); /* one that returns no rows */
bool db_exec(struct store *s, const char *sql, struct err *err);
bool db_begin(struct store *s, struct err *err); /* for writing at once */
bool db_commit(struct store *s, struct err *err);
void db_rollback(struct store *s);

void db_bind_slice(
	sqlite3_stmt *stmt, int at, struct slice s); /* as a blob; borrowed until the next reset */
void db_bind_time(sqlite3_stmt *stmt, int at, int64_t t);     /* NULL for TIME_NONE */
void db_bind_text(sqlite3_stmt *stmt, int at, const char *s); /* NULL for NULL */
int64_t db_time(sqlite3_stmt *stmt, int col);
char *db_text(sqlite3_stmt *stmt, int col); /* copied, "" for NULL; cut at a NUL byte */

/* Id of a server's name; 0 when it is not known and is_new is false. -1 on failure. */
int64_t db_server(struct store *s, const char *name, bool is_new, struct err *err);
/* The single number that a query of no parameters gives; `none` if it gives none. */
int64_t db_number(struct store *s, const char *sql, int64_t none, struct err *err);

/* Addresses as keys: family byte, then 4 or 16 bytes; a network has its prefix behind. They sort
 * like net_cmp does. */
#define DB_KEY_MAX 18
size_t db_key(const struct net *n, bool with_prefix, uint8_t *out);
bool db_net(const void *key, int len, struct net *out);
/* First and last key of the addresses inside n. */
void db_key_range(const struct net *n, uint8_t *low, uint8_t *high, size_t *len);

#endif
