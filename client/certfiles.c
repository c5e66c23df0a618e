/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates on disk: certbot's live directories, configured globs, files that nginx or a stored
 * macro names. What can't be read is a row that says so. It must not know who renews
 * (certfiles_renewal.c). */
#include "client/certfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/certfiles_private.h"
#include "client/x509.h"
#include "core/mem.h"

#define FILES_MAX                                                                                  \
	1000 /* of all globs together: a glob over a CA directory is a mistake, not a wish */

/* All at once: a buffer that grows leaves its former places behind, and there may be a key in it.
 */
static void take_room(struct buf *b, size_t size)
{
	b->data = xcalloc(1, size + 1);
	b->cap = size + 1;
}

bool certfiles_load(const char *root, const char *path, size_t max, struct buf *out, int *error)
{
	char *full = xasprintf("%s%s", root ? root : "", path);
	int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
				    O_NOCTTY); /* O_NONBLOCK: a FIFO must not hang us */
	struct stat st;
	ssize_t n = -1;

	*error = fd < 0 ? errno : 0;
	free(full);
	if (fd < 0)
		return false;
	buf_init(out, max);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		*error = EINVAL;
	else if ((uintmax_t)st.st_size > max)
		*error = EFBIG;
	else
		take_room(out, (size_t)st.st_size);
	while (!*error) {
		char chunk[16384];

		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			*error = errno;
		if (n > 0 && !buf_add(out, chunk, (size_t)n))
			*error = EFBIG;
		explicit_bzero(chunk, sizeof(chunk)); /* the file may hold a key besides */
		if (n <= 0)
			break;
	}
	close(fd);
	if (*error)
		buf_wipe(out);
	return !*error;
}

static const char *error_words(int error)
{
	return error == EINVAL  ? "no regular file"
	       : error == EFBIG ? "larger than 1 MiB"
				: strerror(error);
}

static struct cert *read_cert(enum cert_source source, const char *root, const char *path)
{
	struct buf data = BUF_INIT;
	struct cert *c;
	int error;

	if (certfiles_load(root, path, X509_MAX_BYTES, &data, &error)) {
		c = x509_parse(source, NULL, buf_str(&data), data.len);
		buf_wipe(&data);
	} else {
		char *text = xasprintf("can't be read: %s", error_words(error));

		c = cert_new(source);
		cert_set_text(&c->error, text, SIZE_MAX);
		free(text);
	}
	cert_set_text(&c->path, path, SIZE_MAX);
	if (!c->name)
		cert_set_text(&c->name, path, SIZE_MAX);
	c->seen = clock_now();
	return c;
}

static struct cert *find_path(const struct certlist *l, const char *path)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->rows[i]->source == CERT_FILE && l->rows[i]->path &&
			!strcmp(l->rows[i]->path, path))
			return l->rows[i];
	return NULL;
}

/* The row of that file, read if it is new; NULL over the limit of files. */
static struct cert *add_file(struct certlist *l, const char *root, const char *path)
{
	struct cert *c = find_path(l, path);

	if (c || l->count >= FILES_MAX)
		return c;
	c = read_cert(CERT_FILE, root, path);
	certlist_take(l, c);
	return c;
}

/* A configured glob names certificates: what matched and holds none is shown with its error, except
 * for keys beside them. */
static bool is_only_key(const struct cert *c)
{
	return !cert_has_data(c) && c->has_key;
}

/* One file to be looked at. */
struct todo {
	char *path;
	bool is_glob, is_nginx; /* a configured glob matched it; nginx serves it */
};

struct certfiles_reader {
	struct certlist *list;
	char *root; /* NULL = the real one */
	struct todo *todo;
	size_t count, cap, at;
	bool has_confs;
	int log; /* which of certbot's is next */
};

static struct todo *todo_add(struct certfiles_reader *r, const char *path)
{
	struct todo *t;

	xgrow(&r->todo, &r->cap, r->count + 1, sizeof(*r->todo));
	t = &r->todo[r->count++];
	*t = (struct todo){.path = xstrdup(path)};
	return t;
}

static void add_glob(struct certfiles_reader *r, const char *pattern)
{
	size_t skip = r->root ? strlen(r->root) : 0;
	char *full = xasprintf("%s%s", r->root ? r->root : "", pattern);
	glob_t found;

	if (!glob(full, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			todo_add(r, found.gl_pathv[i] + skip)->is_glob = true;
		globfree(&found);
	}
	free(full);
}

static void add_macros(struct certfiles_reader *r, const struct certlist *stored)
{
	for (size_t i = 0; stored && i < stored->count; i++) {
		const struct cert *c = stored->rows[i];

		if (c->source == CERT_STORED && c->path)
			todo_add(r, c->path);
	}
}

static void on_nginx(void *arg, const char *path)
{
	todo_add(arg, path)->is_nginx = true;
}

struct certfiles_reader *certfiles_begin(const struct certfiles_options *o)
{
	struct certfiles_reader *r = xcalloc(1, sizeof(*r));

	r->list = certlist_new();
	r->root = o->root && *o->root ? xstrdup(o->root) : NULL;
	add_glob(r, "/etc/letsencrypt/live/*/fullchain.pem");
	for (size_t i = 0; i < o->glob_count; i++)
		add_glob(r, o->globs[i]);
	add_macros(r, o->stored);
	certfiles_find_nginx(r->root, on_nginx, r);
	return r;
}

static void read_one(struct certfiles_reader *r, const struct todo *t)
{
	size_t before = r->list->count;
	struct cert *c = add_file(r->list, r->root, t->path);

	if (!c)
		return;
	if (t->is_nginx)
		cert_set_text(&c->used_by, "nginx", SIZE_MAX);
	if (t->is_glob && r->list->count > before && is_only_key(c)) {
		cert_free(c);
		r->list->count--;
	}
}

bool certfiles_step(struct certfiles_reader *r)
{
	if (r->at < r->count) {
		read_one(r, &r->todo[r->at++]);
		return true;
	}
	if (!r->has_confs) {
		r->has_confs = true;
		certfiles_read_certbot(r->list, r->root);
		return r->list->renewal_count > 0;
	}
	return certfiles_read_log(r->list, r->root, r->log++);
}

struct certlist *certfiles_end(struct certfiles_reader *r)
{
	struct certlist *l = r->list;

	for (size_t i = 0; i < r->count; i++)
		free(r->todo[i].path);
	free(r->todo);
	free(r->root);
	free(r);
	l->fetched = clock_now();
	return l;
}

void certfiles_read(struct certlist *out, const struct certfiles_options *o)
{
	struct certfiles_reader *r = certfiles_begin(o);

	while (certfiles_step(r))
		;
	certlist_merge(out, certfiles_end(r));
}

void certfiles_fill_macro(struct cert *stored, const char *root)
{
	struct cert *c, keep;

	if (!stored->path || cert_has_data(stored))
		return;
	c = read_cert(CERT_STORED, root && *root ? root : NULL, stored->path);
	cert_set_text(&c->id, stored->id, SIZE_MAX);
	if (!cert_has_data(c)) {
		char *text = xasprintf(
			"the file %s %s", stored->path, c->error ? c->error : "can't be read");

		cert_set_text(&c->error, text, SIZE_MAX);
		cert_set_text(&c->name, stored->name ? stored->name : stored->id, SIZE_MAX);
		free(text);
	}
	keep = *stored;
	*stored = *c;
	*c = keep;
	cert_free(c);
}
