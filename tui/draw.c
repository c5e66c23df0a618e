/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text and roles to curses cells. Roles are kept beside the cells so that a dump can tell them. */
#include "tui/draw.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <curses.h>

#include "core/mem.h"
#include "core/text.h"
#include "tui/screen.h"

#define PAIRS_MAX 256
#define DIRECT_COLOURS 65536 /* more than that: the terminal takes RGB numbers */

struct pair {
	int fg, bg;
};

/* Part of the terminal's state, like screen.c's. */
static struct {
	struct theme theme;
	struct style title, title_name; /* as the theme has them, for draw_tint */
	const struct glyphs *glyphs;
	int colours;
	struct pair pair[PAIRS_MAX];
	int pairs;
	enum role over;
	int rows, cols;
	uint8_t *role;  /* rows x cols */
	uint8_t *drawn; /* rows: 1 drawn in this frame, 2 kept */
	int cursor_y, cursor_x;
	enum cursor_rank cursor_rank;
} draw;

const struct glyphs *draw_glyphs(void)
{
	return draw.glyphs;
}

void draw_setup(const struct theme *theme, const struct glyphs *glyphs, int colours)
{
	draw.theme = *theme;
	draw.title = theme->role[ROLE_TITLE];
	draw.title_name = theme->role[ROLE_TITLE_NAME];
	draw.glyphs = glyphs;
	draw.colours = colours;
	draw.pairs = 1; /* pair 0 is the terminal's own */
	if (colours == 0)
		theme_strip_colours(&draw.theme);
}

/* --- styles --- */

static int pair_of(int fg, int bg)
{
	int n = draw.colours > DIRECT_COLOURS ? DIRECT_COLOURS + 1 : draw.colours;

	if (draw.colours == 0)
		return 0;
	fg = colour_reduce(fg, n);
	bg = colour_reduce(bg, n);
	if (fg < 0 && bg < 0)
		return 0;
	for (int i = 1; i < draw.pairs; i++)
		if (draw.pair[i].fg == fg && draw.pair[i].bg == bg)
			return i;
	if (draw.pairs >= PAIRS_MAX || draw.pairs >= COLOR_PAIRS ||
		init_extended_pair(draw.pairs, fg < 0 ? -1 : fg, bg < 0 ? -1 : bg) != OK)
		return 0;
	draw.pair[draw.pairs] = (struct pair){ fg, bg };
	return draw.pairs++;
}

/* Eight colours have no bright ones: bold stands in, and dim for grey, which would be black on black. */
static void without_bright(struct style *s)
{
	if (draw.colours >= 16 || draw.colours < 8)
		return;
	if (s->fg == 8) {
		s->fg = COLOUR_DEFAULT;
		s->attr |= STYLE_DIM;
	} else if (s->fg > 8 && s->fg < 16) {
		s->fg -= 8;
		s->attr |= STYLE_BOLD;
	}
	if (s->bg >= 8 && s->bg < 16)
		s->bg -= 8;
}

static attr_t attrs_of(unsigned style)
{
	attr_t a = A_NORMAL;

	if (style & STYLE_BOLD)
		a |= A_BOLD;
	if (style & STYLE_DIM)
		a |= A_DIM;
	if (style & STYLE_UNDERLINE)
		a |= A_UNDERLINE;
	if (style & STYLE_REVERSE)
		a |= A_REVERSE;
	if (style & STYLE_ITALIC)
		a |= A_ITALIC;
	return a;
}

static void style_of(enum role role, attr_t *attr, int *pair)
{
	struct style s = style_overlay(draw.theme.role[ROLE_NORMAL], draw.theme.role[role]);

	if (role != ROLE_NORMAL)
		s.attr = draw.theme.role[role].attr;
	if (draw.over != ROLE_NORMAL)
		s = style_overlay(s, draw.theme.role[draw.over]);
	without_bright(&s);
	*attr = attrs_of(s.attr);
	*pair = pair_of(s.fg, s.bg);
}

static int rgb_of(int colour)
{
	return colour_reduce(colour, DIRECT_COLOURS + 1);
}

void draw_tint(int colour)
{
	struct style *title = &draw.theme.role[ROLE_TITLE], *name = &draw.theme.role[ROLE_TITLE_NAME];
	int rgb;

	*title = draw.title;
	*name = draw.title_name;
	if (draw.colours == 0) {
		theme_strip_colours(&draw.theme);
		return;
	}
	if (colour < 0)
		return;
	rgb = rgb_of(colour);
	title->bg = name->bg = colour;
	/* black or white, whichever can be read on it */
	title->fg = name->fg = (rgb >> 16 & 0xff) * 3 + (rgb >> 8 & 0xff) * 6 + (rgb & 0xff) > 1400 ? 0 : 15;
}

void draw_over(enum role role)
{
	draw.over = role;
}

/* --- cells --- */

void draw_begin(void)
{
	int cols, rows;

	screen_size(&cols, &rows);
	if (cols != draw.cols || rows != draw.rows || draw.role == NULL) {
		draw.cols = cols;
		draw.rows = rows;
		draw.role = xreallocarray(draw.role, (size_t)cols, (size_t)rows);
		draw.drawn = xrealloc(draw.drawn, (size_t)rows);
		memset(draw.role, ROLE_NORMAL, (size_t)cols * (size_t)rows);
		werase(stdscr);
	}
	memset(draw.drawn, 0, (size_t)rows);
	draw.over = ROLE_NORMAL;
	draw.cursor_y = draw.cursor_x = 0;
	draw.cursor_rank = CURSOR_NONE;
}

/* The first thing on a line in a frame finds it blank, in the theme's normal colours. */
static void open_line(int y)
{
	attr_t attr;
	int pair;
	enum role over = draw.over;

	if (draw.drawn[y] == 1)
		return;
	draw.drawn[y] = 1;
	draw.over = ROLE_NORMAL;
	style_of(ROLE_NORMAL, &attr, &pair);
	draw.over = over;
	wattr_set(stdscr, attr, (short)pair, &pair);
	mvwhline(stdscr, y, 0, ' ', draw.cols);
	memset(draw.role + (size_t)y * (size_t)draw.cols, ROLE_NORMAL, (size_t)draw.cols);
}

void draw_end(void)
{
	for (int y = 0; y < draw.rows; y++)
		if (draw.drawn[y] == 0)
			open_line(y);
	if (draw.cursor_y >= draw.rows)
		draw.cursor_y = draw.rows - 1;
	if (draw.cursor_x >= draw.cols)
		draw.cursor_x = draw.cols - 1;
	wmove(stdscr, draw.cursor_y, draw.cursor_x);
}

void draw_keep(int y)
{
	if (y >= 0 && y < draw.rows && draw.drawn[y] == 0)
		draw.drawn[y] = 2;
}

void draw_cursor(enum cursor_rank rank, int y, int x)
{
	if (rank < draw.cursor_rank)
		return;
	draw.cursor_rank = rank;
	draw.cursor_y = y < 0 ? 0 : y;
	draw.cursor_x = x < 0 ? 0 : x;
}

static bool clip(int y, int *x, int *width)
{
	if (y < 0 || y >= draw.rows || *x >= draw.cols)
		return false;
	if (*x < 0) {
		*width += *x;
		*x = 0;
	}
	if (*width > draw.cols - *x)
		*width = draw.cols - *x;
	return *width > 0;
}

/* s is safe and at most as wide as the room; the last line's last cell is left to curses, which can fill it. */
static int put(int y, int x, enum role role, const char *s, size_t len, int width)
{
	attr_t attr;
	int pair;
	enum role shown = draw.over != ROLE_NORMAL ? draw.over : role;

	open_line(y);
	style_of(role, &attr, &pair);
	wattr_set(stdscr, attr, (short)pair, &pair);
	mvwaddnstr(stdscr, y, x, s, (int)len);
	if (role != ROLE_NORMAL || draw.over != ROLE_NORMAL)
		memset(draw.role + (size_t)y * (size_t)draw.cols + x, (int)shown, (size_t)width);
	return width;
}

static bool is_plain(const char *s, size_t *len)
{
	size_t n = 0;

	for (; s[n] != '\0'; n++)
		if ((unsigned char)s[n] < 0x20 || (unsigned char)s[n] > 0x7e)
			return false;
	*len = n;
	return true;
}

static unsigned text_flags(void)
{
	return draw.glyphs->ascii ? TEXT_ASCII : TEXT_LINE;
}

int draw_skip(int y, int x, int width, int skip, enum role role, const char *s)
{
	struct buf safe = BUF_INIT, fit = BUF_INIT;
	const char *from;
	size_t left;
	int used = 0, gap = 0;

	if (!clip(y, &x, &width))
		return 0;
	text_safe(&safe, s, strlen(s), text_flags());
	from = buf_str(&safe);
	left = safe.len;
	while (skip > 0 && left > 0) {
		uint32_t cp;
		int w;
		size_t n = (size_t)text_char(from, left, &cp, &w);

		from += n;
		left -= n;
		skip -= w;
		gap = skip < 0 ? -skip : 0; /* half of a wide character was cut off */
	}
	text_fit(&fit, from, width - gap, text_flags());
	used = text_width(buf_str(&fit));
	if (used > 0)
		put(y, x + gap, role, buf_str(&fit), fit.len, used);
	buf_release(&safe);
	buf_release(&fit);
	return used + gap;
}

int draw_text(int y, int x, int width, enum role role, const char *s)
{
	size_t len;

	if (!clip(y, &x, &width))
		return 0;
	if (is_plain(s, &len) && len <= (size_t)width)
		return len > 0 ? put(y, x, role, s, len, (int)len) : 0;
	return draw_skip(y, x, width, 0, role, s);
}

int draw_text_right(int y, int x, int width, enum role role, const char *s)
{
	struct buf safe = BUF_INIT;
	int w;

	text_safe(&safe, s, strlen(s), text_flags());
	w = text_width(buf_str(&safe));
	if (w < width) {
		x += width - w;
		width = w;
	}
	w = draw_text(y, x, width, role, buf_str(&safe));
	buf_release(&safe);
	return w;
}

int draw_width(const char *s, size_t len)
{
	struct buf safe = BUF_INIT;
	int w;

	text_safe(&safe, s, len, text_flags());
	w = text_width(buf_str(&safe));
	buf_release(&safe);
	return w;
}

void draw_fill(int y, int x, int width, enum role role, const char *glyph)
{
	struct buf line = BUF_INIT;

	if (!clip(y, &x, &width))
		return;
	for (int i = 0; i < width; i++)
		buf_adds(&line, glyph);
	put(y, x, role, buf_str(&line), line.len, width);
	buf_release(&line);
}

void draw_restyle(int y, int x, int width, enum role role)
{
	attr_t attr;
	int pair;

	if (!clip(y, &x, &width))
		return;
	style_of(role, &attr, &pair);
	mvwchgat(stdscr, y, x, width, attr, (short)pair, &pair);
	memset(draw.role + (size_t)y * (size_t)draw.cols + x, (int)role, (size_t)width);
}

/* --- dump --- */

static void dump_line(struct buf *out, int y)
{
	size_t begin = out->len, size = (size_t)draw.cols * 24 + 1;
	char *line = xmalloc(size);
	int n = mvwinnstr(curscr, y, 0, line, (int)size - 1);

	if (n > 0)
		buf_add(out, line, (size_t)n);
	free(line);
	while (out->len > begin && out->data[out->len - 1] == ' ')
		buf_truncate(out, out->len - 1);
	buf_addc(out, '\n');
}

/* "3: 0-12 title, 14-20 good" for each line that is not all normal */
static void dump_roles(struct buf *out, int y)
{
	const uint8_t *role = draw.role + (size_t)y * (size_t)draw.cols;
	bool any = false;

	for (int x = 0; x < draw.cols;) {
		int end = x;

		while (end + 1 < draw.cols && role[end + 1] == role[x])
			end++;
		if (role[x] != ROLE_NORMAL) {
			if (!any)
				buf_addf(out, "%2d:", y);
			buf_addf(out, "%s %d-%d %s", any ? "," : "", x, end, role_name(role[x]));
			any = true;
		}
		x = end + 1;
	}
	if (any)
		buf_addc(out, '\n');
}

void draw_dump(struct buf *out, bool roles)
{
	int y, x;

	getyx(curscr, y, x);
	for (int i = 0; i < draw.rows; i++)
		dump_line(out, i);
	wmove(curscr, y, x);
	if (!roles)
		return;
	buf_adds(out, "-- roles --\n");
	for (int i = 0; i < draw.rows; i++)
		dump_roles(out, i);
}
