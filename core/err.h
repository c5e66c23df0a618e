/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors: a caller-owned struct filled by whoever fails first. Only cli and views show one. */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include <stdbool.h>

/* One vocabulary of failures; the CLI maps each to an exit code (cli/change.c). */
#define ERR_INFO(_)                                                                                \
	_(NONE, "no error")                                                                        \
	_(USAGE, "wrong input")                                                                    \
	_(NOT_FOUND, "not found")                                                                  \
	_(GUARD, "refused by a guard")                                                             \
	_(AUTH, "credentials refused")                                                             \
	_(PERMISSION, "not permitted")                                                             \
	_(NETWORK, "server unreachable")                                                           \
	_(TIMEOUT, "timed out")                                                                    \
	_(SERVER, "server faulty")                                                                 \
	_(PROTOCOL, "answer not understood")                                                       \
	_(UNSUPPORTED, "not supported by this server")                                             \
	_(CONFLICT, "changed meanwhile")                                                           \
	_(LIMIT, "over a limit")                                                                   \
	_(IO, "input/output error")                                                                \
	_(CANCELLED, "cancelled")                                                                  \
	_(INTERNAL, "internal error")

enum err_code {
#define ERR_ENUM(id, text) ERR_##id,
	ERR_INFO(ERR_ENUM)
#undef ERR_ENUM
	ERR_COUNT
};

struct err {
	enum err_code code;
	char msg[512]; /* UTF-8, one line, already sanitised; "" when code is ERR_NONE */
};

#define ERR_INIT { ERR_NONE, "" }

/* Fills *err unless it already holds an error (first error wins) or is NULL. The formatted text is passed
 * through text_safe(). Always returns false, so that `return err_set(…)` reads well. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void err_clear(struct err *err);
const char *err_code_text(enum err_code code);

#endif
