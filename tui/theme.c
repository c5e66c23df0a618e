/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Theme files: `role fg bg attrs` lines into styles. Knows no curses; draw.c turns styles into attributes. */
#include "tui/theme.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/text.h"

#define THEME_FILE_MAX 65536

static const char *const role_names[] = {
#define ROLE_NAME(id, name, help) [ROLE_##id] = name,
	ROLE_INFO(ROLE_NAME)
#undef ROLE_NAME
};
static_assert(ARRAY_LEN(role_names) == ROLE_COUNT, "one name per role");

static const char builtin[] = {
#include "gen/themes/default.theme.h"
	0
};

static const char *const colour_names[] = { "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white" };

static const struct {
	const char *name;
	unsigned attr;
} attr_names[] = {
	{ "bold", STYLE_BOLD }, { "dim", STYLE_DIM }, { "underline", STYLE_UNDERLINE },
	{ "reverse", STYLE_REVERSE }, { "italic", STYLE_ITALIC }, { "-", 0 },
};

const char *role_name(enum role r)
{
	return r < ROLE_COUNT ? role_names[r] : "?";
}

bool role_parse(const char *name, enum role *out)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		if (strcmp(role_names[i], name) == 0) {
			*out = (enum role)i;
			return true;
		}
	}
	return false;
}

static bool parse_hex(const char *s, int *out)
{
	char *end;
	unsigned long v;

	if (strlen(s) != 6 || strspn(s, "0123456789abcdefABCDEF") != 6)
		return false;
	errno = 0;
	v = strtoul(s, &end, 16);
	*out = COLOUR_RGB | (int)v;
	return true;
}

bool colour_parse(const char *s, int *out)
{
	int bright = strncmp(s, "bright-", 7) == 0 ? 8 : 0;
	int64_t n;

	if (strcmp(s, "default") == 0) {
		*out = COLOUR_DEFAULT;
		return true;
	}
	if (strcmp(s, "-") == 0) {
		*out = COLOUR_KEEP;
		return true;
	}
	if (s[0] == '#')
		return parse_hex(s + 1, out);
	for (size_t i = 0; i < ARRAY_LEN(colour_names); i++) {
		if (strcmp(s + (bright ? 7 : 0), colour_names[i]) == 0) {
			*out = (int)i + bright;
			return true;
		}
	}
	if (!text_int(s, 0, 255, &n))
		return false;
	*out = (int)n;
	return true;
}

/* --- reduction to what the terminal has --- */

static void rgb_of(int colour, int rgb[3])
{
	static const int base[16][3] = {
		{ 0, 0, 0 }, { 205, 0, 0 }, { 0, 205, 0 }, { 205, 205, 0 }, { 0, 0, 238 }, { 205, 0, 205 },
		{ 0, 205, 205 }, { 229, 229, 229 }, { 127, 127, 127 }, { 255, 0, 0 }, { 0, 255, 0 },
		{ 255, 255, 0 }, { 92, 92, 255 }, { 255, 0, 255 }, { 0, 255, 255 }, { 255, 255, 255 },
	};
	static const int cube[6] = { 0, 95, 135, 175, 215, 255 };

	if (colour & COLOUR_RGB) {
		rgb[0] = colour >> 16 & 0xff;
		rgb[1] = colour >> 8 & 0xff;
		rgb[2] = colour & 0xff;
	} else if (colour < 16) {
		memcpy(rgb, base[colour], sizeof(base[colour]));
	} else if (colour < 232) {
		rgb[0] = cube[(colour - 16) / 36];
		rgb[1] = cube[(colour - 16) / 6 % 6];
		rgb[2] = cube[(colour - 16) % 6];
	} else {
		rgb[0] = rgb[1] = rgb[2] = 8 + (colour - 232) * 10;
	}
}

static int nearest(int colour, int from, int to)
{
	int want[3], have[3], best = from;
	long best_distance = 0;

	rgb_of(colour, want);
	for (int i = from; i < to; i++) {
		long d = 0;

		rgb_of(i, have);
		for (int k = 0; k < 3; k++)
			d += (long)(want[k] - have[k]) * (want[k] - have[k]);
		if (i == from || d < best_distance) {
			best = i;
			best_distance = d;
		}
	}
	return best;
}

int colour_reduce(int colour, int n)
{
	if (colour < 0)
		return colour;
	if (n < 8)
		return COLOUR_DEFAULT;
	if (n > 65536) { /* direct colour: numbers above 7 are RGB */
		int rgb[3];

		if (colour < 8)
			return colour;
		rgb_of(colour, rgb);
		return rgb[0] << 16 | rgb[1] << 8 | rgb[2];
	}
	if (colour < n && !(colour & COLOUR_RGB))
		return colour;
	if (n >= 256)
		return nearest(colour, 16, 256); /* the first 16 look different on each terminal */
	if (n >= 16)
		return nearest(colour, 0, 16);
	if (!(colour & COLOUR_RGB) && colour < 16)
		return colour - 8;
	return nearest(colour, 0, 8);
}

/* --- parsing --- */

static bool parse_attr(const char *word, unsigned *attr)
{
	for (size_t i = 0; i < ARRAY_LEN(attr_names); i++) {
		if (strcmp(attr_names[i].name, word) == 0) {
			*attr |= attr_names[i].attr;
			return true;
		}
	}
	return false;
}

/* The next blank-separated word of *at, terminated in place; NULL at the end. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \t\r");
	size_t n = strcspn(word, " \t\r");

	if (n == 0)
		return NULL;
	*at = word + n + (word[n] != '\0');
	word[n] = '\0';
	return word;
}

static bool parse_line(struct theme *t, const char *name, int line_no, char *line, struct err *err)
{
	char *word[3] = { NULL, NULL, NULL };
	struct style s = { COLOUR_DEFAULT, COLOUR_DEFAULT, 0 };
	enum role role;
	int n = 0;

	for (char *w = next_word(&line); w != NULL; w = next_word(&line)) {
		if (n == 0 && w[0] == '#')
			return true;
		if (n < 3)
			word[n] = w;
		else if (!parse_attr(w, &s.attr))
			return err_set(err, ERR_USAGE,
				"theme %s, line %d: no attribute \"%s\" (bold dim underline reverse italic)", name, line_no, w);
		n++;
	}
	if (n == 0)
		return true;
	if (n < 3)
		return err_set(err, ERR_USAGE, "theme %s, line %d: expected: role fg bg [attributes]", name, line_no);
	if (!role_parse(word[0], &role))
		return err_set(err, ERR_USAGE, "theme %s, line %d: no role \"%s\"", name, line_no, word[0]);
	if (!colour_parse(word[1], &s.fg) || !colour_parse(word[2], &s.bg))
		return err_set(err, ERR_USAGE,
			"theme %s, line %d: colours are names, bright-names, 0-255, #rrggbb, default or -", name, line_no);
	t->role[role] = s;
	return true;
}

static bool parse_into(struct theme *t, const char *name, const char *text, size_t len, struct err *err)
{
	int line_no = 0;

	while (len > 0) {
		const char *eol = memchr(text, '\n', len);
		size_t n = eol != NULL ? (size_t)(eol - text) : len;
		char line[256];

		line_no++;
		if (n >= sizeof(line))
			return err_set(err, ERR_USAGE, "theme %s, line %d: too long", name, line_no);
		memcpy(line, text, n);
		line[n] = '\0';
		if (!parse_line(t, name, line_no, line, err))
			return false;
		n += eol != NULL;
		text += n;
		len -= n;
	}
	return true;
}

void theme_default(struct theme *t)
{
	struct err err = ERR_INIT;

	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "default");
	for (size_t i = 0; i < ROLE_COUNT; i++)
		t->role[i] = (struct style){ COLOUR_DEFAULT, COLOUR_DEFAULT, 0 };
	if (!parse_into(t, "default", builtin, sizeof(builtin) - 1, &err))
		die("compiled-in theme: %s", err.msg);
}

bool theme_parse(struct theme *t, const char *name, const char *text, size_t len, struct err *err)
{
	struct theme fresh;

	theme_default(&fresh);
	snprintf(fresh.name, sizeof(fresh.name), "%s", name);
	if (!parse_into(&fresh, name, text, len, err))
		return false;
	*t = fresh;
	return true;
}

static bool read_theme(const char *path, struct buf *out)
{
	char chunk[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(out, chunk, (size_t)n);
	close(fd);
	return n == 0 && !out->overflow;
}

bool theme_load(struct theme *t, const char *name, const char *const dirs[], struct err *err)
{
	struct buf text;
	bool ok;

	if (name[0] == '\0' || strchr(name, '/') != NULL || strlen(name) >= sizeof(t->name))
		return err_set(err, ERR_USAGE, "\"%s\" is no theme name", name);
	for (size_t i = 0; dirs != NULL && dirs[i] != NULL; i++) {
		char *path = xasprintf("%s/%s.theme", dirs[i], name);

		buf_init(&text, THEME_FILE_MAX);
		ok = read_theme(path, &text);
		free(path);
		if (ok) {
			ok = theme_parse(t, name, buf_str(&text), text.len, err);
			buf_release(&text);
			return ok;
		}
		buf_release(&text);
	}
	if (strcmp(name, "default") == 0) {
		theme_default(t);
		return true;
	}
	return err_set(err, ERR_NOT_FOUND, "no theme \"%s\"", name);
}

struct style style_overlay(struct style base, struct style top)
{
	if (top.fg != COLOUR_KEEP)
		base.fg = top.fg;
	if (top.bg != COLOUR_KEEP)
		base.bg = top.bg;
	base.attr |= top.attr;
	return base;
}

/* What a colour said must be said otherwise: a filled bar becomes reverse video. */
void theme_strip_colours(struct theme *t)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		struct style *s = &t->role[i];

		if (s->bg >= 0)
			s->attr |= STYLE_REVERSE;
		if (s->fg != COLOUR_KEEP)
			s->fg = COLOUR_DEFAULT;
		if (s->bg != COLOUR_KEEP)
			s->bg = COLOUR_DEFAULT;
	}
}
