/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which rates are tried for the monthly review, and what is made of the answers. */
#include <inttypes.h>

#include "core/buf.h"
#include "core/mem.h"
#include "store/history_report.h"

#define DAY_MS INT64_C(86400000)

static const uint64_t default_counts[CLASS_COUNT] = {
#define DEFAULT_COUNT(id, name, words, count) [CLASS_##id] = count,
	CLASS_INFO(DEFAULT_COUNT)
#undef DEFAULT_COUNT
};

static struct threshold threshold_now(const struct thresholds *all, enum ban_class class)
{
	struct threshold t = { .supported = true,
		.enabled = true,
		.count = default_counts[class],
		.period_ms = DAY_MS };

	return all ? all->of[class] : t;
}

/* "At 20/1d 14 more addresses would have been banned, 2 of them allowed." */
static void tell(const struct report_simulation *s, struct buf *out)
{
	char period[32];

	duration_format(s->period_ms, period, sizeof(period));
	buf_addf(out, "%sAt %" PRIu64 "/%s %" PRIu64 " more address%s would have been banned, ",
		out->len ? " " : "", s->count, period, s->more, s->more == 1 ? "" : "es");
	if (s->more_allowed == 0)
		buf_adds(out, "none of them allowed");
	else
		buf_addf(out, "%" PRIu64 " of them allowed", s->more_allowed);
	if (s->login_keyed)
		buf_addf(out, "; %" PRIu64 " in all only because of the login they tried", s->login_keyed);
	buf_addc(out, '.');
}

/* Picks a stricter rate only when it would have caught somebody and hurt nobody known; says what it
 * rests on. */
static char *advise_stricter(struct report_rate *rate)
{
	struct buf text = BUF_INIT;
	char period[32];
	size_t i;

	for (i = 0; i < rate->tried_count; i++) {
		const struct report_simulation *s = &rate->tried[i];

		if (s->count >= rate->now.count || s->more == 0)
			continue;
		tell(s, &text);
		if (s->allowed == 0 && s->login_keyed == 0 &&
			(rate->suggestion < 0 || s->more >= rate->tried[rate->suggestion].more))
			rate->suggestion = (int)i; /* as much with less: the milder one */
	}
	if (rate->suggestion >= 0) {
		const struct report_simulation *s = &rate->tried[rate->suggestion];

		duration_format(s->period_ms, period, sizeof(period));
		buf_addf(&text, " %" PRIu64 "/%s hurts nobody known: consider it.", s->count, period);
	} else if (text.len) {
		buf_adds(&text, " Leave it: that also hits allowed addresses or shared logins.");
	} else {
		buf_adds(&text, "Leave it: nothing stricter would have banned anybody else.");
	}
	return buf_take(&text, NULL);
}

static void advise(struct report_rate *rate)
{
	rate->suggestion = -1;
	if (!rate->now.enabled)
		rate->advice = xasprintf("Switched off.");
	else if (rate->tried_count == 0 || rate->tried[0].attempts == 0)
		rate->advice = xasprintf(
			"The log held no attempts of this kind, so no other rate can be judged.");
	else
		rate->advice = advise_stricter(rate);
}

bool history_fill_rates(
	struct store *s, const struct history_report_query *q, struct report *r, struct err *err)
{
	int c, i;

	for (c = 0; c < CLASS_COUNT; c++) {
		struct report_rate *rate = &r->rates[c];
		uint64_t last = 0;

		rate->class = (enum ban_class)c;
		rate->now = threshold_now(q->thresholds, rate->class);
		for (i = 0; i < 3 && rate->now.enabled && rate->now.count > 0 &&
			    rate->now.period_ms > 0;
			i++) {
			static const struct {
				uint64_t times, by;
			} scale[] = { { 1, 5 }, { 1, 2 }, { 2, 1 } };
			uint64_t count = rate->now.count * scale[i].times / scale[i].by;

			if (count == 0 || count == last || count == rate->now.count)
				continue;
			last = count;
			if (!history_simulate(s, q->server, rate->class, count, rate->now.period_ms,
				    q->since, q->until, q->allowed, &rate->tried[rate->tried_count],
				    err))
				return false;
			rate->tried_count++;
		}
		advise(rate);
	}
	return true;
}
