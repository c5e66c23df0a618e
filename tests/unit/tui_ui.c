/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console headless, keys from the queue: tabs, prompts, questions, sequences, panes, pastes, refusals, commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "tui/draw.h"
#include "tui/screen.h"
#include "tui/table.h"
#include "tui/ui_private.h"

/* What was called, in order. */
static struct buf calls;
static struct fixture {
	struct loop *loop;
	struct ui *ui;
	unsigned caps;
	bool read_only, may_quit;
	size_t rows;
	int opened, closed, refreshed;
	char hostile[40]; /* a text from outside, shown wherever one can be */
} fx;

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&calls, fmt, ap);
	va_end(ap);
	buf_addc(&calls, ';');
}

static void expect_calls(const char *want)
{
	assert_string_equal(buf_str(&calls), want);
	buf_reset(&calls);
}

/* --- views --- */

static size_t list_count(const struct view *v)
{
	(void)v;
	return fx.rows;
}

static uint64_t list_id(const struct view *v, size_t row)
{
	(void)v;
	return row + 10;
}

static void list_cell(const struct view *v, size_t row, int col, struct cell *c)
{
	(void)v;
	if (col == 0)
		cell_set(c, ROLE_NORMAL, "row%zu", row);
	else if (fx.hostile[0] != '\0')
		cell_ref(c, ROLE_DIM, fx.hostile);
	else if (row == 3)
		cell_ref(c, ROLE_NORMAL, "\x1b[31mEVIL\xe2\x80\xae");
	else
		cell_set(c, ROLE_DIM, "n%zu", row * 7 % 50);
}

static bool list_act(struct view *v, enum action a, size_t row)
{
	(void)v;
	if (a == ACTION_OPEN || a == ACTION_REMOVE || a == ACTION_GROUP_DAY || a == ACTION_GROUP) {
		note("%s %zu", action_info(a)->name, row);
		return true;
	}
	return false;
}

static void list_detail(const struct view *v, size_t row, struct page *out, int width)
{
	(void)v;
	(void)width;
	page_pair(out, 6, "row", ROLE_VALUE, "%zu of it", row);
	page_text(out, ROLE_NORMAL, 0, 40, fx.hostile);
}

static void list_open(struct view *v)
{
	fx.opened++;
	(void)v;
}

static void list_close(struct view *v)
{
	fx.closed++;
	(void)v;
}

static void list_refresh(struct view *v)
{
	fx.refreshed++;
	(void)v;
}

static const struct column list_columns[] = {
	{ .name = "name", .title = "NAME", .min = 6, .max = 12 },
	{ .name = "note", .title = "NOTE", .min = 6, .priority = 1 },
	{ .name = NULL },
};
static const struct binding list_keys[] = {
	{ .keys = "<Enter>", .action = ACTION_OPEN },
	{ .keys = "d", .action = ACTION_REMOVE, .label = "un-block" },
	{ .keys = "g", .action = ACTION_GROUP },
	{ .keys = "gd", .action = ACTION_GROUP_DAY, .label = "by day" },
	{ .keys = "X", .action = ACTION_REMOVE, .needs = 2 },
	{ .keys = NULL },
};
static const struct view_ops list_ops = { .name = "list", .title = "List", .columns = list_columns, .bindings = list_keys, .flags = VIEW_POLL,
	.count = list_count, .row_id = list_id, .cell = list_cell, .act = list_act, .detail = list_detail, .open = list_open,
	.close = list_close, .refresh = list_refresh };

static void page_make(struct view *v, struct page *out, int width)
{
	(void)width;
	page_line(out);
	page_add(out, ROLE_NORMAL, "page of %s", v->arg);
	for (int i = 0; i < 100; i++) {
		page_line(out);
		page_add(out, ROLE_NORMAL, "line %d ", i);
		if (i % 10 == 0) {
			page_spot_begin(out);
			page_add(out, ROLE_LINK, "spot");
			page_spot_end(out, ACTION_OPEN, (uint64_t)i);
		}
	}
}

static bool page_act(struct view *v, enum action a, size_t row)
{
	(void)v;
	if (a != ACTION_OPEN)
		return false;
	note("spot %zu", row);
	return true;
}

static const struct view_ops page_ops = { .name = "page", .title = "Page", .page = page_make, .act = page_act };
static const struct view_ops absent_ops = { .name = "absent", .title = "Absent", .needs = 4, .page = page_make, .open = list_open };

/* --- app --- */

static unsigned caps(void *app)
{
	(void)app;
	return fx.caps;
}

static void caps_reason(void *app, unsigned missing, char *out, size_t size)
{
	(void)app;
	snprintf(out, size, "lacks %u", missing);
}

static void title(void *app, struct ui_title *out)
{
	(void)app;
	snprintf(out->name, sizeof(out->name), "%s", fx.hostile);
	snprintf(out->server, sizeof(out->server), "%s", fx.hostile);
	snprintf(out->state, sizeof(out->state), "%s", fx.hostile);
	snprintf(out->badges, sizeof(out->badges), "%s", fx.hostile);
}

static bool permits(void *app, struct view *v, enum action a, char *why, size_t size)
{
	(void)app;
	(void)v;
	(void)a;
	snprintf(why, size, "read-only");
	return !fx.read_only;
}

static bool app_act(void *app, struct view *v, enum action a, size_t row)
{
	(void)app;
	(void)v;
	if (a != ACTION_WHY)
		return false;
	note("why %zu", row);
	return true;
}

static bool app_quit(void *app, bool forced)
{
	(void)app;
	note("quit %d", forced);
	return fx.may_quit;
}

static bool cmd_echo(struct ui *ui, struct view *v, int argc, char **argv, struct err *err)
{
	(void)ui;
	(void)v;
	if (strcmp(argv[1], "bad") == 0)
		return err_set(err, ERR_USAGE, "bad it is");
	note("echo %d %s", argc, argv[1]);
	return true;
}

static const struct command commands[] = {
	{ "echo", "TEXT…", "say it", 0, 1, 3, cmd_echo, NULL },
	{ "ban", "ADDR", "write", ACT_WRITE, 0, 0, cmd_echo, NULL },
	{ NULL, NULL, NULL, 0, 0, 0, NULL, NULL },
};

static char state_dir[] = "/tmp/tui-ui-XXXXXX";

static int setup(void **state)
{
	static const struct view_ops *const tabs[] = { &list_ops, &page_ops, &absent_ops, NULL };
	static const char *const themes[] = { "themes", NULL };
	struct ui_config config = { .tabs = tabs, .commands = commands, .product = "test", .state_dir = state_dir, .theme_dirs = themes,
		.title = title, .caps = caps, .caps_reason = caps_reason, .permits = permits, .act = app_act, .quit = app_quit };
	struct err err = ERR_INIT;

	(void)state;
	fx = (struct fixture){ .caps = ~4u & ~2u, .may_quit = true, .rows = 100 };
	buf_reset(&calls);
	fx.loop = loop_new();
	fx.ui = ui_new(fx.loop, &config, &err);
	if (fx.ui == NULL)
		fail_msg("%s", err.msg);
	view_changed(ui_view(fx.ui));
	loop_turn(fx.loop, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ui_free(fx.ui);
	loop_free(fx.loop);
	return 0;
}

/* One key a turn, as from a person. */
static void type(const char *keys)
{
	uint32_t code;

	while (*keys != '\0') {
		keys += key_parse(keys, &code);
		input_push(fx.ui->input, code);
		loop_turn(fx.loop, 0);
	}
	loop_turn(fx.loop, 0);
}

static char *screen(bool roles)
{
	static struct buf text;

	buf_reset(&text);
	ui_dump(fx.ui, &text, roles);
	return text.data;
}

static void expect_screen(const char *part)
{
	ui_dirty(fx.ui);
	if (strstr(screen(false), part) == NULL)
		fail_msg("\"%s\" is not on the screen:\n%s", part, screen(false));
}

static void expect_no_screen(const char *part)
{
	ui_dirty(fx.ui);
	if (strstr(screen(false), part) != NULL)
		fail_msg("\"%s\" is on the screen:\n%s", part, screen(false));
}

/* --- tests --- */

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
	fx.rows = 0;
	view_changed(ui_view(fx.ui));
	type("d");
	expect_screen("there is nothing under the cursor");
	type("2*");
	expect_screen("only in a list");
}

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

static void confirmed(void *arg, char key, unsigned toggles)
{
	(void)arg;
	note("answer %c %u", key != 0 ? key : '-', toggles);
}

static void describe(void *arg, unsigned toggles, struct page *out, int width)
{
	(void)arg;
	(void)width;
	for (int i = 0; i < 40; i++) {
		page_line(out);
		page_add(out, ROLE_NORMAL, "effect %d of %u", i, toggles);
	}
}

static void confirm(size_t type_count)
{
	static const struct confirm_option options[] = {
		{ 'y', "yes", CONFIRM_YES, false },
		{ 'n', "no", CONFIRM_NO, false },
		{ 'e', "each", CONFIRM_CHOICE, false },
		{ 'c', "also counters", CONFIRM_TOGGLE, false },
		{ 0, NULL, CONFIRM_NO, false },
	};

	ui_confirm(fx.ui, &(struct confirm_spec){ .question = "Un-block it?", .options = options, .describe = describe,
				  .type_count = type_count, .done = confirmed });
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

static void test_hostile_rows(void **state)
{
	(void)state;
	expect_screen("\\x1b[31mEVIL\\u{202e}");
	for (const char *s = screen(false); *s != '\0'; s++)
		assert_true(*s == '\n' || (unsigned char)*s >= 0x20);
}

static struct page *one_line(const char *text, int lines)
{
	struct page *p = xmalloc(sizeof(*p));

	page_init(p, NULL);
	for (int i = 0; i < lines; i++) {
		page_line(p);
		page_add(p, ROLE_GOOD, "%s %d", text, i);
	}
	return p;
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

static void test_hostile_everywhere(void **state)
{
	static const uint32_t ranges[][2] = { { 0x01, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c }, { 0x180e, 0x180e },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffe }, { 0xe000, 0xe001 },
		{ 0xd800, 0xd801 }, { 0xe0001, 0xe0002 }, { 0xe0020, 0xe0022 }, { 0x10ffff, 0x110001 } };
	static const char *const texts[] = { "\xc0\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82", "\xff\xfe", "A\x1b[2J\x1b]0;t\aB", "\x9b" "31m",
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

static void cure(void *arg)
{
	note("cure %s", (const char *)arg);
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

static void stop(void *arg)
{
	(void)arg;
	note("stop");
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
	ui_set_poll(fx.ui, 5);
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
	type("r");
	assert_int_equal(fx.refreshed, before + 1);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_moves_and_opens),
		TEST(test_sequences),
		TEST(test_tabs_and_stack),
		TEST(test_quit_may_be_refused),
		TEST(test_refusals_have_one_wording),
		TEST(test_prompt_edits),
		TEST(test_prompt_history_and_completion),
		TEST(test_secret_is_not_seen),
		TEST(test_prompt_goes_with_its_owner),
		TEST(test_paste_into_prompt),
		TEST(test_confirm_answers),
		TEST(test_many_need_the_number),
		TEST(test_nothing_comes_of_pastes_and_typeahead),
		TEST(test_filter_line),
		TEST(test_hostile_rows),
		TEST(test_hostile_everywhere),
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
	char sweep[300];
	int failed;

	if (setlocale(LC_ALL, "C.UTF-8") == NULL || mkdtemp(state_dir) == NULL)
		return 1;
	setenv("STALWARDEN_HEADLESS", "1", 1);
	setenv("COLUMNS", "80", 1);
	setenv("LINES", "24", 1);
	setenv("INPUTRC", "/dev/null", 1);
	failed = cmocka_run_group_tests_name("tui_ui", tests, NULL, NULL);
	snprintf(sweep, sizeof(sweep), "rm -rf %s", state_dir);
	if (system(sweep) != 0)
		failed++;
	buf_release(&calls);
	return failed;
}
