/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entries whose time is over, where the server itself ends none: who sweeps them is `sync` and the open console. */
#ifndef APP_SWEEP_H
#define APP_SWEEP_H

#include "app/plan.h"

/* The removal of what has expired, only by an end that was stored with the entry. NULL: there is nothing to remove, it isn't known, or it may
 * not be written (err only when a plan failed). *next (may be NULL): when the next one expires, TIME_NONE = none. */
struct plan *plan_sweep(struct app *a, enum list_kind list, int64_t *next, struct err *err);
/* How many are gone; one that a network goes on refusing is, too. */
size_t sweep_tally(const struct change *c);

#endif
