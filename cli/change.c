/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A change from a verb: preview, consent, run, outcomes, exit code. Every verb that changes something ends here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/certs_proof.h"
#include "app/watch.h"
#include "cli/cli.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "store/journal.h"

#define LINES_MAX 50 /* of a plan or of evidence, on stderr */

static int exit_of_code(enum err_code code)
{
	static const int of[ERR_COUNT] = { [ERR_NONE] = EXIT_DONE,
		[ERR_USAGE] = EXIT_USAGE,
		[ERR_NOT_FOUND] = EXIT_NOTHING,
		[ERR_GUARD] = EXIT_REFUSED,
		[ERR_AUTH] = EXIT_CREDENTIALS,
		[ERR_PERMISSION] = EXIT_CREDENTIALS,
		[ERR_NETWORK] = EXIT_SERVER,
		[ERR_TIMEOUT] = EXIT_SERVER,
		[ERR_SERVER] = EXIT_SERVER,
		[ERR_PROTOCOL] = EXIT_SERVER,
		[ERR_UNSUPPORTED] = EXIT_USAGE,
		[ERR_CONFLICT] = EXIT_MISMATCH,
		[ERR_LIMIT] = EXIT_SERVER,
		[ERR_IO] = EXIT_SERVER,
		[ERR_CANCELLED] = EXIT_SERVER,
		[ERR_INTERNAL] = EXIT_SERVER };

	return of[code];
}

int cli_exit_of_err(const struct err *err)
{
	return exit_of_code(err->code);
}

static int exit_of_outcome(const struct outcome *o)
{
	switch (o->verdict) {
	case VERDICT_IN_FORCE:
		return EXIT_DONE;
	case VERDICT_STORED:
		return EXIT_STORED;
	case VERDICT_MISMATCH:
		return EXIT_MISMATCH;
	case VERDICT_NOT_STORED:
		return o->why == ERR_NONE ? EXIT_SERVER : exit_of_code(o->why);
	case VERDICT_UNKNOWN:
		return EXIT_SERVER;
	case VERDICT_PENDING:
	case VERDICT_COUNT:
		break;
	}
	return EXIT_PARTLY;
}

/* One address may need several edits (un-block and allow): a mixture is "partly" only when it is about several targets. */
static int exit_of_change(const struct change *c)
{
	bool several = false, all_no_op = c->count > 0, mixed = false;
	int worst = EXIT_DONE, first = c->count ? exit_of_outcome(&c->outcomes[0]) : EXIT_DONE;

	for (size_t i = 0; i < c->count; i++) {
		int code = exit_of_outcome(&c->outcomes[i]);

		several = several ||
			(c->edits[0].target && c->edits[i].target &&
				strcmp(c->edits[i].target, c->edits[0].target) != 0);
		all_no_op = all_no_op && c->outcomes[i].no_op;
		mixed = mixed || code != first;
		if (code != EXIT_DONE)
			worst = code;
	}
	if (c->cancelled || (mixed && several))
		return EXIT_PARTLY;
	return worst == EXIT_DONE && all_no_op ? EXIT_NOTHING : worst;
}

/* ---- printing ---- */

/* Looking first is no step of the change, unless it failed. */
static bool is_step_of(const struct step_report *s, size_t edit)
{
	return (s->count == 0 || (edit >= s->first && edit - s->first < s->count)) &&
		(s->kind != STEP_BEFORE || !s->ok);
}

/* Of 100,000 edits most share their steps with the one before. */
static bool same_steps(const struct change *c, size_t a, size_t b)
{
	for (size_t i = 0; i < c->step_count; i++)
		if (is_step_of(&c->steps[i], a) != is_step_of(&c->steps[i], b))
			return false;
	return true;
}

static void steps_json(const struct change *c, size_t edit, struct buf *out)
{
	buf_reset(out);
	buf_addc(out, '[');
	for (size_t i = 0; i < c->step_count; i++) {
		const struct step_report *s = &c->steps[i];

		if (!is_step_of(s, edit))
			continue;
		buf_addf(out, "%s{\"step\":\"%s\",\"ok\":%s,\"ms\":%lld,\"detail\":",
			out->data[out->len - 1] == '[' ? "" : ",", step_name(s->kind), s->ok ? "true" : "false",
			(long long)s->ms);
		json_text(out, s->detail ? s->detail : "");
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

static void print_lines(struct cli *c, const struct change *ch)
{
	struct buf line = BUF_INIT;

	c->changed = true;
	for (size_t i = 0; i < ch->count; i++) {
		buf_reset(&line);
		outcome_line(ch, i, c->ascii, &line);
		puts(buf_str(&line));
	}
	out_lost();
	buf_release(&line);
}

static void print_rows(struct cli *c, struct out *o, const struct change *ch)
{
	struct buf steps = BUF_INIT;

	c->changed = true;
	for (size_t i = 0; i < ch->count; i++) {
		const struct outcome *r = &ch->outcomes[i];

		out_row(o);
		out_str(o, edit_name(ch->edits[i].kind));
		out_str(o, ch->edits[i].target);
		out_str(o, verdict_name(r->verdict));
		out_str(o, r->before);
		out_str(o, r->after);
		out_str(o, r->detail ? r->detail : "");
		if (i == 0 || !same_steps(ch, i - 1, i))
			steps_json(ch, i, &steps);
		out_raw(o, buf_str(&steps), "");
		if (c->would_have)
			out_raw(o, c->would_have, c->would_have);
	}
	buf_release(&steps);
}

static void print_document(struct cli *c, const struct change *const *changes, size_t n)
{
	static const struct out_field fields[] = { { "op", "OP", 0 }, { "target", "TARGET", 0 }, { "verdict", "VERDICT", 0 },
		{ "before", "BEFORE", OUT_HIDDEN }, { "after", "AFTER", OUT_HIDDEN }, { "detail", "DETAIL", 0 },
		{ "steps", "STEPS", OUT_HIDDEN }, { NULL, NULL, 0 }, { NULL, NULL, 0 } };
	struct out_field shown[ARRAY_LEN(fields)];
	struct out o;

	memcpy(shown, fields, sizeof(fields));
	if (c->would_have)
		shown[ARRAY_LEN(fields) - 2] = (struct out_field){ "would_have", "", OUT_HIDDEN };
	out_begin(&o, c->format, shown, false, c->ascii);
	for (size_t i = 0; i < n; i++)
		print_rows(c, &o, changes[i]);
	out_end(&o);
}

/* One row per outcome in the format asked for. */
static void print_outcomes(struct cli *c, const struct change *ch)
{
	if (c->format == OUT_TABLE)
		print_lines(c, ch);
	else
		print_document(c, &ch, 1);
}

void cli_print_kept(struct cli *c)
{
	if (c->kept_count)
		print_document(c, (const struct change *const *)c->kept, c->kept_count);
	for (size_t i = 0; i < c->kept_count; i++)
		change_free(c->kept[i]);
	free(c->kept);
	c->kept = NULL;
	c->kept_count = 0;
}

static void say_lines(struct cli *c, const struct plan *p)
{
	size_t shown = 0;

	for (size_t i = 0; i < p->line_count && shown < LINES_MAX; i++, shown++)
		cli_say(c, "%s", p->lines[i].text);
	if (p->line_count > shown)
		cli_say(c, "… and %zu more", p->line_count - shown);
}

/* ---- running ---- */

struct run_wait {
	struct cli *cli;
	struct app_run *run;
	bool done;
	int status;
	int64_t journal_id;
	struct cli_bar bar;
	struct change *change;  /* kept to be watched, or for a document of several; NULL = neither */
	bool watches, watched;
};

static void on_progress(void *arg, const struct change *ch, const struct change_progress *p)
{
	struct run_wait *w = arg;

	(void)ch;
	cli_bar_draw(&w->bar, run_progress_done(p), p->total, p->elapsed_ms, w->cli->interrupted);
}

static bool is_worth_watching(const struct change *ch)
{
	return !ch->cancelled && change_tally(ch, VERDICT_NOT_STORED) < ch->count;
}

static void on_done(void *arg, const struct change *ch, int64_t journal_id, const struct err *journal_err)
{
	struct run_wait *w = arg;

	bool watches = w->cli->app.options.watch_ms > 0 && is_worth_watching(ch);

	cli_bar_end(&w->bar);
	if (w->cli->kept || watches)
		w->change = app_run_take(w->run);
	if (w->cli->kept)
		w->cli->kept[w->cli->kept_count++] = w->change;
	else if (!watches || w->cli->format == OUT_TABLE) /* documents come whole, with what was seen */
		print_outcomes(w->cli, ch);
	w->watches = watches;
	if (journal_id == 0 && journal_err->code != ERR_NONE)
		cli_say(w->cli, "not in the journal: %s", journal_err->msg);
	w->status = exit_of_change(ch);
	w->journal_id = journal_id;
	w->done = true;
}

static void print_dry(struct cli *c, const struct dry_run *d)
{
	static const struct out_field fields[] = { { "step", "STEP", 0 }, { "method", "METHOD", 0 }, { "path", "PATH", 0 }, { "body", "BODY", 0 },
		{ "detail", "DETAIL", 0 }, { NULL, NULL, 0 } };
	struct buf text = BUF_INIT, plain = BUF_INIT;
	struct out o;

	if (c->format == OUT_TABLE) {
		dry_run_text(d, &text);
		if (c->ascii)
			text_safe(&plain, buf_str(&text), text.len, TEXT_MULTI | TEXT_ASCII);
		fputs(buf_str(c->ascii ? &plain : &text), stdout);
		buf_release(&text);
		buf_release(&plain);
		return;
	}
	out_begin(&o, c->format, fields, false, c->ascii);
	for (size_t i = 0; i < d->count; i++) {
		const struct dry_request *r = &d->requests[i];

		out_row(&o);
		out_str(&o, r->step);
		out_str(&o, r->method);
		out_str(&o, r->path);
		out_str(&o, r->body);
		out_str(&o, r->detail);
	}
	out_end(&o);
}

/* What could not be sent at all ends as it would have ended. */
int cli_dry_run(struct cli *c, struct plan **plans, size_t n)
{
	struct dry_known known = { c->app.snap.thresholds, c->app.snap.list[LIST_BLOCKED] };
	struct dry_run d = { .requests = NULL };
	bool ok = true, is_proven = false;

	for (size_t i = 0; i < n; i++) {
		ok = ok && session_dry_run(c->app.session, plans[i]->change, &known, &d, &c->err);
		is_proven = is_proven || certs_proof_is_wanted(plans[i]->change);
		plan_free(plans[i]);
	}
	print_dry(c, &d);
	if (ok && c->format == OUT_TABLE && is_proven)
		puts("# before and after it: which certificates are stored, and what the endpoints serve");
	if (ok && d.left_out && d.left_out == d.count)
		ok = err_set(&c->err, d.why.code, "nothing would be sent: %s", d.why.msg);
	n = d.left_out;
	dry_run_release(&d);
	return !ok ? cli_exit_of_err(&c->err) : n ? EXIT_PARTLY : EXIT_DONE;
}

static bool consent(struct cli *c, const struct plan *p)
{
	char question[512];

	if (!p->needs_yes || cli_has(c, OPT_YES))
		return true;
	if (!isatty(STDIN_FILENO) && p->change->count <= PLAN_MANY)
		return true; /* a script said exactly what it wants; only the number of entries needs --yes */
	snprintf(question, sizeof(question), "%s (%s)", p->question, p->why_yes);
	if (cli_ask(c, question))
		return true;
	return err_set(&c->err, ERR_GUARD, "%s: say --yes", p->why_yes);
}

static void on_watched(void *arg)
{
	((struct run_wait *)arg)->watched = true;
}

/* Each address once, although un-blocking and allowing it are two edits. */
static void say_evidence(struct cli *c, const struct change *ch)
{
	char words[256];

	for (size_t i = 0; i < ch->count && i < LINES_MAX; i++) {
		if (!ch->edits[i].net.family || (i > 0 && net_equal(&ch->edits[i].net, &ch->edits[i - 1].net)))
			continue;
		watch_words(&c->app, i, words, sizeof(words));
		cli_say(c, "watched: %s %s", ch->edits[i].target, words);
	}
	if (ch->count > LINES_MAX) {
		watch_summary(&c->app, words, sizeof(words));
		cli_say(c, "watched: %s", words);
	}
}

static void add_evidence(struct run_wait *w, int64_t ms)
{
	struct change *ch = w->change;
	char words[256];

	for (size_t i = 0; i < ch->count && i < WATCH_MAX; i++)
		if (ch->edits[i].net.family) {
			bool ok = watch_words(&w->cli->app, i, words, sizeof(words));

			change_step(ch, STEP_WATCH, ok, ms, i, 1, words);
		}
	if (w->journal_id)
		journal_update(w->cli->app.store, w->journal_id, ch, change_tally(ch, VERDICT_UNKNOWN) == 0, NULL);
}

/* Until what is to be seen was seen, the time is over, or Ctrl-C: then it is told what was seen so far. */
static void watch_evidence(struct run_wait *w)
{
	struct cli *c = w->cli;
	int64_t begun = clock_mono();
	bool watches = watch_begin(&c->app, w->change, c->app.options.watch_ms, on_watched, w);

	if (watches) {
		cli_wait(c, &w->watched);
		add_evidence(w, clock_mono() - begun);
	}
	if (c->format != OUT_TABLE && !c->kept)
		print_outcomes(c, w->change);
	if (watches && c->format == OUT_TABLE)
		say_evidence(c, w->change);
	watch_end(&c->app);
	if (!c->kept) /* else it is part of a document to come */
		change_free(w->change);
}

static void run_and_wait(struct cli *c, struct run_wait *w, struct plan *p)
{
	bool stopped = false, told = false;

	w->run = app_run(&c->app, p, on_progress, on_done, w);
	while (!w->done && loop_turn(c->loop, 200)) {
		if (!w->done && app_run_is_waiting(w->run) && !told) {
			told = true;
			cli_say(c,
				"the connection was lost; what became of it is read as soon as the server answers (Ctrl-C: not now)");
		}
		if (!w->done && c->interrupted && !stopped) {
			stopped = true; /* between batches; a second Ctrl-C leaves at once */
			cli_bar_end(&w->bar);
			cli_say(c, "stopping: what was sent is read back and reloaded; Ctrl-C again leaves at once");
			app_run_stop(w->run);
		}
	}
}

int cli_change(struct cli *c, struct plan *p)
{
	struct run_wait w = { .cli = c };
	const char *why = NULL;

	if (!p)
		return cli_exit_of_err(&c->err);
	if (!cli_has(c, OPT_DRY_RUN) && !app_is_writable(&c->app, &why)) {
		err_set(&c->err, ERR_GUARD, "%s", why); /* before it is told what it would do */
		plan_free(p);
		return EXIT_REFUSED;
	}
	say_lines(c, p);
	if (p->refused) {
		err_set(&c->err, ERR_GUARD, "refused: %s. %s", p->refusal,
			p->yes_will_do ? "Say --yes if that is meant" : "--force overrides");
		plan_free(p);
		return EXIT_REFUSED;
	}
	if (cli_has(c, OPT_DRY_RUN))
		return cli_dry_run(c, &p, 1);
	if (!consent(c, p)) {
		plan_free(p);
		return EXIT_REFUSED;
	}
	cli_resume(c);
	if (c->interrupted) { /* nothing was sent yet */
		plan_free(p);
		err_set(&c->err, ERR_CANCELLED, "interrupted: nothing was changed");
		return cli_exit_of_err(&c->err);
	}
	run_and_wait(c, &w, p);
	if (w.watches)
		watch_evidence(&w);
	return w.status;
}
