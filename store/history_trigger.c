/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The newest ban of an address and what led to it, as a job of steps: what hangs on the address alone is looked up
 * at once, the failures of its login are counted step by step. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/history_count.h"

#define DAY_MS  INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)

enum trigger_phase { TRIGGER_BAN, TRIGGER_COUNT, TRIGGER_SEARCH, TRIGGER_END, TRIGGER_DONE };

struct history_trigger_job {
	struct store *s;
	char *server_name;
	int64_t server;
	struct net address;
	struct threshold limits[CLASS_COUNT];
	enum trigger_phase phase;
	struct counter counter; /* of the login in the ban's window */
	int64_t word, until;
	struct attempt_at search;
	struct history_trigger out;
};

/* Does a ban's line stand for the failure that caused it? An unknown recipient has a line of its
 * own beside the ban's (seen on 0.15.5), and a scanned path is no failure that is counted. */
static bool is_failure(const struct history_ban *b)
{
	return b->class != CLASS_ABUSE && !b->path[0];
}

/* Bans of the address in the same window before this one: their lines were failures, too. */
static uint64_t earlier_lines(struct store *s, const struct history_query *address,
	const struct history_ban *b, int64_t start)
{
	struct history_query q = *address;
	struct history_ban *rows;
	uint64_t lines = 0;
	size_t count, i;

	q.since = start;
	q.until = b->time;
	q.limit = 100;
	if (!history_bans(s, &q, &rows, &count, NULL))
		return 0;
	for (i = 0; i < count; i++) {
		if (rows[i].class == b->class && is_failure(&rows[i]))
			lines += rows[i].lines;
	}
	history_bans_free(rows, count);
	return lines;
}

static const struct threshold *limit_of(const struct history_trigger_job *job)
{
	const struct threshold *h = &job->limits[job->out.ban.class];

	return h->enabled && h->count > 0 && h->period_ms > 0 ? h : NULL;
}

static const char *account_of(const struct history_ban *b)
{
	return b->account[0] ? b->account : b->to;
}

/* What the address did in the window. */
static bool ask_address(struct history_trigger_job *job, const struct history_query *address, struct err *err)
{
	struct history_trigger *out = &job->out;
	const struct threshold *h = limit_of(job);
	int64_t period = h ? h->period_ms : DAY_MS;
	struct history_query q = *address;
	size_t i;

	out->window_start = h && h->period_is_fixed ? out->ban.time - period : rate_window_start(period, out->ban.time);
	job->until = out->ban.time + HISTORY_SAME_BAN;
	q.class = out->ban.class;
	q.since = out->window_start;
	q.until = job->until;
	q.limit = 0;
	if (!history_attempts(job->s, &q, &out->attempts, &out->attempt_count, err))
		return false;
	out->failures = is_failure(&out->ban) ? 1 : 0;
	for (i = 0; i < out->attempt_count; i++)
		out->failures += out->attempts[i].count;
	out->failures += earlier_lines(job->s, address, &out->ban, out->window_start);
	return true;
}

static bool find_ban(struct history_trigger_job *job, struct err *err)
{
	struct history_ban *rows;
	struct history_query q;
	size_t count;

	history_query_init(&q);
	q.server = job->server_name;
	q.within = job->address;
	q.limit = 1;
	job->phase = TRIGGER_DONE;
	if (!history_bans(job->s, &q, &rows, &count, err))
		return false;
	if (count == 0) {
		free(rows);
		return true;
	}
	job->out.found = true;
	job->out.ban = rows[0];
	free(rows); /* its strings are out's now */
	if (!ask_address(job, &q, err))
		return false;
	job->word = scan_word(job->s, slice_of(account_of(&job->out.ban)), false, err);
	job->search.hour = -1;
	job->phase = job->word > 0 ? TRIGGER_COUNT : TRIGGER_SEARCH;
	if (job->word > 0) {
		enum ban_class class = job->out.ban.class;
		struct chosen chosen = { .words = { job->word }, .count = 1 };

		job->counter.has[class] = true;
		job->counter.window[class] =
			(struct window){ .class = class, .start = job->out.window_start, .end = job->until };
		counter_begin(&job->counter, job->s, job->server, &chosen, job->out.window_start / HOUR_MS);
	}
	return job->word >= 0;
}

static bool count(struct history_trigger_job *job, size_t rows, struct err *err)
{
	enum ban_class class = job->out.ban.class;
	const struct agg *a;
	bool is_done;

	if (!counter_step(&job->counter, rows, &is_done, err))
		return false;
	if (!is_done)
		return true;
	a = aggmap_find(&job->counter.of[class].by_account, (uint64_t)job->word, 0, 0);
	if (a) {
		job->out.account_failures = a->count;
		job->out.account_addresses = (uint32_t)a->other;
	}
	job->phase = TRIGGER_END; /* every attempt of the window was looked at */
	return true;
}

static bool search(struct history_trigger_job *job, size_t rows, struct err *err)
{
	bool is_done;

	if (!counter_search(job->s, job->server, 1u << job->out.ban.class, job->out.window_start, job->until,
		    &job->search, rows, &job->counter.seen, &is_done, err))
		return false;
	if (is_done)
		job->phase = TRIGGER_END;
	return true;
}

static void judge(struct history_trigger_job *job)
{
	struct history_trigger *out = &job->out;
	const struct threshold *h = limit_of(job);

	out->attempts_logged = job->counter.seen & 1u << out->ban.class;
	out->is_login_keyed = h && account_of(&out->ban)[0] && out->attempts_logged && out->failures <= h->count &&
			      out->account_failures > h->count;
	job->phase = TRIGGER_DONE;
}

/* ---- steps ---- */

struct history_trigger_job *history_trigger_begin(struct store *s, const char *server, const struct net *address,
	const struct thresholds *t, struct err *err)
{
	struct history_trigger_job *job;
	int64_t id = -1;

	if (!db_may_read(s, err) || (id = db_server(s, server, false, err)) < 0)
		return NULL;
	job = xcalloc(1, sizeof(*job));
	job->s = s;
	job->server = id;
	job->server_name = xstrdup(server);
	job->address = *address;
	job->out.window_start = TIME_NONE;
	job->phase = id ? TRIGGER_BAN : TRIGGER_DONE;
	if (t)
		memcpy(job->limits, t->of, sizeof(job->limits));
	return job;
}

bool history_trigger_step(struct history_trigger_job *job, size_t rows, bool *is_done, struct err *err)
{
	bool ok = db_may_read(job->s, err);

	switch (ok ? job->phase : TRIGGER_DONE) {
	case TRIGGER_BAN:
		ok = find_ban(job, err);
		break;
	case TRIGGER_COUNT:
		ok = count(job, rows, err);
		break;
	case TRIGGER_SEARCH:
		ok = search(job, rows, err);
		break;
	case TRIGGER_END:
		judge(job);
		break;
	case TRIGGER_DONE:
		break;
	}
	*is_done = job->phase == TRIGGER_DONE;
	return ok;
}

void history_trigger_take(struct history_trigger_job *job, struct history_trigger *out)
{
	*out = job->out;
	memset(&job->out, 0, sizeof(job->out));
}

void history_trigger_end(struct history_trigger_job *job)
{
	if (job == NULL)
		return;
	counter_release(&job->counter);
	history_trigger_release(&job->out);
	free(job->server_name);
	free(job);
}

bool history_trigger(struct store *s, const char *server, const struct net *address,
	const struct thresholds *t, struct history_trigger *out, struct err *err)
{
	struct history_trigger_job *job = history_trigger_begin(s, server, address, t, err);
	bool is_done = false, ok = job != NULL;

	memset(out, 0, sizeof(*out));
	out->window_start = TIME_NONE;
	while (ok && !is_done)
		ok = history_trigger_step(job, 0, &is_done, err);
	if (ok)
		history_trigger_take(job, out);
	history_trigger_end(job);
	return ok;
}

void history_trigger_release(struct history_trigger *t)
{
	struct history_ban *ban;

	history_sums_free(t->attempts, t->attempt_count);
	if (t->found) {
		ban = xmalloc(sizeof(*ban));
		*ban = t->ban;
		history_bans_free(ban, 1);
	}
	memset(t, 0, sizeof(*t));
}
