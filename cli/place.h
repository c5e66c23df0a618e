/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns of country and network operator in what verbs print; none where no database is configured. */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include "app/places.h"
#include "cli/out.h"

#define PLACE_FIELDS 4 /* room to leave in a table of fields, its end included */

/* Puts the fields behind the last one of `fields`. */
void place_fields(const struct app *a, struct out_field *fields);
/* Their values, in the same order; n family 0 = nulls. */
void place_values(const struct app *a, struct out *o, const struct net *n);

#endif
