/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the console makes of the server it finds: what these credentials may do is asked once, and a server that has become another one
 * is said and read anew. Knows capabilities, never a dialect. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/views.h"

static void rights_known(void *arg, struct fetch_reply *reply)
{
	(void)arg, (void)reply; /* the session has told everybody who observes it */
}

/* Where nothing says yet whether a change would be allowed: asking is cheaper than a question that ends in a refusal. */
static void ask_rights(struct console *c, const struct server_info *s)
{
	struct fetch f = { .kind = FETCH_PERMISSIONS };

	if (c->asked_rights || s->caps[CAP_BIT_WRITE_BLOCKED] != CAP_UNTESTED)
		return;
	c->asked_rights = true;
	session_fetch(c->app->session, &f, &c->app->scope, rights_known, NULL);
}

/* All that was read before is of the former server. */
static void read_anew(struct console *c)
{
	unsigned seen = 0;

	for (int i = 0; i < SNAP_COUNT; i++)
		if (c->app->snap.fetched[i] != TIME_NONE)
			seen |= 1u << i;
	app_refresh(c->app, seen, 0);
}

void server_watch(struct console *c)
{
	const struct server_info *s = session_server(c->app->session);
	char was[sizeof(c->server_versions)];

	if (session_state(c->app->session) != SESSION_READY) {
		c->asked_rights = false;
		return;
	}
	ask_rights(c, s);
	if (!strcmp(c->server_versions, s->versions))
		return;
	memcpy(was, c->server_versions, sizeof(was));
	snprintf(c->server_versions, sizeof(c->server_versions), "%s", s->versions);
	if (!was[0])
		return;
	ui_message(c->ui, ROLE_WARN, "this server was %s, is %s now: everything is read again", was, s->versions);
	read_anew(c);
}

/* ---- which changes these credentials and this generation allow ---- */

#define ANYWHERE NULL

static const struct {
	const struct view_ops *view;
	enum action action;
	unsigned caps;
} rights[] = {
	{ &view_blocked, ACTION_ADD, CAP(WRITE_BLOCKED) },
	{ &view_blocked, ACTION_REMOVE, CAP(WRITE_BLOCKED) },
	{ &view_blocked, ACTION_EDIT, CAP(WRITE_BLOCKED) },
	{ &view_allowed, ACTION_ADD, CAP(WRITE_ALLOWED) },
	{ &view_allowed, ACTION_REMOVE, CAP(WRITE_ALLOWED) },
	{ &view_allowed, ACTION_EDIT, CAP(WRITE_ALLOWED) },
	{ &view_thresholds, ACTION_ADD, CAP(WRITE_THRESHOLDS) },
	{ &view_thresholds, ACTION_REMOVE, CAP(WRITE_THRESHOLDS) },
	{ &view_thresholds, ACTION_EDIT, CAP(WRITE_THRESHOLDS) },
	{ &view_thresholds, ACTION_DEFAULT, CAP(WRITE_THRESHOLDS) },
	{ &view_thresholds, ACTION_OFF, CAP(WRITE_THRESHOLDS) },
	{ &view_why, ACTION_REMOVE, CAP(WRITE_BLOCKED) },
	{ &view_why, ACTION_ADD, CAP(WRITE_BLOCKED) },
	{ &view_why, ACTION_FIX, CAP(WRITE_BLOCKED) },
	{ ANYWHERE, ACTION_BLOCK, CAP(WRITE_BLOCKED) },
	{ ANYWHERE, ACTION_ALLOW, CAP(WRITE_ALLOWED) },
	{ ANYWHERE, ACTION_RESET_COUNTERS, CAP(RESET_COUNTERS) },
	{ ANYWHERE, ACTION_RELOAD, CAP(RELOAD) },
	{ ANYWHERE, ACTION_UPLOAD, CAP(UPLOAD_CERT) },
};

bool server_permits(const struct console *c, const struct view *v, enum action a, char *why, size_t size)
{
	const struct server_info *s = session_server(c->app->session);

	if (a == ACTION_COMMAND && server_looks_only(c)) {
		snprintf(why, size, "look only: these credentials can't change anything");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
		int bit = 0;

		if (rights[i].action != a || (rights[i].view != ANYWHERE && rights[i].view != v->ops) ||
			server_has(s, rights[i].caps))
			continue;
		while (!(rights[i].caps & 1u << bit))
			bit++;
		snprintf(why, size, "can't %s: %s", cap_words((enum cap_bit)bit), server_lacks(s, rights[i].caps));
		return false;
	}
	return true;
}

bool server_looks_only(const struct console *c)
{
	static const enum cap_bit writes[] = { CAP_BIT_WRITE_BLOCKED, CAP_BIT_WRITE_ALLOWED, CAP_BIT_WRITE_THRESHOLDS };
	const struct server_info *s = session_server(c->app->session);
	size_t refused = 0, possible = 0;

	for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
		possible += s->caps[writes[i]] != CAP_NO_GENERATION;
		refused += s->caps[writes[i]] == CAP_NO_PERMISSION;
	}
	return possible > 0 && refused == possible;
}

bool server_may_try(const struct console *c, const struct plan *p, struct err *err)
{
	const struct server_info *s = session_server(c->app->session);

	for (size_t i = 0; i < p->change->count; i++)
		for (int bit = 0; bit < CAP_BIT_COUNT; bit++)
			if (edit_needs(p->change->edits[i].kind) & 1u << bit && s->caps[bit] == CAP_YES)
				return true;
	return !server_looks_only(c) ||
		err_set(err, ERR_PERMISSION,
			"look only: these credentials may change nothing here, and were not tried at this; its verb does");
}
