/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import of nftables sets, as `nft list set` prints them and as scripts add them: elements between
 * braces, over many lines. */
#include <string.h>

#include "core/mem.h"
#include "model/formats_private.h"

#define ELEMENT_MAX 4096 /* bytes of one element */

/* "1.2.3.4 timeout 1h expires 59m3s996ms comment "text"", counters in between. */
static void take_element(struct import *im)
{
	struct importer *st = im->state;
	struct slice rest = {st->element.data, st->element.len}, word;
	struct fields f = {.of = {SLICE_NONE}};

	word = slice_word(&rest);
	if (!word.len)
		return;
	f.of[FIELD_ADDRESS] = word;
	while ((word = slice_word(&rest)).len) {
		if (slice_is(word, "expires"))
			f.of[FIELD_DURATION] = slice_word(&rest);
		else if (slice_is(word, "timeout") && !f.of[FIELD_DURATION].len)
			f.of[FIELD_DURATION] = slice_word(&rest);
		else if (slice_is(word, "comment")) {
			const char *open = rest.len ? memchr(rest.p, '"', rest.len) : NULL;
			const char *close =
				open ? memchr(open + 1, '"', (size_t)(rest.p + rest.len - open - 1))
				     : NULL;

			if (close)
				f.of[FIELD_NOTE] =
					(struct slice){open + 1, (size_t)(close - open - 1)};
			break;
		}
	}
	import_range_add(im, st->element_line, &f);
}

/* "elements = {" of a listing, "add element inet filter banned {" of a script; anything else is
 * structure. */
static const char *find_elements(const char *s, size_t len)
{
	static const char listing[] = "elements = {";
	struct slice line = slice_trim((struct slice){s, len});
	const char *at = len ? memmem(s, len, listing, strlen(listing)) : NULL;

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

	if (!st->in_elements && slice_starts(slice_trim((struct slice){s, len}), "#"))
		return;
	while (s && s < end) {
		if (!st->in_elements) {
			const char *brace = find_elements(s, (size_t)(end - s));

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
