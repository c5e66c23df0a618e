/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The panel contract. A panel is one const struct view_ops in one file under views/: either a list (columns, count,
 * row_id, cell) that table.c draws, sorts, filters, searches, marks and scrolls, or a page (`page`) that pager.c shows.
 * A panel describes; it calls no curses and can be printed as text. */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/scope.h"
#include "tui/action.h"
#include "tui/page.h"
#include "tui/theme.h"

struct ui;
struct view;
struct table;
struct pager;
struct keymap;

#define ROW_NONE SIZE_MAX

enum view_flags {
	VIEW_POLL = 1,     /* refresh is called every ui_config.poll_ms while shown and not paused */
	VIEW_TAIL = 2,     /* rows arrive while one looks: follow and pause apply; row 0 is the newest */
	VIEW_NO_MARKS = 4, /* rows can't be marked */
	VIEW_KEEP = 8,     /* stays open (with its state) when its tab is left and the server is changed */
};

struct binding {
	const char *keys;   /* "u", "gg", "<C-r>", "<F1>"; NULL ends the table */
	enum action action;
	const char *label;  /* instead of the action's own in hint line and help; NULL = that */
	unsigned needs;     /* capability bits beyond the view's own; asked through ui_config.caps */
	int hint;           /* instead of the action's own rank in the hint line; 0 = that, -1 = never */
};

struct column {
	const char *name;    /* for `:sort name` and the rc file; NULL ends the table */
	const char *title;   /* "" for a column of signs */
	short min, max;      /* width in columns; grows from min to max with what it shows; max 0 = takes what is left */
	short priority;      /* 0 = always there; the highest number is dropped first on a narrow screen */
	bool right;          /* right-aligned */
	bool descending;     /* biggest first when first sorted by */
	bool unsortable;
	unsigned needs;      /* capability bits without which the column is absent */
};

/* Filled by cell(): either write into buf (text points there already), or set text to a string that stays as it is
 * until the rows change. Text may be raw: the table sanitises what it draws. */
struct cell {
	enum role role;
	const char *text;
	char buf[192];
};

/* For sorting: num, or text when not NULL (which must stay as it is until the rows change). */
struct sort_key {
	int64_t num;
	const char *text;
};

/* Filled by status(); everything starts empty. */
struct view_status {
	char title[160];  /* instead of ops->title: "Why 172.17.0.1" */
	char note[160];   /* after the counts: "by day" */
	char right[160];  /* flush right: "probed 12 s ago" */
	char empty[320];  /* shown instead of rows when there are none: "loading…", "no address is blocked", an error */
	enum role role;   /* of note and empty */
	bool stale;       /* rows are old: drawn as such */
	bool unread;      /* nothing was read yet: no rows is no count */
};

struct view_ops {
	const char *name;            /* tab, keymap, rc file, `:name` */
	const char *title;           /* on the tab */
	const char *brief;           /* on the tab where the bar is too narrow for the titles; NULL = title */
	const char *help;            /* a sentence or two on top of the help page */
	unsigned flags;              /* enum view_flags */
	unsigned needs;              /* capability bits; missing ones grey the tab and the reason is shown in its place */
	size_t state_size;           /* view->state, zeroed */
	const struct column *columns;   /* list only; ends with {0} */
	const struct binding *bindings; /* defaults; may be NULL; the parent keymap is "generic" */
	int sort;                    /* column + 1 sorted by at first, negative = descending, 0 = as the rows come */

	void (*open)(struct view *);    /* start fetching; must return at once */
	void (*refresh)(struct view *); /* fetch again; may be NULL */
	void (*close)(struct view *);   /* release what state points to; the scope is already cancelled */
	void (*shown)(struct view *, bool visible); /* came to the front or left it; may be NULL */

	/* A list */
	size_t (*count)(const struct view *);
	uint64_t (*row_id)(const struct view *, size_t row); /* the same thing has the same id after a refresh */
	void (*cell)(const struct view *, size_t row, int col, struct cell *out);
	enum role (*row_role)(const struct view *, size_t row); /* PENDING, CONFIRMED, MISMATCH, STALE, DIM or NORMAL; may be NULL */
	void (*sort_key)(const struct view *, size_t row, int col, struct sort_key *out); /* NULL: by the cell's text */
	/* The filter: compile `text` ("" = none) or say why not and keep the old one. NULL: words are looked for in the
	 * cells, all must be found, case does not matter. */
	bool (*filter_compile)(struct view *, const char *text, struct err *err);
	bool (*filter_match)(const struct view *, size_t row);
	/* Every row `now` matches was matched by `before`? Lets typing narrow the hits. NULL: when `before` begins `now` and no
	 * predicate character (: < > ! | " -) is in either. */
	bool (*filter_narrows)(const struct view *, const char *before, const char *now);
	/* Optional speed-up of filter_match for whole stretches: sets bit (row - from) of bits for each hit in [from, to);
	 * from is a multiple of 64 and bits are zero before. */
	void (*filter_range)(const struct view *, size_t from, size_t to, uint64_t *bits);

	/* A page (then the list slots are NULL). Called when dirty and on a change of width. */
	void (*page)(struct view *, struct page *out, int width);

	void (*status)(const struct view *, struct view_status *out); /* may be NULL */
	/* row is the row under the cursor, the id of the spot under it on a page, or ROW_NONE. False = not mine. May be NULL. */
	bool (*act)(struct view *, enum action, size_t row);
	void (*detail)(const struct view *, size_t row, struct page *out, int width); /* the details pane; may be NULL */
};

struct view {
	const struct view_ops *ops;
	struct ui *ui;          /* NULL when printed as text */
	void *app;              /* ui_config.app */
	struct scope scope;     /* calls and timers of this view; cancelled before close */
	struct keymap *keymap;
	struct table *table;    /* a list's; NULL on a page */
	struct pager *pager;    /* a page's; NULL on a list */
	void *state;
	char *arg;              /* what it was opened with ("172.17.0.1"); owned, "" if nothing */
	bool opened;            /* ops->open has run */
	bool visible, paused, following, dirty;
	int64_t fetched;        /* clock_mono() of the last refresh asked for */
	struct timer poll;
};

/* For verbs and tests: a view without a screen. ui_push() makes those with one. */
struct view *view_new(const struct view_ops *ops, struct ui *ui, void *app, const char *arg);
void view_open(struct view *v); /* once */
void view_free(struct view *v); /* cancels the scope, calls close */

/* What a panel calls when something came in: */
void view_changed(struct view *v); /* rows were replaced: sort, filter, selection and marks follow the row ids */
void view_grew(struct view *v, size_t added); /* rows were added in front (VIEW_TAIL) and none went away */
void view_redraw(struct view *v);  /* same rows, other text or roles */

/* What a panel asks: */
size_t view_selected(const struct view *v); /* row, spot id, or ROW_NONE */
void view_select_id(struct view *v, uint64_t id); /* also once it comes with a later view_changed() */
/* Marked rows, else the one under the cursor, in the order shown. Caller frees *rows (NULL when 0). */
size_t view_targets(const struct view *v, size_t **rows);
size_t view_marked(const struct view *v);
/* Rows in the order shown; view_shown_count() of them. */
size_t view_shown_count(const struct view *v);
size_t view_shown_row(const struct view *v, size_t index);
const char *view_filter(const struct view *v);
bool view_set_filter(struct view *v, const char *text, struct err *err);
bool view_sort_by(struct view *v, const char *column, bool descending, struct err *err);

/* Sets role and text of a cell. */
void cell_set(struct cell *c, enum role role, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void cell_ref(struct cell *c, enum role role, const char *text); /* borrowed, see struct cell */

/* Aligned text of a list, or the page, as the screen would show it; `limit` rows (0 = all). */
void view_print(struct view *v, struct buf *out, int width, size_t limit, bool ascii);

#endif
