/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "views/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "model/formats.h"
#include "views/views.h"

struct export_ask {
	struct view *view;
	enum list_kind kind;
	struct entrylist *owned; /* instead of the view's rows: written whole, freed */
	size_t left_out;
};

/* The format is the name's ending, in any case; no known one = one address a line. */
static enum format format_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (int f = FORMAT_AUTO + 1; dot && f < FORMAT_COUNT; f++)
		if (!strcasecmp(dot + 1, format_name((enum format)f)) && format_can_write((enum format)f))
			return (enum format)f;
	return FORMAT_VALUES;
}

/* "~/list.csv" as a shell would take it; the caller frees it. */
static char *path_of(const char *text)
{
	const char *home = getenv("HOME");

	return !strncmp(text, "~/", 2) && home && *home ? xasprintf("%s%s", home, text + 1) : xstrdup(text);
}

static bool write_all(void *arg, const char *data, size_t len)
{
	int fd = *(int *)arg;

	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static int create(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		err_set(err, ERR_IO, errno == EEXIST ? "%s exists: choose another name" : "%s can't be made: %s", path, strerror(errno));
	return fd;
}

/* Rows of the list that is exported, in the order shown; the caller frees *rows. */
static struct export_list list_asked(const struct export_ask *ask, uint32_t **rows)
{
	struct export_list list = { .list = ask->owned, .kind = ask->kind };

	*rows = NULL;
	if (ask->owned)
		return list;
	list.list = app_of(ask->view)->snap.list[ask->kind];
	list.row_count = view_shown_count(ask->view);
	list.rows = *rows = xreallocarray(NULL, list.row_count + 1, sizeof(**rows));
	for (size_t i = 0; i < list.row_count; i++)
		(*rows)[i] = (uint32_t)view_shown_row(ask->view, i);
	return list;
}

static void write_list(const struct export_ask *ask, const char *path, int fd, struct err *err)
{
	uint32_t *rows;
	struct export_list list = list_asked(ask, &rows);
	struct export_tally tally = { 0 };
	char more[96] = "", told[256];

	if (ask->left_out)
		snprintf(more, sizeof(more), "; %zu left out: they hit what must not be blocked", ask->left_out);
	if (list.list && export_lists(format_of(path), &list, 1, clock_now(), write_all, &fd, &tally, err) &&
		fsync(fd) == 0) {
		export_tally_text(&tally, told, sizeof(told));
		ui_message(ask->view->ui, ROLE_GOOD, "%zu rows written to %s as %s%s%s%s", tally.written, path,
			format_name(format_of(path)), *told ? "; " : "", told, more);
	} else {
		err_clear(err); /* it says that the export was stopped, not why */
		err_set(err, ERR_IO, "%s could not be written: %s", path, strerror(errno));
		unlink(path); /* half a list is taken for a whole one; it was made just now */
	}
	free(rows);
}

static void list_given(void *arg, const char *text)
{
	struct export_ask *ask = arg;
	struct err err = ERR_INIT;
	char *path = text ? path_of(text) : NULL;
	int fd = path ? create(path, &err) : -1;

	if (fd >= 0) {
		write_list(ask, path, fd, &err);
		close(fd);
	}
	free(path);
	if (err.code != ERR_NONE)
		ui_message(ask->view->ui, ROLE_ERROR, "%s", err.msg);
	if (ask->owned)
		entrylist_free(ask->owned);
	free(ask);
}

static void ask_for_file(const struct export_ask *ask)
{
	struct export_ask *copy = xmalloc(sizeof(*copy));

	*copy = *ask;
	ui_prompt(ask->view->ui,
		&(struct prompt_spec){ .label = "Export the rows shown to: ",
			.hint = "the ending says how: .csv .json .ndjson .nft .ipset .iptables .cscli, else one address a line",
			.history = "file",
			.done = list_given,
			.arg = copy });
}

void export_list(struct view *v, const struct entrylist *l, enum list_kind kind)
{
	if (l)
		ask_for_file(&(struct export_ask){ .view = v, .kind = kind });
}

void export_nets(struct view *v, struct entrylist *l, size_t left_out)
{
	ask_for_file(&(struct export_ask){ .view = v, .kind = LIST_BLOCKED, .owned = l, .left_out = left_out });
}

static void text_given(void *arg, const char *text)
{
	struct view *v = arg;
	struct err err = ERR_INIT;
	struct buf out = BUF_INIT;
	char *path = text ? path_of(text) : NULL;
	int fd = path ? create(path, &err) : -1;

	if (fd >= 0) {
		view_print(v, &out, 160, 0, false);
		if (write_all(&fd, buf_str(&out), out.len)) {
			ui_message(v->ui, ROLE_GOOD, "written to %s", path);
		} else {
			err_set(&err, ERR_IO, "%s could not be written: %s", path, strerror(errno));
			unlink(path);
		}
		close(fd);
	}
	free(path);
	if (err.code != ERR_NONE)
		ui_message(v->ui, ROLE_ERROR, "%s", err.msg);
	buf_release(&out);
}

void export_text(struct view *v)
{
	ui_prompt(v->ui,
		&(struct prompt_spec){ .label = "Write this panel as text to: ",
			.history = "file",
			.done = text_given,
			.owner = &v->scope,
			.arg = v });
}
