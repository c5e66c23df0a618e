/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Slots that a dialect leaves out: whoever would call one refuses instead, and says why. */
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

#define WHY "this server's generation can't do that"

static struct dialect_ops bare; /* the fake one, less what a test takes out */

static int set_up(void **state)
{
	struct rig *r = xmalloc(sizeof(*r));

	rig_init(r);
	session_connect(r->session);
	*state = r;
	if (!rig_reach(r, SESSION_READY))
		return -1;
	bare = fake_a;
	r->session->dialect = &bare;
	return 0;
}

static struct change *one_block(void)
{
	struct change *c = change_new();

	change_add(c, EDIT_BLOCK, "203.0.113.7");
	return c;
}

static const struct outcome *block(struct rig *r)
{
	assert_true(rig_run(r, one_block()));
	return &r->result->outcomes[0];
}

static void assert_says(const struct outcome *o, enum verdict v, const char *words)
{
	if (o->verdict != v || !o->detail || !strstr(o->detail, words))
		fail_msg("%s: %s", verdict_name(o->verdict), o->detail ? o->detail : "(nothing)");
}

static void without_reading_nothing_is_written(void **state)
{
	struct rig *r = *state;
	const struct outcome *o;

	bare.read_encode = NULL;
	o = block(r);
	assert_says(o, VERDICT_NOT_STORED, "can't block and un-block: " WHY);
	assert_int_equal(o->why, ERR_UNSUPPORTED);
	assert_null(fake_stored(&r->server, "203.0.113.7"));
	assert_int_equal(rig_asked(r, "/write"), 0);
}

static void without_writing_nothing_changes(void **state)
{
	struct rig *r = *state;

	bare.write_encode = NULL;
	bare.write_decode = NULL;
	bare.wanted = NULL;
	assert_says(block(r), VERDICT_NOT_STORED, "can't block and un-block: " WHY);
	assert_null(fake_stored(&r->server, "203.0.113.7"));
	assert_int_equal(rig_asked(r, "/write"), 0);
}

static void without_the_reload_it_asks_for_it_is_stored_only(void **state)
{
	struct rig *r = *state;

	bare.reload_encode = NULL;
	assert_says(block(r), VERDICT_STORED, "can't make changes live: " WHY);
	assert_non_null(fake_stored(&r->server, "203.0.113.7"));
	assert_null(fake_live(&r->server, "203.0.113.7"));
}

static void what_needs_no_reload_is_in_force(void **state)
{
	struct rig *r = *state;

	bare.reloads = NULL;
	bare.caveat = NULL;
	assert_int_equal(block(r)->verdict, VERDICT_IN_FORCE);
	assert_int_equal(rig_asked(r, "/reload"), 0);
}

static void counters_that_can_not_be_reset_are_named(void **state)
{
	struct rig *r = *state;
	struct change *c = one_block();

	bare.reset_encode = NULL;
	c->reset_classes = 1u << CLASS_AUTH;
	assert_true(rig_run(r, c));
	assert_says(&r->result->outcomes[0], VERDICT_IN_FORCE, "can't reset failure counters: " WHY);

	c = change_new();
	change_add(c, EDIT_RESET_COUNTERS, "all");
	assert_true(rig_run(r, c));
	assert_says(&r->result->outcomes[0], VERDICT_NOT_STORED, "can't reset failure counters: " WHY);
	assert_int_equal(rig_asked(r, "/reset"), 0);
}

static void a_fetch_is_refused(void **state)
{
	struct rig *r = *state;

	bare.fetch_encode = NULL;
	assert_true(rig_fetch(r, FETCH_LIST));
	assert_int_equal(r->fetch_err.code, ERR_UNSUPPORTED);
	assert_string_equal(r->fetch_err.msg, "can't list blocked addresses: " WHY);
	assert_true(rig_fetch(r, FETCH_THRESHOLDS));
	assert_string_equal(r->fetch_err.msg, "can't read thresholds: " WHY);
	bare.refine_encode = NULL; /* nothing more to find out: what is known stays */
	assert_true(rig_fetch(r, FETCH_PERMISSIONS));
	assert_int_equal(r->fetch_err.code, ERR_NONE);
	assert_int_equal(session_server(r->session)->caps[CAP_BIT_WRITE_BLOCKED], CAP_UNTESTED);
}

static void a_dry_run_says_it_too(void **state)
{
	struct rig *r = *state;
	struct change *c = one_block();
	const struct dry_known known = { NULL, NULL };
	struct dry_run dry = { .requests = NULL };
	struct buf out = BUF_INIT;
	struct err err = ERR_INIT;

	c->reset_classes = 1u << CLASS_AUTH;
	bare.reset_encode = NULL;
	assert_false(session_dry_run(r->session, c, &known, &dry, &err));
	dry_run_text(&dry, &out);
	dry_run_release(&dry);
	assert_string_equal(err.msg, "can't reset failure counters: " WHY);
	assert_non_null(strstr(buf_str(&out), "POST /a/write"));
	bare.write_encode = NULL;
	bare.wanted = NULL;
	bare.reloads = NULL;
	buf_reset(&out);
	assert_true(session_dry_run(r->session, c, &known, &dry, &err));
	assert_int_equal(dry.left_out, 1);
	assert_int_equal(dry.why.code, ERR_UNSUPPORTED);
	dry_run_text(&dry, &out);
	dry_run_release(&dry);
	assert_string_equal(buf_str(&out), "# not sent: block 203.0.113.7: can't block and un-block: " WHY "\n");
	buf_release(&out);
	change_free(c);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, rig_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_reading_nothing_is_written),
		TEST(without_writing_nothing_changes),
		TEST(without_the_reload_it_asks_for_it_is_stored_only),
		TEST(what_needs_no_reload_is_in_force),
		TEST(counters_that_can_not_be_reset_are_named),
		TEST(a_fetch_is_refused),
		TEST(a_dry_run_says_it_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
