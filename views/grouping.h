/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of a grouped history: asked of the store step by step, so that a million bans hold no key up. */
#ifndef VIEWS_GROUPING_H
#define VIEWS_GROUPING_H

#include "views/rows.h"

struct group_state {
	struct store_rows rows;  /* of struct history_row */
	struct history_grouping *job; /* being made */
	enum history_by by;
	uint8_t prefix4, prefix6; /* of ranges; 0 = 24 and 48 */
};

void grouping_read(struct view *v); /* what was there stays until the new rows are complete */

#endif
