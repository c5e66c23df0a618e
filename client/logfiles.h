/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of one log, oldest first: the current one and what rotation made of its predecessors.
 * Private to client/logsource_file.c and its parts; knows names and inodes, not what is in the
 * files. */
#ifndef CLIENT_LOGFILES_H
#define CLIENT_LOGFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

struct logfile {
	char *name;      /* owned; inside the directory */
	size_t base_len; /* of the name without ".gz" */
	bool is_gz;
	char date[16];   /* digits of the date in the name, "" = none: newest of all */
	unsigned number; /* ".3"; 0 = none; bigger is older */
	dev_t dev;
	ino_t ino;
	int64_t size, mtime; /* bytes; ms */
};

struct logfiles {
	char *dir;   /* owned */
	char *stem;  /* owned: what all names begin with; NULL until found */
	bool is_dir; /* a directory was named: the stem is looked for */
	struct logfile *files;
	size_t count, cap;
};

/* path: a directory, or a file (its rotated siblings belong to it; a dated name or a .gz stands
 * alone). The path need not exist yet. */
bool logfiles_init(struct logfiles *l, const char *path, struct err *err);
void logfiles_release(struct logfiles *l);
/* Reads the directory. False: it can't be read. An empty family is no error. */
bool logfiles_scan(struct logfiles *l, struct err *err);
/* True when the last change of the directory is so fresh that a rotation may be half done. */
bool logfiles_is_settling(const struct logfiles *l);
ptrdiff_t logfiles_find(const struct logfiles *l, dev_t dev, ino_t ino); /* -1 */
char *logfiles_path(const struct logfiles *l, const struct logfile *f);  /* caller frees */

#endif
