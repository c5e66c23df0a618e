/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed rows: what goes in comes out; a damaged blob ends early and is never read past its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "store/rowpack.h"
#include "tests/unit/random.h"

#define COLUMNS 5
#define ROWS    500

static const char *const words[] = { "", "block", "203.0.113.7", "a value \xc3\xa9\xff\x01", NULL };

static struct rowpack_cell random_cell(void)
{
	switch (random_below(3)) {
	case 0:
		return rowpack_text(words[random_below(ARRAY_LEN(words))]);
	case 1:
		return rowpack_int((int64_t)next_random() >> random_below(64));
	default:
		return rowpack_int(random_below(2) ? INT64_MIN : INT64_MAX);
	}
}

static void fill(struct rowpack *p, struct rowpack_cell rows[ROWS][COLUMNS])
{
	size_t i, k;

	rowpack_begin(p, COLUMNS);
	for (i = 0; i < ROWS; i++) {
		for (k = 0; k < COLUMNS; k++)
			rows[i][k] = i > 0 && random_below(4) ? rows[i - 1][k] : random_cell();
		rowpack_add(p, rows[i]);
	}
}

static void assert_same(const struct rowpack_cell *a, const struct rowpack_cell *b)
{
	assert_int_equal(a->type, b->type);
	assert_true(a->number == b->number);
	assert_int_equal(a->len, b->len);
	if (a->type == ROWPACK_TEXT)
		assert_string_equal(a->text, b->text);
}

static void test_there_and_back(void **state)
{
	static struct rowpack_cell rows[ROWS][COLUMNS];
	struct rowpack p = { 0 };
	struct rowpack_reader r;
	size_t i, k, round;

	(void)state;
	for (round = 0; round < 3; round++) { /* the memory is used again */
		fill(&p, rows);
		rowpack_read(&r, p.out.data, p.out.len, COLUMNS);
		for (i = 0; i < ROWS; i++) {
			assert_true(rowpack_next(&r));
			for (k = 0; k < COLUMNS; k++)
				assert_same(&r.row[k], &rows[i][k]);
		}
		assert_false(rowpack_next(&r));
		assert_ptr_equal(r.p, r.end);
	}
	rowpack_release(&p);
}

/* A row like the one before takes two bytes. */
static void test_what_repeats_is_small(void **state)
{
	struct rowpack_cell row[2] = { rowpack_text("block"), rowpack_int(1795132800000) };
	struct rowpack p = { 0 };
	size_t first, i;

	(void)state;
	rowpack_begin(&p, 2);
	rowpack_add(&p, row);
	first = p.out.len;
	for (i = 0; i < 100; i++)
		rowpack_add(&p, row);
	assert_int_equal(p.out.len - first, 200);
	rowpack_release(&p);
}

/* Fewer columns were known when it was written: the others are NULL. */
static void test_new_columns_are_null(void **state)
{
	struct rowpack_cell row[1] = { rowpack_text("block") };
	struct rowpack p = { 0 };
	struct rowpack_reader r;

	(void)state;
	rowpack_begin(&p, 1);
	rowpack_add(&p, row);
	rowpack_read(&r, p.out.data, p.out.len, 3);
	assert_true(rowpack_next(&r));
	assert_string_equal(r.row[0].text, "block");
	assert_int_equal(r.row[2].type, ROWPACK_NULL);
	rowpack_release(&p);
}

/* In memory of just its size, so that a sanitizer sees a step too far. */
static size_t rows_of(const char *blob, size_t len)
{
	struct rowpack_reader r;
	char *copy = xmemdup(blob, len);
	char *exact = malloc(len ? len : 1);
	size_t n = 0;

	memcpy(exact, copy, len);
	rowpack_read(&r, exact, len, COLUMNS);
	while (rowpack_next(&r))
		n++;
	assert_true(r.p <= r.end);
	free(exact);
	free(copy);
	return n;
}

static void test_damage_ends_early(void **state)
{
	static struct rowpack_cell rows[ROWS][COLUMNS];
	struct rowpack p = { 0 };
	size_t i;

	(void)state;
	fill(&p, rows);
	for (i = 0; i < p.out.len; i += 1 + i / 64)
		assert_true(rows_of(p.out.data, i) < ROWS);
	for (i = 0; i < 2000; i++) {
		size_t at = random_below((uint32_t)p.out.len);
		char was = p.out.data[at];

		p.out.data[at] = (char)next_random();
		assert_true(rows_of(p.out.data, p.out.len) <= p.out.len / 2);
		p.out.data[at] = was;
	}
	assert_int_equal(rows_of(p.out.data, p.out.len), ROWS);
	rowpack_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_what_repeats_is_small),
		cmocka_unit_test(test_new_columns_are_null),
		cmocka_unit_test(test_damage_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
