/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Growing byte buffer with a cap. Invariant: data is NULL or NUL-terminated at data[len]; len <= max. */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len, cap;
	size_t max;    /* bytes; 0 = 64 MiB */
	bool overflow; /* an add went over max and was dropped whole; sticky until reset */
	bool secret;   /* set by the owner: memory given back is wiped, also when it grows */
};

#define BUF_INIT { NULL, 0, 0, 0, false, false }

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
void buf_wipe(struct buf *b);  /* explicit_bzero, then release: for secrets */
void buf_reset(struct buf *b); /* empty, keeps the memory */
bool buf_add(struct buf *b, const void *data, size_t len);
bool buf_adds(struct buf *b, const char *s);
bool buf_addc(struct buf *b, char c);
bool buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void buf_consume(struct buf *b, size_t n); /* drop n bytes from the front */
void buf_truncate(struct buf *b, size_t len);
const char *buf_str(const struct buf *b);  /* never NULL; valid until the next change */
char *buf_take(struct buf *b, size_t *len); /* caller frees; never NULL; buffer is empty afterwards; len may be NULL */

bool buf_grow(struct buf *b, size_t extra); /* the slow half of buf_room() */

/* Room for n more bytes, to be filled by the caller and counted by buf_used(); NULL when that would pass max. Valid until the next change.
 * Inline because a list of a million rows goes through here field by field. */
static inline char *buf_room(struct buf *b, size_t n)
{
	if ((b->cap <= b->len || n >= b->cap - b->len || (b->max && b->len + n > b->max)) && !buf_grow(b, n))
		return NULL;
	return b->data + b->len;
}

/* n: at most what was asked for. */
static inline void buf_used(struct buf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = '\0';
}

#endif
