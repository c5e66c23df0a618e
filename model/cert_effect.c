/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Did a reload of certificates take effect? Judged by what clients get, before and after. */
#include <stdio.h>
#include <string.h>

#include "model/cert_join.h"

/* What a reload by the mail server is the cure of. */
static bool wants_reload(const struct cert_row *r)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];

		if (f->action == CERT_ACTION_RELOAD &&
			(f->kind == FINDING_STALE_SERVED || f->kind == FINDING_FILE_NOT_LOADED))
			return true;
	}
	return false;
}

static const struct cert_row *same_row(const struct certtable *t, const struct cert_row *r)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].endpoint && !strcmp(t->rows[i].endpoint, r->endpoint) &&
			!strcmp(t->rows[i].name, r->name))
			return &t->rows[i];
	return NULL;
}

static bool presents(const struct cert_row *r)
{
	return r && r->served && cert_has_data(r->served);
}

static void compare(struct cert_effect *out, const struct cert_row *was, const struct cert_row *is)
{
	if (presents(was) && presents(is)) {
		out->compared++;
		out->changed += !cert_same(was->served, is->served);
	}
	if (wants_reload(is))
		out->still++;
	else if (was && wants_reload(was) && presents(is))
		out->cured++;
}

void cert_effect(
	const struct certtable *before, const struct certtable *after, struct cert_effect *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < after->count; i++)
		if (after->rows[i].endpoint)
			compare(out, same_row(before, &after->rows[i]), &after->rows[i]);
	if (out->still)
		snprintf(out->line, sizeof(out->line),
			"%zu of the %zu endpoints that the reload should change do not serve the "
			"stored certificate",
			out->still, out->still + out->cured);
	else if (out->changed)
		snprintf(out->line, sizeof(out->line),
			"%zu of %zu endpoints serve another certificate now", out->changed,
			out->compared);
	else if (out->compared)
		snprintf(out->line, sizeof(out->line),
			"all %zu endpoints serve what they served before; none was to change",
			out->compared);
	else
		snprintf(out->line, sizeof(out->line), "no endpoint could be compared");
}
