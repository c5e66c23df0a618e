/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A borrowed run of bytes: not terminated, may hold NUL and anything else. Whoever hands one out
 * says how long it lives. */
#ifndef MODEL_SLICE_H
#define MODEL_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *p; /* never NULL unless len is 0 */
	size_t len;
};

#define SLICE_NONE ((struct slice){ NULL, 0 })
#define SLICE(lit) ((struct slice){ "" lit, sizeof(lit) - 1 })

static inline struct slice slice_of(const char *s)
{
	return (struct slice){ s, s ? strlen(s) : 0 };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *s)
{
	return slice_equal(a, slice_of(s));
}

static inline bool slice_starts(struct slice a, const char *s)
{
	size_t n = strlen(s);

	return a.len >= n && (n == 0 || memcmp(a.p, s, n) == 0);
}

#endif
