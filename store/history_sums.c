/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Refused connections or attempts, summed up, as a job of steps. Few addresses are looked up hour by hour, many are
 * told from the rest of the table by their ids while it is read through. No statement stays open between two steps. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/aggmap.h"
#include "store/history_scan.h"

#define HOUR_MS   INT64_C(3600000)
#define MANY      20000 /* hours to be looked up one by one: beyond that the table is read through */
#define LOOK_UP   8     /* rows that one such hour counts for */
#define PICK_ROWS 20000 /* sums compared in one step */
#define FILL_ROWS 300   /* texts are looked up */

enum sums_phase { SUMS_IDS, SUMS_HOURS, SUMS_SCAN, SUMS_PICK, SUMS_FILL, SUMS_DONE };

struct known_address {
	int64_t id, first_hour, last_hour;
};

struct history_sums_job {
	struct store *s;
	bool is_attempts;
	struct history_query q; /* server and account are not used */
	int64_t servers[64];    /* whose addresses are meant */
	size_t server_count, server_at;
	int64_t account; /* word, -1 = any */
	enum sums_phase phase;
	/* the addresses */
	uint8_t low[DB_KEY_MAX], high[DB_KEY_MAX], key[DB_KEY_MAX];
	size_t len, key_len;
	struct known_address *addresses;
	size_t count, cap;
	int64_t hours, first_hour, last_hour;
	uint64_t *bits; /* of their ids */
	size_t bit_count;
	/* where it is */
	size_t at;
	int64_t hour;
	int64_t after[6]; /* key of the row read last */
	/* the sums: id = listener, key = address, listener, account and class */
	struct aggmap sums;
	struct agg *best;
	size_t best_count, picked;
	struct history_sum *rows;
	size_t filled;
};

/* ---- which addresses ---- */

static bool find_servers(struct history_sums_job *job, const char *server, struct err *err)
{
	sqlite3_stmt *q;
	int64_t id;
	int r;

	if (server) {
		id = db_server(job->s, server, false, err);
		job->servers[0] = id;
		job->server_count = id > 0;
		return id >= 0;
	}
	q = db_prepare(job->s, "SELECT id FROM server ORDER BY id", err);
	if (q == NULL)
		return false;
	while ((r = db_step(job->s, q, err)) > 0)
		if (job->server_count < ARRAY_LEN(job->servers))
			job->servers[job->server_count++] = sqlite3_column_int64(q, 0);
	return r == 0;
}

static void set_bit(struct history_sums_job *job, int64_t id)
{
	size_t word = (size_t)id / 64, old = job->bit_count;

	if (word >= old) {
		job->bit_count = (word + 64) * 2;
		job->bits = xreallocarray(job->bits, job->bit_count, sizeof(*job->bits));
		memset(job->bits + old, 0, (job->bit_count - old) * sizeof(*job->bits));
	}
	job->bits[word] |= UINT64_C(1) << (id & 63);
}

static bool has_bit(const struct history_sums_job *job, int64_t id)
{
	size_t word = (size_t)id / 64;

	return id >= 0 && word < job->bit_count && job->bits[word] >> (id & 63) & 1;
}

static void take_address(struct history_sums_job *job, sqlite3_stmt *q)
{
	struct known_address a = { .id = sqlite3_column_int64(q, 0), .first_hour = sqlite3_column_int64(q, 2),
		.last_hour = sqlite3_column_int64(q, 3) };
	int64_t since = job->q.since / HOUR_MS, until = job->q.until / HOUR_MS;

	if (sqlite3_column_type(q, 2) == SQLITE_NULL)
		return;
	a.first_hour = a.first_hour > since ? a.first_hour : since;
	a.last_hour = a.last_hour < until ? a.last_hour : until;
	if (a.first_hour > a.last_hour)
		return;
	if (job->hours == 0 || a.first_hour < job->first_hour)
		job->first_hour = a.first_hour;
	if (job->hours == 0 || a.last_hour > job->last_hour)
		job->last_hour = a.last_hour;
	job->hours += a.last_hour - a.first_hour + 1;
	set_bit(job, a.id);
	if (job->hours > MANY)
		return;
	xgrow(&job->addresses, &job->cap, job->count + 1, sizeof(*job->addresses));
	job->addresses[job->count++] = a;
}

static void begin_reading(struct history_sums_job *job)
{
	job->phase = job->hours == 0 ? SUMS_PICK : job->hours <= MANY ? SUMS_HOURS : SUMS_SCAN;
	job->hour = job->count ? job->addresses[0].first_hour : 0;
	job->after[0] = job->first_hour;
	job->after[1] = -1;
}

static bool find_ids(struct history_sums_job *job, size_t rows, struct err *err)
{
	sqlite3_stmt *q = db_prepare(job->s,
		"SELECT id, key, first_hour, last_hour FROM addr WHERE server = ?1 AND key >= ?2 AND key <= ?3 AND key "
		"> ?4 "
		"ORDER BY key LIMIT ?5",
		err);
	size_t n = 0;
	int r;

	if (q == NULL)
		return false;
	if (job->server_at == job->server_count) {
		begin_reading(job);
		return true;
	}
	sqlite3_bind_int64(q, 1, job->servers[job->server_at]);
	sqlite3_bind_blob(q, 2, job->low, (int)job->len, SQLITE_STATIC);
	sqlite3_bind_blob(q, 3, job->high, (int)job->len, SQLITE_STATIC);
	sqlite3_bind_blob(q, 4, job->key, (int)job->key_len, SQLITE_TRANSIENT);
	sqlite3_bind_int64(q, 5, rows ? (int64_t)rows : -1);
	while ((r = db_step(job->s, q, err)) > 0) {
		take_address(job, q);
		job->key_len = (size_t)sqlite3_column_bytes(q, 1);
		job->key_len = job->key_len < sizeof(job->key) ? job->key_len : sizeof(job->key);
		memcpy(job->key, sqlite3_column_blob(q, 1), job->key_len);
		n++;
	}
	if (r == 0 && (rows == 0 || n < rows)) {
		job->server_at++;
		job->key_len = 0;
	}
	return r == 0;
}

/* ---- reading ---- */

#define REFUSED_KEY "hour, addr, listener"
#define ATTEMPT_KEY "hour, addr, class, minute, account, listener"
/* Columns: hour, addr, class, minute, account, listener, count, first, last. */
#define REFUSED_ROWS "SELECT hour, addr, 0, 0, 0, listener, count, first, last FROM refused WHERE "
#define ATTEMPT_ROWS "SELECT " ATTEMPT_KEY ", count, first, last FROM attempt WHERE "

static const struct reading {
	const char *of_one, *after;
} readings[] = {
	[false] = { REFUSED_ROWS "hour = ?1 AND addr = ?2",
		REFUSED_ROWS "(" REFUSED_KEY ") > (?1, ?2, ?6) AND hour <= ?7 ORDER BY " REFUSED_KEY " LIMIT ?8" },
	[true] = { ATTEMPT_ROWS "hour = ?1 AND addr = ?2",
		ATTEMPT_ROWS "(" ATTEMPT_KEY ") > (?1, ?2, ?3, ?4, ?5, ?6) AND hour <= ?7 ORDER BY " ATTEMPT_KEY
			     " LIMIT ?8" },
};

static void take_row(struct history_sums_job *job, sqlite3_stmt *q)
{
	int64_t addr = sqlite3_column_int64(q, 1), class = sqlite3_column_int64(q, 2),
		account = sqlite3_column_int64(q, 4), listener = sqlite3_column_int64(q, 5),
		first = sqlite3_column_int64(q, 7), last = sqlite3_column_int64(q, 8);
	struct agg *a;
	bool is_new;

	if (last < job->q.since || first >= job->q.until || (job->account >= 0 && account != job->account) ||
		(job->is_attempts && job->q.class != CLASS_NONE && class != (int64_t)job->q.class))
		return;
	a = aggmap_get(&job->sums, (uint64_t)addr, (uint64_t)listener, (uint64_t)account << 3 | (uint64_t)(class & 7),
		&is_new);
	a->count += (uint64_t)sqlite3_column_int64(q, 6);
	a->first = is_new || first < a->first ? first : a->first;
	a->last = is_new || last > a->last ? last : a->last;
}

static bool read_hours(struct history_sums_job *job, size_t rows, struct err *err)
{
	sqlite3_stmt *q = db_prepare(job->s, readings[job->is_attempts].of_one, err);
	size_t n = 0;
	int r;

	if (q == NULL)
		return false;
	while (job->at < job->count && (rows == 0 || n < rows)) {
		sqlite3_bind_int64(q, 1, job->hour);
		sqlite3_bind_int64(q, 2, job->addresses[job->at].id);
		for (n += LOOK_UP; (r = db_step(job->s, q, err)) > 0; n++)
			take_row(job, q);
		if (r < 0)
			return false;
		if (job->hour++ < job->addresses[job->at].last_hour)
			continue;
		if (++job->at < job->count)
			job->hour = job->addresses[job->at].first_hour;
	}
	if (job->at == job->count)
		job->phase = SUMS_PICK;
	return true;
}

static bool read_through(struct history_sums_job *job, size_t rows, struct err *err)
{
	sqlite3_stmt *q = db_prepare(job->s, readings[job->is_attempts].after, err);
	size_t n = 0;
	int r, i;

	if (q == NULL)
		return false;
	for (i = 0; i < 6; i++)
		sqlite3_bind_int64(q, i + 1, job->after[i]);
	sqlite3_bind_int64(q, 7, job->last_hour);
	sqlite3_bind_int64(q, 8, rows ? (int64_t)rows : -1);
	while ((r = db_step(job->s, q, err)) > 0) {
		if (has_bit(job, sqlite3_column_int64(q, 1)))
			take_row(job, q);
		for (i = 0; i < 6; i++)
			job->after[i] = sqlite3_column_int64(q, i);
		n++;
	}
	if (r == 0 && (rows == 0 || n < rows))
		job->phase = SUMS_PICK;
	return r == 0;
}

/* ---- the biggest ---- */

static int cmp_sums(const void *pa, const void *pb)
{
	const struct agg *a = pa, *b = pb;
	int i;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->last != b->last)
		return a->last > b->last ? -1 : 1;
	for (i = 0; i < 3; i++)
		if (a->key[i] != b->key[i])
			return a->key[i] < b->key[i] ? -1 : 1;
	return 0;
}

/* The root is the one that comes last. */
static void sift(struct agg *heap, size_t count)
{
	size_t at = 0, child, big;
	struct agg swap;

	for (;; at = big) {
		big = at;
		for (child = 2 * at + 1; child < count && child <= 2 * at + 2; child++)
			if (cmp_sums(&heap[child], &heap[big]) > 0)
				big = child;
		if (big == at)
			return;
		swap = heap[at];
		heap[at] = heap[big];
		heap[big] = swap;
	}
}

/* The best so far are at the front of the rows. */
static void pick(struct history_sums_job *job, bool is_stepwise)
{
	struct agg *rows = job->sums.rows;
	size_t count = job->sums.count, limit = job->q.limit && job->q.limit < count ? job->q.limit : count, end;

	if (job->picked == 0) {
		if (count)
			qsort(rows, limit, sizeof(*rows), cmp_sums);
		for (size_t i = 0; i < limit / 2; i++) { /* backwards is a heap */
			struct agg swap = rows[i];

			rows[i] = rows[limit - 1 - i];
			rows[limit - 1 - i] = swap;
		}
		job->picked = limit;
	}
	end = is_stepwise && count - job->picked > PICK_ROWS ? job->picked + PICK_ROWS : count;
	for (; job->picked < end; job->picked++) {
		if (cmp_sums(&rows[job->picked], &rows[0]) < 0) {
			rows[0] = rows[job->picked];
			sift(rows, limit);
		}
	}
	if (job->picked < count)
		return;
	if (count)
		qsort(rows, limit, sizeof(*rows), cmp_sums);
	job->best = rows;
	job->best_count = limit;
	job->rows = xcalloc(limit + 1, sizeof(*job->rows));
	job->phase = SUMS_FILL;
}

static void fill_row(struct store *s, const struct agg *a, bool is_attempts, struct history_sum *row)
{
	sqlite3_stmt *q = db_prepare(s, "SELECT key FROM addr WHERE id = ?1", NULL);

	if (q) {
		sqlite3_bind_int64(q, 1, (int64_t)a->key[0]);
		if (db_step(s, q, NULL) > 0)
			db_net(sqlite3_column_blob(q, 0), sqlite3_column_bytes(q, 0), &row->address);
		sqlite3_reset(q);
	}
	row->listener = scan_word_text(s, (int64_t)a->key[1]);
	row->account = scan_word_text(s, (int64_t)(a->key[2] >> 3));
	row->class = is_attempts ? (enum ban_class)(a->key[2] & 7) : CLASS_NONE;
	row->count = a->count;
	row->first = a->first;
	row->last = a->last;
}

static void fill(struct history_sums_job *job, bool is_stepwise)
{
	size_t end =
		is_stepwise && job->best_count - job->filled > FILL_ROWS ? job->filled + FILL_ROWS : job->best_count;

	for (; job->filled < end; job->filled++)
		fill_row(job->s, &job->best[job->filled], job->is_attempts, &job->rows[job->filled]);
	if (job->filled == job->best_count)
		job->phase = SUMS_DONE;
}

/* ---- steps ---- */

bool history_sums_step(struct history_sums_job *job, size_t rows, bool *is_done, struct err *err)
{
	bool ok = db_may_read(job->s, err);

	switch (ok ? job->phase : SUMS_DONE) {
	case SUMS_IDS:
		ok = find_ids(job, rows, err);
		break;
	case SUMS_HOURS:
		ok = read_hours(job, rows, err);
		break;
	case SUMS_SCAN:
		ok = read_through(job, rows, err);
		break;
	case SUMS_PICK:
		pick(job, rows > 0);
		break;
	case SUMS_FILL:
		fill(job, rows > 0);
		break;
	case SUMS_DONE:
		break;
	}
	*is_done = job->phase == SUMS_DONE;
	return ok;
}

static struct history_sums_job *begin(struct store *s, bool is_attempts, const struct history_query *q, struct err *err)
{
	struct history_sums_job *job;

	if (!db_may_read(s, err))
		return NULL;
	job = xcalloc(1, sizeof(*job));
	job->s = s;
	job->is_attempts = is_attempts;
	job->q = *q;
	job->q.since = q->since == TIME_NONE ? 0 : q->since;
	job->q.until = q->until == TIME_NONE ? INT64_MAX : q->until;
	job->account = -1;
	memset(job->high, 0xff, sizeof(job->high));
	job->len = sizeof(job->high);
	if (q->within.family)
		db_key_range(&q->within, job->low, job->high, &job->len);
	if (!find_servers(job, q->server, err)) {
		free(job);
		return NULL;
	}
	if (is_attempts && q->account) {
		job->account = scan_word(s, slice_of(q->account), false, err);
		if (job->account < 0) {
			free(job);
			return NULL;
		}
		if (job->account == 0 && *q->account)
			job->phase = SUMS_DONE;
	}
	return job;
}

struct history_sums_job *history_refused_begin(struct store *s, const struct history_query *q, struct err *err)
{
	return begin(s, false, q, err);
}

struct history_sums_job *history_attempts_begin(struct store *s, const struct history_query *q, struct err *err)
{
	return begin(s, true, q, err);
}

void history_sums_take(struct history_sums_job *job, struct history_sum **rows, size_t *count)
{
	*rows = job->filled ? job->rows : NULL;
	*count = job->filled;
	if (job->filled == 0)
		free(job->rows);
	job->rows = NULL;
	job->filled = 0;
}

void history_sums_end(struct history_sums_job *job)
{
	if (job == NULL)
		return;
	history_sums_free(job->rows, job->filled);
	aggmap_release(&job->sums);
	free(job->addresses);
	free(job->bits);
	free(job);
}

/* ---- at once ---- */

static bool run(struct history_sums_job *job, struct history_sum **rows, size_t *count, struct err *err)
{
	bool is_done = false;

	*rows = NULL;
	*count = 0;
	while (job && !is_done && history_sums_step(job, 0, &is_done, err))
		;
	if (is_done)
		history_sums_take(job, rows, count);
	history_sums_end(job);
	return is_done;
}

bool history_refused(struct store *s, const struct history_query *q, struct history_sum **rows,
	size_t *count, struct err *err)
{
	return run(history_refused_begin(s, q, err), rows, count, err);
}

bool history_attempts(struct store *s, const struct history_query *q, struct history_sum **rows,
	size_t *count, struct err *err)
{
	return run(history_attempts_begin(s, q, err), rows, count, err);
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
