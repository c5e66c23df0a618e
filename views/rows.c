/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "views/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "views/export.h"

static void forget(struct store_rows *r)
{
	if (r->free_rows)
		r->free_rows(r->rows, r->count);
	free(r->rank);
	r->rows = NULL;
	r->rank = NULL;
	r->count = r->total = 0;
	err_clear(&r->err);
}

void store_rows_read(
	struct view *v, bool (*read)(struct view *, struct store_rows *), void (*free_rows)(void *, size_t))
{
	struct store_rows *r = store_rows_of(v);

	forget(r);
	r->free_rows = free_rows;
	if (!app_of(v)->store)
		r->err = app_of(v)->store_err;
	else if (!read(v, r))
		r->count = 0;
	view_changed(v);
}

static void stop(struct view *v)
{
	struct store_rows *r = store_rows_of(v);

	if (!r->source)
		return;
	timer_stop(&r->turn);
	r->source->end(v);
	r->source = NULL;
	app_of(v)->jobs--;
}

static void show(struct view *v, const struct rows_source *source, const struct err *err)
{
	struct store_rows *r = store_rows_of(v);

	forget(r);
	r->free_rows = source->free_rows;
	if (err->code == ERR_NONE)
		source->take(v, r);
	else
		r->err = *err;
	view_changed(v);
}

static void on_turn(struct loop *loop, void *arg)
{
	struct view *v = arg;
	struct store_rows *r = store_rows_of(v);
	struct err err = ERR_INIT;
	int64_t began = clock_mono();
	bool is_done = false;

	while (err.code == ERR_NONE && !is_done && !app_turn_is_over(began))
		r->source->step(v, &is_done, &err);
	if (err.code == ERR_NONE && !is_done) {
		timer_start(loop, &r->turn, 0, &v->scope, on_turn, v);
		return;
	}
	show(v, r->source, &err);
	stop(v);
}

void store_rows_begin(struct view *v, const struct rows_source *source)
{
	struct store_rows *r = store_rows_of(v);
	struct err err = ERR_INIT;

	stop(v);
	if (!source->begin(v, &err)) {
		show(v, source, &err);
		return;
	}
	r->source = source;
	app_of(v)->jobs++;
	timer_start(app_of(v)->loop, &r->turn, 0, &v->scope, on_turn, v);
	view_redraw(v);
}

void store_rows_close(struct view *v)
{
	stop(v);
	forget(store_rows_of(v));
}

size_t store_rows_count(const struct view *v)
{
	return store_rows_of(v)->count;
}

void store_rows_status(const struct view *v, struct view_status *out, const char *nothing)
{
	const struct store_rows *r = store_rows_of(v);
	char shown[32], all[32];

	if (r->total > r->count)
		snprintf(out->right, sizeof(out->right), "the first %s of %s",
			text_grouped(r->count, shown, sizeof(shown)), text_grouped(r->total, all, sizeof(all)));
	if (r->source)
		nothing = "reading the history…";
	snprintf(out->empty, sizeof(out->empty), "%.300s", r->err.code != ERR_NONE ? r->err.msg : nothing);
}

struct ranking {
	const void *rows;
	const struct net *(*net_of)(const void *rows, size_t row);
};

static int cmp(const void *x, const void *y, void *arg)
{
	const struct ranking *r = arg;
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
	int c = net_cmp(r->net_of(r->rows, a), r->net_of(r->rows, b));

	return c ? c : (a > b) - (a < b);
}

void store_rows_rank(struct store_rows *r, const struct net *(*net_of)(const void *rows, size_t row))
{
	struct ranking ranking = { r->rows, net_of };
	uint32_t *order = xmalloc((r->count ? r->count : 1) * sizeof(*order));

	free(r->rank);
	r->rank = xmalloc((r->count ? r->count : 1) * sizeof(*r->rank));
	for (size_t i = 0; i < r->count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, r->count, sizeof(*order), cmp, &ranking);
	for (size_t i = 0; i < r->count; i++)
		r->rank[order[i]] = (uint32_t)i;
	free(order);
}

void store_rows_export(struct view *v, const struct net *(*net_of)(const void *rows, size_t row))
{
	const void *rows = store_rows_of(v)->rows;
	struct entrylist *l;
	char net[NET_BUF];

	if (view_shown_count(v) == 0 || !net_of(rows, 0)->family) {
		export_text(v);
		return;
	}
	l = entrylist_new();
	for (size_t i = 0; i < view_shown_count(v); i++) {
		net_format(net_of(rows, view_shown_row(v, i)), net, sizeof(net));
		entrylist_add(l, net, strlen(net), NULL, 0, NULL, REASON_NONE, ORIGIN_SERVER, TIME_NONE, TIME_NONE);
	}
	entrylist_finish(l);
	export_nets(v, l, 0);
}
