/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gathering the why page. Each part is one small function; nothing is fetched. What the store knows is asked for step
 * by step. */
#include "app/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/gateways.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

static void advise(struct why *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void advise(struct why *w, const char *fmt, ...)
{
	struct buf raw = BUF_INIT, safe = BUF_INIT;
	va_list ap;

	if (w->advice_count == ARRAY_LEN(w->advice))
		return;
	va_start(ap, fmt);
	buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	text_safe(&safe, buf_str(&raw), raw.len, TEXT_LINE);
	w->advice[w->advice_count++] = buf_take(&safe, NULL);
	buf_release(&raw);
}

/* ---- the lists ---- */

static size_t covering(const struct entrylist *l, const struct net *n, size_t *rows)
{
	uint32_t found[WHY_ENTRIES];
	size_t count = l && l->index ? netset_covering(l->index, n, found, WHY_ENTRIES) : 0;

	count = count < WHY_ENTRIES ? count : WHY_ENTRIES;
	for (size_t i = 0; i < count; i++)
		rows[i] = found[i];
	return count;
}

static ptrdiff_t first_active(const struct entrylist *l, const size_t *rows, size_t n, int64_t now)
{
	for (size_t i = 0; i < n; i++)
		if (entry_state(l, rows[i], now) == ENTRY_ACTIVE)
			return (ptrdiff_t)rows[i];
	return -1;
}

static void look_at_lists(struct app *a, struct why *w, int64_t now)
{
	const struct entrylist *blocked = a->snap.list[LIST_BLOCKED], *allowed = a->snap.list[LIST_ALLOWED];
	bool allow_wins = server_has(session_server(a->session), CAP(ALLOW_WINS));
	int64_t ends_at = server_has(session_server(a->session), CAP(NATIVE_EXPIRY)) ? now : 0; /* elsewhere it refuses until it is swept */
	ptrdiff_t block, allow;

	w->lists_known = blocked != NULL;
	if (!blocked) {
		text_safe_fmt(w->verdict, sizeof(w->verdict), "not known: the server was not asked");
		return;
	}
	w->blocked_count = covering(blocked, &w->net, w->blocked);
	w->allowed_count = covering(allowed, &w->net, w->allowed);
	if (!net_is_address(&w->net))
		w->inside = netset_inside(blocked->index, &w->net, NULL, 0);
	block = first_active(blocked, w->blocked, w->blocked_count, ends_at);
	allow = first_active(allowed, w->allowed, w->allowed_count, now);
	w->is_refused = block >= 0 && !(allow >= 0 && allow_wins);
	if (block >= 0 && allow >= 0)
		text_safe_fmt(w->verdict, sizeof(w->verdict),
			allow_wins
				? "not refused: blocked by %s, but allowed by %s, and the allow wins"
				: "REFUSED: blocked by %s; it is allowed by %s too, but on this server the block wins",
			entry_key(blocked, (size_t)block), entry_key(allowed, (size_t)allow));
	else if (block >= 0)
		text_safe_fmt(w->verdict, sizeof(w->verdict),
			entry_state(blocked, (size_t)block, now) == ENTRY_EXPIRED
				? "REFUSED: blocked by %s; its time is over, but this server ends nothing by itself"
				: "REFUSED: blocked by %s",
			entry_key(blocked, (size_t)block));
	else if (w->blocked_count)
		text_safe_fmt(w->verdict, sizeof(w->verdict), "not refused: listed as %s, but expired",
			entry_key(blocked, w->blocked[0]));
	else if (allow >= 0)
		text_safe_fmt(w->verdict, sizeof(w->verdict), "not refused: allowed by %s",
			entry_key(allowed, (size_t)allow));
	else if (w->inside)
		text_safe_fmt(w->verdict, sizeof(w->verdict), "not blocked as a whole; %zu blocked entries lie inside",
			w->inside);
	else
		text_safe_fmt(w->verdict, sizeof(w->verdict), "not blocked, not allowed");
}

/* ---- the store ---- */

enum why_phase { WHY_BANS, WHY_REFUSED, WHY_ATTEMPTS, WHY_SPANS, WHY_CHANGES, WHY_TRIGGER, WHY_NEAR, WHY_DONE };

#define SEGS  1 /* of 4096 bans, in one step */
#define ROWS  500
#define SHOWN 50

struct why_job {
	struct app *app;
	struct why why;
	enum why_phase phase;
	struct history_query q;
	/* one of them is at work */
	struct history_bans_job *bans;
	struct history_sums_job *sums;
	struct history_trigger_job *trigger;
	struct history_near_job *near;
};

static bool ask_bans(struct why_job *job, bool at_once)
{
	bool is_done;

	if (!job->bans && !(job->bans = history_bans_begin(job->app->store, &job->q, NULL)))
		return true;
	if (!history_bans_step(job->bans, at_once ? HISTORY_ALL_SEGS : SEGS, &is_done, NULL))
		return true;
	if (is_done)
		history_bans_take(job->bans, &job->why.bans, &job->why.ban_count);
	return is_done;
}

static bool ask_sums(struct why_job *job, bool at_once)
{
	bool is_done, is_refused = job->phase == WHY_REFUSED;

	if (!job->sums) /* the second begins where the first has ended */
		job->sums =
			(is_refused ? history_refused_begin : history_attempts_begin)(job->app->store, &job->q, NULL);
	if (!job->sums || !history_sums_step(job->sums, at_once ? 0 : ROWS, &is_done, NULL))
		is_done = true;
	else if (is_done && is_refused)
		history_sums_take(job->sums, &job->why.refused, &job->why.refused_count);
	else if (is_done)
		history_sums_take(job->sums, &job->why.attempts, &job->why.attempt_count);
	if (is_done) {
		history_sums_end(job->sums);
		job->sums = NULL;
	}
	return is_done;
}

static bool ask_spans(struct why_job *job, bool at_once)
{
	(void)at_once;
	history_spans(
		job->app->store, job->app->profile.name, &job->why.net, &job->why.spans, &job->why.span_count, NULL);
	return true;
}

static bool ask_changes(struct why_job *job, bool at_once)
{
	struct journal_query j;

	(void)at_once;
	journal_query_init(&j);
	j.server = job->app->profile.name;
	j.within = job->why.net;
	j.limit = SHOWN;
	journal_list(job->app->store, &j, &job->why.changes, &job->why.change_count, NULL);
	return true;
}

static bool ask_trigger(struct why_job *job, bool at_once)
{
	struct app *a = job->app;
	bool is_done;

	if (!net_is_address(&job->why.net))
		return true;
	if (!job->trigger && !(job->trigger = history_trigger_begin(
				       a->store, a->profile.name, &job->why.net, a->snap.thresholds, NULL)))
		return true;
	if (!history_trigger_step(job->trigger, at_once ? 0 : ROWS, &is_done, NULL))
		return true;
	if (is_done)
		history_trigger_take(job->trigger, &job->why.trigger);
	return is_done;
}

/* The logins this address tried most: their counters ban it, too. */
static struct history_near_job *begin_near(struct why_job *job)
{
	const char *accounts[HISTORY_NEAR_ACCOUNTS];
	struct why *w = &job->why;
	size_t n = 0;

	if (w->trigger.found && w->trigger.ban.account[0])
		accounts[n++] = w->trigger.ban.account;
	for (size_t i = 0; i < w->attempt_count && n < ARRAY_LEN(accounts); i++) {
		bool known = !w->attempts[i].account[0];

		for (size_t k = 0; k < n; k++)
			known = known || !strcmp(accounts[k], w->attempts[i].account);
		if (!known)
			accounts[n++] = w->attempts[i].account;
	}
	return near_of_begin(job->app, &w->net, accounts, n, &w->near);
}

static bool ask_near(struct why_job *job, bool at_once)
{
	bool is_done;

	if (!net_is_address(&job->why.net))
		return true;
	if (!job->near && !(job->near = begin_near(job)))
		return true;
	if (!history_near_step(job->near, at_once ? 0 : ROWS, &is_done, NULL))
		return true;
	if (is_done)
		near_of_take(job->app, job->near, &job->why.near);
	return is_done;
}

/* Each is asked until it says that it is done. */
static bool (*const asks[WHY_DONE])(struct why_job *, bool at_once) = {
	[WHY_BANS] = ask_bans,
	[WHY_REFUSED] = ask_sums,
	[WHY_ATTEMPTS] = ask_sums,
	[WHY_SPANS] = ask_spans,
	[WHY_CHANGES] = ask_changes,
	[WHY_TRIGGER] = ask_trigger,
	[WHY_NEAR] = ask_near,
};

static void tell_story(struct why *w)
{
	const struct history_trigger *t = &w->trigger;
	const char *who = t->found ? (t->ban.account[0] ? t->ban.account : t->ban.to) : "";
	char when[TIME_BUF];

	if (!t->found)
		return;
	time_format(t->ban.time, when, sizeof(when));
	if (t->ban.class == CLASS_SCAN && t->ban.path[0])
		text_safe_fmt(w->story, sizeof(w->story),
			"banned at %s for one request of the scanned path %s; no counter is needed for that", when,
			t->ban.path);
	else if (t->is_login_keyed)
		text_safe_fmt(w->story, sizeof(w->story),
			"banned at %s at its %s failure because login %s was already over its limit: %llu failures "
			"from %u addresses in that window",
			when, t->failures <= 1 ? "first" : "next", who, (unsigned long long)t->account_failures,
			t->account_addresses);
	else if (t->attempts_logged)
		text_safe_fmt(w->story, sizeof(w->story), "banned at %s (%s) after %llu failures in that window%s%s",
			when, class_name(t->ban.class), (unsigned long long)t->failures,
			who[0] ? ", the last for " : "", who);
	else
		text_safe_fmt(w->story, sizeof(w->story),
			"banned at %s (%s)%s%s; the log holds no attempts at its level, so their number is not known",
			when, class_name(t->ban.class), who[0] ? ", the last for " : "", who);
}

/* ---- advice ---- */

/* Does what banned it live on in a counter? A scanned path needs none, and who was blocked by hand was not counted. */
static bool has_counters(const struct app *a, const struct why *w)
{
	if (!server_has(session_server(a->session), CAP(RESET_COUNTERS)))
		return false;
	return w->trigger.found ? !(w->trigger.ban.class == CLASS_SCAN && w->trigger.ban.path[0]) : w->near.count > 0;
}

/* Every active entry that covers it has to go. */
static void advise_unblock(struct app *a, struct why *w, int64_t now)
{
	const struct entrylist *blocked = a->snap.list[LIST_BLOCKED];
	const char *wider = NULL;
	struct buf keys = BUF_INIT;
	struct net n;

	for (size_t i = 0; i < w->blocked_count; i++) {
		const char *key = entry_key(blocked, w->blocked[i]);

		if (entry_state(blocked, w->blocked[i], now) != ENTRY_ACTIVE)
			continue;
		buf_addf(&keys, " %s", key);
		entry_net(&blocked->rows[w->blocked[i]], &n);
		if (net_equal(&n, &w->net))
			continue;
		wider = key;
		advise(w, "un-blocking %s alone changes nothing while %s covers it", w->address, key);
	}
	advise(w, "stalwarden unblock%s%s%s", buf_str(&keys),
		has_counters(a, w)
			? " --reset-counters: counters outlive an un-block, the next failure would ban it again"
			: "",
		wider ? "; everything else in that network is free then, too" : "");
	if (wider && server_has(session_server(a->session), CAP(ALLOW_WINS)))
		advise(w, "or stalwarden allow %s: on this server the allow wins, and the rest of %s stays refused",
			w->address, wider);
	buf_release(&keys);
}

static void advise_end(struct app *a, struct why *w, int64_t now)
{
	if (w->is_refused && w->is_gateway)
		advise(w, "stalwarden gateway fix %s: un-block, allow, reset counters, and prove it", w->address);
	else if (w->is_refused)
		advise_unblock(a, w, now);
	if (w->is_refused && w->trigger.found && w->trigger.ban.class == CLASS_SCAN && w->trigger.ban.path[0])
		advise(w, "another request of a scanned path bans it again: allow it, or take the path off (stalwarden "
			  "thresholds paths)");
	if (w->trigger.found && w->trigger.is_login_keyed)
		advise(w,
			"the login %s is under attack: its owner is banned at the first slip. Change that password, or "
			"allow the owner's address",
			w->trigger.ban.account);
	if (w->is_refused && !w->is_gateway && w->ban_count > 2)
		advise(w, "banned %zu times: a firewall rule for its range may be better (stalwarden ranges)",
			w->ban_count);
	if (!w->is_refused && w->lists_known && w->refused_count)
		advise(w, "it is not refused now; connections were refused in the past");
}

bool why_is_known(const struct why *w)
{
	return w->blocked_count || w->allowed_count || w->inside || w->ban_count || w->refused_count ||
	       w->attempt_count || w->change_count || w->span_count;
}

static void look_for_gateway(struct app *a, struct why *w)
{
	struct buf cure = BUF_INIT;
	int score = 0;

	if (!net_is_address(&w->net))
		return;
	gateways_cure(a, &w->net, &score, &cure);
	w->is_gateway = score >= GATEWAY_ALARM;
	if (w->is_gateway)
		snprintf(w->cure, sizeof(w->cure), "%s", buf_str(&cure));
	buf_release(&cure);
}

static void name_it(struct app *a, struct why *w)
{
	enum net_kind kind = net_kind(&w->net);

	if (host_words(&a->host, &w->net, w->who, sizeof(w->who)))
		return;
	if (kind != NET_PUBLIC)
		snprintf(w->who, sizeof(w->who), "a %s address", net_kind_text(kind));
}

/* ---- steps ---- */

void why_look(struct app *a, struct why *w)
{
	int64_t now = clock_now();

	for (; w->advice_count; w->advice_count--)
		free(w->advice[w->advice_count - 1]);
	w->blocked_count = w->allowed_count = w->inside = 0;
	w->is_refused = w->is_gateway = false;
	w->verdict[0] = w->who[0] = w->story[0] = w->cure[0] = '\0';
	name_it(a, w);
	look_at_lists(a, w, now);
	tell_story(w);
	look_for_gateway(a, w);
	if (w->is_asked)
		advise_end(a, w, now);
}

void why_init(struct app *a, const struct net *n, struct why *w)
{
	memset(w, 0, sizeof(*w));
	w->net = *n;
	net_format(n, w->address, sizeof(w->address));
	why_look(a, w);
}

struct why_job *why_begin(struct app *a, const struct net *n)
{
	struct why_job *job = xcalloc(1, sizeof(*job));

	job->app = a;
	job->why.net = *n;
	net_format(n, job->why.address, sizeof(job->why.address));
	history_query_init(&job->q);
	job->q.server = a->profile.name;
	job->q.within = *n;
	job->q.limit = SHOWN;
	if (!a->store)
		job->phase = WHY_DONE;
	return job;
}

bool why_step(struct why_job *job, bool at_once)
{
	if (job->phase < WHY_DONE && asks[job->phase](job, at_once))
		job->phase++;
	return job->phase == WHY_DONE;
}

void why_take(struct why_job *job, struct why *out)
{
	why_release(out);
	*out = job->why;
	memset(&job->why, 0, sizeof(job->why));
	out->is_asked = true;
	why_look(job->app, out);
}

void why_end(struct why_job *job)
{
	if (!job)
		return;
	history_bans_end(job->bans);
	history_sums_end(job->sums);
	history_trigger_end(job->trigger);
	history_near_end(job->near);
	why_release(&job->why);
	free(job);
}

void why_gather(struct app *a, const struct net *n, struct why *out)
{
	struct why_job *job = why_begin(a, n);

	memset(out, 0, sizeof(*out));
	while (!why_step(job, true))
		;
	why_take(job, out);
	why_end(job);
}

void why_release(struct why *w)
{
	history_trigger_release(&w->trigger);
	history_bans_free(w->bans, w->ban_count);
	history_sums_free(w->refused, w->refused_count);
	history_sums_free(w->attempts, w->attempt_count);
	history_spans_free(w->spans, w->span_count);
	near_release(&w->near);
	journal_rows_free(w->changes, w->change_count);
	for (size_t i = 0; i < w->advice_count; i++)
		free(w->advice[i]);
	memset(w, 0, sizeof(*w));
}
