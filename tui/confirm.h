/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The question before a change, in a pane at the bottom; the list above stays as it is. Modal, with a continuation.
 * Default is no; what is pasted or was typed before the question was on screen answers nothing. */
#ifndef TUI_CONFIRM_H
#define TUI_CONFIRM_H

#include <stdbool.h>
#include <stddef.h>

#include "core/scope.h"
#include "tui/page.h"

struct ui;

enum confirm_kind {
	CONFIRM_YES,    /* the answer that acts; only one: subject to type_count */
	CONFIRM_NO,     /* also Esc, q, Enter */
	CONFIRM_CHOICE, /* another answer: "e each" */
	CONFIRM_TOGGLE, /* flips its bit, the pane stays: "c also reset counters" */
};

struct confirm_option {
	char key;            /* 0 ends the table */
	const char *label;
	enum confirm_kind kind;
	bool on;             /* a toggle's first state */
};

struct confirm_spec {
	const char *question;                 /* "Un-block 2 addresses?" */
	const struct confirm_option *options; /* NULL = y yes, n no */
	struct page *body;                    /* before/after lines with roles; from malloc, taken; may be NULL */
	/* Rebuilds the body for this state of the toggles (bit = index of option); called once at first. Instead of body. */
	void (*describe)(void *arg, unsigned toggles, struct page *out, int width);
	size_t type_count;                    /* not 0: the yes answer asks for this number to be typed (more than 50 rows, `clear`) */
	void (*done)(void *arg, char key, unsigned toggles); /* key of the answer; 0 when refused or cancelled */
	struct scope *owner;                  /* when cancelled the pane goes away and nothing is called; may be NULL */
	void *arg;
};

void ui_confirm(struct ui *ui, const struct confirm_spec *spec);

#define CONFIRM_TYPE_ABOVE 50 /* rows above which the count must be typed */

#endif
