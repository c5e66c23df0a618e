/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The packed copy of the bans: made a segment at a time while they come in, read whole. A segment
 * covers a run of ban ids; what is younger than the last one is read from the table itself. */
#include "store/history_scan.h"

#include <stdlib.h>

#include "core/mem.h"

_Static_assert(sizeof(struct packed_ban) == 36 && CLASS_COUNT == 4,
	"rows of segments are packed without holes");

#define SELECT_PACKED                                                                              \
	"SELECT b.id, b.server, b.time, b.class, CASE b.account WHEN 0 THEN b.recipient ELSE "     \
	"b.account END, a.key, b.addr "                                                            \
	"FROM ban b JOIN addr a ON a.id = b.addr "

static void fill_packed(sqlite3_stmt *q, struct packed_ban *b)
{
	struct net n;

	db_net(sqlite3_column_blob(q, 5), sqlite3_column_bytes(q, 5), &n);
	memcpy(b->addr, n.addr, sizeof(b->addr));
	b->family = n.family;
	b->id = (uint32_t)sqlite3_column_int64(q, 0);
	b->addr_id = (uint32_t)sqlite3_column_int64(q, 6);
	b->server = (uint16_t)sqlite3_column_int(q, 1);
	b->time = scan_seconds(sqlite3_column_int64(q, 2));
	b->class = (uint8_t)sqlite3_column_int(q, 3);
	b->account = (uint32_t)sqlite3_column_int64(q, 4);
}

static bool write_seg(struct store *s, int64_t first, int64_t last, const struct packed_ban *rows,
	size_t count, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"INSERT OR REPLACE INTO seg (first, last, oldest, newest, data) VALUES (?1, ?2, "
		"?3, ?4, ?5)",
		err);
	uint32_t oldest = UINT32_MAX, newest = 0;
	size_t i;

	if (q == NULL)
		return false;
	for (i = 0; i < count; i++) {
		oldest = rows[i].time < oldest ? rows[i].time : oldest;
		newest = rows[i].time > newest ? rows[i].time : newest;
	}
	sqlite3_bind_int64(q, 1, first);
	sqlite3_bind_int64(q, 2, last);
	sqlite3_bind_int64(q, 3, oldest);
	sqlite3_bind_int64(q, 4, newest);
	sqlite3_bind_blob64(q, 5, rows, count * sizeof(*rows), SQLITE_STATIC);
	return db_run(s, q, err);
}

/* Reads bans with ids in (after, last], at most max. *first and *end are the ids read. -1 on
 * failure. */
static ptrdiff_t read_packed(struct store *s, int64_t after, int64_t last, struct packed_ban *rows,
	size_t max, int64_t *first, int64_t *end, struct err *err)
{
	sqlite3_stmt *q = db_prepare(
		s, SELECT_PACKED "WHERE b.id > ?1 AND b.id <= ?2 ORDER BY b.id LIMIT ?3", err);
	size_t n = 0;
	int r;

	if (q == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, after);
	sqlite3_bind_int64(q, 2, last);
	sqlite3_bind_int64(q, 3, (int64_t)max);
	while (n < max && (r = db_step(s, q, err)) != 0) {
		if (r < 0)
			return -1;
		*end = sqlite3_column_int64(q, 0);
		if (n == 0)
			*first = *end;
		fill_packed(q, &rows[n++]);
	}
	sqlite3_reset(q);
	return (ptrdiff_t)n;
}

static int64_t last_sealed(struct store *s, struct err *err)
{
	return db_number(s, "SELECT last FROM seg ORDER BY first DESC LIMIT 1", 0, err);
}

bool scan_seal(struct store *s, unsigned segs, struct err *err)
{
	int64_t sealed = last_sealed(s, err),
		newest = db_number(s, "SELECT max(id) FROM ban", 0, err), first = 0, end = 0;
	struct packed_ban *rows;
	bool ok = true;
	ptrdiff_t n;

	if (newest - sealed < SEG_ROWS)
		return true;
	rows = xcalloc(SEG_ROWS, sizeof(*rows));
	while (ok && segs-- > 0) {
		n = read_packed(s, sealed, INT64_MAX, rows, SEG_ROWS, &first, &end, err);
		if (n < SEG_ROWS) {
			ok = n >= 0;
			break;
		}
		ok = write_seg(s, first, end, rows, (size_t)n, err);
		sealed = end;
	}
	free(rows);
	return ok;
}

bool scan_reseal(struct store *s, int64_t first, int64_t last, struct err *err)
{
	struct packed_ban *rows = xcalloc(SEG_ROWS, sizeof(*rows));
	int64_t begin = first, end = last;
	ptrdiff_t n = read_packed(s, first - 1, last, rows, SEG_ROWS, &begin, &end, err);
	sqlite3_stmt *q = db_prepare(s, "DELETE FROM seg WHERE first = ?1", err);
	bool ok = n >= 0 && q != NULL;

	if (ok) {
		sqlite3_bind_int64(q, 1, first);
		ok = db_run(s, q, err);
	}
	/* The run of ids stays covered by the same bounds, so that nothing in it is taken for
	 * younger than the last segment. */
	if (ok && (n > 0 || last == last_sealed(s, NULL)))
		ok = write_seg(s, first, last, rows, (size_t)n, err);
	free(rows);
	return ok;
}

/* ---- looking through ---- */

bool scan_filter_make(
	struct store *s, const struct history_query *q, struct scan_filter *f, struct err *err)
{
	int64_t id;

	memset(f, 0, sizeof(*f));
	f->class = (uint8_t)q->class;
	f->within = q->within;
	f->since = q->since == TIME_NONE ? 0 : scan_seconds(q->since + 999);
	f->until = q->until == TIME_NONE ? 0 : scan_seconds(q->until + 999);
	if (q->until != TIME_NONE && f->until == 0)
		f->until = 1;
	if (q->server) {
		f->server = db_server(s, q->server, false, err);
		if (f->server < 0)
			return false;
		if (f->server == 0)
			f->server = -1;
	}
	if (q->account) {
		id = scan_word(s, slice_of(q->account), false, err);
		if (id < 0)
			return false;
		f->by_account = true;
		f->account = id == 0 && *q->account ? UINT32_MAX : (uint32_t)id;
	}
	return true;
}

/* *found: segments looked at; *after moves behind them. */
static bool scan_segs(struct store *s, const struct scan_filter *f, int64_t *after, unsigned segs,
	unsigned *found, void (*fn)(const struct packed_ban *, size_t, void *), void *arg,
	struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT data, last FROM seg WHERE first > ?3 AND newest >= ?1 AND oldest < ?2 "
		"ORDER BY first LIMIT ?4",
		err);
	struct packed_ban *copy = NULL;
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, f->since);
	sqlite3_bind_int64(q, 2, f->until ? f->until : INT64_MAX);
	sqlite3_bind_int64(q, 3, *after);
	sqlite3_bind_int64(q, 4, segs ? (int64_t)segs : -1);
	for (*found = 0; (r = db_step(s, q, err)) > 0; ++*found) {
		const void *data = sqlite3_column_blob(q, 0);
		size_t count = (size_t)sqlite3_column_bytes(q, 0) / sizeof(struct packed_ban);

		if (s->deadline && clock_mono() > s->deadline) {
			sqlite3_reset(q);
			db_fail(s, SQLITE_INTERRUPT, err);
			r = -1;
			break;
		}
		if (count > SEG_ROWS)
			count = SEG_ROWS;
		if ((uintptr_t)data %
			_Alignof(struct packed_ban)) { /* a small blob lies anywhere in its page */
			if (copy == NULL)
				copy = xcalloc(SEG_ROWS, sizeof(*copy));
			data = memcpy(copy, data, count * sizeof(*copy));
		}
		if (count > 0)
			fn(data, count, arg);
		*after = sqlite3_column_int64(q, 1);
	}
	free(copy);
	return r == 0;
}

/* Bans from the table itself, sealed meanwhile or not. */
static bool scan_tail(struct store *s, struct scan_at *at, size_t max, bool *is_last,
	void (*fn)(const struct packed_ban *, size_t, void *), void *arg, struct err *err)
{
	struct packed_ban *rows = xcalloc(SEG_ROWS, sizeof(*rows));
	size_t size = max && max < SEG_ROWS ? max : SEG_ROWS;
	int64_t first, end;
	ptrdiff_t n;

	do {
		n = read_packed(s, at->after, at->end, rows, size, &first, &end, err);
		if (n <= 0)
			break;
		fn(rows, (size_t)n, arg);
		at->after = end;
	} while (max == 0);
	free(rows);
	*is_last = n < (ptrdiff_t)size;
	return n >= 0;
}

static void begin_tail(struct store *s, struct scan_at *at, struct err *err)
{
	int64_t sealed = last_sealed(s, err);

	at->after = at->after > sealed ? at->after : sealed;
	at->end = db_number(s, "SELECT max(id) FROM ban", 0, err);
}

bool scan_some(struct store *s, const struct scan_filter *f, struct scan_at *at, unsigned segs,
	bool *is_last, void (*fn)(const struct packed_ban *, size_t, void *), void *arg,
	struct err *err)
{
	unsigned found = 0;
	bool ok = true;

	*is_last = f->server < 0;
	if (*is_last)
		return true;
	/* What is sealed and what is not must be told from the same state, or a seal between the
	 * two would hide bans. */
	if (!db_exec(s, "BEGIN", err))
		return false;
	if (!at->in_tail) {
		ok = scan_segs(s, f, &at->after, segs, &found, fn, arg, err);
		at->in_tail = ok && (segs == 0 || found < segs);
		if (at->in_tail)
			begin_tail(s, at, err);
		if (ok && segs == 0)
			ok = scan_tail(s, at, 0, is_last, fn, arg, err);
	} else {
		ok = scan_tail(s, at, segs ? SCAN_TAIL : 0, is_last, fn, arg, err);
	}
	db_rollback(s);
	return ok;
}

bool scan_bans(struct store *s, const struct scan_filter *f,
	void (*fn)(const struct packed_ban *, size_t, void *), void *arg, struct err *err)
{
	struct scan_at at = { .after = -1 };
	bool is_last;

	return scan_some(s, f, &at, 0, &is_last, fn, arg, err);
}

/* ---- words ---- */

int64_t scan_word(struct store *s, struct slice text, bool is_new, struct err *err)
{
	sqlite3_stmt *q;
	int64_t id = 0;
	int r;

	if (text.len == 0)
		return 0;
	q = db_prepare(s, "SELECT id FROM word WHERE text = ?1", err);
	if (q == NULL)
		return -1;
	db_bind_slice(q, 1, text);
	r = db_step(s, q, err);
	if (r > 0)
		id = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	if (r != 0 || !is_new)
		return r < 0 ? -1 : id;
	q = db_prepare(s, "INSERT INTO word (text) VALUES (?1)", err);
	if (q == NULL)
		return -1;
	db_bind_slice(q, 1, text);
	return db_run(s, q, err) ? sqlite3_last_insert_rowid(s->db) : -1;
}

char *scan_word_text(struct store *s, int64_t id)
{
	sqlite3_stmt *q =
		id > 0 ? db_prepare(s, "SELECT text FROM word WHERE id = ?1", NULL) : NULL;
	char *text = NULL;

	if (q == NULL)
		return xstrdup("");
	sqlite3_bind_int64(q, 1, id);
	if (db_step(s, q, NULL) > 0)
		text = db_text(q, 0);
	sqlite3_reset(q);
	return text ? text : xstrdup("");
}
