/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads own changes: as rows for people, and as a change that can be taken back. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/text.h"
#include "store/journal.h"
#include "store/journal_records.h"

void journal_query_init(struct journal_query *q)
{
	memset(q, 0, sizeof(*q));
	q->since = q->until = TIME_NONE;
}

static enum verdict parse_verdict(const char *s)
{
	int v;

	for (v = 0; v < VERDICT_COUNT; v++) {
		if (strcmp(s, verdict_name((enum verdict)v)) == 0)
			return (enum verdict)v;
	}
	return VERDICT_UNKNOWN;
}

/* ---- rows ---- */

static char *copy_of(const char *text)
{
	return xstrdup(text ? text : "");
}

/* What is the change's own: columns of the query in journal_list(). */
static void fill_change(struct journal_row *r, sqlite3_stmt *q)
{
	memset(r, 0, sizeof(*r));
	r->change = sqlite3_column_int64(q, 0);
	r->time = db_time(q, 1);
	r->ended = db_time(q, 2);
	r->operator_name = db_text(q, 3);
	r->server = db_text(q, 4);
	r->reason = db_text(q, 5);
	r->forced = db_text(q, 6);
	r->undoes = sqlite3_column_int64(q, 7);
}

static void fill_edit(struct journal_row *r, const struct journal_record *rec)
{
	r->id = rec->id;
	if (!edit_parse_name(rec->kind, &r->kind))
		r->kind = EDIT_COUNT;
	r->target = copy_of(rec->target);
	r->verdict = parse_verdict(rec->verdict);
	r->why = rec->why;
	r->no_op = rec->no_op;
	r->has_before = rec->before != NULL;
	r->has_after = rec->after != NULL;
	r->before = copy_of(rec->before);
	r->after = copy_of(rec->after);
	r->detail = copy_of(rec->detail);
	r->undone_by = rec->undone;
}

/* Does the query let this edit through? */
static bool fits(const struct journal_query *jq, const struct journal_record *rec)
{
	enum edit_kind kind;
	struct net n;

	if ((jq->target && strcmp(jq->target, rec->target) != 0) ||
		(jq->only_undoable && !journal_is_undoable(rec)))
		return false;
	if (jq->within.family == 0)
		return true;
	return edit_parse_name(rec->kind, &kind) && edit_has_address(kind) &&
	       net_parse(rec->target, strlen(rec->target), &n, NULL) &&
	       (net_contains(&jq->within, &n) || net_contains(&n, &jq->within));
}

struct rows {
	struct journal_row *rows;
	size_t count, cap;
};

static size_t count_edits(struct store *s, int64_t change)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT (SELECT count(*) FROM edit WHERE change = ?1) + (SELECT ifnull(sum(count), 0) "
		"FROM pack WHERE change = ?1)",
		NULL);
	size_t n = 0;

	if (q == NULL)
		return 0;
	sqlite3_bind_int64(q, 1, change);
	if (db_step(s, q, NULL) > 0)
		n = (size_t)sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return n;
}

/* The last row of a change that was cut short says so. */
static void note_more(struct store *s, struct journal_row *last, const struct journal_record *rec)
{
	size_t all = count_edits(s, last->change);

	last->more = all > rec->seq + 1 ? all - rec->seq - 1 : 0;
}

/* 1 all of them, 0 there are as many as were asked for, -1 failed. */
static int list_edits(struct store *s, const struct journal_query *jq, sqlite3_stmt *changes,
	struct rows *out, struct err *err)
{
	struct journal_cursor cur;
	struct journal_steps steps = { 0 };
	int64_t before = -1; /* the edit whose steps the last row has */
	size_t begin = out->count;
	int got = 1;

	journal_cursor_open(&cur, s, sqlite3_column_int64(changes, 0), 0);
	while ((!jq->limit || out->count < jq->limit) && (got = journal_cursor_next(&cur, err)) > 0) {
		struct journal_row *r;

		if (!fits(jq, &cur.rec))
			continue;
		xgrow(&out->rows, &out->cap, out->count + 1, sizeof(*out->rows));
		r = &out->rows[out->count++];
		fill_change(r, changes);
		fill_edit(r, &cur.rec);
		if (before < 0)
			journal_steps_load(&steps, s, r->change);
		r->steps = before >= 0 && journal_steps_same(&steps, before, (int64_t)cur.rec.seq)
				   ? xstrdup(r[-1].steps)
				   : journal_steps_json(&steps, (int64_t)cur.rec.seq);
		before = (int64_t)cur.rec.seq;
		if (jq->each && out->count - begin == jq->each) {
			note_more(s, r, &cur.rec);
			got = 0;
			break;
		}
	}
	journal_cursor_close(&cur);
	journal_steps_release(&steps);
	return got < 0 ? -1 : got == 0;
}

bool journal_list(struct store *s, const struct journal_query *jq, struct journal_row **rows,
	size_t *count, struct err *err)
{
	struct rows out = { 0 };
	sqlite3_stmt *q;
	int r = 0, more = 1;

	*rows = NULL;
	*count = 0;
	if (!db_may_read(s, err))
		return false;
	q = db_prepare(s,
		"SELECT c.id, c.time, c.ended, c.operator, v.name, c.reason, c.forced, c.undoes "
		"FROM change c JOIN server v ON v.id = c.server "
		"WHERE (?1 IS NULL OR v.name = ?1) AND c.time >= ?2 AND c.time < ?3 "
		"AND (?4 IS NULL OR c.id IN (SELECT change FROM edit WHERE target = ?4) OR EXISTS "
		"(SELECT 1 FROM pack p WHERE p.change = c.id AND may_hold(p.targets, ?4))) "
		"AND (?5 = 0 OR c.id = ?5) ORDER BY c.time DESC, c.id DESC",
		err);
	if (q == NULL)
		return false;
	db_bind_text(q, 1, jq->server);
	sqlite3_bind_int64(q, 2, jq->since == TIME_NONE ? 0 : jq->since);
	sqlite3_bind_int64(q, 3, jq->until == TIME_NONE ? INT64_MAX : jq->until);
	db_bind_text(q, 4, jq->target);
	sqlite3_bind_int64(q, 5, jq->change);
	while (more > 0 && (r = db_step(s, q, err)) > 0)
		more = list_edits(s, jq, q, &out, err);
	sqlite3_reset(q);
	if (r >= 0 && more >= 0) {
		*rows = out.rows;
		*count = out.count;
		return true;
	}
	journal_rows_free(out.rows, out.count);
	return false;
}

void journal_rows_free(struct journal_row *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct journal_row *r = &rows[i];
		char *texts[] = { r->operator_name, r->server, r->target, r->before, r->after,
			r->detail, r->reason, r->forced, r->steps };
		size_t k;

		for (k = 0; k < ARRAY_LEN(texts); k++)
			free(texts[k]);
	}
	free(rows);
}

/* ---- as a change ---- */

static char *optional(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void load_edit(struct change *c, const struct journal_record *rec)
{
	enum edit_kind k;
	struct edit *e;
	struct outcome *o;

	if (!edit_parse_name(rec->kind, &k))
		return;
	e = change_add(c, k, rec->target);
	o = &c->outcomes[c->count - 1];
	e->note = optional(rec->note);
	e->by = optional(rec->author);
	reason_parse(rec->reason ? rec->reason : "", &e->reason);
	e->created = rec->created;
	e->expires = rec->expires;
	if (!rec->class || !class_parse(rec->class, &e->class))
		e->class = CLASS_NONE;
	if (rec->value && edit_is_threshold(k))
		threshold_parse(rec->value, e->value, NULL);
	if (edit_is_path(k))
		o->place = optional(rec->value);
	else if (edit_has_address(k))
		e->raw = optional(rec->value);
	o->verdict = parse_verdict(rec->verdict);
	o->why = rec->why;
	o->no_op = rec->no_op;
	o->before = optional(rec->before);
	o->after = optional(rec->after);
	o->detail = optional(rec->detail);
}

static bool load_change(
	struct store *s, int64_t id, struct change *c, char **server, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT c.time, c.ended, c.reason, c.forced, c.classes, v.name FROM change c JOIN "
		"server v ON v.id = c.server "
		"WHERE c.id = ?1",
		err);
	char *forced;
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, id);
	r = db_step(s, q, err);
	if (r <= 0)
		return r == 0 ? err_set(err, ERR_NOT_FOUND,
					"there is no change %" PRId64 " in the journal", id)
			      : false;
	c->started = sqlite3_column_int64(q, 0);
	c->ended = sqlite3_column_type(q, 1) == SQLITE_NULL ? 0 : sqlite3_column_int64(q, 1);
	c->reason = db_text(q, 2);
	if (!*c->reason) {
		free(c->reason);
		c->reason = NULL;
	}
	forced = db_text(q, 3);
	c->forced = *forced != '\0';
	if (c->forced)
		c->forced_what = xstrdup(forced);
	free(forced);
	c->reset_classes = (unsigned)sqlite3_column_int64(q, 4);
	if (server)
		*server = db_text(q, 5);
	sqlite3_reset(q);
	return true;
}

static bool load_steps(struct store *s, int64_t change, struct change *c, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT kind, ok, ms, first, count, detail FROM step WHERE change = ?1 ORDER BY "
		"seq",
		err);
	char *detail;
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, change);
	while ((r = db_step(s, q, err)) > 0) {
		int kind = sqlite3_column_int(q, 0);

		if (kind < 0 || kind >= STEP_COUNT)
			continue;
		detail = sqlite3_column_type(q, 5) == SQLITE_NULL ? NULL : db_text(q, 5);
		change_step(c, (enum step_kind)kind, sqlite3_column_int(q, 1),
			sqlite3_column_int64(q, 2), (size_t)sqlite3_column_int64(q, 3),
			(size_t)sqlite3_column_int64(q, 4), detail);
		free(detail);
	}
	return r == 0;
}

struct change *journal_load(
	struct store *s, int64_t change, int64_t edit, char **server, struct err *err)
{
	struct journal_cursor cur;
	struct change *c;
	int r = -1;

	if (server)
		*server = NULL;
	if (!db_may_read(s, err))
		return NULL;
	c = change_new();
	if (!load_change(s, change, c, server, err) ||
		(edit == 0 && !load_steps(s, change, c, err)))
		goto out;
	journal_cursor_open(&cur, s, change, edit);
	while ((r = journal_cursor_next(&cur, err)) > 0)
		load_edit(c, &cur.rec);
	journal_cursor_close(&cur);
	if (r == 0)
		return c;
out:
	change_free(c);
	if (server) {
		free(*server);
		*server = NULL;
	}
	return NULL;
}

/* Statements for the row with an id, and for the newest change that can be taken back. */
static const char find_edit[] =
	"SELECT change FROM edit WHERE id = ?1 UNION ALL SELECT change FROM pack WHERE id <= ?1 "
	"AND ?1 < id + count";
static const char find_newest[] =
	"SELECT c.id FROM change c JOIN server v ON v.id = c.server WHERE (?2 IS NULL OR v.name = "
	"?2) AND c.undoes = 0 AND (EXISTS (SELECT 1 FROM edit e WHERE e.change = c.id AND "
	"e.verdict IN ('in_force', 'stored', 'mismatch') AND e.no_op = 0 AND e.undone = 0) OR "
	"EXISTS (SELECT 1 FROM pack p JOIN pack_outcome o ON o.id = p.id WHERE p.change = c.id AND "
	"o.undoable > 0)) ORDER BY c.time DESC, c.id DESC LIMIT 1";

bool journal_find(struct store *s, const char *server, int64_t id, int64_t *change, int64_t *edit,
	struct err *err)
{
	sqlite3_stmt *q;
	int r;

	*change = *edit = 0;
	if (!db_may_read(s, err))
		return false;
	q = db_prepare(s, id ? find_edit : find_newest, err);
	if (q == NULL)
		return false;
	if (id)
		sqlite3_bind_int64(q, 1, id);
	else
		db_bind_text(q, 2, server);
	r = db_step(s, q, err);
	if (r > 0) {
		*change = sqlite3_column_int64(q, 0);
		*edit = id;
	}
	sqlite3_reset(q);
	if (r == 0)
		return id ? err_set(err, ERR_NOT_FOUND,
				    "there is no entry %" PRId64 " in the journal", id)
			  : err_set(err, ERR_NOT_FOUND, "there is nothing to undo");
	return r > 0;
}

bool journal_unended(
	struct store *s, const char *server, int64_t **changes, size_t *count, struct err *err)
{
	sqlite3_stmt *q;
	size_t cap = 0;
	int r;

	*changes = NULL;
	*count = 0;
	if (!db_may_read(s, err))
		return false;
	q = db_prepare(s,
		"SELECT c.id FROM change c JOIN server v ON v.id = c.server WHERE c.ended IS NULL "
		"AND v.name = ?1 ORDER BY c.id",
		err);
	if (q == NULL)
		return false;
	db_bind_text(q, 1, server);
	while ((r = db_step(s, q, err)) > 0) {
		xgrow(changes, &cap, *count + 1, sizeof(**changes));
		(*changes)[(*count)++] = sqlite3_column_int64(q, 0);
	}
	return r == 0;
}

static bool may_have_written(const struct journal_record *r)
{
	return (journal_took(r) || strcmp(r->verdict, verdict_name(VERDICT_UNKNOWN)) == 0) &&
	       !r->no_op;
}

int64_t journal_touched_since(
	struct store *s, const char *server, int64_t change, const char *target, struct err *err)
{
	struct journal_finder finder = { .fits = may_have_written };
	int64_t found = 0, packed, id = 0;
	sqlite3_stmt *q;

	if (!db_may_read(s, err))
		return 0;
	if (server && (id = db_server(s, server, false, err)) <= 0)
		return 0;
	q = db_prepare(s,
		"SELECT c.id FROM edit e JOIN change c ON c.id = e.change WHERE e.target = ?1 AND "
		"c.id > ?2 AND (?3 = 0 OR c.server = ?3) AND e.verdict IN ('in_force', 'stored', "
		"'mismatch', 'unknown') AND e.no_op = 0 "
		"ORDER BY c.id DESC LIMIT 1",
		err);
	if (q == NULL)
		return 0;
	db_bind_text(q, 1, target);
	sqlite3_bind_int64(q, 2, change);
	sqlite3_bind_int64(q, 3, id);
	if (db_step(s, q, err) > 0)
		found = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	packed = journal_find_packed(&finder, s, target, id, change, 0);
	journal_finder_release(&finder);
	return packed > found ? packed : found;
}
