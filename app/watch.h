/* SPDX-License-Identifier: GPL-3.0-or-later */
/* After a change: what does the log say about its addresses? "refused again", "seen connecting", or "no traffic". Evidence, not proof. */
#ifndef APP_WATCH_H
#define APP_WATCH_H

#include "app/app.h"
#include "model/change.h"

/* Starts to read the log (by the profile's source) for options.watch_ms; the change is not kept. */
void watch_begin(struct app *a, const struct change *c);
/* NULL while watching; then one line for people, valid until watch_end(). */
const char *watch_result(struct app *a);
void watch_end(struct app *a);

#endif
