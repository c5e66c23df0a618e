/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pure parts of probing: endpoints as text, getent's answers, STARTTLS talks cut at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/endpoint.h"
#include "client/endpoint_lookup.h"
#include "client/endpoint_starttls.h"
#include "core/mem.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		enum proto proto;
		const char *host;
		uint16_t port;
		const char *name, *back;
	} rows[] = {
		{ "tls://mail.example.org:993", PROTO_TLS, "mail.example.org", 993, "", "tls://mail.example.org:993" },
		{ "TLS://a", PROTO_TLS, "a", 443, "", "tls://a:443" },
		{ "smtp://10.0.0.1", PROTO_SMTP, "10.0.0.1", 25, "", "smtp://10.0.0.1:25" },
		{ "imap://h:1", PROTO_IMAP, "h", 1, "", "imap://h:1" },
		{ "pop3://h", PROTO_POP3, "h", 110, "", "pop3://h:110" },
		{ "sieve://h", PROTO_SIEVE, "h", 4190, "", "sieve://h:4190" },
		{ "smtp://[2001:db8::1]:65535", PROTO_SMTP, "2001:db8::1", 65535, "", "smtp://[2001:db8::1]:65535" },
		{ "tls://[fe80::1%eth0]", PROTO_TLS, "fe80::1%eth0", 443, "", "tls://[fe80::1%eth0]:443" },
		{ "tls://127.0.0.1:993?name=mail.example.org", PROTO_TLS, "127.0.0.1", 993, "mail.example.org",
			"tls://127.0.0.1:993" },
		{ "tls://h?name=n", PROTO_TLS, "h", 443, "n", "tls://h:443" },
	};
	char text[320];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;
		struct endpoint e;

		assert_true(endpoint_parse(rows[i].text, &e, &err));
		assert_int_equal(e.proto, rows[i].proto);
		assert_string_equal(e.host, rows[i].host);
		assert_int_equal(e.port, rows[i].port);
		assert_string_equal(e.name, rows[i].name);
		assert_string_equal(endpoint_format(&e, text, sizeof(text)), rows[i].back);
		assert_false(e.optional || e.other_host);
	}
}

static void test_parse_refuses(void **state)
{
	static const char *const rows[] = { "", "mail.example.org:993", "https://a", "tls://", "tls://:443", "tls://a:0",
		"tls://a:65536", "tls://a:", "tls://a:x", "tls://a:99999999999", "tls://-a", "tls://a b", "tls://a\x1b",
		"tls://[::1", "tls://[]:1", "tls://[::1]x", "tls://a/path", "tls://u@a", "tls://a?x=1", "tls://a?name=",
		"tls://a?name=-x", "tls://a?name=b/c" };
	char big[400] = "tls://";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;
		struct endpoint e;

		if (endpoint_parse(rows[i], &e, &err))
			fail_msg("taken: %s", rows[i]);
		assert_int_equal(err.code, ERR_USAGE);
		assert_non_null(strstr(err.msg, "e.g. tls://"));
	}
	memset(big + 6, 'a', 300);
	assert_false(endpoint_parse(big, &(struct endpoint){ .port = 1 }, NULL));
}

static void test_defaults(void **state)
{
	static const char *const names[] = { "a.example.org", "b.example.org", "A.example.org" };
	struct endpoints l = { NULL, 0, 0 };
	struct endpoint e = { .proto = PROTO_TLS, .host = "10.0.0.1", .port = 993, .name = "b.example.org" };
	size_t optional = 0;

	(void)state;
	endpoints_add_defaults(&l, "10.0.0.1", names, 3);
	assert_int_equal(l.count, 16); /* the third is the first again */
	endpoints_add(&l, &e);
	assert_int_equal(l.count, 16);
	for (size_t i = 0; i < l.count; i++)
		optional += l.items[i].optional;
	assert_int_equal(optional, 15); /* asked for by name: no longer optional */
	endpoints_release(&l);
	endpoints_add_defaults(&l, "mail.example.org", NULL, 0);
	assert_int_equal(l.count, 8);
	snprintf(e.host, sizeof(e.host), "mail.example.org");
	snprintf(e.name, sizeof(e.name), "MAIL.example.org"); /* the same as no name */
	endpoints_add(&l, &e);
	assert_int_equal(l.count, 8);
	endpoints_release(&l);
}

static void test_getent(void **state)
{
	static const char text[] = "::1             STREAM localhost\n"
				   "::1             DGRAM  \n"
				   "::1             RAW    \n"
				   "127.0.0.1\tSTREAM \n"
				   "\n"
				   "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff%averyveryverylonginterfacename-indeed STREAM\n"
				   "fe80::1%eth0 STREAM";
	char address[LOOKUP_MAX][LOOKUP_TEXT];

	(void)state;
	assert_int_equal(lookup_parse(text, sizeof(text) - 1, address, LOOKUP_MAX), 3);
	assert_string_equal(address[0], "::1");
	assert_string_equal(address[1], "127.0.0.1");
	assert_string_equal(address[2], "fe80::1%eth0");
	assert_int_equal(lookup_parse(text, sizeof(text) - 1, address, 1), 1);
	assert_int_equal(lookup_parse("", 0, address, LOOKUP_MAX), 0);
	assert_int_equal(lookup_parse("1.2.3.4\0x", 9, address, LOOKUP_MAX), 0);
}

struct talk {
	enum proto proto;
	const char *parts[3]; /* of the server, each after what we have sent */
	const char *sent;     /* by us, all of it */
	enum starttls_state end;
	const char *error;
};

static const struct talk talks[] = {
	{ PROTO_SMTP, { "220 hi\r\n", "250-h\r\n250 STARTTLS\r\n", "220 go\r\n" }, "EHLO me\r\nSTARTTLS\r\n", STARTTLS_READY,
		"" },
	{ PROTO_SMTP, { "220-a\r\n220\r\n", "250-starttls\r\n250\r\n", "220-x\n220 go\n" }, "EHLO me\r\nSTARTTLS\r\n",
		STARTTLS_READY, "" },
	{ PROTO_IMAP, { "* OK hi\r\n", "* x\r\n+ y\r\nA1 ok go\r\n", "" }, "a1 STARTTLS\r\n", STARTTLS_READY, "" },
	{ PROTO_POP3, { "+OK\r\n", "+OK go\r\n", "" }, "STLS\r\n", STARTTLS_READY, "" },
	{ PROTO_SIEVE, { "\"STARTTLS\"\r\nOK\r\n", "OK\r\n", "" }, "STARTTLS\r\n", STARTTLS_READY, "" },
	{ PROTO_SMTP, { "", "", "" }, "", STARTTLS_GREETING, "" },
	{ PROTO_SMTP, { "220 hi\r\n", "250-STARTTLS\r\n", "" }, "EHLO me\r\n", STARTTLS_CAPS, "" },
	{ PROTO_SMTP, { "554 no\r\n", "", "" }, "", STARTTLS_FAILED, "refused by the server: 554 no" },
	{ PROTO_SMTP, { "\r\n", "", "" }, "", STARTTLS_FAILED, "refused by the server" },
	{ PROTO_SMTP, { "220 hi\r\n", "250 STARTTLSX\r\n", "" }, "EHLO me\r\n", STARTTLS_FAILED, "offers no STARTTLS" },
	{ PROTO_IMAP, { "* OKAY\r\n", "", "" }, "", STARTTLS_FAILED, "refused by the server: * OKAY" },
	{ PROTO_IMAP, { "* OK\r\n", "a1 BAD \x1b[2J\r\n", "" }, "a1 STARTTLS\r\n", STARTTLS_FAILED,
		"STARTTLS refused: a1 BAD \\x1b[2J" },
	{ PROTO_POP3, { "-ERR\r\n", "", "" }, "", STARTTLS_FAILED, "refused by the server: -ERR" },
	{ PROTO_SIEVE, { "\"SASL\" \"STARTTLS\"\r\nOK\r\n", "", "" }, "", STARTTLS_FAILED, "offers no STARTTLS" },
};

/* Feeds each part in two pieces cut at `cut`. */
static void run_talk(const struct talk *t, size_t cut)
{
	struct buf send = BUF_INIT;
	struct err err = ERR_INIT;
	struct starttls st;

	starttls_init(&st, t->proto, "me");
	for (size_t i = 0; i < ARRAY_LEN(t->parts); i++) {
		const char *s = t->parts[i];
		size_t len = strlen(s), at = cut < len ? cut : len;

		if (!len)
			continue;
		starttls_feed(&st, s, at, &send, &err);
		starttls_feed(&st, s + at, len - at, &send, &err);
	}
	assert_int_equal(st.state, t->end);
	assert_string_equal(buf_str(&send), t->sent);
	assert_string_equal(err.msg, t->error);
	starttls_release(&st);
	buf_release(&send);
}

static void test_starttls(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(talks); i++)
		for (size_t cut = 0; cut < 40; cut++)
			run_talk(&talks[i], cut);
}

/* Whatever follows the final answer would be taken for the inside of TLS by a careless client. */
static void test_injection(void **state)
{
	static const struct {
		enum proto proto;
		const char *text;
	} rows[] = {
		{ PROTO_POP3, "+OK\r\n+OK\r\nx" },
		{ PROTO_IMAP, "* OK\r\na1 OK\r\n* CAPABILITY\r\n" },
		{ PROTO_SMTP, "220 a\r\n250 STARTTLS\r\n220 go\r\n250 evil\r\n" },
		{ PROTO_SIEVE, "\"STARTTLS\"\r\nOK\r\nOK\r\n\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf send = BUF_INIT;
		struct err err = ERR_INIT;
		struct starttls st;

		starttls_init(&st, rows[i].proto, "me");
		assert_int_equal(starttls_feed(&st, rows[i].text, strlen(rows[i].text), &send, &err), STARTTLS_FAILED);
		assert_non_null(strstr(err.msg, "more in clear text"));
		assert_int_equal(starttls_feed(&st, "+OK\r\n", 5, &send, &err), STARTTLS_FAILED); /* for good */
		starttls_release(&st);
		buf_release(&send);
	}
}

static void test_bounds(void **state)
{
	struct buf send = BUF_INIT;
	struct err err = ERR_INIT;
	struct starttls st;
	char line[STARTTLS_LINE_MAX + 1];
	size_t lines = 0;

	(void)state;
	memset(line, 'a', sizeof(line));
	starttls_init(&st, PROTO_SMTP, "me");
	assert_int_equal(starttls_feed(&st, line, sizeof(line), &send, &err), STARTTLS_FAILED);
	assert_string_equal(err.msg, "the server's answer is too long");
	starttls_release(&st);
	starttls_init(&st, PROTO_SMTP, "me");
	while (starttls_feed(&st, "220-still talking\r\n", 19, &send, NULL) == STARTTLS_GREETING)
		lines++;
	assert_int_equal(st.state, STARTTLS_FAILED);
	assert_int_equal(lines, STARTTLS_TOTAL_MAX / 19);
	assert_int_equal(send.len, 0);
	starttls_release(&st);
	starttls_init(&st, PROTO_TLS, "me");
	assert_int_equal(st.state, STARTTLS_READY);
	starttls_release(&st);
	buf_release(&send);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_getent),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
