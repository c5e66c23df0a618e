/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stays refused although its own entry goes: said in advance, and not of what the same change lifts. */
#include <stdlib.h>

#include "app/plan_private.h"
#include "core/clock.h"
#include "core/mem.h"

/* Where the server ends nothing by itself, what has expired refuses until it is swept. */
static int64_t ends_at(struct app *a)
{
	return server_has(session_server(a->session), CAP(NATIVE_EXPIRY)) ? clock_now() : 0;
}

void plan_say_cover(struct app *a, struct plan *p, size_t edit, const struct net *n, const char *target)
{
	const struct entrylist *blocked = a->snap.list[LIST_BLOCKED];
	int64_t now = ends_at(a);
	ptrdiff_t own = blocked ? entrylist_find(blocked, n) : -1;
	ptrdiff_t cover = blocked ? entrylist_covering(blocked, n, own, now) : -1;

	if (cover < 0)
		return;
	plan_add_line(p, PLAN_WARN, edit, "%s stays refused: covered by %s", target, entry_key(blocked, (size_t)cover));
	p->lines[p->line_count - 1].is_cover = true;
}

/* An entry that stays and covers n, -1 = none. */
static ptrdiff_t cover_left(const struct entrylist *l, const struct net *n, const bool *removed, int64_t now)
{
	uint32_t rows[64];
	size_t found = netset_covering(l->index, n, rows, ARRAY_LEN(rows));

	for (size_t i = 0; i < found && i < ARRAY_LEN(rows); i++)
		if (!removed[rows[i]] && entry_state(l, rows[i], now) == ENTRY_ACTIVE)
			return rows[i];
	return -1;
}

/* What covers one entry may be lifted by the same change. */
void plan_settle_covers(struct app *a, struct plan *p)
{
	const struct entrylist *l = a->snap.list[LIST_BLOCKED];
	size_t kept = 0, count = p->line_count;
	bool *removed = l ? xcalloc(l->count + 1, sizeof(*removed)) : NULL;

	for (size_t i = 0; l && i < p->change->count; i++) {
		ptrdiff_t row = p->change->edits[i].kind == EDIT_UNBLOCK ? entrylist_find_key(l, p->change->edits[i].target) : -1;

		if (row >= 0)
			removed[row] = true;
	}
	p->line_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct plan_line line = p->lines[i];
		const struct edit *e = line.is_cover ? &p->change->edits[line.edit] : NULL;
		ptrdiff_t cover = e && l ? cover_left(l, &e->net, removed, ends_at(a)) : -1;

		if (e) {
			free(line.text);
			if (cover < 0)
				continue;
			line.text = xasprintf("%s stays refused: covered by %s", e->target, entry_key(l, (size_t)cover));
		}
		p->lines[kept++] = line;
	}
	p->line_count = kept;
	free(removed);
}
