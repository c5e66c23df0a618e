/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A log that comes through standard input while the console is open (`docker logs -f … | stalwarden --log-source -`). It can be read once
 * only: here, for the history and for every panel that shows it. Verbs read logsource_stdin by themselves. */
#ifndef APP_PIPE_H
#define APP_PIPE_H

#include "app/app.h"
#include "client/logsource.h"

struct pipe;
/* Begins to read with the first call; the pipe belongs to the app's scope. NULL and err when standard input can't be read. */
struct pipe *pipe_of(struct app *a, struct err *err);

/* A view of it: the newest lines that are kept, then what comes. param = struct pipe *. */
extern const struct logsource_ops logsource_pipe;

#endif
