/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The MaxMind databases of the profile, opened once. Without `geo_database` app->geo is NULL, and nothing of it is shown. */
#ifndef APP_PLACES_H
#define APP_PLACES_H

#include "app/app.h"
#include "model/geo.h"

void places_open(struct app *a); /* also after a change of profile; a->geo_err says what can't be read */
void places_close(struct app *a);
/* "NL", "AS64500 Example Hosting", both, or "": of an address, or of a network's first. */
char *places_words(const struct app *a, const struct net *n, char *out, size_t size);

#endif
