/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guards, and the server's rights, are asked about a plan: when it is made, and once more before it is sent. Sends nothing, asks nobody. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/plan_private.h"
#include "core/mem.h"

#define SHOWN 64 /* of what is broken; all of it is counted and named */

static bool blocks_anything(const struct change *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->edits[i].kind == EDIT_BLOCK || c->edits[i].kind == EDIT_EXPIRY)
			return true;
	return false;
}

/* A guard that has nothing to look at is said, not passed over. */
static void say_unknown(struct app *a, struct plan *p)
{
	static const struct {
		enum snap snap;
		const char *what;
	} facts[] = { { SNAP_BIT_ALLOWED, "allowed entries" }, { SNAP_BIT_TRUST, "trusted proxies" } };
	const struct snapshot *s = &a->snap;

	for (size_t i = 0; blocks_anything(p->change) && i < ARRAY_LEN(facts); i++) {
		const struct err *why = &s->err[facts[i].snap];

		if (s->fetched[facts[i].snap] == TIME_NONE && why->code != ERR_NONE && why->code != ERR_UNSUPPORTED)
			plan_add_line(p, PLAN_WARN, SIZE_MAX, "no guard looks at the server's %s, they can't be read: %s", facts[i].what, why->msg);
	}
}

/* Returns how many there are, of which hits gets the first SHOWN. */
static size_t ask(struct app *a, const struct plan *p, struct guard_hit *hits, unsigned *broken)
{
	struct guard_facts facts;
	size_t n;

	app_guard_facts(a, &facts);
	n = guard_check_all(p->change, &facts, hits, SHOWN, broken);
	guard_facts_release(&facts);
	return n;
}

static void settle(struct plan *p, const struct guard_hit *first, size_t n, unsigned broken, bool force)
{
	struct buf names = BUF_INIT;

	guard_names_of(broken, &names);
	snprintf(p->overrides, sizeof(p->overrides), "%s", buf_str(&names));
	p->broken = broken;
	p->hits = n;
	p->refused = !force;
	if (force) {
		p->change->forced = true;
		free(p->change->forced_what);
		p->change->forced_what = xstrdup(buf_str(&names));
	} else {
		p->yes_will_do = n == 1 && first->rule == GUARD_RULE_MANY;
		snprintf(p->refusal, sizeof(p->refusal), "%s%s", first->reason, n > 1 ? " (and more)" : "");
	}
	buf_release(&names);
}

void plan_guard(struct app *a, struct plan *p, bool force)
{
	struct guard_hit hits[SHOWN];
	unsigned broken;
	size_t n = ask(a, p, hits, &broken);

	for (size_t i = 0; i < n && i < SHOWN; i++)
		plan_add_line(p, PLAN_BAD, hits[i].edit, "%s", hits[i].reason);
	say_unknown(a, p);
	if (n > 0)
		settle(p, &hits[0], n, broken, force);
}

static bool is_said(const struct plan *p, const char *text)
{
	for (size_t i = 0; i < p->line_count; i++)
		if (!strcmp(p->lines[i].text, text))
			return true;
	return false;
}

bool plan_guard_again(struct app *a, struct plan *p, bool force)
{
	const struct guard_hit *first = NULL;
	struct guard_hit hits[SHOWN];
	unsigned broken;
	size_t n = ask(a, p, hits, &broken);

	if (!(broken & ~p->broken) && n <= p->hits)
		return true;
	for (size_t i = 0; i < n && i < SHOWN; i++)
		if (!is_said(p, hits[i].reason)) {
			first = first ? first : &hits[i];
			plan_add_line(p, PLAN_BAD, hits[i].edit, "%s", hits[i].reason);
		}
	settle(p, first ? first : &hits[0], n, broken, force);
	return force;
}

bool plan_is_permitted(struct app *a, const struct plan *p, struct err *err)
{
	struct err why = ERR_INIT;

	for (size_t i = 0; i < p->change->count; i++) {
		err_clear(&why);
		if (app_can(a, edit_needs(p->change->edits[i].kind), &why) || why.code != ERR_PERMISSION)
			return true;
	}
	return why.code == ERR_NONE || err_set(err, why.code, "%s", why.msg);
}

unsigned plan_guarded_by(const struct plan *p)
{
	bool disallows = false;

	for (size_t i = 0; i < p->change->count; i++)
		disallows = disallows || p->change->edits[i].kind == EDIT_DISALLOW || p->change->edits[i].kind == EDIT_ALLOW_EXPIRY;
	return disallows || blocks_anything(p->change) ? SNAP(ALLOWED) | SNAP(TRUST) : 0;
}

