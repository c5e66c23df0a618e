/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Terminal bytes to keys: UTF-8, CSI and SS3 sequences, SGR mouse reports, bracketed paste. Pure. */
#include "tui/decode.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

#define ESC '\033'
#define SEQ_MAX 64      /* longer than any sequence worth waiting for */
#define STRING_MAX 4096 /* a terminal's answer (OSC, DCS) */
#define PASTE_END "\033[201~"

enum taken { NEED_MORE = 0 }; /* otherwise bytes used */

static const struct {
	const char *bytes;
	uint32_t code;
} common[] = {
	{ "\033[A", TK_UP }, { "\033[B", TK_DOWN }, { "\033[C", TK_RIGHT }, { "\033[D", TK_LEFT },
	{ "\033OA", TK_UP }, { "\033OB", TK_DOWN }, { "\033OC", TK_RIGHT }, { "\033OD", TK_LEFT },
	{ "\033[H", TK_HOME }, { "\033[F", TK_END }, { "\033OH", TK_HOME }, { "\033OF", TK_END },
	{ "\033[1~", TK_HOME }, { "\033[4~", TK_END }, { "\033[7~", TK_HOME }, { "\033[8~", TK_END },
	{ "\033[2~", TK_INSERT }, { "\033[3~", TK_DELETE }, { "\033[5~", TK_PGUP }, { "\033[6~", TK_PGDN },
	{ "\033[Z", TK_BACKTAB }, { "\033OM", TK_ENTER },
	{ "\033OP", TK_F1 }, { "\033OQ", TK_F2 }, { "\033OR", TK_F3 }, { "\033OS", TK_F4 },
	{ "\033[11~", TK_F1 }, { "\033[12~", TK_F2 }, { "\033[13~", TK_F3 }, { "\033[14~", TK_F4 },
	{ "\033[[A", TK_F1 }, { "\033[[B", TK_F2 }, { "\033[[C", TK_F3 }, { "\033[[D", TK_F4 }, { "\033[[E", TK_F5 },
	{ "\033[15~", TK_F5 }, { "\033[17~", TK_F6 }, { "\033[18~", TK_F7 }, { "\033[19~", TK_F8 },
	{ "\033[20~", TK_F9 }, { "\033[21~", TK_F10 }, { "\033[23~", TK_F11 }, { "\033[24~", TK_F12 },
};

void decoder_init(struct decoder *d, decode_fn fn, void *arg)
{
	memset(d, 0, sizeof(*d));
	d->fn = fn;
	d->arg = arg;
	buf_init(&d->paste, PASTE_MAX);
}

void decoder_release(struct decoder *d)
{
	for (size_t i = 0; i < d->seq_len; i++)
		free(d->seq[i].bytes);
	free(d->seq);
	buf_release(&d->in);
	buf_wipe(&d->paste);
	memset(d, 0, sizeof(*d));
}

void decoder_learn(struct decoder *d, const char *bytes, uint32_t code)
{
	if (bytes == NULL || bytes[0] != ESC || bytes[1] == '\0')
		return;
	xgrow(&d->seq, &d->seq_cap, d->seq_len + 1, sizeof(*d->seq));
	d->seq[d->seq_len++] = (struct decode_seq){ xstrdup(bytes), code };
}

static void emit(struct decoder *d, uint32_t code)
{
	struct key key = { .code = code };

	d->fn(d->arg, &key);
}

/* --- paste --- */

static void keep_paste(struct decoder *d, const char *s, size_t len)
{
	size_t room = PASTE_MAX - d->paste.len;

	if (len > room) {
		d->paste_lost += len - room;
		len = room;
	}
	buf_add(&d->paste, s, len);
}

static void end_paste(struct decoder *d)
{
	struct key key = { .code = TK_PASTE };

	d->in_paste = false;
	key.paste = buf_take(&d->paste, NULL);
	buf_init(&d->paste, PASTE_MAX);
	d->fn(d->arg, &key);
}

/* All of it up to the end mark; what could be the beginning of the mark is kept back. */
static size_t take_paste(struct decoder *d, const char *s, size_t len)
{
	const char *end = memmem(s, len, PASTE_END, strlen(PASTE_END));
	size_t n;

	if (end != NULL) {
		keep_paste(d, s, (size_t)(end - s));
		end_paste(d);
		return (size_t)(end - s) + strlen(PASTE_END);
	}
	for (n = strlen(PASTE_END) - 1; n > 0; n--)
		if (n <= len && memcmp(s + len - n, PASTE_END, n) == 0)
			break;
	keep_paste(d, s, len - n);
	return len - n;
}

/* --- sequences --- */

static uint32_t modifiers(int n)
{
	uint32_t mods = 0;

	n--;
	mods |= n & 1 ? TK_SHIFT : 0;
	mods |= n & 2 ? TK_ALT : 0;
	mods |= n & 4 ? TK_CTRL : 0;
	return mods;
}

/* "<b;x;yM": a press; wheel buttons are 64 and 65. Releases and motion mean nothing here. */
static void emit_mouse(struct decoder *d, const char *s, size_t len)
{
	long v[3] = { 0, 0, 0 };
	int n = 0;
	struct key key = { .code = TK_MOUSE };

	for (size_t i = 1; i + 1 < len; i++) {
		if (s[i] == ';')
			n++;
		else if (s[i] >= '0' && s[i] <= '9' && n < 3 && v[n] < 100000)
			v[n] = v[n] * 10 + (s[i] - '0');
		if (n > 2)
			return;
	}
	if (s[len - 1] != 'M' || v[1] < 1 || v[2] < 1 || v[1] > 32000 || v[2] > 32000)
		return;
	key.x = (short)(v[1] - 1);
	key.y = (short)(v[2] - 1);
	switch (v[0] & ~28L) { /* without shift, alt, ctrl */
	case 0:
		key.mouse = MOUSE_CLICK;
		break;
	case 64:
		key.mouse = MOUSE_WHEEL_UP;
		break;
	case 65:
		key.mouse = MOUSE_WHEEL_DOWN;
		break;
	default:
		return;
	}
	d->fn(d->arg, &key);
}

/* "ESC [ 1 ; 5 C", "ESC [ 3 ; 2 ~": a known key with a modifier. s is between "ESC [" and includes the final byte. */
static void emit_modified(struct decoder *d, const char *s, size_t len)
{
	const char *semi = memchr(s, ';', len);
	char plain[SEQ_MAX + 4];
	size_t first;
	int mod = 0;

	if (semi == NULL)
		return;
	for (const char *c = semi + 1; c < s + len - 1; c++) {
		if (*c < '0' || *c > '9' || mod > 99)
			return;
		mod = mod * 10 + (*c - '0');
	}
	first = (size_t)(semi - s);
	if (mod < 2 || first > SEQ_MAX - 4)
		return;
	plain[0] = ESC;
	plain[1] = s[len - 1] >= 'P' && s[len - 1] <= 'S' ? 'O' : '[';
	memcpy(plain + 2, s, first);
	if (s[len - 1] != '~')
		first = 0; /* the leading 1 only makes room for the modifier */
	plain[2 + first] = s[len - 1];
	plain[3 + first] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(common); i++) {
		if (strcmp(common[i].bytes, plain) == 0) {
			emit(d, common[i].code | modifiers(mod));
			return;
		}
	}
}

static bool known(struct decoder *d, const char *bytes, uint32_t code, const char *s, size_t len, size_t *used, bool *more)
{
	size_t n = strlen(bytes);

	if (n <= len && memcmp(s, bytes, n) == 0) {
		emit(d, code);
		*used = n;
		return true;
	}
	if (n > len && memcmp(s, bytes, len) == 0)
		*more = true;
	return false;
}

static size_t take_known(struct decoder *d, const char *s, size_t len, bool *more)
{
	size_t used;

	for (size_t i = 0; i < d->seq_len; i++)
		if (known(d, d->seq[i].bytes, d->seq[i].code, s, len, &used, more))
			return used;
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		if (known(d, common[i].bytes, common[i].code, s, len, &used, more))
			return used;
	return 0;
}

/* ESC [ parameters final */
static size_t take_csi(struct decoder *d, const char *s, size_t len)
{
	size_t end = 2;

	while (end < len && end < SEQ_MAX && (unsigned char)s[end] >= 0x20 && (unsigned char)s[end] < 0x40)
		end++;
	if (end == SEQ_MAX)
		return SEQ_MAX; /* no key is that long */
	if (end == len)
		return NEED_MORE;
	if ((unsigned char)s[end] < 0x40 || (unsigned char)s[end] > 0x7e)
		return end; /* broken off: drop it, look at this byte afresh */
	if (end == 5 && memcmp(s + 2, "200", 3) == 0 && s[5] == '~')
		d->in_paste = true;
	else if (s[2] == '<')
		emit_mouse(d, s + 2, end - 1);
	else
		emit_modified(d, s + 2, end - 1);
	return end + 1;
}

/* An answer to a question nobody asked: OSC, DCS, APC, PM up to ST or BEL. */
static size_t take_string(const char *s, size_t len)
{
	for (size_t i = 2; i < len && i < STRING_MAX; i++) {
		if (s[i] == '\a')
			return i + 1;
		if (s[i] == ESC && i + 1 < len && s[i + 1] == '\\')
			return i + 2;
	}
	return len > STRING_MAX ? STRING_MAX : NEED_MORE;
}

static uint32_t control_key(unsigned char c)
{
	switch (c) {
	case '\r':
	case '\n':
		return TK_ENTER;
	case '\t':
		return TK_TAB;
	case 0x7f:
	case '\b':
		return TK_BACKSPACE;
	case 0:
		return TK_CTRL | ' ';
	default:
		return c <= 26 ? TK_CTRL | (uint32_t)(c - 1 + 'a') : TK_CTRL | (uint32_t)(c + 0x40);
	}
}

/* A character or a control byte. */
static size_t take_plain(struct decoder *d, const char *s, size_t len, uint32_t mods, bool forced)
{
	unsigned char c = (unsigned char)s[0];
	size_t want = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	uint32_t cp;
	int width;

	if (c < 0x20 || c == 0x7f) {
		emit(d, control_key(c) | mods);
		return 1;
	}
	if (want > len && !forced && c < 0xf8)
		return NEED_MORE;
	if (want > len || !text_utf8_valid(s, want))
		return 1; /* not UTF-8: no key */
	text_char(s, len, &cp, &width);
	emit(d, cp | mods);
	return want;
}

static size_t take_escape(struct decoder *d, const char *s, size_t len, bool forced)
{
	bool more = false;
	size_t used;

	if (len == 1) {
		if (!forced)
			return NEED_MORE;
		emit(d, TK_ESC);
		return 1;
	}
	used = take_known(d, s, len, &more);
	if (used > 0)
		return used;
	if (more && !forced)
		return NEED_MORE;
	if (s[1] == '[' && len > 2)
		used = take_csi(d, s, len);
	else if (s[1] == ']' || s[1] == 'P' || s[1] == '_' || s[1] == '^')
		used = len > 2 ? take_string(s, len) : NEED_MORE;
	else if (s[1] == ESC) {
		emit(d, TK_ESC);
		return 1;
	} else if (s[1] != '[') {
		used = take_plain(d, s + 1, len - 1, TK_ALT, forced);
		return used > 0 ? used + 1 : NEED_MORE;
	}
	if (used > 0 || !forced)
		return used;
	emit(d, TK_ESC); /* what began like a sequence was typed by hand */
	return 1;
}

static void run(struct decoder *d, bool forced)
{
	size_t at = 0;

	while (at < d->in.len) {
		const char *s = d->in.data + at;
		size_t len = d->in.len - at;
		size_t used;

		if (d->in_paste)
			used = take_paste(d, s, len);
		else if (s[0] == ESC)
			used = take_escape(d, s, len, forced);
		else
			used = take_plain(d, s, len, 0, forced);
		if (used == NEED_MORE)
			break;
		at += used;
	}
	buf_consume(&d->in, at);
}

void decoder_feed(struct decoder *d, const char *bytes, size_t len)
{
	buf_add(&d->in, bytes, len);
	run(d, false);
}

bool decoder_is_waiting(const struct decoder *d)
{
	return d->in.len > 0 && !d->in_paste;
}

void decoder_timeout(struct decoder *d)
{
	if (!d->in_paste)
		run(d, true);
}
