/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `certs`: stored, served and on-disk certificates as one list; renew, reload, upload. */
#include <stdlib.h>
#include <string.h>

#include "app/certs.h"
#include "cli/certs.h"
#include "cli/cli.h"
#include "core/clock.h"
#include "core/mem.h"

static const struct out_field fields[] = { { "source", "SOURCE", 0 }, { "name", "NAME", 0 }, { "endpoint", "ENDPOINT", 0 },
	{ "subject", "SUBJECT", OUT_HIDDEN }, { "issuer", "ISSUER", OUT_HIDDEN }, { "sans", "SANS", OUT_HIDDEN }, { "not_before", "FROM", OUT_HIDDEN },
	{ "not_after", "UNTIL", 0 }, { "days_left", "DAYS", OUT_RIGHT }, { "sha256", "SHA256", OUT_HIDDEN }, { "status", "STATUS", 0 },
	{ "renewed_by", "RENEWED BY", 0 }, { "renewal", "RENEWAL", OUT_HIDDEN }, { "id", "ID", OUT_HIDDEN }, { "path", "PATH", OUT_HIDDEN }, { "key_type", "KEY", OUT_HIDDEN },
	{ "tls_version", "TLS", OUT_HIDDEN }, { "verify", "VERIFY", OUT_HIDDEN }, { "error", "ERROR", OUT_HIDDEN }, { "finding", "FINDING", 0 },
	{ "cure", "CURE", 0 }, { NULL, NULL, 0 } };

static void days(struct out *o, int64_t left)
{
	if (left == INT64_MIN)
		out_null(o);
	else
		out_int(o, left);
}

static void print_item(struct out *o, const struct certtable *t, const struct cert_item *it, int64_t now)
{
	const struct cert_row *row = &t->rows[it->row];
	const struct cert *c = it->cert;
	/* a default endpoint where nobody listens is told in the row of its name, whose findings are not about it */
	bool own = row->finding_count && (!c || c->source != CERT_SERVED || row->served == c);
	char sha[72], words[400];

	out_row(o);
	out_str(o, cert_source_name(it->source));
	out_str(o, it->name);
	out_str(o, c ? c->endpoint : NULL);
	out_str(o, c ? c->subject : NULL);
	out_str(o, c ? c->issuer : NULL);
	out_list(o, c ? (const char *const *)c->sans : NULL, c ? c->san_count : 0);
	out_time(o, c ? c->not_before : TIME_NONE);
	out_time(o, c ? c->not_after : TIME_NONE);
	days(o, c ? cert_days_left(c, now) : INT64_MIN);
	out_str(o, c && c->has_sha256 ? cert_sha256_text(c, sha, sizeof(sha)) : NULL);
	out_str(o, cert_status_name(it->status));
	out_str(o, renewer_name(it->renewed_by));
	out_str(o, row->renewal && renewal_describe(row->renewal, now, words, sizeof(words))[0] ? words : NULL);
	out_str(o, c ? c->id : NULL);
	out_str(o, c ? c->path : NULL);
	out_str(o, c && c->key_type[0] ? c->key_type : NULL);
	out_str(o, c && c->tls_version[0] ? c->tls_version : NULL);
	out_str(o, c ? c->verify : NULL);
	out_str(o, c ? c->error : NULL);
	out_str(o, own ? row->findings[0].text : "");
	out_str(o, own ? row->findings[0].cure : "");
}

struct certs_wait {
	bool done;
	struct certs_result result;
};

static void gathered(void *arg, struct certs_result *r)
{
	struct certs_wait *w = arg;

	w->result = *r;
	r->all = NULL;
	r->table = NULL;
	w->done = true;
}

bool cli_certs(struct cli *c, struct certs_options *o, struct certs_result *out)
{
	struct certs_wait w = { 0 };
	struct certs_job *j;

	j = certs_gather(&c->app, o, gathered, &w, &c->err);
	if (!j)
		return false;
	if (!cli_wait(c, &w.done)) {
		certs_cancel(j);
		return err_set(&c->err, ERR_CANCELLED, "interrupted");
	}
	*out = w.result;
	return true;
}

static int list(struct cli *c)
{
	struct certs_options o = {
		.stored = true, .files = true, .log = true, .probe = cli_has(c, OPT_PROBE) || cli_has(c, OPT_ENDPOINT)
	};
	struct certs_result r;
	bool local = cli_has(c, OPT_ENDPOINT) || cli_has(c, OPT_FILE);
	struct out out;
	int status;

	if (!cli_open(c))
		return cli_exit_of_err(&c->err);
	if (!cli_connect(c)) {
		if (!local)
			return cli_exit_of_err(&c->err);
		cli_say(c, "without the server's stored certificates: %s", c->err.msg);
		err_clear(&c->err);
		o.stored = false;
	}
	if (!cli_certs(c, &o, &r))
		return cli_exit_of_err(&c->err);
	if (o.stored && r.stored_err.code != ERR_NONE)
		cli_say(c, "the stored certificates could not be read: %s", r.stored_err.msg);
	out_begin(&out, c->format, fields, false, c->ascii);
	for (size_t i = 0; i < r.table->item_count; i++)
		print_item(&out, r.table, &r.table->items[i], clock_now());
	status = out_end(&out);
	if (r.table->item_count == 0)
		cli_say(c, "no certificate anywhere");
	status = status ? status : r.table->item_count ? EXIT_DONE : EXIT_NOTHING;
	certs_result_release(&r);
	return status;
}

/* ---- what changes something ---- */

static int change(struct cli *c, struct plan *(*plan)(struct cli *c))
{
	if (!cli_connect(c))
		return cli_exit_of_err(&c->err);
	return cli_change(c, plan(c));
}

static struct plan *plan_of_reload(struct cli *c)
{
	return plan_reload(&c->app, "certs", &c->err);
}

static struct plan *plan_of_renewal(struct cli *c)
{
	return plan_cert_renew(&c->app, cli_word(c, 1), &c->err);
}

static struct plan *plan_of_upload(struct cli *c)
{
	return plan_cert_upload(&c->app, NULL, cli_word(c, 1), cli_word(c, 2), &c->err);
}

static const struct {
	const char *name;
	size_t words;
	struct plan *(*plan)(struct cli *c);
} changes[] = { { "reload", 0, plan_of_reload }, { "renew", 1, plan_of_renewal }, { "upload", 2, plan_of_upload } };

static int run(struct cli *c)
{
	const char *word = cli_word(c, 0);

	if (!word)
		return list(c);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		if (!strcmp(word, changes[i].name) && cli_words(c) == changes[i].words + 1)
			return change(c, changes[i].plan);
	err_set(&c->err, ERR_USAGE, "certs knows: renew DOMAIN, reload, upload CERT KEY");
	return EXIT_USAGE;
}

const struct verb verb_certs = {
	.name = "certs",
	.synopsis = "certs [--probe] [--endpoint PROTO://HOST:PORT]… [--file GLOB]…\ncerts renew DOMAIN\ncerts reload\ncerts upload CERT KEY",
	.summary = "List certificates as stored, as served and as on disk, who renews them and what is wrong; a renewal (followed for --timeout), "
		   "a reload or an upload is judged by what endpoints serve afterwards.",
	.options = "probe endpoint file",
	.words = "renew reload upload",
	.examples = "stalwarden certs\nstalwarden certs --probe -o json",
	.run = run,
};
