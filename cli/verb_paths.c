/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `paths`: every file this program reads or writes, and what set it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static void row(struct out *o, const char *what, const char *path, const char *set_by)
{
	out_row(o);
	out_str(o, what);
	out_str(o, path);
	out_str(o, set_by);
}

static const char *who_set_state(const struct cli *c)
{
	if (cli_has(c, OPT_STATE))
		return "--state";
	return getenv("XDG_STATE_HOME") ? "XDG_STATE_HOME" : "HOME";
}

static int run_paths(struct cli *c)
{
	static const struct out_field fields[] = { { "what", "WHAT", 0 }, { "path", "PATH", 0 },
		{ "set_by", "SET BY", 0 }, { NULL, NULL, 0 } };
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char path[8192];
	struct out o;

	if (!cli_max_words(c, 0))
		return EXIT_USAGE;
	if (!cli_open(c))
		return cli_exit_of_err(&c->err);
	out_begin(&o, c->format, fields, false, c->ascii);
	if (cli_has(c, OPT_CONFIG)) {
		row(&o, "configuration", cli_option(c, OPT_CONFIG), "--config");
	} else {
		row(&o, "system configuration", "/etc/stalwarden.conf", "built in");
		snprintf(path, sizeof(path), "%s%s/stalwarden/stalwarden.conf", xdg ? xdg : home ? home : "", xdg ? "" : "/.config");
		row(&o, "configuration", path, xdg ? "XDG_CONFIG_HOME" : "HOME");
		snprintf(path, sizeof(path), "%s%s/stalwarden/themes", xdg ? xdg : home ? home : "", xdg ? "" : "/.config");
		row(&o, "themes", path, xdg ? "XDG_CONFIG_HOME" : "HOME");
	}
	for (char **f = c->app.config.files_read; f && *f; f++)
		row(&o, "read just now", *f, "");
	snprintf(path, sizeof(path), "%s/history.db", c->app.state_dir);
	row(&o, "history and journal", path, who_set_state(c));
	snprintf(path, sizeof(path), "%s/command_history", c->app.state_dir);
	row(&o, "prompt history", path, who_set_state(c));
	return out_end(&o);
}

const struct verb verb_paths = {
	.name = "paths",
	.synopsis = "paths",
	.summary = "Print each file that is read or written, and what set its place.",
	.options = "",
	.words = "",
	.examples = "stalwarden paths",
	.run = run_paths,
};
