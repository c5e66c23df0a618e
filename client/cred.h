/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one copy of a secret in memory: locked, kept out of core dumps, wiped when it goes. */
#ifndef CLIENT_CRED_H
#define CLIENT_CRED_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

#define CRED_MAX 4096 /* bytes of user and of secret, terminator included */

struct cred {
	struct cred_page *page; /* NULL: no secret */
	bool is_token;
};

void cred_init(struct cred *c);
void cred_release(struct cred *c);
/* Replaces what was there. user may be NULL for a token. Refuses what the server would quote in its log: see secret_check(). */
bool cred_set(struct cred *c, const char *user, const char *secret, bool is_token, struct err *err);
bool cred_is_set(const struct cred *c);
const char *cred_user(const struct cred *c);   /* "" when unset */
const char *cred_secret(const struct cred *c); /* "" when unset */

#endif
