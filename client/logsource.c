/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all log sources share: life, delivery, statistics, and which kind a profile means. Knows no
 * kind's inside. */
#include "client/logsource.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/logfiles.h"
#include "core/mem.h"
#include "core/text.h"

static void destroy(struct logsource *src)
{
	scope_remove(&src->owner);
	scope_cancel(&src->scope);
	if (src->state)
		src->ops->close(src);
	free(src->state);
	free((void *)src->want.cursor);
	free((void *)src->want.filter);
	free(src);
}

static void owner_cancelled(struct scope_item *item)
{
	logsource_close(container_of(item, struct logsource, owner));
}

struct logsource *logsource_open(const struct logsource_ops *ops, void *param, struct loop *loop,
	struct scope *owner, const struct logsource_want *want,
	const struct logsource_events *events, struct err *err)
{
	struct logsource *src = xcalloc(1, sizeof(*src));

	src->ops = ops;
	src->loop = loop;
	src->want = *want;
	src->want.cursor = want->cursor ? xstrdup(want->cursor) : NULL;
	src->want.filter = want->filter ? xstrdup(want->filter) : NULL;
	src->events = *events;
	src->param = param;
	src->stats.oldest = src->stats.newest = TIME_NONE;
	src->stats.is_partial = want->cursor ? *want->cursor != '\0' : want->newest == 0;
	src->state = xcalloc(1, ops->state_size ? ops->state_size : 1);
	scope_init(&src->scope);
	if (!ops->open(src, err)) {
		destroy(src);
		return NULL;
	}
	scope_add(owner, &src->owner, owner_cancelled);
	return src;
}

void logsource_close(struct logsource *src)
{
	if (src == NULL || src->is_closing)
		return;
	src->is_closing = true;
	scope_remove(&src->owner);
	if (!src->is_delivering) /* else the delivery does it on its way out */
		destroy(src);
}

void logsource_poll(struct logsource *src)
{
	if (src->ops->poll)
		src->ops->poll(src);
}

void logsource_older(struct logsource *src, size_t lines)
{
	if (src->ops->older && lines > 0)
		src->ops->older(src, lines);
}

void logsource_pause(struct logsource *src, bool is_paused)
{
	if (src->is_paused == is_paused)
		return;
	src->is_paused = is_paused;
	if (src->ops->pause)
		src->ops->pause(src, is_paused);
	else if (!is_paused)
		logsource_poll(src);
}

static void count_events(struct logsource_stats *stats, const struct event *events, size_t count)
{
	struct event_facts facts;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct event *ev = &events[i];

		stats->lines++;
		stats->unparsed += ev->format == EVENT_TEXT;
		stats->by_level[ev->level]++;
		if (ev->time != TIME_NONE) {
			if (stats->oldest == TIME_NONE || ev->time < stats->oldest)
				stats->oldest = ev->time;
			if (stats->newest == TIME_NONE || ev->time > stats->newest)
				stats->newest = ev->time;
		}
		stats->security += slice_starts(ev->id, "security.");
		if (slice_is(ev->id, "auth.failed")) {
			event_facts(ev, &facts);
			stats->attempts += facts.kind == EVENT_ATTEMPT;
		}
	}
}

/* Leaves a callback: true when the source still lives. */
static bool leave(struct logsource *src)
{
	src->is_delivering = false;
	if (!src->is_closing)
		return true;
	destroy(src);
	return false;
}

bool logsource_is_spent(const struct logsource *src, const char *line, size_t len, size_t *spent)
{
	return src->want.budget && event_matters(line, len) && ++*spent >= src->want.budget;
}

bool logsource_deliver(struct logsource *src, const struct logbatch *batch)
{
	count_events(&src->stats, batch->events, batch->count);
	src->is_delivering = true;
	if (src->events.on_lines)
		src->events.on_lines(src, batch, src->events.arg);
	return leave(src);
}

bool logsource_set_state(struct logsource *src, enum logsource_state state, const char *text)
{
	if (text == NULL)
		text = "";
	if (src->state_now == state && strcmp(src->text, text) == 0)
		return true;
	src->state_now = state;
	text_safe_str(src->text, sizeof(src->text), text, strlen(text));
	src->is_delivering = true;
	if (src->events.on_state)
		src->events.on_state(src, state, src->text, src->events.arg);
	return leave(src);
}

/* ---- choosing ---- */

/* Where the server's own installer and the packages put logs; the last one is of 0.5 to 0.10. */
static const char *const usual_dirs[] = { "/opt/stalwart/logs", "/var/log/stalwart",
	"/opt/stalwart-mail/logs" };

static bool has_logs(const char *dir)
{
	struct logfiles family;
	char *newest = NULL;
	bool is_readable = false;

	if (access(dir, R_OK | X_OK) != 0 || !logfiles_init(&family, dir, NULL))
		return false;
	if (logfiles_scan(&family, NULL) && family.count > 0) {
		newest = logfiles_path(&family, &family.files[family.count - 1]);
		is_readable = access(newest, R_OK) == 0;
	}
	free(newest);
	logfiles_release(&family);
	return is_readable;
}

enum logsource_kind logsource_choose(const char *spec, char *path, size_t size)
{
	const char *root = getenv("STALWARDEN_ROOT"); /* put before every path, for tests */
	char dir[256];
	size_t i;

	path[0] = '\0';
	if (spec && strcmp(spec, "-") == 0)
		return LOGSOURCE_KIND_STDIN;
	if (spec && strcmp(spec, "api") == 0)
		return LOGSOURCE_KIND_API;
	if (spec && *spec && strcmp(spec, "auto") != 0) {
		snprintf(path, size, "%s", spec);
		return LOGSOURCE_KIND_FILE;
	}
	for (i = 0; i < ARRAY_LEN(usual_dirs); i++) {
		snprintf(dir, sizeof(dir), "%s%s", root ? root : "", usual_dirs[i]);
		if (has_logs(dir)) {
			snprintf(path, size, "%s", dir);
			return LOGSOURCE_KIND_FILE;
		}
	}
	return LOGSOURCE_KIND_API;
}

void logsource_key(enum logsource_kind kind, const char *path, char *out, size_t size)
{
	char *real;

	switch (kind) {
	case LOGSOURCE_KIND_API:
		snprintf(out, size, "api");
		break;
	case LOGSOURCE_KIND_STDIN:
		snprintf(out, size, "stdin");
		break;
	case LOGSOURCE_KIND_FILE:
		real = realpath(path, NULL);
		snprintf(out, size, "file:%s", real ? real : path);
		free(real);
		break;
	}
}
