/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A log on this host as a source: when to look (inotify, or a clock where that does not work), the
 * backlog for the eye, and what to say when there is nothing. What is read next, through any
 * rotation, is logfollow.c's. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "client/logback.h"
#include "client/logfollow.h"
#include "core/mem.h"

#define WAKE_MS  20 /* writes closer together than this are read together */
#define SOON_MS  10
#define IDLE_MS  500  /* an unfinished record is waited for so long */
#define RETRY_MS 2000 /* no file, or no permission */
#define POLL_MS  1000 /* where inotify says nothing */

struct file_state {
	struct follow follow;
	struct timer turn, idle;
	int inotify;    /* -1 = none */
	bool has_watch; /* of the directory */
	bool must_poll; /* a file system on which others write without our kernel's notice */
	bool is_begun;
	struct logback back;
	size_t back_wanted; /* lines of backlog still to be delivered */
};

static void on_turn(struct loop *loop, void *arg);
static void on_idle(struct loop *loop, void *arg);

static void turn_in(struct logsource *src, int64_t ms)
{
	struct file_state *s = src->state;

	if (!src->is_paused)
		timer_start(src->loop, &s->turn, ms, &src->scope, on_turn, src);
}

/* ---- noticing ---- */

static void on_inotify(struct loop *loop, int fd, unsigned events, void *arg)
{
	char buf[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct logsource *src = arg;
	struct file_state *s = src->state;
	ssize_t n, at;

	(void)loop;
	(void)events;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n;) {
			const struct inotify_event *e = (const void *)(buf + at);

			if ((e->mask & ~(uint32_t)IN_MODIFY) || e->len == 0 ||
				s->follow.name == NULL || strcmp(e->name, s->follow.name) != 0)
				s->follow.is_dirty = true;
			if (e->mask & IN_IGNORED)
				s->has_watch = false;
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
	if (!timer_is_armed(&s->turn) || s->turn.due > clock_mono() + WAKE_MS)
		turn_in(src, WAKE_MS);
}

/* Network and user-space file systems: their other writers cause no inotify event here. */
static bool is_remote(const char *dir)
{
	static const long magics[] = { 0x6969 /* NFS */, 0xff534d42 /* CIFS */,
		0xfe534d42 /* SMB2 */, 0x65735546 /* FUSE */, 0x01021997 /* 9p */ };
	struct statfs fs;
	size_t i;

	if (statfs(dir, &fs) != 0)
		return false;
	for (i = 0; i < ARRAY_LEN(magics); i++) {
		if ((unsigned long)fs.f_type == (unsigned long)magics[i])
			return true;
	}
	return false;
}

static void watch(struct logsource *src)
{
	struct file_state *s = src->state;
	const char *dir = s->follow.family.dir;

	if (!src->want.follow || s->has_watch)
		return;
	s->must_poll = is_remote(dir);
	if (s->inotify < 0) {
		s->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		if (s->inotify >= 0)
			loop_fd_set(src->loop, s->inotify, LOOP_READ, on_inotify, src);
	}
	s->has_watch = s->inotify >= 0 &&
		       inotify_add_watch(s->inotify, dir,
			       IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
				       IN_DELETE_SELF | IN_MOVE_SELF) >= 0;
	s->follow.is_dirty = true;
}

/* ---- backlog ---- */

/* Goes on with the next older file. False: there is none. */
static bool step_back(struct logsource *src)
{
	struct file_state *s = src->state;
	struct logfiles *family = &s->follow.family;
	ptrdiff_t at;
	bool ok = false;

	if (logfiles_scan(family, NULL)) {
		at = logfiles_find(family, s->back.dev, s->back.ino);
		while (!ok && --at >= 0) {
			char *path = logfiles_path(family, &family->files[at]);

			ok = logback_open(&s->back, path, -1, NULL);
			free(path);
		}
	}
	if (!ok)
		logback_close(&s->back);
	return ok;
}

static bool has_older(const struct logsource *src)
{
	const struct file_state *s = src->state;
	const struct logfiles *family = &s->follow.family;

	if (!logback_is_open(&s->back))
		return false;
	return !logback_at_start(&s->back) || logfiles_find(family, s->back.dev, s->back.ino) > 0;
}

/* One slice of the backlog. False: closed. */
static bool read_back(struct logsource *src)
{
	struct file_state *s = src->state;
	struct logbatch batch = { .is_backlog = true, .from = "", .cursor = "" };

	if (logback_at_start(&s->back) && !step_back(src)) {
		s->back_wanted = 0;
		src->has_more_backlog = false;
		return true;
	}
	batch.count = logback_read(&s->back, s->back_wanted);
	batch.events = s->back.events;
	s->back_wanted -= batch.count;
	src->has_more_backlog = has_older(src);
	return batch.count == 0 || logsource_deliver(src, &batch);
}

/* ---- turns ---- */

/* "Nothing to read": why, and what would help. */
static bool tell_empty(struct logsource *src)
{
	struct file_state *s = src->state;
	const struct logfiles *family = &s->follow.family;
	char text[512];

	if (family->is_dir)
		snprintf(text, sizeof(text),
			"no log file in %s (yet): is a log tracer enabled and its path this one?",
			family->dir);
	else
		snprintf(text, sizeof(text), "%s/%s does not exist (yet)", family->dir,
			family->stem);
	if (src->want.follow)
		turn_in(src, s->has_watch && !s->must_poll ? POLL_MS * 10 : RETRY_MS);
	return logsource_set_state(src, src->want.follow ? LOGSOURCE_LOST : LOGSOURCE_FAILED, text);
}

static bool tell_failed(struct logsource *src, const struct err *err)
{
	if (src->want.follow)
		turn_in(src, RETRY_MS);
	return logsource_set_state(
		src, src->want.follow ? LOGSOURCE_LOST : LOGSOURCE_FAILED, err->msg);
}

/* A tail begins at the end of the newest file; what is before it is the backlog. */
static enum follow_result begin_at_end(struct logsource *src, struct err *err)
{
	struct file_state *s = src->state;
	struct logfiles *family = &s->follow.family;
	const struct logfile *newest;
	char *path;
	bool ok;

	if (!logfiles_scan(family, err))
		return FOLLOW_FAILED;
	if (family->count == 0)
		return FOLLOW_EMPTY;
	newest = &family->files[family->count - 1];
	path = logfiles_path(family, newest);
	ok = logback_open(&s->back, path, -1, err);
	free(path);
	if (!ok)
		return FOLLOW_FAILED;
	if (s->back.gz) {
		/* Nothing is ever added to a packed file: all of it is backlog. */
		s->follow.is_dirty = true;
		ok = follow_from(&s->follow, newest, INT64_MAX / 2, err);
	} else {
		s->back.end = logback_last_end(&s->back);
		ok = follow_from(&s->follow, newest, s->back.end, err);
	}
	if (!ok && (err->code == ERR_CONFLICT || err->code == ERR_NOT_FOUND)) {
		err_clear(err);
		return FOLLOW_SOON; /* rotated this very moment */
	}
	if (!ok)
		return FOLLOW_FAILED;
	s->back_wanted += src->want.newest;
	src->has_more_backlog = has_older(src);
	return FOLLOW_MORE;
}

/* At the end: live, or done. False: closed. */
static bool reached_end(struct logsource *src)
{
	struct file_state *s = src->state;
	struct stat st;

	if (src->want.follow) {
		if (s->follow.data.len > 0 && !timer_is_armed(&s->idle))
			timer_start(src->loop, &s->idle, IDLE_MS, &src->scope, on_idle, src);
		if (!s->has_watch || s->must_poll) {
			s->follow.is_dirty = true;
			turn_in(src, POLL_MS);
		}
		return logsource_set_state(src, LOGSOURCE_LIVE, "");
	}
	/* A last line without its end is whole when its writer is gone. */
	if (s->follow.data.len > 0 && fstat(s->follow.reader.fd, &st) == 0) {
		bool is_quiet = s->follow.reader.gz ||
				clock_now() - (int64_t)st.st_mtim.tv_sec * 1000 > RETRY_MS;

		do
			if (!follow_flush(&s->follow, is_quiet))
				return false;
		while (s->follow.is_behind);
	}
	return logsource_set_state(src, LOGSOURCE_ENDED, "");
}

static bool tell_note(struct logsource *src)
{
	struct file_state *s = src->state;
	char note[sizeof(s->follow.note)];

	if (!s->follow.note[0])
		return true;
	memcpy(note, s->follow.note, sizeof(note));
	s->follow.note[0] = '\0';
	return logsource_set_state(src, LOGSOURCE_READING, note);
}

static enum follow_result begin(struct logsource *src, struct err *err)
{
	struct file_state *s = src->state;
	enum follow_result r = FOLLOW_MORE;

	if (src->want.cursor)
		follow_from_cursor(&s->follow, src->want.cursor);
	else
		r = begin_at_end(src, err);
	s->is_begun = r == FOLLOW_MORE;
	return r;
}

static void on_turn(struct loop *loop, void *arg)
{
	struct logsource *src = arg;
	struct file_state *s = src->state;
	struct err err = ERR_INIT;
	enum follow_result r;

	(void)loop;
	if (src->is_paused)
		return;
	watch(src);
	if (s->is_begun && s->back_wanted > 0) {
		if (read_back(src))
			turn_in(src, 0);
		return;
	}
	r = s->is_begun ? follow_step(&s->follow, &err) : begin(src, &err);
	switch (r) {
	case FOLLOW_MORE:
		if (s->follow.data.len == 0)
			timer_stop(&s->idle);
		turn_in(src, 0);
		if (src->state_now == LOGSOURCE_LOST &&
			!logsource_set_state(src, LOGSOURCE_READING, ""))
			return;
		tell_note(src);
		break;
	case FOLLOW_SOON:
		turn_in(src, SOON_MS);
		break;
	case FOLLOW_END:
		reached_end(src);
		break;
	case FOLLOW_EMPTY:
		tell_empty(src);
		break;
	case FOLLOW_FAILED:
		tell_failed(src, &err);
		break;
	case FOLLOW_CLOSED:
		break;
	}
}

/* Nothing was added for a while: what ends with a line end is whole. */
static void on_idle(struct loop *loop, void *arg)
{
	struct logsource *src = arg;
	struct file_state *s = src->state;

	(void)loop;
	if (!src->is_paused)
		follow_flush(&s->follow, false);
}

/* ---- slots ---- */

static bool file_open(struct logsource *src, struct err *err)
{
	struct file_state *s = src->state;

	s->inotify = -1;
	logback_init(&s->back);
	if (!follow_init(&s->follow, src, src->param, err))
		return false;
	src->state_now = LOGSOURCE_READING;
	turn_in(src, 0);
	return true;
}

static void file_poll(struct logsource *src)
{
	struct file_state *s = src->state;

	s->follow.is_dirty = true;
	turn_in(src, 0);
}

static void file_older(struct logsource *src, size_t lines)
{
	struct file_state *s = src->state;

	s->back_wanted += lines;
	turn_in(src, 0);
}

static void file_pause(struct logsource *src, bool is_paused)
{
	struct file_state *s = src->state;

	timer_stop(&s->idle);
	if (is_paused) {
		timer_stop(&s->turn);
		logsource_set_state(src, LOGSOURCE_PAUSED, "");
		return;
	}
	s->follow.is_dirty = true;
	turn_in(src, 0);
	logsource_set_state(src, LOGSOURCE_READING, "");
}

static void file_close(struct logsource *src)
{
	struct file_state *s = src->state;

	if (s->inotify >= 0) {
		loop_fd_remove(src->loop, s->inotify);
		close(s->inotify);
	}
	logback_release(&s->back);
	follow_release(&s->follow);
}

const struct logsource_ops logsource_file = {
	.name = "file",
	.state_size = sizeof(struct file_state),
	.open = file_open,
	.poll = file_poll,
	.older = file_older,
	.pause = file_pause,
	.close = file_close,
};
