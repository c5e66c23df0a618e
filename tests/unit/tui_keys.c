/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys as text, keymaps with parents, the user's bindings, help from the live map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tui/key.h"
#include "tui/keys.h"

static const struct binding history[] = {
	{ .keys = "g", .action = ACTION_GROUP },
	{ .keys = "gd", .action = ACTION_GROUP_DAY },
	{ .keys = "gg", .action = ACTION_FIRST },
	{ .keys = NULL },
};

static const struct binding blocked[] = {
	{ .keys = "d", .action = ACTION_REMOVE, .label = "un-block", .needs = 4 },
	{ .keys = "gx", .action = ACTION_EXPORT },
	{ .keys = NULL },
};

static enum key_match look(const struct keymap *map, const char *text, enum action *action)
{
	uint32_t keys[8];
	const struct keyseq *s;
	int n = keys_parse(text, keys, 8);
	enum key_match m;

	assert_true(n > 0);
	m = keymap_lookup(map, keys, n, &s);
	*action = s != NULL ? s->action : ACTION_NONE;
	return m;
}

static void test_parse_and_format(void **state)
{
	static const struct {
		const char *text;
		uint32_t code;
		const char *again, *pretty, *plain;
	} rows[] = {
		{ "j", 'j', "j", "j", "j" },
		{ "<C-r>", TK_CTRL | 'r', "<C-r>", "^R", "^R" },
		{ "<c-R>", TK_CTRL | 'r', "<C-r>", "^R", "^R" },
		{ "<CR>", TK_ENTER, "<Enter>", "⏎", "Enter" },
		{ "<F12>", TK_F12, "<F12>", "F12", "F12" },
		{ "<Space>", ' ', "<Space>", "Space", "Space" },
		{ " ", ' ', "<Space>", "Space", "Space" },
		{ "<lt>", '<', "<lt>", "<", "<" },
		{ ":", ':', ":", ":", ":" },
		{ "<Colon>", ':', ":", ":", ":" },
		{ "<S-Tab>", TK_BACKTAB, "<S-Tab>", "S-Tab", "S-Tab" },
		{ "<S-Up>", TK_SHIFT | TK_UP, "<S-Up>", "Shift-↑", "Shift-Up" },
		{ "<M-x>", TK_ALT | 'x', "<M-x>", "Alt-x", "Alt-x" },
		{ "<A-Enter>", TK_ALT | TK_ENTER, "<M-Enter>", "Alt-⏎", "Alt-Enter" },
		{ "é", 0xe9, "é", "é", "é" },
		{ "漢", 0x6f22, "漢", "漢", "漢" },
		{ "😀", 0x1f600, "😀", "😀", "😀" },
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t code = 0;

		assert_int_equal(key_parse(rows[i].text, &code), strlen(rows[i].text));
		assert_int_equal(code, rows[i].code);
		assert_string_equal(key_format(code, false, false, out, sizeof(out)), rows[i].again);
		assert_string_equal(key_format(code, true, false, out, sizeof(out)), rows[i].pretty);
		assert_string_equal(key_format(code, true, true, out, sizeof(out)), rows[i].plain);
	}
}

static void test_malformed(void **state)
{
	static const char *const bad[] = { "", "<", "<>", "<C->", "<C-xy>", "<Nope>", "<S-a>", "\x1b", "\x7f", "\xff", "\xc3" };
	uint32_t code, codes[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(key_parse(bad[i], &code), 0);
	assert_int_equal(keys_parse("gg<C-x>", codes, 4), 3);
	assert_int_equal(keys_parse("ggggg", codes, 4), -1);
	assert_int_equal(keys_parse("g<oops>", codes, 4), -1);
}

static void test_every_default_parses(void **state)
{
	struct keymaps *all = keymaps_new();
	struct keymap *generic = keymaps_get(all, "generic");
	enum action a;

	(void)state;
	assert_non_null(generic);
	for (const struct binding *b = keys_generic(); b->keys != NULL; b++) {
		assert_int_equal(look(generic, b->keys, &a), KEYS_EXACT);
		assert_int_equal(a, b->action);
	}
	keymaps_free(all);
}

static void test_child_hides_parent(void **state)
{
	struct keymaps *all = keymaps_new();
	struct keymap *map = keymaps_add(all, "history", history);
	struct keymap *list = keymaps_add(all, "blocked", blocked);
	enum action a;

	(void)state;
	assert_ptr_equal(keymaps_add(all, "history", NULL), map);
	assert_int_equal(look(map, "g", &a), KEYS_EXACT_PREFIX);
	assert_int_equal(a, ACTION_GROUP);
	assert_int_equal(look(map, "gd", &a), KEYS_EXACT);
	assert_int_equal(a, ACTION_GROUP_DAY);
	assert_int_equal(look(map, "gz", &a), KEYS_NONE);
	assert_int_equal(look(map, "G", &a), KEYS_EXACT);
	assert_int_equal(a, ACTION_LAST);
	/* a longer sequence of the child hides the parent's single key */
	assert_int_equal(look(list, "g", &a), KEYS_PREFIX);
	assert_int_equal(look(list, "gx", &a), KEYS_EXACT);
	keymaps_free(all);
}

static void test_user_bindings(void **state)
{
	struct keymaps *all = keymaps_new();
	struct keymap *map;
	struct buf keys = BUF_INIT;
	struct err err = ERR_INIT;
	enum action a;

	(void)state;
	assert_true(keymap_bind(all, "blocked <C-x> remove", &err)); /* before the map is there */
	map = keymaps_add(all, "blocked", blocked);
	assert_int_equal(look(map, "<C-x>", &a), KEYS_EXACT);
	assert_int_equal(a, ACTION_REMOVE);
	assert_int_equal(keymap_keys_of(map, ACTION_REMOVE, false, &keys), 2);
	assert_string_equal(buf_str(&keys), "d ^X");
	assert_true(keymap_bind(all, "blocked d none", &err));
	buf_reset(&keys);
	assert_int_equal(keymap_keys_of(map, ACTION_REMOVE, false, &keys), 1);
	assert_string_equal(buf_str(&keys), "^X");
	assert_true(keymap_bind(all, "J down", &err));
	assert_int_equal(look(map, "J", &a), KEYS_EXACT);
	assert_int_equal(a, ACTION_DOWN);

	assert_false(keymap_bind(all, "J", &err));
	err_clear(&err);
	assert_false(keymap_bind(all, "J fly", &err));
	assert_string_equal(err.msg, "no action \"fly\"");
	err_clear(&err);
	assert_false(keymap_bind(all, "<Jj> down", &err));
	err_clear(&err);
	assert_false(keymap_bind(all, "a b c d", &err));
	buf_release(&keys);
	keymaps_free(all);
}

static void test_labels_and_needs_follow(void **state)
{
	struct keymaps *all = keymaps_new();
	struct keymap *map = keymaps_add(all, "blocked", blocked);
	struct err err = ERR_INIT;
	uint32_t key = TK_F9;
	const struct keyseq *s;

	(void)state;
	assert_true(keymap_bind(all, "blocked <F9> remove", &err));
	assert_int_equal(keymap_lookup(map, &key, 1, &s), KEYS_EXACT);
	assert_string_equal(s->label, "un-block");
	assert_int_equal(s->needs, 4);
	keymaps_free(all);
}

static void test_help_is_live(void **state)
{
	static const struct view_ops ops = { .name = "blocked", .title = "Blocked", .help = "What is blocked." };
	struct keymaps *all = keymaps_new();
	struct keymap *map = keymaps_add(all, "blocked", blocked);
	struct err err = ERR_INIT;
	struct page page;
	struct buf text = BUF_INIT;

	(void)state;
	assert_true(keymap_bind(all, "<F7> why", &err));
	for (int width = 1; width <= 140; width += 7) {
		page_init(&page, NULL);
		keymap_help(map, &ops, &page, width);
		page_release(&page);
	}
	page_init(&page, NULL);
	keymap_help(map, &ops, &page, 80);
	page_to_text(&page, &text);
	assert_non_null(strstr(buf_str(&text), "What is blocked."));
	assert_non_null(strstr(buf_str(&text), "w F7"));
	assert_non_null(strstr(buf_str(&text), "un-block: remove the row"));
	assert_non_null(strstr(buf_str(&text), "Changing"));
	page_release(&page);
	buf_release(&text);
	keymaps_free(all);
}

static void test_action_table(void **state)
{
	enum action a;

	(void)state;
	for (int i = 0; i < ACTION_COUNT; i++) {
		assert_true(action_parse(action_info((enum action)i)->name, &a));
		assert_int_equal(a, i);
		assert_true(action_info((enum action)i)->help[0] != '\0');
	}
	assert_false(action_parse("nonsense", &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_and_format),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_every_default_parses),
		cmocka_unit_test(test_child_hides_parent),
		cmocka_unit_test(test_user_bindings),
		cmocka_unit_test(test_labels_and_needs_follow),
		cmocka_unit_test(test_help_is_live),
		cmocka_unit_test(test_action_table),
	};

	return cmocka_run_group_tests_name("tui_keys", tests, NULL, NULL);
}
