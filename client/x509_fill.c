/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One parsed certificate -> struct cert. All text is sanitised on the way by cert_set_text(). It
 * must not know trust. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "client/x509_ssl.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/net.h"

#define TLS_FEATURE_STATUS_REQUEST 5 /* RFC 7633: must-staple */

const char *x509_last_error(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = e ? ERR_reason_error_string(e) : NULL;

	ERR_clear_error();
	return text ? text : "unknown error";
}

int64_t x509_time(const ASN1_TIME *t)
{
	struct tm tm;

	if (!t || !ASN1_TIME_to_tm(t, &tm))
		return TIME_NONE;
	return (int64_t)timegm(&tm) * 1000;
}

static void set_from_bio(char **field, BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	cert_set_text(field, len > 0 ? data : "", len > 0 ? (size_t)len : 0);
}

void x509_set_name(char **field, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio && X509_NAME_print_ex(bio, name, 0,
			   XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_DN_REV | XN_FLAG_FN_SN |
				   ASN1_STRFLGS_ESC_2253 | ASN1_STRFLGS_UTF8_CONVERT |
				   ASN1_STRFLGS_DUMP_UNKNOWN | ASN1_STRFLGS_DUMP_DER) >= 0)
		set_from_bio(field, bio);
	BIO_free(bio);
}

/* A DNS name that looks like an address must not pass for one, nor one with our own prefixes for
 * another kind. */
static void add_dns(struct cert *c, const char *s, size_t len)
{
	struct net net;
	char *odd;

	if (!net_parse(s, len, &net, NULL) && !memchr(s, ':', len)) {
		cert_add_san(c, s, len);
		return;
	}
	odd = xmalloc(len + 5);
	memcpy(odd, "DNS:", 4);
	memcpy(odd + 4, s, len);
	cert_add_san(c, odd, len + 4);
	free(odd);
}

static void add_address(struct cert *c, const unsigned char *data, int len)
{
	struct net net = {.family = len == 4 ? 4 : 6, .prefix = len == 4 ? 32 : 128};
	char text[NET_BUF];

	if (len != 4 && len != 16)
		return;
	memcpy(net.addr, data, (size_t)len);
	net_format(&net, text, sizeof(text));
	cert_add_san(c, text, SIZE_MAX);
}

static void add_prefixed(struct cert *c, const char *prefix, const ASN1_STRING *s)
{
	size_t plen = strlen(prefix), len = (size_t)ASN1_STRING_length(s);
	char *text = xmalloc(plen + len + 1);

	memcpy(text, prefix, plen);
	memcpy(text + plen, ASN1_STRING_get0_data(s), len);
	cert_add_san(c, text, plen + len);
	free(text);
}

static void add_san(struct cert *c, const GENERAL_NAME *g)
{
	switch (g->type) {
	case GEN_DNS:
		add_dns(c, (const char *)ASN1_STRING_get0_data(g->d.dNSName),
			(size_t)ASN1_STRING_length(g->d.dNSName));
		return;
	case GEN_IPADD:
		add_address(c, ASN1_STRING_get0_data(g->d.iPAddress),
			ASN1_STRING_length(g->d.iPAddress));
		return;
	case GEN_URI:
		add_prefixed(c, "URI:", g->d.uniformResourceIdentifier);
		return;
	case GEN_EMAIL:
		add_prefixed(c, "email:", g->d.rfc822Name);
		return;
	default:
		return; /* directory and other names mean nothing to a mail client */
	}
}

static void fill_sans(struct cert *c, X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++)
		add_san(c, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
}

static void fill_name(struct cert *c, X509 *x)
{
	X509_NAME *subject = X509_get_subject_name(x);
	int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	ASN1_STRING *cn = i >= 0 ? X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)) : NULL;
	unsigned char *utf8 = NULL;
	int len = cn ? ASN1_STRING_to_UTF8(&utf8, cn) : -1;

	if (c->san_count)
		cert_set_text(&c->name, c->sans[0], SIZE_MAX);
	else if (len > 0)
		cert_set_text(&c->name, (char *)utf8, (size_t)len);
	OPENSSL_free(utf8);
}

static void fill_serial(struct cert *c, X509 *x)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = bn ? BN_bn2hex(bn) : NULL;

	for (char *p = hex; p && *p; p++)
		if (*p >= 'A' && *p <= 'F')
			*p = (char)(*p - 'A' + 'a');
	cert_set_text(&c->serial, hex, SIZE_MAX);
	OPENSSL_free(hex);
	BN_free(bn);
}

static const char *curve_name(const char *group)
{
	static const struct {
		const char *group, *name;
	} known[] = {
		{"prime256v1", "P-256"},
		{"secp384r1", "P-384"},
		{"secp521r1", "P-521"},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(known[i].group, group))
			return known[i].name;
	return group;
}

static void fill_key(struct cert *c, X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	char group[32] = "";

	if (!key) {
		snprintf(c->key_type, sizeof(c->key_type), "unknown");
		ERR_clear_error();
		return;
	}
	c->key_bits = (unsigned)EVP_PKEY_get_bits(key);
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		snprintf(c->key_type, sizeof(c->key_type), "RSA");
		return;
	case EVP_PKEY_RSA_PSS:
		snprintf(c->key_type, sizeof(c->key_type), "RSA-PSS");
		return;
	case EVP_PKEY_EC:
		if (!EVP_PKEY_get_group_name(key, group, sizeof(group) - 1, NULL))
			snprintf(group, sizeof(group), "?");
		snprintf(c->key_type, sizeof(c->key_type), "EC %.20s", curve_name(group));
		return;
	case EVP_PKEY_ED25519:
		snprintf(c->key_type, sizeof(c->key_type), "Ed25519");
		return;
	case EVP_PKEY_ED448:
		snprintf(c->key_type, sizeof(c->key_type), "Ed448");
		return;
	default:
		snprintf(c->key_type, sizeof(c->key_type), "%.20s",
			OBJ_nid2sn(EVP_PKEY_get_base_id(key)));
	}
}

static bool has_must_staple(X509 *x)
{
	TLS_FEATURE *features = X509_get_ext_d2i(x, NID_tlsfeature, NULL, NULL);
	bool found = false;

	for (int i = 0; features && i < sk_ASN1_INTEGER_num(features); i++)
		found |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) ==
			 TLS_FEATURE_STATUS_REQUEST;
	TLS_FEATURE_free(features);
	return found;
}

void x509_fill(struct cert *c, X509 *x)
{
	unsigned len = sizeof(c->sha256);

	x509_set_name(&c->subject, X509_get_subject_name(x));
	x509_set_name(&c->issuer, X509_get_issuer_name(x));
	fill_serial(c, x);
	fill_sans(c, x);
	if (!c->name)
		fill_name(c, x);
	c->not_before = x509_time(X509_get0_notBefore(x));
	c->not_after = x509_time(X509_get0_notAfter(x));
	c->has_sha256 = X509_digest(x, EVP_sha256(), c->sha256, &len) == 1;
	fill_key(c, x);
	c->self_signed = X509_self_signed(x, 1) == 1;
	c->is_ca = X509_check_ca(x) != 0;
	c->must_staple = has_must_staple(x);
	if (c->not_after == TIME_NONE)
		cert_set_text(&c->error, "its dates can't be read", SIZE_MAX);
	ERR_clear_error();
}
