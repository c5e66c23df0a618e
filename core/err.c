/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filling an error. Knows nothing of who shows it. */
#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"

/* Room for text that shrinks when made safe (floods of combining marks), so that msg is well used.
 */
#define ERR_RAW 2048

static const char *const code_text[] = {
#define ERR_TEXT(id, text) [ERR_##id] = text,
	ERR_INFO(ERR_TEXT)
#undef ERR_TEXT
};
_Static_assert(sizeof(code_text) / sizeof(code_text[0]) == ERR_COUNT, "one text per code");

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	char raw[ERR_RAW];
	va_list ap;

	if (!err || err->code != ERR_NONE)
		return false;
	err->code = code;
	va_start(ap, fmt);
	if (vsnprintf(raw, sizeof(raw), fmt, ap) < 0)
		raw[0] = '\0';
	va_end(ap);
	text_safe_str(err->msg, sizeof(err->msg), raw, strlen(raw));
	explicit_bzero(raw, sizeof(raw));
	return false;
}

void err_clear(struct err *err)
{
	err->code = ERR_NONE;
	err->msg[0] = '\0';
}

const char *err_code_text(enum err_code code)
{
	if ((unsigned)code >= ERR_COUNT)
		return code_text[ERR_INTERNAL];
	return code_text[code];
}
