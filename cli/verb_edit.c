/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `block`, `unblock`, `allow`, `disallow`: the same road for all four, so one table. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/clock.h"

typedef struct plan *(*plan_fn)(struct app *, const char *const *, size_t, const struct plan_options *, struct err *);

static bool is_never(const char *word)
{
	return !strcmp(word, "never") || !strcmp(word, "forever") || !strcmp(word, "for ever");
}

static bool read_expiry(struct cli *c, struct plan_options *o)
{
	const char *until = cli_option(c, OPT_UNTIL);
	int64_t span = 0;

	o->sets_end = cli_has(c, OPT_FOR) || until;
	if (cli_has(c, OPT_FOR) && cli_has(c, OPT_UNTIL))
		return err_set(&c->err, ERR_USAGE, "--for and --until say the same thing: give one");
	if (until && is_never(until))
		return true;
	if (!cli_option_duration(c, OPT_FOR, &span) || !cli_option_time(c, OPT_UNTIL, &o->expires))
		return false;
	if (span)
		o->expires = clock_now() + span;
	if (o->expires != TIME_NONE && o->expires <= clock_now())
		return err_set(&c->err, ERR_USAGE, "--until %s is in the past", until);
	return true;
}

/* Addresses are checked before anything is sent, credentials included. */
static bool check_targets(struct cli *c, char **targets, size_t n, bool strict)
{
	struct net net;

	for (size_t i = 0; strict && i < n; i++)
		if (!net_parse_input(targets[i], &net, &c->err))
			return false;
	return true;
}

static int change_list(struct cli *c, plan_fn plan, bool adds)
{
	struct plan_options o;
	char **targets;
	size_t n;
	int status;

	plan_options_init(&o);
	o.note = cli_option(c, OPT_REASON);
	o.allow = cli_has(c, OPT_ALLOW);
	o.replace = cli_has(c, OPT_REPLACE);
	o.keep_blocked = cli_has(c, OPT_KEEP_BLOCKED);
	o.reset_classes = cli_has(c, OPT_RESET_COUNTERS) ? (1u << CLASS_COUNT) - 1 : 0;
	o.force = cli_has(c, OPT_FORCE);
	if (!read_expiry(c, &o) || !cli_targets(c, 0, &targets, &n))
		return EXIT_USAGE;
	if (!check_targets(c, targets, n, adds))
		status = EXIT_USAGE;
	else if (!cli_connect(c) || !cli_need(c, SNAP(BLOCKED), SNAP(ALLOWED) | SNAP(TRUST)))
		status = cli_exit_of_err(&c->err);
	else
		status = cli_change(c, plan(&c->app, (const char *const *)targets, n, &o, &c->err));
	cli_targets_free(targets, n);
	return status;
}

static int run_block(struct cli *c)
{
	return change_list(c, plan_block, true);
}

static int run_unblock(struct cli *c)
{
	return change_list(c, plan_unblock, false);
}

static int run_allow(struct cli *c)
{
	return change_list(c, plan_allow, true);
}

static int run_disallow(struct cli *c)
{
	return change_list(c, plan_disallow, false);
}

const struct verb verb_block = {
	.name = "block",
	.synopsis = "block ADDR… [--reason TEXT] [--for DUR|--until TIME] [--replace]",
	.summary = "Block addresses or networks, and prove that it is in force; one that is listed gets the end given (--until never: none).",
	.options = "reason for until replace",
	.words = "",
	.examples = "stalwarden block 203.0.113.7 --reason 'case 118' --for 7d\nstalwarden block 203.0.113.7 --until never\nstalwarden block 198.51.100.0/24 --replace",
	.run = run_block,
};

const struct verb verb_unblock = {
	.name = "unblock",
	.synopsis = "unblock ADDR… [--allow] [--reset-counters] [--reason TEXT]",
	.summary = "Lift blocks, and prove that they are lifted.",
	.options = "allow reset-counters reason",
	.words = "",
	.examples = "stalwarden unblock 203.0.113.7 --reset-counters",
	.run = run_unblock,
};

const struct verb verb_allow = {
	.name = "allow",
	.synopsis = "allow ADDR… [--reason TEXT] [--for DUR|--until TIME] [--keep-blocked] [--reset-counters]",
	.summary = "Allow addresses or networks; a block of them is lifted too; one that is listed gets the end given.",
	.options = "reason until for keep-blocked reset-counters",
	.words = "",
	.examples = "stalwarden allow 198.51.100.9 --reason 'branch office'",
	.run = run_allow,
};

const struct verb verb_disallow = {
	.name = "disallow",
	.synopsis = "disallow ADDR… [--reason TEXT]",
	.summary = "Take addresses or networks off the allow list.",
	.options = "reason",
	.words = "",
	.examples = "stalwarden disallow 198.51.100.9",
	.run = run_disallow,
};
