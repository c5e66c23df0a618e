/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of filters, for model/filter*.c only: terms, and the table of keys they come from. */
#ifndef MODEL_FILTER_PRIVATE_H
#define MODEL_FILTER_PRIVATE_H

#include "model/filter.h"

enum filter_op { FILTER_IS, FILTER_LESS, FILTER_MORE };

struct filter_regex;

struct filter_term {
	const struct filter_key *key;
	bool negated;
	char *word;                /* as typed without "!": equal words filter alike */
	char *value;               /* what stands after the key */
	enum filter_op op;
	bool or_equal;
	unsigned mask;             /* of an enum's values */
	int64_t ms;                /* a time or a duration; TIME_NONE = "never" */
	struct net net;
	struct needle needle;
	unsigned shown_reasons;    /* plain text: bit per reason whose word holds the needle … */
	bool shown_kind[2], shown_expired, shown_malformed; /* … and so for the other words a list shows */
	struct filter_regex *regex;
};

/* What is looked at: one of the two is set. */
struct filter_subject {
	const struct filter_row *row;
	const struct filter_log *log;
	int64_t now;
};

struct filter_key {
	const char *name, *form;   /* "" = plain text; how it begins when typed */
	unsigned kinds;            /* FILTER_LIST | FILTER_LOG */
	const char *ops;           /* ":", "<>", "<>:", or "" for a word that stands alone */
	bool (*parse)(struct filter_term *t, int64_t now, struct err *err); /* NULL: nothing to parse */
	bool (*match)(const struct filter_term *t, const struct filter_subject *s);
	int cost;                  /* cheap ones are asked first */
	const char *help;
};

struct filter {
	enum filter_kind kind;
	struct filter_term *terms; /* by cost */
	size_t count, cap;
};

const struct filter_key *filter_key_find(enum filter_kind kind, const char *name, size_t len);
const struct filter_key *filter_key_at(size_t i); /* NULL after the last */
const struct filter_key *filter_key_text(void);
const struct filter_key *filter_key_regex(void);
bool filter_match_terms(const struct filter *f, const struct filter_subject *s, size_t skip_text);

/* PCRE2 behind two functions (filter_regex.c). NULL and err when the pattern is wrong. */
struct filter_regex *filter_regex_new(const char *pattern, struct err *err);
void filter_regex_free(struct filter_regex *r);
bool filter_regex_match(const struct filter_regex *r, const char *s, size_t len);

/* Calls hit for every place the needle is found; it returns where to go on (> at). filter_needle.c */
typedef size_t (*needle_fn)(void *arg, size_t at);
void needle_sweep(const struct needle *n, const char *hay, size_t len, needle_fn hit, void *arg);

#endif
