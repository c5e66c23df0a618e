/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The edits that share a request. The next batch of writes is made while the server works on the one before: a long change waits for one of
 * the two, not for both in turn. Sends nothing. */
#include <stdlib.h>

#include "client/exec_private.h"

#define AHEAD_MS 2 /* time for half a megabyte to leave: it would wait for the next one to be made */

void exec_batch_init(struct exec *x, struct batch *b, size_t first)
{
	*b = (struct batch){ .change = &x->work,
		.first = first,
		.count = 0,
		.result = x->result,
		.ids = x->ids,
		.before = x->before,
		.skip = x->skip,
		.hooks = &x->session->hooks };
}

void exec_batch_begin(struct exec *x)
{
	exec_cursor_release(x, &x->batch.cur);
	exec_batch_init(x, &x->batch, x->next);
}

/* Only what was used is cleared: small batches of a long change stay cheap. */
void exec_batch_end(struct exec *x)
{
	for (size_t i = 0; i < x->batch.count; i++) {
		free(x->result[i].value);
		free(x->result[i].id);
		free(x->result[i].text);
		x->result[i] = (struct edit_result){ 0 };
	}
	exec_cursor_release(x, &x->batch.cur);
	x->next = x->batch.first + x->batch.count;
	x->batch.count = 0;
	x->batch.change = NULL;
}

/* A dialect that says nothing about the size of the batch means one; one that says too much is held back. */
void exec_batch_bound(const struct exec *x, struct batch *b)
{
	size_t left = x->work.count - b->first;

	if (b->count < 1)
		b->count = 1;
	if (b->count > left)
		b->count = left;
}

/* ---- ahead ---- */

static void on_turn(struct loop *loop, void *arg)
{
	struct exec *x = arg;
	struct exec_ahead *a = &x->ahead;
	struct err err = ERR_INIT;
	size_t first = x->batch.first + x->batch.count;

	(void)loop;
	if (!x->batch.change)
		return; /* it is not under way yet: another turn comes with the next one */
	while (first < x->work.count && x->skip[first])
		first++;
	if (first == x->work.count)
		return;
	exec_batch_init(x, &a->batch, first);
	request_init(&a->req);
	a->is_ready = true;
	if (x->dialect->write_encode(&x->server, &a->batch, &a->req, &err))
		exec_batch_bound(x, &a->batch);
	else
		exec_ahead_drop(x); /* when its turn comes it says why */
}

void exec_ahead_begin(struct exec *x)
{
	if (!x->ahead.is_ready)
		timer_start(x->session->loop, &x->ahead.timer, AHEAD_MS, NULL, on_turn, x);
}

bool exec_ahead_take(struct exec *x, struct request *req)
{
	struct exec_ahead *a = &x->ahead;

	timer_stop(&a->timer);
	if (!a->is_ready || a->batch.first != x->next) {
		exec_ahead_drop(x);
		return false;
	}
	exec_cursor_release(x, &x->batch.cur);
	x->batch = a->batch;
	request_release(req);
	*req = a->req;
	a->is_ready = false;
	return true;
}

void exec_ahead_drop(struct exec *x)
{
	struct exec_ahead *a = &x->ahead;

	timer_stop(&a->timer);
	if (!a->is_ready)
		return;
	exec_cursor_release(x, &a->batch.cur);
	request_release(&a->req);
	a->is_ready = false;
}
