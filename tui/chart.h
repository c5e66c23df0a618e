/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bars, sparklines and heat maps as text. Knows neither terminal nor page. */
#ifndef TUI_CHART_H
#define TUI_CHART_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "tui/glyph.h"

/* Bar of value/max over `cols` columns in eighths (ASCII: whole columns, at least one for a value above 0). Returns the
 * columns written; the rest is left to the caller. */
int chart_bar(struct buf *out, const struct glyphs *g, uint64_t value, uint64_t max, int cols);
/* One column per value; 0 is the lowest eighth (ASCII: blank), values above 0 never look like 0. */
void chart_spark(struct buf *out, const struct glyphs *g, const uint64_t *v, size_t n, uint64_t max);
/* 0 none … 4 most: quarter of max it lies in; also the index of glyphs.heat and ROLE_HEAT_0. */
int chart_heat_level(uint64_t value, uint64_t max);

#endif
