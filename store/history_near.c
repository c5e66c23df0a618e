/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How close an address or a login is to a ban, and what led to the last one. The server counts per
 * address and per login (or recipient) in windows aligned to the epoch (0.15, 0.16 source); so does
 * this, with what the log told. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/aggmap.h"
#include "store/history_scan.h"

#define DAY_MS INT64_C(86400000)

/* ---- near the limit ---- */

struct window {
	enum ban_class class;
	int64_t start, end; /* ms; end TIME_NONE: it slides */
	uint64_t limit;
};

struct counting {
	struct aggmap by_addr,
		by_account; /* count = failures, other = how many of the other kind, last */
	struct fingerprints pairs;
};

static void count_failures(
	struct counting *c, int64_t addr, int64_t account, uint64_t failures, int64_t last)
{
	struct agg *a;
	bool is_new, is_pair = fingerprints_add(
			     &c->pairs, scan_mix((uint64_t)addr << 32 ^ (uint64_t)account));

	a = aggmap_get(&c->by_addr, (uint64_t)addr, 0, 0, &is_new);
	a->count += failures;
	a->other += is_pair && account > 0;
	a->last = last > a->last ? last : a->last;
	if (account == 0)
		return;
	a = aggmap_get(&c->by_account, (uint64_t)account, 0, 0, &is_new);
	a->count += failures;
	a->other += is_pair;
	a->last = last > a->last ? last : a->last;
}

static bool read_failures(struct store *s, const char *sql, int64_t server, const struct window *w,
	struct counting *c, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s, sql, err);
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, server);
	sqlite3_bind_int(q, 2, (int)w->class);
	sqlite3_bind_int64(q, 3, w->start);
	sqlite3_bind_int64(q, 4, w->end == TIME_NONE ? INT64_MAX : w->end);
	while ((r = db_step(s, q, err)) > 0)
		count_failures(c, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
			(uint64_t)sqlite3_column_int64(q, 2), sqlite3_column_int64(q, 3));
	return r == 0;
}

/* A ban's line stands for the failure that caused it, but for an unknown recipient (class 1), which
 * has its own beside it (seen on 0.15.5), and for a scanned path, where nothing was counted. */
static bool count_window(struct store *s, int64_t server, const struct window *w,
	struct counting *c, struct err *err)
{
	return read_failures(s,
		       "SELECT addr, account, count, last FROM attempt WHERE hour BETWEEN ?3 / "
		       "3600000 AND ?4 / 3600000 AND server = ?1 "
		       "AND class = ?2 AND minute >= ?3 / 60000 AND last >= ?3 AND first < ?4",
		       server, w, c, err) &&
	       read_failures(s,
		       "SELECT addr, CASE account WHEN 0 THEN recipient ELSE account END, lines, "
		       "last FROM ban WHERE time >= ?3 AND time < ?4 "
		       "AND server = ?1 AND class = ?2 AND class <> 1 AND path = 0",
		       server, w, c, err);
}

/* The same of one address: its hours one by one, whatever else was tried in them. */
static bool count_address(struct store *s, int64_t addr, const struct window *w, struct counting *c, struct err *err)
{
	return read_failures(s,
		       "WITH RECURSIVE h (hour, end) AS (SELECT max(first_hour, ?3 / 3600000), min(last_hour, ?4 / 3600000) FROM addr WHERE id = "
		       "?1 AND last_hour >= ?3 / 3600000 UNION ALL SELECT hour + 1, end FROM h WHERE hour < end) "
		       "SELECT a.addr, a.account, a.count, a.last FROM h CROSS JOIN attempt a ON a.hour = h.hour AND a.addr = ?1 AND a.class = ?2 "
		       "WHERE a.minute >= ?3 / 60000 AND a.last >= ?3 AND a.first < ?4",
		       addr, w, c, err) &&
	       read_failures(s,
		       "SELECT addr, CASE account WHEN 0 THEN recipient ELSE account END, lines, last FROM ban WHERE addr = ?1 AND time >= ?3 AND "
		       "time < ?4 AND class = ?2 AND class <> 1 AND path = 0",
		       addr, w, c, err);
}

/* Whose rows are wanted: of one address and some logins. */
struct chosen {
	int64_t addr;
	int64_t words[HISTORY_NEAR_ACCOUNTS];
	size_t count;
};

static bool is_chosen(const struct chosen *c, const struct agg *a, bool is_account)
{
	size_t i;

	if (c == NULL)
		return true;
	if (!is_account)
		return c->addr == (int64_t)a->key[0];
	for (i = 0; i < c->count; i++)
		if (c->words[i] == (int64_t)a->key[0])
			return true;
	return false;
}

static void add_near(struct history_near **rows, size_t *count, size_t *cap, const struct agg *a,
	const struct window *w, unsigned percent)
{
	struct history_near *n;

	if (a->count * 100 < w->limit * percent)
		return;
	xgrow(rows, cap, *count + 1, sizeof(**rows));
	n = &(*rows)[(*count)++];
	memset(n, 0, sizeof(*n));
	n->class = w->class;
	n->failures = a->count;
	n->limit = w->limit;
	n->window_end = w->end;
	n->last = a->last;
	n->is_over = a->count >= w->limit;
}

static bool address_of(struct store *s, int64_t id, struct net *out)
{
	sqlite3_stmt *q = db_prepare(s, "SELECT key FROM addr WHERE id = ?1", NULL);
	bool ok = false;

	memset(out, 0, sizeof(*out));
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, id);
	if (db_step(s, q, NULL) > 0)
		ok = db_net(sqlite3_column_blob(q, 0), sqlite3_column_bytes(q, 0), out);
	sqlite3_reset(q);
	return ok;
}

static bool near_in_window(struct store *s, int64_t server, const struct window *w,
	unsigned percent, const struct chosen *chosen, struct history_near **rows, size_t *count, size_t *cap, struct err *err)
{
	struct counting c = { 0 };
	size_t i, before;
	bool ok = chosen && !chosen->count ? count_address(s, chosen->addr, w, &c, err) : count_window(s, server, w, &c, err);

	for (i = 0; ok && i < c.by_addr.count; i++) {
		before = *count;
		if (is_chosen(chosen, &c.by_addr.rows[i], false))
			add_near(rows, count, cap, &c.by_addr.rows[i], w, percent);
		if (*count == before)
			continue;
		address_of(s, (int64_t)c.by_addr.rows[i].key[0], &(*rows)[before].address);
		(*rows)[before].account = xstrdup("");
		(*rows)[before].accounts = (uint32_t)c.by_addr.rows[i].other;
		(*rows)[before].addresses = 1;
	}
	for (i = 0; ok && i < c.by_account.count; i++) {
		before = *count;
		if (is_chosen(chosen, &c.by_account.rows[i], true))
			add_near(rows, count, cap, &c.by_account.rows[i], w, percent);
		if (*count == before)
			continue;
		(*rows)[before].account = scan_word_text(s, (int64_t)c.by_account.rows[i].key[0]);
		(*rows)[before].addresses = (uint32_t)c.by_account.rows[i].other;
		(*rows)[before].accounts = 1;
	}
	aggmap_release(&c.by_addr);
	aggmap_release(&c.by_account);
	fingerprints_release(&c.pairs);
	return ok;
}

static int cmp_near(const void *pa, const void *pb)
{
	const struct history_near *a = pa, *b = pb;
	uint64_t x = a->failures * b->limit, y = b->failures * a->limit;

	if (x != y)
		return x > y ? -1 : 1;
	return a->last > b->last ? -1 : a->last < b->last;
}

static bool make_window(
	const struct thresholds *t, enum ban_class class, int64_t now, struct window *w)
{
	const struct threshold *h = &t->of[class];

	if (!h->supported || !h->enabled || h->count == 0 || h->period_ms <= 0)
		return false;
	*w = (struct window){ .class = class, .limit = h->count };
	w->start = h->period_is_fixed ? now - h->period_ms : rate_window_start(h->period_ms, now);
	w->end = h->period_is_fixed ? TIME_NONE : rate_window_end(h->period_ms, now);
	return true;
}

static bool near_rows(struct store *s, int64_t server, const struct thresholds *t, int64_t now,
	unsigned percent, const struct chosen *chosen, struct history_near **rows, size_t *count,
	struct err *err)
{
	struct window w;
	size_t cap = 0;
	bool ok = true;
	int c;

	for (c = 0; ok && c < CLASS_COUNT; c++) {
		if (make_window(t, (enum ban_class)c, now, &w))
			ok = near_in_window(s, server, &w, percent, chosen, rows, count, &cap, err);
	}
	if (*count)
		qsort(*rows, *count, sizeof(**rows), cmp_near);
	return ok;
}

bool history_near(struct store *s, const char *server, const struct thresholds *t, int64_t now,
	unsigned percent, size_t limit, struct history_near **rows, size_t *count, struct err *err)
{
	int64_t id;
	bool ok;

	*rows = NULL;
	*count = 0;
	if (!db_may_read(s, err))
		return false;
	id = db_server(s, server, false, err);
	if (id <= 0)
		return id == 0;
	ok = near_rows(s, id, t, now, percent, NULL, rows, count, err);
	for (; limit && *count > limit; (*count)--)
		free((*rows)[*count - 1].account);
	return ok;
}

static int64_t id_of(struct store *s, int64_t server, const struct net *n, struct err *err)
{
	sqlite3_stmt *q =
		db_prepare(s, "SELECT id FROM addr WHERE server = ?1 AND key = ?2", err);
	uint8_t key[DB_KEY_MAX];
	int64_t id = 0;

	if (q == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, server);
	sqlite3_bind_blob(q, 2, key, (int)db_key(n, false, key), SQLITE_TRANSIENT);
	if (db_step(s, q, err) > 0)
		id = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return id;
}

bool history_near_of(struct store *s, const char *server, const struct thresholds *t, int64_t now,
	const struct net *address, const char *const *accounts, size_t account_count,
	struct history_near **rows, size_t *count, struct err *err)
{
	struct chosen chosen = { 0 };
	int64_t id, word;
	size_t i;

	*rows = NULL;
	*count = 0;
	if (!db_may_read(s, err))
		return false;
	id = db_server(s, server, false, err);
	if (id <= 0)
		return id == 0;
	chosen.addr = id_of(s, id, address, err);
	for (i = 0; i < account_count && chosen.count < HISTORY_NEAR_ACCOUNTS; i++) {
		word = scan_word(s, slice_of(accounts[i]), false, err);
		if (word > 0)
			chosen.words[chosen.count++] = word;
	}
	if (chosen.addr <= 0 && !chosen.count)
		return chosen.addr == 0;
	return near_rows(s, id, t, now, 0, &chosen, rows, count, err);
}

/* Did the log of the window hold attempts of that class at all, whosever? */
static bool has_attempts(
	struct store *s, int64_t server, enum ban_class class, int64_t start, int64_t until)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT 1 FROM attempt WHERE hour BETWEEN ?3 / 3600000 AND ?4 / 3600000 AND server "
		"= ?1 AND class = ?2 LIMIT 1",
		NULL);
	bool found;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, server);
	sqlite3_bind_int(q, 2, (int)class);
	sqlite3_bind_int64(q, 3, start);
	sqlite3_bind_int64(q, 4, until);
	found = db_step(s, q, NULL) > 0;
	sqlite3_reset(q);
	return found;
}

bool history_has_attempts(struct store *s, const char *server, enum ban_class class, int64_t since,
	bool *out, struct err *err)
{
	int64_t id;

	*out = false;
	if (!db_may_read(s, err))
		return false;
	id = db_server(s, server, false, err);
	if (id > 0)
		*out = has_attempts(s, id, class, since, INT64_MAX);
	return id >= 0;
}

void history_near_free(struct history_near *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(rows[i].account);
	free(rows);
}

/* ---- what led to a ban ---- */

/* Failures of one account in [start, until], of all addresses, with bans' own ones. */
static bool count_account(struct store *s, int64_t server, const struct history_ban *b,
	const char *account, struct history_trigger *out, struct err *err)
{
	struct window w = {
		.class = b->class, .start = out->window_start, .end = b->time + HISTORY_SAME_BAN
	};
	int64_t word = scan_word(s, slice_of(account), false, err);
	struct counting c = { 0 };
	struct agg *a;
	bool ok;

	if (word <= 0)
		return word == 0;
	ok = count_window(s, server, &w, &c, err);
	a = ok ? aggmap_find(&c.by_account, (uint64_t)word, 0, 0) : NULL;
	if (a) {
		out->account_failures = a->count;
		out->account_addresses = (uint32_t)a->other;
	}
	aggmap_release(&c.by_addr);
	aggmap_release(&c.by_account);
	fingerprints_release(&c.pairs);
	return ok;
}

/* Does a ban's line stand for the failure that caused it? An unknown recipient has a line of its
 * own beside the ban's (seen on 0.15.5), and a scanned path is no failure that is counted. */
static bool is_failure(const struct history_ban *b)
{
	return b->class != CLASS_ABUSE && !b->path[0];
}

/* Bans of the address in the same window before this one: their lines were failures, too. */
static uint64_t earlier_lines(struct store *s, const struct history_query *address,
	const struct history_ban *b, int64_t start)
{
	struct history_query q = *address;
	struct history_ban *rows;
	uint64_t lines = 0;
	size_t count, i;

	q.since = start;
	q.until = b->time;
	q.limit = 100;
	if (!history_bans(s, &q, &rows, &count, NULL))
		return 0;
	for (i = 0; i < count; i++) {
		if (rows[i].class == b->class && is_failure(&rows[i]))
			lines += rows[i].lines;
	}
	history_bans_free(rows, count);
	return lines;
}

static bool fill_trigger(struct store *s, int64_t server, const struct history_query *address,
	const struct thresholds *t, struct history_trigger *out, struct err *err)
{
	const struct threshold *h = t ? &t->of[out->ban.class] : NULL;
	bool is_known = h && h->enabled && h->count > 0 && h->period_ms > 0;
	int64_t period = is_known ? h->period_ms : DAY_MS;
	const char *account = out->ban.account[0] ? out->ban.account : out->ban.to;
	struct history_query q = *address;
	size_t i;

	out->window_start = is_known && h->period_is_fixed
				    ? out->ban.time - period
				    : rate_window_start(period, out->ban.time);
	q.class = out->ban.class;
	q.since = out->window_start;
	q.until = out->ban.time + HISTORY_SAME_BAN;
	q.limit = 0;
	if (!history_attempts(s, &q, &out->attempts, &out->attempt_count, err))
		return false;
	out->failures = is_failure(&out->ban) ? 1 : 0;
	for (i = 0; i < out->attempt_count; i++)
		out->failures += out->attempts[i].count;
	out->failures += earlier_lines(s, address, &out->ban, out->window_start);
	if (account[0] && !count_account(s, server, &out->ban, account, out, err))
		return false;
	out->attempts_logged = has_attempts(s, server, out->ban.class, out->window_start, q.until);
	out->is_login_keyed = is_known && account[0] && out->attempts_logged &&
			      out->failures <= h->count && out->account_failures > h->count;
	return true;
}

bool history_trigger(struct store *s, const char *server, const struct net *address,
	const struct thresholds *t, struct history_trigger *out, struct err *err)
{
	struct history_ban *rows;
	struct history_query q;
	size_t count;
	int64_t id;

	memset(out, 0, sizeof(*out));
	out->window_start = TIME_NONE;
	if (!db_may_read(s, err))
		return false;
	id = db_server(s, server, false, err);
	if (id <= 0)
		return id == 0;
	history_query_init(&q);
	q.server = server;
	q.within = *address;
	q.limit = 1;
	if (!history_bans(s, &q, &rows, &count, err))
		return false;
	if (count == 0) {
		free(rows);
		return true;
	}
	out->found = true;
	out->ban = rows[0];
	free(rows); /* its strings are out's now */
	if (fill_trigger(s, id, &q, t, out, err))
		return true;
	history_trigger_release(out);
	return false;
}

void history_trigger_release(struct history_trigger *t)
{
	struct history_ban *ban;

	history_sums_free(t->attempts, t->attempt_count);
	if (t->found) {
		ban = xmalloc(sizeof(*ban));
		*ban = t->ban;
		history_bans_free(ban, 1);
	}
	memset(t, 0, sizeof(*t));
}
