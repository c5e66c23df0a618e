/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Export of lists. What servers and attackers wrote (keys, notes) leaves as safe text only: in JSON
 * everything beyond plain ASCII is escaped, elsewhere it goes through text_safe(). Addresses are
 * printed from their bytes, never copied. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/formats_export.h"

#define CSCLI_FOR_EVER "87600h" /* cscli takes no "for ever", and an empty duration as 4h */

void export_flush(struct writer *w, size_t above)
{
	if (w->out.len <= above || w->failed)
		return;
	w->failed = !w->fn(w->arg, w->out.data, w->out.len);
	buf_reset(&w->out);
}

/* ---- pieces of text ---- */

static void put_json_code(struct buf *out, uint32_t cp)
{
	if (cp >= 0x10000 && cp <= 0x10ffff)
		buf_addf(out, "\\u%04x\\u%04x", 0xd800 + ((cp - 0x10000) >> 10),
			0xdc00 + (cp & 0x3ff));
	else
		buf_addf(out, "\\u%04x", cp <= 0xffff ? cp : 0xfffd);
}

static void put_json_text(struct buf *out, const char *s)
{
	size_t len = strlen(s);

	buf_addc(out, '"');
	while (len) {
		uint32_t cp;
		size_t n = (size_t)text_char(s, len, &cp, NULL); /* U+FFFD for what is not UTF-8 */

		if (cp == '"' || cp == '\\')
			buf_addf(out, "\\%c", (char)cp);
		else if (cp >= 0x20 && cp < 0x7f)
			buf_addc(out, (char)cp);
		else
			put_json_code(out, cp);
		s += n;
		len -= n;
	}
	buf_addc(out, '"');
}

/* RFC 4180: quoted when it has to be. What a spreadsheet would take for a formula begins with an
 * apostrophe, which it shows as text and the import takes away again. */
static void put_csv_text(struct buf *out, const char *s)
{
	struct buf safe = BUF_INIT;

	if (csv_is_formula(s, strlen(s)))
		buf_addc(&safe, '\'');
	text_safe(&safe, s, strlen(s), TEXT_LINE);
	const char *p = buf_str(&safe);
	if (!p[strcspn(p, ",\"\r\n;\t")] && *p != ' ' && *p != '#' &&
		(!*p || p[strlen(p) - 1] != ' ')) {
		buf_adds(out, p);
	} else {
		buf_addc(out, '"');
		for (; *p; p++) {
			if (*p == '"')
				buf_addc(out, '"');
			buf_addc(out, *p);
		}
		buf_addc(out, '"');
	}
	buf_release(&safe);
}

const char *export_list_name(enum list_kind k)
{
	return k == LIST_ALLOWED ? "allowed" : "blocked";
}

static const char *kind_name(const struct item *it)
{
	return !it->net.family ? "" : net_is_address(&it->net) ? "address" : "network";
}

/* The key as it is when it can't be understood, else the address in its one right form. */
static const char *address_text(const struct item *it)
{
	return it->net.family ? it->net_text : entry_key(it->l, it->row);
}

static const char *covered_by(const struct writer *w, const struct item *it, char *out, size_t size)
{
	ptrdiff_t row = it->net.family
				? entrylist_covering(it->l, &it->net, (ptrdiff_t)it->row, w->now)
				: -1;
	struct net n;

	out[0] = '\0';
	if (row < 0)
		return out;
	entry_net(&it->l->rows[row], &n);
	return net_format(&n, out, size);
}

int64_t export_seconds_left(const struct writer *w, const struct item *it)
{
	int64_t expires = entry_expires(&it->l->rows[it->row]);

	return expires == TIME_NONE ? 0 : (expires - w->now + 999) / 1000;
}

/* ---- formats ---- */

static void csv_begin(struct writer *w)
{
	buf_adds(&w->out, "address,family,kind,reason,note,created_at,expires_at,state,covered_by,"
			  "origin,list\n");
}

static void csv_item(struct writer *w, const struct item *it)
{
	const struct entry *e = &it->l->rows[it->row];
	char t[TIME_BUF], net[NET_BUF];
	struct buf *b = &w->out;

	put_csv_text(b, address_text(it));
	buf_addf(b, ",%s,%s,%s,",
		it->net.family == 4   ? "4"
		: it->net.family == 6 ? "6"
				      : "",
		kind_name(it), reason_text((enum reason)e->reason));
	put_csv_text(b, entry_note(it->l, it->row));
	buf_addf(b, ",%s,", time_format(entry_created(e), t, sizeof(t)));
	buf_addf(b, "%s,%s,%s,%s,%s\n", time_format(entry_expires(e), t, sizeof(t)),
		entry_state_text(it->state), covered_by(w, it, net, sizeof(net)),
		origin_text((enum origin)e->origin), export_list_name(it->kind));
}

/* A time or null. */
static void put_json_time(struct buf *b, const char *name, int64_t time)
{
	char t[TIME_BUF];

	if (time == TIME_NONE)
		buf_addf(b, ",\"%s\":null", name);
	else
		buf_addf(b, ",\"%s\":\"%s\"", name, time_format(time, t, sizeof(t)));
}

static void put_json_object(struct writer *w, const struct item *it)
{
	const struct entry *e = &it->l->rows[it->row];
	char net[NET_BUF];
	struct buf *b = &w->out;

	buf_adds(b, "{\"address\":");
	put_json_text(b, address_text(it));
	if (it->net.family)
		buf_addf(b, ",\"family\":%d,\"kind\":\"%s\"", it->net.family, kind_name(it));
	else
		buf_adds(b, ",\"family\":null,\"kind\":null");
	buf_addf(b, ",\"reason\":\"%s\",\"note\":", reason_text((enum reason)e->reason));
	put_json_text(b, entry_note(it->l, it->row));
	put_json_time(b, "created_at", entry_created(e));
	put_json_time(b, "expires_at", entry_expires(e));
	buf_addf(b, ",\"state\":\"%s\"", entry_state_text(it->state));
	if (*covered_by(w, it, net, sizeof(net)))
		buf_addf(b, ",\"covered_by\":\"%s\"", net);
	else
		buf_adds(b, ",\"covered_by\":null");
	buf_addf(b, ",\"origin\":\"%s\",\"list\":\"%s\"}", origin_text((enum origin)e->origin),
		export_list_name(it->kind));
}

static void json_begin(struct writer *w)
{
	buf_adds(&w->out, "[");
}

static void json_item(struct writer *w, const struct item *it)
{
	buf_adds(&w->out, w->tally.written ? ",\n" : "\n");
	put_json_object(w, it);
}

static void json_end(struct writer *w)
{
	buf_adds(&w->out, w->tally.written ? "\n]\n" : "]\n");
}

static void ndjson_item(struct writer *w, const struct item *it)
{
	put_json_object(w, it);
	buf_addc(&w->out, '\n');
}

static void values_item(struct writer *w, const struct item *it)
{
	buf_addf(&w->out, "%s\n", it->net_text);
}

static void cscli_begin(struct writer *w)
{
	buf_adds(&w->out, "duration,scope,type,value,reason\n");
}

static void cscli_item(struct writer *w, const struct item *it)
{
	int64_t left = export_seconds_left(w, it);
	const char *note = entry_note(it->l, it->row);

	if (left > 0)
		buf_addf(&w->out, "%" PRId64 "s", left);
	else
		buf_adds(&w->out, CSCLI_FOR_EVER);
	buf_addf(&w->out, ",%s,ban,%s,", net_is_address(&it->net) ? "ip" : "range", it->net_text);
	put_csv_text(&w->out, *note ? note : reason_text((enum reason)it->l->rows[it->row].reason));
	buf_addc(&w->out, '\n');
}

/* A shell script: IPv4 and IPv6 rules belong to two programs. */
static void iptables_item(struct writer *w, const struct item *it)
{
	buf_addf(&w->out, "ip%stables -I INPUT -s %s -j %s\n", it->net.family == 6 ? "6" : "",
		it->net_text, it->kind == LIST_ALLOWED ? "ACCEPT" : "DROP");
}

/* holds_all: also malformed and expired entries. sets: no overlaps, no /0. */
static const struct {
	void (*begin)(struct writer *w);
	void (*item)(struct writer *w, const struct item *it);
	void (*end)(struct writer *w);
	bool holds_all, is_set;
} exporters[] = {
	[FORMAT_CSV] = {csv_begin, csv_item, NULL, true, false},
	[FORMAT_JSON] = {json_begin, json_item, json_end, true, false},
	[FORMAT_NDJSON] = {NULL, ndjson_item, NULL, true, false},
	[FORMAT_VALUES] = {NULL, values_item, NULL, false, false},
	[FORMAT_CSCLI] = {cscli_begin, cscli_item, NULL, false, false},
	[FORMAT_NFT] = {export_nft_begin, export_nft_item, NULL, false, true},
	[FORMAT_IPSET] = {export_ipset_begin, export_ipset_item, NULL, false, true},
	[FORMAT_IPTABLES] = {NULL, iptables_item, NULL, false, false},
};
_Static_assert(
	ARRAY_LEN(exporters) == FORMAT_COUNT, "a writer for every format that can be written");

/* NULL, or the count of what keeps this entry out. */
static size_t *obstacle(enum format format, struct writer *w, const struct item *it)
{
	if (exporters[format].holds_all)
		return NULL;
	if (it->state == ENTRY_MALFORMED)
		return &w->tally.malformed;
	if (it->state != ENTRY_ACTIVE)
		return &w->tally.over;
	/* CrowdSec decisions are bans: an allowed address must never be told as one. */
	if (format == FORMAT_CSCLI && it->kind == LIST_ALLOWED)
		return &w->tally.allowed;
	if (exporters[format].is_set && !it->net.prefix)
		return &w->tally.too_wide;
	return exporters[format].is_set && export_is_covered(it, w->now) ? &w->tally.covered : NULL;
}

static void put_row(struct writer *w, enum format format, const struct export_list *list,
	const bool *chosen, size_t row)
{
	struct item it = {.l = list->list, .kind = list->kind, .row = row, .chosen = chosen};
	size_t *out;

	entry_net(&it.l->rows[row], &it.net);
	net_format(&it.net, it.net_text, sizeof(it.net_text));
	it.state = entry_state(it.l, row, w->now);
	if ((out = obstacle(format, w, &it))) {
		(*out)++;
		return;
	}
	exporters[format].item(w, &it);
	w->tally.written++;
	w->tally.endless += (format == FORMAT_VALUES || format == FORMAT_IPTABLES) &&
			    entry_expires(&it.l->rows[row]) != TIME_NONE;
	export_flush(w, EXPORT_PIECE);
}

static void put_list(struct writer *w, enum format format, const struct export_list *list)
{
	size_t rows = list->rows ? list->row_count : list->list->count;
	bool *chosen = list->rows ? xcalloc(list->list->count + 1, sizeof(*chosen)) : NULL;

	for (size_t k = 0; chosen && k < rows; k++)
		chosen[list->rows[k]] = true;
	for (size_t k = 0; k < rows && !w->failed; k++)
		put_row(w, format, list, chosen, list->rows ? list->rows[k] : k);
	free(chosen);
}

const char *export_tally_text(const struct export_tally *t, char *out, size_t size)
{
	const struct {
		size_t n;
		const char *words;
	} parts[] = {
		{t->over, "over already"},
		{t->malformed, "malformed"},
		{t->covered, "covered by another entry"},
		{t->allowed, "allowed, which this format can't say"},
		{t->too_wide, "wider than a set can hold"},
	};
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i].n && at < size)
			at += (size_t)snprintf(out + at, size - at, "%s%zu %s",
				at ? ", " : "left out: ", parts[i].n, parts[i].words);
	if (t->endless && at < size)
		at += (size_t)snprintf(out + at, size - at, "%s%zu lose their end: the format has none",
			at ? "; " : "", t->endless);
	if (t->shortened && at < size)
		snprintf(out + at, size - at,
			"%s%zu end sooner than they should: the format counts no further",
			at ? "; " : "", t->shortened);
	return out;
}

bool export_lists(enum format format, const struct export_list *lists, size_t n, int64_t now,
	export_fn fn, void *arg, struct export_tally *tally, struct err *err)
{
	struct writer w = {.fn = fn, .arg = arg, .now = now, .lists = lists, .list_count = n};

	if (!format_can_write(format) || !exporters[format].item)
		return err_set(err, ERR_USAGE,
			"%s can't be written; formats are csv json ndjson values cscli nft ipset "
			"iptables",
			format_name(format));
	buf_init(&w.out, 0);
	if (exporters[format].begin)
		exporters[format].begin(&w);
	for (size_t i = 0; i < n; i++) {
		put_list(&w, format, &lists[i]);
	}
	if (exporters[format].end)
		exporters[format].end(&w);
	export_flush(&w, 0);
	buf_release(&w.out);
	if (tally)
		*tally = w.tally;
	return !w.failed || err_set(err, ERR_IO, "the export was stopped by its receiver");
}
