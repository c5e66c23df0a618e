/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates by themselves: names, days, status, identity, lists, renewals in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/text.h"
#include "model/cert.h"

#define NOW  INT64_C(1795168800000) /* 2026-11-20T10:00:00Z */
#define HOUR INT64_C(3600000)

static struct cert *dated(enum cert_source source, int64_t from, int64_t to, const char *san)
{
	struct cert *c = cert_new(source);

	c->not_before = from;
	c->not_after = to;
	if (san)
		cert_add_san(c, san, SIZE_MAX);
	return c;
}

static void test_names_match(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} rows[] = {
		{ "mail.example.org", "mail.example.org", true },
		{ "MAIL.example.ORG", "mail.Example.org", true },
		{ "mail.example.org.", "mail.example.org", true },
		{ "mail.example.org", "mail.example.org.", true },
		{ "mail.example.org", "xmail.example.org", false },
		{ "example.org", "mail.example.org", false },
		{ "*.example.org", "mail.example.org", true },
		{ "*.example.org", "a.b.example.org", false },
		{ "*.example.org", "example.org", false },
		{ "*.example.org", ".example.org", false },
		{ "*.org", "example.org", false },
		{ "*", "localhost", false },
		{ "*.", "a.", false },
		{ "m*.example.org", "mail.example.org", false },
		{ "*.example.org", "*.example.org", true },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "*.0.2.1", "192.0.2.1", false },
		{ "2001:db8::1", "2001:DB8:0::1", true },
		{ "2001:db8::1", "2001:db8::2", false },
		{ "DNS:192.0.2.1", "192.0.2.1", false },
		{ "email:a@example.org", "example.org", false },
		{ "", "", true },
		{ "", "a", false },
		{ "mail.example.org\\x00.evil.net", "mail.example.org", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (cert_name_matches(rows[i].pattern, rows[i].name) != rows[i].match)
			fail_msg("%s against %s", rows[i].pattern, rows[i].name);
}

static void test_days_left(void **state)
{
	static const struct {
		int64_t left, days;
	} rows[] = {
		{ 0, 0 },
		{ 1, 0 },
		{ 24 * HOUR - 1, 0 },
		{ 24 * HOUR, 1 },
		{ 21 * 24 * HOUR, 21 },
		{ -1, -1 },
		{ -24 * HOUR, -1 },
		{ -24 * HOUR - 1, -2 },
	};
	struct cert *c = cert_new(CERT_FILE);

	(void)state;
	assert_true(cert_days_left(c, NOW) == INT64_MIN);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		c->not_after = NOW + rows[i].left;
		assert_int_equal(cert_days_left(c, NOW), rows[i].days);
	}
	cert_free(c);
}

static void test_status(void **state)
{
	static const struct {
		int64_t from_h, to_h; /* relative to NOW */
		const char *san;
		bool self_signed;
		enum cert_source source;
		enum cert_status status;
	} rows[] = {
		{ -24, 24 * 90, "a.example.org", false, CERT_SERVED, CERT_STATUS_OK },
		{ -24, 24 * 21, "a.example.org", false, CERT_SERVED, CERT_STATUS_OK },
		{ -24, 24 * 21 - 1, "a.example.org", false, CERT_SERVED, CERT_STATUS_WARNING },
		{ -24, 24 * 7, "a.example.org", false, CERT_SERVED, CERT_STATUS_WARNING },
		{ -24, 24 * 7 - 1, "a.example.org", false, CERT_SERVED, CERT_STATUS_CRITICAL },
		{ -24, -1, "a.example.org", false, CERT_SERVED, CERT_STATUS_EXPIRED },
		{ -24, -1, "a.example.org", true, CERT_SERVED, CERT_STATUS_EXPIRED },
		{ 1, 24 * 90, "a.example.org", false, CERT_SERVED, CERT_STATUS_CRITICAL },
		{ -24, 24 * 90, "a.example.org", true, CERT_SERVED, CERT_STATUS_SELF_SIGNED },
		{ -24, 24 * 90, "b.example.org", false, CERT_SERVED, CERT_STATUS_MISMATCH },
		{ -24, 24 * 90, "b.example.org", false, CERT_STORED, CERT_STATUS_OK },
		{ -24, 24 * 90, NULL, false, CERT_SERVED, CERT_STATUS_MISMATCH },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert *c = dated(rows[i].source, NOW + rows[i].from_h * HOUR, NOW + rows[i].to_h * HOUR, rows[i].san);

		c->self_signed = rows[i].self_signed;
		cert_set_text(&c->name, "a.example.org", SIZE_MAX);
		if (cert_status(c, NOW, 0, 0) != rows[i].status)
			fail_msg("row %zu: %s", i, cert_status_name(cert_status(c, NOW, 0, 0)));
		cert_free(c);
	}
}

static void test_status_without_data(void **state)
{
	struct cert *served = cert_new(CERT_SERVED), *stored = cert_new(CERT_STORED);

	(void)state;
	assert_int_equal(cert_status(served, NOW, 0, 0), CERT_STATUS_UNREACHABLE);
	assert_int_equal(cert_status(stored, NOW, 0, 0), CERT_STATUS_MISSING);
	assert_int_equal(cert_level(served, CERT_STATUS_UNREACHABLE), CERT_LEVEL_CRITICAL);
	served->optional = true;
	assert_int_equal(cert_level(served, CERT_STATUS_UNREACHABLE), CERT_LEVEL_WARNING);
	served->refused = true;
	assert_int_equal(cert_level(served, CERT_STATUS_UNREACHABLE), CERT_LEVEL_OK);
	cert_free(served);
	cert_free(stored);
}

/* The words are the contract of the interface. */
static void test_words(void **state)
{
	static const char *const status[] = { "ok", "warning", "self_signed", "unreachable", "critical", "missing",
		"mismatch", "expired" };

	(void)state;
	assert_int_equal(ARRAY_LEN(status), CERT_STATUS_COUNT);
	for (size_t i = 0; i < CERT_STATUS_COUNT; i++)
		assert_string_equal(cert_status_name((enum cert_status)i), status[i]);
	assert_string_equal(cert_source_name(CERT_STORED), "stored");
	assert_string_equal(cert_source_name(CERT_SERVED), "served");
	assert_string_equal(cert_source_name(CERT_FILE), "file");
	assert_string_equal(renewer_name(RENEWER_ACME), "server ACME");
	assert_string_equal(renewer_name(RENEWER_CERTBOT), "certbot");
	assert_string_equal(renewer_name(RENEWER_MANUAL), "manual");
	assert_string_equal(renewer_name(RENEWER_NOBODY), "nobody");
}

static void test_same(void **state)
{
	struct cert *a = dated(CERT_STORED, NOW, NOW + HOUR, "a.example.org"), *b = cert_copy(a);

	(void)state;
	assert_true(cert_same(a, b)); /* no fingerprints: dates and names decide */
	cert_add_san(b, "b.example.org", SIZE_MAX);
	assert_false(cert_same(a, b));
	cert_add_san(a, "B.example.org", SIZE_MAX);
	assert_true(cert_same(a, b));
	b->not_after += 999; /* a server may write fractions of a second */
	assert_true(cert_same(a, b));
	b->not_after += 1000;
	assert_false(cert_same(a, b));
	a->has_sha256 = b->has_sha256 = true;
	assert_true(cert_same(a, b)); /* fingerprints decide alone */
	b->sha256[31] = 1;
	assert_false(cert_same(a, b));
	cert_free(a);
	cert_free(b);
}

static void test_fingerprint_text(void **state)
{
	struct cert *c = cert_new(CERT_FILE);
	char text[65];

	(void)state;
	assert_string_equal(cert_sha256_text(c, text, sizeof(text)), "");
	c->has_sha256 = true;
	c->sha256[0] = 0xa1;
	c->sha256[1] = 0xf3;
	c->sha256[31] = 0x0e;
	assert_int_equal(strlen(cert_sha256_text(c, text, sizeof(text))), 64);
	assert_string_equal(text + 60, "000e");
	assert_string_equal(cert_sha256_short(c, text, sizeof(text)), "a1f3");
	assert_string_equal(cert_sha256_text(c, text, 4), "a1");
	cert_free(c);
}

static void test_text_is_cleaned_and_cut(void **state)
{
	struct cert *c = cert_new(CERT_FILE);
	char *big = xmalloc(100001);

	(void)state;
	memset(big, 'x', 100000);
	big[100000] = '\0';
	cert_set_text(&c->subject, big, SIZE_MAX);
	assert_true(strlen(c->subject) < 2000);
	cert_set_text(&c->subject, "a\x1b[0m\0b", 7);
	assert_string_equal(c->subject, "a\\x1b[0m\\x00b");
	cert_set_text(&c->subject, NULL, SIZE_MAX);
	assert_null(c->subject);
	for (int i = 0; i < 5000; i++)
		cert_add_san(c, "n", 1);
	assert_int_equal(c->san_count, 4096);
	free(big);
	cert_free(c);
}

static void test_copy_is_deep(void **state)
{
	struct cert *a = dated(CERT_SERVED, NOW, NOW + HOUR, "a.example.org"), *b;

	(void)state;
	cert_set_text(&a->name, "a.example.org", SIZE_MAX);
	cert_set_text(&a->verify, "trusted", SIZE_MAX);
	b = cert_copy(a);
	assert_ptr_not_equal(a->name, b->name);
	assert_ptr_not_equal(a->sans[0], b->sans[0]);
	cert_free(a);
	assert_string_equal(b->name, "a.example.org");
	assert_string_equal(b->sans[0], "a.example.org");
	assert_null(b->error);
	cert_free(b);
}

static void test_lists(void **state)
{
	struct certlist *l = certlist_new(), *more = certlist_new();
	struct cert *file = cert_new(CERT_FILE);

	(void)state;
	for (int i = 0; i < 40; i++)
		certlist_take(l, cert_new(i % 2 ? CERT_SERVED : CERT_STORED));
	certlist_take(more, file);
	assert_string_equal(certlist_add_renewal(more, RENEWER_CERTBOT, "x\x07")->id, "x\\x07");
	certlist_merge(l, more);
	certlist_merge(l, NULL);
	assert_int_equal(l->count, 41);
	assert_int_equal(l->renewal_count, 1);
	certlist_drop(l, CERT_SERVED);
	assert_int_equal(l->count, 21);
	assert_ptr_equal(l->rows[20], file);
	certlist_free(l);
	certlist_free(NULL);
}

static void test_renewal_in_words(void **state)
{
	struct certlist *l = certlist_new();
	struct renewal *r = certlist_add_renewal(l, RENEWER_CERTBOT, "a");
	char text[256];

	(void)state;
	assert_string_equal(renewal_describe(r, NOW, text, sizeof(text)), "");
	r->timer_known = r->timer_active = true;
	r->next = NOW + 7 * HOUR;
	assert_string_equal(renewal_describe(r, NOW, text, sizeof(text)), "timer active, next run in 7 h");
	r->state = RENEWAL_NOT_DUE;
	r->last = NOW - 5 * HOUR;
	assert_string_equal(renewal_describe(r, NOW, text, sizeof(text)),
		"timer active, next run in 7 h, last attempt 5 h ago: not due");
	r->state = RENEWAL_FAILED;
	cert_set_text(&r->reason, "no route", SIZE_MAX);
	r->next = NOW - HOUR;
	assert_string_equal(renewal_describe(r, NOW, text, sizeof(text)),
		"timer active, next run due now, last attempt failed: no route");
	r->timer_active = false;
	r->next = TIME_NONE;
	assert_string_equal(renewal_describe(r, NOW, text, 12), "timer not a");
	certlist_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_match),
		cmocka_unit_test(test_days_left),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_status_without_data),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_fingerprint_text),
		cmocka_unit_test(test_text_is_cleaned_and_cut),
		cmocka_unit_test(test_copy_is_deep),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_renewal_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
