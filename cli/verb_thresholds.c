/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `thresholds`: when an address is banned, shown and changed; scan paths. `reset-counters` and `reload` belong to the same matter. */
#include <stdlib.h>
#include <string.h>

#include "app/threshold_off.h"
#include "cli/cli.h"
#include "cli/near.h"
#include "core/clock.h"
#include "core/text.h"

static const struct out_field fields[] = { { "class", "CLASS", 0 }, { "rate", "RATE", 0 }, { "count", "COUNT", OUT_HIDDEN },
	{ "period_s", "PERIOD", OUT_HIDDEN }, { "enabled", "ENABLED", 0 }, { "source", "SOURCE", 0 }, { "ban_period_s", "BAN", OUT_HIDDEN },
	{ "resets_at", "RESETS", OUT_HIDDEN }, { "words", "MEANING", OUT_ONLY_TABLE }, { "paths", "PATHS", OUT_HIDDEN }, { "near", "", OUT_HIDDEN }, { NULL, NULL, 0 } };

static void print_row(struct out *o, enum ban_class c, const struct thresholds *t, const struct near_limit *near, int64_t now)
{
	struct buf list = BUF_INIT;
	const struct threshold *r = &t->of[c];
	char rate[64], words[200];

	out_row(o);
	out_str(o, class_name(c));
	out_str(o, r->malformed ? r->raw : rate_format(r, rate, sizeof(rate)));
	if (r->enabled && !r->malformed) {
		out_int(o, (int64_t)r->count);
		out_int(o, r->period_ms / 1000);
	} else {
		out_null(o);
		out_null(o);
	}
	out_bool(o, r->enabled);
	out_str(o, r->stored ? "stored" : "default");
	if (r->ban_period_ms > 0)
		out_int(o, r->ban_period_ms / 1000);
	else
		out_null(o);
	out_time(o, r->enabled && r->period_ms > 0 ? rate_window_end(r->period_ms, now) : TIME_NONE);
	out_str(o, r->malformed ? "no rate: the server refuses every full reload because of it" : rate_words(r, c, words, sizeof(words)));
	if (c == CLASS_SCAN)
		out_list(o, (const char *const *)t->paths, t->path_count);
	else
		out_raw(o, "[]", "");
	near_json(&list, near, c);
	out_raw(o, buf_str(&list), buf_str(&list));
	buf_release(&list);
}

static int show(struct cli *c)
{
	const struct thresholds *t;
	struct near_limit near;
	struct out o;

	if (!cli_connect(c) || !cli_need(c, SNAP(THRESHOLDS), 0))
		return cli_exit_of_err(&c->err);
	t = c->app.snap.thresholds;
	near_gather(&c->app, NEAR_PERCENT, 100, &near);
	out_begin(&o, c->format, fields, false, c->ascii);
	for (int i = 0; i < CLASS_COUNT; i++)
		if (t->of[i].supported)
			print_row(&o, (enum ban_class)i, t, &near, clock_now());
	near_release(&near);
	return out_end(&o);
}

/* Who is close to a ban: the log is read first, so that the counts are of now. */
static int show_near(struct cli *c)
{
	struct near_limit near;
	int64_t limit = 100;
	int status;

	if (!cli_max_words(c, 1) || !cli_option_int(c, OPT_LIMIT, 1, INT32_MAX, &limit))
		return EXIT_USAGE;
	if (!cli_connect(c) || !cli_need(c, SNAP(THRESHOLDS), SNAP(BLOCKED)))
		return cli_exit_of_err(&c->err);
	if (!cli_sync_quietly(c)) {
		cli_say(c, "the log could not be read: %s", c->err.msg);
		err_clear(&c->err);
	}
	near_gather(&c->app, NEAR_PERCENT, (size_t)limit, &near);
	status = near_print(&near, c->format, c->ascii);
	if (near.notice[0])
		cli_say(c, "%s", near.notice);
	else if (near.count == 0)
		cli_say(c, "nobody has reached half of a threshold");
	status = status ? status : near.count ? EXIT_DONE : EXIT_NOTHING;
	near_release(&near);
	return status;
}

static int show_paths(struct cli *c)
{
	static const struct out_field path_fields[] = { { "path", "PATH", 0 }, { "source", "SOURCE", 0 },
		{ NULL, NULL, 0 } };
	const struct thresholds *t;
	struct out o;

	if (!cli_connect(c) || !app_can(&c->app, CAP(SCAN_PATHS), &c->err) || !cli_need(c, SNAP(THRESHOLDS), 0))
		return cli_exit_of_err(&c->err);
	t = c->app.snap.thresholds;
	out_begin(&o, c->format, path_fields, false, c->ascii);
	for (size_t i = 0; i < t->path_count; i++) {
		out_row(&o);
		out_str(&o, t->paths[i]);
		out_str(&o, t->paths_stored ? "stored" : "default");
	}
	return out_end(&o);
}

static int paths(struct cli *c)
{
	const char *what = cli_word(c, 1), *glob = cli_word(c, 2);
	bool add = what && !strcmp(what, "add");

	if (!what)
		return show_paths(c);
	if ((!add && strcmp(what, "remove") != 0) || !glob || !cli_max_words(c, 3)) {
		err_set(&c->err, ERR_USAGE, "thresholds paths wants: add GLOB, or remove GLOB");
		return EXIT_USAGE;
	}
	if (add && !glob_check(glob, &c->err))
		return EXIT_USAGE;
	if (!cli_connect(c) || !cli_need(c, SNAP(THRESHOLDS), 0))
		return cli_exit_of_err(&c->err);
	return cli_change(c, plan_path(&c->app, add, glob, &c->err));
}

/* "forever" is a ban period, too. */
static bool read_ban_period(struct cli *c, int64_t *ms)
{
	const char *v = cli_option(c, OPT_BAN_FOR);

	*ms = -1;
	if (!v)
		return true;
	if (!strcmp(v, "forever") || !strcmp(v, "never-ends")) {
		*ms = 0;
		return true;
	}
	return cli_option_duration(c, OPT_BAN_FOR, ms);
}

/* Goes with the outcome, for who can't read the words on stderr. */
static void look_back(struct cli *c, enum ban_class class)
{
	struct off_advice advice;
	struct buf json = BUF_INIT;

	threshold_off_advice(&c->app, class, &advice);
	threshold_off_json(&advice, &json);
	c->would_have = buf_take(&json, NULL);
}

static int set(struct cli *c, const char *rate)
{
	struct threshold parsed = { 0 };
	enum ban_class class;
	int64_t ban_ms;
	int status;

	if (!cli_word(c, 1) || !class_parse(cli_word(c, 1), &class)) {
		err_set(&c->err, ERR_USAGE, "CLASS is auth, abuse, loiter or scan%s%s", cli_word(c, 1) ? ", not " : "",
			cli_word(c, 1) ? cli_word(c, 1) : "");
		return EXIT_USAGE;
	}
	if (!rate) {
		err_set(&c->err, ERR_USAGE, "thresholds set wants a rate such as 200/1h");
		return EXIT_USAGE;
	}
	if (strcmp(rate, "off") != 0 && strcmp(rate, "default") != 0 &&
		!rate_parse(rate, strlen(rate), &parsed, &c->err))
		return EXIT_USAGE;
	if (!read_ban_period(c, &ban_ms))
		return EXIT_USAGE;
	if (!cli_connect(c) || !cli_need(c, SNAP(THRESHOLDS), 0))
		return cli_exit_of_err(&c->err);
	if (!strcmp(rate, "off"))
		look_back(c, class);
	status = cli_change(c, plan_threshold(&c->app, class, rate, ban_ms, &c->err));
	free(c->would_have);
	c->would_have = NULL;
	return status;
}

static int run_thresholds(struct cli *c)
{
	const char *word = cli_word(c, 0);

	if (!word || (!strcmp(word, "show") && cli_max_words(c, 1)))
		return show(c);
	if (!strcmp(word, "near"))
		return show_near(c);
	if (!strcmp(word, "set") && cli_max_words(c, 3))
		return set(c, cli_word(c, 2));
	if (!strcmp(word, "off") && cli_max_words(c, 2))
		return set(c, "off");
	if (!strcmp(word, "default") && cli_max_words(c, 2))
		return set(c, "default");
	if (!strcmp(word, "paths"))
		return paths(c);
	err_set(&c->err, ERR_USAGE, "thresholds knows show, near, set, off, default and paths, not \"%s\"", word);
	return EXIT_USAGE;
}

static int run_reset(struct cli *c)
{
	const char *word = cli_word(c, 0) ? cli_word(c, 0) : "all";
	unsigned classes = (1u << CLASS_COUNT) - 1;
	enum ban_class class;

	if (strcmp(word, "all") != 0) {
		if (!class_parse(word, &class)) {
			err_set(&c->err, ERR_USAGE, "reset-counters wants auth, abuse, loiter, scan or all, not \"%s\"",
				word);
			return EXIT_USAGE;
		}
		classes = 1u << class;
	}
	if (!cli_max_words(c, 1))
		return EXIT_USAGE;
	if (!cli_connect(c))
		return cli_exit_of_err(&c->err);
	return cli_change(c, plan_reset(&c->app, classes, &c->err));
}

static int run_reload(struct cli *c)
{
	const char *what = cli_word(c, 0) ? cli_word(c, 0) : "settings";

	if (strcmp(what, "settings") != 0 && strcmp(what, "blocked") != 0 && strcmp(what, "certs") != 0) {
		err_set(&c->err, ERR_USAGE, "reload wants settings, blocked or certs, not \"%s\"", what);
		return EXIT_USAGE;
	}
	if (!cli_max_words(c, 1))
		return EXIT_USAGE;
	if (!cli_connect(c))
		return cli_exit_of_err(&c->err);
	return cli_change(c, plan_reload(&c->app, what, &c->err));
}

const struct verb verb_thresholds = {
	.name = "thresholds",
	.synopsis = "thresholds [show]\nthresholds near [--limit N]\nthresholds set CLASS RATE [--ban-for DUR]\nthresholds off CLASS\nthresholds default CLASS\n"
		    "thresholds paths [add GLOB|remove GLOB]",
	.summary = "Show or change when an address is banned: auth, abuse, loiter, scan; near: who is close to it.",
	.options = "ban-for limit",
	.words = "show near set off default paths",
	.examples = "stalwarden thresholds\nstalwarden thresholds near\nstalwarden thresholds set auth 200/1h\nstalwarden thresholds default auth\n"
		    "stalwarden thresholds paths add '*/.env'",
	.run = run_thresholds,
};

const struct verb verb_reset_counters = {
	.name = "reset-counters",
	.synopsis = "reset-counters [CLASS|all]",
	.summary = "Reset the failure counters, for every address and login: they outlive an un-block.",
	.options = "",
	.words = "all auth abuse loiter scan",
	.examples = "stalwarden reset-counters all",
	.run = run_reset,
};

const struct verb verb_reload = {
	.name = "reload",
	.synopsis = "reload [settings|blocked|certs]",
	.summary = "Make what is stored live, and say what the server refuses.",
	.options = "",
	.words = "settings blocked certs",
	.examples = "stalwarden reload",
	.run = run_reload,
};
