/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console headless: moves, sequences, tabs, refusals, alarms, panes, commands, mouse, every size, polling. */
#include "tests/unit/tui_console.h"

static void test_moves_and_opens(void **state)
{
	(void)state;
	type("jjk<Enter>");
	expect_calls("open 1;");
	type("G<Enter>g");
	expect_calls("open 99;");
	type("<Home><Enter><End><Up><Enter>");
	expect_calls("group 99;open 0;open 98;");
	type("w");
	expect_calls("why 98;");
	type("b");
	expect_screen("block: not here");
}

static void test_sequences(void **state)
{
	(void)state;
	type("gd");
	expect_calls("group-day 0;");
	type("g");
	expect_calls(""); /* it could go on */
	expect_screen("by day");
	type("<Esc>");
	expect_no_screen("by day");
	expect_calls("");
	type("gj<Enter>");
	expect_calls("group 0;open 1;");
	type("g");
	for (int i = 0; i < 200 && calls.len == 0; i++)
		loop_turn(fx.loop, 50);
	expect_calls("group 1;"); /* after a while it is taken as it is */
}

static void test_tabs_and_stack(void **state)
{
	(void)state;
	type("2");
	expect_screen("page of");
	type("<Enter>j<Enter>");
	expect_calls("spot 0;spot 10;");
	type("3");
	expect_screen("lacks 4");
	assert_int_equal(fx.opened, 1);
	fx.caps = ~0u;
	ui_caps_changed(fx.ui);
	expect_screen("page of");
	assert_int_equal(fx.opened, 2);
	type("-");
	assert_string_equal(ui_view(fx.ui)->ops->name, "page");
	type("<S-Tab>");
	assert_string_equal(ui_view(fx.ui)->ops->name, "list");
	ui_push(fx.ui, &page_ops, "1.2.3.4");
	assert_ptr_equal(ui_push(fx.ui, &page_ops, "1.2.3.4"), ui_view(fx.ui));
	expect_screen("page of 1.2.3.4");
	type("q");
	assert_string_equal(ui_view(fx.ui)->ops->name, "list");
	ui_push(fx.ui, &page_ops, "x");
	ui_push(fx.ui, &page_ops, "y");
	type("1");
	assert_string_equal(ui_view(fx.ui)->ops->name, "list");
	assert_int_equal(fx.closed, 0);
	type("?");
	expect_screen("un-block: remove");
	type("?");
	expect_calls("");
	ui_reopen(fx.ui);
	assert_int_equal(fx.closed, 1);
}

/* 80 columns: whole titles, then the brief ones, that of the tab shown last, then cut ones, then numbers. */
static void test_narrow_tabs_take_brief_titles(void **state)
{
	static const struct view_ops first = { .name = "first", .title = "Thirty letters of title, first", .brief = "First", .page = page_make },
				     second = { .name = "second", .title = "Thirty letters of title, secnd", .brief = "Second", .page = page_make };
	static const struct view_ops *const tabs[] = { &first, &second, &page_ops, NULL };
	static const char *const themes[] = { "themes", NULL };
	static const struct {
		int badge; /* letters */
		const char *bar;
	} cases[] = {
		{ 1, "1 Thirty letters of title, first x  2 Thirty letters of title, secnd  3 Page" },
		{ 5, "1 Thirty letters of title, first xxxxx 2 Thirty letters of title, secnd 3 Page" },
		{ 20, "1 Thirty letters of title, first xxxxxxxxxxxxxxxxxxxx 2 Second 3 Page" },
	};
	struct ui_config config = { .tabs = tabs, .product = "test", .state_dir = state_dir, .theme_dirs = themes };
	struct err err = ERR_INIT;
	char badge[80];

	(void)state;
	ui_free(fx.ui);
	fx.ui = ui_new(fx.loop, &config, &err);
	assert_non_null(fx.ui);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		memset(badge, 'x', sizeof(badge));
		badge[cases[i].badge] = '\0';
		ui_set_badge(fx.ui, &first, badge, ROLE_BADGE);
		expect_screen(cases[i].bar);
	}
	ui_set_badge(fx.ui, &second, "yyyyyyyyyyyyyyy", ROLE_BADGE);
	expect_screen("1 First xxx");
	expect_screen(" 2 Second yyyyyyyyyyyyyyy 3 Page");
}

static void test_quit_may_be_refused(void **state)
{
	(void)state;
	fx.may_quit = false;
	type("q");
	expect_calls("quit 0;");
	assert_false(loop_is_stopped(fx.loop));
	fx.may_quit = true;
	type("<C-c>");
	assert_false(loop_is_stopped(fx.loop));
	type("<C-c>");
	expect_calls("quit 0;");
	assert_true(loop_is_stopped(fx.loop));
}

static void test_refusals_have_one_wording(void **state)
{
	(void)state;
	fx.read_only = true;
	type("d");
	expect_screen("read-only");
	expect_calls("");
	fx.read_only = false;
	type("X");
	expect_screen("lacks 2");
	expect_calls("");
	type("3/"); /* a panel that can't be opened has nothing to be filtered, and no state for it */
	expect_screen("lacks 4");
	assert_null(strstr(screen(false), "Filter:"));
	type("1");
	buf_reset(&calls);
	fx.rows = 0;
	view_changed(ui_view(fx.ui));
	type("d");
	expect_screen("there is nothing under the cursor");
	type("2*");
	expect_screen("only in a list");
}

/* Marks stand for the row under the cursor only where an action takes many; where rows can't be marked, by no key. */
static void test_marks_are_no_cursor(void **state)
{
	(void)state;
	type("*");
	assert_int_equal(view_marked(ui_view(fx.ui)), 100);
	type("/no such row<Enter>w");
	expect_screen("why: there is nothing under the cursor");
	expect_calls("");
	type("d");
	expect_calls("remove 18446744073709551615;");
	type("<Esc>U");
	assert_int_equal(view_marked(ui_view(fx.ui)), 0);
	list_ops.flags |= VIEW_NO_MARKS;
	type("*");
	expect_screen("mark all: rows are not marked here");
	type("vj");
	assert_int_equal(view_marked(ui_view(fx.ui)), 0);
	list_ops.flags &= ~(unsigned)VIEW_NO_MARKS;
}

static void test_hostile_rows(void **state)
{
	(void)state;
	expect_screen("\\x1b[31mEVIL\\u{202e}");
	for (const char *s = screen(false); *s != '\0'; s++)
		assert_true(*s == '\n' || (unsigned char)*s >= 0x20);
}

static void test_alarms(void **state)
{
	char a[] = "a", b[] = "b";

	(void)state;
	ui_set_alarm(fx.ui, "cert", ROLE_WARN, "6 days left", "reload", cure, a);
	ui_set_alarm(fx.ui, "gateway", ROLE_BAD, "gateway \x1b[5mbanned", "cure", cure, b);
	expect_screen("gateway \\x1b[5mbanned");
	assert_true(strstr(screen(false), "gateway") < strstr(screen(false), "6 days"));
	type("!");
	expect_calls("cure b;");
	type("<Up><Enter>");
	expect_calls("cure a;");
	type("<Up><Up><Enter><Up><Down><Enter>");
	expect_calls("cure b;open 0;");
	ui_set_alarm(fx.ui, "cert", ROLE_BAD, "expired", "reload", cure, a);
	assert_int_equal(fx.ui->alarm_count, 2);
	ui_clear_alarm(fx.ui, "gateway");
	ui_clear_alarm(fx.ui, "nonsense");
	expect_no_screen("banned");
	expect_screen("expired");
}

static void test_verdict_pane(void **state)
{
	(void)state;
	ui_verdict(fx.ui, one_line("in force", 1), one_line("step", 2));
	expect_screen("in force 0");
	expect_no_screen("step 0");
	type("jo");
	expect_screen("step 1");
	type("<Esc>");
	expect_no_screen("step 1");
	expect_screen("in force 0");
	ui_verdict(fx.ui, one_line("partly", 30), NULL);
	expect_screen("partly 0");
	expect_screen("more");
	type("<Esc>");
	expect_no_screen("partly");
	type("i");
	expect_screen("1 of it");
	type("<Esc>");
	expect_no_screen("1 of it");
}

static void test_progress_pane(void **state)
{
	(void)state;
	ui_progress(fx.ui, "Importing", 250, 1000, stop, NULL);
	loop_turn(fx.loop, 0);
	expect_screen("Importing");
	expect_screen("250 of 1,000");
	expect_screen("Esc stops");
	type("j<Enter>"); /* the list stays usable */
	expect_calls("open 1;");
	type("<Esc><Esc>");
	expect_calls("stop;");
	expect_screen("stopping");
	ui_progress(fx.ui, NULL, 0, 0, NULL, NULL);
	expect_no_screen("Importing");
}

static void test_commands(void **state)
{
	(void)state;
	type(":echo 'a b'<Enter>");
	expect_calls("echo 2 a b;");
	type(":echo bad<Enter>");
	expect_screen("bad it is");
	type(":nonsense<Enter>");
	expect_screen("no command \"nonsense\"");
	type(":echo<Enter>");
	expect_screen("expected: echo");
	type(":echo 'x<Enter>");
	expect_screen("a quote is not closed");
	fx.read_only = true;
	type(":ban<Enter>");
	expect_screen("read-only");
	type(":page<Enter>");
	expect_screen("page of");
	type(":tab-1<Enter>");
	type(":so<Tab>");
	expect_screen(":sort");
	type("<C-u>sort na<Tab>down<Enter>");
	expect_screen("sorted by name");
	type(":filter row 9<Enter>");
	expect_screen("filter row 9");
	type(":bind list J down<Enter>:filter<Enter><Home>J<Enter>");
	expect_calls("open 98;");
	type(":theme mono<Enter>:theme nowhere<Enter>");
	expect_screen("no theme \"nowhere\"");
	type(":theme default<Enter>");
}

static void test_mouse(void **state)
{
	struct key key = { .code = TK_MOUSE, .mouse = MOUSE_CLICK };

	(void)state;
	type("j");
	for (int i = 0; i < 2; i++) {
		struct key push = key;

		push.x = 4;
		push.y = (short)(fx.ui->body_y + 4);
		input_push_key(fx.ui->input, &push);
		loop_turn(fx.loop, 0);
	}
	expect_calls("open 3;"); /* the first selects, the second opens */
	key.x = 2;
	key.y = (short)fx.ui->body_y;
	input_push_key(fx.ui->input, &key);
	loop_turn(fx.loop, 0);
	expect_screen("sorted by name");
	key.y = (short)fx.ui->tabs_y;
	key.x = (short)(fx.ui->tabs[1].x + 1);
	input_push_key(fx.ui->input, &key);
	loop_turn(fx.loop, 0);
	assert_string_equal(ui_view(fx.ui)->ops->name, "page");
	key.mouse = MOUSE_WHEEL_DOWN;
	input_push_key(fx.ui->input, &key);
	loop_turn(fx.loop, 0);
	expect_no_screen("line 0 ");
}

static void visit(int cols, int rows)
{
	screen_resize(cols, rows);
	ui_dirty(fx.ui);
	type("jG<Home>/x<Esc>?<Esc>2jjG<Home>1i");
	confirm(412);
	type("y41");
	ui_dirty(fx.ui);
	loop_turn(fx.loop, 0);
	type("<Esc>:echo<Tab> x<Tab><Esc>i");
}

static void test_every_size(void **state)
{
	static const int cols[] = { 1, 2, 5, 10, 24, 39, 40, 60, 80, 200, 500 };
	static const int rows[] = { 1, 2, 9, 10, 16, 40, 80, 120, 500 };
	char a[] = "a";

	(void)state;
	ui_set_alarm(fx.ui, "x", ROLE_BAD, "a rather long alarm text that will be cut on most screens", "cure it", cure, a);
	ui_set_alarm(fx.ui, "y", ROLE_WARN, "another", "cure", cure, a);
	ui_verdict(fx.ui, one_line("verdict", 9), one_line("detail", 9));
	ui_progress(fx.ui, "Working", 0, 3, stop, NULL); /* no rate yet: the text must not depend on the clock */
	for (size_t c = 0; c < ARRAY_LEN(cols); c++) {
		for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
			char *fresh;

			visit(cols[c], rows[r]);
			ui_dirty(fx.ui);
			fresh = xstrdup(screen(true));
			screen_redraw();
			ui_dirty(fx.ui);
			assert_string_equal(screen(true), fresh);
			free(fresh);
		}
	}
	screen_resize(39, 10);
	expect_screen("too small");
	screen_resize(40, 10);
	expect_screen("row0");
	buf_reset(&calls);
	screen_resize(80, 24);
}

static void test_tail_of_a_split_alarm(void **state)
{
	(void)state;
	ui_set_badge(fx.ui, &list_ops, "412", ROLE_NORMAL);
	ui_set_badge(fx.ui, &page_ops, "6 d", ROLE_BAD);
	expect_screen("1 List 412");
	expect_screen("2 Page 6 d !");
	ui_set_badge(fx.ui, &page_ops, NULL, ROLE_NORMAL);
	expect_no_screen("6 d");
}

static void test_poll_only_what_is_shown(void **state)
{
	int before;

	(void)state;
	fx.ui->config.poll_ms = 5;
	ui_view_shown(ui_view(fx.ui), true);
	for (int i = 0; i < 100 && fx.refreshed < 3; i++)
		loop_turn(fx.loop, 20);
	assert_true(fx.refreshed >= 3);
	type("2");
	before = fx.refreshed;
	for (int i = 0; i < 5; i++)
		loop_turn(fx.loop, 10);
	assert_int_equal(fx.refreshed, before);
	type("1");
	for (int i = 0; i < 100 && fx.refreshed == before; i++)
		loop_turn(fx.loop, 20);
	assert_true(fx.refreshed > before);
	type("p");
	before = fx.refreshed;
	for (int i = 0; i < 5; i++)
		loop_turn(fx.loop, 10);
	assert_int_equal(fx.refreshed, before);
	assert_false(timer_is_armed(&ui_view(fx.ui)->poll)); /* nothing ticks meanwhile */
	type("r");
	assert_int_equal(fx.refreshed, before + 1);
	type("p");
	for (int i = 0; i < 100 && fx.refreshed == before + 1; i++)
		loop_turn(fx.loop, 20);
	assert_true(fx.refreshed > before + 1);
}

static void test_clipboard_sequences(void **state)
{
	struct buf out = BUF_INIT;
	char *big = xcalloc(1, 60000);

	(void)state;
	unsetenv("TMUX");
	setenv("TERM", "xterm-256color", 1);
	assert_true(screen_clip_sequence("1.2.3.4", 7, &out));
	assert_string_equal(buf_str(&out), "\033]52;c;MS4yLjMuNA==\a");
	buf_reset(&out);
	assert_true(screen_clip_sequence("\033x", 2, &out)); /* \x1bx */
	assert_string_equal(buf_str(&out), "\033]52;c;XHgxYng=\a");
	buf_reset(&out);
	setenv("TMUX", "x", 1);
	assert_true(screen_clip_sequence("a", 1, &out));
	assert_string_equal(buf_str(&out), "\033Ptmux;\033\033]52;c;YQ==\a\033\\");
	unsetenv("TMUX");
	buf_reset(&out);
	setenv("TERM", "screen", 1);
	assert_true(screen_clip_sequence("a", 1, &out));
	assert_string_equal(buf_str(&out), "\033P\033]52;c;YQ==\a\033\\");
	buf_reset(&out);
	memset(big, 'x', 59999);
	assert_false(screen_clip_sequence(big, 59999, &out));
	assert_int_equal(out.len, 0);
	free(big);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_moves_and_opens),
		TEST(test_sequences),
		TEST(test_tabs_and_stack),
		TEST(test_narrow_tabs_take_brief_titles),
		TEST(test_quit_may_be_refused),
		TEST(test_refusals_have_one_wording),
		TEST(test_marks_are_no_cursor),
		TEST(test_hostile_rows),
		TEST(test_alarms),
		TEST(test_verdict_pane),
		TEST(test_progress_pane),
		TEST(test_commands),
		TEST(test_mouse),
		TEST(test_every_size),
		TEST(test_tail_of_a_split_alarm),
		TEST(test_poll_only_what_is_shown),
		TEST(test_clipboard_sequences),
	};

	return run_console_tests("tui_ui", tests, ARRAY_LEN(tests));
}
