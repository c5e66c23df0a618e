/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Grouping, proposals and exact merging; the merging against brute force over one /24. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "model/ranges.h"
#include "tests/unit/net_world.h"
#include "tests/unit/random.h"

static void assert_range(const struct range *r, const char *net, uint64_t bans, size_t count, size_t allowed)
{
	char out[NET_BUF];

	assert_string_equal(net_format(&r->net, out, sizeof(out)), net);
	assert_int_equal(r->bans, bans);
	assert_int_equal(r->count, count);
	assert_int_equal(r->allowed_count, allowed);
}

/* Each active entry of a list as one ban. */
static struct range_item *items_of(const struct entrylist *l, size_t *n)
{
	struct range_item *items = xmalloc((l->count ? l->count : 1) * sizeof(*items));

	*n = 0;
	for (size_t i = 0; i < l->count; i++) {
		if (entry_state(l, i, NOW) != ENTRY_ACTIVE)
			continue;
		struct range_item *it = &items[(*n)++];
		entry_net(&l->rows[i], &it->net);
		it->bans = 1;
		it->value = (uint32_t)i;
	}
	return items;
}

static void test_find(void **state)
{
	struct entrylist *blocked = list_of((const char *const[]){ "203.0.113.130", "203.0.113.129", "203.0.113.140/30",
		"203.0.113.7", "-203.0.113.8", "198.51.100.1", "198.51.100.2", "198.51.0.0/16", "192.0.2.1", "2001:db8:1::1",
		"2001:db8:1:2::1", "2001:db8:2::1", "junk", NULL });
	struct entrylist *allowed = list_of((const char *const[]){ "203.0.113.200", "-203.0.113.201", "198.51.0.0/17", NULL });
	struct range_options opt = { .min_bans = 2 };
	struct ranges r;
	size_t n;
	struct range_item *items = items_of(blocked, &n);

	(void)state;
	assert_int_equal(n, 11); /* neither the expired nor the malformed */
	ranges_find(items, n, &opt, blocked, allowed, NOW, &r);
	assert_int_equal(r.count, 3);
	assert_range(&r.rows[0], "203.0.113.0/24", 4, 4, 1);
	assert_range(&r.rows[1], "198.51.100.0/24", 2, 2, 1); /* inside an allowed network */
	assert_range(&r.rows[2], "2001:db8:1::/48", 2, 2, 0);
	assert_true(r.rows[1].is_blocked);
	assert_false(r.rows[0].is_blocked);
	assert_string_equal(entry_key(allowed, r.allowed[r.rows[0].allowed_first]), "203.0.113.200");
	assert_string_equal(entry_key(blocked, r.values[r.rows[0].first]), "203.0.113.7");
	ranges_release(&r);

	opt.tight = true;
	opt.min_bans = 3;
	ranges_find(items, n, &opt, blocked, allowed, NOW, &r);
	assert_int_equal(r.count, 1);
	assert_range(&r.rows[0], "203.0.113.0/24", 4, 4, 1);
	ranges_release(&r);

	opt = (struct range_options){ .prefix4 = 25, .min_bans = 2, .tight = true };
	ranges_find(items, n, &opt, blocked, allowed, NOW, &r);
	assert_range(&r.rows[0], "203.0.113.128/28", 3, 3, 0);
	assert_range(&r.rows[1], "198.51.100.0/30", 2, 2, 1);
	ranges_release(&r);
	free(items);
	entrylist_free(blocked);
	entrylist_free(allowed);
}

static void test_repeats(void **state)
{
	struct range_item items[] = {
		{ net_of("203.0.113.7"), 9, 0 }, { net_of("192.0.2.1"), 4, 1 }, { net_of("192.0.2.9"), 4, 2 },
		{ net_of("10.0.0.0/8"), 99, 3 },
	};
	struct range_options opt = { .min_bans = 8, .tight = true };
	struct ranges r;

	(void)state;
	ranges_find(items, ARRAY_LEN(items), &opt, NULL, NULL, NOW, &r);
	assert_int_equal(r.count, 2);
	assert_range(&r.rows[0], "203.0.113.7", 9, 1, 0); /* one stubborn address stays one address */
	assert_range(&r.rows[1], "192.0.2.0/28", 8, 2, 0);
	ranges_release(&r);
	ranges_find(items, 0, &opt, NULL, NULL, NOW, &r);
	assert_int_equal(r.count, 0);
	ranges_release(&r);
}

/* The bulk decides: a stray that would make no network of its own does not widen the proposal. */
static void test_strays(void **state)
{
	struct range_item items[24];
	struct range_options opt = { .min_bans = 5, .tight = true };
	struct ranges r;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 18; i++)
		items[n++] = (struct range_item){ .net = net_of("203.0.113.64"), .bans = 1, .value = (uint32_t)i };
	for (size_t i = 0; i < n; i++)
		items[i].net.addr[3] = (uint8_t)(64 + i);
	items[n++] = (struct range_item){ .net = net_of("203.0.113.250"), .bans = 2, .value = 90 };
	items[n++] = (struct range_item){ .net = net_of("203.0.113.3"), .bans = 2, .value = 91 };
	ranges_find(items, n, &opt, NULL, NULL, NOW, &r);
	assert_int_equal(r.count, 1);
	assert_range(&r.rows[0], "203.0.113.64/27", 18, 18, 0);
	for (size_t i = 0; i < r.rows[0].count; i++)
		assert_true(r.values[r.rows[0].first + i] < 18);
	ranges_release(&r);
	/* five strays together are no strays: the network stays wide */
	items[n++] = (struct range_item){ .net = net_of("203.0.113.4"), .bans = 1, .value = 92 };
	ranges_find(items, n, &opt, NULL, NULL, NOW, &r);
	assert_range(&r.rows[0], "203.0.113.0/25", 21, 20, 0);
	ranges_release(&r);
	/* halves of equal weight stay together */
	n = 0;
	for (int i = 0; i < 4; i++) {
		items[n] = (struct range_item){ .net = net_of("198.51.100.0"), .bans = 2, .value = (uint32_t)i };
		items[n++].net.addr[3] = (uint8_t)(i % 2 ? 200 + i : i);
	}
	ranges_find(items, n, &opt, NULL, NULL, NOW, &r);
	assert_range(&r.rows[0], "198.51.100.0/24", 8, 4, 0);
	ranges_release(&r);
	/* a network among them is not cut in two */
	items[0] = (struct range_item){ .net = net_of("192.0.2.0/26"), .bans = 6, .value = 1 };
	items[1] = (struct range_item){ .net = net_of("192.0.2.200"), .bans = 1, .value = 2 };
	ranges_find(items, 2, &opt, NULL, NULL, NOW, &r);
	assert_range(&r.rows[0], "192.0.2.0/26", 6, 1, 0);
	ranges_release(&r);
}

static void fill(bool *in, const struct net *n)
{
	for (int i = 0; i < 256; i++) {
		struct net a = { { 10, 0, 0, (uint8_t)i }, 4, 32 };

		in[i] |= net_contains(n, &a);
	}
}

/* The fewest nets for a set of addresses: split where needed. */
static size_t fewest(const bool *in, int first, int len)
{
	int n = 0;

	for (int i = first; i < first + len; i++)
		n += in[i];
	if (n == 0 || n == len)
		return n != 0;
	return fewest(in, first, len / 2) + fewest(in, first + len / 2, len / 2);
}

static void test_merge(void **state)
{
	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct net nets[64];
		bool want[256] = { false }, got[256] = { false };
		size_t n = 1 + random_below(64);

		for (size_t i = 0; i < n; i++) {
			struct net a = { { 10, 0, 0, (uint8_t)random_below(round % 2 ? 256 : 40) }, 4, 32 };

			net_widen(&a, (uint8_t)(32 - random_below(random_below(5) + 1)), &nets[i]);
			fill(want, &nets[i]);
		}
		size_t left = nets_merge(nets, n);
		for (size_t i = 0; i < left; i++)
			fill(got, &nets[i]);
		assert_memory_equal(want, got, sizeof(want));
		assert_int_equal(left, fewest(want, 0, 256));
	}
	struct net whole[] = { net_of("128.0.0.0/1"), net_of("::/1"), net_of("0.0.0.0/1"), net_of("8000::/1") };
	assert_int_equal(nets_merge(whole, 4), 2);
	assert_int_equal(whole[0].prefix, 0);
	assert_int_equal(whole[1].prefix, 0);
	assert_int_equal(nets_merge(whole, 0), 0);
}

static void test_range(void **state)
{
	static const struct {
		const char *first, *last, *nets;
	} rows[] = {
		{ "10.0.0.1", "10.0.0.1", "10.0.0.1" },
		{ "10.0.0.0", "10.0.0.255", "10.0.0.0/24" },
		{ "10.0.0.1", "10.0.0.6", "10.0.0.1 10.0.0.2/31 10.0.0.4/31 10.0.0.6" },
		{ "0.0.0.0", "255.255.255.255", "0.0.0.0/0" },
		{ "255.255.255.254", "255.255.255.255", "255.255.255.254/31" },
		{ "10.0.0.2", "10.0.0.1", "" },
		{ "10.0.0.2", "::1", "" },
		{ "::", "::ffff", "::/112" },
		{ "::1", "::2", "::1 ::2" },
		{ "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net first = net_of(rows[i].first), last = net_of(rows[i].last), nets[8];
		char all[256] = "", one[NET_BUF];
		size_t n = nets_of_range(&first, &last, nets, ARRAY_LEN(nets));

		for (size_t k = 0; k < n; k++)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", k ? " " : "",
				net_format(&nets[k], one, sizeof(one)));
		assert_string_equal(all, rows[i].nets);
	}
	struct net first = net_of("::1"), last = net_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
	assert_int_equal(nets_of_range(&first, &last, NULL, 0), 254);
	for (int round = 0; round < 2000; round++) {
		struct net nets[64];
		bool got[256] = { false };
		uint8_t a = (uint8_t)random_below(256), b = (uint8_t)(a + random_below(256u - a));
		struct net from = { { 10, 0, 0, a }, 4, 32 }, to = { { 10, 0, 0, b }, 4, 32 };
		size_t n = nets_of_range(&from, &to, nets, ARRAY_LEN(nets));

		assert_true(n <= 16);
		for (size_t i = 0; i < n; i++)
			fill(got, &nets[i]);
		for (int i = 0; i < 256; i++)
			assert_int_equal(got[i], i >= a && i <= b);
	}
}

/* netset against looking at every member. */
static void test_netset(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		struct net nets[80];
		struct netset *s = netset_new();
		size_t n = random_below(80);

		for (size_t i = 0; i < n; i++) {
			struct net a = { { 10, 0, (uint8_t)random_below(2), (uint8_t)random_below(256) }, 4, 32 };

			if (random_below(4) == 0) {
				a.family = 6;
				a.prefix = 128;
				a.addr[15] = (uint8_t)random_below(8);
			}
			net_widen(&a, (uint8_t)(a.prefix - (random_below(2) ? random_below(a.prefix + 1u) : 0)), &nets[i]);
			netset_add(s, &nets[i], (uint32_t)i);
		}
		netset_add(s, &(struct net){ .family = 0 }, 99);
		netset_finish(s);
		for (int q = 0; q < 60; q++) {
			struct net query = { { 10, 0, (uint8_t)random_below(2), (uint8_t)random_below(256) }, 4, 32 };
			uint32_t around[80], inside[80];
			size_t want_around = 0, want_inside = 0;

			if (random_below(4) == 0 && n)
				query = nets[random_below((uint32_t)n)];
			else
				net_widen(&query, (uint8_t)(32 - random_below(33)), &query);
			size_t got_around = netset_covering(s, &query, around, ARRAY_LEN(around));
			size_t got_inside = netset_inside(s, &query, inside, ARRAY_LEN(inside));
			for (size_t i = 0; i < n; i++) {
				want_around += net_contains(&nets[i], &query);
				want_inside += net_contains(&query, &nets[i]);
			}
			assert_int_equal(got_around, want_around);
			assert_int_equal(got_inside, want_inside);
			for (size_t i = 0; i < got_around; i++) {
				assert_true(net_contains(&nets[around[i]], &query));
				assert_true(i == 0 || nets[around[i - 1]].prefix <= nets[around[i]].prefix);
			}
			for (size_t i = 0; i < got_inside; i++)
				assert_true(net_contains(&query, &nets[inside[i]]));
			/* Less room than answers: counted all the same, the widest kept. */
			uint32_t one = 99;
			assert_int_equal(netset_covering(s, &query, &one, 1), want_around);
			if (want_around)
				assert_int_equal(nets[one].prefix, nets[around[0]].prefix);
		}
		netset_free(s);
	}
	netset_free(NULL);
}

/* A million items are grouped while someone waits. */
static void test_million(void **state)
{
	const size_t n = 1000000;
	struct range_item *items = xmalloc(n * sizeof(*items));
	struct range_options opt = { .min_bans = 50, .tight = true };
	struct ranges r;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		uint32_t a = random_below(4096) << 8 | random_below(256);

		items[i] = (struct range_item){ { { 100, (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a }, 4, 32 }, 1, (uint32_t)i };
	}
	ranges_find(items, n, &opt, NULL, NULL, NOW, &r);
	assert_int_equal(r.count, 4096);
	assert_int_equal(r.value_count, n);
	ranges_release(&r);
	free(items);
}

/* However many items a step looks at, what is found is the same. */
static void test_steps(void **state)
{
	const size_t n = 3000, sizes[] = { 1, 7, 500, 0 };
	struct range_item *items = xmalloc(n * sizeof(*items));
	struct range_options opt = { .min_bans = 4, .tight = true };
	struct ranges want, got;
	struct ranges_work work;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		uint32_t a = random_below(64) << 8 | random_below(256);
		bool is_4 = random_below(4);

		items[i] = (struct range_item){ { { 0 }, is_4 ? 4 : 6, is_4 ? 32 : 128 }, 1 + random_below(3), (uint32_t)i };
		items[i].net.addr[0] = is_4 ? 100 : 0x20;
		items[i].net.addr[is_4 ? 2 : 5] = (uint8_t)(a >> 8);
		items[i].net.addr[is_4 ? 3 : 15] = (uint8_t)a;
	}
	ranges_find(items, n, &opt, NULL, NULL, NOW, &want);
	assert_true(want.count > 60);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		size_t steps = 1;

		ranges_begin(&work, items, n, &opt, NULL, NULL, NOW, &got);
		while (!ranges_step(&work, sizes[k]))
			steps++;
		assert_true(sizes[k] ? steps > 1 : steps == 1);
		assert_int_equal(got.count, want.count);
		assert_int_equal(got.value_count, want.value_count);
		for (size_t i = 0; i < got.count; i++) {
			assert_true(net_equal(&got.rows[i].net, &want.rows[i].net));
			assert_int_equal(got.rows[i].bans, want.rows[i].bans);
			assert_int_equal(got.rows[i].count, want.rows[i].count);
		}
		assert_memory_equal(got.values, want.values, got.value_count * sizeof(*got.values));
		ranges_release(&got);
	}
	ranges_begin(&work, items, n, &opt, NULL, NULL, NOW, &got);
	assert_false(ranges_step(&work, 10)); /* given up */
	ranges_release(&got);
	ranges_release(&want);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),  cmocka_unit_test(test_repeats), cmocka_unit_test(test_strays),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_range), cmocka_unit_test(test_netset),  cmocka_unit_test(test_million),
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
