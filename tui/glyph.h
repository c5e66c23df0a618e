/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The signs of the console, in a UTF-8 and an ASCII form. Colour never carries meaning alone: these do. */
#ifndef TUI_GLYPH_H
#define TUI_GLYPH_H

#include <stdbool.h>

struct glyphs {
	bool ascii;
	const char *hline, *vline;                /* rules */
	const char *good, *warn, *bad;            /* ✔ ! ✖ */
	const char *active, *expired, *unknown;   /* ● ○ ? */
	const char *sort_up, *sort_down;          /* ▲ ▼ */
	const char *mark, *cursor;                /* marked row, row under the cursor where there is no colour */
	const char *dash;                         /* "–": no value */
	const char *dot;                          /* "·": between parts of a line */
	const char *arrow;                        /* "→" */
	const char *enter;                        /* "⏎" */
	const char *ellipsis;                     /* "…" */
	const char *forever;                      /* for times without end */
	const char *bar[9];                       /* eighths, [0] empty … [8] full, growing to the right */
	const char *spark[9];                     /* eighths, growing upwards; [0] empty */
	const char *heat[5];                      /* ` · ░ ▒ ▓ █ ` */
};

const struct glyphs *glyphs_get(bool ascii);
bool glyphs_locale_is_utf8(void); /* nl_langinfo(CODESET), after setlocale */

#endif
