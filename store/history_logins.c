/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who logs in from where: several accounts behind one address are an office, a proxy or a NAT. A successful login is the most frequent line
 * of a busy server, so one that was met before on the same day costs a look into memory and nothing else. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/history_ingest.h"

#define LOGIN_ROWS  96    /* of one address: a few dozen accounts say all there is to say */
#define KNOWN_MAX   65536 /* logins remembered in memory; then from the start again */
#define STRANGERS_MAX "500"
#define DAY_MS INT64_C(86400000)

struct login_row {
	uint8_t key[DB_KEY_MAX];
	uint8_t len;
	int64_t account, listener, day;
};

/* ---- taking in ---- */

static uint64_t print_slice(uint64_t h, struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
	return scan_mix(h);
}

static bool is_known(struct ingest *in, const struct event_facts *f, int64_t day)
{
	struct fingerprints *known = &in->s->logins_known;
	uint64_t key[3], h;

	aggmap_net_key(&f->address, key);
	h = scan_mix(key[0] ^ scan_mix(key[1] ^ scan_mix((uint64_t)day << 8 ^ (uint64_t)in->server << 40 ^ key[2])));
	h = print_slice(print_slice(h, f->account) + 1, f->listener);
	if (known->count >= KNOWN_MAX)
		fingerprints_release(known);
	return !fingerprints_add(known, h);
}

bool ingest_login(struct ingest *in, const struct event *ev, const struct event_facts *f)
{
	int64_t day = ev->time / DAY_MS;
	struct login_row *row;

	/* Loopback is never banned, and the webmail of the host logs everybody in from there. */
	if (f->account.len == 0 || day <= in->login_day || net_kind(&f->address) == NET_LOOPBACK || is_known(in, f, day))
		return true;
	xgrow(&in->logins, &in->login_cap, in->login_count + 1, sizeof(*in->logins));
	row = &in->logins[in->login_count++];
	row->len = (uint8_t)db_key(&f->address, false, row->key);
	row->account = ingest_word(in, f->account);
	row->listener = ingest_word(in, f->listener);
	row->day = day;
	return row->account >= 0 && row->listener >= 0;
}

static int cmp_rows(const void *pa, const void *pb)
{
	const struct login_row *a = pa, *b = pb;
	int c = memcmp(a->key, b->key, a->len < b->len ? a->len : b->len);

	if (c != 0)
		return c;
	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	return a->listener < b->listener ? -1 : a->listener > b->listener;
}

static bool flush_row(struct ingest *in, const struct login_row *r)
{
	sqlite3_stmt *q = db_prepare(in->s,
		"INSERT INTO login (server, key, account, listener, day) SELECT ?1, ?2, ?3, ?4, ?5 "
		"WHERE (SELECT count(*) FROM login WHERE server = ?1 AND key = ?2) < ?6 OR EXISTS "
		"(SELECT 1 FROM login WHERE server = ?1 AND key = ?2 AND account = ?3 AND listener "
		"= ?4) "
		"ON CONFLICT DO UPDATE SET day = excluded.day WHERE day < excluded.day",
		in->err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, in->server);
	sqlite3_bind_blob(q, 2, r->key, r->len, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, r->account);
	sqlite3_bind_int64(q, 4, r->listener);
	sqlite3_bind_int64(q, 5, r->day);
	sqlite3_bind_int(q, 6, LOGIN_ROWS);
	return db_run(in->s, q, in->err);
}

static bool flush_shared(struct ingest *in, const struct login_row *r)
{
	sqlite3_stmt *q = db_prepare(in->s,
		"INSERT INTO shared (server, key) SELECT ?1, ?2 WHERE (SELECT count(DISTINCT "
		"account) FROM login WHERE server = ?1 AND key = ?2) >= ?3 ON CONFLICT DO NOTHING",
		in->err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, in->server);
	sqlite3_bind_blob(q, 2, r->key, r->len, SQLITE_STATIC);
	sqlite3_bind_int(q, 3, HISTORY_SHARED);
	return db_run(in->s, q, in->err);
}

bool ingest_flush_logins(struct ingest *in)
{
	bool is_changed = false;
	size_t i;

	if (in->login_count > 1)
		qsort(in->logins, in->login_count, sizeof(*in->logins), cmp_rows);
	for (i = 0; i < in->login_count; i++) {
		const struct login_row *r = &in->logins[i], *next = r + 1;

		if (!flush_row(in, r))
			return false;
		is_changed = is_changed || sqlite3_changes(in->s->db) > 0;
		if (i + 1 < in->login_count && next->len == r->len && memcmp(next->key, r->key, r->len) == 0)
			continue;
		if (is_changed && !flush_shared(in, r))
			return false;
		is_changed = false;
	}
	return true;
}

/* ---- asking ---- */

bool history_shared(struct store *s, const char *server, struct net **nets, size_t *count, struct err *err)
{
	size_t cap = 0;
	sqlite3_stmt *q;
	int64_t id;
	int r;

	*nets = NULL;
	*count = 0;
	if (!db_may_read(s, err))
		return false;
	id = db_server(s, server, false, err);
	if (id <= 0)
		return id == 0;
	q = db_prepare(s, "SELECT key FROM shared WHERE server = ?1 ORDER BY key", err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, id);
	while ((r = db_step(s, q, err)) > 0) {
		xgrow(nets, &cap, *count + 1, sizeof(**nets));
		if (db_net(sqlite3_column_blob(q, 0), sqlite3_column_bytes(q, 0), &(*nets)[*count]))
			(*count)++;
	}
	return r == 0;
}

/* Accounts and listeners of those who log in. own: an account of which logins by HTTP don't count. */
static bool count_logins(struct store *s, int64_t server, const uint8_t *key, size_t len, const char *own, int64_t day,
	struct history_shared *out, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT count(DISTINCT account), count(DISTINCT nullif(listener, 0)), (SELECT "
		"count(*) FROM login WHERE server = ?1 AND key = ?2) FROM login WHERE server = ?1 "
		"AND key = ?2 AND day > ?3 AND NOT (account = ?4 AND (listener = 0 OR (SELECT "
		"substr(text, 1, 4) FROM word WHERE id = listener) = x'68747470'))",
		err);
	int64_t word = own && *own ? scan_word(s, slice_of(own), false, err) : 0;
	int r;

	if (q == NULL || word < 0)
		return false;
	sqlite3_bind_int64(q, 1, server);
	sqlite3_bind_blob(q, 2, key, (int)len, SQLITE_TRANSIENT);
	sqlite3_bind_int64(q, 3, day);
	sqlite3_bind_int64(q, 4, word);
	r = db_step(s, q, err);
	if (r > 0) {
		out->logins = (uint32_t)sqlite3_column_int64(q, 0);
		out->listeners = (uint32_t)sqlite3_column_int64(q, 1);
		out->is_capped = sqlite3_column_int64(q, 2) >= LOGIN_ROWS;
	}
	sqlite3_reset(q);
	return r >= 0;
}

/* Accounts that were tried, or banned with, and never log in from there. */
static bool count_strangers(struct store *s, int64_t server, const uint8_t *key, size_t len, int64_t day, struct history_shared *out,
	struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"WITH RECURSIVE h (id, hour, end) AS (SELECT id, max(first_hour, ?3 * 24), last_hour "
		"FROM addr WHERE server = ?1 AND key = ?2 AND first_hour IS NOT NULL UNION ALL "
		"SELECT id, hour + 1, end FROM h WHERE hour < end) "
		"SELECT count(*) FROM (SELECT DISTINCT account FROM (SELECT a.account FROM h CROSS "
		"JOIN attempt a ON a.hour = h.hour AND a.addr = h.id AND a.class = 0 UNION ALL "
		"SELECT b.account FROM ban b WHERE b.addr = (SELECT id FROM addr WHERE server = ?1 "
		"AND key = ?2) AND b.class = 0 AND b.time >= ?3 * 86400000) WHERE account > 0 AND "
		"account NOT IN (SELECT account FROM login WHERE server = ?1 AND key = ?2 AND day > "
		"?3) LIMIT " STRANGERS_MAX ")",
		err);
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, server);
	sqlite3_bind_blob(q, 2, key, (int)len, SQLITE_TRANSIENT);
	sqlite3_bind_int64(q, 3, day);
	r = db_step(s, q, err);
	if (r > 0)
		out->strangers = (uint32_t)sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return r >= 0;
}

bool history_shared_of(struct store *s, const char *server, const struct net *address, const char *own, int64_t now,
	struct history_shared *out, struct err *err)
{
	int64_t id, day = now / DAY_MS - HISTORY_LOGIN_DAYS;
	uint8_t key[DB_KEY_MAX];
	size_t len;

	*out = (struct history_shared){ .address = *address };
	if (!db_may_read(s, err))
		return false;
	id = db_server(s, server, false, err);
	if (id <= 0)
		return id == 0;
	len = db_key(address, false, key);
	return count_logins(s, id, key, len, own, day, out, err) &&
	       (out->logins == 0 || count_strangers(s, id, key, len, day, out, err));
}
