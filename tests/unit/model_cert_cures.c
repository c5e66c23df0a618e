/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every fault that the joined table knows, each in the plainest situation that shows it, with its level, what a key can do, and its cure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cert_world.h"

#define LIVE "/etc/letsencrypt/live/" NAME "/fullchain.pem"

struct world {
	struct cert_join in;
	struct certlist *list;
	struct cert *served, *stored; /* good ones, the same; a situation spoils them */
	struct cert_seen seen;
	const char *names[1];
};

static struct cert *add(struct world *w, enum cert_source source, unsigned char print, int from, int to)
{
	struct cert *c = good_cert(source, print, from, to);

	c->port = source == CERT_SERVED ? 993 : 0;
	cert_set_text(&c->endpoint, source == CERT_SERVED ? "tls://" NAME ":993" : NULL, SIZE_MAX);
	cert_set_text(&c->id, source == CERT_STORED ? "main" : NULL, SIZE_MAX);
	certlist_take(w->list, c);
	return c;
}

static void setup(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->list = certlist_new();
	w->in = (struct cert_join){ .list = w->list, .stored_known = true, .probed = true, .now = NOW };
	w->served = add(w, CERT_SERVED, 1, -10, 80);
	w->stored = add(w, CERT_STORED, 1, -10, 80);
}

static void teardown(struct world *w)
{
	certlist_free(w->list);
}

static struct renewal *renewed_by(struct world *w, enum renewer by)
{
	struct renewal *r = certlist_add_renewal(w->list, by, by == RENEWER_CERTBOT ? NAME : "le");

	renewal_add_name(r, NAME, SIZE_MAX);
	return r;
}

static void lasts(struct world *w, int from, int to)
{
	w->served->not_before = w->stored->not_before = NOW + from * CERT_DAY_MS;
	w->served->not_after = w->stored->not_after = NOW + to * CERT_DAY_MS;
}

/* ---- situations ---- */

static void vanished(struct world *w)
{
	certlist_drop(w->list, CERT_STORED);
	certlist_drop(w->list, CERT_SERVED);
	w->seen = (struct cert_seen){ .name = NAME, .id = "main", .issuer = "", .not_after = TIME_NONE, .seen = NOW - CERT_DAY_MS };
	w->in.seen = &w->seen;
	w->in.seen_count = 1;
}

static void revoked(struct world *w)
{
	w->served->ocsp = OCSP_REVOKED;
}

static void another_is_stored(struct world *w)
{
	w->stored->sha256[0] = 2;
	w->stored->not_before = NOW - CERT_DAY_MS;
	w->stored->not_after = NOW + 90 * CERT_DAY_MS;
}

static void expired_though_stored_is_not(struct world *w)
{
	another_is_stored(w);
	w->served->not_after = NOW - CERT_DAY_MS;
}

static void self_signed_though_stored_is_not(struct world *w)
{
	another_is_stored(w);
	w->served->self_signed = true;
}

static void nginx_has_not_loaded(struct world *w)
{
	struct cert *f = add(w, CERT_FILE, 3, -1, 89);

	certlist_drop(w->list, CERT_STORED);
	w->served->port = 443;
	cert_set_text(&f->path, LIVE, SIZE_MAX);
	cert_set_text(&f->used_by, "nginx", SIZE_MAX);
}

static void server_has_not_loaded(struct world *w)
{
	struct cert *f = add(w, CERT_FILE, 2, -1, 89);

	another_is_stored(w);
	cert_set_text(&w->stored->path, LIVE, SIZE_MAX);
	cert_set_text(&f->path, LIVE, SIZE_MAX);
}

static void expired(struct world *w)
{
	lasts(w, -90, -2);
}

static void expired_and_renewable(struct world *w)
{
	expired(w);
	w->in.can_renew = true;
	renewed_by(w, RENEWER_ACME);
}

static void not_yet(struct world *w)
{
	lasts(w, 1, 90);
}

static void for_another_name(struct world *w)
{
	cert_set_text(&w->served->sans[0], "other.example.org", SIZE_MAX);
	cert_set_text(&w->stored->sans[0], "other.example.org", SIZE_MAX);
}

static void ends_soon_and_certbot_renews(struct world *w)
{
	lasts(w, -80, 5);
	cert_set_text(&add(w, CERT_FILE, 1, -80, 5)->path, LIVE, SIZE_MAX);
	cert_set_text(&renewed_by(w, RENEWER_CERTBOT)->path, LIVE, SIZE_MAX);
}

static void must_staple(struct world *w)
{
	w->served->must_staple = true;
}

static void no_intermediate(struct world *w)
{
	w->served->chain = CHAIN_INCOMPLETE;
}

static void silent(struct world *w)
{
	w->served->not_after = w->served->not_before = TIME_NONE;
	cert_set_text(&w->served->error, "no answer in time", SIZE_MAX);
}

static void closed(struct world *w)
{
	silent(w);
	w->served->optional = w->served->refused = true;
}

static void broken_row(struct world *w)
{
	certlist_drop(w->list, CERT_SERVED);
	w->stored->not_after = w->stored->not_before = TIME_NONE;
	cert_set_text(&w->stored->error, "the certificate is malformed", SIZE_MAX);
}

static void file_of_root(struct world *w)
{
	broken_row(w);
	cert_set_text(&w->stored->path, LIVE, SIZE_MAX);
}

static void in_no_certificate(struct world *w)
{
	w->names[0] = "autoconfig.example.org";
	w->in.names = w->names;
	w->in.name_count = 1;
}

static void self_signed(struct world *w)
{
	w->served->self_signed = w->stored->self_signed = true;
}

static void private_ca(struct world *w)
{
	w->served->verify_flags |= VERIFY_UNKNOWN_ISSUER;
}

static void ends_in_two_weeks(struct world *w)
{
	lasts(w, -76, 14);
}

static void renewal_failed(struct world *w)
{
	struct renewal *r = renewed_by(w, RENEWER_ACME);

	r->state = RENEWAL_RETRY;
	cert_set_text(&r->reason, "NXDOMAIN", SIZE_MAX);
}

static void timer_stopped(struct world *w)
{
	renewed_by(w, RENEWER_CERTBOT)->timer_known = true;
}

static void two_stored(struct world *w)
{
	cert_set_text(&add(w, CERT_STORED, 7, -60, 30)->id, "old", SIZE_MAX);
}

static void chain_upside_down(struct world *w)
{
	w->served->chain = CHAIN_DISORDERED;
}

static void old_staple(struct world *w)
{
	w->served->ocsp = OCSP_STALE;
}

static void short_key(struct world *w)
{
	snprintf(w->served->key_type, sizeof(w->served->key_type), "RSA");
	w->served->key_bits = 1024;
}

static void old_tls(struct world *w)
{
	snprintf(w->served->tls_version, sizeof(w->served->tls_version), "TLSv1.1");
}

static void served_nowhere(struct world *w)
{
	certlist_drop(w->list, CERT_SERVED);
}

static const struct situation {
	void (*spoil)(struct world *w);
	enum finding_kind kind;
	enum cert_level level;
	enum cert_action action;
	const char *text, *cure; /* parts; cure "" = nothing need be done */
} situations[] = {
	{ vanished, FINDING_VANISHED, CERT_LEVEL_CRITICAL, CERT_ACTION_UPLOAD, "last seen 1 d ago", "a renewal that failed looks like this; nobody renews" },
	{ revoked, FINDING_REVOKED, CERT_LEVEL_CRITICAL, CERT_ACTION_UPLOAD, "revoked", "certs upload CERT KEY" },
	{ another_is_stored, FINDING_STALE_SERVED, CERT_LEVEL_WARNING, CERT_ACTION_RELOAD, "not the one that is stored", "certs reload" },
	{ expired_though_stored_is_not, FINDING_STALE_SERVED, CERT_LEVEL_CRITICAL, CERT_ACTION_RELOAD, "expired certificate is served although",
		"certs reload" },
	{ self_signed_though_stored_is_not, FINDING_STALE_SERVED, CERT_LEVEL_CRITICAL, CERT_ACTION_RELOAD,
		"self-signed certificate is served although", "certs reload" },
	{ nginx_has_not_loaded, FINDING_FILE_NOT_LOADED, CERT_LEVEL_WARNING, CERT_ACTION_RELOAD_NGINX, LIVE, "systemctl reload nginx" },
	{ server_has_not_loaded, FINDING_FILE_NOT_LOADED, CERT_LEVEL_WARNING, CERT_ACTION_RELOAD, LIVE, "certs reload" },
	{ expired, FINDING_EXPIRED, CERT_LEVEL_CRITICAL, CERT_ACTION_UPLOAD, "expired 2 d ago", "nobody renews it: upload" },
	{ expired_and_renewable, FINDING_EXPIRED, CERT_LEVEL_CRITICAL, CERT_ACTION_RENEW, "expired 2 d ago", "certs renew " NAME },
	{ not_yet, FINDING_NOT_YET_VALID, CERT_LEVEL_CRITICAL, CERT_ACTION_NONE, "not valid before", "clocks" },
	{ for_another_name, FINDING_NAME_MISMATCH, CERT_LEVEL_CRITICAL, CERT_ACTION_UPLOAD, "served for other.example.org", "includes " NAME },
	{ ends_soon_and_certbot_renews, FINDING_EXPIRES_SOON, CERT_LEVEL_CRITICAL, CERT_ACTION_NONE, "expires in 5 d", "certbot renew --cert-name " NAME },
	{ must_staple, FINDING_STAPLE_REQUIRED, CERT_LEVEL_CRITICAL, CERT_ACTION_NONE, "must be stapled", "without must-staple" },
	{ no_intermediate, FINDING_CHAIN_INCOMPLETE, CERT_LEVEL_CRITICAL, CERT_ACTION_UPLOAD, "CN=CA is not sent", "fullchain.pem" },
	{ silent, FINDING_UNREACHABLE, CERT_LEVEL_CRITICAL, CERT_ACTION_NONE, "no answer in time", "firewall" },
	{ broken_row, FINDING_MALFORMED, CERT_LEVEL_CRITICAL, CERT_ACTION_UPLOAD, "malformed", "upload it again" },
	{ in_no_certificate, FINDING_NAME_UNCOVERED, CERT_LEVEL_WARNING, CERT_ACTION_UPLOAD, "in no certificate", "includes autoconfig.example.org" },
	{ self_signed, FINDING_SELF_SIGNED, CERT_LEVEL_WARNING, CERT_ACTION_UPLOAD, "self-signed", "nobody renews it: upload" },
	{ private_ca, FINDING_UNTRUSTED, CERT_LEVEL_WARNING, CERT_ACTION_NONE, "not trusted here", "ca_file" },
	{ ends_in_two_weeks, FINDING_EXPIRES, CERT_LEVEL_WARNING, CERT_ACTION_UPLOAD, "expires in 14 d", "nobody renews it" },
	{ renewal_failed, FINDING_RENEWAL_FAILED, CERT_LEVEL_WARNING, CERT_ACTION_NONE, "failed: NXDOMAIN", "the server tries again by itself" },
	{ timer_stopped, FINDING_TIMER_INACTIVE, CERT_LEVEL_WARNING, CERT_ACTION_NONE, "certbot.timer is not active",
		"systemctl enable --now certbot.timer" },
	{ two_stored, FINDING_TWO_FOR_NAME, CERT_LEVEL_WARNING, CERT_ACTION_NONE, "main and old", "old ends first" },
	{ chain_upside_down, FINDING_CHAIN_ORDER, CERT_LEVEL_WARNING, CERT_ACTION_UPLOAD, "in the wrong order", "put the certificate first" },
	{ old_staple, FINDING_STAPLE_STALE, CERT_LEVEL_WARNING, CERT_ACTION_NONE, "out of date", "OCSP responder" },
	{ short_key, FINDING_WEAK_KEY, CERT_LEVEL_WARNING, CERT_ACTION_UPLOAD, "RSA, 1024 bits", "larger key" },
	{ old_tls, FINDING_OLD_TLS, CERT_LEVEL_WARNING, CERT_ACTION_NONE, "TLSv1.1", "TLS 1.2" },
	{ file_of_root, FINDING_UNREADABLE, CERT_LEVEL_OK, CERT_ACTION_NONE, "malformed", "" },
	{ closed, FINDING_NOT_LISTENING, CERT_LEVEL_OK, CERT_ACTION_NONE, "no answer in time", "" },
	{ served_nowhere, FINDING_NOT_SERVED, CERT_LEVEL_OK, CERT_ACTION_NONE, "served at no endpoint", "" },
};

static const struct finding *find(const struct certtable *t, enum finding_kind kind)
{
	for (size_t i = 0; i < t->count; i++)
		for (size_t k = 0; k < t->rows[i].finding_count; k++)
			if (t->rows[i].findings[k].kind == kind)
				return &t->rows[i].findings[k];
	return NULL;
}

static void check(const struct situation *s)
{
	const struct finding *f;
	struct certtable *t;
	struct world w;
	size_t loud = 0;

	setup(&w);
	s->spoil(&w);
	t = cert_join(&w.in);
	f = find(t, s->kind);
	if (!f)
		fail_msg("%s is not found", finding_name(s->kind));
	if (f->level != s->level || f->action != s->action)
		fail_msg("%s: level %d, action %s", finding_name(s->kind), (int)f->level, cert_action_name(f->action));
	if (!strstr(f->text, s->text) || !strstr(f->cure, s->cure) || (f->cure[0] == '\0') != (s->cure[0] == '\0'))
		fail_msg("%s: \"%s\", cure \"%s\"", finding_name(s->kind), f->text, f->cure);
	for (size_t i = 0; i < t->count; i++)
		for (size_t k = 0; k < t->rows[i].finding_count; k++) {
			loud += t->rows[i].findings[k].level > CERT_LEVEL_OK;
			assert_true(t->rows[i].findings[k].level == CERT_LEVEL_OK || t->rows[i].findings[k].cure[0]);
		}
	if (loud > 1 || (s->level == CERT_LEVEL_OK && loud))
		fail_msg("%s: one fault is told as %zu", finding_name(s->kind), loud);
	certtable_free(t);
	teardown(&w);
}

static void test_every_fault_has_its_cure(void **state)
{
	bool seen[FINDING_COUNT] = { false };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(situations); i++) {
		check(&situations[i]);
		seen[situations[i].kind] = true;
	}
	for (int k = 0; k < FINDING_COUNT; k++)
		if (!seen[k])
			fail_msg("no situation shows %s", finding_name((enum finding_kind)k));
}

static void test_nothing_is_wrong_where_nothing_is(void **state)
{
	struct certtable *t;
	struct world w;

	(void)state;
	setup(&w);
	t = cert_join(&w.in);
	assert_int_equal(t->count, 1);
	assert_int_equal(t->rows[0].finding_count, 0);
	certtable_free(t);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_fault_has_its_cure),
		cmocka_unit_test(test_nothing_is_wrong_where_nothing_is),
	};

	return cmocka_run_group_tests_name("model_cert_cures", tests, NULL, NULL);
}
