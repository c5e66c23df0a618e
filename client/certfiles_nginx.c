/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which certificate files nginx uses: ssl_certificate of its configuration, includes followed. Not
 * a validator: what is not understood is skipped. It must not know what the files hold. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "client/certfiles_private.h"
#include "core/mem.h"

#define NGINX_DIR  "/etc/nginx/"
#define NGINX_CONF NGINX_DIR "nginx.conf"
#define CONF_MAX   (1024 * 1024)
#define FILES_MAX  500 /* an include that includes itself ends here */
#define DEPTH_MAX  10
#define WORD_MAX   1024

struct scan {
	const char *root;
	void (*found)(void *arg, const char *path);
	void *arg;
	size_t files, depth;
};

struct words {
	char word[2][WORD_MAX]; /* directive and first argument are all that matter */
	size_t count;
};

static const char *skip_blank(const char *s, const char *end)
{
	while (s < end) {
		if (*s == '#')
			while (s < end && *s != '\n')
				s++;
		else if (strchr(" \t\r\n", *s) && *s)
			s++;
		else
			break;
	}
	return s;
}

/* One word, quotes removed; empty when it is longer than fits or holds a NUL. Returns what follows
 * it. */
static const char *take_word(const char *s, const char *end, char *out, size_t size)
{
	char quote = *s == '"' || *s == '\'' ? *s++ : '\0';
	bool fits = true;
	size_t n = 0;

	while (s < end && (quote ? *s != quote : !*s || !strchr(" \t\r\n;{}", *s))) {
		if (*s == '\\' && s + 1 < end)
			s++;
		fits = fits && *s && n + 1 < size;
		if (fits)
			out[n++] = *s;
		s++;
	}
	out[fits ? n : 0] = '\0';
	return quote && s < end ? s + 1 : s;
}

void nginx_scan(const char *text, size_t len,
	void (*fn)(void *arg, bool is_include, const char *path), void *arg)
{
	const char *s = text, *end = text + len;
	struct words w = {.count = 0};
	char spare[WORD_MAX];

	while ((s = skip_blank(s, end)) < end) {
		if (*s == ';' || *s == '{' || *s == '}') {
			if (*s == ';' && w.count == 2 && w.word[1][0]) {
				if (!strcmp(w.word[0], "ssl_certificate"))
					fn(arg, false, w.word[1]);
				else if (!strcmp(w.word[0], "include"))
					fn(arg, true, w.word[1]);
			}
			w.count = 0;
			s++;
			continue;
		}
		s = take_word(s, end, w.count < 2 ? w.word[w.count] : spare, WORD_MAX);
		w.count++;
	}
}

/* "/etc/nginx/../a//b" -> "/etc/a/b", without asking the disk. */
static void normalise(char *path)
{
	char *out = path, *in = path;

	while (*in) {
		size_t len;

		while (*in == '/')
			in++;
		len = strcspn(in, "/");
		if (len == 2 && !strncmp(in, "..", 2)) {
			while (out > path && *--out != '/')
				;
		} else if (len && !(len == 1 && *in == '.')) {
			*out++ = '/';
			memmove(out, in, len);
			out += len;
		}
		in += len;
	}
	*out = '\0';
}

static char *absolute(const char *path)
{
	char *out = xasprintf("%s%s", *path == '/' ? "" : NGINX_DIR, path);

	normalise(out);
	return out;
}

static void scan_file(struct scan *s, const char *path);

static void scan_include(struct scan *s, const char *pattern)
{
	char *full = xasprintf("%s%s", s->root ? s->root : "", pattern);
	size_t skip = s->root ? strlen(s->root) : 0;
	glob_t found;

	if (!glob(full, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			scan_file(s, found.gl_pathv[i] + skip);
		globfree(&found);
	}
	free(full);
}

static void on_directive(void *arg, bool is_include, const char *path)
{
	struct scan *s = arg;
	char *full;

	if (strchr(path, '$') || !strncmp(path, "data:", 5) || !strncmp(path, "engine:", 7))
		return; /* made up at run time: not a file */
	full = absolute(path);
	if (is_include)
		scan_include(s, full);
	else
		s->found(s->arg, full);
	free(full);
}

static void scan_file(struct scan *s, const char *path)
{
	struct buf text = BUF_INIT;
	int error;

	if (s->depth >= DEPTH_MAX || s->files++ >= FILES_MAX ||
		!certfiles_load(s->root, path, CONF_MAX, &text, &error))
		return;
	s->depth++;
	nginx_scan(buf_str(&text), text.len, on_directive, s);
	s->depth--;
	buf_release(&text);
}

void certfiles_find_nginx(const char *root, void (*found)(void *arg, const char *path), void *arg)
{
	struct scan s = {.root = root, .found = found, .arg = arg};

	scan_file(&s, NGINX_CONF);
}
