/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the guards want to know, gathered from host, profile, session and snapshot. */
#include <string.h>

#include "app/app.h"
#include "app/plan.h"
#include "core/clock.h"

static void add_text(struct netvec *v, const char *text)
{
	if (text)
		netvec_add_text(v, text);
}

static void add_texts(struct netvec *v, char **texts)
{
	for (; texts && *texts; texts++)
		add_text(v, *texts);
}

void app_guard_facts(struct app *a, struct guard_facts *out)
{
	const struct host_facts *h = &a->host;

	memset(out, 0, sizeof(*out));
	out->ssh_client = h->ssh_client;
	for (size_t i = 0; i < h->address_count; i++)
		netvec_add(&out->host, &h->addresses[i]);
	for (size_t i = 0; i < h->gateway_count; i++)
		netvec_add(&out->gateways, &h->gateways[i].net);
	add_text(&out->api, session_peer(a->session));
	if (a->snap.trust)
		add_texts(&out->proxies, a->snap.trust->networks);
	add_texts(&out->near, a->profile.near_networks);
	add_texts(&out->near, a->profile.allowed);
	out->allowed = a->snap.list[LIST_ALLOWED];
	out->max_entries = a->options.yes ? 0 : PLAN_MANY;
	out->now = clock_now();
}
