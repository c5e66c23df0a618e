/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proposals under way. */
#include "views/proposing.h"

#include <stdlib.h>

static const struct net *net_of(const void *rows, size_t row)
{
	return &((const struct proposal *)rows)[row].net;
}

static void free_rows(void *rows, size_t count)
{
	(void)count;
	free(rows);
}

static bool begin(struct view *v, struct err *err)
{
	struct ranges_state *s = v->state;

	s->job = proposals_begin(app_of(v), &s->query, err);
	return s->job;
}

static bool step(struct view *v, bool *is_done, struct err *err)
{
	return proposals_step(((struct ranges_state *)v->state)->job, false, is_done, err);
}

static void take(struct view *v, struct store_rows *r)
{
	struct proposal *rows;

	proposals_take(((struct ranges_state *)v->state)->job, &rows, &r->count);
	r->rows = rows;
	store_rows_rank(r, net_of);
}

static void end(struct view *v)
{
	struct ranges_state *s = v->state;

	proposals_end(s->job);
	s->job = NULL;
}

void proposing_read(struct view *v)
{
	static const struct rows_source source = { begin, step, take, end, free_rows };

	store_rows_begin(v, &source);
}
