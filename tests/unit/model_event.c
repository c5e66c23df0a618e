/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log lines of every generation, hostile ones, and parse∘print as a property. Run from the
 * project's root. */
#include "model/event.h"
#include "model/logmark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/mem.h"

#define assert_slice(s, text)                                                                      \
	do {                                                                                       \
		struct slice s_ = (s);                                                             \
		assert_int_equal(s_.len, strlen(text));                                            \
		if (s_.len)                                                                        \
			assert_memory_equal(s_.p, text, s_.len);                                   \
	} while (0)

static struct event parse(const char *line)
{
	struct event ev;

	event_parse(line, strlen(line), &ev);
	return ev;
}

static struct event_facts facts_of(const char *line)
{
	struct event ev = parse(line);
	struct event_facts f;

	event_facts(&ev, &f);
	return f;
}

static void assert_address(const struct net *n, const char *text)
{
	char buf[NET_BUF];

	assert_string_equal(n->family ? net_format(n, buf, sizeof(buf)) : "", text);
}

static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	struct buf b = BUF_INIT;
	char chunk[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, n);
	fclose(f);
	return buf_take(&b, len);
}

/* What each recorded log holds: counted with grep when it was recorded. */
struct tally {
	size_t lines, text, modern, old, without_id, bans[CLASS_COUNT], refused, attempts, expired,
		success, unauthorized;
};

static void tally_file(const char *path, struct tally *t)
{
	size_t len, used = 0, n;
	char *data = read_file(path, &len);

	memset(t, 0, sizeof(*t));
	while ((n = event_record(data + used, len - used, true)) > 0) {
		char *line = xmemdup(data + used, n);
		bool matters = event_matters(line, n);
		struct event_facts f;
		struct event ev;

		event_parse(line, event_strip_ansi(line, n), &ev);
		event_facts(&ev, &f);
		t->lines++;
		t->text += ev.format == EVENT_TEXT;
		t->modern += ev.format == EVENT_MODERN;
		t->old += ev.format == EVENT_TRACING;
		t->without_id += ev.format != EVENT_TEXT && ev.id.len == 0;
		t->refused += f.kind == EVENT_REFUSED;
		t->attempts += f.kind == EVENT_ATTEMPT;
		t->expired += f.kind == EVENT_EXPIRED;
		t->success += f.kind == EVENT_SUCCESS;
		t->unauthorized += f.kind == EVENT_UNAUTHORIZED;
		if (f.kind == EVENT_BAN) {
			t->bans[f.class]++;
			assert_int_not_equal(f.address.family, 0);
		}
		if (f.kind == EVENT_BAN || f.kind == EVENT_REFUSED || f.kind == EVENT_ATTEMPT ||
			f.kind == EVENT_EXPIRED)
			assert_true(matters);
		assert_int_not_equal(ev.time, TIME_NONE);
		assert_null(memchr(ev.line.p, '\033', ev.line.len));
		used += n;
		free(line);
	}
	assert_int_equal(used, len);
	free(data);
}

static void test_recorded_logs(void **state)
{
	struct tally t;

	(void)state;
	tally_file("tests/data/logs/stalwart-0.6.0-ansi.log", &t);
	assert_int_equal(t.lines, 17);
	assert_int_equal(t.old, 17);
	assert_int_equal(t.without_id, 0);

	tally_file("tests/data/logs/stalwart-0.8.1.log", &t);
	assert_int_equal(t.lines, 4);
	assert_int_equal(t.old, 4);
	assert_int_equal(t.without_id, 1);
	assert_int_equal(t.bans[CLASS_AUTH], 1);

	tally_file("tests/data/logs/stalwart-0.10.3.log", &t);
	assert_int_equal(t.lines, 12);
	assert_int_equal(t.modern, 12);
	assert_int_equal(t.bans[CLASS_AUTH], 1);
	assert_int_equal(t.refused, 6);

	tally_file("tests/data/logs/stalwart-0.15.5.log", &t);
	assert_int_equal(t.lines, 124);
	assert_int_equal(t.modern, 124);
	assert_int_equal(t.bans[CLASS_AUTH], 6);
	assert_int_equal(t.bans[CLASS_SCAN], 1);
	assert_int_equal(t.bans[CLASS_ABUSE], 6);
	assert_int_equal(t.refused, 20);
	assert_int_equal(t.attempts, 12);
	assert_int_equal(t.success, 20);
	assert_int_equal(t.unauthorized, 5);

	tally_file("tests/data/logs/stalwart-0.16.18.log", &t);
	assert_int_equal(t.lines, 48);
	assert_int_equal(t.modern, 48);
	assert_int_equal(t.bans[CLASS_AUTH], 3);
	assert_int_equal(t.bans[CLASS_SCAN], 1);
	assert_int_equal(t.refused, 13);
	assert_int_equal(t.expired, 1);
	assert_int_equal(t.text, 0);
}

static void test_modern_line(void **state)
{
	const char *line = "2026-11-20T23:51:58Z INFO Banned due to scan (security.scan-ban) "
			   "listenerId = \"http\", localPort = 18080, "
			   "remoteIp = 127.0.0.6, remotePort = 48141, remoteIp = 127.0.0.6, path = "
			   "\"/wp-login.php\"\n";
	struct event ev = parse(line);
	struct event_facts f;
	struct slice v;

	(void)state;
	assert_int_equal(ev.format, EVENT_MODERN);
	assert_int_equal(ev.level, LEVEL_INFO);
	assert_true(ev.time == INT64_C(1795218718000));
	assert_slice(ev.description, "Banned due to scan");
	assert_slice(ev.id, "security.scan-ban");
	assert_int_equal(ev.line.len, strlen(line) - 1);
	assert_true(event_field(&ev, "remoteIp", 1, &v));
	assert_slice(v, "127.0.0.6");
	assert_false(event_field(&ev, "remoteIp", 2, &v));
	assert_true(event_field(&ev, "path", 0, &v));
	assert_slice(v, "/wp-login.php");
	event_facts(&ev, &f);
	assert_int_equal(f.kind, EVENT_BAN);
	assert_int_equal(f.class, CLASS_SCAN);
	assert_address(&f.address, "127.0.0.6");
	assert_slice(f.listener, "http");
	assert_slice(f.path, "/wp-login.php");
	assert_int_equal(f.local_port, 18080);
	assert_false(f.is_doubtful);
}

static void test_old_line(void **state)
{
	const char *line = "2026-11-21T00:15:47.407954Z  INFO common: IP address blocked after too "
			   "many failed login attempts "
			   "context=\"directory\" event=\"fail2ban\" remote_ip=127.0.0.5 "
			   "login=\"zed\\\" remote_ip=9.9.9.9 x=\\\"\"";
	struct event ev = parse(line);
	struct event_facts f;

	(void)state;
	assert_int_equal(ev.format, EVENT_TRACING);
	assert_slice(ev.module, "common");
	assert_slice(ev.description, "IP address blocked after too many failed login attempts");
	assert_slice(ev.id, "security.authentication-ban");
	event_facts(&ev, &f);
	assert_int_equal(f.kind, EVENT_BAN);
	assert_int_equal(f.class, CLASS_AUTH);
	assert_address(&f.address, "127.0.0.5");
	assert_slice(f.account, "zed\\\" remote_ip=9.9.9.9 x=\\\"");
}

static void test_old_span(void **state)
{
	struct event ev = parse("2026-11-21T00:15:47.4Z DEBUG session{instance=\"smtp\" "
				"protocol=Smtp remote.ip=\"203.0.113.9\" "
				"remote.port=4000}: smtp::inbound::rcpt: Mailbox does not exist. "
				"context=\"rcpt\" event=\"error\" "
				"address=\"nobody@example.org\"");
	struct event_facts f;

	(void)state;
	assert_slice(ev.module, "smtp::inbound::rcpt");
	assert_slice(ev.id, "smtp.mailbox-does-not-exist");
	event_facts(&ev, &f);
	assert_int_equal(f.kind, EVENT_ATTEMPT);
	assert_int_equal(f.class, CLASS_ABUSE);
	assert_address(&f.address, "203.0.113.9");
	assert_slice(f.listener, "smtp");
	assert_slice(f.to, "nobody@example.org");
	f = facts_of("2026-11-21T00:15:47.4Z DEBUG utils::listener: Dropping connection from "
		     "blocked IP. context=\"listener\" "
		     "event=\"blocked\" instance=\"imap\" protocol=Imap remote.ip=\"203.0.113.9\" "
		     "remote.port=4000");
	assert_int_equal(f.kind, EVENT_REFUSED);
	assert_address(&f.address, "203.0.113.9");
	assert_slice(f.listener, "imap");
}

/* 0.10.3 writes text without quotes, and an event inside an event. */
static void test_nested_and_unquoted(void **state)
{
	struct event ev =
		parse("2026-11-21T00:19:19Z ERROR Resource error (resource.error) reason = "
		      "Resource not found "
		      "(resource.not-found) { causedBy = crates/common/src/manager/webadmin.rs:79, "
		      "details = Webadmin bundle "
		      "not found }, details = Failed to unpack, webadmin bundle");
	struct slice v;

	(void)state;
	assert_slice(ev.id, "resource.error");
	assert_true(event_field(&ev, "reason", 0, &v));
	assert_slice(v, "Resource not found (resource.not-found) { causedBy = "
			"crates/common/src/manager/webadmin.rs:79, "
			"details = Webadmin bundle not found }");
	assert_true(event_field(&ev, "details", 0, &v));
	assert_slice(v, "Failed to unpack, webadmin bundle");
	assert_false(event_field(&ev, "causedBy", 0, &v));
}

static void test_quotes_inside_values(void **state)
{
	struct event ev = parse("2026-11-20T23:50:41Z ERROR Configuration build error "
				"(config.build-error) details = \"Build error for "
				"key \"*\": Failed\", x = \"a\\\", b = \"");
	struct slice v;

	(void)state;
	assert_true(event_field(&ev, "details", 0, &v));
	assert_slice(v, "Build error for key \"*\": Failed");
	assert_true(event_field(&ev, "x", 0, &v));
	assert_slice(v, "a\\\", b = ");
	ev = parse("2026-11-20T23:50:41Z INFO E (smtp.ehlo) remoteIp = 203.0.113.90, domain = "
		   "\"x\"quote\"");
	assert_true(event_field(&ev, "domain", 0, &v));
	assert_slice(v, "x\"quote");
}

/* What an attacker can type must not become an address. */
static void test_forged_fields(void **state)
{
	struct event_facts f;
	const char *line;

	(void)state;
	f = facts_of("2026-11-20T23:57:22Z INFO Banned due to authentication errors "
		     "(security.authentication-ban) listenerId = \"imap\", "
		     "localPort = 143, remoteIp = 203.0.113.77, remotePort = 4, accountName = "
		     "\"x\", remoteIp = 9.9.9.9, x = \"\", id = \"a\"");
	assert_address(&f.address, "203.0.113.77");
	assert_slice(f.account, "x");
	assert_false(f.is_doubtful);
	/* Free text in front of the first address, and two that differ: no address at all. */
	f = facts_of("2026-11-20T23:57:22Z DEBUG Authentication failed (auth.failed) accountName = "
		     "\"x\", remoteIp = 9.9.9.9, y = \"\", "
		     "remoteIp = 203.0.113.77");
	assert_true(f.is_doubtful);
	assert_address(&f.address, "");
	f = facts_of("2026-11-20T23:57:22Z DEBUG Authentication failed (auth.failed) accountName = "
		     "\"x\", remoteIp = 203.0.113.77");
	assert_false(f.is_doubtful);
	assert_address(&f.address, "203.0.113.77");
	/* An event id inside a value is no event id. */
	f = facts_of("2026-11-20T23:57:22Z INFO SMTP EHLO command (smtp.ehlo) remoteIp = "
		     "203.0.113.90, domain = \"(security.scan-ban) "
		     "remoteIp = 9.9.9.9\"");
	assert_int_equal(f.kind, EVENT_OTHER);
	assert_address(&f.address, "203.0.113.90");
	assert_false(event_matters("2026-11-20T23:57:22Z INFO SMTP EHLO command (smtp.ehlo) domain "
				   "= \"(security.scan-ban)\"",
		88));
	/* Nor does a login that looks like one hide a ban from the cheap look. */
	line = "2026-11-21T00:15:47.4Z  INFO common: IP address blocked event=\"fail2ban\" "
	       "remote_ip=127.0.0.5 login=\"(smtp.ehlo)\"";
	assert_true(event_matters(line, strlen(line)));
	/* Neither is a network or a zone id an address. */
	f = facts_of("2026-11-20T23:57:22Z INFO B (security.ip-blocked) remoteIp = 10.0.0.0/8");
	assert_address(&f.address, "");
	f = facts_of(
		"2026-11-20T23:57:22Z INFO B (security.ip-blocked) remoteIp = ::ffff:192.0.2.7");
	assert_address(&f.address, "192.0.2.7");
}

static void test_hostile_bytes(void **state)
{
	static const char line[] = "2026-11-20T23:57:22Z INFO SMTP EHLO command (smtp.ehlo) "
				   "listenerId = \"smtp\", remoteIp = 203.0.113.90, "
				   "domain = \"n\0ul\033]52;c;eA==\a\xc2\x9b\xff\xe2\x80\xae\"\n";
	char copy[sizeof(line)];
	struct event ev;
	struct slice v;

	(void)state;
	memcpy(copy, line, sizeof(line));
	assert_int_equal(event_record(copy, sizeof(line) - 1, false), sizeof(line) - 1);
	/* An escape inside a value is evidence: it stays for the sanitiser to show. */
	assert_int_equal(event_strip_ansi(copy, sizeof(line) - 1), sizeof(line) - 1);
	event_parse(copy, sizeof(line) - 1, &ev);
	assert_true(event_field(&ev, "domain", 0, &v));
	assert_int_equal(v.len, 22);
	assert_memory_equal(v.p, "n\0ul\033]52;c;eA==\a\xc2\x9b\xff\xe2\x80\xae", 22);
	event_parse("\xff\xfe\0", 3, &ev);
	assert_int_equal(ev.format, EVENT_TEXT);
	event_parse("", 0, &ev);
	assert_int_equal(ev.format, EVENT_TEXT);
	event_parse("2026-11-20T23:57:22Z", 20, &ev);
	assert_int_equal(ev.format, EVENT_TEXT);
	event_parse("2026-11-20T23:57:22Z INFO", 25, &ev);
	assert_int_equal(ev.format, EVENT_TRACING);
}

static void test_colours(void **state)
{
	char line[] = "\033[37m2026-11-20T23:51:58Z\033[0m \033[32;1mINFO\033[0m \033[37;1mBlocked "
		      "IP address\033[0m (security.ip-blocked) "
		      "\033[36mlistenerId\033[0m = \"http\", \033[36mremoteIp\033[0m = 127.0.0.6\n";
	struct event_facts f;
	struct event ev;
	size_t n;

	(void)state;
	assert_true(event_matters(line, strlen(line)));
	assert_int_equal(event_record(line, strlen(line), false), strlen(line));
	n = event_strip_ansi(line, strlen(line));
	event_parse(line, n, &ev);
	assert_slice(ev.line, "2026-11-20T23:51:58Z INFO Blocked IP address (security.ip-blocked) "
			      "listenerId = \"http\", remoteIp = 127.0.0.6");
	event_facts(&ev, &f);
	assert_int_equal(f.kind, EVENT_REFUSED);
	assert_address(&f.address, "127.0.0.6");
}

static void assert_records(const char *text, bool is_final, const size_t *lengths, size_t count)
{
	size_t used = 0, i, n;

	for (i = 0; i < count; i++) {
		n = event_record(text + used, strlen(text) - used, is_final);
		assert_int_equal(n, lengths[i]);
		used += n;
	}
	assert_int_equal(event_record(text + used, strlen(text) - used, is_final), 0);
}

#define T1 "2026-11-20T23:57:22Z INFO A (x.a) b = \"c\"\n"
#define T2 "2026-11-20T23:57:23Z INFO B (x.b) n = 1\n"

static void test_records(void **state)
{
	const size_t one = strlen(T1), two = strlen(T2);

	(void)state;
	assert_records(T1 T2, false, (size_t[]){ one, two }, 2);
	assert_records(T1 "2026-11", false, (size_t[]){ one }, 1);
	assert_records(T1 "panic\n" T2, false, (size_t[]){ one, 6, two }, 3);
	/* A value that is not closed goes on in the next line; a new time always begins a record.
	 */
	assert_records("2026-11-20T23:57:22Z INFO A (x.a) b = \"c\nd\"\n" T2, false,
		(size_t[]){ one + 2, two }, 2);
	assert_records("2026-11-20T23:57:22Z INFO A (x.a) b = \"c\n" T2, false,
		(size_t[]){ one - 1, two }, 2);
	assert_records("2026-11-20T23:57:22Z INFO A (x.a) b = \"c\n", false, NULL, 0);
	assert_records(
		"2026-11-20T23:57:22Z INFO A (x.a) b = \"c\n", true, (size_t[]){ one - 1 }, 1);
	assert_records("2026-11-20T23:57:22Z INFO A (x.a) b = \"c\nd\"", false, NULL, 0);
	/* One field a line, as a tracer with `multiline` writes: known to be whole only when the
	 * next record begins. */
	assert_records("2026-11-20T23:57:22Z INFO A (x.a)\n\tb = \"c\"\n\td = 1\n", false, NULL, 0);
	assert_records("2026-11-20T23:57:22Z INFO A (x.a)\n\tb = \"c\"\n\td = 1\n" T2, false,
		(size_t[]){ 50, two }, 2);
	assert_records("2026-11-20T23:57:22Z INFO A (x.a) \n", false, (size_t[]){ 35 }, 1);
	assert_int_equal(event_record("", 0, true), 0);
}

static void test_long_record_is_cut(void **state)
{
	size_t len = EVENT_MAX + 1000, n;
	char *s = xmalloc(len);

	(void)state;
	memset(s, 'x', len);
	assert_int_equal(event_record(s, len, false), EVENT_MAX);
	s[EVENT_MAX + 10] = '\n';
	n = event_record(s, len, false);
	assert_int_equal(n, EVENT_MAX);
	assert_int_equal(event_record(s + n, len - n, false), 11);
	free(s);
}

static void test_multi_line_tracer(void **state)
{
	struct event ev = parse(
		"2026-11-20T23:57:22Z INFO Blocked IP address (security.ip-blocked)\n\tlistenerId "
		"= \"imap\"\n\tremoteIp = "
		"203.0.113.77\n\treason = Resource error (resource.error)\n\t\tdetails = \"x\"\n");
	struct event_facts f;
	struct slice v;

	(void)state;
	event_facts(&ev, &f);
	assert_int_equal(f.kind, EVENT_REFUSED);
	assert_address(&f.address, "203.0.113.77");
	assert_slice(f.listener, "imap");
	assert_true(event_field(&ev, "details", 0, &v));
	assert_slice(v, "x");
}

static void test_docker_time(void **state)
{
	struct event ev = parse("2026-11-20T23:57:23.123456789Z 2026-11-20T23:57:22Z INFO Blocked "
				"IP address (security.ip-blocked) remoteIp = ::1");

	(void)state;
	assert_true(ev.time == INT64_C(1795219042000));
	assert_slice(ev.id, "security.ip-blocked");
}

static void test_items(void **state)
{
	const char *line = "2026-11-20T23:57:25Z INFO Blocked IP address (security.ip-blocked) "
			   "listenerId = \"imap\", remoteIp = 2001:db8::bad:1";
	struct slice details = SLICE("listenerId = \"imap\", remoteIp = 2001:db8::bad:1"),
		     id = SLICE("security.ip-blocked");
	struct event file = parse(line), item;
	struct buf store = BUF_INIT;
	struct event_facts f;

	(void)state;
	event_from_item(&store, SLICE("2026-11-20T23:57:25Z"), SLICE("INFO"),
		SLICE("Blocked IP address"), id, details, &item);
	assert_slice(item.line, line);
	assert_true(item.time == file.time);
	assert_slice(item.id, "security.ip-blocked");
	assert_true(event_hash(&item) == event_hash(&file));
	/* 0.16: level in small letters, no description, yet the same event. */
	event_from_item(&store, SLICE("2026-11-20T23:57:25Z"), SLICE("info"), SLICE_NONE, id,
		details, &item);
	assert_slice(item.line, "2026-11-20T23:57:25Z INFO (security.ip-blocked) listenerId = "
				"\"imap\", remoteIp = 2001:db8::bad:1");
	assert_true(event_hash(&item) == event_hash(&file));
	event_facts(&item, &f);
	assert_address(&f.address, "2001:db8::bad:1");
	/* 0.8: time cut to the second, module missing. */
	file = parse("2026-11-21T00:15:47.407954Z  INFO common: IP address blocked "
		     "event=\"fail2ban\" remote_ip=127.0.0.5 login=\"zed\"");
	item = parse("2026-11-21T00:15:47Z  INFO IP address blocked event=\"fail2ban\" "
		     "remote_ip=127.0.0.5 login=\"zed\"");
	assert_slice(item.id, "security.authentication-ban");
	assert_true(event_hash(&item) == event_hash(&file));
	/* A time that is none makes it text, not a lie. */
	event_from_item(&store, SLICE("yesterday"), SLICE("INFO"), SLICE("x"), id, details, &item);
	assert_int_equal(item.format, EVENT_TEXT);
	assert_true(item.line.len > 0);
	buf_release(&store);
}

static void test_expired(void **state)
{
	struct event ev =
		parse("2026-11-21T00:04:52Z INFO IP block expired (security.ip-block-expired) "
		      "details = [127.0.0.23, 10.0.0.0/8, junk, "
		      "2001:db8::/32]");
	size_t pos = 0;
	struct net n;

	(void)state;
	assert_true(event_expired(&ev, &pos, &n));
	assert_address(&n, "127.0.0.23");
	assert_true(event_expired(&ev, &pos, &n));
	assert_address(&n, "10.0.0.0/8");
	assert_true(event_expired(&ev, &pos, &n));
	assert_address(&n, "2001:db8::/32");
	assert_false(event_expired(&ev, &pos, &n));
}

/* ---- parse∘print ---- */

static uint64_t seed = 20261121;

static unsigned roll(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

static void add_noise(struct buf *b, bool no_parens)
{
	static const char *const bits[] = { "a", "Z", " ", "\"", "\\\\", ", ", " = ", "=", "{",
		" } ", "\t", "\xff", "\xc3\xa9", "\033[0m", "[", "]", "remoteIp = 9.9.9.9",
		"x = \"", "::1", "(a.b) " };
	unsigned i, n = roll(8);

	for (i = 0; i < n; i++)
		buf_adds(b, bits[roll(no_parens ? ARRAY_LEN(bits) - 1 : ARRAY_LEN(bits))]);
	if (roll(20) == 0)
		buf_addc(b, '\0');
}

static void assert_same(const struct event *a, const struct event *b)
{
	assert_int_equal(a->format, b->format);
	assert_true(a->time == b->time);
	assert_int_equal(a->level, b->level);
	assert_true(slice_equal(a->description, b->description));
	assert_true(slice_equal(a->id, b->id));
	assert_true(slice_equal(a->module, b->module));
	assert_true(slice_equal(a->span, b->span));
	assert_true(slice_equal(a->details, b->details));
	assert_true(event_hash(a) == event_hash(b));
}

static void test_print_then_parse(void **state)
{
	struct buf line = BUF_INIT, again = BUF_INIT;
	struct event ev, back;
	int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		char stamp[TIME_BUF];
		bool old = roll(2);

		buf_reset(&line);
		buf_adds(&line,
			time_format((int64_t)roll(2000000000) * 1000 + (roll(2) ? roll(1000) : 0),
				stamp, sizeof(stamp)));
		buf_addf(&line, old ? " %5s " : " %s ",
			event_level_text((enum event_level)(1 + roll(LEVEL_COUNT - 1))));
		if (old)
			buf_adds(&line,
				roll(2) ? "session{instance=\"x\" y=1}: smtp::a: Message here"
					: "common: M");
		else
			buf_addf(&line, "%s(%s.%s) ", roll(3) ? "Some words " : "",
				roll(2) ? "security" : "auth", roll(2) ? "x-y" : "z");
		if (old)
			buf_addc(&line, ' ');
		buf_adds(&line, roll(2) ? "remoteIp = 203.0.113.7, who = \"" : "k=v q=\"");
		add_noise(&line, old);
		buf_adds(&line, "\"");
		event_parse(line.data, line.len, &ev);
		assert_int_equal(ev.format, old ? EVENT_TRACING : EVENT_MODERN);
		buf_reset(&again);
		event_print(&again, &ev);
		event_parse(again.data, again.len, &back);
		assert_same(&ev, &back);
	}
	buf_release(&line);
	buf_release(&again);
}

/* Every field an honest server writes comes back, whatever stands in the last one. */
static void test_fields_round_trip(void **state)
{
	struct buf line = BUF_INIT, value = BUF_INIT;
	struct event_facts f;
	struct event ev;
	struct slice v;
	int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		buf_reset(&line);
		buf_reset(&value);
		add_noise(&value, false);
		buf_addf(&line,
			"2026-11-20T23:57:22Z INFO Banned due to abuse (security.abuse-ban) "
			"listenerId = \"smtp\", localPort = %u, "
			"remoteIp = 203.0.113.%u, remotePort = 4000, to = \"",
			roll(65536), roll(256));
		buf_add(&line, value.data ? value.data : "", value.len);
		buf_addc(&line, '"');
		event_parse(line.data, line.len, &ev);
		event_facts(&ev, &f);
		assert_int_equal(f.kind, EVENT_BAN);
		assert_slice(f.listener, "smtp");
		assert_int_equal(f.address.addr[0], 203);
		assert_false(f.is_doubtful);
		assert_true(event_field(&ev, "to", 0, &v));
		assert_true(v.len <= value.len);
	}
	buf_release(&line);
	buf_release(&value);
}

/* ---- logmark ---- */

static struct event at_second(int second, const char *what, char *line, size_t size)
{
	snprintf(line, size, "2026-11-20T23:57:%02dZ INFO X (a.b) x = %s", second, what);
	return parse(line);
}

static bool note(struct logmark *m, int second, const char *what)
{
	char line[128];
	struct event ev = at_second(second, what, line, sizeof(line));

	return logmark_note(m, &ev);
}

static void reload(struct logmark *m)
{
	struct buf text = BUF_INIT;

	logmark_format(m, &text);
	assert_true(logmark_parse(m, buf_str(&text)));
	buf_release(&text);
}

static void test_logmark(void **state)
{
	struct logmark m;

	(void)state;
	logmark_init(&m);
	logmark_begin(&m);
	assert_true(note(&m, 10, "a"));
	assert_true(note(&m, 11, "b"));
	assert_true(note(&m, 11, "b")); /* twice the same line in one pass: two lines */
	reload(&m);
	assert_false(note(&m, 11, "b"));
	assert_true(note(&m, 12, "c"));
	assert_false(note(&m, 11, "b"));
	assert_true(note(&m, 11, "b")); /* a third one */
	assert_false(note(&m, 10, "a"));
	assert_false(note(&m, 3, "old"));
	logmark_begin(&m);
	assert_true(note(&m, 40, "d")); /* newest first */
	assert_true(note(&m, 20, "e"));
	assert_false(note(&m, 12, "c"));
	assert_false(logmark_parse(&m, "m1;12;zz"));
	assert_false(logmark_parse(&m, "hello"));
	assert_false(logmark_parse(&m, "m1;99999999999999999999"));
	assert_true(logmark_parse(&m, ""));
	assert_true(note(&m, 3, "old"));
	logmark_release(&m);
}

static void test_logmark_is_bounded(void **state)
{
	struct logmark m;
	char line[128];
	int i;

	(void)state;
	logmark_init(&m);
	logmark_begin(&m);
	for (i = 0; i < 50000; i++) {
		struct event ev;

		snprintf(line, sizeof(line), "2026-11-20T%02d:%02d:%02dZ INFO X (a.b) x = %d",
			i / 3600, i / 60 % 60, i % 60, i);
		ev = parse(line);
		assert_true(logmark_note(&m, &ev));
	}
	assert_true(m.cap <= 256);
	logmark_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_logs),
		cmocka_unit_test(test_modern_line),
		cmocka_unit_test(test_old_line),
		cmocka_unit_test(test_old_span),
		cmocka_unit_test(test_nested_and_unquoted),
		cmocka_unit_test(test_quotes_inside_values),
		cmocka_unit_test(test_forged_fields),
		cmocka_unit_test(test_hostile_bytes),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_long_record_is_cut),
		cmocka_unit_test(test_multi_line_tracer),
		cmocka_unit_test(test_docker_time),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_print_then_parse),
		cmocka_unit_test(test_fields_round_trip),
		cmocka_unit_test(test_logmark),
		cmocka_unit_test(test_logmark_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
