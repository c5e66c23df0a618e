/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pages of a log as the API answered them, newest first, joined without what occurs twice where two of them meet. Private to
 * logsource_api.c; asks for nothing. */
#ifndef CLIENT_LOGPAGES_H
#define CLIENT_LOGPAGES_H

#include "client/client.h"
#include "model/event.h"

struct logpages {
	struct log_page **page;
	size_t count, cap;
	size_t lines, bytes;
};

void logpages_drop(struct logpages *l); /* all pages; the struct can be used again */
void logpages_release(struct logpages *l);
/* Takes the page, which is older than what is there; its overlap is left out. False: it does not begin where the one before said it would. */
bool logpages_take(struct logpages *l, struct log_page *page);
struct log_page *logpages_last(const struct logpages *l);      /* the oldest; there must be one */
int64_t logpages_oldest(const struct logpages *l);             /* time of the oldest line that has one */
/* How many lines at the front end with these, newest first; 0 = they are not there. At most LOGPAGES_TAIL. */
#define LOGPAGES_TAIL 8
size_t logpages_find(const struct logpages *l, const uint64_t *hashes, size_t n);
/* Secrets masked, colour codes gone; out points into the page. */
void logpages_parse(struct log_page *page, size_t line, struct event *out);
/* A body that the server logs at trace level is a log within the log: reading it would grow it (seen on 0.15.5). */
bool logpages_is_body(const struct event *ev);

#endif
