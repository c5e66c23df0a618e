/* SPDX-License-Identifier: GPL-3.0-or-later */
/* STARTTLS of SMTP (RFC 3207), IMAP (3501), POP3 (2595) and ManageSieve (5804), line by line, one
 * row per protocol. It must not know sockets. */
#include "client/endpoint_starttls.h"

#include <string.h>
#include <strings.h>

#include "core/mem.h"

struct line {
	const char *s; /* without CR LF, may hold anything else */
	size_t len;
};

struct talk {
	struct starttls *st;
	struct buf *send;
	struct err *err;
};

static bool starts(const struct line *l, const char *word)
{
	size_t n = strlen(word);

	return l->len >= n && !strncasecmp(l->s, word, n);
}

/* word, then a blank or the end */
static bool is_word(const struct line *l, const char *word)
{
	size_t n = strlen(word);

	return starts(l, word) && (l->len == n || l->s[n] == ' ');
}

static enum starttls_state fail(struct talk *t, const char *what, const struct line *l)
{
	int len = l ? (int)(l->len > 200 ? 200 : l->len) : 0;

	if (len)
		err_set(t->err, ERR_PROTOCOL, "%s: %.*s", what, len, l->s);
	else
		err_set(t->err, ERR_PROTOCOL, "%s", what);
	return STARTTLS_FAILED;
}

static enum starttls_state begin(struct talk *t, const char *command)
{
	buf_adds(t->send, command);
	return STARTTLS_ANSWER;
}

/* "250-text" goes on, "250 text" and "250" end. */
static bool smtp_ends(const struct line *l)
{
	return l->len == 3 || (l->len > 3 && l->s[3] != '-');
}

static enum starttls_state smtp_line(struct talk *t, const struct line *l)
{
	struct line cap = {l->s + 4, l->len > 4 ? l->len - 4 : 0};

	switch (t->st->state) {
	case STARTTLS_GREETING:
		if (!starts(l, "220"))
			return fail(t, "refused by the server", l);
		if (!smtp_ends(l))
			return STARTTLS_GREETING;
		buf_addf(t->send, "EHLO %s\r\n", t->st->ehlo);
		return STARTTLS_CAPS;
	case STARTTLS_CAPS:
		if (!starts(l, "250"))
			return fail(t, "EHLO refused", l);
		if (cap.len && is_word(&cap, "STARTTLS"))
			t->st->offered = true;
		if (!smtp_ends(l))
			return STARTTLS_CAPS;
		return t->st->offered ? begin(t, "STARTTLS\r\n")
				      : fail(t, "offers no STARTTLS", NULL);
	case STARTTLS_ANSWER:
		if (!starts(l, "220"))
			return fail(t, "STARTTLS refused", l);
		return smtp_ends(l) ? STARTTLS_READY : STARTTLS_ANSWER;
	case STARTTLS_READY:
	case STARTTLS_FAILED:
		break;
	}
	return t->st->state;
}

static enum starttls_state imap_line(struct talk *t, const struct line *l)
{
	if (t->st->state == STARTTLS_GREETING) {
		if (starts(l, "* PREAUTH"))
			return fail(t, "already authenticated: STARTTLS is not possible", NULL);
		return is_word(l, "* OK") ? begin(t, "a1 STARTTLS\r\n")
					  : fail(t, "refused by the server", l);
	}
	if (is_word(l, "* BYE"))
		return fail(t, "closed by the server", l);
	if (starts(l, "*") || starts(l, "+"))
		return STARTTLS_ANSWER;
	return is_word(l, "a1 OK") ? STARTTLS_READY : fail(t, "STARTTLS refused", l);
}

static enum starttls_state pop3_line(struct talk *t, const struct line *l)
{
	bool greeting = t->st->state == STARTTLS_GREETING;

	if (!is_word(l, "+OK"))
		return fail(t, greeting ? "refused by the server" : "STLS refused", l);
	return greeting ? begin(t, "STLS\r\n") : STARTTLS_READY;
}

static enum starttls_state sieve_line(struct talk *t, const struct line *l)
{
	bool greeting = t->st->state == STARTTLS_GREETING;

	if (starts(l, "\"")) {
		t->st->offered |= starts(l, "\"STARTTLS\"");
		return t->st->state;
	}
	if (!starts(l, "OK"))
		return fail(t, greeting ? "refused by the server" : "STARTTLS refused", l);
	if (!greeting)
		return STARTTLS_READY;
	return t->st->offered ? begin(t, "STARTTLS\r\n") : fail(t, "offers no STARTTLS", NULL);
}

static enum starttls_state (*const talks[])(struct talk *, const struct line *) = {
	[PROTO_TLS] = NULL,
	[PROTO_SMTP] = smtp_line,
	[PROTO_IMAP] = imap_line,
	[PROTO_POP3] = pop3_line,
	[PROTO_SIEVE] = sieve_line,
};
_Static_assert(ARRAY_LEN(talks) == PROTO_COUNT, "one talk per protocol");

void starttls_init(struct starttls *st, enum proto proto, const char *ehlo)
{
	memset(st, 0, sizeof(*st));
	st->proto = proto;
	st->state = proto == PROTO_TLS ? STARTTLS_READY : STARTTLS_GREETING;
	st->ehlo = ehlo;
	buf_init(&st->in, STARTTLS_LINE_MAX);
}

void starttls_release(struct starttls *st)
{
	buf_release(&st->in);
}

static enum starttls_state feed_line(struct talk *t, const char *s, size_t len)
{
	struct line l = {s, len};

	if (l.len && l.s[l.len - 1] == '\r')
		l.len--;
	return talks[t->st->proto](t, &l);
}

static bool is_done(const struct starttls *st)
{
	return st->state == STARTTLS_READY || st->state == STARTTLS_FAILED;
}

enum starttls_state starttls_feed(
	struct starttls *st, const char *data, size_t len, struct buf *send, struct err *err)
{
	struct talk t = {st, send, err};

	if (st->state == STARTTLS_FAILED)
		return st->state;
	while (len && !is_done(st)) {
		const char *nl = memchr(data, '\n', len);
		size_t n = nl ? (size_t)(nl - data) : len, used = nl ? n + 1 : n;

		st->total += used;
		if (!buf_add(&st->in, data, n) || st->total > STARTTLS_TOTAL_MAX) {
			st->state = fail(&t, "the server's answer is too long", NULL);
			return st->state;
		}
		data += used;
		len -= used;
		if (!nl)
			break;
		st->state = feed_line(&t, buf_str(&st->in), st->in.len);
		buf_reset(&st->in);
	}
	if (st->state == STARTTLS_READY && len)
		st->state =
			fail(&t, "the server sent more in clear text after it agreed to TLS", NULL);
	return st->state;
}
