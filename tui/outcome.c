/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every outcome of the last change with its steps, as a page to scroll and search: for more than fits below the list. */
#include <stdio.h>

#include "tui/pager.h"
#include "tui/ui_private.h"

static void page(struct view *v, struct page *out, int width)
{
	(void)width;
	page_append(out, v->ui->verdict_details.line_count > 0 ? &v->ui->verdict_details : &v->ui->verdict, 1);
}

static void status(const struct view *v, struct view_status *out)
{
	(void)v;
	snprintf(out->right, sizeof(out->right), "q back");
}

static bool act(struct view *v, enum action a, size_t row)
{
	(void)row;
	if (a != ACTION_OUTCOME && a != ACTION_BACK)
		return false;
	if (a == ACTION_OUTCOME || !pager_escape(v->pager)) /* the key that opened it closes it, and Esc leaves the verdict below where it was */
		ui_pop(v->ui);
	return true;
}

const struct view_ops outcome_view = {
	.name = "outcome",
	.title = "Outcome",
	.help = "What came of each entry of the last change, with the steps taken. / searches, q goes back.",
	.page = page,
	.status = status,
	.act = act,
};
