/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Picks from the store's counts what is worth saying, and says it. Nothing is fetched. */
#include "app/near.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/mem.h"

#define LOGGED_MS (7 * INT64_C(86400000)) /* no failed login in a week: they are not logged */

void near_release(struct near_limit *near)
{
	history_near_free(near->rows, near->count);
	memset(near, 0, sizeof(*near));
}

/* Whether anything can be said; `logged` gets the classes whose attempts are in the log. */
static bool is_sayable(struct app *a, unsigned *logged, struct near_limit *out)
{
	const struct thresholds *t = a->snap.thresholds;
	bool found = false;

	memset(out, 0, sizeof(*out));
	*logged = 0;
	if (!a->store)
		snprintf(out->notice, sizeof(out->notice), "not known: %.160s", a->store_err.msg);
	else if (!t)
		snprintf(out->notice, sizeof(out->notice), "not known: the server's thresholds could not be read");
	if (out->notice[0])
		return false;
	for (int c = 0; c < CLASS_COUNT; c++)
		if (history_has_attempts(a->store, a->profile.name, (enum ban_class)c, clock_now() - LOGGED_MS, &found, NULL) && found)
			*logged |= 1u << c;
	out->is_known = *logged & 1u << CLASS_AUTH || !t->of[CLASS_AUTH].enabled;
	if (!out->is_known)
		snprintf(out->notice, sizeof(out->notice), "not known for logins: none that failed is in the log of the last week (auth.failed is DEBUG)");
	return true;
}

static bool is_blocked(const struct app *a, const struct history_near *n)
{
	const struct entrylist *l = a->snap.list[LIST_BLOCKED];

	return l && n->address.family && entrylist_covering(l, &n->address, -1, clock_now()) >= 0;
}

/* A ban's own line counts as a failure; where attempts are not logged that would be all there is, and wrong. */
static void keep(struct app *a, struct near_limit *out, unsigned logged, bool blocked_too, size_t limit)
{
	size_t kept = 0;

	for (size_t i = 0; i < out->count; i++) {
		struct history_near *n = &out->rows[i];

		if (logged & 1u << n->class && (blocked_too || !is_blocked(a, n)) && (!limit || kept < limit))
			out->rows[kept++] = *n;
		else
			free(n->account);
	}
	out->count = kept;
}

void near_gather(struct app *a, unsigned percent, size_t limit, struct near_limit *out)
{
	struct err err = ERR_INIT;
	unsigned logged;

	if (!is_sayable(a, &logged, out))
		return;
	if (!history_near(a->store, a->profile.name, a->snap.thresholds, clock_now(), percent, 0, &out->rows, &out->count, &err))
		snprintf(out->notice, sizeof(out->notice), "not known: %.160s", err.msg);
	keep(a, out, logged, false, limit);
}

void near_of(struct app *a, const struct net *address, const char *const *accounts, size_t n, struct near_limit *out)
{
	struct err err = ERR_INIT;
	unsigned logged;

	if (!is_sayable(a, &logged, out))
		return;
	if (!history_near_of(a->store, a->profile.name, a->snap.thresholds, clock_now(), address, accounts, n, &out->rows, &out->count, &err))
		snprintf(out->notice, sizeof(out->notice), "not known: %.160s", err.msg);
	keep(a, out, logged, true, 0);
}

void near_each(struct app *a, const struct net *addresses, size_t n, struct near_limit *out)
{
	struct err err = ERR_INIT;
	unsigned logged;
	size_t cap = 0;

	if (!is_sayable(a, &logged, out))
		return;
	for (size_t i = 0; i < n; i++) {
		struct history_near *rows;
		size_t count;

		if (!history_near_of(a->store, a->profile.name, a->snap.thresholds, clock_now(), &addresses[i], NULL, 0, &rows, &count, &err))
			snprintf(out->notice, sizeof(out->notice), "not known: %.160s", err.msg);
		xgrow(&out->rows, &cap, out->count + count + 1, sizeof(*out->rows));
		for (size_t k = 0; k < count; k++)
			out->rows[out->count++] = rows[k];
		free(rows); /* what they point to is out's now */
	}
	keep(a, out, logged, false, 0);
}

char *near_words(const struct history_near *n, int64_t now, char *out, size_t size)
{
	time_t end = (time_t)(n->window_end / 1000);
	char resets[40] = "";
	struct tm tm;

	/* hours alone say which one it is within a day */
	if (n->window_end != TIME_NONE && gmtime_r(&end, &tm))
		strftime(resets, sizeof(resets), n->window_end - now <= 86400000 ? ", resets %H:%MZ" : ", resets %Y-%m-%d %H:%MZ", &tm);
	snprintf(out, size, "%llu of %llu%s%s", (unsigned long long)n->failures, (unsigned long long)n->limit, resets,
		!n->is_over ? "" : n->address.family ? "; over the limit" : "; over the limit: its next failure bans any address");
	return out;
}

const char *near_who(const struct history_near *n, char *net, size_t size)
{
	return n->address.family ? net_format(&n->address, net, size) : n->account;
}
