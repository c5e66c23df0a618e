/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to the log panel: log.c has the source and the keys, log_ring.c the lines that are kept; log_rows.c says what a line looks like
 * and whether a filter takes it. */
#ifndef VIEWS_LOG_H
#define VIEWS_LOG_H

#include "client/logsource.h"
#include "model/filter.h"
#include "views/views.h"

#define LOG_RING 100000 /* lines kept */

enum log_column { COL_TIME, COL_LEVEL, COL_EVENT, COL_ADDRESS, COL_ACCOUNT, COL_DETAILS };

struct log_row {
	char *line;            /* owned, secrets masked */
	struct event event;    /* points into line */
	struct event_facts facts;
	uint64_t id;
};

struct log_state {
	struct observer observer;
	struct logsource *source;
	struct log_row *ring;  /* newest at `head - 1`, going down; oldest at `tail` */
	size_t head, tail;     /* counters, modulo LOG_RING */
	uint64_t next_id;
	struct filter *filter;
	bool hides_own;        /* the console's own auth.success lines */
	char state[256];       /* of the source */
	char notice[400];      /* nothing is logged: what to change */
	struct err err;
};

void log_ring_add_newer(const struct view *v, const struct event *ev);
void log_ring_add_older(const struct view *v, const struct event *ev); /* dropped when the ring is full */
void log_ring_forget(struct log_state *s);
size_t log_ring_count(const struct view *v);
const struct log_row *log_row_of(const struct view *v, size_t row);
uint64_t log_row_id(const struct view *v, size_t row);

void log_cell(const struct view *v, size_t row, int col, struct cell *out);
void log_detail(const struct view *v, size_t row, struct page *p, int width);

bool log_filter_compile(struct view *v, const char *text, struct err *err);
bool log_filter_narrows(const struct view *v, const char *before, const char *now);
bool log_filter_match(const struct view *v, size_t row);

#endif
