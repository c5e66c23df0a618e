/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Failures of a transfer in words. Knows no libcurl. */
#include "client/http_failures.h"

#include <stdio.h>
#include <string.h>

static const struct {
	enum err_code code;
	enum http_say say;
	const char *words;
} failures[] = {
#define HTTP_FAILURE_ROW(id, code, say, words) [HTTP_FAILURE_##id] = { ERR_##code, SAY_##say, words },
	HTTP_FAILURE_INFO(HTTP_FAILURE_ROW)
#undef HTTP_FAILURE_ROW
	[HTTP_FAILURE_OTHER] = { ERR_NETWORK, SAY_CURL, "the request failed" },
};

static void explain_timeout(const struct http_setup *s, const struct http_failed *f, struct err *err)
{
	err_set(err, ERR_TIMEOUT, "%s: %s within %lld s", s->place,
		!f->connected ? "no connection" : f->bytes ? "the answer stopped and did not go on" : "no answer",
		(long long)(s->timeout_ms + 999) / 1000);
}

void http_explain(const struct http_setup *s, const struct http_failed *f, struct err *err)
{
	const char *why = "";

	if (f->what == HTTP_FAILURE_OPERATION_TIMEDOUT) {
		explain_timeout(s, f, err);
		return;
	}
	if (f->proxy_status && f->proxy_status != 200) {
		err_set(err, ERR_NETWORK, "%s: the proxy refuses to connect there (HTTP %ld)", s->place,
			f->proxy_status);
		return;
	}
	if (f->cut) {
		err_set(err, ERR_NETWORK, "%s: the answer was cut short", s->place);
		return;
	}
	if (failures[f->what].say == SAY_ERRNO && f->os_error)
		why = strerror((int)f->os_error);
	else if (failures[f->what].say == SAY_CURL)
		why = f->curl;
	err_set(err, failures[f->what].code, "%s: %s%s%s", s->place, failures[f->what].words, *why ? ": " : "", why);
}

void http_find_key(const char *text, size_t len, char *out, size_t size)
{
	const char *at = memmem(text, len, "sha256//", strlen("sha256//"));
	size_t n = 0;

	while (at && n < len - (size_t)(at - text) && n < size - 1 && at[n] > ' ' && at[n] < 0x7f)
		n++;
	if (n > 0)
		snprintf(out, size, "%.*s", (int)n, at);
}

void http_add_key(struct err *err, const char *key)
{
	struct err first = *err;

	if (!*key)
		return;
	err_clear(err);
	err_set(err, first.code, "%s. Its key is %s: if that is the one you expect, set it as pin", first.msg, key);
}
