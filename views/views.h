/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to views/: the table of panels, what they share, and the road of a change. Adding a panel is its file and a row here:
 * tab, keys, help page and man-page row follow. */
#ifndef VIEWS_VIEWS_H
#define VIEWS_VIEWS_H

#include "app/app.h"
#include "app/plan.h"
#include "store/history.h"
#include "tui/ui.h"
#include "tui/view.h"

/* Tabs, in order; the first nine have number keys. */
#define VIEW_INFO(_)                                                                               \
	_(overview)                                                                                \
	_(thresholds)                                                                              \
	_(blocked)                                                                                 \
	_(allowed)                                                                                 \
	_(log)                                                                                     \
	_(history)                                                                                 \
	_(certs)                                                                                   \
	_(servers)                                                                                 \
	_(journal)
#define VIEW_EXTERN(id) extern const struct view_ops view_##id;
VIEW_INFO(VIEW_EXTERN)
#undef VIEW_EXTERN
extern const struct view_ops view_why;      /* arg: an address or network */
extern const struct view_ops view_groups;   /* history grouped: arg address, range, reason or account, then "/PREFIX" */
const char *history_grouping(enum action a); /* what that action groups by, "" = it is about something else */
extern const struct view_ops view_ranges;   /* networks worth one rule: arg "", "N" bans at least, "/P" widest prefix */
extern const struct view_ops view_bans;     /* single bans: arg an address, a network, a day, a class or "@account" */
extern const struct view_ops view_requests; /* the last requests sent */

/* Columns that are there only with a MaxMind database: beside the CAP bits, from the top. */
#define VIEW_HAS_COUNTRY (1u << 30)
#define VIEW_HAS_AS (1u << 31)
_Static_assert(CAP_BIT_COUNT <= 30, "capability bits leave room for these");

/* What view->app points to. */
struct console {
	struct app *app;
	struct ui *ui;
	struct observer observer;
	struct timer clock;             /* the title's age, stale marks */
	unsigned alarm_generation;
	char alarm_keys[16][96];        /* what is shown, to take away what is gone */
	size_t alarm_count;
	struct alarm_cure_arg *cures;
	struct app_run *run;            /* the change that runs, NULL = none */
	struct flow *looking;           /* about to be sent: what the guards look at is fetched once more (flow_guard.c) */
	const char *run_label;
	struct net cured;               /* by the change that runs: the lasting cure follows */
	bool watches_next;              /* the change asked for is watched afterwards */
	bool asked_secret, leaving;
	struct timer sweeping;          /* until the next entry expires (sweep.c) */
	int64_t sweep_after;            /* clock_mono() before which it is not tried again */
	enum list_kind sweep_list;
	char swept_text[240];
	int64_t swept_said;             /* clock_mono() */
	int64_t swept[LIST_COUNT];      /* clock_now(): a list that was read before says nothing new */
	char user[256];
	char server_versions[48];       /* of the server that was found last; "" = none yet */
	bool asked_rights;              /* of the connection there is */
	enum session_state state_was;   /* when login.c looked last */
	unsigned lost;                  /* times in a row that no answer came */
};

static inline struct console *console_of(const struct view *v)
{
	return v->app;
}
static inline struct app *app_of(const struct view *v)
{
	return console_of(v)->app;
}

/* ---- the road of a change (flow*.c): preview and question, run, verdict. Takes p; p NULL shows err. ---- */
void flow_plan(struct console *c, struct plan *p, const struct err *err);
bool flow_stop(struct console *c); /* what is about to be sent is not; false = there is nothing */
void flow_watch(struct console *c); /* what the log says about the last change; while that is going on: ends it */
/* Prompts whose answer becomes a plan. initial may be NULL. */
void flow_block(struct console *c, const char *initial);
void flow_replace(struct console *c, const char *network); /* block it in place of the entries inside */
void flow_allow(struct console *c, const char *initial);
void flow_undo(struct console *c, int64_t id);
void flow_gateway(struct console *c, const struct net *n); /* NULL = all found */
/* Reads "ADDR… [for DUR | until TIME] [reason TEXT]"; targets are owned by the caller. */
bool flow_parse(const char *text, char ***targets, size_t *n, struct plan_options *o, char *note, size_t note_size, struct err *err);
/* ACTIONs that mean the same in every panel: undo, reload, reset counters, block. False = not one of them. */
bool flow_common(struct console *c, enum action a);

/* Removes what has expired where the server doesn't: to be called when a list or the session has changed (sweep.c). */
void console_sweep(struct console *c);

/* The server that is there, and what these credentials may do on it (server_watch.c): to be called when the session has changed. */
void server_watch(struct console *c);
/* False: *why says what is missing for that change. */
bool server_permits(const struct console *c, const struct view *v, enum action a, char *why, size_t size);
bool server_looks_only(const struct console *c); /* every change is refused to these credentials */
/* Credentials that may change nothing which could be asked about are not tried at what could not. */
bool server_may_try(const struct console *c, const struct plan *p, struct err *err);

/* Another profile of the configuration: everything shown is forgotten, credentials are found or asked for. */
bool console_switch(struct console *c, const char *profile, struct err *err);

/* title.c: the toolkit's title hook; arg is the console */
void console_title(void *arg, struct ui_title *out);

/* ---- shared words (words.c) ---- */
enum role role_of_reason(enum reason r);
enum role role_of_verdict(enum verdict v);
/* "loading…", "no answer: …", why a panel is empty. */
void status_of_snap(const struct view *v, enum snap what, struct view_status *out, size_t rows, const char *nothing);
/* Local time to the second: "09:41:12", another day "20 Nov 09:41:12"; "" for TIME_NONE. */
char *words_time_of_day(int64_t t, int64_t now, char *out, size_t size);
/* "/22": of IPv4 up to 32, of IPv6 above; false = no such word. */
bool words_prefix(const char *word, uint8_t *prefix4, uint8_t *prefix6);
const struct history_tally *console_tally(struct console *c, const struct net *n);
/* Cells and sort keys of those columns. */
void cell_country(const struct view *v, const struct net *n, struct cell *out);
void cell_as(const struct view *v, const struct net *n, struct cell *out);
int64_t sort_country(const struct view *v, const struct net *n);
int64_t sort_as(const struct view *v, const struct net *n);
void console_open_why(struct console *c, const char *address);

#endif
