/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client/rescue_text.h"

#include <string.h>

#include "client/json.h"

#define BLOCKED "server.security.blocked-networks."

bool rescue_text_each(const char *text, void (*fn)(void *arg, const char *key, const char *value), void *arg)
{
	json_t *pairs = json_read(text, strlen(text), NULL), *pair;
	bool ok = json_is_array(pairs);
	size_t i;

	json_array_foreach (pairs, i, pair) {
		const char *key = json_string_value(json_array_get(pair, 0)),
			   *value = json_string_value(json_array_get(pair, 1));

		if (key && !strncmp(key, BLOCKED, strlen(BLOCKED)))
			fn(arg, key + strlen(BLOCKED), value ? value : "");
	}
	json_decref(pairs);
	return ok;
}
