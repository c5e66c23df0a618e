/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One log file, plain or gzip'd, read forward; and a place in one, recognised by content wherever
 * rotation moved it. Private to client/logsource_file.c and its parts. */
#ifndef CLIENT_LOGREADER_H
#define CLIENT_LOGREADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"

#define LOGREADER_HEAD 256 /* bytes that tell one file's content from another's */
#define LOGREADER_TAIL 64

/* Offsets are of the uncompressed content. */
struct logplace {
	dev_t dev;
	ino_t ino;
	int64_t offset;    /* first byte not yet delivered */
	uint32_t head_len; /* bytes of the file's beginning that were hashed */
	uint64_t head_hash;
	uint32_t tail_len; /* bytes before offset that were hashed */
	uint64_t tail_hash;
	int64_t time; /* ms: of the newest event delivered, TIME_NONE */
};
bool logplace_parse(struct logplace *p, const char *text);
void logplace_format(const struct logplace *p, struct buf *out);

struct logreader {
	int fd;   /* -1 = closed */
	void *gz; /* gzFile, NULL for a plain file */
	dev_t dev;
	ino_t ino;
	int64_t offset;  /* next byte to read */
	int64_t skip_to; /* gz: wanted offset not reached yet; -1 */
	char head[LOGREADER_HEAD];
	uint32_t head_len;
	char tail[LOGREADER_TAIL]; /* of what was read or skipped before `offset` */
	uint32_t tail_len;
};

#define LOGREADER_INIT                                                                             \
	{                                                                                          \
		-1, NULL, 0, 0, 0, -1, { 0 }, 0, { 0 }, 0                                          \
	}

bool logreader_open(struct logreader *r, const char *path,
	struct err *err);                  /* gzip is told by content, not by name */
void logreader_close(struct logreader *r); /* harmless twice */
bool logreader_is_open(const struct logreader *r);
/* Sets where the next read begins. In gz the way there is read in slices: logreader_read() returns
 * 0 and is_skipping until it is done. */
bool logreader_seek(struct logreader *r, int64_t offset);
/* Plain, at offset 0: reads the file's beginning without moving, so that a later read notices when
 * it is another's. */
bool logreader_know_head(struct logreader *r);
bool logreader_is_skipping(const struct logreader *r);
/* Bytes read, 0 = end for now (or skipping), -1 = the file was cut or rewritten behind our back:
 * what was read before stands. */
ssize_t logreader_read(struct logreader *r, char *out, size_t size);
int64_t logreader_size(const struct logreader *r); /* plain: of the file now; gz: -1 */

/* Could this file be the one `place` was taken in? head only: enough bytes that are the same. */
bool logreader_has_head(struct logreader *r, const struct logplace *place);
/* To be asked when the reader stands at place->offset: are the bytes before it the same, too? */
bool logreader_has_tail(const struct logreader *r, const struct logplace *place);
/* The last LOGREADER_TAIL bytes of what `tail` held and data that follows it. */
void logreader_keep_tail(char *tail, uint32_t *tail_len, const char *data, size_t n);
uint64_t logreader_hash(const char *data, size_t len);

#endif
