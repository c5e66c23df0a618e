/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console: tabs and their stacks of views, focus, dispatch, alarms, panes, one render per turn of the loop.
 * Knows no server: what it must ask, it asks through the hooks of struct ui_config. */
#ifndef TUI_UI_H
#define TUI_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/loop.h"
#include "tui/command.h"
#include "tui/confirm.h"
#include "tui/glyph.h"
#include "tui/keys.h"
#include "tui/prompt.h"
#include "tui/view.h"

enum colour_mode { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/* Filled by ui_config.title at each render; everything starts empty. */
struct ui_title {
	char name[48];     /* profile: "mail1"; shown even on the narrowest screen */
	char server[160];  /* "mail.example.org · 0.15 settings API"; dropped when narrow */
	char badges[80];   /* "READ-ONLY", "INSECURE": always shown, in ROLE_BAD */
	char state[80];    /* "live, 2 s ago", "stale 41 s, retry in 8 s" */
	char state_short[24]; /* the same for narrow screens: "live 2s" */
	enum role role;    /* of state: ROLE_GOOD, ROLE_STALE, ROLE_BAD; the sign follows it */
	int colour;        /* of the bar: colour_parse()'s, COLOUR_DEFAULT = the theme's */
	int64_t next_ms;   /* the text will change by itself in so many ms; 0 = no */
};

struct ui_config {
	void *app;                         /* view->app, first argument of the hooks */
	const struct view_ops *const *tabs; /* ends with NULL; the first nine have a number key */
	const struct command *commands;    /* may be NULL */
	const char *product;               /* "stalwarden" */
	const char *state_dir;             /* prompt histories; NULL = not kept */
	const char *const *theme_dirs;     /* ends with NULL; may be NULL */
	const char *theme;                 /* name; NULL = "default" */
	enum colour_mode colour;           /* COLOUR_AUTO obeys NO_COLOR and the terminal */
	bool ascii;                        /* forced; else by locale */
	bool mouse, no_hints, no_clipboard;
	int64_t poll_ms;                   /* VIEW_POLL interval; 0 = never */
	const char *const *bindings;       /* user's keymap_bind() texts, ends with NULL; may be NULL */

	/* Hooks; each may be NULL. */
	void (*title)(void *app, struct ui_title *out);
	unsigned (*caps)(void *app);       /* capability bits there are; NULL = all */
	/* Why are these bits missing / may this action not run now? One sentence each. permits is asked for ACT_WRITE actions. */
	void (*caps_reason)(void *app, unsigned missing, char *out, size_t size);
	bool (*permits)(void *app, struct view *v, enum action a, char *why, size_t size);
	bool (*act)(void *app, struct view *v, enum action a, size_t row); /* what neither view nor toolkit took */
	bool (*idle)(void *app);           /* no call in flight and no timer of interest: the script may go on */
	bool (*interrupt)(void *app);      /* Ctrl-C: cancel what runs; false = nothing was running */
	/* Leave? false keeps the console (say why with ui_message). `forced` on SIGTERM/SIGHUP: tidy up, the answer is ignored. */
	bool (*quit)(void *app, bool forced);
};

/* Terminal, keys, tabs, script. False with err when there is no usable terminal (no tty, TERM unset or dumb) and no
 * STALWARDEN_SCRIPT: print it and exit 2. setlocale(LC_ALL, "") must have been called. */
struct ui *ui_new(struct loop *loop, const struct ui_config *config, struct err *err);
void ui_free(struct ui *ui); /* closes views, restores the terminal */
void ui_quit(struct ui *ui, int status); /* stops the loop; restores nothing yet */
int ui_status(const struct ui *ui);      /* what to exit with */

struct loop *ui_loop(struct ui *ui);
void *ui_app(struct ui *ui);
const struct glyphs *ui_glyphs(const struct ui *ui);
struct keymaps *ui_keymaps(struct ui *ui);

/* Views */
struct view *ui_view(struct ui *ui);                                  /* the one shown */
struct view *ui_push(struct ui *ui, const struct view_ops *ops, const char *arg); /* on top; pushing what is on top with the same arg gives that */
void ui_pop(struct ui *ui);                                           /* closes the top; not a tab's root */
struct view *ui_go(struct ui *ui, const struct view_ops *tab);        /* to a tab, closing what lies on it */
void ui_help(struct ui *ui);
void ui_reopen(struct ui *ui);        /* another server: closes every view but VIEW_KEEP ones, opens the shown tab afresh */
void ui_caps_changed(struct ui *ui);  /* ask again */
void ui_act(struct ui *ui, enum action a, size_t row); /* as if its key had been pressed; row ROW_NONE = the one under the cursor */
void ui_dirty(struct ui *ui);         /* the title or something of the app's changed */

/* text "" or NULL takes the badge away. ROLE_BAD adds a '!'. */
void ui_set_badge(struct ui *ui, const struct view_ops *tab, const char *text, enum role role);

/* Alarms, on top of every panel until removed. key identifies one; setting it again replaces its text. Those with ROLE_BAD
 * come first. cure is what Enter on the line, a click, or `!` (the topmost) calls; label names it in the line. */
void ui_set_alarm(struct ui *ui, const char *key, enum role role, const char *text, const char *label,
	void (*cure)(void *arg), void *arg);
void ui_clear_alarm(struct ui *ui, const char *key);
void ui_raise_alarm(struct ui *ui, const char *key); /* before all others: none of them can be cured until it is */

/* The line above the hints. A message goes with the next key; a verdict stays until the next one or Esc. */
void ui_message(struct ui *ui, enum role role, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* One line per outcome; details (may be NULL) open on the key of ACTION_OUTCOME. Both come from malloc and are taken. */
void ui_verdict(struct ui *ui, struct page *lines, struct page *details);
void ui_clear_verdict(struct ui *ui);

/* Progress pane: Esc or Ctrl-C calls cancel once. total 0 = unknown. label NULL ends it. Drawn at most ten times a second. */
void ui_progress(struct ui *ui, const char *label, uint64_t done, uint64_t total, void (*cancel)(void *arg), void *arg);

/* Clipboard by OSC 52. False: switched off, headless, or longer than terminals take (74,994 bytes encoded). */
bool ui_copy(struct ui *ui, const char *text, size_t len);
/* Screen as text, with role runs after it when asked. */
void ui_dump(struct ui *ui, struct buf *out, bool roles);

#endif
