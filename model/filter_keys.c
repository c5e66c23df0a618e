/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The grammar of filters as a table: one row per key, with what it takes and what it matches. */
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/mem.h"
#include "model/filter_private.h"

/* ---- values ---- */

/* "auth,scan" against a vocabulary; an empty word in it is written "none". */
static bool parse_mask(struct filter_term *t, const char *const *words, size_t n, const char *what,
	struct err *err)
{
	char known[160] = "";

	t->mask = 0;
	for (const char *p = t->value;; p++) {
		size_t len = strcspn(p, ","), i = 0;

		while (i < n && !(len == strlen(*words[i] ? words[i] : "none") &&
					!strncasecmp(p, *words[i] ? words[i] : "none", len)))
			i++;
		if (i == n)
			break;
		t->mask |= 1u << i;
		p += len;
		if (!*p)
			return true;
	}
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(known);
		size_t room = sizeof(known) - used;
		const char *word = *words[i] ? words[i] : "none";

		if (strlen(word) + 3 < room) {
			memcpy(known + used, ", ", 2);
			memcpy(known + used + 2, word, strlen(word) + 1);
		}
	}
	return err_set(err, ERR_USAGE, "%s: no such %s; known are %s", t->word, what, known + 2);
}

static bool parse_reason(struct filter_term *t, int64_t now, struct err *err)
{
	const char *words[REASON_COUNT];

	(void)now;
	for (int r = 0; r < REASON_COUNT; r++)
		words[r] = reason_text((enum reason)r);
	return parse_mask(t, words, REASON_COUNT, "reason", err);
}

static bool parse_state(struct filter_term *t, int64_t now, struct err *err)
{
	static const char *const words[] = {
		[ENTRY_ACTIVE] = "active",
		[ENTRY_EXPIRED] = "expired",
		[ENTRY_MALFORMED] = "malformed",
	};

	(void)now;
	return parse_mask(t, words, ARRAY_LEN(words), "state", err);
}

static bool parse_origin(struct filter_term *t, int64_t now, struct err *err)
{
	static const char *const words[] = {
		[ORIGIN_UNKNOWN] = "unknown",
		[ORIGIN_SERVER] = "server",
		[ORIGIN_OPERATOR] = "operator",
	};

	(void)now;
	return parse_mask(t, words, ARRAY_LEN(words), "origin", err);
}

static bool parse_kind(struct filter_term *t, int64_t now, struct err *err)
{
	static const char *const words[] = {"address", "network"};

	(void)now;
	return parse_mask(t, words, ARRAY_LEN(words), "kind", err);
}

static bool parse_log_kind(struct filter_term *t, int64_t now, struct err *err)
{
	(void)now;
	if (!*t->value)
		return err_set(err, ERR_USAGE,
			"%s: write a kind of event, such as kind:ban or kind:refused", t->word);
	return true;
}

static bool parse_family(struct filter_term *t, int64_t now, struct err *err)
{
	static const char *const words[] = {"4", "6"};

	(void)now;
	return parse_mask(t, words, ARRAY_LEN(words), "family", err);
}

static bool parse_class(struct filter_term *t, int64_t now, struct err *err)
{
	const char *words[CLASS_COUNT + 1];

	(void)now;
	for (int c = 0; c < CLASS_COUNT; c++)
		words[c] = class_name((enum ban_class)c);
	words[CLASS_NONE] = "";
	return parse_mask(t, words, ARRAY_LEN(words), "class", err);
}

/* One level and all worse ones. */
static bool parse_level(struct filter_term *t, int64_t now, struct err *err)
{
	static const char *const words[] = {
#define LEVEL_WORD(id, text) [LEVEL_##id] = text,
		LEVEL_INFO(LEVEL_WORD)
#undef LEVEL_WORD
	};

	(void)now;
	for (int l = LEVEL_NONE + 1; l < LEVEL_COUNT; l++) {
		if (!strcasecmp(t->value, words[l])) {
			t->mask = ~((1u << l) - 1);
			return true;
		}
	}
	return err_set(err, ERR_USAGE,
		"%s: no such level; known are trace, debug, info, warn, error", t->word);
}

static bool parse_net(struct filter_term *t, int64_t now, struct err *err)
{
	(void)now;
	if (net_parse(t->value, strlen(t->value), &t->net, NULL))
		return true;
	return err_set(err, ERR_USAGE,
		"%s: write an address or a network after %s:, such as 203.0.113.0/24", t->word,
		t->key->name);
}

static bool parse_duration(struct filter_term *t, int64_t now, struct err *err)
{
	(void)now;
	if (duration_parse(t->value, &t->ms))
		return true;
	return err_set(err, ERR_USAGE, "%s: write a duration such as 15m, 12h or 7d", t->word);
}

static bool parse_expires(struct filter_term *t, int64_t now, struct err *err)
{
	if (t->op != FILTER_IS)
		return parse_duration(t, now, err);
	t->ms = TIME_NONE;
	if (!strcasecmp(t->value, "never"))
		return true;
	return err_set(
		err, ERR_USAGE, "%s: write expires<1d, expires>7d or expires:never", t->word);
}

static bool parse_time(struct filter_term *t, int64_t now, struct err *err)
{
	if (time_parse(t->value, now, &t->ms))
		return true;
	return err_set(err, ERR_USAGE,
		"%s: write a time such as 2026-11-20, 2026-11-20T09:00:00Z or \"2h ago\"", t->word);
}

static bool parse_needle(struct filter_term *t, int64_t now, struct err *err)
{
	(void)now;
	if (!*t->value)
		return err_set(err, ERR_USAGE, "%s: the text to look for is missing", t->word);
	needle_init(&t->needle, t->value, strlen(t->value));
	return true;
}

static bool shows(const struct filter_term *t, const char *word)
{
	return needle_find(&t->needle, word, strlen(word)) != NULL;
}

static bool parse_text(struct filter_term *t, int64_t now, struct err *err)
{
	if (!parse_needle(t, now, err))
		return false;
	for (int r = 0; r < REASON_COUNT; r++)
		if (shows(t, reason_text((enum reason)r)))
			t->shown_reasons |= 1u << r;
	t->shown_kind[0] = shows(t, "address");
	t->shown_kind[1] = shows(t, "network");
	t->shown_expired = shows(t, entry_state_text(ENTRY_EXPIRED));
	t->shown_malformed = shows(t, entry_state_text(ENTRY_MALFORMED));
	return true;
}

static bool parse_regex(struct filter_term *t, int64_t now, struct err *err)
{
	(void)now;
	if (!*t->value)
		return err_set(err, ERR_USAGE, "%s: the regular expression is missing", t->word);
	t->regex = filter_regex_new(t->value, err);
	return t->regex != NULL;
}

/* ---- matches ---- */

static bool match_reason(const struct filter_term *t, const struct filter_subject *s)
{
	return t->mask & 1u << s->row->reason;
}

static bool match_state(const struct filter_term *t, const struct filter_subject *s)
{
	return t->mask & 1u << s->row->state;
}

static bool match_origin(const struct filter_term *t, const struct filter_subject *s)
{
	return t->mask & 1u << s->row->origin;
}

static bool match_kind(const struct filter_term *t, const struct filter_subject *s)
{
	return s->row->net.family && t->mask & (net_is_address(&s->row->net) ? 1u : 2u);
}

static const struct net *net_of(const struct filter_subject *s)
{
	return s->row ? &s->row->net : &s->log->address;
}

static bool match_family(const struct filter_term *t, const struct filter_subject *s)
{
	uint8_t family = net_of(s)->family;

	return family && t->mask & (family == 4 ? 1u : 2u);
}

static bool match_private(const struct filter_term *t, const struct filter_subject *s)
{
	enum net_kind kind = net_of(s)->family ? net_kind(net_of(s)) : NET_PUBLIC;

	(void)t;
	return kind == NET_PRIVATE || kind == NET_DOCKER || kind == NET_CGNAT ||
	       kind == NET_LINK_LOCAL || kind == NET_LOOPBACK;
}

static bool match_covered(const struct filter_term *t, const struct filter_subject *s)
{
	(void)t;
	return s->row->is_covered;
}

static bool match_inside(const struct filter_term *t, const struct filter_subject *s)
{
	return net_contains(&t->net, net_of(s));
}

static bool match_around(const struct filter_term *t, const struct filter_subject *s)
{
	return net_contains(net_of(s), &t->net);
}

static bool holds(const struct filter_term *t, struct slice text)
{
	return text.len && needle_find(&t->needle, text.p, text.len) != NULL;
}

static bool match_note(const struct filter_term *t, const struct filter_subject *s)
{
	return holds(t, s->row->note);
}

static int64_t time_of(const struct filter_subject *s)
{
	return s->row ? s->row->created : s->log->time;
}

static bool compare(const struct filter_term *t, int64_t span)
{
	if (span == t->ms)
		return t->or_equal;
	return t->op == FILTER_LESS ? span < t->ms : span > t->ms;
}

static bool match_age(const struct filter_term *t, const struct filter_subject *s)
{
	int64_t time = time_of(s);

	return time != TIME_NONE && compare(t, s->now - time);
}

/* What has expired already does not expire soon; what never expires lasts longer than any time. */
static bool match_expires(const struct filter_term *t, const struct filter_subject *s)
{
	int64_t expires = s->row->expires;

	if (t->op == FILTER_IS)
		return expires == TIME_NONE;
	if (expires == TIME_NONE)
		return t->op == FILTER_MORE;
	return expires > s->now && compare(t, expires - s->now);
}

static bool match_since(const struct filter_term *t, const struct filter_subject *s)
{
	return time_of(s) != TIME_NONE && time_of(s) >= t->ms;
}

static bool match_until(const struct filter_term *t, const struct filter_subject *s)
{
	return time_of(s) != TIME_NONE && time_of(s) <= t->ms;
}

static bool match_class(const struct filter_term *t, const struct filter_subject *s)
{
	return t->mask & 1u << s->log->class;
}

static bool match_level(const struct filter_term *t, const struct filter_subject *s)
{
	return t->mask & 1u << s->log->level;
}

/* A glob when it looks like one, else a substring. */
static bool match_event(const struct filter_term *t, const struct filter_subject *s)
{
	if (strpbrk(t->value, "*?"))
		return glob_match(
			t->value, s->log->event.p ? s->log->event.p : "", s->log->event.len);
	return holds(t, s->log->event);
}

static bool match_account(const struct filter_term *t, const struct filter_subject *s)
{
	return holds(t, s->log->account);
}

static bool match_log_kind(const struct filter_term *t, const struct filter_subject *s)
{
	return s->log->kind && !strcasecmp(t->value, s->log->kind);
}

static bool match_text(const struct filter_term *t, const struct filter_subject *s)
{
	if (s->log)
		return holds(t, s->log->line);
	for (size_t i = 0; i < s->row->text_count; i++)
		if (holds(t, s->row->text[i]))
			return true;
	return holds(t, s->row->note);
}

static bool match_regex(const struct filter_term *t, const struct filter_subject *s)
{
	if (s->log)
		return filter_regex_match(t->regex, s->log->line.p, s->log->line.len);
	for (size_t i = 0; i < s->row->text_count; i++)
		if (filter_regex_match(t->regex, s->row->text[i].p, s->row->text[i].len))
			return true;
	return s->row->note.len && filter_regex_match(t->regex, s->row->note.p, s->row->note.len);
}

#define LIST FILTER_LIST
#define LOG  FILTER_LOG

static const struct filter_key keys[] = {
	{"", "", LIST | LOG, ":", parse_text, match_text, 8, "text anywhere, ignoring case"},
	{"re", "re:", LIST | LOG, ":", parse_regex, match_regex, 9,
		"regular expression, also /between slashes/"},
	{"reason", "reason:", LIST, ":", parse_reason, match_reason, 1,
		"auth, abuse, loiter, scan, manual, other, none"},
	{"state", "state:", LIST, ":", parse_state, match_state, 1, "active, expired, malformed"},
	{"origin", "origin:", LIST, ":", parse_origin, match_origin, 1,
		"server, operator, unknown"},
	{"kind", "kind:", LIST, ":", parse_kind, match_kind, 1, "address, network"},
	{"family", "family:", LIST | LOG, ":", parse_family, match_family, 1, "4 or 6"},
	{"private", "private", LIST | LOG, "", NULL, match_private, 3,
		"private, Docker, carrier-grade NAT, link-local, loopback"},
	{"covered", "covered", LIST, "", NULL, match_covered, 7, "inside another active entry"},
	{"net", "net:", LIST | LOG, ":", parse_net, match_inside, 2, "inside this network"},
	{"in", "in:", LIST, ":", parse_net, match_around, 2, "entries that cover this address"},
	{"note", "note:", LIST, ":", parse_needle, match_note, 5, "text in the note"},
	{"age", "age>", LIST | LOG, "<>", parse_duration, match_age, 1,
		"since it began: age<2h, age>7d"},
	{"expires", "expires<", LIST, "<>:", parse_expires, match_expires, 1,
		"until it ends: expires<1d, expires:never"},
	{"since", "since:", LIST | LOG, ":", parse_time, match_since, 1, "at or after a time"},
	{"until", "until:", LIST | LOG, ":", parse_time, match_until, 1, "at or before a time"},
	{"class", "class:", LOG, ":", parse_class, match_class, 1,
		"auth, abuse, loiter, scan, none"},
	{"level", "level:", LOG, ":", parse_level, match_level, 1, "this level and worse"},
	{"event", "event:", LOG, ":", parse_needle, match_event, 4,
		"part of the event's name, or a glob"},
	{"address", "address:", LIST | LOG, ":", parse_net, match_inside, 2,
		"this address, or inside this network"},
	{"account", "account:", LOG, ":", parse_needle, match_account, 4,
		"part of the account's name"},
	{"kind", "kind:", LOG, ":", parse_log_kind, match_log_kind, 1, "ban, refused, attempt, …"},
};

const struct filter_key *filter_key_find(enum filter_kind kind, const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].kinds & kind && strlen(keys[i].name) == len &&
			!strncasecmp(keys[i].name, name, len))
			return &keys[i];
	return NULL;
}

const struct filter_key *filter_key_at(size_t i)
{
	return i < ARRAY_LEN(keys) ? &keys[i] : NULL;
}

const struct filter_key *filter_key_text(void)
{
	return &keys[0];
}

const struct filter_key *filter_key_regex(void)
{
	return &keys[1];
}
