/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between report.c and report_json.c. */
#ifndef MODEL_REPORT_PRIVATE_H
#define MODEL_REPORT_PRIVATE_H

#include "model/report.h"

char *report_month(
	const struct report *r); /* "2026-11", or "2026-11-03 to 2026-11-09"; caller frees */
void report_print_json(const struct report *r, bool ascii, struct buf *out);

#endif
