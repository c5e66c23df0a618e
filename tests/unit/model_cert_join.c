/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The joined table: each fault found where it is, not found where it is not, with its cure; and the line of `check certs`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cert_world.h"

struct world {
	struct cert_join in;
	struct certlist *list;
	struct certtable *table;
};

static void setup(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->list = certlist_new();
	w->in = (struct cert_join){ .list = w->list, .stored_known = true, .probed = true, .now = NOW };
}

static struct certtable *join(struct world *w)
{
	certtable_free(w->table);
	w->table = cert_join(&w->in);
	return w->table;
}

static void teardown(struct world *w)
{
	certtable_free(w->table);
	certlist_free(w->list);
}

static struct cert *add(struct world *w, enum cert_source source, unsigned char print, int from, int to)
{
	struct cert *c = good_cert(source, print, from, to);

	certlist_take(w->list, c);
	return c;
}

static struct cert *add_served(struct world *w, unsigned char print, uint16_t port, int from, int to)
{
	struct cert *c = add(w, CERT_SERVED, print, from, to);
	char text[64];

	c->port = port;
	snprintf(text, sizeof(text), "tls://" NAME ":%u", port);
	cert_set_text(&c->endpoint, text, SIZE_MAX);
	return c;
}

static struct cert *add_stored(struct world *w, const char *id, unsigned char print, int from, int to)
{
	struct cert *c = add(w, CERT_STORED, print, from, to);

	cert_set_text(&c->id, id, SIZE_MAX);
	return c;
}

static struct cert *add_file(struct world *w, const char *path, unsigned char print, int from, int to)
{
	struct cert *c = add(w, CERT_FILE, print, from, to);

	cert_set_text(&c->path, path, SIZE_MAX);
	return c;
}

static void rename_to(struct cert *c, const char *name)
{
	cert_set_text(&c->name, name, SIZE_MAX);
	cert_set_text(&c->sans[0], name, SIZE_MAX);
}

static const struct cert_row *row(const struct world *w, const char *name, uint16_t port)
{
	ptrdiff_t i = certtable_find(w->table, name, port);

	assert_true(i >= 0);
	return &w->table->rows[i];
}

static const struct finding *finding(const struct cert_row *r, enum finding_kind kind)
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].kind == kind)
			return &r->findings[i];
	return NULL;
}

/* Exactly this one finding, or none with FINDING_COUNT. */
static const struct finding *only(const struct world *w, const char *name, uint16_t port, enum finding_kind kind)
{
	const struct cert_row *r = row(w, name, port);

	if (kind == FINDING_COUNT) {
		if (r->finding_count)
			fail_msg("found %s: %s", finding_name(r->findings[0].kind), r->findings[0].text);
		return NULL;
	}
	assert_int_equal(r->finding_count, 1);
	assert_string_equal(finding_name(r->findings[0].kind), finding_name(kind));
	assert_true(*r->findings[0].text);
	return &r->findings[0];
}

static void test_all_is_well(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	add_served(&w, 1, 993, -10, 82);
	add_stored(&w, "default", 1, -10, 82);
	add_file(&w, "/f", 1, -10, 82);
	join(&w);
	assert_int_equal(w.table->count, 1);
	only(&w, NAME, 993, FINDING_COUNT);
	assert_true(w.table->rows[0].served_is_stored && w.table->rows[0].served_is_file);
	assert_int_equal(w.table->rows[0].days_left, 82);
	assert_int_equal(w.table->rows[0].status, CERT_STATUS_OK);
	assert_int_equal(w.table->item_count, 3);
	teardown(&w);
}

/* What is served, what is stored -> what is said. */
static void test_served_is_not_stored(void **state)
{
	static const struct {
		int served_from, served_to, stored_from, stored_to;
		bool self_signed, other_name, other_host;
		enum finding_kind kind;
		enum cert_level level;
		const char *words;
	} rows[] = {
		{ -80, 10, -1, 89, false, false, false, FINDING_STALE_SERVED, CERT_LEVEL_WARNING, "served is not the one" },
		{ -84, 6, -1, 89, false, false, false, FINDING_STALE_SERVED, CERT_LEVEL_CRITICAL, "served is not the one" },
		{ -91, -1, -1, 89, false, false, false, FINDING_STALE_SERVED, CERT_LEVEL_CRITICAL, "an expired certificate" },
		{ -1, 900, -9, 80, true, false, false, FINDING_STALE_SERVED, CERT_LEVEL_CRITICAL, "a self-signed" },
		{ -1, 90, -9, 80, false, true, false, FINDING_STALE_SERVED, CERT_LEVEL_CRITICAL, "for other names" },
		{ -1, 90, -9, 80, false, false, false, FINDING_COUNT, CERT_LEVEL_OK, NULL }, /* served is the newer */
		{ -80, 60, -1, 89, false, false, true, FINDING_COUNT, CERT_LEVEL_OK, NULL },
		{ -80, 60, -99, -9, false, false, false, FINDING_COUNT, CERT_LEVEL_OK, NULL }, /* stored is expired */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct finding *f;
		struct cert *c;
		struct world w;

		setup(&w);
		c = add_served(&w, 1, 993, rows[i].served_from, rows[i].served_to);
		c->self_signed = rows[i].self_signed;
		c->other_host = rows[i].other_host;
		if (rows[i].other_name)
			cert_set_text(&c->sans[0], "other.example.org", SIZE_MAX);
		add_stored(&w, "default", 2, rows[i].stored_from, rows[i].stored_to);
		join(&w);
		f = only(&w, NAME, 993, rows[i].kind);
		if (f) {
			assert_int_equal(f->level, rows[i].level);
			assert_non_null(strstr(f->text, rows[i].words));
			assert_int_equal(f->action, CERT_ACTION_RELOAD);
			assert_non_null(strstr(f->cure, "certs reload"));
		}
		teardown(&w);
	}
}

static void test_status_of_the_row(void **state)
{
	struct world w;
	struct cert *c;

	(void)state;
	setup(&w);
	c = add_served(&w, 1, 993, -80, 60);
	add_stored(&w, "default", 2, -1, 89);
	assert_int_equal(join(&w)->rows[0].status, CERT_STATUS_MISMATCH);
	c->self_signed = true;
	assert_int_equal(join(&w)->rows[0].status, CERT_STATUS_SELF_SIGNED);
	c->not_after = NOW - 1;
	assert_int_equal(join(&w)->rows[0].status, CERT_STATUS_EXPIRED);
	teardown(&w);
}

/* nginx serves its own certificate, and a good one: the mail server's newer one is no reason for alarm. */
static void test_another_program_on_443(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	add_served(&w, 1, 443, -30, 60);
	add_served(&w, 2, 993, -1, 89);
	add_stored(&w, "acme.le", 2, -1, 89);
	cert_set_text(&add_file(&w, "/live/f", 1, -30, 60)->used_by, "nginx", SIZE_MAX);
	join(&w);
	only(&w, NAME, 443, FINDING_COUNT);
	only(&w, NAME, 993, FINDING_COUNT);
	assert_true(row(&w, NAME, 443)->served_is_file && !row(&w, NAME, 443)->served_is_stored);
	assert_int_equal(row(&w, NAME, 993)->renewed_by, RENEWER_ACME);
	assert_int_equal(row(&w, NAME, 443)->renewed_by, RENEWER_MANUAL);
	teardown(&w);
}

/* Who must reload a renewed file. */
static void test_file_not_loaded(void **state)
{
	static const struct {
		bool nginx, macro;
		uint16_t port;
		enum cert_action action;
		const char *cure;
	} rows[] = {
		{ true, false, 443, CERT_ACTION_RELOAD_NGINX, "nginx" },
		{ true, false, 24443, CERT_ACTION_RELOAD_NGINX, "nginx" },
		{ true, true, 443, CERT_ACTION_RELOAD_NGINX, "nginx" },
		{ true, true, 993, CERT_ACTION_RELOAD, "certs reload" },
		{ false, true, 993, CERT_ACTION_RELOAD, "certs reload" },
		{ false, false, 993, CERT_ACTION_NONE, "the program that serves it" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct finding *f;
		struct world w;

		setup(&w);
		add_served(&w, 1, rows[i].port, -80, 60);
		if (rows[i].nginx)
			cert_set_text(&add_file(&w, "/live/f", 2, -1, 89)->used_by, "nginx", SIZE_MAX);
		else
			add_file(&w, "/live/f", 2, -1, 89);
		if (rows[i].macro)
			cert_set_text(&add_stored(&w, "default", 2, -1, 89)->path, "/live/f", SIZE_MAX);
		join(&w);
		f = only(&w, NAME, rows[i].port, FINDING_FILE_NOT_LOADED);
		assert_int_equal(f->action, rows[i].action);
		assert_non_null(strstr(f->cure, rows[i].cure));
		assert_non_null(strstr(f->text, "/live/f"));
		teardown(&w);
	}
}

/* The file behind a macro could be read, but is not listed as a file. */
static void test_macro_alone(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	add_served(&w, 1, 993, -80, 60);
	cert_set_text(&add_stored(&w, "default", 2, -1, 89)->path, "/opt/cert.pem", SIZE_MAX);
	join(&w);
	assert_int_equal(only(&w, NAME, 993, FINDING_FILE_NOT_LOADED)->action, CERT_ACTION_RELOAD);
	teardown(&w);
}

static void test_dates(void **state)
{
	static const struct {
		int from, to;
		enum finding_kind kind;
		enum cert_level level;
	} rows[] = {
		{ -80, 22, FINDING_COUNT, CERT_LEVEL_OK },
		{ -80, 20, FINDING_EXPIRES, CERT_LEVEL_WARNING },
		{ -80, 6, FINDING_EXPIRES_SOON, CERT_LEVEL_CRITICAL },
		{ -80, -1, FINDING_EXPIRED, CERT_LEVEL_CRITICAL },
		{ 1, 90, FINDING_NOT_YET_VALID, CERT_LEVEL_CRITICAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct finding *f;
		struct world w;

		setup(&w);
		add_served(&w, 1, 993, rows[i].from, rows[i].to);
		join(&w);
		f = only(&w, NAME, 993, rows[i].kind);
		assert_true(!f || f->level == rows[i].level);
		teardown(&w);
	}
}

static void test_limits_are_the_callers(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	add_served(&w, 1, 993, -10, 40);
	w.in.warn_ms = 60 * CERT_DAY_MS;
	join(&w);
	only(&w, NAME, 993, FINDING_EXPIRES);
	w.in.crit_ms = 50 * CERT_DAY_MS;
	join(&w);
	only(&w, NAME, 993, FINDING_EXPIRES_SOON);
	teardown(&w);
}

/* Who renews decides what the cure is. */
static void test_cures_of_an_expiring_one(void **state)
{
	static const struct {
		const char *stored_id;
		bool can_renew;
		enum renewer by;
		enum cert_action action;
		const char *cure;
	} rows[] = {
		{ "acme.le", true, RENEWER_ACME, CERT_ACTION_RENEW, "certs renew " NAME },
		{ "acme.le", false, RENEWER_ACME, CERT_ACTION_RELOAD, "reload makes it schedule the renewal again" },
		{ "default", false, RENEWER_MANUAL, CERT_ACTION_UPLOAD, "certs upload" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct finding *f;
		struct world w;

		setup(&w);
		w.in.can_renew = rows[i].can_renew;
		add_served(&w, 1, 993, -80, 10);
		add_stored(&w, rows[i].stored_id, 1, -80, 10);
		join(&w);
		f = only(&w, NAME, 993, FINDING_EXPIRES);
		assert_int_equal(row(&w, NAME, 993)->renewed_by, rows[i].by);
		assert_int_equal(f->action, rows[i].action);
		assert_non_null(strstr(f->cure, rows[i].cure));
		teardown(&w);
	}
}

static struct renewal *add_lineage(struct world *w, const char *path)
{
	struct renewal *r = certlist_add_renewal(w->list, RENEWER_CERTBOT, NAME);

	renewal_add_name(r, NAME, SIZE_MAX);
	cert_set_text(&r->path, path, SIZE_MAX);
	r->timer_known = r->timer_active = true;
	r->next = NOW + CERT_DAY_MS / 2;
	return r;
}

static void test_certbot(void **state)
{
	struct renewal *r;
	struct world w;

	(void)state;
	setup(&w);
	add_served(&w, 1, 443, -71, 19);
	add_file(&w, "/live/f", 1, -71, 19);
	r = add_lineage(&w, "/live/f");
	join(&w);
	assert_int_equal(row(&w, NAME, 443)->renewed_by, RENEWER_CERTBOT);
	assert_string_equal(only(&w, NAME, 443, FINDING_EXPIRES)->cure, "timer active, next run in 12 h");
	r->timer_active = false;
	join(&w);
	assert_non_null(finding(row(&w, NAME, 443), FINDING_TIMER_INACTIVE));
	assert_non_null(strstr(finding(row(&w, NAME, 443), FINDING_EXPIRES)->cure, "certbot renew --cert-name " NAME));
	r->timer_active = true;
	r->state = RENEWAL_FAILED;
	cert_set_text(&r->reason, "no route", SIZE_MAX);
	join(&w);
	assert_non_null(strstr(finding(row(&w, NAME, 443), FINDING_RENEWAL_FAILED)->text, "certbot failed: no route"));
	teardown(&w);
}

/* What concerns a name is told once, not at each of its endpoints. */
static void test_once_per_name(void **state)
{
	struct renewal *r;
	struct world w;
	size_t told = 0;

	(void)state;
	setup(&w);
	add_served(&w, 1, 443, -1, 89);
	add_served(&w, 1, 993, -1, 89);
	add_stored(&w, "auto", 1, -1, 89);
	add_stored(&w, "default", 2, -10, 80);
	r = certlist_add_renewal(w.list, RENEWER_ACME, "le");
	renewal_add_name(r, NAME, SIZE_MAX);
	r->state = RENEWAL_RETRY;
	join(&w);
	for (size_t i = 0; i < w.table->count; i++) {
		told += finding(&w.table->rows[i], FINDING_TWO_FOR_NAME) != NULL;
		told += finding(&w.table->rows[i], FINDING_RENEWAL_FAILED) != NULL;
	}
	assert_int_equal(told, 2);
	teardown(&w);
}

static void test_two_for_a_name(void **state)
{
	struct world w;
	struct cert *b;

	(void)state;
	setup(&w);
	add_served(&w, 1, 993, -1, 89);
	add_stored(&w, "auto", 1, -1, 89);
	b = add_stored(&w, "default", 2, -10, 80);
	join(&w);
	assert_string_equal(finding(row(&w, NAME, 993), FINDING_TWO_FOR_NAME)->text,
		"two stored certificates for this name: auto and default");
	assert_non_null(strstr(finding(row(&w, NAME, 993), FINDING_TWO_FOR_NAME)->cure, "default ends first"));
	cert_set_text(&b->sans[0], "*.example.org", SIZE_MAX); /* the exact one wins: no quarrel */
	join(&w);
	assert_null(finding(row(&w, NAME, 993), FINDING_TWO_FOR_NAME));
	b->sha256[0] = 1; /* the same certificate stored twice */
	cert_set_text(&b->sans[0], NAME, SIZE_MAX);
	join(&w);
	assert_null(finding(row(&w, NAME, 993), FINDING_TWO_FOR_NAME));
	teardown(&w);
}

static void test_vanished(void **state)
{
	struct cert_seen seen[] = {
		{ .name = NAME, .id = "default", .issuer = "", .not_after = TIME_NONE, .seen = TIME_NONE },
		{ .name = "gone.example.org", .id = "jpp1", .issuer = "CN=R10", .not_after = NOW - CERT_DAY_MS, .seen = NOW - 7200000 },
	};
	struct world w;
	struct cert *unread;

	(void)state;
	setup(&w);
	w.in.seen = seen;
	w.in.seen_count = 2;
	add_served(&w, 1, 993, -1, 89);
	add_stored(&w, "default", 1, -1, 89);
	join(&w);
	only(&w, NAME, 993, FINDING_COUNT);
	assert_int_equal(only(&w, "gone.example.org", 0, FINDING_VANISHED)->level, CERT_LEVEL_CRITICAL);
	assert_int_equal(row(&w, "gone.example.org", 0)->status, CERT_STATUS_MISSING);
	assert_string_equal(finding(row(&w, "gone.example.org", 0), FINDING_VANISHED)->text,
		"was stored earlier, last seen 2 h ago (jpp1, by CN=R10, valid until 2026-11-19T10:00:00Z); now no stored certificate names it");
	assert_non_null(strstr(finding(row(&w, "gone.example.org", 0), FINDING_VANISHED)->cure, "a renewal that failed looks like this; "));
	unread = cert_new(CERT_STORED); /* its row is there, its file can't be read: that is no proof */
	cert_set_text(&unread->id, "jpp1", SIZE_MAX);
	cert_set_text(&unread->error, "the file can't be read", SIZE_MAX);
	certlist_take(w.list, unread);
	join(&w);
	assert_int_equal(certtable_find(w.table, "gone.example.org", 0), -1);
	certlist_drop(w.list, CERT_STORED);
	join(&w);
	assert_int_equal(only(&w, NAME, 993, FINDING_VANISHED)->level, CERT_LEVEL_WARNING); /* still served, and valid */
	w.in.stored_known = false; /* could not ask: nothing vanished */
	join(&w);
	assert_int_equal(w.table->count, 1);
	only(&w, NAME, 993, FINDING_COUNT);
	teardown(&w);
}

static void test_name_in_no_certificate(void **state)
{
	static const char *const names[] = { NAME, "autoconfig.example.org" };
	struct world w;

	(void)state;
	setup(&w);
	w.in.names = names;
	w.in.name_count = 2;
	add_served(&w, 1, 993, -1, 89);
	add_stored(&w, "default", 1, -1, 89);
	join(&w);
	only(&w, NAME, 993, FINDING_COUNT);
	assert_string_equal(only(&w, "autoconfig.example.org", 0, FINDING_NAME_UNCOVERED)->text,
		"name in use, in no certificate");
	assert_int_equal(row(&w, "autoconfig.example.org", 0)->renewed_by, RENEWER_NOBODY);
	w.in.stored_known = w.in.probed = false;
	join(&w);
	only(&w, "autoconfig.example.org", 0, FINDING_COUNT); /* nothing was looked at */
	teardown(&w);
}

/* A name that no certificate has is one row, not one for each default endpoint that was asked for it. */
static void test_uncovered_name_at_default_endpoints(void **state)
{
	static const char *const names[] = { NAME, "autoconfig.example.org" };
	static const uint16_t ports[] = { 443, 993 };
	struct world w;
	struct cert *c = NULL;

	(void)state;
	setup(&w);
	w.in.names = names;
	w.in.name_count = 2;
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		add_served(&w, 1, ports[i], -1, 89)->optional = true;
		c = add_served(&w, 1, ports[i], -1, 89);
		c->optional = true;
		cert_set_text(&c->name, names[1], SIZE_MAX);
	}
	join(&w);
	assert_int_equal(w.table->count, 3);
	only(&w, names[1], 0, FINDING_NAME_UNCOVERED);
	assert_int_equal(w.table->item_count, 5); /* each probe is listed, and the name without a certificate */
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(w.table->items[i].name, w.table->rows[w.table->items[i].row].name);
	c->optional = false; /* asked for by name: told at that endpoint */
	join(&w);
	only(&w, names[1], 993, FINDING_NAME_MISMATCH);
	c->optional = true;
	w.in.name_count = 0;
	join(&w);
	assert_int_equal(w.table->count, 4);
	teardown(&w);
}

static void test_stored_rows(void **state)
{
	struct world w;
	struct cert *c;

	(void)state;
	setup(&w);
	rename_to(add_stored(&w, "spare", 1, -1, 89), "spare.example.org");
	c = cert_new(CERT_STORED);
	cert_set_text(&c->id, "broken", SIZE_MAX);
	cert_set_text(&c->error, "the certificate is malformed", SIZE_MAX);
	certlist_take(w.list, c);
	c = cert_new(CERT_STORED);
	cert_set_text(&c->id, "far", SIZE_MAX);
	cert_set_text(&c->path, "/elsewhere/cert.pem", SIZE_MAX);
	cert_set_text(&c->error, "the file can't be read", SIZE_MAX);
	certlist_take(w.list, c);
	join(&w);
	assert_int_equal(only(&w, "spare.example.org", 0, FINDING_NOT_SERVED)->level, CERT_LEVEL_OK);
	assert_int_equal(only(&w, "broken", 0, FINDING_MALFORMED)->action, CERT_ACTION_UPLOAD);
	assert_int_equal(only(&w, "far", 0, FINDING_UNREADABLE)->level, CERT_LEVEL_OK);
	w.in.probed = false;
	join(&w);
	only(&w, "spare.example.org", 0, FINDING_COUNT);
	teardown(&w);
}

/* Old lineages lie about on every host: no CRITICAL for a file that nobody uses. */
static void test_idle_files(void **state)
{
	struct world w;
	struct cert *c;

	(void)state;
	setup(&w);
	c = add_file(&w, "/old", 1, -200, -110);
	assert_int_equal(join(&w)->rows[0].level, CERT_LEVEL_WARNING);
	cert_set_text(&c->used_by, "nginx", SIZE_MAX);
	assert_int_equal(join(&w)->rows[0].level, CERT_LEVEL_CRITICAL);
	teardown(&w);
}

static void test_faults_of_what_is_served(void **state)
{
	struct world w;
	struct cert *c;

	(void)state;
	setup(&w);
	c = add_served(&w, 1, 993, -1, 89);
	c->chain = CHAIN_INCOMPLETE;
	c->verify_flags |= VERIFY_UNKNOWN_ISSUER;
	join(&w);
	assert_non_null(strstr(only(&w, NAME, 993, FINDING_CHAIN_INCOMPLETE)->text, "CN=CA is not sent"));
	c->chain = CHAIN_UNKNOWN;
	join(&w);
	only(&w, NAME, 993, FINDING_UNTRUSTED);
	c->verify_flags = VERIFY_DONE;
	c->chain = CHAIN_DISORDERED;
	join(&w);
	only(&w, NAME, 993, FINDING_CHAIN_ORDER);
	c->chain = CHAIN_COMPLETE;
	c->ocsp = OCSP_REVOKED;
	join(&w);
	only(&w, NAME, 993, FINDING_REVOKED);
	assert_int_equal(row(&w, NAME, 993)->status, CERT_STATUS_CRITICAL);
	c->ocsp = OCSP_STALE;
	join(&w);
	only(&w, NAME, 993, FINDING_STAPLE_STALE);
	c->must_staple = true;
	join(&w);
	only(&w, NAME, 993, FINDING_STAPLE_REQUIRED);
	c->must_staple = false;
	c->ocsp = OCSP_GOOD;
	snprintf(c->tls_version, sizeof(c->tls_version), "TLSv1.1");
	join(&w);
	only(&w, NAME, 993, FINDING_OLD_TLS);
	c->tls_version[0] = '\0';
	snprintf(c->key_type, sizeof(c->key_type), "RSA");
	c->key_bits = 1024;
	join(&w);
	only(&w, NAME, 993, FINDING_WEAK_KEY);
	teardown(&w);
}

static void test_unreachable(void **state)
{
	static const char *const names[] = { NAME };
	struct world w;
	struct cert *c;

	(void)state;
	setup(&w);
	c = cert_new(CERT_SERVED);
	cert_set_text(&c->name, NAME, SIZE_MAX);
	cert_set_text(&c->error, "Connection refused", SIZE_MAX);
	c->port = 995;
	certlist_take(w.list, c);
	add_stored(&w, "default", 1, -1, 9);
	join(&w);
	assert_string_equal(only(&w, NAME, 995, FINDING_UNREACHABLE)->text, "Connection refused");
	assert_true(row(&w, NAME, 995)->days_left == INT64_MIN); /* not the stored one's */
	c->optional = c->refused = true;
	join(&w);
	only(&w, NAME, 995, FINDING_NOT_LISTENING); /* nothing else tells of that name */
	w.in.names = names;
	w.in.name_count = 1;
	join(&w);
	assert_int_equal(certtable_find(w.table, NAME, 995), -1);
	assert_int_equal(row(&w, NAME, 0)->days_left, 9);
	assert_int_equal(w.table->item_count, 2); /* a list still has it */
	add_served(&w, 1, 993, -1, 89);
	w.in.name_count = 0;
	join(&w);
	assert_int_equal(certtable_find(w.table, NAME, 995), -1);
	c->refused = false; /* it took the connection and then failed: that is told */
	join(&w);
	assert_int_equal(row(&w, NAME, 995)->findings[0].kind, FINDING_UNREACHABLE);
	teardown(&w);
}

static void test_order_and_find(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	add_served(&w, 1, 993, -1, 89);
	add_served(&w, 2, 465, -80, 3);
	add_served(&w, 1, 143, -1, 89);
	join(&w);
	assert_int_equal(w.table->rows[0].port, 465);
	assert_int_equal(w.table->rows[1].port, 143);
	assert_int_equal(w.table->rows[2].port, 993);
	assert_int_equal(certtable_find(w.table, "MAIL.example.org", 993), 2);
	assert_int_equal(certtable_find(w.table, NAME, 0), 0);
	assert_int_equal(certtable_find(w.table, "x", 0), -1);
	teardown(&w);
}

static void test_items(void **state)
{
	static const char *const names[] = { "autoconfig.example.org" };
	struct world w;

	(void)state;
	setup(&w);
	w.in.names = names;
	w.in.name_count = 1;
	add_served(&w, 1, 993, -80, 60);
	add_served(&w, 2, 465, -1, 89);
	add_stored(&w, "default", 2, -1, 89);
	add_file(&w, "/f", 2, -1, 89);
	join(&w);
	assert_int_equal(w.table->item_count, 5);
	for (size_t i = 0; i < w.table->item_count; i++) {
		const struct cert_item *item = &w.table->items[i];

		assert_true(item->row < w.table->count);
		if (item->cert && item->source == CERT_SERVED)
			assert_int_equal(item->status, item->cert->port == 993 ? CERT_STATUS_MISMATCH : CERT_STATUS_OK);
	}
	assert_null(w.table->items[4].cert);
	assert_string_equal(w.table->items[4].name, names[0]);
	assert_int_equal(w.table->items[4].status, CERT_STATUS_MISSING);
	teardown(&w);
}

static void test_check_line(void **state)
{
	struct cert_check check;
	struct world w;
	struct cert *c;

	(void)state;
	setup(&w);
	cert_check(join(&w), &check);
	assert_int_equal(check.code, 3);
	assert_string_equal(check.line, "CERTS UNKNOWN - no certificate could be looked at");
	add_served(&w, 1, 993, -1, 89);
	cert_check(join(&w), &check);
	assert_int_equal(check.code, 0);
	assert_string_equal(check.line, "CERTS OK - 1 rows, the first to expire is " NAME " in 89 days | min_days=89");
	add_served(&w, 2, 465, -70, 20);
	cert_check(join(&w), &check);
	assert_int_equal(check.code, 1);
	assert_string_equal(check.line, "CERTS WARNING - " NAME ":465 expires in 20 d | min_days=20");
	c = add_served(&w, 3, 143, -91, -1);
	rename_to(c, "a|b"); /* a bar begins the measured values */
	cert_check(join(&w), &check);
	assert_int_equal(check.code, 2);
	assert_int_equal(check.criticals, 1);
	assert_int_equal(check.warnings, 1);
	assert_string_equal(
		check.line, "CERTS CRITICAL - a/b:143 expired 1 d ago; " NAME ":465 expires in 20 d | min_days=-1");
	for (uint16_t p = 1; p < 9; p++)
		add_served(&w, 4, p, -91, -1);
	cert_check(join(&w), &check);
	assert_non_null(strstr(check.line, "; and 7 more | min_days=-1"));
	teardown(&w);
}

static void test_a_long_line_keeps_its_value(void **state)
{
	char name[600];
	struct cert_check check;
	struct world w;

	(void)state;
	setup(&w);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	rename_to(add_served(&w, 1, 993, -91, -1), name);
	cert_check(join(&w), &check);
	assert_true(strlen(check.line) < sizeof(check.line));
	assert_string_equal(check.line + strlen(check.line) - 14, " | min_days=-1");
	teardown(&w);
}

static void test_effect(void **state)
{
	static const struct {
		unsigned char before, after; /* what 993 serves; 2 is stored */
		bool nginx;                  /* 443 serves a good certificate of its own */
		size_t changed, cured, still;
		const char *words;
	} rows[] = {
		{ 1, 2, true, 1, 1, 0, "1 of 2 endpoints serve another" },
		{ 1, 1, true, 0, 0, 1, "1 of the 1 endpoints that the reload should change do not" },
		{ 2, 2, true, 0, 0, 0, "all 2 endpoints serve what they served before" },
		{ 1, 3, false, 1, 0, 1, "1 of the 1 endpoints" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert_effect effect;
		struct world w[2];

		for (int k = 0; k < 2; k++) {
			unsigned char print = k ? rows[i].after : rows[i].before;

			setup(&w[k]);
			add_served(&w[k], print, 993, print == 2 ? -1 : -80, print == 2 ? 89 : 60);
			if (rows[i].nginx) {
				add_served(&w[k], 9, 443, -30, 60);
				add_file(&w[k], "/f", 9, -30, 60);
			}
			add_stored(&w[k], "default", 2, -1, 89);
			join(&w[k]);
		}
		cert_effect(w[0].table, w[1].table, &effect);
		assert_int_equal(effect.changed, rows[i].changed);
		assert_int_equal(effect.cured, rows[i].cured);
		assert_int_equal(effect.still, rows[i].still);
		assert_non_null(strstr(effect.line, rows[i].words));
		teardown(&w[0]);
		teardown(&w[1]);
	}
}

static void test_effect_of_nothing(void **state)
{
	struct cert_effect effect;
	struct world w;

	(void)state;
	setup(&w);
	add_stored(&w, "default", 2, -1, 89);
	join(&w);
	cert_effect(w.table, w.table, &effect);
	assert_string_equal(effect.line, "no endpoint could be compared");
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_well),
		cmocka_unit_test(test_served_is_not_stored),
		cmocka_unit_test(test_status_of_the_row),
		cmocka_unit_test(test_another_program_on_443),
		cmocka_unit_test(test_file_not_loaded),
		cmocka_unit_test(test_macro_alone),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_limits_are_the_callers),
		cmocka_unit_test(test_cures_of_an_expiring_one),
		cmocka_unit_test(test_certbot),
		cmocka_unit_test(test_once_per_name),
		cmocka_unit_test(test_two_for_a_name),
		cmocka_unit_test(test_vanished),
		cmocka_unit_test(test_name_in_no_certificate),
		cmocka_unit_test(test_uncovered_name_at_default_endpoints),
		cmocka_unit_test(test_stored_rows),
		cmocka_unit_test(test_idle_files),
		cmocka_unit_test(test_faults_of_what_is_served),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_order_and_find),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_check_line),
		cmocka_unit_test(test_effect),
		cmocka_unit_test(test_effect_of_nothing),
		cmocka_unit_test(test_a_long_line_keeps_its_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
