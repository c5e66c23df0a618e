/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Output to the terminal without blocking. The tty is opened once more, because O_NONBLOCK on the inherited descriptor would
 * also change the shell's; where that is not allowed (another user's tty) writes may block. */
#include "tui/screen_out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"

#define DUE_MAX (16u << 20) /* bytes not taken yet: several frames of the largest screen */

static struct {
	FILE *sink;     /* curses' stream: memory */
	int sink_fd, tty;
	struct buf due; /* not taken by the terminal yet */
} out = { .sink_fd = -1, .tty = -1 };

static int open_again(int tty_fd)
{
	char name[128];
	int fd = -1;

	if (ttyname_r(tty_fd, name, sizeof(name)) == 0)
		fd = open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 ? fd : fcntl(tty_fd, F_DUPFD_CLOEXEC, 3);
}

FILE *screen_out_open(int tty_fd, struct err *err)
{
	out.sink_fd = memfd_create("screen", MFD_CLOEXEC);
	out.sink = out.sink_fd >= 0 ? fdopen(out.sink_fd, "w") : NULL;
	out.tty = tty_fd >= 0 ? open_again(tty_fd) : -1;
	if (out.sink == NULL || (tty_fd >= 0 && out.tty < 0)) {
		err_set(err, ERR_IO, "terminal output: %s", strerror(errno));
		screen_out_close();
		return NULL;
	}
	buf_init(&out.due, DUE_MAX);
	return out.sink;
}

void screen_out_close(void)
{
	if (out.sink != NULL)
		fclose(out.sink);
	else if (out.sink_fd >= 0)
		close(out.sink_fd);
	if (out.tty >= 0)
		close(out.tty);
	buf_release(&out.due);
	out.sink = NULL;
	out.sink_fd = out.tty = -1;
}

void screen_out_collect(void)
{
	char chunk[16384];
	off_t at = 0;
	ssize_t n;

	fflush(out.sink);
	while (out.tty >= 0 && (n = pread(out.sink_fd, chunk, sizeof(chunk), at)) > 0) {
		buf_add(&out.due, chunk, (size_t)n);
		at += n;
	}
	if (lseek(out.sink_fd, 0, SEEK_CUR) > 0 && ftruncate(out.sink_fd, 0) == 0)
		lseek(out.sink_fd, 0, SEEK_SET);
}

void screen_out_add(const char *s, size_t len)
{
	if (out.tty >= 0)
		buf_add(&out.due, s, len);
}

bool screen_out_drain(void)
{
	while (out.due.len > 0) {
		ssize_t n = write(out.tty, out.due.data, out.due.len);

		if (n > 0) {
			buf_consume(&out.due, (size_t)n);
		} else if (n < 0 && errno == EAGAIN) {
			return false;
		} else if (n == 0 || errno != EINTR) {
			buf_reset(&out.due); /* the terminal is gone: the reading side learns of it */
			return true;
		}
	}
	return true;
}

void screen_out_finish(int wait_ms)
{
	int64_t until = clock_mono() + wait_ms;

	while (!screen_out_drain()) {
		struct pollfd p = { .fd = out.tty, .events = POLLOUT };
		int64_t left = until - clock_mono();

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return;
	}
}

int screen_out_fd(void)
{
	return out.tty;
}
