/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small growing array of nets: the facts that guards and the gateway search compare with. For lists of thousands use netset. */
#ifndef MODEL_NETVEC_H
#define MODEL_NETVEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/net.h"

struct netvec {
	struct net *items;
	size_t count, cap;
	/* First octets of IPv4 that a member has to do with, a bit each: most of 100,000 addresses are far from all facts. */
	uint64_t octets[4];
};

void netvec_release(struct netvec *v);
void netvec_add(struct netvec *v, const struct net *n); /* family 0 and doubles are left out */
bool netvec_add_text(struct netvec *v, const char *s);  /* false: no address or network. Blanks around it are allowed, a zone id ("fe80::1%eth0") is cut */
/* First member that n contains / that contains n / either; NULL if none. An IPv6 network around ::ffff:0:0/96 or 64:ff9b::/96 contains IPv4. */
const struct net *netvec_inside(const struct netvec *v, const struct net *n);
const struct net *netvec_around(const struct netvec *v, const struct net *n);
const struct net *netvec_touching(const struct netvec *v, const struct net *n);
/* net_contains(), or outer is an IPv6 network that contains inner's mapped or NAT64 form. */
bool net_contains_mapped(const struct net *outer, const struct net *inner);

#endif
