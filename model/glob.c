/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scan path globs: check what a person typed, match as the server does. */
#include <string.h>

#include "core/text.h"
#include "model/rate.h"

#define GLOB_MAX 256 /* bytes */

bool glob_check(const char *glob, struct err *err)
{
	size_t len = strlen(glob);

	if (!len)
		return err_set(
			err, ERR_USAGE, "no path given: write one such as *.php* or /wp-login*");
	if (len > GLOB_MAX)
		return err_set(
			err, ERR_USAGE, "the path has %zu bytes; the longest is %d", len, GLOB_MAX);
	if (strchr(" \t", glob[0]) || strchr(" \t", glob[len - 1]))
		return err_set(err, ERR_USAGE, "\"%s\" has a blank at its start or end", glob);
	if (!text_is_safe(glob, len))
		return err_set(err, ERR_USAGE,
			"%s: control and invisible characters can't be in a path", glob);
	if (glob[strcspn(glob, "[]{}")])
		return err_set(err, ERR_USAGE,
			"%s: only * and ? are wildcards here, not sets or braces", glob);
	if (!glob[strspn(glob, "*?/")])
		return err_set(err, ERR_USAGE,
			"%s would ban every request; name part of a path, such as *.php*", glob);
	return true;
}

/* On a mismatch only the last star needs to take one byte more: linear in practice, |glob| * |path|
 * at worst. */
bool glob_match(const char *glob, const char *path, size_t len)
{
	const char *end = path + len, *star = NULL, *resume = NULL;

	while (path < end) {
		if (*glob == '*') {
			star = ++glob;
			resume = path;
		} else if (*glob && (*glob == '?' || *glob == *path)) {
			glob++;
			path++;
		} else if (star) {
			glob = star;
			path = ++resume;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}
