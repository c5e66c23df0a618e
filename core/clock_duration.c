/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Durations as text. Milliseconds throughout; the smallest unit written is the second. */
#include "core/clock.h"

#include <stdio.h>
#include <string.h>

#define DURATION_MAX (INT64_C(36525) * 86400000) /* 100 years */

static const struct {
	char letter;
	int64_t ms;
	const char *word;
} units[] = {
	{'w', INT64_C(604800000), NULL},
	{'d', INT64_C(86400000), "d"},
	{'h', INT64_C(3600000), "h"},
	{'m', INT64_C(60000), "min"},
	{'s', INT64_C(1000), "s"},
};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

/* Units must come from large to small, each once: "1h1d" is more likely a slip than a wish. */
bool duration_parse(const char *s, int64_t *ms)
{
	int64_t total = 0;
	size_t next = 0, u;

	if (!*s)
		return false;
	while (*s) {
		int64_t n = 0;

		if (*s < '0' || *s > '9')
			return false;
		for (; *s >= '0' && *s <= '9'; s++) {
			n = n * 10 + (*s - '0');
			if (n > DURATION_MAX / 1000)
				return false;
		}
		for (u = next; u < UNIT_COUNT && units[u].letter != *s; u++)
			;
		if (u == UNIT_COUNT || n > DURATION_MAX / units[u].ms)
			return false;
		total += n * units[u].ms;
		next = u + 1;
		s++;
	}
	if (total < 1000 || total > DURATION_MAX)
		return false;
	*ms = total;
	return true;
}

/* Writes ms with the units of the mask, from large to small. False when seconds are left over. */
static bool format_with(int64_t ms, unsigned mask, char *out, size_t size)
{
	size_t u, used = 0;

	for (u = 0; u < UNIT_COUNT; u++) {
		int64_t n = ms / units[u].ms;

		if (!(mask & (1u << u)) || n == 0)
			continue;
		used += (size_t)snprintf(
			out + used, size - used, "%lld%c", (long long)n, units[u].letter);
		ms %= units[u].ms;
	}
	return ms < 1000 && used > 0;
}

/* All 31 choices of units are tried. Single units come first and small ones before large ones, so
 * that among equally short forms the plainer wins: 7d, not 1w. */
char *duration_format(int64_t ms, char *out, size_t size)
{
	char best[80] = "0s", form[80];
	size_t best_len = SIZE_MAX;
	bool negative = ms < 0;
	unsigned mask, width;

	if (negative)
		ms = ms == INT64_MIN ? INT64_MAX : -ms;
	for (width = 1; width <= UNIT_COUNT; width++) {
		for (mask = (1u << UNIT_COUNT) - 1; mask > 0; mask--) {
			if ((unsigned)__builtin_popcount(mask) != width)
				continue;
			if (!format_with(ms, mask, form, sizeof(form)) || strlen(form) >= best_len)
				continue;
			best_len = strlen(form);
			memcpy(best, form, best_len + 1);
		}
	}
	snprintf(out, size, "%s%s", negative && ms >= 1000 ? "-" : "", best);
	return out;
}

char *duration_words(int64_t ms, char *out, size_t size)
{
	bool negative = ms < 0;
	const char *sign;
	size_t u;

	if (negative)
		ms = ms == INT64_MIN ? INT64_MAX : -ms;
	sign = negative && ms >= 1000 ? "-" : "";
	for (u = 1; u + 1 < UNIT_COUNT && ms < units[u].ms; u++)
		;
	if (u + 1 < UNIT_COUNT && ms % units[u].ms >= units[u + 1].ms)
		snprintf(out, size, "%s%lld %s %lld %s", sign, (long long)(ms / units[u].ms),
			units[u].word, (long long)(ms % units[u].ms / units[u + 1].ms),
			units[u + 1].word);
	else
		snprintf(
			out, size, "%s%lld %s", sign, (long long)(ms / units[u].ms), units[u].word);
	return out;
}
