/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The alarms of app/alarms.h as lines on top of every panel, each with its cure on a key. */
#ifndef VIEWS_ALARM_LINES_H
#define VIEWS_ALARM_LINES_H

#include "app/alarms.h"
#include "views/views.h"

void alarm_lines_update(struct console *c);

#endif
