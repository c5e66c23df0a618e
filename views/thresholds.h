/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the thresholds panel and its editing. */
#ifndef VIEWS_THRESHOLDS_H
#define VIEWS_THRESHOLDS_H

#include "app/near.h"
#include "views/views.h"

struct sync;

struct threshold_state {
	struct observer observer;
	enum ban_class row[CLASS_COUNT]; /* supported classes */
	size_t classes;
	struct near_limit near;          /* who is close to it, of every class */
	struct sync *sync;
	int64_t read;                    /* clock_mono() of the last look at the log, 0 = none yet */
};

static inline const struct thresholds *thresholds_of(const struct view *v)
{
	return app_of(v)->snap.thresholds;
}

const char *thresholds_path(const struct view *v, size_t row); /* NULL: the row is a class */
bool thresholds_act(struct view *v, enum action a, size_t row);

#endif
