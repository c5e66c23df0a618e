/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates as bytes -> struct cert, and the checks before one is uploaded. The face that
 * dialects and verbs may use: no OpenSSL type in it. Private keys that come along are wiped, never
 * kept, never quoted in an error. */
#ifndef CLIENT_X509_H
#define CLIENT_X509_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "model/cert.h"

#define X509_MAX_BYTES (1024 * 1024) /* of one PEM or DER bundle */

/* One certificate with its chain out of PEM text (a key may be in it), DER, or base64 (plain or
 * URL-safe) of either, which is how 0.8-0.15 store an ACME certificate. Only certificates are
 * looked at; the working copy is wiped. The leaf is the one that belongs to no other one's issuer;
 * `id` (may be NULL) becomes cert->id. Never NULL: what can't be read has cert->error. */
struct cert *x509_parse(enum cert_source source, const char *id, const char *data, size_t len);

/* A stored value that is a macro, "%{file:/etc/…/cert.pem}%": the path, xmalloc'ed. NULL when it
 * is none; so do "%{env:…}%" and other macros, which hold nothing that could be read from here. */
char *x509_macro_path(const char *value, size_t len);

enum x509_problem_bits {
	X509_PAIR_NO_CERT = 1,
	X509_PAIR_NO_KEY = 2,
	X509_PAIR_KEY_MISMATCH = 4,
	X509_PAIR_KEY_ENCRYPTED = 8,
	X509_PAIR_EXPIRED = 16,
	X509_PAIR_NOT_YET = 32,
	/* what --force may override */
	X509_PAIR_CHAIN_ORDER = 64,
	X509_PAIR_CHAIN_INCOMPLETE = 128,
	X509_PAIR_SELF_SIGNED = 256,
	X509_PAIR_NAMES = 512,
	X509_PAIR_WEAK_KEY = 1024,
};
#define X509_PAIR_FATAL                                                                            \
	(X509_PAIR_NO_CERT | X509_PAIR_NO_KEY | X509_PAIR_KEY_MISMATCH | X509_PAIR_KEY_ENCRYPTED | \
		X509_PAIR_EXPIRED)

/* Before an upload. names: those the certificate should cover (may be empty); now: ms. Fills *out
 * (caller frees; NULL if there is no certificate) and says everything that is wrong in err, worst
 * first. True when nothing is. */
bool x509_check_pair(const char *cert_pem, size_t cert_len, const char *key_pem, size_t key_len,
	const char *const *names, size_t name_count, int64_t now, struct cert **out,
	unsigned *problems, struct err *err);

#endif
