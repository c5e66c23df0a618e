/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Evidence in the console: what the log says about the addresses of the last change. Sends nothing but questions for the log. */
#include "views/flow.h"

#include "app/watch.h"
#include "core/clock.h"
#include "store/journal.h"

#define WATCH_MS 60000

static void tell(struct console *c, const char *lead)
{
	char words[300];

	watch_summary(c->app, words, sizeof(words));
	watch_end(c->app);
	ui_message(c->ui, ROLE_STRONG, "%s: %s", lead, words);
}

static void on_over(void *arg)
{
	tell(arg, "watched");
}

void flow_watch_change(struct console *c, const struct change *ch)
{
	int64_t ms = c->app->options.watch_ms > 0 ? c->app->options.watch_ms : WATCH_MS;
	char words[32];

	if (!watch_begin(c->app, ch, ms, on_over, c))
		ui_message(c->ui, ROLE_DIM, "there is no address in the last change to watch for");
	else
		ui_message(c->ui, ROLE_DIM, "watching the log for %s%s, %s at most (W ends it)", ch->edits[0].target, ch->count > 1 ? " …" : "",
			duration_format(ms, words, sizeof(words)));
}

/* The newest change of this server that is not running; NULL when there is none. */
static struct change *last_change(struct console *c)
{
	struct journal_query q;
	struct journal_row *rows;
	struct change *ch = NULL;
	size_t n;

	journal_query_init(&q);
	q.server = c->app->profile.name;
	q.limit = 1;
	if (!c->app->store || !journal_list(c->app->store, &q, &rows, &n, NULL))
		return NULL;
	if (n > 0)
		ch = journal_load(c->app->store, rows[0].change, 0, NULL, NULL);
	journal_rows_free(rows, n);
	return ch;
}

void flow_watch(struct console *c)
{
	struct change *ch;

	if (c->app->watch) {
		tell(c, "watched so far");
		return;
	}
	if (c->run) {
		ui_message(c->ui, ROLE_DIM, "a change is running: wait for its verdict");
		return;
	}
	ch = last_change(c);
	if (ch && ch->count > 0)
		flow_watch_change(c, ch);
	else
		ui_message(c->ui, ROLE_DIM, "nothing was changed from here yet");
	change_free(ch);
}
