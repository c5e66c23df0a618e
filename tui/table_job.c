/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorting and filtering all rows in slices on the loop: keys, sort, match, gather. The rows shown stay as they are until
 * all is done, then change at once. Small lists are done within the call that asked. */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tui/table_private.h"
#include "tui/ui_private.h"

#define CHUNK 8192 /* rows between looks at the clock; a multiple of 64 */

static void release_work(struct table_job *j)
{
	sorter_release(&j->sorter);
	buf_release(&j->texts);
	free(j->order);
	free(j->bits);
	free(j->shown);
	idset_release(&j->marks);
	j->order = NULL;
	j->bits = NULL;
	j->shown = NULL;
	j->shown_len = j->pos = 0;
	j->has_order = j->narrow = false;
	j->phase = JOB_NONE;
}

void table_job_stop(struct table *t)
{
	timer_stop(&t->job.timer);
	release_work(&t->job);
}

/* --- phases; each works on one chunk and says whether it is through --- */

static void read_cell(const struct view *v, size_t row, int col, struct cell *cell)
{
	cell->role = ROLE_NORMAL;
	cell->text = cell->buf;
	cell->buf[0] = '\0';
	v->ops->cell(v, row, col, cell);
}

static size_t chunk_end(const struct table *t)
{
	size_t left = t->rows - t->job.pos;

	return t->job.pos + (left < CHUNK ? left : CHUNK);
}

/* Copies of the cells' texts: their addresses are known only when all are there. */
static bool copy_texts(struct table *t)
{
	struct table_job *j = &t->job;
	size_t end = chunk_end(t);
	struct cell cell;

	for (; j->pos < end; j->pos++) {
		read_cell(t->view, j->pos, t->sort_col, &cell);
		buf_add(&j->texts, cell.text, strlen(cell.text) + 1);
	}
	if (j->pos < t->rows)
		return false;
	for (size_t at = 0; at < j->texts.len; at += strlen(j->texts.data + at) + 1)
		sorter_put_text(&j->sorter, j->texts.data + at);
	while (j->sorter.put < t->rows) /* over the buffer's cap: the rest sorts as empty */
		sorter_put_text(&j->sorter, "");
	return true;
}

static bool read_keys(struct table *t)
{
	struct table_job *j = &t->job;
	const struct view *v = t->view;
	size_t end = chunk_end(t);
	struct sort_key key;

	if (j->pos == 0 && t->rows > 0) {
		memset(&key, 0, sizeof(key));
		if (v->ops->sort_key != NULL)
			v->ops->sort_key(v, 0, t->sort_col, &key);
		sorter_release(&j->sorter);
		sorter_init(&j->sorter, t->rows, v->ops->sort_key == NULL || key.text != NULL, t->sort_down);
	}
	if (v->ops->sort_key == NULL)
		return copy_texts(t);
	for (; j->pos < end; j->pos++) {
		key = (struct sort_key){ 0, NULL };
		v->ops->sort_key(v, j->pos, t->sort_col, &key);
		if (j->sorter.text != NULL)
			sorter_put_text(&j->sorter, key.text != NULL ? key.text : "");
		else
			sorter_put_number(&j->sorter, key.num);
	}
	return j->pos == t->rows;
}

static bool row_matches(const struct table *t, size_t row)
{
	const struct view *v = t->view;

	return v->ops->filter_match != NULL ? v->ops->filter_match(v, row) : table_match(t, t->filter, row);
}

/* Only the hits there were, in their order: no gathering afterwards. */
static bool match_narrow(struct table *t)
{
	struct table_job *j = &t->job;
	size_t left = t->shown_len - j->pos;
	size_t end = j->pos + (left < CHUNK / 8 ? left : CHUNK / 8);

	if (j->shown == NULL)
		j->shown = xreallocarray(NULL, t->shown_len + 1, sizeof(*j->shown));
	for (; j->pos < end; j->pos++)
		if (row_matches(t, t->shown[j->pos]))
			j->shown[j->shown_len++] = t->shown[j->pos];
	return j->pos == t->shown_len;
}

static bool match_all(struct table *t)
{
	struct table_job *j = &t->job;
	const struct view *v = t->view;
	size_t end = chunk_end(t);

	if (j->bits == NULL)
		j->bits = xcalloc(t->rows / 64 + 1, sizeof(*j->bits));
	if (v->ops->filter_range != NULL) {
		v->ops->filter_range(v, j->pos, end, j->bits + j->pos / 64);
		j->pos = end;
		return j->pos == t->rows;
	}
	end = end - j->pos > CHUNK / 8 ? j->pos + CHUNK / 8 : end;
	for (; j->pos < end; j->pos++)
		if (row_matches(t, j->pos))
			j->bits[j->pos / 64] |= 1ULL << j->pos % 64;
	return j->pos == t->rows;
}

/* The hits in sort order. */
static bool gather(struct table *t)
{
	struct table_job *j = &t->job;
	const uint32_t *order = j->has_order ? j->order : t->order;
	size_t end = chunk_end(t);

	if (j->shown == NULL) {
		size_t n = 0;

		for (size_t i = 0; i <= t->rows / 64; i++)
			n += (size_t)__builtin_popcountll(j->bits[i]);
		j->shown = xreallocarray(NULL, n + 1, sizeof(*j->shown));
	}
	for (; j->pos < end; j->pos++) {
		size_t row = order != NULL ? order[j->pos] : j->pos;

		if (j->bits[row / 64] >> row % 64 & 1)
			j->shown[j->shown_len++] = (uint32_t)row;
	}
	return j->pos == t->rows;
}

/* Marks of rows that are gone go too. */
static bool prune(struct table *t)
{
	struct table_job *j = &t->job;
	const struct view *v = t->view;
	size_t end = chunk_end(t);

	if (j->pos == 0)
		idset_reserve(&j->marks, t->marks.len < t->rows ? t->marks.len : t->rows);
	for (; j->pos < end; j->pos++) {
		uint64_t id = v->ops->row_id(v, j->pos);

		if (idset_has(&t->marks, id))
			idset_add(&j->marks, id);
	}
	if (j->pos < t->rows)
		return false;
	idset_release(&t->marks);
	t->marks = j->marks;
	memset(&j->marks, 0, sizeof(j->marks));
	t->prune = false;
	return true;
}

/* --- from phase to phase --- */

static void go(struct table_job *j, enum job_phase phase)
{
	j->phase = phase;
	j->pos = 0;
}

static void enter_last(struct table *t)
{
	go(&t->job, t->prune && t->marks.len > 0 ? JOB_PRUNE : JOB_NONE);
}

static void enter_match(struct table *t)
{
	if (t->filter[0] == '\0')
		enter_last(t);
	else
		go(&t->job, JOB_MATCH);
}

static void take_order(struct table *t)
{
	struct table_job *j = &t->job;

	j->order = xreallocarray(NULL, t->rows + 1, sizeof(*j->order));
	sorter_rows(&j->sorter, j->order);
	sorter_release(&j->sorter);
	buf_release(&j->texts);
	enter_match(t);
}

static void step(struct table *t)
{
	struct table_job *j = &t->job;

	switch (j->phase) {
	case JOB_NONE:
		return;
	case JOB_KEYS:
		if (read_keys(t))
			go(j, JOB_SORT);
		return;
	case JOB_SORT:
		if (sorter_step(&j->sorter, CHUNK))
			take_order(t);
		return;
	case JOB_MATCH:
		if (j->narrow ? match_narrow(t) : match_all(t))
			j->narrow ? enter_last(t) : go(j, JOB_GATHER);
		return;
	case JOB_GATHER:
		if (gather(t))
			enter_last(t);
		return;
	case JOB_PRUNE:
		if (prune(t))
			go(j, JOB_NONE);
		return;
	}
}

/* --- what was worked out takes effect --- */

static void place_cursor(struct table *t, size_t old_offset, bool refiltered)
{
	size_t index = ROW_NONE;

	if (t->view->following) {
		t->cursor = 0;
	} else if (t->want) {
		size_t row = table_find_id(t, t->want_id, table_row(t, t->cursor));

		index = row == ROW_NONE ? ROW_NONE : table_index_of(t, row);
		if (index != ROW_NONE)
			t->cursor = index;
		else if (refiltered) /* hidden now; found again when the filter lets it */
			t->cursor = 0;
	}
	table_clamp(t);
	if (refiltered && index != ROW_NONE) /* what is around it is to be seen again */
		old_offset = (size_t)(t->drawn_height > 0 ? t->drawn_height / 3 : 0);
	t->top = t->cursor > old_offset ? t->cursor - old_offset : 0;
}

static void finish(struct table *t)
{
	struct table_job *j = &t->job;
	size_t offset = t->cursor - (t->top < t->cursor ? t->top : t->cursor);
	bool refiltered = strcmp(t->applied, t->filter) != 0;

	if (j->has_order) {
		free(t->order);
		t->order = j->order;
		j->order = NULL;
	}
	free(t->shown);
	t->shown = NULL;
	t->shown_len = 0;
	if (t->filter[0] != '\0') {
		t->shown = j->shown != NULL ? j->shown : xcalloc(1, sizeof(*t->shown));
		t->shown_len = j->shown_len;
		j->shown = NULL;
	}
	free(t->applied);
	t->applied = xstrdup(t->filter);
	t->stale_rows = false;
	release_work(j);
	place_cursor(t, offset, refiltered);
	table_walk_due(t);
	table_touch(t);
}

static void run(struct loop *loop, void *arg)
{
	struct table *t = arg;
	int64_t until = ui_now_us() + SLICE_US;

	do {
		step(t);
		if (t->job.phase == JOB_NONE) {
			finish(t);
			return;
		}
	} while (loop == NULL || ui_now_us() < until);
	timer_start(loop, &t->job.timer, 0, &t->view->scope, run, t);
}

void table_restart(struct table *t, bool sort, bool narrow)
{
	struct table_job *j = &t->job;

	sort = sort || j->has_order; /* a sort that is not through yet is done over */
	table_job_stop(t);
	j->has_order = sort;
	j->narrow = narrow && !sort;
	if (sort && t->sort_col >= 0 && t->rows > 0)
		go(j, JOB_KEYS);
	else
		enter_match(t);
	table_touch(t);
	run(t->loop, t);
}
