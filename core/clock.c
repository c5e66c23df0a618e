/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two clocks, and points in time as text. Durations are in clock_duration.c. */
#include "core/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DAY_MS INT64_C(86400000)

static int64_t fixed_now = TIME_NONE;
static bool env_seen; /* STALWARDEN_NOW is read once, or never when clock_fix() came first */

int64_t clock_now(void)
{
	struct timespec ts;

	if (!env_seen) {
		const char *s = getenv("STALWARDEN_NOW");

		env_seen = true;
		if (s && *s && !time_parse(s, 0, &fixed_now))
			fixed_now = TIME_NONE;
	}
	if (fixed_now != TIME_NONE)
		return fixed_now;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_mono(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void clock_fix(int64_t wall_ms)
{
	env_seen = true;
	fixed_now = wall_ms;
}

bool clock_is_fixed(void)
{
	clock_now(); /* reads the environment */
	return fixed_now != TIME_NONE;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. The year is taken to start in March,
 * so that the leap day is the last one; an era is 400 years of 146097 days. */
static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	unsigned year_of_era = (unsigned)(y - era * 400);
	unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + (int64_t)day_of_era - 719468;
}

static void date_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned day_of_era = (unsigned)(z - era * 146097);
	unsigned year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned m = (5 * day_of_year + 2) / 153;

	*day = day_of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

/* Rounds towards the past, also before 1970. */
static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t time_day_start(int64_t t)
{
	int64_t days = floor_div(t, DAY_MS);

	if (t == TIME_NONE || days < INT64_MIN / DAY_MS)
		return t;
	return days * DAY_MS;
}

static char *put_char(char *out, char c)
{
	*out = c;
	return out + 1;
}

static char *put_two(char *out, unsigned n)
{
	return put_char(put_char(out, (char)('0' + n / 10)), (char)('0' + n % 10));
}

/* By hand, not by snprintf(): an export writes two of these for each of a million rows. */
char *time_format(int64_t t, char *out, size_t size)
{
	unsigned month, day, rest, ms;
	int64_t year, days;
	char *end;

	if (t == TIME_NONE) {
		if (size)
			out[0] = '\0';
		return out;
	}
	days = floor_div(t, DAY_MS);
	rest = (unsigned)(t - days * DAY_MS);
	ms = rest % 1000;
	rest /= 1000;
	date_from_days(days, &year, &month, &day);
	if (year < 0 || year > 9999 || size < sizeof("YYYY-MM-DDTHH:MM:SS.mmmZ")) {
		snprintf(out, size, "%04lld-%02u-%02uT%02u:%02u:%02uZ", (long long)year, month, day,
			rest / 3600, rest / 60 % 60, rest % 60);
		return out;
	}
	end = put_two(out, (unsigned)year / 100);
	end = put_two(end, (unsigned)year % 100);
	end = put_two(put_char(end, '-'), month);
	end = put_two(put_char(end, '-'), day);
	end = put_two(put_char(end, 'T'), rest / 3600);
	end = put_two(put_char(end, ':'), rest / 60 % 60);
	end = put_two(put_char(end, ':'), rest % 60);
	if (ms)
		end = put_char(put_two(put_char(end, '.'), ms / 10), (char)('0' + ms % 10));
	*put_char(end, 'Z') = '\0';
	return out;
}

/* Two digits at s as a number, > 99 when they are none. */
static inline unsigned two_digits(const char *s)
{
	unsigned a = (unsigned char)s[0] - (unsigned)'0', b = (unsigned char)s[1] - (unsigned)'0';

	return a > 9 || b > 9 ? 1000 : a * 10 + b;
}

static inline bool is_leap(unsigned y)
{
	return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

static inline unsigned days_in_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* "YYYY-MM-DD", 10 bytes at s. */
static inline bool scan_date(const char *s, int64_t *days)
{
	unsigned century = two_digits(s), year = two_digits(s + 2), month = two_digits(s + 5),
		 day = two_digits(s + 8);

	if (century > 99 || year > 99 || s[4] != '-' || s[7] != '-' || month < 1 || month > 12 ||
		day < 1)
		return false;
	year += century * 100;
	if (day > days_in_month(year, month))
		return false;
	*days = days_from_date(year, month, day);
	return true;
}

/* "HH:MM:SS", 8 bytes at s. Second 60 is a leap second and becomes the next one. */
static inline bool scan_clock(const char *s, int64_t *ms)
{
	unsigned h = two_digits(s), m = two_digits(s + 3), sec = two_digits(s + 6);

	if (s[2] != ':' || s[5] != ':' || h > 23 || m > 59 || sec > 60)
		return false;
	*ms = (int64_t)(h * 3600 + m * 60 + sec) * 1000;
	return true;
}

/* ".digits"; ms of the first three. Bytes used, 0 if there is no digit. */
static inline size_t scan_fraction(const char *s, size_t len, int64_t *ms)
{
	unsigned scale = 100, value = 0, digit;
	size_t i;

	for (i = 1; i < len && (digit = (unsigned char)s[i] - (unsigned)'0') <= 9; i++) {
		value += digit * scale;
		scale /= 10;
	}
	*ms = value;
	return i > 1 ? i : 0;
}

/* "Z" or "±HH:MM". Bytes used, 0 if neither; *ms is what to subtract to get UTC. */
static inline size_t scan_zone(const char *s, size_t len, int64_t *ms)
{
	unsigned h, m;

	*ms = 0;
	if (len >= 1 && s[0] == 'Z')
		return 1;
	if (len < 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':')
		return 0;
	h = two_digits(s + 1);
	m = two_digits(s + 4);
	if (h > 23 || m > 59)
		return 0;
	*ms = (int64_t)(h * 60 + m) * 60000;
	if (s[0] == '-')
		*ms = -*ms;
	return 6;
}

size_t time_scan(const char *s, size_t len, int64_t *out)
{
	int64_t days, clock_ms, fraction = 0, zone;
	size_t used = 19, n;

	if (len < 20 || s[10] != 'T' || !scan_date(s, &days) || !scan_clock(s + 11, &clock_ms))
		return 0;
	if (s[used] == '.') {
		n = scan_fraction(s + used, len - used, &fraction);
		if (!n)
			return 0;
		used += n;
	}
	n = scan_zone(s + used, len - used, &zone);
	if (!n)
		return 0;
	*out = days * DAY_MS + clock_ms + fraction - zone;
	return used + n;
}

/* "YYYY-MM-DD" or "YYYY-MM-DD HH:MM[:SS]", UTC, the whole string. */
static bool parse_plain(const char *s, size_t len, int64_t *out)
{
	char clock[9] = "00:00:00";
	int64_t days, ms;

	if (len != 10 && len != 16 && len != 19)
		return false;
	if (len > 10) {
		if (s[10] != ' ')
			return false;
		memcpy(clock, s + 11, len - 11);
	}
	if (!scan_date(s, &days) || !scan_clock(clock, &ms))
		return false;
	*out = days * DAY_MS + ms;
	return true;
}

/* RFC 3339 in the forms time_scan() is too strict for: lower case t and z, a blank for the T. */
static bool parse_rfc3339(const char *s, size_t len, int64_t *out)
{
	char copy[64];

	if (len < 20 || len >= sizeof(copy))
		return false;
	memcpy(copy, s, len);
	if (copy[10] == 't' || copy[10] == ' ')
		copy[10] = 'T';
	if (copy[len - 1] == 'z')
		copy[len - 1] = 'Z';
	return time_scan(copy, len, out) == len;
}

static bool parse_relative(const char *s, size_t len, int64_t now, int64_t *out)
{
	static const char ago[] = " ago", in[] = "in ";
	char number[32];
	int64_t ms, sign = 1;

	if (len > 3 && strncasecmp(s, in, 3) == 0) {
		s += 3;
		len -= 3;
	} else if (len > 4 && strcasecmp(s + len - 4, ago) == 0) {
		sign = -1;
		len -= 4;
	} else {
		return false;
	}
	if (len >= sizeof(number))
		return false;
	memcpy(number, s, len);
	number[len] = '\0';
	return duration_parse(number, &ms) && !__builtin_add_overflow(now, sign * ms, out);
}

bool time_parse(const char *s, int64_t now, int64_t *out)
{
	size_t len = strlen(s);
	int64_t t;

	if (strcasecmp(s, "now") == 0)
		t = now;
	else if (strcasecmp(s, "today") == 0)
		t = time_day_start(now);
	else if (strcasecmp(s, "yesterday") == 0)
		t = time_day_start(now) - DAY_MS;
	else if (!parse_plain(s, len, &t) && !parse_rfc3339(s, len, &t) &&
		 !parse_relative(s, len, now, &t))
		return false;
	*out = t;
	return true;
}

char *time_words(int64_t t, int64_t now, char *out, size_t size)
{
	static const char months[12][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t then_s = (time_t)floor_div(t, 1000), now_s = (time_t)floor_div(now, 1000);
	struct tm then, today;

	if (t == TIME_NONE || !localtime_r(&then_s, &then) || !localtime_r(&now_s, &today))
		snprintf(out, size, "–");
	else if (then.tm_year == today.tm_year && then.tm_yday == today.tm_yday)
		snprintf(out, size, "today %02d:%02d", then.tm_hour, then.tm_min);
	else if (then.tm_year == today.tm_year)
		snprintf(out, size, "%d %s", then.tm_mday, months[then.tm_mon]);
	else
		snprintf(out, size, "%d %s %lld", then.tm_mday, months[then.tm_mon],
			(long long)then.tm_year + 1900);
	return out;
}
