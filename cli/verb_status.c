/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `status`: the overview as text. */
#include <stdlib.h>
#include <string.h>

#include "app/alarms.h"
#include "cli/cli.h"
#include "core/text.h"

static void count_reasons(const struct entrylist *l, size_t by[REASON_COUNT])
{
	memset(by, 0, REASON_COUNT * sizeof(*by));
	for (size_t i = 0; l && i < l->count; i++)
		by[l->rows[i].reason]++;
}

static void thresholds_json(const struct thresholds *t, struct buf *out)
{
	char rate[64];

	buf_addc(out, '{');
	for (int i = 0; t && i < CLASS_COUNT; i++)
		if (t->of[i].supported) {
			json_key(out, class_name((enum ban_class)i));
			json_text(out, t->of[i].malformed ? t->of[i].raw : rate_format(&t->of[i], rate, sizeof(rate)));
		}
	buf_addc(out, '}');
}

static void print_json(struct cli *c, const struct alarms *alarms)
{
	static const struct out_field fields[] = { { "url", "", 0 }, { "dialect", "", 0 }, { "generation", "", 0 }, { "blocked", "", 0 }, { "allowed", "", 0 },
		{ "malformed", "", 0 }, { "by_reason", "", 0 }, { "thresholds", "", 0 }, { "alarms", "", 0 }, { NULL, NULL, 0 } };
	const struct snapshot *s = &c->app.snap;
	const struct entrylist *blocked = s->list[LIST_BLOCKED], *allowed = s->list[LIST_ALLOWED];
	struct buf reasons = BUF_INIT, thresholds = BUF_INIT, list = BUF_INIT;
	size_t by[REASON_COUNT];
	struct out o;

	count_reasons(blocked, by);
	buf_addc(&reasons, '{');
	for (int i = 0; i < REASON_COUNT; i++) {
		json_key(&reasons, i == REASON_NONE ? "unknown" : reason_text((enum reason)i));
		buf_addf(&reasons, "%zu", by[i]);
	}
	buf_addc(&reasons, '}');
	thresholds_json(s->thresholds, &thresholds);
	buf_addc(&list, '[');
	for (size_t i = 0; i < alarms->count; i++) {
		buf_adds(&list, i ? "," : "");
		buf_adds(&list, "{\"level\":");
		json_text(&list, alarms->rows[i].is_bad ? "critical" : "warning");
		buf_adds(&list, ",\"text\":");
		json_text(&list, alarms->rows[i].text);
		buf_adds(&list, ",\"cure\":");
		json_text(&list, alarms->rows[i].cure);
		buf_addc(&list, '}');
	}
	buf_addc(&list, ']');
	out_begin(&o, c->format, fields, true, c->ascii);
	out_row(&o);
	out_str(&o, c->app.profile.url);
	out_str(&o, session_server(c->app.session)->dialect);
	out_str(&o, server_generation(session_server(c->app.session)));
	blocked ? out_int(&o, (int64_t)blocked->count) : out_null(&o);
	allowed ? out_int(&o, (int64_t)allowed->count) : out_null(&o);
	blocked ? out_int(&o, (int64_t)blocked->malformed) : out_null(&o);
	out_raw(&o, buf_str(&reasons), buf_str(&reasons));
	out_raw(&o, buf_str(&thresholds), buf_str(&thresholds));
	out_raw(&o, buf_str(&list), buf_str(&list));
	out_end(&o);
	buf_release(&reasons);
	buf_release(&thresholds);
	buf_release(&list);
}

static void print_text(struct cli *c, const struct alarms *alarms)
{
	static const struct out_field fields[] = { { "what", "", 0 }, { "value", "", 0 }, { NULL, NULL, 0 } };
	const struct snapshot *s = &c->app.snap;
	const struct server_info *srv = session_server(c->app.session);
	size_t by[REASON_COUNT];
	char words[200];
	struct out o;

	out_begin(&o, OUT_TABLE, fields, false, c->ascii);
	for (size_t i = 0; i < alarms->count; i++) {
		out_row(&o);
		out_str(&o, alarms->rows[i].is_bad ? "ALARM" : "warning");
		out_strf(&o, "%s%s%s", alarms->rows[i].text, alarms->rows[i].cure[0] ? "  cure: " : "",
			alarms->rows[i].cure);
	}
	out_row(&o);
	out_str(&o, "server");
	out_strf(&o, "%s, %s (%s)", c->app.profile.url, srv->versions, srv->dialect);
	count_reasons(s->list[LIST_BLOCKED], by);
	out_row(&o);
	out_str(&o, "blocked");
	out_strf(&o, "%zu: %zu auth, %zu scan, %zu abuse, %zu loiter, %zu manual, %zu other or unknown",
		s->list[LIST_BLOCKED] ? s->list[LIST_BLOCKED]->count : 0, by[REASON_AUTH], by[REASON_SCAN],
		by[REASON_ABUSE], by[REASON_LOITER], by[REASON_MANUAL], by[REASON_OTHER] + by[REASON_NONE]);
	if (s->list[LIST_ALLOWED]) {
		out_row(&o);
		out_str(&o, "allowed");
		out_int(&o, (int64_t)s->list[LIST_ALLOWED]->count);
	}
	for (int i = 0; s->thresholds && i < CLASS_COUNT; i++) {
		const struct threshold *t = &s->thresholds->of[i];

		if (!t->supported)
			continue;
		out_row(&o);
		out_str(&o, class_name((enum ban_class)i));
		out_strf(&o, "%s (%s)", t->malformed ? t->raw : rate_words(t, (enum ban_class)i, words, sizeof(words)),
			t->stored ? "stored" : "default");
	}
	for (int i = 0; i < CAP_BIT_COUNT; i++)
		if (srv->caps[i] == CAP_NO_PERMISSION || srv->caps[i] == CAP_NO_READ_ONLY) {
			out_row(&o);
			out_str(&o, "missing");
			out_str(&o, server_lacks(srv, 1u << i));
		}
	out_end(&o);
}

static int run(struct cli *c)
{
	struct alarms alarms = { 0 };

	if (!cli_max_words(c, 0))
		return EXIT_USAGE;
	if (!cli_connect(c) ||
		!cli_need(c, SNAP(BLOCKED), SNAP(ALLOWED) | SNAP(THRESHOLDS) | SNAP(TRUST) | SNAP(CERTS)))
		return cli_exit_of_err(&c->err);
	alarms_find(&c->app, &alarms);
	if (c->format == OUT_TABLE)
		print_text(c, &alarms);
	else
		print_json(c, &alarms);
	alarms_release(&alarms);
	return EXIT_DONE;
}

const struct verb verb_status = {
	.name = "status",
	.synopsis = "status",
	.summary = "The overview as text: alarms with their cures, counts, thresholds, missing permissions.",
	.options = "",
	.words = "",
	.examples = "stalwarden status",
	.learns = true,
	.run = run,
};
