/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates as stored, as served and as on disk: what is known of each, who renews it, how
 * urgent it is. No parsing, no I/O, no clock: client/x509.c fills a struct cert, model/cert_join.h
 * makes one table of many. All text in here has been through text_safe(): certificates are written
 * by strangers. */
#ifndef MODEL_CERT_H
#define MODEL_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"

#define CERT_DAY_MS  86400000LL
#define CERT_WARN_MS (21 * CERT_DAY_MS) /* defaults of --warn and --crit */
#define CERT_CRIT_MS (7 * CERT_DAY_MS)

/* id, JSON */
#define CERT_SOURCE_INFO(_)                                                                        \
	_(STORED, "stored")                                                                        \
	_(SERVED, "served")                                                                        \
	_(FILE, "file")
enum cert_source {
#define CERT_SOURCE_ENUM(id, name) CERT_##id,
	CERT_SOURCE_INFO(CERT_SOURCE_ENUM)
#undef CERT_SOURCE_ENUM
	CERT_SOURCE_COUNT
};
const char *cert_source_name(enum cert_source s);

/* How bad, for check (exit code = value) and for the sign in front of a row. */
enum cert_level { CERT_LEVEL_OK, CERT_LEVEL_WARNING, CERT_LEVEL_CRITICAL, CERT_LEVEL_COUNT };

/* id, JSON, level. The JSON words are the contract. */
#define CERT_STATUS_INFO(_)                                                                        \
	_(OK, "ok", OK)                                                                            \
	_(WARNING, "warning", WARNING)                                                             \
	_(SELF_SIGNED, "self_signed", WARNING)                                                     \
	_(UNREACHABLE, "unreachable", CRITICAL)                                                    \
	_(CRITICAL, "critical", CRITICAL)                                                          \
	_(MISSING, "missing", CRITICAL)                                                            \
	_(MISMATCH, "mismatch", CRITICAL)                                                          \
	_(EXPIRED, "expired", CRITICAL)
enum cert_status {
#define CERT_STATUS_ENUM(id, name, level) CERT_STATUS_##id,
	CERT_STATUS_INFO(CERT_STATUS_ENUM)
#undef CERT_STATUS_ENUM
	CERT_STATUS_COUNT
};
const char *cert_status_name(enum cert_status s);
enum cert_level cert_status_level(enum cert_status s);

/* What came with the leaf. id, words */
#define CHAIN_INFO(_)                                                                              \
	_(UNKNOWN, "not known")                                                                    \
	_(COMPLETE, "complete")                                                                    \
	_(INCOMPLETE, "incomplete: an intermediate certificate is missing")                        \
	_(DISORDERED, "in the wrong order")                                                        \
	_(FOREIGN, "padded with certificates that do not belong to it")
enum chain_state {
#define CHAIN_ENUM(id, words) CHAIN_##id,
	CHAIN_INFO(CHAIN_ENUM)
#undef CHAIN_ENUM
	CHAIN_COUNT
};
const char *chain_words(enum chain_state s);

/* Every reason a client would have to refuse it: bits, a certificate may have several. */
enum verify_flag {
	VERIFY_DONE = 1, /* verification was tried; alone = trusted */
	VERIFY_EXPIRED = 2,
	VERIFY_NOT_YET = 4,
	VERIFY_SELF_SIGNED = 8, /* the leaf itself, or a root that is not trusted */
	VERIFY_UNKNOWN_ISSUER = 16,
	VERIFY_NAME = 32,  /* does not name what was asked for */
	VERIFY_OTHER = 64, /* purpose, signature, constraints, …: see verify */
};

#define OCSP_INFO(_)                                                                               \
	_(NONE, "no staple")                                                                       \
	_(GOOD, "good")                                                                            \
	_(REVOKED, "revoked")                                                                      \
	_(UNKNOWN, "not known to its issuer")                                                      \
	_(STALE, "out of date")                                                                    \
	_(INVALID, "not valid")
enum ocsp_state {
#define OCSP_ENUM(id, words) OCSP_##id,
	OCSP_INFO(OCSP_ENUM)
#undef OCSP_ENUM
	OCSP_COUNT
};
const char *ocsp_words(enum ocsp_state s);

/* Pointers are owned, NULL = not known. A row that could not be had has `error` and no times. */
struct cert {
	enum cert_source source;
	char *name; /* served: the name asked for by SNI; else the first SAN, the CN, or the id */
	char *endpoint; /* served: "tls://mail.example.org:993" */
	char *id;       /* stored: the server's id of it ("default", "acme.letsencrypt", JMAP id) */
	char *path;     /* file: where; stored by %{file:…}%: the path in the macro */
	char *used_by;  /* file: whose configuration names it ("nginx"), or NULL */
	char *subject, *issuer; /* "CN=mail.example.org, O=…" */
	char *serial;           /* hex, lower case */
	char **sans; /* DNS names, IP addresses as text, others as "URI:…", "email:…" */
	size_t san_count;
	int64_t not_before, not_after; /* ms, TIME_NONE = not known */
	uint8_t sha256[32];
	bool has_sha256;  /* 0.16 rows read without their PEM have none */
	bool self_signed; /* subject = issuer and signed by its own key */
	bool is_ca;
	bool must_staple;
	bool has_key;    /* a private key came along with it (wiped, never kept) */
	bool optional;   /* served: a default endpoint; that nothing listens there is no alarm */
	bool refused;    /* served: no connection came about at all (refused, filtered, no route) */
	bool other_host; /* served: configured by the operator, need not be this server's */
	uint16_t port;   /* served; 0 else */
	char key_type[24]; /* "RSA", "EC P-256", "Ed25519" */
	unsigned key_bits;
	enum chain_state chain;
	char **chain_subjects; /* leaf first, as presented */
	size_t chain_len;      /* certificates presented or in the file, the leaf included */
	unsigned verify_flags;
	char *verify;         /* "trusted", or the reasons in words */
	char tls_version[16]; /* "TLSv1.3" */
	enum ocsp_state ocsp;
	int64_t ocsp_this, ocsp_next; /* ms, TIME_NONE = not given */
	int64_t seen;                 /* wall ms when read or probed */
	int64_t took_ms;              /* served: how long the probe took */
	char *error; /* why there is nothing to show, or what is wrong with it besides */
};

struct cert *cert_new(enum cert_source source); /* times are TIME_NONE */
void cert_free(struct cert *c);
struct cert *cert_copy(const struct cert *c);
/* s goes through text_safe(); replaces what was there; len may be SIZE_MAX for strlen. */
void cert_set_text(char **field, const char *s, size_t len);
void cert_add_san(struct cert *c, const char *s, size_t len);
bool cert_has_data(const struct cert *c); /* validity is known: not just an error row */

/* Whole days, rounded down: 0 on the last day, negative once expired. INT64_MIN when not known. */
int64_t cert_days_left(const struct cert *c, int64_t now);
/* The row by itself, without what the others say (cert_join.h knows more). A certificate not yet
 * valid is CRITICAL. */
enum cert_status cert_status(const struct cert *c, int64_t now, int64_t warn_ms, int64_t crit_ms);
/* Level of that status; a default endpoint that does not listen is OK. */
enum cert_level cert_level(const struct cert *c, enum cert_status s);
bool cert_is_valid(const struct cert *c, int64_t now); /* within its dates and not self-signed */
/* By SAN only, as clients do; '*' stands for the whole leftmost label; addresses compare as
 * addresses. */
bool cert_covers(const struct cert *c, const char *name);
bool cert_name_matches(const char *pattern, const char *name);
/* Same certificate: by fingerprint where both have one, else same dates and same set of names. */
bool cert_same(const struct cert *a, const struct cert *b);
char *cert_sha256_text(const struct cert *c, char *out,
	size_t size); /* 64 hex digits, "" when not known; >= 65 bytes */
char *cert_sha256_short(
	const struct cert *c, char *out, size_t size); /* "a1f3…" without the dots: 4 digits */

/* Who renews. id, JSON and screen */
#define RENEWER_INFO(_)                                                                            \
	_(NOBODY, "nobody")                                                                        \
	_(MANUAL, "manual")                                                                        \
	_(ACME, "server ACME")                                                                     \
	_(CERTBOT, "certbot")
enum renewer {
#define RENEWER_ENUM(id, name) RENEWER_##id,
	RENEWER_INFO(RENEWER_ENUM)
#undef RENEWER_ENUM
	RENEWER_COUNT
};
const char *renewer_name(enum renewer r);

/* How the last attempt ended. */
#define RENEWAL_INFO(_)                                                                            \
	_(UNKNOWN, "unknown")                                                                      \
	_(OK, "ok")                                                                                \
	_(NOT_DUE, "not due")                                                                      \
	_(PENDING, "pending")                                                                      \
	_(RETRY, "failed, will be tried again")                                                    \
	_(FAILED, "failed")
enum renewal_state {
#define RENEWAL_ENUM(id, words) RENEWAL_##id,
	RENEWAL_INFO(RENEWAL_ENUM)
#undef RENEWAL_ENUM
	RENEWAL_COUNT
};
const char *renewal_words(enum renewal_state s);

/* One renewing party for some names: an ACME provider (or 0.16 domain), a certbot lineage. */
struct renewal {
	enum renewer by;
	char *id;     /* provider id, domain name or lineage */
	char **names; /* what it renews; "*.x" covers as in a certificate */
	size_t name_count;
	char *path; /* certbot: fullchain.pem of the lineage */
	char *directory, *challenge, *contact;
	int64_t renew_before;           /* ms, 0 = not known */
	char *rule; /* the same in words where it is no fixed time: "after 2/3 of its time" */
	bool timer_known, timer_active; /* certbot.timer */
	int64_t next, last;             /* ms, TIME_NONE = not known */
	enum renewal_state state;
	char *reason; /* of a failure, the renewing party's words */
};

void renewal_add_name(struct renewal *r, const char *s, size_t len);
/* "timer active, next run in 7 h", "last attempt failed: …": one line for people; "" when nothing
 * is known. */
char *renewal_describe(const struct renewal *r, int64_t now, char *out, size_t size);

/* A snapshot. Rows and renewals keep their address until it is freed. */
struct certlist {
	struct cert **rows;
	size_t count, cap;
	struct renewal **renewals;
	size_t renewal_count, renewal_cap;
	int64_t fetched; /* clock_now() when complete */
};

struct certlist *certlist_new(void);
void certlist_free(struct certlist *l);
void certlist_take(struct certlist *l, struct cert *c); /* takes c over */
struct renewal *certlist_add_renewal(struct certlist *l, enum renewer by, const char *id);
void certlist_merge(struct certlist *into,
	struct certlist *from); /* moves all of from, frees it; from may be NULL */
void certlist_drop(
	struct certlist *l, enum cert_source source); /* forgets the rows of one source */

#endif
