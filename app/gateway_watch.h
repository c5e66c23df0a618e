/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the log says about gateways between two looks at the lists: a refused connection of one, or its ban, is an alarm at once,
 * and how many were refused is said with it. Lines may come from anywhere; the console follows the log for it. */
#ifndef APP_GATEWAY_WATCH_H
#define APP_GATEWAY_WATCH_H

#include "app/app.h"
#include "model/change.h"
#include "model/event.h"

#define GATEWAY_MINUTES 10 /* refused connections are counted over so many minutes */

struct gateway_seen {
	struct net net;
	char words[160];                   /* why it is one: "in Docker's default range" */
	int64_t last;                      /* ms: its newest refused connection, or its ban */
	int64_t minute;                    /* of that, since the epoch */
	uint32_t refused[GATEWAY_MINUTES]; /* by minute modulo GATEWAY_MINUTES */
};

/* Any line as it comes in, once, where the log is not followed here; what counts is a refused connection or a ban of a gateway that is not older than GATEWAY_MINUTES. */
void gateway_watch_line(struct app *a, const struct event *ev);
/* Follows the log, a file of this host or else the server's API; changed is called when something new was seen. Again after app_switch(). */
void gateway_watch_follow(struct app *a, void (*changed)(void *arg), void *arg);
/* The server is being asked for something anyway: a page of the API's log along with it. Where nothing is asked for a refresh interval,
 * that page is. */
void gateway_watch_poll(struct app *a);
/* What a change un-blocked or allowed is forgotten: its old lines mean nothing any more. */
void gateway_watch_forget(struct app *a, const struct change *c);
void gateway_watch_release(struct app *a);

size_t gateway_watch_count(const struct app *a);
const struct gateway_seen *gateway_watch_at(const struct app *a, size_t i);
/* NULL when n was neither banned nor refused lately. */
const struct gateway_seen *gateway_watch_of(const struct app *a, const struct net *n);
uint64_t gateway_seen_refused(const struct gateway_seen *s, int64_t now); /* in the last GATEWAY_MINUTES */

#endif
