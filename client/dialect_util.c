/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dialects share: percent-encoding, one reading of answers that are not what was asked for, and the value of an entry on servers that
 * ignore it. */
#include "client/dialect.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client/json.h"
#include "core/text.h"

#define WORDS_MAX 200 /* characters of a server's text in an error */

const char *http_method_text(enum http_method m)
{
	static const char *const text[] = { [HTTP_GET] = "GET",
		[HTTP_POST] = "POST",
		[HTTP_PATCH] = "PATCH",
		[HTTP_DELETE] = "DELETE",
		[HTTP_PUT] = "PUT" };

	return (size_t)m < sizeof(text) / sizeof(text[0]) ? text[m] : "";
}

void path_escape(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c && strchr("-._~", c)))
			buf_addc(out, (char)c);
		else
			buf_addf(out, "%%%02X", c);
	}
}

bool slot_missing(unsigned caps, struct err *err)
{
	int bit = 0;

	while (bit < CAP_BIT_COUNT - 1 && !(caps & 1u << bit))
		bit++;
	return err_set(
		err, ERR_UNSUPPORTED, "can't %s: this server's generation can't do that", cap_words((enum cap_bit)bit));
}

static void copy_text(char *out, size_t size, const char *text)
{
	size_t n = text ? strnlen(text, size - 1) : 0;

	memcpy(out, text ? text : "", n);
	out[n] = '\0';
}

void edit_value(const struct edit *e, const char *before, struct buf *out)
{
	struct entry_value v;
	char text[ENTRY_VALUE_BUF];

	if (before && !edit_is_expiry(e->kind)) { /* listed already: its value is left alone */
		buf_adds(out, before);
		return;
	}
	if (e->raw) { /* undoing: another program's value is any text */
		buf_adds(out, e->raw);
		return;
	}
	/* a server's own ban is "" */
	if (e->kind == EDIT_BLOCK && e->reason == REASON_NONE && !e->by && !e->note && e->expires == TIME_NONE)
		return;
	entry_value_parse(before ? before : "", before ? strlen(before) : 0, &v);
	if (!edit_is_expiry(e->kind)) {
		copy_text(v.by, sizeof(v.by), e->by);
		copy_text(v.note, sizeof(v.note), e->note);
		v.reason = e->reason == REASON_NONE ? REASON_MANUAL : e->reason;
		v.at = e->created;
	}
	v.until = e->expires;
	buf_adds(out, entry_value_format(&v, text, sizeof(text)));
}

/* Status → code, and what it means here when the server has no words of its own. First row that fits. */
static const struct {
	int from, to;
	enum err_code code;
	const char *words;
} statuses[] = {
	{ 300, 399, ERR_PROTOCOL, "redirects are not followed" },
	{ 401, 401, ERR_AUTH, "the credentials were refused" },
	{ 403, 403, ERR_PERMISSION, "these credentials may not do that" },
	{ 404, 404, ERR_NOT_FOUND, "not found" },
	{ 407, 407, ERR_NETWORK, "the proxy wants credentials" },
	{ 408, 408, ERR_TIMEOUT, "the server gave up waiting" },
	{ 413, 413, ERR_LIMIT, "the request is too large for the server" },
	{ 429, 429, ERR_LIMIT, "too many requests" },
	{ 400, 499, ERR_PROTOCOL, "the request was refused" },
	{ 502, 502, ERR_SERVER, "bad gateway: a proxy answers, the server behind it does not" },
	{ 503, 503, ERR_SERVER, "service unavailable" },
	{ 504, 504, ERR_SERVER, "gateway time-out: a proxy answers, the server behind it does not" },
	{ 511, 511, ERR_NETWORK, "the network wants a login first" },
	{ 500, 599, ERR_SERVER, "internal server error" },
	{ INT_MIN, INT_MAX, ERR_PROTOCOL, "no answer of an HTTP API" },
};

static bool is_html(const struct response *res)
{
	const char *s = res->body;
	size_t n = res->len;

	if (!strcmp(res->type, "text/html") || !strcmp(res->type, "application/xhtml+xml"))
		return true;
	while (n > 0 && strchr(" \t\r\n", *s) && *s) {
		s++;
		n--;
	}
	return (n >= 5 && !strncasecmp(s, "<html", 5)) || (n >= 9 && !strncasecmp(s, "<!doctype", 9));
}

/* problem+json: "title: detail"; "" when the body has neither. */
static void problem_words(const struct response *res, struct buf *out)
{
	json_t *doc = strstr(res->type, "json") ? json_read(res->body, res->len, NULL) : NULL;
	static const char *const keys[] = { "title", "detail", "error", "details", "reason" };
	char text[WORDS_MAX + 1];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!json_get_text(doc, keys[i], text, sizeof(text))[0])
			continue;
		buf_addf(out, "%s%s", out->len ? ": " : "", text);
	}
	json_decref(doc);
}

static void status_words(const struct response *res, const char *words, struct buf *out)
{
	char text[WORDS_MAX + 1];
	struct buf fit = BUF_INIT;

	if (res->status >= 300 && res->status < 400) {
		buf_addf(out, "%s", words);
		if (res->location[0])
			buf_addf(out, "; the server points to %s", res->location);
		return;
	}
	problem_words(res, out);
	if (!out->len && res->len && !is_html(res) && !strcmp(res->type, "text/plain"))
		buf_adds(out, text_safe_str(text, sizeof(text), res->body, res->len));
	if (!out->len)
		buf_adds(out, words);
	if (is_html(res))
		buf_adds(out, " (the answer is an HTML page: a proxy or a login page?)");
	text_fit(&fit, buf_str(out), WORDS_MAX, TEXT_LINE);
	buf_reset(out);
	buf_adds(out, buf_str(&fit));
	buf_release(&fit);
}

bool response_check(const struct response *res, struct err *err)
{
	struct buf words = BUF_INIT;
	size_t i = 0;

	if (res->status == 0)
		return err_set(err, res->err.code ? res->err.code : ERR_NETWORK, "%s",
			res->err.msg[0] ? res->err.msg : "no answer");
	if (res->status >= 200 && res->status < 300) {
		if (!is_html(res))
			return true;
		return err_set(err, ERR_PROTOCOL, "the answer is an HTML page, not the API: a proxy or a login page?");
	}
	while (res->status < statuses[i].from || res->status > statuses[i].to)
		i++;
	status_words(res, statuses[i].words, &words);
	err_set(err, statuses[i].code, "HTTP %d: %s", res->status, buf_str(&words));
	buf_release(&words);
	return false;
}
