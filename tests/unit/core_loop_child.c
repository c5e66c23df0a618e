/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/loop: children: output, reaping, environment, signals, and exec that fails. */
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/clock.h"
#include "tests/unit/loop_world.h"

/* Turns until *done or the hang guard. */
static void run_until(const bool *done)
{
	int64_t end = clock_mono() + HANG_MS;

	while (!*done && clock_mono() < end)
		loop_turn(loop, 200);
	assert_true(*done);
}

static void signal_seen(struct loop *l, int signo, void *arg)
{
	int *seen = arg;

	(void)l;
	*seen = signo;
}

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
	char *argv[] = {"sh", "-c", (char *)(uintptr_t)script, NULL};
	struct err err = ERR_INIT;
	pid_t pid;

	*r = (struct run){.out = BUF_INIT};
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
	static const char *const drop[] = {"STALWARDEN_PASSWORD", "STALWARDEN_TOKEN", NULL};
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
	run_start(&r, "exec grep -E '^Sig(Ign|Blk)' /proc/self/status", NULL);
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
	char *missing[] = {"/nonexistent/pass\x1b-cmd", NULL}, *plain[] = {"/etc/passwd", NULL};
	char *not_in_path[] = {"no-such-command-anywhere", NULL};
	struct err err = ERR_INIT;
	size_t before = open_fds();
	struct run r = {0};
	int fd = 5;

	(void)state;
	assert_int_equal(loop_spawn(loop, missing, NULL, true, &fd, run_ended, &r, &err), -1);
	assert_int_equal(fd, -1);
	assert_int_equal(err.code, ERR_IO);
	assert_string_equal(
		err.msg, "cannot run /nonexistent/pass\\x1b-cmd: No such file or directory");
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
	char *argv[] = {"echo", "ok", NULL};
	struct err err = ERR_INIT;
	pid_t pid;

	(void)state;
	fflush(NULL);
	for (i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 50);
		close(i);
	}
	r = (struct run){.out = BUF_INIT};
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

	return cmocka_run_group_tests_name("core_loop_child", tests, NULL, NULL);
}
