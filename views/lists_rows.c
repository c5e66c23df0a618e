/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of the blocked or the allowed list: its cells, what it sorts by, its details. Acts on nothing. */
#include "views/lists.h"

#include "core/text.h"

uint64_t list_row_id(const struct view *v, size_t row)
{
	uint64_t h = 1469598103934665603ull;

	for (const char *p = entry_key(list_of(v), row); *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ull;
	return h;
}

static const struct history_tally *tally_of(const struct view *v, size_t row)
{
	struct net n;

	entry_net(&list_of(v)->rows[row], &n);
	return n.family ? console_tally(console_of(v), &n) : NULL;
}

/* Of a block without a line in any log: when it was first seen. */
static int64_t since_of(const struct view *v, size_t row)
{
	int64_t since = entry_created(&list_of(v)->rows[row]);
	const struct history_tally *t = since == TIME_NONE ? tally_of(v, row) : NULL;

	return t ? t->seen_first : since;
}

static uint64_t refused_of(const struct view *v, size_t row)
{
	const struct history_tally *t = tally_of(v, row);
	uint64_t refused = t ? t->refused : 0, bans = 0;
	struct net n;

	entry_net(&list_of(v)->rows[row], &n);
	if (n.family && !net_is_address(&n))
		history_tally_inside(app_of(v)->snap.tallies, app_of(v)->snap.tally_count, &n, &refused, &bans);
	return refused;
}

static bool is_covered_by_allow(const struct view *v, size_t row)
{
	const struct entrylist *allowed = app_of(v)->snap.list[LIST_ALLOWED];
	struct net n;

	if (list_kind_of(v) != LIST_BLOCKED || !allowed ||
		!server_has(session_server(app_of(v)->session), CAP(ALLOW_WINS)))
		return false;
	entry_net(&list_of(v)->rows[row], &n);
	return n.family && entrylist_covering(allowed, &n, -1, ((struct list_state *)v->state)->now) >= 0;
}

static void sign_cell(const struct view *v, size_t row, struct cell *out)
{
	const struct glyphs *g = ui_glyphs(v->ui);
	enum entry_state state = entry_state(list_of(v), row, ((struct list_state *)v->state)->now);

	if (state == ENTRY_MALFORMED)
		cell_set(out, ROLE_WARN, "%s", g->unknown);
	else if (state == ENTRY_EXPIRED || is_covered_by_allow(v, row))
		cell_set(out, ROLE_DIM, "%s", g->expired);
	else
		cell_set(out, list_kind_of(v) == LIST_BLOCKED ? ROLE_BAD : ROLE_GOOD, "%s", g->active);
}

static void remaining_cell(const struct view *v, size_t row, struct cell *out)
{
	const struct entry *e = &list_of(v)->rows[row];
	int64_t now = ((struct list_state *)v->state)->now;
	char words[64];

	switch (entry_state(list_of(v), row, now)) {
	case ENTRY_EXPIRED:
		cell_set(out, ROLE_DIM, "expired");
		break;
	case ENTRY_MALFORMED:
		cell_set(out, ROLE_DIM, "%s", ui_glyphs(v->ui)->dash);
		break;
	case ENTRY_ACTIVE:
		if (entry_expires(e) == TIME_NONE)
			cell_set(out, ROLE_NORMAL, "for ever");
		else
			cell_set(out, ROLE_NORMAL, "%s", duration_words(entry_expires(e) - now, words, sizeof(words)));
		break;
	}
}

static void note_cell(const struct view *v, size_t row, struct cell *out)
{
	const struct entrylist *l = list_of(v);
	int64_t now = ((struct list_state *)v->state)->now;
	ptrdiff_t cover;
	struct net n;

	entry_net(&l->rows[row], &n);
	if (!n.family)
		cell_set(out, ROLE_WARN, "malformed: blocks nothing, refuses reloads");
	else if (entry_state(l, row, now) == ENTRY_EXPIRED)
		cell_set(out, ROLE_DIM, "listed, not in force  %s", entry_note(l, row));
	else if (is_covered_by_allow(v, row))
		cell_set(out, ROLE_DIM, "allowed: not refused  %s", entry_note(l, row));
	else if (list_kind_of(v) == LIST_BLOCKED && (cover = entrylist_covering(l, &n, (ptrdiff_t)row, now)) >= 0)
		cell_set(out, ROLE_DIM, "in %s  %s", entry_key(l, (size_t)cover), entry_note(l, row));
	else
		cell_ref(out, ROLE_NORMAL, entry_note(l, row));
}

static void reason_cell(const struct view *v, const struct entry *e, struct cell *out)
{
	enum reason r = (enum reason)e->reason;

	cell_ref(out, role_of_reason(r), r == REASON_NONE ? ui_glyphs(v->ui)->dash : reason_text(r));
}

void list_cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct entrylist *l = list_of(v);
	const struct entry *e = &l->rows[row];
	const struct history_tally *t;
	char words[64];
	struct net n;

	switch ((enum list_column)col) {
	case COL_SIGN:
		sign_cell(v, row, out);
		break;
	case COL_ADDRESS:
		cell_ref(out, ROLE_VALUE, entry_key(l, row));
		break;
	case COL_REASON:
		reason_cell(v, e, out);
		break;
	case COL_SINCE:
		cell_set(out, ROLE_NORMAL, "%s",
			time_words(since_of(v, row), ((struct list_state *)v->state)->now, words, sizeof(words)));
		break;
	case COL_REMAINING:
		remaining_cell(v, row, out);
		break;
	case COL_REFUSED:
		cell_set(out, ROLE_NORMAL, "%s", text_grouped(refused_of(v, row), words, sizeof(words)));
		break;
	case COL_TIMES:
		t = tally_of(v, row);
		if (t && t->bans)
			cell_set(out, t->bans > 2 ? ROLE_WARN : ROLE_NORMAL, "%u", t->bans);
		else
			cell_set(out, ROLE_DIM, "%s", ui_glyphs(v->ui)->dash);
		break;
	case COL_COUNTRY:
	case COL_AS:
		entry_net(e, &n);
		(col == COL_AS ? cell_as : cell_country)(v, &n, out);
		break;
	case COL_NOTE:
		note_cell(v, row, out);
		break;
	}
}

enum role list_row_role(const struct view *v, size_t row)
{
	return entry_state(list_of(v), row, ((struct list_state *)v->state)->now) == ENTRY_EXPIRED ? ROLE_DIM : ROLE_NORMAL;
}

void list_sort_key(const struct view *v, size_t row, int col, struct sort_key *out)
{
	const struct entrylist *l = list_of(v);
	const struct entry *e = &l->rows[row];
	const struct history_tally *t;
	struct net n;

	switch ((enum list_column)col) {
	case COL_SIGN:
		out->num = entry_state(l, row, ((struct list_state *)v->state)->now);
		break;
	case COL_ADDRESS:
		out->num = (int64_t)row; /* the list is in the order of its nets */
		break;
	case COL_REASON:
		out->text = reason_text((enum reason)e->reason);
		break;
	case COL_SINCE:
		out->num = since_of(v, row);
		break;
	case COL_REMAINING:
		out->num = e->expires ? e->expires : INT64_MAX;
		break;
	case COL_REFUSED:
		out->num = (int64_t)refused_of(v, row);
		break;
	case COL_TIMES:
		t = tally_of(v, row);
		out->num = t ? t->bans : 0;
		break;
	case COL_COUNTRY:
	case COL_AS:
		entry_net(e, &n);
		out->num = col == COL_AS ? sort_as(v, &n) : sort_country(v, &n);
		break;
	case COL_NOTE:
		out->text = entry_note(l, row);
		break;
	}
}

void list_detail(const struct view *v, size_t row, struct page *out, int width)
{
	const struct entrylist *l = list_of(v);
	const struct entry *e = &l->rows[row];
	const struct history_tally *t = tally_of(v, row);
	int64_t now = ((struct list_state *)v->state)->now;
	char words[64], stamp[TIME_BUF];

	(void)width;
	page_pair(out, 12, "Entry", ROLE_VALUE, "%s", entry_key(l, row));
	page_pair(out, 12, "State", ROLE_NORMAL, "%s%s%s", entry_state_text(entry_state(l, row, now)),
		e->origin == ORIGIN_UNKNOWN ? "" : ", added by ",
		e->origin == ORIGIN_UNKNOWN ? "" : origin_text(e->origin));
	if (entry_created(e) != TIME_NONE)
		page_pair(out, 12, "Since", ROLE_NORMAL, "%s (%s)", time_format(entry_created(e), stamp, sizeof(stamp)),
			time_words(entry_created(e), now, words, sizeof(words)));
	else if (since_of(v, row) != TIME_NONE)
		page_pair(out, 12, "Seen first", ROLE_NORMAL, "%s (no line of the log tells of it)",
			time_format(since_of(v, row), stamp, sizeof(stamp)));
	if (entry_expires(e) != TIME_NONE)
		page_pair(out, 12, "Until", ROLE_NORMAL, "%s", time_format(entry_expires(e), stamp, sizeof(stamp)));
	if (entry_note(l, row)[0])
		page_pair(out, 12, "Note", ROLE_NORMAL, "%s", entry_note(l, row));
	if (t)
		page_pair(out, 12, "History", ROLE_NORMAL, "banned %u times, %llu connections refused", t->bans,
			(unsigned long long)refused_of(v, row));
}
