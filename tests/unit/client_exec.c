/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/exec: changes carried out against a server of the test's own, cut and refused at every step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_dialect.h"

static struct outcome *outcome(struct rig *r, size_t i)
{
	return &r->result->outcomes[i];
}

static void assert_verdict(struct rig *r, size_t i, enum verdict v, enum err_code why)
{
	const struct outcome *o = outcome(r, i);

	if (o->verdict != v || o->why != why)
		fail_msg("edit %zu: %s/%d, not %s/%d: %s", i, verdict_name(o->verdict), o->why, verdict_name(v), why,
			o->detail ? o->detail : "");
}

static const struct step_report *step_of_kind(const struct change *c, enum step_kind k)
{
	for (size_t i = 0; i < c->step_count; i++)
		if (c->steps[i].kind == k)
			return &c->steps[i];
	return NULL;
}

static struct edit *add_threshold(struct change *c, const char *target, const char *rate)
{
	struct edit *e = change_add(c, EDIT_THRESHOLD, target);

	assert_true(rate_parse(rate, strlen(rate), e->value, NULL));
	return e;
}

/* ---- the ordinary way ---- */

static void everything_at_once(void **state)
{
	struct rig *r = *state;
	struct change *c = change_new();

	json_object_set_new(r->server.store, "198.51.100.1", json_string("old"));
	change_add(c, EDIT_BLOCK, "203.0.113.1")->note = xstrdup("mine");
	change_add(c, EDIT_UNBLOCK, "198.51.100.1");
	add_threshold(c, "auth", "10/1h");
	change_add(c, EDIT_BLOCK, "203.0.113.0/28");
	change_add(c, EDIT_RESET_COUNTERS, "all");
	assert_true(rig_run(r, c));
	for (size_t i = 0; i < 5; i++)
		assert_verdict(r, i, VERDICT_IN_FORCE, ERR_NONE);
	assert_string_equal(fake_live(&r->server, "203.0.113.1"), "mine");
	assert_null(fake_live(&r->server, "198.51.100.1"));
	assert_string_equal(fake_live(&r->server, "auth"), "10/1h");
	assert_int_equal(r->server.resets, 1);
	assert_null(outcome(r, 0)->before);
	assert_string_equal(outcome(r, 0)->after, "mine");
	assert_string_equal(outcome(r, 1)->before, "old");
	assert_null(outcome(r, 1)->after);
	assert_int_equal(rig_asked(r, "/read"), 4); /* four edits in batches of three, before and after */
	assert_int_equal(rig_asked(r, "/write"), 2);
	assert_int_equal(rig_asked(r, "/reload/0"), 1);
	assert_int_equal(rig_asked(r, "/reload/1"), 1);
	assert_int_equal(r->result->step_count, 6); /* before, write, read back, two reloads, reset: batches are joined */
	for (size_t i = 0; i < r->result->step_count; i++)
		assert_true(r->result->steps[i].ok);
	assert_int_equal(step_of_kind(r->result, STEP_WRITE)->count, 4);
	assert_true(r->progress >= 6);
	assert_true(r->result->started != TIME_NONE && r->result->ended >= r->result->started);
	assert_false(r->result->cancelled);
}

static void what_is_so_already_is_not_written(void **state)
{
	struct rig *r = *state;
	struct change *c = change_new();

	json_object_set_new(r->server.store, "203.0.113.1", json_string("theirs"));
	json_object_set_new(r->server.store, "auth", json_string("10/1h"));
	change_add(c, EDIT_BLOCK, "203.0.113.1")->note = xstrdup("mine");
	change_add(c, EDIT_UNBLOCK, "198.51.100.1");
	add_threshold(c, "auth", "10/1h")->expected = xstrdup("5/1h");
	assert_true(rig_run(r, c));
	for (size_t i = 0; i < 3; i++) {
		assert_verdict(r, i, VERDICT_IN_FORCE, ERR_NONE);
		assert_true(outcome(r, i)->no_op);
	}
	assert_int_equal(rig_asked(r, "/write"), 0);
	assert_int_equal(rig_asked(r, "/read"), 1);
	assert_int_equal(rig_asked(r, "/reload"), 2); /* it may be stored and not live */
	assert_string_equal(fake_live(&r->server, "203.0.113.1"), "theirs");
	assert_string_equal(outcome(r, 0)->after, "theirs");
}

static void another_admin_is_not_overwritten(void **state)
{
	struct rig *r = *state;
	struct change *c = change_new();

	json_object_set_new(r->server.store, "auth", json_string("7/1h"));
	json_object_set_new(r->server.store, "203.0.113.9", json_string("new"));
	add_threshold(c, "auth", "10/1h")->expected = xstrdup("5/1h");
	change_add(c, EDIT_UNBLOCK, "203.0.113.9")->expected = xstrdup("old");
	add_threshold(c, "scan", "3/1d")->expected = xstrdup("");
	assert_true(rig_run(r, c));
	assert_verdict(r, 0, VERDICT_NOT_STORED, ERR_CONFLICT);
	assert_non_null(strstr(outcome(r, 0)->detail, "7/1h"));
	assert_non_null(strstr(outcome(r, 0)->detail, "5/1h"));
	assert_verdict(r, 1, VERDICT_NOT_STORED, ERR_CONFLICT);
	assert_verdict(r, 2, VERDICT_IN_FORCE, ERR_NONE);
	assert_string_equal(fake_stored(&r->server, "auth"), "7/1h");
	assert_string_equal(fake_stored(&r->server, "203.0.113.9"), "new");
}

static void spoil_after_write(struct fake_server *s)
{
	json_object_set_new(s->store, "spoilt", json_string("x"));
	s->on_write = NULL;
	s->fault = (struct fault){ FAULT_NONE, "", 0, 0, NULL, 0 };
}

static void a_write_that_does_not_stick_is_a_mismatch(void **state)
{
	struct rig *r = *state;
	struct change *c = change_new();

	/* the write is answered and lost: the server swallows it whole */
	r->server.on_write = spoil_after_write;
	change_add(c, EDIT_EXPIRY, "203.0.113.1");
	json_object_set_new(r->server.store, "203.0.113.1", json_string("old"));
	add_threshold(c, "auth", "10/1h");
	r->server.fault = (struct fault){ FAULT_STATUS, "/write", 0, 200, "{}", 0 };
	assert_true(rig_run(r, c));
	assert_verdict(r, 0, VERDICT_MISMATCH, ERR_CONFLICT);
	assert_verdict(r, 1, VERDICT_MISMATCH, ERR_CONFLICT);
	assert_string_equal(outcome(r, 0)->after, "old");
	assert_int_equal(rig_asked(r, "/reload"), 0);
}

/* ---- refusals ---- */

static void a_refused_reload_names_the_key(void **state)
{
	struct rig *r = *state;
	struct change *c = change_new();

	r->server.full_reload_refused = true;
	r->server.reload_errors[RELOAD_SETTINGS] = json_pack("{s:s}", "server.listener.smtp.bind", "invalid socket address");
	r->server.reload_errors[RELOAD_BLOCKED] = json_pack("{s:s}", "server.blocked-ip.203.0.113.2", "invalid");
	change_add(c, EDIT_BLOCK, "203.0.113.1");
	change_add(c, EDIT_BLOCK, "203.0.113.2");
	add_threshold(c, "auth", "10/1h");
	assert_true(rig_run(r, c));
	assert_verdict(r, 0, VERDICT_IN_FORCE, ERR_NONE); /* the small reload takes the good ones */
	assert_verdict(r, 1, VERDICT_STORED, ERR_SERVER);
	assert_verdict(r, 2, VERDICT_STORED, ERR_SERVER);
	assert_non_null(strstr(outcome(r, 2)->detail, "server.listener.smtp.bind"));
	assert_non_null(strstr(outcome(r, 2)->detail, "invalid socket address"));
	assert_string_equal(fake_stored(&r->server, "auth"), "10/1h");
}

static const struct {
	const char *path;
	int status;
	enum fault_kind kind;
	enum verdict verdict;
	enum err_code why;
	bool stored;
} refusals[] = {
	{ "/read", 403, FAULT_STATUS, VERDICT_NOT_STORED, ERR_PERMISSION, false },
	{ "/read", 500, FAULT_STATUS, VERDICT_NOT_STORED, ERR_SERVER, false },
	{ "/write", 400, FAULT_STATUS, VERDICT_NOT_STORED, ERR_PROTOCOL, false },
	{ "/write", 403, FAULT_STATUS, VERDICT_NOT_STORED, ERR_PERMISSION, false },
	{ "/write", 413, FAULT_STATUS, VERDICT_NOT_STORED, ERR_LIMIT, false },
	{ "/write", 500, FAULT_STATUS, VERDICT_NOT_STORED, ERR_SERVER, false },
	{ "/write", 500, FAULT_STATUS_DONE, VERDICT_STORED, ERR_SERVER, true }, /* 0.15.5 with a file it can't write */
	{ "/write", 502, FAULT_STATUS_DONE, VERDICT_STORED, ERR_SERVER, true },
	{ "/reload", 403, FAULT_STATUS, VERDICT_STORED, ERR_PERMISSION, true },
	{ "/reload", 500, FAULT_STATUS, VERDICT_STORED, ERR_SERVER, true },
};

static void refused_at_every_step(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct change *c = change_new();

		json_object_clear(r->server.store);
		json_object_clear(r->server.live);
		r->server.fault = (struct fault){ refusals[i].kind, refusals[i].path, 0, refusals[i].status, NULL, 0 };
		session_connect(r->session); /* forgets what was learned of permissions */
		assert_true(rig_reach(r, SESSION_READY));
		change_add(c, EDIT_BLOCK, "203.0.113.1");
		assert_true(rig_run(r, c));
		assert_verdict(r, 0, refusals[i].verdict, refusals[i].why);
		assert_int_equal(fake_stored(&r->server, "203.0.113.1") != NULL, refusals[i].stored);
		assert_null(fake_live(&r->server, "203.0.113.1"));
		assert_int_equal(r->server.fault.kind, FAULT_NONE);
	}
}

static void a_caveat_is_no_in_force(void **state)
{
	struct rig *r = *state;
	struct change *c = change_new();

	fake_caveat = "works after a restart only";
	add_threshold(c, "auth", "10/1h");
	assert_true(rig_run(r, c));
	assert_verdict(r, 0, VERDICT_STORED, ERR_UNSUPPORTED);
}

static void permissions_are_learned(void **state)
{
	struct rig *r = *state;
	const struct server_info *info = session_server(r->session);
	struct change *c = change_new();
	unsigned asked;

	r->server.fault = (struct fault){ FAULT_STATUS, "/write", 0, 403, NULL, 0 };
	change_add(c, EDIT_BLOCK, "203.0.113.1");
	assert_true(rig_run(r, c));
	assert_int_equal(info->caps[CAP_BIT_WRITE_BLOCKED], CAP_NO_PERMISSION);
	asked = r->server.log_len;
	c = change_new();
	change_add(c, EDIT_BLOCK, "203.0.113.2");
	assert_true(rig_run(r, c));
	assert_verdict(r, 0, VERDICT_NOT_STORED, ERR_PERMISSION);
	assert_int_equal(r->server.log_len, asked); /* nothing was sent */
	c = change_new();
	add_threshold(c, "auth", "10/1h");
	assert_true(rig_run(r, c));
	assert_int_equal(info->caps[CAP_BIT_WRITE_THRESHOLDS], CAP_YES);
	assert_int_equal(info->caps[CAP_BIT_RELOAD], CAP_YES);
}

/* ---- cut between each pair of steps ---- */

static const struct {
	const char *path;
	unsigned skip;
	enum verdict before, after;   /* verdict when cut before, and after the server did its work */
	enum verdict recheck_before, recheck_after;
} cuts[] = {
	{ "/read", 0, VERDICT_NOT_STORED, VERDICT_NOT_STORED, VERDICT_NOT_STORED, VERDICT_NOT_STORED },
	{ "/write", 0, VERDICT_UNKNOWN, VERDICT_UNKNOWN, VERDICT_NOT_STORED, VERDICT_STORED },
	{ "/read", 1, VERDICT_UNKNOWN, VERDICT_UNKNOWN, VERDICT_STORED, VERDICT_STORED },
	{ "/reload", 0, VERDICT_UNKNOWN, VERDICT_UNKNOWN, VERDICT_STORED, VERDICT_STORED },
	{ "/reset", 0, VERDICT_IN_FORCE, VERDICT_IN_FORCE, VERDICT_IN_FORCE, VERDICT_IN_FORCE },
};

static void check_cut(struct rig *r, size_t i, bool after, bool remove)
{
	struct change *c = change_new();
	const char *key = "203.0.113.1";
	enum verdict v;

	json_object_clear(r->server.store);
	if (remove)
		json_object_set_new(r->server.store, key, json_string("old"));
	json_decref(r->server.live);
	r->server.live = json_deep_copy(r->server.store);
	change_add(c, remove ? EDIT_UNBLOCK : EDIT_BLOCK, key);
	c->reset_classes = 1u << CLASS_AUTH;
	r->server.fault = (struct fault){ after ? FAULT_CUT_AFTER : FAULT_CUT_BEFORE, cuts[i].path, cuts[i].skip, 0, NULL, 0 };
	/* libcurl repeats a request on a kept-alive connection that dies at once, except where it must be sent once only */
	if (!strcmp(cuts[i].path, "/read") || !strcmp(cuts[i].path, "/reload"))
		r->server.fault.more = 1;
	session_connect(r->session);
	assert_true(rig_reach(r, SESSION_READY));
	r->server.log_len = 0;
	assert_true(rig_run(r, c));
	r->server.fault = (struct fault){ 0 };
	v = outcome(r, 0)->verdict;
	if (v != (after ? cuts[i].after : cuts[i].before))
		fail_msg("cut %zu, %s: %s", i, after ? "after" : "before", verdict_name(v));
	/* a write whose connection is cut is never sent twice; the last thing asked was cut off */
	assert_true(rig_asked(r, "/write") <= 1);
	if (v == VERDICT_IN_FORCE)
		assert_int_equal(fake_live(&r->server, key) != NULL, !remove);
	if (v == VERDICT_NOT_STORED)
		assert_int_equal(fake_stored(&r->server, key) != NULL, remove);
	assert_true(rig_reach(r, SESSION_READY)); /* it comes back by itself */
	assert_true(rig_recheck(r));
	v = outcome(r, 0)->verdict;
	if (v != (after ? cuts[i].recheck_after : cuts[i].recheck_before))
		fail_msg("cut %zu, %s, read again: %s (%s)", i, after ? "after" : "before", verdict_name(v), outcome(r, 0)->detail);
	if (v == VERDICT_STORED)
		assert_int_equal(fake_stored(&r->server, key) != NULL, !remove);
	if (v == VERDICT_NOT_STORED)
		assert_int_equal(fake_stored(&r->server, key) != NULL, remove);
	assert_true(rig_asked(r, "/write") <= 1);
}

static void cut_between_each_pair_of_steps(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
		for (int k = 0; k < 4; k++)
			check_cut(r, i, k & 1, k & 2);
}

/* What a change did not come to is made up for: read again, reloaded, judged; and what was never written stays so. */
static void read_again_and_reloaded(void **state)
{
	struct rig *r = *state;
	struct change *c = change_new();

	change_add(c, EDIT_BLOCK, "203.0.113.1");
	change_add(c, EDIT_BLOCK, "203.0.113.2");
	change_add(c, EDIT_BLOCK, "203.0.113.3");
	change_add(c, EDIT_BLOCK, "203.0.113.4");
	r->server.fault = (struct fault){ FAULT_CUT_AFTER, "/write", 0, 0, NULL, 0 };
	assert_true(rig_run(r, c));
	assert_verdict(r, 0, VERDICT_UNKNOWN, ERR_NETWORK);
	assert_null(fake_live(&r->server, "203.0.113.1"));
	r->server.fault = (struct fault){ 0 };
	assert_true(rig_reach(r, SESSION_READY));
	r->server.log_len = 0;
	r->recheck_reloads = true;
	assert_true(rig_recheck(r));
	for (size_t i = 0; i < 3; i++)
		assert_verdict(r, i, VERDICT_IN_FORCE, ERR_NONE);
	assert_verdict(r, 3, VERDICT_NOT_STORED, ERR_NETWORK);
	assert_non_null(fake_live(&r->server, "203.0.113.1"));
	assert_int_equal(rig_asked(r, "/write"), 0);
	assert_int_equal(rig_asked(r, "/reload"), 1);
}

static void a_lost_batch_leaves_the_others_as_they_are(void **state)
{
	struct rig *r = *state;
	struct change *c = change_new();
	char target[32];

	for (int i = 0; i < 9; i++) {
		snprintf(target, sizeof(target), "203.0.113.%d", i);
		change_add(c, EDIT_BLOCK, target);
	}
	r->server.fault = (struct fault){ FAULT_CUT_AFTER, "/write", 1, 0, NULL, 0 };
	assert_true(rig_run(r, c));
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(outcome(r, i)->verdict, VERDICT_UNKNOWN);
	for (size_t i = 6; i < 9; i++)
		assert_verdict(r, i, VERDICT_NOT_STORED, ERR_NETWORK);
	assert_int_equal(json_object_size(r->server.store), 6);
	assert_true(rig_reach(r, SESSION_READY));
	assert_true(rig_recheck(r));
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(outcome(r, i)->verdict, VERDICT_STORED);
	assert_int_equal(outcome(r, 8)->verdict, VERDICT_NOT_STORED);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_set_up, rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(everything_at_once),
		TEST(what_is_so_already_is_not_written),
		TEST(another_admin_is_not_overwritten),
		TEST(a_write_that_does_not_stick_is_a_mismatch),
		TEST(a_refused_reload_names_the_key),
		TEST(refused_at_every_step),
		TEST(a_caveat_is_no_in_force),
		TEST(permissions_are_learned),
		TEST(cut_between_each_pair_of_steps),
		TEST(read_again_and_reloaded),
		TEST(a_lost_batch_leaves_the_others_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
