/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Histories of input lines, one per kind, each in a file of mode 0600. Knows no readline. */
#ifndef TUI_HISTORY_H
#define TUI_HISTORY_H

#include <stddef.h>

struct histories;

struct histories *histories_new(const char *dir); /* NULL: kept in memory only */
void histories_free(struct histories *h);
char *const *histories_lines(struct histories *h, const char *kind, size_t *len); /* oldest first; borrowed until the next add */
void histories_add(struct histories *h, const char *kind, const char *line);      /* an older equal line goes; written at once */

#endif
