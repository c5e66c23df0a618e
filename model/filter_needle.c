/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Substring search ignoring ASCII case, sixteen bytes at a time: compares first and last byte of
 * the needle in bulk and looks closer only where both fit. Needs no CPU-specific code: the
 * compiler's vector types do. */
#include <string.h>

#include "model/filter_private.h"

#define WIDTH 16

typedef uint8_t bytes __attribute__((vector_size(WIDTH)));

static uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* 0x20 for letters: with it set, both cases are the same byte and nothing else is. */
static uint8_t case_bit(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? 0x20 : 0;
}

void needle_init(struct needle *n, const char *s, size_t len)
{
	memset(n, 0, sizeof(*n));
	n->len = len < sizeof(n->text) ? len : sizeof(n->text) - 1;
	for (size_t i = 0; i < n->len; i++)
		n->text[i] = (char)fold((uint8_t)s[i]);
	if (!n->len)
		return;
	n->first = (uint8_t)n->text[0];
	n->last = (uint8_t)n->text[n->len - 1];
	n->first_bit = case_bit(n->first);
	n->last_bit = case_bit(n->last);
}

static bool is_here(const struct needle *n, const char *s)
{
	for (size_t i = 0; i < n->len; i++)
		if (fold((uint8_t)s[i]) != (uint8_t)n->text[i])
			return false;
	return true;
}

static bytes load(const char *p)
{
	bytes v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bytes splat(uint8_t c)
{
	return (bytes){0} + c;
}

/* Index of the first nonzero byte in memory order, of eight that are 0x00 or 0xff. */
static unsigned first_byte(uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (unsigned)__builtin_ctzll(v) / 8;
#else
	return (unsigned)__builtin_clzll(v) / 8;
#endif
}

static uint64_t without_byte(uint64_t v, unsigned i)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return v & ~((uint64_t)0xff << 8 * i);
#else
	return v & ~((uint64_t)0xff << (56 - 8 * i));
#endif
}

/* Candidates of one half block; returns where the sweep goes on. */
static inline size_t visit(const struct needle *n, const char *hay, size_t base,
	uint64_t candidates, size_t from, needle_fn hit, void *arg)
{
	while (candidates) {
		unsigned i = first_byte(candidates);

		candidates = without_byte(candidates, i);
		if (base + i >= from && is_here(n, hay + base + i))
			from = hit(arg, base + i);
	}
	return from;
}

void needle_sweep(const struct needle *n, const char *hay, size_t len, needle_fn hit, void *arg)
{
	bytes first = splat(n->first), last = splat(n->last);
	bytes first_bit = splat(n->first_bit), last_bit = splat(n->last_bit);
	size_t from = 0, at = 0;

	if (!n->len || len < n->len)
		return;
	size_t end = len - n->len + 1; /* first place the needle can't begin at */
	while (at + WIDTH <= end) {
		bytes both = (bytes)((load(hay + at) | first_bit) == first) &
			     (bytes)((load(hay + at + n->len - 1) | last_bit) == last);
		uint64_t half[2];

		memcpy(half, &both, sizeof(half));
		if (half[0] | half[1]) {
			from = visit(n, hay, at, half[0], from, hit, arg);
			from = visit(n, hay, at + 8, half[1], from, hit, arg);
		}
		at = from > at + WIDTH ? from : at + WIDTH;
	}
	for (; at < end; at++)
		if (at >= from && is_here(n, hay + at))
			from = hit(arg, at);
}

static size_t stop_at(void *arg, size_t at)
{
	*(size_t *)arg = at;
	return SIZE_MAX / 2;
}

const char *needle_find(const struct needle *n, const char *hay, size_t len)
{
	size_t at = SIZE_MAX;

	if (!n->len)
		return hay;
	needle_sweep(n, hay, len, stop_at, &at);
	return at == SIZE_MAX ? NULL : hay + at;
}
