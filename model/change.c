/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes: what is asked for, what became of it, and what would undo it. No I/O; knows no server.
 */
#include "model/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"

static const struct {
	const char *name, *words;
} edit_info[] = {
#define EDIT_ROW(id, n, w) [EDIT_##id] = {n, w},
	EDIT_INFO(EDIT_ROW)
#undef EDIT_ROW
};

static const struct {
	const char *name, *words;
} verdict_info[] = {
#define VERDICT_ROW(id, n, w) [VERDICT_##id] = {n, w},
	VERDICT_INFO(VERDICT_ROW)
#undef VERDICT_ROW
};

static const char *const step_names[] = {
#define STEP_ROW(id, n) [STEP_##id] = n,
	STEP_INFO(STEP_ROW)
#undef STEP_ROW
};

const char *edit_name(enum edit_kind k)
{
	return k < EDIT_COUNT ? edit_info[k].name : "";
}

const char *edit_words(enum edit_kind k)
{
	return k < EDIT_COUNT ? edit_info[k].words : "";
}

bool edit_parse_name(const char *s, enum edit_kind *out)
{
	for (int k = 0; k < EDIT_COUNT; k++) {
		if (!strcmp(s, edit_info[k].name)) {
			*out = (enum edit_kind)k;
			return true;
		}
	}
	return false;
}

const char *verdict_name(enum verdict v)
{
	return v < VERDICT_COUNT ? verdict_info[v].name : "";
}

const char *verdict_words(enum verdict v)
{
	return v < VERDICT_COUNT ? verdict_info[v].words : "";
}

const char *step_name(enum step_kind k)
{
	return k < STEP_COUNT ? step_names[k] : "";
}

struct change *change_new(void)
{
	struct change *c = xcalloc(1, sizeof(*c));

	c->started = c->ended = TIME_NONE;
	return c;
}

static void edit_release(struct edit *e)
{
	free(e->target);
	free(e->note);
	free(e->by);
	free(e->expected);
	free(e->raw);
	free(e->place);
	free(e->value);
	free(e->cert_pem);
	if (e->key_pem)
		explicit_bzero(e->key_pem, strlen(e->key_pem));
	free(e->key_pem);
}

void change_free(struct change *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++) {
		edit_release(&c->edits[i]);
		free(c->outcomes[i].before);
		free(c->outcomes[i].after);
		free(c->outcomes[i].detail);
		free(c->outcomes[i].place);
	}
	for (size_t i = 0; i < c->step_count; i++)
		free(c->steps[i].detail);
	free(c->edits);
	free(c->outcomes);
	free(c->steps);
	free(c->forced_what);
	free(c->reason);
	free(c);
}

bool edit_has_address(enum edit_kind k)
{
	return k == EDIT_BLOCK || k == EDIT_UNBLOCK || k == EDIT_ALLOW || k == EDIT_DISALLOW ||
	       edit_is_expiry(k);
}

bool edit_is_allow(enum edit_kind k)
{
	return k == EDIT_ALLOW || k == EDIT_DISALLOW || k == EDIT_ALLOW_EXPIRY;
}

bool edit_is_expiry(enum edit_kind k)
{
	return k == EDIT_EXPIRY || k == EDIT_ALLOW_EXPIRY;
}

bool edit_is_threshold(enum edit_kind k)
{
	return k == EDIT_THRESHOLD || k == EDIT_THRESHOLD_OFF || k == EDIT_THRESHOLD_DEFAULT;
}

bool edit_is_path(enum edit_kind k)
{
	return k == EDIT_PATH_ADD || k == EDIT_PATH_REMOVE;
}

bool edit_expects(const struct edit *e, const char *before)
{
	struct entry_value v;
	char end[TIME_BUF];

	if (!e->expected)
		return true;
	if (!edit_is_expiry(e->kind) || !before || !*e->expected || *e->expected == '{')
		return !strcmp(e->expected, before ? before : "");
	entry_value_parse(before, strlen(before), &v);
	return !strcmp(e->expected, v.until == TIME_NONE ? "never" : time_format(v.until, end, sizeof(end)));
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool edit_asks_the_same(const struct edit *a, const struct edit *b)
{
	return a->kind == b->kind && edit_has_address(a->kind) && a->reason == b->reason &&
		a->created == b->created && a->expires == b->expires && same_text(a->by, b->by) &&
		same_text(a->note, b->note) && same_text(a->raw, b->raw);
}

static struct edit *append(struct change *c, enum edit_kind kind, const char *target)
{
	if (c->count == c->cap) {
		xgrow(&c->edits, &c->cap, c->count + 1, sizeof(*c->edits));
		c->outcomes = xreallocarray(c->outcomes, c->cap, sizeof(*c->outcomes));
	}
	struct edit *e = &c->edits[c->count];
	memset(e, 0, sizeof(*e));
	memset(&c->outcomes[c->count], 0, sizeof(*c->outcomes));
	c->count++;
	e->kind = kind;
	e->target = xstrdup(target);
	e->reason = kind == EDIT_BLOCK ? REASON_MANUAL : REASON_NONE;
	e->created = e->expires = TIME_NONE;
	e->class = CLASS_NONE;
	e->value = edit_is_threshold(kind) ? xcalloc(1, sizeof(*e->value)) : NULL;
	return e;
}

struct edit *change_add(struct change *c, enum edit_kind kind, const char *target)
{
	struct edit *e = append(c, kind, target);

	if (edit_has_address(kind))
		net_parse(target, strlen(target), &e->net, NULL);
	else
		class_parse(target, &e->class);
	return e;
}

struct edit *change_add_net(struct change *c, enum edit_kind kind, const struct net *n)
{
	char target[NET_BUF];
	struct edit *e = append(c, kind, net_format(n, target, sizeof(target)));

	e->net = *n;
	return e;
}

struct step_report *change_step(struct change *c, enum step_kind kind, bool ok, int64_t ms,
	size_t first, size_t count, const char *detail)
{
	xgrow(&c->steps, &c->step_cap, c->step_count + 1, sizeof(*c->steps));
	struct step_report *s = &c->steps[c->step_count++];
	*s = (struct step_report){kind, ok, ms, first, count, detail ? xstrdup(detail) : NULL};
	return s;
}

size_t change_tally(const struct change *c, enum verdict v)
{
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++)
		n += c->outcomes[i].verdict == v;
	return n;
}

/* What undoing could not bring back, each word once. */
struct loss {
	char *text;
	size_t size;
};

static void lose(struct loss *l, const char *word)
{
	size_t len = l->size ? strlen(l->text) : 0;

	if (l->size && !strstr(l->text, word))
		snprintf(l->text + len, l->size - len, "%s%s", len ? ", " : "", word);
}

/* An entry put back as it was: its canonical text is the stored-value JSON. */
static void restore_entry(
	struct change *inv, enum edit_kind kind, const char *target, const char *before)
{
	struct edit *e = change_add(inv, kind, target);
	struct entry_value v;

	entry_value_parse(before, strlen(before), &v);
	if (*v.note)
		e->note = xstrdup(v.note);
	if (*v.by)
		e->by = xstrdup(v.by);
	e->reason = v.reason;
	e->created = v.at;
	e->expires = v.until;
	e->raw = xstrdup(before);
}

static void restore_threshold(
	struct change *inv, const struct edit *done, const char *before, struct loss *loss)
{
	struct threshold was = {.supported = true, .stored = true};
	enum edit_kind kind = EDIT_THRESHOLD;

	if (!before)
		kind = EDIT_THRESHOLD_DEFAULT;
	else if (!threshold_parse(before, &was, NULL))
		return lose(loss, "a malformed threshold");
	else if (!was.enabled)
		kind = EDIT_THRESHOLD_OFF;
	struct edit *e = change_add(inv, kind, done->target);
	e->class = done->class;
	*e->value = was;
	e->raw = kind == EDIT_THRESHOLD ? xstrdup(before) : NULL;
}

/* Adds to inv what undoes one edit. */
static void invert(
	struct change *inv, const struct edit *done, const struct outcome *o, struct loss *loss)
{
	size_t had = inv->count;

	switch (done->kind) {
	case EDIT_BLOCK:
	case EDIT_ALLOW:
		if (o->before)
			restore_entry(inv, done->kind, done->target, o->before);
		else
			change_add(inv, done->kind == EDIT_BLOCK ? EDIT_UNBLOCK : EDIT_DISALLOW,
				done->target);
		break;
	case EDIT_UNBLOCK:
	case EDIT_DISALLOW:
		restore_entry(inv, done->kind == EDIT_UNBLOCK ? EDIT_BLOCK : EDIT_ALLOW,
			done->target, o->before ? o->before : "");
		break;
	case EDIT_EXPIRY:
	case EDIT_ALLOW_EXPIRY:
		restore_entry(inv, done->kind, done->target, o->before ? o->before : "");
		break;
	case EDIT_THRESHOLD:
	case EDIT_THRESHOLD_OFF:
	case EDIT_THRESHOLD_DEFAULT:
		restore_threshold(inv, done, o->before, loss);
		break;
	case EDIT_PATH_ADD:
		change_add(inv, EDIT_PATH_REMOVE, done->target);
		break;
	case EDIT_PATH_REMOVE:
		change_add(inv, EDIT_PATH_ADD, done->target);
		break;
	case EDIT_RESET_COUNTERS:
		lose(loss, "the failure counters");
		break;
	case EDIT_CERT_RENEW:
	case EDIT_CERT_UPLOAD:
		lose(loss, "the former certificate");
		break;
	case EDIT_RELOAD:
	case EDIT_CERT_RELOAD:
	case EDIT_COUNT:
		break;
	}
	if (inv->count == had)
		return;
	inv->edits[had].expected = xstrdup(o->after ? o->after : "");
	inv->edits[had].place = o->place ? xstrdup(o->place) : NULL;
}

static bool was_done(const struct outcome *o)
{
	return !o->no_op && (o->verdict == VERDICT_IN_FORCE || o->verdict == VERDICT_STORED ||
				    o->verdict == VERDICT_MISMATCH);
}

struct change *change_inverse(const struct change *c, char *lost, size_t lost_size)
{
	struct change *inv = change_new();
	struct loss loss = {lost, lost_size};

	if (lost_size)
		lost[0] = '\0';
	for (size_t i = c->count; i-- > 0;)
		if (was_done(&c->outcomes[i]))
			invert(inv, &c->edits[i], &c->outcomes[i], &loss);
	if (inv->count)
		return inv;
	change_free(inv);
	return NULL;
}
