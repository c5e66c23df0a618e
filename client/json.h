/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small JSON bodies: parsing with the flags this project needs, and reading fields without trusting their type.
 * Knows no dialect. Long lists go through jsonwalk.h instead. */
#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "core/buf.h"
#include "core/err.h"

/* Values and texts are wiped when they are freed: a private key can be among them. For every value made from then on. */
void json_memory_init(void);
/* NUL in strings is kept, of doubled keys the last one counts. NULL and ERR_PROTOCOL when it is no JSON; the caller json_decref()s it. */
json_t *json_read(const char *s, size_t len, struct err *err);
/* The field's text and length, or NULL when it is no string. A NUL may be inside. */
const char *json_get_str(const json_t *object, const char *key, size_t *len);
/* A copy for people: sanitised, cut to size; "" when the field is no string. Returns out. */
char *json_get_text(const json_t *object, const char *key, char *out, size_t size);
/* Integers, integral reals, and digits in a string. */
bool json_get_int(const json_t *object, const char *key, int64_t *out);
/* true, false, and the strings "true", "false". */
bool json_get_bool(const json_t *object, const char *key, bool *out);
/* Appends s as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD. */
void json_put_str(struct buf *out, const char *s, size_t len);
/* Appends the compact text of v. */
void json_put(struct buf *out, const json_t *v);

#endif
