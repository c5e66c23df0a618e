/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Places of addresses, from MaxMind databases written here byte by byte: one network each, nothing
 * else known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "model/geo.h"
#include "tests/unit/net_world.h"

/* The format's types: a control byte holds the type in its upper three bits and the size in the
 * others; extended types have 0 there and their number minus 7 in the next byte. */
static void put_string(struct buf *b, const char *s)
{
	size_t n = strlen(s);

	buf_addc(b, (char)(2 << 5 | (n < 29 ? n : 29)));
	if (n >= 29)
		buf_addc(b, (char)(n - 29));
	buf_add(b, s, n);
}

static void put_map(struct buf *b, unsigned pairs)
{
	buf_addc(b, (char)(7 << 5 | pairs));
}

static void put_uint32(struct buf *b, uint32_t v)
{
	buf_addc(b, (char)(6 << 5 | 4));
	buf_addc(b, (char)(v >> 24));
	buf_addc(b, (char)(v >> 16));
	buf_addc(b, (char)(v >> 8));
	buf_addc(b, (char)v);
}

static void put_uint16(struct buf *b, unsigned v)
{
	buf_addc(b, (char)(5 << 5 | 2));
	buf_addc(b, (char)(v >> 8));
	buf_addc(b, (char)v);
}

static void put_uint64(struct buf *b, unsigned v)
{
	buf_addc(b, 4); /* extended, 4 bytes */
	buf_addc(b, 9 - 7);
	buf_addc(b, (char)(v >> 24));
	buf_addc(b, (char)(v >> 16));
	buf_addc(b, (char)(v >> 8));
	buf_addc(b, (char)v);
}

static void put_record(struct buf *b, unsigned v)
{
	buf_addc(b, (char)(v >> 16));
	buf_addc(b, (char)(v >> 8));
	buf_addc(b, (char)v);
}

/* A tree with one path: the 24 bits of an IPv4 network; everything else is "not found". */
static void write_database(
	const char *path, const char *type, const uint8_t net[3], const struct buf *data)
{
	const unsigned nodes = 24;
	struct buf b = BUF_INIT;
	unsigned i;
	FILE *f;

	for (i = 0; i < nodes; i++) {
		unsigned bit = net[i / 8] >> (7 - i % 8) & 1,
			 next = i + 1 < nodes ? i + 1 : nodes + 16;

		put_record(&b, bit ? nodes : next);
		put_record(&b, bit ? next : nodes);
	}
	for (i = 0; i < 16; i++)
		buf_addc(&b, '\0');
	buf_add(&b, data->data, data->len);
	buf_add(&b, "\xab\xcd\xefMaxMind.com", 14);
	put_map(&b, 9);
	put_string(&b, "node_count");
	put_uint32(&b, nodes);
	put_string(&b, "record_size");
	put_uint16(&b, 24);
	put_string(&b, "ip_version");
	put_uint16(&b, 4);
	put_string(&b, "database_type");
	put_string(&b, type);
	put_string(&b, "languages");
	buf_addc(&b, 0); /* an empty array: extended type 11 */
	buf_addc(&b, 11 - 7);
	put_string(&b, "binary_format_major_version");
	put_uint16(&b, 2);
	put_string(&b, "binary_format_minor_version");
	put_uint16(&b, 0);
	put_string(&b, "build_epoch");
	put_uint64(&b, 1795132800);
	put_string(&b, "description");
	put_map(&b, 0);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(b.data, 1, b.len, f), b.len);
	fclose(f);
	buf_release(&b);
}

static void test_lookup(void **state)
{
	static const uint8_t net[3] = { 203, 0, 113 };
	char country[] = "/tmp/stalwarden-country-XXXXXX", as[] = "/tmp/stalwarden-as-XXXXXX";
	const char *const both[] = { country, as, NULL }, *const one[] = { country, NULL };
	struct net inside = net_of("203.0.113.77"), outside = net_of("198.51.100.1"),
		   six = net_of("2001:db8::1");
	struct buf data = BUF_INIT;
	struct geo_place place;
	struct err err = ERR_INIT;
	struct geo *g;

	(void)state;
	close(mkstemp(country));
	close(mkstemp(as));
	put_map(&data, 1);
	put_string(&data, "country");
	put_map(&data, 1);
	put_string(&data, "iso_code");
	put_string(&data, "NL");
	write_database(country, "GeoLite2-Country", net, &data);
	buf_reset(&data);
	put_map(&data, 2);
	put_string(&data, "autonomous_system_number");
	put_uint32(&data, 64500);
	put_string(&data, "autonomous_system_organization");
	put_string(&data, "Evil\033[31m Hosting");
	write_database(as, "GeoLite2-ASN", net, &data);
	buf_release(&data);

	g = geo_open(both, &err);
	if (g == NULL)
		fail_msg("%s", err.msg);
	assert_true(geo_has_country(g) && geo_has_as(g));
	assert_true(geo_lookup(g, &inside, &place));
	assert_string_equal(place.country, "NL");
	assert_int_equal(place.as_number, 64500);
	assert_string_equal(place.as_name, "Evil\\x1b[31m Hosting");
	assert_false(geo_lookup(g, &outside, &place));
	assert_string_equal(place.country, "");
	assert_false(geo_lookup(g, &six, &place));
	geo_close(g);
	g = geo_open(one, &err);
	assert_non_null(g);
	assert_true(geo_has_country(g));
	assert_false(geo_has_as(g));
	geo_close(g);
	unlink(country);
	unlink(as);
}

static void test_without(void **state)
{
	const char *const missing[] = { "/no/such/file.mmdb", NULL }, *const junk[] = {
		"/etc/passwd", NULL
	};
	struct net n = net_of("203.0.113.77");
	struct err err = ERR_INIT;
	struct geo_place place;

	(void)state;
	assert_null(geo_open(missing, &err));
	assert_non_null(strstr(err.msg, "/no/such/file.mmdb"));
	assert_null(geo_open(junk, NULL));
	assert_false(geo_has_country(NULL) || geo_has_as(NULL));
	assert_false(geo_lookup(NULL, &n, &place));
	geo_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_without) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
