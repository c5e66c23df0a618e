/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console without a server, for the toolkit's own tests on a terminal and headless: a list of DEMO_ROWS synthetic rows,
 * a page, hostile texts, an edit that asks. Prints what was carried out to DEMO_LOG, so a test can tell that nothing was. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "tui/ui.h"

struct demo {
	struct ui *ui;
	size_t rows;
	bool read_only, idle;
	size_t *targets;
	struct timer work;
	uint64_t done;
};

static const char *const reasons[] = { "auth", "scan", "abuse", "loiter", "manual" };
static const char *const hostile[] = {
	"\x1b[2J\x1b[31mred", "a\rb\nc\td", "\xe2\x80\xae" "evil", "\x9b" "31m", "z\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
	"\xff\xfe\xc0\x80", "\xe6\xbc\xa2\xe5\xad\x97 wide", "\x1b]0;title\a", "\xe2\x80\x8b\xe2\x80\x8b", "\x1b]52;c;eA==\a",
};

static void log_line(const char *text)
{
	const char *path = getenv("DEMO_LOG");
	int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (fd >= 0) {
		dprintf(fd, "%s\n", text);
		close(fd);
	}
}

/* --- the list --- */

static uint32_t mix(size_t row)
{
	uint64_t x = (uint64_t)row * 0x9e3779b97f4a7c15ULL;

	return (uint32_t)(x >> 32 ^ x);
}

static size_t count(const struct view *v)
{
	return ((struct demo *)v->app)->rows;
}

static uint64_t row_id(const struct view *v, size_t row)
{
	(void)v;
	return row + 1000;
}

static void cell(const struct view *v, size_t row, int col, struct cell *c)
{
	(void)v;
	switch (col) {
	case 0:
		cell_set(c, ROLE_GOOD, "●");
		return;
	case 1:
		cell_set(c, ROLE_NORMAL, "%u.%u.%u.%u", mix(row) >> 24, mix(row) >> 16 & 255, mix(row) >> 8 & 255, mix(row) & 255);
		return;
	case 2:
		cell_ref(c, ROLE_CLASS_AUTH, reasons[mix(row) % 5]);
		return;
	case 3:
		cell_set(c, ROLE_NORMAL, "%u", mix(row) % 5000);
		return;
	default:
		cell_ref(c, ROLE_DIM, row % 7 == 3 ? hostile[row / 7 % ARRAY_LEN(hostile)] : "note");
		return;
	}
}

static void sort_key(const struct view *v, size_t row, int col, struct sort_key *out)
{
	(void)v;
	if (col == 2)
		out->text = reasons[mix(row) % 5];
	else if (col == 3)
		out->num = mix(row) % 5000;
	else
		out->num = mix(row);
}

static void detail(const struct view *v, size_t row, struct page *out, int width)
{
	(void)v;
	(void)width;
	page_pair(out, 10, "row", ROLE_VALUE, "%zu", row);
	page_pair(out, 10, "note", ROLE_NORMAL, "%s", hostile[row % ARRAY_LEN(hostile)]);
}

static void answered(void *arg, char key, unsigned toggles)
{
	struct demo *d = arg;
	char text[64];
	struct page *lines, *more;

	if (key == 0)
		return;
	snprintf(text, sizeof(text), "remove %c %u", key, toggles);
	log_line(text);
	lines = xmalloc(sizeof(*lines));
	more = xmalloc(sizeof(*more));
	page_init(lines, ui_glyphs(d->ui));
	page_init(more, ui_glyphs(d->ui));
	page_line(lines);
	page_add(lines, ROLE_GOOD, "%s removed   in force", lines->glyphs->good);
	page_line(more);
	page_adds(more, ROLE_NORMAL, "write 200, read back absent");
	ui_verdict(d->ui, lines, more);
}

static void describe(void *arg, unsigned toggles, struct page *out, int width)
{
	(void)arg;
	(void)width;
	page_line(out);
	page_adds(out, ROLE_NORMAL, toggles ? "   counters too" : "   counters stay");
}

static void ask_remove(struct view *v)
{
	static const struct confirm_option options[] = {
		{ 'y', "yes", CONFIRM_YES, false },
		{ 'n', "no", CONFIRM_NO, false },
		{ 'c', "also reset counters", CONFIRM_TOGGLE, false },
		{ 0, NULL, CONFIRM_NO, false },
	};
	size_t *rows, n = view_targets(v, &rows);
	char question[64];

	free(rows);
	snprintf(question, sizeof(question), "Remove %zu rows?", n);
	ui_confirm(v->ui, &(struct confirm_spec){ .question = question, .options = options, .describe = describe,
				  .type_count = n > CONFIRM_TYPE_ABOVE ? n : 0, .done = answered, .owner = &v->scope, .arg = v->app });
}

static bool check_number(void *arg, const char *text, struct err *err)
{
	int64_t n;

	(void)arg;
	return text_int(text, 0, 100, &n) || err_set(err, ERR_USAGE, "\"%s\" is no number from 0 to 100", text);
}

static void took(void *arg, const char *text)
{
	(void)arg;
	log_line(text != NULL ? text : "cancelled");
}

static void complete(void *arg, const char *line, size_t start, size_t end, struct completions *out)
{
	(void)arg;
	(void)line;
	(void)start;
	(void)end;
	completions_add(out, "10");
	completions_add(out, "100");
	completions_add(out, "42");
}

static void ask_text(struct view *v, bool secret)
{
	ui_prompt(v->ui, &(struct prompt_spec){ .label = secret ? "Password: " : "Number: ", .hint = "0 to 100", .history = "number",
				 .secret = secret, .check = secret ? NULL : check_number, .complete = complete, .done = took,
				 .owner = &v->scope, .arg = v->app });
}

static void stop_work(void *arg)
{
	struct demo *d = arg;

	timer_stop(&d->work);
	ui_progress(d->ui, NULL, 0, 0, NULL, NULL);
	log_line("stopped");
}

static void work(struct loop *loop, void *arg)
{
	struct demo *d = arg;

	d->done += 10;
	ui_progress(d->ui, "Working", d->done, 100000, stop_work, d);
	timer_start(loop, &d->work, 10, NULL, work, d);
}

static bool act(struct view *v, enum action a, size_t row)
{
	struct demo *d = v->app;
	char text[64];

	switch ((int)a) {
	case ACTION_OPEN:
		snprintf(text, sizeof(text), "open %zu", row);
		log_line(text);
		return true;
	case ACTION_REMOVE:
		ask_remove(v);
		return true;
	case ACTION_EDIT:
		ask_text(v, false);
		return true;
	case ACTION_ADD:
		ask_text(v, true);
		return true;
	case ACTION_PROBE:
		work(ui_loop(v->ui), d);
		return true;
	case ACTION_WATCH:
		raise(SIGSEGV); /* a crash, asked for by a test; a real one would be the sanitizer's */
		return true;
	case ACTION_EXPORT:
		abort();
	default:
		return false;
	}
}

static const struct column columns[] = {
	{ .name = "state", .title = "", .min = 1, .max = 1, .unsortable = true },
	{ .name = "address", .title = "ADDRESS", .min = 12, .max = 39 },
	{ .name = "reason", .title = "REASON", .min = 6, .max = 8, .priority = 1 },
	{ .name = "hits", .title = "HITS", .min = 6, .max = 9, .priority = 2, .right = true, .descending = true },
	{ .name = "note", .title = "NOTE", .min = 10, .priority = 3 },
	{ .name = NULL },
};

static const struct binding bindings[] = {
	{ .keys = "<Enter>", .action = ACTION_OPEN },
	{ .keys = "d", .action = ACTION_REMOVE },
	{ .keys = "e", .action = ACTION_EDIT },
	{ .keys = "P", .action = ACTION_PROBE },
	{ .keys = NULL },
};

static const struct view_ops list_view = {
	.name = "list", .title = "List", .help = "Rows made up for tests.", .columns = columns, .bindings = bindings,
	.count = count, .row_id = row_id, .cell = cell, .sort_key = sort_key, .detail = detail, .act = act,
};

/* --- the page --- */

static void page(struct view *v, struct page *out, int width)
{
	static const uint64_t bars[] = { 1, 5, 3, 8, 2, 0, 4 };

	(void)v;
	page_heading(out, width, "A page", "right");
	page_bar(out, 8, "auth", ROLE_CLASS_AUTH, 231, 412, width / 3);
	page_line(out);
	page_spark(out, ROLE_BAR, bars, ARRAY_LEN(bars));
	for (int i = 0; i < 60; i++) {
		page_line(out);
		page_add(out, ROLE_NORMAL, "line %d %s ", i, hostile[(size_t)i % ARRAY_LEN(hostile)]);
		if (i % 5 == 0) {
			page_spot_begin(out);
			page_add(out, ROLE_LINK, "go to %d", i);
			page_spot_end(out, ACTION_OPEN, (uint64_t)i);
		}
	}
}

static bool page_act(struct view *v, enum action a, size_t row)
{
	char text[64];

	(void)v;
	if (a != ACTION_OPEN)
		return false;
	snprintf(text, sizeof(text), "spot %zu", row);
	log_line(text);
	return true;
}

static const struct view_ops page_view = { .name = "page", .title = "Page", .page = page, .act = page_act };
static const struct view_ops absent_view = { .name = "absent", .title = "Absent", .needs = 8, .page = page };

/* --- the app --- */

static void title(void *app, struct ui_title *out)
{
	(void)app;
	snprintf(out->name, sizeof(out->name), "demo");
	snprintf(out->server, sizeof(out->server), "no server");
	snprintf(out->state, sizeof(out->state), "live");
	out->role = ROLE_GOOD;
}

static unsigned caps(void *app)
{
	(void)app;
	return ~8u;
}

static void caps_reason(void *app, unsigned missing, char *out, size_t size)
{
	(void)app;
	snprintf(out, size, "this server has no such thing (%u)", missing);
}

static bool permits(void *app, struct view *v, enum action a, char *why, size_t size)
{
	struct demo *d = app;

	(void)v;
	(void)a;
	if (d->read_only)
		snprintf(why, size, "read-only: nothing is changed");
	return !d->read_only;
}

static bool quit(void *app, bool forced)
{
	(void)app;
	log_line(forced ? "forced" : "quit");
	return true;
}

static bool idle(void *app)
{
	return !timer_is_armed(&((struct demo *)app)->work);
}

static void cured(void *arg)
{
	ui_clear_alarm(((struct demo *)arg)->ui, "gateway");
	log_line("cured");
}

int main(void)
{
	static const struct view_ops *const tabs[] = { &list_view, &page_view, &absent_view, NULL };
	static const char *const themes[] = { "themes", NULL };
	const char *rows = getenv("DEMO_ROWS");
	struct demo d = { .read_only = getenv("DEMO_READ_ONLY") != NULL };
	struct ui_config config = { .app = &d, .tabs = tabs, .product = "demo", .state_dir = getenv("DEMO_STATE"), .theme_dirs = themes,
		.theme = getenv("DEMO_THEME"), .ascii = getenv("DEMO_ASCII") != NULL, .mouse = getenv("DEMO_MOUSE") != NULL,
		.title = title, .caps = caps, .caps_reason = caps_reason, .permits = permits, .quit = quit, .idle = idle };
	struct loop *loop;
	struct err err = ERR_INIT;
	int64_t n = 412;
	int status;

	setlocale(LC_ALL, "");
	if (rows != NULL && !text_int(rows, 0, 10000000, &n))
		return 2;
	d.rows = (size_t)n;
	loop = loop_new();
	d.ui = ui_new(loop, &config, &err);
	if (d.ui == NULL) {
		fprintf(stderr, "demo: %s\n", err.msg);
		loop_free(loop);
		return 2;
	}
	ui_act(d.ui, ACTION_TAB_1, ROW_NONE);
	view_changed(ui_view(d.ui));
	if (getenv("DEMO_ALARM") != NULL)
		ui_set_alarm(d.ui, "gateway", ROLE_BAD, "172.17.0.1 is banned: this host's gateway", "cure", cured, &d);
	loop_run(loop);
	status = ui_status(d.ui);
	ui_free(d.ui);
	timer_stop(&d.work);
	loop_free(loop);
	return status;
}
