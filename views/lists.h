/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to the blocked and the allowed panel: what their files share. lists.c is the panel, lists_rows.c what a row shows,
 * lists_act.c what a key does to rows. */
#ifndef VIEWS_LISTS_H
#define VIEWS_LISTS_H

#include "model/filter.h"
#include "views/views.h"

enum list_column { COL_SIGN, COL_ADDRESS, COL_REASON, COL_SINCE, COL_REMAINING, COL_REFUSED, COL_TIMES, COL_COUNTRY, COL_AS, COL_NOTE };

struct list_state {
	struct observer observer;
	const struct entrylist *seen;  /* rows the table knows */
	int64_t seen_fetched;          /* another list may come to lie where the last one was */
	unsigned learned;             /* snapshot.learned, as it was then */
	struct filter *filter;
	struct filter_hits hits;
	int64_t now;                   /* of the last refresh: what is expired, what remains */
};

static inline enum list_kind list_kind_of(const struct view *v)
{
	return v->ops == &view_allowed ? LIST_ALLOWED : LIST_BLOCKED;
}

/* NULL until it was fetched. */
static inline const struct entrylist *list_of(const struct view *v)
{
	return app_of(v)->snap.list[list_kind_of(v)];
}

/* ---- lists_rows.c: slots of struct view_ops ---- */
uint64_t list_row_id(const struct view *v, size_t row);
void list_cell(const struct view *v, size_t row, int col, struct cell *out);
enum role list_row_role(const struct view *v, size_t row);
void list_sort_key(const struct view *v, size_t row, int col, struct sort_key *out);
void list_detail(const struct view *v, size_t row, struct page *out, int width);

/* ---- lists_act.c ---- */
bool list_act(struct view *v, enum action a, size_t row);

#endif
