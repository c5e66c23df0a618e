/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OSC 52: what is sent to copy text to the clipboard of the terminal, also from within tmux and screen. */
#include "tui/screen.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"

#define CLIP_MAX 74994     /* bytes of base64 that terminals are known to take */
#define SCREEN_CHUNK 252   /* GNU screen cuts DCS strings at 256 bytes */

static void add_base64(struct buf *out, const unsigned char *s, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		unsigned long v = (unsigned long)s[i] << 16;

		v |= i + 1 < len ? (unsigned long)s[i + 1] << 8 : 0;
		v |= i + 2 < len ? s[i + 2] : 0;
		buf_addc(out, digits[v >> 18]);
		buf_addc(out, digits[v >> 12 & 63]);
		buf_addc(out, i + 1 < len ? digits[v >> 6 & 63] : '=');
		buf_addc(out, i + 2 < len ? digits[v & 63] : '=');
	}
}

/* tmux passes a DCS on when every ESC in it is doubled. */
static void wrap_tmux(const struct buf *osc, struct buf *out)
{
	buf_adds(out, "\033Ptmux;");
	for (size_t i = 0; i < osc->len; i++) {
		if (osc->data[i] == '\033')
			buf_addc(out, '\033');
		buf_addc(out, osc->data[i]);
	}
	buf_adds(out, "\033\\");
}

static void wrap_screen(const struct buf *osc, struct buf *out)
{
	for (size_t i = 0; i < osc->len; i += SCREEN_CHUNK) {
		size_t n = osc->len - i < SCREEN_CHUNK ? osc->len - i : SCREEN_CHUNK;

		buf_adds(out, "\033P");
		buf_add(out, osc->data + i, n);
		buf_adds(out, "\033\\");
	}
}

bool screen_clip_sequence(const char *text, size_t len, struct buf *out)
{
	const char *term = getenv("TERM");
	struct buf safe = BUF_INIT, osc = BUF_INIT;
	bool ok;

	text_safe(&safe, text, len, TEXT_MULTI);
	ok = (safe.len + 2) / 3 * 4 <= CLIP_MAX;
	if (ok) {
		buf_adds(&osc, "\033]52;c;");
		add_base64(&osc, (const unsigned char *)buf_str(&safe), safe.len);
		buf_adds(&osc, "\a");
		if (getenv("TMUX") != NULL)
			wrap_tmux(&osc, out);
		else if (term != NULL && strncmp(term, "screen", 6) == 0)
			wrap_screen(&osc, out);
		else
			buf_add(out, osc.data, osc.len);
	}
	buf_release(&safe);
	buf_release(&osc);
	return ok;
}
