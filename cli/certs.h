/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gathering certificates from a verb: `certs` and `check certs` share it. */
#ifndef CLI_CERTS_H
#define CLI_CERTS_H

#include "app/certs.h"
#include "cli/cli.h"

/* Release the result. */
bool cli_certs(struct cli *c, struct certs_options *o, struct certs_result *out);

#endif
