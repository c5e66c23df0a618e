/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Banned gateways and proxies: who is one, who only looks like one, and the cure of each generation. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "model/gateway.h"
#include "tests/unit/net_world.h"

static void host_facts(struct gateway_facts *f)
{
	struct net gateway = net_of("172.18.0.1"), subnet = net_of("172.18.0.0/16");

	netvec_add_text(&f->host, "198.51.100.1");
	netvec_add_text(&f->routes, "198.51.100.254");
	netvec_add_text(&f->proxies, "192.0.2.0/28");
	netvec_add_text(&f->expected, "203.0.114.5");
	gateway_facts_add_bridge(f, &gateway, &subnet, "br-mail\x1b[31m");
	f->now = NOW;
}

static void assert_finding(const struct gateway_finding *g, const char *net, enum gateway_state state, int score,
	const char *words)
{
	char out[NET_BUF];

	assert_string_equal(net_format(&g->net, out, sizeof(out)), net);
	assert_string_equal(g->words, words);
	assert_int_equal(g->state, state);
	assert_int_equal(g->score, score);
}

static void test_banned(void **state)
{
	struct gateway_facts f = { .now = 0 };
	struct gateway_findings g = { NULL, 0, 0 };
	struct entrylist *blocked = list_of((const char *const[]){ "203.0.113.7", "198.51.100.254", "198.51.100.1", "172.18.0.1",
		"172.17.0.1", "10.1.2.3", "100.64.7.7", "192.0.2.9", "192.0.3.0/24", "-172.17.0.9", "bogus", "203.0.114.5",
		"2001:db8::1", NULL });
	struct entrylist *allowed = list_of((const char *const[]){ "203.0.114.5", NULL });

	(void)state;
	host_facts(&f);
	f.blocked = blocked;
	f.allowed = allowed;
	gateway_find(&f, &g);
	assert_int_equal(g.count, 8);
	assert_finding(&g.items[0], "198.51.100.1", GATEWAY_BANNED, 100, "198.51.100.1 is banned: an address of this host");
	assert_finding(&g.items[1], "172.18.0.1", GATEWAY_BANNED, 97,
		"172.18.0.1 is banned: the gateway of a bridge of this host (br-mail\\x1b[31m), in Docker's default range");
	assert_finding(&g.items[2], "192.0.2.9", GATEWAY_BANNED, 95, "192.0.2.9 is banned: a proxy the server trusts");
	assert_finding(&g.items[3], "203.0.114.5", GATEWAY_BANNED, 95,
		"203.0.114.5 is banned although it is allowed: expected to be allowed by this profile");
	assert_finding(&g.items[4], "198.51.100.254", GATEWAY_BANNED, 90,
		"198.51.100.254 is banned: the default gateway of this host");
	assert_finding(&g.items[5], "172.17.0.1", GATEWAY_BANNED, 70, "172.17.0.1 is banned: in Docker's default range");
	assert_finding(&g.items[6], "10.1.2.3", GATEWAY_BANNED, 60, "10.1.2.3 is banned: a private address");
	assert_finding(&g.items[7], "100.64.7.7", GATEWAY_BANNED, 50, "100.64.7.7 is banned: a carrier-grade NAT address");
	assert_int_equal(g.items[0].row, entrylist_find(blocked, &g.items[0].net));
	assert_true(g.items[3].is_allowed);
	/* Where an allow wins, that one is not banned. */
	f.allow_wins = true;
	gateway_find(&f, &g);
	assert_int_equal(g.count, 7);
	gateway_findings_release(&g);
	gateway_facts_release(&f);
	entrylist_free(blocked);
	entrylist_free(allowed);
}

/* A blocked network around the gateway bans it as well; a wide trusted network makes what is inside a proxy. */
static void test_networks(void **state)
{
	struct gateway_facts f = { .now = 0 };
	struct gateway_findings g = { NULL, 0, 0 };
	struct entrylist *blocked = list_of((const char *const[]){ "198.51.100.128/25", "192.0.2.0/24", "::/64", NULL });

	(void)state;
	host_facts(&f);
	f.blocked = blocked;
	gateway_find(&f, &g);
	assert_int_equal(g.count, 3);
	assert_finding(&g.items[0], "::/64", GATEWAY_BANNED, 100,
		"::/64 is banned: an address of this host, a proxy the server trusts, expected to be allowed by this profile, the gateway of a bridge of this host (br-mail\\x1b[31m), the default gateway of this host, loopback");
	assert_finding(&g.items[1], "192.0.2.0/24", GATEWAY_BANNED, 95, "192.0.2.0/24 is banned: a proxy the server trusts");
	assert_finding(&g.items[2], "198.51.100.128/25", GATEWAY_BANNED, 90,
		"198.51.100.128/25 is banned: the default gateway of this host");
	gateway_findings_release(&g);
	gateway_facts_release(&f);
	entrylist_free(blocked);
}

/* Where an allow wins, a network is no concern of the gateways in it that are allowed. */
static void test_allowed_inside(void **state)
{
	struct gateway_facts f = { .allow_wins = true };
	struct gateway_findings g = { NULL, 0, 0 };
	struct entrylist *blocked = list_of((const char *const[]){ "198.51.100.0/24", "192.0.2.0/24", NULL });
	struct entrylist *allowed = list_of((const char *const[]){ "198.51.100.254", "192.0.2.0/27", "203.0.114.5", NULL });

	(void)state;
	host_facts(&f);
	f.blocked = blocked;
	f.allowed = allowed;
	gateway_find(&f, &g);
	assert_int_equal(g.count, 1);
	assert_finding(&g.items[0], "198.51.100.0/24", GATEWAY_BANNED, 100, "198.51.100.0/24 is banned: an address of this host");
	f.allow_wins = false;
	gateway_find(&f, &g);
	assert_int_equal(g.count, 2);
	gateway_findings_release(&g);
	gateway_facts_release(&f);
	entrylist_free(blocked);
	entrylist_free(allowed);
}

static void test_activity(void **state)
{
	struct gateway_activity act[] = {
		{ net_of("203.0.113.7"), 500, 0, 1, 900, CLASS_AUTH, 0, 0, false, false },  /* an attacker: many names, never in */
		{ net_of("203.0.113.8"), 12, 9, 4, 30, CLASS_AUTH, 0, 0, false, false },    /* an office: people log in */
		{ net_of("172.17.0.1"), 3, 3, 3, 83, CLASS_AUTH, 0, 0, false, false },      /* near its limit */
		{ net_of("10.0.0.9"), 0, 0, 1, 79, CLASS_AUTH, 0, 0, false, false },        /* not near enough */
		{ net_of("10.0.0.8"), 0, 0, 1, 40, CLASS_ABUSE, 0, 0, false, false },       /* over 35 */
		{ net_of("10.0.0.7"), 0, 0, 1, 99, CLASS_SCAN, 0, 0, false, false },        /* class off */
		{ net_of("203.0.113.9"), 2, 1, 1, 99, CLASS_AUTH, 0, 0, false, false },     /* near, but nobody's gateway */
		{ net_of("10.0.0.6"), 0, 0, 1, 99, CLASS_AUTH, 0, 0, false, false },        /* near, but allowed */
	};
	struct thresholds t;
	struct gateway_facts f = { .activity = act, .activity_count = ARRAY_LEN(act), .now = NOW, .thresholds = &t };
	struct gateway_findings g = { NULL, 0, 0 };
	struct entrylist *blocked = list_of((const char *const[]){ "203.0.113.7", "203.0.113.8", NULL });
	struct entrylist *allowed = list_of((const char *const[]){ "10.0.0.6", NULL });

	(void)state;
	thresholds_init(&t);
	t.of[CLASS_AUTH] = (struct threshold){ .supported = true, .enabled = true, .count = 100, .period_ms = 86400000 };
	t.of[CLASS_ABUSE] = (struct threshold){ .supported = true, .enabled = true, .count = 35, .period_ms = 86400000 };
	t.of[CLASS_SCAN] = (struct threshold){ .supported = true, .enabled = false, .count = 30 };
	f.blocked = blocked;
	f.allowed = allowed;
	gateway_find(&f, &g);
	assert_int_equal(g.count, 3);
	assert_finding(&g.items[0], "203.0.113.8", GATEWAY_BANNED, 62,
		"203.0.113.8 is banned: 9 accounts log in from it on 4 listeners");
	assert_int_equal(g.items[0].logins, 9);
	assert_finding(&g.items[1], "172.17.0.1", GATEWAY_NEAR_LIMIT, 78,
		"172.17.0.1 is about to be banned (83 of 100 in auth): in Docker's default range, 3 accounts log in from it on 3 listeners");
	assert_finding(&g.items[2], "10.0.0.8", GATEWAY_NEAR_LIMIT, 60,
		"10.0.0.8 is about to be banned (40 of 35 in abuse): a private address");
	gateway_findings_release(&g);
	gateway_facts_release(&f);
	entrylist_free(blocked);
	entrylist_free(allowed);
}

/* Whose address is it? accounts tried, accounts that log in, listeners, tried that never log in. */
static void test_logins(void **state)
{
	static const struct {
		struct gateway_activity a;
		int score;
		const char *words;
	} rows[] = {
		{ { .accounts = 3, .logins = 14, .listeners = 3, .strangers = 1 }, 62, "14 accounts log in from it on 3 listeners" },
		{ { .accounts = 3, .logins = 3, .listeners = 2 }, 60, "3 accounts log in from it on 2 listeners" },
		{ { .logins = 32, .listeners = 1, .has_more = true }, 60, "at least 32 accounts log in from it" },
		/* a household */
		{ { .accounts = 2, .logins = 2, .listeners = 3 }, 0, "" },
		/* three on one listener may be anybody's; five are not */
		{ { .logins = 3, .listeners = 1 }, 30, "3 accounts log in from it" },
		{ { .logins = 5, .listeners = 1 }, 60, "5 accounts log in from it" },
		/* who else was tried is not in the log: many, or the same ones on another day */
		{ { .logins = 9, .listeners = 3, .is_tried_unknown = true, .regulars = 2 }, 32, "9 accounts log in from it on 3 listeners" },
		{ { .logins = 3, .listeners = 1, .is_tried_unknown = true, .regulars = 3 }, 60, "3 accounts log in from it" },
		{ { .logins = 10, .listeners = 1, .is_tried_unknown = true }, 60, "10 accounts log in from it" },
		{ { .logins = 10, .strangers = 11, .is_tried_unknown = true, .regulars = 10 }, 30,
			"10 accounts log in from it, and it tries 11 that don't" },
		/* sprayers: nobody's, one, four and twelve passwords found */
		{ { .accounts = 500, .strangers = 500 }, 20, "it tries many accounts" },
		{ { .accounts = 500, .logins = 1, .listeners = 4, .strangers = 499 }, 20, "it tries many accounts" },
		{ { .accounts = 500, .logins = 4, .listeners = 4, .strangers = 496 }, 34,
			"4 accounts log in from it on 4 listeners, and it tries 496 that don't" },
		{ { .accounts = 500, .logins = 12, .listeners = 3, .strangers = 488 }, 34,
			"12 accounts log in from it on 3 listeners, and it tries 488 that don't" },
		/* as many strangers as neighbours is the most an office has */
		{ { .logins = 6, .listeners = 2, .strangers = 6 }, 60, "6 accounts log in from it on 2 listeners" },
		{ { .logins = 6, .listeners = 2, .strangers = 7 }, 30, "6 accounts log in from it on 2 listeners, and it tries 7 that don't" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct gateway_activity a = rows[i].a;
		struct gateway_facts f = { .activity = &a, .activity_count = 1 };
		struct gateway_findings g = { NULL, 0, 0 };
		struct buf words = BUF_INIT;
		int score;

		a.address = net_of("203.0.113.7");
		a.class = CLASS_NONE;
		gateway_reasons(&f, &a.address, &score, &words);
		assert_string_equal(buf_str(&words), rows[i].words);
		assert_int_equal(score, rows[i].score);
		buf_release(&words);
		f.blocked = list_of((const char *const[]){ "203.0.113.7", NULL });
		gateway_find(&f, &g);
		assert_int_equal(g.count, rows[i].score >= GATEWAY_HINT); /* an attacker's ban is none of ours */
		gateway_findings_release(&g);
		entrylist_free((struct entrylist *)f.blocked);
	}
}

static void test_missing(void **state)
{
	struct gateway_facts f = { .now = NOW };
	struct gateway_findings g = { NULL, 0, 0 };
	struct entrylist *allowed = list_of((const char *const[]){ "192.168.0.0/16", "-172.17.0.0/16", NULL });

	(void)state;
	netvec_add_text(&f.expected, "192.168.7.0/24");
	netvec_add_text(&f.expected, "172.17.0.1");
	gateway_find(&f, &g);
	assert_int_equal(g.count, 0); /* the allowed list is not known: nothing is said */
	f.allowed = allowed;
	gateway_find(&f, &g);
	assert_int_equal(g.count, 1);
	assert_finding(&g.items[0], "172.17.0.1", GATEWAY_MISSING_ALLOW, 100,
		"172.17.0.1 should be allowed and is not: the profile expects it (near_networks, allowed)");
	gateway_findings_release(&g);
	gateway_facts_release(&f);
	entrylist_free(allowed);
}

static void test_reasons(void **state)
{
	struct gateway_facts f = { .now = 0 };
	struct net n;
	int score;

	(void)state;
	host_facts(&f);
	n = net_of("172.18.0.1");
	assert_int_equal(gateway_reasons(&f, &n, &score, NULL), 1u << GATEWAY_WHY_BRIDGE | 1u << GATEWAY_WHY_DOCKER);
	assert_true(score >= GATEWAY_ALARM);
	n = net_of("203.0.113.7");
	assert_int_equal(gateway_reasons(&f, &n, &score, NULL), 0);
	assert_int_equal(score, 0);
	gateway_facts_release(&f);
}

/* Many private rows must not cost a search each. */
static void test_large(void **state)
{
	struct gateway_facts f = { .now = NOW };
	struct gateway_findings g = { NULL, 0, 0 };
	struct entrylist *l = entrylist_new();

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char key[NET_BUF];
		struct net n = { { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i }, 4, 32 };

		net_format(&n, key, sizeof(key));
		entrylist_add(l, key, strlen(key), NULL, 0, NULL, REASON_AUTH, ORIGIN_SERVER, TIME_NONE, TIME_NONE);
	}
	entrylist_finish(l);
	f.blocked = l;
	gateway_find(&f, &g);
	assert_int_equal(g.count, 100000);
	gateway_findings_release(&g);
	entrylist_free(l);
}

static void test_cure(void **state)
{
	static const struct {
		enum gateway_generation g;
		const char *proxy, *forwarded;
		bool restart;
	} rows[] = {
		{ CURE_0_5, "server.proxy.trusted-networks", "jmap.rate-limit.use-forwarded", true },
		{ CURE_0_7, "server.proxy.trusted-networks", "server.http.use-x-forwarded", true },
		{ CURE_0_11, "server.proxy.trusted-networks", "http.use-x-forwarded", true },
		{ CURE_0_12, "server.proxy.trusted-networks", "http.use-x-forwarded", true },
		{ CURE_0_16, "x:SystemSettings.proxyTrustedNetworks", "x:Http.useXForwarded", false },
	};
	struct net n = net_of("172.17.0.1");
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct gateway_cure *c = gateway_cure(rows[i].g);

		assert_string_equal(c->proxy, rows[i].proxy);
		assert_string_equal(c->forwarded, rows[i].forwarded);
		assert_int_equal(c->needs_restart, rows[i].restart);
		buf_reset(&out);
		gateway_cure_text(rows[i].g, &n, 1u << GATEWAY_WHY_DOCKER, &out);
		assert_non_null(strstr(buf_str(&out), rows[i].proxy));
		assert_non_null(strstr(buf_str(&out), c->proxy_listener));
		assert_non_null(strstr(buf_str(&out), rows[i].forwarded));
		assert_non_null(strstr(buf_str(&out), "172.17.0.1 must speak PROXY protocol"));
		assert_int_equal(strstr(buf_str(&out), "restart it") != NULL, rows[i].restart);
	}
	buf_reset(&out);
	gateway_cure_text(CURE_REST, &n, 1u << GATEWAY_WHY_DOCKER, &out);
	assert_non_null(strstr(buf_str(&out), "No setting is known for this gateway."));
	buf_reset(&out); /* a server of that generation may be of either side of the renaming */
	gateway_cure_text(CURE_0_11, &n, 1u << GATEWAY_WHY_DOCKER, &out);
	assert_non_null(strstr(buf_str(&out), " http.use-x-forwarded = true\n    up to 0.11 it is called:  server.http.use-x-forwarded = true\n"));
	buf_reset(&out); /* what is set is not asked for */
	gateway_cure_text(CURE_0_16, &n, 1u << GATEWAY_WHY_PROXY, &out);
	assert_non_null(strstr(buf_str(&out), "172.17.0.1 is trusted already"));
	assert_non_null(strstr(buf_str(&out), "x:Http.useXForwarded = true"));
	assert_null(strstr(buf_str(&out), "proxyTrustedNetworks"));
	assert_null(strstr(buf_str(&out), "Catch"));
	buf_reset(&out); /* not ours, as far as is known */
	n = net_of("198.51.100.7");
	gateway_cure_text(CURE_0_12, &n, 1u << GATEWAY_WHY_LOGINS | 1u << GATEWAY_WHY_LISTENERS, &out);
	assert_non_null(strstr(buf_str(&out), "stalwarden why 198.51.100.7"));
	assert_non_null(strstr(buf_str(&out), "If it is a proxy of yours"));
	assert_null(strstr(buf_str(&out), "Lasting cure"));
	assert_ptr_equal(gateway_cure(CURE_COUNT), gateway_cure(CURE_UNKNOWN));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_banned),  cmocka_unit_test(test_networks), cmocka_unit_test(test_activity),
		cmocka_unit_test(test_missing), cmocka_unit_test(test_reasons),  cmocka_unit_test(test_large),
		cmocka_unit_test(test_cure),    cmocka_unit_test(test_logins), cmocka_unit_test(test_allowed_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
