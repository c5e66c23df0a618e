/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Country and network operator of an address, from a MaxMind database when one is configured. Reads
 * the file once by mmap. */
#ifndef MODEL_GEO_H
#define MODEL_GEO_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "model/net.h"

struct geo;

struct geo_place {
	char country[4];    /* ISO 3166-1 alpha-2, "" unknown */
	uint32_t as_number; /* 0 unknown */
	char as_name[64];   /* sanitised UTF-8, "" unknown */
};

/* paths: up to two files (a country or city database and an AS one), NULL-terminated list. NULL and
 * err if one can't be read. */
struct geo *geo_open(const char *const paths[], struct err *err);
void geo_close(struct geo *g);
bool geo_has_country(const struct geo *g); /* false for NULL */
bool geo_has_as(const struct geo *g);
/* False when nothing is known; *out is then all empty. g may be NULL. */
bool geo_lookup(struct geo *g, const struct net *address, struct geo_place *out);

#endif
