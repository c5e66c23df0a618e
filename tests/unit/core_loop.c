/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/loop: handlers that change the loop under its feet, timers, signals, children, and that it never spins. */
#include "core/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"

#define HANG_MS 20000 /* a test that waits longer has failed */

static struct loop *loop;

static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	loop = NULL;
	return 0;
}

/* Turns until *done or the hang guard. */
static void run_until(const bool *done)
{
	int64_t end = clock_mono() + HANG_MS;

	while (!*done && clock_mono() < end)
		loop_turn(loop, 200);
	assert_true(*done);
}

/* --- fds --- */

struct peer {
	int fds[2]; /* the loop watches fds[0] */
	int calls;
	unsigned events;
	struct peer *victim;
	bool remove_self, reopen;
};

static void peer_open(struct peer *p)
{
	*p = (struct peer){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p->fds), 0);
}

static void peer_close(struct peer *p)
{
	loop_fd_remove(loop, p->fds[0]);
	close(p->fds[0]);
	close(p->fds[1]);
}

static void peer_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct peer *p = arg;
	char c[16];

	assert_ptr_equal(l, loop);
	p->calls++;
	p->events = events;
	if (events & LOOP_READ)
		(void)!read(fd, c, sizeof(c));
	if (p->remove_self)
		loop_fd_remove(loop, fd);
	if (p->victim) {
		loop_fd_remove(loop, p->victim->fds[0]);
		p->victim->victim = NULL;
	}
}

static void peer_poke(struct peer *p)
{
	assert_int_equal(write(p->fds[1], "x", 1), 1);
}

static void reads_and_writes(void **state)
{
	struct peer p;

	(void)state;
	peer_open(&p);
	loop_fd_set(loop, p.fds[0], LOOP_READ, peer_ready, &p);
	loop_turn(loop, 0);
	assert_int_equal(p.calls, 0);
	peer_poke(&p);
	loop_turn(loop, HANG_MS);
	assert_int_equal(p.calls, 1);
	assert_int_equal(p.events, LOOP_READ);
	loop_turn(loop, 0);
	assert_int_equal(p.calls, 1);
	loop_fd_set(loop, p.fds[0], LOOP_READ | LOOP_WRITE, peer_ready, &p);
	loop_turn(loop, HANG_MS);
	assert_int_equal(p.calls, 2);
	assert_int_equal(p.events, LOOP_WRITE);
	loop_fd_set(loop, p.fds[0], 0, NULL, NULL);
	peer_poke(&p);
	loop_turn(loop, 0);
	assert_int_equal(p.calls, 2);
	peer_close(&p);
}

static void a_handler_may_remove_itself(void **state)
{
	struct peer p;

	(void)state;
	peer_open(&p);
	p.remove_self = true;
	loop_fd_set(loop, p.fds[0], LOOP_READ, peer_ready, &p);
	peer_poke(&p);
	loop_turn(loop, HANG_MS);
	peer_poke(&p);
	loop_turn(loop, 0);
	assert_int_equal(p.calls, 1);
	peer_close(&p);
}

/* Both are readable; whichever runs first removes the other, which must then not run. */
static void a_handler_may_remove_another(void **state)
{
	struct peer a, b;

	(void)state;
	peer_open(&a);
	peer_open(&b);
	a.victim = &b;
	b.victim = &a;
	loop_fd_set(loop, a.fds[0], LOOP_READ, peer_ready, &a);
	loop_fd_set(loop, b.fds[0], LOOP_READ, peer_ready, &b);
	peer_poke(&a);
	peer_poke(&b);
	loop_turn(loop, HANG_MS);
	assert_int_equal(a.calls + b.calls, 1);
	peer_close(&a);
	peer_close(&b);
}

static void count_call(struct loop *l, int fd, unsigned events, void *arg)
{
	(void)l;
	(void)fd;
	(void)events;
	++*(int *)arg;
}

struct swap {
	int old_fd, new_calls;
};

/* Removes another fd and gives its number to a new owner, as close() and open() in a handler would. */
static void swap_owner(struct loop *l, int fd, unsigned events, void *arg)
{
	struct swap *s = arg;

	(void)events;
	loop_fd_remove(l, fd);
	loop_fd_remove(l, s->old_fd);
	loop_fd_set(l, s->old_fd, LOOP_READ, count_call, &s->new_calls);
}

static void a_new_owner_is_spared_old_events(void **state)
{
	struct peer a, b;
	struct swap s = { 0 };
	int never = 0;

	(void)state;
	peer_open(&a);
	peer_open(&b); /* a higher number: dispatched later in the same turn */
	s.old_fd = b.fds[0];
	loop_fd_set(loop, a.fds[0], LOOP_READ, swap_owner, &s);
	loop_fd_set(loop, b.fds[0], LOOP_READ, count_call, &never);
	peer_poke(&a);
	peer_poke(&b);
	assert_true(a.fds[0] < b.fds[0]);
	loop_turn(loop, HANG_MS);
	assert_int_equal(never, 0);
	assert_int_equal(s.new_calls, 0);
	loop_turn(loop, HANG_MS);
	assert_int_equal(s.new_calls, 1);
	peer_close(&a);
	peer_close(&b);
}

static void add_many(struct loop *l, int fd, unsigned events, void *arg)
{
	int *fds = arg, i;

	(void)events;
	loop_fd_remove(l, fd);
	for (i = 0; i < 100; i++) {
		fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 200 + i);
		loop_fd_set(l, fds[i], LOOP_WRITE, count_call, &fds[100]);
	}
}

static void tables_grow_during_dispatch(void **state)
{
	struct peer p;
	int fds[101] = { 0 }, i;

	(void)state;
	peer_open(&p);
	loop_fd_set(loop, p.fds[0], LOOP_READ, add_many, fds);
	peer_poke(&p);
	loop_turn(loop, HANG_MS);
	assert_int_equal(fds[100], 0);
	loop_turn(loop, HANG_MS);
	assert_int_equal(fds[100], 100);
	for (i = 0; i < 100; i++) {
		loop_fd_remove(loop, fds[i]);
		close(fds[i]);
	}
	peer_close(&p);
}

static void a_hang_up_is_an_error_and_readable(void **state)
{
	struct peer p;

	(void)state;
	peer_open(&p);
	p.remove_self = true;
	loop_fd_set(loop, p.fds[0], LOOP_READ, peer_ready, &p);
	close(p.fds[1]);
	loop_turn(loop, HANG_MS);
	assert_int_equal(p.calls, 1);
	assert_int_equal(p.events, LOOP_READ | LOOP_ERROR);
	p.fds[1] = -1;
	peer_close(&p);
}

static void a_closed_fd_is_reported_once(void **state)
{
	struct peer p;
	uint64_t before;

	(void)state;
	peer_open(&p);
	loop_fd_set(loop, p.fds[0], LOOP_WRITE, peer_ready, &p);
	close(p.fds[0]);
	loop_turn(loop, HANG_MS);
	assert_int_equal(p.calls, 1);
	assert_true(p.events & LOOP_ERROR);
	before = loop_wakeups(loop);
	loop_turn(loop, 0);
	loop_turn(loop, 0);
	assert_int_equal(p.calls, 1);
	assert_int_equal(loop_wakeups(loop), before + 2);
	close(p.fds[1]);
	loop_fd_remove(loop, p.fds[0]);
	loop_fd_remove(loop, -1);
	loop_fd_remove(loop, 100000);
	loop_fd_set(loop, -1, LOOP_READ, peer_ready, &p);
}

/* --- timers --- */

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
	struct tick t[5] = { 0 };
	static const int ms[] = { 30, 10, 20, 10, 0 };
	int i;

	(void)state;
	order = 0;
	for (i = 0; i < 5; i++)
		timer_start(loop, &t[i].timer, ms[i], NULL, tick_fn, &t[i]);
	assert_int_equal(loop_timer_count(loop), 5);
	t[0].stop_loop = true; /* the last one */
	loop_run(loop);
	assert_int_equal(t[4].order, 1);
	assert_int_equal(t[1].order, 2);
	assert_int_equal(t[3].order, 3); /* same time: in the order of arming */
	assert_int_equal(t[2].order, 4);
	assert_int_equal(t[0].order, 5);
	assert_int_equal(loop_timer_count(loop), 0);
}

static void timers_are_never_early(void **state)
{
	struct tick t = { .stop_loop = true };
	int64_t start = clock_mono();

	(void)state;
	timer_start(loop, &t.timer, 25, NULL, tick_fn, &t);
	loop_run(loop);
	assert_true(clock_mono() - start >= 25);
	assert_int_equal(t.calls, 1);
}

static void a_timer_may_stop_another(void **state)
{
	struct tick a = { 0 }, b = { 0 };

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
	struct tick t = { .again = 0, .left = 1000 };
	struct peer p;
	int i;

	(void)state;
	peer_open(&p);
	loop_fd_set(loop, p.fds[0], LOOP_READ, peer_ready, &p);
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
	struct tick t = { 0 };
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
			timer_start(loop, &t[i].timer, 1000000 + (int64_t)(x >> 40 & 1023), NULL, tick_fn, &t[i]);
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
	struct tick a = { 0 }, b = { 0 }, c = { 0 };

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
	struct tick a = { 0 };

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
	struct tick a = { 0 };

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
	struct tick hook = { 0 }, fired = { 0 };

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
	struct tick a = { .stop_loop = true }, b = { 0 };

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
	struct tick t = { .stop_loop = true };
	struct peer p;
	uint64_t before;

	(void)state;
	peer_open(&p);
	loop_fd_set(loop, p.fds[0], LOOP_READ, peer_ready, &p);
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
	struct timer t = { 0 };

	(void)state;
	timer_start(loop, &t, 0, NULL, slow_handler, NULL);
	loop_turn(loop, HANG_MS);
	assert_true(loop_longest_ms(loop) >= 15);
}

/* --- signals --- */

static void signal_seen(struct loop *l, int signo, void *arg)
{
	int *seen = arg;

	(void)l;
	*seen = signo;
}

static void signals_arrive_on_the_loop(void **state)
{
	int seen = 0;
	struct sigaction action;

	(void)state;
	loop_on_signal(loop, SIGUSR1, signal_seen, &seen);
	raise(SIGUSR1);
	assert_int_equal(seen, 0); /* not in signal context */
	loop_turn(loop, HANG_MS);
	assert_int_equal(seen, SIGUSR1);
	seen = 0;
	loop_turn(loop, 0);
	assert_int_equal(seen, 0);
	loop_on_signal(loop, SIGUSR1, NULL, NULL);
	sigaction(SIGUSR1, NULL, &action);
	assert_true(action.sa_handler == SIG_DFL);
}

static void a_flood_of_signals_is_one_call(void **state)
{
	int seen = 0, other = 0, i;

	(void)state;
	loop_on_signal(loop, SIGWINCH, signal_seen, &seen);
	loop_on_signal(loop, SIGUSR2, signal_seen, &other);
	for (i = 0; i < 100000; i++) /* more than the pipe holds */
		raise(SIGWINCH);
	raise(SIGUSR2);
	loop_turn(loop, HANG_MS);
	assert_int_equal(seen, SIGWINCH);
	assert_int_equal(other, SIGUSR2);
	seen = 0;
	loop_turn(loop, 0);
	assert_int_equal(seen, 0);
}

static void a_signal_ends_a_wait(void **state)
{
	int seen = 0, status;
	int64_t start = clock_mono();
	pid_t parent = getpid(), pid;

	(void)state;
	loop_on_signal(loop, SIGUSR1, signal_seen, &seen);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		kill(parent, SIGUSR1);
		_exit(0);
	}
	while (!seen && clock_mono() - start < HANG_MS)
		loop_turn(loop, HANG_MS);
	assert_int_equal(seen, SIGUSR1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* --- children --- */

struct run {
	struct buf out;
	int fd, status;
	bool eof, ended, done;
	int calls;
};

static void run_output(struct loop *l, int fd, unsigned events, void *arg)
{
	struct run *r = arg;
	char block[4096];
	ssize_t n = read(fd, block, sizeof(block));

	(void)events;
	if (n > 0) {
		buf_add(&r->out, block, (size_t)n);
		return;
	}
	if (n < 0 && errno == EAGAIN)
		return;
	loop_fd_remove(l, fd);
	close(fd);
	r->eof = true;
	r->done = r->ended;
}

static void run_ended(struct loop *l, pid_t pid, int status, void *arg)
{
	struct run *r = arg;

	(void)l;
	assert_true(pid > 0);
	r->calls++;
	r->status = status;
	r->ended = true;
	r->done = r->eof;
}

static pid_t run_start(struct run *r, const char *script, const char *const drop[])
{
	char *argv[] = { "sh", "-c", (char *)(uintptr_t)script, NULL };
	struct err err = ERR_INIT;
	pid_t pid;

	*r = (struct run){ .out = BUF_INIT };
	pid = loop_spawn(loop, argv, drop, true, &r->fd, run_ended, r, &err);
	assert_true(pid > 0);
	assert_int_equal(err.code, ERR_NONE);
	assert_true(fcntl(r->fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(r->fd, F_GETFD) & FD_CLOEXEC);
	loop_fd_set(loop, r->fd, LOOP_READ, run_output, r);
	return pid;
}

static void a_child_is_read_and_reaped(void **state)
{
	struct run r;
	pid_t pid;

	(void)state;
	pid = run_start(&r, "echo hello; cat; echo lost >&2; exit 3", NULL);
	run_until(&r.done);
	assert_string_equal(buf_str(&r.out), "hello\n"); /* stdin was /dev/null */
	assert_true(WIFEXITED(r.status));
	assert_int_equal(WEXITSTATUS(r.status), 3);
	assert_int_equal(r.calls, 1);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1); /* no zombie */
	buf_release(&r.out);
}

static void much_output_is_read_whole(void **state)
{
	struct run r;

	(void)state;
	run_start(&r, "i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done", NULL);
	run_until(&r.done);
	assert_int_equal(r.out.len, 220000);
	buf_release(&r.out);
}

static void many_children_at_once(void **state)
{
	struct run r[20];
	int i;

	(void)state;
	for (i = 0; i < 20; i++)
		run_start(&r[i], i % 2 ? "exit 0" : "echo x", NULL);
	for (i = 0; i < 20; i++) {
		run_until(&r[i].done);
		assert_int_equal(r[i].calls, 1);
		assert_string_equal(buf_str(&r[i].out), i % 2 ? "" : "x\n");
		buf_release(&r[i].out);
	}
}

static void named_variables_are_dropped(void **state)
{
	static const char *const drop[] = { "STALWARDEN_PASSWORD", "STALWARDEN_TOKEN", NULL };
	struct run r;

	(void)state;
	setenv("STALWARDEN_PASSWORD", "hunter2", 1);
	setenv("STALWARDEN_PASSWORD_HINT", "stays", 1);
	run_start(&r, "echo ${STALWARDEN_PASSWORD-unset} $STALWARDEN_PASSWORD_HINT", drop);
	run_until(&r.done);
	assert_string_equal(buf_str(&r.out), "unset stays\n");
	unsetenv("STALWARDEN_PASSWORD");
	unsetenv("STALWARDEN_PASSWORD_HINT");
	buf_release(&r.out);
}

/* Handlers, ignored signals and the mask of the parent are none of the child's business. */
static void a_child_starts_with_default_signals(void **state)
{
	const char *blocked, *ignored;
	struct run r;
	sigset_t usr1;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	run_start(&r, "grep -E '^Sig(Ign|Blk)' /proc/$$/status", NULL);
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	signal(SIGPIPE, SIG_DFL);
	run_until(&r.done);
	blocked = strstr(buf_str(&r.out), "SigBlk:");
	ignored = strstr(buf_str(&r.out), "SigIgn:");
	assert_non_null(blocked);
	assert_non_null(ignored);
	/* 32 and 33 belong to the C library, which lets nobody change them */
	assert_int_equal(strtoull(blocked + 7, NULL, 16) & ~(3ull << 31), 0);
	assert_int_equal(strtoull(ignored + 7, NULL, 16) & ~(3ull << 31), 0);
	buf_release(&r.out);
}

static size_t open_fds(void)
{
	size_t n = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void a_failing_exec_is_an_error(void **state)
{
	char *missing[] = { "/nonexistent/pass\x1b-cmd", NULL }, *plain[] = { "/etc/passwd", NULL };
	char *not_in_path[] = { "no-such-command-anywhere", NULL };
	struct err err = ERR_INIT;
	size_t before = open_fds();
	struct run r = { 0 };
	int fd = 5;

	(void)state;
	assert_int_equal(loop_spawn(loop, missing, NULL, true, &fd, run_ended, &r, &err), -1);
	assert_int_equal(fd, -1);
	assert_int_equal(err.code, ERR_IO);
	assert_string_equal(err.msg, "cannot run /nonexistent/pass\\x1b-cmd: No such file or directory");
	err_clear(&err);
	assert_int_equal(loop_spawn(loop, plain, NULL, true, &fd, run_ended, &r, &err), -1);
	assert_non_null(strstr(err.msg, "Permission denied"));
	err_clear(&err);
	assert_int_equal(loop_spawn(loop, not_in_path, NULL, true, &fd, run_ended, &r, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	loop_turn(loop, 0);
	loop_turn(loop, 0);
	assert_int_equal(r.calls, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(open_fds(), before);
}

static void a_forgotten_child_is_still_reaped(void **state)
{
	struct run r;
	pid_t pid;
	int64_t end = clock_mono() + HANG_MS;

	(void)state;
	pid = run_start(&r, "exit 0", NULL);
	loop_forget_child(loop, pid);
	while (kill(pid, 0) == 0 && clock_mono() < end)
		loop_turn(loop, 100);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(r.calls, 0);
	if (!r.eof) {
		loop_fd_remove(loop, r.fd);
		close(r.fd);
	}
	buf_release(&r.out);
}

static void a_killed_child_reports_its_signal(void **state)
{
	struct run r;
	pid_t pid;

	(void)state;
	pid = run_start(&r, "exec cat /dev/zero >/dev/null", NULL);
	kill(pid, SIGKILL);
	run_until(&r.done);
	assert_true(WIFSIGNALED(r.status));
	assert_int_equal(WTERMSIG(r.status), SIGKILL);
	buf_release(&r.out);
}

/* Our own handler of SIGCHLD and reaping live side by side. */
static void sigchld_may_be_watched_as_well(void **state)
{
	struct run r;
	int seen = 0;

	(void)state;
	loop_on_signal(loop, SIGCHLD, signal_seen, &seen);
	run_start(&r, "exit 0", NULL);
	run_until(&r.done);
	assert_int_equal(seen, SIGCHLD);
	buf_release(&r.out);
	loop_on_signal(loop, SIGCHLD, NULL, NULL);
	run_start(&r, "exit 0", NULL);
	run_until(&r.done); /* still reaped */
	buf_release(&r.out);
}

/* A child started while the standard fds are closed must not get its pipes mixed up. */
static void spawning_with_closed_standard_fds(void **state)
{
	struct run r;
	int saved[3], i;
	char *argv[] = { "echo", "ok", NULL };
	struct err err = ERR_INIT;
	pid_t pid;

	(void)state;
	fflush(NULL);
	for (i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 50);
		close(i);
	}
	r = (struct run){ .out = BUF_INIT };
	pid = loop_spawn(loop, argv, NULL, true, &r.fd, run_ended, &r, &err);
	for (i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	assert_true(pid > 0);
	assert_true(r.fd > 2);
	loop_fd_set(loop, r.fd, LOOP_READ, run_output, &r);
	run_until(&r.done);
	assert_string_equal(buf_str(&r.out), "ok\n");
	buf_release(&r.out);
}

static void freeing_the_loop_ends_its_children(void **state)
{
	struct run r;
	pid_t pid;
	int status;

	(void)state;
	pid = run_start(&r, "exec cat /dev/zero >/dev/null", NULL);
	loop_fd_remove(loop, r.fd);
	close(r.fd);
	loop_free(loop);
	loop = loop_new();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(r.calls, 0);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(reads_and_writes),
		LOOP_TEST(a_handler_may_remove_itself),
		LOOP_TEST(a_handler_may_remove_another),
		LOOP_TEST(a_new_owner_is_spared_old_events),
		LOOP_TEST(tables_grow_during_dispatch),
		LOOP_TEST(a_hang_up_is_an_error_and_readable),
		LOOP_TEST(a_closed_fd_is_reported_once),
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
		LOOP_TEST(signals_arrive_on_the_loop),
		LOOP_TEST(a_flood_of_signals_is_one_call),
		LOOP_TEST(a_signal_ends_a_wait),
		LOOP_TEST(a_child_is_read_and_reaped),
		LOOP_TEST(much_output_is_read_whole),
		LOOP_TEST(many_children_at_once),
		LOOP_TEST(named_variables_are_dropped),
		LOOP_TEST(a_child_starts_with_default_signals),
		LOOP_TEST(a_failing_exec_is_an_error),
		LOOP_TEST(a_forgotten_child_is_still_reaped),
		LOOP_TEST(a_killed_child_reports_its_signal),
		LOOP_TEST(sigchld_may_be_watched_as_well),
		LOOP_TEST(spawning_with_closed_standard_fds),
		LOOP_TEST(freeing_the_loop_ends_its_children),
	};

	return cmocka_run_group_tests_name("core_loop", tests, NULL, NULL);
}
