/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parsing by the option table. Verbs and their meaning are not known here. */
#include "cli/options.h"

#include "cli/suggest.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

const struct option_row option_rows[OPT_COUNT] = {
#define OPTION_ROW(id, name, letter, arg, global, words, help) [OPT_##id] = { name, letter, arg, global, words, help },
	OPTION_INFO(OPTION_ROW)
#undef OPTION_ROW
};

static void build(struct option *longs, char *shorts)
{
	*shorts++ = ':'; /* getopt is silent; the words are ours */
	for (int i = 0; i < OPT_COUNT; i++) {
		const struct option_row *r = &option_rows[i];

		longs[i] = (struct option){ r->name, r->arg ? required_argument : no_argument, NULL, 256 + i };
		if (!r->letter)
			continue;
		*shorts++ = r->letter;
		if (r->arg)
			*shorts++ = ':';
	}
	*shorts = '\0';
}

static int id_of(int c)
{
	if (c >= 256)
		return c - 256;
	for (int i = 0; i < OPT_COUNT; i++)
		if (option_rows[i].letter && option_rows[i].letter == c)
			return i;
	return -1;
}

static void remember(struct args *a, int id, const char *value)
{
	a->value[id] = value ? value : "";
	a->repeated[id] = xreallocarray(a->repeated[id], a->repeats[id] + 1, sizeof(char *));
	a->repeated[id][a->repeats[id]++] = a->value[id];
}

/* A beginning that several share, or a slip of the hand. word: "--limt" or "--limt=3". */
static bool unknown_option(const char *word, struct err *err)
{
	char name[64], several[128] = "";
	struct suggestion meant;

	word += strspn(word, "-");
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	suggest_begin(&meant, name);
	for (int i = 0; i < OPT_COUNT; i++) {
		size_t used = strlen(several);

		if (!strncmp(option_rows[i].name, name, strlen(name)))
			snprintf(several + used, sizeof(several) - used, "%s--%s", used ? ", " : "",
				option_rows[i].name);
		suggest_offer(&meant, option_rows[i].name);
	}
	if (several[0] && strchr(several, ','))
		return err_set(err, ERR_USAGE, "option --%s could be %s", name, several);
	if (several[0]) /* nothing but its value is wrong */
		return err_set(err, ERR_USAGE, "option %s takes no value", several);
	return err_set(err, ERR_USAGE, "unknown option --%s%s%s%s", name, meant.name ? ": did you mean --" : "",
		meant.name ? meant.name : "", meant.name ? "?" : "");
}

bool args_parse(struct args *a, int argc, char **argv, struct err *err)
{
	struct option longs[OPT_COUNT + 1];
	char shorts[3 * OPT_COUNT + 2];
	int c, id, at;

	memset(a, 0, sizeof(*a));
	memset(longs, 0, sizeof(longs));
	build(longs, shorts);
	opterr = 0;
	optind = 0; /* GNU: start over, so that a test may parse twice */
	for (;;) {
		at = optind ? optind : 1;
		c = getopt_long(argc, argv, shorts, longs, NULL);
		if (c == -1)
			break;
		if (c == ':')
			return err_set(err, ERR_USAGE, "option %s needs a value", argv[optind - 1]);
		if (c == '?' && optopt && optopt < 256)
			return err_set(err, ERR_USAGE, "unknown option -%c", optopt);
		if (c == '?')
			return unknown_option(argv[optind > at ? optind - 1 : at], err);
		id = id_of(c);
		if (id >= 0)
			remember(a, id, optarg);
	}
	a->word = xcalloc((size_t)(argc - optind) + 1, sizeof(char *));
	while (optind < argc)
		a->word[a->words++] = argv[optind++];
	return true;
}

void args_release(struct args *a)
{
	for (int i = 0; i < OPT_COUNT; i++)
		free(a->repeated[i]);
	free(a->word);
	memset(a, 0, sizeof(*a));
}
