/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Roles say what a piece of text means; a theme says how that looks. The only place where colours exist.
 * A theme file has lines `role fg bg attrs`, `#` starts a comment. Knows no curses. */
#ifndef TUI_THEME_H
#define TUI_THEME_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

/* _(ID, name in theme files and dumps, what it is for) */
#define ROLE_INFO(_)                                                                               \
	_(NORMAL, "normal", "plain text")                                                          \
	_(DIM, "dim", "less important, not in force")                                              \
	_(STRONG, "strong", "more important")                                                      \
	_(TITLE, "title", "the title line")                                                        \
	_(TITLE_NAME, "title-name", "the program's name in the title line")                        \
	_(TAB, "tab", "a tab")                                                                     \
	_(TAB_ACTIVE, "tab-active", "the tab shown")                                               \
	_(TAB_OFF, "tab-off", "a tab this server can't fill")                                      \
	_(BADGE, "badge", "a count on a tab")                                                      \
	_(RULE, "rule", "lines between areas")                                                     \
	_(HEADER, "header", "column titles and section headings")                                  \
	_(HEADER_SORTED, "header-sorted", "title of the column sorted by")                         \
	_(LABEL, "label", "the name before a value")                                               \
	_(VALUE, "value", "a value worth finding")                                                 \
	_(LINK, "link", "something Enter goes to")                                                 \
	_(SELECTED, "selected", "the row under the cursor; `-` keeps the row's own colour")        \
	_(MARKED, "marked", "a marked row")                                                        \
	_(MATCH, "match", "text a search found")                                                   \
	_(BAD, "bad", "acts against you now")                                                      \
	_(WARN, "warn", "will act against you")                                                    \
	_(GOOD, "good", "proven good")                                                             \
	_(STALE, "stale", "old data, shown with its age")                                          \
	_(PENDING, "pending", "a row with a change on its way")                                    \
	_(CONFIRMED, "confirmed", "a row whose change is proven")                                  \
	_(MISMATCH, "mismatch", "a row whose change came out differently")                         \
	_(ALARM_BAD, "alarm-bad", "alarm line: acts against you now")                              \
	_(ALARM_WARN, "alarm-warn", "alarm line: will act against you")                            \
	_(KEY, "key", "a key in the hint line")                                                    \
	_(HINT, "hint", "what a key does")                                                         \
	_(PROMPT, "prompt", "the question before an input line")                                   \
	_(INPUT, "input", "an input line")                                                         \
	_(ERROR, "error", "why an input was refused")                                              \
	_(PANE, "pane", "the question of a bottom pane")                                           \
	_(BAR, "bar", "bars and sparklines")                                                       \
	_(BAR_REST, "bar-rest", "the empty part of a bar")                                         \
	_(CLASS_AUTH, "class-auth", "ban class auth")                                              \
	_(CLASS_ABUSE, "class-abuse", "ban class abuse")                                           \
	_(CLASS_LOITER, "class-loiter", "ban class loiter")                                        \
	_(CLASS_SCAN, "class-scan", "ban class scan")                                              \
	_(CLASS_MANUAL, "class-manual", "blocked by hand")                                         \
	_(HEAT_0, "heat-0", "heat map: none")                                                      \
	_(HEAT_1, "heat-1", "heat map: few")                                                       \
	_(HEAT_2, "heat-2", "heat map: some")                                                      \
	_(HEAT_3, "heat-3", "heat map: many")                                                      \
	_(HEAT_4, "heat-4", "heat map: most")

enum role {
#define ROLE_ENUM(id, name, help) ROLE_##id,
	ROLE_INFO(ROLE_ENUM)
#undef ROLE_ENUM
	ROLE_COUNT
};

/* A colour: 0–255 of the terminal's palette, COLOUR_RGB | 0xRRGGBB, or one of these. */
#define COLOUR_DEFAULT (-1) /* the terminal's own */
#define COLOUR_KEEP (-2)    /* what is underneath: overlays such as `selected` */
#define COLOUR_RGB 0x1000000

enum style_attr { STYLE_BOLD = 1, STYLE_DIM = 2, STYLE_UNDERLINE = 4, STYLE_REVERSE = 8, STYLE_ITALIC = 16 };

struct style {
	int fg, bg;
	unsigned attr;
};

struct theme {
	char name[32];
	struct style role[ROLE_COUNT];
};

const char *role_name(enum role r);
bool role_parse(const char *name, enum role *out);
/* "default", "-", "red", "bright-red", "0"–"255", "#rrggbb" */
bool colour_parse(const char *s, int *out);
/* Nearest colour a terminal with n colours (8, 16, 256) has; n < 8 gives COLOUR_DEFAULT, n > 65536 an RGB number. */
int colour_reduce(int colour, int n);

void theme_default(struct theme *t); /* the compiled-in one */
/* Starts from the default theme; unknown roles, colours and attributes are errors that name the line. */
bool theme_parse(struct theme *t, const char *name, const char *text, size_t len, struct err *err);
/* `name` is looked for as dirs[i]/name.theme, dirs ends with NULL; "default" is found without a file. */
bool theme_load(struct theme *t, const char *name, const char *const dirs[], struct err *err);
/* Overlay on base: COLOUR_KEEP keeps base's colour, attributes add up. */
struct style style_overlay(struct style base, struct style top);
void theme_strip_colours(struct theme *t); /* NO_COLOR: meaning stays in attributes and signs */

#endif
