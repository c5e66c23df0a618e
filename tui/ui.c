/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting and ending the console, its place in the loop, signals. Knows no panel. */
#include "tui/ui.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tui/draw.h"
#include "tui/history.h"
#include "tui/screen.h"
#include "tui/script.h"
#include "tui/ui_private.h"

#define RESIZE_WAIT_MS 20 /* a burst of size changes is one frame */

struct loop *ui_loop(struct ui *ui)
{
	return ui->loop;
}

void *ui_app(struct ui *ui)
{
	return ui->config.app;
}

const struct glyphs *ui_glyphs(const struct ui *ui)
{
	return ui->glyphs;
}

struct keymaps *ui_keymaps(struct ui *ui)
{
	return ui->keymaps;
}

int ui_status(const struct ui *ui)
{
	return ui->status;
}

void ui_dirty(struct ui *ui)
{
	ui->dirty = true;
}

unsigned ui_caps(struct ui *ui)
{
	return ui->config.caps != NULL ? ui->config.caps(ui->config.app) : ~0u;
}

void ui_quit(struct ui *ui, int status)
{
	ui->status = status;
	loop_stop(ui->loop);
}

/* --- drawing, once a turn --- */

static void tty_ready(struct loop *loop, int fd, unsigned events, void *arg)
{
	(void)events;
	(void)arg;
	if (screen_can_write()) /* all of it was taken: the next frame may be drawn */
		loop_fd_remove(loop, fd);
}

static void render(struct ui *ui)
{
	if (!ui->dirty || !screen_is_started())
		return;
	if (screen_can_write()) {
		ui->dirty = false;
		ui_draw(ui);
		screen_flush();
	}
	if (!screen_can_write()) /* what does not fit into the terminal now goes when it does; newer frames wait for it */
		loop_fd_set(ui->loop, screen_output_fd(), LOOP_WRITE, tty_ready, ui);
}

bool ui_is_idle(struct ui *ui)
{
	struct view *v = ui_view(ui);

	if (ui->dirty || !input_is_empty(ui->input) || timer_is_armed(&ui->resize) || (v != NULL && view_is_busy(v)))
		return false;
	return ui->config.idle == NULL || ui->config.idle(ui->config.app);
}

static void before_wait(struct loop *loop, void *arg)
{
	struct ui *ui = arg;

	(void)loop;
	ui_take_keys(ui);
	render(ui);
	if (ui->script != NULL && !loop_is_stopped(ui->loop))
		script_step(ui->script);
}

static void keys_came(struct loop *loop, void *arg)
{
	(void)loop;
	(void)arg; /* they are taken before the next wait */
}

/* --- signals and the terminal's end --- */

void ui_hangup(struct ui *ui)
{
	if (ui->hung_up)
		return;
	ui->hung_up = true;
	if (ui->config.quit != NULL)
		ui->config.quit(ui->config.app, true);
	ui_quit(ui, ui->status);
}

static void terminal_gone(struct loop *loop, void *arg)
{
	(void)loop;
	ui_hangup(arg);
}

static void on_end(struct loop *loop, int signo, void *arg)
{
	(void)loop;
	(void)signo;
	ui_hangup(arg);
}

static void resized(struct loop *loop, void *arg)
{
	struct ui *ui = arg;

	(void)loop;
	screen_follow_size();
	ui_dirty(ui);
}

static void on_winch(struct loop *loop, int signo, void *arg)
{
	struct ui *ui = arg;

	(void)signo;
	if (!timer_is_armed(&ui->resize))
		timer_start(loop, &ui->resize, RESIZE_WAIT_MS, NULL, resized, ui);
}

static void on_stop(struct loop *loop, int signo, void *arg)
{
	struct ui *ui = arg;

	(void)loop;
	(void)signo;
	screen_stop_process(false);
	ui_dirty(ui);
}

/* Stopped by SIGSTOP there was no chance to prepare: what the shell left on the screen and in termios is undone now. */
static void on_continue(struct loop *loop, int signo, void *arg)
{
	(void)loop;
	(void)signo;
	screen_resume();
	ui_dirty(arg);
}

/* A closed pipe shows in the error of the write. */
static void on_pipe(struct loop *loop, int signo, void *arg)
{
	(void)loop;
	(void)signo;
	(void)arg;
}

/* SIGINT comes from someone, not from the key. USR1, USR2 and ALRM would end the process with the terminal as it is. */
static const int end_signals[] = { SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGALRM };

static void take_signals(struct ui *ui)
{
	for (size_t i = 0; i < ARRAY_LEN(end_signals); i++)
		loop_on_signal(ui->loop, end_signals[i], on_end, ui);
	loop_on_signal(ui->loop, SIGPIPE, on_pipe, ui);
	if (ui->headless)
		return;
	loop_on_signal(ui->loop, SIGWINCH, on_winch, ui);
	loop_on_signal(ui->loop, SIGTSTP, on_stop, ui);
	loop_on_signal(ui->loop, SIGCONT, on_continue, ui);
}

static void leave_signals(struct ui *ui)
{
	static const int signals[] = { SIGPIPE, SIGWINCH, SIGTSTP, SIGCONT };

	for (size_t i = 0; i < ARRAY_LEN(end_signals); i++)
		loop_on_signal(ui->loop, end_signals[i], NULL, NULL);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		loop_on_signal(ui->loop, signals[i], NULL, NULL);
}

/* --- start and end --- */

static bool wants_colour(const struct ui *ui)
{
	const char *no = getenv("NO_COLOR");

	if (ui->config.colour == COLOUR_AUTO)
		return no == NULL || no[0] == '\0';
	return ui->config.colour == COLOUR_ALWAYS;
}

bool ui_load_theme(struct ui *ui, const char *name, struct err *err)
{
	struct theme fresh;

	if (!theme_load(&fresh, name, ui->config.theme_dirs, err))
		return false;
	ui->theme = fresh;
	draw_setup(&ui->theme, ui->glyphs, screen_colours());
	ui_dirty(ui);
	return true;
}

static bool bind_user_keys(struct ui *ui, struct err *err)
{
	for (const char *const *b = ui->config.bindings; b != NULL && *b != NULL; b++)
		if (!keymap_bind(ui->keymaps, *b, err))
			return false;
	return true;
}

static bool start(struct ui *ui, struct err *err)
{
	const char *script = getenv("STALWARDEN_SCRIPT");
	const char *headless = getenv("STALWARDEN_HEADLESS");
	struct screen_options opt = { .mouse = ui->config.mouse, .no_colour = !wants_colour(ui) };

	if (script != NULL && script[0] != '\0') {
		ui->script = script_open(ui, script, err);
		if (ui->script == NULL)
			return false;
	}
	opt.headless = (headless != NULL && headless[0] == '1') || (ui->script != NULL && !script_on_terminal());
	ui->headless = opt.headless;
	ui->glyphs = glyphs_get(ui->config.ascii || !glyphs_locale_is_utf8());
	return bind_user_keys(ui, err) && screen_start(&opt, err) &&
		ui_load_theme(ui, ui->config.theme != NULL ? ui->config.theme : "default", err);
}

struct ui *ui_new(struct loop *loop, const struct ui_config *config, struct err *err)
{
	struct ui *ui = xcalloc(1, sizeof(*ui));

	ui->loop = loop;
	ui->config = *config;
	ui->alarm_focus = -1;
	ui->interrupted = -10000;
	ui->keymaps = keymaps_new();
	ui->histories = histories_new(config->state_dir);
	page_init(&ui->verdict, NULL);
	page_init(&ui->verdict_details, NULL);
	ui_tabs_init(ui);
	if (!start(ui, err)) {
		screen_stop();
		ui_free(ui);
		return NULL;
	}
	ui->input = input_new(loop, screen_input_fd(), keys_came, terminal_gone, ui);
	take_signals(ui);
	loop_before_wait(loop, before_wait, ui);
	ui_dirty(ui);
	ui_show_tab(ui, 0);
	return ui;
}

static void free_alarms(struct ui *ui)
{
	while (ui->alarm_count > 0)
		ui_clear_alarm(ui, ui->alarms[0].key);
	free(ui->alarms);
}

void ui_free(struct ui *ui)
{
	if (ui == NULL)
		return;
	loop_before_wait(ui->loop, NULL, NULL);
	if (ui->prompt != NULL)
		prompt_cancel(ui);
	if (ui->confirm != NULL)
		confirm_cancel(ui);
	ui_tabs_free(ui);
	loop_fd_remove(ui->loop, screen_output_fd());
	screen_stop();
	if (ui->input != NULL)
		leave_signals(ui);
	timer_stop(&ui->pending_timer);
	timer_stop(&ui->tick);
	timer_stop(&ui->resize);
	timer_stop(&ui->more_keys);
	ui_progress(ui, NULL, 0, 0, NULL, NULL);
	script_close(ui->script);
	input_free(ui->input);
	keymaps_free(ui->keymaps);
	histories_free(ui->histories);
	page_release(&ui->verdict);
	page_release(&ui->verdict_details);
	free_alarms(ui);
	free(ui->message);
	free(ui->find.before);
	free(ui);
}

void ui_dump(struct ui *ui, struct buf *out, bool roles)
{
	render(ui);
	draw_dump(out, roles);
}

bool ui_copy(struct ui *ui, const char *text, size_t len)
{
	struct buf osc = BUF_INIT;
	bool ok = !ui->config.no_clipboard && !ui->headless && screen_clip_sequence(text, len, &osc);

	if (ok)
		screen_write(osc.data, osc.len);
	buf_release(&osc);
	return ok;
}
