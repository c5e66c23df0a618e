/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `:` commands: splitting, finding, completing. The toolkit's own rows are in command_builtin.c. */
#include "tui/command.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tui/command_builtin.h"
#include "tui/ui_private.h"

int command_split(char *line, char **argv, int max)
{
	char *from = line, *to = line;
	int n = 0;

	for (;;) {
		char quote = 0;

		while (*from == ' ' || *from == '\t')
			from++;
		if (*from == '\0' || n == max)
			return n;
		argv[n++] = to;
		for (; *from != '\0' && (quote != 0 || (*from != ' ' && *from != '\t')); from++) {
			if (quote == 0 && (*from == '"' || *from == '\'')) {
				quote = *from;
			} else if (quote != 0 && *from == quote) {
				quote = 0;
			} else {
				if (*from == '\\' && quote != '\'' && from[1] != '\0')
					from++;
				*to++ = *from;
			}
		}
		if (quote != 0)
			return -1;
		if (*from != '\0')
			from++;
		*to++ = '\0';
	}
}

static const struct command *find_in(const struct command *table, const char *name)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static const struct command *find(struct ui *ui, const char *name)
{
	const struct command *c = find_in(ui->config.commands, name);

	return c != NULL ? c : find_in(command_builtin(), name);
}

static bool permitted(struct ui *ui, struct view *v, const struct command *c, struct err *err)
{
	char why[256] = "";

	if (!(c->flags & ACT_WRITE) || ui->config.permits == NULL ||
		ui->config.permits(ui->config.app, v, ACTION_COMMAND, why, sizeof(why)))
		return true;
	return err_set(err, ERR_PERMISSION, "%s", why[0] != '\0' ? why : "not possible now");
}

static bool run(struct ui *ui, int argc, char **argv, struct err *err)
{
	const struct command *c = find(ui, argv[0]);
	struct view *v = ui_view(ui);
	enum action action;

	if (c != NULL) {
		if (argc - 1 < c->min_args || (c->max_args >= 0 && argc - 1 > c->max_args))
			return err_set(err, ERR_USAGE, "expected: %s %s", c->name, c->args != NULL ? c->args : "");
		return permitted(ui, v, c, err) && c->run(ui, v, argc, argv, err);
	}
	for (size_t i = 0; i < ui->tab_count; i++) {
		if (argc == 1 && strcmp(ui->tabs[i].ops->name, argv[0]) == 0) {
			ui_go(ui, ui->tabs[i].ops);
			return true;
		}
	}
	if (argc == 1 && action_parse(argv[0], &action) && action != ACTION_COMMAND) {
		ui_act(ui, action, ROW_NONE);
		return true;
	}
	return err_set(err, ERR_USAGE, "no command \"%s\"; ? lists them", argv[0]);
}

bool command_run(struct ui *ui, const char *line, struct err *err)
{
	char *copy = xstrdup(line);
	char *argv[COMMAND_ARGS_MAX];
	int argc = command_split(copy, argv, COMMAND_ARGS_MAX);
	bool ok = true;

	if (argc < 0)
		ok = err_set(err, ERR_USAGE, "a quote is not closed");
	else if (argc > 0)
		ok = run(ui, argc, argv, err);
	free(copy);
	return ok;
}

/* --- completion --- */

static void complete_name(struct ui *ui, struct completions *out)
{
	for (const struct command *c = ui->config.commands; c != NULL && c->name != NULL; c++)
		completions_add(out, c->name);
	for (const struct command *c = command_builtin(); c->name != NULL; c++)
		completions_add(out, c->name);
	for (size_t i = 0; i < ui->tab_count; i++)
		completions_add(out, ui->tabs[i].ops->name);
	for (int a = ACTION_NONE + 1; a < ACTION_COUNT; a++)
		completions_add(out, action_info((enum action)a)->name);
}

void command_complete(struct ui *ui, const char *line, size_t start, size_t end, struct completions *out)
{
	char *before = xstrndup(line, start), *word = xstrndup(line + start, end - start);
	char *argv[COMMAND_ARGS_MAX];
	int argc = command_split(before, argv, COMMAND_ARGS_MAX);
	const struct command *c;

	if (argc == 0)
		complete_name(ui, out);
	else if (argc > 0 && (c = find(ui, argv[0])) != NULL && c->complete != NULL)
		c->complete(ui, ui_view(ui), argc, word, out);
	free(before);
	free(word);
}

void command_each(struct ui *ui, void (*fn)(void *arg, const struct command *), void *arg)
{
	for (const struct command *c = ui->config.commands; c != NULL && c->name != NULL; c++)
		fn(arg, c);
	for (const struct command *c = command_builtin(); c->name != NULL; c++)
		fn(arg, c);
}
