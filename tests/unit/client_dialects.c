/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of dialects: a row is whole and goes by its name, and its probe only asks. */
#include "client/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/http.h"

static void a_row_is_found_by_its_name(void **state)
{
	char words[256] = "auto";
	size_t n = 0;

	(void)state;
	for (; dialects[n]; n++) {
		assert_ptr_equal(dialect_by_name(dialects[n]->name), dialects[n]);
		snprintf(words + strlen(words), sizeof(words) - strlen(words), " %s", dialects[n]->name);
	}
	assert_true(n >= 4);
	assert_string_equal(words, DIALECT_WORDS); /* --dialect completes what there is */
	assert_null(dialect_by_name("auto"));
	assert_null(dialect_by_name(""));
	assert_null(dialect_by_name("JMAP"));
}

static void slots_come_in_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; dialects[i]; i++) {
		const struct dialect_ops *d = dialects[i];

		assert_non_null(d->probe_encode);
		assert_non_null(d->probe_decode);
		assert_int_equal(!d->refine_encode, !d->refine_decode);
		assert_int_equal(!d->fetch_encode, !d->fetch_decode);
		assert_int_equal(!d->read_encode, !d->read_decode);
		assert_int_equal(!d->write_encode, !d->write_decode);
		assert_int_equal(!d->wanted, !d->write_encode);
		assert_int_equal(!d->reload_encode, !d->reload_decode);
		assert_int_equal(!d->reset_encode, !d->reset_decode);
	}
}

/* What a probe must make nothing of: another's answers. */
static const struct {
	int status;
	const char *type, *body;
} foreign[] = {
	{ 200, "text/html", "<!DOCTYPE html><html><body>Sign in</body></html>" },
	{ 200, "application/json", "" },
	{ 200, "application/json", "null" },
	{ 200, "application/json", "{\"data\":7}" },
	{ 200, "application/json", "{\"error\":\"other\"}" },
	{ 401, "application/problem+json", "{\"type\":\"about:blank\",\"status\":401,\"title\":\"Unauthorized\"}" },
	{ 404, "application/problem+json", "{\"type\":\"about:blank\",\"status\":404,\"title\":\"Not Found\"}" },
	{ 502, "text/html", "<html>Bad Gateway</html>" },
};

static void a_probe_asks_and_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; dialects[i]; i++) {
		struct request req;

		request_init(&req);
		assert_true(dialects[i]->probe_encode(&req));
		assert_true(buf_str(&req.path)[0] == '/');
		assert_true(req.method == HTTP_GET || (req.method == HTTP_POST && !strstr(buf_str(&req.body), "/set")));
		request_release(&req);
	}
}

static void a_probe_takes_no_foreign_answer(void **state)
{
	(void)state;
	for (size_t i = 0; dialects[i]; i++)
		for (size_t k = 0; k < sizeof(foreign) / sizeof(foreign[0]); k++) {
			struct response res = { .status = foreign[k].status, .body = foreign[k].body, .len = strlen(foreign[k].body) };
			struct server srv = { 0 };

			snprintf(res.type, sizeof(res.type), "%s", foreign[k].type);
			assert_int_equal(dialects[i]->probe_decode(&res, &srv), 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_is_found_by_its_name),
		cmocka_unit_test(slots_come_in_pairs),
		cmocka_unit_test(a_probe_asks_and_changes_nothing),
		cmocka_unit_test(a_probe_takes_no_foreign_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
