/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters over whole lists. Plain text goes through the list's text front to back, not row by row:
 * the text lies in row order (entrylist_finish()), so a place found leads to its row by walking on.
 */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "model/filter_private.h"

#define SWEEP_SHARE 8 /* sweeping all text pays while more than 1/8 of the rows are left */

void filter_hits_release(struct filter_hits *h)
{
	free(h->rows);
	*h = (struct filter_hits){NULL, 0, 0};
}

static void hits_reserve(struct filter_hits *h, size_t n)
{
	if (n <= h->cap)
		return;
	h->rows = xreallocarray(h->rows, n, sizeof(*h->rows));
	h->cap = n;
}

/* A row with the texts a list shows of it. */
struct view {
	struct filter_row row;
	struct slice text[4];
};

static void view_fill(
	struct view *v, const struct entrylist *l, size_t i, bool needs_cover, int64_t now)
{
	const struct entry *e = &l->rows[i];
	struct filter_row *r = &v->row;

	memset(r, 0, sizeof(*r));
	entry_net(e, &r->net);
	r->reason = (enum reason)e->reason;
	r->origin = (enum origin)e->origin;
	r->state = entry_state(l, i, now);
	r->created = entry_created(e);
	r->expires = entry_expires(e);
	r->note = slice_of(entry_note(l, i));
	r->is_covered =
		needs_cover && e->family && entrylist_covering(l, &r->net, (ptrdiff_t)i, now) >= 0;
	v->text[0] = slice_of(entry_key(l, i));
	v->text[1] = slice_of(reason_text(r->reason));
	v->text[2] = slice_of(!e->family ? "" : net_is_address(&r->net) ? "address" : "network");
	v->text[3] = slice_of(r->state == ENTRY_ACTIVE ? "" : entry_state_text(r->state));
	r->text = v->text;
	r->text_count = 4;
}

static bool match_row(const struct filter *f, const struct entrylist *l, size_t i, bool needs_cover,
	int64_t now, size_t skip_text)
{
	struct view v;
	struct filter_subject s = {&v.row, NULL, now};

	view_fill(&v, l, i, needs_cover, now);
	return filter_match_terms(f, &s, skip_text);
}

bool filter_match_entry(const struct filter *f, const struct entrylist *l, size_t row, int64_t now)
{
	return filter_is_empty(f) || match_row(f, l, row, filter_needs_cover(f), now, 0);
}

/* One sweep for one text term: a byte per row, 1 = found. */
struct sweep {
	const struct entrylist *l;
	uint8_t *found;
	size_t row; /* nothing is looked for before it */
};

/* Where row i's text begins; the end of all text after the last. */
static size_t text_start(const struct entrylist *l, size_t i)
{
	return i < l->count ? l->rows[i].text : l->arena_len;
}

static size_t row_at(const struct sweep *s, size_t at)
{
	size_t lo = s->row, step = 1;

	if (lo + 1 < s->l->count && s->l->rows[lo + 1].text > at)
		return lo;
	while (lo + step < s->l->count && s->l->rows[lo + step].text <= at) {
		lo += step;
		step *= 2;
	}
	for (; step; step /= 2)
		if (lo + step < s->l->count && s->l->rows[lo + step].text <= at)
			lo += step;
	return lo;
}

/* Found in the key or the note: done with this row. Found in the id, which is not shown: go on in
 * it. */
static size_t on_hit(void *arg, size_t at)
{
	struct sweep *s = arg;
	size_t row = row_at(s, at), start = text_start(s->l, row);
	const char *nul = memchr(s->l->arena + start, '\0', at - start);

	if (nul && memchr(nul + 1, '\0', (size_t)(s->l->arena + at - nul - 1)))
		return at + 1;
	s->found[row] = 1;
	s->row = row + 1 < s->l->count ? row + 1 : row;
	return text_start(s->l, row + 1);
}

/* The words a list shows beside the text of the server. */
static void mark_words(
	const struct filter_term *t, const struct entrylist *l, int64_t now, uint8_t *found)
{
	if (!t->shown_reasons && !t->shown_kind[0] && !t->shown_kind[1] && !t->shown_expired &&
		!t->shown_malformed)
		return;
	for (size_t i = 0; i < l->count; i++) {
		const struct entry *e = &l->rows[i];
		bool is_network = e->family && e->prefix != (e->family == 4 ? 32 : 128);

		if (t->shown_reasons & 1u << e->reason ||
			(e->family && t->shown_kind[is_network]) ||
			(t->shown_malformed && !e->family) ||
			(t->shown_expired && entry_state(l, i, now) == ENTRY_EXPIRED))
			found[i] = 1;
	}
}

static void keep_found(struct filter_hits *h, const uint8_t *found, uint8_t want)
{
	size_t n = 0;

	for (size_t k = 0; k < h->count; k++) {
		h->rows[n] = h->rows[k];
		n += found[h->rows[k]] == want;
	}
	h->count = n;
}

/* Sweeps for the first text terms while that is cheaper than looking row by row; returns how many
 * it did. */
static size_t sweep_texts(
	const struct filter *f, const struct entrylist *l, int64_t now, struct filter_hits *hits)
{
	uint8_t *found = NULL;
	size_t done = 0;

	for (size_t i = 0; i < f->count && hits->count > l->count / SWEEP_SHARE; i++) {
		const struct filter_term *t = &f->terms[i];
		struct sweep s = {.l = l};

		if (t->key != filter_key_text())
			continue;
		if (!found)
			found = xmalloc(l->count);
		memset(found, 0, l->count);
		s.found = found;
		needle_sweep(&t->needle, l->arena, l->arena_len, on_hit, &s);
		mark_words(t, l, now, found);
		keep_found(hits, found, !t->negated);
		done++;
	}
	free(found);
	return done;
}

static void keep_matching(const struct filter *f, const struct entrylist *l, int64_t now,
	struct filter_hits *hits, size_t skip_text)
{
	bool needs_cover = filter_needs_cover(f);
	size_t n = 0;

	if (skip_text == f->count)
		return;
	for (size_t k = 0; k < hits->count; k++) {
		hits->rows[n] = hits->rows[k];
		n += match_row(f, l, hits->rows[k], needs_cover, now, skip_text);
	}
	hits->count = n;
}

void filter_list(
	const struct filter *f, const struct entrylist *l, int64_t now, struct filter_hits *hits)
{
	hits_reserve(hits, l->count);
	for (size_t i = 0; i < l->count; i++)
		hits->rows[i] = (uint32_t)i;
	hits->count = l->count;
	filter_list_narrow(f, l, now, hits);
}

void filter_list_narrow(
	const struct filter *f, const struct entrylist *l, int64_t now, struct filter_hits *hits)
{
	if (filter_is_empty(f) || !hits->count)
		return;
	keep_matching(f, l, now, hits, sweep_texts(f, l, now, hits));
}
