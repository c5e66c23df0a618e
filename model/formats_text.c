/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import of formats that go line by line: plain values, fail2ban, ipset, iptables, settings keys.
 */
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/mem.h"
#include "model/formats_private.h"

static struct fields address_only(struct slice address)
{
	struct fields f = {.of = {[FIELD_ADDRESS] = address}};

	return f;
}

/* ---- values ---- */

/* "1.2.3.4 # office" and, as block lists have it, "1.2.3.0/24 ; SBL1": what follows is a note. */
static struct slice cut_comment(struct slice *line)
{
	for (size_t i = 0; i < line->len; i++) {
		if ((line->p[i] != '#' && line->p[i] != ';') ||
			(i && line->p[i - 1] != ' ' && line->p[i - 1] != '\t'))
			continue;
		struct slice note = {line->p + i + 1, line->len - i - 1};
		line->len = i;
		return slice_trim(note);
	}
	return SLICE_NONE;
}

/* server.blocked-ip.1.2.3.4 = "value": a line of another server's settings. */
static bool settings_line(struct import *im, struct slice line)
{
	enum list_kind list = settings_key_cut(&line);
	const char *eq = line.len ? memchr(line.p, '=', line.len) : NULL;
	struct slice value = SLICE_NONE;

	if (list == LIST_COUNT)
		return false;
	if (eq) {
		value = slice_trim((struct slice){eq + 1, (size_t)(line.p + line.len - eq - 1)});
		line.len = (size_t)(eq - line.p);
	}
	import_settings_add(im, im->state->line, slice_trim(line), value, list);
	return true;
}

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/* Cuts the next of the words of a line off; empty at its end. */
static struct slice cut_value(struct slice *line)
{
	struct slice word;

	while (line->len && is_separator(line->p[0])) {
		line->p++;
		line->len--;
	}
	word = (struct slice){line->p, 0};
	while (word.len < line->len && !is_separator(word.p[word.len]))
		word.len++;
	line->p += word.len;
	line->len -= word.len;
	return word;
}

/* Several words, and not one is an address: one complaint is enough. */
static bool is_prose(struct slice line)
{
	struct slice word = cut_value(&line);
	size_t words = 0;
	struct net n;

	for (; word.len; word = cut_value(&line), words++)
		if (net_parse(word.p, word.len, &n, NULL))
			return false;
	return words > 1;
}

static void values_slow(struct import *im, struct slice line)
{
	struct slice note, word;

	line = slice_trim(line);
	if (settings_line(im, line))
		return;
	note = cut_comment(&line);
	if (is_prose(line)) {
		import_bad_add(im, im->state->line, line.p, line.len, "no address in this line");
		return;
	}
	while ((word = cut_value(&line)).len) {
		struct fields f = address_only(word);

		f.of[FIELD_NOTE] = note;
		import_fields_add(im, im->state->line, &f);
	}
}

static void values_line(struct import *im, const char *s, size_t len)
{
	unsigned flags;
	struct net n;

	if (net_parse(s, len, &n, &flags))
		import_row_add(im, im->state->line, &n, flags, NULL);
	else if (len)
		values_slow(im, (struct slice){s, len});
}

const struct reader reader_values = {.line = values_line};

/* ---- fail2ban ---- */

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
	if (!slice_is(plus, "+")) {
		/* Without --with-time: addresses only. */
		values_line(im, s, len);
		return;
	}
	if (!local_time(date, clock, &at) || !import_duration(seconds, &span)) {
		import_bad_add(im, im->state->line, s, len,
			"no time of a ban and how long it lasts after the address");
		return;
	}
	struct fields f = address_only(address);
	f.of[FIELD_CREATED] = slice_of(time_format(at, created, sizeof(created)));
	if (span >= 0)
		f.of[FIELD_EXPIRES] = slice_of(time_format(at + span, expires, sizeof(expires)));
	import_fields_add(im, im->state->line, &f);
}

const struct reader reader_fail2ban = {.line = fail2ban_line};

/* ---- ipset ---- */

/* Text between the next two double quotes. */
static struct slice quoted(struct slice s)
{
	const char *open = s.len ? memchr(s.p, '"', s.len) : NULL;
	const char *close = open ? memchr(open + 1, '"', (size_t)(s.p + s.len - open - 1)) : NULL;

	return close ? (struct slice){open + 1, (size_t)(close - open - 1)} : SLICE_NONE;
}

/* "1.2.3.4 timeout 300 comment "text"" */
static void ipset_element(struct import *im, struct slice rest)
{
	struct slice word = slice_word(&rest);
	struct fields f = address_only(word);

	while ((word = slice_word(&rest)).len) {
		if (slice_is(word, "timeout")) {
			word = slice_word(&rest);
			if (!slice_is(word, "0"))
				f.of[FIELD_DURATION] = word;
		} else if (slice_is(word, "comment")) {
			f.of[FIELD_NOTE] = quoted(rest);
			break;
		} else if (slice_is(word, "nomatch")) {
			import_bad_add(im, im->state->line, f.of[FIELD_ADDRESS].p,
				f.of[FIELD_ADDRESS].len,
				"nomatch makes this an exception of the set, not a member");
			return;
		}
	}
	import_range_add(im, im->state->line, &f);
}

static void ipset_line(struct import *im, const char *s, size_t len)
{
	struct importer *st = im->state;
	struct slice line = slice_trim((struct slice){s, len}), rest = line;
	struct slice first = slice_word(&rest);

	if (!first.len || first.p[0] == '#')
		return;
	if (slice_is(first, "ipset"))
		first = slice_word(&rest);
	if (slice_is(first, "add") || slice_is(first, "-A")) {
		slice_word(&rest);
		ipset_element(im, rest);
	} else if (slice_is(first, "Members:")) {
		st->in_members = true;
	} else if (slice_is(first, "Name:")) {
		st->in_members = false;
	} else if (st->in_members) {
		ipset_element(im, line);
	}
}

const struct reader reader_ipset = {.line = ipset_line};

/* ---- iptables ---- */

/* Rules that drop a source; others say nothing about bans and are passed over. */
static void iptables_line(struct import *im, const char *s, size_t len)
{
	struct slice rest = {s, len}, word, before = SLICE_NONE;
	struct fields f = {.of = {SLICE_NONE}};
	bool drops = false, is_negated = false;

	if (len && s[0] == '#')
		return;
	for (; (word = slice_word(&rest)).len; before = word) {
		if (slice_is(word, "-s") || slice_is(word, "--source")) {
			is_negated |= slice_is(before, "!");
			f.of[FIELD_ADDRESS] = slice_word(&rest);
		} else if (slice_is(word, "-j") || slice_is(word, "--jump")) {
			word = slice_word(&rest);
			drops = slice_is(word, "DROP") || slice_is(word, "REJECT");
		} else if (slice_is(word, "--comment")) {
			struct slice text = quoted(rest);

			if (rest.len > 1 && text.len && text.p == rest.p + 2) {
				f.of[FIELD_NOTE] = text;
				rest.len -= (size_t)(text.p + text.len + 1 - rest.p);
				rest.p = text.p + text.len + 1;
			} else {
				f.of[FIELD_NOTE] = slice_word(&rest);
			}
		}
	}
	if (!drops || !f.of[FIELD_ADDRESS].len)
		return;
	if (is_negated)
		import_bad_add(
			im, im->state->line, s, len, "this rule drops everything but that address");
	else
		import_fields_add(im, im->state->line, &f);
}

const struct reader reader_iptables = {.line = iptables_line};
