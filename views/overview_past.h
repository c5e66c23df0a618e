/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the overview tells from the store: bans by hour, who is near a ban, offending ranges, the last bans. */
#ifndef VIEWS_OVERVIEW_PAST_H
#define VIEWS_OVERVIEW_PAST_H

#include "app/near.h"
#include "views/views.h"

#define PAST_HOURS 24

struct past {
	uint32_t hours[PAST_HOURS];
	struct history_row *ranges;
	size_t range_count;
	struct history_ban *bans;
	size_t ban_count;
	struct near_limit near;
	char notice[320];      /* why the history is empty */
	/* at work: what was read before stays until it is done */
	struct view *view;
	struct past_job *job;
	struct timer turn;
	bool is_old;           /* something has changed since it began */
	uint64_t changes;      /* of the store, and the hour, that it was read at */
	int64_t hour;
};

/* In turns of the loop; the view changes when it is done. Nothing is read again that is as it was. */
void past_read(struct view *v, struct past *past);
void past_near(struct app *a, struct past *past); /* only what hangs on the thresholds, once they are there */
void past_release(struct past *past);
void past_hours(const struct past *past, struct page *p, int width);
/* The rest, one below the other; blocked NULL = not known. */
void past_page(const struct past *past, const struct entrylist *blocked, struct page *p, int width);
/* Enter or w on a spot of the page; false = not one of these. */
bool past_open(struct console *c, const struct past *past, size_t spot);

/* Rows of near, each a spot from `spot` on; 0 = no spots. */
void near_page(const struct near_limit *near, struct page *p, int width, size_t spot);

#endif
