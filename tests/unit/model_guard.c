/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One row per guard and per way to get round it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "model/guard.h"

#define NOW INT64_C(1795168800000)

struct world {
	struct guard_facts facts;
	struct entrylist *allowed;
};

static void allow(struct world *w, const char *key, int64_t expires)
{
	entrylist_add(w->allowed, key, strlen(key), NULL, 0, NULL, REASON_NONE, ORIGIN_OPERATOR, TIME_NONE, expires);
}

static struct world world_new(void)
{
	struct world w = { .allowed = entrylist_new() };

	guard_parse_ssh("203.0.113.50 51234 198.51.100.1 22", &w.facts.ssh_client, NULL);
	netvec_add_text(&w.facts.host, "198.51.100.1");
	netvec_add_text(&w.facts.host, "2001:db8:1::1");
	netvec_add_text(&w.facts.api, "198.51.100.2");
	netvec_add_text(&w.facts.proxies, "192.0.2.0/28");
	netvec_add_text(&w.facts.gateways, "172.17.0.1");
	netvec_add_text(&w.facts.gateways, "198.51.100.254");
	netvec_add_text(&w.facts.near, "203.0.114.0/24");
	netvec_add_text(&w.facts.near, "2001:dba:aaaa:5::9/48");
	assert_true(netvec_add_text(&w.facts.near, " fe80::77:1%eth0 "));
	assert_true(netvec_add_text(&w.facts.near, "fe80::77:2%br0/120"));
	assert_false(netvec_add_text(&w.facts.near, "fe80::77:2%br0/"));
	assert_false(netvec_add_text(&w.facts.near, "%eth0"));
	allow(&w, "203.0.115.9", TIME_NONE);
	allow(&w, "203.0.116.0/24", TIME_NONE);
	allow(&w, "203.0.117.0/24", NOW - 1000);
	allow(&w, "172.17.0.1", TIME_NONE);
	allow(&w, "198.51.100.254", TIME_NONE);
	allow(&w, "198.51.100.0/24", NOW - 1000);
	allow(&w, "2001:db8:5::/48", TIME_NONE);
	allow(&w, "nonsense", TIME_NONE);
	entrylist_finish(w.allowed);
	w.facts.allowed = w.allowed;
	w.facts.now = NOW;
	return w;
}

static void world_free(struct world *w)
{
	entrylist_free(w->allowed);
	guard_facts_release(&w->facts);
}

/* Names of the rules that refuse an edit, as --force would journal them. */
static char *names(const struct world *w, enum edit_kind kind, const char *target)
{
	struct change *c = change_new();
	struct guard_hit hits[GUARD_RULE_COUNT];
	struct buf out = BUF_INIT;
	size_t n;

	change_add(c, kind, target);
	n = guard_check(&c->edits[0], &w->facts, hits, ARRAY_LEN(hits));
	assert_true(n <= ARRAY_LEN(hits));
	guard_names(hits, n, &out);
	change_free(c);
	return buf_take(&out, NULL);
}

static void test_blocks(void **state)
{
	static const struct {
		const char *target, *rules;
	} rows[] = {
		{ "192.0.3.77", "" },
		{ "192.0.3.0/24", "" },
		{ "45.0.0.0/8", "" },
		{ "2a00::/16", "" },
		{ "2001:db8:77::1", "" },
		/* the operator's own way in, in any dress */
		{ "203.0.113.50", "ssh_client" },
		{ "::ffff:203.0.113.50", "ssh_client" },
		{ "::ffff:cb00:7132", "ssh_client" },
		{ "203.0.113.0/24", "ssh_client" },
		{ "203.0.113.50/32", "ssh_client" },
		{ "203.0.113.51/26", "ssh_client" }, /* host bits: the network contains the client */
		{ "::ffff:203.0.113.0/120", "ssh_client" },
		/* behind a translator, in a tunnel */
		{ "64:ff9b::cb00:7132", "ssh_client" },
		{ "64:ff9b::203.0.113.0/120", "ssh_client" },
		{ "64:ff9b::/96", "ssh_client, api, host, loopback, proxy, gateway, near, allowed, private, wide" },
		{ "64:ff9b::/64", "ssh_client, api, host, loopback, proxy, gateway, near, allowed, private, wide" },
		{ "64:ff9b:2::/48", "" },
		{ "::203.0.113.50", "ssh_client" },
		{ "::ffff:0:203.0.113.50", "ssh_client" },
		{ "2002:cb00:7132::1", "ssh_client" },
		{ "2002:cb00:7100::/40", "ssh_client" },
		{ "2002:cb00:7133::1", "" },
		{ "2002::/16", "" }, /* nobody in particular */
		{ "2001:0:5ef5:79fb:0:59d:34ff:8ecd", "ssh_client" }, /* Teredo inverts the client */
		{ "2001:0:5ef5:79fb:0:59d:34ff:8ecc", "" },
		{ "2001:0:5ef5:79fb::/64", "" },
		{ "2002:0a01:0203::/48", "private" },
		{ "64:ff9b::10.1.2.3", "private" },
		{ "64:ff9b::127.0.0.1", "loopback" },
		{ "64:ff9b::192.0.2.3", "proxy" },
		{ "198.51.100.1", "host" },
		{ "2001:db8:1::/64", "host" },
		{ "2001:db8:1::1", "host" },
		{ "198.51.100.2", "api" },
		{ "127.0.0.1", "loopback" },
		{ "127.9.8.7", "loopback" },
		{ "127.0.0.0/8", "loopback" },
		{ "::1", "loopback" },
		{ "::ffff:127.0.0.1", "loopback" },
		{ "192.0.2.3", "proxy" },
		{ "192.0.2.0/24", "proxy" },
		{ "172.17.0.1", "gateway, allowed, private" },
		{ "198.51.100.254", "gateway, allowed" },
		{ "203.0.114.7", "near" },
		{ "203.0.114.0/23", "near, allowed" },
		{ "203.0.115.9", "allowed" },
		{ "203.0.115.0/24", "allowed" },
		{ "203.0.115.10", "" },
		{ "203.0.116.200", "allowed" },
		{ "203.0.117.200", "" }, /* that allow has expired */
		{ "2001:db8:5:1::/64", "allowed" },
		{ "2001:db8::/32", "host, allowed" },
		{ "10.1.2.3", "private" },
		{ "192.168.0.0/16", "private" },
		{ "64:ff9b:1::/48", "private" },
		{ "fec0::/10", "private, wide" },
		{ "100.64.0.1", "private" },
		{ "172.20.0.1", "private" },
		{ "169.254.1.1", "private" },
		{ "fe80::1", "private" },
		{ "fd12::/16", "private" },
		{ "0.0.0.0", "private" },
		{ "224.0.0.1", "private" },
		{ "44.0.0.0/7", "wide" },
		{ "2a00::/15", "wide" },
		{ "0.0.0.0/0", "ssh_client, api, host, loopback, proxy, gateway, near, allowed, private, wide" },
		/* an IPv6 network around the mapped range holds every IPv4 client */
		{ "::/0", "ssh_client, api, host, loopback, proxy, gateway, near, allowed, private, wide" },
		{ "::/64", "ssh_client, api, host, loopback, proxy, gateway, near, allowed, private, wide" },
		{ "::fffe:0:0/95", "ssh_client, api, host, loopback, proxy, gateway, near, allowed, private, wide" },
		{ "::fffe:0:0/96", "" },
		/* the profile's IPv6 networks, written with host bits or a zone */
		{ "2001:dba:aaaa:1::5", "near" },
		{ "2001:dba:aaaa::/47", "near" },
		{ "2001:dba:aaab::1", "" },
		{ "fe80::77:1", "near, private" },
		{ "not an address", "" },
	};
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *got = names(&w, EDIT_BLOCK, rows[i].target);

		if (strcmp(got, rows[i].rules) != 0)
			fail_msg("block %s: \"%s\", not \"%s\"", rows[i].target, got, rows[i].rules);
		free(got);
	}
	world_free(&w);
}

/* The client comes over IPv6 only, also link-local with a zone. */
static void test_ssh6(void **state)
{
	struct world w = world_new();
	static const struct {
		const char *target, *rules;
	} rows[] = {
		{ "2001:db8:9:9::5", "ssh_client" },
		{ "2001:db8:9:9::/64", "ssh_client" },
		{ "2001:db8:8000::/33", "" },
		{ "2001:db8:9:9::6", "" },
		{ "203.0.113.50", "" },
	};

	(void)state;
	assert_true(guard_parse_ssh("2001:db8:9:9::5 5 2001:db8:1::1 22", &w.facts.ssh_client, NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *got = names(&w, EDIT_BLOCK, rows[i].target);

		assert_string_equal(got, rows[i].rules);
		free(got);
	}
	world_free(&w);
}

static void test_other_edits(void **state)
{
	static const struct {
		enum edit_kind kind;
		const char *target, *rules;
	} rows[] = {
		{ EDIT_UNBLOCK, "203.0.113.50", "" },
		{ EDIT_ALLOW, "0.0.0.0/0", "" },
		{ EDIT_EXPIRY, "127.0.0.1", "loopback" },
		{ EDIT_DISALLOW, "203.0.115.9", "" },
		{ EDIT_DISALLOW, "172.17.0.1", "last_allow" },
		{ EDIT_DISALLOW, "198.51.100.254", "last_allow" },
		{ EDIT_DISALLOW, "198.51.100.0/24", "" }, /* expired, and the address has its own */
		{ EDIT_DISALLOW, "172.17.0.0/16", "" },   /* there is no such entry */
		{ EDIT_THRESHOLD, "auth", "" },
	};
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *got = names(&w, rows[i].kind, rows[i].target);

		if (strcmp(got, rows[i].rules) != 0)
			fail_msg("%s %s: \"%s\"", edit_name(rows[i].kind), rows[i].target, got);
		free(got);
	}
	world_free(&w);
}

static void test_reasons(void **state)
{
	static const struct {
		const char *target, *reason;
	} rows[] = {
		{ "203.0.113.50", "203.0.113.50 is your own SSH client" },
		{ "2002:cb00:7132::/48", "2002:cb00:7132::/48 carries 203.0.113.50: 203.0.113.50 is your own SSH client" },
		{ "64:ff9b::203.0.113.0/120", "64:ff9b::cb00:7100/120 contains 203.0.113.50, your own SSH client" },
		{ "203.0.113.0/24", "203.0.113.0/24 contains 203.0.113.50, your own SSH client" },
		{ "192.0.2.3", "192.0.2.3 is inside 192.0.2.0/28, a proxy the server trusts" },
		{ "127.0.0.3", "127.0.0.3 is inside 127.0.0.0/8, loopback" },
		{ "::1", "::1 is loopback" },
		{ "203.0.116.0/25", "203.0.116.0/25 is inside 203.0.116.0/24, an allowed entry" },
		{ "172.20.1.0/24", "172.20.1.0/24 touches a special range (Docker default range): gateways, proxies and your own hosts are there" },
		{ "44.0.0.0/7", "44.0.0.0/7 is wider than /8, the widest IPv4 network blocked without force" },
		{ "2a00::/12", "2a00::/12 is wider than /16, the widest IPv6 network blocked without force" },
		{ "::fffe:0:0/94", "::fffc:0:0/94 contains 203.0.113.50, your own SSH client" },
	};
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct guard_hit hit;
		struct net n;

		assert_true(net_parse(rows[i].target, strlen(rows[i].target), &n, NULL));
		assert_true(guard_check_net(&n, &w.facts, &hit));
		assert_string_equal(hit.reason, rows[i].reason);
		assert_int_equal(hit.severity, guard_severity(hit.rule));
	}
	assert_int_equal(guard_severity(GUARD_RULE_SSH_CLIENT), GUARD_LOCKOUT);
	assert_int_equal(guard_severity(GUARD_RULE_WIDE), GUARD_REFUSE);
	world_free(&w);
}

/* Knowing nothing, the rules that need no facts still hold. */
static void test_no_facts(void **state)
{
	struct world w = { .allowed = NULL };
	char *got = names(&w, EDIT_BLOCK, "0.0.0.0/0");

	(void)state;
	assert_string_equal(got, "loopback, private, wide");
	free(got);
	got = names(&w, EDIT_BLOCK, "203.0.113.50");
	assert_string_equal(got, "");
	free(got);
	got = names(&w, EDIT_DISALLOW, "172.17.0.1");
	assert_string_equal(got, "");
	free(got);
}

static void test_many(void **state)
{
	struct world w = world_new();
	struct change *c = change_new();
	struct guard_hit hits[4];

	(void)state;
	w.facts.max_entries = 3;
	change_add(c, EDIT_UNBLOCK, "192.0.3.200");
	change_add(c, EDIT_BLOCK, "192.0.3.1");
	change_add(c, EDIT_BLOCK, "192.0.3.2");
	change_add(c, EDIT_BLOCK, "192.0.3.3");
	assert_int_equal(guard_check_change(c, &w.facts, hits, 4), 0);
	change_add(c, EDIT_BLOCK, "192.0.3.4");
	assert_int_equal(guard_check_change(c, &w.facts, hits, 4), 1);
	assert_int_equal(hits[0].rule, GUARD_RULE_MANY);
	assert_int_equal(hits[0].edit, 1);
	assert_string_equal(hits[0].reason, "this change blocks 4 entries, more than 3 at once");
	w.facts.max_entries = 0;
	assert_int_equal(guard_check_change(c, &w.facts, hits, 4), 0);
	change_free(c);
	world_free(&w);
}

/* Each of two allows alone may go, both together may not. */
static void test_together(void **state)
{
	struct world w = world_new();
	struct change *c = change_new();
	struct guard_hit hits[4];

	(void)state;
	entrylist_free(w.allowed);
	w.allowed = entrylist_new();
	allow(&w, "172.17.0.1", TIME_NONE);
	allow(&w, "172.17.0.0/16", TIME_NONE);
	entrylist_finish(w.allowed);
	w.facts.allowed = w.allowed;
	change_add(c, EDIT_DISALLOW, "172.17.0.1");
	assert_int_equal(guard_check_change(c, &w.facts, hits, 4), 0);
	change_add(c, EDIT_DISALLOW, "172.17.0.0/16");
	assert_int_equal(guard_check_change(c, &w.facts, hits, 4), 2);
	assert_int_equal(hits[0].rule, GUARD_RULE_LAST_ALLOW);
	assert_int_equal(hits[1].edit, 1);
	assert_string_equal(hits[1].reason,
		"172.17.0.0/16 is the last allow that keeps 172.17.0.1 from being banned, a gateway of this host");
	/* More hits than room: counted, not written. */
	assert_int_equal(guard_check_change(c, &w.facts, hits, 1), 2);
	assert_int_equal(guard_check_change(c, &w.facts, NULL, 0), 2);
	change_free(c);
	world_free(&w);
}

/* What is broken by edits that nobody has room for is named all the same. */
static void test_all_are_named(void **state)
{
	struct world w = world_new();
	struct change *c = change_new();
	struct buf out = BUF_INIT;
	struct guard_hit hits[4];
	unsigned broken;
	char target[NET_BUF];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(target, sizeof(target), "10.0.0.%d", i + 1);
		change_add(c, EDIT_BLOCK, target);
	}
	change_add(c, EDIT_BLOCK, "203.0.113.50");
	assert_int_equal(guard_check_all(c, &w.facts, hits, 4, &broken), 101);
	guard_names_of(broken, &out);
	assert_string_equal(buf_str(&out), "ssh_client, private");
	buf_release(&out);
	change_free(c);
	world_free(&w);
}

/* An allow that goes with the same change is in nobody's way; another one still is. */
static void test_allows_that_go_too(void **state)
{
	struct world w = world_new();
	struct change *c = change_new();
	struct guard_hit hits[4];

	(void)state;
	change_add(c, EDIT_DISALLOW, "203.0.115.9");
	change_add(c, EDIT_BLOCK, "203.0.115.9");
	assert_int_equal(guard_check_change(c, &w.facts, hits, 4), 0);
	change_add(c, EDIT_BLOCK, "203.0.115.0/24");
	assert_int_equal(guard_check_change(c, &w.facts, hits, 4), 0);
	change_add(c, EDIT_BLOCK, "203.0.116.9");
	assert_int_equal(guard_check_change(c, &w.facts, hits, 4), 1);
	assert_int_equal(hits[0].rule, GUARD_RULE_ALLOWED);
	change_free(c);
	world_free(&w);
}

/* A block that lasts longer is a block; one that ends earlier harms nobody. */
static void test_another_end(void **state)
{
	static const struct {
		int64_t was, becomes;
		size_t hits;
	} rows[] = {
		{ TIME_NONE, NOW + 60000, 0 },
		{ TIME_NONE, TIME_NONE, 0 },
		{ NOW + 60000, NOW + 30000, 0 },
		{ NOW + 60000, NOW + 90000, 1 },
		{ NOW + 60000, TIME_NONE, 1 },
		{ NOW - 60000, NOW + 30000, 1 }, /* it was over */
	};
	struct guard_hit hits[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w = world_new();
		struct entrylist *blocked = entrylist_new();
		struct change *c = change_new();

		entrylist_add(blocked, "203.0.113.50", 12, NULL, 0, NULL, REASON_NONE, ORIGIN_OPERATOR, TIME_NONE, rows[i].was);
		entrylist_finish(blocked);
		w.facts.blocked = blocked;
		change_add(c, EDIT_EXPIRY, "203.0.113.50")->expires = rows[i].becomes;
		assert_int_equal(guard_check_change(c, &w.facts, hits, 4), rows[i].hits);
		change_free(c);
		entrylist_free(blocked);
		world_free(&w);
	}
}

/* However many allowed entries inside a network are over, the one that is not is found; and one that is over keeps nobody alive. */
static void test_over(void **state)
{
	struct world w = world_new();
	struct entrylist *l = entrylist_new();
	char key[NET_BUF], *hit;

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "45.9.148.%d", i);
		entrylist_add(l, key, strlen(key), NULL, 0, NULL, REASON_NONE, ORIGIN_OPERATOR, TIME_NONE, NOW - 1000);
	}
	entrylist_add(l, "172.17.0.1", 10, NULL, 0, NULL, REASON_NONE, ORIGIN_OPERATOR, TIME_NONE, NOW - 1000);
	entrylist_finish(l);
	entrylist_free(w.allowed);
	w.facts.allowed = w.allowed = l;
	hit = names(&w, EDIT_BLOCK, "45.9.148.0/24");
	assert_string_equal(hit, "");
	free(hit);
	hit = names(&w, EDIT_DISALLOW, "172.17.0.1");
	assert_string_equal(hit, "");
	free(hit);
	l = entrylist_new();
	for (int i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "45.9.148.%d", i);
		entrylist_add(l, key, strlen(key), NULL, 0, NULL, REASON_NONE, ORIGIN_OPERATOR, TIME_NONE, i == 39 ? TIME_NONE : NOW - 1000);
	}
	entrylist_finish(l);
	entrylist_free(w.allowed);
	w.facts.allowed = w.allowed = l;
	hit = names(&w, EDIT_BLOCK, "45.9.148.0/24");
	assert_string_equal(hit, "allowed");
	free(hit);
	world_free(&w);
}

static void test_parse_ssh(void **state)
{
	static const struct {
		const char *text, *client, *server; /* client NULL: refused */
	} rows[] = {
		{ "203.0.113.5 50000 198.51.100.1 22", "203.0.113.5", "198.51.100.1" },
		{ "203.0.113.5 50000 22", "203.0.113.5", "" },
		{ "203.0.113.5", "203.0.113.5", "" },
		{ "  203.0.113.5\t1 ::1 22\n", "203.0.113.5", "::1" },
		{ "::ffff:203.0.113.5 50000 ::ffff:198.51.100.1 22", "203.0.113.5", "198.51.100.1" },
		{ "fe80::1%eth0 50000 fe80::2%eth0 22", "fe80::1", "fe80::2" },
		{ "2001:db8::5 5 2001:db8::1 22", "2001:db8::5", "2001:db8::1" },
		{ "", NULL, "" },
		{ "UNKNOWN 65535 UNKNOWN 65535", NULL, "" },
		{ "203.0.113.0/24 5 6 7", NULL, "" },
		{ "203.0.113.5x 5 6 7", NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net client, server;
		char out[NET_BUF];

		assert_int_equal(guard_parse_ssh(rows[i].text, &client, &server), rows[i].client != NULL);
		assert_string_equal(net_format(&client, out, sizeof(out)), rows[i].client ? rows[i].client : "");
		assert_string_equal(net_format(&server, out, sizeof(out)), rows[i].server);
	}
	assert_false(guard_parse_ssh(NULL, &(struct net){ .family = 4 }, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),   cmocka_unit_test(test_ssh6),     cmocka_unit_test(test_other_edits),
		cmocka_unit_test(test_reasons),  cmocka_unit_test(test_no_facts), cmocka_unit_test(test_many),
		cmocka_unit_test(test_together), cmocka_unit_test(test_all_are_named),
		cmocka_unit_test(test_allows_that_go_too), cmocka_unit_test(test_another_end), cmocka_unit_test(test_parse_ssh),
		cmocka_unit_test(test_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
