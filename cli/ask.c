/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking a person at the terminal: a yes, a name, a secret. Leaves the terminal as it was, however the answer ends. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/mem.h"

/* The loop is not turned while one waits here, so its handlers would only note a signal: these end the wait instead. They
 * are blocked but while it waits, so that none is lost between the prompt and the wait. */
static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static volatile sig_atomic_t ended_by;

static void on_signal(int signo)
{
	ended_by = signo;
}

struct asking {
	struct sigaction old[ARRAY_LEN(ending)], old_stop;
	sigset_t mask; /* of before */
};

static void asking_begin(struct asking *a)
{
	struct sigaction act = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };

	sigset_t blocked;

	ended_by = 0;
	sigemptyset(&blocked);
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		sigaddset(&blocked, ending[i]);
	sigprocmask(SIG_BLOCK, &blocked, &a->mask);
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		sigaction(ending[i], &act, &a->old[i]);
	/* continued after a stop, the shell would have switched echo on again */
	sigaction(SIGTSTP, &ignore, &a->old_stop);
}

/* Signals that end a process end it now, the terminal being right again; Ctrl-C is for the caller. */
static void asking_end(struct asking *a, struct cli *c)
{
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		sigaction(ending[i], &a->old[i], NULL);
	sigaction(SIGTSTP, &a->old_stop, NULL);
	sigprocmask(SIG_SETMASK, &a->mask, NULL);
	if (ended_by == SIGINT)
		c->interrupted = true;
	else if (ended_by)
		raise(ended_by);
}

static bool wait_readable(const struct asking *a, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (ppoll(&p, 1, NULL, &a->mask) < 0)
		if (ended_by)
			return false;
	return true;
}

static bool ask_line(struct cli *c, FILE *from, const char *prompt, char *out, size_t size, bool echo)
{
	struct termios saved, quiet;
	struct asking asking;
	bool ok;

	if (tcgetattr(fileno(from), &saved) != 0)
		return false;
	quiet = saved;
	if (!echo)
		quiet.c_lflag &= ~(tcflag_t)ECHO;
	asking_begin(&asking);
	tcsetattr(fileno(from), echo ? TCSADRAIN : TCSAFLUSH, &quiet);
	fprintf(stderr, "%s", prompt);
	ok = wait_readable(&asking, fileno(from)) && fgets(out, (int)size, from) != NULL;
	tcsetattr(fileno(from), TCSADRAIN, &saved);
	if (!echo || !ok)
		fputc('\n', stderr);
	asking_end(&asking, c);
	if (ok)
		out[strcspn(out, "\r\n")] = '\0';
	return ok && out[0];
}

bool cli_ask(struct cli *c, const char *question)
{
	char answer[16], prompt[600];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	snprintf(prompt, sizeof(prompt), "%s [y/N] ", question);
	return ask_line(c, stdin, prompt, answer, sizeof(answer), true) && (answer[0] == 'y' || answer[0] == 'Y');
}

bool cli_ask_secret(struct cli *c)
{
	FILE *tty = isatty(STDERR_FILENO) ? fopen("/dev/tty", "r+e") : NULL;
	char user[256] = "", secret[4096] = "";
	struct app *a = &c->app;
	bool ok = true;

	if (!tty)
		return err_set(&c->err, ERR_AUTH,
			"no credentials: set STALWARDEN_TOKEN, or STALWARDEN_USER and STALWARDEN_PASSWORD, or password_command in stalwarden.conf");
	setvbuf(tty, NULL, _IONBF, 0); /* no copy of the secret stays in a stdio buffer */
	if (!a->profile.user) {
		ok = ask_line(c, tty, "User: ", user, sizeof(user), true);
		a->profile.user = ok ? xstrdup(user) : NULL;
	}
	ok = ok && ask_line(c, tty, "Password: ", secret, sizeof(secret), false);
	fclose(tty);
	if (c->interrupted)
		err_set(&c->err, ERR_CANCELLED, "interrupted");
	else if (!ok)
		err_set(&c->err, ERR_AUTH, "no credentials");
	ok = ok && app_secret_give(a, a->profile.user, secret, &c->err);
	explicit_bzero(secret, sizeof(secret));
	return ok;
}
