/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The newest answer of each kind, asked for once however many panels want it, and who wants to know when it changes. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/gateway_watch.h"
#include "core/clock.h"
#include "core/mem.h"
#include "store/history.h"

static const struct {
	enum fetch_kind fetch;
	enum list_kind list;
	unsigned cap;
} kinds[SNAP_COUNT] = {
	[SNAP_BIT_BLOCKED] = { FETCH_LIST, LIST_BLOCKED, CAP(READ_BLOCKED) },
	[SNAP_BIT_ALLOWED] = { FETCH_LIST, LIST_ALLOWED, CAP(READ_ALLOWED) },
	[SNAP_BIT_THRESHOLDS] = { FETCH_THRESHOLDS, 0, CAP(READ_THRESHOLDS) },
	[SNAP_BIT_CERTS] = { FETCH_CERTS, 0, CAP(READ_CERTS) },
	[SNAP_BIT_TRUST] = { FETCH_TRUST, 0, CAP(READ_TRUST) },
	[SNAP_BIT_CHECK] = { FETCH_CHECK, 0, CAP(CHECK_CONFIG) },
};

void snapshot_release(struct snapshot *s)
{
	for (int i = 0; i < LIST_COUNT; i++)
		entrylist_free(s->list[i]);
	if (s->thresholds)
		thresholds_release(s->thresholds);
	free(s->thresholds);
	certlist_free(s->certs);
	trust_free(s->trust);
	config_check_free(s->check);
	timer_stop(&s->tally_turn);
	history_tallies_abandon(s->tally_reader);
	free(s->tallies);
	memset(s, 0, sizeof(*s));
}

/* Unchanged lists keep their rows: nothing is sorted or drawn again for nothing. */
static bool take_list(struct snapshot *s, enum list_kind kind, struct fetch_reply *r)
{
	struct entrylist *old = s->list[kind];
	bool same = old && old->body_hash && old->body_hash == r->list->body_hash && old->count == r->list->count;

	if (same) {
		old->fetched = r->fetched;
		return false;
	}
	s->list[kind] = r->list;
	r->list = NULL;
	entrylist_free(old);
	return true;
}

static bool take(struct snapshot *s, enum snap what, struct fetch_reply *r)
{
	switch (what) {
	case SNAP_BIT_BLOCKED:
		return take_list(s, LIST_BLOCKED, r);
	case SNAP_BIT_ALLOWED:
		return take_list(s, LIST_ALLOWED, r);
	case SNAP_BIT_THRESHOLDS:
		if (s->thresholds)
			thresholds_release(s->thresholds);
		free(s->thresholds);
		s->thresholds = r->thresholds;
		r->thresholds = NULL;
		return true;
	case SNAP_BIT_CERTS:
		certlist_free(s->certs);
		s->certs = r->certs;
		r->certs = NULL;
		return true;
	case SNAP_BIT_TRUST:
		trust_free(s->trust);
		s->trust = r->trust;
		r->trust = NULL;
		return true;
	case SNAP_BIT_CHECK:
		config_check_free(s->check);
		s->check = r->check;
		r->check = NULL;
		return true;
	case SNAP_COUNT:
		break;
	}
	return false;
}

static void answered(void *arg, struct fetch_reply *reply)
{
	struct snap_ask *ask = arg;
	struct app *a = ask->app;
	enum snap what = ask->what;
	bool is_new;

	a->snap.in_flight &= ~(1u << what);
	a->snap.err[what] = reply->err;
	if (reply->err.code == ERR_NONE) {
		a->snap.fetched[what] = reply->fetched;
		is_new = take(&a->snap, what, reply);
		a->snap.generation += is_new;
		if (what == SNAP_BIT_BLOCKED)
			app_learn(a, is_new);
	}
	app_notify(a, 1u << what);
}

void app_refresh(struct app *a, unsigned snaps, int64_t max_age_ms)
{
	int64_t now = clock_mono();
	bool is_asking = false;

	if (snaps & SNAP(TRUST))
		names_look_up(a);
	for (int i = 0; i < SNAP_COUNT; i++) {
		struct fetch f = { .kind = kinds[i].fetch, .list = kinds[i].list };

		if (!(snaps & 1u << i) || a->snap.in_flight & 1u << i)
			continue;
		if (max_age_ms > 0 && a->snap.fetched[i] != TIME_NONE && now - a->snap.asked[i] < max_age_ms)
			continue;
		a->asks[i] = (struct snap_ask){ a, (enum snap)i };
		a->snap.in_flight |= 1u << i;
		a->snap.asked[i] = now;
		session_fetch(a->session, &f, &a->scope, answered, &a->asks[i]);
		is_asking = true;
	}
	if (is_asking)
		gateway_watch_poll(a);
}

static void observer_cancel(struct scope_item *item)
{
	struct observer *o = container_of(item, struct observer, item);
	struct app *a = o->app;

	if (a->notify_next == o)
		a->notify_next = o->next;
	for (struct observer **p = &a->observers; *p; p = &(*p)->next)
		if (*p == o) {
			*p = o->next;
			break;
		}
}

void app_observe(struct app *a, struct observer *o, struct scope *owner, void (*fn)(void *arg, unsigned snaps), void *arg)
{
	*o = (struct observer){ .fn = fn, .arg = arg, .next = a->observers, .app = a };
	a->observers = o;
	scope_add(owner, &o->item, observer_cancel);
}

void app_notify(struct app *a, unsigned snaps)
{
	for (struct observer *o = a->observers; o; o = a->notify_next) {
		a->notify_next = o->next;
		o->fn(o->arg, snaps);
	}
}
