/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings API of 0.7 - 0.15: the globs of scans, which live under numbers, and the built-in ones, which rule while nothing is stored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect_settings.h"
#include "core/mem.h"

static bool is_builtin(const char *glob)
{
	for (const char *const *p = settings_builtin_paths; *p; p++)
		if (!strcmp(*p, glob))
			return true;
	return false;
}

/* The numbers of all that is stored, if with this edit it would be the built-in globs and nothing else; NULL otherwise. */
static char *numbers_of_builtin(json_t *data, const struct edit *e)
{
	size_t skip = strlen(SETTINGS_PATHS) + 1, known = 0, all = 0;
	struct buf numbers = BUF_INIT;
	const char *key;
	bool others = false;
	json_t *value;

	while (settings_builtin_paths[all])
		all++;
	json_object_foreach (data, key, value) {
		if (strncmp(key, SETTINGS_PATHS ".", skip) != 0)
			continue;
		buf_addf(&numbers, "-%s", key + skip);
		if (json_is_string(value) && is_builtin(json_string_value(value)))
			known++;
		else if (e->kind != EDIT_PATH_REMOVE || !json_is_string(value) || strcmp(json_string_value(value), e->target) != 0)
			others = true;
	}
	if (!others && known + (e->kind == EDIT_PATH_ADD && is_builtin(e->target)) == all)
		return buf_take(&numbers, NULL);
	buf_release(&numbers);
	return NULL;
}

static bool is_free(json_t *data, const char *number)
{
	char key[64];

	return strspn(number, "0123456789") == strlen(number) && strlen(number) < 16 &&
		snprintf(key, sizeof(key), SETTINGS_PATHS ".%s", number) > 0 && !json_object_get(data, key);
}

/* id: the key's number; "+NNNN" the next free one when absent; "@NNNN" the one that it had; "=" when nothing is stored and the built-in
 * globs are in force; "-NNNN-NNNN…" what to delete to get there again. */
void settings_path_result(json_t *data, const struct edit *e, struct edit_result *r)
{
	size_t skip = strlen(SETTINGS_PATHS) + 1;
	const char *glob = e->target;
	long next = 0, number;
	bool stored = false;
	const char *key;
	json_t *value;

	json_object_foreach (data, key, value) {
		if (strncmp(key, SETTINGS_PATHS ".", skip) != 0 || !json_is_string(value))
			continue;
		stored = true;
		number = strtol(key + skip, NULL, 10);
		next = number >= next ? number + 1 : next;
		if (!strcmp(json_string_value(value), glob) && !r->value) {
			r->value = xstrdup(glob);
			r->id = xstrdup(key + skip);
		}
	}
	if (stored && e->place && !strcmp(e->place, PLACE_BUILTIN)) {
		char *numbers = numbers_of_builtin(data, e);

		if (numbers) {
			free(r->id);
			r->id = numbers;
			return;
		}
	}
	if (r->value)
		return;
	if (stored && e->kind == EDIT_PATH_ADD && e->place && is_free(data, e->place)) {
		r->id = xasprintf("@%s", e->place);
		return;
	}
	r->id = stored ? xasprintf("+%04ld", next) : xstrdup("=");
	if (!stored && is_builtin(glob))
		r->value = xstrdup(glob);
}

/* ---- writing ---- */

/* With nothing stored the built-in globs rule; the first own one replaces them all. So they are stored along, less what is removed. */
static void builtin_paths(const struct batch *b, struct settings_write *w)
{
	char key[64];
	unsigned number = 0;

	for (const char *const *p = settings_builtin_paths; *p; p++) {
		bool removed = false;

		for (size_t i = 0; i < b->count; i++) {
			const struct edit *e = &b->change->edits[b->first + i];

			removed = removed || (e->kind == EDIT_PATH_REMOVE && !strcmp(e->target, *p) && !b->skip[b->first + i]);
		}
		if (removed)
			continue;
		snprintf(key, sizeof(key), SETTINGS_PATHS ".%04u", number++);
		settings_add_value(w, key, *p);
	}
}

static void delete_numbers(const char *id, struct settings_write *w)
{
	char key[64];

	for (const char *p = id; *p == '-'; p += 1 + strcspn(p + 1, "-")) {
		snprintf(key, sizeof(key), SETTINGS_PATHS ".%.*s", (int)strcspn(p + 1, "-"), p + 1);
		settings_add_delete(w, key);
	}
}

void settings_write_path(const struct batch *b, const struct edit *e, const char *id, struct settings_write *w)
{
	unsigned next = 0;
	char key[64];

	if (!id)
		return;
	if (id[0] == '-') {
		delete_numbers(id, w);
		return;
	}
	if (id[0] == '=' && !w->builtins_done) {
		builtin_paths(b, w);
		w->builtins_done = true;
	}
	if (e->kind == EDIT_PATH_REMOVE) {
		if (id[0] != '=' && id[0] != '+') {
			snprintf(key, sizeof(key), SETTINGS_PATHS ".%s", id);
			settings_add_delete(w, key);
		}
		return;
	}
	if (id[0] == '=')
		next = (unsigned)w->value_count;
	else if (id[0] == '+')
		next = (unsigned)strtoul(id + 1, NULL, 10) + w->paths_added++;
	if (id[0] == '@')
		snprintf(key, sizeof(key), SETTINGS_PATHS ".%s", id + 1);
	else
		snprintf(key, sizeof(key), SETTINGS_PATHS ".%04u", next);
	settings_add_value(w, key, e->target);
}
