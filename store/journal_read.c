/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads own changes: as rows for people, and as a change that can be taken back. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/text.h"
#include "store/db.h"
#include "store/journal.h"

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

/* ---- steps as JSON ---- */

static void add_json_text(struct buf *out, const char *s)
{
	struct buf safe = BUF_INIT;
	const char *p;

	text_safe(&safe, s, strlen(s), TEXT_LINE);
	buf_addc(out, '"');
	for (p = buf_str(&safe); *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *p);
	}
	buf_addc(out, '"');
	buf_release(&safe);
}

/* The steps that were for edit `seq` of a change; looking first is one only when it failed. */
static char *steps_json(struct store *s, int64_t change, int64_t seq)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT kind, ok, ms, detail FROM step WHERE change = ?1 AND (count = 0 OR (?2 >= "
		"first AND ?2 < first + count)) AND NOT (kind = ?3 AND ok) "
		"ORDER BY seq",
		NULL);
	struct buf out = BUF_INIT;
	char *detail;

	buf_addc(&out, '[');
	if (q) {
		sqlite3_bind_int64(q, 1, change);
		sqlite3_bind_int64(q, 2, seq);
		sqlite3_bind_int(q, 3, STEP_BEFORE);
		while (db_step(s, q, NULL) > 0) {
			buf_addf(&out,
				"%s{\"step\":\"%s\",\"ok\":%s,\"ms\":%" PRId64 ",\"detail\":",
				out.len > 1 ? "," : "",
				step_name((enum step_kind)sqlite3_column_int(q, 0)),
				sqlite3_column_int(q, 1) ? "true" : "false",
				(int64_t)sqlite3_column_int64(q, 2));
			detail = db_text(q, 3);
			add_json_text(&out, detail);
			buf_addc(&out, '}');
			free(detail);
		}
		sqlite3_reset(q);
	}
	buf_addc(&out, ']');
	return buf_take(&out, NULL);
}

/* ---- rows ---- */

static void fill_row(sqlite3_stmt *q, struct journal_row *r)
{
	char *text;

	memset(r, 0, sizeof(*r));
	r->id = sqlite3_column_int64(q, 0);
	r->change = sqlite3_column_int64(q, 1);
	r->time = db_time(q, 2);
	r->ended = db_time(q, 3);
	r->operator_name = db_text(q, 4);
	r->server = db_text(q, 5);
	text = db_text(q, 6);
	if (!edit_parse_name(text, &r->kind))
		r->kind = EDIT_COUNT;
	free(text);
	r->target = db_text(q, 7);
	text = db_text(q, 8);
	r->verdict = parse_verdict(text);
	free(text);
	r->why = (enum err_code)sqlite3_column_int(q, 9);
	r->no_op = sqlite3_column_int(q, 10);
	r->has_before = sqlite3_column_type(q, 11) != SQLITE_NULL;
	r->has_after = sqlite3_column_type(q, 12) != SQLITE_NULL;
	r->before = db_text(q, 11);
	r->after = db_text(q, 12);
	r->detail = db_text(q, 13);
	r->reason = db_text(q, 14);
	r->forced = db_text(q, 15);
	r->undoes = sqlite3_column_int64(q, 16);
	r->undone_by = sqlite3_column_int64(q, 17);
}

/* Does the query's address filter let this edit through? */
static bool fits_within(const struct net *within, sqlite3_stmt *q)
{
	struct net n;

	if (within->family == 0)
		return true;
	return db_net(sqlite3_column_blob(q, 18), sqlite3_column_bytes(q, 18), &n) &&
	       (net_contains(within, &n) || net_contains(&n, within));
}

#define UNDOABLE "e.verdict IN ('in_force', 'stored', 'mismatch') AND e.no_op = 0 AND e.undone = 0"

bool journal_list(struct store *s, const struct journal_query *jq, struct journal_row **rows,
	size_t *count, struct err *err)
{
	size_t cap = 0, i, *seqs = NULL, seq_cap = 0;
	sqlite3_stmt *q;
	int r = 0;

	*rows = NULL;
	*count = 0;
	if (!db_may_read(s, err))
		return false;
	q = db_prepare(s,
		"SELECT e.id, c.id, c.time, c.ended, c.operator, v.name, e.kind, e.target, "
		"e.verdict, e.why, e.no_op, e.before, e.after, "
		"e.detail, c.reason, c.forced, c.undoes, e.undone, e.key, e.seq "
		"FROM change c JOIN server v ON v.id = c.server JOIN edit e ON e.change = c.id "
		"WHERE (?1 IS NULL OR v.name = ?1) AND c.time >= ?2 AND c.time < ?3 AND (?4 IS "
		"NULL OR e.target = ?4) "
		"AND (?5 = 0 OR c.id = ?5) AND (?6 = 0 OR (" UNDOABLE
		")) ORDER BY c.time DESC, c.id DESC, e.seq",
		err);
	if (q == NULL)
		return false;
	db_bind_text(q, 1, jq->server);
	sqlite3_bind_int64(q, 2, jq->since == TIME_NONE ? 0 : jq->since);
	sqlite3_bind_int64(q, 3, jq->until == TIME_NONE ? INT64_MAX : jq->until);
	db_bind_text(q, 4, jq->target);
	sqlite3_bind_int64(q, 5, jq->change);
	sqlite3_bind_int(q, 6, jq->only_undoable);
	while ((!jq->limit || *count < jq->limit) && (r = db_step(s, q, err)) > 0) {
		if (!fits_within(&jq->within, q))
			continue;
		xgrow(rows, &cap, *count + 1, sizeof(**rows));
		xgrow(&seqs, &seq_cap, *count + 1, sizeof(*seqs));
		seqs[*count] = (size_t)sqlite3_column_int64(q, 19);
		fill_row(q, &(*rows)[(*count)++]);
	}
	sqlite3_reset(q);
	for (i = 0; i < *count; i++)
		(*rows)[i].steps = steps_json(s, (*rows)[i].change, (int64_t)seqs[i]);
	free(seqs);
	if (r >= 0)
		return true;
	journal_rows_free(*rows, *count);
	*rows = NULL;
	*count = 0;
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

/* NULL stays NULL. */
static char *optional(sqlite3_stmt *q, int col)
{
	return sqlite3_column_type(q, col) == SQLITE_NULL ? NULL : db_text(q, col);
}

static void load_edit(struct change *c, sqlite3_stmt *q)
{
	char *kind = db_text(q, 0), *target = db_text(q, 1), *text;
	enum edit_kind k;
	struct edit *e;
	struct outcome *o;

	if (edit_parse_name(kind, &k)) {
		e = change_add(c, k, target);
		o = &c->outcomes[c->count - 1];
		e->note = optional(q, 2);
		e->by = optional(q, 3);
		text = db_text(q, 4);
		reason_parse(text, &e->reason);
		free(text);
		e->created = db_time(q, 5);
		e->expires = db_time(q, 6);
		text = db_text(q, 7);
		if (!class_parse(text, &e->class))
			e->class = CLASS_NONE;
		free(text);
		text = optional(q, 8);
		if (text && edit_is_threshold(k))
			threshold_parse(text, &e->value, NULL);
		if (edit_is_path(k))
			o->place = text;
		else if (edit_has_address(k))
			e->raw = text;
		else
			free(text);
		text = db_text(q, 9);
		o->verdict = parse_verdict(text);
		free(text);
		o->why = (enum err_code)sqlite3_column_int(q, 10);
		o->no_op = sqlite3_column_int(q, 11);
		o->before = optional(q, 12);
		o->after = optional(q, 13);
		o->detail = optional(q, 14);
	}
	free(kind);
	free(target);
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
		detail = optional(q, 5);
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
	struct change *c;
	sqlite3_stmt *q;
	int r = -1;

	if (server)
		*server = NULL;
	if (!db_may_read(s, err))
		return NULL;
	c = change_new();
	if (!load_change(s, change, c, server, err) ||
		(edit == 0 && !load_steps(s, change, c, err)))
		goto out;
	q = db_prepare(s,
		"SELECT kind, target, note, author, reason, created, expires, class, value, "
		"verdict, why, no_op, before, after, detail "
		"FROM edit WHERE change = ?1 AND (?2 = 0 OR id = ?2) ORDER BY seq",
		err);
	if (q == NULL)
		goto out;
	sqlite3_bind_int64(q, 1, change);
	sqlite3_bind_int64(q, 2, edit);
	while ((r = db_step(s, q, err)) > 0)
		load_edit(c, q);
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

bool journal_find(struct store *s, const char *server, int64_t id, int64_t *change, int64_t *edit,
	struct err *err)
{
	sqlite3_stmt *q;
	int r;

	*change = *edit = 0;
	if (!db_may_read(s, err))
		return false;
	if (id)
		q = db_prepare(s,
			"SELECT e.change, e.id FROM edit e WHERE e.id = ?1 AND (?2 IS NULL OR ?2 "
			"IS NOT NULL)",
			err);
	else
		q = db_prepare(s,
			"SELECT c.id, 0 FROM change c JOIN edit e ON e.change = c.id JOIN server v "
			"ON v.id = c.server WHERE ?1 = 0 AND "
			"(?2 IS NULL OR v.name = ?2) AND c.undoes = 0 AND " UNDOABLE
			" ORDER BY c.time DESC, c.id DESC LIMIT 1",
			err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, id);
	db_bind_text(q, 2, server);
	r = db_step(s, q, err);
	if (r > 0) {
		*change = sqlite3_column_int64(q, 0);
		*edit = sqlite3_column_int64(q, 1);
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

int64_t journal_touched_since(
	struct store *s, const char *server, int64_t change, const char *target, struct err *err)
{
	sqlite3_stmt *q;
	int64_t found = 0;

	if (!db_may_read(s, err))
		return 0;
	q = db_prepare(s,
		"SELECT c.id FROM edit e JOIN change c ON c.id = e.change JOIN server v ON v.id = "
		"c.server WHERE e.target = ?1 AND c.id > ?2 AND "
		"(?3 IS NULL OR v.name = ?3) AND e.verdict IN ('in_force', 'stored', 'mismatch', "
		"'unknown') AND e.no_op = 0 "
		"ORDER BY c.id DESC LIMIT 1",
		err);
	if (q == NULL)
		return 0;
	db_bind_text(q, 1, target);
	sqlite3_bind_int64(q, 2, change);
	db_bind_text(q, 3, server);
	if (db_step(s, q, err) > 0)
		found = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return found;
}
