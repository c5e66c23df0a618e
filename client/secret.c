/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules for secrets at rest and before they are sent. Children that print one are in secret_command.c. */
#include "client/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/secret.h"
#include "core/text.h"

#define TOKEN_PREFIX "api_"

bool secret_strip(struct buf *b, struct err *err)
{
	if (b->len && b->data[b->len - 1] == '\n')
		buf_truncate(b, b->len - 1);
	if (!b->len)
		return err_set(err, ERR_USAGE, "it is empty");
	return secret_check(buf_str(b), b->len, false, err);
}

static bool file_is_private(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "%s is not a regular file", path);
	if (st.st_uid != geteuid())
		return err_set(err, ERR_USAGE, "%s belongs to somebody else (uid %u): chown %u %s", path,
			(unsigned)st.st_uid, (unsigned)geteuid(), path);
	if (st.st_mode & 077)
		return err_set(err, ERR_USAGE, "%s can be read or changed by others (mode %04o): chmod 600 %s", path,
			(unsigned)st.st_mode & 07777, path);
	return true;
}

bool secret_file_check(int fd, const char *path, struct err *err)
{
	return file_is_private(fd, path, err);
}

static bool read_all(int fd, const char *path, struct buf *out, struct err *err)
{
	char piece[512];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
		if (out->len + (size_t)n > SECRET_MAX)
			return err_set(err, ERR_LIMIT, "%s: longer than %d bytes", path, SECRET_MAX);
		buf_add(out, piece, (size_t)n);
	}
	explicit_bzero(piece, sizeof(piece));
	return true;
}

bool secret_file_read(const char *path, struct buf *out, struct err *err)
{
	struct err why = ERR_INIT;
	bool ok;
	/* A link could be swapped between the look and the read; O_NONBLOCK because opening a FIFO would wait for its writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ELOOP)
		return err_set(err, ERR_USAGE, "%s is a symbolic link: name the file itself", path);
	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	/* wiped by the caller in any case: grown once, so that no half copy stays behind in freed memory */
	buf_add(out, (char[SECRET_MAX + 1]){ 0 }, SECRET_MAX + 1);
	buf_reset(out);
	ok = file_is_private(fd, path, err) && read_all(fd, path, out, err);
	if (ok && !secret_strip(out, &why))
		ok = err_set(err, why.code, "%s: %s", path, why.msg);
	close(fd);
	if (!ok)
		buf_wipe(out);
	return ok;
}

/* The part after api_ is base64 of name:secret; a server quotes a broken one in its log (seen on 0.15.5). */
static bool token_is_sound(const char *s, size_t len)
{
	size_t digits;

	if (len < strlen(TOKEN_PREFIX) || strncmp(s, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0)
		return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=") == len;
	s += strlen(TOKEN_PREFIX);
	len -= strlen(TOKEN_PREFIX);
	digits = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_");
	for (size_t i = digits; i < len; i++)
		if (s[i] != '=')
			return false;
	return digits > 0 && digits % 4 != 1 && len - digits <= 2 && (len == digits || len % 4 == 0);
}

bool secret_check(const char *secret, size_t len, bool is_token, struct err *err)
{
	if (!len)
		return err_set(err, ERR_USAGE, "the secret is empty");
	if (len > SECRET_MAX)
		return err_set(err, ERR_LIMIT, "the secret is longer than %d bytes", SECRET_MAX);
	if (memchr(secret, '\0', len))
		return err_set(err, ERR_USAGE, "the secret holds a NUL byte");
	if (memchr(secret, '\n', len) || memchr(secret, '\r', len))
		return err_set(err, ERR_USAGE, "the secret holds a line break: only one line is expected");
	if (!text_utf8_valid(secret, len))
		return err_set(err, ERR_USAGE, "the secret is not UTF-8: the server would quote it in its log");
	if (is_token && !token_is_sound(secret, len))
		return err_set(
			err, ERR_USAGE, "the token is not well-formed: an API key is api_ and base64 of name:secret");
	return true;
}
