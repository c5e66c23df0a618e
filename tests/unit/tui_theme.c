/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every theme file loads and says something about every role; what is wrong is named with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tui/theme.h"

static void test_every_file(void **state)
{
	static const char *const dirs[] = { "nowhere", "themes", NULL };
	DIR *d = opendir("themes");
	struct dirent *e;
	int n = 0;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		char *dot = strstr(e->d_name, ".theme");
		struct err err = ERR_INIT;
		struct theme t;
		char path[512], line[256];
		bool seen[ROLE_COUNT] = { false };
		FILE *f;

		if (dot == NULL)
			continue;
		*dot = '\0';
		if (!theme_load(&t, e->d_name, dirs, &err))
			fail_msg("%s", err.msg);
		assert_string_equal(t.name, e->d_name);
		snprintf(path, sizeof(path), "themes/%s.theme", e->d_name);
		f = fopen(path, "r");
		assert_non_null(f);
		while (fgets(line, sizeof(line), f) != NULL) {
			char word[64];
			enum role r;

			if (sscanf(line, "%63s", word) == 1 && role_parse(word, &r))
				seen[r] = true;
		}
		fclose(f);
		for (int r = 0; r < ROLE_COUNT; r++)
			if (!seen[r])
				fail_msg("%s says nothing about %s", path, role_name((enum role)r));
		n++;
	}
	closedir(d);
	assert_int_equal(n, 5);
}

static void test_mono_has_no_colour(void **state)
{
	static const char *const dirs[] = { "themes", NULL };
	struct err err = ERR_INIT;
	struct theme t;

	(void)state;
	assert_true(theme_load(&t, "mono", dirs, &err));
	for (int r = 0; r < ROLE_COUNT; r++) {
		assert_true(t.role[r].fg < 0);
		assert_true(t.role[r].bg < 0);
	}
	theme_default(&t);
	theme_strip_colours(&t);
	for (int r = 0; r < ROLE_COUNT; r++)
		assert_true(t.role[r].fg < 0 && t.role[r].bg < 0);
	assert_true(t.role[ROLE_TITLE].attr & STYLE_REVERSE);
}

static void test_errors_name_the_line(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "normal default default\nnonsense red blue\n", "line 2: no role \"nonsense\"" },
		{ "normal pink default\n", "line 1: colours" },
		{ "normal 256 default\n", "line 1: colours" },
		{ "normal #12345 default\n", "line 1: colours" },
		{ "# x\n\nnormal default default blink\n", "line 3: no attribute \"blink\"" },
		{ "normal default\n", "line 1: expected" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;
		struct theme t, before;

		theme_default(&t);
		before = t;
		assert_false(theme_parse(&t, "x", rows[i].text, strlen(rows[i].text), &err));
		assert_non_null(strstr(err.msg, rows[i].words));
		assert_memory_equal(&t, &before, sizeof(t));
	}
}

static void test_names_can_not_wander(void **state)
{
	static const char *const names[] = { "../themes/default", "", "no-such-theme", "a/b" };
	static const char *const dirs[] = { "themes", NULL };
	struct theme t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err err = ERR_INIT;

		assert_false(theme_load(&t, names[i], dirs, &err));
		assert_true(err.msg[0] != '\0');
	}
}

static void test_reduction(void **state)
{
	int c;

	(void)state;
	assert_true(colour_parse("#ff0000", &c));
	assert_int_equal(colour_reduce(c, 256), 196);
	assert_int_equal(colour_reduce(c, 16), 9);
	assert_int_equal(colour_reduce(c, 8), 1);
	assert_int_equal(colour_reduce(c, 1), COLOUR_DEFAULT);
	assert_int_equal(colour_reduce(12, 8), 4);
	assert_int_equal(colour_reduce(203, 256), 203);
	assert_int_equal(colour_reduce(COLOUR_KEEP, 8), COLOUR_KEEP);
	for (int i = 0; i < 256; i++) {
		assert_in_range(colour_reduce(i, 16), 0, 15);
		assert_in_range(colour_reduce(i, 8), 0, 7);
	}
}

static void test_overlay(void **state)
{
	struct style base = { 1, 2, STYLE_BOLD };
	struct style keep = { COLOUR_KEEP, 5, STYLE_REVERSE };
	struct style s = style_overlay(base, keep);

	(void)state;
	assert_int_equal(s.fg, 1);
	assert_int_equal(s.bg, 5);
	assert_int_equal(s.attr, STYLE_BOLD | STYLE_REVERSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_file),
		cmocka_unit_test(test_mono_has_no_colour),
		cmocka_unit_test(test_errors_name_the_line),
		cmocka_unit_test(test_names_can_not_wander),
		cmocka_unit_test(test_reduction),
		cmocka_unit_test(test_overlay),
	};

	return cmocka_run_group_tests_name("tui_theme", tests, NULL, NULL);
}
