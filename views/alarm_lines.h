/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The alarms of app/alarms.h as lines on top of every panel, each with its cure on a key. */
#ifndef VIEWS_ALARM_LINES_H
#define VIEWS_ALARM_LINES_H

#include "app/alarms.h"
#include "views/views.h"

void alarm_lines_update(struct console *c);
/* Does what Enter on an alarm does. */
void alarm_cure(struct console *c, enum alarm_cure what, const char *target);

#endif
