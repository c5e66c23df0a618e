/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pages as text, their layout and spots; bars, sparklines and heat levels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/text.h"
#include "tui/chart.h"
#include "tui/page.h"

static void expect(const struct page *p, const char *want)
{
	struct buf text = BUF_INIT;

	page_to_text(p, &text);
	assert_string_equal(buf_str(&text), want);
	buf_release(&text);
}

static void test_lines_and_spans(void **state)
{
	struct page p;

	(void)state;
	page_init(&p, NULL);
	page_line(&p);
	page_add(&p, ROLE_LABEL, "n=%d ", 7);
	page_addr(&p, ROLE_VALUE, 6, "12");
	page_addw(&p, ROLE_NORMAL, 4, "abcdefgh");
	page_blank(&p);
	page_pair(&p, 8, "server", ROLE_NORMAL, "%s", "mail1");
	expect(&p, "n=7     12abc…\n\nserver   mail1\n");
	assert_int_equal(p.lines[0].width, 14);
	assert_int_equal(p.spans[p.lines[0].first + 1].role, ROLE_VALUE);
	page_release(&p);
}

static void test_hostile_text_stays_on_its_line(void **state)
{
	struct page p;

	(void)state;
	page_init(&p, NULL);
	page_line(&p);
	page_adds(&p, ROLE_NORMAL, "a\x1b[31mb\nc\xe2\x80\xae");
	page_add(&p, ROLE_NORMAL, "%s", "\x9b" "2J");
	expect(&p, "a\\x1b[31mb\\nc\\u{202e}\\x9b2J\n");
	assert_int_equal(p.line_count, 1);
	page_release(&p);
	page_init(&p, glyphs_get(true));
	page_addw(&p, ROLE_NORMAL, 12, "é");
	expect(&p, "\\u{e9}\n");
	page_release(&p);
}

static void test_wrapping(void **state)
{
	struct page p;

	(void)state;
	page_init(&p, NULL);
	page_text(&p, ROLE_NORMAL, 2, 14, "the quick brown fox jumpsoverthelazydog\nend");
	expect(&p, "  the quick\n  brown fox\n  jumpsoverthe\n  lazydog\n  end\n");
	page_reset(&p);
	page_text(&p, ROLE_NORMAL, 0, 1, "漢字");
	expect(&p, "漢\n字\n");
	page_reset(&p);
	page_text(&p, ROLE_NORMAL, 0, 10, "");
	expect(&p, "\n");
	page_release(&p);
}

static void test_columns_carry_spots(void **state)
{
	struct page p, left, right;

	(void)state;
	page_init(&p, NULL);
	page_init(&left, NULL);
	page_init(&right, NULL);
	page_line(&left);
	page_adds(&left, ROLE_NORMAL, "x ");
	page_spot_begin(&left);
	page_adds(&left, ROLE_LINK, "too long for it");
	page_spot_end(&left, ACTION_OPEN, 11);
	page_line(&right);
	page_spot_begin(&right);
	page_adds(&right, ROLE_NORMAL, "r1");
	page_spot_end(&right, ACTION_WHY, 22);
	page_line(&right);
	page_adds(&right, ROLE_NORMAL, "r2");
	page_columns(&p, &left, 8, 2, &right);
	expect(&p, "x too l…  r1\n          r2\n");
	assert_int_equal(p.spot_count, 2);
	assert_int_equal(p.spots[0].col, 2);
	assert_int_equal(p.spots[0].width, 6);
	assert_int_equal(p.spots[1].col, 10);
	assert_int_equal(p.spots[1].id, 22);
	page_release(&left);
	page_init(&left, NULL);
	page_append(&left, &p, 1);
	assert_int_equal(left.spots[1].col, 11);
	expect(&left, " x too l…  r1\n           r2\n");
	page_release(&p);
	page_release(&left);
	page_release(&right);
}

static void test_bars(void **state)
{
	static const struct {
		uint64_t value, max;
		int cols;
		bool ascii;
		const char *want;
	} rows[] = {
		{ 0, 10, 10, false, "" },
		{ 10, 10, 5, false, "█████" },
		{ 20, 10, 5, false, "█████" },
		{ 1, 16, 2, false, "▏" },
		{ 1, 1000000, 10, false, "▏" },
		{ 5, 10, 3, false, "█▌" },
		{ 5, 10, 3, true, "==" },
		{ 1, 1000, 10, true, "=" },
		{ UINT64_MAX, UINT64_MAX, 4, false, "████" },
		{ UINT64_MAX / 2, UINT64_MAX, 4, false, "██" },
		{ 5, 0, 4, false, "▏" },
		{ 5, 10, 0, false, "" },
		{ 5, 10, -3, false, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out = BUF_INIT;
		int used = chart_bar(&out, glyphs_get(rows[i].ascii), rows[i].value, rows[i].max, rows[i].cols);

		assert_string_equal(buf_str(&out), rows[i].want);
		assert_int_equal(used, text_width(buf_str(&out)));
		buf_release(&out);
	}
}

static void test_spark_and_heat(void **state)
{
	static const uint64_t v[] = { 0, 1, 4, 8, 100, 50 };
	struct buf out = BUF_INIT;

	(void)state;
	chart_spark(&out, glyphs_get(false), v, 6, 100);
	assert_string_equal(buf_str(&out), "▁▂▂▂█▄");
	buf_reset(&out);
	chart_spark(&out, glyphs_get(true), v, 6, 100);
	assert_string_equal(buf_str(&out), "_...#:");
	buf_reset(&out);
	chart_spark(&out, glyphs_get(false), v, 0, 0);
	assert_string_equal(buf_str(&out), "");
	buf_release(&out);
	assert_int_equal(chart_heat_level(0, 10), 0);
	assert_int_equal(chart_heat_level(1, 1000), 1);
	assert_int_equal(chart_heat_level(1000, 1000), 4);
	assert_int_equal(chart_heat_level(5, 0), 0);
	for (uint64_t x = 1; x <= 100; x++)
		assert_in_range(chart_heat_level(x, 100), 1, 4);
}

static void test_headings_and_bars_in_lines(void **state)
{
	struct page p;

	(void)state;
	page_init(&p, NULL);
	page_heading(&p, 20, "Bans", "118");
	page_bar(&p, 6, "auth", ROLE_CLASS_AUTH, 1231, 2462, 4);
	page_line(&p);
	page_spark(&p, ROLE_BAR, (const uint64_t[]){ 0, 8, 4 }, 3);
	expect(&p, "Bans             118\nauth   ██     1,231\n▁█▄\n");
	page_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_and_spans),
		cmocka_unit_test(test_hostile_text_stays_on_its_line),
		cmocka_unit_test(test_wrapping),
		cmocka_unit_test(test_columns_carry_spots),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_spark_and_heat),
		cmocka_unit_test(test_headings_and_bars_in_lines),
	};

	return cmocka_run_group_tests_name("tui_page", tests, NULL, NULL);
}
