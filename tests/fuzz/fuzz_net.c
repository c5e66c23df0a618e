/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses: agrees with inet_pton, comes back from its own print, refuses with words. */
#include <arpa/inet.h>

#include "core/mem.h"
#include "model/guard.h"
#include "model/net.h"
#include "tests/fuzz/fuzz.h"

static void compare(const char *s, const struct net *n, bool ours, unsigned flags)
{
	uint8_t want[16] = {0};
	bool v4 = inet_pton(AF_INET, s, want) == 1;
	bool v6 = !v4 && inet_pton(AF_INET6, s, want) == 1;

	MUST(ours == (v4 || v6));
	if (ours)
		MUST(!memcmp(n->addr, flags & NET_WAS_MAPPED ? want + 12 : want,
			n->family == 4 ? 4 : 16));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = xstrndup((const char *)data, size), out[NET_BUF];
	struct net n, again, server;
	struct err err = ERR_INIT;
	unsigned flags = 0;
	bool ok = net_parse((const char *)data, size, &n, &flags);

	if (ok) {
		MUST(size < NET_BUF && strlen(s) == size);
		net_format(&n, out, sizeof(out));
		MUST(net_parse(out, strlen(out), &again, NULL) && net_equal(&n, &again));
		net_kind(&n);
	}
	if (!strchr(s, '/') && strlen(s) == size && size < NET_BUF)
		compare(s, &n, ok, flags);
	if (net_parse_input(s, &again, &err))
		MUST(err.code == ERR_NONE);
	else
		MUST(err.code == ERR_USAGE && *err.msg);
	guard_parse_ssh(s, &again, &server);
	free(s);
	return 0;
}
