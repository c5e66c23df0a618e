/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One change after the other: loaded from the journal, read again by the session, written back with its verdict. */
#include "app/resume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/plan.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

#define AGAIN_MS 30000 /* a server that can't tell now is not asked at every refresh */

/* ---- whose change it is ---- */

static bool read_file(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(out, 1, size - 1, f) : 0;

	if (f)
		fclose(f);
	out[n] = '\0';
	return n > 0;
}

/* "BOOT PID START": a number is used again after a boot, or by another process. False: no such process. */
static bool owner_of(long pid, char *out, size_t size)
{
	char boot[64], path[64], stat[1024], *p;
	unsigned long long start = 0;
	char state = 'X';

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (!read_file("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) || !read_file(path, stat, sizeof(stat)))
		return false;
	boot[strcspn(boot, "\n")] = '\0';
	p = strrchr(stat, ')'); /* the name before it may hold anything */
	if (!p ||
		sscanf(p + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state, &start) != 2 ||
		strchr("ZXx", state))
		return false; /* killed, and nobody asked for its status yet */
	snprintf(out, size, "%s %ld %llu", boot, pid, start);
	return true;
}

static const char *owner_key(int64_t change, char *out, size_t size)
{
	snprintf(out, size, "running %lld", (long long)change);
	return out;
}

void resume_mark_running(struct app *a, int64_t change)
{
	char key[64], owner[160];

	if (owner_of(getpid(), owner, sizeof(owner)))
		store_remember(a->store, a->profile.name, owner_key(change, key, sizeof(key)), owner, NULL);
}

void resume_mark_ended(struct app *a, int64_t change)
{
	char key[64];

	store_remember(a->store, a->profile.name, owner_key(change, key, sizeof(key)), NULL, NULL);
}

/* By another process, that is: what this one has under way is counted in app.runs. */
static bool is_running(struct app *a, const char *server, int64_t change)
{
	char key[64], now[160];
	struct buf owner = BUF_INIT;
	int64_t pid = 0;
	const char *word;
	bool runs = false;

	if (store_recall(a->store, server, owner_key(change, key, sizeof(key)), &owner, NULL) && (word = strchr(buf_str(&owner), ' '))) {
		char number[24];

		snprintf(number, sizeof(number), "%.*s", (int)strcspn(word + 1, " "), word + 1);
		runs = text_int(number, 1, INT32_MAX, &pid) && owner_of((long)pid, now, sizeof(now)) && !strcmp(now, buf_str(&owner)) &&
			(pid != getpid() || a->runs > 0);
	}
	buf_release(&owner);
	return runs;
}

void resume_mark_rows(struct app *a, struct journal_row *rows, size_t n)
{
	int64_t change = 0;
	bool runs = false;

	for (size_t i = 0; i < n; i++) {
		struct journal_row *r = &rows[i];

		if (r->ended != TIME_NONE || r->verdict != VERDICT_PENDING)
			continue;
		if (r->change != change)
			runs = is_running(a, r->server, r->change);
		change = r->change;
		if (runs)
			continue;
		r->verdict = VERDICT_UNKNOWN;
		r->why = ERR_CANCELLED;
		free(r->detail);
		r->detail = xstrdup("interrupted; the next change made from here reads from the server what became of it");
	}
}

/* ---- looking again ---- */

struct resume {
	struct scope_item item;
	struct app *app;
	int64_t *changes;
	size_t count, next;
	bool was_killed;
	resume_report_fn report;
	resume_done_fn done;
	void *arg;
	struct timer timer;
};

static void turn(struct loop *loop, void *arg);

/* What has no value on the server can't be looked at again. Key material is not kept, so neither can certificates. */
static bool can_be_read(enum edit_kind k)
{
	return k < EDIT_RESET_COUNTERS;
}

static void set_outcome(struct outcome *o, enum verdict v, enum err_code why, const char *detail)
{
	o->verdict = v;
	o->why = why;
	free(o->detail);
	o->detail = xstrdup(detail);
}

/* Everything was read before the first write, and then the journal was told: without that, nothing was written. */
static void prepare(struct change *c, bool *was_killed)
{
	*was_killed = change_tally(c, VERDICT_PENDING) > 0;
	for (size_t i = 0; i < c->count; i++) {
		struct outcome *o = &c->outcomes[i];

		if (o->verdict != VERDICT_PENDING)
			continue;
		if (!can_be_read(c->edits[i].kind))
			set_outcome(o, VERDICT_UNKNOWN, ERR_CANCELLED, "interrupted; whether it was asked for can't be told");
		else if (c->step_count == 0)
			set_outcome(o, VERDICT_NOT_STORED, ERR_CANCELLED, "interrupted before anything was written");
		else
			set_outcome(o, VERDICT_UNKNOWN, ERR_CANCELLED, "interrupted");
	}
}

/* Edits that a second look could still settle. */
static size_t still_open(const struct change *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++)
		n += c->outcomes[i].verdict == VERDICT_UNKNOWN && can_be_read(c->edits[i].kind);
	return n;
}

static void say_interrupted(struct change *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct outcome *o = &c->outcomes[i];
		char *was = o->detail;

		if (!was || !strncmp(was, "interrupted", 11))
			continue;
		o->detail = xasprintf("interrupted; %s", was);
		free(was);
	}
}

static void settle(struct resume *r, struct change *c)
{
	struct app *a = r->app;
	struct resume_report rep = { .time = c->started,
		.kind = c->edits[0].kind,
		.target = c->edits[0].target,
		.count = c->count,
		.in_force = change_tally(c, VERDICT_IN_FORCE),
		.stored = change_tally(c, VERDICT_STORED) + change_tally(c, VERDICT_MISMATCH),
		.not_stored = change_tally(c, VERDICT_NOT_STORED),
		.open = change_tally(c, VERDICT_UNKNOWN) + change_tally(c, VERDICT_PENDING),
		.was_killed = r->was_killed };
	bool is_done = still_open(c) == 0;

	if (r->was_killed)
		say_interrupted(c);
	journal_update(a->store, r->changes[r->next], c, is_done, NULL);
	if (is_done)
		resume_mark_ended(a, r->changes[r->next]);
	else
		a->resume_next = clock_mono() + AGAIN_MS;
	r->report(r->arg, &rep);
	change_free(c);
	r->next++;
	timer_start(a->loop, &r->timer, 0, &a->scope, turn, r);
}

static void reread(void *arg, struct change *c)
{
	struct resume *r = arg;
	struct app *a = r->app;

	change_effect(c, a->snap.list[LIST_BLOCKED], a->snap.list[LIST_ALLOWED], server_has(session_server(a->session), CAP(ALLOW_WINS)), clock_now());
	settle(r, c);
}

static void release(struct resume *r)
{
	r->app->runs--;
	timer_stop(&r->timer);
	free(r->changes);
	free(r);
}

static void on_cancel(struct scope_item *item)
{
	release(container_of(item, struct resume, item));
}

static void finish(struct resume *r)
{
	struct app *a = r->app;
	resume_done_fn done = r->done;
	void *arg = r->arg;

	scope_remove(&r->item);
	release(r);
	if (a->observers)
		app_refresh(a, SNAP(BLOCKED) | SNAP(ALLOWED) | SNAP(THRESHOLDS), 0);
	done(arg);
}

static void turn(struct loop *loop, void *arg)
{
	struct resume *r = arg;
	struct app *a = r->app;
	struct change *c = NULL;

	(void)loop;
	while (r->next < r->count && !c)
		if (!(c = journal_load(a->store, r->changes[r->next], 0, NULL, NULL)) || c->count == 0) {
			change_free(c);
			c = NULL;
			r->next++;
		}
	if (!c) {
		finish(r);
		return;
	}
	prepare(c, &r->was_killed);
	if (still_open(c) == 0)
		settle(r, c);
	else
		session_recheck(a->session, c, app_is_writable(a, NULL) && app_can(a, CAP(RELOAD), NULL), &a->scope, reread, r);
}

bool resume_begin(struct app *a, resume_report_fn report, resume_done_fn done, void *arg)
{
	struct resume *r;
	int64_t *changes;
	size_t n, kept = 0;

	if (!a->store || a->runs > 0 || session_state(a->session) != SESSION_READY || clock_mono() < a->resume_next ||
		!journal_unended(a->store, a->profile.name, &changes, &n, NULL))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_running(a, a->profile.name, changes[i]))
			changes[kept++] = changes[i];
	if (kept == 0) {
		free(changes);
		return false;
	}
	r = xcalloc(1, sizeof(*r));
	*r = (struct resume){ .app = a, .changes = changes, .count = kept, .report = report, .done = done, .arg = arg };
	a->runs++;
	scope_add(&a->scope, &r->item, on_cancel);
	timer_start(a->loop, &r->timer, 0, &a->scope, turn, r);
	return true;
}

/* ---- words ---- */

static void add_tally(struct buf *out, size_t n, size_t of, const char *words, bool *first)
{
	char count[32];

	if (n == 0)
		return;
	buf_adds(out, *first ? "" : ", ");
	if (of > 1)
		buf_addf(out, "%s ", text_grouped(n, count, sizeof(count)));
	buf_adds(out, words);
	*first = false;
}

void resume_words(const struct resume_report *r, struct buf *out)
{
	char count[32], when[TIME_BUF];
	bool first = true;

	if (r->count == 1)
		buf_addf(out, "%s %s", edit_words(r->kind), r->target);
	else
		buf_addf(out, "%s of %s entries", edit_words(r->kind), text_grouped(r->count, count, sizeof(count)));
	buf_addf(out, " was %s; read again: ", r->was_killed ? "interrupted" : "cut off from the server");
	add_tally(out, r->in_force, r->count, "in force", &first);
	add_tally(out, r->stored, r->count, "stored, not in force", &first);
	add_tally(out, r->not_stored, r->count, "not stored", &first);
	add_tally(out, r->open, r->count, "still unknown", &first);
	buf_addf(out, " (begun %s)", time_format(r->time / 1000 * 1000, when, sizeof(when)));
}
