/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The only place that puts text on the screen. Everything drawn is sanitised here, cut to its width, and styled by role.
 * Lines not drawn in a frame are blank after it, unless kept. */
#ifndef TUI_DRAW_H
#define TUI_DRAW_H

#include <stdbool.h>

#include "core/buf.h"
#include "tui/glyph.h"
#include "tui/theme.h"

void draw_setup(const struct theme *theme, const struct glyphs *glyphs, int colours); /* after screen_start() */
void draw_tint(int colour); /* background of the title roles; COLOUR_DEFAULT = the theme's */
const struct glyphs *draw_glyphs(void);

void draw_begin(void); /* a frame */
void draw_end(void);

/* At most width columns of s from x on; what does not fit is cut with an ellipsis. Outside the screen nothing happens.
 * Returns the columns used. */
int draw_text(int y, int x, int width, enum role role, const char *s);
int draw_text_right(int y, int x, int width, enum role role, const char *s); /* flush right within width */
int draw_skip(int y, int x, int width, int skip, enum role role, const char *s); /* without its first `skip` columns */
int draw_width(const char *s, size_t len); /* columns that many bytes of s take when drawn */
void draw_fill(int y, int x, int width, enum role role, const char *glyph);
/* Draws what follows as if on this role (ROLE_SELECTED, ROLE_MARKED …); ROLE_NORMAL ends it. */
void draw_over(enum role role);
void draw_restyle(int y, int x, int width, enum role role); /* what is there already, in another role */
void draw_keep(int y);         /* this line stays as it was in the last frame */
/* Where the hardware cursor rests after the frame: screen readers follow it. The highest rank of a frame wins. */
enum cursor_rank { CURSOR_NONE, CURSOR_BODY, CURSOR_ALARM, CURSOR_MODAL };
void draw_cursor(enum cursor_rank rank, int y, int x);

/* Lines of text, trailing blanks cut; with roles a second part tells the role runs of each line. */
void draw_dump(struct buf *out, bool roles);

#endif
