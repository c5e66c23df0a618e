/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text from outside: the one sanitiser for every sink, display width, truncation, search. Backed by utf8proc. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

enum text_flags {
	TEXT_LINE = 0,      /* one line: CR, LF, TAB shown as \r \n \t */
	TEXT_MULTI = 1,     /* LF and TAB pass as they are */
	TEXT_ASCII = 2,     /* every non-ASCII character becomes \u{XXXX} */
};

/* Appends a form of s (len bytes, NUL bytes allowed, need not be UTF-8) that can do nothing but be read:
 *   \x1b       C0, DEL, C1; also bytes that are not UTF-8
 *   \u{202e}   bidi controls, zero-width, soft hyphen, tags, other Cf/Co/Cn, line and paragraph separators, characters
 *              that draw nothing (variation selectors, fillers), blanks other than the space and U+3000, and a combining
 *              mark with nothing to stand on
 *   U+FFFD     once for all combining marks after the 4th on a base
 * A literal backslash stays a backslash. ASCII without controls is copied by a fast path. Idempotent. */
void text_safe(struct buf *out, const char *s, size_t len, unsigned flags);
/* Same into a fixed buffer, truncated at a character boundary, always terminated. Returns out. */
char *text_safe_str(char *out, size_t size, const char *s, size_t len);
char *text_safe_fmt(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool text_is_safe(const char *s, size_t len); /* text_safe(TEXT_LINE) would change nothing */

/* Masks what follows `Basic`, `Bearer`, `AUTH PLAIN` and the like, `api_…` tokens and the password of `//user:password@`
 * in place (same length, '*'): a server log at trace level holds them. */
void text_mask_secrets(char *s, size_t len);

int text_width(const char *s);                 /* columns of safe UTF-8 text */
int text_char(const char *s, size_t len, uint32_t *cp, int *width); /* bytes of the first character, >= 1 */
/* Copies at most `cols` columns of s; when cut the last column is `…` ("~" with TEXT_ASCII). Returns columns written. */
int text_fit(struct buf *out, const char *s, int cols, unsigned flags);
/* First occurrence ignoring ASCII case, or NULL. */
const char *text_find_fold(const char *hay, size_t hay_len, const char *needle, size_t needle_len);
bool text_utf8_valid(const char *s, size_t len);

/* Checked integer: the whole string, base 10, within [min,max]. */
bool text_int(const char *s, int64_t min, int64_t max, int64_t *out);
/* "1,204" */
char *text_grouped(uint64_t n, char *out, size_t size);

#endif
