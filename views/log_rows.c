/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of the log panel: cells, details, and the filter, which sees the whole line. Knows no source. */
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "views/log.h"

/* ---- rows ---- */

static enum role level_role(enum event_level l)
{
	return l == LEVEL_ERROR ? ROLE_BAD : l == LEVEL_WARN ? ROLE_WARN : l < LEVEL_INFO ? ROLE_DIM : ROLE_NORMAL;
}

static void slice_cell(struct cell *out, enum role role, struct slice s)
{
	out->role = role;
	out->text = out->buf;
	text_safe_str(out->buf, sizeof(out->buf), s.p ? s.p : "", s.len);
}

static bool is_same(struct slice a, struct slice b)
{
	return a.p == b.p && a.len == b.len;
}

/* The address has a column; ports are for the details. */
static bool says_peer(struct slice key, const struct event_facts *f)
{
	static const char *const names[] = { "localPort", "remotePort", "remoteIp" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (slice_is(key, names[i]))
			return f->address.family != 0;
	return false;
}

/* Where first: the column may be too narrow for more. What has a column of its own is not said again. */
static void details_cell(const struct log_row *r, struct cell *out)
{
	const struct event_facts *f = &r->facts;
	struct slice key, value;
	struct buf all = BUF_INIT;
	size_t pos = 0;

	slice_cell(out, ROLE_DIM, r->event.line);
	if (r->event.format == EVENT_TEXT)
		return;
	if (f->path.len)
		buf_addf(&all, "%.*s  ", (int)f->path.len, f->path.p);
	if (f->listener.len)
		buf_addf(&all, "%.*s  ", (int)f->listener.len, f->listener.p);
	while (event_field_next(&r->event, &pos, &key, &value)) {
		if (value.len == 0 || is_same(value, f->listener) || is_same(value, f->account) || is_same(value, f->to) ||
			is_same(value, f->path) || says_peer(key, f))
			continue;
		buf_addf(&all, "%.*s = %.*s  ", (int)key.len, key.p, (int)value.len, value.p);
	}
	text_safe_str(out->buf, sizeof(out->buf), buf_str(&all), all.len);
	out->text = out->buf;
	buf_release(&all);
}

void log_cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct log_row *r = log_row_of(v, row);
	char words[NET_BUF];

	switch ((enum log_column)col) {
	case COL_TIME:
		cell_set(out, ROLE_NORMAL, "%s", words_time_of_day(r->event.time, clock_now(), words, sizeof(words)));
		break;
	case COL_LEVEL:
		cell_ref(out, level_role(r->event.level), event_level_text(r->event.level));
		break;
	case COL_EVENT:
		slice_cell(out, r->facts.kind == EVENT_BAN ? ROLE_BAD : r->facts.kind == EVENT_REFUSED ? ROLE_WARN : ROLE_NORMAL,
			r->event.id.len ? r->event.id : r->event.description);
		break;
	case COL_ADDRESS:
		cell_set(out, ROLE_VALUE, "%s",
			r->facts.address.family ? net_format(&r->facts.address, words, sizeof(words)) : "");
		break;
	case COL_ACCOUNT:
		slice_cell(out, ROLE_NORMAL, r->facts.account.len ? r->facts.account : r->facts.to);
		break;
	case COL_DETAILS:
		details_cell(r, out);
		break;
	}
}

/* ---- filter ---- */

bool log_filter_compile(struct view *v, const char *text, struct err *err)
{
	struct log_state *s = v->state;
	struct filter *f = NULL;

	if (text[0] && !(f = filter_parse(FILTER_LOG, text, clock_now(), err)))
		return false;
	filter_free(s->filter);
	s->filter = f;
	return true;
}

bool log_filter_narrows(const struct view *v, const char *before, const char *now)
{
	struct err ignored = ERR_INIT;
	struct filter *wide = filter_parse(FILTER_LOG, before, 0, &ignored),
		      *narrow = filter_parse(FILTER_LOG, now, 0, &ignored);
	bool narrows = wide && narrow && filter_is_narrower(narrow, wide);

	(void)v;
	filter_free(wide);
	filter_free(narrow);
	return narrows;
}

bool log_filter_match(const struct view *v, size_t row)
{
	const struct log_state *s = v->state;
	const struct log_row *r = log_row_of(v, row);

	return !s->filter ||
		filter_match_log(s->filter,
			&(struct filter_log){ .line = r->event.line,
				.event = r->event.id,
				.account = r->facts.account.len ? r->facts.account : r->facts.to,
				.kind = event_kind_text(r->facts.kind),
				.address = r->facts.address,
				.class = r->facts.class,
				.level = r->event.level,
				.time = r->event.time },
			clock_now());
}

void log_detail(const struct view *v, size_t row, struct page *p, int width)
{
	const struct log_row *r = log_row_of(v, row);
	struct slice key, value;
	size_t pos = 0;
	char safe[600], name[80], stamp[TIME_BUF];

	page_pair(p, 12, "Time", ROLE_NORMAL, "%s", time_format(r->event.time, stamp, sizeof(stamp)));
	page_pair(p, 12, "Event", ROLE_VALUE, "%s",
		text_safe_str(safe, sizeof(safe), r->event.id.p ? r->event.id.p : "", r->event.id.len));
	page_text(p, ROLE_NORMAL, 12, width,
		text_safe_str(safe, sizeof(safe), r->event.description.p ? r->event.description.p : "",
			r->event.description.len));
	while (event_field_next(&r->event, &pos, &key, &value))
		page_pair(p, 20, text_safe_str(name, sizeof(name), key.p, key.len), ROLE_NORMAL, "%s",
			text_safe_str(safe, sizeof(safe), value.p ? value.p : "", value.len));
	if (r->event.format == EVENT_TEXT)
		page_text(p, ROLE_DIM, 0, width, text_safe_str(safe, sizeof(safe), r->event.line.p, r->event.line.len));
}
