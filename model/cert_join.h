/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One table of stored, served and on-disk certificates, joined by fingerprint and name, each row
 * with what is wrong and its cure; and the one-line judgement of `check certs`. Pure. */
#ifndef MODEL_CERT_JOIN_H
#define MODEL_CERT_JOIN_H

#include "model/cert.h"

/* What a key or a verb can do about a finding. id, JSON */
#define CERT_ACTION_INFO(_)                                                                        \
	_(NONE, "none")                                                                            \
	_(RELOAD, "reload")                                                                        \
	_(RENEW, "renew")                                                                          \
	_(UPLOAD, "upload")                                                                        \
	_(RELOAD_NGINX, "nginx_reload")
enum cert_action {
#define CERT_ACTION_ENUM(id, name) CERT_ACTION_##id,
	CERT_ACTION_INFO(CERT_ACTION_ENUM)
#undef CERT_ACTION_ENUM
	CERT_ACTION_COUNT
};
const char *cert_action_name(enum cert_action a);

/* id, JSON, usual level (a finding may have another). Order = which one speaks for the row when levels
 * are equal. What concerns a name and not an endpoint is told once, in the first row of that name. */
#define FINDING_INFO(_)                                                                            \
	_(VANISHED, "vanished", CRITICAL)                                                          \
	_(REVOKED, "revoked", CRITICAL)                                                            \
	_(STALE_SERVED, "served_not_stored", WARNING)                                              \
	_(FILE_NOT_LOADED, "file_not_loaded", WARNING)                                             \
	_(EXPIRED, "expired", CRITICAL)                                                            \
	_(NOT_YET_VALID, "not_yet_valid", CRITICAL)                                                \
	_(NAME_MISMATCH, "name_mismatch", CRITICAL)                                                \
	_(EXPIRES_SOON, "expires_soon", CRITICAL)                                                  \
	_(STAPLE_REQUIRED, "staple_required", CRITICAL)                                            \
	_(CHAIN_INCOMPLETE, "chain_incomplete", CRITICAL)                                          \
	_(UNREACHABLE, "unreachable", CRITICAL)                                                    \
	_(MALFORMED, "malformed", CRITICAL)                                                        \
	_(NAME_UNCOVERED, "name_uncovered", WARNING)                                               \
	_(SELF_SIGNED, "self_signed", WARNING)                                                     \
	_(UNTRUSTED, "untrusted", WARNING)                                                         \
	_(EXPIRES, "expires", WARNING)                                                             \
	_(RENEWAL_FAILED, "renewal_failed", WARNING)                                               \
	_(TIMER_INACTIVE, "timer_inactive", WARNING)                                               \
	_(TWO_FOR_NAME, "two_for_name", WARNING)                                                   \
	_(CHAIN_ORDER, "chain_order", WARNING)                                                     \
	_(STAPLE_STALE, "staple_stale", WARNING)                                                   \
	_(WEAK_KEY, "weak_key", WARNING)                                                           \
	_(OLD_TLS, "old_tls", WARNING)                                                             \
	_(UNREADABLE, "unreadable", OK)                                                            \
	_(NOT_LISTENING, "not_listening", OK)                                                      \
	_(NOT_SERVED, "not_served", OK)
enum finding_kind {
#define FINDING_ENUM(id, name, level) FINDING_##id,
	FINDING_INFO(FINDING_ENUM)
#undef FINDING_ENUM
	FINDING_COUNT
};
const char *finding_name(enum finding_kind k);
enum cert_level finding_level(enum finding_kind k);

struct finding {
	enum finding_kind kind;
	enum cert_level level;
	enum cert_action action;
	char *text; /* what is wrong: "served is not the stored one" */
	char *cure; /* what to do: "reload the certificates (certs reload)"; "" when nothing need be
		       done */
};

/* One name at one endpoint; or a name with no endpoint (stored, on disk, in use or vanished only).
 */
struct cert_row {
	char *name;
	char *endpoint; /* NULL = none */
	uint16_t port;  /* 0 = none */
	/* Borrowed from the list, NULL = none. stored and file: of those that cover the name the
	 * served one if it is among them, else the one valid longest. */
	const struct cert *served, *stored, *file;
	bool served_is_stored, served_is_file;
	int64_t days_left; /* of served, else stored, else file; INT64_MIN = none */
	enum cert_status status;
	enum cert_level level; /* worst of status and findings */
	enum renewer renewed_by;
	const struct renewal *renewal; /* borrowed, NULL when nobody's */
	struct finding *findings;      /* worst first */
	size_t finding_count, finding_cap;
};

/* One certificate of the list, or a name that has none: what lists and JSON show line by line. */
struct cert_item {
	const struct cert *cert;     /* borrowed; NULL = a name without a certificate (status missing) */
	enum cert_source source;     /* STORED when there is no certificate */
	const char *name;            /* borrowed */
	enum cert_status status;     /* served: what the row says, which knows of the others */
	enum renewer renewed_by;
	size_t row;                  /* index of the row it is shown in */
};

struct certtable {
	struct cert_row *rows; /* worst first, then by name and port */
	size_t count, cap;
	struct cert_item *items; /* served in row order, then stored, then files, then missing names */
	size_t item_count, item_cap;
};

/* A name that had a stored certificate earlier, and what is known of it. */
struct cert_seen {
	char *name, *id, *issuer; /* "" = not known */
	int64_t not_after, seen;  /* ms; TIME_NONE = not known; seen: last */
};

struct cert_join {
	const struct certlist *list; /* all sources; must outlive the table */
	const char *const *names;    /* in use: host names of the server, autoconfig names, … */
	size_t name_count;
	const struct cert_seen *seen; /* from the store */
	size_t seen_count;
	bool stored_known; /* the stored list was read: what is not in it is not stored */
	bool probed;       /* endpoints were probed: what was not seen is not served */
	bool can_renew;    /* this generation has a call for renewal (0.16) */
	int64_t now, warn_ms, crit_ms; /* ms; 0 = the defaults */
};

struct certtable *cert_join(const struct cert_join *in);
void certtable_free(struct certtable *t);
bool cert_row_has(const struct cert_row *row, enum finding_kind kind);
/* The row of a name at a port (0 = without one), whatever its case; -1 if there is none. */
ptrdiff_t certtable_find(const struct certtable *t, const char *name, uint16_t port);

/* What a reload of certificates changed, by what endpoints served before and serve after it. Only what the mail
 * server itself serves counts: another program's own good certificate is no failure of the reload. */
struct cert_effect {
	size_t compared; /* endpoints that presented a certificate both times */
	size_t changed;  /* of those, that serve another one now */
	size_t cured;    /* rows that a reload should mend and that are well now */
	size_t still;    /* rows that a reload should mend and that it did not: not in force */
	char line[256];  /* the verdict's words */
};
void cert_effect(const struct certtable *before, const struct certtable *after, struct cert_effect *out);

/* `check certs`: one line over all sources. */
struct cert_check {
	int code; /* 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (nothing could be looked at) */
	size_t rows, warnings, criticals;
	int64_t min_days; /* of all rows with dates; INT64_MIN = none */
	char line[512]; /* "CERTS CRITICAL - mail.example.org:993 …; and 2 more | min_days=6 …" */
};
void cert_check(const struct certtable *t, struct cert_check *out);

#endif
