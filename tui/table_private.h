/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the table_*.c files share. Nobody else includes this. */
#ifndef TUI_TABLE_PRIVATE_H
#define TUI_TABLE_PRIVATE_H

#include "tui/idset.h"
#include "tui/sorter.h"
#include "tui/table.h"

#define TABLE_COLUMNS_MAX 24
#define SLICE_US 4000 /* work on the loop before keys are looked at again */

enum job_phase { JOB_NONE, JOB_KEYS, JOB_SORT, JOB_MATCH, JOB_GATHER, JOB_PRUNE };

/* Building a new order and a new list of hits; the old ones stay until it is done. */
struct table_job {
	enum job_phase phase;
	size_t pos;
	struct sorter sorter;
	struct buf texts;     /* copies of cell texts that are sorted by, when the view has no keys */
	uint32_t *order;      /* new order; NULL = as the rows come */
	bool has_order;       /* sorting is part of this job */
	uint64_t *bits;       /* hits by row */
	uint32_t *shown;
	size_t shown_len;
	struct idset marks;   /* those of rows that are still there */
	bool narrow;          /* only look at the hits there were */
	struct timer timer;
};

/* Walks over rows for n/N or `*`. */
struct table_walk {
	enum { WALK_NONE, WALK_FIND, WALK_MARK } kind;
	size_t pos, left;
	int step;             /* find: +1 or -1 */
	bool on;              /* mark: add or remove */
	bool is_all;          /* mark: every row shown, not a range */
	enum { DUE_NOTHING, DUE_TOGGLE, DUE_MARK, DUE_UNMARK } due; /* asked for while the rows were being replaced */
	struct timer timer;
};

struct table {
	struct view *view;
	struct loop *loop;
	size_t rows;
	int columns;
	uint32_t *order;      /* rows in sort order; NULL = as they come */
	uint32_t *shown;      /* rows in sort order that match; NULL when there is no filter */
	size_t shown_len;
	bool stale_rows;      /* the arrays belong to rows that were replaced */
	int sort_col;         /* -1 none */
	bool sort_down;
	char *filter;         /* as set; "" none */
	char *applied;        /* the filter `shown` was made with */
	char *search;
	char *last_search;
	struct table_job job;
	struct table_walk walk;
	struct idset marks;
	bool prune;           /* rows were replaced: some marks may be of rows that are gone */
	size_t range_from;    /* index, or ROW_NONE */
	size_t cursor, top;
	uint64_t want_id;     /* the row the user went to; found again after every change */
	bool want;
	int hscroll;
	short seen[TABLE_COLUMNS_MAX]; /* widest cell drawn so far */
	int width[TABLE_COLUMNS_MAX], x[TABLE_COLUMNS_MAX]; /* layout; width 0 = dropped */
	int drawn_y, drawn_height, drawn_width; /* geometry of the last frame; height 0 = none */
	struct cell *cells;   /* of the rows in view */
	size_t cells_cap;
};

void table_touch(struct table *t); /* the view is to be drawn again */
void table_clamp(struct table *t);
void table_remember(struct table *t); /* the cursor's row is what the user wants */
/* Index of a row among those shown; ROW_NONE if hidden. */
size_t table_index_of(const struct table *t, size_t row);
size_t table_find_id(const struct table *t, uint64_t id, size_t hint); /* row, or ROW_NONE */
bool table_match(const struct table *t, const char *words, size_t row); /* the default matcher */
bool table_column_is_there(const struct table *t, int col);

/* table_job.c */
void table_restart(struct table *t, bool sort, bool narrow);
void table_job_stop(struct table *t);
/* table_walk.c */
void table_walk_stop(struct table *t);
void table_find(struct table *t, int step, bool from_next);
void table_mark_all(struct table *t);
void table_walk_hurry(struct table *t);  /* marks that are under way are all set */
void table_walk_defer(struct table *t);  /* the rows are about to be replaced: marking all of them begins anew with the new ones */
void table_walk_due(struct table *t);    /* … which are there now */
void table_mark_span(struct table *t, size_t from, size_t to);

#endif
