/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How close an address or a login is to a ban, as a job of steps. The server counts per address and
 * per login (or recipient) in windows aligned to the epoch (0.15, 0.16 source); so does this, with
 * what the log told. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/history_count.h"

#define HOUR_MS   INT64_C(3600000)
#define PICK_ROWS 20000
#define FILL_ROWS 500 /* in one step: each has an address or a text to be looked up */

enum near_phase { NEAR_COUNT, NEAR_PICK, NEAR_SORT, NEAR_SEARCH, NEAR_FILL, NEAR_DONE };

struct history_near_job {
	struct store *s;
	struct counter counter;
	unsigned percent;
	size_t limit;
	int64_t logged_since; /* ms, TIME_NONE = nobody asks */
	unsigned wanted;      /* classes of which it must be known whether they are logged, bits */
	struct attempt_at search;
	enum near_phase phase;
	/* where picking is */
	int class;
	bool is_by_login;
	size_t at;
	unsigned with_rows; /* classes that have any, bits */
	struct history_near *rows;
	size_t count, cap, filled;
};

/* ---- the parts ---- */

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

static void add_near(struct history_near_job *job, const struct agg *a, const struct window *w, bool is_address)
{
	struct history_near *n;

	if (a->count * 100 < w->limit * job->percent)
		return;
	xgrow(&job->rows, &job->cap, job->count + 1, sizeof(*job->rows));
	n = &job->rows[job->count++];
	memset(n, 0, sizeof(*n));
	n->class = w->class;
	n->failures = a->count;
	n->limit = w->limit;
	n->window_end = w->end;
	n->last = a->last;
	n->is_over = a->count >= w->limit;
	n->accounts = is_address ? (uint32_t)a->other : 1;
	n->addresses = is_address ? 1 : (uint32_t)a->other;
	n->address.family = is_address; /* until the address itself is looked up */
	n->id = (int64_t)a->key[0];
}

static int cmp_near(const void *pa, const void *pb)
{
	const struct history_near *a = pa, *b = pb;
	uint64_t x = a->failures * b->limit, y = b->failures * a->limit;

	if (x != y)
		return x > y ? -1 : 1;
	if (a->last != b->last)
		return a->last > b->last ? -1 : 1;
	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	if (a->address.family != b->address.family)
		return a->address.family ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

/* Of the class at hand: addresses, then logins; a table is freed as soon as it was looked at. */
static void pick(struct history_near_job *job, bool is_stepwise)
{
	struct counting *of = &job->counter.of[job->class];
	struct aggmap *m = job->is_by_login ? &of->by_account : &of->by_addr;
	size_t end = is_stepwise && m->count - job->at > PICK_ROWS ? job->at + PICK_ROWS : m->count,
	       before = job->count;

	for (; job->at < end; job->at++)
		add_near(job, &m->rows[job->at], &job->counter.window[job->class], !job->is_by_login);
	job->with_rows |= job->count > before ? 1u << job->class : 0;
	if (job->at < m->count)
		return;
	aggmap_release(m);
	job->at = 0;
	if (job->is_by_login) {
		fingerprints_release(&of->pairs);
		job->class++;
	}
	job->is_by_login = !job->is_by_login;
	if (job->class == CLASS_COUNT)
		job->phase = NEAR_SORT;
}

static void sort(struct history_near_job *job)
{
	if (job->count)
		qsort(job->rows, job->count, sizeof(*job->rows), cmp_near);
	if (job->limit && job->count > job->limit)
		job->count = job->limit;
	job->wanted &= job->with_rows | 1u << CLASS_AUTH;
	job->search.hour = -1;
	job->phase = job->logged_since == TIME_NONE ? NEAR_FILL : NEAR_SEARCH;
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

static void fill(struct history_near_job *job, bool is_stepwise)
{
	size_t end = is_stepwise && job->count - job->filled > FILL_ROWS ? job->filled + FILL_ROWS : job->count;

	for (; job->filled < end; job->filled++) {
		struct history_near *n = &job->rows[job->filled];

		if (n->address.family) {
			address_of(job->s, n->id, &n->address);
			n->account = xstrdup("");
		} else {
			n->account = scan_word_text(job->s, n->id);
		}
	}
	if (job->filled == job->count)
		job->phase = NEAR_DONE;
}

/* What was not seen while counting is looked for before the windows, and behind them (a clock that was ahead). */
static bool search(struct history_near_job *job, size_t rows, struct err *err)
{
	bool is_done;

	if (!counter_search(job->s, job->counter.server, job->wanted, job->logged_since, INT64_MAX, &job->search, rows,
		    &job->counter.seen, &is_done, err))
		return false;
	if (is_done)
		job->phase = NEAR_FILL;
	return true;
}

/* ---- steps ---- */

static struct history_near_job *new_job(struct store *s, const char *server, const struct thresholds *t,
	int64_t now, int64_t logged_since, const struct chosen *chosen, struct err *err)
{
	struct history_near_job *job = xcalloc(1, sizeof(*job));
	int64_t id = db_server(s, server, false, err);
	int i;

	job->s = s;
	job->logged_since = logged_since;
	job->wanted = 1u << CLASS_AUTH;
	if (id < 0) {
		free(job);
		return NULL;
	}
	if (id == 0)
		job->phase = NEAR_DONE;
	for (i = 0; id && t && i < CLASS_COUNT; i++) {
		job->counter.has[i] = make_window(t, (enum ban_class)i, now, &job->counter.window[i]);
		job->wanted |= job->counter.has[i] ? 1u << i : 0;
	}
	counter_begin(&job->counter, s, id, chosen, logged_since == TIME_NONE ? INT64_MAX : logged_since / HOUR_MS);
	return job;
}

struct history_near_job *history_near_begin(struct store *s, const char *server, const struct thresholds *t,
	int64_t now, unsigned percent, size_t limit, int64_t logged_since, struct err *err)
{
	struct history_near_job *job;

	if (!db_may_read(s, err))
		return NULL;
	job = new_job(s, server, t, now, logged_since, NULL, err);
	if (job) {
		job->percent = percent;
		job->limit = limit;
	}
	return job;
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

struct history_near_job *history_near_of_begin(struct store *s, const char *server, const struct thresholds *t,
	int64_t now, const struct net *address, const char *const *accounts, size_t account_count,
	int64_t logged_since, struct err *err)
{
	struct chosen chosen = { 0 };
	int64_t id, word;
	size_t i;

	if (!db_may_read(s, err))
		return NULL;
	id = db_server(s, server, false, err);
	if (id > 0)
		chosen.addr = id_of(s, id, address, err);
	for (i = 0; id > 0 && i < account_count && chosen.count < HISTORY_NEAR_ACCOUNTS; i++) {
		word = scan_word(s, slice_of(accounts[i]), false, err);
		if (word > 0)
			chosen.words[chosen.count++] = word;
	}
	return id < 0 ? NULL : new_job(s, server, t, now, logged_since, &chosen, err);
}

bool history_near_step(struct history_near_job *job, size_t rows, bool *is_done, struct err *err)
{
	bool ok = db_may_read(job->s, err), is_counted;

	switch (ok ? job->phase : NEAR_DONE) {
	case NEAR_COUNT:
		ok = counter_step(&job->counter, rows, &is_counted, err);
		if (ok && is_counted)
			job->phase = NEAR_PICK;
		break;
	case NEAR_PICK:
		pick(job, rows > 0);
		break;
	case NEAR_SORT:
		sort(job);
		break;
	case NEAR_SEARCH:
		ok = search(job, rows, err);
		break;
	case NEAR_FILL:
		fill(job, rows > 0);
		break;
	case NEAR_DONE:
		break;
	}
	*is_done = job->phase == NEAR_DONE;
	return ok;
}

void history_near_take(struct history_near_job *job, struct history_near **rows, size_t *count, unsigned *logged)
{
	*rows = job->rows;
	*count = job->filled;
	if (logged)
		*logged = job->counter.seen;
	job->rows = NULL;
	job->count = job->filled = 0;
}

void history_near_end(struct history_near_job *job)
{
	if (job == NULL)
		return;
	counter_release(&job->counter);
	history_near_free(job->rows, job->filled);
	free(job);
}

/* ---- at once ---- */

static bool run(struct history_near_job *job, struct history_near **rows, size_t *count, struct err *err)
{
	bool is_done = false;

	*rows = NULL;
	*count = 0;
	while (job && !is_done && history_near_step(job, 0, &is_done, err))
		;
	if (is_done)
		history_near_take(job, rows, count, NULL);
	history_near_end(job);
	return is_done;
}

bool history_near(struct store *s, const char *server, const struct thresholds *t, int64_t now,
	unsigned percent, size_t limit, struct history_near **rows, size_t *count, struct err *err)
{
	return run(history_near_begin(s, server, t, now, percent, limit, TIME_NONE, err), rows, count, err);
}

bool history_near_of(struct store *s, const char *server, const struct thresholds *t, int64_t now,
	const struct net *address, const char *const *accounts, size_t account_count,
	struct history_near **rows, size_t *count, struct err *err)
{
	return run(history_near_of_begin(s, server, t, now, address, accounts, account_count, TIME_NONE, err), rows,
		count, err);
}

bool history_has_attempts(struct store *s, const char *server, enum ban_class class, int64_t since,
	bool *out, struct err *err)
{
	struct attempt_at at = { .hour = -1 };
	unsigned seen = 0;
	bool is_done;
	int64_t id;

	*out = false;
	if (!db_may_read(s, err))
		return false;
	id = db_server(s, server, false, err);
	if (id <= 0)
		return id == 0;
	if (!counter_search(s, id, 1u << class, since, INT64_MAX, &at, 0, &seen, &is_done, err))
		return false;
	*out = seen != 0;
	return true;
}

void history_near_free(struct history_near *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(rows[i].account);
	free(rows);
}
