/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/exec at size, stopped, refused by the session, and dry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "tests/unit/fake_dialect.h"

static struct change *blocks(size_t n)
{
	struct change *c = change_new();
	char target[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(target, sizeof(target), "10.%zu.%zu.%zu", i >> 16, i >> 8 & 255, i & 255);
		change_add(c, EDIT_BLOCK, target);
	}
	return c;
}

static void a_hundred_thousand_edits(void **state)
{
	struct rig *r = *state;
	const size_t n = 100000;
	struct rusage before, after;

	fake_batch = 5000;
	getrusage(RUSAGE_SELF, &before);
	assert_true(rig_run(r, blocks(n)));
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(change_tally(r->result, VERDICT_IN_FORCE), n);
	assert_int_equal(json_object_size(r->server.live), n);
	assert_int_equal(rig_asked(r, "/write"), 20);
	assert_int_equal(fake_written, 20); /* each once, whether ahead or when its turn came */
	assert_int_equal(r->result->step_count, 4);
	assert_int_equal(r->result->steps[1].count, n);
	/* linear: quadratic work over 100,000 edits takes minutes */
	assert_true(after.ru_utime.tv_sec - before.ru_utime.tv_sec < 30);
}

static void small_batches_of_a_long_change_stay_cheap(void **state)
{
	struct rig *r = *state;
	struct rusage before, after;

	fake_batch = 1;
	getrusage(RUSAGE_SELF, &before);
	assert_true(rig_run(r, blocks(3000)));
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(change_tally(r->result, VERDICT_IN_FORCE), 3000);
	assert_int_equal(r->result->step_count, 4);
	assert_true(after.ru_utime.tv_sec - before.ru_utime.tv_sec < 30);
}

static void stopping_ends_between_two_batches(void **state)
{
	struct rig *r = *state;
	struct change *c = blocks(12);

	r->stop_at = 6; /* four reads, then the second write */
	assert_true(rig_run(r, c));
	assert_true(r->result->cancelled);
	assert_int_equal(change_tally(r->result, VERDICT_IN_FORCE), 6);
	assert_int_equal(change_tally(r->result, VERDICT_PENDING), 6);
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(r->result->outcomes[i].verdict, i < 6 ? VERDICT_IN_FORCE : VERDICT_PENDING);
	assert_int_equal(json_object_size(r->server.live), 6); /* what was done is live, and told exactly */
}

static void who_may_not_write_is_not_asked_again(void **state)
{
	struct rig *r = *state;

	r->server.fault = (struct fault){ FAULT_STATUS, "/write", 0, 403, NULL, 99 };
	assert_true(rig_run(r, blocks(12)));
	assert_int_equal(rig_asked(r, "/write"), 1); /* of four batches */
	assert_int_equal(change_tally(r->result, VERDICT_NOT_STORED), 12);
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(r->result->outcomes[i].why, ERR_PERMISSION);
	assert_int_equal(json_object_size(r->server.store), 0);
}

static void stopping_before_the_first_write_writes_nothing(void **state)
{
	struct rig *r = *state;

	r->stop_at = 1;
	assert_true(rig_run(r, blocks(12)));
	assert_true(r->result->cancelled);
	assert_int_equal(change_tally(r->result, VERDICT_PENDING), 12);
	assert_int_equal(rig_asked(r, "/write"), 0);
	assert_int_equal(rig_asked(r, "/reload"), 0);
}

static void a_cancelled_owner_hears_nothing(void **state)
{
	struct rig *r = *state;
	struct scope owner;
	int64_t end;

	scope_init(&owner);
	r->server.fault = (struct fault){ FAULT_STALL, "/write", 0, 0, NULL, 0 };
	session_change(r->session, blocks(3), &owner, rig_progress, rig_change_done, r);
	end = clock_mono() + HANG_MS;
	while (!rig_asked(r, "/write") && clock_mono() < end)
		loop_turn(r->loop, 50);
	assert_int_equal(rig_asked(r, "/write"), 1);
	scope_cancel(&owner);
	assert_int_equal(session_in_flight(r->session), 0);
	assert_true(rig_fetch(r, FETCH_LIST)); /* the session goes on */
	assert_int_equal(r->fetch_err.code, ERR_NONE);
	assert_null(r->result);
}

static void cancelling_all_ends_as_unknown(void **state)
{
	struct rig *r = *state;
	int64_t end = clock_mono() + HANG_MS, began;

	r->server.fault = (struct fault){ FAULT_STALL, "/write", 0, 0, NULL, 0 };
	session_change(r->session, blocks(3), NULL, NULL, rig_change_done, r);
	while (!rig_asked(r, "/write") && clock_mono() < end)
		loop_turn(r->loop, 50);
	began = clock_mono();
	session_cancel_all(r->session);
	assert_true(clock_mono() - began < 100);
	assert_true(rig_wait(r));
	assert_int_equal(change_tally(r->result, VERDICT_UNKNOWN), 3);
	assert_int_equal(r->result->outcomes[0].why, ERR_CANCELLED);
}

/* While the server works on the second, the third is made; it is dropped when nobody wants it any more. */
static void the_next_batch_is_made_ahead(void **state)
{
	struct rig *r = *state;
	int64_t end = clock_mono() + HANG_MS;

	r->server.fault = (struct fault){ FAULT_STALL, "/write", 1, 0, NULL, 0 };
	session_change(r->session, blocks(12), NULL, NULL, rig_change_done, r);
	while (fake_written < 3 && clock_mono() < end)
		loop_turn(r->loop, 50);
	assert_int_equal(fake_written, 3);
	assert_int_equal(rig_asked(r, "/write"), 2);
	session_cancel_all(r->session);
	assert_true(rig_wait(r));
	assert_int_equal(rig_asked(r, "/write"), 2);
	assert_int_equal(change_tally(r->result, VERDICT_IN_FORCE), 0);
	assert_int_equal(json_object_size(r->server.store), 3);
}

/* ---- what the session forbids ---- */

static void one_401_stops_everything(void **state)
{
	struct rig *r = *state;
	unsigned asked;

	r->server.fault = (struct fault){ FAULT_STATUS, "/write", 0, 401, NULL, 0 };
	assert_true(rig_run(r, blocks(9)));
	assert_int_equal(session_state(r->session), SESSION_REFUSED);
	assert_int_equal(change_tally(r->result, VERDICT_NOT_STORED), 9);
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(r->result->outcomes[i].why, ERR_AUTH);
	asked = r->server.log_len;
	assert_true(rig_run(r, blocks(2)));
	assert_int_equal(r->result->outcomes[0].verdict, VERDICT_NOT_STORED);
	assert_int_equal(r->result->outcomes[0].why, ERR_AUTH);
	session_connect(r->session); /* not even that */
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_AUTH);
	assert_int_equal(r->server.log_len, asked);
	assert_true(session_set_secret(r->session, NULL, "new", false, NULL));
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	assert_true(rig_run(r, blocks(2)));
	assert_int_equal(change_tally(r->result, VERDICT_IN_FORCE), 2);
}

static void a_401_after_the_write_is_not_in_force(void **state)
{
	struct rig *r = *state;

	r->server.fault = (struct fault){ FAULT_STATUS, "/reload", 0, 401, NULL, 0 };
	assert_true(rig_run(r, blocks(2)));
	assert_int_equal(change_tally(r->result, VERDICT_STORED), 2);
	assert_int_equal(r->result->outcomes[0].why, ERR_AUTH);
}

static void a_429_is_waited_out(void **state)
{
	struct rig *r = *state;
	int64_t began = clock_mono();

	r->server.fault = (struct fault){ FAULT_STATUS, "/write", 0, 429, "{\"title\":\"Too Many Requests\"}", 0 };
	assert_true(rig_run(r, blocks(2)));
	assert_int_equal(change_tally(r->result, VERDICT_IN_FORCE), 2);
	assert_int_equal(rig_asked(r, "/write"), 2);
	assert_true(clock_mono() - began >= 900);
	assert_int_equal(session_state(r->session), SESSION_READY);
}

static void a_429_of_the_login_is_a_refusal(void **state)
{
	struct rig *r = *state;

	r->server.fault = (struct fault){ FAULT_STATUS, "/write", 0, 429, "{\"title\":\"Too Many Authentication Attempts\"}", 0 };
	assert_true(rig_run(r, blocks(2)));
	assert_int_equal(session_state(r->session), SESSION_REFUSED);
	assert_int_equal(change_tally(r->result, VERDICT_NOT_STORED), 2);
	assert_int_equal(rig_asked(r, "/write"), 1);
}

static void read_only_sends_nothing(void **state)
{
	struct rig *r = *state;
	struct change *c = blocks(1);
	unsigned asked;

	session_free(r->session);
	r->profile.read_only = true;
	rig_open(r);
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	assert_int_equal(session_server(r->session)->caps[CAP_BIT_WRITE_BLOCKED], CAP_NO_READ_ONLY);
	assert_int_equal(session_server(r->session)->caps[CAP_BIT_READ_BLOCKED], CAP_UNTESTED);
	asked = r->server.log_len;
	change_add(c, EDIT_RELOAD, "all");
	change_add(c, EDIT_RESET_COUNTERS, "all");
	change_add(c, EDIT_CERT_RENEW, "example.org");
	assert_true(rig_run(r, c));
	assert_int_equal(change_tally(r->result, VERDICT_NOT_STORED), 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(r->result->outcomes[i].why, ERR_GUARD);
	assert_int_equal(r->server.log_len, asked);
}

static void an_unreachable_server_gets_nothing(void **state)
{
	struct rig *r = *state;
	struct change *c = blocks(2);

	change_add(c, EDIT_RELOAD, "all");
	change_add(c, EDIT_RESET_COUNTERS, "all");
	loop_fd_remove(r->loop, r->server.tiny.fd);
	close(r->server.tiny.fd);
	while (r->server.tiny.conns)
		tiny_drop(r->server.tiny.conns, true);
	assert_true(rig_run(r, c));
	assert_int_equal(change_tally(r->result, VERDICT_NOT_STORED), 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(r->result->outcomes[i].why, ERR_NETWORK);
	assert_int_equal(session_state(r->session), SESSION_LOST);
	r->server.tiny.fd = socket(AF_INET, SOCK_STREAM, 0);
}

static void a_renewal_where_there_is_none_is_a_reload(void **state)
{
	struct rig *r = *state;
	struct change *c = change_new();

	fake_caveat = "this generation can only re-schedule";
	change_add(c, EDIT_CERT_RENEW, "example.org");
	assert_true(rig_run(r, c));
	assert_int_equal(r->result->outcomes[0].verdict, VERDICT_STORED);
	assert_string_equal(r->result->outcomes[0].detail, fake_caveat);
	assert_int_equal(rig_asked(r, "/reload/1"), 1);
	assert_int_equal(rig_asked(r, "/write"), 0);
}

/* ---- dry ---- */

static void a_dry_run_says_all_and_sends_nothing(void **state)
{
	struct rig *r = *state;
	struct change *c = blocks(4);
	struct buf out = BUF_INIT;
	struct edit *cert = change_add(c, EDIT_CERT_UPLOAD, "default");
	struct dry_run dry = { .requests = NULL };
	unsigned asked = r->server.log_len;

	cert->cert_pem = xstrdup("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
	cert->key_pem = xstrdup("-----BEGIN PRIVATE KEY-----\nSECRETKEYBYTES+/=\nMORE\n-----END PRIVATE KEY-----\n");
	change_add(c, EDIT_UNBLOCK, "198.51.100.1");
	change_add(c, EDIT_CERT_RENEW, "x");
	c->edits[0].note = xstrdup("note with \x1b[31m");
	c->reset_classes = 3;
	assert_true(session_dry_run(r->session, c, &(struct dry_known){ NULL, NULL }, &dry, NULL));
	dry_run_text(&dry, &out);
	dry_run_release(&dry);
	assert_int_equal(r->server.log_len, asked);
	assert_null(strstr(buf_str(&out), "SECRETKEYBYTES"));
	assert_null(strstr(buf_str(&out), "MORE"));
	assert_null(strchr(buf_str(&out), '\x1b'));
	assert_non_null(strstr(buf_str(&out), "-----BEGIN PRIVATE KEY-----"));
	assert_non_null(strstr(buf_str(&out), "POST /a/read\n[\"10.0.0.0\",\"10.0.0.1\",\"10.0.0.2\"]\n"));
	assert_non_null(strstr(buf_str(&out), "POST /a/write\n"));
	assert_non_null(strstr(buf_str(&out), "\"198.51.100.1\""));
	assert_non_null(strstr(buf_str(&out), "GET /a/reload/0\n"));
	assert_non_null(strstr(buf_str(&out), "GET /a/reload/1\n"));
	assert_non_null(strstr(buf_str(&out), "GET /a/reset/1\nGET /a/reset/2\n"));
	assert_int_equal(c->outcomes[0].verdict, VERDICT_PENDING);
	assert_int_equal(c->edits[0].created, TIME_NONE);
	change_free(c);
	buf_release(&out);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_set_up, rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_hundred_thousand_edits),
		TEST(small_batches_of_a_long_change_stay_cheap),
		TEST(stopping_ends_between_two_batches),
		TEST(who_may_not_write_is_not_asked_again),
		TEST(stopping_before_the_first_write_writes_nothing),
		TEST(a_cancelled_owner_hears_nothing),
		TEST(cancelling_all_ends_as_unknown),
		TEST(the_next_batch_is_made_ahead),
		TEST(one_401_stops_everything),
		TEST(a_401_after_the_write_is_not_in_force),
		TEST(a_429_is_waited_out),
		TEST(a_429_of_the_login_is_a_refusal),
		TEST(read_only_sends_nothing),
		TEST(an_unreachable_server_gets_nothing),
		TEST(a_renewal_where_there_is_none_is_a_reload),
		TEST(a_dry_run_says_all_and_sends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
