/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where pages meet: a line written between two answers pushes others over the edge of a page, and they come again. */
#include "client/logpages.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

#define OVERLAP_MAX 8192 /* lines compared where two pages meet */

bool logpages_is_body(const struct event *ev)
{
	return slice_starts(ev->id, "http.") && memmem(ev->id.p, ev->id.len, "-body", strlen("-body"));
}

void logpages_parse(struct log_page *page, size_t line, struct event *out)
{
	char *s = page->text.data + page->line[line];
	size_t len = strlen(s);

	if (len > EVENT_MAX)
		len = EVENT_MAX;
	len = event_strip_ansi(s, len);
	s[len] = '\0'; /* it may be read again */
	text_mask_secrets(s, len); /* trace level logs every request's Authorization header (seen on 0.15.5) */
	event_parse(s, len, out);
}

static uint64_t line_hash(struct log_page *page, size_t line)
{
	struct event ev;

	logpages_parse(page, line, &ev);
	return event_hash(&ev);
}

/* Knuth, Morris, Pratt: the longest start of `want` that ends `have`; both n long. */
static size_t longest_join(const uint64_t *want, const uint64_t *have, size_t n)
{
	size_t *fail = xcalloc(n, sizeof(*fail)), k = 0;

	for (size_t i = 1; i < n; i++) {
		while (k > 0 && want[i] != want[k])
			k = fail[k - 1];
		k += want[i] == want[k];
		fail[i] = k;
	}
	k = 0;
	for (size_t i = 0; i < n; i++) {
		while (k > 0 && (k == n || have[i] != want[k]))
			k = fail[k - 1];
		k += have[i] == want[k];
	}
	free(fail);
	return k;
}

/* Lines at the start of b that are the end of a. */
static size_t overlap(struct log_page *a, struct log_page *b)
{
	size_t n = a->count < b->count ? a->count : b->count, k;
	uint64_t *want, *have;

	n = n < OVERLAP_MAX ? n : OVERLAP_MAX;
	if (n == 0)
		return 0;
	want = xcalloc(n, sizeof(*want));
	have = xcalloc(n, sizeof(*have));
	for (size_t i = 0; i < n; i++) {
		want[i] = line_hash(b, i);
		have[i] = line_hash(a, a->count - n + i);
	}
	k = longest_join(want, have, n);
	free(want);
	free(have);
	return k;
}

/* The lines that a said to be the next page's first are. */
static bool is_joined(struct log_page *a, struct log_page *b)
{
	if (b->count < a->overlap)
		return false;
	for (size_t i = 0; i < a->overlap; i++)
		if (line_hash(a, a->count - a->overlap + i) != line_hash(b, i))
			return false;
	return true;
}

bool logpages_take(struct logpages *l, struct log_page *page)
{
	struct log_page *before = l->count ? l->page[l->count - 1] : NULL;
	bool joined = !before || is_joined(before, page);
	size_t k = !before ? 0 : before->overlap && joined ? before->overlap : overlap(before, page);

	memmove(page->line, page->line + k, (page->count - k) * sizeof(*page->line));
	page->count -= k;
	xgrow(&l->page, &l->cap, l->count + 1, sizeof(struct log_page *));
	l->page[l->count++] = page;
	l->lines += page->count;
	l->bytes += page->text.len;
	return joined;
}

void logpages_drop(struct logpages *l)
{
	while (l->count > 0)
		log_page_free(l->page[--l->count]);
	l->lines = l->bytes = 0;
}

void logpages_release(struct logpages *l)
{
	logpages_drop(l);
	free(l->page);
	*l = (struct logpages){ 0 };
}

struct log_page *logpages_last(const struct logpages *l)
{
	return l->page[l->count - 1];
}

size_t logpages_find(const struct logpages *l, const uint64_t *hashes, size_t n)
{
	uint64_t last[LOGPAGES_TAIL] = { 0 };
	size_t at = 0;

	for (size_t p = 0; p < l->count; p++)
		for (size_t i = 0; i < l->page[p]->count; i++) {
			memmove(last, last + 1, sizeof(last) - sizeof(last[0]));
			last[LOGPAGES_TAIL - 1] = line_hash(l->page[p], i);
			at++;
			if (at >= n && !memcmp(last + LOGPAGES_TAIL - n, hashes, n * sizeof(last[0])))
				return at;
		}
	return 0;
}

int64_t logpages_oldest(const struct logpages *l)
{
	struct event ev;

	for (size_t p = l->count; p > 0; p--)
		for (size_t i = l->page[p - 1]->count; i > 0; i--) {
			logpages_parse(l->page[p - 1], i - 1, &ev);
			if (ev.time != TIME_NONE)
				return ev.time;
		}
	return TIME_NONE;
}
