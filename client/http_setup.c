/* SPDX-License-Identifier: GPL-3.0-or-later */
/* URL and route of a profile, checked before anything is sent. Stricter than libcurl on purpose: what both would not read alike is
 * refused. Knows no libcurl. */
#include "client/http_private.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/text.h"

#define PIN_PREFIX "sha256//"
#define PIN_DIGITS 44 /* base64 of 32 bytes */
#define TIMEOUT_MIN_MS 100
#define TIMEOUT_MAX_MS 3600000

struct authority {
	char *host; /* without brackets */
	bool bracketed;
	int64_t port; /* -1 = none given */
	const char *rest;
};

bool sockaddr_is_local(const struct sockaddr *a)
{
	static const unsigned char mapped[13] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127 };

	if (a->sa_family == AF_UNIX)
		return true;
	if (a->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
	if (a->sa_family == AF_INET6) {
		const struct in6_addr *in = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;

		return IN6_IS_ADDR_LOOPBACK(in) || !memcmp(in->s6_addr, mapped, sizeof(mapped));
	}
	return false;
}

static bool host_is_local(const char *host)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (!strcasecmp(host, "localhost")) /* libcurl resolves that name to loopback by itself */
		return true;
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		return sockaddr_is_local((const struct sockaddr *)&v4);
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
		return sockaddr_is_local((const struct sockaddr *)&v6);
	return false;
}

static bool is_host_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
		c == '_' || (unsigned char)c >= 0x80;
}

/* host[:port], host in brackets when IPv6; *rest is where it ends. */
static bool authority_parse(const char *s, struct authority *a, struct err *err)
{
	const char *end;
	char digits[8];
	size_t n = 0;

	*a = (struct authority){ .port = -1 };
	a->bracketed = *s == '[';
	if (a->bracketed) {
		unsigned char in6[16];

		end = strchr(++s, ']');
		a->host = end ? xstrndup(s, (size_t)(end - s)) : xstrdup("");
		if (!end || inet_pton(AF_INET6, a->host, in6) != 1)
			return err_set(err, ERR_USAGE, "no IPv6 address in the brackets");
		end++;
	} else {
		for (end = s; is_host_char(*end); end++)
			;
		a->host = xstrndup(s, (size_t)(end - s));
		if (end == s)
			return err_set(err, ERR_USAGE, "no host name");
	}
	a->rest = end;
	if (*end != ':')
		return true;
	while (n < sizeof(digits) - 1 && end[1 + n] >= '0' && end[1 + n] <= '9') {
		digits[n] = end[1 + n];
		n++;
	}
	digits[n] = '\0';
	a->rest = end + 1 + n;
	if (!text_int(digits, 1, 65535, &a->port))
		return err_set(err, ERR_USAGE, "no port number after the colon");
	return true;
}

static char *authority_text(const struct authority *a, int64_t port)
{
	return xasprintf("%s%s%s:%lld", a->bracketed ? "[" : "", a->host, a->bracketed ? "]" : "", (long long)port);
}

/* Letters that may stand in the path of a base URL as they are. */
static bool base_path_is_fine(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f || strchr("?#\\@\"<>^`{|}", *s))
			return false;
	return true;
}

static bool url_parse(struct http_setup *s, const char *url, bool *is_https, struct err *err)
{
	struct authority a = { 0 };
	struct err why = ERR_INIT;
	size_t n;

	*is_https = !strncasecmp(url, "https://", 8);
	if (!*is_https && strncasecmp(url, "http://", 7) != 0)
		return err_set(err, ERR_USAGE, "url \"%s\" must begin with https:// (or http:// for this host)", url);
	if (strchr(url, '@'))
		return err_set(
			err, ERR_USAGE, "the url must not hold credentials: name the user with user = … or --user");
	if (!authority_parse(url + (*is_https ? 8 : 7), &a, &why)) {
		free(a.host);
		return err_set(err, ERR_USAGE, "url \"%s\": %s", url, why.msg);
	}
	n = strlen(a.rest);
	if ((n && *a.rest != '/') || !base_path_is_fine(a.rest)) {
		err_set(err, ERR_USAGE, "url \"%s\": unexpected \"%s\" after host and port", url, a.rest);
		free(a.host);
		return false;
	}
	while (n > 0 && a.rest[n - 1] == '/')
		n--;
	s->host = xstrdup(a.host);
	s->place = authority_text(&a, a.port > 0 ? a.port : *is_https ? 443 : 80);
	s->base = xasprintf("%s://%s%.*s", *is_https ? "https" : "http", s->place, (int)n, a.rest);
	s->is_local = host_is_local(a.host);
	free(a.host);
	return true;
}

static bool route_parse(struct http_setup *s, const char *to, struct err *err)
{
	struct authority a = { 0 };
	struct err why = ERR_INIT;
	bool ok;

	if (!to || !*to)
		return true;
	if (!strncmp(to, "unix:", 5)) {
		if (to[5] != '/' || strlen(to + 5) > 107)
			return err_set(err, ERR_USAGE,
				"connect_to \"%s\": unix: wants an absolute path of at most 107 bytes", to);
		s->unix_path = xstrdup(to + 5);
		free(s->place);
		s->place = xstrdup(to);
		s->is_local = true;
		return true;
	}
	ok = authority_parse(to, &a, &why) && !*a.rest && a.port > 0;
	if (!ok) {
		err_set(err, ERR_USAGE, "connect_to \"%s\": %s", to,
			why.msg[0] ? why.msg : "must be host:port or unix:/path");
	} else {
		free(s->place);
		s->place = authority_text(&a, a.port);
		s->connect_to = xasprintf("::%s", s->place);
		s->is_local = host_is_local(a.host);
	}
	free(a.host);
	return ok;
}

static bool pin_check(const char *pin, struct err *err)
{
	const char *p = pin;

	for (;;) {
		size_t n = strncmp(p, PIN_PREFIX, strlen(PIN_PREFIX)) ? 0
			: strspn(p + strlen(PIN_PREFIX), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=");

		if (n != PIN_DIGITS)
			return err_set(err, ERR_USAGE,
				"pin \"%s\": must be sha256// and the base64 of the key's SHA-256", pin);
		p += strlen(PIN_PREFIX) + n;
		if (!*p)
			return true;
		if (*p++ != ';')
			return err_set(err, ERR_USAGE, "pin \"%s\": several pins are separated by \";\"", pin);
	}
}

static bool trust_check(const struct http_setup *s, bool is_https, struct err *err)
{
	if (!is_https && !s->is_local)
		return err_set(err, ERR_USAGE,
			"http:// sends the password in clear: use https://, or dial this host (an SSH tunnel does)");
	if (s->insecure && !s->is_local)
		return err_set(err, ERR_USAGE, "--insecure is for loopback only: use ca_file or pin");
	if (s->ca_file && access(s->ca_file, R_OK) != 0)
		return err_set(err, ERR_USAGE, "ca_file %s can't be read", s->ca_file);
	return !s->pin || pin_check(s->pin, err);
}

static char *copy_or_null(const char *s)
{
	return s && *s ? xstrdup(s) : NULL;
}

bool http_setup_init(struct http_setup *s, const struct http_options *o, struct err *err)
{
	bool is_https;

	*s = (struct http_setup){ .insecure = o->insecure, .timeout_ms = o->timeout_ms };
	if (s->timeout_ms < TIMEOUT_MIN_MS)
		s->timeout_ms = TIMEOUT_MIN_MS;
	if (s->timeout_ms > TIMEOUT_MAX_MS)
		s->timeout_ms = TIMEOUT_MAX_MS;
	if (!o->url || !*o->url)
		return err_set(err, ERR_USAGE, "no server: name one with --url or url = …");
	if (!url_parse(s, o->url, &is_https, err) || !route_parse(s, o->connect_to, err))
		return false;
	s->ca_file = copy_or_null(o->ca_file);
	s->pin = copy_or_null(o->pin);
	s->must_be_local = !is_https || s->insecure;
	return trust_check(s, is_https, err);
}

void http_setup_release(struct http_setup *s)
{
	free(s->base);
	free(s->place);
	free(s->host);
	free(s->unix_path);
	free(s->connect_to);
	free(s->ca_file);
	free(s->pin);
	*s = (struct http_setup){ 0 };
}

void media_type_only(char *s)
{
	s[strcspn(s, "; \t")] = '\0';
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

void request_init(struct request *req)
{
	*req = (struct request){ .method = HTTP_GET, .path = BUF_INIT, .body = BUF_INIT };
}

void request_release(struct request *req)
{
	if (req->secret) {
		buf_wipe(&req->path);
		buf_wipe(&req->body);
	}
	buf_release(&req->path);
	buf_release(&req->body);
}
