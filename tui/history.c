/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Histories of input lines. A file that can't be read or written is done without: nothing depends on it. */
#include "tui/history.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"

#define LINES_MAX 500
#define LINE_BYTES_MAX 4096
#define FILE_BYTES_MAX 1048576

struct history {
	char *kind;
	char **line;
	size_t len, cap;
};

struct histories {
	char *dir;
	struct history *list;
	size_t len, cap;
};

struct histories *histories_new(const char *dir)
{
	struct histories *h = xcalloc(1, sizeof(*h));

	h->dir = dir != NULL ? xstrdup(dir) : NULL;
	return h;
}

void histories_free(struct histories *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->len; i++) {
		for (size_t k = 0; k < h->list[i].len; k++)
			free(h->list[i].line[k]);
		free(h->list[i].line);
		free(h->list[i].kind);
	}
	free(h->list);
	free(h->dir);
	free(h);
}

static bool is_clean(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return len > 0 && len <= LINE_BYTES_MAX;
}

static void drop(struct history *h, size_t i)
{
	free(h->line[i]);
	memmove(h->line + i, h->line + i + 1, (h->len - i - 1) * sizeof(*h->line));
	h->len--;
}

static void put(struct history *h, const char *s, size_t len)
{
	if (!is_clean(s, len))
		return;
	for (size_t i = 0; i < h->len; i++) {
		if (strlen(h->line[i]) == len && memcmp(h->line[i], s, len) == 0) {
			drop(h, i);
			break;
		}
	}
	if (h->len == LINES_MAX)
		drop(h, 0);
	xgrow(&h->line, &h->cap, h->len + 1, sizeof(*h->line));
	h->line[h->len++] = xstrndup(s, len);
}

static char *path_of(const struct histories *all, const char *kind)
{
	return all->dir != NULL ? xasprintf("%s/%s_history", all->dir, kind) : NULL;
}

static void load(const struct histories *all, struct history *h)
{
	char *path = path_of(all, h->kind);
	struct buf text = BUF_INIT;
	char chunk[4096];
	ssize_t n;
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

	free(path);
	if (fd < 0)
		return;
	buf_init(&text, FILE_BYTES_MAX);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 && buf_add(&text, chunk, (size_t)n))
		;
	close(fd);
	for (const char *s = buf_str(&text); *s != '\0';) {
		size_t len = strcspn(s, "\n");

		put(h, s, len);
		s += len + (s[len] != '\0');
	}
	buf_release(&text);
}

static struct history *get(struct histories *all, const char *kind)
{
	struct history *h;

	for (size_t i = 0; i < all->len; i++)
		if (strcmp(all->list[i].kind, kind) == 0)
			return &all->list[i];
	xgrow(&all->list, &all->cap, all->len + 1, sizeof(*all->list));
	h = &all->list[all->len++];
	*h = (struct history){ .kind = xstrdup(kind) };
	load(all, h);
	return h;
}

char *const *histories_lines(struct histories *all, const char *kind, size_t *len)
{
	struct history *h = get(all, kind);

	*len = h->len;
	return h->line;
}

static bool write_all(int fd, const char *s, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, s, len);

		if (n <= 0)
			return false;
		s += n;
		len -= (size_t)n;
	}
	return true;
}

/* A new file under a name of its own, then renamed: the old one stays whole until then. mkstemp makes it 0600. */
static void save(const struct histories *all, const struct history *h)
{
	char *path = path_of(all, h->kind);
	char *temp;
	struct buf text = BUF_INIT;
	int fd;

	if (path == NULL)
		return;
	temp = xasprintf("%s.XXXXXX", path);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd >= 0) {
		bool ok;

		for (size_t i = 0; i < h->len; i++)
			buf_addf(&text, "%s\n", h->line[i]);
		ok = write_all(fd, buf_str(&text), text.len);
		ok = close(fd) == 0 && ok;
		if (!ok || rename(temp, path) != 0)
			unlink(temp);
	}
	buf_release(&text);
	free(temp);
	free(path);
}

void histories_add(struct histories *all, const char *kind, const char *line)
{
	struct history *h = get(all, kind);

	if (h->len > 0 && strcmp(h->line[h->len - 1], line) == 0)
		return;
	put(h, line, strlen(line));
	save(all, h);
}
