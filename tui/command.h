/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `:` commands: rows of name, arguments, completion and what to do. The app brings its table; the toolkit adds its own
 * (sort, filter, bind, theme, mouse, dump, resize, wait …) and every action by its name. */
#ifndef TUI_COMMAND_H
#define TUI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "tui/prompt.h"
#include "tui/view.h"

struct command {
	const char *name;   /* NULL ends the table */
	const char *args;   /* "ADDR… [--reason TEXT]" */
	const char *help;
	unsigned flags;     /* enum action_flags */
	int min_args, max_args; /* max -1 = any */
	bool (*run)(struct ui *ui, struct view *v, int argc, char **argv, struct err *err); /* argv[0] is the name */
	/* Candidates for argument `index` (1 = first) beginning with prefix. May be NULL. */
	void (*complete)(struct ui *ui, struct view *v, int index, const char *prefix, struct completions *out);
};

#define COMMAND_ARGS_MAX 256

/* Splits a line at blanks; '…' and "…" quote, backslash escapes. Words are written to line in place. -1: unbalanced quote. */
int command_split(char *line, char **argv, int max);
/* Finds and runs one line; also what `:` does. */
bool command_run(struct ui *ui, const char *line, struct err *err);
void command_complete(struct ui *ui, const char *line, size_t start, size_t end, struct completions *out);
/* Every command with its arguments, for help and man page. */
void command_each(struct ui *ui, void (*fn)(void *arg, const struct command *), void *arg);

#endif
