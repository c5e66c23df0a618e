/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terminal: taking it, giving it back in every way a process can end, its size, and raw sequences.
 * There is one per process, so its state is screen.c's own. Knows no view. */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct screen_options {
	bool headless;   /* no terminal: an xterm-256color that writes to /dev/null */
	int cols, rows;  /* headless size; 0 = COLUMNS and LINES, else 80x24 */
	bool mouse;
	bool no_colour;  /* not a single colour sequence */
};

bool screen_start(const struct screen_options *opt, struct err *err);
void screen_stop(void); /* gives the terminal back for good; harmless when not started */
bool screen_is_started(void);
void screen_resume(void);  /* takes it again; everything is drawn afresh */
void screen_stop_process(bool by_key); /* suspends, stops the process (by_key: its group, as a shell's ^Z), returns resumed */

void screen_size(int *cols, int *rows);
bool screen_follow_size(void);           /* asks the tty; true when it changed */
bool screen_resize(int cols, int rows);  /* at least 1x1; true when it changed */
void screen_redraw(void);                /* the next flush sends everything */
void screen_flush(void);                 /* the one doupdate; what the terminal does not take at once stays due */
bool screen_can_write(void);             /* sends what is due; false while the terminal has not taken all of it */
int screen_input_fd(void);               /* -1 when headless */
int screen_output_fd(void);
const char *screen_terminfo(const char *name); /* a string capability, NULL if absent */
int screen_colours(void);                /* 0 = none */
void screen_mouse(bool on);
void screen_write(const char *s, size_t len); /* a raw sequence, in one write, after what curses holds back */

/* Terminals are told of OSC 52 copies: what is sent for text, wrapped for tmux or screen by TERM and TMUX. False when it
 * is longer than terminals take. */
struct buf;
bool screen_clip_sequence(const char *text, size_t len, struct buf *out);

#endif
