/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A page: lines of spans, each with a role; parts of a line may be spots the cursor stops at, each with an action and
 * an id. Built without a terminal and printable as text; drawn by pager.c. Text is sanitised as it is added. */
#ifndef TUI_PAGE_H
#define TUI_PAGE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "tui/action.h"
#include "tui/glyph.h"
#include "tui/theme.h"

struct page_span {
	enum role role;
	uint32_t at, len; /* bytes of page.text */
	int width;        /* columns */
};

struct page_spot {
	int line;         /* line number */
	int col, width;   /* columns */
	enum action action;
	uint64_t id;      /* given to act() as its row; also how the cursor finds the spot again after a refresh */
};

struct page_line {
	uint32_t first, count; /* spans */
	int width;
};

struct page {
	const struct glyphs *glyphs; /* what to draw with; never NULL */
	struct buf text;
	struct page_span *spans;
	struct page_line *lines;
	struct page_spot *spots;     /* by line, then column */
	size_t span_count, span_cap, line_count, line_cap, spot_count, spot_cap;
	int spot_col;                /* start of the open spot, -1 = none */
};

void page_init(struct page *p, const struct glyphs *g); /* g NULL = UTF-8 */
void page_release(struct page *p);
void page_reset(struct page *p);

void page_line(struct page *p);                                              /* begins a new line */
void page_add(struct page *p, enum role role, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void page_adds(struct page *p, enum role role, const char *s);               /* outside text as it is: no format */
void page_addw(struct page *p, enum role role, int width, const char *s);    /* exactly width columns: cut or padded */
void page_addr(struct page *p, enum role role, int width, const char *s);    /* the same, right-aligned */
void page_to(struct page *p, int col);                                       /* pads the line with blanks to this column */
int page_col(const struct page *p);                                          /* width of the last line so far */
/* The text added between the two is a spot. */
void page_spot_begin(struct page *p);
void page_spot_end(struct page *p, enum action action, uint64_t id);

/* Whole lines */
void page_blank(struct page *p);
void page_heading(struct page *p, int width, const char *left, const char *right); /* right may be NULL: flush right */
void page_text(struct page *p, enum role role, int indent, int width, const char *s); /* word-wrapped; LF starts a line */
void page_pair(struct page *p, int label_width, const char *label, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* "auth  ████████▌   231": label, bar of bar_width columns, grouped number */
void page_bar(struct page *p, int label_width, const char *label, enum role role, uint64_t value, uint64_t max, int bar_width);
void page_spark(struct page *p, enum role role, const uint64_t *v, size_t n); /* added to the last line, one column each */

/* Layout: appends left and right beside each other, the right one beginning at left_width + gap; spots move along.
 * Lines of left wider than left_width are cut. The two stay the caller's. */
void page_columns(struct page *p, const struct page *left, int left_width, int gap, const struct page *right);
void page_append(struct page *p, const struct page *other, int indent);      /* below one another */
void page_to_text(const struct page *p, struct buf *out);                    /* plain lines, trailing blanks cut */

#endif
