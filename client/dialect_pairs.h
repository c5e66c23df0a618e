/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For dialects that answer whole lists: keys and values as they come by in a streamed answer, whatever shape it has, and which edits of a
 * batch a key belongs to. Both do little per item, however long the list is. */
#ifndef CLIENT_DIALECT_PAIRS_H
#define CLIENT_DIALECT_PAIRS_H

#include "client/dialect.h"

/* {"data":{key:value}}, {key:value}, [[key,value],…], [{"key":k,"value":v},…], each also under "data" or "items" or both. */
struct pairs {
	int base;             /* levels around the list, as far as is known */
	bool strange;         /* something that is no list of keys and values */
	bool has_key, has_value;
	enum json_type type;  /* of value */
	bool truth;
	struct buf key, value;
	char error[80];       /* what the server called an error */
};

/* value: a scalar, borrowed. key NULL: what came so far was around the list and not in it, forget it. */
typedef void (*pair_fn)(void *arg, const char *key, size_t key_len, const struct json_item *value);

void pairs_begin(struct pairs *p); /* also of one that was used */
void pairs_release(struct pairs *p);
void pairs_item(struct pairs *p, const struct json_path *path, const struct json_item *item, pair_fn fn, void *arg);
/* The whole list was there; false: *err says what is wrong. */
bool pairs_check(const struct pairs *p, const struct response *res, struct err *err);

bool path_key_is(const struct json_path *path, int level, const char *key);

/* The edits of a batch by their targets. Made once, asked per row. */
struct targets;
struct targets *targets_new(const struct batch *b);
void targets_free(struct targets *t);
bool targets_has(const struct targets *t, const char *target, size_t len);
/* Every edit with that target was found stored with this value and id (may be NULL). The first word stands. */
void targets_take(struct targets *t, const char *target, size_t len, const char *value, size_t value_len, const char *id);
void targets_forget(struct targets *t); /* what was taken so far */
/* The end of reading for a change: of a list every edit of the batch is known now, what was not taken is absent. t NULL: of a single value,
 * DECODE_MORE then means that it is the caller's to tell. */
enum decode targets_decode(const struct targets *t, const struct pairs *p, const struct response *res, struct err *err);
void targets_known(const struct targets *t);

#endif
