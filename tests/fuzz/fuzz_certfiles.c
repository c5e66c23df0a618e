/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nginx's configuration, certbot's configuration and log, systemd's answers: arbitrary bytes for each. */
#include "client/certfiles_private.h"
#include "core/mem.h"
#include "core/text.h"
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
