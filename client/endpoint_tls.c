/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TLS handshakes over memory, lenient on purpose: the aim is to see what is served, also where no
 * client would accept it. It must not know sockets, and never sends application data. */
#include "client/endpoint_tls.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "client/x509_ssl.h"
#include "core/mem.h"
#include "model/net.h"

struct endpoint_tls_context {
	SSL_CTX *ctx;
	X509_STORE *store;
};

struct endpoint_tls {
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
};

/* Judged afterwards, with every reason: see x509_verify(). */
static int accept_any(X509_STORE_CTX *ctx, void *arg)
{
	(void)ctx;
	(void)arg;
	return 1;
}

struct endpoint_tls_context *endpoint_tls_context_new(
	const char *ca_file, const char *ca_dir, struct err *err)
{
	X509_STORE *store = x509_store_new(ca_file, ca_dir, err);
	struct endpoint_tls_context *c;

	if (!store)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->store = store;
	c->ctx = SSL_CTX_new(TLS_client_method());
	if (!c->ctx)
		die("TLS can't be set up: %s", x509_last_error());
	/* old versions, short keys and weak digests are findings, not reasons to see nothing */
	SSL_CTX_set_security_level(c->ctx, 0);
	SSL_CTX_set_min_proto_version(c->ctx, TLS1_VERSION);
	SSL_CTX_set_cipher_list(c->ctx, "DEFAULT:@SECLEVEL=0");
	SSL_CTX_set_options(c->ctx, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_cert_verify_callback(c->ctx, accept_any, NULL);
	SSL_CTX_set_tlsext_status_type(c->ctx, TLSEXT_STATUSTYPE_ocsp);
	ERR_clear_error();
	return c;
}

void endpoint_tls_context_free(struct endpoint_tls_context *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->ctx);
	X509_STORE_free(c->store);
	free(c);
}

struct endpoint_tls *endpoint_tls_new(struct endpoint_tls_context *c, const char *name)
{
	struct endpoint_tls *t = xcalloc(1, sizeof(*t));
	struct net net;

	t->ssl = SSL_new(c->ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (!t->ssl || !t->in || !t->out)
		die("out of memory");
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_connect_state(t->ssl);
	if (!net_parse(name, strlen(name), &net, NULL))
		SSL_set_tlsext_host_name(t->ssl, name); /* over 255 bytes: goes without */
	ERR_clear_error();
	return t;
}

void endpoint_tls_free(struct endpoint_tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	free(t);
}

static void flush(struct endpoint_tls *t, struct buf *send)
{
	char *data;
	long len = BIO_get_mem_data(t->out, &data);

	if (len > 0)
		buf_add(send, data, (size_t)len);
	(void)BIO_reset(t->out);
}

/* A server that speaks first in clear text is the likeliest mistake: say so. */
static void explain(struct err *err)
{
	int reason = ERR_GET_REASON(ERR_peek_last_error());
	const char *hint = "";

	if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
		reason == SSL_R_PACKET_LENGTH_TOO_LONG)
		hint = " (it seems to answer in clear text: is it smtp://, imap://, pop3:// or "
		       "sieve://?)";
	err_set(err, ERR_PROTOCOL, "TLS handshake failed: %s%s", x509_last_error(), hint);
}

enum endpoint_tls_state endpoint_tls_feed(
	struct endpoint_tls *t, const char *data, size_t len, struct buf *send, struct err *err)
{
	int r, why;

	if (len > INT_MAX || (len && BIO_write(t->in, data, (int)len) != (int)len)) {
		err_set(err, ERR_INTERNAL, "TLS input could not be taken");
		return ENDPOINT_TLS_FAILED;
	}
	ERR_clear_error();
	r = SSL_do_handshake(t->ssl);
	why = r == 1 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, r);
	flush(t, send);
	if (r == 1)
		return ENDPOINT_TLS_DONE;
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return ENDPOINT_TLS_MORE;
	explain(err);
	return ENDPOINT_TLS_FAILED;
}

void endpoint_tls_goodbye(struct endpoint_tls *t, struct buf *send)
{
	SSL_shutdown(t->ssl);
	flush(t, send);
	ERR_clear_error();
}

static void read_ocsp(struct endpoint_tls *t, struct cert *c, X509 *leaf, X509 *issuer, int64_t now)
{
	const unsigned char *der = NULL;
	long len = SSL_get_tlsext_status_ocsp_resp(t->ssl, &der);

	if (der && len > 0)
		x509_fill_ocsp(c, leaf, issuer, der, (size_t)len, now);
}

void endpoint_tls_result(struct endpoint_tls *t, struct endpoint_tls_context *context,
	struct cert *c, const char *name)
{
	X509 *leaf = SSL_get1_peer_certificate(t->ssl), *issuer = NULL;
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(t->ssl); /* the leaf is in it */
	int64_t now = clock_now();

	if (!leaf)
		return;
	x509_fill(c, leaf);
	if (chain)
		x509_fill_chain(c, chain);
	x509_verify(c, leaf, chain, context->store, name, now, &issuer);
	read_ocsp(t, c, leaf, issuer, now);
	snprintf(c->tls_version, sizeof(c->tls_version), "%s", SSL_get_version(t->ssl));
	X509_free(issuer);
	X509_free(leaf);
	ERR_clear_error();
}
