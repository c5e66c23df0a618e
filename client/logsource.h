/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where log lines come from: files (logsource_file.c), stdin (logsource_stdin.c), the server's API
 * (logsource_api.c), behind one interface. Public to views and cli. Delivers every line once,
 * follows rotation, never holds the loop longer than a slice.
 *
 * Two uses, two sources: a *tail* for the eye (want.newest lines at once, newest first, then what
 * comes), and a *sync* for the store (want.cursor as the store has it, follow false): hand each
 * batch to history_ingest() with its `from` and `cursor`; when that says the store's cursor has
 * moved (another process was faster), close and open again at the store's cursor. */
#ifndef CLIENT_LOGSOURCE_H
#define CLIENT_LOGSOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/loop.h"
#include "core/scope.h"
#include "model/event.h"

#define LOGSOURCE_CURSOR_MAX (256 * 1024) /* bytes of a cursor's text */

struct logsource;

/* Borrowed until the callback returns, like the events' slices. */
struct logbatch {
	const struct event *events;
	size_t count;
	bool is_backlog;  /* older than everything delivered before, newest first; otherwise in the
			     order of the log */
	const char *from; /* cursor this batch starts at; "" for backlog */
	const char *cursor;   /* cursor after it; "" for backlog */
	uint64_t done, total; /* progress of catching up, bytes or rows; total 0 = unknown */
};

enum logsource_state {
	LOGSOURCE_OPENING,
	LOGSOURCE_READING, /* catching up */
	LOGSOURCE_LIVE,    /* at the end, following */
	LOGSOURCE_PAUSED,
	LOGSOURCE_ENDED,  /* at the end, not following: nothing more will come */
	LOGSOURCE_LOST,   /* can't be read for now: text says why; it is tried again */
	LOGSOURCE_FAILED, /* can't be read: text says why and what to change */
};

struct logsource_want {
	size_t newest;      /* tail: so many lines at once, newest first; 0 = none */
	const char *cursor; /* NULL = from the present end on; "" = from the oldest line there is;
			       else resume */
	bool follow;        /* go on at the end */
	bool is_driven;     /* follow: it looks when told by logsource_poll() only, and an API for a
			       few hundred lines at most: what comes faster is skipped */
	const char *filter; /* substring an API may select by on the server; others ignore it. NULL
			       = none */
	size_t budget; /* lines that matter to the history in one batch, so that storing it takes
			  one short turn; 0 = any number. Not for backlog */
};

struct logsource_events {
	/* May close the source. */
	void (*on_lines)(struct logsource *src, const struct logbatch *batch, void *arg);
	/* text: for people, sanitised, "" when there is nothing to say. Also called for a gap
	 * (lines lost for good), state unchanged. */
	void (*on_state)(
		struct logsource *src, enum logsource_state state, const char *text, void *arg);
	void *arg;
};

/* One kind of source. Every slot returns at once. */
struct logsource_ops {
	const char *name;  /* "file", "stdin", "api" */
	size_t state_size; /* zeroed bytes at src->state */
	bool (*open)(struct logsource *src, struct err *err);
	void (*poll)(struct logsource *src); /* look now; also ends the wait after a loss */
	void (*older)(struct logsource *src, size_t lines); /* tail: deliver more backlog */
	void (*pause)(struct logsource *src,
		bool is_paused); /* NULL: it looks at src->is_paused itself */
	void (*close)(
		struct logsource *src); /* free what state holds; src->scope is already cancelled */
};

/* What was seen, kept by logsource_deliver(). */
struct logsource_stats {
	uint64_t lines, unparsed;
	uint64_t by_level[LEVEL_COUNT];
	uint64_t security, attempts; /* ids security.*, and lines that count towards a ban */
	int64_t oldest, newest;      /* ms or TIME_NONE */
	bool is_partial;             /* resumed, or begun at the end: few lines mean nothing */
};

struct logsource {
	const struct logsource_ops *ops;
	struct loop *loop;
	struct scope scope; /* the source's own timers and calls */
	struct scope_item
		owner; /* membership in the opener's scope: cancelling that closes the source */
	struct logsource_want want; /* strings owned */
	struct logsource_events events;
	enum logsource_state state_now;
	char text[256]; /* of the state */
	struct logsource_stats stats;
	bool has_more_backlog; /* older() would deliver something */
	bool is_paused;
	bool is_closing, is_delivering;
	void *state; /* ops->state_size bytes */
	void *param; /* what ops->open needs: a path, a session; owned by the opener's caller */
};

/* Opens any kind; param is ops' own. NULL and err on failure. owner may be NULL. */
struct logsource *logsource_open(const struct logsource_ops *ops, void *param, struct loop *loop,
	struct scope *owner, const struct logsource_want *want,
	const struct logsource_events *events, struct err *err);
void logsource_close(struct logsource *src); /* NULL is harmless; no callback afterwards */
void logsource_poll(struct logsource *src);
void logsource_older(struct logsource *src, size_t lines);
void logsource_pause(struct logsource *src, bool is_paused);

/* For implementers: counts a line against the budget; true = the batch ends behind it. *spent
 * begins at 0 with each batch. */
bool logsource_is_spent(const struct logsource *src, const char *line, size_t len, size_t *spent);

/* For implementers: the two ways out. Both may end in logsource_close() by the callee: return at
 * once when they say false. */
bool logsource_deliver(struct logsource *src, const struct logbatch *batch);
bool logsource_set_state(struct logsource *src, enum logsource_state state, const char *text);

/* Files: a file with its rotated siblings, or a directory of daily ones. param = the path (char *,
 * borrowed during open). Daily name (stalwart.2026-11-21), rename, copy-truncate, numbered, dated,
 * gzip'd. Resumes by device, inode, offset and content. */
extern const struct logsource_ops logsource_file;
/* Standard input, or any readable fd: param = pointer to int. Resumes by content (model/logmark.h).
 * Ends at end of file. */
extern const struct logsource_ops logsource_stdin;

enum logsource_kind { LOGSOURCE_KIND_API, LOGSOURCE_KIND_FILE, LOGSOURCE_KIND_STDIN };
/* spec: "auto", "api", "-", a path, NULL = auto. auto prefers a readable local directory with logs
 * in it. path (size bytes) is filled for FILE. */
enum logsource_kind logsource_choose(const char *spec, char *path, size_t size);

/* Name under which the store keeps this source's cursor: "file:/opt/stalwart/logs", "stdin", "api".
 */
void logsource_key(enum logsource_kind kind, const char *path, char *out, size_t size);

/* What is missing from what was seen, and what to change, for people; "" when nothing is. version:
 * e.g. "0.15", "" unknown. */
void logsource_diagnose(const struct logsource_stats *stats, const char *version, struct buf *out);

#endif
