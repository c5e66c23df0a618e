/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host name -> addresses without blocking the loop: `getent ahosts` in a child. Chosen over
 * getaddrinfo_a(), whose hidden threads can't be stopped (a cancelled probe would have to leave its
 * memory to them), and over a resolver library, which would not read nsswitch.conf: the child asks
 * what every other program on this host asks, and can be killed. */
#ifndef CLIENT_ENDPOINT_LOOKUP_H
#define CLIENT_ENDPOINT_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/loop.h"

#define LOOKUP_MAX  8  /* addresses kept */
#define LOOKUP_TEXT 64 /* one address with its zone */

struct lookup {
	char host[256];
	char address[LOOKUP_MAX][LOOKUP_TEXT]; /* in the order to be tried */
	size_t count;
	bool done;
	struct err err; /* done and count 0: why */
	/* private while it runs */
	struct loop *loop;
	pid_t pid;
	int fd;
	struct buf out;
	void (*fn)(struct lookup *l, void *arg);
	void *arg;
};

/* l is zeroed. An address is its own answer, localhost is loopback: l->done at once and fn is not called; else fn is, from
 * the loop. */
void lookup_start(struct lookup *l, struct loop *loop, const char *host,
	void (*fn)(struct lookup *l, void *arg), void *arg);
void lookup_stop(struct lookup *l); /* kills the child, if any; fn is not called */
/* getent's lines "ADDRESS TYPE [NAME]" -> distinct addresses. Pure. */
size_t lookup_parse(const char *text, size_t len, char address[][LOOKUP_TEXT], size_t max);

#endif
