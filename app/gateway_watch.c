/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts refused connections of gateways as their log lines come in, and hands on the server's starts. */
#include "app/gateway_watch.h"

#include <stdlib.h>
#include <string.h>

#include "app/gateways.h"
#include "app/startup.h"
#include "client/logsource_api.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "store/history.h"

#define SEEN_MAX  16
#define MINUTE_MS 60000
#define ASK_MS    1000  /* the list is asked for at most so often because of a line */
#define LOST_MS   60000 /* a log that can't be read is looked at again after so long */
#define REST      10    /* and a slow one after so many times the time it took: what is asked meanwhile waits for it */
#define POLL_SLACK_MS 100 /* a panel that polls comes first */
#define FACTS_MS  10000 /* what is a gateway is looked up again after so long */

struct gateway_watch {
	struct app *app;
	struct gateway_seen seen[SEEN_MAX];
	size_t count;
	struct gateway_facts facts; /* without lists: they may be gone */
	int64_t facts_at;           /* clock_mono() */
	struct net *shared;         /* addresses that several accounts log in from, sorted */
	size_t shared_count;
	bool has_facts, is_dirty;   /* dirty: counts that were not told yet */
	bool is_following;
	bool wants_api;             /* that is where the log is */
	struct logsource *api;
	const struct session *api_session; /* it reads by this one */
	int64_t polled, rests;      /* clock_mono(); not again before */
	bool is_polling;            /* nothing was heard since */
	struct timer poll;
	struct observer observer;
	void (*changed)(void *arg);
	void *arg;
};

static struct gateway_watch *watch_of(struct app *a)
{
	if (!a->gateway_watch) {
		a->gateway_watch = xcalloc(1, sizeof(*a->gateway_watch));
		a->gateway_watch->app = a;
	}
	return a->gateway_watch;
}

static const struct gateway_facts *facts_of(struct gateway_watch *w)
{
	int64_t now = clock_mono();

	if (w->has_facts && now - w->facts_at < FACTS_MS)
		return &w->facts;
	if (w->has_facts)
		gateway_facts_release(&w->facts);
	gateways_facts(w->app, &w->facts);
	w->facts.blocked = w->facts.allowed = NULL;
	w->facts.thresholds = NULL;
	free(w->shared);
	if (!history_shared(w->app->store, w->app->profile.name, TIME_NONE, &w->shared, &w->shared_count, NULL))
		w->shared_count = 0;
	w->has_facts = true;
	w->facts_at = now;
	return &w->facts;
}

static struct gateway_seen *find(struct gateway_watch *w, const struct net *n)
{
	for (size_t i = 0; i < w->count; i++)
		if (net_equal(&w->seen[i].net, n))
			return &w->seen[i];
	return NULL;
}

/* Room for one more: the one that was silent longest goes. */
static struct gateway_seen *make_room(struct gateway_watch *w)
{
	struct gateway_seen *oldest = &w->seen[0];

	if (w->count < SEEN_MAX)
		return &w->seen[w->count++];
	for (size_t i = 1; i < w->count; i++)
		if (w->seen[i].last < oldest->last)
			oldest = &w->seen[i];
	return oldest;
}

static int cmp_net(const void *a, const void *b)
{
	return net_cmp(a, b);
}

static struct gateway_seen *note(struct gateway_watch *w, const struct net *n)
{
	struct gateway_facts facts = *facts_of(w);
	struct buf words = BUF_INIT;
	struct gateway_activity seen;
	struct gateway_seen *s = NULL;
	int score;

	if (w->shared_count && bsearch(n, w->shared, w->shared_count, sizeof(*n), cmp_net) && gateways_activity(w->app, n, &seen)) {
		facts.activity = &seen;
		facts.activity_count = 1;
	}
	gateway_reasons(&facts, n, &score, &words);
	if (score >= GATEWAY_ALARM) {
		s = make_room(w);
		*s = (struct gateway_seen){ .net = *n, .last = TIME_NONE };
		text_safe_str(s->words, sizeof(s->words), buf_str(&words), words.len);
	}
	buf_release(&words);
	return s;
}

static void count_one(struct gateway_seen *s, int64_t time, bool is_refused)
{
	int64_t minute = time / MINUTE_MS;

	if (s->last == TIME_NONE)
		s->minute = minute;
	for (; s->minute < minute; s->minute++) /* minutes without any; at most as many as there are slots matter */
		if (minute - s->minute <= GATEWAY_MINUTES)
			s->refused[(s->minute + 1) % GATEWAY_MINUTES] = 0;
	if (is_refused && s->minute - minute < GATEWAY_MINUTES)
		s->refused[minute % GATEWAY_MINUTES]++;
	if (s->last == TIME_NONE || time > s->last)
		s->last = time;
}

static void tell(struct gateway_watch *w)
{
	w->is_dirty = false;
	if (w->changed)
		w->changed(w->arg);
}

static void take_line(struct gateway_watch *w, const struct event *ev)
{
	struct app *a = w->app;
	int64_t now = clock_now();
	struct event_facts facts;
	struct gateway_seen *s;
	bool is_new;

	startup_line(a, ev);
	event_facts(ev, &facts);
	if ((facts.kind != EVENT_REFUSED && facts.kind != EVENT_BAN) || !facts.address.family || ev->time == TIME_NONE || ev->time > now + MINUTE_MS ||
		now - ev->time >= GATEWAY_MINUTES * MINUTE_MS)
		return;
	s = find(w, &facts.address);
	is_new = !s;
	if (!s && !(s = note(w, &facts.address)))
		return;
	count_one(s, ev->time, facts.kind == EVENT_REFUSED);
	w->is_dirty = true;
	if (session_state(a->session) == SESSION_READY && clock_mono() - a->snap.asked[SNAP_BIT_BLOCKED] >= ASK_MS)
		app_refresh(a, SNAP(BLOCKED), 0);
	if (is_new)
		tell(w);
}

void gateway_watch_line(struct app *a, const struct event *ev)
{
	struct gateway_watch *w = watch_of(a);

	if (!w->is_following)
		take_line(w, ev);
}

/* ---- following a local log ---- */

static void on_lines(struct logsource *src, const struct logbatch *batch, void *arg)
{
	struct gateway_watch *w = arg;

	if (src == w->api && w->is_polling && clock_mono() - w->polled > w->app->profile.refresh_ms / REST)
		w->rests = clock_mono() + (clock_mono() - w->polled) * REST;
	w->is_polling = false;
	for (size_t i = 0; i < batch->count; i++)
		take_line(w, &batch->events[i]);
	if (w->is_dirty)
		tell(w);
}

static void on_state(struct logsource *src, enum logsource_state state, const char *text, void *arg)
{
	struct gateway_watch *w = arg;

	(void)text; /* the log panel says what is wrong with a log */
	if (state == LOGSOURCE_LOST)
		w->rests = clock_mono() + LOST_MS;
	if (src != w->api || state != LOGSOURCE_FAILED)
		return;
	logsource_close(src);
	w->api = NULL;
	w->wants_api = w->is_following = false;
}

/* ---- the server's API ---- */

static bool open_source(struct gateway_watch *w, const struct logsource_ops *ops, void *param, struct logsource **out)
{
	struct logsource_want want = { .follow = true, .is_driven = ops == &logsource_api };
	struct logsource_events events = { .on_lines = on_lines, .on_state = on_state, .arg = w };
	struct err ignored = ERR_INIT;

	*out = logsource_open(ops, param, w->app->loop, &w->app->scope, &want, &events, &ignored);
	return *out != NULL;
}

/* Does the log tell of something that the list is too old for? */
static bool is_ahead(const struct gateway_watch *w)
{
	int64_t fetched = w->app->snap.fetched[SNAP_BIT_BLOCKED];

	for (size_t i = 0; i < w->count; i++)
		if (fetched == TIME_NONE || w->seen[i].last > fetched)
			return true;
	return false;
}

static void poll_due(struct loop *loop, void *arg)
{
	(void)loop;
	gateway_watch_poll(arg);
}

void gateway_watch_poll(struct app *a)
{
	struct gateway_watch *w = a->gateway_watch;
	int64_t now = clock_mono(), every = a->profile.refresh_ms;

	if (!w || !w->wants_api || every <= 0)
		return;
	timer_start(a->loop, &w->poll, every + POLL_SLACK_MS, &a->scope, poll_due, a);
	if (w->api && w->api_session != a->session) { /* other credentials: the old session is gone */
		logsource_close(w->api);
		w->api = NULL;
		w->is_following = false;
	}
	if (now - w->polled < every / 2 || now < w->rests || (!w->api && a->snap.in_flight))
		return;
	if (session_state(a->session) != SESSION_READY || !app_can(a, CAP(READ_LOG), NULL))
		return;
	w->polled = now;
	w->is_polling = true;
	if (w->api) {
		logsource_poll(w->api);
	} else {
		w->api_session = a->session;
		w->is_following = open_source(w, &logsource_api, a->session, &w->api);
	}
	if (is_ahead(w)) /* the list could not be had when the line came */
		app_refresh(a, SNAP(BLOCKED), 0);
}

static void on_app(void *arg, unsigned snaps)
{
	struct gateway_watch *w = arg;

	if (snaps & SNAP(BLOCKED) && !w->api) /* the list comes first: requests wait for one another */
		gateway_watch_poll(w->app);
}

void gateway_watch_follow(struct app *a, void (*changed)(void *arg), void *arg)
{
	struct gateway_watch *w = watch_of(a);
	struct logsource *file;

	startup_begin(w->app);
	w->changed = changed;
	w->arg = arg;
	switch (logsource_choose(a->profile.log_source, a->log_path, sizeof(a->log_path))) {
	case LOGSOURCE_KIND_FILE:
		w->is_following = open_source(w, &logsource_file, a->log_path, &file);
		break;
	case LOGSOURCE_KIND_API:
		w->wants_api = true;
		w->polled = w->rests = INT64_MIN / 2;
		app_observe(a, &w->observer, &a->scope, on_app, w);
		break;
	case LOGSOURCE_KIND_STDIN:
		break; /* each line comes by gateway_watch_line() */
	}
}

/* ---- what is known ---- */

void gateway_watch_forget(struct app *a, const struct change *c)
{
	struct gateway_watch *w = a->gateway_watch;

	for (size_t i = 0; w && i < c->count; i++) {
		const struct edit *e = &c->edits[i];
		struct gateway_seen *s = e->net.family ? find(w, &e->net) : NULL;

		if (s && c->outcomes[i].verdict == VERDICT_IN_FORCE && (e->kind == EDIT_UNBLOCK || e->kind == EDIT_ALLOW))
			*s = w->seen[--w->count];
	}
}

void gateway_watch_release(struct app *a)
{
	if (!a->gateway_watch)
		return;
	if (a->gateway_watch->has_facts)
		gateway_facts_release(&a->gateway_watch->facts);
	free(a->gateway_watch->shared);
	free(a->gateway_watch);
	a->gateway_watch = NULL;
}

size_t gateway_watch_count(const struct app *a)
{
	return a->gateway_watch ? a->gateway_watch->count : 0;
}

const struct gateway_seen *gateway_watch_at(const struct app *a, size_t i)
{
	return &a->gateway_watch->seen[i];
}

const struct gateway_seen *gateway_watch_of(const struct app *a, const struct net *n)
{
	return a->gateway_watch ? find(a->gateway_watch, n) : NULL;
}

uint64_t gateway_seen_refused(const struct gateway_seen *s, int64_t now)
{
	uint64_t sum = 0;

	for (int64_t m = now / MINUTE_MS; m > now / MINUTE_MS - GATEWAY_MINUTES; m--)
		if (m <= s->minute && s->minute - m < GATEWAY_MINUTES)
			sum += s->refused[m % GATEWAY_MINUTES];
	return sum;
}
