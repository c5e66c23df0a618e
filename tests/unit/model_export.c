/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Export: the exact text of each format, export∘import, and nothing unsafe in any of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "core/mem.h"
#include "core/text.h"
#include "model/formats.h"
#include "tests/unit/random.h"

#define NOW INT64_C(1795168800000) /* 2026-11-20T10:00:00Z */
#define HOUR INT64_C(3600000)

static void add(struct entrylist *l, const char *key, const char *note, enum reason r, int64_t created, int64_t expires)
{
	entrylist_add(l, key, strlen(key), note, strlen(note), "id", r, ORIGIN_OPERATOR, created, expires);
}

static struct entrylist *blocked_list(void)
{
	struct entrylist *l = entrylist_new();

	add(l, "203.0.113.7", "bad, \"very\" bad", REASON_AUTH, NOW - HOUR, NOW + HOUR);
	add(l, "198.51.100.0/24", "", REASON_MANUAL, TIME_NONE, TIME_NONE);
	add(l, "198.51.100.9", "inside", REASON_SCAN, TIME_NONE, TIME_NONE);
	add(l, "2001:DB8::1", "=cmd|'/C calc'!A0", REASON_NONE, TIME_NONE, TIME_NONE);
	add(l, "192.0.2.1", "gone", REASON_AUTH, NOW - 2 * HOUR, NOW - HOUR);
	add(l, "jun\x1bk", "\x1b]52;c;x\a\xe2\x80\xae\xff", REASON_OTHER, TIME_NONE, TIME_NONE);
	entrylist_finish(l);
	return l;
}

static struct entrylist *allowed_list(void)
{
	struct entrylist *l = entrylist_new();

	add(l, "10.0.0.0/8", "office", REASON_NONE, TIME_NONE, TIME_NONE);
	entrylist_finish(l);
	return l;
}

static bool collect(void *arg, const char *data, size_t len)
{
	return buf_add(arg, data, len);
}

static char *export(enum format format, const struct export_list *lists, size_t n, size_t *skipped)
{
	struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	struct export_tally tally = { 0 };

	if (!export_lists(format, lists, n, NOW, collect, &out, &tally, &err))
		fail_msg("%s: %s", format_name(format), err.msg);
	if (skipped)
		*skipped = tally.over + tally.malformed + tally.covered + tally.allowed + tally.too_wide;
	return buf_take(&out, NULL);
}

static const struct {
	enum format format;
	size_t skipped;
	const char *text;
} wants[] = {
	{ FORMAT_CSV, 0,
		"address,family,kind,reason,note,created_at,expires_at,state,covered_by,origin,list\n"
		"192.0.2.1,4,address,auth,gone,2026-11-20T08:00:00Z,2026-11-20T09:00:00Z,expired,,operator,blocked\n"
		"198.51.100.0/24,4,network,manual,,,,active,,operator,blocked\n"
		"198.51.100.9,4,address,scan,inside,,,active,198.51.100.0/24,operator,blocked\n"
		"203.0.113.7,4,address,auth,\"bad, \"\"very\"\" bad\",2026-11-20T09:00:00Z,2026-11-20T11:00:00Z,active,,operator,blocked\n"
		"2001:db8::1,6,address,,'=cmd|'/C calc'!A0,,,active,,operator,blocked\n"
		"jun\\x1bk,,,other,\"\\x1b]52;c;x\\x07\\u{202e}\\xff\",,,malformed,,operator,blocked\n"
		"10.0.0.0/8,4,network,,office,,,active,,operator,allowed\n" },
	{ FORMAT_JSON, 0,
		"[\n"
		"{\"address\":\"192.0.2.1\",\"family\":4,\"kind\":\"address\",\"reason\":\"auth\",\"note\":\"gone\",\"created_at\":\"2026-11-20T08:00:00Z\",\"expires_at\":\"2026-11-20T09:00:00Z\",\"state\":\"expired\",\"covered_by\":null,\"origin\":\"operator\",\"list\":\"blocked\"},\n"
		"{\"address\":\"198.51.100.0/24\",\"family\":4,\"kind\":\"network\",\"reason\":\"manual\",\"note\":\"\",\"created_at\":null,\"expires_at\":null,\"state\":\"active\",\"covered_by\":null,\"origin\":\"operator\",\"list\":\"blocked\"},\n"
		"{\"address\":\"198.51.100.9\",\"family\":4,\"kind\":\"address\",\"reason\":\"scan\",\"note\":\"inside\",\"created_at\":null,\"expires_at\":null,\"state\":\"active\",\"covered_by\":\"198.51.100.0/24\",\"origin\":\"operator\",\"list\":\"blocked\"},\n"
		"{\"address\":\"203.0.113.7\",\"family\":4,\"kind\":\"address\",\"reason\":\"auth\",\"note\":\"bad, \\\"very\\\" bad\",\"created_at\":\"2026-11-20T09:00:00Z\",\"expires_at\":\"2026-11-20T11:00:00Z\",\"state\":\"active\",\"covered_by\":null,\"origin\":\"operator\",\"list\":\"blocked\"},\n"
		"{\"address\":\"2001:db8::1\",\"family\":6,\"kind\":\"address\",\"reason\":\"\",\"note\":\"=cmd|'/C calc'!A0\",\"created_at\":null,\"expires_at\":null,\"state\":\"active\",\"covered_by\":null,\"origin\":\"operator\",\"list\":\"blocked\"},\n"
		"{\"address\":\"jun\\u001bk\",\"family\":null,\"kind\":null,\"reason\":\"other\",\"note\":\"\\u001b]52;c;x\\u0007\\u202e\\ufffd\",\"created_at\":null,\"expires_at\":null,\"state\":\"malformed\",\"covered_by\":null,\"origin\":\"operator\",\"list\":\"blocked\"},\n"
		"{\"address\":\"10.0.0.0/8\",\"family\":4,\"kind\":\"network\",\"reason\":\"\",\"note\":\"office\",\"created_at\":null,\"expires_at\":null,\"state\":\"active\",\"covered_by\":null,\"origin\":\"operator\",\"list\":\"allowed\"}\n"
		"]\n" },
	{ FORMAT_VALUES, 2, "198.51.100.0/24\n198.51.100.9\n203.0.113.7\n2001:db8::1\n10.0.0.0/8\n" },
	{ FORMAT_CSCLI, 3,
		"duration,scope,type,value,reason\n"
		"87600h,range,ban,198.51.100.0/24,manual\n87600h,ip,ban,198.51.100.9,inside\n"
		"3600s,ip,ban,203.0.113.7,\"bad, \"\"very\"\" bad\"\n87600h,ip,ban,2001:db8::1,'=cmd|'/C calc'!A0\n" },
	{ FORMAT_NFT, 3,
		"# load with: nft -f FILE; then use @blocked4, @blocked6 in a rule\n"
		"add table inet stalwarden\n"
		"add set inet stalwarden blocked4 { type ipv4_addr; flags interval, timeout; }\nflush set inet stalwarden blocked4\n"
		"add set inet stalwarden blocked6 { type ipv6_addr; flags interval, timeout; }\nflush set inet stalwarden blocked6\n"
		"add set inet stalwarden allowed4 { type ipv4_addr; flags interval, timeout; }\nflush set inet stalwarden allowed4\n"
		"add set inet stalwarden allowed6 { type ipv6_addr; flags interval, timeout; }\nflush set inet stalwarden allowed6\n"
		"add element inet stalwarden blocked4 { 198.51.100.0/24 }\n"
		"add element inet stalwarden blocked4 { 203.0.113.7 timeout 3600s comment \"bad, 'very' bad\" }\n"
		"add element inet stalwarden blocked6 { 2001:db8::1 comment \"=cmd|'/C calc'!A0\" }\n"
		"add element inet stalwarden allowed4 { 10.0.0.0/8 comment \"office\" }\n" },
	{ FORMAT_IPSET, 3,
		"create stalwarden-blocked4 hash:net family inet maxelem 65536 timeout 0 comment -exist\n"
		"create stalwarden-blocked6 hash:net family inet6 maxelem 65536 timeout 0 comment -exist\n"
		"create stalwarden-allowed4 hash:net family inet maxelem 65536 timeout 0 comment -exist\n"
		"create stalwarden-allowed6 hash:net family inet6 maxelem 65536 timeout 0 comment -exist\n"
		"add stalwarden-blocked4 198.51.100.0/24 -exist\n"
		"add stalwarden-blocked4 203.0.113.7 timeout 3600 comment \"bad, 'very' bad\" -exist\n"
		"add stalwarden-blocked6 2001:db8::1 comment \"=cmd|'/C calc'!A0\" -exist\n"
		"add stalwarden-allowed4 10.0.0.0/8 comment \"office\" -exist\n" },
	{ FORMAT_IPTABLES, 2,
		"iptables -I INPUT -s 198.51.100.0/24 -j DROP\niptables -I INPUT -s 198.51.100.9 -j DROP\n"
		"iptables -I INPUT -s 203.0.113.7 -j DROP\nip6tables -I INPUT -s 2001:db8::1 -j DROP\niptables -I INPUT -s 10.0.0.0/8 -j ACCEPT\n" },
};

static void test_texts(void **state)
{
	struct entrylist *blocked = blocked_list(), *allowed = allowed_list();
	struct export_list lists[] = { { blocked, LIST_BLOCKED, NULL, 0 }, { allowed, LIST_ALLOWED, NULL, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		size_t skipped = 99;
		char *got = export(wants[i].format, lists, 2, &skipped);

		assert_string_equal(got, wants[i].text);
		assert_int_equal(skipped, wants[i].skipped);
		free(got);
	}
	entrylist_free(blocked);
	entrylist_free(allowed);
}

static void test_rows(void **state)
{
	struct entrylist *l = blocked_list();
	const uint32_t rows[] = { 3, 1 };
	struct export_list list = { l, LIST_BLOCKED, rows, 2 };
	char *got = export(FORMAT_VALUES, &list, 1, NULL);

	(void)state;
	assert_string_equal(got, "203.0.113.7\n198.51.100.0/24\n");
	free(got);
	list.row_count = 0;
	got = export(FORMAT_JSON, &list, 1, NULL);
	assert_string_equal(got, "[]\n");
	free(got);
	got = export(FORMAT_NDJSON, &list, 1, NULL);
	assert_string_equal(got, "");
	free(got);
	entrylist_free(l);
}

static bool refuse(void *arg, const char *data, size_t len)
{
	(void)data;
	(void)len;
	++*(int *)arg;
	return false;
}

static void test_errors(void **state)
{
	struct entrylist *l = blocked_list();
	struct export_list list = { l, LIST_BLOCKED, NULL, 0 };
	struct err err = ERR_INIT;
	int calls = 0;

	(void)state;
	assert_false(export_lists(FORMAT_FAIL2BAN, &list, 1, NOW, refuse, &calls, NULL, &err));
	assert_string_equal(err.msg, "fail2ban can't be written; formats are csv json ndjson values cscli nft ipset iptables");
	err_clear(&err);
	assert_false(export_lists(FORMAT_CSV, &list, 1, NOW, refuse, &calls, NULL, &err));
	assert_int_equal(err.code, ERR_IO);
	assert_int_equal(calls, 1);
	entrylist_free(l);
}

static void random_note(char *s, size_t size)
{
	static const char *const pieces[] = { "a", "b c", ",", "\"", ";", "\t", "'", "#", "\xc3\xa9", "\xf0\x9f\x98\x80", "{}", "\\", " ",
		"=1+1", "\n", "\x1b[2J", "\xe2\x80\xae", "\xff" };

	s[0] = '\0';
	for (uint32_t n = random_below(8); n; n--) {
		const char *piece = pieces[random_below(ARRAY_LEN(pieces))];

		if (strlen(s) + strlen(piece) + 1 < size)
			memcpy(s + strlen(s), piece, strlen(piece) + 1);
	}
}

static struct entrylist *random_list(void)
{
	struct entrylist *l = entrylist_new();
	size_t n = random_below(60);

	for (size_t i = 0; i < n; i++) {
		struct net a = { { (uint8_t)random_below(256), (uint8_t)random_below(256), (uint8_t)random_below(256), (uint8_t)random_below(256) }, 4, 32 };
		char key[NET_BUF], note[64];

		if (random_below(3) == 0) {
			a.family = 6;
			a.addr[0] |= 0x20;
			a.prefix = 128;
		}
		net_widen(&a, (uint8_t)(a.prefix - (random_below(3) ? 0 : random_below(16))), &a);
		random_note(note, sizeof(note));
		add(l, net_format(&a, key, sizeof(key)), note, (enum reason)random_below(REASON_COUNT),
			random_below(2) ? NOW - (int64_t)random_below(100000) * 1000 : TIME_NONE, random_below(2) ? NOW + (int64_t)(1 + random_below(100000)) * 1000 : TIME_NONE);
	}
	entrylist_finish(l);
	return l;
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

/* What an import keeps of a note: blanks at its ends and one pair of quotes around it mean nothing. */
static void assert_note(enum format format, const char *was, const char *is)
{
	struct buf want = BUF_INIT;

	if (format == FORMAT_CSV)
		text_safe(&want, was, strlen(was), TEXT_LINE);
	else
		buf_adds(&want, was);
	/* Bytes that are no UTF-8 leave JSON as U+FFFD: compare what is left of both. */
	const char *a = skip_blanks(buf_str(&want)), *b = skip_blanks(is);
	if (text_utf8_valid(a, strlen(a)) && *a != '"' && (!*a || !strchr(" \t\n\"", a[strlen(a) - 1])))
		assert_string_equal(a, b);
	buf_release(&want);
}

/* Exported and imported again: the same rows with reason, note, begin and end. */
static void test_round_trip(void **state)
{
	static const enum format formats[] = { FORMAT_CSV, FORMAT_JSON, FORMAT_NDJSON };

	(void)state;
	for (int round = 0; round < 600; round++) {
		enum format format = formats[random_below(ARRAY_LEN(formats))];
		struct entrylist *l = random_list();
		struct export_list list = { l, random_below(2) ? LIST_ALLOWED : LIST_BLOCKED, NULL, 0 };
		char *text = export(format, &list, 1, NULL);
		struct import *im = import_new(l->count > 1 ? FORMAT_AUTO : format, NOW);

		assert_true(text_utf8_valid(text, strlen(text)));
		import_feed(im, text, strlen(text));
		import_finish(im);
		assert_int_equal(im->bad_total, 0);
		assert_int_equal(im->count + im->duplicates, l->count);
		for (size_t i = 0; i < im->count; i++) {
			const struct import_row *r = &im->rows[i];
			ptrdiff_t row = entrylist_find(l, &r->net);

			assert_true(row >= 0);
			assert_int_equal(r->list, list.kind);
			if (im->duplicates)
				continue;
			assert_int_equal(r->reason, l->rows[row].reason);
			assert_int_equal(r->created, entry_created(&l->rows[row]));
			assert_int_equal(r->expires, entry_expires(&l->rows[row]));
			assert_note(format, entry_note(l, (size_t)row), import_note(im, r));
		}
		import_free(im);
		free(text);
		entrylist_free(l);
	}
}

/* The other formats come back with addresses and, where they have it, the end. */
static void test_round_trip_sets(void **state)
{
	static const enum format formats[] = { FORMAT_VALUES, FORMAT_CSCLI, FORMAT_NFT, FORMAT_IPSET, FORMAT_IPTABLES };

	(void)state;
	for (int round = 0; round < 500; round++) {
		enum format format = formats[random_below(ARRAY_LEN(formats))];
		struct entrylist *l = random_list();
		struct export_list list = { l, LIST_BLOCKED, NULL, 0 };
		size_t skipped;
		char *text = export(format, &list, 1, &skipped);
		struct import *im = import_new(format, NOW);

		import_feed(im, text, strlen(text));
		import_finish(im);
		if (im->bad_total)
			fail_msg("%s: %s: %s", format_name(format), import_text(im, im->bad[0].text), import_text(im, im->bad[0].why));
		assert_true(im->count + im->duplicates + skipped >= l->count);
		assert_true(format == FORMAT_NFT || im->count + im->duplicates + skipped == l->count);
		for (size_t i = 0; i < im->count; i++) {
			ptrdiff_t row = entrylist_find(l, &im->rows[i].net);

			if (format == FORMAT_NFT && row < 0)
				continue; /* a piece of a network: test_sets_end_as_the_list_does() */
			assert_true(row >= 0);
			if ((format == FORMAT_NFT || format == FORMAT_IPSET) && !im->duplicates && !skipped)
				assert_int_equal(im->rows[i].expires, entry_expires(&l->rows[row]));
		}
		import_free(im);
		free(text);
		entrylist_free(l);
	}
}

/* When this address is let in again by what the list says: TIME_NONE = never, 0 = it is not blocked. */
static int64_t end_by_list(const struct entrylist *l, const struct net *a)
{
	int64_t end = 0;

	for (size_t i = 0; i < l->count; i++) {
		int64_t expires = entry_expires(&l->rows[i]);
		struct net n;

		entry_net(&l->rows[i], &n);
		if (!n.prefix || !net_contains(&n, a) || entry_state(l, i, NOW) != ENTRY_ACTIVE)
			continue;
		if (end != TIME_NONE)
			end = expires == TIME_NONE || expires > end ? expires : end;
	}
	return end;
}

/* The same by what was exported; how many elements hold it is counted. */
static int64_t end_by_import(const struct import *im, const struct net *a, size_t *holders)
{
	int64_t end = 0;

	*holders = 0;
	for (size_t i = 0; i < im->count; i++) {
		if (!net_contains(&im->rows[i].net, a))
			continue;
		(*holders)++;
		if (end != TIME_NONE)
			end = im->rows[i].expires == TIME_NONE || im->rows[i].expires > end ? im->rows[i].expires : end;
	}
	return end;
}

/* Networks in networks, equal ones, everything; ends of all kinds, some in the past. */
static struct entrylist *nested_list(void)
{
	struct entrylist *l = entrylist_new();
	size_t n = 1 + random_below(14);

	for (size_t i = 0; i < n; i++) {
		struct net a = { { 203, 0, 113, (uint8_t)random_below(256) }, 4, 32 };
		char key[NET_BUF];

		if (random_below(2)) {
			a = (struct net){ { 0x20, 1, 0xd, 0xb8 }, 6, 128 };
			a.addr[15] = (uint8_t)random_below(256);
		}
		net_widen(&a, (uint8_t)(a.prefix - (random_below(40) ? random_below(9) : a.prefix)), &a);
		net_format(&a, key, sizeof(key));
		if (net_is_address(&a) && random_below(3) == 0) /* the same address under another key */
			snprintf(key + strlen(key), sizeof(key) - strlen(key), "/%d", a.prefix);
		add(l, key, "note", REASON_NONE, TIME_NONE, random_below(3) ? NOW + ((int64_t)random_below(5) - 1) * HOUR : TIME_NONE);
	}
	entrylist_finish(l);
	return l;
}

/* A set ends every address when the list does, and holds it once where it must. */
static void test_sets_end_as_the_list_does(void **state)
{
	(void)state;
	for (int round = 0; round < 3000; round++) {
		enum format format = round % 2 ? FORMAT_NFT : FORMAT_IPSET;
		struct entrylist *l = nested_list();
		struct export_list list = { l, LIST_BLOCKED, NULL, 0 };
		char *text = export(format, &list, 1, NULL);
		struct import *im = import_new(format, NOW);

		import_feed(im, text, strlen(text));
		import_finish(im);
		assert_int_equal(im->bad_total, 0);
		assert_int_equal(im->duplicates, 0);
		for (int k = 0; k < 512; k++) {
			struct net a = { { 203, 0, 113, (uint8_t)k }, 4, 32 };
			size_t holders;

			if (k > 255) {
				a = (struct net){ { 0x20, 1, 0xd, 0xb8 }, 6, 128 };
				a.addr[15] = (uint8_t)k;
			}
			if (end_by_list(l, &a) != end_by_import(im, &a, &holders))
				fail_msg("round %d, %d:\n%s", round, k, text);
			if (format == FORMAT_NFT)
				assert_true(holders <= 1);
		}
		import_free(im);
		free(text);
		entrylist_free(l);
	}
}

/* Of the rows shown only those count: what hides behind a filter covers nothing, and everything (a /0) is no reason to leave out the rest. */
static void test_sets_of_some_rows(void **state)
{
	struct entrylist *l = entrylist_new();
	const uint32_t rows[] = { 2, 0 };
	struct export_list list = { l, LIST_BLOCKED, rows, 2 };

	(void)state;
	add(l, "0.0.0.0/0", "", REASON_NONE, TIME_NONE, TIME_NONE);
	add(l, "198.51.100.0/24", "", REASON_NONE, TIME_NONE, TIME_NONE);
	add(l, "198.51.100.9", "", REASON_NONE, TIME_NONE, TIME_NONE);
	entrylist_finish(l);
	for (int f = FORMAT_NFT; f <= FORMAT_IPSET; f++) {
		char *text = export((enum format)f, &list, 1, NULL);

		assert_non_null(strstr(text, "198.51.100.9"));
		assert_null(strstr(text, "198.51.100.0/24"));
		assert_null(strstr(text, "0.0.0.0"));
		free(text);
	}
	entrylist_free(l);
}

/* Ends that a format can't count to are cut, and told. */
static void test_far_ends(void **state)
{
	struct entrylist *l = entrylist_new();
	struct export_list list = { l, LIST_BLOCKED, NULL, 0 };
	struct export_tally tally;
	struct buf out = BUF_INIT;
	char told[256];

	(void)state;
	add(l, "203.0.113.1", "", REASON_NONE, TIME_NONE, NOW + INT64_C(2306518115) * 1000);
	add(l, "203.0.113.2", "", REASON_NONE, TIME_NONE, NOW + INT64_C(9000) * 365 * 24 * HOUR);
	add(l, "203.0.113.3", "", REASON_NONE, TIME_NONE, NOW - HOUR);
	entrylist_finish(l);
	assert_true(export_lists(FORMAT_NFT, &list, 1, NOW, collect, &out, &tally, NULL));
	assert_non_null(strstr(buf_str(&out), "{ 203.0.113.1 timeout 26695d70115s }"));
	assert_string_equal(export_tally_text(&tally, told, sizeof(told)), "left out: 1 over already");
	buf_reset(&out);
	for (int k = 0; k < 2; k++) {
		assert_true(export_lists(k ? FORMAT_VALUES : FORMAT_IPTABLES, &list, 1, NOW, collect, &out, &tally, NULL));
		assert_string_equal(export_tally_text(&tally, told, sizeof(told)), "left out: 1 over already; 2 lose their end: the format has none");
	}
	buf_reset(&out);
	assert_true(export_lists(FORMAT_IPSET, &list, 1, NOW, collect, &out, &tally, NULL));
	assert_non_null(strstr(buf_str(&out), "203.0.113.1 timeout 2147483 "));
	assert_string_equal(export_tally_text(&tally, told, sizeof(told)),
		"left out: 1 over already; 2 end sooner than they should: the format counts no further");
	buf_release(&out);
	entrylist_free(l);
}

/* Not one byte of any export can do anything but be read; JSON is JSON. */
static void test_safe(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		struct entrylist *l = random_list();
		struct export_list list = { l, LIST_BLOCKED, NULL, 0 };

		for (int f = 0; f < FORMAT_COUNT; f++) {
			if (!format_can_write((enum format)f))
				continue;
			char *text = export((enum format)f, &list, 1, NULL);

			for (char *line = text, *nl; (nl = strchr(line, '\n')); line = nl + 1)
				assert_true(text_is_safe(line, (size_t)(nl - line)));
			if (f == FORMAT_JSON) {
				json_t *v = json_loads(text, 0, NULL);

				assert_int_equal(json_array_size(v), l->count);
				json_decref(v);
			}
			if (f == FORMAT_IPTABLES || f == FORMAT_IPSET || f == FORMAT_NFT)
				assert_null(strpbrk(text, "`$\\"));
			free(text);
		}
		entrylist_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),      cmocka_unit_test(test_rows),
		cmocka_unit_test(test_errors),     cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_round_trip_sets), cmocka_unit_test(test_safe),
		cmocka_unit_test(test_sets_end_as_the_list_does), cmocka_unit_test(test_sets_of_some_rows),
		cmocka_unit_test(test_far_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
