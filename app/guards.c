/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the guards want to know, gathered from host, profile, session and snapshot. */
#include <string.h>

#include "app/app.h"
#include "app/plan.h"
#include "app/sync.h"
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
	names_add(a, &out->api);
	if (a->snap.trust)
		add_texts(&out->proxies, a->snap.trust->networks);
	add_texts(&out->near, a->profile.near_networks);
	add_texts(&out->near, a->profile.allowed);
	out->allowed = a->snap.list[LIST_ALLOWED];
	out->blocked = a->snap.list[LIST_BLOCKED];
	out->max_entries = a->options.yes ? 0 : PLAN_MANY;
	out->now = clock_now();
}

static bool is_of_host(const struct app *a, const struct net *n)
{
	const struct host_facts *h = &a->host;

	if (net_kind(n) == NET_LOOPBACK)
		return true;
	for (size_t i = 0; i < h->address_count; i++)
		if (net_equal(&h->addresses[i], n))
			return true;
	for (size_t i = 0; i < h->gateway_count; i++)
		if (net_equal(&h->gateways[i].net, n))
			return true;
	return false;
}

bool app_is_own_login(const struct app *a, const struct event_facts *f)
{
	const char *peer = session_peer(a->session);
	struct net server;

	if (f->kind != EVENT_SUCCESS || !a->profile.user || !slice_is(f->account, a->profile.user))
		return false;
	if (f->listener.len && !slice_starts(f->listener, "http"))
		return false;
	if (!f->address.family || !peer[0] || !net_parse(peer, strlen(peer), &server, NULL) || !is_of_host(a, &server))
		return true;
	return is_of_host(a, &f->address);
}
