/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Picks from the store's counts what is worth saying, and says it. Nothing is fetched. The console counts in turns of
 * the loop and keeps what it counted: the overview, the thresholds and the alarms show the same. */
#include "app/near.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/mem.h"

#define LOGGED_MS (7 * INT64_C(86400000)) /* no failed login in a week: they are not logged */
#define STEP_ROWS 500
#define SLIDE_MS  60000                   /* after that a window that slides holds something else */
#define REST      20                      /* times as long as it took it is left alone, */
#define SHORT_MS  50                      /* unless that was short */

/* What the console knows of all. */
struct near_watch {
	struct app *app;
	bool is_ready;
	struct history_near *rows; /* from NEAR_PERCENT up, closest first */
	size_t count;
	unsigned logged;           /* classes, bits */
	struct err err;
	/* what that was made of */
	uint64_t changes;
	struct threshold limits[CLASS_COUNT];
	int64_t good_until;        /* wall ms: then a window is over */
	/* at work */
	struct history_near_job *job;
	struct timer timer;
	int64_t begun, next;       /* clock_mono(); next: not before that */
};

void near_release(struct near_limit *near)
{
	history_near_free(near->rows, near->count);
	memset(near, 0, sizeof(*near));
}

static bool is_sayable(struct app *a, struct near_limit *out)
{
	memset(out, 0, sizeof(*out));
	if (!a->store)
		snprintf(out->notice, sizeof(out->notice), "not known: %.160s", a->store_err.msg);
	else if (!a->snap.thresholds)
		snprintf(out->notice, sizeof(out->notice), "not known: the server's thresholds could not be read");
	return !out->notice[0];
}

static bool is_blocked(const struct app *a, const struct history_near *n)
{
	const struct entrylist *l = a->snap.list[LIST_BLOCKED];

	return l && n->address.family && entrylist_covering(l, &n->address, -1, clock_now()) >= 0;
}

/* A ban's own line counts as a failure; where attempts are not logged that would be all there is, and wrong. */
static void keep(struct app *a, struct near_limit *out, unsigned logged, bool blocked_too, size_t limit)
{
	size_t kept = 0;

	out->is_known = logged & 1u << CLASS_AUTH || !a->snap.thresholds->of[CLASS_AUTH].enabled;
	if (!out->is_known && !out->notice[0])
		snprintf(out->notice, sizeof(out->notice),
			"not known for logins: none that failed is in the log of the last week (auth.failed is DEBUG)");
	for (size_t i = 0; i < out->count; i++) {
		struct history_near *n = &out->rows[i];

		if ((!limit || kept < limit) && logged & 1u << n->class && (blocked_too || !is_blocked(a, n)))
			out->rows[kept++] = *n;
		else
			free(n->account);
	}
	out->count = kept;
}

/* ---- all of them, in the console ---- */

static void forget(struct near_watch *w)
{
	history_near_free(w->rows, w->count);
	w->rows = NULL;
	w->count = 0;
	err_clear(&w->err);
}

static bool is_same(const struct near_watch *w, const struct history_near *rows, size_t count)
{
	if (w->count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct history_near *a = &w->rows[i], *b = &rows[i];

		if (a->id != b->id || a->class != b->class || a->failures != b->failures || a->limit != b->limit ||
			a->last != b->last || a->window_end != b->window_end || a->address.family != b->address.family)
			return false;
	}
	return true;
}

static void end_job(struct near_watch *w)
{
	int64_t took;

	if (!w->job)
		return;
	history_near_end(w->job);
	w->job = NULL;
	w->app->jobs--;
	took = clock_mono() - w->begun;
	w->next = took > SHORT_MS ? clock_mono() + took * REST : 0;
}

static void finish(struct near_watch *w, const struct err *err)
{
	struct history_near *rows = NULL;
	unsigned logged = 0;
	size_t count = 0;
	bool is_new;

	if (err->code == ERR_NONE)
		history_near_take(w->job, &rows, &count, &logged);
	end_job(w);
	is_new = !w->is_ready || logged != w->logged || err->code != w->err.code || !is_same(w, rows, count);
	forget(w);
	w->rows = rows;
	w->count = count;
	w->logged = logged;
	w->err = *err;
	w->is_ready = true;
	if (!is_new)
		return;
	w->app->snap.generation++; /* alarms look at it, too */
	app_notify(w->app, SNAP(THRESHOLDS));
}

static void turn(struct loop *loop, void *arg)
{
	struct near_watch *w = arg;
	struct err err = ERR_INIT;
	int64_t began = clock_mono();
	bool is_done = false;

	while (err.code == ERR_NONE && !is_done && !app_turn_is_over(began))
		history_near_step(w->job, STEP_ROWS, &is_done, &err);
	if (err.code != ERR_NONE || is_done)
		finish(w, &err);
	else
		timer_start(loop, &w->timer, 0, &w->app->scope, turn, w);
}

/* Until when the counts stand if nothing comes. */
static int64_t good_until(const struct thresholds *t, int64_t now)
{
	int64_t first = INT64_MAX, end;

	for (int c = 0; t && c < CLASS_COUNT; c++) {
		const struct threshold *h = &t->of[c];

		if (!h->enabled || h->period_ms <= 0)
			continue;
		end = h->period_is_fixed ? now + SLIDE_MS : rate_window_end(h->period_ms, now);
		first = end < first ? end : first;
	}
	return first;
}

static void begin(struct loop *loop, void *arg)
{
	struct near_watch *w = arg;
	struct app *a = w->app;
	struct err err = ERR_INIT;
	int64_t now = clock_now();

	w->changes = store_changes(a->store);
	memset(w->limits, 0, sizeof(w->limits));
	if (a->snap.thresholds)
		memcpy(w->limits, a->snap.thresholds->of, sizeof(w->limits));
	w->good_until = good_until(a->snap.thresholds, now);
	w->begun = clock_mono();
	w->job = history_near_begin(
		a->store, a->profile.name, a->snap.thresholds, now, NEAR_PERCENT, 0, now - LOGGED_MS, &err);
	if (!w->job) {
		forget(w);
		w->err = err;
		w->is_ready = true;
		w->next = clock_mono() + SLIDE_MS;
		return;
	}
	a->jobs++;
	timer_start(loop, &w->timer, 0, &a->scope, turn, w);
}

static bool has_same_limits(const struct near_watch *w)
{
	const struct threshold *now;

	if (!w->app->snap.thresholds)
		return true;
	now = w->app->snap.thresholds->of;
	for (int c = 0; c < CLASS_COUNT; c++)
		if (!rate_equal(&w->limits[c], &now[c]) || w->limits[c].supported != now[c].supported)
			return false;
	return true;
}

static bool is_good(const struct near_watch *w)
{
	return w->is_ready && clock_now() < w->good_until && w->changes == store_changes(w->app->store) &&
	       has_same_limits(w);
}

/* Counts again if that may bring something else, not at once when it took long. */
static struct near_watch *watch_of(struct app *a)
{
	struct near_watch *w = a->near_watch;

	if (!w) {
		w = a->near_watch = xcalloc(1, sizeof(*w));
		w->app = a;
	}
	if (w->job || (timer_is_armed(&w->timer) && has_same_limits(w)) || is_good(w))
		return w;
	if (w->next > clock_mono() && has_same_limits(w))
		timer_start(a->loop, &w->timer, w->next - clock_mono(), &a->scope, begin, w);
	else
		begin(a->loop, w); /* which arms the timer anew */
	return w;
}

void near_watch_release(struct app *a)
{
	struct near_watch *w = a->near_watch;

	if (!w)
		return;
	timer_stop(&w->timer);
	end_job(w);
	forget(w);
	free(w);
	a->near_watch = NULL;
}

static void copy_rows(const struct near_watch *w, struct near_limit *out)
{
	out->rows = xmalloc((w->count ? w->count : 1) * sizeof(*out->rows));
	for (out->count = 0; out->count < w->count; out->count++) {
		out->rows[out->count] = w->rows[out->count];
		out->rows[out->count].account = xstrdup(w->rows[out->count].account);
	}
}

static void gather_known(struct app *a, size_t limit, struct near_limit *out)
{
	const struct near_watch *w = watch_of(a);

	if (!w->is_ready) { /* not "not logged" meanwhile */
		out->is_known = true;
		return;
	}
	if (w->err.code != ERR_NONE)
		snprintf(out->notice, sizeof(out->notice), "not known: %.160s", w->err.msg);
	copy_rows(w, out);
	keep(a, out, w->logged, false, limit);
}

/* ---- asked for ---- */

/* Ends the job. */
static void run_out(struct app *a, struct history_near_job *job, bool blocked_too, size_t limit, struct err *err,
	struct near_limit *out)
{
	unsigned logged = 0;
	bool is_done = false;

	while (job && !is_done && history_near_step(job, 0, &is_done, err))
		;
	if (is_done)
		history_near_take(job, &out->rows, &out->count, &logged);
	else
		snprintf(out->notice, sizeof(out->notice), "not known: %.160s", err->msg);
	history_near_end(job);
	keep(a, out, logged, blocked_too, limit);
}

void near_gather(struct app *a, unsigned percent, size_t limit, struct near_limit *out)
{
	struct err err = ERR_INIT;

	if (!is_sayable(a, out))
		return;
	if (a->observers)
		gather_known(a, limit, out);
	else
		run_out(a,
			history_near_begin(a->store, a->profile.name, a->snap.thresholds, clock_now(), percent, 0,
				clock_now() - LOGGED_MS, &err),
			false, limit, &err, out);
}

struct history_near_job *near_of_begin(
	struct app *a, const struct net *address, const char *const *accounts, size_t n, struct near_limit *out)
{
	struct history_near_job *job;
	struct err err = ERR_INIT;

	if (!is_sayable(a, out))
		return NULL;
	job = history_near_of_begin(a->store, a->profile.name, a->snap.thresholds, clock_now(), address, accounts, n,
		clock_now() - LOGGED_MS, &err);
	if (!job)
		snprintf(out->notice, sizeof(out->notice), "not known: %.160s", err.msg);
	return job;
}

void near_of_take(struct app *a, struct history_near_job *job, struct near_limit *out)
{
	unsigned logged;

	if (!a->snap.thresholds)
		return;
	history_near_take(job, &out->rows, &out->count, &logged);
	keep(a, out, logged, true, 0);
}

void near_each(struct app *a, const struct net *addresses, size_t n, struct near_limit *out)
{
	const struct near_watch *w;
	struct err err = ERR_INIT;
	size_t cap = 0;

	if (!is_sayable(a, out))
		return;
	w = watch_of(a);
	for (size_t i = 0; w->is_ready && i < n; i++) {
		struct history_near *rows;
		size_t count;

		if (!history_near_of(a->store, a->profile.name, a->snap.thresholds, clock_now(), &addresses[i], NULL, 0,
			    &rows, &count, &err))
			snprintf(out->notice, sizeof(out->notice), "not known: %.160s", err.msg);
		xgrow(&out->rows, &cap, out->count + count + 1, sizeof(*out->rows));
		for (size_t k = 0; k < count; k++)
			out->rows[out->count++] = rows[k];
		free(rows); /* what they point to is out's now */
	}
	keep(a, out, w->logged, false, 0);
}

bool near_is_logged(struct app *a, enum ban_class class)
{
	bool found = false;

	if (!a->store)
		return false;
	if (a->observers)
		return watch_of(a)->logged & 1u << class;
	return history_has_attempts(a->store, a->profile.name, class, clock_now() - LOGGED_MS, &found, NULL) && found;
}

char *near_words(const struct history_near *n, int64_t now, char *out, size_t size)
{
	time_t end = (time_t)(n->window_end / 1000);
	char resets[40] = "";
	struct tm tm;

	/* hours alone say which one it is within a day */
	if (n->window_end != TIME_NONE && gmtime_r(&end, &tm))
		strftime(resets, sizeof(resets),
			n->window_end - now <= 86400000 ? ", resets %H:%MZ" : ", resets %Y-%m-%d %H:%MZ", &tm);
	snprintf(out, size, "%llu of %llu%s%s", (unsigned long long)n->failures, (unsigned long long)n->limit, resets,
		!n->is_over         ? ""
		: n->address.family ? "; over the limit"
				    : "; over the limit: its next failure bans any address");
	return out;
}

const char *near_who(const struct history_near *n, char *net, size_t size)
{
	return n->address.family ? net_format(&n->address, net, size) : n->account;
}
