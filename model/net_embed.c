/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IPv6 addresses that carry an IPv4 one: what translators and tunnels make of it. Pure. */
#include <string.h>

#include "core/mem.h"
#include "model/net.h"

/* Where in an IPv6 address the IPv4 one stands, in bits. */
static const struct {
	struct net prefix;
	uint8_t at;
	bool is_inverted;
} carriers[] = {
	{{{0x00, 0x64, 0xff, 0x9b}, 6, 96}, 96, false},     /* NAT64, RFC 6052 */
	{{{[8] = 0xff, [9] = 0xff}, 6, 96}, 96, false},     /* SIIT, RFC 2765 */
	{{{0}, 6, 96}, 96, false},                          /* IPv4-compatible, RFC 4291 */
	{{{0x20, 0x02}, 6, 16}, 16, false},                 /* 6to4, RFC 3056 */
	{{{0x20, 0x01}, 6, 32}, 96, true},                  /* Teredo, RFC 4380: the client, inverted */
};

#define PINNED 8 /* bits of the IPv4 address that must be named: 2002::/16 as a whole is about nobody in particular */

static void take(const struct net *n, uint8_t at, bool is_inverted, struct net *out)
{
	uint8_t bits = (uint8_t)(n->prefix - at > 32 ? 32 : n->prefix - at);
	struct net all = {.family = 4, .prefix = 32};

	for (int i = 0; i < 4; i++)
		all.addr[i] = is_inverted ? (uint8_t)~n->addr[at / 8 + i] : n->addr[at / 8 + i];
	net_widen(&all, bits, out);
}

bool net_carried(const struct net *n, struct net *out)
{
	static const struct net low = {{0}, 6, 120}; /* :: and ::1 are no IPv4 addresses */

	if (n->family != 6 || net_contains(&low, n))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(carriers); i++) {
		uint8_t at = carriers[i].at;

		if (!net_contains(&carriers[i].prefix, n) || n->prefix < at + PINNED)
			continue;
		take(n, at, carriers[i].is_inverted, out);
		return true;
	}
	return false;
}

bool net_holds_ipv4(const struct net *n)
{
	static const struct net whole[] = {
		{{[10] = 0xff, [11] = 0xff}, 6, 96},
		{{0x00, 0x64, 0xff, 0x9b}, 6, 96},
	};

	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		if (n->family == 6 && net_contains(n, &whole[i]))
			return true;
	return false;
}
