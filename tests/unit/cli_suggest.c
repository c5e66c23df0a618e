/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/suggest.h"
#include "core/mem.h"

static void test_distance(void **state)
{
	static const struct { const char *a, *b; size_t want; } rows[] = { { "blocked", "blocked", 0 }, { "blokced", "blocked", 1 }, { "limt", "limit", 1 },
		{ "un-block", "unblock", 0 }, { "", "why", 3 }, { "allow", "block", 4 }, { "dry_run", "dry-run", 1 },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "why", SIZE_MAX } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(suggest_distance(rows[i].a, rows[i].b), rows[i].want);
		assert_int_equal(suggest_distance(rows[i].b, rows[i].a), rows[i].want);
	}
}

static const char *nearest(const char *typed, const char *const *names, size_t n)
{
	struct suggestion s;

	suggest_begin(&s, typed);
	for (size_t i = 0; i < n; i++)
		suggest_offer(&s, names[i]);
	return s.name;
}

static void test_nearest(void **state)
{
	static const char *const names[] = { "block", "blocked", "unblock", "why", "log", "allow", "allowed" };

	(void)state;
	assert_string_equal(nearest("blokced", names, ARRAY_LEN(names)), "blocked");
	assert_string_equal(nearest("un-block", names, ARRAY_LEN(names)), "unblock");
	assert_string_equal(nearest("alow", names, ARRAY_LEN(names)), "allow");
	assert_string_equal(nearest("wy", names, ARRAY_LEN(names)), "why");
	assert_null(nearest("certificates", names, ARRAY_LEN(names)));
	assert_null(nearest("x", names, ARRAY_LEN(names)));
	assert_null(nearest("", names, ARRAY_LEN(names)));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_distance), cmocka_unit_test(test_nearest) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
