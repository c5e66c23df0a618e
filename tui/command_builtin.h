/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands every console has. */
#ifndef TUI_COMMAND_BUILTIN_H
#define TUI_COMMAND_BUILTIN_H

#include "tui/command.h"

const struct command *command_builtin(void); /* ends with a NULL name */

#endif
