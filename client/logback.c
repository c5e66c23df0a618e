/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The backlog of a log file, newest first. A slice is read from its end, cut into records from the
 * first sure beginning of one, and handed out in reverse; what was cut off in front belongs to the
 * next slice. A gz is unpacked into a file without a name first. */
#include "client/logback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "client/logreader.h"
#include "core/mem.h"

#define CHUNK        (256 * 1024)
#define CHUNK_MAX    (4 * EVENT_MAX)
#define UNPACK_SLICE (1 << 20)

void logback_init(struct logback *b)
{
	memset(b, 0, sizeof(*b));
	b->fd = -1;
	buf_init(&b->data, CHUNK_MAX + 1);
}

void logback_close(struct logback *b)
{
	if (b->gz)
		gzclose(b->gz);
	if (b->fd >= 0)
		close(b->fd);
	b->gz = NULL;
	b->fd = -1;
}

void logback_release(struct logback *b)
{
	logback_close(b);
	buf_release(&b->data);
	free(b->events);
	free(b->lengths);
	logback_init(b);
}

bool logback_is_open(const struct logback *b)
{
	return b->fd >= 0;
}

bool logback_at_start(const struct logback *b)
{
	return b->gz == NULL && b->end <= 0;
}

static bool begin_unpacking(struct logback *b, struct err *err)
{
	FILE *f = tmpfile();
	int copy;

	if (f == NULL)
		return err_set(err, ERR_IO, "no room to unpack an old log: %s", strerror(errno));
	copy = fcntl(fileno(f), F_DUPFD_CLOEXEC, 0);
	fclose(f);
	if (copy < 0)
		return err_set(err, ERR_IO, "no room to unpack an old log: %s", strerror(errno));
	b->gz = gzdopen(b->fd, "rb");
	if (b->gz == NULL) {
		close(copy);
		return err_set(err, ERR_IO, "can't unpack an old log");
	}
	b->fd = copy; /* the packed one is gzclose()d */
	b->unpacked = 0;
	return true;
}

bool logback_open(struct logback *b, const char *path, int64_t end, struct err *err)
{
	struct logreader probe;
	bool is_gz;
	struct stat st;

	logback_close(b);
	if (!logreader_open(&probe, path, err))
		return false;
	is_gz = probe.gz != NULL;
	b->dev = probe.dev;
	b->ino = probe.ino;
	b->fd = fcntl(probe.fd, F_DUPFD_CLOEXEC, 0);
	logreader_close(&probe);
	if (b->fd < 0 || fstat(b->fd, &st) != 0)
		return err_set(err, ERR_IO, "can't read %s: %s", path, strerror(errno));
	b->end = end >= 0 ? end : st.st_size;
	b->chunk = CHUNK;
	if (is_gz && !begin_unpacking(b, err)) {
		logback_close(b);
		return false;
	}
	return true;
}

static void unpack_some(struct logback *b)
{
	char scratch[32 * 1024];
	int64_t left = UNPACK_SLICE;
	int n = 0;

	while (left > 0 && (n = gzread(b->gz, scratch, sizeof(scratch))) > 0) {
		if (pwrite(b->fd, scratch, (size_t)n, b->unpacked) != n) {
			n = 0; /* disk full: what is there is shown */
			break;
		}
		b->unpacked += n;
		left -= n;
	}
	if (n > 0)
		return;
	gzclose(b->gz);
	b->gz = NULL;
	b->end = b->unpacked;
}

/* First byte of data (which begins at file offset `from`) where a record begins for sure. data.len
 * if there is none. */
static size_t find_beginning(const struct buf *data, int64_t from)
{
	const char *p = data->data, *end = data->data + data->len;

	if (from == 0)
		return 0;
	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p++;
		if (event_begins(p, (size_t)(end - p)))
			return (size_t)(p - data->data);
	}
	return data->len;
}

/* Reads the chunk that ends at b->end into data; *from = its offset in the file, *first = where its
 * first record begins. */
static bool read_chunk(struct logback *b, int64_t *from, size_t *first)
{
	size_t size = b->chunk;
	ssize_t n;

	for (;;) {
		if ((int64_t)size > b->end)
			size = (size_t)b->end;
		*from = b->end - (int64_t)size;
		buf_reset(&b->data);
		xgrow(&b->data.data, &b->data.cap, size + 1, 1);
		n = pread(b->fd, b->data.data, size, *from);
		if (n != (ssize_t)size)
			return false; /* cut meanwhile */
		b->data.len = size;
		b->data.data[size] = '\0';
		*first = find_beginning(&b->data, *from);
		if (*first < b->data.len || *from == 0)
			return true;
		if (size >= CHUNK_MAX) { /* no time stamp in 1 MiB: no log; go by lines, or bytes */
			const char *nl = memchr(b->data.data, '\n', size - 1);

			*first = nl ? (size_t)(nl - b->data.data) + 1 : 0;
			return true;
		}
		size *= 2;
	}
}

size_t logback_read(struct logback *b, size_t wanted)
{
	size_t at, n, count = 0, i, first, start;
	int64_t from;

	if (b->gz) {
		unpack_some(b);
		return 0;
	}
	if (b->end <= 0 || wanted == 0)
		return 0;
	if (!read_chunk(b, &from, &first)) {
		b->end = 0;
		return 0;
	}
	for (at = first; (n = event_record(b->data.data + at, b->data.len - at, true)) > 0;
		at += n) {
		xgrow(&b->lengths, &b->length_cap, count + 1, sizeof(*b->lengths));
		b->lengths[count++] = (uint32_t)n;
	}
	if (wanted > count)
		wanted = count;
	xgrow(&b->events, &b->event_cap, wanted, sizeof(*b->events));
	start = b->data.len;
	for (i = 0; i < wanted; i++) {
		n = b->lengths[count - 1 - i];
		start -= n;
		event_parse(b->data.data + start, event_strip_ansi(b->data.data + start, n),
			&b->events[i]);
	}
	b->end = from + (int64_t)start;
	return wanted;
}

int64_t logback_last_end(struct logback *b)
{
	size_t at, n, first;
	int64_t from, end = b->end;

	if (end <= 0 || !read_chunk(b, &from, &first))
		return end;
	for (at = first; (n = event_record(b->data.data + at, b->data.len - at, false)) > 0;)
		at += n;
	return from + (int64_t)at;
}
