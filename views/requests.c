/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last requests: method, path, status, time. No body, no secret. `:requests`. */
#include "core/mem.h"
#include "views/views.h"

static size_t count(const struct view *v)
{
	const struct app *a = app_of(v);

	return a->log_at < ARRAY_LEN(a->log) ? a->log_at : ARRAY_LEN(a->log);
}

/* Newest first. */
static uint64_t row_id(const struct view *v, size_t row)
{
	return app_of(v)->log_at - row;
}

static void cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct app *a = app_of(v);

	(void)col;
	cell_ref(out, ROLE_NORMAL, a->log[(a->log_at - 1 - row) % ARRAY_LEN(a->log)]);
}

static void refresh(struct view *v)
{
	view_changed(v);
}

static const struct column columns[] = { { .name = "request", .title = "REQUEST", .min = 20, .max = 0, .unsortable = true }, { .name = NULL } };

const struct view_ops view_requests = {
	.name = "requests",
	.title = "Requests",
	.help = "What was sent to the server lately, newest first.",
	.flags = VIEW_POLL | VIEW_NO_MARKS,
	.columns = columns,
	.refresh = refresh,
	.count = count,
	.row_id = row_id,
	.cell = cell,
};
