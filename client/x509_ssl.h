/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between x509*.c and endpoint*.c: the functions that need OpenSSL's types. Nobody else includes
 * this. */
#ifndef CLIENT_X509_SSL_H
#define CLIENT_X509_SSL_H

#include <stdint.h>

#include <openssl/x509.h>

#include "core/err.h"
#include "model/cert.h"

#define X509_CHAIN_MAX 64 /* certificates looked at in one bundle */

/* RFC 4514 order, most specific first, quotes and commas escaped; UTF-8 stays UTF-8. */
void x509_set_name(char **field, const X509_NAME *name);
/* Subject, names, dates, key, fingerprint of one certificate. c->name is set only where it was
 * NULL. */
void x509_fill(struct cert *c, X509 *x);
/* chain_subjects and c->chain by order alone; certs[0] is the leaf as presented. */
void x509_fill_chain(struct cert *c, STACK_OF(X509) * certs);
/* Index of the end-entity certificate: the one that issued none of the others; 0 where that is not
 * clear. */
int x509_find_leaf(STACK_OF(X509) * certs);

/* Trust: the system's CAs (looked up by hash in their directory where there is one, for speed) or
 * those of ca_dir, and ca_file besides. NULL with err filled when a named one can't be read. The
 * caller frees. */
X509_STORE *x509_store_new(const char *ca_file, const char *ca_dir, struct err *err);
/* Every reason for which a client would refuse c at that time, in c->verify and verify_flags;
 * corrects c->chain by what was found. name: what must be named. *issuer (may be NULL): the leaf's
 * issuer with a reference of its own, or NULL. */
void x509_verify(struct cert *c, X509 *leaf, STACK_OF(X509) * certs, X509_STORE *store,
	const char *name, int64_t now, X509 **issuer);
/* A stapled OCSP answer, DER. */
void x509_fill_ocsp(struct cert *c, X509 *leaf, X509 *issuer, const unsigned char *der, size_t len,
	int64_t now);

/* OpenSSL's newest error in words ("wrong version number"), emptying its queue; never NULL. */
const char *x509_last_error(void);
int64_t x509_time(const ASN1_TIME *t); /* ms, TIME_NONE when malformed */

#endif
