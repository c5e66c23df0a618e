/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import of nftables sets, as `nft list set` prints them and as scripts add them: elements between
 * braces, over many lines. */
#include <string.h>

#include "core/mem.h"
#include "model/formats_private.h"

#define ELEMENT_MAX 4096 /* bytes of one element */

/* Cuts the text between the next two double quotes off; without them nothing is left. */
static struct slice cut_quoted(struct slice *s)
{
	const char *end = s->p + s->len, *open = s->len ? memchr(s->p, '"', s->len) : NULL;
	const char *close = open ? memchr(open + 1, '"', (size_t)(end - open - 1)) : NULL;

	*s = close ? (struct slice){close + 1, (size_t)(end - close - 1)} : SLICE_NONE;
	return close ? (struct slice){open + 1, (size_t)(close - open - 1)} : SLICE_NONE;
}

/* A time-out of none is written so. */
static bool is_for_ever(struct slice s)
{
	return slice_is(s, "0s") || slice_is(s, "0") || slice_is(s, "never");
}

/* "… . 25" is a pair, "… : accept" a verdict. NULL when the element can be taken. */
static const char *parse_element(struct slice rest, struct fields *f, const char *set_timeout)
{
	struct slice word, timeout = slice_of(set_timeout), expires = SLICE_NONE;

	f->of[FIELD_ADDRESS] = slice_word(&rest);
	while ((word = slice_word(&rest)).len) {
		if (slice_is(word, "."))
			return IMPORT_PAIR;
		if (slice_is(word, "expires")) {
			expires = slice_word(&rest);
		} else if (slice_is(word, "timeout")) {
			timeout = slice_word(&rest);
		} else if (slice_is(word, "comment")) {
			f->of[FIELD_NOTE] = cut_quoted(&rest);
		} else if (slice_is(word, ":")) {
			word = slice_word(&rest);
			if (!slice_is(word, "drop") && !slice_is(word, "reject"))
				return "this map does something else with the address than drop it";
		}
	}
	f->of[FIELD_DURATION] = expires.len ? expires : is_for_ever(timeout) ? SLICE_NONE : timeout;
	return NULL;
}

/* "1.2.3.4 timeout 1h expires 59m3s996ms comment "text"", counters in between. */
static void take_element(struct import *im)
{
	struct importer *st = im->state;
	struct slice text = slice_trim((struct slice){st->element.data, st->element.len});
	struct fields f = {.of = {SLICE_NONE}};
	const char *why;

	if (!text.len || st->is_other_set)
		return;
	why = parse_element(text, &f, st->set_timeout);
	if (why) {
		import_bad_add(im, st->element_line, text.p, text.len, why);
		return;
	}
	import_set_fields(st, &f);
	import_fields_add(im, st->element_line, &f);
}

/* ---- what is said of a set before its elements come ---- */

static struct slice cut_statement_word(struct slice *s)
{
	struct slice w = slice_word(s);

	while (w.len && (w.p[w.len - 1] == ';' || w.p[w.len - 1] == '{'))
		w.len--;
	return w;
}

/* "type ipv4_addr", "type ipv4_addr . inet_service", "typeof ip saddr", "type inet_service". */
static bool holds_addresses(struct slice type)
{
	static const char *const words[] = {
		"ipv4_addr", "ipv6_addr", "ip saddr", "ip6 saddr", "ip daddr", "ip6 daddr"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (type.len && memmem(type.p, type.len, words[i], strlen(words[i])))
			return true;
	return false;
}

/* The statements of a line, up to its elements. */
static void read_head(struct importer *st, struct slice head)
{
	while (head.len) {
		const char *end = head.p;

		while (end < head.p + head.len && *end != ';' && *end != '{')
			end++;
		struct slice s = {head.p, (size_t)(end - head.p)}, rest = s;
		struct slice word = cut_statement_word(&rest);
		size_t used = s.len + (end < head.p + head.len);

		head = (struct slice){head.p + used, head.len - used};
		if (slice_is(word, "comment"))
			return;
		if (slice_is(word, "set") || slice_is(word, "map")) {
			import_set_begin(st, slice_word(&rest));
		} else if (slice_is(word, "add") || slice_is(word, "create") ||
			   slice_is(word, "nft")) {
			struct slice last = SLICE_NONE;

			while ((word = slice_word(&rest)).len)
				if (word.p[0] != '\'' && word.p[0] != '"') /* of the shell */
					last = word;
			if (memmem(s.p, s.len, " set ", 5) || memmem(s.p, s.len, " map ", 5))
				import_set_begin(st, last);
			else
				import_set_enter(st, last);
		} else if (slice_is(word, "type") || slice_is(word, "typeof")) {
			st->is_other_set = !holds_addresses(rest);
		} else if (slice_is(word, "timeout")) {
			import_set_timeout(st, slice_word(&rest));
		}
	}
}

/* "elements = {" of a listing, "add element inet filter banned {" of a script; anything else is
 * structure. */
static const char *find_elements(const char *s, size_t len)
{
	static const char listing[] = "elements = {";
	struct slice line = slice_trim((struct slice){s, len});
	const char *at = len ? memmem(s, len, listing, strlen(listing)) : NULL;

	if (slice_starts(line, "comment "))
		return NULL;
	if (at)
		return at + strlen(listing) - 1;
	if (slice_starts(line, "elements") || slice_starts(line, "add element") ||
		slice_starts(line, "create element") || slice_starts(line, "nft add element"))
		return memchr(s, '{', len);
	return NULL;
}

static void end_element(struct import *im)
{
	take_element(im);
	buf_reset(&im->state->element);
}

/* Bytes inside the braces; returns where they end, NULL if not on this line. */
static const char *take_elements(struct import *im, const char *s, const char *end)
{
	struct importer *st = im->state;

	for (; s < end; s++) {
		if (*s == '"')
			st->in_quotes = !st->in_quotes;
		if (!st->in_quotes && (*s == ',' || *s == '}')) {
			end_element(im);
			if (*s == '}')
				return s + 1;
			continue;
		}
		if (!st->element.len) {
			if (*s == ' ' || *s == '\t')
				continue;
			st->element_line = st->line;
		}
		if (st->element.len < ELEMENT_MAX)
			buf_addc(&st->element, *s);
	}
	if (st->element.len)
		buf_addc(&st->element, ' ');
	st->in_quotes = false; /* a comment never spans lines */
	return NULL;
}

static void nft_line(struct import *im, const char *s, size_t len)
{
	struct importer *st = im->state;
	const char *end = s + len;

	if (!st->in_elements)
		s = import_command(slice_trim((struct slice){s, len})).p;
	if (!s)
		return;
	if (!st->in_elements && slice_starts((struct slice){s, (size_t)(end - s)}, "#"))
		return;
	while (s && s < end) {
		if (!st->in_elements) {
			const char *brace = find_elements(s, (size_t)(end - s));

			read_head(st, (struct slice){s, (size_t)((brace ? brace : end) - s)});
			if (!brace)
				return;
			st->in_elements = true;
			s = brace + 1;
		}
		s = take_elements(im, s, end);
		st->in_elements = s == NULL;
	}
}

static void nft_finish(struct import *im)
{
	struct importer *st = im->state;

	if (!st->in_elements)
		return;
	end_element(im);
	import_bad_add(im, st->line - 1, "", 0, "the text ends inside a set: a } is missing");
}

const struct reader reader_nft = {.line = nft_line, .finish = nft_finish};
