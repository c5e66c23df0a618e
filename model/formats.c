/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formats: their names, what a text looks like, and the road of bytes to the reader of their
 * format. */
#include "model/formats.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "model/formats_private.h"

#define GUESS_BYTES    4096
#define LINE_MAX_BYTES ((size_t)16 << 20) /* fail2ban prints a jail's addresses as one line */
#define TEXT_MAX_BYTES ((size_t)2 << 30)

static const struct {
	const char *name, *words;
	bool can_read, can_write;
} formats[] = {
#define FORMAT_ROW(id, n, in, out, w) [FORMAT_##id] = {n, w, in, out},
	FORMAT_INFO(FORMAT_ROW)
#undef FORMAT_ROW
};

const char *format_name(enum format f)
{
	return f < FORMAT_COUNT ? formats[f].name : "";
}

const char *format_words(enum format f)
{
	return f < FORMAT_COUNT ? formats[f].words : "";
}

bool format_can_read(enum format f)
{
	return f < FORMAT_COUNT && formats[f].can_read;
}

bool format_can_write(enum format f)
{
	return f < FORMAT_COUNT && formats[f].can_write;
}

bool format_parse(const char *s, enum format *out)
{
	for (int f = 0; f < FORMAT_COUNT; f++) {
		if (!strcmp(s, formats[f].name)) {
			*out = (enum format)f;
			return true;
		}
	}
	return false;
}

/* ---- guessing ---- */

static struct slice next_line(struct slice *s)
{
	const char *nl = s->len ? memchr(s->p, '\n', s->len) : NULL;

	if (!nl && s->len)
		nl = memchr(s->p, '\r', s->len);
	struct slice line = {s->p, nl ? (size_t)(nl - s->p) : s->len};

	s->len -= nl ? line.len + 1 : line.len;
	s->p = nl ? nl + 1 : s->p;
	while (line.len && isspace((unsigned char)line.p[0])) {
		line.p++;
		line.len--;
	}
	while (line.len && isspace((unsigned char)line.p[line.len - 1]))
		line.len--;
	return line;
}

static bool is_comment(struct slice line)
{
	return !line.len || line.p[0] == '#' || line.p[0] == ';';
}

/* Lines that only one format begins with. */
static const struct {
	const char *start;
	enum format format;
} starts[] = {
	{"table ", FORMAT_NFT},
	{"nft ", FORMAT_NFT},
	{"add element ", FORMAT_NFT},
	{"add table ", FORMAT_NFT},
	{"add set ", FORMAT_NFT},
	{"set ", FORMAT_NFT},
	{"elements", FORMAT_NFT},
	{"flush ruleset", FORMAT_NFT},
	{"flush set ", FORMAT_NFT},
	{"create element ", FORMAT_NFT},
	{"ipset ", FORMAT_IPSET},
	{"create ", FORMAT_IPSET},
	{"add ", FORMAT_IPSET},
	{"Name: ", FORMAT_IPSET},
	{"Members:", FORMAT_IPSET},
	{"flush ", FORMAT_IPSET},
	{"*filter", FORMAT_IPTABLES},
	{"*raw", FORMAT_IPTABLES},
	{"*nat", FORMAT_IPTABLES},
	{"*mangle", FORMAT_IPTABLES},
	{"*security", FORMAT_IPTABLES},
	{"Chain ", FORMAT_IPTABLES},
	{"-A ", FORMAT_IPTABLES},
	{"-I ", FORMAT_IPTABLES},
	{"iptables ", FORMAT_IPTABLES},
	{"ip6tables ", FORMAT_IPTABLES},
	{"Status for the jail", FORMAT_FAIL2BAN},
	{":INPUT ", FORMAT_IPTABLES},
	{"-N ", FORMAT_IPTABLES},
	{"-P ", FORMAT_IPTABLES},
};

static bool has_text(struct slice s, const char *what)
{
	return s.len && memmem(s.p, s.len, what, strlen(what)) != NULL;
}

static bool has_only_addresses(struct slice s)
{
	struct slice word = slice_word(&s);
	struct net n;

	for (; word.len; word = slice_word(&s))
		if (!net_parse(word.p, word.len, &n, NULL))
			return false;
	return true;
}

/* A comma, or a semicolon that begins no comment ("192.0.2.0/24 ; SBL1"). A tab may stand in any
 * program's table. */
static bool has_separator(struct slice line)
{
	const char *semicolon = memchr(line.p, ';', line.len);

	return memchr(line.p, ',', line.len) ||
	       (semicolon && semicolon > line.p && !isspace((unsigned char)semicolon[-1]));
}

/* A line with separators: csv when its words are column names, or addresses beside something else.
 */
static enum format guess_columns(struct slice line)
{
	bool scope = false, is_header = false, other = false;
	size_t addresses = 0;

	for (size_t i = 0; i <= line.len;) {
		size_t end = i;

		while (end < line.len && !strchr(",;\t", line.p[end]))
			end++;
		struct slice word = slice_trim((struct slice){line.p + i, end - i});
		enum field field = field_of(word.p, word.len);
		is_header |= field == FIELD_ADDRESS;
		scope |= field == FIELD_SCOPE || slice_is_fold(word, "events_count");
		if (has_only_addresses(word))
			addresses++;
		else
			other = true;
		i = end + 1;
	}
	if (is_header)
		return scope ? FORMAT_CSCLI : FORMAT_CSV;
	return addresses && other && has_separator(line) ? FORMAT_CSV : FORMAT_VALUES;
}

enum format format_guess(const char *s, size_t len)
{
	struct slice rest = {s, len}, line;

	if (slice_starts(rest, "\xef\xbb\xbf"))
		rest = (struct slice){s + 3, len - 3};
	do
		line = next_line(&rest);
	while (is_comment(line) && rest.len);
	if (!line.len)
		return FORMAT_VALUES;
	if (slice_starts(line, "['") || slice_starts(line, "[{'"))
		return FORMAT_FAIL2BAN; /* `fail2ban-client banned` */
	if (line.p[0] == '[' || slice_is(line, "null"))
		return FORMAT_JSON;
	if (line.p[0] == '{') {
		bool is_whole = line.p[line.len - 1] == '}';

		do
			line = next_line(&rest);
		while (!line.len && rest.len);
		return is_whole && line.len && line.p[0] == '{' ? FORMAT_NDJSON : FORMAT_JSON;
	}
	line = import_command(line);
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (slice_starts(line, starts[i].start))
			return starts[i].format;
	if (has_text(line, " + ") && has_text(line, " = "))
		return FORMAT_FAIL2BAN;
	return guess_columns(line);
}

/* ---- reading ---- */

static const struct reader *const readers[] = {
	[FORMAT_CSV] = &reader_csv,
	[FORMAT_JSON] = &reader_json,
	[FORMAT_NDJSON] = &reader_ndjson,
	[FORMAT_VALUES] = &reader_values,
	[FORMAT_CSCLI] = &reader_csv,
	[FORMAT_FAIL2BAN] = &reader_fail2ban,
	[FORMAT_NFT] = &reader_nft,
	[FORMAT_IPSET] = &reader_ipset,
	[FORMAT_IPTABLES] = &reader_iptables,
};
_Static_assert(ARRAY_LEN(readers) == FORMAT_COUNT, "a reader for every format");

struct import *import_new(enum format format, int64_t now)
{
	struct import *im = xcalloc(1, sizeof(*im));
	struct importer *st = xcalloc(1, sizeof(*st));

	im->format = format;
	im->state = st;
	st->now = now;
	st->line = 1;
	st->set_list = LIST_COUNT;
	buf_init(&im->text, TEXT_MAX_BYTES);
	buf_add(&im->text, "", 1); /* offset 0 is "none" */
	buf_init(&st->pending, (size_t)512 << 20);
	buf_init(&st->record, 0);
	buf_init(&st->scratch, LINE_MAX_BYTES);
	buf_init(&st->element, 0);
	return im;
}

void import_free(struct import *im)
{
	if (!im)
		return;
	import_state_release(im->state);
	free(im->state);
	free(im->rows);
	free(im->bad);
	buf_release(&im->text);
	free(im);
}

static void give_line(struct import *im, const char *s, size_t len)
{
	if (len && s[len - 1] == '\r')
		len--;
	im->state->reader->line(im, s, len);
	im->state->line++;
}

/* Whole lines straight from the caller's bytes; only what crosses a piece is copied. */
static void feed_lines(struct import *im, const char *s, size_t len)
{
	struct importer *st = im->state;
	const char *end = s + len, *nl;

	while (s < end && (nl = memchr(s, st->newline, (size_t)(end - s)))) {
		if (st->is_skipping) {
			st->is_skipping = false;
			st->line++;
		} else if (st->pending.len) {
			buf_add(&st->pending, s, (size_t)(nl - s));
			give_line(im, st->pending.data, st->pending.len);
			buf_reset(&st->pending);
		} else {
			give_line(im, s, (size_t)(nl - s));
		}
		s = nl + 1;
	}
	if (s == end || st->is_skipping)
		return;
	buf_add(&st->pending, s, (size_t)(end - s));
	if (st->pending.len > LINE_MAX_BYTES) {
		import_bad_add(
			im, st->line, st->pending.data, 40, "the line is longer than 16 MiB");
		buf_reset(&st->pending);
		st->is_skipping = true;
	}
}

static void feed_reader(struct import *im, const char *s, size_t len)
{
	if (im->state->reader->bytes)
		im->state->reader->bytes(im, s, len);
	else
		feed_lines(im, s, len);
}

static void skip_line(struct import *im, const char *s, size_t len)
{
	(void)im, (void)s, (void)len;
}

static const struct reader reader_none = {.bytes = skip_line};

/* How files begin that hold no text of ours, and what to do with them. */
static const struct {
	const char *magic;
	size_t len;
	const char *why;
} foreign[] = {
#define MAGIC(text) text, sizeof(text) - 1
	{MAGIC("\x1f\x8b"), "this is compressed; pipe it in: zcat FILE | stalwarden import -"},
	{MAGIC("\xfd" "7zXZ"), "this is compressed; pipe it in: xzcat FILE | stalwarden import -"},
	{MAGIC("BZh"), "this is compressed; pipe it in: bzcat FILE | stalwarden import -"},
	{MAGIC("\x28\xb5\x2f\xfd"), "this is compressed; pipe it in: zstdcat FILE | stalwarden import -"},
	{MAGIC("PK\x03\x04"), "this is a zip archive or a spreadsheet; save it as CSV"},
	{MAGIC("\xd0\xcf\x11\xe0"), "this is a spreadsheet; save it as CSV"},
	{MAGIC("\xff\xfe"), "this is UTF-16; pipe it in: iconv -f UTF-16 -t UTF-8 FILE | stalwarden import -"},
	{MAGIC("\xfe\xff"), "this is UTF-16; pipe it in: iconv -f UTF-16 -t UTF-8 FILE | stalwarden import -"},
	{MAGIC("\x7f" "ELF"), "this is a program"},
	{MAGIC("SQLite format 3"), "this is a database; take what its program exports"},
#undef MAGIC
};

static bool is_foreign(struct import *im, const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		if (len < foreign[i].len || memcmp(s, foreign[i].magic, foreign[i].len) != 0)
			continue;
		im->state->line++;
		import_bad_add(im, 1, s, foreign[i].len, foreign[i].why);
		return true;
	}
	return false;
}

/* The format is settled with what has come so far, and that is read. */
static void start(struct import *im)
{
	struct importer *st = im->state;
	size_t len, skip = 0;
	char *first = buf_take(&st->pending, &len);

	if (im->format == FORMAT_AUTO)
		im->format = format_guess(first, len);
	st->reader = readers[im->format];
	if (len >= 3 && !memcmp(first, "\xef\xbb\xbf", 3))
		skip = 3;
	if (im->format == FORMAT_CSCLI) {
		size_t at = skip;

		while (at < len && isspace((unsigned char)first[at]))
			at++;
		if (at < len && (first[at] == '[' || first[at] == '{'))
			st->reader = &reader_json;
	}
	if (is_foreign(im, first, len))
		st->reader = &reader_none;
	st->newline = !memchr(first, '\n', len) && memchr(first, '\r', len) ? '\r' : '\n';
	st->is_started = true;
	feed_reader(im, first + skip, len - skip);
	free(first);
}

void import_feed(struct import *im, const char *data, size_t len)
{
	struct importer *st = im->state;

	if (!st->is_started) {
		size_t room = GUESS_BYTES - st->pending.len, take = len < room ? len : room;

		buf_add(&st->pending, data, take);
		data += take;
		len -= take;
		if (st->pending.len >= GUESS_BYTES)
			start(im);
	}
	if (len)
		feed_reader(im, data, len);
}

void import_finish(struct import *im)
{
	struct importer *st = im->state;

	if (!st->is_started)
		start(im);
	st->line += st->is_skipping && !st->reader->bytes;
	if (!st->reader->bytes && st->pending.len) {
		give_line(im, st->pending.data, st->pending.len);
		buf_reset(&st->pending);
	}
	if (st->reader->finish)
		st->reader->finish(im);
	im->lines = st->line - 1;
	import_state_release(st);
	memset(st, 0, sizeof(*st));
}

/* ---- afterwards ---- */

size_t import_tally(const struct import *im, enum import_skip s)
{
	size_t n = 0;

	for (size_t i = 0; i < im->count; i++)
		n += im->rows[i].skip == s;
	return n;
}

static ptrdiff_t allowed_touching(const struct entrylist *allowed, const struct net *n, int64_t now)
{
	ptrdiff_t row = entrylist_inside(allowed, n, now);

	return row >= 0 ? row : entrylist_covering(allowed, n, -1, now);
}

static int cmp_net_line(const void *x, const void *y)
{
	const struct import_row *a = *(const struct import_row *const *)x,
				*b = *(const struct import_row *const *)y;
	int order = net_cmp(&a->net, &b->net);

	return order ? order : a->line < b->line ? -1 : a->line > b->line;
}

/* Rows of a file may name this list or none: an address that has both is one address. */
static void mark_doubles(struct import *im, enum list_kind to)
{
	struct import_row **rows = xmalloc((im->count + 1) * sizeof(*rows));
	size_t n = 0;

	for (size_t i = 0; i < im->count; i++)
		if (im->rows[i].list == to)
			rows[n++] = &im->rows[i];
	qsort(rows, n, sizeof(*rows), cmp_net_line);
	for (size_t i = 1; i < n; i++) {
		if (!net_equal(&rows[i - 1]->net, &rows[i]->net))
			continue;
		rows[i]->skip = IMPORT_DOUBLE;
		im->duplicates++;
	}
	free(rows);
}

static void settle_lists(struct import *im, enum list_kind to)
{
	size_t named = 0, silent = 0;

	for (size_t i = 0; i < im->count; i++) {
		named += im->rows[i].list == to;
		if (im->rows[i].list == LIST_COUNT) {
			im->rows[i].list = (uint8_t)to;
			silent++;
		}
	}
	if (named && silent)
		mark_doubles(im, to);
}

void import_sort_out(struct import *im, enum list_kind to, const struct entrylist *present,
	const struct entrylist *allowed, int64_t now)
{
	settle_lists(im, to);
	for (size_t i = 0; i < im->count; i++) {
		struct import_row *r = &im->rows[i];
		ptrdiff_t row;

		/* What is of the other list is not sent at all, whatever it touches. */
		if (r->skip != IMPORT_TAKE || r->list != to)
			continue;
		if (present && (row = entrylist_find(present, &r->net)) >= 0 &&
			entry_state(present, (size_t)row, now) == ENTRY_ACTIVE) {
			r->skip = IMPORT_PRESENT;
		} else if (to == LIST_BLOCKED && allowed &&
			   (row = allowed_touching(allowed, &r->net, now)) >= 0) {
			r->skip = IMPORT_ALLOWED;
			r->allowed_row = (uint32_t)row;
		}
	}
}
