/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/dialect_rest against answers of a gateway with a resource per key, in every shape that such gateways have; of recorded servers only
 * that they are none. */
#include "tests/unit/transcript.h"

static struct played json_text(const char *body)
{
	return played_text(200, "application/json", body);
}

/* ---- detection ---- */

static void probe(void **state)
{
	static const struct { int status; const char *type, *body; int score; } answers[] = {
		{ 200, "application/json", "{\"data\":{}}", 8 },
		{ 200, "application/json", "{}", 8 },
		{ 200, "application/json", "[]", 8 },
		{ 200, "application/json", "{\"auth.banned-threshold\":100}", 8 },
		{ 200, "application/json", "{\"error\":\"notFound\"}", 0 },
		{ 200, "application/json", "7", 0 },
		{ 200, "text/html", "<html>", 0 },
		{ 404, "application/problem+json", "{}", 0 },
		{ 500, "application/json", "{}", 0 },
	};
	json_t *tape = tape_open("settings-0.15.5");
	struct played p = played_answer(tape_find(tape, "GET /api/settings?prefix=server.blocked-ip", NULL));
	struct server srv = { 0 };
	struct request req;

	(void)state;
	request_init(&req);
	assert_true(dialect_rest.probe_encode(&req));
	assert_int_equal(req.method, HTTP_GET);
	assert_int_equal(strncmp(buf_str(&req.path), "/api/settings?prefix=", 21), 0);
	request_release(&req);
	assert_int_equal(dialect_rest.probe_decode(&p.res, &srv), 0);
	played_free(&p);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		p = played_text(answers[i].status, answers[i].type, answers[i].body);
		assert_int_equal(dialect_rest.probe_decode(&p.res, &srv), answers[i].score);
		played_free(&p);
	}
	assert_int_equal(srv.info.generation, GEN_REST);
	assert_int_equal(srv.info.caps[CAP_BIT_LIVE_AT_ONCE], CAP_YES);
	assert_int_equal(srv.info.caps[CAP_BIT_RELOAD], CAP_NO_GENERATION);
	assert_int_equal(srv.info.caps[CAP_BIT_READ_LOG], CAP_NO_GENERATION);
	json_decref(tape);
}

/* ---- lists ---- */

static void lists_in_every_shape(void **state)
{
	static const char *const shapes[] = {
		"{\"data\":{\"server.blocked-ip.203.0.113.1\":true,\"server.blocked-ip.198.51.100.0/24\":true,\"server.blocked-ip.203.0.113.9\":false}}",
		"{\"server.blocked-ip.203.0.113.1\":true,\"server.blocked-ip.198.51.100.0/24\":\"true\",\"server.blocked-ip.203.0.113.9\":\"false\"}",
		"{\"data\":{\"203.0.113.1\":true,\"198.51.100.0/24\":\"\"}}",
		"[[\"server.blocked-ip.203.0.113.1\",true],[\"server.blocked-ip.198.51.100.0/24\",1],[\"server.blocked-ip.203.0.113.9\",null]]",
		"{\"data\":[{\"key\":\"server.blocked-ip.203.0.113.1\",\"value\":true},{\"value\":true,\"key\":\"198.51.100.0/24\"}]}",
		"{\"data\":{\"total\":2,\"items\":{\"203.0.113.1\":true,\"198.51.100.0/24\":true}}}",
	};
	struct server srv = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct fetching f;

		fetching_init(&f, &dialect_rest, &srv, (struct fetch){ .kind = FETCH_LIST });
		assert_true(fetching_encode(&f));
		assert_string_equal(buf_str(&f.req.path), "/api/settings?prefix=server.blocked-ip");
		assert_int_equal(fetching_decode(&f, json_text(shapes[i])), DECODE_DONE);
		if (f.reply.list->count != 2)
			fail_msg("%s: %zu rows", shapes[i], f.reply.list->count);
		assert_row(f.reply.list, "203.0.113.1", "", REASON_NONE);
		assert_row(f.reply.list, "198.51.100.0/24", "", REASON_NONE);
		fetching_release(&f);
	}
}

static void a_list_that_is_none(void **state)
{
	static const struct { int status; const char *body; enum err_code code; } bad[] = {
		{ 200, "", ERR_PROTOCOL }, { 200, "{\"data\":{\"1.2.3.4\":true", ERR_PROTOCOL }, { 200, "{\"error\":\"other\"}", ERR_SERVER },
		{ 200, "{\"data\":\"x\"}", ERR_PROTOCOL }, { 403, "{}", ERR_PERMISSION }, { 502, "", ERR_SERVER },
	};
	struct server srv = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct fetching f;

		fetching_init(&f, &dialect_rest, &srv, (struct fetch){ .kind = FETCH_LIST, .list = LIST_ALLOWED });
		assert_true(fetching_encode(&f));
		assert_string_equal(buf_str(&f.req.path), "/api/settings?prefix=server.allowed-ip");
		assert_int_equal(fetching_decode(&f, played_text(bad[i].status, "application/json", bad[i].body)), DECODE_FAIL);
		assert_int_equal(f.err.code, bad[i].code);
		fetching_release(&f);
	}
}

/* ---- thresholds ---- */

static void thresholds(void **state)
{
	static const char *const answers[] = { "{\"data\":{\"auth.banned-threshold\":20,\"auth.other\":1}}", "[]", "{\"banned-threshold\":\"lots\"}" };
	static const char *const asked[] = { "/api/settings?prefix=auth", "/api/settings?prefix=abuse", "/api/settings?prefix=scan" };
	struct server srv = { 0 };
	struct thresholds *t;
	struct fetching f;

	(void)state;
	fetching_init(&f, &dialect_rest, &srv, (struct fetch){ .kind = FETCH_THRESHOLDS });
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		assert_true(fetching_encode(&f));
		assert_string_equal(buf_str(&f.req.path), asked[i]);
		assert_int_equal(fetching_decode(&f, json_text(answers[i])), i + 1 < ARRAY_LEN(answers) ? DECODE_MORE : DECODE_DONE);
	}
	t = f.reply.thresholds;
	assert_rate(&t->of[CLASS_AUTH], "20/1h", true);
	assert_true(t->of[CLASS_AUTH].period_is_fixed);
	assert_rate(&t->of[CLASS_ABUSE], "100/1h", false);
	assert_true(t->of[CLASS_SCAN].malformed);
	assert_string_equal(t->of[CLASS_SCAN].raw, "lots");
	assert_false(t->of[CLASS_LOITER].supported);
	fetching_release(&f);
}

/* ---- changes ---- */

static void assert_sends(struct editing *x, size_t i, const char *call, const char *body)
{
	char *got;

	assert_true(editing_encode(x, true, i));
	assert_int_equal(x->batch.count, 1);
	got = xasprintf("%s %s", http_method_text(x->req.method), buf_str(&x->req.path));
	assert_string_equal(got, call);
	assert_string_equal(buf_str(&x->req.body), body);
	free(got);
}

static void writes(void **state)
{
	struct server srv = { 0 };
	struct editing x;

	(void)state;
	editing_init(&x, &dialect_rest, &srv);
	editing_add(&x, EDIT_BLOCK, "203.0.113.42");
	editing_add(&x, EDIT_UNBLOCK, "198.51.100.0/24");
	editing_add(&x, EDIT_ALLOW, "2001:db8::5");
	editing_add(&x, EDIT_DISALLOW, "172.17.0.1");
	editing_add(&x, EDIT_THRESHOLD, "auth")->value->count = 50;
	editing_add(&x, EDIT_THRESHOLD_DEFAULT, "scan");
	assert_sends(&x, 0, "PATCH /api/settings/server.blocked-ip.203.0.113.42", "{\"value\":true}");
	assert_sends(&x, 1, "DELETE /api/settings/server.blocked-ip.198.51.100.0%2F24", "");
	assert_sends(&x, 2, "PATCH /api/settings/server.allowed-ip.2001%3Adb8%3A%3A5", "{\"value\":true}");
	assert_sends(&x, 3, "DELETE /api/settings/server.allowed-ip.172.17.0.1", "");
	assert_sends(&x, 4, "PATCH /api/settings/auth.banned-threshold", "{\"value\":50}");
	assert_sends(&x, 5, "DELETE /api/settings/scan.banned-threshold", "");
	/* an answer may be empty, or have no body at all: reading back decides */
	assert_int_equal(editing_decode(&x, true, played_text(200, "", "")), DECODE_DONE);
	assert_true(x.result[0].ok);
	assert_sends(&x, 5, "DELETE /api/settings/scan.banned-threshold", "");
	assert_int_equal(editing_decode(&x, true, played_text(204, "", "")), DECODE_DONE);
	assert_true(x.result[0].ok);
	assert_sends(&x, 4, "PATCH /api/settings/auth.banned-threshold", "{\"value\":50}");
	assert_int_equal(editing_decode(&x, true, played_text(403, "application/problem+json", "{\"title\":\"Forbidden\"}")), DECODE_DONE);
	assert_false(x.result[0].ok);
	assert_int_equal(x.result[0].why, ERR_PERMISSION);
	editing_release(&x);
}

static void read_streamed(struct editing *x, const char *body)
{
	assert_true(x->req.stream);
	assert_int_equal(editing_decode(x, false, json_text(body)), DECODE_DONE);
}

static void reading_back(void **state)
{
	struct server srv = { 0 };
	struct editing x;

	(void)state;
	editing_init(&x, &dialect_rest, &srv);
	editing_add(&x, EDIT_BLOCK, "203.0.113.42");
	editing_add(&x, EDIT_UNBLOCK, "198.51.100.0/24");
	editing_add(&x, EDIT_ALLOW, "203.0.113.42");
	editing_add(&x, EDIT_THRESHOLD, "auth");
	assert_true(editing_encode(&x, false, 0));
	assert_int_equal(x.batch.count, 2); /* of one list */
	assert_string_equal(buf_str(&x.req.path), "/api/settings?prefix=server.blocked-ip");
	read_streamed(&x, "{\"data\":{\"server.blocked-ip.203.0.113.42\":true,\"server.blocked-ip.198.51.100.0/24\":false}}");
	assert_true(x.result[0].ok && x.result[1].ok);
	assert_string_equal(x.result[0].value, "true");
	assert_null(x.result[1].value);
	assert_true(editing_encode(&x, false, 2));
	assert_string_equal(buf_str(&x.req.path), "/api/settings?prefix=server.allowed-ip");
	read_streamed(&x, "[]");
	assert_true(x.result[0].ok);
	assert_null(x.result[0].value);
	assert_true(editing_encode(&x, false, 3));
	read_streamed(&x, "{\"banned-threshold\":50}");
	assert_string_equal(x.result[0].value, "50/1h");
	assert_true(editing_encode(&x, false, 3));
	assert_int_equal(editing_decode(&x, false, played_text(401, "application/problem+json", "{}")), DECODE_FAIL);
	assert_int_equal(x.err.code, ERR_AUTH);
	editing_release(&x);
}

static void what_a_gateway_can_not_do(void **state)
{
	static const enum edit_kind kinds[] = { EDIT_EXPIRY, EDIT_THRESHOLD_OFF, EDIT_PATH_ADD, EDIT_CERT_UPLOAD, EDIT_THRESHOLD };
	struct server srv = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct editing x;

		editing_init(&x, &dialect_rest, &srv);
		editing_add(&x, kinds[i], kinds[i] == EDIT_THRESHOLD ? "loiter" : "auth");
		for (int write = 0; write < 2; write++) {
			assert_false(editing_encode(&x, write, 0));
			assert_int_equal(x.err.code, ERR_UNSUPPORTED);
		}
		editing_release(&x);
	}
	assert_null(dialect_rest.reload_encode);
	assert_null(dialect_rest.reset_encode);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe),
		cmocka_unit_test(lists_in_every_shape),
		cmocka_unit_test(a_list_that_is_none),
		cmocka_unit_test(thresholds),
		cmocka_unit_test(writes),
		cmocka_unit_test(reading_back),
		cmocka_unit_test(what_a_gateway_can_not_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
