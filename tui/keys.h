/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keymaps: key sequences to actions. A view's keymap has "generic" as parent; a sequence that begins in the child hides
 * what the parent makes of it. Users rebind through keymap_bind(). The help page and the hint line are made from here. */
#ifndef TUI_KEYS_H
#define TUI_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "tui/view.h"

#define KEYSEQ_MAX 4

struct keyseq {
	uint32_t keys[KEYSEQ_MAX];
	int len;
	enum action action;
	const char *label; /* NULL = the action's own; borrowed from the binding */
	unsigned needs;
	int hint;          /* resolved rank */
	bool user;         /* bound by the user */
};

struct keymap {
	const char *name;
	const struct keymap *parent;
	struct keyseq *seq;
	size_t len, cap;
};

struct keymaps; /* all of them, by name */

/* "generic" with the toolkit's defaults is always there. */
struct keymaps *keymaps_new(void);
void keymaps_free(struct keymaps *all);
struct keymap *keymaps_get(struct keymaps *all, const char *name); /* NULL if none */
/* Adds a child of "generic"; a second call with the same name gives the one there is. */
struct keymap *keymaps_add(struct keymaps *all, const char *name, const struct binding *bindings);
/* One user binding: "KEYMAP KEYS ACTION", e.g. "blocked <C-x> remove"; KEYMAP may be left out for generic; action "none"
 * takes the keys out of use. Later ones win. A keymap not added yet is kept for when it is. */
bool keymap_bind(struct keymaps *all, const char *text, struct err *err);

enum key_match { KEYS_NONE, KEYS_PREFIX, KEYS_EXACT, KEYS_EXACT_PREFIX /* complete, but could go on */ };
enum key_match keymap_lookup(const struct keymap *map, const uint32_t *keys, int len, const struct keyseq **out);
/* Keys of an action in this map or its parents, "/ \ F4"; shadowed ones left out. Returns how many. */
int keymap_keys_of(const struct keymap *map, enum action action, bool ascii, struct buf *out);
/* The live bindings, child first, shadowed ones left out, one callback each. */
void keymap_each(const struct keymap *map, void (*fn)(void *arg, const struct keymap *from, const struct keyseq *), void *arg);
char *keyseq_format(const struct keyseq *s, bool ascii, char *out, size_t size);
/* Groups with their keys and help, for the help view and the man page. */
void keymap_help(const struct keymap *map, const struct view_ops *ops, struct page *out, int width);
const struct binding *keys_generic(void); /* the default table, for the man page */

#endif
