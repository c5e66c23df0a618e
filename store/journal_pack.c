/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of a change of many: written some thousands to a row, so that an import of a hundred
 * thousand waits for the server and not for its own journal. */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "store/journal_records.h"

/* ---- which targets a pack may have ---- */

#define FILTER_BYTES_PER_EDIT 2
#define FILTER_PROBES         4

static uint64_t text_hash(const char *text, size_t len)
{
	uint64_t h = UINT64_C(14695981039346656037);
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
	return h;
}

static size_t filter_bit(uint64_t hash, unsigned probe, size_t bytes)
{
	return (size_t)(((hash & UINT32_MAX) + probe * (hash >> 32 | 1)) % (bytes * 8));
}

static void filter_add(unsigned char *filter, size_t bytes, const char *target)
{
	uint64_t hash = text_hash(target, strlen(target));
	unsigned i;

	for (i = 0; i < FILTER_PROBES; i++) {
		size_t bit = filter_bit(hash, i, bytes);

		filter[bit / 8] |= (unsigned char)(1u << bit % 8);
	}
}

static bool filter_may_hold(
	const unsigned char *filter, size_t bytes, const char *target, size_t len)
{
	uint64_t hash = text_hash(target, len);
	unsigned i;

	for (i = 0; i < FILTER_PROBES; i++) {
		size_t bit = filter_bit(hash, i, bytes);

		if (!(filter[bit / 8] & 1u << bit % 8))
			return false;
	}
	return true;
}

static void may_hold(sqlite3_context *context, int count, sqlite3_value **values)
{
	const unsigned char *filter = sqlite3_value_blob(values[0]);
	const char *target = (const char *)sqlite3_value_text(values[1]);
	int bytes = sqlite3_value_bytes(values[0]);

	(void)count;
	sqlite3_result_int(context,
		target && filter && bytes > 0 &&
			filter_may_hold(filter, (size_t)bytes, target,
				(size_t)sqlite3_value_bytes(values[1])));
}

bool journal_define_functions(struct store *s, struct err *err)
{
	int code = sqlite3_create_function_v2(s->db, "may_hold", 2,
		SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, may_hold, NULL, NULL, NULL);

	return code == SQLITE_OK || db_fail(s, code, err);
}

/* ---- before it is sent ---- */

static struct rowpack_cell cell_time(int64_t t)
{
	return t == TIME_NONE ? (struct rowpack_cell){ .type = ROWPACK_NULL } : rowpack_int(t);
}

static void add_asked(struct rowpack *p, const struct edit *e)
{
	char value[128];

	rowpack_add(p,
		(struct rowpack_cell[JOURNAL_ASKED_COUNT]){
			[JOURNAL_KIND] = rowpack_text(edit_name(e->kind)),
			[JOURNAL_TARGET] = rowpack_text(e->target ? e->target : ""),
			[JOURNAL_NOTE] = rowpack_text(e->note),
			[JOURNAL_AUTHOR] = rowpack_text(e->by),
			[JOURNAL_REASON] = rowpack_text(reason_text(e->reason)),
			[JOURNAL_CREATED] = cell_time(e->created),
			[JOURNAL_EXPIRES] = cell_time(e->expires),
			[JOURNAL_CLASS] = rowpack_text(class_name(e->class)),
			[JOURNAL_VALUE] = rowpack_text(journal_value(e, value, sizeof(value))) });
}

/* Ids of packed edits and of those with a row of their own are one sequence. */
static bool reserve_ids(struct store *s, size_t count, int64_t *first, struct err *err)
{
	sqlite3_stmt *q = db_prepare(
		s, "UPDATE sqlite_sequence SET seq = seq + ?1 WHERE name = 'edit'", err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, (int64_t)count);
	if (!db_run(s, q, err))
		return false;
	if (sqlite3_changes(s->db) == 0) {
		q = db_prepare(
			s, "INSERT INTO sqlite_sequence (name, seq) VALUES ('edit', ?1)", err);
		if (q == NULL)
			return false;
		sqlite3_bind_int64(q, 1, (int64_t)count);
		if (!db_run(s, q, err))
			return false;
	}
	*first = 1 - (int64_t)count +
		 db_number(s, "SELECT seq FROM sqlite_sequence WHERE name = 'edit'", 0, err);
	return *first > 0;
}

static bool insert_pack(struct store *s, int64_t id, int64_t change, size_t first, size_t count,
	const struct buf *filter, const struct buf *asked, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"INSERT INTO pack (id, change, first, count, targets, asked) VALUES (?1, ?2, ?3, "
		"?4, ?5, ?6)",
		err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, id);
	sqlite3_bind_int64(q, 2, change);
	sqlite3_bind_int64(q, 3, (int64_t)first);
	sqlite3_bind_int64(q, 4, (int64_t)count);
	sqlite3_bind_blob64(q, 5, filter->data, filter->len, SQLITE_STATIC);
	sqlite3_bind_blob64(q, 6, asked->data, asked->len, SQLITE_STATIC);
	return db_run(s, q, err);
}

static size_t pack_end(size_t first, size_t count)
{
	return count - first < JOURNAL_PACK_EDITS ? count : first + JOURNAL_PACK_EDITS;
}

bool journal_pack_insert(struct store *s, int64_t change, const struct change *c, struct err *err)
{
	struct rowpack asked = { 0 };
	struct buf filter = BUF_INIT;
	size_t first, end, i;
	int64_t id;
	bool ok = reserve_ids(s, c->count, &id, err);

	for (first = 0; ok && first < c->count; first = end) {
		size_t bytes;

		end = pack_end(first, c->count);
		bytes = (end - first) * FILTER_BYTES_PER_EDIT;
		rowpack_begin(&asked, JOURNAL_ASKED_COUNT);
		buf_reset(&filter);
		memset(buf_room(&filter, bytes), 0, bytes);
		buf_used(&filter, bytes);
		for (i = first; i < end; i++) {
			add_asked(&asked, &c->edits[i]);
			filter_add((unsigned char *)filter.data, bytes,
				c->edits[i].target ? c->edits[i].target : "");
		}
		ok = insert_pack(s, id + (int64_t)first, change, first, end - first, &filter,
			&asked.out, err);
	}
	rowpack_release(&asked);
	buf_release(&filter);
	return ok;
}

/* ---- what became of them ---- */

/* Values are kept as they were read: bytes of the server's, not necessarily text. */
static void add_became(struct rowpack *p, const struct outcome *o)
{
	rowpack_add(p,
		(struct rowpack_cell[JOURNAL_BECAME_COUNT]){
			[JOURNAL_VERDICT] = rowpack_text(verdict_name(o->verdict)),
			[JOURNAL_WHY] = rowpack_int(o->why),
			[JOURNAL_NO_OP] = rowpack_int(o->no_op),
			[JOURNAL_BEFORE] = rowpack_text(o->before),
			[JOURNAL_AFTER] = rowpack_text(o->after),
			[JOURNAL_DETAIL] = rowpack_text(o->detail),
			[JOURNAL_PLACE] = rowpack_text(o->place) });
}

static bool update_pack(struct store *s, int64_t change, size_t first, const struct buf *became,
	size_t undoable, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"INSERT INTO pack_outcome (id, became, undoable) SELECT id, ?3, ?4 FROM pack WHERE "
		"change = ?1 AND first = ?2 ON CONFLICT (id) DO UPDATE SET became = "
		"excluded.became, undoable = iif(undone IS NULL, excluded.undoable, undoable)",
		err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, change);
	sqlite3_bind_int64(q, 2, (int64_t)first);
	sqlite3_bind_blob64(q, 3, became->data, became->len, SQLITE_STATIC);
	sqlite3_bind_int64(q, 4, (int64_t)undoable);
	return db_run(s, q, err);
}

/* Packs that are on the disk as they are now are left alone: a change of a hundred thousand edits is
 * brought up to date twice a second. */
bool journal_pack_update(struct store *s, int64_t change, const struct change *c, struct err *err)
{
	struct rowpack became = { 0 };
	size_t first, end, i;
	bool ok = true;

	for (first = 0; ok && first < c->count; first = end) {
		uint32_t *print = &s->journal_prints[first / JOURNAL_PACK_EDITS];
		size_t undoable = 0;
		uint32_t now;

		end = pack_end(first, c->count);
		for (i = first; i < end && journal_is_untouched(&c->outcomes[i]); i++)
			;
		if (i == end)
			continue;
		rowpack_begin(&became, JOURNAL_BECAME_COUNT);
		for (i = first; i < end; i++) {
			const struct outcome *o = &c->outcomes[i];

			undoable += (o->verdict == VERDICT_IN_FORCE ||
					    o->verdict == VERDICT_STORED ||
					    o->verdict == VERDICT_MISMATCH) &&
				    !o->no_op;
			add_became(&became, o);
		}
		now = (uint32_t)(text_hash(became.out.data, became.out.len) >> 32) | 1;
		if (*print == now)
			continue;
		ok = update_pack(s, change, first, &became.out, undoable, err);
		*print = now;
	}
	rowpack_release(&became);
	return ok;
}

bool journal_is_packed(struct store *s, int64_t change)
{
	sqlite3_stmt *q = db_prepare(s, "SELECT 1 FROM pack WHERE change = ?1 LIMIT 1", NULL);
	bool is;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, change);
	is = db_step(s, q, NULL) > 0;
	sqlite3_reset(q);
	return is;
}

/* ---- taken back ---- */

int journal_compare_targets(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The marks of one pack, written when the cursor is past it. */
struct marks {
	struct rowpack undone;
	size_t first, marked, undoable;
};

static bool write_marks(struct store *s, int64_t change, struct marks *m, struct err *err)
{
	sqlite3_stmt *q;

	if (m->marked == 0)
		return true;
	q = db_prepare(s,
		"UPDATE pack_outcome SET undone = ?3, undoable = ?4 WHERE id = (SELECT id FROM pack "
		"WHERE change = ?1 AND first = ?2)",
		err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, change);
	sqlite3_bind_int64(q, 2, (int64_t)m->first);
	sqlite3_bind_blob64(q, 3, m->undone.out.data, m->undone.out.len, SQLITE_STATIC);
	sqlite3_bind_int64(q, 4, (int64_t)m->undoable);
	return db_run(s, q, err);
}

bool journal_pack_mark_undone(struct store *s, int64_t change, int64_t by,
	const char *const *targets, size_t count, struct err *err)
{
	struct marks m = { 0 };
	struct journal_cursor cur;
	bool ok = true;
	int got;

	journal_cursor_open(&cur, s, change, 0);
	while (ok && (got = journal_cursor_next(&cur, err)) != 0) {
		bool hit;

		if (got < 0) {
			ok = false;
			break;
		}
		if (cur.rec.seq % JOURNAL_PACK_EDITS == 0) {
			ok = write_marks(s, change, &m, err);
			m.first = cur.rec.seq;
			m.marked = m.undoable = 0;
			rowpack_begin(&m.undone, 1);
		}
		hit = count && bsearch(&cur.rec.target, targets, count, sizeof(*targets),
				       journal_compare_targets);
		m.marked += hit;
		if (hit)
			cur.rec.undone = by;
		m.undoable += journal_is_undoable(&cur.rec);
		rowpack_add(&m.undone,
			(struct rowpack_cell[]){ rowpack_int(cur.rec.undone) });
	}
	ok = ok && write_marks(s, change, &m, err);
	journal_cursor_close(&cur);
	rowpack_release(&m.undone);
	return ok;
}

/* ---- looking for a target ---- */

static int compare_fitting(const void *a, const void *b)
{
	const struct journal_fitting *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

void journal_finder_release(struct journal_finder *f)
{
	free(f->fitting);
	memset(f, 0, sizeof(*f));
}

/* The edits of a pack that fit, by what their targets hash to. A pack whose verdicts changed is read
 * again. */
static void read_pack(struct journal_finder *f, struct store *s, int64_t change, int64_t first,
	int64_t count, int64_t undoable)
{
	struct journal_cursor cur;

	if (f->change == change && f->first == first && f->undoable == undoable)
		return;
	f->change = change;
	f->first = first;
	f->undoable = undoable;
	f->count = 0;
	journal_cursor_open(&cur, s, change, 0);
	cur.first = (size_t)first;
	while (journal_cursor_next(&cur, NULL) > 0 &&
		cur.rec.seq < (size_t)(first + count)) {
		if (!f->fits(&cur.rec))
			continue;
		xgrow(&f->fitting, &f->cap, f->count + 1, sizeof(*f->fitting));
		f->fitting[f->count++].hash = text_hash(cur.rec.target, strlen(cur.rec.target));
	}
	journal_cursor_close(&cur);
	if (f->count)
		qsort(f->fitting, f->count, sizeof(*f->fitting), compare_fitting);
}

int64_t journal_find_packed(struct journal_finder *f, struct store *s, const char *target,
	int64_t server, int64_t after, int64_t since)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT p.change, p.first, p.count, o.undoable FROM pack p JOIN change c ON c.id = "
		"p.change JOIN pack_outcome o ON o.id = p.id WHERE p.change > ?1 AND c.time >= ?2 AND (?3 = 0 OR c.server = ?3) AND "
		"may_hold(p.targets, ?4) ORDER BY p.change DESC",
		NULL);
	struct journal_fitting key = { text_hash(target, strlen(target)) };
	int64_t found = 0;

	if (q == NULL)
		return 0;
	sqlite3_bind_int64(q, 1, after);
	sqlite3_bind_int64(q, 2, since);
	sqlite3_bind_int64(q, 3, server);
	db_bind_text(q, 4, target);
	while (found == 0 && db_step(s, q, NULL) > 0) {
		read_pack(f, s, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
			sqlite3_column_int64(q, 2), sqlite3_column_int64(q, 3));
		if (f->count &&
			bsearch(&key, f->fitting, f->count, sizeof(key), compare_fitting))
			found = f->change;
	}
	sqlite3_reset(q);
	return found;
}
