/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses and networks: tables, parse∘print, and a differential run against inet_pton. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "model/net.h"
#include "tests/unit/net_world.h"
#include "tests/unit/random.h"

static void assert_text(const struct net *n, const char *want)
{
	char out[NET_BUF];

	assert_string_equal(net_format(n, out, sizeof(out)), want);
}

static void test_good(void **state)
{
	static const struct {
		const char *in, *out;
		unsigned flags;
	} rows[] = {
		{ "0.0.0.0", "0.0.0.0", 0 },
		{ "255.255.255.255", "255.255.255.255", 0 },
		{ "203.0.113.7", "203.0.113.7", 0 },
		{ "203.0.113.7/32", "203.0.113.7", NET_HAD_PREFIX },
		{ "203.0.113.0/24", "203.0.113.0/24", NET_HAD_PREFIX },
		{ "203.0.113.7/24", "203.0.113.0/24", NET_HAD_PREFIX | NET_HAS_HOST_BITS },
		{ "203.0.113.7/0", "0.0.0.0/0", NET_HAD_PREFIX | NET_HAS_HOST_BITS },
		{ "0.0.0.0/0", "0.0.0.0/0", NET_HAD_PREFIX },
		{ "255.255.255.255/31", "255.255.255.254/31", NET_HAD_PREFIX | NET_HAS_HOST_BITS },
		{ "::", "::", 0 },
		{ "::1", "::1", 0 },
		{ "::/0", "::/0", NET_HAD_PREFIX },
		{ "2001:DB8::7", "2001:db8::7", 0 },
		{ "2001:0db8:0000:0000:0000:0000:0000:0007", "2001:db8::7", 0 },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", 0 },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1", 0 },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", 0 },
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", 0 },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8", 0 },
		{ "1::", "1::", 0 },
		{ "2001:db8::/32", "2001:db8::/32", NET_HAD_PREFIX },
		{ "2001:db8::7/64", "2001:db8::/64", NET_HAD_PREFIX | NET_HAS_HOST_BITS },
		{ "2001:db8::7/128", "2001:db8::7", NET_HAD_PREFIX },
		{ "2001:db8::7/127", "2001:db8::6/127", NET_HAD_PREFIX | NET_HAS_HOST_BITS },
		{ "::ffff:192.0.2.1", "192.0.2.1", NET_WAS_MAPPED },
		{ "::FFFF:c000:201", "192.0.2.1", NET_WAS_MAPPED },
		{ "::ffff:192.0.2.1/128", "192.0.2.1", NET_WAS_MAPPED | NET_HAD_PREFIX },
		{ "::ffff:192.0.2.0/120", "192.0.2.0/24", NET_WAS_MAPPED | NET_HAD_PREFIX },
		{ "::ffff:192.0.2.1/120", "192.0.2.0/24", NET_WAS_MAPPED | NET_HAD_PREFIX | NET_HAS_HOST_BITS },
		{ "::ffff:0:0/96", "0.0.0.0/0", NET_WAS_MAPPED | NET_HAD_PREFIX },
		{ "::ffff:0:0/90", "::ffc0:0:0/90", NET_HAD_PREFIX | NET_HAS_HOST_BITS },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221", 0 },
		{ "::192.0.2.33", "::c000:221", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net n;
		unsigned flags = 99;

		if (!net_parse(rows[i].in, strlen(rows[i].in), &n, &flags))
			fail_msg("\"%s\" did not parse", rows[i].in);
		assert_text(&n, rows[i].out);
		if (flags != rows[i].flags)
			fail_msg("%s: flags %u, not %u", rows[i].in, flags, rows[i].flags);
	}
}

static void test_bad(void **state)
{
	static const char *const rows[] = {
		"", " ", ".", ":", ":::", "/", "/24", "1", "1.2.3", "1.2.3.", ".1.2.3", "1.2.3.4.", "1.2.3.4.5", "1..2.3",
		"256.1.1.1", "1.2.3.256", "1.2.3.1000", "01.2.3.4", "1.2.3.04", "1.2.3.00", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n",
		"+1.2.3.4", "-1.2.3.4", "1.2.3.-4", "0x1.2.3.4", "1.2.3.a", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1",
		"1.2.3.4/024", "1.2.3.4/24/24", "1.2.3.4/2a", "1.2.3.4/255.255.255.0", "1.2.3.4/4294967296",
		"1.2.3.4%eth0", "[1.2.3.4]", "1.2.3.4:25", "1.2.3.4,5.6.7.8", "mail.example.org", "localhost", "*",
		"1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3", ":1::2",
		"1::2:", "12345::", "::g", "fe80::1%eth0", "fe80::1%25eth0", "[::1]", "::1/129", "::1/", "::1/0128", "::1 ",
		"::1.2.3", "::1.2.3.4.5", "::1.2.3.256", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "::ffff:192.0.2.01",
		"::ffff:1.2.3.4:5", "2001:db8::١",
		"0000000000000000000000000000000000000000000000000000000000000000000000000000001",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net n;

		if (net_parse(rows[i], strlen(rows[i]), &n, NULL))
			fail_msg("\"%s\" parsed", rows[i]);
	}
	assert_false(net_parse("1.2.3.4\0.5", 9, &(struct net){ .family = 0 }, NULL));
	assert_false(net_parse("\0", 1, &(struct net){ .family = 0 }, NULL));
}

/* Only `len` bytes count, and nothing after them is read. */
static void test_length(void **state)
{
	struct net n;

	(void)state;
	assert_true(net_parse("1.2.3.45", 7, &n, NULL));
	assert_text(&n, "1.2.3.4");
	assert_true(net_parse("::12", 3, &n, NULL));
	assert_text(&n, "::1");
	assert_false(net_parse("1.2.3.4", 6, &n, NULL));
}

static void test_parse_print(void **state)
{
	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct net n = { .family = random_below(2) ? 4 : 6 }, again;
		char out[NET_BUF];
		int bytes = n.family == 4 ? 4 : 16;

		for (int k = 0; k < bytes; k++)
			n.addr[k] = random_below(3) ? (uint8_t)random_below(256) : 0;
		uint8_t prefix = (uint8_t)(random_below(2) ? bytes * 8 : (int)random_below((uint32_t)bytes * 8 + 1));
		n.prefix = (uint8_t)(bytes * 8);
		net_widen(&n, prefix, &n);
		net_format(&n, out, sizeof(out));
		if (!net_parse(out, strlen(out), &again, NULL) || !net_equal(&n, &again))
			fail_msg("%s does not come back", out);
	}
}

/* Our verdict on an address without a length is that of inet_pton, and so are the bytes. */
static void compare(const char *s)
{
	struct net n;
	uint8_t want[16] = { 0 };
	unsigned flags = 0;
	bool ours = !strchr(s, '/') && net_parse(s, strlen(s), &n, &flags);
	bool v4 = inet_pton(AF_INET, s, want) == 1;
	bool v6 = !v4 && inet_pton(AF_INET6, s, want) == 1;

	if (ours != (v4 || v6))
		fail_msg("\"%s\": we say %d, inet_pton %d", s, ours, v4 || v6);
	if (!ours)
		return;
	if (flags & NET_WAS_MAPPED)
		assert_memory_equal(n.addr, want + 12, 4);
	else
		assert_memory_equal(n.addr, want, v4 ? 4 : 16);
	if (v6 && !(flags & NET_WAS_MAPPED) && memcmp(want, (uint8_t[12]){ 0 }, 12)) {
		char out[NET_BUF], text[INET6_ADDRSTRLEN];

		inet_ntop(AF_INET6, want, text, sizeof(text));
		assert_string_equal(net_format(&n, out, sizeof(out)), text);
	}
}

static void random_text(char *s, size_t size)
{
	static const char set[] = "0123456789abcdefABCDEF::::....::g% /-";
	size_t len = random_below((uint32_t)size - 1);

	for (size_t i = 0; i < len; i++)
		s[i] = set[random_below(sizeof(set) - 1)];
	s[len] = '\0';
}

static void random_v6(char *s, size_t size)
{
	size_t at = 0;
	int groups = 1 + (int)random_below(9);

	for (int i = 0; i < groups && at < size - 16; i++) {
		if (i || !random_below(4))
			at += (size_t)snprintf(s + at, size - at, random_below(5) ? ":" : "::");
		if (i == groups - 1 && !random_below(4))
			at += (size_t)snprintf(s + at, size - at, "%u.%u.%u.%u", random_below(260), random_below(260), random_below(260), random_below(260));
		else
			at += (size_t)snprintf(s + at, size - at, random_below(2) ? "%x" : "%04x", random_below(3) ? random_below(65536) : 0);
	}
	if (!random_below(6))
		snprintf(s + at, size - at, "::");
}

static void mutate(char *s, size_t size)
{
	static const char set[] = "0123456789abcdef:.:./%";
	size_t len = strlen(s);

	for (uint32_t n = random_below(3); n; n--) {
		size_t at = len ? random_below((uint32_t)len) : 0;

		if (random_below(3) == 0 && len + 2 < size) {
			memmove(s + at + 1, s + at, len - at + 1);
			s[at] = set[random_below(sizeof(set) - 1)];
			len++;
		} else if (random_below(2) && len) {
			memmove(s + at, s + at + 1, len - at);
			len--;
		} else if (len) {
			s[at] = set[random_below(sizeof(set) - 1)];
		}
	}
}

static void test_differential(void **state)
{
	char s[60];

	(void)state;
	for (int i = 0; i < 400000; i++) {
		switch (random_below(3)) {
		case 0:
			random_text(s, 24);
			break;
		case 1:
			snprintf(s, sizeof(s), "%u.%u.%u.%u", random_below(300), random_below(300), random_below(300), random_below(300));
			break;
		default:
			random_v6(s, sizeof(s));
			break;
		}
		compare(s);
		mutate(s, sizeof(s));
		compare(s);
	}
}

static void test_containment(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool contains;
	} rows[] = {
		{ "0.0.0.0/0", "203.0.113.7", true },
		{ "0.0.0.0/0", "0.0.0.0/0", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "203.0.113.7", false },
		{ "::/0", "2001:db8::/32", true },
		{ "203.0.113.0/24", "203.0.113.0", true },
		{ "203.0.113.0/24", "203.0.113.255", true },
		{ "203.0.113.0/24", "203.0.114.0", false },
		{ "203.0.113.0/24", "203.0.112.255", false },
		{ "203.0.113.0/24", "203.0.113.0/25", true },
		{ "203.0.113.0/25", "203.0.113.0/24", false },
		{ "203.0.113.128/25", "203.0.113.127", false },
		{ "203.0.113.7", "203.0.113.7", true },
		{ "203.0.113.6/31", "203.0.113.7", true },
		{ "128.0.0.0/1", "127.255.255.255", false },
		{ "128.0.0.0/1", "255.0.0.0/8", true },
		{ "2001:db8::/63", "2001:db8:0:1::9", true },
		{ "2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff", true },
		{ "2001:db8::/64", "2001:db8:0:1::", false },
		{ "2001:db8::/65", "2001:db8::8000:0:0:0", false },
		{ "2001:db8::/65", "2001:db8::7fff:0:0:0", true },
		{ "2001:db8::6/127", "2001:db8::7", true },
		{ "2001:db8::6/127", "2001:db8::8", false },
		{ "::ffff:203.0.113.0/120", "203.0.113.9", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net outer = net_of(rows[i].outer), inner = net_of(rows[i].inner);

		if (net_contains(&outer, &inner) != rows[i].contains)
			fail_msg("%s contains %s: not %d", rows[i].outer, rows[i].inner, rows[i].contains);
	}
	assert_false(net_contains(&(struct net){ .family = 0 }, &(struct net){ .family = 0 }));
}

static void test_widen(void **state)
{
	struct net n = net_of("203.0.113.201"), out;

	(void)state;
	net_widen(&n, 24, &out);
	assert_text(&out, "203.0.113.0/24");
	net_widen(&n, 25, &out);
	assert_text(&out, "203.0.113.128/25");
	net_widen(&n, 0, &out);
	assert_text(&out, "0.0.0.0/0");
	net_widen(&n, 40, &out);
	assert_text(&out, "203.0.113.201");
	n = net_of("2001:db8:1:2:3::4");
	net_widen(&n, 48, &out);
	assert_text(&out, "2001:db8:1::/48");
}

static void test_order(void **state)
{
	static const char *const sorted[] = {
		"0.0.0.0/0", "0.0.0.0/8", "0.0.0.0", "9.255.0.0", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.0", "255.1.1.1",
		"::/0", "::1", "2001:db8::/32", "2001:db8::", "ff00::/8",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
		for (size_t k = 0; k < ARRAY_LEN(sorted); k++) {
			struct net a = net_of(sorted[i]), b = net_of(sorted[k]);
			int c = net_cmp(&a, &b);

			assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
			assert_int_equal(net_equal(&a, &b), i == k);
			assert_int_equal(net_hash(&a) == net_hash(&b), i == k);
		}
	}
}

static void test_kind(void **state)
{
	static const struct {
		const char *net;
		enum net_kind kind;
	} rows[] = {
		{ "203.0.113.7", NET_PUBLIC },    { "127.0.0.1", NET_LOOPBACK },      { "127.9.9.0/24", NET_LOOPBACK },
		{ "::1", NET_LOOPBACK },          { "169.254.1.1", NET_LINK_LOCAL },  { "fe80::1", NET_LINK_LOCAL },
		{ "10.1.2.3", NET_PRIVATE },      { "172.16.0.1", NET_PRIVATE },      { "192.168.1.0/24", NET_PRIVATE },
		{ "172.15.255.255", NET_PUBLIC }, { "172.32.0.0", NET_PUBLIC },       { "fd00::1", NET_PRIVATE },
		{ "fec0::1", NET_PRIVATE },         { "64:ff9b:1::7", NET_PRIVATE },      { "64:ff9b:2::7", NET_PUBLIC },
		{ "172.17.0.1", NET_DOCKER },     { "172.31.255.255", NET_DOCKER },   { "172.18.0.0/16", NET_DOCKER },
		{ "172.16.0.0/12", NET_PRIVATE }, { "100.64.0.1", NET_CGNAT },        { "100.128.0.1", NET_PUBLIC },
		{ "224.0.0.1", NET_MULTICAST },   { "ff02::1", NET_MULTICAST },       { "0.0.0.0", NET_UNSPECIFIED },
		{ "::", NET_UNSPECIFIED },        { "2001:db8::/32", NET_PUBLIC },    { "172.0.0.0/8", NET_PRIVATE },
		{ "fe00::/7", NET_MULTICAST },    { "100.0.0.0/8", NET_CGNAT },       { "::ffff:10.0.0.1", NET_PRIVATE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net n = net_of(rows[i].net);

		if (net_kind(&n) != rows[i].kind)
			fail_msg("%s is \"%s\"", rows[i].net, net_kind_text(net_kind(&n)));
	}
	assert_string_equal(net_kind_text(NET_DOCKER), "Docker default range");
}

static void test_input(void **state)
{
	static const struct {
		const char *in, *says; /* says NULL: taken */
	} rows[] = {
		{ "203.0.113.7", NULL },
		{ "  203.0.113.0/24\n", NULL },
		{ "2001:db8::/32", NULL },
		{ "::ffff:192.0.2.1", NULL },
		{ "", "no address given: write one such as 203.0.113.7, or a network such as 203.0.113.0/24" },
		{ " \t", "no address given: write one such as 203.0.113.7, or a network such as 203.0.113.0/24" },
		{ "203.0.113.7/24", "203.0.113.7/24 has host bits set; the network is 203.0.113.0/24" },
		{ "2001:db8::1/64", "2001:db8::1/64 has host bits set; the network is 2001:db8::/64" },
		{ "::ffff:192.0.2.1/120", "::ffff:192.0.2.1/120 has host bits set; the network is 192.0.2.0/24" },
		{ "fe80::1%eth0", "fe80::1%eth0: the zone %eth0 names an interface of one host and means nothing here; write fe80::1" },
		{ "fe80::%eth0/64", "fe80::%eth0/64: the zone %eth0 names an interface of one host and means nothing here; write fe80::/64" },
		{ "[2001:db8::1]:443", "[2001:db8::1]:443: brackets and ports don't belong in an address; write 2001:db8::1" },
		{ "203.0.113.7:25", "203.0.113.7:25: brackets and ports don't belong in an address; write 203.0.113.7" },
		{ "10.0.0.0/255.0.0.0", "10.0.0.0/255.0.0.0: a netmask is written as its length here; write 10.0.0.0/8" },
		{ "10.0.0.0/255.0.255.0", "10.0.0.0/255.0.255.0: 255.0.255.0 is no netmask; write a length such as /24" },
		{ "10.0.0.0/0.0.0.255", "10.0.0.0/0.0.0.255: 0.0.0.255 is no netmask; write a length such as /24" },
		{ "10.0.0.0/0.0.0.0", "10.0.0.0/0.0.0.0: a netmask is written as its length here; write 0.0.0.0/0" },
		{ "10.0.0.0/", "10.0.0.0/: the length after the slash is missing; IPv4 takes /0 to /32" },
		{ "10.0.0.0/33", "10.0.0.0/33: /33 is no network length; IPv4 takes /0 to /32" },
		{ "::/129", "::/129: /129 is no network length; IPv6 takes /0 to /128" },
		{ "10.0.0.0/08", "10.0.0.0/08: the length /08 has a leading zero" },
		{ "203.0.113.1-203.0.113.9", "203.0.113.1-203.0.113.9: a range is written as a network such as 203.0.113.1/24" },
		{ "203.0.113.*", "203.0.113.*: wildcards are written as a network; write 203.0.113.0/24" },
		{ "10.*.*.*", "10.*.*.*: wildcards are written as a network; write 10.0.0.0/8" },
		{ "192.168.1", "192.168.1 has 3 parts, an IPv4 address has 4; for the whole network write 192.168.1.0/24" },
		{ "1.2.3.4.5", "1.2.3.4.5 has 5 parts, an IPv4 address has 4" },
		{ "*.*.*.*.*.*.*", "*.*.*.*.*.*.* has 7 parts, an IPv4 address has 4" },
		{ "*.*.*.*",
			"*.*.*.* is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (names are not looked up)" },
		{ "010.0.0.1", "010.0.0.1: part 1 (010) has a leading zero, which some programs read as octal; write 10.0.0.1" },
		{ "203.0.300.7", "203.0.300.7: part 3 is 300; the highest is 255" },
		{ "203..113.7", "203..113.7: part 2 of the address is empty" },
		{ "1::2::3", "1::2::3: \"::\" may be there only once" },
		{ "1:::2", "1:::2: three colons in a row; \"::\" stands for the groups left out" },
		{ "fe80::zz", "fe80::zz: \"z\" can't be in an IPv6 address" },
		{ "1:2:3", "1:2:3 is no IPv6 address: it needs 8 groups of at most 4 hexadecimal digits, or \"::\" for those left out" },
		{ "mail.example.org",
			"mail.example.org is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (names are not looked up)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;
		struct net n;
		bool ok = net_parse_input(rows[i].in, &n, &err);

		assert_int_equal(ok, rows[i].says == NULL);
		if (rows[i].says)
			assert_string_equal(err.msg, rows[i].says);
		assert_int_equal(err.code, ok ? ERR_NONE : ERR_USAGE);
	}
}

/* Anything at all may be typed: a message, no crash, nothing raw in it. */
static void test_input_hostile(void **state)
{
	static char longest[5000];
	struct net n;
	struct err err = ERR_INIT;

	(void)state;
	memset(longest, '1', sizeof(longest) - 1);
	assert_false(net_parse_input(longest, &n, &err));
	assert_true(strlen(err.msg) < sizeof(err.msg));
	err_clear(&err);
	assert_false(net_parse_input("1.2.3.4\x1b]52;c;x\a", &n, &err));
	assert_null(strchr(err.msg, '\x1b'));
	for (int i = 0; i < 100000; i++) {
		char s[64];

		random_text(s, sizeof(s));
		err_clear(&err);
		if (!net_parse_input(s, &n, &err) && (err.code != ERR_USAGE || !*err.msg))
			fail_msg("\"%s\" refused without a word", s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),        cmocka_unit_test(test_bad),
		cmocka_unit_test(test_length),      cmocka_unit_test(test_parse_print),
		cmocka_unit_test(test_differential), cmocka_unit_test(test_containment),
		cmocka_unit_test(test_widen),       cmocka_unit_test(test_order),
		cmocka_unit_test(test_kind),        cmocka_unit_test(test_input),
		cmocka_unit_test(test_input_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
