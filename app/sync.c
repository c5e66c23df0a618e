/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New log lines into the store, then what the blocked list says, then what has expired. One state machine on the loop. */
#include "app/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/gateway_watch.h"
#include "app/pipe.h"
#include "app/sweep.h"
#include "client/logsource_api.h"
#include "core/clock.h"
#include "core/mem.h"

#define STEP_MS 5
#define VERB_BUSY_MS 10000 /* another process' transaction is over in a few ms, or much later on a loaded machine */
#define DAY_MS INT64_C(86400000)
#define BUDGET 64 /* lines stored in one turn of the loop: some 2 ms */

struct sync {
	struct app *app;
	bool sweep;
	sync_fn done;
	void *arg;
	struct sync_result result;
	struct logsource *source;
	const struct logsource_ops *ops;
	void *param;
	char key[4200];              /* the store's name of the source */
	struct buf cursor;
	struct history_seen *seen;
	struct timer timer;
	struct scope scope;
	struct app_run *run;         /* a removal under way; it outlives a cancelled sync */
	bool is_left;
	struct scope_item left;
};

static void read_log(struct sync *s);

const struct logsource_ops *sync_source(struct app *a, void **param, char *name, size_t size, struct err *err)
{
	static int standard_input = 0;
	struct err cause = ERR_INIT;

	switch (logsource_choose(a->profile.log_source, a->log_path, sizeof(a->log_path))) {
	case LOGSOURCE_KIND_FILE:
		*param = a->log_path;
		snprintf(name, size, "%s", a->log_path);
		return &logsource_file;
	case LOGSOURCE_KIND_STDIN:
		snprintf(name, size, "standard input");
		*param = a->observers ? (void *)pipe_of(a, err) : &standard_input;
		return !*param ? NULL : a->observers ? &logsource_pipe : &logsource_stdin;
	case LOGSOURCE_KIND_API:
		break;
	}
	*param = a->session;
	snprintf(name, size, "the server's API");
	if (session_state(a->session) != SESSION_READY) {
		err_set(err, ERR_NETWORK,
			"the log is the server's, and the server can't be asked; say --log-source FILE, DIR or -");
		return NULL;
	}
	if (!app_can(a, CAP(READ_LOG), &cause)) {
		err_set(err, cause.code, "%s; say --log-source FILE, DIR or -", cause.msg);
		return NULL;
	}
	return &logsource_api;
}

/* ---- end ---- */

static void finish(struct loop *loop, void *arg)
{
	struct sync *s = arg;

	(void)loop;
	logsource_close(s->source);
	s->source = NULL;
	history_logins_write(s->app->store, NULL);
	store_tidy(s->app->store);
	s->done(s->arg, &s->result);
	sync_cancel(s);
}

/* From the loop, never from within a source's callback. */
static void finish_soon(struct sync *s)
{
	timer_start(s->app->loop, &s->timer, 0, &s->scope, finish, s);
}

static void on_left(struct scope_item *item)
{
	free(container_of(item, struct sync, left));
}

void sync_cancel(struct sync *s)
{
	if (!s)
		return;
	s->app->jobs--;
	scope_cancel(&s->scope); /* the source is one of its members */
	history_seen_end(s->seen);
	buf_release(&s->cursor);
	if (!s->run) {
		free(s);
		return;
	}
	/* A removal under way is carried out and journalled to its end, whoever looks on; what is left here waits for its verdict. */
	s->is_left = true;
	scope_add(&s->app->scope, &s->left, on_left);
}

/* ---- what is older than is wanted ---- */

/* The store holds every profile's history: the longest time counts. 0 = for ever. */
static int64_t keep_ms(const struct app *a)
{
	int64_t longest = a->profile.retention_ms;

	for (size_t i = 0; i < a->config.profile_count && longest; i++) {
		int64_t one = a->config.profiles[i].retention_ms;

		longest = one == 0 || one > longest ? one : longest;
	}
	return longest;
}

static bool is_due(struct app *a)
{
	struct buf last = BUF_INIT;
	int64_t t = TIME_NONE, now = clock_now();

	if (store_recall(a->store, "", STORE_KEY_RETENTION, &last, NULL))
		time_parse(buf_str(&last), now, &t);
	buf_release(&last);
	return t == TIME_NONE || now < t || now - t >= DAY_MS;
}

static void retain_step(struct loop *loop, void *arg)
{
	struct sync *s = arg;
	struct app *a = s->app;
	char stamp[TIME_BUF];
	bool more;

	if (!history_retain(a->store, keep_ms(a), clock_now(), &more, &s->result.err)) {
		finish(loop, s);
	} else if (more) {
		timer_start(loop, &s->timer, 0, &s->scope, retain_step, s);
	} else {
		store_remember(a->store, "", STORE_KEY_RETENTION, time_format(clock_now(), stamp, sizeof(stamp)), NULL);
		finish(loop, s);
	}
}

/* Once a day, piece by piece. */
static void retain(struct loop *loop, void *arg)
{
	struct sync *s = arg;

	if (keep_ms(s->app) > 0 && is_due(s->app))
		retain_step(loop, s);
	else
		finish(loop, s);
}

/* ---- what has expired ---- */

static void sweep_expired(struct sync *s, enum list_kind list);

static void sweep_allowed(struct loop *loop, void *arg)
{
	(void)loop;
	sweep_expired(arg, LIST_ALLOWED);
}

static void sweep_next(struct sync *s, enum list_kind swept)
{
	timer_start(s->app->loop, &s->timer, 0, &s->scope, swept == LIST_BLOCKED ? sweep_allowed : retain, s);
}

static void swept(struct sync *s, const struct change *c, enum list_kind list)
{
	s->run = NULL;
	if (s->is_left) {
		scope_remove(&s->left);
		free(s);
		return;
	}
	s->result.swept += sweep_tally(c);
	sweep_next(s, list);
}

static void swept_blocked(void *arg, const struct change *c, int64_t journal_id, const struct err *journal_err)
{
	(void)journal_id, (void)journal_err;
	swept(arg, c, LIST_BLOCKED);
}

static void swept_allowed(void *arg, const struct change *c, int64_t journal_id, const struct err *journal_err)
{
	(void)journal_id, (void)journal_err;
	swept(arg, c, LIST_ALLOWED);
}

static void sweep_expired(struct sync *s, enum list_kind list)
{
	struct plan *p = plan_sweep(s->app, list, NULL, &s->result.err);

	if (p)
		s->run = app_run(s->app, p, NULL, list == LIST_BLOCKED ? swept_blocked : swept_allowed, s);
	else
		sweep_next(s, list);
}

static void compare_step(struct loop *loop, void *arg)
{
	struct sync *s = arg;
	bool is_done = false;

	if (!history_seen_step(s->seen, STEP_MS, &is_done, &s->result.err) || is_done) {
		history_seen_end(s->seen);
		s->seen = NULL;
		sweep_expired(s, LIST_BLOCKED);
		return;
	}
	timer_start(loop, &s->timer, 0, &s->scope, compare_step, s);
}

static void compare_list(struct loop *loop, void *arg)
{
	struct sync *s = arg;
	const struct entrylist *l = s->app->snap.list[LIST_BLOCKED];

	logsource_close(s->source);
	s->source = NULL;
	if (!s->sweep || !l) {
		retain(loop, s);
		return;
	}
	s->seen = history_seen_begin(s->app->store, s->app->profile.name, l, clock_now(), &s->result.err);
	if (!s->seen)
		sweep_expired(s, LIST_BLOCKED);
	else
		compare_step(loop, s);
}

/* ---- the log ---- */

static void on_lines(struct logsource *src, const struct logbatch *batch, void *arg)
{
	struct sync *s = arg;

	(void)src;
	if (batch->is_backlog)
		return;
	for (size_t i = 0; i < batch->count; i++)
		gateway_watch_line(s->app, &batch->events[i]);
	switch (history_ingest(s->app->store, s->app->profile.name, s->key, batch->from, batch->cursor, batch->events,
		batch->count, &s->result.sum, &s->result.err)) {
	case INGEST_OK:
		if (!s->app->observers) /* a verb: nobody types. The console tidies up at the end. */
			store_tidy(s->app->store);
		break;
	case INGEST_STALE: /* another process was faster: go on from where it is */
		logsource_close(s->source);
		s->source = NULL;
		read_log(s);
		break;
	case INGEST_ERROR:
		timer_start(s->app->loop, &s->timer, 0, &s->scope, compare_list, s);
		break;
	}
}

static void on_state(struct logsource *src, enum logsource_state state, const char *text, void *arg)
{
	struct sync *s = arg;
	struct buf notice = BUF_INIT;

	switch (state) {
	case LOGSOURCE_ENDED:
		if (!s->result.notice[0]) /* what was lost is said first */
			logsource_diagnose(&src->stats, session_server(s->app->session)->versions, &notice);
		else
			buf_adds(&notice, s->result.notice);
		snprintf(s->result.notice, sizeof(s->result.notice), "%s", buf_str(&notice));
		buf_release(&notice);
		timer_start(s->app->loop, &s->timer, 0, &s->scope, compare_list, s);
		break;
	case LOGSOURCE_LOST:
	case LOGSOURCE_FAILED:
		err_set(&s->result.err, ERR_IO, "%s", text);
		timer_start(s->app->loop, &s->timer, 0, &s->scope, compare_list, s);
		break;
	case LOGSOURCE_OPENING:
	case LOGSOURCE_READING:
	case LOGSOURCE_LIVE:
	case LOGSOURCE_PAUSED:
		if (text[0]) /* lines are missing, or it was started over */
			snprintf(s->result.notice, sizeof(s->result.notice), "%s", text);
		break;
	}
}

static void read_log(struct sync *s)
{
	struct logsource_want want = { .follow = false, .budget = BUDGET };
	struct logsource_events events = { .on_lines = on_lines, .on_state = on_state, .arg = s };

	buf_reset(&s->cursor);
	if (!history_cursor(s->app->store, s->app->profile.name, s->key, &s->cursor, NULL, &s->result.err)) {
		timer_start(s->app->loop, &s->timer, 0, &s->scope, compare_list, s);
		return;
	}
	want.cursor = buf_str(&s->cursor);
	s->source = logsource_open(s->ops, s->param, s->app->loop, &s->scope, &want, &events, &s->result.err);
	if (!s->source)
		timer_start(s->app->loop, &s->timer, 0, &s->scope, compare_list, s);
}

struct sync *sync_begin(struct app *a, bool sweep, sync_fn done, void *arg)
{
	struct sync *s = xcalloc(1, sizeof(*s));
	enum logsource_kind kind = logsource_choose(a->profile.log_source, a->log_path, sizeof(a->log_path));

	*s = (struct sync){ .app = a, .sweep = sweep, .done = done, .arg = arg };
	a->jobs++;
	scope_init(&s->scope);
	buf_init(&s->cursor, LOGSOURCE_CURSOR_MAX + 1);
	logsource_key(kind, a->log_path, s->key, sizeof(s->key));
	if (!a->observers) /* a verb: nobody types, and a disk may be busy */
		store_patience(a->store, VERB_BUSY_MS);
	if (!a->store) {
		s->result.err = a->store_err;
		err_set(&s->result.err, ERR_IO, "there is no history store");
		finish_soon(s);
		return s;
	}
	s->ops = sync_source(a, &s->param, s->result.source, sizeof(s->result.source), &s->result.err);
	if (s->ops && s->ops != &logsource_pipe) /* which takes everything in by itself */
		read_log(s);
	else
		timer_start(a->loop, &s->timer, 0, &s->scope, compare_list, s);
	return s;
}
