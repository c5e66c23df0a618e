/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints one table of the man pages as mdoc, made of the tables the program itself runs on: `docgen TABLE`, see main(). Put into the
 * pages by docgen.sh. Knows no prose: that is written by hand in doc/. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "core/mem.h"
#include "model/filter.h"
#include "model/guard.h"
#include "tui/keys.h"
#include "views/views.h"

/* Text of a mdoc line: backslashes, quotes, a dot in front, and what is not ASCII, all spelled out. */
static void text(const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", stdout);
	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		if (*p == '\\')
			fputs("\\e", stdout);
		else if (*p == '"')
			fputs("\\(dq", stdout);
		else if (*p == '-')
			fputs("\\-", stdout);
		else if (*p >= 0xe0 && p[1] && p[2]) {
			printf("\\[u%04X]", (unsigned)((*p & 15) << 12 | (p[1] & 63) << 6 | (p[2] & 63)));
			p += 2;
		} else if (*p >= 0xc0 && p[1]) {
			printf("\\[u%04X]", (unsigned)((*p & 31) << 6 | (p[1] & 63)));
			p++;
		} else {
			putchar(*p);
		}
	}
}

/* Running text, at most 80 columns a line; a sentence begins on a line of its own, as mdoc wants it. */
static void line(const char *s)
{
	int column = 0;

	for (bool ended = false; *s; s += strspn(s, " ")) {
		int n = (int)strcspn(s, " ");
		char word[256];

		if (column > 0 && (column + n >= 78 || (ended && *s >= 'A' && *s <= 'Z'))) {
			putchar('\n');
			column = 0;
		}
		snprintf(word, sizeof(word), "%s%.*s", column > 0 ? " " : "", n, s);
		text(word);
		column += (int)strlen(word);
		ended = n > 0 && s[n - 1] == '.';
		s += n;
	}
	putchar('\n');
}

static void item(const char *head, const char *body)
{
	/* what looks like punctuation to mdoc is a name here */
	fputs(".It Sy \"\\&", stdout);
	text(head);
	fputs("\\&\"\n", stdout);
	line(body);
}

/* Each line of s after a macro, as one argument. */
static void each_line(const char *macro, const char *before, const char *s)
{
	while (*s) {
		size_t n = strcspn(s, "\n");
		char one[512];

		snprintf(one, sizeof(one), "%s%.*s", before, (int)n, s);
		if (*macro)
			printf("%s ", macro);
		text(one);
		putchar('\n');
		s += n + (s[n] == '\n');
	}
}

static void option_item(const struct option_row *o)
{
	printf(".It ");
	if (o->letter)
		printf("Fl %c , ", o->letter);
	printf("Fl \\-%s", o->name);
	if (o->arg)
		printf(" Ar %s", o->arg);
	putchar('\n');
	line(o->help);
}

static void verb_options(const struct verb *v)
{
	puts(".Bl -tag -width Ds -compact");
	for (const char *p = v->options; *p; p += strcspn(p, " "), p += *p == ' ')
		for (int i = 0; i < OPT_COUNT; i++)
			if (strlen(option_rows[i].name) == strcspn(p, " ") && !strncmp(p, option_rows[i].name, strcspn(p, " ")))
				option_item(&option_rows[i]);
	puts(".El");
}

static void print_verbs(void)
{
	for (const struct verb *const *p = verbs; *p; p++) {
		const struct verb *v = *p;

		printf(".Ss %s\n", v->name);
		each_line(".Dl", "stalwarden ", v->synopsis);
		puts(".Pp");
		line(v->summary);
		if (v->options[0])
			verb_options(v);
		if (v->examples[0]) {
			puts(".Pp\nFor example:\n.Bd -literal -offset indent");
			each_line("", "", v->examples);
			puts(".Ed");
		}
	}
}

static void print_options(void)
{
	puts(".Bl -tag -width Ds");
	for (int i = 0; i < OPT_COUNT; i++)
		if (option_rows[i].is_global)
			option_item(&option_rows[i]);
	puts(".El");
}

static void print_environment(void)
{
	puts(".Bl -tag -width STALWARDEN_PASSWORD");
	for (const struct env_row *e = env_rows; e->name; e++) {
		printf(".It Ev %s\n", e->name);
		line(e->words);
	}
	puts(".El");
}

static void print_exits(void)
{
	puts(".Bl -tag -width Ds");
	for (int i = 0; i < EXIT_CODE_COUNT; i++) {
		printf(".It %d\n", i);
		line(exit_rows[i].words);
		if (exit_rows[i].check)
			printf(".Po\n.Cm check :\n%s\n.Pc\n", exit_rows[i].check);
	}
	puts(".El");
}

static const struct view_ops *const panels[] = {
#define PANEL_ROW(id) &view_##id,
	VIEW_INFO(PANEL_ROW)
#undef PANEL_ROW
};

static void print_panels(void)
{
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < ARRAY_LEN(panels); i++) {
		char head[80];

		snprintf(head, sizeof(head), "%zu %s", i + 1, panels[i]->title);
		item(head, panels[i]->help);
	}
	item("Why", view_why.help);
	puts(".El");
}

/* Every key of an action in one item; label NULL = the action's own words. */
static void key_item(const struct keymap *map, enum action a, const char *label)
{
	struct buf keys = BUF_INIT;

	if (keymap_keys_of(map, a, true, &keys) > 0)
		item(buf_str(&keys), label ? label : action_info(a)->help);
	buf_release(&keys);
}

static void generic_keys(const struct keymap *map)
{
	for (int g = 0; g < GROUP_COUNT; g++) {
		printf(".Ss %s\n.Bl -tag -width \"Page Up ^B\" -compact\n", action_group_title((enum action_group)g));
		for (int a = ACTION_NONE + 1; a < ACTION_COUNT; a++)
			if (action_info((enum action)a)->group == (enum action_group)g)
				key_item(map, (enum action)a, NULL);
		puts(".El");
	}
}

/* What a panel adds or names otherwise: its own bindings only. */
static void panel_keys(struct keymaps *all, const struct view_ops *v)
{
	const struct keymap *map = keymaps_add(all, v->name, v->bindings);

	if (!v->bindings || !v->bindings->keys)
		return;
	printf(".Ss In %s\n.Bl -tag -width \"Page Up ^B\" -compact\n", v->title);
	for (const struct binding *b = v->bindings; b->keys; b++) {
		bool told = false;

		for (const struct binding *before = v->bindings; before < b; before++)
			told = told || before->action == b->action;
		if (!told && b->action != ACTION_NONE)
			key_item(map, b->action, b->label);
	}
	puts(".El");
}

static void print_keys(void)
{
	struct keymaps *all = keymaps_new();

	generic_keys(keymaps_get(all, "generic"));
	for (size_t i = 0; i < ARRAY_LEN(panels); i++)
		panel_keys(all, panels[i]);
	panel_keys(all, &view_why);
	keymaps_free(all);
}

static void print_actions(void)
{
	puts(".Bl -tag -width reset-counters -compact");
	for (int a = 0; a < ACTION_COUNT; a++)
		item(action_info((enum action)a)->name, action_info((enum action)a)->help);
	puts(".El");
}

static void print_guards(void)
{
	puts(".Bl -tag -width last_allow -compact");
	for (int i = 0; i < GUARD_RULE_COUNT; i++)
		item(guard_name((enum guard_rule)i), guard_words((enum guard_rule)i));
	puts(".El");
}

static void print_filters(void)
{
	static const struct {
		enum filter_kind kind;
		const char *title;
	} kinds[] = { { FILTER_LIST, "Words for lists" }, { FILTER_LOG, "Words for the log" } };

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		printf(".Ss %s\n.Bl -tag -width \"expires<\" -compact\n", kinds[k].title);
		for (size_t i = 0; filter_word(kinds[k].kind, i); i++)
			item(filter_word(kinds[k].kind, i), filter_word_help(kinds[k].kind, i));
		puts(".El");
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} tables[] = { { "verbs", print_verbs }, { "options", print_options }, { "environment", print_environment }, { "exits", print_exits },
		{ "panels", print_panels }, { "keys", print_keys }, { "actions", print_actions }, { "guards", print_guards }, { "filters", print_filters } };

	for (size_t i = 0; argc == 2 && i < ARRAY_LEN(tables); i++)
		if (!strcmp(argv[1], tables[i].name)) {
			tables[i].print();
			return 0;
		}
	fprintf(stderr, "usage: docgen TABLE\n");
	return 2;
}
