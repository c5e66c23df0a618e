/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A grouping as a job of steps, so that a million bans cost the loop no pause; and at once, for verbs. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/history_group.h"

#define DAY_S     86400u
#define FILL_ROWS 500 /* in one step: the text of each account is looked up */

/* groups in one step */
#define LOOK_GROUPS 50000 /* that are only looked at; pairs */
#define FOLD_GROUPS 10000
#define SORT_GROUPS 3000

enum phase {
	PHASE_BEGIN,
	PHASE_SCAN,
	PHASE_PAIRS,
	PHASE_COUNT,
	PHASE_COMPACT,
	PHASE_FOLD,
	PHASE_LEAVE_OUT,
	PHASE_SORT,
	PHASE_FILL,
	PHASE_DONE
};

struct history_grouping {
	struct store *s;
	struct history_query q; /* server and account owned */
	struct scan_filter filter;
	struct grouping g;
	enum phase phase;
	struct scan_at at;
	bool is_joined;
	struct history_row *rows;
	size_t count, filled, total;
};

static int cmp_account(const void *a, const void *b)
{
	return strcmp(
		((const struct history_row *)a)->account, ((const struct history_row *)b)->account);
}

static void fill_row(
	struct store *s, enum history_by by, const struct group *r, struct history_row *row)
{
	int c;

	memset(row, 0, sizeof(*row));
	row->class = CLASS_NONE;
	row->day = TIME_NONE;
	row->bans = r->bans;
	row->addresses = r->addresses;
	row->first = (int64_t)r->first * 1000;
	row->last = (int64_t)r->last * 1000;
	for (c = 0; c < CLASS_COUNT; c++)
		row->by_class[c] = r->by_class[c];
	switch (by) {
	case HISTORY_BY_DAY:
		row->day = (int64_t)r->index * DAY_S * 1000;
		break;
	case HISTORY_BY_REASON:
		row->class = (enum ban_class)r->index;
		break;
	case HISTORY_BY_ADDRESS:
	case HISTORY_BY_RANGE:
		group_net(r, &row->net);
		break;
	case HISTORY_BY_ACCOUNT:
		row->account = scan_word_text(s, r->index);
		break;
	case HISTORY_BY_COUNT:
		break;
	}
	if (row->account == NULL)
		row->account = xstrdup("");
}

static bool sorts_by_text(const struct history_grouping *job)
{
	return job->g.by == HISTORY_BY_ACCOUNT && job->q.sort == HISTORY_KEY;
}

/* ---- steps ---- */

/* Ids are dense: what is needed at most is known. */
static void reserve(struct history_grouping *job)
{
	int64_t addresses = db_number(job->s, "SELECT max(id) FROM addr", 0, NULL), groups = addresses;

	if (job->g.by == HISTORY_BY_ACCOUNT)
		groups = db_number(job->s, "SELECT max(id) FROM word", 0, NULL);
	else if (job->g.by != HISTORY_BY_ADDRESS && job->g.by != HISTORY_BY_RANGE)
		groups = CLASS_COUNT;
	group_reserve(&job->g, (size_t)groups + 1, (size_t)addresses + 1);
	job->phase = PHASE_SCAN;
}

static bool scan(struct history_grouping *job, unsigned segs, struct err *err)
{
	bool is_last;

	if (!scan_some(job->s, &job->filter, &job->at, segs, &is_last, group_add_bans, &job->g, err))
		return false;
	if (is_last)
		job->phase = PHASE_PAIRS;
	return true;
}

static bool fold(struct history_grouping *job, size_t max)
{
	const struct history_query *q = &job->q;
	enum history_by by = job->g.by;

	if (!q->server && !job->is_joined && (by == HISTORY_BY_ADDRESS || by == HISTORY_BY_RANGE)) {
		group_join_servers(&job->g);
		job->is_joined = true;
	}
	return by != HISTORY_BY_RANGE ||
	       group_fold_ranges(&job->g, q->prefix4 ? q->prefix4 : 24, q->prefix6 ? q->prefix6 : 48, max);
}

static bool sort(struct history_grouping *job, size_t max)
{
	struct grouping *g = &job->g;

	if (!g->is_sorting)
		job->total = g->count;
	if (!group_sort_first(g, sorts_by_text(job) ? 0 : job->q.limit, job->q.sort, max))
		return false;
	job->count = g->count;
	job->rows = xcalloc(job->count + 1, sizeof(*job->rows));
	return true;
}

static void fill(struct history_grouping *job)
{
	size_t end = job->count - job->filled < FILL_ROWS ? job->count : job->filled + FILL_ROWS;

	for (; job->filled < end; job->filled++)
		fill_row(job->s, job->g.by, &job->g.groups[job->filled], &job->rows[job->filled]);
	if (job->filled < job->count)
		return;
	job->phase = PHASE_DONE;
	if (!sorts_by_text(job))
		return;
	qsort(job->rows, job->count, sizeof(*job->rows), cmp_account);
	for (; job->q.limit && job->count > job->q.limit; job->count--)
		free(job->rows[job->count - 1].account);
}

bool history_grouping_step(struct history_grouping *job, unsigned segs, bool *is_done, struct err *err)
{
	*is_done = false;
	if (!db_may_read(job->s, err))
		return false;
	switch (job->phase) {
	case PHASE_BEGIN:
		reserve(job);
		break;
	case PHASE_SCAN:
		return scan(job, segs, err);
	case PHASE_PAIRS:
		job->phase += group_sort_pairs(&job->g, segs ? LOOK_GROUPS : 0);
		break;
	case PHASE_COUNT:
		job->phase += group_count_addresses(&job->g, segs ? LOOK_GROUPS : 0);
		break;
	case PHASE_COMPACT:
		job->phase += group_compact(&job->g, segs ? LOOK_GROUPS : 0);
		break;
	case PHASE_FOLD:
		job->phase += fold(job, segs ? FOLD_GROUPS : 0);
		break;
	case PHASE_LEAVE_OUT:
		job->phase += group_leave_out(&job->g, job->q.at_least, segs ? LOOK_GROUPS : 0);
		break;
	case PHASE_SORT:
		job->phase += sort(job, segs ? SORT_GROUPS : 0);
		break;
	case PHASE_FILL:
		fill(job);
		break;
	case PHASE_DONE:
		break;
	}
	*is_done = job->phase == PHASE_DONE;
	return true;
}

/* ---- public ---- */

struct history_grouping *history_grouping_begin(
	struct store *s, enum history_by by, const struct history_query *q, struct err *err)
{
	struct history_grouping *job = xcalloc(1, sizeof(*job));

	job->s = s;
	job->q = *q;
	job->q.server = q->server ? xstrdup(q->server) : NULL;
	job->q.account = q->account ? xstrdup(q->account) : NULL;
	job->g.by = by;
	job->g.filter = &job->filter;
	job->at.after = -1;
	if (db_may_read(s, err) && scan_filter_make(s, q, &job->filter, err))
		return job;
	history_grouping_end(job);
	return NULL;
}

void history_grouping_take(
	struct history_grouping *job, struct history_row **rows, size_t *count, size_t *total)
{
	*rows = job->rows;
	*count = job->count;
	if (total)
		*total = job->total;
	job->rows = NULL;
	job->count = job->filled = 0;
}

void history_grouping_end(struct history_grouping *job)
{
	if (job == NULL)
		return;
	history_rows_free(job->rows, job->filled);
	free((char *)(uintptr_t)job->q.server);
	free((char *)(uintptr_t)job->q.account);
	group_release(&job->g);
	free(job);
}

bool history_group(struct store *s, enum history_by by, const struct history_query *q,
	struct history_row **rows, size_t *count, size_t *total, struct err *err)
{
	struct history_grouping *job = history_grouping_begin(s, by, q, err);
	bool is_done = false;

	*rows = NULL;
	*count = 0;
	if (total)
		*total = 0;
	while (job && !is_done && history_grouping_step(job, HISTORY_ALL_SEGS, &is_done, err))
		;
	if (is_done)
		history_grouping_take(job, rows, count, total);
	history_grouping_end(job);
	return is_done;
}

void history_rows_free(struct history_row *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(rows[i].account);
	free(rows);
}
