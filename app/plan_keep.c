/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaving edits out of a plan before it is sent: what "e each" answers. Sends nothing, asks nobody. */
#include "app/plan_keep.h"

#include <stdlib.h>

#include "core/mem.h"

size_t plan_unit(const struct plan *p, size_t first)
{
	const struct edit *edits = p->change->edits, *e = &edits[first];
	size_t end = first + 1;

	while (end < p->change->count && e->net.family && net_equal(&edits[end].net, &e->net))
		end++;
	return end - first;
}

/* A network that is left out takes the place of nothing: the entries inside it stay. */
static bool keeps_its_place(const struct change *c, const bool *keep, size_t i)
{
	const struct edit *e = &c->edits[i];

	if (e->kind != EDIT_UNBLOCK || !e->net.family)
		return false;
	for (size_t k = 0; k < i && c->edits[k].kind == EDIT_BLOCK; k++)
		if (!keep[k] && net_contains(&c->edits[k].net, &e->net))
			return true;
	return false;
}

static void keep_lines(struct plan *p, const size_t *moved_to)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->line_count; i++) {
		struct plan_line l = p->lines[i];

		if (l.edit != SIZE_MAX && moved_to[l.edit] == SIZE_MAX) {
			free(l.text);
			continue;
		}
		if (l.edit != SIZE_MAX)
			l.edit = moved_to[l.edit];
		p->lines[kept++] = l;
	}
	p->line_count = kept;
}

void plan_keep(struct plan *p, const bool *keep)
{
	struct change *c = p->change, *left_out = change_new();
	bool *stays = xcalloc(c->count + 1, sizeof(*stays));
	size_t *moved_to = xreallocarray(NULL, c->count + 1, sizeof(*moved_to)), kept = 0;

	for (size_t i = 0; i < c->count; i++)
		stays[i] = keeps_its_place(c, keep, i);
	for (size_t i = 0; i < c->count; i++) {
		struct edit e = c->edits[i];

		moved_to[i] = keep[i] && !stays[i] ? kept : SIZE_MAX;
		if (moved_to[i] == SIZE_MAX)
			continue;
		c->edits[i] = c->edits[kept];
		c->edits[kept++] = e;
	}
	for (size_t i = kept; i < c->count; i++) {
		struct edit *e = change_add(left_out, c->edits[i].kind, "");

		free(e->target);
		*e = c->edits[i]; /* owned there from now on */
	}
	c->count = kept;
	keep_lines(p, moved_to);
	free(moved_to);
	free(stays);
	change_free(left_out);
}
