/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The edits of a change as they are kept: a row each in `edit`, or, of a change of many, some
 * thousands to a row of `pack`. Private to the journal's files in store/. */
#ifndef STORE_JOURNAL_RECORDS_H
#define STORE_JOURNAL_RECORDS_H

#include "model/change.h"
#include "store/db.h"
#include "store/rowpack.h"

#define JOURNAL_PACK_FROM  256  /* edits of a change from which they are packed */
#define JOURNAL_PACK_EDITS 2048 /* to one row */

/* Columns of pack.asked and pack_outcome.became. New ones come last: old packs are without them. */
enum {
	JOURNAL_KIND,
	JOURNAL_TARGET,
	JOURNAL_NOTE,
	JOURNAL_AUTHOR,
	JOURNAL_REASON,
	JOURNAL_CREATED,
	JOURNAL_EXPIRES,
	JOURNAL_CLASS,
	JOURNAL_VALUE,
	JOURNAL_ASKED_COUNT
};
enum {
	JOURNAL_VERDICT,
	JOURNAL_WHY,
	JOURNAL_NO_OP,
	JOURNAL_BEFORE,
	JOURNAL_AFTER,
	JOURNAL_DETAIL,
	JOURNAL_PLACE,
	JOURNAL_BECAME_COUNT
};

/* One edit. Texts are borrowed until the next one is asked for; NULL = absent. */
struct journal_record {
	int64_t id;
	size_t seq;
	const char *kind, *target, *note, *author, *reason, *class, *value;
	int64_t created, expires; /* TIME_NONE = absent */
	const char *verdict, *before, *after, *detail;
	enum err_code why;
	bool no_op;
	int64_t undone; /* the change that took it back, 0 = none */
};

/* All edits of a change in order, or the one with that id. One cursor at a time. */
struct journal_cursor {
	struct store *s;
	int64_t change, edit;
	size_t first; /* set it to begin with that pack */
	sqlite3_stmt *rows, *packs;
	bool has_rows, is_over;
	size_t left; /* in the pack */
	struct rowpack_reader asked, became, undone;
	struct journal_record rec;
};
void journal_cursor_open(struct journal_cursor *c, struct store *s, int64_t change, int64_t edit);
int journal_cursor_next(
	struct journal_cursor *c, struct err *err); /* 1 rec is there, 0 end, -1 failed */
void journal_cursor_close(struct journal_cursor *c);

/* What edit.value and pack.asked keep beside the target, or NULL: a threshold in words, the text that
 * an undo puts back. */
const char *journal_value(const struct edit *e, char *out, size_t size);

/* It was written as pending; but what it will replace is kept, for whoever finds the change cut off. */
bool journal_is_untouched(const struct outcome *o);
/* Took, and not taken back: what `undo` can take back. */
bool journal_is_undoable(const struct journal_record *r);
/* In force, stored or differing: something was written. */
bool journal_took(const struct journal_record *r);

/* journal_steps.c. The steps of a change; zero it first. */
struct journal_step {
	enum step_kind kind;
	bool ok;
	int64_t ms, first, count;
	char *detail;
};

struct journal_steps {
	struct journal_step *rows;
	size_t count, cap;
};
void journal_steps_load(struct journal_steps *t, struct store *s,
	int64_t change); /* looking first is one only when it failed */
void journal_steps_release(struct journal_steps *t);
/* Have two edits, by their place in the change, the same? In a large change most share theirs with
 * the one before. */
bool journal_steps_same(const struct journal_steps *t, int64_t a, int64_t b);
/* Those of one edit, as journal_row.steps. The caller frees it. */
char *journal_steps_json(const struct journal_steps *t, int64_t seq);

/* journal_pack.c. Inside of a transaction. */
bool journal_pack_insert(
	struct store *s, int64_t change, const struct change *c, struct err *err);
bool journal_pack_update(
	struct store *s, int64_t change, const struct change *c, struct err *err);
bool journal_is_packed(struct store *s, int64_t change);
int journal_compare_targets(const void *a, const void *b); /* for qsort(), of char * */
/* Marks edits of `change` with one of the targets, sorted like that, as taken back by `by`. */
bool journal_pack_mark_undone(struct store *s, int64_t change, int64_t by,
	const char *const *targets, size_t count, struct err *err);
/* Looks for targets in packs, the last pack it read at hand. Zero it but for fits. */
struct journal_finder {
	bool (*fits)(const struct journal_record *r);
	int64_t change, first, undoable; /* the pack it has read */
	struct journal_fitting {
		uint64_t hash;
	} *fitting;
	size_t count, cap;
};
/* The newest change of that server (0 = any) after change `after` and not before `since`, with a
 * packed edit of the target that fits; 0 = none. */
int64_t journal_find_packed(struct journal_finder *f, struct store *s, const char *target,
	int64_t server, int64_t after, int64_t since);
void journal_finder_release(struct journal_finder *f);

/* pack.targets is a Bloom filter: may one of its edits have this target? In SQL: may_hold(targets,
 * text). */
bool journal_define_functions(struct store *s, struct err *err);

#endif
