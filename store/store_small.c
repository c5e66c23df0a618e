/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small things remembered, and entries kept safe while a risky delete is under way. */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "store/db.h"

bool store_remember(
	struct store *s, const char *scope, const char *key, const char *value, struct err *err)
{
	sqlite3_stmt *q;

	if (!db_may_write(s, err))
		return false;
	q = value ? db_prepare(s,
			    "INSERT INTO remember (scope, key, value) VALUES (?1, ?2, ?3) "
			    "ON CONFLICT (scope, key) DO UPDATE SET value = excluded.value",
			    err)
		  : db_prepare(s, "DELETE FROM remember WHERE scope = ?1 AND key = ?2", err);
	if (q == NULL)
		return false;
	db_bind_text(q, 1, scope);
	db_bind_text(q, 2, key);
	if (value)
		db_bind_text(q, 3, value);
	return db_run(s, q, err);
}

bool store_recall(
	struct store *s, const char *scope, const char *key, struct buf *out, struct err *err)
{
	sqlite3_stmt *q;
	bool found;

	buf_reset(out);
	if (!db_may_read(s, err))
		return false;
	q = db_prepare(s, "SELECT value FROM remember WHERE scope = ?1 AND key = ?2", err);
	if (q == NULL)
		return false;
	db_bind_text(q, 1, scope);
	db_bind_text(q, 2, key);
	found = db_step(s, q, err) > 0;
	if (found)
		buf_add(out, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0));
	sqlite3_reset(q);
	return found;
}

bool store_rescue_put(struct store *s, const char *server, const char *what, const char *text,
	size_t len, int64_t *id, struct err *err)
{
	sqlite3_stmt *q;

	if (!db_may_write(s, err))
		return false;
	q = db_prepare(
		s, "INSERT INTO rescue (time, server, what, text) VALUES (?1, ?2, ?3, ?4)", err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, clock_now());
	db_bind_text(q, 2, server);
	db_bind_text(q, 3, what);
	db_bind_slice(q, 4, (struct slice){ text, len });
	/* What is to save entries from a crash must be on the disk, not in the WAL's cache. */
	if (!db_exec(s, "PRAGMA synchronous = FULL", err))
		return false;
	if (!db_run(s, q, err)) {
		db_exec(s, "PRAGMA synchronous = NORMAL", NULL);
		return false;
	}
	*id = sqlite3_last_insert_rowid(s->db);
	return db_exec(s, "PRAGMA synchronous = NORMAL", err);
}

bool store_rescue_clear(struct store *s, int64_t id, struct err *err)
{
	sqlite3_stmt *q;

	if (!db_may_write(s, err))
		return false;
	q = db_prepare(s, "DELETE FROM rescue WHERE id = ?1", err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, id);
	return db_run(s, q, err);
}

bool store_rescue_list(struct store *s, const char *server, struct store_rescue **rows,
	size_t *count, struct err *err)
{
	sqlite3_stmt *q;
	size_t cap = 0;
	int r;

	*rows = NULL;
	*count = 0;
	if (!db_may_read(s, err))
		return false;
	q = db_prepare(s,
		"SELECT id, time, server, what, text FROM rescue WHERE ?1 IS NULL OR server = ?1 "
		"ORDER BY id",
		err);
	if (q == NULL)
		return false;
	db_bind_text(q, 1, server);
	while ((r = db_step(s, q, err)) > 0) {
		xgrow(rows, &cap, *count + 1, sizeof(**rows));
		(*rows)[(*count)++] = (struct store_rescue){ .id = sqlite3_column_int64(q, 0),
			.time = db_time(q, 1),
			.server = db_text(q, 2),
			.what = db_text(q, 3),
			.text = db_text(q, 4) };
	}
	return r == 0;
}

void store_rescue_free(struct store_rescue *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		free(rows[i].server);
		free(rows[i].what);
		free(rows[i].text);
	}
	free(rows);
}
