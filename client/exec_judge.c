/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The judge: rules in order, the first that applies decides. Knows no dialect and no connection. */
#include "client/exec_judge.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

#define VALUE_SHOWN 160 /* columns of a value in a detail */

/* ---- words ---- */

static const char *say(const struct facts_step *s)
{
	return s->text && *s->text ? s->text : err_code_text(s->why);
}

static void put_value(struct buf *out, const char *value)
{
	struct buf safe = BUF_INIT;

	if (!value) {
		buf_adds(out, "(absent)");
		return;
	}
	text_safe(&safe, value, strlen(value), TEXT_LINE);
	buf_addc(out, '"');
	text_fit(out, buf_str(&safe), VALUE_SHOWN, TEXT_LINE);
	buf_addc(out, '"');
	buf_release(&safe);
}

static const char *already(enum edit_kind k)
{
	static const char *const words[EDIT_COUNT] = {
		[EDIT_BLOCK] = "already blocked",
		[EDIT_UNBLOCK] = "was not blocked",
		[EDIT_ALLOW] = "already allowed",
		[EDIT_DISALLOW] = "was not allowed",
		[EDIT_PATH_ADD] = "already listed",
		[EDIT_PATH_REMOVE] = "was not listed",
	};

	return words[k] ? words[k] : "already so";
}

/* ---- rules: each says whether it applies, and if so its words ---- */

struct ruling {
	const struct facts *f;
	enum err_code why;
	struct buf words;
};

static bool not_allowed_from_the_start(struct ruling *r)
{
	if (r->f->can.fate != FATE_REFUSED)
		return false;
	r->why = r->f->can.why;
	buf_adds(&r->words, say(&r->f->can));
	return true;
}

static bool stopped_before(struct ruling *r)
{
	if (!r->f->stopped)
		return false;
	r->why = ERR_CANCELLED;
	buf_adds(&r->words, "stopped before this was written");
	return true;
}

static bool before_failed(struct ruling *r)
{
	const struct facts_step *b = &r->f->before;

	if (r->f->is_action || r->f->is_recheck || b->fate == FATE_OK)
		return false;
	r->why = b->why ? b->why : ERR_INTERNAL;
	buf_addf(&r->words, b->why == ERR_NOT_FOUND ? "nothing was written: %s" : "nothing was written: what is stored now can't be read (%s)", say(b));
	return true;
}

static bool conflicts(struct ruling *r)
{
	if (!r->f->conflict)
		return false;
	r->why = ERR_CONFLICT;
	buf_adds(&r->words, "changed by somebody else meanwhile: on the server ");
	put_value(&r->words, r->f->before_value);
	buf_adds(&r->words, ", expected ");
	put_value(&r->words, *r->f->expected ? r->f->expected : NULL);
	return true;
}

static bool nothing_to_change(struct ruling *r)
{
	if (!edit_is_expiry(r->f->edit->kind) || r->f->before.fate != FATE_OK || r->f->before_value)
		return false;
	r->why = ERR_NOT_FOUND;
	buf_adds(&r->words, "there is no such entry");
	return true;
}

static bool never_sent(struct ruling *r)
{
	const struct facts_step *w = &r->f->write;

	if (w->fate != FATE_UNSENT && (w->fate != FATE_NONE || r->f->no_op || r->f->is_action))
		return false;
	r->why = w->why ? w->why : ERR_NETWORK;
	buf_addf(&r->words, "not sent: %s", say(w));
	return true;
}

static bool write_lost(struct ruling *r)
{
	const struct facts_step *w = &r->f->write;

	if (w->fate != FATE_LOST)
		return false;
	r->why = w->why ? w->why : ERR_NETWORK;
	buf_addf(&r->words, "sent, but no answer came (%s): it may or may not be stored", say(w));
	return true;
}

static bool is_refused(const struct facts *f)
{
	return f->write.fate == FATE_REFUSED;
}

/* A 5xx proves nothing by itself: seen on 0.15.5 with a configuration file that can't be written. */
static bool refused_and_unread(struct ruling *r)
{
	const struct facts *f = r->f;

	if (!is_refused(f) || f->write.why != ERR_SERVER || f->after.fate == FATE_OK || f->after.fate == FATE_REFUSED)
		return false;
	r->why = f->after.why ? f->after.why : ERR_NETWORK;
	buf_addf(&r->words, "the server refused it (%s), and the connection was lost before it could be read back", say(&f->write));
	return true;
}

static bool refused_but_there(struct ruling *r)
{
	const struct facts *f = r->f;

	if (!is_refused(f) || f->after.fate != FATE_OK || !f->matches || f->write.why == ERR_CONFLICT)
		return false;
	r->why = f->write.why;
	buf_addf(&r->words,
		"the server refused it (%s), yet it reads back: it is not in the server's store and is lost at the next restart",
		say(&f->write));
	return true;
}

static bool refused(struct ruling *r)
{
	const struct facts *f = r->f;

	if (!is_refused(f) || (f->write.why == ERR_CONFLICT && f->after.fate == FATE_OK && f->matches))
		return false;
	r->why = f->write.why ? f->write.why : ERR_SERVER;
	buf_adds(&r->words, say(&f->write));
	if (f->write.why == ERR_CONFLICT && f->after.fate == FATE_OK) {
		buf_adds(&r->words, "; on the server ");
		put_value(&r->words, f->after_value);
	}
	return true;
}

static bool read_back_lost(struct ruling *r)
{
	const struct facts *f = r->f;

	if (f->is_action || f->after.fate == FATE_OK || (f->after.fate == FATE_REFUSED && !f->is_recheck))
		return false; /* read again and refused: nobody ever said that the write was accepted */
	r->why = f->after.why ? f->after.why : ERR_NETWORK;
	buf_addf(&r->words, f->is_recheck ? "still unknown: it can't be read (%s)"
					   : "accepted, but the connection was lost before it could be read back (%s)",
		say(&f->after));
	return true;
}

static bool read_back_refused(struct ruling *r)
{
	const struct facts *f = r->f;

	if (f->is_action || f->after.fate != FATE_REFUSED)
		return false;
	r->why = f->after.why ? f->after.why : ERR_SERVER;
	buf_addf(&r->words, "accepted by the server, but it can't be read back (%s): not proven", say(&f->after));
	return true;
}

static bool recheck_found_nothing(struct ruling *r)
{
	const struct facts *f = r->f;
	const char *a = f->after_value, *b = f->before_value;

	if (!f->is_recheck || f->matches || f->after.fate != FATE_OK || (a && b ? strcmp(a, b) != 0 : a != b))
		return false;
	r->why = ERR_NETWORK;
	buf_adds(&r->words, "read again: the server has what it had before");
	return true;
}

static bool differs(struct ruling *r)
{
	const struct facts *f = r->f;

	if (f->is_action || f->matches)
		return false;
	r->why = ERR_CONFLICT;
	buf_adds(&r->words, "read back ");
	put_value(&r->words, f->after_value);
	buf_adds(&r->words, f->wants_value ? ", which is not what was written" : ", although it was removed");
	return true;
}

/* The first needed reload with that fate. */
static const struct facts_reload *reload_with(const struct facts *f, enum fate fate)
{
	for (int k = 0; k < RELOAD_KIND_COUNT; k++)
		if (f->reloads & 1u << k && f->reload[k].step.fate == fate)
			return &f->reload[k];
	return NULL;
}

static bool recheck_found_it(struct ruling *r)
{
	if (!r->f->is_recheck || r->f->recheck_reloads || !r->f->reloads)
		return false;
	r->why = ERR_NETWORK;
	buf_adds(&r->words, "read again: it is stored. Whether it is live can't be told: reload to make sure");
	return true;
}

/* An edit that is nothing but a reload, and the reload was never asked for. */
static bool action_unsent(struct ruling *r)
{
	const struct facts *f = r->f;
	const struct facts_reload *l = reload_with(f, FATE_UNSENT);

	if (!f->is_action || !l || reload_with(f, FATE_LOST))
		return false;
	r->why = l->step.why ? l->step.why : ERR_NETWORK;
	buf_addf(&r->words, "not sent: %s", say(&l->step));
	return true;
}

static bool reload_refused(struct ruling *r)
{
	const struct facts_reload *l = reload_with(r->f, FATE_REFUSED);

	if (!l)
		return false;
	r->why = l->step.why ? l->step.why : ERR_SERVER;
	buf_addf(&r->words, r->why == ERR_PERMISSION ? "the reload is not permitted: %s" : "the reload was refused: %s",
		say(&l->step));
	return true;
}

static bool reload_lost(struct ruling *r)
{
	const struct facts *f = r->f;
	const struct facts_reload *l = reload_with(f, FATE_LOST);

	if (!l)
		l = reload_with(f, FATE_UNSENT);
	if (!l)
		l = reload_with(f, FATE_NONE);
	if (!l)
		return false;
	r->why = l->step.why ? l->step.why : ERR_NETWORK;
	buf_addf(&r->words, "%s, but the connection was lost around the reload (%s)", f->is_action ? "asked" : "stored", say(&l->step));
	return true;
}

/* "server.blocked-ip.203.0.113.9" is about 203.0.113.9; "server.blocked-ip.9.203.0.113.9" is not. */
bool exec_problem_names(const struct check_problem *p, const struct edit *e)
{
	size_t k = p->key ? strlen(p->key) : 0, t = e->target ? strlen(e->target) : 0;
	const char *before, *part;

	if (t == 0 || k < t || strcmp(p->key + k - t, e->target) != 0)
		return false;
	if (k == t)
		return true;
	before = p->key + k - t - 1;
	if (*before != '.')
		return false;
	for (part = before; part > p->key && part[-1] >= '0' && part[-1] <= '9'; part--)
		;
	return part == before || (part > p->key && part[-1] != '.');
}

/* 0.15's small reload makes the good ones live and lists the others. */
static bool reload_rejects_this_one(struct ruling *r)
{
	const struct facts *f = r->f;

	for (int k = 0; k < RELOAD_KIND_COUNT && f->wants_value; k++) {
		const struct facts_reload *l = &f->reload[k];

		for (size_t i = 0; f->reloads & 1u << k && i < l->error_count; i++) {
			if (!exec_problem_names(&l->errors[i], f->edit))
				continue;
			r->why = ERR_SERVER;
			buf_addf(&r->words, "the server rejects this entry at the reload: %s",
				l->errors[i].text ? l->errors[i].text : "no reason given");
			return true;
		}
	}
	return false;
}

static bool reset_lost(struct ruling *r)
{
	const struct facts_step *s = &r->f->reset;

	if (r->f->edit->kind != EDIT_RESET_COUNTERS || s->fate != FATE_LOST)
		return false;
	r->why = s->why ? s->why : ERR_NETWORK;
	buf_addf(&r->words, "no answer came to the reset (%s)", say(s));
	return true;
}

static bool reset_failed(struct ruling *r)
{
	const struct facts_step *s = &r->f->reset;

	if (r->f->edit->kind != EDIT_RESET_COUNTERS || s->fate == FATE_OK)
		return false;
	r->why = s->why ? s->why : ERR_SERVER;
	buf_addf(&r->words, "the counters were not reset: %s", say(s));
	return true;
}

static bool has_caveat(struct ruling *r)
{
	if (!r->f->caveat)
		return false;
	r->why = ERR_UNSUPPORTED;
	if (r->f->no_op)
		buf_addf(&r->words, "%s; nothing was written: ", already(r->f->edit->kind));
	buf_adds(&r->words, r->f->caveat);
	return true;
}

static bool is_in_force(struct ruling *r)
{
	const struct facts *f = r->f;

	r->why = ERR_NONE;
	if (f->recheck_reloads && f->reloads)
		buf_addf(&r->words, "read again: it is %s, and the reload took it", f->wants_value ? "stored" : "gone");
	if (f->no_op)
		buf_addf(&r->words, "%s; nothing was written", already(f->edit->kind));
	else if (f->write.fate == FATE_REFUSED)
		buf_adds(&r->words, f->wants_value ? "somebody else stored it meanwhile; nothing was overwritten"
						   : "somebody else removed it meanwhile");
	for (int k = 0; k < RELOAD_KIND_COUNT; k++)
		if (f->reloads & 1u << k && f->reload[k].asynchronous) {
			buf_addf(&r->words, "%sthe reload was accepted and is done in a moment", r->words.len ? "; " : "");
			break;
		}
	return true;
}

static const struct {
	bool (*applies)(struct ruling *r);
	enum verdict verdict;
} rules[] = {
	{ not_allowed_from_the_start, VERDICT_NOT_STORED },
	{ stopped_before, VERDICT_PENDING },
	{ before_failed, VERDICT_NOT_STORED },
	{ conflicts, VERDICT_NOT_STORED },
	{ nothing_to_change, VERDICT_NOT_STORED },
	{ never_sent, VERDICT_NOT_STORED },
	{ recheck_found_nothing, VERDICT_NOT_STORED },
	{ write_lost, VERDICT_UNKNOWN },
	{ refused_and_unread, VERDICT_UNKNOWN },
	{ refused_but_there, VERDICT_STORED },
	{ refused, VERDICT_NOT_STORED },
	{ read_back_lost, VERDICT_UNKNOWN },
	{ read_back_refused, VERDICT_STORED },
	{ differs, VERDICT_MISMATCH },
	{ recheck_found_it, VERDICT_STORED },
	{ action_unsent, VERDICT_NOT_STORED },
	{ reload_refused, VERDICT_STORED },
	{ reload_lost, VERDICT_UNKNOWN },
	{ reload_rejects_this_one, VERDICT_STORED },
	{ reset_lost, VERDICT_UNKNOWN },
	{ reset_failed, VERDICT_NOT_STORED },
	{ has_caveat, VERDICT_STORED },
	{ is_in_force, VERDICT_IN_FORCE },
};

/* Counters outlive an un-ban on 0.15 and 0.16: the next single failure bans again. */
static void add_reset(const struct facts *f, struct buf *words)
{
	if (f->edit->kind == EDIT_RESET_COUNTERS || f->reset.fate == FATE_NONE || f->reset.fate == FATE_OK)
		return;
	buf_addf(words, "%sthe failure counters were not reset (%s): the next failure bans again", words->len ? ". But " : "but ",
		say(&f->reset));
}

void exec_judge(const struct facts *f, struct outcome *out)
{
	struct ruling r = { .f = f };
	struct buf safe = BUF_INIT;
	size_t i = 0;

	while (!rules[i].applies(&r))
		i++;
	out->verdict = rules[i].verdict;
	out->why = r.why;
	out->no_op = f->no_op || (out->verdict == VERDICT_IN_FORCE && f->write.fate == FATE_REFUSED); /* not ours to take back */
	if (out->verdict == VERDICT_IN_FORCE || out->verdict == VERDICT_STORED)
		add_reset(f, &r.words);
	text_safe(&safe, buf_str(&r.words), r.words.len, TEXT_LINE);
	free(out->detail);
	out->detail = safe.len ? buf_take(&safe, NULL) : NULL;
	buf_release(&safe);
	buf_release(&r.words);
}
