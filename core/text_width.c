/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns: the width of a character as terminals and the C library count it, and cutting to a
 * width. */
#include "core/text.h"

#include <string.h>

#include <utf8proc.h>

/* Where utf8proc 2.8 and wcwidth() of glibc 2.36 differ among characters text_safe() lets pass;
 * curses places cells by the latter. Spacing combining marks (category Mc) are the other difference
 * and are handled by category. */
static const struct {
	uint32_t from, to;
	int width;
} width_exceptions[] = {
	{0x1160, 0x11ff, 0}, /* Hangul vowels and finals join the syllable before them */
	{0x3248, 0x324f, 2},
	{0x4dc0, 0x4dff, 2},
	{0xd7b0, 0xd7fb, 0},
};

static int cp_width(uint32_t cp)
{
	size_t i;
	int width;

	if (cp < 0x7f)
		return cp >= 0x20;
	if (cp < 0x300)
		return cp >= 0xa0;
	for (i = 0; i < sizeof(width_exceptions) / sizeof(width_exceptions[0]); i++)
		if (cp >= width_exceptions[i].from && cp <= width_exceptions[i].to)
			return width_exceptions[i].width;
	width = utf8proc_charwidth((utf8proc_int32_t)cp);
	if (width == 0 && utf8proc_category((utf8proc_int32_t)cp) == UTF8PROC_CATEGORY_MC)
		return 1;
	return width;
}

int text_char(const char *s, size_t len, uint32_t *cp, int *width)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n = 1;

	if (len && (unsigned char)s[0] < 0x80) {
		c = (unsigned char)s[0];
	} else {
		n = utf8proc_iterate(
			(const utf8proc_uint8_t *)s, (utf8proc_ssize_t)(len > 4 ? 4 : len), &c);
		if (n <= 0) {
			n = 1;
			c = 0xfffd;
		}
	}
	if (cp)
		*cp = (uint32_t)c;
	if (width)
		*width = cp_width((uint32_t)c);
	return (int)n;
}

int text_width(const char *s)
{
	size_t len = strlen(s), i = 0;
	int total = 0, w;

	while (i < len) {
		if ((unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x7f) {
			i++;
			total++;
			continue;
		}
		i += (size_t)text_char(s + i, len - i, NULL, &w);
		total += w;
	}
	return total;
}

int text_fit(struct buf *out, const char *s, int cols, unsigned flags)
{
	size_t len = strlen(s), i = 0, keep = 0;
	int used = 0, kept = 0, w;

	if (cols <= 0)
		return 0;
	while (i < len) {
		int n = text_char(s + i, len - i, NULL, &w);

		if (used + w > cols)
			break;
		i += (size_t)n;
		used += w;
		if (used < cols) { /* leaves a column for the mark */
			keep = i;
			kept = used;
		}
	}
	if (i == len) {
		buf_add(out, s, len);
		return used;
	}
	buf_add(out, s, keep);
	buf_adds(out, flags & TEXT_ASCII ? "~" : "…");
	return kept + 1;
}
