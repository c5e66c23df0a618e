/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the edits of a change one by one, however they are kept. */
#include "store/journal_records.h"

#include <string.h>

#include "core/mem.h"

void journal_cursor_open(struct journal_cursor *c, struct store *s, int64_t change, int64_t edit)
{
	memset(c, 0, sizeof(*c));
	c->s = s;
	c->change = change;
	c->edit = edit;
}

void journal_cursor_close(struct journal_cursor *c)
{
	if (c->rows)
		sqlite3_reset(c->rows);
	if (c->packs)
		sqlite3_reset(c->packs);
}

static const char *column_text(sqlite3_stmt *q, int col)
{
	return (const char *)sqlite3_column_text(q, col);
}

static void take_row(struct journal_record *r, sqlite3_stmt *q)
{
	r->id = sqlite3_column_int64(q, 0);
	r->seq = (size_t)sqlite3_column_int64(q, 1);
	r->kind = column_text(q, 2);
	r->target = column_text(q, 3);
	r->note = column_text(q, 4);
	r->author = column_text(q, 5);
	r->reason = column_text(q, 6);
	r->created = db_time(q, 7);
	r->expires = db_time(q, 8);
	r->class = column_text(q, 9);
	r->value = column_text(q, 10);
	r->verdict = column_text(q, 11);
	r->why = (enum err_code)sqlite3_column_int(q, 12);
	r->no_op = sqlite3_column_int(q, 13);
	r->undone = sqlite3_column_int64(q, 14);
	r->before = column_text(q, 15);
	r->after = column_text(q, 16);
	r->detail = column_text(q, 17);
}

static int next_row(struct journal_cursor *c, struct err *err)
{
	int got;

	if (c->rows == NULL) {
		c->rows = db_prepare(c->s,
			"SELECT id, seq, kind, target, note, author, reason, created, expires, "
			"class, value, verdict, why, no_op, undone, before, after, detail FROM "
			"edit WHERE change = ?1 AND (?2 = 0 OR id = ?2) ORDER BY seq",
			err);
		if (c->rows == NULL)
			return -1;
		sqlite3_bind_int64(c->rows, 1, c->change);
		sqlite3_bind_int64(c->rows, 2, c->edit);
	}
	got = db_step(c->s, c->rows, err);
	if (got > 0)
		take_row(&c->rec, c->rows);
	return got;
}

static void read_column(struct rowpack_reader *r, sqlite3_stmt *q, int col, size_t columns)
{
	const void *blob = sqlite3_column_blob(q, col);

	rowpack_read(r, blob ? blob : "", (size_t)sqlite3_column_bytes(q, col), columns);
}

static int next_pack(struct journal_cursor *c, struct err *err)
{
	int got;

	if (c->packs == NULL) {
		c->packs = db_prepare(c->s,
			"SELECT p.id, first, count, asked, became, undone FROM pack p LEFT JOIN "
			"pack_outcome o ON o.id = p.id WHERE change = ?1 AND first >= ?3 AND (?2 = "
			"0 OR (p.id <= ?2 AND ?2 < p.id + count)) ORDER BY first",
			err);
		if (c->packs == NULL)
			return -1;
		sqlite3_bind_int64(c->packs, 1, c->change);
		sqlite3_bind_int64(c->packs, 2, c->edit);
		sqlite3_bind_int64(c->packs, 3, (int64_t)c->first);
	}
	got = db_step(c->s, c->packs, err);
	if (got <= 0)
		return got;
	c->rec.id = sqlite3_column_int64(c->packs, 0) - 1;
	c->rec.seq = (size_t)sqlite3_column_int64(c->packs, 1) - 1;
	c->left = (size_t)sqlite3_column_int64(c->packs, 2);
	read_column(&c->asked, c->packs, 3, JOURNAL_ASKED_COUNT);
	read_column(&c->became, c->packs, 4, JOURNAL_BECAME_COUNT);
	read_column(&c->undone, c->packs, 5, 1);
	return 1;
}

static int64_t time_of(const struct rowpack_cell *cell)
{
	return cell->type == ROWPACK_INT ? cell->number : TIME_NONE;
}

/* What nothing is known of yet has no row in `became`, and what was not taken back none in
 * `undone`. */
static bool take_packed(struct journal_cursor *c)
{
	const struct rowpack_cell *a = c->asked.row, *b = c->became.row;
	struct journal_record *r = &c->rec;

	r->id++;
	r->seq++;
	c->left--;
	if (!rowpack_next(&c->asked) || a[JOURNAL_KIND].text == NULL ||
		a[JOURNAL_TARGET].text == NULL)
		return false;
	r->kind = a[JOURNAL_KIND].text;
	r->target = a[JOURNAL_TARGET].text;
	r->note = a[JOURNAL_NOTE].text;
	r->author = a[JOURNAL_AUTHOR].text;
	r->reason = a[JOURNAL_REASON].text;
	r->created = time_of(&a[JOURNAL_CREATED]);
	r->expires = time_of(&a[JOURNAL_EXPIRES]);
	r->class = a[JOURNAL_CLASS].text;
	rowpack_next(&c->became);
	r->value = b[JOURNAL_PLACE].text ? b[JOURNAL_PLACE].text : a[JOURNAL_VALUE].text;
	r->verdict = b[JOURNAL_VERDICT].text ? b[JOURNAL_VERDICT].text
					     : verdict_name(VERDICT_PENDING);
	r->why = (enum err_code)b[JOURNAL_WHY].number;
	r->no_op = b[JOURNAL_NO_OP].number != 0;
	r->before = b[JOURNAL_BEFORE].text;
	r->after = b[JOURNAL_AFTER].text;
	r->detail = b[JOURNAL_DETAIL].text;
	rowpack_next(&c->undone);
	r->undone = c->undone.row[0].number;
	return true;
}

static int next_packed(struct journal_cursor *c, struct err *err)
{
	int got;

	for (;;) {
		while (c->left > 0) {
			if (!take_packed(c)) {
				err_set(err, ERR_IO, "%s is damaged: edits of change %lld",
					c->s->path, (long long)c->change);
				return -1;
			}
			if (c->edit == 0 || c->rec.id == c->edit)
				return 1;
		}
		got = next_pack(c, err);
		if (got <= 0)
			return got;
	}
}

/* A change is kept in one of the two ways. */
int journal_cursor_next(struct journal_cursor *c, struct err *err)
{
	int got = 0;

	if (c->is_over)
		return 0;
	if (!c->packs)
		got = next_row(c, err);
	c->has_rows = c->has_rows || got > 0;
	if (got == 0 && !c->has_rows)
		got = next_packed(c, err);
	c->is_over = got <= 0;
	return got;
}

bool journal_took(const struct journal_record *r)
{
	static const enum verdict took[] = { VERDICT_IN_FORCE, VERDICT_STORED, VERDICT_MISMATCH };
	size_t i;

	for (i = 0; i < ARRAY_LEN(took); i++) {
		if (strcmp(r->verdict, verdict_name(took[i])) == 0)
			return true;
	}
	return false;
}

bool journal_is_undoable(const struct journal_record *r)
{
	return journal_took(r) && !r->no_op && r->undone == 0;
}

bool journal_is_untouched(const struct outcome *o)
{
	return o->verdict == VERDICT_PENDING && !o->before && !o->place;
}
