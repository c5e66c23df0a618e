/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is wrong with a row of the joined table and what cures it: one small rule per fault, in a
 * table. It must not know how rows are made or shown. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/buf.h"
#include "core/mem.h"
#include "model/cert_join_private.h"

void cert_fault_add(struct cert_row *row, struct fault f, char *cure, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	struct finding *out;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	xgrow(&row->findings, &row->finding_cap, row->finding_count + 1, sizeof(*row->findings));
	out = &row->findings[row->finding_count++];
	out->kind = f.kind;
	out->level = f.level;
	out->action = f.action;
	out->text = buf_take(&b, NULL);
	out->cure = cure;
}

struct fault cert_fault(enum finding_kind kind, enum cert_action action)
{
	return (struct fault){kind, finding_level(kind), action};
}

static bool is_automatic(const struct renewal *r)
{
	bool failed = r->state == RENEWAL_FAILED || r->state == RENEWAL_RETRY;

	return !failed && !(r->timer_known && !r->timer_active);
}

char *cert_renewal_cure(const struct join *j, const struct cert_row *row, enum cert_action *action)
{
	char how[256];

	how[0] = '\0';
	if (row->renewal)
		renewal_describe(row->renewal, j->in->now, how, sizeof(how));
	*action = CERT_ACTION_NONE;
	switch (row->renewed_by) {
	case RENEWER_ACME:
		*action = j->in->can_renew ? CERT_ACTION_RENEW : CERT_ACTION_RELOAD;
		if (j->in->can_renew)
			return xasprintf(
				"renew it: certs renew %s%s%s", row->name, *how ? "; " : "", how);
		return xasprintf(
			"the server renews it by itself and has no call that forces it; a full"
			" reload makes it schedule the renewal again%s%s",
			*how ? "; " : "", how);
	case RENEWER_CERTBOT:
		if (*how && is_automatic(row->renewal))
			return xstrdup(how);
		return xasprintf("certbot renew --cert-name %s%s%s", row->renewal->id,
			*how ? "; " : "", how);
	case RENEWER_MANUAL:
	case RENEWER_NOBODY:
	case RENEWER_COUNT:
		break;
	}
	*action = CERT_ACTION_UPLOAD;
	return xstrdup("nobody renews it: upload a new one (certs upload CERT KEY)");
}

static void add_renewable(const struct join *j, struct cert_row *row, enum finding_kind kind,
	enum cert_level level, const char *text)
{
	enum cert_action action;
	char *cure = cert_renewal_cure(j, row, &action);

	cert_fault_add(row, (struct fault){kind, level, action}, cure, "%s", text);
}

static bool is_superseded(const struct cert_row *row)
{
	return cert_row_has(row, FINDING_STALE_SERVED) ||
	       cert_row_has(row, FINDING_FILE_NOT_LOADED);
}

static bool has_served(const struct cert_row *row)
{
	return row->served && cert_has_data(row->served);
}

/* Served, yet no client would take it. */
static bool served_is_bad(const struct join *j, const struct cert_row *row)
{
	return !cert_is_valid(row->served, j->in->now) || !cert_covers(row->served, row->name);
}

static void rule_unreachable(const struct join *j, struct cert_row *row, bool first)
{
	enum cert_level level;

	(void)j;
	(void)first;
	if (!row->served || has_served(row))
		return;
	level = cert_level(row->served, CERT_STATUS_UNREACHABLE);
	if (level == CERT_LEVEL_OK)
		cert_fault_add(row, cert_fault(FINDING_NOT_LISTENING, CERT_ACTION_NONE),
			xstrdup(""), "%s",
			row->served->error ? row->served->error : "not listening");
	else
		cert_fault_add(row, (struct fault){FINDING_UNREACHABLE, level, CERT_ACTION_NONE},
			xstrdup("see that it listens, offers TLS, and that no firewall is in "
				"between"),
			"%s", row->served->error ? row->served->error : "not reachable");
}

/* What is served though something better is at hand, as the admin will read it. */
static const char *stale_words(const struct join *j, const struct cert_row *row)
{
	const struct cert *s = row->served;

	if (s->not_after < j->in->now)
		return "an expired certificate is served although a valid one is";
	if (s->self_signed)
		return "a self-signed certificate is served although a valid one is";
	if (!cert_covers(s, row->name))
		return "a certificate for other names is served although a fitting one is";
	return "served is not the one that is";
}

static enum cert_level stale_level(const struct join *j, const struct cert_row *row)
{
	enum cert_level own =
		cert_status_level(cert_status(row->served, j->in->now, j->warn_ms, j->crit_ms));

	return served_is_bad(j, row) || own == CERT_LEVEL_CRITICAL ? CERT_LEVEL_CRITICAL
								   : CERT_LEVEL_WARNING;
}

/* c would serve this row better than what is served now. */
static bool is_better_than_served(
	const struct join *j, const struct cert_row *row, const struct cert *c)
{
	if (!c || !cert_is_valid(c, j->in->now) || !cert_covers(c, row->name))
		return false;
	return served_is_bad(j, row) || c->not_before > row->served->not_before;
}

static bool same_path(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* The file's reader, so far as can be known: nginx where its configuration names it, else the mail
 * server where a stored macro names it. Both: 443 is the web server's. */
static void add_file_not_loaded(const struct join *j, struct cert_row *row)
{
	const struct cert *f = row->file;
	bool macro = row->stored && same_path(row->stored->path, f->path);
	struct fault what = {FINDING_FILE_NOT_LOADED, stale_level(j, row), CERT_ACTION_NONE};
	const char *cure;

	if (f->used_by && (!macro || row->port == 443 || row->port == 8443)) {
		what.action = CERT_ACTION_RELOAD_NGINX;
		cure = "reload nginx: systemctl reload nginx";
	} else if (macro) {
		what.action = CERT_ACTION_RELOAD;
		cure = "reload the certificates: certs reload";
	} else {
		cure = "reload the program that serves it; a deploy hook would do it at each "
		       "renewal";
	}
	cert_fault_add(row, what, xstrdup(cure), "%s in the file %s", stale_words(j, row),
		f->path ? f->path : "");
}

static void rule_stale(const struct join *j, struct cert_row *row, bool first)
{
	const struct cert *st = row->stored;
	bool file, stored;

	(void)first;
	if (!has_served(row) || row->served->other_host || row->served_is_stored)
		return;
	if (row->served_is_file && !served_is_bad(j, row))
		return; /* another program's own certificate, and a good one */
	file = !row->served_is_file && is_better_than_served(j, row, row->file);
	stored = is_better_than_served(j, row, st);
	if (file && (row->file->used_by || !stored || same_path(st->path, row->file->path))) {
		add_file_not_loaded(j, row);
		return;
	}
	if (!stored)
		return;
	if (st->path)
		cert_fault_add(row,
			(struct fault){
				FINDING_FILE_NOT_LOADED, stale_level(j, row), CERT_ACTION_RELOAD},
			xstrdup("reload the certificates: certs reload"), "%s in the file %s",
			stale_words(j, row), st->path);
	else
		cert_fault_add(row,
			(struct fault){
				FINDING_STALE_SERVED, stale_level(j, row), CERT_ACTION_RELOAD},
			xstrdup("reload the certificates: certs reload"), "%s stored",
			stale_words(j, row));
}

/* A file that no known program uses and that nobody serves is no alarm. */
static bool is_idle_file(const struct cert_row *row)
{
	const struct cert *c = cert_row_main(row);

	return c && c->source == CERT_FILE && !c->used_by;
}

static void rule_dates(const struct join *j, struct cert_row *row, bool first)
{
	const struct cert *c = cert_row_main(row);
	enum cert_level cap = is_idle_file(row) ? CERT_LEVEL_WARNING : CERT_LEVEL_CRITICAL;
	char text[96], words[TIME_BUF];
	int64_t left;

	(void)first;
	if (!c || !cert_has_data(c) || is_superseded(row))
		return;
	left = c->not_after - j->in->now;
	if (left < 0) {
		snprintf(text, sizeof(text), "expired %s ago",
			duration_words(-left, words, sizeof(words)));
		add_renewable(j, row, FINDING_EXPIRED, cap, text);
		return;
	}
	if (c->not_before != TIME_NONE && c->not_before > j->in->now) {
		cert_fault_add(row, (struct fault){FINDING_NOT_YET_VALID, cap, CERT_ACTION_NONE},
			xstrdup("check the clocks of both hosts, or wait"), "not valid before %s",
			time_format(c->not_before, words, sizeof(words)));
		return;
	}
	if (left >= j->warn_ms)
		return;
	snprintf(text, sizeof(text), "expires in %s", duration_words(left, words, sizeof(words)));
	if (left < j->crit_ms)
		add_renewable(j, row, FINDING_EXPIRES_SOON, cap, text);
	else
		add_renewable(j, row, FINDING_EXPIRES, CERT_LEVEL_WARNING, text);
}

static void rule_self_signed(const struct join *j, struct cert_row *row, bool first)
{
	const struct cert *c = cert_row_main(row);

	(void)first;
	if (!c || !c->self_signed || is_superseded(row) || is_idle_file(row) ||
		cert_row_has(row, FINDING_EXPIRED))
		return;
	add_renewable(j, row, FINDING_SELF_SIGNED, CERT_LEVEL_WARNING,
		has_served(row) ? "a self-signed certificate is served" : "self-signed");
}

static void rule_name(const struct join *j, struct cert_row *row, bool first)
{
	enum cert_action action;
	char *cure;

	(void)first;
	if (!has_served(row) || row->served->self_signed || is_superseded(row) ||
		cert_covers(row->served, row->name))
		return;
	cure = cert_renewal_cure(j, row, &action);
	free(cure);
	if (action == CERT_ACTION_RELOAD || row->served->other_host)
		action = CERT_ACTION_NONE; /* a reload adds no name */
	cert_fault_add(row, cert_fault(FINDING_NAME_MISMATCH, action),
		xasprintf("request a certificate that includes %s%s", row->name,
			row->served->san_count ? "" : "; this one has no SAN at all"),
		"served for %s%s, not for this name",
		row->served->san_count ? row->served->sans[0] : "no name",
		row->served->san_count > 1 ? " and others" : "");
}

static void rule_trust(const struct join *j, struct cert_row *row, bool first)
{
	const struct cert *s = row->served;
	const unsigned odd = VERIFY_UNKNOWN_ISSUER | VERIFY_SELF_SIGNED | VERIFY_OTHER;

	(void)j;
	(void)first;
	if (!has_served(row) || s->self_signed)
		return;
	if (s->chain == CHAIN_INCOMPLETE)
		cert_fault_add(row, cert_fault(FINDING_CHAIN_INCOMPLETE, CERT_ACTION_UPLOAD),
			xstrdup("serve the full chain (certbot: fullchain.pem, not cert.pem), or "
				"trust its CA here"),
			"the chain is incomplete: %s is not sent",
			s->issuer ? s->issuer : "its issuer");
	else if (s->verify_flags & odd)
		cert_fault_add(row, cert_fault(FINDING_UNTRUSTED, CERT_ACTION_NONE),
			xstrdup("clients must know its CA: use a public one, or give them that CA "
				"(here: ca_file)"),
			"not trusted here: %s", s->verify ? s->verify : "not verified");
	if (s->chain == CHAIN_DISORDERED || s->chain == CHAIN_FOREIGN)
		cert_fault_add(row, cert_fault(FINDING_CHAIN_ORDER, CERT_ACTION_UPLOAD),
			xstrdup("put the certificate first, then each one's issuer, and nothing "
				"else"),
			"the chain is %s", chain_words(s->chain));
}

static void rule_ocsp(const struct join *j, struct cert_row *row, bool first)
{
	const struct cert *s = row->served;

	(void)j;
	(void)first;
	if (!has_served(row))
		return;
	if (s->ocsp == OCSP_REVOKED)
		add_renewable(
			j, row, FINDING_REVOKED, CERT_LEVEL_CRITICAL, "revoked by its issuer");
	else if (s->must_staple && s->ocsp != OCSP_GOOD)
		cert_fault_add(row, cert_fault(FINDING_STAPLE_REQUIRED, CERT_ACTION_NONE),
			xstrdup("request one without must-staple, or have the server staple"),
			"must be stapled, but the OCSP answer is: %s", ocsp_words(s->ocsp));
	else if (s->ocsp == OCSP_STALE || s->ocsp == OCSP_INVALID)
		cert_fault_add(row, cert_fault(FINDING_STAPLE_STALE, CERT_ACTION_NONE),
			xstrdup("see that the server can reach its issuer's OCSP responder"),
			"the stapled OCSP answer is %s", ocsp_words(s->ocsp));
}

static void rule_weak(const struct join *j, struct cert_row *row, bool first)
{
	const struct cert *c = cert_row_main(row);

	(void)j;
	(void)first;
	if (!c || !cert_has_data(c) || is_idle_file(row))
		return;
	if (c->key_bits &&
		((!strcmp(c->key_type, "RSA") && c->key_bits < 2048) || c->key_bits < 224))
		cert_fault_add(row, cert_fault(FINDING_WEAK_KEY, CERT_ACTION_UPLOAD),
			xstrdup("request one with a new, larger key"), "weak key: %s, %u bits",
			c->key_type, c->key_bits);
	if (c->source == CERT_SERVED &&
		(!strcmp(c->tls_version, "TLSv1") || !strcmp(c->tls_version, "TLSv1.1")))
		cert_fault_add(row, cert_fault(FINDING_OLD_TLS, CERT_ACTION_NONE),
			xstrdup("let the server speak TLS 1.2 and 1.3"),
			"speaks nothing newer than %s", c->tls_version);
}

static void rule_stored(const struct join *j, struct cert_row *row, bool first)
{
	const struct cert *c = cert_row_main(row);

	(void)first;
	if (row->served || !c)
		return;
	if (!cert_has_data(c)) {
		bool here = c->source == CERT_STORED && !c->path;

		cert_fault_add(row,
			cert_fault(here ? FINDING_MALFORMED : FINDING_UNREADABLE,
				here ? CERT_ACTION_UPLOAD : CERT_ACTION_NONE),
			xstrdup(here ? "upload it again: the server can't load this one" : ""),
			"%s", c->error ? c->error : "can't be read");
		return;
	}
	if (j->in->probed && c->source == CERT_STORED && cert_is_valid(c, j->in->now))
		cert_fault_add(row, cert_fault(FINDING_NOT_SERVED, CERT_ACTION_NONE), xstrdup(""),
			"stored, but served at no endpoint that was probed");
}

/* Order: a rule may look at what those before it found. */
static const cert_rule_fn rules[] = {
	rule_unreachable,
	rule_stale,
	rule_dates,
	rule_self_signed,
	rule_name,
	rule_trust,
	rule_ocsp,
	rule_weak,
	rule_stored,
	cert_rule_vanished,
	cert_rule_uncovered,
	cert_rule_two,
	cert_rule_renewal,
};

void cert_find_faults(const struct join *j, struct cert_row *row, bool first_of_name)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		rules[i](j, row, first_of_name);
}
