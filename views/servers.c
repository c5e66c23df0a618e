/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The servers panel: the profiles of the configuration, which one is shown, and what it can do. Enter goes to another. */
#include <string.h>

#include "views/views.h"

struct servers_state {
	struct observer observer;
};

enum server_column { COL_SIGN, COL_NAME, COL_URL, COL_DIALECT, COL_MODE };

/* Row 0 is the one in use when it is in no configuration. */
static bool has_extra(const struct view *v)
{
	return config_profile(&app_of(v)->config, app_of(v)->profile.name) == NULL;
}

static const struct profile *profile_at(const struct view *v, size_t row)
{
	bool extra = has_extra(v);

	return extra && row == 0 ? &app_of(v)->profile : &app_of(v)->config.profiles[row - extra];
}

static bool is_current(const struct view *v, size_t row)
{
	return !strcmp(profile_at(v, row)->name, app_of(v)->profile.name);
}

static size_t count(const struct view *v)
{
	return app_of(v)->config.profile_count + has_extra(v);
}

static uint64_t row_id(const struct view *v, size_t row)
{
	(void)v;
	return row + 1;
}

static void cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct profile *p = profile_at(v, row);
	const struct server_info *s = session_server(app_of(v)->session);
	bool current = is_current(v, row);

	switch ((enum server_column)col) {
	case COL_SIGN:
		cell_set(out, ROLE_GOOD, "%s", current ? ui_glyphs(v->ui)->active : "");
		break;
	case COL_NAME:
		cell_ref(out, current ? ROLE_STRONG : ROLE_NORMAL, p->name);
		break;
	case COL_URL:
		cell_ref(out, ROLE_VALUE, p->url ? p->url : "this host's loopback");
		break;
	case COL_DIALECT:
		if (current && s->versions[0])
			cell_set(out, ROLE_NORMAL, "%s (%s)", s->versions, s->dialect);
		else
			cell_ref(out, ROLE_DIM, p->dialect ? p->dialect : "auto");
		break;
	case COL_MODE:
		cell_set(out, p->read_only ? ROLE_WARN : ROLE_DIM, p->read_only ? "read-only" : "");
		break;
	}
}

static void detail(const struct view *v, size_t row, struct page *p, int width)
{
	const struct server_info *s = session_server(app_of(v)->session);

	(void)width;
	if (!is_current(v, row))
		return;
	for (int i = 0; i < CAP_BIT_COUNT; i++) {
		const char *why = server_lacks(s, 1u << i);

		page_line(p);
		page_add(p, why ? ROLE_DIM : ROLE_GOOD, "  %s ", why ? p->glyphs->dash : p->glyphs->good);
		page_add(p, ROLE_NORMAL, "%s", cap_words((enum cap_bit)i));
		if (why)
			page_add(p, ROLE_DIM, ": %s", why);
		else if (s->caps[i] == CAP_UNTESTED)
			page_add(p, ROLE_DIM, " (not tried yet)");
	}
}

static bool act(struct view *v, enum action a, size_t row)
{
	struct err err = ERR_INIT;

	if (a != ACTION_OPEN || row == ROW_NONE)
		return flow_common(console_of(v), a);
	if (is_current(v, row))
		ui_act(v->ui, ACTION_DETAILS, row);
	else if (!console_switch(console_of(v), profile_at(v, row)->name, &err))
		ui_message(v->ui, ROLE_ERROR, "%s", err.msg);
	return true;
}

static void changed(void *arg, unsigned snaps)
{
	(void)snaps;
	view_changed(arg);
}

static void open_view(struct view *v)
{
	struct servers_state *s = v->state;

	app_observe(app_of(v), &s->observer, &v->scope, changed, v);
	view_changed(v);
}

static const struct column columns[] = {
	{ .name = "current", .title = "", .min = 1, .max = 1 },
	{ .name = "name", .title = "PROFILE", .min = 8, .max = 20 },
	{ .name = "url", .title = "URL", .min = 16, .max = 48 },
	{ .name = "dialect", .title = "SPEAKS", .min = 8, .max = 30, .priority = 2 },
	{ .name = "mode", .title = "", .min = 4, .max = 10, .priority = 1 },
	{ .name = NULL },
};

const struct view_ops view_servers = {
	.name = "servers",
	.title = "Servers",
	.brief = "Srv",
	.help = "The profiles of stalwarden.conf. Enter goes to another server; on the current one it lists what the credentials may do.",
	.flags = VIEW_NO_MARKS | VIEW_KEEP,
	.state_size = sizeof(struct servers_state),
	.columns = columns,
	.open = open_view,
	.count = count,
	.row_id = row_id,
	.cell = cell,
	.act = act,
	.detail = detail,
};
