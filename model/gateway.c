/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds banned gateways and proxies. Pure; knows no server, only facts about this host, the
 * settings and the lists. */
#include "model/gateway.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

#define MANY_LOGINS    3 /* accounts that log in from one address: more than a person has */
#define SURE_LOGINS    5 /* so many, nobody has stolen without trying others */
#define ODD_LOGINS     10 /* the same when nobody knows what else was tried */
#define MANY_LISTENERS 3
#define MANY_ACCOUNTS  20 /* attackers try many names too, so this alone weighs little */

static const struct {
	const char *words;
	int weight;
} why_info[] = {
#define WHY_ROW(id, w, n) [GATEWAY_WHY_##id] = {w, n},
	GATEWAY_WHY_INFO(WHY_ROW)
#undef WHY_ROW
};

static const struct {
	const char *name, *words;
} state_info[] = {
	[GATEWAY_BANNED] = {"banned", "is banned"},
	[GATEWAY_NEAR_LIMIT] = {"near_limit", "is about to be banned"},
	[GATEWAY_MISSING_ALLOW] = {"missing_allow", "should be allowed and is not: the profile expects it (near_networks, allowed)"},
};
_Static_assert(ARRAY_LEN(state_info) == GATEWAY_STATE_COUNT, "words for every state");

const char *gateway_why_words(enum gateway_why w)
{
	return w < GATEWAY_WHY_COUNT ? why_info[w].words : "";
}

const char *gateway_state_name(enum gateway_state s)
{
	return s < GATEWAY_STATE_COUNT ? state_info[s].name : "";
}

void gateway_facts_add_bridge(struct gateway_facts *f, const struct net *gateway,
	const struct net *subnet, const char *name)
{
	xgrow(&f->bridges, &f->bridge_cap, f->bridge_count + 1, sizeof(*f->bridges));
	struct gateway_bridge *b = &f->bridges[f->bridge_count++];
	memset(b, 0, sizeof(*b));
	b->gateway = *gateway;
	if (subnet)
		b->subnet = *subnet;
	text_safe_str(b->name, sizeof(b->name), name, strlen(name));
}

void gateway_facts_release(struct gateway_facts *f)
{
	netvec_release(&f->host);
	netvec_release(&f->routes);
	netvec_release(&f->proxies);
	netvec_release(&f->expected);
	free(f->bridges);
	memset(f, 0, sizeof(*f));
}

void gateway_findings_release(struct gateway_findings *g)
{
	free(g->items);
	*g = (struct gateway_findings){NULL, 0, 0};
}

static bool is_allowed(const struct gateway_facts *f, const struct net *n)
{
	return f->allowed && f->allowed->index &&
	       entrylist_covering(f->allowed, n, -1, f->now) >= 0;
}

/* Does a block of n shut this one out? Not where it is allowed and that wins over the network around it. */
static bool is_hit(const struct gateway_facts *f, const struct net *n, const struct net *known)
{
	return !f->allow_wins || net_is_address(n) || !is_allowed(f, known);
}

static bool has_hit(const struct gateway_facts *f, const struct netvec *known, const struct net *n, bool around)
{
	if (!(around ? netvec_touching(known, n) : netvec_inside(known, n))) /* nearly always */
		return false;
	for (size_t i = 0; i < known->count; i++) {
		const struct net *k = &known->items[i];

		if ((net_contains_mapped(n, k) || (around && net_contains_mapped(k, n))) && is_hit(f, n, k))
			return true;
	}
	return false;
}

static const struct gateway_bridge *bridge_of(const struct gateway_facts *f, const struct net *n)
{
	for (size_t i = 0; i < f->bridge_count; i++)
		if (net_contains_mapped(n, &f->bridges[i].gateway) && is_hit(f, n, &f->bridges[i].gateway))
			return &f->bridges[i];
	return NULL;
}

static unsigned kind_reason(const struct net *n)
{
	static const unsigned char why_of[NET_KIND_COUNT] = {
		[NET_LOOPBACK] = GATEWAY_WHY_LOOPBACK,
		[NET_LINK_LOCAL] = GATEWAY_WHY_LINK_LOCAL,
		[NET_PRIVATE] = GATEWAY_WHY_PRIVATE,
		[NET_CGNAT] = GATEWAY_WHY_CGNAT,
		[NET_DOCKER] = GATEWAY_WHY_DOCKER,
	};
	enum net_kind kind = net_kind(n);

	if (kind == NET_PUBLIC || kind == NET_MULTICAST || kind == NET_UNSPECIFIED)
		return 0;
	return 1u << why_of[kind];
}

static int score_of(unsigned why)
{
	int heaviest = 0, sum = 0;

	for (int w = 0; w < GATEWAY_WHY_COUNT; w++) {
		if (!(why & 1u << w))
			continue;
		sum += why_info[w].weight;
		if (why_info[w].weight > heaviest)
			heaviest = why_info[w].weight;
	}
	int score = heaviest + (sum - heaviest) / 10;
	return score > 100 ? 100 : score;
}

/* One search: the facts, and the activity by address. */
struct search {
	const struct gateway_facts *f;
	struct netset *active;
	struct gateway_findings *out;
};

static struct netset *index_activity(const struct gateway_facts *f)
{
	struct netset *s = netset_new();

	for (size_t i = 0; i < f->activity_count; i++)
		netset_add(s, &f->activity[i].address, (uint32_t)i);
	netset_finish(s);
	return s;
}

static const struct gateway_activity *activity_of(const struct search *s, const struct net *n)
{
	uint32_t at[8];
	size_t found = net_is_address(n) ? netset_covering(s->active, n, at, ARRAY_LEN(at)) : 0;

	for (size_t i = 0; i < found && i < ARRAY_LEN(at); i++)
		if (net_equal(&s->f->activity[at[i]].address, n))
			return &s->f->activity[at[i]];
	return NULL;
}

/* Who tries more accounts than log in is an attacker who found some passwords, or shares the address with one: no alarm. Where failed logins
 * are not logged, as at the usual level, an attacker doesn't show: then people are known by coming back, or by their number. */
static bool are_neighbours(const struct gateway_activity *a)
{
	if (a->strangers > a->logins)
		return false;
	if (a->is_tried_unknown)
		return a->logins >= ODD_LOGINS || a->regulars >= MANY_LOGINS;
	return a->logins >= SURE_LOGINS || a->listeners > 1;
}

static unsigned activity_reasons(const struct gateway_activity *a)
{
	unsigned why = 0;

	if (a->logins >= MANY_LOGINS)
		why |= 1u << (are_neighbours(a) ? GATEWAY_WHY_LOGINS : GATEWAY_WHY_SOME_LOGINS);
	if (why && a->listeners >= MANY_LISTENERS)
		why |= 1u << GATEWAY_WHY_LISTENERS;
	if (a->accounts >= MANY_ACCOUNTS || a->strangers >= MANY_ACCOUNTS)
		why |= 1u << GATEWAY_WHY_ACCOUNTS;
	return why;
}

/* Of the address alone, without what it did. */
static unsigned static_reasons(const struct gateway_facts *f, const struct net *n)
{
	unsigned why = kind_reason(n);

	if (has_hit(f, &f->host, n, false))
		why |= 1u << GATEWAY_WHY_HOST;
	if (has_hit(f, &f->proxies, n, true))
		why |= 1u << GATEWAY_WHY_PROXY;
	if (has_hit(f, &f->expected, n, true))
		why |= 1u << GATEWAY_WHY_EXPECTED;
	if (bridge_of(f, n))
		why |= 1u << GATEWAY_WHY_BRIDGE;
	if (has_hit(f, &f->routes, n, false))
		why |= 1u << GATEWAY_WHY_ROUTE;
	return why;
}

static unsigned reasons(const struct search *s, const struct net *n)
{
	const struct gateway_activity *a = activity_of(s, n);

	return static_reasons(s->f, n) | (a ? activity_reasons(a) : 0);
}

/* "14 accounts log in from it on 3 listeners"; beside more that were only tried, with how many those are. */
static void add_logins(struct buf *out, const struct gateway_activity *a)
{
	buf_addf(out, "%s%" PRIu32 " accounts log in from it", a->has_more ? "at least " : "", a->logins);
	if (a->listeners > 1)
		buf_addf(out, " on %" PRIu32 " listeners", a->listeners);
	if (a->strangers > a->logins)
		buf_addf(out, ", and it tries %" PRIu32 " that don't", a->strangers);
}

static void add_reasons(const struct gateway_facts *f, const struct net *n, unsigned why, const struct gateway_activity *a, struct buf *out)
{
	const unsigned logins = 1u << GATEWAY_WHY_LOGINS | 1u << GATEWAY_WHY_SOME_LOGINS;
	const struct gateway_bridge *b = bridge_of(f, n);
	const char *sep = "";

	if (why & logins) /* they say the rest as well */
		why &= ~(1u << GATEWAY_WHY_LISTENERS | (a->strangers > a->logins ? 1u << GATEWAY_WHY_ACCOUNTS : 0));
	for (int w = 0; w < GATEWAY_WHY_COUNT; w++) {
		if (!(why & 1u << w))
			continue;
		buf_adds(out, sep);
		if (1u << w & logins)
			add_logins(out, a);
		else
			buf_adds(out, why_info[w].words);
		if (w == GATEWAY_WHY_BRIDGE && b && *b->name)
			buf_addf(out, " (%s)", b->name);
		sep = ", ";
	}
}

unsigned gateway_reasons(const struct gateway_facts *f, const struct net *n, int *score, struct buf *words)
{
	const struct gateway_activity *a = NULL;
	unsigned why = static_reasons(f, n);

	for (size_t i = 0; !a && i < f->activity_count; i++)
		if (net_equal(&f->activity[i].address, n))
			a = &f->activity[i];
	if (a)
		why |= activity_reasons(a);
	*score = score_of(why);
	if (words)
		add_reasons(f, n, why, a, words);
	return why;
}

/* Is n among the first `among` findings? */
static bool is_found(const struct search *s, const struct net *n, size_t among)
{
	for (size_t i = 0; i < among; i++)
		if (net_equal(&s->out->items[i].net, n))
			return true;
	return false;
}

static struct gateway_finding *add(
	const struct search *s, const struct net *n, enum gateway_state state, unsigned why)
{
	struct gateway_findings *out = s->out;
	const struct gateway_activity *a = activity_of(s, n);

	xgrow(&out->items, &out->cap, out->count + 1, sizeof(*out->items));
	struct gateway_finding *g = &out->items[out->count++];
	*g = (struct gateway_finding){
		.net = *n, .state = state, .why = why, .row = -1, .class = CLASS_NONE};
	g->score = score_of(why);
	g->is_allowed = is_allowed(s->f, n);
	if (a) {
		g->accounts = a->accounts;
		g->listeners = a->listeners;
		g->logins = a->logins;
		g->strangers = a->strangers;
		g->has_more = a->has_more;
		g->failures = a->failures;
		g->class = a->class;
	}
	return g;
}

static void consider_row(const struct search *s, size_t row, size_t among)
{
	struct net n;

	entry_net(&s->f->blocked->rows[row], &n);
	if (entry_state(s->f->blocked, row, s->f->now) != ENTRY_ACTIVE || is_found(s, &n, among))
		return;
	unsigned why = reasons(s, &n);
	if (score_of(why) < GATEWAY_HINT || (s->f->allow_wins && is_allowed(s->f, &n)))
		return;
	add(s, &n, GATEWAY_BANNED, why)->row = (ptrdiff_t)row;
}

/* Blocked rows around or (for a trusted network) inside a known address. */
static void look_up(const struct search *s, const struct net *n)
{
	uint32_t rows[64];
	size_t found = netset_covering(s->f->blocked->index, n, rows, ARRAY_LEN(rows));

	for (size_t i = 0; i < found && i < ARRAY_LEN(rows); i++)
		consider_row(s, rows[i], s->out->count);
	if (net_is_address(n))
		return;
	found = netset_inside(s->f->blocked->index, n, rows, ARRAY_LEN(rows));
	for (size_t i = 0; i < found && i < ARRAY_LEN(rows); i++)
		consider_row(s, rows[i], s->out->count);
}

static void look_up_all(const struct search *s)
{
	const struct gateway_facts *f = s->f;
	const struct netvec *known[] = {&f->host, &f->routes, &f->proxies, &f->expected};

	for (size_t k = 0; k < ARRAY_LEN(known); k++)
		for (size_t i = 0; i < known[k]->count; i++)
			look_up(s, &known[k]->items[i]);
	for (size_t i = 0; i < f->bridge_count; i++)
		look_up(s, &f->bridges[i].gateway);
	for (size_t i = 0; i < f->activity_count; i++)
		if (activity_reasons(&f->activity[i]))
			look_up(s, &f->activity[i].address);
}

/* The rest of the list: single public addresses, nearly all of it, were decided above; what is left
 * has a special kind or is a network. */
static void scan_blocked(const struct search *s)
{
	size_t known = s->out->count;

	for (size_t i = 0; i < s->f->blocked->count; i++) {
		struct net n;

		entry_net(&s->f->blocked->rows[i], &n);
		if (!n.family)
			break;
		if (!net_is_address(&n) || kind_reason(&n))
			consider_row(s, i, known);
	}
}

static void find_near_limit(const struct search *s)
{
	const struct gateway_facts *f = s->f;

	for (size_t i = 0; f->thresholds && i < f->activity_count; i++) {
		const struct gateway_activity *a = &f->activity[i];
		const struct threshold *t =
			a->class < CLASS_COUNT ? &f->thresholds->of[a->class] : NULL;

		if (!t || !t->enabled || !t->count ||
			a->failures < (t->count * GATEWAY_NEAR_PERCENT + 99) / 100)
			continue;
		unsigned why = reasons(s, &a->address);
		if (score_of(why) < GATEWAY_HINT || is_allowed(f, &a->address) ||
			is_found(s, &a->address, s->out->count))
			continue;
		struct gateway_finding *g = add(s, &a->address, GATEWAY_NEAR_LIMIT, why);
		g->failures = a->failures;
		g->limit = t->count;
		g->class = a->class;
	}
}

static void find_missing(const struct search *s)
{
	const struct gateway_facts *f = s->f;

	for (size_t i = 0; f->allowed && i < f->expected.count; i++) {
		const struct net *n = &f->expected.items[i];

		if (!is_allowed(f, n) && !is_found(s, n, s->out->count))
			add(s, n, GATEWAY_MISSING_ALLOW, static_reasons(f, n));
	}
}

static void put_words(const struct gateway_facts *f, struct gateway_finding *g)
{
	const struct gateway_activity seen = { .logins = g->logins, .listeners = g->listeners, .strangers = g->strangers, .has_more = g->has_more };
	char net[NET_BUF];
	struct buf out = BUF_INIT;

	buf_addf(&out, "%s %s", net_format(&g->net, net, sizeof(net)), state_info[g->state].words);
	if (g->state == GATEWAY_BANNED && g->is_allowed)
		buf_adds(&out, " although it is allowed");
	if (g->state == GATEWAY_NEAR_LIMIT)
		buf_addf(&out, " (%" PRIu64 " of %" PRIu64 " in %s)", g->failures, g->limit,
			class_name(g->class));
	if (g->state != GATEWAY_MISSING_ALLOW) {
		buf_adds(&out, ": ");
		add_reasons(f, &g->net, g->why, &seen, &out);
	}
	text_safe_str(g->words, sizeof(g->words), buf_str(&out), out.len);
	buf_release(&out);
}

static int cmp_finding(const void *x, const void *y)
{
	const struct gateway_finding *a = x, *b = y;

	if (a->state != b->state)
		return (int)a->state - (int)b->state;
	return a->score != b->score ? b->score - a->score : net_cmp(&a->net, &b->net);
}

void gateway_find(const struct gateway_facts *f, struct gateway_findings *out)
{
	struct search s = {f, index_activity(f), out};

	out->count = 0;
	if (f->blocked && f->blocked->index) {
		look_up_all(&s);
		scan_blocked(&s);
	}
	find_near_limit(&s);
	find_missing(&s);
	netset_free(s.active);
	for (size_t i = 0; i < out->count; i++)
		put_words(f, &out->items[i]);
	if (out->count)
		qsort(out->items, out->count, sizeof(*out->items), cmp_finding);
}
