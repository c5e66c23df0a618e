/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list widget on a million synthetic rows: order, filter, search, marks, and a cursor that follows its row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "tui/idset.h"
#include "tui/sorter.h"
#include "tui/table.h"
#include "tui/ui_private.h"
#include "tui/view.h"

#define MILLION 1000000

/* Rows are numbers of a permutation; a refresh may drop some and shift the rest. */
struct rows {
	size_t count, first; /* row r shows thing first + r */
	char filter[64];
	size_t matched;      /* calls of filter_match */
};

static uint32_t mix(uint64_t thing)
{
	uint64_t x = thing * 0x9e3779b97f4a7c15ULL;

	return (uint32_t)(x >> 32 ^ x);
}

static struct rows *rows_of(const struct view *v)
{
	return v->app;
}

static size_t thing(const struct view *v, size_t row)
{
	return rows_of(v)->first + row;
}

static size_t count(const struct view *v)
{
	return rows_of(v)->count;
}

static uint64_t row_id(const struct view *v, size_t row)
{
	return thing(v, row);
}

static const char *const names[] = { "Beta", "alpha", "gamma", "delta", "alphabet", "ALPHA", "omega seven", "omega six" };

static void cell(const struct view *v, size_t row, int col, struct cell *c)
{
	size_t t = thing(v, row);

	assert_true(row < rows_of(v)->count);
	if (col == 0)
		cell_set(c, ROLE_NORMAL, "%zu", t);
	else if (col == 1)
		cell_set(c, ROLE_NORMAL, "%u", mix(t) % 1000);
	else
		cell_ref(c, ROLE_NORMAL, names[mix(t) % ARRAY_LEN(names)]);
}

static void sort_key(const struct view *v, size_t row, int col, struct sort_key *out)
{
	size_t t = thing(v, row);

	if (col == 0)
		out->num = (int64_t)mix(t) - 2000000000;
	else if (col == 1)
		out->num = mix(t) % 1000;
	else
		out->text = names[mix(t) % ARRAY_LEN(names)];
}

static bool filter_compile(struct view *v, const char *text, struct err *err)
{
	if (text[0] == '?')
		return err_set(err, ERR_USAGE, "no such predicate");
	snprintf(rows_of(v)->filter, sizeof(rows_of(v)->filter), "%s", text);
	return true;
}

static bool filter_match(const struct view *v, size_t row)
{
	struct rows *r = rows_of(v);
	char text[24];
	int n = snprintf(text, sizeof(text), "%zu", thing(v, row));

	r->matched++;
	return memmem(text, (size_t)n, r->filter, strlen(r->filter)) != NULL;
}

static const struct column columns[] = {
	{ .name = "id", .title = "ID", .min = 4, .max = 10 },
	{ .name = "bucket", .title = "BUCKET", .min = 4, .max = 10 },
	{ .name = "name", .title = "NAME", .min = 4 },
	{ .name = NULL },
};

static const struct view_ops ops = {
	.name = "rows", .title = "Rows", .columns = columns, .flags = VIEW_TAIL,
	.count = count, .row_id = row_id, .cell = cell, .sort_key = sort_key,
	.filter_compile = filter_compile, .filter_match = filter_match,
};
static const struct view_ops plain_ops = {
	.name = "rows", .title = "Rows", .columns = columns, .count = count, .row_id = row_id, .cell = cell,
};

static struct view *make(const struct view_ops *o, struct rows *r)
{
	struct view *v = view_new(o, NULL, r, NULL);

	v->following = false;
	view_open(v);
	view_changed(v);
	return v;
}

static size_t shown_thing(const struct view *v, size_t index)
{
	return thing(v, view_shown_row(v, index));
}

static int compare(int col, size_t a, size_t b)
{
	if (col == 0)
		return mix(a) < mix(b) ? -1 : mix(a) > mix(b);
	if (col == 1)
		return (int)(mix(a) % 1000) - (int)(mix(b) % 1000);
	return sorter_compare_text(names[mix(a) % ARRAY_LEN(names)], names[mix(b) % ARRAY_LEN(names)]);
}

static void test_sorts_are_right_and_stable(void **state)
{
	struct rows r = { .count = MILLION };
	struct view *v = make(&ops, &r);
	uint8_t *seen = xcalloc(MILLION, 1);

	(void)state;
	for (int col = 0; col < 3; col++) {
		for (int down = 0; down < 2; down++) {
			struct err err = ERR_INIT;
			int64_t begin = ui_now_us();

			assert_true(view_sort_by(v, columns[col].name, down, &err));
			printf("    sort 1M by %s %s: %lld ms\n", columns[col].name, down ? "down" : "up",
				(long long)(ui_now_us() - begin) / 1000);
			assert_int_equal(view_shown_count(v), MILLION);
			memset(seen, 0, MILLION);
			for (size_t i = 0; i < MILLION; i++) {
				size_t t = shown_thing(v, i), before = i > 0 ? shown_thing(v, i - 1) : 0;
				int d = i > 0 ? compare(col, before, t) : -1;

				if (seen[t]++ != 0)
					fail_msg("row %zu twice", t);
				if (i > 0 && (down ? d < 0 : d > 0))
					fail_msg("column %d, place %zu out of order", col, i);
				if (i > 0 && d == 0 && before > t)
					fail_msg("column %d, place %zu not stable", col, i);
			}
		}
	}
	free(seen);
	view_free(v);
}

static void test_sort_by_cell_text(void **state)
{
	struct rows r = { .count = 3000 };
	struct view *v = make(&plain_ops, &r);
	struct err err = ERR_INIT;

	(void)state;
	assert_true(view_sort_by(v, "name", false, &err));
	for (size_t i = 1; i < 3000; i++)
		assert_true(compare(2, shown_thing(v, i - 1), shown_thing(v, i)) <= 0);
	assert_false(view_sort_by(v, "nonsense", false, &err));
	view_free(v);
}

static void test_filter_narrows_and_widens(void **state)
{
	static const char *const steps[] = { "1", "12", "123", "1234", "12345", "123", "", "99" };
	struct rows r = { .count = MILLION };
	struct view *v = make(&ops, &r);
	size_t before = MILLION;

	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
		struct err err = ERR_INIT;
		size_t want = 0;
		int64_t begin = ui_now_us();

		r.matched = 0;
		assert_true(view_set_filter(v, steps[s], &err));
		printf("    filter 1M by \"%s\": %lld ms, %zu rows looked at\n", steps[s], (long long)(ui_now_us() - begin) / 1000, r.matched);
		if (s > 0 && s < 5)
			assert_int_equal(r.matched, before); /* only what was left */
		for (size_t i = 0; i < MILLION; i++) {
			char text[24];

			snprintf(text, sizeof(text), "%zu", i);
			if (strstr(text, steps[s]) == NULL)
				continue;
			if (want < view_shown_count(v))
				assert_int_equal(shown_thing(v, want), i);
			want++;
		}
		assert_int_equal(view_shown_count(v), want);
		before = want;
	}
	view_free(v);
}

static void test_refused_filter_keeps_the_old(void **state)
{
	struct rows r = { .count = 1000 };
	struct view *v = make(&ops, &r);
	struct err err = ERR_INIT;

	(void)state;
	assert_true(view_set_filter(v, "99", &err));
	assert_false(view_set_filter(v, "?x", &err));
	assert_string_equal(err.msg, "no such predicate");
	assert_string_equal(view_filter(v), "99");
	assert_int_equal(view_shown_count(v), 19);
	view_free(v);
}

static void test_default_filter_wants_every_word(void **state)
{
	struct rows r = { .count = 2000 };
	struct view *v = make(&plain_ops, &r);
	struct err err = ERR_INIT;
	size_t want = 0;

	(void)state;
	assert_true(view_set_filter(v, "OMEGA 17", &err));
	for (size_t i = 0; i < 2000; i++) {
		char a[24], b[24];

		snprintf(a, sizeof(a), "%zu", i);
		snprintf(b, sizeof(b), "%u", mix(i) % 1000);
		want += mix(i) % ARRAY_LEN(names) >= 6 && (strstr(a, "17") != NULL || strstr(b, "17") != NULL);
	}
	assert_true(want > 0);
	assert_int_equal(view_shown_count(v), want);
	view_free(v);
}

static void test_sorted_and_filtered_together(void **state)
{
	struct rows r = { .count = 50000 };
	struct view *v = make(&ops, &r);
	struct err err = ERR_INIT;
	size_t n;

	(void)state;
	assert_true(view_set_filter(v, "7", &err));
	assert_true(view_sort_by(v, "bucket", true, &err));
	n = view_shown_count(v);
	for (size_t i = 1; i < n; i++)
		assert_true(compare(1, shown_thing(v, i - 1), shown_thing(v, i)) >= 0);
	assert_true(view_set_filter(v, "77", &err));
	assert_true(view_shown_count(v) < n);
	for (size_t i = 1; i < view_shown_count(v); i++)
		assert_true(compare(1, shown_thing(v, i - 1), shown_thing(v, i)) >= 0);
	view_free(v);
}

static void test_cursor_follows_its_row(void **state)
{
	struct rows r = { .count = 10000, .first = 500 };
	struct view *v = make(&ops, &r);
	struct err err = ERR_INIT;

	(void)state;
	view_select_id(v, 5555);
	assert_int_equal(thing(v, view_selected(v)), 5555);
	assert_true(view_sort_by(v, "id", false, &err));
	assert_int_equal(thing(v, view_selected(v)), 5555);
	r.first = 700; /* two hundred rows in front are gone */
	view_changed(v);
	assert_int_equal(thing(v, view_selected(v)), 5555);
	assert_true(view_set_filter(v, "9999", &err)); /* hides it */
	assert_int_not_equal(thing(v, view_selected(v)), 5555);
	assert_true(view_set_filter(v, "", &err)); /* and gives it back */
	assert_int_equal(thing(v, view_selected(v)), 5555);
	r.count = 3; /* it is gone for good: some row stays selected */
	view_changed(v);
	assert_in_range(view_selected(v), 0, 2);
	r.count = 0;
	view_changed(v);
	assert_int_equal(view_selected(v), ROW_NONE);
	r.count = 10000;
	view_changed(v);
	assert_int_equal(thing(v, view_selected(v)), 5555);
	view_free(v);
}

static void test_selection_waits_for_a_row(void **state)
{
	struct rows r = { .count = 10 };
	struct view *v = make(&ops, &r);

	(void)state;
	view_select_id(v, 77);
	assert_int_not_equal(thing(v, view_selected(v)), 77);
	r.count = 100;
	view_changed(v);
	assert_int_equal(thing(v, view_selected(v)), 77);
	view_free(v);
}

static void test_marks_are_of_rows_not_places(void **state)
{
	struct rows r = { .count = 1000 };
	struct view *v = make(&ops, &r);
	struct err err = ERR_INIT;
	size_t *rows, n;

	(void)state;
	n = view_targets(v, &rows); /* none marked: the one under the cursor */
	assert_int_equal(n, 1);
	assert_int_equal(rows[0], 0);
	free(rows);
	assert_true(table_act(v->table, ACTION_MARK));
	assert_true(table_act(v->table, ACTION_MARK));
	assert_int_equal(view_marked(v), 2);
	assert_true(view_sort_by(v, "id", true, &err));
	n = view_targets(v, &rows);
	assert_int_equal(n, 2);
	assert_true(rows[0] + rows[1] == 1);
	free(rows);
	assert_true(view_set_filter(v, "55", &err)); /* marked ones are hidden: still targets, after those shown */
	assert_true(table_act(v->table, ACTION_FIRST));
	assert_true(table_act(v->table, ACTION_MARK));
	n = view_targets(v, &rows);
	assert_int_equal(n, 3);
	assert_true(rows[0] > 1);
	free(rows);
	assert_true(table_act(v->table, ACTION_MARK_ALL));
	assert_int_equal(view_marked(v), view_shown_count(v) + 2);
	assert_true(table_act(v->table, ACTION_MARK_ALL));
	assert_int_equal(view_marked(v), 2);
	r.first = 1; /* thing 0 is gone, and its mark with it */
	view_changed(v);
	assert_int_equal(view_marked(v), 1);
	table_unmark(v->table);
	assert_int_equal(view_marked(v), 0);
	view_free(v);
}

static void test_range_marks(void **state)
{
	struct rows r = { .count = 100 };
	struct view *v = make(&ops, &r);

	(void)state;
	for (int i = 0; i < 10; i++)
		table_act(v->table, ACTION_DOWN);
	table_act(v->table, ACTION_MARK_RANGE);
	for (int i = 0; i < 5; i++)
		table_act(v->table, ACTION_UP);
	table_act(v->table, ACTION_MARK_RANGE);
	assert_int_equal(view_marked(v), 6);
	table_act(v->table, ACTION_MARK_RANGE);
	assert_true(table_escape(v->table));
	assert_int_equal(view_marked(v), 6);
	view_free(v);
}

static void test_mark_a_million(void **state)
{
	struct rows r = { .count = MILLION };
	struct view *v = make(&ops, &r);
	size_t *rows;

	(void)state;
	table_act(v->table, ACTION_MARK_ALL);
	assert_int_equal(view_marked(v), MILLION);
	assert_int_equal(view_targets(v, &rows), MILLION);
	assert_int_equal(rows[MILLION - 1], MILLION - 1);
	free(rows);
	view_free(v);
}

static void test_search_goes_round(void **state)
{
	struct rows r = { .count = 1000 };
	struct view *v = make(&plain_ops, &r);

	(void)state;
	table_set_search(v->table, "omega six");
	assert_int_equal(mix(view_selected(v)) % ARRAY_LEN(names), 7);
	for (int i = 0; i < 1500; i++) {
		size_t before = view_selected(v);

		table_act(v->table, ACTION_SEARCH_NEXT);
		assert_int_equal(mix(view_selected(v)) % ARRAY_LEN(names), 7);
		assert_int_not_equal(view_selected(v), before);
	}
	table_act(v->table, ACTION_LAST);
	table_act(v->table, ACTION_SEARCH_PREV);
	assert_true(view_selected(v) > 900);
	table_set_search(v->table, "not there at all");
	view_free(v);
}

static void test_rows_in_front(void **state)
{
	struct rows r = { .count = 1000, .first = 100000 };
	struct view *v = make(&ops, &r);
	struct err err = ERR_INIT;
	size_t hits;

	(void)state;
	view_select_id(v, 100010);
	r.first -= 5; /* five new ones, the list grows */
	r.count += 5;
	view_grew(v, 5);
	assert_int_equal(thing(v, view_selected(v)), 100010);
	r.first -= 300; /* a ring: as many fall off the end */
	view_grew(v, 300);
	assert_int_equal(view_shown_count(v), 1005);
	assert_int_equal(thing(v, view_selected(v)), 100010);
	assert_true(view_set_filter(v, "9", &err));
	hits = view_shown_count(v);
	r.first -= 10;
	r.count += 10;
	view_grew(v, 10);
	assert_int_equal(view_shown_count(v), hits + 10); /* 99685 … 99694: all hold a 9 */
	for (size_t i = 1; i < view_shown_count(v); i++)
		assert_true(shown_thing(v, i - 1) < shown_thing(v, i));
	assert_true(view_set_filter(v, "", &err));
	v->following = true;
	table_act(v->table, ACTION_FIRST);
	r.first -= 3;
	r.count += 3;
	view_grew(v, 3);
	assert_int_equal(view_selected(v), 0); /* the newest */
	view_free(v);
}

/* With a loop the work is cut: no slice holds the keys up. */
static void test_slices_on_the_loop(void **state)
{
	struct rows r = { .count = MILLION };
	struct loop *loop = loop_new();
	struct view *v = view_new(&ops, NULL, &r, NULL);
	struct err err = ERR_INIT;
	int turns = 0;

	(void)state;
	table_free(v->table);
	v->table = table_new(v, loop);
	view_open(v);
	view_changed(v);
	assert_true(view_set_filter(v, "1", &err));
	assert_true(table_is_busy(v->table));
	assert_int_equal(view_shown_count(v), MILLION); /* as before, until all is done */
	assert_true(view_set_filter(v, "12", &err));     /* typed on meanwhile */
	assert_true(view_sort_by(v, "bucket", false, &err));
	while (table_is_busy(v->table) && turns++ < 10000)
		loop_turn(loop, -1);
	assert_false(table_is_busy(v->table));
	assert_true(turns > 3);
	assert_true(view_shown_count(v) < MILLION / 10);
	for (size_t i = 1; i < view_shown_count(v); i++)
		assert_true(compare(1, shown_thing(v, i - 1), shown_thing(v, i)) <= 0);
	r.count = 500000; /* rows replaced under a sort: nothing is shown of the old ones, nothing acts on them */
	view_changed(v);
	assert_int_equal(view_selected(v), ROW_NONE);
	for (turns = 0; table_is_busy(v->table) && turns < 10000; turns++)
		loop_turn(loop, -1);
	assert_true(table_is_ready(v->table));
	assert_int_not_equal(view_selected(v), ROW_NONE);
	printf("    longest slice: %lld ms\n", (long long)loop_longest_ms(loop));
	assert_true(view_set_filter(v, "3", &err));
	view_free(v); /* in the middle of it */
	loop_turn(loop, 0);
	loop_free(loop);
}

static void settle(struct loop *loop, struct view *v)
{
	for (int turns = 0; table_is_busy(v->table) && turns < 10000; turns++)
		loop_turn(loop, -1);
	assert_false(table_is_busy(v->table));
}

/* Rows replaced in the midst of it, a key pressed while they are: all that is shown then is marked, not a part; and who acts on marks that
 * are still being set acts on all of them. */
static void test_marks_while_rows_change(void **state)
{
	struct rows r = { .count = MILLION };
	struct loop *loop = loop_new();
	struct view *v = view_new(&ops, NULL, &r, NULL);
	struct err err = ERR_INIT;
	size_t *rows;

	(void)state;
	table_free(v->table);
	v->table = table_new(v, loop);
	view_open(v);
	view_changed(v);
	assert_true(view_sort_by(v, "bucket", false, &err));
	settle(loop, v);
	table_act(v->table, ACTION_MARK_ALL);
	assert_true(table_is_busy(v->table)); /* under way */
	r.count = MILLION - 5;
	view_changed(v);
	settle(loop, v);
	assert_int_equal(view_marked(v), MILLION - 5);
	r.count = MILLION;
	view_changed(v);
	assert_false(table_is_ready(v->table));
	table_act(v->table, ACTION_MARK_ALL); /* five are not marked yet */
	settle(loop, v);
	assert_int_equal(view_marked(v), MILLION);
	table_act(v->table, ACTION_MARK_ALL); /* again: none */
	settle(loop, v);
	assert_int_equal(view_marked(v), 0);
	table_act(v->table, ACTION_MARK_ALL);
	assert_true(table_is_busy(v->table));
	assert_int_equal(view_targets(v, &rows), MILLION);
	free(rows);
	assert_true(view_set_filter(v, "12", &err)); /* marked ones that are hidden are targets all the same */
	settle(loop, v);
	assert_int_equal(view_targets(v, &rows), MILLION);
	free(rows);
	view_free(v);
	loop_free(loop);
}

static void test_print(void **state)
{
	struct rows r = { .count = 5 };
	struct view *v = make(&ops, &r);
	struct buf out = BUF_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(view_sort_by(v, "id", false, &err));
	view_print(v, &out, 0, 2, false);
	assert_string_equal(buf_str(&out), "ID  BUCKET  NAME\n0   0       Beta\n4   321     alpha\n");
	buf_reset(&out);
	view_print(v, &out, 8, 1, true);
	assert_string_equal(buf_str(&out), "ID  BUC~\n0   0  ~\n");
	buf_release(&out);
	view_free(v);
}

static void test_idset(void **state)
{
	struct idset s = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 5000; i++)
		assert_true(idset_add(&s, i * 7));
	for (uint64_t i = 0; i < 35000; i++)
		assert_int_equal(idset_has(&s, i), i % 7 == 0);
	for (uint64_t i = 0; i < 5000; i += 2)
		assert_true(idset_remove(&s, i * 7));
	assert_int_equal(s.len, 2500);
	for (int round = 0; round < 20; round++)
		for (uint64_t i = 0; i < 1000; i++) {
			assert_true(idset_add(&s, 1000000 + i));
			assert_true(idset_remove(&s, 1000000 + i));
		}
	assert_int_equal(s.len, 2500);
	assert_true(s.cap < 100000);
	assert_true(idset_add(&s, UINT64_MAX));
	assert_true(idset_has(&s, UINT64_MAX));
	idset_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorts_are_right_and_stable),
		cmocka_unit_test(test_sort_by_cell_text),
		cmocka_unit_test(test_filter_narrows_and_widens),
		cmocka_unit_test(test_refused_filter_keeps_the_old),
		cmocka_unit_test(test_default_filter_wants_every_word),
		cmocka_unit_test(test_sorted_and_filtered_together),
		cmocka_unit_test(test_cursor_follows_its_row),
		cmocka_unit_test(test_selection_waits_for_a_row),
		cmocka_unit_test(test_marks_are_of_rows_not_places),
		cmocka_unit_test(test_range_marks),
		cmocka_unit_test(test_mark_a_million),
		cmocka_unit_test(test_marks_while_rows_change),
		cmocka_unit_test(test_search_goes_round),
		cmocka_unit_test(test_rows_in_front),
		cmocka_unit_test(test_slices_on_the_loop),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_idset),
	};

	return cmocka_run_group_tests_name("tui_table", tests, NULL, NULL);
}
