/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole lines of a page: headings, wrapped text, pairs, bars, sparklines. Built on page.c alone. */
#include "tui/page.h"

#include <stdarg.h>
#include <string.h>

#include "core/text.h"
#include "tui/chart.h"

void page_blank(struct page *p)
{
	page_line(p);
}

void page_heading(struct page *p, int width, const char *left, const char *right)
{
	int right_width = right != NULL ? text_width(right) : 0;

	page_line(p);
	page_adds(p, ROLE_HEADER, left);
	if (right_width == 0)
		return;
	if (page_col(p) + 1 + right_width <= width)
		page_to(p, width - right_width);
	else
		page_adds(p, ROLE_NORMAL, " ");
	page_adds(p, ROLE_DIM, right);
}

/* Bytes of s that fit on a line of `width` columns: up to the last blank that fits, else as many characters as do. */
static size_t wrap_point(const char *s, size_t len, int width)
{
	size_t at = 0, blank = 0;
	int col = 0;

	while (at < len) {
		uint32_t cp;
		int w;
		int n = text_char(s + at, len - at, &cp, &w);

		if (col + w > width)
			break;
		if (s[at] == ' ')
			blank = at;
		col += w;
		at += (size_t)n;
	}
	if (at >= len || s[at] == ' ')
		return at;
	if (blank > 0)
		return blank;
	if (at == 0) {
		uint32_t cp;
		int w;

		return (size_t)text_char(s, len, &cp, &w);
	}
	return at;
}

static void add_paragraph(struct page *p, enum role role, int indent, int width, const char *s, size_t len)
{
	struct buf safe = BUF_INIT, piece = BUF_INIT;
	const char *at;
	size_t left;

	text_safe(&safe, s, len, p->glyphs->ascii ? TEXT_ASCII : TEXT_LINE);
	at = buf_str(&safe);
	left = safe.len;
	do {
		size_t n = wrap_point(at, left, width - indent);

		page_line(p);
		page_to(p, indent);
		buf_reset(&piece);
		buf_add(&piece, at, n);
		page_adds(p, role, buf_str(&piece));
		while (n < left && at[n] == ' ')
			n++;
		at += n;
		left -= n;
	} while (left > 0);
	buf_release(&safe);
	buf_release(&piece);
}

void page_text(struct page *p, enum role role, int indent, int width, const char *s)
{
	if (width < indent + 1)
		width = indent + 1;
	for (;;) {
		size_t n = strcspn(s, "\n");

		add_paragraph(p, role, indent, width, s, n);
		if (s[n] == '\0' || s[n + 1] == '\0')
			return;
		s += n + 1;
	}
}

void page_pair(struct page *p, int label_width, const char *label, enum role role, const char *fmt, ...)
{
	struct buf raw = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	page_line(p);
	page_addw(p, ROLE_LABEL, label_width, label);
	page_adds(p, ROLE_NORMAL, " ");
	page_adds(p, role, buf_str(&raw));
	buf_release(&raw);
}

void page_bar(struct page *p, int label_width, const char *label, enum role role, uint64_t value, uint64_t max, int bar_width)
{
	struct buf bar = BUF_INIT;
	char number[32];
	int col;

	page_line(p);
	page_addw(p, ROLE_LABEL, label_width, label);
	page_adds(p, ROLE_NORMAL, " ");
	col = page_col(p);
	chart_bar(&bar, p->glyphs, value, max, bar_width);
	page_adds(p, role, buf_str(&bar));
	page_to(p, col + bar_width);
	page_addr(p, ROLE_VALUE, 8, text_grouped(value, number, sizeof(number)));
	buf_release(&bar);
}

void page_spark(struct page *p, enum role role, const uint64_t *v, size_t n)
{
	struct buf line = BUF_INIT;
	uint64_t max = 0;

	for (size_t i = 0; i < n; i++)
		max = v[i] > max ? v[i] : max;
	chart_spark(&line, p->glyphs, v, n, max);
	page_adds(p, role, buf_str(&line));
	buf_release(&line);
}
