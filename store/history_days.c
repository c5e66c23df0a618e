/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bans per hour and per day up to now: the sparkline and the heat map. */
#include "store/aggmap.h"
#include "store/history_scan.h"

#define DAY_S  86400u
#define HOUR_S 3600u

struct buckets {
	const struct scan_filter *filter;
	uint32_t first, width; /* s */
	size_t count;
	uint32_t *hours;
	struct history_day *days;
	struct fingerprints pairs;
};

static void add_buckets(const struct packed_ban *rows, size_t count, void *arg)
{
	struct buckets *b = arg;
	size_t i, at;

	for (i = 0; i < count; i++) {
		if (!scan_fits(b->filter, &rows[i]))
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
static bool fill_buckets(
	struct store *s, const char *server, int64_t now, struct buckets *b, struct err *err)
{
	struct scan_filter filter;
	struct history_query q;
	bool ok;

	history_query_init(&q);
	q.server = server;
	b->first = (scan_seconds(now) / b->width + 1) * b->width - (uint32_t)b->count * b->width;
	q.since = (int64_t)b->first * 1000;
	q.until = q.since + (int64_t)b->count * b->width * 1000;
	b->filter = &filter;
	if (!db_may_read(s, err) || !scan_filter_make(s, &q, &filter, err))
		return false;
	ok = scan_bans(s, &filter, add_buckets, b, err);
	fingerprints_release(&b->pairs);
	return ok;
}

bool history_hours(struct store *s, const char *server, int64_t now, uint32_t *out, size_t hours,
	struct err *err)
{
	struct buckets b = { .width = HOUR_S, .count = hours, .hours = out };

	memset(out, 0, hours * sizeof(*out));
	return fill_buckets(s, server, now, &b, err);
}

bool history_days(struct store *s, const char *server, int64_t now, struct history_day *out,
	size_t days, struct err *err)
{
	struct buckets b = { .width = DAY_S, .count = days, .days = out };
	int64_t today = time_day_start(now);
	size_t i;

	memset(out, 0, days * sizeof(*out));
	for (i = 0; i < days; i++)
		out[i].day = today - (int64_t)(days - 1 - i) * DAY_S * 1000;
	return fill_buckets(s, server, now, &b, err);
}
