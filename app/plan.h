/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what an operator asks to a change that may be sent: targets resolved against the lists, guards asked, a preview in words.
 * Pure but for the snapshot it reads: nothing is sent here. */
#ifndef APP_PLAN_H
#define APP_PLAN_H

#include "app/app.h"
#include "model/change.h"

#define PLAN_MANY 1000 /* entries in one change that need a typed count or --yes */

enum plan_level { PLAN_INFO, PLAN_WARN, PLAN_BAD };
struct plan_line {
	enum plan_level level;
	size_t edit;         /* which edit it is about; SIZE_MAX = the whole */
	char *text;          /* owned, safe */
	bool is_cover;       /* says that another entry covers the edit's target */
};

struct plan {
	struct change *change;      /* NULL once taken by app_run() */
	struct plan_line *lines;
	size_t line_count, line_cap;
	char question[200];         /* "Un-block 2 addresses?" */
	bool refused;               /* a guard says no, and force was not given: change must not be sent */
	char refusal[512];          /* the guards' reasons */
	char overrides[160];        /* their names, for who overrides them: "ssh_client, wide" */
	unsigned broken;            /* guard rules, a bit each, and how often in all: as they were when they were asked last */
	size_t hits;
	bool yes_will_do;           /* refused for the number of entries alone: the typed count or --yes is enough */
	bool needs_yes;             /* many entries, or protection is given up */
	char why_yes[200];
	char instead[64];           /* a threshold is switched off: a rate to offer instead, "500/1d"; "" = none */
	unsigned offer_reset;       /* classes whose counters would ban it again: the offer of "c also reset" */
	int64_t undoes;             /* journal change this takes back, 0 = none */
	size_t already;             /* edits that are so already */
	struct net cured;           /* the gateway that this lets in again: its lasting cure is shown afterwards; family 0 = none */
};

struct plan_options {
	const char *note;           /* reason text; NULL */
	int64_t expires;            /* ms, TIME_NONE = for ever */
	bool sets_end;              /* an end was asked for, "never" included: an entry that is there gets it */
	enum reason reason;         /* class word; REASON_NONE = manual */
	int64_t created;            /* TIME_NONE = now */
	bool allow;                 /* unblock: allow as well */
	bool replace;               /* block: entries inside a blocked network are removed, it stands in their place */
	bool keep_blocked;          /* allow: do not lift the block */
	const struct net *lift;     /* allow: these blocked entries are removed, too; borrowed */
	size_t lift_count;
	unsigned reset_classes;     /* also reset these counters */
	bool force;                 /* guards are overridden and named */
};
void plan_options_init(struct plan_options *o);

/* Each needs SNAP(BLOCKED) and SNAP(ALLOWED) at hand. Targets are what a person typed: addresses, networks, or the raw text of a malformed
 * entry that is listed. NULL and err (ERR_USAGE) when one can't be understood. */
struct plan *plan_block(struct app *a, const char *const *targets, size_t n, const struct plan_options *o, struct err *err);
struct plan *plan_unblock(struct app *a, const char *const *targets, size_t n, const struct plan_options *o, struct err *err);
struct plan *plan_allow(struct app *a, const char *const *targets, size_t n, const struct plan_options *o, struct err *err);
struct plan *plan_disallow(struct app *a, const char *const *targets, size_t n, const struct plan_options *o, struct err *err);
/* list rows by number: what marks in a panel are turned into. remove = unblock or disallow */
struct plan *plan_remove_rows(struct app *a, enum list_kind list, const size_t *rows, size_t n, const struct plan_options *o, struct err *err);
struct plan *plan_expiry(struct app *a, enum list_kind list, size_t row, int64_t expires, struct err *err); /* TIME_NONE = never */
/* Needs SNAP(THRESHOLDS). rate: "200/1h", "off", "default"; ban_period_ms -1 = leave, 0 = for ever. */
struct plan *plan_threshold(struct app *a, enum ban_class c, const char *rate, int64_t ban_period_ms, struct err *err);
struct plan *plan_path(struct app *a, bool add, const char *glob, struct err *err);
struct plan *plan_reset(struct app *a, unsigned classes, struct err *err);
struct plan *plan_reload(struct app *a, const char *what, struct err *err); /* "settings", "blocked", "certs" */
/* id 0 = the newest that can be undone. Reads the journal; says in lines what can't be restored and what was changed since. */
struct plan *plan_undo(struct app *a, int64_t id, struct err *err);
/* Takes a change made elsewhere (import, ranges) through guards and preview. */
struct plan *plan_of_change(struct app *a, struct change *c, const struct plan_options *o, struct err *err);
void plan_free(struct plan *p);
/* False: none of its edits is permitted to these credentials; err says which right is missing. */
bool plan_is_permitted(struct app *a, const struct plan *p, struct err *err);
/* What must be fetched anew before the guards are asked again; 0 = they have nothing to say to such a change. */
unsigned plan_guarded_by(const struct plan *p);
/* Once more, right before it is sent: somebody may have allowed, or come to trust, what is about to be blocked. False: refused for what was not
 * refused, or overridden, before; lines say it. */
bool plan_guard_again(struct app *a, struct plan *p, bool force);
void plan_add_line(struct plan *p, enum plan_level level, size_t edit, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* ---- running (run.c) ---- */
struct app_run;
/* Entries done as people count: looking, writing and reading back are each a third of the way. Never falls. */
size_t run_progress_done(const struct change_progress *p);
typedef void (*run_progress_fn)(void *arg, const struct change *c, const struct change_progress *p);
/* c: final verdicts, borrowed until the callback returns; journal_id 0 when it could not be kept (err says why) */
typedef void (*run_done_fn)(void *arg, const struct change *c, int64_t journal_id, const struct err *journal_err);
/* Journal, change, effect, journal, refreshed snapshot. Takes the plan. Refused plans end at once with NOT_STORED / ERR_GUARD outcomes. */
struct app_run *app_run(struct app *a, struct plan *p, run_progress_fn progress, run_done_fn done, void *arg);
void app_run_stop(struct app_run *r); /* between batches */
struct change *app_run_take(struct app_run *r); /* within done: the change is the caller's from now on */
/* The connection was lost on the way, and a verb's change waits for the server, for one time-out at most, to read what became of it. */
bool app_run_is_waiting(const struct app_run *r);

/* effect.c, pure: an edit may be stored, reloaded, and still not do what was asked: an un-blocked address inside a blocked network, a block
 * under an allow that wins, an allow under a block that wins. Turns such IN_FORCE outcomes into STORED and says which entry stands against it.
 * Lists are those before the change. */
void change_effect(struct change *c, const struct entrylist *blocked, const struct entrylist *allowed, bool allow_wins, int64_t now);

/* One line per outcome: "✔ 45.9.148.19 in force  deleted · read back absent · reload took it  84 ms". No colours. */
void outcome_evidence(const struct change *c, size_t edit, bool ascii, struct buf *out); /* "written · read back equal · reload took it   84 ms" */
void outcome_line(const struct change *c, size_t edit, bool ascii, struct buf *out);

#endif
