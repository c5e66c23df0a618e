/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to views/certs*.c: the panel's state, its rows and the page of one. */
#ifndef VIEWS_CERTS_H
#define VIEWS_CERTS_H

#include "app/certs.h"
#include "views/views.h"

struct certs_state {
	struct observer observer;
	struct certs_job *job;
	struct certs_result result;
	bool probe_next;  /* the next gathering asks the endpoints, too */
	struct err err;
};

static inline const struct cert_row *certs_row(const struct view *v, size_t row)
{
	return &((const struct certs_state *)v->state)->result.table->rows[row];
}

enum role certs_role(enum cert_level l);

/* certs_rows.c */
extern const struct column certs_columns[];
uint64_t certs_row_id(const struct view *v, size_t row);
void certs_cell(const struct view *v, size_t row, int col, struct cell *out);
void certs_sort_key(const struct view *v, size_t row, int col, struct sort_key *out);

/* certs_detail.c */
void certs_detail(const struct view *v, size_t row, struct page *p, int width);

#endif
