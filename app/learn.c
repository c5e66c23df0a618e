/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Up to 0.15 the server lists a ban without its reason and time; the history has both from the log. Whoever filters, sorts, shows or exports
 * the list should not have to know where a row's facts come from: the rows learn them here. */
#include <stdlib.h>

#include "app/app.h"
#include "core/clock.h"
#include "store/history.h"

#define OLD_MS    60000 /* another program may have read the log meanwhile */
#define STEP_ROWS 250

static void teach(struct app *a)
{
	struct snapshot *s = &a->snap;

	if (s->list[LIST_BLOCKED] && history_tallies_teach(s->tallies, s->tally_count, s->list[LIST_BLOCKED]))
		s->learned++;
}

/* False when there is nothing more to read. */
static bool read_some(struct app *a, size_t rows)
{
	struct snapshot *s = &a->snap;
	bool done;

	if (!history_tallies_step(s->tally_reader, rows, &done, NULL)) {
		history_tallies_abandon(s->tally_reader);
		s->tally_reader = NULL;
		return false;
	}
	if (!done)
		return true;
	free(s->tallies);
	history_tallies_end(s->tally_reader, &s->tallies, &s->tally_count);
	s->tally_reader = NULL;
	return false;
}

static void turn(struct loop *loop, void *arg)
{
	struct app *a = arg;
	int64_t began = clock_mono();
	bool more;

	while ((more = read_some(a, STEP_ROWS)) && !app_turn_is_over(began))
		;
	if (more) {
		timer_start(loop, &a->snap.tally_turn, 0, &a->scope, turn, a);
		return;
	}
	teach(a);
	a->snap.generation++; /* who is close to a ban, who logs in from where: alarms look at that, too */
	app_notify(a, SNAP(BLOCKED));
}

static void read_tallies(struct app *a)
{
	struct snapshot *s = &a->snap;

	s->tallies_read = clock_mono();
	s->tallies_known = true;
	history_tallies_abandon(s->tally_reader);
	s->tally_reader = history_tallies_begin(a->store, a->profile.name, NULL);
	if (s->tally_reader && a->options.learn == LEARN_BY_TURNS) {
		timer_start(a->loop, &s->tally_turn, 0, &a->scope, turn, a);
		return;
	}
	while (s->tally_reader && read_some(a, SIZE_MAX))
		;
	teach(a);
}

void app_learn(struct app *a, bool is_new)
{
	if (a->options.learn == LEARN_NOT || !a->store)
		return;
	if (is_new)
		teach(a);
	if (!a->snap.tallies_known || clock_mono() - a->snap.tallies_read >= OLD_MS)
		read_tallies(a);
}

void app_learn_again(struct app *a)
{
	a->snap.tallies_known = false;
	app_learn(a, false);
	app_notify(a, SNAP(BLOCKED));
}
