/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whom a server believes about client addresses. Knows no dialect. */
#include "client/trust.h"

#include <string.h>

#include "core/mem.h"
#include "model/net.h"

#define TRUST_MAX 10000 /* networks; more than that no server has */
#define BETWEEN " \t\r\n,;"

struct trust *trust_new(void)
{
	struct trust *t = xcalloc(1, sizeof(*t));

	t->networks = xcalloc(1, sizeof(char *));
	t->where = xcalloc(1, sizeof(char *));
	return t;
}

void trust_add(struct trust *t, const char *network, size_t len, const char *where)
{
	size_t n = t->count;

	if (n == TRUST_MAX)
		return;
	t->networks = xreallocarray(t->networks, n + 2, sizeof(char *));
	t->where = xreallocarray(t->where, n + 2, sizeof(char *));
	t->networks[n] = xasprintf("%.*s", (int)len, network);
	t->where[n] = xstrdup(where);
	t->networks[n + 1] = t->where[n + 1] = NULL;
	t->count = n + 1;
}

static bool take_words(struct trust *t, const char *key, const char *value)
{
	size_t before = t->count, len;
	struct net n;

	for (const char *p = value + strspn(value, BETWEEN); *p; p += len + strspn(p + len, BETWEEN)) {
		len = strcspn(p, BETWEEN);
		if (net_parse(p, len, &n, NULL))
			trust_add(t, p, len, key);
	}
	return t->count > before;
}

void trust_take(struct trust *t, const char *key, const char *value)
{
	const char *setting = strstr(key, TRUST_SETTING), *member = setting ? setting + strlen(TRUST_SETTING) : NULL;
	struct net n;

	if (!setting || take_words(t, key, value) || *member++ != '.')
		return;
	if (net_parse(member, strlen(member), &n, NULL))
		trust_add(t, member, strlen(member), key);
}
