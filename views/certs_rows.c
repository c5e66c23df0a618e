/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of the certificates panel: its cells and what it sorts by. Acts on nothing. */
#include "views/certs.h"

enum cert_column { COL_SIGN, COL_NAME, COL_ENDPOINT, COL_DAYS, COL_SERVED, COL_STORED, COL_FILE, COL_RENEWED, COL_FINDING };

uint64_t certs_row_id(const struct view *v, size_t row)
{
	const struct cert_row *r = certs_row(v, row);
	uint64_t h = 1469598103934665603ull ^ r->port;

	for (const char *p = r->name ? r->name : ""; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ull;
	for (const char *p = r->endpoint ? r->endpoint : ""; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ull;
	return h;
}

enum role certs_role(enum cert_level l)
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

void certs_cell(const struct view *v, size_t row, int col, struct cell *out)
{
	const struct cert_row *r = certs_row(v, row);
	const struct glyphs *g = ui_glyphs(v->ui);

	switch ((enum cert_column)col) {
	case COL_SIGN:
		if (r->level == CERT_LEVEL_OK && r->days_left == INT64_MIN) /* no certificate was seen: nothing is proven good */
			cell_set(out, ROLE_DIM, "%s", g->dash);
		else
			cell_set(out, certs_role(r->level), "%s", r->level == CERT_LEVEL_OK ? g->good : r->level == CERT_LEVEL_WARNING ? g->warn : g->bad);
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
		cell_ref(out, r->finding_count ? certs_role(r->findings[0].level) : ROLE_DIM,
			r->finding_count ? r->findings[0].text : "");
		break;
	}
}

void certs_sort_key(const struct view *v, size_t row, int col, struct sort_key *out)
{
	const struct cert_row *r = certs_row(v, row);

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

const struct column certs_columns[] = {
	{ .name = "state", .title = "", .min = 1, .max = 1 },
	{ .name = "name", .title = "NAME", .min = 16, .max = 34 },
	{ .name = "endpoint", .title = "PORT", .min = 5, .max = 6 },
	{ .name = "days", .title = "DAYS", .min = 4, .max = 6, .right = true },
	{ .name = "served", .title = "SERVED", .min = 6, .max = 7, .priority = 3 },
	{ .name = "stored", .title = "STORED", .min = 6, .max = 7, .priority = 4 },
	{ .name = "file", .title = "FILE", .min = 6, .max = 7, .priority = 5 },
	{ .name = "renewed", .title = "RENEWED BY", .min = 8, .max = 12, .priority = 2 },
	{ .name = "finding", .title = "FINDING", .min = 28, .max = 0, .priority = 1 },
	{ .name = NULL },
};
