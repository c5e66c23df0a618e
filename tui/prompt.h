/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The input line at the bottom: readline editing fed from the key queue. Modal, with a continuation; never waits. */
#ifndef TUI_PROMPT_H
#define TUI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/scope.h"

struct ui;
struct completions;

void completions_add(struct completions *c, const char *text); /* copied; those not beginning with the word are dropped */

struct prompt_spec {
	const char *label;    /* "Block: " */
	const char *initial;  /* text to begin with; may be NULL */
	const char *hint;     /* one dim line under it: the syntax; may be NULL */
	const char *history;  /* which history ("command", "filter", "address" …); NULL = none. Kept in ui_config.state_dir, 0600 */
	bool secret;          /* no echo, no history, wiped */
	bool empty_ok;        /* Enter on an empty line is an answer, not a cancel */
	/* On Enter: false keeps the line open with the text as it is and shows err under it. May be NULL. */
	bool (*check)(void *arg, const char *text, struct err *err);
	/* After each edit; an error is shown under the line. May be NULL. */
	void (*changed)(void *arg, const char *text, struct err *err);
	/* Candidates for the word [start, end) of line. May be NULL. */
	void (*complete)(void *arg, const char *line, size_t start, size_t end, struct completions *out);
	/* The answer, or NULL when cancelled. The line is closed by then: another prompt may be opened. */
	void (*done)(void *arg, const char *text);
	struct scope *owner;  /* when cancelled the line goes away and nothing is called; may be NULL */
	void *arg;
};

/* Opens the line; everything in spec is copied except arg. One that is open is cancelled first. */
void ui_prompt(struct ui *ui, const struct prompt_spec *spec);

#endif
