/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to http*.c: what every transfer to one server has in common, and the options of a single one. */
#ifndef CLIENT_HTTP_EASY_H
#define CLIENT_HTTP_EASY_H

#include <stdbool.h>
#include <stddef.h>

#include <curl/curl.h>

#include "client/http_private.h"

struct http_every {
	struct http_setup setup;
	const struct cred *cred; /* borrowed */
	struct curl_slist *body_headers, *route;
};

/* Into zeroed memory; to be released also after a failure. */
bool http_every_init(struct http_every *every, const struct http_options *options, const struct cred *cred, struct err *err);
void http_every_release(struct http_every *every);
/* *every and *req must live as long as the transfer. max: bytes of the answer. */
void http_easy_set(CURL *easy, const struct http_every *every, const struct request *req, size_t max);

#endif
