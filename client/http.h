/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP to one server, on the loop: the only user of libcurl. Knows requests and answers, not what they mean.
 * Redirects are never followed. Certificates are verified; only a CA file or a pin of the profile changes what is trusted. */
#ifndef CLIENT_HTTP_H
#define CLIENT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/cred.h"
#include "client/dialect.h"
#include "core/err.h"
#include "core/loop.h"

struct http;
struct http_call;

struct http_options {
	const char *url;        /* scheme://host[:port][/base]; http:// only when a loopback address or a unix socket is dialled */
	const char *connect_to; /* "host:port", "unix:/path", NULL = the URL's */
	const char *ca_file;    /* NULL = the system's */
	const char *pin;        /* "sha256//…": the server's public key. Without ca_file it takes the place of chain and name */
	bool insecure;          /* no verification; loopback only */
	int64_t timeout_ms;     /* to connect, and to answer; a streamed answer may take longer as long as bytes come */
};

struct http_answer {
	struct response response; /* body borrowed until done() returns */
	int64_t date;             /* the server's clock, wall ms; TIME_NONE */
	int64_t ms;               /* from sending to the end */
	size_t bytes;             /* of the body */
	char peer[64];            /* address talked to, "" if none */
};

struct http_sink {
	/* A piece of a streamed body (request.stream). False abandons the transfer with *err. */
	bool (*data)(void *arg, int status, const char *data, size_t len, struct err *err);
	void (*done)(void *arg, const struct http_answer *answer); /* once, from the loop, unless cancelled; may free the http */
	void *arg;
};

enum http_flags {
	HTTP_ONCE = 1, /* never on a kept-alive connection: libcurl would repeat a request whose connection turns out dead */
};

/* NULL and *err on a URL or a combination that must not be used. cred is borrowed for the lifetime. */
struct http *http_new(struct loop *loop, const struct http_options *options, const struct cred *cred, struct err *err);
void http_free(struct http *h); /* cancels what runs */
/* Takes the request's buffers. */
struct http_call *http_send(struct http *h, struct request *req, unsigned flags, const struct http_sink *sink);
void http_cancel(struct http_call *call); /* at once; done() is not called */

void request_init(struct request *req);
void request_release(struct request *req); /* wipes when req->secret */

#endif
