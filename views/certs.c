/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The certificates panel: one row a name and endpoint: what is served, stored and on disk, who renews, what is wrong and its cure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/certs.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "views/views.h"

enum cert_column { COL_SIGN, COL_NAME, COL_ENDPOINT, COL_DAYS, COL_SERVED, COL_STORED, COL_FILE, COL_RENEWED, COL_FINDING };

struct certs_state {
	struct observer observer;
	struct certs_job *job;
	struct certs_result result;
	bool probe_next;  /* the next gathering asks the endpoints, too */
	struct err err;
};

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
	o.stored = session_state(app_of(v)->session) == SESSION_READY && server_has(session_server(app_of(v)->session), CAP(READ_CERTS));
	o.probe = o.log = s->probe_next;
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

	s->probe_next = false;
	app_observe(app_of(v), &s->observer, &v->scope, changed, v);
	gather(v);
}

static void close_view(struct view *v)
{
	struct certs_state *s = v->state;

	certs_cancel(s->job);
	certs_result_release(&s->result);
}

/* ---- rows ---- */

static const struct cert_row *row_of(const struct view *v, size_t row)
{
	return &((const struct certs_state *)v->state)->result.table->rows[row];
}

static size_t count(const struct view *v)
{
	const struct certs_state *s = v->state;

	return s->result.table ? s->result.table->count : 0;
}

static uint64_t row_id(const struct view *v, size_t row)
{
	const struct cert_row *r = row_of(v, row);
	uint64_t h = 1469598103934665603ull ^ r->port;

	for (const char *p = r->name ? r->name : ""; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ull;
	for (const char *p = r->endpoint ? r->endpoint : ""; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ull;
	return h;
}

static enum role level_role(enum cert_level l)
{
	return l == CERT_LEVEL_CRITICAL ? ROLE_BAD : l == CERT_LEVEL_WARNING ? ROLE_WARN : ROLE_GOOD;
}

static void print_cell(const struct view *v, const struct cert *c, bool same, struct cell *out)
{
	char sha[16];

	if (!c)
		cell_set(out, ROLE_DIM, "%s", ui_glyphs(v->ui)->dash);
	else if (c->has_sha256)
		cell_set(out, same ? ROLE_GOOD : ROLE_NORMAL, "%s", cert_sha256_short(c, sha, sizeof(sha)));
	else
		cell_set(out, ROLE_DIM, cert_has_data(c) ? "yes" : c->refused ? "closed" : "?");
}

static void cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct cert_row *r = row_of(v, row);
	const struct glyphs *g = ui_glyphs(v->ui);

	switch ((enum cert_column)col) {
	case COL_SIGN:
		cell_set(out, level_role(r->level), "%s", r->level == CERT_LEVEL_OK ? g->good : r->level == CERT_LEVEL_WARNING ? g->warn : g->bad);
		break;
	case COL_NAME:
		cell_ref(out, ROLE_VALUE, r->name ? r->name : "");
		break;
	case COL_ENDPOINT:
		if (r->port)
			cell_set(out, ROLE_NORMAL, ":%u", r->port);
		else
			cell_set(out, ROLE_DIM, "%s", g->dash);
		break;
	case COL_DAYS:
		if (r->days_left == INT64_MIN)
			cell_set(out, ROLE_DIM, "%s", g->dash);
		else
			cell_set(out, r->days_left < 7 ? ROLE_BAD : r->days_left < 21 ? ROLE_WARN : ROLE_NORMAL, "%lld", (long long)r->days_left);
		break;
	case COL_SERVED:
		print_cell(v, r->served, r->served_is_stored, out);
		break;
	case COL_STORED:
		print_cell(v, r->stored, r->served_is_stored, out);
		break;
	case COL_FILE:
		print_cell(v, r->file, r->served_is_file, out);
		break;
	case COL_RENEWED:
		cell_ref(out, ROLE_NORMAL, renewer_name(r->renewed_by));
		break;
	case COL_FINDING:
		cell_ref(out, r->finding_count ? level_role(r->findings[0].level) : ROLE_DIM, r->finding_count ? r->findings[0].text : "");
		break;
	}
}

static void sort_key(const struct view *v, size_t row, int col, struct sort_key *out)
{
	const struct cert_row *r = row_of(v, row);

	switch ((enum cert_column)col) {
	case COL_SIGN:
		out->num = -(int64_t)r->level;
		break;
	case COL_NAME:
		out->text = r->name ? r->name : "";
		break;
	case COL_ENDPOINT:
		out->num = r->port;
		break;
	case COL_DAYS:
		out->num = r->days_left;
		break;
	case COL_RENEWED:
		out->num = r->renewed_by;
		break;
	case COL_SERVED:
	case COL_STORED:
	case COL_FILE:
	case COL_FINDING:
		out->num = (int64_t)row;
		break;
	}
}

static void one_cert(struct page *p, const char *label, const struct cert *c, int width)
{
	char stamp[TIME_BUF];

	if (!c)
		return;
	page_heading(p, width, label, NULL);
	if (c->error)
		page_text(p, ROLE_WARN, 2, width, c->error);
	if (!cert_has_data(c))
		return;
	page_pair(p, 12, "Subject", ROLE_VALUE, "%s", c->subject ? c->subject : "");
	page_pair(p, 12, "Issuer", ROLE_NORMAL, "%s", c->issuer ? c->issuer : "");
	for (size_t i = 0; i < c->san_count && i < 12; i++)
		page_pair(p, 12, i ? "" : "Names", ROLE_NORMAL, "%s", c->sans[i]);
	page_pair(p, 12, "From", ROLE_NORMAL, "%s", time_format(c->not_before, stamp, sizeof(stamp)));
	page_pair(p, 12, "Until", ROLE_NORMAL, "%s", time_format(c->not_after, stamp, sizeof(stamp)));
	if (c->key_type[0])
		page_pair(p, 12, "Key", ROLE_NORMAL, "%s %u bits", c->key_type, c->key_bits);
	if (c->verify)
		page_pair(p, 12, "Verified", ROLE_NORMAL, "%s; chain %s", c->verify, chain_words(c->chain));
	if (c->tls_version[0])
		page_pair(p, 12, "TLS", ROLE_NORMAL, "%s, OCSP %s", c->tls_version, ocsp_words(c->ocsp));
	if (c->path)
		page_pair(p, 12, "File", ROLE_NORMAL, "%s", c->path);
}

static void detail(const struct view *v, size_t row, struct page *p, int width)
{
	const struct cert_row *r = row_of(v, row);
	char words[300];

	for (size_t i = 0; i < r->finding_count; i++) {
		page_text(p, level_role(r->findings[i].level), 0, width, r->findings[i].text);
		if (r->findings[i].cure[0])
			page_text(p, ROLE_NORMAL, 2, width, r->findings[i].cure);
	}
	if (r->renewal && renewal_describe(r->renewal, clock_now(), words, sizeof(words))[0])
		page_pair(p, 12, "Renewal", ROLE_NORMAL, "%s", words);
	one_cert(p, "Served", r->served, width);
	one_cert(p, "Stored", r->stored, width);
	one_cert(p, "On disk", r->file, width);
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
		if (row != ROW_NONE && row_of(v, row)->name)
			flow_plan(console_of(v), plan_cert_renew(app_of(v), row_of(v, row)->name, &err), &err);
		return true;
	case ACTION_UPLOAD:
	case ACTION_ADD:
		ui_prompt(v->ui,
			&(struct prompt_spec){ .label = "Upload: ", .hint = "CERTIFICATE-FILE KEY-FILE, checked before anything is sent", .history = "file",
				.done = upload_given, .arg = console_of(v) });
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
		snprintf(out->right, sizeof(out->right), "probed %.60s ago", duration_words(clock_now() - s->result.probed_at, age, sizeof(age)));
	else
		snprintf(out->right, sizeof(out->right), "not probed");
	if (s->result.stored_err.code != ERR_NONE)
		snprintf(out->note, sizeof(out->note), "stored: %.140s", s->result.stored_err.msg);
	snprintf(out->empty, sizeof(out->empty), "%.300s", s->err.code != ERR_NONE ? s->err.msg : s->job ? "loading…" : "no certificate anywhere");
}

static const struct column columns[] = {
	{ .name = "state", .title = "", .min = 1, .max = 1 },
	{ .name = "name", .title = "NAME", .min = 16, .max = 34 },
	{ .name = "endpoint", .title = "PORT", .min = 5, .max = 6 },
	{ .name = "days", .title = "DAYS", .min = 4, .max = 6, .right = true },
	{ .name = "served", .title = "SERVED", .min = 6, .max = 7, .priority = 3 },
	{ .name = "stored", .title = "STORED", .min = 6, .max = 7, .priority = 4 },
	{ .name = "file", .title = "FILE", .min = 6, .max = 7, .priority = 5 },
	{ .name = "renewed", .title = "RENEWED BY", .min = 8, .max = 12, .priority = 2 },
	{ .name = "finding", .title = "FINDING", .min = 12, .max = 0, .priority = 1 },
	{ .name = NULL },
};

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
	.columns = columns,
	.bindings = keys,
	.open = open_view,
	.refresh = gather,
	.close = close_view,
	.count = count,
	.row_id = row_id,
	.cell = cell,
	.sort_key = sort_key,
	.detail = detail,
	.status = status,
	.act = act,
};
