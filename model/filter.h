/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters: what is typed after `/` in a list or a log, and given to verbs. Pure: no I/O, no clock, knows no server.
 *
 * Words separated by blanks; a row must match all of them. `!` in front of a word turns it round; "double quotes" keep
 * blanks together and take a word as plain text. Plain text is a substring of anything shown, ignoring ASCII case.
 *   lists   reason:auth,scan age>7d age<2h since:2026-11-01 until:"2h ago" expires<1d expires:never private covered
 *           kind:network family:6 net:203.0.113.0/24 in:203.0.113.7 (or: in 203.0.113.7) note:text state:expired origin:server
 *   logs    class:auth,scan level:warn (and worse) event:ban event:security.*-ban address:203.0.113.0/24 account:bob
 *           kind:ban since: until: age<2h
 *   both    text, /regular expression/ and re:"one with blanks" (PCRE2, ignoring case) */
#ifndef MODEL_FILTER_H
#define MODEL_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "model/entry.h"
#include "model/event.h"
#include "model/net.h"
#include "model/slice.h"

enum filter_kind { FILTER_LIST = 1, FILTER_LOG = 2 };

/* A row of a list. Zeroed plus .created = .expires = TIME_NONE means: nothing known. */
struct filter_row {
	const struct slice *text; /* what is shown, searched one by one */
	size_t text_count;
	struct slice note;
	struct net net;           /* family 0: malformed, or the row has none */
	enum reason reason;
	enum entry_state state;
	enum origin origin;
	int64_t created, expires; /* ms; TIME_NONE = unknown / never */
	bool is_covered;          /* by another active entry; asked for only if filter_needs_cover() */
};

/* A line of a log. */
struct filter_log {
	struct slice line;        /* text and expressions are matched against this */
	struct slice event;       /* "security.scan-ban" */
	struct slice account;
	const char *kind;         /* event_kind_text(); NULL = "" */
	struct net address;       /* family 0 = none */
	enum ban_class class;     /* CLASS_NONE = none */
	enum event_level level;
	int64_t time;             /* ms or TIME_NONE */
};

struct filter;

/* now resolves "2h ago". NULL and err (ERR_USAGE) naming the word that is wrong and what would be right. "" matches everything. */
struct filter *filter_parse(enum filter_kind kind, const char *text, int64_t now, struct err *err);
/* Adds one term as key and value, for verbs' options: filter_add(f, "re", pattern, …), (f, "since", "2h ago", …); key "" is plain text. */
bool filter_add(struct filter *f, const char *key, const char *value, int64_t now, struct err *err);
void filter_free(struct filter *f);
bool filter_is_empty(const struct filter *f); /* f may be NULL */
bool filter_needs_cover(const struct filter *f);
/* Words that can begin a term ("reason:", "age>", "private"), for completion; NULL after the last. */
const char *filter_word(enum filter_kind kind, size_t i);
const char *filter_word_help(enum filter_kind kind, size_t i);

bool filter_match(const struct filter *f, const struct filter_row *row, int64_t now);
bool filter_match_log(const struct filter *f, const struct filter_log *row, int64_t now);
bool filter_match_entry(const struct filter *f, const struct entrylist *l, size_t row, int64_t now);

/* Row numbers, ascending. */
struct filter_hits {
	uint32_t *rows;
	size_t count, cap;
};
void filter_hits_release(struct filter_hits *h);
/* All rows of l that match. Text goes through the list's text in one sweep: a million rows in a few ms. Shown text here is
 * the key, kind, reason, note, and the state unless it is active. */
void filter_list(const struct filter *f, const struct entrylist *l, int64_t now, struct filter_hits *hits);
/* As filter_list(), given that *hits already holds what a wider filter left: looks at those rows only. */
void filter_list_narrow(const struct filter *f, const struct entrylist *l, int64_t now, struct filter_hits *hits);
/* Everything `narrow` matches, `wide` matches too (one letter more was typed): filter_list_narrow() may be used. */
bool filter_is_narrower(const struct filter *narrow, const struct filter *wide);

/* ---- one needle, searched often ---- */
struct needle {
	char text[256];            /* as folded */
	size_t len;
	uint8_t first, last;       /* bytes compared in bulk … */
	uint8_t first_bit, last_bit; /* … after this bit was set: 0x20 for letters */
};
void needle_init(struct needle *n, const char *s, size_t len); /* longer text is cut */
const char *needle_find(const struct needle *n, const char *hay, size_t len); /* NULL = not there; "" is found at hay */

#endif
