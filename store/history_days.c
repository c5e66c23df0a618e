/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bans per hour and per day up to now: the sparkline and the heat map, as a job of steps. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/aggmap.h"
#include "store/history_scan.h"

#define DAY_S  86400u
#define HOUR_S 3600u

struct history_buckets_job {
	struct store *s;
	struct scan_filter filter;
	struct scan_at at;
	bool is_done;
	uint32_t first, width; /* s */
	size_t count;
	uint32_t *hours;          /* one of the two */
	struct history_day *days;
	struct fingerprints pairs;
};

static void add_buckets(const struct packed_ban *rows, size_t count, void *arg)
{
	struct history_buckets_job *b = arg;
	size_t i, at;

	for (i = 0; i < count; i++) {
		if (!scan_fits(&b->filter, &rows[i]))
			continue;
		at = (rows[i].time - b->first) / b->width;
		if (at >= b->count)
			continue;
		if (b->hours) {
			b->hours[at]++;
			continue;
		}
		b->days[at].bans++;
		b->days[at].by_class[rows[i].class & 3]++;
		b->days[at].addresses +=
			fingerprints_add(&b->pairs, scan_mix((uint64_t)at << 32 | rows[i].addr_id));
	}
}

/* Buckets that end with the one `now` is in. */
static struct history_buckets_job *begin(struct store *s, const char *server, int64_t now, uint32_t width, size_t count,
	struct err *err)
{
	struct history_buckets_job *job;
	struct history_query q;

	if (!db_may_read(s, err))
		return NULL;
	job = xcalloc(1, sizeof(*job));
	job->s = s;
	job->at.after = -1;
	job->width = width;
	job->count = count;
	job->first = (scan_seconds(now) / width + 1) * width - (uint32_t)count * width;
	history_query_init(&q);
	q.server = server;
	q.since = (int64_t)job->first * 1000;
	q.until = q.since + (int64_t)count * width * 1000;
	if (scan_filter_make(s, &q, &job->filter, err))
		return job;
	free(job);
	return NULL;
}

struct history_buckets_job *history_hours_begin(struct store *s, const char *server, int64_t now, size_t hours,
	struct err *err)
{
	struct history_buckets_job *job = begin(s, server, now, HOUR_S, hours, err);

	if (job)
		job->hours = xcalloc(hours + 1, sizeof(*job->hours));
	return job;
}

struct history_buckets_job *history_days_begin(struct store *s, const char *server, int64_t now, size_t days,
	struct err *err)
{
	struct history_buckets_job *job = begin(s, server, now, DAY_S, days, err);
	int64_t today = time_day_start(now);
	size_t i;

	if (job == NULL)
		return NULL;
	job->days = xcalloc(days + 1, sizeof(*job->days));
	for (i = 0; i < days; i++)
		job->days[i].day = today - (int64_t)(days - 1 - i) * DAY_S * 1000;
	return job;
}

bool history_buckets_step(struct history_buckets_job *job, unsigned segs, bool *is_done, struct err *err)
{
	*is_done = job->is_done;
	if (*is_done)
		return true;
	if (!db_may_read(job->s, err) ||
		!scan_some(job->s, &job->filter, &job->at, segs, &job->is_done, add_buckets, job, err))
		return false;
	*is_done = job->is_done;
	return true;
}

void history_hours_take(struct history_buckets_job *job, uint32_t *out)
{
	memcpy(out, job->hours, job->count * sizeof(*out));
}

void history_days_take(struct history_buckets_job *job, struct history_day *out)
{
	memcpy(out, job->days, job->count * sizeof(*out));
}

void history_buckets_end(struct history_buckets_job *job)
{
	if (job == NULL)
		return;
	fingerprints_release(&job->pairs);
	free(job->hours);
	free(job->days);
	free(job);
}

/* ---- at once ---- */

static bool run(struct history_buckets_job *job, struct err *err)
{
	bool is_done = false;

	while (job && !is_done && history_buckets_step(job, HISTORY_ALL_SEGS, &is_done, err))
		;
	return is_done;
}

bool history_hours(struct store *s, const char *server, int64_t now, uint32_t *out, size_t hours,
	struct err *err)
{
	struct history_buckets_job *job = history_hours_begin(s, server, now, hours, err);
	bool ok = run(job, err);

	memset(out, 0, hours * sizeof(*out));
	if (ok)
		history_hours_take(job, out);
	history_buckets_end(job);
	return ok;
}

bool history_days(struct store *s, const char *server, int64_t now, struct history_day *out,
	size_t days, struct err *err)
{
	struct history_buckets_job *job = history_days_begin(s, server, now, days, err);
	bool ok = run(job, err);

	memset(out, 0, days * sizeof(*out));
	if (ok)
		history_days_take(job, out);
	history_buckets_end(job);
	return ok;
}
