/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a verb's words and options, and talking on standard error. */
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/exits.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

bool cli_locale_is_utf8(void)
{
	const char *set = nl_langinfo(CODESET);

	return !strcmp(set, "UTF-8") || !strcmp(set, "utf8");
}

const char *cli_word(const struct cli *c, size_t i)
{
	return i + 1 < c->args.words ? c->args.word[i + 1] : NULL;
}

size_t cli_words(const struct cli *c)
{
	return c->args.words ? c->args.words - 1 : 0;
}

bool cli_has(const struct cli *c, enum option_id o)
{
	return args_has(&c->args, o);
}

const char *cli_option(const struct cli *c, enum option_id o)
{
	return c->args.value[o];
}

bool cli_option_int(struct cli *c, enum option_id o, int64_t min, int64_t max, int64_t *out)
{
	const char *v = cli_option(c, o);

	if (!v || text_int(v, min, max, out))
		return true;
	return err_set(&c->err, ERR_USAGE, "--%s wants a whole number from %lld to %lld, not \"%s\"",
		option_rows[o].name, (long long)min, (long long)max, v);
}

bool cli_option_duration(struct cli *c, enum option_id o, int64_t *ms)
{
	const char *v = cli_option(c, o);

	if (!v || duration_parse(v, ms))
		return true;
	return err_set(&c->err, ERR_USAGE, "--%s wants a duration such as 90s, 15m, 12h or 7d, not \"%s\"",
		option_rows[o].name, v);
}

bool cli_option_time(struct cli *c, enum option_id o, int64_t *ms)
{
	const char *v = cli_option(c, o);

	if (!v || time_parse(v, clock_now(), ms))
		return true;
	return err_set(&c->err, ERR_USAGE,
		"--%s wants a time such as 2026-11-21T09:00:00Z, 2026-11-21 or \"2h ago\", not \"%s\"",
		option_rows[o].name, v);
}

bool cli_max_words(struct cli *c, size_t max)
{
	if (cli_words(c) <= max)
		return true;
	return err_set(&c->err, ERR_USAGE, "\"%s\" is one word too many", cli_word(c, max));
}

void cli_say(const struct cli *c, const char *fmt, ...)
{
	struct buf raw = BUF_INIT, safe = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	text_safe(&safe, buf_str(&raw), raw.len, TEXT_MULTI | (c->ascii ? TEXT_ASCII : 0));
	fprintf(stderr, "stalwarden: %s\n", buf_str(&safe));
	buf_release(&raw);
	buf_release(&safe);
}

/* ---- addresses, from words and from standard input ---- */

struct targets {
	char **items;
	size_t count, cap;
};

static void add_target(struct targets *t, const char *s, size_t len)
{
	xgrow(&t->items, &t->cap, t->count + 1, sizeof(char *));
	t->items[t->count++] = xstrndup(s, len);
}

static void read_targets(struct targets *t, FILE *f)
{
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, f) >= 0) {
		line[strcspn(line, "#\r\n")] = '\0';
		for (char *p = line; *p;) {
			size_t blank = strspn(p, " \t,"), n;

			p += blank;
			n = strcspn(p, " \t,");
			if (n)
				add_target(t, p, n);
			p += n;
		}
	}
	free(line);
}

bool cli_targets(struct cli *c, size_t first_word, char ***targets, size_t *n)
{
	struct targets t = { 0 };

	for (size_t i = first_word; cli_word(c, i); i++) {
		if (!strcmp(cli_word(c, i), "-"))
			read_targets(&t, stdin);
		else
			add_target(&t, cli_word(c, i), strlen(cli_word(c, i)));
	}
	*targets = t.items;
	*n = t.count;
	if (t.count > 0)
		return true;
	return err_set(&c->err, ERR_USAGE, "%s wants an address or a network", c->verb->name);
}

void cli_targets_free(char **targets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(targets[i]);
	free(targets);
}
