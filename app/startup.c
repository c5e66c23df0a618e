/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mail server's start, as its own log tells it: it may be another version since, at the same address and with the same calls. */
#include "app/startup.h"

#include "core/clock.h"

#define FUTURE_MS 60000 /* a clock that is ahead by more says nothing about now */

static bool is_startup(const struct event *ev)
{
	if (ev->format == EVENT_TRACING) /* "Starting Stalwart Mail Server v0.8.1..."; listeners begin otherwise */
		return slice_starts(ev->description, "Starting Stalwart ");
	return slice_is(ev->id, "server.startup");
}

void startup_begin(struct app *a)
{
	a->startup_seen = clock_now() / 1000 * 1000; /* to the second, as the log has it */
}

void startup_line(struct app *a, const struct event *ev)
{
	int64_t now = clock_now();

	if (ev->time == TIME_NONE || ev->time <= a->startup_seen || ev->time > now + FUTURE_MS || !is_startup(ev))
		return;
	a->startup_seen = ev->time;
	if (session_state(a->session) == SESSION_READY)
		session_connect(a->session);
}
