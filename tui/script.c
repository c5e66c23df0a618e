/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys and directives from a file, one at a time, whenever the console is idle. */
#include "tui/script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/text.h"
#include "tui/ui_private.h"

#define WAIT_MAX_MS 30000
#define SCRIPT_MAX 1048576

struct script {
	struct ui *ui;
	char *path;
	struct buf text;
	size_t pos;        /* of the next line */
	int line_no;
	char *keys, *next; /* the line of keys at hand, and what is left of it */
	char *awaited;     /* text that must appear; NULL = none */
	bool waiting;
	int64_t pace;
	struct timer turn, deadline;
};

bool script_on_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

struct script *script_open(struct ui *ui, const char *path, struct err *err)
{
	struct script *s = xcalloc(1, sizeof(*s));
	char chunk[4096];
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	s->ui = ui;
	s->path = xstrdup(path);
	buf_init(&s->text, SCRIPT_MAX);
	while (fd >= 0 && (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(&s->text, chunk, (size_t)n);
	if (fd < 0 || n < 0 || s->text.overflow) {
		err_set(err, ERR_IO, "%s: %s", path, fd < 0 || n < 0 ? strerror(errno) : "too long");
		script_close(s);
		s = NULL;
	}
	if (fd >= 0)
		close(fd);
	return s;
}

void script_close(struct script *s)
{
	if (s == NULL)
		return;
	s->ui->script = NULL;
	timer_stop(&s->turn);
	timer_stop(&s->deadline);
	buf_release(&s->text);
	free(s->path);
	free(s->keys);
	free(s->awaited);
	free(s);
}

static void next_turn(struct loop *loop, void *arg)
{
	(void)loop;
	(void)arg; /* the hook before the wait does the work */
}

static void go_on(struct script *s, int64_t ms)
{
	timer_start(s->ui->loop, &s->turn, ms, NULL, next_turn, s);
}

static void fail(struct script *s, const char *what)
{
	struct buf screen = BUF_INIT;
	struct ui *ui = s->ui;
	bool headless = ui->headless;
	char place[512];

	snprintf(place, sizeof(place), "%s:%d: %s", s->path, s->line_no, what);
	script_close(s);
	if (headless) {
		ui_dump(ui, &screen, false);
		fprintf(stderr, "%s\n%s", place, buf_str(&screen));
		buf_release(&screen);
		ui_quit(ui, 2);
	} else {
		ui_message(ui, ROLE_ERROR, "%s", place);
	}
}

static void too_long(struct loop *loop, void *arg)
{
	struct script *s = arg;
	char what[256];

	(void)loop;
	snprintf(what, sizeof(what), "waited in vain for \"%s\"", s->awaited != NULL ? s->awaited : "idle");
	fail(s, what);
}

/* \n, \t and \\ */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		if (from[0] == '\\' && (from[1] == 'n' || from[1] == 't' || from[1] == '\\'))
			*to++ = *++from == 'n' ? '\n' : *from == 't' ? '\t' : '\\';
		else
			*to++ = *from;
	}
	*to = '\0';
}

static bool begins(const char *line, const char *word, const char **rest)
{
	size_t n = strlen(word);

	if (strncmp(line, word, n) != 0 || (line[n] != '\0' && line[n] != ' '))
		return false;
	*rest = line[n] == ' ' ? line + n + 1 : "";
	return true;
}

static void directive(struct script *s, char *line)
{
	struct err err = ERR_INIT;
	const char *rest;
	int64_t ms;

	ui_flush_pending(s->ui);
	if (begins(line, "wait", &rest)) {
		s->waiting = true;
		s->awaited = rest[0] != '\0' ? xstrdup(rest) : NULL;
	} else if (begins(line, "paste", &rest)) {
		unescape(line);
		input_push_paste(s->ui->input, line + (rest[0] != '\0' ? 6 : 5));
	} else if (begins(line, "pace", &rest) && text_int(rest, 0, 10000, &ms)) {
		s->pace = ms;
	} else if (!command_run(s->ui, line, &err)) {
		fail(s, err.msg);
	}
}

/* Takes the next line; false at the end. */
static bool next_line(struct script *s)
{
	const char *at = buf_str(&s->text) + s->pos;
	size_t n = strcspn(at, "\n");
	uint32_t code;
	char *line;

	if (s->pos >= s->text.len)
		return false;
	s->line_no++;
	s->pos += n + 1;
	line = xstrndup(at, n);
	if (line[0] == ':') {
		directive(s, line + 1); /* may close s */
		free(line);
		return true;
	}
	free(s->keys);
	s->keys = s->next = line;
	if (line[0] == '#')
		line[0] = '\0';
	for (const char *k = line; *k != '\0';) {
		size_t used = key_parse(k, &code);

		if (used == 0) {
			fail(s, "no key sequence");
			return true;
		}
		k += used;
	}
	return true;
}

static bool still_waiting(struct script *s)
{
	struct buf screen = BUF_INIT;
	bool there = true;

	if (!s->waiting)
		return false;
	if (s->awaited != NULL) {
		ui_dump(s->ui, &screen, false);
		there = strstr(buf_str(&screen), s->awaited) != NULL;
		buf_release(&screen);
	}
	if (!there)
		return true;
	s->waiting = false;
	free(s->awaited);
	s->awaited = NULL;
	return false;
}

void script_step(struct script *s)
{
	struct ui *ui = s->ui;
	uint32_t code;

	if (timer_is_armed(&s->turn) && s->pace > 0)
		return;
	if (!ui_is_idle(ui) || still_waiting(s)) {
		if (!timer_is_armed(&s->deadline))
			timer_start(ui->loop, &s->deadline, WAIT_MAX_MS, NULL, too_long, s);
		return;
	}
	timer_stop(&s->deadline);
	if (s->next != NULL && *s->next != '\0') {
		s->next += key_parse(s->next, &code);
		input_push(ui->input, code);
		go_on(s, s->pace);
		return;
	}
	if (!next_line(s)) {
		bool headless = ui->headless;

		ui_flush_pending(ui);
		script_close(s);
		if (headless)
			ui_hangup(ui);
		return;
	}
	if (ui->script != NULL)
		go_on(s, 0);
}
