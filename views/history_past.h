/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the history panel shows by day, read in turns of the loop: what was read before stays until it is done. */
#ifndef VIEWS_HISTORY_PAST_H
#define VIEWS_HISTORY_PAST_H

#include "store/history.h"
#include "views/views.h"

#define HISTORY_WEEKS 12
#define HISTORY_DAYS (HISTORY_WEEKS * 7)

struct history_past {
	struct history_day day[HISTORY_DAYS];
	size_t days;             /* filled: the last is today; 0 = not read yet */
	uint64_t total;
	size_t busiest;          /* row of the day with the most bans */
	struct net top;          /* the range it was; family 0 = none stands out */
	struct err err;
	int64_t size;            /* of the store, bytes */
	/* at work */
	struct view *view;
	void (*done)(struct view *v);
	struct history_past_job *job;
	struct timer turn;
	bool is_old;             /* something has changed since it began */
};

void history_past_read(struct view *v, struct history_past *past, void (*done)(struct view *v));
void history_past_stop(struct history_past *past);

#endif
