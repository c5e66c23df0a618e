/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Following a renewal: one small question every half second, until the task is no longer pending or the time is over. */
#include "app/certs_follow.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/mem.h"

#define EVERY_MS 500

struct follow {
	struct app *app;
	char *task;
	int64_t until; /* clock_mono() */
	struct scope scope;
	struct timer timer;
	follow_fn fn;
	void *arg;
};

static void ask(struct loop *loop, void *arg);

static void end(struct follow *f, const struct renewal *r, const struct err *err)
{
	follow_fn fn = f->fn;
	void *arg = f->arg;

	follow_stop(f);
	fn(arg, r, err);
}

static void answered(void *arg, struct fetch_reply *reply)
{
	struct follow *f = arg;
	const struct renewal *r = reply->certs && reply->certs->renewal_count ? reply->certs->renewals[0] : NULL;

	if (r && r->state == RENEWAL_PENDING && clock_mono() < f->until)
		timer_start(f->app->loop, &f->timer, EVERY_MS, &f->scope, ask, f);
	else
		end(f, r, &reply->err);
}

static void ask(struct loop *loop, void *arg)
{
	struct follow *f = arg;
	struct fetch what = { .kind = FETCH_TASK, .cursor = f->task };

	(void)loop;
	session_fetch(f->app->session, &what, &f->scope, answered, f);
}

struct follow *follow_task(struct app *a, const char *task, int64_t limit_ms, follow_fn fn, void *arg)
{
	struct follow *f = xcalloc(1, sizeof(*f));

	f->app = a;
	f->task = xstrdup(task);
	f->until = clock_mono() + limit_ms;
	f->fn = fn;
	f->arg = arg;
	scope_init(&f->scope);
	timer_start(a->loop, &f->timer, 0, &f->scope, ask, f);
	return f;
}

void follow_hurry(struct follow *f)
{
	f->until = clock_mono();
	if (timer_is_armed(&f->timer))
		timer_start(f->app->loop, &f->timer, 0, &f->scope, ask, f);
}

void follow_stop(struct follow *f)
{
	if (!f)
		return;
	scope_cancel(&f->scope);
	free(f->task);
	free(f);
}
