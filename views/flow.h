/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to the road of a change: flow.c runs it, flow_ask.c asks before, flow_verdict.c says what came of it. */
#ifndef VIEWS_FLOW_H
#define VIEWS_FLOW_H

#include "app/resume.h"
#include "views/views.h"

struct flow {
	struct console *console;
	struct plan *plan;
	bool resets;       /* the counters, too: how the toggle stands */
	bool *keep;        /* "e each": per edit, what was answered; NULL = not asked one by one */
	size_t at;         /* "e each": first edit of the one asked for */
	size_t asked, of;  /* "2 of 5" */
	char *note;        /* reason typed here; owned or NULL */
	struct scope scope; /* of the last look before it is sent */
	struct observer observer;
	int64_t answered;  /* clock_mono() of the yes: what was asked for before is too old */
};

void flow_free(struct flow *f);
/* Sends the plan; f is gone afterwards. */
void flow_start(struct flow *f);
/* flow_guard.c: asks the guards once more, about what the server says now; ends in flow_start(), or in flow_ask() when they refuse. */
void flow_send(struct flow *f);
/* The question, or the guards' refusal with its override. Ends in flow_start() or flow_free(). */
void flow_ask(struct flow *f);

/* The end of a question that was not answered with yes. */
void flow_leave(struct flow *f);
void flow_describe_edit(struct page *out, const struct plan *p, size_t i, int width);

/* flow_each.c: how many addresses or other things a plan is about, and asking for each of them; ends in flow_ask() or flow_leave(). */
size_t flow_units(const struct plan *p);
void flow_ask_each(struct flow *f);

/* flow_conflict.c: somebody else changed it between display and save, and nothing was overwritten; both values in words, and the one wanted. */
bool flow_is_conflict(const struct edit *e, const struct outcome *o);
void flow_describe_conflict(struct page *p, const struct edit *e, const struct outcome *o, int width);

/* flow_watch.c: the log is looked at for a while; the answer is a message. */
void flow_watch_change(struct console *c, const struct change *ch);

/* flow_verdict.c: one line an outcome, those not in force first; every outcome with its steps. From malloc. */
struct page *flow_verdict_page(const struct change *c, const struct glyphs *g, const struct err *journal_err, int64_t journal_id);
struct page *flow_details_page(const struct change *c, const struct glyphs *g);
/* Of a change that was cut off, once the server could be asked again. */
struct page *flow_resumed_page(const struct resume_report *r, const struct glyphs *g);

#endif
