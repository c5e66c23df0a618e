/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of the ranges panel: proposals made step by step, so that neither a million bans nor as many entries hold a
 * key up. */
#ifndef VIEWS_PROPOSING_H
#define VIEWS_PROPOSING_H

#include "app/proposals.h"
#include "views/rows.h"

struct ranges_state {
	struct store_rows rows;      /* of struct proposal */
	struct proposals_query query;
	struct proposals_job *job;   /* being made */
	struct observer observer;
	uint64_t seen; /* of the lists the rows were made of */
};

void proposing_read(struct view *v);

#endif
