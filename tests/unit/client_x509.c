/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates out of every form they come in, and that no key stays behind. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/x509.h"
#include "core/mem.h"
#include "core/text.h"

#define NOW INT64_C(1795168800000) /* 2026-11-20T10:00:00Z */

static char *slurp(const char *name, size_t *len)
{
	char *path = xasprintf("tests/data/certs/%s", name), chunk[4096];
	FILE *f = fopen(path, "rb");
	struct buf b = BUF_INIT;
	size_t n;

	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)))
		buf_add(&b, chunk, n);
	fclose(f);
	free(path);
	return buf_take(&b, len);
}

static struct cert *parse(const char *name)
{
	size_t len;
	char *data = slurp(name, &len);
	struct cert *c = x509_parse(CERT_STORED, "id", data, len);

	free(data);
	return c;
}

static void assert_all_safe(const struct cert *c)
{
	const char *all[] = { c->name, c->id, c->subject, c->issuer, c->serial, c->verify, c->error };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_true(!all[i] || text_is_safe(all[i], strlen(all[i])));
	for (size_t i = 0; i < c->san_count; i++)
		assert_true(text_is_safe(c->sans[i], strlen(c->sans[i])));
	for (size_t i = 0; i < c->chain_len; i++)
		assert_true(text_is_safe(c->chain_subjects[i], strlen(c->chain_subjects[i])));
}

static void test_full_chain(void **state)
{
	struct cert *c = parse("full.pem");

	(void)state;
	assert_null(c->error);
	assert_string_equal(c->id, "id");
	assert_string_equal(c->name, "mail.example.org");
	assert_string_equal(c->subject, "CN=mail.example.org");
	assert_string_equal(c->issuer, "CN=Test Intermediate");
	assert_int_equal(c->san_count, 3);
	assert_string_equal(c->sans[2], "*.wild.example.org");
	assert_int_equal(c->not_before, INT64_C(1793491200000));
	assert_int_equal(c->not_after, INT64_C(1801310400000));
	assert_string_equal(c->key_type, "EC P-256");
	assert_int_equal(c->key_bits, 256);
	assert_int_equal(c->chain, CHAIN_COMPLETE);
	assert_int_equal(c->chain_len, 2);
	assert_string_equal(c->chain_subjects[1], "CN=Test Intermediate");
	assert_true(c->has_sha256);
	assert_false(c->self_signed || c->has_key || c->is_ca || c->must_staple);
	assert_int_equal(strlen(c->serial) % 2, 0);
	cert_free(c);
}

/* The same leaf in every wrapping has the same fingerprint. */
static void test_forms(void **state)
{
	static const struct {
		const char *file;
		bool has_key;
		enum chain_state chain;
		size_t len;
	} rows[] = {
		{ "leaf.pem", false, CHAIN_INCOMPLETE, 1 },
		{ "leaf.der", false, CHAIN_INCOMPLETE, 1 },
		{ "both.pem", true, CHAIN_COMPLETE, 2 },
		{ "acme.txt", true, CHAIN_COMPLETE, 2 },
		{ "swapped.pem", false, CHAIN_DISORDERED, 2 },
		{ "foreign.pem", false, CHAIN_FOREIGN, 3 },
	};
	struct cert *full = parse("full.pem");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert *c = parse(rows[i].file);

		assert_true(cert_same(c, full));
		assert_null(c->error);
		assert_int_equal(c->has_key, rows[i].has_key);
		assert_int_equal(c->chain, rows[i].chain);
		assert_int_equal(c->chain_len, rows[i].len);
		cert_free(c);
	}
	cert_free(full);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *file, *key, *name;
		unsigned bits;
		bool self_signed, must_staple;
	} rows[] = {
		{ "rsa.pem", "RSA", "rsa.example.org", 2048, false, false },
		{ "ed25519.pem", "Ed25519", "ed.example.org", 256, false, false },
		{ "self.pem", "EC P-256", "self.example.org", 256, true, false },
		{ "staple.pem", "EC P-256", "staple.example.org", 256, false, true },
		{ "nosan.pem", "EC P-256", "cn.example.org", 256, false, false },
		{ "address.pem", "EC P-256", "192.0.2.7", 256, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert *c = parse(rows[i].file);

		assert_string_equal(c->key_type, rows[i].key);
		assert_string_equal(c->name, rows[i].name);
		assert_in_range(c->key_bits, rows[i].bits - 3, rows[i].bits); /* 253 or 256 for Ed25519 */
		assert_int_equal(c->self_signed, rows[i].self_signed);
		assert_int_equal(c->must_staple, rows[i].must_staple);
		cert_free(c);
	}
}

static void test_years(void **state)
{
	struct cert *old = parse("1950.pem"), *far = parse("9999.pem");
	char text[TIME_BUF];

	(void)state;
	assert_string_equal(time_format(old->not_before, text, sizeof(text)), "1950-01-01T00:00:00Z");
	assert_string_equal(time_format(far->not_after, text, sizeof(text)), "9999-12-31T23:59:59Z");
	assert_int_equal(cert_status(old, NOW, 0, 0), CERT_STATUS_EXPIRED);
	assert_int_equal(cert_status(far, NOW, 0, 0), CERT_STATUS_OK);
	assert_true(cert_days_left(old, NOW) < -27000);
	assert_true(cert_days_left(far, NOW) > 2900000);
	cert_free(old);
	cert_free(far);
}

static void test_hostile_names(void **state)
{
	struct cert *c = parse("nasty.pem");

	(void)state;
	assert_all_safe(c);
	assert_int_equal(c->san_count, 8);
	assert_string_equal(c->sans[0], "nasty.example.org");
	assert_string_equal(c->sans[1], "e\\x1b[31mvil");
	assert_string_equal(c->sans[2], "q\"uote");
	assert_string_equal(c->sans[3], "n\\x00ul.example.org");
	assert_string_equal(c->sans[4], "DNS:192.0.2.1");
	assert_string_equal(c->sans[5], "DNS:::1");
	assert_string_equal(c->sans[6], "URI:http://u/\\x07");
	assert_string_equal(c->sans[7], "email:e@example.org");
	assert_false(cert_covers(c, "192.0.2.1") || cert_covers(c, "::1") || cert_covers(c, "n"));
	assert_non_null(strstr(c->subject, "O=Ö AG"));
	assert_non_null(strstr(c->subject, "\\\""));
	assert_null(strchr(c->subject, '\x1b'));
	cert_free(c);
}

static void test_hundred_names(void **state)
{
	struct cert *c = parse("hundred.pem");

	(void)state;
	assert_int_equal(c->san_count, 100);
	assert_string_equal(c->sans[99], "h99.example.org");
	cert_free(c);
}

static void test_no_certificate(void **state)
{
	static const struct {
		const char *data, *error;
	} rows[] = {
		{ "", "holds no certificate" },
		{ "hello", "holds no certificate" },
		{ "%{env:CERT}%", "holds no certificate" },
		{ "-----BEGIN CERTIFICATE-----", "the certificate is malformed" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "the certificate is malformed" },
		{ "-----BEGIN CERTIFICATE", "holds no certificate" },
		{ "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
			"holds a private key but no certificate" },
		{ "-----BEGIN EC PRIVATE KEY-----\n", "holds a private key but no certificate" },
		{ "0\x82\x01", "the certificate is malformed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert *c = x509_parse(CERT_FILE, "x", rows[i].data, strlen(rows[i].data));

		assert_string_equal(c->error, rows[i].error);
		assert_string_equal(c->name, "x");
		assert_false(cert_has_data(c) || c->has_sha256);
		cert_free(c);
	}
}

/* Cut at every byte: never a crash, and a leaf only when it is whole. */
static void test_every_cut(void **state)
{
	size_t len, leaf;
	char *full = slurp("full.pem", &len), *one = slurp("leaf.pem", &leaf);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		char *part = malloc(n ? n : 1);
		struct cert *c;

		assert_non_null(part);
		memcpy(part, full, n); /* exactly n bytes, so that reading past them is seen */
		c = x509_parse(CERT_STORED, NULL, part, n);
		if (n + 1 < leaf) /* its last newline may be missing */
			assert_false(cert_has_data(c));
		else
			assert_true(cert_has_data(c));
		if (n > leaf + 40 && n + 1 < len)
			assert_non_null(c->error);
		cert_free(c);
		free(part);
		if (n > leaf + 60 && n + 60 < len)
			n += 37;
	}
	free(full);
	free(one);
}

static void test_too_large(void **state)
{
	char *big = xcalloc(1, X509_MAX_BYTES + 1);
	struct cert *c;

	(void)state;
	memset(big, 'A', X509_MAX_BYTES + 1);
	c = x509_parse(CERT_FILE, NULL, big, X509_MAX_BYTES + 1);
	assert_string_equal(c->error, "larger than 1 MiB: not read");
	cert_free(c);
	free(big);
}

/* Does this run of bytes stand anywhere in the heap? The needle is given inverted, so as not to find itself. */
static bool is_in_heap(const unsigned char *inverted, size_t len)
{
	FILE *maps = fopen("/proc/self/maps", "r"), *mem = fopen("/proc/self/mem", "rb");
	unsigned long from, to;
	unsigned char *data;
	char line[512];
	bool found = false;

	assert_non_null(maps);
	assert_non_null(mem);
	while (!found && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "[heap]") || sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		data = malloc(to - from);
		assert_non_null(data);
		assert_int_equal(fseek(mem, (long)from, SEEK_SET), 0);
		assert_int_equal(fread(data, 1, to - from, mem), to - from);
		for (size_t i = 0; !found && i + len <= to - from; i++) {
			size_t k = 0;

			while (k < len && (data[i + k] ^ inverted[k]) == 0xff)
				k++;
			found = k == len;
		}
		explicit_bzero(data, to - from);
		free(data);
	}
	fclose(maps);
	fclose(mem);
	return found;
}

/* From the middle of the key's own base64, inverted, by way of the stack alone. */
static void read_needle(unsigned char *inverted, size_t len)
{
	int fd = open("tests/data/certs/leaf.key", O_RDONLY);
	char text[512];

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text)) > 60 + (ssize_t)len);
	for (size_t i = 0; i < len; i++)
		inverted[i] = (unsigned char)text[60 + i] ^ 0xff;
	explicit_bzero(text, sizeof(text));
	close(fd);
}

/* An ACME value as stored: base64 with the key in it. Once it is parsed no byte of the decoded key may be left. */
static void test_key_is_wiped(void **state)
{
	unsigned char inverted[24], *control = malloc(sizeof(inverted));
	char *value;
	struct cert *c;
	size_t len;
	bool can_look;

	(void)state;
	assert_non_null(control);
	read_needle(inverted, sizeof(inverted));
	for (size_t i = 0; i < sizeof(inverted); i++)
		control[i] = inverted[i] ^ 0xff;
	can_look = is_in_heap(inverted, sizeof(inverted));
	explicit_bzero(control, sizeof(inverted));
	free(control);
	if (!can_look)
		skip(); /* a sanitizer's heap is elsewhere */
	assert_false(is_in_heap(inverted, sizeof(inverted)));
	value = slurp("acme.txt", &len);
	c = x509_parse(CERT_STORED, "acme.le", value, len);
	assert_true(c->has_key && cert_has_data(c));
	assert_false(is_in_heap(inverted, sizeof(inverted)));
	free(value);
	cert_free(c);
}

static void test_macro_path(void **state)
{
	static const struct {
		const char *value, *path;
	} rows[] = {
		{ "%{file:/opt/cert.pem}%", "/opt/cert.pem" },
		{ "%{file:/opt/cert.pem}%\n", "/opt/cert.pem" },
		{ "%{file:}%", NULL },
		{ "%{env:CERT}%", NULL },
		{ "%{file:/a}%%{file:/b}%", NULL },
		{ "%{file:/a", NULL },
		{ "x%{file:/a}%", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *path = x509_macro_path(rows[i].value, strlen(rows[i].value));

		if (rows[i].path)
			assert_string_equal(path, rows[i].path);
		else
			assert_null(path);
		free(path);
	}
}

static void test_pair(void **state)
{
	static const struct {
		const char *cert, *key, *name;
		int64_t now;
		unsigned problems;
	} rows[] = {
		{ "full.pem", "leaf.key", "imap.example.org", NOW, 0 },
		{ "full.pem", "both.pem", "a.wild.example.org", NOW, 0 },
		{ "rsa.pem", "rsa.key", "rsa.example.org", NOW, 0 },
		{ "full.pem", "rsa.key", "mail.example.org", NOW, X509_PAIR_KEY_MISMATCH },
		{ "full.pem", "full.pem", "mail.example.org", NOW, X509_PAIR_NO_KEY },
		{ "leaf.key", "leaf.key", "mail.example.org", NOW, X509_PAIR_NO_CERT },
		{ "full.pem", "leaf.key", "example.org", NOW, X509_PAIR_NAMES },
		{ "full.pem", "leaf.key", "mail.example.org", NOW + 90 * CERT_DAY_MS, X509_PAIR_EXPIRED },
		{ "full.pem", "leaf.key", "mail.example.org", NOW - 90 * CERT_DAY_MS, X509_PAIR_NOT_YET },
		{ "leaf.pem", "leaf.key", "mail.example.org", NOW, X509_PAIR_CHAIN_INCOMPLETE },
		{ "swapped.pem", "leaf.key", "mail.example.org", NOW, X509_PAIR_CHAIN_ORDER },
		{ "foreign.pem", "leaf.key", "mail.example.org", NOW, X509_PAIR_CHAIN_ORDER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t cert_len, key_len;
		char *cert = slurp(rows[i].cert, &cert_len), *key = slurp(rows[i].key, &key_len);
		struct err err = ERR_INIT;
		unsigned problems = 0;
		struct cert *c = NULL;
		bool ok = x509_check_pair(
			cert, cert_len, key, key_len, &rows[i].name, 1, rows[i].now, &c, &problems, &err);

		assert_int_equal(problems, rows[i].problems);
		assert_int_equal(ok, !rows[i].problems);
		assert_int_equal(err.code, ok ? ERR_NONE : ERR_USAGE);
		assert_int_equal(!c, problems == X509_PAIR_NO_CERT);
		cert_free(c);
		free(cert);
		free(key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_chain),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_years),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_hundred_names),
		cmocka_unit_test(test_no_certificate),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_key_is_wiped),
		cmocka_unit_test(test_macro_path),
		cmocka_unit_test(test_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
