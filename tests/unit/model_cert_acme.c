/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acme.* lines, newest first, and what they tell of a provider's renewals. */
#include "model/cert_acme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"

#define AT(time) INT64_C(1795132800000) + (time) * INT64_C(1000) /* 2026-11-20T00:00:00Z */

static struct certlist *scan(const char *const *lines, size_t count)
{
	struct certlist *l = certlist_new();
	struct renewal *r = certlist_add_renewal(l, RENEWER_ACME, "letsencrypt");
	struct buf text = BUF_INIT;
	size_t at[16];

	renewal_add_name(r, "mail.example.org", SIZE_MAX);
	renewal_add_name(certlist_add_renewal(l, RENEWER_ACME, "other"), "mx.example.net", SIZE_MAX);
	renewal_add_name(certlist_add_renewal(l, RENEWER_CERTBOT, "letsencrypt"), "mail.example.org", SIZE_MAX);
	assert_true(count <= 16);
	for (size_t i = 0; i < count; i++) {
		at[i] = text.len;
		buf_add(&text, lines[i], strlen(lines[i]) + 1);
	}
	cert_acme_scan(l, buf_str(&text), at, count);
	buf_release(&text);
	assert_int_equal(l->renewals[2]->state, RENEWAL_UNKNOWN); /* certbot's is not the server's */
	return l;
}
#define SCAN(lines) scan(lines, sizeof(lines) / sizeof(*(lines)))

#define LOADED \
	"2026-11-20T00:00:00Z INFO Processing ACME certificate (acme.process-cert) id = \"letsencrypt\", hostname = [\"mail.example.org\"], " \
	"validFrom = 2026-10-20T00:00:00Z, validTo = 2027-01-18T00:00:00Z, due = 2026-12-19T00:00:00Z"
#define INVALID \
	"2026-11-20T00:00:09Z WARN ACME order invalid (acme.order-invalid) hostname = [\"imap.example.org\", \"mail.example.org\"], " \
	"reason = \"DNS problem: \x1b[31mNXDOMAIN\""
#define COMPLETED "2026-11-20T00:00:05Z INFO ACME order completed (acme.order-completed) hostname = [\"mail.example.org\"]"

static void test_a_load_tells_when_the_next_is_due(void **state)
{
	static const char *const lines[] = { LOADED };
	struct certlist *l = SCAN(lines);

	(void)state;
	assert_int_equal(l->renewals[0]->state, RENEWAL_OK);
	assert_int_equal(l->renewals[0]->last, AT(0));
	assert_int_equal(l->renewals[0]->next, AT(29 * 86400));
	assert_int_equal(l->renewals[1]->state, RENEWAL_UNKNOWN);
	certlist_free(l);
}

static void test_the_newest_attempt_counts(void **state)
{
	static const char *const failed[] = { INVALID, COMPLETED, LOADED }, *const mended[] = { COMPLETED, INVALID, LOADED };
	struct certlist *l = SCAN(failed);

	(void)state;
	assert_int_equal(l->renewals[0]->state, RENEWAL_RETRY);
	assert_int_equal(l->renewals[0]->last, AT(9));
	assert_int_equal(l->renewals[0]->next, AT(29 * 86400));
	assert_string_equal(l->renewals[0]->reason, "ACME order invalid: DNS problem: \\x1b[31mNXDOMAIN");
	certlist_free(l);
	l = SCAN(mended);
	assert_int_equal(l->renewals[0]->state, RENEWAL_OK);
	assert_int_equal(l->renewals[0]->last, AT(5));
	assert_null(l->renewals[0]->reason);
	certlist_free(l);
}

/* After a restart the old certificate is loaded again: that mends nothing. */
static void test_a_load_after_a_failure(void **state)
{
	static const char *const lines[] = { LOADED, INVALID };
	struct certlist *l = SCAN(lines);

	(void)state;
	assert_int_equal(l->renewals[0]->state, RENEWAL_RETRY);
	certlist_free(l);
}

static void test_an_error_that_ends_it(void **state)
{
	static const char *const lines[] = {
		("2026-11-20T00:00:30Z ERROR ACME error (acme.error) id = \"letsencrypt\", hostname = [\"mail.example.org\"], "
		"details = \"Failed to renew certificate\", causedBy = \"HTTP 429\""),
		"2026-11-20T00:00:31Z ERROR ACME error (acme.error) id = \"mine\", details = \"no provider of ours\"",
		"2026-11-20T00:00:29Z WARN ACME token not found (acme.token-not-found) id = \"other\"", "", "acme.", "no line at all (acme.error)",
	};
	struct certlist *l = SCAN(lines);

	(void)state;
	assert_int_equal(l->renewals[0]->state, RENEWAL_FAILED);
	assert_string_equal(l->renewals[0]->reason, "ACME error: Failed to renew certificate: HTTP 429");
	assert_int_equal(l->renewals[1]->state, RENEWAL_UNKNOWN);
	certlist_free(l);
}

/* 0.16 has tasks: what they tell stays. */
static void test_what_is_known_stays(void **state)
{
	struct certlist *l = certlist_new();
	struct renewal *r = certlist_add_renewal(l, RENEWER_ACME, "letsencrypt");
	size_t at = 0;

	(void)state;
	r->state = RENEWAL_PENDING;
	r->next = AT(5);
	cert_acme_scan(l, LOADED, &at, 1);
	assert_int_equal(r->state, RENEWAL_PENDING);
	assert_int_equal(r->next, AT(5));
	certlist_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_load_tells_when_the_next_is_due),
		cmocka_unit_test(test_the_newest_attempt_counts),
		cmocka_unit_test(test_a_load_after_a_failure),
		cmocka_unit_test(test_an_error_that_ends_it),
		cmocka_unit_test(test_what_is_known_stays),
	};

	return cmocka_run_group_tests_name("model_cert_acme", tests, NULL, NULL);
}
