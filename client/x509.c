/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes -> certificates: PEM text, DER, base64 of either. Only blocks that say they are
 * certificates reach the parser; what was decoded from base64 may hold a private key and is wiped.
 * It must not know trust nor the network. */
#include "client/x509.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "client/x509_parse.h"
#include "core/mem.h"

#define PEM_DASHES "-----"

static bool is_certificate_label(const char *s, size_t len)
{
	static const char *const labels[] = {
		"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"};

	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		if (strlen(labels[i]) == len && !memcmp(labels[i], s, len))
			return true;
	return false;
}

static bool ends_with(const char *s, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len >= n && !memcmp(s + len - n, suffix, n);
}

/* One block from BEGIN up to and with END, or what is left when END is missing. */
static void take_pem_block(struct x509_bundle *b, const char *block, size_t len)
{
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(block, (int)len) : NULL;
	X509 *x = bio ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;

	if (!x)
		b->broken++;
	else if (sk_X509_num(b->certs) >= X509_CHAIN_MAX || !sk_X509_push(b->certs, x))
		X509_free(x);
	BIO_free(bio);
	ERR_clear_error();
}

static void parse_pem(struct x509_bundle *b, const char *s, size_t len)
{
	const char *end = s + len, *begin, *label, *label_end, *stop;

	while ((begin = memmem(s, (size_t)(end - s), PEM_DASHES "BEGIN ", 11))) {
		label = begin + 11;
		label_end = memmem(label, (size_t)(end - label), PEM_DASHES, 5);
		if (!label_end)
			return;
		s = label_end + 5;
		if (ends_with(label, (size_t)(label_end - label), "PRIVATE KEY"))
			b->has_key = true;
		if (!is_certificate_label(label, (size_t)(label_end - label)))
			continue;
		stop = memmem(s, (size_t)(end - s), PEM_DASHES "END ", 9);
		label_end = stop ? memmem(stop + 9, (size_t)(end - stop - 9), PEM_DASHES, 5) : NULL;
		stop = label_end ? label_end + 5 : end;
		take_pem_block(b, begin, (size_t)(stop - begin));
		s = stop;
	}
}

static void parse_der(struct x509_bundle *b, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;

	while (p < end && sk_X509_num(b->certs) < X509_CHAIN_MAX) {
		X509 *x = d2i_X509(NULL, &p, (long)(end - p));

		if (!x) {
			b->broken++;
			break;
		}
		if (!sk_X509_push(b->certs, x))
			X509_free(x);
	}
	ERR_clear_error();
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* Both alphabets, padding optional, white space skipped. NULL when it is no base64. */
static char *decode_base64(const char *s, size_t len, size_t *out_len)
{
	char *out = xmalloc(len / 4 * 3 + 4);
	unsigned bits = 0, value = 0;
	size_t n = 0, i = 0;

	for (; i < len && s[i] != '='; i++) {
		int v = base64_value(s[i]);

		if (v < 0 && strchr(" \t\r\n", s[i]) && s[i])
			continue;
		if (v < 0)
			break;
		value = (value << 6 | (unsigned)v) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(value >> bits & 0xff);
		}
	}
	while (i < len && s[i] && strchr("= \t\r\n", s[i]))
		i++;
	explicit_bzero(&value, sizeof(value));
	if (i == len && n) {
		*out_len = n;
		return out;
	}
	explicit_bzero(out, n);
	free(out);
	return NULL;
}

static bool parse_direct(struct x509_bundle *b, const char *s, size_t len)
{
	if (memmem(s, len, PEM_DASHES "BEGIN ", 11))
		parse_pem(b, s, len);
	else if (len > 1 && (unsigned char)s[0] == 0x30)
		parse_der(b, s, len);
	else
		return false;
	return true;
}

bool x509_bundle_parse(struct x509_bundle *b, const char *data, size_t len)
{
	size_t plain_len;
	char *plain;

	memset(b, 0, sizeof(*b));
	b->certs = sk_X509_new_null();
	if (!b->certs)
		die("out of memory");
	if (len > X509_MAX_BYTES)
		return false;
	if (parse_direct(b, data, len) && (sk_X509_num(b->certs) || b->has_key))
		return sk_X509_num(b->certs) > 0;
	plain = decode_base64(data, len, &plain_len); /* a DER file never gets this far as text */
	if (plain) {
		parse_direct(b, plain, plain_len);
		explicit_bzero(plain, plain_len);
		free(plain);
	}
	return sk_X509_num(b->certs) > 0;
}

void x509_bundle_release(struct x509_bundle *b)
{
	sk_X509_pop_free(b->certs, X509_free);
	b->certs = NULL;
}

/* Puts the end-entity certificate first; true when it was not there already. */
static bool bring_leaf_first(STACK_OF(X509) * certs)
{
	int leaf = x509_find_leaf(certs);
	X509 *x;

	if (leaf <= 0)
		return false;
	x = sk_X509_delete(certs, leaf);
	if (!sk_X509_insert(certs, x, 0))
		die("out of memory");
	return true;
}

static const char *no_certificate(const struct x509_bundle *b, size_t len)
{
	if (len > X509_MAX_BYTES)
		return "larger than 1 MiB: not read";
	if (b->broken)
		return "the certificate is malformed";
	return b->has_key ? "holds a private key but no certificate" : "holds no certificate";
}

void x509_bundle_fill(struct cert *c, struct x509_bundle *b)
{
	bool moved;

	x509_fill_chain(c, b->certs); /* as it came */
	moved = bring_leaf_first(b->certs);
	x509_fill(c, sk_X509_value(b->certs, 0));
	c->has_key = b->has_key;
	if (moved)
		c->chain = CHAIN_DISORDERED;
	if (b->broken && !c->error)
		cert_set_text(&c->error, "a part of it is malformed", SIZE_MAX);
}

struct cert *x509_parse(enum cert_source source, const char *id, const char *data, size_t len)
{
	struct cert *c = cert_new(source);
	struct x509_bundle b;

	if (x509_bundle_parse(&b, data, len)) {
		x509_bundle_fill(c, &b);
	} else {
		cert_set_text(&c->error, no_certificate(&b, len), SIZE_MAX);
		c->has_key = b.has_key;
	}
	x509_bundle_release(&b);
	cert_set_text(&c->id, id, SIZE_MAX);
	if (!c->name)
		cert_set_text(&c->name, id, SIZE_MAX);
	return c;
}

char *x509_macro_path(const char *value, size_t len)
{
	static const char head[] = "%{file:", tail[] = "}%";
	size_t hl = sizeof(head) - 1, tl = sizeof(tail) - 1;
	const char *path = value + hl;

	while (len && strchr(" \t\r\n", value[len - 1]) && value[len - 1])
		len--;
	if (len <= hl + tl || memcmp(value, head, hl) || memcmp(value + len - tl, tail, tl))
		return NULL;
	len -= hl + tl;
	if (memchr(path, '\0', len) || memmem(path, len, tail, tl))
		return NULL;
	return xstrndup(path, len);
}
