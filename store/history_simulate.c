/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What another rate would have done: the stored failures played once more against it. A looser rate
 * than the one in force can only be judged downwards, because an address that was banned made no
 * more attempts. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/aggmap.h"
#include "store/history_scan.h"

struct failure {
	int64_t minute, addr, account;
	uint64_t count;
};

struct playing {
	struct failure *rows;
	size_t count, cap;
	struct aggmap counters; /* key: kind, id; count = failures, id = the window they are of */
	struct aggmap banned;   /* key: addr; other = only because of the login */
};

static bool read_failures(struct store *s, const char *sql, int64_t server, enum ban_class class,
	int64_t since, int64_t until, struct playing *p, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s, sql, err);
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, server);
	sqlite3_bind_int(q, 2, (int)class);
	sqlite3_bind_int64(q, 3, since);
	sqlite3_bind_int64(q, 4, until);
	while ((r = db_step(s, q, err)) > 0) {
		xgrow(&p->rows, &p->cap, p->count + 1, sizeof(*p->rows));
		p->rows[p->count++] =
			(struct failure){ sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
				sqlite3_column_int64(q, 2), (uint64_t)sqlite3_column_int64(q, 3) };
	}
	return r == 0;
}

static int cmp_minute(const void *a, const void *b)
{
	int64_t x = ((const struct failure *)a)->minute, y = ((const struct failure *)b)->minute;

	return x < y ? -1 : x > y;
}

/* Adds to one counter of the window; its value afterwards. */
static uint64_t count_up(struct playing *p, uint64_t kind, int64_t id, int64_t window, uint64_t n)
{
	bool is_new;
	struct agg *a = aggmap_get(&p->counters, kind, (uint64_t)id, 0, &is_new);

	if (a->id != window)
		a->count = 0;
	a->id = window;
	a->count += n;
	return a->count;
}

static void play(struct playing *p, uint64_t limit, int64_t period_ms)
{
	size_t i;

	for (i = 0; i < p->count; i++) {
		const struct failure *f = &p->rows[i];
		int64_t window = f->minute * 60000 / period_ms + 1;
		uint64_t own, login = 0;
		struct agg *b;
		bool is_new;

		if (aggmap_find(&p->banned, (uint64_t)f->addr, 0, 0))
			continue; /* is refused by now */
		own = count_up(p, 1, f->addr, window, f->count);
		if (f->account)
			login = count_up(p, 2, f->account, window, f->count);
		if (own <= limit && login <= limit)
			continue;
		b = aggmap_get(&p->banned, (uint64_t)f->addr, 0, 0, &is_new);
		b->other = own <= limit;
	}
}

static bool is_allowed(struct store *s, int64_t addr, const struct netset *allowed)
{
	sqlite3_stmt *q =
		allowed ? db_prepare(s, "SELECT key FROM addr WHERE id = ?1", NULL) : NULL;
	struct net n;
	bool yes;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, addr);
	yes = db_step(s, q, NULL) > 0 &&
	      db_net(sqlite3_column_blob(q, 0), sqlite3_column_bytes(q, 0), &n) &&
	      netset_covering(allowed, &n, NULL, 0) > 0;
	sqlite3_reset(q);
	return yes;
}

/* Compares with who was really banned. */
static bool compare(struct store *s, int64_t server, struct playing *p, enum ban_class class,
	int64_t since, int64_t until, const struct netset *allowed, struct report_simulation *out,
	struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT DISTINCT addr FROM ban WHERE time >= ?3 AND time < ?4 AND class = ?2 AND "
		"path = 0 AND "
		"server IN (SELECT id FROM server WHERE ?1 = 0 OR id = ?1)",
		err);
	uint64_t both = 0, real = 0;
	size_t i;
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, server);
	sqlite3_bind_int(q, 2, (int)class);
	sqlite3_bind_int64(q, 3, since);
	sqlite3_bind_int64(q, 4, until);
	while ((r = db_step(s, q, err)) > 0) {
		struct agg *a = aggmap_find(&p->banned, (uint64_t)sqlite3_column_int64(q, 0), 0, 0);

		real++;
		both += a != NULL;
		if (a)
			a->count = 1; /* so it was really */
	}
	out->banned = p->banned.count;
	out->more = p->banned.count - both;
	out->fewer = real - both;
	for (i = 0; i < p->banned.count; i++) {
		const struct agg *a = &p->banned.rows[i];
		bool spared = is_allowed(s, (int64_t)a->key[0], allowed);

		out->login_keyed += a->other;
		out->allowed += spared;
		out->more_allowed += spared && !a->count;
	}
	return r == 0;
}

bool history_simulate(struct store *s, const char *server, enum ban_class class, uint64_t count,
	int64_t period_ms, int64_t since, int64_t until, const struct netset *allowed,
	struct report_simulation *out, struct err *err)
{
	struct playing p = { 0 };
	int64_t id = 0;
	size_t i;
	bool ok;

	*out = (struct report_simulation){ .class = class, .count = count, .period_ms = period_ms };
	if (!db_may_read(s, err))
		return false;
	if (period_ms <= 0 || count == 0)
		return err_set(err, ERR_USAGE, "a rate needs a count and a period");
	if (server && (id = db_server(s, server, false, err)) <= 0)
		return id == 0;
	ok = read_failures(s,
		"SELECT minute, addr, account, count FROM attempt WHERE hour BETWEEN ?3 / 3600000 "
		"AND ?4 / 3600000 AND (?1 = 0 OR server = ?1) "
		"AND class = ?2 AND minute >= ?3 / 60000 AND minute < ?4 / 60000",
		id, class, since, until, &p, err);
	for (i = 0; ok && i < p.count; i++)
		out->attempts += p.rows[i].count;
	ok = ok && read_failures(s,
			   "SELECT time / 60000, addr, CASE account WHEN 0 THEN recipient ELSE "
			   "account END, lines FROM ban WHERE time >= ?3 AND time < ?4 "
			   "AND class = ?2 AND class <> 1 AND path = 0 AND server IN (SELECT id "
			   "FROM server WHERE "
			   "?1 = 0 OR id = ?1)",
			   id, class, since, until, &p, err);
	if (ok) {
		if (p.count)
			qsort(p.rows, p.count, sizeof(*p.rows), cmp_minute);
		play(&p, count, period_ms);
		ok = compare(s, id, &p, class, since, until, allowed, out, err);
	}
	aggmap_release(&p.counters);
	aggmap_release(&p.banned);
	free(p.rows);
	return ok;
}
