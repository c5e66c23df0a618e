/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prompts whose answer becomes a plan, checked before anything is sent, and the actions that mean the same in every panel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/gateways.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "views/views.h"

static bool read_end(const char *word, bool is_span, struct plan_options *o, struct err *err)
{
	int64_t span;

	o->sets_end = true;
	if (!strcmp(word, "ever") || !strcmp(word, "never"))
		return true;
	if (is_span) {
		if (!duration_parse(word, &span))
			return err_set(err, ERR_USAGE, "\"%s\" is no duration: 90s, 15m, 12h, 7d", word);
		o->expires = clock_now() + span;
		return true;
	}
	if (!time_parse(word, clock_now(), &o->expires))
		return err_set(err, ERR_USAGE, "\"%s\" is no time: 2026-12-01, 2026-12-01T12:00:00Z", word);
	return o->expires > clock_now() || err_set(err, ERR_USAGE, "%s is in the past", word);
}

bool flow_parse(const char *text, char ***targets, size_t *n, struct plan_options *o, char *note, size_t note_size, struct err *err)
{
	char *copy = xstrdup(text), *save = NULL, **items = NULL;
	size_t count = 0, cap = 0;
	struct net net;
	bool ok = true;

	plan_options_init(o);
	note[0] = '\0';
	for (char *word = strtok_r(copy, " \t", &save); word && ok; word = strtok_r(NULL, " \t", &save)) {
		if (!strcmp(word, "reason")) {
			snprintf(note, note_size, "%s", save + strspn(save, " \t"));
			o->note = note;
			break;
		}
		if (!strcmp(word, "for") || !strcmp(word, "until")) {
			char *value = strtok_r(NULL, " \t", &save);

			ok = value ? read_end(value, word[0] == 'f', o, err) : err_set(err, ERR_USAGE, "%s what?", word);
			continue;
		}
		ok = net_parse_input(word, &net, err);
		xgrow(&items, &cap, count + 1, sizeof(char *));
		items[count++] = xstrdup(word);
	}
	if (ok && count == 0)
		ok = err_set(err, ERR_USAGE, "an address or a network is wanted, such as 203.0.113.7 or 2001:db8::/48");
	free(copy);
	for (size_t i = 0; !ok && i < count; i++)
		free(items[i]);
	if (!ok)
		free(items);
	*targets = ok ? items : NULL;
	*n = ok ? count : 0;
	return ok;
}

static void free_targets(char **targets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(targets[i]);
	free(targets);
}

static bool check_targets(void *arg, const char *text, struct err *err)
{
	struct plan_options o;
	char note[512], **targets;
	size_t n;

	(void)arg;
	if (!flow_parse(text, &targets, &n, &o, note, sizeof(note), err))
		return false;
	free_targets(targets, n);
	return true;
}

static void given(struct console *c, const char *text, bool allow, bool replace)
{
	struct plan_options o;
	struct err err = ERR_INIT;
	char note[512], **targets;
	size_t n;

	if (!text || !flow_parse(text, &targets, &n, &o, note, sizeof(note), &err))
		return;
	o.force = c->app->options.force;
	o.replace = replace;
	flow_plan(c, (allow ? plan_allow : plan_block)(c->app, (const char *const *)targets, n, &o, &err), &err);
	free_targets(targets, n);
}

static void block_given(void *arg, const char *text)
{
	given(arg, text, false, false);
}

static void replace_given(void *arg, const char *text)
{
	given(arg, text, false, true);
}

static void allow_given(void *arg, const char *text)
{
	given(arg, text, true, false);
}

void flow_block(struct console *c, const char *initial)
{
	ui_prompt(c->ui,
		&(struct prompt_spec){ .label = "Block: ",
			.initial = initial,
			.hint = "ADDR… [for 7d | until 2026-12-01 | for ever] [reason WORDS…]",
			.history = "address",
			.check = check_targets,
			.done = block_given,
			.arg = c });
}

void flow_replace(struct console *c, const char *network)
{
	ui_prompt(c->ui,
		&(struct prompt_spec){ .label = "Block in place of its entries: ",
			.initial = network,
			.hint = "NETWORK [for 7d | until 2026-12-01] [reason WORDS…]; what it replaces and hits is shown before anything is sent",
			.history = "address",
			.check = check_targets,
			.done = replace_given,
			.arg = c });
}

void flow_allow(struct console *c, const char *initial)
{
	ui_prompt(c->ui,
		&(struct prompt_spec){ .label = "Allow: ",
			.initial = initial,
			.hint = "ADDR… [until 2026-12-01] [reason WORDS…]; a block of it is lifted too",
			.history = "address",
			.check = check_targets,
			.done = allow_given,
			.arg = c });
}

void flow_undo(struct console *c, int64_t id)
{
	struct err err = ERR_INIT;

	flow_plan(c, plan_undo(c->app, id, &err), &err);
}

void flow_gateway(struct console *c, const struct net *n)
{
	struct err err = ERR_INIT;

	flow_plan(c, plan_gateway_fix(c->app, n, NULL, &err), &err);
	c->watches_next = true;
}

bool flow_common(struct console *c, enum action a)
{
	struct err err = ERR_INIT;

	switch (a) {
	case ACTION_BLOCK:
		flow_block(c, NULL);
		return true;
	case ACTION_WATCH:
		flow_watch(c);
		return true;
	case ACTION_UNDO:
		flow_undo(c, 0);
		return true;
	case ACTION_RELOAD:
		flow_plan(c, plan_reload(c->app, "settings", &err), &err);
		return true;
	case ACTION_RESET_COUNTERS:
		flow_plan(c, plan_reset(c->app, (1u << CLASS_COUNT) - 1, &err), &err);
		return true;
	case ACTION_FIX:
		flow_gateway(c, NULL);
		return true;
	default:
		return false;
	}
}
