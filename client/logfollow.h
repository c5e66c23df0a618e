/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a family of log files forward, from a place on, exactly once, through any rotation. Private
 * to client/logsource_file.c, which decides when to look; this decides what to read next. */
#ifndef CLIENT_LOGFOLLOW_H
#define CLIENT_LOGFOLLOW_H

#include "client/logfiles.h"
#include "client/logreader.h"
#include "client/logsource.h"

enum follow_result {
	FOLLOW_MORE,   /* call again at once */
	FOLLOW_SOON,   /* a rotation seems to be going on: call again in a few ms */
	FOLLOW_END,    /* at the end for now */
	FOLLOW_EMPTY,  /* there is no log file (yet) */
	FOLLOW_FAILED, /* can't be read: err says why */
	FOLLOW_CLOSED, /* the source was closed by the receiver: touch nothing */
};

struct follow {
	struct logsource *src;
	struct logfiles family;
	struct logreader reader;
	char *name;            /* owned: of the file being read, as last seen; NULL */
	struct logplace place; /* delivered up to here */
	char tail[LOGREADER_TAIL];
	uint32_t tail_len;    /* of what was delivered */
	bool must_locate;     /* place is to be found in the family first */
	bool must_check_tail; /* gz: when the way there is done */
	bool is_dirty;        /* files may have come or gone since the last scan */
	unsigned settled;     /* scans put off */
	ino_t *known; /* the file was opened empty: who was there beside it. NULL = something has
			 been read of it */
	size_t known_count;
	int64_t known_until; /* ms: after a gap, older lines are taken as known; TIME_NONE */
	char *cursor;        /* owned: of the last batch, what the receiver has */
	struct buf data;     /* read, not delivered: begins at place.offset */
	bool is_behind;      /* whole records are still in data: they come before more is read */
	size_t chunk;        /* bytes read at a time: fitted to how long the receiver takes */
	struct event *events;
	size_t event_cap;
	uint32_t *lengths;
	size_t length_cap;
	uint64_t done, total;
	char note[200]; /* something was lost, or started over: to be told once; "" = none */
};

bool follow_init(struct follow *f, struct logsource *src, const char *path, struct err *err);
void follow_release(struct follow *f);
/* Begins at the place of the source's cursor. */
void follow_from_cursor(struct follow *f, const char *cursor);
/* Begins in that file (an open family member's path) at offset. */
bool follow_from(struct follow *f, const struct logfile *file, int64_t offset, struct err *err);
enum follow_result follow_step(struct follow *f, struct err *err);
/* What is read but unfinished, taken as whole: only what ends with a line end unless is_last.
 * False: closed. */
bool follow_flush(struct follow *f, bool is_last);

/* Between logfollow.c and logfollow_choose.c. */
void follow_fill_place(struct follow *f);
void follow_remember_family(struct follow *f, bool is_empty);
bool follow_open_at(struct follow *f, const struct logfile *file, int64_t offset, struct err *err);
bool follow_start_over(struct follow *f, struct err *err);
enum follow_result follow_locate(struct follow *f, struct err *err);
enum follow_result follow_changed_or_failed(struct err *err);
const struct logfile *follow_find_next(struct follow *f);   /* with something in it; NULL */
const struct logfile *follow_find_missed(struct follow *f); /* NULL */

#endif
