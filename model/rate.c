/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ban classes, thresholds and rates. Pure: knows no clock and no server. */
#include "model/rate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

#define SECOND     INT64_C(1000)
#define MINUTE     (60 * SECOND)
#define HOUR       (60 * MINUTE)
#define DAY        (24 * HOUR)
#define COUNT_MAX  INT64_C(2147483647)
#define PERIOD_MAX (36500 * DAY)
#define RATE_HINT  "write a count and a window, such as 100/1d or 20/15m"

static const struct {
	const char *name, *words;
} classes[CLASS_COUNT] = {
#define CLASS_ROW(id, n, w, count) [CLASS_##id] = {n, w},
	CLASS_INFO(CLASS_ROW)
#undef CLASS_ROW
};

/* What a class counts, in the singular and the plural. */
static const struct {
	const char *one, *many;
} counted[] = {
	[CLASS_AUTH] = {"failure", "failures"},
	[CLASS_ABUSE] = {"bad recipient or relay attempt", "bad recipients or relay attempts"},
	[CLASS_LOITER] = {"idle connection", "idle connections"},
	[CLASS_SCAN] = {"scanning request", "scanning requests"},
};
_Static_assert(ARRAY_LEN(counted) == CLASS_COUNT, "a noun for each class");

const char *class_name(enum ban_class c)
{
	return c < CLASS_COUNT ? classes[c].name : "";
}

const char *class_words(enum ban_class c)
{
	return c < CLASS_COUNT ? classes[c].words : "";
}

bool class_parse(const char *s, enum ban_class *out)
{
	for (int c = 0; c < CLASS_COUNT; c++) {
		if (!strcmp(s, classes[c].name)) {
			*out = (enum ban_class)c;
			return true;
		}
	}
	return false;
}

void thresholds_init(struct thresholds *t)
{
	memset(t, 0, sizeof(*t));
}

void thresholds_release(struct thresholds *t)
{
	for (size_t i = 0; i < t->path_count; i++)
		free(t->paths[i]);
	free(t->paths);
	thresholds_init(t);
}

void thresholds_add_path(struct thresholds *t, const char *glob, size_t len)
{
	t->paths = xreallocarray(t->paths, t->path_count + 2, sizeof(*t->paths));
	t->paths[t->path_count++] = xstrndup(glob, len);
	t->paths[t->path_count] = NULL;
}

static void skip_blanks(const char **s, const char *end)
{
	while (*s < end && (**s == ' ' || **s == '\t'))
		++*s;
}

/* Digits at *s, at most `max`; -1 when there are none or too many. */
static int64_t scan_count(const char **s, const char *end, int64_t max)
{
	const char *p = *s;
	int64_t v = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (*p - '0');
		if (v > max)
			return -1;
	}
	if (p == *s)
		return -1;
	*s = p;
	return v;
}

static int64_t unit_ms(char c)
{
	switch (c) {
	case 's':
		return SECOND;
	case 'm':
		return MINUTE;
	case 'h':
		return HOUR;
	case 'd':
		return DAY;
	default:
		return 0;
	}
}

static bool word_is(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(s, word, len);
}

/* The window after the slash: digits and one unit. */
static bool scan_period(
	const char *p, const char *end, const char *raw, int64_t *out, struct err *err)
{
	int64_t n = scan_count(&p, end, PERIOD_MAX / SECOND);
	int64_t unit = p < end ? unit_ms(*p) : 0;

	if (n < 0)
		return err_set(err, ERR_USAGE,
			"%s: the window after the slash is missing or too long; " RATE_HINT, raw);
	if (!unit || p + 1 != end)
		return err_set(err, ERR_USAGE,
			"%s: the window needs one unit, s m h or d; " RATE_HINT, raw);
	if (n == 0 || n > PERIOD_MAX / unit)
		return err_set(err, ERR_USAGE, "%s: the window must be between 1s and 36500d", raw);
	*out = n * unit;
	return true;
}

static bool scan_rate(
	const char *s, size_t len, const char *raw, struct threshold *out, struct err *err)
{
	const char *p = s, *end = s + len;
	const char *slash = memchr(s, '/', len);

	if (!len)
		return err_set(err, ERR_USAGE, "no rate given: " RATE_HINT);
	if (word_is(s, len, "none") || word_is(s, len, "unlimited"))
		return err_set(err, ERR_USAGE,
			"%s makes the server fail at the next count; to switch the class off, use "
			"false",
			raw);
	if (!slash)
		return err_set(err, ERR_USAGE, "%s is no rate: " RATE_HINT, raw);
	int64_t count = scan_count(&p, slash, COUNT_MAX);
	skip_blanks(&p, slash);
	if (count < 0 || p != slash)
		return err_set(err, ERR_USAGE,
			"%s: the count before the slash must be a number from 1 to 2147483647",
			raw);
	if (count == 0)
		return err_set(err, ERR_USAGE,
			"%s: a count of 0 is no threshold; to switch the class off, use false",
			raw);
	p = slash + 1;
	skip_blanks(&p, end);
	if (!scan_period(p, end, raw, &out->period_ms, err))
		return false;
	out->count = (uint64_t)count;
	return true;
}

bool rate_parse(const char *s, size_t len, struct threshold *out, struct err *err)
{
	struct threshold t = *out;
	const char *end = s + len;

	text_safe_str(out->raw, sizeof(out->raw), s, len);
	memcpy(t.raw, out->raw, sizeof(t.raw));
	skip_blanks(&s, end);
	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	t.malformed = false;
	t.enabled = !word_is(s, (size_t)(end - s), "false");
	if (t.enabled && !scan_rate(s, (size_t)(end - s), t.raw, &t, err)) {
		out->malformed = true;
		return false;
	}
	*out = t;
	return true;
}

static char *period_format(int64_t ms, char *out, size_t size)
{
	static const struct {
		int64_t ms;
		char unit;
	} units[] = {{DAY, 'd'}, {HOUR, 'h'}, {MINUTE, 'm'}, {SECOND, 's'}};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (ms % units[i].ms == 0 || units[i].ms == SECOND) {
			snprintf(out, size, "%" PRId64 "%c", ms / units[i].ms, units[i].unit);
			break;
		}
	}
	return out;
}

char *rate_format(const struct threshold *t, char *out, size_t size)
{
	char period[32];

	if (!t->enabled)
		snprintf(out, size, "false");
	else
		snprintf(out, size, "%" PRIu64 "/%s", t->count,
			period_format(t->period_ms, period, sizeof(period)));
	return out;
}

char *threshold_format(const struct threshold *t, char *out, size_t size)
{
	char rate[64], ban[32];

	rate_format(t, rate, sizeof(rate));
	if (t->enabled && t->ban_period_ms > 0)
		snprintf(out, size, "%s for %s", rate,
			period_format(t->ban_period_ms, ban, sizeof(ban)));
	else
		snprintf(out, size, "%s", rate);
	return out;
}

bool threshold_parse(const char *s, struct threshold *out, struct err *err)
{
	const char *ban = strstr(s, " for ");
	struct threshold t = *out;

	t.ban_period_ms = 0;
	if (ban && !duration_parse(ban + 5, &t.ban_period_ms))
		return err_set(err, ERR_USAGE, "%s: %s is no duration; write one such as 7d or 12h",
			s, ban + 5);
	if (!rate_parse(s, ban ? (size_t)(ban - s) : strlen(s), &t, err))
		return false;
	*out = t;
	return true;
}

static const char *window_words(const struct threshold *t, char *out, size_t size)
{
	char words[64];

	if (t->period_is_fixed)
		return "a rolling hour";
	if (t->period_ms == DAY)
		return "one UTC day";
	if (t->period_ms == HOUR)
		return "one clock hour";
	if (t->period_ms == MINUTE)
		return "one clock minute";
	snprintf(out, size, "a fixed window of %s",
		duration_words(t->period_ms, words, sizeof(words)));
	return out;
}

char *rate_words(const struct threshold *t, enum ban_class c, char *out, size_t size)
{
	char window[96], lasts[64];

	if (c >= CLASS_COUNT) {
		snprintf(out, size, "%s", "");
	} else if (!t->supported) {
		snprintf(out, size, "not on this server");
	} else if (t->malformed) {
		snprintf(out, size, "\"%s\" is no rate: the server refuses to reload because of it",
			t->raw);
	} else if (!t->enabled) {
		snprintf(out, size, "off: %s never lead to a ban", classes[c].words);
	} else {
		snprintf(out, size, "ban after %" PRIu64 " %s within %s; lasts %s", t->count,
			t->count == 1 ? counted[c].one : counted[c].many,
			window_words(t, window, sizeof(window)),
			t->ban_period_ms > 0
				? duration_words(t->ban_period_ms, lasts, sizeof(lasts))
				: "for ever");
	}
	return out;
}

int64_t rate_window_start(int64_t period_ms, int64_t now)
{
	if (period_ms <= 0)
		return now;
	int64_t rest = now % period_ms;
	return now - (rest < 0 ? rest + period_ms : rest);
}

int64_t rate_window_end(int64_t period_ms, int64_t now)
{
	return rate_window_start(period_ms, now) + (period_ms > 0 ? period_ms : 0);
}

bool rate_equal(const struct threshold *a, const struct threshold *b)
{
	if (a->enabled != b->enabled)
		return false;
	return !a->enabled || (a->count == b->count && a->period_ms == b->period_ms &&
				      a->ban_period_ms == b->ban_period_ms);
}
