/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A secret printed by a command of the operator's (pass, secret-tool, …): a child on the loop with a time limit. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/secret.h"
#include "core/mem.h"

struct secret_command {
	struct loop *loop;
	struct scope_item item;
	struct timer timer, later;
	pid_t pid;        /* -1 = none, or reaped */
	int fd;           /* -1 = closed */
	int status;
	struct buf out;
	struct err err;
	char *name;
	secret_fn fn;
	void *arg;
};

static const char *const env_drop[] = { "STALWARDEN_PASSWORD", "STALWARDEN_TOKEN", NULL };

static void close_output(struct secret_command *c)
{
	if (c->fd < 0)
		return;
	loop_fd_remove(c->loop, c->fd);
	close(c->fd);
	c->fd = -1;
}

static void end_child(struct secret_command *c)
{
	if (c->pid < 0)
		return;
	loop_forget_child(c->loop, c->pid);
	kill(c->pid, SIGKILL);
	c->pid = -1;
}

static void command_free(struct secret_command *c)
{
	scope_remove(&c->item);
	timer_stop(&c->timer);
	timer_stop(&c->later);
	close_output(c);
	end_child(c);
	buf_wipe(&c->out);
	free(c->name);
	free(c);
}

static void judge_output(struct secret_command *c)
{
	struct err why = ERR_INIT;

	if (c->err.code)
		return;
	if (WIFSIGNALED(c->status))
		err_set(&c->err, ERR_IO, "%s was ended by signal %d", c->name, WTERMSIG(c->status));
	else if (WEXITSTATUS(c->status) != 0)
		err_set(&c->err, ERR_IO, "%s failed with exit code %d", c->name, WEXITSTATUS(c->status));
	else if (!secret_strip(&c->out, &why))
		err_set(&c->err, why.code, "output of %s: %s", c->name, why.msg);
}

static void on_end(struct loop *loop, void *arg)
{
	struct secret_command *c = arg;
	secret_fn fn = c->fn;
	void *fn_arg = c->arg;
	struct buf out;
	struct err err;

	(void)loop;
	judge_output(c);
	err = c->err;
	out = c->out;
	c->out = (struct buf)BUF_INIT;
	command_free(c);
	fn(fn_arg, err.code ? NULL : buf_str(&out), &err);
	buf_wipe(&out);
}

static void end_later(struct secret_command *c)
{
	timer_stop(&c->timer);
	timer_start(c->loop, &c->later, 0, NULL, on_end, c);
}

static void fail(struct secret_command *c, enum err_code code, const char *what)
{
	err_set(&c->err, code, "%s %s", c->name, what);
	close_output(c);
	end_child(c);
	end_later(c);
}

static void on_output(struct loop *loop, int fd, unsigned events, void *arg)
{
	struct secret_command *c = arg;
	char piece[512];
	ssize_t n;

	(void)loop, (void)events;
	n = read(fd, piece, sizeof(piece));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close_output(c);
		if (c->pid < 0)
			end_later(c);
	} else if (c->out.len + (size_t)n > SECRET_MAX + 1) {
		fail(c, ERR_LIMIT, "printed more than 4 KiB");
	} else {
		buf_add(&c->out, piece, (size_t)n);
	}
	explicit_bzero(piece, sizeof(piece));
}

static void on_exit_of_child(struct loop *loop, pid_t pid, int status, void *arg)
{
	struct secret_command *c = arg;

	(void)loop, (void)pid;
	c->pid = -1;
	c->status = status;
	if (c->fd < 0)
		end_later(c);
	/* else its output is still in the pipe; a grandchild that keeps it open runs into the time limit */
}

static void on_timeout(struct loop *loop, void *arg)
{
	(void)loop;
	fail(arg, ERR_TIMEOUT, "printed no secret within 10 s");
}

static void on_cancel(struct scope_item *item)
{
	command_free(container_of(item, struct secret_command, item));
}

void secret_command_run(struct loop *loop, char *const argv[], struct scope *scope, secret_fn fn, void *arg)
{
	struct secret_command *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	c->fn = fn;
	c->arg = arg;
	c->pid = -1;
	c->fd = -1;
	c->name = xasprintf("password command %s", argv && argv[0] ? argv[0] : "(none)");
	/* room for all there may be: growing would leave copies behind */
	buf_add(&c->out, (char[SECRET_MAX + 2]){ 0 }, SECRET_MAX + 2);
	buf_reset(&c->out);
	scope_add(scope, &c->item, on_cancel);
	if (!argv || !argv[0]) {
		fail(c, ERR_USAGE, "is empty");
		return;
	}
	c->pid = loop_spawn(loop, argv, env_drop, false, &c->fd, on_exit_of_child, c, &c->err);
	if (c->pid < 0) {
		end_later(c);
		return;
	}
	loop_fd_set(loop, c->fd, LOOP_READ, on_output, c);
	timer_start(loop, &c->timer, SECRET_COMMAND_MS, NULL, on_timeout, c);
}
