/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The monthly review as one JSON document: keys as in struct report. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/report_private.h"

/* Writes members one after the other; knows whether a comma is due. */
struct json {
	struct buf *out;
	unsigned flags;
	bool is_first;
};

static void text_value(struct json *j, const char *s)
{
	struct buf safe = BUF_INIT;

	text_safe(&safe, s ? s : "", s ? strlen(s) : 0, j->flags);
	buf_addc(j->out, '"');
	for (s = buf_str(&safe); *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(j->out, '\\');
		buf_addc(j->out, *s);
	}
	buf_addc(j->out, '"');
	buf_release(&safe);
}

static void separate(struct json *j)
{
	if (!j->is_first)
		buf_addc(j->out, ',');
	j->is_first = false;
}

static void name(struct json *j, const char *key)
{
	separate(j);
	buf_addf(j->out, "\"%s\":", key);
}

static void put_text(struct json *j, const char *key, const char *s)
{
	name(j, key);
	text_value(j, s);
}

static void put_number(struct json *j, const char *key, uint64_t n)
{
	name(j, key);
	buf_addf(j->out, "%" PRIu64, n);
}

static void put_bool(struct json *j, const char *key, bool b)
{
	name(j, key);
	buf_adds(j->out, b ? "true" : "false");
}

static void put_time(struct json *j, const char *key, int64_t t)
{
	char text[TIME_BUF];

	name(j, key);
	if (t == TIME_NONE)
		buf_adds(j->out, "null");
	else
		text_value(j, time_format(t, text, sizeof(text)));
}

static void put_net(struct json *j, const char *key, const struct net *n)
{
	char text[NET_BUF];

	put_text(j, key, net_format(n, text, sizeof(text)));
}

/* Brackets: key NULL inside an array. */
static void open_bracket(struct json *j, const char *key, char bracket)
{
	if (key)
		name(j, key);
	else
		separate(j);
	buf_addc(j->out, bracket);
	j->is_first = true;
}

static void close_bracket(struct json *j, char bracket)
{
	buf_addc(j->out, bracket);
	j->is_first = false;
}

char *report_month(const struct report *r)
{
	char from[TIME_BUF], to[TIME_BUF];

	time_format(r->since, from, sizeof(from));
	time_format(r->until - 1000, to, sizeof(to));
	if (strlen(from) < 10 || strlen(to) < 10)
		return xstrdup("");
	if (strncmp(from, to, 7) == 0 && strncmp(from + 8, "01", 2) == 0 &&
		r->until - r->since > INT64_C(27) * 86400000)
		return xstrndup(from, 7);
	from[10] = to[10] = '\0';
	return xasprintf("%s to %s", from, to);
}

static void put_totals(struct json *j, const struct report *r)
{
	char *month = report_month(r);
	int c;

	put_text(j, "month", month);
	put_text(j, "server", r->server);
	put_time(j, "since", r->since);
	put_time(j, "until", r->until);
	put_time(j, "made", r->made);
	put_time(j, "covered_since", r->covered_since);
	put_time(j, "covered_until", r->covered_until);
	put_number(j, "bans", r->bans);
	put_number(j, "bans_before", r->bans_before);
	open_bracket(j, "by_class", '{');
	for (c = 0; c < CLASS_COUNT; c++)
		put_number(j, class_name((enum ban_class)c), r->by_class[c]);
	close_bracket(j, '}');
	put_number(j, "addresses", r->addresses);
	put_number(j, "accounts", r->accounts);
	put_number(j, "refused", r->refused);
	put_number(j, "attempts", r->attempts);
	put_number(j, "ended", r->ended);
	put_number(j, "own_changes", r->own_changes);
	put_number(j, "own_not_in_force", r->own_not_in_force);
	put_time(j, "busiest_day", r->busiest_day);
	put_number(j, "busiest_bans", r->busiest_bans);
	free(month);
}

static void put_offenders(struct json *j, const struct report *r)
{
	size_t i;

	open_bracket(j, "offenders", '[');
	for (i = 0; i < r->offender_count; i++) {
		const struct report_offender *o = &r->offenders[i];

		open_bracket(j, NULL, '{');
		put_net(j, "address", &o->address);
		put_number(j, "bans", o->bans);
		put_number(j, "bans_ever", o->bans_ever);
		put_number(j, "refused", o->refused);
		put_time(j, "first", o->first);
		put_time(j, "last", o->last);
		put_text(j, "class", class_name(o->class));
		put_text(j, "account", o->account);
		close_bracket(j, '}');
	}
	close_bracket(j, ']');
}

static void put_ranges(struct json *j, const struct report *r)
{
	size_t i;

	open_bracket(j, "ranges", '[');
	for (i = 0; i < r->range_count; i++) {
		const struct report_range *g = &r->ranges[i];

		open_bracket(j, NULL, '{');
		put_net(j, "range", &g->net);
		put_number(j, "bans", g->bans);
		put_number(j, "addresses", g->addresses);
		put_number(j, "refused", g->refused);
		put_time(j, "first", g->first);
		put_time(j, "last", g->last);
		put_number(j, "allowed_hit", g->allowed_hit);
		close_bracket(j, '}');
	}
	close_bracket(j, ']');
	open_bracket(j, "gateways", '[');
	for (i = 0; i < r->gateway_count; i++) {
		const struct report_gateway *g = &r->gateways[i];

		open_bracket(j, NULL, '{');
		put_net(j, "address", &g->address);
		put_number(j, "bans", g->bans);
		put_number(j, "refused", g->refused);
		put_number(j, "accounts", g->accounts);
		put_number(j, "listeners", g->listeners);
		put_time(j, "first", g->first);
		put_text(j, "why", g->why);
		close_bracket(j, '}');
	}
	close_bracket(j, ']');
	open_bracket(j, "targets", '[');
	for (i = 0; i < r->target_count; i++) {
		open_bracket(j, NULL, '{');
		put_text(j, "account", r->targets[i].account);
		put_number(j, "failures", r->targets[i].failures);
		put_number(j, "addresses", r->targets[i].addresses);
		put_number(j, "bans", r->targets[i].bans);
		close_bracket(j, '}');
	}
	close_bracket(j, ']');
}

static void put_rates(struct json *j, const struct report *r)
{
	char rate[64];
	size_t i;
	int c;

	open_bracket(j, "thresholds", '[');
	for (c = 0; c < CLASS_COUNT; c++) {
		const struct report_rate *t = &r->rates[c];

		open_bracket(j, NULL, '{');
		put_text(j, "class", class_name(t->class));
		put_text(j, "rate", rate_format(&t->now, rate, sizeof(rate)));
		put_bool(j, "enabled", t->now.enabled);
		put_number(j, "bans", t->bans);
		put_number(j, "addresses", t->addresses);
		open_bracket(j, "tried", '[');
		for (i = 0; i < t->tried_count; i++) {
			const struct report_simulation *s = &t->tried[i];

			open_bracket(j, NULL, '{');
			put_number(j, "count", s->count);
			put_number(j, "period_s", (uint64_t)(s->period_ms / 1000));
			put_number(j, "attempts", s->attempts);
			put_number(j, "banned", s->banned);
			put_number(j, "more", s->more);
			put_number(j, "more_allowed", s->more_allowed);
			put_number(j, "fewer", s->fewer);
			put_number(j, "allowed", s->allowed);
			put_number(j, "login_keyed", s->login_keyed);
			put_bool(j, "suggested", t->suggestion == (int)i);
			close_bracket(j, '}');
		}
		close_bracket(j, ']');
		put_text(j, "advice", t->advice);
		close_bracket(j, '}');
	}
	close_bracket(j, ']');
}

void report_print_json(const struct report *r, bool ascii, struct buf *out)
{
	struct json j = { out, TEXT_LINE | (ascii ? TEXT_ASCII : 0u), true };

	open_bracket(&j, NULL, '{');
	put_totals(&j, r);
	put_offenders(&j, r);
	put_ranges(&j, r);
	put_rates(&j, r);
	close_bracket(&j, '}');
	buf_addc(out, '\n');
}
