/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Evidence after a change: reads the log by the API, at growing intervals because every call costs the server a password hash, and looks
 * for the change's addresses. */
#include "app/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/event.h"
#include "model/netvec.h"

#define FIRST_LOOK_MS 1000
#define LINES         500  /* of a look on the way */
#define LAST_LINES    5000 /* of the last one */

enum sight { SIGHT_NOTHING, SIGHT_SEEN, SIGHT_REFUSED, SIGHT_COUNT };

struct watched {
	struct net net;
	char target[NET_BUF];
	bool blocks;           /* to be refused is what was wanted */
	size_t refused, seen;
};

struct watch {
	struct app *app;
	struct watched *of;
	size_t count;
	struct netvec nets;
	int64_t from;          /* wall ms: lines before are of another time */
	int64_t until, pause;  /* clock_mono(); ms to the next look */
	struct timer timer;
	struct scope scope;    /* of the question under way */
	struct err err;        /* of the last look */
	bool is_last;
	void (*over)(void *arg);
	void *arg;
};

static enum sight sight_of(const struct watched *w)
{
	return w->refused ? SIGHT_REFUSED : w->seen ? SIGHT_SEEN : SIGHT_NOTHING;
}

/* Nothing that could still come would change the words. */
static bool is_certain(const struct watch *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->of[i].net.family &&
			(sight_of(&w->of[i]) == SIGHT_NOTHING || (w->of[i].blocks && !w->of[i].refused)))
			return false;
	return true;
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
	for (size_t i = 0; i < w->count; i++) {
		if (!net_contains_mapped(&w->of[i].net, &facts.address))
			continue;
		if (facts.kind == EVENT_REFUSED)
			w->of[i].refused++;
		else
			w->of[i].seen++;
	}
}

static void ask(struct loop *loop, void *arg);

/* Another look may bring what this one did not; where the log may not be read at all it won't. */
static bool is_over(const struct watch *w)
{
	return w->is_last || w->err.code == ERR_PERMISSION || w->err.code == ERR_UNSUPPORTED ||
		w->err.code == ERR_AUTH || (w->err.code == ERR_NONE && is_certain(w));
}

static void next_look(struct watch *w)
{
	int64_t left = w->until - clock_mono();

	w->is_last = left <= w->pause;
	timer_start(
		w->app->loop, &w->timer, left < w->pause ? (left > 0 ? left : 0) : w->pause, &w->app->scope, ask, w);
	w->pause *= 2;
}

static void logged(void *arg, struct fetch_reply *reply)
{
	struct watch *w = arg;

	w->err = reply->err;
	if (reply->err.code == ERR_NONE)
		for (size_t i = 0; i < w->count; i++)
			w->of[i].refused = w->of[i].seen = 0; /* a look sees all since the change */
	for (size_t i = 0; reply->log && i < reply->log->count; i++)
		look(w, buf_str(&reply->log->text) + reply->log->line[i]);
	if (!is_over(w))
		next_look(w);
	else
		w->over(w->arg);
}

static void ask(struct loop *loop, void *arg)
{
	struct watch *w = arg;
	struct fetch f = { .kind = FETCH_LOG, .limit = w->is_last ? LAST_LINES : LINES, .cursor = "" };

	(void)loop;
	session_fetch(w->app->session, &f, &w->scope, logged, w);
}

static bool is_block(enum edit_kind k)
{
	return k == EDIT_BLOCK || k == EDIT_EXPIRY;
}

static bool has_addresses(const struct change *c)
{
	for (size_t i = 0; i < c->count && i < WATCH_MAX; i++)
		if (c->edits[i].net.family)
			return true;
	return false;
}

/* By the server's clock, in whose log a second is the smallest unit: what stands in that of the change may be from before. */
static int64_t first_second_after(const struct app *a, const struct change *c)
{
	int64_t ended = c->ended != 0 && c->ended != TIME_NONE ? c->ended : clock_now();

	return (ended + session_skew(a->session)) / 1000 * 1000 + 1000;
}

bool watch_begin(struct app *a, const struct change *c, int64_t ms, void (*over)(void *arg), void *arg)
{
	struct watch *w;

	watch_end(a);
	if (!has_addresses(c))
		return false;
	w = xcalloc(1, sizeof(*w));
	w->app = a;
	scope_init(&w->scope);
	w->from = first_second_after(a, c);
	w->until = clock_mono() + ms;
	w->pause = FIRST_LOOK_MS;
	w->over = over;
	w->arg = arg;
	w->count = c->count < WATCH_MAX ? c->count : WATCH_MAX;
	w->of = xcalloc(w->count ? w->count : 1, sizeof(*w->of));
	for (size_t i = 0; i < w->count; i++) {
		w->of[i].net = c->edits[i].net;
		w->of[i].blocks = is_block(c->edits[i].kind);
		net_format(&w->of[i].net, w->of[i].target, sizeof(w->of[i].target));
		netvec_add(&w->nets, &w->of[i].net);
	}
	a->watch = w;
	next_look(w);
	return true;
}

void watch_end(struct app *a)
{
	struct watch *w = a->watch;

	a->watch = NULL;
	if (!w)
		return;
	timer_stop(&w->timer);
	scope_cancel(&w->scope);
	netvec_release(&w->nets);
	free(w->of);
	free(w);
}

/* ---- words ---- */

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

bool watch_words(const struct app *a, size_t edit, char *out, size_t size)
{
	const struct watch *w = a->watch;
	const struct watched *of = w && edit < w->count ? &w->of[edit] : NULL;
	enum sight sight = of ? sight_of(of) : SIGHT_NOTHING;

	if (!of)
		snprintf(out, size, "not watched: only the first %d are", WATCH_MAX);
	else if (sight == SIGHT_REFUSED)
		snprintf(out, size, "refused again: %zu connection%s since", of->refused, plural(of->refused));
	else if (sight == SIGHT_SEEN)
		snprintf(out, size, "seen connecting: %zu log line%s, none refused", of->seen, plural(of->seen));
	else if (w->err.code != ERR_NONE)
		snprintf(out, size, "the log can't be read: %.150s", w->err.msg);
	else
		snprintf(out, size, "no traffic");
	return sight == SIGHT_NOTHING || of->blocks == (sight == SIGHT_REFUSED);
}

void watch_summary(const struct app *a, char *out, size_t size)
{
	const struct watch *w = a->watch;
	size_t n[SIGHT_COUNT] = { 0 };
	char words[200];

	if (!w || w->count == 0) {
		snprintf(out, size, "nothing to watch");
		return;
	}
	for (size_t i = 0; i < w->count; i++)
		n[sight_of(&w->of[i])] += w->of[i].net.family != 0;
	if (w->count == 1 || (n[SIGHT_NOTHING] == w->count && w->err.code != ERR_NONE)) {
		watch_words(a, 0, words, sizeof(words));
		snprintf(out, size, "%s%s%s", w->count == 1 ? w->of[0].target : "", w->count == 1 ? " " : "", words);
		return;
	}
	snprintf(out, size, "%zu refused again, %zu seen connecting, %zu without traffic", n[SIGHT_REFUSED],
		n[SIGHT_SEEN], n[SIGHT_NOTHING]);
}
