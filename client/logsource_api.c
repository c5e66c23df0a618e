/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log lines from the server's API. A pass asks for the newest lines, and for four times as many when the last line seen is not among them:
 * one answer is one moment, while pages shift with every line written in between. Only past FEW or MANY lines it goes on page by page,
 * leaving out what overlaps. Then the lines are handed out oldest first, in slices. */
#include "client/logsource_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/logpages.h"
#include "core/clock.h"
#include "core/mem.h"
#include "model/logmark.h"

#define FIRST 200            /* lines of a quiet poll */
#define FEW 20000            /* in one answer while a console follows: decoding must not be felt */
#define GLANCE 800           /* lines at most when it is driven: one cheap look */
#define MANY 100000          /* in one answer of a sync; the API's own limit for us */
#define GROWTH 4
#define HAND_OUT 1000        /* lines at once */
#define SHIFTS_MAX 5         /* times a pass starts over because the log rotated under it */
#define HALVINGS_MAX 24      /* then a few lines at that edge are given up, and said to be */
#define BYTES_MAX ((size_t)512 << 20) /* held at once; what is older in one pass is lost and said so */
enum pass { PASS_NONE, PASS_FIRST, PASS_NEW, PASS_OLDER };

struct api_state {
	enum pass pass;
	bool is_asking;
	size_t limit;               /* lines asked for */
	bool replaces;              /* the answer takes the place of what is there */
	size_t bad;                 /* so many lines reach one that the server can't show; 0 = none met */
	size_t step;                /* how far the next look goes beyond what can be had; 0 = not that close yet */
	bool is_cut;                /* the pass ends above that line */
	unsigned shifts, halvings;
	struct logpages pages;
	size_t page, line;          /* handing out: the next line is line - 1 of that page */
	size_t handed, total;
	struct timer poll, slice;
	struct logmark mark;
	bool has_place;             /* the mark is a place in the log, not just empty */
	char *cursor;
	struct event *events;
	size_t event_cap;
	size_t known;               /* lines handed out since opening, for finding the backlog's end again */
	size_t older;               /* lines wanted by the pass for older ones */
	uint64_t tail[LOGPAGES_TAIL];       /* hashes of the oldest lines handed out, newest first */
	size_t tail_len;
};

static size_t limit_max(const struct logsource *src)
{
	return src->want.is_driven ? GLANCE : src->want.follow ? FEW : MANY;
}

static void begin_pass(struct logsource *src, enum pass pass);
static void ask(struct logsource *src, const char *cursor);

/* ---- collecting ---- */

/* All lines of the newest few seconds are there: they are what the next pass compares with. */
static bool reaches_past_window(const struct api_state *s)
{
	int64_t oldest = logpages_oldest(&s->pages);
	struct event newest = { .time = TIME_NONE };

	if (s->pages.page[0]->count)
		logpages_parse(s->pages.page[0], 0, &newest);
	return oldest == TIME_NONE || newest.time == TIME_NONE || oldest < newest.time - LOGMARK_WINDOW || s->pages.lines >= FEW;
}

/* The pass has all it came for. */
static bool is_enough(const struct logsource *src)
{
	const struct api_state *s = src->state;
	const struct log_page *last = logpages_last(&s->pages);

	if (!last->next[0] || last->count == 0 || s->pages.bytes > BYTES_MAX)
		return true;
	if (s->pass == PASS_OLDER)
		return s->pages.lines >= s->known + s->older;
	if (src->want.is_driven && s->pages.lines >= GLANCE)
		return true;
	if (s->pass == PASS_NEW)
		return logmark_is_before(&s->mark, logpages_oldest(&s->pages));
	if (src->want.cursor)
		return false; /* "": from the oldest line there is */
	return s->pages.lines >= src->want.newest && reaches_past_window(s);
}

/* ---- handing out ---- */

static void on_poll(struct loop *loop, void *arg)
{
	(void)loop;
	begin_pass(arg, PASS_NEW);
}

static void wait_for_more(struct logsource *src)
{
	struct api_state *s = src->state;

	if (!src->want.follow) {
		logsource_set_state(src, LOGSOURCE_ENDED, "");
		return;
	}
	if (!src->is_paused && !src->want.is_driven)
		timer_start(src->loop, &s->poll, session_profile(src->param)->refresh_ms, &src->scope, on_poll, src);
	logsource_set_state(src, src->is_paused ? LOGSOURCE_PAUSED : LOGSOURCE_LIVE, "");
}

static void hand_out(struct loop *loop, void *arg);

static void remember_tail(struct api_state *s, const struct event *events, size_t n)
{
	size_t keep = n < LOGPAGES_TAIL ? n : LOGPAGES_TAIL, move = LOGPAGES_TAIL - keep < s->tail_len ? LOGPAGES_TAIL - keep : s->tail_len;

	memmove(s->tail, s->tail + (s->tail_len - move), move * sizeof(s->tail[0]));
	for (size_t i = 0; i < keep; i++)
		s->tail[move + i] = event_hash(&events[n - keep + i]);
	s->tail_len = move + keep;
}

/* Newest first, from line `skip` on, at most n. False: the source is gone. */
static bool hand_out_backlog(struct logsource *src, size_t skip, size_t n)
{
	struct api_state *s = src->state;
	struct logbatch batch = { .is_backlog = true, .from = "", .cursor = "" };
	size_t at = 0, count = 0;

	for (size_t p = 0; p < s->pages.count; p++)
		for (size_t i = 0; i < s->pages.page[p]->count && count < n; i++) {
			struct event ev;

			if (at++ < skip)
				continue;
			logpages_parse(s->pages.page[p], i, &ev);
			if (logpages_is_body(&ev))
				continue;
			xgrow(&s->events, &s->event_cap, count + 1, sizeof(*s->events));
			s->events[count++] = ev;
		}
	src->has_more_backlog = at < s->pages.lines || logpages_last(&s->pages)->next[0];
	if (count == 0)
		return true;
	remember_tail(s, s->events, count);
	s->known += count;
	batch.events = s->events;
	batch.count = count;
	return logsource_deliver(src, &batch);
}

static void set_cursor(struct api_state *s)
{
	struct buf text = BUF_INIT;

	logmark_format(&s->mark, &text);
	free(s->cursor);
	s->cursor = buf_take(&text, NULL);
}

/* The present end becomes the place to go on from. */
static void mark_all(struct api_state *s)
{
	struct event ev;

	for (size_t p = 0; p < s->pages.count; p++)
		for (size_t i = 0; i < s->pages.page[p]->count; i++) {
			logpages_parse(s->pages.page[p], i, &ev);
			logmark_note(&s->mark, &ev);
		}
	s->has_place = true;
	set_cursor(s);
}

static void end_pass(struct logsource *src)
{
	struct api_state *s = src->state;

	logpages_drop(&s->pages);
	s->pass = PASS_NONE;
	wait_for_more(src);
}

static size_t collect_slice(struct logsource *src)
{
	struct api_state *s = src->state;
	size_t count = 0, spent = 0;

	for (size_t n = 0; n < HAND_OUT; n++) {
		struct event *ev;

		while (s->line == 0 && s->page > 0)
			s->line = s->pages.page[--s->page]->count;
		if (s->line == 0)
			break;
		xgrow(&s->events, &s->event_cap, count + 1, sizeof(*s->events));
		ev = &s->events[count];
		logpages_parse(s->pages.page[s->page], --s->line, ev);
		s->handed++;
		if (logpages_is_body(ev) || !logmark_note(&s->mark, ev))
			continue;
		count++;
		if (logsource_is_spent(src, ev->line.p, ev->line.len, &spent))
			break;
	}
	return count;
}

static void hand_out(struct loop *loop, void *arg)
{
	struct logsource *src = arg;
	struct api_state *s = src->state;
	struct logbatch batch = { .total = s->total };
	char *from = s->cursor;
	bool alive = true, is_last;

	if (src->is_paused)
		return; /* goes on when that ends */
	batch.count = collect_slice(src);
	batch.events = s->events;
	batch.done = s->handed;
	is_last = s->line == 0 && s->page == 0;
	if (batch.count > 0) {
		s->cursor = NULL;
		set_cursor(s);
		s->known += batch.count;
		batch.from = from;
		batch.cursor = s->cursor;
		alive = logsource_deliver(src, &batch);
		free(from);
	}
	if (!alive)
		return;
	if (!is_last)
		timer_start(loop, &s->slice, 0, &src->scope, hand_out, src);
	else
		end_pass(src);
}

static bool tell_gap(struct logsource *src)
{
	const struct api_state *s = src->state;
	const char *why = s->is_cut ? "the server can't show a line that is no UTF-8, nor what is older" : "the server shows nothing older";
	char text[200], since[TIME_BUF], until[TIME_BUF];
	int64_t oldest = logpages_oldest(&s->pages);

	time_format(oldest, until, sizeof(until));
	if (s->mark.newest == TIME_NONE)
		snprintf(text, sizeof(text), "lines before %s are missing: %s", until, why);
	else
		snprintf(text, sizeof(text), "lines from %s to %s may be missing: %s", time_format(s->mark.newest, since, sizeof(since)), until, why);
	return logsource_set_state(src, src->state_now, text);
}

static bool has_gap(const struct api_state *s)
{
	int64_t oldest = logpages_oldest(&s->pages);

	if (oldest == TIME_NONE || s->is_cut || s->shifts == SHIFTS_MAX)
		return oldest != TIME_NONE;
	return s->has_place && s->mark.newest != TIME_NONE && oldest > s->mark.newest + LOGMARK_WINDOW;
}

static void begin_handing(struct logsource *src)
{
	struct api_state *s = src->state;
	size_t skip;

	switch (s->pass) {
	case PASS_OLDER:
		skip = s->tail_len ? logpages_find(&s->pages, s->tail, s->tail_len) : 0;
		if (s->tail_len && !skip)
			src->has_more_backlog = false;
		else if (!hand_out_backlog(src, skip, s->older))
			return;
		if (s->is_cut && skip + s->older >= s->pages.lines)
			src->has_more_backlog = false;
		end_pass(src);
		return;
	case PASS_FIRST:
		if (!src->want.cursor) {
			mark_all(s);
			if (src->want.newest == 0 || hand_out_backlog(src, 0, src->want.newest))
				end_pass(src);
			return;
		}
		break;
	case PASS_NEW:
	case PASS_NONE:
		break;
	}
	if (has_gap(s) && !tell_gap(src))
		return;
	s->has_place = true;
	s->page = s->pages.count;
	s->line = 0;
	s->handed = 0;
	s->total = s->pages.lines;
	timer_start(src->loop, &s->slice, 0, &src->scope, hand_out, src);
}

/* ---- asking ---- */

static void fail(struct logsource *src, const struct err *err)
{
	struct api_state *s = src->state;
	bool for_good = err->code == ERR_UNSUPPORTED || err->code == ERR_PERMISSION;

	logpages_drop(&s->pages);
	s->pass = PASS_NONE;
	if (src->want.follow && !for_good && !src->is_paused && !src->want.is_driven)
		timer_start(src->loop, &s->poll, session_profile(src->param)->refresh_ms, &src->scope, on_poll, src);
	logsource_set_state(src, for_good ? LOGSOURCE_FAILED : LOGSOURCE_LOST, err->msg);
}

/* More lines than the one page there is. A line that is no UTF-8 makes every answer that reaches it an error (seen on 0.15.5 and 0.16.18): how
 * far one can go is found by halving, and again when the log has grown meanwhile. 0 = that many can't be had at once. */
static size_t next_limit(struct logsource *src)
{
	struct api_state *s = src->state;
	size_t good = s->pages.count ? s->limit : 0, limit = s->step ? good + s->step : good * GROWTH;

	if (s->bad > s->pages.lines + 1)
		return s->pages.lines ? (s->pages.lines + s->bad) / 2 : 1;
	s->bad = 0;
	s->step *= 2;
	if (good >= limit_max(src))
		return 0;
	return limit < limit_max(src) ? limit : limit_max(src);
}

static bool is_unreadable(struct logsource *src, const struct fetch_reply *reply)
{
	struct api_state *s = src->state;

	if (reply->err.code != ERR_IO || (s->limit == 1 && s->pages.count == 0))
		return false;
	if (!s->replaces || s->limit <= s->pages.lines + 1 || s->halvings++ == HALVINGS_MAX) {
		s->is_cut = true;
		begin_handing(src);
		return true;
	}
	s->bad = s->limit;
	s->step = 1;
	s->limit = next_limit(src);
	ask(src, "");
	return true;
}

static void take_page(struct logsource *src, struct log_page *page)
{
	struct api_state *s = src->state;
	bool is_full = page->count + page->skipped >= s->limit;
	size_t limit;

	if (s->replaces)
		logpages_drop(&s->pages);
	if (!logpages_take(&s->pages, page) && s->shifts < SHIFTS_MAX) {
		s->shifts++; /* the log rotated between two answers: what the first said of the second is void */
		ask(src, "");
	} else if (is_enough(src)) {
		begin_handing(src);
	} else if (s->replaces && is_full && (limit = next_limit(src))) {
		s->limit = limit;
		ask(src, "");
	} else {
		s->bad = 0;
		ask(src, page->next);
	}
}

static void on_page(void *arg, struct fetch_reply *reply)
{
	struct logsource *src = arg;
	struct api_state *s = src->state;
	struct log_page *page = reply->log;

	s->is_asking = false;
	if (is_unreadable(src, reply))
		return;
	if (reply->err.code || !page) {
		fail(src, &reply->err);
		return;
	}
	if (page->notice[0]) {
		logpages_drop(&s->pages);
		s->pass = PASS_NONE;
		logsource_set_state(src, LOGSOURCE_FAILED, page->notice);
		return;
	}
	reply->log = NULL;
	take_page(src, page);
}

static void ask(struct logsource *src, const char *cursor)
{
	struct api_state *s = src->state;
	struct fetch f = { .kind = FETCH_LOG, .limit = s->limit, .cursor = cursor, .contains = src->want.filter };

	s->is_asking = true;
	s->replaces = !*cursor;
	session_fetch(src->param, &f, &src->scope, on_page, src);
}

static void begin_pass(struct logsource *src, enum pass pass)
{
	struct api_state *s = src->state;

	if (s->pass != PASS_NONE)
		return;
	timer_stop(&s->poll);
	if (pass == PASS_NEW && !s->has_place)
		pass = PASS_FIRST;
	s->pass = pass;
	s->bad = s->step = s->shifts = s->halvings = 0;
	s->is_cut = false;
	s->limit = pass == PASS_OLDER ? s->known + s->older + FIRST : FIRST;
	if (pass == PASS_FIRST && src->want.newest > FIRST)
		s->limit = src->want.newest;
	if (pass == PASS_FIRST && src->want.cursor)
		s->limit = limit_max(src) / GROWTH;
	if (s->limit > limit_max(src))
		s->limit = limit_max(src);
	if (pass == PASS_NEW)
		logmark_begin(&s->mark);
	ask(src, "");
}

/* ---- the slots ---- */

static bool api_open(struct logsource *src, struct err *err)
{
	struct api_state *s = src->state;

	(void)err;
	logmark_init(&s->mark);
	s->cursor = xstrdup(src->want.cursor ? src->want.cursor : "");
	/* A cursor of another kind is no place in here: everything counts as new. */
	if (*s->cursor && logmark_parse(&s->mark, s->cursor))
		s->has_place = true;
	src->state_now = src->want.newest || !src->want.cursor ? LOGSOURCE_OPENING : LOGSOURCE_READING;
	begin_pass(src, PASS_NEW);
	return true;
}

static void api_poll(struct logsource *src)
{
	const struct api_state *s = src->state;

	if (s->pass == PASS_NONE && !src->is_paused && src->state_now != LOGSOURCE_ENDED)
		begin_pass(src, PASS_NEW);
}

static void api_older(struct logsource *src, size_t lines)
{
	struct api_state *s = src->state;

	if (s->pass != PASS_NONE || !src->has_more_backlog)
		return;
	s->older = lines;
	begin_pass(src, PASS_OLDER);
}

static void api_pause(struct logsource *src, bool is_paused)
{
	struct api_state *s = src->state;

	if (!is_paused && s->pass == PASS_NONE)
		begin_pass(src, PASS_NEW);
	else if (!is_paused && !s->is_asking)
		timer_start(src->loop, &s->slice, 0, &src->scope, hand_out, src);
	if (!is_paused)
		return;
	timer_stop(&s->poll);
	if (s->pass == PASS_NONE)
		logsource_set_state(src, LOGSOURCE_PAUSED, "");
}

static void api_close(struct logsource *src)
{
	struct api_state *s = src->state;

	timer_stop(&s->poll);
	timer_stop(&s->slice);
	logpages_release(&s->pages);
	free(s->events);
	free(s->cursor);
	logmark_release(&s->mark);
}

const struct logsource_ops logsource_api = {
	.name = "api",
	.state_size = sizeof(struct api_state),
	.open = api_open,
	.poll = api_poll,
	.older = api_older,
	.pause = api_pause,
	.close = api_close,
};
