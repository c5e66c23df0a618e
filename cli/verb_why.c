/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `why ADDR`: everything known about one address. Answers from the store when the server can't be asked, and says so. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/sync.h"
#include "app/why.h"
#include "cli/cli.h"
#include "cli/near.h"
#include "cli/place.h"
#include "core/clock.h"
#include "core/text.h"

static void entries_json(struct buf *b, const struct entrylist *l, const size_t *rows, size_t n, int64_t now)
{
	buf_addc(b, '[');
	for (size_t i = 0; i < n; i++) {
		buf_adds(b, i ? ",{" : "{");
		json_key(b, "address");
		json_text(b, entry_key(l, rows[i]));
		json_key(b, "reason");
		json_text(b, reason_text(l->rows[rows[i]].reason));
		json_key(b, "note");
		json_text(b, entry_note(l, rows[i]));
		json_key(b, "created_at");
		json_time(b, entry_created(&l->rows[rows[i]]));
		json_key(b, "expires_at");
		json_time(b, entry_expires(&l->rows[rows[i]]));
		json_key(b, "state");
		json_text(b, entry_state_text(entry_state(l, rows[i], now)));
		json_key(b, "origin");
		json_text(b, origin_text(l->rows[rows[i]].origin));
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
}

static void trigger_json(struct buf *b, const struct why *w)
{
	const struct history_trigger *t = &w->trigger;

	if (!t->found) {
		buf_adds(b, "null");
		return;
	}
	buf_addc(b, '{');
	json_key(b, "time");
	json_time(b, t->ban.time);
	json_key(b, "class");
	json_text(b, class_name(t->ban.class));
	json_key(b, "account");
	json_text(b, t->ban.account);
	json_key(b, "to");
	json_text(b, t->ban.to);
	json_key(b, "path");
	json_text(b, t->ban.path);
	json_key(b, "listener");
	json_text(b, t->ban.listener);
	json_key(b, "failures");
	buf_addf(b, "%llu", (unsigned long long)t->failures);
	json_key(b, "account_failures");
	buf_addf(b, "%llu", (unsigned long long)t->account_failures);
	json_key(b, "login_keyed");
	buf_adds(b, t->is_login_keyed ? "true" : "false");
	json_key(b, "words");
	json_text(b, w->story);
	buf_addc(b, '}');
}

static void bans_json(struct buf *b, const struct why *w)
{
	buf_addc(b, '[');
	for (size_t i = 0; i < w->ban_count; i++) {
		const struct history_ban *r = &w->bans[i];

		buf_adds(b, i ? ",{" : "{");
		json_key(b, "time");
		json_time(b, r->time);
		json_key(b, "class");
		json_text(b, class_name(r->class));
		json_key(b, "account");
		json_text(b, r->account);
		json_key(b, "path");
		json_text(b, r->path);
		json_key(b, "ended");
		json_time(b, r->ended);
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
}

static void changes_json(struct buf *b, const struct why *w)
{
	buf_addc(b, '[');
	for (size_t i = 0; i < w->change_count; i++) {
		const struct journal_row *r = &w->changes[i];

		buf_adds(b, i ? ",{" : "{");
		json_key(b, "id");
		buf_addf(b, "%lld", (long long)r->id);
		json_key(b, "time");
		json_time(b, r->time);
		json_key(b, "operator");
		json_text(b, r->operator_name);
		json_key(b, "op");
		json_text(b, edit_name(r->kind));
		json_key(b, "target");
		json_text(b, r->target);
		json_key(b, "verdict");
		json_text(b, verdict_name(r->verdict));
		json_key(b, "reason");
		json_text(b, r->reason);
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
}

static void print_json(struct cli *c, const struct why *w)
{
	struct out_field fields[] = { { "address", "", 0 }, { "who", "", 0 }, { "refused", "", 0 }, { "blocked", "", 0 }, { "allowed", "", 0 },
		{ "verdict", "", 0 }, { "trigger", "", 0 }, { "bans", "", 0 }, { "near", "", 0 }, { "changes", "", 0 }, { "advice", "", 0 },
		[11 + PLACE_FIELDS] = { NULL, NULL, 0 } };
	const struct snapshot *s = &c->app.snap;
	struct buf blocked = BUF_INIT, allowed = BUF_INIT, trigger = BUF_INIT, bans = BUF_INIT, near = BUF_INIT, changes = BUF_INIT;
	int64_t now = clock_now();
	struct out o;

	entries_json(&blocked, s->list[LIST_BLOCKED], w->blocked, w->blocked_count, now);
	entries_json(&allowed, s->list[LIST_ALLOWED], w->allowed, w->allowed_count, now);
	trigger_json(&trigger, w);
	bans_json(&bans, w);
	near_json(&near, &w->near, CLASS_NONE);
	place_fields(&c->app, fields);
	changes_json(&changes, w);
	out_begin(&o, c->format, fields, true, c->ascii);
	out_row(&o);
	out_str(&o, w->address);
	out_str(&o, w->who);
	w->lists_known ? out_bool(&o, w->is_refused) : out_null(&o);
	out_raw(&o, buf_str(&blocked), buf_str(&blocked));
	out_raw(&o, buf_str(&allowed), buf_str(&allowed));
	out_str(&o, w->verdict);
	out_raw(&o, buf_str(&trigger), w->story);
	out_raw(&o, buf_str(&bans), buf_str(&bans));
	out_raw(&o, buf_str(&near), buf_str(&near));
	out_raw(&o, buf_str(&changes), buf_str(&changes));
	out_list(&o, (const char *const *)w->advice, w->advice_count);
	place_values(&c->app, &o, &w->net);
	out_end(&o);
	buf_release(&blocked);
	buf_release(&allowed);
	buf_release(&trigger);
	buf_release(&bans);
	buf_release(&near);
	buf_release(&changes);
}

static void line(struct out *o, const char *label, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void line(struct out *o, const char *label, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	out_row(o);
	out_str(o, label);
	out_text(o, buf_str(&b), b.len);
	buf_release(&b);
}

static void entry_lines(struct out *o, const char *label, const struct entrylist *l, const size_t *rows, size_t n)
{
	char since[TIME_BUF], until[TIME_BUF];

	for (size_t i = 0; i < n && i < 8; i++) {
		const struct entry *e = &l->rows[rows[i]];
		const char *note = entry_note(l, rows[i]);

		line(o, i ? "" : label, "%s  %s%s%s%s%s%s%s%s", entry_key(l, rows[i]), reason_text(e->reason),
			entry_created(e) == TIME_NONE ? "" : " since ",
			time_format(entry_created(e), since, sizeof(since)),
			entry_expires(e) == TIME_NONE ? "" : " until ",
			time_format(entry_expires(e), until, sizeof(until)),
			entry_state(l, rows[i], clock_now()) == ENTRY_EXPIRED ? "  expired" : "", note[0] ? "  " : "",
			note);
	}
}

static void near_lines(struct out *o, const struct why *w)
{
	char net[NET_BUF], words[120];

	for (size_t i = 0; i < w->near.count && i < 8; i++) {
		const struct history_near *n = &w->near.rows[i];

		line(o, i ? "" : "near a ban", "%s  %s%s: %s", class_name(n->class), n->address.family ? "" : "login ",
			near_who(n, net, sizeof(net)), near_words(n, clock_now(), words, sizeof(words)));
	}
	if (w->lists_known && !w->is_refused && w->near.notice[0])
		line(o, w->near.count ? "" : "near a ban", "%s", w->near.notice);
}

static void print_text(struct cli *c, const struct why *w)
{
	static const struct out_field fields[] = { { "what", "", 0 }, { "text", "", 0 }, { NULL, NULL, 0 } };
	char time[TIME_BUF], ended[TIME_BUF], place[120];
	struct out o;

	out_begin(&o, OUT_TABLE, fields, false, c->ascii);
	line(&o, w->address, "%s", w->verdict);
	entry_lines(&o, "blocked by", c->app.snap.list[LIST_BLOCKED], w->blocked, w->blocked_count);
	entry_lines(&o, "allowed by", c->app.snap.list[LIST_ALLOWED], w->allowed, w->allowed_count);
	if (w->who[0])
		line(&o, "who is it", "%s", w->who);
	if (places_words(&c->app, &w->net, place, sizeof(place))[0])
		line(&o, "where", "%s", place);
	if (w->story[0])
		line(&o, "what happened", "%s", w->story);
	for (size_t i = 0; i < w->attempt_count && i < 8; i++)
		line(&o, i ? "" : "attempts", "%llu × %s %s %s", (unsigned long long)w->attempts[i].count,
			class_name(w->attempts[i].class), w->attempts[i].account, w->attempts[i].listener);
	near_lines(&o, w);
	for (size_t i = 0; i < w->refused_count && i < 4; i++)
		line(&o, i ? "" : "refused", "%llu connections %s, the last at %s",
			(unsigned long long)w->refused[i].count, w->refused[i].listener,
			time_format(w->refused[i].last, time, sizeof(time)));
	for (size_t i = 0; i < w->ban_count && i < 10; i++)
		line(&o, i ? "" : "bans", "%s  %s%s%s%s%s", time_format(w->bans[i].time, time, sizeof(time)),
			class_name(w->bans[i].class), w->bans[i].account[0] ? "  " : "", w->bans[i].account,
			w->bans[i].ended != TIME_NONE ? "  ended " : "",
			time_format(w->bans[i].ended, ended, sizeof(ended)));
	for (size_t i = 0; i < w->span_count && i < 4; i++)
		if (w->spans[i].seen_first != TIME_NONE)
			line(&o, "seen first", "%s (no log line says why)",
				time_format(w->spans[i].seen_first, time, sizeof(time)));
	for (size_t i = 0; i < w->change_count && i < 10; i++)
		line(&o, i ? "" : "own changes", "%s  #%lld %s %s by %s: %s",
			time_format(w->changes[i].time, time, sizeof(time)), (long long)w->changes[i].id,
			edit_name(w->changes[i].kind), w->changes[i].target, w->changes[i].operator_name,
			verdict_words(w->changes[i].verdict));
	for (size_t i = 0; i < w->advice_count; i++)
		line(&o, i ? "" : "advice", "%s", w->advice[i]);
	for (const char *p = w->cure; *p;) {
		size_t n = strcspn(p, "\n");

		line(&o, p == w->cure ? "for good" : "", "%.*s", (int)n, p);
		p += n + (p[n] == '\n');
	}
	out_end(&o);
}

/* The lists when the server can be asked; without it the store still answers. */
static void ask_server(struct cli *c)
{
	if (cli_connect(c) && cli_need(c, SNAP(BLOCKED), SNAP(ALLOWED) | SNAP(THRESHOLDS) | SNAP(TRUST)))
		return;
	cli_say(c, "answering from the local store: %s", c->err.msg);
	err_clear(&c->err);
}

static bool has_server(const struct cli *c)
{
	return c->app.profile.url != NULL;
}

static int run(struct cli *c)
{
	struct net n;
	struct why w;
	bool known;

	if (!cli_word(c, 0) || !cli_max_words(c, 1)) {
		err_set(&c->err, ERR_USAGE, "why wants one address or network");
		return EXIT_USAGE;
	}
	if (!net_parse_input(cli_word(c, 0), &n, &c->err))
		return EXIT_USAGE;
	if (!cli_open(c))
		return cli_exit_of_err(&c->err);
	if (has_server(c) || !cli_has(c, OPT_LOG_SOURCE))
		ask_server(c);
	if (!cli_sync_quietly(c)) {
		cli_say(c, "the log could not be read: %s", c->err.msg);
		err_clear(&c->err);
	}
	app_learn_again(&c->app); /* the list came before the log was read */
	why_gather(&c->app, &n, &w);
	if (c->format == OUT_TABLE)
		print_text(c, &w);
	else
		print_json(c, &w);
	known = why_is_known(&w);
	if (!known)
		cli_say(c, "nothing is known of %s: no entry covers it, neither log nor journal names it", w.address);
	why_release(&w);
	return known ? EXIT_DONE : EXIT_NOTHING;
}

const struct verb verb_why = {
	.name = "why",
	.synopsis = "why ADDR",
	.summary = "Tell everything known about one address: is it refused, by what, since when, why, and what ends it.",
	.options = "",
	.words = "",
	.examples = "stalwarden why 203.0.113.7\nstalwarden why 203.0.113.7 --log-source /opt/stalwart/logs -o json",
	.learns = true,
	.run = run,
};
