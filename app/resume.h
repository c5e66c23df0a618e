/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes that were cut off: killed, or their connection lost. What became of them is read from the server as soon as it answers, the
 * reload they did not come to is made up for, and the journal gets their verdict. Writes no entry: what was not sent stays unsent. */
#ifndef APP_RESUME_H
#define APP_RESUME_H

#include "app/app.h"
#include "store/journal.h"

struct resume_report {
	int64_t time;            /* when it was begun */
	enum edit_kind kind;     /* of its first edit */
	const char *target;
	size_t count;            /* edits */
	size_t in_force, stored, not_stored, open; /* mismatches count as stored */
	bool was_killed;         /* else: connection lost */
};
typedef void (*resume_report_fn)(void *arg, const struct resume_report *r); /* per change that was looked at again */
typedef void (*resume_done_fn)(void *arg);

/* False: there is nothing to look at, and no callback comes. Needs a session that is ready. */
bool resume_begin(struct app *a, resume_report_fn report, resume_done_fn done, void *arg);
/* "block of 100,000 entries was interrupted; read again: 43,000 in force, 57,000 not stored (begun 2026-11-21T07:23:04Z)" */
void resume_words(const struct resume_report *r, struct buf *out);

/* Which process carries a change out: told apart from one that is gone. */
void resume_mark_running(struct app *a, int64_t change);
void resume_mark_ended(struct app *a, int64_t change);
/* Rows of a change that nobody carries out any more are UNKNOWN, and say why. */
void resume_mark_rows(struct app *a, struct journal_row *rows, size_t n);

#endif
