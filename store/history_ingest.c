/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log lines into the store: bans one by one, refused connections and attempts summed up per batch
 * first. The batch and the source's new position are one transaction, which is why a crash, a
 * second reader or a repeated run changes nothing. */
#include <stdlib.h>

#include "store/history_ingest.h"

#define DAY_MS      INT64_C(86400000)
#define BAN_LONGEST INGEST_HOUR_MS /* a ban's own lines never take longer */

/* ---- addresses ---- */

static struct agg *address(struct ingest *in, const struct net *n)
{
	uint8_t key[DB_KEY_MAX];
	uint64_t k[3];
	struct agg *a;
	sqlite3_stmt *q;
	bool is_new;
	int r;

	aggmap_net_key(n, k);
	a = aggmap_get(&in->addrs, k[0], k[1], k[2], &is_new);
	if (!is_new)
		return a;
	a->first = a->last = TIME_NONE;
	q = db_prepare(in->s, "SELECT id, bans FROM addr WHERE server = ?1 AND key = ?2", in->err);
	if (q == NULL)
		return NULL;
	sqlite3_bind_int64(q, 1, in->server);
	sqlite3_bind_blob(q, 2, key, (int)db_key(n, false, key), SQLITE_STATIC);
	r = db_step(in->s, q, in->err);
	if (r > 0) {
		a->id = sqlite3_column_int64(q, 0);
		a->by_class[HAS_BANS] = sqlite3_column_int64(q, 1) > 0;
	} else {
		a->id = in->next_addr++;
		a->by_class[HAS_BANS] = NOT_STORED;
	}
	sqlite3_reset(q);
	return r < 0 ? NULL : a;
}

/* The hours in which it showed itself, other than by bans. */
static void note_hour(struct agg *a, int64_t t)
{
	uint32_t hour = (uint32_t)(t / INGEST_HOUR_MS);

	if (a->by_class[FIRST_HOUR] == 0 || hour < a->by_class[FIRST_HOUR])
		a->by_class[FIRST_HOUR] = hour;
	if (hour > a->by_class[LAST_HOUR])
		a->by_class[LAST_HOUR] = hour;
}

/* ---- lines ---- */

/* A ban of the same address and class close by in time: this line is one more of it. *id 0 = there
 * is none. */
static bool find_ban(
	struct ingest *in, const struct agg *a, enum ban_class class, int64_t t, int64_t *id)
{
	sqlite3_stmt *q;
	int r;

	*id = 0;
	if (!(a->by_class[HAS_BANS] & ~NOT_STORED))
		return true;
	q = db_prepare(in->s,
		"SELECT id FROM ban WHERE addr = ?1 AND time BETWEEN ?3 - ?5 AND ?3 + ?4 AND class "
		"= ?2 AND last >= ?3 - ?4 "
		"ORDER BY time DESC LIMIT 1",
		in->err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, a->id);
	sqlite3_bind_int(q, 2, (int)class);
	sqlite3_bind_int64(q, 3, t);
	sqlite3_bind_int64(q, 4, HISTORY_SAME_BAN);
	sqlite3_bind_int64(q, 5, BAN_LONGEST);
	r = db_step(in->s, q, in->err);
	if (r > 0)
		*id = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return r >= 0;
}

static bool repeat_ban(struct ingest *in, int64_t id, int64_t t, int64_t path, int64_t listener)
{
	sqlite3_stmt *q = db_prepare(in->s,
		"UPDATE ban SET lines = lines + 1, last = max(last, ?2), path = CASE path WHEN 0 "
		"THEN ?3 ELSE path END, "
		"listener = CASE listener WHEN 0 THEN ?4 ELSE listener END WHERE id = ?1",
		in->err);

	if (q == NULL)
		return false;
	in->sum.repeats++;
	sqlite3_bind_int64(q, 1, id);
	sqlite3_bind_int64(q, 2, t);
	sqlite3_bind_int64(q, 3, path);
	sqlite3_bind_int64(q, 4, listener);
	return db_run(in->s, q, in->err);
}

/* The block that this line tells of may have been seen in the list before the line was read. */
static bool explain_seen(struct ingest *in, const struct net *n, int64_t t)
{
	uint8_t key[DB_KEY_MAX];
	sqlite3_stmt *q;

	if (!in->has_seen)
		return true;
	q = db_prepare(in->s,
		"UPDATE seen SET line = 1 WHERE server = ?1 AND key = ?2 AND gone IS NULL AND "
		"first >= ?3",
		in->err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, in->server);
	sqlite3_bind_blob(q, 2, key, (int)db_key(n, true, key), SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, t - INGEST_MINUTE_MS);
	return db_run(in->s, q, in->err);
}

static bool take_ban(struct ingest *in, const struct event *ev, const struct event_facts *f)
{
	int64_t id, account = ingest_word(in, f->account), to = ingest_word(in, f->to),
		    path = ingest_word(in, f->path), listener = ingest_word(in, f->listener);
	struct agg *a = address(in, &f->address);
	sqlite3_stmt *q;

	if (a == NULL || account < 0 || to < 0 || path < 0 || listener < 0 ||
		!find_ban(in, a, f->class, ev->time, &id))
		return false;
	if (id > 0)
		return repeat_ban(in, id, ev->time, path, listener);
	q = db_prepare(in->s,
		"INSERT INTO ban (id, server, time, last, addr, class, account, recipient, path, "
		"listener) "
		"VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		in->err);
	if (q == NULL)
		return false;
	in->sum.bans++;
	a->count++;
	a->by_class[HAS_BANS] |= 1;
	if (a->first == TIME_NONE || ev->time >= a->first) {
		a->first = ev->time;
		a->by_class[BAN_CLASS] = (uint32_t)f->class;
	}
	sqlite3_bind_int64(q, 1, in->next_ban++);
	sqlite3_bind_int64(q, 2, in->server);
	sqlite3_bind_int64(q, 3, ev->time);
	sqlite3_bind_int64(q, 4, a->id);
	sqlite3_bind_int(q, 5, (int)f->class);
	sqlite3_bind_int64(q, 6, account);
	sqlite3_bind_int64(q, 7, to);
	sqlite3_bind_int64(q, 8, path);
	sqlite3_bind_int64(q, 9, listener);
	return db_run(in->s, q, in->err) && explain_seen(in, &f->address, ev->time);
}

static void note_time(struct agg *r, bool is_new, int64_t t)
{
	r->count++;
	if (is_new || t < r->first)
		r->first = t;
	if (is_new || t > r->last)
		r->last = t;
}

static bool take_refused(struct ingest *in, const struct event *ev, const struct event_facts *f)
{
	int64_t listener = ingest_word(in, f->listener);
	struct agg *a = address(in, &f->address), *row;
	bool is_new;

	if (a == NULL || listener < 0)
		return false;
	a->other++;
	if (a->last == TIME_NONE || ev->time > a->last)
		a->last = ev->time;
	note_hour(a, ev->time);
	row = aggmap_get(&in->refused, (uint64_t)(ev->time / INGEST_HOUR_MS), (uint64_t)a->id,
		(uint64_t)listener, &is_new);
	note_time(row, is_new, ev->time);
	in->sum.refused++;
	return true;
}

static bool take_attempt(struct ingest *in, const struct event *ev, const struct event_facts *f)
{
	int64_t account = ingest_word(in, f->account.len ? f->account : f->to),
		listener = ingest_word(in, f->listener);
	struct agg *a = address(in, &f->address), *row;
	bool is_new;

	if (a == NULL || account < 0 || listener < 0)
		return false;
	note_hour(a, ev->time);
	row = aggmap_get(&in->attempts, (uint64_t)(ev->time / INGEST_MINUTE_MS),
		(uint64_t)a->id << 2 | (uint64_t)f->class,
		(uint64_t)account << 32 | (uint64_t)listener, &is_new);
	note_time(row, is_new, ev->time);
	if (in->newest_attempt == TIME_NONE || ev->time > in->newest_attempt)
		in->newest_attempt = ev->time;
	in->sum.attempts++;
	return true;
}

static bool end_ban(struct ingest *in, const struct net *n, int64_t t)
{
	sqlite3_stmt *q = db_prepare(in->s,
		"UPDATE ban SET ended = ?1, how = ?2 WHERE ended IS NULL AND id = (SELECT id FROM "
		"ban WHERE addr = ?3 AND "
		"time <= ?1 ORDER BY time DESC LIMIT 1)",
		in->err);
	struct agg *a = address(in, n);

	if (q == NULL || a == NULL)
		return false;
	sqlite3_bind_int64(q, 1, t);
	sqlite3_bind_int(q, 2, END_EXPIRED);
	sqlite3_bind_int64(q, 3, a->id);
	return db_run(in->s, q, in->err);
}

static bool take_expired(struct ingest *in, const struct event *ev)
{
	sqlite3_stmt *q;
	uint8_t key[DB_KEY_MAX];
	struct net n;
	size_t pos = 0;

	while (event_expired(ev, &pos, &n)) {
		q = db_prepare(in->s,
			"UPDATE seen SET gone = ?1, how = ?2 WHERE server = ?3 AND key = ?4 AND "
			"gone IS NULL",
			in->err);
		if (q == NULL)
			return false;
		sqlite3_bind_int64(q, 1, ev->time);
		sqlite3_bind_int(q, 2, END_EXPIRED);
		sqlite3_bind_int64(q, 3, in->server);
		sqlite3_bind_blob(q, 4, key, (int)db_key(&n, true, key), SQLITE_STATIC);
		if (!db_run(in->s, q, in->err) ||
			(net_is_address(&n) && !end_ban(in, &n, ev->time)))
			return false;
		in->sum.ended++;
	}
	return true;
}

static bool take_event(struct ingest *in, const struct event *ev)
{
	struct event_facts f;

	in->sum.lines++;
	if (ev->format == EVENT_TEXT || ev->time < 0) { /* TIME_NONE is below, too */
		in->sum.unparsed++;
		return true;
	}
	if (in->sum.oldest == TIME_NONE || ev->time < in->sum.oldest)
		in->sum.oldest = ev->time;
	if (in->sum.newest == TIME_NONE || ev->time > in->sum.newest)
		in->sum.newest = ev->time;
	if (ev->id.len == 0) {
		in->sum.ignored++;
		return true;
	}
	event_facts(ev, &f);
	if (f.kind == EVENT_EXPIRED)
		return take_expired(in, ev);
	if (f.address.family && f.kind == EVENT_BAN)
		return take_ban(in, ev, &f);
	if (f.address.family && f.kind == EVENT_REFUSED)
		return take_refused(in, ev, &f);
	if (f.address.family && f.kind == EVENT_ATTEMPT && !f.is_redundant)
		return take_attempt(in, ev, &f);
	in->sum.ignored++;
	return f.kind != EVENT_SUCCESS || !f.address.family || ingest_login(in, ev, &f);
}

static bool write_cursor(struct ingest *in, const char *source, const char *to)
{
	sqlite3_stmt *q = db_prepare(in->s,
		"INSERT INTO cursor (server, source, cursor, time) VALUES (?1, ?2, ?3, ?4) "
		"ON CONFLICT DO UPDATE SET cursor = excluded.cursor, time = excluded.time",
		in->err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, in->server);
	db_bind_text(q, 2, source);
	db_bind_text(q, 3, to);
	sqlite3_bind_int64(q, 4, clock_now());
	return db_run(in->s, q, in->err);
}

static bool read_cursor(struct store *s, int64_t server, const char *source, struct buf *out,
	int64_t *time, struct err *err)
{
	sqlite3_stmt *q = db_prepare(
		s, "SELECT cursor, time FROM cursor WHERE server = ?1 AND source = ?2", err);
	int r;

	buf_reset(out);
	if (time)
		*time = TIME_NONE;
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, server);
	db_bind_text(q, 2, source);
	r = db_step(s, q, err);
	if (r > 0) {
		buf_add(out, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0));
		if (time)
			*time = db_time(q, 1);
	}
	sqlite3_reset(q);
	return r >= 0;
}

bool history_cursor(struct store *s, const char *server, const char *source, struct buf *out,
	int64_t *time, struct err *err)
{
	int64_t id;

	buf_reset(out);
	if (!db_may_read(s, err))
		return false;
	id = db_server(s, server, false, err);
	return id >= 0 && read_cursor(s, id, source, out, time, err);
}

bool history_is_read_elsewhere(struct store *s, const char *server, const char *source)
{
	sqlite3_stmt *q;
	int64_t id;
	bool here = false, elsewhere = false;

	if (!db_may_read(s, NULL) || (id = db_server(s, server, false, NULL)) <= 0)
		return false;
	q = db_prepare(s, "SELECT source = ?2 FROM cursor WHERE server = ?1", NULL);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, id);
	db_bind_text(q, 2, source);
	while (db_step(s, q, NULL) > 0) {
		here = here || sqlite3_column_int(q, 0);
		elsewhere = elsewhere || !sqlite3_column_int(q, 0);
	}
	return elsewhere && !here;
}

static void release(struct ingest *in)
{
	aggmap_release(&in->addrs);
	aggmap_release(&in->refused);
	aggmap_release(&in->attempts);
	free(in->words);
}

static void add_sum(struct history_ingested *sum, const struct history_ingested *one)
{
	sum->lines += one->lines;
	sum->bans += one->bans;
	sum->repeats += one->repeats;
	sum->refused += one->refused;
	sum->attempts += one->attempts;
	sum->ended += one->ended;
	sum->ignored += one->ignored;
	sum->unparsed += one->unparsed;
	if (one->oldest != TIME_NONE &&
		(sum->oldest == TIME_NONE || sum->oldest == 0 || one->oldest < sum->oldest))
		sum->oldest = one->oldest;
	if (one->newest != TIME_NONE &&
		(sum->newest == TIME_NONE || sum->newest == 0 || one->newest > sum->newest))
		sum->newest = one->newest;
}

/* Inside the transaction. */
static enum ingest_result take_all(struct ingest *in, const char *server, const char *source,
	const char *from, const char *to, const struct event *events, size_t count)
{
	struct buf now = BUF_INIT;
	bool is_there;
	size_t i;

	in->server = db_server(in->s, server, true, in->err);
	if (in->server < 0)
		return INGEST_ERROR;
	if (from) {
		if (!read_cursor(in->s, in->server, source, &now, NULL, in->err)) {
			buf_release(&now);
			return INGEST_ERROR;
		}
		is_there = strcmp(buf_str(&now), from) == 0;
		buf_release(&now);
		if (!is_there)
			return INGEST_STALE;
	}
	/* Ids of segments' bans are never used again, also when the bans are gone. */
	in->next_ban = db_number(in->s,
			       "SELECT max(ifnull((SELECT max(id) FROM ban), 0), ifnull((SELECT "
			       "max(last) FROM seg), 0))",
			       0, in->err) +
		       1;
	in->next_addr = db_number(in->s, "SELECT max(id) FROM addr", 0, in->err) + 1;
	in->has_seen = db_number(in->s, "SELECT 1 FROM seen LIMIT 1", 0, in->err) == 1;
	for (i = 0; i < count; i++) {
		if (!take_event(in, &events[i]))
			return INGEST_ERROR;
	}
	return ingest_flush(in) && (!to || write_cursor(in, source, to)) ? INGEST_OK : INGEST_ERROR;
}

enum ingest_result history_ingest(struct store *s, const char *server, const char *source,
	const char *from, const char *to, const struct event *events, size_t count,
	struct history_ingested *sum, struct err *err)
{
	struct ingest in = { .s = s,
		.err = err,
		.newest_attempt = TIME_NONE,
		.login_day = clock_now() / DAY_MS - HISTORY_LOGIN_DAYS,
		.sum = { .oldest = TIME_NONE, .newest = TIME_NONE } };
	enum ingest_result result;

	if (!db_may_write(s, err) || !db_begin(s, err))
		return INGEST_ERROR;
	result = take_all(&in, server, source, from, to, events, count);
	if (result == INGEST_OK && !db_commit(s, err))
		result = INGEST_ERROR;
	if (result != INGEST_OK) {
		db_rollback(s);
		logins_forget(s); /* some of them were not written after all */
	}
	if (result == INGEST_OK && sum)
		add_sum(sum, &in.sum);
	release(&in);
	return result;
}
