/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of log files: which belong together, and which is older. The server's own names are
 * PREFIX.YYYY-MM-DD, …THH, …THH:MM or just PREFIX (0.10 to 0.16), PREFIX.YYYY-MM-DD-HH before;
 * logrotate adds .N, -YYYYMMDD and .gz. */
#include "client/logfiles.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/mem.h"

#define SETTLE_MS  20 /* a rotation's renames come closer together than this */
#define SCAN_TRIES 5

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Does s match the shape, where 'd' is a digit? */
static bool has_shape(const char *s, size_t len, const char *shape)
{
	size_t i, n = strlen(shape);

	if (len != n)
		return false;
	for (i = 0; i < n; i++) {
		if (shape[i] == 'd' ? !is_digit(s[i]) : s[i] != shape[i])
			return false;
	}
	return true;
}

/* ".3" at the end; at most four digits, so that no date is taken for a number. */
static size_t cut_number(const char *s, size_t len, unsigned *number)
{
	size_t i = len;
	unsigned n = 0, scale = 1;

	while (i > 0 && is_digit(s[i - 1]) && len - i < 5) {
		i--;
		n += (unsigned)(s[i] - '0') * scale;
		scale *= 10;
	}
	if (i == len || len - i > 4 || i < 2 || s[i - 1] != '.')
		return len;
	*number = n;
	return i - 1;
}

static size_t cut_date(const char *s, size_t len, char *date, size_t size)
{
	static const char *const shapes[] = { ".dddd-dd-dd", ".dddd-dd-ddTdd", ".dddd-dd-ddTdd:dd",
		".dddd-dd-dd-dd", ".dddd-dd-dd-dd-dd", "-dddddddd", ".dddddddd", "-dddd-dd-dd" };
	size_t i, n, k, out = 0;

	for (i = 0; i < ARRAY_LEN(shapes); i++) {
		n = strlen(shapes[i]);
		if (len <= n || !has_shape(s + len - n, n, shapes[i]))
			continue;
		for (k = len - n; k < len; k++) {
			if (is_digit(s[k]) && out + 1 < size)
				date[out++] = s[k];
		}
		date[out] = '\0';
		return len - n;
	}
	return len;
}

/* Takes a name apart: "stalwart.2026-11-21", "x.log.3.gz", "x.log-20261121". False if it is none of
 * the kind. stem_len: what is left. */
static bool split_name(const char *name, size_t *stem_len, struct logfile *out)
{
	size_t len = strlen(name), base;

	memset(out, 0, sizeof(*out));
	if (len > 3 && strcmp(name + len - 3, ".gz") == 0) {
		out->is_gz = true;
		len -= 3;
	}
	base = len;
	len = cut_number(name, len, &out->number);
	len = cut_date(name, len, out->date, sizeof(out->date));
	out->base_len = base;
	*stem_len = len;
	return len > 0;
}

bool logfiles_init(struct logfiles *l, const char *path, struct err *err)
{
	char *real = realpath(path, NULL), *slash;
	struct stat st;

	memset(l, 0, sizeof(*l));
	if (real == NULL)
		real = xstrdup(path);
	if (stat(real, &st) == 0 && S_ISDIR(st.st_mode)) {
		l->dir = real;
		l->is_dir = true;
		return true;
	}
	if (stat(real, &st) == 0 && !S_ISREG(st.st_mode)) {
		err_set(err, ERR_USAGE, "%s is neither a file nor a directory", path);
		free(real);
		return false;
	}
	slash = strrchr(real, '/');
	l->stem = xstrdup(slash ? slash + 1 : real);
	l->dir = slash == real ? xstrdup("/")
		 : slash       ? xstrndup(real, (size_t)(slash - real))
			       : xstrdup(".");
	free(real);
	return true;
}

static void drop_files(struct logfiles *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		free(l->files[i].name);
	l->count = 0;
}

void logfiles_release(struct logfiles *l)
{
	drop_files(l);
	free(l->files);
	free(l->dir);
	free(l->stem);
	memset(l, 0, sizeof(*l));
}

static int64_t stat_mtime(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

bool logfiles_is_settling(const struct logfiles *l)
{
	struct timespec now;
	struct stat st;
	int64_t ago;

	if (stat(l->dir, &st) != 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	ago = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - stat_mtime(&st);
	return ago >= 0 && ago < SETTLE_MS;
}

static int cmp_files(const void *pa, const void *pb)
{
	const struct logfile *a = pa, *b = pb;
	int c;

	if (!a->date[0] != !b->date[0])
		return a->date[0] ? -1 : 1;
	c = strcmp(a->date, b->date);
	if (c != 0)
		return c;
	if (a->number != b->number)
		return a->number > b->number ? -1 : 1;
	return a->is_gz - b->is_gz;
}

/* gzip writes x.gz beside x and then removes x: as long as both are there x is the whole one. */
static void drop_doubles(struct logfiles *l)
{
	size_t i, kept = 0;

	for (i = 0; i < l->count; i++) {
		struct logfile *f = &l->files[i], *before = kept ? &l->files[kept - 1] : NULL;

		if (before && f->is_gz && !before->is_gz && before->base_len == f->base_len &&
			memcmp(before->name, f->name, f->base_len) == 0)
			free(f->name);
		else
			l->files[kept++] = *f;
	}
	l->count = kept;
}

/* A directory may hold more than one log. The mail server's own name wins, then what was written
 * last. */
static void choose_stem(struct logfiles *l)
{
	size_t i, stem_len, best = 0;
	struct logfile parts;
	int rank, best_rank = -1;

	for (i = 0; i < l->count; i++) {
		const struct logfile *f = &l->files[i];

		if (!split_name(f->name, &stem_len, &parts))
			continue;
		rank = strncmp(f->name, "stalwart", 8) == 0 ? 1 : 0;
		if (rank > best_rank || (rank == best_rank && f->mtime > l->files[best].mtime)) {
			best = i;
			best_rank = rank;
		}
	}
	if (best_rank >= 0 && split_name(l->files[best].name, &stem_len, &parts))
		l->stem = xstrndup(l->files[best].name, stem_len);
}

/* Is this name, on its own, one of a log? Dated or numbered ones, *.log, and the server's bare
 * prefix. */
static bool looks_like_log(const char *name, size_t stem_len, const struct logfile *parts)
{
	if (name[0] == '.')
		return false;
	if (parts->date[0])
		return true;
	return (stem_len > 4 && memcmp(name + stem_len - 4, ".log", 4) == 0) ||
	       (stem_len == 8 && memcmp(name, "stalwart", 8) == 0);
}

static bool belongs(
	const struct logfiles *l, const char *name, size_t stem_len, const struct logfile *parts)
{
	size_t given_len;
	struct logfile given;

	if (l->stem == NULL)
		return looks_like_log(name, stem_len, parts);
	if (l->is_dir)
		return stem_len == strlen(l->stem) && memcmp(name, l->stem, stem_len) == 0;
	split_name(l->stem, &given_len, &given);
	if (given_len != strlen(l->stem))
		return strcmp(name, l->stem) == 0;
	return stem_len == given_len && memcmp(name, l->stem, stem_len) == 0;
}

static bool read_names(struct logfiles *l, struct err *err)
{
	DIR *d = opendir(l->dir);
	struct logfile f;
	struct dirent *e;
	struct stat st;
	size_t stem_len;

	if (d == NULL)
		return err_set(err, ERR_IO, "can't read %s: %s", l->dir, strerror(errno));
	drop_files(l);
	while ((e = readdir(d)) != NULL) {
		if (!split_name(e->d_name, &stem_len, &f) ||
			!belongs(l, e->d_name, stem_len, &f))
			continue;
		if (fstatat(dirfd(d), e->d_name, &st, 0) != 0 || !S_ISREG(st.st_mode))
			continue;
		f.name = xstrdup(e->d_name);
		f.dev = st.st_dev;
		f.ino = st.st_ino;
		f.size = st.st_size;
		f.mtime = stat_mtime(&st);
		xgrow(&l->files, &l->cap, l->count + 1, sizeof(*l->files));
		l->files[l->count++] = f;
	}
	closedir(d);
	return true;
}

bool logfiles_scan(struct logfiles *l, struct err *err)
{
	struct stat before, after;
	int tries;

	/* Renames while the directory is read may hide a file: read again until nothing changed
	 * meanwhile. */
	for (tries = 0; tries < SCAN_TRIES; tries++) {
		if (stat(l->dir, &before) != 0)
			return err_set(err, ERR_IO, "can't read %s: %s", l->dir, strerror(errno));
		if (!read_names(l, err))
			return false;
		if (stat(l->dir, &after) == 0 && before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
			before.st_mtim.tv_nsec == after.st_mtim.tv_nsec)
			break;
	}
	if (l->stem == NULL) {
		choose_stem(l);
		if (l->stem)
			return logfiles_scan(l, err);
	}
	if (l->count > 1) {
		qsort(l->files, l->count, sizeof(*l->files), cmp_files);
		drop_doubles(l);
	}
	return true;
}

ptrdiff_t logfiles_find(const struct logfiles *l, dev_t dev, ino_t ino)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		if (l->files[i].dev == dev && l->files[i].ino == ino)
			return (ptrdiff_t)i;
	}
	return -1;
}

char *logfiles_path(const struct logfiles *l, const struct logfile *f)
{
	return xasprintf("%s/%s", l->dir, f->name);
}
