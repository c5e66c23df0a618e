/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model/entry_finish: the same list whatever the steps, and nothing lost when it is given up half-way. */
#include "model/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned long long seed;

static unsigned draw(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* Addresses, networks, IPv6, malformed keys, doubles with and without the same id. */
static struct entrylist *make(size_t n)
{
	struct entrylist *l = entrylist_new();
	char key[64], note[32], id[16];

	seed = 42;
	for (size_t i = 0; i < n; i++) {
		unsigned kind = draw(20);

		if (kind == 0)
			snprintf(key, sizeof(key), "10.%u.%u.0/24", draw(4), draw(200));
		else if (kind == 1)
			snprintf(key, sizeof(key), "2001:db8::%x", draw(500));
		else if (kind == 2)
			snprintf(key, sizeof(key), "bad-%u", draw(300));
		else
			snprintf(key, sizeof(key), "10.%u.%u.%u", draw(4), draw(200), draw(256));
		snprintf(note, sizeof(note), "note %u", draw(3));
		snprintf(id, sizeof(id), "%u", draw(2));
		entrylist_add(l, key, strlen(key), note, strlen(note), id, REASON_AUTH, ORIGIN_SERVER, TIME_NONE, TIME_NONE);
	}
	return l;
}

static void assert_same(const struct entrylist *a, const struct entrylist *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->malformed, b->malformed);
	assert_int_equal(a->arena_len, b->arena_len);
	assert_memory_equal(a->arena, b->arena, a->arena_len);
	for (size_t i = 0; i < a->count; i++)
		assert_memory_equal(&a->rows[i], &b->rows[i], sizeof(a->rows[i]));
}

static void steps_of_any_size_give_the_same(void **state)
{
	static const size_t counts[] = { 0, 1, 2, 3, 100, 5000 }, steps[] = { 0, 1, 2, 7, 64, 1000, 4999, 5000, 100000 };

	(void)state;
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		struct entrylist *whole = make(counts[c]);

		entrylist_finish(whole);
		for (size_t i = 1; i < whole->count; i++) {
			struct net x, y;

			entry_net(&whole->rows[i - 1], &x);
			entry_net(&whole->rows[i], &y);
			if (x.family && y.family)
				assert_true(net_cmp(&x, &y) <= 0);
			assert_true(x.family || !y.family);
		}
		for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
			struct entrylist *l = make(counts[c]);
			struct net n;
			size_t turns = 1;

			while (!entrylist_finish_step(l, steps[s]))
				turns++;
			assert_true(turns <= 12 * (counts[c] / (steps[s] ? steps[s] : 1) + 1));
			assert_null(l->finish);
			assert_same(l, whole);
			for (size_t i = 0; i < l->count; i += 97) {
				entry_net(&l->rows[i], &n);
				if (n.family)
					assert_true(entrylist_find(l, &n) >= 0);
				assert_true(entrylist_find_key(l, entry_key(l, i)) >= 0);
			}
			entrylist_free(l);
		}
		entrylist_free(whole);
	}
}

static void it_can_be_given_up_at_every_step(void **state)
{
	(void)state;
	for (size_t stop = 0; stop < 40; stop++) {
		struct entrylist *l = make(50);
		size_t i = 0;

		while (i++ < stop && !entrylist_finish_step(l, 7))
			;
		entrylist_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_of_any_size_give_the_same),
		cmocka_unit_test(it_can_be_given_up_at_every_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
