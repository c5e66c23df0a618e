/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small facts of the process that main and the waiting helpers share. */
#ifndef CLI_EXITS_H
#define CLI_EXITS_H

#include <stdbool.h>

bool cli_locale_is_utf8(void);

#endif
