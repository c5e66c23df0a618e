/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console's memory, one SQLite file: open, migrate, and small things remembered. Knows no
 * server and no screen. Every function takes a NULL store (as if it could not be opened) and
 * answers with an error; a full disk, a read-only or a locked file is an error, never an exit.
 * Several processes may have it open. Nothing here waits longer than `busy_ms`. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/err.h"

struct store;

struct store_options {
	const char *dir; /* made 0700 when missing; history.db inside is 0600 */
	bool read_only;
	bool skip_check; /* no quick integrity check on open (it is only made when the last one is a
			    day old) */
	unsigned busy_ms;  /* wait for another process' lock; 0 = 50 */
	unsigned query_ms; /* a query that takes longer is given up with ERR_LIMIT; 0 = 5000 */
};

/* NULL and err when it can't be opened at all. A file that can only be read is opened for reading
 * (store_is_readonly). A damaged one is ERR_IO with what to do in the text. A newer schema than this
 * program knows is refused. */
struct store *store_open(const struct store_options *options, struct err *err);
void store_close(struct store *s);
bool store_is_readonly(const struct store *s);
const char *store_path(const struct store *s); /* "" for NULL */
int64_t store_size(const struct store *s);     /* bytes on disk, WAL included */
/* Moves what has piled up in the WAL into the file proper, once it is much: the disk is waited for,
 * some 40 ms. To be called when nobody waits. */
void store_tidy(struct store *s);
/* Another number as soon as anything in it may have changed, by whomever. */
uint64_t store_changes(struct store *s);
void store_patience(struct store *s, unsigned busy_ms); /* for one that has nobody waiting */
bool store_check(struct store *s, struct err *err); /* full integrity check; may take seconds */
int store_version(const struct store *s);           /* PRAGMA user_version */

/* Small things by scope (a profile name, or "" for all) and key. recall: false and no err when
 * absent. */
bool store_remember(struct store *s, const char *scope, const char *key, const char *value,
	struct err *err); /* NULL value forgets */
bool store_recall(
	struct store *s, const char *scope, const char *key, struct buf *out, struct err *err);
#define STORE_KEY_SERVER    "server" /* what the server was found to be: session_remember() */
#define STORE_KEY_RETENTION "retention"

/* Entries that a risky delete may take along (the prefix delete of 0.6): saved before, cleared
 * after they are known to be back. */
struct store_rescue {
	int64_t id, time;
	char *server, *what, *text; /* what: for people; text: the caller's own format */
};
bool store_rescue_put(struct store *s, const char *server, const char *what, const char *text,
	size_t len, int64_t *id, struct err *err);
bool store_rescue_clear(struct store *s, int64_t id, struct err *err);
/* What was never cleared, oldest first. */
bool store_rescue_list(struct store *s, const char *server, struct store_rescue **rows,
	size_t *count, struct err *err);
void store_rescue_free(struct store_rescue *rows, size_t count);

#endif
