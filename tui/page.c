/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of spans with roles, and the spots among them. Knows no terminal. Everything added is made safe here. */
#include "tui/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

void page_init(struct page *p, const struct glyphs *g)
{
	memset(p, 0, sizeof(*p));
	p->glyphs = g != NULL ? g : glyphs_get(false);
	p->spot_col = -1;
}

void page_release(struct page *p)
{
	buf_release(&p->text);
	free(p->spans);
	free(p->lines);
	free(p->spots);
	page_init(p, p->glyphs);
}

void page_reset(struct page *p)
{
	buf_reset(&p->text);
	p->span_count = p->line_count = p->spot_count = 0;
	p->spot_col = -1;
}

void page_line(struct page *p)
{
	xgrow(&p->lines, &p->line_cap, p->line_count + 1, sizeof(*p->lines));
	p->lines[p->line_count++] = (struct page_line){ (uint32_t)p->span_count, 0, 0 };
	p->spot_col = -1;
}

static struct page_line *last_line(struct page *p)
{
	if (p->line_count == 0)
		page_line(p);
	return &p->lines[p->line_count - 1];
}

int page_col(const struct page *p)
{
	return p->line_count == 0 ? 0 : p->lines[p->line_count - 1].width;
}

/* What lies in text from `at` on becomes a span of the last line. */
static void close_span(struct page *p, enum role role, size_t at)
{
	struct page_line *l = last_line(p);
	struct page_span *s;

	if (p->text.len == at)
		return;
	buf_addc(&p->text, '\0');
	xgrow(&p->spans, &p->span_cap, p->span_count + 1, sizeof(*p->spans));
	s = &p->spans[p->span_count++];
	s->role = role;
	s->at = (uint32_t)at;
	s->len = (uint32_t)(p->text.len - 1 - at);
	s->width = text_width(p->text.data + at);
	l->count++;
	l->width += s->width;
}

void page_adds(struct page *p, enum role role, const char *s)
{
	size_t at = p->text.len;

	last_line(p);
	text_safe(&p->text, s, strlen(s), p->glyphs->ascii ? TEXT_ASCII : TEXT_LINE);
	close_span(p, role, at);
}

__attribute__((format(printf, 3, 0))) static void add_v(struct page *p, enum role role, const char *fmt, va_list ap)
{
	struct buf raw = BUF_INIT;

	buf_vaddf(&raw, fmt, ap);
	page_adds(p, role, buf_str(&raw));
	buf_release(&raw);
}

void page_add(struct page *p, enum role role, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_v(p, role, fmt, ap);
	va_end(ap);
}

static void add_blanks(struct page *p, int n)
{
	size_t at = p->text.len;

	last_line(p);
	for (int i = 0; i < n; i++)
		buf_addc(&p->text, ' ');
	close_span(p, ROLE_NORMAL, at);
}

/* Cut to width, then the blanks before or after it. */
static void add_sized(struct page *p, enum role role, int width, const char *s, bool right)
{
	unsigned flags = p->glyphs->ascii ? TEXT_ASCII : TEXT_LINE;
	struct buf safe = BUF_INIT, fit = BUF_INIT;
	int used;
	size_t at;

	if (width <= 0)
		return;
	text_safe(&safe, s, strlen(s), flags);
	used = text_fit(&fit, buf_str(&safe), width, flags);
	last_line(p);
	at = p->text.len;
	for (int i = used; right && i < width; i++)
		buf_addc(&p->text, ' ');
	buf_adds(&p->text, buf_str(&fit));
	for (int i = used; !right && i < width; i++)
		buf_addc(&p->text, ' ');
	close_span(p, role, at);
	buf_release(&safe);
	buf_release(&fit);
}

void page_addw(struct page *p, enum role role, int width, const char *s)
{
	add_sized(p, role, width, s, false);
}

void page_addr(struct page *p, enum role role, int width, const char *s)
{
	add_sized(p, role, width, s, true);
}

void page_to(struct page *p, int col)
{
	if (col > page_col(p))
		add_blanks(p, col - page_col(p));
}

static void add_spot(struct page *p, int line, int col, int width, enum action action, uint64_t id)
{
	if (width <= 0)
		return;
	xgrow(&p->spots, &p->spot_cap, p->spot_count + 1, sizeof(*p->spots));
	p->spots[p->spot_count++] = (struct page_spot){ line, col, width, action, id };
}

void page_spot_begin(struct page *p)
{
	last_line(p);
	p->spot_col = page_col(p);
}

void page_spot_end(struct page *p, enum action action, uint64_t id)
{
	if (p->spot_col < 0)
		return;
	add_spot(p, (int)p->line_count - 1, p->spot_col, page_col(p) - p->spot_col, action, id);
	p->spot_col = -1;
}

/* --- joining --- */

/* Appends the spans of one line of `from`, cut at `width` columns (0 = not cut). */
static void copy_line(struct page *p, const struct page *from, const struct page_line *l, int width)
{
	unsigned flags = p->glyphs->ascii ? TEXT_ASCII : TEXT_LINE;
	int left = width > 0 ? width : l->width;

	for (uint32_t i = 0; i < l->count && left > 0; i++) {
		const struct page_span *s = &from->spans[l->first + i];
		size_t at = p->text.len;

		if (s->width <= left)
			buf_add(&p->text, from->text.data + s->at, s->len);
		else
			text_fit(&p->text, from->text.data + s->at, left, flags);
		left -= s->width;
		close_span(p, s->role, at);
	}
}

static void copy_spots(struct page *p, const struct page *from, int from_line, int col, int width)
{
	for (size_t i = 0; i < from->spot_count; i++) {
		const struct page_spot *s = &from->spots[i];
		int w = s->width;

		if (s->line != from_line || (width > 0 && s->col >= width))
			continue;
		if (width > 0 && s->col + w > width)
			w = width - s->col;
		add_spot(p, (int)p->line_count - 1, col + s->col, w, s->action, s->id);
	}
}

void page_columns(struct page *p, const struct page *left, int left_width, int gap, const struct page *right)
{
	size_t n = left->line_count > right->line_count ? left->line_count : right->line_count;

	for (size_t i = 0; i < n; i++) {
		page_line(p);
		if (i < left->line_count) {
			copy_line(p, left, &left->lines[i], left_width);
			copy_spots(p, left, (int)i, 0, left_width);
		}
		if (i < right->line_count) {
			page_to(p, left_width + gap);
			copy_line(p, right, &right->lines[i], 0);
			copy_spots(p, right, (int)i, left_width + gap, 0);
		}
	}
}

void page_append(struct page *p, const struct page *other, int indent)
{
	for (size_t i = 0; i < other->line_count; i++) {
		page_line(p);
		if (other->lines[i].count > 0)
			add_blanks(p, indent);
		copy_line(p, other, &other->lines[i], 0);
		copy_spots(p, other, (int)i, indent, 0);
	}
}

void page_to_text(const struct page *p, struct buf *out)
{
	for (size_t i = 0; i < p->line_count; i++) {
		const struct page_line *l = &p->lines[i];
		size_t begin = out->len;

		for (uint32_t k = 0; k < l->count; k++)
			buf_add(out, p->text.data + p->spans[l->first + k].at, p->spans[l->first + k].len);
		while (out->len > begin && out->data[out->len - 1] == ' ')
			buf_truncate(out, out->len - 1);
		buf_addc(out, '\n');
	}
}
