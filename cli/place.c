/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/place.h"

void place_fields(const struct app *a, struct out_field *fields)
{
	static const struct out_field country = { "country", "COUNTRY", 0 }, number = { "as_number", "AS", OUT_RIGHT },
				      name = { "as_name", "OPERATOR", 0 }, end = { NULL, NULL, 0 };

	while (fields->key)
		fields++;
	if (geo_has_country(a->geo))
		*fields++ = country;
	if (geo_has_as(a->geo)) {
		*fields++ = number;
		*fields++ = name;
	}
	*fields = end;
}

void place_values(const struct app *a, struct out *o, const struct net *n)
{
	struct geo_place p;

	geo_lookup(a->geo, n, &p);
	if (geo_has_country(a->geo))
		out_str(o, p.country[0] ? p.country : NULL);
	if (!geo_has_as(a->geo))
		return;
	if (p.as_number)
		out_int(o, p.as_number);
	else
		out_null(o);
	out_str(o, p.as_name[0] ? p.as_name : NULL);
}
