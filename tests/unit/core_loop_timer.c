/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/loop: timers and turns: order, re-arming, scopes, the hook, stopping, and that it never
 * spins. */
#include "core/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "tests/unit/loop_world.h"

/* An fd that is read whenever something was written to its other end. */
struct peer {
	int fds[2]; /* the loop watches fds[0] */
	int calls;
};

static void peer_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct peer *p = arg;
	char c[16];

	(void)l;
	(void)events;
	p->calls++;
	assert_true(read(fd, c, sizeof(c)) > 0);
}

static void peer_open(struct peer *p)
{
	p->calls = 0;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p->fds), 0);
	loop_fd_set(loop, p->fds[0], LOOP_READ, peer_ready, p);
}

static void peer_close(struct peer *p)
{
	loop_fd_remove(loop, p->fds[0]);
	close(p->fds[0]);
	close(p->fds[1]);
}

static void peer_poke(struct peer *p)
{
	assert_int_equal(write(p->fds[1], "x", 1), 1);
}

struct tick {
	struct timer timer;
	struct tick *other;
	struct scope *cancel;
	int calls, order;
	int64_t again; /* >= 0: re-arm with it, `left` times */
	int left;
	bool stop_loop;
};

static int order;

static void tick_fn(struct loop *l, void *arg)
{
	struct tick *t = arg;

	assert_false(timer_is_armed(&t->timer));
	t->calls++;
	t->order = ++order;
	if (t->left > 0) {
		t->left--;
		timer_start(l, &t->timer, t->again, NULL, tick_fn, t);
	}
	if (t->other)
		timer_stop(&t->other->timer);
	if (t->cancel)
		scope_cancel(t->cancel);
	if (t->stop_loop)
		loop_stop(l);
}

static void timers_fire_in_order(void **state)
{
	struct tick t[5] = {0};
	static const int ms[] = {30, 10, 20, 10, 0};
	int i, j, turns;

	(void)state;
	order = 0;
	for (i = 0; i < 5; i++)
		timer_start(loop, &t[i].timer, ms[i], NULL, tick_fn, &t[i]);
	assert_int_equal(loop_timer_count(loop), 5);
	for (turns = 0; loop_timer_count(loop) && turns < 1000; turns++)
		loop_turn(loop, HANG_MS);
	assert_int_equal(order, 5);
	for (i = 0; i < 5; i++)
		for (j = 0; j < 5; j++)
			if (t[i].timer.due < t[j].timer.due)
				assert_true(t[i].order < t[j].order);
	assert_true(
		t[1].order < t[3].order); /* also when due in the same ms: in the order of arming */
}

static void timers_are_never_early(void **state)
{
	struct tick t = {.stop_loop = true};
	int64_t start = clock_mono();

	(void)state;
	timer_start(loop, &t.timer, 25, NULL, tick_fn, &t);
	loop_run(loop);
	assert_true(clock_mono() - start >= 25);
	assert_int_equal(t.calls, 1);
}

static void a_timer_may_stop_another(void **state)
{
	struct tick a = {0}, b = {0};

	(void)state;
	a.other = &b;
	timer_start(loop, &a.timer, 0, NULL, tick_fn, &a);
	timer_start(loop, &b.timer, 0, NULL, tick_fn, &b);
	loop_turn(loop, HANG_MS);
	loop_turn(loop, 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 0);
	timer_stop(&b.timer); /* harmless */
}

/* A timer of 0 ms that re-arms itself gets one go a turn: fds are not starved. */
static void rearming_with_zero_waits_for_the_next_turn(void **state)
{
	struct tick t = {.again = 0, .left = 1000};
	struct peer p;
	int i;

	(void)state;
	peer_open(&p);
	timer_start(loop, &t.timer, 0, NULL, tick_fn, &t);
	for (i = 1; i <= 10; i++) {
		peer_poke(&p);
		loop_turn(loop, HANG_MS);
		assert_int_equal(t.calls, i);
		assert_int_equal(p.calls, i);
	}
	timer_stop(&t.timer);
	peer_close(&p);
}

static void starting_again_moves_the_due_time(void **state)
{
	struct tick t = {0};
	int64_t due;

	(void)state;
	timer_start(loop, &t.timer, 0, NULL, tick_fn, &t);
	timer_start(loop, &t.timer, 3600000, NULL, tick_fn, &t);
	assert_int_equal(loop_timer_count(loop), 1);
	loop_turn(loop, 0);
	assert_int_equal(t.calls, 0);
	due = t.timer.due;
	assert_true(due > clock_mono() + 3500000);
	timer_start(loop, &t.timer, INT64_MAX, NULL, tick_fn, &t);
	assert_true(t.timer.due == INT64_MAX);
	timer_start(loop, &t.timer, -5, NULL, tick_fn, &t);
	loop_turn(loop, HANG_MS);
	assert_int_equal(t.calls, 1);
}

static void the_heap_survives_random_use(void **state)
{
	enum { N = 300 };
	static struct tick t[N];
	static const struct tick *by_order[N];
	uint64_t x = 88172645463325252u;
	size_t armed = 0;
	int i, step;

	(void)state;
	memset(t, 0, sizeof(t));
	for (step = 0; step < 20000; step++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		i = (int)(x % N);
		armed -= timer_is_armed(&t[i].timer);
		if (x >> 32 & 1) {
			timer_start(loop, &t[i].timer, 1000000 + (int64_t)(x >> 40 & 1023), NULL,
				tick_fn, &t[i]);
			armed++;
		} else {
			timer_stop(&t[i].timer);
		}
		assert_int_equal(loop_timer_count(loop), armed);
	}
	order = 0;
	for (i = 0; i < N; i++)
		if (timer_is_armed(&t[i].timer))
			timer_start(loop, &t[i].timer, t[i].timer.due % 5, NULL, tick_fn, &t[i]);
	for (step = 0; loop_timer_count(loop) && step < 100; step++)
		loop_turn(loop, 100);
	for (i = 0; i < N; i++) {
		if (t[i].calls)
			by_order[t[i].order - 1] = &t[i];
		armed -= (size_t)t[i].calls;
	}
	assert_int_equal(armed, 0);
	for (i = 1; i < order; i++)
		assert_true(by_order[i - 1]->timer.due <= by_order[i]->timer.due);
}

static void a_callback_may_cancel_its_scope(void **state)
{
	struct scope s;
	struct tick a = {0}, b = {0}, c = {0};

	(void)state;
	scope_init(&s);
	a.cancel = &s;
	timer_start(loop, &a.timer, 0, &s, tick_fn, &a);
	timer_start(loop, &b.timer, 0, &s, tick_fn, &b);
	timer_start(loop, &c.timer, 0, NULL, tick_fn, &c); /* not a member */
	loop_turn(loop, HANG_MS);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 0);
	assert_int_equal(c.calls, 1);
	assert_false(timer_is_armed(&b.timer));
	assert_true(scope_is_empty(&s));
	assert_int_equal(loop_timer_count(loop), 0);
}

static void a_fired_timer_has_left_its_scope(void **state)
{
	struct scope s;
	struct tick a = {0};

	(void)state;
	scope_init(&s);
	timer_start(loop, &a.timer, 0, &s, tick_fn, &a);
	assert_false(scope_is_empty(&s));
	loop_turn(loop, HANG_MS);
	assert_true(scope_is_empty(&s));
	timer_start(loop, &a.timer, 1000, &s, tick_fn, &a);
	timer_stop(&a.timer);
	assert_true(scope_is_empty(&s));
}

static void freeing_the_loop_leaves_timers_idle(void **state)
{
	struct scope s;
	struct tick a = {0};

	(void)state;
	scope_init(&s);
	timer_start(loop, &a.timer, 1000, &s, tick_fn, &a);
	loop_free(loop);
	assert_false(timer_is_armed(&a.timer));
	assert_true(scope_is_empty(&s));
	timer_stop(&a.timer);
	loop = loop_new();
}

/* --- turns --- */

static void hook_fn(struct loop *l, void *arg)
{
	struct tick *t = arg;

	t->calls++;
	if (t->left-- > 0)
		timer_start(l, &t->timer, 0, NULL, tick_fn, t->other);
	if (t->stop_loop)
		loop_stop(l);
}

static void the_hook_runs_before_each_wait(void **state)
{
	struct tick hook = {0}, fired = {0};

	(void)state;
	hook.left = 1;
	hook.other = &fired;
	loop_before_wait(loop, hook_fn, &hook);
	loop_turn(loop, HANG_MS); /* the timer it armed bounds this wait */
	assert_int_equal(hook.calls, 1);
	assert_int_equal(fired.calls, 1);
	loop_turn(loop, 0);
	assert_int_equal(hook.calls, 2);
	hook.stop_loop = true;
	assert_false(loop_turn(loop, -1)); /* does not wait once stopped */
	assert_int_equal(hook.calls, 3);
	loop_before_wait(loop, NULL, NULL);
}

static void stopping_skips_the_rest_of_the_turn(void **state)
{
	struct tick a = {.stop_loop = true}, b = {0};

	(void)state;
	timer_start(loop, &a.timer, 0, NULL, tick_fn, &a);
	timer_start(loop, &b.timer, 0, NULL, tick_fn, &b);
	assert_false(loop_turn(loop, HANG_MS));
	assert_true(loop_is_stopped(loop));
	assert_int_equal(b.calls, 0);
	assert_false(loop_turn(loop, HANG_MS)); /* stays stopped */
	assert_int_equal(b.calls, 0);
	loop_run(loop); /* takes the stop back … */
	assert_false(loop_is_stopped(loop));
	a.stop_loop = false;
	b.stop_loop = true;
	loop_run(loop); /* … and can run again */
	assert_int_equal(b.calls, 1);
}

static void the_loop_does_not_spin(void **state)
{
	struct tick t = {.stop_loop = true};
	struct peer p;
	uint64_t before;

	(void)state;
	peer_open(&p);
	loop_turn(loop, 0);
	before = loop_wakeups(loop);
	timer_start(loop, &t.timer, 60, NULL, tick_fn, &t);
	loop_run(loop);
	assert_in_range(loop_wakeups(loop) - before, 1, 2);
	peer_close(&p);
}

static void slow_handler(struct loop *l, void *arg)
{
	int64_t end = clock_mono() + 15;

	(void)l;
	(void)arg;
	while (clock_mono() < end)
		;
}

static void slow_handlers_are_noticed(void **state)
{
	struct timer t = {0};

	(void)state;
	timer_start(loop, &t, 0, NULL, slow_handler, NULL);
	loop_turn(loop, HANG_MS);
	assert_true(loop_longest_ms(loop) >= 15);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(timers_fire_in_order),
		LOOP_TEST(timers_are_never_early),
		LOOP_TEST(a_timer_may_stop_another),
		LOOP_TEST(rearming_with_zero_waits_for_the_next_turn),
		LOOP_TEST(starting_again_moves_the_due_time),
		LOOP_TEST(the_heap_survives_random_use),
		LOOP_TEST(a_callback_may_cancel_its_scope),
		LOOP_TEST(a_fired_timer_has_left_its_scope),
		LOOP_TEST(freeing_the_loop_leaves_timers_idle),
		LOOP_TEST(the_hook_runs_before_each_wait),
		LOOP_TEST(stopping_skips_the_rest_of_the_turn),
		LOOP_TEST(the_loop_does_not_spin),
		LOOP_TEST(slow_handlers_are_noticed),
	};

	return cmocka_run_group_tests_name("core_loop_timer", tests, NULL, NULL);
}
