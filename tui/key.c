/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys as text: "<C-r>", "gg", "<F1>". Knows no keymap and no terminal. */
#include "tui/key.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/text.h"

static const struct {
	const char *name;
	uint32_t code;
} names[] = {
#define KEY_NAME(id, name) { name, TK_##id },
	KEY_INFO(KEY_NAME)
#undef KEY_NAME
	{ "CR", TK_ENTER }, { "Return", TK_ENTER }, { "Escape", TK_ESC }, { "Backspace", TK_BACKSPACE },
	{ "Delete", TK_DELETE }, { "PgUp", TK_PGUP }, { "PgDn", TK_PGDN }, { "Ins", TK_INSERT },
};

/* Named characters stay characters: what a terminal sends for them is no code of its own. */
static uint32_t plain(uint32_t code)
{
	switch (code) {
	case TK_SPACE:
		return ' ';
	case TK_LT:
		return '<';
	case TK_COLON:
		return ':';
	default:
		return code;
	}
}

static bool parse_name(const char *s, size_t len, uint32_t *code)
{
	uint32_t mods = 0, cp;
	int width;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strlen(names[i].name) == len && strncasecmp(names[i].name, s, len) == 0) {
			*code = plain(names[i].code);
			return true;
		}
	}
	if (len < 3 || s[1] != '-')
		return false;
	switch (s[0]) {
	case 'C':
	case 'c':
		mods = TK_CTRL;
		break;
	case 'M':
	case 'm':
	case 'A':
	case 'a':
		mods = TK_ALT;
		break;
	case 'S':
	case 's':
		mods = TK_SHIFT;
		break;
	default:
		return false;
	}
	if ((size_t)text_char(s + 2, len - 2, &cp, &width) == len - 2) {
		if (mods == TK_SHIFT)
			return false; /* "S-a" is "A" */
		if (mods == TK_CTRL && cp >= 'A' && cp <= 'Z')
			cp += 'a' - 'A';
	} else if (!parse_name(s + 2, len - 2, &cp)) {
		return false;
	}
	*code = cp | mods;
	return true;
}

size_t key_parse(const char *s, uint32_t *code)
{
	const char *end;
	size_t len = strlen(s);
	int width;

	if (len == 0 || (unsigned char)s[0] < ' ' || s[0] == 0x7f)
		return 0;
	if (s[0] != '<') {
		size_t n = (size_t)text_char(s, len, code, &width);

		return text_utf8_valid(s, n) ? n : 0;
	}
	end = strchr(s, '>');
	if (end == NULL || !parse_name(s + 1, (size_t)(end - s - 1), code))
		return 0;
	return (size_t)(end - s) + 1;
}

int keys_parse(const char *s, uint32_t *codes, int max)
{
	int n = 0;

	while (*s != '\0') {
		size_t used = n < max ? key_parse(s, &codes[n]) : 0;

		if (used == 0)
			return -1;
		s += used;
		n++;
	}
	return n;
}

static int put_utf8(uint32_t cp, char out[5])
{
	int n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;

	if (n == 1) {
		out[0] = (char)cp;
	} else {
		for (int i = n - 1; i > 0; i--, cp >>= 6)
			out[i] = (char)(0x80 | (cp & 0x3f));
		out[0] = (char)((0xf00 >> n & 0xff) | cp);
	}
	out[n] = '\0';
	return n;
}

static const char *name_of(uint32_t code, char utf8[5])
{
	if (code == ' ')
		return "Space";
	if (code == '<')
		return "lt";
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].code == code)
			return names[i].name;
	put_utf8(code, utf8);
	return utf8;
}

static char *format_pretty(uint32_t code, bool ascii, char *out, size_t size)
{
	uint32_t base = code & ~(TK_CTRL | TK_ALT | TK_SHIFT);
	char utf8[5];
	const char *name = name_of(base, utf8);
	static const struct {
		uint32_t code;
		const char *sign;
	} signs[] = { { TK_ENTER, "⏎" }, { TK_UP, "↑" }, { TK_DOWN, "↓" }, { TK_LEFT, "←" }, { TK_RIGHT, "→" } };

	if (base == '<')
		name = "<";
	for (size_t i = 0; !ascii && i < ARRAY_LEN(signs); i++)
		if (signs[i].code == base)
			name = signs[i].sign;
	if ((code & TK_CTRL) != 0 && base >= 'a' && base <= 'z')
		snprintf(out, size, "^%c", (char)(base - 'a' + 'A'));
	else
		snprintf(out, size, "%s%s%s%s", code & TK_CTRL ? "Ctrl-" : "", code & TK_ALT ? "Alt-" : "",
			code & TK_SHIFT ? "Shift-" : "", name);
	return out;
}

char *key_format(uint32_t code, bool pretty, bool ascii, char *out, size_t size)
{
	uint32_t base = code & ~(TK_CTRL | TK_ALT | TK_SHIFT);
	char utf8[5];
	const char *name;

	if (pretty)
		return format_pretty(code, ascii, out, size);
	name = name_of(base, utf8);
	if (code == base && name == utf8)
		snprintf(out, size, "%s", name);
	else
		snprintf(out, size, "<%s%s%s%s>", code & TK_CTRL ? "C-" : "", code & TK_ALT ? "M-" : "",
			code & TK_SHIFT ? "S-" : "", name);
	return out;
}
