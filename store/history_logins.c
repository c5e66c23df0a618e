/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who logs in from where: several accounts behind one address are an office, a proxy or a NAT. A successful login is the most frequent line
 * of a busy server, so one that was met before on the same day costs a look into memory, and new ones wait until many can be written in
 * order: they are evidence, not history, and a crash may lose the last few. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/history_ingest.h"

#define LOGIN_ROWS  96      /* of one address: a few dozen accounts say all there is to say */
#define QUEUE_MAX   1024    /* some 5 ms to write */
#define FEW_LINES   64      /* a batch as small as that is live: what it brought is written with it */
#define KNOWN_MAX   65536   /* logins remembered in memory; then from the start again */
#define TRIED_MAX   500     /* accounts that are looked at for strangers */
#define FRESH_DAYS  "6"     /* a row that is younger is not written again */
#define DAY_MS      INT64_C(86400000)

struct login_row {
	int64_t server, account, listener, day;
	uint8_t key[DB_KEY_MAX];
	uint8_t len;
};

/* ---- taking in ---- */

static uint64_t print_slice(uint64_t h, struct slice s)
{
	uint64_t part;

	for (h += s.len; s.len >= sizeof(part); s = (struct slice){ s.p + sizeof(part), s.len - sizeof(part) }) {
		memcpy(&part, s.p, sizeof(part));
		h = scan_mix(h ^ part);
	}
	part = 0;
	memcpy(&part, s.p, s.len);
	return scan_mix(h ^ part);
}

/* Names are kept as fingerprints: that is enough to tell one from another, and the file holds no list of who is where. */
static int64_t account_print(struct slice account)
{
	return (int64_t)(print_slice(UINT64_C(14695981039346656037), account) >> 17);
}

/* 0 = the line named none; the lowest bit says HTTP. */
static int64_t listener_print(struct slice listener)
{
	if (listener.len == 0)
		return 0;
	return (int64_t)(print_slice(1, listener) >> 50 << 1) + 2 + slice_starts(listener, "http");
}

static bool is_known(struct store *s, const struct event_facts *f, const struct login_row *row)
{
	uint64_t key[3], h;

	aggmap_net_key(&f->address, key);
	h = scan_mix((uint64_t)row->account ^ (uint64_t)row->day << 48 ^ (uint64_t)row->listener << 32);
	h = scan_mix(key[0] ^ scan_mix(key[1] ^ scan_mix(h ^ (uint64_t)row->server << 40 ^ key[2])));
	if (s->logins_known.count >= KNOWN_MAX)
		fingerprints_release(&s->logins_known);
	return !fingerprints_add(&s->logins_known, h);
}

bool ingest_login(struct ingest *in, const struct event *ev, const struct event_facts *f)
{
	struct login_row row = { .server = in->server, .day = ev->time / DAY_MS };
	struct store *s = in->s;

	/* Loopback is never banned, and the webmail of the host logs everybody in from there. */
	if (f->account.len == 0 || row.day <= in->login_day || net_kind(&f->address) == NET_LOOPBACK)
		return true;
	row.account = account_print(f->account);
	row.listener = listener_print(f->listener);
	if (is_known(s, f, &row))
		return true;
	row.len = (uint8_t)db_key(&f->address, false, row.key);
	xgrow(&s->logins, &s->login_cap, s->login_count + 1, sizeof(*s->logins));
	s->logins[s->login_count++] = row;
	return s->login_count < QUEUE_MAX || history_logins_write(s, in->err);
}

bool ingest_flush_logins(struct ingest *in)
{
	return in->sum.lines >= FEW_LINES || history_logins_write(in->s, in->err);
}

/* ---- writing ---- */

static int cmp_rows(const void *pa, const void *pb)
{
	const struct login_row *a = pa, *b = pb;
	int c;

	if (a->server != b->server)
		return a->server < b->server ? -1 : 1;
	c = memcmp(a->key, b->key, sizeof(a->key));
	if (c != 0)
		return c;
	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	return a->listener < b->listener ? -1 : a->listener > b->listener;
}

static bool is_same_address(const struct login_row *a, const struct login_row *b)
{
	return a->server == b->server && memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

/* A statement with ?1 and ?2 bound. */
static sqlite3_stmt *prepare(struct store *s, const char *sql, const struct login_row *r, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s, sql, err);

	if (q == NULL)
		return NULL;
	sqlite3_bind_int64(q, 1, r->server);
	sqlite3_bind_blob(q, 2, r->key, r->len, SQLITE_STATIC);
	return q;
}

static bool count_rows(struct store *s, const struct login_row *r, int64_t *rows, struct err *err)
{
	sqlite3_stmt *q = prepare(s, "SELECT count(*) FROM login WHERE server = ?1 AND key = ?2", r, err);
	int step = q ? db_step(s, q, err) : -1;

	if (step > 0)
		*rows = sqlite3_column_int64(q, 0);
	if (q)
		sqlite3_reset(q);
	return step >= 0;
}

/* *rows: how many the address has, at least. */
static bool write_row(struct store *s, const struct login_row *r, int64_t *rows, struct err *err)
{
	/* Once more on the second day, then once a week. */
	static const char insert[] = "INSERT INTO login (server, key, account, listener, first, day) VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT "
		"DO UPDATE SET day = excluded.day WHERE day < excluded.day - CASE WHEN day > first THEN " FRESH_DAYS " ELSE 0 END",
		update[] = "UPDATE login SET day = ?5 WHERE server = ?1 AND key = ?2 AND account = ?3 AND listener = ?4 AND day < ?5 - CASE "
			"WHEN day > first THEN " FRESH_DAYS " ELSE 0 END";
	sqlite3_stmt *q = prepare(s, *rows < LOGIN_ROWS ? insert : update, r, err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 3, r->account);
	sqlite3_bind_int64(q, 4, r->listener);
	sqlite3_bind_int64(q, 5, r->day);
	if (!db_run(s, q, err))
		return false;
	*rows += sqlite3_changes(s->db);
	return true;
}

static bool write_shared(struct store *s, const struct login_row *r, struct err *err)
{
	sqlite3_stmt *q = prepare(s,
		"INSERT INTO shared (server, key) SELECT ?1, ?2 WHERE (SELECT count(DISTINCT account) FROM login WHERE server = ?1 AND key = "
		"?2) >= ?3 ON CONFLICT DO NOTHING",
		r, err);

	if (q == NULL)
		return false;
	sqlite3_bind_int(q, 3, HISTORY_SHARED);
	return db_run(s, q, err);
}

static bool write_queue(struct store *s, struct err *err)
{
	int64_t rows = 0, before = 0;
	size_t i;

	for (i = 0; i < s->login_count; i++) {
		const struct login_row *r = &s->logins[i];

		if (i == 0 || !is_same_address(r, r - 1)) {
			if (!count_rows(s, r, &rows, err))
				return false;
			before = rows;
		}
		if (!write_row(s, r, &rows, err))
			return false;
		if (i + 1 < s->login_count && is_same_address(r, r + 1))
			continue;
		if (rows > before && rows >= HISTORY_SHARED && !write_shared(s, r, err))
			return false;
	}
	return true;
}

bool history_logins_write(struct store *s, struct err *err)
{
	bool is_ours, ok;

	if (s == NULL || s->login_count == 0)
		return true;
	is_ours = sqlite3_get_autocommit(s->db);
	if (is_ours && (!db_may_write(s, err) || !db_begin(s, err)))
		return false;
	if (s->login_count > 1)
		qsort(s->logins, s->login_count, sizeof(*s->logins), cmp_rows);
	ok = write_queue(s, err) && (!is_ours || db_commit(s, err));
	if (!ok && is_ours)
		db_rollback(s);
	s->login_count = 0;
	return ok;
}

void logins_forget(struct store *s)
{
	fingerprints_release(&s->logins_known);
	free(s->logins);
	s->logins = NULL;
	s->login_count = s->login_cap = 0;
}

/* ---- asking ---- */

/* What is asked about may still wait to be written. */
static bool may_ask(struct store *s, struct err *err)
{
	if (s && !s->read_only)
		history_logins_write(s, NULL);
	return db_may_read(s, err);
}

bool history_shared(struct store *s, const char *server, int64_t active, struct net **nets, size_t *count, struct err *err)
{
	size_t cap = 0;
	sqlite3_stmt *q;
	int64_t id;
	int r;

	*nets = NULL;
	*count = 0;
	if (!may_ask(s, err))
		return false;
	id = db_server(s, server, false, err);
	if (id <= 0)
		return id == 0;
	q = db_prepare(s,
		active == TIME_NONE ? "SELECT key FROM shared WHERE server = ?1 ORDER BY key" :
				      "SELECT h.key FROM shared h CROSS JOIN addr a ON a.server = h.server AND a.key = h.key AND a.last_hour >= "
				      "?2 / 3600000 WHERE h.server = ?1 ORDER BY h.key",
		err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, id);
	if (active != TIME_NONE)
		sqlite3_bind_int64(q, 2, active);
	while ((r = db_step(s, q, err)) > 0) {
		xgrow(nets, &cap, *count + 1, sizeof(**nets));
		if (db_net(sqlite3_column_blob(q, 0), sqlite3_column_bytes(q, 0), &(*nets)[*count]))
			(*count)++;
	}
	return r == 0;
}

/* One who is asked about: its address' rows, and what they say. */
struct asked {
	struct login_row at;       /* server, key; day: rows up to it don't count */
	int64_t prints[LOGIN_ROWS * 2]; /* accounts of the rows that count, in order, with repeats; rows may be a few more than wanted */
	size_t count;
	int64_t own;               /* 0 = nobody */
};

static bool is_own(const struct asked *a, int64_t account, int64_t listener)
{
	return a->own && account == a->own && (listener == 0 || (listener & 1));
}

/* Accounts and listeners of those who log in. */
static bool count_logins(struct store *s, struct asked *a, struct history_shared *out, struct err *err)
{
	sqlite3_stmt *q = prepare(s, "SELECT account, listener, day, first FROM login WHERE server = ?1 AND key = ?2", &a->at, err);
	struct fingerprints listeners = { 0 };
	bool is_regular = false;
	size_t rows = 0;
	int r;

	if (q == NULL)
		return false;
	while ((r = db_step(s, q, err)) > 0) {
		int64_t account = sqlite3_column_int64(q, 0), listener = sqlite3_column_int64(q, 1);

		rows++;
		if (sqlite3_column_int64(q, 2) <= a->at.day || is_own(a, account, listener) || a->count == ARRAY_LEN(a->prints))
			continue;
		if (a->count == 0 || a->prints[a->count - 1] != account) { /* they come sorted */
			out->logins++;
			is_regular = false;
		}
		if (!is_regular && sqlite3_column_int64(q, 2) > sqlite3_column_int64(q, 3)) {
			out->regulars++;
			is_regular = true;
		}
		a->prints[a->count++] = account;
		out->listeners += listener && fingerprints_add(&listeners, (uint64_t)listener);
	}
	fingerprints_release(&listeners);
	out->is_capped = rows >= LOGIN_ROWS;
	return r == 0;
}

static bool logs_in(const struct asked *a, int64_t account)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->prints[i] == account)
			return true;
	return false;
}

/* Accounts that were tried, or banned with, and never log in from there. */
static bool count_strangers(struct store *s, const struct asked *a, struct history_shared *out, struct err *err)
{
	sqlite3_stmt *q = prepare(s,
		"WITH RECURSIVE h (id, hour, end) AS (SELECT id, max(first_hour, ?3 * 24), last_hour "
		"FROM addr WHERE server = ?1 AND key = ?2 AND first_hour IS NOT NULL UNION ALL "
		"SELECT id, hour + 1, end FROM h WHERE hour < end) "
		"SELECT w.text FROM (SELECT DISTINCT account FROM (SELECT a.account FROM h CROSS "
		"JOIN attempt a ON a.hour = h.hour AND a.addr = h.id AND a.class = 0 UNION ALL "
		"SELECT b.account FROM ban b WHERE b.addr = (SELECT id FROM addr WHERE server = ?1 "
		"AND key = ?2) AND b.class = 0 AND b.time >= ?3 * 86400000) WHERE account > 0 LIMIT "
		"?4) t JOIN word w ON w.id = t.account",
		&a->at, err);
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 3, a->at.day);
	sqlite3_bind_int(q, 4, TRIED_MAX);
	while ((r = db_step(s, q, err)) > 0) {
		struct slice text = { sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0) };

		out->strangers += !logs_in(a, account_print(text));
	}
	return r == 0;
}

bool history_shared_of(struct store *s, const char *server, const struct net *address, const char *own, int64_t now,
	struct history_shared *out, struct err *err)
{
	struct asked a = { .at.day = now / DAY_MS - HISTORY_LOGIN_DAYS, .own = own && *own ? account_print(slice_of(own)) : 0 };

	*out = (struct history_shared){ .address = *address };
	if (!may_ask(s, err))
		return false;
	a.at.server = db_server(s, server, false, err);
	if (a.at.server <= 0)
		return a.at.server == 0;
	a.at.len = (uint8_t)db_key(address, false, a.at.key);
	return count_logins(s, &a, out, err) && (out->logins == 0 || count_strangers(s, &a, out, err));
}
