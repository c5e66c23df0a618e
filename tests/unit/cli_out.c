/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows as JSON: what is quoted how, at every place of the eight bytes that are looked at together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/out.h"
#include "core/clock.h"
#include "core/text.h"

static const struct out_field fields[] = { { "address", "ADDRESS", 0 }, { "count", "COUNT", OUT_RIGHT }, { "shown", "SHOWN", OUT_ONLY_TABLE },
	{ "a_key_that_is_longer_than_a_lead_can_be", "LONG", 0 }, { "since", "SINCE", 0 }, { NULL, NULL, 0 } };

static char *rows_as(enum out_format format, bool single, size_t rows)
{
	struct out o;
	char *text;

	out_begin(&o, format, fields, single, false);
	o.fd = -1;
	for (size_t i = 0; i < rows; i++) {
		out_row(&o);
		out_str(&o, i ? NULL : "192.0.2.1");
		out_int(&o, i ? INT64_MIN : 1204);
		out_str(&o, "dropped");
		out_bool(&o, i == 0);
		out_time(&o, i ? TIME_NONE : 0);
	}
	assert_int_equal(out_end(&o), 0);
	text = buf_take(&o.buf, NULL);
	return text;
}

static void test_documents(void **state)
{
	char *text;

	(void)state;
	text = rows_as(OUT_JSON, false, 2);
	assert_string_equal(text,
		"[\n{\"address\":\"192.0.2.1\",\"count\":1204,\"a_key_that_is_longer_than_a_lead_can_be\":true,\"since\":\"1970-01-01T00:00:00Z\"},\n"
		"{\"address\":null,\"count\":-9223372036854775808,\"a_key_that_is_longer_than_a_lead_can_be\":false,\"since\":null}\n]\n");
	free(text);
	text = rows_as(OUT_JSON, true, 1);
	assert_string_equal(
		text, "{\"address\":\"192.0.2.1\",\"count\":1204,\"a_key_that_is_longer_than_a_lead_can_be\":true,\"since\":\"1970-01-01T00:00:00Z\"}\n");
	free(text);
	text = rows_as(OUT_JSON, false, 0);
	assert_string_equal(text, "[]\n");
	free(text);
	text = rows_as(OUT_NDJSON, false, 1);
	assert_int_equal(text[0], '{');
	assert_string_equal(strchr(text, '}'), "}\n");
	free(text);
}

/* What JSON text must be of s, by the slow way. */
static void expect(const char *s, size_t len)
{
	struct buf got = BUF_INIT, safe = BUF_INIT, want = BUF_INIT;

	text_safe(&safe, s, len, TEXT_LINE);
	buf_addc(&want, '"');
	for (size_t i = 0; i < safe.len; i++) {
		if (safe.data[i] == '"' || safe.data[i] == '\\')
			buf_addc(&want, '\\');
		buf_addc(&want, safe.data[i]);
	}
	buf_addc(&want, '"');
	json_quote(&got, s, len);
	assert_string_equal(buf_str(&got), buf_str(&want));
	assert_int_equal(got.len, want.len);
	buf_release(&got);
	buf_release(&safe);
	buf_release(&want);
}

/* Every byte at every place of strings of every length around a word's. */
static void test_every_byte(void **state)
{
	(void)state;
	for (size_t len = 0; len <= 20; len++)
		for (size_t at = 0; at < (len ? len : 1); at++)
			for (unsigned c = 0; c < 256; c++) {
				char s[20];

				memset(s, 'a', sizeof(s));
				if (len)
					s[at] = (char)c;
				expect(s, len);
			}
}

static void test_escapes(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	json_text(&b, "say \"no\" \\ \x1b[2J");
	assert_string_equal(buf_str(&b), "\"say \\\"no\\\" \\\\ \\\\x1b[2J\"");
	buf_reset(&b);
	json_text(&b, "Stra\xc3\x9f" "e \xe2\x80\xae!");
	assert_string_equal(buf_str(&b), "\"Stra\xc3\x9f" "e \\\\u{202e}!\"");
	buf_reset(&b);
	json_text(&b, NULL);
	assert_string_equal(buf_str(&b), "null");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
