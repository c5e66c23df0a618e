/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What gets no row of its own in the joined table, because another row says it. It must not know what is a fault. */
#include <string.h>
#include <strings.h>

#include "model/cert_join_private.h"

static bool is_covered(const struct join *j, const char *name)
{
	for (size_t i = 0; i < j->in->list->count; i++)
		if (cert_covers(j->in->list->rows[i], name))
			return true;
	return false;
}

static bool is_listed(const struct join *j, const char *name)
{
	for (size_t i = 0; i < j->in->name_count; i++)
		if (!strcasecmp(j->in->names[i], name))
			return true;
	return false;
}

static bool is_closed(const struct cert *c)
{
	return c->optional && c->refused && !cert_has_data(c);
}

/* Nobody listens at a default endpoint, and the name has another row: nothing is lost. */
static bool is_closed_default(const struct join *j, const struct cert *c)
{
	bool before = true;

	if (!is_closed(c))
		return false;
	for (size_t i = 0; i < j->in->list->count; i++) {
		const struct cert *other = j->in->list->rows[i];

		before = before && other != c;
		if (other->source == CERT_SERVED && (cert_has_data(other) || (before && is_closed(other))) &&
			!strcasecmp(cert_shown_name(other), cert_shown_name(c)))
			return true;
	}
	return is_listed(j, cert_shown_name(c));
}

/* A name that is in no certificate at all is one row, not one for each default endpoint; unless
 * none of the names is in any, for then the endpoints are the news. */
static bool is_collapsed(const struct join *j, const struct cert *c)
{
	bool listed = false, another = false;

	if (!c->optional || !cert_has_data(c) || is_covered(j, cert_shown_name(c)))
		return false;
	for (size_t i = 0; i < j->in->name_count; i++) {
		bool same = !strcasecmp(j->in->names[i], cert_shown_name(c));

		listed |= same;
		another |= !same && is_covered(j, j->in->names[i]);
	}
	return listed && another;
}

bool cert_is_folded(const struct join *j, const struct cert *c)
{
	return is_collapsed(j, c) || is_closed_default(j, c);
}

/* A file that a stored row names and that can't be read from here: that row says so already. */
bool cert_is_echo(const struct join *j, const struct cert *c)
{
	if (c->source != CERT_FILE || cert_has_data(c) || !c->path)
		return false;
	for (size_t i = 0; i < j->in->list->count; i++) {
		const struct cert *s = j->in->list->rows[i];

		if (s->source == CERT_STORED && s->path && !strcmp(s->path, c->path))
			return true;
	}
	return false;
}
