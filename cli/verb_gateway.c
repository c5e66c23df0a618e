/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `gateway`: finds banned gateways and proxies; `gateway fix`: un-block, allow, reset counters, proof, and then the lasting cure. */
#include <string.h>

#include "app/gateways.h"
#include "cli/cli.h"

static void docker_done(void *arg)
{
	*(bool *)arg = true;
}

static bool look(struct cli *c)
{
	bool asked = false;

	if (!cli_connect(c) || !cli_need(c, SNAP(BLOCKED), SNAP(ALLOWED) | SNAP(THRESHOLDS) | SNAP(TRUST)))
		return false;
	gateways_ask_docker(&c->app, docker_done, &asked);
	cli_wait(c, &asked);
	if (!cli_sync_again(c)) { /* who logs in from where, and who is close to a ban */
		cli_say(c, "the log could not be read: %s", c->err.msg);
		err_clear(&c->err);
	}
	return true;
}

static void say_cure(struct cli *c, const struct net *n)
{
	struct buf cure = BUF_INIT;

	gateways_cure(&c->app, n, NULL, &cure);
	cli_say(c, "for good: %s", buf_str(&cure));
	buf_release(&cure);
}

static void list_reasons(struct out *o, unsigned why)
{
	const char *words[GATEWAY_WHY_COUNT];
	size_t n = 0;

	for (int i = 0; i < GATEWAY_WHY_COUNT; i++)
		if (why & 1u << i)
			words[n++] = gateway_why_words((enum gateway_why)i);
	out_list(o, words, n);
}

static int show(struct cli *c)
{
	static const struct out_field fields[] = { { "address", "ADDRESS", 0 }, { "state", "STATE", 0 }, { "score", "SCORE", OUT_RIGHT },
		{ "why", "WHY", OUT_HIDDEN }, { "words", "WHAT", 0 }, { NULL, NULL, 0 } };
	struct gateway_findings found;
	const struct gateway_finding *worst = NULL; /* a hint may stand before it */
	size_t count;
	char net[NET_BUF];
	struct out o;

	if (!look(c))
		return cli_exit_of_err(&c->err);
	gateways_find(&c->app, &found);
	out_begin(&o, c->format, fields, false, c->ascii);
	for (size_t i = 0; i < found.count; i++) {
		const struct gateway_finding *f = &found.items[i];

		out_row(&o);
		out_str(&o, net_format(&f->net, net, sizeof(net)));
		out_str(&o, gateway_state_name(f->state));
		out_int(&o, f->score);
		list_reasons(&o, f->why);
		out_str(&o, f->words);
		if (!worst && f->score >= GATEWAY_ALARM && f->state != GATEWAY_MISSING_ALLOW)
			worst = f;
	}
	out_end(&o);
	if (found.count == 0)
		cli_say(c, "no gateway or proxy is banned");
	else if (worst)
		say_cure(c, &worst->net);
	count = found.count;
	gateway_findings_release(&found);
	return count ? EXIT_DONE : EXIT_NOTHING;
}

static int fix(struct cli *c)
{
	struct net n = { 0 };
	struct plan *p;
	int status;

	if (cli_word(c, 1) && !net_parse_input(cli_word(c, 1), &n, &c->err))
		return EXIT_USAGE;
	if (!look(c))
		return cli_exit_of_err(&c->err);
	p = plan_gateway_fix(&c->app, n.family ? &n : NULL, cli_option(c, OPT_REASON), &c->err);
	n = p ? p->cured : n; /* of what was banned; an allow that was put back needs no cure */
	status = cli_change(c, p);
	if (n.family && (status == EXIT_DONE || status == EXIT_STORED))
		say_cure(c, &n);
	return status;
}

static int run(struct cli *c)
{
	if (!cli_word(c, 0))
		return show(c);
	if (!strcmp(cli_word(c, 0), "fix") && cli_max_words(c, 2))
		return fix(c);
	err_set(&c->err, ERR_USAGE, "gateway knows: fix [ADDR]");
	return EXIT_USAGE;
}

const struct verb verb_gateway = {
	.name = "gateway",
	.synopsis = "gateway\ngateway fix [ADDR] [--reason TEXT]",
	.summary = "Find banned gateways and proxies; fix: un-block, allow, reset counters, and prove it.",
	.options = "reason",
	.words = "fix",
	.examples = "stalwarden gateway\nstalwarden gateway fix 172.17.0.1",
	.run = run,
};
