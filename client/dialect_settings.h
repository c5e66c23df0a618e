/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to dialect_settings*.c: the settings API of 0.7 - 0.15, its threshold families and key names. */
#ifndef CLIENT_DIALECT_SETTINGS_H
#define CLIENT_DIALECT_SETTINGS_H

#include <jansson.h>

#include "client/dialect.h"

/* Which keys hold the thresholds (seen on 0.8.1, 0.10.3, 0.15.5). EITHER: 0.9.4 - 0.10.7 with nothing stored does not
 * tell which of its two spellings it reads, so both are written: the unknown one is ignored by the server. */
enum settings_family {
	FAMILY_AUTO_BAN,       /* server.auto-ban.*.rate, 0.10.5 - 0.15 */
	FAMILY_FAIL2BAN,       /* server.fail2ban.*, 0.9.4 - 0.10.3 */
	FAMILY_AUTHENTICATION, /* authentication.fail2ban, 0.7 - 0.9.3 */
	FAMILY_EITHER,
	FAMILY_COUNT
};

/* Bits of server.shape: which families have stored keys, and that an allow list may be missing (0.7.0 - 0.8.0). */
#define SHAPE_STORED(family) (1 << (family))
#define SHAPE_ALLOW_UNSURE (1 << FAMILY_COUNT)

#define SETTINGS_PATHS "server.auto-ban.scan.paths"
#define SETTINGS_BLOCKED "server.blocked-ip."
#define SETTINGS_ALLOWED "server.allowed-ip."
#define SETTINGS_CERTIFICATE "certificate."

/* dialect_settings_hold.c: what an un-block waits for */
bool settings_hold_encode(const struct batch *b, struct request *req);
enum decode settings_hold_decode(struct batch *b, const struct response *res);
bool settings_write_next(const struct server *srv, struct batch *b, const struct entrylist *blocked);

/* Keys that hold a class's rate, at most two, NULL-terminated; empty when the family has no such class. */
const char *const *settings_rate_keys(enum settings_family family, enum ban_class c);
/* The text of a rate that one or two keys hold, owned, NULL = absent: two spellings must agree to count as one value. */
char *settings_rate_value(json_t *data, const char *const *keys, size_t n);
/* The built-in scan globs of 0.11 - 0.16 (seen on 0.16.18): storing one's own replaces them all. */
extern const char *const settings_builtin_paths[];

/* dialect_settings_detect.c */
bool settings_probe_encode(struct request *req);
int settings_probe_decode(const struct response *res, struct server *srv);
bool settings_refine_encode(const struct server *srv, struct cursor *cur, bool permissions, struct request *req);
enum decode settings_refine_decode(struct server *srv, struct cursor *cur, bool permissions, const struct response *res, struct err *err);

/* dialect_settings_change.c */
bool settings_wanted(const struct server *srv, const struct edit *e, const char *before, struct buf *out);
bool settings_read_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err);
enum decode settings_read_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err);
bool settings_write_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err);
enum decode settings_write_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err);

/* What one request is to write: the texts of two JSON arrays, without their brackets. */
struct settings_write {
	struct buf values, deletes;
	size_t value_count;
	bool is_list;     /* the first value is an entry */
	unsigned paths_added;
	bool builtins_done;
	bool replaces;    /* one of them is there: another end for an entry */
	size_t bytes;
	const struct edit *last; /* an entry that was not there before, and where its value is in `values`; NULL = none yet */
	size_t last_at, last_len, last_bytes;
};
void settings_add_value(struct settings_write *w, const char *key, const char *value);
void settings_add_delete(struct settings_write *w, const char *key);

/* dialect_settings_paths.c: what is stored for a glob and where, and what storing or removing it takes */
void settings_path_result(json_t *data, const struct edit *e, struct edit_result *r);
void settings_write_path(const struct batch *b, const struct edit *e, const char *id, struct settings_write *w);

/* dialect_settings_list.c: cursor.phase of a batch that is read from the whole list, which is streamed. */
#define SETTINGS_READS_LIST 2
bool settings_list_encode(struct batch *b, struct request *req); /* false: too few edits of one list */
void settings_read_item(const struct server *srv, struct batch *b, const struct json_path *path, const struct json_item *item);
enum decode settings_list_decode(struct batch *b, const struct response *res, struct err *err);
/* What every memo of this dialect begins with. */
struct settings_memo {
	void (*release)(struct settings_memo *memo);
};
void settings_memo_free(void *memo);

/* dialect_settings_reload.c */
unsigned settings_reloads(const struct server *srv, const struct edit *e);
const char *settings_caveat(const struct server *srv, const struct edit *e);
bool settings_reload_encode(const struct server *srv, enum reload_kind kind, struct cursor *cur, struct request *req, struct err *err);
enum decode settings_reload_decode(const struct server *srv, enum reload_kind kind, struct cursor *cur, const struct response *res,
	struct reload_result *out, struct err *err);
bool settings_reset_encode(const struct server *srv, unsigned classes, struct cursor *cur, struct request *req, struct err *err);
enum decode settings_reset_decode(const struct server *srv, unsigned classes, struct cursor *cur, const struct response *res, struct err *err);
bool settings_check_decode(const struct response *res, struct config_check *out, struct err *err);

/* dialect_settings_log.c */
bool settings_log_encode(struct fetch_job *job, struct request *req);
void settings_log_item(struct fetch_job *job, const struct json_path *path, const struct json_item *item);
enum decode settings_log_decode(struct fetch_job *job, const struct response *res, struct err *err);

/* dialect_settings_certs.c */
bool settings_certs_encode(struct fetch_job *job, struct request *req);
enum decode settings_certs_decode(struct fetch_job *job, const struct response *res, struct err *err);

/* The document of a 2xx answer whose "error" is absent: a new reference to it, NULL and *err otherwise. 0.15 answers 200 with
 * {"error":"assertFailed"|"unsupported"|…}: `error` is tested before `data`. */
json_t *settings_document(const struct response *res, struct err *err);
const char *settings_error_name(const struct response *res, char *out, size_t size); /* "assertFailed"; "" if none */

#endif
