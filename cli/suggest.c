/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/suggest.h"

#include <stdint.h>
#include <string.h>

#define LETTERS 32

/* Without hyphens; SIZE_MAX when it is too long. */
static size_t letters_of(const char *s, char *out)
{
	size_t n = 0;

	for (; *s; s++) {
		if (*s == '-')
			continue;
		if (n == LETTERS)
			return SIZE_MAX;
		out[n++] = *s;
	}
	return n;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
	size_t d[LETTERS + 1][LETTERS + 1];
	char x[LETTERS], y[LETTERS];
	size_t n = letters_of(a, x), m = letters_of(b, y);

	if (n == SIZE_MAX || m == SIZE_MAX)
		return SIZE_MAX;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t k = 0; k <= m; k++)
		d[0][k] = k;
	for (size_t i = 1; i <= n; i++)
		for (size_t k = 1; k <= m; k++) {
			d[i][k] = least(least(d[i - 1][k], d[i][k - 1]) + 1, d[i - 1][k - 1] + (x[i - 1] != y[k - 1]));
			if (i > 1 && k > 1 && x[i - 1] == y[k - 2] && x[i - 2] == y[k - 1])
				d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1);
		}
	return d[n][m];
}

void suggest_begin(struct suggestion *s, const char *typed)
{
	*s = (struct suggestion){ .typed = typed, .distance = SIZE_MAX };
}

void suggest_offer(struct suggestion *s, const char *name)
{
	size_t distance = suggest_distance(s->typed, name), length = strlen(s->typed);

	if (distance >= s->distance || distance > (length < 4 ? 1 : 2) || distance >= length)
		return;
	s->distance = distance;
	s->name = name;
}
