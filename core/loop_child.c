/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Children of the loop: starting one, reaping it. Knows the loop only through loop_private.h. */
#include "core/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/loop_private.h"
#include "core/mem.h"

static bool env_is_dropped(const char *entry, const char *const drop[])
{
	size_t i, len;

	for (i = 0; drop && drop[i]; i++) {
		len = strlen(drop[i]);
		if (strncmp(entry, drop[i], len) == 0 && entry[len] == '=')
			return true;
	}
	return false;
}

/* The pointers are ours to free, the strings are not. */
static char **env_without(const char *const drop[])
{
	size_t n = 0, i, kept = 0;
	char **env;

	while (environ && environ[n])
		n++;
	env = xcalloc(n + 1, sizeof(*env));
	for (i = 0; i < n; i++)
		if (!env_is_dropped(environ[i], drop))
			env[kept++] = environ[i];
	return env;
}

/* In the child, between fork and exec: only async-signal-safe calls. Never returns. */
static void run_child(
	char *const argv[], char **env, int null_fd, int out_fd, int report_fd, bool quiet)
{
	sigset_t none;
	int signo, error;

	for (signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL); /* an ignored SIGPIPE would be inherited */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(null_fd, STDIN_FILENO) >= 0 && dup2(out_fd, STDOUT_FILENO) >= 0 &&
		(!quiet || dup2(null_fd, STDERR_FILENO) >= 0))
		execvpe(argv[0], argv, env);
	error = errno;
	if (write(report_fd, &error, sizeof(error)) != sizeof(error))
		_exit(126);
	_exit(127);
}

/* Waits until exec has closed the pipe or written why it failed: 0 or an errno. */
static int exec_result(int report_fd)
{
	int error = 0;
	ssize_t n;

	do
		n = read(report_fd, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(error) ? error : 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A pipe whose ends are above 2, so that dup2() in the child cannot overwrite one with another. */
static bool pipe_above_stdio(int fds[2])
{
	int i;

	if (pipe2(fds, O_CLOEXEC) != 0) {
		fds[0] = fds[1] = -1;
		return false;
	}
	for (i = 0; i < 2; i++) {
		int moved;

		if (fds[i] > STDERR_FILENO)
			continue;
		moved = fcntl(fds[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		close(fds[i]);
		fds[i] = moved;
	}
	return fds[0] >= 0 && fds[1] >= 0;
}

static int open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), moved;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return moved;
}

static void add_child(struct loop *loop, pid_t pid, loop_child_fn fn, void *arg)
{
	struct loop_child *child = xcalloc(1, sizeof(*child));

	*child = (struct loop_child){*loop_children(loop), pid, fn, arg};
	*loop_children(loop) = child;
}

pid_t loop_spawn(struct loop *loop, char *const argv[], const char *const env_drop[], bool quiet,
	int *out_fd, loop_child_fn fn, void *arg, struct err *err)
{
	int out[2] = {-1, -1}, report[2] = {-1, -1}, null_fd, error;
	char **env = env_without(env_drop);
	pid_t pid = -1;

	*out_fd = -1;
	loop_watch_children(loop);
	null_fd = open_null();
	if (null_fd < 0 || !pipe_above_stdio(out) || !pipe_above_stdio(report)) {
		err_set(err, ERR_IO, "cannot run %s: %s", argv[0], strerror(errno));
		goto out;
	}
	pid = fork();
	if (pid == 0)
		run_child(argv, env, null_fd, out[1], report[1], quiet);
	if (pid < 0) {
		err_set(err, ERR_IO, "cannot run %s: %s", argv[0], strerror(errno));
		goto out;
	}
	close_fd(&report[1]);
	error = exec_result(report[0]);
	if (error) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		pid = -1;
		err_set(err, ERR_IO, "cannot run %s: %s", argv[0], strerror(error));
		goto out;
	}
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	*out_fd = out[0];
	out[0] = -1;
	add_child(loop, pid, fn, arg);
out:
	close_fd(&null_fd);
	close_fd(&out[0]);
	close_fd(&out[1]);
	close_fd(&report[0]);
	close_fd(&report[1]);
	free(env);
	return pid;
}

void loop_forget_child(struct loop *loop, pid_t pid)
{
	struct loop_child *child;

	for (child = *loop_children(loop); child; child = child->next)
		if (child->pid == pid)
			child->fn = NULL;
}

/* Takes the first child that has ended off the list; NULL when there is none. */
static struct loop_child *take_ended(struct loop *loop, int *status)
{
	struct loop_child **link, *child;
	pid_t got;

	for (link = loop_children(loop); *link; link = &(*link)->next) {
		child = *link;
		got = waitpid(child->pid, status, WNOHANG);
		if (got == 0)
			continue;
		if (got < 0) {
			if (errno == EINTR)
				continue;
			*status = 0; /* reaped by somebody else */
		}
		*link = child->next;
		return child;
	}
	return NULL;
}

/* From the start after every callback: it may have started or forgotten others. */
void loop_reap_children(struct loop *loop)
{
	struct loop_child *child;
	int status = 0;

	while ((child = take_ended(loop, &status))) {
		if (child->fn) {
			loop_handler_begins(loop);
			child->fn(loop, child->pid, status, child->arg);
			loop_handler_ends(loop);
		}
		free(child);
	}
}

/* Nobody is left to hear of them: they are asked to end and left to init. */
void loop_free_children(struct loop *loop)
{
	struct loop_child *child;

	while ((child = *loop_children(loop))) {
		*loop_children(loop) = child->next;
		if (waitpid(child->pid, NULL, WNOHANG) == 0)
			kill(child->pid, SIGTERM);
		free(child);
	}
}
