/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads one log file, notices when it was cut or rewritten meanwhile, and recognises content it has
 * read before. */
#include "client/logreader.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define SKIP_SLICE (1 << 20) /* uncompressed bytes skipped in one call: about 3 ms */

uint64_t logreader_hash(const char *data, size_t len)
{
	uint64_t h = UINT64_C(14695981039346656037);
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
	return h;
}

/* ---- places ---- */

void logplace_format(const struct logplace *p, struct buf *out)
{
	buf_addf(out,
		"f1 %" PRIx64 " %" PRIx64 " %" PRId64 " %" PRIu32 " %" PRIx64 " %" PRIu32
		" %" PRIx64 " %" PRId64,
		(uint64_t)p->dev, (uint64_t)p->ino, p->offset, p->head_len, p->head_hash,
		p->tail_len, p->tail_hash, p->time);
}

bool logplace_parse(struct logplace *p, const char *text)
{
	uint64_t dev, ino;
	int end = 0;

	memset(p, 0, sizeof(*p));
	if (sscanf(text,
		    "f1 %" SCNx64 " %" SCNx64 " %" SCNd64 " %" SCNu32 " %" SCNx64 " %" SCNu32
		    " %" SCNx64 " %" SCNd64 "%n",
		    &dev, &ino, &p->offset, &p->head_len, &p->head_hash, &p->tail_len,
		    &p->tail_hash, &p->time, &end) != 8)
		return false;
	p->dev = (dev_t)dev;
	p->ino = (ino_t)ino;
	return text[end] == '\0' && p->offset >= 0 && p->head_len <= LOGREADER_HEAD &&
	       p->tail_len <= LOGREADER_TAIL;
}

/* ---- reading ---- */

/* "…; the group `adm` may read it: add yourself to it" where that is so. */
static void explain_denied(const char *path, struct err *err)
{
	struct group *g;
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IRGRP) && (g = getgrgid(st.st_gid)) != NULL)
		err_set(err, ERR_IO,
			"can't read %s: permission denied; members of the group %s may read it",
			path, g->gr_name);
	else
		err_set(err, ERR_IO, "can't read %s: permission denied", path);
}

bool logreader_open(struct logreader *r, const char *path, struct err *err)
{
	unsigned char magic[2] = { 0, 0 };
	struct stat st;
	int copy;

	*r = (struct logreader)LOGREADER_INIT;
	r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (r->fd < 0) {
		if (errno == EACCES)
			explain_denied(path, err);
		else
			err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "can't read %s: %s",
				path, strerror(errno));
		return false;
	}
	if (fstat(r->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		err_set(err, ERR_IO, "%s is not a file", path);
		logreader_close(r);
		return false;
	}
	r->dev = st.st_dev;
	r->ino = st.st_ino;
	if (pread(r->fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b) {
		copy = fcntl(r->fd, F_DUPFD_CLOEXEC, 0);
		r->gz = copy >= 0 ? gzdopen(copy, "rb") : NULL;
		if (r->gz == NULL) {
			if (copy >= 0)
				close(copy);
			logreader_close(r);
			return err_set(err, ERR_IO, "can't unpack %s", path);
		}
		gzbuffer(r->gz, 64 * 1024);
	}
	return true;
}

void logreader_close(struct logreader *r)
{
	if (r->gz)
		gzclose(r->gz);
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct logreader)LOGREADER_INIT;
}

bool logreader_is_open(const struct logreader *r)
{
	return r->fd >= 0;
}

int64_t logreader_size(const struct logreader *r)
{
	struct stat st;

	return r->gz || fstat(r->fd, &st) != 0 ? -1 : (int64_t)st.st_size;
}

/* The head may already be known beyond the offset. */
static void keep_head(struct logreader *r, const char *data, size_t n)
{
	size_t known, take;

	if (r->offset > r->head_len || r->offset + (int64_t)n <= r->head_len ||
		r->head_len == LOGREADER_HEAD)
		return;
	known = r->head_len - (size_t)r->offset;
	take = n - known < LOGREADER_HEAD - r->head_len ? n - known : LOGREADER_HEAD - r->head_len;
	memcpy(r->head + r->head_len, data + known, take);
	r->head_len += (uint32_t)take;
}

void logreader_keep_tail(char *tail, uint32_t *tail_len, const char *data, size_t n)
{
	size_t old;

	if (n >= LOGREADER_TAIL) {
		memcpy(tail, data + n - LOGREADER_TAIL, LOGREADER_TAIL);
		*tail_len = LOGREADER_TAIL;
		return;
	}
	old = *tail_len < LOGREADER_TAIL - n ? *tail_len : LOGREADER_TAIL - n;
	memmove(tail, tail + *tail_len - old, old);
	memcpy(tail + old, data, n);
	*tail_len = (uint32_t)(old + n);
}

static void advance(struct logreader *r, const char *data, size_t n)
{
	keep_head(r, data, n);
	logreader_keep_tail(r->tail, &r->tail_len, data, n);
	r->offset += (int64_t)n;
}

/* gz: a slice of the way to skip_to. False at the end of the data before it. */
static bool skip_some(struct logreader *r)
{
	char scratch[16 * 1024];
	int64_t left = SKIP_SLICE;
	int n;

	while (left > 0 && r->offset < r->skip_to) {
		int64_t want = r->skip_to - r->offset;

		n = gzread(r->gz, scratch,
			want < (int64_t)sizeof(scratch) ? (unsigned)want
							: (unsigned)sizeof(scratch));
		if (n <= 0)
			return false;
		advance(r, scratch, (size_t)n);
		left -= n;
	}
	if (r->offset == r->skip_to)
		r->skip_to = -1;
	return true;
}

bool logreader_is_skipping(const struct logreader *r)
{
	return r->skip_to >= 0;
}

bool logreader_seek(struct logreader *r, int64_t offset)
{
	ssize_t n;

	if (offset < 0)
		return false;
	if (r->gz) {
		if (offset < r->offset) {
			if (gzrewind(r->gz) != 0)
				return false;
			r->offset = 0;
			r->tail_len = 0;
			r->head_len = 0;
		}
		r->skip_to = offset > r->offset ? offset : -1;
		return true;
	}
	if (offset > logreader_size(r))
		return false;
	r->offset = offset;
	n = pread(r->fd, r->head, offset < LOGREADER_HEAD ? (size_t)offset : LOGREADER_HEAD, 0);
	r->head_len = n > 0 ? (uint32_t)n : 0;
	n = offset < LOGREADER_TAIL ? offset : LOGREADER_TAIL;
	n = pread(r->fd, r->tail, (size_t)n, offset - n);
	r->tail_len = n > 0 ? (uint32_t)n : 0;
	return true;
}

bool logreader_know_head(struct logreader *r)
{
	ssize_t n;

	if (r->gz || r->head_len == LOGREADER_HEAD)
		return true;
	n = pread(r->fd, r->head, LOGREADER_HEAD, 0);
	if (n < (ssize_t)r->head_len)
		return false;
	r->head_len = (uint32_t)n;
	return true;
}

/* Is the file still the one whose head we know? Asked after each read: what was read before is then
 * of that file as well. */
static bool is_same_file(const struct logreader *r)
{
	char head[LOGREADER_HEAD];

	return pread(r->fd, head, r->head_len, 0) == (ssize_t)r->head_len &&
	       memcmp(head, r->head, r->head_len) == 0;
}

ssize_t logreader_read(struct logreader *r, char *out, size_t size)
{
	ssize_t n;

	if (r->gz) {
		if (r->skip_to >= 0) {
			if (!skip_some(r))
				r->skip_to =
					-1; /* shorter than that, or damaged: the offset says so */
			return 0;
		}
		n = gzread(r->gz, out, size > INT32_MAX ? INT32_MAX : (unsigned)size);
		if (n <= 0)
			return 0; /* end, or damaged from here on */
		advance(r, out, (size_t)n);
		return n;
	}
	do {
		n = pread(r->fd, out, size, r->offset);
	} while (n < 0 && errno == EINTR);
	if (!is_same_file(r))
		return -1;
	if (n <= 0)
		return logreader_size(r) < r->offset ? -1 : 0;
	advance(r, out, (size_t)n);
	return n;
}

bool logreader_has_head(struct logreader *r, const struct logplace *place)
{
	char head[LOGREADER_HEAD];
	ssize_t n;

	if (r->gz) {
		if (r->offset == 0 && r->head_len == 0) {
			n = gzread(r->gz, head, sizeof(head));
			if (n > 0)
				advance(r, head, (size_t)n);
		}
		return r->head_len >= place->head_len &&
		       logreader_hash(r->head, place->head_len) == place->head_hash;
	}
	n = pread(r->fd, head, place->head_len, 0);
	return n == (ssize_t)place->head_len &&
	       logreader_hash(head, place->head_len) == place->head_hash &&
	       logreader_size(r) >= place->offset;
}

bool logreader_has_tail(const struct logreader *r, const struct logplace *place)
{
	return r->offset == place->offset && r->tail_len >= place->tail_len &&
	       logreader_hash(r->tail + r->tail_len - place->tail_len, place->tail_len) ==
		       place->tail_hash;
}
