/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The figures of the monthly review. How they read is model/report.c's. */

#include "core/mem.h"
#include "store/aggmap.h"
#include "store/history_report.h"
#include "store/history_scan.h"

#define TOP            20

struct making {
	struct store *s;
	const struct history_report_query *q;
	struct report *r;
	int64_t server; /* 0 = all */
	struct err *err;
	/* The month per address (key: id): count = refused, other = listeners, by_class[0] =
	 * accounts, id = the account tried most, last = how often. */
	struct aggmap addrs;
	struct aggmap accounts; /* key: address, account; count = tries */
	struct fingerprints listeners;
};

/* What the month says of one address or of all in a range. */
struct faces {
	uint64_t refused, accounts, listeners;
	int64_t account, tries;
};

static struct history_query month_query(const struct making *m)
{
	struct history_query q;

	history_query_init(&q);
	q.server = m->q->server;
	q.since = m->q->since;
	q.until = m->q->until;
	return q;
}

/* One number of a query whose parameters are 1 server or 0, 2 since, 3 until, 4 an address' key. */
static bool number(struct making *m, const char *sql, int64_t since, int64_t until,
	const struct net *address, uint64_t *out)
{
	sqlite3_stmt *q = db_prepare(m->s, sql, m->err);
	uint8_t key[DB_KEY_MAX];
	int r;

	*out = 0;
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, m->server);
	sqlite3_bind_int64(q, 2, since);
	sqlite3_bind_int64(q, 3, until);
	if (address)
		sqlite3_bind_blob(q, 4, key, (int)db_key(address, false, key), SQLITE_STATIC);
	r = db_step(m->s, q, m->err);
	if (r > 0)
		*out = (uint64_t)sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return r >= 0;
}

#define OF_SERVER "server IN (SELECT id FROM server WHERE ?1 = 0 OR id = ?1)"

static bool fill_totals(struct making *m)
{
	int64_t since = m->q->since, until = m->q->until;
	struct history_query q = month_query(m);
	struct history_row *rows;
	struct report *r = m->r;
	size_t count, i, total;

	if (!history_group(m->s, HISTORY_BY_REASON, &q, &rows, &count, NULL, m->err))
		return false;
	for (i = 0; i < count; i++) {
		r->bans += rows[i].bans;
		if (rows[i].class < CLASS_COUNT) {
			r->by_class[rows[i].class] = rows[i].bans;
			r->rates[rows[i].class].bans = rows[i].bans;
			r->rates[rows[i].class].addresses = rows[i].addresses;
		}
	}
	history_rows_free(rows, count);
	q.sort = HISTORY_MOST;
	q.limit = 1;
	if (!history_group(m->s, HISTORY_BY_DAY, &q, &rows, &count, NULL, m->err))
		return false;
	if (count) {
		r->busiest_day = rows[0].day;
		r->busiest_bans = rows[0].bans;
	}
	history_rows_free(rows, count);
	if (!history_group(m->s, HISTORY_BY_ACCOUNT, &q, &rows, &count, &total, m->err))
		return false;
	history_rows_free(rows, count);
	q.account = ""; /* bans that name none are a group, too, but no account */
	if (!history_group(m->s, HISTORY_BY_ACCOUNT, &q, &rows, &count, NULL, m->err))
		return false;
	r->accounts = total - count;
	history_rows_free(rows, count);
	q.account = NULL;
	q.since = since - (until - since);
	q.until = since;
	q.limit = 0;
	if (!history_group(m->s, HISTORY_BY_REASON, &q, &rows, &count, NULL, m->err))
		return false;
	for (i = 0; i < count; i++)
		r->bans_before += rows[i].bans;
	history_rows_free(rows, count);
	return number(m,
		       "SELECT ifnull(sum(r.count), 0) FROM refused r CROSS JOIN addr a ON a.id = "
		       "r.addr WHERE r.hour >= ?2 / 3600000 AND r.hour < ?3 / 3600000 "
		       "AND +a." OF_SERVER,
		       since, until, NULL, &r->refused) &&
	       number(m,
		       "SELECT ifnull(sum(count), 0) FROM attempt WHERE hour >= ?2 / 3600000 AND "
		       "hour < ?3 / 3600000 AND " OF_SERVER,
		       since, until, NULL, &r->attempts) &&
	       number(m,
		       "SELECT count(*) FROM ban WHERE time < ?3 AND ended >= ?2 AND ended < ?3 "
		       "AND " OF_SERVER,
		       since, until, NULL, &r->ended) &&
	       number(m,
		       "SELECT count(*) FROM change c JOIN edit e ON e.change = c.id WHERE c.time "
		       ">= ?2 AND c.time < ?3 AND c." OF_SERVER,
		       since, until, NULL, &r->own_changes) &&
	       number(m,
		       "SELECT count(*) FROM change c JOIN edit e ON e.change = c.id WHERE c.time "
		       ">= ?2 AND c.time < ?3 AND e.verdict <> 'in_force' "
		       "AND c." OF_SERVER,
		       since, until, NULL, &r->own_not_in_force);
}

static bool fill_covered(struct making *m)
{
	sqlite3_stmt *q = db_prepare(
		m->s, "SELECT min(oldest), max(newest) FROM covered WHERE " OF_SERVER, m->err);
	int64_t oldest = TIME_NONE, newest = TIME_NONE;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, m->server);
	if (db_step(m->s, q, m->err) > 0) {
		oldest = db_time(q, 0);
		newest = db_time(q, 1);
	}
	sqlite3_reset(q);
	if (oldest == TIME_NONE || oldest >= m->q->until || newest < m->q->since)
		return true;
	m->r->covered_since = oldest > m->q->since ? oldest : m->q->since;
	m->r->covered_until = newest < m->q->until ? newest : m->q->until;
	return true;
}

/* ---- the month, address by address ---- */

static void add_face(struct making *m, int64_t addr, int64_t account, int64_t listener,
	uint64_t refused, uint64_t tries)
{
	bool is_new, is_first;
	struct agg *a = aggmap_get(&m->addrs, (uint64_t)addr, 0, 0, &is_new), *pair;

	a->count += refused;
	if (listener)
		a->other += fingerprints_add(
			&m->listeners, scan_mix((uint64_t)addr << 32 ^ (uint64_t)listener));
	if (account == 0)
		return;
	pair = aggmap_get(&m->accounts, (uint64_t)addr, (uint64_t)account, 0, &is_first);
	pair->count += tries;
	a->by_class[0] += is_first;
	if ((int64_t)pair->count > a->last) {
		a->last = (int64_t)pair->count;
		a->id = account;
	}
}

/* Columns: address, account, listener, refused, tries. */
static bool read_faces(struct making *m, const char *sql)
{
	sqlite3_stmt *q = db_prepare(m->s, sql, m->err);
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, m->server);
	sqlite3_bind_int64(q, 2, m->q->since);
	sqlite3_bind_int64(q, 3, m->q->until);
	while ((r = db_step(m->s, q, m->err)) > 0)
		add_face(m, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
			sqlite3_column_int64(q, 2), (uint64_t)sqlite3_column_int64(q, 3),
			(uint64_t)sqlite3_column_int64(q, 4));
	return r == 0;
}

static bool read_month(struct making *m)
{
	return read_faces(m, "SELECT addr, 0, listener, count, 0 FROM refused WHERE hour >= ?2 / "
			     "3600000 AND hour < ?3 / 3600000 AND (?1 <> -1)") &&
	       read_faces(m, "SELECT addr, account, listener, 0, count FROM attempt WHERE hour >= "
			     "?2 / 3600000 AND hour < ?3 / 3600000 "
			     "AND (?1 = 0 OR server = ?1)") &&
	       read_faces(m, "SELECT addr, CASE account WHEN 0 THEN recipient ELSE account END, "
			     "listener, 0, 1 FROM ban WHERE time >= ?2 AND time < ?3 "
			     "AND (?1 = 0 OR server = ?1)");
}

/* Sums up what is inside n; an address has one id per server. */
static bool look_at(struct making *m, const struct net *n, struct faces *out)
{
	sqlite3_stmt *q = db_prepare(
		m->s, "SELECT id FROM addr WHERE " OF_SERVER " AND key BETWEEN ?2 AND ?3", m->err);
	uint8_t low[DB_KEY_MAX], high[DB_KEY_MAX];
	size_t len;
	int r;

	memset(out, 0, sizeof(*out));
	if (q == NULL)
		return false;
	db_key_range(n, low, high, &len);
	sqlite3_bind_int64(q, 1, m->server);
	sqlite3_bind_blob(q, 2, low, (int)len, SQLITE_STATIC);
	sqlite3_bind_blob(q, 3, high, (int)len, SQLITE_STATIC);
	while ((r = db_step(m->s, q, m->err)) > 0) {
		const struct agg *a =
			aggmap_find(&m->addrs, (uint64_t)sqlite3_column_int64(q, 0), 0, 0);

		if (a == NULL)
			continue;
		out->refused += a->count;
		out->listeners += a->other;
		out->accounts += a->by_class[0];
		if (a->last > out->tries) {
			out->tries = a->last;
			out->account = a->id;
		}
	}
	return r == 0;
}

/* ---- sections ---- */

/* First and last ban ever, and the class of the last. */
static bool fill_ever(struct making *m, struct report_offender *o)
{
	struct history_ban *rows;
	struct history_query q;
	size_t count;
	uint64_t first;

	history_query_init(&q);
	q.server = m->q->server;
	q.within = o->address;
	q.limit = 1;
	if (!history_bans(m->s, &q, &rows, &count, m->err))
		return false;
	if (count) {
		o->last = rows[0].time;
		o->class = rows[0].class;
		o->bans_ever = rows[0].nth;
	}
	history_bans_free(rows, count);
	if (!number(m,
		    "SELECT min(b.time) FROM addr a CROSS JOIN ban b ON b.addr = a.id WHERE "
		    "a." OF_SERVER " AND a.key = ?4 AND ?2 AND ?3",
		    1, 1, &o->address, &first))
		return false;
	o->first = (int64_t)first;
	return true;
}

static bool fill_offenders(struct making *m)
{
	struct history_query q = month_query(m);
	struct history_row *rows;
	size_t count, i, total;
	bool ok = true;

	q.sort = HISTORY_MOST;
	q.limit = TOP;
	if (!history_group(m->s, HISTORY_BY_ADDRESS, &q, &rows, &count, &total, m->err))
		return false;
	m->r->addresses = total;
	m->r->offenders = xcalloc(count + 1, sizeof(*m->r->offenders));
	for (i = 0; ok && i < count; i++) {
		struct report_offender *o = &m->r->offenders[m->r->offender_count];
		struct faces faces;

		*o = (struct report_offender){ .address = rows[i].net, .bans = rows[i].bans };
		ok = fill_ever(m, o) && look_at(m, &o->address, &faces);
		if (!ok || o->bans_ever < 2)
			continue; /* once is no repeat */
		o->refused = faces.refused;
		o->account = scan_word_text(m->s, faces.account);
		m->r->offender_count++;
	}
	history_rows_free(rows, count);
	return ok;
}

static bool fill_ranges(struct making *m)
{
	struct history_query q = month_query(m);
	struct history_row *rows;
	size_t count, i;
	bool ok = true;

	q.sort = HISTORY_MOST;
	q.limit = TOP * 2;
	q.at_least = m->q->range_bans ? m->q->range_bans : 5;
	if (!history_group(m->s, HISTORY_BY_RANGE, &q, &rows, &count, NULL, m->err))
		return false;
	m->r->ranges = xcalloc(count + 1, sizeof(*m->r->ranges));
	for (i = 0; ok && i < count && m->r->range_count < TOP; i++) {
		struct report_range *g = &m->r->ranges[m->r->range_count];
		struct faces faces;

		if (rows[i].addresses < 2)
			continue; /* one address is an entry, not a range */
		*g = (struct report_range){ .net = rows[i].net,
			.bans = rows[i].bans,
			.addresses = rows[i].addresses,
			.first = rows[i].first,
			.last = rows[i].last };
		if (m->q->allowed)
			g->allowed_hit =
				(uint32_t)(netset_inside(m->q->allowed, &g->net, NULL, 0) +
					   netset_covering(m->q->allowed, &g->net, NULL, 0));
		ok = look_at(m, &g->net, &faces);
		g->refused = faces.refused;
		m->r->range_count++;
	}
	history_rows_free(rows, count);
	return ok;
}

/* Many accounts on many listeners are no reason: that is also what spraying looks like, and the cure of a gateway is to allow it. */
static const char *gateway_reason(struct making *m, const struct net *address)
{
	enum net_kind kind = net_kind(address);

	if (m->q->gateways && netset_covering(m->q->gateways, address, NULL, 0) > 0)
		return "a gateway or proxy of this host";
	return kind != NET_PUBLIC ? net_kind_text(kind) : NULL;
}

/* Addresses that look like a gateway and were banned in this month for the first time. */
static bool fill_gateways(struct making *m)
{
	struct history_query q = month_query(m);
	struct history_row *rows;
	size_t count, i, cap = 0;
	bool ok = true;

	q.sort = HISTORY_MOST;
	q.limit = 1000;
	if (!history_group(m->s, HISTORY_BY_ADDRESS, &q, &rows, &count, NULL, m->err))
		return false;
	for (i = 0; ok && i < count; i++) {
		struct report_gateway g = {
			.address = rows[i].net, .bans = rows[i].bans, .first = rows[i].first
		};
		struct report_offender ever = { .address = rows[i].net };
		struct faces faces;

		ok = look_at(m, &g.address, &faces);
		g.accounts = faces.accounts;
		g.listeners = faces.listeners;
		g.refused = faces.refused;
		g.why = ok ? gateway_reason(m, &g.address) : NULL;
		if (g.why == NULL)
			continue;
		ok = fill_ever(m, &ever);
		if (!ok || ever.first < m->q->since)
			continue;
		xgrow(&m->r->gateways, &cap, m->r->gateway_count + 1, sizeof(*m->r->gateways));
		m->r->gateways[m->r->gateway_count++] = g;
	}
	history_rows_free(rows, count);
	return ok;
}

static bool fill_targets(struct making *m)
{
	sqlite3_stmt *q = db_prepare(m->s,
		"SELECT account, sum(n), sum(bans), count(DISTINCT addr) FROM (SELECT account, "
		"addr, count AS n, 0 AS bans FROM attempt "
		"WHERE hour >= ?2 / 3600000 AND hour < ?3 / 3600000 AND (?1 = 0 OR server = ?1) "
		"AND account > 0 UNION ALL "
		"SELECT account, addr, lines, 1 FROM ban WHERE time >= ?2 AND time < ?3 AND "
		"account > 0 AND " OF_SERVER ") "
		"GROUP BY account ORDER BY 2 DESC LIMIT 10",
		m->err);
	int64_t words[10];
	size_t i;
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, m->server);
	sqlite3_bind_int64(q, 2, m->q->since);
	sqlite3_bind_int64(q, 3, m->q->until);
	m->r->targets = xcalloc(ARRAY_LEN(words), sizeof(*m->r->targets));
	while ((r = db_step(m->s, q, m->err)) > 0 && m->r->target_count < ARRAY_LEN(words)) {
		struct report_account *a = &m->r->targets[m->r->target_count];

		words[m->r->target_count++] = sqlite3_column_int64(q, 0);
		a->failures = (uint64_t)sqlite3_column_int64(q, 1);
		a->bans = (uint64_t)sqlite3_column_int64(q, 2);
		a->addresses = (uint64_t)sqlite3_column_int64(q, 3);
	}
	sqlite3_reset(q);
	for (i = 0; i < m->r->target_count; i++)
		m->r->targets[i].account = scan_word_text(m->s, words[i]);
	return r >= 0;
}

bool history_report(
	struct store *s, const struct history_report_query *q, struct report *out, struct err *err)
{
	struct making m = { .s = s, .q = q, .r = out, .err = err };
	bool ok;

	report_init(out);
	if (!db_may_read(s, err))
		return false;
	out->server = xstrdup(q->server ? q->server : "");
	out->since = q->since;
	out->until = q->until;
	out->made = clock_now();
	if (q->server) {
		m.server = db_server(s, q->server, false, err);
		if (m.server < 0)
			return false;
		if (m.server == 0)
			m.server = -1; /* nothing is of it */
	}
	ok = read_month(&m) && fill_totals(&m) && fill_covered(&m) && fill_offenders(&m) &&
	     fill_ranges(&m) && fill_gateways(&m) && fill_targets(&m) &&
	     history_fill_rates(s, q, out, err);
	aggmap_release(&m.addrs);
	aggmap_release(&m.accounts);
	fingerprints_release(&m.listeners);
	if (!ok)
		report_release(out);
	return ok;
}
