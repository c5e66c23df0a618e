/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How close addresses and logins are to a ban, as far as the log tells: "83 of 100, resets 00:00Z". One gathering for
 * console and verbs. */
#ifndef APP_NEAR_H
#define APP_NEAR_H

#include "app/app.h"
#include "core/buf.h"
#include "store/history.h"

#define NEAR_PERCENT 50 /* of a threshold: what the overview shows */

struct near_limit {
	struct history_near *rows; /* closest first */
	size_t count;
	bool is_known;             /* store and thresholds are there, and failed logins are in the log */
	char notice[200];          /* why it is not known; "" */
};

/* Rows at `percent` of a threshold or more; addresses that are blocked already are left out. limit 0 = all. Needs no
 * connection, but the thresholds, fetched before. A verb counts at once. In the console it is what was counted last,
 * from NEAR_PERCENT up; where the store or the thresholds have changed since, it is counted again in turns of the loop,
 * and who observes the thresholds hears of them when that brought something else. */
void near_gather(struct app *a, unsigned percent, size_t limit, struct near_limit *out);
/* Only these addresses, not their logins, and not those that are blocked: looked up at once, whatever the size of the
 * store. For the console. */
void near_each(struct app *a, const struct net *addresses, size_t n, struct near_limit *out);
/* Are attempts of that class in the log of the last week? The console says no until it knows, and then who observes the
 * thresholds hears of it. */
bool near_is_logged(struct app *a, enum ban_class class);
/* What concerns this address and the logins given, which are counted: in steps (history_near_step), then take. NULL:
 * *out says why not. */
struct history_near_job *near_of_begin(
	struct app *a, const struct net *address, const char *const *accounts, size_t n, struct near_limit *out);
void near_of_take(struct app *a, struct history_near_job *job, struct near_limit *out);
void near_release(struct near_limit *near);
void near_watch_release(struct app *a);

/* "83 of 100, resets 00:00Z"; at the limit also what the next failure does. */
char *near_words(const struct history_near *n, int64_t now, char *out, size_t size);
/* Who it is about: the address, or the login, raw: sanitise at the sink. */
const char *near_who(const struct history_near *n, char *net, size_t size);

#endif
