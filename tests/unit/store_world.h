/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the tests of store/: a directory, a store in it, and log lines made on the spot. */
#ifndef TESTS_STORE_WORLD_H
#define TESTS_STORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "store/history.h"

#define T0     INT64_C(1795132800000) /* 2026-11-20T00:00:00Z */
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

struct world {
	char dir[64];
	struct store *store;
	struct event *events;
	char **lines; /* what the events point into */
	size_t count, cap, line_cap;
	struct history_ingested sum;
};

static inline void world_open(struct world *w)
{
	struct store_options options = { .dir = w->dir };
	struct err err = ERR_INIT;

	w->store = store_open(&options, &err);
	if (w->store == NULL)
		fail_msg("%s", err.msg);
}

static inline int world_setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/stalwarden-store-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	clock_fix(T0 + 12 * HOUR);
	world_open(w);
	*state = w;
	return 0;
}

static inline void world_forget_lines(struct world *w)
{
	while (w->count > 0)
		free(w->lines[--w->count]);
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;
	char command[200];

	store_close(w->store);
	world_forget_lines(w);
	free(w->lines);
	free(w->events);
	snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", w->dir, w->dir);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

/* Adds a line to the next batch. */
static inline void world_line(struct world *w, int64_t t, const char *rest, ...)
	__attribute__((format(printf, 3, 4)));
static inline void world_line(struct world *w, int64_t t, const char *rest, ...)
{
	char stamp[TIME_BUF], text[1024];
	va_list ap;

	va_start(ap, rest);
	vsnprintf(text, sizeof(text), rest, ap);
	va_end(ap);
	xgrow(&w->events, &w->cap, w->count + 1, sizeof(*w->events));
	xgrow(&w->lines, &w->line_cap, w->count + 1, sizeof(*w->lines));
	w->lines[w->count] = xasprintf("%s INFO %s", time_format(t, stamp, sizeof(stamp)), text);
	event_parse(w->lines[w->count], strlen(w->lines[w->count]), &w->events[w->count]);
	w->count++;
}

static inline void world_ban(
	struct world *w, int64_t t, enum ban_class class, const char *address, const char *account)
{
	static const char *const ids[] = { "authentication-ban", "abuse-ban", "loiter-ban",
		"scan-ban" };
	static const char *const fields[] = { "accountName", "to", "accountName", "path" };

	world_line(w, t,
		"Banned (security.%s) listenerId = \"imap\", localPort = 143, remoteIp = %s, "
		"remotePort = 9%s%s%s%s%s",
		ids[class], address, account ? ", " : "", account ? fields[class] : "",
		account ? " = \"" : "", account ? account : "", account ? "\"" : "");
}

static inline void world_refused(
	struct world *w, int64_t t, const char *address, const char *listener)
{
	world_line(w, t,
		"Blocked IP address (security.ip-blocked) listenerId = \"%s\", remoteIp = %s, "
		"remotePort = 9",
		listener, address);
}

static inline void world_attempt(
	struct world *w, int64_t t, const char *address, const char *account)
{
	world_line(w, t,
		"Authentication failed (auth.failed) listenerId = \"imap\", remoteIp = %s, "
		"remotePort = 9, accountName = \"%s\"",
		address, account);
}

/* Hands the batch to the store. */
static inline enum ingest_result world_take(struct world *w, const char *from, const char *to)
{
	struct err err = ERR_INIT;
	enum ingest_result r = history_ingest(
		w->store, "mail1", "file:/log", from, to, w->events, w->count, &w->sum, &err);

	if (r == INGEST_ERROR)
		fail_msg("%s", err.msg);
	world_forget_lines(w);
	return r;
}

static inline struct net net_of(const char *s)
{
	struct net n;

	if (!net_parse(s, strlen(s), &n, NULL))
		fail_msg("%s", s);
	return n;
}

static inline struct history_query all_of(const char *server)
{
	struct history_query q;

	history_query_init(&q);
	q.server = server;
	return q;
}

#endif
