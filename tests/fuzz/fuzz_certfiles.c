/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nginx's configuration, certbot's configuration and log, systemd's answers, the server's log of its own renewals: arbitrary bytes for each. */
#include "client/certfiles_private.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/cert_acme.h"
#include "tests/fuzz/fuzz.h"

static void on_directive(void *arg, bool is_include, const char *path)
{
	(void)arg;
	(void)is_include;
	MUST(*path && strlen(path) < 1024);
}

static void check_text(const char *s)
{
	MUST(!s || text_is_safe(s, strlen(s)));
}

/* Lines as a log page has them, newest first. */
static void check_acme(const char *data, size_t size)
{
	struct certlist *l = certlist_new();
	struct renewal *r = certlist_add_renewal(l, RENEWER_ACME, "le");
	char *text = malloc(size + 1), *at = text, *end;
	size_t line[64], n = 0;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	renewal_add_name(r, "mail.example.org", SIZE_MAX);
	for (; n < 64 && at < text + size; at = end + 1) {
		line[n++] = (size_t)(at - text);
		end = memchr(at, '\n', (size_t)(text + size - at));
		if (!end)
			break;
		*end = '\0';
	}
	cert_acme_scan(l, text, line, n);
	check_text(r->reason);
	MUST(r->state < RENEWAL_COUNT && (r->state != RENEWAL_OK || !r->reason));
	MUST(r->last == TIME_NONE || r->state != RENEWAL_UNKNOWN);
	certlist_free(l);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct certlist *l = certlist_new();
	struct renewal *r = certlist_add_renewal(l, RENEWER_CERTBOT, "a");
	char *exact = malloc(size ? size : 1), words[256];

	if (!exact)
		abort();
	memcpy(exact, data, size); /* without a terminator, so that reading past the length is seen */
	nginx_scan(exact, size, on_directive, NULL);
	certbot_conf_scan(r, exact, size);
	certbot_log_scan(l, exact, size);
	certbot_timer_scan(l, exact, size);
	check_acme(exact, size);
	check_text(r->path);
	check_text(r->challenge);
	check_text(r->directory);
	check_text(r->reason);
	check_text(renewal_describe(r, INT64_C(1795168800000), words, sizeof(words)));
	MUST(r->renew_before > 0 && r->state < RENEWAL_COUNT);
	certlist_free(l);
	free(exact);
	return 0;
}
