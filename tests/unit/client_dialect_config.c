/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/dialect_config against what a server 0.6.0 was recorded to answer; and taking a network away, stopped at every step. */
#include "client/dialect_config.h"
#include "tests/unit/transcript.h"

#define KEY "server.security.blocked-networks."
#define LIST "/admin/config/server.security.blocked-networks."

static struct played data(const char *pairs)
{
	char *body = xasprintf("{\"data\":[%s]}", pairs);
	struct played p = played_text(200, "application/json", body);

	free(body);
	return p;
}

/* ---- detection ---- */

static void probe(void **state)
{
	static const struct { const char *tape, *call, *words; int score; } answers[] = {
		{ "config-0.6.0", "GET /admin/config/server.security", "nothing stored", 6 },
		{ "config-0.6.0", "GET /admin/config/server.security.fail2ban", NULL, 6 },
		{ "config-0.6.0", "GET /admin/config/x", "no credentials", 0 },
		{ "config-0.6.0", "GET /api/settings/list?prefix=server", NULL, 0 },
		{ "settings-0.15.5", "GET /admin/config", NULL, 0 },
		{ "settings-0.15.5", "GET /api/settings/list?prefix=server.auto-ban", "nothing stored", 0 },
		{ "jmap-0.16.18", "GET /jmap/session", NULL, 0 },
	};
	struct request req;

	(void)state;
	request_init(&req);
	assert_true(dialect_config.probe_encode(&req));
	assert_int_equal(req.method, HTTP_GET);
	assert_int_equal(strncmp(buf_str(&req.path), "/admin/config/server.security", 29), 0);
	request_release(&req);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		json_t *tape = tape_open(answers[i].tape);
		struct played p = played_answer(tape_find(tape, answers[i].call, answers[i].words));
		struct server srv = { 0 };

		assert_int_equal(dialect_config.probe_decode(&p.res, &srv), answers[i].score);
		if (answers[i].score) {
			assert_int_equal(srv.info.generation, GEN_CONFIG_0_5);
			assert_int_equal(srv.info.caps[CAP_BIT_READ_ALLOWED], CAP_NO_GENERATION);
			assert_int_equal(srv.info.caps[CAP_BIT_RESET_COUNTERS], CAP_NO_GENERATION);
			assert_int_equal(srv.info.caps[CAP_BIT_WRITE_BLOCKED], CAP_UNTESTED);
		}
		played_free(&p);
		json_decref(tape);
	}
}

/* ---- fetches ---- */

static void lists(void **state)
{
	json_t *tape = tape_open("config-0.6.0");
	struct server srv = { 0 };
	struct fetching f;

	(void)state;
	fetching_init(&f, &dialect_config, &srv, (struct fetch){ .kind = FETCH_LIST });
	assert_int_equal(fetching_play(&f, tape_find(tape, "GET " LIST, "trailing dot")), DECODE_DONE);
	assert_int_equal(f.reply.list->count, 2);
	assert_row(f.reply.list, "127.0.0.9", "", REASON_NONE);
	assert_row(f.reply.list, "127.0.7.0/24", "", REASON_NONE);
	fetching_release(&f);
	/* the same 300 after one POST */
	fetching_init(&f, &dialect_config, &srv, (struct fetch){ .kind = FETCH_LIST });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, played_answer(tape_nth(tape, "GET /admin/config/server.security.blocked-networks", "", 4))), DECODE_DONE);
	assert_int_equal(f.reply.list->count, 300);
	assert_row(f.reply.list, "10.0.0.100", "", REASON_NONE);
	fetching_release(&f);
	/* keys that are none of the list, values of this console's */
	fetching_init(&f, &dialect_config, &srv, (struct fetch){ .kind = FETCH_LIST });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, data("[\"server.security.fail2ban\",\"3/1d\"],[\"" KEY "not an ip\",\"\"],[\"" KEY
		"10.0.0.1\",\"{\\\"by\\\":\\\"root\\\",\\\"reason\\\":\\\"scanner\\\",\\\"class\\\":\\\"scan\\\"}\"]")), DECODE_DONE);
	assert_int_equal(f.reply.list->count, 2);
	assert_row(f.reply.list, "10.0.0.1", "scanner", REASON_SCAN);
	assert_row(f.reply.list, "not an ip", "", REASON_NONE);
	fetching_release(&f);
	fetching_init(&f, &dialect_config, &srv, (struct fetch){ .kind = FETCH_LIST, .list = LIST_ALLOWED });
	assert_false(fetching_encode(&f));
	assert_int_equal(f.err.code, ERR_UNSUPPORTED);
	fetching_release(&f);
	json_decref(tape);
}

static void thresholds(void **state)
{
	json_t *tape = tape_open("config-0.6.0");
	struct server srv = { 0 };
	struct fetching f;

	(void)state;
	fetching_init(&f, &dialect_config, &srv, (struct fetch){ .kind = FETCH_THRESHOLDS });
	assert_int_equal(fetching_play(&f, tape_find(tape, "GET /admin/config/server.security.fail2ban", NULL)), DECODE_DONE);
	assert_rate(&f.reply.thresholds->of[CLASS_AUTH], "3/1d", true);
	assert_false(f.reply.thresholds->of[CLASS_ABUSE].supported);
	fetching_release(&f);
	fetching_init(&f, &dialect_config, &srv, (struct fetch){ .kind = FETCH_THRESHOLDS });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, data("")), DECODE_DONE);
	assert_rate(&f.reply.thresholds->of[CLASS_AUTH], "100/1d", false);
	fetching_release(&f);
	json_decref(tape);
}

/* ---- changes ---- */

static void writes_as_recorded(void **state)
{
	json_t *tape = tape_open("config-0.6.0"), *ex = tape_find(tape, "POST /admin/config", "127.0.7.0/24");
	struct server srv = { 0 };
	struct editing x;
	struct edit *e;

	(void)state;
	editing_init(&x, &dialect_config, &srv);
	editing_add(&x, EDIT_BLOCK, "127.0.7.0/24")->reason = REASON_NONE;
	editing_add(&x, EDIT_BLOCK, "127.0.0.9")->reason = REASON_NONE;
	editing_add(&x, EDIT_UNBLOCK, "127.0.0.5");
	e = editing_add(&x, EDIT_THRESHOLD, "auth");
	assert_true(rate_parse("3/1d", 4, e->value, NULL));
	assert_true(editing_encode(&x, true, 0));
	assert_int_equal(x.batch.count, 2);
	assert_request(&x.req, ex);
	assert_int_equal(editing_decode(&x, true, played_answer(ex)), DECODE_DONE);
	assert_true(x.result[0].ok && x.result[1].ok);
	ex = tape_find(tape, "DELETE " LIST "127.0.0.5", NULL);
	assert_true(editing_encode(&x, true, 2));
	assert_request(&x.req, ex);
	assert_int_equal(editing_decode(&x, true, played_answer(ex)), DECODE_DONE);
	assert_true(x.result[0].ok);
	ex = tape_find(tape, "POST /admin/config", "3/1d");
	assert_true(editing_encode(&x, true, 3));
	assert_request(&x.req, ex);
	assert_int_equal(editing_decode(&x, true, played_answer(tape_find(tape, "POST /admin/config", "malformed"))), DECODE_DONE);
	assert_false(x.result[0].ok);
	assert_non_null(strstr(x.result[0].text, "Failed to deserialize config update request"));
	editing_release(&x);
	json_decref(tape);
}

static void reading_back(void **state)
{
	json_t *tape = tape_open("config-0.6.0"), *ex;
	struct server srv = { 0 };
	struct editing x;

	(void)state;
	editing_init(&x, &dialect_config, &srv);
	editing_add(&x, EDIT_UNBLOCK, "127.0.0.5"); /* one plain address: asked for by itself */
	ex = tape_find(tape, "GET " LIST "127.0.0.5", NULL);
	assert_true(editing_encode(&x, false, 0));
	assert_request(&x.req, ex);
	assert_int_equal(editing_decode(&x, false, played_answer(ex)), DECODE_DONE);
	assert_true(x.result[0].ok);
	assert_null(x.result[0].value);
	editing_add(&x, EDIT_BLOCK, "127.0.7.0/24");
	editing_add(&x, EDIT_BLOCK, "127.0.0.9");
	ex = tape_find(tape, "GET " LIST, "trailing dot");
	assert_true(editing_encode(&x, false, 0));
	assert_int_equal(x.batch.count, 3);
	assert_request(&x.req, ex);
	assert_int_equal(editing_decode(&x, false, played_answer(ex)), DECODE_DONE);
	assert_null(x.result[0].value);
	assert_string_equal(x.result[1].value, "");
	assert_string_equal(x.result[2].value, "");
	editing_add(&x, EDIT_THRESHOLD, "auth");
	ex = tape_find(tape, "GET /admin/config/server.security.fail2ban", NULL);
	assert_true(editing_encode(&x, false, 3));
	assert_request(&x.req, ex);
	assert_int_equal(editing_decode(&x, false, played_answer(ex)), DECODE_DONE);
	assert_string_equal(x.result[0].value, "3/1d");
	editing_release(&x);
	json_decref(tape);
}

static void what_0_6_can_not_do(void **state)
{
	static const struct { enum edit_kind kind; const char *target; } kinds[] = { { EDIT_ALLOW, "203.0.113.1" }, { EDIT_THRESHOLD_OFF, "auth" },
		{ EDIT_THRESHOLD_DEFAULT, "abuse" }, { EDIT_THRESHOLD, "scan" }, { EDIT_PATH_ADD, "*.php*" } };
	struct server srv = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct editing x;

		editing_init(&x, &dialect_config, &srv);
		editing_add(&x, kinds[i].kind, kinds[i].target);
		for (int write = 0; write < 2; write++) {
			assert_false(editing_encode(&x, write, 0));
			assert_int_equal(x.err.code, ERR_UNSUPPORTED);
		}
		editing_release(&x);
	}
}

/* ---- the dance ---- */

struct rescue {
	char *kept;
	bool refuses;
	unsigned cleared;
};

static bool on_save(void *arg, const char *text, struct err *err)
{
	struct rescue *r = arg;

	if (r->refuses)
		return err_set(err, ERR_IO, "the disk is full");
	free(r->kept);
	r->kept = xstrdup(text);
	return true;
}

static void on_clear(void *arg)
{
	((struct rescue *)arg)->cleared++;
}

/* The next request of the dance is this one. */
static void assert_step(struct editing *x, enum http_method method, const char *path, const char *body)
{
	assert_true(editing_again(x, true));
	assert_string_equal(http_method_text(x->req.method), http_method_text(method));
	assert_string_equal(buf_str(&x->req.path), path);
	assert_string_equal(buf_str(&x->req.body), body);
}

static void dance_begin(struct editing *x, const struct session_hooks *hooks, const char *target)
{
	static const struct server srv;

	editing_init(x, &dialect_config, &srv);
	editing_add(x, EDIT_UNBLOCK, target);
	editing_clear(x);
	x->batch.hooks = hooks;
}

#define NET "[\"" KEY "10.0.0.0/8\",\"\"]"
#define A "[\"" KEY "10.0.0.1\",\"note\"]"
#define B "[\"" KEY "10.0.0.0/24\",\"\"]"

static void a_network_goes_and_the_others_stay(void **state)
{
	struct rescue kept = { 0 };
	struct session_hooks hooks = { .arg = &kept, .rescue_save = on_save, .rescue_clear = on_clear };
	struct editing x;

	(void)state;
	dance_begin(&x, &hooks, "10.0.0.0/8");
	assert_step(&x, HTTP_GET, LIST "10.0.0.", "");
	assert_int_equal(editing_decode(&x, true, data(NET "," A "," B)), DECODE_MORE);
	assert_string_equal(kept.kept, "[" A "," B "]"); /* before anything is deleted */
	assert_step(&x, HTTP_DELETE, LIST "10.0.0.", "");
	assert_int_equal(editing_decode(&x, true, data("")), DECODE_MORE);
	assert_step(&x, HTTP_POST, "/admin/config", "[" A "," B "]");
	assert_int_equal(editing_decode(&x, true, data("")), DECODE_MORE);
	assert_int_equal(kept.cleared, 0);
	assert_step(&x, HTTP_GET, LIST "10.0.0.", "");
	assert_int_equal(editing_decode(&x, true, data(B "," A)), DECODE_DONE);
	assert_true(x.result[0].ok);
	assert_int_equal(kept.cleared, 1);
	editing_release(&x);
	free(kept.kept);
}

static void alone_under_its_prefix(void **state)
{
	struct session_hooks none = { 0 };
	struct editing x;

	(void)state;
	dance_begin(&x, &none, "127.0.7.0/24"); /* nothing to keep: no place to keep it is needed */
	assert_step(&x, HTTP_GET, LIST "127.0.7.", "");
	assert_int_equal(editing_decode(&x, true, data("[\"" KEY "127.0.7.0/24\",\"\"]")), DECODE_MORE);
	assert_step(&x, HTTP_DELETE, LIST "127.0.7.", "");
	assert_int_equal(editing_decode(&x, true, data("")), DECODE_MORE);
	assert_step(&x, HTTP_GET, LIST "127.0.7.", "");
	assert_int_equal(editing_decode(&x, true, data("")), DECODE_DONE);
	assert_true(x.result[0].ok);
	editing_release(&x);
	dance_begin(&x, &none, "2001:db8::/32"); /* no dot: the whole list is its prefix */
	assert_step(&x, HTTP_GET, LIST, "");
	editing_release(&x);
}

static void nothing_is_deleted_that_is_not_kept(void **state)
{
	struct rescue full = { .refuses = true };
	struct session_hooks refusing = { .arg = &full, .rescue_save = on_save }, none = { 0 };
	struct editing x;

	(void)state;
	dance_begin(&x, &refusing, "10.0.0.0/8");
	assert_step(&x, HTTP_GET, LIST "10.0.0.", "");
	assert_int_equal(editing_decode(&x, true, data(NET "," A)), DECODE_DONE);
	assert_false(x.result[0].ok);
	assert_int_equal(x.result[0].why, ERR_IO);
	assert_string_equal(x.result[0].text, "the disk is full");
	editing_release(&x);
	dance_begin(&x, &none, "10.0.0.0/8");
	assert_step(&x, HTTP_GET, LIST "10.0.0.", "");
	assert_int_equal(editing_decode(&x, true, data(NET "," A)), DECODE_DONE);
	assert_false(x.result[0].ok);
	assert_non_null(strstr(x.result[0].text, "nowhere to keep them"));
	editing_release(&x);
}

/* From reading to the putting back of A and B. */
static void dance_to_put_back(struct editing *x, const struct session_hooks *hooks)
{
	dance_begin(x, hooks, "10.0.0.0/8");
	assert_step(x, HTTP_GET, LIST "10.0.0.", "");
	assert_int_equal(editing_decode(x, true, data(NET "," A "," B)), DECODE_MORE);
	assert_step(x, HTTP_DELETE, LIST "10.0.0.", "");
	assert_int_equal(editing_decode(x, true, data("")), DECODE_MORE);
	assert_step(x, HTTP_POST, "/admin/config", "[" A "," B "]");
}

static void what_is_not_back_stays_kept(void **state)
{
	static const struct { const char *after, *words; } ends[] = {
		{ A, "1 other entry was not put back" },
		{ "", "2 other entries were not put back" },
		{ B ",[\"" KEY "10.0.0.1\",\"another\"]", "1 other entry was not put back" }, /* a key alone is no proof */
	};
	struct rescue kept = { 0 };
	struct session_hooks hooks = { .arg = &kept, .rescue_save = on_save, .rescue_clear = on_clear };
	struct editing x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		dance_to_put_back(&x, &hooks);
		assert_int_equal(editing_decode(&x, true, data("")), DECODE_MORE);
		assert_step(&x, HTTP_GET, LIST "10.0.0.", "");
		assert_int_equal(editing_decode(&x, true, data(ends[i].after)), DECODE_DONE);
		assert_false(x.result[0].ok);
		if (!strstr(x.result[0].text, ends[i].words))
			fail_msg("%s", x.result[0].text);
		editing_release(&x);
	}
	/* the putting back itself is refused */
	dance_to_put_back(&x, &hooks);
	assert_int_equal(editing_decode(&x, true, played_text(500, "application/problem+json", "{\"title\":\"Disk full\"}")), DECODE_DONE);
	assert_false(x.result[0].ok);
	assert_string_equal(x.result[0].text, "2 other entries were not put back: HTTP 500: Disk full; they are kept and put back at the next start");
	editing_release(&x);
	assert_int_equal(kept.cleared, 0);
	free(kept.kept);
}

static void many_others_are_put_back_in_parts(void **state)
{
	struct rescue kept = { 0 };
	struct session_hooks hooks = { .arg = &kept, .rescue_save = on_save, .rescue_clear = on_clear };
	struct buf list = BUF_INIT;
	size_t back = 0, parts = 0;
	struct editing x;

	(void)state;
	buf_adds(&list, NET);
	for (int i = 0; i < 4500; i++)
		buf_addf(&list, ",[\"" KEY "10.0.0.%d.x\",\"%d\"]", i, i);
	dance_begin(&x, &hooks, "10.0.0.0/8");
	assert_step(&x, HTTP_GET, LIST "10.0.0.", "");
	assert_int_equal(editing_decode(&x, true, data(buf_str(&list))), DECODE_MORE);
	assert_step(&x, HTTP_DELETE, LIST "10.0.0.", "");
	assert_int_equal(editing_decode(&x, true, data("")), DECODE_MORE);
	for (;;) {
		json_t *part;

		assert_true(editing_again(&x, true));
		if (x.req.method != HTTP_POST)
			break;
		part = request_doc(&x.req);
		assert_true(json_array_size(part) <= CONFIG_PAIRS_MAX);
		back += json_array_size(part);
		assert_true(++parts < 10);
		json_decref(part);
		assert_int_equal(editing_decode(&x, true, data("")), DECODE_MORE);
	}
	assert_int_equal(back, 4500);
	assert_int_equal(parts, 3);
	assert_int_equal(editing_decode(&x, true, data(buf_str(&list))), DECODE_DONE);
	assert_true(x.result[0].ok);
	editing_release(&x);
	buf_release(&list);
	free(kept.kept);
}

/* ---- reload ---- */

static void a_reload_works_a_moment_later(void **state)
{
	json_t *tape = tape_open("config-0.6.0"), *ex = tape_find(tape, "GET /admin/reload/config", "asynchronous");
	struct played p = played_answer(ex);
	struct reload_result out = { 0 };
	struct server srv = { 0 };
	struct cursor cur = { 0 };
	struct err err = ERR_INIT;
	struct request req;
	struct edit rate = { .kind = EDIT_THRESHOLD };

	(void)state;
	request_init(&req);
	assert_true(dialect_config.reload_encode(&srv, RELOAD_SETTINGS, &cur, &req, &err));
	assert_request(&req, ex);
	assert_int_equal(dialect_config.reload_decode(&srv, RELOAD_SETTINGS, &cur, &p.res, &out, &err), DECODE_DONE);
	assert_true(out.ok && out.asynchronous);
	assert_non_null(strstr(dialect_config.caveat(&srv, &rate), "restart"));
	request_release(&req);
	played_free(&p);
	json_decref(tape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe),
		cmocka_unit_test(lists),
		cmocka_unit_test(thresholds),
		cmocka_unit_test(writes_as_recorded),
		cmocka_unit_test(reading_back),
		cmocka_unit_test(what_0_6_can_not_do),
		cmocka_unit_test(a_network_goes_and_the_others_stay),
		cmocka_unit_test(alone_under_its_prefix),
		cmocka_unit_test(nothing_is_deleted_that_is_not_kept),
		cmocka_unit_test(what_is_not_back_stays_kept),
		cmocka_unit_test(many_others_are_put_back_in_parts),
		cmocka_unit_test(a_reload_works_a_moment_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
