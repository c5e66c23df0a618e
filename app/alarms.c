/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding what needs a person now, in the snapshot. Each kind of alarm is one function and one row. */
#include "app/alarms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/gateway_watch.h"
#include "app/gateways.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/cert_join.h"

static struct alarm *add(struct alarms *al, bool is_bad, enum alarm_cure what, const char *key)
{
	struct alarm *a;

	xgrow(&al->rows, &al->cap, al->count + 1, sizeof(*al->rows));
	a = &al->rows[al->count++];
	*a = (struct alarm){ .is_bad = is_bad, .what = what };
	snprintf(a->key, sizeof(a->key), "%s", key);
	return a;
}

/* "…. 41 connections refused in 10 min" */
static void say_refused(struct alarm *row, const struct gateway_seen *s, int64_t now)
{
	uint64_t refused = s ? gateway_seen_refused(s, now) : 0;
	size_t len = strlen(row->text);
	char count[32];

	if (refused)
		snprintf(row->text + len, sizeof(row->text) - len, ". %s %s refused in %d min",
			text_grouped(refused, count, sizeof(count)), refused == 1 ? "connection" : "connections",
			GATEWAY_MINUTES);
}

static void gateway_alarms(struct app *a, struct alarms *al, int64_t now)
{
	struct gateway_findings found = { 0 };

	gateways_find(a, &found);
	for (size_t i = 0; i < found.count && i < 8; i++) {
		const struct gateway_finding *f = &found.items[i];
		char key[96], net[NET_BUF];
		struct alarm *row;

		if (f->score < GATEWAY_ALARM)
			continue;
		net_format(&f->net, net, sizeof(net));
		snprintf(key, sizeof(key), "gateway %s", net);
		row = add(al, f->state == GATEWAY_BANNED, f->state == GATEWAY_MISSING_ALLOW ? CURE_ALLOW : CURE_GATEWAY,
			key);
		snprintf(row->target, sizeof(row->target), "%s", net);
		text_safe_fmt(row->text, sizeof(row->text), "%s", f->words);
		if (f->state == GATEWAY_BANNED)
			say_refused(row, gateway_watch_of(a, &f->net), now);
		snprintf(row->cure, sizeof(row->cure), "stalwarden gateway fix %s", net);
	}
	gateway_findings_release(&found);
}

/* Refused since the list was last read, and not on it: the log knows first. A network that is banned covers its addresses. */
static void refused_alarms(struct app *a, struct alarms *al, int64_t now)
{
	const struct entrylist *l = a->snap.list[LIST_BLOCKED];
	int64_t fetched = a->snap.fetched[SNAP_BIT_BLOCKED];

	for (size_t i = 0; i < gateway_watch_count(a); i++) {
		const struct gateway_seen *s = gateway_watch_at(a, i);
		char key[96], net[NET_BUF];
		struct alarm *row;

		if ((fetched != TIME_NONE && s->last < fetched / 1000 * 1000) ||
			(l && entrylist_covering(l, &s->net, -1, now) >= 0))
			continue;
		net_format(&s->net, net, sizeof(net));
		snprintf(key, sizeof(key), "gateway %s", net);
		row = add(al, true, CURE_GATEWAY, key);
		snprintf(row->target, sizeof(row->target), "%s", net);
		text_safe_fmt(row->text, sizeof(row->text), "%s %s: %s", net,
			gateway_seen_refused(s, now) ? "is refused, so it is banned" : "was banned just now", s->words);
		say_refused(row, s, now);
		snprintf(row->cure, sizeof(row->cure), "stalwarden gateway fix %s", net);
	}
}

/* The operator's own address, and this host's: refused now, or about to be. */
static void own_alarms(struct app *a, struct alarms *al, int64_t now)
{
	const struct entrylist *l = a->snap.list[LIST_BLOCKED];
	ptrdiff_t row;
	struct alarm *r;
	char net[NET_BUF];

	if (!l || !a->host.ssh_client.family || (row = entrylist_covering(l, &a->host.ssh_client, -1, now)) < 0)
		return;
	net_format(&a->host.ssh_client, net, sizeof(net));
	r = add(al, true, CURE_WHY, "own");
	snprintf(r->target, sizeof(r->target), "%s", net);
	text_safe_fmt(r->text, sizeof(r->text), "your own address %s is banned by %s", net, entry_key(l, (size_t)row));
	snprintf(r->cure, sizeof(r->cure), "stalwarden unblock %s --allow --reset-counters", net);
}

static void check_alarms(struct app *a, struct alarms *al, int64_t now)
{
	const struct config_check *c = a->snap.check;
	const struct entrylist *l = a->snap.list[LIST_BLOCKED];
	struct alarm *r;

	(void)now;
	for (size_t i = 0; c && i < c->error_count && i < 3; i++) {
		char key[96];

		snprintf(key, sizeof(key), "check %.80s", c->errors[i].key);
		r = add(al, true, CURE_CHECK, key);
		text_safe_fmt(r->text, sizeof(r->text), "a full reload would be refused: %s: %s", c->errors[i].key,
			c->errors[i].text);
		snprintf(r->cure, sizeof(r->cure), "stalwarden check config");
	}
	for (size_t i = l ? l->count - l->malformed : 0; l && i < l->count && i < l->count - l->malformed + 2; i++) {
		r = add(al, false, CURE_MALFORMED, "malformed");
		text_safe_fmt(r->target, sizeof(r->target), "%s", entry_key(l, i));
		text_safe_fmt(r->text, sizeof(r->text),
			"the stored block \"%s\" is no address: it blocks nothing and refuses every full reload",
			entry_key(l, i));
		snprintf(r->cure, sizeof(r->cure), "stalwarden unblock '%.60s'", r->target);
	}
}

/* Blocked and allowed at once: harmless where the allow wins, a lie elsewhere. */
static void both_alarms(struct app *a, struct alarms *al, int64_t now)
{
	const struct entrylist *blocked = a->snap.list[LIST_BLOCKED], *allowed = a->snap.list[LIST_ALLOWED];
	size_t shown = 0;

	if (!blocked || !allowed || server_has(session_server(a->session), CAP(ALLOW_WINS)))
		return;
	for (size_t i = 0; i < allowed->count && shown < 3; i++) {
		ptrdiff_t row;
		struct net n;
		struct alarm *r;

		entry_net(&allowed->rows[i], &n);
		if (!n.family || entry_state(allowed, i, now) != ENTRY_ACTIVE ||
			(row = entrylist_covering(blocked, &n, -1, now)) < 0)
			continue;
		r = add(al, true, CURE_WHY, "both");
		snprintf(r->key, sizeof(r->key), "both %.80s", entry_key(allowed, i));
		text_safe_fmt(r->target, sizeof(r->target), "%s", entry_key(allowed, i));
		text_safe_fmt(r->text, sizeof(r->text), "%s is allowed and blocked (%s): on this server the block wins",
			entry_key(allowed, i), entry_key(blocked, (size_t)row));
		snprintf(r->cure, sizeof(r->cure), "stalwarden unblock '%.60s'", entry_key(blocked, (size_t)row));
		shown++;
	}
}

static void cert_alarms(struct app *a, struct alarms *al, int64_t now)
{
	const struct certlist *l = a->snap.certs;

	for (size_t i = 0; l && i < l->count; i++) {
		const struct cert *c = l->rows[i];
		int64_t days = cert_days_left(c, now);
		struct alarm *r;

		if (!cert_has_data(c) || days > CERT_WARN_MS / CERT_DAY_MS)
			continue;
		r = add(al, days < CERT_CRIT_MS / CERT_DAY_MS, CURE_CERTS, "cert");
		snprintf(r->key, sizeof(r->key), "cert %.80s", c->id ? c->id : c->name ? c->name : "");
		if (days < 0)
			text_safe_fmt(r->text, sizeof(r->text), "the stored certificate of %s has expired",
				c->name ? c->name : "?");
		else
			text_safe_fmt(r->text, sizeof(r->text), "the stored certificate of %s has %lld days left",
				c->name ? c->name : "?", (long long)days);
		snprintf(r->cure, sizeof(r->cure), "stalwarden certs --probe");
	}
}

/* Found by asking the endpoints. */
static void served_alarms(struct app *a, struct alarms *al, int64_t now)
{
	(void)now;
	for (size_t i = 0; i < a->served_count; i++) {
		const struct served_fault *f = &a->served[i];
		struct alarm *r = add(al, f->is_bad, CURE_CERTS, "served");
		char port[8] = "";

		if (f->port)
			snprintf(port, sizeof(port), ":%u", f->port);
		snprintf(r->key, sizeof(r->key), "served %.70s%s", f->name, port);
		text_safe_fmt(r->text, sizeof(r->text), "%s%s: %s", f->name, port, f->text);
		snprintf(r->cure, sizeof(r->cure), "stalwarden certs --probe");
	}
}

void alarms_find(struct app *a, struct alarms *out)
{
	static void (*const finders[])(struct app *, struct alarms *, int64_t) = { gateway_alarms, refused_alarms,
		own_alarms, check_alarms, both_alarms, cert_alarms, served_alarms };
	struct alarms found = { 0 };
	int64_t now = clock_now();

	for (size_t i = 0; i < ARRAY_LEN(finders); i++)
		finders[i](a, &found, now);
	memset(out, 0, sizeof(*out));
	for (int bad = 1; bad >= 0; bad--)
		for (size_t i = 0; i < found.count; i++)
			if (found.rows[i].is_bad == bad)
				*add(out, bad, found.rows[i].what, "") = found.rows[i];
	free(found.rows);
}

void alarms_release(struct alarms *al)
{
	free(al->rows);
	memset(al, 0, sizeof(*al));
}
