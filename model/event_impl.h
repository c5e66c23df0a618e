/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by model/event*.c only. */
#ifndef MODEL_EVENT_IMPL_H
#define MODEL_EVENT_IMPL_H

#include "model/event.h"

/* One field of a modern `key = value, …` or an old `key=value …` list. *pos moves past it and its
 * separator. is_open (may be NULL): the value began with a quote that nothing closes. False at the
 * end or where no field begins. */
bool event_walk_modern(
	struct slice s, size_t *pos, struct slice *key, struct slice *value, bool *is_open);
bool event_walk_old(
	struct slice s, size_t *pos, struct slice *key, struct slice *value, bool *is_open);

/* The first " (event.id) " in s: where the id begins, NULL if there is none. */
const char *event_find_id(const char *s, size_t len, size_t *id_len);

/* Up to 0.9.3: takes apart "span{…}: module: message key=value …" (s is what follows the level). */
void event_parse_old(struct slice s, struct event *out);
/* Does s look like that? Otherwise a modern line is looked for. */
bool event_is_old(struct slice s);
bool event_old_matters(const char *s, size_t len);

#endif
