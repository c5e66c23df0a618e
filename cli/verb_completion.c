/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `completion`: scripts for three shells, made of the tables of verbs and options. Knows nothing of what they mean. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "core/mem.h"

/* fn for each blank-separated word of a list. */
static void each_word(const char *list, void (*fn)(const char *word, size_t len, const void *arg), const void *arg)
{
	for (const char *p = list; *p; p += *p == ' ') {
		size_t n = strcspn(p, " ");

		if (n)
			fn(p, n, arg);
		p += n;
	}
}

static const struct option_row *option_named(const char *name, size_t len)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if (strlen(option_rows[i].name) == len && !strncmp(option_rows[i].name, name, len))
			return &option_rows[i];
	return NULL;
}

static bool completes_files(const struct option_row *o)
{
	return !strcmp(o->words, "file") || !strcmp(o->words, "dir");
}

static void print_word(const char *word, size_t len, const void *format)
{
	const char *before = format;

	printf("%s%.*s", before, (int)len, word);
}

/* ---- bash ---- */

static void bash_pattern(const struct option_row *o, const char *separator)
{
	printf("%s--%s", separator, o->name);
	if (o->letter)
		printf("|-%c", o->letter);
}

static void bash_arguments(void)
{
	for (int i = 0; i < OPT_COUNT; i++) {
		const struct option_row *o = &option_rows[i];

		if (!o->arg)
			continue;
		bash_pattern(o, "\t");
		if (completes_files(o))
			printf(") COMPREPLY=($(compgen -%c -- \"$cur\")); return ;;\n", o->words[0]);
		else
			printf(") COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", o->words);
	}
}

static void bash(void)
{
	const char *separator = "\t\t";

	puts("# bash completion for stalwarden\n_stalwarden() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb= i words options");
	fputs("\tlocal global='", stdout);
	for (int i = 0; i < OPT_COUNT; i++)
		if (option_rows[i].is_global)
			printf("%s--%s", i ? " " : "", option_rows[i].name);
	puts("'\n\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in");
	for (int i = 0; i < OPT_COUNT; i++)
		if (option_rows[i].arg) {
			bash_pattern(&option_rows[i], separator);
			separator = "|";
		}
	puts(") ((i++)) ;;\n\t\t-*) ;;\n\t\t*) verb=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n\tcase $prev in");
	bash_arguments();
	puts("\tesac\n\tcase $verb in");
	fputs("\t'') words='", stdout);
	for (const struct verb *const *v = verbs; *v; v++)
		printf("%s%s", v == verbs ? "" : " ", (*v)->name);
	puts("' ;;");
	for (const struct verb *const *v = verbs; *v; v++) {
		printf("\t%s) words='%s' options='", (*v)->name, (*v)->words);
		each_word((*v)->options, print_word, " --");
		puts("' ;;");
	}
	puts("\tesac\n\t[[ $cur == -* ]] && words=\"$options $global\"\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
	     "complete -o default -F _stalwarden stalwarden");
}

/* ---- zsh ---- */

/* Inside single quotes; in a specification of _arguments brackets and colons mean something. */
static void zsh_text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else if (strchr("[]:\\", *s))
			printf("\\%c", *s);
		else
			putchar(*s);
	}
}

static void zsh_argument(const struct option_row *o)
{
	if (!o->arg)
		return;
	if (!strcmp(o->words, "file"))
		printf(":%s:_files", o->arg);
	else if (!strcmp(o->words, "dir"))
		printf(":%s:_files -/", o->arg);
	else
		printf(":%s:(%s)", o->arg, o->words);
}

static void zsh_spelling(const struct option_row *o, const char *spelling, const char *join)
{
	printf(" '%s%s[", spelling, o->arg ? join : "");
	zsh_text(o->help);
	putchar(']');
	zsh_argument(o);
	putchar('\'');
}

static void zsh_option(const struct option_row *o)
{
	char spelling[64];

	snprintf(spelling, sizeof(spelling), "--%s", o->name);
	zsh_spelling(o, spelling, "=");
	if (o->letter) {
		snprintf(spelling, sizeof(spelling), "-%c", o->letter);
		zsh_spelling(o, spelling, "+");
	}
}

static void zsh_verb_option(const char *word, size_t len, const void *arg)
{
	const struct option_row *o = option_named(word, len);

	(void)arg;
	if (o)
		zsh_option(o);
}

static void zsh_quoted_word(const char *word, size_t len, const void *arg)
{
	(void)arg;
	printf(" '%.*s'", (int)len, word);
}

static void zsh(void)
{
	puts("#compdef stalwarden\n# zsh completion for stalwarden\n_stalwarden() {\n\tlocal curcontext=\"$curcontext\" state line\n\ttypeset -A opt_args\n"
	     "\tlocal -a verbs global options words_here\n\tverbs=(");
	for (const struct verb *const *v = verbs; *v; v++) {
		printf("\t\t'%s:", (*v)->name);
		zsh_text((*v)->summary);
		puts("'");
	}
	fputs("\t)\n\tglobal=(", stdout);
	for (int i = 0; i < OPT_COUNT; i++)
		if (option_rows[i].is_global)
			zsh_option(&option_rows[i]);
	puts(" )\n\t_arguments -C -s $global '1:verb:->verb' '*::argument:->args'\n\tcase $state in\n\tverb) _describe verb verbs ;;\n\targs)\n\t\tcase $words[1] in");
	for (const struct verb *const *v = verbs; *v; v++) {
		printf("\t\t%s) options=(", (*v)->name);
		each_word((*v)->options, zsh_verb_option, NULL);
		fputs(" ) words_here=(", stdout);
		each_word((*v)->words, zsh_quoted_word, NULL);
		puts(" ) ;;");
	}
	puts("\t\tesac\n\t\t_arguments -s $global $options '*:word:->word'\n\t\t[[ $state == word ]] && { (( $#words_here )) && compadd -S '' -- $words_here || _files }\n"
	     "\t\t;;\n\tesac\n}\n"
	     "# autoloaded from fpath it is called; sourced, it is only named\nif [[ ${funcstack[1]} == _stalwarden ]]; then _stalwarden \"$@\"; else compdef _stalwarden stalwarden; fi");
}

/* ---- fish ---- */

static void fish_text(const char *s)
{
	putchar('\'');
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('\'');
}

static void fish_option(const struct option_row *o, const char *condition)
{
	printf("complete -c stalwarden %s-l %s", condition, o->name);
	if (o->letter)
		printf(" -s %c", o->letter);
	if (o->arg)
		fputs(completes_files(o) ? " -r -F" : " -x", stdout);
	if (o->arg && o->words[0] && !completes_files(o))
		printf(" -a '%s'", o->words);
	fputs(" -d ", stdout);
	fish_text(o->help);
	putchar('\n');
}

static void fish_verb_option(const char *word, size_t len, const void *condition)
{
	const struct option_row *o = option_named(word, len);

	if (o)
		fish_option(o, condition);
}

static void fish_word(const char *word, size_t len, const void *condition)
{
	printf("complete -c stalwarden %s-a \"'%.*s'\"\n", (const char *)condition, (int)len, word);
}

static void fish(void)
{
	char condition[96];

	puts("# fish completion for stalwarden\ncomplete -c stalwarden -f");
	for (int i = 0; i < OPT_COUNT; i++)
		if (option_rows[i].is_global)
			fish_option(&option_rows[i], "");
	for (const struct verb *const *v = verbs; *v; v++) {
		printf("complete -c stalwarden -n __fish_use_subcommand -a %s -d ", (*v)->name);
		fish_text((*v)->summary);
		putchar('\n');
		snprintf(condition, sizeof(condition), "-n '__fish_seen_subcommand_from %s' ", (*v)->name);
		each_word((*v)->words, fish_word, condition);
		each_word((*v)->options, fish_verb_option, condition);
		if (strstr((*v)->synopsis, "FILE") || strstr((*v)->synopsis, "CERT KEY"))
			printf("complete -c stalwarden %s-F\n", condition);
	}
}

static int run(struct cli *c)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (cli_word(c, 0) && !strcmp(cli_word(c, 0), shells[i].name) && cli_max_words(c, 1)) {
			shells[i].print();
			return EXIT_DONE;
		}
	err_set(&c->err, ERR_USAGE, "completion wants bash, zsh or fish");
	return EXIT_USAGE;
}

const struct verb verb_completion = {
	.name = "completion",
	.synopsis = "completion bash|zsh|fish",
	.summary = "Print a completion script for a shell.",
	.options = "",
	.words = "bash zsh fish",
	.examples = "stalwarden completion bash > ~/.local/share/bash-completion/completions/stalwarden",
	.run = run,
};
