/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What somebody else changed between display and save, side by side and in words: what is there, what was seen, what was wanted. Sends nothing. */
#include "views/flow.h"

#include <string.h>

#include "core/text.h"

#define LABEL 20

bool flow_is_conflict(const struct edit *e, const struct outcome *o)
{
	return o->verdict == VERDICT_NOT_STORED && o->why == ERR_CONFLICT && !edit_expects(e, o->before);
}

/* What is kept with an entry, without its braces. */
static void entry_words(struct buf *out, const char *value)
{
	struct entry_value v;
	char text[TIME_BUF];

	entry_value_parse(value, strlen(value), &v);
	buf_addf(out, "listed %s%s", v.until == TIME_NONE ? "for ever" : "until ", v.until == TIME_NONE ? "" : time_format(v.until, text, sizeof(text)));
	if (v.by[0])
		buf_addf(out, ", by %s", v.by);
	if (v.note[0])
		buf_addf(out, ": %s", v.note);
}

/* A value as it is stored, or as an edit expects it: an expiry may expect the end alone. */
static void value_words(struct buf *out, const struct edit *e, const char *value)
{
	if (!value || (!*value && value == e->expected))
		buf_adds(out, edit_is_threshold(e->kind) ? "nothing: the default" : "nothing: not listed");
	else if (!edit_has_address(e->kind))
		buf_adds(out, value);
	else if (edit_is_expiry(e->kind) && value == e->expected && *value != '{')
		buf_addf(out, "listed %s%s", !strcmp(value, "never") ? "for ever" : "until ", !strcmp(value, "never") ? "" : value);
	else
		entry_words(out, value);
}

static void wanted_words(struct buf *out, const struct edit *e)
{
	char text[64];

	if (e->kind == EDIT_THRESHOLD)
		buf_adds(out, rate_format(e->value, text, sizeof(text)));
	else if (e->kind == EDIT_THRESHOLD_OFF || e->kind == EDIT_THRESHOLD_DEFAULT)
		buf_adds(out, e->kind == EDIT_THRESHOLD_OFF ? "off" : "the default");
	else if (e->kind == EDIT_UNBLOCK || e->kind == EDIT_DISALLOW || e->kind == EDIT_PATH_REMOVE)
		buf_adds(out, "off the list");
	else if (edit_has_address(e->kind))
		buf_addf(out, "listed %s%s", e->expires == TIME_NONE ? "for ever" : "until ",
			e->expires == TIME_NONE ? "" : time_format(e->expires, text, sizeof(text)));
	else
		buf_adds(out, e->target);
}

static void put(struct page *p, const char *label, enum role role, struct buf *words, int width)
{
	struct page left, right;

	page_init(&left, p->glyphs);
	page_init(&right, p->glyphs);
	page_text(&left, ROLE_LABEL, 4, LABEL, label);
	page_text(&right, role, 0, width - LABEL, buf_str(words));
	page_columns(p, &left, LABEL, 0, &right);
	page_release(&left);
	page_release(&right);
	buf_reset(words);
}

void flow_describe_conflict(struct page *p, const struct edit *e, const struct outcome *o, int width)
{
	struct buf words = BUF_INIT;

	value_words(&words, e, o->before);
	put(p, "on the server", ROLE_STRONG, &words, width);
	value_words(&words, e, e->expected);
	put(p, "you saw", ROLE_NORMAL, &words, width);
	wanted_words(&words, e);
	put(p, "you wanted", ROLE_NORMAL, &words, width);
	buf_release(&words);
}
