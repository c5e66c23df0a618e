/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kept text is the body that puts the entries back: [["server.security.blocked-networks.KEY","VALUE"],…] (client/dialect_config.c). */
#include "app/rescue.h"

#include <string.h>

#include "client/rescue_text.h"
#include "core/clock.h"
#include "core/mem.h"

bool rescue_is_pending(struct app *a)
{
	struct store_rescue *rows;
	size_t n = 0;

	if (!a->store || !store_rescue_list(a->store, a->profile.name, &rows, &n, NULL))
		return false;
	store_rescue_free(rows, n);
	return n > 0;
}

static void clear_all(struct app *a)
{
	struct store_rescue *rows;
	size_t n;

	if (!store_rescue_list(a->store, a->profile.name, &rows, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++)
		store_rescue_clear(a->store, rows[i].id, NULL);
	store_rescue_free(rows, n);
}

struct take {
	struct app *app;
	struct change *change;
};

static void take_entry(void *arg, const char *key, const char *value)
{
	struct take *t = arg;
	const struct entrylist *l = t->app->snap.list[LIST_BLOCKED];
	struct entry_value v;
	struct edit *e;

	if (l && entrylist_find_key(l, key) >= 0)
		return;
	entry_value_parse(value, strlen(value), &v);
	e = change_add(t->change, EDIT_BLOCK, key);
	e->reason = v.reason;
	e->note = v.note[0] ? xstrdup(v.note) : NULL;
	e->by = v.by[0] ? xstrdup(v.by) : NULL;
	e->created = v.at == TIME_NONE ? clock_now() / 1000 * 1000 : v.at;
	e->expires = v.until;
	e->raw = xstrdup(value);
}

struct plan *plan_rescue(struct app *a)
{
	struct take t = { a, change_new() };
	struct store_rescue *rows;
	struct plan_options o;
	struct err err = ERR_INIT;
	size_t n = 0;

	if (a->store && store_rescue_list(a->store, a->profile.name, &rows, &n, NULL)) {
		for (size_t i = 0; i < n; i++)
			rescue_text_each(rows[i].text, take_entry, &t);
		store_rescue_free(rows, n);
	}
	if (t.change->count == 0) {
		change_free(t.change);
		if (n)
			clear_all(a);
		return NULL;
	}
	plan_options_init(&o);
	o.force = true; /* they were there before: putting back is no new block */
	o.note = "put back after an interrupted un-block";
	return plan_of_change(a, t.change, &o, &err);
}

void rescue_done(struct app *a, const struct change *c)
{
	if (change_tally(c, VERDICT_IN_FORCE) == c->count)
		clear_all(a);
}
