/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log lines from a pipe: `docker logs -f … | stalwarden --log-source -`. The same lines may come
 * again with the next run, so its cursor is one of content. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/logsource.h"
#include "core/mem.h"
#include "model/logmark.h"

#define CHUNK   (128 * 1024)
#define IDLE_MS 500 /* an unfinished record is waited for so long */

struct pipe_state {
	int fd;
	bool is_regular; /* redirected from a file: poll() says nothing about those */
	bool is_ended;
	bool is_behind; /* whole records are still in data: they come before more is read */
	struct timer turn, idle;
	struct buf data;
	struct event *events;
	size_t event_cap;
	struct logmark mark;
	char *cursor; /* after the last batch */
	uint64_t done;
};

static void on_readable(struct loop *loop, int fd, unsigned events, void *arg);
static void on_turn(struct loop *loop, void *arg);
static void on_idle(struct loop *loop, void *arg);

static void watch(struct logsource *src, bool is_on)
{
	struct pipe_state *s = src->state;

	timer_stop(&s->turn);
	if (s->is_ended || src->is_paused)
		is_on = false;
	if (!s->is_regular)
		loop_fd_set(src->loop, s->fd, is_on ? LOOP_READ : 0, on_readable, src);
	if (is_on && (s->is_regular || s->is_behind))
		timer_start(src->loop, &s->turn, 0, &src->scope, on_turn, src);
}

/* Hands out the whole records in data[0..len). False when the source is gone. */
static bool deliver(struct logsource *src, size_t len, bool is_final)
{
	struct pipe_state *s = src->state;
	size_t used = 0, count = 0, spent = 0, n;
	struct buf cursor = BUF_INIT;
	struct logbatch batch = { 0 };
	char *from;
	bool alive;

	s->is_behind = false;
	while (!s->is_behind && (n = event_record(s->data.data + used, len - used, is_final)) > 0) {
		char *line = s->data.data + used;

		s->is_behind = logsource_is_spent(src, line, n, &spent);

		xgrow(&s->events, &s->event_cap, count + 1, sizeof(*s->events));
		event_parse(line, event_strip_ansi(line, n), &s->events[count]);
		if (logmark_note(&s->mark, &s->events[count]))
			count++;
		used += n;
	}
	s->done += used;
	if (count == 0) {
		buf_consume(&s->data, used);
		return true;
	}
	logmark_format(&s->mark, &cursor);
	from = s->cursor;
	s->cursor = buf_take(&cursor, NULL);
	batch = (struct logbatch){ .events = s->events,
		.count = count,
		.from = from,
		.cursor = s->cursor,
		.done = s->done };
	alive = logsource_deliver(src, &batch);
	free(from);
	if (alive)
		buf_consume(&s->data, used);
	return alive;
}

static void end(struct logsource *src, int error)
{
	struct pipe_state *s = src->state;
	char text[128];

	s->is_ended = true;
	watch(src, false);
	timer_stop(&s->idle);
	while (s->data.len > 0) {
		if (!deliver(src, s->data.len, true))
			return;
	}
	snprintf(text, sizeof(text), "standard input: %s", strerror(error));
	logsource_set_state(src, error ? LOGSOURCE_FAILED : LOGSOURCE_ENDED, error ? text : "");
}

/* After a batch: the rest of what is there at once, more when there is more. */
static void go_on(struct logsource *src, bool alive)
{
	struct pipe_state *s = src->state;

	if (!alive)
		return;
	if (s->data.len > 0 && !s->is_behind)
		timer_start(src->loop, &s->idle, IDLE_MS, &src->scope, on_idle, src);
	else
		timer_stop(&s->idle);
	if (s->is_regular)
		watch(src, true);
	else if (s->is_behind && !src->is_paused)
		timer_start(src->loop, &s->turn, 0, &src->scope, on_turn, src);
}

static void read_some(struct logsource *src)
{
	struct pipe_state *s = src->state;
	ssize_t n;

	if (src->is_paused || s->is_ended)
		return;
	if (s->is_behind) {
		go_on(src, deliver(src, s->data.len, false));
		return;
	}
	xgrow(&s->data.data, &s->data.cap, s->data.len + CHUNK + 1, 1);
	n = read(s->fd, s->data.data + s->data.len, CHUNK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(src, n < 0 ? errno : 0);
		return;
	}
	s->data.len += (size_t)n;
	s->data.data[s->data.len] = '\0';
	go_on(src, deliver(src, s->data.len, false));
}

static void on_readable(struct loop *loop, int fd, unsigned events, void *arg)
{
	(void)loop;
	(void)fd;
	(void)events;
	read_some(arg);
}

static void on_turn(struct loop *loop, void *arg)
{
	(void)loop;
	read_some(arg);
}

/* Nothing came for a while: what ends with a line end is whole. */
static void on_idle(struct loop *loop, void *arg)
{
	struct logsource *src = arg;
	struct pipe_state *s = src->state;
	const char *nl = s->data.len > 0 ? memrchr(s->data.data, '\n', s->data.len) : NULL;

	(void)loop;
	if (nl && !src->is_paused)
		deliver(src, (size_t)(nl - s->data.data) + 1, true);
}

static bool stdin_open(struct logsource *src, struct err *err)
{
	struct pipe_state *s = src->state;
	struct stat st;

	s->fd = src->param ? *(const int *)src->param : STDIN_FILENO;
	logmark_init(&s->mark);
	buf_init(&s->data, 4 * EVENT_MAX);
	s->cursor = xstrdup(src->want.cursor ? src->want.cursor : "");
	if (fstat(s->fd, &st) != 0)
		return err_set(err, ERR_IO, "standard input can't be read: %s", strerror(errno));
	if (isatty(s->fd))
		return err_set(err, ERR_USAGE,
			"standard input is the terminal: pipe a log into it, as in `docker logs -f "
			"… | stalwarden …`");
	s->is_regular = S_ISREG(st.st_mode);
	if (!s->is_regular)
		fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) | O_NONBLOCK);
	/* A cursor of another kind is no place in here: everything counts as new. */
	logmark_parse(&s->mark, s->cursor);
	logmark_begin(&s->mark);
	src->state_now = LOGSOURCE_LIVE;
	watch(src, true);
	return true;
}

static void stdin_poll(struct logsource *src)
{
	watch(src, true);
}

static void stdin_pause(struct logsource *src, bool is_paused)
{
	watch(src, !is_paused);
}

static void stdin_close(struct logsource *src)
{
	struct pipe_state *s = src->state;

	if (!s->is_regular && s->fd >= 0)
		loop_fd_remove(src->loop, s->fd);
	buf_release(&s->data);
	free(s->events);
	free(s->cursor);
	logmark_release(&s->mark);
}

const struct logsource_ops logsource_stdin = {
	.name = "stdin",
	.state_size = sizeof(struct pipe_state),
	.open = stdin_open,
	.poll = stdin_poll,
	.pause = stdin_pause,
	.close = stdin_close,
};
