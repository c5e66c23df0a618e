/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guards: what must not be done in a hurry. One pure table, used by the console, the verbs and import. Facts are gathered elsewhere. */
#ifndef MODEL_GUARD_H
#define MODEL_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "model/change.h"
#include "model/entry.h"
#include "model/net.h"
#include "model/netvec.h"

/* LOCKOUT would cut off the operator's own way in: consent is typed out, not just --yes. */
enum guard_severity { GUARD_REFUSE, GUARD_LOCKOUT };

/* id, name in JSON and journal, what it protects, severity */
#define GUARD_INFO(_)                                                                              \
	_(SSH_CLIENT, "ssh_client", "your own SSH client", GUARD_LOCKOUT)                          \
	_(API, "api", "the address the server's API is reached at", GUARD_LOCKOUT)                 \
	_(HOST, "host", "an address of this host", GUARD_LOCKOUT)                                  \
	_(LOOPBACK, "loopback", "loopback", GUARD_LOCKOUT)                                         \
	_(PROXY, "proxy", "a proxy the server trusts", GUARD_REFUSE)                               \
	_(GATEWAY, "gateway", "a gateway of this host", GUARD_REFUSE)                              \
	_(NEAR, "near", "one of this profile's near_networks", GUARD_REFUSE)                       \
	_(ALLOWED, "allowed", "an allowed entry", GUARD_REFUSE)                                    \
	_(PRIVATE, "private", "private and special ranges", GUARD_REFUSE)                          \
	_(WIDE, "wide", "networks wider than /8 (IPv4) or /16 (IPv6)", GUARD_REFUSE)               \
	_(LAST_ALLOW, "last_allow", "the last allow that keeps a gateway or proxy alive", GUARD_REFUSE) \
	_(MANY, "many", "too many entries at once", GUARD_REFUSE)
enum guard_rule {
#define GUARD_ENUM(id, name, words, severity) GUARD_RULE_##id,
	GUARD_INFO(GUARD_ENUM)
#undef GUARD_ENUM
	GUARD_RULE_COUNT
};
const char *guard_name(enum guard_rule r);
const char *guard_words(enum guard_rule r);
enum guard_severity guard_severity(enum guard_rule r);

/* Zeroed = nothing known; then only the rules that need no facts apply. */
struct guard_facts {
	struct net ssh_client;           /* family 0: not over SSH */
	struct netvec host;              /* this host's addresses */
	struct netvec api;               /* addresses the API is reached at */
	struct netvec proxies;           /* the server's trusted proxies */
	struct netvec gateways;          /* default route and bridge gateways */
	struct netvec near;              /* the profile's near_networks and expected allows */
	const struct entrylist *allowed; /* borrowed; NULL = not known */
	const struct entrylist *blocked; /* borrowed, for what an entry's end is now; NULL = not known */
	size_t max_entries;              /* blocks in one change; 0 = no limit */
	int64_t now;                     /* which allows have expired */
};
void guard_facts_release(struct guard_facts *f);

struct guard_hit {
	enum guard_rule rule;
	enum guard_severity severity;
	size_t edit;                     /* index in the change; 0 for a single edit */
	char reason[240];                /* one sentence, safe text: "203.0.113.0/24 contains 203.0.113.7, your own SSH client" */
};

/* Every rule an edit breaks, in the order of the table. Returns how many there are, fills at most max. */
size_t guard_check(const struct edit *e, const struct guard_facts *f, struct guard_hit *hits, size_t max);
/* Of a whole change: also counts, and sees what its edits do together (two allows removed at once). */
size_t guard_check_change(const struct change *c, const struct guard_facts *f, struct guard_hit *hits, size_t max);
/* The same; rules gets a bit for every rule that any edit breaks, also of those beyond max. */
size_t guard_check_all(const struct change *c, const struct guard_facts *f, struct guard_hit *hits, size_t max, unsigned *rules);
/* Would blocking n be refused? First rule broken, for `check bans`; false if none. */
bool guard_check_net(const struct net *n, const struct guard_facts *f, struct guard_hit *hit);
/* "ssh_client, wide": rules of the hits, each once, in table order; what --force overrides. */
void guard_names(const struct guard_hit *hits, size_t n, struct buf *out);
void guard_names_of(unsigned rules, struct buf *out);

/* $SSH_CONNECTION ("client port server port") or $SSH_CLIENT ("client port port"). Mapped addresses become IPv4, zone ids go.
 * server may be NULL; its family is 0 when the text has none. */
bool guard_parse_ssh(const char *text, struct net *client, struct net *server);

#endif
