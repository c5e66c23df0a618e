/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All that is known of one row of the certificates panel: what is wrong and its cure, who renews, and each certificate. */
#include <string.h>

#include "core/clock.h"
#include "views/certs.h"

#define LABEL 12 /* columns */
#define NAMES 12 /* shown of each certificate */

static void one_cert(struct page *p, const char *label, const struct cert *c, int width)
{
	char stamp[TIME_BUF];

	if (!c)
		return;
	page_heading(p, width, label, NULL);
	if (c->endpoint)
		page_pair(p, LABEL, "Endpoint", ROLE_NORMAL, "%s", c->endpoint);
	if (c->id)
		page_pair(p, LABEL, "Stored as", ROLE_NORMAL, "%s", c->id);
	if (c->error)
		page_text(p, ROLE_WARN, 2, width, c->error);
	if (!cert_has_data(c))
		return;
	page_pair(p, LABEL, "Subject", ROLE_VALUE, "%s", c->subject ? c->subject : "");
	page_pair(p, LABEL, "Issuer", ROLE_NORMAL, "%s", c->issuer ? c->issuer : "");
	for (size_t i = 0; i < c->san_count && i < NAMES; i++)
		page_pair(p, LABEL, i ? "" : "Names", ROLE_NORMAL, "%s", c->sans[i]);
	if (c->san_count > NAMES)
		page_pair(p, LABEL, "", ROLE_DIM, "and %zu more", c->san_count - NAMES);
	page_pair(p, LABEL, "From", ROLE_NORMAL, "%s", time_format(c->not_before, stamp, sizeof(stamp)));
	page_pair(p, LABEL, "Until", ROLE_NORMAL, "%s", time_format(c->not_after, stamp, sizeof(stamp)));
	if (c->key_type[0])
		page_pair(p, LABEL, "Key", ROLE_NORMAL, "%s %u bits", c->key_type, c->key_bits);
	if (c->verify)
		page_pair(p, LABEL, "Verified", ROLE_NORMAL, "%s; chain %s", c->verify, chain_words(c->chain));
	if (c->tls_version[0])
		page_pair(p, LABEL, "TLS", ROLE_NORMAL, "%s, OCSP %s", c->tls_version, ocsp_words(c->ocsp));
	if (c->path)
		page_pair(p, LABEL, "File", ROLE_NORMAL, "%s", c->path);
}

/* What a client gets against what it should get. */
static void matches(struct page *p, const struct cert_row *r)
{
	if (!r->served || !cert_has_data(r->served))
		return;
	if (r->stored)
		page_pair(p, LABEL, "Stored", r->served_is_stored ? ROLE_GOOD : ROLE_WARN,
			r->served_is_stored ? "served is the stored one" : "served is not the stored one");
	if (r->file)
		page_pair(p, LABEL, "On disk", r->served_is_file ? ROLE_GOOD : ROLE_WARN,
			r->served_is_file ? "served is the one of the file" : "served is not the one of the file");
}

static void renewal_times(struct page *p, const struct renewal *n, int64_t now)
{
	char words[TIME_BUF], stamp[TIME_BUF];
	bool failed = n->state == RENEWAL_FAILED || n->state == RENEWAL_RETRY;

	if (n->timer_known)
		page_pair(p, LABEL, "Timer", n->timer_active ? ROLE_GOOD : ROLE_BAD,
			n->timer_active ? "active" : "not active");
	if (n->renew_before)
		page_pair(p, LABEL, "When", ROLE_NORMAL, "%s before it ends",
			duration_words(n->renew_before, words, sizeof(words)));
	else if (n->rule)
		page_pair(p, LABEL, "When", ROLE_NORMAL, "%s", n->rule);
	if (n->next != TIME_NONE)
		page_pair(p, LABEL, "Next", ROLE_NORMAL, n->next > now ? "%s, in %s" : "%s, due now",
			time_format(n->next, stamp, sizeof(stamp)),
			duration_words(n->next > now ? n->next - now : 0, words, sizeof(words)));
	if (n->last != TIME_NONE)
		page_pair(p, LABEL, "Last", failed ? ROLE_BAD : ROLE_NORMAL, "%s: %s",
			time_format(n->last, stamp, sizeof(stamp)), renewal_words(n->state));
}

static void who_renews(struct page *p, const struct cert_row *r, int width)
{
	const struct renewal *n = r->renewal;

	page_heading(p, width, "Renewal", NULL);
	if (!n) {
		page_pair(p, LABEL, "By", r->renewed_by == RENEWER_NOBODY ? ROLE_WARN : ROLE_NORMAL, "%s",
			renewer_name(r->renewed_by));
		return;
	}
	page_pair(p, LABEL, "By", ROLE_VALUE, "%s (%s)", renewer_name(r->renewed_by), n->id ? n->id : "");
	if (n->directory)
		page_pair(p, LABEL, "Provider", ROLE_NORMAL, "%s", n->directory);
	if (n->challenge)
		page_pair(p, LABEL, "Challenge", ROLE_NORMAL, "%s", n->challenge);
	if (n->contact)
		page_pair(p, LABEL, "Contact", ROLE_NORMAL, "%s", n->contact);
	renewal_times(p, n, clock_now());
	if (n->reason)
		page_text(p, ROLE_WARN, 2, width, n->reason);
}

void certs_detail(const struct view *v, size_t row, struct page *p, int width)
{
	const struct cert_row *r = certs_row(v, row);

	for (size_t i = 0; i < r->finding_count; i++) {
		page_text(p, certs_role(r->findings[i].level), 0, width, r->findings[i].text);
		if (r->findings[i].cure[0])
			page_text(p, ROLE_NORMAL, 2, width, r->findings[i].cure);
	}
	matches(p, r);
	who_renews(p, r, width);
	one_cert(p, "Served", r->served, width);
	one_cert(p, "Stored", r->stored, width);
	one_cert(p, "On disk", r->file, width);
}
