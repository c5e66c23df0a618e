/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The monthly review: its figures, and how they read as text, Markdown and JSON. Pure;
 * store/history_report.c fills it. Strings in the struct are as they came from outside; the
 * printers sanitise. */
#ifndef MODEL_REPORT_H
#define MODEL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "model/net.h"
#include "model/rate.h"

struct report_offender {
	struct net address;
	uint64_t bans, bans_ever, refused;
	int64_t first, last;  /* ms, first ever and last */
	enum ban_class class; /* of the last ban */
	char *account;        /* owned; tried most, "" unknown */
};

struct report_range {
	struct net net;
	uint64_t bans, addresses, refused;
	int64_t first, last;
	uint32_t allowed_hit; /* allowed entries it would hit: then it is no candidate */
};

struct report_gateway {
	struct net address;
	uint64_t bans, refused, accounts, listeners;
	int64_t first;
	const char *why; /* constant: "private address", "a gateway or proxy of this host", … */
};

struct report_account {
	char *account; /* owned */
	uint64_t bans, failures, addresses;
};

struct report_simulation {
	enum ban_class class;
	uint64_t count; /* the rate tried */
	int64_t period_ms;
	uint64_t banned;      /* addresses it would have banned */
	uint64_t more, fewer; /* against what was really banned in that class */
	uint64_t more_allowed; /* of `more`: allowed addresses */
	uint64_t allowed; /* of `banned`: allowed addresses, which the server would have spared */
	uint64_t login_keyed; /* of `banned`: only because a login was over its limit */
	uint64_t attempts; /* failures the answer is based on; 0 = the log has none: nothing can be
			      said */
};

struct report_rate { /* per class: in force, what happened, what other rates would have done */
	enum ban_class class;
	struct threshold now;
	uint64_t bans, addresses;
	struct report_simulation tried[3]; /* stricter first */
	size_t tried_count;
	int suggestion; /* index into tried, -1 = leave as it is */
	char *advice;   /* owned, one sentence */
};

struct report {
	char *server;               /* owned; "" = all */
	int64_t since, until, made; /* ms */
	uint64_t bans, addresses, refused, attempts, accounts, ended;
	uint64_t bans_before; /* the same length of time before: for the comparison */
	uint64_t by_class[CLASS_COUNT];
	uint64_t own_changes, own_not_in_force;
	int64_t busiest_day; /* 00:00 UTC or TIME_NONE */
	uint64_t busiest_bans;
	int64_t covered_since, covered_until; /* what the store has lines for inside the month;
						 TIME_NONE = nothing */
	struct report_offender *offenders;
	size_t offender_count;
	struct report_range *ranges;
	size_t range_count;
	struct report_gateway *gateways;
	size_t gateway_count;
	struct report_account *targets; /* accounts tried most */
	size_t target_count;
	struct report_rate rates[CLASS_COUNT];
};

void report_init(struct report *r);
void report_release(struct report *r);

enum report_format { REPORT_TEXT, REPORT_MARKDOWN, REPORT_JSON };
/* columns: for text, 0 = 80. ascii: no character beyond ASCII. JSON is one document, keys as in the
 * struct. */
void report_print(const struct report *r, enum report_format format, int columns, bool ascii,
	struct buf *out);

#endif
