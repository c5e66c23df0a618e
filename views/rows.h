/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lists read from the store have in common: rows that are freed as a whole, their count, their error; read at once
 * or in turns of the loop. Such a view's state begins with a struct store_rows; count, close and status are then these.
 */
#ifndef VIEWS_ROWS_H
#define VIEWS_ROWS_H

#include "views/views.h"

struct store_rows;

/* Rows that are made by a job of steps, in view->state. */
struct rows_source {
	bool (*begin)(struct view *v, struct err *err);               /* false: err says why not */
	bool (*step)(struct view *v, bool *is_done, struct err *err); /* some tenths of a ms */
	void (*take)(struct view *v, struct store_rows *r);           /* rows, count and total */
	void (*end)(struct view *v);                                  /* frees the job, done or not */
	void (*free_rows)(void *rows, size_t count);
};

struct store_rows {
	void *rows;              /* owned: freed by `free_rows` */
	size_t count, total;     /* total: without the limit; 0 = the same */
	void (*free_rows)(void *rows, size_t count);
	struct err err;          /* why there are none */
	uint32_t *rank;          /* by address, where rows have one: see store_rows_rank() */
	const struct rows_source *source; /* at work; NULL = not */
	struct timer turn;
};

/* Defines row_of() and free_rows() for rows of that type. */
#define STORE_ROWS(type, release)                                                                  \
	static const type *row_of(const struct view *v, size_t row)                                \
	{                                                                                          \
		return &((const type *)store_rows_of(v)->rows)[row];                               \
	}                                                                                          \
	static void free_rows(void *rows, size_t count)                                            \
	{                                                                                          \
		release(rows, count);                                                              \
	}

static inline struct store_rows *store_rows_of(const struct view *v)
{
	return v->state;
}

/* Frees what was there, has `read` fill rows and count, and tells the table. Without a store err says why. */
void store_rows_read(
	struct view *v, bool (*read)(struct view *, struct store_rows *), void (*free_rows)(void *, size_t));
/* The same in turns of the loop: what was there stays until the new rows are complete. Begins anew when it is at work.
 */
void store_rows_begin(struct view *v, const struct rows_source *source);
void store_rows_close(struct view *v);
size_t store_rows_count(const struct view *v);
/* "the first 10,000 of 12,000", and what stands in place of rows: the error, that they are being read, or `nothing`. */
void store_rows_status(const struct view *v, struct view_status *out, const char *nothing);

/* Sort keys of addresses: net_of says where a row has its net. Called by `read`. */
void store_rows_rank(struct store_rows *r, const struct net *(*net_of)(const void *rows, size_t row));
/* Addresses or networks of the rows shown, for a firewall; as text where rows have none. */
void store_rows_export(struct view *v, const struct net *(*net_of)(const void *rows, size_t row));

#endif
