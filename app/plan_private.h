/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by plan*.c only. */
#ifndef APP_PLAN_PRIVATE_H
#define APP_PLAN_PRIVATE_H

#include "app/plan.h"

struct plan *plan_new(struct app *a);
struct edit *plan_edit(struct app *a, struct plan *p, enum edit_kind kind, const char *target, const struct plan_options *o);
/* plan_cover.c: says which other entry covers n, if one does; and, once the change is whole, takes back what it lifts itself. */
void plan_say_cover(struct app *a, struct plan *p, size_t edit, const struct net *n, const char *target);
void plan_settle_covers(struct app *a, struct plan *p);
/* Of every network blocked: names the entries it covers and the allowed ones it hits; with o->replace, adds edits that remove the former.
 * Returns how many it added. */
size_t plan_replace(struct app *a, struct plan *p, const struct plan_options *o);
/* plan_renew.c: what is listed and gets another end becomes an edit of that end: one whose time is over, and what o gives an end. */
bool plan_gets_another_end(const struct entry *e, const struct plan_options *o);
void plan_renew(struct app *a, struct plan *p, const struct plan_options *o);
char *plan_end_shown(const struct entry *e); /* as an expiry's `expected` has it; from malloc */
/* Asks the guards about the whole change: fills lines, refused or forced. */
void plan_guard(struct app *a, struct plan *p, bool force);

#endif
