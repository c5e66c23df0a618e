/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drives probing, files and the join from the command line and prints JSON lines: what tests/tls
 * checks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/certfiles.h"
#include "client/endpoint.h"
#include "client/x509.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/cert_join.h"

#define MAX 64

struct driver {
	struct loop *loop;
	struct scope scope;
	struct prober *prober;
	struct endpoints endpoints;
	struct certlist *list;
	const char *names[MAX], *globs[MAX];
	struct cert_seen seen[MAX];
	size_t name_count, seen_count, glob_count;
	const char *root;
	bool files, timer, cancel_first, can_renew, stored_known;
	int64_t began, warn_ms, crit_ms;
	size_t results;
};

static void put_string(const char *key, const char *s)
{
	printf("\"%s\":", key);
	if (!s) {
		printf("null,");
		return;
	}
	if (!text_is_safe(s, strlen(s)))
		die("not sanitised: %s", key);
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	printf("\",");
}

static void put_time(const char *key, int64_t t)
{
	char buf[TIME_BUF];

	put_string(key, t == TIME_NONE ? NULL : time_format(t, buf, sizeof(buf)));
}

static void put_strings(const char *key, char *const *s, size_t count)
{
	printf("\"%s\":{", key);
	for (size_t i = 0; i < count; i++) {
		char number[24];

		snprintf(number, sizeof(number), "%zu", i);
		put_string(number, s[i]);
	}
	printf("\"n\":%zu},", count);
}

static void put_cert(const struct cert *c)
{
	char hex[65];

	printf("{\"kind\":\"cert\",");
	put_string("source", cert_source_name(c->source));
	put_string("name", c->name);
	put_string("endpoint", c->endpoint);
	put_string("id", c->id);
	put_string("path", c->path);
	put_string("used_by", c->used_by);
	put_string("subject", c->subject);
	put_string("issuer", c->issuer);
	put_string("serial", c->serial);
	put_strings("sans", c->sans, c->san_count);
	put_time("not_before", c->not_before);
	put_time("not_after", c->not_after);
	put_string("sha256", cert_sha256_text(c, hex, sizeof(hex)));
	put_string("key_type", c->key_type);
	put_strings("chain_subjects", c->chain_subjects, c->chain_len);
	put_string("chain", chain_words(c->chain));
	put_string("verify", c->verify);
	put_string("tls", c->tls_version);
	put_string("ocsp", ocsp_words(c->ocsp));
	put_time("ocsp_this", c->ocsp_this);
	put_time("ocsp_next", c->ocsp_next);
	put_string("error", c->error);
	put_string("status", cert_status_name(cert_status(c, clock_now(), 0, 0)));
	printf("\"key_bits\":%u,\"flags\":%u,\"self_signed\":%d,\"must_staple\":%d,\"has_key\":%d,"
	       "\"refused\":%d,"
	       "\"took_ms\":%lld}\n",
		c->key_bits, c->verify_flags, c->self_signed, c->must_staple, c->has_key,
		c->refused, (long long)c->took_ms);
	fflush(stdout);
}

static void put_renewal(const struct renewal *r)
{
	char text[256];

	printf("{\"kind\":\"renewal\",");
	put_string("by", renewer_name(r->by));
	put_string("id", r->id);
	put_strings("names", r->names, r->name_count);
	put_string("path", r->path);
	put_string("challenge", r->challenge);
	put_string("directory", r->directory);
	put_time("next", r->next);
	put_time("last", r->last);
	put_string("state", renewal_words(r->state));
	put_string("reason", r->reason);
	put_string("words", renewal_describe(r, clock_now(), text, sizeof(text)));
	printf("\"timer_known\":%d,\"timer_active\":%d,\"renew_before_d\":%lld}\n", r->timer_known,
		r->timer_active, (long long)(r->renew_before / CERT_DAY_MS));
}

static void put_row(const struct cert_row *r)
{
	printf("{\"kind\":\"row\",");
	put_string("name", r->name);
	put_string("endpoint", r->endpoint);
	put_string("status", cert_status_name(r->status));
	put_string("renewed_by", renewer_name(r->renewed_by));
	printf("\"port\":%u,\"level\":%d,\"served\":%d,\"stored\":%d,\"file\":%d,\"served_is_"
	       "stored\":%d,"
	       "\"served_is_file\":%d,\"findings\":[",
		r->port, (int)r->level, !!r->served, !!r->stored, !!r->file, r->served_is_stored,
		r->served_is_file);
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];

		printf("%s{", i ? "," : "");
		put_string("kind", finding_name(f->kind));
		put_string("text", f->text);
		put_string("cure", f->cure);
		put_string("action", cert_action_name(f->action));
		printf("\"level\":%d}", (int)f->level);
	}
	printf("]}\n");
}

static void finish(struct driver *d)
{
	struct cert_join in = {
		.list = d->list,
		.names = d->names,
		.name_count = d->name_count,
		.seen = d->seen,
		.seen_count = d->seen_count,
		.stored_known = d->stored_known,
		.probed = d->endpoints.count > 0,
		.can_renew = d->can_renew,
		.now = clock_now(),
		.warn_ms = d->warn_ms,
		.crit_ms = d->crit_ms,
	};
	struct certtable *t = cert_join(&in);
	struct cert_check check;

	for (size_t i = 0; i < d->list->count; i++)
		if (d->list->rows[i]->source != CERT_SERVED)
			put_cert(d->list->rows[i]);
	for (size_t i = 0; i < d->list->renewal_count; i++)
		put_renewal(d->list->renewals[i]);
	for (size_t i = 0; i < t->count; i++)
		put_row(&t->rows[i]);
	cert_check(t, &check);
	printf("{\"kind\":\"check\",");
	put_string("line", check.line);
	printf("\"code\":%d}\n{\"kind\":\"done\",\"results\":%zu,\"ms\":%lld,\"longest_ms\":%lld,"
	       "\"timers\":%zu}\n",
		check.code, d->results, (long long)(clock_mono() - d->began),
		(long long)loop_longest_ms(d->loop), loop_timer_count(d->loop));
	certtable_free(t);
	loop_stop(d->loop);
}

static void on_timer(struct certlist *list, void *arg)
{
	(void)list;
	finish(arg);
}

static void after_probe(struct driver *d)
{
	if (d->timer)
		certfiles_ask_timer(d->loop, d->list, &d->scope, on_timer, d);
	else
		finish(d);
}

static void on_done(void *arg)
{
	struct driver *d = arg;

	prober_free(d->prober);
	d->prober = NULL;
	after_probe(d);
}

static void on_result(size_t i, struct cert *c, void *arg)
{
	struct driver *d = arg;

	(void)i;
	d->results++;
	put_cert(c);
	certlist_take(d->list, c);
	if (!d->cancel_first)
		return;
	scope_cancel(&d->scope); /* ends the run from within its own callback */
	finish(d);
}

static char *slurp(const char *path, size_t *len)
{
	struct buf b = BUF_INIT;
	char chunk[4096];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		die("%s: can't be read", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)))
		buf_add(&b, chunk, n);
	fclose(f);
	return buf_take(&b, len);
}

/* ID=PATH: what a server would answer for a stored certificate; "ID=%{file:…}%" is a macro. */
static void add_stored(struct driver *d, const char *arg)
{
	const char *eq = strchr(arg, '=');
	char *id, *data, *macro;
	struct cert *c;
	size_t len;

	if (!eq)
		die("--stored ID=PATH");
	id = xstrndup(arg, (size_t)(eq - arg));
	macro = x509_macro_path(eq + 1, strlen(eq + 1));
	if (macro) {
		c = cert_new(CERT_STORED);
		cert_set_text(&c->id, id, SIZE_MAX);
		cert_set_text(&c->path, macro, SIZE_MAX);
		certfiles_fill_macro(c, d->root);
	} else {
		data = slurp(eq + 1, &len);
		c = x509_parse(CERT_STORED, id, data, len);
		free(data);
	}
	certlist_take(d->list, c);
	free(macro);
	free(id);
}

static int check_pair(const char *cert, const char *key, const char *const *names, size_t count)
{
	size_t cert_len, key_len;
	char *cert_pem = slurp(cert, &cert_len), *key_pem = slurp(key, &key_len);
	struct err err = ERR_INIT;
	unsigned problems;
	struct cert *c;
	bool ok = x509_check_pair(cert_pem, cert_len, key_pem, key_len, names, count, clock_now(),
		&c, &problems, &err);

	printf("{");
	put_string("error", err.msg);
	put_string("name", c ? c->name : NULL);
	printf("\"problems\":%u,\"ok\":%d,\"fatal\":%d}\n", problems, ok,
		!!(problems & X509_PAIR_FATAL));
	cert_free(c);
	free(cert_pem);
	free(key_pem);
	return 0;
}

static int64_t number(const char *s)
{
	int64_t n;

	if (!text_int(s, 0, INT32_MAX, &n))
		die("%s is no number", s);
	return n;
}

static void option(struct driver *d, struct prober_options *o, const char *key, const char *value)
{
	if (!strcmp(key, "--timeout"))
		o->timeout_ms = number(value);
	else if (!strcmp(key, "--ca"))
		o->ca_file = value;
	else if (!strcmp(key, "--ca-dir"))
		o->ca_dir = value;
	else if (!strcmp(key, "--ehlo"))
		o->ehlo = value;
	else if (!strcmp(key, "--root"))
		d->root = value;
	else if (!strcmp(key, "--file"))
		d->globs[d->glob_count++] = value;
	else if (!strcmp(key, "--stored"))
		add_stored(d, value);
	else if (!strcmp(key, "--name"))
		d->names[d->name_count++] = value;
	else if (!strcmp(key, "--seen"))
		d->seen[d->seen_count++] = (struct cert_seen){
			.name = value, .id = "", .issuer = "", .not_after = TIME_NONE, .seen = TIME_NONE};
	else if (!strcmp(key, "--warn"))
		d->warn_ms = number(value) * CERT_DAY_MS;
	else if (!strcmp(key, "--crit"))
		d->crit_ms = number(value) * CERT_DAY_MS;
	else if (!strcmp(key, "--acme")) {
		renewal_add_name(
			certlist_add_renewal(d->list, RENEWER_ACME, value), value, SIZE_MAX);
	} else
		die("unknown option %s", key);
}

static void add_endpoint(struct driver *d, const char *s)
{
	bool optional = *s == '?';
	struct err err = ERR_INIT;
	struct endpoint e;

	if (!endpoint_parse(s + optional, &e, &err))
		die("%s", err.msg);
	e.optional = optional;
	endpoints_add(&d->endpoints, &e);
}

static void parse(struct driver *d, struct prober_options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--files"))
			d->files = true;
		else if (!strcmp(argv[i], "--timer"))
			d->timer = true;
		else if (!strcmp(argv[i], "--cancel-first"))
			d->cancel_first = true;
		else if (!strcmp(argv[i], "--can-renew"))
			d->can_renew = true;
		else if (!strcmp(argv[i], "--stored-known"))
			d->stored_known = true;
		else if (!strncmp(argv[i], "--", 2) && i + 1 < argc) {
			option(d, o, argv[i], argv[i + 1]);
			i++;
		} else
			add_endpoint(d, argv[i]);
	}
}

static void read_files(struct driver *d)
{
	struct certfiles_options o = {
		.root = d->root,
		.globs = d->globs,
		.glob_count = d->glob_count,
		.stored = d->list,
	};
	struct certlist *files = certlist_new();

	certfiles_read(files, &o);
	certlist_merge(d->list, files);
}

int main(int argc, char **argv)
{
	struct driver d = {.loop = NULL};
	struct prober_options o = {.timeout_ms = 5000};
	struct err err = ERR_INIT;
	const char *now = getenv("STALWARDEN_NOW");
	int64_t fixed;

	if (now && time_parse(now, TIME_NONE, &fixed))
		clock_fix(fixed);
	if (argc >= 4 && !strcmp(argv[1], "--pair"))
		return check_pair(
			argv[2], argv[3], (const char *const *)argv + 4, (size_t)(argc - 4));
	d.loop = loop_new();
	d.list = certlist_new();
	scope_init(&d.scope);
	parse(&d, &o, argc, argv);
	if (d.files)
		read_files(&d);
	d.began = clock_mono();
	if (d.endpoints.count) {
		d.prober = prober_new(d.loop, &o, &err);
		if (!d.prober)
			die("%s", err.msg);
		d.began = clock_mono();
		prober_run(d.prober, &d.endpoints, &d.scope, on_result, on_done, &d);
	} else {
		after_probe(&d);
	}
	if (!loop_is_stopped(d.loop))
		loop_run(d.loop);
	prober_free(d.prober);
	scope_cancel(&d.scope);
	endpoints_release(&d.endpoints);
	certlist_free(d.list);
	loop_free(d.loop);
	return 0;
}
