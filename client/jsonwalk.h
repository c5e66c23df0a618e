/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Incremental JSON: bytes in as they come, one call per value out. Memory stays flat however long the document is.
 * Bytes that are not UTF-8 pass inside strings, NUL passes by length; strings longer than JSONWALK_STRING_MAX are cut.
 *
 * An item comes with the path of its value: {"data":{"items":{"a":"x"}}} gives STRING at depth 3 (data, items, a), then OBJECT_END at
 * depth 2 (data, items), depth 1 (data) and depth 0. In an array the level has key NULL and the index. */
#ifndef CLIENT_JSONWALK_H
#define CLIENT_JSONWALK_H

#include <stdbool.h>
#include <stddef.h>

#include "client/dialect.h"
#include "core/err.h"

#define JSONWALK_DEPTH_MAX  2048            /* jansson's limit too */
#define JSONWALK_STRING_MAX ((size_t)64 << 10) /* bytes as written; the rest of a longer string is dropped */
#define JSONWALK_TOKEN_MAX  512             /* bytes of a number or word; longer is an error */

struct jsonwalk;
/* Path and item are borrowed. */
typedef void (*jsonwalk_fn)(void *arg, const struct json_path *path, const struct json_item *item);

struct jsonwalk *jsonwalk_new(jsonwalk_fn fn, void *arg);
void jsonwalk_free(struct jsonwalk *w);
/* False once the text is not JSON; nothing is delivered from then on. */
bool jsonwalk_feed(struct jsonwalk *w, const char *data, size_t len, struct err *err);
/* True when exactly one whole document was fed. */
bool jsonwalk_finish(struct jsonwalk *w, struct err *err);

#endif
