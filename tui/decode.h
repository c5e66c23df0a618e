/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Terminal bytes to keys. Pure: no fd, no clock; the owner tells when an ESC has waited long enough. */
#ifndef TUI_DECODE_H
#define TUI_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "tui/key.h"

#define PASTE_MAX 65536 /* bytes of one paste that are kept */

/* A paste belongs to the callee, which frees it. */
typedef void (*decode_fn)(void *arg, const struct key *key);

struct decoder {
	struct buf in;      /* what is not decided yet */
	struct buf paste;
	bool in_paste;
	size_t paste_lost;  /* bytes over PASTE_MAX */
	struct decode_seq { char *bytes; uint32_t code; } *seq; /* what this terminal sends, from terminfo */
	size_t seq_len, seq_cap;
	decode_fn fn;
	void *arg;
};

void decoder_init(struct decoder *d, decode_fn fn, void *arg);
void decoder_release(struct decoder *d);
void decoder_learn(struct decoder *d, const char *bytes, uint32_t code); /* known sequences come on top of xterm's */
void decoder_feed(struct decoder *d, const char *bytes, size_t len);
bool decoder_is_waiting(const struct decoder *d); /* an ESC or half a sequence: call decoder_timeout() in 25 ms */
void decoder_timeout(struct decoder *d);          /* nothing more came: take what is there at its word */

#endif
