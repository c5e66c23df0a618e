/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two sets of signs. */
#include "tui/glyph.h"

#include <langinfo.h>
#include <string.h>
#include <strings.h>

static const struct glyphs utf8 = {
	.ascii = false,
	.hline = "─", .vline = "│",
	.good = "✔", .warn = "!", .bad = "✖",
	.active = "●", .expired = "○", .unknown = "?",
	.sort_up = "▲", .sort_down = "▼",
	.mark = "*", .cursor = ">",
	.dash = "–", .dot = "·", .arrow = "→", .enter = "⏎", .ellipsis = "…",
	.forever = "for ever",
	.bar = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" },
	.spark = { "▁", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
	.heat = { "·", "░", "▒", "▓", "█" },
};

static const struct glyphs ascii = {
	.ascii = true,
	.hline = "-", .vline = "|",
	.good = "+", .warn = "!", .bad = "x",
	.active = "*", .expired = "o", .unknown = "?",
	.sort_up = "^", .sort_down = "v",
	.mark = "#", .cursor = ">",
	.dash = "-", .dot = "-", .arrow = "->", .enter = "Enter", .ellipsis = "~",
	.forever = "for ever",
	.bar = { "", "", "", "", "=", "=", "=", "=", "=" },
	.spark = { "_", ".", ".", ":", ":", "+", "+", "#", "#" },
	.heat = { ".", "-", "+", "#", "@" },
};

const struct glyphs *glyphs_get(bool want_ascii)
{
	return want_ascii ? &ascii : &utf8;
}

bool glyphs_locale_is_utf8(void)
{
	const char *codeset = nl_langinfo(CODESET);

	return strcasecmp(codeset, "UTF-8") == 0 || strcasecmp(codeset, "utf8") == 0;
}
