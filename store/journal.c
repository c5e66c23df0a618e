/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes own changes: all of one before it is sent, then what became of each edit. */
#include "store/journal.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "store/journal_records.h"

const char *journal_value(const struct edit *e, char *out, size_t size)
{
	if (e->kind == EDIT_THRESHOLD)
		return threshold_format(e->value, out, size);
	return edit_has_address(e->kind) ? e->raw : NULL;
}

/* ---- before it is sent ---- */

static bool insert_change(struct store *s, int64_t server, const char *operator_name,
	const struct change *c, int64_t undoes, int64_t *id, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"INSERT INTO change (server, time, operator, reason, forced, classes, undoes) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, server);
	sqlite3_bind_int64(q, 2, c->started > 0 ? c->started : clock_now());
	db_bind_text(q, 3, operator_name ? operator_name : "");
	db_bind_text(q, 4, c->reason ? c->reason : "");
	db_bind_text(q, 5,
		c->forced ? (c->forced_what && *c->forced_what ? c->forced_what : "forced") : "");
	sqlite3_bind_int64(q, 6, c->reset_classes);
	sqlite3_bind_int64(q, 7, undoes);
	if (!db_run(s, q, err))
		return false;
	*id = sqlite3_last_insert_rowid(s->db);
	return true;
}

static bool insert_edit(
	struct store *s, int64_t change, size_t seq, const struct edit *e, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"INSERT INTO edit (change, seq, kind, target, key, note, author, reason, created, "
		"expires, class, value) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
		err);
	uint8_t key[DB_KEY_MAX];
	char value[128];

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, change);
	sqlite3_bind_int64(q, 2, (int64_t)seq);
	db_bind_text(q, 3, edit_name(e->kind));
	db_bind_text(q, 4, e->target ? e->target : "");
	if (e->net.family)
		sqlite3_bind_blob(q, 5, key, (int)db_key(&e->net, true, key), SQLITE_STATIC);
	db_bind_text(q, 6, e->note);
	db_bind_text(q, 7, e->by);
	db_bind_text(q, 8, reason_text(e->reason));
	db_bind_time(q, 9, e->created);
	db_bind_time(q, 10, e->expires);
	db_bind_text(q, 11, class_name(e->class));
	db_bind_text(q, 12, journal_value(e, value, sizeof(value)));
	return db_run(s, q, err);
}

static bool insert_edits(struct store *s, int64_t change, const struct change *c, struct err *err)
{
	size_t i;

	if (c->count >= JOURNAL_PACK_FROM)
		return journal_pack_insert(s, change, c, err);
	for (i = 0; i < c->count; i++) {
		if (!insert_edit(s, change, i, &c->edits[i], err))
			return false;
	}
	return true;
}

bool journal_begin(struct store *s, const char *server, const char *operator_name,
	const struct change *c, int64_t undoes, int64_t *change, struct err *err)
{
	int64_t id, server_id;

	*change = 0;
	if (!db_may_write(s, err) || !db_begin(s, err))
		return false;
	server_id = db_server(s, server, true, err);
	if (server_id <= 0 || !insert_change(s, server_id, operator_name, c, undoes, &id, err) ||
		!insert_edits(s, id, c, err)) {
		db_rollback(s);
		return false;
	}
	if (!db_commit(s, err))
		return false;
	*change = id;
	return true;
}

/* ---- what became of it ---- */

static bool update_edit(
	struct store *s, int64_t change, size_t seq, const struct outcome *o, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"UPDATE edit SET verdict = ?3, why = ?4, no_op = ?5, before = ?6, after = ?7, "
		"detail = ?8, value = coalesce(?9, value) "
		"WHERE change = ?1 AND seq = ?2",
		err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, change);
	sqlite3_bind_int64(q, 2, (int64_t)seq);
	db_bind_text(q, 3, verdict_name(o->verdict));
	sqlite3_bind_int(q, 4, (int)o->why);
	sqlite3_bind_int(q, 5, o->no_op);
	db_bind_text(q, 6, o->before);
	db_bind_text(q, 7, o->after);
	db_bind_text(q, 8, o->detail);
	db_bind_text(q, 9, o->place);
	return db_run(s, q, err);
}

static bool write_step(
	struct store *s, int64_t change, size_t seq, const struct step_report *r, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"INSERT OR REPLACE INTO step (change, seq, kind, ok, ms, first, count, detail) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, change);
	sqlite3_bind_int64(q, 2, (int64_t)seq);
	sqlite3_bind_int(q, 3, (int)r->kind);
	sqlite3_bind_int(q, 4, r->ok);
	sqlite3_bind_int64(q, 5, r->ms);
	sqlite3_bind_int64(q, 6, (int64_t)r->first);
	sqlite3_bind_int64(q, 7, (int64_t)r->count);
	db_bind_text(q, 8, r->detail);
	return db_run(s, q, err);
}

static bool finish(struct store *s, int64_t change, const struct change *c, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s, "UPDATE change SET ended = ?2 WHERE id = ?1", err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, change);
	sqlite3_bind_int64(q, 2, c->ended > 0 ? c->ended : clock_now());
	return db_run(s, q, err);
}

/* ---- taken back ---- */

/* As it was wanted: what read back otherwise is taken back by nobody. */
static bool is_as_wanted(const struct journal_record *r)
{
	return strcmp(r->verdict, verdict_name(VERDICT_IN_FORCE)) == 0 ||
	       strcmp(r->verdict, verdict_name(VERDICT_STORED)) == 0;
}

/* What a change wrote, sorted; the caller frees it. */
static char **targets_taken(struct store *s, int64_t change, size_t *count, struct err *err)
{
	struct journal_cursor cur;
	char **targets = NULL;
	size_t cap = 0;

	*count = 0;
	journal_cursor_open(&cur, s, change, 0);
	while (journal_cursor_next(&cur, err) > 0) {
		if (!is_as_wanted(&cur.rec))
			continue;
		xgrow(&targets, &cap, *count + 1, sizeof(*targets));
		targets[(*count)++] = xstrdup(cur.rec.target);
	}
	journal_cursor_close(&cur);
	if (*count)
		qsort(targets, *count, sizeof(*targets), journal_compare_targets);
	return targets;
}

static bool mark_edit_undone(
	struct store *s, int64_t change, int64_t by, const char *target, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"UPDATE edit SET undone = ?2 WHERE change = ?1 AND target = ?3", err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, change);
	sqlite3_bind_int64(q, 2, by);
	db_bind_text(q, 3, target);
	return db_run(s, q, err);
}

static int64_t undoes(struct store *s, int64_t change)
{
	sqlite3_stmt *q = db_prepare(s, "SELECT undoes FROM change WHERE id = ?1", NULL);
	int64_t which = 0;

	if (q == NULL)
		return 0;
	sqlite3_bind_int64(q, 1, change);
	if (db_step(s, q, NULL) > 0)
		which = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return which;
}

/* The marks on the edits that this change took back. */
static bool mark_undone(struct store *s, int64_t change, struct err *err)
{
	int64_t which = undoes(s, change);
	size_t count, i;
	char **targets;
	bool ok = true;

	if (which <= 0)
		return true;
	targets = targets_taken(s, change, &count, err);
	if (journal_is_packed(s, which)) {
		ok = journal_pack_mark_undone(
			s, which, change, (const char *const *)targets, count, err);
	} else {
		for (i = 0; ok && i < count; i++)
			ok = mark_edit_undone(s, which, change, targets[i], err);
	}
	for (i = 0; i < count; i++)
		free(targets[i]);
	free(targets);
	return ok;
}

/* ---- bringing it up to date ---- */

/* What is on the disk of the change being carried out is not written again. */
static void remember_change(struct store *s, int64_t change, size_t edits)
{
	if (s->journal_change == change && s->journal_edits == edits)
		return;
	free(s->journal_prints);
	s->journal_prints =
		journal_is_packed(s, change)
			? xcalloc(edits / JOURNAL_PACK_EDITS + 1, sizeof(*s->journal_prints))
			: NULL;
	s->journal_change = change;
	s->journal_edits = edits;
	s->journal_steps = 0;
}

static bool update_edits(struct store *s, int64_t change, const struct change *c, struct err *err)
{
	size_t i;

	if (s->journal_prints)
		return journal_pack_update(s, change, c, err);
	for (i = 0; i < c->count; i++) {
		const struct outcome *o = &c->outcomes[i];

		if (!journal_is_untouched(o) && !update_edit(s, change, i, o, err))
			return false;
	}
	return true;
}

static bool update_steps(
	struct store *s, int64_t change, const struct change *c, bool is_done, struct err *err)
{
	size_t i;

	for (i = is_done || s->journal_steps == 0 ? 0 : s->journal_steps - 1; i < c->step_count;
		i++) {
		if (!write_step(s, change, i, &c->steps[i], err))
			return false;
	}
	s->journal_steps = c->step_count;
	return true;
}

bool journal_update(
	struct store *s, int64_t change, const struct change *c, bool is_done, struct err *err)
{
	if (!db_may_write(s, err) || !db_begin(s, err))
		return false;
	remember_change(s, change, c->count);
	if (!update_edits(s, change, c, err) || !update_steps(s, change, c, is_done, err) ||
		(is_done && (!finish(s, change, c, err) || !mark_undone(s, change, err)))) {
		db_rollback(s);
		s->journal_change = 0; /* nothing of it counts as written */
		return false;
	}
	return db_commit(s, err);
}
