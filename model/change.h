/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an operator asks for and what became of it: edits, a change made of them, and the verdict per edit.
 * No I/O; client/exec.c carries changes out, store/journal.c keeps them, views and cli show them. */
#ifndef MODEL_CHANGE_H
#define MODEL_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/entry.h"
#include "model/net.h"
#include "model/rate.h"

/* id, name in JSON and journal, sentence start */
#define EDIT_INFO(_)                                                                               \
	_(BLOCK, "block", "Block")                                                                 \
	_(UNBLOCK, "unblock", "Un-block")                                                          \
	_(ALLOW, "allow", "Allow")                                                                 \
	_(DISALLOW, "disallow", "Disallow")                                                        \
	_(EXPIRY, "expiry", "Change expiry of")                                                    \
	_(ALLOW_EXPIRY, "allow_expiry", "Change expiry of allowed")                                \
	_(THRESHOLD, "threshold", "Set threshold")                                                 \
	_(THRESHOLD_OFF, "threshold_off", "Switch off")                                            \
	_(THRESHOLD_DEFAULT, "threshold_default", "Back to default:")                              \
	_(PATH_ADD, "path_add", "Add scan path")                                                   \
	_(PATH_REMOVE, "path_remove", "Remove scan path")                                          \
	_(RESET_COUNTERS, "reset_counters", "Reset failure counters")                              \
	_(RELOAD, "reload", "Reload")                                                              \
	_(CERT_RELOAD, "cert_reload", "Reload certificates")                                       \
	_(CERT_RENEW, "cert_renew", "Renew")                                                       \
	_(CERT_UPLOAD, "cert_upload", "Upload certificate")
enum edit_kind {
#define EDIT_ENUM(id, name, words) EDIT_##id,
	EDIT_INFO(EDIT_ENUM)
#undef EDIT_ENUM
	EDIT_COUNT
};
const char *edit_name(enum edit_kind k);
const char *edit_words(enum edit_kind k);
bool edit_parse_name(const char *s, enum edit_kind *out);
bool edit_has_address(enum edit_kind k); /* the target is an address, a network or an entry's key */
bool edit_is_allow(enum edit_kind k);    /* … of the allowed list */
bool edit_is_expiry(enum edit_kind k);   /* another end for an entry that is there */
bool edit_is_threshold(enum edit_kind k);
bool edit_is_path(enum edit_kind k);
struct edit;
/* Is what is stored what the operator saw? An expiry may expect the end alone, as RFC 3339 or "never". */
bool edit_expects(const struct edit *e, const char *before);

struct edit {
	enum edit_kind kind;
	char *target;          /* owned. Address/network text, or the raw key of a malformed entry; class name ("auth", "all"); glob; certificate name or domain */
	struct net net;        /* family 0: target is no address (malformed entry, or not an address edit) */
	char *note;            /* owned or NULL: the operator's reason text */
	char *by;              /* owned or NULL: who asks, recorded in a block's value on servers up to 0.15 */
	enum reason reason;    /* block: class word to record; REASON_MANUAL by default */
	int64_t created;       /* block: when it began, ms; the caller sets it (now, or the original when importing) */
	int64_t expires;       /* ms; TIME_NONE = for ever */
	enum ban_class class;  /* threshold and counter edits; CLASS_NONE with RESET_COUNTERS = all */
	struct threshold *value; /* owned; of a threshold edit: what to set. NULL in all others, of which there may be 100,000 */
	char *expected;        /* owned or NULL: `before` as the operator saw it; a different value on the server is a conflict, "" = must be absent */
	char *raw;             /* owned or NULL; undoing: the value to put back exactly as it was, on servers that keep any text */
	char *place;           /* owned or NULL; scan path: where undoing puts it back, as outcome.place */
	char *cert_pem, *key_pem; /* CERT_UPLOAD: owned; key_pem is wiped on release */
};

/* Do two edits of entries ask for the same, but for the address? */
bool edit_asks_the_same(const struct edit *a, const struct edit *b);

#define VERDICT_INFO(_)                                                                            \
	_(PENDING, "pending", "not finished")                                                      \
	_(IN_FORCE, "in_force", "in force")                                                        \
	_(STORED, "stored", "stored, NOT in force")                                                \
	_(MISMATCH, "mismatch", "read back differs")                                               \
	_(NOT_STORED, "not_stored", "not stored")                                                  \
	_(UNKNOWN, "unknown", "unknown: connection lost on the way")
enum verdict {
#define VERDICT_ENUM(id, name, words) VERDICT_##id,
	VERDICT_INFO(VERDICT_ENUM)
#undef VERDICT_ENUM
	VERDICT_COUNT
};
const char *verdict_name(enum verdict v);
const char *verdict_words(enum verdict v);

#define STEP_INFO(_)                                                                               \
	_(BEFORE, "before")                                                                        \
	_(WRITE, "write")                                                                          \
	_(READ_BACK, "read_back")                                                                  \
	_(RELOAD, "reload")                                                                        \
	_(RESET, "reset_counters")                                                                 \
	_(FOLLOW, "follow")                                                                        \
	_(WATCH, "watch")
enum step_kind {
#define STEP_ENUM(id, name) STEP_##id,
	STEP_INFO(STEP_ENUM)
#undef STEP_ENUM
	STEP_COUNT
};
const char *step_name(enum step_kind k);

/* One step as it went; a batch of edits shares it. */
struct step_report {
	enum step_kind kind;
	bool ok;
	int64_t ms;
	size_t first, count;   /* edits it was for; count 0 = all */
	char *detail;          /* owned or NULL; sanitised, the server's own words where it spoke */
};

#define PLACE_BUILTIN "built-in"

struct outcome {
	enum verdict verdict;
	enum err_code why;     /* cause of a verdict other than IN_FORCE: PERMISSION, CONFLICT, SERVER, … */
	bool no_op;            /* already so before: nothing was written */
	char *before, *after;  /* owned or NULL = absent; canonical text of the value (threshold_format(), entry_value_format(), a glob) */
	char *detail;          /* owned or NULL; one line for people */
	char *place;           /* owned or NULL; scan path: the number of its key before, PLACE_BUILTIN = the built-in ones were in force */
};

struct change {
	struct edit *edits;
	struct outcome *outcomes; /* same length; zeroed (PENDING) until run */
	size_t count, cap;
	unsigned reset_classes; /* bit per ban_class: reset counters after the writes */
	struct step_report *steps;
	size_t step_count, step_cap;
	bool cancelled;         /* stopped between batches by the operator; the rest stayed PENDING */
	bool forced;            /* guards were overridden; `forced_what` names them */
	char *forced_what;      /* owned or NULL */
	char *reason;           /* owned or NULL: journal text */
	int64_t started, ended; /* wall ms */
};

struct change *change_new(void);
void change_free(struct change *c);
/* Appends a zeroed edit of that kind with target copied (and net parsed from it where it is one); created/expires = TIME_NONE. */
struct edit *change_add(struct change *c, enum edit_kind kind, const char *target);
/* The same of an address or network. */
struct edit *change_add_net(struct change *c, enum edit_kind kind, const struct net *n);
struct step_report *change_step(struct change *c, enum step_kind kind, bool ok, int64_t ms, size_t first, size_t count,
	const char *detail);
size_t change_tally(const struct change *c, enum verdict v);
/* The inverse of what was done (edits IN_FORCE, STORED or MISMATCH, no no-ops), newest first, each expecting what it finds (`after`).
 * *lost names what may not come back: "the failure counters", "the former certificate"; "" if nothing. Whether a
 * server takes back when an entry was made is the caller's to know. NULL if there is nothing to undo. */
struct change *change_inverse(const struct change *c, char *lost, size_t lost_size);

#endif
