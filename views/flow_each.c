/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A change decided entry by entry; what is left of it is then asked for as a whole. */
#include "views/flow.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/plan_keep.h"
#include "core/mem.h"
#include "core/text.h"

/* "Un-block", or "Un-block and allow" where one address takes two edits. */
static void unit_words(const struct plan *p, size_t first, char *out, size_t size)
{
	size_t len = plan_unit(p, first);
	const char *then = len > 1 ? edit_words(p->change->edits[first + 1].kind) : "";

	snprintf(out, size, "%s%s%c%s", edit_words(p->change->edits[first].kind), *then ? " and " : "",
		*then >= 'A' && *then <= 'Z' ? *then + 32 : *then, *then ? then + 1 : "");
}

size_t flow_units(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->change->count; i += plan_unit(p, i))
		n++;
	return n;
}

static void ask_one(struct flow *f);

/* All are answered: what is left is asked for once more as a whole, exactly as it would be sent. */
static void each_done(struct flow *f)
{
	struct plan *p = f->plan;
	char words[64], left[32], of[32];

	plan_keep(p, f->keep);
	free(f->keep);
	f->keep = NULL;
	if (p->change->count == 0) {
		flow_leave(f);
		return;
	}
	unit_words(p, 0, words, sizeof(words));
	snprintf(p->question, sizeof(p->question), "%s %s of %s?", words, text_grouped(flow_units(p), left, sizeof(left)),
		text_grouped(f->of, of, sizeof(of)));
	flow_ask(f);
}

static void one_answered(void *arg, char key, unsigned toggles)
{
	struct flow *f = arg;
	size_t count = f->plan->change->count, end = f->at + plan_unit(f->plan, f->at);

	(void)toggles;
	if (!key) {
		flow_leave(f);
		return;
	}
	if (key == 'a' || key == 'x')
		end = count;
	for (; f->at < end; f->at++)
		f->keep[f->at] = key == 'y' || key == 'a';
	f->asked++;
	if (f->at < count)
		ask_one(f);
	else
		each_done(f);
}

static void describe_one(void *arg, unsigned toggles, struct page *out, int width)
{
	struct flow *f = arg;
	size_t end = f->at + plan_unit(f->plan, f->at);

	(void)toggles;
	for (size_t i = f->at; i < end; i++)
		flow_describe_edit(out, f->plan, i, width);
}

static void ask_one(struct flow *f)
{
	static const struct confirm_option options[] = { { 'y', "yes", CONFIRM_YES, false }, { 'n', "no", CONFIRM_CHOICE, false },
		{ 'a', "yes to all", CONFIRM_CHOICE, false }, { 'x', "no to all", CONFIRM_CHOICE, false }, { 0 } };
	char words[64], question[240];

	unit_words(f->plan, f->at, words, sizeof(words));
	snprintf(question, sizeof(question), "%zu of %zu: %s %.100s?", f->asked + 1, f->of, words, f->plan->change->edits[f->at].target);
	ui_confirm(f->console->ui, &(struct confirm_spec){ .question = question, .options = options, .describe = describe_one, .done = one_answered, .arg = f });
}

void flow_ask_each(struct flow *f)
{
	f->keep = xcalloc(f->plan->change->count + 1, sizeof(*f->keep));
	f->at = f->asked = 0;
	f->of = flow_units(f->plan);
	ask_one(f);
}
