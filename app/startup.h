/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A server that starts anew while the console runs is looked at anew. */
#ifndef APP_STARTUP_H
#define APP_STARTUP_H

#include "app/app.h"
#include "model/event.h"

void startup_begin(struct app *a); /* what began before now is known */
/* Every line that is followed, as it comes. */
void startup_line(struct app *a, const struct event *ev);

#endif
