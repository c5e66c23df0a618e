/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entry by entry: which edits of a plan belong together, and leaving some of them out before it is sent. */
#ifndef APP_PLAN_KEEP_H
#define APP_PLAN_KEEP_H

#include "app/plan.h"

/* How many edits from `first` on are about the same address (un-block and allow). */
size_t plan_unit(const struct plan *p, size_t first);
/* Leaves out every edit whose flag is not set, with what was said about it. One flag an edit. */
void plan_keep(struct plan *p, const bool *keep);

#endif
