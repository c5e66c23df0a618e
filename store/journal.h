/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console's own changes: written before anything is sent, completed with the verdict, and read
 * back for undo. Key material of certificates is never kept. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "model/change.h"
#include "store/store.h"

/* One edit of a change. id is what a user sees and gives to `undo`; edits of one change share
 * `change`. */
struct journal_row {
	int64_t id, change;
	int64_t time, ended; /* ms; ended TIME_NONE = running, or cut off */
	char *operator_name; /* login, SUDO_USER, SSH client as the caller composed it */
	char *server;        /* profile name */
	enum edit_kind kind;
	char *target;
	enum verdict verdict;
	enum err_code why;
	char *before, *after, *detail; /* "" = absent */
	bool has_before, has_after;    /* tell absent from empty */
	char *reason;                  /* the operator's text, "" = none */
	char *forced;                  /* guards overridden, "" = none */
	char *steps; /* JSON array [{"step","ok","ms","detail"}] of the steps that were for this
			edit */
	bool no_op;
	size_t more;             /* edits of the change that `each` left out behind this one */
	int64_t undoes, undone_by; /* change ids, 0 = none */
};

struct journal_query {
	const char *server;   /* NULL = all */
	int64_t since, until; /* TIME_NONE = open */
	const char *target;   /* exactly; NULL = all */
	struct net
		within; /* edits of addresses in it, or networks that contain it; family 0 = all */
	int64_t change; /* only this change; 0 = all */
	bool only_undoable; /* done and not undone yet */
	size_t limit;       /* rows, 0 = all */
	size_t each;        /* rows of one change, 0 = all: one of 100,000 edits hides no other */
};
void journal_query_init(struct journal_query *q);

/* Before the first request: every edit as PENDING. undoes: the change this one takes back, 0 =
 * none. False: nothing may be sent unless the caller decides otherwise (no journal, no undo). */
bool journal_begin(struct store *s, const char *server, const char *operator_name,
	const struct change *c, int64_t undoes, int64_t *change, struct err *err);
/* Outcomes and steps as they are now: once all that will be replaced was read, after batches, and at
 * the end (is_done). Marks the undone change when the undo took. */
bool journal_update(
	struct store *s, int64_t change, const struct change *c, bool is_done, struct err *err);

bool journal_list(struct store *s, const struct journal_query *q, struct journal_row **rows,
	size_t *count, struct err *err); /* newest first */
void journal_rows_free(struct journal_row *rows, size_t count);

/* Changes without an end, oldest first: running, or cut off. The array is the caller's. */
bool journal_unended(
	struct store *s, const char *server, int64_t **changes, size_t *count, struct err *err);
/* The change as it was, for change_inverse(). edit 0 = all of its edits, else only the row with
 * that id. */
struct change *journal_load(
	struct store *s, int64_t change, int64_t edit, char **server, struct err *err);
/* id: a row's id, or 0 = the newest change that can be undone (of server, NULL = any). */
bool journal_find(struct store *s, const char *server, int64_t id, int64_t *change, int64_t *edit,
	struct err *err);
/* The newest change after `change` that touched the same target, 0 = none: someone of ours changed
 * it since. */
int64_t journal_touched_since(
	struct store *s, const char *server, int64_t change, const char *target, struct err *err);

#endif
