/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Before a threshold is switched off: what that would have let through lately, and whether a higher rate would have done. Read from the
 * history store; asks no server. */
#ifndef APP_THRESHOLD_OFF_H
#define APP_THRESHOLD_OFF_H

#include "app/app.h"
#include "app/plan.h"

#define OFF_DAYS  7 /* looked back */
#define OFF_TRIED 3

struct off_tried {
	uint64_t count;      /* failures in the period in force */
	uint64_t banned;     /* addresses it would still have banned */
};

struct off_advice {
	bool has_history;    /* the store could be asked */
	uint64_t addresses;  /* banned in this class: they would have gone on */
	uint64_t refused;    /* connections of theirs that were refused afterwards */
	uint64_t failures;   /* logged attempts the tried rates are judged by; 0 = the log has none */
	int64_t period_ms;
	struct off_tried tried[OFF_TRIED];
	size_t tried_count;
	int best;            /* the lowest rate that spares at least half of them; -1 = none does, or nothing can be said */
};
void threshold_off_advice(struct app *a, enum ban_class c, struct off_advice *out);
/* In sentences, for edit 0 of a plan; and what to offer instead ("500/1d") in p->instead. */
void threshold_off_say(struct plan *p, enum ban_class c, const struct off_advice *o);
/* {"days","addresses","refused","failures","tried":[{"rate","banned"}]} */
void threshold_off_json(const struct off_advice *o, struct buf *out);

#endif
