/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Carrying a plan out: journal first, then the change, then what it really did, then the journal again and fresh lists. A verb whose
 * connection is lost on the way looks again before it ends; the console, which stays, does so later (resume.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/certs_proof.h"
#include "app/plan.h"
#include "app/rescue.h"
#include "app/resume.h"
#include "core/clock.h"
#include "core/mem.h"
#include "store/journal.h"

#define LOOK_MS  50   /* between two looks whether the server is back */
#define AGAIN_MS 1000 /* between two readings of what became of a change */
#define LOOKS    3    /* such readings: what fails so often will not do better a fourth time */

struct app_run {
	struct scope_item item;
	struct app *app;
	struct change *change;   /* borrowed while the session has it */
	struct certs_proof *proof; /* NULL = what the server answers is all there is to see */
	bool sent, in_session, is_taken;
	bool is_counted;         /* in app.runs */
	int64_t journal_id;
	struct err journal_err;
	int64_t journal_next;    /* clock_mono(): progress is kept at most twice a second */
	run_progress_fn progress;
	run_done_fn done;
	void *arg;
	struct timer timer;
	bool stopped;
	int64_t give_up, next_look; /* clock_mono(), of a change whose end is not known */
	int looks;
};

/* Which lists must be looked at again after such edits. */
static unsigned touched(const struct change *c)
{
	static const unsigned of[EDIT_COUNT] = { [EDIT_BLOCK] = SNAP(BLOCKED), [EDIT_UNBLOCK] = SNAP(BLOCKED), [EDIT_EXPIRY] = SNAP(BLOCKED),
		[EDIT_ALLOW_EXPIRY] = SNAP(ALLOWED), [EDIT_ALLOW] = SNAP(ALLOWED), [EDIT_DISALLOW] = SNAP(ALLOWED), [EDIT_THRESHOLD] = SNAP(THRESHOLDS),
		[EDIT_THRESHOLD_OFF] = SNAP(THRESHOLDS), [EDIT_THRESHOLD_DEFAULT] = SNAP(THRESHOLDS), [EDIT_PATH_ADD] = SNAP(THRESHOLDS),
		[EDIT_PATH_REMOVE] = SNAP(THRESHOLDS), [EDIT_CERT_RELOAD] = SNAP(CERTS), [EDIT_CERT_RENEW] = SNAP(CERTS),
		[EDIT_CERT_UPLOAD] = SNAP(CERTS) };
	unsigned snaps = 0;

	for (size_t i = 0; i < c->count; i++)
		snaps |= of[c->edits[i].kind];
	return snaps;
}

static void finish(struct app_run *r, struct change *c)
{
	struct app *a = r->app;

	a->runs -= r->is_counted;
	/* what is not known yet has no end: it is looked at again as soon as the server answers (resume.c) */
	if (r->journal_id) {
		journal_update(a->store, r->journal_id, c, change_tally(c, VERDICT_UNKNOWN) == 0, &r->journal_err);
		resume_mark_ended(a, r->journal_id);
	}
	scope_remove(&r->item);
	r->done(r->arg, c, r->journal_id, &r->journal_err);
	if (!r->is_taken)
		change_free(c);
	free(r);
}

static void proven(void *arg)
{
	struct app_run *r = arg;

	r->proof = NULL;
	if (r->app->observers) /* a verb is done and looks at nothing again */
		app_refresh(r->app, touched(r->change), 0);
	finish(r, r->change);
}

static void prove(struct app_run *r)
{
	if (r->proof)
		certs_proof_judge(r->proof, r->change, proven, r);
	else
		proven(r);
}

/* ---- a connection that was lost on the way ---- */

static void look_again(struct loop *loop, void *arg);

/* Some of it may still be known: what has a value on the server can be read. */
static bool is_open(const struct change *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->outcomes[i].verdict == VERDICT_UNKNOWN && c->edits[i].kind < EDIT_RESET_COUNTERS)
			return true;
	return false;
}

/* A verb is about to end and nobody looks later. What a risky delete took along is put back first, by the next call. */
static bool waits(struct app_run *r)
{
	struct app *a = r->app;
	enum session_state state = session_state(a->session);
	bool is_hopeless = state == SESSION_REFUSED || state == SESSION_FOREIGN || r->looks == LOOKS;

	if (a->observers || r->stopped || r->change->cancelled || is_hopeless || !is_open(r->change) || rescue_is_pending(a))
		return false;
	if (!r->give_up)
		r->give_up = clock_mono() + a->profile.timeout_ms;
	return clock_mono() < r->give_up;
}

static void wait_a_moment(struct app_run *r)
{
	timer_start(r->app->loop, &r->timer, LOOK_MS, &r->app->scope, look_again, r);
}

static void changed(void *arg, struct change *c)
{
	struct app_run *r = arg;
	struct app *a = r->app;

	r->change = c;
	r->in_session = false;
	change_effect(c, a->snap.list[LIST_BLOCKED], a->snap.list[LIST_ALLOWED], server_has(session_server(a->session), CAP(ALLOW_WINS)), clock_now());
	if (waits(r))
		wait_a_moment(r);
	else
		prove(r);
}

static void look_again(struct loop *loop, void *arg)
{
	struct app_run *r = arg;
	struct app *a = r->app;

	(void)loop;
	if (!waits(r)) {
		prove(r);
	} else if (session_state(a->session) != SESSION_READY || clock_mono() < r->next_look) {
		wait_a_moment(r);
	} else {
		r->next_look = clock_mono() + AGAIN_MS;
		r->looks++;
		r->in_session = true;
		session_recheck(a->session, r->change, app_can(a, CAP(RELOAD), NULL), &a->scope, changed, r);
	}
}

bool app_run_is_waiting(const struct app_run *r)
{
	return r->give_up && !r->in_session;
}

/* ---- the change itself ---- */

/* What will be replaced is kept before the first write, all of it or none: that is how one that finds the change cut off knows whether
 * anything was written. */
static bool is_time_to_keep(const struct app_run *r, const struct change_progress *p)
{
	return p->step == STEP_BEFORE ? p->done == p->total : clock_mono() >= r->journal_next;
}

size_t run_progress_done(const struct change_progress *p)
{
	size_t passes = p->step == STEP_BEFORE ? 0 : p->step == STEP_WRITE ? 1 : 2;

	return (passes * p->total + p->done) / 3;
}

static void progressed(void *arg, const struct change *c, const struct change_progress *p)
{
	struct app_run *r = arg;

	if (r->journal_id && is_time_to_keep(r, p)) {
		journal_update(r->app->store, r->journal_id, c, false, NULL);
		r->journal_next = clock_mono() + 500;
	}
	if (r->progress)
		r->progress(r->arg, c, p);
}

static void refused(struct loop *loop, void *arg)
{
	struct app_run *r = arg;

	(void)loop;
	finish(r, r->change);
}

/* Ends without sending anything: every edit NOT_STORED for that reason. */
static void refuse(struct app_run *r, struct change *c, enum err_code why, const char *text)
{
	for (size_t i = 0; i < c->count; i++) {
		c->outcomes[i].verdict = VERDICT_NOT_STORED;
		c->outcomes[i].why = why;
		free(c->outcomes[i].detail);
		c->outcomes[i].detail = xstrdup(text);
	}
	r->change = c;
	timer_start(r->app->loop, &r->timer, 0, &r->app->scope, refused, r);
}

static void send_change(void *arg)
{
	struct app_run *r = arg;
	struct app *a = r->app;

	if (r->change->cancelled) { /* stopped while it was looked at what is served: everything stays as it was */
		certs_proof_judge(r->proof, r->change, proven, r);
		return;
	}
	r->sent = r->in_session = true;
	session_change(a->session, r->change, &a->scope, progressed, changed, r);
}

/* The program ends, or goes to another server. The journal keeps how far it came; the next look reads what became of it (resume.c). */
static void on_cancel(struct scope_item *item)
{
	struct app_run *r = container_of(item, struct app_run, item);

	r->app->runs -= r->is_counted;
	timer_stop(&r->timer);
	if (r->journal_id) {
		journal_update(r->app->store, r->journal_id, r->change, false, NULL);
		resume_mark_ended(r->app, r->journal_id);
	}
	if (!r->in_session)
		change_free(r->change);
	free(r);
}

struct app_run *app_run(struct app *a, struct plan *p, run_progress_fn progress, run_done_fn done, void *arg)
{
	struct app_run *r = xcalloc(1, sizeof(*r));
	struct change *c = p->change;
	const char *why = NULL;

	*r = (struct app_run){ .app = a, .change = c, .progress = progress, .done = done, .arg = arg };
	scope_add(&a->scope, &r->item, on_cancel); /* before the session's part, which frees the change */
	p->change = NULL;
	if (p->refused)
		refuse(r, c, ERR_GUARD, p->refusal);
	else if (!app_is_writable(a, &why))
		refuse(r, c, ERR_PERMISSION, why);
	else {
		c->started = clock_now();
		/* no journal, no undo: that is said, and does not stop a cure at 3 a.m. */
		journal_begin(a->store, a->profile.name, a->operator_name, c, p->undoes, &r->journal_id, &r->journal_err);
		if (r->journal_id)
			resume_mark_running(a, r->journal_id);
		r->is_counted = true;
		a->runs++;
		if (certs_proof_is_wanted(c))
			r->proof = certs_proof_begin(a, send_change, r);
		else
			send_change(r);
	}
	plan_free(p);
	return r;
}

struct change *app_run_take(struct app_run *r)
{
	r->is_taken = true;
	return r->change;
}

void app_run_stop(struct app_run *r)
{
	if (r->proof)
		certs_proof_hurry(r->proof);
	r->stopped = true;
	if (r->in_session)
		session_change_stop(r->app->session, r->change);
	else if (!r->sent)
		r->change->cancelled = true;
}
