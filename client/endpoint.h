/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client really gets: TLS probes of many endpoints at once on the loop, by name (SNI),
 * implicit TLS or STARTTLS. Nothing here blocks: names are resolved by a child (getent), sockets
 * are non-blocking, every probe has its own time limit. A certificate that does not verify is
 * reported like any other. No credentials are ever sent. */
#ifndef CLIENT_ENDPOINT_H
#define CLIENT_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/loop.h"
#include "core/scope.h"
#include "model/cert.h"

#define ENDPOINT_TIMEOUT_MS 5000
#define ENDPOINT_MAX        256 /* probes of one run; those beyond are reported as not tried */

/* id, scheme, what is spoken before TLS */
#define PROTO_INFO(_)                                                                              \
	_(TLS, "tls")                                                                              \
	_(SMTP, "smtp")                                                                            \
	_(IMAP, "imap")                                                                            \
	_(POP3, "pop3")                                                                            \
	_(SIEVE, "sieve")
enum proto {
#define PROTO_ENUM(id, name) PROTO_##id,
	PROTO_INFO(PROTO_ENUM)
#undef PROTO_ENUM
	PROTO_COUNT
};

struct endpoint {
	enum proto proto;
	char host[256]; /* name or address, IPv6 without brackets; what is dialled */
	uint16_t port;
	char name[256];  /* SNI and the name that must be in the certificate; "" = host */
	bool optional;   /* a default one: not listening is no alarm */
	bool other_host; /* not the profile's server: nobody expects its stored certificate there */
};

/* "PROTO://HOST:PORT", IPv6 in brackets; port may be left out where the protocol has a usual one
 * (tls 443, smtp 25, imap 143, pop3 110, sieve 4190). "?name=…" sets the name asked for. */
bool endpoint_parse(const char *s, struct endpoint *out, struct err *err);
char *endpoint_format(const struct endpoint *e, char *out, size_t size); /* without the name */

/* A list of probes to make. */
struct endpoints {
	struct endpoint *items;
	size_t count, cap;
};
void endpoints_release(struct endpoints *l);
void endpoints_add(struct endpoints *l, const struct endpoint *e); /* an exact double is dropped */
/* tls 443 465 993 995 4190 and smtp 25 587, imap 143, for each name (at least one: host itself). On
 * 4190 ManageSieve speaks STARTTLS on most servers and implicit TLS on some: a sieve
 * probe waits a moment for a greeting and begins TLS by itself when none comes. */
void endpoints_add_defaults(
	struct endpoints *l, const char *host, const char *const *names, size_t name_count);

struct prober_options {
	const char *ca_file; /* trusted besides the system's CAs; NULL = none */
	const char *ca_dir;  /* instead of the system's CAs (tests); NULL = the system's */
	int64_t timeout_ms;  /* per probe; 0 = ENDPOINT_TIMEOUT_MS */
	const char *ehlo;    /* our name in EHLO; NULL = "stalwarden.invalid" */
};

/* One result; c is the callee's from now on (cert_free). i = index in the list given. */
typedef void (*prober_result_fn)(size_t i, struct cert *c, void *arg);
typedef void (*prober_done_fn)(void *arg);

/* Holds the TLS context (CA certificates are read once); any number of runs, one after the other or
 * at once. */
struct prober;
/* NULL on a ca_file that can't be read. */
struct prober *prober_new(struct loop *loop, const struct prober_options *options, struct err *err);
void prober_free(struct prober *p); /* ends what runs, without callbacks */
/* Starts all of them. Callbacks come from the loop, never from within this call; none after the
 * scope was cancelled. done is called exactly once after the last result, and may free the prober.
 */
void prober_run(struct prober *p, const struct endpoints *list, struct scope *owner,
	prober_result_fn result, prober_done_fn done, void *arg);

#endif
