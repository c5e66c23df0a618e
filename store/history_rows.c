/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single bans, and sums of refused connections and attempts. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/history_scan.h"

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

static bool pick_by_scan(struct store *s, const struct history_query *q, int64_t **ids,
	size_t *count, struct err *err)
{
	struct picked p = { .limit = q->limit };
	struct scan_filter filter;
	bool ok = scan_filter_make(s, q, &filter, err);
	size_t i;

	p.filter = &filter;
	ok = ok && scan_bans(s, &filter, pick_bans, &p, err);
	if (ok) {
		if (p.count)
			qsort(p.rows, p.count, sizeof(*p.rows), cmp_newest);
		*count = p.limit && p.count > p.limit ? p.limit : p.count;
		*ids = xcalloc(*count + 1, sizeof(**ids));
		for (i = 0; i < *count; i++)
			(*ids)[i] = p.rows[i].id;
	}
	free(p.rows);
	return ok;
}

static bool read_ids(
	struct store *s, sqlite3_stmt *q, int64_t **ids, size_t *count, struct err *err)
{
	size_t cap = 0;
	int r;

	while ((r = db_step(s, q, err)) > 0) {
		xgrow(ids, &cap, *count + 1, sizeof(**ids));
		(*ids)[(*count)++] = sqlite3_column_int64(q, 0);
	}
	return r == 0;
}

/* Without a condition on anything but server, time or one address an index has the answer. */
static bool pick_by_index(struct store *s, const struct history_query *q, int64_t server,
	int64_t **ids, size_t *count, struct err *err)
{
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
	sqlite3_bind_int64(st, 1, server);
	sqlite3_bind_int64(st, 2, q->since == TIME_NONE ? 0 : q->since);
	sqlite3_bind_int64(st, 3, q->until == TIME_NONE ? INT64_MAX : q->until);
	sqlite3_bind_int64(st, 4, q->limit ? (int64_t)q->limit : -1);
	if (by_address)
		sqlite3_bind_blob(st, 5, key, (int)db_key(&q->within, false, key), SQLITE_STATIC);
	return read_ids(s, st, ids, count, err);
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

bool history_bans(struct store *s, const struct history_query *q, struct history_ban **rows,
	size_t *count, struct err *err)
{
	bool is_narrow = q->class == CLASS_NONE && q->account == NULL &&
			 (q->within.family == 0 || net_is_address(&q->within));
	int64_t *ids = NULL, server = 0;
	size_t id_count = 0, i;
	bool ok;

	*rows = NULL;
	*count = 0;
	if (!db_may_read(s, err))
		return false;
	if (q->server && (server = db_server(s, q->server, false, err)) <= 0)
		return server == 0; /* an unknown server has no bans */
	ok = is_narrow ? pick_by_index(s, q, server, &ids, &id_count, err)
		       : pick_by_scan(s, q, &ids, &id_count, err);
	if (ok)
		*rows = xcalloc(id_count + 1, sizeof(**rows));
	for (i = 0; ok && i < id_count; i++) {
		/* One that is gone meanwhile is left out. */
		struct err local = ERR_INIT;

		if (read_ban(s, ids[i], &(*rows)[*count], &local))
			(*count)++;
		else if (local.code != ERR_NONE)
			ok = err_set(err, local.code, "%s", local.msg);
	}
	free(ids);
	if (ok)
		return true;
	history_bans_free(*rows, *count);
	*rows = NULL;
	*count = 0;
	return false;
}

/* ---- sums ---- */

/* The parameters all sums share: 1 server id or 0, 2 and 3 the addresses' keys, 4 since, 5 until, 6
 * limit. */
static void bind_sum(sqlite3_stmt *st, const struct history_query *q, int64_t server, uint8_t *low,
	uint8_t *high)
{
	size_t len = 0;

	if (q->within.family)
		db_key_range(&q->within, low, high, &len);
	sqlite3_bind_int64(st, 1, server);
	sqlite3_bind_blob(st, 2, low, (int)len, SQLITE_STATIC);
	sqlite3_bind_blob(st, 3, high, (int)len, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, q->since == TIME_NONE ? 0 : q->since);
	sqlite3_bind_int64(st, 5, q->until == TIME_NONE ? INT64_MAX : q->until);
	sqlite3_bind_int64(st, 6, q->limit ? (int64_t)q->limit : -1);
}

/* Columns: key, listener, account, class, count, first, last. */
static bool read_sums(struct store *s, sqlite3_stmt *st, struct history_sum **rows, size_t *count,
	struct err *err)
{
	struct ids {
		int64_t listener, account;
	} *ids = NULL;
	size_t cap = 0, id_cap = 0, i;
	int r;

	while ((r = db_step(s, st, err)) > 0) {
		struct history_sum *row;

		xgrow(rows, &cap, *count + 1, sizeof(**rows));
		xgrow(&ids, &id_cap, *count + 1, sizeof(*ids));
		ids[*count] =
			(struct ids){ sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2) };
		row = &(*rows)[(*count)++];
		memset(row, 0, sizeof(*row));
		db_net(sqlite3_column_blob(st, 0), sqlite3_column_bytes(st, 0), &row->address);
		row->class = (enum ban_class)sqlite3_column_int(st, 3);
		row->count = (uint64_t)sqlite3_column_int64(st, 4);
		row->first = sqlite3_column_int64(st, 5);
		row->last = sqlite3_column_int64(st, 6);
	}
	for (i = 0; i < *count; i++) {
		(*rows)[i].listener = scan_word_text(s, ids[i].listener);
		(*rows)[i].account = scan_word_text(s, ids[i].account);
	}
	free(ids);
	if (r == 0)
		return true;
	history_sums_free(*rows, *count);
	*rows = NULL;
	*count = 0;
	return false;
}

#define SERVERS "a.server IN (SELECT id FROM server WHERE ?1 = 0 OR id = ?1)"

/* One address: its hours one by one, from the first to the last that are known of it. */
#define HOURS_OF_ONE                                                                               \
	"WITH RECURSIVE h (id, key, hour, end) AS (SELECT id, key, max(first_hour, ?4 / "          \
	"3600000), min(last_hour, ?5 / 3600000) FROM addr a "                                      \
	"WHERE " SERVERS " AND key = ?2 AND ?3 = ?2 AND first_hour IS NOT NULL "                   \
	"UNION ALL SELECT id, key, hour + 1, end FROM h WHERE hour < end) "

#define REFUSED_COLUMNS "a.key, r.listener, 0, 4, sum(r.count), min(r.first), max(r.last) "
#define REFUSED_REST                                                                               \
	"AND r.last >= ?4 AND r.first < ?5 GROUP BY a.id, r.listener ORDER BY 5 DESC, 7 DESC "     \
	"LIMIT ?6"

bool history_refused(struct store *s, const struct history_query *q, struct history_sum **rows,
	size_t *count, struct err *err)
{
	uint8_t low[DB_KEY_MAX], high[DB_KEY_MAX];
	sqlite3_stmt *st;
	int64_t server = 0;

	*rows = NULL;
	*count = 0;
	if (!db_may_read(s, err))
		return false;
	if (q->server && (server = db_server(s, q->server, false, err)) <= 0)
		return server == 0;
	if (q->within.family && net_is_address(&q->within))
		st = db_prepare(s,
			HOURS_OF_ONE "SELECT " REFUSED_COLUMNS
				     "FROM h a CROSS JOIN refused r ON r.hour = a.hour AND r.addr "
				     "= a.id WHERE 1 " REFUSED_REST,
			err);
	else if (q->within.family)
		st = db_prepare(s,
			"SELECT " REFUSED_COLUMNS
			"FROM refused r CROSS JOIN addr a ON a.id = r.addr WHERE r.hour BETWEEN ?4 "
			"/ 3600000 AND ?5 / 3600000 "
			"AND +" SERVERS " AND a.key BETWEEN ?2 AND ?3 " REFUSED_REST,
			err);
	else
		st = db_prepare(s,
			"SELECT " REFUSED_COLUMNS
			"FROM refused r CROSS JOIN addr a ON a.id = r.addr WHERE r.hour BETWEEN ?4 "
			"/ 3600000 AND ?5 / 3600000 "
			"AND +" SERVERS " " REFUSED_REST,
			err);
	if (st == NULL)
		return false;
	bind_sum(st, q, server, low, high);
	return read_sums(s, st, rows, count, err);
}

#define ATTEMPT_COLUMNS                                                                            \
	"a.key, t.listener, t.account, t.class, sum(t.count), min(t.first), max(t.last) "
#define ATTEMPT_REST                                                                               \
	"AND t.last >= ?4 AND t.first < ?5 AND (?7 < 0 OR t.account = ?7) AND (?8 = 4 OR t.class " \
	"= ?8) "                                                                                   \
	"GROUP BY a.id, t.listener, t.account, t.class ORDER BY 5 DESC, 7 DESC LIMIT ?6"

bool history_attempts(struct store *s, const struct history_query *q, struct history_sum **rows,
	size_t *count, struct err *err)
{
	uint8_t low[DB_KEY_MAX], high[DB_KEY_MAX];
	int64_t server = 0, account = -1;
	sqlite3_stmt *st;

	*rows = NULL;
	*count = 0;
	if (!db_may_read(s, err))
		return false;
	if (q->server && (server = db_server(s, q->server, false, err)) <= 0)
		return server == 0;
	if (q->account) {
		account = scan_word(s, slice_of(q->account), false, err);
		if (account < 0 || (account == 0 && *q->account))
			return account == 0;
	}
	if (q->within.family && net_is_address(&q->within))
		st = db_prepare(s,
			HOURS_OF_ONE "SELECT " ATTEMPT_COLUMNS
				     "FROM h a CROSS JOIN attempt t ON t.hour = a.hour AND t.addr "
				     "= a.id WHERE 1 " ATTEMPT_REST,
			err);
	else if (q->within.family)
		st = db_prepare(s,
			"SELECT " ATTEMPT_COLUMNS
			"FROM attempt t CROSS JOIN addr a ON a.id = t.addr WHERE t.hour BETWEEN ?4 "
			"/ 3600000 AND ?5 / 3600000 "
			"AND (?1 = 0 OR t.server = ?1) AND a.key BETWEEN ?2 AND ?3 " ATTEMPT_REST,
			err);
	else
		st = db_prepare(s,
			"SELECT " ATTEMPT_COLUMNS
			"FROM attempt t CROSS JOIN addr a ON a.id = t.addr WHERE t.hour BETWEEN ?4 "
			"/ 3600000 AND ?5 / 3600000 "
			"AND (?1 = 0 OR t.server = ?1) " ATTEMPT_REST,
			err);
	if (st == NULL)
		return false;
	bind_sum(st, q, server, low, high);
	sqlite3_bind_int64(st, 7, account);
	sqlite3_bind_int(st, 8, (int)q->class);
	return read_sums(s, st, rows, count, err);
}

void history_sums_free(struct history_sum *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		free(rows[i].listener);
		free(rows[i].account);
	}
	free(rows);
}
