/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Terminal bytes to keys, in one piece and cut at every byte; pastes; junk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tui/decode.h"

struct got {
	struct buf text;
};

static void collect(void *arg, const struct key *key)
{
	struct got *got = arg;
	char name[64];

	if (key->code == TK_MOUSE)
		buf_addf(&got->text, "[mouse %d %d,%d]", (int)key->mouse, key->x, key->y);
	else if (key->code == TK_PASTE)
		buf_addf(&got->text, "[paste %s]", key->paste);
	else
		buf_adds(&got->text, key_format(key->code, false, false, name, sizeof(name)));
	free(key->paste);
}

static const struct {
	const char *bytes, *keys;
} rows[] = {
	{ "jk", "jk" },
	{ "\r\n\t\x7f\b", "<Enter><Enter><Tab><BS><BS>" },
	{ "\x01\x1a\x03", "<C-a><C-z><C-c>" },
	{ "\x1c\x1d", "<C-\\><C-]>" },
	{ "\033[A\033OB\033[C", "<Up><Down><Right>" },
	{ "\033[5~\033[6~\033[3~", "<PageUp><PageDown><Del>" },
	{ "\033[1;5C\033[1;2A\033[3;5~\033[1;3P", "<C-Right><S-Up><C-Del><M-F1>" },
	{ "\033OP\033[15~\033[24~\033[Z", "<F1><F5><F12><S-Tab>" },
	{ "\033x\033\r", "<M-x><M-Enter>" },
	{ "\033\033[A", "<Esc><Up>" },
	{ "é漢😀", "é漢😀" },
	{ "a\xff\xfe" "b", "ab" },
	{ "\xc3" "x", "x" },
	{ "\xed\xa0\x80" "b", "b" },
	{ "\033[<0;5;7M\033[<0;5;7m\033[<64;1;1M\033[<65;200;50M\033[<35;1;1M", "[mouse 1 4,6][mouse 2 0,0][mouse 3 199,49]" },
	{ "\033[<0;99999999999;1Mx", "x" },
	{ "\033[200~d y\nq\033[201~z", "[paste d y\nq]z" },
	{ "\033[200~\033[A\033[20\033[201~", "[paste \033[A\033[20]" },
	{ "\033[?62;22c\033]52;c;aGk=\a\033P1$r0m\033\\q", "q" },
	{ "\033[I\033[Oq", "q" },
	{ "\033[99;5uq", "q" },
	{ "\033[3\001j", "<C-a>j" },
};

static void run(const char *bytes, size_t len, size_t cut, struct buf *out)
{
	struct got got = { BUF_INIT };
	struct decoder d;

	decoder_init(&d, collect, &got);
	decoder_feed(&d, bytes, cut);
	decoder_feed(&d, bytes + cut, len - cut);
	assert_false(decoder_is_waiting(&d));
	decoder_timeout(&d);
	*out = got.text;
	decoder_release(&d);
}

static void test_at_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].bytes);

		for (size_t cut = 0; cut <= len; cut++) {
			struct buf out;

			run(rows[i].bytes, len, cut, &out);
			assert_string_equal(buf_str(&out), rows[i].keys);
			buf_release(&out);
		}
	}
}

static void test_lone_escape_waits(void **state)
{
	struct got got = { BUF_INIT };
	struct decoder d;

	(void)state;
	decoder_init(&d, collect, &got);
	decoder_feed(&d, "\033", 1);
	assert_true(decoder_is_waiting(&d));
	assert_int_equal(got.text.len, 0);
	decoder_timeout(&d);
	assert_string_equal(buf_str(&got.text), "<Esc>");
	decoder_feed(&d, "\033[", 2);
	decoder_timeout(&d);
	assert_string_equal(buf_str(&got.text), "<Esc><Esc>[");
	decoder_feed(&d, "\xe6\xbc", 2);
	assert_true(decoder_is_waiting(&d));
	decoder_timeout(&d);
	assert_false(decoder_is_waiting(&d));
	assert_string_equal(buf_str(&got.text), "<Esc><Esc>[");
	buf_release(&got.text);
	decoder_release(&d);
}

static void test_learned_sequences(void **state)
{
	struct got got = { BUF_INIT };
	struct decoder d;

	(void)state;
	decoder_init(&d, collect, &got);
	decoder_learn(&d, "\033[OZ", TK_F9);
	decoder_learn(&d, NULL, TK_F9);
	decoder_learn(&d, "x", TK_F9); /* not a sequence */
	decoder_feed(&d, "\033[OZx", 5);
	assert_string_equal(buf_str(&got.text), "<F9>x");
	buf_release(&got.text);
	decoder_release(&d);
}

static void test_huge_paste_is_capped(void **state)
{
	struct got got = { BUF_INIT };
	struct decoder d;
	char block[1000];

	(void)state;
	memset(block, 'x', sizeof(block));
	block[500] = '\n';
	decoder_init(&d, collect, &got);
	decoder_feed(&d, "\033[200~", 6);
	for (int i = 0; i < 1000; i++)
		decoder_feed(&d, block, sizeof(block));
	assert_int_equal(got.text.len, 0);
	assert_true(d.in.len < 16);
	decoder_feed(&d, "\033[201~j", 7);
	assert_int_equal(got.text.len, PASTE_MAX + strlen("[paste ]j"));
	assert_int_equal(d.paste_lost, 1000000 - PASTE_MAX);
	buf_release(&got.text);
	decoder_release(&d);
}

static void test_junk_never_hangs(void **state)
{
	struct got got = { BUF_INIT };
	struct decoder d;
	unsigned seed = 12345;

	(void)state;
	decoder_init(&d, collect, &got);
	for (int i = 0; i < 200000; i++) {
		static const char likely[] = "\033\033[[O<;;0123456789Mm~]P\\\a\xc3\xe2";
		char c;

		seed = seed * 1103515245 + 12345;
		c = (seed >> 16) % 3 == 0 ? (char)(seed >> 20) : likely[(seed >> 18) % (sizeof(likely) - 1)];
		decoder_feed(&d, &c, 1);
		if (i % 997 == 0)
			decoder_timeout(&d);
		assert_true(d.in.len < 8192);
		if (d.in_paste)
			decoder_feed(&d, "\033[201~", 6);
	}
	buf_release(&got.text);
	decoder_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_every_cut),
		cmocka_unit_test(test_lone_escape_waits),
		cmocka_unit_test(test_learned_sequences),
		cmocka_unit_test(test_huge_paste_is_capped),
		cmocka_unit_test(test_junk_never_hangs),
	};

	return cmocka_run_group_tests_name("tui_decode", tests, NULL, NULL);
}
