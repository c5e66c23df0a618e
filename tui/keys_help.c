/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The help page of a panel, made from its live keymap: never written by hand. */
#include "tui/keys.h"

#include <string.h>

#include "core/text.h"

#define KEYS_WIDTH 16
#define COLUMN_MIN 46

/* The child's label of an action when it gave one, else NULL. */
static const char *label_of(const struct keymap *map, enum action a)
{
	for (; map != NULL; map = map->parent)
		for (size_t i = 0; i < map->len; i++)
			if (map->seq[i].action == a && map->seq[i].label != NULL)
				return map->seq[i].label;
	return NULL;
}

static bool add_action(const struct keymap *map, enum action a, struct page *out, int width)
{
	const struct action_info *info = action_info(a);
	const char *label = label_of(map, a);
	struct buf keys = BUF_INIT, line = BUF_INIT;
	struct page help;
	int n = keymap_keys_of(map, a, out->glyphs->ascii, &keys);

	if (n > 0) {
		if (label != NULL)
			buf_addf(&line, "%s: ", label);
		buf_adds(&line, info->help);
		page_init(&help, out->glyphs);
		page_text(&help, ROLE_NORMAL, 0, width - KEYS_WIDTH - 2, buf_str(&line));
		for (size_t i = 0; i < help.line_count; i++) {
			page_line(out);
			page_addw(out, ROLE_KEY, KEYS_WIDTH, i == 0 ? buf_str(&keys) : "");
			page_adds(out, ROLE_NORMAL, " ");
			page_adds(out, ROLE_NORMAL, help.text.data + help.spans[help.lines[i].first].at);
		}
		page_release(&help);
	}
	buf_release(&keys);
	buf_release(&line);
	return n > 0;
}

static void add_group(const struct keymap *map, enum action_group g, struct page *out, int width)
{
	size_t before = out->line_count;
	bool any = false;
	struct page body;

	page_init(&body, out->glyphs);
	for (int a = ACTION_NONE + 1; a < ACTION_COUNT; a++)
		if (action_info((enum action)a)->group == g)
			any |= add_action(map, (enum action)a, &body, width);
	if (any) {
		if (before > 0)
			page_blank(out);
		page_heading(out, width, action_group_title(g), NULL);
		page_append(out, &body, 0);
	}
	page_release(&body);
}

void keymap_help(const struct keymap *map, const struct view_ops *ops, struct page *out, int width)
{
	static const enum action_group left_groups[] = { GROUP_CHANGE, GROUP_SHOW, GROUP_MARK };
	static const enum action_group right_groups[] = { GROUP_MOVE, GROUP_VIEW, GROUP_FIND, GROUP_PROGRAM };
	bool two = width >= 2 * COLUMN_MIN + 3;
	int half = two ? (width - 3) / 2 : width;
	struct page left, right;

	page_init(&left, out->glyphs);
	page_init(&right, out->glyphs);
	if (ops != NULL) {
		page_heading(out, width, ops->title, NULL);
		if (ops->help != NULL)
			page_text(out, ROLE_NORMAL, 0, width, ops->help);
		page_blank(out);
	}
	for (size_t i = 0; i < sizeof(left_groups) / sizeof(left_groups[0]); i++)
		add_group(map, left_groups[i], &left, half);
	for (size_t i = 0; i < sizeof(right_groups) / sizeof(right_groups[0]); i++)
		add_group(map, right_groups[i], &right, half);
	if (two) {
		page_columns(out, &left, half, 3, &right);
	} else {
		page_append(out, &left, 0);
		page_blank(out);
		page_append(out, &right, 0);
	}
	page_release(&left);
	page_release(&right);
}
