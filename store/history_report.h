/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between history_report.c and history_rates.c. */
#ifndef STORE_HISTORY_REPORT_H
#define STORE_HISTORY_REPORT_H

#include "store/history.h"

bool history_fill_rates(
	struct store *s, const struct history_report_query *q, struct report *r, struct err *err);

#endif
