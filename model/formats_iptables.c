/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import of iptables rules: as iptables-save and scripts write them, and as `iptables -nL` lists
 * them. Only rules that drop what comes from a source are bans; what a plain rule accepts is an
 * allowed entry. */
#include <string.h>

#include "core/mem.h"
#include "model/formats_private.h"

static bool is_any(struct slice s)
{
	return !s.len || slice_is(s, "0.0.0.0/0") || slice_is(s, "::/0") ||
	       slice_is(s, "anywhere") || slice_is(s, "0/0");
}

static bool drops(struct slice target)
{
	return slice_is(target, "DROP") || slice_is(target, "REJECT");
}

/* ---- rules ---- */

struct rule {
	struct slice source, target, chain, destination, comment, range;
	bool is_negated, is_deleted;
	bool is_narrow; /* it matches more than a source */
};

/* A word, or a text in double quotes in which \" is a quote; its escapes stay. */
static struct slice cut_argument(struct slice *rest)
{
	struct slice s = *rest, text;
	size_t i = 1;

	while (s.len && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.len--;
	}
	if (!s.len || *s.p != '"')
		return slice_word(rest);
	while (i < s.len && s.p[i] != '"')
		i += s.p[i] == '\\' && i + 1 < s.len ? 2 : 1;
	text = (struct slice){s.p + 1, i - 1};
	i += i < s.len;
	*rest = (struct slice){s.p + i, s.len - i};
	return text;
}

/* Options whose value is kept, and where. */
static struct slice *place_of(struct rule *r, struct slice option)
{
	static const struct {
		const char *name;
		size_t at;
	} options[] = {
		{"-s", offsetof(struct rule, source)},
		{"--source", offsetof(struct rule, source)},
		{"--src", offsetof(struct rule, source)},
		{"-j", offsetof(struct rule, target)},
		{"--jump", offsetof(struct rule, target)},
		{"-A", offsetof(struct rule, chain)},
		{"--append", offsetof(struct rule, chain)},
		{"-I", offsetof(struct rule, chain)},
		{"--insert", offsetof(struct rule, chain)},
		{"-d", offsetof(struct rule, destination)},
		{"--destination", offsetof(struct rule, destination)},
		{"--comment", offsetof(struct rule, comment)},
		{"--src-range", offsetof(struct rule, range)},
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (slice_is(option, options[i].name))
			return (struct slice *)((char *)r + options[i].at);
	return NULL;
}

static void rule_parse(struct slice rest, struct rule *r)
{
	struct slice word, before = SLICE_NONE;

	*r = (struct rule){.source = SLICE_NONE};
	for (; (word = slice_word(&rest)).len; before = word) {
		struct slice *place = place_of(r, word);

		if (place) {
			*place = cut_argument(&rest);
			r->is_negated |= slice_is(before, "!") &&
					 (place == &r->source || place == &r->range);
		} else if (slice_is(word, "-m") || slice_is(word, "--match")) {
			word = slice_word(&rest);
			r->is_narrow |= !slice_is(word, "comment") && !slice_is(word, "iprange");
		} else if (slice_is(word, "-D") || slice_is(word, "--delete")) {
			r->is_deleted = true;
		} else if (slice_is(word, "-p") || slice_is(word, "-i") || slice_is(word, "-o") ||
			   slice_is(word, "--dport") || slice_is(word, "--sport")) {
			r->is_narrow = true;
		}
	}
	r->is_narrow |= !is_any(r->destination);
	if (is_any(r->source))
		r->source = r->range;
}

/* "-s 1.2.3.4,5.6.7.8" stands for two rules. */
static void add_sources(struct import *im, const struct rule *r, struct fields *f)
{
	struct slice left = r->source;

	while (left.len) {
		const char *comma = memchr(left.p, ',', left.len);
		size_t n = comma ? (size_t)(comma - left.p) : left.len;

		f->of[FIELD_ADDRESS] = (struct slice){left.p, n};
		n += comma != NULL;
		left = (struct slice){left.p + n, left.len - n};
		import_fields_add(im, im->state->line, f);
	}
}

static void take_rule(struct import *im, struct slice line)
{
	struct rule r;
	struct fields f = {.of = {SLICE_NONE}};
	char comment[256];
	size_t n = 0;

	rule_parse(line, &r);
	bool accepts = slice_is(r.target, "ACCEPT");
	if ((!drops(r.target) && (!accepts || r.is_narrow)) || !r.source.len ||
		slice_is(r.chain, "OUTPUT"))
		return;
	if (r.is_negated || r.is_deleted) {
		if (!accepts)
			import_bad_add(im, im->state->line, line.p, line.len,
				r.is_deleted ? "this rule is taken away, not added"
					     : "this rule drops everything but that address");
		return;
	}
	for (size_t i = 0; i < r.comment.len && n < sizeof(comment); i++) {
		i += r.comment.p[i] == '\\' && i + 1 < r.comment.len;
		comment[n++] = r.comment.p[i];
	}
	f.of[FIELD_NOTE] = (struct slice){comment, n};
	f.of[FIELD_LIST] = accepts ? SLICE("allowed") : SLICE("blocked");
	add_sources(im, &r, &f);
}

/* ---- listings ---- */

/* The words that can't be read as an address say something else: "tcp", "--", "eth0.5". */
static bool is_place(struct slice word)
{
	struct net n;

	if (word.len && word.p[0] == '!')
		word = (struct slice){word.p + 1, word.len - 1};
	return word.len &&
	       (is_any(word) || ((memchr(word.p, '.', word.len) || memchr(word.p, ':', word.len)) &&
					net_parse(word.p, word.len, &n, NULL)));
}

/* "DROP  0  --  203.0.113.7  0.0.0.0/0  …", behind a number and counters or not: the target, and
 * the first of the two words that are addresses. */
static void take_listed(struct import *im, struct slice line)
{
	static const char range[] = "source IP range ";
	struct slice rest = line, word = slice_word(&rest);
	struct fields f = {.of = {SLICE_NONE}};
	bool is_drop = false;

	for (; word.len && !is_place(word); word = slice_word(&rest))
		is_drop |= drops(word);
	if (!is_drop || !word.len || im->state->is_output)
		return;
	if (word.p[0] == '!') {
		import_bad_add(im, im->state->line, line.p, line.len,
			"this rule drops everything but that address");
		return;
	}
	if (is_any(word)) {
		const char *at = rest.len ? memmem(rest.p, rest.len, range, strlen(range)) : NULL;

		if (!at)
			return;
		at += strlen(range);
		rest = (struct slice){at, (size_t)(rest.p + rest.len - at)};
		word = slice_word(&rest);
	}
	f.of[FIELD_ADDRESS] = word;
	f.of[FIELD_LIST] = SLICE("blocked");
	import_fields_add(im, im->state->line, &f);
}

static void iptables_line(struct import *im, const char *s, size_t len)
{
	struct importer *st = im->state;
	struct slice line = slice_trim((struct slice){s, len}), rest = line;
	struct slice first = slice_word(&rest);

	if (!line.len || line.p[0] == '#')
		return;
	if (slice_is(first, "Chain")) {
		st->in_members = true;
		st->is_output = slice_is(slice_word(&rest), "OUTPUT");
	} else if (st->in_members) {
		take_listed(im, line);
	} else {
		take_rule(im, line);
	}
}

const struct reader reader_iptables = {.line = iptables_line};
