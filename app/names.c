/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every address of the host that the server's URL names: one of them was dialled, or none, where a tunnel or a proxy leads there; a block of any
 * would be felt. Looked up beside everything else; what is not known when it is wanted is not waited for here. */
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "client/endpoint_lookup.h"
#include "core/mem.h"

static void looked_up(struct lookup *l, void *arg)
{
	(void)l;
	app_notify(arg, 0);
}

void names_look_up(struct app *a)
{
	char host[sizeof(a->names->host)];

	url_host(a->profile.url ? a->profile.url : "", host, sizeof(host));
	if (!host[0] || (a->names && !strcmp(a->names->host, host)))
		return;
	names_release(a);
	a->names = xcalloc(1, sizeof(*a->names));
	lookup_start(a->names, a->loop, host, looked_up, a);
}

bool names_are_pending(const struct app *a)
{
	return a->names && !a->names->done;
}

void names_add(const struct app *a, struct netvec *out)
{
	for (size_t i = 0; a->names && a->names->done && i < a->names->count; i++)
		netvec_add_text(out, a->names->address[i]);
}

void names_release(struct app *a)
{
	if (a->names)
		lookup_stop(a->names);
	free(a->names);
	a->names = NULL;
}
