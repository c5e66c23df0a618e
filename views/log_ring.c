/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines that the log panel keeps, in a ring: the oldest makes room for the newest. Knows neither the source nor what a line looks like. */
#include <stdlib.h>

#include "app/sync.h"
#include "core/mem.h"
#include "core/text.h"
#include "views/log.h"

#define LINE_MAX_KEPT 4096

static void drop(struct log_row *r)
{
	free(r->line);
	r->line = NULL;
}

static bool keep(const struct view *v, struct log_row *r, const struct event *ev)
{
	struct log_state *s = v->state;
	size_t len = ev->line.len < LINE_MAX_KEPT ? ev->line.len : LINE_MAX_KEPT;

	if (slice_starts(ev->id, "http.") &&
		(slice_is(ev->id, "http.request-body") || slice_is(ev->id, "http.response-body")))
		return false; /* at trace level reading the log would log the log */
	r->line = xmemdup(ev->line.p, len);
	text_mask_secrets(r->line, len);
	event_parse(r->line, len, &r->event);
	event_facts(&r->event, &r->facts);
	if (s->hides_own && app_is_own_login(app_of(v), &r->facts)) {
		drop(r);
		return false;
	}
	r->id = ++s->next_id;
	return true;
}

void log_ring_add_newer(const struct view *v, const struct event *ev)
{
	struct log_state *s = v->state;
	struct log_row r;

	if (!keep(v, &r, ev))
		return;
	if (s->head - s->tail == LOG_RING)
		drop(&s->ring[s->tail++ % LOG_RING]);
	s->ring[s->head++ % LOG_RING] = r;
}

void log_ring_add_older(const struct view *v, const struct event *ev)
{
	struct log_state *s = v->state;
	struct log_row r;

	if (s->head - s->tail == LOG_RING || !keep(v, &r, ev))
		return;
	if (s->tail == 0) { /* counters never go below nought */
		s->head += LOG_RING;
		s->tail += LOG_RING;
	}
	s->ring[--s->tail % LOG_RING] = r;
}

void log_ring_forget(struct log_state *s)
{
	for (; s->tail < s->head; s->tail++)
		drop(&s->ring[s->tail % LOG_RING]);
}

size_t log_ring_count(const struct view *v)
{
	const struct log_state *s = v->state;

	return s->head - s->tail;
}

const struct log_row *log_row_of(const struct view *v, size_t row)
{
	const struct log_state *s = v->state;

	return &s->ring[(s->head - 1 - row) % LOG_RING];
}

uint64_t log_row_id(const struct view *v, size_t row)
{
	return log_row_of(v, row)->id;
}
