/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The input line as a modal state of the console: keys, validation, completion, drawing. Editing is line.c's, except for
 * secrets, which never get into readline's buffers. */
#include "tui/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "tui/draw.h"
#include "tui/history.h"
#include "tui/line.h"
#include "tui/pager.h"
#include "tui/screen.h"
#include "tui/ui_private.h"

#define SECRET_MAX 1024
#define NOTE_LINES 3

struct completions {
	char *word;
	char **text;
	size_t len, cap;
};

struct prompt {
	struct scope_item item;
	struct ui *ui;
	struct prompt_spec spec; /* strings are owned */
	struct err err;
	struct completions found; /* shown after Tab */
	char *last;               /* as `changed` was last told */
	char secret[SECRET_MAX];
	size_t secret_len;
};

/* --- completion --- */

void completions_add(struct completions *c, const char *text)
{
	if (strncasecmp(text, c->word, strlen(c->word)) != 0)
		return;
	for (size_t i = 0; i < c->len; i++)
		if (strcmp(c->text[i], text) == 0)
			return;
	xgrow(&c->text, &c->cap, c->len + 1, sizeof(*c->text));
	c->text[c->len++] = xstrdup(text);
}

static void completions_release(struct completions *c)
{
	for (size_t i = 0; i < c->len; i++)
		free(c->text[i]);
	free(c->text);
	free(c->word);
	memset(c, 0, sizeof(*c));
}

static size_t common_start(const struct completions *c)
{
	size_t n = strlen(c->text[0]);

	for (size_t i = 1; i < c->len; i++) {
		size_t k = 0;

		while (k < n && c->text[0][k] == c->text[i][k])
			k++;
		n = k;
	}
	while (n > 0 && ((unsigned char)c->text[0][n] & 0xc0) == 0x80)
		n--; /* not within a character */
	return n;
}

static void complete(struct prompt *p)
{
	const char *text = line_text();
	size_t end = line_point(), start = end;
	char *fill;

	completions_release(&p->found);
	if (p->spec.complete == NULL)
		return;
	while (start > 0 && text[start - 1] != ' ')
		start--;
	p->found.word = xstrndup(text + start, end - start);
	p->spec.complete(p->spec.arg, text, start, end, &p->found);
	if (p->found.len == 0)
		return;
	fill = xstrndup(p->found.text[0], common_start(&p->found));
	if (p->found.len == 1) {
		line_replace(start, end, fill);
		line_insert(" ");
		completions_release(&p->found);
	} else if (strlen(fill) > end - start) {
		line_replace(start, end, fill);
	}
	free(fill);
}

/* --- life --- */

static char *copy(const char *s)
{
	return s != NULL ? xstrdup(s) : NULL;
}

static void release(struct prompt *p)
{
	scope_remove(&p->item);
	if (!p->spec.secret)
		line_close();
	free((char *)p->spec.label);
	free((char *)p->spec.hint);
	free((char *)p->spec.history);
	free(p->last);
	completions_release(&p->found);
	explicit_bzero(p->secret, sizeof(p->secret));
	p->ui->prompt = NULL;
	ui_dirty(p->ui);
	free(p);
}

static void owner_gone(struct scope_item *item)
{
	release(container_of(item, struct prompt, item));
}

static const char *text_of(const struct prompt *p)
{
	return p->spec.secret ? p->secret : line_text();
}

void prompt_cancel(struct ui *ui)
{
	struct prompt_spec spec = ui->prompt->spec;

	release(ui->prompt);
	if (spec.done != NULL)
		spec.done(spec.arg, NULL);
}

void ui_prompt(struct ui *ui, const struct prompt_spec *spec)
{
	struct prompt *p;
	char *const *lines = NULL;
	size_t len = 0;

	if (ui->prompt != NULL)
		prompt_cancel(ui);
	p = xcalloc(1, sizeof(*p));
	p->ui = ui;
	p->spec = *spec;
	p->spec.label = xstrdup(spec->label);
	p->spec.hint = copy(spec->hint);
	p->spec.history = spec->secret ? NULL : copy(spec->history);
	p->spec.initial = NULL;
	if (p->spec.history != NULL)
		lines = histories_lines(ui->histories, p->spec.history, &len);
	if (!spec->secret)
		line_open(spec->initial, lines, len);
	p->last = xstrdup(text_of(p));
	scope_add(spec->owner, &p->item, owner_gone);
	ui->prompt = p;
	ui_dirty(ui);
}

/* Without the blanks at the end, which completion leaves behind. */
static char *answer_of(const struct prompt *p)
{
	size_t len = strlen(text_of(p));

	while (!p->spec.secret && len > 0 && text_of(p)[len - 1] == ' ')
		len--;
	return xstrndup(text_of(p), len);
}

static void wipe(char *text)
{
	explicit_bzero(text, strlen(text));
	free(text);
}

static void accept(struct prompt *p)
{
	struct ui *ui = p->ui;
	struct prompt_spec spec;
	char *text = answer_of(p);
	size_t len = strlen(text);

	err_clear(&p->err);
	if (len == 0 && !p->spec.empty_ok) {
		wipe(text);
		prompt_cancel(ui);
		return;
	}
	if (p->spec.check != NULL && !p->spec.check(p->spec.arg, text, &p->err)) {
		wipe(text);
		ui_dirty(ui);
		return;
	}
	if (p->spec.history != NULL && len > 0)
		histories_add(ui->histories, p->spec.history, text);
	spec = p->spec;
	release(p);
	if (spec.done != NULL)
		spec.done(spec.arg, text);
	wipe(text);
}

/* --- keys --- */

static void secret_add(struct prompt *p, const char *s)
{
	size_t n = strcspn(s, "\r\n");

	if (n >= SECRET_MAX - p->secret_len) {
		err_set(&p->err, ERR_LIMIT, "too long");
		return;
	}
	memcpy(p->secret + p->secret_len, s, n);
	p->secret_len += n;
	p->secret[p->secret_len] = '\0';
}

static void secret_key(struct prompt *p, uint32_t code)
{
	char name[64];

	if (code == TK_ESC || code == (TK_CTRL | 'c')) {
		prompt_cancel(p->ui);
		return;
	}
	if (code == TK_ENTER) {
		accept(p);
		return;
	}
	err_clear(&p->err);
	if (code == (TK_CTRL | 'u')) {
		explicit_bzero(p->secret, sizeof(p->secret));
		p->secret_len = 0;
	} else if (code == TK_BACKSPACE) {
		while (p->secret_len > 0 && ((unsigned char)p->secret[--p->secret_len] & 0xc0) == 0x80)
			;
		p->secret[p->secret_len] = '\0';
	} else if (code < KEY_CODE_BASE) {
		secret_add(p, code == ' ' ? " " : code == '<' ? "<" : key_format(code, false, false, name, sizeof(name)));
		explicit_bzero(name, sizeof(name));
	}
}

static void tell_change(struct prompt *p)
{
	if (p->spec.secret || strcmp(p->last, line_text()) == 0)
		return;
	free(p->last);
	p->last = xstrdup(line_text());
	err_clear(&p->err);
	if (p->spec.changed != NULL)
		p->spec.changed(p->spec.arg, p->last, &p->err);
}

static void paste(struct prompt *p, const char *text)
{
	size_t n = strlen(text);
	char *trimmed;

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--; /* what ends a copied line is not meant as Enter nor as a blank */
	trimmed = xstrndup(text, n);
	if (p->spec.secret)
		secret_add(p, trimmed);
	else
		line_insert(trimmed);
	explicit_bzero(trimmed, n);
	free(trimmed);
	tell_change(p);
}

void prompt_key(struct ui *ui, struct key *key)
{
	struct prompt *p = ui->prompt;

	ui_dirty(ui);
	if (key->code == TK_PASTE) {
		paste(p, key->paste);
		return;
	}
	if (key->code == (TK_CTRL | 'z')) {
		screen_stop_process(true);
		return;
	}
	if (p->spec.secret) {
		secret_key(p, key->code);
		return;
	}
	if (key->code == TK_TAB) {
		complete(p);
		tell_change(p);
		return;
	}
	completions_release(&p->found);
	switch (line_key(key->code)) {
	case LINE_CANCEL:
		prompt_cancel(ui);
		return;
	case LINE_ACCEPT:
		accept(p);
		return;
	case LINE_EDIT:
		tell_change(p);
		return;
	}
}

/* --- drawing --- */

/* What is said about the line: why it was refused, what it could become, or how it is written. */
static void note_page(struct ui *ui, struct page *out)
{
	struct prompt *p = ui->prompt;
	struct buf all = BUF_INIT;
	int cols, rows;

	screen_size(&cols, &rows);
	page_init(out, ui->glyphs);
	if (p->err.code != ERR_NONE) {
		page_text(out, ROLE_ERROR, 0, cols - 2, p->err.msg);
	} else if (p->found.len > 0) {
		for (size_t i = 0; i < p->found.len; i++)
			buf_addf(&all, "%s  ", p->found.text[i]);
		page_text(out, ROLE_NORMAL, 0, cols - 2, buf_str(&all));
	} else if (p->spec.hint != NULL) {
		page_text(out, ROLE_DIM, 0, cols - 2, p->spec.hint);
	}
	buf_release(&all);
}

int prompt_note_lines(struct ui *ui)
{
	struct page page;
	int n;

	note_page(ui, &page);
	n = (int)page.line_count;
	page_release(&page);
	return n < NOTE_LINES ? n : NOTE_LINES;
}

void prompt_draw(struct ui *ui, int notes_y, int y, int width)
{
	struct prompt *p = ui->prompt;
	const char *label = line_search_label() != NULL && !p->spec.secret ? line_search_label() : p->spec.label;
	const char *text = p->spec.secret ? "" : line_text();
	struct page page;
	int x, col, room, skip;

	note_page(ui, &page);
	page_draw(&page, 0, notes_y, y - notes_y, 1, width - 1);
	page_release(&page);
	x = 1 + draw_text(y, 1, width / 2, ROLE_PROMPT, label);
	room = width - x - 1;
	col = p->spec.secret ? 0 : draw_width(text, line_point());
	skip = col >= room ? col - room + 1 : 0;
	draw_fill(y, x, width - x, ROLE_INPUT, " ");
	draw_skip(y, x, width - x, skip, ROLE_INPUT, text);
	draw_cursor(CURSOR_MODAL, y, x + col - skip);
}
