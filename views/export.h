/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `x`: writing the rows shown to a file, in the format its name asks for. */
#ifndef VIEWS_EXPORT_H
#define VIEWS_EXPORT_H

#include "model/entry.h"
#include "tui/view.h"

/* Rows shown of a list view whose rows are l's; asks for the file. */
void export_list(struct view *v, const struct entrylist *l, enum list_kind kind);
/* Networks, as if they were blocked ones, for a firewall; takes l. `left_out` of those shown are not in it, which is said. */
void export_nets(struct view *v, struct entrylist *l, size_t left_out);
/* Any other view: as text, as the screen shows it. */
void export_text(struct view *v);

#endif
