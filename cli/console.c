/* SPDX-License-Identifier: GPL-3.0-or-later */
/* No verb: the console. Wires app, panels and toolkit together. */
#include "cli/cli.h"
#include "views/console.h"

int cli_console(struct cli *c)
{
	struct console_options o = {
		.theme = cli_option(c, OPT_THEME), .colour = cli_option(c, OPT_COLOR), .ascii = c->ascii
	};

	if (!cli_open(c))
		return cli_exit_of_err(&c->err);
	return console_run(&c->app, &o, &c->err);
}
