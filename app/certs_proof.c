/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proof of a change of certificates: gather before, gather after, compare (model/cert_effect.c). It must not know how a change is sent. */
#include "app/certs_proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/certs.h"
#include "app/certs_follow.h"
#include "core/clock.h"
#include "core/mem.h"

#define AGAIN_MS  500 /* a server may load its certificates a moment after it answered (0.6 does) */
#define AGAIN_MAX 4
#define FOLLOW_MS 10000 /* without --timeout */

struct certs_proof {
	struct scope_item item;
	struct app *app;
	struct certs_job *job;
	struct follow *follow;
	size_t followed; /* which edit */
	struct timer timer;
	struct certs_result before, after;
	struct change *change; /* borrowed, once it is to be judged */
	int64_t since;         /* clock_mono() when looking again began */
	int tries;
	bool hurried;
	certs_proof_fn fn; /* what is due */
	void *arg;
};

bool certs_proof_is_wanted(const struct change *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->edits[i].kind == EDIT_CERT_RELOAD || c->edits[i].kind == EDIT_CERT_UPLOAD ||
			c->edits[i].kind == EDIT_CERT_RENEW)
			return true;
	return false;
}

static void proof_free(struct certs_proof *p)
{
	scope_remove(&p->item);
	timer_stop(&p->timer);
	certs_cancel(p->job);
	follow_stop(p->follow);
	certs_result_release(&p->before);
	certs_result_release(&p->after);
	free(p);
}

static void proof_cancel(struct scope_item *item)
{
	proof_free(container_of(item, struct certs_proof, item));
}

static void tell(struct certs_proof *p)
{
	certs_proof_fn fn = p->fn;

	p->fn = NULL;
	fn(p->arg);
}

static void tell_soon(struct loop *loop, void *arg)
{
	(void)loop;
	tell(arg);
}

static void gathered_before(void *arg, struct certs_result *r)
{
	struct certs_proof *p = arg;

	p->job = NULL;
	p->before = *r;
	r->all = NULL;
	r->table = NULL;
	tell(p);
}

static bool gather(struct certs_proof *p, certs_fn fn)
{
	struct certs_options o = { .stored = true, .files = true, .probe = true };
	struct err err = ERR_INIT;

	p->job = certs_gather(p->app, &o, fn, p, &err);
	return p->job;
}

struct certs_proof *certs_proof_begin(struct app *a, certs_proof_fn ready, void *arg)
{
	struct certs_proof *p = xcalloc(1, sizeof(*p));

	p->app = a;
	p->fn = ready;
	p->arg = arg;
	scope_add(&a->scope, &p->item, proof_cancel);
	if (!gather(p, gathered_before)) /* a configured endpoint is none: nothing to compare, and the change goes on */
		timer_start(a->loop, &p->timer, 0, NULL, tell_soon, p);
	return p;
}

/* ---- the verdict ---- */

static void add_detail(struct outcome *o, const char *words)
{
	char *joined = o->detail && o->detail[0] ? xasprintf("%s; %s", o->detail, words) : xstrdup(words);

	free(o->detail);
	o->detail = joined;
}

/* Endpoints can only tell of what may have become live. */
static bool is_judged(const struct change *c, size_t i)
{
	const struct outcome *o = &c->outcomes[i];

	if (c->edits[i].kind == EDIT_CERT_RENEW)
		return o->verdict == VERDICT_IN_FORCE && !o->no_op;
	return o->verdict == VERDICT_IN_FORCE || o->verdict == VERDICT_STORED;
}

/* A certificate for this domain, or a name in it, that was not stored before. */
static const struct cert *new_for(const struct certs_proof *p, const char *domain)
{
	const struct certlist *now = p->after.all, *was = p->before.all;
	char wild[300];

	snprintf(wild, sizeof(wild), "*.%.290s", domain);
	for (size_t i = 0; i < now->count; i++) {
		const struct cert *c = now->rows[i];
		bool is_new = c->source == CERT_STORED && cert_has_data(c), fits = false;

		for (size_t k = 0; is_new && k < was->count; k++)
			is_new = was->rows[k]->source != CERT_STORED || !was->rows[k]->id || !c->id ||
				strcmp(was->rows[k]->id, c->id) != 0 || !cert_has_data(was->rows[k]) ||
				!cert_same(was->rows[k], c);
		for (size_t k = 0; is_new && k < c->san_count; k++)
			fits = fits || cert_name_matches(c->sans[k], domain) || cert_name_matches(wild, c->sans[k]);
		if (is_new && fits)
			return c;
	}
	return NULL;
}

/* Up to 0.15 the server renews by itself, and only what a provider of its has. */
static bool is_renewed_by_server(const struct certs_proof *p, const char *domain)
{
	const struct certlist *l = p->before.all;

	for (size_t i = 0; i < l->renewal_count; i++)
		for (size_t k = 0; l->renewals[i]->by == RENEWER_ACME && k < l->renewals[i]->name_count; k++)
			if (cert_name_matches(l->renewals[i]->names[k], domain))
				return true;
	return false;
}

static void demote(struct outcome *o, enum err_code why)
{
	if (o->verdict == VERDICT_IN_FORCE) {
		o->verdict = VERDICT_STORED;
		o->why = why;
	}
}

/* Was anything renewed? A task that ended well and left no new certificate renewed nothing. */
static void judge_renewal(struct certs_proof *p, const struct edit *e, struct outcome *o)
{
	const struct cert *fresh = new_for(p, e->target);
	char words[120], stamp[TIME_BUF];

	if (fresh) {
		snprintf(words, sizeof(words), "a new certificate is stored, valid until %s",
			time_format(fresh->not_after, stamp, sizeof(stamp)));
		add_detail(o, words);
	} else {
		demote(o, ERR_CONFLICT);
		add_detail(o, "the task ended, but no new certificate is stored");
	}
}

static void judge(struct certs_proof *p, const struct cert_effect *effect)
{
	struct change *c = p->change;

	for (size_t i = 0; i < c->count; i++) {
		struct outcome *o = &c->outcomes[i];

		if (!is_judged(c, i))
			continue;
		if (c->edits[i].kind == EDIT_CERT_RENEW)
			judge_renewal(p, &c->edits[i], o);
		if (effect->still)
			demote(o, ERR_CONFLICT);
		add_detail(o, effect->line);
	}
	change_step(c, STEP_WATCH, !effect->still, clock_mono() - p->since, 0, 0, effect->line);
}

static void finish(struct certs_proof *p)
{
	certs_proof_fn fn = p->fn;
	void *arg = p->arg;

	proof_free(p);
	fn(arg);
}

static void finish_soon(struct loop *loop, void *arg)
{
	(void)loop;
	finish(arg);
}

static void look_again(struct loop *loop, void *arg);

static void gathered_after(void *arg, struct certs_result *r)
{
	struct certs_proof *p = arg;
	struct cert_effect effect;

	p->job = NULL;
	certs_result_release(&p->after);
	p->after = *r;
	r->all = NULL;
	r->table = NULL;
	cert_effect(p->before.table, p->after.table, &effect);
	if (effect.still && ++p->tries < AGAIN_MAX && !p->hurried) {
		timer_start(p->app->loop, &p->timer, AGAIN_MS, NULL, look_again, p);
		return;
	}
	judge(p, &effect);
	finish(p);
}

static void look_again(struct loop *loop, void *arg)
{
	struct certs_proof *p = arg;

	(void)loop;
	if (!gather(p, gathered_after))
		finish(p);
}

/* ---- the renewals that were started ---- */

static void look_or_end(struct certs_proof *p)
{
	bool any = false;

	for (size_t i = 0; i < p->change->count; i++)
		any = any || is_judged(p->change, i);
	/* what was refused changed nothing; and without a look before there is nothing to compare */
	timer_start(
		p->app->loop, &p->timer, 0, NULL, any && p->before.table && !p->hurried ? look_again : finish_soon, p);
}

static void follow_next(struct certs_proof *p);

/* What the task's state is worth; the server's reason follows the words. */
static const struct {
	enum verdict verdict;
	enum err_code why;
	bool no_op;
	const char *words;
} task_ends[RENEWAL_COUNT] = {
	[RENEWAL_UNKNOWN] = { VERDICT_STORED, ERR_NETWORK, false, "the renewal was started; how it ended could not be asked" },
	[RENEWAL_OK] = { VERDICT_IN_FORCE, ERR_NONE, false, "the renewal's task is done" },
	[RENEWAL_NOT_DUE] = { VERDICT_IN_FORCE, ERR_NONE, true, "not due" },
	[RENEWAL_PENDING] = { VERDICT_STORED, ERR_TIMEOUT, false,
		"the server still works on it: the certificate list shows how it ends (--timeout waits longer)" },
	[RENEWAL_RETRY] = { VERDICT_STORED, ERR_SERVER, false, "the renewal failed and will be tried again" },
	[RENEWAL_FAILED] = { VERDICT_NOT_STORED, ERR_SERVER, false, "the renewal failed" },
};

static void task_ended(void *arg, const struct renewal *r, const struct err *err)
{
	struct certs_proof *p = arg;
	enum renewal_state state = r ? r->state : RENEWAL_UNKNOWN;
	struct outcome *o = &p->change->outcomes[p->followed];
	const char *reason = r ? r->reason : err->msg;

	p->follow = NULL;
	o->verdict = task_ends[state].verdict;
	o->why = task_ends[state].why;
	o->no_op = task_ends[state].no_op;
	free(o->detail);
	o->detail = reason && reason[0] ? xasprintf("%s: %s", task_ends[state].words, reason) : xstrdup(task_ends[state].words);
	change_step(p->change, STEP_FOLLOW, o->verdict == VERDICT_IN_FORCE, clock_mono() - p->since, p->followed, 1,
		o->detail);
	p->followed++;
	follow_next(p);
}

static void follow_next(struct certs_proof *p)
{
	const struct change *c = p->change;
	int64_t limit = p->app->options.timeout_ms ? p->app->options.timeout_ms : FOLLOW_MS;

	for (; p->followed < c->count; p->followed++) {
		const struct outcome *o = &c->outcomes[p->followed];

		if (c->edits[p->followed].kind != EDIT_CERT_RENEW || !o->after ||
			(o->verdict != VERDICT_STORED && o->verdict != VERDICT_IN_FORCE))
			continue;
		p->follow = follow_task(p->app, o->after, p->hurried ? 0 : limit, task_ended, p);
		return;
	}
	look_or_end(p);
}

void certs_proof_judge(struct certs_proof *p, struct change *c, certs_proof_fn done, void *arg)
{
	p->change = c;
	p->fn = done;
	p->arg = arg;
	p->since = clock_mono();
	for (size_t i = 0; i < c->count; i++)
		if (c->edits[i].kind == EDIT_CERT_RENEW && c->outcomes[i].verdict == VERDICT_STORED &&
			!c->outcomes[i].after && p->before.all && p->before.stored_err.code == ERR_NONE &&
			!is_renewed_by_server(p, c->edits[i].target))
			add_detail(&c->outcomes[i],
				"no ACME provider of this server has that name: nothing will renew it");
	follow_next(p);
}

void certs_proof_hurry(struct certs_proof *p)
{
	p->hurried = true;
	if (!p->fn) /* the change is on its way: nothing of this is due */
		return;
	if (p->follow) {
		follow_hurry(p->follow);
		return;
	}
	certs_cancel(p->job);
	p->job = NULL;
	timer_start(p->app->loop, &p->timer, 0, NULL, p->change ? finish_soon : tell_soon, p);
}
