/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which file of a log's family to read, and from where: a place found again after rotation, the
 * successor of a file that has ended, a copy that was made and cut before it was ever read. */
#include <stdio.h>
#include <stdlib.h>

#include "client/logfollow.h"
#include "core/mem.h"

#define SETTLE_TRIES 50

static void set_name(struct follow *f, const char *name)
{
	char *copy = xstrdup(name);

	free(f->name);
	f->name = copy;
}

/* Of a file that is still empty there is no content to recognise it by, should it be filled, copied
 * and cut before the next look: then only the copy is new in the directory. */
void follow_remember_family(struct follow *f, bool is_empty)
{
	size_t i;

	free(f->known);
	f->known = NULL;
	f->known_count = 0;
	if (!is_empty)
		return;
	f->known = xcalloc(f->family.count + 1, sizeof(*f->known));
	for (i = 0; i < f->family.count; i++)
		f->known[f->known_count++] = f->family.files[i].ino;
}

static bool is_known(const struct follow *f, ino_t ino)
{
	size_t i;

	for (i = 0; i < f->known_count; i++) {
		if (f->known[i] == ino)
			return true;
	}
	return false;
}

/* Makes `file` the one that is read, from offset on; ERR_CONFLICT or ERR_NOT_FOUND when it is no
 * longer as it was scanned. Its beginning is read at once, so that it can be recognised should it
 * be cut before the first line is. In a gz the offset comes later. */
bool follow_open_at(struct follow *f, const struct logfile *file, int64_t offset, struct err *err)
{
	char *path = logfiles_path(&f->family, file);
	struct logreader r;
	bool ok = logreader_open(&r, path, err);

	free(path);
	if (!ok)
		return false;
	if (!logreader_seek(&r, offset) || !logreader_know_head(&r) || r.dev != file->dev ||
		r.ino != file->ino || (r.gz == NULL && logreader_size(&r) < file->size)) {
		logreader_close(&r);
		return err_set(err, ERR_CONFLICT, "%s changed while it was opened", file->name);
	}
	logreader_close(&f->reader);
	f->reader = r;
	set_name(f, file->name);
	buf_reset(&f->data);
	memcpy(f->tail, r.tail, sizeof(f->tail));
	f->tail_len = r.tail_len;
	f->place.offset = offset;
	follow_fill_place(f);
	follow_remember_family(f, r.gz == NULL && r.head_len == 0);
	return true;
}

bool follow_from(struct follow *f, const struct logfile *file, int64_t offset, struct err *err)
{
	f->must_locate = false;
	return follow_open_at(f, file, offset, err);
}

/* Bytes from member i on, for the progress. */
static void count_total(struct follow *f, size_t i)
{
	f->total = f->done;
	for (; i < f->family.count; i++)
		f->total += (uint64_t)f->family.files[i].size;
	if (f->total > (uint64_t)f->place.offset)
		f->total -= (uint64_t)f->place.offset;
}

/* Is member i the file the place was taken in? Then it is opened there. */
static bool try_member(struct follow *f, size_t i)
{
	const struct logplace *want = &f->place;
	char *path = logfiles_path(&f->family, &f->family.files[i]);
	struct logplace copy = *want;
	struct logreader r;
	bool fits = false;

	if (logreader_open(&r, path, NULL)) {
		fits = logreader_has_head(&r, want);
		if (fits && r.gz == NULL)
			fits = logreader_seek(&r, want->offset) && logreader_has_tail(&r, want);
		logreader_close(&r);
	}
	free(path);
	if (!fits || !follow_open_at(f, &f->family.files[i], copy.offset, NULL))
		return false;
	f->must_check_tail = f->reader.gz != NULL && copy.offset > 0;
	f->place = copy;
	count_total(f, i);
	return true;
}

/* Finds the place by inode, else by content, newest file first: a copy is younger than what it was
 * made of. */
static bool find_place(struct follow *f)
{
	ptrdiff_t same = logfiles_find(&f->family, f->place.dev, f->place.ino);
	size_t i;

	if (same >= 0 && try_member(f, (size_t)same))
		return true;
	if (f->place.head_len == 0)
		return false;
	for (i = f->family.count; i-- > 0;) {
		if ((ptrdiff_t)i != same && try_member(f, i))
			return true;
	}
	return false;
}

/* The place is nowhere. The same file with other content was cut: all of it is new. Otherwise begin
 * with the first file that was written to since, and take what is not younger as known. */
bool follow_start_over(struct follow *f, struct err *err)
{
	ptrdiff_t same = logfiles_find(&f->family, f->place.dev, f->place.ino);
	size_t i = same >= 0 ? (size_t)same : 0;

	if (same < 0 && f->place.time != TIME_NONE) {
		while (i + 1 < f->family.count && f->family.files[i].mtime < f->place.time)
			i++;
		f->known_until = f->place.time;
	}
	if (f->place.head_len > 0)
		snprintf(f->note, sizeof(f->note),
			"the log file read last is gone or was cut: lines written just before may "
			"be missing");
	f->must_check_tail = false;
	if (!follow_open_at(f, &f->family.files[i], 0, err))
		return false;
	count_total(f, i);
	return true;
}

/* A file that changed between scan and open is looked at again; one that can't be read is told. */
enum follow_result follow_changed_or_failed(struct err *err)
{
	if (err->code != ERR_CONFLICT && err->code != ERR_NOT_FOUND)
		return FOLLOW_FAILED;
	err_clear(err);
	return FOLLOW_SOON;
}

enum follow_result follow_locate(struct follow *f, struct err *err)
{
	if (!logfiles_scan(&f->family, err))
		return FOLLOW_FAILED;
	f->is_dirty = true; /* what follows the place is looked for at its end */
	if (f->family.count == 0)
		return FOLLOW_EMPTY;
	if (!find_place(f)) {
		/* In the middle of a rotation nothing can be found; when all is still it is really
		 * gone. */
		if (logfiles_is_settling(&f->family) && f->settled++ < SETTLE_TRIES)
			return FOLLOW_SOON;
		if (!follow_start_over(f, err))
			return follow_changed_or_failed(err);
	}
	f->settled = 0;
	f->must_locate = false;
	return FOLLOW_MORE;
}

/* Do two members begin alike? Then the older one is a copy of the younger, being made:
 * copy-truncate copies first and cuts then. */
static bool is_copy(struct follow *f, size_t older, size_t younger)
{
	bool may_be = f->family.files[older].size <= f->family.files[younger].size ||
		      f->family.files[older].is_gz;
	char *pa = logfiles_path(&f->family, &f->family.files[older]),
	     *pb = logfiles_path(&f->family, &f->family.files[younger]);
	struct logreader a, b = LOGREADER_INIT;
	char buf[LOGREADER_HEAD], buf2[LOGREADER_HEAD];
	ssize_t na = 0, nb = 0;

	a = (struct logreader)LOGREADER_INIT;
	if (may_be && logreader_open(&a, pa, NULL) && logreader_open(&b, pb, NULL)) {
		na = logreader_read(&a, buf, sizeof(buf));
		nb = logreader_read(&b, buf2, sizeof(buf2));
	}
	logreader_close(&a);
	logreader_close(&b);
	free(pa);
	free(pb);
	return na > 0 && na <= nb && memcmp(buf, buf2, (size_t)na) == 0;
}

/* Index of the file being read; when its name and inode are gone (packed meanwhile), of what has
 * its content; else of the last one that was written to before it. -1: older than all. */
static ptrdiff_t find_current(struct follow *f)
{
	ptrdiff_t at = logfiles_find(&f->family, f->reader.dev, f->reader.ino);
	struct logplace here = { 0 };
	size_t i;

	if (at >= 0)
		return at;
	here.head_len = f->reader.head_len;
	here.head_hash = logreader_hash(f->reader.head, f->reader.head_len);
	for (i = 0; i < f->family.count && here.head_len > 0; i++) {
		char *path = logfiles_path(&f->family, &f->family.files[i]);
		struct logreader r;
		bool is_it = logreader_open(&r, path, NULL) && logreader_has_head(&r, &here);

		logreader_close(&r);
		free(path);
		if (is_it)
			return (ptrdiff_t)i;
	}
	for (i = 0; i < f->family.count; i++) {
		if (f->place.time == TIME_NONE || f->family.files[i].mtime >= f->place.time)
			break;
	}
	return (ptrdiff_t)i - 1;
}

/* The next file with something in it, NULL if there is none. */
const struct logfile *follow_find_next(struct follow *f)
{
	ptrdiff_t at = find_current(f);
	size_t i;

	if (at >= 0 && logfiles_find(&f->family, f->reader.dev, f->reader.ino) == at)
		set_name(f, f->family.files[at].name);
	for (i = (size_t)(at + 1); i < f->family.count; i++) {
		if (f->family.files[i].size == 0)
			continue;
		if (i + 1 < f->family.count && f->family.files[i + 1].size > 0 &&
			is_copy(f, i, i + 1))
			continue;
		return &f->family.files[i];
	}
	return NULL;
}

/* Does member i begin like the file being read? */
static bool begins_alike(struct follow *f, size_t i)
{
	char *path = logfiles_path(&f->family, &f->family.files[i]);
	char head[LOGREADER_HEAD];
	struct logreader r;
	bool is_alike = true;
	ssize_t n;

	if (logreader_open(&r, path, NULL)) {
		n = logreader_read(&r, head, f->reader.head_len);
		is_alike = n <= 0 || memcmp(head, f->reader.head, (size_t)n) == 0;
	}
	logreader_close(&r);
	free(path);
	return is_alike;
}

/* The first bytes of a file that was empty have been read, not delivered. What was copied away from
 * it meanwhile comes first: the oldest file that is new in the directory and begins otherwise.
 * NULL: nothing was. */
const struct logfile *follow_find_missed(struct follow *f)
{
	ptrdiff_t at;
	size_t i;

	if (!logfiles_scan(&f->family, NULL))
		return NULL;
	at = logfiles_find(&f->family, f->reader.dev, f->reader.ino);
	for (i = 0; (ptrdiff_t)i < at; i++) {
		const struct logfile *file = &f->family.files[i];

		if (!is_known(f, file->ino) && file->size > 0 && !begins_alike(f, i))
			return file;
	}
	return NULL;
}
