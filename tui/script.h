/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys from a file instead of a person: for screen tests and demos. A line is keys ("jj<Enter>"), or a directive:
 *   :dump FILE [roles]   :resize COLSxROWS   any other command, run as it is
 *   :wait [TEXT]         until nothing is on its way, and until TEXT is on the screen (at most 30 s)
 *   :paste TEXT          a bracketed paste; \n is a line end
 *   :pace MS             between keys from here on
 *   # comment
 * The next key is read only when the console is idle. At the end a headless console quits; on a terminal keys go on. */
#ifndef TUI_SCRIPT_H
#define TUI_SCRIPT_H

#include <stdbool.h>

#include "core/err.h"

struct ui;
struct script;

struct script *script_open(struct ui *ui, const char *path, struct err *err);
void script_close(struct script *s);
void script_step(struct script *s); /* before each wait; may close itself */
bool script_on_terminal(void);      /* stdin and stdout are one: it is shown there */

#endif
