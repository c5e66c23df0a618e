/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ~/.netrc, read by ourselves: only the password of one user on one host leaves this file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client/secret.h"
#include "core/mem.h"

#define NETRC_MAX ((size_t)64 << 10)

/* The next word at *p, cut out in place; NULL at the end. A quoted word may hold blanks; a backslash takes the next character as it is. */
static char *next_word(char **p)
{
	char *s = *p + strspn(*p, " \t\r\n"), *word, *to;
	bool quoted;

	if (!*s)
		return NULL;
	quoted = *s == '"';
	s += quoted;
	word = to = s;
	while (*s && (quoted ? *s != '"' : !strchr(" \t\r\n", *s))) {
		if (*s == '\\' && s[1])
			s++;
		*to++ = *s++;
	}
	*p = *s ? s + 1 : s;
	*to = '\0';
	return word;
}

/* Where a keyword may stand, a # begins a comment. */
static char *next_keyword(char **p)
{
	*p += strspn(*p, " \t\r\n");
	while (**p == '#') {
		*p += strcspn(*p, "\n");
		*p += strspn(*p, " \t\r\n");
	}
	return next_word(p);
}

/* A macro's text ends with an empty line. */
static void skip_macro(char **p)
{
	char *end = strstr(*p, "\n\n");

	*p = end ? end + 2 : *p + strlen(*p);
}

static const char *find_password(char *text, const char *host, const char *user)
{
	bool is_host = false, is_user = false;
	const char *password = NULL;
	char *word, *value;

	while ((word = next_keyword(&text))) {
		bool is_default = !strcmp(word, "default");

		if (is_default || !strcmp(word, "machine")) {
			if (is_host && is_user && password)
				return password;
			value = is_default ? NULL : next_word(&text);
			is_host = is_default || (value && !strcasecmp(value, host));
			is_user = !user;
			password = NULL;
		} else if (!strcmp(word, "macdef")) {
			skip_macro(&text);
		} else if ((value = next_word(&text)) && !strcmp(word, "login")) {
			is_user = !user || !strcmp(value, user);
		} else if (value && !strcmp(word, "password")) {
			password = value;
		}
	}
	return is_host && is_user ? password : NULL;
}

static bool read_file(const char *path, struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char piece[4096];
	ssize_t n = 0;
	bool ok;

	if (fd < 0)
		return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, strerror(errno));
	ok = secret_file_check(fd, path, err);
	while (ok && (n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ok = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
		else if (out->len + (size_t)n > NETRC_MAX)
			ok = err_set(err, ERR_LIMIT, "%s is larger than 64 KiB", path);
		else
			buf_add(out, piece, (size_t)n);
	}
	explicit_bzero(piece, sizeof(piece));
	close(fd);
	return ok;
}

bool secret_netrc(const char *host, const char *user, struct buf *out, struct err *err)
{
	const char *env = getenv("NETRC"), *home = getenv("HOME"), *password;
	char *path = env && *env ? xstrdup(env) : xasprintf("%s/.netrc", home ? home : "");
	struct buf text = BUF_INIT;
	bool ok;

	buf_init(&text, NETRC_MAX);
	ok = read_file(path, &text, err);
	if (ok && memchr(buf_str(&text), '\0', text.len))
		ok = err_set(err, ERR_USAGE, "%s holds a NUL byte", path);
	password = ok && text.len ? find_password(text.data, host, user && *user ? user : NULL) : NULL;
	if (ok && !password)
		ok = err_set(err, ERR_NOT_FOUND, "%s has no password of %s at %s", path,
			user && *user ? user : "anybody", host);
	if (ok)
		ok = secret_check(password, strlen(password), false, err) && buf_adds(out, password);
	buf_wipe(&text);
	free(path);
	return ok;
}
