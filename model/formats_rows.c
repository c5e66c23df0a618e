/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of an import: parsed, normalised, each address once; and the lines that could not be used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "model/formats_private.h"
#include "model/ranges.h"

#define NOTE_MAX    2000 /* bytes */
#define SHOWN_MAX   120  /* bytes of a bad line kept */
#define RANGE_NETS  254  /* most nets an address range can need */
#define FIRST_SLOTS ((size_t)4096)

/* ---- text ---- */

static uint32_t text_keep(struct import *im, const char *s, size_t len)
{
	size_t at = im->text.len;

	if (!len || at + len + 1 > UINT32_MAX)
		return 0;
	if (!buf_add(&im->text, s, len))
		return 0;
	if (!buf_add(&im->text, "", 1)) {
		buf_truncate(&im->text, at);
		return 0;
	}
	return (uint32_t)at;
}

const char *import_text(const struct import *im, uint32_t offset)
{
	return offset < im->text.len ? im->text.data + offset : "";
}

const char *import_note(const struct import *im, const struct import_row *r)
{
	return import_text(im, r->note);
}

void import_bad_add(struct import *im, uint64_t line, const char *text, size_t len, const char *why)
{
	char shown[SHOWN_MAX], reason[512];

	im->bad_total++;
	if (im->bad_count >= IMPORT_BAD_MAX)
		return;
	text_safe_str(shown, sizeof(shown), text, len < SHOWN_MAX ? len : SHOWN_MAX);
	text_safe_str(reason, sizeof(reason), why, strlen(why));
	xgrow(&im->bad, &im->bad_cap, im->bad_count + 1, sizeof(*im->bad));
	struct import_bad *b = &im->bad[im->bad_count++];
	b->line = line;
	b->text = text_keep(im, shown, strlen(shown));
	b->why = text_keep(im, reason, strlen(reason));
}

/* "what" is formatted with the offending text. */
static void bad_value(struct import *im, uint64_t line, const struct fields *f, struct slice value,
	const char *what)
{
	char why[160], shown[48];
	struct slice a = f->of[FIELD_ADDRESS];

	text_safe_str(shown, sizeof(shown), value.p, value.len);
	snprintf(why, sizeof(why), "\"%s\" %s", shown, what);
	import_bad_add(im, line, a.p, a.len, why);
}

/* ---- each address once ---- */

static uint32_t row_hash(const struct import_row *r)
{
	return (uint32_t)(net_hash(&r->net) >> 16) + r->list;
}

static void slots_grow(struct importer *st)
{
	size_t n = st->slot_count ? st->slot_count * 4 : FIRST_SLOTS;
	struct slot *slots = xcalloc(n, sizeof(*slots));

	for (size_t i = 0; i < st->slot_count; i++) {
		size_t at = st->slots[i].hash & (n - 1);

		if (!st->slots[i].row)
			continue;
		while (slots[at].row)
			at = (at + 1) & (n - 1);
		slots[at] = st->slots[i];
	}
	free(st->slots);
	st->slots = slots;
	st->slot_count = n;
}

/* Takes the next row's place in the hash; false when an equal row is there. */
static bool slot_take(struct import *im, const struct import_row *r)
{
	struct importer *st = im->state;
	uint32_t hash = row_hash(r);

	if (im->count * 2 >= st->slot_count)
		slots_grow(st);
	size_t mask = st->slot_count - 1, at = hash & mask;
	for (; st->slots[at].row; at = (at + 1) & mask) {
		const struct import_row *o = &im->rows[st->slots[at].row - 1];

		if (st->slots[at].hash == hash && o->list == r->list && net_equal(&o->net, &r->net))
			return false;
	}
	st->slots[at] = (struct slot){(uint32_t)im->count + 1, hash};
	return true;
}

/* ---- fields to a row ---- */

/* Class words, and those of 0.16. */
static bool known_reason(struct slice s, enum reason *out)
{
	static const struct {
		const char *word;
		enum reason reason;
	} foreign[] = {
		{"authFailure", REASON_AUTH},
		{"rcptToFailure", REASON_ABUSE},
		{"loitering", REASON_LOITER},
		{"portScanning", REASON_SCAN},
	};

	for (int r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		if (slice_is_fold(s, reason_text((enum reason)r))) {
			*out = (enum reason)r;
			return true;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		if (slice_is_fold(s, foreign[i].word)) {
			*out = foreign[i].reason;
			return true;
		}
	}
	return false;
}

static bool put_times(
	struct import *im, uint64_t line, const struct fields *f, struct import_row *r)
{
	int64_t now = im->state->now, span;
	struct slice duration = slice_trim(f->of[FIELD_DURATION]);

	if (!import_time(f->of[FIELD_CREATED], now, &r->created)) {
		bad_value(im, line, f, f->of[FIELD_CREATED], "is no time");
		return false;
	}
	if (!import_time(f->of[FIELD_EXPIRES], now, &r->expires)) {
		bad_value(im, line, f, f->of[FIELD_EXPIRES], "is no time");
		return false;
	}
	if (duration.len && r->expires == TIME_NONE) {
		/* A column called expiration may hold a time as well. */
		if (import_duration(duration, &span)) {
			r->expires = now + span;
		} else if (!import_time(duration, now, &r->expires)) {
			bad_value(im, line, f, duration, "is no duration");
			return false;
		}
	}
	return true;
}

static uint32_t keep_note(struct import *im, struct slice s)
{
	if (s.len > NOTE_MAX) {
		s.len = NOTE_MAX;
		while (s.len && ((unsigned char)s.p[s.len] & 0xc0) == 0x80)
			s.len--;
	}
	/* A NUL would end the note early: what follows it is left out. */
	return text_keep(im, s.p, s.len ? strnlen(s.p, s.len) : 0);
}

static bool is_refused_kind(struct import *im, uint64_t line, const struct fields *f)
{
	struct slice type = slice_trim(f->of[FIELD_TYPE]), scope = slice_trim(f->of[FIELD_SCOPE]);

	/* Elsewhere a column of this name says something else. */
	if ((im->format == FORMAT_CSCLI || scope.len) && type.len && !slice_is_fold(type, "ban")) {
		bad_value(im, line, f, type, "is no ban");
		return true;
	}
	if (scope.len && !slice_is_fold(scope, "ip") && !slice_is_fold(scope, "range")) {
		bad_value(im, line, f, scope, "is no scope of addresses");
		return true;
	}
	return false;
}

void import_row_add(struct import *im, uint64_t line, const struct net *n, unsigned flags,
	const struct fields *f)
{
	struct import_row r = {.net = *n,
		.list = LIST_COUNT,
		.line = (uint32_t)line,
		.created = TIME_NONE,
		.expires = TIME_NONE};
	enum reason reason = REASON_NONE;
	struct slice note = SLICE_NONE;

	if (f) {
		struct slice why = slice_trim(f->of[FIELD_REASON]);

		if (is_refused_kind(im, line, f) || !put_times(im, line, f, &r))
			return;
		note = slice_trim(f->of[FIELD_NOTE]);
		r.list = (uint8_t)import_list(slice_trim(f->of[FIELD_LIST]));
		if (!known_reason(why, &reason) && !note.len)
			note = why;
	}
	if (!slot_take(im, &r)) {
		im->duplicates++;
		return;
	}
	im->host_bits += (flags & NET_HAS_HOST_BITS) != 0;
	im->mapped += (flags & NET_WAS_MAPPED) != 0;
	r.reason = (uint8_t)reason;
	r.note = keep_note(im, note);
	r.skip = r.expires != TIME_NONE && r.expires <= im->state->now ? IMPORT_EXPIRED
								       : IMPORT_TAKE;
	xgrow(&im->rows, &im->cap, im->count + 1, sizeof(*im->rows));
	im->rows[im->count++] = r;
}

enum list_kind settings_key_cut(struct slice *key)
{
	static const struct {
		const char *prefix;
		enum list_kind list;
	} keys[] = {
		{"server.blocked-ip.", LIST_BLOCKED},
		{"server.allowed-ip.", LIST_ALLOWED},
		{"server.security.blocked-networks.", LIST_BLOCKED},
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (slice_starts(*key, keys[i].prefix)) {
			key->p += strlen(keys[i].prefix);
			key->len -= strlen(keys[i].prefix);
			return keys[i].list;
		}
	}
	return LIST_COUNT;
}

/* "Ip:1.2.3.4" as cscli lists a source, "'1.2.3.4'", "[2001:db8::1]". */
static struct slice cut_dressing(struct slice s)
{
	s = slice_trim(s);
	if (s.len > 3 && !strncasecmp(s.p, "ip:", 3))
		s = (struct slice){s.p + 3, s.len - 3};
	else if (s.len > 6 && !strncasecmp(s.p, "range:", 6))
		s = (struct slice){s.p + 6, s.len - 6};
	if (s.len > 2 && ((s.p[0] == '\'' && s.p[s.len - 1] == '\'') ||
				 (s.p[0] == '[' && s.p[s.len - 1] == ']')))
		s = (struct slice){s.p + 1, s.len - 2};
	return s;
}

static void bad_address(struct import *im, uint64_t line, struct slice s)
{
	struct err err = ERR_INIT;
	struct net n;
	char text[256];

	if (!s.len) {
		import_bad_add(im, line, "", 0, "the address is missing");
		return;
	}
	text_safe_str(text, sizeof(text), s.p, s.len);
	net_parse_input(text, &n, &err);
	import_bad_add(im, line, s.p, s.len, err.code ? err.msg : "no address");
}

/* "first-last": false when that is not what stands there. */
static bool add_range(struct import *im, uint64_t line, struct slice s, const struct fields *f)
{
	const char *dash = s.len ? memchr(s.p, '-', s.len) : NULL;
	struct net first, last, nets[RANGE_NETS];

	if (!dash || !net_parse(s.p, (size_t)(dash - s.p), &first, NULL) ||
		!net_is_address(&first) ||
		!net_parse(dash + 1, (size_t)(s.p + s.len - dash - 1), &last, NULL) ||
		!net_is_address(&last) || first.family != last.family)
		return false;
	size_t n = nets_of_range(&first, &last, nets, RANGE_NETS);
	if (!n)
		import_bad_add(im, line, s.p, s.len, "the range ends before it begins");
	for (size_t i = 0; i < n; i++)
		import_row_add(im, line, &nets[i], 0, f);
	return true;
}

void import_fields_add(struct import *im, uint64_t line, const struct fields *f)
{
	struct slice s = cut_dressing(f->of[FIELD_ADDRESS]);
	unsigned flags;
	struct net n;

	/* Another scope's value is a country or an AS number: that is what is wrong with it, not
	 * its form. */
	if (f->of[FIELD_SCOPE].len && is_refused_kind(im, line, f))
		return;
	if (s.len && net_parse(s.p, s.len, &n, &flags))
		import_row_add(im, line, &n, flags, f);
	else if (!add_range(im, line, s, f))
		bad_address(im, line, s);
}

void import_settings_add(struct import *im, uint64_t line, struct slice address, struct slice value,
	enum list_kind list)
{
	struct fields f = {.of = {[FIELD_ADDRESS] = address}};
	struct entry_value v;
	char created[TIME_BUF], expires[TIME_BUF];

	entry_value_parse(value.p, slice_is(value, "true") ? 0 : value.len, &v);
	if (list != LIST_COUNT)
		f.of[FIELD_LIST] = list == LIST_BLOCKED ? SLICE("blocked") : SLICE("allowed");
	f.of[FIELD_NOTE] = slice_of(v.note);
	f.of[FIELD_REASON] = slice_of(reason_text(v.reason));
	f.of[FIELD_CREATED] = slice_of(time_format(v.at, created, sizeof(created)));
	f.of[FIELD_EXPIRES] = slice_of(time_format(v.until, expires, sizeof(expires)));
	import_fields_add(im, line, &f);
}

void import_state_release(struct importer *st)
{
	buf_release(&st->pending);
	buf_release(&st->record);
	buf_release(&st->scratch);
	buf_release(&st->element);
	free(st->slots);
}
