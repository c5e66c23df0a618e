/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Evidence after a change: reads the log once the time is over, by the API or the files of this host, and looks for the change's addresses. */
#include "app/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/event.h"
#include "model/netvec.h"

struct watch {
	struct app *app;
	struct netvec nets;
	int64_t from;
	struct timer timer;
	size_t refused, seen;
	bool done, asked, ended; /* ended while the log was being read: freed by the answer */
	char text[200];
};

static void watch_free(struct watch *w)
{
	netvec_release(&w->nets);
	free(w);
}

static void conclude(struct watch *w, const char *failure)
{
	w->done = true;
	if (failure)
		snprintf(w->text, sizeof(w->text), "the log can't be read: %.150s", failure);
	else if (w->refused)
		snprintf(w->text, sizeof(w->text), "refused again: %zu connections since", w->refused);
	else if (w->seen)
		snprintf(w->text, sizeof(w->text), "seen connecting: %zu log lines, none refused", w->seen);
	else
		snprintf(w->text, sizeof(w->text), "no traffic");
}

static void look(struct watch *w, const char *line)
{
	struct event_facts facts;
	struct event ev;

	event_parse(line, strlen(line), &ev);
	if (ev.format == EVENT_TEXT || ev.time < w->from)
		return;
	event_facts(&ev, &facts);
	if (!facts.address.family || !netvec_around(&w->nets, &facts.address))
		return;
	if (facts.kind == EVENT_REFUSED)
		w->refused++;
	else
		w->seen++;
}

static void logged(void *arg, struct fetch_reply *reply)
{
	struct watch *w = arg;

	w->asked = false;
	if (w->ended) {
		watch_free(w);
		return;
	}
	for (size_t i = 0; reply->log && i < reply->log->count; i++)
		look(w, buf_str(&reply->log->text) + reply->log->line[i]);
	conclude(w, reply->err.code != ERR_NONE ? reply->err.msg : NULL);
}

static void over(struct loop *loop, void *arg)
{
	struct watch *w = arg;
	struct fetch f = { .kind = FETCH_LOG, .limit = 5000, .cursor = "" };

	(void)loop;
	w->asked = true;
	session_fetch(w->app->session, &f, &w->app->scope, logged, w);
}

void watch_begin(struct app *a, const struct change *c)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	watch_end(a);
	w->app = a;
	w->from = c->ended != 0 && c->ended != TIME_NONE ? c->ended / 1000 * 1000 : clock_now();
	for (size_t i = 0; i < c->count && i < 1000; i++)
		netvec_add(&w->nets, &c->edits[i].net);
	a->watch = w;
	timer_start(a->loop, &w->timer, a->options.watch_ms, &a->scope, over, w);
}

const char *watch_result(struct app *a)
{
	return a->watch && a->watch->done ? a->watch->text : NULL;
}

void watch_end(struct app *a)
{
	struct watch *w = a->watch;

	a->watch = NULL;
	if (!w)
		return;
	timer_stop(&w->timer);
	w->ended = true;
	if (!w->asked)
		watch_free(w);
}
