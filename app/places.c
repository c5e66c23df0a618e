/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

void places_close(struct app *a)
{
	geo_close(a->geo);
	a->geo = NULL;
	err_clear(&a->geo_err);
}

/* One file, or two with a comma between them: countries and operators are sold apart. */
void places_open(struct app *a)
{
	const char *paths[4] = { NULL };
	char *copy, *save = NULL;
	size_t n = 0;

	places_close(a);
	if (!a->profile.geo_database || !a->profile.geo_database[0])
		return;
	copy = xstrdup(a->profile.geo_database);
	for (char *word = strtok_r(copy, ",", &save); word && n + 1 < ARRAY_LEN(paths);
		word = strtok_r(NULL, ",", &save)) {
		size_t len;

		word += strspn(word, " \t");
		for (len = strlen(word); len && (word[len - 1] == ' ' || word[len - 1] == '\t');)
			word[--len] = '\0';
		if (len)
			paths[n++] = word;
	}
	a->geo = geo_open(paths, &a->geo_err);
	free(copy);
}

char *places_words(const struct app *a, const struct net *n, char *out, size_t size)
{
	struct geo_place place;

	out[0] = '\0';
	if (!geo_lookup(a->geo, n, &place))
		return out;
	if (place.as_number)
		snprintf(out, size, "%s%sAS%u%s%s", place.country, place.country[0] ? "  " : "", place.as_number,
			place.as_name[0] ? " " : "", place.as_name);
	else
		snprintf(out, size, "%s", place.country);
	return out;
}
