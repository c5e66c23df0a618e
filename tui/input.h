/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queue of keys, filled from the tty or a script. Knows no view. */
#ifndef TUI_INPUT_H
#define TUI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/loop.h"
#include "tui/key.h"

struct input;

/* fd -1: only what is pushed. ready is called from the loop when keys came in; hangup when the terminal is gone. */
struct input *input_new(struct loop *loop, int fd, loop_fn ready, loop_fn hangup, void *arg);
void input_free(struct input *in);

bool input_next(struct input *in, struct key *out); /* false when empty; the key is the caller's: key_release() */
bool input_is_empty(const struct input *in);
void input_push(struct input *in, uint32_t code);
void input_push_key(struct input *in, const struct key *key); /* takes its paste */
void input_push_paste(struct input *in, const char *text);
void input_flush(struct input *in); /* forgets what was typed ahead */
void key_release(struct key *key);

#endif
