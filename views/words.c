/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What panels say alike: roles of reasons and verdicts, why a list is empty or stale, figures per address. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/places.h"
#include "core/clock.h"
#include "core/text.h"
#include "views/views.h"

enum role role_of_reason(enum reason r)
{
	static const enum role roles[REASON_COUNT] = { [REASON_NONE] = ROLE_DIM,
		[REASON_AUTH] = ROLE_CLASS_AUTH,
		[REASON_ABUSE] = ROLE_CLASS_ABUSE,
		[REASON_LOITER] = ROLE_CLASS_LOITER,
		[REASON_SCAN] = ROLE_CLASS_SCAN,
		[REASON_MANUAL] = ROLE_CLASS_MANUAL,
		[REASON_OTHER] = ROLE_NORMAL };

	return roles[r];
}

enum role role_of_verdict(enum verdict v)
{
	static const enum role roles[VERDICT_COUNT] = { [VERDICT_PENDING] = ROLE_PENDING,
		[VERDICT_IN_FORCE] = ROLE_GOOD,
		[VERDICT_STORED] = ROLE_WARN,
		[VERDICT_MISMATCH] = ROLE_BAD,
		[VERDICT_NOT_STORED] = ROLE_BAD,
		[VERDICT_UNKNOWN] = ROLE_WARN };

	return roles[v];
}

void status_of_snap(const struct view *v, enum snap what, struct view_status *out, size_t rows, const char *nothing)
{
	const struct app *a = app_of(v);
	const struct err *err = &a->snap.err[what];
	enum session_state state = session_state(a->session);
	char words[64];

	out->stale = err->code != ERR_NONE || state == SESSION_LOST;
	if (a->snap.fetched[what] != TIME_NONE)
		snprintf(out->right, sizeof(out->right), "as of %s ago",
			duration_words(clock_now() - a->snap.fetched[what], words, sizeof(words)));
	if (rows > 0)
		return;
	out->role = ROLE_DIM;
	out->unread = a->snap.fetched[what] == TIME_NONE;
	if (err->code != ERR_NONE) {
		out->role = ROLE_WARN;
		snprintf(out->empty, sizeof(out->empty), "%s: %.200s", snap_words(what), err->msg);
	} else if (out->unread && (state == SESSION_LOST || state == SESSION_REFUSED || state == SESSION_FOREIGN)) {
		out->role = ROLE_WARN;
		snprintf(
			out->empty, sizeof(out->empty), "%s: %.200s", snap_words(what), session_error(a->session)->msg);
	} else if (out->unread) {
		snprintf(out->empty, sizeof(out->empty), ui_glyphs(v->ui)->ascii ? "loading..." : "loading…");
	} else {
		snprintf(out->empty, sizeof(out->empty), "%s", nothing);
	}
}

char *words_time_of_day(int64_t t, int64_t now, char *out, size_t size)
{
	struct tm then, today;
	time_t a = (time_t)(t / 1000), b = (time_t)(now / 1000);

	out[0] = '\0';
	if (t == TIME_NONE || !localtime_r(&a, &then) || !localtime_r(&b, &today))
		return out;
	strftime(out, size,
		then.tm_yday == today.tm_yday && then.tm_year == today.tm_year ? "%H:%M:%S" : "%d %b %H:%M:%S", &then);
	return out;
}

bool words_prefix(const char *word, uint8_t *prefix4, uint8_t *prefix6)
{
	int64_t number;

	if (*word != '/' || !text_int(word + 1, 1, 127, &number))
		return false;
	*(number > 32 ? prefix6 : prefix4) = (uint8_t)number;
	return true;
}

const struct history_tally *console_tally(struct console *c, const struct net *n)
{
	return history_tally_find(c->app->snap.tallies, c->app->snap.tally_count, n);
}

void console_open_why(struct console *c, const char *address)
{
	struct net n;

	if (!net_parse(address, strlen(address), &n, NULL)) {
		ui_message(c->ui, ROLE_WARN, "%s is no address: there is nothing to say about why", address);
		return;
	}
	ui_push(c->ui, &view_why, address);
}

/* ---- where an address is from ---- */

void cell_country(const struct view *v, const struct net *n, struct cell *out)
{
	struct geo_place p;

	geo_lookup(app_of(v)->geo, n, &p);
	cell_set(out, p.country[0] ? ROLE_NORMAL : ROLE_DIM, "%s", p.country[0] ? p.country : ui_glyphs(v->ui)->dash);
}

void cell_as(const struct view *v, const struct net *n, struct cell *out)
{
	struct geo_place p;

	geo_lookup(app_of(v)->geo, n, &p);
	if (p.as_number)
		cell_set(out, ROLE_NORMAL, "AS%u %s", p.as_number, p.as_name);
	else
		cell_set(out, ROLE_DIM, "%s", ui_glyphs(v->ui)->dash);
}

int64_t sort_country(const struct view *v, const struct net *n)
{
	struct geo_place p;

	geo_lookup(app_of(v)->geo, n, &p);
	return (int64_t)(unsigned char)p.country[0] << 8 | (unsigned char)p.country[1];
}

int64_t sort_as(const struct view *v, const struct net *n)
{
	struct geo_place p;

	geo_lookup(app_of(v)->geo, n, &p);
	return p.as_number;
}
