/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading the log into the history store: incremental, idempotent, resumable; and the sweep of expired entries where the server has no expiry.
 * Used by `sync`, by `why` before it answers, and by the open console. */
#ifndef APP_SYNC_H
#define APP_SYNC_H

#include "app/app.h"
#include "client/logsource.h"
#include "store/history.h"

struct sync_result {
	struct history_ingested sum;
	char source[256];      /* what was read, for people */
	char notice[320];      /* nothing is logged, and what to change; "" */
	size_t swept;          /* expired entries removed */
	struct err err;        /* the log could not be read, or the store not written */
};
typedef void (*sync_fn)(void *arg, const struct sync_result *r);

struct sync;
/* Reads what is new and ends. sweep: also compares the blocked list with the last one seen, and removes entries that have expired
 * (only by our own stored expiry, only where the server has none; each removal is a proven, journalled change). */
struct sync *sync_begin(struct app *a, bool sweep, sync_fn done, void *arg);
void sync_cancel(struct sync *s);

/* Is that the log line of one of our own requests? Our account, by HTTP, from an address of ours; when the server is elsewhere, what it sees
 * of us can't be known. (app/guards.c) */
bool app_is_own_login(const struct app *a, const struct event_facts *f);

/* How the profile's log source is chosen: api, a path, stdin, or auto. *param belongs to the app; NULL and err when there is none. */
const struct logsource_ops *sync_source(struct app *a, void **param, char *name, size_t size, struct err *err);

#endif
