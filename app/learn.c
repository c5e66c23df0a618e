/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Up to 0.15 the server lists a ban without its reason and time; the history has both from the log. Whoever filters, sorts, shows or exports
 * the list should not have to know where a row's facts come from: the rows learn them here. */
#include <stdlib.h>

#include "app/app.h"
#include "core/clock.h"
#include "store/history.h"

#define OLD_MS 60000 /* another program may have read the log meanwhile */

static void read_tallies(struct app *a)
{
	struct snapshot *s = &a->snap;

	free(s->tallies);
	s->tallies = NULL;
	s->tally_count = 0;
	s->tallies_read = clock_mono();
	s->tallies_known = true;
	history_tallies(a->store, a->profile.name, &s->tallies, &s->tally_count, NULL);
}

static void teach(struct app *a)
{
	struct snapshot *s = &a->snap;

	if (s->list[LIST_BLOCKED] && history_tallies_teach(s->tallies, s->tally_count, s->list[LIST_BLOCKED]))
		s->learned++;
}

void app_learn(struct app *a)
{
	if (!a->options.learn || !a->store)
		return;
	if (!a->snap.tallies_known || clock_mono() - a->snap.tallies_read >= OLD_MS)
		read_tallies(a);
	teach(a);
}

void app_learn_again(struct app *a)
{
	a->snap.tallies_known = false;
	app_learn(a);
	app_notify(a, SNAP(BLOCKED));
}
