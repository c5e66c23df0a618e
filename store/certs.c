/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of stored certificates, kept from one run to the next. It must not know what a missing one means. */
#include "store/certs.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "store/db.h"

#define NAMES_MAX 2000 /* of one server: more are no mail server's own */

static bool put_name(struct store *s, const char *server, const struct cert *c, const char *name, int64_t now, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"INSERT INTO cert_seen (server, name, id, issuer, sha256, not_after, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
		"ON CONFLICT (server, name) DO UPDATE SET id = excluded.id, issuer = excluded.issuer, sha256 = excluded.sha256, "
		"not_after = excluded.not_after, seen = excluded.seen "
		/* of two certificates for one name the one that lasts longer */
		"WHERE seen < excluded.seen OR not_after < excluded.not_after",
		err);

	if (!q)
		return false;
	db_bind_text(q, 1, server);
	db_bind_text(q, 2, name);
	db_bind_text(q, 3, c->id ? c->id : "");
	db_bind_text(q, 4, c->issuer ? c->issuer : "");
	if (c->has_sha256)
		db_bind_slice(q, 5, (struct slice){ (const char *)c->sha256, sizeof(c->sha256) });
	else
		db_bind_text(q, 5, NULL);
	db_bind_time(q, 6, c->not_after);
	sqlite3_bind_int64(q, 7, now);
	return db_run(s, q, err);
}

static bool forget_old(struct store *s, int64_t now, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s, "DELETE FROM cert_seen WHERE seen < ?1", err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, now - CERTS_KEPT_MS);
	return db_run(s, q, err);
}

static bool put_all(struct store *s, const char *server, const struct certlist *list, int64_t now, struct err *err)
{
	size_t left = NAMES_MAX;

	for (size_t i = 0; i < list->count; i++) {
		const struct cert *c = list->rows[i];

		if (c->source != CERT_STORED || !cert_has_data(c))
			continue;
		for (size_t k = 0; k < c->san_count && left; k++, left--)
			if (!put_name(s, server, c, c->sans[k], now, err))
				return false;
	}
	return forget_old(s, now, err);
}

bool certs_remember(struct store *s, const char *server, const struct certlist *list, int64_t now, struct err *err)
{
	if (!db_may_write(s, err) || !db_begin(s, err))
		return false;
	if (put_all(s, server, list, now, err))
		return db_commit(s, err);
	db_rollback(s);
	return false;
}

static struct cert_seen *row_of(sqlite3_stmt *q, struct cert_seen *row)
{
	row->name = db_text(q, 0);
	row->id = db_text(q, 1);
	row->issuer = db_text(q, 2);
	row->not_after = db_time(q, 3);
	row->seen = db_time(q, 4);
	return row;
}

bool certs_recall(struct store *s, const char *server, struct cert_seen **rows, size_t *count, struct err *err)
{
	sqlite3_stmt *q;
	size_t cap = 0;
	int got;

	*rows = NULL;
	*count = 0;
	if (!db_may_read(s, err))
		return false;
	q = db_prepare(
		s, "SELECT name, id, issuer, not_after, seen FROM cert_seen WHERE server = ?1 ORDER BY name", err);
	if (!q)
		return false;
	db_bind_text(q, 1, server);
	while ((got = db_step(s, q, err)) > 0) {
		xgrow(rows, &cap, *count + 1, sizeof(**rows));
		row_of(q, &(*rows)[(*count)++]);
	}
	if (got == 0)
		return true;
	certs_seen_free(*rows, *count);
	*rows = NULL;
	*count = 0;
	return false;
}

void certs_seen_free(struct cert_seen *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(rows[i].name);
		free(rows[i].id);
		free(rows[i].issuer);
	}
	free(rows);
}
