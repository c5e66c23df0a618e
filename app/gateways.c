/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The best-known failure: everybody behind one address, and that address banned. Facts for the search, and the one-key cure. */
#include "app/gateways.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/near.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "store/history.h"

#define KNOWN_MAX  16                      /* gateways of a kind whose failures the console counts */
#define SHARED_MAX 64                      /* addresses that people share, likewise */
#define ACTIVE_MS  (25 * INT64_C(3600000)) /* someone failed there within a day */

void gateways_facts(struct app *a, struct gateway_facts *out)
{
	const struct host_facts *h = &a->host;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < h->address_count; i++)
		netvec_add(&out->host, &h->addresses[i]);
	for (size_t i = 0; i < h->gateway_count; i++) {
		if (h->gateways[i].is_default)
			netvec_add(&out->routes, &h->gateways[i].net);
		if (h->gateways[i].is_bridge)
			gateway_facts_add_bridge(out, &h->gateways[i].net, NULL, h->gateways[i].interface);
	}
	for (char **p = a->snap.trust ? a->snap.trust->networks : NULL; p && *p; p++)
		netvec_add_text(&out->proxies, *p);
	for (char **p = a->profile.near_networks; p && *p; p++)
		netvec_add_text(&out->expected, *p);
	for (char **p = a->profile.allowed; p && *p; p++)
		netvec_add_text(&out->expected, *p);
	out->blocked = a->snap.list[LIST_BLOCKED];
	out->allowed = a->snap.list[LIST_ALLOWED];
	out->allow_wins = server_has(session_server(a->session), CAP(ALLOW_WINS));
	out->thresholds = a->snap.thresholds;
	out->now = clock_now();
}

/* ---- what addresses did lately ---- */

struct activity {
	struct gateway_activity *rows;
	size_t count, cap;
};

static struct gateway_activity *add_activity(struct activity *out, const struct net *n)
{
	struct gateway_activity *row;

	xgrow(&out->rows, &out->cap, out->count + 1, sizeof(*out->rows));
	row = &out->rows[out->count++];
	*row = (struct gateway_activity){ .address = *n, .class = CLASS_NONE };
	return row;
}

static bool look_up_logins(struct app *a, const struct net *n, struct gateway_activity *out)
{
	struct history_shared h;

	/* our own logins are no evidence of anybody */
	if (!a->store || !net_is_address(n) || !history_shared_of(a->store, a->profile.name, n, a->profile.user, clock_now(), &h, NULL) ||
		h.logins < HISTORY_SHARED)
		return false;
	out->logins = h.logins;
	out->listeners = h.listeners;
	out->regulars = h.regulars;
	out->strangers = h.strangers;
	out->has_more = h.is_capped;
	out->is_tried_unknown = !near_is_logged(a, CLASS_AUTH); /* no failed login in a week: they are not logged */
	return true;
}

bool gateways_activity(struct app *a, const struct net *n, struct gateway_activity *out)
{
	*out = (struct gateway_activity){ .address = *n, .class = CLASS_NONE };
	return look_up_logins(a, n, out);
}

/* ---- who is close to a ban ---- */

static void add_near(struct activity *out, const struct near_limit *near)
{
	for (size_t i = 0; i < near->count; i++) {
		const struct history_near *n = &near->rows[i];
		struct gateway_activity *row;

		if (!n->address.family)
			continue;
		row = add_activity(out, &n->address);
		row->accounts = n->accounts;
		row->failures = n->failures;
		row->class = n->class;
	}
}

static void want(struct netvec *v, const struct net *n)
{
	if (net_is_address(n))
		netvec_add(v, n);
}

/* A verb counts everybody in the window; the console, which must not stop for that, the gateways it knows and the addresses that people
 * share. */
static void find_near(struct app *a, const struct gateway_facts *f, struct activity *out)
{
	const struct netvec *known[] = { &f->routes, &f->proxies, &f->expected };
	struct netvec wanted = { 0 };
	struct near_limit near;
	struct net *shared;
	size_t count = 0;

	if (!a->snap.thresholds)
		return;
	if (!a->observers) {
		near_gather(a, GATEWAY_NEAR_PERCENT, 100, &near);
		add_near(out, &near);
		near_release(&near);
		return;
	}
	for (size_t k = 0; k < ARRAY_LEN(known); k++)
		for (size_t i = 0; i < known[k]->count && i < KNOWN_MAX; i++)
			want(&wanted, &known[k]->items[i]);
	for (size_t i = 0; i < f->bridge_count && i < KNOWN_MAX; i++)
		want(&wanted, &f->bridges[i].gateway);
	if (history_shared(a->store, a->profile.name, clock_now() - ACTIVE_MS, &shared, &count, NULL))
		for (size_t i = 0; i < count && i < SHARED_MAX; i++)
			want(&wanted, &shared[i]);
	free(shared);
	near_each(a, wanted.items, wanted.count, &near);
	add_near(out, &near);
	near_release(&near);
	netvec_release(&wanted);
}

static int cmp_net(const void *a, const void *b)
{
	return net_cmp(a, b);
}

/* Several accounts log in from there: is it banned, or close to it? */
static void find_shared(struct app *a, struct activity *out)
{
	const struct entrylist *l = a->snap.list[LIST_BLOCKED];
	size_t count, near = out->count, looked_at = 0;
	struct net *shared;

	if (!history_shared(a->store, a->profile.name, TIME_NONE, &shared, &count, NULL))
		count = 0;
	for (size_t i = 0; count && i < near; i++)
		if (bsearch(&out->rows[i].address, shared, count, sizeof(*shared), cmp_net))
			look_up_logins(a, &out->rows[i].address, &out->rows[i]);
	for (size_t i = 0; i < count && looked_at < SHARED_MAX; i++) {
		struct gateway_activity seen;

		if (entrylist_covering(l, &shared[i], -1, clock_now()) < 0)
			continue;
		looked_at++;
		if (gateways_activity(a, &shared[i], &seen))
			*add_activity(out, &shared[i]) = seen;
	}
	free(shared);
}

static void find_activity(struct app *a, const struct gateway_facts *f, struct activity *out)
{
	if (!a->store)
		return;
	find_near(a, f, out); /* none of these is blocked */
	find_shared(a, out);
}

void gateways_find(struct app *a, struct gateway_findings *out)
{
	struct activity activity = { 0 };
	struct gateway_facts facts;

	memset(out, 0, sizeof(*out));
	if (!a->snap.list[LIST_BLOCKED])
		return;
	gateways_facts(a, &facts);
	find_activity(a, &facts, &activity);
	facts.activity = activity.rows;
	facts.activity_count = activity.count;
	gateway_find(&facts, out);
	free(activity.rows);
	gateway_facts_release(&facts);
}

enum gateway_generation gateways_generation(const struct server_info *s)
{
	static const enum gateway_generation of[] = { [GEN_UNKNOWN] = CURE_UNKNOWN,
		[GEN_CONFIG_0_5] = CURE_0_5,
		[GEN_SETTINGS_0_7] = CURE_0_7,
		[GEN_SETTINGS_0_9] = CURE_0_7,
		[GEN_SETTINGS_0_10] = CURE_0_7,
		[GEN_SETTINGS_0_11] = CURE_0_11,
		[GEN_JMAP_0_16] = CURE_0_16,
		[GEN_REST] = CURE_REST };

	return of[s->generation];
}

void gateways_cure(struct app *a, const struct net *n, int *score, struct buf *out)
{
	struct gateway_activity seen;
	struct gateway_facts facts;
	int ignored;
	unsigned why;

	gateways_facts(a, &facts);
	if (gateways_activity(a, n, &seen)) {
		facts.activity = &seen;
		facts.activity_count = 1;
	}
	why = gateway_reasons(&facts, n, score ? score : &ignored, NULL);
	gateway_cure_text(gateways_generation(session_server(a->session)), n, why, out);
	gateway_facts_release(&facts);
}

/* What this server leaves out of the cure. */
static void say_missing(struct app *a, struct plan *p, bool allows, bool resets)
{
	struct err why = ERR_INIT;

	if (!allows) {
		app_can(a, CAP(WRITE_ALLOWED), &why);
		plan_add_line(p, PLAN_WARN, SIZE_MAX, "it can't be allowed as well (%s): until the lasting cure is made it is banned again %s", why.msg,
			resets ? "when it has failed often enough" : "by the next failure, for its counters can't be reset either");
	} else if (!resets) {
		app_can(a, CAP(RESET_COUNTERS), &why);
		plan_add_line(p, PLAN_INFO, SIZE_MAX, "its failure counters stay (%s), and don't matter while it is allowed", why.msg);
	}
}

#define FIX_MAX 64

struct fix {
	struct net allow[FIX_MAX], lift[FIX_MAX]; /* lift: networks around them */
	size_t allows, lifts;
	bool is_banned; /* somebody is shut out, or soon will be */
	bool is_early;  /* nobody is yet */
};

static void fix_allow(struct fix *x, const struct net *n)
{
	for (size_t i = 0; i < x->allows; i++)
		if (net_equal(&x->allow[i], n))
			return;
	if (x->allows < FIX_MAX)
		x->allow[x->allows++] = *n;
}

/* From the first to the last address nobody but ours: it may be allowed as a whole. */
static bool is_private(const struct net *n)
{
	struct net first = *n, last = *n;
	unsigned bits = n->family == 4 ? 32 : 128;

	first.prefix = last.prefix = (uint8_t)bits;
	for (unsigned bit = n->prefix; bit < bits; bit++)
		last.addr[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return net_kind(&first) != NET_PUBLIC && net_kind(&last) != NET_PUBLIC && net_kind(&last) != NET_MULTICAST;
}

/* A network of strangers is blocked, and a gateway is in it: that one is allowed, not they. The block can stay where an allow wins over it. */
static void fix_network(struct fix *x, const struct gateway_facts *f, const struct net *n)
{
	const struct netvec *known[] = { &f->routes, &f->proxies, &f->expected, &f->host };
	size_t before = x->allows;

	for (size_t i = 0; i < f->bridge_count; i++)
		if (net_contains(n, &f->bridges[i].gateway))
			fix_allow(x, &f->bridges[i].gateway);
	for (size_t k = 0; k < ARRAY_LEN(known); k++)
		for (size_t i = 0; i < known[k]->count; i++)
			if (net_contains(n, &known[k]->items[i]))
				fix_allow(x, &known[k]->items[i]);
	if (x->allows == before) /* a trusted network around it, say */
		fix_allow(x, n);
	else if (!f->allow_wins && x->lifts < FIX_MAX)
		x->lift[x->lifts++] = *n;
}

static void find_fixes(struct app *a, const struct net *n, bool allows, struct fix *x)
{
	struct gateway_findings found;
	struct gateway_facts facts;

	gateways_facts(a, &facts);
	gateways_find(a, &found);
	for (size_t i = 0; i < found.count; i++) {
		const struct gateway_finding *f = &found.items[i];

		if (n ? !net_equal(&f->net, n) : f->score < GATEWAY_ALARM || f->state == GATEWAY_NEAR_LIMIT)
			continue;
		x->is_banned = x->is_banned || f->state != GATEWAY_MISSING_ALLOW;
		x->is_early = f->state == GATEWAY_NEAR_LIMIT; /* only when it is asked for, alone */
		if (allows && f->state == GATEWAY_BANNED && !net_is_address(&f->net) && !is_private(&f->net))
			fix_network(x, &facts, &f->net);
		else
			fix_allow(x, &f->net);
	}
	gateway_findings_release(&found);
	gateway_facts_release(&facts);
	if (n && x->allows == 0) { /* the operator knows better */
		fix_allow(x, n);
		x->is_banned = true;
	}
}

static struct plan *plan_fix(struct app *a, const struct fix *x, const struct plan_options *o, bool allows, struct err *err)
{
	const char *targets[FIX_MAX];
	char text[FIX_MAX][NET_BUF];

	for (size_t i = 0; i < x->allows; i++)
		targets[i] = net_format(&x->allow[i], text[i], sizeof(text[i]));
	return allows ? plan_allow(a, targets, x->allows, o, err) : plan_unblock(a, targets, x->allows, o, err);
}

struct plan *plan_gateway_fix(struct app *a, const struct net *n, const char *reason, struct err *err)
{
	bool allows = server_has(session_server(a->session), CAP(WRITE_ALLOWED));
	char first[NET_BUF], net[NET_BUF];
	struct fix x = { .allows = 0 };
	struct plan_options o;
	struct plan *p;

	find_fixes(a, n, allows, &x);
	if (x.allows == 0) {
		err_set(err, ERR_NOT_FOUND, "no gateway or proxy is banned, and none that is expected to be allowed is missing");
		return NULL;
	}
	plan_options_init(&o);
	o.note = reason && *reason ? reason : "gateway";
	o.allow = allows;
	/* an allow that is missing took nobody's counters along */
	o.reset_classes = x.is_banned && server_has(session_server(a->session), CAP(RESET_COUNTERS)) ? (1u << CLASS_COUNT) - 1 : 0;
	o.force = a->options.force;
	o.lift = x.lift;
	o.lift_count = x.lifts;
	p = plan_fix(a, &x, &o, allows, err);
	if (!p)
		return NULL;
	for (size_t i = 0; i < x.lifts; i++)
		plan_add_line(p, PLAN_WARN, SIZE_MAX, "%s is blocked around it, and a block wins over an allow here: it is lifted as a whole",
			net_format(&x.lift[i], net, sizeof(net)));
	if (allows && o.reset_classes)
		plan_add_line(p, PLAN_INFO, SIZE_MAX, "failure counters are reset too: for every address and login, not only these");
	p->change->reset_classes = o.reset_classes;
	if (!x.is_banned)
		return p; /* nobody is shut out: the question is that of any allow, and there is nothing to cure for good */
	p->cured = p->change->edits[0].net;
	say_missing(a, p, allows, o.reset_classes != 0);
	net_format(&p->cured, first, sizeof(first));
	if (x.is_early && allows)
		snprintf(p->question, sizeof(p->question), "Keep %s in: allow%s?", first, o.reset_classes ? ", reset counters" : "");
	else
		snprintf(p->question, sizeof(p->question), x.allows == 1 ? "Let %s in again: un-block%s%s?" : "Let %s and others in again: un-block%s%s?", first,
			allows ? ", allow" : "", o.reset_classes ? ", reset counters" : "");
	return p;
}

/* ---- docker, when it answers ---- */

struct docker {
	struct app *app;
	int fd;
	struct buf text;
	struct timer timer;
	void (*done)(void *arg);
	void *arg;
};

/* Lines "name subnet gateway". */
static void take_lines(struct docker *d)
{
	char name[64], gateway[64];
	struct net n;

	for (const char *line = buf_str(&d->text); *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (sscanf(line, "%63s %63s", name, gateway) != 2 || !net_parse(gateway, strlen(gateway), &n, NULL))
			continue;
		host_name_gateway(&d->app->host, &n, name);
	}
}

static void docker_end(struct docker *d)
{
	timer_stop(&d->timer);
	loop_fd_remove(d->app->loop, d->fd);
	close(d->fd);
	take_lines(d);
	if (d->done)
		d->done(d->arg);
	buf_release(&d->text);
	free(d);
}

static void docker_late(struct loop *loop, void *arg)
{
	(void)loop;
	docker_end(arg);
}

static void docker_read(struct loop *loop, int fd, unsigned events, void *arg)
{
	struct docker *d = arg;
	char chunk[4096];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	(void)loop, (void)events;
	if (n > 0)
		buf_add(&d->text, chunk, (size_t)n);
	else if (n == 0 || events & LOOP_ERROR)
		docker_end(d);
}

void gateways_ask_docker(struct app *a, void (*done)(void *arg), void *arg)
{
	static char *const argv[] = { (char *)"sh", (char *)"-c",
		(char *)"docker network ls -q 2>/dev/null | xargs -r docker network inspect "
			"--format '{{$n := .Name}}{{range .IPAM.Config}}{{$n}} {{.Gateway}}{{println}}{{end}}' 2>/dev/null",
		NULL };
	static const char *const drop[] = { "STALWARDEN_PASSWORD", "STALWARDEN_TOKEN", NULL };
	struct docker *d = xcalloc(1, sizeof(*d));
	struct err err = ERR_INIT;

	*d = (struct docker){ .app = a, .fd = -1, .done = done, .arg = arg };
	if (loop_spawn(a->loop, argv, drop, true, &d->fd, NULL, NULL, &err) < 0) {
		free(d);
		if (done)
			done(arg);
		return;
	}
	loop_fd_set(a->loop, d->fd, LOOP_READ, docker_read, d);
	timer_start(a->loop, &d->timer, 3000, NULL, docker_late, d);
}
