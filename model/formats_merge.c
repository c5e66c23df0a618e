/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import --merge: rows that end together become the fewest networks over exactly the same
 * addresses. */
#include <stdlib.h>

#include "core/mem.h"
#include "model/formats_private.h"
#include "model/ranges.h"

static int cmp_row(const void *x, const void *y)
{
	const struct import_row *a = *(const struct import_row *const *)x,
				*b = *(const struct import_row *const *)y;

	if (a->list != b->list)
		return (int)a->list - (int)b->list;
	if (a->expires != b->expires)
		return a->expires < b->expires ? -1 : 1;
	return net_cmp(&a->net, &b->net);
}

/* rows[0..n) lie in `net` and nothing else does: the first one stands for all. */
static size_t merge_into(struct import_row **rows, size_t n, const struct net *net)
{
	struct import_row *keep = rows[0];

	for (size_t i = 1; i < n; i++) {
		rows[i]->skip = IMPORT_MERGED;
		if (rows[i]->reason != keep->reason)
			keep->reason = REASON_NONE;
		if (rows[i]->created != TIME_NONE &&
			(keep->created == TIME_NONE || rows[i]->created < keep->created))
			keep->created = rows[i]->created;
		if (!keep->note)
			keep->note = rows[i]->note;
	}
	keep->net = *net;
	return n - 1;
}

/* One list, one expiry, sorted by net. */
static size_t merge_group(struct import_row **rows, size_t n)
{
	struct net *nets = xmalloc(n * sizeof(*nets));
	size_t saved = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		nets[i] = rows[i]->net;
	size_t left = nets_merge(nets, n);
	for (size_t k = 0; k < left && left < n; k++) {
		size_t from = at;

		while (at < n && net_contains(&nets[k], &rows[at]->net))
			at++;
		saved += merge_into(rows + from, at - from, &nets[k]);
	}
	free(nets);
	return saved;
}

size_t import_merge(struct import *im)
{
	struct import_row **rows = xmalloc((im->count ? im->count : 1) * sizeof(*rows));
	size_t n = 0, saved = 0;

	for (size_t i = 0; i < im->count; i++)
		if (im->rows[i].skip == IMPORT_TAKE)
			rows[n++] = &im->rows[i];
	if (n)
		qsort(rows, n, sizeof(*rows), cmp_row);
	for (size_t i = 0; i < n;) {
		size_t end = i + 1;

		while (end < n && rows[end]->list == rows[i]->list &&
			rows[end]->expires == rows[i]->expires)
			end++;
		saved += merge_group(rows + i, end - i);
		i = end;
	}
	free(rows);
	return saved;
}
