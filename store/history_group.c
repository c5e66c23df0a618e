/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bans grouped by day, address, range, reason or account, and the figures of hours and days: one pass over the packed rows. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/aggmap.h"
#include "store/history_scan.h"

#define DAY_S 86400u
#define HOUR_S 3600u

static const char *const by_texts[HISTORY_BY_COUNT] = {
#define BY_TEXT(id, text) [HISTORY_BY_##id] = text,
	HISTORY_BY_INFO(BY_TEXT)
#undef BY_TEXT
};

const char *history_by_text(enum history_by by)
{
	return (unsigned)by < HISTORY_BY_COUNT ? by_texts[by] : "";
}

bool history_by_parse(const char *s, enum history_by *out)
{
	int i;

	for (i = 0; i < HISTORY_BY_COUNT; i++) {
		if (strcmp(s, by_texts[i]) == 0) {
			*out = (enum history_by)i;
			return true;
		}
	}
	return false;
}

void history_query_init(struct history_query *q)
{
	memset(q, 0, sizeof(*q));
	q->since = q->until = TIME_NONE;
	q->class = CLASS_NONE;
}

/* --- collecting ------------------------------------------------------------------------------------------------------ */

struct grouping {
	const struct scan_filter *filter;
	enum history_by by;
	uint8_t prefix4, prefix6;
	struct aggmap groups;      /* count = bans, other = addresses, first/last in s */
	struct fingerprints pairs; /* group and address */
};

static void make_key(const struct grouping *g, const struct packed_ban *b, uint64_t key[3])
{
	struct net n, wide;

	key[0] = key[1] = key[2] = 0;
	switch (g->by) {
	case HISTORY_BY_DAY:
		key[0] = b->time / DAY_S;
		break;
	case HISTORY_BY_REASON:
		key[0] = b->class;
		break;
	case HISTORY_BY_ACCOUNT:
		key[0] = b->account;
		break;
	case HISTORY_BY_ADDRESS:
	case HISTORY_BY_RANGE:
		memcpy(n.addr, b->addr, sizeof(n.addr));
		n.family = b->family;
		n.prefix = b->family == 4 ? 32 : 128;
		if (g->by == HISTORY_BY_RANGE) {
			net_widen(&n, b->family == 4 ? g->prefix4 : g->prefix6, &wide);
			n = wide;
		}
		aggmap_net_key(&n, key);
		break;
	case HISTORY_BY_COUNT:
		break;
	}
}

static uint64_t address_print(const struct packed_ban *b, uint64_t salt)
{
	uint64_t half[2];

	memcpy(half, b->addr, sizeof(half));
	return scan_mix(half[0] ^ scan_mix(half[1] ^ scan_mix(salt + 1)) ^ b->family);
}

static void add_bans(const struct packed_ban *rows, size_t count, void *arg)
{
	struct grouping *g = arg;
	uint64_t key[3];
	struct agg *a;
	bool is_new;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct packed_ban *b = &rows[i];

		if (!scan_fits(g->filter, b))
			continue;
		make_key(g, b, key);
		a = aggmap_get(&g->groups, key[0], key[1], key[2], &is_new);
		a->count++;
		a->by_class[b->class & 3]++;
		if (is_new || b->time < a->first)
			a->first = b->time;
		if (b->time > a->last)
			a->last = b->time;
		if (g->by == HISTORY_BY_ADDRESS)
			a->other = 1;
		else if (fingerprints_add(&g->pairs, address_print(b, (uint64_t)(a - g->groups.rows))))
			a->other++;
	}
}

/* --- sorting --------------------------------------------------------------------------------------------------------- */

/* Negative: a comes before b. */
typedef int (*agg_cmp)(const struct agg *a, const struct agg *b);

static int cmp_key(const struct agg *a, const struct agg *b)
{
	struct net na, nb;
	int i;

	if (a->key[2] & 0xff) { /* a family: addresses and ranges */
		aggmap_key_net(a->key, &na);
		aggmap_key_net(b->key, &nb);
		return net_cmp(&na, &nb);
	}
	for (i = 0; i < 3; i++) {
		if (a->key[i] != b->key[i])
			return a->key[i] < b->key[i] ? -1 : 1;
	}
	return 0;
}

static int cmp_newest(const struct agg *a, const struct agg *b)
{
	if (a->last != b->last)
		return a->last > b->last ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return cmp_key(a, b);
}

static int cmp_most(const struct agg *a, const struct agg *b)
{
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return cmp_newest(a, b);
}

static agg_cmp sort_cmp(enum history_sort sort)
{
	switch (sort) {
	case HISTORY_MOST:
		return cmp_most;
	case HISTORY_KEY:
		return cmp_key;
	case HISTORY_NEWEST:
		break;
	}
	return cmp_newest;
}

/* Moves heap[at] down: the root is the row that comes last. */
static void sift(struct agg *heap, size_t count, size_t at, agg_cmp cmp)
{
	for (;;) {
		size_t big = at, child = 2 * at + 1;
		struct agg swap;

		if (child < count && cmp(&heap[child], &heap[big]) > 0)
			big = child;
		if (child + 1 < count && cmp(&heap[child + 1], &heap[big]) > 0)
			big = child + 1;
		if (big == at)
			return;
		swap = heap[at];
		heap[at] = heap[big];
		heap[big] = swap;
		at = big;
	}
}

/* The first `limit` rows in order, to the front: a heap of the best so far, so that a million groups need no full sort. */
static size_t sort_first(struct agg *rows, size_t count, size_t limit, agg_cmp cmp)
{
	size_t i, n = limit && limit < count ? limit : count;
	struct agg swap;

	for (i = n / 2; i-- > 0;)
		sift(rows, n, i, cmp);
	for (i = n; i < count; i++) {
		if (cmp(&rows[i], &rows[0]) < 0) {
			swap = rows[0];
			rows[0] = rows[i];
			rows[i] = swap;
			sift(rows, n, 0, cmp);
		}
	}
	for (i = n; i-- > 1;) {
		swap = rows[0];
		rows[0] = rows[i];
		rows[i] = swap;
		sift(rows, i, 0, cmp);
	}
	return n;
}

static int cmp_account(const void *a, const void *b)
{
	return strcmp(((const struct history_row *)a)->account, ((const struct history_row *)b)->account);
}

/* --- public ---------------------------------------------------------------------------------------------------------- */

static void fill_row(struct store *s, enum history_by by, const struct agg *a, struct history_row *row)
{
	int c;

	memset(row, 0, sizeof(*row));
	row->class = CLASS_NONE;
	row->day = TIME_NONE;
	row->bans = a->count;
	row->addresses = a->other;
	row->first = a->first * 1000;
	row->last = a->last * 1000;
	for (c = 0; c < CLASS_COUNT; c++)
		row->by_class[c] = a->by_class[c];
	switch (by) {
	case HISTORY_BY_DAY:
		row->day = (int64_t)a->key[0] * DAY_S * 1000;
		break;
	case HISTORY_BY_REASON:
		row->class = (enum ban_class)a->key[0];
		break;
	case HISTORY_BY_ADDRESS:
	case HISTORY_BY_RANGE:
		aggmap_key_net(a->key, &row->net);
		break;
	case HISTORY_BY_ACCOUNT:
		row->account = scan_word_text(s, (int64_t)a->key[0]);
		break;
	case HISTORY_BY_COUNT:
		break;
	}
	if (row->account == NULL)
		row->account = xstrdup("");
}

static void make_rows(struct store *s, enum history_by by, const struct history_query *q, struct grouping *g, struct history_row **rows,
	size_t *count, size_t *total)
{
	bool by_text = by == HISTORY_BY_ACCOUNT && q->sort == HISTORY_KEY;
	size_t i, kept = 0;

	for (i = 0; i < g->groups.count; i++) {
		if (g->groups.rows[i].count >= q->at_least)
			g->groups.rows[kept++] = g->groups.rows[i];
	}
	if (total)
		*total = kept;
	kept = sort_first(g->groups.rows, kept, by_text ? 0 : q->limit, sort_cmp(q->sort));
	*rows = xcalloc(kept + 1, sizeof(**rows));
	for (i = 0; i < kept; i++)
		fill_row(s, by, &g->groups.rows[i], &(*rows)[i]);
	*count = kept;
	if (!by_text)
		return;
	qsort(*rows, kept, sizeof(**rows), cmp_account);
	for (; q->limit && *count > q->limit; (*count)--)
		free((*rows)[*count - 1].account);
}

bool history_group(struct store *s, enum history_by by, const struct history_query *q, struct history_row **rows, size_t *count,
	size_t *total, struct err *err)
{
	struct scan_filter filter;
	struct grouping g = { .filter = &filter, .by = by, .prefix4 = q->prefix4 ? q->prefix4 : 24, .prefix6 = q->prefix6 ? q->prefix6 : 48 };
	bool ok;

	*rows = NULL;
	*count = 0;
	if (total)
		*total = 0;
	if (!db_may_read(s, err) || !scan_filter_make(s, q, &filter, err))
		return false;
	ok = scan_bans(s, &filter, add_bans, &g, err);
	if (ok)
		make_rows(s, by, q, &g, rows, count, total);
	aggmap_release(&g.groups);
	fingerprints_release(&g.pairs);
	return ok;
}

void history_rows_free(struct history_row *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(rows[i].account);
	free(rows);
}

/* --- hours and days --------------------------------------------------------------------------------------------------- */

struct buckets {
	const struct scan_filter *filter;
	uint32_t first, width; /* s */
	size_t count;
	uint32_t *hours;
	struct history_day *days;
	struct fingerprints pairs;
};

static void add_buckets(const struct packed_ban *rows, size_t count, void *arg)
{
	struct buckets *b = arg;
	size_t i, at;

	for (i = 0; i < count; i++) {
		if (!scan_fits(b->filter, &rows[i]))
			continue;
		at = (rows[i].time - b->first) / b->width;
		if (at >= b->count)
			continue;
		if (b->hours) {
			b->hours[at]++;
			continue;
		}
		b->days[at].bans++;
		b->days[at].by_class[rows[i].class & 3]++;
		b->days[at].addresses += fingerprints_add(&b->pairs, address_print(&rows[i], at));
	}
}

/* Buckets that end with the one `now` is in. */
static bool fill_buckets(struct store *s, const char *server, int64_t now, struct buckets *b, struct err *err)
{
	struct scan_filter filter;
	struct history_query q;
	bool ok;

	history_query_init(&q);
	q.server = server;
	b->first = (scan_seconds(now) / b->width + 1) * b->width - (uint32_t)b->count * b->width;
	q.since = (int64_t)b->first * 1000;
	q.until = q.since + (int64_t)b->count * b->width * 1000;
	b->filter = &filter;
	if (!db_may_read(s, err) || !scan_filter_make(s, &q, &filter, err))
		return false;
	ok = scan_bans(s, &filter, add_buckets, b, err);
	fingerprints_release(&b->pairs);
	return ok;
}

bool history_hours(struct store *s, const char *server, int64_t now, uint32_t *out, size_t hours, struct err *err)
{
	struct buckets b = { .width = HOUR_S, .count = hours, .hours = out };

	memset(out, 0, hours * sizeof(*out));
	return fill_buckets(s, server, now, &b, err);
}

bool history_days(struct store *s, const char *server, int64_t now, struct history_day *out, size_t days, struct err *err)
{
	struct buckets b = { .width = DAY_S, .count = days, .days = out };
	int64_t today = time_day_start(now);
	size_t i;

	memset(out, 0, days * sizeof(*out));
	for (i = 0; i < days; i++)
		out[i].day = today - (int64_t)(days - 1 - i) * DAY_S * 1000;
	return fill_buckets(s, server, now, &b, err);
}
