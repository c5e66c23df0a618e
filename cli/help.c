/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --help from the tables: verbs, options, exit codes. The man page is made of the same text by tools/docgen.sh. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

const struct exit_row exit_rows[EXIT_CODE_COUNT] = {
#define EXIT_ROW(id, words, check) [EXIT_##id] = { words, check },
	EXIT_INFO(EXIT_ROW)
#undef EXIT_ROW
};

const struct env_row env_rows[] = {
#define ENV_ROW(name, words) { name, words },
	ENV_INFO(ENV_ROW)
#undef ENV_ROW
		{ NULL, NULL }
};

static void option_line(struct buf *out, const struct option_row *o)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%c --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
		o->letter ? ',' : ' ', o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	buf_addf(out, "  %-26s %s\n", left, o->help);
}

static void verb_usage(struct buf *out, const struct verb *v)
{
	for (const char *line = v->synopsis; *line;) {
		size_t n = strcspn(line, "\n");

		buf_addf(out, "  stalwarden %.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

static void verb_help(struct buf *out, const struct verb *v)
{
	buf_addf(out, "%s\n\nUsage:\n", v->summary);
	verb_usage(out, v);
	if (v->options[0]) {
		buf_adds(out, "\nOptions:\n");
		for (int i = 0; i < OPT_COUNT; i++) {
			size_t n = strlen(option_rows[i].name);

			for (const char *p = v->options; *p; p += strcspn(p, " "), p += *p == ' ')
				if (!strncmp(p, option_rows[i].name, n) && (p[n] == ' ' || p[n] == '\0'))
					option_line(out, &option_rows[i]);
		}
	}
	if (v->examples[0]) {
		buf_adds(out, "\nExamples:\n");
		for (const char *line = v->examples; *line;) {
			size_t n = strcspn(line, "\n");

			buf_addf(out, "  %.*s\n", (int)n, line);
			line += n + (line[n] == '\n');
		}
	}
	buf_adds(out, "\nGlobal options: stalwarden --help\n");
}

void cli_help(const struct verb *v, struct buf *out)
{
	if (v) {
		verb_help(out, v);
		return;
	}
	buf_adds(out, "stalwarden: the security console of a Stalwart mail server\n\n"
		      "Usage:\n  stalwarden [options]            the console\n  stalwarden [options] VERB ...   print and exit\n\nVerbs:\n");
	for (const struct verb *const *p = verbs; *p; p++)
		buf_addf(out, "  %-15s %s\n", (*p)->name, (*p)->summary);
	buf_adds(out, "\nOptions, before or after the verb:\n");
	for (int i = 0; i < OPT_COUNT; i++)
		if (option_rows[i].is_global)
			option_line(out, &option_rows[i]);
	buf_adds(out, "\nEnvironment:\n");
	for (const struct env_row *e = env_rows; e->name; e++)
		buf_addf(out, "  %-26s %s\n", e->name, e->words);
	buf_adds(out, "\nExit status:\n");
	for (int i = 0; i < EXIT_CODE_COUNT; i++)
		buf_addf(out, "  %-26d %s%s%s\n", i, exit_rows[i].words, exit_rows[i].check ? "; check: " : "",
			exit_rows[i].check ? exit_rows[i].check : "");
	buf_adds(out, "\nMore: stalwarden VERB --help, man stalwarden, man stalwarden.conf\n");
}
