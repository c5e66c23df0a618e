/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the toolkit share about struct ui. Panels never include this. */
#ifndef TUI_UI_PRIVATE_H
#define TUI_UI_PRIVATE_H

#include "tui/input.h"
#include "tui/ui.h"

#define UI_MIN_COLS 40
#define UI_MIN_ROWS 10
#define UI_TALL 16 /* rows from which there are tabs, rules and headings */
#define UI_WIDE 60 /* columns from which the title is whole and tabs have a line */

struct prompt;
struct confirm;
struct script;
struct histories;

struct ui_tab {
	const struct view_ops *ops;
	struct view **stack; /* [0] is the tab's own view; empty until first shown */
	size_t len, cap;
	char badge[24];
	enum role badge_role;
	int x, width;        /* place on the tab line in the last frame */
};

struct ui_alarm {
	char *key, *text, *label;
	enum role role;
	void (*cure)(void *arg);
	void *arg;
};

struct ui_progress {
	char *label;          /* NULL = none */
	uint64_t done, total;
	int64_t since, drawn; /* clock_mono() */
	void (*cancel)(void *arg);
	void *arg;
	bool cancelled;
	struct timer timer;
};

/* An open filter or search line. */
struct ui_find {
	struct view *view;
	char *before; /* what there was, for Esc */
	bool search;
};

struct ui {
	struct loop *loop;
	struct ui_config config;
	struct keymaps *keymaps;
	struct histories *histories;
	struct input *input;
	struct script *script; /* NULL when keys come from the terminal only */
	struct theme theme;
	const struct glyphs *glyphs;
	bool headless, dirty, hung_up;
	int status;

	struct ui_tab *tabs;
	size_t tab_count, tab, last_tab;

	uint32_t pending[KEYSEQ_MAX]; /* keys of a sequence that is not complete */
	int pending_len;
	struct timer pending_timer;

	struct ui_alarm *alarms;
	size_t alarm_count, alarm_cap;
	int alarm_focus;              /* index, -1 = the cursor is in the view */
	int alarms_y, alarms_shown;

	char *message;                /* NULL = none; goes with the next key */
	enum role message_role;
	struct page verdict, verdict_details;
	bool verdict_open;            /* details shown */
	bool details_open;            /* of the row */
	struct prompt *prompt;
	struct confirm *confirm;
	struct ui_progress progress;
	struct ui_find find;
	int64_t interrupted;          /* clock_mono() of the last Ctrl-C */

	struct timer tick, resize, more_keys;
	int tabs_y, body_y, body_height; /* of the last frame */
};

/* ui.c */
unsigned ui_caps(struct ui *ui);
void ui_hangup(struct ui *ui);
bool ui_is_idle(struct ui *ui);
bool ui_load_theme(struct ui *ui, const char *name, struct err *err);

/* ui_views.c */
void ui_tabs_init(struct ui *ui);
void ui_tabs_free(struct ui *ui);
void ui_show_tab(struct ui *ui, size_t tab);
void ui_view_shown(struct view *v, bool visible);
void ui_refresh_view(struct view *v);
unsigned ui_missing(struct ui *ui, const struct view_ops *ops); /* capability bits the view lacks */
void ui_reason(struct ui *ui, unsigned missing, char *out, size_t size);
bool view_is_busy(const struct view *v);

/* ui_keys.c */
void ui_take_keys(struct ui *ui);
void ui_flush_pending(struct ui *ui); /* a complete sequence that could have gone on is taken as it is */

/* ui_act.c */
void ui_run(struct ui *ui, enum action a, unsigned needs, size_t row);
bool ui_may(struct ui *ui, struct view *v, enum action a, unsigned needs, size_t row, char *why, size_t size);
/* ui_find.c */
void ui_filter_prompt(struct ui *ui, struct view *v, bool search);
void ui_sort_menu(struct ui *ui, struct view *v);

/* ui_draw.c, ui_chrome.c, ui_hints.c, ui_pane.c */
void ui_draw(struct ui *ui);
void ui_draw_title(struct ui *ui, int y, int width, bool compact);
void ui_draw_tabs(struct ui *ui, int y, int width);
void ui_draw_heading(struct ui *ui, int y, int width);
void ui_draw_rule(int y, int width);
int ui_draw_alarms(struct ui *ui, int y, int lines, int width);
void ui_draw_hints(struct ui *ui, int y, int width);
int ui_message_lines(struct ui *ui, int width, int max); /* 0 = there is no message */
void ui_draw_message(struct ui *ui, int y, int height, int width);
bool ui_outcome_fits(const struct ui *ui); /* the verdict with its details leaves something of the list */
int ui_pane_height(struct ui *ui, int width, int max);
void ui_draw_pane(struct ui *ui, int y, int height, int width);

/* prompt.c */
void prompt_key(struct ui *ui, struct key *key);
void prompt_cancel(struct ui *ui);            /* calls done(NULL) */
int prompt_note_lines(struct ui *ui);         /* above the line: error, hint, candidates */
void prompt_draw(struct ui *ui, int notes_y, int y, int width);

/* confirm.c */
void confirm_key(struct ui *ui, const struct key *key);
void confirm_cancel(struct ui *ui);
const char *confirm_hint(const struct ui *ui); /* what Enter and Esc do */
bool confirm_acts(struct ui *ui); /* it has a yes: what was typed ahead answers nothing. A menu has none */
int confirm_height(struct ui *ui, int width, int max);
void confirm_draw(struct ui *ui, int y, int height, int width);

/* help.c, outcome.c */
extern const struct view_ops help_view, outcome_view;

/* table.c, view.c */
int64_t ui_now_us(void); /* monotonic: for budgets below a millisecond */
unsigned view_caps(const struct view *v);
void view_status_of(const struct view *v, struct view_status *out);

#endif
