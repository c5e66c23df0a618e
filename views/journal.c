/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal panel: own changes, newest first; `u` takes the one under the cursor back. */
#include "store/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/resume.h"
#include "core/clock.h"
#include "core/text.h"
#include "views/rows.h"

enum journal_column { COL_ID, COL_TIME, COL_OPERATOR, COL_OP, COL_TARGET, COL_VERDICT, COL_DETAIL };

#define ROWS_MAX 5000
#define EACH_MAX 200 /* of one change */

struct journal_state {
	struct store_rows rows; /* of struct journal_row */
	struct observer observer;
};

STORE_ROWS(struct journal_row, journal_rows_free)

static bool ask_store(struct view *v, struct store_rows *r)
{
	struct journal_row *rows;
	struct journal_query q;

	journal_query_init(&q);
	q.server = app_of(v)->profile.name;
	q.limit = ROWS_MAX;
	q.each = EACH_MAX;
	if (!journal_list(app_of(v)->store, &q, &rows, &r->count, &r->err))
		return false;
	resume_mark_rows(app_of(v), rows, r->count);
	r->rows = rows;
	return true;
}

static void read_rows(struct view *v)
{
	store_rows_read(v, ask_store, free_rows);
}

static void changed(void *arg, unsigned snaps)
{
	if (snaps & (SNAP(BLOCKED) | SNAP(ALLOWED) | SNAP(THRESHOLDS) | SNAP(CERTS)))
		read_rows(arg);
}

static void open_view(struct view *v)
{
	struct journal_state *s = v->state;

	app_observe(app_of(v), &s->observer, &v->scope, changed, v);
	read_rows(v);
}

static uint64_t row_id(const struct view *v, size_t row)
{
	return (uint64_t)row_of(v, row)->id;
}

static void cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct journal_row *r = row_of(v, row);
	char words[64];

	switch ((enum journal_column)col) {
	case COL_ID:
		cell_set(out, ROLE_DIM, "%lld", (long long)r->id);
		break;
	case COL_TIME:
		cell_set(out, ROLE_NORMAL, "%s", time_words(r->time, clock_now(), words, sizeof(words)));
		break;
	case COL_OPERATOR:
		cell_ref(out, ROLE_NORMAL, r->operator_name);
		break;
	case COL_OP:
		cell_ref(out, ROLE_NORMAL, edit_name(r->kind));
		break;
	case COL_TARGET:
		cell_ref(out, ROLE_VALUE, r->target);
		break;
	case COL_VERDICT:
		cell_ref(out, role_of_verdict(r->verdict), verdict_words(r->verdict));
		break;
	case COL_DETAIL:
		if (r->more)
			cell_set(out, ROLE_NORMAL, "and %s more of this change", text_grouped(r->more, words, sizeof(words)));
		else if (r->undone_by)
			cell_set(out, ROLE_DIM, "taken back by change %lld", (long long)r->undone_by);
		else
			cell_ref(out, ROLE_NORMAL, r->detail);
		break;
	}
}

static void sort_key(const struct view *v, size_t row, int col, struct sort_key *out)
{
	const struct journal_row *r = row_of(v, row);

	switch ((enum journal_column)col) {
	case COL_ID:
		out->num = r->id;
		break;
	case COL_TIME:
		out->num = r->time;
		break;
	case COL_OPERATOR:
		out->text = r->operator_name;
		break;
	case COL_OP:
		out->text = edit_name(r->kind);
		break;
	case COL_TARGET:
		out->text = r->target;
		break;
	case COL_VERDICT:
		out->num = r->verdict;
		break;
	case COL_DETAIL:
		out->text = r->detail;
		break;
	}
}

static const char *after(const char *s, const char *key)
{
	s = strstr(s, key);
	return s ? s + strlen(key) : NULL;
}

/* The store's own JSON, [{"step":"write","ok":true,"ms":3,"detail":""}], as the lines a verdict has. */
static void add_steps(struct page *p, const char *json)
{
	const char *name = json, *ok, *ms, *text;

	while ((name = after(name, "{\"step\":\"")) && (ok = after(name, "\"ok\":")) && (ms = after(ok, "\"ms\":")) &&
		(text = after(ms, "\"detail\":\""))) {
		struct buf words = BUF_INIT;

		for (; *text && *text != '"'; text++) {
			text += *text == '\\' && text[1];
			buf_addc(&words, *text);
		}
		page_line(p);
		page_add(p, *ok == 't' ? ROLE_GOOD : ROLE_BAD, "  %-14.*s ", (int)strcspn(name, "\""), name);
		page_add(p, ROLE_DIM, "%6lld ms  ", strtoll(ms, NULL, 10));
		page_adds(p, ROLE_NORMAL, words.len ? buf_str(&words) : *ok == 't' ? "ok" : "failed");
		buf_release(&words);
		name = text;
	}
}

/* An entry without a word to it is there all the same. */
static const char *stored_words(bool is_there, const char *value)
{
	return !is_there ? "absent" : value[0] ? value : "listed";
}

static void detail(const struct view *v, size_t row, struct page *p, int width)
{
	const struct journal_row *r = row_of(v, row);
	char stamp[TIME_BUF];

	page_pair(p, 12, "Time", ROLE_NORMAL, "%s", time_format(r->time, stamp, sizeof(stamp)));
	page_pair(p, 12, "Before", ROLE_NORMAL, "%s", stored_words(r->has_before, r->before));
	page_pair(p, 12, "After", ROLE_NORMAL, "%s", stored_words(r->has_after, r->after));
	if (r->reason[0])
		page_pair(p, 12, "Reason", ROLE_NORMAL, "%s", r->reason);
	if (r->forced[0])
		page_pair(p, 12, "Overridden", ROLE_WARN, "%s", r->forced);
	if (r->detail[0])
		page_text(p, ROLE_DIM, 2, width, r->detail);
	add_steps(p, r->steps);
	if (r->more)
		page_text(p, ROLE_DIM, 2, width, "The verb `journal` lists all edits of this change.");
}

static bool act(struct view *v, enum action a, size_t row)
{
	switch (a) {
	case ACTION_UNDO:
	case ACTION_REMOVE:
		if (row != ROW_NONE)
			flow_undo(console_of(v), row_of(v, row)->id);
		return true;
	case ACTION_WHY:
		console_open_why(console_of(v), row_of(v, row)->target);
		return true;
	case ACTION_OPEN:
		ui_act(v->ui, ACTION_DETAILS, row);
		return true;
	default:
		return flow_common(console_of(v), a);
	}
}

static void status(const struct view *v, struct view_status *out)
{
	store_rows_status(v, out, "no change was made from here yet");
	if (store_rows_of(v)->count == ROWS_MAX)
		snprintf(out->right, sizeof(out->right), "the newest; the verb journal has all");
	if (store_rows_of(v)->err.code != ERR_NONE)
		snprintf(
			out->empty, sizeof(out->empty), "the journal can't be read: %.200s", store_rows_of(v)->err.msg);
}

static const struct column columns[] = {
	{ .name = "id", .title = "ID", .min = 3, .max = 7, .priority = 5, .right = true, .descending = true },
	{ .name = "time", .title = "TIME", .min = 11, .max = 14, .descending = true },
	{ .name = "operator", .title = "OPERATOR", .min = 6, .max = 30, .priority = 4 },
	{ .name = "op", .title = "CHANGE", .min = 7, .max = 17, .priority = 1 },
	{ .name = "target", .title = "TARGET", .min = 12, .max = 43 },
	{ .name = "verdict", .title = "VERDICT", .min = 8, .max = 34 },
	{ .name = "detail", .title = "DETAIL", .min = 10, .max = 0, .priority = 6 },
	{ .name = NULL },
};

static const struct binding keys[] = {
	{ .keys = "u", .action = ACTION_UNDO, .label = "undo this", .hint = 8 },
	{ .keys = "<Enter>", .action = ACTION_OPEN, .label = "details" },
	{ .keys = NULL },
};

const struct view_ops view_journal = {
	.name = "journal",
	.title = "Journal",
	.brief = "Jrnl",
	.help = "Every change made from here: who, when, what, and what became of it. Each can be taken back.",
	.flags = VIEW_NO_MARKS,
	.state_size = sizeof(struct journal_state),
	.columns = columns,
	.bindings = keys,
	.open = open_view,
	.refresh = read_rows,
	.close = store_rows_close,
	.count = store_rows_count,
	.row_id = row_id,
	.cell = cell,
	.sort_key = sort_key,
	.status = status,
	.act = act,
	.detail = detail,
};
