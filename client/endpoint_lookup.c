/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host name -> addresses by a child process. It must not know what they are wanted for. */
#include "client/endpoint_lookup.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUT_MAX (64 * 1024)

/* No secret of ours is a child's business. */
static const char *const env_drop[] = {"STALWARDEN_PASSWORD", "STALWARDEN_TOKEN", NULL};

static bool is_numeric(const char *host)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM},
			*found = NULL;
	bool ok = !getaddrinfo(host, NULL, &hints, &found);

	if (ok)
		freeaddrinfo(found);
	return ok;
}

/* RFC 6761 §6.3: never a question to the network; also on a host whose hosts file does not name it. */
static bool is_localhost(const char *host)
{
	size_t len = strlen(host), tail = strlen(".localhost");

	return !strcasecmp(host, "localhost") || (len > tail && !strcasecmp(host + len - tail, ".localhost"));
}

static bool is_known(const char *s, size_t len, char address[][LOOKUP_TEXT], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(address[i]) == len && !memcmp(address[i], s, len))
			return true;
	return false;
}

size_t lookup_parse(const char *text, size_t len, char address[][LOOKUP_TEXT], size_t max)
{
	const char *end = text + len;
	size_t count = 0;

	while (text < end && count < max) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t line = nl ? (size_t)(nl - text) : (size_t)(end - text), n = 0;

		while (n < line && text[n] != ' ' && text[n] != '\t')
			n++;
		if (n && n < LOOKUP_TEXT && !memchr(text, '\0', n) &&
			!is_known(text, n, address, count)) {
			memcpy(address[count], text, n);
			address[count++][n] = '\0';
		}
		text += line + (nl ? 1 : 0);
	}
	return count;
}

static void close_pipe(struct lookup *l)
{
	if (l->fd < 0)
		return;
	loop_fd_remove(l->loop, l->fd);
	close(l->fd);
	l->fd = -1;
}

/* False at the end or on an error. */
static bool read_some(struct lookup *l)
{
	char chunk[4096];
	ssize_t n;

	do {
		n = read(l->fd, chunk, sizeof(chunk));
		if (n > 0)
			buf_add(&l->out, chunk,
				(size_t)n); /* over the cap: what came first is enough */
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 && errno == EAGAIN;
}

static void on_output(struct loop *loop, int fd, unsigned events, void *arg)
{
	struct lookup *l = arg;

	(void)loop;
	(void)fd;
	(void)events;
	if (!read_some(l))
		close_pipe(l);
}

static void on_exit_of_child(struct loop *loop, pid_t pid, int status, void *arg)
{
	struct lookup *l = arg;

	(void)loop;
	(void)pid;
	l->pid = 0;
	if (l->fd >= 0)
		read_some(l);
	close_pipe(l);
	l->count = lookup_parse(buf_str(&l->out), l->out.len, l->address, LOOKUP_MAX);
	buf_release(&l->out);
	if (!l->count && WIFEXITED(status) && WEXITSTATUS(status) == 2)
		err_set(&l->err, ERR_NETWORK, "no address is known for %s", l->host);
	else if (!l->count)
		err_set(&l->err, ERR_NETWORK, "looking up %s failed", l->host);
	l->done = true;
	l->fn(l, l->arg);
}

void lookup_start(struct lookup *l, struct loop *loop, const char *host,
	void (*fn)(struct lookup *l, void *arg), void *arg)
{
	char *argv[] = {(char[]){"getent"}, (char[]){"ahosts"}, l->host, NULL};

	l->loop = loop;
	l->fn = fn;
	l->arg = arg;
	l->fd = -1;
	buf_init(&l->out, OUT_MAX);
	l->done = true;
	snprintf(l->host, sizeof(l->host), "%s", host);
	if (!*host || *host == '-' || strlen(host) >= sizeof(l->host)) {
		err_set(&l->err, ERR_USAGE, "%s is no host name", host);
		return;
	}
	if (is_numeric(host) && strlen(host) < LOOKUP_TEXT) {
		snprintf(l->address[0], LOOKUP_TEXT, "%s", host);
		l->count = 1;
		return;
	}
	if (is_localhost(host)) {
		snprintf(l->address[l->count++], LOOKUP_TEXT, "::1");
		snprintf(l->address[l->count++], LOOKUP_TEXT, "127.0.0.1");
		return;
	}
	l->pid = loop_spawn(loop, argv, env_drop, true, &l->fd, on_exit_of_child, l, &l->err);
	if (l->pid <= 0) {
		l->pid = 0;
		l->fd = -1;
		return;
	}
	l->done = false;
	loop_fd_set(loop, l->fd, LOOP_READ, on_output, l);
}

void lookup_stop(struct lookup *l)
{
	if (l->pid > 0) {
		loop_forget_child(l->loop, l->pid);
		kill(l->pid, SIGKILL);
		l->pid = 0;
	}
	close_pipe(l);
	buf_release(&l->out);
}
