/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The filter and search lines, as one types, and the menu of columns to sort by. */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tui/pager.h"
#include "tui/table.h"
#include "tui/table_private.h"
#include "tui/ui_private.h"

static void set(struct ui_find *f, const char *text, struct err *err)
{
	struct view *v = f->view;

	if (v->pager != NULL)
		pager_set_search(v->pager, text);
	else if (f->search)
		table_set_search(v->table, text);
	else
		table_set_filter(v->table, text, err);
}

static void changed(void *arg, const char *text, struct err *err)
{
	set(arg, text, err);
}

static bool check(void *arg, const char *text, struct err *err)
{
	set(arg, text, err);
	return err->code == ERR_NONE;
}

static void done(void *arg, const char *text)
{
	struct ui_find *f = arg;
	struct err err = ERR_INIT;

	if (text == NULL)
		set(f, f->before, &err);
	free(f->before);
	f->before = NULL;
}

void ui_filter_prompt(struct ui *ui, struct view *v, bool search)
{
	struct ui_find *f = &ui->find;

	free(f->before);
	f->view = v;
	f->search = search || v->table == NULL;
	f->before = xstrdup(v->table == NULL ? v->pager->search : f->search ? table_search(v->table) : table_filter(v->table));
	ui_prompt(ui, &(struct prompt_spec){
			      .label = f->search ? "Search: " : "Filter: ",
			      .initial = f->search ? "" : f->before,
			      .history = f->search ? "search" : "filter",
			      .empty_ok = true,
			      .check = check,
			      .changed = changed,
			      .done = done,
			      .owner = &v->scope,
			      .arg = f,
		      });
}

/* --- sort --- */

static const char sort_keys[] = "123456789abcdefghijklmop"; /* not q, n, y: they answer */

static void sort_chosen(void *arg, char key, unsigned toggles)
{
	struct view *v = arg;
	const char *at = key != 0 ? strchr(sort_keys, key) : NULL;
	bool down;
	int col;

	(void)toggles;
	if (key == '0') {
		table_sort(v->table, -1, false);
		return;
	}
	if (at == NULL)
		return;
	col = (int)(at - sort_keys);
	if (table_sorted_by(v->table, &down) == col)
		table_sort(v->table, col, !down);
	else
		table_sort(v->table, col, v->ops->columns[col].descending);
}

void ui_sort_menu(struct ui *ui, struct view *v)
{
	struct confirm_option options[TABLE_COLUMNS_MAX + 2];
	const struct column *columns = v->ops->columns;
	size_t n = 0;

	for (int c = 0; columns[c].name != NULL && c < TABLE_COLUMNS_MAX; c++)
		if (!columns[c].unsortable && table_column_is_there(v->table, c))
			options[n++] = (struct confirm_option){
				.key = sort_keys[c], .label = columns[c].name, .kind = CONFIRM_CHOICE
			};
	options[n++] = (struct confirm_option){ .key = '0', .label = "as it comes", .kind = CONFIRM_CHOICE };
	options[n] = (struct confirm_option){ .key = 0 };
	ui_confirm(ui, &(struct confirm_spec){
			       .question = "Sort by (again: turn around)",
			       .options = options,
			       .done = sort_chosen,
			       .owner = &v->scope,
			       .arg = v,
		       });
}
