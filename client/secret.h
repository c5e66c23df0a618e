/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a profile's secret comes from, besides the environment and the prompt: a file, a command, netrc. */
#ifndef CLIENT_SECRET_H
#define CLIENT_SECRET_H

#include <stdbool.h>

#include "client/profile.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/scope.h"

#define SECRET_MAX 4095              /* bytes */
#define SECRET_COMMAND_MS 10000      /* how long a password command may take */

/* secret is borrowed and wiped afterwards; NULL on failure, then *err says why. */
typedef void (*secret_fn)(void *arg, const char *secret, const struct err *err);
/* Runs argv (no shell) and takes its standard output as the secret. fn is called once from the loop, never from within this call,
 * and not after scope was cancelled; the command is then ended. It does not inherit STALWARDEN_PASSWORD and STALWARDEN_TOKEN. */
void secret_command_run(struct loop *loop, char *const argv[], struct scope *scope, secret_fn fn, void *arg);
/* The password of user at host in ~/.netrc (or $NETRC), which must be as private as any secret file. ERR_NOT_FOUND when it has none. */
bool secret_netrc(const char *host, const char *user, struct buf *out, struct err *err);
/* One newline at the end is taken off; the rest must pass secret_check(). */
bool secret_strip(struct buf *b, struct err *err);
/* An open file that nobody else can read or write, ours; the error holds the command that cures it. */
bool secret_file_check(int fd, const char *path, struct err *err);

#endif
