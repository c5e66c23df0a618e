/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/session: finding the dialect, losing the server and finding it again, reading lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/session_private.h"
#include "tests/unit/fake_dialect.h"

static int set_up(void **state)
{
	*state = xmalloc(sizeof(struct rig));
	rig_init(*state);
	return 0;
}

static void reopen(struct rig *r)
{
	session_free(r->session);
	rig_open(r);
}

/* ---- detection ---- */

static void the_dialect_is_found_with_one_request_each(void **state)
{
	struct rig *r = *state;

	r->server.root = "/b";
	assert_int_equal(session_state(r->session), SESSION_IDLE);
	session_connect(r->session);
	assert_int_equal(session_state(r->session), SESSION_DETECTING);
	assert_true(rig_reach(r, SESSION_READY));
	assert_string_equal(session_server(r->session)->dialect, "b");
	assert_int_equal(rig_asked(r, "/a/probe"), 1);
	assert_int_equal(rig_asked(r, "/b/probe"), 1);
	assert_int_equal(rig_asked(r, "/b/refine"), 1);
	assert_int_equal(r->server.log_len, 3);
	assert_string_equal(session_peer(r->session), "127.0.0.1");
	loop_turn(r->loop, 0);
	assert_true(r->changes >= 1);
	assert_int_equal(session_in_flight(r->session), 0);
}

static void a_hint_is_asked_first_and_verified(void **state)
{
	struct rig *r = *state;

	r->server.root = "/b";
	r->session->hint = dialect_by_name("b");
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	assert_int_equal(rig_asked(r, "/a/probe"), 0);
	reopen(r);
	r->server.log_len = 0;
	r->session->hint = dialect_by_name("a"); /* no longer true */
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	assert_string_equal(session_server(r->session)->dialect, "b");
}

/* ---- what was found last time ---- */

static char *found(struct rig *r)
{
	struct buf text = BUF_INIT;

	assert_true(session_remember(r->session, &text));
	return buf_take(&text, NULL);
}

static void what_was_found_is_taken_up_again(void **state)
{
	struct rig *r = *state;
	const struct server_info *is;
	struct server_info was;
	struct buf none = BUF_INIT;
	char *text;

	json_object_set_new(r->server.store, "203.0.113.1", json_string("v"));
	assert_false(session_remember(r->session, &none));
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	text = found(r);
	assert_null(strstr(text, "secret"));
	was = *session_server(r->session);
	assert_int_not_equal(was.generation, 0);
	reopen(r);
	assert_false(session_connect_recalled(r->session));
	assert_true(session_recall(r->session, text));
	r->server.log_len = 0;
	assert_true(session_connect_recalled(r->session));
	assert_int_equal(session_state(r->session), SESSION_READY);
	is = session_server(r->session);
	assert_string_equal(is->dialect, was.dialect);
	assert_string_equal(is->versions, was.versions);
	assert_int_equal(is->generation, was.generation);
	assert_memory_equal(is->caps, was.caps, sizeof(is->caps));
	assert_false(session_remember(r->session, &none)); /* hearsay is not passed on */
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_NONE);
	assert_int_equal(r->fetch_count, 1);
	assert_int_equal(r->server.log_len, 1);
	free(text);
}

static void another_server_is_noticed_by_its_answer(void **state)
{
	static const char *const answers[] = { NULL, "<html>welcome</html>", "{\"items\":[]}x" };
	struct rig *r = *state;
	char *text;

	json_object_set_new(r->server.store, "203.0.113.1", json_string("v"));
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	text = found(r);
	r->server.root = "/b"; /* what is asked of /a gets a 404 */
	reopen(r);
	assert_true(session_recall(r->session, text));
	assert_true(session_connect_recalled(r->session));
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_NONE);
	assert_int_equal(r->fetch_count, 1);
	assert_string_equal(session_server(r->session)->dialect, "b");
	free(text);
	text = found(r);
	for (size_t i = 1; i < sizeof(answers) / sizeof(answers[0]); i++) { /* never twice: one that stays so is an error */
		reopen(r);
		r->server.log_len = 0;
		r->server.list_text = answers[i];
		assert_true(session_recall(r->session, text));
		assert_true(session_connect_recalled(r->session));
		assert_true(rig_fetch(r, FETCH_LIST));
		assert_int_equal(r->fetch_err.code, ERR_PROTOCOL);
		assert_int_equal(rig_asked(r, "/probe"), 1);
		assert_int_equal(rig_asked(r, "/list"), 2);
	}
	free(text);
}

/* Its generation may be another one now: only a list looks the same in all of them. */
static void nothing_but_lists_is_done_on_hearsay(void **state)
{
	struct rig *r = *state;
	struct change *c = change_new();
	char *text;

	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	text = found(r);
	reopen(r);
	r->server.log_len = 0;
	assert_true(session_recall(r->session, text));
	assert_true(session_connect_recalled(r->session));
	assert_true(rig_fetch(r, FETCH_THRESHOLDS));
	assert_int_equal(rig_asked(r, "/probe"), 1);
	reopen(r);
	r->server.log_len = 0;
	assert_true(session_recall(r->session, text));
	assert_true(session_connect_recalled(r->session));
	change_add(c, EDIT_BLOCK, "198.51.100.1");
	assert_true(rig_run(r, c));
	assert_int_equal(r->result->outcomes[0].verdict, VERDICT_IN_FORCE);
	assert_int_equal(rig_asked(r, "/probe"), 1);
	free(text);
}

/* Whatever stands in the file: every prefix of the text, every byte of it another one. */
static void a_damaged_memory_is_no_memory(void **state)
{
	static const char *const bad[] = { "", "null", "[]", "{}", "{\"dialect\":\"nonsense\"}", "{\"dialect\":7}", "jmap" };
	struct rig *r = *state;
	char *text, *copy;
	size_t len;

	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	text = found(r);
	len = strlen(text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(session_recall(r->session, bad[i]));
	copy = xmemdup(text, len);
	for (size_t i = 0; i < len; i++) {
		copy[i] = '\0';
		assert_false(session_recall(r->session, copy));
		copy[i] = text[i] == '9' ? '8' : '9';
		session_recall(r->session, copy); /* may fit, must not harm */
		copy[i] = text[i];
	}
	free(copy);
	free(r->profile.url);
	r->profile.url = xstrdup("http://127.0.0.1:1");
	reopen(r);
	assert_false(session_recall(r->session, text));
	assert_false(session_connect_recalled(r->session));
	free(text);
}

static void a_named_dialect_is_the_only_one_asked(void **state)
{
	struct rig *r = *state;

	free(r->profile.dialect);
	r->profile.dialect = xstrdup("b");
	reopen(r);
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_FOREIGN));
	assert_int_equal(rig_asked(r, "probe"), 1);
	assert_int_equal(rig_asked(r, "/b/probe"), 1);
	free(r->profile.dialect);
	r->profile.dialect = xstrdup("nonsense");
	reopen(r);
	session_connect(r->session);
	assert_int_equal(session_state(r->session), SESSION_FOREIGN);
	assert_int_equal(session_error(r->session)->code, ERR_USAGE);
}

static void a_foreign_server_is_named_as_such(void **state)
{
	struct rig *r = *state;

	r->server.root = "/neither";
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_FOREIGN));
	assert_int_equal(session_error(r->session)->code, ERR_PROTOCOL);
	assert_non_null(strstr(session_error(r->session)->msg, "404"));
	assert_int_equal(session_retry_at(r->session), -1);
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_PROTOCOL);
}

static void a_redirect_ends_the_search(void **state)
{
	struct rig *r = *state;

	r->server.fault = (struct fault){ FAULT_STATUS, "probe", 0, 302, NULL, 9 };
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_FOREIGN));
	assert_non_null(strstr(session_error(r->session)->msg, "redirects are not followed"));
}

static void trouble_is_not_foreign(void **state)
{
	struct rig *r = *state;

	r->server.fault = (struct fault){ FAULT_STATUS, "probe", 0, 503, NULL, 1 };
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_LOST));
	assert_int_equal(session_error(r->session)->code, ERR_SERVER);
	assert_true(session_retry_at(r->session) > 0);
	assert_true(rig_reach(r, SESSION_READY)); /* by itself */
	r->server.fault = (struct fault){ FAULT_STATUS, "refine", 0, 500, NULL, 0 };
	reopen(r);
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_LOST));
	assert_true(rig_reach(r, SESSION_READY));
}

static void without_a_secret_nothing_is_sent(void **state)
{
	struct rig *r = *state;
	struct session_hooks hooks = { .arg = r, .changed = rig_changed };

	session_free(r->session);
	r->session = session_new(r->loop, &r->profile, &hooks);
	assert_false(session_has_secret(r->session));
	session_connect(r->session);
	assert_int_equal(session_state(r->session), SESSION_REFUSED);
	assert_int_equal(session_error(r->session)->code, ERR_AUTH);
	assert_int_equal(r->server.tiny.connections, 0);
	assert_false(session_set_secret(r->session, NULL, "two\nlines", false, NULL));
	assert_int_equal(session_state(r->session), SESSION_REFUSED);
	assert_true(session_set_secret(r->session, NULL, "secret", false, NULL));
	assert_int_equal(session_state(r->session), SESSION_IDLE);
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
}

static void a_wrong_password_is_tried_once(void **state)
{
	struct rig *r = *state;

	r->server.fault = (struct fault){ FAULT_STATUS, "", 0, 401, NULL, 99 };
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_REFUSED));
	for (int i = 0; i < 5; i++) {
		session_connect(r->session);
		assert_true(rig_fetch(r, FETCH_LIST));
		assert_int_equal(r->fetch_err.code, ERR_AUTH);
	}
	assert_int_equal(r->server.log_len, 1);
}

static void a_bad_profile_says_so(void **state)
{
	struct rig *r = *state;

	free(r->profile.url);
	r->profile.url = xstrdup("http://mail.example.org");
	reopen(r);
	session_connect(r->session);
	assert_int_equal(session_state(r->session), SESSION_FOREIGN);
	assert_int_equal(session_error(r->session)->code, ERR_USAGE);
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_USAGE);
}

/* ---- losing and finding again ---- */

static void fill(struct rig *r, unsigned n)
{
	char key[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "203.0.%u.%u", i >> 8, i & 255);
		json_object_set_new(r->server.store, key, json_string("v"));
	}
}

static void an_upgraded_server_is_found_again(void **state)
{
	struct rig *r = *state;
	struct change *c = change_new();

	fill(r, 5);
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_count, 5);
	r->server.root = "/b";
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_NONE);
	assert_int_equal(r->fetch_count, 5);
	assert_string_equal(session_server(r->session)->dialect, "b");
	r->server.root = "/a";
	assert_true(rig_fetch(r, FETCH_LIST)); /* too soon after the last one: its 404 is told */
	assert_int_equal(r->fetch_err.code, ERR_NOT_FOUND);
	while (clock_mono() < (r->session->again_at + 1100)) /* nothing happens meanwhile */
		loop_turn(r->loop, 100);
	r->server.root = "/a";
	change_add(c, EDIT_BLOCK, "198.51.100.1");
	assert_true(rig_run(r, c));
	assert_int_equal(r->result->outcomes[0].verdict, VERDICT_IN_FORCE);
	assert_string_equal(fake_live(&r->server, "198.51.100.1"), "x");
}

static enum decode decode_nothing(const struct server *srv, struct fetch_job *job, const struct response *res, struct err *err)
{
	(void)srv, (void)job, (void)res;
	err_set(err, ERR_PROTOCOL, "no list of this dialect");
	return DECODE_FAIL;
}

/* 200 and a whole document, but of another dialect: asked once who stands there, and not over and over. */
static void an_answer_of_another_shape_leads_to_a_look(void **state)
{
	struct dialect_ops other = fake_b;
	struct rig *r = *state;

	other.fetch_decode = decode_nothing;
	fill(r, 5);
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	r->session->dialect = &other;
	r->server.log_len = 0;
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_NONE);
	assert_int_equal(r->fetch_count, 5);
	assert_int_equal(rig_asked(r, "/a/probe"), 1);
	assert_ptr_equal(r->session->dialect, &fake_a);
	r->session->dialect = &other;
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_PROTOCOL);
	assert_int_equal(rig_asked(r, "/a/probe"), 1);
}

static void a_lost_server_comes_back(void **state)
{
	struct rig *r = *state;

	fill(r, 3);
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	r->server.fault = (struct fault){ FAULT_CUT_BEFORE, "/list", 0, 0, NULL, 1 };
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_NETWORK);
	assert_int_equal(session_state(r->session), SESSION_LOST);
	assert_true(session_retry_at(r->session) - clock_mono() <= 1300);
	assert_true(rig_fetch(r, FETCH_LIST)); /* waits for the next try */
	assert_int_equal(r->fetch_err.code, ERR_NONE);
	assert_int_equal(r->fetch_count, 3);
	assert_int_equal(session_state(r->session), SESSION_READY);
}

static void waiting_fails_when_the_next_try_fails(void **state)
{
	struct rig *r = *state;
	int64_t first, second;

	r->server.fault = (struct fault){ FAULT_CUT_BEFORE, "/probe", 0, 0, NULL, 99 };
	session_connect(r->session);
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_NETWORK);
	assert_int_equal(session_state(r->session), SESSION_LOST);
	first = session_retry_at(r->session) - clock_mono();
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_NETWORK);
	second = session_retry_at(r->session) - clock_mono();
	assert_true(second > first); /* backs off: 1 s, 2 s, … with a quarter of jitter */
	assert_true(second <= 2500);
}

/* ---- reading ---- */

static void a_fetch_waits_for_the_session(void **state)
{
	struct rig *r = *state;
	struct fetch f = { .kind = FETCH_LIST };

	fill(r, 1000);
	session_fetch(r->session, &f, NULL, rig_fetch_done, r);
	loop_turn(r->loop, 0);
	assert_false(r->done);
	session_connect(r->session);
	assert_true(rig_wait(r));
	assert_int_equal(r->fetch_count, 1000);
	assert_int_equal(session_server(r->session)->caps[CAP_BIT_READ_BLOCKED], CAP_YES);
}

static const char *const bad_lists[] = {
	"{\"items\":{\"203.0.113.1\":\"a\"", "{\"items\":{\"203.0.113.1\":\"a\"}}x", "<html>login</html>", "", "null garbage",
	"{\"items\":{\"203.0.113.1\":\"a\",}}",
};

static void a_broken_list_is_no_list(void **state)
{
	struct rig *r = *state;

	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	for (size_t i = 0; i < sizeof(bad_lists) / sizeof(bad_lists[0]); i++) {
		r->server.list_text = bad_lists[i];
		assert_true(rig_fetch(r, FETCH_LIST));
		assert_int_equal(r->fetch_err.code, ERR_PROTOCOL);
		assert_int_equal(r->fetch_count, 0);
		assert_int_equal(session_state(r->session), SESSION_READY);
	}
}

static void hostile_keys_and_values_pass_as_rows(void **state)
{
	struct rig *r = *state;

	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	r->server.list_text = "{\"items\":{\"203.0.113.1\":\"n\\u0000ul\",\"\\u001b]0;x\":\"\xff\",\"\":\"\",\"203.0.113.2\":17,\"203.0.113.3\":null}}";
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_NONE);
	assert_int_equal(r->fetch_count, 3);
}

static void a_refused_fetch_greys_the_capability(void **state)
{
	struct rig *r = *state;
	unsigned asked;

	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	r->server.fault = (struct fault){ FAULT_STATUS, "/list", 0, 403, NULL, 0 };
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_PERMISSION);
	assert_non_null(server_lacks(session_server(r->session), CAP(READ_BLOCKED)));
	asked = r->server.log_len;
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_PERMISSION);
	assert_int_equal(r->server.log_len, asked);
	session_connect(r->session); /* asked again on purpose */
	assert_true(rig_reach(r, SESSION_READY));
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_NONE);
}

static void permissions_can_be_asked(void **state)
{
	struct rig *r = *state;

	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	assert_int_equal(session_server(r->session)->caps[CAP_BIT_READ_LOG], CAP_UNTESTED);
	assert_true(rig_fetch(r, FETCH_PERMISSIONS));
	assert_int_equal(r->fetch_err.code, ERR_NONE);
	assert_int_equal(session_server(r->session)->caps[CAP_BIT_READ_LOG], CAP_YES);
	fake_refines = 0; /* a dialect with nothing to ask */
	assert_true(rig_fetch(r, FETCH_PERMISSIONS));
	assert_int_equal(r->fetch_err.code, ERR_NONE);
}

static void cancelled_owners_hear_nothing(void **state)
{
	struct rig *r = *state;
	struct fetch f = { .kind = FETCH_LIST };
	struct scope owner;
	int64_t end = clock_mono() + HANG_MS;

	scope_init(&owner);
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	r->server.fault = (struct fault){ FAULT_STALL, "/list", 0, 0, NULL, 0 };
	for (int i = 0; i < 3; i++)
		session_fetch(r->session, &f, &owner, rig_fetch_done, r);
	assert_int_equal(session_in_flight(r->session), 3);
	while (!rig_asked(r, "/list") && clock_mono() < end)
		loop_turn(r->loop, 50);
	scope_cancel(&owner);
	assert_int_equal(session_in_flight(r->session), 0);
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(rig_asked(r, "/list"), 2); /* the two that waited were never sent */
}

static void free_session(void *arg, struct fetch_reply *reply)
{
	struct rig *r = arg;

	(void)reply;
	session_free(r->session);
	r->session = NULL;
	r->done = true;
}

static void a_callback_may_free_the_session(void **state)
{
	struct rig *r = *state;
	struct fetch f = { .kind = FETCH_LIST };

	session_connect(r->session);
	session_fetch(r->session, &f, NULL, free_session, r);
	session_fetch(r->session, &f, NULL, rig_fetch_done, r);
	assert_true(rig_wait(r));
	assert_null(r->session);
	loop_turn(r->loop, 0);
	rig_open(r);
}

static char traced[4096];

static void on_trace(void *arg, const char *method, const char *path, int status, int64_t ms, size_t bytes, const char *error)
{
	(void)arg, (void)ms, (void)bytes;
	snprintf(traced + strlen(traced), sizeof(traced) - strlen(traced), "%s %s %d %s\n", method, path, status, error);
}

static void the_trace_holds_no_secret(void **state)
{
	struct rig *r = *state;
	struct session_hooks hooks = { .trace = on_trace };

	session_free(r->session);
	r->session = session_new(r->loop, &r->profile, &hooks);
	assert_true(session_set_secret(r->session, "admin", "canary-5512", false, NULL));
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	assert_non_null(strstr(traced, "GET /a/probe 200 \n"));
	assert_null(strstr(traced, "canary"));
	assert_null(strstr(traced, "YWRtaW46"));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_dialect_is_found_with_one_request_each),
		TEST(a_hint_is_asked_first_and_verified),
		TEST(what_was_found_is_taken_up_again),
		TEST(another_server_is_noticed_by_its_answer),
		TEST(nothing_but_lists_is_done_on_hearsay),
		TEST(a_damaged_memory_is_no_memory),
		TEST(a_named_dialect_is_the_only_one_asked),
		TEST(a_foreign_server_is_named_as_such),
		TEST(a_redirect_ends_the_search),
		TEST(trouble_is_not_foreign),
		TEST(without_a_secret_nothing_is_sent),
		TEST(a_wrong_password_is_tried_once),
		TEST(a_bad_profile_says_so),
		TEST(an_upgraded_server_is_found_again),
		TEST(an_answer_of_another_shape_leads_to_a_look),
		TEST(a_lost_server_comes_back),
		TEST(waiting_fails_when_the_next_try_fails),
		TEST(a_fetch_waits_for_the_session),
		TEST(a_broken_list_is_no_list),
		TEST(hostile_keys_and_values_pass_as_rows),
		TEST(a_refused_fetch_greys_the_capability),
		TEST(permissions_can_be_asked),
		TEST(cancelled_owners_hear_nothing),
		TEST(a_callback_may_free_the_session),
		TEST(the_trace_holds_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
