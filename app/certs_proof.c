/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proof of a change of certificates: gather before, gather after, compare (model/cert_effect.c). It must not know how a change is sent. */
#include "app/certs_proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/certs.h"
#include "core/clock.h"
#include "core/mem.h"

#define AGAIN_MS  500 /* a server may load its certificates a moment after it answered (0.6 does) */
#define AGAIN_MAX 4

struct certs_proof {
	struct scope_item item;
	struct app *app;
	struct certs_job *job;
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
		if (c->edits[i].kind == EDIT_CERT_RELOAD || c->edits[i].kind == EDIT_CERT_UPLOAD || c->edits[i].kind == EDIT_CERT_RENEW)
			return true;
	return false;
}

static void proof_free(struct certs_proof *p)
{
	scope_remove(&p->item);
	timer_stop(&p->timer);
	certs_cancel(p->job);
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

static bool is_judged(const struct outcome *o)
{
	return o->verdict == VERDICT_IN_FORCE || o->verdict == VERDICT_STORED;
}

static void judge(struct certs_proof *p, const struct cert_effect *effect)
{
	struct change *c = p->change;

	for (size_t i = 0; i < c->count; i++) {
		struct outcome *o = &c->outcomes[i];

		if (!is_judged(o))
			continue;
		if (effect->still && o->verdict == VERDICT_IN_FORCE) {
			o->verdict = VERDICT_STORED;
			o->why = ERR_CONFLICT;
		}
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

void certs_proof_judge(struct certs_proof *p, struct change *c, certs_proof_fn done, void *arg)
{
	bool any = false;

	p->change = c;
	p->fn = done;
	p->arg = arg;
	p->since = clock_mono();
	for (size_t i = 0; i < c->count; i++)
		any = any || is_judged(&c->outcomes[i]);
	/* what was refused changed nothing; and without a look before there is nothing to compare */
	timer_start(p->app->loop, &p->timer, 0, NULL, any && p->before.table ? look_again : finish_soon, p);
}

void certs_proof_hurry(struct certs_proof *p)
{
	p->hurried = true;
	if (p->change) {
		if (timer_is_armed(&p->timer))
			timer_start(p->app->loop, &p->timer, 0, NULL, finish_soon, p);
		return;
	}
	certs_cancel(p->job);
	p->job = NULL;
	timer_start(p->app->loop, &p->timer, 0, NULL, tell_soon, p);
}
