/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was meant by a word that nothing is called. Pure. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

/* Steps from a to b: a letter more, less, other, or two neighbours exchanged; hyphens count for nothing. Words of 32 letters at most;
 * longer ones are far away. */
size_t suggest_distance(const char *a, const char *b);

struct suggestion {
	const char *typed, *name; /* name NULL = nothing is near */
	size_t distance;
};
void suggest_begin(struct suggestion *s, const char *typed);
void suggest_offer(struct suggestion *s, const char *name); /* the nearest one stays, if it is near enough to be meant */

#endif
