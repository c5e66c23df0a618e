/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The action table made from ACTION_INFO. Knows no key and no view. */
#include "tui/action.h"

#include <assert.h>
#include <string.h>

#include "core/mem.h"

static const struct action_info actions[] = {
#define ACTION_ROW(id, name, group, flags, hint, label, help)                                      \
	[ACTION_##id] = { name, label, help, GROUP_##group, flags, hint },
	ACTION_INFO(ACTION_ROW)
#undef ACTION_ROW
};
static_assert(ARRAY_LEN(actions) == ACTION_COUNT, "one row per action");

static const char *const group_titles[] = {
	[GROUP_MOVE] = "Moving",
	[GROUP_VIEW] = "Panels",
	[GROUP_FIND] = "Finding",
	[GROUP_MARK] = "Marking",
	[GROUP_CHANGE] = "Changing",
	[GROUP_SHOW] = "Showing",
	[GROUP_PROGRAM] = "Program",
};
static_assert(ARRAY_LEN(group_titles) == GROUP_COUNT, "one title per group");

const struct action_info *action_info(enum action a)
{
	return &actions[a < ACTION_COUNT ? a : ACTION_NONE];
}

bool action_parse(const char *name, enum action *out)
{
	for (size_t i = 0; i < ACTION_COUNT; i++) {
		if (strcmp(actions[i].name, name) == 0) {
			*out = (enum action)i;
			return true;
		}
	}
	return false;
}

const char *action_group_title(enum action_group g)
{
	return g < GROUP_COUNT ? group_titles[g] : "";
}
