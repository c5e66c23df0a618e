/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes own changes: all of one before it is sent, then what became of each edit. */
#include "store/journal.h"

#include <stdlib.h>

#include "core/mem.h"
#include "core/text.h"
#include "store/db.h"

/* ---- writing ---- */

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
	if (e->kind == EDIT_THRESHOLD)
		db_bind_text(q, 12, threshold_format(&e->value, value, sizeof(value)));
	else if (edit_has_address(e->kind))
		db_bind_text(q, 12, e->raw);
	return db_run(s, q, err);
}

bool journal_begin(struct store *s, const char *server, const char *operator_name,
	const struct change *c, int64_t undoes, int64_t *change, struct err *err)
{
	int64_t id, server_id;
	size_t i;

	*change = 0;
	if (!db_may_write(s, err) || !db_begin(s, err))
		return false;
	server_id = db_server(s, server, true, err);
	if (server_id <= 0 || !insert_change(s, server_id, operator_name, c, undoes, &id, err))
		goto out;
	for (i = 0; i < c->count; i++) {
		if (!insert_edit(s, id, i, &c->edits[i], err))
			goto out;
	}
	if (!db_commit(s, err))
		return false;
	*change = id;
	return true;
out:
	db_rollback(s);
	return false;
}

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

/* The end, and the marks on the edits that this change took back. */
static bool finish(struct store *s, int64_t change, const struct change *c, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s, "UPDATE change SET ended = ?2 WHERE id = ?1", err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, change);
	sqlite3_bind_int64(q, 2, c->ended > 0 ? c->ended : clock_now());
	if (!db_run(s, q, err))
		return false;
	q = db_prepare(s,
		"UPDATE edit SET undone = ?1 WHERE change = (SELECT undoes FROM change WHERE id = "
		"?1 AND undoes > 0) AND target IN "
		"(SELECT target FROM edit WHERE change = ?1 AND verdict IN ('in_force', 'stored', "
		"'mismatch'))",
		err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, change);
	return db_run(s, q, err);
}

#define PRINT_BYTES 64 /* of a text: enough to tell one state of an edit from the next */

static uint64_t add_print(uint64_t h, const char *text)
{
	size_t i, n = text ? strnlen(text, PRINT_BYTES) : 0;

	h = (h ^ (text != NULL)) * UINT64_C(1099511628211);
	for (i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
	return h;
}

/* Tells whether an outcome is still the one that is on disk; a change of 100,000 edits is brought
 * up to date twice a second. */
static uint32_t outcome_print(const struct outcome *o)
{
	uint64_t h = UINT64_C(14695981039346656037) ^
		     ((uint64_t)o->verdict << 16 | (uint64_t)o->why << 8 | o->no_op);

	h = add_print(add_print(add_print(h, o->before), o->after), o->detail);
	return (uint32_t)(h >> 32) | 1;
}

static void remember_change(struct store *s, int64_t change, size_t edits)
{
	if (s->journal_change == change && s->journal_edits == edits)
		return;
	free(s->journal_prints);
	s->journal_prints = xcalloc(edits + 1, sizeof(*s->journal_prints));
	s->journal_change = change;
	s->journal_edits = edits;
	s->journal_steps = 0;
}

bool journal_update(
	struct store *s, int64_t change, const struct change *c, bool is_done, struct err *err)
{
	size_t i;

	if (!db_may_write(s, err) || !db_begin(s, err))
		return false;
	remember_change(s, change, c->count);
	for (i = 0; i < c->count; i++) {
		uint32_t print = outcome_print(&c->outcomes[i]);

		/* What is still to come was written as pending; what it will replace is kept, for whoever
		 * finds the change cut off. */
		if ((c->outcomes[i].verdict == VERDICT_PENDING && !c->outcomes[i].before &&
			    !c->outcomes[i].place) ||
			s->journal_prints[i] == print)
			continue;
		if (!update_edit(s, change, i, &c->outcomes[i], err))
			goto out;
		s->journal_prints[i] = print;
	}
	for (i = is_done || s->journal_steps == 0 ? 0 : s->journal_steps - 1; i < c->step_count;
		i++) {
		if (!write_step(s, change, i, &c->steps[i], err))
			goto out;
	}
	s->journal_steps = c->step_count;
	if (is_done && !finish(s, change, c, err))
		goto out;
	if (db_commit(s, err))
		return true;
out:
	db_rollback(s);
	s->journal_change = 0; /* nothing of it counts as written */
	return false;
}
