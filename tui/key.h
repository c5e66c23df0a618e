/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys as numbers and as text: a Unicode character, or one of enum key_code, each possibly with a modifier. */
#ifndef TUI_KEY_H
#define TUI_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* _(ID, name between angle brackets) */
#define KEY_INFO(_)                                                                                \
	_(ENTER, "Enter") _(TAB, "Tab") _(BACKTAB, "S-Tab") _(ESC, "Esc") _(BACKSPACE, "BS")       \
	_(SPACE, "Space") _(UP, "Up") _(DOWN, "Down") _(LEFT, "Left") _(RIGHT, "Right")            \
	_(HOME, "Home") _(END, "End") _(PGUP, "PageUp") _(PGDN, "PageDown")                        \
	_(INSERT, "Insert") _(DELETE, "Del")                                                       \
	_(F1, "F1") _(F2, "F2") _(F3, "F3") _(F4, "F4") _(F5, "F5") _(F6, "F6") _(F7, "F7")        \
	_(F8, "F8") _(F9, "F9") _(F10, "F10") _(F11, "F11") _(F12, "F12")                          \
	_(LT, "lt") _(COLON, "Colon")                                                              \
	_(MOUSE, "Mouse") _(PASTE, "Paste")

enum key_code {
	KEY_CODE_BASE = 0x200000, /* above Unicode */
#define KEY_ENUM(id, name) TK_##id,
	KEY_INFO(KEY_ENUM)
#undef KEY_ENUM
	KEY_CODE_END
};

#define TK_CTRL 0x1000000u  /* with a lower-case letter or a code */
#define TK_ALT 0x2000000u
#define TK_SHIFT 0x4000000u /* with a code only */

enum mouse_event { MOUSE_CLICK = 1, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN };

struct key {
	uint32_t code;
	short x, y;             /* TK_MOUSE */
	enum mouse_event mouse;
	char *paste;            /* TK_PASTE: owned by the queue until key_release() */
};

/* One key of `s`: a character or "<Name>", "<C-x>", "<M-x>", "<S-Up>". Returns bytes used, 0 when it is none. Space, `<` and
 * `:` have names, plain space and colon work as well. Enter is also <CR>, Alt also <A-x>. */
size_t key_parse(const char *s, uint32_t *code);
/* "<C-r>", "j", "<Space>"; with `pretty` as people say it: "^R", "j", "Space", "⏎" (ASCII: "Enter"). Returns out. */
char *key_format(uint32_t code, bool pretty, bool ascii, char *out, size_t size);
/* A whole sequence, at most max keys; -1 when malformed or longer. */
int keys_parse(const char *s, uint32_t *codes, int max);

#endif
