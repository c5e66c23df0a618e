/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/err: first error wins, text is made safe. */
#include "core/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/text.h"

static void first_error_wins(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_false(err_set(&e, ERR_NETWORK, "no route to %s", "mail1"));
	assert_false(err_set(&e, ERR_AUTH, "second"));
	assert_int_equal(e.code, ERR_NETWORK);
	assert_string_equal(e.msg, "no route to mail1");
	err_clear(&e);
	assert_int_equal(e.code, ERR_NONE);
	assert_string_equal(e.msg, "");
	err_set(&e, ERR_AUTH, "second");
	assert_int_equal(e.code, ERR_AUTH);
	assert_string_equal(e.msg, "second");
}

static void null_is_allowed(void **state)
{
	(void)state;
	assert_false(err_set(NULL, ERR_IO, "nobody %d", 1));
}

static void text_is_made_safe(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	err_set(&e, ERR_SERVER, "server says: %s", "\x1b[2J\xe2\x80\xae\nok\xff");
	assert_string_equal(e.msg, "server says: \\x1b[2J\\u{202e}\\nok\\xff");
}

static void long_text_is_cut_at_a_character(void **state)
{
	struct err e = ERR_INIT;
	char big[5000];
	size_t i;

	(void)state;
	for (i = 0; i + 3 < sizeof(big); i += 3)
		memcpy(big + i, "€", 3);
	big[i] = '\0';
	err_set(&e, ERR_SERVER, "x%s", big);
	assert_true(strlen(e.msg) < sizeof(e.msg));
	assert_true(strlen(e.msg) > sizeof(e.msg) - 5);
	assert_true(text_is_safe(e.msg, strlen(e.msg)));
	assert_int_equal(strlen(e.msg) % 3, 1);
}

static void every_code_has_a_text(void **state)
{
	int code;

	(void)state;
	for (code = 0; code < ERR_COUNT; code++)
		assert_true(strlen(err_code_text((enum err_code)code)) > 3);
	assert_string_equal(err_code_text(ERR_GUARD), "refused by a guard");
	assert_string_equal(err_code_text(ERR_COUNT), "internal error");
	assert_string_equal(err_code_text((enum err_code) - 1), "internal error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_error_wins),
		cmocka_unit_test(null_is_allowed),
		cmocka_unit_test(text_is_made_safe),
		cmocka_unit_test(long_text_is_cut_at_a_character),
		cmocka_unit_test(every_code_has_a_text),
	};

	return cmocka_run_group_tests_name("core_err", tests, NULL, NULL);
}
