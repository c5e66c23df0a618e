/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stays refused although its own entry goes: said in advance, and not of what the same change lifts. */
#include <stdlib.h>

#include "app/plan_private.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

#define MANY 10 /* more than are seen at once */

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

#define NAMED 3

/* The covers that keep most of them, by name. */
static void name_covers(struct plan *p, const struct entrylist *l, uint32_t *kept_by, size_t covered)
{
	struct buf names = BUF_INIT;
	char count[32];
	size_t named = 0;

	for (; named < covered; named++) {
		size_t best = 0;

		for (size_t row = 1; row < l->count; row++)
			best = kept_by[row] > kept_by[best] ? row : best;
		if (kept_by[best] == 0)
			break;
		if (named == NAMED) {
			buf_adds(&names, ", …");
			break;
		}
		buf_addf(&names, "%s%s (%s)", named ? ", " : "", entry_key(l, best), text_grouped(kept_by[best], count, sizeof(count)));
		kept_by[best] = 0;
	}
	plan_add_line(p, PLAN_WARN, SIZE_MAX, "%s of them %s refused: covered by %s", text_grouped(covered, count, sizeof(count)),
		covered == 1 ? "stays" : "stay", buf_str(&names));
	buf_release(&names);
}

/* Of many entries what stays refused is said in a sentence, too, for those that nobody scrolls to. */
static void sum_covers(struct plan *p, const struct entrylist *l, const bool *removed, int64_t now)
{
	uint32_t *kept_by = xcalloc(l->count + 1, sizeof(*kept_by));
	size_t covered = 0;

	for (size_t i = 0; i < p->change->count; i++) {
		const struct edit *e = &p->change->edits[i];
		ptrdiff_t cover = e->kind == EDIT_UNBLOCK && e->net.family ? cover_left(l, &e->net, removed, now) : -1;

		if (cover < 0)
			continue;
		kept_by[cover]++;
		covered++;
	}
	if (covered)
		name_covers(p, l, kept_by, covered);
	free(kept_by);
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
	if (l && p->change->count > MANY)
		sum_covers(p, l, removed, ends_at(a));
	free(removed);
}
