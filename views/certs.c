/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The certificates panel: one row a name and endpoint: what is served, stored and on disk, who renews, what is wrong and its cure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "views/certs.h"

static void gather(struct view *v);

static void gathered(void *arg, struct certs_result *r)
{
	struct view *v = arg;
	struct certs_state *s = v->state;
	bool bad = false;

	s->job = NULL;
	view_changed(v); /* rows go away before what they point to */
	certs_result_release(&s->result);
	s->result = *r;
	r->all = NULL;
	r->table = NULL;
	for (size_t i = 0; i < s->result.table->count; i++)
		bad = bad || s->result.table->rows[i].level > CERT_LEVEL_OK;
	ui_set_badge(v->ui, v->ops, bad ? "!" : "", ROLE_WARN);
	view_changed(v);
	if (s->probe_next && !s->result.probed)
		gather(v);
}

static void gather(struct view *v)
{
	struct certs_state *s = v->state;
	struct certs_options o = { .files = true };

	if (s->job)
		return;
	o.stored = session_state(app_of(v)->session) == SESSION_READY &&
		server_has(session_server(app_of(v)->session), CAP(READ_CERTS));
	o.probe = o.log = s->probe_next;
	o.served = &s->result; /* what was seen stays until it is looked at again */
	err_clear(&s->err);
	s->job = certs_gather(app_of(v), &o, gathered, v, &s->err);
	if (o.probe)
		s->probe_next = false;
	view_redraw(v);
}

static void changed(void *arg, unsigned snaps)
{
	struct view *v = arg;

	if (snaps & SNAP(CERTS) || (snaps == 0 && session_state(app_of(v)->session) == SESSION_READY))
		gather(v);
}

static void open_view(struct view *v)
{
	struct certs_state *s = v->state;

	app_observe(app_of(v), &s->observer, &v->scope, changed, v);
	gather(v); /* what is at hand at once, and then what a client really gets */
	s->probe_next = true;
}

static void close_view(struct view *v)
{
	struct certs_state *s = v->state;

	certs_cancel(s->job);
	certs_result_release(&s->result);
}

static size_t count(const struct view *v)
{
	const struct certs_state *s = v->state;

	return s->result.table ? s->result.table->count : 0;
}

/* ---- acting ---- */

static void upload_given(void *arg, const char *text)
{
	struct console *c = arg;
	char *copy = text ? xstrdup(text) : NULL, *key = copy ? strchr(copy, ' ') : NULL;
	struct err err = ERR_INIT;

	if (key) {
		*key++ = '\0';
		flow_plan(c, plan_cert_upload(c->app, NULL, copy, key + strspn(key, " "), &err), &err);
	} else if (copy) {
		ui_message(c->ui, ROLE_ERROR, "two files are wanted: the certificate with its chain, and the key");
	}
	free(copy);
}

static bool act(struct view *v, enum action a, size_t row)
{
	struct certs_state *s = v->state;
	struct err err = ERR_INIT;

	switch (a) {
	case ACTION_PROBE:
		s->probe_next = true;
		ui_message(v->ui, ROLE_DIM, "asking the endpoints");
		gather(v);
		return true;
	case ACTION_RELOAD:
		s->probe_next = true; /* what is served afterwards is the proof */
		flow_plan(console_of(v), plan_reload(app_of(v), "certs", &err), &err);
		return true;
	case ACTION_RENEW:
		s->probe_next = true;
		if (row != ROW_NONE && certs_row(v, row)->name)
			flow_plan(console_of(v), plan_cert_renew(app_of(v), certs_row(v, row)->name, &err), &err);
		return true;
	case ACTION_UPLOAD:
	case ACTION_ADD:
		ui_prompt(v->ui,
			&(struct prompt_spec){ .label = "Upload: ",
				.hint = "CERTIFICATE-FILE KEY-FILE, checked before anything is sent",
				.history = "file",
				.done = upload_given,
				.arg = console_of(v) });
		return true;
	case ACTION_OPEN:
		ui_act(v->ui, ACTION_DETAILS, row);
		return true;
	default:
		return flow_common(console_of(v), a);
	}
}

static void status(const struct view *v, struct view_status *out)
{
	const struct certs_state *s = v->state;
	char age[64];

	if (s->job)
		snprintf(out->right, sizeof(out->right), "looking…");
	else if (s->result.probed)
		snprintf(out->right, sizeof(out->right), "probed %.60s ago",
			duration_words(clock_now() - s->result.probed_at, age, sizeof(age)));
	else
		snprintf(out->right, sizeof(out->right), "not probed");
	if (s->result.stored_err.code != ERR_NONE)
		snprintf(out->note, sizeof(out->note), "stored: %.140s", s->result.stored_err.msg);
	snprintf(out->empty, sizeof(out->empty), "%.300s", s->err.code != ERR_NONE ? s->err.msg : s->job ? "loading…" : "no certificate anywhere");
}

static const struct binding keys[] = {
	{ .keys = "<Enter>", .action = ACTION_OPEN, .label = "details" },
	{ .keys = "p", .action = ACTION_PROBE, .label = "probe", .hint = 8 },
	{ .keys = "R", .action = ACTION_RELOAD, .label = "reload", .hint = 7 },
	{ .keys = "e", .action = ACTION_RENEW, .label = "renew", .hint = 6 },
	{ .keys = "a", .action = ACTION_UPLOAD, .label = "upload", .hint = 4 },
	{ .keys = NULL },
};

const struct view_ops view_certs = {
	.name = "certs",
	.title = "Certs",
	.help = "Each name and endpoint: what a client really gets, what the server stores, what lies on disk, who renews, and what is wrong. p asks the endpoints.",
	.flags = VIEW_NO_MARKS,
	.state_size = sizeof(struct certs_state),
	.columns = certs_columns,
	.bindings = keys,
	.open = open_view,
	.refresh = gather,
	.close = close_view,
	.count = count,
	.row_id = certs_row_id,
	.cell = certs_cell,
	.sort_key = certs_sort_key,
	.detail = certs_detail,
	.status = status,
	.act = act,
};
