/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to dialect_jmap*.c: 0.16 and later, objects x:… over POST /jmap. Seen on 0.16.18. */
#ifndef CLIENT_DIALECT_JMAP_H
#define CLIENT_DIALECT_JMAP_H

#include <jansson.h>

#include "client/dialect.h"

#define JMAP_PAGE 500  /* objects per /get and /set; ids:null is cut there without a word */
#define JMAP_PAIRS 8   /* query+get pairs in one request of at most 16 calls */

/* A request under way: calls are appended between begin and end. */
void jmap_begin(const struct server *srv, struct request *req);
void jmap_call(struct request *req, const char *method, const char *arguments, const char *id); /* arguments: a JSON object */
void jmap_end(struct request *req);
/* The whole document of a 2xx answer, or NULL and err. */
json_t *jmap_document(const struct response *res, struct err *err);
/* Arguments of the answer to call `id`; NULL and err for a method-level error (forbidden → PERMISSION). Borrowed. */
json_t *jmap_answer(json_t *doc, const char *id, struct err *err);
/* Words of a per-object outcome such as {"type":"invalidPatch","description":…}; code may be NULL. Caller frees. */
char *jmap_outcome_words(json_t *outcome, enum err_code *code);

const char *jmap_reason_name(enum reason r);   /* "authFailure" */
enum reason jmap_reason(const char *name);
int64_t jmap_time(json_t *v);                  /* TIME_NONE for null */
/* What the server can hold of a block or an allow, as text: what is compared and kept in the journal. */
void jmap_entry_text(enum reason reason, const char *note, int64_t until, struct buf *out);
/* Canonical rate, NULL (false) when it is the built-in default: then nothing is "stored". */
bool jmap_rate_text(const struct threshold *t, enum ban_class c, struct buf *out);
void jmap_thresholds(json_t *security, struct thresholds *out);
extern const char *const jmap_rate_names[CLASS_COUNT];   /* "authBanRate" */
extern const char *const jmap_period_names[CLASS_COUNT]; /* "authBanPeriod" */

/* What a cursor keeps between requests: one row as its scalars come by, what the pages said; and whose rows are looked for. */
struct jmap_memo {
	char address[128], id[64], reason[512], created[40], expires[40];
	size_t total, first_total, count;
	unsigned restarts;
	char error_type[60], error_words[200];
	struct targets *targets; /* reading for a change */
};

/* dialect_jmap_lists.c. A whole list, eight pages a request, row by row; `count` and `total` are kept by the way. */
enum jmap_pages { PAGES_DONE, PAGES_MORE, PAGES_AGAIN /* it changed: what came so far is to be forgotten */, PAGES_FAIL };
typedef void (*jmap_row_fn)(void *arg, const struct jmap_memo *row);
struct jmap_memo *jmap_pages(const struct server *srv, struct cursor *cur, const char *object, struct request *req);
void jmap_pages_item(struct jmap_memo *r, const struct json_path *path, const struct json_item *item, jmap_row_fn fn, void *arg);
enum jmap_pages jmap_pages_check(struct cursor *cur, const struct response *res, struct err *err);
int64_t jmap_time_text(const char *s);
void jmap_list_encode(const struct server *srv, struct fetch_job *job, struct request *req);
void jmap_list_item(struct fetch_job *job, const struct json_path *path, const struct json_item *item);
enum decode jmap_list_decode(struct fetch_job *job, const struct response *res, struct err *err);
void jmap_memo_free(void *memo);

/* dialect_jmap_certs.c */
void jmap_certs_encode(const struct server *srv, struct request *req);
enum decode jmap_certs_decode(struct fetch_job *job, const struct response *res, struct err *err);
void jmap_task_encode(const struct server *srv, struct fetch_job *job, struct request *req);
enum decode jmap_task_decode(struct fetch_job *job, const struct response *res, struct err *err);

/* dialect_jmap_more.c: log, trust */
void jmap_log_encode(const struct server *srv, struct fetch_job *job, struct request *req);
enum decode jmap_log_decode(struct fetch_job *job, const struct response *res, struct err *err);
void jmap_trust_encode(const struct server *srv, struct request *req);
enum decode jmap_trust_decode(struct fetch_job *job, const struct response *res, struct err *err);

/* dialect_jmap_change.c */
bool jmap_wanted(const struct server *srv, const struct edit *e, const char *before, struct buf *out);
bool jmap_read_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err);
void jmap_read_item(const struct server *srv, struct batch *b, const struct json_path *path, const struct json_item *item);
enum decode jmap_read_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err);

/* … what an un-block waits for, read before it is written. */
void jmap_hold_encode(const struct server *srv, const struct batch *b, struct request *req);
enum decode jmap_hold_decode(struct batch *b, const struct response *res);
bool jmap_write_next(const struct server *srv, struct batch *b, const struct entrylist *blocked);

/* dialect_jmap_write.c */
bool jmap_write_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err);
enum decode jmap_write_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err);

/* dialect_jmap_action.c */
unsigned jmap_reloads(const struct server *srv, const struct edit *e);
const char *jmap_caveat(const struct server *srv, const struct edit *e);
bool jmap_reload_encode(const struct server *srv, enum reload_kind kind, struct cursor *cur, struct request *req, struct err *err);
enum decode jmap_reload_decode(const struct server *srv, enum reload_kind kind, struct cursor *cur, const struct response *res,
	struct reload_result *out, struct err *err);
bool jmap_reset_encode(const struct server *srv, unsigned classes, struct cursor *cur, struct request *req, struct err *err);
enum decode jmap_reset_decode(const struct server *srv, unsigned classes, struct cursor *cur, const struct response *res, struct err *err);

#endif
