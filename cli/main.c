/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process: options, then the verb or the console. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/exits.h"
#include "core/mem.h"
#include "core/text.h"

/* A core file or a debugger of another user would show the secret. */
static void keep_secrets(void)
{
	struct rlimit none = { 0, 0 };

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

/* A list of a million is fetched anew at every refresh and dropped again. glibc raises this bound as it sees such blocks freed, and then keeps
 * the next ones: the console would stay as large as it was for a moment. */
static void give_memory_back(void)
{
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

static int usage(struct cli *c)
{
	if (c->verb && c->verb->refuse)
		return c->verb->refuse(c);
	cli_say(c, "%s", c->err.msg);
	fprintf(stderr, "Try 'stalwarden%s%s --help'.\n", c->verb ? " " : "", c->verb ? c->verb->name : "");
	return EXIT_USAGE;
}

/* What the console takes beyond the global options: its certificates panel looks there. */
#define CONSOLE_OPTIONS "endpoint file"

/* Consent that is given in advance; the console takes it at the question. */
static const enum option_id verbs_only[] = { OPT_DRY_RUN, OPT_YES, OPT_FORCE };

static bool is_one_of(const char *word, const char *words)
{
	size_t n = strlen(word);

	for (const char *p = words; n && p && *p; p += strcspn(p, " "), p += *p == ' ')
		if (!strncmp(p, word, n) && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

static bool takes(const struct verb *v, const char *option)
{
	return is_one_of(option, v ? v->options : CONSOLE_OPTIONS);
}

/* Options of other verbs are an error here, not silently ignored. */
static bool check_options(struct cli *c)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if (args_has(&c->args, (enum option_id)i) && !option_rows[i].is_global &&
			!takes(c->verb, option_rows[i].name))
			return err_set(&c->err, ERR_USAGE, "option --%s does not belong to %s", option_rows[i].name,
				c->verb ? c->verb->name : "the console");
	for (size_t i = 0; !c->verb && i < ARRAY_LEN(verbs_only); i++)
		if (cli_has(c, verbs_only[i]))
			return err_set(&c->err, ERR_USAGE, "--%s is for verbs: the console asks before it sends anything; --read-only keeps it from that",
				option_rows[verbs_only[i]].name);
	if (cli_has(c, OPT_COLOR) && !is_one_of(cli_option(c, OPT_COLOR), option_rows[OPT_COLOR].words))
		return err_set(&c->err, ERR_USAGE, "--color wants auto, always or never, not \"%s\"", cli_option(c, OPT_COLOR));
	if (cli_has(c, OPT_OUTPUT) && !out_format_parse(cli_option(c, OPT_OUTPUT), &c->format))
		return err_set(&c->err, ERR_USAGE, "-o wants table, json, ndjson, csv or plain, not \"%s\"",
			cli_option(c, OPT_OUTPUT));
	return true;
}

static int print_help(const struct verb *v)
{
	struct buf help = BUF_INIT;

	cli_help(v, &help);
	fputs(buf_str(&help), stdout);
	buf_release(&help);
	return EXIT_DONE;
}

static int run(struct cli *c)
{
	const char *word = c->args.words ? c->args.word[0] : NULL;
	bool helps = cli_has(c, OPT_HELP);

	c->verb = word ? verb_find(word) : NULL;
	if (cli_has(c, OPT_VERSION)) {
		puts("stalwarden " VERSION);
		return EXIT_DONE;
	}
	if (word && !strcmp(word, "help"))
		c->verb = (word = c->args.words > 1 ? c->args.word[1] : NULL) ? verb_find(word) : NULL, helps = true;
	if (word && !c->verb) {
		const char *meant = verb_suggest(word);

		err_set(&c->err, ERR_USAGE, "there is no verb \"%s\"%s%s%s", word, meant ? ": did you mean " : "",
			meant ? meant : "", meant ? "?" : "");
		return EXIT_USAGE;
	}
	if (helps)
		return print_help(c->verb);
	if (!check_options(c))
		return EXIT_USAGE;
	return c->verb ? c->verb->run(c) : cli_console(c);
}

/* With one of the three closed, the next socket or file would take its number, and what is meant for people would be written into it. */
static void hold_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(EXIT_SERVER);
}

/* A result that nobody got whole is no success; but what a change came to stays so. A reader that has seen enough (`| head`) need not be told. */
static int end_output(struct cli *c, int status)
{
	int lost = out_lost();

	if (!lost)
		return status;
	if (lost != EPIPE)
		cli_say(c, "standard output can't be written: %s%s", strerror(lost),
			c->changed ? "; `stalwarden journal` has what was done" : "");
	if (c->verb && c->verb->refuse) /* check: what nobody read is UNKNOWN, not OK */
		return status == EXIT_DONE ? EXIT_REFUSED : status;
	return status <= EXIT_NOTHING && !c->changed ? EXIT_SERVER : status;
}

/* Of a line whose options can't be read. */
static const struct verb *verb_among(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (verb_find(argv[i]))
			return verb_find(argv[i]);
	return NULL;
}

int main(int argc, char **argv)
{
	struct cli c = { .format = OUT_TABLE };
	int status;

	hold_standard_files();
	setlocale(LC_ALL, "");
	signal(SIGPIPE, SIG_IGN);
	keep_secrets();
	give_memory_back();
	c.loop = loop_new();
	if (!args_parse(&c.args, argc, argv, &c.err)) {
		c.verb = verb_among(argc, argv);
		status = EXIT_USAGE;
	} else {
		c.ascii = cli_has(&c, OPT_ASCII) || !cli_locale_is_utf8();
		status = run(&c);
	}
	if (c.err.code == ERR_USAGE && status == EXIT_USAGE)
		status = usage(&c);
	else if (c.err.code != ERR_NONE)
		cli_say(&c, "%s", c.err.msg);
	status = end_output(&c, status);
	if (c.has_app && c.app.options.verbose)
		cli_say(&c, "woke %llu times, the longest turn took %lld ms", (unsigned long long)loop_wakeups(c.loop),
			(long long)loop_longest_ms(c.loop));
	if (c.has_app)
		app_release(&c.app);
	loop_free(c.loop);
	args_release(&c.args);
	return status;
}
