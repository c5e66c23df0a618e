/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of a session, for session*.c and exec*.c only.
 *
 * Requests are exchanges in one queue. An exchange is encoded when its turn has come, sent, and told exactly once (or cancelled): there
 * are three lanes with one request under way in each, so that a change never waits for a long list, and a server that has begun to
 * refuse the credentials sees two more of them at the most. Callbacks of the session's user are always the last thing done on a turn. */
#ifndef CLIENT_SESSION_PRIVATE_H
#define CLIENT_SESSION_PRIVATE_H

#include <sys/queue.h>

#include "client/cred.h"
#include "client/dialect.h"
#include "client/http.h"
#include "client/jsonwalk.h"

enum lane { LANE_DETECT, LANE_FETCH, LANE_CHANGE, LANE_COUNT };

struct exchange_ops {
	/* Fills *req (already initialised). False: not sent; done() follows with status 0 and this error. */
	bool (*encode)(void *arg, struct request *req, unsigned *flags, struct err *err);
	void (*item)(void *arg, const struct json_path *path, const struct json_item *item); /* streamed answers */
	void (*done)(void *arg, const struct response *res, int64_t ms); /* the exchange is gone by then */
};

struct bodyhash { uint64_t h; unsigned char part[8]; size_t n; };

struct exchange {
	TAILQ_ENTRY(exchange) link;    /* waiting or failing */
	struct session *session;
	struct exchange **slot;        /* the asker's pointer to us */
	const struct exchange_ops *ops;
	void *arg;
	enum lane lane;
	enum { EXCHANGE_WAITING, EXCHANGE_RUNNING, EXCHANGE_FAILING } state;
	struct http_call *call;
	struct jsonwalk *walk;         /* streamed */
	struct err walk_err;
	size_t garbage;                /* bytes after walk_err */
	struct bodyhash *hash;         /* borrowed, may be NULL: goes over the streamed bytes */
	struct response failure;       /* FAILING: what is told */
	enum http_method method;       /* for the trace */
	char *path;
};
TAILQ_HEAD(exchange_list, exchange);

struct detect {
	const struct dialect_ops *order[8]; /* whom to ask, NULL-terminated */
	size_t at;
	bool refining;
	const struct dialect_ops *best;
	int best_score;
	struct server srv;                  /* best's */
	struct cursor cur;
	struct err first;                   /* what the first one asked said */
	bool saw_trouble;                   /* a 5xx: no proof of a foreign server */
	int64_t retry_after_ms;
	struct exchange *exchange;
};

LIST_HEAD(fetch_list, fetch_run);
LIST_HEAD(exec_list, exec);

struct session {
	struct loop *loop;
	struct profile profile;
	struct session_hooks hooks;
	struct cred cred;
	struct http *http;             /* NULL: http_err says what is wrong with the profile */
	struct err http_err;
	enum session_state state;
	struct err err;
	struct server server;
	const struct dialect_ops *dialect; /* NULL before detection */
	const struct dialect_ops *hint;
	struct server recalled;        /* from the last run, when recalled_dialect is set */
	const struct dialect_ops *recalled_dialect;
	bool is_unproven;              /* server is what was recalled: nothing was detected yet */
	unsigned epoch;                /* counts servers found that differ from the one before */
	int64_t detected_at;           /* clock_mono() */
	int64_t again_at;              /* clock_mono() when an answer last led to a detection, 0 = never */
	struct detect detect;
	bool learned[CAP_BIT_COUNT];   /* refused with 403 since the last detection that was asked for */
	struct timer retry, changed, failing_timer, hold;
	unsigned failures;             /* in a row, for the back-off */
	int64_t skew;
	char peer[64];
	struct exchange *running[LANE_COUNT];
	struct exchange_list waiting, failing;
	struct fetch_list fetches;
	struct exec_list execs;
	size_t slicing;                /* changes at work between two requests */
};

/* session_io.c */
/* *slot points to the exchange for as long as it exists, and is NULL again before done(). */
void exchange_queue(struct session *s, enum lane lane, const struct exchange_ops *ops, void *arg, struct exchange **slot);
void exchange_cancel(struct exchange *ex);
void exchange_fail_waiting(struct session *s, const struct err *err); /* all but the detection's; told from the loop */
void exchange_fail_running(struct session *s, const struct err *err); /* ended at once; told from the loop */
void exchange_pump(struct session *s);
uint64_t bodyhash_end(const struct bodyhash *b);

/* session.c */
void session_enter(struct session *s, enum session_state state, const struct err *err);
void session_lose(struct session *s, const struct err *err, int64_t at_least_ms);
bool session_can(const struct session *s, unsigned caps, struct err *err); /* false: *err says why not */
void session_learn(struct session *s, unsigned caps, bool is_permitted);
void session_apply_caps(struct session *s); /* read-only and what was learned, over what the dialect says */

/* session_detect.c */
void detect_start(struct session *s);
void detect_stop(struct session *s);
/* The answer of a server that no longer speaks the dialect found: starts over. False when that has been tried just now. */
bool detect_again(struct session *s, const struct response *res, unsigned epoch); /* epoch: of the server that was asked */
bool detect_anew(struct session *s, unsigned epoch); /* the same, whatever the answer was */

/* session_memory.c */
bool session_prove(struct session *s); /* detects what was only recalled; false when that is not needed */

/* session_fetch.c */
void fetch_free_all(struct session *s);

/* exec.c */
void exec_free_all(struct session *s);

#endif
