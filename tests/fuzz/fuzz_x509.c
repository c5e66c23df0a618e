/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates, stored values, pairs and OCSP answers out of arbitrary bytes: whatever comes in, all text that comes out is safe. */
#include <openssl/evp.h>

#include "client/x509.h"
#include "client/x509_ssl.h"
#include "core/mem.h"
#include "core/text.h"
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1795168800000)
static void check_text(const char *s)
{
	MUST(!s || text_is_safe(s, strlen(s)));
}

static void check_cert(const struct cert *c)
{
	char hex[65];

	check_text(c->name);
	check_text(c->subject);
	check_text(c->issuer);
	check_text(c->serial);
	check_text(c->error);
	for (size_t i = 0; i < c->san_count; i++) {
		check_text(c->sans[i]);
		cert_name_matches(c->sans[i], "mail.example.org");
		cert_name_matches("*.example.org", c->sans[i]);
	}
	for (size_t i = 0; i < c->chain_len; i++)
		check_text(c->chain_subjects[i]);
	MUST(c->error || cert_has_data(c));
	MUST(cert_status(c, NOW, 0, 0) < CERT_STATUS_COUNT);
	MUST(cert_days_left(c, NOW) == INT64_MIN || cert_has_data(c));
	MUST(strlen(cert_sha256_text(c, hex, sizeof(hex))) == (c->has_sha256 ? 64 : 0));
	cert_covers(c, "mail.example.org");
}

static void check_pair(const char *s, size_t len)
{
	static const char *const names[] = { "mail.example.org" };
	struct err err = ERR_INIT;
	struct cert *c = NULL;
	unsigned problems = 0;
	bool ok = x509_check_pair(s, len, s, len, names, 1, NOW, &c, &problems, &err);

	MUST(ok == !problems && ok == (err.code == ERR_NONE));
	MUST(c || problems & X509_PAIR_NO_CERT);
	check_text(err.msg);
	cert_free(c);
}

/* A certificate to ask about: self-signed, so that it is its own issuer. */
static X509 *make_leaf(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	MUST(key && x);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	MUST(X509_sign(x, key, EVP_sha256()));
	EVP_PKEY_free(key);
	return x;
}

static void check_ocsp(const uint8_t *data, size_t size)
{
	static X509 *leaf;
	struct cert *c = cert_new(CERT_SERVED);

	if (!leaf)
		leaf = make_leaf();
	x509_fill_ocsp(c, leaf, leaf, data, size, NOW);
	MUST(c->ocsp == OCSP_INVALID); /* nobody but the key's owner could have signed another */
	cert_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = malloc(size ? size : 1), *path;
	struct cert *c;

	if (!exact)
		abort();
	memcpy(exact, data, size); /* without a terminator, so that reading past the length is seen */
	c = x509_parse(CERT_STORED, "id", exact, size);
	check_cert(c);
	cert_free(c);
	path = x509_macro_path(exact, size);
	MUST(!path || (*path && strlen(path) + 9 <= size));
	free(path);
	check_pair(exact, size);
	check_ocsp(data, size);
	free(exact);
	return 0;
}
