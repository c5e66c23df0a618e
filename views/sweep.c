/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The open console ends what has expired where the server doesn't (up to 0.15): as soon as a list shows it, and at the minute when one is due.
 * Every removal is a proven change in the journal, and said on the message line. */
#include <stdio.h>

#include "app/sweep.h"
#include "core/clock.h"
#include "views/views.h"

#define AGAIN_MS (10 * 60 * 1000) /* after a sweep that did not succeed */
#define AT_MOST_MS (24 * 3600 * 1000)
#define TOGETHER_MS 5000

/* The lists are swept one after the other: what was said of the first must not vanish behind the second. */
static void tell(struct console *c, enum role role, const char *text)
{
	char both[sizeof(c->swept_text)];

	if (c->swept_text[0] && clock_mono() - c->swept_said < TOGETHER_MS)
		snprintf(both, sizeof(both), "%.110s; %.110s", c->swept_text, text);
	else
		snprintf(both, sizeof(both), "%s", text);
	snprintf(c->swept_text, sizeof(c->swept_text), "%s", both);
	c->swept_said = clock_mono();
	ui_message(c->ui, role, "%s", both);
}

static void say(struct console *c, const struct change *ch)
{
	size_t done = sweep_tally(ch);
	bool is_block = c->sweep_list == LIST_BLOCKED, is_one = ch->count == 1;
	const char *what = is_block ? is_one ? "block" : "blocks" : is_one ? "allowed entry" : "allowed entries";
	char text[200];

	if (done < ch->count)
		snprintf(text, sizeof(text), "%zu of %zu expired %s removed; the journal says why not the others", done,
			ch->count, what);
	else
		snprintf(text, sizeof(text), "%zu expired %s removed%s%.100s", done, what, is_one ? ": " : "",
			is_one ? ch->edits[0].target : "");
	tell(c, done < ch->count ? ROLE_WARN : ROLE_NORMAL, text);
}

static void swept(void *arg, const struct change *ch, int64_t journal_id, const struct err *journal_err)
{
	struct console *c = arg;

	(void)journal_id, (void)journal_err;
	c->run = NULL;
	c->swept[c->sweep_list] = clock_now();
	say(c, ch);
	if (sweep_tally(ch) < ch->count)
		c->sweep_after = clock_mono() + AGAIN_MS;
}

static void due(struct loop *loop, void *arg)
{
	(void)loop;
	console_sweep(arg);
}

static void wake(struct console *c, int64_t ms)
{
	timer_start(c->app->loop, &c->sweeping, ms < 0 ? 0 : ms > AT_MOST_MS ? AT_MOST_MS : ms, &c->app->scope, due, c);
}

void console_sweep(struct console *c)
{
	int64_t next, soonest = TIME_NONE;
	struct err err = ERR_INIT;

	timer_stop(&c->sweeping);
	if (c->run || c->looking || session_state(c->app->session) != SESSION_READY)
		return; /* the lists come again when that is over */
	if (clock_mono() < c->sweep_after) {
		wake(c, c->sweep_after - clock_mono());
		return;
	}
	for (int list = 0; list < LIST_COUNT; list++) {
		struct plan *p;

		if (c->app->snap.fetched[list == LIST_BLOCKED ? SNAP_BIT_BLOCKED : SNAP_BIT_ALLOWED] <= c->swept[list])
			continue;
		p = plan_sweep(c->app, (enum list_kind)list, &next, &err);
		if (p) {
			c->sweep_list = (enum list_kind)list;
			c->run = app_run(c->app, p, NULL, swept, c);
			return;
		}
		if (next != TIME_NONE && (soonest == TIME_NONE || next < soonest))
			soonest = next;
	}
	if (soonest != TIME_NONE)
		wake(c, soonest - clock_now() + 1000);
}
