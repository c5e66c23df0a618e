/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import of what fail2ban-client prints: `get JAIL banip`, with times or without, `status JAIL` and
 * `banned`. */
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/mem.h"
#include "model/formats_private.h"

/* "2026-11-20 09:40:12" in this host's time zone, as fail2ban prints it. */
static bool local_time(struct slice date, struct slice clock, int64_t *out)
{
	char text[32];
	struct tm tm;

	if (date.len != 10 || clock.len != 8)
		return false;
	memcpy(text, date.p, 10);
	text[10] = ' ';
	memcpy(text + 11, clock.p, 8);
	text[19] = '\0';
	memset(&tm, 0, sizeof(tm));
	const char *end = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
	if (!end || *end)
		return false;
	tm.tm_isdst = -1;
	time_t t = mktime(&tm);
	if (t == (time_t)-1)
		return false;
	*out = (int64_t)t * 1000;
	return true;
}

/* What `banned` prints: ['1.2.3.4', …] of one jail, [{'jail': ['1.2.3.4', …]}, …] of all. */
static void quoted_line(struct import *im, struct slice line)
{
	const char *end = line.p + line.len, *open = memchr(line.p, '\'', line.len), *close;

	for (; open; open = memchr(close + 1, '\'', (size_t)(end - close - 1))) {
		close = memchr(open + 1, '\'', (size_t)(end - open - 1));
		if (!close) {
			import_bad_add(im, im->state->line, open, (size_t)(end - open),
				"a quote is opened and never closed");
			return;
		}
		struct fields f = {
			.of = {[FIELD_ADDRESS] = {open + 1, (size_t)(close - open - 1)}}};
		if (close + 1 == end || close[1] != ':') /* that was a jail */
			import_fields_add(im, im->state->line, &f);
	}
}

/* What `status JAIL` prints: a tree with one line of addresses in it. */
static void status_line(struct import *im, struct slice line)
{
	static const char banned[] = "Banned IP list:";
	const char *at = line.len ? memmem(line.p, line.len, banned, strlen(banned)) : NULL;

	if (at) {
		at += strlen(banned);
		import_values_line(im, at, (size_t)(line.p + line.len - at));
	}
}

/* "1.2.3.4 \t2026-11-20 09:40:12 + 600 = 2026-11-20 09:50:12"; -1 seconds is for ever. */
static void fail2ban_line(struct import *im, const char *s, size_t len)
{
	struct slice line = {s, len}, rest;
	char created[TIME_BUF], expires[TIME_BUF];
	int64_t at, span;

	rest = line;
	struct slice address = slice_word(&rest), date = slice_word(&rest),
		     clock = slice_word(&rest);
	struct slice plus = slice_word(&rest), seconds = slice_word(&rest);
	if (!address.len || address.p[0] == '#')
		return;
	im->state->in_members |= slice_starts(line, "Status for the jail");
	if (im->state->in_members) {
		status_line(im, line);
		return;
	}
	if (address.p[0] == '[') {
		quoted_line(im, line);
		return;
	}
	if (!slice_is(plus, "+")) {
		/* Without --with-time: addresses only. */
		import_values_line(im, s, len);
		return;
	}
	if (!local_time(date, clock, &at) || !import_duration(seconds, &span)) {
		import_bad_add(im, im->state->line, s, len,
			"no time of a ban and how long it lasts after the address");
		return;
	}
	struct fields f = {.of = {[FIELD_ADDRESS] = address}};
	f.of[FIELD_CREATED] = slice_of(time_format(at, created, sizeof(created)));
	if (span >= 0)
		f.of[FIELD_EXPIRES] = slice_of(time_format(at + span, expires, sizeof(expires)));
	import_fields_add(im, im->state->line, &f);
}

const struct reader reader_fail2ban = {.line = fail2ban_line};
