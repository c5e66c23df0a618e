/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The why page: verdict, entries, story, past, and what ends it. Until the store was asked only what the lists say. */
#include "views/why_page.h"

#include <stdio.h>
#include <string.h>

#include "app/places.h"
#include "core/clock.h"
#include "core/text.h"

#define LABEL 15

/* A label and a text that may take several lines. */
static void told(struct page *p, int width, const char *label, enum role role, const char *text)
{
	size_t room = width > LABEL + 21 ? (size_t)(width - LABEL - 1) : 20, cut = strlen(text);

	if (cut > room) /* bytes for columns: breaks early rather than late */
		for (cut = room; cut > 0 && text[cut] != ' '; cut--)
			;
	page_pair(p, LABEL, label, role, "%.*s", (int)cut, text);
	if (text[cut])
		page_text(p, role, LABEL + 1, width, text + cut + (text[cut] == ' '));
}

static void entries(struct app *a, struct page *p, int width, const char *label, enum role role, enum list_kind kind,
	const size_t *rows, size_t n)
{
	const struct entrylist *l = a->snap.list[kind];
	char since[64];

	for (size_t i = 0; i < n && i < 6; i++) {
		const struct entry *e = &l->rows[rows[i]];
		enum entry_state state = entry_state(l, rows[i], clock_now());

		page_pair(
			p, LABEL, i ? "" : label, state == ENTRY_ACTIVE ? role : ROLE_DIM, "%s", entry_key(l, rows[i]));
		page_add(p, ROLE_NORMAL, "  %s", reason_text(e->reason));
		if (entry_created(e) != TIME_NONE)
			page_add(p, ROLE_NORMAL, " since %s",
				time_words(entry_created(e), clock_now(), since, sizeof(since)));
		if (entry_expires(e) != TIME_NONE)
			page_add(p, ROLE_NORMAL, " until %s",
				time_words(entry_expires(e), clock_now(), since, sizeof(since)));
		if (state == ENTRY_EXPIRED)
			page_add(p, ROLE_DIM, "  expired");
		else if (entry_expires(e) != TIME_NONE)
			page_add(p, ROLE_DIM, " (%s left)",
				duration_words(entry_expires(e) - clock_now(), since, sizeof(since)));
		if (entry_note(l, rows[i])[0])
			page_text(p, ROLE_DIM, LABEL + 3, width, entry_note(l, rows[i]));
	}
}

static void sums(struct page *p, const char *label, const struct history_sum *rows, size_t n, const char *what)
{
	char last[64];

	for (size_t i = 0; i < n && i < 5; i++) {
		page_pair(p, LABEL, i ? "" : label, ROLE_NORMAL, "%llu %s%s", (unsigned long long)rows[i].count, what,
			rows[i].count == 1 ? "" : "s");
		if (rows[i].account && rows[i].account[0]) {
			page_add(p, ROLE_NORMAL, "  ");
			page_adds(p, ROLE_VALUE, rows[i].account);
		}
		if (rows[i].listener && rows[i].listener[0]) {
			page_add(p, ROLE_DIM, "  ");
			page_adds(p, ROLE_DIM, rows[i].listener);
		}
		page_add(p, ROLE_DIM, "  last %s", time_words(rows[i].last, clock_now(), last, sizeof(last)));
	}
}

static void near(struct page *p, const struct why *w, int width)
{
	char net[NET_BUF], words[120], row[400];

	for (size_t i = 0; i < w->near.count && i < 5; i++) {
		const struct history_near *n = &w->near.rows[i];

		snprintf(row, sizeof(row), "%s  %s%s  %s", class_name(n->class), n->address.family ? "" : "login ",
			near_who(n, net, sizeof(net)), near_words(n, clock_now(), words, sizeof(words)));
		told(p, width, i ? "" : "Near a ban",
			n->is_over                    ? ROLE_BAD
			: n->failures * 2 >= n->limit ? ROLE_WARN
						      : ROLE_NORMAL,
			row);
	}
	if (w->lists_known && !w->is_refused && w->near.notice[0])
		told(p, width, w->near.count ? "" : "Near a ban", ROLE_DIM, w->near.notice);
}

static void past(struct page *p, const struct why *w)
{
	char when[64];

	for (size_t i = 0; i < w->ban_count && i < 6; i++) {
		page_pair(p, LABEL, i ? "" : "Bans", ROLE_NORMAL, "%s  ",
			time_words(w->bans[i].time, clock_now(), when, sizeof(when)));
		page_adds(p, role_of_reason(reason_of_class(w->bans[i].class)), class_name(w->bans[i].class));
		page_add(p, ROLE_NORMAL, "  ");
		page_adds(p, ROLE_NORMAL, w->bans[i].account[0] ? w->bans[i].account : w->bans[i].path);
		if (w->bans[i].ended != TIME_NONE)
			page_add(p, ROLE_DIM, "  ended %s",
				time_words(w->bans[i].ended, clock_now(), when, sizeof(when)));
	}
	for (size_t i = 0; i < w->span_count && i < 3; i++)
		if (w->spans[i].seen_first != TIME_NONE)
			page_pair(p, LABEL, "Seen first", ROLE_NORMAL, "%s (no log line says why)",
				time_words(w->spans[i].seen_first, clock_now(), when, sizeof(when)));
	for (size_t i = 0; i < w->change_count && i < 6; i++) {
		page_pair(p, LABEL, i ? "" : "Own changes", ROLE_NORMAL, "%s  #%lld %s ",
			time_words(w->changes[i].time, clock_now(), when, sizeof(when)), (long long)w->changes[i].id,
			edit_words(w->changes[i].kind));
		page_adds(p, ROLE_VALUE, w->changes[i].target);
		page_add(p, role_of_verdict(w->changes[i].verdict), "  %s", verdict_words(w->changes[i].verdict));
		page_add(p, ROLE_DIM, "  by ");
		page_adds(p, ROLE_DIM, w->changes[i].operator_name);
	}
}

void why_page(struct app *a, const struct why *w, struct page *p, int width)
{
	char place[120], who[200];

	page_text(p, w->is_refused ? ROLE_BAD : w->lists_known ? ROLE_GOOD : ROLE_WARN, 0, width, w->verdict);
	page_blank(p);
	entries(a, p, width, "Blocked by", ROLE_BAD, LIST_BLOCKED, w->blocked, w->blocked_count);
	entries(a, p, width, "Allowed by", ROLE_GOOD, LIST_ALLOWED, w->allowed, w->allowed_count);
	if (w->who[0]) {
		snprintf(who, sizeof(who), "%s%s", w->who,
			w->is_gateway ? ": everybody behind it shares this address" : "");
		told(p, width, "Who is it", w->is_gateway ? ROLE_WARN : ROLE_NORMAL, who);
	}
	if (places_words(a, &w->net, place, sizeof(place))[0])
		told(p, width, "Where", ROLE_NORMAL, place);
	if (w->story[0])
		told(p, width, "What happened", ROLE_NORMAL, w->story);
	sums(p, "Attempts", w->attempts, w->attempt_count, "failure");
	near(p, w, width);
	sums(p, "Refused", w->refused, w->refused_count, "connection");
	past(p, w);
	if (w->is_asked && !why_is_known(w))
		page_text(p, ROLE_DIM, 0, width,
			"Nothing is known of it: no entry covers it, neither log nor journal names it.");
	if (w->advice_count)
		page_heading(p, width, "To end it", NULL);
	for (size_t i = 0; i < w->advice_count; i++)
		page_text(p, ROLE_NORMAL, 2, width, w->advice[i]);
	if (w->cure[0]) {
		page_heading(p, width, "For good", NULL);
		page_text(p, ROLE_NORMAL, 2, width, w->cure);
	}
	page_blank(p);
	page_line(p);
	page_spot_begin(p);
	page_add(p, ROLE_LINK, "u un-block");
	page_spot_end(p, ACTION_REMOVE, 1);
	page_add(p, ROLE_NORMAL, "   ");
	page_spot_begin(p);
	page_add(p, ROLE_LINK, "A allow");
	page_spot_end(p, ACTION_ALLOW, 2);
	page_add(p, ROLE_NORMAL, "   ");
	page_spot_begin(p);
	page_add(p, ROLE_LINK, "c reset counters");
	page_spot_end(p, ACTION_RESET_COUNTERS, 3);
	page_add(p, ROLE_NORMAL, "   ");
	page_spot_begin(p);
	page_add(p, ROLE_LINK, "F all three");
	page_spot_end(p, ACTION_FIX, 4);
}
