/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocking a network in place of the entries inside it: names them, and takes them off the list when asked to. */
#include <stdlib.h>
#include <string.h>

#include "app/plan_private.h"
#include "app/proposals.h"
#include "core/clock.h"

#define NAMED 6

static bool is_removed(const struct plan *p, const char *key)
{
	for (size_t i = 0; i < p->change->count; i++)
		if (p->change->edits[i].kind == EDIT_UNBLOCK && !strcmp(p->change->edits[i].target, key))
			return true;
	return false;
}

/* One change: network and removals are written, read back and reloaded together. */
static size_t replace_one(struct app *a, struct plan *p, size_t edit, const struct plan_options *o)
{
	const struct entrylist *blocked = a->snap.list[LIST_BLOCKED];
	struct net net = p->change->edits[edit].net;
	struct buf names = BUF_INIT;
	size_t n, removed = 0;
	uint32_t *rows = proposal_entries(blocked, &net, false, clock_now(), &n);

	if (n > 0) {
		proposal_names(blocked, rows, n, NAMED, &names);
		plan_add_line(p, PLAN_INFO, SIZE_MAX, "%s %s %zu %s: %s", p->change->edits[edit].target, o->replace ? "replaces" : "covers", n, n == 1 ? "entry" : "entries", buf_str(&names));
	}
	for (size_t i = 0; o->replace && i < n; i++) {
		struct edit *e;

		if (is_removed(p, entry_key(blocked, rows[i])))
			continue;
		e = plan_edit(a, p, EDIT_UNBLOCK, entry_key(blocked, rows[i]), o);
		entry_net(&blocked->rows[rows[i]], &e->net);
		removed++;
	}
	buf_release(&names);
	free(rows);
	return removed;
}

/* Every allowed entry a network would hit; the guard names the first and refuses. */
static void say_allowed(struct app *a, struct plan *p, size_t edit)
{
	const struct entrylist *allowed = a->snap.list[LIST_ALLOWED];
	struct buf names = BUF_INIT;
	size_t n;
	uint32_t *rows = proposal_entries(allowed, &p->change->edits[edit].net, false, clock_now(), &n);

	if (n > 1) {
		proposal_names(allowed, rows, n, NAMED, &names);
		plan_add_line(p, PLAN_WARN, SIZE_MAX, "%s hits %zu allowed entries: %s", p->change->edits[edit].target, n, buf_str(&names));
	}
	buf_release(&names);
	free(rows);
}

size_t plan_replace(struct app *a, struct plan *p, const struct plan_options *o)
{
	size_t blocks = p->change->count, removed = 0;

	for (size_t i = 0; i < blocks; i++) {
		if (p->change->edits[i].kind != EDIT_BLOCK || net_is_address(&p->change->edits[i].net))
			continue;
		say_allowed(a, p, i);
		removed += replace_one(a, p, i, o);
	}
	return removed;
}
