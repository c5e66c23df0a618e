/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Failures counted per address and per login in windows of time, a bounded number of rows at a time.
 * Private to store/: history_near.c and history_trigger.c ask. */
#ifndef STORE_HISTORY_COUNT_H
#define STORE_HISTORY_COUNT_H

#include "store/aggmap.h"
#include "store/history_scan.h"

struct window {
	enum ban_class class;
	int64_t start, end; /* ms; end TIME_NONE: it slides */
	uint64_t limit;
};

/* Whose failures are wanted: of one address (0 = none) and some logins. */
struct chosen {
	int64_t addr;
	int64_t words[HISTORY_NEAR_ACCOUNTS];
	size_t count;
};

/* count = failures, other = how many of the other kind, last */
struct counting {
	struct aggmap by_addr, by_account;
	struct fingerprints pairs;
};

struct attempt_at {
	int64_t hour, addr, class, minute, account, listener;
};

enum counter_phase { COUNT_ATTEMPTS, COUNT_ONE, COUNT_BANS, COUNT_DONE };

struct counter {
	struct store *s;
	int64_t server;
	bool has[CLASS_COUNT];
	struct window window[CLASS_COUNT];
	bool is_chosen;
	struct chosen chosen;
	struct counting of[CLASS_COUNT];
	int64_t since, until;  /* ms: all windows together */
	int64_t seen_since;    /* hour */
	unsigned seen;         /* classes of which there was an attempt in an hour since seen_since, bits */
	enum counter_phase phase;
	struct attempt_at at;  /* the last attempt looked at */
	int64_t time, id;      /* the last ban looked at */
};

/* Fill has and window, then this. One address without logins is looked up, everything else is read
 * through. */
void counter_begin(struct counter *c, struct store *s, int64_t server, const struct chosen *chosen,
	int64_t seen_since);
/* Looks at `rows` rows at most; 0 = all. */
bool counter_step(struct counter *c, size_t rows, bool *is_done, struct err *err);
void counter_release(struct counter *c);

/* Looks for attempts of `classes` (bits) in hours from `since` up to `until`; *seen gets the bits of those found.
 * *is_done: all are, or there are no more. at begins zeroed but for hour, -1 = from `since`. */
bool counter_search(struct store *s, int64_t server, unsigned classes, int64_t since, int64_t until,
	struct attempt_at *at, size_t rows, unsigned *seen, bool *is_done, struct err *err);

#endif
