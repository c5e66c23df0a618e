/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import of plain values, one or more a line, and of settings keys. */
#include <string.h>

#include "core/mem.h"
#include "model/formats_private.h"

/* "1.2.3.4 # office" and, as block lists have it, "1.2.3.0/24 ; SBL1": what follows is a note. */
static struct slice cut_comment(struct slice *line)
{
	for (size_t i = 0; i < line->len; i++) {
		if ((line->p[i] != '#' && line->p[i] != ';') ||
			(i && line->p[i - 1] != ' ' && line->p[i - 1] != '\t'))
			continue;
		struct slice note = {line->p + i + 1, line->len - i - 1};
		line->len = i;
		return slice_trim(note);
	}
	return SLICE_NONE;
}

/* server.blocked-ip.1.2.3.4 = "value": a line of another server's settings. */
static bool settings_line(struct import *im, struct slice line)
{
	enum list_kind list = settings_key_cut(&line);
	const char *eq = line.len ? memchr(line.p, '=', line.len) : NULL;
	struct slice value = SLICE_NONE;

	if (list == LIST_COUNT)
		return false;
	if (eq) {
		value = slice_trim((struct slice){eq + 1, (size_t)(line.p + line.len - eq - 1)});
		line.len = (size_t)(eq - line.p);
	}
	import_settings_add(im, im->state->line, slice_trim(line), value, list);
	return true;
}

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == ',' || c == ';';
}

/* Cuts the next of the words of a line off; empty at its end. */
static struct slice cut_value(struct slice *line)
{
	struct slice word;

	while (line->len && is_separator(line->p[0])) {
		line->p++;
		line->len--;
	}
	word = (struct slice){line->p, 0};
	while (word.len < line->len && !is_separator(word.p[word.len]))
		word.len++;
	line->p += word.len;
	line->len -= word.len;
	return word;
}

static bool is_value(struct slice word)
{
	const char *dash = memchr(word.p, '-', word.len);
	struct net n;

	return net_parse(word.p, dash ? (size_t)(dash - word.p) : word.len, &n, NULL);
}

/* Several words, and addresses are not most of them: a sentence, a table or another program's
 * rule ("203.0.113.7 OK" is one). What it says of its addresses is not known. */
static bool is_prose(struct slice line, const char **why)
{
	struct slice word = cut_value(&line);
	size_t words = 0, addresses = 0;

	for (; word.len; word = cut_value(&line), words++)
		addresses += is_value(word);
	*why = addresses ? "there are other words beside the address; a note is written behind #"
			 : "no address in this line";
	return words > 1 && addresses * 2 <= words;
}

static void values_slow(struct import *im, struct slice line)
{
	struct slice note, word;
	const char *why;

	line = slice_trim(line);
	if (settings_line(im, line))
		return;
	note = cut_comment(&line);
	if (is_prose(line, &why)) {
		import_bad_add(im, im->state->line, line.p, line.len, why);
		return;
	}
	while ((word = cut_value(&line)).len) {
		struct fields f = {.of = {[FIELD_ADDRESS] = word}};

		f.of[FIELD_NOTE] = note;
		import_fields_add(im, im->state->line, &f);
	}
}

void import_values_line(struct import *im, const char *s, size_t len)
{
	unsigned flags;
	struct net n;

	if (net_parse(s, len, &n, &flags))
		import_row_add(im, im->state->line, &n, flags, NULL);
	else if (len)
		values_slow(im, (struct slice){s, len});
}

const struct reader reader_values = {.line = import_values_line};
