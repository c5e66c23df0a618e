/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lasting cure for a banned gateway: which setting lets each generation see the real client. */
#include "core/mem.h"
#include "model/gateway.h"

#define TRUSTED  "server.proxy.trusted-networks"
#define LISTENER "server.listener.<id>.proxy.trusted-networks"

static const struct gateway_cure cures[CURE_COUNT] = {
	[CURE_UNKNOWN] = {"this server", NULL, NULL, NULL, NULL, false},
	[CURE_0_5] = {"0.5 - 0.6", TRUSTED, LISTENER, "jmap.rate-limit.use-forwarded", NULL, true},
	[CURE_0_7] = {"0.7 - 0.11", TRUSTED, LISTENER, "server.http.use-x-forwarded", NULL, true},
	[CURE_0_11] = {"0.11 - 0.15", TRUSTED, LISTENER, "http.use-x-forwarded",
		"server.http.use-x-forwarded", true},
	[CURE_0_12] = {"0.12 - 0.15", TRUSTED, LISTENER, "http.use-x-forwarded", NULL, true},
	[CURE_0_16] = {"0.16 and later", "x:SystemSettings.proxyTrustedNetworks",
		"x:NetworkListener.overrideProxyTrustedNetworks", "x:Http.useXForwarded", NULL,
		false},
	[CURE_REST] = {"this gateway", NULL, NULL, NULL, NULL, false},
};

const struct gateway_cure *gateway_cure(enum gateway_generation g)
{
	return &cures[g < CURE_COUNT ? g : CURE_UNKNOWN];
}

#define BY_LOGINS \
	(1u << GATEWAY_WHY_LOGINS | 1u << GATEWAY_WHY_SOME_LOGINS | 1u << GATEWAY_WHY_LISTENERS | \
		1u << GATEWAY_WHY_ACCOUNTS)

static void put_settings(const struct gateway_cure *c, const char *net, bool is_trusted, struct buf *out)
{
	if (is_trusted) {
		buf_addf(out,
			"  mail ports, PROXY protocol: %s is trusted already: it was banned for what "
			"it sends without,\n"
			"    or before that was in force\n",
			net);
	} else {
		buf_addf(out, "  mail ports, PROXY protocol: %s = %s\n", c->proxy, net);
		buf_addf(out, "    or for one listener:      %s = %s\n", c->proxy_listener, net);
	}
	buf_addf(out, "  HTTP, forwarded-for header: %s = true\n", c->forwarded);
	if (c->forwarded_0_11)
		buf_addf(out, "    up to 0.11 it is called:  %s = true\n", c->forwarded_0_11);
	if (!is_trusted)
		buf_addf(out,
			"Catch: from then on %s must speak PROXY protocol on those ports; a plain "
			"connection from it is refused.\n",
			net);
}

void gateway_cure_text(enum gateway_generation g, const struct net *gateway, unsigned why, struct buf *out)
{
	const struct gateway_cure *c = gateway_cure(g);
	char net[NET_BUF];

	net_format(gateway, net, sizeof(net));
	buf_addf(out,
		"Allowing %s stops the bans, and with them all protection on that path:\n"
		"everybody behind it shares one address.%s\n",
		net, why & ~BY_LOGINS ? " Lasting cure: let the server see the real client." : "");
	if (!(why & ~BY_LOGINS))
		buf_addf(out,
			"If it is an office's or a provider's, find who fails there, often one "
			"device with an old password:\n"
			"  stalwarden why %s\n"
			"If it is a proxy of yours, let the server see the real client.\n",
			net);
	if (!c->proxy) {
		buf_addf(out,
			"  No setting is known for %s. Make the proxy pass on the client's "
			"address\n"
			"  (PROXY protocol for mail, a forwarded-for header for HTTP), or publish "
			"the ports without address translation.\n",
			c->versions);
		return;
	}
	buf_addf(out, "Settings of %s:\n", c->versions);
	put_settings(c, net, why & 1u << GATEWAY_WHY_PROXY, out);
	if (c->needs_restart)
		buf_adds(out, "Listener settings are read when the server starts: restart it.\n");
}
