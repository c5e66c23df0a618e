/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/loop: handlers of fds and signals that change the loop under its feet. */
#include "core/loop.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "tests/unit/loop_world.h"

/* --- fds --- */

struct peer {
	int fds[2]; /* the loop watches fds[0] */
	int calls;
	unsigned events;
	struct peer *victim;
	bool remove_self;
};

static void peer_open(struct peer *p)
{
	*p = (struct peer){0};
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p->fds), 0);
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

/* Removes another fd and gives its number to a new owner, as close() and open() in a handler would.
 */
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
	struct swap s = {0};
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
	int fds[101] = {0}, i;

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
		LOOP_TEST(signals_arrive_on_the_loop),
		LOOP_TEST(a_flood_of_signals_is_one_call),
		LOOP_TEST(a_signal_ends_a_wait),
	};

	return cmocka_run_group_tests_name("core_loop", tests, NULL, NULL);
}
