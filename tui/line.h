/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line edited by readline, fed key by key. readline has one line at a time and keeps it in globals, so does this.
 * Knows neither screen nor console. */
#ifndef TUI_LINE_H
#define TUI_LINE_H

#include <stddef.h>

#include "tui/key.h"

enum line_result { LINE_EDIT, LINE_ACCEPT, LINE_CANCEL };

/* history: oldest first, borrowed until line_close(); may be NULL. */
void line_open(const char *initial, char *const *history, size_t history_len);
void line_close(void);
enum line_result line_key(uint32_t code);
void line_insert(const char *text); /* at the cursor; control characters become blanks */
void line_replace(size_t start, size_t end, const char *text); /* bytes [start, end); the cursor goes behind it */
const char *line_text(void);
size_t line_point(void);          /* byte the cursor is at */
const char *line_search_label(void); /* readline's own, while searching the history; else NULL */

#endif
