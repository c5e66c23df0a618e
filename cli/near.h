/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Near the limit, as `why` and `thresholds` print it. */
#ifndef CLI_NEAR_H
#define CLI_NEAR_H

#include "app/near.h"
#include "cli/out.h"

/* A list of objects; class CLASS_NONE = all. */
void near_json(struct buf *b, const struct near_limit *near, enum ban_class class);
/* Rows of their own, with the same keys. */
int near_print(const struct near_limit *near, enum out_format format, bool ascii);

#endif
