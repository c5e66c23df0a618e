/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import of ipset: `ipset save`, which scripts write as well, and `ipset list`. */
#include <string.h>

#include "core/mem.h"
#include "model/formats_private.h"

/* Text between the next two double quotes. */
static struct slice quoted(struct slice s)
{
	const char *open = s.len ? memchr(s.p, '"', s.len) : NULL;
	const char *close = open ? memchr(open + 1, '"', (size_t)(s.p + s.len - open - 1)) : NULL;

	return close ? (struct slice){open + 1, (size_t)(close - open - 1)} : SLICE_NONE;
}

/* Of ports, of devices, of other sets: no member can be an address. */
static void set_type(struct importer *st, struct slice type)
{
	st->is_other_set = slice_is(type, "bitmap:port") || slice_is(type, "hash:mac") ||
			   slice_is(type, "list:set");
}

/* "… timeout 600 …" of a set's head is what members have that name none. */
static void set_head(struct importer *st, struct slice rest)
{
	struct slice word;

	while ((word = slice_word(&rest)).len)
		if (slice_is(word, "timeout"))
			import_set_timeout(st, slice_word(&rest));
}

/* "1.2.3.4 timeout 300 comment "text"" */
static void ipset_element(struct import *im, struct slice rest)
{
	struct importer *st = im->state;
	struct slice word = slice_word(&rest);
	struct fields f = {.of = {[FIELD_ADDRESS] = word}};
	bool has_timeout = false;

	if (st->is_other_set || !word.len)
		return;
	if (memchr(word.p, ',', word.len)) {
		import_bad_add(im, st->line, word.p, word.len, IMPORT_PAIR);
		return;
	}

	while ((word = slice_word(&rest)).len) {
		if (slice_is(word, "timeout")) {
			has_timeout = true;
			word = slice_word(&rest);
			if (!slice_is(word, "0"))
				f.of[FIELD_DURATION] = word;
		} else if (slice_is(word, "comment")) {
			f.of[FIELD_NOTE] = quoted(rest);
			break;
		} else if (slice_is(word, "nomatch")) {
			import_bad_add(im, im->state->line, f.of[FIELD_ADDRESS].p,
				f.of[FIELD_ADDRESS].len,
				"nomatch makes this an exception of the set, not a member");
			return;
		}
	}
	if (!has_timeout)
		f.of[FIELD_DURATION] = slice_of(st->set_timeout);
	import_set_fields(st, &f);
	import_fields_add(im, st->line, &f);
}

static void ipset_line(struct import *im, const char *s, size_t len)
{
	struct importer *st = im->state;
	struct slice line = import_command(slice_trim((struct slice){s, len})), rest = line;
	struct slice first = slice_word(&rest);

	if (!first.len || first.p[0] == '#')
		return;
	if (slice_is(first, "ipset"))
		first = slice_word(&rest);
	while (slice_is(first, "-exist") || slice_is(first, "-!") || slice_is(first, "-q"))
		first = slice_word(&rest);
	if (slice_is(first, "add") || slice_is(first, "-A")) {
		import_set_enter(st, slice_word(&rest));
		ipset_element(im, rest);
	} else if (slice_is(first, "create") || slice_is(first, "-N")) {
		import_set_begin(st, slice_word(&rest));
		set_type(st, slice_word(&rest));
		set_head(st, rest);
	} else if (slice_is(first, "Members:")) {
		st->in_members = true;
	} else if (slice_is(first, "Name:")) {
		st->in_members = false;
		import_set_begin(st, slice_word(&rest));
	} else if (slice_is(first, "Type:")) {
		set_type(st, slice_word(&rest));
	} else if (slice_is(first, "Header:")) {
		set_head(st, rest);
	} else if (st->in_members) {
		ipset_element(im, line);
	}
}

const struct reader reader_ipset = {.line = ipset_line};
