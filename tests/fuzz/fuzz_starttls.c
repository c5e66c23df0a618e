/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a mail server says before TLS, whole and in pieces: the same end, bounded, and only our own commands go out. First byte: which
 * protocol; second: size of the pieces. Besides: endpoints and getent's answers as text. */
#include "client/endpoint.h"
#include "client/endpoint_lookup.h"
#include "client/endpoint_starttls.h"
#include "core/mem.h"
#include "core/text.h"
#include "tests/fuzz/fuzz.h"

struct end {
	enum starttls_state state;
	struct buf sent;
	struct err err;
};

static void talk(struct end *e, enum proto proto, const char *s, size_t len, size_t piece)
{
	struct starttls st;

	memset(e, 0, sizeof(*e));
	starttls_init(&st, proto, "me.example.org");
	for (size_t at = 0; at < len;) {
		size_t n = len - at < piece ? len - at : piece;
		char *exact = malloc(n);

		if (!exact)
			abort();
		memcpy(exact, s + at, n);
		starttls_feed(&st, exact, n, &e->sent, &e->err);
		free(exact);
		at += n;
		MUST(st.in.len <= STARTTLS_LINE_MAX);
	}
	e->state = st.state;
	starttls_release(&st);
}

static void check_end(const struct end *e)
{
	static const char *const sent[] = { "", "EHLO me.example.org\r\n", "EHLO me.example.org\r\nSTARTTLS\r\n",
		"a1 STARTTLS\r\n", "STLS\r\n", "STARTTLS\r\n" };
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(sent); i++)
		known |= !strcmp(buf_str(&e->sent), sent[i]);
	MUST(known);
	MUST((e->state == STARTTLS_FAILED) == (e->err.code != ERR_NONE));
	MUST(text_is_safe(e->err.msg, strlen(e->err.msg)));
}

static void check_talks(const uint8_t *data, size_t size)
{
	enum proto proto = (enum proto)(PROTO_SMTP + data[0] % (PROTO_COUNT - PROTO_SMTP));
	size_t piece = data[1] % 64 + 1;
	struct end whole, pieces;

	talk(&whole, proto, (const char *)data + 2, size - 2, SIZE_MAX);
	talk(&pieces, proto, (const char *)data + 2, size - 2, piece);
	check_end(&whole);
	check_end(&pieces);
	MUST(whole.state == pieces.state);
	MUST(!strcmp(buf_str(&whole.sent), buf_str(&pieces.sent)));
	buf_release(&whole.sent);
	buf_release(&pieces.sent);
}

static void check_endpoint(const char *s)
{
	struct endpoint a, b;
	char text[320], again[320];

	if (!endpoint_parse(s, &a, NULL))
		return;
	MUST(*a.host && *a.host != '-' && *a.name != '-' && a.port);
	endpoint_format(&a, text, sizeof(text));
	MUST(endpoint_parse(text, &b, NULL));
	MUST(!strcmp(endpoint_format(&b, again, sizeof(again)), text));
}

static void check_lookup(const char *s, size_t len)
{
	char address[LOOKUP_MAX][LOOKUP_TEXT];
	size_t n = lookup_parse(s, len, address, LOOKUP_MAX);

	MUST(n <= LOOKUP_MAX);
	for (size_t i = 0; i < n; i++)
		MUST(*address[i] && strlen(address[i]) < LOOKUP_TEXT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = xmemdup(data, size);

	if (size >= 2)
		check_talks(data, size);
	check_endpoint(s);
	check_lookup(s, size);
	free(s);
	return 0;
}
