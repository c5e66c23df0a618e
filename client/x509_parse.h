/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between x509.c and x509_pair.c: parsed bundles. */
#ifndef CLIENT_X509_PARSE_H
#define CLIENT_X509_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/x509_ssl.h"

struct x509_bundle {
	STACK_OF(X509) * certs; /* as they came; at most X509_CHAIN_MAX */
	size_t broken;          /* blocks that say they are certificates and are none */
	bool has_key;           /* a private key was among the blocks */
};

/* False when there is no certificate in it; release it in both cases. */
bool x509_bundle_parse(struct x509_bundle *b, const char *data, size_t len);
void x509_bundle_fill(
	struct cert *c, struct x509_bundle *b); /* needs at least one; brings the leaf first */
void x509_bundle_release(struct x509_bundle *b);

#endif
