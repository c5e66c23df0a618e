/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by plan*.c only. */
#ifndef APP_PLAN_PRIVATE_H
#define APP_PLAN_PRIVATE_H

#include "app/plan.h"

struct plan *plan_new(struct app *a);
struct edit *plan_edit(struct app *a, struct plan *p, enum edit_kind kind, const char *target, const struct plan_options *o);
/* Asks the guards about the whole change: fills lines, refused or forced. */
void plan_guard(struct app *a, struct plan *p, bool force);

#endif
