/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes to the terminal: curses writes into memory, a frame leaves in one write, and a terminal that takes nothing
 * (a stalled link, a stopped emulator) never holds the loop up. Knows no curses. */
#ifndef TUI_SCREEN_OUT_H
#define TUI_SCREEN_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/err.h"

/* tty_fd -1: everything is thrown away (headless). Gives the stream curses is to write to. */
FILE *screen_out_open(int tty_fd, struct err *err);
void screen_out_close(void);
void screen_out_collect(void);                    /* what curses has written since becomes due */
void screen_out_add(const char *s, size_t len);   /* a sequence of our own */
bool screen_out_drain(void);                      /* sends what the terminal takes; true when nothing is left */
void screen_out_finish(int wait_ms);              /* sends the rest, or gives up after so long */
int screen_out_fd(void);                          /* to wait on; -1 when headless */

#endif
