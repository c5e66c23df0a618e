/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bars, sparklines, heat levels. Knows neither terminal nor page. */
#include "tui/chart.h"

/* value * scale / max without overflow for any uint64, rounded to the nearest. */
static uint64_t scaled(uint64_t value, uint64_t max, uint64_t scale)
{
	if (max == 0)
		return 0;
	if (value >= max)
		return scale;
	return (uint64_t)((long double)value * (long double)scale / (long double)max + 0.5L);
}

int chart_bar(struct buf *out, const struct glyphs *g, uint64_t value, uint64_t max, int cols)
{
	int eighths, full, rest, used;

	if (cols <= 0 || value == 0)
		return 0;
	eighths = (int)scaled(value, max, (uint64_t)cols * 8);
	if (eighths == 0)
		eighths = 1;
	if (g->ascii && eighths < 4)
		eighths = 8;
	full = eighths / 8;
	rest = eighths % 8;
	for (int i = 0; i < full; i++)
		buf_adds(out, g->bar[8]);
	used = full;
	if (rest > 0 && g->bar[rest][0] != '\0') {
		buf_adds(out, g->bar[rest]);
		used++;
	}
	return used;
}

void chart_spark(struct buf *out, const struct glyphs *g, const uint64_t *v, size_t n, uint64_t max)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t level = scaled(v[i], max, 8);

		if (v[i] > 0 && level < 2)
			level = 2; /* 1 looks like 0 in UTF-8: something must not look like nothing */
		if (v[i] > 0 && g->ascii && scaled(v[i], max, 8) < 2)
			level = 1;
		buf_adds(out, g->spark[level]);
	}
}

int chart_heat_level(uint64_t value, uint64_t max)
{
	uint64_t level;

	if (value == 0 || max == 0)
		return 0;
	level = scaled(value, max, 4);
	return level < 1 ? 1 : (int)level;
}
