/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Export of lists as sets of a firewall, for nft -f and ipset restore. The rows of a list overlap
 * and end at different times; a set of nft holds each address once. So what another row covers for
 * as long is left out, and around a row that outlives the network it lies in that network is
 * written in pieces: every address stays as long as the list says. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "model/formats_export.h"

#define COMMENT_MAX       120     /* bytes of a note: nft takes 128, ipset 255 */
#define IPSET_TIMEOUT_MAX 2147483 /* s */

/* One short line of ASCII without quotes and backslashes, for a comment inside quotes. ipset takes
 * "-exist" for an option even so. */
static void put_comment(struct buf *out, const char *s)
{
	struct buf safe = BUF_INIT;

	if (*s == '-')
		buf_addc(out, '\'');
	text_safe(&safe, s, strlen(s), TEXT_LINE | TEXT_ASCII);
	for (const char *p = buf_str(&safe); *p && p < buf_str(&safe) + COMMENT_MAX; p++)
		buf_addc(out, strchr("\"\\$`", *p) ? '\'' : *p);
	buf_release(&safe);
}

/* ---- rows over rows ---- */

static bool lasts_longer(int64_t a, int64_t b)
{
	return a != b && (a == TIME_NONE || (b != TIME_NONE && a > b));
}

static bool is_exported(const struct item *it, size_t row, int64_t now)
{
	return (!it->chosen || it->chosen[row]) && it->l->rows[row].prefix &&
	       entry_state(it->l, row, now) == ENTRY_ACTIVE;
}

bool export_is_covered(const struct item *it, int64_t now)
{
	uint32_t rows[160];
	size_t n = netset_covering(it->l->index, &it->net, rows, ARRAY_LEN(rows));
	int64_t mine = entry_expires(&it->l->rows[it->row]);

	for (size_t i = 0; i < n && i < ARRAY_LEN(rows); i++) {
		int64_t theirs = entry_expires(&it->l->rows[rows[i]]);
		bool is_wider = it->l->rows[rows[i]].prefix < it->net.prefix;

		if (rows[i] != it->row && is_exported(it, rows[i], now) &&
			!lasts_longer(mine, theirs) &&
			(is_wider || lasts_longer(theirs, mine) || rows[i] < it->row))
			return true;
	}
	return false;
}

/* Whether a row inside net outlives `it`, which is wider. */
static bool has_survivor(const struct item *it, const struct net *net, int64_t now)
{
	uint32_t few[64], *rows = few;
	size_t n = netset_inside(it->l->index, net, rows, ARRAY_LEN(few)), i = 0;
	int64_t mine = entry_expires(&it->l->rows[it->row]);

	if (mine == TIME_NONE)
		return false;
	if (n > ARRAY_LEN(few)) {
		rows = xreallocarray(NULL, n, sizeof(*rows));
		netset_inside(it->l->index, net, rows, n);
	}
	while (i < n &&
		(it->l->rows[rows[i]].prefix <= it->net.prefix || !is_exported(it, rows[i], now) ||
			!lasts_longer(entry_expires(&it->l->rows[rows[i]]), mine)))
		i++;
	if (rows != few)
		free(rows);
	return i < n;
}

/* net itself or a network around it outlives `it`, inside of which they lie. */
static bool is_survivor(const struct item *it, const struct net *net, int64_t now)
{
	uint32_t rows[160];
	size_t n = netset_covering(it->l->index, net, rows, ARRAY_LEN(rows));
	int64_t mine = entry_expires(&it->l->rows[it->row]);

	for (size_t i = 0; i < n && i < ARRAY_LEN(rows); i++)
		if (it->l->rows[rows[i]].prefix > it->net.prefix && is_exported(it, rows[i], now) &&
			lasts_longer(entry_expires(&it->l->rows[rows[i]]), mine))
			return true;
	return false;
}

/* ---- nft ---- */

/* Loading again replaces what was loaded before, in one transaction. */
void export_nft_begin(struct writer *w)
{
	buf_adds(&w->out, "# load with: nft -f FILE; then use @blocked4, @blocked6 in a rule\n"
			  "add table inet stalwarden\n");
	for (size_t i = 0; i < w->list_count; i++) {
		const char *name = export_list_name(w->lists[i].kind);

		for (int family = 4; family <= 6; family += 2)
			buf_addf(&w->out,
				"add set inet stalwarden %s%d { type ipv%d_addr; flags interval, "
				"timeout; }\n"
				"flush set inet stalwarden %s%d\n",
				name, family, family, name, family);
	}
}

/* No part may have more than eight digits. An entry ends in 2106 at the latest: that many days fit.
 */
static void put_nft_time(struct writer *w, int64_t left)
{
	if (left < 100000000)
		buf_addf(&w->out, " timeout %" PRId64 "s", left);
	else
		buf_addf(&w->out, " timeout %" PRId64 "d%" PRId64 "s", left / 86400, left % 86400);
}

static void put_nft(struct writer *w, const struct item *it, const struct net *net)
{
	int64_t left = export_seconds_left(w, it);
	char text[NET_BUF];

	buf_addf(&w->out, "add element inet stalwarden %s%d { %s", export_list_name(it->kind),
		it->net.family, net_format(net, text, sizeof(text)));
	if (left > 0)
		put_nft_time(w, left);
	if (*entry_note(it->l, it->row)) {
		buf_adds(&w->out, " comment \"");
		put_comment(&w->out, entry_note(it->l, it->row));
		buf_addc(&w->out, '"');
	}
	buf_adds(&w->out, " }\n");
	export_flush(w, EXPORT_PIECE);
}

/* The halves of a network, again and again, until nothing that outlives it lies in them. At most
 * 128 deep. */
static void put_nft_pieces(struct writer *w, const struct item *it, const struct net *net)
{
	struct net low = *net, high = *net;

	if (is_survivor(it, net, w->now))
		return;
	if (!has_survivor(it, net, w->now)) {
		put_nft(w, it, net);
		return;
	}
	low.prefix = high.prefix = (uint8_t)(net->prefix + 1);
	high.addr[net->prefix / 8] |= (uint8_t)(0x80 >> net->prefix % 8);
	put_nft_pieces(w, it, &low);
	put_nft_pieces(w, it, &high);
}

void export_nft_item(struct writer *w, const struct item *it)
{
	put_nft_pieces(w, it, &it->net);
}

/* ---- ipset ---- */

static size_t total_rows(const struct writer *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->list_count; i++)
		n += w->lists[i].rows ? w->lists[i].row_count : w->lists[i].list->count;
	return n;
}

void export_ipset_begin(struct writer *w)
{
	size_t max = 65536;

	while (max < total_rows(w))
		max *= 2;
	for (size_t i = 0; i < w->list_count; i++)
		for (int family = 4; family <= 6; family += 2)
			buf_addf(&w->out,
				"create stalwarden-%s%d hash:net family inet%s maxelem %zu timeout "
				"0 comment -exist\n",
				export_list_name(w->lists[i].kind), family, family == 4 ? "" : "6",
				max);
}

void export_ipset_item(struct writer *w, const struct item *it)
{
	int64_t left = export_seconds_left(w, it);

	buf_addf(&w->out, "add stalwarden-%s%d %s", export_list_name(it->kind), it->net.family,
		it->net_text);
	w->tally.shortened += left > IPSET_TIMEOUT_MAX;
	if (left > 0)
		buf_addf(&w->out, " timeout %" PRId64,
			left < IPSET_TIMEOUT_MAX ? left : IPSET_TIMEOUT_MAX);
	if (*entry_note(it->l, it->row)) {
		buf_adds(&w->out, " comment \"");
		put_comment(&w->out, entry_note(it->l, it->row));
		buf_addc(&w->out, '"');
	}
	buf_adds(&w->out, " -exist\n");
}
