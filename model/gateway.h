/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose ban is a gateway's or a proxy's: one address behind which everybody is. Pure: facts in, findings out. */
#ifndef MODEL_GATEWAY_H
#define MODEL_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "model/entry.h"
#include "model/net.h"
#include "model/netvec.h"
#include "model/rate.h"

/* Reasons to take an address for a gateway: id, words, weight (%). The score is the heaviest plus a tenth of each other. */
#define GATEWAY_WHY_INFO(_)                                                                        \
	_(HOST, "an address of this host", 100)                                                    \
	_(PROXY, "a proxy the server trusts", 95)                                                  \
	_(EXPECTED, "expected to be allowed by this profile", 95)                                  \
	_(BRIDGE, "the gateway of a bridge of this host", 90)                                      \
	_(ROUTE, "the default gateway of this host", 90)                                           \
	_(LOOPBACK, "loopback", 80)                                                                \
	_(DOCKER, "in Docker's default range", 70)                                                 \
	_(PRIVATE, "a private address", 60)                                                        \
	_(CGNAT, "a carrier-grade NAT address", 50)                                                \
	_(LINK_LOCAL, "a link-local address", 50)                                                  \
	_(LOGINS, "several accounts log in from it", 60)                                           \
	_(SOME_LOGINS, "some accounts log in from it", 30)                                         \
	_(LISTENERS, "they come in on many listeners", 25)                                         \
	_(ACCOUNTS, "it tries many accounts", 20)
enum gateway_why {
#define GATEWAY_WHY_ENUM(id, words, weight) GATEWAY_WHY_##id,
	GATEWAY_WHY_INFO(GATEWAY_WHY_ENUM)
#undef GATEWAY_WHY_ENUM
	GATEWAY_WHY_COUNT
};
const char *gateway_why_words(enum gateway_why w);

#define GATEWAY_ALARM 50       /* score from which it is an alarm; below, a hint */
#define GATEWAY_HINT 25        /* score below which nothing is said */
#define GATEWAY_NEAR_PERCENT 80 /* of the threshold within the current window */

enum gateway_state {
	GATEWAY_BANNED,        /* blocked now */
	GATEWAY_NEAR_LIMIT,    /* will be banned soon */
	GATEWAY_MISSING_ALLOW, /* expected to be allowed, and is not */
	GATEWAY_STATE_COUNT
};
const char *gateway_state_name(enum gateway_state s); /* "banned" "near_limit" "missing_allow" */

/* What one address did lately, from the log or the history. */
struct gateway_activity {
	struct net address;
	uint32_t accounts;     /* login names tried */
	uint32_t logins;       /* accounts that logged in */
	uint32_t listeners;    /* on so many */
	uint64_t failures;     /* in the current window of `class` */
	enum ban_class class;
	uint32_t regulars;     /* accounts that logged in on more than one day */
	uint32_t strangers;    /* accounts tried that never logged in from there */
	bool is_tried_unknown; /* the log doesn't tell of failed logins: there may be more strangers */
	bool has_more;         /* than `logins` */
};

struct gateway_bridge {
	struct net gateway;    /* the bridge's own address: what containers' traffic comes from */
	struct net subnet;     /* family 0 = not known */
	char name[32];         /* "docker0", "br-…" or a docker network's name; safe text */
};

struct gateway_facts {
	struct netvec host;      /* this host's addresses */
	struct netvec routes;    /* default route gateways */
	struct gateway_bridge *bridges;
	size_t bridge_count, bridge_cap;
	struct netvec proxies;   /* trusted by the server's settings */
	struct netvec expected;  /* the profile's near_networks and allowed list: must be allowed */
	const struct entrylist *blocked, *allowed;   /* borrowed; NULL = not known */
	bool allow_wins;         /* 0.16: an allowed address is not refused even when listed as blocked */
	const struct thresholds *thresholds;         /* borrowed; NULL = not known: nothing is near its limit */
	const struct gateway_activity *activity;     /* borrowed */
	size_t activity_count;
	int64_t now;
};
void gateway_facts_add_bridge(struct gateway_facts *f, const struct net *gateway, const struct net *subnet, const char *name);
void gateway_facts_release(struct gateway_facts *f);

struct gateway_finding {
	struct net net;          /* the address (or blocked network) to un-block and allow */
	enum gateway_state state;
	unsigned why;            /* 1u << enum gateway_why */
	int score;               /* 0..100 */
	ptrdiff_t row;           /* of the blocked list, -1 = none */
	uint64_t failures, limit; /* NEAR_LIMIT */
	enum ban_class class;
	uint32_t accounts, listeners, logins, strangers;
	bool has_more;           /* than `logins` */
	bool is_allowed;         /* an active allow covers it (on servers up to 0.15 that lifts no ban) */
	char words[256];         /* "172.17.0.1 is banned: the gateway of a bridge of this host (docker0)" */
};

struct gateway_findings {
	struct gateway_finding *items; /* alarms first: by state, then score, then address */
	size_t count, cap;
};
void gateway_find(const struct gateway_facts *f, struct gateway_findings *out);
void gateway_findings_release(struct gateway_findings *g);
/* Why this address would be one, and in words (may be NULL). For a refused connection in a live log: *score >= GATEWAY_ALARM raises the
 * alarm at once. */
unsigned gateway_reasons(const struct gateway_facts *f, const struct net *n, int *score, struct buf *words);

/* The lasting cure: let the server see the real client. One row per generation of the settings concerned. */
enum gateway_generation { CURE_UNKNOWN, CURE_0_5, CURE_0_7, CURE_0_11, CURE_0_12, CURE_0_16, CURE_REST, CURE_COUNT };
struct gateway_cure {
	const char *versions;    /* "0.12 - 0.15" */
	const char *proxy;       /* setting that trusts the PROXY protocol from a network; NULL = none */
	const char *proxy_listener; /* the same for one listener; NULL = none */
	const char *forwarded;   /* setting that trusts a forwarded-for header; NULL = none */
	const char *forwarded_0_11; /* its name up to 0.11, where the generation begins before; NULL = the same */
	bool needs_restart;      /* listener settings are read at start only */
};
const struct gateway_cure *gateway_cure(enum gateway_generation g);
/* For people, a few lines: which setting gets which value for this gateway, and the catch. why: of gateway_reasons(); when nothing but
 * logins says so it may be somebody else's, where no setting helps. ASCII. */
void gateway_cure_text(enum gateway_generation g, const struct net *gateway, unsigned why, struct buf *out);

#endif
