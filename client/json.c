/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jansson with this project's flags and habits. */
#include "client/json.h"

#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

void json_memory_init(void)
{
	json_set_alloc_funcs(wiping_malloc, wiping_free);
}

json_t *json_read(const char *s, size_t len, struct err *err)
{
	json_error_t why;
	json_t *v = json_loadb(s ? s : "", s ? len : 0, JSON_ALLOW_NUL, &why);

	if (!v)
		err_set(err, ERR_PROTOCOL, "the answer is not JSON: %s at byte %d", why.text, why.position);
	return v;
}

const char *json_get_str(const json_t *object, const char *key, size_t *len)
{
	const json_t *v = json_object_get(object, key);

	if (len)
		*len = json_string_length(v);
	return json_string_value(v);
}

char *json_get_text(const json_t *object, const char *key, char *out, size_t size)
{
	size_t len;
	const char *s = json_get_str(object, key, &len);

	return text_safe_str(out, size, s ? s : "", s ? len : 0);
}

bool json_get_int(const json_t *object, const char *key, int64_t *out)
{
	const json_t *v = json_object_get(object, key);

	if (json_is_integer(v)) {
		*out = json_integer_value(v);
		return true;
	}
	if (json_is_real(v)) {
		double d = json_real_value(v);

		if (!(fabs(d) < 9e15) || d != floor(d))
			return false;
		*out = (int64_t)d;
		return true;
	}
	return json_is_string(v) && strlen(json_string_value(v)) == json_string_length(v) &&
		text_int(json_string_value(v), INT64_MIN, INT64_MAX, out);
}

bool json_get_bool(const json_t *object, const char *key, bool *out)
{
	const json_t *v = json_object_get(object, key);
	const char *s = json_string_value(v);

	if (!json_is_boolean(v) && !(s && (!strcmp(s, "true") || !strcmp(s, "false"))))
		return false;
	*out = json_is_true(v) || (s && !strcmp(s, "true"));
	return true;
}

void json_put_str(struct buf *out, const char *s, size_t len)
{
	size_t i = 0;

	buf_addc(out, '"');
	while (i < len) {
		unsigned char c = (unsigned char)s[i];
		size_t plain = i;
		int width, n;
		uint32_t cp;

		while (plain < len && s[plain] >= 0x20 && s[plain] < 0x7f && s[plain] != '"' && s[plain] != '\\')
			plain++;
		if (plain > i) {
			buf_add(out, s + i, plain - i);
			i = plain;
			continue;
		}
		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
			if (c == '"')
				buf_add(out, "\\\"", 2);
			else if (c == '\\')
				buf_add(out, "\\\\", 2);
			else
				buf_addf(out, "\\u%04x", c);
			i++;
			continue;
		}
		n = text_char(s + i, len - i, &cp, &width);
		if (c >= 0x80 && n == 1)
			buf_adds(out, "\xef\xbf\xbd");
		else
			buf_add(out, s + i, (size_t)n);
		i += (size_t)n;
	}
	buf_addc(out, '"');
}

static int put_piece(const char *s, size_t len, void *arg)
{
	return buf_add(arg, s, len) ? 0 : -1;
}

void json_put(struct buf *out, const json_t *v)
{
	json_dump_callback(v, put_piece, out, JSON_COMPACT | JSON_ENCODE_ANY);
}
