/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forgetting: what is older than the operator wants kept, a bounded piece per call. The journal of
 * own changes stays. */

#include "store/history_scan.h"

#define PIECE "1000"

/* Bans with ids first..last that are too old, and their addresses' counters. */
static bool drop_bans(struct store *s, int64_t first, int64_t last, int64_t cut, struct err *err)
{
	static const char *const steps[] = {
		"UPDATE addr SET bans = bans - (SELECT count(*) FROM ban b WHERE b.addr = addr.id "
		"AND b.id BETWEEN ?1 AND ?2 AND b.time < ?3) "
		"WHERE id IN (SELECT addr FROM ban WHERE id BETWEEN ?1 AND ?2 AND time < ?3)",
		"DELETE FROM ban WHERE id BETWEEN ?1 AND ?2 AND time < ?3",
	};
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		sqlite3_stmt *q = db_prepare(s, steps[i], err);

		if (q == NULL)
			return false;
		sqlite3_bind_int64(q, 1, first);
		sqlite3_bind_int64(q, 2, last);
		sqlite3_bind_int64(q, 3, cut);
		if (!db_run(s, q, err))
			return false;
	}
	return true;
}

/* The oldest segment that reaches back too far. *found false: there is none. */
static bool drop_from_seg(struct store *s, int64_t cut, bool *found, struct err *err)
{
	sqlite3_stmt *q = db_prepare(
		s, "SELECT first, last FROM seg WHERE oldest < ?1 ORDER BY first LIMIT 1", err);
	int64_t first = 0, last = 0;
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, cut / 1000);
	r = db_step(s, q, err);
	if (r > 0) {
		first = sqlite3_column_int64(q, 0);
		last = sqlite3_column_int64(q, 1);
	}
	sqlite3_reset(q);
	*found = r > 0;
	/* A segment knows seconds only, so it is cut at whole ones. */
	return r >= 0 && (r == 0 || (drop_bans(s, first, last, cut / 1000 * 1000, err) &&
					    scan_reseal(s, first, last, err)));
}

/* Bans too young to be in a segment, yet of old lines. */
static bool drop_from_tail(struct store *s, int64_t cut, bool *found, struct err *err)
{
	int64_t after = db_number(s, "SELECT max(last) FROM seg", 0, err);
	sqlite3_stmt *q =
		db_prepare(s, "SELECT 1 FROM ban WHERE id > ?1 AND time < ?2 LIMIT 1", err);
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, after);
	sqlite3_bind_int64(q, 2, cut);
	r = db_step(s, q, err);
	sqlite3_reset(q);
	*found = r > 0;
	return r >= 0 && (r == 0 || drop_bans(s, after + 1, INT64_MAX, cut, err));
}

static bool drop_rows(struct store *s, const char *sql, int64_t cut, bool *found, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s, sql, err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, cut);
	if (!db_run(s, q, err))
		return false;
	*found = sqlite3_changes(s->db) > 0;
	return true;
}

static const char *const old_rows[] = {
	"DELETE FROM refused WHERE (hour, addr, listener) IN (SELECT hour, addr, listener FROM "
	"refused WHERE hour < ?1 / 3600000 LIMIT " PIECE ")",
	"DELETE FROM attempt WHERE (hour, addr, class, minute, account, listener) IN (SELECT hour, "
	"addr, class, minute, account, listener "
	"FROM attempt WHERE hour < ?1 / 3600000 LIMIT " PIECE ")",
	"DELETE FROM seen WHERE id IN (SELECT id FROM seen WHERE gone < ?1 LIMIT " PIECE ")",
};

/* What nothing refers to any more. These look at everything, so they run only when something was
 * dropped. */
static const char *const orphans[] = {
	"DELETE FROM addr WHERE id IN (SELECT id FROM addr a WHERE ifnull(last_ban, 0) < ?1 AND "
	"ifnull(last_refused, 0) < ?1 "
	"AND ifnull(last_hour, 0) < ?1 / 3600000 AND NOT EXISTS (SELECT 1 FROM ban WHERE addr = "
	"a.id) LIMIT " PIECE ")",
	"DELETE FROM word WHERE id IN (SELECT id FROM word WHERE id > 0 AND ?1 AND id NOT IN "
	"(SELECT account FROM ban UNION SELECT recipient FROM ban "
	"UNION SELECT path FROM ban UNION SELECT listener FROM ban UNION SELECT account FROM "
	"attempt UNION SELECT listener FROM attempt "
	"UNION SELECT listener FROM refused UNION SELECT account FROM login UNION SELECT listener "
	"FROM login) LIMIT " PIECE ")",
	"DELETE FROM shared WHERE (server, key) IN (SELECT server, key FROM shared h WHERE ?1 AND "
	"(SELECT count(DISTINCT account) FROM login l WHERE l.server = h.server AND l.key = h.key) "
	"< 3 LIMIT " PIECE ")",
};
_Static_assert(HISTORY_SHARED == 3, "as in the last statement");

/* Logins stop being evidence long before that. */
static bool drop_logins(struct store *s, int64_t cut, bool *found, struct err *err)
{
	return drop_rows(s,
		"DELETE FROM login WHERE (server, key, account, listener) IN (SELECT server, key, "
		"account, listener FROM login WHERE day <= ?1 / 86400000 LIMIT " PIECE ")",
		cut, found, err);
}

static bool drop_any(struct store *s, const char *const *sql, size_t count, int64_t cut,
	bool *found, struct err *err)
{
	size_t i;

	for (i = 0; i < count && !*found; i++) {
		if (!drop_rows(s, sql[i], cut, found, err))
			return false;
	}
	return true;
}

/* One piece of whatever is left to do, in order. */
static bool drop_piece(struct store *s, int64_t cut, int64_t login_cut, bool *found, struct err *err)
{
	if (!drop_from_seg(s, cut, found, err) ||
		(!*found && !drop_from_tail(s, cut, found, err)) ||
		!drop_any(s, old_rows, sizeof(old_rows) / sizeof(old_rows[0]), cut, found, err) ||
		(!*found && !drop_logins(s, login_cut, found, err)))
		return false;
	if (*found)
		return db_exec(s,
			"INSERT OR REPLACE INTO remember (scope, key, value) VALUES ('', "
			"'dropped', '1')",
			err);
	if (db_number(s, "SELECT 1 FROM remember WHERE scope = '' AND key = 'dropped'", 0, err) ==
		0)
		return true;
	if (!drop_any(s, orphans, sizeof(orphans) / sizeof(orphans[0]), cut, found, err))
		return false;
	return *found ||
	       db_exec(s, "DELETE FROM remember WHERE scope = '' AND key = 'dropped'", err);
}

bool history_retain(struct store *s, int64_t keep_ms, int64_t now, bool *more, struct err *err)
{
	int64_t login_ms = HISTORY_LOGIN_DAYS * INT64_C(86400000);

	*more = false;
	if (keep_ms <= 0)
		return true;
	if (!db_may_write(s, err) || !db_begin(s, err))
		return false;
	if (!drop_piece(s, now - keep_ms, now - (keep_ms < login_ms ? keep_ms : login_ms), more, err)) {
		db_rollback(s);
		*more = false;
		return false;
	}
	return db_commit(s, err);
}
