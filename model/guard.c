/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guards: one row per rule. Pure; facts come from whoever gathered them. */
#include "model/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

#define WIDEST4     8
#define WIDEST6     16
#define ALLOWED_FEW 16 /* looked at before memory is taken for all of them */

/* What a rule looks at. change is NULL when a single edit is checked. */
struct scene {
	const struct edit *edit;
	const struct guard_facts *facts;
	const struct change *change;
	size_t index;
	size_t blocks,
		first_block; /* how many of the change's edits block, and which is the first */
	bool disallows; /* the change takes allowed entries away, too */
	unsigned rules; /* a bit for each that was broken so far */
};

typedef bool (*guard_fn)(const struct scene *s, enum guard_rule rule, char *reason, size_t size);

/* "A is B", "A contains X, B" or "A is inside X, B". */
static bool say(char *reason, size_t size, const struct net *target, const struct net *fact,
	const char *what)
{
	char a[NET_BUF], b[NET_BUF];

	net_format(target, a, sizeof(a));
	net_format(fact, b, sizeof(b));
	if (net_equal(target, fact))
		snprintf(reason, size, "%s is %s", a, what);
	else if (net_contains_mapped(target, fact))
		snprintf(reason, size, "%s contains %s, %s", a, b, what);
	else
		snprintf(reason, size, "%s is inside %s, %s", a, b, what);
	return true;
}

static bool check_ssh(const struct scene *s, enum guard_rule rule, char *reason, size_t size)
{
	const struct net *client = &s->facts->ssh_client;

	return client->family && net_contains_mapped(&s->edit->net, client) &&
	       say(reason, size, &s->edit->net, client, guard_words(rule));
}

static const struct netvec *facts_of(const struct guard_facts *f, enum guard_rule rule)
{
	switch (rule) {
	case GUARD_RULE_API:
		return &f->api;
	case GUARD_RULE_HOST:
		return &f->host;
	case GUARD_RULE_PROXY:
		return &f->proxies;
	case GUARD_RULE_GATEWAY:
		return &f->gateways;
	default:
		return &f->near;
	}
}

/* The facts may be networks themselves: an address inside a trusted network is a trusted proxy. */
static bool check_facts(const struct scene *s, enum guard_rule rule, char *reason, size_t size)
{
	const struct net *hit = netvec_touching(facts_of(s->facts, rule), &s->edit->net);

	return hit && say(reason, size, &s->edit->net, hit, guard_words(rule));
}

static bool check_loopback(const struct scene *s, enum guard_rule rule, char *reason, size_t size)
{
	static const struct net loopback[] = {
		{{127}, 4, 8},
		{{[15] = 1}, 6, 128},
	};

	for (size_t i = 0; i < ARRAY_LEN(loopback); i++)
		if (net_contains_mapped(&s->edit->net, &loopback[i]) ||
			net_contains(&loopback[i], &s->edit->net))
			return say(reason, size, &s->edit->net, &loopback[i], guard_words(rule));
	return false;
}

static bool is_disallowed(const struct scene *s, const struct net *n)
{
	for (size_t i = 0; s->disallows && i < s->change->count; i++)
		if (s->change->edits[i].kind == EDIT_DISALLOW &&
			net_equal(&s->change->edits[i].net, n))
			return true;
	return false;
}

/* An allow that this very change takes away protects nothing: undoing "allow, and lift the block"
 * is one change. */
static bool protects(const struct scene *s, size_t row)
{
	const struct guard_facts *f = s->facts;
	struct net n;

	entry_net(&f->allowed->rows[row], &n);
	return entry_state(f->allowed, row, f->now) == ENTRY_ACTIVE && !is_disallowed(s, &n);
}

/* First allowed row among those given that protects; -1 if none. */
static ptrdiff_t first_active(const struct scene *s, const uint32_t *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (protects(s, rows[i]))
			return rows[i];
	return -1;
}

static size_t at_most(size_t n, size_t max)
{
	return n < max ? n : max;
}

typedef size_t (*rows_fn)(
	const struct netset *index, const struct net *n, uint32_t *rows, size_t max);

/* However many of them protect nothing any more. */
static ptrdiff_t first_of(const struct scene *s, rows_fn find, const struct net *n)
{
	const struct netset *index = s->facts->allowed->index;
	uint32_t few[ALLOWED_FEW], *all;
	size_t found = find(index, n, few, ALLOWED_FEW);
	ptrdiff_t row = first_active(s, few, at_most(found, ALLOWED_FEW));

	if (row >= 0 || found <= ALLOWED_FEW)
		return row;
	all = xreallocarray(NULL, found, sizeof(*all));
	row = first_active(s, all, at_most(find(index, n, all, found), found));
	free(all);
	return row;
}

static ptrdiff_t allowed_touching(const struct scene *s, const struct net *n)
{
	static const struct net all_ipv4 = {{0}, 4, 0};
	ptrdiff_t row = first_of(s, netset_inside, n);

	if (row < 0 && net_holds_ipv4(n))
		row = first_of(s, netset_inside, &all_ipv4);
	return row >= 0 ? row : first_of(s, netset_covering, n);
}

static bool check_allowed(const struct scene *s, enum guard_rule rule, char *reason, size_t size)
{
	const struct guard_facts *f = s->facts;
	struct net hit;

	if (!f->allowed || !f->allowed->index)
		return false;
	ptrdiff_t row = allowed_touching(s, &s->edit->net);
	if (row < 0)
		return false;
	entry_net(&f->allowed->rows[row], &hit);
	return say(reason, size, &s->edit->net, &hit, guard_words(rule));
}

static bool check_private(const struct scene *s, enum guard_rule rule, char *reason, size_t size)
{
	enum net_kind kind = net_kind(&s->edit->net);
	char a[NET_BUF];

	(void)rule;
	if (net_holds_ipv4(&s->edit->net))
		kind = NET_PRIVATE;
	if (kind == NET_PUBLIC || kind == NET_LOOPBACK)
		return false;
	net_format(&s->edit->net, a, sizeof(a));
	snprintf(reason, size,
		"%s touches a special range (%s): gateways, proxies and your own hosts are there",
		a, net_kind_text(kind));
	return true;
}

static bool check_wide(const struct scene *s, enum guard_rule rule, char *reason, size_t size)
{
	const struct net *n = &s->edit->net;
	int widest = n->family == 4 ? WIDEST4 : WIDEST6;
	char a[NET_BUF];

	(void)rule;
	if (n->prefix >= widest && !net_holds_ipv4(n))
		return false;
	net_format(n, a, sizeof(a));
	if (n->prefix >= widest) {
		snprintf(reason, size, "%s contains every IPv4 address in its IPv6 form", a);
		return true;
	}
	snprintf(reason, size,
		"%s is wider than /%d, the widest IPv%d network blocked without force", a, widest,
		n->family);
	return true;
}

/* Is this allowed row about to go, by any edit of the change? */
static bool is_removed(const struct scene *s, const struct net *n)
{
	return net_equal(n, &s->edit->net) || is_disallowed(s, n);
}

static bool keeps_an_allow(const struct scene *s, const struct net *fact)
{
	uint32_t rows[160];
	const struct entrylist *allowed = s->facts->allowed;
	size_t n = at_most(
		netset_covering(allowed->index, fact, rows, ARRAY_LEN(rows)), ARRAY_LEN(rows));

	for (size_t i = 0; i < n; i++) {
		struct net row;

		entry_net(&allowed->rows[rows[i]], &row);
		if (entry_state(allowed, rows[i], s->facts->now) == ENTRY_ACTIVE &&
			!is_removed(s, &row))
			return true;
	}
	return false;
}

/* One whose time is over keeps nobody alive: to take it off the list gives nothing up. */
static bool is_active(const struct guard_facts *f, const struct net *n)
{
	ptrdiff_t row = entrylist_find(f->allowed, n);
	struct net other;

	for (; row >= 0 && (size_t)row < f->allowed->count; row++) {
		entry_net(&f->allowed->rows[row], &other);
		if (!net_equal(&other, n))
			return false;
		if (entry_state(f->allowed, (size_t)row, f->now) == ENTRY_ACTIVE)
			return true;
	}
	return false;
}

static bool check_last_allow(const struct scene *s, enum guard_rule rule, char *reason, size_t size)
{
	static const struct {
		enum guard_rule facts;
		const char *what;
	} kept[] = {
		{GUARD_RULE_GATEWAY, "a gateway of this host"},
		{GUARD_RULE_PROXY, "a proxy the server trusts"},
		{GUARD_RULE_NEAR, "expected by this profile"},
	};
	const struct guard_facts *f = s->facts;

	(void)rule;
	if (!f->allowed || !f->allowed->index || !is_active(f, &s->edit->net))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const struct netvec *v = facts_of(f, kept[i].facts);

		for (size_t k = 0; k < v->count; k++) {
			char a[NET_BUF], b[NET_BUF];

			if (!net_contains_mapped(&s->edit->net, &v->items[k]) ||
				keeps_an_allow(s, &v->items[k]))
				continue;
			net_format(&s->edit->net, a, sizeof(a));
			net_format(&v->items[k], b, sizeof(b));
			snprintf(reason, size,
				"%s is the last allow that keeps %s from being banned, %s", a, b,
				kept[i].what);
			return true;
		}
	}
	return false;
}

/* Said once, at the first block of the change. */
static bool check_many(const struct scene *s, enum guard_rule rule, char *reason, size_t size)
{
	size_t max = s->facts->max_entries;

	(void)rule;
	if (!max || s->blocks <= max || s->index != s->first_block)
		return false;
	snprintf(reason, size, "this change blocks %zu entries, more than %zu at once",
		s->blocks, max);
	return true;
}

#define BLOCKING    (1u << EDIT_BLOCK | 1u << EDIT_EXPIRY)
#define DISALLOWING (1u << EDIT_DISALLOW | 1u << EDIT_ALLOW_EXPIRY)

static const struct {
	const char *name, *words;
	enum guard_severity severity;
} rules[] = {
#define GUARD_ROW(id, n, w, sev) [GUARD_RULE_##id] = {n, w, sev},
	GUARD_INFO(GUARD_ROW)
#undef GUARD_ROW
};

static const struct {
	guard_fn check;
	unsigned edits;
} checks[] = {
	[GUARD_RULE_SSH_CLIENT] = {check_ssh, BLOCKING},
	[GUARD_RULE_API] = {check_facts, BLOCKING},
	[GUARD_RULE_HOST] = {check_facts, BLOCKING},
	[GUARD_RULE_LOOPBACK] = {check_loopback, BLOCKING},
	[GUARD_RULE_PROXY] = {check_facts, BLOCKING},
	[GUARD_RULE_GATEWAY] = {check_facts, BLOCKING},
	[GUARD_RULE_NEAR] = {check_facts, BLOCKING},
	[GUARD_RULE_ALLOWED] = {check_allowed, BLOCKING},
	[GUARD_RULE_PRIVATE] = {check_private, BLOCKING},
	[GUARD_RULE_WIDE] = {check_wide, BLOCKING},
	[GUARD_RULE_LAST_ALLOW] = {check_last_allow, DISALLOWING},
	[GUARD_RULE_MANY] = {check_many, 1u << EDIT_BLOCK},
};
_Static_assert(ARRAY_LEN(checks) == GUARD_RULE_COUNT, "a check for every rule");

const char *guard_name(enum guard_rule r)
{
	return r < GUARD_RULE_COUNT ? rules[r].name : "";
}

const char *guard_words(enum guard_rule r)
{
	return r < GUARD_RULE_COUNT ? rules[r].words : "";
}

enum guard_severity guard_severity(enum guard_rule r)
{
	return r < GUARD_RULE_COUNT ? rules[r].severity : GUARD_REFUSE;
}

void guard_facts_release(struct guard_facts *f)
{
	netvec_release(&f->host);
	netvec_release(&f->api);
	netvec_release(&f->proxies);
	netvec_release(&f->gateways);
	netvec_release(&f->near);
	memset(f, 0, sizeof(*f));
}

/* Another end for what is in force: a block's earlier one harms nobody, nor does an allow's later one. */
static bool is_harmless(const struct scene *s)
{
	const struct edit *e = s->edit;
	const struct entrylist *l = e->kind == EDIT_EXPIRY	 ? s->facts->blocked
				    : e->kind == EDIT_ALLOW_EXPIRY ? s->facts->allowed
								   : NULL;
	ptrdiff_t row = l ? entrylist_find(l, &e->net) : -1;
	int64_t end = row >= 0 ? entry_expires(&l->rows[row]) : 0;

	if (row < 0 || entry_state(l, (size_t)row, s->facts->now) != ENTRY_ACTIVE)
		return false;
	if (e->kind == EDIT_ALLOW_EXPIRY)
		return e->expires == TIME_NONE || (end != TIME_NONE && e->expires >= end);
	return end == TIME_NONE || (e->expires != TIME_NONE && e->expires <= end);
}

static void add_hit(struct scene *s, int rule, const char *reason, struct guard_hit *hit)
{
	s->rules |= 1u << rule;
	if (!hit)
		return;
	*hit = (struct guard_hit){(enum guard_rule)rule, rules[rule].severity, s->index, ""};
	memcpy(hit->reason, reason, sizeof(hit->reason));
}

/* The IPv4 address that an IPv6 one carries is as much the client's own. */
static bool check_carried(
	const struct scene *s, const struct net *carried, enum guard_rule rule, char *reason, size_t size)
{
	char why[sizeof(((struct guard_hit *)0)->reason)], outer[NET_BUF], inner[NET_BUF];
	struct scene inside = *s;
	struct edit e;

	if (rule == GUARD_RULE_MANY || rule == GUARD_RULE_LAST_ALLOW)
		return false;
	e = *s->edit;
	e.net = *carried;
	inside.edit = &e;
	if (!checks[rule].check(&inside, rule, why, sizeof(why)))
		return false;
	snprintf(reason, size, "%s carries %s: %.120s", net_format(&s->edit->net, outer, sizeof(outer)),
		net_format(carried, inner, sizeof(inner)), why);
	return true;
}

static size_t check_scene(struct scene *s, struct guard_hit *hits, size_t max)
{
	struct net carried;
	bool carries;
	size_t n = 0;

	if (!s->edit->net.family || is_harmless(s))
		return 0;
	carries = net_carried(&s->edit->net, &carried);
	for (int r = 0; r < GUARD_RULE_COUNT; r++) {
		enum guard_rule rule = (enum guard_rule)r;
		char reason[sizeof(hits->reason)];

		if (!(checks[r].edits & 1u << s->edit->kind) ||
			(!checks[r].check(s, rule, reason, sizeof(reason)) &&
				!(carries && check_carried(s, &carried, rule, reason, sizeof(reason)))))
			continue;
		add_hit(s, r, reason, n < max ? &hits[n] : NULL);
		n++;
	}
	return n;
}

size_t guard_check(
	const struct edit *e, const struct guard_facts *f, struct guard_hit *hits, size_t max)
{
	struct scene s = {.edit = e, .facts = f, .blocks = 1};

	return check_scene(&s, hits, max);
}

size_t guard_check_all(const struct change *c, const struct guard_facts *f, struct guard_hit *hits,
	size_t max, unsigned *broken)
{
	struct scene s = {.facts = f, .change = c};
	size_t n = 0;

	for (size_t i = c->count; i-- > 0;) {
		s.disallows = s.disallows || c->edits[i].kind == EDIT_DISALLOW;
		if (c->edits[i].kind == EDIT_BLOCK) {
			s.blocks++;
			s.first_block = i;
		}
	}
	for (size_t i = 0; i < c->count; i++) {
		s.edit = &c->edits[i];
		s.index = i;
		n += check_scene(&s, n < max ? hits + n : NULL, n < max ? max - n : 0);
	}
	*broken = s.rules;
	return n;
}

size_t guard_check_change(
	const struct change *c, const struct guard_facts *f, struct guard_hit *hits, size_t max)
{
	unsigned broken;

	return guard_check_all(c, f, hits, max, &broken);
}

bool guard_check_net(const struct net *n, const struct guard_facts *f, struct guard_hit *hit)
{
	struct edit e = {.kind = EDIT_BLOCK, .net = *n};

	return guard_check(&e, f, hit, 1) > 0;
}

void guard_names(const struct guard_hit *hits, size_t n, struct buf *out)
{
	unsigned seen = 0;

	for (size_t i = 0; i < n; i++)
		seen |= 1u << hits[i].rule;
	guard_names_of(seen, out);
}

void guard_names_of(unsigned seen, struct buf *out)
{
	for (int r = 0; r < GUARD_RULE_COUNT; r++)
		if (seen & 1u << r)
			buf_addf(out, "%s%s", seen & ((1u << r) - 1) ? ", " : "", rules[r].name);
}
