/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "views/alarm_lines.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"

struct alarm_cure_arg {
	struct console *console;
	enum alarm_cure what;
	char target[NET_BUF];
};

static const char *const labels[] = { [CURE_NONE] = "", [CURE_GATEWAY] = "cure", [CURE_ALLOW] = "allow", [CURE_WHY] = "why", [CURE_CHECK] = "show",
	[CURE_CERTS] = "look", [CURE_MALFORMED] = "remove" };

static void remove_malformed(struct console *c, const char *target)
{
	struct plan_options o;
	struct err err = ERR_INIT;

	plan_options_init(&o);
	flow_plan(c, plan_unblock(c->app, &target, 1, &o, &err), &err);
}

/* Does what Enter on an alarm does. */
static void cure_alarm(struct console *c, enum alarm_cure what, const char *target)
{
	struct net n = { 0 };

	net_parse(target, strlen(target), &n, NULL);
	switch (what) {
	case CURE_GATEWAY:
	case CURE_ALLOW:
		flow_gateway(c, n.family ? &n : NULL);
		break;
	case CURE_WHY:
		console_open_why(c, target);
		break;
	case CURE_CHECK:
		ui_go(c->ui, &view_overview);
		break;
	case CURE_CERTS:
		ui_go(c->ui, &view_certs);
		break;
	case CURE_MALFORMED:
		remove_malformed(c, target);
		break;
	case CURE_NONE:
		break;
	}
}

static void cure(void *arg)
{
	struct alarm_cure_arg *a = arg;

	cure_alarm(a->console, a->what, a->target);
}

static bool is_among(const struct alarms *al, const char *key)
{
	for (size_t i = 0; i < al->count; i++)
		if (!strcmp(al->rows[i].key, key))
			return true;
	return false;
}

void alarm_lines_update(struct console *c)
{
	struct alarms al;

	if (c->alarm_generation == c->app->snap.generation + 1)
		return;
	c->alarm_generation = c->app->snap.generation + 1;
	alarms_find(c->app, &al);
	for (size_t i = 0; i < c->alarm_count; i++)
		if (!is_among(&al, c->alarm_keys[i]))
			ui_clear_alarm(c->ui, c->alarm_keys[i]);
	if (!c->cures)
		c->cures = xcalloc(ARRAY_LEN(c->alarm_keys), sizeof(*c->cures));
	c->alarm_count = al.count < ARRAY_LEN(c->alarm_keys) ? al.count : ARRAY_LEN(c->alarm_keys);
	for (size_t i = 0; i < c->alarm_count; i++) {
		const struct alarm *a = &al.rows[i];

		snprintf(c->alarm_keys[i], sizeof(c->alarm_keys[i]), "%s", a->key);
		c->cures[i] = (struct alarm_cure_arg){ .console = c, .what = a->what };
		snprintf(c->cures[i].target, sizeof(c->cures[i].target), "%s", a->target);
		ui_set_alarm(
			c->ui, a->key, a->is_bad ? ROLE_BAD : ROLE_WARN, a->text, labels[a->what], cure, &c->cures[i]);
	}
	alarms_release(&al);
}
