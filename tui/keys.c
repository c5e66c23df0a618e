/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keymaps by name, lookup with parents, the user's bindings. Knows no terminal and no view beyond its binding table. */
#include "tui/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tui/key.h"

struct keymaps {
	struct keymap **map;
	size_t len, cap;
	char **waiting; /* user bindings of keymaps not added yet */
	size_t waiting_len, waiting_cap;
};

static bool same_start(const struct keyseq *s, const uint32_t *keys, int len)
{
	return s->len >= len && memcmp(s->keys, keys, (size_t)len * sizeof(*keys)) == 0;
}

static struct keyseq *find_exact(struct keymap *map, const uint32_t *keys, int len)
{
	for (size_t i = 0; i < map->len; i++)
		if (map->seq[i].len == len && same_start(&map->seq[i], keys, len))
			return &map->seq[i];
	return NULL;
}

static struct keyseq *put(struct keymap *map, const uint32_t *keys, int len)
{
	struct keyseq *s = find_exact(map, keys, len);

	if (s == NULL) {
		xgrow(&map->seq, &map->cap, map->len + 1, sizeof(*map->seq));
		s = &map->seq[map->len++];
	}
	memset(s, 0, sizeof(*s));
	memcpy(s->keys, keys, (size_t)len * sizeof(*keys));
	s->len = len;
	return s;
}

static void add_defaults(struct keymap *map, const struct binding *b)
{
	for (; b != NULL && b->keys != NULL; b++) {
		uint32_t keys[KEYSEQ_MAX];
		int len = keys_parse(b->keys, keys, KEYSEQ_MAX);
		struct keyseq *s;

		if (len <= 0)
			die("keymap %s: \"%s\" is no key sequence", map->name, b->keys);
		s = put(map, keys, len);
		s->action = b->action;
		s->label = b->label;
		s->needs = b->needs;
		s->hint = b->hint != 0 ? b->hint : action_info(b->action)->hint;
	}
}

struct keymap *keymaps_get(struct keymaps *all, const char *name)
{
	for (size_t i = 0; i < all->len; i++)
		if (strcmp(all->map[i]->name, name) == 0)
			return all->map[i];
	return NULL;
}

static struct keymap *add_map(struct keymaps *all, const char *name, const struct keymap *parent)
{
	struct keymap *map = xcalloc(1, sizeof(*map));

	map->name = xstrdup(name);
	map->parent = parent;
	xgrow(&all->map, &all->cap, all->len + 1, sizeof(struct keymap *));
	all->map[all->len++] = map;
	return map;
}

struct keymaps *keymaps_new(void)
{
	struct keymaps *all = xcalloc(1, sizeof(*all));

	add_defaults(add_map(all, "generic", NULL), keys_generic());
	return all;
}

void keymaps_free(struct keymaps *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->len; i++) {
		free((char *)all->map[i]->name);
		free(all->map[i]->seq);
		free(all->map[i]);
	}
	for (size_t i = 0; i < all->waiting_len; i++)
		free(all->waiting[i]);
	free(all->waiting);
	free(all->map);
	free(all);
}

/* --- the user's bindings --- */

struct bind_words {
	char map[48], keys[48], action[48];
};

/* "[KEYMAP] KEYS ACTION" */
static bool split_binding(const char *text, struct bind_words *w)
{
	char rest[8];
	int n = sscanf(text, "%47s %47s %47s %7s", w->map, w->keys, w->action, rest);

	if (n == 2) {
		memcpy(w->action, w->keys, sizeof(w->action));
		memcpy(w->keys, w->map, sizeof(w->keys));
		snprintf(w->map, sizeof(w->map), "generic");
	}
	return n == 2 || n == 3;
}

/* Label, needs and rank an action already has in this map stay with it on its new key. */
static void inherit(const struct keymap *map, struct keyseq *s)
{
	s->hint = action_info(s->action)->hint;
	for (; map != NULL; map = map->parent) {
		for (size_t i = 0; i < map->len; i++) {
			const struct keyseq *old = &map->seq[i];

			if (old != s && old->action == s->action && !old->user) {
				s->label = old->label;
				s->needs = old->needs;
				s->hint = old->hint;
				return;
			}
		}
	}
}

bool keymap_bind(struct keymaps *all, const char *text, struct err *err)
{
	struct bind_words w;
	uint32_t keys[KEYSEQ_MAX];
	struct keymap *map;
	struct keyseq *s;
	enum action action;
	int len;

	if (!split_binding(text, &w))
		return err_set(err, ERR_USAGE, "expected: [panel] keys action, not \"%s\"", text);
	len = keys_parse(w.keys, keys, KEYSEQ_MAX);
	if (len <= 0)
		return err_set(err, ERR_USAGE,
			"\"%s\" is no key sequence (j, gg, <C-r>, <F5>, <Space>; at most %d keys)", w.keys, KEYSEQ_MAX);
	if (!action_parse(w.action, &action))
		return err_set(err, ERR_USAGE, "no action \"%s\"", w.action);
	map = keymaps_get(all, w.map);
	if (map == NULL) {
		xgrow(&all->waiting, &all->waiting_cap, all->waiting_len + 1, sizeof(char *));
		all->waiting[all->waiting_len++] = xstrdup(text);
		return true;
	}
	s = put(map, keys, len);
	s->action = action;
	s->user = true;
	inherit(map, s);
	return true;
}

static void bind_waiting(struct keymaps *all, const char *name)
{
	for (size_t i = 0; i < all->waiting_len; i++) {
		struct bind_words w;
		struct err err = ERR_INIT;

		if (split_binding(all->waiting[i], &w) && strcmp(w.map, name) == 0)
			keymap_bind(all, all->waiting[i], &err);
	}
}

struct keymap *keymaps_add(struct keymaps *all, const char *name, const struct binding *bindings)
{
	struct keymap *map = keymaps_get(all, name);

	if (map != NULL)
		return map;
	map = add_map(all, name, all->map[0]);
	add_defaults(map, bindings);
	bind_waiting(all, name);
	return map;
}

/* --- lookup --- */

enum key_match keymap_lookup(const struct keymap *map, const uint32_t *keys, int len, const struct keyseq **out)
{
	*out = NULL;
	for (; map != NULL; map = map->parent) {
		bool longer = false;

		for (size_t i = 0; i < map->len; i++) {
			if (!same_start(&map->seq[i], keys, len))
				continue;
			if (map->seq[i].len == len)
				*out = &map->seq[i];
			else
				longer = true;
		}
		if (*out != NULL)
			return longer ? KEYS_EXACT_PREFIX : KEYS_EXACT;
		if (longer)
			return KEYS_PREFIX;
	}
	return KEYS_NONE;
}

/* Can it be typed, or does another binding come first? */
static bool is_live(const struct keymap *map, const struct keyseq *s)
{
	const struct keyseq *hit;

	if (s->action == ACTION_NONE)
		return false;
	for (int n = 1; n < s->len; n++) {
		enum key_match m = keymap_lookup(map, s->keys, n, &hit);

		if (m != KEYS_PREFIX && m != KEYS_EXACT_PREFIX)
			return false;
	}
	keymap_lookup(map, s->keys, s->len, &hit);
	return hit == s;
}

void keymap_each(const struct keymap *map, void (*fn)(void *arg, const struct keymap *from, const struct keyseq *), void *arg)
{
	for (const struct keymap *m = map; m != NULL; m = m->parent)
		for (size_t i = 0; i < m->len; i++)
			if (is_live(map, &m->seq[i]))
				fn(arg, m, &m->seq[i]);
}

char *keyseq_format(const struct keyseq *s, bool ascii, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (int i = 0; i < s->len && used < size; i++) {
		key_format(s->keys[i], true, ascii, out + used, size - used);
		used += strlen(out + used);
	}
	return out;
}

int keymap_keys_of(const struct keymap *map, enum action action, bool ascii, struct buf *out)
{
	int n = 0;

	for (const struct keymap *m = map; m != NULL; m = m->parent) {
		for (size_t i = 0; i < m->len; i++) {
			char text[64];

			if (m->seq[i].action != action || !is_live(map, &m->seq[i]))
				continue;
			buf_addf(out, "%s%s", n > 0 ? " " : "", keyseq_format(&m->seq[i], ascii, text, sizeof(text)));
			n++;
		}
	}
	return n;
}
