/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `:` commands beside the toolkit's own and every action's name. */
#ifndef VIEWS_COMMANDS_H
#define VIEWS_COMMANDS_H

#include "tui/command.h"

extern const struct command console_commands[];

#endif
