/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads one log file backwards, newest record first, a slice at a time. Private to
 * client/logsource_file.c. */
#ifndef CLIENT_LOGBACK_H
#define CLIENT_LOGBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"
#include "model/event.h"

struct logback {
	int fd;   /* -1 = closed; of a gz: of its unpacked copy, which has no name */
	void *gz; /* while unpacking */
	dev_t dev;
	ino_t ino;
	int64_t end;      /* everything from here on has been delivered */
	int64_t unpacked; /* bytes so far */
	size_t chunk;     /* bytes to read next */
	struct buf data;  /* what the events point into */
	struct event *events;
	size_t event_cap;
	uint32_t *lengths;
	size_t length_cap;
};

void logback_init(struct logback *b);
void logback_release(struct logback *b);
/* end -1 = the file's present end. */
bool logback_open(struct logback *b, const char *path, int64_t end, struct err *err);
void logback_close(struct logback *b); /* keeps the memory */
bool logback_is_open(const struct logback *b);
bool logback_at_start(const struct logback *b); /* nothing older in this file */
/* One slice: up to `wanted` older events, newest first, good until the next call. 0 = still
 * unpacking, or at the start. */
size_t logback_read(struct logback *b, size_t wanted);
/* Where the last whole record of the file ends: from there on it is read forward. */
int64_t logback_last_end(struct logback *b);

#endif
