/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words of foreign formats: what a column is called, how times and durations are written. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/mem.h"
#include "model/formats_private.h"

/* Names without '_', '-', '.' and blanks, in lower case. */
static const struct {
	const char *name;
	enum field field;
} names[] = {
	{"address", FIELD_ADDRESS},
	{"ip", FIELD_ADDRESS},
	{"value", FIELD_ADDRESS},
	{"addr", FIELD_ADDRESS},
	{"network", FIELD_ADDRESS},
	{"cidr", FIELD_ADDRESS},
	{"range", FIELD_ADDRESS},
	{"ipaddress", FIELD_ADDRESS},
	{"remoteip", FIELD_ADDRESS},
	{"host", FIELD_ADDRESS},
	{"net", FIELD_ADDRESS},
	{"sourceip", FIELD_ADDRESS},
	{"prefix", FIELD_ADDRESS},
	{"subnet", FIELD_ADDRESS},
	{"val", FIELD_ADDRESS},
	{"ipprefix", FIELD_ADDRESS},
	{"ipv4prefix", FIELD_ADDRESS},
	{"ipv6prefix", FIELD_ADDRESS},
	{"srcip", FIELD_ADDRESS},
	{"src", FIELD_ADDRESS},
	{"sourceaddress", FIELD_ADDRESS},
	{"clientip", FIELD_ADDRESS},
	{"client", FIELD_ADDRESS},
	{"remoteaddr", FIELD_ADDRESS},
	{"remoteaddress", FIELD_ADDRESS},
	{"ipaddr", FIELD_ADDRESS},
	{"ipv4", FIELD_ADDRESS},
	{"ipv6", FIELD_ADDRESS},
	{"iprange", FIELD_ADDRESS},
	{"bannedip", FIELD_ADDRESS},
	{"blockedip", FIELD_ADDRESS},
	{"attackerip", FIELD_ADDRESS},
	{"reason", FIELD_REASON},
	{"scenario", FIELD_REASON},
	{"class", FIELD_REASON},
	{"note", FIELD_NOTE},
	{"notes", FIELD_NOTE},
	{"comment", FIELD_NOTE},
	{"comments", FIELD_NOTE},
	{"description", FIELD_NOTE},
	{"createdat", FIELD_CREATED},
	{"created", FIELD_CREATED},
	{"since", FIELD_CREATED},
	{"bannedat", FIELD_CREATED},
	{"start", FIELD_CREATED},
	{"startat", FIELD_CREATED},
	{"timestamp", FIELD_CREATED},
	{"time", FIELD_CREATED},
	{"date", FIELD_CREATED},
	{"expiresat", FIELD_EXPIRES},
	{"expires", FIELD_EXPIRES},
	{"until", FIELD_EXPIRES},
	{"expiry", FIELD_EXPIRES},
	{"stopat", FIELD_EXPIRES},
	{"validuntil", FIELD_EXPIRES},
	{"banneduntil", FIELD_EXPIRES},
	{"blockeduntil", FIELD_EXPIRES},
	{"expirydate", FIELD_EXPIRES},
	{"expireson", FIELD_EXPIRES},
	{"end", FIELD_EXPIRES},
	{"duration", FIELD_DURATION},
	{"bantime", FIELD_DURATION},
	{"expiration", FIELD_DURATION},
	{"timeout", FIELD_DURATION},
	{"ttl", FIELD_DURATION},
	{"list", FIELD_LIST},
	{"type", FIELD_TYPE},
	{"action", FIELD_TYPE},
	{"scope", FIELD_SCOPE},
	{"decisions", FIELD_ALERT},
};

enum field field_of(const char *name, size_t len)
{
	char plain[32];
	size_t n = 0;

	for (size_t i = 0; i < len && n < sizeof(plain) - 1; i++)
		if (!strchr("_-. ", name[i]))
			plain[n++] = (char)tolower((unsigned char)name[i]);
	plain[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i].name, plain))
			return names[i].field;
	return FIELD_IGNORED;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
	while (s.len && is_blank(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && is_blank(s.p[s.len - 1]))
		s.len--;
	if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"') {
		s.p++;
		s.len -= 2;
	}
	return s;
}

struct slice slice_word(struct slice *s)
{
	struct slice w;

	while (s->len && is_blank(s->p[0])) {
		s->p++;
		s->len--;
	}
	w = (struct slice){s->p, 0};
	while (w.len < s->len && !is_blank(w.p[w.len]))
		w.len++;
	s->p = s->len ? s->p + w.len : s->p;
	s->len -= w.len;
	return w;
}

bool slice_is_fold(struct slice a, const char *s)
{
	return a.len == strlen(s) && (!a.len || !strncasecmp(a.p, s, a.len));
}

enum list_kind import_list(struct slice s)
{
	if (slice_is_fold(s, "blocked") || slice_is_fold(s, "block"))
		return LIST_BLOCKED;
	if (slice_is_fold(s, "allowed") || slice_is_fold(s, "allow"))
		return LIST_ALLOWED;
	return LIST_COUNT;
}

/* Seconds or milliseconds since the epoch, by their size. */
static bool epoch_time(struct slice s, int64_t *out)
{
	int64_t v = 0;

	if (s.len < 9 || s.len > 13)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!isdigit((unsigned char)s.p[i]))
			return false;
		v = v * 10 + (s.p[i] - '0');
	}
	*out = s.len <= 10 ? v * 1000 : v;
	return s.len <= 10 || s.len == 13;
}

/* "2026-11-21 11:18:27.5 +0100 CET", as Go programs print a time: the zone's name goes, its offset
 * stays. */
static struct slice cut_zone_name(struct slice s, char *out, size_t size)
{
	struct slice rest = s, date = slice_word(&rest), clock = slice_word(&rest), zone = slice_word(&rest);

	if (date.len != 10 || clock.len < 8 || zone.len != 5 || (zone.p[0] != '+' && zone.p[0] != '-') ||
		date.len + clock.len + zone.len + 2 > size)
		return s;
	int n = snprintf(out, size, "%.10sT%.*s%.3s:%.2s", date.p, (int)clock.len, clock.p, zone.p, zone.p + 3);

	return n > 0 && (size_t)n < size ? (struct slice){out, (size_t)n} : s;
}

bool import_time(struct slice s, int64_t now, int64_t *out)
{
	char text[64], plain[64];

	s = cut_zone_name(slice_trim(s), plain, sizeof(plain));
	*out = TIME_NONE;
	if (!s.len || slice_is_fold(s, "never") || slice_is_fold(s, "null") ||
		slice_is_fold(s, "-"))
		return true;
	if (epoch_time(s, out))
		return true;
	if (s.len >= sizeof(text) || memchr(s.p, '\0', s.len))
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	return time_parse(text, now, out);
}

/* Longer names first: "ms" before "m". */
static const struct {
	const char *name;
	double ms;
} units[] = {
	{"ms", 1},
	{"us", 1e-3},
	{"ns", 1e-6},
	{"\xc2\xb5s", 1e-3},
	{"w", 604800e3},
	{"d", 86400e3},
	{"h", 3600e3},
	{"m", 60e3},
	{"s", 1e3},
};

static double cut_unit(struct slice *s)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (slice_starts(*s, units[i].name)) {
			s->p += strlen(units[i].name);
			s->len -= strlen(units[i].name);
			return units[i].ms;
		}
	}
	return 0;
}

static bool cut_number(struct slice *s, double *out)
{
	double v = 0, place = 1;
	size_t i = 0, digits = 0;
	bool in_fraction = false;

	for (; i < s->len && i < 24; i++) {
		if (s->p[i] == '.' && !in_fraction) {
			in_fraction = true;
			continue;
		}
		if (!isdigit((unsigned char)s->p[i]))
			break;
		digits++;
		if (in_fraction)
			v += (s->p[i] - '0') * (place /= 10);
		else
			v = v * 10 + (s->p[i] - '0');
	}
	s->p += i;
	s->len -= i;
	*out = v;
	return digits > 0;
}

bool import_duration(struct slice s, int64_t *ms)
{
	double sum = 0, sign = 1, v;

	s = slice_trim(s);
	if (s.len && (s.p[0] == '-' || s.p[0] == '+')) {
		sign = s.p[0] == '-' ? -1 : 1;
		s.p++;
		s.len--;
	}
	if (!s.len)
		return false;
	while (s.len) {
		if (!cut_number(&s, &v))
			return false;
		double unit = s.len     ? cut_unit(&s)
			      : sum > 0 ? 0
					: 1e3; /* a bare number is seconds */

		if (unit <= 0)
			return false;
		sum += v * unit;
	}
	if (sum > 3.2e14) /* ten thousand years */
		return false;
	*ms = (int64_t)(sign * sum);
	return true;
}
