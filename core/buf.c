/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Growing byte buffer with a cap. An add that would go over the cap changes nothing but the
 * overflow flag. */
#include "core/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define BUF_DEFAULT_MAX ((size_t)64 << 20)
#define BUF_MIN_CAP     64

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf)BUF_INIT;
	b->max = max;
}

void buf_release(struct buf *b)
{
	bool secret = b->secret;

	if (secret && b->data)
		explicit_bzero(b->data, b->cap);
	free(b->data);
	buf_init(b, b->max);
	b->secret = secret;
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_release(b);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->overflow = false;
	if (b->data)
		b->data[0] = '\0';
}

/* realloc() would leave the former place as it is. */
static char *move_wiping(struct buf *b, size_t cap)
{
	char *to = xmalloc(cap);

	if (b->data) {
		memcpy(to, b->data, b->len + 1);
		explicit_bzero(b->data, b->cap);
		free(b->data);
	}
	return to;
}

/* Makes room for `extra` bytes and the terminator; false when that would pass the cap. */
bool buf_grow(struct buf *b, size_t extra)
{
	size_t max = b->max ? b->max : BUF_DEFAULT_MAX;
	size_t need, cap;

	if (b->len > max || extra > max - b->len) {
		b->overflow = true;
		return false;
	}
	need = b->len + extra + 1;
	if (need <= b->cap)
		return true;
	cap = b->cap ? b->cap : BUF_MIN_CAP;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap > max && need <= max + 1)
		cap = max + 1 > need ? max + 1 : need;
	b->data = b->secret ? move_wiping(b, cap) : xrealloc(b->data, cap);
	b->cap = cap;
	return true;
}

bool buf_add(struct buf *b, const void *data, size_t len)
{
	char *room = buf_room(b, len);

	if (!room)
		return false;
	if (len)
		memcpy(room, data, len);
	buf_used(b, len);
	return true;
}

bool buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

bool buf_addc(struct buf *b, char c)
{
	char *room = buf_room(b, 1);

	if (!room)
		return false;
	*room = c;
	buf_used(b, 1);
	return true;
}

bool buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->data ? b->cap - b->len : 0;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(b->data ? b->data + b->len : NULL, room, fmt, ap);
	if (n >= 0 && (size_t)n < room) {
		/* fitted at once; the cap may still be smaller than the memory at hand */
		if (!buf_grow(b, (size_t)n))
			n = -1;
	} else if (n >= 0 && buf_grow(b, (size_t)n)) {
		n = vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
	} else {
		n = -1;
	}
	va_end(again);
	if (n >= 0)
		b->len += (size_t)n;
	if (b->data)
		b->data[b->len] = '\0';
	return n >= 0;
}

bool buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	bool ok;

	va_start(ap, fmt);
	ok = buf_vaddf(b, fmt, ap);
	va_end(ap);
	return ok;
}

void buf_consume(struct buf *b, size_t n)
{
	if (!b->data)
		return;
	if (n > b->len)
		n = b->len;
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}

void buf_truncate(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b, size_t *len)
{
	char *data = b->data ? b->data : xmemdup("", 0);

	if (len)
		*len = b->len;
	buf_init(b, b->max);
	return data;
}
