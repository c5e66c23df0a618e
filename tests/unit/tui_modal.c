/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console headless: input lines, questions, pastes, and hostile text wherever text can be shown. */
#include "tests/unit/tui_console.h"

static void prompted(void *arg, const char *text)
{
	(void)arg;
	note("got %s", text != NULL ? text : "(none)");
}

static bool check_even(void *arg, const char *text, struct err *err)
{
	(void)arg;
	return strlen(text) % 2 == 0 || err_set(err, ERR_USAGE, "odd: %s", text);
}

static void complete_fruit(void *arg, const char *line, size_t start, size_t end, struct completions *out)
{
	(void)arg;
	note("complete %.*s", (int)(end - start), line + start);
	completions_add(out, "apple");
	completions_add(out, "apricot");
	completions_add(out, "banana");
}

static void ask(bool secret, struct scope *owner)
{
	ui_prompt(fx.ui, &(struct prompt_spec){ .label = "Fruit: ", .initial = secret ? NULL : "ab", .hint = "a fruit", .history = "fruit",
				 .secret = secret, .check = secret ? NULL : check_even, .complete = complete_fruit, .done = prompted,
				 .owner = owner });
}

static void test_prompt_edits(void **state)
{
	(void)state;
	ask(false, NULL);
	expect_screen("Fruit: ab");
	expect_screen("a fruit");
	type("cd<Left><BS><C-a>é漢<C-e>!");
	expect_screen("Fruit: é漢abd!");
	type("<Enter>");
	expect_screen("odd: "); /* nine bytes */
	expect_screen("Fruit: é漢abd!");
	expect_calls("");
	type("?<Enter>");
	expect_calls("got é漢abd!?;");
	assert_null(fx.ui->prompt);
	ask(false, NULL);
	type("jkq<Esc>");
	expect_calls("got (none);");
	ask(false, NULL);
	type("<C-u><Enter>");
	expect_calls("got (none);"); /* empty is a cancel */
	ask(false, NULL);
	type("<C-u><C-d>");
	expect_calls("got (none);");
}

static void test_prompt_history_and_completion(void **state)
{
	struct stat st;
	char path[256];

	(void)state;
	ask(false, NULL);
	type("<C-u>first!<Enter>");
	ask(false, NULL);
	type("<C-u>second<Enter>");
	buf_reset(&calls);
	ask(false, NULL);
	type("<Up><Up><Enter>");
	expect_calls("got first!;");
	ask(false, NULL);
	type("<C-r>sec<Enter><Enter>");
	expect_calls("got second;");
	snprintf(path, sizeof(path), "%s/fruit_history", state_dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	ask(false, NULL);
	type("<C-u>ap<Tab>");
	expect_screen("apple  apricot");
	type("r<Tab>");
	expect_screen("Fruit: apricot\n");
	type(" x <Enter>"); /* blanks at the end are no part of an answer */
	expect_calls("complete ap;complete apr;got apricot  x;");
}

static void test_secret_is_not_seen(void **state)
{
	char path[256];

	(void)state;
	ask(true, NULL);
	type("hunter2x<BS>");
	expect_no_screen("hunter2");
	expect_no_screen("*");
	type("<Enter>");
	expect_calls("got hunter2;");
	snprintf(path, sizeof(path), "grep -rq hunter2 %s", state_dir);
	assert_int_not_equal(system(path), 0);
	ask(true, NULL);
	input_push_paste(fx.ui->input, "from paste\n");
	type("<Enter>");
	expect_calls("got from paste;");
}

static void test_prompt_goes_with_its_owner(void **state)
{
	struct view *v;

	(void)state;
	v = ui_push(fx.ui, &page_ops, "owner");
	ask(false, &v->scope);
	ui_pop(fx.ui);
	assert_null(fx.ui->prompt);
	expect_calls("");
	type("j<Enter>");
	expect_calls("open 1;");
}

static void test_paste_into_prompt(void **state)
{
	(void)state;
	ask(false, NULL);
	type("<C-u>");
	input_push_paste(fx.ui->input, "one\ntwo\x1b[31m\r\n");
	type("");
	expect_screen("one two [31m");
	type("<Enter>");
	expect_calls("got one two [31m;");
}

static void test_confirm_answers(void **state)
{
	static const struct {
		const char *keys, *calls;
	} rows[] = {
		{ "y", "answer y 0;" }, { "n", "answer - 0;" }, { "<Enter>", "answer - 0;" }, { "<Esc>", "answer - 0;" },
		{ "q", "answer - 0;" }, { "<C-c>", "answer - 0;" }, { "e", "answer e 0;" }, { "cy", "answer y 8;" },
		{ "ccy", "answer y 0;" }, { "jx1y", "answer y 0;" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		confirm(0);
		loop_turn(fx.loop, 0);
		type(rows[i].keys);
		expect_calls(rows[i].calls);
		assert_null(fx.ui->confirm);
	}
	confirm(0);
	expect_screen("Un-block it?");
	expect_screen("y yes   n no   e each");
	expect_screen("[ ] c also counters");
	expect_screen("effect 0 of 0");
	type("c<PageDown>");
	expect_screen("[x] c also counters");
	expect_no_screen("effect 0 of");
	expect_screen("of 8");
	type("n");
	buf_reset(&calls);
}

static void test_many_need_the_number(void **state)
{
	(void)state;
	confirm(412);
	loop_turn(fx.loop, 0);
	type("y<Enter>");
	expect_screen("that is not the number");
	type("41<Enter>412");
	expect_screen("Type 412 to go on: 412");
	expect_calls("");
	type("<Enter>");
	expect_calls("answer y 0;");
	confirm(412);
	loop_turn(fx.loop, 0);
	type("y41<Esc>");
	expect_calls("answer - 0;");
}

static void test_nothing_comes_of_pastes_and_typeahead(void **state)
{
	(void)state;
	input_push_paste(fx.ui->input, "d\ny\nq");
	type("");
	expect_calls("");
	expect_screen("pasted text ignored");
	confirm(0);
	loop_turn(fx.loop, 0);
	input_push_paste(fx.ui->input, "y\ny\n");
	type("");
	expect_calls("");
	assert_non_null(fx.ui->confirm);
	type("n");
	buf_reset(&calls);
	/* typed before it was on the screen: not an answer to it */
	confirm(0);
	input_push(fx.ui->input, 'y');
	loop_turn(fx.loop, 0);
	expect_calls("");
	assert_non_null(fx.ui->confirm);
	type("n");
	expect_calls("answer - 0;");
}

static void test_filter_line(void **state)
{
	(void)state;
	type("/row9");
	expect_screen("showing 11");
	type("<Esc>");
	expect_no_screen("showing");
	type("/row99<Enter>");
	expect_screen("showing 1 ");
	type("<Enter>");
	expect_calls("open 99;");
	type("<Esc>");
	expect_no_screen("showing");
	type("<F3>row42<Enter><Enter>");
	expect_calls("open 42;");
	type("<Esc>s<Esc>G");
	type("<Enter>s2<Enter>");
	expect_calls("open 99;open 99;");
	expect_screen("sorted by note");
	type("s20");
	expect_screen("sorted by note");
	type("<C-l>s0");
	expect_no_screen("sorted by");
	type("2/line 77<Enter>");
	expect_screen("line 77");
	assert_non_null(strstr(screen(true), "match"));
}

/* The code points no terminal may see, and what only UTF-8 decoders of another kind would take for them. */
static bool is_forbidden(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad || cp == 0x61c || (cp >= 0x200b && cp <= 0x200f) ||
		(cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || cp == 0xfffe ||
		(cp >= 0xe000 && cp <= 0xf8ff) || cp >= 0xe0000;
}

static void check_screen(int cols, int rows)
{
	const char *s;
	int lines = 0;

	ui_dirty(fx.ui);
	for (s = screen(false); *s != '\0'; lines++) {
		size_t n = strcspn(s, "\n");
		char *line = xstrndup(s, n);

		assert_true(text_utf8_valid(line, n));
		assert_true(text_width(line) <= cols);
		for (size_t at = 0; at < n;) {
			uint32_t cp;
			int w;

			at += (size_t)text_char(line + at, n - at, &cp, &w);
			if (is_forbidden(cp))
				fail_msg("U+%04X on the screen: %s", (unsigned)cp, line);
		}
		free(line);
		s += n + 1;
	}
	assert_int_equal(lines, rows);
}

/* UTF-8 of any number, also of those that have none */
static int put_cp(char *out, uint32_t cp)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	int n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;

	for (int i = n - 1; i > 0; i--, cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3f));
	out[0] = (char)(lead[n] | cp);
	return n;
}

static void shown_everywhere(const char *text)
{
	struct page *verdict = one_line(text, 1), *details = one_line(text, 1);
	const struct confirm_option options[] = { { 'y', text, CONFIRM_YES, false }, { 'c', text, CONFIRM_TOGGLE, false }, { 0, NULL, CONFIRM_NO, false } };

	snprintf(fx.hostile, sizeof(fx.hostile), "%s", text);
	ui_set_badge(fx.ui, &list_ops, text, ROLE_NORMAL);
	ui_set_alarm(fx.ui, "x", ROLE_BAD, text, text, NULL, NULL);
	ui_verdict(fx.ui, verdict, details);
	type("o");
	ui_message(fx.ui, ROLE_WARN, "%s", text);
	check_screen(80, 24);
	ui_confirm(fx.ui, &(struct confirm_spec){ .question = text, .options = options, .body = one_line(text, 2) });
	check_screen(80, 24);
	type("<Esc>");
	ui_prompt(fx.ui, &(struct prompt_spec){ .label = text, .initial = text, .hint = text });
	check_screen(80, 24);
	type("<Esc>");
	ui_push(fx.ui, &page_ops, text);
	check_screen(80, 24);
	ui_pop(fx.ui);
	ui_progress(fx.ui, text, 1, 2, NULL, NULL);
	check_screen(80, 24);
	ui_progress(fx.ui, NULL, 0, 0, NULL, NULL);
}

static void test_hostile_everywhere(void **state)
{
	static const uint32_t ranges[][2] = { { 0x01, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c }, { 0x180e, 0x180e },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffe }, { 0xe000, 0xe001 },
		{ 0xd800, 0xd801 }, { 0xe0001, 0xe0002 }, { 0xe0020, 0xe0022 }, { 0x10ffff, 0x110001 } };
	static const char *const texts[] = { "\xc0\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82", "\xff\xfe", "A\x1b[2J\x1b]0;t\aB", "\23331m",
		"e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", "\xe6\xbc\xa2\xe5\xad\x97" };

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(ranges); r++) {
		for (uint32_t cp = ranges[r][0]; cp <= ranges[r][1]; cp++) {
			char text[16] = "A";
			int n = 1 + put_cp(text + 1, cp);

			memcpy(text + n, "B", 2);
			shown_everywhere(text);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		shown_everywhere(texts[i]);
	buf_reset(&calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_prompt_edits),
		TEST(test_prompt_history_and_completion),
		TEST(test_secret_is_not_seen),
		TEST(test_prompt_goes_with_its_owner),
		TEST(test_paste_into_prompt),
		TEST(test_confirm_answers),
		TEST(test_many_need_the_number),
		TEST(test_nothing_comes_of_pastes_and_typeahead),
		TEST(test_filter_line),
		TEST(test_hostile_everywhere),
	};

	return run_console_tests("tui_modal", tests, ARRAY_LEN(tests));
}
