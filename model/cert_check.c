/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The joined table in one line and one exit code, for monitoring. */
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"
#include "model/cert_join.h"

#define NAMED         3 /* rows spelled out; the rest is counted */
#define CHECK_UNKNOWN 3

static void name_row(struct buf *b, const struct cert_row *r)
{
	char port[8] = "";

	if (r->port)
		snprintf(port, sizeof(port), ":%u", r->port);
	buf_addf(b, "%s%s %s", r->name, port, r->finding_count ? r->findings[0].text : "");
}

static const char *word_of(int code)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

	return words[code];
}

static void add_faults(struct buf *b, const struct certtable *t, const struct cert_check *c)
{
	size_t bad = c->warnings + c->criticals, named = bad < NAMED ? bad : NAMED;

	for (size_t i = 0; i < named; i++) {
		buf_adds(b, i ? "; " : "");
		name_row(b, &t->rows[i]); /* worst first */
	}
	if (bad > named)
		buf_addf(b, "; and %zu more", bad - named);
}

void cert_check(const struct certtable *t, struct cert_check *out)
{
	struct buf b = BUF_INIT;
	const struct cert_row *next = NULL;
	char perf[64] = "";

	memset(out, 0, sizeof(*out));
	out->min_days = INT64_MIN;
	out->rows = t->count;
	for (size_t i = 0; i < t->count; i++) {
		const struct cert_row *r = &t->rows[i];

		out->warnings += r->level == CERT_LEVEL_WARNING;
		out->criticals += r->level == CERT_LEVEL_CRITICAL;
		if ((int)r->level > out->code)
			out->code = (int)r->level;
		if (r->days_left != INT64_MIN && (!next || r->days_left < next->days_left))
			next = r;
	}
	if (next) {
		out->min_days = next->days_left;
		snprintf(perf, sizeof(perf), " | min_days=%lld", (long long)next->days_left);
	}
	if (!next && out->code == CERT_LEVEL_OK)
		out->code = CHECK_UNKNOWN; /* everything was silent: that proves nothing */
	buf_addf(&b, "CERTS %s - ", word_of(out->code));
	if (out->code == CHECK_UNKNOWN)
		buf_adds(&b, "no certificate could be looked at");
	else if (out->code == CERT_LEVEL_OK)
		buf_addf(&b, "%zu rows, the first to expire is %s in %lld days", t->count,
			next->name, (long long)next->days_left);
	else
		add_faults(&b, t, out);
	/* the measured value must survive when the line is cut */
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] == '|')
			b.data[i] = '/'; /* a bar begins the measured values */
	text_safe_str(out->line, sizeof(out->line) - strlen(perf), buf_str(&b), b.len);
	snprintf(out->line + strlen(out->line), sizeof(out->line) - strlen(out->line), "%s", perf);
	buf_release(&b);
}
