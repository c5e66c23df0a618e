/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/logsource_api: every line once and in order, while pages shift, connections break and consoles come and go. */
#include "client/logsource_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_dialect.h"

/* What was handed out: the n of each line, as often as it came. */
struct heard {
	unsigned *live, *backlog; /* in order of arrival */
	size_t live_len, live_cap, backlog_len, backlog_cap;
	enum logsource_state state;
	char text[256];
	unsigned states;
	char *cursor;
	struct logsource *source;
};

static unsigned number_of(const struct event *ev)
{
	const char *at = memmem(ev->details.p, ev->details.len, "n = ", 4);

	assert_non_null(at);
	return (unsigned)strtoul(at + 4, NULL, 10);
}

static void on_lines(struct logsource *src, const struct logbatch *batch, void *arg)
{
	struct heard *h = arg;

	(void)src;
	assert_true(batch->count > 0);
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->is_backlog) {
			xgrow(&h->backlog, &h->backlog_cap, h->backlog_len + 1, sizeof(*h->backlog));
			h->backlog[h->backlog_len++] = number_of(&batch->events[i]);
		} else {
			xgrow(&h->live, &h->live_cap, h->live_len + 1, sizeof(*h->live));
			h->live[h->live_len++] = number_of(&batch->events[i]);
		}
	}
	if (batch->is_backlog)
		return;
	if (h->cursor)
		assert_string_equal(batch->from, h->cursor);
	free(h->cursor);
	h->cursor = xstrdup(batch->cursor);
	assert_true(strlen(h->cursor) < LOGSOURCE_CURSOR_MAX);
}

static void on_state(struct logsource *src, enum logsource_state state, const char *text, void *arg)
{
	struct heard *h = arg;

	(void)src;
	h->state = state;
	h->states++;
	snprintf(h->text, sizeof(h->text), "%s", text);
}

static void listen_to(struct rig *r, struct heard *h, const struct logsource_want *want)
{
	struct logsource_events events = { on_lines, on_state, h };

	h->state = LOGSOURCE_OPENING;
	h->source = logsource_open(&logsource_api, r->session, r->loop, NULL, want, &events, NULL);
	assert_non_null(h->source);
}

static void stop_listening(struct heard *h)
{
	logsource_close(h->source);
	h->source = NULL;
}

static void heard_release(struct heard *h)
{
	stop_listening(h);
	free(h->live);
	free(h->backlog);
	free(h->cursor);
	*h = (struct heard){ 0 };
}

static void reach(struct rig *r, struct heard *h, enum logsource_state state)
{
	int64_t end = clock_mono() + HANG_MS;

	while (h->state != state && clock_mono() < end)
		loop_turn(r->loop, 50);
	if (h->state != state)
		fail_msg("state %d (%s), not %d", h->state, h->text, state);
}

static void poll_once(struct rig *r, struct heard *h)
{
	int64_t end = clock_mono() + HANG_MS;
	unsigned asked = r->server.tiny.requests;

	logsource_poll(h->source);
	while ((session_in_flight(r->session) || r->server.tiny.requests == asked || h->state == LOGSOURCE_READING) && clock_mono() < end)
		loop_turn(r->loop, 20);
	for (int i = 0; i < 200; i++) /* slices */
		loop_turn(r->loop, 0);
}

/* The n that line i of the fake log has. */
static unsigned written(unsigned i)
{
	return i % 7 ? i : i ? i - 1 : i;
}

static void assert_live(const struct heard *h, unsigned from, unsigned to)
{
	if (h->live_len != to - from)
		fail_msg("%zu lines, not %u", h->live_len, to - from);
	for (unsigned i = from; i < to; i++)
		if (h->live[i - from] != written(i))
			fail_msg("line %u is %u", i, h->live[i - from]);
}

static int set_up(void **state)
{
	struct rig *r = xmalloc(sizeof(*r));

	rig_init(r);
	r->profile.refresh_ms = 3600000; /* the tests say when to poll */
	session_free(r->session);
	rig_open(r);
	r->server.lines = json_array();
	fake_log(&r->server, 1); /* line 0 has no twin */
	session_connect(r->session);
	*state = r;
	return rig_reach(r, SESSION_READY) ? 0 : -1;
}

static void follow_from_the_end(void **state)
{
	struct rig *r = *state;
	struct heard h = { 0 };
	struct logsource_want want = { .follow = true };

	fake_log(&r->server, 499);
	listen_to(r, &h, &want);
	reach(r, &h, LOGSOURCE_LIVE);
	assert_int_equal(h.live_len, 0);
	for (unsigned i = 0; i < 5; i++) {
		fake_log(&r->server, 3);
		poll_once(r, &h);
		assert_live(&h, 500, 503 + 3 * i);
	}
	poll_once(r, &h);
	assert_live(&h, 500, 515);
	fake_log(&r->server, 3000); /* more than a page at once */
	poll_once(r, &h);
	assert_live(&h, 500, 3515);
	heard_release(&h);
}

static void a_tail_begins_with_the_newest(void **state)
{
	struct rig *r = *state;
	struct heard h = { 0 };
	struct logsource_want want = { .newest = 50, .follow = true };

	fake_log(&r->server, 999);
	listen_to(r, &h, &want);
	reach(r, &h, LOGSOURCE_LIVE);
	assert_int_equal(h.backlog_len, 50);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(h.backlog[i], written(999 - i));
	assert_true(h.source->has_more_backlog);
	fake_log(&r->server, 10);
	poll_once(r, &h);
	assert_live(&h, 1000, 1010);
	fake_log(&r->server, 25); /* the backlog is found again although lines came */
	logsource_older(h.source, 100);
	while (h.backlog_len < 150)
		loop_turn(r->loop, 50);
	for (unsigned i = 0; i < 150; i++)
		assert_int_equal(h.backlog[i], written(999 - i));
	poll_once(r, &h);
	assert_live(&h, 1000, 1035);
	for (int i = 0; i < 40 && h.source->has_more_backlog; i++) {
		logsource_older(h.source, 100);
		poll_once(r, &h);
	}
	assert_int_equal(h.backlog_len, 1000);
	assert_int_equal(h.backlog[999], 0);
	heard_release(&h);
}

static void from_the_oldest_line_on(void **state)
{
	struct rig *r = *state;
	struct heard h = { 0 };
	struct logsource_want want = { .cursor = "" };

	fake_log(&r->server, 29999);
	listen_to(r, &h, &want);
	reach(r, &h, LOGSOURCE_ENDED);
	assert_live(&h, 0, 30000);
	assert_int_equal(h.source->stats.lines, 30000);
	heard_release(&h);
}

/* Following keeps its answers small: beyond that it goes page by page, and lines written meanwhile push others over the edges. */
static void pages_that_shift_are_joined(void **state)
{
	struct rig *r = *state;
	struct heard h = { 0 };
	struct logsource_want want = { .cursor = "", .follow = true };

	fake_log(&r->server, 64999);
	r->server.lines_per_page = 13;
	listen_to(r, &h, &want);
	reach(r, &h, LOGSOURCE_LIVE);
	r->server.lines_per_page = 0;
	poll_once(r, &h);
	assert_live(&h, 0, r->server.lines_written);
	assert_true(rig_asked(r, "page=4") > 0);
	heard_release(&h);
}

static void resumed_by_cursor(void **state)
{
	struct rig *r = *state;
	struct heard h = { 0 };
	struct logsource_want want = { .cursor = "" };
	char *cursor;

	fake_log(&r->server, 299);
	listen_to(r, &h, &want);
	reach(r, &h, LOGSOURCE_ENDED);
	for (unsigned round = 0; round < 5; round++) {
		fake_log(&r->server, round); /* also none at all */
		cursor = xstrdup(h.cursor);
		stop_listening(&h);
		want.cursor = cursor;
		listen_to(r, &h, &want);
		reach(r, &h, LOGSOURCE_ENDED);
		free(cursor);
	}
	assert_live(&h, 0, 310);
	stop_listening(&h);
	want.cursor = "a cursor of another kind";
	h.live_len = 0;
	free(h.cursor);
	h.cursor = NULL;
	listen_to(r, &h, &want);
	reach(r, &h, LOGSOURCE_ENDED);
	assert_live(&h, 0, 310);
	heard_release(&h);
}

static void a_break_loses_nothing(void **state)
{
	struct rig *r = *state;
	struct heard h = { 0 };
	struct logsource_want want = { .follow = true };

	fake_log(&r->server, 99);
	listen_to(r, &h, &want);
	reach(r, &h, LOGSOURCE_LIVE);
	for (unsigned i = 0; i < 3; i++) {
		fake_log(&r->server, 200);
		r->server.fault = (struct fault){ i == 1 ? FAULT_STATUS : FAULT_CUT_BEFORE, "/log", 0, 500, NULL, i == 1 ? 0 : 1 };
		logsource_poll(h.source);
		reach(r, &h, LOGSOURCE_LOST);
		assert_true(h.text[0]);
		fake_log(&r->server, 150);
		logsource_poll(h.source); /* waits for the session */
		reach(r, &h, LOGSOURCE_LIVE);
		assert_live(&h, 100, 100 + 350 * (i + 1));
	}
	heard_release(&h);
}

static void what_is_gone_is_told(void **state)
{
	struct rig *r = *state;
	struct heard h = { 0 };
	struct logsource_want want = { .follow = true };

	fake_log(&r->server, 99);
	listen_to(r, &h, &want);
	reach(r, &h, LOGSOURCE_LIVE);
	json_array_clear(r->server.lines); /* rotated away while nobody looked */
	fake_log(&r->server, 1000);
	json_array_clear(r->server.lines);
	fake_log(&r->server, 20);
	h.states = 0;
	poll_once(r, &h);
	assert_live(&h, 1100, 1120);
	assert_int_equal(h.states, 2); /* the gap, and live again */
	heard_release(&h);
}

static void nothing_is_logged(void **state)
{
	struct rig *r = *state;
	struct heard h = { 0 };
	struct logsource_want want = { .follow = true };

	json_decref(r->server.lines);
	r->server.lines = NULL;
	listen_to(r, &h, &want);
	reach(r, &h, LOGSOURCE_FAILED);
	assert_string_equal(h.text, "no log is written");
	stop_listening(&h);
	r->server.lines = json_array();
	r->server.fault = (struct fault){ FAULT_STATUS, "/log", 0, 403, NULL, 0 };
	listen_to(r, &h, &want);
	reach(r, &h, LOGSOURCE_FAILED);
	heard_release(&h);
}

static void a_pause_holds_lines_back(void **state)
{
	struct rig *r = *state;
	struct heard h = { 0 };
	struct logsource_want want = { .follow = true };
	unsigned asked;

	fake_log(&r->server, 99);
	listen_to(r, &h, &want);
	reach(r, &h, LOGSOURCE_LIVE);
	logsource_pause(h.source, true);
	assert_int_equal(h.state, LOGSOURCE_PAUSED);
	fake_log(&r->server, 50);
	asked = r->server.tiny.requests;
	logsource_poll(h.source);
	for (int i = 0; i < 20; i++)
		loop_turn(r->loop, 5);
	assert_int_equal(r->server.tiny.requests, asked);
	logsource_pause(h.source, false);
	reach(r, &h, LOGSOURCE_LIVE);
	assert_live(&h, 100, 150);
	heard_release(&h);
}

static void secrets_and_bodies_do_not_pass(void **state)
{
	struct rig *r = *state;
	struct heard h = { 0 };
	struct logsource_want want = { .cursor = "" };

	json_array_clear(r->server.lines);
	json_array_append_new(r->server.lines, json_string("2026-11-21T09:00:00Z TRACE HTTP response body (http.response-body) details = \"x\", n = 1"));
	json_array_append_new(r->server.lines, json_string("2026-11-21T09:00:01Z TRACE HTTP headers (http.headers) h = \"Authorization: Basic QUFBQkJCQ0ND\", n = 2"));
	json_array_append_new(r->server.lines, json_string("\x1b[2m2026-11-21T09:00:02Z\x1b[0m \x1b[32m INFO\x1b[0m Client connected (network.connect-start) n = 3"));
	listen_to(r, &h, &want);
	reach(r, &h, LOGSOURCE_ENDED);
	assert_int_equal(h.live_len, 2);
	assert_int_equal(h.live[0], 2);
	assert_int_equal(h.live[1], 3);
	heard_release(&h);
}

static void close_on_first(struct logsource *src, const struct logbatch *batch, void *arg)
{
	(void)batch;
	logsource_close(src);
	*(bool *)arg = true;
}

static void a_callback_may_close(void **state)
{
	struct rig *r = *state;
	bool closed = false;
	struct logsource_want want = { .cursor = "" };
	struct logsource_events events = { close_on_first, NULL, &closed };

	fake_log(&r->server, 4999);
	assert_non_null(logsource_open(&logsource_api, r->session, r->loop, NULL, &want, &events, NULL));
	assert_true(tiny_wait(r->loop, &closed, HANG_MS));
	for (int i = 0; i < 10; i++)
		loop_turn(r->loop, 5);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(follow_from_the_end),
		TEST(a_tail_begins_with_the_newest),
		TEST(from_the_oldest_line_on),
		TEST(pages_that_shift_are_joined),
		TEST(resumed_by_cursor),
		TEST(a_break_loses_nothing),
		TEST(what_is_gone_is_told),
		TEST(nothing_is_logged),
		TEST(a_pause_holds_lines_back),
		TEST(secrets_and_bodies_do_not_pass),
		TEST(a_callback_may_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
