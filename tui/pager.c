/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scrolling, spots and search of a page view. */
#include "tui/pager.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "tui/draw.h"
#include "tui/ui_private.h"

struct pager *pager_new(struct view *v)
{
	struct pager *p = xcalloc(1, sizeof(*p));

	p->view = v;
	p->spot = -1;
	p->search = xstrdup("");
	page_init(&p->page, v->ui != NULL ? ui_glyphs(v->ui) : NULL);
	return p;
}

void pager_free(struct pager *p)
{
	if (p == NULL)
		return;
	page_release(&p->page);
	free(p->search);
	free(p);
}

void pager_changed(struct pager *p)
{
	p->width = 0;
}

const struct page_spot *pager_spot(const struct pager *p)
{
	return p->spot >= 0 && (size_t)p->spot < p->page.spot_count ? &p->page.spots[p->spot] : NULL;
}

bool pager_at_top(const struct pager *p)
{
	return p->top == 0 && p->spot <= 0;
}

/* The spot the user was at, or the first one. */
static void find_spot(struct pager *p)
{
	int same_id = -1;

	for (size_t i = 0; p->want && i < p->page.spot_count; i++) {
		if (p->page.spots[i].id != p->want_id)
			continue;
		same_id = (int)i;
		if (p->page.spots[i].action == p->want_action)
			break;
	}
	if (same_id >= 0)
		p->spot = same_id;
	else if (p->spot >= (int)p->page.spot_count)
		p->spot = (int)p->page.spot_count - 1;
	else if (p->spot < 0 && p->page.spot_count > 0)
		p->spot = 0;
}

static void make(struct pager *p, int width)
{
	if (p->width == width)
		return;
	page_reset(&p->page);
	p->view->ops->page(p->view, &p->page, width);
	p->width = width;
	find_spot(p);
}

void pager_select_id(struct pager *p, uint64_t id)
{
	p->want = true;
	p->want_id = id;
	p->want_action = ACTION_NONE;
	find_spot(p);
	view_redraw(p->view);
}

/* --- moving --- */

static int last_top(const struct pager *p)
{
	int n = (int)p->page.line_count - p->height;

	return n > 0 ? n : 0;
}

static void scroll_to(struct pager *p, int top)
{
	int max = last_top(p);

	p->top = top < 0 ? 0 : top > max ? max : top;
}

static void show_line(struct pager *p, int line)
{
	if (line < p->top)
		p->top = line;
	else if (line >= p->top + p->height)
		p->top = line - p->height + 1;
}

static void take_spot(struct pager *p, int spot)
{
	p->spot = spot;
	p->want = true;
	p->want_id = p->page.spots[spot].id;
	p->want_action = p->page.spots[spot].action;
	show_line(p, p->page.spots[spot].line);
}

static bool in_sight(const struct pager *p, int line)
{
	return line >= p->top && line < p->top + p->height;
}

/* The next spot when it is near, else the text between is scrolled past first. */
static void go_down(struct pager *p)
{
	int next = p->spot + 1;

	if (p->page.spot_count > 0 && next < (int)p->page.spot_count && p->page.spots[next].line <= p->top + p->height)
		take_spot(p, next);
	else
		scroll_to(p, p->top + 1);
}

static void go_up(struct pager *p)
{
	int next = p->spot - 1;

	if (next >= 0 && p->page.spots[next].line >= p->top - 1)
		take_spot(p, next);
	else
		scroll_to(p, p->top - 1);
}

/* After a scroll the cursor is on a spot in sight, when there is one. */
static void follow_scroll(struct pager *p, bool down)
{
	const struct page_spot *s = pager_spot(p);
	int n = (int)p->page.spot_count;

	if (s == NULL || in_sight(p, s->line))
		return;
	for (int i = down ? 0 : n - 1; i >= 0 && i < n; i += down ? 1 : -1) {
		if (in_sight(p, p->page.spots[i].line)) {
			take_spot(p, i);
			return;
		}
	}
}

static void scroll_by(struct pager *p, int lines)
{
	scroll_to(p, p->top + lines);
	follow_scroll(p, lines > 0);
}

static bool line_has(const struct pager *p, size_t line, const char *text)
{
	const struct page_line *l = &p->page.lines[line];
	struct buf all = BUF_INIT;
	bool found;

	for (uint32_t i = 0; i < l->count; i++)
		buf_add(&all, p->page.text.data + p->page.spans[l->first + i].at, p->page.spans[l->first + i].len);
	found = text_find_fold(buf_str(&all), all.len, text, strlen(text)) != NULL;
	buf_release(&all);
	return found;
}

static void find(struct pager *p, int step, int from)
{
	int n = (int)p->page.line_count;

	if (n == 0 || p->search[0] == '\0')
		return;
	for (int i = 0; i < n; i++) {
		int line = ((from + step * i) % n + n) % n;

		if (line_has(p, (size_t)line, p->search)) {
			scroll_to(p, line);
			follow_scroll(p, true);
			return;
		}
	}
	if (p->view->ui != NULL)
		ui_message(p->view->ui, ROLE_WARN, "\"%s\" is not on this page", p->search);
}

void pager_set_search(struct pager *p, const char *text)
{
	char *copy = xstrdup(text);

	free(p->search);
	p->search = copy;
	find(p, 1, p->top);
	view_redraw(p->view);
}

bool pager_act(struct pager *p, enum action a)
{
	int page = p->height > 1 ? p->height - 1 : 1;
	int spots = (int)p->page.spot_count;

	switch ((int)a) {
	case ACTION_UP:
		go_up(p);
		break;
	case ACTION_DOWN:
		go_down(p);
		break;
	case ACTION_PAGE_UP:
		scroll_by(p, -page);
		break;
	case ACTION_PAGE_DOWN:
	case ACTION_MARK: /* Space, where there is nothing to mark */
		scroll_by(p, page);
		break;
	case ACTION_HALF_UP:
		scroll_by(p, -(page / 2 + 1));
		break;
	case ACTION_HALF_DOWN:
		scroll_by(p, page / 2 + 1);
		break;
	case ACTION_FIRST:
		p->top = 0;
		p->want = false;
		p->spot = spots > 0 ? 0 : -1;
		break;
	case ACTION_LAST:
		p->top = last_top(p);
		if (spots > 0)
			take_spot(p, spots - 1);
		p->top = last_top(p);
		break;
	case ACTION_LEFT:
		if (p->spot > 0)
			take_spot(p, p->spot - 1);
		break;
	case ACTION_RIGHT:
		if (p->spot + 1 < spots)
			take_spot(p, p->spot + 1);
		break;
	case ACTION_SEARCH_NEXT:
		find(p, 1, p->top + 1);
		break;
	case ACTION_SEARCH_PREV:
		find(p, -1, p->top - 1);
		break;
	default:
		return false;
	}
	view_redraw(p->view);
	return true;
}

bool pager_escape(struct pager *p)
{
	if (p->search[0] == '\0')
		return false;
	p->search[0] = '\0';
	view_redraw(p->view);
	return true;
}

void pager_click(struct pager *p, int y, int x, bool *open)
{
	int line = p->top + y - p->y;

	*open = false;
	for (size_t i = 0; i < p->page.spot_count; i++) {
		const struct page_spot *s = &p->page.spots[i];

		if (s->line == line && x >= s->col && x < s->col + s->width) {
			*open = p->spot == (int)i;
			take_spot(p, (int)i);
			view_redraw(p->view);
			return;
		}
	}
}

void pager_wheel(struct pager *p, int lines)
{
	scroll_by(p, lines);
	view_redraw(p->view);
}

/* --- drawing --- */

static void draw_line(const struct page *p, const struct page_line *l, int y, int x, int width)
{
	int end = x + width;

	for (uint32_t i = 0; i < l->count && x < end; i++) {
		const struct page_span *s = &p->spans[l->first + i];

		draw_text(y, x, end - x, s->role, p->text.data + s->at);
		x += s->width;
	}
}

void page_draw(const struct page *p, int from, int y, int height, int x, int width)
{
	for (int i = 0; i < height && from + i < (int)p->line_count; i++)
		draw_line(p, &p->lines[from + i], y + i, x, width);
}

static void show_matches(const struct pager *p, int line, int y)
{
	const struct page_line *l = &p->page.lines[line];
	int col = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		const struct page_span *s = &p->page.spans[l->first + i];
		const char *text = p->page.text.data + s->at;
		const char *at = text_find_fold(text, s->len, p->search, strlen(p->search));

		if (at != NULL) {
			char *before = xstrndup(text, (size_t)(at - text));

			draw_restyle(y, col + text_width(before), text_width(p->search), ROLE_MATCH);
			free(before);
		}
		col += s->width;
	}
}

void pager_draw(struct pager *p, int y, int height, int width)
{
	const struct page_spot *s;

	if (height <= 0 || width <= 0)
		return;
	make(p, width);
	p->y = y;
	p->height = height;
	scroll_to(p, p->top);
	page_draw(&p->page, p->top, y, height, 0, width);
	if (p->search[0] != '\0')
		for (int i = 0; i < height && p->top + i < (int)p->page.line_count; i++)
			show_matches(p, p->top + i, y + i);
	s = pager_spot(p);
	if (s != NULL && in_sight(p, s->line)) {
		draw_restyle(y + s->line - p->top, s->col, s->width, ROLE_SELECTED);
		draw_cursor(CURSOR_BODY, y + s->line - p->top, s->col);
	} else {
		draw_cursor(CURSOR_BODY, y, 0);
	}
}
