/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Probes on the loop: look up, connect, talk, handshake, read what was presented. Every probe has
 * one deadline for all of it and shares nothing with the others but the TLS context. It must not
 * know who asked. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/endpoint_private.h"

#define OUT_MAX          (256 * 1024)
#define SIEVE_SILENCE_MS 1500 /* without a greeting: implicit TLS */

static void probe_connect_next(struct probe *p);
static void probe_on_socket(struct loop *loop, int fd, unsigned events, void *arg);

static struct loop *loop_of(const struct probe *p)
{
	return p->run->prober->loop;
}

static void close_socket(struct probe *p)
{
	if (p->fd < 0)
		return;
	loop_fd_remove(loop_of(p), p->fd);
	close(p->fd);
	p->fd = -1;
}

void probe_release(struct probe *p)
{
	timer_stop(&p->deadline);
	timer_stop(&p->attempt);
	close_socket(p);
	endpoint_tls_free(p->tls);
	p->tls = NULL;
	starttls_release(&p->talk);
	buf_release(&p->out);
	cert_free(p->cert);
	p->cert = NULL;
}

/* Reports p; nothing of the run may be touched afterwards, the callback may have ended it. */
static void probe_end(struct probe *p)
{
	struct run *r = p->run;
	struct cert *c = p->cert;
	size_t index = (size_t)(p - r->probes);

	p->cert = NULL;
	p->state = PROBE_DONE;
	if (p->err.code != ERR_NONE && !c->error)
		cert_set_text(&c->error, p->err.msg, SIZE_MAX);
	c->refused = !cert_has_data(c) && !p->connected && p->next_address > 0;
	c->took_ms = clock_mono() - p->started;
	c->seen = clock_now();
	probe_release(p);
	if (--r->pending == 0)
		timer_start(r->prober->loop, &r->finish, 0, NULL, run_finish, r);
	if (r->result)
		r->result(index, c, r->arg);
	else
		cert_free(c);
}

static void probe_fail(struct probe *p, enum err_code code, const char *what)
{
	err_set(&p->err, code, "%s", what);
	probe_end(p);
}

/* False on an error that ends the connection. */
static bool send_out(struct probe *p)
{
	while (p->out.len) {
		ssize_t n = send(p->fd, p->out.data, p->out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		buf_consume(&p->out, (size_t)n);
	}
	return true;
}

static void watch(struct probe *p)
{
	loop_fd_set(loop_of(p), p->fd, p->out.len ? LOOP_READ | LOOP_WRITE : LOOP_READ,
		probe_on_socket, p);
}

static void tls_read_result(struct probe *p)
{
	endpoint_tls_result(
		p->tls, p->run->prober->tls, p->cert, *p->ep.name ? p->ep.name : p->ep.host);
	endpoint_tls_goodbye(p->tls, &p->out);
	send_out(p); /* best effort: whoever hangs up without a word looks like a scanner */
	probe_end(p);
}

static void tls_step(struct probe *p, const char *data, size_t len)
{
	enum endpoint_tls_state s = endpoint_tls_feed(p->tls, data, len, &p->out, &p->err);
	bool sent = send_out(p);

	if (s == ENDPOINT_TLS_DONE) {
		tls_read_result(p);
		return;
	}
	if (s == ENDPOINT_TLS_FAILED) {
		/* some servers present their certificate and then refuse the client */
		endpoint_tls_result(p->tls, p->run->prober->tls, p->cert,
			*p->ep.name ? p->ep.name : p->ep.host);
		probe_end(p);
		return;
	}
	if (!sent)
		probe_fail(p, ERR_NETWORK, "the connection broke during the TLS handshake");
	else
		watch(p);
}

static void tls_begin(struct probe *p)
{
	p->state = PROBE_TLS;
	timer_stop(&p->attempt);
	p->tls = endpoint_tls_new(p->run->prober->tls, *p->ep.name ? p->ep.name : p->ep.host);
	tls_step(p, NULL, 0);
}

static void on_silence(struct loop *loop, void *arg)
{
	(void)loop;
	tls_begin(arg);
}

static void talk_begin(struct probe *p)
{
	int64_t left = p->due - clock_mono();

	p->state = PROBE_TALK;
	watch(p);
	if (p->ep.proto == PROTO_SIEVE)
		timer_start(loop_of(p), &p->attempt,
			left / 3 < SIEVE_SILENCE_MS ? left / 3 : SIEVE_SILENCE_MS, NULL, on_silence,
			p);
}

static void talk_step(struct probe *p, const char *data, size_t len)
{
	enum starttls_state s;

	timer_stop(&p->attempt);
	s = starttls_feed(&p->talk, data, len, &p->out, &p->err);
	if (s == STARTTLS_FAILED)
		probe_end(p);
	else if (!send_out(p))
		probe_fail(p, ERR_NETWORK, "the connection broke before TLS");
	else if (s == STARTTLS_READY)
		tls_begin(p);
	else
		watch(p);
}

static void probe_connected(struct probe *p)
{
	timer_stop(&p->attempt);
	p->connected = true;
	if (p->ep.proto == PROTO_TLS)
		tls_begin(p);
	else
		talk_begin(p);
}

static void probe_on_connect(struct probe *p)
{
	socklen_t size = sizeof(int);
	int error = 0;

	getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (!error) {
		probe_connected(p);
		return;
	}
	err_clear(&p->err);
	err_set(&p->err, ERR_NETWORK, "%s", strerror(error));
	close_socket(p);
	probe_connect_next(p);
}

static void probe_on_read(struct probe *p)
{
	char data[16384];
	ssize_t n = recv(p->fd, data, sizeof(data), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		probe_fail(p, ERR_NETWORK, strerror(errno));
	else if (!n)
		probe_fail(p, ERR_NETWORK,
			p->state == PROBE_TLS
				? "the server closed the connection during the TLS handshake"
				: "the server closed the connection before TLS");
	else if (p->state == PROBE_TLS)
		tls_step(p, data, (size_t)n);
	else
		talk_step(p, data, (size_t)n);
}

static void probe_on_socket(struct loop *loop, int fd, unsigned events, void *arg)
{
	struct probe *p = arg;

	(void)loop;
	(void)fd;
	if (p->state == PROBE_CONNECT) {
		probe_on_connect(p);
		return;
	}
	if (events & LOOP_WRITE) {
		if (!send_out(p)) {
			probe_fail(p, ERR_NETWORK, "the connection broke");
			return;
		}
		watch(p);
	}
	if (events & (LOOP_READ | LOOP_ERROR))
		probe_on_read(p);
}

static void on_attempt_over(struct loop *loop, void *arg)
{
	struct probe *p = arg;

	(void)loop;
	err_clear(&p->err);
	err_set(&p->err, ERR_TIMEOUT, "no answer to the connection");
	close_socket(p);
	probe_connect_next(p);
}

/* 0, or an errno. The socket is p->fd afterwards. */
static int open_socket(struct probe *p, const char *address)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *to = NULL;
	char port[8];
	int error = 0;

	snprintf(port, sizeof(port), "%u", p->ep.port);
	if (getaddrinfo(address, port, &hints, &to))
		return EADDRNOTAVAIL;
	p->fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0 || (connect(p->fd, to->ai_addr, to->ai_addrlen) && errno != EINPROGRESS))
		error = errno;
	freeaddrinfo(to);
	if (error && p->fd >= 0) {
		close(p->fd);
		p->fd = -1;
	}
	return error;
}

/* Each address gets an equal share of the time that is left, so that a dead IPv6 route does not
 * hide a live IPv4 one. */
static void probe_connect_next(struct probe *p)
{
	struct lookup *l = p->lookup;
	int error;

	while (p->next_address < l->count) {
		size_t left = l->count - p->next_address;
		int64_t ms = (p->due - clock_mono()) / (int64_t)left;

		error = open_socket(p, l->address[p->next_address++]);
		if (error) {
			err_clear(&p->err);
			err_set(&p->err, ERR_NETWORK, "%s", strerror(error));
			continue;
		}
		p->state = PROBE_CONNECT;
		loop_fd_set(loop_of(p), p->fd, LOOP_WRITE, probe_on_socket, p);
		if (left > 1)
			timer_start(loop_of(p), &p->attempt, ms, NULL, on_attempt_over, p);
		return;
	}
	probe_end(p);
}

void probe_on_deadline(struct loop *loop, void *arg)
{
	struct probe *p = arg;
	double s = (double)(clock_mono() - p->started) / 1000;
	const char *what = "no address found";

	(void)loop;
	if (p->state == PROBE_CONNECT)
		what = "no answer to the connection";
	else if (p->state == PROBE_TALK)
		what = p->talk.total ? "the talk before TLS did not come to an end"
				     : "connected, but the server says nothing";
	else if (p->state == PROBE_TLS)
		what = "connected, but no TLS handshake";
	err_clear(&p->err);
	err_set(&p->err, ERR_TIMEOUT, "%s within %.1f s", what, s);
	probe_end(p);
}

void probe_resolved(struct probe *p)
{
	if (p->err.code == ERR_NONE && p->lookup->count) {
		probe_connect_next(p);
		return;
	}
	if (p->err.code == ERR_NONE)
		p->err = p->lookup->err;
	probe_end(p);
}

void probe_init(struct probe *p, struct run *r, const struct endpoint *ep)
{
	char text[320];

	p->run = r;
	p->ep = *ep;
	p->fd = -1;
	p->cert = cert_new(CERT_SERVED);
	p->cert->port = ep->port;
	p->cert->optional = ep->optional;
	p->cert->other_host = ep->other_host;
	cert_set_text(&p->cert->name, *ep->name ? ep->name : ep->host, SIZE_MAX);
	cert_set_text(&p->cert->endpoint, endpoint_format(ep, text, sizeof(text)), SIZE_MAX);
	starttls_init(&p->talk, ep->proto, r->prober->ehlo);
	buf_init(&p->out, OUT_MAX);
}
