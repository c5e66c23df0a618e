/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One TLS handshake as bytes in and bytes out, and what the other side presented. Knows no socket,
 * so that no write of OpenSSL's can raise SIGPIPE or block. */
#ifndef CLIENT_ENDPOINT_TLS_H
#define CLIENT_ENDPOINT_TLS_H

#include <stddef.h>

#include "core/buf.h"
#include "core/err.h"
#include "model/cert.h"

struct endpoint_tls_context;
struct endpoint_tls_context *endpoint_tls_context_new(
	const char *ca_file, const char *ca_dir, struct err *err);
void endpoint_tls_context_free(struct endpoint_tls_context *c);

enum endpoint_tls_state { ENDPOINT_TLS_MORE, ENDPOINT_TLS_DONE, ENDPOINT_TLS_FAILED };

struct endpoint_tls;
/* name: sent as SNI unless it is an address. */
struct endpoint_tls *endpoint_tls_new(struct endpoint_tls_context *c, const char *name);
void endpoint_tls_free(struct endpoint_tls *t); /* NULL is fine */
/* Takes what came (nothing at the start) and appends what is to be sent. */
enum endpoint_tls_state endpoint_tls_feed(
	struct endpoint_tls *t, const char *data, size_t len, struct buf *send, struct err *err);
void endpoint_tls_goodbye(struct endpoint_tls *t, struct buf *send); /* close_notify */
/* Certificate, chain, verification for name at clock_now(), OCSP, version: into *c; nothing when
 * none was presented. */
void endpoint_tls_result(struct endpoint_tls *t, struct endpoint_tls_context *context,
	struct cert *c, const char *name);

#endif
