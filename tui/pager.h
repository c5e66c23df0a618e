/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page widget: scrolls a view's page, moves the cursor over its spots, searches its lines. */
#ifndef TUI_PAGER_H
#define TUI_PAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/page.h"
#include "tui/view.h"

struct pager {
	struct view *view;
	struct page page;
	int width;         /* the page was made for; 0 = to be made */
	int top, height;   /* first line shown; lines of the last frame */
	int y;             /* of the last frame */
	int spot;          /* index, -1 = none */
	uint64_t want_id;  /* the spot the user went to */
	enum action want_action;
	bool want;
	char *search;
};

struct pager *pager_new(struct view *v);
void pager_free(struct pager *p);
void pager_changed(struct pager *p);  /* make it afresh */
const struct page_spot *pager_spot(const struct pager *p); /* NULL if none */
void pager_select_id(struct pager *p, uint64_t id);
bool pager_act(struct pager *p, enum action a);
bool pager_escape(struct pager *p);
void pager_set_search(struct pager *p, const char *text);
void pager_click(struct pager *p, int y, int x, bool *open);
void pager_wheel(struct pager *p, int lines);
void pager_draw(struct pager *p, int y, int height, int width);
bool pager_at_top(const struct pager *p);

/* Lines from..from+height-1 of any page, drawn at y. */
void page_draw(const struct page *p, int from, int y, int height, int x, int width);

#endif
