/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/dialect_util: every status with every kind of body ends in one safe line and the right code. */
#include "client/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/text.h"

static const struct {
	const char *type, *body;
	const char *words; /* of the body, expected in the error; NULL = none */
} bodies[] = {
	{ "application/problem+json", "{\"type\":\"about:blank\",\"status\":400,\"title\":\"A title\",\"detail\":\"A detail\"}", "A title: A detail" },
	{ "text/html", "<!DOCTYPE html><html><body>Sign in <script>x</script></body></html>", "HTML page" },
	{ "", "", NULL },
	{ "text/plain", "upstream \x1b[31msays no", "upstream \\x1b[31msays no" },
	{ "application/json", "{\"error\":\"other\",\"details\":\"d\"}", "other: d" },
	{ "application/json", "{\"title\":17,\"detail\":null", NULL },
	{ "application/problem+json", "not json", NULL },
};

static const struct {
	int status;
	enum err_code code;
} statuses[] = {
	{ 301, ERR_PROTOCOL }, { 302, ERR_PROTOCOL }, { 307, ERR_PROTOCOL }, { 400, ERR_PROTOCOL }, { 401, ERR_AUTH }, { 403, ERR_PERMISSION },
	{ 404, ERR_NOT_FOUND }, { 405, ERR_PROTOCOL }, { 407, ERR_NETWORK }, { 408, ERR_TIMEOUT }, { 409, ERR_PROTOCOL }, { 413, ERR_LIMIT },
	{ 415, ERR_PROTOCOL }, { 422, ERR_PROTOCOL }, { 429, ERR_LIMIT }, { 500, ERR_SERVER }, { 502, ERR_SERVER }, { 503, ERR_SERVER },
	{ 504, ERR_SERVER }, { 511, ERR_NETWORK }, { 599, ERR_SERVER }, { 100, ERR_PROTOCOL }, { 999, ERR_PROTOCOL }, { -3, ERR_PROTOCOL },
};

static struct response response(int status, const char *type, const char *body)
{
	struct response res = { .status = status, .body = body, .len = strlen(body), .retry_after_ms = -1 };

	snprintf(res.type, sizeof(res.type), "%s", type);
	return res;
}

static void every_status_with_every_body(void **state)
{
	(void)state;
	for (size_t s = 0; s < sizeof(statuses) / sizeof(statuses[0]); s++)
		for (size_t b = 0; b < sizeof(bodies) / sizeof(bodies[0]); b++) {
			struct response res = response(statuses[s].status, bodies[b].type, bodies[b].body);
			struct err err = ERR_INIT;
			char number[16];

			assert_false(response_check(&res, &err));
			assert_int_equal(err.code, statuses[s].code);
			assert_true(text_is_safe(err.msg, strlen(err.msg)));
			assert_true(text_width(err.msg) <= 200 + 16);
			snprintf(number, sizeof(number), "HTTP %d: ", statuses[s].status);
			assert_non_null(strstr(err.msg, number));
			assert_true(strlen(err.msg) > strlen(number));
			if (bodies[b].words && statuses[s].status >= 400 && !strstr(err.msg, bodies[b].words))
				fail_msg("%d with %s: %s", statuses[s].status, bodies[b].type, err.msg);
			assert_null(strstr(err.msg, "<script>"));
		}
}

static void long_and_hostile_words_are_cut(void **state)
{
	static char body[5000];
	struct response res;
	struct err err = ERR_INIT;

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	memcpy(body, "{\"title\":\"\\u001b]0;", 19);
	memcpy(body + sizeof(body) - 3, "\"}", 3);
	res = response(500, "application/json", body);
	assert_false(response_check(&res, &err));
	assert_true(text_width(err.msg) <= 216);
	assert_null(strchr(err.msg, '\x1b'));
	assert_non_null(strstr(err.msg, "\\x1b]0;"));
}

static void a_redirect_names_its_target(void **state)
{
	struct response res = response(302, "text/html", "<html>moved</html>");
	struct err err = ERR_INIT;

	(void)state;
	snprintf(res.location, sizeof(res.location), "https://elsewhere.example/x");
	assert_false(response_check(&res, &err));
	assert_non_null(strstr(err.msg, "not followed"));
	assert_non_null(strstr(err.msg, "https://elsewhere.example/x"));
}

static void a_login_page_with_200_is_no_answer(void **state)
{
	struct response html = response(200, "text/html", "<html>"), hidden = response(200, "", " \n <!doctype HTML>");
	struct response json = response(200, "application/json", "{}"), empty = response(204, "", "");
	struct err err = ERR_INIT, err2 = ERR_INIT;

	(void)state;
	assert_false(response_check(&html, &err));
	assert_int_equal(err.code, ERR_PROTOCOL);
	assert_false(response_check(&hidden, &err2));
	assert_int_equal(err2.code, ERR_PROTOCOL);
	assert_true(response_check(&json, NULL));
	assert_true(response_check(&empty, NULL));
}

static void no_answer_keeps_its_reason(void **state)
{
	struct response res = { .err = { ERR_TIMEOUT, "no answer within 10 s" } };
	struct err err = ERR_INIT;

	(void)state;
	assert_false(response_check(&res, &err));
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_string_equal(err.msg, "no answer within 10 s");
	res.err = (struct err)ERR_INIT;
	err_clear(&err);
	assert_false(response_check(&res, &err));
	assert_int_equal(err.code, ERR_NETWORK);
}

static void paths_are_escaped(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	path_escape(&b, "10.0.0.0/8 a+b%\xc3\xa9\0z~_-", 22);
	assert_string_equal(buf_str(&b), "10.0.0.0%2F8%20a%2Bb%25%C3%A9%00z~_-");
	buf_release(&b);
}

static void dialects_have_names(void **state)
{
	size_t n = 0;

	(void)state;
	for (; dialects[n]; n++)
		assert_ptr_equal(dialect_by_name(dialects[n]->name), dialects[n]);
	assert_true(n > 0);
	assert_null(dialect_by_name("nonsense"));
	assert_string_equal(http_method_text(HTTP_PATCH), "PATCH");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_with_every_body),
		cmocka_unit_test(long_and_hostile_words_are_cut),
		cmocka_unit_test(a_redirect_names_its_target),
		cmocka_unit_test(a_login_page_with_200_is_no_answer),
		cmocka_unit_test(no_answer_keeps_its_reason),
		cmocka_unit_test(paths_are_escaped),
		cmocka_unit_test(dialects_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
