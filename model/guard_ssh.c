/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What sshd says of the connection one came by. */
#include <string.h>

#include "model/guard.h"

/* One blank-separated word; zone ids of link-local addresses name an interface of this host and are
 * cut. */
static bool scan_word(const char **s, struct net *out)
{
	const char *word = *s + strspn(*s, " \t");
	size_t len = strcspn(word, " \t\r\n");
	const char *zone = memchr(word, '%', len);

	*s = word + len;
	return net_parse(word, zone ? (size_t)(zone - word) : len, out, NULL) &&
	       net_is_address(out);
}

static void skip_word(const char **s)
{
	*s += strspn(*s, " \t");
	*s += strcspn(*s, " \t\r\n");
}

bool guard_parse_ssh(const char *text, struct net *client, struct net *server)
{
	struct net none = {.family = 0};

	if (server)
		*server = none;
	if (!text || !scan_word(&text, client)) {
		*client = none;
		return false;
	}
	skip_word(&text);
	if (server && !scan_word(&text, server))
		*server = none;
	return true;
}
