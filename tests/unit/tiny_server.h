/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scripted HTTP server on the loop of the test itself: the test's handler decides what goes out on the wire and when. For unit tests of
 * client/ only; knows no dialect. */
#ifndef TESTS_TINY_SERVER_H
#define TESTS_TINY_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"

struct tiny_conn {
	struct tiny_conn *next;
	struct tiny *server;
	int fd;
	struct buf in, out;
	bool close_when_sent, reset_when_sent;
};

struct tiny {
	struct loop *loop;
	int fd, port;
	/* head: request line and headers. May answer at once, later, or never. */
	void (*on_request)(struct tiny *t, struct tiny_conn *c, const char *method, const char *path, const char *head, const char *body,
		size_t body_len);
	void *arg;
	unsigned connections, requests;
	struct tiny_conn *conns;
	struct buf seen; /* everything that came in */
};

static void tiny_drop(struct tiny_conn *c, bool reset)
{
	struct linger hard = { 1, 0 };
	struct tiny_conn **link = &c->server->conns;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	loop_fd_remove(c->server->loop, c->fd);
	close(c->fd);
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
}

static void tiny_on_fd(struct loop *loop, int fd, unsigned events, void *arg);

static void tiny_flush(struct tiny_conn *c)
{
	while (c->out.len) {
		ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n <= 0)
			break;
		buf_consume(&c->out, (size_t)n);
	}
	if (!c->out.len && (c->close_when_sent || c->reset_when_sent)) {
		tiny_drop(c, c->reset_when_sent);
		return;
	}
	loop_fd_set(c->server->loop, c->fd, LOOP_READ | (c->out.len ? LOOP_WRITE : 0u), tiny_on_fd, c);
}

static inline void tiny_send(struct tiny_conn *c, const void *data, size_t len)
{
	buf_add(&c->out, data, len);
	tiny_flush(c);
}

static inline void tiny_close(struct tiny_conn *c)
{
	c->close_when_sent = true;
	tiny_flush(c);
}

static inline void tiny_reset(struct tiny_conn *c)
{
	c->reset_when_sent = true;
	tiny_flush(c);
}

/* A whole answer; extra: more header lines, each ended by CR LF, or "". */
static inline void tiny_answer(struct tiny_conn *c, int status, const char *type, const char *extra, const char *body)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "HTTP/1.1 %d X\r\nContent-Type: %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, type, extra, strlen(body), body);
	tiny_send(c, b.data, b.len);
	buf_release(&b);
}

static inline void tiny_json(struct tiny_conn *c, int status, const char *body)
{
	tiny_answer(c, status, "application/json", "", body);
}

/* True when a whole request was there and has been handled; the connection may be gone then. */
static bool tiny_one_request(struct tiny_conn *c)
{
	struct tiny *t = c->server;
	char *end = c->in.len ? memmem(c->in.data, c->in.len, "\r\n\r\n", 4) : NULL, *head, method[16], path[65536], *at;
	size_t head_len, body_len = 0;
	struct buf body = BUF_INIT;

	if (!end)
		return false;
	head_len = (size_t)(end - c->in.data) + 4;
	head = xmemdup(c->in.data, head_len);
	for (at = head; at; at = strstr(at, "\r\n") ? strstr(at, "\r\n") + 2 : NULL)
		if (!strncasecmp(at, "content-length:", 15))
			body_len = strtoul(at + 15, NULL, 10);
	if (c->in.len < head_len + body_len || sscanf(head, "%15s %65535s", method, path) != 2) {
		free(head);
		return false;
	}
	buf_add(&body, c->in.data + head_len, body_len);
	buf_consume(&c->in, head_len + body_len);
	t->requests++;
	t->on_request(t, c, method, path, head, buf_str(&body), body.len);
	free(head);
	buf_release(&body);
	return true;
}

static bool tiny_is_open(const struct tiny *t, const struct tiny_conn *c)
{
	for (const struct tiny_conn *i = t->conns; i; i = i->next)
		if (i == c)
			return true;
	return false;
}

static void tiny_on_fd(struct loop *loop, int fd, unsigned events, void *arg)
{
	struct tiny_conn *c = arg;
	struct tiny *t = c->server;
	char piece[65536];
	ssize_t n;

	(void)loop;
	if (events & LOOP_WRITE) {
		tiny_flush(c);
		if (!tiny_is_open(t, c))
			return;
	}
	n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		tiny_drop(c, false);
		return;
	}
	buf_add(&t->seen, piece, (size_t)n);
	buf_add(&c->in, piece, (size_t)n);
	while (tiny_is_open(t, c) && tiny_one_request(c))
		;
}

static void tiny_on_accept(struct loop *loop, int fd, unsigned events, void *arg)
{
	struct tiny *t = arg;
	struct tiny_conn *c;
	int one = 1, conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)loop, (void)events;
	if (conn < 0)
		return;
	setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c = xcalloc(1, sizeof(*c));
	c->server = t;
	c->fd = conn;
	buf_init(&c->out, 256u << 20);
	c->next = t->conns;
	t->conns = c;
	t->connections++;
	loop_fd_set(t->loop, conn, LOOP_READ, tiny_on_fd, c);
}

static inline void tiny_start(struct tiny *t, struct loop *loop)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	t->loop = loop;
	t->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0 || bind(t->fd, (struct sockaddr *)&a, len) != 0 || listen(t->fd, 64) != 0 ||
		getsockname(t->fd, (struct sockaddr *)&a, &len) != 0)
		die("tiny server: %s", strerror(errno));
	t->port = ntohs(a.sin_port);
	loop_fd_set(loop, t->fd, LOOP_READ, tiny_on_accept, t);
}

static inline void tiny_start_unix(struct tiny *t, struct loop *loop, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	t->loop = loop;
	t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0 || bind(t->fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(t->fd, 64) != 0)
		die("tiny server: %s", strerror(errno));
	loop_fd_set(loop, t->fd, LOOP_READ, tiny_on_accept, t);
}

static inline void tiny_stop(struct tiny *t)
{
	while (t->conns)
		tiny_drop(t->conns, false);
	loop_fd_remove(t->loop, t->fd);
	close(t->fd);
	buf_release(&t->seen);
}

/* Turns the loop until *done or the deadline; true when done. */
static inline bool tiny_wait(struct loop *loop, const bool *done, int64_t ms)
{
	int64_t end = clock_mono() + ms;

	while (!*done && clock_mono() < end)
		loop_turn(loop, 50);
	return *done;
}

#endif
