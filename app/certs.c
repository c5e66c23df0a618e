/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gathering certificates: server, then disk and renewing timers, then all endpoints at once, then the joined table. */
#include "app/certs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/plan_private.h"
#include "client/certfiles.h"
#include "client/endpoint.h"
#include "client/x509.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/cert_acme.h"
#include "store/certs.h"

#define READ_MS 4
#define ACME_LINES 200 /* of the log: one renewal writes about ten */

struct certs_job {
	struct app *app;
	struct certs_options o;
	struct scope scope;
	struct timer timer;
	struct endpoints endpoints;
	struct prober *prober;
	struct certfiles_reader *reader; /* while the disk is looked at */
	struct certs_result result;
	struct cert **served;  /* per endpoint, while they are asked */
	struct certlist *told; /* renewals as the log told of them earlier; NULL = it is asked now, or never was */
	const char **globs;
	char **names;          /* in use: NULL-terminated, owned */
	size_t name_count;
	struct cert_seen *seen; /* earlier */
	size_t seen_count;
	certs_fn done;
	void *arg;
};

void certs_result_release(struct certs_result *r)
{
	certtable_free(r->table);
	certlist_free(r->all);
	memset(r, 0, sizeof(*r));
}

static void job_free(struct certs_job *j)
{
	j->app->jobs--;
	prober_free(j->prober);
	for (size_t i = 0; j->served && i < j->endpoints.count; i++)
		cert_free(j->served[i]);
	free(j->served);
	if (j->reader)
		certlist_free(certfiles_end(j->reader));
	endpoints_release(&j->endpoints);
	certs_result_release(&j->result);
	certlist_free(j->told);
	for (size_t i = 0; i < j->name_count; i++)
		free(j->names[i]);
	free(j->names);
	certs_seen_free(j->seen, j->seen_count);
	free(j->globs);
	free(j);
}

void certs_cancel(struct certs_job *j)
{
	if (!j)
		return;
	scope_cancel(&j->scope);
	job_free(j);
}

/* The store is a help, not a need: without it nothing is missed. */
static void recall(struct certs_job *j, struct cert_join *in)
{
	const char *server = j->app->profile.url;

	if (!in->stored_known || !server)
		return;
	certs_recall(j->app->store, server, &j->seen, &j->seen_count, NULL);
	in->seen = j->seen;
	in->seen_count = j->seen_count;
	certs_remember(j->app->store, server, j->result.all, in->now, NULL);
}

static bool is_alarming(const struct cert_row *row)
{
	static const enum finding_kind kinds[] = { FINDING_VANISHED, FINDING_STALE_SERVED, FINDING_FILE_NOT_LOADED };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (cert_row_has(row, kinds[i]))
			return true;
	return row->served && row->level == CERT_LEVEL_CRITICAL;
}

/* For the alarms of the console: what endpoints serve is looked at now and then, and what was wrong stays wrong meanwhile. */
static void keep_faults(struct app *a, const struct certtable *t)
{
	a->served_count = 0;
	for (size_t i = 0; i < t->count && a->served_count < SERVED_FAULTS; i++) {
		const struct cert_row *row = &t->rows[i];
		struct served_fault *f = &a->served[a->served_count];

		if (!row->finding_count || !is_alarming(row))
			continue;
		*f = (struct served_fault){ .port = row->port, .is_bad = row->level == CERT_LEVEL_CRITICAL };
		text_safe_str(f->name, sizeof(f->name), row->name, strlen(row->name));
		text_safe_str(f->text, sizeof(f->text), row->findings[0].text, strlen(row->findings[0].text));
		a->served_count++;
	}
	a->snap.generation++;
}

static void finish(struct loop *loop, void *arg)
{
	struct certs_job *j = arg;
	const struct app *a = j->app;
	struct cert_join in = { .list = j->result.all,
		.names = (const char *const *)j->names,
		.name_count = j->name_count,
		.stored_known = j->o.stored && j->result.stored_err.code == ERR_NONE,
		.probed = j->result.probed,
		.can_renew = server_has(session_server(a->session), CAP(RENEW_CERT)),
		.now = clock_now(),
		.warn_ms = j->o.warn_ms,
		.crit_ms = j->o.crit_ms };

	(void)loop;
	j->result.all->fetched = clock_now();
	recall(j, &in);
	j->result.table = cert_join(&in);
	if (j->result.probed)
		keep_faults(j->app, j->result.table);
	j->done(j->arg, &j->result);
	scope_cancel(&j->scope);
	job_free(j);
}

static void soon(struct certs_job *j, loop_fn fn)
{
	timer_start(j->app->loop, &j->timer, 0, &j->scope, fn, j);
}

/* ---- what is served ---- */

static void probed(size_t i, struct cert *c, void *arg)
{
	struct certs_job *j = arg;

	j->served[i] = c;
}

/* In the order of the endpoints, whichever answered first: what is said once for a name is said at its first row. */
static void all_probed(void *arg)
{
	struct certs_job *j = arg;

	for (size_t i = 0; i < j->endpoints.count; i++)
		if (j->served[i])
			certlist_take(j->result.all, j->served[i]);
	free(j->served);
	j->served = NULL;
	soon(j, finish);
}

static void probe(struct loop *loop, void *arg)
{
	struct certs_job *j = arg;
	struct prober_options po = { .ca_file = j->app->profile.ca_file, .timeout_ms = j->app->options.timeout_ms };
	struct err err = ERR_INIT;

	if (j->o.probe) {
		j->result.probed = true;
		j->result.probed_at = clock_now();
	}
	j->prober = j->o.probe && j->endpoints.count ? prober_new(loop, &po, &err) : NULL;
	if (!j->prober) {
		finish(loop, j);
	} else {
		j->served = xcalloc(j->endpoints.count, sizeof(*j->served));
		prober_run(j->prober, &j->endpoints, &j->scope, probed, all_probed, j);
	}
}

/* ---- what is on disk ---- */

static void timer_asked(struct certlist *list, void *arg)
{
	(void)list;
	soon(arg, probe);
}

/* A log may be long and a glob wide: the loop is not held for more than a few ms. */
static void read_some(struct loop *loop, void *arg)
{
	struct certs_job *j = arg;
	int64_t until = clock_mono() + READ_MS;

	while (certfiles_step(j->reader))
		if (clock_mono() >= until) {
			soon(j, read_some);
			return;
		}
	certlist_merge(j->result.all, certfiles_end(j->reader));
	j->reader = NULL;
	certfiles_ask_timer(loop, j->result.all, &j->scope, timer_asked, j);
}

static void read_files(struct loop *loop, void *arg)
{
	struct certs_job *j = arg;
	struct certfiles_options fo = { .root = j->o.root, .globs = j->globs, .stored = j->result.all };

	if (!j->o.files) {
		probe(loop, j);
		return;
	}
	while (j->globs[fo.glob_count])
		fo.glob_count++;
	for (size_t i = 0; i < j->result.all->count; i++)
		if (j->result.all->rows[i]->source == CERT_STORED && j->result.all->rows[i]->path)
			certfiles_fill_macro(j->result.all->rows[i], j->o.root);
	j->reader = certfiles_begin(&fo);
	read_some(loop, j);
}

/* ---- what is stored ---- */

static void log_read(void *arg, struct fetch_reply *reply)
{
	struct certs_job *j = arg;

	if (reply->log) /* without a log nothing is known of the last renewal, and nothing else is wrong */
		cert_acme_scan(j->result.all, buf_str(&reply->log->text), reply->log->line, reply->log->count);
	soon(j, read_files);
}

static bool wants_log(const struct certs_job *j)
{
	const struct certlist *l = j->result.all;

	for (size_t i = 0; i < l->renewal_count; i++)
		if (l->renewals[i]->by == RENEWER_ACME && l->renewals[i]->state == RENEWAL_UNKNOWN)
			return j->o.log && server_has(session_server(j->app->session), CAP(READ_LOG));
	return false;
}

static void copy_told(struct renewal *to, const struct renewal *from)
{
	to->state = from->state;
	to->last = from->last;
	to->next = from->next;
	cert_set_text(&to->reason, from->reason ? from->reason : "", from->reason ? strlen(from->reason) : 0);
}

/* What the log told stays until it is asked again: without it a failed renewal would vanish with the next look at the list. */
static void keep_told(struct certs_job *j, const struct certs_result *was)
{
	j->told = certlist_new();
	for (size_t i = 0; i < was->all->renewal_count; i++) {
		const struct renewal *r = was->all->renewals[i];

		if (r->by == RENEWER_ACME && r->id && r->state != RENEWAL_UNKNOWN)
			copy_told(certlist_add_renewal(j->told, r->by, r->id), r);
	}
}

static void recall_told(struct certs_job *j)
{
	for (size_t i = 0; i < j->result.all->renewal_count; i++) {
		struct renewal *r = j->result.all->renewals[i];

		for (size_t k = 0; k < j->told->renewal_count; k++)
			if (r->by == RENEWER_ACME && r->state == RENEWAL_UNKNOWN && r->id && !strcmp(r->id, j->told->renewals[k]->id))
				copy_told(r, j->told->renewals[k]);
	}
}

static void fetched(void *arg, struct fetch_reply *reply)
{
	struct certs_job *j = arg;
	struct fetch f = { .kind = FETCH_LOG, .limit = ACME_LINES, .contains = "acme." };

	j->result.stored_err = reply->err;
	if (reply->certs && reply->err.code == ERR_NONE) {
		certlist_merge(j->result.all, reply->certs);
		reply->certs = NULL;
	}
	if (j->told)
		recall_told(j);
	if (wants_log(j))
		session_fetch(j->app->session, &f, &j->scope, log_read, j);
	else
		soon(j, read_files);
}

/* ---- start ---- */

static void add_name(struct certs_job *j, const char *name)
{
	struct net n;

	if (!name[0] || net_parse(name, strlen(name), &n, NULL))
		return; /* an address names no certificate */
	for (size_t i = 0; i < j->name_count; i++)
		if (!strcmp(j->names[i], name))
			return;
	j->names = xreallocarray(j->names, j->name_count + 2, sizeof(char *));
	j->names[j->name_count++] = xstrdup(name);
	j->names[j->name_count] = NULL;
}

static bool choose_endpoints(struct certs_job *j, struct err *err)
{
	const struct profile *p = &j->app->profile;
	const struct app_options *given = &j->app->options;
	struct endpoint e;
	char host[256] = "";

	for (size_t i = 0; i < given->endpoint_count; i++) {
		if (!endpoint_parse(given->endpoints[i], &e, err))
			return false;
		endpoints_add(&j->endpoints, &e);
	}
	if (given->endpoint_count)
		return true;
	for (char **s = p->endpoints; s && *s; s++) {
		if (!endpoint_parse(*s, &e, err))
			return false;
		endpoints_add(&j->endpoints, &e);
	}
	if (p->url)
		url_host(p->url, host, sizeof(host));
	if (host[0])
		endpoints_add_defaults(&j->endpoints, host, (const char *const *)j->names, j->name_count);
	return true;
}

static void keep_served(struct certs_job *j, const struct certs_result *was)
{
	for (size_t i = 0; i < was->all->count; i++)
		if (was->all->rows[i]->source == CERT_SERVED)
			certlist_take(j->result.all, cert_copy(was->all->rows[i]));
	j->result.probed = true;
	j->result.probed_at = was->probed_at;
}

struct certs_job *certs_gather(struct app *a, const struct certs_options *o, certs_fn done, void *arg, struct err *err)
{
	struct certs_job *j = xcalloc(1, sizeof(*j));
	struct fetch f = { .kind = FETCH_CERTS };
	char host[256] = "";
	size_t n = 0;

	*j = (struct certs_job){ .app = a, .o = *o, .done = done, .arg = arg };
	a->jobs++;
	scope_init(&j->scope);
	if (!j->o.root)
		j->o.root = getenv("STALWARDEN_ROOT");
	j->result.all = certlist_new();
	for (char **s = a->profile.cert_files; s && *s; s++)
		n++;
	j->globs = xcalloc(n + a->options.cert_file_count + 1, sizeof(char *));
	for (size_t i = 0; i < n; i++)
		j->globs[i] = a->profile.cert_files[i];
	for (size_t i = 0; i < a->options.cert_file_count; i++)
		j->globs[n + i] = a->options.cert_files[i];
	for (char **s = a->profile.names; s && *s; s++)
		add_name(j, *s);
	if (a->profile.url)
		url_host(a->profile.url, host, sizeof(host));
	add_name(j, host);
	if (!choose_endpoints(j, err)) {
		job_free(j);
		return NULL;
	}
	snprintf(j->result.server, sizeof(j->result.server), "%s", a->profile.url ? a->profile.url : "");
	if (o->served && o->served->probed && !o->probe && !strcmp(o->served->server, j->result.server))
		keep_served(j, o->served);
	if (o->served && o->served->all && !o->log && !strcmp(o->served->server, j->result.server))
		keep_told(j, o->served);
	j->o.served = NULL;
	if (o->stored)
		session_fetch(a->session, &f, &j->scope, fetched, j);
	else
		soon(j, read_files);
	return j;
}

/* ---- plans ---- */

struct plan *plan_cert_renew(struct app *a, const char *domain, struct err *err)
{
	struct plan_options o;
	struct plan *p;

	p = plan_new(a);
	plan_options_init(&o);
	plan_edit(a, p, EDIT_CERT_RENEW, domain, &o)->net.family = 0;
	if (!server_has(session_server(a->session), CAP(RENEW_CERT))) {
		/* what re-schedules renewals is the full reload of the settings API; 0.5 - 0.6 know ACME by their file alone */
		if (strcmp(session_server(a->session)->dialect, "settings") != 0 || !server_has(session_server(a->session), CAP(RELOAD))) {
			app_can(a, CAP(RENEW_CERT), err);
			plan_free(p);
			return NULL;
		}
		plan_add_line(p, PLAN_WARN, 0,
			"this generation has no call that forces a renewal; a full reload re-reads the ACME providers and re-schedules");
	}
	snprintf(p->question, sizeof(p->question), "Renew the certificate of %.100s?", domain);
	return p;
}

/* Regular files alone: a FIFO would hold the console for as long as its writer likes. */
static bool read_file(const char *path, struct buf *out, struct err *err)
{
	char chunk[8192];
	struct stat st;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool regular = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode);

	out->max = X509_MAX_BYTES;
	out->secret = true;
	while (regular && (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(out, chunk, (size_t)n);
	explicit_bzero(chunk, sizeof(chunk));
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return err_set(err, ERR_USAGE, fd >= 0 && !regular ? "%s is no regular file" : "%s can't be read", path);
	return !out->overflow || err_set(err, ERR_USAGE, "%s is too long for a certificate or a key", path);
}

/* What the server calls it: a name, and no pattern. */
static char *upload_name(const char *name)
{
	return strncmp(name, "*.", 2) ? xstrdup(name) : xasprintf("wildcard.%s", name + 2);
}

static struct plan *plan_of_pair(struct app *a, const char *name, const struct buf *cert, const struct buf *key)
{
	struct plan *p = plan_new(a);
	struct plan_options o;
	struct edit *e;

	plan_options_init(&o);
	e = plan_edit(a, p, EDIT_CERT_UPLOAD, name, &o);
	e->net.family = 0;
	e->cert_pem = xmemdup(buf_str(cert), cert->len);
	e->key_pem = xmemdup(buf_str(key), key->len);
	snprintf(p->question, sizeof(p->question), "Upload the certificate of %.100s?", name);
	return p;
}

struct plan *plan_cert_upload(struct app *a, const char *name, const char *cert_path, const char *key_path, struct err *err)
{
	struct buf cert = BUF_INIT, key = BUF_INIT;
	const char *const *names = (const char *const *)a->profile.names;
	struct cert *parsed = NULL;
	struct err wrong = ERR_INIT;
	struct plan *p = NULL;
	unsigned problems = 0;
	char *target;
	size_t n = 0;

	while (names && names[n])
		n++;
	if (!app_can(a, CAP(UPLOAD_CERT), err) || !read_file(cert_path, &cert, err) || !read_file(key_path, &key, err))
		goto out;
	x509_check_pair(buf_str(&cert), cert.len, buf_str(&key), key.len, names, n, clock_now(), &parsed, &problems, &wrong);
	if (problems & X509_PAIR_FATAL) {
		err_set(err, ERR_USAGE, "not sent: %s", wrong.msg);
		goto out;
	}
	target = upload_name(name ? name : parsed->name);
	p = plan_of_pair(a, target, &cert, &key);
	free(target);
	if (problems) {
		p->refused = !a->options.force;
		p->change->forced = a->options.force;
		p->change->forced_what = a->options.force ? xstrdup(wrong.msg) : NULL;
		snprintf(p->refusal, sizeof(p->refusal), "%s", wrong.msg);
		plan_add_line(p, PLAN_WARN, 0, "%s", wrong.msg);
	}
out:
	cert_free(parsed);
	buf_release(&cert);
	buf_release(&key);
	return p;
}
