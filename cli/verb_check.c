/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `check`: one line and an exit code for monitoring: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/gateways.h"
#include "app/rescue.h"
#include "cli/certs.h"
#include "cli/cli.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

enum check_code { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };
static const char *const code_words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

#define FIGURES " | " /* what stands behind it is performance data to Nagios */

struct check_result {
	enum check_code code;
	char text[512];
	char figures[64]; /* performance data, as Nagios has it behind a bar; "" = none */
	bool is_absent; /* nothing to look at on this server: no alarm among the others */
	int64_t took;   /* ms the server took to be found */
};

static void result(struct check_result *r, enum check_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void result(struct check_result *r, enum check_code code, const char *fmt, ...)
{
	struct buf raw = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	r->code = code;
	text_safe_str(r->text, sizeof(r->text), buf_str(&raw), raw.len);
	buf_release(&raw);
}

/* ---- the checks ---- */

/* What another check asked for already is not asked for again: a server that is slow to refuse costs its time-out once. */
static bool need(struct cli *c, unsigned snaps, unsigned optional)
{
	const struct snapshot *s = &c->app.snap;
	unsigned missing = 0;

	for (int i = 0; i < SNAP_COUNT; i++)
		if ((snaps | optional) & 1u << i && s->asked[i] == INT64_MIN / 2)
			missing |= 1u << i;
	if (missing && !cli_need(c, 0, missing))
		return false;
	for (int i = 0; i < SNAP_COUNT; i++)
		if (snaps & 1u << i && s->err[i].code != ERR_NONE)
			return err_set(&c->err, s->err[i].code, "%s: %s", snap_words((enum snap)i), s->err[i].msg);
	return true;
}

static void check_gateway(struct cli *c, struct check_result *r)
{
	const struct gateway_finding *first = NULL; /* those that are banned come first */
	struct gateway_findings found;
	size_t alarms = 0;

	if (!need(c, SNAP(BLOCKED), SNAP(ALLOWED) | SNAP(THRESHOLDS) | SNAP(TRUST))) {
		result(r, CHECK_UNKNOWN, "%s", c->err.msg);
		return;
	}
	if (!cli_sync_again(c)) /* without the log there is still the list */
		err_clear(&c->err);
	gateways_find(&c->app, &found);
	for (size_t i = 0; i < found.count; i++) {
		if (found.items[i].score < GATEWAY_ALARM)
			continue; /* a hint */
		if (alarms++ == 0)
			first = &found.items[i];
	}
	if (!first)
		result(r, CHECK_OK, "no gateway or proxy is banned");
	else
		result(r, first->state == GATEWAY_BANNED ? CHECK_CRITICAL : CHECK_WARNING, "%s%s", first->words, alarms > 1 ? " (and more)" : "");
	gateway_findings_release(&found);
}

/* What could not be looked at, so that "none" is not taken for more than it is. */
static const char *unseen(const struct cli *c)
{
	const struct err *allowed = &c->app.snap.err[SNAP_BIT_ALLOWED], *trust = &c->app.snap.err[SNAP_BIT_TRUST];
	bool no_allowed = allowed->code != ERR_NONE && allowed->code != ERR_UNSUPPORTED, no_trust = trust->code != ERR_NONE && trust->code != ERR_UNSUPPORTED;

	return no_allowed && no_trust ? "; allowed entries and trusted proxies can't be read"
		: no_allowed          ? "; allowed entries can't be read"
		: no_trust            ? "; trusted proxies can't be read"
				      : "";
}

/* An entry that a guard would have refused is blocked. */
static void check_bans(struct cli *c, struct check_result *r)
{
	const struct entrylist *l;
	struct guard_facts facts;
	struct guard_hit hit;
	size_t bad = 0;
	char first[300] = "";

	if (!need(c, SNAP(BLOCKED), SNAP(ALLOWED) | SNAP(TRUST))) {
		result(r, CHECK_UNKNOWN, "%s", c->err.msg);
		return;
	}
	l = c->app.snap.list[LIST_BLOCKED];
	app_guard_facts(&c->app, &facts);
	for (size_t i = 0; i < l->count; i++) {
		struct net n;

		entry_net(&l->rows[i], &n);
		if (!n.family || entry_state(l, i, clock_now()) != ENTRY_ACTIVE || !guard_check_net(&n, &facts, &hit))
			continue;
		if (bad++ == 0)
			snprintf(first, sizeof(first), "%s", hit.reason);
	}
	if (bad)
		result(r, CHECK_CRITICAL, "%zu blocked entries should not be: %s", bad, first);
	else if (l->malformed)
		result(r, CHECK_WARNING, "%zu malformed entries %s: \"%.100s\"", l->malformed,
			server_has(session_server(c->app.session), CAP(CHECK_CONFIG)) ? "refuse every full reload" : "block nothing",
			entry_key(l, l->count - l->malformed));
	else if (rescue_is_pending(&c->app))
		result(r, CHECK_WARNING, "an un-block was interrupted, what it took along is not put back yet: any other call does that");
	else
		result(r, CHECK_OK, "%zu entries, none that a guard would have refused%s", l->count, unseen(c));
	guard_facts_release(&facts);
}

static void check_config(struct cli *c, struct check_result *r)
{
	const struct config_check *k;

	if (!server_has(session_server(c->app.session), CAP(CHECK_CONFIG))) {
		result(r, CHECK_UNKNOWN, "%s", server_lacks(session_server(c->app.session), CAP(CHECK_CONFIG)));
		r->is_absent = session_server(c->app.session)->caps[CAP_BIT_CHECK_CONFIG] == CAP_NO_GENERATION;
		return;
	}
	if (!need(c, SNAP(CHECK), 0)) {
		result(r, CHECK_UNKNOWN, "%s", c->err.msg);
		return;
	}
	k = c->app.snap.check;
	if (k->error_count)
		result(r, CHECK_CRITICAL, "a reload would be refused: %s: %s%s", k->errors[0].key, k->errors[0].text, k->error_count > 1 ? " (and more)" : "");
	else if (k->warning_count)
		result(r, CHECK_OK, "a reload would be taken, with %zu warnings: %s", k->warning_count, k->warnings[0].key);
	else
		result(r, CHECK_OK, "a reload would be taken");
}

static void check_certs(struct cli *c, struct check_result *r)
{
	struct certs_options o = { .stored = true, .files = true, .log = true, .probe = true };
	struct certs_result got;
	struct cert_check k;
	char *figures;

	if (!cli_option_duration(c, OPT_WARN, &o.warn_ms) || !cli_option_duration(c, OPT_CRIT, &o.crit_ms) || !cli_certs(c, &o, &got)) {
		result(r, CHECK_UNKNOWN, "%s", c->err.msg);
		return;
	}
	cert_check(got.table, &k);
	/* the line comes with its own "CERTS OK - ", and with the only bar there is */
	figures = strstr(k.line, FIGURES);
	if (figures) {
		snprintf(r->figures, sizeof(r->figures), "%s", figures + strlen(FIGURES));
		*figures = '\0';
	}
	result(r, (enum check_code)k.code, "%s", strstr(k.line, " - ") ? strstr(k.line, " - ") + 3 : k.line);
	certs_result_release(&got);
}

/* How long the server took to say what it is; the thresholds are about that. */
static void check_reach(struct cli *c, struct check_result *r)
{
	const struct server_info *s = session_server(c->app.session);
	int64_t warn = INT64_MAX, crit = INT64_MAX, took = r->took;
	bool timed = cli_has(c, OPT_WARN) || cli_has(c, OPT_CRIT);
	char ms[40] = "";

	if (!cli_option_duration(c, OPT_WARN, &warn) || !cli_option_duration(c, OPT_CRIT, &crit)) {
		result(r, CHECK_UNKNOWN, "%s", c->err.msg);
		return;
	}
	if (timed)
		snprintf(ms, sizeof(ms), " within %lld ms", (long long)took);
	result(r, took >= crit ? CHECK_CRITICAL : took >= warn ? CHECK_WARNING : CHECK_OK, "%s answers%s (%s, %s)", c->app.profile.url, ms, s->versions,
		s->dialect);
}

static const struct {
	const char *name;
	void (*run)(struct cli *, struct check_result *);
	bool has_thresholds;
} checks[] = { { "reach", check_reach, true }, { "gateway", check_gateway, false }, { "bans", check_bans, false }, { "config", check_config, false },
	{ "certs", check_certs, true } };

static void upper(char *out, size_t size, const char *s)
{
	size_t i = 0;

	for (; s[i] && i + 1 < size; i++)
		out[i] = (char)(s[i] - (s[i] >= 'a' && s[i] <= 'z' ? 32 : 0));
	out[i] = '\0';
}

/* WORST of all: CRITICAL over WARNING over UNKNOWN over OK. */
static int worse(int a, int b)
{
	static const int weight[] = { 0, 2, 3, 1 };

	return weight[b] > weight[a] ? b : a;
}

static const struct out_field fields[] = { { "check", "CHECK", 0 }, { "state", "STATE", 0 }, { "code", "CODE", OUT_RIGHT }, { "text", "TEXT", 0 },
	{ NULL, NULL, 0 } };

/* Nobody's words are performance data. */
static void print_line(const struct cli *c, const char *name, const struct check_result *r)
{
	static const char dash[] = "–"; /* of version ranges */
	struct buf plain = BUF_INIT, line = BUF_INIT;
	char title[32];

	upper(title, sizeof(title), name);
	for (const char *p = r->text; *p; p++) {
		bool is_dash = c->ascii && !strncmp(p, dash, sizeof(dash) - 1);

		buf_addc(&plain, is_dash ? '-' : *p == '|' ? '/' : *p);
		p += is_dash ? sizeof(dash) - 2 : 0;
	}
	buf_addf(&line, "%s %s - ", title, code_words[r->code]);
	text_safe(&line, buf_str(&plain), plain.len, c->ascii ? TEXT_ASCII : TEXT_LINE);
	if (r->figures[0])
		buf_addf(&line, FIGURES "%s", r->figures);
	puts(buf_str(&line));
	buf_release(&plain);
	buf_release(&line);
}

/* One line as monitoring wants it, or a row of a document. */
static void tell(struct cli *c, struct out *o, const char *name, const struct check_result *r)
{
	if (c->format == OUT_TABLE) {
		print_line(c, name, r);
		return;
	}
	out_row(o);
	out_str(o, name);
	out_str(o, code_words[r->code]);
	out_int(o, r->code);
	out_str(o, r->text);
}

static int tell_only(struct cli *c, const char *name, const struct check_result *r)
{
	struct out o;

	out_begin(&o, c->format, fields, false, c->ascii);
	tell(c, &o, name, r);
	err_clear(&c->err);
	return out_end(&o) ? CHECK_UNKNOWN : (int)r->code;
}

/* A plugin that was called wrongly knows nothing: exit 2 would be an alarm. */
static int refuse_check(struct cli *c)
{
	struct check_result r = { 0 };

	result(&r, CHECK_UNKNOWN, "%s", c->err.msg);
	return tell_only(c, "check", &r);
}

/* Unreachable is what `reach` is for; the others can't tell. Whoever was never asked, for want of a configuration or a password, is not
 * unreachable either. */
static int refuse_unconnected(struct cli *c, const char *what)
{
	bool says = !strcmp(what, "reach") || !strcmp(what, "all");
	enum session_state state = c->has_app && c->app.session ? session_state(c->app.session) : SESSION_IDLE;
	bool was_asked = state == SESSION_LOST || state == SESSION_REFUSED || state == SESSION_FOREIGN || c->err.code == ERR_NETWORK;
	struct check_result r = { 0 };

	result(&r, says && was_asked && c->err.code != ERR_USAGE ? CHECK_CRITICAL : CHECK_UNKNOWN, "%s", c->err.msg);
	return tell_only(c, what, &r);
}

static void add_words(char *text, size_t size, const char *name, const struct check_result *r)
{
	size_t len = strlen(text);

	snprintf(text + len, size - len, "%s%s %s: %.150s", len ? "; " : "", name, code_words[r->code], r->text);
}

static int run_all(struct cli *c, int64_t took)
{
	struct check_result whole = { 0 };
	char absent[200] = "";
	int code = CHECK_OK;
	struct out o;

	out_begin(&o, c->format, fields, false, c->ascii);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		struct check_result r = { .took = took };

		checks[i].run(c, &r);
		err_clear(&c->err);
		if (c->format != OUT_TABLE)
			tell(c, &o, checks[i].name, &r);
		if (r.is_absent) {
			snprintf(absent, sizeof(absent), "; no %s: %.150s", checks[i].name, r.text);
			continue;
		}
		code = worse(code, (int)r.code);
		if (r.code != CHECK_OK)
			add_words(whole.text, sizeof(whole.text), checks[i].name, &r);
	}
	if (!whole.text[0])
		snprintf(whole.text, sizeof(whole.text), "%s", absent[0] ? "reach, gateway, bans and certs are fine" : "reach, gateway, bans, config and certs are fine");
	if (c->format == OUT_TABLE) {
		snprintf(whole.text + strlen(whole.text), sizeof(whole.text) - strlen(whole.text), "%s", absent);
		whole.code = (enum check_code)code;
		print_line(c, "all", &whole);
	}
	return out_end(&o) ? CHECK_UNKNOWN : code;
}

static int find_check(const char *what)
{
	for (size_t i = 0; what && i < ARRAY_LEN(checks); i++)
		if (!strcmp(what, checks[i].name))
			return (int)i;
	return -1;
}

static int run_check(struct cli *c)
{
	const char *what = cli_word(c, 0);
	bool all = what && !strcmp(what, "all");
	int which = find_check(what);
	struct check_result r = { 0 };
	int64_t begun;

	if ((!all && which < 0) || !cli_max_words(c, 1)) {
		err_clear(&c->err);
		err_set(&c->err, ERR_USAGE, "check wants gateway, bans, certs, reach, config or all");
		return refuse_check(c);
	}
	if (!all && !checks[which].has_thresholds && (cli_has(c, OPT_WARN) || cli_has(c, OPT_CRIT))) {
		err_set(&c->err, ERR_USAGE, "check %s has no thresholds: --warn and --crit are for certs, reach and all", what);
		return refuse_check(c);
	}
	begun = clock_mono();
	if (!cli_connect(c))
		return refuse_unconnected(c, what);
	r.took = clock_mono() - begun;
	if (all)
		return run_all(c, r.took);
	checks[which].run(c, &r);
	return tell_only(c, what, &r);
}

const struct verb verb_check = {
	.name = "check",
	.synopsis = "check gateway|bans|certs|reach|config|all [--warn DUR] [--crit DUR] [--endpoint E]… [--file GLOB]…",
	.summary = "One line and an exit code for monitoring: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
	.options = "warn crit endpoint file",
	.words = "gateway bans certs reach config all",
	.examples = "stalwarden check reach\nstalwarden check config\nstalwarden check bans -o json",
	.changes_nothing = true,
	.run = run_check,
	.refuse = refuse_check,
};
