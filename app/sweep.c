/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What has expired becomes a plan like any other: proven, and kept in the journal. Sends nothing. */
#include "app/sweep.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/mem.h"

static bool may_sweep(struct app *a, enum list_kind list)
{
	const struct server_info *srv = session_server(a->session);
	unsigned cap = list == LIST_BLOCKED ? CAP(WRITE_BLOCKED) : CAP(WRITE_ALLOWED);

	return a->snap.list[list] && !server_has(srv, CAP(NATIVE_EXPIRY)) && server_has(srv, cap) && app_is_writable(a, NULL);
}

struct plan *plan_sweep(struct app *a, enum list_kind list, int64_t *next, struct err *err)
{
	const struct entrylist *l = a->snap.list[list];
	int64_t now = clock_now(), soonest = TIME_NONE;
	struct plan_options o;
	struct plan *p = NULL;
	size_t *rows = NULL, n = 0, cap = 0;

	if (next)
		*next = TIME_NONE;
	if (!may_sweep(a, list))
		return NULL;
	for (size_t i = 0; i < l->count; i++) {
		int64_t end = entry_expires(&l->rows[i]);

		if (end == TIME_NONE)
			continue;
		if (entry_state(l, i, now) == ENTRY_EXPIRED) {
			xgrow(&rows, &cap, n + 1, sizeof(*rows));
			rows[n++] = i;
		} else if (end > now && (soonest == TIME_NONE || end < soonest)) {
			soonest = end;
		}
	}
	if (next)
		*next = soonest;
	plan_options_init(&o);
	o.note = "expired";
	o.force = true; /* removals only: the count alone is no reason to leave expired entries in force */
	if (n)
		p = plan_remove_rows(a, list, rows, n, &o, err);
	free(rows);
	return p;
}

size_t sweep_tally(const struct change *c)
{
	size_t n = change_tally(c, VERDICT_IN_FORCE);

	for (size_t i = 0; i < c->step_count; i++)
		if (!c->steps[i].ok)
			return n; /* deleted, but not live */
	return n + change_tally(c, VERDICT_STORED);
}
