/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Standard input, read once: into the store as sync would, by content, and into a ring that any number of sources look at. */
#include "app/pipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/gateway_watch.h"
#include "core/mem.h"
#include "model/logmark.h"
#include "store/history.h"

#define KEPT 20000   /* lines */
#define BUDGET 64    /* lines stored in one turn of the loop */
#define HAND_OUT 500 /* lines handed to a panel in one turn */

struct tail {
	struct tail *next;
	struct logsource *src;
	struct pipe *pipe;       /* NULL once it is gone */
	size_t newer, older;     /* counters of the ring: the next line to come, and the oldest handed out */
	size_t wanted;           /* lines of backlog still to be handed out */
	struct timer turn;
	struct event *events;
	size_t event_cap;
};

struct line {
	char *text;
	size_t len;
};

struct pipe {
	struct app *app;
	struct logsource *in;
	struct logmark mark;     /* what the store has */
	char *cursor;
	struct event *fresh;
	size_t fresh_cap;
	struct line *ring;
	size_t head, first;      /* counters, modulo KEPT: lines first … head - 1 are there */
	struct tail *tails;
	bool is_ended;
	char text[256];
	struct scope_item item;
};

static const char source_key[] = "stdin";

/* ---- into the store ---- */

static bool recall_place(struct pipe *p, struct err *err)
{
	struct buf cursor = BUF_INIT;
	bool ok;

	buf_init(&cursor, LOGSOURCE_CURSOR_MAX + 1);
	ok = history_cursor(p->app->store, p->app->profile.name, source_key, &cursor, NULL, err);
	free(p->cursor);
	p->cursor = xstrdup(buf_str(&cursor));
	buf_release(&cursor);
	logmark_release(&p->mark);
	logmark_parse(&p->mark, p->cursor);
	return ok;
}

static size_t pick_fresh(struct pipe *p, const struct logbatch *batch)
{
	size_t n = 0;

	xgrow(&p->fresh, &p->fresh_cap, batch->count, sizeof(*p->fresh));
	for (size_t i = 0; i < batch->count; i++)
		if (logmark_note(&p->mark, &batch->events[i]))
			p->fresh[n++] = batch->events[i];
	return n;
}

/* Another process may have taken some of it meanwhile: then once more from where that one is. */
static void store_lines(struct pipe *p, const struct logbatch *batch)
{
	struct app *a = p->app;
	enum ingest_result result = INGEST_STALE;
	struct err err = ERR_INIT;

	for (int tries = 0; tries < 3 && result == INGEST_STALE; tries++) {
		size_t n = pick_fresh(p, batch);
		struct buf to = BUF_INIT;

		if (n == 0)
			return;
		logmark_format(&p->mark, &to);
		result = history_ingest(
			a->store, a->profile.name, source_key, p->cursor, buf_str(&to), p->fresh, n, NULL, &err);
		if (result == INGEST_STALE)
			recall_place(p, &err);
		if (result == INGEST_OK) {
			free(p->cursor);
			p->cursor = buf_take(&to, NULL);
			for (size_t i = 0; i < n; i++)
				gateway_watch_line(a, &p->fresh[i]);
		}
		buf_release(&to);
	}
}

/* ---- into the ring ---- */

static void on_turn(struct loop *loop, void *arg);

static void wake(struct tail *t)
{
	if (!t->src->is_paused && !timer_is_armed(&t->turn))
		timer_start(t->src->loop, &t->turn, 0, &t->src->scope, on_turn, t->src);
}

static void wake_all(struct pipe *p)
{
	for (struct tail *t = p->tails; t; t = t->next)
		wake(t);
}

static void keep(struct pipe *p, const struct event *ev)
{
	struct line *l;

	if (p->head - p->first == KEPT)
		p->first++;
	l = &p->ring[p->head++ % KEPT];
	free(l->text);
	*l = (struct line){ xmemdup(ev->line.p ? ev->line.p : "", ev->line.len), ev->line.len };
}

static void on_lines(struct logsource *src, const struct logbatch *batch, void *arg)
{
	struct pipe *p = arg;

	(void)src;
	for (size_t i = 0; i < batch->count; i++)
		keep(p, &batch->events[i]);
	if (p->app->store)
		store_lines(p, batch);
	wake_all(p);
}

static void on_state(struct logsource *src, enum logsource_state state, const char *text, void *arg)
{
	struct pipe *p = arg;

	(void)src;
	p->is_ended = state == LOGSOURCE_ENDED || state == LOGSOURCE_FAILED;
	snprintf(p->text, sizeof(p->text), "%s", text[0] ? text : "standard input has ended");
	wake_all(p);
}

static void pipe_free(struct scope_item *item)
{
	struct pipe *p = container_of(item, struct pipe, item);

	p->app->pipe = NULL;
	for (struct tail *t = p->tails; t; t = t->next)
		t->pipe = NULL;
	logsource_close(p->in);
	for (size_t i = 0; i < KEPT; i++)
		free(p->ring[i].text);
	free(p->ring);
	free(p->fresh);
	free(p->cursor);
	logmark_release(&p->mark);
	free(p);
}

struct pipe *pipe_of(struct app *a, struct err *err)
{
	static int standard_input = 0;
	struct logsource_want want = { .cursor = "", .follow = true, .budget = BUDGET };
	struct logsource_events events = { .on_lines = on_lines, .on_state = on_state };
	struct pipe *p = a->pipe;

	if (p)
		return p;
	p = xcalloc(1, sizeof(*p));
	p->app = a;
	p->ring = xcalloc(KEPT, sizeof(*p->ring));
	logmark_init(&p->mark);
	recall_place(p, NULL);
	events.arg = p;
	p->in = logsource_open(&logsource_stdin, &standard_input, a->loop, NULL, &want, &events, err);
	a->pipe = p;
	scope_add(&a->scope, &p->item, pipe_free);
	if (p->in)
		return p;
	scope_remove(&p->item);
	pipe_free(&p->item);
	return NULL;
}

/* ---- looked at ---- */

static bool hand_out(struct tail *t, size_t from, size_t n, bool is_backlog)
{
	struct logbatch batch = { .count = n, .is_backlog = is_backlog, .from = "", .cursor = "" };

	xgrow(&t->events, &t->event_cap, n, sizeof(*t->events));
	for (size_t i = 0; i < n; i++) {
		const struct line *l = &t->pipe->ring[(is_backlog ? from - i : from + i) % KEPT];

		event_parse(l->text, l->len, &t->events[i]);
	}
	batch.events = t->events;
	return logsource_deliver(t->src, &batch);
}

/* False: the source is gone. */
static bool hand_out_older(struct tail *t)
{
	struct pipe *p = t->pipe;
	size_t there = t->older > p->first ? t->older - p->first : 0, n = t->wanted < there ? t->wanted : there;

	n = n < HAND_OUT ? n : HAND_OUT;
	t->wanted = n ? t->wanted - n : 0;
	t->older -= n;
	t->src->has_more_backlog = t->older > p->first;
	return n == 0 || hand_out(t, t->older + n - 1, n, true);
}

static bool hand_out_newer(struct tail *t)
{
	struct pipe *p = t->pipe;
	size_t n;

	if (t->newer < p->first)
		t->newer = p->first;
	n = p->head - t->newer < HAND_OUT ? p->head - t->newer : HAND_OUT;
	t->newer += n;
	return n == 0 || hand_out(t, t->newer - n, n, false);
}

static void on_turn(struct loop *loop, void *arg)
{
	struct logsource *src = arg;
	struct tail *t = src->state;

	(void)loop;
	if (!t->pipe || src->is_paused)
		return;
	if (t->wanted ? !hand_out_older(t) : !hand_out_newer(t))
		return;
	if (t->wanted || t->newer < t->pipe->head)
		wake(t);
	else if (t->pipe->is_ended)
		logsource_set_state(src, LOGSOURCE_ENDED, t->pipe->text);
	else
		logsource_set_state(src, LOGSOURCE_LIVE, "");
}

static bool tail_open(struct logsource *src, struct err *err)
{
	struct tail *t = src->state;
	struct pipe *p = src->param;

	(void)err;
	t->src = src;
	t->pipe = p;
	t->next = p->tails;
	p->tails = t;
	t->newer = t->older = p->head;
	t->wanted = src->want.newest;
	wake(t);
	return true;
}

static void tail_poll(struct logsource *src)
{
	wake(src->state);
}

static void tail_older(struct logsource *src, size_t lines)
{
	struct tail *t = src->state;

	t->wanted += lines;
	wake(t);
}

static void tail_pause(struct logsource *src, bool is_paused)
{
	if (is_paused)
		logsource_set_state(src, LOGSOURCE_PAUSED, "");
	else
		wake(src->state);
}

static void tail_close(struct logsource *src)
{
	struct tail *t = src->state, **link;

	free(t->events);
	if (!t->pipe)
		return;
	for (link = &t->pipe->tails; *link != t; link = &(*link)->next)
		;
	*link = t->next;
}

const struct logsource_ops logsource_pipe = {
	.name = "pipe",
	.state_size = sizeof(struct tail),
	.open = tail_open,
	.poll = tail_poll,
	.older = tail_older,
	.pause = tail_pause,
	.close = tail_close,
};
