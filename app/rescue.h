/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Putting back what a prefix delete took along when the program did not live to do it itself (0.5 - 0.6). */
#ifndef APP_RESCUE_H
#define APP_RESCUE_H

#include "app/app.h"
#include "app/plan.h"

/* Is there anything kept for this server? Needs the store only. */
bool rescue_is_pending(struct app *a);
/* A change that blocks again what is missing from the list; needs SNAP(BLOCKED). NULL when nothing is missing: then the kept text is cleared. */
struct plan *plan_rescue(struct app *a);
/* After that change: clears what was kept when everything is in force. */
void rescue_done(struct app *a, const struct change *c);

#endif
