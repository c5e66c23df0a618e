/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Giving the terminal back when the process is about to die of a signal. Async-signal-safe from the handler on. */
#ifndef TUI_SCREEN_CRASH_H
#define TUI_SCREEN_CRASH_H

#include <termios.h>

/* After newterm(): remembers what to send and restore, and takes SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT. */
void screen_crash_arm(int in_fd, int out_fd, const struct termios *saved, const char *modes_off);
void screen_crash_disarm(void);

#endif
