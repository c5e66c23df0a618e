/* SPDX-License-Identifier: GPL-3.0-or-later */
/* readline without its terminal: bytes come from our queue, nothing is printed, no signal and no variable is touched.
 * Verified on 8.2: without rl_input_available_hook an empty queue is read as end of input; a lone ESC leaves readline
 * waiting for the next key, so ESC never gets here. */
#include "tui/line.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curses.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <term.h>

#include "core/mem.h"

#define FEED_MAX 32

static struct {
	unsigned char feed[FEED_MAX];
	size_t head, len;
	bool ready;    /* readline has been set up */
	bool open;
	bool ended;    /* it called back: the line was accepted or ended */
	bool eof;
	FILE *nowhere;
} line;

static int next_byte(FILE *in)
{
	(void)in;
	return line.head < line.len ? line.feed[line.head++] : EOF;
}

static int has_byte(void)
{
	return line.head < line.len;
}

static void no_redisplay(void)
{
}

static void no_prep(int meta)
{
	(void)meta;
}

static void no_deprep(void)
{
}

static void ended(char *text)
{
	line.ended = true;
	line.eof = text == NULL;
	free(text);
}

static void bind_keys(void)
{
	rl_bind_keyseq("\033[3~", rl_delete);
	rl_bind_keyseq("\033[H", rl_beg_of_line);
	rl_bind_keyseq("\033[F", rl_end_of_line);
	rl_bind_keyseq("\033[1;5C", rl_forward_word);
	rl_bind_keyseq("\033[1;5D", rl_backward_word);
}

static void set_up(void)
{
	TERMINAL *mine = cur_term; /* readline asks terminfo for itself and leaves its answer behind */

	if (line.ready)
		return;
	line.nowhere = fopen("/dev/null", "r+e");
	rl_instream = line.nowhere;
	rl_outstream = line.nowhere;
	rl_readline_name = "stalwarden";
	rl_terminal_name = "dumb";
	rl_catch_signals = 0;
	rl_catch_sigwinch = 0;
	rl_change_environment = 0;
	rl_getc_function = next_byte;
	rl_input_available_hook = has_byte;
	rl_redisplay_function = no_redisplay;
	rl_prep_term_function = no_prep;
	rl_deprep_term_function = no_deprep;
	rl_initialize();
	rl_variable_bind("bell-style", "none");
	rl_variable_bind("enable-bracketed-paste", "off");
	rl_variable_bind("editing-mode", "emacs"); /* ESC cancels here: vi's modes can't be reached */
	bind_keys();
	set_curterm(mine);
	line.ready = true;
}

void line_open(const char *initial, char *const *history, size_t history_len)
{
	set_up();
	line_close();
	rl_clear_history(); /* with the undo lists of edited entries, which clear_history() forgets */
	for (size_t i = 0; i < history_len; i++)
		add_history(history[i]);
	using_history();
	rl_callback_handler_install("", ended);
	line.open = true;
	line.ended = line.eof = false;
	line.head = line.len = 0;
	if (initial != NULL)
		rl_insert_text(initial);
}

void line_close(void)
{
	if (!line.open)
		return;
	line.open = false;
	if (rl_undo_list) /* given up, not accepted: entries of the history that were edited share the list, undoing takes it from them */
		rl_revert_line(1, 0);
	rl_callback_handler_remove();
	rl_clear_history();
}

static void put(unsigned char c)
{
	if (line.len < FEED_MAX)
		line.feed[line.len++] = c;
}

static void put_text(const char *s)
{
	while (*s != '\0')
		put((unsigned char)*s++);
}

static void put_utf8(uint32_t cp)
{
	if (cp < 0x80) {
		put((unsigned char)cp);
	} else if (cp < 0x800) {
		put((unsigned char)(0xc0 | cp >> 6));
		put((unsigned char)(0x80 | (cp & 0x3f)));
	} else if (cp < 0x10000) {
		put((unsigned char)(0xe0 | cp >> 12));
		put((unsigned char)(0x80 | (cp >> 6 & 0x3f)));
		put((unsigned char)(0x80 | (cp & 0x3f)));
	} else {
		put((unsigned char)(0xf0 | cp >> 18));
		put((unsigned char)(0x80 | (cp >> 12 & 0x3f)));
		put((unsigned char)(0x80 | (cp >> 6 & 0x3f)));
		put((unsigned char)(0x80 | (cp & 0x3f)));
	}
}

/* Keys as the bytes readline knows them by, whatever this terminal sends. */
static void encode(uint32_t code)
{
	static const struct {
		uint32_t code;
		const char *bytes;
	} named[] = {
		{ TK_UP, "\033[A" }, { TK_DOWN, "\033[B" }, { TK_RIGHT, "\033[C" }, { TK_LEFT, "\033[D" },
		{ TK_HOME, "\033[H" }, { TK_END, "\033[F" }, { TK_DELETE, "\033[3~" }, { TK_BACKSPACE, "\177" },
		{ TK_CTRL | TK_RIGHT, "\033[1;5C" }, { TK_CTRL | TK_LEFT, "\033[1;5D" },
		{ TK_ALT | TK_BACKSPACE, "\033\177" },
	};
	uint32_t base = code & ~(TK_CTRL | TK_ALT | TK_SHIFT);

	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		if (named[i].code == code) {
			put_text(named[i].bytes);
			return;
		}
	}
	if (base >= KEY_CODE_BASE)
		return;
	if (code & TK_ALT)
		put(033);
	if (code & TK_CTRL)
		put((unsigned char)(base & 0x1f));
	else
		put_utf8(base);
}

static bool is_searching(void)
{
	return RL_ISSTATE(RL_STATE_ISEARCH) || RL_ISSTATE(RL_STATE_NSEARCH);
}

static void feed(void)
{
	while (has_byte() && !line.ended)
		rl_callback_read_char();
	line.head = line.len = 0;
}

enum line_result line_key(uint32_t code)
{
	if (code == TK_ESC || code == (TK_CTRL | 'c') || code == (TK_CTRL | 'g'))
		return LINE_CANCEL;
	if (code == TK_ENTER && !is_searching())
		return LINE_ACCEPT;
	if (code == TK_ENTER) {
		put('\n'); /* ends the search, keeps the line */
		feed();
		return LINE_EDIT;
	}
	encode(code);
	feed();
	if (!line.ended)
		return LINE_EDIT;
	return line.eof ? LINE_CANCEL : LINE_ACCEPT;
}

void line_insert(const char *text)
{
	char *clean = xstrdup(text);

	for (char *c = clean; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	rl_insert_text(clean);
	free(clean);
}

void line_replace(size_t start, size_t end, const char *text)
{
	rl_delete_text((int)start, (int)end);
	rl_point = (int)start;
	rl_insert_text(text);
}

const char *line_text(void)
{
	return line.open && rl_line_buffer != NULL ? rl_line_buffer : "";
}

size_t line_point(void)
{
	return line.open ? (size_t)rl_point : 0;
}

const char *line_search_label(void)
{
	return line.open && is_searching() ? rl_display_prompt : NULL;
}
