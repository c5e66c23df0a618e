/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A position in a log by content, for sources without a stable one (stdin, a log API whose ids
 * shift when the log rotates, seen on 0.16.18): the newest time seen and how often each line of the
 * last seconds occurred. Pure. */
#ifndef MODEL_LOGMARK_H
#define MODEL_LOGMARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "model/event.h"

#define LOGMARK_WINDOW 3000 /* ms: lines of threads may be this much out of order */

struct logmark_row {
	uint64_t hash;
	int64_t time; /* ms */
	uint32_t before,
		pass; /* how often seen: before this pass, in this pass; both 0 = empty slot */
};

struct logmark {
	int64_t newest;           /* ms; TIME_NONE = nothing seen yet */
	int64_t cut;              /* ms: what is older was seen before this pass */
	struct logmark_row *rows; /* open addressing, cap a power of two */
	size_t count, cap;
};

void logmark_init(struct logmark *m);
void logmark_release(struct logmark *m);
bool logmark_parse(struct logmark *m,
	const char *text); /* "" is an empty mark; false = not a mark, *m empty */
void logmark_format(const struct logmark *m, struct buf *out);

/* A pass reads again every line from newest - LOGMARK_WINDOW on, in any order (pages newest first
 * will do). */
void logmark_begin(struct logmark *m);
/* True when the line is new; it is noted. Call for every line of the pass exactly once. Lines
 * without a time are always new. */
bool logmark_note(struct logmark *m, const struct event *ev);
/* A pass that goes newest first may stop at a line this old. */
bool logmark_is_before(const struct logmark *m, int64_t time);

#endif
