/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Faults of a name and of who renews it, told once per name: vanished, in no certificate, in two,
 * renewal failed. It must not know of endpoints. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/buf.h"
#include "core/mem.h"
#include "model/cert_join_private.h"

static bool is_listed(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcasecmp(names[i], name))
			return true;
	return false;
}

static bool is_covered(const struct join *j, const char *name, bool valid_only)
{
	for (size_t i = 0; i < j->in->list->count; i++) {
		const struct cert *c = j->in->list->rows[i];

		if (cert_covers(c, name) && (!valid_only || cert_is_valid(c, j->in->now)))
			return true;
	}
	return false;
}

/* A row that is there and can't be read (a file that only another user may read) may still hold the name. */
bool cert_has_vanished(const struct join *j, const struct cert_seen *seen)
{
	if (!j->in->stored_known || cert_pick(j, CERT_STORED, seen->name, NULL))
		return false;
	for (size_t i = 0; i < j->in->list->count; i++) {
		const struct cert *c = j->in->list->rows[i];

		if (c->source == CERT_STORED && !cert_has_data(c) && c->id && !strcmp(c->id, seen->id))
			return false;
	}
	return true;
}

static const struct cert_seen *find_seen(const struct join *j, const char *name)
{
	for (size_t i = 0; i < j->in->seen_count; i++)
		if (!strcasecmp(j->in->seen[i].name, name))
			return &j->in->seen[i];
	return NULL;
}

/* "was stored until 2 h ago (jpp1…, by CN=R10, valid until …)" */
static char *last_seen(const struct join *j, const struct cert_seen *seen)
{
	struct buf b = BUF_INIT;
	char words[TIME_BUF];
	const char *sep = " (";

	buf_adds(&b, "was stored earlier");
	if (seen->seen != TIME_NONE && seen->seen <= j->in->now)
		buf_addf(&b, ", last seen %s ago", duration_words(j->in->now - seen->seen, words, sizeof(words)));
	if (seen->id[0])
		buf_addf(&b, "%s%s", sep, seen->id), sep = ", ";
	if (seen->issuer[0])
		buf_addf(&b, "%sby %s", sep, seen->issuer), sep = ", ";
	if (seen->not_after != TIME_NONE)
		buf_addf(&b, "%svalid until %s", sep, time_format(seen->not_after, words, sizeof(words))), sep = ", ";
	if (sep[0] == ',')
		buf_addc(&b, ')');
	return buf_take(&b, NULL);
}

void cert_rule_vanished(const struct join *j, struct cert_row *row, bool first)
{
	const struct cert_seen *seen = first ? find_seen(j, row->name) : NULL;
	enum cert_action action;
	enum cert_level level = CERT_LEVEL_CRITICAL;
	char *cure, *why, *was;

	if (!seen || !cert_has_vanished(j, seen))
		return;
	if (is_covered(j, row->name, true))
		level = CERT_LEVEL_WARNING; /* something valid is still served or on disk */
	why = cert_renewal_cure(j, row, &action);
	cure = xasprintf("a renewal that failed looks like this; %s", why);
	was = last_seen(j, seen);
	cert_fault_add(row, (struct fault){ FINDING_VANISHED, level, action }, cure,
		"%s; now no stored certificate names it", was);
	free(why);
	free(was);
}

void cert_rule_uncovered(const struct join *j, struct cert_row *row, bool first)
{
	enum cert_action action;
	char *cure;

	if (!first || (row->served && cert_has_data(row->served)) ||
		cert_row_has(row, FINDING_VANISHED) ||
		!is_listed(j->in->names, j->in->name_count, row->name) ||
		!(j->in->stored_known || j->in->probed) || is_covered(j, row->name, false))
		return;
	cure = cert_renewal_cure(j, row, &action);
	free(cure);
	cert_fault_add(row, cert_fault(FINDING_NAME_UNCOVERED, action),
		xasprintf("request a certificate that includes %s", row->name),
		"name in use, in no certificate");
}

/* The SAN by which c covers name: an exact one and a wildcard do not compete, a server takes the
 * exact one. */
static const char *covering_san(const struct cert *c, const char *name)
{
	const char *wild = NULL;

	for (size_t i = 0; i < c->san_count; i++) {
		if (!cert_name_matches(c->sans[i], name))
			continue;
		if (c->sans[i][0] != '*')
			return c->sans[i];
		wild = c->sans[i];
	}
	return wild;
}

void cert_rule_two(const struct join *j, struct cert_row *row, bool first)
{
	const struct cert *a = row->stored;
	const char *san = a ? covering_san(a, row->name) : NULL;

	if (!first || !san)
		return;
	for (size_t i = 0; i < j->in->list->count; i++) {
		const struct cert *b = j->in->list->rows[i], *older;
		const char *other =
			b != a && b->source == CERT_STORED ? covering_san(b, row->name) : NULL;

		if (!other || strcasecmp(san, other) || cert_same(a, b))
			continue;
		older = a->not_after < b->not_after ? a : b;
		cert_fault_add(row, cert_fault(FINDING_TWO_FOR_NAME, CERT_ACTION_NONE),
			xasprintf("remove the one that is not wanted; %s ends first",
				older->id ? older->id : "one"),
			"two stored certificates for this name: %s and %s", a->id ? a->id : "?",
			b->id ? b->id : "?");
		return;
	}
}

void cert_rule_renewal(const struct join *j, struct cert_row *row, bool first)
{
	const struct renewal *r = row->renewal;
	bool can = r && r->by == RENEWER_ACME && j->in->can_renew;

	if (!first || !r)
		return;
	if (r->state == RENEWAL_FAILED || r->state == RENEWAL_RETRY)
		cert_fault_add(row,
			cert_fault(
				FINDING_RENEWAL_FAILED, can ? CERT_ACTION_RENEW : CERT_ACTION_NONE),
			r->by == RENEWER_CERTBOT
				? xasprintf("mend that, then certbot renew --cert-name %s", r->id)
			: can ? xasprintf("mend that, then certs renew %s", row->name)
			      : xstrdup("mend that; the server tries again by itself"),
			"the last renewal by %s failed%s%s", renewer_name(r->by),
			r->reason ? ": " : "", r->reason ? r->reason : "");
	if (r->by == RENEWER_CERTBOT && r->timer_known && !r->timer_active)
		cert_fault_add(row, cert_fault(FINDING_TIMER_INACTIVE, CERT_ACTION_NONE),
			xstrdup("systemctl enable --now certbot.timer"),
			"certbot.timer is not active: nothing will renew it");
}
