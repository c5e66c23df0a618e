/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Curses start, stop, suspend, resume, resize. Knows nothing of what is drawn; crashes are in screen_crash.c. */
#include "tui/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#include "core/mem.h"
#include "core/text.h"
#include "tui/screen_crash.h"
#include "tui/screen_out.h"

#define SIZE_MAX_CELLS 2000 /* a terminal that claims more is believed no further */

#define LEAVE_WAIT_MS 150

#define PASTE_ON "\033[?2004h"
#define PASTE_OFF "\033[?2004l"
#define MOUSE_ON "\033[?1000h\033[?1006h"
#define MOUSE_OFF "\033[?1006l\033[?1000l"

/* The terminal is the one thing a process has one of. */
static struct {
	SCREEN *screen;
	FILE *out, *in;
	bool headless, mouse, suspended, at_exit;
	int in_fd;
	int colours;
	struct termios saved;
} term = { .in_fd = -1 };

bool screen_is_started(void)
{
	return term.screen != NULL;
}

void screen_write(const char *s, size_t len)
{
	if (term.screen == NULL || term.suspended)
		return;
	screen_out_collect();
	screen_out_add(s, len);
	screen_out_drain();
}

/* Modes curses does not know. */
static void modes(bool on)
{
	screen_write(on ? PASTE_ON : PASTE_OFF, strlen(PASTE_ON));
	if (term.mouse)
		screen_write(on ? MOUSE_ON : MOUSE_OFF, strlen(MOUSE_ON));
}

static int env_int(const char *name, int fallback)
{
	const char *s = getenv(name);
	int64_t n;

	return s != NULL && text_int(s, 1, SIZE_MAX_CELLS, &n) ? (int)n : fallback;
}

/* A log may come through standard input: the keys then come from the terminal itself. */
static bool open_keyboard(void)
{
	term.in_fd = isatty(STDIN_FILENO) ? STDIN_FILENO : open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	return term.in_fd >= 0;
}

static void close_keyboard(void)
{
	if (term.in_fd > STDIN_FILENO)
		close(term.in_fd);
	term.in_fd = -1;
}

static bool usable(const struct screen_options *opt, struct err *err)
{
	const char *name = getenv("TERM");

	if (opt->headless)
		return true;
	if (!isatty(STDOUT_FILENO) || !open_keyboard())
		return err_set(
			err, ERR_USAGE, "the console needs a terminal; for scripts use a verb, e.g. `status -o json`");
	if (name == NULL || name[0] == '\0' || strcmp(name, "dumb") == 0 || strcmp(name, "unknown") == 0)
		return err_set(err, ERR_USAGE,
			"TERM is %s: the console needs a terminal that can place text; use a verb, e.g. `status`",
			name == NULL || name[0] == '\0' ? "not set" : name);
	if (tcgetattr(term.in_fd, &term.saved) != 0)
		return err_set(err, ERR_IO, "terminal: %s", strerror(errno));
	return true;
}

/* curses gets memory to write to and nothing to read from: termios and size are ours. */
static bool open_streams(struct err *err)
{
	term.out = screen_out_open(term.headless ? -1 : STDOUT_FILENO, err);
	if (term.out == NULL)
		return false;
	term.in = fopen("/dev/null", "re");
	if (term.in == NULL) {
		screen_out_close();
		return err_set(err, ERR_IO, "/dev/null: %s", strerror(errno));
	}
	return true;
}

static void close_streams(void)
{
	fclose(term.in);
	screen_out_close();
	close_keyboard();
}

/* newterm() dies by itself on a terminal without cursor addressing: ask terminfo first. */
static bool known_terminal(const char *name, struct err *err)
{
	int status = 0;
	char *cup;

	if (setupterm(name, STDOUT_FILENO, &status) != OK)
		return err_set(err, ERR_USAGE, "terminal type \"%s\" is not known here; try TERM=xterm", name);
	cup = tigetstr("cup");
	if (cup == NULL || cup == (char *)-1)
		return err_set(
			err, ERR_USAGE, "terminal type \"%s\" can't place text; use a verb, e.g. `status`", name);
	del_curterm(cur_term);
	return true;
}

/* No echo, no line editing, no signals from keys: Ctrl-C and Ctrl-Z are keys like others. */
static void raw_tty(void)
{
	struct termios t = term.saved;

	if (term.headless)
		return;
	cfmakeraw(&t);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	tcsetattr(term.in_fd, TCSANOW, &t);
}

static void enter_modes(void)
{
	raw_tty();
	nonl();
	idlok(stdscr, TRUE);
	leaveok(stdscr, FALSE);
	typeahead(-1); /* input is ours: a frame is never broken off for it */
	curs_set(1);
	modes(true);
}

static void start_colours(bool none)
{
	term.colours = 0;
	if (none || !has_colors() || start_color() != OK)
		return;
	use_default_colors();
	term.colours = COLORS;
}

static void take(const struct screen_options *opt)
{
	if (term.headless)
		screen_resize(opt->cols > 0 ? opt->cols : env_int("COLUMNS", 80),
			opt->rows > 0 ? opt->rows : env_int("LINES", 24));
	else
		screen_crash_arm(term.in_fd, STDOUT_FILENO, &term.saved, PASTE_OFF MOUSE_OFF);
	screen_follow_size();
	enter_modes();
	start_colours(opt->no_colour);
	mem_set_die_hook(screen_stop);
	if (!term.at_exit)
		term.at_exit = atexit(screen_stop) == 0;
}

static int clamp_cells(int n)
{
	return n < 1 ? 1 : n > SIZE_MAX_CELLS ? SIZE_MAX_CELLS : n;
}

static void put_env(const char *name, const char *value)
{
	if (value != NULL)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* ncurses looks for the size at the stream it writes to, which is none here, and takes 24 lines: it would make them the scroll region,
 * and a line deleted above would then move only a part of the screen. The environment tells it for the moment. */
static SCREEN *new_screen(const char *name)
{
	char *had_rows = getenv("LINES"), *had_cols = getenv("COLUMNS"), number[16];
	struct winsize ws;
	SCREEN *screen;

	if (term.headless || ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) != 0 || ws.ws_col == 0 || ws.ws_row == 0)
		return newterm(name, term.out, term.in);
	had_rows = had_rows != NULL ? xstrdup(had_rows) : NULL;
	had_cols = had_cols != NULL ? xstrdup(had_cols) : NULL;
	snprintf(number, sizeof(number), "%d", clamp_cells(ws.ws_row));
	put_env("LINES", number);
	snprintf(number, sizeof(number), "%d", clamp_cells(ws.ws_col));
	put_env("COLUMNS", number);
	screen = newterm(name, term.out, term.in);
	put_env("LINES", had_rows);
	put_env("COLUMNS", had_cols);
	free(had_rows);
	free(had_cols);
	return screen;
}

bool screen_start(const struct screen_options *opt, struct err *err)
{
	const char *name = opt->headless ? "xterm-256color" : getenv("TERM");

	if (term.screen != NULL)
		return err_set(err, ERR_INTERNAL, "the terminal is taken already");
	term.headless = opt->headless;
	term.mouse = opt->mouse && !opt->headless;
	term.suspended = false;
	if (!usable(opt, err) || !known_terminal(name, err) || !open_streams(err)) {
		close_keyboard();
		return false;
	}
	term.screen = new_screen(name);
	if (term.screen == NULL) {
		close_streams();
		return err_set(err, ERR_IO, "the terminal can't be set up (TERM=%s)", name);
	}
	take(opt);
	return true;
}

/* Leaves the screen as it was; a terminal that takes nothing is not waited for long. */
static void leave_modes(void)
{
	modes(false);
	endwin();
	screen_out_collect();
	screen_out_finish(LEAVE_WAIT_MS);
	if (!term.headless)
		tcsetattr(term.in_fd, TCSANOW, &term.saved);
}

void screen_stop(void)
{
	SCREEN *screen = term.screen;

	if (screen == NULL)
		return;
	if (!term.suspended)
		leave_modes();
	screen_crash_disarm();
	mem_set_die_hook(NULL);
	term.screen = NULL;
	delscreen(screen);
	close_streams();
}

static void suspend(void)
{
	if (term.screen == NULL || term.suspended)
		return;
	leave_modes();
	term.suspended = true;
	screen_crash_disarm();
}

void screen_resume(void)
{
	if (term.screen == NULL)
		return;
	term.suspended = false;
	if (!term.headless)
		screen_crash_arm(term.in_fd, STDOUT_FILENO, &term.saved, PASTE_OFF MOUSE_OFF);
	enter_modes();
	screen_redraw();
	screen_follow_size();
}

void screen_stop_process(bool by_key)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, old;

	if (term.headless)
		return;
	suspend();
	if (by_key) {
		sigaction(SIGTSTP, &dfl, &old);
		kill(0, SIGTSTP);
		sigaction(SIGTSTP, &old, NULL);
	} else {
		raise(SIGSTOP);
	}
	screen_resume();
}

void screen_size(int *cols, int *rows)
{
	*cols = term.screen != NULL ? COLS : 0;
	*rows = term.screen != NULL ? LINES : 0;
}

bool screen_resize(int cols, int rows)
{
	cols = clamp_cells(cols);
	rows = clamp_cells(rows);
	if (term.screen == NULL || (cols == COLS && rows == LINES))
		return false;
	resizeterm(rows, cols);
	screen_redraw();
	return true;
}

bool screen_follow_size(void)
{
	struct winsize ws;

	if (term.headless || term.screen == NULL || ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) != 0)
		return false;
	if (ws.ws_col == 0 || ws.ws_row == 0) /* not told: a serial line, a bare pty */
		return false;
	return screen_resize(ws.ws_col, ws.ws_row);
}

void screen_redraw(void)
{
	if (term.screen != NULL)
		clearok(curscr, TRUE);
}

/* doupdate() ignores SIGTSTP for its duration (seen on 6.4), so one that comes then would be lost. A blocked signal is
 * never ignored: it waits. */
void screen_flush(void)
{
	sigset_t stop, before;

	if (term.screen == NULL || term.suspended)
		return;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigprocmask(SIG_BLOCK, &stop, &before);
	wnoutrefresh(stdscr);
	doupdate();
	sigprocmask(SIG_SETMASK, &before, NULL);
	screen_out_collect();
	screen_out_drain();
}

bool screen_can_write(void)
{
	return term.screen != NULL && !term.suspended && screen_out_drain();
}

int screen_input_fd(void)
{
	return term.in_fd;
}

int screen_output_fd(void)
{
	return screen_out_fd();
}

const char *screen_terminfo(const char *name)
{
	const char *s = term.screen != NULL ? tigetstr(name) : NULL;

	return s != (const char *)-1 ? s : NULL;
}

int screen_colours(void)
{
	return term.colours;
}

void screen_mouse(bool on)
{
	if (term.screen == NULL || term.headless || on == term.mouse)
		return;
	term.mouse = true;
	screen_write(on ? MOUSE_ON : MOUSE_OFF, strlen(MOUSE_ON));
	term.mouse = on;
}
