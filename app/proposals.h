/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks worth one rule: offenders of the history and of the blocked list, grouped; what each network would replace
 * and hit, and what a guard says of it. One gathering for panel and verb. */
#ifndef APP_PROPOSALS_H
#define APP_PROPOSALS_H

#include "app/app.h"
#include "model/formats.h"

#define PROPOSALS_AT_LEAST 5 /* bans a network must cover, unless asked otherwise; as in the monthly review */

struct proposals_query {
	int64_t since, until;       /* TIME_NONE = open; when both are, what is listed without history counts, too */
	uint64_t at_least;          /* 0 = PROPOSALS_AT_LEAST */
	uint8_t prefix4, prefix6;   /* widest network proposed; 0 = 24 and 48 */
};
void proposals_query_init(struct proposals_query *q);

struct proposal {
	struct net net;
	uint64_t bans, addresses;
	int64_t first, last;        /* ms, TIME_NONE = no ban in the history, only listed */
	size_t replaces;            /* active blocked entries inside it */
	size_t allowed;             /* active allowed entries it would hit */
	bool is_blocked;            /* an active block covers it whole already */
	char refusal[240];          /* a guard's reason not to block it; "" = none */
};

/* Most bans first. Needs no connection: what of snapshot and store is there is used. Caller frees *rows. */
bool proposals_gather(
	struct app *a, const struct proposals_query *q, struct proposal **rows, size_t *count, struct err *err);

/* The same in steps, for the console. A list that is replaced meanwhile is looked at anew. take when is_done. */
struct proposals_job;
struct proposals_job *proposals_begin(struct app *a, const struct proposals_query *q, struct err *err);
bool proposals_step(struct proposals_job *job, bool at_once, bool *is_done, struct err *err);
void proposals_take(struct proposals_job *job, struct proposal **rows, size_t *count);
void proposals_end(struct proposals_job *job); /* harmless when not done, or NULL */

/* Active rows of l inside n, n itself left out; with `around`, also what covers n. Caller frees; NULL when *count is 0.
 */
uint32_t *proposal_entries(const struct entrylist *l, const struct net *n, bool around, int64_t now, size_t *count);
/* "198.51.100.7, 198.51.100.9 and 12 more": the first `max` of those rows, raw keys made safe. */
void proposal_names(const struct entrylist *l, const uint32_t *rows, size_t count, size_t max, struct buf *out);

/* Networks as a list that export_lists() can write; freed by the caller. */
struct entrylist *proposals_list(const struct proposal *rows, size_t count);

#endif
