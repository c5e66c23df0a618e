/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What switching a threshold off would have let through, and what a higher rate would have done instead. */
#include "app/threshold_off.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/text.h"
#include "store/history.h"

#define DAY_MS      86400000
#define MINUTE_MS   60000 /* attempts are kept by the minute: this one counts, too */
#define GUESS_TIMES 5 /* offered when the log can't tell */

/* Connections refused after the last ban of each address: what the ban kept out. */
static uint64_t refused_since_ban(struct app *a, enum ban_class c, int64_t since)
{
	struct history_tally *rows;
	size_t count;
	uint64_t sum = 0;

	if (!history_tallies(a->store, a->profile.name, &rows, &count, NULL))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (rows[i].last_class == c && rows[i].last_ban != TIME_NONE && rows[i].last_ban >= since)
			sum += rows[i].refused;
	free(rows);
	return sum;
}

static bool banned_addresses(struct app *a, enum ban_class c, int64_t since, uint64_t *out)
{
	struct history_query q;
	struct history_row *rows;
	size_t count;

	history_query_init(&q);
	q.server = a->profile.name;
	q.since = since;
	q.class = c;
	if (!history_group(a->store, HISTORY_BY_REASON, &q, &rows, &count, NULL, NULL))
		return false;
	*out = count > 0 ? rows[0].addresses : 0;
	history_rows_free(rows, count);
	return true;
}

static void try_rates(struct app *a, enum ban_class c, const struct threshold *t, int64_t now, struct off_advice *out)
{
	static const unsigned times[OFF_TRIED] = { 2, 5, 10 };

	for (size_t i = 0; i < OFF_TRIED; i++) {
		struct report_simulation s;

		if (!history_simulate(a->store, a->profile.name, c, t->count * times[i], t->period_ms, now - OFF_DAYS * (int64_t)DAY_MS, now + MINUTE_MS, NULL,
			    &s, NULL) ||
			s.attempts == 0)
			return;
		out->failures = s.attempts;
		out->tried[out->tried_count++] = (struct off_tried){ t->count * times[i], s.banned };
		if (out->best < 0 && out->addresses > 0 && s.banned * 2 <= out->addresses)
			out->best = (int)i;
	}
}

void threshold_off_advice(struct app *a, enum ban_class c, struct off_advice *out)
{
	const struct threshold *t = a->snap.thresholds ? &a->snap.thresholds->of[c] : NULL;
	int64_t now = clock_now(), since = now - OFF_DAYS * (int64_t)DAY_MS;

	*out = (struct off_advice){ .best = -1 };
	if (!t || !t->enabled || t->malformed || t->count == 0 || t->period_ms <= 0)
		return; /* it bans nobody as it is: nothing is given up */
	out->period_ms = t->period_ms;
	out->tried[0].count = t->count * GUESS_TIMES;
	if (!a->store || !banned_addresses(a, c, since, &out->addresses))
		return;
	out->has_history = true;
	out->refused = refused_since_ban(a, c, since);
	try_rates(a, c, t, now, out);
}

static const char *rate_of(const struct off_advice *o, size_t i, char *out, size_t size)
{
	struct threshold t = {
		.supported = true, .enabled = true, .count = o->tried[i].count, .period_ms = o->period_ms
	};

	return rate_format(&t, out, size);
}

static void say_history(struct plan *p, const struct off_advice *o)
{
	char a[32], b[32];

	if (!o->has_history)
		plan_add_line(
			p, PLAN_WARN, 0, "what that would have let through is not known: there is no ban history");
	else if (o->addresses == 0)
		plan_add_line(p, PLAN_INFO, 0, "in the last %d days nobody was banned by it", OFF_DAYS);
	else
		plan_add_line(p, PLAN_WARN, 0,
			"in the last %d days that would have let through %s %s that %s banned, and the %s connections refused of %s since",
			OFF_DAYS, text_grouped(o->addresses, a, sizeof(a)), o->addresses == 1 ? "address" : "addresses",
			o->addresses == 1 ? "was" : "were", text_grouped(o->refused, b, sizeof(b)),
			o->addresses == 1 ? "it" : "them");
}

void threshold_off_say(struct plan *p, enum ban_class c, const struct off_advice *o)
{
	struct buf tried = BUF_INIT;
	char rate[64], n[32];

	plan_add_line(p, PLAN_WARN, 0, "switched off, nobody is banned for %s any more", class_words(c));
	if (o->period_ms == 0)
		return;
	say_history(p, o);
	for (size_t i = 0; i < o->tried_count; i++)
		buf_addf(&tried, "%s%s at %s", i ? ", " : "", text_grouped(o->tried[i].banned, n, sizeof(n)),
			rate_of(o, i, rate, sizeof(rate)));
	if (o->tried_count)
		plan_add_line(p, PLAN_INFO, 0, "would a higher rate do? Addresses still banned: %s", buf_str(&tried));
	else
		plan_add_line(p, PLAN_INFO, 0,
			"would a higher rate do? e.g. %s; the log holds no failed attempts to judge it by",
			rate_of(o, 0, rate, sizeof(rate)));
	snprintf(p->instead, sizeof(p->instead), "%s", rate_of(o, o->best >= 0 ? (size_t)o->best : o->tried_count > 1 ? 1 : 0, rate, sizeof(rate)));
	buf_release(&tried);
}

void threshold_off_json(const struct off_advice *o, struct buf *out)
{
	char rate[64];

	if (!o->has_history) {
		buf_adds(out, "null");
		return;
	}
	buf_addf(out,
		"{\"days\":%d,\"addresses\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"failures\":%" PRIu64 ",\"tried\":[",
		OFF_DAYS, o->addresses, o->refused, o->failures);
	for (size_t i = 0; i < o->tried_count; i++)
		buf_addf(out, "%s{\"rate\":\"%s\",\"banned\":%" PRIu64 "}", i ? "," : "",
			rate_of(o, i, rate, sizeof(rate)), o->tried[i].banned);
	buf_adds(out, "]}");
}
