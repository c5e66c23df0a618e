/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything known about one address or network: entries, trigger, earlier bans, own changes, and what un-blocks it and
 * keeps it so. One gathering, printed by the verb and shown by the page. */
#ifndef APP_WHY_H
#define APP_WHY_H

#include "app/app.h"
#include "app/near.h"
#include "store/history.h"
#include "store/journal.h"

#define WHY_ENTRIES 64

struct why {
	struct net net;
	char address[NET_BUF];
	bool is_asked;                 /* the store was; until then there is no advice */
	bool lists_known;              /* false: the server was not asked; what follows is from the store */
	size_t blocked[WHY_ENTRIES],
		blocked_count; /* rows of the blocked list that cover it, widest first, expired ones included */
	size_t allowed[WHY_ENTRIES], allowed_count;
	size_t inside;                 /* of a network: blocked entries inside it */
	bool is_refused;               /* by an active block, no winning allow */
	char verdict[240];             /* one sentence */
	char who[120];                 /* what it is to this host; "" = nothing known */
	struct history_trigger trigger;
	struct history_ban *bans;
	size_t ban_count;
	struct history_sum *refused, *attempts;
	size_t refused_count, attempt_count;
	struct history_span *spans;
	size_t span_count;
	struct near_limit near;        /* of the address, and of the logins it tried */
	struct journal_row *changes;
	size_t change_count;
	char story[400];               /* why it was banned, in words; "" = not known */
	char *advice[8];               /* owned sentences */
	size_t advice_count;
	bool is_gateway;
	char cure[1024];               /* the lasting cure for a gateway; "" */
};

/* Needs no connection: uses the snapshot and the store as they are. */
void why_gather(struct app *a, const struct net *n, struct why *out);

/* The same for the console: at first what the lists say, then the store in steps. */
void why_init(struct app *a, const struct net *n, struct why *out);
void why_look(struct app *a, struct why *w); /* once more at the lists, which have changed: rows are theirs */
struct why_job;
struct why_job *why_begin(struct app *a, const struct net *n);
bool why_step(struct why_job *job, bool at_once); /* true: done */
void why_take(struct why_job *job, struct why *w); /* frees what w held, and looks at the lists */
void why_end(struct why_job *job); /* harmless when not done, or NULL */
bool why_is_known(const struct why *w); /* lists, store or journal know something of it */
void why_release(struct why *w);

#endif
