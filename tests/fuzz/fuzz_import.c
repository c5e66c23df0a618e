/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Imports: the first byte chooses format and split; whole and in pieces the rows are the same; what
 * goes in comes out. */
#include "core/mem.h"
#include "core/text.h"
#include "model/formats.h"
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1795168800000)

static struct import *read_pieces(enum format format, const char *s, size_t len, size_t piece)
{
	struct import *im = import_new(format, NOW);

	for (size_t at = 0; at < len; at += piece)
		import_feed(im, s + at, len - at < piece ? len - at : piece);
	import_finish(im);
	return im;
}

static bool collect(void *arg, const char *data, size_t len)
{
	return buf_add(arg, data, len);
}

/* The rows as a list, written and read again: every one is there. */
static void round_trip(const struct import *im)
{
	struct entrylist *l = entrylist_new();
	struct export_list list = {l, LIST_BLOCKED, NULL, 0};
	struct buf out = BUF_INIT;
	char net[NET_BUF];

	for (size_t i = 0; i < im->count; i++) {
		const char *note = import_note(im, &im->rows[i]);

		net_format(&im->rows[i].net, net, sizeof(net));
		entrylist_add(l, net, strlen(net), note, strlen(note), NULL,
			(enum reason)im->rows[i].reason, ORIGIN_OPERATOR, im->rows[i].created,
			im->rows[i].expires);
	}
	entrylist_finish(l);
	MUST(!l->malformed);
	MUST(export_lists(FORMAT_NDJSON, &list, 1, NOW, collect, &out, NULL, NULL));
	struct import *again = read_pieces(FORMAT_NDJSON, buf_str(&out), out.len, 4096);
	MUST(!again->bad_total && again->count + again->duplicates == l->count);
	for (size_t i = 0; i < again->count; i++)
		MUST(entrylist_find(l, &again->rows[i].net) >= 0);
	import_free(again);
	buf_release(&out);
	entrylist_free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	enum format format = (enum format)(data[0] % FORMAT_COUNT);
	size_t piece = 1 + data[0] / FORMAT_COUNT;
	const char *s = (const char *)data + 1;

	struct import *whole = read_pieces(format, s, size - 1, size);
	struct import *cut = read_pieces(format, s, size - 1, piece);
	MUST(whole->count == cut->count && whole->bad_total == cut->bad_total &&
		whole->lines == cut->lines);
	for (size_t i = 0; i < whole->count; i++) {
		MUST(net_equal(&whole->rows[i].net, &cut->rows[i].net) &&
			whole->rows[i].line == cut->rows[i].line);
		MUST(whole->rows[i].net.family == 4 || whole->rows[i].net.family == 6);
	}
	for (size_t i = 0; i < whole->bad_count; i++) {
		const char *text = import_text(whole, whole->bad[i].text),
			   *why = import_text(whole, whole->bad[i].why);

		MUST(*why && text_is_safe(text, strlen(text)) && text_is_safe(why, strlen(why)));
	}
	round_trip(whole);
	import_merge(whole);
	import_free(whole);
	import_free(cut);
	return 0;
}
