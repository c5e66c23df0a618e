/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row: two bytes with a bit for each column that differs from the row before (NULL before the
 * first one), then those columns: a byte for the type; a number in sevens, lowest first, its sign in
 * the lowest bit; a text's length in the same way, its bytes and a NUL. */
#include "store/rowpack.h"

#include <string.h>

void rowpack_begin(struct rowpack *p, size_t columns)
{
	buf_reset(&p->out);
	p->columns = columns;
	memset(p->last, 0, sizeof(p->last));
}

void rowpack_release(struct rowpack *p)
{
	buf_release(&p->out);
}

struct rowpack_cell rowpack_text(const char *s)
{
	if (s == NULL)
		return (struct rowpack_cell){ .type = ROWPACK_NULL };
	return (struct rowpack_cell){ .type = ROWPACK_TEXT, .text = s, .len = strlen(s) };
}

static bool is_as_before(const struct rowpack *p, size_t col, const struct rowpack_cell *c)
{
	if (c->type != p->last[col].type)
		return false;
	if (c->type == ROWPACK_INT)
		return c->number == p->last[col].number;
	if (c->type == ROWPACK_TEXT)
		return c->len == p->last[col].len &&
		       memcmp(p->out.data + p->last[col].at, c->text, c->len) == 0;
	return true;
}

static void add_count(struct buf *out, uint64_t n)
{
	for (; n > 0x7f; n >>= 7)
		buf_addc(out, (char)(n | 0x80));
	buf_addc(out, (char)n);
}

static void add_cell(struct rowpack *p, size_t col, const struct rowpack_cell *c)
{
	buf_addc(&p->out, (char)c->type);
	p->last[col].type = c->type;
	if (c->type == ROWPACK_INT) {
		p->last[col].number = c->number;
		add_count(&p->out, (uint64_t)c->number << 1 ^ (c->number < 0 ? UINT64_MAX : 0));
	} else if (c->type == ROWPACK_TEXT) {
		add_count(&p->out, c->len);
		p->last[col].at = p->out.len;
		p->last[col].len = c->len;
		buf_add(&p->out, c->text, c->len);
		buf_addc(&p->out, '\0');
	}
}

void rowpack_add(struct rowpack *p, const struct rowpack_cell *row)
{
	unsigned differs = 0;
	size_t i;

	for (i = 0; i < p->columns; i++)
		differs |= (unsigned)!is_as_before(p, i, &row[i]) << i;
	buf_addc(&p->out, (char)(differs & 0xff));
	buf_addc(&p->out, (char)(differs >> 8));
	for (i = 0; i < p->columns; i++) {
		if (differs & 1u << i)
			add_cell(p, i, &row[i]);
	}
}

void rowpack_read(struct rowpack_reader *r, const void *blob, size_t len, size_t columns)
{
	memset(r, 0, sizeof(*r));
	r->p = blob;
	r->end = r->p + len;
	r->columns = columns;
}

static bool take_count(const unsigned char **p, const unsigned char *end, uint64_t *n)
{
	unsigned shift = 0;

	for (*n = 0; *p < end && shift < 64; shift += 7) {
		unsigned char c = *(*p)++;

		*n |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return true;
	}
	return false;
}

static bool take_cell(const unsigned char **p, const unsigned char *end, struct rowpack_cell *c)
{
	uint64_t n = 0;

	if (*p == end)
		return false;
	memset(c, 0, sizeof(*c));
	c->type = (enum rowpack_type)*(*p)++;
	if (c->type == ROWPACK_NULL)
		return true;
	if (c->type > ROWPACK_TEXT || !take_count(p, end, &n))
		return false;
	if (c->type == ROWPACK_INT) {
		c->number = (int64_t)(n >> 1 ^ (n & 1 ? UINT64_MAX : 0));
		return true;
	}
	if (n >= (uint64_t)(end - *p) || (*p)[n] != '\0')
		return false;
	c->text = (const char *)*p;
	c->len = (size_t)n;
	*p += n + 1;
	return true;
}

bool rowpack_next(struct rowpack_reader *r)
{
	const unsigned char *p = r->p;
	unsigned differs;
	size_t i;

	if (r->end - p < 2)
		return false;
	differs = p[0] | (unsigned)p[1] << 8;
	p += 2;
	for (i = 0; i < r->columns; i++) {
		if (differs & 1u << i && !take_cell(&p, r->end, &r->row[i]))
			return false;
	}
	if (differs >> r->columns)
		return false;
	r->p = p;
	return true;
}
