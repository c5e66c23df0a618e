/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads attempts and bans of a span of time, in the order of their tables, from where it stopped. No
 * statement stays open between two steps: what is written meanwhile is counted or not. */
#include "store/history_count.h"

#include <string.h>

#define HOUR_MS   INT64_C(3600000)
#define MINUTE_MS INT64_C(60000)

static bool is_chosen_word(const struct chosen *c, int64_t word)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->words[i] == word)
			return true;
	return false;
}

static void add_to(struct aggmap *m, int64_t id, uint64_t failures, bool is_other, int64_t last)
{
	bool is_new;
	struct agg *a = aggmap_get(m, (uint64_t)id, 0, 0, &is_new);

	a->count += failures;
	a->other += is_other;
	a->last = last > a->last ? last : a->last;
}

static void count_failures(struct counter *c, int64_t class, int64_t addr, int64_t account,
	uint64_t failures, int64_t last)
{
	bool by_addr = !c->is_chosen || c->chosen.addr == addr;
	bool by_account = account > 0 && (!c->is_chosen || is_chosen_word(&c->chosen, account));
	struct counting *of = &c->of[class];
	bool is_pair;

	if (!by_addr && !by_account)
		return;
	is_pair = fingerprints_add(&of->pairs, scan_mix((uint64_t)addr << 32 ^ (uint64_t)account));
	if (by_addr)
		add_to(&of->by_addr, addr, failures, is_pair && account > 0, last);
	if (by_account)
		add_to(&of->by_account, account, failures, is_pair, last);
}

/* ---- attempts ---- */

#define ATTEMPT_KEY "hour, addr, class, minute, account, listener"
#define ATTEMPT_COLUMNS ATTEMPT_KEY ", server, count, first, last"

static void read_key(sqlite3_stmt *q, struct attempt_at *at)
{
	at->hour = sqlite3_column_int64(q, 0);
	at->addr = sqlite3_column_int64(q, 1);
	at->class = sqlite3_column_int64(q, 2);
	at->minute = sqlite3_column_int64(q, 3);
	at->account = sqlite3_column_int64(q, 4);
	at->listener = sqlite3_column_int64(q, 5);
}

static sqlite3_stmt *attempts_after(struct store *s, const struct attempt_at *at, int64_t until,
	size_t rows, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE (" ATTEMPT_KEY ") > (?1, ?2, ?3, ?4, ?5, ?6) "
		"AND hour <= ?7 ORDER BY " ATTEMPT_KEY " LIMIT ?8",
		err);

	if (q == NULL)
		return NULL;
	sqlite3_bind_int64(q, 1, at->hour);
	sqlite3_bind_int64(q, 2, at->addr);
	sqlite3_bind_int64(q, 3, at->class);
	sqlite3_bind_int64(q, 4, at->minute);
	sqlite3_bind_int64(q, 5, at->account);
	sqlite3_bind_int64(q, 6, at->listener);
	sqlite3_bind_int64(q, 7, until / HOUR_MS);
	sqlite3_bind_int64(q, 8, rows ? (int64_t)rows : -1);
	return q;
}

static void take_attempt(struct counter *c, sqlite3_stmt *q)
{
	int64_t class = sqlite3_column_int64(q, 2);
	const struct window *w;

	if (class < 0 || class >= CLASS_COUNT || sqlite3_column_int64(q, 6) != c->server)
		return;
	if (sqlite3_column_int64(q, 0) >= c->seen_since)
		c->seen |= 1u << class;
	w = &c->window[class];
	if (!c->has[class] || sqlite3_column_int64(q, 3) < w->start / MINUTE_MS ||
		sqlite3_column_int64(q, 9) < w->start ||
		(w->end != TIME_NONE && sqlite3_column_int64(q, 8) >= w->end))
		return;
	count_failures(c, class, sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 4),
		(uint64_t)sqlite3_column_int64(q, 7), sqlite3_column_int64(q, 9));
}

static bool count_attempts(struct counter *c, size_t rows, struct err *err)
{
	sqlite3_stmt *q = attempts_after(c->s, &c->at, c->until, rows, err);
	size_t n = 0;
	int r;

	if (q == NULL)
		return false;
	while ((r = db_step(c->s, q, err)) > 0) {
		take_attempt(c, q);
		read_key(q, &c->at);
		n++;
	}
	if (r == 0 && (rows == 0 || n < rows))
		c->phase = COUNT_BANS;
	return r == 0;
}

/* First and last hour that are known of the chosen address; false: nothing is. */
static bool known_hours(struct counter *c, int64_t *first, int64_t *last)
{
	sqlite3_stmt *q = db_prepare(c->s, "SELECT first_hour, last_hour FROM addr WHERE id = ?1", NULL);
	bool found;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, c->chosen.addr);
	found = db_step(c->s, q, NULL) > 0 && sqlite3_column_type(q, 0) != SQLITE_NULL;
	if (found) {
		*first = sqlite3_column_int64(q, 0);
		*last = sqlite3_column_int64(q, 1);
	}
	sqlite3_reset(q);
	return found;
}

/* An hour of one address is one run of its rows. */
static bool count_one(struct counter *c, size_t rows, struct err *err)
{
	sqlite3_stmt *q = db_prepare(c->s,
		"SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE hour = ?1 AND addr = ?2 ORDER BY " ATTEMPT_KEY, err);
	int64_t first, last, until = c->until / HOUR_MS;
	size_t n = 0;
	int r = 0;

	if (q == NULL)
		return false;
	if (!known_hours(c, &first, &last)) {
		c->phase = COUNT_BANS;
		return true;
	}
	until = last < until ? last : until;
	if (c->at.hour < first)
		c->at.hour = first;
	for (; c->at.hour <= until && (rows == 0 || n < rows); c->at.hour++) {
		sqlite3_bind_int64(q, 1, c->at.hour);
		sqlite3_bind_int64(q, 2, c->chosen.addr);
		for (n++; (r = db_step(c->s, q, err)) > 0; n++)
			take_attempt(c, q);
		if (r < 0)
			return false;
	}
	if (c->at.hour > until)
		c->phase = COUNT_BANS;
	return true;
}

/* ---- bans ---- */

#define BAN_COLUMNS                                                                                \
	"SELECT id, time, server, class, path, addr, CASE account WHEN 0 THEN recipient ELSE "     \
	"account END, lines, last FROM ban "

/* A ban's line stands for the failure that caused it, but for an unknown recipient (class 1), which
 * has its own beside it (seen on 0.15.5), and for a scanned path, where nothing was counted. */
static void take_ban(struct counter *c, sqlite3_stmt *q)
{
	int64_t class = sqlite3_column_int64(q, 3), time = sqlite3_column_int64(q, 1);
	const struct window *w;

	if (class < 0 || class >= CLASS_COUNT || !c->has[class] || class == CLASS_ABUSE)
		return;
	w = &c->window[class];
	if (sqlite3_column_int64(q, 2) != c->server || sqlite3_column_int64(q, 4) != 0 || time < w->start ||
		(w->end != TIME_NONE && time >= w->end))
		return;
	count_failures(c, class, sqlite3_column_int64(q, 5), sqlite3_column_int64(q, 6),
		(uint64_t)sqlite3_column_int64(q, 7), sqlite3_column_int64(q, 8));
}

static bool count_bans(struct counter *c, size_t rows, struct err *err)
{
	bool is_one = c->is_chosen && c->chosen.count == 0;
	sqlite3_stmt *q = is_one ? db_prepare(c->s,
					   BAN_COLUMNS "WHERE addr = ?5 AND time >= ?1 AND time < ?2 AND (time > ?1 "
						       "OR id > ?3) ORDER BY time, id LIMIT ?4",
					   err)
				 : db_prepare(c->s,
					   BAN_COLUMNS "WHERE time >= ?1 AND time < ?2 AND (time > ?1 OR id > ?3) "
						       "ORDER BY time, id LIMIT ?4",
					   err);
	size_t n = 0;
	int r;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, c->time);
	sqlite3_bind_int64(q, 2, c->until);
	sqlite3_bind_int64(q, 3, c->id);
	sqlite3_bind_int64(q, 4, rows ? (int64_t)rows : -1);
	if (is_one)
		sqlite3_bind_int64(q, 5, c->chosen.addr);
	while ((r = db_step(c->s, q, err)) > 0) {
		take_ban(c, q);
		c->id = sqlite3_column_int64(q, 0);
		c->time = sqlite3_column_int64(q, 1);
		n++;
	}
	if (r == 0 && (rows == 0 || n < rows))
		c->phase = COUNT_DONE;
	return r == 0;
}

/* ---- steps ---- */

void counter_begin(struct counter *c, struct store *s, int64_t server, const struct chosen *chosen,
	int64_t seen_since)
{
	int i;

	c->s = s;
	c->server = server;
	c->is_chosen = chosen != NULL;
	if (chosen)
		c->chosen = *chosen;
	c->seen_since = seen_since;
	c->since = INT64_MAX;
	c->until = 0;
	for (i = 0; i < CLASS_COUNT; i++) {
		const struct window *w = &c->window[i];

		if (!c->has[i])
			continue;
		c->since = w->start < c->since ? w->start : c->since;
		c->until = w->end == TIME_NONE ? INT64_MAX : w->end > c->until ? w->end : c->until;
	}
	c->at = (struct attempt_at){ .hour = c->since / HOUR_MS, .addr = -1 };
	c->time = c->since;
	c->phase = c->until == 0 ? COUNT_DONE : c->is_chosen && c->chosen.count == 0 ? COUNT_ONE : COUNT_ATTEMPTS;
}

bool counter_step(struct counter *c, size_t rows, bool *is_done, struct err *err)
{
	bool ok = true;

	switch (c->phase) {
	case COUNT_ATTEMPTS:
		ok = count_attempts(c, rows, err);
		break;
	case COUNT_ONE:
		ok = count_one(c, rows, err);
		break;
	case COUNT_BANS:
		ok = count_bans(c, rows, err);
		break;
	case COUNT_DONE:
		break;
	}
	*is_done = c->phase == COUNT_DONE;
	return ok;
}

void counter_release(struct counter *c)
{
	int i;

	for (i = 0; i < CLASS_COUNT; i++) {
		aggmap_release(&c->of[i].by_addr);
		aggmap_release(&c->of[i].by_account);
		fingerprints_release(&c->of[i].pairs);
	}
}

bool counter_search(struct store *s, int64_t server, unsigned classes, int64_t since, int64_t until,
	struct attempt_at *at, size_t rows, unsigned *seen, bool *is_done, struct err *err)
{
	sqlite3_stmt *q;
	size_t n = 0;
	int r = 0;

	if (at->hour < 0)
		*at = (struct attempt_at){ .hour = since / HOUR_MS, .addr = -1 };
	*is_done = true;
	if (since > until || (*seen & classes) == classes)
		return true;
	q = attempts_after(s, at, until, rows, err);
	if (q == NULL)
		return false;
	while ((*seen & classes) != classes && (r = db_step(s, q, err)) > 0) {
		if (sqlite3_column_int64(q, 6) == server)
			*seen |= (1u << (sqlite3_column_int64(q, 2) & 31)) & classes;
		read_key(q, at);
		n++;
	}
	sqlite3_reset(q);
	*is_done = (*seen & classes) == classes || rows == 0 || n < rows;
	return r >= 0;
}
