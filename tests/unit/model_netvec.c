/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a vector of nets answers is what looking at each of its members gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/netvec.h"
#include "tests/unit/random.h"

#define FEW 6

/* Few first octets and many short prefixes, so that much touches. */
static struct net random_net(void)
{
	struct net n = { .family = random_below(3) ? 4 : 6 };
	size_t i;

	n.prefix = n.family == 4 ? (uint8_t)random_below(33) : (uint8_t)random_below(129);
	if (random_below(2))
		n.prefix = n.family == 4 ? 32 : 128;
	for (i = 0; i < (n.family == 4 ? 4u : 16u); i++)
		n.addr[i] = random_below(2) ? 0 : (uint8_t)(random_below(FEW) << 5 | random_below(3));
	if (n.family == 6 && random_below(2)) {
		memset(n.addr, 0, 12);
		if (random_below(2))
			n.addr[10] = n.addr[11] = 0xff;
		else
			memcpy(n.addr, "\x00\x64\xff\x9b", 4);
	}
	for (i = n.prefix; i < (n.family == 4 ? 32u : 128u); i++)
		n.addr[i / 8] &= (uint8_t)~(0x80u >> i % 8);
	return n;
}

static void test_same_as_one_by_one(void **state)
{
	size_t touched = 0;
	int round;

	(void)state;
	for (round = 0; round < 3000; round++) {
		struct netvec v = { 0 };
		size_t i, count = random_below(FEW);
		int k;

		for (i = 0; i < count; i++) {
			struct net n = random_net();

			netvec_add(&v, &n);
		}
		for (k = 0; k < 20; k++) {
			struct net n = random_net();
			const struct net *inside = NULL, *around = NULL;

			for (i = v.count; i-- > 0;) {
				if (net_contains_mapped(&n, &v.items[i]))
					inside = &v.items[i];
				if (net_contains_mapped(&v.items[i], &n))
					around = &v.items[i];
			}
			assert_ptr_equal(netvec_inside(&v, &n), inside);
			assert_ptr_equal(netvec_around(&v, &n), around);
			assert_ptr_equal(netvec_touching(&v, &n), inside ? inside : around);
			touched += inside || around;
		}
		netvec_release(&v);
	}
	assert_true(touched > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_same_as_one_by_one) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
