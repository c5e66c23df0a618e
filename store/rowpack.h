/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of a few columns in one blob, each told by what differs from the row before it: a hundred
 * thousand edits of one import take a few bytes each. Knows no table. */
#ifndef STORE_ROWPACK_H
#define STORE_ROWPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

#define ROWPACK_COLUMNS 16 /* at most */

enum rowpack_type { ROWPACK_NULL, ROWPACK_INT, ROWPACK_TEXT };
struct rowpack_cell {
	enum rowpack_type type;
	int64_t number;
	const char *text; /* NUL-terminated at len when it was read */
	size_t len;
};

struct rowpack {
	struct buf out; /* the blob so far */
	size_t columns;
	struct {
		enum rowpack_type type;
		int64_t number;
		size_t at, len; /* of the text, in out */
	} last[ROWPACK_COLUMNS];
};

void rowpack_begin(struct rowpack *p, size_t columns); /* keeps the memory of the one before */
void rowpack_add(struct rowpack *p, const struct rowpack_cell *row);
void rowpack_release(struct rowpack *p);

/* The blob is borrowed; texts point into it. */
struct rowpack_reader {
	const unsigned char *p, *end;
	size_t columns;
	struct rowpack_cell row[ROWPACK_COLUMNS];
};
void rowpack_read(struct rowpack_reader *r, const void *blob, size_t len, size_t columns);
/* False at the end, and where the blob makes no sense: then p is not at the end. */
bool rowpack_next(struct rowpack_reader *r);

static inline struct rowpack_cell rowpack_int(int64_t n)
{
	return (struct rowpack_cell){ .type = ROWPACK_INT, .number = n };
}

struct rowpack_cell rowpack_text(const char *s); /* NULL stays NULL */

#endif
