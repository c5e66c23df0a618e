/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates on disk: certbot's live directories, configured globs, files that nginx or a stored
 * macro names. What can't be read is a row that says so. It must not know who renews
 * (certfiles_renewal.c). */
#include "client/certfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
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

struct cert *certfiles_add(struct certlist *l, const char *root, const char *path)
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

static void add_glob(struct certlist *l, const char *root, const char *pattern)
{
	size_t skip = root ? strlen(root) : 0;
	char *full = xasprintf("%s%s", root ? root : "", pattern);
	glob_t found;

	if (!glob(full, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			size_t before = l->count;
			struct cert *c = certfiles_add(l, root, found.gl_pathv[i] + skip);

			if (l->count > before && is_only_key(c)) {
				cert_free(c);
				l->count--;
			}
		}
		globfree(&found);
	}
	free(full);
}

static void add_macros(struct certlist *l, const char *root, const struct certlist *stored)
{
	for (size_t i = 0; stored && i < stored->count; i++) {
		const struct cert *c = stored->rows[i];

		if (c->source == CERT_STORED && c->path)
			certfiles_add(l, root, c->path);
	}
}

void certfiles_read(struct certlist *out, const struct certfiles_options *o)
{
	struct certlist *files = certlist_new();
	const char *root = o->root && *o->root ? o->root : NULL;

	add_glob(files, root, "/etc/letsencrypt/live/*/fullchain.pem");
	for (size_t i = 0; i < o->glob_count; i++)
		add_glob(files, root, o->globs[i]);
	add_macros(files, root, o->stored);
	certfiles_read_nginx(files, root);
	certfiles_read_certbot(files, root);
	files->fetched = clock_now();
	certlist_merge(out, files);
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
