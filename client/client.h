/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The public face of client/: a session with one server. Everything returns at once; callbacks run later from the
 * loop and never after their scope was cancelled. Views and verbs include this, never anything deeper. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/profile.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/scope.h"
#include "model/cert.h"
#include "model/change.h"
#include "model/entry.h"
#include "model/rate.h"

/* What a server and these credentials can do. id, name, words */
#define CAP_INFO(_)                                                                                \
	_(READ_BLOCKED, "read_blocked", "list blocked addresses")                                  \
	_(WRITE_BLOCKED, "write_blocked", "block and un-block")                                    \
	_(READ_ALLOWED, "read_allowed", "list allowed addresses")                                  \
	_(WRITE_ALLOWED, "write_allowed", "allow and disallow")                                    \
	_(READ_THRESHOLDS, "read_thresholds", "read thresholds")                                   \
	_(WRITE_THRESHOLDS, "write_thresholds", "change thresholds")                               \
	_(THRESHOLD_OFF, "threshold_off", "switch a threshold off")                                \
	_(SCAN_PATHS, "scan_paths", "list and change scan paths")                                  \
	_(READ_LOG, "read_log", "read the log by the API")                                         \
	_(READ_CERTS, "read_certs", "list certificates")                                           \
	_(UPLOAD_CERT, "upload_cert", "upload a certificate")                                      \
	_(RENEW_CERT, "renew_cert", "start a renewal")                                             \
	_(RELOAD, "reload", "make changes live")                                                   \
	_(RELOAD_CERTS, "reload_certs", "reload certificates")                                     \
	_(RESET_COUNTERS, "reset_counters", "reset failure counters")                              \
	_(CHECK_CONFIG, "check_config", "dry-run a reload")                                        \
	_(READ_TRUST, "read_trust", "read proxy trust settings")                                   \
	_(BAN_PERIOD, "ban_period", "bans that end by themselves")                                 \
	_(EXPIRY, "expiry", "keep when an entry ends")                                             \
	_(NOTES, "notes", "keep words with a block")                                               \
	_(NATIVE_EXPIRY, "native_expiry", "the server keeps reason, time and expiry itself")       \
	_(ALLOW_WINS, "allow_wins", "an allowed address is never refused, even when listed as blocked") \
	_(LIVE_AT_ONCE, "live_at_once", "changes are live without a reload")
enum cap_bit {
#define CAP_ENUM(id, name, words) CAP_BIT_##id,
	CAP_INFO(CAP_ENUM)
#undef CAP_ENUM
	CAP_BIT_COUNT
};
#define CAP(id) (1u << CAP_BIT_##id)
const char *cap_name(enum cap_bit bit);
const char *cap_words(enum cap_bit bit);

/* Why a capability is missing. UNTESTED counts as present: trying would change something. */
enum cap_state { CAP_YES, CAP_UNTESTED, CAP_NO_GENERATION, CAP_NO_PERMISSION, CAP_NO_READ_ONLY };

enum generation { GEN_UNKNOWN, GEN_CONFIG_0_5, GEN_SETTINGS_0_7, GEN_SETTINGS_0_9, GEN_SETTINGS_0_10, GEN_SETTINGS_0_11, GEN_JMAP_0_16, GEN_REST };

struct server_info {
	const char *dialect;          /* a name out of client/dialects.h; "" before detection */
	enum generation generation;
	char versions[48];            /* "0.11 – 0.15", for people */
	char mode[48];                /* "", or "bootstrap", "recovery" (0.16) */
	enum cap_state caps[CAP_BIT_COUNT];
};
bool server_has(const struct server_info *s, unsigned caps); /* every bit YES or UNTESTED */
const char *server_lacks(const struct server_info *s, unsigned caps); /* why the first missing one is missing, for people; NULL if none */
const char *server_generation(const struct server_info *s); /* "0.16", "0.11-0.15", … for JSON; a dialect of one generation may go by its name */

enum session_state {
	SESSION_IDLE,
	SESSION_DETECTING,
	SESSION_READY,
	SESSION_LOST,       /* unreachable; retried with back-off; data at hand is stale */
	SESSION_REFUSED,    /* 401 or 429 on login: nothing is sent until session_set_secret() */
	SESSION_FOREIGN     /* answers, but no dialect fits */
};

struct session;
struct session_hooks {
	void *arg;
	void (*changed)(void *arg);  /* state, caps or server changed */
	/* One finished request, for -v and the command log: no secrets, path sanitised. status 0 = no answer. May be NULL. */
	void (*trace)(void *arg, const char *method, const char *path, int status, int64_t ms, size_t bytes, const char *error);
	/* Keeps text safe until rescue_clear(): called before a step that deletes more than asked and puts it back (0.5 - 0.6).
	 * False = could not be kept: the step is not taken. May be NULL (then such steps are refused). */
	bool (*rescue_save)(void *arg, const char *text, struct err *err);
	void (*rescue_clear)(void *arg);
};

/* profile is copied. */
struct session *session_new(struct loop *loop, const struct profile *profile, const struct session_hooks *hooks);
void session_free(struct session *s);
/* secret is copied into locked memory and wiped by session_free; is_token: API key or bearer, else Basic with user. Clears SESSION_REFUSED. */
bool session_set_secret(struct session *s, const char *user, const char *secret, bool is_token, struct err *err);
bool session_has_secret(const struct session *s);
void session_connect(struct session *s); /* start or restart detection */
/* What the server was found to be, as text to keep until the next run; no secret is in it. False while that is not known. */
bool session_remember(const struct session *s, struct buf *out);
/* Such a text, before connecting: its dialect is asked first. False when it is of another URL or can't be read. */
bool session_recall(struct session *s, const char *text);
/* Ready at once, without asking anything, as recalled. Lists may be read: an answer that contradicts leads to detection and is asked for again.
 * Whatever else is asked for detects first. False: session_connect() is needed. */
bool session_connect_recalled(struct session *s);
enum session_state session_state(const struct session *s);
const struct server_info *session_server(const struct session *s);
const struct profile *session_profile(const struct session *s);
const struct err *session_error(const struct session *s); /* why LOST, REFUSED or FOREIGN */
int64_t session_retry_at(const struct session *s);         /* clock_mono() ms of the next try, or -1 */
int64_t session_skew(const struct session *s);             /* server Date minus our clock, ms; 0 if unknown */
const char *session_peer(const struct session *s);         /* numeric address last talked to; "" */
size_t session_in_flight(const struct session *s);         /* requests not answered yet */
void session_cancel_all(struct session *s);

/* ---- reading ---- */
/* FETCH_CERTS also fills the renewals (who renews on the server). FETCH_TASK: reply->certs has one renewal and no certificates: how the task
 * whose id is the cursor stands, RENEWAL_OK when it is done and gone. FETCH_PERMISSIONS asks what the credentials may do, changing nothing,
 * and updates session_server(). */
enum fetch_kind { FETCH_LIST, FETCH_THRESHOLDS, FETCH_CERTS, FETCH_TASK, FETCH_LOG, FETCH_TRUST, FETCH_CHECK, FETCH_PERMISSIONS };

struct fetch {
	enum fetch_kind kind;
	enum list_kind list;      /* FETCH_LIST */
	size_t limit;             /* FETCH_LOG: lines wanted, 1..100 000 (clamped: more kills a 0.15 server) */
	const char *cursor;       /* FETCH_LOG: "" = newest, else fetch_reply.log->next of the page before */
	const char *contains;     /* FETCH_LOG: server-side substring or NULL */
};

/* FETCH_LOG fails with ERR_IO when so many lines reach one that is no UTF-8: fewer can be had.
 * Newest first. Every item is rendered into one line in the server's own file format, so that one parser reads all. */
struct log_page {
	struct buf text;          /* the lines, each ended by NUL */
	size_t *line;             /* offsets into text */
	size_t count;
	size_t skipped;           /* items that could not be rendered */
	char next[256];           /* cursor of the next older page; "" = no more */
	size_t overlap;           /* lines at this page's end with which the next one must begin; otherwise the log has shifted under it */
	char notice[256];         /* the server says nothing is logged, and what to change; "" */
};

struct trust {                    /* who the server believes about client addresses */
	char **networks;          /* proxy-trusted networks, NULL-terminated */
	char **where;             /* the setting each came from */
	size_t count;
	bool forwarded;           /* X-Forwarded-For is used */
};

struct check_problem { char *key, *text; }; /* the key that refuses a reload, and the server's words */
struct config_check {
	struct check_problem *errors, *warnings;
	size_t error_count, warning_count;
};

struct fetch_reply {
	enum fetch_kind kind;
	struct err err;                   /* ERR_NONE = the pointer of that kind is set */
	/* Borrowed during the callback; a callee that keeps one sets the pointer to NULL (takes it). */
	struct entrylist *list;
	struct thresholds *thresholds;
	struct certlist *certs;
	struct log_page *log;
	struct trust *trust;
	struct config_check *check;
	int64_t fetched;                  /* wall ms */
	int64_t ms;                       /* how long it took */
	size_t requests;
};
typedef void (*fetch_fn)(void *arg, struct fetch_reply *reply);
/* Strings in *f are copied. Queued until READY; fails at once (on the next turn) when REFUSED, FOREIGN, or a capability is missing. */
void session_fetch(struct session *s, const struct fetch *f, struct scope *owner, fetch_fn fn, void *arg);

void log_page_free(struct log_page *p);
void trust_free(struct trust *t);
void config_check_free(struct config_check *c);

/* ---- changing ---- */
struct change_progress { size_t done, total; enum step_kind step; int64_t elapsed_ms; };
typedef void (*progress_fn)(void *arg, const struct change *c, const struct change_progress *p);
typedef void (*change_fn)(void *arg, struct change *c); /* callee owns c from here on */

/* Carries c out: before → write → read back → reload(s) → reset → judge. Takes c. Guards are the caller's business (model/guard.h).
 * progress may be NULL. When owner is cancelled the running request is abandoned and no callback runs: give changes a scope that outlives the panel. */
void session_change(struct session *s, struct change *c, struct scope *owner, progress_fn progress, change_fn done, void *arg);
void session_change_stop(struct session *s, struct change *c); /* stop between batches; done still runs, c->cancelled set */
unsigned edit_needs(enum edit_kind k); /* CAP bits */
/* A change as the requests that session_change() would send, in order. All texts are safe, secrets are masked. */
struct dry_request {
	const char *step;   /* read, write, read_back, reload, reset; not_sent: why not is in detail */
	const char *method; /* NULL = not sent */
	char *path, *body, *detail; /* NULL = none */
};
struct dry_run {
	struct dry_request *requests;
	size_t count, cap;
	size_t left_out;    /* of the change's edits: this server, or these credentials, can't do them */
	struct err why;     /* of the first of them */
};
/* What its requests depend on, as last fetched; NULL = not known. */
struct dry_known {
	const struct thresholds *thresholds;
	const struct entrylist *blocked;
};
/* No I/O, c unchanged. out holds what could be said also when it fails. */
bool session_dry_run(struct session *s, const struct change *c, const struct dry_known *known, struct dry_run *out, struct err *err);
void dry_run_text(const struct dry_run *d, struct buf *out); /* to be read: a heading per step */
void dry_run_release(struct dry_run *d);
/* Fills what an UNKNOWN outcome is worth now: reads the targets again and updates c; nothing is written. reload: what is found stored is
 * made live by the reload that the change did not come to, and judged by it. */
void session_recheck(struct session *s, struct change *c, bool reload, struct scope *owner, change_fn done, void *arg);

#endif
