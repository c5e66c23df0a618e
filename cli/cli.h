/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verb contract: a verb is one const struct in one file and one row in verbs.c. Verbs are top-level code, so they may wait on the
 * loop with the helpers here; nothing below cli ever does. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

#include "app/app.h"
#include "app/plan.h"
#include "cli/options.h"
#include "cli/out.h"
#include "core/err.h"
#include "core/loop.h"

/* What a verb's status means, and what it means when the verb is `check` (NULL = never). A contract: numbers never move. */
#define EXIT_INFO(_)                                                                               \
	_(DONE, "done and in force", "OK")                                                         \
	_(NOTHING, "nothing found, or nothing to do", "WARNING")                                   \
	_(USAGE, "wrong usage; nothing was sent", "CRITICAL")                                      \
	_(REFUSED, "refused by a guard, or needs --yes", "UNKNOWN")                                \
	_(CREDENTIALS, "credentials or permission", NULL)                                          \
	_(SERVER, "server unreachable or faulty", NULL)                                            \
	_(STORED, "stored, not in force", NULL)                                                    \
	_(MISMATCH, "mismatch: read back differs", NULL)                                           \
	_(PARTLY, "partly done; each failure is listed", NULL)

enum exit_code {
#define EXIT_ENUM(id, words, check) EXIT_##id,
	EXIT_INFO(EXIT_ENUM)
#undef EXIT_ENUM
	EXIT_CODE_COUNT
};

struct exit_row {
	const char *words, *check;
};
extern const struct exit_row exit_rows[EXIT_CODE_COUNT];

/* Variables of the environment that take part. */
#define ENV_INFO(_)                                                                                \
	_("STALWARDEN_URL", "server, as --url")                                                    \
	_("STALWARDEN_USER", "login name, as --user")                                              \
	_("STALWARDEN_PASSWORD", "password; removed from the environment once read")               \
	_("STALWARDEN_TOKEN", "API key or bearer token, instead of user and password; removed once read") \
	_("STALWARDEN_PROFILE", "profile, as --profile")                                           \
	_("SSH_CONNECTION", "set by sshd, as is SSH_CLIENT: your own address, which no block may cover unforced")     \
	_("NETRC", "the netrc file, instead of ~/.netrc, where a profile uses one")                \
	_("NO_COLOR", "set and not empty: no colours")                                             \
	_("XDG_CONFIG_HOME", "where stalwarden/stalwarden.conf and stalwarden/themes are, instead of ~/.config") \
	_("XDG_STATE_HOME", "where stalwarden/history.db is, instead of ~/.local/state")

struct env_row {
	const char *name, *words;
};
extern const struct env_row env_rows[]; /* NULL-terminated */

struct cli;

/* The grammar of a verb's words, for usage, completion and the man page. */
struct verb {
	const char *name;
	const char *synopsis;   /* lines after "stalwarden ", separated by '\n' */
	const char *summary;    /* one sentence */
	const char *options;    /* names of options beyond the global ones, separated by blanks; "" none */
	const char *words;      /* what completes the first word after it: "show set off", "" = nothing */
	const char *examples;   /* lines, "" = none; each is run by the tests as it stands */
	bool changes_nothing;   /* by promise: not even what an interrupted change left undone */
	bool learns;            /* what it shows of the blocked list includes what the history knows */
	int (*run)(struct cli *c); /* returns the exit code; c->err is printed by the caller when set */
	int (*refuse)(struct cli *c); /* how wrong usage, c->err, is told; NULL = on standard error, exit 2 */
};

struct cli {
	struct loop *loop;
	struct app app;
	bool has_app;
	struct args args;
	const struct verb *verb;
	enum out_format format;
	bool ascii, colour;
	bool changed;           /* the outcomes of a change were told: the exit code is about them */
	struct change **kept;   /* several changes make one document: they are printed by cli_print_kept(), not as they end; NULL = not so */
	size_t kept_count;
	char *would_have;       /* JSON beside the outcome of switching a threshold off: what that would have let through; NULL */
	struct err err;
	volatile bool interrupted;
	bool put_back, resumed; /* what an earlier change left undone was seen to */
};

extern const struct verb *const verbs[]; /* NULL-terminated, in the order of --help */
const struct verb *verb_find(const char *name);
const char *verb_suggest(const char *name); /* the one that was meant, or NULL */

/* ---- words and options ---- */
const char *cli_word(const struct cli *c, size_t i); /* 0 = first after the verb; NULL = none */
size_t cli_words(const struct cli *c);
bool cli_has(const struct cli *c, enum option_id o);
const char *cli_option(const struct cli *c, enum option_id o);
bool cli_option_int(struct cli *c, enum option_id o, int64_t min, int64_t max, int64_t *out);  /* absent: unchanged, true */
bool cli_option_duration(struct cli *c, enum option_id o, int64_t *ms);
bool cli_option_time(struct cli *c, enum option_id o, int64_t *ms);
bool cli_max_words(struct cli *c, size_t max); /* ERR_USAGE when there are more */

/* ---- waiting ---- */
/* Configuration, store, session object. Nothing is sent. */
bool cli_open(struct cli *c);
/* cli_open, secret (asking on the terminal if there is one), detection. False: c->err. */
bool cli_connect(struct cli *c);
/* The same for a verb that does nothing but read lists: starts from what the last call found, without asking. */
bool cli_connect_to_read(struct cli *c);
/* Fetches SNAP kinds; false (c->err) when one could not be had. Kinds in `optional` may fail. */
bool cli_need(struct cli *c, unsigned snaps, unsigned optional);
/* Turns the loop until *flag or Ctrl-C. False when interrupted. */
bool cli_wait(struct cli *c, const bool *flag);

/* Changes that were cut off earlier are read again, and told; none is made. */
void cli_resume(struct cli *c);
/* Reads what is new in the log into the store, by the profile's source; nothing is printed. */
bool cli_sync_quietly(struct cli *c);
/* The same, unless the log is read from elsewhere as a rule: a timer's `sync --log-source FILE`, say. */
bool cli_sync_again(struct cli *c);
/* For verbs that answer from the store: reads what is new and fetches `snaps` where the server can be asked, and says so where it can't. */
void cli_freshen(struct cli *c, unsigned snaps);

/* ---- changes ---- */
/* Prints the plan's warnings, asks when it must (terminal) or wants --yes, dry-runs or runs it, prints the outcomes, returns the exit code. Takes p;
 * NULL p: c->err says why. */
int cli_change(struct cli *c, struct plan *p);
/* The requests of all of them, as one document; takes the plans. */
int cli_dry_run(struct cli *c, struct plan **plans, size_t n);
int cli_exit_of_err(const struct err *err);
void cli_print_kept(struct cli *c);

/* A line that shows how far a long change is, on a terminal only; zeroed before the first. */
struct cli_bar {
	int64_t drawn; /* clock_mono(), 0 = never */
	int width;     /* columns to wipe */
};
void cli_bar_draw(struct cli_bar *b, size_t done, size_t total, int64_t ms, bool is_stopping);
void cli_bar_end(struct cli_bar *b); /* wipes it: what is said next has the line to itself */

/* Standard error, safe text, with "stalwarden: " in front. */
void cli_say(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- asking a person (ask.c); Ctrl-C is an answer, too ---- */
/* y/N on the terminal; false without one. */
bool cli_ask(struct cli *c, const char *question);
/* User, unless known, and password, which is not shown. False: c->err. */
bool cli_ask_secret(struct cli *c);

/* Addresses from words, "-" = standard input, one or more a line, '#' comments. Owned array of owned strings. */
bool cli_targets(struct cli *c, size_t first_word, char ***targets, size_t *n);
void cli_targets_free(char **targets, size_t n);

/* The help page and the man page's tables are made of the same rows. */
void cli_help(const struct verb *v, struct buf *out);
int cli_console(struct cli *c); /* no verb: the console (console.c) */

#endif
