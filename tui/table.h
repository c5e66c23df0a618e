/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list widget over view_ops: order, filter, search, marks, cursor, scroll, drawing. Holds a million rows with one or
 * two arrays of row numbers; work on all rows is done in slices on the loop. Knows no server and no other view. */
#ifndef TUI_TABLE_H
#define TUI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/loop.h"
#include "tui/view.h"

/* loop NULL: work is done at once (verbs, tests). */
struct table *table_new(struct view *v, struct loop *loop);
void table_free(struct table *t);
void table_changed(struct table *t);              /* rows were replaced */
void table_grew(struct table *t, size_t added);   /* rows were put in front */
bool table_is_busy(const struct table *t);        /* sorting, filtering, searching, marking */
bool table_is_ready(const struct table *t);       /* false: row numbers shown belong to rows that are gone; nothing may act */

size_t table_count(const struct table *t);        /* shown */
size_t table_row(const struct table *t, size_t index);
size_t table_cursor_row(const struct table *t);   /* ROW_NONE when empty */
void table_select_id(struct table *t, uint64_t id);

/* Moves, marks, sort, search-next: false = not a table's action. */
bool table_act(struct table *t, enum action a);
bool table_escape(struct table *t);               /* ends a range, then clears the filter; false: nothing to end */
void table_click(struct table *t, int y, int x, bool *open); /* screen place of the last drawing; open: it was selected already */
void table_wheel(struct table *t, int rows);

bool table_set_filter(struct table *t, const char *text, struct err *err);
const char *table_filter(const struct table *t);
void table_set_search(struct table *t, const char *text); /* moves to the first hit from the cursor on */
const char *table_search(const struct table *t);
bool table_sort(struct table *t, int col, bool descending); /* -1 = as the rows come */
int table_sorted_by(const struct table *t, bool *descending);
int table_find_column(const struct table *t, const char *name); /* -1 if none, unsortable counts */

size_t table_marked(const struct table *t);
void table_unmark(struct table *t);
size_t table_targets(struct table *t, size_t **rows);

/* Draws header and rows into lines y … y+height-1. */
void table_draw(struct table *t, int y, int height, int width);
/* "412", "412 · showing 38 · filter x", "2 marked" … */
void table_describe(const struct table *t, bool unread, struct buf *out);
bool table_describe_sort(const struct table *t, struct buf *out);
void table_row_text(const struct table *t, size_t row, struct buf *out); /* cells with tabs between, raw */
void table_print(struct table *t, struct buf *out, int width, size_t limit, bool ascii);

#endif
