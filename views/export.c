/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "views/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "model/formats.h"
#include "views/views.h"

struct export_ask {
	struct view *view;
	enum list_kind kind;
};

/* The format is the name's ending; no known one = one address a line. */
static enum format format_of(const char *path)
{
	const char *dot = strrchr(path, '.');
	enum format f;

	return dot && format_parse(dot + 1, &f) && format_can_write(f) ? f : FORMAT_VALUES;
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
		err_set(err, ERR_IO, errno == EEXIST ? "%s exists: choose another name" : "%s can't be made", path);
	return fd;
}

static void list_given(void *arg, const char *text)
{
	struct export_ask *ask = arg;
	struct view *v = ask->view;
	const struct entrylist *l = app_of(v)->snap.list[ask->kind];
	size_t n = view_shown_count(v);
	uint32_t *rows = xreallocarray(NULL, n + 1, sizeof(*rows));
	struct err err = ERR_INIT;
	int fd = text ? create(text, &err) : -1;

	if (fd >= 0 && l) {
		struct export_list list = { .list = l, .kind = ask->kind, .rows = rows, .row_count = n };
		size_t skipped = 0;

		for (size_t i = 0; i < n; i++)
			rows[i] = (uint32_t)view_shown_row(v, i);
		if (export_lists(format_of(text), &list, 1, clock_now(), write_all, &fd, &skipped, &err) && fsync(fd) == 0)
			ui_message(v->ui, ROLE_GOOD, "%zu rows written to %s as %s", n - skipped, text, format_name(format_of(text)));
		else
			err_set(&err, ERR_IO, "%s could not be written: %s", text, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	if (err.code != ERR_NONE)
		ui_message(v->ui, ROLE_ERROR, "%s", err.msg);
	free(rows);
	free(ask);
}

void export_list(struct view *v, const struct entrylist *l, enum list_kind kind)
{
	struct export_ask *ask;

	if (!l)
		return;
	ask = xmalloc(sizeof(*ask));
	*ask = (struct export_ask){ v, kind };
	ui_prompt(v->ui,
		&(struct prompt_spec){ .label = "Export the rows shown to: ",
			.hint = "the ending says how: .csv .json .ndjson .nft .ipset .iptables .cscli, else one address a line",
			.history = "file",
			.done = list_given,
			.arg = ask });
}

static void text_given(void *arg, const char *text)
{
	struct view *v = arg;
	struct err err = ERR_INIT;
	struct buf out = BUF_INIT;
	int fd = text ? create(text, &err) : -1;

	if (fd >= 0) {
		view_print(v, &out, 160, 0, false);
		if (write_all(&fd, buf_str(&out), out.len))
			ui_message(v->ui, ROLE_GOOD, "written to %s", text);
		else
			err_set(&err, ERR_IO, "%s could not be written: %s", text, strerror(errno));
		close(fd);
	}
	if (err.code != ERR_NONE)
		ui_message(v->ui, ROLE_ERROR, "%s", err.msg);
	buf_release(&out);
}

void export_text(struct view *v)
{
	ui_prompt(v->ui, &(struct prompt_spec){ .label = "Write this panel as text to: ", .history = "file", .done = text_given, .owner = &v->scope, .arg = v });
}
