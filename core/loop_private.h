/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What loop.c and loop_child.c share; nobody else includes this. */
#ifndef CORE_LOOP_PRIVATE_H
#define CORE_LOOP_PRIVATE_H

#include "core/loop.h"

struct loop_child {
	struct loop_child *next;
	pid_t pid;
	loop_child_fn fn; /* NULL: forgotten, only reaped */
	void *arg;
};

struct loop_child **loop_children(struct loop *loop);
void loop_watch_children(struct loop *loop); /* SIGCHLD wakes the loop from now on */
void loop_handler_begins(struct loop *loop);
void loop_handler_ends(struct loop *loop);

void loop_reap_children(struct loop *loop);
void loop_free_children(struct loop *loop);

#endif
