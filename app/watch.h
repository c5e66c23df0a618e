/* SPDX-License-Identifier: GPL-3.0-or-later */
/* After a change: what does the log say about its addresses? "refused again", "seen connecting", or "no traffic". Evidence, not proof. */
#ifndef APP_WATCH_H
#define APP_WATCH_H

#include "app/app.h"
#include "model/change.h"

#define WATCH_MAX 1000 /* edits watched of a large change: the first */

/* Reads the log by the API now and then for so long, or until every address has shown what there was to see: a blocked one was refused,
 * another one connected or was refused. Then calls over, once. The change is not kept. One watch at a time: a former one ends. False: there
 * is no address in the change, and over() does not come. */
bool watch_begin(struct app *a, const struct change *c, int64_t ms, void (*over)(void *arg), void *arg);
/* What was seen of one edit so far, for people. True: nothing that speaks against the change. */
bool watch_words(const struct app *a, size_t edit, char *out, size_t size);
/* All of it in one line: "203.0.113.7 refused again …", or how many of each. */
void watch_summary(const struct app *a, char *out, size_t size);
void watch_end(struct app *a); /* over() is not called any more */

#endif
