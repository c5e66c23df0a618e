/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/text: masking of secrets, search, checked integers. */
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tests/unit/random.h"

static void check_masked(const char *in, const char *want)
{
	char *s = xstrdup(in);

	text_mask_secrets(s, strlen(s));
	assert_string_equal(s, want);
	free(s);
}

static void secrets_are_masked(void **state)
{
	(void)state;
	check_masked("Authorization: Basic YWRtaW46aHVudGVyMg==, x",
		"Authorization: Basic ********************, x");
	check_masked("authorization: bearer  abc.def-ghi_j~k+/=;",
		"authorization: bearer  ******************;");
	check_masked("key = \"api_YWJjOmRlZg==\" end", "key = \"api_************\" end");
	check_masked("Bearer api_YWJj", "Bearer ********");
	check_masked("url = postgresql://mail:s3cret@db:5432/x",
		"url = postgresql://mail:******@db:5432/x");
	check_masked("https://u:p@ss:w@host/", "https://u:******@host/");
	check_masked("https://host:443/a@b", "https://host:443/a@b");
	check_masked("https://user@host/", "https://user@host/");
	check_masked("AUTH PLAIN AGJvYgBodW50ZXIy", "AUTH PLAIN ****************");
	check_masked("a1 AUTHENTICATE XOAUTH2 dXNlcj1h", "a1 AUTHENTICATE XOAUTH2 ********");
	check_masked("Basic a Basic b", "Basic * Basic *");
	check_masked("from = bob@example.org, remoteIp = 192.0.2.1",
		"from = bob@example.org, remoteIp = 192.0.2.1");
	check_masked("nonbasic text, bearers x, myapi_x", "nonbasic text, bearers x, myapi_x");
	check_masked("basic", "basic");
	check_masked("Basic ", "Basic ");
	check_masked("api_", "api_");
	check_masked("", "");
	check_masked("//", "//");
	check_masked("//:@", "//:@");
}

static void masking_keeps_length_and_hides_every_canary(void **state)
{
	static const struct {
		const char *before, *after;
	} frames[] = {{"Basic ", ""}, {"Bearer ", ""}, {"api_", ""}, {"http://u:", "@h"},
		{"AUTH PLAIN ", ""}};
	static const char canary[] = "c4n4ryT0ken";
	char line[256], noise_a[20], noise_b[20];
	size_t i, k, len;
	int round;

	(void)state;
	for (round = 0; round < 5000; round++) {
		for (k = 0; k < sizeof(noise_a) - 1; k++) {
			noise_a[k] = (char)(' ' + next_random() % 16);
			noise_b[k] = (char)(' ' + next_random() % 16);
		}
		noise_a[sizeof(noise_a) - 1] = noise_b[sizeof(noise_b) - 1] = '\0';
		for (i = 0; i < ARRAY_LEN(frames); i++) {
			len = (size_t)snprintf(line, sizeof(line), "%s%s%s%s%s", noise_a,
				frames[i].before, canary, frames[i].after, noise_b);
			text_mask_secrets(line, len);
			assert_int_equal(strlen(line), len);
			assert_null(strstr(line, canary));
			assert_memory_equal(line, noise_a, sizeof(noise_a) - 1);
		}
	}
}

static const char *naive_find(
	const char *hay, size_t hay_len, const char *needle, size_t needle_len)
{
	size_t i, j;

	for (i = 0; i + needle_len <= hay_len; i++) {
		for (j = 0; j < needle_len; j++) {
			char a = hay[i + j], b = needle[j];

			if (a >= 'A' && a <= 'Z')
				a = (char)(a + 32);
			if (b >= 'A' && b <= 'Z')
				b = (char)(b + 32);
			if (a != b)
				break;
		}
		if (j == needle_len)
			return hay + i;
	}
	return NULL;
}

static void find_agrees_with_the_naive_search(void **state)
{
	static const char alphabet[] = "aAbB@`[{ \xc4\xe4\0";
	char hay[200], needle[8];
	int round;

	(void)state;
	for (round = 0; round < 100000; round++) {
		size_t h = next_random() % sizeof(hay), n = next_random() % 5, i;
		char *exact = malloc(h + 1);

		for (i = 0; i < h; i++)
			hay[i] = alphabet[next_random() % (sizeof(alphabet) - 1)];
		for (i = 0; i < n; i++)
			needle[i] = alphabet[next_random() % (sizeof(alphabet) - 1)];
		assert_non_null(exact);
		memcpy(exact, hay,
			h); /* an exact allocation, so that the sanitiser builds see an overrun */
		assert_ptr_equal(
			text_find_fold(exact, h, needle, n), naive_find(exact, h, needle, n));
		free(exact);
	}
	assert_null(text_find_fold("abc", 3, "abcd", 4));
	assert_non_null(text_find_fold("Fail2Ban", 8, "fAIL2bAN", 8));
}

static void integers_are_checked(void **state)
{
	static const char *const bad[] = {"", "-", "+", " 1", "1 ", "0x1", "1e3", "1.0", "--1",
		"9223372036854775808", "-9223372036854775809", "99999999999999999999999",
		"18446744073709551616", "١"};
	int64_t v = 42;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		if (text_int(bad[i], INT64_MIN, INT64_MAX, &v))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(v, 42);
	}
	assert_true(text_int("9223372036854775807", INT64_MIN, INT64_MAX, &v));
	assert_true(v == INT64_MAX);
	assert_true(text_int("-9223372036854775808", INT64_MIN, INT64_MAX, &v));
	assert_true(v == INT64_MIN);
	assert_true(text_int("007", 0, 7, &v));
	assert_int_equal(v, 7);
	assert_true(text_int("+5", 0, 7, &v));
	assert_int_equal(v, 5);
	assert_true(text_int("-0", 0, 7, &v));
	assert_int_equal(v, 0);
	assert_false(text_int("8", 0, 7, &v));
	assert_false(text_int("-1", 0, 7, &v));
}

static void numbers_are_grouped(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(text_grouped(0, out, sizeof(out)), "0");
	assert_string_equal(text_grouped(999, out, sizeof(out)), "999");
	assert_string_equal(text_grouped(1204, out, sizeof(out)), "1,204");
	assert_string_equal(text_grouped(1000000, out, sizeof(out)), "1,000,000");
	assert_string_equal(
		text_grouped(UINT64_MAX, out, sizeof(out)), "18,446,744,073,709,551,615");
	assert_string_equal(text_grouped(1204, out, 4), "1,2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_masked),
		cmocka_unit_test(masking_keeps_length_and_hides_every_canary),
		cmocka_unit_test(find_agrees_with_the_naive_search),
		cmocka_unit_test(integers_are_checked),
		cmocka_unit_test(numbers_are_grouped),
	};

	return cmocka_run_group_tests_name("core_text_find", tests, NULL, NULL);
}
