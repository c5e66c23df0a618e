/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps of a change as JSON, edit by edit. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "store/journal_records.h"

static void add_json_text(struct buf *out, const char *s)
{
	struct buf safe = BUF_INIT;
	const char *p;

	text_safe(&safe, s, strlen(s), TEXT_LINE);
	buf_addc(out, '"');
	for (p = buf_str(&safe); *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *p);
	}
	buf_addc(out, '"');
	buf_release(&safe);
}

void journal_steps_release(struct journal_steps *t)
{
	while (t->count > 0)
		free(t->rows[--t->count].detail);
	free(t->rows);
	memset(t, 0, sizeof(*t));
}

void journal_steps_load(struct journal_steps *t, struct store *s, int64_t change)
{
	sqlite3_stmt *q = db_prepare(s,
		"SELECT kind, ok, ms, first, count, detail FROM step WHERE change = ?1 AND NOT "
		"(kind = ?2 AND ok) ORDER BY seq",
		NULL);

	if (q == NULL)
		return;
	sqlite3_bind_int64(q, 1, change);
	sqlite3_bind_int(q, 2, STEP_BEFORE);
	while (db_step(s, q, NULL) > 0) {
		xgrow(&t->rows, &t->cap, t->count + 1, sizeof(*t->rows));
		t->rows[t->count++] = (struct journal_step){ (enum step_kind)sqlite3_column_int(q, 0),
			sqlite3_column_int(q, 1), sqlite3_column_int64(q, 2),
			sqlite3_column_int64(q, 3), sqlite3_column_int64(q, 4), db_text(q, 5) };
	}
}

static bool is_for(const struct journal_step *r, int64_t seq)
{
	return r->count == 0 || (seq >= r->first && seq < r->first + r->count);
}

bool journal_steps_same(const struct journal_steps *t, int64_t a, int64_t b)
{
	size_t i;

	for (i = 0; i < t->count; i++) {
		if (is_for(&t->rows[i], a) != is_for(&t->rows[i], b))
			return false;
	}
	return true;
}

char *journal_steps_json(const struct journal_steps *t, int64_t seq)
{
	struct buf out = BUF_INIT;
	size_t i;

	buf_addc(&out, '[');
	for (i = 0; i < t->count; i++) {
		const struct journal_step *r = &t->rows[i];

		if (!is_for(r, seq))
			continue;
		buf_addf(&out, "%s{\"step\":\"%s\",\"ok\":%s,\"ms\":%" PRId64 ",\"detail\":",
			out.len > 1 ? "," : "", step_name(r->kind), r->ok ? "true" : "false",
			r->ms);
		add_json_text(&out, r->detail);
		buf_addc(&out, '}');
	}
	buf_addc(&out, ']');
	return buf_take(&out, NULL);
}
