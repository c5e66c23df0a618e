/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which endpoints to probe: parsing, printing, the default list. It must not know sockets nor TLS.
 */
#include "client/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/text.h"

static const struct {
	const char *name;
	uint16_t port; /* usual */
} protos[] = {
	[PROTO_TLS] = {"tls", 443},
	[PROTO_SMTP] = {"smtp", 25},
	[PROTO_IMAP] = {"imap", 143},
	[PROTO_POP3] = {"pop3", 110},
	[PROTO_SIEVE] = {"sieve", 4190},
};
_Static_assert(ARRAY_LEN(protos) == PROTO_COUNT, "one row per protocol");

static const char *proto_name(enum proto p)
{
	return p < PROTO_COUNT ? protos[p].name : "";
}

static bool parse_proto(const char *s, size_t len, enum proto *out)
{
	for (size_t i = 0; i < PROTO_COUNT; i++)
		if (strlen(protos[i].name) == len && !strncasecmp(protos[i].name, s, len)) {
			*out = (enum proto)i;
			return true;
		}
	return false;
}

/* Names, IPv4, IPv6 with zone. What else could be in there is nothing a resolver should see. */
static bool copy_host(char *out, size_t size, const char *s, size_t len)
{
	if (!len || len >= size || *s == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] == 0x7f ||
			strchr("/?#@[]\"'\\", s[i]))
			return false;
	memcpy(out, s, len);
	out[len] = '\0';
	return true;
}

static bool bad(struct err *err, const char *s, const char *why)
{
	return err_set(err, ERR_USAGE,
		"endpoint %s: %s; e.g. tls://mail.example.org:993, smtp://[2001:db8::1]:25", s,
		why);
}

/* ":PORT", "?name=NAME", both or neither. */
static bool parse_tail(const char *tail, const char *s, struct endpoint *out, struct err *err)
{
	size_t len = strcspn(tail, "?");
	char port[8];
	int64_t n;

	if (len) {
		if (*tail != ':' || len > sizeof(port))
			return bad(err, s, "no port number after the host");
		memcpy(port, tail + 1, len - 1);
		port[len - 1] = '\0';
		if (!text_int(port, 1, 65535, &n))
			return bad(err, s, "the port must be 1..65535");
		out->port = (uint16_t)n;
	}
	tail += len;
	if (!*tail)
		return true;
	if (strncmp(tail, "?name=", 6) ||
		!copy_host(out->name, sizeof(out->name), tail + 6, strlen(tail + 6)))
		return bad(err, s, "after '?' only name=NAME is known");
	return true;
}

bool endpoint_parse(const char *s, struct endpoint *out, struct err *err)
{
	const char *host = strstr(s, "://"), *end;

	memset(out, 0, sizeof(*out));
	if (!host || !parse_proto(s, (size_t)(host - s), &out->proto))
		return bad(
			err, s, "it must begin with tls://, smtp://, imap://, pop3:// or sieve://");
	host += 3;
	out->port = protos[out->proto].port;
	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end || !copy_host(out->host, sizeof(out->host), host, (size_t)(end - host)))
			return bad(err, s, "no address in the brackets");
		return parse_tail(end + 1, s, out, err);
	}
	end = host + strcspn(host, ":?");
	if (!copy_host(out->host, sizeof(out->host), host, (size_t)(end - host)))
		return bad(err, s, "no host name");
	return parse_tail(end, s, out, err);
}

char *endpoint_format(const struct endpoint *e, char *out, size_t size)
{
	bool v6 = strchr(e->host, ':') != NULL;

	snprintf(out, size, "%s://%s%s%s:%u", proto_name(e->proto), v6 ? "[" : "", e->host,
		v6 ? "]" : "", e->port);
	return out;
}

void endpoints_release(struct endpoints *l)
{
	free(l->items);
	memset(l, 0, sizeof(*l));
}

static const char *name_of(const struct endpoint *e)
{
	return *e->name ? e->name : e->host;
}

void endpoints_add(struct endpoints *l, const struct endpoint *e)
{
	for (size_t i = 0; i < l->count; i++) {
		struct endpoint *o = &l->items[i];

		if (o->proto != e->proto || o->port != e->port || strcasecmp(o->host, e->host) ||
			strcasecmp(name_of(o), name_of(e)))
			continue;
		o->optional &= e->optional; /* asked for by name: its silence matters */
		return;
	}
	xgrow(&l->items, &l->cap, l->count + 1, sizeof(*l->items));
	l->items[l->count++] = *e;
}

void endpoints_add_defaults(
	struct endpoints *l, const char *host, const char *const *names, size_t name_count)
{
	static const struct {
		enum proto proto;
		uint16_t port;
	} usual[] = {
		{PROTO_TLS, 443},
		{PROTO_TLS, 465},
		{PROTO_TLS, 993},
		{PROTO_TLS, 995},
		{PROTO_SIEVE, 4190},
		{PROTO_SMTP, 25},
		{PROTO_SMTP, 587},
		{PROTO_IMAP, 143},
	};
	struct endpoint e = {.optional = true};

	snprintf(e.host, sizeof(e.host), "%s", host);
	for (size_t n = 0; n < (name_count ? name_count : 1); n++) {
		snprintf(e.name, sizeof(e.name), "%s", name_count ? names[n] : "");
		for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
			e.proto = usual[i].proto;
			e.port = usual[i].port;
			endpoints_add(l, &e);
		}
	}
}
