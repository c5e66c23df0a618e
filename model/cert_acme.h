/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the server's log tells of its own renewals, up to 0.15: there is no task to ask for. Pure. */
#ifndef MODEL_CERT_ACME_H
#define MODEL_CERT_ACME_H

#include "model/cert.h"

/* text + line[i]: one log line each, ended by NUL, newest first. Fills state, reason, last and next of those of l's ACME renewals of which
 * nothing is known yet. */
void cert_acme_scan(struct certlist *l, const char *text, const size_t *line, size_t count);

#endif
