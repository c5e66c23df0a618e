/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For dialects: un-blocks that wait. Where a change begins with blocks, an un-block of what one of them covers, or lies in, stands for "in its
 * place" (or for taking that back): it is sent only when that block was read back. A request that the server takes half of, a connection that
 * is lost on the way, then leaves more refused than was asked for, never less. */
#ifndef CLIENT_DIALECT_HOLD_H
#define CLIENT_DIALECT_HOLD_H

#include "client/dialect.h"

/* How many edits from the batch's first on may go in one request: those that do not wait, or those that wait for the same. */
size_t hold_run(const struct batch *b, size_t max);
/* The batch's first edit waits, and what it waits for was not read back yet: the next request is to read it. */
bool hold_is_open(const struct batch *b);
/* The first block from `from` on that it waits for; SIZE_MAX = none. */
size_t hold_next(const struct batch *b, size_t from);
/* Is that value of the block k good enough? */
bool hold_is_stored(const struct batch *b, size_t k, const char *value);
/* All of it is there: DECODE_MORE, to be followed by the write. */
enum decode hold_let_go(struct batch *b);
/* dialect_ops.write_next of a dialect that reads all of it in one request. */
bool hold_write_next(const struct server *srv, struct batch *b, const struct entrylist *blocked);
/* Every edit of the batch is left as it is; DECODE_DONE. */
enum decode hold_refuse(struct batch *b, size_t missing);
enum decode hold_refuse_words(struct batch *b, enum err_code why, const char *words);
/* An answer with keys and values, their prefix stripped or not: one of the two above. */
enum decode hold_check_pairs(struct batch *b, const struct response *res, const char *prefix);

#endif
