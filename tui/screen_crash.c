/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fatal signals: the handler writes a string prepared in advance, restores termios, and lets the signal do its work
 * through whatever handler was there before (a sanitiser's, or the default). */
#include "tui/screen_crash.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#include "core/mem.h"

#define CRASH_STACK 16384

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT };

/* All a handler may touch. */
static struct {
	volatile sig_atomic_t armed;
	int in_fd, out_fd;
	struct termios saved;
	char reset[512];
	size_t reset_len;
	struct sigaction before[ARRAY_LEN(fatal)];
} crash;

static char crash_stack[CRASH_STACK];

static void on_fatal(int signo)
{
	ssize_t n;

	if (crash.armed) {
		crash.armed = 0;
		n = write(crash.out_fd, crash.reset, crash.reset_len);
		(void)n;
		tcsetattr(crash.in_fd, TCSANOW, &crash.saved);
	}
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		if (fatal[i] == signo)
			sigaction(signo, &crash.before[i], NULL);
	raise(signo); /* delivered when this handler returns */
}

/* A terminfo string without its padding marks, which only tputs() understands. */
static void add_capability(const char *name)
{
	const char *s = tigetstr(name);

	if (s == NULL || s == (const char *)-1)
		return;
	while (*s != '\0' && crash.reset_len < sizeof(crash.reset)) {
		const char *end = s[0] == '$' && s[1] == '<' ? strchr(s, '>') : NULL;

		if (end != NULL) {
			s = end + 1;
			continue;
		}
		crash.reset[crash.reset_len++] = *s++;
	}
}

static void add_text(const char *s)
{
	size_t n = strlen(s);

	if (n > sizeof(crash.reset) - crash.reset_len)
		return;
	memcpy(crash.reset + crash.reset_len, s, n);
	crash.reset_len += n;
}

void screen_crash_arm(int in_fd, int out_fd, const struct termios *saved, const char *modes_off)
{
	struct sigaction sa = { .sa_handler = on_fatal, .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_sp = crash_stack, .ss_size = sizeof(crash_stack) }, present;

	if (crash.armed)
		return;
	crash.in_fd = in_fd;
	crash.out_fd = out_fd;
	crash.saved = *saved;
	crash.reset_len = 0;
	add_text(modes_off);
	add_capability("sgr0");
	add_capability("op");
	add_capability("cnorm");
	add_capability("rmcup");
	add_text("\r\n");
	if (sigaltstack(NULL, &present) == 0 && (present.ss_flags & SS_DISABLE))
		sigaltstack(&stack, NULL);
	sigfillset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		sigdelset(&sa.sa_mask, fatal[i]);
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		sigaction(fatal[i], &sa, &crash.before[i]);
	crash.armed = 1;
}

void screen_crash_disarm(void)
{
	if (!crash.armed)
		return;
	crash.armed = 0;
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		sigaction(fatal[i], &crash.before[i], NULL);
}
