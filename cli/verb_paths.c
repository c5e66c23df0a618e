/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `paths`: every file this program reads or writes, and what set it. `completion`: for three shells, from the tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static void row(struct out *o, const char *what, const char *path, const char *set_by)
{
	out_row(o);
	out_str(o, what);
	out_str(o, path);
	out_str(o, set_by);
}

static const char *who_set_state(const struct cli *c)
{
	if (cli_has(c, OPT_STATE))
		return "--state";
	return getenv("XDG_STATE_HOME") ? "XDG_STATE_HOME" : "HOME";
}

static int run_paths(struct cli *c)
{
	static const struct out_field fields[] = { { "what", "WHAT", 0 }, { "path", "PATH", 0 }, { "set_by", "SET BY", 0 }, { NULL, NULL, 0 } };
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char path[8192];
	struct out o;

	if (!cli_max_words(c, 0))
		return EXIT_USAGE;
	if (!cli_open(c))
		return cli_exit_of_err(&c->err);
	out_begin(&o, c->format, fields, false, c->ascii);
	if (cli_has(c, OPT_CONFIG)) {
		row(&o, "configuration", cli_option(c, OPT_CONFIG), "--config");
	} else {
		row(&o, "system configuration", "/etc/stalwarden.conf", "built in");
		snprintf(path, sizeof(path), "%s%s/stalwarden/stalwarden.conf", xdg ? xdg : home ? home : "", xdg ? "" : "/.config");
		row(&o, "configuration", path, xdg ? "XDG_CONFIG_HOME" : "HOME");
		snprintf(path, sizeof(path), "%s%s/stalwarden/themes", xdg ? xdg : home ? home : "", xdg ? "" : "/.config");
		row(&o, "themes", path, xdg ? "XDG_CONFIG_HOME" : "HOME");
	}
	for (char **f = c->app.config.files_read; f && *f; f++)
		row(&o, "read just now", *f, "");
	snprintf(path, sizeof(path), "%s/history.db", c->app.state_dir);
	row(&o, "history and journal", path, who_set_state(c));
	snprintf(path, sizeof(path), "%s/command_history", c->app.state_dir);
	row(&o, "prompt history", path, who_set_state(c));
	return out_end(&o);
}

/* ---- completion ---- */

static void bash(void)
{
	puts("# bash completion for stalwarden\n_stalwarden() {\n\tlocal cur prev words cword verb=\n\tcur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	     "\tlocal i\n\tfor ((i = 1; i < COMP_CWORD; i++)); do case ${COMP_WORDS[i]} in -*) ;; *) verb=${COMP_WORDS[i]}; break ;; esac; done\n"
	     "\tcase $prev in");
	for (int i = 0; i < OPT_COUNT; i++) {
		const struct option_row *o = &option_rows[i];

		if (!o->arg)
			continue;
		printf("\t--%s%s%c) ", o->name, o->letter ? "|-" : "", o->letter ? o->letter : ' ');
		if (!strcmp(o->words, "file") || !strcmp(o->words, "dir"))
			printf("COMPREPLY=($(compgen -%c -- \"$cur\"))", o->words[0]);
		else
			printf("COMPREPLY=($(compgen -W '%s' -- \"$cur\"))", o->words);
		puts("; return ;;");
	}
	puts("\tesac\n\tcase $verb in");
	fputs("\t'') COMPREPLY=($(compgen -W '", stdout);
	for (const struct verb *const *v = verbs; *v; v++)
		printf("%s ", (*v)->name);
	for (int i = 0; i < OPT_COUNT; i++)
		if (option_rows[i].is_global)
			printf("--%s ", option_rows[i].name);
	puts("' -- \"$cur\")) ;;");
	for (const struct verb *const *v = verbs; *v; v++) {
		printf("\t%s) COMPREPLY=($(compgen -W '%s", (*v)->name, (*v)->words);
		for (const char *p = (*v)->options; *p;) {
			size_t n = strcspn(p, " ");

			printf(" --%.*s", (int)n, p);
			p += n + (p[n] == ' ');
		}
		puts("' -- \"$cur\")) ;;");
	}
	puts("\tesac\n}\ncomplete -o default -F _stalwarden stalwarden");
}

/* Single quotes inside single quotes, for zsh and fish. */
static void quoted(const char *s)
{
	putchar('\'');
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else if (*s == '[' || *s == ']' || *s == ':')
			printf("\\%c", *s);
		else
			putchar(*s);
	}
	putchar('\'');
}

static void zsh(void)
{
	puts("#compdef stalwarden\n# zsh completion for stalwarden\n_stalwarden() {\n\tlocal -a verbs\n\tverbs=(");
	for (const struct verb *const *v = verbs; *v; v++) {
		char line[512];

		snprintf(line, sizeof(line), "%s", (*v)->summary);
		printf("\t\t'%s:'", (*v)->name);
		quoted(line);
		putchar('\n');
	}
	puts("\t)\n\t_arguments -s \\");
	for (int i = 0; i < OPT_COUNT; i++) {
		const struct option_row *o = &option_rows[i];

		if (!o->is_global)
			continue;
		printf("\t\t'--%s%s['", o->name, o->arg ? "=" : "");
		quoted(o->help);
		fputs("']", stdout);
		if (o->arg && !strcmp(o->words, "file"))
			fputs(":file:_files", stdout);
		else if (o->arg && !strcmp(o->words, "dir"))
			fputs(":directory:_files -/", stdout);
		else if (o->arg)
			printf(":%s:(%s)", o->arg, o->words);
		puts("' \\");
	}
	puts("\t\t'1:verb:->verb' '*::argument:->args'\n\tcase $state in\n\tverb) _describe verb verbs ;;\n\targs) case $words[1] in");
	for (const struct verb *const *v = verbs; *v; v++) {
		printf("\t\t%s) compadd -- %s", (*v)->name, (*v)->words);
		for (const char *p = (*v)->options; *p;) {
			size_t n = strcspn(p, " ");

			printf(" --%.*s", (int)n, p);
			p += n + (p[n] == ' ');
		}
		puts(" ;;");
	}
	puts("\t\tesac ;;\n\tesac\n}\n_stalwarden \"$@\"");
}

static void fish_option(const struct option_row *o, const char *condition)
{
	printf("complete -c stalwarden %s -l %s", condition, o->name);
	if (o->letter)
		printf(" -s %c", o->letter);
	if (o->arg)
		printf(" -r%s", !strcmp(o->words, "file") || !strcmp(o->words, "dir") ? " -F" : " -f");
	if (o->arg && o->words[0] && strcmp(o->words, "file") != 0 && strcmp(o->words, "dir") != 0)
		printf(" -a '%s'", o->words);
	fputs(" -d ", stdout);
	quoted(o->help);
	putchar('\n');
}

static void fish(void)
{
	puts("# fish completion for stalwarden\ncomplete -c stalwarden -f");
	for (int i = 0; i < OPT_COUNT; i++)
		if (option_rows[i].is_global)
			fish_option(&option_rows[i], "");
	for (const struct verb *const *v = verbs; *v; v++) {
		char condition[96];

		printf("complete -c stalwarden -n __fish_use_subcommand -a %s -d ", (*v)->name);
		quoted((*v)->summary);
		putchar('\n');
		snprintf(condition, sizeof(condition), "-n '__fish_seen_subcommand_from %s'", (*v)->name);
		if ((*v)->words[0])
			printf("complete -c stalwarden %s -a '%s'\n", condition, (*v)->words);
		for (int i = 0; i < OPT_COUNT; i++) {
			size_t n = strlen(option_rows[i].name);

			for (const char *p = (*v)->options; *p; p += strcspn(p, " "), p += *p == ' ')
				if (!strncmp(p, option_rows[i].name, n) && (p[n] == ' ' || p[n] == '\0'))
					fish_option(&option_rows[i], condition);
		}
	}
}

static int run_completion(struct cli *c)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (cli_word(c, 0) && !strcmp(cli_word(c, 0), shells[i].name) && cli_max_words(c, 1)) {
			shells[i].print();
			return EXIT_DONE;
		}
	err_set(&c->err, ERR_USAGE, "completion wants bash, zsh or fish");
	return EXIT_USAGE;
}

const struct verb verb_paths = {
	.name = "paths",
	.synopsis = "paths",
	.summary = "Print each file that is read or written, and what set its place.",
	.options = "",
	.words = "",
	.examples = "stalwarden paths",
	.run = run_paths,
};

const struct verb verb_completion = {
	.name = "completion",
	.synopsis = "completion bash|zsh|fish",
	.summary = "Print a completion script for a shell.",
	.options = "",
	.words = "bash zsh fish",
	.examples = "stalwarden completion bash > ~/.local/share/bash-completion/completions/stalwarden",
	.run = run_completion,
};
