/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/buf: the cap, the terminator, formatting across a growth. */
#include "core/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void empty_is_an_empty_string(void **state)
{
	struct buf b = BUF_INIT;
	size_t len = 7;
	char *s;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	buf_consume(&b, 5);
	buf_truncate(&b, 0);
	buf_reset(&b);
	s = buf_take(&b, &len);
	assert_string_equal(s, "");
	assert_int_equal(len, 0);
	free(s);
	buf_release(&b);
}

static void adds_of_every_kind(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_true(buf_adds(&b, "ab"));
	assert_true(buf_addc(&b, 'c'));
	assert_true(buf_add(&b, "d\0e", 3));
	assert_true(buf_addf(&b, "%d|%s", 12, "x"));
	assert_true(buf_add(&b, NULL, 0));
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.data, "abcd\0e12|x", 11);
	buf_consume(&b, 5);
	assert_string_equal(buf_str(&b), "e12|x");
	buf_truncate(&b, 3);
	assert_string_equal(buf_str(&b), "e12");
	buf_truncate(&b, 100);
	assert_int_equal(b.len, 3);
	buf_consume(&b, 100);
	assert_string_equal(buf_str(&b), "");
	buf_release(&b);
}

static void cap_is_exact(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 100);
	for (i = 0; i < 100; i++)
		assert_true(buf_addc(&b, 'x'));
	assert_false(b.overflow);
	assert_false(buf_addc(&b, 'y'));
	assert_true(b.overflow);
	assert_int_equal(b.len, 100);
	assert_int_equal(strlen(buf_str(&b)), 100);
	assert_true(buf_add(&b, "", 0));
	assert_true(b.overflow); /* sticky */
	buf_reset(&b);
	assert_false(b.overflow);
	assert_false(buf_add(&b, "0123456789", SIZE_MAX));
	assert_int_equal(b.len, 0);
	buf_release(&b);
	assert_int_equal(b.max, 100);
}

static void add_over_the_cap_is_dropped_whole(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_true(buf_adds(&b, "12345678"));
	assert_false(buf_addf(&b, "%s", "abc"));
	assert_string_equal(buf_str(&b), "12345678");
	assert_true(b.overflow);
	assert_false(buf_adds(&b, "abc"));
	assert_string_equal(buf_str(&b), "12345678");
	assert_true(buf_addf(&b, "%s", "ab"));
	assert_string_equal(buf_str(&b), "12345678ab");
	buf_release(&b);
}

static void room_is_what_was_asked_for(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < 100; i++) {
		char *room = buf_room(&b, 100 - i);

		assert_non_null(room);
		memset(room, 'x', 100 - i);
		buf_used(&b, 1);
		assert_int_equal(strlen(buf_str(&b)), i + 1);
	}
	assert_false(b.overflow);
	assert_null(buf_room(&b, 1));
	assert_true(b.overflow);
	assert_non_null(buf_room(&b, 0));
	assert_null(buf_room(&b, SIZE_MAX));
	buf_release(&b);
}

static void formatting_at_every_fill_level(void **state)
{
	struct buf b;
	size_t fill, i;

	(void)state;
	for (fill = 0; fill < 300; fill++) {
		buf_init(&b, 0);
		for (i = 0; i < fill; i++)
			buf_addc(&b, '.');
		assert_true(buf_addf(&b, "[%040d]", 7));
		assert_int_equal(b.len, fill + 42);
		assert_int_equal(strlen(buf_str(&b)), fill + 42);
		assert_string_equal(
			buf_str(&b) + fill, "[0000000000000000000000000000000000000007]");
		buf_release(&b);
	}
}

static void default_cap_is_64_mib(void **state)
{
	struct buf b = BUF_INIT;
	char *block = calloc(1, 1 << 20);
	size_t i;

	(void)state;
	assert_non_null(block);
	for (i = 0; i < 64; i++)
		assert_true(buf_add(&b, block, 1 << 20));
	assert_false(buf_addc(&b, 'x'));
	assert_int_equal(b.len, 64 << 20);
	buf_release(&b);
	free(block);
}

static void take_hands_over(void **state)
{
	struct buf b;
	size_t len;
	char *s;

	(void)state;
	buf_init(&b, 50);
	buf_adds(&b, "mine");
	s = buf_take(&b, &len);
	assert_string_equal(s, "mine");
	assert_int_equal(len, 4);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.max, 50);
	assert_null(b.data);
	free(s);
	buf_adds(&b, "again");
	s = buf_take(&b, NULL);
	assert_string_equal(s, "again");
	free(s);
}

static void wipe_leaves_an_empty_buffer(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "hunter2");
	buf_wipe(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	buf_wipe(&b);
	assert_string_equal(buf_str(&b), "");
}

static void secret_keeps_its_bytes_while_it_grows(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	b.secret = true;
	for (int i = 0; i < 5000; i++)
		buf_addf(&b, "%04d", i);
	assert_int_equal(b.len, 20000);
	for (int i = 0; i < 5000; i += 499) {
		char want[16];

		snprintf(want, sizeof(want), "%04d", i);
		assert_memory_equal(b.data + 4 * i, want, 4);
	}
	buf_release(&b);
	assert_null(b.data);
	assert_true(b.secret); /* what it is used for next is as secret */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_is_an_empty_string),
		cmocka_unit_test(adds_of_every_kind),
		cmocka_unit_test(cap_is_exact),
		cmocka_unit_test(add_over_the_cap_is_dropped_whole),
		cmocka_unit_test(room_is_what_was_asked_for),
		cmocka_unit_test(formatting_at_every_fill_level),
		cmocka_unit_test(default_cap_is_64_mib),
		cmocka_unit_test(take_hands_over),
		cmocka_unit_test(wipe_leaves_an_empty_buffer),
		cmocka_unit_test(secret_keeps_its_bytes_while_it_grows),
	};

	return cmocka_run_group_tests_name("core_buf", tests, NULL, NULL);
}
