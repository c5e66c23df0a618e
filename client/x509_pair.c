/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks before a certificate and its key are uploaded: what a server would refuse, and what it
 * would take and clients then refuse. The key is looked at once and wiped by OpenSSL; nothing of it
 * is quoted. It must not know how uploads are made. */
#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "client/x509.h"
#include "client/x509_parse.h"
#include "core/buf.h"

#define RSA_MIN_BITS 2048

struct findings {
	unsigned problems;
	struct buf text;
};

static void note(struct findings *f, unsigned problem, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void note(struct findings *f, unsigned problem, const char *fmt, ...)
{
	va_list ap;

	f->problems |= problem;
	if (f->text.len)
		buf_adds(&f->text, "; ");
	va_start(ap, fmt);
	buf_vaddf(&f->text, fmt, ap);
	va_end(ap);
}

/* Never asks on the terminal: a key with a passphrase is refused. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static bool is_encrypted(const char *pem, size_t len)
{
	return memmem(pem, len, "BEGIN ENCRYPTED PRIVATE KEY", 27) ||
	       memmem(pem, len, "Proc-Type: 4,ENCRYPTED", 22);
}

static EVP_PKEY *read_key(const char *pem, size_t len)
{
	BIO *bio = len && len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static void check_key(struct findings *f, X509 *leaf, const char *pem, size_t len)
{
	EVP_PKEY *key;

	if (is_encrypted(pem, len)) {
		note(f, X509_PAIR_KEY_ENCRYPTED,
			"the key has a passphrase, which the server can't know: openssl pkey -in "
			"KEY -out PLAIN_KEY");
		return;
	}
	key = read_key(pem, len);
	if (!key)
		note(f, X509_PAIR_NO_KEY, "the key file holds no private key in PEM form");
	else if (leaf && X509_check_private_key(leaf, key) != 1)
		note(f, X509_PAIR_KEY_MISMATCH, "the key does not belong to the certificate");
	EVP_PKEY_free(key);
	ERR_clear_error();
}

static void check_dates(struct findings *f, const struct cert *c, int64_t now)
{
	char when[TIME_BUF];

	if (!cert_has_data(c))
		note(f, X509_PAIR_NO_CERT, "the certificate's dates can't be read");
	else if (c->not_after < now)
		note(f, X509_PAIR_EXPIRED, "the certificate expired on %s",
			time_format(c->not_after, when, sizeof(when)));
	else if (c->not_before != TIME_NONE && c->not_before > now)
		note(f, X509_PAIR_NOT_YET, "the certificate is not valid before %s",
			time_format(c->not_before, when, sizeof(when)));
}

static void check_chain(struct findings *f, const struct cert *c)
{
	switch (c->chain) {
	case CHAIN_DISORDERED:
		note(f, X509_PAIR_CHAIN_ORDER,
			"the chain is in the wrong order: the certificate first, then each one's "
			"issuer");
		return;
	case CHAIN_FOREIGN:
		note(f, X509_PAIR_CHAIN_ORDER, "the chain is %s", chain_words(c->chain));
		return;
	case CHAIN_INCOMPLETE:
		note(f, X509_PAIR_CHAIN_INCOMPLETE,
			"only the certificate is there: add its issuer's (certbot: fullchain.pem)");
		return;
	case CHAIN_UNKNOWN:
	case CHAIN_COMPLETE:
	case CHAIN_COUNT:
		return;
	}
}

static void check_names(
	struct findings *f, const struct cert *c, const char *const *names, size_t count)
{
	struct buf missing = BUF_INIT;

	if (!c->san_count)
		note(f, X509_PAIR_NAMES,
			"the certificate has no names (SAN), so no client will take it");
	for (size_t i = 0; c->san_count && i < count; i++)
		if (!cert_covers(c, names[i]))
			buf_addf(&missing, "%s%s", missing.len ? ", " : "", names[i]);
	if (missing.len)
		note(f, X509_PAIR_NAMES, "it does not name %s", missing.data);
	buf_release(&missing);
}

static void check_strength(struct findings *f, const struct cert *c)
{
	if (c->self_signed)
		note(f, X509_PAIR_SELF_SIGNED, "it is self-signed: clients will refuse it or ask");
	if (!strncmp(c->key_type, "RSA", 3) && c->key_bits < RSA_MIN_BITS)
		note(f, X509_PAIR_WEAK_KEY, "its key is weak: RSA, %u bits", c->key_bits);
}

bool x509_check_pair(const char *cert_pem, size_t cert_len, const char *key_pem, size_t key_len,
	const char *const *names, size_t name_count, int64_t now, struct cert **out,
	unsigned *problems, struct err *err)
{
	struct findings f = {0, BUF_INIT};
	struct x509_bundle b;
	struct cert *c = NULL;

	if (x509_bundle_parse(&b, cert_pem, cert_len)) {
		c = cert_new(CERT_FILE);
		x509_bundle_fill(c, &b);
	} else {
		note(&f, X509_PAIR_NO_CERT,
			"the certificate file holds no certificate that can be read");
	}
	if (b.broken && c)
		note(&f, X509_PAIR_NO_CERT, "a certificate of the chain is malformed");
	check_key(&f, c ? sk_X509_value(b.certs, 0) : NULL, key_pem, key_len);
	if (c) {
		check_dates(&f, c, now);
		check_chain(&f, c);
		check_names(&f, c, names, name_count);
		check_strength(&f, c);
	}
	x509_bundle_release(&b);
	if (f.problems)
		err_set(err, ERR_USAGE, "%s", buf_str(&f.text));
	buf_release(&f.text);
	if (problems)
		*problems = f.problems;
	if (out)
		*out = c;
	else
		cert_free(c);
	return !f.problems;
}
