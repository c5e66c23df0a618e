/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pure parts of reading other programs' files: nginx's configuration, certbot's, systemd's answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/certfiles.h"
#include "client/certfiles_private.h"
#include "core/mem.h"

static void note(void *arg, bool is_include, const char *path)
{
	buf_addf(arg, "%s%s;", is_include ? "+" : "", path);
}

static void test_nginx(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{ "ssl_certificate /a.pem;", "/a.pem;" },
		{ "server{ssl_certificate\t'/a b.pem' ;ssl_certificate_key /k;}", "/a b.pem;" },
		{ "ssl_certificate \"/q\\\"uote.pem\";", "/q\"uote.pem;" },
		{ "# ssl_certificate /no.pem;\nssl_certificate /yes.pem; # x", "/yes.pem;" },
		{ "include a/*.conf; include 'b';", "+a/*.conf;+b;" },
		{ "ssl_certificate;", "" },
		{ "ssl_certificate /a /b;", "" },
		{ "ssl_certificate /a", "" },
		{ "map $x $y { default include; }", "" },
		{ "ssl_trusted_certificate /t; ssl_certificates /u;", "" },
		{ "ssl_certificate {", "" },
		{ "'", "" },
		{ "\\", "" },
		{ "x '", "" },
		{ "a b c d e f g h ssl_certificate /a;", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf found = BUF_INIT;

		nginx_scan(rows[i].text, strlen(rows[i].text), note, &found);
		assert_string_equal(buf_str(&found), rows[i].found);
		buf_release(&found);
	}
}

static void test_nginx_long_word(void **state)
{
	struct buf text = BUF_INIT, found = BUF_INIT;

	(void)state;
	buf_adds(&text, "ssl_certificate /");
	for (int i = 0; i < 5000; i++)
		buf_addc(&text, 'a');
	buf_adds(&text, "; ssl_certificate /b;");
	nginx_scan(buf_str(&text), text.len, note, &found);
	assert_string_equal(buf_str(&found), "/b;");
	buf_release(&text);
	buf_release(&found);
}

static struct renewal *lineage(struct certlist *l, const char *id)
{
	return certlist_add_renewal(l, RENEWER_CERTBOT, id);
}

static void test_renewal_conf(void **state)
{
	static const char text[] = "# renew_before_expiry = 9 days\n"
				   "fullchain = /etc/letsencrypt/live/a/fullchain.pem\n"
				   "renew_before_expiry=15 days\n\n[renewalparams]\n"
				   "  authenticator =  webroot \nserver = https://x/dir\x1b\nbroken\n=\n";
	struct certlist *l = certlist_new();
	struct renewal *r = lineage(l, "a");

	(void)state;
	certbot_conf_scan(r, text, sizeof(text) - 1);
	assert_string_equal(r->path, "/etc/letsencrypt/live/a/fullchain.pem");
	assert_string_equal(r->challenge, "webroot");
	assert_string_equal(r->directory, "https://x/dir\\x1b");
	assert_int_equal(r->renew_before, 15 * CERT_DAY_MS);
	certbot_conf_scan(r, "renew_before_expiry = soon", 26);
	assert_int_equal(r->renew_before, 30 * CERT_DAY_MS);
	certlist_free(l);
}

static void test_log(void **state)
{
	static const struct {
		const char *text;
		bool found;
		enum renewal_state a, b;
		const char *reason;
	} rows[] = {
		{ "", false, RENEWAL_UNKNOWN, RENEWAL_UNKNOWN, NULL },
		{ "x  /etc/letsencrypt/live/a/fullchain.pem (success)\n", true, RENEWAL_OK, RENEWAL_UNKNOWN, NULL },
		{ "/live/b/fullchain.pem expires on 2027-01-01 (skipped)", true, RENEWAL_UNKNOWN, RENEWAL_NOT_DUE, NULL },
		{ "/live/a/f (failure)\n/live/b/f (success) \n", true, RENEWAL_FAILED, RENEWAL_OK, NULL },
		{ "E:Failed to renew certificate a with error: it broke\n", true, RENEWAL_FAILED, RENEWAL_UNKNOWN,
			"it broke" },
		{ "  Detail: CA says no \nFailed to renew certificate a with error: bad.", true, RENEWAL_FAILED,
			RENEWAL_UNKNOWN, "bad. CA says no" },
		{ "Failed to renew certificate c with error: not ours", false, RENEWAL_UNKNOWN, RENEWAL_UNKNOWN, NULL },
		{ "Failed to renew certificate a", false, RENEWAL_UNKNOWN, RENEWAL_UNKNOWN, NULL },
		{ "Failed to renew certificate a with error: ", true, RENEWAL_FAILED, RENEWAL_UNKNOWN, "" },
		{ "/live/a (success)\n/live/(success)\n(success)\n/live/a/", false, RENEWAL_UNKNOWN, RENEWAL_UNKNOWN, NULL },
		{ "D:x:Arguments: ['--dry-run']\n/live/a/f (success)", false, RENEWAL_UNKNOWN, RENEWAL_UNKNOWN, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct certlist *l = certlist_new();
		struct renewal *a = lineage(l, "a"), *b = lineage(l, "b");

		assert_int_equal(certbot_log_scan(l, rows[i].text, strlen(rows[i].text)), rows[i].found);
		assert_int_equal(a->state, rows[i].a);
		assert_int_equal(b->state, rows[i].b);
		if (rows[i].reason)
			assert_string_equal(a->reason, rows[i].reason);
		else
			assert_null(a->reason);
		certlist_free(l);
	}
}

static void test_log_time(void **state)
{
	static const char text[] = "2026-11-20 15:17:05,123:DEBUG:x:y\n2026-99-20 15:17:05,123:z\n/live/a/f (success)\n";
	struct certlist *l = certlist_new();
	struct renewal *a = lineage(l, "a");
	char stamp[TIME_BUF];

	(void)state;
	setenv("TZ", "Europe/Vienna", 1); /* certbot writes local time */
	tzset();
	assert_true(certbot_log_scan(l, text, sizeof(text) - 1));
	assert_string_equal(time_format(a->last, stamp, sizeof(stamp)), "2026-11-20T14:17:05Z");
	setenv("TZ", "UTC", 1);
	tzset();
	certlist_free(l);
}

static void test_timer(void **state)
{
	static const struct {
		const char *text;
		bool known, active;
		const char *next;
		enum renewal_state state;
	} rows[] = {
		{ "", false, false, "", RENEWAL_UNKNOWN },
		{ "Id=certbot.timer\nLoadState=loaded\nActiveState=active\nNextElapseUSecRealtime=Sat 2026-11-21 03:17:00 UTC\n",
			true, true, "2026-11-21T03:17:00Z", RENEWAL_UNKNOWN },
		{ "Id=certbot.timer\nLoadState=loaded\nActiveState=active\nNextElapseUSecRealtime=Sat 2026-11-21 03:17:00 CET\n",
			true, true, "", RENEWAL_UNKNOWN },
		{ "Id=certbot.timer\nLoadState=loaded\nActiveState=inactive\nNextElapseUSecRealtime=Sat 2026-11-21 03:17:00 UTC",
			true, false, "", RENEWAL_UNKNOWN },
		{ "Id=certbot.timer\nLoadState=not-found\n\nId=snap.certbot.renew.timer\nLoadState=loaded\nActiveState=active\n",
			true, true, "", RENEWAL_UNKNOWN },
		{ "Id=certbot.service\nLoadState=loaded\nResult=exit-code\nExecMainExitTimestamp=Fri 2026-11-20 15:17:09 UTC\n",
			false, false, "", RENEWAL_FAILED },
		{ "Id=certbot.service\nLoadState=loaded\nResult=success\nExecMainExitTimestamp=Fri 2026-11-20 15:17:09 UTC\n",
			false, false, "", RENEWAL_OK },
		{ "Id=certbot.service\nLoadState=loaded\nResult=success\nExecMainExitTimestamp=\n", false, false, "",
			RENEWAL_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct certlist *l = certlist_new();
		struct renewal *r = lineage(l, "a"), *acme = certlist_add_renewal(l, RENEWER_ACME, "le");
		char stamp[TIME_BUF];

		certbot_timer_scan(l, rows[i].text, strlen(rows[i].text));
		assert_int_equal(r->timer_known, rows[i].known);
		assert_int_equal(r->timer_active, rows[i].active);
		assert_string_equal(time_format(r->next, stamp, sizeof(stamp)), rows[i].next);
		assert_int_equal(r->state, rows[i].state);
		assert_int_equal(acme->state, RENEWAL_UNKNOWN); /* not certbot's business */
		certlist_free(l);
	}
}

/* What the log says is better than what the service's result says. */
static void test_timer_after_log(void **state)
{
	static const char text[] = "Id=certbot.service\nLoadState=loaded\nResult=exit-code\n"
				   "ExecMainExitTimestamp=Fri 2026-11-20 15:17:09 UTC\n";
	struct certlist *l = certlist_new();
	struct renewal *r = lineage(l, "a");

	(void)state;
	r->state = RENEWAL_NOT_DUE;
	certbot_timer_scan(l, text, sizeof(text) - 1);
	assert_int_equal(r->state, RENEWAL_NOT_DUE);
	assert_null(r->reason);
	certlist_free(l);
}

static void put_file(const char *root, const char *path)
{
	char *full = xasprintf("%s%s", root, path);
	FILE *f = fopen(full, "w");

	assert_non_null(f);
	fputs("no certificate", f);
	fclose(f);
	free(full);
}

/* Each step is one file, so that a caller can turn to something else between them. */
static void test_one_file_at_a_time(void **state)
{
	static const char *const globs[] = { "/*.pem", "/a.pem" };
	char root[] = "/tmp/stalwarden-files-XXXXXX", *command;
	struct certfiles_options o = { .root = root, .globs = globs, .glob_count = 2 };
	struct certfiles_reader *r;
	struct certlist *l;
	size_t steps = 0;

	(void)state;
	assert_non_null(mkdtemp(root));
	put_file(root, "/a.pem");
	put_file(root, "/b.pem");
	put_file(root, "/c.pem");
	r = certfiles_begin(&o);
	while (certfiles_step(r))
		steps++;
	assert_int_equal(steps, 4); /* one of them twice; without renewals there is no log to read */
	l = certfiles_end(r);
	assert_int_equal(l->count, 3);
	certlist_free(l);
	l = certfiles_end(certfiles_begin(&o)); /* given up before anything was read */
	assert_int_equal(l->count, 0);
	certlist_free(l);
	command = xasprintf("rm -r %s", root);
	assert_int_equal(system(command), 0);
	free(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nginx),
		cmocka_unit_test(test_nginx_long_word),
		cmocka_unit_test(test_renewal_conf),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_log_time),
		cmocka_unit_test(test_timer),
		cmocka_unit_test(test_timer_after_log),
		cmocka_unit_test(test_one_file_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
