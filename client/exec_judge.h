/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what the server answered to a verdict. Pure: no I/O, no session. A verdict says no more than what was seen. */
#ifndef CLIENT_EXEC_JUDGE_H
#define CLIENT_EXEC_JUDGE_H

#include "client/dialect.h"

/* What became of one request of the way. */
enum fate {
	FATE_NONE,    /* not tried */
	FATE_OK,
	FATE_REFUSED, /* the server said no: why, text */
	FATE_UNSENT,  /* never left this host */
	FATE_LOST,    /* sent, and no answer came */
};

struct facts_step {
	enum fate fate;
	enum err_code why;
	const char *text; /* the server's words or ours; may be NULL */
};

struct facts {
	const struct edit *edit;
	bool is_action;            /* RELOAD, CERT_RELOAD, RESET_COUNTERS …: nothing is written or read */
	bool no_op;                /* BEFORE was what is wanted */
	bool is_recheck;           /* an UNKNOWN change is read again later */
	bool recheck_reloads;      /* … and the reload made up for */
	struct facts_step can;     /* REFUSED: generation, permission or read-only mode forbids it from the start */
	struct facts_step before, write, after;
	const char *expected;      /* as the operator saw it; NULL = does not matter */
	bool conflict;             /* BEFORE differs from expected */
	const char *before_value, *after_value; /* NULL = absent */
	bool wants_value;          /* false = wanted absent */
	bool matches;              /* after_value is what is wanted */
	unsigned reloads;          /* kinds it needs */
	struct facts_reload {
		struct facts_step step;
		bool asynchronous, good_ones_live;
		const struct check_problem *errors;
		size_t error_count;
	} reload[RELOAD_KIND_COUNT];
	struct facts_step reset;   /* FATE_NONE: not asked for */
	const char *caveat;
	bool stopped;              /* the operator stopped the change before this edit was written */
};

/* Fills verdict, why, no_op and detail; before and after are left alone. */
void exec_judge(const struct facts *f, struct outcome *out);
/* The error is about this edit's target. */
bool exec_problem_names(const struct check_problem *p, const struct edit *e);

#endif
