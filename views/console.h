/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console's entry: tabs, hooks, credentials prompt, alarms, the flow of a change. What cli starts when there is no verb. */
#ifndef VIEWS_CONSOLE_H
#define VIEWS_CONSOLE_H

#include "app/app.h"

struct console_options {
	const char *theme, *colour; /* NULL = configuration, then defaults */
	bool ascii;
};

/* Runs until the operator quits; returns the exit status (2 with err when there is no usable terminal). */
int console_run(struct app *a, const struct console_options *o, struct err *err);

#endif
