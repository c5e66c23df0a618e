/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Follows a log through its files. Rules: a file is left only when its successor has something in
 * it, and after one more look at its end (by then its writer has gone on); a file that shrank or
 * changed its beginning was copied away, so the place is looked for, by content, among the others;
 * the receiver's cursor is always the place after the last line it got. */
#include "client/logfollow.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"

#define CHUNK_MIN    (32 * 1024)
#define CHUNK_MAX    (1024 * 1024)
#define SLICE_SLOW   6 /* ms: the next slice is halved */
#define SLICE_FAST   2
#define SETTLE_TRIES 50

bool follow_init(struct follow *f, struct logsource *src, const char *path, struct err *err)
{
	memset(f, 0, sizeof(*f));
	f->src = src;
	f->reader = (struct logreader)LOGREADER_INIT;
	f->place.time = f->known_until = TIME_NONE;
	f->chunk = 4 * CHUNK_MIN;
	f->is_dirty = true;
	f->cursor = xstrdup("tail");
	buf_init(&f->data, 4 * CHUNK_MAX);
	return logfiles_init(&f->family, path, err);
}

void follow_release(struct follow *f)
{
	logreader_close(&f->reader);
	logfiles_release(&f->family);
	buf_release(&f->data);
	free(f->name);
	free(f->cursor);
	free(f->events);
	free(f->lengths);
	free(f->known);
}

void follow_from_cursor(struct follow *f, const char *cursor)
{
	free(f->cursor);
	f->cursor = xstrdup(cursor);
	f->must_locate = true;
	if (*cursor && !logplace_parse(&f->place, cursor)) {
		memset(&f->place, 0, sizeof(f->place));
		f->place.time = TIME_NONE;
		snprintf(f->note, sizeof(f->note),
			"the stored position is not one of a file: reading from the oldest line");
	}
}

/* ---- delivering ---- */

/* Completes the place from what the reader knows. */
void follow_fill_place(struct follow *f)
{
	struct logplace *p = &f->place;

	p->dev = f->reader.dev;
	p->ino = f->reader.ino;
	p->head_len = f->reader.head_len;
	p->head_hash = logreader_hash(f->reader.head, p->head_len);
	p->tail_len = f->tail_len;
	p->tail_hash = logreader_hash(f->tail, f->tail_len);
}

/* Moves the place `n` raw bytes on; must come before the bytes are stripped of colour. */
static void advance_place(struct follow *f, size_t n)
{
	logreader_keep_tail(f->tail, &f->tail_len, f->data.data, n);
	f->place.offset += (int64_t)n;
	follow_fill_place(f);
}

/* Parses the records whose lengths are known; drops those that a gap makes known. Returns how many
 * remain. */
static size_t parse_records(struct follow *f, size_t count)
{
	char *p = f->data.data;
	size_t i, kept = 0;

	xgrow(&f->events, &f->event_cap, count, sizeof(*f->events));
	for (i = 0; i < count; p += f->lengths[i++]) {
		struct event *ev = &f->events[kept];

		event_parse(p, event_strip_ansi(p, f->lengths[i]), ev);
		if (ev->time != TIME_NONE && f->known_until != TIME_NONE &&
			ev->time <= f->known_until)
			continue;
		if (ev->time != TIME_NONE) {
			f->place.time = ev->time;
			f->known_until = TIME_NONE;
		}
		kept++;
	}
	return kept;
}

/* Hands out the whole records in the first len bytes of data. False: closed. */
static bool deliver(struct follow *f, size_t len, bool is_final)
{
	size_t used = 0, count = 0, spent = 0, n;
	struct buf text = BUF_INIT;
	struct logbatch batch;
	int64_t since;
	char *from;
	bool alive;

	f->is_behind = false;
	while (!f->is_behind && (n = event_record(f->data.data + used, len - used, is_final)) > 0) {
		xgrow(&f->lengths, &f->length_cap, count + 1, sizeof(*f->lengths));
		f->lengths[count++] = (uint32_t)n;
		f->is_behind = logsource_is_spent(f->src, f->data.data + used, n, &spent);
		used += n;
	}
	if (used == 0)
		return true;
	advance_place(f, used);
	count = parse_records(f, count);
	f->done += used;
	from = f->cursor;
	logplace_format(&f->place, &text);
	f->cursor = buf_take(&text, NULL);
	batch = (struct logbatch){ .events = f->events,
		.count = count,
		.from = from,
		.cursor = f->cursor,
		.done = f->done,
		.total = f->total > f->done ? f->total : f->done };
	since = clock_mono();
	alive = logsource_deliver(f->src, &batch);
	free(from);
	if (!alive)
		return false;
	since = clock_mono() - since;
	if (since > SLICE_SLOW && f->chunk > CHUNK_MIN)
		f->chunk /= 2;
	else if (since < SLICE_FAST && used >= f->chunk / 2 && f->chunk < CHUNK_MAX)
		f->chunk *= 2;
	buf_consume(&f->data, used);
	return true;
}

bool follow_flush(struct follow *f, bool is_last)
{
	const char *nl;

	if (f->data.len == 0)
		return true;
	if (is_last)
		return deliver(f, f->data.len, true);
	nl = memrchr(f->data.data, '\n', f->data.len);
	return nl ? deliver(f, (size_t)(nl - f->data.data) + 1, true) : true;
}

/* ---- stepping ---- */

/* Reads one chunk. *got = bytes, 0 at the end, -1 when the file is not what it was. */
static void read_chunk(struct follow *f, ssize_t *got)
{
	xgrow(&f->data.data, &f->data.cap, f->data.len + f->chunk + 1, 1);
	*got = logreader_read(&f->reader, f->data.data + f->data.len, f->chunk);
	if (*got > 0)
		f->data.len += (size_t)*got;
	if (f->data.data)
		f->data.data[f->data.len] = '\0';
}

/* At the end of a file: is there another to go on with? */
static enum follow_result go_on(struct follow *f, struct err *err)
{
	const struct logfile *next;
	ssize_t got;

	if (!f->is_dirty)
		return FOLLOW_END;
	if (!logfiles_scan(&f->family, err))
		return FOLLOW_FAILED;
	next = follow_find_next(f);
	if (next == NULL) {
		f->is_dirty = false;
		f->settled = 0;
		return FOLLOW_END;
	}
	if (logfiles_is_settling(&f->family) && f->settled++ < SETTLE_TRIES)
		return FOLLOW_SOON;
	f->settled = 0;
	/* Its writer has begun the next file, so what is in this one now is all there will be. */
	read_chunk(f, &got);
	if (got < 0)
		f->must_locate = true;
	if (got != 0)
		return got < 0 || deliver(f, f->data.len, false) ? FOLLOW_MORE : FOLLOW_CLOSED;
	if (!follow_flush(f, true))
		return FOLLOW_CLOSED;
	if (f->is_behind)
		return FOLLOW_MORE;
	return follow_open_at(f, next, 0, err) ? FOLLOW_MORE : follow_changed_or_failed(err);
}

/* gz: the place was reached by unpacking. Is it the right one? */
static bool check_tail(struct follow *f)
{
	f->must_check_tail = false;
	if (logreader_has_tail(&f->reader, &f->place)) {
		memcpy(f->tail, f->reader.tail, sizeof(f->tail));
		f->tail_len = f->reader.tail_len;
		return true;
	}
	/* Begins alike but is another one: it can't be told where we were. */
	f->place.dev = 0;
	f->place.ino = 0;
	f->must_locate = false;
	return false;
}

static enum follow_result take_first_bytes(struct follow *f, struct err *err)
{
	const struct logfile *missed = follow_find_missed(f);

	f->is_dirty = true;
	if (missed)
		return follow_open_at(f, missed, 0, err) ? FOLLOW_MORE
							 : follow_changed_or_failed(err);
	follow_remember_family(f, false);
	return deliver(f, f->data.len, false) ? FOLLOW_MORE : FOLLOW_CLOSED;
}

enum follow_result follow_step(struct follow *f, struct err *err)
{
	ssize_t got;

	if (f->must_locate || !logreader_is_open(&f->reader)) {
		f->must_locate = true;
		return follow_locate(f, err);
	}
	if (f->must_check_tail && !logreader_is_skipping(&f->reader) && !check_tail(f))
		return follow_start_over(f, err) ? FOLLOW_MORE : follow_changed_or_failed(err);
	if (f->is_behind)
		return deliver(f, f->data.len, false) ? FOLLOW_MORE : FOLLOW_CLOSED;
	read_chunk(f, &got);
	if (got == 0 && logreader_is_skipping(&f->reader))
		return FOLLOW_MORE;
	if (got == 0 && f->must_check_tail)
		return FOLLOW_MORE;
	if (got < 0) {
		f->is_behind = false;
		buf_reset(&f->data);
		f->must_locate = true;
		return FOLLOW_MORE;
	}
	if (got > 0 && f->known)
		return take_first_bytes(f, err);
	if (got > 0)
		return deliver(f, f->data.len, false) ? FOLLOW_MORE : FOLLOW_CLOSED;
	return go_on(f, err);
}
