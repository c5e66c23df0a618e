/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses and lists of them from texts. */
#ifndef TESTS_NET_WORLD_H
#define TESTS_NET_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "model/entry.h"

#define NOW INT64_C(1795168800000) /* 2026-11-20T10:00:00Z */

static inline struct net net_of(const char *s)
{
	struct net n;

	if (!net_parse(s, strlen(s), &n, NULL))
		fail_msg("\"%s\" did not parse", s);
	return n;
}

/* A finished list of the keys, which end with NULL; "-ADDR" has expired. */
static inline struct entrylist *list_of(const char *const *keys)
{
	struct entrylist *l = entrylist_new();

	for (; *keys; keys++) {
		bool gone = **keys == '-';

		entrylist_add(l, *keys + gone, strlen(*keys + gone), NULL, 0, NULL, REASON_AUTH, ORIGIN_SERVER, TIME_NONE,
			gone ? NOW - 1000 : TIME_NONE);
	}
	entrylist_finish(l);
	return l;
}

#endif
