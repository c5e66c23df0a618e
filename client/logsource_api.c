/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log lines from the server's API, by asking again and again. A pass asks for the newest lines, and for four times as many when the last
 * line seen is not among them: one answer is one moment, while pages shift with every line written in between. Only past FEW or MANY lines
 * it goes on page by page, leaving out what overlaps. Then the lines are handed out oldest first, in slices. */
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
#define MANY 100000          /* in one answer of a sync; the API's own limit for us */
#define GROWTH 4
#define HAND_OUT 1000        /* lines at once */
#define BYTES_MAX ((size_t)512 << 20) /* held at once; what is older in one pass is lost and said so */
#define TAIL 8               /* lines by which the end of the backlog is found again */

enum pass { PASS_NONE, PASS_FIRST, PASS_NEW, PASS_OLDER };

struct api_state {
	enum pass pass;
	bool is_asking;
	size_t limit;               /* lines asked for */
	size_t last_count;          /* lines of the answer before, to see whether asking for more helps */
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
	uint64_t tail[TAIL];        /* hashes of the oldest lines handed out, newest first */
	size_t tail_len;
};

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
	if (s->pass == PASS_NEW)
		return logmark_is_before(&s->mark, logpages_oldest(&s->pages));
	if (src->want.cursor)
		return false; /* "": from the oldest line there is */
	return s->pages.lines >= src->want.newest && reaches_past_window(s);
}

/* ---- handing out ---- */

static void wait_for_more(struct logsource *src);
static void hand_out(struct loop *loop, void *arg);

static void remember_tail(struct api_state *s, const struct event *events, size_t n)
{
	size_t keep = n < TAIL ? n : TAIL, move = TAIL - keep < s->tail_len ? TAIL - keep : s->tail_len;

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

static size_t collect_slice(struct api_state *s)
{
	size_t count = 0;

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
		if (!logpages_is_body(ev) && logmark_note(&s->mark, ev))
			count++;
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
	batch.count = collect_slice(s);
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
	char text[160], since[TIME_BUF], until[TIME_BUF];
	int64_t oldest = logpages_oldest(&s->pages);

	snprintf(text, sizeof(text), "lines from %s to %s may be missing: the server shows nothing older",
		time_format(s->mark.newest, since, sizeof(since)), time_format(oldest, until, sizeof(until)));
	return logsource_set_state(src, src->state_now, text);
}

static bool has_gap(const struct api_state *s)
{
	int64_t oldest = logpages_oldest(&s->pages);

	return s->has_place && s->mark.newest != TIME_NONE && oldest != TIME_NONE && oldest > s->mark.newest + LOGMARK_WINDOW;
}

/* How many lines at the front are known: where the tail ends. 0 = not found. */
static size_t find_tail(struct api_state *s)
{
	uint64_t last[TAIL] = { 0 };
	struct event ev;
	size_t at = 0;

	for (size_t p = 0; p < s->pages.count; p++)
		for (size_t i = 0; i < s->pages.page[p]->count; i++) {
			memmove(last, last + 1, sizeof(last) - sizeof(last[0]));
			logpages_parse(s->pages.page[p], i, &ev);
			last[TAIL - 1] = event_hash(&ev);
			at++;
			if (at >= s->tail_len && !memcmp(last + TAIL - s->tail_len, s->tail, s->tail_len * sizeof(last[0])))
				return at;
		}
	return 0;
}

static void begin_handing(struct logsource *src)
{
	struct api_state *s = src->state;
	size_t skip;

	switch (s->pass) {
	case PASS_OLDER:
		skip = s->tail_len ? find_tail(s) : 0;
		if (s->tail_len && !skip)
			src->has_more_backlog = false;
		else if (!hand_out_backlog(src, skip, s->older))
			return;
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
	if (!src->is_paused)
		timer_start(src->loop, &s->poll, session_profile(src->param)->refresh_ms, &src->scope, on_poll, src);
	logsource_set_state(src, src->is_paused ? LOGSOURCE_PAUSED : LOGSOURCE_LIVE, "");
}

static void fail(struct logsource *src, const struct err *err)
{
	struct api_state *s = src->state;
	bool for_good = err->code == ERR_UNSUPPORTED || err->code == ERR_PERMISSION;

	logpages_drop(&s->pages);
	s->pass = PASS_NONE;
	if (src->want.follow && !for_good && !src->is_paused)
		timer_start(src->loop, &s->poll, session_profile(src->param)->refresh_ms, &src->scope, on_poll, src);
	logsource_set_state(src, for_good ? LOGSOURCE_FAILED : LOGSOURCE_LOST, err->msg);
}

static size_t limit_max(const struct logsource *src)
{
	return src->want.follow ? FEW : MANY;
}

static void on_page(void *arg, struct fetch_reply *reply)
{
	struct logsource *src = arg;
	struct api_state *s = src->state;
	struct log_page *page = reply->log;
	bool is_growing = s->pages.count == 0;

	s->is_asking = false;
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
	logpages_take(&s->pages, page);
	if (is_enough(src)) {
		begin_handing(src);
	} else if (is_growing && s->limit < limit_max(src) && page->count > s->last_count) {
		s->last_count = page->count;
		s->limit = s->limit * GROWTH < limit_max(src) ? s->limit * GROWTH : limit_max(src);
		logpages_drop(&s->pages);
		ask(src, "");
	} else {
		ask(src, page->next);
	}
}

static void ask(struct logsource *src, const char *cursor)
{
	struct api_state *s = src->state;
	struct fetch f = { .kind = FETCH_LOG, .limit = s->limit, .cursor = cursor, .contains = src->want.filter };

	s->is_asking = true;
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
	s->last_count = 0;
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

	if (!is_paused) {
		if (s->pass == PASS_NONE)
			begin_pass(src, PASS_NEW);
		else if (!s->is_asking)
			timer_start(src->loop, &s->slice, 0, &src->scope, hand_out, src);
		return;
	}
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
