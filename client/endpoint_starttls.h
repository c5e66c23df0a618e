/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clear-text talk before TLS: a pure machine, bytes in, bytes to send out. Knows no socket and
 * no clock. */
#ifndef CLIENT_ENDPOINT_STARTTLS_H
#define CLIENT_ENDPOINT_STARTTLS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/endpoint.h"
#include "core/buf.h"
#include "core/err.h"

#define STARTTLS_LINE_MAX  4096  /* bytes of one line from the server */
#define STARTTLS_TOTAL_MAX 65536 /* bytes of the whole talk */

enum starttls_state {
	STARTTLS_GREETING, /* waiting for the server to speak first */
	STARTTLS_CAPS,     /* smtp: answer to EHLO */
	STARTTLS_ANSWER,   /* answer to STARTTLS */
	STARTTLS_READY,    /* TLS begins with the next byte */
	STARTTLS_FAILED,
};

struct starttls {
	enum proto proto;
	enum starttls_state state;
	struct buf in; /* of an unfinished line */
	size_t total;
	bool offered;     /* STARTTLS is among the capabilities */
	const char *ehlo; /* borrowed */
};

void starttls_init(struct starttls *st, enum proto proto, const char *ehlo);
void starttls_release(struct starttls *st);
/* Takes what came and appends what is to be sent. After a failure err says why, in the server's
 * sanitised words where it spoke. Bytes after the final answer are an injection (they would count
 * as sent inside TLS) and fail. */
enum starttls_state starttls_feed(
	struct starttls *st, const char *data, size_t len, struct buf *send, struct err *err);

#endif
