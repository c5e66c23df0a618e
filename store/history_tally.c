/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known per address, for the columns of the blocked list, and the entries of that list as
 * they were seen. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/history_scan.h"

#define KEY_MAX 32

enum part { PART_ADDRESSES, PART_SEEN, PART_DONE };

/* Two tables, each in the order of its key, a page at a time: no statement stays open between steps, so that the store may be written. */
struct tally_reader {
	struct store *s;
	int64_t server;
	enum part part;
	unsigned char key[KEY_MAX]; /* of the last row read */
	int key_len;
	struct history_tally *rows;
	size_t count, cap;
	size_t addresses, at; /* rows of the first table; those before `at` are before every key to come */
};

static void take_address(struct tally_reader *r, sqlite3_stmt *q)
{
	struct history_tally *t;

	xgrow(&r->rows, &r->cap, r->count + 1, sizeof(*r->rows));
	t = &r->rows[r->count++];
	memset(t, 0, sizeof(*t));
	db_net(sqlite3_column_blob(q, 0), sqlite3_column_bytes(q, 0), &t->net);
	t->bans = (uint32_t)sqlite3_column_int64(q, 1);
	t->last_ban = db_time(q, 2);
	t->last_class =
		t->last_ban == TIME_NONE ? CLASS_NONE : (enum ban_class)sqlite3_column_int(q, 3);
	t->refused = (uint64_t)sqlite3_column_int64(q, 4);
	t->last_refused = db_time(q, 5);
	t->seen_first = TIME_NONE;
}

/* Entries that are in the list without a line: their times go to the row of the same net, or to one
 * of their own at the end. */
static void take_seen(struct tally_reader *r, sqlite3_stmt *q)
{
	struct net n;

	if (!db_net(sqlite3_column_blob(q, 0), sqlite3_column_bytes(q, 0), &n))
		return;
	while (r->at < r->addresses && net_cmp(&r->rows[r->at].net, &n) < 0)
		r->at++;
	if (r->at < r->addresses && net_equal(&r->rows[r->at].net, &n)) {
		r->rows[r->at].seen_first = db_time(q, 1);
		return;
	}
	xgrow(&r->rows, &r->cap, r->count + 1, sizeof(*r->rows));
	r->rows[r->count++] = (struct history_tally){ .net = n,
		.last_ban = TIME_NONE,
		.last_refused = TIME_NONE,
		.seen_first = db_time(q, 1),
		.last_class = CLASS_NONE };
}

static const struct {
	const char *sql;
	void (*take)(struct tally_reader *r, sqlite3_stmt *q);
} parts[] = {
	[PART_ADDRESSES] = { "SELECT key, bans, last_ban, last_class, refused, last_refused FROM addr WHERE "
			     "server = ?1 AND key > ?2 ORDER BY key LIMIT ?3",
		take_address },
	[PART_SEEN] = { "SELECT key, first FROM seen WHERE server = ?1 AND gone IS NULL AND line = 0 AND key > ?2 "
			"ORDER BY key LIMIT ?3",
		take_seen },
};

struct tally_reader *history_tallies_begin(struct store *s, const char *server, struct err *err)
{
	struct tally_reader *r;
	int64_t id;

	if (!db_may_read(s, err) || (id = db_server(s, server, false, err)) < 0)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->s = s;
	r->server = id;
	r->part = id ? PART_ADDRESSES : PART_DONE;
	return r;
}

void history_tallies_abandon(struct tally_reader *r)
{
	if (r)
		free(r->rows);
	free(r);
}

static void next_part(struct tally_reader *r)
{
	if (r->part == PART_ADDRESSES)
		r->addresses = r->count;
	r->part++;
	r->key_len = 0;
}

bool history_tallies_step(struct tally_reader *r, size_t max, bool *done, struct err *err)
{
	sqlite3_stmt *q;
	size_t n = 0;
	int got;

	*done = r->part == PART_DONE;
	if (*done)
		return true;
	q = db_prepare(r->s, parts[r->part].sql, err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, r->server);
	sqlite3_bind_blob(q, 2, r->key, r->key_len, SQLITE_TRANSIENT);
	sqlite3_bind_int64(q, 3, max > INT32_MAX ? -1 : (int64_t)max);
	while ((got = db_step(r->s, q, err)) > 0) {
		parts[r->part].take(r, q);
		r->key_len = sqlite3_column_bytes(q, 0) < KEY_MAX ? sqlite3_column_bytes(q, 0) : KEY_MAX;
		memcpy(r->key, sqlite3_column_blob(q, 0), (size_t)r->key_len);
		n++;
	}
	if (got < 0)
		return false;
	if (n < max)
		next_part(r);
	*done = r->part == PART_DONE;
	return true;
}

/* Both parts are in order: one merge. */
static void merge_parts(struct history_tally **rows, size_t count, size_t middle)
{
	struct history_tally *out;
	size_t a = 0, b = middle, n = 0;

	if (middle == 0 || middle == count)
		return;
	out = xcalloc(count, sizeof(*out));
	while (n < count) {
		if (b == count || (a < middle && net_cmp(&(*rows)[a].net, &(*rows)[b].net) <= 0))
			out[n++] = (*rows)[a++];
		else
			out[n++] = (*rows)[b++];
	}
	free(*rows);
	*rows = out;
}

void history_tallies_end(struct tally_reader *r, struct history_tally **rows, size_t *count)
{
	merge_parts(&r->rows, r->count, r->addresses);
	*rows = r->rows;
	*count = r->count;
	free(r);
}

bool history_tallies(struct store *s, const char *server, struct history_tally **rows,
	size_t *count, struct err *err)
{
	struct tally_reader *r = history_tallies_begin(s, server, err);
	bool done = false;

	*rows = NULL;
	*count = 0;
	if (r == NULL)
		return false;
	while (!done)
		if (!history_tallies_step(r, SIZE_MAX, &done, err)) {
			history_tallies_abandon(r);
			return false;
		}
	history_tallies_end(r, rows, count);
	return true;
}

/* First row that is not before n. */
static size_t lower_bound(const struct history_tally *rows, size_t count, const struct net *n)
{
	size_t low = 0, high = count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (net_cmp(&rows[mid].net, n) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct history_tally *history_tally_find(
	const struct history_tally *rows, size_t count, const struct net *n)
{
	size_t at = lower_bound(rows, count, n);

	return at < count && net_equal(&rows[at].net, n) ? &rows[at] : NULL;
}

static bool teach_row(const struct history_tally *t, struct entry *e)
{
	if (t->bans == 0 || (e->reason != REASON_NONE && e->created))
		return false;
	if (e->reason == REASON_NONE) {
		e->reason = (uint8_t)reason_of_class(t->last_class);
		e->origin = e->origin == ORIGIN_UNKNOWN ? ORIGIN_SERVER : e->origin;
	}
	if (!e->created && t->last_ban != TIME_NONE)
		e->created = (uint32_t)(t->last_ban / 1000);
	return true;
}

bool history_tallies_teach(
	const struct history_tally *rows, size_t count, struct entrylist *l)
{
	bool any = false;
	size_t at = 0;
	struct net n;

	for (size_t i = 0; i < l->count && l->rows[i].family; i++) {
		int order = -1;

		entry_net(&l->rows[i], &n);
		while (at < count && (order = net_cmp(&rows[at].net, &n)) < 0)
			at++;
		if (at == count)
			break;
		if (order == 0 && teach_row(&rows[at], &l->rows[i]))
			any = true;
	}
	return any;
}

void history_tally_inside(const struct history_tally *rows, size_t count, const struct net *n,
	uint64_t *refused, uint64_t *bans)
{
	size_t at = lower_bound(rows, count, n);

	*refused = *bans = 0;
	for (; at < count && net_contains(n, &rows[at].net); at++) {
		*refused += rows[at].refused;
		*bans += rows[at].bans;
	}
}

/* ---- entries as they were seen ---- */

static bool read_spans(struct store *s, sqlite3_stmt *q, struct history_span **rows, size_t *count,
	size_t *cap, struct err *err)
{
	int r;

	while ((r = db_step(s, q, err)) > 0) {
		struct history_span span = { .ended = db_time(q, 2),
			.end = (enum ban_end)sqlite3_column_int(q, 3) };

		if (!db_net(sqlite3_column_blob(q, 0), sqlite3_column_bytes(q, 0), &span.net))
			continue;
		span.seen_first = sqlite3_column_int(q, 4) ? TIME_NONE : db_time(q, 1);
		xgrow(rows, cap, *count + 1, sizeof(**rows));
		(*rows)[(*count)++] = span;
	}
	return r == 0;
}

#define SPAN_COLUMNS "SELECT key, first, gone, how, line FROM seen "

/* Entries of keys low..high. */
static bool read_span_range(struct store *s, int64_t server, const uint8_t *low,
	const uint8_t *high, size_t len, struct history_span **rows, size_t *count, size_t *cap,
	struct err *err)
{
	sqlite3_stmt *q =
		db_prepare(s, SPAN_COLUMNS "WHERE server = ?1 AND key BETWEEN ?2 AND ?3", err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, server);
	sqlite3_bind_blob(q, 2, low, (int)len, SQLITE_STATIC);
	sqlite3_bind_blob(q, 3, high, (int)len, SQLITE_STATIC);
	return read_spans(s, q, rows, count, cap, err);
}

static int cmp_spans(const void *pa, const void *pb)
{
	const struct history_span *a = pa, *b = pb;
	int64_t ta = a->ended == TIME_NONE ? INT64_MAX : a->ended,
		tb = b->ended == TIME_NONE ? INT64_MAX : b->ended;

	if (ta != tb)
		return ta > tb ? -1 : 1;
	return net_cmp(&a->net, &b->net);
}

bool history_spans(struct store *s, const char *server, const struct net *within,
	struct history_span **rows, size_t *count, struct err *err)
{
	uint8_t low[DB_KEY_MAX] = { 0 }, high[DB_KEY_MAX];
	size_t cap = 0, len = sizeof(high);
	struct net wide;
	unsigned prefix;
	int64_t id;
	bool ok;

	*rows = NULL;
	*count = 0;
	if (!db_may_read(s, err))
		return false;
	id = db_server(s, server, false, err);
	if (id <= 0)
		return id == 0;
	memset(high, 0xff, sizeof(high));
	if (within) {
		db_key_range(within, low, high, &len);
		low[len] =
			within->prefix; /* wider ones that begin at the same address follow below */
		high[len++] = 0xff;
	}
	ok = read_span_range(s, id, low, high, len, rows, count, &cap, err);
	for (prefix = 0; ok && within && prefix < within->prefix; prefix++) {
		net_widen(within, (uint8_t)prefix, &wide);
		len = db_key(&wide, true, low);
		ok = read_span_range(s, id, low, low, len, rows, count, &cap, err);
	}
	if (*count)
		qsort(*rows, *count, sizeof(**rows), cmp_spans);
	return ok;
}

void history_spans_free(struct history_span *rows, size_t count)
{
	(void)count;
	free(rows);
}
