/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to http*.c: where to dial and whom to trust, checked once. */
#ifndef CLIENT_HTTP_PRIVATE_H
#define CLIENT_HTTP_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "client/http.h"

struct http_setup {
	char *base;         /* scheme://host[:port][/base], no slash at the end */
	char *place;        /* "host:port" or the socket's path: what is dialled, for people */
	char *host;         /* of the URL, for people */
	char *unix_path;    /* or NULL */
	char *connect_to;   /* in libcurl's form, or NULL */
	char *ca_file, *pin; /* or NULL */
	bool insecure;
	bool is_local;      /* loopback or a unix socket */
	bool must_be_local; /* no TLS, or TLS nobody verifies */
	int64_t timeout_ms;
};

bool http_setup_init(struct http_setup *s, const struct http_options *o, struct err *err);
void http_setup_release(struct http_setup *s);
bool sockaddr_is_local(const struct sockaddr *a);
void media_type_only(char *s); /* lower case, parameters cut off */

#endif
