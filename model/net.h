/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses and networks: parse, print, compare, contain, classify. Pure; knows no list and no server. */
#ifndef MODEL_NET_H
#define MODEL_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define NET_BUF 64 /* longest text: IPv6 plus "/128" */

struct net {
	uint8_t addr[16]; /* IPv4 in the first 4 bytes, the rest 0; host bits are 0 unless kept on purpose */
	uint8_t family;   /* 4, 6, or 0 = none */
	uint8_t prefix;   /* bits; 32 or 128 = one address */
};

enum net_flags {
	NET_HAS_HOST_BITS = 1, /* 203.0.113.7/24: *out holds the network 203.0.113.0/24 */
	NET_HAD_PREFIX = 2,    /* a /len was written, also /32 */
	NET_WAS_MAPPED = 4,    /* ::ffff:a.b.c.d came in; *out is IPv4 */
};

/* Lenient: what a server list or a log may hold. Surrounding blanks refused, leading zeros in octets refused, zone ids refused. */
bool net_parse(const char *s, size_t len, struct net *out, unsigned *flags);
/* For what a person typed: says what was wrong, where, and what would be right ("203.0.113.7/24 has host bits set;
 * the network is 203.0.113.0/24"). Host bits are an error here (ERR_USAGE). */
bool net_parse_input(const char *s, struct net *out, struct err *err);
char *net_format(const struct net *n, char *out, size_t size); /* RFC 5952; "/len" only for networks; returns out */

bool net_is_address(const struct net *n); /* exactly one address */
bool net_equal(const struct net *a, const struct net *b);
int net_cmp(const struct net *a, const struct net *b); /* family, address, then shorter prefix first */
bool net_contains(const struct net *outer, const struct net *inner); /* also when equal; families never mix */
void net_widen(const struct net *n, uint8_t prefix, struct net *out); /* the network of that length around n */
uint64_t net_hash(const struct net *n);

/* net_embed.c. The IPv4 address or network that an IPv6 one carries: NAT64 64:ff9b::/96, 6to4, Teredo, ::a.b.c.d. False: none, or hardly a
 * bit of one is named (2002::/16). Mapped ones became IPv4 when they were parsed. */
bool net_carried(const struct net *n, struct net *out);
bool net_holds_ipv4(const struct net *n); /* an IPv6 network around ::ffff:0:0/96 or 64:ff9b::/96: every IPv4 client is in it */

/* What an address is to this host and to the world; the first that fits, and the words for it. */
#define NET_KIND_INFO(_)                                                                           \
	_(PUBLIC, "public")                                                                        \
	_(LOOPBACK, "loopback")                                                                    \
	_(LINK_LOCAL, "link-local")                                                                \
	_(PRIVATE, "private")                                                                      \
	_(CGNAT, "carrier-grade NAT")                                                              \
	_(DOCKER, "Docker default range")                                                          \
	_(MULTICAST, "multicast")                                                                  \
	_(UNSPECIFIED, "unspecified")
enum net_kind {
#define NET_KIND_ENUM(id, text) NET_##id,
	NET_KIND_INFO(NET_KIND_ENUM)
#undef NET_KIND_ENUM
	NET_KIND_COUNT
};
enum net_kind net_kind(const struct net *n); /* a network is of a special kind when it overlaps that range; widest special first */
const char *net_kind_text(enum net_kind k);

/* A set for coverage questions: "which entries cover this address". Values are caller's indices. */
struct netset;
struct netset *netset_new(void);
void netset_free(struct netset *s);
void netset_add(struct netset *s, const struct net *n, uint32_t value);
void netset_finish(struct netset *s); /* call once after the adds, before queries */
/* Widest first; returns how many there are, fills at most max. An equal network counts. */
size_t netset_covering(const struct netset *s, const struct net *n, uint32_t *values, size_t max);
/* The networks alone: of single addresses only n itself could cover n, and a caller with sorted rows sees those beside it. */
size_t netset_networks_around(const struct netset *s, const struct net *n, uint32_t *values, size_t max);
/* Members inside n (n itself included). */
size_t netset_inside(const struct netset *s, const struct net *n, uint32_t *values, size_t max);

#endif
