/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of the joined table: one for each name at each endpoint, then for what is stored, on disk,
 * in use or vanished and shows at no endpoint. It must not know what is a fault (cert_findings.c).
 */
#include "model/cert_join.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/text.h"
#include "model/cert_join_private.h"

static const char *const action_names[] = {
#define ROW(id, name) name,
	CERT_ACTION_INFO(ROW)
#undef ROW
};

static const struct {
	const char *name;
	enum cert_level level;
} finding_rows[] = {
#define ROW(id, name, level) {name, CERT_LEVEL_##level},
	FINDING_INFO(ROW)
#undef ROW
};

const char *cert_action_name(enum cert_action a)
{
	return a < CERT_ACTION_COUNT ? action_names[a] : "";
}

const char *finding_name(enum finding_kind k)
{
	return k < FINDING_COUNT ? finding_rows[k].name : "";
}

enum cert_level finding_level(enum finding_kind k)
{
	return k < FINDING_COUNT ? finding_rows[k].level : CERT_LEVEL_CRITICAL;
}

const struct cert *cert_row_main(const struct cert_row *row)
{
	if (row->served)
		return row->served;
	return row->stored ? row->stored : row->file;
}

bool cert_row_has(const struct cert_row *row, enum finding_kind kind)
{
	for (size_t i = 0; i < row->finding_count; i++)
		if (row->findings[i].kind == kind)
			return true;
	return false;
}

static bool is_better(const struct cert *a, const struct cert *b, int64_t now)
{
	bool va = cert_is_valid(a, now), vb = cert_is_valid(b, now);

	return va != vb ? va : a->not_after > b->not_after;
}

const struct cert *cert_pick(
	const struct join *j, enum cert_source source, const char *name, const struct cert *served)
{
	const struct cert *best = NULL;

	for (size_t i = 0; i < j->in->list->count; i++) {
		const struct cert *c = j->in->list->rows[i];

		if (c->source != source)
			continue;
		if (served && cert_has_data(served) && cert_has_data(c) && cert_same(c, served))
			return c;
		if (cert_covers(c, name) && (!best || is_better(c, best, j->in->now)))
			best = c;
	}
	return best;
}

static struct cert_row *row_add(struct join *j, const char *name)
{
	struct certtable *t = j->table;
	struct cert_row *row;

	xgrow(&t->rows, &t->cap, t->count + 1, sizeof(*t->rows));
	row = &t->rows[t->count++];
	memset(row, 0, sizeof(*row));
	row->name = xstrdup(name);
	row->days_left = INT64_MIN;
	return row;
}

static bool has_name(const struct certtable *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (!strcasecmp(t->rows[i].name, name))
			return true;
	return false;
}

const char *cert_shown_name(const struct cert *c)
{
	if (c->name)
		return c->name;
	return c->id ? c->id : c->path ? c->path : "?";
}

static bool is_shown(const struct certtable *t, const struct cert *c)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct cert_row *r = &t->rows[i];

		if (r->served == c || r->stored == c || r->file == c)
			return true;
		if (r->served && cert_has_data(r->served) && cert_has_data(c) &&
			cert_same(r->served, c))
			return true;
	}
	return false;
}

static void row_join(struct join *j, struct cert_row *row)
{
	const struct cert *s = row->served;

	if (s && s->other_host)
		row->stored = NULL; /* another host's certificates are not this server's business */
	else
		row->stored = cert_pick(j, CERT_STORED, row->name, s);
	row->file = cert_pick(j, CERT_FILE, row->name, s);
	if (!s || !cert_has_data(s))
		return;
	row->served_is_stored = row->stored && cert_same(row->stored, s);
	row->served_is_file = row->file && cert_same(row->file, s);
}

static void add_served(struct join *j)
{
	for (size_t i = 0; i < j->in->list->count; i++) {
		const struct cert *c = j->in->list->rows[i];
		struct cert_row *row;

		if (c->source != CERT_SERVED || cert_is_folded(j, c))
			continue;
		row = row_add(j, cert_shown_name(c));
		row->served = c;
		row->port = c->port;
		row->endpoint = c->endpoint ? xstrdup(c->endpoint) : NULL;
		row_join(j, row);
	}
}

static void add_name(struct join *j, const char *name)
{
	if (name && *name && !has_name(j->table, name))
		row_join(j, row_add(j, name));
}

static void add_names(struct join *j)
{
	const struct certlist *l = j->in->list;

	for (size_t i = 0; i < j->in->name_count; i++)
		add_name(j, j->in->names[i]);
	for (size_t i = 0; i < j->in->seen_count; i++)
		if (cert_has_vanished(j, &j->in->seen[i]))
			add_name(j, j->in->seen[i].name);
	for (size_t i = 0; i < l->renewal_count; i++) {
		const struct renewal *r = l->renewals[i];

		for (size_t k = 0; r->state == RENEWAL_FAILED && k < r->name_count; k++)
			if (r->names[k][0] != '*')
				add_name(j, r->names[k]);
	}
}

static void add_rest(struct join *j, enum cert_source source)
{
	for (size_t i = 0; i < j->in->list->count; i++) {
		const struct cert *c = j->in->list->rows[i];
		struct cert_row *row;

		if (c->source != source || is_shown(j->table, c) || cert_is_echo(j, c))
			continue;
		row = row_add(j, cert_shown_name(c));
		if (source == CERT_STORED) {
			row->stored = c;
			row->file = cert_pick(j, CERT_FILE, row->name, c);
			if (row->file && !cert_same(row->file, c))
				row->file = NULL;
		} else {
			row->file = c;
		}
	}
}

static bool renewal_covers(const struct renewal *r, const char *name)
{
	for (size_t i = 0; i < r->name_count; i++)
		if (cert_name_matches(r->names[i], name))
			return true;
	return false;
}

static const struct renewal *find_lineage(const struct certlist *l, const char *path)
{
	for (size_t i = 0; path && i < l->renewal_count; i++)
		if (l->renewals[i]->path && !strcmp(l->renewals[i]->path, path))
			return l->renewals[i];
	return NULL;
}

static const struct renewal *find_provider(const struct certlist *l, const char *id)
{
	const char *bare = id && !strncmp(id, "acme.", 5) ? id + 5 : NULL;

	for (size_t i = 0; bare && i < l->renewal_count; i++)
		if (l->renewals[i]->by == RENEWER_ACME && !strcmp(l->renewals[i]->id, bare))
			return l->renewals[i];
	return NULL;
}

static const struct renewal *find_by_name(
	const struct certlist *l, enum renewer by, const char *name)
{
	for (size_t i = 0; i < l->renewal_count; i++)
		if (l->renewals[i]->by == by && renewal_covers(l->renewals[i], name))
			return l->renewals[i];
	return NULL;
}

/* The surest evidence first: the file that is served, the macro's file, the server's own id, then
 * names. What is stored says nothing of a certificate that another program serves from a file. */
static void row_find_renewer(const struct join *j, struct cert_row *row)
{
	const struct certlist *l = j->in->list;
	const struct cert *c = cert_row_main(row), *stored = row->stored;
	bool foreign = row->served && row->served_is_file && !row->served_is_stored;

	if (foreign)
		stored = NULL;
	if (row->file && (row->served_is_file || !stored))
		row->renewal = find_lineage(l, row->file->path);
	if (!row->renewal && stored)
		row->renewal = find_lineage(l, stored->path);
	if (!row->renewal && stored)
		row->renewal = find_provider(l, stored->id);
	if (!row->renewal && !foreign)
		row->renewal = find_by_name(l, RENEWER_ACME, row->name);
	if (!row->renewal)
		row->renewal = find_by_name(l, RENEWER_CERTBOT, row->name);
	if (row->renewal)
		row->renewed_by = row->renewal->by;
	else if (stored && stored->id && !strncmp(stored->id, "acme.", 5))
		row->renewed_by =
			RENEWER_ACME; /* its provider could not be read, but the server wrote it */
	else
		row->renewed_by =
			c && cert_has_data(c) && !c->self_signed ? RENEWER_MANUAL : RENEWER_NOBODY;
}

static enum cert_status row_status(const struct join *j, const struct cert_row *row)
{
	const struct cert *c = cert_row_main(row);
	enum cert_status s = CERT_STATUS_MISSING;

	if (c)
		s = cert_status(c, j->in->now, j->warn_ms, j->crit_ms);
	if (!c || !row->served || s == CERT_STATUS_EXPIRED || s == CERT_STATUS_SELF_SIGNED)
		return s;
	if (cert_row_has(row, FINDING_STALE_SERVED) || cert_row_has(row, FINDING_FILE_NOT_LOADED))
		return CERT_STATUS_MISMATCH;
	return s;
}

static int cmp_finding(const void *pa, const void *pb)
{
	const struct finding *a = pa, *b = pb;

	if (a->level != b->level)
		return a->level > b->level ? -1 : 1;
	return (a->kind > b->kind) - (a->kind < b->kind);
}

static void row_judge(struct join *j, struct cert_row *row, bool first_of_name)
{
	const struct cert *c = cert_row_main(row);

	row_find_renewer(j, row);
	if (c)
		row->days_left = cert_days_left(c, j->in->now);
	cert_find_faults(j, row, first_of_name);
	if (row->finding_count > 1)
		qsort(row->findings, row->finding_count, sizeof(*row->findings), cmp_finding);
	row->level = row->finding_count ? row->findings[0].level : CERT_LEVEL_OK;
	row->status = row_status(j, row);
}

static bool is_first_of_name(const struct certtable *t, size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (!strcasecmp(t->rows[i].name, t->rows[row].name))
			return false;
	return true;
}

static int cmp_row(const void *pa, const void *pb)
{
	const struct cert_row *a = pa, *b = pb;
	int d;

	if (a->level != b->level)
		return a->level > b->level ? -1 : 1;
	d = strcasecmp(a->name, b->name);
	if (d)
		return d;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return strcmp(a->endpoint ? a->endpoint : "", b->endpoint ? b->endpoint : "");
}

static void item_add(struct certtable *t, const struct cert *c, enum cert_status status, size_t row)
{
	struct cert_item *item;

	xgrow(&t->items, &t->item_cap, t->item_count + 1, sizeof(*t->items));
	item = &t->items[t->item_count++];
	item->cert = c;
	item->source = c ? c->source : CERT_STORED;
	item->name = c ? cert_shown_name(c) : t->rows[row].name;
	item->status = status;
	item->renewed_by = t->rows[row].renewed_by;
	item->row = row;
}

/* The row that shows c itself, else one of its name, else one that serves the same certificate. */
static size_t row_of(const struct certtable *t, const struct cert *c)
{
	size_t same = SIZE_MAX;

	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].served == c || t->rows[i].stored == c || t->rows[i].file == c)
			return i;
	for (size_t i = 0; i < t->count; i++) {
		const struct cert_row *r = &t->rows[i];

		if (c->source == CERT_SERVED && !strcasecmp(r->name, cert_shown_name(c)))
			return i;
		if (r->served && cert_has_data(r->served) && cert_has_data(c) &&
			cert_same(r->served, c))
			same = same == SIZE_MAX ? i : same;
	}
	return same == SIZE_MAX ? 0 : same;
}

static bool has_row(const struct certtable *t, const struct cert *c)
{
	for (size_t i = 0; c->source == CERT_SERVED && i < t->count; i++)
		if (t->rows[i].served == c)
			return true;
	return false;
}

static void make_items(const struct join *j)
{
	struct certtable *t = j->table;
	static const enum cert_source order[] = {CERT_SERVED, CERT_STORED, CERT_FILE};

	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].served)
			item_add(t, t->rows[i].served, t->rows[i].status, i);
	for (size_t s = 0; s < ARRAY_LEN(order); s++)
		for (size_t i = 0; i < j->in->list->count; i++) {
			const struct cert *c = j->in->list->rows[i];
			enum cert_status own = cert_status(c, j->in->now, j->warn_ms, j->crit_ms);

			if (c->source == order[s] && !has_row(t, c) && !cert_is_echo(j, c))
				item_add(t, c, own, row_of(t, c));
		}
	for (size_t i = 0; i < t->count; i++)
		if (!cert_row_main(&t->rows[i]))
			item_add(t, NULL, CERT_STATUS_MISSING, i);
}

struct certtable *cert_join(const struct cert_join *in)
{
	struct join j = {in, xcalloc(1, sizeof(struct certtable)), in->warn_ms, in->crit_ms};

	if (!j.warn_ms)
		j.warn_ms = CERT_WARN_MS;
	if (!j.crit_ms)
		j.crit_ms = CERT_CRIT_MS;
	add_served(&j);
	add_names(&j);
	add_rest(&j, CERT_STORED);
	add_rest(&j, CERT_FILE);
	for (size_t i = 0; i < j.table->count; i++)
		row_judge(&j, &j.table->rows[i], is_first_of_name(j.table, i));
	if (j.table->count > 1)
		qsort(j.table->rows, j.table->count, sizeof(*j.table->rows), cmp_row);
	make_items(&j);
	return j.table;
}

static void row_release(struct cert_row *row)
{
	for (size_t i = 0; i < row->finding_count; i++) {
		free(row->findings[i].text);
		free(row->findings[i].cure);
	}
	free(row->findings);
	free(row->name);
	free(row->endpoint);
}

void certtable_free(struct certtable *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		row_release(&t->rows[i]);
	free(t->rows);
	free(t->items);
	free(t);
}

ptrdiff_t certtable_find(const struct certtable *t, const char *name, uint16_t port)
{
	for (size_t i = 0; i < t->count; i++)
		if (!strcasecmp(t->rows[i].name, name) && (!port || t->rows[i].port == port))
			return (ptrdiff_t)i;
	return -1;
}
