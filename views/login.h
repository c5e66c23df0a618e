/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Getting in: server, secret, connection; asking again after a refusal. Nothing here waits: prompts and commands continue by callback. */
#ifndef VIEWS_LOGIN_H
#define VIEWS_LOGIN_H

#include "views/views.h"

void login_begin(struct console *c);
void login_watch(struct console *c); /* the session's state changed: ask again once it refuses */
void login_ask(struct console *c); /* on request */
void login_end(struct console *c);

#endif
